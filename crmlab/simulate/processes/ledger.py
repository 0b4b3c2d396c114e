"""The order ledger: purchases get a channel and a day that suits it, trials add and take orders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick
from ..numbers import grid, numbers
from ..registry import process
from .people import AGE, CLASSES

ORDER_CHANNELS = ("shop", "web", "app", "call")
CHANNEL = grid(
    "order_channel",
    "share",
    CLASSES,
    ORDER_CHANNELS,
    [(0.50, 0.18, 0.26, 0.06), (0.30, 0.40, 0.18, 0.12), (0.22, 0.38, 0.36, 0.04), (0.45, 0.30, 0.17, 0.08)],
    "share",
    "of a class's orders by channel, at average age",
)
CHANNEL_AGE = grid(
    "order_channel",
    "age",
    ("per_year",),
    ORDER_CHANNELS,
    [(0.010, -0.010, -0.045, 0.030)],
    "log-odds",
    "of a channel per year of age",
)
BY_WEEKDAY = grid(
    "orders",
    "weekday",
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    ORDER_CHANNELS,
    [
        (0.80, 1.12, 1.05, 1.25),
        (0.78, 1.10, 1.04, 1.25),
        (0.82, 1.06, 1.02, 1.20),
        (0.88, 1.02, 1.00, 1.15),
        (1.02, 0.96, 0.98, 1.10),
        (1.42, 0.84, 0.92, 0.70),
        (1.28, 0.90, 0.99, 0.35),
    ],
    "factor",
    "on the chance that an order falls on a weekday when it could be two days earlier or later",
)
CLOSED = grid(
    "orders",
    "closed",
    ("factor",),
    ORDER_CHANNELS,
    [(0.02, 0.30, 0.30, 0.02)],
    "factor",
    "on the chance that an order falls on a day on which the house rests",
)
SCORE_DECIMALS = 4  # of a normal score in the truth
NEAR = (-2, -1, 0, 1, 2)  # days by which an order may move to a day that suits it
_DAY = numbers(
    "orders",
    same_day=(3.0, "weight", "of the day on which an order would fall by chance"),
    next_day=(2.0, "weight", "of a day earlier or later"),
    second_day=(1.0, "weight", "of two days earlier or later"),
    smallest=(1.0, "yuan", "no order is smaller"),
)
MOVES = np.array([_DAY.second_day, _DAY.next_day, _DAY.same_day, _DAY.next_day, _DAY.second_day])


@process(inner=("base_orders",))
def base_orders(
    draw: Callable[[str], np.random.Generator],
    purchases: pd.DataFrame,
    order_values: np.ndarray,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
) -> pd.DataFrame:
    """Return the orders that no trial has touched: row, nth (0 is the first), day, channel and amount."""
    channel = order_channels(draw("channel"), purchases["row"].to_numpy(), consumers, buyer_class)
    day = suitable_days(draw("days"), purchases["day"].to_numpy(), channel)
    first = purchases["nth"].to_numpy() == 0
    won = dates.days(consumers["acquired_on"])[purchases["row"].to_numpy()]
    out = purchases[["row", "nth"]].assign(
        day=np.where(first, won, np.maximum(day, won)),
        channel=np.array(ORDER_CHANNELS)[channel],
        amount=order_values,
    )
    out = out.sort_values(["row", "day", "nth"], kind="stable", ignore_index=True)
    out["nth"] = out.groupby("row").cumcount()
    return one_a_day(out)


def order_channels(
    rng: np.random.Generator, row: np.ndarray, consumers: pd.DataFrame, buyer_class: pd.Series
) -> np.ndarray:
    """Draw the number of the channel of an order by the consumers in the given rows."""
    older = (consumers["age"].to_numpy() - AGE.mean)[row]
    usual = CHANNEL.to_numpy()[buyer_class.cat.codes.to_numpy()[row]]
    return pick(rng, usual * np.exp(np.outer(older, CHANNEL_AGE.loc["per_year"])))


def suitable_days(rng: np.random.Generator, day: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return the day of each order, moved by up to two days to one that suits its channel."""
    weight = BY_WEEKDAY.to_numpy()[dates.weekdays()]
    weight = np.where(dates.closed()[:, None], CLOSED.to_numpy(), 1.0) * weight
    edge = len(NEAR) // 2
    weight = np.pad(weight, ((edge, edge), (0, 0)))  # nothing is moved out of the history
    middle = np.floor(day).astype(np.intp)
    option = np.column_stack([weight[middle + edge + move, channel] for move in NEAR])
    return middle + np.array(NEAR)[pick(rng, option * MOVES)]


def one_a_day(orders: pd.DataFrame) -> pd.DataFrame:
    """Move a consumer's second order of a day to the next free day, so that merging by day loses none."""
    nth = np.arange(len(orders))
    free = (orders["day"] - nth).groupby(orders["row"]).cummax() + nth
    moved = orders.assign(day=free.astype(int))
    return moved[moved["day"] < dates.DAYS].reset_index(drop=True)


@process(inner=("ledger",))
def ledger(
    base_orders: pd.DataFrame, consumers: pd.DataFrame, extra_orders: list, lost_orders: list
) -> pd.DataFrame:
    """Return all orders as they were meant: base orders, those that trials added, without those they cost.

    An extra order has row, day, channel, amount and campaign_id (0: none); a lost one, row and day.
    """
    lost = pd.concat([base_orders.head(0), *lost_orders])[["row", "day"]]  # of no trial, if there is none
    gone = pd.MultiIndex.from_frame(base_orders[["row", "day"]]).isin(pd.MultiIndex.from_frame(lost))
    everything = pd.concat([base_orders[~gone].assign(campaign_id=0), *extra_orders], ignore_index=True)
    everything = one_a_day(everything.sort_values(["row", "day"], kind="stable", ignore_index=True))
    everything = everything.sort_values(["day", "row"], ignore_index=True)
    row = everything["row"].to_numpy()
    campaign = everything["campaign_id"].astype("Int64")
    return pd.DataFrame(
        {
            "order_id": np.arange(1, len(everything) + 1),
            "customer_id": consumers["customer_id"].to_numpy()[row],
            "order_date": dates.dates(everything["day"]),
            "channel": everything["channel"].to_numpy(dtype=str),
            "amount": everything["amount"].clip(lower=_DAY.smallest).round(2),
            "campaign_id": campaign.where(campaign > 0),
        }
    )


@process(tables=("orders",))
def orders(ledger: pd.DataFrame, order_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the order ledger: an order amounts to the sum of its lines."""
    return ledger.assign(amount=order_lines.groupby("order_id")["amount"].sum().to_numpy().round(2))


@process(truth=("consumers",))
def consumer_truth(
    index_scores: pd.DataFrame,
    latents: pd.DataFrame,
    behaviour: pd.DataFrame,
    buyer_class: pd.Series,
    traits: pd.DataFrame,
    consumers: pd.DataFrame,
    ledger: pd.DataFrame,
    dropout: np.ndarray,
) -> pd.DataFrame:
    """Return the truth about every consumer; who has left did so with the last order."""
    last = ledger.groupby("customer_id")["order_date"].max()  # every consumer has an order
    return pd.concat(
        [
            consumers["customer_id"],
            buyer_class.astype(str).rename("buyer_class"),
            index_scores.round(SCORE_DECIMALS),
            behaviour,
            latents["attachment"].round(SCORE_DECIMALS),
            traits,
            last.reset_index(drop=True).where(~np.isnan(dropout)).rename("dropped_out_on"),
        ],
        axis=1,
    )
