"""The style of the workbook's figures, and how a figure is shown with its caption and alternative text."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from crmlab._results import ReadOnly

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, darkest first: distinct for colour-blind readers, the first four also legible as
# lines on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

STYLE: Mapping[str, Any] = ReadOnly(
    {
        # inches: the width of a notebook's column, so that nothing is scaled down
        "figure.figsize": (7.2, 4.0),
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

    Call it once in the first cell of a notebook; importing `crmlab.plots` changes nothing. For one figure
    only, write ``with matplotlib.rc_context(plots.STYLE): …``.

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


def literal(text: object) -> str:
    """Return a text that matplotlib draws as it is written, dollar signs included.

    Matplotlib reads what stands between two dollar signs as a formula.

    Parameters
    ----------
    text : object
        A name; what is no text is written as `str` has it.

    Returns
    -------
    str
        The text for a label, tick or legend.

    Examples
    --------
    >>> from crmlab import plots
    >>> print(plots.literal("price_$ to cost_$"))
    price_\\$ to cost_\\$
    """
    return str(text).replace("$", r"\$")


def caption(target: Axes | Figure, text: str) -> None:
    """Attach to a figure the sentence that says what it shows; `show` prints it.

    Parameters
    ----------
    target : Axes or Figure
        What was just drawn.
    text : str
        One or two sentences written from the numbers: what is drawn, the units, what stands out. It must make
        sense to a reader who cannot see the figure.

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
    target : Axes, Figure or seaborn grid
        The figure is closed afterwards, so the notebook does not show it again.
    text : str, optional
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
    display({"text/html": f"<p><small>{_as_html(text)}</small></p>", "text/plain": text}, raw=True)


def _figure(target: object) -> Figure:
    """Return the figure that Axes, a Figure, a part of one or a seaborn grid belongs to."""
    from matplotlib.figure import Figure, FigureBase

    figure = getattr(target, "figure", target)
    if isinstance(figure, FigureBase):
        figure = figure.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError(
            f"expected matplotlib Axes or a Figure, found {type(target).__name__}. "
            "Of several Axes give one, or their figure."
        )
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


def _as_html(text: str) -> str:
    # Notebooks typeset what stands between dollar signs or behind a backslash, unless these stand in tags of
    # their own.
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html.escape(text, quote=False))
