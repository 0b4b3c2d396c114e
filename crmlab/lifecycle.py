"""The relationship life cycle: stages, the moves between them, what they are worth, and what care changes.

A *panel* has one row per account and month, with the stage of that month. `transitions` counts its moves and gives a
Markov chain; `HiddenMarkov` estimates the chain behind stages that were read with error. Both answer the same
questions: where is an account after a year, how long does it stay, when is it lost, what is it worth?
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from crmlab import _check

STAGES = ("exploration", "formation", "stability", "decline")
LOST = "lost"
ALLOWED = (  # moves of the four-stage scheme; staying is always allowed
    ("exploration", "formation"),
    ("exploration", "decline"),
    ("formation", "stability"),
    ("formation", "decline"),
    ("stability", "decline"),
    ("decline", "formation"),
    ("decline", LOST),
)
_NEVER = np.iinfo(np.int64).max
_FOLDS = 5
_BATCH = 4  # resamples that the bootstrap carries at once: what fits into a processor's cache


# --- panels --------------------------------------------------------------------------------------------------------


def _number(values: pd.Series, name: str) -> np.ndarray:
    """Months counted from year 0."""
    values = _check.dates(values, name)
    return (values.dt.year * 12 + values.dt.month).to_numpy(np.int64)


def _order(states: pd.Series, name: str) -> list:
    """The states that occur, in the order of their category, of the four stages, or of the alphabet."""
    if states.isna().any():
        raise ValueError(f"{name} has {int(states.isna().sum())} missing value(s). Drop those rows first.")
    seen = set(states.unique())
    if isinstance(states.dtype, pd.CategoricalDtype):
        return [s for s in states.cat.categories if s in seen]
    if not all(isinstance(s, str) for s in seen):
        raise TypeError(f"{name} must hold the names of states, found dtype {states.dtype}.")
    return [s for s in (*STAGES, LOST) if s in seen] if seen <= {*STAGES, LOST} else sorted(seen)


@dataclass(frozen=True, eq=False)
class _Panel:
    """A checked panel, sorted by entity and month; rows in state "lost" have become dates of loss."""

    row: np.ndarray  # position of each row in the data
    entity: np.ndarray  # 0, 1, …
    month: np.ndarray
    state: np.ndarray  # number in `states`
    states: list
    lost: np.ndarray  # by entity: month of loss, or _NEVER within the data
    end: int  # last month of the data; a later loss does not count, as later stays do not

    @classmethod
    def make(cls, data: object, entity: str, state: str, time: str, lost: str | None) -> _Panel:
        data = _check.frame(data, [entity, state, time] + [lost] * (lost is not None))
        if data[entity].isna().any():
            raise ValueError(
                f"{entity} has {int(data[entity].isna().sum())} missing value(s). Drop the rows."
            )
        months, order = _number(data[time], time), _order(data[state], state)
        codes, ids = pd.factorize(data[entity], sort=True)

        def refuse(bad: np.ndarray, text: str) -> None:
            if bad.any():
                first = data.iloc[int(bad.argmax())]
                where = f"{entity} {first[entity]} in {first[time]:%Y-%m} ({int(bad.sum())} such row(s))"
                raise ValueError(text.format(where))

        twice = pd.DataFrame({"e": codes, "m": months}).duplicated().to_numpy()
        refuse(twice, "data has more than one row for {}. Keep one row for each month.")
        gone, when = (data[state] == LOST).to_numpy(), np.full(len(ids), _NEVER)
        if lost is not None:
            known, date = data[lost].notna().to_numpy(), np.full(len(data), _NEVER)
            dates = _check.dates(data[lost].astype(data[lost].dtype)[known], lost)
            date[known] = _number(dates, lost)
            np.minimum.at(when, codes, date)
            refuse(date != when[codes], f"{lost} differs between rows of the same account, as for {{}}.")
        np.minimum.at(when, codes[gone], months[gone])
        late = (months >= when[codes]) & ~(gone & (months == when[codes]))
        refuse(late, "dates out of order: data has a row for {}, when the account was lost already.")
        keep = np.flatnonzero(~gone)
        keep = keep[np.lexsort((months[keep], codes[keep]))]
        states, end = [s for s in order if s != LOST], int(months.max())
        if not states:
            raise ValueError(f"{state} is {LOST!r} in every row: there is no move to look at.")
        number = pd.Index(states).get_indexer(data[state].iloc[keep].astype(object))
        when = np.where(when > end, _NEVER, when)
        return cls(keep, codes[keep], months[keep], number, states, when, end)

    @property
    def until(self) -> str:
        return f"{(self.end - 1) // 12}-{(self.end - 1) % 12 + 1:02}"

    def moves(self, step: int, with_lost: bool) -> pd.DataFrame:
        """Count where months lead `step` months later; a target month that is not in the data is no move."""
        span, target = self.end + 1, self.month + step
        key, wanted = self.entity * span + self.month, self.entity * span + target
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        gone = (self.lost[self.entity] <= target) & (target <= self.end)
        use = gone | ((key[place] == wanted) & (target <= self.end))
        to = np.where(gone, len(self.states), self.state[place])
        counts = np.zeros((len(self.states), len(self.states) + 1), int)
        np.add.at(counts, (self.state[use], to[use]), 1)
        names = pd.Index([*self.states, LOST], name="to")
        table = pd.DataFrame(counts, pd.Index(self.states, name="from"), names)
        return table if with_lost or counts[:, -1].any() else table[self.states]


def _square(table: np.ndarray | pd.DataFrame, states: list) -> pd.DataFrame:
    """Label a matrix; add the row of the absorbing state if it has one column more than rows."""
    table = np.asarray(table, float)
    if table.shape[1] > table.shape[0]:
        table = np.vstack([table, np.eye(table.shape[1])[-1]])
    return pd.DataFrame(table, pd.Index(states, name="from"), pd.Index(states, name="to"))


def _monthly(yearly_rate: float, periods: int = 12) -> float:
    """Discount rate of a period: twelve months compound to the yearly rate."""
    return (1 + _check.number(yearly_rate, "yearly_rate", minimum=0)) ** (1 / periods) - 1


# --- chains --------------------------------------------------------------------------------------------------------


class _Shown:
    """Results show the line that says how they were made, and their summary."""

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.summary().round(4).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._caption()}</p>{self.summary().round(4).to_html()}"


@dataclass(frozen=True, eq=False, repr=False)
class Chain(_Shown):
    """A Markov chain: where an account goes next depends on its present stage only.

    Parameters
    ----------
    matrix : DataFrame, the same states in rows (from) and columns (to), rows sum to one. A state that leads only to
        itself is absorbing, such as "lost"; it may stand in the columns only. A period is a month, unless `value` is
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
        if len(beyond := [s for s in matrix.columns if s not in matrix.index]) == 1:
            matrix = _square(matrix[[*matrix.index, *beyond]], [*matrix.index, *beyond])
        states = list(matrix.index)
        if len(set(states)) < len(states) or sorted(map(str, states)) != sorted(map(str, matrix.columns)):
            raise ValueError(
                "matrix must name every state once in its rows and once in its columns, found rows "
                f"{', '.join(map(str, states))} and columns {', '.join(map(str, matrix.columns))}."
            )
        values = np.column_stack([_check.numeric(matrix[s], f"column {s!r}", minimum=0) for s in states])
        total = values.sum(axis=1)
        if (off := np.abs(total - 1)).max() > 1e-4:  # printed matrices are rounded
            raise ValueError(
                f"row {states[off.argmax()]!r} of the matrix sums to {total[off.argmax()]:.4g}, not to one. Divide "
                "counts by the sum of their row; a row is where moves start."
            )
        object.__setattr__(self, "matrix", _square(values / total[:, None], states))

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
        """Probability of every move of one month; a row is where it starts."""
        return self.matrix.copy()

    def after(self, months: int) -> pd.DataFrame:
        """Probability of every state `months` later (columns) by the state now (rows): a power of the matrix."""
        months = _check.whole(months, "months", minimum=0)
        return _square(np.linalg.matrix_power(self.matrix.to_numpy(), months), self.states)

    def _inner(self) -> np.ndarray:
        """Moves among transient states; raises where some of them are never left for good."""
        if not self.absorbing:
            raise ValueError(
                "no state of this chain is absorbing, so nothing is ever lost. Give transitions() the date of loss: "
                "lost='lost_on'."
            )
        inner = self.matrix.loc[self.transient, self.transient].to_numpy()
        if np.linalg.matrix_power(inner, 2**24).sum(axis=1).max(initial=0) > 0.99:
            raise ValueError(
                f"some state never leads to {self.absorbing[0]!r}: the time until then is infinite."
            )
        return inner

    def expected_months(self) -> pd.DataFrame:
        """Expected months in each stage before loss (columns, and their `total`), the present one included.

        Rows are the stage now: the fundamental matrix (I - Q)⁻¹ of an absorbing chain. ValueError where nothing is
        absorbing or it is never reached.
        """
        inner = self._inner()
        table = np.linalg.inv(np.eye(len(inner)) - inner)
        columns = pd.Index(self.transient, name="months_in")
        table = pd.DataFrame(table, pd.Index(self.transient, name="from"), columns)
        return table.assign(total=table.sum(axis=1))

    def loss(self, months: int = 12) -> pd.DataFrame:
        """By stage now: probability of loss within `months` and ever, and expected months until then."""
        stay = self.expected_months()
        leave = self.matrix.loc[self.transient, self.absorbing].sum(axis=1)
        soon = self.after(months).loc[self.transient, self.absorbing].sum(axis=1)
        ever = stay[self.transient] @ leave
        return pd.DataFrame({f"within_{months}_months": soon, "ever": ever, "expected_months": stay["total"]})

    def steady_state(self, replaced_by: str | None = None) -> pd.Series:
        """Share of places in each state in the long run.

        `replaced_by` is the state in which a replacement starts, in the month of the loss. It is needed where a state
        is absorbing: without replacement everything is lost in the end. ValueError if it is missing, or if the chain
        falls into parts that never meet.
        """
        if self.absorbing and replaced_by is None:
            raise ValueError(
                f"in the long run all are {self.absorbing[0]!r}. For the steady state of places say where a "
                "replacement starts: steady_state(replaced_by='exploration')."
            )
        names = self.transient
        moves = self.matrix.loc[names, names].to_numpy().copy()
        if self.absorbing:
            moves[:, names.index(_check.choice(replaced_by, names, "replaced_by"))] += 1 - moves.sum(axis=1)
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
        """Present value of a relationship by its state now: V = (I - P/(1 + d))⁻¹ R (Pfeifer & Carraway 2000).

        Parameters
        ----------
        reward : yuan that a period in each state brings, by state; negative where it costs. Absorbing states: 0 if
            left out.
        yearly_rate : discount rate of a year; d = (1 + yearly_rate)^(1 / periods_per_year) - 1 is that of a period
        horizon : periods that count after the present one; None for ever
        periods_per_year : 12 for a chain of months, 1 for a chain of years

        Returns
        -------
        Series
            Yuan. The present period counts in full, the next one is discounted once.

        Raises
        ------
        TypeError, ValueError
            If a reward is missing or not finite, or nothing bounds the value for ever.

        Examples
        --------
        >>> states = ["buys", "former"]
        >>> chain = Chain(pd.DataFrame([[0.5, 0.5], [0, 1]], states, states))
        >>> chain.value({"buys": 60}, yearly_rate=0.2, periods_per_year=1, horizon=1).tolist()
        [85.0, 0.0]
        """
        rate = _monthly(yearly_rate, _check.whole(periods_per_year, "periods_per_year"))
        gain, moves = self._by_state(reward, "reward"), self.matrix.to_numpy() / (1 + rate)
        if horizon is None:
            if rate == 0:
                self._inner()
                moves = moves * [s in self.transient for s in self.states]
                if any(gain[self.states.index(s)] for s in self.absorbing):
                    raise ValueError("at rate 0 the reward of an absorbing state has no end. Set a horizon.")
            total = np.linalg.solve(np.eye(len(gain)) - moves, gain)
        else:
            total = gain
            for _ in range(_check.whole(horizon, "horizon", minimum=0)):
                total = gain + moves @ total
        return pd.Series(total, pd.Index(self.states, name="state"), name="value")

    def _by_state(self, values: object, name: str) -> np.ndarray:
        """The values in the order of the states; 0 for absorbing states that are not named."""
        if not isinstance(values, Mapping | pd.Series):
            raise TypeError(f"{name} must give a number for each state, found {type(values).__name__}.")
        given = dict(values)
        if unknown := [s for s in given if s not in self.states]:
            raise ValueError(f"{name} names {unknown[0]!r}. {_check.closest(unknown[0], self.states)}")
        if absent := [s for s in self.transient if s not in given]:
            raise ValueError(f"{name} has no number for state {absent[0]!r}.")
        return np.array([_check.number(given.get(s, 0), f"{name}[{s!r}]") for s in self.states])

    def summary(self) -> pd.DataFrame:
        """The matrix; chains estimated from data say more."""
        return self.probabilities()

    def _caption(self) -> str:
        return f"Markov chain of {len(self.states)} states; absorbing: {', '.join(self.absorbing) or 'none'}."


