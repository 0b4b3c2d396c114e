"""How and when an order is placed: its channel, and a day that suits it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick
from ..numbers import grid, numbers, series
from .people import AGE, CLASSES, SOURCES

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
FIRST_ORDER = grid(
    "order_channel",
    "first",
    SOURCES,
    ORDER_CHANNELS,
    [(1.0, 0.01, 0.01, 0.01), (0.02, 1.0, 1.0, 0.05), (1.0, 0.6, 0.6, 0.6), (1.0, 0.02, 0.02, 0.6)],
    "factor",
    "on the channel of a first order, by the way in which the consumer was won",
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
    "on the chance that an order falls on a weekday when it could be some days earlier or later",
)
CLOSED = grid(
    "orders",
    "closed",
    ("factor",),
    ORDER_CHANNELS,
    [(0.0, 0.30, 0.30, 0.0)],
    "factor",
    "on the chance that an order falls on a day on which the house rests",
)
MOVES = series(
    "orders",
    "move",
    dict(
        zip(
            ("-6", "-5", "-4", "-3", "-2", "-1", "0", "1", "2", "3", "4", "5", "6"),
            (0.4, 0.45, 0.5, 0.6, 1.0, 2.0, 3.0, 2.0, 1.0, 0.6, 0.5, 0.45, 0.4),
            strict=True,
        )
    ),
    "weight",
    "of a day so many days from the one on which an order would fall by chance",
)
NEAR = MOVES.index.astype(int).to_numpy()
ONLINE = ("web", "app")
STAFFED = ("shop", "call")
PROMOTIONS = series(
    "discounts",
    "week",
    {"06-18": 7, "11-11": 7},
    "days",
    "of an online promotion week, the named day of June and November being its last",
)
PULL = numbers(
    "orders",
    promotion_reach=(21, "days", "before and after a promotion week from which online orders move into it"),
)


def promotion_weeks() -> np.ndarray:
    """Return for every day the number of its promotion week, counted from 1, or 0."""
    out = np.zeros(dates.DAYS, dtype=int)
    for week, (first, last) in enumerate(_promotions(), start=1):
        out[max(first, 0) : last + 1] = week
    return out


def _promotions() -> list[tuple[int, int]]:
    """Return the first and the last day of every promotion week of the history."""
    weeks = []
    for year in range(dates.START.year, dates.TODAY.year + 1):
        for day, length in PROMOTIONS.items():
            last = (pd.Timestamp(f"{year}-{day}") - dates.START).days
            if 0 <= last < dates.DAYS:
                weeks.append((last - int(length) + 1, last))
    return weeks


def order_channels(
    rng: np.random.Generator,
    row: np.ndarray,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    first: np.ndarray | None = None,
) -> np.ndarray:
    """Draw the number of each order's channel by consumers in the given rows; `first` marks first orders."""
    older = (consumers["age"].to_numpy() - AGE.mean)[row]
    weight = CHANNEL.to_numpy()[buyer_class.cat.codes.to_numpy()[row]]
    weight = weight * np.exp(np.outer(older, CHANNEL_AGE.loc["per_year"]))
    if first is not None:
        source = pd.Categorical(consumers["acquisition_channel"], categories=SOURCES).codes[row]
        weight = np.where(first[:, None], FIRST_ORDER.to_numpy()[source], 1.0) * weight
    return pick(rng, weight)


def suitable_days(rng: np.random.Generator, day: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return the day of each order, moved by some days to one that suits its channel."""
    weight = BY_WEEKDAY.to_numpy()[dates.weekdays()]
    weight = np.where(dates.closed()[:, None], CLOSED.to_numpy(), 1.0) * weight
    edge = NEAR.max()
    weight = np.pad(weight, ((edge, edge), (0, 0)))  # nothing is moved out of the history
    middle = np.floor(day).astype(np.intp)
    option = np.column_stack([weight[middle + edge + move, channel] for move in NEAR])
    return middle + NEAR[pick(rng, option * MOVES.to_numpy())]


def drawn_to_promotions(
    rng: np.random.Generator, day: np.ndarray, channel: np.ndarray, response: np.ndarray
) -> np.ndarray:
    """Return the days of orders after promotions: online orders of the weeks around move into them.

    `response` is by how much the logarithm of an order's rate rises in a promotion week.
    """
    out = day.copy()
    online = np.isin(channel, [ORDER_CHANNELS.index(name) for name in ONLINE])
    share = rng.random(len(day))
    place = rng.random(len(day))
    for first, last in _promotions():
        length = last - first + 1
        around = (day >= first - PULL.promotion_reach) & (day <= last + PULL.promotion_reach)
        outside = around & online & ((day < first) | (day > last))
        moves = outside & (share < np.expm1(response) * length / (2 * PULL.promotion_reach))
        out[moves] = first + np.floor(place[moves] * length).astype(out.dtype)
    return out


def open_channel(day: pd.Series, channel: pd.Series) -> np.ndarray:
    """Return the channels of orders on their final days: while the house rests, the web takes them."""
    resting = dates.closed()[day.to_numpy()] & channel.isin(STAFFED).to_numpy()
    return np.where(resting, "web", channel.to_numpy(dtype=str))


def one_a_day(orders: pd.DataFrame) -> pd.DataFrame:
    """Move a consumer's second order of a day to the next free day, so that merging by day loses none."""
    nth = np.arange(len(orders))
    free = (orders["day"] - nth).groupby(orders["row"]).cummax() + nth
    moved = orders.assign(day=free.astype(int))
    return moved[moved["day"] < dates.DAYS].reset_index(drop=True)
