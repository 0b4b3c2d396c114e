"""What a year of an account is worth in expectation, in closed form: stages, calendar, size and the rival."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .account_months import CALENDAR, margin_by_stage
from .account_stages import GROUPS, LOST, YEAR_MONTHS, YEAR_START, transition_matrix
from .rival import called_before


def expected_margin(
    july_accounts: pd.DataFrame, volume: pd.Series, leaving: pd.Series, care: bool = False
) -> pd.Series:
    """Return the expected margin from July 2025 to June 2026 by account, before the cost of any programme.

    `volume` multiplies the kilograms, `leaving` is the probability of leaving if the rival calls.
    """
    margin = margin_by_stage()
    there = _stages_of_the_year(july_accounts, care)[:, :, :LOST]
    stays = 1 - np.outer(leaving, called_before(np.arange(YEAR_MONTHS)))
    months = (there @ margin) * stays * CALENDAR[YEAR_START:]
    return volume * months.sum(axis=1)


def expected_stay(july_accounts: pd.DataFrame, leaving: pd.Series, care: bool = False) -> pd.Series:
    """Return the probability that an account of July 2025 is still one in June 2026."""
    last = _stages_of_the_year(july_accounts, care)[:, -1]
    return (1 - last[:, LOST]) * (1 - called_before(np.array(YEAR_MONTHS - 1)) * leaving)


def _stages_of_the_year(july_accounts: pd.DataFrame, care: bool) -> np.ndarray:
    """Return the probability of each stage by account and month of the year, the rival apart."""
    matrices = [transition_matrix(group, care) for group in GROUPS]
    ahead = np.array(
        [[np.linalg.matrix_power(matrix, month) for month in range(YEAR_MONTHS)] for matrix in matrices]
    )
    return ahead[july_accounts["group"], :, july_accounts["stage"]]
