"""The tea club: who joins, how long members stay, what their membership months look like.

Membership runs by calendar months: it begins on the first of a month and is paid to the end of one. Until
June 2025 anybody who buys may join; from July 2025 on the club takes only those invited and those won back.
Membership before July 2025 changes nothing about buying: earlier members differ by selection alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..core import chance, spread
from ..numbers import grid, numbers, series
from ..registry import process
from .order_days import ORDER_CHANNELS, order_channels
from .people import AGE
from .purchases import amounts

OPENED = pd.Timestamp("2023-01-01")  # the club's first month
JOINING = numbers(
    "club_joining",
    intercept=(-3.9, "logit", "of joining in a month, at average attachment"),
    attachment=(0.7, "logit", "change per unit of attachment"),
    recent=(180, "days", "before the month within which a consumer must have bought to be asked at the till"),
)
STAY = numbers(
    "club",
    alpha=(0.9, "none", "first shape (Beta) of the monthly probability of leaving, reference plan, no app"),
    beta=(10.0, "none", "second shape (Beta) of the monthly probability of leaving"),
)
HAZARD = series(
    "club_hazard",
    "",
    {"plus": -0.4, "app": -0.3, "complaint_open": 0.9, "stopped": 0.8},
    "log hazard ratio",
    "on a member's own hazard: the better plan, the app, a complaint since joining that was not put right, "
    "months after the one in which the member stopped buying",
)
# What Cox regression (ties by Efron) and a discrete-time hazard (complementary log-log) converge to for all
# members together. Members differ, which shrinks effects; and who stops buying over a complaint leaves sooner
# for both reasons, which the complaint is given credit for. Recomputed by tests/studies/study_world_club.py.
POPULATION = grid(
    "club_population",
    "",
    ("cox", "cloglog"),
    ("plus", "app", "complaint_open"),
    [(-0.249, -0.187, 0.670), (-0.249, -0.187, 0.670)],
    "log hazard ratio",
    "that a regression of leaving on the three converges to, without the members' own probabilities and "
    "whether they still buy",
)
PLANS = ("basic", "plus")
FEE = series("club", "fee", {"basic": 8.0, "plus": 15.0}, "yuan a month", "of a plan")
SERVING = series(
    "club",
    "serving",
    {"basic": 5.0, "plus": 10.0},
    "yuan a month",
    "that a member of a plan costs: samples, their delivery, the card",
)
POINTS = series("club", "points", {"basic": 1.0, "plus": 2.0}, "points a yuan", "earned on orders by plan")
CHOICE = numbers(
    "club_choice",
    plus=(-0.9, "logit", "of the better plan at the middle level of ability to pay"),
    plus_ability=(0.4, "logit", "change per level of ability to pay"),
    app=(0.1, "logit", "of using the app at average age"),
    app_age=(-0.05, "logit", "change per year of age"),
    spent_a=(1.2, "none", "first shape (Beta) of the share of points that a member spends"),
    spent_b=(1.8, "none", "second shape (Beta) of the share of points that a member spends"),
    point=(0.02, "yuan", "that a point is worth when it is spent"),
)
EFFECT = numbers(
    "club_effect",
    extra=(
        0.16,
        "orders a month",
        "that membership adds for everybody invited or won back, while they buy at all",
    ),
    extra_share=(0.14, "share", "of a member's own orders that membership adds besides"),
    margin=(0.40, "share", "of an order's amount that is planned as margin, whatever lines it has"),
)
MONTH = dates.YEAR / 12  # days
MIDDLE = 3  # of the levels of ability to pay
LAST = len(dates.MONTHS)  # months are counted from July 2022; this one is beyond today
ENDS = dates.MONTHS.append(pd.DatetimeIndex([dates.TODAY + pd.Timedelta(days=1)]))
FIRST_DAYS = (ENDS - dates.START).days.to_numpy()


@process(inner=("early_members",))
def early_members(
    draw: Callable[[str], np.random.Generator],
    base_orders: pd.DataFrame,
    consumers: pd.DataFrame,
    latents: pd.DataFrame,
    incidents: pd.DataFrame,
    dropout: np.ndarray,
) -> pd.DataFrame:
    """Return those who joined unasked, before July 2025, and how long they stayed."""
    opened, closed = dates.MONTHS.searchsorted([OPENED, dates.INTERVENTION])
    asked = bought_lately(base_orders, len(consumers), FIRST_DAYS[opened:closed])
    wants = expit(JOINING.intercept + JOINING.attachment * latents["attachment"].to_numpy())
    joins = asked & (draw("joining").random(asked.shape) < wants[:, None])
    row = np.flatnonzero(joins.any(axis=1))
    members = habits(draw, row, consumers).assign(joined=opened + joins[row].argmax(axis=1))
    members = members.sort_values(["joined", "row"], ignore_index=True)
    return stay(draw("leaving"), members, incidents, dropout)


def bought_lately(base_orders: pd.DataFrame, customers: int, day: np.ndarray) -> np.ndarray:
    """Say by consumer and given day whether they have bought lately, as the club understands it."""
    last = np.full((customers, len(day) + 1), -np.inf)
    seen_from = np.searchsorted(day, base_orders["day"], side="right")
    np.maximum.at(last, (base_orders["row"].to_numpy(), seen_from), base_orders["day"].to_numpy())
    return np.maximum.accumulate(last, axis=1)[:, :-1] >= day - JOINING.recent


def habits(
    draw: Callable[[str], np.random.Generator], row: np.ndarray, consumers: pd.DataFrame
) -> pd.DataFrame:
    """Return how the consumers in the given rows are as members: plan, app and probability of leaving."""
    person = consumers.iloc[row]
    ability = person["ability_to_pay"].to_numpy() - MIDDLE
    older = person["age"].to_numpy() - AGE.mean
    plus = chance(draw("plan"), CHOICE.plus + CHOICE.plus_ability * ability)
    app = chance(draw("app"), CHOICE.app + CHOICE.app_age * older)
    return pd.DataFrame(
        {
            "row": row,
            "plan": np.array(PLANS)[plus.astype(int)],
            "app": app.astype(int),
            "theta": draw("theta").beta(STAY.alpha, STAY.beta, len(row)),
            "multiplier": np.exp(HAZARD["plus"] * plus + HAZARD["app"] * app),
        }
    )


def stay(
    rng: np.random.Generator, members: pd.DataFrame, incidents: pd.DataFrame, dropout: np.ndarray
) -> pd.DataFrame:
    """Add since when a complaint is open and buying has stopped, the months paid so far, and who left."""
    members = members.assign(
        complaint_from=first_open_complaint(members, incidents),
        stopped_from=first_month_after(dropout[members["row"]]),
    )
    month = members["joined"].to_numpy()[:, None] + np.arange(LAST)
    is_open = month >= members["complaint_from"].to_numpy()[:, None]
    stopped = month >= members["stopped_from"].to_numpy()[:, None]
    times = np.exp(HAZARD["complaint_open"] * is_open + HAZARD["stopped"] * stopped)
    times = members["multiplier"].to_numpy()[:, None] * times
    # A month is survived with (1 - theta) ** times: leaving is an exponential time on the clock of their sum.
    clock = -np.log1p(-members["theta"].to_numpy())[:, None] * times.cumsum(axis=1)
    survived = (clock < rng.exponential(size=len(members))[:, None]).sum(axis=1)
    so_far = LAST - members["joined"].to_numpy()
    return members.assign(months=np.minimum(survived + 1, so_far), left=survived < so_far)


def first_month_after(day: np.ndarray) -> np.ndarray:
    """Return the number of the first month that begins after each given day, NaN where there is no day."""
    return np.where(np.isnan(day), np.nan, np.searchsorted(FIRST_DAYS, day, side="right"))


def first_open_complaint(members: pd.DataFrame, incidents: pd.DataFrame) -> np.ndarray:
    """Return the month of a member's first complaint since joining that was not put right, NaN for none."""
    voiced = incidents.loc[incidents["complained_on"] < dates.DAYS]
    month = np.searchsorted(FIRST_DAYS, voiced["complained_on"], side="right") - 1
    failed = voiced.assign(month=month).query("recovered == 0")[["row", "month"]]
    met = members[["row", "joined"]].merge(failed).query("month >= joined")
    return members["row"].map(met.groupby("row")["month"].min()).to_numpy(dtype=float)


