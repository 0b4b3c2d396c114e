"""Worlds that the tests of this room share; nobody changes them."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from crmlab.simulate import SHIPPED_SEED, World, core, people, purchases, surveys, world
from crmlab.simulate import parameters as par

SEED = 17
CUSTOMERS = 40_000
PLACES = 12_000


@pytest.fixture(scope="session")
def shipped() -> World:
    return world(SHIPPED_SEED)


@pytest.fixture(scope="session")
def large() -> World:
    return world(SEED, CUSTOMERS, accounts=PLACES)


@pytest.fixture(scope="session")
def inside() -> SimpleNamespace:
    """What lies between the tables of the large world and that no table shows as such."""
    truth = people.latents(SEED, CUSTOMERS, 0.0)
    consumers = people.consumers(SEED, truth)
    bought, dropout = purchases.purchase_times(SEED, consumers, truth)
    trial, extra = purchases.customer_care(SEED, bought, consumers, dropout)
    trouble = purchases.incidents(SEED, bought, truth)
    return SimpleNamespace(
        truth=truth, bought=bought, dropout=dropout, trial=trial, extra=extra, trouble=trouble
    )


@pytest.fixture(scope="session")
def complete() -> tuple[pd.DataFrame, pd.DataFrame]:
    """100,000 complete answers to the satisfaction items, with the scores behind them."""
    scores = core.structural(core.generator(90211, "index_latents"), 100_000, par.STRUCTURAL, par.CONSTRUCTS)
    return scores, surveys.answers(90211, scores)


@pytest.fixture(scope="session")
def moves(large) -> pd.DataFrame:
    """One row per pair of neighbouring months: account, month, stage, next stage, trust group, arm."""
    stages = large.truth["account_stages"]
    out = stages.assign(next_stage=stages.groupby("account_id")["stage"].shift(-1)).dropna()
    out = out.merge(large.truth["accounts"][["account_id", "trust_group"]])
    return out.merge(large.tables["care_wave"][["account_id", "arm"]], how="left")
