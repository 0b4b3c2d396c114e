"""Which cohort: who chooses it, how its name is read, and what is refused as a slip."""

from __future__ import annotations

import pytest
from pandas.testing import assert_frame_equal
from small_package import COHORT, HOME

from crmlab import datasets
from crmlab.datasets import _cache, cohorts


def test_argument_beats_choice_beats_environment(monkeypatch):
    assert datasets.current_cohort() == "shipped"
    monkeypatch.setenv("CRMLAB_COHORT", "  ")
    assert datasets.current_cohort() == "shipped"
    monkeypatch.setenv("CRMLAB_COHORT", "From Outside")
    assert datasets.current_cohort() == "from outside"
    datasets.use_cohort("chosen")
    assert datasets.current_cohort() == "chosen"
    asked = []
    monkeypatch.setattr(
        _cache, "content", lambda cohort, path: asked.append(cohort) or (HOME / path).read_bytes()
    )
    datasets.load("orders", cohort="argument")
    datasets.truth("consumers", cohort="Shipped")
    datasets.load("orders")
    assert asked == ["argument", "shipped", "chosen"]
    datasets.use_cohort("shipped")
    assert datasets.current_cohort() == "shipped"  # whatever the environment says
    datasets.use_cohort(None)
    assert datasets.current_cohort() == "from outside"


def test_shipped_always_means_the_shipped_tables(simulations, cache):
    shipped = datasets.load("orders")
    datasets.use_cohort(COHORT)
    assert_frame_equal(datasets.load("orders", cohort="shipped"), shipped)
    assert len(datasets.load("orders")) != len(shipped)
    assert len(simulations) == 1


@pytest.mark.parametrize("same", ["Spring 2027", " spring\t2027 ", "ＳＰＲＩＮＧ　２０２７"])
def test_spelling_of_a_cohort(same):
    datasets.use_cohort(same)
    assert datasets.current_cohort() == COHORT


def everywhere(name, monkeypatch):
    """Yield the three ways in which a cohort is named."""
    yield "The cohort's name", lambda: datasets.use_cohort(name)
    yield "cohort", lambda: datasets.load("orders", cohort=name)
    yield "cohort", lambda: datasets.truth("parameters", cohort=name)
    if isinstance(name, str) and name.strip():
        monkeypatch.setenv("CRMLAB_COHORT", name)
        yield "CRMLAB_COHORT", datasets.current_cohort
        yield "CRMLAB_COHORT", lambda: datasets.load("orders")


@pytest.mark.parametrize(
    "bad", ["", "   ", "x" * 101, "bell\x07", "a\u200bb", 7, 7.0, True, ["a"], b"spring"]
)
def test_a_name_that_cannot_be_used(bad, monkeypatch, simulations):
    for source, attempt in everywhere(bad, monkeypatch):
        with pytest.raises((ValueError, TypeError), match=f"{source} must be"):
            attempt()
    assert not simulations


def test_a_name_of_the_greatest_length():
    assert cohorts.cohort_name("x" * 100, "cohort") == "x" * 100
    assert cohorts.cohort_name("龙", "cohort") == "龙"
    assert cohorts.cohort_name("Gießen", "cohort") == cohorts.cohort_name("GIESSEN", "cohort")


SLIPS = [
    "shiped",
    "shippd",
    "shpped",
    "hipped",
    "shippped",
    "shhipped",
    "shippde",
    "hsipped",
    "shipepd",
    "shioped",
    "Shippeds",
    "ship",
    "Shipp",
    "shippe",
    "shipped1",
    "shipped 2027",
    "shipped2027",
    "shiippeedd",
    "2 shipped",
    "shipped.",
    "'shipped'",
    '"shipped"',
    "s-h-i-p-p-e-d",
    "ＳＨＩＰＥＤ",
    "the shipped one",
    "shipped cohort",
    "cohort=shipped",
]


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_shipped_is_refused_and_says_what_to_type(slip, monkeypatch, simulations, cache):
    for source, attempt in everywhere(slip, monkeypatch):
        with pytest.raises(
            ValueError, match=rf"^{source} .* looks like a slip of 'shipped'\. Type 'shipped'"
        ):
            attempt()
    assert not simulations
    assert not cache.exists()


@pytest.mark.parametrize("name", ["None", "null", "nan", " Default "])
def test_a_name_that_says_that_nobody_chose_is_refused(name, monkeypatch, simulations):
    for source, attempt in everywhere(name, monkeypatch):
        with pytest.raises(ValueError, match=rf"^{source} .* reads as if nobody chose\. Type 'shipped'"):
            attempt()
    assert not simulations


HONEST = [
    "spring",
    "spring 2027",
    "class 1",
    "shopper",
    "skipper",
    "slipper",
    "snippet",
    "shape",
    "shed",
    "shi",
    "shipment",
    "shipping",
    "shipyard",
    "friendship",
    "class ship",
    "worshipped",
    "unshipped stock",
    "a",
    "2027",
    "深圳大学 2027",
    "sped",
    "hippie",
    "nonesuch",
]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_name_is_no_slip(name):
    datasets.use_cohort(name)
    assert datasets.current_cohort() == name
    datasets.use_cohort("Shipped ")
    assert datasets.current_cohort() == "shipped"


def test_every_slip_of_one_letter_is_refused():
    letters = "abcdefghijklmnopqrstuvwxyz"
    slips = {"shipped"[:i] + letter + "shipped"[i:] for i in range(8) for letter in letters}
    slips |= {"shipped"[:i] + letter + "shipped"[i + 1 :] for i in range(7) for letter in ["", *letters]}
    slips |= {"shipped"[:i] + "shipped"[i : i + 2][::-1] + "shipped"[i + 2 :] for i in range(6)}
    for slip in slips - {"shipped"}:
        with pytest.raises(ValueError, match="slip"):
            cohorts.cohort_name(slip, "cohort")


def test_a_choice_that_fails_leaves_the_old_one():
    datasets.use_cohort("autumn")
    with pytest.raises(ValueError, match="slip"):
        datasets.use_cohort("shiped")
    assert datasets.current_cohort() == "autumn"
