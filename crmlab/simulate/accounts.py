"""Business accounts: trust, the hidden stage of every month, what the ledger shows, and the care wave."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from . import parameters as par
from .core import correlations, generator, pick
from .parameters import P

_EXPLORATION, _FORMATION, _STABILITY, _DECLINE, _LOST = range(5)
_CARE_START = int(np.flatnonzero(par.MONTHS == par.INTERVENTION)[0])
_LATENTS = (
    "shared_values",
    "communication",
    "opportunism",
    "termination_cost",
    "relationship_benefits",
    "trust",
    "commitment",
)


def transition_matrix(group: str, care: bool = False) -> np.ndarray:
    """Return the 5 x 5 monthly matrix of a trust group (lost is absorbing), with or without care."""
    matrix = np.vstack([np.array(par.TRANSITIONS[group], float), [0, 0, 0, 0, 1.0]])
    if care:
        climbs = {0: _FORMATION, 1: _STABILITY, 3: _FORMATION}
        for stage, name in enumerate(par.STAGES):
            effect = par.CARE_EFFECTS[name]
            if stage in climbs:
                matrix[stage, climbs[stage]] *= effect["climb"]
            if stage != _DECLINE:
                matrix[stage, _DECLINE] *= effect["decline"]
            matrix[stage, _LOST] *= effect["lost"]
            matrix[stage, stage] = 0
            matrix[stage, stage] = 1 - matrix[stage].sum()
    return matrix


def steady_mix() -> np.ndarray:
    """Return the long-run share of places by trust group (rows) and stage (columns), lost accounts replaced.

    A new account starts in exploration, with each trust group equally likely; so groups that lose
    fewer accounts fill more places.
    """
    size = len(par.STAGES)
    time = np.array(
        [
            np.linalg.solve(np.eye(size) - transition_matrix(g)[:size, :size].T, np.eye(size)[0])
            for g in par.TRUST_GROUPS
        ]
    )
    return time / time.sum()


def pooled_matrix() -> np.ndarray:
    """Return what one chain fitted to all accounts converges to: moves weighted by who is in each stage."""
    mix = steady_mix()
    weight = mix / mix.sum(axis=0)
    moves = np.array([transition_matrix(g)[:4] for g in par.TRUST_GROUPS])
    return np.vstack([np.einsum("gs,gst->st", weight, moves), [0, 0, 0, 0, 1.0]])


def matrices() -> pd.DataFrame:
    """Return the true monthly matrices as rows: each trust group with and without care, and the mix."""
    names = [*par.STAGES, "lost"]
    blocks = [(g, "none", transition_matrix(g)) for g in par.TRUST_GROUPS]
    blocks += [(g, "care", transition_matrix(g, care=True)) for g in par.TRUST_GROUPS]
    blocks.append(("all", "none", pooled_matrix()))
    return pd.DataFrame(
        [
            (group, care, names[i], names[j], matrix[i, j])
            for group, care, matrix in blocks
            for i in range(4)
            for j in range(5)
        ],
        columns=["trust_group", "care", "from_stage", "to_stage", "probability"],
    )


def histories(seed: int, places: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the accounts that ever held one of the `places`, and the stage of each in every month."""
    rng = generator(seed, "account_stages")
    mix = steady_mix()
    cell = rng.choice(mix.size, places, p=mix.ravel())
    group, stage = np.divmod(cell, len(par.STAGES))
    account = np.arange(places)
    born = -rng.geometric(np.array([0.25, 0.10, 0.04, 0.06])[stage])
    plain = np.array([transition_matrix(g) for g in par.TRUST_GROUPS])
    cared = np.array([transition_matrix(g, care=True) for g in par.TRUST_GROUPS])
    care = np.zeros(places, bool)
    known = places  # accounts that have been so far
    accounts = [pd.DataFrame({"account": account, "group": group, "start": born, "predecessor": -1})]
    stages = []
    for month in range(len(par.MONTHS)):
        if month == _CARE_START:
            care = _half_of_each(rng, stage)
            in_wave = pd.DataFrame({"account": account, "care": care})
        stages.append(pd.DataFrame({"account": account, "month": month, "stage": stage}))
        stage = pick(rng, np.where(care[:, None], cared[group, stage], plain[group, stage]))
        lost = np.flatnonzero(stage == _LOST)
        if len(lost) and month + 1 < len(par.MONTHS):
            gone = account[lost]
            stages.append(pd.DataFrame({"account": gone, "month": month + 1, "stage": _LOST}))
            account[lost] = known + np.arange(len(lost))
            group[lost] = rng.integers(0, 3, len(lost))
            stage[lost] = _EXPLORATION
            care[lost] = False  # a newcomer was not part of the wave
            known += len(lost)
            fresh = {"account": account[lost], "group": group[lost], "start": month + 1, "predecessor": gone}
            accounts.append(pd.DataFrame(fresh))
    ever = pd.concat(accounts, ignore_index=True).merge(in_wave, on="account", how="left")
    return ever, pd.concat(stages).sort_values(["account", "month"], ignore_index=True)


