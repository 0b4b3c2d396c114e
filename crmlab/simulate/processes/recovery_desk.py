"""The recovery desk: from July 2025 it takes half of the complaints, by lot, and answers them sooner."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..numbers import numbers
from ..registry import process
from .purchases import HOURS

COST = numbers(
    "recovery_desk",
    cost_usual=(18.0, "yuan", "of handling a complaint as usual"),
    cost_desk=(30.0, "yuan", "of handling a complaint at the desk"),
)


@process(tables=("recovery_desk",), truth=("recovery_desk",))
def recovery_desk(incidents: pd.DataFrame, consumers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the complaints from July 2025 with their arm and what came of them up to today."""
    complaints = incidents[incidents["complained_on"].between(dates.HISTORY, dates.DAYS - 1)]
    complaints = complaints.sort_values(["complained_on", "row", "day"], kind="stable", ignore_index=True)
    complaint_id = np.arange(1, len(complaints) + 1)
    asked = dates.dates(complaints["complained_on"])
    solved = complaints["complained_on"] + complaints["hours_to_resolve"] / HOURS < dates.DAYS
    return {
        "recovery_desk": pd.DataFrame(
            {
                "complaint_id": complaint_id,
                "customer_id": consumers["customer_id"].to_numpy()[complaints["row"]],
                "assigned_on": asked,
                "arm": np.where(complaints["desk"], "desk", "usual"),
                "cost": np.where(complaints["desk"], COST.cost_desk, COST.cost_usual),
                "promised_hours": complaints["promised_hours"],
                "hours_to_resolve": complaints["hours_to_resolve"].where(solved),
                "recovered": complaints["recovered"].where(solved).astype("Int64"),
            }
        ),
        "truth:recovery_desk": pd.DataFrame(
            {
                "complaint_id": complaint_id,
                "left": complaints["left"],
                "leave_usual": complaints["leave_usual"].round(4),
                "leave_desk": complaints["leave_desk"].round(4),
            }
        ),
    }
