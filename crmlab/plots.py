"""Figures: one house style, and one way to show a figure with its caption and alternative text.

Drawing functions take what a method returned and give back the matplotlib Axes; they compute nothing. They attach the
sentence that says what the figure shows with `caption`, and a notebook shows the result with `show`::

    plots.use_style()                      # once, in the first cell
    plots.show(plots.survival(results))    # a crmlab figure brings its caption
    plots.show(ax, "Sales by month …")     # a figure of your own needs one
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame, Series
    from statsmodels.regression.linear_model import RegressionResults

    from crmlab.pls import PLSBootstrap, PLSResult
    from crmlab.satisfaction import ControlChart, Quadrants

# Okabe & Ito's colours, darkest first: distinct for colour-blind readers, the first four also legible as lines on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "figure.figsize": (
            7.2,
            4.0,
        ),  # inches: the width of a notebook's column, so that nothing is scaled down
        "figure.dpi": 96,
        "figure.facecolor": "white",
        "font.size": 11,
        "axes.titlesize": 12,
        "axes.titlelocation": "left",
        "axes.labelsize": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "lines.linewidth": 2.0,
        "image.cmap": "cividis",
    }
)

_DPI = 144  # sharp on dense screens; shown at two thirds of the size


def use_style() -> None:
    """Set the workbook's style for all figures that follow in this session.

    Call it once in the first cell of a notebook; importing `crmlab.plots` changes nothing. For one figure only, write
    ``with matplotlib.rc_context(plots.STYLE): …``.

    Examples
    --------
    >>> import matplotlib
    >>> from crmlab import plots
    >>> with matplotlib.rc_context():
    ...     plots.use_style()
    ...     matplotlib.rcParams["axes.grid"]
    True
    """
    import matplotlib

    matplotlib.rcParams.update(STYLE)
    matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=PALETTE)


def caption(target: Axes | Figure, text: str) -> None:
    """Attach to a figure the sentence that says what it shows; `show` prints it.

    Parameters
    ----------
    target
        The Axes or Figure just drawn.
    text
        One or two sentences written from the numbers: what is drawn, the units, what stands out. It must make sense to
        a reader who cannot see the figure.

    Raises
    ------
    TypeError
        If `target` is no figure, or `text` no text.
    ValueError
        If `text` is empty.
    """
    # The figure's label is matplotlib's own place for a text that is not drawn.
    _figure(target).set_label(_sentence(text))


def show(target: Axes | Figure, text: str | None = None) -> None:
    """Show a figure once, its caption below it, and store the caption as the figure's alternative text.

    Parameters
    ----------
    target
        Axes, Figure, or a seaborn grid. The figure is closed afterwards, so the notebook does not show it again.
    text
        The caption (see `caption`). Needed unless the function that drew the figure attached one.

    Raises
    ------
    TypeError
        If `target` is no figure, or `text` no text.
    ValueError
        If there is no caption.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from crmlab import plots
    >>> fig, ax = plt.subplots()
    >>> _ = ax.bar(["won", "lost"], [12, 9])
    >>> plots.show(ax, "Bars: accounts won (12) and lost (9) in the year to June 2026.")
    Bars: accounts won (12) and lost (9) in the year to June 2026.
    """
    import matplotlib.pyplot as plt
    from IPython import get_ipython

    figure = _figure(target)
    text = _sentence(figure.get_label() if text is None else text)
    if get_ipython() is None:  # a script: matplotlib's own plt.show() opens the window
        print(text)
        return
    from IPython.display import display

    buffer = BytesIO()
    # No software version in the file: the same figure gives the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    image = buffer.getvalue()
    plt.close(figure)
    width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))  # the PNG header
    size = {"width": width * 96 // _DPI, "height": height * 96 // _DPI}
    display(
        {"image/png": b64encode(image).decode(), "text/plain": "<Figure>"},
        metadata={"image/png": {"alt": text, **size}},
        raw=True,
    )
    note = f"<p><small>{html.escape(text, quote=False)}</small></p>"
    display({"text/html": note, "text/plain": text}, raw=True)


def _figure(target: object) -> Figure:
    from matplotlib.figure import Figure

    figure = getattr(target, "figure", target)  # Axes, Figure and seaborn grids all know their figure
    if not isinstance(figure, Figure):
        raise TypeError(f"expected matplotlib Axes or a Figure, found {type(target).__name__}.")
    return figure


def _sentence(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"the caption must be text, found {type(text).__name__}.")
    text = " ".join(text.split())
    if not text:
        raise ValueError(
            "the figure has no caption: give a sentence that says what it shows, in numbers, to a reader "
            "who cannot see it, as in plots.show(ax, 'Bars: …')."
        )
    return text


# --- satisfaction --------------------------------------------------------------------------------------------------


def _axes(ax: Axes | None, **subplot: Any) -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(**subplot)[1] if ax is None else ax


def _overlap(a: tuple, b: tuple) -> float:
    """Area that two boxes (left, bottom, right, top) share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _label_points(ax: Axes, x: Any, y: Any, names: Any, lines: Sequence[tuple] = ()) -> None:
    """Write a name beside every point, where it covers the fewest other names, points and `lines` (xs, ys)."""
    import numpy as np

    size = 9.0
    points = (
        ax.transData.transform(np.column_stack([x, y])) * 72 / ax.figure.dpi
    )  # in points, as font sizes are
    taken = [(a - 5, b - 5, a + 5, b + 5) for a, b in points]
    for xs, ys in lines:  # as a row of dots
        way = np.column_stack([np.linspace(*xs, 99), np.linspace(*ys, 99)])
        taken += [(a - 2, b - 2, a + 2, b + 2) for a, b in ax.transData.transform(way) * 72 / ax.figure.dpi]
    frame = ax.get_window_extent()
    left, right = frame.x0 * 72 / ax.figure.dpi, frame.x1 * 72 / ax.figure.dpi
    for (a, b), name, *_ in sorted(zip(points, names, strict=True), key=lambda row: -row[0][1]):
        text = str(name).replace("_", " ")
        width, best = 0.55 * size * len(text), None
        for dx, dy in ((7, -4), (-7 - width, -4), (-width / 2, 7), (-width / 2, -15), (5, 6), (5, -14), (-5 - width, 6), (-5 - width, -14)):  # fmt: skip
            box = (a + dx, b + dy, a + dx + width, b + dy + size)
            cost = sum(_overlap(box, other) for other in taken) + 9 * max(0, left - box[0], box[2] - right)
            if best is None or cost < best[0]:
                best = (cost, box, dx, dy)
        taken.append(best[1])
        ax.annotate(text, ax.transData.inverted().transform((a * ax.figure.dpi / 72, b * ax.figure.dpi / 72)),
                    (best[2], best[3]), textcoords="offset points", fontsize=size)  # fmt: skip


