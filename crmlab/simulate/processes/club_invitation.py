"""The invitation of July 2025 to join the tea club: a randomised trial among consumers who asked for a place.

The club closed its doors in June 2025. Consumers who were never members and had bought within a year could
put their names on a list; half of the list, by lot, was invited. Only who wants a place can be moved by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..core import chance
from ..numbers import numbers, series
from ..registry import process
from .club import (
    CHOICE,
    EFFECT,
    FEE,
    FIRST_DAYS,
    HAZARD,
    LAST,
    MONTH,
    POINTS,
    SERVING,
    added_orders,
    habits,
    orders_of_members,
    orders_to_come,
    stay,
)

ARMS = ("none", "invitation")
ASSIGNED = dates.INTERVENTION
INVITATION = numbers(
    "club_invitation",
    recent=(365, "days", "before the draw within which a consumer has bought"),
    interest=(0.9, "logit", "of asking for a place, of a consumer who still buys, at average attachment"),
    interest_attachment=(0.7, "logit", "change per unit of attachment"),
    joining=(1.2, "logit", "of joining when a place is offered, at average attachment"),
    joining_attachment=(0.5, "logit", "change per unit of attachment"),
    free=(3, "months", "of membership without a fee for those invited"),
)
MONTH_OF_JOINING = series(
    "club_invitation",
    "joins",
    {"2025-08": 0.6, "2025-09": 0.3, "2025-10": 0.1},
    "share",
    "of those who join on invitation, by their first month",
)
FIRST = dates.MONTHS.searchsorted(ASSIGNED)  # number of the month of the draw
JOINED = dates.MONTHS.searchsorted(pd.to_datetime(MONTH_OF_JOINING.index))  # numbers of these months
POINT_COST = CHOICE.point * CHOICE.spent_a / (CHOICE.spent_a + CHOICE.spent_b)  # yuan a point earned
YEAR_BEFORE = ASSIGNED - pd.DateOffset(years=1)


@process(inner=("invitation", "invited_members"), adds=("extra_orders",))
def club_invitation_trial(
    draw: Callable[[str], np.random.Generator],
    base_orders: pd.DataFrame,
    early_members: pd.DataFrame,
    consumers: pd.DataFrame,
    latents: pd.DataFrame,
    incidents: pd.DataFrame,
    behaviour: pd.DataFrame,
    buyer_class: pd.Series,
    dropout: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """Return the trial (everybody as a possible member), those who joined, and the orders that this added."""
    drawn = dates.HISTORY
    bought = base_orders.loc[base_orders["day"].between(drawn - INVITATION.recent, drawn - 1), "row"]
    able = np.setdiff1d(bought, early_members["row"])
    attachment = latents["attachment"].to_numpy()
    asks = chance(draw("interest"), INVITATION.interest + INVITATION.interest_attachment * attachment[able])
    row = able[asks & ~(dropout[able] < drawn)]  # who buys no more does not answer
    trial = habits(draw, row, consumers)
    trial["joins"] = expit(INVITATION.joining + INVITATION.joining_attachment * attachment[row])
    trial["arm"] = np.array(ARMS)[draw("arms").permutation(np.arange(len(row)) % len(ARMS))]
    trial["joined"] = draw("month").choice(JOINED, len(row), p=MONTH_OF_JOINING)
    joins = (trial["arm"] == "invitation") & (draw("joining").random(len(row)) < trial["joins"])
    new = trial[joins].drop(columns=["arm", "joins"]).sort_values(["joined", "row"], ignore_index=True)
    new = stay(draw("leaving"), new, incidents, dropout)
    spells = new.assign(from_day=FIRST_DAYS[new["joined"]], to_day=FIRST_DAYS[new["joined"] + new["months"]])
    return {
        "invitation": trial.assign(joined=trial["joined"].where(joins)),
        "invited_members": new,
        "extra_orders": orders_of_members(draw, spells, behaviour, dropout, consumers, buyer_class),
    }


@process(tables=("club_invitation",))
def club_invitation(invitation: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the trial's table, with margins on orders in the year before the draw and in the year after."""
    customer = invitation["row"] + 1
    lately = orders[orders["order_date"] >= YEAR_BEFORE]
    after = lately["order_date"] >= ASSIGNED
    margin = EFFECT.margin * lately.groupby(["customer_id", after])["amount"].sum().unstack(fill_value=0)
    margin = margin.reindex(customer, columns=[False, True], fill_value=0).round(2)
    joined = pd.Series(pd.NaT, index=invitation.index, dtype=dates.MONTHS.dtype)
    joins = invitation["joined"].notna()
    joined[joins] = dates.MONTHS[invitation.loc[joins, "joined"].astype(int)]
    return pd.DataFrame(
        {
            "customer_id": customer,
            "assigned_on": ASSIGNED,
            "arm": invitation["arm"],
            "joined_on": joined,
            "margin_before": margin[False].to_numpy(),
            "margin_after": margin[True].to_numpy(),
        }
    )


