"""The chain behind stages that were read with error: a hidden Markov model with known error rates."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import ReadOnly, Result
from crmlab.lifecycle._panel import LOST, NEVER, Panel, refuse_lookalikes, square
from crmlab.lifecycle._passes import Sequences
from crmlab.lifecycle.chains import Chain

BATCH = 4  # resamples that the bootstrap carries at once: what fits into a processor's cache
MOST_RESAMPLES = 10_000
MOST_ITERATIONS = 100_000


def near(moves: np.ndarray, hidden: int) -> np.ndarray:
    """Return a start for EM near an estimate: a zero would stay one.

    Parameters
    ----------
    moves : ndarray
        Estimated moves, states by states.
    hidden : int
        Number of stages; the rows after them belong to "lost".

    Returns
    -------
    ndarray
        The same with a little of everything in the rows of the stages.
    """
    start = moves.copy()
    start[:hidden] = 0.98 * start[:hidden] + 0.02 / len(start)
    return start


def resamples(value: object, name: str = "n_resamples", minimum: int = 2) -> int:
    """Return a number of resamples within its bounds.

    Parameters
    ----------
    value : int
        What the caller gave.
    name : str
        The argument's name.
    minimum : int
        The least number that makes sense.

    Returns
    -------
    int
        The number.
    """
    because = "A thousand settle an interval; more than ten thousand only take time."
    return _check.whole(value, name, minimum=minimum, maximum=MOST_RESAMPLES, because=because)


def checked_rates(error_rates: object) -> pd.DataFrame:
    """Return error rates whose rows sum to one.

    Parameters
    ----------
    error_rates : DataFrame
        True stages in rows, classes in columns.

    Returns
    -------
    DataFrame
        The same as floats; small differences from one, by rounding, are taken out.
    """
    rates = _check.frame(error_rates, argument="error_rates")
    refuse_lookalikes([*rates.index, *rates.columns])
    if rates.index.has_duplicates or rates.columns.has_duplicates or LOST in rates.index:
        raise ValueError(
            f"error_rates must name every stage and class once, and not {LOST!r}: a loss is seen as such."
        )
    for column in rates:
        _check.numeric(rates[column], f"error_rates[{column!r}]", minimum=0, maximum=1)
    total = rates.sum(axis=1)
    off = (total - 1).abs()
    if off.max() > 1e-4:
        raise ValueError(
            f"row {off.idxmax()!r} of error_rates sums to {total[off.idxmax()]:.4g}, not to one: a row holds "
            "how often a month of that true stage gets each class."
        )
    return rates.div(total, axis=0)


class HiddenMarkov:
    """The chain behind stages that were read with error: a hidden Markov model with known error rates.

    Of a month we see the class that some rule gave it, and the rule errs: `error_rates` says how often a
    month of each true stage gets each class. Losses are seen without error. The moves that make the whole
    record most likely are found by passes forward and backward (the EM algorithm), error rates held fixed.
    Errors of different months count as independent, given the stages. Accounts that begin after the first
    month of the data have first stages of their own.

    Parameters
    ----------
    data : DataFrame
        As for `transitions`; `state` holds the class. A month without a row counts as not seen.
    error_rates : DataFrame
        True stages in rows, classes in columns, rows sum to one.
    entity, state, time : str
        Columns, as for `transitions`.
    lost : str, optional
        Column with the date of loss, as for `transitions`.

    Raises
    ------
    TypeError, ValueError
        As `transitions`; or if the error rates are no such table, or lack a class that occurs.

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": np.repeat([1, 2, 3], 4), "classified": list("aabaaaaabbba"),
    ...     "month": list(pd.date_range("2025-01-01", periods=4, freq="MS")) * 3})
    >>> rates = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], ["a", "b"], ["a", "b"])
    >>> found = HiddenMarkov(panel, rates).fit()
    >>> from crmlab.lifecycle import transitions
    >>> counted = transitions(panel, state="classified")
    >>> print(f"{counted.matrix.loc['a', 'b']:.2f} {found.matrix.loc['a', 'b']:.2f}")
    0.20 0.00
    """

    def __init__(
        self,
        data: pd.DataFrame,
        error_rates: pd.DataFrame,
        entity: str = "account_id",
        state: str = "classified",
        time: str = "month",
        lost: str | None = None,
    ) -> None:
        rates = checked_rates(error_rates)
        panel = Panel.make(data, entity, state, time, lost)
        if unknown := [s for s in panel.states if s not in rates.columns]:
            raise ValueError(f"{state} has class {unknown[0]!r}, for which error_rates has no column.")
        with_lost = lost is not None or bool((panel.lost < NEVER).any())
        self._prepare(panel, rates, with_lost, data.index)

    def _prepare(self, panel: Panel, rates: pd.DataFrame, with_lost: bool, index: pd.Index) -> None:
        self.error_rates = rates
        self._index = index[panel.row]
        self._states = [*rates.index, *[LOST] * with_lost]
        self._panel = panel
        self._sequences = Sequences.make(panel, rates[panel.states].to_numpy(), with_lost)
        counted = {"entities": len(self._sequences.first), "months": len(panel.row), "until": panel.until}
        self._settings = ReadOnly(counted)

    def _only(self, chosen: np.ndarray, index: pd.Index) -> HiddenMarkov:
        """The model of some accounts (True or False by entity); `index` is that of the data."""
        part = HiddenMarkov.__new__(HiddenMarkov)
        part._prepare(self._panel.only(chosen), self.error_rates, LOST in self._states, index)
        return part

    def fit(self, tolerance: float = 1e-6, max_iterations: int = 2000) -> HiddenMarkovResult:
        """Estimate the moves.

        Parameters
        ----------
        tolerance : float
            The passes end when no probability changes by as much any more.
        max_iterations : int
            The most passes, up to 100,000; a warning says so if they were not enough.

        Returns
        -------
        HiddenMarkovResult
            A `Chain`.

        Raises
        ------
        TypeError, ValueError
            If a setting is out of range, or the record of some account is impossible under the error rates.
        """
        tolerance = _check.number(tolerance, "tolerance", minimum=1e-12, maximum=0.01)
        because = "EM that needs more has found that the data do not tell the states apart."
        most = _check.whole(max_iterations, "max_iterations", maximum=MOST_ITERATIONS, because=because)
        k = len(self._states)
        hidden = len(self.error_rates)
        moves = 0.8 * np.eye(k) + 0.2 / k
        moves[hidden:] = np.eye(k)[hidden:]
        initial = np.repeat(np.eye(k)[None, :hidden].sum(axis=1) / hidden, 2, axis=0)
        weight = np.ones((1, len(self._sequences.first)))
        moves, initial, path, done = self._sequences.maximise(
            moves[None], initial[None], weight, tolerance, most
        )
        if not np.isfinite(path).all():
            raise ValueError(
                "some account's record has probability 0 under these error_rates. Put a small number where a "
                "class does occur."
            )
        if not done:
            warnings.warn(f"no convergence after {most} iterations: raise max_iterations.", stacklevel=2)
        used = {"iterations": len(path), "converged": bool(done), "tolerance": tolerance}
        matrix = square(moves[0], self._states)
        return HiddenMarkovResult(matrix, self, initial[0], path[:, 0], ReadOnly({**self._settings, **used}))


@dataclass(frozen=True, eq=False, repr=False)
class HiddenMarkovResult(Chain):
    """A `Chain` estimated by `HiddenMarkov`. `log_likelihood` holds every iteration; it never falls."""

    model: HiddenMarkov
    _initial: np.ndarray
    log_likelihood: np.ndarray
    settings: Mapping[str, Any]

    @property
    def expected_moves(self) -> pd.DataFrame:
        """Moves between true stages to be expected given the record; rows from, columns to."""
        weight = np.ones((1, self.settings["entities"]))
        moves = self.matrix.to_numpy()[None]
        expected = self.model._sequences.expect(moves, self._initial[None], weight)[1][0]
        return square(expected, self.states).loc[self.model.error_rates.index]

    def implied_moves(self) -> pd.DataFrame:
        """Return the moves between *classes* to be expected from these true moves and the error rates.

        Returns
        -------
        DataFrame
            Expected counts, spurious moves included; rows from, columns to.
        """
        rates = self.model.error_rates
        moves = self.expected_moves
        table = rates.T.to_numpy() @ moves[rates.index].to_numpy() @ rates.to_numpy()
        table = pd.DataFrame(table, rates.columns.rename("from"), rates.columns.rename("to"))
        return table.assign(**{s: rates.T.to_numpy() @ moves[s] for s in self.states if s not in rates.index})

    def stages(self) -> pd.DataFrame:
        """Return the probability of each stage, given all that was seen of the account (smoothing).

        Returns
        -------
        DataFrame
            One row for every row of the data. In the last month nothing later is known: there it rests on the
            past alone.
        """
        table = self.model._sequences.smooth(self.matrix.to_numpy(), self._initial)
        return pd.DataFrame(table, self.model._index, self.states)[list(self.model.error_rates.index)]

    def bootstrap(self, n_resamples: int = 200, seed: int = 1) -> HiddenMarkovBootstrap:
        """Draw accounts with replacement and estimate the moves anew each time, error rates held fixed.

        Parameters
        ----------
        n_resamples : int
            From 2 to 10,000.
        seed : int
            The same seed draws the same accounts.

        Returns
        -------
        HiddenMarkovBootstrap
            Each resample starts near the estimate and ends when no probability changes by 0.0001 any more.
        """
        n_resamples = resamples(n_resamples)
        rng = np.random.default_rng(_check.whole(seed, "seed", minimum=0))
        n = self.settings["entities"]
        start = near(self.matrix.to_numpy(), len(self.model.error_rates))
        parts = []
        for done in range(0, n_resamples, BATCH):
            m = min(BATCH, n_resamples - done)
            weight = np.array([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(m)], float)
            moves = np.repeat(start[None], m, axis=0)
            initial = np.repeat(self._initial[None], m, axis=0)
            parts.append(self.model._sequences.maximise(moves, initial, weight, 1e-4, 300)[0])
        return HiddenMarkovBootstrap(self, n_resamples, seed, np.concatenate(parts))

    def summary(self) -> pd.DataFrame:
        """Return the expected number of every move and its probability; `bootstrap` gives intervals.

        Returns
        -------
        DataFrame
            One row per move.
        """
        moves = self.expected_moves
        found = {"moves": moves.stack(), "probability": self.matrix.loc[moves.index].stack()}
        return pd.DataFrame(found, moves.stack().index)

    def _caption(self) -> str:
        used = self.settings
        return (
            f"Hidden Markov model, error rates fixed: {used['months']:,} months of {used['entities']:,} "
            f"accounts, until {used['until']}; {used['iterations']} iterations of EM, log-likelihood "
            f"{self.log_likelihood[-1]:.2f}."
        )


@dataclass(frozen=True, eq=False, repr=False)
class HiddenMarkovBootstrap(Result):
    """Bootstrap over accounts, made by `HiddenMarkovResult.bootstrap`."""

    result: HiddenMarkovResult
    n_resamples: int
    seed: int
    _draws: np.ndarray

    @property
    def chains(self) -> list[Chain]:
        """The chain of each resample, for intervals of whatever a chain gives."""
        return [Chain(square(draw, self.result.states)) for draw in self._draws]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Return the moves with percentile intervals.

        Parameters
        ----------
        level : float
            Level of the intervals, from 0.5 to 0.9999.

        Returns
        -------
        DataFrame
            One row per move: probability, standard error, lower, upper.
        """
        tail = (1 - _check.level(level)) / 2
        rows = self.result.model.error_rates.index
        draws = self._draws[:, : len(rows)].reshape(self.n_resamples, -1)
        lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
        found = self.result.matrix.loc[rows].stack().rename("probability").to_frame()
        return found.assign(se=draws.std(axis=0, ddof=1), lower=lower, upper=upper)

    def _caption(self) -> str:
        drawn = f"{self.n_resamples} bootstrap resamples of accounts (seed {self.seed})"
        return f"{drawn}, 95 % percentile intervals."
