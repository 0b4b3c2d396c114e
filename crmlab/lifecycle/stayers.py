"""Movers and stayers: do more accounts stay without a break than one chain for all lets expect?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import ReadOnly, Result
from crmlab.lifecycle._panel import Panel, periods
from crmlab.lifecycle._passes import Sequences, seen_given
from crmlab.lifecycle.hidden import HiddenMarkov, near, resamples
from crmlab.lifecycle.moves import counted

BATCH = 8  # simulated records that EM carries at once
NOT_SEEN = -1  # in place of the number of a stage or class


@dataclass(frozen=True, eq=False, repr=False)
class MoverStayerCheck(Result):
    """Made by `mover_stayer_check`.

    `observed` and `one_chain` are shares by months; `excess` holds, for every simulated record, the share
    that stayed beyond what the record's own chain says.
    """

    observed: pd.Series
    one_chain: pd.Series
    excess: pd.DataFrame
    settings: Mapping[str, Any]

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Return the shares that stayed without a break.

        Parameters
        ----------
        level : float
            Level of the interval, from 0.5 to 0.9999.

        Returns
        -------
        DataFrame
            By `months`: share `observed`; `one_chain`, the power of the chain's own probability of staying;
            what the single chain lets expect once it is observed in the same way: `expected`, and `lower` and
            `upper`, between which that share of the simulated records lies; `p_value`, the share of simulated
            records (the data counted as one of them) in which as many or more stayed beyond their own chain.
        """
        tail = (1 - _check.level(level)) / 2
        bounds = self.excess.quantile([tail, 1 - tail])
        as_many = ~(self.excess < self.observed - self.one_chain - 1e-12)
        table = {
            "observed": self.observed,
            "one_chain": self.one_chain,
            "expected": self.one_chain + self.excess.mean(),
            "lower": self.one_chain + bounds.iloc[0],
            "upper": self.one_chain + bounds.iloc[1],
            "p_value": (1 + as_many.sum()) / (1 + len(self.excess)),
        }
        return pd.DataFrame(table).rename_axis("months")

    def _caption(self) -> str:
        used = self.settings
        read = "read with error and decoded" if used["read_with_error"] else "as recorded"
        return (
            f"Share in {used['stage']} without a break, against one chain: parametric bootstrap, "
            f"{used['n_resamples']} records of {used['entities']:,} accounts until {used['until']}, "
            f"stages {read} (seed {used['seed']}); 95 % intervals, one-sided p-values."
        )


