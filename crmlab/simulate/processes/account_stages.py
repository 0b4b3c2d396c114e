"""The hidden stage of every business account in every month: the history, and the year of care and the rival.

An account moves by the monthly matrix of its trust group. A lost account is replaced at once, so the places
are always filled. From July 2025 care changes the moves, and an account may leave to the rival, from any
stage.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import core
from ..dates import INTERVENTION, MONTHS
from ..numbers import grid, numbers, series
from ..registry import Setting, process

STAGES = ("exploration", "formation", "stability", "decline")
STATES = (*STAGES, "lost")
GROUPS = ("low", "mid", "high")
EXPLORATION, FORMATION, STABILITY, DECLINE, LOST = range(len(STATES))
YEAR_START = int(MONTHS.get_loc(INTERVENTION))  # the month in which trials and rival begin
YEAR_MONTHS = len(MONTHS) - YEAR_START
STAYS = -1  # instead of a month: the account does not go to the rival

_MOVE = "monthly probability, a row for each stage that an account is in"
TRANSITIONS = {
    "low": grid(
        "account_stages",
        "low",
        STAGES,
        STATES,
        (
            (0.760, 0.130, 0, 0.110, 0),
            (0, 0.780, 0.090, 0.130, 0),
            (0, 0, 0.895, 0.105, 0),
            (0, 0.080, 0, 0.780, 0.140),
        ),
        "probability",
        _MOVE,
    ),
    "mid": grid(
        "account_stages",
        "mid",
        STAGES,
        STATES,
        (
            (0.800, 0.140, 0, 0.060, 0),
            (0, 0.830, 0.100, 0.070, 0),
            (0, 0, 0.950, 0.050, 0),
            (0, 0.110, 0, 0.785, 0.105),
        ),
        "probability",
        _MOVE,
    ),
    "high": grid(
        "account_stages",
        "high",
        STAGES,
        STATES,
        (
            (0.830, 0.140, 0, 0.030, 0),
            (0, 0.860, 0.110, 0.030, 0),
            (0, 0, 0.978, 0.022, 0),
            (0, 0.130, 0, 0.780, 0.090),
        ),
        "probability",
        _MOVE,
    ),
}
# what care does to the monthly moves while it lasts: multipliers of climbing, slipping and being lost
CARE = {
    stage: series("care", stage, dict(zip(("climb", "decline", "lost"), row, strict=True)), "factor", text)
    for stage, row, text in (
        ("exploration", (1.05, 0.70, 1.0), "on the monthly move"),
        ("formation", (1.60, 0.25, 1.0), "on the monthly move"),
        ("stability", (1.0, 0.20, 1.0), "on the monthly move"),
        ("decline", (1.15, 1.0, 0.85), "on the monthly move"),
    )
}
BEGINNING = numbers(
    "account_stages",
    founded=(294, "months", "from the founding of the house in 1998 to July 2022: no account is older"),
)
_CLIMBS = {EXPLORATION: FORMATION, STABILITY: STABILITY, FORMATION: STABILITY, DECLINE: FORMATION}


def transition_matrix(group: str, care: bool = False) -> np.ndarray:
    """Return the 5 x 5 monthly matrix of a trust group (lost is absorbing), with or without care."""
    matrix = np.vstack([TRANSITIONS[group].to_numpy(), np.eye(len(STATES))[LOST]])
    if care:
        for stage, name in enumerate(STAGES):
            effect = CARE[name]
            matrix[stage, _CLIMBS[stage]] *= effect["climb"]
            if stage != DECLINE:
                matrix[stage, DECLINE] *= effect["decline"]
            matrix[stage, LOST] *= effect["lost"]
            matrix[stage, stage] = 0
            matrix[stage, stage] = 1 - matrix[stage].sum()
    return matrix


def steady_mix() -> np.ndarray:
    """Return the long-run share of places by trust group (rows) and stage (columns), lost accounts replaced.

    A new account starts in exploration, with each trust group equally likely; so groups that lose
    fewer accounts fill more places.
    """
    stays = np.eye(len(STAGES))
    time = [
        np.linalg.solve(stays - TRANSITIONS[group][list(STAGES)].to_numpy().T, stays[0]) for group in GROUPS
    ]
    return np.array(time) / np.sum(time)


def ages() -> np.ndarray:
    """Return the long-run share of places by months since the account came, trust group and stage.

    An account of some age has come so far along the moves of its group without being lost; ages end where the
    house began.
    """
    moves = np.array([TRANSITIONS[group][list(STAGES)] for group in GROUPS])
    there = np.eye(len(STAGES))[[EXPLORATION] * len(GROUPS)]
    by_age = []
    for _ in range(BEGINNING.founded + 1):
        by_age.append(there)
        there = np.einsum("gs,gst->gt", there, moves)
    return by_age / np.sum(by_age, axis=0) * steady_mix()


def pooled_matrix() -> np.ndarray:
    """Return what one chain fitted to all accounts converges to: moves weighted by who is in each stage."""
    mix = steady_mix()
    weight = mix / mix.sum(axis=0)
    moves = np.array([TRANSITIONS[group] for group in GROUPS])
    return np.vstack([np.einsum("gs,gst->st", weight, moves), np.eye(len(STATES))[LOST]])


@process(truth=("transition_matrices",))
def transition_matrices() -> pd.DataFrame:
    """Return the true monthly matrices as rows: each trust group with and without care, and the mix."""
    blocks = {(group, "none"): transition_matrix(group) for group in GROUPS}
    blocks |= {(group, "care"): transition_matrix(group, care=True) for group in GROUPS}
    blocks["all", "none"] = pooled_matrix()
    rows = [
        (*block, from_stage, to_stage, matrix[i, j])
        for block, matrix in blocks.items()
        for i, from_stage in enumerate(STAGES)
        for j, to_stage in enumerate(STATES)
    ]
    return pd.DataFrame(rows, columns=["trust_group", "care", "from_stage", "to_stage", "probability"])


@process(inner=("past_accounts", "past_stages", "july_accounts"))
def account_history(rng: np.random.Generator, setting: Setting) -> dict[str, pd.DataFrame]:
    """Return the accounts until June 2025 with the stage of each month, and who is there in July 2025."""
    share = ages()
    cell = rng.choice(share.size, setting.accounts, p=share.ravel())
    age, group, stage = np.unravel_index(cell, share.shape)
    place = np.arange(setting.accounts)
    first = pd.DataFrame({"place": place, "account": place, "group": group, "stage": stage})
    begun = first[["account", "place", "group"]].assign(start=-age, predecessor=STAYS)
    newcomers, stages, july = walk(rng, first, range(YEAR_START), setting.accounts)
    return {
        "past_accounts": pd.concat([begun, newcomers], ignore_index=True),
        "past_stages": stages,
        "july_accounts": july.sort_values("account", ignore_index=True),
    }


@process(inner=("account_ever", "account_path"), truth=("account_stages",))
def account_year(
    rng: np.random.Generator,
    past_accounts: pd.DataFrame,
    past_stages: pd.DataFrame,
    july_accounts: pd.DataFrame,
    care_arms: pd.Series,
    rival_exits: pd.Series,
) -> dict[str, pd.DataFrame]:
    """Return all accounts that ever were and the stage of each month, the year of care and rival included."""
    year = range(YEAR_START, len(MONTHS))
    known = len(past_accounts)
    newcomers, stages, _ = walk(rng, july_accounts, year, known, care_arms.to_numpy(), rival_exits.to_numpy())
    path = pd.concat([past_stages, stages]).sort_values(["account", "month"], ignore_index=True)
    truth = pd.DataFrame(
        {
            "account_id": path["account"] + 1,
            "month": MONTHS[path["month"]],
            "stage": np.array(STATES)[path["stage"]],
        }
    )
    ever = pd.concat([past_accounts, newcomers], ignore_index=True)
    return {"account_ever": ever, "account_path": path, "truth:account_stages": truth}


def walk(
    rng: np.random.Generator,
    places: pd.DataFrame,
    months: range,
    known: int,
    care: np.ndarray | None = None,
    leaves: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Let the accounts in all places move through `months`; return newcomers, stages and who is there after.

    `care` marks the places under care; `leaves` holds the month in which an account decides for the rival.
    Newcomers are numbered from `known` and get neither.
    """
    place = places["place"].to_numpy()
    account, group, stage = (places[name].to_numpy().copy() for name in ("account", "group", "stage"))
    care = np.zeros(len(places), dtype=bool) if care is None else care.copy()
    leaves = np.full(len(places), STAYS) if leaves is None else leaves.copy()
    moves = np.array([[transition_matrix(name, cared) for name in GROUPS] for cared in (False, True)])
    newcomers = []
    stages = []
    for month in months:
        stages.append(pd.DataFrame({"account": account, "month": month, "stage": stage}))
        stage = core.pick(rng, moves[care.astype(int), group, stage])
        lost = np.flatnonzero((stage == LOST) | (leaves == month))
        if month + 1 == len(MONTHS):
            break  # who is lost on the day after today is not known
        gone = account[lost]
        stages.append(pd.DataFrame({"account": gone, "month": month + 1, "stage": LOST}))
        account[lost] = known + np.arange(len(lost))
        group[lost] = rng.integers(0, len(GROUPS), len(lost))
        stage[lost] = EXPLORATION
        care[lost] = False
        leaves[lost] = STAYS
        known += len(lost)
        fresh = pd.DataFrame({"account": account[lost], "place": place[lost], "group": group[lost]})
        newcomers.append(fresh.assign(start=month + 1, predecessor=gone))
    after = pd.DataFrame({"place": place, "account": account, "group": group, "stage": stage})
    return pd.concat(newcomers, ignore_index=True), pd.concat(stages, ignore_index=True), after


def lot(rng: np.random.Generator, n: int, arms: tuple[str, ...]) -> np.ndarray:
    """Deal the arms of a trial to `n` accounts by lot, each arm to as many, give or take one."""
    return np.array(arms)[rng.permutation(n) % len(arms)]