def _half_of_each(rng: np.random.Generator, stage: np.ndarray) -> np.ndarray:
    """Draw half of the accounts, stage by stage, so that the two arms of the wave are alike."""
    drawn = np.zeros(len(stage), bool)
    drawn[np.lexsort((rng.random(len(stage)), stage))[::2]] = True
    return drawn


def stage_truth(stages: pd.DataFrame) -> pd.DataFrame:
    """Return the stages as truth holds them: by account and month, in words."""
    return pd.DataFrame(
        {
            "account_id": stages["account"] + 1,
            "month": par.MONTHS[stages["month"]],
            "stage": np.array([*par.STAGES, "lost"])[stages["stage"]],
        }
    )


def latents(seed: int, ever: pd.DataFrame) -> pd.DataFrame:
    """Return the commitment-trust scores, given the trust group in which each account's chain was drawn."""
    rng = generator(seed, "account_latents")
    n = len(ever)
    third = (ever["group"].to_numpy() + rng.random(n)) / 3
    trust = ndtri(np.clip(third, 1e-9, 1 - 1e-9))
    implied = correlations(par.TRUST_PATHS, _LATENTS)
    outside = list(_LATENTS[:5])
    slope = implied.loc[outside, "trust"].to_numpy()
    root = np.linalg.cholesky(np.eye(5) - np.outer(slope, slope))
    given = pd.DataFrame(trust[:, None] * slope + rng.standard_normal((n, 5)) @ root.T, columns=outside)
    given["trust"] = trust
    parents = [p for p, child in par.TRUST_PATHS if child == "commitment"]
    weights = np.array([par.TRUST_PATHS[p, "commitment"] for p in parents])
    left = 1 - weights @ implied.loc[parents, parents].to_numpy() @ weights
    given["commitment"] = given[parents].to_numpy() @ weights + np.sqrt(left) * rng.standard_normal(n)
    given.insert(0, "trust_group", np.array(par.TRUST_GROUPS)[ever["group"]])
    given.insert(0, "account_id", ever["account"].to_numpy() + 1)
    return given


