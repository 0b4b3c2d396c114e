"""How near a simulated figure must come to the stated one: four and a half standard errors, seeds being fixed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import kstest

ERRORS = 4.5


def near_share(hits: pd.Series | np.ndarray, share: float, what: object = "") -> None:
    """Assert that the share of true values is `share` up to chance."""
    hits = np.asarray(hits, dtype=float)
    assert len(hits) >= 100, (what, "too few to tell", len(hits))
    error = np.sqrt(share * (1 - share) / len(hits))
    assert abs(hits.mean() - share) <= ERRORS * error, (what, hits.mean(), share, error)


def near_shares(values: pd.Series | np.ndarray, shares: dict[object, float], what: object = "") -> None:
    """Assert that `values` take the stated values with the stated shares, and no other value."""
    values = np.asarray(values)
    assert set(np.unique(values)) <= set(shares), what
    for value, share in shares.items():
        near_share(values == value, share, (what, value))


def near_mean(values: pd.Series | np.ndarray, mean: float | np.ndarray, what: object = "") -> None:
    """Assert that `values` have the stated mean up to chance; row by row if `mean` has rows too."""
    off = np.asarray(values, dtype=float) - np.asarray(mean, dtype=float)
    assert len(off) >= 100, (what, "too few to tell", len(off))
    error = off.std() / np.sqrt(len(off))
    assert abs(off.mean()) <= ERRORS * error, (what, off.mean(), error)


def no_tie(left: pd.Series | np.ndarray, to: pd.Series | np.ndarray, what: object = "") -> None:
    """Assert that what a stated model leaves unexplained does not go with one of its causes."""
    r = np.corrcoef(np.asarray(left, dtype=float), np.asarray(to, dtype=float))[0, 1]
    assert abs(r) <= ERRORS / np.sqrt(len(left)), (what, r)


def near_sd(values: pd.Series | np.ndarray, sd: float, what: object = "") -> None:
    """Assert that `values` spread as stated, up to chance."""
    values = np.asarray(values, dtype=float)
    squared = (values - values.mean()) ** 2
    error = squared.std() / np.sqrt(len(values))
    assert abs(squared.mean() - sd**2) <= ERRORS * error, (what, values.std(), sd)


def near_fit(fit: object, **stated: float) -> None:
    """Assert that coefficients of a statsmodels fit are the stated ones up to chance."""
    for name, value in stated.items():
        assert abs(fit.params[name] - value) <= ERRORS * fit.bse[name], (name, fit.params[name], value)


def follows(values: pd.Series | np.ndarray, law: object, what: object = "") -> None:
    """Assert that `values` are a sample of a continuous law (Kolmogorov-Smirnov at 1 in 100,000)."""
    assert kstest(np.asarray(values), law.cdf).pvalue > 1e-5, what


def rounded_mean(mean: np.ndarray | float, sd: float, low: int, high: int) -> np.ndarray:
    """Return the mean of a normal value that is rounded and kept between `low` and `high`."""
    steps = np.arange(low, high) + 0.5
    return low + ndtr((np.asarray(mean, dtype=float)[..., None] - steps) / sd).sum(axis=-1)


def rounded_sd(mean: float, sd: float, low: int, high: int) -> float:
    """Return the standard deviation of a normal value that is rounded and kept between `low` and `high`."""
    edges = np.r_[-np.inf, np.arange(low, high) + 0.5, np.inf]
    share = np.diff(ndtr((edges - mean) / sd))
    points = np.arange(low, high + 1)
    return float(np.sqrt(share @ points**2 - (share @ points) ** 2))
