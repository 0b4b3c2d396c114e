"""Notebooks in a real JupyterLab: they run, and their sliders change what stands below them.

The quick tier makes one journey, through the start page. The driver must not pass what did not run: that is tested, too.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def widgets(path: Path) -> list[int]:
    """Return the numbers of a notebook's widget cells."""
    cells = nbformat.read(path, as_version=4).cells
    return [number for number, cell in enumerate(cells) if "widget" in cell.metadata.get("tags", ())]


WITH_WIDGETS = [path for path in sorted(NOTEBOOKS.glob("chapters/**/[0-9]*.ipynb")) if widgets(path)]


def test_start_page_runs(lab):
    notebook = NOTEBOOKS / "00-start-here.ipynb"
    before = notebook.read_bytes()
    with lab.open(notebook) as opened:
        cells = opened.run_all()
        assert not opened.foreign
        # what the reader sees, not only what the document holds
        pictures = sum("image/png" in o.get("data", {}) for cell in cells for o in cell["outputs"])
        assert pictures > 0
        expect(opened.page.locator(".jp-RenderedImage img")).to_have_count(pictures)
    assert notebook.read_bytes() == before


def test_there_are_notebooks_with_widgets():
    assert WITH_WIDGETS


@pytest.mark.full
@pytest.mark.parametrize("path", WITH_WIDGETS, ids=lambda path: path.stem)
def test_notebook_runs_and_its_sliders_change_the_result(lab, path):
    with lab.open(path) as opened:
        opened.run_all()
        assert not opened.foreign
        for number in widgets(path):
            cell = opened.cell(number)
            below = cell.locator(".widget-output")
            below.locator("img, table, pre").first.wait_for()
            before = below.inner_html()
            handle = cell.locator(".noUi-handle").first
            handle.focus()
            at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            handle.press("ArrowLeft" if at_the_end else "ArrowRight")
            opened.page.wait_for_function(
                "([area, before]) => area.querySelector('img, table, pre') && area.innerHTML !== before",
                arg=[below.element_handle(), before],
                timeout=30_000,
            )


# --- the driver ---------------------------------------------------------------------------------------------------


def write(path: Path, *sources: str) -> Path:
    """Write a notebook whose cells claim to have run."""
    cells = [nbformat.v4.new_code_cell(source, execution_count=i + 1) for i, source in enumerate(sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


@pytest.mark.full
def test_a_failing_cell_is_named(lab, tmp_path):
    with (
        lab.open(write(tmp_path / "fails.ipynb", "1 + 1", "1 / 0", "2 + 2")) as opened,
        pytest.raises(AssertionError, match="cell 1 raised ZeroDivisionError"),
    ):
        opened.run_all()


@pytest.mark.full
def test_a_slider_moves(lab, tmp_path):
    source = "import ipywidgets as w\nw.interact(lambda x: print('twice', 2 * x), x=w.IntSlider(3, 0, 10))"
    with lab.open(write(tmp_path / "slider.ipynb", source)) as opened:
        opened.run_all()
        cell = opened.cell(0)
        cell.get_by_text("twice 6").wait_for()
        handle = cell.locator(".noUi-handle")
        handle.focus()
        handle.press("ArrowRight")
        cell.get_by_text("twice 8").wait_for()
