"""Customer satisfaction indices by partial least squares path modelling (PLS).

A path model says which answers measure which latent variable (`blocks`) and which latent variable acts on
which (`paths`). PLS gives every latent variable a score, a weighted sum of its items, and estimates the
arrows by regressions between the scores (Wold 1982; Lohmöller 1989; Tenenhaus et al. 2005).

The whole algorithm needs the covariance matrix of the items and nothing else. That is why it is fast here,
and why the bootstrap can run on hundreds of covariance matrices at once: in this module a leading axis of
length m means m samples, and a fit is the case m = 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from crmlab import _check

__all__ = ["PLSPathModel", "PLSResult"]

SCHEMES = ("path", "centroid", "factorial")
MISSING = ("mean", "drop", "raise")
WEIGHTINGS = ("raw", "standardized", "equal")
_SINGULAR = 1e-9  # smallest eigenvalue of a correlation matrix that is still inverted
_BATCH = 2_000_000  # numbers held at once by the bootstrap, whatever n_resamples is


@dataclass(frozen=True, eq=False)
class _Plan:
    """Blocks and paths as index arrays, checked. p items, j latent variables, k outcomes, m predictors each."""

    latents: list[str]
    items: list
    group: np.ndarray  # (p,) number of the latent variable each item belongs to
    member: np.ndarray  # (p, j) 1.0 where the item belongs to the latent variable
    arrows: np.ndarray  # (j, j) 1.0 where row acts on column
    outcomes: np.ndarray  # (k, 1)
    predictors: np.ndarray  # (k, m) predictors of each outcome, padded with the outcome itself
    real: np.ndarray  # (k, m) 1.0 where `predictors` is no padding
    formative: np.ndarray  # (j,) True for Mode B blocks of two items or more
    scheme: str
    standardize: bool
    consistent: bool
    tolerance: float
    max_iterations: int

    @classmethod
    def make(cls, blocks: Mapping, paths: Sequence, modes: Mapping, **settings: Any) -> _Plan:
        latents, sizes = list(blocks), [len(b) for b in blocks.values()]
        group = np.repeat(np.arange(len(latents)), sizes)
        arrows = np.zeros((len(latents), len(latents)))
        for predictor, outcome in paths:
            arrows[latents.index(predictor), latents.index(outcome)] = 1.0
        outcomes = np.flatnonzero(arrows.any(axis=0))[:, None]
        predictors = np.repeat(outcomes, int(arrows.sum(axis=0).max()), axis=1)
        for row, outcome in zip(predictors, outcomes[:, 0], strict=True):
            found = np.flatnonzero(arrows[:, outcome])
            row[: len(found)] = found
        return cls(
            latents=latents,
            items=[item for block in blocks.values() for item in block],
            group=group,
            member=np.eye(len(latents))[group],
            arrows=arrows,
            outcomes=outcomes,
            predictors=predictors,
            real=(predictors != outcomes).astype(float),
            formative=np.array([modes[b] == "B" and n > 1 for b, n in zip(latents, sizes, strict=True)]),
            **settings,
        )

    def own(self, per_latent: np.ndarray) -> np.ndarray:
        """From an (m, p, j) array take the column of each item's own latent variable: (m, p)."""
        return per_latent[:, np.arange(len(self.group)), self.group]

    def predictor_matrices(self, r: np.ndarray) -> np.ndarray:
        """Correlations among the predictors of each outcome, (m, k, m, m); padding is an identity."""
        real = self.real[:, :, None] * self.real[:, None, :]
        return r[:, self.predictors[:, :, None], self.predictors[:, None, :]] * real + (
            np.eye(real.shape[1]) * (1 - self.real[:, :, None])
        )

    def regress(self, r: np.ndarray) -> np.ndarray:
        """Path coefficients (m, j, j) from the correlations `r` of the latent variables."""
        lhs = self.predictor_matrices(r)
        rhs = (r[:, self.predictors, self.outcomes] * self.real)[..., None]
        try:
            beta = np.linalg.solve(lhs, rhs)
        except np.linalg.LinAlgError:  # one sample is singular: it is reported later, the others go on
            beta = np.linalg.pinv(lhs) @ rhs
        out = np.zeros_like(r)
        out[:, self.predictors, self.outcomes] = beta[..., 0]
        return out


