"""The result of a fit: estimates, their assessment, the index, and their summary."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmlab._results import ReadOnly
from crmlab.pls import bootstrap
from crmlab.pls.assessment import Assessment
from crmlab.pls.index import Index


@dataclass(frozen=True, eq=False, repr=False)
class PLSResult(Assessment, Index):
    """A fitted PLS path model, made by `PLSPathModel.fit`. It cannot be changed: every frame is a fresh copy.

    Square frames have the latent variables in rows (predictors) and columns (outcomes), ordered as `blocks`.
    """

    def summary(self) -> pd.DataFrame:
        """Show the paths.

        Returns
        -------
        DataFrame
            One row per path: `path_coefficient`, `total_effect`, `vif` (of the predictor) and `r_squared`
            (of the outcome).
        """
        paths = self.model.paths
        tables = {
            "path_coefficient": self.path_coefficients,
            "total_effect": self.total_effects,
            "vif": self.vif(),
        }
        columns = {name: [table.loc[path] for path in paths] for name, table in tables.items()}
        columns["r_squared"] = [self.r_squared[outcome] for _, outcome in paths]
        return pd.DataFrame(columns, pd.MultiIndex.from_tuples(paths, names=["predictor", "outcome"]))

    @property
    def settings(self) -> ReadOnly:
        """Everything that changes the numbers, and how the algorithm ended."""
        chosen = self._plan.settings
        return ReadOnly(
            {
                "scheme": chosen["scheme"],
                "scaling": "standardized" if chosen["standardize"] else "raw",
                "modes": dict(self.model.modes),
                "missing": self.model.missing,
                "consistent": chosen["consistent"],
                "respondents": len(self._values),
                "iterations": int(self._solution.iterations[0]),
                "converged": True,
                "tolerance": chosen["tolerance"],
            }
        )

    def bootstrap(self, n_resamples: int = 1000, seed: int = 1) -> bootstrap.PLSBootstrap:
        """Draw respondents with replacement and estimate the model anew each time.

        Parameters
        ----------
        n_resamples : int, default 1000
            How often, from 2 to 100,000.
        seed : int, default 1
            Of the draws: the same seed, the same draws.

        Returns
        -------
        PLSBootstrap
            The estimates of every resample, and their summary.

        Raises
        ------
        ValueError
            If fewer than two resamples can be estimated.

        Warns
        -----
        UserWarning
            Once, if resamples without a solution are left out: how many, and why.

        Notes
        -----
        A resample goes through what `fit` does, missing="mean" included; with missing="drop" complete
        respondents are drawn. Signs of scores follow the original loadings. Efron & Tibshirani (1993).
        """
        return bootstrap.resample(self, n_resamples, seed)

    def _caption(self) -> str:
        used = self.settings
        formative = ", ".join(latent for latent, mode in used["modes"].items() if mode == "B")
        consistent = ", consistent (PLSc)" if used["consistent"] else ""
        modes = f"Mode A except Mode B for {formative}" if formative else "Mode A"
        return (
            f"PLS path model{consistent}: {used['scheme']} scheme, {used['scaling']} items, {modes}, missing "
            f"answers: {used['missing']}; {used['respondents']} respondents, converged after "
            f"{used['iterations']} iterations."
        )
