"""The calendar of the house: every day of the history, its festivals, and the days of rest."""

from __future__ import annotations

import pandas as pd

from .. import dates
from ..registry import process


@process(tables=("calendar",))
def calendar() -> pd.DataFrame:
    """Return one row a day: the festival that falls on it, if any, and whether the house rests."""
    out = pd.DataFrame({"date": pd.date_range(dates.START, dates.TODAY)})
    out = out.merge(dates.FESTIVALS, on="date", how="left")
    return out.assign(closed=dates.closed().astype(int))
