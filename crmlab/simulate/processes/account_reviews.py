"""The stages of accounts as their managers noted them: a judgement, mostly right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import core
from ..dates import MONTHS
from ..numbers import grid, numbers
from ..registry import process
from .account_stages import LOST, STAGES

LABELS = grid(
    "account_reviews",
    "label",
    STAGES,
    STAGES,
    (
        (0.94, 0.04, 0.00, 0.02),
        (0.03, 0.92, 0.03, 0.02),
        (0.00, 0.03, 0.95, 0.02),
        (0.02, 0.03, 0.03, 0.92),
    ),
    "probability",
    "that a true stage (first) is noted as a stage (second)",
)
REVIEWS = numbers("account_reviews", sampled=(0.6, "share", "of accounts that are reviewed, each quarter"))
QUARTER = 3  # months


@process(tables=("account_reviews",))
def account_reviews(
    rng: np.random.Generator, account_ever: pd.DataFrame, account_path: pd.DataFrame
) -> pd.DataFrame:
    """Return the stages that account managers noted at the end of each quarter, of a sample."""
    sampled = rng.random(len(account_ever)) < REVIEWS.sampled
    at_end = account_path["month"] % QUARTER == QUARTER - 1
    seen = account_path[at_end & (account_path["stage"] != LOST) & sampled[account_path["account"]]]
    seen = seen.sort_values(["month", "account"])
    label = core.pick(rng, LABELS.to_numpy()[seen["stage"]])
    return pd.DataFrame(
        {
            "review_id": np.arange(1, len(seen) + 1),
            "account_id": seen["account"].to_numpy() + 1,
            "month": MONTHS[seen["month"]],
            "stage": np.array(STAGES)[label],
        }
    )
