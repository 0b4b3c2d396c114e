"""Figures: shown with a caption, in a style that is set on request only. How a notebook shows them: test_notebooks."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest
import seaborn
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

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


# --- in a notebook -------------------------------------------------------------------------------------------------


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def shown(target: object, text: str | None = None) -> list:
    with capture_output() as captured:
        plots.show(target, text)
    return captured.outputs


def test_shown_once_with_alternative_text_and_caption(ax, shell):
    picture, note = shown(ax, "Bars: 12 won,\n 9 lost.")
    assert picture.metadata["image/png"]["alt"] == "Bars: 12 won, 9 lost."
    assert note.data == {
        "text/html": "<p><small>Bars: 12 won, 9 lost.</small></p>",
        "text/plain": "Bars: 12 won, 9 lost.",
    }
    assert ax.figure.number not in plt.get_fignums()
    image = b64decode(picture.data["image/png"])
    width, height = Image.open(BytesIO(image)).size
    size = {name: picture.metadata["image/png"][name] for name in ("width", "height")}
    assert size == {"width": width * 96 // 144, "height": height * 96 // 144} and width != height
    assert b"Software" not in image


def test_signs_in_a_caption_are_shown_as_they_are(ax, shell):
    text = r"$5 < $6 & a_b \(x\)"
    picture, note = shown(ax, text)
    assert picture.metadata["image/png"]["alt"] == note.data["text/plain"] == text
    dollar, backslash = "<span>$</span>", "<span>\\</span>"
    assert (
        note.data["text/html"]
        == f"<p><small>{dollar}5 &lt; {dollar}6 &amp; a_b {backslash}(x{backslash})</small></p>"
    )


def test_axes_in_part_of_a_figure_and_seaborn_grids_are_shown(shell, capsys: pytest.CaptureFixture):
    part = plt.figure().subfigures(1, 2)[1].subfigures(2, 1)[0]
    grid = seaborn.FacetGrid(pd.DataFrame({"x": [1], "y": ["a"]}), col="y")
    for target in (part.add_subplot(), part, grid):
        assert len(shown(target, "A figure.")) == 2


def test_of_several_axes_one_is_asked_for():
    _, panels = plt.subplots(2)
    with pytest.raises(TypeError, match=r"found ndarray\. Of several Axes give one"):
        plots.show(panels, "Two panels.")
    plt.close("all")


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["a_b$c", "$x$", "$", "$$", r"a\$b$", "{x}_2^3", r"\alpha", "price $ to cost $", 12]
)
def test_names_are_drawn_letter_by_letter(ax, text: object):
    drawn = ax.text(0.5, 0.5, plots.literal(text))
    assert drawn._preprocess_math(drawn.get_text()) == (str(text), False)


def test_the_style_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        plots.STYLE["font.size"] = 99
    assert (
        copy.deepcopy(plots.STYLE)["font.size"] == pickle.loads(pickle.dumps(plots.STYLE))["font.size"] == 11
    )
