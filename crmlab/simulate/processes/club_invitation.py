"""The invitation of July 2025 to join the tea club: a randomised trial among consumers who were never members."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..numbers import numbers, series
from ..registry import process
from .club import EFFECT, FIRST_DAYS, habits, orders_of_members, stay

ARMS = ("none", "invitation")
ASSIGNED = dates.INTERVENTION
INVITATION = numbers(
    "club_invitation",
    recent=(365, "days", "before the draw within which a consumer has bought"),
    intercept=(-0.7, "logit", "of joining on invitation, of a consumer who still buys, at average attachment"),
    attachment=(0.7, "logit", "change per unit of attachment"),
)
MONTH_OF_JOINING = series(
    "club_invitation",
    "joins",
    {"2025-08": 0.6, "2025-09": 0.3, "2025-10": 0.1},
    "share",
    "of those who join on invitation, by their first month",
)
JOINED = dates.MONTHS.searchsorted(pd.to_datetime(MONTH_OF_JOINING.index))  # numbers of these months
YEAR = (dates.DAYS - dates.HISTORY) // dates.WEEK  # weeks from the draw to today


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
    trial = habits(draw, np.setdiff1d(bought, early_members["row"]), consumers)
    row = trial["row"].to_numpy()
    wants = expit(INVITATION.intercept + INVITATION.attachment * latents["attachment"].to_numpy()[row])
    trial["joins"] = np.where(dropout[row] < drawn, 0.0, wants)  # who buys no more does not answer
    trial["arm"] = np.array(ARMS)[draw("arms").permutation(np.arange(len(row)) % len(ARMS))]
    trial["joined"] = draw("month").choice(JOINED, len(row), p=MONTH_OF_JOINING)
    joins = (trial["arm"] == "invitation") & (draw("joining").random(len(row)) < trial["joins"])
    new = trial[joins].drop(columns=["arm", "joins"]).sort_values(["joined", "row"], ignore_index=True)
    new = stay(draw("leaving"), new, incidents)
    spells = new.assign(from_day=FIRST_DAYS[new["joined"]], to_day=FIRST_DAYS[new["joined"] + new["months"]])
    return {
        "invitation": trial.assign(joined=trial["joined"].where(joins)),
        "invited_members": new,
        "extra_orders": orders_of_members(draw, spells, behaviour, dropout, consumers, buyer_class),
    }
