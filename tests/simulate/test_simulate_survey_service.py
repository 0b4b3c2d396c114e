"""The service quality survey: items, gaps, what follows a visit, and what a project would truly add."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, near_mean, near_sd, no_tie, rounded_mean, rounded_sd
from scipy.special import expit
from worlds import SEED, surveys

from crmlab.simulate.processes import service_quality
from crmlab.simulate.processes.service_quality import (
    DELIGHT,
    DIMENSIONS,
    DISCONFIRMATION,
    IMPROVEMENTS,
    OFFSETS,
    PROJECTS,
    RELATING,
    RELATIONSHIP,
    SERVICE,
    WEIGHTS,
    improvement_gain,
    repurchase_given_satisfaction,
    visit_satisfaction,
)
from crmlab.simulate.registry import Setting, run

LARGE = 100_000


@pytest.fixture(scope="module")
def world() -> dict[str, pd.DataFrame]:
    return surveys()


@pytest.fixture(scope="module")
def survey(world) -> pd.DataFrame:
    return world["service_quality_survey"]


@pytest.fixture(scope="module")
def truth(world) -> pd.DataFrame:
    return world["truth:service_quality"]


@pytest.fixture(scope="module")
def scores(world, survey) -> pd.DataFrame:
    return world["index_scores"].iloc[survey["customer_id"] - 1].reset_index(drop=True)


def compare(answers: pd.Series, expected: np.ndarray, cause: pd.Series, what: object) -> None:
    """Assert that answers have the stated means, among those high and those low on their cause."""
    no_tie(answers - expected, cause, what)
    for part in (cause > 0.5, cause < -0.5):
        near_mean(answers[part], expected[part], what)


def test_service_items_have_their_means_by_dimension(survey, scores):
    e_sd = np.hypot(SERVICE.expected_own, SERVICE.expected_item)
    p_sd = np.hypot(SERVICE.perceived_own, SERVICE.perceived_item)
    assert DIMENSIONS["items"].sum() == 22
    for name, of in DIMENSIONS.iterrows():
        for k in range(1, int(of["items"]) + 1):
            own = OFFSETS.iloc[k - 1] - OFFSETS.iloc[: int(of["items"])].mean()
            wanted = of["expected"] + own["expected"] + SERVICE.expectation * scores["expectation"]
            expected = rounded_mean(wanted, e_sd, 1, 7)
            found = of["perceived"] + own["perceived"] + SERVICE.quality * scores["quality"]
            perceived = rounded_mean(found, p_sd, 1, 7)
            compare(survey[f"{name}_{k}_expected"], expected, scores["expectation"], (name, k))
            compare(survey[f"{name}_{k}_perceived"], perceived, scores["quality"], (name, k))
        assert f"{name}_{k + 1}_expected" not in survey


def test_items_of_a_dimension_share_what_the_respondent_feels(survey, truth, scores):
    """The gap of a dimension in truth is perceived less expected: its items scatter about it."""
    assert truth["customer_id"].tolist() == survey["customer_id"].tolist()
    for name, of in DIMENSIONS.iterrows():
        gap = truth[f"gap_{name}"]
        mean = of["perceived"] - of["expected"]
        left = gap - mean - SERVICE.quality * scores["quality"] + SERVICE.expectation * scores["expectation"]
        near_mean(left, 0, name)
        near_sd(left, np.hypot(SERVICE.expected_own, SERVICE.perceived_own), name)
        seen = survey[f"{name}_2_perceived"] - survey[f"{name}_2_expected"]
        assert np.corrcoef(seen, gap)[0, 1] > 0.6, name
        assert np.corrcoef(seen, left)[0, 1] > 0.25, name


def test_the_felt_gap_weighs_the_dimensions(truth, scores):
    weighted = sum(weight * truth[f"gap_{name}"] for name, weight in WEIGHTS.items())
    assert WEIGHTS.sum() == pytest.approx(1)
    assert truth["gap"].to_numpy() == pytest.approx(weighted.to_numpy(), abs=1.1e-3)
    mean = WEIGHTS @ DIMENSIONS["expected"]
    near_mean(truth["expected"] - SERVICE.expectation * scores["expectation"], mean)


def test_relationship_items_have_their_expected_level_and_gap(survey, scores):
    for k, (mean, gap) in zip(RELATIONSHIP.index, RELATIONSHIP.to_numpy(), strict=True):
        wanted = mean + RELATING.relationship_expectation * scores["expectation"]
        found = mean + gap + RELATING.relationship_quality * scores["quality"]
        expected = rounded_mean(wanted, RELATING.relationship_expected_item, 1, 7)
        perceived = rounded_mean(found, RELATING.relationship_perceived_item, 1, 7)
        compare(survey[f"relationship_{k}_expected"], expected, scores["expectation"], k)
        compare(survey[f"relationship_{k}_perceived"], perceived, scores["quality"], k)
        middle = np.abs(scores["quality"]) < 0.1
        spread = rounded_sd(mean + gap, RELATING.relationship_perceived_item, 1, 7)
        near_sd(survey.loc[middle, f"relationship_{k}_perceived"], spread, k)


def test_stated_points_add_up_to_a_hundred_in_fives(survey):
    points = survey[[f"points_{name}" for name in DIMENSIONS.index]]
    assert DIMENSIONS["stated_points"].sum() == 100
    assert (points.sum(axis=1) == 100).all()
    assert (points % 5 == 0).all(axis=None)
    assert (points >= 0).all(axis=None)
    assert points.mean().to_numpy() == pytest.approx(DIMENSIONS["stated_points"].to_numpy(), abs=0.5)
    share = DIMENSIONS["stated_points"].to_numpy() / 100
    rounding = 5**2 / 12
    spread = np.sqrt(
        100**2 * share * (1 - share) / (100 * SERVICE.agreement + 1) + rounding
    )  # of a Dirichlet
    largest = DIMENSIONS.index == "reliability"  # mostly the one that takes what rounding leaves over
    assert points.std().to_numpy()[~largest] == pytest.approx(spread[~largest], rel=0.1)


def test_falling_short_hurts_more_than_exceeding_pleases(survey, truth):
    visit = survey["visit_satisfaction"]
    x = pd.DataFrame(
        {
            "base": 1.0,
            "expectation": truth["expected"] - DISCONFIRMATION.neutral,
            "negative": truth["gap"].clip(upper=0),
            "positive": truth["gap"].clip(lower=0),
        }
    )
    left = visit - sum(getattr(DISCONFIRMATION, name) * x[name] for name in x) - truth["noise"]
    inside = visit.between(1.1, 9.9)
    assert left[inside].abs().max() < 0.0501  # but for rounding to tenths
    assert visit.between(1, 10).all()
    near_mean(truth["noise"], 0)
    near_sd(truth["noise"], DISCONFIRMATION.noise)


def test_a_class_size_finds_the_asymmetry_and_the_weights():
    """In 20 worlds of the shipped size, from answers: falling short weighs more, reliability more than tangibles."""
    found = []
    for seed in range(20):
        survey = run(Setting(seed, 6_000, 10), wanted=["service_quality_survey"])["service_quality_survey"]
        sides = survey.loc[:, ~survey.columns.str.startswith("relationship")]
        expected = sides.filter(regex="_expected$").mean(axis=1)
        gap = sides.filter(regex="_perceived$").mean(axis=1) - expected
        x = pd.DataFrame({"one": 1.0, "e": expected, "short": gap.clip(upper=0), "more": gap.clip(lower=0)})
        fit = sm.OLS(survey["visit_satisfaction"], x).fit()
        gaps = pd.DataFrame(
            {
                name: sides.filter(regex=f"^{name}_.*_perceived$").mean(axis=1)
                - sides.filter(regex=f"^{name}_.*_expected$").mean(axis=1)
                for name in DIMENSIONS.index
            }
        )
        by = sm.OLS(survey["visit_satisfaction"], sm.add_constant(gaps)).fit()
        found.append(
            (fit.t_test("short = more").tvalue.item(), by.tvalues["reliability"], by.tvalues["tangibles"])
        )
    asymmetry, reliability, tangibles = np.array(found).T
    assert (asymmetry > 3).sum() >= 18
    assert (reliability > 3).sum() >= 18
    assert (tangibles < reliability).sum() >= 18


def test_visits_are_bought_again_with_the_stated_probability(survey, truth):
    p = truth["repurchase_probability"]
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.8), (0.8, 1), (0, 1)):
        here = p.between(low, high)
        near_mean(survey.loc[here, "buys_again"], p[here], (low, high))
    rounded = repurchase_given_satisfaction(survey["visit_satisfaction"].to_numpy())
    assert p.to_numpy() == pytest.approx(rounded, abs=0.02)


def test_repurchase_is_flat_between_content_and_delight():
    d = DELIGHT
    knee = d.intercept + (d.content - d.first) * d.below
    delight = knee + (d.threshold - d.content) * d.zone
    visit = np.array([1.0, d.first, d.content, 7.0, d.threshold, 10.0])
    logit = [
        d.intercept - 3 * d.below,
        d.intercept,
        knee,
        knee + 0.5 * d.zone,
        delight,
        delight + 2 * d.above,
    ]
    assert repurchase_given_satisfaction(visit) == pytest.approx(expit(logit))
    assert d.zone < 0.2 * min(d.below, d.above)


# -- improvement projects -------------------------------------------------------------------------


def test_an_improvement_project_closes_its_gap_by_its_weight():
    """By hand, for one visit that fell short and one that pleased."""
    behind = pd.DataFrame({"gap": [-1.0, 0.5], "expected": [5.5, 6.0], "noise": [0.0, 0.2]})
    visit = np.array([7.5 - 1.6, 7.5 + 0.5 * 0.5 + 0.15 * 0.5 + 0.2])
    assert visit_satisfaction(behind).to_numpy() == pytest.approx(visit)
    for name, weight in WEIGHTS.items():
        closed = weight * IMPROVEMENTS.loc[name, "gap_points"]
        after = visit + np.array([1.6 * closed, 0.5 * closed])
        gain = repurchase_given_satisfaction(after) - repurchase_given_satisfaction(visit)
        found = improvement_gain(behind, name, IMPROVEMENTS.loc[name, "gap_points"])
        assert found == pytest.approx(gain.mean())


@pytest.mark.parametrize("dimension", IMPROVEMENTS.index)
def test_truth_about_a_project_is_what_doing_it_brings(world, monkeypatch, dimension):
    """Serve everybody better on one dimension and simulate the survey again: who then buys again?

    The stated probabilities and the purchases themselves rise by what truth names; nobody else's service changes.
    """
    better = DIMENSIONS.copy()
    better.loc[dimension, "perceived"] += IMPROVEMENTS.loc[dimension, "gap_points"]
    monkeypatch.setattr(service_quality, "DIMENSIONS", better)
    done = run(Setting(SEED, LARGE, 10), wanted=["service_quality_survey"])
    gain = world["truth:improvements"].set_index("dimension").loc[dimension, "repurchase_gain"]
    before = world["truth:service_quality"]
    after = done["truth:service_quality"]
    assert after["customer_id"].equals(before["customer_id"])
    moved = (after[list(before)[1:6]] - before[list(before)[1:6]]).mean()
    assert moved.drop(f"gap_{dimension}").abs().max() < 1e-9
    assert moved[f"gap_{dimension}"] == pytest.approx(IMPROVEMENTS.loc[dimension, "gap_points"], abs=1e-6)
    expected = (after["repurchase_probability"] - before["repurchase_probability"]).mean()
    assert expected == pytest.approx(gain, abs=2e-5)  # but for rounding of what lies behind
    bought = done["service_quality_survey"]["buys_again"] - world["service_quality_survey"]["buys_again"]
    assert abs(bought.mean() - gain) <= ERRORS * bought.std() / np.sqrt(len(bought))
    assert bought.mean() > 3 * bought.std() / np.sqrt(len(bought))


def test_projects_gain_in_the_order_of_what_they_close(world):
    projects = world["improvements"]
    assert (
        projects.drop(columns="project")
        .set_index("dimension")
        .equals(IMPROVEMENTS.astype({"cost": int}).rename_axis("dimension"))
    )
    assert projects["project"].tolist() == PROJECTS["project"].tolist()
    gain = world["truth:improvements"].set_index("dimension")["repurchase_gain"]
    assert (gain > 0).all()
    assert gain.rank().equals((IMPROVEMENTS["gap_points"] * WEIGHTS).rank().rename_axis("dimension"))
