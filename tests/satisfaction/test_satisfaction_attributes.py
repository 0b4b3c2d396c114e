"""Importance-performance analysis: four quadrants by label, cuts, and bad input."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from crmlab import satisfaction as sat

IMPORTANCE = pd.Series({"a": 6.0, "b": 5.0, "c": 3.0, "d": 2.0})
PERFORMANCE = pd.Series({"d": 6.0, "c": 2.0, "b": 5.0, "a": 3.0})  # another order: labels count


def test_quadrants_are_those_of_martilla_and_james_1977():
    result = sat.quadrants(IMPORTANCE, PERFORMANCE)
    assert result.table["quadrant"].to_dict() == {
        "a": "concentrate here",
        "b": "keep up the good work",
        "c": "low priority",
        "d": "possible overkill",
    }
    assert (result.importance_cut, result.performance_cut, result.rule) == (4.0, 4.0, "the means")
    assert "Cut at the means: importance 4, performance 4" in repr(result)


def test_numbers_stay_with_their_attribute():
    for order in ("abcd", "dcba", "bdac"):
        table = sat.quadrants(IMPORTANCE.loc[list(order)], PERFORMANCE).table
        assert list(table.index) == list(order)  # that of importance
        assert table["performance"].to_dict() == PERFORMANCE.to_dict()
        assert table["importance"].to_dict() == IMPORTANCE.to_dict()
    two = pd.MultiIndex.from_product([["shop"], list("abcd")])
    table = sat.quadrants(IMPORTANCE.set_axis(two), PERFORMANCE[::-1].set_axis(two)[::-1]).table
    assert table["performance"].tolist() == [3.0, 5.0, 2.0, 6.0]
    named = sat.quadrants(IMPORTANCE.rename_axis("attribute"), PERFORMANCE.rename_axis("other"))
    assert named.table.index.name == "attribute"


def test_cuts_of_every_kind():
    on_the_cut = sat.quadrants(IMPORTANCE, PERFORMANCE, (6, 3))  # counts as high
    assert on_the_cut.table["quadrant"].to_dict() == {
        "a": "keep up the good work",
        "b": "possible overkill",
        "c": "low priority",
        "d": "possible overkill",
    }
    assert on_the_cut.rule == "given values"
    skewed = sat.quadrants(IMPORTANCE.replace(6.0, 60.0), PERFORMANCE.replace(6.0, 600.0), "median")
    assert (skewed.importance_cut, skewed.performance_cut, skewed.rule) == (4.0, 4.0, "the medians")
    means = sat.quadrants(IMPORTANCE.replace(6.0, 60.0), PERFORMANCE.replace(6.0, 600.0))
    assert (means.importance_cut, means.performance_cut) == (17.5, 152.5)
    listed = sat.quadrants(IMPORTANCE, PERFORMANCE, [np.int64(6), np.float32(3)])
    assert (listed.importance_cut, listed.performance_cut) == (6.0, 3.0)


@pytest.mark.parametrize(
    "values", [[0.1, 0.1, 0.1], [0.1, 0.2, 0.3], [-0.3, 0.1, 0.2, 0.0], [1e15 + 0.1] * 3]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_that_equals_the_mean_is_on_the_cut_whatever_the_rounding(values, sign):
    values = pd.Series(values) * sign
    exact = pd.Series([Fraction(str(value)) for value in values])
    words = np.where(exact >= exact.sum() / len(exact), "keep up the good work", "low priority")
    assert sat.quadrants(values, values).table["quadrant"].tolist() == words.tolist()


def test_a_value_just_below_the_cut_is_low():
    values = pd.Series([1.0, 1 + 1e-9])
    assert sat.quadrants(values, values, (1 + 1e-9, 0.9)).table["quadrant"].tolist() == [
        "possible overkill",
        "keep up the good work",
    ]


def test_equal_importance_keeps_the_order_given():
    many = pd.Series([5.0, 4.0] * 100)
    order = sat.quadrants(many, many).summary().index
    assert list(order) == [*range(0, 200, 2), *range(1, 200, 2)]


def test_summary_has_the_most_important_first_and_the_table_is_a_copy():
    result = sat.quadrants(IMPORTANCE[::-1], PERFORMANCE)
    table = result.table
    table["importance"] = 0
    assert result.summary()["importance"].tolist() == [6, 5, 3, 2]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_quadrants_survive_pickle_and_copy(again):
    result = sat.quadrants(IMPORTANCE, PERFORMANCE)
    assert repr(again(result)) == repr(result)
    assert again(result)._repr_html_() == result._repr_html_()


def test_a_hundred_thousand_attributes_do_not_hang():
    many = pd.Series(np.arange(100_000.0))
    assert len(sat.quadrants(many, many[::-1]).table) == 100_000


TWICE = pd.Series([1.0, 2.0], ["a", "a"])
VALUE_ERRORS = [
    ("empty", lambda: sat.quadrants(IMPORTANCE.iloc[:0], PERFORMANCE.iloc[:0])),
    ("names 'x', which is not known", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE.rename({"a": "x"}))),
    ("performance has nothing for 'a'", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE.iloc[:3])),
    ("names 'a'", lambda: sat.quadrants(IMPORTANCE.iloc[1:], PERFORMANCE)),
    ("performance has 1 missing", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE.replace(6.0, np.nan))),
    ("importance has 1 infinite", lambda: sat.quadrants(IMPORTANCE.replace(6.0, np.inf), PERFORMANCE)),
    ("more than once", lambda: sat.quadrants(TWICE, TWICE)),
    ("more than once", lambda: sat.quadrants(TWICE, TWICE.iloc[:1])),
    ("cut='mode'", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, "mode")),
]
TYPE_ERRORS = [
    ("Series by attribute", lambda: sat.quadrants([1, 2], [1, 2])),
    ("Series by attribute", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE.to_frame())),
    ("numeric", lambda: sat.quadrants(IMPORTANCE.astype(str), PERFORMANCE)),
    ("True and False", lambda: sat.quadrants(IMPORTANCE > 4, PERFORMANCE)),
    ("pair", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, 4)),
    ("pair", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, (4, 4, 4))),
    (r"cut\[1\]", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, (4, np.nan))),
    (r"cut\[0\]", lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, (True, 4))),
]


@pytest.mark.parametrize(("text", "call"), VALUE_ERRORS)
def test_quadrants_refuse_values(text, call):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(("text", "call"), TYPE_ERRORS)
def test_quadrants_refuse_types(text, call):
    with pytest.raises(TypeError, match=text):
        call()