def mover_stayer_check(
    data: pd.DataFrame,
    months: Iterable[int] = (6, 12, 18, 24),
    stage: str = "stability",
    *,
    error_rates: pd.DataFrame | None = None,
    entity: str = "account_id",
    state: str = "stage",
    time: str = "month",
    lost: str | None = None,
    n_resamples: int = 199,
    seed: int = 1,
) -> MoverStayerCheck:
    """Compare how many accounts stay in a stage without a break with what one chain for all would show.

    If some accounts are movers and others stayers, more stay long than the power of one probability says. But
    so do they, apparently, where stages are read with error and smoothed, and by chance. So records of the
    same shape are simulated from the single chain (the same accounts, from the same first stage, in the same
    months), read and fitted in the same way, and the excess over each record's own chain is compared with
    that of the data.

    Parameters
    ----------
    data : DataFrame
        As for `transitions`.
    months : iterable of int
        For how long to follow the accounts, each from 1 to 12,000.
    stage : str
        Stage in which they stay.
    error_rates : DataFrame, optional
        If `state` holds classes that were read with error: as for `HiddenMarkov`, which is then fitted to
        every record. A month counts by its most probable stage.
    entity, state, time, lost : str
        Columns, as for `transitions`.
    n_resamples : int
        Simulated records, from 19 to 10,000.
    seed : int
        The same seed gives the same records.

    Returns
    -------
    MoverStayerCheck
        Its `summary` has a row for each number of months.

    Raises
    ------
    TypeError, ValueError
        As `transitions` and `HiddenMarkov`; if the stage is unknown or nobody can be followed so long.

    Notes
    -----
    A high p-value is no proof that accounts are alike. Of a few hundred accounts stayers are often missed,
    more so where error rates were learned from labels that err themselves (tests/studies/study_lifecycle.py).

    Examples
    --------
    >>> panel = pd.DataFrame({"account_id": np.repeat(np.arange(20), 12),
    ...     "stage": ["stability"] * 120 + ["stability", "decline"] * 60,
    ...     "month": list(pd.date_range("2025-01-01", periods=12, freq="MS")) * 20})
    >>> found = mover_stayer_check(panel, [6], n_resamples=39)  # ten stay for good, ten go to and fro
    >>> found.summary().round(3).loc[6, ["observed", "one_chain", "p_value"]].tolist()
    [0.667, 0.073, 0.025]
    """
    if isinstance(months, str) or not isinstance(months, Iterable):
        raise TypeError(f"months must list numbers of months, such as [12, 24]; found {months!r}.")
    months = sorted({periods(each, "months") for each in months})
    if not months:
        raise ValueError("months is empty: list numbers of months, such as [12, 24].")
    n_resamples = resamples(n_resamples, minimum=19)
    rng = np.random.default_rng(_check.whole(seed, "seed", minimum=0))
    if error_rates is None:
        record = _Recorded.make(Panel.make(data, entity, state, time, lost), lost is not None)
    else:
        record = _Read.make(HiddenMarkov(data, error_rates, entity, state, time, lost))
    number = record.stages.index(_check.label(stage, record.stages, "stage"))
    share, own = record.stays(record.wide[None], number, months)
    if np.isnan(share).any():
        longest = months[int(np.isnan(share[0]).argmax())]
        raise ValueError(
            f"no account in {stage!r} can be followed for {longest} months in these data. Take fewer."
        )
    excess = []
    for done in range(0, n_resamples, BATCH):
        drawn = _simulate(record, min(BATCH, n_resamples - done), rng)
        excess.append(np.subtract(*record.stays(drawn, number, months)))
    used = {"stage": stage, "entities": len(record.wide), "until": record.until, "n_resamples": n_resamples}
    used |= {"seed": seed, "read_with_error": error_rates is not None}
    index = pd.Index(months, name="months")
    shares = pd.DataFrame({"observed": share[0], "one_chain": own[0]}, index)
    excess = pd.DataFrame(np.concatenate(excess), columns=index)
    return MoverStayerCheck(shares["observed"], shares["one_chain"], excess, ReadOnly(used))


def _runs(held: np.ndarray) -> np.ndarray:
    """Return for every month (the last axis) how many months, from it on, a condition holds."""
    runs = np.zeros((*held.shape[:-1], held.shape[-1] + 1), int)
    for t in range(held.shape[-1] - 1, -1, -1):
        runs[..., t] = (runs[..., t + 1] + 1) * held[..., t]
    return runs[..., :-1]


def _unbroken(wide: np.ndarray, number: int, months: list[int]) -> np.ndarray:
    """Return by record (rows) and `months` the share of the months in a state after which it was not left."""
    there = wide == number
    stays_for = _runs(there)
    followed_for = _runs(wide >= 0) * there
    shares = np.full((len(wide), len(months)), np.nan)
    for column, span in enumerate(months):  # a run counts the month itself: a stay of `span` more is longer
        followed = (followed_for > span).sum(axis=(1, 2))
        stayed = (stays_for > span).sum(axis=(1, 2))
        np.divide(stayed, followed, out=shares[:, column], where=followed > 0)
    return shares


