"""README.md: its picture is the start page's, its commands are the ones that work."""

from __future__ import annotations

import json
import re

from crmlab import _notebooks, build

README = (_notebooks.home() / "README.md").read_text(encoding="utf-8")


def test_the_picture_is_the_start_pages_stored_output():
    (alt, path) = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", README).groups()
    assert (_notebooks.home() / path).read_bytes() == build.figure()
    page = json.loads((_notebooks.home() / "notebooks" / "00-start-here.ipynb").read_text(encoding="utf-8"))
    assert alt in "".join(json.dumps(c.get("outputs", [])) for c in page["cells"])


def test_links_of_the_readme_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (_notebooks.home() / link).exists(), link


def test_the_start_page_links_every_written_chapter():
    page = json.loads((_notebooks.home() / "notebooks" / "00-start-here.ipynb").read_text(encoding="utf-8"))
    text = "".join("".join(c["source"]) for c in page["cells"] if c["cell_type"] == "markdown")
    linked = set(re.findall(r"\]\(([^)#]+\.ipynb)\)", text))
    folder = _notebooks.home() / "notebooks"
    written = {p.relative_to(folder).as_posix() for p in folder.glob("chapters/*.ipynb")}
    written |= {p.name for p in folder.glob("9*.ipynb")}
    assert linked == written


def test_the_promise_of_equal_bytes_stands_where_instructors_read():
    text = " ".join((_notebooks.home() / "README.md").read_text(encoding="utf-8").split())
    assert "same tables, byte for byte, on every computer" in text
