"""Leads: everybody who showed interest, followed up step by step until an order or nothing came of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick, spread
from ..numbers import numbers, series
from ..registry import process
from .people import SOURCE, SOURCES, SPENDING, WON_BY_WEEKDAY

STEPS = ("contacted_on", "visited_on", "quoted_on", "decided_on")
GAPS = series(
    "leads",
    "gap",
    {"contacted": 2.0, "visited": 5.0, "quoted": 3.0, "decided": 7.0},
    "days",
    "mean time from the step before, at a pace of 1",
)
PACE = series(
    "leads",
    "pace",
    {"shop": 0.4, "online": 1.0, "referral": 0.7, "fair": 1.4},
    "factor",
    "on the time between steps, by acquisition channel",
)
GOES_ON = series(
    "leads",
    "goes_on",
    {"visited": 0.60, "quoted": 0.55, "decided": 0.60},
    "probability",
    "that a lead of which nothing comes reaches this step after the one before; the last step is a no",
)
FOLLOW_UP = numbers(
    "leads",
    contacted_base=(0.25, "probability", "that a lead of which nothing comes is followed up, at score 0"),
    contacted_score=(0.011, "probability", "change per point of the score"),
    longest=(90, "days", "from interest to decision"),
    at_once=(
        0.8,
        "share",
        "of leads from shops that are followed up on the day of interest, without a quote",
    ),
    fair_day=(
        0.75,
        "share",
        "of leads won at a fair that are won on the day of interest; others, up to its end",
    ),
    unanswered=(0.15, "share", "of its cost that a lead costs which nobody follows up"),
    cheapest=(0.7, "factor", "lower limit of the cost of a lead about its channel's mean"),
    dearest=(1.3, "factor", "upper limit"),
)
SCORE = numbers(
    "leads",
    won_mean=(70.0, "points", "mean score of a lead that is won and will order the mean amount once a week"),
    won_rate=(6.6, "points", "change per unit of the logarithm of the purchase rate"),
    won_value=(9.6, "points", "change per unit of the logarithm of the mean order"),
    won_noise=(11.0, "points", "standard deviation"),
    rate_floor=(0.02, "orders a week", "added to the purchase rate before the logarithm"),
    other_mean=(47.0, "points", "mean score of other leads"),
    other_noise=(16.0, "points", "standard deviation"),
)
FULL = 100  # points of the score
SHOP = SOURCES.index("shop")
FAIR = SOURCES.index("fair")
NEAR = np.arange(dates.WEEK)  # days by which interest may lie further back, on a day that suits it
HALF = dates.WEEK // 2


@process(tables=("leads",))
def leads(
    draw: Callable[[str], np.random.Generator], consumers: pd.DataFrame, behaviour: pd.DataFrame
) -> pd.DataFrame:
    """Return all leads up to today; those of the last weeks may still be open."""
    source = pd.Categorical(consumers["acquisition_channel"], categories=list(SOURCES)).codes
    decided = dates.days(consumers["acquired_on"])
    # Whoever will be won in the time to come is a lead already: like those won in as many days before today.
    coming = np.flatnonzero(decided >= dates.DAYS - FOLLOW_UP.longest)
    row = np.r_[np.arange(len(consumers)), coming]
    won = pd.DataFrame(
        {
            "customer_id": consumers["customer_id"].to_numpy()[row],
            "channel": source[row],
            "decided_on": np.r_[decided, decided[coming] + FOLLOW_UP.longest],
            "score": _score_of_won(draw("scores"), behaviour.iloc[row]),
            "reached": len(STEPS),
        }
    )
    out = pd.concat([won, _others(draw, won)], ignore_index=True)
    out = _dated(draw, out)
    out["customer_id"] = out["customer_id"].astype("Int64").where(out["decided_on"] < dates.DAYS)
    out["contacted"] = (out["contacted_on"] < dates.DAYS).astype(int)
    cost = draw("costs").uniform(FOLLOW_UP.cheapest, FOLLOW_UP.dearest, len(out))
    cost = cost * np.where(out["contacted"] == 1, 1, FOLLOW_UP.unanswered)
    out["cost"] = (cost * SOURCE["lead_cost"].to_numpy()[out["channel"]]).round(2)
    out["channel"] = np.array(SOURCES)[out["channel"]]
    out = out[out["created_on"] < dates.DAYS]
    out = out.sample(frac=1, random_state=draw("order"))  # within a day no order says anything
    out = out.sort_values("created_on", kind="stable", ignore_index=True)
    out["lead_id"] = out.index + 1
    for step in ("created_on", *STEPS):
        out[step] = dates.START + pd.to_timedelta(out[step].where(out[step] < dates.DAYS), unit="D")
    named = ("lead_id", "created_on", "channel", "score", "contacted", *STEPS, "customer_id", "cost")
    return out[list(named)]


def _score_of_won(rng: np.random.Generator, behaviour: pd.DataFrame) -> np.ndarray:
    """Return what the scoring rule says of leads that are won: it sees their worth through noise."""
    mean_order = SPENDING.p * SPENDING.v / (SPENDING.q - 1)
    often = np.log(behaviour["purchase_rate"].to_numpy() + SCORE.rate_floor)
    much = np.log(behaviour["mean_order_value"].to_numpy() / mean_order)
    score = SCORE.won_mean + SCORE.won_rate * often + SCORE.won_value * much
    score = score + SCORE.won_noise * rng.standard_normal(len(score))
    return score.round().clip(0, FULL).astype(int)


def _others(draw: Callable[[str], np.random.Generator], won: pd.DataFrame) -> pd.DataFrame:
    """Return the leads of which nothing comes: as many for each that is won as conversion says."""
    conversion = SOURCE["conversion"].to_numpy()[won["channel"]]
    like, _ = spread(draw("others").poisson((1 - conversion) / conversion))
    rng = draw("other_scores")
    score = (SCORE.other_mean + SCORE.other_noise * rng.standard_normal(len(like))).round().clip(0, FULL)
    rng = draw("reached")
    goes_on = rng.random((len(like), len(STEPS))) < np.column_stack(
        [
            FOLLOW_UP.contacted_base + FOLLOW_UP.contacted_score * score,
            np.broadcast_to(GOES_ON.to_numpy(), (len(like), len(GOES_ON))),
        ]
    )
    return pd.DataFrame(
        {
            "customer_id": np.nan,
            "channel": won["channel"].to_numpy()[like],
            "decided_on": won["decided_on"].to_numpy()[like],
            "score": score.astype(int),
            "reached": np.cumprod(goes_on, axis=1).sum(axis=1),
        }
    )


def _dated(draw: Callable[[str], np.random.Generator], leads: pd.DataFrame) -> pd.DataFrame:
    """Return the leads with the day of interest and of each step reached.

    What was open when the files begin may have begun before.
    """
    channel = leads["channel"].to_numpy()
    decided = leads["decided_on"].to_numpy()
    gaps = draw("gaps").exponential(GAPS.to_numpy(), (len(leads), len(GAPS)))
    passed = np.cumsum(gaps * PACE.to_numpy()[channel][:, None], axis=1)
    total = np.minimum(passed[:, -1], FOLLOW_UP.longest - HALF)
    at_once = (channel == SHOP) & (draw("at_once").random(len(leads)) < FOLLOW_UP.at_once)
    created = _suitable_days(draw("interest"), decided - np.maximum(total - HALF, 0).astype(int))
    created = np.where(at_once, _open(decided, -1), created)
    created = np.where(channel == FAIR, _same_fair(draw("fairs"), decided), created)
    # A fair wins on its days or not at all: its other leads are followed up in the weeks after it.
    lost = leads["customer_id"].isna().to_numpy()
    decided = np.where(lost & (channel == FAIR), created + total.astype(int), decided)
    decided = np.where(lost & at_once, created, decided)
    decided = np.where(lost, _open(decided), decided)
    steps = created[:, None] + (passed / passed[:, -1:] * (decided - created)[:, None]).astype(int)
    steps = np.minimum(_open(steps), _open(decided, -1)[:, None])
    steps[:, -1] = decided
    reached = np.arange(len(STEPS)) < leads["reached"].to_numpy()[:, None]
    reached[at_once, STEPS.index("quoted_on")] = False
    steps = np.where(reached, steps, np.inf)
    return leads.assign(created_on=created, **dict(zip(STEPS, steps.T, strict=True)))


def _suitable_days(rng: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """Return the days or up to six days earlier: on weekdays that win more, not while the house rests."""
    option = day[:, None] - NEAR
    weekday = (dates.START.day_of_week + option) % dates.WEEK
    weight = WON_BY_WEEKDAY.to_numpy()[weekday] * ~_rests(option)
    return day - NEAR[pick(rng, weight)]


def _same_fair(rng: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """Return the days, or some day up to then of the fair that is on."""
    fair = np.pad(dates.fair_days(), (0, FOLLOW_UP.longest))  # customers to come are won after today
    begins = np.flatnonzero(fair & ~np.roll(fair, 1))
    first = begins[np.searchsorted(begins, day, side="right") - 1]
    earlier = fair[day] & (rng.random(len(day)) >= FOLLOW_UP.fair_day)
    return rng.integers(np.where(earlier, first, day), day, endpoint=True)


def _rests(day: np.ndarray) -> np.ndarray:
    """Return whether the house rests on each day; beyond the history it does not."""
    return dates.closed()[np.clip(day, 0, dates.DAYS - 1)]


def _open(day: np.ndarray, way: int = 1) -> np.ndarray:
    """Return the days, or where the house rests the next open day (the one before, if `way` is -1)."""
    while (rests := _rests(day)).any():
        day = day + way * rests
    return day
