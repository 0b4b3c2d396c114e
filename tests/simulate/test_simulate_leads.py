"""Leads: no edge, a funnel, conversion by channel, and scores that know a little."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from recovery import near_mean, near_share
from scipy import stats
from worlds import everything

from crmlab.simulate import dates
from crmlab.simulate.processes.leads import FOLLOW_UP, GAPS, GOES_ON, PACE, SCORE, STEPS
from crmlab.simulate.processes.people import SOURCE, WON_BY_WEEKDAY

DAY = pd.Timedelta(days=1)
OLD = dates.TODAY - 95 * DAY  # leads up to here are decided


@pytest.fixture(scope="module")
def leads() -> pd.DataFrame:
    return everything()["leads"]


def test_fairs_are_seven_a_year_from_friday_to_sunday():
    day = dates.dates(np.flatnonzero(dates.fair_days()))
    assert len(day) == 4 * 7 * 3
    assert (day.day_of_week.value_counts() == 4 * 7).all()
    assert set(day.day_of_week) == {4, 5, 6}
    first = [str(date.date()) for date in day[day.day_of_week == 4]]
    assert first[:7] == [
        *("2022-09-09", "2022-10-21", "2022-11-18", "2023-01-13"),
        *("2023-03-10", "2023-04-28", "2023-05-19"),
    ]
    assert not (dates.fair_days() & dates.closed()).any()


def test_leads_are_numbered_by_date(leads):
    assert leads["lead_id"].tolist() == list(range(1, len(leads) + 1))
    assert leads["created_on"].is_monotonic_increasing
    assert dates.START - FOLLOW_UP.longest * DAY <= leads["created_on"].min() < dates.START - 30 * DAY
    assert leads["created_on"].max() == dates.TODAY
    assert leads["score"].between(0, 100).all()


def test_every_consumer_was_a_lead_that_was_decided_with_the_first_order(leads):
    won = leads.dropna(subset="customer_id").set_index("customer_id").sort_index()
    consumers = everything()["consumers"].set_index("customer_id")
    assert won.index.tolist() == consumers.index.tolist()
    assert won["decided_on"].tolist() == consumers["acquired_on"].tolist()
    assert won["channel"].tolist() == consumers["acquisition_channel"].tolist()
    assert won[["contacted_on", "visited_on"]].notna().all(axis=None)


def test_no_step_but_a_quote_is_skipped_and_none_lies_before_another(leads):
    for before, after in pairwise(["created_on", *STEPS]):
        here = leads[leads[after].notna() & ((before != "quoted_on") | leads["quoted_on"].notna())]
        assert here[before].notna().all(), after
        assert (here[after] >= here[before]).all(), after
    unquoted = leads[leads["decided_on"].notna() & leads["quoted_on"].isna()]
    assert set(unquoted["channel"]) == {"shop"}
    assert (unquoted["decided_on"] >= unquoted["visited_on"]).all()
    assert (leads["contacted"] == leads["contacted_on"].notna()).all()
    took = leads["decided_on"] - leads["created_on"]
    assert took[leads["customer_id"].notna()].max() <= FOLLOW_UP.longest * DAY


def test_most_leads_from_shops_are_decided_at_once_without_a_quote(leads):
    decided = leads[(leads["channel"] == "shop") & (leads["created_on"] < OLD)].dropna(subset="decided_on")
    for name, own in decided.groupby(decided["customer_id"].notna()):
        near_share(own["quoted_on"].isna(), FOLLOW_UP.at_once, name)
    unquoted = decided[decided["quoted_on"].isna()]
    rest = dates.closed()[dates.days(unquoted["decided_on"])]
    assert (unquoted["decided_on"] == unquoted["created_on"])[~rest].all()
    assert 0.97 < (decided["decided_on"] == decided["created_on"]).mean() / FOLLOW_UP.at_once < 1.03


@pytest.mark.parametrize("channel", ["online", "referral"])
def test_the_days_to_decision_are_the_stated_ones_from_the_first_customers_on(leads, channel):
    won = leads[(leads["channel"] == channel) & leads["customer_id"].notna()]
    days = (won["decided_on"] - won["created_on"]).dt.days
    usual = PACE[channel] * GAPS.sum()
    assert days.mean() == pytest.approx(usual, abs=0.8)  # interest is moved to days that suit it
    first = won["decided_on"] < dates.START + 14 * DAY
    near_mean(days[first], days[~first].mean())


def test_leads_begin_without_an_edge(leads):
    """The first weeks of the files bring as many leads as others do, once fairs and festivals are left out."""
    day = leads.loc[leads["channel"] != "fair", "created_on"].value_counts().sort_index()
    first = day["2022-07-01":"2022-07-21"].mean()
    assert first == pytest.approx(day["2022-07-22":"2022-08-11"].mean(), rel=0.08)
    before = leads[leads["created_on"] < dates.START]
    assert (before["channel"] != "fair").all()
    near_share(before["customer_id"].notna(), (before["channel"].map(SOURCE["conversion"])).mean())
    assert (before["decided_on"].dropna() >= dates.START).all()  # they were open when the files begin


@pytest.mark.parametrize("channel", ["shop", "online", "referral"])
def test_leads_come_on_the_weekdays_that_win_customers(leads, channel):
    own = leads[(leads["channel"] == channel) & (leads["created_on"] >= dates.START)]
    share = WON_BY_WEEKDAY.to_numpy() / WON_BY_WEEKDAY.sum()
    found = own["created_on"].dt.day_of_week.value_counts(normalize=True).sort_index()
    assert np.abs(found - share).max() < 0.01


def test_leads_of_fairs_come_on_days_of_fairs_and_are_won_at_the_same_fair(leads):
    fair = leads[leads["channel"] == "fair"]
    assert dates.fair_days()[dates.days(fair["created_on"])].all()
    won = fair.dropna(subset="customer_id")
    days = (won["decided_on"] - won["created_on"]).dt.days
    assert days.between(0, 2).all()
    waited = FOLLOW_UP.fair_day + (1 - FOLLOW_UP.fair_day) / 3
    near_share(days[won["decided_on"].dt.day_of_week == 6] == 0, waited)  # Sunday: one of three days
    lost = fair[fair["customer_id"].isna()].dropna(subset="decided_on")
    later = (lost["decided_on"] - lost["created_on"]).dt.days
    assert later.mean() == pytest.approx(PACE["fair"] * GAPS.sum(), abs=1.5)


def test_nobody_follows_up_a_lead_while_the_house_rests(leads):
    rest = dates.dates(np.flatnonzero(dates.closed()))
    for step in ("created_on", *STEPS[:-1]):
        assert not leads[step].isin(rest).any(), step
    assert leads.loc[leads["decided_on"].isin(rest), "customer_id"].notna().all()  # orders, not answers


def test_within_a_day_the_order_of_leads_says_nothing(leads):
    same = leads["created_on"].eq(leads["created_on"].shift())
    for value in (leads["score"], leads["customer_id"].notna(), leads["channel"] == "shop"):
        up = np.sign(value.astype(int).diff()[same])
        near_mean(up, 0)


def test_conversion_is_the_stated_one_by_channel(leads):
    old = leads[leads["created_on"] < OLD]
    for channel, stated in SOURCE["conversion"].items():
        near_share(old.loc[old["channel"] == channel, "customer_id"].notna(), stated, channel)


def test_the_funnel_narrows_step_by_step(leads):
    lost = leads[leads["customer_id"].isna() & (leads["created_on"] < OLD)]
    likely = FOLLOW_UP.contacted_base + FOLLOW_UP.contacted_score * lost["score"]
    near_mean(lost["contacted"], likely.clip(upper=1))
    for before, after in pairwise(STEPS):
        here = lost[before].notna() & (lost["channel"] != "shop")
        near_share(lost.loc[here, after].notna(), GOES_ON[after.removesuffix("_on")], after)
    shop = lost[lost["channel"] == "shop"].dropna(subset="visited_on")
    near_share(shop["decided_on"].notna(), GOES_ON["quoted"] * GOES_ON["decided"])


def test_the_last_weeks_look_like_any_others_and_some_leads_are_open(leads):
    leads = leads[leads["channel"] != "fair"]
    week = leads["created_on"].between(dates.TODAY - 41 * DAY, dates.TODAY).sum() / 6
    spring = leads["created_on"].between("2026-04-01", "2026-05-19").sum() / 7
    assert week == pytest.approx(spring, rel=0.1)
    late = leads["created_on"] > dates.TODAY - 14 * DAY
    early = leads["created_on"].between("2026-03-01", "2026-03-31")
    assert (
        0.05
        < leads.loc[late, "customer_id"].notna().mean()
        < leads.loc[early, "customer_id"].notna().mean() - 0.05
    )
    open_still = leads["contacted_on"].notna() & leads["decided_on"].isna()
    assert open_still[late].mean() > open_still[early].mean() + 0.05
    for quarter, own in leads[leads["created_on"] < OLD].groupby(leads["created_on"].dt.to_period("Q")):
        near_share(own["customer_id"].notna(), own["channel"].map(SOURCE["conversion"]).mean(), quarter)


def test_leads_grow_before_the_festivals(leads):
    day = leads["created_on"].value_counts().sort_index()
    for festival in ("2024-02-10", "2025-01-29", "2026-02-17"):
        date = pd.Timestamp(festival)
        before = day[date - 38 * DAY : date - 17 * DAY].mean()
        assert before > 1.05 * day[date - 84 * DAY : date - 56 * DAY].mean(), festival
    eve = leads.loc[leads["decided_on"].isin(pd.to_datetime(["2024-02-09", "2025-01-28", "2026-02-16"]))]
    assert len(eve) < 0.4 * 3 * len(leads[leads["decided_on"].notna()]) / dates.DAYS  # the shops rest


def test_the_score_knows_something_of_what_a_customer_is_worth(leads):
    won = (
        leads.dropna(subset="customer_id").astype({"customer_id": int}).merge(everything()["truth:consumers"])
    )
    worth = (
        SCORE.won_mean
        + SCORE.won_rate * np.log(won["purchase_rate"] + SCORE.rate_floor)
        + SCORE.won_value * np.log(won["mean_order_value"] / 160)
    )
    inner = worth.between(40, 70)
    near_mean(won.loc[inner, "score"], worth[inner])
    assert (won["score"] - worth)[inner].std() == pytest.approx(SCORE.won_noise, rel=0.02)
    yearly = won["purchase_rate"] * won["mean_order_value"]
    assert 0.3 < stats.spearmanr(won["score"], yearly).statistic < 0.7
    lost = leads.loc[leads["customer_id"].isna() & (leads["created_on"] < OLD), "score"]
    near_mean(lost, SCORE.other_mean)
    assert won["score"].mean() > lost.mean() + 4


def test_following_a_lead_up_costs_its_channel_s_price(leads):
    asked = leads["contacted"] == 1
    for channel, cost in SOURCE["lead_cost"].items():
        own = leads["channel"] == channel
        near_mean(leads.loc[own & asked, "cost"], cost, channel)
        near_mean(leads.loc[own & ~asked, "cost"], FOLLOW_UP.unanswered * cost, channel)
        assert leads.loc[own & asked, "cost"].between(0.699 * cost, 1.301 * cost).all()
