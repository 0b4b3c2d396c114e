"""Contacts: how often, when, how well rated, what is noted and promised; complaints and care calls as they happened."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import near_mean, near_sd, near_share, near_shares, no_tie, rounded_mean, rounded_sd
from scipy import stats
from scipy.special import ndtr
from worlds import everything

from crmlab.simulate import dates
from crmlab.simulate.processes.contacts import (
    AROUND,
    CARE,
    COMPLAINS_BY,
    COMPLAINT,
    ENQUIRES_BY,
    ENQUIRY,
    MOOD,
    NOTES,
    PROMISES,
    RATING,
    RECENT,
    REMOTE,
)
from crmlab.simulate.processes.order_days import ORDER_CHANNELS

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def contacts() -> pd.DataFrame:
    return everything()["contacts"].merge(
        everything()["truth:consumers"][["customer_id", "satisfaction"]], on="customer_id"
    )


@pytest.fixture(scope="module")
def rests() -> pd.DatetimeIndex:
    """Days on which the house rests: the eve of Spring Festival and three days from it."""
    spring = dates.FESTIVALS.loc[dates.FESTIVALS["festival"] == "spring_festival", "date"]
    return pd.DatetimeIndex([date + shift * DAY for date in spring for shift in (-1, 0, 1, 2)])


def test_contacts_are_numbered_by_date_and_customer_over_the_whole_history():
    contacts = everything()["contacts"]
    assert contacts["contact_id"].tolist() == list(range(1, len(contacts) + 1))
    assert contacts["date"].is_monotonic_increasing
    assert contacts.groupby("date")["customer_id"].is_monotonic_increasing.all()
    assert contacts["date"].min() < dates.START + 7 * DAY
    assert contacts["date"].max() == dates.TODAY
    assert set(contacts["reason"]) == {*AROUND.index, "complaint", "care"}
    # per order there are as many in the last year as before
    usual = contacts["reason"].isin(AROUND.index.drop("enquiry"))  # enquiries follow customers too
    recent = [
        part.ge(dates.INTERVENTION).mean()
        for part in (contacts.loc[usual, "date"], everything()["orders"]["order_date"])
    ]
    assert recent[0] == pytest.approx(recent[1], abs=0.01)


@pytest.mark.parametrize("reason", AROUND.index)
def test_orders_bring_contacts_at_their_rate_and_delay(contacts, rests, reason):
    usual = AROUND.loc[reason]
    orders = everything()["orders"]
    day = orders["order_date"].groupby(orders["customer_id"])
    won = orders["customer_id"].map(everything()["consumers"].set_index("customer_id")["acquired_on"])
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
    days = range(int(usual["from_day"]), int(usual["to_day"]) + 1)
    idle = ENQUIRY.idle * len(days) / dates.YEAR if reason == "enquiry" else 0.0
    near_share(orders["order_id"].isin(pairs.loc[own, "order_id"]), 1 - (1 - usual["rate"]) * np.exp(-idle))
    near_shares(gap[own], dict.fromkeys(days, 1 / len(days)))
    if reason != "enquiry":
        assert (pairs.loc[own, "channel_x"] == pairs.loc[own, "channel_y"]).all()
    if reason == "delivery":
        assert "shop" not in set(about["channel"])


def test_most_enquiries_lead_to_no_order_and_the_channel_may_change(contacts):
    """An enquiry says something about the next order, but by no means all: some who ask have left."""
    enquiries = contacts[contacts["reason"] == "enquiry"].sort_values("date")
    orders = everything()["orders"].sort_values("order_date")[["customer_id", "order_date", "channel"]]
    both = pd.merge_asof(
        enquiries,
        orders,
        left_on="date",
        right_on="order_date",
        by="customer_id",
        direction="forward",
        allow_exact_matches=False,
    )
    met = (both["order_date"] - both["date"]).dt.days.between(1, 4)
    assert 1 <= (~met).sum() / met.sum() <= 1.5
    assert 0.6 < (both["channel_x"] == both["channel_y"])[met].mean() < 0.9
    inner = enquiries["date"].between(dates.START + 60 * DAY, dates.TODAY - 60 * DAY).to_numpy()
    assert met[inner].mean() == pytest.approx(met.mean(), abs=0.02)


def test_those_who_have_left_still_ask_at_half_the_rate(contacts):
    enquiries = contacts[contacts["reason"] == "enquiry"]
    left = pd.Series(everything()["dropout"], index=everything()["consumers"]["customer_id"])
    day = (enquiries["date"] - dates.START).dt.days
    gone = enquiries[day > enquiries["customer_id"].map(left) + 5]
    years = (dates.DAYS - left.dropna() - 6).clip(lower=0).sum() / dates.YEAR
    assert len(gone) / years == pytest.approx(ENQUIRY.idle_left, rel=0.05)
    assert ENQUIRY.idle_left < ENQUIRY.idle
    near_shares(gone["channel"], dict(zip(ORDER_CHANNELS, ENQUIRES_BY, strict=True)))


def test_nobody_asks_before_being_won_and_nobody_answers_on_days_of_rest(contacts, rests):
    won = contacts["customer_id"].map(everything()["consumers"].set_index("customer_id")["acquired_on"])
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
    rating = (
        everything()["contacts"].groupby(["reason", "channel"])["rating"].mean().drop(["complaint", "care"])
    )
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
    assert 65 <= len(NOTES) <= 75
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
    own = NOTES[NOTES["reason"] == "care"]  # whose notes have no conditions
    shares = dict(zip(own["note"], own["weight"] / own["weight"].sum(), strict=True))
    near_shares(contacts.loc[contacts["reason"] == "care", "note"], shares)


@pytest.fixture(scope="module")
def noted(contacts) -> pd.DataFrame:
    """Contacts with the conditions of their note and, where it needs some, the customer's orders before them."""
    orders = everything()["orders"].rename(columns={"channel": "ordered_by"})
    lines = everything()["order_lines"]
    for line in ("gift_sets", "teaware"):
        orders[line] = orders["order_id"].isin(lines.loc[lines["product_line"] == line, "order_id"])
    orders["tea"] = orders["order_id"].isin(
        lines.loc[~lines["product_line"].isin(["gift_sets", "teaware"]), "order_id"]
    )
    orders["back"] = orders["order_id"].isin(lines.loc[lines["returned"] == 1, "order_id"])
    orders = orders.sort_values("order_date", kind="stable")
    orders["earlier"] = orders.groupby("customer_id").cumcount()
    orders["before"] = orders.groupby("customer_id")["order_date"].shift()
    out = contacts.merge(NOTES.drop(columns=["reason"]), on="note").sort_values("date", kind="stable")
    return pd.merge_asof(out, orders, left_on="date", right_on="order_date", by="customer_id")


