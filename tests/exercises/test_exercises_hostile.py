"""What hostile answers get: a true sentence each, and no crash of the check itself."""

from __future__ import annotations

import decimal
import fractions
import sys

import numpy as np
import pandas as pd
import pytest
import toy_items
from liars import Liar, LyingFloat, LyingSeries, LyingText

from crmlab.exercises import Item, Outcome, Rival, check, items
from crmlab.exercises._items import chapters
from crmlab.exercises._judge import agrees, judge

ALL = [*(item for chapter in chapters() for item in items(chapter)), *toy_items.ITEMS]


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


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_garbage_is_wrong_with_a_reason_and_raises_nothing(item: Item):
    truth_value = isinstance(item.reference(), bool)
    for garbage in [*GARBAGE, *([] if truth_value else [True, False])]:
        outcome = check(item.id, garbage)
        assert outcome.correct is False, f"{type(garbage)} counts as {outcome}"
        assert outcome.message.strip()


def test_objects_that_claim_to_be_equal_are_compared_by_value():
    item = toy_items.ITEMS[2]
    assert not agrees(item, pd.Series(["a", "b"]), pd.Series([LyingFloat(1), LyingText("c")], dtype=object))
    assert not agrees(item, pd.Series([1.0, 2.0]), LyingSeries([LyingFloat(3), LyingFloat(4)], dtype=object))
    assert not agrees(item, np.array([1.0, 2.0]), [LyingFloat(3), 2.0])


# --- one true sentence each ----------


class Raises:
    """Raises whatever it is asked."""

    def __getattribute__(self, name: str) -> object:
        if name == "__class__":
            return Raises
        raise RuntimeError("nothing to see")


class Mask:
    """Says that it is a Series."""

    __class__ = pd.Series


class Endless:
    """A sequence that never ends."""

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, n: int) -> int:
        return n


class Silent(BaseException):
    def __str__(self) -> str:
        raise ValueError("no message")


class Double(float):
    def __float__(self) -> float:
        return 2.0


def own_list() -> list:
    endless: list = []
    endless.append(endless)
    return endless


def deep() -> list:
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    return nested


def raiser(error: BaseException):
    def function(share: float, months: int) -> float:
        raise error

    return function


def without_end(share: float, months: int) -> float:
    return without_end(share, months)


def loops_a_little(share: float, months: int) -> float:
    return sum(1 for _ in range(300_000)) * share


def prints_much(share: float, months: int) -> float:
    print("x" * 100_000)
    return -1.0


def months() -> pd.Series:
    return toy_items.months_in_months()


