"""Index points: what customers think on a scale from 0 to 100, and what would change it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.pls import _specification
from crmlab.pls.algorithm import SINGULAR, total_effects
from crmlab.pls.estimates import Estimates


class Index(Estimates):
    """The satisfaction index and its relatives, made from raw answers."""

    def index_weights(self, weighting: str = "raw") -> pd.Series:
        """Weights of `index`, which sum to 1 in every block.

        Parameters
        ----------
        weighting : {"raw", "standardized", "equal"}, default "raw"
            "raw": outer weights over standard deviations of items, the weights of raw answers in the score
            (Fornell et al. 1996). "standardized": weights of standardised items as they are. "equal": one
            over the number of items.

        Returns
        -------
        Series
            By item.

        Raises
        ------
        ValueError
            If the weights of a block do not sum to a positive number.

        Warns
        -----
        UserWarning
            If some weights are negative: the index can leave 0 to 100.
        """
        return self._index_weights(weighting, stacklevel=3)

    def index(self, minimum: float, maximum: float, weighting: str = "raw") -> pd.Series:
        """Index of every latent variable: (Σ weight·mean - minimum) / (maximum - minimum) · 100.

        Parameters
        ----------
        minimum, maximum : float
            The ends of the answer scale, which all items share: 1 and 10, or 1 and 7. Answers do not show
            them: perhaps nobody ticked an end.
        weighting : {"raw", "standardized", "equal"}, default "raw"
            See `index_weights`.

        Returns
        -------
        Series
            By latent variable, 0 to 100.

        Raises
        ------
        ValueError
            If the mean of an item is off the scale.

        Warns
        -----
        UserWarning
            If single answers are off the scale; they count.
        """
        return self._index(minimum, maximum, weighting, stacklevel=3)

    def importance_performance(self, target: str, minimum: float, maximum: float) -> pd.DataFrame:
        """Everything that acts on `target`: how much it matters, and how well it does.

        Parameters
        ----------
        target : str
            A latent variable that has predictors.
        minimum, maximum : float
            The ends of the answer scale, as in `index`.

        Returns
        -------
        DataFrame
            By latent variable: `total_effect` (standardised), `importance` (total effect in index points of
            the target per index point, as in `what_if`) and `index` (with "raw" weights).

        Raises
        ------
        ValueError
            If nothing acts on `target`, or the mean of an item is off the scale.

        Notes
        -----
        Ringle & Sarstedt (2016).
        """
        target = _specification.latent(target, self._plan.latents, "target")
        acts = total_effects(self._plan.arrows)[:, self._plan.latents.index(target)] > 0
        if not acts.any():
            raise ValueError(f"nothing acts on {target!r}: choose a target that has predictors.")
        columns = {
            "total_effect": self.total_effects[target],
            "importance": self._square(self._index_effects())[target],
            "index": self._index(minimum, maximum, "raw", stacklevel=3),
        }
        return pd.DataFrame(columns)[acts]

    def what_if(self, changes: Mapping[str, float]) -> pd.Series:
        """Change of every index, in points, when the named indices are raised by so many points.

        Parameters
        ----------
        changes : dict of str to float
            Points by latent variable. A named index changes by its own amount and by what other changes
            bring it.

        Returns
        -------
        Series
            Points by latent variable, with "raw" weights.

        Raises
        ------
        ValueError, TypeError
            If a name is not known or an amount is no number.

        Notes
        -----
        The model is linear, has no ceiling at 100, and takes its paths for causes. With PLSc the points are
        those by which the answers follow latent variables without error.
        """
        if not isinstance(changes, Mapping) or not changes:
            raise ValueError('changes must be a dictionary such as {"Quality": 5}.')
        push = pd.Series(0.0, self._plan.latents)
        for latent, points in changes.items():
            latent = _specification.latent(latent, self._plan.latents, "changes")
            push[latent] = _check.number(points, f"changes[{latent!r}]")
        return (push + push @ self._square(self._index_effects())).rename("change")

    def _index_weights(self, weighting: str, stacklevel: int) -> pd.Series:
        _check.choice(weighting, ("raw", "standardized", "equal"), "weighting")
        weights = self._by_item(self._raw_weights, "index_weight")
        if weighting == "standardized":
            weights *= self._sd
        elif weighting == "equal":
            weights[:] = 1.0
        total = weights.to_numpy() @ self._plan.member
        useless = total <= SINGULAR * (weights.abs().to_numpy() @ self._plan.member)  # 0 within rounding
        if useless.any():
            block = self._plan.latents[int(useless.argmax())]
            raise ValueError(
                f"the weights of {block!r} do not sum to a positive number. Reverse its negative items."
            )
        if (weights < 0).any():
            named = ", ".join(map(str, weights.index[weights < 0]))
            text = f"negative weights ({named}): the index can leave 0 to 100."
            warnings.warn(text, stacklevel=stacklevel)
        return weights / total[self._plan.group]

    def _index(self, minimum: float, maximum: float, weighting: str, stacklevel: int) -> pd.Series:
        minimum = _check.number(minimum, "minimum")
        maximum = _check.number(maximum, "maximum")
        if minimum >= maximum:
            raise ValueError(f"minimum must be below maximum, found {minimum:g} and {maximum:g}.")
        self._refuse_scale(minimum, maximum, stacklevel + 1)
        weights = self._index_weights(weighting, stacklevel + 1).to_numpy()
        means = (weights * self._mean) @ self._plan.member
        return self._by_latent((means - minimum) / (maximum - minimum) * 100, "index")

    def _refuse_scale(self, minimum: float, maximum: float, stacklevel: int) -> None:
        """Refuse means off the scale, warn of single answers off the scale; name the worst item."""
        low = np.nanmin(self._values, axis=0) + self._mean
        high = np.nanmax(self._values, axis=0) + self._mean
        beyond = np.maximum(minimum - low, high - maximum)
        mean_beyond = np.maximum(minimum - self._mean, self._mean - maximum)
        if beyond.max() <= 1e-9:
            return
        refused = mean_beyond.max() > 0
        i = int((mean_beyond if refused else beyond).argmax())
        text = (
            f"item {self._plan.items[i]!r} has answers from {low[i]:g} to {high[i]:g}, off the scale from "
            f"{minimum:g} to {maximum:g}. Give the ends of the scale that was asked, such as index(1, 7)."
        )
        if refused:
            raise ValueError(text)
        warnings.warn(text, stacklevel=stacklevel)

    def _index_effects(self) -> np.ndarray:
        """Total effects (j, j) in index points per index point: times the ratio of the indices' spreads.

        Paths of PLSc link latent variables without error, so only that part of an index's spread counts.
        """
        self._index_weights("raw", stacklevel=4)  # raises where there is no index
        spread = 1 / (self._raw_weights @ self._plan.member)  # of each index, in a unit they share
        if self._plan.settings["consistent"]:
            spread = spread * np.sqrt(self._solution.rho_a[0])
        return total_effects(self._solution.paths[0]) * spread / spread[:, None]
