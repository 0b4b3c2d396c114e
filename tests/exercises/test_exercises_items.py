"""Every exercise item of every chapter; what an item is, and where it is found."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import toy_items

from crmlab import exercises, glossary
from crmlab.exercises import Item, Outcome, Rival, check, items
from crmlab.exercises._items import chapters

ALL = [*(item for chapter in chapters() for item in items(chapter)), *toy_items.ITEMS]
RIVALS = [(item, rival) for item in ALL for rival in item.rivals]


def name_of(parameter: object) -> str:
    return parameter.id if isinstance(parameter, Item) else parameter.name


def rounded(value: object, decimals: int) -> object:
    """Return an answer rounded as the prompt asks."""
    if callable(value):
        return lambda *arguments: rounded(value(*arguments), decimals)
    if isinstance(value, tuple):
        return tuple(rounded(part, decimals) for part in value)
    return value if isinstance(value, str | bool | np.bool_) else np.round(value, decimals)


@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_reference_is_correct(item: Item):
    assert check(item.id, item.reference()).correct is True
    if item.decimals is not None:
        assert check(item.id, rounded(item.reference(), item.decimals)).correct is True


@pytest.mark.parametrize(("item", "rival"), RIVALS, ids=name_of)
def test_rival_is_told_its_mistake(item: Item, rival: Rival):
    outcome = check(item.id, rival())
    assert (outcome.correct, outcome.message) == (False, rival.sentence)


@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_untouched_starter_is_not_attempted(item: Item):
    starters = [..., None] if item.cases is None else [..., lambda *arguments: None]
    for starter in starters:
        outcome = check(item.id, starter)
        assert outcome.correct is None and outcome.message


@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_item_is_complete(item: Item):
    if item.chapter:  # the start page tries a check, for no points
        assert item.points > 0 and item.concepts
    assert item.rivals, "an item knows at least one usual mistake"
    assert set(item.concepts) <= set(glossary.table().index)
    for text in (item.hint, *(rival.sentence for rival in item.rivals), *item.exceptions.values()):
        assert text.strip() and text.strip()[-1] in ".?!"


def test_ids_are_unique_and_stand_in_their_chapter():
    for chapter in {item.chapter for item in ALL}:
        ids = [item.id for item in items(chapter)]
        assert ids == sorted(set(ids), key=lambda i: [int(part) for part in i.split(".")])
        assert all(item.chapter == chapter for item in items(chapter))


# --- what an item is ----------


@pytest.mark.parametrize("again", [copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item))])
@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_item_survives_a_copy(item: Item, again: Callable, monkeypatch: pytest.MonkeyPatch):
    other = again(item)
    assert {**vars(other), "reference": 0} == {**vars(item), "reference": 0}
    assert dict(other.exceptions) == dict(item.exceptions)
    assert other.reference.__name__ == item.reference.__name__
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(RuntimeError, match=rf"reference of exercise {item.id} is closed"):
        other.reference()


@pytest.mark.parametrize("chapter", [99, "99", "ch99"])
def test_chapter_is_found_by_number(chapter: int | str):
    assert items(chapter) == toy_items.ITEMS


@pytest.mark.parametrize("chapter", [-1, 98, "x", "", None, True, 8.5, "../ch99", "_items"])
def test_unknown_chapter_is_an_error(chapter: object):
    with pytest.raises(ValueError, match="has no exercises"):
        items(chapter)


def test_unknown_item_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match=r"Choose from: 99\.1"):
        check("99.77", 1)
    with pytest.raises(TypeError, match="named by a text"):
        check(99.1, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"id": "8"},
        {"id": "8.3.1"},
        {"id": "8.0"},
        {"id": "08.3"},
        {"exceptions": {"nobody": "Because."}},
        {"decimals": 1, "tolerance": 0.04},
    ],
)
def test_item_that_cannot_be_is_an_error(settings: dict):
    valid = {"id": "99.1", "points": 1, "reference": float, "rivals": (), "hint": "-", "concepts": ()}
    with pytest.raises(ValueError):
        Item(**valid | settings)


def test_item_says_when_an_answer_is_right():
    valid = {"points": 1, "reference": float, "rivals": (), "hint": "-", "concepts": ()}
    assert Item(id="12.10", **valid).chapter == 12
    assert Item(id="12.10", **valid).tolerance == 0
    assert Item(id="12.10", **valid).reference.__name__ == "float"
    assert Item(id="0.1", **valid, decimals=2).tolerance == pytest.approx(0.005, rel=1e-5)
    assert Item(id="0.1", **valid, decimals=1, tolerance=0.3).tolerance == 0.3
    with pytest.raises(TypeError):
        Item(id="0.1", **valid, exceptions={}).exceptions["more"] = "reasons"


def test_item_is_found_by_its_id():
    assert check(" 99.1 ", ...).item == "99.1"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_rival_and_outcome_survive_a_copy(again: Callable):
    rival = toy_items.ITEMS[0].rivals[0]
    assert again(rival) == rival and again(rival).name == "by_column"
    outcome = Outcome("99.1", None, "Three dots.")
    assert again(outcome) == outcome and repr(again(outcome)) == repr(outcome)


def test_public_names():
    assert set(exercises.__all__) <= set(dir(exercises))
