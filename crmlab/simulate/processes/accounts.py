"""What the sales office knows of each business account, and how much tea an account of its kind buys."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from ..dates import MONTHS, START
from ..numbers import numbers, series
from ..registry import Setting, process
from .account_stages import LOST, STAYS

KINDS = ("hotel", "restaurant", "cafe", "office", "distributor")
KIND_SHARES = series(
    "accounts",
    "kind_share",
    dict(zip(KINDS, (0.20, 0.33, 0.25, 0.13, 0.09), strict=True)),
    "share",
    "of new accounts; the stages do not depend on the kind",
)
KIND_SIZES = series(
    "accounts",
    "kind_size",
    dict(zip(KINDS, (1.50, 0.85, 0.50, 0.55, 2.45), strict=True)),
    "factor",
    "on the kilograms of an order; its mean over new accounts is about 1",
)
CITIES = series(
    "accounts",
    "city_share",
    {
        "Shanghai": 0.22,
        "Hangzhou": 0.20,
        "Suzhou": 0.14,
        "Ningbo": 0.13,
        "Hefei": 0.10,
        "Shaoxing": 0.08,
        "Huzhou": 0.07,
        "Jinhua": 0.06,
    },
    "share",
    "of accounts",
)
MANAGERS = series(
    "accounts",
    "managers",
    dict(zip(CITIES.index, (4, 3, 2, 2, 2, 1, 1, 1), strict=True)),
    "managers",
    "account managers at home in the city: a place and all accounts that ever fill it are one manager's",
)
SIZE = numbers(
    "accounts",
    size_sd=(0.35, "log", "standard deviation of the log of an account's own size, beside its kind"),
    share_lowest=(0.20, "share", "lower end of the share of its tea that an account buys from Qinghe"),
    share_range=(0.55, "share", "from the lower to the upper end"),
    share_trust=(0.5, "logit", "place between both ends, change per unit of trust"),
    share_commitment=(0.5, "logit", "change per unit of commitment"),
    share_noise=(0.7, "logit", "standard deviation of the rest"),
)
OFFICE = numbers(
    "accounts",
    places_per_group=(
        15,
        "accounts",
        "places for accounts to one chain; each chain is one of hotels, of restaurants or of cafés",
    ),
    in_group=(0.28, "share", "of hotels, restaurants and cafés that belonged to a chain when they came"),
    merged=(
        0.25,
        "share",
        "of the others that a chain of their kind bought, if they were customers on the day it bought",
    ),
    founded=(60, "months", "before July 2022: the oldest chain; the others came until the last merger"),
    mergers=(3, "days", "on which a chain bought others, each of them since it was founded"),
    merger_until=(34, "months", "after July 2022: the last day on which a chain may have bought others"),
)
_CHAINED = KINDS[:-2]  # offices and distributors belong to no chain


def mean_sizes() -> pd.Series:
    """Return the share of each kind among new accounts times the mean factor of its size."""
    return KIND_SHARES * KIND_SIZES * np.exp(SIZE.size_sd**2 / 2)


@process(inner=("past_profiles",))
def past_profiles(
    rng: np.random.Generator, past_accounts: pd.DataFrame, past_latents: pd.DataFrame
) -> pd.DataFrame:
    """Return kind, size and share of purchases of the accounts until July 2025."""
    return profiles(rng, past_latents)


@process(inner=("newcomer_profiles",))
def newcomer_profiles(rng: np.random.Generator, newcomer_latents: pd.DataFrame) -> pd.DataFrame:
    """Return the same of those who came after."""
    return profiles(rng, newcomer_latents)


@process(inner=("account_profiles",))
def account_profiles(past_profiles: pd.DataFrame, newcomer_profiles: pd.DataFrame) -> pd.DataFrame:
    """Return the profiles of all accounts."""
    return pd.concat([past_profiles, newcomer_profiles], ignore_index=True)


def profiles(rng: np.random.Generator, latents: pd.DataFrame) -> pd.DataFrame:
    """Draw the kind of each account, the factor of its size, and the share of its tea that is Qinghe's."""
    kind = rng.choice(KINDS, len(latents), p=KIND_SHARES)
    own = np.exp(rng.normal(0, SIZE.size_sd, len(latents)))
    place = SIZE.share_trust * latents["trust"] + SIZE.share_commitment * latents["commitment"]
    place += rng.normal(0, SIZE.share_noise, len(latents))
    return pd.DataFrame(
        {
            "kind": kind,
            "size_factor": KIND_SIZES[kind].to_numpy() * own,
            "share_of_purchases": SIZE.share_lowest + SIZE.share_range * expit(place),
        }
    )


