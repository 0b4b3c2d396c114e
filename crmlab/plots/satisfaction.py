"""Drawings of what `crmlab.satisfaction` returns: quadrants, Kano features, service gaps, control charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.plots import _axes
from crmlab.plots.general import label_points
from crmlab.plots.style import PALETTE, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crmlab.satisfaction import ControlChart, Quadrants

# right, top
_CORNERS = {
    "concentrate here": (1, 0),
    "keep up the good work": (1, 1),
    "low priority": (0, 0),
    "possible overkill": (0, 1),
}


def quadrants(
    result: Quadrants, *, xlabel: str = "Importance", ylabel: str = "Performance", ax: Axes | None = None
) -> Axes:
    """Draw importance-performance analysis: attributes as points, cut lines, the four quadrants named.

    Parameters
    ----------
    result : Quadrants
        What `satisfaction.quadrants` returned.
    xlabel, ylabel : str
        Say how importance was found and in which units both are.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        If `result` is something else, or has more attributes than names can be read.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots, satisfaction
    >>> importance = pd.Series({"speed": 6.1, "rooms": 4.2})
    >>> ipa = satisfaction.quadrants(importance, pd.Series({"speed": 4.8, "rooms": 5.6}))
    >>> print(plots.quadrants(ipa).figure.get_label()[-72:])
    Concentrate here: speed (6.1, 4.8). Possible overkill: rooms (4.2, 5.6).
    """
    from crmlab.satisfaction import Quadrants

    _made_by(result, Quadrants, "satisfaction.quadrants")
    table = result.table
    _axes.few(table.index, "result.table")
    given = ax
    ax = _axes.axes(ax)
    ax.margins(0.18)
    ax.scatter(table["importance"], table["performance"], color=PALETTE[0], zorder=3)
    ax.axvline(result.importance_cut, color="#555555", lw=1)
    ax.axhline(result.performance_cut, color="#555555", lw=1)
    ax.grid(False)
    ax.set(xlabel=literal(xlabel or ""), ylabel=literal(ylabel or ""))
    for name, (right, top) in _CORNERS.items():
        side = {"ha": "right" if right else "left", "va": "top" if top else "bottom"}
        inside = {"xytext": (4 - 8 * right, 4 - 8 * top), "textcoords": "offset points"}
        corner = {"xy": (right, top), "xycoords": "axes fraction", "fontsize": 10, "color": "#777777"}
        ax.annotate(name.capitalize(), **corner, **inside, **side)
    cross = _cross(ax, result.importance_cut, result.performance_cut)
    label_points(ax, table["importance"], table["performance"], lines=cross)
    cuts = f"{_axes.short(result.importance_cut)}, {_axes.short(result.performance_cut)}"
    groups = [_group(name, part) for name, part in table.groupby("quadrant", sort=False)]
    text = f"Importance and performance of {len(table)} attributes, cut at {result.rule} ({cuts})."
    _axes.describe(ax, f"{text} {' '.join(groups)}", given)
    return ax


def _made_by(result: object, kind: type, maker: str) -> None:
    if not isinstance(result, kind):
        raise TypeError(f"give what {maker} returned, found {type(result).__name__}.")


def _cross(ax: Axes, x: float, y: float) -> list[tuple]:
    """Return a vertical and a horizontal line through the Axes, for `label_points`."""
    return [((x, x), ax.get_ylim()), (ax.get_xlim(), (y, y))]


def _group(name: str, part: pd.DataFrame) -> str:
    places = zip(part.index, part["importance"], part["performance"], strict=True)
    points = [f"{_axes.said(label)} ({_axes.short(x)}, {_axes.short(y)})" for label, x, y in places]
    return f"{name.capitalize()}: {', '.join(points)}."


_KANO = {
    "must-be": (PALETTE[0], "o"),
    "one-dimensional": (PALETTE[1], "s"),
    "attractive": (PALETTE[2], "D"),
    "indifferent": (PALETTE[3], "^"),
    "reverse": (PALETTE[4], "v"),
}


def kano(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw better against worse coefficients of the features of a Kano survey, coloured by category.

    Parameters
    ----------
    table : DataFrame
        What `satisfaction.kano` returned: by feature, category, better (0 to 1) and worse (-1 to 0). A
        feature without coefficients is not drawn; the caption names it.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, a category is not known or a coefficient out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> table = pd.DataFrame({"category": ["attractive"], "better": [0.75], "worse": [-0.5]}, ["app"])
    >>> print(plots.kano(table).figure.get_label()[-43:])
    app attractive (better 0.75, worse -0.50).
    """
    values = _features(table)
    points = values.dropna()
    given = ax
    ax = _axes.axes(ax, 5.0)
    ax.set(xlim=(0.02, -1.02), ylim=(-0.02, 1.02))
    ax.set(xlabel="Worse: loss of satisfaction without it", ylabel="Better: gain with it")
    ax.axvline(-0.5, color="#999999", lw=1)
    ax.axhline(0.5, color="#999999", lw=1)
    ax.grid(False)
    for category in dict.fromkeys(points["category"]):
        part = points[points["category"] == category]
        color, marker = _KANO[category]
        ax.scatter(part["worse"], part["better"], s=45, color=color, marker=marker, label=category, zorder=3)
    if len(points):
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, fontsize=9, columnspacing=1.2)
        label_points(ax, points["worse"], points["better"], lines=_cross(ax, -0.5, 0.5))
    places = "; ".join(
        f"{_axes.said(row.Index)} {row.category} (better {row.better:.2f}, worse {row.worse:.2f})"
        for row in points.itertuples()
    )
    number = f"{len(points)} feature{'s' * (len(points) != 1)}"
    text = f"Better and worse coefficients of {number}, with the most frequent category: {places or 'none'}."
    lost = ", ".join(_axes.said(label) for label in values.index.difference(points.index, sort=False))
    _axes.describe(ax, f"{text} Without coefficients, not drawn: {lost}." if lost else text, given)
    return ax