@dataclass(frozen=True, eq=False, repr=False)
class Transitions(Chain):
    """A `Chain` from counted moves, made by `transitions`. `counts`: rows from, columns to."""

    counts: pd.DataFrame
    settings: Mapping[str, Any]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row per move: moves counted, out of how many months, probability, Wilson interval (statsmodels).

        An interval stands for its cell alone, and takes the moves as independent.
        """
        from statsmodels.stats.proportion import proportion_confint

        level = _check.number(level, "level", minimum=0.5, maximum=0.9999)
        table = self.counts.stack().rename("moves").to_frame()
        table["months"] = self.counts.sum(axis=1).reindex(table.index, level="from")
        table["probability"] = table["moves"] / table["months"]
        lower, upper = proportion_confint(table["moves"], table["months"], 1 - level, method="wilson")
        return table.assign(lower=lower, upper=upper)

    def _caption(self) -> str:
        used = self.settings
        return (
            f"Markov chain from {used['moves']:,} moves of one month, {used['entities']:,} accounts, until "
            f"{used['until']}; a gap is no move; Wilson 95 % intervals."
        )


def transitions(
    data: pd.DataFrame,
    entity: str = "account_id",
    state: str = "stage",
    time: str = "month",
    lost: str | None = None,
) -> Transitions:
    """Count the moves from each month to the next, and divide by the months in which they start.

    Parameters
    ----------
    data : DataFrame, one row per entity and month, in any order
    entity, state, time : columns: whose row it is, its state (text or category), its month (datetime64)
    lost : column with the first month without the account, NaT while it is a customer. Rows whose state is "lost" say
        the same. A loss after the last month of the data does not count: neither do the stays after it.

    Returns
    -------
    Transitions
        A `Chain` with `.counts` and `.settings`. Only neighbouring months make a move; a gap makes none.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, incomplete or of the wrong type, a month is there twice, an account has rows after its
        loss, or no month of some state has a next one.

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": [1, 1, 2, 2], "stage": ["stability", "stability", "stability", "decline"],
    ...     "month": pd.to_datetime(["2025-01-01", "2025-02-01"] * 2), "lost_on": pd.NaT})
    >>> transitions(panel[panel["account_id"] == 1]).counts.loc["stability", "stability"]
    np.int64(1)
    """
    panel = _Panel.make(data, entity, state, time, lost)
    counts = panel.moves(1, lost is not None)
    total = counts.sum(axis=1)
    if (total == 0).any():
        raise ValueError(
            f"no month in state {total.idxmin()!r} is followed by a next month: its moves cannot be estimated. Leave "
            "the state out or take a longer period."
        )
    settings = {"moves": int(total.sum()), "entities": len(panel.lost), "until": panel.until}
    matrix = _square(counts.div(total, axis=0), list(counts.columns))
    return Transitions(matrix, counts, MappingProxyType(settings | {"interval": "Wilson, per cell"}))


def observed_after(
    data: pd.DataFrame,
    months: int,
    entity: str = "account_id",
    state: str = "stage",
    time: str = "month",
    lost: str | None = None,
) -> pd.DataFrame:
    """Share of months that were followed by each state `months` later: what happened, to set beside `Chain.after`.

    Parameters are those of `transitions`. Rows (from) sum to one; overlapping spells of one account all count; a row is
    missing where no month of its state can be followed so long. Raises as `transitions` does.

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": 1, "stage": ["stability", "stability", "decline"],
    ...     "month": pd.date_range("2025-01-01", periods=3, freq="MS")})
    >>> observed_after(panel, 2).loc["stability"].tolist()
    [0.0, 1.0]
    """
    months = _check.whole(months, "months")
    counts = _Panel.make(data, entity, state, time, lost).moves(months, lost is not None)
    counts = counts[counts.sum(axis=1) > 0]
    if counts.empty:
        raise ValueError(f"no account can be followed for {months} months in these data. Take fewer.")
    return counts.div(counts.sum(axis=1), axis=0)


def illegal_moves(moves: pd.DataFrame, allowed: tuple = ALLOWED) -> pd.Series:
    """Take from a table of moves (counts or expected counts, rows from, columns to) those that a scheme forbids.

    `allowed` lists pairs (from, to); staying is always allowed. Moves that did not occur are listed with 0. TypeError or
    ValueError if the table holds anything but counts.

    Examples
    --------
    >>> stages = ["exploration", "stability"]
    >>> illegal_moves(pd.DataFrame([[8, 1], [0, 9]], stages, stages)).tolist()
    [1, 0]
    """
    moves = _check.frame(moves, argument="moves")
    for column in moves:
        _check.numeric(moves[column], f"moves to {column!r}", minimum=0)
    table = moves.rename_axis(index="from", columns="to").stack().rename("moves")
    return table[[a != b and (a, b) not in allowed for a, b in table.index]]


# --- the chain behind stages read with error -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Sequences:
    """A panel as sequences of months, the longest first, for k states; the last one is "lost" if that can happen."""

    likelihood: list  # by month t of the sequences: (k, n_t) probability of what was seen, given the state
    first: np.ndarray  # (n,) 0 where the sequence begins with the data, 1 where it begins later
    row: np.ndarray  # by row of the panel: its sequence
    step: np.ndarray  # by row of the panel: its month of the sequence

    @classmethod
    def make(cls, panel: _Panel, rates: np.ndarray, with_lost: bool) -> _Sequences:
        n, (hidden, classes) = len(panel.lost), rates.shape
        begin, last = np.full(n, _NEVER), np.zeros(n, np.int64)
        np.minimum.at(begin, panel.entity, panel.month)
        np.maximum.at(last, panel.entity, panel.month)
        last = np.where(panel.lost < _NEVER, panel.lost, last)
        length = np.where(begin < _NEVER, last - begin + 1, 0)  # 0: nothing but the month of its loss
        order = np.argsort(-length, kind="stable")[: (length > 0).sum()]
        place = np.empty(n, int)
        place[order] = np.arange(len(order))
        row, step = place[panel.entity], panel.month - begin[panel.entity]
        table = np.ones((hidden + with_lost, classes + 2))  # columns: classes, a month not seen, the loss
        table[:hidden, :classes] = rates
        if with_lost:
            table[-1, :-1] = table[:-1, -1] = 0
        grid = np.full((len(order), length.max()), classes)
        grid[row, step] = panel.state
        gone = np.flatnonzero(panel.lost[order] < _NEVER)
        grid[gone, length[order][gone] - 1] = classes + 1
        likelihood = [table[:, grid[: (length > t).sum(), t]] for t in range(grid.shape[1])]
        return cls(likelihood, (begin[order] > panel.month.min()).astype(int), row, step)

    def expect(self, moves: np.ndarray, initial: np.ndarray, weight: np.ndarray, smooth: list | None = None):
        """Pass forward and backward through m models at once: moves (m, k, k), initial (m, 2, k), weight (m, n).

        Returns log-likelihoods (m,), expected moves (m, k, k) and first states (m, 2, k). `smooth` receives the
        probabilities of the states (m, k, n_t), the last month first.
        """
        forward, scale, turned = [], [], np.ascontiguousarray(moves.transpose(0, 2, 1))
        x = initial.transpose(0, 2, 1)[:, :, self.first]
        for likelihood in self.likelihood:
            x = turned @ forward[-1][:, :, : likelihood.shape[1]] if forward else x
            x = x * likelihood
            scale.append(x.sum(axis=1, keepdims=True))
            forward.append(np.divide(x, scale[-1], out=x, where=scale[-1] > 0))
        with np.errstate(divide="ignore"):
            log_likelihood = sum((weight[:, : c.shape[2]] * np.log(c[:, 0])).sum(axis=1) for c in scale)
        back, counts = np.repeat(weight[:, None, :], moves.shape[1], axis=1), np.zeros(moves.shape)
        for t in range(len(forward) - 1, -1, -1):
            n = forward[t].shape[2]
            if smooth is not None:
                smooth.append(forward[t] * back[:, :, :n])
            if t:
                part = back[:, :, :n] * self.likelihood[t]
                np.divide(part, scale[t], out=part, where=scale[t] > 0)
                counts += forward[t - 1][:, :, :n] @ part.transpose(0, 2, 1)
                back[:, :, :n] = moves @ part
        start = forward[0] * back
        first = np.stack([start[:, :, self.first == g].sum(axis=2) for g in (0, 1)], axis=1)
        return log_likelihood, counts * moves, first

    def maximise(
        self, moves: np.ndarray, initial: np.ndarray, weight: np.ndarray, tolerance: float, most: int
    ):
        """EM with the error rates held fixed: moves, initial, log-likelihoods (iterations, m), converged."""
        path, change = [], np.inf
        while change >= tolerance and len(path) < most:
            log_likelihood, counts, first = self.expect(moves, initial, weight)
            path.append(log_likelihood)
            (total, new), (starts, begun) = ((x.sum(axis=2, keepdims=True), x) for x in (counts, first))
            new = np.where(total > 0, new / np.where(total > 0, total, 1), moves)  # lost stays lost: 0 moves
            initial = np.where(starts > 0, begun / np.where(starts > 0, starts, 1), initial)
            change, moves = np.abs(new - moves).max(), new
        return moves, initial, np.array(path), change < tolerance


class HiddenMarkov:
    """The chain behind stages that were read with error: a hidden Markov model with known error rates.

    Of a month we see the class that some rule gave it, and the rule errs: `error_rates` says how often a month of each
    true stage gets each class. Losses are seen without error. The moves that make the whole record most likely are found
    by passes forward and backward (the EM algorithm), error rates held fixed. Errors of different months count as
    independent, given the stages. Accounts that begin after the first month of the data have first stages of their own.

    Parameters
    ----------
    data : DataFrame, as for `transitions`; `state` holds the class. A month without a row counts as not seen.
    error_rates : DataFrame, true stages in rows, classes in columns, rows sum to one
    entity, state, time, lost : columns, as for `transitions`

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
    >>> print(f"{transitions(panel, state='classified').matrix.loc['a', 'b']:.2f} {found.matrix.loc['a', 'b']:.2f}")
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
        rates = _check.frame(error_rates, argument="error_rates")
        for column in rates:
            _check.numeric(rates[column], f"error_rates[{column!r}]", minimum=0, maximum=1)
        total = rates.sum(axis=1)
        if (off := (total - 1).abs()).max() > 1e-4:
            raise ValueError(
                f"row {off.idxmax()!r} of error_rates sums to {total[off.idxmax()]:.4g}, not to one: a row holds how "
                "often a month of that true stage gets each class."
            )
        if rates.index.has_duplicates or LOST in rates.index:
            raise ValueError(
                f"error_rates must name every stage once, and not {LOST!r}: a loss is seen as such."
            )
        panel = _Panel.make(data, entity, state, time, lost)
        if unknown := [s for s in panel.states if s not in rates.columns]:
            raise ValueError(f"{state} has class {unknown[0]!r}, for which error_rates has no column.")
        with_lost = lost is not None or bool((panel.lost < _NEVER).any())
        self.error_rates = rates.div(total, axis=0)
        self._index, self._states = data.index[panel.row], [*rates.index, *[LOST] * with_lost]
        self._sequences = _Sequences.make(panel, self.error_rates[panel.states].to_numpy(), with_lost)
        counted = {"entities": len(self._sequences.first), "months": len(panel.row), "until": panel.until}
        self._settings = counted

    def fit(self, tolerance: float = 1e-6, max_iterations: int = 2000) -> HiddenMarkovResult:
        """Estimate the moves; the passes end when no probability changes by `tolerance` any more."""
        tolerance = _check.number(tolerance, "tolerance", minimum=1e-12, maximum=0.01)
        most, k, hidden = (
            _check.whole(max_iterations, "max_iterations"),
            len(self._states),
            len(self.error_rates),
        )
        moves = 0.8 * np.eye(k) + 0.2 / k
        moves[hidden:] = np.eye(k)[hidden:]
        initial = np.repeat(np.eye(k)[None, :hidden].sum(axis=1) / hidden, 2, axis=0)
        weight = np.ones((1, len(self._sequences.first)))
        moves, initial, path, done = self._sequences.maximise(
            moves[None], initial[None], weight, tolerance, most
        )
        if not np.isfinite(path).all():
            raise ValueError(
                "some account's record has probability 0 under these error_rates. Put a small number where a class "
                "does occur."
            )
        if not done:
            warnings.warn(f"no convergence after {most} iterations: raise max_iterations.", stacklevel=2)
        settings = self._settings | {"iterations": len(path), "converged": bool(done), "tolerance": tolerance}
        matrix, settings = _square(moves[0], self._states), MappingProxyType(settings)
        return HiddenMarkovResult(matrix, self, initial[0], path[:, 0], settings)


