"""Sliders: their ranges, what the function gets, and what stands below them."""

from __future__ import annotations

from collections.abc import Iterator

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from crmlab import plots, widgets


@pytest.fixture(autouse=True)
def shell() -> Iterator[InteractiveShell]:
    """Run as in a notebook, and leave no shell to other tests."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()
    plt.close("all")


def parts(box: ipywidgets.VBox) -> tuple[list, ipywidgets.Output]:
    *sliders, below = box.children
    return sliders, below


def text(below: ipywidgets.Output) -> str:
    return " ".join(str(o.get("text") or o["data"]["text/plain"]) for o in below.outputs)


def test_the_function_gets_what_the_sliders_say():
    called = []

    def plan(budget, horizon):
        called.append((budget, horizon))
        return pd.DataFrame({"figure": [budget * horizon]})

    box = widgets.sliders(plan, {"budget": "Budget, yuan"}, budget=(0, 100, 10, 30), horizon=(1, 9, 2, 5))
    (budget, horizon), below = parts(box)
    assert called == [(30, 5)] and "150" in text(below)
    budget.value = 40
    horizon.value = 7
    assert called == [(30, 5), (40, 5), (40, 7)] and "280" in text(below) and "150" not in text(below)
    assert [budget.description, horizon.description] == ["Budget, yuan", "horizon"]
    assert (budget.min, budget.max, budget.step, budget.value) == (0, 100, 10, 40)
    assert isinstance(budget, ipywidgets.IntSlider) and type(budget.value) is int
    assert not budget.continuous_update and not horizon.continuous_update
    assert (budget.layout.width, budget.style.description_width) == ("480px", "initial")


def test_whole_numbers_of_numpy_stay_whole():
    [slider], _ = parts(widgets.sliders(lambda n: n, n=(np.int64(0), np.int64(9), np.int64(1), np.int64(2))))
    assert isinstance(slider, ipywidgets.IntSlider) and type(slider.value) is int


@pytest.mark.parametrize(
    ("step", "shown"), [(0.05, ".2f"), (0.5, ".1f"), (0.001, ".3f"), (1.0, ".0f"), (10.0, ".0f")]
)
def test_decimals_are_as_many_as_the_step_has(step: float, shown: str):
    [slider], _ = parts(widgets.sliders(lambda x: x, x=(0, 100, step, 50)))
    assert isinstance(slider, ipywidgets.FloatSlider) and slider.readout_format == shown
    assert slider.value == 50 and slider.step == step


@pytest.mark.parametrize(
    ("given", "shown"),
    [((0, 10, 0.5, 1.25), ".2f"), ((0.125, 2, 0.5, 0.625), ".3f"), ((0, 1, 1e-12, 0), ".12f")],
)
def test_no_slider_shows_another_number_than_the_function_gets(given: tuple, shown: str):
    [slider], _ = parts(widgets.sliders(lambda x: x, x=given))
    assert slider.readout_format == shown and float(format(slider.value, shown)) == slider.value


def test_a_figure_is_shown_with_its_caption_and_closed():
    def draw(height):
        _, ax = plt.subplots()
        ax.bar(["a"], [height])
        plots.caption(ax, f"A bar of {height}.")
        return ax

    (slider,), below = parts(widgets.sliders(draw, height=(1, 9, 1, 2)))
    picture, note = below.outputs
    assert picture["data"]["image/png"] and picture["metadata"]["image/png"]["alt"] == "A bar of 2."
    assert note["data"]["text/plain"] == "A bar of 2." and not plt.get_fignums()
    slider.value = 7
    assert below.outputs[1]["data"]["text/plain"] == "A bar of 7."


def test_what_the_function_prints_is_shown_and_nothing_is_no_output():
    _, below = parts(widgets.sliders(lambda x: print("twice", 2 * x), x=(0, 9, 1, 4)))
    assert [output["output_type"] for output in below.outputs] == ["stream"]
    assert below.outputs[0]["text"] == "twice 8\n" and below.outputs[0]["name"] == "stdout"


def test_an_error_takes_the_place_of_the_old_result():
    (slider,), below = parts(widgets.sliders(lambda x: pd.Series([12 // x]), x=(0, 9, 1, 4)))
    assert "3" in text(below)
    slider.value = 0
    [output] = below.outputs
    assert output["name"] == "stderr" and output["text"].startswith("ZeroDivisionError: ")
    slider.value = 6
    assert "2" in text(below) and "Error" not in text(below)


def test_an_error_at_the_start_is_raised():
    with pytest.raises(ZeroDivisionError):
        widgets.sliders(lambda x: 1 // x, x=(0, 9, 1, 0))


def test_arguments_may_be_called_function_or_labels():
    sliders, _ = parts(
        widgets.sliders(lambda function, labels: None, function=(0, 1, 1, 0), labels=(0, 1, 1, 1))
    )
    assert [slider.description for slider in sliders] == ["function", "labels"]


@pytest.mark.parametrize("given", [(0, 10, 1, 0), (0, 10, 1, 10), (5, 5, 1, 5), [0, 10, 1, 3]])
def test_ranges_may_start_at_their_ends(given: tuple):
    [slider], _ = parts(widgets.sliders(lambda x: x, x=given))
    assert slider.value == given[3]


@pytest.mark.parametrize(
    "given",
    [
        (0, 60, 6, 99),
        (0, 60, 6, -1),
        (60, 0, 6, 30),
        (0, 60, 0, 30),
        (0, 60, -6, 30),
        (0, 60, 6),
        (0, 60, 6, 24, 1),
        (0, 60, 6, float("nan")),
        (0, 60, float("inf"), 6),
        (float("-inf"), 60, 1, 6),
        (0, float("inf"), 1, 6),
        ("0", "60", "6", "24"),
        (0, 60, 6, None),
        (False, True, True, True),
        24,
        "0123",
    ],
)
def test_ranges_are_checked(given: object):
    with pytest.raises(ValueError, match="give smallest, largest, step and start"):
        widgets.sliders(lambda months: months, months=given)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: widgets.sliders("plan", x=(0, 1, 1, 0)), TypeError, "give a function, found str"),
        (lambda: widgets.sliders(lambda: 1), ValueError, "give a range for each argument"),
        (
            lambda: widgets.sliders(abs, {"X": "label"}, x=(0, 1, 1, 0)),
            ValueError,
            "labels='X'.*Did you mean 'x'",
        ),
        (lambda: widgets.sliders(abs, {"x": 5}, x=(0, 1, 1, 0)), TypeError, r"labels\['x'\] must be text"),
        (lambda: widgets.sliders(abs, ["label"], x=(0, 1, 1, 0)), TypeError, "labels must map arguments"),
        (lambda: widgets.sliders(lambda y: y, x=(0, 1, 1, 0)), TypeError, "unexpected keyword argument 'x'"),
    ],
)
def test_refused(call: object, error: type, message: str):
    with pytest.raises(error, match=message):
        call()
