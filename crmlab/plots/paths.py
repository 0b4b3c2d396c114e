"""Path diagrams: boxes for latent variables, arrows for the paths between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.plots import _axes
from crmlab.plots.style import PALETTE, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crmlab.pls import PLSBootstrap, PLSResult

_GREY = "#888888"
_DASHED = (0, (3, 2))
_SHARES = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2)  # of an arrow, for its number


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
    result : PLSResult
        A fitted `crmlab.pls.PLSPathModel`.
    layout : mapping of str to (float, float)
        Place (x, y) of every latent variable in any unit, x to the right, y up; `satisfaction.acsi.layout`
        and its kin.
    bootstrap : PLSBootstrap, optional
        Of this result. Arrows whose 95 % percentile interval contains 0 are dashed and grey.
    notes : mapping of str to str, optional
        Latent variable -> what its box says in the place of R².
    title : str
        Above the diagram and first in the caption.
    ax : Axes, optional
        Where to draw: for several diagrams in one figure.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        If `layout` lacks a latent variable or puts two in one place, `bootstrap` is of another model, or the
        boxes do not fit.

    Examples
    --------
    >>> from crmlab import datasets, plots, satisfaction
    >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
    >>> ax = plots.path_diagram(satisfaction.scsb.model(survey).fit(), satisfaction.scsb.layout)
    >>> ax.figure.get_label()[:60]
    'Path diagram with standardised coefficients. expectation → p'
    """
    places = _places(layout, _latents(result))
    doubtful = _doubtful(result, bootstrap)
    texts = _notes(result, notes)
    strength = _strengths(result)
    size = _size(ax)
    boxes = _fit(size - (0, 0.3 * bool(title)), places, texts)
    ends = {path: _ends(boxes, path) for path in strength}
    _refuse_hidden(boxes, ends)
    given = ax
    ax = _canvas(ax, size)
    if title:
        ax.text(0.05, size[1] - 0.05, literal(title), fontsize=12, va="top")
    _draw_boxes(ax, boxes, texts)
    _draw_arrows(ax, boxes, ends, strength, doubtful)
    _draw_numbers(ax, boxes, ends, strength)
    text = f"{title}: path" if title else "Path"
    text += f" diagram with standardised coefficients. {_listed(strength)}. {_said_in_boxes(result, notes)}."
    if bootstrap is not None:
        named = ", ".join(f"{a} → {b}" for a, b in doubtful) or "none"
        text += f" Dashed, because the 95 % interval contains 0: {named}."
    _axes.describe(ax, text, given)
    return ax


