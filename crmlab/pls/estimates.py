"""What a fitted path model holds: its estimates, as labelled frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab._results import Result
from crmlab.pls.algorithm import Solution, total_effects

if TYPE_CHECKING:
    from crmlab.pls._plan import Plan
    from crmlab.pls.model import PLSPathModel


@dataclass(frozen=True, eq=False, repr=False)
class Estimates(Result):
    """The estimates of a fitted path model. Every frame is a fresh copy.

    Square frames have the latent variables in rows (predictors) and columns (outcomes), ordered as `blocks`.
    """

    model: PLSPathModel
    _solution: Solution
    _values: np.ndarray  # (n, p) centred items, nan where missing
    _mean: np.ndarray  # (p,)
    _s: np.ndarray  # (1, p, p) covariances
    _respondents: pd.Index

    @property
    def path_coefficients(self) -> pd.DataFrame:
        """Square: standardised regression coefficients, 0 where there is no path."""
        return self._square(self._solution.paths[0])

    direct_effects = path_coefficients

    @property
    def total_effects(self) -> pd.DataFrame:
        """Square: direct plus indirect effects."""
        return self._square(total_effects(self._solution.paths[0]))

    @property
    def indirect_effects(self) -> pd.DataFrame:
        """Square: effects that run through other latent variables."""
        return self._square(total_effects(self._solution.paths[0]) - self._solution.paths[0])

    @property
    def r_squared(self) -> pd.Series:
        """By latent variable: explained share of variance, 0 without predictors."""
        return self._by_latent(self._solution.r_squared[0], "r_squared")

    @property
    def latent_correlations(self) -> pd.DataFrame:
        """Square: correlations of the scores; with PLSc corrected for measurement error."""
        return self._square(self._solution.correlations[0])

    @property
    def outer_weights(self) -> pd.Series:
        """By item: weights of standardised (or only centred) items in scores of variance 1."""
        return self._by_item(self._solution.weights[0], "outer_weight")

    @property
    def outer_loadings(self) -> pd.Series:
        """By item: correlation with its score; with PLSc the consistent loading."""
        return self._by_item(self._solution.loadings[0], "outer_loading")

    @property
    def cross_loadings(self) -> pd.DataFrame:
        """Items x latent variables: correlations with scores; with PLSc corrected for measurement error."""
        return pd.DataFrame(self._solution.cross[0], self._plan.items, self._plan.latents, copy=True)

    @property
    def scores(self) -> pd.DataFrame:
        """Respondents x latent variables: mean 0, standard deviation 1 (n - 1)."""
        scores = np.nan_to_num(self._values) @ (self._raw_weights[:, None] * self._plan.member)
        return pd.DataFrame(scores, self._respondents, self._plan.latents)

    @property
    def _plan(self) -> Plan:
        return self.model._plan

    @property
    def _sd(self) -> np.ndarray:
        """Standard deviations of the items (p,)."""
        return np.sqrt(np.diagonal(self._s[0]))

    @property
    def _item_correlations(self) -> np.ndarray:
        """Correlations of the items (p, p)."""
        return self._s[0] / np.outer(self._sd, self._sd)

    @property
    def _raw_weights(self) -> np.ndarray:
        """Weights of centred answers (p,), whatever the scaling."""
        return self._solution.weights[0] / (self._sd if self._plan.settings["standardize"] else 1.0)

    def _square(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, self._plan.latents, self._plan.latents, copy=True)

    def _by_item(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, self._plan.items, name=name, copy=True)

    def _by_latent(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, self._plan.latents, name=name, copy=True)
