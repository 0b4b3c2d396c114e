"""Moves counted from a panel: the chain they give, what happened later, and moves that a scheme forbids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crmlab import _check
from crmlab._results import ReadOnly
from crmlab.lifecycle._panel import LOST, STAGES, Panel, periods, refuse_lookalikes, square
from crmlab.lifecycle.chains import Chain

ALLOWED = (  # moves of the four-stage scheme; staying is always allowed
    ("exploration", "formation"),
    ("exploration", "decline"),
    ("formation", "stability"),
    ("formation", "decline"),
    ("stability", "decline"),
    ("decline", "formation"),
    ("decline", LOST),
)


@dataclass(frozen=True, eq=False, repr=False)
class Transitions(Chain):
    """A `Chain` from counted moves, made by `transitions`. `counts`: rows from, columns to."""

    counts: pd.DataFrame
    settings: Mapping[str, Any]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Return the moves with Wilson intervals (statsmodels).

        Parameters
        ----------
        level : float
            Level of the intervals, from 0.5 to 0.9999.

        Returns
        -------
        DataFrame
            One row per move: moves counted, out of how many months, probability, lower, upper. An interval
            stands for its cell alone, and takes the moves as independent.
        """
        from statsmodels.stats.proportion import proportion_confint

        level = _check.level(level)
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
    data : DataFrame
        One row per entity and month, in any order.
    entity, state, time : str
        Columns: whose row it is, its state (text or category), its month (datetime64).
    lost : str, optional
        Column with the first month without the account, NaT while it is a customer. Rows whose state is
        "lost" say the same. A loss after the last month of the data does not count: neither do the stays
        after it.

    Returns
    -------
    Transitions
        A `Chain` with `.counts` and `.settings`. Only neighbouring months make a move; a gap makes none.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, incomplete or of the wrong type, a month is there twice, an account has rows
        after its loss, or no month of some state has a next one.

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": 1, "stage": ["stability", "stability", "stability", "decline"],
    ...     "month": pd.date_range("2025-01-01", periods=4, freq="MS")})
    >>> transitions(panel[:3]).counts.loc["stability", "stability"]
    np.int64(2)
    """
    return counted(Panel.make(data, entity, state, time, lost), lost is not None)


def counted(panel: Panel, with_lost: bool) -> Transitions:
    """Return the chain that the moves of a checked panel give.

    Parameters
    ----------
    panel : Panel
        A checked panel.
    with_lost : bool
        Whether "lost" is a state even if nobody was lost.

    Returns
    -------
    Transitions
        As `transitions` gives it.
    """
    counts = panel.moves(1, with_lost)
    total = counts.sum(axis=1)
    if (total == 0).any():
        raise ValueError(
            f"no month in state {total.idxmin()!r} is followed by a next month: its moves cannot be "
            "estimated. Leave the state out or take a longer period."
        )
    matrix = square(counts.div(total, axis=0), list(counts.columns))
    used = {"moves": int(total.sum()), "entities": len(panel.lost), "until": panel.until}
    return Transitions(matrix, counts, ReadOnly(used | {"interval": "Wilson, per cell"}))


def observed_after(
    data: pd.DataFrame,
    months: int,
    entity: str = "account_id",
    state: str = "stage",
    time: str = "month",
    lost: str | None = None,
) -> pd.DataFrame:
    """Return what happened some months later, to set beside `Chain.after`.

    Parameters
    ----------
    data : DataFrame
        As for `transitions`.
    months : int
        How much later, from 1 to 12,000.
    entity, state, time, lost : str
        As for `transitions`.

    Returns
    -------
    DataFrame
        Share of the months of a state (rows, sum to one) that were followed by each state `months` later
        (columns). Overlapping spells of one account all count; a row is missing where no month of its state
        can be followed so long.

    Raises
    ------
    TypeError, ValueError
        As `transitions` does.

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": 1, "stage": ["stability", "stability", "decline"],
    ...     "month": pd.date_range("2025-01-01", periods=3, freq="MS")})
    >>> observed_after(panel, 2).loc["stability"].tolist()
    [0.0, 1.0]
    """
    months = periods(months, "months")
    counts = Panel.make(data, entity, state, time, lost).moves(months, lost is not None)
    counts = counts[counts.sum(axis=1) > 0]
    if counts.empty:
        raise ValueError(f"no account can be followed for {months} months in these data. Take fewer.")
    return counts.div(counts.sum(axis=1), axis=0)


def illegal_moves(moves: pd.DataFrame, allowed: Iterable[tuple] = ALLOWED) -> pd.Series:
    """Take from a table of moves those that a scheme forbids.

    Parameters
    ----------
    moves : DataFrame
        Counts or expected counts of moves; rows from, columns to.
    allowed : iterable of pairs
        Moves (from, to) that the scheme knows, by default those of the four stages; staying is always
        allowed.

    Returns
    -------
    Series
        Moves by (from, to); those that did not occur are listed with 0.

    Raises
    ------
    TypeError, ValueError
        If the table holds anything but counts, `allowed` is no list of pairs, or a state is known to one of
        them only.

    Examples
    --------
    >>> stages = ["exploration", "stability"]
    >>> illegal_moves(pd.DataFrame([[8, 1], [0, 9]], stages, stages)).tolist()
    [1, 0]
    """
    moves = _check.frame(moves, argument="moves")
    if not (moves.index.is_unique and moves.columns.is_unique):
        raise ValueError("moves must name every state once in its rows and once in its columns.")
    for column in moves:
        _check.numeric(moves[column], f"moves to {column!r}", minimum=0)
    states = list(dict.fromkeys([*moves.index, *moves.columns]))
    refuse_lookalikes(states)
    known = [*STAGES, LOST]
    if allowed is ALLOWED:
        for state in states:
            _check.label(state, known, "without `allowed`, moves are judged by the four stages; the table")
    legal = _pairs(allowed, list(dict.fromkeys([*states, *known])))
    table = moves.rename_axis(index="from", columns="to").stack().rename("moves")
    return table[[a != b and (a, b) not in legal for a, b in table.index]]


def _pairs(allowed: object, known: list) -> set:
    """Return the pairs of a scheme, whatever holds them."""
    help_ = "allowed must list pairs such as [('exploration', 'formation'), ('formation', 'stability')]"
    if isinstance(allowed, str | Mapping | pd.DataFrame) or not isinstance(allowed, Iterable):
        raise TypeError(f"{help_}, found {type(allowed).__name__}.")
    pairs = set()
    for pair in allowed:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"{help_}, found {pair!r} in it.")
        pairs.add(tuple(_check.label(state, known, "allowed") for state in pair))
    return pairs