def orders_of_members(
    draw: Callable[[str], np.random.Generator],
    spells: pd.DataFrame,
    behaviour: pd.DataFrame,
    dropout: np.ndarray,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
) -> pd.DataFrame:
    """Return the orders that membership adds in each spell (row, from_day, to_day) while a consumer buys."""
    row = spells["row"].to_numpy()
    start = spells["from_day"].to_numpy()
    length = np.maximum(np.fmin(spells["to_day"].to_numpy(), dropout[row]) - start, 0)
    rng = draw("extra")
    spell, _ = spread(rng.poisson(added_orders(behaviour.iloc[row]) / MONTH * length))
    day = np.floor(start[spell] + rng.random(len(spell)) * length[spell])
    channel = order_channels(draw("channel"), row[spell], consumers, buyer_class)
    return pd.DataFrame(
        {
            "row": row[spell],
            "day": day.astype(int),
            "channel": np.array(ORDER_CHANNELS)[channel],
            "amount": amounts(draw("amounts"), row[spell], behaviour),
            "campaign_id": 0,
        }
    )


def added_orders(behaviour: pd.DataFrame) -> np.ndarray:
    """Return how many orders a month membership adds for given consumers: partly in proportion to theirs."""
    return EFFECT.extra + EFFECT.extra_share * behaviour["purchase_rate"].to_numpy() * MONTH / dates.WEEK


