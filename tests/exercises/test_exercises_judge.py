"""What a check says of an answer: not attempted, right, or which mistake explains it."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import toy_items
from liars import Liar, LyingFloat, LyingSeries, LyingText

from crmlab import datasets
from crmlab.exercises import Item, Outcome, Rival, check, items
from crmlab.exercises._judge import agrees, judge

STAGES = toy_items.STAGES


def judged(answer: object, expected: object, *rivals: tuple[object, str], **settings: object) -> Outcome:
    """Judge an answer on an item made for it."""
    given = {"unit": "", "hint": "The hint."} | settings
    known = tuple(Rival(lambda value=value: value, sentence) for value, sentence in rivals)
    item = Item(id="99.50", points=1, reference=lambda: expected, rivals=known, concepts=(), **given)
    return judge(item, answer, "any")


def share() -> float:
    return toy_items.share_lost()


def matrix() -> pd.DataFrame:
    return toy_items.matrix()


def months() -> pd.Series:
    return toy_items.months_in_months()


WRONG = [
    ("99.1", lambda: 100 * share(), "percentage where a share"),
    ("99.1", lambda: round(100 * share(), 1), "percentage where a share"),
    ("99.1", lambda: 100 * share(), "Unit asked for: share between 0 and 1"),
    ("99.1", lambda: -share(), "the sign is wrong"),
    ("99.1", lambda: share() + 0.004, "no rounding of it"),
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
    ("99.1", lambda: complex(share()), "a complex number"),
    ("99.1", lambda: np.complex64(share()), "a complex number"),
    ("99.1", lambda: pd.Timedelta(days=1), "a time span"),
    ("99.1", lambda: np.timedelta64(1, "D"), "a time span"),
    ("99.1", lambda: [], "a list of 0 values"),
    ("99.1", lambda: "9" * 38, f"the text '{'9' * 38}' where"),
    ("99.1", lambda: items(99)[0], "crmlab's own Item"),
    ("99.1", lambda: LyingFloat(share() * 3), "Hint"),
    ("99.3", lambda: months().to_frame(), "select the column"),
    ("99.3", lambda: months().tolist(), "a list of 4 values where a Series"),
    ("99.3", lambda: months().iloc[:3], "1 row(s) are missing: 'decline'"),
    ("99.3", lambda: months().iloc[:1], "3 row(s) are missing: 'formation'"),
    ("99.3", lambda: pd.Series(range(4), list("abcd")), "labelled 'a', 'b', 'c', 'd', but"),
    ("99.3", lambda: pd.concat([months(), pd.Series({"lost": 5})]), "do not belong in the answer: 'lost'"),
    ("99.3", lambda: months().reset_index(drop=True), "wrong index"),
    ("99.3", lambda: months().set_axis([1.5, 2, 3, 4]), "wrong index"),
    ("99.3", lambda: months().iloc[[0, 0, 1, 2, 3]], "more than once"),
    ("99.3", lambda: months().iloc[:0], "no rows"),
    ("99.3", lambda: months().where(months() > months().min()), "1 of 4 values is missing (NaN)"),
    ("99.3", lambda: months().astype(str), "values of type str"),
    ("99.3", lambda: months() > 0, "values of type bool"),
    ("99.3", lambda: months().add([0, 0, 9, 0]), "1 of 4 values is off, first at 'stability'"),
    ("99.3", lambda: months().add([0, 5, 9, 0]), "2 of 4 values are off, first at 'formation'"),
    ("99.3", lambda: months().iloc[[0, 0, 1, 1, 2, 3]], "the label 'exploration' stands in"),
    ("99.3", lambda: months().rename(str.upper), "should be labelled (stage) 'exploration', 'formation'"),
    ("99.3", lambda: pd.Series(range(5), list("abcde")), "'a', 'b', 'c', 'd' … (5 in all), but"),
    ("99.3", lambda: LyingSeries(months() * 3), "All 4 values are off"),
    ("99.4", lambda: matrix().loc["decline"], "keep the table"),
    ("99.4", lambda: matrix().to_numpy(), "an array of 16 values where a DataFrame"),
    ("99.4", lambda: matrix().rename(columns={"decline": "Decline"}), "missing column(s): 'decline'"),
    ("99.4", lambda: matrix().assign(total=1), "not asked for: 'total'"),
    ("99.4", lambda: matrix()[["decline", "decline", *toy_items.STAGES]], "more than one column 'decline'"),
    ("99.4", lambda: matrix() * 100, "100 times the expected value"),
    ("99.4", lambda: matrix().replace(0, np.inf), "infinite"),
    ("99.5", lambda: toy_items.busiest().iloc[[1, 0, 2, 3]], "not sorted as asked for"),
    # sorted, largest first, but by values of its own
    ("99.5", lambda: pd.Series([4, 3, 2, 1], toy_items.busiest().index[::-1]), "or sorted by other values"),
    ("99.6", lambda: toy_items.widest_gap()[0], "where 2 values are asked for"),
    ("99.6", lambda: (*toy_items.widest_gap(), 1), "a tuple of 3 values where 2 values"),
    ("99.6", lambda: (toy_items.widest_gap()[0], 5), "Value 2 of 2 is not right"),
    (
        "99.6",
        lambda: (toy_items.widest_gap()[0], "x"),
        "Value 2 of 2 is not right. The answer is the text 'x'",
    ),
    ("99.6", lambda: np.array(toy_items.widest_gap())[::-1], "The smallest comes first."),
    ("99.6", lambda: np.array([*toy_items.widest_gap(), 1]), "an array of 3 values where 2 values"),
    ("99.6", lambda: np.array([toy_items.widest_gap()]), "an array of 2 values where 2 values"),
    ("99.6", lambda: (0.1, 0.2, ...), "a tuple of 3 values where 2 values"),
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
    ("99.6", lambda: np.array(toy_items.widest_gap())),
    ("99.6", lambda: pd.Series(toy_items.widest_gap(), ["smallest", "largest"])),
    ("99.7", lambda: np.bool_(toy_items.can_skip())),
    ("99.8", lambda: f" {toy_items.commonest().upper()} "),
    ("99.9", lambda: lambda share, months: np.float32(1 - (1 - share) ** months)),
]


@pytest.mark.parametrize(("item", "answer"), RIGHT)
def test_same_answer_in_another_form_is_correct(item: str, answer):
    assert check(item, answer()).correct is True


SIGN = "The size is right, the sign is wrong"
ONLY = "round only the final answer, to"


@pytest.mark.parametrize(
    ("answer", "expected", "settings", "said"),
    [
        # another unit: only where the unit that is asked for has it
        (
            12.34,
            0.1234,
            {"unit": "share between 0 and 1", "decimals": 3},
            "100 times the expected value: a perc",
        ),
        (
            12.3,
            0.1234,
            {"unit": "share between 0 and 1", "decimals": 3},
            "100 times the expected value: a perc",
        ),
        (12.4, 0.1234, {"unit": "share between 0 and 1", "decimals": 3}, "Hint"),
        (
            0.1234,
            12.34,
            {"unit": "%", "decimals": 1},
            "a hundredth of the expected value: a share where a perc",
        ),
        (0.42, 41.9, {"unit": "index points", "decimals": 1}, "a share where points are asked for"),
        (0.4, 41.9, {"unit": "index points", "decimals": 1}, "Hint"),  # one digit tells nothing
        (5.2, 5200.0, {"unit": "yuan", "decimals": 0}, "thousands of yuan where yuan are asked for"),
        (0.52, 5200.0, {"unit": "yuan", "decimals": 0}, "万 (10,000 yuan) where yuan are asked for"),
        (5200, 5.2, {"unit": "thousand yuan", "decimals": 1}, "single units where thousands are asked for"),
        (5200, 0.52, {"unit": "万", "decimals": 2}, "yuan where 万 (10,000 yuan) are asked for"),
        (100.8, 8.4, {"unit": "years", "decimals": 1}, "12 times the expected value: months where years"),
        (0.7, 8.4, {"unit": "months", "decimals": 1}, "a twelfth of the expected value: years where months"),
        (100.8, 8.4, {"unit": "yuan", "decimals": 1}, "Hint"),
        (0.0052, 5.2, {"unit": "yuan per yuan"}, "Hint"),  # a ratio has no other unit
        (
            0.42,
            42.0,
            {"unit": "points per point", "decimals": 1},
            "is a hundredth of the expected value. Unit",
        ),
        (84, 7, {"unit": "moves"}, "Hint"),
        (700, 7, {"unit": "moves"}, "Hint"),
        (80.25, 0.8025, {"decimals": 3}, "The answer is 100 times the expected value."),
        (0.8025, 80.25, {"decimals": 1}, "The answer is a hundredth of the expected value."),
        (12.34, 0.1234, {"unit": "share", "decimals": 3}, "Unit asked for: share."),
        (5, 0.0, {"decimals": 1}, "Hint"),
        # another sign
        (-0.25, 0.25, {"decimals": 3}, SIGN),
        (-0.252, 0.25, {"decimals": 3}, "Hint"),
        (-0.0006, 0.0002, {"decimals": 3}, "no rounding of it"),  # as good as zero: no sign
        # rounded otherwise than asked
        (0.12, 0.1234, {"decimals": 3}, f"rounded to 2 decimals: {ONLY} 3 decimals."),
        (0.1, 0.1234, {"decimals": 3}, f"rounded to 1 decimal: {ONLY} 3 decimals."),
        (0.0, 0.1234, {"decimals": 3}, "Hint"),
        (0, 0.9, {"decimals": 1}, "Hint"),
        (12, 12.34, {"decimals": 1}, f"rounded to whole numbers: {ONLY} 1 decimal."),
        (5200, 5234.4, {"decimals": 0}, f"rounded to 100s: {ONLY} whole numbers."),
        (0.123, 0.1238, {"decimals": 3}, f"cut off to 3 decimals: {ONLY} 3 decimals."),
        (-0.123, -0.1238, {"decimals": 3}, "cut off to 3 decimals"),
        (0.12, 0.129, {"decimals": 3}, "cut off to 2 decimals"),
        (0.13, 0.125, {"decimals": 3}, "rounded to 2 decimals"),
        (0.125, 0.1238, {"decimals": 3}, "no rounding of it"),  # upwards: another method
        (0.122, 0.1238, {"decimals": 3}, "no rounding of it"),  # cut off by more than one step
        (0.13, 0.1244, {"decimals": 3}, "Hint"),
        (0.2, 0.29, {"decimals": 2}, "cut off to 1 decimal:"),
        # in another unit, and within the tolerance, but no rounding of it
        (12.4, 0.1234, {"unit": "share", "decimals": 3, "tolerance": 0.005}, "100 times the expected value"),
        (12.8, 0.1234, {"unit": "share", "decimals": 3, "tolerance": 0.005}, "Hint"),
        (0.1261, 0.1238, {"decimals": 3}, "no rounding of it"),
        (0.1291, 0.1238, {"decimals": 3}, "Hint: The hint."),
        (5240, 5234.4, {"unit": "yuan"}, "Hint"),
    ],
)
def test_reading_of_a_number(answer: float, expected: float, settings: dict, said: str):
    outcome = judged(answer, expected, **settings)
    assert outcome.correct is False
    assert said in outcome.message
    if said == "Hint: The hint." or said == "Hint":
        assert outcome.message == "Hint: The hint."


def test_near_is_ten_times_the_tolerance():
    assert "Near" in judged(10.99, 10.0, tolerance=0.1).message
    assert "Near" not in judged(11.1, 10.0, tolerance=0.1).message
    assert "Near" in judged(1090, 1000.0, relative=0.01).message
    assert "Near" not in judged(8, 7).message


def test_readings_of_tables_need_every_value():
    expected = pd.Series([0.1234, 0.5678], ["a", "b"])
    assert "rounded to 1 decimal" in judged(expected.round(1), expected, decimals=3).message
    assert "cut off to 2" in judged(pd.Series([0.12, 0.56], ["a", "b"]), expected, decimals=3).message
    assert (
        "1 of 2 values is off, first at 'b'"
        in judged(pd.Series([0.1234, 0.6], ["a", "b"]), expected, decimals=3).message
    )
    assert "sign" in judged(-expected, expected, decimals=3).message
    assert "sign" not in judged(expected * [1, -1], expected, decimals=3).message
    parts = judged((0.1, 0.6), (0.1234, 0.5678), decimals=3)
    assert "rounded to 1 decimal" in parts.message
    assert "Value 2 of 2" in judged((0.1234, "x"), (0.1234, "y")).message
    assert judged((0.2, "x"), (0.1234, "y")).message.startswith("No value is right.")
    assert judged((0.2,), (0.1234,)).message == "Hint: The hint."
    assert judged(("x",), (0.1234,)).message.startswith("The answer is the text 'x'")  # no "value 1 of 1"
    assert judged((1.0, 5.0, 6.0), (1.0, 2.0, 3.0)).message.startswith("Value 2 of 3 is not right.")
    assert "rounded to 10s" in judged((0.0, 1230.0), (0.1234, 1234.4), decimals=1).message


def test_tables_with_labels_of_their_own():
    expected = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}, ["a", "b"])
    assert "transpose the table" in judged(expected.T, expected).message
    assert "missing column(s)" in judged(expected.T.rename({"x": "z"}), expected).message.lower()
    twice = pd.Series([1.0, 2.0, 3.0], ["a", "a", "b"])
    assert judged(twice, twice).correct is True
    assert "not sorted as asked" in judged(twice.iloc[::-1], twice).message


# --- rivals: the sentence of the best reading ----------


def test_two_rivals_of_one_value_are_both_told():
    outcome = judged(0.3, 0.5, (0.3, "First."), (0.3, "Second."), decimals=2)
    assert outcome.message == "More than one mistake gives this answer. First. Or: Second."


def test_rivals_with_the_same_sentence_are_told_once():
    assert judged(0.3, 0.5, (0.3, "First."), (0.3, "First."), decimals=2).message == "First."


def test_exact_rival_goes_before_one_nearby():
    rivals = [(0.33, "First."), (0.304, "Second.")]
    settings = {"decimals": 2, "tolerance": 0.05}
    assert judged(0.3, 0.5, *rivals, **settings).message == "Second."  # 0.304 rounded as the prompt asks
    assert judged(0.33, 0.5, *rivals, **settings).message == "First."
    assert judged(0.311, 0.5, *rivals, **settings).message.startswith("More than one mistake")
    assert judged(33.0, 55.0, (33.0, "First."), (33.4, "Second."), tolerance=1).message == "First."
    assert judged(33.4, 55.0, (33.0, "First."), (33.39, "Second."), tolerance=1).message == "Second."


def test_exact_rival_goes_before_another_unit_that_is_about_right():
    settings = {"unit": "share", "decimals": 3, "tolerance": 0.005}
    assert judged(12.4, 0.1234, (12.4, "A rival."), **settings).message == "A rival."


def test_unrounded_rival_is_exact():
    rivals = [(1 / 3, "First."), (1 / 3 + 0.004, "Second.")]
    assert judged(1 / 3, 0.5, *rivals, decimals=2, tolerance=0.05).message == "First."
    assert judged(1 / 3, 0.5, *rivals, tolerance=0.05).message == "First."


def test_exact_rival_of_several_kinds():
    rivals = [((1 / 3, "x"), "First."), ((1 / 3 + 0.004, "x"), "Second.")]
    assert judged((1 / 3, "x"), (0.5, "y"), *rivals, tolerance=0.05).message == "First."


@pytest.mark.parametrize("unit", ["%", "share", "yuan", "months", ""])
def test_texts_have_no_unit(unit: str):
    assert judged("b", "a", unit=unit, decimals=2).message == "Hint: The hint."
    assert (
        judged((1.0, "b"), (2.0, "a"), unit=unit, decimals=2).message == "No value is right. Hint: The hint."
    )


def test_rival_in_another_unit_speaks_for_itself():
    settings = {"unit": "months", "decimals": 1}
    assert judged(0.7, 8.4, (0.7, "In years."), **settings).message == "In years."
    assert judged(-8.4, 8.4, (-8.4, "Turned round."), **settings).message == "Turned round."


def test_rival_that_happens_to_be_the_scaled_answer_is_not_told_alone():
    outcome = judged(12.3, 0.1234, (12.26, "A rival."), unit="share", decimals=1, tolerance=0.05)
    assert outcome.message.startswith(
        "More than one mistake gives this answer. A rival. Or: The answer is 100"
    )


def test_rival_nearby_gives_way_to_an_exact_reading():
    settings = {"unit": "share", "decimals": 3, "tolerance": 0.05}
    assert judged(12.34, 0.1234, (12.31, "A rival."), **settings).message.startswith(
        "The answer is 100 times"
    )
    assert judged(-0.25, 0.25, (-0.26, "A rival."), **settings).message.startswith(SIGN)


def test_rival_that_is_the_rounded_answer_is_not_told_alone():
    outcome = judged(0.4, 0.36, (0.4, "A rival."), decimals=2)
    assert outcome.message.startswith(
        "More than one mistake gives this answer. A rival. Or: That is the expected"
    )


def test_rival_that_is_right_on_these_data_explains_nothing():
    outcome = judged(0.507, 0.5, (0.504, "A rival."), decimals=2)
    assert "A rival." not in outcome.message


def test_rival_of_another_shape_is_found():
    outcome = judged([1, 2], 3.0, ((1.0, 2.0), "Add them up."))
    assert outcome.message == "Add them up."


# --- not attempted ----------

STUB = [
    None,
    ...,
    NotImplemented,
    NotImplementedError,
    NotImplementedError("answer"),
    "",
    "  \n",
    "...",
    "…",
    "YOUR ANSWER HERE",
    " your answer here ",
    "YOUR CODE HERE",
    "# YOUR CODE HERE",
    "raise NotImplementedError()",
    "# YOUR CODE HERE\nraise NotImplementedError()",
    LyingText("YOUR ANSWER HERE"),
    (..., ...),
    [None],
    [(..., ...), [None]],
    {"a": ..., "b": None},
    pd.Series([..., "YOUR ANSWER HERE"]),
    np.array([..., ...], dtype=object),
    np.array(...),
    np.array(None),
]


@pytest.mark.parametrize("answer", STUB, ids=repr)
@pytest.mark.parametrize("item", ["99.1", "99.3", "99.6", "99.7", "99.8", "99.9"])
def test_stub_is_not_attempted(item: str, answer: object):
    outcome = check(item, answer)
    assert outcome.correct is None
    assert outcome.message == "Replace the three dots by your answer."


@pytest.mark.parametrize(
    "answer",
    [
        0,
        False,
        np.nan,
        pd.NA,
        [],
        (),
        {},
        "no answer here",
        "HERE",
        [..., 0],
        pd.DataFrame(),
        pd.Series(dtype=float),
        pd.Series([None, None], dtype=object),
        pd.Series(dtype=object),
        np.array([]),
        np.array([None, ...]),
        ValueError(),
    ],
    ids=repr,
)
def test_what_was_computed_is_an_answer(answer: object):
    assert check("99.1", answer).correct is False


@pytest.mark.parametrize("stub", STUB, ids=repr)
def test_function_that_returns_a_stub_is_not_attempted(stub: object):
    outcome = check("99.9", lambda share, months: stub)
    assert outcome.correct is None
    assert outcome.message == "The function returns nothing yet: an answer, or its return, is missing."


def test_parts_not_answered_yet_are_named():
    assert check("99.6", (..., ...)).correct is None
    outcome = check("99.6", (0.3, ...))
    assert outcome.correct is None and "part 2" in outcome.message
    assert check("99.9", lambda share, months: ...).correct is None

    def stub(share, months):
        raise NotImplementedError

    assert check("99.9", stub).correct is None


def test_answers_follow_the_cohort():
    datasets.use_cohort("one")
    answer = share()
    assert check("99.1", answer).correct is True
    datasets.use_cohort("two")
    assert check("99.1", answer).correct is False
    assert check("99.1", share()).correct is True


def test_relative_tolerance_is_added():
    def item(**settings) -> Item:
        return Item(id="99.1", points=1, reference=float, rivals=(), hint="-", concepts=(), **settings)

    assert agrees(item(relative=0.01), 1000.0, 1009.9)
    assert not agrees(item(relative=0.01), 1000.0, 1010.1)
    assert agrees(item(decimals=0), 1000.0, 1000.5)
    assert not agrees(item(decimals=0), 1000.0, 1000.51)
    assert agrees(item(tolerance=1, relative=0.01), 1000.0, 1010.9)
    assert agrees(item(), 0.1 + 0.2, 0.3)
    assert not agrees(item(), 1.0, 1.000001)
    assert not agrees(item(), 0.0, 1e-7)
    assert agrees(item(relative=0.01), -1000.0, -1009.9)


@pytest.mark.parametrize(
    ("expected", "same", "other"),
    [
        (np.array([1.0, 2.0]), [1, 2], [2, 1]),
        (np.array(3.0), 3, 4),
        (pd.Series([1.0, 2.0]), pd.Series([1.0, 2.0], ["a", "b"]), pd.Series([2.0, 1.0], [1, 0])),
        ("stability", "Stability ", "stab"),
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