def what_if(
    result: PLSResult,
    layout: Mapping[str, tuple[float, float]],
    before: pd.Series,
    after: pd.Series,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a path model with every index before and after some are raised.

    Parameters
    ----------
    result : PLSResult
        A fitted `crmlab.pls.PLSPathModel`.
    layout : mapping of str to (float, float)
        As for `path_diagram`.
    before, after : Series
        The index (0 to 100) of every latent variable, such as ``result.index(1, 10)``, and what
        ``result.what_if(…)`` adds to it.
    title : str
        Above the diagram and first in the caption, such as what was raised.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With the caption attached.

    Raises
    ------
    TypeError, ValueError
        As `path_diagram`; if `before` or `after` lacks a latent variable.

    Examples
    --------
    >>> from crmlab import datasets, plots, satisfaction
    >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
    >>> result = satisfaction.scsb.model(survey).fit()
    >>> before = result.index(1, 10)
    >>> after = before + result.what_if({"performance": 5})
    >>> ax = plots.what_if(result, satisfaction.scsb.layout, before, after)
    >>> ax.figure.get_label()[-44:]
    'complaints 64.9 → 65.8, loyalty 67.9 → 69.0.'
    """
    names = _latents(result)
    sides = {"before": before, "after": after}
    values = {
        side: _check.numeric(_check.by_label(index, names, side), side) for side, index in sides.items()
    }
    table = pd.DataFrame(values, names).map("{:.1f}".format)
    same = table["before"] == table["after"]
    notes = table["before"].where(same, table["before"] + " → " + table["after"])
    return path_diagram(result, layout, notes=notes.to_dict(), title=title, ax=ax)


def _latents(result: object) -> list[str]:
    from crmlab.pls import PLSResult

    if not isinstance(result, PLSResult):
        raise TypeError(f"result must be a fitted PLSPathModel, found {type(result).__name__}.")
    return list(result.r_squared.index)


def _places(layout: object, names: Iterable[str]) -> pd.DataFrame:
    """Return x and y of every latent variable."""
    if not isinstance(layout, Mapping):
        raise TypeError(f"layout must map latent variables to places (x, y), found {type(layout).__name__}.")
    rows = {}
    for name in names:
        if name not in layout:
            raise ValueError(f"layout has no place for {name!r}: add it as {{{name!r}: (x, y)}}.")
        if not isinstance(layout[name], tuple | list) or len(layout[name]) != 2:
            raise ValueError(f"layout[{name!r}] must be a place (x, y), found {layout[name]!r}.")
        rows[name] = [_check.number(value, f"layout[{name!r}]") for value in layout[name]]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["x", "y"])
    if (twice := table.duplicated()).any():
        raise ValueError(f"layout puts {twice.idxmax()!r} where another latent variable stands.")
    return table


def _doubtful(result: PLSResult, bootstrap: PLSBootstrap | None) -> list[tuple]:
    """Return the paths whose 95 % interval contains 0."""
    from crmlab.pls import PLSBootstrap

    if bootstrap is None:
        return []
    if not isinstance(bootstrap, PLSBootstrap):
        raise TypeError(
            f"bootstrap must be what result.bootstrap(…) returned, found {type(bootstrap).__name__}."
        )
    interval = bootstrap.summary()
    strength = _strengths(result)
    if set(interval.index) != set(strength) or not np.allclose(
        interval["estimate"][list(strength)], [*strength.values()]
    ):
        raise ValueError("bootstrap is of another model or survey: give result.bootstrap(…) of this result.")
    return list(interval.index[(interval["lower"] <= 0) & (interval["upper"] >= 0)])


def _notes(result: PLSResult, notes: Mapping[str, str] | None) -> dict[str, str]:
    """Return what the box of every latent variable says: its name, and R² or a note below."""
    r_squared = result.r_squared
    if notes is None:
        notes = {name: f"$R^2$ = {r_squared[name]:.2f}" for name in _explained(result)}
    else:
        if not isinstance(notes, Mapping):
            raise TypeError(f"notes must map latent variables to texts, found {type(notes).__name__}.")
        for name in notes:
            _check.choice(name, r_squared.index, "notes")
        notes = {name: literal(note) for name, note in notes.items()}
    return {name: f"{literal(name)}\n{notes.get(name, '')}".strip() for name in r_squared.index}


def _explained(result: PLSResult) -> list[str]:
    """Return the latent variables that an arrow points at."""
    return list(dict.fromkeys(end for _, end in result.model.paths))


def _strengths(result: PLSResult) -> dict[tuple, float]:
    """Return the coefficient of every path."""
    coefficients = result.path_coefficients
    return {(start, end): coefficients.loc[start, end] for start, end in result.model.paths}


def _size(ax: Axes | None) -> np.ndarray:
    """Return width and height of the Axes given, or of a new figure, in inches."""
    import matplotlib

    if ax is None:
        return np.array(matplotlib.rcParams["figure.figsize"])
    frame = _axes.checked(ax).get_position()
    return ax.get_figure(root=True).get_size_inches() * (frame.width, frame.height)


def _canvas(ax: Axes | None, size: np.ndarray) -> Axes:
    """Return empty Axes in which one unit is an inch."""
    import matplotlib.pyplot as plt

    ax = plt.figure(figsize=size).add_axes((0, 0, 1, 1)) if ax is None else ax
    ax.set(xlim=(0, size[0]), ylim=(0, size[1]))
    ax.axis("off")
    return ax


class _Boxes(NamedTuple):
    centres: dict[str, np.ndarray]
    half: np.ndarray  # half of width and height, the same for all
    size: float  # of the letters, in points

    def around(self, name: str) -> tuple:
        """Return left, bottom, right and top of a box."""
        return (*(self.centres[name] - self.half), *(self.centres[name] + self.half))


def _fit(free: np.ndarray, places: pd.DataFrame, texts: Mapping[str, str]) -> _Boxes:
    """Return boxes with the largest letters with which no two overlap; `free` is in inches."""
    low = places.min()
    share = ((places - low) / (places.max() - low)).fillna(0.5)  # in the middle where all are in one line
    largest = np.clip(1.35 * free[0] + 2.8, 5, 11)
    lines = [text.split("\n") for text in texts.values()]
    high = 0.2 + 0.625 * max(2, *map(len, lines))  # half of a box, in heights of a letter
    for size in np.arange(largest, 4.9, -0.5):
        longest = max(_inches(line, size) for text in lines for line in text)
        half = np.array([longest / 2 + 0.1, high * size / 72])
        room = free - 2 * half - 0.1
        centres = share.to_numpy() * room + half + 0.05
        boxes = _Boxes(dict(zip(places.index, centres, strict=True)), half, size)
        if (room >= 0).all() and not _collide(boxes):
            return boxes
    raise ValueError("the boxes do not fit: shorten the names, spread the layout, or give larger Axes.")


def _inches(text: str, size: float) -> float:
    """Return how wide a text is drawn."""
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text or " ", size=size).get_extents().width / 72


def _collide(boxes: _Boxes) -> bool:
    wider = boxes._replace(half=boxes.half + 0.08)  # room for the head of an arrow
    frames = [wider.around(name) for name in boxes.centres]
    return any(_axes.overlap(frame, other) for i, frame in enumerate(frames) for other in frames[:i])


def _refuse_hidden(boxes: _Boxes, ends: Mapping) -> None:
    """Raise ValueError if an arrow runs behind the box of a third latent variable: one could not read it."""
    for path, points in ends.items():
        way = np.linspace(*points, 60)
        for name, centre in boxes.centres.items():
            if name not in path and (np.abs(way - centre) < boxes.half).all(axis=1).any():
                raise ValueError(
                    f"the arrow {' → '.join(path)} runs behind {name}: move {name} in the layout, "
                    "or give larger Axes."
                )


def _draw_boxes(ax: Axes, boxes: _Boxes, texts: Mapping[str, str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    look = {"boxstyle": "round,pad=0,rounding_size=0.08", "fc": "#eef3f8", "ec": "#333333", "zorder": 3}
    for name, centre in boxes.centres.items():
        ax.add_patch(FancyBboxPatch(centre - boxes.half, *(2 * boxes.half), **look))
        words = {"ha": "center", "va": "center", "fontsize": boxes.size, "linespacing": 1.25, "zorder": 4}
        ax.text(*centre, texts[name], **words)


def _ends(boxes: _Boxes, path: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return where an arrow leaves one box and meets the other."""
    a, b = (boxes.centres[name] for name in path)
    reach = boxes.half / np.maximum(np.abs(b - a), 1e-9)  # share of the way that lies in a box
    edge = reach.min() + 0.03 / np.hypot(*(b - a))
    return a + edge * (b - a), b - edge * (b - a)


def _draw_arrows(ax: Axes, boxes: _Boxes, ends: Mapping, strength: Mapping, doubtful: Iterable) -> None:
    from matplotlib.patches import FancyArrowPatch

    for path, value in strength.items():
        colour = _GREY if path in doubtful else PALETTE[0] if value >= 0 else PALETTE[1]
        look = {"color": colour, "ls": _DASHED if path in doubtful else "-", "arrowstyle": "-|>", "zorder": 1}
        width = 0.7 + 0.55 * boxes.size * min(abs(value), 1)
        head = 9 + 9 * abs(value)
        ax.add_patch(
            FancyArrowPatch(*ends[path], lw=width, mutation_scale=head, shrinkA=0, shrinkB=0, **look)
        )


def _draw_numbers(ax: Axes, boxes: _Boxes, ends: Mapping, strength: Mapping) -> None:
    """Write each number where it covers the least; short arrows choose first."""
    size = boxes.size - 1
    half = np.array([1.35, 0.65]) * size / 72
    taken = [boxes.around(name) for name in boxes.centres]
    ways = {path: np.linspace(*points, 60) for path, points in ends.items()}
    for path in sorted(ends, key=lambda path: np.hypot(*(ends[path][1] - ends[path][0]))):
        others = [way for other, way in ways.items() if other != path]
        at = _clear_place(ends[path], half, taken, np.concatenate(others) if others else np.empty((0, 2)))
        taken.append((*(at - half), *(at + half)))
        ground = {"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none"}
        look = {"ha": "center", "va": "center", "fontsize": size, "zorder": 5, "bbox": ground}
        ax.text(*at, f"{strength[path]:.2f}", **look)


def _clear_place(ends: tuple, half: np.ndarray, taken: list[tuple], others: np.ndarray) -> np.ndarray:
    best = None
    for share in _SHARES:
        at = ends[0] + share * (ends[1] - ends[0])
        around = (*(at - 1.1 * half), *(at + 1.1 * half))
        shared = sum(_axes.overlap(around, other) for other in taken)
        covered = np.all(np.abs(others - at) < half + 0.07, axis=1).sum() / 60
        cost = 20 * shared + covered + 0.1 * abs(share - 0.5)
        if best is None or cost < best[0]:
            best = (cost, at)
    return best[1]


def _listed(strength: Mapping[tuple, float]) -> str:
    return ", ".join(f"{a} → {b} {value:.2f}" for (a, b), value in strength.items())


def _said_in_boxes(result: PLSResult, notes: Mapping[str, str] | None) -> str:
    if notes is not None:
        return f"In the boxes: {', '.join(f'{name} {note}' for name, note in notes.items()) or 'names'}"
    r_squared = result.r_squared
    return f"R²: {', '.join(f'{name} {r_squared[name]:.2f}' for name in _explained(result))}"
