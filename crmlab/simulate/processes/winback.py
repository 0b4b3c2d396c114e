"""The win-back of July 2025: former members of the tea club, drawn by lot for an offer to return."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick
from ..numbers import grid, numbers
from ..registry import process
from .club import EFFECT, ENDS, FEE, MONTH, SERVING, added_orders, orders_of_members, orders_to_come
from .club_exit import CAUSES

ARMS = ("none", "offer")
ASSIGNED = dates.INTERVENTION
TYPES = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")
TYPE = grid(
    "winback",
    "type",
    CAUSES,
    TYPES,
    [(0.18, 0.04, 0.66, 0.12), (0.40, 0.05, 0.53, 0.02), (0.06, 0.08, 0.84, 0.02)],
    "share",
    "of former members by the true cause of leaving",
)
RETURNS = pd.DataFrame(
    {"none": [0, 1, 0, 1], "offer": [1, 1, 0, 0]}, index=list(TYPES)
)  # what the words mean
WINBACK = numbers(
    "winback",
    call=(18.0, "yuan", "cost of making the offer to one former member"),
    voucher=(40.0, "yuan", "given to one who returns upon the offer"),
    from_day=(3, "days", "after the draw, from which former members return"),
    to_day=(91, "days", "after the draw, before which former members return"),
    leaving=(0.10, "probability", "of leaving again after each month of the second membership"),
)


@process(inner=("former_members",), adds=("extra_orders",))
def winback_trial(
    draw: Callable[[str], np.random.Generator],
    members: pd.DataFrame,
    exit_causes: pd.Series,
    behaviour: pd.DataFrame,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
) -> dict[str, pd.DataFrame]:
    """Return former members with type, arm and second membership, and the orders that the latter brings."""
    end = members["joined"] + members["months"]
    gone = members["left"] & (ENDS[end] <= ASSIGNED)
    former = members[gone].reset_index(drop=True)
    former["left_on"] = ENDS[end[gone]] - pd.Timedelta(days=1)
    kind = pick(draw("types"), TYPE.loc[exit_causes[gone]].to_numpy())
    arm = draw("arms").permutation(np.arange(len(former)) % len(ARMS))
    back = dates.HISTORY + draw("days").integers(WINBACK.from_day, WINBACK.to_day, len(former))
    longest = np.ceil((dates.DAYS - back) / MONTH).astype(int)
    former = former.assign(
        type=np.array(TYPES)[kind],
        arm=np.array(ARMS)[arm],
        returned=RETURNS[list(ARMS)].to_numpy()[kind, arm] == 1,
        from_day=back,
        months_again=np.minimum(draw("leaving").geometric(WINBACK.leaving, len(former)), longest),
    )
    former["to_day"] = np.minimum(back + former["months_again"] * MONTH, dates.DAYS)
    never = np.full(len(consumers), np.nan)  # who returns buys through the club, also if they had stopped
    again = former[former["returned"]]
    return {
        "former_members": former,
        "extra_orders": orders_of_members(draw, again, behaviour, never, consumers, buyer_class),
    }


@process(tables=("winback",))
def winback(former_members: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the trial's table; margin is that on the year's orders and on a second membership."""
    year = orders[orders["order_date"] >= ASSIGNED].groupby("customer_id")["amount"].sum()
    bought = year.reindex(former_members["row"] + 1, fill_value=0).to_numpy()
    returned = former_members["returned"]
    club = former_members["plan"].map(FEE - SERVING) * former_members["months_again"] * returned
    offered = former_members["arm"] == "offer"
    return pd.DataFrame(
        {
            "member_id": former_members["member_id"],
            "left_on": former_members["left_on"],
            "assigned_on": ASSIGNED,
            "arm": former_members["arm"],
            "cost": offered * (WINBACK.call + WINBACK.voucher * returned),
            "returned_on": pd.Series(dates.dates(former_members["from_day"])).where(returned),
            "margin_12_months": (EFFECT.margin * bought + club).round(2),
        }
    )


@process(truth=("winback",))
def winback_truth(former_members: pd.DataFrame, behaviour: pd.DataFrame, dropout: np.ndarray) -> pd.DataFrame:
    """Return types, and what is expected of a former member in each arm; other trials are left out."""
    row = former_members["row"].to_numpy()
    months, days = expected_second_membership()
    margin = EFFECT.margin * behaviour["mean_order_value"].to_numpy()[row]
    usual = margin * orders_to_come(row, behaviour, dropout, dates.HISTORY)
    more = added_orders(behaviour.iloc[row]) * days / MONTH
    back = margin * more + former_members["plan"].map(FEE - SERVING).to_numpy() * months
    kind = RETURNS.loc[former_members["type"]].to_numpy()
    return pd.DataFrame(
        {
            "member_id": former_members["member_id"],
            "type": former_members["type"],
            "return_none": kind[:, 0],
            "return_offer": kind[:, 1],
            "margin_none": (usual + kind[:, 0] * back).round(2),
            "margin_offer": (usual + kind[:, 1] * back).round(2),
            "cost_offer": WINBACK.call + WINBACK.voucher * kind[:, 1],
        }
    )


def expected_second_membership() -> tuple[float, float]:
    """Return the expected number of months paid, and of days, that a second membership has up to today."""
    left = dates.DAYS - dates.HISTORY - np.arange(WINBACK.from_day, WINBACK.to_day)
    passed = np.arange(np.ceil(left.max() / MONTH)) * MONTH
    still = (1 - WINBACK.leaving) ** np.arange(len(passed))
    room = np.clip(left[:, None] - passed, 0, MONTH)  # days of each month that today leaves
    return float(((room > 0) @ still).mean()), float((room @ still).mean())
