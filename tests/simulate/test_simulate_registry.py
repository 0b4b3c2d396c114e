"""The registry: what is needed comes first, each process has its own stream, nothing is made twice or left out."""

from __future__ import annotations

from graphlib import CycleError

import numpy as np
import pytest

from crmlab.simulate import core, numbers, registry
from crmlab.simulate.registry import Process, Setting

SETTING = Setting(1, 50, 10)


def step(name, make, needs=(), **makes):
    parts = {"tables": (), "truth": (), "inner": (), "adds": ()} | makes
    return Process(name, make, needs, **parts)


def run(monkeypatch, *steps, **how):
    found = registry.ordered({one.name: one for one in steps})
    monkeypatch.setattr(registry, "processes", lambda: found)
    return registry.run(SETTING, **how)


def test_every_process_comes_after_what_it_needs():
    seen = set()
    for one in registry.processes():
        needs = {registry._result(need) for need in one.needs} - {"rng", "draw", "setting"}
        assert needs <= seen, one.name
        seen |= set(one.makes)


def test_every_process_makes_something_and_somebody_uses_it():
    needed = {registry._result(need) for one in registry.processes() for need in one.needs}
    for one in registry.processes():
        assert one.makes, one.name
        assert set(one.inner) | set(one.adds) <= needed, f"{one.name} hands on what nobody needs"


def test_contributions_come_as_a_list_in_the_order_of_names(monkeypatch):
    made = run(
        monkeypatch,
        step("late", lambda: {"extra": "of late"}, adds=("extra",)),
        step("early", lambda: {"extra": "of early"}, adds=("extra",)),
        step("all", lambda extra: extra, needs=("extra",), inner=("all",)),
    )
    assert made["all"] == ["of early", "of late"]


def test_each_process_has_its_own_stream(monkeypatch):
    made = run(
        monkeypatch,
        step("one", lambda rng: rng.random(), needs=("rng",), inner=("a",)),
        step("two", lambda rng: rng.random(), needs=("rng",), inner=("b",)),
        step("three", lambda draw: draw("part").random(), needs=("draw",), inner=("c",)),
    )
    assert made["a"] == core.generator(1, "one").random()
    assert made["c"] == core.generator(1, "three/part").random()
    assert len({made["a"], made["b"], made["c"]}) == 3


def test_the_truth_of_another_process_is_asked_for_by_its_name(monkeypatch):
    made = run(
        monkeypatch,
        step("who", lambda: {"truth:people": 7}, truth=("people",)),
        step("use", lambda truth_people: truth_people + 1, needs=("truth_people",), inner=("more",)),
    )
    assert made["more"] == 8


@pytest.mark.parametrize(
    ("steps", "error", "says"),
    [
        (
            [step("a", None, needs=("nothing",), inner=("x",))],
            ValueError,
            "a needs nothing, which no process",
        ),
        (
            [step("a", None, tables=("x",)), step("b", None, tables=("x",))],
            ValueError,
            "x is made by a and b",
        ),
        ([step("a", None, inner=("x",)), step("b", None, adds=("x",))], ValueError, "x is made by a and b"),
        ([step("a", None, ("y",), inner=("x",)), step("b", None, ("x",), inner=("y",))], CycleError, "cycle"),
        ([step("a", lambda: {"y": 1}, inner=("x",))], ValueError, r"a makes \['y'\], registered are"),
        ([step("a", lambda: {}, inner=("x",))], ValueError, r"a makes \[\], registered are"),
    ],
)
def test_slips_are_named(monkeypatch, steps, error, says):
    with pytest.raises(error, match=says):
        run(monkeypatch, *steps)


def test_progress_hears_every_process():
    heard = []
    registry.run(SETTING, heard.append)
    assert heard == [one.name for one in registry.processes()]


# -- a part of the world, and what would have been ------------------------------------------------

LETTERS = ("mailing_contacts", "truth:mailing_contacts")


@pytest.fixture
def chain():
    """Bases 1 and 10, two trials that add 100 and 1000 to the first, their sum, a table and a truth on top."""
    return (
        step("base", lambda: {"low": 1, "high": 10}, inner=("low", "high")),
        step(
            "one", lambda low: {"file": low, "extra": 100 * low}, ("low",), tables=("file",), adds=("extra",)
        ),
        step("two", lambda low: {"extra": 1000 * low}, ("low",), adds=("extra",)),
        step("total", lambda low, extra: low + sum(extra), ("low", "extra"), inner=("total",)),
        step(
            "top",
            lambda total: {"top": total, "truth:top": -total},
            ("total",),
            tables=("top",),
            truth=("top",),
        ),
        step("beside", lambda high, truth_top: high, ("high", "truth_top"), tables=("beside",)),
    )


