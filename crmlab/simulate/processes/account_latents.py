"""Commitment and trust behind every business account, what follows from them, and its money matters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from .. import core
from ..numbers import numbers, series
from ..registry import process
from .account_stages import GROUPS

# signs as in the commitment-trust theory; in the order of causes
_PATHS = {
    ("shared_values", "trust"): 0.30,
    ("communication", "trust"): 0.40,
    ("opportunism", "trust"): -0.35,
    ("trust", "commitment"): 0.45,
    ("termination_cost", "commitment"): 0.25,
    ("relationship_benefits", "commitment"): 0.20,
    ("shared_values", "commitment"): 0.15,
    ("commitment", "acquiescence"): 0.45,
    ("commitment", "leaving_propensity"): -0.55,
    ("commitment", "cooperation"): 0.30,
    ("trust", "cooperation"): 0.40,
    ("trust", "functional_conflict"): 0.45,
    ("trust", "uncertainty"): -0.50,
}
_STATED = series(
    "commitment_trust",
    "",
    {f"{cause}->{effect}": value for (cause, effect), value in _PATHS.items()},
    "standard deviations",
    "path between latent variables of accounts",
)
PATHS = {key: _STATED[f"{key[0]}->{key[1]}"] for key in _PATHS}
CAUSES = ("shared_values", "communication", "opportunism", "termination_cost", "relationship_benefits")
OUTCOMES = ("acquiescence", "leaving_propensity", "cooperation", "functional_conflict", "uncertainty")
MODEL = (*CAUSES, "trust", "commitment", *OUTCOMES)  # every cause before its effects
TIES = numbers(
    "account_latents",
    switching_cost=(0.6, "standard deviations", "switching cost per unit of termination cost"),
    credit_quality=(0.25, "standard deviations", "credit quality per unit of trust"),
    profit_trend=(0.3, "standard deviations", "profit trend per unit of credit quality"),
)
IMPLIED = core.correlations(PATHS, MODEL)
_NO_END = 1e-9  # keeps a normal score finite
_DECIMALS = 4  # of a score


@process(inner=("past_latents",))
def past_latents(rng: np.random.Generator, past_accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the latent scores of the accounts until July 2025."""
    return latents(rng, past_accounts["group"].to_numpy())


@process(inner=("newcomer_latents",))
def newcomer_latents(
    rng: np.random.Generator, past_accounts: pd.DataFrame, account_ever: pd.DataFrame
) -> pd.DataFrame:
    """Return the latent scores of those who came after."""
    return latents(rng, account_ever["group"].to_numpy()[len(past_accounts) :])


@process(truth=("accounts",))
def account_latents(
    past_latents: pd.DataFrame,
    newcomer_latents: pd.DataFrame,
    account_ever: pd.DataFrame,
    account_profiles: pd.DataFrame,
) -> pd.DataFrame:
    """Return the latent scores of all accounts, with their size and their share of purchases."""
    scores = pd.concat([past_latents, newcomer_latents], ignore_index=True).round(_DECIMALS)
    scores.insert(0, "trust_group", np.array(GROUPS)[account_ever["group"]])
    scores.insert(0, "account_id", account_ever["account"] + 1)
    return scores.join(account_profiles[["size_factor", "share_of_purchases"]].round(_DECIMALS))


def latents(rng: np.random.Generator, group: np.ndarray) -> pd.DataFrame:
    """Draw the latent scores given the trust groups in which the accounts' chains were drawn."""
    third = (group + rng.random(len(group))) / len(GROUPS)
    out = _causes(rng, ndtri(np.clip(third, _NO_END, 1 - _NO_END)))
    for name in MODEL[len(CAUSES) + 1 :]:
        paths = {cause: value for (cause, effect), value in PATHS.items() if effect == name}
        out[name] = _effect(rng, out, paths)
    out["switching_cost"] = _effect(rng, out, {"termination_cost": TIES.switching_cost})
    out["credit_quality"] = _effect(rng, out, {"trust": TIES.credit_quality})
    out["profit_trend"] = _effect(rng, out, {"credit_quality": TIES.profit_trend})
    return out


def _causes(rng: np.random.Generator, trust: np.ndarray) -> pd.DataFrame:
    """Draw what causes trust and commitment, given trust: the group, so trust, came first."""
    slope = IMPLIED.loc[list(CAUSES), "trust"].to_numpy()
    root = np.linalg.cholesky(np.eye(len(CAUSES)) - np.outer(slope, slope))
    noise = rng.standard_normal((len(trust), len(CAUSES))) @ root.T
    return pd.DataFrame(trust[:, None] * slope + noise, columns=list(CAUSES)).assign(trust=trust)


def _effect(rng: np.random.Generator, out: pd.DataFrame, paths: dict[str, float]) -> pd.Series:
    """Draw a score of variance 1 that follows from others."""
    causes = list(paths)
    weights = np.array([paths[cause] for cause in causes])
    among = IMPLIED.loc[causes, causes].to_numpy() if set(causes) <= set(IMPLIED) else np.eye(len(causes))
    return out[causes] @ weights + np.sqrt(1 - weights @ among @ weights) * rng.standard_normal(len(out))
