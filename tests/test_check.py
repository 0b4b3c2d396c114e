"""The checks on arguments: what passes, what is refused, and whether the error says what was found and what to do."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from crmlab import _check

DAY = pd.to_datetime(pd.Series(["2025-07-01", "2025-07-02"]))


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("Lost ", ["won", "lost"], "Did you mean 'lost'? "),
        (" stabilty", ["decline", "stability"], "Did you mean 'stability'? "),
        (3, [30, 1], "Did you mean 30? "),
        ("lost", [" LOST"], "Did you mean ' LOST'? "),
        ("zz", ["won", "lost"], ""),
        ("abcd", ["cdxy"], "Did you mean 'cdxy'? "),  # half of the letters
        ("abcde", ["dexyz"], ""),  # less than half
        ("any", [], ""),
    ],
)
def test_closest_names_the_nearest(name, known, said):
    assert _check.closest(name, known) == said


def test_choice_gives_back_what_is_known():
    assert _check.choice("b", iter("ab"), "scheme") == "b"
    assert _check.choice(np.str_("a"), ["a"], "scheme") == "a"


@pytest.mark.parametrize("value", ["A", None, 3, ["a"], float("nan")])
def test_choice_refuses_what_is_not(value):
    with pytest.raises(
        ValueError, match=rf"scheme={re.escape(repr(value))} is not known\. .*Choose from: a, b\."
    ):
        _check.choice(value, ["a", "b"], "scheme")


def test_choice_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'path'"):
        _check.choice("Path", ["centroid", "path"], "scheme")


# --- tables -------------------------------------------------------------------------------------------------------


def test_frame_gives_back_the_same_table():
    data = pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"])
    assert _check.frame(data) is data
    assert _check.frame(data, ["y"]) is data  # who does not ask for x need not rename it
    assert _check.frame(data, iter(["y", "y"])) is data


@pytest.mark.parametrize("data", [None, [1], {"a": [1]}, pd.Series([1]), np.zeros((1, 1))])
def test_frame_is_a_dataframe(data):
    with pytest.raises(TypeError, match=f"orders must be a pandas DataFrame, found {type(data).__name__}"):
        _check.frame(data, argument="orders")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame({"Amount": [1], "id": [1]}), "orders has no column 'amount'. Did you mean 'Amount'? It has: Amount, id."),
        (pd.DataFrame([[1, 2]]), "orders has no column 'amount'. It has: 0, 1."),
        (pd.DataFrame(), "orders has no column 'amount'. It has: none."),
        (pd.DataFrame([[1, 2]], columns=["amount"] * 2), "orders has more than one column 'amount': rename or drop one."),
        (pd.DataFrame({"amount": []}), "orders has no rows: nothing can be computed. Check the filter that made it."),
    ],
)  # fmt: skip
def test_frame_says_what_is_wrong(data, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _check.frame(data, ["amount"], "orders")


def test_first_missing_column_is_named():
    with pytest.raises(ValueError, match=r"no column 'order'\. Did you mean 'orders'\?"):
        _check.frame(pd.DataFrame({"a": [1], "orders": [1]}), ["a", "order", "visits"])


def test_unique_rows_pass():
    data = pd.DataFrame({"id": [1, 1, 2], "month": [1, 2, 1]})
    assert _check.unique(data, ["id", "month"]) is None
    assert _check.unique(data.drop_duplicates("id"), "id") is None


def test_duplicates_are_counted_and_the_first_is_shown():
    data = pd.DataFrame({"id": [5, 7, 7, 7, 8, 8]}, index=[9, 9, 9, 8, 8, 8])
    with pytest.raises(
        ValueError, match=r"^visits has 3 duplicated row\(s\) by id, the first is \[7\]\. Keep one"
    ):
        _check.unique(data, "id", "visits")
    with pytest.raises(ValueError, match=r"by id, month, the first is \[1, 'May'\]"):
        _check.unique(pd.DataFrame({"id": [1, 1], "month": ["May"] * 2}), ["id", "month"])


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "floats"),
    [
        ([1, 2], [1, 2]),
        ((1.5,), [1.5]),
        (np.array([1, 2], dtype=np.int8), [1, 2]),
        (np.array([1, 2], dtype=np.float32), [1, 2]),
        (pd.Series([3, 1], index=["b", "a"]), [3, 1]),
        (pd.Series([1, 2], dtype="Int64"), [1, 2]),
        (pd.Series([1.5], dtype="Float64"), [1.5]),
        ([True, False], [1, 0]),
        (pd.Series([True, False], dtype="boolean"), [1, 0]),
        (pd.Series([], dtype=float), []),
    ],
)
def test_numbers_come_back_as_floats(values, floats):
    out = _check.numeric(values, "x")
    assert out.dtype == np.float64
    assert out.tolist() == floats


@pytest.mark.parametrize(
    "values",
    [
        [1, None],
        [1, np.nan],
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1.0, pd.NA], dtype="Float64"),
        pd.Series([True, None], dtype="boolean"),
    ],
)
def test_missing_values_are_counted_or_kept(values):
    with pytest.raises(ValueError, match=r"^x has 1 missing value\(s\)\. Drop or fill them first\.$"):
        _check.numeric(values, "x")
    np.testing.assert_array_equal(_check.numeric(values, "x", allow_missing=True), [1, np.nan])


@pytest.mark.parametrize(
    "values",
    [
        ["1"],
        "1",
        [1j],
        None,
        [],
        [10**400],
        DAY,
        DAY - DAY,
        pd.Series([1, 2], dtype=object),
        pd.Series([1, 2], dtype="category"),
        pd.Series([True, False], dtype=object),
    ],
)
def test_what_is_no_number_is_refused(values):
    with pytest.raises(
        TypeError, match=r"^x must be numeric, found dtype .+\. Convert it with pd\.to_numeric\.$"
    ):
        _check.numeric(values, "x")


@pytest.mark.parametrize("values", [np.zeros((2, 2)), pd.DataFrame({"a": [1]}), [[1], [2]], {1, 2}])
def test_more_than_a_column_is_refused(values):
    with pytest.raises(TypeError, match=f"x must be one column of numbers, found {type(values).__name__}"):
        _check.numeric(values, "x")


@pytest.mark.parametrize("values", [[True, False], pd.Series([True, None], dtype="boolean")])
def test_truth_values_are_refused_on_request(values):
    with pytest.raises(TypeError, match="x must be numbers, found True and False"):
        _check.numeric(values, "x", allow_truth_values=False, allow_missing=True)


def test_infinite_values_are_counted_before_missing_ones():
    with pytest.raises(ValueError, match=r"x has 2 infinite value\(s\)"):
        _check.numeric([np.inf, -np.inf, np.nan, 1], "x", allow_missing=True)


def test_bounds_belong_to_the_range():
    assert _check.numeric([1, 7], "x", minimum=1, maximum=7).tolist() == [1, 7]
    missing = _check.numeric([np.nan, 3], "x", minimum=3, maximum=3, allow_missing=True)
    np.testing.assert_array_equal(missing, [np.nan, 3])
    assert _check.numeric([0.0], "x", minimum=0, maximum=0) == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 2, -3], "x must be at least 1, found -3."),
        ([np.nan, 2, 9, 8], "x must be at most 7, found 9."),
        ([7.000001], "x must be at most 7, found 7.000001."),  # not "at most 7, found 7"
        ([0.9999999], "x must be at least 1, found 0.9999999."),
    ],
)
def test_the_value_out_of_range_is_shown(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _check.numeric(values, "x", minimum=1, maximum=7, allow_missing=True)


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int8(3), Fraction(3), np.uint64(3)])
def test_number_gives_a_float(value):
    assert type(_check.number(value, "x")) is float
    assert _check.number(value, "x", minimum=3, maximum=3) == 3


@pytest.mark.parametrize(
    "value", [True, np.True_, "3", None, [3], np.array(3.0), 1j, np.nan, np.inf, -np.inf, pd.NA, pd.NaT, 10**400, -(10**400)]
)  # fmt: skip
def test_number_is_one_finite_number(value):
    with pytest.raises(TypeError, match="x must be a finite number, found "):
        _check.number(value, "x")


def test_number_within_its_range():
    with pytest.raises(ValueError, match="x must be at least 2, found 1"):
        _check.number(1, "x", minimum=2)
    with pytest.raises(ValueError, match="x must be at most 2, found 3"):
        _check.number(3, "x", maximum=2)


@pytest.mark.parametrize("value", [1, np.int8(1), np.uint64(1)])
def test_whole_gives_an_int(value):
    assert type(_check.whole(value, "n")) is int
    assert _check.whole(value, "n", maximum=1) == 1
    assert _check.whole(0, "n", minimum=0) == 0
    assert _check.whole(10**30, "n") == 10**30


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, np.nan, [3], Fraction(3)])
def test_whole_is_a_whole_number(value):
    with pytest.raises(TypeError, match="n must be a whole number, found "):
        _check.whole(value, "n")


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (0, {}, "n must be at least 1, found 0."),
        (-1, {"minimum": 0}, "n must be at least 0, found -1."),
        (1, {"minimum": 2, "maximum": 9000}, "n must be between 2 and 9,000, found 1."),
        (9001, {"minimum": 2, "maximum": 9000}, "n must be between 2 and 9,000, found 9,001."),
        (1, {"maximum": 0}, "n must be between 1 and 0, found 1."),
    ],
)
def test_whole_within_its_range(value, limits, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _check.whole(value, "n", **limits)


@pytest.mark.parametrize("value", [0.5, 0.9, 0.95, 0.9999])
def test_level_of_an_interval(value):
    assert _check.level(value) == value


@pytest.mark.parametrize("value", [0.49, 0.99995, 95, 1, 0, -0.95])
def test_level_is_between_a_half_and_almost_one(value):
    with pytest.raises(ValueError, match=r"level must be at (least 0.5|most 0.9999), found"):
        _check.level(value)


# --- labels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"b": 2, "a": 1},
        pd.Series({"b": 2, "a": 1}),
        pd.Series([2, 1], index=pd.CategoricalIndex(["b", "a"])),
    ],
)
def test_values_come_in_the_order_of_the_labels(values):
    found = _check.by_label(values, iter(["a", "b"]), "cost")
    assert list(found.index) == ["a", "b"]
    assert found.tolist() == [1, 2]


def test_labels_may_be_pairs():
    found = _check.by_label({("a", 1): 1, ("b", 1): 2}, [("b", 1), ("a", 1)], "cost")
    assert found.tolist() == [2, 1]


@pytest.mark.parametrize("values", [[1, 2], 3, None, np.array([1, 2]), pd.DataFrame({"a": [1]})])
def test_values_have_labels(values):
    with pytest.raises(
        TypeError, match=f"cost must give a number for each label, found {type(values).__name__}"
    ):
        _check.by_label(values, ["a", "b"], "cost")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.Series([1, 2, 3], index=["b", "a", "a"]), "cost has the label 'a' more than once."),
        ({"Lost": 1, "won": 1}, "cost names 'Lost', which is not known. Did you mean 'lost'?"),
        ({"zz": 1, "won": 1, "lost": 1}, "cost names 'zz', which is not known."),
        ({"won": 1}, "cost has nothing for 'lost'."),
        ({}, "cost has nothing for 'won'."),
    ],
)
def test_labels_agree(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _check.by_label(values, ["won", "lost"], "cost")


def test_aligned_takes_the_labels_of_the_series():
    labels = ["x", "y"]
    found = _check.aligned(a=[1, 2], b=pd.Series([3, 4], index=labels), c=pd.Series([5.0, 6], index=labels))
    pd.testing.assert_frame_equal(
        found, pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4], "c": [5.0, 6]}, index=labels)
    )
    assert _check.aligned(a=[1], b=np.array([2])).index.tolist() == [0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": pd.Series([1, 2], index=["x", "y"]), "b": pd.Series([1, 2], index=["y", "x"])}, "b has other row labels than a"),
        ({"a": pd.Series([1, 2], index=[5, 6]), "b": [1, 2], "c": pd.Series([1, 2])}, "c has other row labels than a"),
        ({"a": [1, 2], "b": [1]}, "columns differ in length: {'a': 2, 'b': 1}."),
        ({"a": []}, "a is empty: nothing can be computed."),
        ({"a": [1], "b": pd.Series([], dtype=float)}, "b is empty: nothing can be computed."),
        ({"a": pd.Series([1, 2, 3], index=["z", "x", "x"])}, "the label 'x' occurs more than once: one row each."),
        ({"a": [1, np.nan]}, "a has 1 missing value(s)"),
    ],
)  # fmt: skip
def test_columns_that_do_not_belong_together(columns, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        _check.aligned(**columns)


@pytest.mark.parametrize("values", [3, None, {"a": 1}, "12", pd.DataFrame({"a": [1]})])
def test_aligned_takes_columns(values):
    with pytest.raises(TypeError, match=f"a must be a Series of numbers, found {type(values).__name__}"):
        _check.aligned(a=values)


# --- dates --------------------------------------------------------------------------------------------------------


def test_dates_pass():
    assert _check.dates(DAY, "sent_on") is DAY


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2025-07-01"], "sent_on must be a Series of dates, found list."),
        (pd.DatetimeIndex(DAY), "sent_on must be a Series of dates, found DatetimeIndex."),
        (DAY.to_frame(), "sent_on must be a Series of dates, found DataFrame."),
        (DAY.astype(str), "sent_on must hold dates, found dtype str. Convert it with pd.to_datetime."),
        (DAY.dt.to_period("M"), "sent_on must hold dates, found dtype period[M]. Convert it with pd.to_datetime."),
        (pd.Series([20250701]), "sent_on must hold dates, found dtype int64. Convert it with pd.to_datetime."),
        (DAY.dt.tz_localize("UTC"), "sent_on has the time zone UTC. Take it off with .dt.tz_localize(None)."),
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(values, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        _check.dates(values, "sent_on")


def test_missing_dates_are_counted():
    with pytest.raises(ValueError, match=r"^sent_on has 2 missing date\(s\)\. Drop or fill them first\.$"):
        _check.dates(DAY.reindex([0, 7, 8]), "sent_on")
