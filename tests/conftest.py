"""Fixtures of the tests. What notebooks and doctests share too is in the conftest.py above."""

from __future__ import annotations

from collections.abc import Iterator

import browser
import pytest

collect_ignore_glob = ["*/conftest.py"]  # several modules of one name cannot be searched for doctests


@pytest.fixture(scope="module")  # not longer: an open playwright keeps other files from running event loops
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Lab]:
    """A JupyterLab with a browser, shared by the tests of a file; ``lab.open(path)`` opens a copy."""
    if browser.chromium() is None:
        pytest.skip(browser.NO_CHROMIUM)
    with browser.start_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running
