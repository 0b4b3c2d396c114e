"""Worlds that the tests of this room share; nobody changes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import worlds

from crmlab.simulate import SHIPPED_SEED, World, core, registry, world


@pytest.fixture(scope="session")
def shipped() -> World:
    return world(SHIPPED_SEED)


@pytest.fixture(scope="session")
def everything() -> dict:
    return worlds.everything()


@pytest.fixture(scope="session")
def inside(everything) -> SimpleNamespace:
    """The same by attribute, for what is not a table of the truth."""
    return SimpleNamespace(**{name: value for name, value in everything.items() if ":" not in name})


@pytest.fixture(scope="session")
def large(everything) -> World:
    tables = {name: core.tidy(everything[name]) for name in registry.tables()}
    truth = {name: core.tidy(everything[f"truth:{name}"]) for name in registry.truth()}
    return World(tables, truth)
