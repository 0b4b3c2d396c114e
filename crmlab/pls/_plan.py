"""A checked model as arrays, for the algorithm.

Shapes: m samples (one in a fit), p items, j latent variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crmlab._results import ReadOnly


@dataclass(frozen=True, eq=False)
class Regressions:
    """The regressions of a path model: k outcomes, each on up to l predictors, done for m samples at once.

    All have l predictors here. Where an outcome has fewer, others fill up: their rows and columns are those
    of an identity matrix, so that they change nothing, and `table` leaves them out.
    """

    j: int
    outcomes: np.ndarray  # (k,)
    real: np.ndarray  # (k, l) False where a predictor is padding
    _among: np.ndarray  # (k, l, l) where the correlations among predictors stand in a flat (j, j) table
    _pairs: np.ndarray  # (k, l) where the correlation of predictor and outcome stands
    _both: np.ndarray  # (k, l, l) 1.0 where row and column are real
    _identity: np.ndarray  # (k, l, l) 1.0 on the diagonal of padding

    @classmethod
    def make(cls, arrows: np.ndarray) -> Regressions:
        """Prepare the regressions of a (j, j) table that is 1 where the row acts on the column."""
        j = len(arrows)
        counts = arrows.sum(axis=0).astype(int)
        outcomes = np.flatnonzero(counts)
        predictors = np.argsort(-arrows[:, outcomes].T, axis=1, kind="stable")[:, : counts.max()]
        real = np.arange(counts.max()) < counts[outcomes, None]
        among = predictors[:, :, None] * j + predictors[:, None, :]
        both = real[:, :, None] & real[:, None, :]
        identity = np.eye(counts.max()) * ~real[:, :, None]
        pairs = predictors * j + outcomes[:, None]
        return cls(j, outcomes, real, among, pairs, both.astype(float), identity)

    def _flat(self, r: np.ndarray) -> np.ndarray:
        return r.reshape(len(r), self.j * self.j)

    def among_predictors(self, r: np.ndarray) -> np.ndarray:
        """Correlations among the predictors of each outcome (m, k, l, l), from those of scores (m, j, j)."""
        return self._flat(r).take(self._among, axis=1) * self._both + self._identity

    def coefficients(self, r: np.ndarray) -> np.ndarray:
        """Path coefficients (m, j, j), rows act on columns, from correlations of the scores (m, j, j)."""
        left = self.among_predictors(r)
        right = self._flat(r).take(self._pairs, axis=1)[..., None]
        try:
            solved = np.linalg.solve(left, right)
        except np.linalg.LinAlgError:  # some sample is singular: it is reported later, the others go on
            solved = np.linalg.pinv(left) @ right
        return self.table(solved[..., 0])

    def table(self, values: np.ndarray) -> np.ndarray:
        """Put values of predictors and outcomes (m, k, l) into a table (m, j, j) that is 0 without a path."""
        out = np.zeros((len(values), self.j * self.j))
        out[:, self._pairs] = values * self.real
        return out.reshape(len(values), self.j, self.j)


@dataclass(frozen=True, eq=False)
class Plan:
    """A path model of p items in j blocks."""

    latents: list[str]
    items: list
    group: np.ndarray  # (p,) number of the latent variable that the item belongs to
    member: np.ndarray  # (p, j) 1.0 where the item belongs to the latent variable
    size: np.ndarray  # (j,) number of items
    formative: np.ndarray  # (j,) True for Mode B blocks of two items or more
    arrows: np.ndarray  # (j, j) 1.0 where the row acts on the column
    regressions: Regressions
    settings: ReadOnly

    @classmethod
    def make(cls, blocks: Mapping, paths: Sequence, modes: Mapping, settings: ReadOnly) -> Plan:
        """Turn a checked model into arrays."""
        number = {latent: j for j, latent in enumerate(blocks)}
        arrows = np.zeros((len(blocks), len(blocks)))
        for predictor, outcome in paths:
            arrows[number[predictor], number[outcome]] = 1.0
        size = np.array([len(items) for items in blocks.values()])
        group = np.repeat(np.arange(len(blocks)), size)
        return cls(
            latents=list(blocks),
            items=[item for items in blocks.values() for item in items],
            group=group,
            member=np.eye(len(blocks))[group],
            size=size,
            formative=np.array([modes[latent] == "B" for latent in blocks]) & (size > 1),
            arrows=arrows,
            regressions=Regressions.make(arrows),
            settings=settings,
        )

    @cached_property
    def neighbours(self) -> np.ndarray:
        """1.0 where two latent variables are linked, in either direction (j, j)."""
        return self.arrows + self.arrows.T

    @cached_property
    def single(self) -> np.ndarray:
        """True where an item is alone in its block (p,)."""
        return (self.size == 1)[self.group]

    @cached_property
    def _own(self) -> np.ndarray:
        return np.arange(len(self.group)) * len(self.latents) + self.group

    def own(self, table: np.ndarray) -> np.ndarray:
        """From a table of items and latent variables (m, p, j) take each item's own: (m, p)."""
        return table.reshape(len(table), self.member.size).take(self._own, axis=1)
