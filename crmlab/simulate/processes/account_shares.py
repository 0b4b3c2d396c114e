"""The share of its tea that an account buys from Qinghe, before and in the year of trials."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..dates import MONTHS
from ..numbers import numbers
from ..registry import process
from .account_stages import YEAR_MONTHS, YEAR_START

SHARE = numbers(
    "purchase_shares",
    noise=(0.05, "share", "standard deviation of a year's share around the expected one"),
)
_DECIMALS = 3
_SMALLEST = 0.01


@process(inner=("purchase_shares",))
def purchase_shares(
    rng: np.random.Generator,
    july_accounts: pd.DataFrame,
    past_profiles: pd.DataFrame,
    bond_factors: pd.DataFrame,
    partner_factors: pd.Series,
) -> pd.DataFrame:
    """Return the share in the year until June 2025, and after it over the months as a customer."""
    account = july_accounts["account"].to_numpy()
    bond = bond_factors.set_index("account").reindex(account)
    factor = bond["factor"].fillna(1).to_numpy()
    earlier = np.where(bond["since"] < YEAR_START, factor, 1)  # bonds given by managers
    share = past_profiles["share_of_purchases"].to_numpy()[account]
    means = {"share_before": share * earlier, "share_after": share * factor * partner_factors.to_numpy()}
    out = pd.DataFrame({"account_id": account + 1})
    for name, mean in means.items():
        noise = rng.normal(0, SHARE.noise, len(account))
        out[name] = np.clip(mean + noise, _SMALLEST, 1).round(_DECIMALS)
    return out


def margin_of_year(account_months: pd.DataFrame, account: np.ndarray, last: int) -> np.ndarray:
    """Return the margin of each account in the twelve months before July 2025, or in those from then on."""
    start = YEAR_START if last >= YEAR_START else YEAR_START - YEAR_MONTHS
    inside = account_months["month"].between(MONTHS[start], MONTHS[start + YEAR_MONTHS - 1])
    margin = account_months[inside].groupby("account_id")["margin"].sum()
    return margin.reindex(account + 1).fillna(0).round(2).to_numpy()