MANY = 3_000_000
HOSTILE = [
    # numbers
    ("99.1", lambda: LyingFloat(0.9), "Hint"),
    ("99.1", lambda: Double(0.9), "Hint"),
    ("99.1", lambda: 10**400, "cannot be read: OverflowError"),
    ("99.1", lambda: fractions.Fraction(9, 10), "Hint"),
    ("99.1", lambda: decimal.Decimal("NaN"), "missing (NaN)"),
    ("99.1", lambda: decimal.Decimal("Infinity"), "infinite"),
    ("99.1", lambda: -np.inf, "infinite"),
    ("99.1", lambda: pd.NaT, "missing (NaN)"),
    ("99.1", lambda: np.bool_(True), "True or False where a number"),
    ("99.1", lambda: Outcome("99.1", True, ""), "crmlab's own Outcome"),
    ("99.1", lambda: "9" * 60, f"the text '{'9' * 36}… where"),
    ("99.1", lambda: np.array(True), "True or False where a number"),
    ("99.1", lambda: np.array(1j), "a complex number where a number"),
    ("99.1", lambda: np.array("0.3"), "the text '0.3'"),
    ("99.1", lambda: np.datetime64("NaT"), "of type datetime64"),
    ("99.1", lambda: pd.Timestamp("2025-07-01"), "of type Timestamp"),
    ("99.1", lambda: np.zeros(MANY), "an array of 3000000 values where one number"),
    ("99.1", lambda: range(MANY), "of type range"),
    ("99.1", lambda: (n for n in range(3)), "of type generator"),
    (
        "99.1",
        lambda: {"share": 0.3},
        "a dictionary of 1 value where a number is asked for: take the number out",
    ),
    ("99.1", lambda: pd.Index([0.3]), "take the number out"),
    ("99.1", lambda: pd.Categorical([0.3]), "of type Categorical"),
    ("99.1", Endless, "of type Endless"),
    ("99.1", Raises, "of type Raises"),
    ("99.1", Mask, "cannot be read"),
    ("99.1", Liar, "of type Liar"),
    ("99.1", lambda: Liar, "of type type"),
    ("99.1", lambda: "9" * 10_000_000, "leave out quotes"),
    ("99.1", lambda: ValueError("0.3"), "of type ValueError"),
    ("99.1", own_list, "cannot be read: RecursionError"),
    ("99.1", deep, "cannot be read: RecursionError"),
    ("99.1", lambda: pd, "of type module"),
    ("99.1", lambda: sys.exit, "a function (without brackets"),
    # columns
    ("99.3", lambda: pd.Series(np.zeros(MANY)), "has 3,000,000 rows where 4 are expected"),
    ("99.3", lambda: pd.Series(np.zeros(1041)), "has 1,041 rows where 4 are expected"),
    ("99.3", lambda: pd.Series(np.zeros(1040)), "wrong index"),
    (
        "99.3",
        lambda: months().astype("Float64").where([True, True, True, False]),
        "1 of 4 values is missing",
    ),
    ("99.3", lambda: months().astype("Int64") * 3, "All 4 values are off"),
    ("99.3", lambda: months().astype("string"), "values of type str"),
    ("99.3", lambda: months().astype("category").cat.rename_categories(str), "values of type str"),
    ("99.3", lambda: pd.Series([1, 2, None, 4], toy_items.STAGES, dtype=object), "1 of 4 values is missing"),
    ("99.3", lambda: pd.Series([1, pd.NaT, 3, pd.NA], toy_items.STAGES, dtype=object), "2 of 4 values are"),
    ("99.3", lambda: months().astype(complex), "values of type complex"),
    ("99.3", lambda: pd.to_timedelta(months(), unit="D"), "values of type Timedelta"),
    ("99.3", lambda: months().map(lambda n: [n]), "values of type list"),
    ("99.3", lambda: months().astype(object).where([True, False, True, True], Liar()), "values of type Liar"),
    ("99.3", lambda: months().rename(str.upper), "wrong index"),
    ("99.3", lambda: months().set_axis([np.nan, None, 1, 2]), "stands in the index more than once"),
    ("99.3", lambda: months().set_axis(pd.Index([Liar(), 1, 2, 3], dtype=object)), "cannot be read"),
    ("99.3", lambda: pd.concat({"a": months()}), "wrong index"),
    ("99.3", lambda: months().index, "of type Index"),
    ("99.3", lambda: months().groupby(level=0), "of type SeriesGroupBy"),
    ("99.3", lambda: months().to_dict(), "a dictionary of 4 values where a Series"),
    ("99.3", lambda: pd.DataFrame(np.zeros((1000, 1000))), "a DataFrame of 1000 rows and 1000 columns"),
    ("99.3", lambda: months().replace(months().max(), np.inf), "1 of 4 values is infinite"),
    ("99.5", lambda: toy_items.busiest().iloc[::-1].rename_axis(None), "starts with the rarest"),
    # tables
    ("99.4", lambda: pd.DataFrame(np.zeros((2, MANY))), "has 3,000,000 columns where 4 are expected"),
    ("99.4", lambda: pd.DataFrame(np.zeros((MANY, 2))), "has 3,000,000 rows where 4 are expected"),
    ("99.4", lambda: toy_items.matrix().reset_index(), "not asked for: 'stage'"),
    ("99.4", lambda: pd.concat({"a": toy_items.matrix()}, axis=1), "missing column(s)"),
    ("99.4", lambda: toy_items.matrix().rename(columns={"decline": "$decl_ine$"}), "has: 'exploration'"),
    ("99.4", lambda: toy_items.matrix().astype(str), "values of type str in column 'exploration'"),
    ("99.4", lambda: toy_items.matrix().where(lambda m: m > 0), "are missing (NaN)"),
    ("99.4", lambda: toy_items.matrix().style, "of type Styler"),
    # several values, truth values, texts
    ("99.6", lambda: pd.DataFrame(np.zeros((2, 3))), "a DataFrame of 2 rows and 3 columns where 2 values"),
    ("99.6", lambda: [0.1] * MANY, "a list of 3000000 values where 2 values"),
    ("99.6", lambda: {1, 2}, "a set of 2 values where 2 values are asked for, separated by commas"),
    ("99.6", lambda: (own_list(), 1), "cannot be read: RecursionError"),
    ("99.7", lambda: "True", "the text 'True' where True or False"),
    ("99.7", lambda: np.array([True]), "an array of 1 value where True or False"),
    ("99.8", lambda: "x" * 10_000_000, "is not one of the choices"),
    ("99.8", lambda: b"stability", "of type bytes where a text"),
    ("99.8", lambda: LyingText("growth"), "'growth' is not one of the choices"),
    # functions
    ("99.9", lambda: raiser(Silent()), "stopped with Silent when"),
    ("99.9", lambda: raiser(SystemExit(0)), "stopped with SystemExit: 0 when"),
    ("99.9", lambda: raiser(GeneratorExit()), "stopped with GeneratorExit when"),
    ("99.9", lambda: raiser(KeyError("share")), "stopped with KeyError: 'share' when"),
    ("99.9", lambda: raiser(ValueError("No.")), "ValueError: No when the check called it with input 1 of 3"),
    ("99.9", lambda: lambda share, months: 1 / (months - 2), "called it with input 2 of 3"),
    ("99.9", lambda: raiser(ValueError("x" * 10_000_000)), "stopped with ValueError: xxx"),
    ("99.9", lambda: without_end, "stopped with RecursionError"),
    ("99.9", lambda: loops_a_little, "Input 1 of 3 is not right. Hint"),
    ("99.9", lambda: prints_much, "None of the 3 inputs gives the right result. Hint"),
    ("99.9", lambda: float, "stopped with TypeError"),
    ("99.9", lambda: lambda *given: (n for n in given), "of type generator"),
    ("99.9", lambda: lambda *given: lambda: 1, "a function (without brackets"),
    ("99.9", lambda: lambda share, months: np.nan, "Input 1 of 3 is not right. The answer is missing (NaN)"),
    ("99.9", lambda: lambda share, months: pd.Series([share]), "take the number out"),
    ("99.9", lambda: items, "stopped with TypeError"),
]


