"""A world large enough to find the truth again, and the rule learned from it."""

from __future__ import annotations

import pandas as pd
import pytest

from crmlab import lifecycle as lc
from crmlab import simulate


@pytest.fixture(scope="session")
def big() -> simulate.World:
    return simulate.world(11, customers=50, accounts=4000)


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