def _features(table: object) -> pd.DataFrame:
    values = _axes.numbers(table, ["better", "worse"], "table")
    _check.numeric(values["better"], "better", minimum=0, maximum=1, allow_missing=True)
    _check.numeric(values["worse"], "worse", minimum=-1, maximum=0, allow_missing=True)
    _check.frame(table, ["category"], "table")
    values["category"] = [_check.choice(name, _KANO, "category") for name in table["category"]]
    return values


def gaps(table: pd.DataFrame, *, unit: str = "points", ax: Axes | None = None) -> Axes:
    """Draw expected and perceived service, and the gap between them, by dimension or item.

    Parameters
    ----------
    table : DataFrame
        With columns expected, perceived and gap (perceived minus expected), such as
        `satisfaction.Servqual.summary` returns. A row without answers stays empty.
    unit : str
        Of the answers.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, or a gap is not perceived minus expected.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> table = pd.DataFrame({"expected": [5.9], "perceived": [5.4], "gap": [-0.5]}, ["reliability"])
    >>> print(plots.gaps(table).figure.get_label())
    Perceived minus expected service in points (from expected to perceived): reliability -0.50 (5.90 to 5.40).
    """
    values = _gaps(table)
    given = ax
    ax = _axes.axes(ax, 0.9 + 0.42 * max(len(values), 3))
    places = range(len(values))
    texts = ["" if np.isnan(gap) else f"{gap:+.2f}" for gap in values["gap"]]
    colors = np.where(values["gap"] < 0, PALETTE[1], PALETTE[2])
    ax.hlines(places, values["expected"], values["perceived"], colors=colors, lw=3, zorder=2)
    for place, text, end in zip(places, texts, values[["expected", "perceived"]].max(axis=1), strict=True):
        if text:
            ax.annotate(text, (end, place), (9, -4), textcoords="offset points", fontsize=9)
    ax.scatter(values["expected"], places, color="#333333", marker="|", s=160, label="expected", zorder=3)
    ax.scatter(values["perceived"], places, color=PALETTE[0], s=40, label="perceived", zorder=3)
    ax.set_yticks(places, _axes.drawn(values.index))
    ax.margins(x=0.12)
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(literal(f"Mean answer ({unit})"))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9)
    ends = zip(values.index, texts, values["expected"], values["perceived"], strict=True)
    parts = [
        f"{_axes.said(name)} {f'{text} ({low:.2f} to {high:.2f})' if text else 'missing'}"
        for name, text, low, high in ends
    ]
    text = f"Perceived minus expected service in {unit} (from expected to perceived): {', '.join(parts)}."
    _axes.describe(ax, text, given)
    return ax


def _gaps(table: object) -> pd.DataFrame:
    values = _axes.numbers(table, ["expected", "perceived", "gap"], "table")
    values[values.isna().any(axis=1)] = np.nan
    difference = values["perceived"] - values["expected"]
    largest = values[["expected", "perceived"]].abs().max(axis=None)
    near = np.nanmax([0.016, 0.002 * largest])  # what rounding to two decimals, or three digits, can do
    if (wrong := (values["gap"] - difference).abs() > near).any():
        label = wrong.idxmax()
        raise ValueError(
            f"gap of {label!r} is {values.loc[label, 'gap']:.4g}, but perceived minus expected is "
            f"{difference[label]:.4g}: take the three columns from one table."
        )
    return values


