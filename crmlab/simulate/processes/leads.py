"""Leads: everybody who showed interest, followed up step by step until an order or nothing came of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import spread
from ..numbers import numbers, series
from ..registry import process
from .people import SOURCE, SOURCES, SPENDING

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
    out = _dated(draw("gaps"), out)
    out["customer_id"] = out["customer_id"].astype("Int64").where(out["decided_on"] < dates.DAYS)
    out["contacted"] = (out["contacted_on"] < dates.DAYS).astype(int)
    cost = draw("costs").uniform(FOLLOW_UP.cheapest, FOLLOW_UP.dearest, len(out))
    cost = cost * np.where(out["contacted"] == 1, 1, FOLLOW_UP.unanswered)
    out["cost"] = (cost * SOURCE["lead_cost"].to_numpy()[out["channel"]]).round(2)
    out["channel"] = np.array(SOURCES)[out["channel"]]
    out = out[out["created_on"] < dates.DAYS]
    out = out.sort_values(["created_on", "channel", "score"], kind="stable", ignore_index=True)
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


def _dated(rng: np.random.Generator, leads: pd.DataFrame) -> pd.DataFrame:
    """Return the leads with the day of interest and of each step reached, counted back from the decision.

    Where the files begin later than the interest, the steps are squeezed into the days since they begin.
    """
    pace = PACE.to_numpy()[leads["channel"]]
    gaps = np.floor(rng.exponential(GAPS.to_numpy(), (len(leads), len(GAPS))) * pace[:, None])
    gaps = gaps * np.minimum(1, FOLLOW_UP.longest / np.maximum(gaps.sum(axis=1), 1))[:, None]
    decided = leads["decided_on"].to_numpy()
    room = rng.random(len(leads)) * (decided + 1)
    total = gaps.sum(axis=1)
    gaps = np.where(total > decided, room / np.maximum(total, 1), 1)[:, None] * gaps
    before = np.floor(np.cumsum(gaps[:, ::-1], axis=1)[:, ::-1]).astype(int)  # days before the decision
    created = decided - before[:, 0]
    steps = np.column_stack([decided[:, None] - before[:, 1:], decided])
    reached = np.arange(len(STEPS)) < leads["reached"].to_numpy()[:, None]
    steps = np.where(reached, steps, np.inf)
    return leads.assign(created_on=created, **dict(zip(STEPS, steps.T, strict=True)))
