"""A Markov chain: where an account will be, how long it stays, when it is lost, what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import Result
from crmlab.lifecycle._panel import periods, refuse_lookalikes, square


def per_period(yearly_rate: float, periods_per_year: int = 12) -> float:
    """Return the discount rate of a period: those of a year compound to the yearly rate.

    Parameters
    ----------
    yearly_rate : float
        Discount rate of a year, such as 0.10.
    periods_per_year : int
        12 for months.

    Returns
    -------
    float
        The rate of a period.
    """
    return (1 + _check.number(yearly_rate, "yearly_rate", minimum=0)) ** (1 / periods_per_year) - 1


@dataclass(frozen=True, eq=False, repr=False)
class Chain(Result):
    """A Markov chain: where an account goes next depends on its present stage only.

    Parameters
    ----------
    matrix : DataFrame
        The same states in rows (from) and columns (to); rows sum to one. A state that leads only to itself is
        absorbing, such as "lost"; it may stand in the columns only. A period is a month, unless `value` is
        told otherwise.

    Raises
    ------
    TypeError, ValueError
        If the matrix is none of the kind; the message names the row.

    Examples
    --------
    >>> states = ["stability", "lost"]
    >>> chain = Chain(pd.DataFrame([[0.9, 0.1], [0, 1]], states, states))
    >>> print(f"{chain.after(12).loc['stability', 'stability']:.3f}")
    0.282
    >>> chain.loss(12).round(3).loc["stability"].tolist()
    [0.718, 1.0, 10.0]
    """

    matrix: pd.DataFrame

    def __post_init__(self) -> None:
        matrix = _check.frame(self.matrix, argument="matrix")
        states = list(matrix.index)
        refuse_lookalikes([*states, *matrix.columns])
        if matrix.index.hasnans or matrix.columns.hasnans:
            raise ValueError("a state of the matrix has no name: its label is missing.")
        beyond = [s for s in matrix.columns if s not in states]
        if len(beyond) == 1 and matrix.columns.is_unique:
            states += beyond
            matrix = square(matrix[states], states)
        if len(set(states)) < len(states) or set(states) != set(matrix.columns) or matrix.index.nlevels > 1:
            raise ValueError(
                "matrix must name every state once in its rows and once in its columns, found rows "
                f"{', '.join(map(str, states))} and columns {', '.join(map(str, matrix.columns))}."
            )
        values = np.column_stack([_check.numeric(matrix[s], f"column {s!r}", minimum=0) for s in states])
        total = values.sum(axis=1)
        off = np.abs(total - 1)
        if off.max() > 1e-4:  # printed matrices are rounded
            raise ValueError(
                f"row {states[off.argmax()]!r} of the matrix sums to {total[off.argmax()]:.4g}, not to one. "
                "Divide counts by the sum of their row; a row is where moves start."
            )
        object.__setattr__(self, "matrix", square(values / total[:, None], states))

    @property
    def states(self) -> list:
        """All states, in the order of the matrix."""
        return list(self.matrix.index)

    @property
    def absorbing(self) -> list:
        """States that are never left."""
        return [s for s in self.states if self.matrix.loc[s, s] == 1]

    @property
    def transient(self) -> list:
        """The other states."""
        return [s for s in self.states if s not in self.absorbing]

    def probabilities(self) -> pd.DataFrame:
        """Return the probability of every move of one month.

        Returns
        -------
        DataFrame
            A copy of the matrix; a row is where a move starts.
        """
        return self.matrix.copy()

    def after(self, months: int) -> pd.DataFrame:
        """Return the probability of every state some months later, a power of the matrix.

        Parameters
        ----------
        months : int
            From 0 to 12,000.

        Returns
        -------
        DataFrame
            Rows are the state now, columns the state then.
        """
        months = periods(months, "months", minimum=0)
        return square(np.linalg.matrix_power(self.matrix.to_numpy(), months), self.states)

    def _inner(self) -> np.ndarray:
        """Moves among transient states; raises where some of them are never left for good."""
        if not self.absorbing:
            raise ValueError(
                "no state of this chain is absorbing, so nothing is ever lost. Give transitions() the date "
                "of loss: lost='lost_on'."
            )
        inner = self.matrix.loc[self.transient, self.transient].to_numpy()
        if np.linalg.matrix_power(inner, 2**24).sum(axis=1).max(initial=0) > 0.99:
            raise ValueError(
                f"some state never leads to {self.absorbing[0]!r}: the time until then is infinite."
            )
        return inner

    def expected_months(self) -> pd.DataFrame:
        """Return the expected months in each stage before loss, the present one included.

        Returns
        -------
        DataFrame
            Rows are the stage now; columns the stages and their `total`.

        Raises
        ------
        ValueError
            Where nothing is absorbing, or it is never reached.

        Notes
        -----
        The fundamental matrix (I - Q)⁻¹ of an absorbing chain; Q holds the moves among the stages.
        """
        inner = self._inner()
        table = np.linalg.inv(np.eye(len(inner)) - inner)
        columns = pd.Index(self.transient, name="months_in")
        table = pd.DataFrame(table, pd.Index(self.transient, name="from"), columns)
        return table.assign(total=table.sum(axis=1))

    def loss(self, months: int = 12) -> pd.DataFrame:
        """Return how likely an account is lost, and when, by its stage now.

        Parameters
        ----------
        months : int
            How far ahead `within_…_months` looks, from 0 to 12,000.

        Returns
        -------
        DataFrame
            By stage: probability of loss within `months` and ever, and expected months until then.
        """
        stay = self.expected_months()
        leave = self.matrix.loc[self.transient, self.absorbing].sum(axis=1)
        soon = self.after(months).loc[self.transient, self.absorbing].sum(axis=1)
        ever = stay[self.transient] @ leave
        return pd.DataFrame({f"within_{months}_months": soon, "ever": ever, "expected_months": stay["total"]})

    def steady_state(self, replaced_by: object = None) -> pd.Series:
        """Return the share of places in each state in the long run.

        Parameters
        ----------
        replaced_by : str, optional
            State in which a replacement starts, in the month of the loss. It is needed where a state is
            absorbing: without replacement everything is lost in the end.

        Returns
        -------
        Series
            Shares by state, absorbing ones left out; they sum to one.

        Raises
        ------
        ValueError
            If `replaced_by` is missing, or the chain falls into parts that never meet.
        """
        if self.absorbing and replaced_by is None:
            raise ValueError(
                f"in the long run all are {self.absorbing[0]!r}. For the steady state of places say where a "
                "replacement starts: steady_state(replaced_by='exploration')."
            )
        names = self.transient
        if not names:
            raise ValueError("every state of this chain is absorbing: nothing moves.")
        moves = self.matrix.loc[names, names].to_numpy().copy()
        if self.absorbing:
            start = names.index(_check.label(replaced_by, names, "replaced_by"))
            moves[:, start] += 1 - moves.sum(axis=1)
        system = np.eye(len(names)) - moves.T
        if np.linalg.matrix_rank(system, tol=1e-10) < len(names) - 1:
            raise ValueError("the chain falls into parts that never meet: it has no single steady state.")
        system = np.vstack([system, np.ones(len(names))])
        share = np.linalg.lstsq(system, np.eye(len(names) + 1)[-1], rcond=None)[0]
        return pd.Series(share.clip(0), pd.Index(names, name="state"), name="share")

    def value(
        self,
        reward: Mapping | pd.Series,
        yearly_rate: float = 0.10,
        *,
        horizon: int | None = None,
        periods_per_year: int = 12,
    ) -> pd.Series:
        """Return the present value of a relationship by its state now.

        Parameters
        ----------
        reward : mapping or Series
            Yuan that a period in each state brings, by state; negative where it costs. Absorbing states: 0 if
            left out.
        yearly_rate : float
            Discount rate of a year; d = (1 + yearly_rate)^(1 / periods_per_year) - 1 is that of a period.
        horizon : int, optional
            Periods that count after the present one, up to 12,000; None for ever.
        periods_per_year : int
            12 for a chain of months, 1 for a chain of years.

        Returns
        -------
        Series
            Yuan. The present period counts in full, the next one is discounted once.

        Raises
        ------
        TypeError, ValueError
            If a reward is missing or not finite, or nothing bounds the value for ever.

        Notes
        -----
        V = (I - P/(1 + d))⁻¹ R (Pfeifer & Carraway 2000).

        Examples
        --------
        >>> states = ["buys", "former"]
        >>> chain = Chain(pd.DataFrame([[0.5, 0.5], [0, 1]], states, states))
        >>> chain.value({"buys": 60}, yearly_rate=0.2, periods_per_year=1, horizon=1).tolist()
        [85.0, 0.0]
        """
        rate = per_period(yearly_rate, _check.whole(periods_per_year, "periods_per_year"))
        gain = self._by_state(reward, "reward")
        moves = self.matrix.to_numpy() / (1 + rate)
        if horizon is None:
            if rate == 0:
                self._inner()
                moves = moves * [s in self.transient for s in self.states]
                if any(gain[self.states.index(s)] for s in self.absorbing):
                    raise ValueError("at rate 0 the reward of an absorbing state has no end. Set a horizon.")
            total = np.linalg.solve(np.eye(len(gain)) - moves, gain)
        else:
            total = gain
            for _ in range(periods(horizon, "horizon", minimum=0)):
                total = gain + moves @ total
        return pd.Series(total, pd.Index(self.states, name="state"), name="value")

    def _by_state(self, values: object, name: str) -> np.ndarray:
        """The values in the order of the states; 0 for absorbing states that are not named."""
        if not isinstance(values, Mapping | pd.Series):
            raise TypeError(f"{name} must give a number for each state, found {type(values).__name__}.")
        given = pd.Series(dict(values) if isinstance(values, Mapping) else values, dtype=object)
        free = pd.Series(0, [s for s in self.absorbing if s not in given.index], dtype=object)
        given = _check.by_label(pd.concat([given, free]), self.states, name)
        return np.array([_check.number(amount, f"{name}[{s!r}]") for s, amount in given.items()])

    def summary(self) -> pd.DataFrame:
        """Return the matrix; chains estimated from data say more.

        Returns
        -------
        DataFrame
            Probability of every move of one month.
        """
        return self.probabilities()

    def _caption(self) -> str:
        kept = ", ".join(map(str, self.absorbing)) or "none"
        return f"Markov chain of {len(self.states)} states; absorbing: {kept}."