@pytest.mark.parametrize(("item", "answer", "reason"), HOSTILE)
def test_hostile_answer_gets_a_true_sentence(item: str, answer, reason: str):
    outcome = check(item, answer())
    assert outcome.correct is not True
    assert reason.lower() in outcome.message.lower()
    assert not outcome.message[0].islower()
    assert len(outcome.message) < 700 and outcome.message.strip()[-1] in ".?!"


def test_interrupt_of_an_endless_loop_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        check("99.9", raiser(KeyboardInterrupt()))


def test_arguments_that_a_function_changes_are_copies():
    frame = pd.DataFrame({"amount": [1.0, 2.0]})

    def total(data: pd.DataFrame) -> float:
        data["amount"] *= 2
        return data["amount"].sum() / 2

    item = Item(
        id="99.20",
        points=1,
        reference=lambda: lambda data: data["amount"].sum(),
        rivals=(Rival(lambda: lambda data: data["amount"].mul(0, fill_value=0).sum(), "Nothing."),),
        hint="Add up.",
        concepts=(),
        cases=lambda: [(frame,), (frame,)],
    )
    assert judge(item, total, "any")
    assert judge(item, lambda data: data.clear(), "any").correct is False
    assert frame["amount"].tolist() == [1.0, 2.0]


def test_arguments_that_a_reference_changes_are_copies():
    item = Item(
        id="99.21",
        points=1,
        reference=lambda: lambda numbers: numbers.pop(),
        rivals=(Rival(lambda: lambda numbers: numbers.pop(0), "The first."),),
        hint="The last.",
        concepts=(),
        cases=lambda: [([1, 2, 3],)],
    )
    assert judge(item, lambda numbers: numbers[-1], "any")
    assert judge(item, lambda numbers: numbers[0], "any").message == "The first."


def test_long_array_is_refused_before_it_is_copied():
    item = Item(id="99.22", points=1, reference=lambda: np.zeros(2), rivals=(), hint="-", concepts=())
    assert "has 5,000 rows where 2 are" in judge(item, np.zeros(5000), "any").message


@pytest.mark.parametrize("kind", ["Float64", "Int64", "int8", "float32", "object", "category", "Sparse[int]"])
def test_every_type_of_column_may_be_right(kind: str):
    item = toy_items.ITEMS[2]
    expected = pd.Series([1, 2, 3], ["a", "b", "c"])
    assert agrees(item, expected, expected.astype(kind))
    assert agrees(item, expected, expected.astype(kind).iloc[[2, 0, 1]])
    assert not agrees(item, expected, expected.iloc[::-1].set_axis(expected.index).astype(kind))


def test_columns_of_arrow_may_be_right():
    pytest.importorskip("pyarrow")
    expected = pd.Series([1.0, 2.0], ["a", "b"])
    assert agrees(toy_items.ITEMS[2], expected, expected.astype("double[pyarrow]"))
    assert not agrees(
        toy_items.ITEMS[2], expected, expected[::-1].set_axis(["a", "b"]).astype("double[pyarrow]")
    )


def test_truth_values_and_texts_in_a_column_are_told_apart():
    item = toy_items.ITEMS[2]
    expected = pd.Series([True, False], ["a", "b"])
    assert agrees(item, expected, expected.astype("boolean"))
    assert agrees(item, expected, expected.astype(object))
    assert not agrees(item, expected, ~expected)
    assert not agrees(item, expected, expected.astype(int))
    words = pd.Series(["must-be", "one dimensional"], ["a", "b"])
    assert agrees(item, words, pd.Series(["Must be", "one_dimensional "], ["a", "b"]).astype("string"))
    assert not agrees(item, words, words.iloc[::-1].set_axis(["a", "b"]))