def test_notes_begin_with_who_began_and_praise_leaves_nothing_open(noted):
    assert (noted["direction"] == noted["begun"].replace("praise", "in")).all()
    praise = noted[noted["begun"] == "praise"]
    assert len(praise) > 10_000
    assert (praise["solved_at_first_contact"] == 1).all()
    assert praise["promise"].isna().all()
    assert (NOTES.loc[NOTES["begun"] == "praise", "tone"] == 1).all()


def test_notes_fit_the_channel(noted):
    for name in ("enquiry", "purchase", "delivery", "after_sales"):
        bound = noted[(noted["reason"] == name) & (noted["channels"] != "")]
        fits = [channel in where for channel, where in zip(bound["channel"], bound["channels"], strict=True)]
        assert all(fits), name
    shop = noted["note"] == "Praises the advice in the shop"
    assert set(noted.loc[shop, "channel"]) == {"shop"}
    bound = noted[(noted["reason"] == "complaint") & (noted["channels"] != "")]
    assert all(by in where for by, where in zip(bound["ordered_by"], bound["channels"], strict=True))
    for note in ("Parcel never arrived", "Wrong product sent", "Teaware arrived broken"):
        assert "shop" not in set(noted.loc[noted["note"] == note, "ordered_by"])


def test_complaints_fit_what_was_ordered_and_when(noted):
    complaints = noted[noted["reason"] == "complaint"]
    lag = (complaints["date"] - complaints["order_date"]).dt.days
    bound = complaints["from_day"] > 0
    assert (lag[bound] >= complaints.loc[bound, "from_day"]).all()
    assert (lag[complaints["needs"].str.contains("tea|gifts") | bound] <= RECENT.recent_order).all()
    for need, column in (("teaware", "teaware"), ("gifts", "gift_sets")):
        assert complaints.loc[complaints["needs"] == need, column].all(), need
    about_tea = complaints["needs"].str.split().map(lambda needs: "tea" in needs)
    assert complaints.loc[about_tea, "tea"].all()
    unopened = complaints["needs"].str.contains("opened") & (complaints["ordered_by"] != "shop")
    assert (lag[unopened] >= 2).all()
    assert not complaints.loc[complaints["note"] == "Refund refused", "back"].any()
    shares = complaints["note"].value_counts(normalize=True)
    # in 20 worlds of this size: mean 0.0245, standard deviation 0.001; the largest share 0.208 and 0.0024
    assert 0.021 < shares["Parcel never arrived"] < 0.028
    assert shares.max() < 0.22


