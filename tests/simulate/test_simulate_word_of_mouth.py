"""Referrals: who spoke well or badly of the house, and who came because of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import near_fit, near_mean, near_share, near_shares
from scipy import stats
from surroundings import large

from crmlab.simulate import core, dates
from crmlab.simulate.processes.referrals import RATES, referrals

DAY = pd.Timedelta(days=1)
TONES = {
    "positive": (RATES.positive_rate, RATES.satisfaction_positive, RATES.people_positive),
    "negative": (RATES.negative_rate, RATES.satisfaction_negative, RATES.people_negative),
}


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    """Referrals with what is true of the sender."""
    people = large()["consumers"][["customer_id", "acquired_on"]]
    return (
        large()["referrals"].merge(people).merge(large()["truth:consumers"][["customer_id", "satisfaction"]])
    )


@pytest.mark.parametrize("tone", TONES)
def test_word_of_mouth_has_its_rate_by_satisfaction(told, tone):
    rate, tie, people_told = TONES[tone]
    own = told[(told["tone"] == tone) & told["referred_customer_id"].isna()]
    people = (
        large()["consumers"]
        .merge(large()["truth:consumers"], on="customer_id")
        .query("acquired_on < @dates.TODAY")
    )
    years = (dates.TODAY - people["acquired_on"]).dt.days / 365.25
    count = people["customer_id"].map(own["customer_id"].value_counts()).fillna(0)
    x = pd.DataFrame({"const": 1.0, "s": people["satisfaction"]})
    fit = sm.GLM(count, x, family=sm.families.Poisson(), offset=np.log(years)).fit()
    near_fit(fit, const=np.log(rate), s=tie)
    near_mean(own["people_told"] - 1, people_told)
    assert own["people_told"].min() == 1
    days = (dates.TODAY - own["acquired_on"]).dt.days
    passed = (own["date"] - own["acquired_on"]).dt.days / days
    assert passed.between(0, 1, inclusive="left").all()
    near_mean(passed, 0.5 - 0.5 / days)
    near_share(passed[own["acquired_on"] < "2024-07-01"] > 0.98, 0.02)  # up to the last day


def test_whoever_came_by_referral_names_somebody_won_before(told):
    people = large()["consumers"].set_index("customer_id")
    came = told.dropna(subset="referred_customer_id")
    by_referral = people[people["acquisition_channel"] == "referral"]
    expected = by_referral[by_referral["acquired_on"] > dates.START]
    assert sorted(came["referred_customer_id"]) == expected.index.tolist()
    won = people["acquired_on"].loc[came["referred_customer_id"]].to_numpy()
    assert (came["acquired_on"] < won).all()
    assert (came["tone"] == "positive").all()
    near_mean(came["people_told"] - 1, RATES.people_positive)
    lag = (won - came["date"]) / np.timedelta64(1, "D")
    assert (came["date"] >= came["acquired_on"]).all()
    free = (won - came["acquired_on"].to_numpy()) / np.timedelta64(1, "D") > RATES.lag
    near_shares(lag[free], dict.fromkeys(range(RATES.lag + 1), 1 / (RATES.lag + 1)))


def test_the_second_customer_can_only_come_from_the_first():
    """By hand, three people one a day: nobody is sent by oneself or by somebody who came later."""
    people = pd.DataFrame(
        {
            "customer_id": [1, 2, 3],
            "acquired_on": dates.START + np.arange(3) * DAY,
            "acquisition_channel": "referral",
        }
    )
    alike = pd.DataFrame({"satisfaction": np.zeros(3)})
    drawn = pd.concat(
        [referrals(lambda part, seed=seed: core.generator(seed, part), people, alike) for seed in range(150)]
    )
    sender = drawn.dropna(subset="referred_customer_id").groupby("referred_customer_id")["customer_id"]
    assert list(sender.groups) == [2, 3]  # the first customer cannot have been sent
    assert (sender.get_group(2) == 1).all()
    near_shares(sender.get_group(3), {1: 0.5, 2: 0.5})


def test_satisfied_customers_bring_others(told):
    """Drawn in proportion to exp(.6 s), senders are .6 more satisfied: the tilt of a normal score."""
    came = told.dropna(subset="referred_customer_id")
    assert came["satisfaction"].mean() == pytest.approx(RATES.satisfaction_positive, abs=0.06)
    own = told[told["referred_customer_id"].isna()].groupby("tone")["satisfaction"].mean()
    assert own["positive"] > 0.5 > -0.5 > own["negative"]


def test_senders_are_spread_over_all_who_were_won_before(told):
    came = told.dropna(subset="referred_customer_id")
    place = came["customer_id"] / came["referred_customer_id"].astype(float)
    late = came["referred_customer_id"] > 1000
    assert stats.kstest(place[late], "uniform").statistic < 0.03


def test_referrals_are_numbered_by_date_and_customer():
    told = large()["referrals"]
    assert told["referral_id"].tolist() == list(range(1, len(told) + 1))
    assert told["date"].is_monotonic_increasing
    assert told.groupby("date")["customer_id"].is_monotonic_increasing.all()
    assert told["date"].between(dates.START, dates.TODAY).all()