@dataclass(frozen=True, eq=False)
class _Solution:
    """What PLS finds in m covariance matrices. `problem` is "" or the reason why the sample has no solution."""

    weights: np.ndarray  # (m, p) of raw or standardised items; scores have variance 1
    loadings: np.ndarray  # (m, p)
    cross: np.ndarray  # (m, p, j)
    correlations: np.ndarray  # (m, j, j) of the latent variables
    paths: np.ndarray  # (m, j, j)
    r_squared: np.ndarray  # (m, j)
    rho_a: np.ndarray  # (m, j)
    iterations: np.ndarray  # (m,)
    change: np.ndarray  # (m,) last change of a weight
    problem: np.ndarray  # (m,)

    def take(self, rows: np.ndarray) -> _Solution:
        return _Solution(**{name: values[rows] for name, values in vars(self).items()})


def _outer_weights(s: np.ndarray, plan: _Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wold's algorithm in Lohmöller's form on covariance matrices (m, p, p): weights, iterations, last change."""
    p, member = s.shape[1], plan.member
    first = np.searchsorted(plan.group, plan.group)  # items start aligned with the first of their block,
    w = np.sign(s[:, np.arange(p), first])  # so that no starting score is constant
    invert = None
    if plan.formative.any():
        own_block = (plan.group[:, None] == plan.group) * 1.0
        alone = np.where(plan.formative[plan.group], 0.0, 1.0)
        invert = np.linalg.pinv(s * own_block * (1 - alone) + np.eye(p) * alone, hermitian=True)
    weights, iterations, change = np.full(w.shape, np.nan), np.zeros(len(s), int), np.full(len(s), np.nan)
    sd, before, rows = np.sqrt(np.diagonal(s, axis1=1, axis2=2)), np.zeros(w.shape), np.arange(len(s))
    for iteration in range(plan.max_iterations + 1):
        with_scores = s @ (w[:, :, None] * member)  # covariances of items and scores
        scale = 1 / np.sqrt((w * plan.own(with_scores)) @ member)
        w = w * scale[:, plan.group]
        with_scores *= scale[:, None, :]
        moved = np.abs(np.abs(w * sd) - before).max(axis=1)
        weights[rows], iterations[rows], change[rows] = w, iteration, moved
        going = moved >= plan.tolerance  # False also for a sample that broke down (nan)
        if not going.all():
            rows, s, sd, w, with_scores = rows[going], s[going], sd[going], w[going], with_scores[going]
            invert = None if invert is None else invert[going]
            if not len(rows):
                break
        before = np.abs(w * sd)
        r = member.T @ (w[:, :, None] * with_scores)
        if plan.scheme == "centroid":
            inner = np.sign(r) * (plan.arrows + plan.arrows.T)
        elif plan.scheme == "factorial":
            inner = r * (plan.arrows + plan.arrows.T)
        else:  # predecessors enter by their regression coefficient, successors by their correlation
            inner = r * plan.arrows.T + plan.regress(r)
        w = (with_scores * inner.transpose(0, 2, 1)[:, plan.group]).sum(axis=2)  # Mode A: covariances
        if invert is not None:
            w = (invert @ w[:, :, None])[:, :, 0]  # Mode B: regression coefficients
    return weights, iterations, change


def _solve(s: np.ndarray, plan: _Plan, reference: np.ndarray | float = 1.0) -> _Solution:
    """PLS on covariance matrices (m, p, p); scores point the way in which loadings agree with `reference`."""
    sd = np.sqrt(np.diagonal(s, axis1=1, axis2=2))
    correlations = s / (sd[:, :, None] * sd[:, None, :])
    s = correlations if plan.standardize else s
    w, iterations, change = _outer_weights(s, plan)
    w_standard = w if plan.standardize else w * sd
    cross = correlations @ (w_standard[:, :, None] * plan.member)
    sign = np.where((plan.own(cross) * reference) @ plan.member < 0, -1.0, 1.0)
    w, w_standard = w * sign[:, plan.group], w_standard * sign[:, plan.group]
    cross = cross * sign[:, None, :]
    r = plan.member.T @ (w_standard[:, :, None] * cross)
    loadings = plan.own(cross)
    rho_a = _rho_a(w_standard, plan)
    problem = np.full(len(s), "", dtype=object)
    problem[~(change < plan.tolerance)] = "no convergence"
    for block in np.flatnonzero(plan.formative):
        inside = plan.group == block
        smallest = np.linalg.eigvalsh(correlations[:, inside][:, :, inside])[:, 0]
        problem[smallest < _SINGULAR] = f"collinear items in {plan.latents[block]!r}"
    if plan.consistent:
        for block in range(len(plan.latents)):
            bad = ~((rho_a[:, block] > 0) & (rho_a[:, block] <= 1)) & (problem == "")
            problem[bad] = f"rho_A of {plan.latents[block]!r} outside (0, 1]"
        with np.errstate(invalid="ignore"):
            root = np.sqrt(rho_a)
        r = r / (root[:, :, None] * root[:, None, :])
        np.einsum("mjj->mj", r)[:] = 1.0
        cross = cross / root[:, None, :]
        length = (w_standard**2) @ plan.member
        factor = w_standard * (root / length)[:, plan.group]
        loadings = np.where(plan.formative[plan.group], loadings, factor)
        cross[:, np.arange(len(plan.group)), plan.group] = loadings
        broken = ~np.isfinite(r).all(axis=(1, 2))
        smallest = np.linalg.eigvalsh(np.where(broken[:, None, None], np.eye(r.shape[1]), r))[:, 0]
        problem[(smallest <= _SINGULAR) & (problem == "")] = "correlation matrix not positive definite"
    usable = np.where((problem == "")[:, None, None], r, np.eye(r.shape[1]))
    smallest = np.linalg.eigvalsh(plan.predictor_matrices(usable))[..., 0]
    for k, outcome in enumerate(plan.outcomes[:, 0]):
        problem[smallest[:, k] < _SINGULAR] = f"collinear predictors of {plan.latents[outcome]!r}"
    paths = plan.regress(usable)
    return _Solution(
        w, loadings, cross, r, paths, (paths * r).sum(axis=1), rho_a, iterations, change, problem
    )


def _rho_a(w: np.ndarray, plan: _Plan) -> np.ndarray:
    """Dijkstra & Henseler's rho_A (m, j) from weights of standardised items; 1 for Mode B and single items."""
    length, fourth = (w**2) @ plan.member, (w**4) @ plan.member
    many = (plan.member.sum(axis=0) > 1) & ~plan.formative
    return np.where(many, length**2 * (1 - length) / np.where(many, length**2 - fourth, 1.0), 1.0)


def _covariances(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Covariance matrices (m, p, p) of m samples; counts[i, r] says how often sample i holds row r of `values`.

    Missing values become the mean of the item in that sample. `values` should be centred, against rounding.
    """
    seen = ~np.isnan(values)
    p = values.shape[1]
    seen = (
        np.ones((len(values), 1)) if seen.all() else seen * 1.0
    )  # complete data: one column serves all items
    table = np.hstack([np.nan_to_num(values), seen])
    upper = np.triu_indices(table.shape[1])
    flat, step = 0.0, max(1, _BATCH // len(upper[0]))
    for start in range(0, len(table), step):
        part = table[start : start + step]
        flat = flat + counts[:, start : start + step] @ (part[:, upper[0]] * part[:, upper[1]])
    gram = np.empty((len(counts), table.shape[1], table.shape[1]))
    gram[:, upper[0], upper[1]] = gram[:, upper[1], upper[0]] = flat
    shape = (len(counts), p, p)
    n_both, sums = np.broadcast_to(gram[:, p:, p:], shape), np.broadcast_to(gram[:, :p, p:], shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.diagonal(sums, axis1=1, axis2=2) / np.diagonal(n_both, axis1=1, axis2=2)
    column, row = mean[:, :, None], mean[:, None, :]
    s = gram[:, :p, :p] - row * sums - column * sums.transpose(0, 2, 1) + column * row * n_both
    return s / (counts.sum(axis=1)[:, None, None] - 1)


class PLSPathModel:
    """A PLS path model of a survey: which items measure what, and which latent variable acts on which.

    Parameters
    ----------
    survey : DataFrame, one row per respondent, numeric items in columns
    blocks : dict, latent variable -> list of its items
    paths : list of (predictor, outcome) pairs of latent variables, without cycles
    scheme : {"path", "centroid", "factorial"}
        How neighbours are weighted inside the algorithm (Lohmöller 1989).
    modes : dict, latent variable -> "A" (reflective, the default) or "B" (formative)
    standardize : bool
        True: items enter with mean 0 and standard deviation 1. False: they are only centred, so items
        with more spread weigh more. Scores have unit variance (n - 1) in both cases.
    missing : {"mean", "drop", "raise"}
        "mean" replaces a missing answer by the item's mean before anything is standardised, "drop" leaves out
        respondents with any missing answer to the model's items, "raise" refuses them.
    consistent : bool
        True: PLSc. Correlations of latent variables and loadings of Mode A blocks are corrected for
        measurement error with rho_A (Dijkstra & Henseler 2015); weights and scores stay as they are.
    tolerance : float
        The algorithm stops when no weight (of a standardised item) changes by more than this.
    max_iterations : int

    Raises
    ------
    ValueError, TypeError
        At once for a model that is none (cycle, unknown or doubled item, latent variable without a path),
        in `fit` for data that cannot carry it.

    References
    ----------
    Wold (1982); Lohmöller (1989); Tenenhaus, Esposito Vinzi, Chatelin & Lauro (2005).

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
        _check.choice(scheme, SCHEMES, "scheme")
        self.missing = _check.choice(missing, MISSING, "missing")
        tolerance = _check.number(tolerance, "tolerance", minimum=1e-14, maximum=0.01)
        max_iterations = _check.whole(max_iterations, "max_iterations")
        for name, value in (("standardize", standardize), ("consistent", consistent)):
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"{name} must be True or False, found {value!r}.")
        self.blocks = _blocks(blocks)
        self.paths = _paths(paths, self.blocks)
        self.modes = dict.fromkeys(self.blocks, "A")
        for latent, mode in (modes or {}).items():
            _latent(latent, self.blocks, "modes")
            self.modes[latent] = _check.choice(mode, ("A", "B"), f"modes[{latent!r}]")
        items = [item for block in self.blocks.values() for item in block]
        self.survey = _check.frame(survey, items, "survey")[items]
        self._settings = {
            "scheme": scheme,
            "standardize": bool(standardize),
            "consistent": bool(consistent),
            "tolerance": tolerance,
            "max_iterations": max_iterations,
        }

    def fit(self) -> PLSResult:
        """Estimate the model."""
        plan = _Plan.make(self.blocks, self.paths, self.modes, **self._settings)
        values, kept = self._values(plan)
        mean = np.nanmean(values, axis=0)
        values -= mean
        s = _covariances(values, np.ones((1, len(values))))
        constant = np.diagonal(s[0]) <= 1e-20 * (1 + mean**2)
        if constant.any():
            i = int(np.argmax(constant))
            raise ValueError(
                f"item {plan.items[i]!r} is constant (every answer is {mean[i]:g}): it cannot correlate "
                "with anything. Leave it out of its block."
            )
        solution = _solve(s, plan)
        if problem := solution.problem[0]:
            raise ValueError(_explain(problem, solution, plan))
        for array in (values, mean, s, *vars(solution).values()):
            array.setflags(write=False)
        return PLSResult(self, plan, solution, values, mean, s, kept)

    def _values(self, plan: _Plan) -> tuple[np.ndarray, pd.Index]:
        """The items as floats and the index of the rows that stay; every data error is raised here."""
        if any(t.kind not in "iuf" if isinstance(t, np.dtype) else True for t in set(self.survey.dtypes)):
            columns = [_check.numeric(self.survey[c], f"item {c!r}", allow_missing=True) for c in plan.items]
            values = np.column_stack(columns)
        else:
            values = self.survey.to_numpy(dtype=float, copy=True)
        if np.isinf(values).any():
            i = int(np.isinf(values).any(axis=0).argmax())
            raise ValueError(f"item {plan.items[i]!r} has infinite values. Remove or correct them.")
        absent = np.isnan(values)
        index = self.survey.index
        if absent.any():
            worst = int(absent.sum(axis=0).argmax())
            if absent[:, worst].all():
                raise ValueError(
                    f"item {plan.items[worst]!r} has no answer at all. Leave it out of its block."
                )
            if self.missing == "raise":
                raise ValueError(
                    f"{int(absent.any(axis=1).sum())} respondents have missing answers, most in item "
                    f"{plan.items[worst]!r} ({int(absent[:, worst].sum())}). Choose missing='mean' or 'drop'."
                )
            if self.missing == "drop":
                keep = ~absent.any(axis=1)
                values, index = values[keep], index[keep]
        in_mode_b = int((plan.member.sum(axis=0) * plan.formative).max())
        needed = max(int(plan.real.sum(axis=1).max()), in_mode_b) + 2
        if len(values) < needed:
            dropped = len(self.survey) - len(values)
            raise ValueError(
                f"{len(values)} respondents are too few"
                + (f" ({dropped} were dropped for missing answers)" if dropped else "")
                + f": this model's largest regression needs at least {needed}, and trustworthy results far more."
            )
        return values, index


def _latent(name: object, blocks: Mapping, where: str) -> str:
    if name not in blocks:
        raise ValueError(
            f"{where} names {name!r}, which is no latent variable. {_check.closest(name, blocks)}"
            f"Known: {', '.join(blocks)}."
        )
    return name


def _blocks(blocks: object) -> dict[str, list]:
    if not isinstance(blocks, Mapping) or len(blocks) < 2:
        raise ValueError("blocks must be a dictionary of at least two latent variables, each with its items.")
    out: dict[str, list] = {}
    home: dict = {}
    for latent, items in blocks.items():
        if not isinstance(latent, str):
            raise TypeError(f"names of latent variables must be text, found {latent!r}.")
        if isinstance(items, str) or not isinstance(items, Sequence | pd.Index | np.ndarray):
            raise TypeError(f"blocks[{latent!r}] must be a list of items, found {items!r}.")
        if not len(items):
            raise ValueError(
                f"blocks[{latent!r}] has no items: give it one or leave the latent variable out."
            )
        for item in items:
            if item in home:
                raise ValueError(
                    f"item {item!r} is in two blocks, {home[item]!r} and {latent!r}: an item measures one thing."
                    if home[item] != latent
                    else f"item {item!r} is twice in block {latent!r}."
                )
            home[item] = latent
        out[latent] = list(items)
    return out


def _paths(paths: object, blocks: Mapping) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for path in paths:
        if isinstance(path, str) or len(path) != 2:
            raise ValueError(f"paths must hold (predictor, outcome) pairs, found {path!r}.")
        pair = (_latent(path[0], blocks, "paths"), _latent(path[1], blocks, "paths"))
        if pair in out:
            raise ValueError(f"the path {pair[0]} -> {pair[1]} is given twice.")
        out.append(pair)
    sorter = TopologicalSorter()
    for predictor, outcome in out:
        sorter.add(outcome, predictor)
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(
            f"the paths form a cycle: {' -> '.join(error.args[1])}. PLS needs paths that never lead back."
        ) from None
    idle = [latent for latent in blocks if not any(latent in pair for pair in out)]
    if idle:
        raise ValueError(f"latent variable {idle[0]!r} has no path: connect it or leave it out of blocks.")
    return out


def _explain(problem: str, solution: _Solution, plan: _Plan) -> str:
    if problem == "no convergence":
        return (
            f"PLS did not converge in {plan.max_iterations} iterations (weights still change by "
            f"{solution.change[0]:.1g}). Look for items that correlate with nothing, try another scheme, "
            "or raise max_iterations."
        )
    if problem.startswith("collinear"):
        return f"{problem} are perfectly collinear: their regression has no unique answer. Drop or merge one."
    if problem.startswith("rho_A"):
        value = solution.rho_a[0, plan.latents.index(problem.split("'")[1])]
        return (
            f"{problem}: it is {value:.3f}, so PLSc has no solution. Look at the block's items, or use PLS."
        )
    return f"{problem} after the correction for measurement error: PLSc has no solution here. Use PLS."


def _total(paths: np.ndarray) -> np.ndarray:
    """Direct and indirect effects (m, j, j): B + B² + B³ + …, finite because there are no cycles."""
    total, power = paths, paths
    for _ in range(paths.shape[1] - 1):
        power = power @ paths
        total = total + power
    return total


@dataclass(frozen=True, eq=False, repr=False)
class PLSResult:
    """A fitted PLS path model, made by `PLSPathModel.fit`. Every frame is a copy: nothing here can be changed.

    Square frames have the latent variables as rows (predictors) and columns (outcomes), in the order of `blocks`.
    """

    model: PLSPathModel
    _plan: _Plan
    _solution: _Solution
    _values: np.ndarray  # centred items, missing as nan
    _mean: np.ndarray
    _s: np.ndarray  # covariances, (1, p, p)
    _index: pd.Index

    def _square(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self._plan.latents, columns=self._plan.latents, copy=True)

    def _by_item(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, index=self._plan.items, name=name, copy=True)

    def _by_latent(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, index=self._plan.latents, name=name, copy=True)

    @property
    def path_coefficients(self) -> pd.DataFrame:
        """Square: standardised regression coefficients, 0 where there is no path."""
        return self._square(self._solution.paths[0])

    direct_effects = path_coefficients

    @property
    def total_effects(self) -> pd.DataFrame:
        """Square: direct plus indirect effects."""
        return self._square(_total(self._solution.paths)[0])

    @property
    def indirect_effects(self) -> pd.DataFrame:
        """Square: effects that run through other latent variables."""
        return self._square((_total(self._solution.paths) - self._solution.paths)[0])

    @property
    def outer_weights(self) -> pd.Series:
        """By item: weights of the standardised (or, with standardize=False, centred) items in unit-variance scores."""
        return self._by_item(self._solution.weights[0], "outer_weight")

    @property
    def outer_loadings(self) -> pd.Series:
        """By item: correlation with its own score; with PLSc, the consistent loading."""
        return self._by_item(self._solution.loadings[0], "outer_loading")

    @property
    def cross_loadings(self) -> pd.DataFrame:
        """Items x latent variables: correlations, with PLSc corrected for the error in the scores."""
        return pd.DataFrame(
            self._solution.cross[0], index=self._plan.items, columns=self._plan.latents, copy=True
        )

    @property
    def latent_correlations(self) -> pd.DataFrame:
        """Square: correlations of the latent variables, with PLSc corrected for measurement error."""
        return self._square(self._solution.correlations[0])

    @property
    def r_squared(self) -> pd.Series:
        """By latent variable: explained share of the variance, 0 for one without predictors."""
        return self._by_latent(self._solution.r_squared[0], "r_squared")

    @property
    def scores(self) -> pd.DataFrame:
        """Respondents x latent variables: mean 0, standard deviation 1 (n - 1)."""
        values = np.nan_to_num(self._values)
        if self._plan.standardize:
            values = values / np.sqrt(np.diagonal(self._s[0]))
        scores = values @ (self._solution.weights[0][:, None] * self._plan.member)
        return pd.DataFrame(scores, index=self._index, columns=self._plan.latents)

    @property
    def settings(self) -> MappingProxyType:
        """Everything that changes the numbers, and how the algorithm ended."""
        plan, solution = self._plan, self._solution
        return MappingProxyType(
            {
                "scheme": plan.scheme,
                "scaling": "standardized" if plan.standardize else "raw",
                "modes": dict(self.model.modes),
                "missing": self.model.missing,
                "consistent": plan.consistent,
                "respondents": len(self._values),
                "iterations": int(solution.iterations[0]),
                "converged": True,
                "tolerance": plan.tolerance,
            }
        )
