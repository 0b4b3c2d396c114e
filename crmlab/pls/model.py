"""A path model of a survey: what is fitted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import ReadOnly
from crmlab.pls import _specification
from crmlab.pls._plan import Plan
from crmlab.pls.algorithm import estimate
from crmlab.pls.results import PLSResult

_LARGE = 1e100  # squares of larger answers overflow


@dataclass(frozen=True, init=False, eq=False, repr=False)
class PLSPathModel:
    """A PLS path model of a survey: which items measure what, and which latent variable acts on which.

    It cannot be changed, and keeps a copy of its items.

    Parameters
    ----------
    survey : DataFrame
        One row per respondent, numeric items in columns.
    blocks : dict of str to list
        The items of every latent variable.
    paths : list of tuple
        Pairs (predictor, outcome) of latent variables, without cycles.
    scheme : {"path", "centroid", "factorial"}, default "path"
        How neighbours are weighted in the algorithm (Lohmöller 1989).
    modes : dict of str to {"A", "B"}, optional
        "A" (reflective) for every latent variable that is not named, "B" (formative).
    standardize : bool, default True
        True: items have mean 0 and standard deviation 1. False: they are centred, so an item that spreads
        more weighs more. Scores have variance 1 in both cases.
    missing : {"mean", "drop", "raise"}, default "mean"
        For a missing answer, "mean" puts the item's mean, before anything is standardised; "drop" leaves out
        respondents with a missing answer to any item of the model; "raise" refuses them.
    consistent : bool, default False
        True for PLSc (Dijkstra & Henseler 2015): correlations of latent variables and loadings of Mode A
        blocks are corrected for measurement error with rho_A; weights and scores stay as they are.
    tolerance : float, default 1e-10
        The algorithm stops when no weight of a standardised item changes by more.
    max_iterations : int, default 500
        When to give up, up to 10,000.

    Attributes
    ----------
    blocks, modes : ReadOnly
        Items and mode of every latent variable.
    paths : tuple of tuple
        The paths.
    missing : str
        What happens to missing answers.

    Raises
    ------
    ValueError, TypeError
        Here for a model that is none, in `fit` for data that cannot carry it; the message says what to do.

    Notes
    -----
    Variances divide by n - 1; software that divides by n prints weights of centred items larger by
    √(n/(n-1)), and nothing else differs. The sign of a score is such that its loadings sum to a positive
    number. Correlations of exactly 0 are estimated like others, but a block of several items that correlate
    with no neighbour has no weights: an error.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> quality = rng.normal(size=200)
    >>> satisfaction = .6 * quality + .8 * rng.normal(size=200)
    >>> survey = pd.DataFrame({f"{name}{i}": latent + rng.normal(size=200)
    ...     for name, latent in [("q", quality), ("s", satisfaction)] for i in (1, 2, 3)})
    >>> model = PLSPathModel(survey, {"Quality": ["q1", "q2", "q3"], "Satisfaction": ["s1", "s2", "s3"]},
    ...                      [("Quality", "Satisfaction")])
    >>> model.fit().path_coefficients.round(3)
                  Quality  Satisfaction
    Quality           0.0         0.397
    Satisfaction      0.0         0.000
    """

    blocks: ReadOnly
    modes: ReadOnly
    paths: tuple[tuple[str, str], ...]
    missing: str
    _survey: pd.DataFrame
    _plan: Plan

    def __init__(
        self,
        survey: pd.DataFrame,
        blocks: Mapping[str, Sequence[str]],
        paths: Sequence[tuple[str, str]],
        *,
        scheme: str = "path",
        modes: Mapping[str, str] | None = None,
        standardize: bool = True,
        missing: str = "mean",
        consistent: bool = False,
        tolerance: float = 1e-10,
        max_iterations: int = 500,
    ) -> None:
        settings = {
            "scheme": _check.choice(scheme, ("path", "centroid", "factorial"), "scheme"),
            "standardize": _check.truth(standardize, "standardize"),
            "consistent": _check.truth(consistent, "consistent"),
            "tolerance": _check.number(tolerance, "tolerance", minimum=1e-14, maximum=0.01),
            "max_iterations": _check.whole(max_iterations, "max_iterations", maximum=10_000),
        }
        missing = _check.choice(missing, ("mean", "drop", "raise"), "missing")
        blocks = _specification.blocks(blocks)
        paths = _specification.paths(paths, blocks)
        modes = _specification.modes(modes, blocks)
        plan = Plan.make(blocks, paths, modes, ReadOnly(settings))
        survey = _check.frame(survey, plan.items, "survey")
        where = [survey.columns.get_loc(item) for item in plan.items]
        survey = survey.take(where, axis=1).copy()  # four times as fast as survey[items]
        parts = {"blocks": ReadOnly(blocks), "modes": ReadOnly(modes), "paths": paths, "missing": missing}
        vars(self).update(parts, _survey=survey, _plan=plan)

    @property
    def survey(self) -> pd.DataFrame:
        """A copy of the items as they were given."""
        return self._survey.copy()

    def fit(self) -> PLSResult:
        """Estimate the model.

        Returns
        -------
        PLSResult
            Estimates, and what is computed from them.

        Raises
        ------
        ValueError, TypeError
            If the answers cannot carry the model.
        """
        values, index = self._answers()
        absent = np.isnan(values)
        mean = np.nanmean(values, axis=0) if absent.any() else values.mean(axis=0)
        values = values - mean
        filled = np.where(absent, 0.0, values)  # the mean is 0 now
        s = (filled.T @ filled / (len(filled) - 1))[None]
        self._refuse_constants(values, np.diagonal(s[0]), mean)
        solution = estimate(s, self._plan)
        if problem := solution.problem[0]:
            which = "the model with consistent=True" if self._plan.settings["consistent"] else "the model"
            raise ValueError(f"{which} cannot be estimated: {problem}{_REMEDY[problem.split()[-1]]}")
        if self._plan.settings["consistent"] and np.linalg.eigvalsh(solution.correlations[0])[0] < 0:
            warnings.warn(
                "PLSc is not admissible here: the corrected correlations of the latent variables are not "
                "positive definite. Some of them measure nearly the same. Read the estimates with care.",
                stacklevel=2,
            )
        for array in (values, mean, s, *vars(solution).values()):
            array.setflags(write=False)
        return PLSResult(self, solution, values, mean, s, index)

    def _answers(self) -> tuple[np.ndarray, pd.Index]:
        """The answers that are used (n, p), nan where missing, and the index of their rows."""
        values = _floats(self._survey)
        index = self._survey.index
        absent = np.isnan(values)
        if absent.any():
            self._refuse_missing(absent)
            if self.missing == "drop":
                complete = ~absent.any(axis=1)
                values = values[complete]
                index = index[complete]
        predictors = self._plan.arrows.sum(axis=0).max()
        formative = (self._plan.size * self._plan.formative).max()
        needed = 2 + int(max(predictors, formative))
        if len(values) < needed:
            raise ValueError(
                f"{len(values)} respondents ({len(absent) - len(values)} dropped) are too few: the largest "
                f"regression of this model needs at least {needed}, and results worth trusting many more."
            )
        return values, index

    def _refuse_missing(self, absent: np.ndarray) -> None:
        counts = absent.sum(axis=0)
        worst = self._plan.items[int(counts.argmax())]
        if counts.max() == len(absent):
            raise ValueError(f"item {worst!r} has no answer at all. Leave it out.")
        if self.missing == "raise":
            raise ValueError(
                f"{int(absent.any(axis=1).sum())} respondents have missing answers, most of them to item "
                f"{worst!r}. Choose missing='mean' or missing='drop'."
            )

    def _refuse_constants(self, values: np.ndarray, variance: np.ndarray, mean: np.ndarray) -> None:
        constant = variance <= np.maximum(1e-24 * mean**2, 1e-200)
        if not constant.any():
            return
        i = int(constant.argmax())
        item = self._plan.items[i]
        if np.nanmin(values[:, i]) == np.nanmax(values[:, i]):
            raise ValueError(f"item {item!r} is constant: every answer is {mean[i]:g}. Leave it out.")
        raise ValueError(f"item {item!r} varies too little around {mean[i]:g} to compute with. Rescale it.")


def _floats(survey: pd.DataFrame) -> np.ndarray:
    """Answers as floats (n, p), nan where missing."""
    if all(kind.kind in "iufb" for kind in survey.dtypes):
        values = survey.to_numpy(dtype=float, copy=True)
        if not (np.abs(values) > _LARGE).any():
            return values
    # column by column, so that the message can name the item
    limits = {"minimum": -_LARGE, "maximum": _LARGE, "allow_missing": True}
    columns = [_check.numeric(survey[i], f"item {i!r}", **limits) for i in survey]
    return np.column_stack(columns)


_REMEDY = {  # by the last word of the problem
    "convergence": ". Look for items that correlate with nothing, or raise max_iterations.",
    "correction": ": PLSc finds that they measure the same. Merge them, or use consistent=False.",
    "collinear": ", perfectly: their regression has no unique answer. Leave one out or merge them.",
    "undetermined": ": its items correlate with no neighbour. Reverse negative items, or leave it out.",
    "1]": ": PLSc is not defined. Look at the items of this block, or use consistent=False.",
}
