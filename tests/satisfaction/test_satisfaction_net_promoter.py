"""Net promoter scores: a published standard error, what intervals cover, and everything that is not a score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from crmlab import datasets
from crmlab import satisfaction as sat

SURVEY = datasets.load("satisfaction_survey", cohort="shipped")
TRACKER = datasets.load("satisfaction_tracker", cohort="shipped").set_index("quarter")
GROUPS = ["promoters", "passives", "detractors"]
BEFORE = {"promoters": 60, "passives": 90, "detractors": 50}
AFTER = {"promoters": 90, "passives": 70, "detractors": 40}
QUANTILES = {
    0.5: 0.67449,
    0.9: 1.644854,
    0.95: 1.959964,
    0.99: 2.575829,
}  # of the normal, both tails together


def test_nps_reference_standard_error():
    """reference/README: p = 1/2, d = 1/6, n = 324 give .04141 (of a share)."""
    score = sat.nps({"promoters": 162, "passives": 108, "detractors": 54})
    assert score["nps"] == pytest.approx(100 / 3)
    assert score["se"] == pytest.approx(4.141, abs=5e-4)


@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
@settings(max_examples=60)
def test_nps_is_the_mean_of_a_variable_that_is_1_0_or_minus_1(answers):
    marks = np.select([np.array(answers) >= 9, np.array(answers) <= 6], [1, -1], 0)
    score = sat.nps(pd.Series(answers))
    assert score["nps"] == pytest.approx(100 * marks.mean())
    assert score["se"] == pytest.approx(100 * marks.std() / np.sqrt(len(marks)))
    assert score[GROUPS].tolist() == [(marks == k).sum() for k in (1, 0, -1)]
    assert score["answers"] == len(answers)


def test_every_score_belongs_to_its_group():
    groups = {k: sat.nps([k])[GROUPS].idxmax() for k in range(11)}
    assert [k for k, group in groups.items() if group == "promoters"] == [9, 10]
    assert [k for k, group in groups.items() if group == "passives"] == [7, 8]


@pytest.mark.parametrize(("level", "quantile"), QUANTILES.items())
def test_the_level_is_that_of_the_interval(level, quantile):
    score = sat.nps(BEFORE, level)
    assert score["upper"] - score["nps"] == pytest.approx(quantile * score["se"], rel=1e-5)
    assert score["nps"] - score["lower"] == pytest.approx(quantile * score["se"], rel=1e-5)
    change = sat.nps_difference(BEFORE, AFTER, level)
    assert change["upper"] - change["difference"] == pytest.approx(quantile * change["se"], rel=1e-5)
    assert change["difference"] - change["lower"] == pytest.approx(quantile * change["se"], rel=1e-5)


def test_the_level_is_95_percent_if_not_said():
    pd.testing.assert_series_equal(sat.nps(BEFORE), sat.nps(BEFORE, 0.95))
    pd.testing.assert_series_equal(sat.nps_difference(BEFORE, AFTER), sat.nps_difference(BEFORE, AFTER, 0.95))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_cover_what_they_promise(level):
    """4,000 samples of 300: the true score is in as many intervals as the level says."""
    rng = np.random.default_rng(8)
    table = pd.DataFrame(rng.multinomial(300, [0.45, 0.3, 0.25], size=4000), columns=GROUPS)
    scores = sat.nps(table, level)
    covered = (scores["lower"] <= 20) & (scores["upper"] >= 20)
    assert covered.mean() == pytest.approx(level, abs=0.02)
    assert scores["nps"].std() == pytest.approx(scores["se"].mean(), rel=0.04)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_of_differences_cover_what_they_promise(level):
    rng = np.random.default_rng(9)
    first = rng.multinomial(200, [0.45, 0.3, 0.25], size=300)
    second = rng.multinomial(400, [0.55, 0.3, 0.15], size=300)
    rows = []
    for a, b in zip(first, second, strict=True):
        counts = (dict(zip(GROUPS, side.tolist(), strict=True)) for side in (a, b))
        rows.append(sat.nps_difference(*counts, level))
    table = pd.DataFrame(rows)
    covered = (table["lower"] <= 20) & (table["upper"] >= 20)
    assert covered.mean() == pytest.approx(level, abs=0.05)


def test_the_p_value_keeps_its_level_when_nothing_changed():
    rng = np.random.default_rng(5)
    pairs = rng.multinomial(250, [0.4, 0.35, 0.25], size=(400, 2))
    p = []
    for pair in pairs:
        counts = (dict(zip(GROUPS, side.tolist(), strict=True)) for side in pair)
        p.append(sat.nps_difference(*counts)["p_value"])
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p) == pytest.approx(0.5, abs=0.05)  # two-sided: uniform


def test_nps_difference_by_hand():
    change = sat.nps_difference(BEFORE, AFTER)
    se = 100 * np.sqrt((0.55 - 0.05**2 + 0.65 - 0.25**2) / 200)
    assert list(change.index) == ["difference", "se", "lower", "upper", "z", "p_value"]
    assert change["difference"] == pytest.approx(20)
    assert change["se"] == pytest.approx(se)
    assert change["z"] == pytest.approx(20 / se)
    assert change["p_value"] == pytest.approx(2 * norm.sf(20 / se))
    back = sat.nps_difference(AFTER, BEFORE)
    assert back["difference"] == pytest.approx(-20)
    assert back["p_value"] == pytest.approx(change["p_value"])


def test_counts_go_by_name():
    turned = dict(reversed(BEFORE.items()))
    pd.testing.assert_series_equal(sat.nps(turned), sat.nps(BEFORE))
    pd.testing.assert_series_equal(sat.nps(pd.Series(turned)), sat.nps(BEFORE))
    pd.testing.assert_series_equal(sat.nps(pd.Series(turned, dtype="Int64")), sat.nps(BEFORE))
    pd.testing.assert_series_equal(sat.nps(pd.Series({**turned, "note": "spring"})), sat.nps(BEFORE))
    assert sat.nps_difference(pd.Series(turned), BEFORE)["difference"] == 0
    shuffled = TRACKER.sample(frac=1, random_state=1)[TRACKER.columns[::-1]]
    pd.testing.assert_frame_equal(sat.nps(shuffled).sort_index(), sat.nps(TRACKER))


def test_nps_of_periods_and_groups():
    table = sat.nps(TRACKER)
    one = sat.nps(TRACKER.iloc[3])
    assert table.iloc[3].tolist() == pytest.approx(one.tolist())
    assert one.name == "nps"
    assert table.index.equals(TRACKER.index)
    happy = SURVEY["satisfaction_1"].fillna(0) > 7
    groups = SURVEY["recommend"].groupby(happy).apply(sat.nps).unstack()
    assert groups.loc[True, "nps"] > groups.loc[False, "nps"]


@pytest.mark.parametrize("dtype", ["Int64", "UInt8", "Float64", "int8", "float32"])
def test_any_numbers_will_do(dtype):
    scores = pd.Series([9, 10, 8, 3], dtype=dtype)
    assert sat.nps(scores)[GROUPS].tolist() == [2, 1, 1]
    assert sat.nps(scores.to_numpy())["nps"] == 25
    assert sat.nps([np.int8(9), np.float64(7)])["nps"] == 50


def test_columns_of_scores_one_by_one():
    scores = pd.DataFrame({"shop": [9, 10, 3], "online": [7, 8, 6]})
    with pytest.raises(ValueError, match=r"answers.apply\(nps\).T"):
        sat.nps(scores)
    table = scores.apply(sat.nps).T
    assert table["nps"].round(2).to_dict() == {"shop": 33.33, "online": -33.33}


CAPITALS = ["Promoters", "Passives", "Detractors"]
NAMED = ["promoters", "x", "y"]
VALUE_ERRORS = [
    ("nobody answered", lambda: sat.nps(pd.Series([], dtype=float))),
    ("nobody answered", lambda: sat.nps([])),
    ("nobody answered", lambda: sat.nps(dict.fromkeys(GROUPS, 0))),
    ("at most 10", lambda: sat.nps(pd.Series([11]))),
    ("at least 0", lambda: sat.nps(pd.Series([-1]))),
    ("whole numbers", lambda: sat.nps(pd.Series([9, 7.5]))),
    ("1 missing", lambda: sat.nps(pd.Series([9, np.nan]))),
    ("1 missing", lambda: sat.nps(pd.Series([9, None], dtype="Int64"))),
    ("infinite", lambda: sat.nps(pd.Series([9, np.inf]))),
    ("row labels promoters.*reset_index", lambda: sat.nps(pd.Series([9, 1, 3], NAMED))),
    ("row labels Promoters, Passives, Detractors", lambda: sat.nps(pd.Series([6, 9, 5], CAPITALS))),
    ("Did you mean 'Promoters'", lambda: sat.nps(dict.fromkeys(CAPITALS, 5))),
    ("Did you mean 'Promoters'", lambda: sat.nps(TRACKER.rename(columns=str.title))),
    ("once each", lambda: sat.nps(pd.Series([9, 1, 3, 4], [*GROUPS, "promoters"]))),
    ("value_counts", lambda: sat.nps(pd.Series([9, 9, 3]).value_counts())),
    ("no column 'detractors'", lambda: sat.nps({"promoters": 1, "passives": 2})),
    ("not shares", lambda: sat.nps({"promoters": 0.5, "passives": 0.3, "detractors": 0.2})),
    ("promoters must be at least 0", lambda: sat.nps({**BEFORE, "promoters": -1})),
    ("promoters must be at most", lambda: sat.nps({**BEFORE, "promoters": 1e20})),
    ("passives has 1 missing", lambda: sat.nps({**BEFORE, "passives": np.nan})),
    ("no column 'passives'", lambda: sat.nps(TRACKER.drop(columns="passives"))),
    ("more than one column 'passives'", lambda: sat.nps(pd.concat([TRACKER, TRACKER["passives"]], axis=1))),
    ("no rows", lambda: sat.nps(TRACKER.iloc[:0])),
    ("nobody answered", lambda: sat.nps(pd.DataFrame([BEFORE, dict.fromkeys(GROUPS, 0)]))),
    ("level", lambda: sat.nps(pd.Series([9]), level=95)),
    ("level", lambda: sat.nps_difference(BEFORE, AFTER, level=0)),
    ("one group", lambda: sat.nps_difference(pd.Series([9, 9]), pd.Series([1, 1]))),
]
TYPE_ERRORS = [
    ("scores must be numbers, found True", lambda: sat.nps(pd.Series([True, False]))),
    ("scores must be numbers, found True", lambda: sat.nps(pd.Series([True, None], dtype="boolean"))),
    ("scores must be numbers, found True", lambda: sat.nps(SURVEY["recommend"] >= 9)),
    ("scores must be numeric", lambda: sat.nps(pd.Series([True, 9], dtype=object))),
    ("promoters must be numbers, found True", lambda: sat.nps({**BEFORE, "promoters": True})),
    ("passives must be numbers, found True", lambda: sat.nps(pd.Series({**BEFORE, "passives": False}))),
    ("detractors must be numbers", lambda: sat.nps(TRACKER.assign(detractors=True))),
    ("scores must be numeric", lambda: sat.nps(pd.Series(["9"]))),
    ("promoters must be numeric", lambda: sat.nps({**BEFORE, "promoters": "60"})),
    ("scores must be numeric", lambda: sat.nps(pd.Series(pd.to_timedelta([1, 2])))),
    ("one column of numbers", lambda: sat.nps(np.ones((2, 2)))),
    ("answers must be a Series", lambda: sat.nps(9)),
    ("answers must be a Series", lambda: sat.nps("promoters")),
    ("level must be a finite number", lambda: sat.nps(BEFORE, level="95%")),
    ("two samples", lambda: sat.nps_difference(TRACKER, TRACKER)),
    ("two samples", lambda: sat.nps_difference(BEFORE, TRACKER.iloc[[1]])),
]


@pytest.mark.parametrize(("text", "call"), VALUE_ERRORS)
def test_nps_refuses_values(text, call):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(("text", "call"), TYPE_ERRORS)
def test_nps_refuses_types(text, call):
    with pytest.raises(TypeError, match=text):
        call()
