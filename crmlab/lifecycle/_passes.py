"""Passes forward and backward through a panel (the EM algorithm), in NumPy: they take most of the time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.lifecycle._panel import NEVER, Panel


@dataclass(frozen=True, eq=False)
class Sequences:
    """A panel as sequences of months, the longest first, for k states, the last "lost" if that can be."""

    # by month t of the sequences: probability of what was seen, given the state; (k, n_t), or (m, k, n_t) for
    # m records of the same shape
    likelihood: list
    first: np.ndarray  # (n,) 0 where the sequence begins with the data, 1 where it begins later
    row: np.ndarray  # by row of the panel: its sequence
    step: np.ndarray  # by row of the panel: its month of the sequence

    @classmethod
    def make(cls, panel: Panel, rates: np.ndarray, with_lost: bool) -> Sequences:
        """Arrange a panel; `rates` has true stages in rows, the classes of the panel in columns."""
        n = len(panel.lost)
        classes = rates.shape[1]
        begin = np.full(n, NEVER)
        np.minimum.at(begin, panel.entity, panel.month)
        last = np.zeros(n, np.int64)
        np.maximum.at(last, panel.entity, panel.month)
        last = np.where(panel.lost < NEVER, panel.lost, last)
        length = np.where(begin < NEVER, last - begin + 1, 0)  # 0: nothing but the month of its loss
        order = np.argsort(-length, kind="stable")[: (length > 0).sum()]
        place = np.empty(n, int)
        place[order] = np.arange(len(order))
        row = place[panel.entity]
        step = panel.month - begin[panel.entity]
        table = seen_given(rates, with_lost)
        grid = np.full((len(order), length.max()), classes)
        grid[row, step] = panel.state
        gone = np.flatnonzero(panel.lost[order] < NEVER)
        grid[gone, length[order][gone] - 1] = classes + 1
        likelihood = [table[:, grid[: (length > t).sum(), t]] for t in range(grid.shape[1])]
        return cls(likelihood, (begin[order] > panel.month.min()).astype(int), row, step)

    def expect(self, moves: np.ndarray, initial: np.ndarray, weight: np.ndarray, smooth: list | None = None):
        """Pass forward and backward through m models: moves (m, k, k), initial (m, 2, k), weight (m, n).

        Returns log-likelihoods (m,), expected moves (m, k, k) and first states (m, 2, k). `smooth` receives
        the probabilities of the states (m, k, n_t), the last month first.
        """
        forward = []
        scale = []
        turned = np.ascontiguousarray(moves.transpose(0, 2, 1))
        x = initial.transpose(0, 2, 1)[:, :, self.first]
        for likelihood in self.likelihood:
            x = turned @ forward[-1][:, :, : likelihood.shape[-1]] if forward else x
            x = x * likelihood
            scale.append(x.sum(axis=1, keepdims=True))
            forward.append(np.divide(x, scale[-1], out=x, where=scale[-1] > 0))
        seen = np.concatenate([c[:, 0] for c in scale], axis=1)
        times = np.concatenate([weight[:, : c.shape[2]] for c in scale], axis=1)
        with np.errstate(divide="ignore"):
            # an account that was not drawn may have probability 0: 0 × log 0 is 0
            log_likelihood = (times * np.log(np.where(times > 0, seen, 1))).sum(axis=1)
        back = np.repeat(weight[:, None, :], moves.shape[1], axis=1)
        counts = np.zeros(moves.shape)
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
        path = []
        change = np.inf
        while change >= tolerance and len(path) < most:
            log_likelihood, counts, first = self.expect(moves, initial, weight)
            path.append(log_likelihood)
            new = _rows_to_one(counts, moves)  # lost stays lost: 0 moves
            initial = _rows_to_one(first, initial)
            change = np.abs(new - moves).max()
            moves = new
        return moves, initial, np.array(path), change < tolerance

    def smooth(self, moves: np.ndarray, initial: np.ndarray) -> np.ndarray:
        """Return the probabilities of the states of one model by row of the panel (rows, k)."""
        passed = []
        self.expect(moves[None], initial[None], np.ones((1, len(self.first))), passed)
        table = np.empty((len(self.row), len(moves)))
        for t, found in enumerate(reversed(passed)):
            here = self.step == t
            table[here] = found[0][:, self.row[here]].T
        return table


def seen_given(rates: np.ndarray, with_lost: bool) -> np.ndarray:
    """Return the probability of what is seen (columns: classes, month not seen, loss) by state (rows)."""
    hidden, classes = rates.shape
    table = np.ones((hidden + with_lost, classes + 2))
    table[:hidden, :classes] = rates
    if with_lost:
        table[-1, :-1] = 0
        table[:-1, -1] = 0
    return table


def _rows_to_one(counts: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Divide counts by the sum of their row; a row without counts stays as it was."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, total, out=without.copy(), where=total > 0)
