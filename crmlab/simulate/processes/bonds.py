"""Bonds to business accounts: given by managers to large and trusting ones, and by lot from July 2025."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from ..dates import INTERVENTION
from ..numbers import grid, numbers, series
from ..registry import process
from .account_months import FEATURES, LEDGER, PRICES
from .account_shares import margin_of_year, share_by_stage
from .account_stages import LOST, YEAR_START, lot, steady_mix
from .account_values import expected_margin, expected_months, expected_share
from .accounts import KINDS, month_start
from .rival import leaving_probability

BONDS = ("financial", "social", "structural")
ARMS = ("none", *BONDS)
VOLUME = grid(
    "bonds",
    "volume",
    BONDS,
    KINDS,
    (
        (1.05, 1.06, 1.07, 1.06, 1.05),
        (1.08, 1.12, 1.13, 1.10, 1.05),
        (1.13, 1.08, 1.05, 1.10, 1.17),
    ),
    "factor",
    "on the share of tea bought from Qinghe and so on the kilograms, from the bond's first month on",
)
COST = numbers(
    "bonds",
    rebate=(
        0.02,
        "share",
        "of the usual revenue of such an account: fixed listing fee of the financial bond",
    ),
    social=(60.0, "yuan", "cost of the social bond a month"),
    structural=(140.0, "yuan", "cost of the structural bond a month"),
)
MANAGERS = numbers(
    "bonds",
    intercept=(-1.9, "logit", "a manager gives a bond to an account of size 1 and mean trust"),
    size=(0.9, "logit", "change per unit of the log of the size factor"),
    trust=(0.7, "logit", "change per unit of trust"),
    earliest=(3, "months", "after the account's first month"),
    latest=(24, "months", "after it"),
)
CHOICE = series(
    "bonds",
    "managers_choice",
    dict(zip(BONDS, (0.5, 0.3, 0.2), strict=True)),
    "share",
    "of the bonds that managers give",
)
_DECIMALS = 4
_TEN = -1  # decimals: yuan are rounded to tens


@process(inner=("manager_bonds",))
def manager_bonds(
    rng: np.random.Generator,
    past_accounts: pd.DataFrame,
    past_stages: pd.DataFrame,
    past_latents: pd.DataFrame,
    past_profiles: pd.DataFrame,
) -> pd.DataFrame:
    """Return the bonds that managers gave before July 2025: account, bond and first month."""
    n = len(past_accounts)
    since = past_accounts["start"] + rng.integers(MANAGERS.earliest, MANAGERS.latest + 1, n)
    lost = past_stages[past_stages["stage"] == LOST].set_index("account")["month"]
    until = lost.reindex(range(n)).fillna(YEAR_START).to_numpy()
    wish = MANAGERS.intercept + MANAGERS.size * np.log(past_profiles["size_factor"])
    given = rng.random(n) < expit(wish + MANAGERS.trust * past_latents["trust"])
    bond = rng.choice(BONDS, n, p=CHOICE)
    table = pd.DataFrame({"account": past_accounts["account"], "bond": bond, "since": since})
    return table[given & (since < until)].reset_index(drop=True)


@process(inner=("bond_arms",))
def bond_arms(
    rng: np.random.Generator, july_accounts: pd.DataFrame, manager_bonds: pd.DataFrame
) -> pd.DataFrame:
    """Deal the arms of the trial to the accounts of July 2025 that have no bond."""
    free = july_accounts.loc[~july_accounts["account"].isin(manager_bonds["account"]), ["account"]]
    return free.assign(bond=lot(rng, len(free), ARMS), since=YEAR_START).reset_index(drop=True)


@process(inner=("all_bonds", "bond_factors", "present_bonds"))
def all_bonds(
    july_accounts: pd.DataFrame,
    past_profiles: pd.DataFrame,
    manager_bonds: pd.DataFrame,
    bond_arms: pd.DataFrame,
) -> dict[str, pd.DataFrame | pd.Series]:
    """Return every bond with its giver and factor, and the bond that each account of July 2025 has."""
    by_lot = bond_arms[bond_arms["bond"] != "none"].assign(given_by="lot")
    every = pd.concat([manager_bonds.assign(given_by="manager"), by_lot], ignore_index=True)
    profile = past_profiles.iloc[every["account"]].reset_index(drop=True)
    factor = volume_factor(every["bond"], profile["kind"])
    present = every.set_index("account")["bond"].reindex(july_accounts["account"]).fillna("none")
    return {
        "all_bonds": every.assign(cost_per_month=cost(every["bond"], profile)),
        "bond_factors": every[["account", "since"]].assign(factor=factor),
        "present_bonds": present,
    }


@process(inner=("untreated",))
def untreated(
    july_accounts: pd.DataFrame,
    past_profiles: pd.DataFrame,
    past_latents: pd.DataFrame,
    manager_bonds: pd.DataFrame,
) -> pd.DataFrame:
    """Return what July 2025 would have found without any trial: the accounts with their managers' bonds."""
    account = july_accounts["account"]
    profile = past_profiles.iloc[account].reset_index(drop=True)
    bond = manager_bonds.set_index("account")["bond"].reindex(account).fillna("none").reset_index(drop=True)
    factor = volume_factor(bond, profile["kind"])
    leaving = pd.Series(leaving_probability(past_latents.iloc[account], bond))
    return july_accounts.assign(
        kind=profile["kind"],
        volume=profile["size_factor"] * factor,
        share=_expected_share(july_accounts, profile, factor, leaving),
        leaving=leaving,
    )


