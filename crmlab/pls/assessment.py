"""Is it measured well, and does every path count? Reliability, validity, collinearity, effect size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.pls._plan import Plan
from crmlab.pls.algorithm import SINGULAR, estimate
from crmlab.pls.estimates import Estimates


class Assessment(Estimates):
    """What a reader asks of a path model before the estimates are believed."""

    def reliability(self) -> pd.DataFrame:
        """Reliability and convergent validity of every block.

        Returns
        -------
        DataFrame
            By latent variable: standardised `cronbach_alpha`, `rho_a`, `rho_c` (composite reliability) and
            `ave` (average variance extracted).

        Notes
        -----
        Items that cancel each other out (one is the other reversed) have no alpha and perhaps no rho_C: nan.
        rho_C and AVE rest on `outer_loadings`. A single item counts as free of error: 1. Items of a Mode B
        block need not agree: alpha, rho_C and AVE are undefined (nan), rho_A is 1 by convention. Cronbach
        (1951); Dijkstra & Henseler (2015); Fornell & Larcker (1981).
        """
        plan = self._plan
        loadings = self._solution.loadings[0]
        total = np.diagonal(plan.member.T @ self._item_correlations @ plan.member)
        common = (loadings @ plan.member) ** 2
        explained = loadings**2 @ plan.member
        columns = {
            "cronbach_alpha": plan.size / np.maximum(plan.size - 1, 1) * (1 - plan.size / _or_nan(total)),
            "rho_a": self._solution.rho_a[0],
            "rho_c": common / _or_nan(common + plan.size - explained),
            "ave": explained / plan.size,
        }
        table = pd.DataFrame(columns, plan.latents)
        table.loc[plan.size == 1] = 1.0
        table.loc[plan.formative, ["cronbach_alpha", "rho_c", "ave"]] = np.nan
        return table

    def htmt(self) -> pd.DataFrame:
        """Heterotrait-monotrait ratios: do two blocks measure different things?

        Returns
        -------
        DataFrame
            Square, diagonal 1: the mean absolute correlation between the items of two blocks, over the
            geometric mean of the mean absolute correlations within them (1 for a single item). nan for a
            block whose items do not correlate at all.

        Notes
        -----
        Henseler, Ringle & Sarstedt (2015).
        """
        member = self._plan.member
        size = self._plan.size
        sums = member.T @ np.abs(self._item_correlations) @ member
        pairs = np.maximum(size * (size - 1), 1)
        within = _or_nan(np.where(size > 1, (np.diagonal(sums) - size) / pairs, 1.0))
        ratio = sums / np.outer(size, size) / np.sqrt(np.outer(within, within))
        np.fill_diagonal(ratio, 1.0)
        return self._square(ratio)

    def fornell_larcker(self) -> pd.DataFrame:
        """Do items share more with their own score than scores share with each other?

        Returns
        -------
        DataFrame
            Square: the root of AVE on the diagonal, `latent_correlations` below, nan above.

        Notes
        -----
        Fornell & Larcker (1981).
        """
        table = np.where(np.tri(len(self._plan.latents)), self._solution.correlations[0], np.nan)
        np.fill_diagonal(table, np.sqrt(self.reliability()["ave"]))
        return self._square(table)

    def vif(self, items: bool = False) -> pd.DataFrame | pd.Series:
        """Variance inflation: how far do predictors say the same?

        Parameters
        ----------
        items : bool, default False
            True for items among the items of their block, instead of predictors among those of their outcome.

        Returns
        -------
        DataFrame or Series
            Square, nan without a path; or by item, inf if the others determine it perfectly.
        """
        return self._vif_of_items() if _check.truth(items, "items") else self._vif_of_predictors()

    def _vif_of_items(self) -> pd.Series:
        same_block = self._plan.member @ self._plan.member.T
        values, vectors = np.linalg.eigh(self._item_correlations * same_block)
        vif = (vectors**2 / np.maximum(values, 1e-16)).sum(axis=1)  # diagonal of the inverse
        return self._by_item(np.where(vif * SINGULAR < 1, vif, np.inf), "vif")

    def _vif_of_predictors(self) -> pd.DataFrame:
        regressions = self._plan.regressions
        inverse = np.linalg.inv(regressions.among_predictors(self._solution.correlations))
        table = regressions.table(np.diagonal(inverse, axis1=2, axis2=3))[0]
        return self._square(np.where(self._plan.arrows, table, np.nan))

    def f_squared(self) -> pd.DataFrame:
        """Effect sizes: how much of what was unexplained does a path explain?

        Returns
        -------
        DataFrame
            Square: (R² - R² without the path) / (1 - R²), 0 where there is no path.

        Raises
        ------
        ValueError
            If R² is 1 or, with PLSc, more, or the model without a path cannot be estimated.

        Notes
        -----
        The whole model is estimated again without the path, weights too. A latent variable that loses its
        last path leaves the model; an outcome that loses its last predictor has R² 0. Cohen (1988).
        """
        effects = pd.DataFrame(0.0, self._plan.latents, self._plan.latents)
        for predictor, outcome in self.model.paths:
            full = self.r_squared[outcome]
            if 1 - full < SINGULAR:
                text = f"f² of {predictor} -> {outcome} is undefined: R² of {outcome!r} is {full:.4g}."
                copied = "Look for items that copy others, and leave them out."
                raise ValueError(f"{text} {'Use consistent=False.' if full > 1 else copied}")
            without = self._r_squared_without(predictor, outcome)
            effects.loc[predictor, outcome] = (full - without) / (1 - full)
        return effects

    def _r_squared_without(self, predictor: str, outcome: str) -> float:
        """R² of `outcome` in the model without one of its paths."""
        paths = [path for path in self.model.paths if path != (predictor, outcome)]
        if all(path[1] != outcome for path in paths):
            return 0.0
        linked = set().union(*paths)
        blocks = {latent: items for latent, items in self.model.blocks.items() if latent in linked}
        plan = Plan.make(blocks, paths, self.model.modes, self._plan.settings)
        keep = np.array([self._plan.latents[j] in linked for j in self._plan.group])
        solution = estimate(self._s[:, keep][:, :, keep], plan)
        if solution.problem[0]:
            raise ValueError(f"f² of {predictor} -> {outcome}: without this path, {solution.problem[0]}.")
        return float(solution.r_squared[0, plan.latents.index(outcome)])


def _or_nan(divisor: np.ndarray) -> np.ndarray:
    """Return nan for what is 0 within rounding: nothing can be divided by it."""
    return np.where(divisor > SINGULAR, divisor, np.nan)
