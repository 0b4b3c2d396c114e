"""The cheaper rival, whose salesmen call on a part of the accounts from July to December 2025."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from ..dates import MONTHS
from ..numbers import numbers, series
from ..registry import process
from .account_stages import LOST, STAYS, YEAR_START

RIVAL = numbers(
    "rival",
    reached=(0.6, "share", "of the accounts of July 2025, by lot"),
    months=(6, "months", "from July 2025 on: the month of the call is drawn by lot"),
    intercept=(-3.1, "logit", "leaves: no price gap, no bond, mean switching cost and commitment"),
    price_gap=(11.0, "logit", "change per unit of the price gap (.10 is ten per cent cheaper)"),
    switching_cost=(-0.5, "logit", "change per unit of the latent switching cost"),
    commitment=(-0.6, "logit", "change per unit of commitment"),
    stated_mean=(4.0, "points 1 to 7", "switching cost as an account of mean switching cost states it"),
    stated_slope=(1.1, "points", "change per unit of the latent switching cost"),
    stated_noise=(0.8, "points", "standard deviation of the statement"),
)
GAPS = series(
    "rival",
    "price_gap_level",
    {"1": 0.04, "2": 0.10, "3": 0.16, "4": 0.22, "5": 0.28},
    "share",
    "by which the rival is cheaper, each drawn as often",
)
BOND = series(
    "rival",
    "bond",
    {"none": 0.0, "financial": -0.4, "social": -0.7, "structural": -1.1},
    "logit",
    "change under a bond; care and partner programmes change nothing",
)
_LAST_CALL = 20  # day of the month; the answer comes in the same month
_LAST_ANSWER = 6  # working days after the call
_NATIONAL_DAYS = np.arange("2025-10-01", "2025-10-09", dtype="datetime64[D]")  # nobody works
_LOWEST = 1
_HIGHEST = 7  # ends of the scale
_DECIMALS = 4


@process(inner=("rival_calls", "rival_exits"))
def rival_calls(
    rng: np.random.Generator,
    july_accounts: pd.DataFrame,
    past_latents: pd.DataFrame,
    present_bonds: pd.Series,
) -> dict[str, pd.DataFrame | pd.Series]:
    """Draw whom the rival would call on, when and with what offer, and who would leave."""
    account = july_accounts["account"].to_numpy()
    n = len(account)
    scores = past_latents.iloc[account].reset_index(drop=True)
    gap = rng.choice(GAPS, n)
    leaves = rng.random(n) < expit(logit(scores, present_bonds.to_numpy(), gap))
    reached = rng.random(n) < RIVAL.reached
    month = np.where(reached, YEAR_START + rng.integers(0, RIVAL.months, n), STAYS)
    stated = RIVAL.stated_mean + RIVAL.stated_slope * scores["switching_cost"]
    stated += rng.normal(0, RIVAL.stated_noise, n)
    calls = pd.DataFrame(
        {
            "account": account,
            "month": month,
            "moment": rng.random(n),
            "answer": rng.integers(1, _LAST_ANSWER + 1, n),
            "price_gap": gap,
            "switching_cost": np.clip(stated.round(), _LOWEST, _HIGHEST).astype(int),
            "leaves": leaves,
        }
    )
    return {"rival_calls": calls, "rival_exits": calls["month"].where(calls["leaves"], STAYS)}


@process(tables=("rival",), truth=("rival",))
def rival(
    rival_calls: pd.DataFrame,
    account_path: pd.DataFrame,
    past_latents: pd.DataFrame,
    present_bonds: pd.Series,
) -> dict[str, pd.DataFrame]:
    """Return the calls that found an account still there, and what the rival's offer did to each."""
    there = account_path.loc[account_path["stage"] != LOST, ["account", "month"]]
    calls = rival_calls.merge(there, on=["account", "month"]).sort_values("account", ignore_index=True)
    offered, left = _working_days(calls)
    table = pd.DataFrame(
        {
            "account_id": calls["account"] + 1,
            "offered_on": offered,
            "price_gap": calls["price_gap"],
            "switching_cost": calls["switching_cost"],
            "left_on": left.where(calls["leaves"]),
        }
    )
    scores = past_latents.iloc[calls["account"]].reset_index(drop=True)
    bond = present_bonds.loc[calls["account"]].to_numpy()
    gap = calls["price_gap"].to_numpy()
    truth = pd.DataFrame(
        {
            "account_id": table["account_id"],
            "probability": expit(logit(scores, bond, gap)),
            "indifference_gap": -logit(scores, bond, np.zeros(len(calls))) / RIVAL.price_gap,
        }
    )
    for name in BOND.index:
        truth[f"probability_{name}"] = expit(logit(scores, np.full(len(calls), name), gap))
    return {"rival": table, "truth:rival": truth.round(_DECIMALS)}


def _working_days(calls: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the day of each call and that of its answer, working days both."""
    first = MONTHS[calls["month"]].to_numpy().astype("datetime64[D]")
    days = np.busday_count(first, first + np.timedelta64(_LAST_CALL, "D"), holidays=_NATIONAL_DAYS)
    nth = (calls["moment"].to_numpy() * days).astype(int)
    offered = np.busday_offset(first, nth, roll="forward", holidays=_NATIONAL_DAYS)
    left = np.busday_offset(offered, calls["answer"].to_numpy(), holidays=_NATIONAL_DAYS)
    return pd.Series(offered.astype("datetime64[ns]")), pd.Series(left.astype("datetime64[ns]"))


def logit(scores: pd.DataFrame, bond: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Return the log-odds of leaving to the rival when it calls with an offer."""
    base = RIVAL.intercept + RIVAL.price_gap * gap + BOND.loc[bond].to_numpy()
    drawn = RIVAL.switching_cost * scores["switching_cost"] + RIVAL.commitment * scores["commitment"]
    return base + drawn.to_numpy()


def leaving_probability(scores: pd.DataFrame, bond: pd.Series) -> np.ndarray:
    """Return the probability of leaving if the rival calls, the mean over the offers that it makes."""
    each = [expit(logit(scores, bond.to_numpy(), np.full(len(scores), gap))) for gap in GAPS]
    return np.mean(each, axis=0)


def called_before(month: np.ndarray) -> np.ndarray:
    """Return by month from July 2025 the share of accounts that were called on before it began."""
    return RIVAL.reached * np.minimum(month, RIVAL.months) / RIVAL.months