def test_wanted_runs_what_it_rests_on_and_nothing_else(monkeypatch, chain):
    heard = []
    made = run(monkeypatch, *chain, wanted=["low"], progress=heard.append)
    assert (made, heard) == ({"low": 1, "high": 10}, ["base"])
    made = run(monkeypatch, *chain, wanted=(name for name in ["total"]))
    assert made == {"low": 1, "high": 10, "file": 1, "extra": {"one": 100, "two": 1000}, "total": 1101}
    assert set(run(monkeypatch, *chain, wanted=["truth:top", "file"])) == {*made, "top", "truth:top"}
    assert "truth:top" in run(monkeypatch, *chain, wanted=["beside"])  # asked for as truth_top
    assert run(monkeypatch, *chain, wanted=[]) == {}


def test_without_leaves_out_what_a_process_adds_and_nothing_else_it_makes(monkeypatch, chain):
    made = run(monkeypatch, *chain, without=["two"])
    assert (made["extra"], made["total"]) == ({"one": 100}, 101)
    made = run(monkeypatch, *chain, without=(name for name in ["one", "two"]))
    assert (made["extra"], made["total"], made["file"]) == ({}, 1, 1)
    assert run(monkeypatch, *chain)["total"] == 1101


def test_changed_alters_a_result_before_others_read_it(monkeypatch, chain):
    made = run(monkeypatch, *chain, changed={"low": lambda low: low + 1, "truth:top": abs})
    assert (made["low"], made["high"], made["file"], made["total"]) == (2, 10, 2, 2202)
    assert (made["top"], made["truth:top"]) == (2202, 2202)
    made = run(monkeypatch, *chain, changed={"extra": lambda share: share // 10})  # of each that adds
    assert (made["extra"], made["total"]) == ({"one": 10, "two": 100}, 111)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"wanted": ["totl"]}, "totl is not the name of a result"),
        ({"wanted": "top"}, "o is not the name of a result"),  # a name instead of names
        ({"without": ["three"]}, "three is not the name of a process that adds"),
        ({"without": ["total"]}, "total is not the name of a process that adds"),
        ({"changed": {"one": abs}}, "one is not the name of a result"),
    ],
)
def test_a_slip_in_a_name_does_not_go_unnoticed(monkeypatch, chain, how, says):
    with pytest.raises(ValueError, match=says):
        run(monkeypatch, *chain, **how)


def test_a_part_is_the_same_as_in_the_whole_world():
    whole, part = registry.run(SETTING), registry.run(SETTING, wanted=LETTERS)
    assert set(LETTERS) <= set(part) < set(whole)
    assert not set(part) & {"accounts", "contacts", "kano_survey"}
    for name in (*LETTERS, "orders", "consumers"):
        assert part[name].equals(whole[name]), name


def test_without_trials_the_ledger_holds_base_orders():
    setting = Setting(1, 400, 10)
    trials = [one.name for one in registry.processes() if one.adds]
    made = registry.run(setting, wanted=["ledger", "customer_care"], without=trials)
    assert len(made["ledger"]) == len(made["base_orders"])
    assert len(made["customer_care"])
    assert made["extra_orders"] == made["lost_orders"] == {}
    assert len(registry.run(setting, wanted=["ledger"])["ledger"]) > len(made["ledger"])


# -- numbers beside their process -----------------------------------------------------------------


@pytest.fixture
def stated(monkeypatch):
    rows = {}
    monkeypatch.setattr(numbers, "_ROWS", rows)
    return rows


def test_what_is_stated_is_what_is_read_and_what_truth_shows(stated):
    one = numbers.numbers("tea", price=(52.0, "yuan", "of a tin"))
    two = numbers.grid("tea", "taste", ("a", "b"), ("x", "y"), [(1, 2), (3, 4)], "points", "of a kind")
    three = numbers.series("pot", "size", {"small": 0.2}, "litres", "of a pot")
    four = numbers.series("pot", "", {"lid": 1}, "none", "has one")
    assert one.price == 52
    assert two.loc["b", "x"] == 3
    assert three["small"] == 0.2
    assert four["lid"] == 1
    table = numbers.table()
    assert list(table) == ["process", "parameter", "value", "unit", "description"]
    assert table[["process", "parameter", "value"]].to_numpy().tolist() == [
        ["pot", "size:small", 0.2],
        ["pot", "lid", 1.0],
        ["tea", "price", 52.0],
        ["tea", "taste:a:x", 1.0],
        ["tea", "taste:a:y", 2.0],
        ["tea", "taste:b:x", 3.0],
        ["tea", "taste:b:y", 4.0],
    ]


def test_nothing_is_stated_twice(stated):
    numbers.numbers("tea", price=(52.0, "yuan", "of a tin"))
    with pytest.raises(ValueError, match="tea states price twice"):
        numbers.series("tea", "", {"price": 1}, "yuan", "of a tin")


def test_every_number_of_the_world_has_unit_and_description():
    registry.processes()
    table = numbers.table()
    assert len(table) > 150
    assert not table.duplicated(["process", "parameter"]).any()
    assert np.isfinite(table["value"]).all()
    assert table["unit"].str.len().gt(0).all()
    assert table["description"].str.len().between(4, 160).all()