def _expected_share(
    july: pd.DataFrame, profile: pd.DataFrame, factor: np.ndarray, leaving: np.ndarray
) -> np.ndarray:
    """Return the expected share of the year of accounts whose bond has a factor."""
    return expected_share(july, share_by_stage(profile["share_of_purchases"]), leaving) * factor


def volume_factor(bond: pd.Series, kind: pd.Series) -> np.ndarray:
    """Return what the bonds of accounts of some kinds multiply the kilograms with; no bond, by 1."""
    table = pd.concat([pd.DataFrame(1.0, index=["none"], columns=KINDS), VOLUME])
    return table.to_numpy()[table.index.get_indexer(bond), table.columns.get_indexer(kind)]


def cost(bond: pd.Series, profile: pd.DataFrame) -> np.ndarray:
    """Return the fixed cost of a bond a month: the listing fee goes by the size of the account."""
    usual = steady_mix().sum(axis=0) @ (FEATURES["orders"] * FEATURES["kg_per_order"]) * LEDGER.price_per_kg
    listing = (COST.rebate * usual * profile["size_factor"] * profile["kind"].map(PRICES)).round(_TEN)
    fee = bond.map({"none": 0.0, "social": COST.social, "structural": COST.structural})
    return fee.fillna(listing).to_numpy()


@process(tables=("bonds",))
def bonds(all_bonds: pd.DataFrame) -> pd.DataFrame:
    """Return the table of bonds."""
    table = all_bonds.assign(account_id=all_bonds["account"] + 1, since=month_start(all_bonds["since"]))
    names = ["account_id", "bond", "since", "cost_per_month", "given_by"]
    return table[names].sort_values("account_id", ignore_index=True)


@process(tables=("bond_trial",), truth=("bond_trial",))
def bond_trial(
    july_accounts: pd.DataFrame,
    past_profiles: pd.DataFrame,
    past_latents: pd.DataFrame,
    bond_arms: pd.DataFrame,
    purchase_shares: pd.DataFrame,
    account_months: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the trial of bonds, and what was to be expected of each account in each arm."""
    account = bond_arms["account"].to_numpy()
    profile = past_profiles.iloc[account].reset_index(drop=True)
    table = pd.DataFrame(
        {
            "account_id": account + 1,
            "assigned_on": INTERVENTION,
            "arm": bond_arms["bond"],
            "cost_per_month": cost(bond_arms["bond"], profile),
        }
    )
    table = table.merge(purchase_shares, on="account_id")
    for name, year in (("margin_before", YEAR_START - 1), ("margin_after", YEAR_START)):
        table[name] = margin_of_year(account_months, account, year)
    july = july_accounts.set_index("account").loc[account].reset_index().assign(kind=profile["kind"])
    scores = past_latents.iloc[account].reset_index(drop=True)
    truth = [_expected(arm, july, profile, scores) for arm in ARMS]
    return {
        "bond_trial": table,
        "truth:bond_trial": pd.concat(truth).sort_values("account_id", kind="stable"),
    }


def _expected(arm: str, july: pd.DataFrame, profile: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return what an arm leads to: no care, no partner programme, the rival calling by lot."""
    bond = pd.Series(arm, index=july.index)
    factor = volume_factor(bond, profile["kind"])
    leaving = leaving_probability(scores, bond)
    return pd.DataFrame(
        {
            "account_id": july["account"] + 1,
            "arm": arm,
            "expected_cost": (cost(bond, profile) * expected_months(july, leaving)).round(2),
            "expected_share": _expected_share(july, profile, factor, leaving).round(_DECIMALS),
            "expected_margin": expected_margin(july, profile["size_factor"] * factor, leaving).round(2),
            "leaving_if_called": leaving.round(_DECIMALS),
        }
    )
