"""Who answers: customers won before the day of the survey, the satisfied a little more readily."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import near_fit, near_mean, no_tie
from scipy.special import expit
from worlds import surveys

from crmlab.simulate import dates
from crmlab.simulate.core import generator, tidy
from crmlab.simulate.processes.respondents import ANSWERING, ASKED, respondents
from crmlab.simulate.registry import Setting, run

SIZES = {  # respondents and bytes of the file at the shipped size of 6,000 customers
    "satisfaction_survey": ((1600, 1950), 200_000),
    "service_quality_survey": ((530, 700), 120_000),
    "kano_survey": ((370, 520), 220_000),
    "offer_choices": ((500, 660), 100_000),
}


@pytest.fixture(scope="module")
def world() -> dict[str, pd.DataFrame]:
    return surveys()


@pytest.fixture(scope="module")
def shipped() -> dict[str, pd.DataFrame]:
    return run(Setting(20260630, 6_000, 10), wanted=SIZES)


def asked(world: dict, people: pd.DataFrame, survey: str) -> pd.DataFrame:
    """Return who can be asked: won before the survey; about service, only who ordered in the year before it."""
    won = people[people["acquired_on"] < dates.SURVEY]
    if survey != "service_quality_survey":
        return won
    day = world["base_orders"].set_index("row")["day"]
    last = (dates.SURVEY - dates.START).days
    recent = day[(day < last) & (day >= last - 365)].index
    return won[won["customer_id"].isin(recent + 1)]


@pytest.mark.parametrize("survey", SIZES)
def test_only_those_won_before_the_survey_answer_and_the_satisfied_more_readily(world, survey):
    assert pd.Timestamp("2025-06-15") == dates.SURVEY
    people = world["consumers"].assign(satisfaction=world["index_scores"]["satisfaction"])
    who = world[survey]["customer_id"].drop_duplicates()
    assert who.is_monotonic_increasing
    won = asked(world, people, survey)
    assert who.isin(won["customer_id"]).all()
    assert people.set_index("customer_id").loc[who, "acquired_on"].max() >= dates.SURVEY - pd.Timedelta(
        days=7
    )
    answered = won["customer_id"].isin(who).astype(int)
    logit = ANSWERING.answer_intercept + ANSWERING.answer_satisfaction * won["satisfaction"]
    expected = ASKED[survey] * expit(logit)
    for part in (won["satisfaction"] < -1, won["satisfaction"] > 1, won["satisfaction"] < 9):
        near_mean(answered[part], expected[part], survey)
    no_tie(answered - expected, dates.days(won["acquired_on"]), survey)  # early and late customers alike
    no_tie(answered - expected, won["age"], survey)


def test_answering_comes_back_from_the_survey_that_asks_everybody(world):
    people = world["consumers"].assign(satisfaction=world["index_scores"]["satisfaction"])
    won = people[people["acquired_on"] < dates.SURVEY]
    assert ASKED["satisfaction_survey"] == 1
    answered = won["customer_id"].isin(world["satisfaction_survey"]["customer_id"]).astype(int)
    fit = sm.Logit(answered, sm.add_constant(won[["satisfaction"]])).fit(disp=False)
    near_fit(fit, const=ANSWERING.answer_intercept, satisfaction=ANSWERING.answer_satisfaction)
    assert 0.30 < answered.mean() < 0.42  # a good survey, no census


def test_surveys_ask_independently_of_each_other(world):
    """Given satisfaction, who answers Kano does not go with who answers about service."""
    people = world["consumers"].assign(satisfaction=world["index_scores"]["satisfaction"])
    won = asked(world, people, "service_quality_survey")
    logit = ANSWERING.answer_intercept + ANSWERING.answer_satisfaction * won["satisfaction"]
    left = {
        survey: won["customer_id"].isin(world[survey]["customer_id"]) - ASKED[survey] * expit(logit)
        for survey in SIZES
    }
    names = list(SIZES)
    for k, one in enumerate(names):
        for other in names[:k]:
            no_tie(left[one], left[other], (one, other))


@pytest.mark.parametrize("survey", SIZES)
def test_surveys_of_the_shipped_size_are_believable_and_small(shipped, survey):
    (fewest, most), size = SIZES[survey]
    assert fewest <= shipped[survey]["customer_id"].nunique() <= most
    assert len(tidy(shipped[survey]).to_csv(index=False)) <= size


def test_a_survey_of_a_tiny_world_has_respondents():
    people = pd.DataFrame({"acquired_on": pd.to_datetime(["2023-01-01", "2026-01-01"])})
    scores = pd.DataFrame({"satisfaction": [-40.0, 40.0]})  # the first would never answer
    assert respondents(generator(1, "x"), "kano_survey", people, scores).tolist() == [0]
    for seed in range(20):
        world = run(Setting(seed, 50, 10), wanted=[*SIZES, "truth:improvements"])
        assert all(len(world[survey]) for survey in SIZES)
        assert np.isfinite(world["truth:improvements"]["repurchase_gain"]).all()
