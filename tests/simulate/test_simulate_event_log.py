"""The event log: a sample over the whole history, acts minutes apart, within opening hours, with its truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import near_mean, near_share, near_shares
from worlds import everything

from crmlab import lifecycle
from crmlab.simulate import dates
from crmlab.simulate.processes.event_log import ACTS, FIRST, HOUR, LOG, ONLINE, OPEN, UNMET_BY

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return everything()["event_log"].merge(everything()["truth:events"], on="event_id")


@pytest.fixture(scope="module")
def episodes(events) -> pd.DataFrame:
    """One row an episode, of sequences that lie wholly after their customer was won."""
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
    won = everything()["consumers"].set_index("customer_id")["acquired_on"]
    start = out.groupby("sequence_id")["day"].transform("max")
    return out[start >= out["customer_id"].map(won) + 12 * DAY].reset_index()


@pytest.fixture(scope="module")
def sequences(episodes) -> pd.DataFrame:
    """One row a sequence, with its last episode."""
    size = episodes.groupby("sequence_id").size()
    return episodes.groupby("sequence_id").last().assign(episodes=size)


def test_events_are_numbered_by_time_over_the_whole_history(events):
    assert events["event_id"].tolist() == list(range(1, len(events) + 1))
    assert events["at"].is_monotonic_increasing
    assert dates.START <= events["at"].min() < dates.START + 7 * DAY
    assert dates.TODAY <= events["at"].max() < dates.TODAY + DAY
    assert (events["at"] == events["at"].dt.floor("min")).all()


def test_the_sample_has_its_size_and_is_drawn_from_everybody(events):
    consumers = everything()["consumers"]
    sampled = consumers["customer_id"].isin(events["customer_id"])
    assert sampled.sum() == round(LOG.sample * len(consumers))
    near_share(sampled, LOG.sample)
    late = consumers["acquired_on"] > "2025-01-01"
    near_share(sampled[late], LOG.sample)
    near_share(sampled[everything()["truth:consumers"]["dropped_out_on"].isna()], LOG.sample)


def test_an_episode_is_one_visit_of_one_customer_through_one_channel(events):
    for column in ("customer_id", "channel", "sequence_id"):
        assert not events.drop_duplicates(["episode_id", column]).duplicated("episode_id").any(), column
    assert not events.drop_duplicates(["sequence_id", "customer_id"]).duplicated("sequence_id").any()


def test_every_order_of_the_sampled_is_in_the_log(events):
    orders = everything()["orders"]
    orders = orders[orders["customer_id"].isin(events["customer_id"])]
    ordered = events[events["act"] == "order"].assign(order_date=lambda d: d["at"].dt.normalize())
    found = ordered.merge(orders, on=["customer_id", "order_date", "channel"])
    assert len(found) == len(ordered)
    assert found["order_id"].is_unique
    shut = dates.closed()[dates.days(orders["order_date"])] & orders["channel"].isin(["shop", "call"])
    assert len(ordered) == (~shut).sum()


def test_nobody_is_logged_before_being_won_and_no_order_comes_after_leaving(events):
    won = events["customer_id"].map(everything()["consumers"].set_index("customer_id")["acquired_on"])
    assert (events["at"] >= won).all()
    left = events["customer_id"].map(
        everything()["truth:consumers"].set_index("customer_id")["dropped_out_on"]
    )
    assert not (events["at"] >= left + DAY)[events["act"] == "order"].any()


def test_a_third_of_those_who_left_look_on_for_a_while(events):
    """Needs come as often as before, for an exponential time: how many there are is geometric."""
    truth = everything()["truth:consumers"].assign(left=np.floor(everything()["dropout"]))
    gone = truth[truth["customer_id"].isin(events["customer_id"]) & (truth["left"] < dates.DAYS - 365)]
    events = events.merge(gone[["customer_id", "left"]])
    # a need arises on the day of its last visit: that day must lie after leaving
    events["day"] = dates.days(events["at"].dt.normalize())
    needs = events.groupby(["sequence_id", "customer_id", "left"])["day"].max().reset_index()
    needs = needs[needs["day"] > needs["left"]]
    rate = LOG.unmet * gone["purchase_rate"] / 7 * LOG.browse_days
    near_mean(gone["customer_id"].isin(needs["customer_id"]), LOG.browse_on * rate / (1 + rate))
    count = gone["customer_id"].map(needs["customer_id"].value_counts()).fillna(0)
    near_mean(count, LOG.browse_on * rate)
    assert 60 < (needs["day"] - needs["left"]).quantile(0.75) < 240
    assert (needs["day"] - needs["left"]).min() == 1


def test_nothing_happens_outside_opening_hours_or_in_shops_on_days_of_rest(events):
    minute = events["at"].dt.hour * 60 + events["at"].dt.minute
    for channel, hours in OPEN.iterrows():
        own = minute[events["channel"] == channel]
        assert hours["from"] <= own.min() <= hours["from"] + 45, channel
        assert hours["to"] - 15 < own.max() < hours["to"], channel
    rest = dates.closed()[dates.days(events["at"].dt.normalize())]
    assert set(events.loc[rest, "channel"]) == {"web", "app"}


@pytest.mark.parametrize("channel", OPEN.index)
def test_visits_begin_at_their_hours(episodes, channel):
    """Web and app are used most at night; the last minutes are cut off, for a visit ends before closing."""
    own = episodes[(episodes["channel"] == channel) & ~episodes.duplicated("sequence_id")]
    minute = own["at"].dt.hour * 60 + own["at"].dt.minute
    share = HOUR.loc[channel, "first_shape"] / HOUR.loc[channel].sum()
    lasts = (own["end"] - own["at"]) / pd.Timedelta(minutes=1)
    room = OPEN.loc[channel, "to"] - OPEN.loc[channel, "from"] - lasts
    near_mean((minute - OPEN.loc[channel, "from"] + 0.5) / room, share, channel)
    if channel in ONLINE:
        by_hour = own["at"].dt.hour.value_counts()
        assert by_hour.idxmax() in (19, 20, 21)
        assert by_hour[20] > 3 * by_hour[10]


def test_needs_that_come_to_nothing_are_eight_for_ten_orders(sequences, events):
    left = events["customer_id"].map(
        pd.Series(everything()["dropout"], everything()["consumers"]["customer_id"])
    )
    day = dates.days(events["at"].dt.normalize())
    before = (~(day > np.floor(left))).groupby(events["sequence_id"]).all()  # not by those who have left
    met = events.groupby("sequence_id")["act"].last()[before] == "order"
    assert (~met).sum() / met.sum() == pytest.approx(LOG.unmet, abs=0.03)
    met = sequences["last"] == "order"
    near_shares(
        sequences.loc[~met, "channel"], {c: share for c, share in UNMET_BY.loc["share"].items() if share}
    )


def test_sequences_are_visits_on_consecutive_days_ending_with_the_order(episodes, sequences, events):
    near_mean(sequences["episodes"] - 1, LOG.more_visits)
    near_share(sequences["episodes"] == 1, np.exp(-LOG.more_visits))
    gap = episodes.sort_values(["sequence_id", "day"]).groupby("sequence_id")["day"].diff().dropna()
    assert (gap == DAY).all()
    before = episodes[~episodes["episode_id"].isin(sequences["episode_id"])]
    assert not (before["last"] == "order").any()
    near_shares(before["channel"], {"web": 0.5, "app": 0.5})
    # an order closes its visit
    position = events.groupby("episode_id").cumcount(ascending=False)
    assert (position[events["act"] == "order"] == 0).all()


def test_visits_of_a_need_are_less_than_36_hours_apart(episodes):
    ordered = episodes.sort_values(["sequence_id", "at"])
    pause = ordered.groupby("sequence_id")["at"].shift(-1) - ordered["end"]
    assert pause.max() < pd.Timedelta(hours=36)
    assert pause.min() > pd.Timedelta(hours=9)


def test_acts_of_a_visit_are_minutes_apart(episodes, events):
    more = (
        episodes["acts"] - LOG.least_acts - ((episodes["last"] == "order") & episodes["channel"].isin(ONLINE))
    )
    near_mean(more, LOG.more_acts)
    near_share(more == 0, np.exp(-LOG.more_acts))
    ordered = events.sort_values(["episode_id", "event_id"])
    gap = ordered.groupby("episode_id")["at"].diff().dropna().dt.total_seconds() / 60
    assert gap.min() == LOG.shortest
    assert gap.max() == LOG.longest
    for minutes in (1, 2, 5, 10, 24):
        near_share(gap <= minutes, -np.expm1(-minutes / LOG.pause), minutes)


def test_a_visit_begins_as_its_channel_does_and_only_then(events):
    first = ~events.duplicated("episode_id")
    assert (events["act"].isin(FIRST.values()) == first).all()
    assert (events.loc[first, "act"] == events.loc[first, "channel"].map(FIRST)).all()


def test_what_is_ordered_online_was_put_into_the_cart_just_before(events):
    before = events.groupby("episode_id")["act"].shift()
    online = (events["act"] == "order") & events["channel"].isin(ONLINE)
    assert (before[online] == "cart").all()
    after = events.groupby("episode_id")["act"].shift(-1)
    carts = (events["act"] == "cart") & (after != "order")
    assert carts.sum() > 0.5 * online.sum()  # many are left standing


def test_other_acts_fit_their_channel(events):
    """Of visits that end without an order: those of others end with acts that are fixed."""
    last = events.groupby("episode_id")["act"].transform("last")
    free = events[events.duplicated("episode_id") & (last != "order")]
    for channel in ("shop", *ONLINE):
        here = free.loc[free["channel"] == channel, "act"]
        near_shares(here, {act: share for act, share in ACTS.loc[channel].items() if share}, channel)
    calls = events[
        events.duplicated("episode_id") & (events["channel"] == "call") & (events["act"] != "order")
    ]
    near_shares(calls["act"], {"ask": ACTS.loc["call", "ask"], "advise": ACTS.loc["call", "advise"]})


def test_pauses_find_visits_and_needs_again(events):
    visits = lifecycle.pair_agreement(events["episode_id"], lifecycle.sessionize(events, "30min"))
    assert visits["recall"] == 1
    assert visits["adjusted_rand"] > 0.97
    needs = lifecycle.pair_agreement(events["sequence_id"], lifecycle.sessionize(events, "36h"))
    assert needs["recall"] == 1
    assert needs["adjusted_rand"] > 0.7
