"""Sliders around a function that a cell beside them calls as well. A widget computes nothing.

ipywidgets is imported inside the function, so that `import crmlab.widgets` costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import Widget

__all__ = ["sliders"]


def sliders(
    function: Callable[..., Any],
    labels: Mapping[str, str] | None = None,
    /,
    **ranges: tuple[float, float, float, float],
) -> Widget:
    """Return a slider for each argument of `function`, with what it returns below.

    Parameters
    ----------
    function : callable
        What an ordinary cell beside the widget calls with the default values; it returns a table or the Axes
        of a figure.
    labels : mapping of str to str, optional
        Argument -> what stands beside its slider.
    **ranges : (float, float, float, float)
        Argument -> (smallest, largest, step, start). The result changes when a slider is let go. Where all
        four are whole numbers, the function gets whole numbers.

    Returns
    -------
    Widget
        To be the last expression of a cell.

    Raises
    ------
    TypeError, ValueError
        If there is no range, one is not made of four numbers in order, or `labels` names an argument without
        a range.

    Examples
    --------
    >>> from crmlab import widgets
    >>> widgets.sliders(lambda months: months, months=(0, 60, 6, 99))
    Traceback (most recent call last):
    ...
    ValueError: months=(0, 60, 6, 99): give smallest, largest, step and start, such as (0, 60, 6, 24).
    """
    import ipywidgets

    from crmlab import _check

    if not callable(function):
        raise TypeError(f"give a function, found {type(function).__name__}.")
    if not ranges:
        raise ValueError("give a range for each argument, such as months=(0, 60, 6, 24).")
    labels = {} if labels is None else labels
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels must map arguments to texts, found {type(labels).__name__}.")
    for name, label in labels.items():
        _check.choice(name, ranges, "labels")
        if not isinstance(label, str):
            raise TypeError(f"labels[{name!r}] must be text, found {type(label).__name__}.")
    made = {name: _slider(name, given, labels.get(name, name)) for name, given in ranges.items()}
    below = ipywidgets.Output()

    def update(_: object) -> None:
        try:
            below.outputs = _outputs(function, made)
        except Exception as error:  # inside a widget nobody would see it, and the old result would stay
            message = f"{type(error).__name__}: {error}\n"
            below.outputs = ({"output_type": "stream", "name": "stderr", "text": message},)

    # Set, not printed into: nbclient answers each message of an Output, and can then wait minutes for the
    # cell's end.
    below.outputs = _outputs(function, made)
    for slider in made.values():
        slider.observe(update, names="value")
    return ipywidgets.VBox([*made.values(), below])


def _slider(name: str, given: object, label: str) -> Widget:
    import ipywidgets

    four = isinstance(given, tuple | list) and len(given) == 4
    numbers = four and all(isinstance(value, Real) and not isinstance(value, bool) for value in given)
    finite = numbers and all(isfinite(value) for value in given)
    if not finite or not given[0] <= given[3] <= given[1] or given[2] <= 0:
        raise ValueError(f"{name}={given}: give smallest, largest, step and start, such as (0, 60, 6, 24).")
    whole = all(isinstance(value, Integral) for value in given)
    low, high, step, start = (int(value) if whole else float(value) for value in given)
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    slider = kind(start, min=low, max=high, step=step, description=label, continuous_update=False)
    slider.style = {"description_width": "initial"}
    slider.layout = {"width": "480px"}
    if not whole:  # as many decimals as the values have: two would show 1.125 as another number
        decimals = max(len(f"{value:.12f}".rstrip("0").partition(".")[2]) for value in (low, step, start))
        slider.readout_format = f".{decimals}f"
    return slider


def _outputs(function: Callable[..., Any], made: Mapping[str, Widget]) -> tuple[dict, ...]:
    """Call the function with what the sliders say; return what it prints, shows and gives back."""
    from IPython.display import display
    from IPython.utils.capture import capture_output
    from matplotlib.figure import FigureBase

    from crmlab import plots

    with capture_output() as captured:
        result = function(**{name: slider.value for name, slider in made.items()})
        if isinstance(getattr(result, "figure", None), FigureBase):
            plots.show(result)
        elif result is not None:
            display(result)
    streams = [("stdout", captured.stdout), ("stderr", captured.stderr)]
    printed = [{"output_type": "stream", "name": name, "text": text} for name, text in streams if text]
    shown = [
        {"output_type": "display_data", "data": output.data, "metadata": output.metadata or {}}
        for output in captured.outputs
    ]
    return (*printed, *shown)