def accounts(seed: int, ever: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """Return the table of accounts: what the sales office knows of each."""
    rng = generator(seed, "accounts")
    n = len(ever)
    start = par.START.to_period("M") + ever["start"].to_numpy()
    gone = stages[stages["stage"] == _LOST].set_index("account")["month"]
    lost_on = ever["account"].map(gone).map(lambda m: par.MONTHS[int(m)] if pd.notna(m) else pd.NaT)
    before = ever["predecessor"].astype("Int64") + 1
    return pd.DataFrame(
        {
            "account_id": ever["account"] + 1,
            "kind": rng.choice(["hotel", "restaurant", "cafe", "office"], n, p=[0.22, 0.36, 0.28, 0.14]),
            "city": rng.choice(par.CITIES["city"], n, p=par.CITIES["share"]),
            "started_on": pd.to_datetime([p.start_time for p in start]),
            "lost_on": pd.to_datetime(lost_on),
            "predecessor_id": before.where(ever["predecessor"] >= 0, pd.NA),
        }
    )


def account_months(seed: int, ever: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """Return the ledger by account and month; every figure depends on the stage, through noise."""
    rng = generator(seed, "account_months")
    active = stages[stages["stage"] != _LOST]
    account = active["account"].to_numpy()
    stage = active["stage"].to_numpy()
    n = len(active)
    mean = par.MONTH_FEATURES.iloc[stage].reset_index(drop=True)
    size = np.exp(generator(seed, "account_size").normal(0, 0.35, len(ever)))[account]
    care = ever["care"].eq(True).to_numpy()[account] & (active["month"].to_numpy() >= _CARE_START)
    orders = rng.poisson(mean["orders"])
    kg = np.exp(np.log(mean["kg_per_order"] * size) + rng.normal(0, 0.25, n)) * orders
    revenue = kg * par.PRICE_PER_KG * np.exp(rng.normal(0, 0.05, n))
    return pd.DataFrame(
        {
            "account_id": account + 1,
            "month": par.MONTHS[active["month"].to_numpy()],
            "orders": orders,
            "volume_kg": kg.round(1),
            "revenue": revenue.round(2),
            "margin": (revenue * (mean["margin_rate"] + rng.normal(0, 0.05, n))).round(2),
            "visits": rng.poisson(mean["visits"] + 2.0 * care),
            "complaints": rng.poisson(mean["complaints"]),
            "response_hours": np.exp(
                np.log(mean["response_hours"]) + mean["noise"] * rng.standard_normal(n)
            ).round(1),
        }
    )


def account_reviews(seed: int, ever: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """Return the stages that account managers noted at the end of each quarter, of a sample, mostly right."""
    rng = generator(seed, "account_reviews")
    sampled = rng.random(len(ever)) < 0.6
    seen = stages[
        (stages["stage"] != _LOST) & (stages["month"] % 3 == 2) & sampled[stages["account"].to_numpy()]
    ]
    label = pick(rng, np.array(par.LABEL_ERRORS)[seen["stage"].to_numpy()])
    out = pd.DataFrame(
        {
            "account_id": seen["account"].to_numpy() + 1,
            "month": par.MONTHS[seen["month"].to_numpy()],
            "stage": np.array(par.STAGES)[label],
        }
    ).sort_values(["month", "account_id"], ignore_index=True)
    out.insert(0, "review_id", np.arange(1, len(out) + 1))
    return out


def care_wave(seed: int, ever: pd.DataFrame, stages: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the randomised care wave of July 2025 with satisfaction (1-7) before and a year after."""
    rng = generator(seed, "care_wave")
    wave = ever.dropna(subset="care")
    account = wave["account"].to_numpy()
    care = wave["care"].astype(bool).to_numpy()
    start = stages[stages["month"] == _CARE_START].set_index("account")["stage"]
    mood = np.array([4.4, 4.9, 5.5, 3.6])[start.loc[account].to_numpy()]
    before = mood + 0.35 * truth["trust"].to_numpy()[account] + rng.normal(0, 0.5, len(wave))
    gain = np.where(care, P["care_wave", "satisfaction_care"], P["care_wave", "satisfaction_drift"])
    after = before + gain + rng.normal(0, 0.6, len(wave))
    stayed = (
        stages[stages["stage"] != _LOST].groupby("account")["month"].max().loc[account] == len(par.MONTHS) - 1
    )
    return pd.DataFrame(
        {
            "account_id": account + 1,
            "arm": np.where(care, "care", "control"),
            "cost_per_month": np.where(care, P["care_wave", "cost_per_month"], 0.0),
            "satisfaction_before": np.clip(before, 1, 7).round(1),
            "satisfaction_after": np.where(stayed, np.clip(after, 1, 7).round(1), np.nan),
        }
    ).sort_values("account_id", ignore_index=True)
