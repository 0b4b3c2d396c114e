"""The Kano survey: what ten features are to each respondent, and how that shows in two answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..core import pick
from ..numbers import grid, numbers
from ..registry import process
from .respondents import respondents

CATEGORIES = ("attractive", "one-dimensional", "must-be", "indifferent", "reverse")
FEATURES = grid(
    "kano_survey",
    "share",
    (
        "tasting_before_buying",
        "harvest_date_on_pack",
        "delivery_within_48_hours",
        "airtight_resealable_pack",
        "handwritten_gift_card",
        "brewing_app",
        "free_returns",
        "staff_know_my_taste",
        "pesticide_test_report",
        "promotional_calls",
    ),
    CATEGORIES,
    [
        (0.52, 0.22, 0.06, 0.18, 0.02),
        (0.14, 0.26, 0.46, 0.13, 0.01),
        (0.14, 0.54, 0.20, 0.11, 0.01),
        (0.12, 0.20, 0.56, 0.11, 0.01),
        (0.50, 0.10, 0.03, 0.33, 0.04),
        (0.22, 0.06, 0.02, 0.58, 0.12),
        (0.12, 0.36, 0.37, 0.14, 0.01),
        (0.40, 0.32, 0.05, 0.20, 0.03),
        (0.08, 0.24, 0.60, 0.08, 0.00),
        (0.04, 0.03, 0.01, 0.30, 0.62),
    ],
    "share",
    "of respondents to whom a feature is of a category",
)
SLIP = numbers("kano_survey", slip=(0.06, "share", "of answers that are given at random"))
ANSWERS = ("like", "must-be", "neutral", "live-with", "dislike")
# what a pair of answers means: functional by row, dysfunctional by column, Q being questionable
EVALUATION = np.array([list(row) for row in ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")])
LETTERS = np.array(list("AOMIR"))  # of the categories


@process(tables=("kano_survey",), truth=("kano_categories",))
def kano_survey(
    draw: Callable[[str], np.random.Generator], consumers: pd.DataFrame, index_scores: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return functional and dysfunctional answers by feature, and each respondent's true category."""
    who = respondents(draw("respondents"), "kano_survey", consumers, index_scores)
    asked = pd.DataFrame(
        {
            "customer_id": np.tile(consumers["customer_id"].to_numpy()[who], len(FEATURES)),
            "feature": np.repeat(np.array(FEATURES.index, dtype=str), len(who)),
        }
    )
    category = pick(draw("categories"), np.repeat(FEATURES.to_numpy(), len(who), axis=0))
    words = np.array(ANSWERS)[pairs(draw("answers"), category)]
    return {
        "kano_survey": asked.assign(functional=words[:, 0], dysfunctional=words[:, 1]),
        "truth:kano_categories": asked.assign(category=np.array(CATEGORIES)[category]),
    }


def pairs(rng: np.random.Generator, category: np.ndarray) -> np.ndarray:
    """Return a pair of answers that means the category, every such pair equally often, but for slips."""
    cell = pick(rng, (EVALUATION.ravel() == LETTERS[category, None]).astype(float))
    meant = np.column_stack(np.divmod(cell, len(ANSWERS)))
    slips = rng.random(meant.shape) < SLIP.slip
    return np.where(slips, rng.integers(0, len(ANSWERS), meant.shape), meant)
