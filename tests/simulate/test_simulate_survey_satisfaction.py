"""The satisfaction survey: items, loadings, gaps, and what follows from satisfaction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from recovery import near_mean, near_sd, near_share, near_shares, no_tie, rounded_mean, rounded_sd
from scipy.special import expit
from worlds import surveys

from crmlab.pls import PLSPathModel
from crmlab.simulate import core
from crmlab.simulate.processes import satisfaction_survey as survey_of
from crmlab.simulate.processes.index_model import CONSTRUCTS, PLS_POPULATION, STRUCTURAL
from crmlab.simulate.processes.satisfaction_survey import (
    ANSWERS,
    BEND,
    BLOCKS,
    CONSTRUCT,
    FOLLOWS,
    ITEMS,
    WISHES,
    WISHING,
    answers,
    loadings,
)
from crmlab.simulate.registry import Setting, run

SD = ANSWERS.item_sd


@pytest.fixture(scope="module")
def complete() -> tuple[pd.DataFrame, pd.DataFrame]:
    """100,000 complete answers to the satisfaction items, with the scores behind them."""
    scores = core.structural(core.generator(90211, "index_latents"), 100_000, STRUCTURAL, CONSTRUCTS)
    return scores, answers(core.generator(90211, "satisfaction_answers"), scores)


@pytest.fixture(scope="module")
def asked() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The survey with the place of each respondent, and the scores behind it, of a world of 100,000."""
    world = surveys()
    survey = world["satisfaction_survey"].merge(world["consumers"][["customer_id", "competition"]])
    row = survey["customer_id"].to_numpy() - 1
    return survey, world["index_scores"].iloc[row].reset_index(drop=True)


# -- items ----------------------------------------------------------------------------------------


def test_structural_paths_come_back_from_true_scores(complete):
    scores, _ = complete
    assert scores.var().to_numpy() == pytest.approx(1, abs=0.02)
    for name in CONSTRUCTS[1:]:
        parents = [cause for cause, effect in STRUCTURAL if effect == name]
        found = np.linalg.lstsq(scores[parents].to_numpy(), scores[name].to_numpy(), rcond=None)[0]
        assert found == pytest.approx([STRUCTURAL[cause, name] for cause in parents], abs=0.015), name


def test_answers_have_their_means_and_spread(complete):
    _, items = complete
    assert items.shape[1] == len(ITEMS) == 26
    assert [item for items in BLOCKS.values() for item in items] == list(ITEMS.index) == list(items)
    assert (list(BLOCKS), min(map(len, BLOCKS.values()))) == (list(CONSTRUCTS), 2)
    assert (items.min().min(), items.max().max()) == (1, 10)
    for item, mean in ITEMS["mean"].items():
        near_mean(items[item], rounded_mean(mean, SD, 1, 10), item)
        near_sd(items[item], rounded_sd(mean, SD, 1, 10), item)


def test_observed_loadings_come_back(complete):
    scores, items = complete
    table = loadings()
    assert table["item"].tolist() == list(ITEMS.index)
    assert table["loading"].tolist() == ITEMS["loading"].tolist()
    for row in table.itertuples():
        assert row.item.startswith(row.construct)
        found = np.corrcoef(scores[row.construct], items[row.item])[0, 1]
        assert found == pytest.approx(row.loading_observed, abs=0.006), row.item
        assert row.loading_observed < row.loading


def test_items_correlate_by_their_loadings_and_the_common_method(complete):
    """All 325 correlations: loading times loading times latent correlation, plus the method, less the rounding."""
    scores, items = complete
    of = loadings().set_index("item")
    kept = (of["loading_observed"] / of["loading"]).to_numpy()
    latent = scores.corr().loc[of["construct"], of["construct"]].to_numpy()
    raw = np.outer(of["loading"], of["loading"]) * latent + ANSWERS.method_loading**2
    off = items.corr().to_numpy() - raw * np.outer(kept, kept)
    np.fill_diagonal(off, 0)
    assert np.abs(off).max() < 0.015
    assert abs(off.mean()) < 0.002


def test_pls_converges_to_pls_population_and_not_to_structural(complete):
    _, items = complete
    model = PLSPathModel(items, blocks=BLOCKS, paths=list(STRUCTURAL), scheme="path")
    found = model.fit().path_coefficients
    for arrow, value in PLS_POPULATION.items():
        assert found.loc[arrow] == pytest.approx(value, abs=0.012), arrow
    assert found.loc["quality", "value"] < STRUCTURAL["quality", "value"] - 0.03


# -- the survey -----------------------------------------------------------------------------------


def test_answers_are_missing_at_random(asked):
    survey, scores = asked
    items = survey[list(ITEMS.index)]
    near_share(items.isna().to_numpy().ravel(), ANSWERS.missing)
    no_tie(items.isna().sum(axis=1), scores["satisfaction"])
    assert survey["customer_id"].is_unique
    assert survey.drop(columns=items.columns).notna().all(axis=None)