@dataclass(frozen=True, eq=False, repr=False)
class HiddenMarkovResult(Chain):
    """A `Chain` estimated by `HiddenMarkov`. `log_likelihood` has its value at every iteration; it never falls."""

    model: HiddenMarkov
    _initial: np.ndarray
    log_likelihood: np.ndarray
    settings: Mapping[str, Any]

    def _expect(self, smooth: list | None = None) -> np.ndarray:
        weight = np.ones((1, self.settings["entities"]))
        moves, initial = self.matrix.to_numpy()[None], self._initial[None]
        return self.model._sequences.expect(moves, initial, weight, smooth)[1][0]

    @property
    def expected_moves(self) -> pd.DataFrame:
        """Moves between true stages to be expected given the record; rows from, columns to."""
        return _square(self._expect(), self.states).loc[self.model.error_rates.index]

    def implied_moves(self) -> pd.DataFrame:
        """Moves between *classes* to be expected from these true moves and the error rates, spurious ones too."""
        rates, moves = self.model.error_rates, self.expected_moves
        table = rates.T.to_numpy() @ moves[rates.index].to_numpy() @ rates.to_numpy()
        table = pd.DataFrame(table, rates.columns.rename("from"), rates.columns.rename("to"))
        return table.assign(**{s: rates.T.to_numpy() @ moves[s] for s in self.states if s not in rates.index})

    def stages(self) -> pd.DataFrame:
        """Probability of each stage for every row of the data, given all that was seen of the account (smoothing).

        In the last month nothing later is known: there it rests on the past alone.
        """
        smooth, sequences = [], self.model._sequences
        self._expect(smooth)
        table = np.empty((len(sequences.row), len(self.states)))
        for t, found in enumerate(reversed(smooth)):
            here = sequences.step == t
            table[here] = found[0][:, sequences.row[here]].T
        return pd.DataFrame(table, self.model._index, self.states)[list(self.model.error_rates.index)]

    def bootstrap(self, n_resamples: int = 200, seed: int = 1) -> HiddenMarkovBootstrap:
        """Draw accounts with replacement and estimate the moves anew each time, error rates held fixed.

        Each resample starts near the estimate and ends when no probability changes by 0.0001 any more.
        """
        n_resamples = _check.whole(n_resamples, "n_resamples", minimum=2)
        rng = np.random.default_rng(_check.whole(seed, "seed", minimum=0))
        hidden, n, parts = len(self.model.error_rates), self.settings["entities"], []
        near = self.matrix.to_numpy().copy()
        near[:hidden] = 0.98 * near[:hidden] + 0.02 / len(near)  # a zero would stay one
        for done in range(0, n_resamples, _BATCH):
            m = min(_BATCH, n_resamples - done)
            weight = np.array([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(m)], float)
            start, initial = np.repeat(near[None], m, axis=0), np.repeat(self._initial[None], m, axis=0)
            parts.append(self.model._sequences.maximise(start, initial, weight, 1e-4, 300)[0])
        return HiddenMarkovBootstrap(self, n_resamples, seed, np.concatenate(parts))

    def summary(self) -> pd.DataFrame:
        """One row per move: expected number and probability. `bootstrap` gives intervals."""
        moves = self.expected_moves
        found = {"moves": moves.stack(), "probability": self.matrix.loc[moves.index].stack()}
        return pd.DataFrame(found, moves.stack().index)

    def _caption(self) -> str:
        used = self.settings
        return (
            f"Hidden Markov model, error rates fixed: {used['months']:,} months of {used['entities']:,} accounts, until "
            f"{used['until']}; {used['iterations']} iterations of EM, log-likelihood {self.log_likelihood[-1]:.2f}."
        )


