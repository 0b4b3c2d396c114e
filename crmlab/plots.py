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
from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