def control_chart(chart: ControlChart, *, ylabel: str = "", ax: Axes | None = None) -> Axes:
    """Draw a control chart: values, centre, limits, and the periods at which a Western Electric rule signals.

    Parameters
    ----------
    chart : ControlChart
        What `satisfaction.individuals_chart`, `mean_chart` or `p_chart` returned.
    ylabel : str
        What is charted, with its unit.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError
        If `chart` is something else.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots, satisfaction
    >>> ax = plots.control_chart(satisfaction.p_chart(pd.Series([8, 12, 10]), pd.Series([200, 200, 400])))
    >>> print(ax.figure.get_label()[:78])
    p-chart of 3 periods: centre 0.0375, limits from 0 to 0.0778 at their widest.
    """
    from crmlab.satisfaction import ControlChart

    _made_by(chart, ControlChart, "satisfaction.individuals_chart, mean_chart or p_chart")
    table = chart.table
    hit = chart.signals()
    beyond = hit["rule_1"].to_numpy()
    run = hit.any(axis=1).to_numpy() & ~beyond
    x = _periods(table.index)
    given = ax
    ax = _axes.axes(ax)
    limits = {"step": "mid", "color": "#dde7f0", "lw": 0, "label": "3 standard errors"}
    ax.fill_between(x, table["lower"], table["upper"], **limits)
    ax.plot(x, table["centre"], color="#555555", lw=1.2, label="centre")
    ax.plot(x, table["value"], color=PALETTE[0], lw=1.2, marker="o", ms=4, label="value")
    ring = {"ls": "", "marker": "o", "ms": 9, "mfc": "none", "mec": PALETTE[4], "mew": 2}
    diamond = {"ls": "", "marker": "D", "ms": 7, "color": PALETTE[1]}
    for which, style, label in ((run, ring, "run rule"), (beyond, diamond, "beyond the limits")):
        if which.any():
            ax.plot(x[which], table["value"][which], label=label, **style)
    if chart.baseline < len(table):
        _mark_baseline(ax, x, chart.baseline)
    _name_periods(ax, x, table.index)
    ax.set(ylabel=literal(ylabel or ""), xlabel=literal(table.index.name or "period"))
    spacing = {"handletextpad": 0.5, "columnspacing": 1.2}
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, fontsize=9, **spacing)
    _axes.describe(ax, _chart_sentence(chart, ylabel, beyond, run), given)
    return ax


def _periods(index: pd.Index) -> pd.Index:
    """Return where each period is drawn: at its date or number, else one after another."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        index = index.tz_localize(None)  # matplotlib would draw the hours of another time zone
    number = pd.api.types.is_numeric_dtype(index) and not pd.api.types.is_bool_dtype(index)
    if not (number or isinstance(index, pd.DatetimeIndex)):
        return pd.RangeIndex(len(index))
    # the makers of charts refuse other orders, but when clocks are put back an hour comes twice
    return index if index.is_monotonic_increasing and index.is_unique else pd.RangeIndex(len(index))


def _mark_baseline(ax: Axes, x: pd.Index, baseline: int) -> None:
    last = x[baseline - 1]
    early = baseline < len(x) / 3  # then the words stand to the right of the line
    ax.axvline(last, color="#555555", ls=":", lw=1)
    place = {"xy": (last, 1), "xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    words = "baseline until here"
    ax.annotate(
        words, xytext=(4 if early else -4, -4), ha="left" if early else "right", va="top", fontsize=9, **place
    )


def _name_periods(ax: Axes, x: pd.Index, index: pd.Index) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if isinstance(x, pd.DatetimeIndex):
        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    elif not pd.api.types.is_numeric_dtype(index):
        shown = range(0, len(x), -(-len(x) // 12))
        names = _axes.drawn(index[list(shown)], 14)
        ax.set_xticks(shown, names, rotation=45, ha="right", rotation_mode="anchor")


def _chart_sentence(chart: ControlChart, ylabel: str, beyond: np.ndarray, run: np.ndarray) -> str:
    table = chart.table
    low = _axes.short(table["lower"].min(), 4)
    high = _axes.short(table["upper"].max(), 4)
    what = f"{chart.kind} of {len(table)} periods{': ' + ylabel if ylabel else ''}"
    limits = f"centre {_axes.short(chart.centre, 4)}, limits from {low} to {high} at their widest"
    named = [_first(table.index[which]) for which in (beyond, run)]
    return f"{what}: {limits}. Beyond the limits: {named[0]}. Run rules only: {named[1]}."


def _first(labels: pd.Index, most: int = 8) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(_axes.said(label) for label in labels[:most]) + more or "none"
