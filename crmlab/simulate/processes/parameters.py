"""The truth's table of parameters: every number that a process states."""

from __future__ import annotations

import pandas as pd

from .. import numbers
from ..registry import process


@process(truth=("parameters",))
def parameters() -> pd.DataFrame:
    """Return every stated number."""
    return numbers.table()
