"""Referrals: who spoke well or badly of the house, and who came because of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import near_fit, near_mean, near_share, near_shares
from scipy import stats
from worlds import everything

from crmlab.simulate import core, dates, numbers
from crmlab.simulate.processes.referrals import referrals

DAY = pd.Timedelta(days=1)
TONES = ("positive", "negative")
STATED = numbers.table().query("process == 'referrals'").set_index("parameter")["value"]


@pytest.fixture(scope="module")
def senders() -> pd.DataFrame:
    """Consumers with their satisfaction, the day on which they left (today, if they did not), and years."""
    scores = everything()["truth:consumers"][["customer_id", "satisfaction"]]
    out = everything()["consumers"][["customer_id", "acquired_on"]].merge(scores)
    left = dates.START + pd.to_timedelta(np.floor(everything()["dropout"]), unit="D")
    out["left"] = pd.Series(left).fillna(dates.TODAY).clip(upper=dates.TODAY)
    out["while_customer"] = (out["left"] - out["acquired_on"]).dt.days / 365.25
    out["after"] = (dates.TODAY - out["left"]).dt.days / 365.25
    return out


@pytest.fixture(scope="module")
def told(senders) -> pd.DataFrame:
    """Referrals with what is true of the sender."""
    return everything()["referrals"].merge(senders)


@pytest.mark.parametrize("tone", TONES)
def test_word_of_mouth_has_its_rate_by_satisfaction_and_falls_after_leaving(told, senders, tone):
    own = told[(told["tone"] == tone) & told["referred_customer_id"].isna()]
    after = own["date"] >= own["left"] + DAY
    parts = []
    for years, rows in (("while_customer", own[~after]), ("after", own[after])):
        part = senders[senders[years] > 0].rename(columns={years: "years"})
        count = part["customer_id"].map(rows["customer_id"].value_counts()).fillna(0)
        parts.append(part.assign(count=count, after=float(years == "after"), const=1.0))
    people = pd.concat(parts)
    x = people[["const", "satisfaction", "after"]]
    offset = np.log(people["years"])
    fit = sm.GLM(people["count"], x, family=sm.families.Poisson(), offset=offset).fit()
    near_fit(
        fit,
        const=np.log(STATED[f"{tone}_rate"]),
        satisfaction=STATED[f"satisfaction_{tone}"],
        after=np.log(STATED[f"left_{tone}"]),
    )
    near_mean(own["people_told"] - 1, STATED[f"people_{tone}"])
    assert own["people_told"].min() == 1
    assert (own["date"] >= own["acquired_on"]).all()
    assert (own["date"] < dates.TODAY).all()


def test_praise_has_its_share_of_what_is_said_by_satisfaction_and_after_leaving(told):
    """The stated rates are of two streams that know nothing of each other: each case is praise by their ratio."""
    own = told[told["referred_customer_id"].isna()].copy()
    own["gone"] = own["date"] >= own["left"] + DAY
    expected = {
        tone: STATED[f"{tone}_rate"]
        * np.exp(STATED[f"satisfaction_{tone}"] * own["satisfaction"])
        * np.where(own["gone"], STATED[f"left_{tone}"], 1)
        for tone in TONES
    }
    own["chance"] = expected["positive"] / (expected["positive"] + expected["negative"])
    groups = own.groupby(["gone", pd.qcut(own["satisfaction"], 4, labels=False)])
    assert len(groups) == 8
    for what, here in groups:
        near_mean(here["tone"] == "positive", here["chance"], what)


def test_what_is_said_is_spread_evenly_over_the_time_as_a_customer_and_that_after_it(told):
    own = told[told["referred_customer_id"].isna()]
    after = own["date"] >= own["left"] + DAY
    passed = (own["date"] - own["acquired_on"]).dt.days / (365.25 * own["while_customer"])
    near_mean(passed[~after & (own["while_customer"] > 1)], 0.5, "while a customer")
    passed = (own["date"] - own["left"]).dt.days / (365.25 * own["after"])
    near_mean(passed[after & (own["after"] > 1)], 0.5, "after")


def test_whoever_came_by_referral_names_somebody_won_before(told):
    leads = everything()["leads"]
    leads = leads[leads["channel"] == "referral"].dropna(subset="customer_id").set_index("customer_id")
    created = leads["created_on"]
    came = told.dropna(subset="referred_customer_id")
    first = everything()["consumers"]["acquired_on"].min()
    assert sorted(came["referred_customer_id"]) == sorted(created[created > first].index)
    asked = created.loc[came["referred_customer_id"]].to_numpy()
    assert (came["acquired_on"] < asked).all()
    assert (came["tone"] == "positive").all()
    near_mean(came["people_told"] - 1, STATED["people_positive"])
    lag = (asked - came["date"]) / np.timedelta64(1, "D")
    assert lag.min() == 0  # nobody shows interest before the conversation that brought them
    assert (came["date"] >= came["acquired_on"]).all()
    free = (asked - came["acquired_on"].to_numpy()) / np.timedelta64(1, "D") > STATED["lag"]
    days = int(STATED["lag"]) + 1
    near_shares(lag[free], dict.fromkeys(range(days), 1 / days))


def test_those_who_have_left_bring_fewer(told, senders):
    """Of two equally satisfied customers won before, one of whom has left, that one is named less often."""
    came = told.dropna(subset="referred_customer_id")
    came = came[came["date"] > "2024-07-01"]
    pull = np.exp(STATED["satisfaction_positive"] * senders["satisfaction"])
    shares = []
    for day in came["date"].sample(200, random_state=1):
        there = pull * (senders["acquired_on"] < day)
        gone = there[senders["left"] < day].sum()
        shares.append(STATED["left_positive"] * gone / (STATED["left_positive"] * gone + there.sum() - gone))
    near_share(came["date"] > came["left"], np.mean(shares))


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
    leads = people.rename(columns={"acquired_on": "created_on", "acquisition_channel": "channel"})
    alive = np.full(3, np.nan)
    drawn = pd.concat(
        [
            referrals(lambda part, seed=seed: core.generator(seed, part), people, alike, alive, leads)
            for seed in range(150)
        ]
    )
    sender = drawn.dropna(subset="referred_customer_id").groupby("referred_customer_id")["customer_id"]
    assert list(sender.groups) == [2, 3]  # the first customer cannot have been sent
    assert (sender.get_group(2) == 1).all()
    near_shares(sender.get_group(3), {1: 0.5, 2: 0.5})


def test_satisfied_customers_bring_others(told):
    """Drawn in proportion to exp(.6 s), senders are .6 more satisfied: the tilt of a normal score.

    They are a little more so: the dissatisfied have left, and speak less often then.
    """
    came = told.dropna(subset="referred_customer_id")
    assert 0 < came["satisfaction"].mean() - STATED["satisfaction_positive"] < 0.12
    own = told[told["referred_customer_id"].isna()].groupby("tone")["satisfaction"].mean()
    assert own["positive"] > 0.5 > -0.5 > own["negative"]


def test_senders_are_spread_over_all_who_were_won_before(told):
    came = told.dropna(subset="referred_customer_id")
    place = came["customer_id"] / came["referred_customer_id"].astype(float)
    late = came["referred_customer_id"] > 1000
    assert stats.kstest(place[late], "uniform").statistic < 0.03


def test_referrals_are_numbered_by_date_and_customer():
    told = everything()["referrals"]
    assert told["referral_id"].tolist() == list(range(1, len(told) + 1))
    assert told["date"].is_monotonic_increasing
    assert told.groupby("date")["customer_id"].is_monotonic_increasing.all()
    assert told["date"].between(dates.START, dates.TODAY).all()
