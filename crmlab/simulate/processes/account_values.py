"""What a year of an account is worth in expectation, in closed form: stages, calendar, size and the rival."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .account_months import CALENDAR, margin_by_stage
from .account_stages import GROUPS, LOST, YEAR_MONTHS, YEAR_START, transition_matrix
from .rival import called_before


def expected_margin(
    july_accounts: pd.DataFrame,
    volume: pd.Series,
    leaving: pd.Series,
    care: bool = False,
    months: int = YEAR_MONTHS,
) -> pd.Series:
    """Return the expected margin of so many months from July 2025 on, before the cost of any programme.

    `volume` multiplies the kilograms, `leaving` is the probability of leaving if the rival calls; care ends
    after twelve months. Months after June 2026 are like the mean one of a year.
    """
    there = _stages_ahead(july_accounts, care, months)[:, :, :LOST]
    stays = 1 - np.outer(leaving, called_before(np.arange(months)))
    season = np.append(CALENDAR[YEAR_START:], np.ones(months))[:months]
    return volume * ((there @ margin_by_stage()) * stays * season).sum(axis=1)


def expected_months(july_accounts: pd.DataFrame, leaving: pd.Series, care: bool = False) -> np.ndarray:
    """Return in how many months from July 2025 to June 2026 an account is one, in expectation."""
    there = 1 - _stages_ahead(july_accounts, care, YEAR_MONTHS)[:, :, LOST]
    stays = 1 - np.outer(leaving, called_before(np.arange(YEAR_MONTHS)))
    return (there * stays).sum(axis=1)


def expected_stay(july_accounts: pd.DataFrame, leaving: pd.Series, care: bool = False) -> pd.Series:
    """Return the probability that an account of July 2025 is still one in June 2026."""
    last = _stages_ahead(july_accounts, care, YEAR_MONTHS)[:, -1]
    return (1 - last[:, LOST]) * (1 - called_before(np.array(YEAR_MONTHS - 1)) * leaving)


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
