"""A world large enough to find the truth again, and the rule learned from it."""

from __future__ import annotations

import pandas as pd
import pytest

from crmlab import lifecycle as lc
from crmlab import simulate


@pytest.fixture(scope="session")
def big() -> simulate.World:
    """4,000 places without the distributors, whose low margins would be read as decline month after month."""
    world = simulate.world(11, customers=50, accounts=4000)
    kind = world.tables["accounts"].set_index("account_id")["kind"]
    others = kind.index[kind != "distributor"]

    def of_others(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        return {
            name: frame[frame["account_id"].isin(others)].reset_index(drop=True)
            if "account_id" in frame
            else frame
            for name, frame in frames.items()
        }

    return simulate.World(of_others(world.tables), of_others(world.truth))


@pytest.fixture(scope="session")
def past(big: simulate.World) -> pd.DataFrame:
    """Ledger until June 2025 with the true stage, the date of loss and the trust group."""
    months = big.tables["account_months"].merge(big.tables["accounts"][["account_id", "lost_on"]])
    months = months.merge(big.truth["account_stages"], on=["account_id", "month"])
    months = months.merge(big.truth["accounts"][["account_id", "trust_group"]])
    return months[months["month"] <= "2025-06-01"]


@pytest.fixture(scope="session")
def rule(big: simulate.World) -> lc.StageClassification:
    return lc.StageClassifier(big.tables["account_months"], big.tables["account_reviews"]).fit()
