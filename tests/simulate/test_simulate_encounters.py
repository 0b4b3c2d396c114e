"""Contacts, complaints and care calls, the event log, referrals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import (
    near_fit,
    near_mean,
    near_sd,
    near_share,
    near_shares,
    no_tie,
    rounded_mean,
    rounded_sd,
)
from scipy import stats
from scipy.special import ndtr

from crmlab.simulate import encounters
from crmlab.simulate import parameters as par
from crmlab.simulate.parameters import P

DAY = pd.Timedelta(days=1)
# contacts per order, days after the order, what it adds to the rating
REASONS = {
    "enquiry": (0.14, -1, 0.1),
    "purchase": (0.12, 0, 0.2),
    "delivery": (0.16, 3, -0.25),
    "after_sales": (0.07, 9, -0.35),
}
MOOD = {"shop": 0.35, "web": -0.05, "app": 0.15, "call": -0.25}


# -- contacts -------------------------------------------------------------------------------------


def test_contacts_are_numbered_by_date_and_customer_in_the_last_year(large):
    contacts = large.tables["contacts"]
    assert contacts["contact_id"].tolist() == list(range(1, len(contacts) + 1))
    assert contacts["date"].is_monotonic_increasing
    assert contacts.groupby("date")["customer_id"].is_monotonic_increasing.all()
    assert contacts["date"].min() == par.INTERVENTION
    assert contacts["date"].max() == par.TODAY
    assert set(contacts["reason"]) == {*REASONS, "complaint", "care"}


@pytest.mark.parametrize("reason", REASONS)
def test_orders_bring_contacts_at_their_rate_and_delay(large, reason):
    share, delay, _ = REASONS[reason]
    orders = large.tables["orders"]
    inner = orders["order_date"].between(par.INTERVENTION + DAY, par.TODAY - 9 * DAY)
    orders = orders[inner & ((orders["channel"] != "shop") | (reason != "delivery"))]
    contacts = large.tables["contacts"].query("reason == @reason")
    about = contacts.assign(order_date=contacts["date"] - delay * DAY)
    found = orders.merge(about, how="left", on=["customer_id", "order_date", "channel"])
    near_share(found["contact_id"].notna(), share)
    # every contact belongs to an order of that channel
    known = large.tables["orders"].merge(about, on=["customer_id", "order_date", "channel"])
    assert len(known) == len(contacts)
    if reason == "delivery":
        assert "shop" not in set(contacts["channel"])


def test_ratings_follow_satisfaction_channel_and_reason(large):
    contacts = large.tables["contacts"].merge(large.truth["consumers"], on="customer_id")
    for reason, (_, _, ease) in REASONS.items():
        here = contacts[contacts["reason"] == reason]
        near_share(here["rating"].isna(), 0.12, reason)
        rated = here.dropna(subset="rating")
        lost_parcel = -1.1 * ((rated["channel"] == "app") & (reason == "delivery"))
        feeling = 3.6 + 0.45 * rated["satisfaction"] + rated["channel"].map(MOOD) + ease + lost_parcel
        expected = rounded_mean(feeling, 0.8, 1, 5)
        no_tie(rated["rating"].astype(float) - expected, rated["satisfaction"], reason)
        near_mean(rated["rating"] == 5, ndtr((feeling - 4.5) / 0.8), reason)
        near_mean(rated["rating"] == 1, ndtr((1.5 - feeling) / 0.8), reason)
        for channel in set(rated["channel"]):
            part = (rated["channel"] == channel).to_numpy()
            near_mean(rated.loc[part, "rating"].astype(float), expected[part], (reason, channel))
        happy = (rated["satisfaction"] > 0.5).to_numpy()
        near_mean(rated.loc[happy, "rating"].astype(float), expected[happy], reason)


def test_the_app_loses_parcels(large):
    rating = large.tables["contacts"].groupby(["reason", "channel"])["rating"].mean()
    assert rating.drop("complaint").idxmin() == ("delivery", "app")


def test_complaints_are_the_incidents_that_were_voiced(large, inside):
    complaints = large.tables["contacts"].query("reason == 'complaint'")
    voiced = large.truth["incidents"].query("response == 'voice'")
    both = complaints.merge(voiced, on=["customer_id", "date", "recovered"])
    assert len(both) == len(complaints) == len(voiced)
    asked = inside.trouble.query("response == 'voice'").assign(customer_id=lambda d: d["row"] + 1)
    same = complaints.merge(asked[["customer_id", "promised_hours", "hours_to_resolve"]])
    assert len(same) == len(complaints)
    near_shares(complaints["channel"], {"shop": 0.2, "web": 0.2, "app": 0.2, "call": 0.4})
    for recovered, mean in ((1, 3.9), (0, 1.8)):
        rating = complaints.loc[complaints["recovered"] == recovered, "rating"].astype(float)
        near_mean(rating, rounded_mean(mean, 0.6, 1, 5), recovered)
        near_sd(rating, rounded_sd(mean, 0.6, 1, 5), recovered)
    rest = large.tables["contacts"].query("reason != 'complaint'")
    assert rest[["promised_hours", "hours_to_resolve", "recovered"]].isna().all(axis=None)


def test_care_calls_are_those_of_the_trial(large):
    calls = large.tables["contacts"].query("reason == 'care'")
    trial = large.tables["customer_care"].set_index("customer_id")["care_calls"]
    assert calls["customer_id"].value_counts().sort_index().equals(trial[trial > 0].rename("count"))
    assert (calls["channel"] == "call").all()
    assert calls["rating"].isna().all()
    day = (calls["date"] - pd.Timestamp("2025-09-01")).dt.days
    assert day.between(0, 5).all()
    nth = calls.groupby("customer_id").cumcount()
    assert ((day // 2) == nth).all()
    near_share(day % 2 == 1, 0.5)


# -- event log ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def events(large):
    return large.tables["event_log"].merge(large.truth["events"], on="event_id")


@pytest.fixture(scope="module")
def episodes(events):
    """One row an episode, of sequences that lie wholly in the last year."""
    out = events.groupby("episode_id").agg(
        sequence_id=("sequence_id", "first"),
        customer_id=("customer_id", "first"),
        at=("at", "min"),
        end=("at", "max"),
        channel=("channel", "first"),
        last=("act", "last"),
        acts=("act", "size"),
    )
    out["day"] = out["at"].dt.normalize()
    start = out.groupby("sequence_id")["day"].transform("min")
    return out[start >= par.INTERVENTION + 12 * DAY].reset_index()


@pytest.fixture(scope="module")
def sequences(episodes):
    """One row a sequence, with its last episode."""
    size = episodes.groupby("sequence_id").size()
    return episodes.groupby("sequence_id").last().assign(episodes=size)


def test_events_are_numbered_by_time_in_the_last_year(events):
    assert events["event_id"].tolist() == list(range(1, len(events) + 1))
    assert events["at"].is_monotonic_increasing
    assert par.INTERVENTION <= events["at"].min() < par.INTERVENTION + DAY
    assert par.TODAY <= events["at"].max() < par.TODAY + DAY
    assert (events["at"] == events["at"].dt.floor("min")).all()


def test_an_episode_is_one_visit_of_one_customer_through_one_channel(events):
    for column in ("customer_id", "channel", "sequence_id"):
        assert not events.drop_duplicates(["episode_id", column]).duplicated("episode_id").any(), column
    assert not events.drop_duplicates(["sequence_id", "customer_id"]).duplicated("sequence_id").any()


def test_eight_of_a_hundred_customers_are_followed(large, events):
    recent = large.tables["orders"].query("order_date >= @par.INTERVENTION")
    sampled = recent[recent["customer_id"].isin(events["customer_id"])]
    assert events["customer_id"].nunique() == round(0.08 * len(large.tables["consumers"]))
    ordered = events[events["act"] == "order"]
    found = ordered.assign(order_date=ordered["at"].dt.normalize())
    assert len(found.merge(sampled, on=["customer_id", "order_date", "channel"])) == len(sampled)
    assert len(ordered) == len(sampled)


def test_needs_that_come_to_nothing_are_eight_for_ten_orders(sequences):
    met = sequences["last"] == "order"
    assert (~met).sum() / met.sum() == pytest.approx(0.8, abs=0.03)
    near_shares(sequences.loc[~met, "channel"], {"web": 0.45, "app": 0.45, "shop": 0.10})
    days = (sequences.loc[~met, "day"] - par.INTERVENTION).dt.days
    assert days.max() == 364


def test_sequences_are_visits_on_consecutive_days_ending_with_the_order(episodes, sequences, events):
    near_mean(sequences["episodes"] - 1, 1.3)
    near_share(sequences["episodes"] == 1, np.exp(-1.3))
    gap = episodes.groupby("sequence_id")["day"].diff().dropna()
    assert (gap == DAY).all()
    before = episodes[~episodes["episode_id"].isin(sequences["episode_id"])]
    assert not (before["last"] == "order").any()
    near_shares(before["channel"], {"web": 0.5, "app": 0.5})
    # an order closes its visit
    position = events.groupby("episode_id").cumcount(ascending=False)
    assert (position[events["act"] == "order"] == 0).all()


def test_visits_start_by_day_and_their_acts_are_minutes_apart(episodes, events):
    minute = episodes["at"].dt.hour * 60 + episodes["at"].dt.minute
    assert minute.min() == 9 * 60
    assert minute.max() == 20 * 60 - 1
    near_mean(minute, (9 * 60 + 20 * 60 - 1) / 2)
    near_mean(episodes["acts"] - 2, 2.2)
    near_share(episodes["acts"] == 2, np.exp(-2.2))
    ordered = events.sort_values(["episode_id", "event_id"])
    gap = ordered.groupby("episode_id")["at"].diff().dropna().dt.total_seconds() / 60
    assert gap.min() == 1
    assert gap.max() == 25
    for minutes in (1, 2, 5, 10, 24):
        near_share(gap <= minutes, -np.expm1(-minutes / 4), minutes)


def test_acts_fit_their_channel(events):
    words = {
        "web": ["search", "view", "compare", "cart", "chat"],
        "app": ["search", "view", "compare", "cart", "chat"],
        "shop": ["enter", "taste", "ask", "view"],
        "call": ["dial", "ask", "advise"],
    }
    for channel, acts in words.items():
        here = events[(events["channel"] == channel) & (events["act"] != "order")]
        near_shares(here["act"], dict.fromkeys(acts, 1 / len(acts)), channel)


# -- referrals ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(large):
    """Referrals with what is true of the sender."""
    people = large.tables["consumers"][["customer_id", "acquired_on"]]
    return (
        large.tables["referrals"]
        .merge(people)
        .merge(large.truth["consumers"][["customer_id", "satisfaction"]])
    )


@pytest.mark.parametrize("tone", ["positive", "negative"])
def test_word_of_mouth_has_its_rate_by_satisfaction(large, told, tone):
    own = told[(told["tone"] == tone) & told["referred_customer_id"].isna()]
    people = large.tables["consumers"].merge(large.truth["consumers"], on="customer_id")
    years = (par.TODAY - people["acquired_on"]).dt.days / 365.25
    count = people["customer_id"].map(own["customer_id"].value_counts()).fillna(0)
    x = pd.DataFrame({"const": 1.0, "s": people["satisfaction"]})
    fit = sm.GLM(count, x, family=sm.families.Poisson(), offset=np.log(years)).fit()
    near_fit(fit, const=np.log(P["referrals", f"{tone}_rate"]), s=P["referrals", f"satisfaction_{tone}"])
    near_mean(own["people_told"] - 1, 1.0 if tone == "positive" else 2.2)
    assert own["people_told"].min() == 1
    passed = (own["date"] - own["acquired_on"]).dt.days / (par.TODAY - own["acquired_on"]).dt.days
    assert passed.between(0, 1, inclusive="left").all()
    near_mean(passed, 0.5 - 0.5 / (par.TODAY - own["acquired_on"]).dt.days)
    left = (par.TODAY - own["date"]).dt.days / (par.TODAY - own["acquired_on"]).dt.days
    near_share(left[own["acquired_on"] < "2024-07-01"] < 0.02, 0.02)  # up to the last day


def test_whoever_came_by_referral_names_somebody_won_before(large, told):
    people = large.tables["consumers"].set_index("customer_id")
    came = told.dropna(subset="referred_customer_id")
    by_referral = people[people["acquisition_channel"] == "referral"]
    expected = by_referral[by_referral["acquired_on"] > par.START]
    assert sorted(came["referred_customer_id"]) == expected.index.tolist()
    won = people["acquired_on"].loc[came["referred_customer_id"]].to_numpy()
    assert (came["acquired_on"] < won).all()
    assert (came["tone"] == "positive").all()
    near_mean(came["people_told"] - 1, 1.0)
    lag = (won - came["date"]) / np.timedelta64(1, "D")
    assert (came["date"] >= came["acquired_on"]).all()
    free = (won - came["acquired_on"].to_numpy()) / np.timedelta64(1, "D") > 30
    near_shares(lag[free], dict.fromkeys(range(31), 1 / 31))


def test_the_second_customer_can_only_come_from_the_first():
    """By hand, three people one a day: nobody is sent by oneself or by somebody who came later."""
    people = pd.DataFrame(
        {
            "customer_id": [1, 2, 3],
            "acquired_on": par.START + np.arange(3) * DAY,
            "acquisition_channel": "referral",
        }
    )
    alike = pd.DataFrame({"satisfaction": np.zeros(3)})
    drawn = pd.concat([encounters.referrals(seed, people, alike) for seed in range(400)])
    sender = drawn.dropna(subset="referred_customer_id").groupby("referred_customer_id")["customer_id"]
    assert list(sender.groups) == [2, 3]  # the first customer cannot have been sent
    assert (sender.get_group(2) == 1).all()
    near_shares(sender.get_group(3), {1: 0.5, 2: 0.5})


def test_satisfied_customers_bring_others(told):
    """Drawn in proportion to exp(.6 s), senders are .6 more satisfied: the tilt of a normal score."""
    came = told.dropna(subset="referred_customer_id")
    assert came["satisfaction"].mean() == pytest.approx(P["referrals", "satisfaction_positive"], abs=0.06)
    own = told[told["referred_customer_id"].isna()].groupby("tone")["satisfaction"].mean()
    assert own["positive"] > 0.5 > -0.5 > own["negative"]


def test_senders_are_spread_over_all_who_were_won_before(told):
    came = told.dropna(subset="referred_customer_id")
    place = came["customer_id"] / came["referred_customer_id"].astype(float)
    late = came["referred_customer_id"] > 1000
    assert stats.kstest(place[late], "uniform").statistic < 0.03


def test_referrals_are_numbered_by_date_and_customer(large):
    referrals = large.tables["referrals"]
    assert referrals["referral_id"].tolist() == list(range(1, len(referrals) + 1))
    assert referrals["date"].is_monotonic_increasing
    assert referrals.groupby("date")["customer_id"].is_monotonic_increasing.all()
    assert referrals["date"].between(par.START, par.TODAY).all()