def orders_to_come(row: np.ndarray, behaviour: pd.DataFrame, dropout: np.ndarray, day: int) -> np.ndarray:
    """Return the orders that BG/NBD expects of given consumers from a day up to today, without a trial."""
    leaving = behaviour["dropout_probability"].to_numpy()[row]
    pace = behaviour["purchase_rate"].to_numpy()[row] * (dates.DAYS - day) / dates.WEEK
    return np.where(dropout[row] < day, 0.0, -np.expm1(-pace * leaving) / leaving)


@process(inner=("members",))
def members(early_members: pd.DataFrame, invited_members: pd.DataFrame) -> pd.DataFrame:
    """Return all who ever joined, in the order of joining; their number is the place in that order."""
    out = pd.concat([early_members, invited_members], ignore_index=True)
    return out.assign(member_id=np.arange(1, len(out) + 1))


@process(tables=("club_members",))
def club_members(rng: np.random.Generator, members: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the club's file: a member's first membership, the fee, points earned and spent so far."""
    paid_to = members["joined"] + members["months"]
    out = pd.DataFrame(
        {
            "member_id": members["member_id"],
            "customer_id": members["row"] + 1,
            "joined_on": ENDS[members["joined"]],
            "left_on": pd.Series(ENDS[paid_to] - pd.Timedelta(days=1)).where(members["left"]),
            "plan": members["plan"],
            "app": members["app"],
            "fee": members["plan"].map(FEE),
        }
    )
    bought = out.merge(orders[["customer_id", "order_date", "amount"]])
    bought = bought[bought["order_date"].between(bought["joined_on"], bought["left_on"].fillna(dates.TODAY))]
    spending = out["member_id"].map(bought.groupby("member_id")["amount"].sum()).fillna(0)
    earned = np.floor(spending * out["plan"].map(POINTS)).astype(int)
    share = rng.beta(CHOICE.spent_a, CHOICE.spent_b, len(out))
    return out.assign(points_earned=earned, points_spent=np.floor(earned * share).astype(int))


@process(tables=("club_months",))
def club_months(members: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return a row for every member and month paid: complaint open, orders, and whether the member left."""
    at, nth = spread(members["months"])
    spell = members.iloc[at].reset_index(drop=True)
    number = spell["joined"] + nth
    month = dates.MONTHS[number]
    bought = orders.groupby(["customer_id", orders["order_date"].dt.to_period("M").dt.to_timestamp()]).size()
    mine = pd.MultiIndex.from_arrays([spell["row"] + 1, month])
    return pd.DataFrame(
        {
            "member_id": spell["member_id"],
            "month": month,
            "complaint_open": (number >= spell["complaint_from"]).astype(int),
            "orders": bought.reindex(mine, fill_value=0).to_numpy(),
            "left": (spell["left"] & (nth == spell["months"] - 1)).astype(int),
        }
    )
