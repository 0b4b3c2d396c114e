"""One world, large enough that estimates are near the truth, for all tests of this folder."""

from __future__ import annotations

import pytest

from crmlab import simulate


@pytest.fixture(scope="session")
def world() -> simulate.World:
    return simulate.world(11, 40_000, accounts=20)