@process(tables=("accounts",))
def accounts(
    rng: np.random.Generator,
    setting: Setting,
    account_ever: pd.DataFrame,
    account_path: pd.DataFrame,
    account_profiles: pd.DataFrame,
) -> pd.DataFrame:
    """Return the table of accounts."""
    gone = account_path.loc[account_path["stage"] == LOST].set_index("account")["month"]
    lost = gone.reindex(account_ever["account"]).to_numpy()
    before = account_ever["predecessor"].where(account_ever["predecessor"] != STAYS).astype("Int64")
    office = _offices(rng, setting.accounts).loc[account_ever["place"]].reset_index(drop=True)
    table = pd.DataFrame(
        {
            "account_id": account_ever["account"] + 1,
            "kind": account_profiles["kind"],
            "city": office["city"],
            "manager_id": office["manager_id"],
            "started_on": month_start(account_ever["start"].to_numpy()),
            "lost_on": pd.Series(MONTHS).reindex(lost).to_numpy(),
            "predecessor_id": before + 1,
        }
    )
    return table.join(_chains(rng, table, setting.accounts))


def _offices(rng: np.random.Generator, places: int) -> pd.DataFrame:
    """Draw the city of each place, and who of the managers at home there looks after it."""
    city = rng.choice(len(CITIES), places, p=CITIES)
    managers = MANAGERS.to_numpy().astype(int)
    before = np.cumsum(managers) - managers  # managers are numbered city by city
    manager = before[city] + rng.integers(0, managers[city])
    return pd.DataFrame({"city": CITIES.index[city], "manager_id": manager + 1})


def month_start(month: np.ndarray) -> pd.DatetimeIndex:
    """Return the first days of months counted from July 2022, earlier ones included."""
    return pd.PeriodIndex(START.to_period("M") + month).to_timestamp()


def _chains(rng: np.random.Generator, table: pd.DataFrame, places: int) -> pd.DataFrame:
    """Draw the chain that an account belongs to, and the day on which the chain bought it, if it did."""
    n = len(table)
    alike = max(1, round(places / OFFICE.places_per_group / len(_CHAINED)))  # chains of a kind
    weight = 1 / np.arange(1, alike + 1)  # a few large chains, many small ones
    kind = pd.Index(_CHAINED).get_indexer(table["kind"])  # -1 of offices and distributors
    chain = rng.choice(alike, n, p=weight / weight.sum()) + alike * kind
    founded = rng.integers(-OFFICE.founded, OFFICE.merger_until, alike * len(_CHAINED))
    days = rng.integers(founded, OFFICE.merger_until + 1, (OFFICE.mergers, len(founded)))
    bought_on = month_start(days[rng.integers(0, OFFICE.mergers, n), chain])
    there = (table["started_on"] < bought_on) & ~(table["lost_on"] <= bought_on)
    could = kind >= 0
    member = could & (rng.random(n) < OFFICE.in_group)
    merged = could & ~member & there & (rng.random(n) < OFFICE.merged)
    number = rng.permutation(len(founded))[chain] + 1
    group = pd.Series(number).astype("Int64").where(member | merged)
    return pd.DataFrame({"group_id": group, "joined_group_on": pd.Series(bought_on).where(merged)})