def path_diagram(
    result: PLSResult,
    layout: Mapping[str, tuple[float, float]],
    *,
    bootstrap: PLSBootstrap | None = None,
    notes: Mapping[str, str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a path model: path coefficients on arrows as wide as they are strong, R² in the boxes.

    Parameters
    ----------
    result
        A fitted `crmlab.pls.PLSPathModel`.
    layout
        Place (x, y) of every latent variable in any unit, x to the right, y up; `satisfaction.acsi.layout` and its kin.
    bootstrap
        If given, arrows whose 95 % percentile interval contains 0 are dashed and grey.
    notes
        Latent variable -> what its box says in the place of R².
    title
        Above the diagram and first in the caption.
    ax
        Draw there, and add to the caption that the figure has: for several diagrams in one figure.

    Raises
    ------
    ValueError
        If `layout` lacks a latent variable.

    Examples
    --------
    >>> from crmlab import datasets, plots, satisfaction
    >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
    >>> ax = plots.path_diagram(satisfaction.scsb.model(survey).fit(), satisfaction.scsb.layout)
    >>> ax.figure.get_label()[:60]
    'Path diagram with standardised coefficients. expectation → p'
    """
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    coefficients, r_squared = result.path_coefficients, result.r_squared
    if lost := [name for name in r_squared.index if name not in layout]:
        raise ValueError(f"layout has no place for {lost[0]!r}: add it as {{{lost[0]!r}: (x, y)}}.")
    before = "" if ax is None else ax.figure.get_label()
    if ax is None:
        figure = plt.figure()
        ax = figure.add_axes((0, 0, 1, 1))
    frame = ax.get_position()
    width, height = ax.figure.get_size_inches() * (frame.width, frame.height)
    ax.set(xlim=(0, width), ylim=(0, height))  # one unit is an inch
    ax.axis("off")

    size = float(np.clip(1.35 * width + 1.3, 7, 11))  # of the letters, in points
    half = np.array([max(len(name) for name in r_squared.index) * 0.3 * size / 72 + 0.1, 1.45 * size / 72])
    if title:
        ax.text(0.05, height - 0.05, title, fontsize=size + 1, va="top")
    place = np.array([layout[name] for name in r_squared.index], dtype=float)
    span = np.ptp(place, axis=0)
    room = np.array([width, height - (size + 8) / 72 * bool(title)]) - 2 * half - 0.1
    middle = np.where(span > 0, (place - place.min(axis=0)) / np.where(span > 0, span, 1), 0.5)
    centre = dict(zip(r_squared.index, middle * room + half + 0.05, strict=True))
    boxes = {name: (*(c - half), *(c + half)) for name, c in centre.items()}
    for name, c in centre.items():
        ax.add_patch(FancyBboxPatch(c - half, *(2 * half), boxstyle="round,pad=0,rounding_size=0.08", fc="#eef3f8", ec="#333333", zorder=3))  # fmt: skip
        explained = any(outcome == name for _, outcome in result.model.paths)
        note = f"$R^2$ = {r_squared[name]:.2f}" if explained else ""
        text = (
            f"{name.replace('_', ' ').capitalize()}\n{note if notes is None else notes.get(name, '')}".strip()
        )
        ax.text(*c, text, ha="center", va="center", fontsize=size, linespacing=1.25, zorder=4)

    doubtful = set()
    if bootstrap is not None:
        interval = bootstrap.summary()
        doubtful = set(interval.index[(interval["lower"] <= 0) & (interval["upper"] >= 0)])
    segments = {}
    for start, end in result.model.paths:
        a, b = centre[start], centre[end]
        reach = half / np.maximum(np.abs(b - a), 1e-9)  # share of the way at which the arrow leaves a box
        edge = reach.min() + 0.03 / np.hypot(*(b - a))
        segments[start, end] = (a + edge * (b - a), b - edge * (b - a))
        c = coefficients.loc[start, end]
        colour = "#888888" if (start, end) in doubtful else PALETTE[0] if c >= 0 else PALETTE[1]
        ax.add_patch(FancyArrowPatch(*segments[start, end], arrowstyle="-|>", mutation_scale=9 + 9 * abs(c),
                                     lw=0.7 + 0.55 * size * min(abs(c), 1), color=colour, shrinkA=0, shrinkB=0, zorder=1,
                                     ls=(0, (3, 2)) if (start, end) in doubtful else "-"))  # fmt: skip
    # A number goes where it covers the fewest boxes, other arrows and other numbers; short arrows choose first.
    half_text, taken = np.array([1.35, 0.65]) * (size - 1) / 72, list(boxes.values())
    way = {path: np.linspace(*ends, 60) for path, ends in segments.items()}
    for path, (a, b) in sorted(segments.items(), key=lambda item: np.hypot(*(item[1][1] - item[1][0]))):
        others = np.concatenate(
            [points for other, points in way.items() if other != path] or [np.empty((0, 2))]
        )
        best = None
        for share in (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2):
            at = a + share * (b - a)
            covered = np.all(np.abs(others - at) < half_text + 0.07, axis=1).sum() / 60
            shared = sum(
                _overlap((*(at - half_text * 1.1), *(at + half_text * 1.1)), other) for other in taken
            )
            cost = 20 * shared + covered + 0.1 * abs(share - 0.5)
            best = min(best or (cost, *at), (cost, *at))
        at = np.array(best[1:])
        taken.append((*(at - half_text), *(at + half_text)))
        ax.text(*at, f"{coefficients.loc[path]:.2f}", ha="center", va="center", fontsize=size - 1, zorder=5,
                bbox={"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none"})  # fmt: skip

    lines = ", ".join(f"{a} → {b} {coefficients.loc[a, b]:.2f}" for a, b in result.model.paths)
    explained = ", ".join(
        f"{name} {r_squared[name]:.2f}" for name in dict.fromkeys(b for _, b in result.model.paths)
    )
    text = f"{title + ': p' if title else 'P'}ath diagram with standardised coefficients. {lines}. R²: {explained}."
    if bootstrap is not None:
        named = ", ".join(f"{a} → {b}" for a, b in result.model.paths if (a, b) in doubtful) or "none"
        text += f" Dashed, because the 95 % interval contains 0: {named}."
    caption(ax, f"{before} {text}")
    return ax


def what_if(
    result: PLSResult,
    layout: Mapping[str, tuple[float, float]],
    changes: Mapping[str, float],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a path model with every index (0 to 100) before and after some are raised, as `PLSResult.what_if` has it.

    Parameters
    ----------
    result, layout, title, ax
        As for `path_diagram`. Answers run from 1 to 10.
    changes
        Latent variable -> points by which its index is raised.

    Examples
    --------
    >>> from crmlab import datasets, plots, satisfaction
    >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
    >>> scsb = satisfaction.scsb
    >>> ax = plots.what_if(scsb.model(survey).fit(), scsb.layout, {"performance": 5})
    >>> ax.figure.get_label()[:72]
    'Path diagram. Raised: performance by 5 points. Index before and after: e'
    """
    before = result.index()
    after = before + result.what_if(changes)
    moved = after - before != 0
    notes = {
        name: f"{before[name]:.1f} → {after[name]:.1f}" if moved[name] else f"{before[name]:.1f}"
        for name in before.index
    }
    ax = path_diagram(result, layout, notes=notes, title=title, ax=ax)
    raised = (
        ", ".join(f"{name} by {points:g} points" for name, points in changes.items() if points) or "nothing"
    )
    caption(
        ax,
        f"Path diagram{': ' + title if title else ''}. Raised: {raised}. Index before and after: "
        f"{', '.join(f'{name} {note}' for name, note in notes.items())}.",
    )
    return ax


def control_chart(chart: ControlChart, *, ylabel: str = "", ax: Axes | None = None) -> Axes:
    """Draw a control chart: values, centre, limits, and the periods at which a Western Electric rule signals.

    Parameters
    ----------
    chart
        What `satisfaction.individuals_chart`, `mean_chart` or `p_chart` returned.
    ylabel
        What is charted, with its unit.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots, satisfaction
    >>> ax = plots.control_chart(satisfaction.p_chart(pd.Series([8, 12, 10]), pd.Series([200, 200, 400])))
    >>> print(ax.figure.get_label())
    p-chart of 3 periods: centre 0.0375, limits from 0 to 0.0778 at their widest. Beyond the limits: none. Run rules only: none.
    """
    ax = _axes(ax)
    table, hit = chart.table, chart.signals()
    beyond, run = hit["rule_1"], hit.any(axis=1) & ~hit["rule_1"]
    x = table.index
    ax.fill_between(
        x, table["lower"], table["upper"], step="mid", color="#dde7f0", lw=0, label="3 standard errors"
    )
    ax.plot(x, table["centre"], color="#555555", lw=1.2, label="centre")
    ax.plot(x, table["value"], color=PALETTE[0], lw=1.2, marker="o", ms=4, label="value")
    if run.any():
        ax.plot(
            x[run],
            table["value"][run],
            ls="",
            marker="o",
            ms=9,
            mfc="none",
            mec=PALETTE[4],
            mew=2,
            label="run rule",
        )
    if beyond.any():
        ax.plot(
            x[beyond],
            table["value"][beyond],
            ls="",
            marker="D",
            ms=7,
            color=PALETTE[1],
            label="beyond the limits",
        )
    if chart.baseline < len(table):
        ax.axvline(x[chart.baseline - 1], color="#555555", ls=":", lw=1)
        ax.annotate("baseline until here", (x[chart.baseline - 1], 1), xycoords=("data", "axes fraction"), xytext=(-4, -4),
                    textcoords="offset points", ha="right", va="top", fontsize=9)  # fmt: skip
    ax.set(ylabel=ylabel, xlabel=x.name or "period")
    if hasattr(x, "year"):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        ax.xaxis.set_major_locator(locator := AutoDateLocator())
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncol=5,
        fontsize=9,
        handletextpad=0.5,
        columnspacing=1.2,
    )

    def named(which: Any) -> str:
        labels = [str(getattr(label, "date", lambda label=label: label)()) for label in x[which]]
        return ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "") or "none"

    caption(
        ax,
        f"{chart.kind} of {len(table)} periods{': ' + ylabel if ylabel else ''}: centre "
        f"{chart.centre:.4g}, limits from {table['lower'].min():.4g} to {table['upper'].max():.4g} at their widest. Beyond the "
        f"limits: {named(beyond)}. Run rules only: {named(run)}.",
    )
    return ax


