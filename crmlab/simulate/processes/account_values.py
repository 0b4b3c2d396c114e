"""What a year of an account is worth in expectation, in closed form: stages, calendar, size and the rival."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .account_months import CALENDAR, margin_by_stage
from .account_stages import EXPLORATION, GROUPS, LOST, YEAR_MONTHS, YEAR_START, transition_matrix
from .accounts import mean_sizes
from .rival import called_before


def expected_margin(
    july_accounts: pd.DataFrame,
    volume: pd.Series,
    leaving: pd.Series,
    care: bool = False,
    months: int = YEAR_MONTHS,
) -> pd.Series:
    """Return the expected margin of so many months from July 2025 on, before the cost of any programme.

    `july_accounts` holds their kind too; `volume` multiplies the kilograms, `leaving` is the probability of
    leaving if the rival calls; care ends after twelve months. Months after June 2026 are like the mean one.
    """
    there = _stages_ahead(july_accounts, care, months)[:, :, :LOST]
    margin = margin_by_stage().loc[july_accounts["kind"]].to_numpy()
    stays = 1 - np.outer(leaving, called_before(np.arange(months)))
    season = np.append(CALENDAR[YEAR_START:], np.ones(months))[:months]
    return volume * (np.einsum("ams,as->am", there, margin) * stays * season).sum(axis=1)


def expected_successors(
    july_accounts: pd.DataFrame, leaving: pd.Series, care: bool = False, months: int = YEAR_MONTHS
) -> np.ndarray:
    """Return the expected margin of those who follow in the accounts' places within so many months.

    A lost account is replaced in the month after by a new one, of any kind and trust group, without care or
    bond and not called on by the rival.
    """
    there = 1 - _stages_ahead(july_accounts, care, months)[:, :, LOST]
    there = there * (1 - np.outer(leaving, called_before(np.arange(months))))
    lost = -np.diff(there, axis=1, prepend=1)
    since = (
        _newcomers(months) @ (mean_sizes() @ margin_by_stage()).to_numpy()
    )  # by months since the first successor came
    season = np.append(CALENDAR[YEAR_START:], np.ones(months))[:months]
    left = [(since[: months - come] * season[come:]).sum() for come in range(months)]
    return lost @ np.array(left)


def _newcomers(months: int) -> np.ndarray:
    """Return the share of stages in a place by months since a new account came, lost ones replaced."""
    fresh = np.full(len(GROUPS), 1 / len(GROUPS))
    now = np.zeros((len(GROUPS), LOST))
    now[:, EXPLORATION] = fresh
    moves = np.array([transition_matrix(group) for group in GROUPS])[:, :LOST]
    found = []
    for _ in range(months):
        found.append(now.sum(axis=0))
        after = np.einsum("gs,gst->gt", now, moves)
        now = after[:, :LOST]
        now[:, EXPLORATION] += after[:, LOST].sum() * fresh
    return np.array(found)


def expected_months(july_accounts: pd.DataFrame, leaving: pd.Series, care: bool = False) -> np.ndarray:
    """Return in how many months from July 2025 to June 2026 an account is one, in expectation."""
    there = 1 - _stages_ahead(july_accounts, care, YEAR_MONTHS)[:, :, LOST]
    stays = 1 - np.outer(leaving, called_before(np.arange(YEAR_MONTHS)))
    return (there * stays).sum(axis=1)


def expected_stay(july_accounts: pd.DataFrame, leaving: pd.Series, care: bool = False) -> pd.Series:
    """Return the probability that an account of July 2025 is still one in June 2026."""
    last = _stages_ahead(july_accounts, care, YEAR_MONTHS)[:, -1]
    return (1 - last[:, LOST]) * (1 - called_before(np.array(YEAR_MONTHS - 1)) * leaving)


def expected_share(july_accounts: pd.DataFrame, share: np.ndarray, leaving: pd.Series) -> np.ndarray:
    """Return the expected share of purchases of the year over the months as a customer, without care.

    `share` is that of an account (row) in a month of each stage (column). For every length of the time as a
    customer: the months in each stage, of all who are there in its last month less those who stay on.
    """
    group = july_accounts["group"]
    stage = july_accounts["stage"]
    stays = 1 - np.outer(leaving, called_before(np.arange(YEAR_MONTHS)))
    parts = np.zeros((len(july_accounts), LOST))
    for month in range(YEAR_MONTHS):
        there, on = _months_of_those_there(month)
        months = there[group, stage] * stays[:, [month]]
        if month + 1 < YEAR_MONTHS:
            months -= on[group, stage] * stays[:, [month + 1]]
        parts += months / (month + 1)
    return (parts * share).sum(axis=1)


def _months_of_those_there(month: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the months in each stage until a month (the last axis), by group and stage in July 2025.

    First the months of those who are still there in that month, then of those who are in the next one too.
    """
    moves = np.array([transition_matrix(group)[:LOST, :LOST] for group in GROUPS])
    power = [np.broadcast_to(np.eye(LOST), moves.shape)]
    for _ in range(month + 1):
        power.append(power[-1] @ moves)
    found = []
    for last in (month, month + 1):
        then = [power[last - past].sum(axis=2) for past in range(month + 1)]
        found.append(sum(power[past] * then[past][:, None, :] for past in range(month + 1)))
    return found[0], found[1]


def expected_exits(july_accounts: pd.DataFrame, leaving: pd.Series) -> np.ndarray:
    """Return the probability of going to the rival, without care: it calls only on who is still there."""
    there = 1 - _stages_ahead(july_accounts, False, YEAR_MONTHS)[:, :, LOST]
    called = np.diff(called_before(np.arange(YEAR_MONTHS + 1)))
    return (there @ called) * leaving


def _stages_ahead(july_accounts: pd.DataFrame, care: bool, months: int) -> np.ndarray:
    """Return the probability of each stage by account and month from July 2025 on, the rival apart."""
    ahead = []
    for group in GROUPS:
        now = np.eye(LOST + 1)  # a row for each stage at the start
        of_group = []
        for month in range(months):
            of_group.append(now)
            now = now @ transition_matrix(group, care and month < YEAR_MONTHS)
        ahead.append(of_group)
    return np.array(ahead)[july_accounts["group"], :, july_accounts["stage"]]