@dataclass(frozen=True, eq=False, repr=False)
class HiddenMarkovBootstrap(_Shown):
    """Bootstrap over accounts, made by `HiddenMarkovResult.bootstrap`."""

    result: HiddenMarkovResult
    n_resamples: int
    seed: int
    _draws: np.ndarray

    @property
    def chains(self) -> list[Chain]:
        """The chain of each resample, for intervals of whatever a chain gives."""
        return [Chain(_square(draw, self.result.states)) for draw in self._draws]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row per move: probability, standard error, percentile interval."""
        tail = (1 - _check.number(level, "level", minimum=0.5, maximum=0.9999)) / 2
        rows = self.result.model.error_rates.index
        draws = self._draws[:, : len(rows)].reshape(self.n_resamples, -1)
        lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
        found = self.result.matrix.loc[rows].stack().rename("probability").to_frame()
        return found.assign(se=draws.std(axis=0, ddof=1), lower=lower, upper=upper)

    def _caption(self) -> str:
        return f"{self.n_resamples} bootstrap resamples of accounts (seed {self.seed}), 95 % percentile intervals."


# --- classifying months --------------------------------------------------------------------------------------------


def _features(months: pd.DataFrame, extra: tuple[str, ...]) -> pd.DataFrame:
    """What the stage rule looks at, from the columns of the ledger."""
    names = ["orders", "volume_kg", "revenue", "margin", "complaints", "response_hours", *extra]
    months = _check.frame(months, names, "months")
    x = {c: _check.numeric(months[c], c, minimum=0 if c in names[:3] + names[4:6] else None) for c in names}
    if (x["response_hours"] == 0).any():
        raise ValueError("response_hours must be above 0: the rule takes its logarithm.")
    if not (sells := x["revenue"] > 0).any():
        raise ValueError("revenue is 0 in every month: there is no margin rate.")
    rate = np.full(len(months), x["margin"].sum() / x["revenue"].sum())
    rate[sells] = x["margin"][sells] / x["revenue"][sells]
    table = {
        "const": np.ones(len(months)),
        "orders": x["orders"],
        "log_volume": np.log1p(x["volume_kg"]),
        "margin_rate": rate,
        "complaints": x["complaints"],
        "log_response": np.log(x["response_hours"]),
    }
    return pd.DataFrame(table | {c: x[c] for c in extra}, months.index)


class StageClassifier:
    """A rule that reads a month's stage from the ledger, learned from months that account managers labelled.

    Multinomial logit (statsmodels' MNLogit); a month gets its most probable stage. The rule looks at orders, the
    logarithms of 1 + volume (kg) and of response hours, margin over revenue (in months without revenue, that of all
    months together) and complaints. It does not look at visits: they are what the firm does, not how the account
    behaves, and care changes them. Its errors are counted by five-fold cross-validation: accounts are dealt to five
    groups, and the labels of each are compared with a rule learned from the other four.

    Parameters
    ----------
    months : DataFrame, ledger with one row per account and month (see the table account_months)
    reviews : DataFrame, labels, at most one per account and month; those of months not in the ledger are not used
    extra : more numeric columns of `months` to look at, as they are
    entity, time, label : columns of the account, the month and, in `reviews`, the stage

    Raises
    ------
    TypeError, ValueError
        If a column is missing or of the wrong type, a month is there twice, an amount is negative (margin may be),
        missing or infinite, or some stage has too few labels to learn from.

    Examples
    --------
    >>> from crmlab import datasets
    >>> months, reviews = (datasets.load(t, cohort="shipped") for t in ("account_months", "account_reviews"))
    >>> rule = StageClassifier(months, reviews).fit()
    >>> list(rule.error_rates.index)
    ['exploration', 'formation', 'stability', 'decline']
    """

    def __init__(
        self,
        months: pd.DataFrame,
        reviews: pd.DataFrame,
        extra: tuple[str, ...] = (),
        *,
        entity: str = "account_id",
        time: str = "month",
        label: str = "stage",
    ) -> None:
        for name, table, columns in (("months", months, []), ("reviews", reviews, [label])):
            _check.dates(_check.frame(table, [entity, time, *columns], name)[time], f"{time} of {name}")
            _check.unique(table, [entity, time], name)
        self.extra, self.states = tuple(extra), _order(reviews[label], label)
        labels = reviews[[entity, time]].assign(_label=reviews[label].astype(object))
        both = labels.merge(months, on=[entity, time])
        many = both["_label"].value_counts().reindex(self.states, fill_value=0)
        if len(self.states) < 2 or many.min() < 10:
            raise ValueError(
                f"{many.idxmin()!r} is the label of {many.min()} months of the ledger: two stages at least, with ten "
                "labelled months each, are needed. Do the months of the two tables agree?"
            )
        self._x, self._y = _features(both, self.extra), pd.Index(self.states).get_indexer(both["_label"])
        self._fold = pd.factorize(both[entity], sort=True)[0] % _FOLDS

    def _estimate(self, keep: np.ndarray) -> Any:
        import statsmodels.api as sm

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = sm.MNLogit(self._y[keep], self._x[keep]).fit(disp=0, maxiter=200)
                good = found.mle_retvals["converged"] and found.params.shape[1] + 1 == len(self.states)
            except np.linalg.LinAlgError:
                good = False
        if not good:
            raise ValueError(
                "no finite rule tells these stages apart: a column is constant, is another one again, or separates "
                "them perfectly; or the labels of a stage come from too few accounts."
            )
        return found

    def fit(self) -> StageClassification:
        """Learn the rule from all labelled months, and count its errors by cross-validation."""
        found, guess = self._estimate(self._fold >= 0), np.zeros(len(self._y), int)
        for fold in np.unique(self._fold):
            held = self._fold == fold
            guess[held] = self._estimate(~held).predict(self._x[held]).to_numpy().argmax(axis=1)
        counts = np.zeros((len(self.states),) * 2, int)
        np.add.at(counts, (self._y, guess), 1)
        rows, columns = pd.Index(self.states, name="labelled"), pd.Index(self.states, name="classified")
        return StageClassification(self, found, pd.DataFrame(counts, rows, columns))


@dataclass(frozen=True, eq=False, repr=False)
class StageClassification(_Shown):
    """A fitted stage rule. `confusion`: labelled months by label (rows) and class (columns), cross-validated."""

    model: StageClassifier
    _fitted: Any
    confusion: pd.DataFrame

    @property
    def params(self) -> pd.DataFrame:
        """Log-odds of each stage against the first one, by feature."""
        return self._fitted.params.set_axis(self.model.states[1:], axis=1)

    @property
    def bse(self) -> pd.DataFrame:
        """Standard errors of `params`."""
        return self._fitted.bse.set_axis(self.model.states[1:], axis=1)

    @property
    def error_rates(self) -> pd.DataFrame:
        """Share of the months with each label (rows) that the rule puts into each class; rows sum to one."""
        return self.confusion.div(self.confusion.sum(axis=1), axis=0)

    @property
    def accuracy(self) -> float:
        """Share of the labelled months whose class is their label."""
        return float(np.trace(self.confusion) / self.confusion.to_numpy().sum())

    def classify(self, months: pd.DataFrame) -> pd.Series:
        """The most probable stage of every row of a ledger, by that month alone."""
        found = self._fitted.predict(_features(months, self.model.extra)).to_numpy().argmax(axis=1)
        stages = pd.Categorical.from_codes(found, self.model.states, ordered=True)
        return pd.Series(stages, months.index, name="classified")

    def summary(self) -> pd.DataFrame:
        """By stage: months labelled, share of them found (recall), share of the class that is right (precision)."""
        right, labelled = np.diag(self.confusion), self.confusion.sum(axis=1)
        precision = right / self.confusion.sum().where(lambda n: n > 0)
        return pd.DataFrame({"labelled": labelled, "recall": right / labelled, "precision": precision})

    def _caption(self) -> str:
        return (
            f"Multinomial logit on {', '.join(self._fitted.params.index[1:])}: {self.accuracy:.1%} of "
            f"{len(self.model._y):,} labelled months right, {_FOLDS}-fold cross-validation by account."
        )


# --- care and its budget -------------------------------------------------------------------------------------------


def care_value(
    control: Chain,
    care: Chain,
    reward: Mapping | pd.Series,
    cost: float,
    months: int = 12,
    yearly_rate: float = 0.10,
    horizon: int | None = None,
) -> pd.DataFrame:
    """What `months` of care bring, by the stage in which it begins: `care` moves first, `control` moves afterwards.

    Parameters
    ----------
    control, care : Chain, moves without and with care, in the same states
    reward : yuan that a month in each stage brings, by stage, before the cost of care
    cost : yuan of a month of care, paid while the account is not lost
    months : how long care lasts
    yearly_rate : discount rate of a year
    horizon : months after the care that count: 0 none of them, None all

    Returns
    -------
    DataFrame
        By stage, present values in yuan: gain (against `control` all the time), cost, net; and gain_per_yuan.

    Raises
    ------
    TypeError, ValueError
        If the chains have different states, or an amount is missing, infinite or, for `cost`, not above 0.

    Examples
    --------
    >>> states = ["stability", "lost"]
    >>> control, care = (Chain(pd.DataFrame([[1 - p, p], [0, 1]], states, states)) for p in (0.10, 0.05))
    >>> care_value(control, care, {"stability": 100}, 4, months=2, yearly_rate=0, horizon=0).round(2).iloc[0].tolist()
    [5.0, 7.8, -2.8, 0.64]
    """
    if control.states != care.states:
        raise ValueError(f"the chains have different states: {control.states} and {care.states}.")
    months, rate = _check.whole(months, "months"), _monthly(yearly_rate)
    if (cost := _check.number(cost, "cost", minimum=0)) == 0:
        raise ValueError("cost must be above 0: what costs nothing needs no budget.")
    gain = control._by_state(reward, "reward")
    later = None if horizon is None else _check.whole(horizon, "horizon", minimum=0) - 1
    plain = 0 * gain if later == -1 else control.value(reward, yearly_rate, horizon=later).to_numpy()
    treated, spent = plain, 0 * gain
    price = np.where([s in control.transient for s in control.states], cost, 0.0)
    for _ in range(months):
        plain = gain + control.matrix.to_numpy() @ plain / (1 + rate)
        treated = gain + care.matrix.to_numpy() @ treated / (1 + rate)
        spent = price + care.matrix.to_numpy() @ spent / (1 + rate)
    table = pd.DataFrame({"gain": treated - plain, "cost": spent}, pd.Index(control.states, name="state"))
    table = table.loc[control.transient]
    return table.assign(net=table["gain"] - table["cost"], gain_per_yuan=table["gain"] / table["cost"])


def care_intervals(
    control: HiddenMarkovBootstrap,
    care: HiddenMarkovBootstrap,
    reward: Mapping | pd.Series,
    cost: float,
    months: int = 12,
    yearly_rate: float = 0.10,
    horizon: int | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Yuan gained for a yuan of care, by stage, with the interval over resamples of accounts in both arms.

    The other parameters and what is raised are those of `care_value`; `level` is that of the percentile interval, and
    resamples are paired in their order.

    Returns
    -------
    DataFrame
        By stage: estimate, lower, upper.

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": np.repeat([1, 2], 3), "classified": list("aabbba"),
    ...     "month": list(pd.date_range("2025-01-01", periods=3, freq="MS")) * 2})
    >>> found = HiddenMarkov(panel, pd.DataFrame(np.eye(2), ["a", "b"], ["a", "b"])).fit().bootstrap(5)
    >>> care_intervals(found, found, {"a": 9, "b": 1}, 4, horizon=12).loc["a"].tolist()  # care that changes nothing
    [0.0, 0.0, 0.0]
    """
    rest = {"months": months, "yearly_rate": yearly_rate, "horizon": horizon}
    tail = (1 - _check.number(level, "level", minimum=0.5, maximum=0.9999)) / 2
    pairs = [(control.result, care.result), *zip(control.chains, care.chains, strict=False)]
    first, *draws = (care_value(a, b, reward, cost, **rest)["gain_per_yuan"] for a, b in pairs)
    bounds = pd.DataFrame(draws).quantile([tail, 1 - tail])
    return pd.DataFrame({"estimate": first, "lower": bounds.iloc[0], "upper": bounds.iloc[1]})


def allocate(budget: float, gain: pd.Series, cost: pd.Series, available: pd.Series) -> pd.DataFrame:
    """Spend a budget where a yuan brings most, as long as it brings more than a yuan.

    Parameters
    ----------
    budget : yuan
    gain, cost : Series, yuan per account, by group
    available : Series, number of accounts, by group

    Returns
    -------
    DataFrame
        Groups by falling gain_per_yuan, with available, funded (whole accounts), cost, gain and net.

    Raises
    ------
    TypeError, ValueError
        If the groups differ, or a number is missing, infinite or (but for `gain`) negative.

    Examples
    --------
    >>> groups = ["new", "stable"]
    >>> gain, cost, many = (pd.Series(x, groups) for x in ([30, 80], [20, 40], [9, 2]))
    >>> allocate(100, gain, cost, many)["funded"].to_dict()
    {'stable': 2, 'new': 1}
    """
    left = _check.number(budget, "budget", minimum=0)
    for name, values in (("gain", gain), ("cost", cost), ("available", available)):
        if (
            not isinstance(values, pd.Series)
            or not values.index.is_unique
            or set(values.index) != set(gain.index)
        ):
            raise ValueError(f"{name} must be a Series with one number for each group, the groups of gain.")
        _check.numeric(values, name, minimum=None if name == "gain" else 0)
    if (cost == 0).any():
        raise ValueError(f"cost of {cost.idxmin()!r} is 0: what costs nothing needs no budget.")
    table = pd.DataFrame({"gain_per_yuan": gain / cost, "available": available}).rename_axis("group")
    table = table.sort_values("gain_per_yuan", ascending=False, kind="stable")
    funded = pd.Series(0, table.index)
    for group in table.index[table["gain_per_yuan"] > 1]:
        funded[group] = int(min(available[group], left // cost[group]))
        left -= funded[group] * cost[group]
    table = table.assign(funded=funded, cost=funded * cost, gain=funded * gain + 0.0)  # no minus zero
    return table.assign(net=table["gain"] - table["cost"])


# --- levels of interaction -----------------------------------------------------------------------------------------


def sessionize(
    events: pd.DataFrame, gap: str | pd.Timedelta, entity: str = "customer_id", time: str = "at"
) -> pd.Series:
    """Number the groups of events that no pause longer than `gap` interrupts, customer by customer.

    Parameters
    ----------
    events : DataFrame, one row per event, in any order
    gap : time such as "30min" (acts make an episode) or "2D" (episodes make a sequence)
    entity, time : columns of the customer and of the moment (datetime64)

    Returns
    -------
    Series of int
        1, 2, … by customer and time, with the index of `events`.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, incomplete or of the wrong type, or `gap` is no positive time.

    Examples
    --------
    >>> at = pd.to_datetime(["2025-07-01 10:00", "2025-07-01 10:20", "2025-07-01 11:00"])
    >>> sessionize(pd.DataFrame({"customer_id": 1, "at": at}), "30min").tolist()
    [1, 1, 2]
    """
    events = _check.frame(events, [entity, time], "events")
    when = _check.dates(events[time], time).to_numpy()
    if events[entity].isna().any():
        raise ValueError(f"{entity} has {int(events[entity].isna().sum())} missing value(s). Drop the rows.")
    try:
        pause = pd.Timedelta(gap)
    except (ValueError, TypeError):
        pause = pd.NaT
    if not pause > pd.Timedelta(0):
        raise ValueError(f"gap must be a positive time such as '30min' or '2D', found {gap!r}.")
    codes = pd.factorize(events[entity], sort=True)[0]
    order = np.lexsort((when, codes))
    new = np.r_[True, (np.diff(codes[order]) != 0) | (np.diff(when[order]) > pause.to_timedelta64())]
    found = np.empty(len(events), np.int64)
    found[order] = np.cumsum(new)
    return pd.Series(found, events.index, name="session")


def pair_agreement(truth: pd.Series, found: pd.Series) -> pd.Series:
    """Compare two groupings of the same things, given in the same order, by the pairs that they put together.

    Returns `precision` (share of the pairs put together that belong together), `recall` (share of the pairs that belong
    together that were put together) and `adjusted_rand` (the Rand index adjusted for chance: 1 for equal groupings, about
    0 for random ones). ValueError if they differ in length, miss a value, or one puts nothing together.

    Examples
    --------
    >>> pair_agreement(pd.Series([1, 1, 1, 2]), pd.Series([1, 1, 2, 3])).round(2).tolist()
    [1.0, 0.33, 0.33]
    """
    truth, found = pd.Series(truth).reset_index(drop=True), pd.Series(found).reset_index(drop=True)
    if len(truth) != len(found) or truth.isna().any() or found.isna().any():
        raise ValueError(f"truth and found must be complete and equally long: {len(truth)} and {len(found)}.")
    sizes = pd.DataFrame({"t": truth, "f": found}).value_counts(), truth.value_counts(), found.value_counts()
    both, in_truth, in_found = (float((n * (n - 1) / 2).sum()) for n in sizes)
    if not in_truth or not in_found:
        raise ValueError("one of the groupings puts no two things together: there is nothing to compare.")
    chance, most = in_truth * in_found / (len(truth) * (len(truth) - 1) / 2), (in_truth + in_found) / 2
    rand = (both - chance) / (most - chance) if most > chance else 1.0
    return pd.Series({"precision": both / in_found, "recall": both / in_truth, "adjusted_rand": rand})
