"""What the tests of the exercises share: the toy items as chapter 99."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import toy_items

from crmlab import datasets


@pytest.fixture(autouse=True)
def toy_chapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let `check` find the toy items; leave no cohort chosen."""
    monkeypatch.setitem(sys.modules, "crmlab.exercises.ch99", toy_items)
    yield
    datasets.use_cohort(None)
