"""Two partner programmes, drawn by lot in July 2025: open books and stock data, or planning together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..dates import INTERVENTION
from ..numbers import numbers, series
from ..registry import process
from .account_stages import lot
from .account_values import expected_exits, expected_margin

ARMS = ("none", "information", "joint_planning")
VOLUME = series(
    "partner_trial",
    "volume",
    dict(zip(ARMS, (1.0, 1.02, 1.04), strict=True)),
    "factor",
    "on the share of tea bought from Qinghe and so on the kilograms, from July 2025 on",
)
GAIN = series(
    "partner_trial",
    "trust",
    dict(zip(ARMS, (0.0, 0.25, 0.40), strict=True)),
    "points 1 to 7",
    "change of trust as asked",
)
COST = series(
    "partner_trial",
    "cost",
    dict(zip(ARMS, (0.0, 150.0, 400.0), strict=True)),
    "yuan",
    "of the programme for one account, paid once",
)
ASKED = numbers(
    "partner_trial",
    trust_mean=(4.4, "points 1 to 7", "trust as an account of mean trust states it"),
    trust_slope=(0.7, "points", "change per unit of latent trust"),
    trust_left=(-0.6, "points", "change of the trust of an account that went to the rival"),
    trust_noise=(0.5, "points", "standard deviation of an answer, mean of several questions"),
)
LOWEST = 1
HIGHEST = 7  # ends of the scale
_DECIMALS = 4


@process(inner=("partner_arms", "partner_factors"))
def partner_arms(rng: np.random.Generator, july_accounts: pd.DataFrame) -> dict[str, pd.Series]:
    """Deal the arms to the accounts of July 2025."""
    arm = pd.Series(lot(rng, len(july_accounts), ARMS), index=july_accounts["account"])
    return {"partner_arms": arm, "partner_factors": arm.map(VOLUME)}


@process(tables=("partner_trial",), truth=("partner_trial",))
def partner_trial(
    rng: np.random.Generator,
    july_accounts: pd.DataFrame,
    partner_arms: pd.Series,
    past_latents: pd.DataFrame,
    purchase_shares: pd.DataFrame,
    untreated: pd.DataFrame,
    rival: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the trial of partner programmes, and what was to be expected of each account in each arm."""
    account = july_accounts["account"].to_numpy()
    scores = past_latents.iloc[account].reset_index(drop=True)
    mood = (ASKED.trust_mean + ASKED.trust_slope * scores["trust"]).to_numpy()
    arm = partner_arms.to_numpy()
    left = np.isin(account + 1, rival.loc[rival["left_on"].notna(), "account_id"])
    table = pd.DataFrame(
        {
            "account_id": account + 1,
            "assigned_on": INTERVENTION,
            "arm": arm,
            "cost": COST[arm].to_numpy(),
            "trust_before": _asked(rng, mood),
            "trust_after": _asked(rng, mood + GAIN[arm].to_numpy() + ASKED.trust_left * left),
        }
    )
    table = table.merge(purchase_shares, on="account_id")
    truth = pd.concat([_expected(name, untreated, mood) for name in ARMS])
    truth = truth.sort_values("account_id", kind="stable")
    return {"partner_trial": table, "truth:partner_trial": truth.round(_DECIMALS)}


def _expected(arm: str, untreated: pd.DataFrame, mood: np.ndarray) -> pd.DataFrame:
    """Return what an arm leads to: no care, managers' bonds only, the rival calling by lot."""
    volume = untreated["volume"] * VOLUME[arm]
    exits = expected_exits(untreated, untreated["leaving"])
    stayed = mean_answer(mood + GAIN[arm])
    left = mean_answer(mood + GAIN[arm] + ASKED.trust_left)
    return pd.DataFrame(
        {
            "account_id": untreated["account"] + 1,
            "arm": arm,
            "expected_trust": stayed + exits * (left - stayed),
            "expected_share": untreated["share"] * VOLUME[arm],
            "expected_margin": expected_margin(untreated, volume, untreated["leaving"]).round(2),
        }
    )


def _asked(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Draw answers on the scale."""
    return np.clip(mean + rng.normal(0, ASKED.trust_noise, len(mean)), LOWEST, HIGHEST).round(1)


def mean_answer(mean: np.ndarray) -> np.ndarray:
    """Return the expected answer: that of a normal value kept within the ends of the scale."""
    low = (LOWEST - mean) / ASKED.trust_noise
    high = (HIGHEST - mean) / ASKED.trust_noise
    inside = mean * (norm.cdf(high) - norm.cdf(low)) - ASKED.trust_noise * (norm.pdf(high) - norm.pdf(low))
    return inside + LOWEST * norm.cdf(low) + HIGHEST * norm.sf(high)
