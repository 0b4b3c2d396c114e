"""Incoming inspections: one lot a week, and one supplier that gets worse."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick
from ..numbers import grid, numbers, series
from ..registry import process

INSPECTION = numbers(
    "inspection",
    defect_rate=(0.040, "share", "before the shift"),
    shifted_rate=(0.075, "share", "from one supplier after the shift"),
    shift_week=(172, "week number", "first week after the shift, counted from 1"),
    fewest=(150, "packs", "inspected of a lot at least"),
    most=(250, "packs", "inspected of a lot at most"),
)
SUPPLIERS = series(
    "inspection",
    "",
    {"supplier_1": 0.5, "supplier_2": 0.3, "supplier_3": 0.2},
    "share",
    "of the lots",
)
WORSE = "supplier_2"
CAUSES = grid(
    "inspection",
    "cause",
    ("usual", "shifted"),
    ("broken_leaf", "moisture", "foreign_matter", "packaging", "labelling"),
    [(0.44, 0.27, 0.08, 0.14, 0.07), (0.25, 0.52, 0.06, 0.12, 0.05)],
    "share",
    "of the defects: as usual, and of the supplier that got worse",
)


@process(tables=("inspections",))
def inspections(rng: np.random.Generator) -> pd.DataFrame:
    """Return how many packs of each lot were inspected, and what was wrong with them."""
    day = pd.date_range(dates.START, dates.TODAY, freq="W-MON")
    week = np.arange(1, len(day) + 1)
    which = pick(rng, np.tile(SUPPLIERS, (len(day), 1)))
    supplier = np.array(SUPPLIERS.index, dtype=str)[which]
    inspected = rng.integers(INSPECTION.fewest, INSPECTION.most + 1, len(day))
    worse = (week >= INSPECTION.shift_week) & (supplier == WORSE)
    defective = rng.binomial(inspected, np.where(worse, INSPECTION.shifted_rate, INSPECTION.defect_rate))
    causes = rng.multinomial(defective, CAUSES.to_numpy()[worse.astype(int)])
    lots = pd.DataFrame(
        {
            "inspection_id": week,
            "date": day,
            "supplier": supplier,
            "inspected": inspected,
            "defective": defective,
        }
    )
    return lots.join(pd.DataFrame(causes, columns=CAUSES.columns))