def quadrants(
    result: Quadrants, *, xlabel: str = "Importance", ylabel: str = "Performance", ax: Axes | None = None
) -> Axes:
    """Draw importance-performance analysis: attributes as points, cut lines, the four quadrants named.

    Parameters
    ----------
    result
        What `satisfaction.quadrants` returned.
    xlabel, ylabel
        Say how importance was found and in which units both are.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots, satisfaction
    >>> ipa = satisfaction.quadrants(pd.Series({"speed": 6.1, "rooms": 4.2}), pd.Series({"speed": 4.8, "rooms": 5.6}))
    >>> print(plots.quadrants(ipa).figure.get_label()[-72:])
    Concentrate here: speed (6.1, 4.8). Possible overkill: rooms (4.2, 5.6).
    """
    ax = _axes(ax)
    table = result.table
    ax.margins(0.18)
    ax.scatter(table["importance"], table["performance"], color=PALETTE[0], zorder=3)
    ax.axvline(result.importance_cut, color="#555555", lw=1)
    ax.axhline(result.performance_cut, color="#555555", lw=1)
    ax.grid(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    corners = {
        "concentrate here": (1, 0),
        "keep up the good work": (1, 1),
        "low priority": (0, 0),
        "possible overkill": (0, 1),
    }
    for name, (right, top) in corners.items():
        ax.annotate(name.capitalize(), (right, top), xycoords="axes fraction", xytext=(4 - 8 * right, 4 - 8 * top), fontsize=10,
                    textcoords="offset points", ha="right" if right else "left", va="top" if top else "bottom", color="#777777")  # fmt: skip
    cuts = result.importance_cut, result.performance_cut
    cross = [((cuts[0],) * 2, ax.get_ylim()), (ax.get_xlim(), (cuts[1],) * 2)]
    _label_points(ax, table["importance"], table["performance"], table.index, cross)
    groups = (
        f"{name.capitalize()}: "
        + ", ".join(
            f"{label} ({row['importance']:.3g}, {row['performance']:.3g})" for label, row in part.iterrows()
        )
        for name, part in table.groupby("quadrant", sort=False)
    )
    caption(
        ax,
        f"Importance and performance of {len(table)} attributes, cut at {result.rule} ({result.importance_cut:.3g}, "
        f"{result.performance_cut:.3g}). {'. '.join(groups)}.",
    )
    return ax


def kano(table: DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw better against worse coefficients of the features of a Kano survey, coloured by category.

    Parameters
    ----------
    table
        What `satisfaction.kano` returned.
    """
    ax = _axes(ax, figsize=(7.2, 5.0))
    ax.set(
        xlim=(0.02, -1.02),
        ylim=(-0.02, 1.02),
        xlabel="Worse: loss of satisfaction without it",
        ylabel="Better: gain with it",
    )
    ax.axvline(-0.5, color="#999999", lw=1)
    ax.axhline(0.5, color="#999999", lw=1)
    ax.grid(False)
    colours = dict(
        zip(("must-be", "one-dimensional", "attractive", "indifferent", "reverse"), PALETTE, strict=False)
    )
    for (category, part), marker in zip(table.groupby("category", sort=False), "osD^v", strict=False):
        ax.scatter(
            part["worse"],
            part["better"],
            color=colours[category],
            marker=marker,
            s=45,
            label=category,
            zorder=3,
        )
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=5, fontsize=9, columnspacing=1.2)
    _label_points(
        ax, table["worse"], table["better"], table.index, [((-0.5, -0.5), (0, 1)), ((0, -1), (0.5, 0.5))]
    )
    points = "; ".join(
        f"{name} {row['category']} (better {row['better']:.2f}, worse {row['worse']:.2f})"
        for name, row in table.iterrows()
    )
    caption(
        ax,
        f"Better and worse coefficients of {len(table)} features, with the most frequent category: {points}.",
    )
    return ax


def gaps(table: DataFrame, *, unit: str = "points", ax: Axes | None = None) -> Axes:
    """Draw expected and perceived service, and the gap between them, by dimension or item.

    Parameters
    ----------
    table
        With columns expected, perceived and gap, such as `satisfaction.Servqual.summary` returns.
    unit
        Of the answers.
    """
    ax = _axes(ax, figsize=(7.2, 0.9 + 0.42 * max(len(table), 3)))
    y = range(len(table))[::-1]
    for at, row in zip(y, table.itertuples(), strict=True):
        ax.plot(
            [row.expected, row.perceived],
            [at, at],
            color=PALETTE[1] if row.gap < 0 else PALETTE[2],
            lw=3,
            zorder=2,
        )
        ax.annotate(
            f"{row.gap:+.2f}",
            (max(row.expected, row.perceived), at),
            xytext=(9, -4),
            textcoords="offset points",
            fontsize=9,
        )
    ax.scatter(table["expected"], y, color="#333333", marker="|", s=160, label="expected", zorder=3)
    ax.scatter(table["perceived"], y, color=PALETTE[0], s=40, label="perceived", zorder=3)
    ax.set_yticks(list(y), [str(name).replace("_", " ") for name in table.index])
    ax.margins(x=0.12, y=0.12)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"Mean answer ({unit})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, fontsize=9)
    named = ", ".join(
        f"{name} {row.gap:+.2f} ({row.expected:.2f} to {row.perceived:.2f})" for name, row in table.iterrows()
    )
    caption(ax, f"Perceived minus expected service in {unit} (from expected to perceived): {named}.")
    return ax


def nps(table: DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw net promoter scores with their intervals.

    Parameters
    ----------
    table
        One row per period or group, as `satisfaction.nps` returns it for a DataFrame.
    """
    ax = _axes(ax)
    spread = [table["nps"] - table["lower"], table["upper"] - table["nps"]]
    ax.errorbar(table.index, table["nps"], yerr=spread, fmt="o", color=PALETTE[0], ms=5, capsize=3, lw=1.2)
    ax.set(ylabel="Net promoter score (points)", xlabel=table.index.name or "")
    low, high = table["nps"].idxmin(), table["nps"].idxmax()
    caption(
        ax,
        f"Net promoter scores of {len(table)} samples with intervals: lowest {table['nps'].min():.1f} at "
        f"{str(low).removesuffix(' 00:00:00')} ({table.loc[low, 'lower']:.1f} to {table.loc[low, 'upper']:.1f}, {table.loc[low, 'answers']:.0f} "
        f"answers), highest {table['nps'].max():.1f} at {str(high).removesuffix(' 00:00:00')} ({table.loc[high, 'lower']:.1f} to "
        f"{table.loc[high, 'upper']:.1f}, {table.loc[high, 'answers']:.0f} answers).",
    )
    return ax


def delivered_value(table: DataFrame, offers: Sequence[str]) -> Figure:
    """Draw how the delivered value of offers adds up: values upwards, costs downwards, one waterfall per offer.

    Parameters
    ----------
    table
        What `satisfaction.delivered_value` returned.
    offers
        One to three of its rows.
    """
    import matplotlib.pyplot as plt

    if isinstance(offers, str):
        offers = [offers]
    if not 1 <= len(offers) <= 3:
        raise ValueError(f"offers must name one to three offers, found {len(offers)}.")
    if lost := [name for name in offers if name not in table.index]:
        raise ValueError(f"table has no offer {lost[0]!r}. It has: {', '.join(map(str, table.index))}.")
    parts = [c for c in table.columns if c not in ("total_value", "total_cost", "delivered_value")]
    figure, panels = plt.subplots(
        1, len(offers), sharex=True, sharey=True, squeeze=False, figsize=(7.2, 3.9), layout="constrained"
    )
    for ax, name in zip(panels[0], offers, strict=True):
        level = 0.0
        for at, part in enumerate(parts):
            step = table.loc[name, part] * (1 if part.endswith("_value") else -1)
            ax.barh(at, step, left=level, color=PALETTE[2] if step >= 0 else PALETTE[1])
            level += step
        ax.barh(len(parts), level, color=PALETTE[0])
        ax.annotate(
            f"{level:.0f}",
            (max(level, 0), len(parts)),
            xytext=(4, -4),
            textcoords="offset points",
            fontsize=10,
        )
        ax.axvline(0, color="#333333", lw=0.8)
        ax.use_sticky_edges = False  # leave room beside the longest bar
        ax.margins(x=0.08)
        ax.set(title=str(name).replace("_", " "), xlabel="yuan")
        ax.grid(axis="y", visible=False)
    panels[0, 0].set_yticks(range(len(parts) + 1), [c.replace("_", " ") for c in [*parts, "delivered_value"]])
    panels[0, 0].invert_yaxis()
    sums = "; ".join(
        f"{name}: values {table.loc[name, 'total_value']:.0f} less costs {table.loc[name, 'total_cost']:.0f} leave "
        f"{table.loc[name, 'delivered_value']:.0f}"
        for name in offers
    )
    caption(figure, f"Delivered value of offers in yuan, component by component. {sums}.")
    return figure


def value_map(
    fit: RegressionResults,
    offers: Sequence[str],
    *,
    xlabel: str = "Price (yuan)",
    ylabel: str = "Perceived benefit (1 to 10)",
    ax: Axes | None = None,
) -> Axes:
    """Draw offers by price and benefit, with the fair-value line from which their distances are taken.

    Parameters
    ----------
    fit
        A fitted statsmodels regression of benefit on price, such as ``smf.ols("benefit ~ price", data).fit()``.
    offers
        Their names, in the order of the rows.
    """
    ax = _axes(ax)
    price, benefit = fit.model.exog[:, -1], fit.model.endog
    order = price.argsort()
    ax.plot(price[order], fit.fittedvalues.to_numpy()[order], color="#555555", lw=1.5, label="fair value")
    for x, y, distance in zip(price, benefit, fit.resid, strict=True):
        ax.plot([x, x], [y, y - distance], color=PALETTE[2] if distance >= 0 else PALETTE[1], lw=2)
    ax.scatter(price, benefit, color=PALETTE[0], zorder=3)
    ax.margins(0.15)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="lower right", fontsize=9)
    ends = order[[0, -1]]
    _label_points(ax, price, benefit, offers, [(price[ends], fit.fittedvalues.to_numpy()[ends])])
    named = ", ".join(f"{name} {distance:+.2f}" for name, distance in zip(offers, fit.resid, strict=True))
    caption(
        ax,
        f"Value map of {len(price)} offers. The fair-value line rises by {fit.params.iloc[-1]:.4f} per unit of price; distance above (+) or below it: {named}.",
    )
    return ax


# --- life cycle ----------------------------------------------------------------------------------------------------


def matrices(tables: Mapping[str, DataFrame], *, unit: str = "% of the row") -> Figure:
    """Draw matrices of probabilities side by side: rows from, columns to, shading and numbers in percent.

    Parameters
    ----------
    tables
        Title of each panel and its matrix, all with the same rows and columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> stages = ["stability", "decline"]
    >>> matrix = pd.DataFrame([[0.97, 0.03], [0.20, 0.80]], stages, stages)
    >>> print(plots.matrices({"counted": matrix}).get_label()[-36:])
    unted: stability 97.0, decline 80.0.
    """
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1, len(tables), figsize=(3.5 * len(tables), 3.3), sharey=True, squeeze=False
    )
    for ax, (title, table) in zip(panels[0], tables.items(), strict=True):
        ax.imshow(table, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        for i, j in ((i, j) for i in range(len(table)) for j in range(table.shape[1])):
            p = table.iloc[i, j]
            ax.text(
                j,
                i,
                f"{100 * p:.1f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if p > 0.5 else "black",
            )
        ax.set(title=title, xlabel="to")
        ax.set_xticks(
            range(table.shape[1]), table.columns, rotation=45, ha="right", rotation_mode="anchor", fontsize=9
        )
        ax.set_yticks(range(len(table)), table.index, fontsize=9)
        ax.grid(False)
    panels[0, 0].set_ylabel("from")
    stays = (
        f"{title}: "
        + ", ".join(f"{s} {100 * table.loc[s, s]:.1f}" for s in table.index if s in table.columns)
        for title, table in tables.items()
    )
    caption(figure, f"Moves in one month, {unit}. Months that stay in their stage: {'; '.join(stays)}.")
    return figure


def intervals(
    tables: Mapping[str, DataFrame],
    *,
    reference: float | None = None,
    xlabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates with their intervals as dots and lines, one row per group, one colour per table.

    Parameters
    ----------
    tables
        Name of each way to estimate, and a table with columns estimate, lower, upper, the same groups in the index.
    reference
        Where a vertical line is drawn, such as 1 yuan per yuan.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> table = pd.DataFrame({"estimate": [1.5], "lower": [0.5], "upper": [2.5]}, ["formation"])
    >>> print(plots.intervals({"wave": table}, xlabel="Yuan per yuan").figure.get_label())
    Yuan per yuan, with intervals. wave: formation 1.50 (0.50 to 2.50).
    """
    ax = _axes(ax)
    for k, (name, table) in enumerate(tables.items()):
        place = [i + 0.22 * (k - (len(tables) - 1) / 2) for i in range(len(table))]
        ax.hlines(place, table["lower"], table["upper"], color=PALETTE[k], lw=2)
        ax.plot(table["estimate"], place, "o", color=PALETTE[k], label=name)
    if reference is not None:
        ax.axvline(reference, color="#333333", lw=1, ls="--")
    ax.set_yticks(range(len(table)), [str(g).replace("_", " ") for g in table.index])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set(xlabel=xlabel)
    ax.grid(axis="y", visible=False)
    if len(tables) > 1:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=len(tables), fontsize=9)
    said = (
        f"{name}: "
        + ", ".join(
            f"{g} {r['estimate']:.2f} ({r['lower']:.2f} to {r['upper']:.2f})" for g, r in table.iterrows()
        )
        for name, table in tables.items()
    )
    caption(ax, f"{xlabel or 'Estimates'}, with intervals. {'; '.join(said)}.")
    return ax


def bridge(steps: Series, *, unit: str = "yuan", ax: Axes | None = None) -> Axes:
    """Draw how one total became another: first and last bar from zero, gains and losses hanging in between.

    Parameters
    ----------
    steps
        First total, steps that add up, last total, each with its name.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> steps = pd.Series({"2024": 10, "lost": -4, "new": 3, "2025": 9})
    >>> print(plots.bridge(steps, unit="thousand yuan").figure.get_label())
    Bridge in thousand yuan: 2024 10, lost -4, new +3, 2025 9.
    """
    ax = _axes(ax)
    names, values = list(steps.index), list(steps)
    level = 0.0
    for i, value in enumerate(values):
        whole = i in (0, len(values) - 1)
        start = 0.0 if whole else level
        color = PALETTE[0] if whole else PALETTE[2] if value >= 0 else PALETTE[1]
        ax.bar(i, value, bottom=start, color=color, width=0.6)
        text = f"{value:,.0f}" if whole else f"{value:+,.0f}"
        ax.annotate(
            text, (i, max(start, start + value)), (0, 3), textcoords="offset points", ha="center", fontsize=9
        )
        level = start + value
    ax.set_xticks(range(len(names)), names)
    ax.set(ylabel=unit.capitalize())
    low, high = ax.get_ylim()
    ax.set_ylim(low if low < 0 else 0, 1.06 * high)  # room for the numbers
    ax.grid(axis="x", visible=False)
    said = [
        f"{n} {v:,.0f}" if i in (0, len(names) - 1) else f"{n} {v:+,.0f}"
        for i, (n, v) in enumerate(steps.items())
    ]
    caption(ax, f"Bridge in {unit}: {', '.join(said)}.")
    return ax


def occupancy(shares: DataFrame, *, xlabel: str = "Months from now", ax: Axes | None = None) -> Axes:
    """Draw shares that add up to one as stacked areas, a row of `shares` for each moment.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> shares = pd.DataFrame({"stability": [1.0, 0.8], "lost": [0.0, 0.2]}, [0, 12])
    >>> print(plots.occupancy(shares).figure.get_label())
    Stacked shares. Months from now 0: stability 100%, lost 0%. 12: stability 80%, lost 20%.
    """
    ax = _axes(ax)
    colors = [*PALETTE[: shares.shape[1] - 1], "#bbbbbb"]
    ax.stackplot(shares.index, shares.T, labels=[str(c) for c in shares.columns], colors=colors)
    ax.set(xlabel=xlabel, ylabel="Share", ylim=(0, 1), xlim=(shares.index[0], shares.index[-1]))
    ax.grid(False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=shares.shape[1], fontsize=9)
    ends = (
        f"{when}: " + ", ".join(f"{s} {p:.0%}" for s, p in shares.loc[when].items())
        for when in shares.index[[0, -1]]
    )
    caption(ax, f"Stacked shares. {xlabel} {'. '.join(ends)}.")
    return ax


def pauses(minutes: Series, rules: Mapping[str, float], *, ax: Axes | None = None) -> Axes:
    """Draw how long the pauses between events are, on a logarithmic axis, with the rules that cut them.

    Parameters
    ----------
    minutes
        Pauses in minutes, above zero.
    rules
        Name of each rule and its limit in minutes.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> ax = plots.pauses(pd.Series([1, 2, 2, 5, 900, 40_000]), {"30 minutes": 30})
    >>> print(ax.figure.get_label())
    Histogram of 6 pauses between acts of a customer, logarithmic axis: 2 are longer than 30 minutes.
    """
    import numpy as np

    ax = _axes(ax)
    wide = 0.75 * 1.5 ** np.arange(40)  # every bin holds a whole minute
    ax.hist(minutes, bins=wide[: np.searchsorted(wide, minutes.max()) + 1], color=PALETTE[0])
    ax.set_xscale("log")
    for (name, limit), color in zip(rules.items(), PALETTE[1:], strict=False):
        ax.axvline(limit, color=color, lw=2, label=name)
    ticks = {1: "1 min", 10: "10 min", 60: "1 h", 600: "10 h", 1440: "1 d", 10080: "1 w", 100800: "10 w"}
    ax.set_xticks(list(ticks), list(ticks.values()), fontsize=9)
    ax.set_xticks([], minor=True)
    ax.set(xlabel="Pause before the next act", ylabel="Acts")
    ax.legend(fontsize=9)
    cuts = "; ".join(f"{(minutes > limit).sum():,} are longer than {name}" for name, limit in rules.items())
    caption(ax, f"Histogram of {len(minutes):,} pauses between acts of a customer, logarithmic axis: {cuts}.")
    return ax


def fitted(
    groups: DataFrame,
    curves: Mapping[str, Series],
    *,
    xlabel: str,
    ylabel: str,
    shade: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the means of groups as dots, and what models say as lines.

    Parameters
    ----------
    groups
        Two columns: mean of x and mean of y of every group.
    curves
        Name of each model, and its values by x.
    shade
        A range of x that is shaded grey.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> groups = pd.DataFrame({"gap": [-1.0, 1.0], "satisfaction": [5.6, 7.8]})
    >>> line = pd.Series([4.5, 8.9], [-2.0, 2.0])
    >>> print(plots.fitted(groups, {"line": line}, xlabel="Gap", ylabel="Satisfaction").figure.get_label())
    Satisfaction by gap. Means of 2 groups: 5.6 at -1, 7.8 at 1. Lines: line from 4.5 at -2 to 8.9 at 2.
    """
    ax = _axes(ax)
    if shade is not None:
        ax.axvspan(*shade, color="#eeeeee", zorder=0)
    for (name, curve), style in zip(curves.items(), ("-", "--", ":"), strict=False):
        ax.plot(curve.index, curve, style, label=name)
    x, y = (groups[c] for c in groups.columns[:2])
    ax.scatter(x, y, color="black", zorder=3, label="means of groups")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="upper left", fontsize=9)
    dots = ", ".join(f"{b:.3g} at {a:.3g}" for a, b in zip(x, y, strict=True))
    lines = "; ".join(
        f"{name} from {c.iloc[0]:.3g} at {c.index[0]:.3g} to {c.iloc[-1]:.3g} at {c.index[-1]:.3g}"
        for name, c in curves.items()
    )
    label = xlabel[:1].lower() + xlabel[1:]
    caption(ax, f"{ylabel} by {label}. Means of {len(groups)} groups: {dots}. Lines: {lines}.")
    return ax


def pareto(table: DataFrame, *, ylabel: str, ax: Axes | None = None) -> Axes:
    """Draw a Pareto chart: causes by frequency, and the share that the first ones make together.

    Parameters
    ----------
    table
        One row per cause, the most frequent first, with columns count and cumulative (shares).
    ylabel
        What is counted.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> table = pd.DataFrame({"count": [60, 40], "cumulative": [0.6, 1.0]}, ["late", "broken"])
    >>> print(plots.pareto(table, ylabel="Parcels").figure.get_label())
    Pareto chart. Parcels by cause, and cumulative share: late 60 (60%), broken 40 (100%).
    """
    ax = _axes(ax)
    place = range(len(table))
    ax.bar(place, table["count"])
    ax.set_xticks(place, [str(name).replace("_", " ") for name in table.index])
    ax.set_ylabel(ylabel)
    ax.grid(False, axis="x")
    right = ax.twinx()
    right.plot(place, table["cumulative"], color="black", marker="o", lw=1)
    right.set(ylim=(0, 1.05), ylabel="Cumulative share")
    right.grid(False)
    right.spines["right"].set_visible(True)
    named = ", ".join(
        f"{name} {row['count']:,.0f} ({row['cumulative']:.0%})" for name, row in table.iterrows()
    )
    caption(ax, f"Pareto chart. {ylabel} by cause, and cumulative share: {named}.")
    return ax


def touchpoints(
    mean: DataFrame, count: DataFrame, *, scale: tuple[float, float], ax: Axes | None = None
) -> Axes:
    """Draw mean ratings by channel (rows) and step of the journey (columns), with the number of ratings.

    Parameters
    ----------
    mean, count
        Mean and number of ratings; an empty mean is a step that the channel does not have.
    scale
        Ends of the colours.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> mean = pd.DataFrame({"enquiry": [4.1, 3.9], "delivery": [None, 2.6]}, ["shop", "app"], dtype=float)
    >>> count = pd.DataFrame({"enquiry": [90, 60], "delivery": [0, 45]}, ["shop", "app"])
    >>> print(plots.touchpoints(mean, count, scale=(2, 5)).figure.get_label())
    Mean ratings by channel and step (number of ratings). shop: enquiry 4.10 (90). app: enquiry 3.90 (60), delivery 2.60 (45).
    """
    import seaborn as sns

    ax = _axes(ax, figsize=(7.2, 0.8 + 0.65 * len(mean)))
    text = mean.copy().astype(object)
    said = []
    for channel in mean.index:
        steps = {
            s: (mean.loc[channel, s], count.loc[channel, s])
            for s in mean
            if mean.loc[channel, s] == mean.loc[channel, s]
        }
        text.loc[channel] = [
            f"{steps[s][0]:.2f}\n{steps[s][1]:.0f} ratings" if s in steps else "" for s in mean
        ]
        said.append(f"{channel}: " + ", ".join(f"{s} {m:.2f} ({n:.0f})" for s, (m, n) in steps.items()))
    sns.heatmap(
        mean,
        annot=text,
        fmt="",
        vmin=scale[0],
        vmax=scale[1],
        cmap="cividis",
        linewidths=1,
        ax=ax,
        cbar_kws={"label": "Mean rating"},
    )
    ax.set(xlabel="", ylabel="")
    ax.set_xticks(ax.get_xticks(), [str(s).replace("_", " ") for s in mean])
    ax.set_yticks(ax.get_yticks(), [str(c) for c in mean.index], rotation=0)
    ax.grid(False)
    caption(ax, f"Mean ratings by channel and step (number of ratings). {'. '.join(said)}.")
    return ax


def crossed(
    data: DataFrame,
    cuts: Sequence[float],
    corners: Mapping[str, tuple[int, int]],
    *,
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw many points by two measures, the second on a logarithmic axis that bends at 100, with a cut in each.

    Parameters
    ----------
    data
        Two columns: x, and y.
    cuts
        Where the two lines run.
    corners
        Name of a quadrant -> (right, top), such as ``{"under-served": (0, 1)}``.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> data = pd.DataFrame({"value": [3.0, 8.0], "yuan": [900.0, 40.0]})
    >>> ax = plots.crossed(data, (5, 200), {"under-served": (0, 1)}, xlabel="Value", ylabel="Yuan")
    >>> print(ax.figure.get_label())
    Yuan against value of 2 customers, cut at 5 and 200. Upper left 1, upper right 0, lower left 0, lower right 1.
    """
    ax = _axes(ax)
    x, y = (data[c] for c in data.columns[:2])
    ax.scatter(x, y, s=12, alpha=0.6)
    ax.set_yscale("symlog", linthresh=100)
    ax.axvline(cuts[0], color="#555555", lw=1)
    ax.axhline(cuts[1], color="#555555", lw=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    for name, (right, top) in corners.items():
        ax.annotate(name, (right, top), xycoords="axes fraction", xytext=(5 - 10 * right, 5 - 10 * top), color="#555555",
                    textcoords="offset points", ha="right" if right else "left", va="top" if top else "bottom",
                    bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.5})  # fmt: skip
    high, far = y >= cuts[1], x >= cuts[0]
    counted = {
        "Upper left": high & ~far,
        "upper right": high & far,
        "lower left": ~high & ~far,
        "lower right": ~high & far,
    }
    named = ", ".join(f"{place} {part.sum()}" for place, part in counted.items())
    label = xlabel[:1].lower() + xlabel[1:]
    caption(
        ax,
        f"{ylabel} against {label} of {len(data)} customers, cut at {cuts[0]:.3g} and {cuts[1]:.3g}. {named}.",
    )
    return ax


def record(table: DataFrame, states: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw the stages of one account over time: the first column as dots, the second as a line of steps.

    Parameters
    ----------
    table
        One row per month in order, two columns with the names of states.
    states
        The states from bottom to top.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlab import plots
    >>> months = pd.date_range("2025-01-01", periods=3, freq="MS")
    >>> table = pd.DataFrame({"read": list("aba"), "model": list("aaa")}, months)
    >>> print(plots.record(table, ["a", "b"]).figure.get_label())
    Stages over 3 months. read: 2 changes, model: 0 changes.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ax = _axes(ax)
    read, model = table.columns
    height = {state: i for i, state in enumerate(states)}
    ax.plot(table.index, [height[s] for s in table[read]], "o", color=PALETTE[1], label=str(read))
    ax.step(table.index, [height[s] for s in table[model]], where="mid", color=PALETTE[0], label=str(model))
    ax.set_yticks(range(len(states)), states)
    ax.set_ylim(-0.5, len(states) - 0.5)
    ax.xaxis.set_major_locator(ticks := AutoDateLocator(maxticks=8))
    ax.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2, fontsize=9)
    changes = (f"{c}: {sum(a != b for a, b in pairwise(table[c]))} changes" for c in table.columns)
    caption(ax, f"Stages over {len(table)} months. {', '.join(changes)}.")
    return ax
