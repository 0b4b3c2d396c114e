"""Every chapter in a real JupyterLab: it runs, and its sliders change what stands below them."""

from __future__ import annotations

import json

import pytest

from crmlab import _notebooks

CHAPTERS = sorted((_notebooks.home() / "notebooks" / "chapters").glob("*.ipynb"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_runs_and_its_sliders_change_the_result(lab, chapter):
    source = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    widgets = [n for n, cell in enumerate(source) if "widget" in cell["metadata"].get("tags", ())]
    assert widgets
    with lab.open(chapter) as opened:
        opened.run_all()
        assert not opened.foreign
        for number in widgets:
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
