"""Every exercise item of every chapter, on many cohorts; and the checks themselves, on a toy chapter."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import toy_items

from crmlab import datasets, exercises, glossary
from crmlab.exercises import Item, Outcome, Rival, check, items
from crmlab.exercises._items import _chapters
from crmlab.exercises._judge import agrees, known_answer

REAL = [item for chapter in _chapters() if chapter.isdigit() for item in items(chapter)]
ALL = [*REAL, *toy_items.ITEMS]
RIVALS = [(item, rival) for item in ALL for rival in item.rivals]
TABLE = Path(__file__).parent / "studies" / "results" / "exercise_cohorts.csv"
RARE = 1 / 50


@pytest.fixture(autouse=True)
def toy_chapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let `check` find the toy items as chapter 99; leave no cohort chosen."""
    monkeypatch.setitem(sys.modules, "crmlab.exercises.ch99", toy_items)
    yield
    datasets.use_cohort(None)


def name_of(parameter: object) -> str:
    return parameter.id if isinstance(parameter, Item) else parameter.name


class Liar:
    """Claims to be equal to everything, and to be any number."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None

    def __float__(self) -> float:
        raise RecursionError("no number")

    def __repr__(self) -> str:
        raise ValueError("no repr")


class LyingFloat(float):
    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> float:
        return 0.0

    __rsub__ = __sub__
    __hash__ = float.__hash__


class LyingText(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class LyingSeries(pd.Series):
    def equals(self, other: object) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> float:
        return 0.0


GARBAGE = [
    -987.654321,
    0,
    10**400,
    1j,
    np.nan,
    np.inf,
    pd.NA,
    pd.NaT,
    np.float32(123.5),
    np.datetime64("2025-06-30"),
    pd.Timedelta(days=3),
    "about three",
    "3.2 %",
    b"3",
    [],
    {},
    {"a": 1},
    {1},
    ["x", 1],
    (1, "b", None),
    range(3),
    object(),
    Liar(),
    LyingFloat(-77),
    LyingText("nothing of the kind"),
    LyingSeries([-1.5, -2.5]),
    float,
    lambda *arguments: Liar(),
    lambda: 1,
    np.zeros((2, 2, 2)),
    np.array(["a", None], dtype=object),
    pd.Series(dtype=float),
    pd.Series([1.0, np.nan]),
    pd.Series(["a", "b"], index=[Ellipsis, None]),
    pd.DataFrame(),
    pd.DataFrame({"x": [1]}),
    pd.DataFrame([[1, 2]], columns=["x", "x"]),
    pd.DataFrame({"x": [Liar()]}, index=pd.MultiIndex.from_tuples([("a", 1)])),
    items,
    toy_items.ITEMS[0],
    Outcome("99.1", True, "I am right."),
    iter([1, 2]),
]


def rounded(value: object, decimals: int) -> object:
    """Return an answer rounded as the prompt asks."""
    if callable(value):
        return lambda *arguments: rounded(value(*arguments), decimals)
    if isinstance(value, tuple):
        return tuple(rounded(part, decimals) for part in value)
    return value if isinstance(value, str | bool | np.bool_) else np.round(value, decimals)


# --- every item ---------------------------------------------------------------------------------------------------


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
def test_garbage_is_wrong_with_a_reason_and_raises_nothing(item: Item):
    truth_value = isinstance(item.reference(), bool)
    for garbage in [*GARBAGE, *([] if truth_value else [True, False])]:
        outcome = check(item.id, garbage)
        assert outcome.correct is False, f"{type(garbage)} counts as {outcome}"
        assert outcome.message.strip()


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


# --- every item on many cohorts -----------------------------------------------------------------------------------


def finite(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(finite, value))
    values = np.asarray(value).ravel() if not isinstance(value, pd.DataFrame) else value.to_numpy().ravel()
    return all(np.isfinite(v) if isinstance(v, float | np.floating) else not pd.isna(v) for v in values)


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> pd.DataFrame:
    """One row per item, rival and cohort: is the reference finite, does the rival agree with it?"""
    rows = []
    for number in range(1, request.config.getoption("cohorts") + 1):
        with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
            patch.setenv("CRMLAB_CACHE", cache)  # two hundred cohorts would fill a disk
            datasets.use_cohort(f"class {number}")
            for item in ALL:
                cases = None if item.cases is None else [tuple(case) for case in item.cases()]
                reference = known_answer(item.reference(), cases)
                for rival in item.rivals:
                    agree = agrees(item, reference, known_answer(rival(), cases))
                    rows.append((item.id, rival.name, number, finite(reference), agree))
    datasets.use_cohort(None)
    return pd.DataFrame(rows, columns=["item", "rival", "cohort", "finite", "agrees"])


def test_references_are_finite_on_every_cohort(runs: pd.DataFrame):
    assert runs[~runs["finite"]].empty


def test_rivals_are_further_away_than_the_tolerance_on_every_cohort(runs: pd.DataFrame):
    number = runs["cohort"].max()
    table = runs.groupby(["item", "rival"], sort=False).agg(
        cohorts=("cohort", "size"), agree=("agrees", "sum")
    )
    named = {(item.id, name) for item in ALL for name in item.exceptions}
    allowed = [max(1, number * RARE) if key in named else 0 for key in table.index]
    too_often = table[table["agree"] > allowed]
    assert too_often.empty, f"agrees with the reference:\n{too_often}"
    if number >= 200:
        real = table[[item in {i.id for i in REAL} for item, _ in table.index]]
        TABLE.parent.mkdir(exist_ok=True)
        real.to_csv(TABLE, lineterminator="\n")


def test_stored_table_covers_every_item():
    if not REAL:
        pytest.skip("no chapter has exercises yet")
    stored = pd.read_csv(TABLE, dtype={"item": str}).set_index(["item", "rival"])
    wanted = {(item.id, rival.name): rival.name in item.exceptions for item in REAL for rival in item.rivals}
    assert set(stored.index) == set(wanted), "run: pytest tests/test_exercises.py --cohorts 200"
    assert (stored["cohorts"] >= 200).all()
    assert all(row.agree / row.cohorts < (RARE if wanted[key] else 1e-9) for key, row in stored.iterrows())


# --- the checks themselves ----------------------------------------------------------------------------------------


def share() -> float:
    return toy_items.share_lost()


def matrix() -> pd.DataFrame:
    return toy_items.matrix()


def months() -> pd.Series:
    return toy_items.months_in_months()


WRONG = [
    ("99.1", lambda: 100 * share(), "percentage where a share"),
    ("99.1", lambda: round(100 * share(), 1), "percentage where a share"),
    ("99.1", lambda: share() / 100, "share where a percentage"),
    ("99.1", lambda: 1000 * share(), "1,000 times"),
    ("99.1", lambda: 10_000 * share(), "10,000 yuan"),
    ("99.1", lambda: share() / 10_000, "10,000 yuan"),
    ("99.1", lambda: 12 * share(), "12 times"),
    ("99.1", lambda: share() / 12, "twelfth"),
    ("99.1", lambda: 100 * share(), "Unit asked for: share between 0 and 1"),
    ("99.1", lambda: -share(), "the sign is wrong"),
    ("99.1", lambda: share() + 0.004, "Very close"),
    ("99.1", lambda: share() + 0.03, "Hint: Of all months"),
    ("99.1", lambda: np.nan, "missing (NaN)"),
    ("99.1", lambda: np.inf, "infinite"),
    ("99.1", lambda: pd.NA, "missing (NaN)"),
    ("99.1", lambda: str(share()), "the text"),
    ("99.1", lambda: True, "True or False where a number"),
    ("99.1", lambda: share, "without brackets"),
    ("99.1", lambda: pd.Series([share()]), "take the number out"),
    ("99.1", lambda: [share(), 1], "a list of 2 values where one number"),
    ("99.1", lambda: pd.DataFrame({"x": [share()]}), "take the number out"),
    ("99.1", lambda: complex(share()), "complex"),
    ("99.1", lambda: pd.Timedelta(days=1), "a time span"),
    ("99.1", lambda: items(99)[0], "crmlab's own Item"),
    ("99.1", lambda: LyingFloat(share() * 3), "Hint"),
    ("99.3", lambda: months().to_frame(), "select the column"),
    ("99.3", lambda: months().tolist(), "a list of 4 values where a Series"),
    ("99.3", lambda: months().iloc[:3], "1 row(s) are missing: 'decline'"),
    ("99.3", lambda: pd.concat([months(), pd.Series({"lost": 5})]), "do not belong in the answer: 'lost'"),
    ("99.3", lambda: months().reset_index(drop=True), "wrong index"),
    ("99.3", lambda: months().set_axis([1.5, 2, 3, 4]), "wrong index"),
    ("99.3", lambda: months().iloc[[0, 0, 1, 2, 3]], "more than once"),
    ("99.3", lambda: months().iloc[:0], "no rows"),
    ("99.3", lambda: months().where(months() > months().min()), "1 of 4 values are missing (NaN)"),
    ("99.3", lambda: months().astype(str), "values of type str"),
    ("99.3", lambda: months() > 0, "values of type bool"),
    ("99.3", lambda: months().add([0, 0, 9, 0]), "1 of 4 values is off, first at 'stability'"),
    ("99.3", lambda: LyingSeries(months() * 3), "All 4 values are off"),
    ("99.4", lambda: matrix().loc["decline"], "keep the table"),
    ("99.4", lambda: matrix().to_numpy(), "an array of 16 values where a DataFrame"),
    ("99.4", lambda: matrix().rename(columns={"decline": "Decline"}), "missing column(s): 'decline'"),
    ("99.4", lambda: matrix().assign(total=1), "not asked for: 'total'"),
    ("99.4", lambda: matrix()[["decline", "decline", *toy_items.STAGES]], "more than one column 'decline'"),
    ("99.4", lambda: matrix() * 100, "percentage where a share"),
    ("99.4", lambda: matrix().replace(0, np.inf), "infinite"),
    ("99.5", lambda: toy_items.busiest().iloc[[1, 0, 2, 3]], "not sorted as asked for"),
    ("99.6", lambda: toy_items.widest_gap()[0], "where 2 values are asked for"),
    ("99.6", lambda: (*toy_items.widest_gap(), 1), "a tuple of 3 values where 2 values"),
    ("99.6", lambda: (toy_items.widest_gap()[0], 5), "Value 2 of 2 is not right"),
    ("99.6", lambda: (toy_items.widest_gap()[0], "x"), "the text 'x' where a number"),
    ("99.7", lambda: 0, "where True or False is asked for"),
    ("99.8", lambda: "maturity", "not one of the choices: exploration, formation"),
    ("99.8", lambda: LyingText(months().sort_values().index[1]), "Hint"),
    ("99.9", lambda: 0.3, "a number where a function is asked for"),
    ("99.9", lambda: lambda share, months: share / 0, "ZeroDivisionError"),
    ("99.9", lambda: lambda share: share, "TypeError"),
    ("99.9", lambda: lambda share, months: sys.exit(), "SystemExit"),
    ("99.9", lambda: lambda share, months: 1 - (1 - share) ** 12, "Input 2 of 3 is not right"),
    ("99.9", lambda: lambda share, months: str(share), "the text"),
    ("99.9", lambda: lambda share, months: Liar(), "of type Liar"),
]


@pytest.mark.parametrize(("item", "answer", "reason"), WRONG)
def test_mistake_gets_its_own_sentence(item: str, answer, reason: str):
    outcome = check(item, answer())
    assert outcome.correct is False
    assert reason.lower() in outcome.message.lower()


RIGHT = [
    ("99.1", lambda: np.float64(share())),
    ("99.1", lambda: np.array(share())),
    ("99.1", lambda: round(share(), 3)),
    ("99.3", lambda: months().iloc[::-1].rename("other").rename_axis(None).astype(float)),
    ("99.3", lambda: months().astype(object)),
    ("99.3", lambda: months().set_axis(pd.CategoricalIndex(toy_items.STAGES, ordered=True))),
    ("99.4", lambda: matrix().iloc[::-1, ::-1].round(3)),
    ("99.4", lambda: matrix().set_axis(pd.CategoricalIndex(toy_items.STAGES), axis=1)),
    ("99.6", lambda: list(toy_items.widest_gap())),
    ("99.6", lambda: np.round(toy_items.widest_gap(), 2).tolist()),
    ("99.7", lambda: np.bool_(toy_items.can_skip())),
    ("99.8", lambda: f" {toy_items.commonest().upper()} "),
    ("99.9", lambda: lambda share, months: np.float32(1 - (1 - share) ** months)),
]


@pytest.mark.parametrize(("item", "answer"), RIGHT)
def test_same_answer_in_another_form_is_correct(item: str, answer):
    assert check(item, answer()).correct is True


def test_parts_not_answered_yet_are_named():
    assert check("99.6", (..., ...)).correct is None
    outcome = check("99.6", (0.3, ...))
    assert outcome.correct is None and "part 2" in outcome.message
    assert check("99.9", lambda share, months: ...).correct is None

    def stub(share, months):
        raise NotImplementedError

    assert check("99.9", stub).correct is None


def test_cases_are_protected_from_the_function(monkeypatch: pytest.MonkeyPatch):
    frame = pd.DataFrame({"amount": [1.0, 2.0]})

    def total(data):
        data["amount"] *= 2
        return data["amount"].sum() / 2

    item = Item(
        id="99.20",
        points=1,
        reference=lambda: lambda data: data["amount"].sum(),
        rivals=(),
        hint="Add up.",
        concepts=(),
        cases=lambda: [(frame,), (frame,)],
    )
    monkeypatch.setattr(toy_items, "ITEMS", (item,))
    assert check("99.20", total)
    assert frame["amount"].tolist() == [1.0, 2.0]


def test_answers_follow_the_cohort():
    datasets.use_cohort("one")
    answer = share()
    assert check("99.1", answer).correct is True
    datasets.use_cohort("two")
    assert check("99.1", answer).correct is False
    assert check("99.1", share()).correct is True


def test_outcome_says_what_it_is():
    outcome = check("99.8", "<b>bold</b>")
    assert not outcome
    assert repr(outcome).startswith("99.8 · Not yet. '<b>bold</b>' is not one of")
    assert "<b>bold" not in outcome._repr_html_() and "&lt;b&gt;bold" in outcome._repr_html_()
    assert check("99.1", share())
    assert repr(check("99.1", share())) == "99.1 · Correct."


def test_relative_tolerance_is_added():
    def item(**settings) -> Item:
        return Item(id="99.1", points=1, reference=float, rivals=(), hint="-", concepts=(), **settings)

    assert agrees(item(relative=0.01), 1000.0, 1009.9)
    assert not agrees(item(relative=0.01), 1000.0, 1010.1)
    assert agrees(item(decimals=0), 1000.0, 1000.5)
    assert not agrees(item(decimals=0), 1000.0, 1000.51)
    assert agrees(item(tolerance=1, relative=0.01), 1000.0, 1010.9)
    assert agrees(item(), 0.1 + 0.2, 0.3)


def test_objects_that_claim_to_be_equal_are_compared_by_value():
    item = toy_items.ITEMS[2]
    assert not agrees(item, pd.Series(["a", "b"]), pd.Series([LyingFloat(1), LyingText("c")], dtype=object))
    assert not agrees(item, pd.Series([1.0, 2.0]), LyingSeries([LyingFloat(3), LyingFloat(4)], dtype=object))
    assert not agrees(item, np.array([1.0, 2.0]), [LyingFloat(3), 2.0])


@pytest.mark.parametrize(
    ("expected", "same", "other"),
    [
        (np.array([1.0, 2.0]), [1, 2], [2, 1]),
        (np.array([[1.0], [2.0]]), np.array([[1], [2]]), [1.0, 2.0]),
        (pd.Series(["a b"], index=["x"]), pd.Series(["A-b"], index=["x"]), pd.Series(["c"], index=["x"])),
        (
            pd.Series(pd.to_datetime(["2025-07-01"])),
            pd.Series([pd.Timestamp(2025, 7, 1)]),
            pd.Series(["July"]),
        ),
        (
            pd.DataFrame({"n": [1], "t": ["a"]}),
            pd.DataFrame({"t": ["a"], "n": [1.0]}),
            pd.DataFrame({"n": [1]}),
        ),
        (
            pd.Series([1.0, 2.0], index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
            pd.Series([2.0, 1.0], index=pd.MultiIndex.from_tuples([("a", 2), ("a", 1)])),
            pd.Series([1.0, 2.0], index=["a", "b"]),
        ),
    ],
)
def test_kinds_of_answers_that_the_toy_chapter_does_not_have(expected, same, other):
    item = toy_items.ITEMS[2]
    assert agrees(item, expected, same)
    assert not agrees(item, expected, other)


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
    [{"id": "8"}, {"id": "8.3.1"}, {"id": "8.0"}, {"exceptions": {"nobody": "Because."}}],
)
def test_item_that_cannot_be_is_an_error(settings: dict):
    valid = {"id": "99.1", "points": 1, "reference": float, "rivals": (), "hint": "-", "concepts": ()}
    with pytest.raises(ValueError):
        Item(**valid | settings)


# --- grading runs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["autograde", "validate"])
def test_grading_run_raises_unless_correct_and_closes_the_references(
    run: str, monkeypatch: pytest.MonkeyPatch
):
    answer, first = share(), items(99)[0]
    monkeypatch.setenv("NBGRADER_EXECUTION", run)
    assert check("99.1", answer).correct is True
    with pytest.raises(AssertionError, match=r"99\.1 · Not yet\. That divides by the column"):
        check("99.1", toy_items.by_column())
    with pytest.raises(AssertionError, match="Not attempted"):
        check("99.1", ...)
    with pytest.raises(RuntimeError, match=r"reference of exercise 99\.1 is closed"):
        first.reference()

    def cheat(share, months):
        return items(99)[8].reference()(share, months)

    with pytest.raises(AssertionError, match="is closed while nbgrader runs"):
        check("99.9", cheat)

    class Cheat:
        shape = ()

        def __float__(self) -> float:
            return first.reference()

    with pytest.raises(AssertionError):
        check("99.1", Cheat())


def test_warnings_of_answers_cost_no_points(recwarn: pytest.WarningsRecorder, capsys: pytest.CaptureFixture):
    def noisy(share, months):
        import warnings

        warnings.warn("nbgrader gives no points to a cell that writes to stderr", stacklevel=1)
        print("so does this", file=sys.stderr)
        return 1 - (1 - share) ** months

    assert check("99.9", noisy)
    assert not recwarn.list
    assert capsys.readouterr().err == ""


def test_public_names():
    assert set(exercises.__all__) <= set(dir(exercises))