def _draw(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a column for every row (the last axis) of probabilities."""
    point = rng.random((*chances.shape[:-1], 1))
    return (chances.cumsum(axis=-1) < point).sum(axis=-1).clip(max=chances.shape[-1] - 1)


def _simulate(record: Any, many: int, rng: np.random.Generator) -> np.ndarray:
    """Return records (many, accounts, months) of the fitted chain, in the shape of the data."""
    lives = _lives(record, many, rng)
    lost = lives == len(record.stages)
    # a month without a row stays without one; a loss is known from then on, unless the account was out of
    # sight before: then it is followed no longer than in the data
    known = record.wide >= 0
    followed = known[:, ::-1].cumsum(axis=1)[:, ::-1] > 0
    shown = np.where(known & ~lost, record.seen(lives, rng), NOT_SEEN)
    return np.where(lost & followed, record.classes, shown)


def _lives(record: Any, many: int, rng: np.random.Generator) -> np.ndarray:
    """Return the states (many, accounts, months) that the chain gives from an account's first month on."""
    begin = (record.wide >= 0).argmax(axis=1)
    lives = np.full((many, *record.wide.shape), NOT_SEEN)
    now = _draw(np.broadcast_to(record.first, (many, *record.first.shape)), rng)
    for t in range(record.wide.shape[1]):
        now = np.where(begin < t, _draw(record.moves[now], rng), now)
        lives[:, :, t] = np.where(begin <= t, now, NOT_SEEN)
    return lives


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A record whose stages are known, and the chain counted from it."""

    wide: np.ndarray  # (accounts, months): number of the stage, -1 not seen, len(stages) from the loss on
    stages: list
    classes: int  # how many there are; the number after the last says "lost"
    moves: np.ndarray
    first: np.ndarray  # (accounts, states): probability of the first state
    until: str

    @classmethod
    def make(cls, panel: Panel, with_lost: bool) -> _Recorded:
        panel = panel.only(np.isin(np.arange(len(panel.lost)), panel.entity))
        wide = panel.wide()
        moves = counted(panel, with_lost).matrix.to_numpy()
        first = np.eye(len(moves))[wide[np.arange(len(wide)), (wide >= 0).argmax(axis=1)]]
        return cls(wide, panel.states, len(panel.states), moves, first, panel.until)

    def seen(self, lives: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return lives

    def stays(self, wide: np.ndarray, number: int, months: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the share unbroken and that of the record's own chain, by record and months."""
        return _unbroken(wide, number, months), _unbroken(wide, number, [1]) ** np.array(months)


@dataclass(frozen=True, eq=False)
class _Read(_Recorded):
    """A record of classes read with error, and the hidden chain behind them; `wide` holds classes."""

    rates: np.ndarray
    initial: np.ndarray

    @classmethod
    def make(cls, model: HiddenMarkov) -> _Read:
        found = model.fit()
        rates = model.error_rates
        panel = model._panel
        chosen = np.isin(np.arange(len(panel.lost)), panel.entity)
        # the panel numbers the classes that occur, then the loss; -1, not seen, takes the last place
        place = np.array([*rates.columns.get_indexer(panel.states), rates.shape[1], NOT_SEEN])
        wide = place[panel.only(chosen).wide()]
        smooth = model._sequences.smooth(found.matrix.to_numpy(), found._initial)
        first = smooth[np.unique(panel.entity, return_index=True)[1]]
        moves = found.matrix.to_numpy()
        stages = list(rates.index)
        classes = rates.shape[1]
        return cls(wide, stages, classes, moves, first, panel.until, rates.to_numpy(), found._initial)

    def seen(self, lives: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the class that each month is given; months of lost accounts get any."""
        return _draw(self.rates[np.minimum(lives, len(self.rates) - 1)], rng)

    def stays(self, wide: np.ndarray, number: int, months: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Fit the hidden chain to each record, decode its months, and go on as with known stages."""
        many = len(wide)
        hidden = len(self.stages)
        begin = (wide[0] >= 0).argmax(axis=1)  # the same in all records
        order = np.argsort(begin, kind="stable")  # the longest sequence first
        sequences = self._sequences(wide[:, order], begin[order])
        moves = np.repeat(near(self.moves, hidden)[None], many, axis=0)
        initial = np.repeat(self.initial[None], many, axis=0)
        weight = np.ones((many, len(order)))
        moves, initial, _, _ = sequences.maximise(moves, initial, weight, 1e-5, 2000)
        smoothed = []
        sequences.expect(moves, initial, weight, smoothed)
        decoded = np.full(wide.shape, NOT_SEEN)
        for t, chances in enumerate(reversed(smoothed)):  # month t of the sequences that are as long
            there = order[: chances.shape[2]]
            decoded[:, there, begin[there] + t] = chances[:, :hidden].argmax(axis=1)
        decoded[wide == self.classes] = hidden  # lost
        decoded[wide == NOT_SEEN] = NOT_SEEN
        return _unbroken(decoded, number, months), moves[:, [number], number] ** np.array(months)

    def _sequences(self, wide: np.ndarray, begin: np.ndarray) -> Sequences:
        """Arrange records of the same shape, each account from its first month to the end of the data."""
        table = seen_given(self.rates, len(self.moves) > len(self.stages))
        lost = wide == self.classes
        column = np.select([wide == NOT_SEEN, lost], [self.classes, self.classes + 1], wide)
        likelihood = []
        for t in range(wide.shape[2] - begin[0]):
            there = np.flatnonzero(begin + t < wide.shape[2])
            likelihood.append(table[:, column[:, there, begin[there] + t]].transpose(1, 0, 2))
        no_panel = np.arange(0)
        return Sequences(likelihood, (begin > 0).astype(int), row=no_panel, step=no_panel)
