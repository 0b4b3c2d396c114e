"""The care calls of autumn 2025: a randomised trial with four arms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..numbers import numbers, series
from ..registry import process
from .ledger import ORDER_CHANNELS, order_channels
from .purchases import amounts

ASSIGNED = pd.Timestamp("2025-09-01")
EXTRA = series(
    "customer_care",
    "",
    {"extra_1": 0.12, "extra_2": 0.18, "extra_3": 0.20},
    "probability",
    "of one extra order within 60 days after so many calls",
)
CALLS = numbers(
    "customer_care",
    recent=(365, "days", "before the draw within which a consumer has bought"),
    from_day=(7, "days", "after the draw, from which extra orders come"),
    to_day=(60, "days", "after the draw, up to which extra orders come"),
)


@process(tables=("customer_care",), adds=("extra_orders",))
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
    calls = rng.permutation(np.arange(len(eligible)) % (len(EXTRA) + 1))
    # A consumer who has left cannot be called back by a friendly word.
    alive = ~(dropout[eligible] < assigned)
    extra = alive & (rng.random(len(eligible)) < np.r_[0.0, EXTRA][calls])
    row = eligible[extra]
    channel = order_channels(draw("channel"), row, consumers, buyer_class)
    return {
        "customer_care": pd.DataFrame(
            {
                "customer_id": consumers["customer_id"].to_numpy()[eligible],
                "assigned_on": ASSIGNED,
                "care_calls": calls,
            }
        ),
        "extra_orders": pd.DataFrame(
            {
                "row": row,
                "day": assigned + rng.integers(CALLS.from_day, CALLS.to_day, len(row)),
                "channel": np.array(ORDER_CHANNELS)[channel],
                "amount": amounts(draw("amounts"), row, behaviour),
                "campaign_id": 0,
            }
        ),
    }
