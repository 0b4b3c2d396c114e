"""What the drawing functions share: Axes, names of rows, numbers as text, boxes that overlap."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from datetime import time
from typing import TYPE_CHECKING

import pandas as pd

from crmlab import _check
from crmlab.plots.style import caption, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 60  # names that can be read in one figure
_WIDTH = 32  # letters of a name in a line


def axes(ax: Axes | None, height: float = 4.0) -> Axes:
    """Return the Axes given, or new ones as wide as a notebook's column and `height` inches high."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(7.2, height))[1] if ax is None else checked(ax)


def checked(ax: object) -> Axes:
    """Return `ax` if it is matplotlib Axes."""
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes, found {type(ax).__name__}.")
    return ax


def describe(ax: Axes, text: str, given: Axes | None) -> None:
    """Attach a caption; on Axes that were given it follows what the figure already says."""
    before = "" if given is None else ax.get_figure(root=True).get_label()
    caption(ax, f"{before} {text}")


def few(labels: pd.Index, argument: str) -> None:
    """Raise ValueError unless each row has a name of its own, and all of them can be read in one figure."""
    labels = labels.to_flat_index()
    if labels.isna().any():
        raise ValueError(f"{argument} has a row without a name. Drop it, or name it.")
    if labels.has_duplicates:
        twice = labels[labels.duplicated()][0]
        raise ValueError(f"{argument} has the label {twice!r} more than once: one row each.")
    texts = pd.Index([said(label) for label in labels])
    if texts.has_duplicates:
        one, other, *_ = labels[texts.duplicated(keep=False)]
        raise ValueError(
            f"{argument} has rows {one!r} and {other!r}, which look the same in a figure: rename one."
        )
    if len(labels) > MOST:
        raise ValueError(
            f"{argument} has {len(labels):,} rows: more than {MOST} names cannot be read in one figure. "
            "Draw those that matter, or summarise first."
        )


def numbers(data: object, columns: Iterable[str], argument: str, missing: bool = True) -> pd.DataFrame:
    """Return columns of a table as floats, once its rows have names of their own."""
    table = _check.frame(data, columns, argument)
    few(table.index, argument)
    checked = {
        column: _check.numeric(
            table[column],
            f"column {column!r} of {argument}",
            allow_missing=missing,
            allow_truth_values=False,
        )
        for column in columns
    }
    return pd.DataFrame(checked, index=table.index)


def said(label: object) -> str:
    """Return a label as a caption has it: a day without its midnight, the parts of a tuple with commas."""
    if isinstance(label, tuple):
        return ", ".join(said(part) for part in label)
    if isinstance(label, pd.Timestamp) and label.time() == time():
        return label.date().isoformat()
    return str(label)


def drawn(labels: Iterable, width: int = _WIDTH) -> list[str]:
    """Return labels as matplotlib is to draw them: as they are written, long ones in several lines."""
    return [literal(textwrap.fill(said(label), width)) for label in labels]


def short(value: float, digits: int = 3) -> str:
    """Return a number with so many digits, never as a power of ten."""
    large = abs(value) >= 10**digits
    return f"{value:,.0f}" if large else f"{value:.{digits}g}"


def decimals(values: pd.Series | pd.DataFrame) -> int:
    """Return the decimals that keep two digits of the largest number: two, more if all are below 0.1."""
    largest = values.abs().max(axis=None)
    return 1 - math.floor(math.log10(largest)) if 0 < largest < 0.1 else 2


def overlap(a: tuple, b: tuple) -> float:
    """Return the area that two boxes (left, bottom, right, top) share."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, wide) * max(0.0, high)
