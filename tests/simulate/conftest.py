"""Worlds that the tests of this room share; nobody changes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crmlab.simulate import SHIPPED_SEED, World, core, registry, world

SEED = 17
CUSTOMERS = 50_000
PLACES = 12_000


@pytest.fixture(scope="session")
def shipped() -> World:
    return world(SHIPPED_SEED)


@pytest.fixture(scope="session")
def everything() -> dict:
    """All results of the large world, also those between the tables that no table shows as such."""
    return registry.run(registry.Setting(SEED, CUSTOMERS, PLACES))


@pytest.fixture(scope="session")
def inside(everything) -> SimpleNamespace:
    """The same by attribute, for what is not a table of the truth."""
    return SimpleNamespace(**{name: value for name, value in everything.items() if ":" not in name})


@pytest.fixture(scope="session")
def large(everything) -> World:
    tables = {name: core.tidy(everything[name]) for name in registry.tables()}
    truth = {name: core.tidy(everything[f"truth:{name}"]) for name in registry.truth()}
    return World(tables, truth)
