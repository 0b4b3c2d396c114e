"""Contacts: how often, when, how well rated, what is noted and promised; complaints and care calls as they happened."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import near_mean, near_sd, near_share, near_shares, no_tie, rounded_mean, rounded_sd
from scipy import stats
from scipy.special import ndtr
from surroundings import large

from crmlab.simulate import dates
from crmlab.simulate.processes.contacts import (
    AROUND,
    CARE,
    COMPLAINS_BY,
    COMPLAINT,
    MOOD,
    NOTES,
    PROMISES,
    RATING,
)
from crmlab.simulate.processes.ledger import ORDER_CHANNELS

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def contacts() -> pd.DataFrame:
    return large()["contacts"].merge(
        large()["truth:consumers"][["customer_id", "satisfaction"]], on="customer_id"
    )


@pytest.fixture(scope="module")
def rests() -> pd.DatetimeIndex:
    """Days on which the house rests: the eve of Spring Festival and three days from it."""
    spring = dates.FESTIVALS.loc[dates.FESTIVALS["festival"] == "spring_festival", "date"]
    return pd.DatetimeIndex([date + shift * DAY for date in spring for shift in (-1, 0, 1, 2)])


def test_contacts_are_numbered_by_date_and_customer_over_the_whole_history():
    contacts = large()["contacts"]
    assert contacts["contact_id"].tolist() == list(range(1, len(contacts) + 1))
    assert contacts["date"].is_monotonic_increasing
    assert contacts.groupby("date")["customer_id"].is_monotonic_increasing.all()
    assert contacts["date"].min() < dates.START + 7 * DAY
    assert contacts["date"].max() == dates.TODAY
    assert set(contacts["reason"]) == {*AROUND.index, "complaint", "care"}
    # per order there are as many in the last year as before
    usual = contacts["reason"].isin(AROUND.index)
    recent = [
        part.ge(dates.INTERVENTION).mean()
        for part in (contacts.loc[usual, "date"], large()["orders"]["order_date"])
    ]
    assert recent[0] == pytest.approx(recent[1], abs=0.01)


@pytest.mark.parametrize("reason", AROUND.index)
def test_orders_bring_contacts_at_their_rate_and_delay(contacts, rests, reason):
    usual = AROUND.loc[reason]
    orders = large()["orders"]
    day = orders["order_date"].groupby(orders["customer_id"])
    won = orders["customer_id"].map(large()["consumers"].set_index("customer_id")["acquired_on"])
    # an order far from any other of its customer: no contact of another one is taken for its own
    lonely = ~(day.diff() < 30 * DAY) & ~(day.diff(-1) > -30 * DAY)
    inner = orders["order_date"].between(dates.START + 30 * DAY, dates.TODAY - 30 * DAY)
    for rest in rests:
        inner &= (orders["order_date"] - rest).abs() > 30 * DAY
    known = (orders["order_date"] > won + 4 * DAY) | (reason != "enquiry")
    orders = orders[lonely & inner & known & ((orders["channel"] != "shop") | (reason != "delivery"))]
    about = contacts[contacts["reason"] == reason]
    pairs = orders.merge(about, on="customer_id")
    gap = (pairs["date"] - pairs["order_date"]).dt.days
    own = gap.between(usual["from_day"], usual["to_day"])
    near_share(orders["order_id"].isin(pairs.loc[own, "order_id"]), usual["rate"])
    days = range(int(usual["from_day"]), int(usual["to_day"]) + 1)
    near_shares(gap[own], dict.fromkeys(days, 1 / len(days)))
    assert (pairs.loc[own, "channel_x"] == pairs.loc[own, "channel_y"]).all()
    if reason == "delivery":
        assert "shop" not in set(about["channel"])


def test_nobody_asks_before_being_won_and_nobody_answers_on_days_of_rest(contacts, rests):
    won = contacts["customer_id"].map(large()["consumers"].set_index("customer_id")["acquired_on"])
    assert (contacts["date"] >= won).all()
    resting = contacts[contacts["date"].isin(rests)]
    assert len(resting) > 50
    assert set(resting["channel"]) == {"web", "app"}


def test_ratings_follow_satisfaction_channel_reason_and_a_quick_solution(contacts):
    for reason, usual in AROUND.iterrows():
        here = contacts[contacts["reason"] == reason]
        near_share(here["rating"].isna(), RATING.missing, reason)
        rated = here.dropna(subset="rating")
        solved = rated["solved_at_first_contact"].fillna(1).astype(float)
        lost_parcel = RATING.app_delivery * ((rated["channel"] == "app") & (reason == "delivery"))
        feeling = RATING.base + RATING.satisfaction * rated["satisfaction"] + rated["channel"].map(MOOD)
        feeling = feeling + usual["ease"] + lost_parcel + RATING.solved * solved
        expected = rounded_mean(feeling, RATING.noise, 1, 5)
        rating = rated["rating"].astype(float)
        no_tie(rating - expected, rated["satisfaction"], reason)
        near_mean(rating == 5, ndtr((feeling - 4.5) / RATING.noise), reason)
        near_mean(rating == 1, ndtr((1.5 - feeling) / RATING.noise), reason)
        for part in (*(rated["channel"] == channel for channel in set(rated["channel"])), solved == 0):
            near_mean(rating[part], expected[part.to_numpy()], reason)


def test_the_app_loses_parcels():
    rating = large()["contacts"].groupby(["reason", "channel"])["rating"].mean().drop(["complaint", "care"])
    assert rating.idxmin() == ("delivery", "app")
    assert rating.nsmallest(2).iloc[1] > rating.min() + 0.3


def test_matters_are_solved_at_once_or_something_is_promised(contacts):
    around = contacts[contacts["reason"].isin(AROUND.index)]
    coming = around["direction"] == "in"
    for reason, usual in AROUND.iterrows():
        here = around["reason"] == reason
        near_share(~coming[here], usual["out"], reason) if usual["out"] else None
        near_share(around.loc[here & coming, "solved_at_first_contact"], usual["solved"], reason)
    assert around.loc[~coming, ["solved_at_first_contact", "promise"]].isna().all(axis=None)
    open_still = around["solved_at_first_contact"] == 0
    assert (around.loc[open_still, "promise"] == around.loc[open_still, "reason"].map(PROMISES)).all()
    assert around.loc[~open_still.fillna(False), "promise"].isna().all()


def test_notes_fit_their_reason_and_lean_to_how_well_the_customer_was_served(contacts):
    assert 55 <= len(NOTES) <= 65
    assert NOTES["note"].is_unique
    assert (NOTES["note"].str.len() <= 40).all()
    reason = contacts["note"].map(NOTES.set_index("note")["reason"])
    assert (reason == contacts["reason"]).all()
    tone = contacts["note"].map(NOTES.set_index("note")["tone"])
    rating = contacts["rating"].astype(float)
    for name in AROUND.index:
        here = contacts["reason"] == name
        means = rating[here].groupby(tone[here]).mean()
        assert means[-1] + 0.5 < means[0] + 0.25 < means[1], name
    for name in ("complaint", "care"):
        own = NOTES[NOTES["reason"] == name]
        shares = dict(zip(own["note"], own["weight"] / own["weight"].sum(), strict=True))
        near_shares(contacts.loc[contacts["reason"] == name, "note"], shares, name)


def test_complaints_are_the_incidents_that_were_voiced_up_to_today(contacts, rests):
    voiced = large()["incidents"]
    voiced = voiced[voiced["complained_on"].notna() & (voiced["complained_on"] < dates.DAYS)]
    asked = pd.DataFrame({"customer_id": voiced["row"] + 1, "date": dates.dates(voiced["complained_on"])})
    complaints = contacts[contacts["reason"] == "complaint"]
    columns = ["customer_id", "date", "promised_hours"]
    expected = asked.assign(promised_hours=voiced["promised_hours"]).sort_values(columns)
    assert np.array_equal(complaints.sort_values(columns)[columns].astype("int64"), expected.astype("int64"))
    open_days = ~complaints["date"].isin(rests)
    near_shares(complaints.loc[open_days, "channel"], dict(zip(ORDER_CHANNELS, COMPLAINS_BY, strict=True)))
    done = complaints.dropna(subset="hours_to_resolve")
    assert len(done) < len(complaints) < len(done) + 0.02 * len(complaints)
    assert (complaints.loc[complaints["hours_to_resolve"].isna(), "date"] > dates.TODAY - 30 * DAY).all()
    assert (done["date"] + pd.to_timedelta(done["hours_to_resolve"], unit="h") < dates.TODAY + DAY).all()
    for recovered, mean in ((1, COMPLAINT.recovered), (0, COMPLAINT.unrecovered)):
        rating = done.loc[done["recovered"] == recovered, "rating"].astype(float)
        near_mean(rating, rounded_mean(mean, COMPLAINT.complaint_noise, 1, 5), recovered)
        near_sd(rating, rounded_sd(mean, COMPLAINT.complaint_noise, 1, 5), recovered)
    quick = (done["hours_to_resolve"] <= COMPLAINT.first_contact).astype(int)
    assert (done["solved_at_first_contact"] == quick).all()
    assert (complaints["promise"] == "solve_" + complaints["promised_hours"].astype(str) + "h").all()
    rest = contacts[contacts["reason"] != "complaint"]
    assert rest[["promised_hours", "hours_to_resolve", "recovered"]].isna().all(axis=None)


def test_complaints_begin_with_the_history():
    """Incidents run through the whole history: complaints per order are as frequent before July 2025 as after."""
    complaints = large()["contacts"].query("reason == 'complaint'")["date"]
    orders = large()["orders"]["order_date"]
    yearly = [
        complaints.between(start, start + 300 * DAY).sum() / orders.between(start, start + 300 * DAY).sum()
        for start in pd.to_datetime(["2022-08-01", "2023-08-01", "2024-08-01", "2025-08-01"])
    ]
    assert max(yearly) / min(yearly) < 1.2


def test_care_calls_are_those_of_the_trial_a_fortnight_apart(contacts):
    calls = contacts[contacts["reason"] == "care"]
    trial = large()["customer_care"].set_index("customer_id")
    made = trial.loc[trial["care_calls"] > 0, "care_calls"]
    assert calls["customer_id"].value_counts().sort_index().tolist() == made.tolist()
    assert (calls["channel"] == "call").all()
    assert (calls["direction"] == "out").all()
    assert calls[["rating", "promise", "solved_at_first_contact"]].isna().all(axis=None)
    day = (calls["date"] - calls["customer_id"].map(trial["assigned_on"])).dt.days
    assert day.between(0, 41).all()
    assert ((day // CARE.care_days) == calls.groupby("customer_id").cumcount()).all()
    assert stats.chisquare((day % CARE.care_days).value_counts()).pvalue > 1e-5