@process(truth=("club_invitation",))
def club_invitation_truth(
    invitation: pd.DataFrame, behaviour: pd.DataFrame, dropout: np.ndarray
) -> pd.DataFrame:
    """Return what is expected of a consumer within the year in each arm; new complaints are left out."""
    row = invitation["row"].to_numpy()
    joins = invitation["joins"].to_numpy()
    person = behaviour.iloc[row]
    plan = invitation["plan"]
    member = stays_member(invitation, person)
    buying = joins * (stays_while_buying(invitation) * days_of_buying(person)).sum(axis=1)  # as a member
    paying = joins * stays_member(invitation, person, INVITATION.free).sum(axis=1)  # months
    none = orders_to_come(row, behaviour, dropout, dates.HISTORY)
    extra = added_orders(person) / MONTH * buying
    spent_as_member = person["mean_order_value"] * (extra + person["purchase_rate"] / dates.WEEK * buying)
    margin = EFFECT.margin * person["mean_order_value"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": row + 1,
            "join_probability": joins.round(4),
            "orders_none": none.round(3),
            "orders_invitation": (none + extra).round(3),
            "margin_none": (margin * none).round(2),
            "margin_invitation": (margin * (none + extra)).round(2),
            "fees_invitation": (paying * plan.map(FEE)).round(2),
            "serving_invitation": (joins * member.sum(axis=1) * plan.map(SERVING)).round(2),
            "points_invitation": (POINT_COST * plan.map(POINTS) * spent_as_member.to_numpy()).round(2),
        }
    )


def stays_member(invitation: pd.DataFrame, behaviour: pd.DataFrame, since: int = 0) -> np.ndarray:
    """Return how likely one who joins is to be a member, of some months' standing, in each month to today."""
    still = still_buying(behaviour)
    stops = np.column_stack([-np.diff(still, axis=1), still[:, -1]])  # by the month in which buying stops
    by_stop = [
        stops[:, [k]] * stays_while_buying(invitation, since, FIRST + k + 1) for k in range(LAST - FIRST + 1)
    ]
    return np.sum(by_stop, axis=0)


def stays_while_buying(invitation: pd.DataFrame, since: int = 0, stopped_from: int = LAST + 1) -> np.ndarray:
    """Return the same for one who buys until a month comes from which on buying has stopped."""
    month = np.arange(FIRST, LAST)
    stays = (invitation["multiplier"] * np.log1p(-invitation["theta"])).to_numpy()[:, None]
    by_start = []
    for first in JOINED:
        after = np.maximum(month - max(first, stopped_from), 0)  # months survived since
        passed = month - first - after + np.exp(HAZARD["stopped"]) * after
        by_start.append(np.where(month >= first + since, np.exp(stays * passed), 0.0))
    return np.tensordot(MONTH_OF_JOINING.to_numpy(), by_start, axes=1)


def days_of_buying(behaviour: pd.DataFrame) -> np.ndarray:
    """Return on how many days of each month from July 2025 a consumer who bought at the draw still buys."""
    return -np.diff(still_buying(behaviour), axis=1) / _pace_of_leaving(behaviour)


def still_buying(behaviour: pd.DataFrame) -> np.ndarray:
    """Return how likely a consumer who bought at the draw still buys on the first day of each month since."""
    return np.exp(-_pace_of_leaving(behaviour) * (FIRST_DAYS[FIRST:] - dates.HISTORY))


def _pace_of_leaving(behaviour: pd.DataFrame) -> np.ndarray:
    return (behaviour["purchase_rate"] * behaviour["dropout_probability"] / dates.WEEK).to_numpy()[:, None]
