"""Drawings that several parts of the course use: estimates with intervals, bridges, points with names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.plots import _axes
from crmlab.plots.style import PALETTE, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "osD^v"


def intervals(
    tables: Mapping[str, pd.DataFrame],
    *,
    reference: float | None = None,
    xlabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates with their intervals as dots and lines, one row per group, one colour per table.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Name of each way to estimate, and a table with columns estimate, lower and upper and one row per
        group. All tables have the same groups, in any order; the first one's order is drawn. What is
        missing is not drawn.
    reference : float, optional
        Where a vertical line is drawn, such as 1 yuan per yuan.
    xlabel : str
        What is estimated, with its unit.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        If a table lacks a column, groups differ, a lower end lies above the upper one, or there are more
        tables than colours and markers tell apart.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> table = pd.DataFrame({"estimate": [1.5], "lower": [0.5], "upper": [2.5]}, ["formation"])
    >>> print(plots.intervals({"wave": table}, xlabel="Yuan per yuan").figure.get_label())
    Yuan per yuan, with intervals. wave: formation 1.50 (0.50 to 2.50).
    """
    tables = _same_groups(tables)
    if reference is not None:
        reference = _check.number(reference, "reference")
    groups = next(iter(tables.values())).index
    given = ax
    ax = _axes.axes(ax, max(4.0, 1 + 0.3 * len(groups) * len(tables)))
    step = min(0.22, 0.8 / len(tables))
    handles = []
    for k, table in enumerate(tables.values()):
        place = np.arange(len(groups)) + step * (k - (len(tables) - 1) / 2)
        color = PALETTE[k % len(PALETTE)]
        marker = _MARKERS[k // len(PALETTE) % len(_MARKERS)]
        ax.hlines(place, table["lower"], table["upper"], color=color, lw=2)
        handles += ax.plot(table["estimate"], place, marker, color=color)
    if reference is not None:
        ax.axvline(reference, color="#333333", lw=1, ls="--")
    ax.set_yticks(range(len(groups)), _axes.drawn(groups))
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.set_xlabel(literal(xlabel or ""))
    ax.grid(axis="y", visible=False)
    if len(tables) > 1:
        where = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": min(4, len(tables))}
        ax.legend(handles, _axes.drawn(tables), fontsize=9, **where)
    digits = _axes.decimals(pd.concat(tables.values()))
    parts = "; ".join(f"{name}: {_estimates(table, digits)}" for name, table in tables.items())
    line = "" if reference is None else f" Dashed line at {reference:g}."
    _axes.describe(ax, f"{xlabel or 'Estimates'}, with intervals. {parts}.{line}", given)
    return ax


def _same_groups(tables: object) -> dict[str, pd.DataFrame]:
    """Return the tables as numbers, their rows in the order of the first."""
    if not isinstance(tables, Mapping) or not tables:
        raise TypeError('tables must be a dictionary such as {"all customers": table}, with a table or more.')
    if len(tables) > (most := len(PALETTE) * len(_MARKERS)):
        raise ValueError(f"tables has {len(tables)} tables: more than {most} cannot be told apart.")
    out = {}
    for name, given in tables.items():
        argument = f"tables[{name!r}]"
        table = _axes.numbers(given, ["estimate", "lower", "upper"], argument)
        if (wrong := table["lower"] > table["upper"]).any():
            raise ValueError(f"{argument}: at {wrong.idxmax()!r} lower is above upper. Exchange the columns?")
        first = next(iter(out.values()), table)
        order = _check.by_label(pd.Series(range(len(table)), table.index), first.index, argument)
        out[str(name)] = table.iloc[order.to_numpy()].set_axis(first.index)
    if len(out) < len(tables):
        raise ValueError(f"two tables have the same name: {', '.join(map(str, tables))}.")
    return out


def _estimates(table: pd.DataFrame, digits: int) -> str:
    parts = []
    for row in table.itertuples():
        known = not (np.isnan(row.lower) or np.isnan(row.upper))
        ends = f"{row.lower:,.{digits}f} to {row.upper:,.{digits}f}" if known else "no interval"
        text = "missing" if np.isnan(row.estimate) else f"{row.estimate:,.{digits}f}"
        parts.append(f"{_axes.said(row.Index)} {text} ({ends})")
    return ", ".join(parts)


def bridge(
    steps: pd.Series,
    *,
    totals: Iterable | None = None,
    unit: str = "yuan",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw how a total comes about: totals as bars from zero, gains and losses hanging in between.

    Parameters
    ----------
    steps : Series
        Totals and the steps between them, from top to bottom, each with its name.
    totals : iterable of labels, optional
        Which rows are totals. By default the first and the last.
    unit : str
        Of the numbers.
    title : str
        Above the bars and first in the caption.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        If a number is missing, or the steps do not add up to a total.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> steps = pd.Series({"2024": 210, "lost": -40, "new": 30, "2025": 200})
    >>> print(plots.bridge(steps, unit="thousand yuan").figure.get_label())
    Bridge in thousand yuan: 2024 210, lost -40, new +30, 2025 200.
    """
    if not isinstance(unit, str):
        raise TypeError(f"unit must be text, found {unit!r}.")
    bars = _bars(steps, totals)
    given = ax
    ax = _axes.axes(ax, max(2.4, 1 + 0.4 * len(bars)))
    colors = bars["kind"].map({"total": PALETTE[0], "gain": PALETTE[2], "loss": PALETTE[1]})
    places = range(len(bars))
    ax.barh(places, bars["value"], left=bars["start"], color=colors, height=0.65)
    ends = bars["start"] + bars["value"]
    for place, text, start, end in zip(places, bars["text"], bars["start"], ends, strict=True):
        below = max(start, end) <= 0  # then the number stands on the left, clear of the line at 0
        at = min(start, end) if below else max(start, end)
        side = {"xytext": (-4 if below else 4, -4), "ha": "right" if below else "left"}
        ax.annotate(text, (at, place), textcoords="offset points", fontsize=9, **side)
    ax.axvline(0, color="#333333", lw=0.8)
    ax.use_sticky_edges = False  # leave room beside the longest bar
    ax.margins(x=0.16)
    ax.set_yticks(places, _axes.drawn(bars.index))
    ax.set_ylim(len(bars) - 0.5, -0.5)
    ax.set(title=literal(title), xlabel=literal(unit[:1].upper() + unit[1:]))
    ax.grid(axis="y", visible=False)
    parts = ", ".join(f"{_axes.said(name)} {text}" for name, text in bars["text"].items())
    start = f"{title}: bridge" if title else "Bridge"
    _axes.describe(ax, f"{start}{' in ' * bool(unit)}{unit}: {parts}.", given)
    return ax


def _bars(steps: object, totals: Iterable | None) -> pd.DataFrame:
    """Return where each bar starts, its value (signed), kind and text."""
    if not isinstance(steps, pd.Series):
        raise TypeError(f"steps must be a Series of numbers by name, found {type(steps).__name__}.")
    values = _axes.numbers(steps.to_frame("value"), ["value"], "steps", missing=False)["value"]
    totals = _totals(values, totals)
    largest = values.abs().max()
    whole = largest >= 100 or (values % 1 == 0).all()
    decimals = 0 if whole else 1 if largest >= 10 else _axes.decimals(values)
    level = 0.0
    rows = []
    for at, (label, value) in enumerate(values.items()):
        total = label in totals
        # rounded steps may miss a rounded total by what no eye can see
        if total and at and abs(level - value) > 0.005 * largest:
            raise ValueError(f"steps before {label!r} add up to {level:,.6g}, not to {value:,.6g}.")
        text = f"{value:,.{decimals}f}" if total else f"{value:+,.{decimals}f}"
        kind = "total" if total else "gain" if value >= 0 else "loss"
        rows.append((0.0 if total else level, value, kind, text))
        level = value if total else level + value
    return pd.DataFrame(rows, values.index, ["start", "value", "kind", "text"])


def _totals(values: pd.Series, totals: object) -> list:
    """Return the labels of the totals, each a label of `values`."""
    if totals is None:
        return list(values.index[[0, -1]])
    known = list(values.index)  # not the index: of dates, it takes a text for a date
    row = isinstance(totals, tuple) and totals in known  # the name of a row with several levels
    if row or isinstance(totals, str) or not isinstance(totals, Iterable):
        totals = [totals]
    return [_check.label(label, known, "totals") for label in totals]


def label_points(ax: Axes, x: pd.Series, y: pd.Series, *, lines: Sequence[tuple] = ()) -> None:
    """Write its name beside every point, where it covers the fewest other names, points and lines.

    Call it last: it measures what is drawn, and fixes the limits of the Axes.

    Parameters
    ----------
    ax : Axes
        Where the points are drawn.
    x, y : Series
        The points by name; the rows of `y` may be in another order.
    lines : sequence of ((x, x), (y, y))
        Straight lines that names should not cover.

    Raises
    ------
    TypeError, ValueError
        If the names of `x` and `y` differ, or a number is missing.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> price, rating = pd.Series({"leaf": 42, "market": 32}), pd.Series({"market": 4.6, "leaf": 5.7})
    >>> ax = plt.figure().add_subplot()
    >>> _ = ax.plot(price, rating[price.index], "o")
    >>> plots.label_points(ax, price, rating)
    >>> [text.get_text() for text in ax.texts]
    ['leaf', 'market']
    """
    points = _points(x, y)
    figure = _axes.checked(ax).get_figure(root=True)
    figure.draw_without_rendering()  # limits and positions are settled now, and stay
    ax.autoscale(False)
    scale = figure.dpi / 72  # pixels in a point
    taken = [tuple(text.get_window_extent().extents) for text in ax.texts if text.get_text()]
    taken += _dots(ax, points["x"], points["y"], 5 * scale)
    for xs, ys in lines:
        taken += _dots(ax, np.linspace(*xs, 99), np.linspace(*ys, 99), 2 * scale)
    frame = ax.get_window_extent().extents
    for label, row in points.sort_values("y", ascending=False, kind="stable").iterrows():
        [name] = _axes.drawn([label])
        text = ax.annotate(name, (row["x"], row["y"]), (0, 0), textcoords="offset points", fontsize=9)
        box = text.get_window_extent()
        best = None
        for dx, dy in _offsets(box.width / scale, box.height / scale):
            moved = tuple(box.translated(dx * scale, dy * scale).extents)
            outside = max(0, frame[0] - moved[0]) + max(0, moved[2] - frame[2])
            cost = sum(_axes.overlap(moved, other) for other in taken) + 9 * scale * outside
            if best is None or cost < best[0]:
                best = (cost, moved, (dx, dy))
        taken.append(best[1])
        text.set_position(best[2])


def _points(x: object, y: object) -> pd.DataFrame:
    if not isinstance(x, pd.Series):
        raise TypeError(f"x must be a Series of numbers by name, found {type(x).__name__}.")
    _axes.few(x.index, "x")
    return _check.aligned(x=x, y=_check.by_label(y, x.index, "y"))


def _dots(ax: Axes, x: Sequence[float], y: Sequence[float], half: float) -> list[tuple]:
    """Return boxes around points, in pixels."""
    places = ax.transData.transform(np.column_stack([x, y]))
    return [(a - half, b - half, a + half, b + half) for a, b in places]


def _offsets(width: float, height: float) -> list[tuple[float, float]]:
    """Return where a text of a size may stand beside its point, in points, the best first."""
    left = -7 - width
    centre = -width / 2
    below = -7 - height
    sides = [(7, -height / 2), (left, -height / 2), (centre, 7), (centre, below)]
    return [*sides, (5, 6), (5, below + 1), (left + 2, 6), (left + 2, below + 1)]
