"""The share of its tea that an account buys from Qinghe, before and in the year of trials."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from ..dates import MONTHS
from ..numbers import numbers, series
from ..registry import process
from .account_stages import LOST, STAGES, YEAR_MONTHS, YEAR_START
from .accounts import SIZE

SHARE = numbers(
    "purchase_shares",
    noise=(0.05, "share", "standard deviation of a year's share around the expected one"),
)
BY_STAGE = series(
    "purchase_shares",
    "stage",
    dict(zip(STAGES, (-1.0, -0.2, 0.4, -0.3), strict=True)),
    "logit",
    "place between the lowest and the highest share, change in a month of the stage; about 0 in the mean",
)
_DECIMALS = 3
_SMALLEST = 0.01


@process(inner=("purchase_shares",))
def purchase_shares(
    rng: np.random.Generator,
    july_accounts: pd.DataFrame,
    account_path: pd.DataFrame,
    past_profiles: pd.DataFrame,
    bond_factors: pd.DataFrame,
    partner_factors: pd.Series,
) -> pd.DataFrame:
    """Return the share in the year until June 2025, and after it over the months as a customer."""
    account = july_accounts["account"].to_numpy()
    bond = bond_factors.set_index("account").reindex(account)
    factor = bond["factor"].fillna(1).to_numpy()
    earlier = np.where(bond["since"] < YEAR_START, factor, 1)  # bonds given by managers
    share = share_by_stage(past_profiles["share_of_purchases"].to_numpy()[account])
    before = (share * months_by_stage(account_path, july_accounts, YEAR_START - YEAR_MONTHS)).sum(axis=1)
    after = (share * months_by_stage(account_path, july_accounts, YEAR_START)).sum(axis=1)
    means = {"share_before": before * earlier, "share_after": after * factor * partner_factors.to_numpy()}
    out = pd.DataFrame({"account_id": account + 1})
    for name, mean in means.items():
        noise = rng.normal(0, SHARE.noise, len(account))
        out[name] = np.clip(mean + noise, _SMALLEST, 1).round(_DECIMALS)
    return out


def share_by_stage(share: np.ndarray) -> np.ndarray:
    """Return the share of purchases of accounts (rows) in a month of each stage (columns)."""
    place = logit((np.asarray(share) - SIZE.share_lowest) / SIZE.share_range)
    return SIZE.share_lowest + SIZE.share_range * expit(place[:, None] + BY_STAGE.to_numpy())


def months_by_stage(path: pd.DataFrame, july_accounts: pd.DataFrame, first: int) -> np.ndarray:
    """Return which part of a year's months as a customer each account of July 2025 spent in each stage.

    Who came in July 2025 has no year before: its plan is that of its stage in July.
    """
    inside = path["month"].between(first, first + YEAR_MONTHS - 1) & (path["stage"] != LOST)
    parts = pd.crosstab(path.loc[inside, "account"], path.loc[inside, "stage"], normalize="index")
    parts = parts.reindex(index=july_accounts["account"], columns=range(LOST)).to_numpy()
    plan = np.eye(LOST)[july_accounts["stage"]]
    return np.where(np.isnan(parts), plan, parts)


def margin_of_year(account_months: pd.DataFrame, account: np.ndarray, last: int) -> np.ndarray:
    """Return the margin of each account in the twelve months before July 2025, or in those from then on."""
    start = YEAR_START if last >= YEAR_START else YEAR_START - YEAR_MONTHS
    inside = account_months["month"].between(MONTHS[start], MONTHS[start + YEAR_MONTHS - 1])
    margin = account_months[inside].groupby("account_id")["margin"].sum()
    return margin.reindex(account + 1).fillna(0).round(2).to_numpy()
