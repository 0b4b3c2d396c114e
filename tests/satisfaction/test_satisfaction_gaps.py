"""Disconfirmation and SERVQUAL: published gaps, hand calculations, the truth of a larger world, bad input."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from crmlab import datasets
from crmlab import satisfaction as sat
from crmlab.simulate.processes import service_quality

SERVICE = datasets.load("service_quality_survey", cohort="shipped")
WEIGHTS = {"tangibles": 1, "reliability": 2, "responsiveness": 3, "assurance": 4, "empathy": 10}


def broken(**columns):
    return SERVICE.astype(float).assign(**columns)


# --- disconfirmation -----------------------------------------------------------------------------------------------


def test_disconfirmation_keeps_labels_and_splits_the_gap():
    labels = ["c", "a", "b"]
    table = sat.disconfirmation(pd.Series([6, 5, 4], labels), pd.Series([4.5, 5, 7], labels))
    expected = pd.DataFrame(
        {
            "expectation": [6.0, 5.0, 4.0],
            "gap": [-1.5, 0.0, 3.0],
            "negative": [-1.5, 0.0, 0.0],
            "positive": [0.0, 0.0, 3.0],
        },
        labels,
    )
    pd.testing.assert_frame_equal(table, expected)
    assert not np.signbit(table[["negative", "positive"]].to_numpy()[1:]).any()  # no minus zero


def test_disconfirmation_recovers_the_asymmetry_of_the_world(world):
    truth = world.truth["service_quality"]
    survey = world.tables["service_quality_survey"]
    terms = sat.disconfirmation(truth["expected"], truth["expected"] + truth["gap"])
    terms["y"] = survey["visit_satisfaction"]
    inner = terms[survey["visit_satisfaction"].between(1.5, 9.5)]  # the ends of the scale bend the line
    fit = smf.ols("y ~ expectation + negative + positive", inner).fit()
    for name in ("negative", "positive", "expectation"):
        assert fit.params[name] == pytest.approx(
            getattr(service_quality.DISCONFIRMATION, name), abs=4 * fit.bse[name] + 0.03
        )
    assert fit.t_test("negative = positive").pvalue < 1e-6
    # from what people answered: slopes drawn towards each other, the order stays
    sides = survey.loc[:, ~survey.columns.str.startswith("relationship")]
    expected = sides.filter(regex="_expected$").mean(axis=1)
    perceived = sides.filter(regex="_perceived$").mean(axis=1)
    asked = sat.disconfirmation(expected, perceived).assign(y=survey["visit_satisfaction"])
    slopes = smf.ols("y ~ expectation + negative + positive", asked).fit().params
    assert slopes["negative"] - slopes["positive"] < 1.1
    assert slopes["negative"] > 1.5 * slopes["positive"]


# --- SERVQUAL ------------------------------------------------------------------------------------------------------


def test_servqual_reference_gaps_and_weights():
    """reference/README: gaps -.65, -1.10, -.83, -.70, -1.01 have the mean -.858."""
    gap = dict(zip(sat.SERVQUAL_DIMENSIONS, (-0.65, -1.10, -0.83, -0.70, -1.01), strict=True))
    expected = {f"{d}_1_expected": [6.0, 6.0] for d in gap}
    perceived = {f"{d}_1_perceived": [6 + g] * 2 for d, g in gap.items()}
    points = {f"points_{d}": [20, 0] for d in gap} | {"points_reliability": [20, 100]}
    result = sat.servqual(pd.DataFrame(expected | perceived | points))
    assert result.summary()["gap"].mean() == pytest.approx(-0.858)
    assert result.score().tolist() == pytest.approx([-0.858, -0.858])
    assert result.score("points").tolist() == pytest.approx([-0.858, -1.10])
    assert result.score({**dict.fromkeys(gap, 0), "empathy": 3}).tolist() == pytest.approx([-1.01, -1.01])


def test_servqual_by_hand_on_the_shipped_survey():
    result = sat.servqual(SERVICE)
    pairs = [SERVICE[f"empathy_{k}_perceived"] - SERVICE[f"empathy_{k}_expected"] for k in range(1, 6)]
    by_hand = np.mean(pairs, axis=0)
    assert result.gaps()["empathy"].to_numpy() == pytest.approx(by_hand)
    assert result.gaps("item").shape == (len(SERVICE), 22)
    assert list(result.summary("item").index)[:2] == ["tangibles_1", "tangibles_2"]
    row = result.summary().loc["empathy"]
    assert row["gap"] == pytest.approx(by_hand.mean())
    assert row["se"] == pytest.approx(by_hand.std(ddof=1) / np.sqrt(len(SERVICE)))
    sides = [
        SERVICE.filter(regex=rf"^empathy_\d+_{side}$").mean().mean() for side in ("expected", "perceived")
    ]
    assert row[["expected", "perceived"]].tolist() == pytest.approx(sides)
    share = SERVICE[[f"points_{d}" for d in sat.SERVQUAL_DIMENSIONS]].to_numpy() / 100
    assert result.score("points").to_numpy() == pytest.approx((result.gaps().to_numpy() * share).sum(axis=1))
    assert result.score().name == "servqual_score"
    relations = sat.servqual(SERVICE, "relationship").summary("item")
    assert list(relations.index) == [f"relationship_{k}" for k in range(1, 7)]
    assert "638 respondents" in repr(result)
    assert f"unweighted score {result.summary()['gap'].mean():.3f}" in repr(result)
    assert "<table" in result._repr_html_()


def test_servqual_weights_go_by_label():
    result = sat.servqual(SERVICE)
    by_hand = sum(result.gaps()[name] * weight for name, weight in WEIGHTS.items()) / 20
    turned = dict(reversed(WEIGHTS.items()))
    for weights in (WEIGHTS, turned, pd.Series(turned), pd.Series(WEIGHTS, dtype="Int64") / 7):
        assert result.score(weights).to_numpy() == pytest.approx(by_hand.to_numpy())


@pytest.mark.parametrize(("first", "allowed"), [(50, True), (50 + 1e-9, True), (50.5, False), (49.5, False)])
def test_points_add_up_to_100(first, allowed):
    survey = pd.DataFrame({f"{d}_1_{side}": [6, 5] for d in "ab" for side in ("expected", "perceived")})
    result = sat.servqual(survey.assign(points_a=first, points_b=50), ["a", "b"])
    if allowed:
        assert result.score("points").tolist() == [0, 0]
    else:
        with pytest.raises(
            ValueError, match=f"2 respondent.* do not add up to 100, the first {first + 50:g}"
        ):
            result.score("points")


def test_servqual_goes_by_the_names_of_columns_and_rows():
    shuffled = SERVICE.sample(frac=1, random_state=1)[SERVICE.columns[::-1]]
    result = sat.servqual(shuffled)
    pd.testing.assert_frame_equal(result.gaps().sort_index(), sat.servqual(SERVICE).gaps())
    assert result.score("points").sort_index().tolist() == pytest.approx(
        sat.servqual(SERVICE).score("points").tolist()
    )
    odd = pd.DataFrame({"$_a_1_expected": [1, 2], "$_a_1_perceived": [2, 4], "x_$_a_2_expected": [1, 1]})
    assert sat.servqual(odd, ["$_a"]).gaps()["$_a"].tolist() == [1, 2]


def test_servqual_gives_copies():
    result = sat.servqual(SERVICE)
    before = result.gaps()
    for by in ("item", "dimension"):
        gaps = result.gaps(by)
        gaps.iloc[:] = 0
    pd.testing.assert_frame_equal(result.gaps(), before)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_servqual_survives_pickle_and_copy(again):
    result = sat.servqual(SERVICE)
    other = again(result)
    assert repr(other) == repr(result)
    pd.testing.assert_series_equal(other.score("points"), result.score("points"))


def test_servqual_says_its_scale_and_gaps_do_not_depend_on_it():
    survey = pd.DataFrame({"empathy_1_expected": [1, 5], "empathy_1_perceived": [5, 1]})
    seven = sat.servqual(survey, ["empathy"])
    five = sat.servqual(survey, ["empathy"], minimum=1, maximum=5)
    assert "on a scale from 1 to 7" in repr(seven)
    assert "on a scale from 1 to 5" in repr(five)
    pd.testing.assert_frame_equal(seven.gaps(), five.gaps())
    for ends in ({"minimum": 2}, {"maximum": 4}):
        with pytest.raises(ValueError, match="empathy_1_expected has answers off the scale"):
            sat.servqual(survey, ["empathy"], **ends)


def test_gap_weights_of_the_world_are_recovered(world):
    truth = world.truth["service_quality"]
    survey = world.tables["service_quality_survey"]
    short = truth["gap"] < 0  # one slope
    gaps = truth.loc[short, [f"gap_{d}" for d in service_quality.DIMENSIONS.index]]
    terms = sm.add_constant(gaps.assign(e=truth["expected"]))
    fit = sm.OLS(survey.loc[short, "visit_satisfaction"], terms).fit()
    weights = fit.params[list(gaps)] / fit.params[list(gaps)].sum()
    assert weights.to_numpy() == pytest.approx(service_quality.WEIGHTS.to_numpy(), abs=0.03)


EMPTY = pd.Series([], dtype=float)
POINTS = dict.fromkeys([f"points_{name}" for name in sat.SERVQUAL_DIMENSIONS], 50.0)
OWING = {**POINTS, "points_assurance": 0.0, "points_empathy": -50.0}
BEYOND = {**POINTS, "points_reliability": 150.0, "points_empathy": -50.0}
VALUE_ERRORS = [
    ("no rows", lambda: sat.servqual(SERVICE.iloc[:0])),
    ("no column 'empathy_2_perceived'", lambda: sat.servqual(SERVICE.drop(columns="empathy_2_perceived"))),
    ("no column 'empathy_2_expected'", lambda: sat.servqual(SERVICE.drop(columns="empathy_2_expected"))),
    ("warmth_1_expected", lambda: sat.servqual(SERVICE, ["warmth"])),
    ("dimensions is empty", lambda: sat.servqual(SERVICE, [])),
    ("more than one", lambda: sat.servqual(pd.concat([SERVICE, SERVICE["empathy_1_expected"]], axis=1))),
    ("empathy_1_expected has 638 missing", lambda: sat.servqual(broken(empathy_1_expected=np.nan))),
    ("infinite", lambda: sat.servqual(broken(empathy_1_perceived=np.inf))),
    ("scale from 1 to 7, such as 8", lambda: sat.servqual(broken(empathy_1_perceived=8.0))),
    ("scale from 1 to 7, such as 0", lambda: sat.servqual(broken(empathy_1_perceived=0.0))),
    ("minimum must be below maximum", lambda: sat.servqual(SERVICE, minimum=7, maximum=7)),
    ("by='person'", lambda: sat.servqual(SERVICE).gaps("person")),
    ("weights='stated'", lambda: sat.servqual(SERVICE).score("stated")),
    ("weights has nothing for 'tangibles'", lambda: sat.servqual(SERVICE).score({"empathy": 1})),
    ("Did you mean 'empathy'", lambda: sat.servqual(SERVICE).score({**WEIGHTS, "empthy": 1})),
    ("all 0", lambda: sat.servqual(SERVICE).score(dict.fromkeys(WEIGHTS, 0))),
    ("at least 0", lambda: sat.servqual(SERVICE).score({**WEIGHTS, "empathy": -1})),
    ("weights has 1 missing", lambda: sat.servqual(SERVICE).score({**WEIGHTS, "empathy": np.nan})),
    ("638 respondent.* do not add up", lambda: sat.servqual(broken(points_empathy=0.5)).score("points")),
    ("points_empathy has 638 missing", lambda: sat.servqual(broken(points_empathy=np.nan)).score("points")),
    ("points_empathy must be at least 0", lambda: sat.servqual(broken(**OWING)).score("points")),
    ("points_reliability must be at most 100", lambda: sat.servqual(broken(**BEYOND)).score("points")),
    (
        "points of the survey has no column 'points_empathy'",
        lambda: sat.servqual(SERVICE.drop(columns="points_empathy")).score("points"),
    ),
    ("expected is empty", lambda: sat.disconfirmation(EMPTY, EMPTY)),
    ("expected is empty", lambda: sat.disconfirmation([], [])),
    ("differ in length", lambda: sat.disconfirmation([1, 2], [1])),
    ("expected has 1 missing", lambda: sat.disconfirmation([1, np.nan], [1, 2])),
    ("perceived has 1 infinite", lambda: sat.disconfirmation([1, 2], [1, np.inf])),
    ("row labels", lambda: sat.disconfirmation(pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0]))),
    ("more than once", lambda: sat.disconfirmation(pd.Series([1, 2], [0, 0]), pd.Series([1, 2], [0, 0]))),
]
TYPE_ERRORS = [
    ("list of names", lambda: sat.servqual(SERVICE, None)),
    ("minimum must be a finite number", lambda: sat.servqual(SERVICE, minimum="1")),
    ("empathy_1_expected must be numeric", lambda: sat.servqual(SERVICE.assign(empathy_1_expected="high"))),
    ("True and False", lambda: sat.servqual(SERVICE.assign(empathy_1_expected=True))),
    ("True and False", lambda: sat.servqual(SERVICE).score(dict.fromkeys(WEIGHTS, True))),
    ("weights must be numeric", lambda: sat.servqual(SERVICE).score(dict.fromkeys(WEIGHTS, "1"))),
    ("number for each label, found list", lambda: sat.servqual(SERVICE).score([1, 1, 1, 1, 1])),
    ("number for each label, found None", lambda: sat.servqual(SERVICE).score(None)),
    ("one column of numbers", lambda: sat.disconfirmation(np.ones((2, 2)), np.ones((2, 2)))),
    ("numeric", lambda: sat.disconfirmation(["a"], ["b"])),
    ("True and False", lambda: sat.disconfirmation([True, False], [1, 2])),
    ("expected must be a Series", lambda: sat.disconfirmation(5, 6)),
    ("expected must be a Series", lambda: sat.disconfirmation(SERVICE, SERVICE)),
]


@pytest.mark.parametrize(("text", "call"), VALUE_ERRORS)
def test_gaps_refuse_values(text, call):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(("text", "call"), TYPE_ERRORS)
def test_gaps_refuse_types(text, call):
    with pytest.raises(TypeError, match=text):
        call()
