"""Figures: shown with a caption, in a style that is set on request only. How a notebook shows them: test_notebooks."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import pytest

from crmlab import plots


@pytest.fixture
def ax():
    _, ax = plt.subplots()
    yield ax
    plt.close(ax.figure)


def test_caption_of_the_drawing_function_is_shown(ax, capsys: pytest.CaptureFixture):
    plots.caption(ax, "Bars: 12 accounts won,\n  9 lost.")
    plots.show(ax)
    assert capsys.readouterr().out == "Bars: 12 accounts won, 9 lost.\n"


def test_caption_given_goes_before_the_attached_one(ax, capsys: pytest.CaptureFixture):
    plots.caption(ax, "Attached.")
    plots.show(ax.figure, "Given.")
    assert capsys.readouterr().out == "Given.\n"


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_figure_without_caption_is_an_error(ax, text: str | None):
    with pytest.raises(ValueError, match="has no caption"):
        plots.show(ax, text)


@pytest.mark.parametrize(("target", "text"), [("ax", "A line."), (None, "A line."), ([1], "A line.")])
def test_what_is_no_figure_is_an_error(target: object, text: str):
    with pytest.raises(TypeError, match="expected matplotlib Axes or a Figure"):
        plots.show(target, text)


def test_caption_must_be_text(ax):
    with pytest.raises(TypeError, match="must be text, found int"):
        plots.caption(ax, 3)


def test_importing_changes_no_style_and_loads_no_matplotlib():
    code = "import sys; from crmlab import plots; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_style_is_applied_on_request():
    with matplotlib.rc_context():
        plots.use_style()
        assert all(matplotlib.rcParams[key] == matplotlib.RcParams(plots.STYLE)[key] for key in plots.STYLE)
        colours = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
        assert tuple(colours) == plots.PALETTE


def test_lines_can_be_seen_on_white():
    """The contrast that the accessibility guidelines (WCAG 2.2, 1.4.11) ask of graphics, for the first three colours."""

    def luminance(colour: str) -> float:
        channels = matplotlib.colors.to_rgb(colour)
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in plots.PALETTE[:3])
