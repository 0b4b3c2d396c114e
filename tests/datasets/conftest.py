"""What the tests of the data room share. No test touches the user's cache or the shipped files."""

from __future__ import annotations

import shutil

import pytest
from small_package import COHORT, HOME, forget

from crmlab import simulate
from crmlab.datasets import _cache, _datapackage, _places, _sealing, cohorts


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache and no choice of cohort, for every test."""
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "cache"))
    for variable in ("CRMLAB_COHORT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(cohorts, "_chosen", None)
    _cache.simulated.cache_clear()
    yield tmp_path / "cache"
    _cache.simulated.cache_clear()


@pytest.fixture(scope="session")
def world():
    """A small world of the cohort that the tests use."""
    return simulate.world(simulate.cohort_seed(COHORT), customers=100)


@pytest.fixture(scope="session")
def files(world):
    """Its files, path -> bytes."""
    return _sealing.files(world, COHORT, simulate.cohort_seed(COHORT), _datapackage.package())


@pytest.fixture
def simulations(monkeypatch):
    """Every call of the simulator, as a list of seeds; the worlds are small."""
    seeds = []
    world = simulate.world

    def small(seed):
        seeds.append(seed)
        return world(seed, customers=100)

    monkeypatch.setattr(simulate, "world", small)
    return seeds


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the shipped files that a test may damage; loaders and builders use it."""
    home = tmp_path / "datasets"
    shutil.copytree(HOME, home, ignore=shutil.ignore_patterns("reference", "quiz"))
    monkeypatch.setattr(_places, "home", lambda: home)
    forget()
    yield home
    forget()