def test_the_survey_holds_the_answers_of_the_very_customers(asked):
    survey, scores = asked
    of = loadings().set_index("item")["loading_observed"]
    for item, construct in CONSTRUCT.items():
        answer = survey[item].astype(float)
        given = answer.notna()
        found = np.corrcoef(answer[given], scores.loc[given, construct])[0, 1]
        assert found == pytest.approx(of[item], abs=0.03), item


def stated(scores: pd.DataFrame, strong: np.ndarray, column: str) -> np.ndarray:
    """Return the mean answer by scores, written out a second time."""
    number = FOLLOWS.loc[column]
    s = scores["satisfaction"].to_numpy()
    mean = number["intercept"] + number["satisfaction"] * s + number["loyalty"] * scores["loyalty"].to_numpy()
    mean = mean + np.where(strong, number["strong_competition"], 0)
    if column == "recommend":
        delight = np.where(s > BEND.bend_knee, s - BEND.bend_knee, 0)
        mean = mean + np.where(strong, BEND.bend_below * s + BEND.bend_above * delight, 0)
    return mean


@pytest.mark.parametrize("column", FOLLOWS.index)
def test_what_follows_has_its_mean_by_scores_and_competition(asked, column):
    survey, scores = asked
    strong = (survey["competition"] == "strong").to_numpy()
    s, loyalty = scores["satisfaction"], scores["loyalty"]
    low = 0 if column == "recommend" else 1
    expected = rounded_mean(stated(scores, strong, column), FOLLOWS.loc[column, "noise"], low, 10)
    left = survey[column] - expected
    for cause in (s, loyalty, strong):
        no_tie(left, cause, column)
    for where in (strong, ~strong):
        for part in (s < -1, np.abs(s) <= 0.5, s > 1, loyalty > 1, loyalty < -1):
            near_mean(survey.loc[where & part, column], expected[where & part], (column, part.sum()))
    assert survey[column].max() == 10
    assert survey[column].min() == low


def test_strong_competition_bends_the_curve_and_does_not_raise_it(asked):
    """Weak: as much from every step of satisfaction. Strong: little up to the knee, much beyond it."""
    survey, scores = asked
    everybody = core.structural(core.generator(3, "x"), 200_000, STRUCTURAL, CONSTRUCTS)
    mean = {}
    curve = {}
    for kind in ("weak", "strong"):
        felt = survey_of.follows(everybody, pd.Series(np.full(len(everybody), kind == "strong")))["recommend"]
        answer = rounded_mean(felt.to_numpy(), FOLLOWS.loc["recommend", "noise"], 0, 10)
        mean[kind] = answer.mean()
        steps = pd.cut(
            everybody["satisfaction"], [-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25], labels=False
        )
        curve[kind] = pd.Series(answer).groupby(steps).mean().diff().dropna().to_numpy()
    assert 0.1 < mean["weak"] - mean["strong"] < 0.5
    assert curve["weak"][:3] == pytest.approx(curve["weak"][:3].mean(), rel=0.15)
    assert curve["strong"][-1] > 2 * curve["strong"][:3].mean()
    assert (curve["strong"][:3] < 0.7 * curve["weak"][:3]).all()
    assert (curve["strong"][-1] > curve["weak"]).all()
    # and in the survey itself, where content is not enough to be recommended
    strong = survey["competition"] == "strong"
    content = scores["satisfaction"].between(0, 0.8)
    means = survey[content].groupby(strong)["recommend"].mean()
    assert means[True] < means[False] - 0.5
    rivals = survey[content].groupby(strong)["attention_to_rivals"].mean()
    assert rivals[True] > rivals[False] + 0.5


def test_a_class_sees_the_bend():
    """In 20 worlds of the shipped size, from answers alone: a hinge where competition is strong, and the lower level."""
    found = []
    for seed in range(20):
        world = run(Setting(seed, 6_000, 10), wanted=["satisfaction_survey"])
        survey = world["satisfaction_survey"].merge(world["consumers"][["customer_id", "competition"]])
        survey["felt"] = survey[BLOCKS["satisfaction"]].astype(float).mean(axis=1)
        survey["beyond"] = (survey["felt"] - 8).clip(lower=0)
        survey["strong"] = (survey["competition"] == "strong").astype(float)
        hinge = smf.ols("recommend ~ felt + beyond", survey[survey["strong"] == 1]).fit()
        both = smf.ols("recommend ~ strong * (felt + beyond)", survey).fit()
        level = smf.ols("recommend ~ strong + felt", survey).fit()
        found.append((hinge.tvalues["beyond"], both.tvalues["strong:beyond"], -level.tvalues["strong"]))
    hinge, bend, level = np.array(found).T
    assert (hinge > 3).sum() >= 18
    assert (bend > 2).sum() >= 18
    assert (level > 3).sum() >= 18


def test_the_dissatisfied_name_what_to_improve(asked):
    survey, scores = asked
    s = scores["satisfaction"]
    for part in (s < -1, np.abs(s) < 0.5, s > 1):
        chance = expit(WISHING.wish_intercept + WISHING.wish_satisfaction * s[part])
        near_mean(survey.loc[part, "improvement"] != "none", chance)
    wishes = survey.loc[survey["improvement"] != "none", "improvement"]
    near_shares(wishes, WISHES.to_dict())
    assert WISHES.sum() == pytest.approx(1)
