"""How sure are the estimates? Respondents drawn with replacement, the model estimated anew each time."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import ReadOnly, Result
from crmlab.pls._plan import Plan
from crmlab.pls.algorithm import Solution, estimate, total_effects

if TYPE_CHECKING:
    from crmlab.pls.results import PLSResult

_BATCH = 2_000_000  # numbers that are held at once, whatever n_resamples is


@dataclass(frozen=True, eq=False, repr=False)
class PLSBootstrap(Result):
    """Bootstrap of a PLS path model, made by `PLSResult.bootstrap`.

    Attributes
    ----------
    result : PLSResult
        The fit whose respondents were drawn.
    n_resamples, seed : int
        As given.
    failures : ReadOnly
        Number of resamples left out, by reason.
    """

    result: PLSResult
    n_resamples: int
    seed: int
    failures: ReadOnly
    _draws: dict[str, np.ndarray]

    def draws(self, of: str = "path_coefficients") -> pd.DataFrame:
        """Show the estimates of every resample.

        Parameters
        ----------
        of : {"path_coefficients", "total_effects", "outer_weights", "outer_loadings", "r_squared"}
            Which estimates, by default the path coefficients.

        Returns
        -------
        DataFrame
            One row per resample, one column per estimate.
        """
        plan = self.result._plan
        _check.choice(of, self._draws, "of")
        if of == "r_squared":
            columns = [plan.latents[j] for j in plan.regressions.outcomes]
        elif of in ("outer_weights", "outer_loadings"):
            columns = plan.items
        else:
            ends = np.argwhere(plan.arrows if of == "path_coefficients" else total_effects(plan.arrows))
            pairs = [(plan.latents[i], plan.latents[j]) for i, j in ends]
            columns = pd.MultiIndex.from_tuples(pairs, names=["predictor", "outcome"])
        return pd.DataFrame(self._draws[of], columns=columns, copy=True)

    def summary(self, of: str = "path_coefficients", level: float = 0.95) -> pd.DataFrame:
        """Summarise the resamples.

        Parameters
        ----------
        of : {"path_coefficients", "total_effects", "outer_weights", "outer_loadings", "r_squared"}
            Which estimates, by default the path coefficients.
        level : float, default 0.95
            Of the percentile interval.

        Returns
        -------
        DataFrame
            One row per estimate: `estimate`, `mean` and standard error `se` over resamples, the interval
            from `lower` to `upper`, `t` = estimate / se, and `p`, two-sided, from the normal distribution.
            t and p are nan for what cannot vary (the weight of a single item).
        """
        from scipy.special import erfc

        level = _check.level(level)
        draws = self.draws(of)
        estimated = _kept(self.result._solution, self.result._plan)[of][0]
        se = draws.std().to_numpy()
        t = np.divide(estimated, se, out=np.full(len(se), np.nan), where=se > 1e-12 * np.abs(estimated))
        columns = {
            "estimate": estimated,
            "mean": draws.mean(),
            "se": se,
            "lower": draws.quantile((1 - level) / 2),
            "upper": draws.quantile((1 + level) / 2),
            "t": t,
            "p": erfc(np.abs(t) / np.sqrt(2)),
        }
        return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()}, draws.columns)

    def _caption(self) -> str:
        lost = sum(self.failures.values())
        return (
            f"{self.n_resamples - lost} bootstrap resamples (seed {self.seed}, {lost} could not be "
            f"estimated), 95 % percentile intervals. {self.result._caption()}"
        )


def resample(result: PLSResult, n_resamples: int, seed: int) -> PLSBootstrap:
    """Draw respondents and estimate, in batches, so that working memory does not grow with `n_resamples`.

    Parameters
    ----------
    result : PLSResult
        The fit whose respondents are drawn.
    n_resamples : int
        How often.
    seed : int
        Of the draws.

    Returns
    -------
    PLSBootstrap
        See `PLSResult.bootstrap`.
    """
    n_resamples = _check.whole(n_resamples, "n_resamples", minimum=2, maximum=100_000)
    seed = _check.whole(seed, "seed", minimum=0)
    parts = []
    failures = Counter()
    for counts in _counts(*result._values.shape, n_resamples, seed):
        s = _covariances(result._values, counts)
        varies = (np.diagonal(s, axis1=1, axis2=2) > 1e-12 * result._sd**2).all(axis=1)
        solution = estimate(s[varies], result._plan, result._solution.loadings)
        good = solution.problem == ""
        failures["constant item"] += int((~varies).sum())
        failures.update(solution.problem[~good])
        parts.append({of: values[good] for of, values in _kept(solution, result._plan).items()})
    draws = {of: np.concatenate([part[of] for part in parts]) for of in parts[0]}
    _report(+failures, n_resamples)
    for array in draws.values():
        array.setflags(write=False)
    return PLSBootstrap(result, n_resamples, seed, ReadOnly(+failures), draws)


def _report(failures: Counter, n_resamples: int) -> None:
    if not failures:
        return
    reasons = ", ".join(f"{reason} ({count})" for reason, count in failures.items())
    text = (
        f"{failures.total()} of {n_resamples} resamples could not be estimated and are left out: {reasons}."
    )
    if n_resamples - failures.total() < 2:
        raise ValueError(f"{text} Nothing is left to summarise.")
    warnings.warn(text, stacklevel=4)


def _counts(n: int, p: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n respondents is drawn, in batches (m, n) of resamples."""
    rng = np.random.default_rng(seed)
    batch = max(1, min(_BATCH // (16 * p * p), 10 * _BATCH // n))
    for start in range(0, n_resamples, batch):
        counts = np.empty((min(batch, n_resamples - start), n), np.uint16)
        for row in counts:
            row[:] = np.bincount(rng.integers(0, n, size=n), minlength=n)
        yield counts


def _kept(solution: Solution, plan: Plan) -> dict[str, np.ndarray]:
    """What the bootstrap keeps of m samples, (m, number of estimates) each."""
    return {
        "path_coefficients": solution.paths[:, plan.arrows > 0],
        "total_effects": total_effects(solution.paths)[:, total_effects(plan.arrows) > 0],
        "outer_weights": solution.weights,
        "outer_loadings": solution.loadings,
        "r_squared": solution.r_squared[:, plan.regressions.outcomes],
    }


def _covariances(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Covariances (m, p, p) of m samples that hold row i of the centred `values` counts[:, i] times.

    A missing value becomes the mean of its item in that sample, so only rows where both items are seen add to
    their sum Σ(x - a)(y - b) = Σxy - bΣx - aΣy + ab·n.
    """
    p = values.shape[1]
    seen = ~np.isnan(values)
    if seen.all():
        seen = np.ones((len(values), 1))  # without gaps one column serves all items
    sums = _products(np.hstack([np.nan_to_num(values), seen]), counts)
    n = np.broadcast_to(sums[:, p:, p:], (len(counts), p, p))
    x = np.broadcast_to(sums[:, :p, p:], (len(counts), p, p))
    with np.errstate(invalid="ignore", divide="ignore"):  # an item nobody answered: nan, a failed resample
        mean = np.diagonal(x, axis1=1, axis2=2) / np.diagonal(n, axis1=1, axis2=2)
    a = mean[:, :, None]
    b = mean[:, None, :]
    return (sums[:, :p, :p] - b * x - a * x.transpose(0, 2, 1) + a * b * n) / (counts[0].sum() - 1)


def _products(table: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sums of products of the columns of `table` (n, c) in m samples: (m, c, c)."""
    row, column = np.triu_indices(table.shape[1])
    step = max(1, _BATCH // len(row))
    flat = 0.0
    for start in range(0, len(table), step):
        part = table[start : start + step]
        flat = flat + counts[:, start : start + step] @ (part[:, row] * part[:, column])
    sums = np.empty((len(counts), table.shape[1], table.shape[1]))
    sums[:, row, column] = flat
    sums[:, column, row] = flat
    return sums