def test_whoever_waits_for_a_call_was_promised_one(contacts):
    waits = contacts.loc[contacts["note"] == "Nobody called back as promised", ["customer_id", "date"]]
    promised = contacts.loc[contacts["promise"].notna(), ["customer_id", "date"]]
    both = waits.reset_index().merge(promised, on="customer_id", suffixes=("", "_promised"))
    kept = (both["date"] - both["date_promised"]).dt.days.between(1, RECENT.recent_promise)
    assert set(both.loc[kept, "index"]) == set(waits.index)
    assert len(waits) > 300


def test_help_after_a_purchase_fits_the_order(noted):
    after = noted[noted["reason"].isin(["purchase", "delivery", "after_sales"])]
    lag = (after["date"] - after["order_date"]).dt.days
    usual = AROUND.loc[after["reason"]].set_axis(after.index)
    older = ~((after["date"] - after["before"]).dt.days <= usual["to_day"])
    own = after[(lag >= usual["from_day"]) & older]  # the contact can be about one order only
    assert len(own) > 0.8 * len(after)
    for need, column in (
        ("teaware", "teaware"),
        ("gifts", "gift_sets"),
        ("tea", "tea"),
        ("returned", "back"),
    ):
        assert own.loc[own["needs"].str.split().map(lambda needs, need=need: need in needs), column].all()
    regular = own["needs"].str.contains("known")
    assert (own.loc[regular, "earlier"] > 0).all()
    assert (lag[own.index] >= own["from_day"]).all()


def test_gifts_come_late_in_the_fortnight_after_a_festival_of_gifts(noted):
    """Of complaints about remote orders with gifts then, .56 are about that (20 worlds: sd .07, of 58 complaints)."""
    complaints = noted[noted["reason"] == "complaint"]
    festivals = dates.FESTIVALS.loc[dates.FESTIVALS["festival"] != "dragon_boat", "date"]
    since = np.column_stack([(complaints["date"] - festival).dt.days for festival in festivals])
    lag = (complaints["date"] - complaints["order_date"]).dt.days
    can = ((since >= 1) & (since <= 14)).any(axis=1) & lag.between(2, RECENT.recent_order)
    can &= complaints["gift_sets"].eq(True) & complaints["ordered_by"].isin(REMOTE.split())
    late = complaints["note"] == "Gift came after the festival"
    assert not late[~can].any()
    assert can.sum() > 35
    assert 0.36 < late[can].mean() < 0.76


def test_notes_have_their_season(contacts):
    month = contacts["date"].dt.month
    spring = contacts["note"] == "Asks for this year's spring tea"
    assert month[spring].between(3, 6).mean() > 0.85
    gift = contacts["note"].str.startswith("Asks for a gift")
    enquiry = contacts["reason"] == "enquiry"
    share = gift[enquiry].groupby(month[enquiry]).mean()
    assert share[[1, 9]].min() > 1.4 * share[[4, 5, 7, 11]].max()


def test_complaints_are_the_incidents_that_were_voiced_up_to_today(contacts, rests):
    voiced = everything()["incidents"]
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
    """Incidents run through the whole history: complaints per purchase are as frequent before July 2025 as after.

    Nothing goes wrong with orders that a trial added.
    """
    complaints = everything()["contacts"].query("reason == 'complaint'")["date"]
    orders = pd.Series(dates.dates(everything()["base_orders"]["day"]))
    yearly = [
        complaints.between(start, start + 300 * DAY).sum() / orders.between(start, start + 300 * DAY).sum()
        for start in pd.to_datetime(["2022-08-01", "2023-08-01", "2024-08-01", "2025-08-01"])
    ]
    assert max(yearly) / min(yearly) < 1.2


def test_care_calls_are_those_of_the_trial_a_fortnight_apart(contacts):
    calls = contacts[contacts["reason"] == "care"]
    trial = everything()["customer_care"].set_index("customer_id")
    made = trial.loc[trial["care_calls"] > 0, "care_calls"]
    assert calls["customer_id"].value_counts().sort_index().tolist() == made.tolist()
    assert (calls["channel"] == "call").all()
    assert (calls["direction"] == "out").all()
    assert calls[["rating", "promise", "solved_at_first_contact"]].isna().all(axis=None)
    day = (calls["date"] - calls["customer_id"].map(trial["assigned_on"])).dt.days
    assert day.between(0, 41).all()
    assert ((day // CARE.care_days) == calls.groupby("customer_id").cumcount()).all()
    assert stats.chisquare((day % CARE.care_days).value_counts()).pvalue > 1e-5
