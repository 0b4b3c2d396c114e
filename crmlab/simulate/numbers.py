"""Numbers of the world: stated beside the process that reads them, and shown in the truth as they are.

``BUYING = numbers("bgnbd", r=(1.0, "none", "shape of the purchase rate"))`` makes ``BUYING.r`` the number and
adds a row to the truth's table of parameters; `grid` does the same for a table of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

import numpy as np
import pandas as pd

COLUMNS = ("process", "parameter", "value", "unit", "description")
_ROWS: dict[tuple[str, str], tuple[float, str, str]] = {}


def numbers(process: str, **stated: tuple[float, str, str]) -> SimpleNamespace:
    """State the numbers of a process, each as (value, unit, description), and return them by name."""
    for name, (value, unit, description) in stated.items():
        _state(process, name, value, unit, description)
    return SimpleNamespace(**{name: value for name, (value, *_) in stated.items()})


def grid(
    process: str,
    name: str,
    rows: Iterable[str],
    columns: Iterable[str],
    values: Iterable[Iterable[float]],
    unit: str,
    description: str,
) -> pd.DataFrame:
    """State a table of numbers of a process and return it; the truth names a cell ``name:row:column``."""
    table = pd.DataFrame(np.array(list(values), dtype=float), index=list(rows), columns=list(columns))
    for row in table.index:
        for column in table.columns:
            _state(process, f"{name}:{row}:{column}", table.loc[row, column], unit, description)
    return table


def series(process: str, name: str, values: Mapping[str, float], unit: str, description: str) -> pd.Series:
    """State a row of numbers of a process and return it; the truth names each ``name:key``."""
    for key, value in values.items():
        _state(process, f"{name}:{key}" if name else key, value, unit, description)
    return pd.Series(dict(values), dtype=float)


def _state(process: str, name: str, value: float, unit: str, description: str) -> None:
    if (process, name) in _ROWS:
        raise ValueError(f"{process} states {name} twice")
    _ROWS[process, name] = (float(value), unit, description)


def table() -> pd.DataFrame:
    """Return every stated number, sorted by process, as (process, parameter, value, unit, description)."""
    rows = [(*key, *_ROWS[key]) for key in _ROWS]
    rows.sort(key=lambda row: row[0])  # within a process as they were stated
    return pd.DataFrame(rows, columns=list(COLUMNS))
