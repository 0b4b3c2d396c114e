"""Sliders around methods and plots. A widget computes nothing: an ordinary cell beside it shows the default values.

ipywidgets is imported inside the functions, so that `import crmlab.widgets` costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import Widget
    from pandas import DataFrame

    from crmlab.pls import PLSResult

__all__ = ["sliders", "what_if"]


def what_if(
    result: PLSResult,
    layout: Mapping[str, tuple[float, float]],
    rates: DataFrame,
    start: Mapping[str, int],
    *,
    budget: float,
    most: int = 5,
) -> Widget:
    """Return sliders that raise indices point by point, with the path diagram, the cost and the gain.

    Parameters
    ----------
    result, layout
        A fitted index model and its places, as for `crmlab.plots.what_if`.
    rates
        By driver: columns cost and gain, in yuan per index point.
    start
        Driver -> points at which its slider starts; 0 if not named.
    budget
        In yuan: a plan that costs more is called so.
    most
        Where the sliders end.

    Raises
    ------
    ValueError
        If `rates` lacks a column, or `start` names a driver that `rates` does not have.
    """
    from crmlab import _check, plots

    _check.frame(rates, ["cost", "gain"], "rates")
    for name in start:
        _check.choice(name, rates.index, "start")

    def draw(**points: int) -> Any:
        plan = rates.mul(points, axis=0).sum()
        money = f"cost {plan['cost']:,.0f} yuan, gain {plan['gain']:,.0f}, net {plan['gain'] - plan['cost']:+,.0f}"
        over = " (over the budget)" if plan["cost"] > budget else ""
        return plots.what_if(result, layout, points, title=money + over)

    return sliders(draw, **{name: (0, most, 1, start.get(name, 0)) for name in rates.index})


def sliders(
    function: Callable[..., Any], labels: Mapping[str, str] | None = None, **ranges: tuple[float, ...]
) -> Widget:
    """Return a slider for each argument of `function`, with what it returns below.

    Parameters
    ----------
    function
        What an ordinary cell beside the widget calls with the default values; it returns a table or the Axes of a figure.
    labels
        Argument -> what stands beside its slider.
    **ranges
        Argument -> (smallest, largest, step, start). The result changes when a slider is let go.

    Raises
    ------
    ValueError
        If a range is not made of four numbers in order.

    Examples
    --------
    >>> from crmlab import widgets
    >>> widgets.sliders(lambda months: months, months=(0, 60, 6, 99))
    Traceback (most recent call last):
    ...
    ValueError: months=(0, 60, 6, 99): give smallest, largest, step and start, such as (0, 60, 6, 24).
    """
    import ipywidgets
    from IPython.display import display
    from IPython.utils.capture import capture_output

    from crmlab import plots

    made = {}
    for name, given in ranges.items():
        if len(given) != 4 or not given[0] <= given[3] <= given[1] or given[2] <= 0:
            raise ValueError(
                f"{name}={given}: give smallest, largest, step and start, such as (0, 60, 6, 24)."
            )
        kind = ipywidgets.IntSlider if all(isinstance(v, int) for v in given) else ipywidgets.FloatSlider
        low, high, step, start = given
        made[name] = kind(start, min=low, max=high, step=step, description=(labels or {}).get(name, name))
        made[name].continuous_update = False
        made[name].style, made[name].layout = {"description_width": "initial"}, {"width": "480px"}

    below = ipywidgets.Output()

    def show(_: object = None) -> None:
        with capture_output() as captured:
            result = function(**{name: slider.value for name, slider in made.items()})
            plots.show(result) if hasattr(result, "figure") else display(result)
        # Set, not printed into: nbclient answers each message of an Output, and can then wait minutes for the cell's end.
        below.outputs = tuple(
            {"output_type": "display_data", "data": output.data, "metadata": output.metadata or {}}
            for output in captured.outputs
        )

    for slider in made.values():
        slider.observe(show, names="value")
    show()
    return ipywidgets.VBox([*made.values(), below])
