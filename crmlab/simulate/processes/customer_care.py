"""The care calls of autumn 2025: a randomised trial with four arms, each further call bringing less."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..numbers import numbers, series
from ..registry import process
from .mailings import MAIL
from .order_days import ORDER_CHANNELS, order_channels
from .purchases import amounts

ASSIGNED = pd.Timestamp("2025-09-01")
EXTRA = series(
    "customer_care",
    "",
    {"extra_1": 0.17, "extra_2": 0.25, "extra_3": 0.28},
    "probability",
    "of one extra order after so many calls, within 60 days after the draw",
)
CALLS = numbers(
    "customer_care",
    control=(0.5, "share", "of those drawn who get no call; the others share the numbers of calls evenly"),
    cost=(4.0, "yuan", "of one call"),
    recent=(731, "days", "before the draw (24 months) within which a consumer has bought, trials aside"),
    from_day=(14, "days", "after the draw for each call made, from which extra orders come: calls are over"),
    to_day=(60, "days", "after the draw, before which extra orders come"),
)


@process(tables=("customer_care",), inner=("care_draw",), adds=("extra_orders",))
def customer_care(
    draw: Callable[[str], np.random.Generator],
    base_orders: pd.DataFrame,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    behaviour: pd.DataFrame,
    dropout: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """Return the trial, and the extra orders that the calls brought about."""
    rng = draw("trial")
    assigned = (ASSIGNED - dates.START).days
    recent = base_orders["day"].between(assigned - CALLS.recent, assigned - 1)
    eligible = np.unique(base_orders.loc[recent, "row"])
    calls = rng.permutation(_arms(len(eligible)))
    # A consumer who has left cannot be called back by a friendly word.
    alive = ~(dropout[eligible] < assigned)
    extra = alive & (rng.random(len(eligible)) < np.r_[0.0, EXTRA][calls])
    row = eligible[extra]
    channel = order_channels(draw("channel"), row, consumers, buyer_class)
    return {
        "care_draw": pd.DataFrame({"row": eligible, "alive": alive, "extra": extra}),
        "customer_care": pd.DataFrame(
            {
                "customer_id": consumers["customer_id"].to_numpy()[eligible],
                "assigned_on": ASSIGNED,
                "care_calls": calls,
                "cost": CALLS.cost * calls,
            }
        ),
        "extra_orders": pd.DataFrame(
            {
                "row": row,
                "day": assigned + rng.integers(CALLS.from_day * calls[extra], CALLS.to_day),
                "channel": np.array(ORDER_CHANNELS)[channel],
                "amount": amounts(draw("amounts"), row, behaviour),
                "campaign_id": 0,
            }
        ),
    }


def _arms(n: int) -> np.ndarray:
    """Return the numbers of calls that are drawn by lot: the stated share none, the others evenly."""
    called = np.arange(n - round(CALLS.control * n)) % len(EXTRA) + 1
    return np.r_[np.zeros(n - len(called), dtype=int), called]


@process(truth=("customer_care",))
def customer_care_truth(care_draw: pd.DataFrame, behaviour: pd.DataFrame) -> pd.DataFrame:
    """Return the extra orders and the extra margin to expect from every number of calls to each customer."""
    row = care_draw["row"].to_numpy()
    order = behaviour["mean_order_value"].to_numpy()[row] * MAIL.margin_rate
    out = pd.DataFrame({"customer_id": row + 1, "called_back": care_draw["extra"].astype(int)})
    for calls, probability in enumerate(EXTRA, start=1):
        expected = np.where(care_draw["alive"], probability, 0.0)
        out[f"extra_orders_{calls}"] = expected
        out[f"extra_margin_{calls}"] = (expected * order).round(2)
    return out
