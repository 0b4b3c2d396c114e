"""Customer satisfaction indices by partial least squares path modelling (PLS).

A path model says which items measure which latent variable (`blocks`) and which latent variable acts on which
(`paths`). PLS makes a score of every latent variable, a weighted sum of its items, and estimates the paths by
regressions between the scores (Wold 1982; Lohmöller 1989; Tenenhaus et al. 2005).

The algorithm needs the covariance matrix of the items and nothing else. That is why it is fast here, and why
the bootstrap runs on hundreds of covariance matrices at once. Shapes: m samples (one in a fit), p items,
j latent variables.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from crmlab import _check

__all__ = ["PLSBootstrap", "PLSPathModel", "PLSResult"]

_SINGULAR = 1e-9  # eigenvalues of correlation matrices, correlations and 1 - R² below this count as 0
_BATCH = 2_000_000  # numbers that the bootstrap holds at once, whatever n_resamples is


# --- the algorithm, on covariance matrices -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Plan:
    """A checked model as arrays. Outcomes k have up to l predictors each, padded with the outcome itself."""

    latents: list[str]
    items: list
    group: np.ndarray  # (p,) number of the latent variable that the item belongs to
    member: np.ndarray  # (p, j) 1.0 where the item belongs to the latent variable
    size: np.ndarray  # (j,) number of items
    formative: np.ndarray  # (j,) True for Mode B blocks of two items or more
    arrows: np.ndarray  # (j, j) 1.0 where row acts on column
    outcomes: np.ndarray  # (k, 1)
    predictors: np.ndarray  # (k, l)
    real: np.ndarray  # (k, l) False where `predictors` is padding
    settings: Mapping[str, Any]

    @classmethod
    def make(cls, blocks: Mapping, paths: Sequence, modes: Mapping, settings: Mapping[str, Any]) -> _Plan:
        latents, size = list(blocks), np.array([len(items) for items in blocks.values()])
        group = np.repeat(np.arange(len(latents)), size)
        arrows = np.zeros((len(latents), len(latents)))
        for predictor, outcome in paths:
            arrows[latents.index(predictor), latents.index(outcome)] = 1.0
        outcomes = np.flatnonzero(arrows.any(axis=0))[:, None]
        predictors = np.repeat(outcomes, int(arrows.sum(axis=0).max()), axis=1)
        for row, outcome in zip(predictors, outcomes[:, 0], strict=True):
            row[: int(arrows[:, outcome].sum())] = np.flatnonzero(arrows[:, outcome])
        formative = np.array([modes[latent] == "B" for latent in latents]) & (size > 1)
        items, member = [item for block in blocks.values() for item in block], np.eye(len(latents))[group]
        regressions = outcomes, predictors, predictors != outcomes
        return cls(latents, items, group, member, size, formative, arrows, *regressions, settings)

    def own(self, table: np.ndarray) -> np.ndarray:
        """From (m, p, j) take the column of each item's own latent variable: (m, p)."""
        return table[:, np.arange(len(self.group)), self.group]

    def among_predictors(self, r: np.ndarray) -> np.ndarray:
        """Correlations among the predictors of each outcome (m, k, l, l), identity where padded."""
        both = self.real[:, :, None] & self.real[:, None, :]
        padding = np.eye(both.shape[1]) * ~self.real[:, :, None]
        return r[:, self.predictors[:, :, None], self.predictors[:, None, :]] * both + padding

    def regress(self, r: np.ndarray) -> np.ndarray:
        """Path coefficients (m, j, j) from the correlations of the latent variables."""
        left, right = self.among_predictors(r), (r[:, self.predictors, self.outcomes] * self.real)[..., None]
        try:
            solved = np.linalg.solve(left, right)
        except np.linalg.LinAlgError:  # some sample is singular: it is reported later, the others go on
            solved = np.linalg.pinv(left) @ right
        paths = np.zeros_like(r)
        paths[:, self.predictors, self.outcomes] = solved[..., 0]
        return paths


@dataclass(frozen=True, eq=False)
class _Solution:
    """What PLS finds in m samples. `problem` is "" or the reason why a sample has no solution."""

    weights: np.ndarray  # (m, p) of raw or standardised items, for scores of variance 1
    loadings: np.ndarray  # (m, p)
    cross: np.ndarray  # (m, p, j)
    correlations: np.ndarray  # (m, j, j)
    paths: np.ndarray  # (m, j, j)
    r_squared: np.ndarray  # (m, j)
    rho_a: np.ndarray  # (m, j)
    iterations: np.ndarray  # (m,)
    problem: np.ndarray  # (m,)


def _outer_weights(s: np.ndarray, plan: _Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wold's algorithm in Lohmöller's form, on (m, p, p): weights, iterations, converged or not.

    A block whose inner weights are all 0 takes its neighbours as they are; items that correlate 0 with them
    have no weights (nan), except a single item: its weight is known from the start.
    """
    scheme, tolerance = plan.settings["scheme"], plan.settings["tolerance"]
    neighbours, single, inverse = plan.arrows + plan.arrows.T, (plan.size == 1)[plan.group], None
    if plan.formative.any():
        blocks_b = (plan.member * plan.formative) @ plan.member.T
        inverse = np.linalg.pinv(s * blocks_b + np.diag(1.0 - np.diag(blocks_b)), hermitian=True)
    # items start in the direction of the first of their block: no starting score can be constant
    w = np.sign(s[:, np.arange(s.shape[1]), np.searchsorted(plan.group, plan.group)])
    weights, iterations, converged = np.full(w.shape, np.nan), np.zeros(len(s), int), np.zeros(len(s), bool)
    sd, before, rows = np.sqrt(np.diagonal(s, axis1=1, axis2=2)), np.zeros(w.shape), np.arange(len(s))
    for iteration in range(plan.settings["max_iterations"] + 1):
        with_scores = s @ (w[:, :, None] * plan.member)  # covariances of items and scores
        scale = 1 / np.sqrt((w * plan.own(with_scores)) @ plan.member)
        w, with_scores = w * scale[:, plan.group], with_scores * scale[:, None, :]
        change = np.abs(np.abs(w * sd) - before).max(axis=1)
        weights[rows], iterations[rows], converged[rows] = w, iteration, change < tolerance
        going = np.isfinite(change) & (change >= tolerance)
        if not going.all():
            rows, s, sd, w, with_scores = rows[going], s[going], sd[going], w[going], with_scores[going]
            inverse = None if inverse is None else inverse[going]
            if not len(rows):
                break
        before = np.abs(w * sd)
        r = plan.member.T @ (w[:, :, None] * with_scores)
        if scheme == "path":  # predictors enter by regression coefficient, outcomes by correlation
            inner = r * plan.arrows.T + plan.regress(r)
        else:
            inner = (np.sign(r) if scheme == "centroid" else r) * neighbours
        inner = np.where(inner.any(axis=1, keepdims=True), inner, neighbours)
        known = w
        w = (with_scores * inner.transpose(0, 2, 1)[:, plan.group]).sum(axis=2)  # Mode A: covariances
        if inverse is not None:
            w = (inverse @ w[:, :, None])[:, :, 0]  # Mode B: regression coefficients
        w = np.where(single, known, w)
    return weights, iterations, converged


@np.errstate(divide="ignore", invalid="ignore")  # a sample that breaks down is nan, and reported
def _solve(s: np.ndarray, plan: _Plan, reference: np.ndarray | float = 1.0) -> _Solution:
    """PLS on covariances (m, p, p); scores point where their loadings agree with `reference` on the whole."""
    sd = np.sqrt(np.diagonal(s, axis1=1, axis2=2))
    items = s / (sd[:, :, None] * sd[:, None, :])
    unit = 1.0 if plan.settings["standardize"] else sd
    w, iterations, converged = _outer_weights(items if plan.settings["standardize"] else s, plan)
    cross = items @ ((w * unit)[:, :, None] * plan.member)
    sign = np.where((plan.own(cross) * reference) @ plan.member < 0, -1.0, 1.0)
    w, cross = w * sign[:, plan.group], cross * sign[:, None, :]
    v = w * unit  # weights of standardised items in any case
    r, loadings = plan.member.T @ (v[:, :, None] * cross), plan.own(cross)
    problem = np.where(converged, "", "no convergence").astype(object)
    reach = np.abs(np.nan_to_num(cross)) @ (plan.arrows + plan.arrows.T)  # to the scores a block is linked to
    tied = (np.abs(v) * plan.own(reach)) @ plan.member > _SINGULAR  # False for nan
    for j in np.flatnonzero(~tied.all(axis=0) & (plan.size > 1)):
        problem[~tied[:, j]] = f"weights of {plan.latents[j]!r} undetermined"

    length, many = (v**2) @ plan.member, (plan.size > 1) & ~plan.formative
    rho_a = length**2 * (1 - length) / (length**2 - (v**4) @ plan.member)  # Dijkstra & Henseler (2015)
    rho_a = np.where(many, rho_a, 1.0)
    if plan.settings["consistent"]:
        for j, latent in enumerate(plan.latents):
            wrong = ~((rho_a[:, j] > 0) & (rho_a[:, j] <= 1)) & (problem == "")
            problem[wrong] = f"rho_A of {latent!r} not in (0, 1]"
        root = np.sqrt(np.where(rho_a > 0, rho_a, np.nan))
        r, cross = r / (root[:, :, None] * root[:, None, :]), cross / root[:, None, :]
        r[:, np.arange(r.shape[1]), np.arange(r.shape[1])] = 1.0
        loadings = np.where(plan.formative[plan.group], loadings, v * (root / length)[:, plan.group])
        cross[:, np.arange(len(plan.group)), plan.group] = loadings

    for j in np.flatnonzero(plan.formative):
        block = items[:, plan.group == j][:, :, plan.group == j]
        problem[np.linalg.eigvalsh(block)[:, 0] < _SINGULAR] = f"items of {plan.latents[j]!r} collinear"
    r = np.where((problem == "")[:, None, None], r, np.eye(r.shape[1]))
    smallest = np.linalg.eigvalsh(plan.among_predictors(r))[..., 0]
    for k, outcome in enumerate(plan.outcomes[:, 0]):
        problem[smallest[:, k] < _SINGULAR] = f"predictors of {plan.latents[outcome]!r} collinear"
    paths = plan.regress(r)
    r_squared = (paths * r).sum(axis=1)  # above 1 it is rounding, or PLSc that is not admissible
    r_squared = np.where(r_squared < 1 + _SINGULAR, np.minimum(r_squared, 1.0), r_squared)
    return _Solution(w, loadings, cross, r, paths, r_squared, rho_a, iterations, problem)


def _total(paths: np.ndarray) -> np.ndarray:
    """Direct and indirect effects: B + B² + B³ + …, a finite sum because there are no cycles."""
    total = power = paths
    for _ in range(paths.shape[-1] - 2):
        power = power @ paths
        total = total + power
    return total


def _covariances(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Covariances (m, p, p) of m samples that hold row i of the centred `values` counts[:, i] times.

    A missing value becomes the mean of its item in that sample, so only rows where both items are seen add to
    their sum Σ(x - a)(y - b) = Σxy - bΣx - aΣy + ab·n.
    """
    p, seen = values.shape[1], ~np.isnan(values)
    seen = np.ones((len(values), 1)) if seen.all() else seen  # without gaps one column serves all items
    table = np.hstack([np.nan_to_num(values), seen])
    row, column = np.triu_indices(table.shape[1])
    flat, step = 0.0, max(1, _BATCH // len(row))
    for start in range(0, len(table), step):
        part = table[start : start + step]
        flat = flat + counts[:, start : start + step] @ (part[:, row] * part[:, column])
    products = np.empty((len(counts), table.shape[1], table.shape[1]))
    products[:, row, column] = products[:, column, row] = flat
    n, x = (np.broadcast_to(products[:, top, p:], (len(counts), p, p)) for top in (slice(p, None), slice(p)))
    with np.errstate(invalid="ignore", divide="ignore"):  # an item nobody answered: nan, a failed resample
        mean = np.diagonal(x, axis1=1, axis2=2) / np.diagonal(n, axis1=1, axis2=2)
    a, b = mean[:, :, None], mean[:, None, :]
    return (products[:, :p, :p] - b * x - a * x.transpose(0, 2, 1) + a * b * n) / (counts[:1].sum() - 1)


# --- the model ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, init=False, eq=False, repr=False)
class PLSPathModel:
    """A PLS path model of a survey: which items measure what, and which latent variable acts on which.

    It cannot be changed, and keeps a copy of its items.

    Parameters
    ----------
    survey : DataFrame, one row per respondent, numeric items in columns
    blocks : dict, latent variable -> list of its items
    paths : list of (predictor, outcome) pairs of latent variables, without cycles
    scheme : "path", "centroid" or "factorial"; how neighbours are weighted in the algorithm (Lohmöller 1989)
    modes : dict, latent variable -> "A" (reflective, the default) or "B" (formative)
    standardize : True: items have mean 0 and standard deviation 1. False: they are centred, so an item that
        spreads more weighs more. Scores have variance 1 in both cases. Variances divide by n - 1; software
        that divides by n prints weights of centred items larger by √(n/(n-1)), and nothing else differs.
    missing : "mean" puts the item's mean for a missing answer, before anything is standardised; "drop" leaves
        out respondents with a missing answer to any item of the model; "raise" refuses them
    consistent : True for PLSc (Dijkstra & Henseler 2015): correlations of latent variables and loadings of
        Mode A blocks are corrected for measurement error with rho_A; weights and scores stay as they are
    tolerance, max_iterations : the algorithm stops when no weight of a standardised item changes by more

    The sign of a score is such that its loadings sum to a positive number. Correlations of exactly 0 are
    estimated like others, but a block of several items that correlate with no neighbour has no weights: an error.

    Raises
    ------
    ValueError, TypeError
        Here for a model that is none, in `fit` for data that cannot carry it; the message says what to do.

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
        for name, value in (("standardize", standardize), ("consistent", consistent)):
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"{name} must be True or False, found {value!r}.")
        settings = {
            "scheme": _check.choice(scheme, ("path", "centroid", "factorial"), "scheme"),
            "standardize": bool(standardize),
            "consistent": bool(consistent),
            "tolerance": _check.number(tolerance, "tolerance", minimum=1e-14, maximum=0.01),
            "max_iterations": _check.whole(max_iterations, "max_iterations"),
        }
        missing = _check.choice(missing, ("mean", "drop", "raise"), "missing")
        blocks = _blocks(blocks)
        paths, modes = _paths(paths, blocks), _modes(modes, blocks)
        plan = _Plan.make(blocks, paths, modes, settings)
        survey = _check.frame(survey, plan.items, "survey")[plan.items].copy()
        # plain dictionaries inside, read-only views outside: a MappingProxyType cannot be pickled
        public = {"paths": paths, "missing": missing}
        vars(self).update(public, _blocks=blocks, _modes=modes, _survey=survey, _plan=plan)

    @property
    def blocks(self) -> Mapping[str, tuple]:
        """Items of every latent variable."""
        return MappingProxyType(self._blocks)

    @property
    def modes(self) -> Mapping[str, str]:
        """Mode of every latent variable."""
        return MappingProxyType(self._modes)

    @property
    def survey(self) -> pd.DataFrame:
        """A copy of the items as they were given."""
        return self._survey.copy()

    def fit(self) -> PLSResult:
        """Estimate the model."""
        plan = self._plan
        values, index = self._values()
        mean = np.nanmean(values, axis=0)
        values -= mean
        filled = np.nan_to_num(values)  # the mean is 0 now
        s = (filled.T @ filled / (len(filled) - 1))[None]
        if (constant := np.diagonal(s[0]) <= 1e-24 * mean**2).any():
            i = int(constant.argmax())
            text = f"item {plan.items[i]!r} is constant: every answer is {mean[i]:g}. Leave it out."
            raise ValueError(text)
        solution = _solve(s, plan)
        if problem := solution.problem[0]:
            which = "the model with consistent=True" if plan.settings["consistent"] else "the model"
            raise ValueError(f"{which} cannot be estimated: {problem}{_REMEDY[problem.split()[-1]]}")
        if plan.settings["consistent"] and np.linalg.eigvalsh(solution.correlations[0])[0] < 0:
            warnings.warn(
                "PLSc is not admissible here: the corrected correlations of the latent variables are not "
                "positive definite. Some of them measure nearly the same. Read the estimates with care.",
                stacklevel=2,
            )
        for array in (values, mean, s, *vars(solution).values()):
            array.setflags(write=False)
        return PLSResult(self, solution, values, mean, s, index)

    def _values(self) -> tuple[np.ndarray, pd.Index]:
        """The items as floats (n, p) and the index of their rows; errors in the data are raised here."""
        plan, survey = self._plan, self._survey
        try:
            values = survey.to_numpy(dtype=float, na_value=np.nan, copy=True)
            plain = all(kind.kind in "iufb" for kind in set(survey.dtypes)) and not np.isinf(values).any()
        except (TypeError, ValueError):
            plain = False
        if not plain:  # column by column, so that the message can name the item
            columns = (_check.numeric(survey[i], f"item {i!r}", allow_missing=True) for i in plan.items)
            values = np.column_stack(list(columns))
        index, absent = survey.index, np.isnan(values)
        if absent.any():
            worst = int(absent.sum(axis=0).argmax())
            if absent[:, worst].all():
                raise ValueError(f"item {plan.items[worst]!r} has no answer at all. Leave it out.")
            if self.missing == "raise":
                raise ValueError(
                    f"{int(absent.any(axis=1).sum())} respondents have missing answers, most of them to item "
                    f"{plan.items[worst]!r}. Choose missing='mean' or missing='drop'."
                )
            if self.missing == "drop":
                values, index = values[~absent.any(axis=1)], index[~absent.any(axis=1)]
        needed = 2 + int(max(plan.arrows.sum(axis=0).max(), (plan.size * plan.formative).max()))
        if len(values) < needed:
            raise ValueError(
                f"{len(values)} respondents ({len(survey) - len(values)} dropped) are too few: the largest "
                f"regression of this model needs at least {needed}, and results worth trusting many more."
            )
        return values, index


_REMEDY = {
    "convergence": ". Look for items that correlate with nothing, or raise max_iterations.",
    "collinear": ", perfectly: their regression has no unique answer. Leave one out or merge them.",
    "undetermined": ": its items correlate with no neighbour. Reverse negative items, or leave it out.",
    "1]": ": PLSc is not defined. Look at the items of this block, or use consistent=False.",
}


def _latent(name: object, known: Mapping, argument: str) -> str:
    if not isinstance(name, str) or name not in known:
        near = _check.closest(name, known)
        raise ValueError(f"{argument} names {name!r}, no latent variable. {near}Known: {', '.join(known)}.")
    return name


def _blocks(blocks: object) -> dict[str, tuple]:
    if not isinstance(blocks, Mapping) or len(blocks) < 2:
        raise ValueError("blocks must be a dictionary of at least two latent variables, each with its items.")
    home, found, ordered = {}, {}, list | tuple | np.ndarray | pd.Index | pd.Series
    for latent, items in blocks.items():
        if not isinstance(latent, str) or not isinstance(items, ordered):
            raise TypeError(f"blocks must give a list of items for each name, found {latent!r}: {items!r}.")
        found[latent] = tuple(items if isinstance(items, list | tuple) else items.tolist())
        if not found[latent]:
            raise ValueError(f"block {latent!r} has no items: name one or leave it out.")
        for item in found[latent]:
            if not pd.api.types.is_hashable(item):
                raise TypeError(f"block {latent!r} must be a list of column names, found {item!r} in it.")
            if item in home:
                raise ValueError(f"item {item!r} is in {home[item]!r} and in {latent!r}: choose one.")
            home[item] = latent
    return found


def _modes(modes: object, blocks: Mapping) -> dict[str, str]:
    if not isinstance(modes, Mapping | None):
        raise TypeError(f'modes must be a dictionary such as {{"Image": "B"}}, found {modes!r}.')
    chosen = dict.fromkeys(blocks, "A")
    for latent, mode in (modes or {}).items():
        chosen[_latent(latent, blocks, "modes")] = _check.choice(mode, ("A", "B"), f"modes[{latent!r}]")
    return chosen


def _paths(paths: object, blocks: Mapping) -> tuple[tuple[str, str], ...]:
    wrong = "paths must be a list of (predictor, outcome) pairs, found"
    if not isinstance(paths, Iterable) or isinstance(paths, str | Mapping | pd.DataFrame):
        raise TypeError(f"{wrong} {type(paths).__name__}.")
    paths = list(paths)  # once: a zip would be used up
    for pair in paths:
        if not isinstance(pair, list | tuple | np.ndarray) or len(pair) != 2:
            raise ValueError(f"{wrong} {pair!r} among them.")
    pairs = tuple((_latent(a, blocks, "paths"), _latent(b, blocks, "paths")) for a, b in paths)
    if len(set(pairs)) < len(pairs):
        twice = Counter(pairs).most_common(1)[0][0]
        raise ValueError(f"the path {' -> '.join(twice)} is given more than once.")
    sorter = TopologicalSorter()
    for predictor, outcome in pairs:
        sorter.add(outcome, predictor)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise ValueError(f"the paths form a cycle: {cycle}. Leave one of them out.") from None
    if alone := [latent for latent in blocks if not any(latent in pair for pair in pairs)]:
        raise ValueError(f"latent variable {alone[0]!r} has no path: connect it or leave its block out.")
    return pairs


# --- what comes out ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class PLSResult:
    """A fitted PLS path model, made by `PLSPathModel.fit`. It cannot be changed: every frame is a fresh copy.

    Square frames have the latent variables in rows (predictors) and columns (outcomes), ordered as `blocks`.
    """

    model: PLSPathModel
    _solution: _Solution
    _values: np.ndarray  # (n, p) centred items, nan where missing
    _mean: np.ndarray  # (p,)
    _s: np.ndarray  # (1, p, p)
    _index: pd.Index

    @property
    def _plan(self) -> _Plan:
        return self.model._plan

    @property
    def _sd(self) -> np.ndarray:
        return np.sqrt(np.diagonal(self._s[0]))

    @property
    def _raw_weights(self) -> np.ndarray:
        """Weights (p,) of centred answers, whatever the scaling."""
        return self._solution.weights[0] / (self._sd if self._plan.settings["standardize"] else 1.0)

    def _square(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, self._plan.latents, self._plan.latents, copy=True)

    def _by_item(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, self._plan.items, name=name, copy=True)

    def _by_latent(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, self._plan.latents, name=name, copy=True)

    @property
    def path_coefficients(self) -> pd.DataFrame:
        """Square: standardised regression coefficients, 0 where there is no path."""
        return self._square(self._solution.paths[0])

    direct_effects = path_coefficients

    @property
    def total_effects(self) -> pd.DataFrame:
        """Square: direct plus indirect effects."""
        return self._square(_total(self._solution.paths[0]))

    @property
    def indirect_effects(self) -> pd.DataFrame:
        """Square: effects that run through other latent variables."""
        return self._square(_total(self._solution.paths[0]) - self._solution.paths[0])

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
        return pd.DataFrame(scores, self._index, self._plan.latents)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that changes the numbers, and how the algorithm ended."""
        chosen = self._plan.settings
        return MappingProxyType(
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

    def _caption(self) -> str:
        used = self.settings
        formative = [latent for latent, mode in used["modes"].items() if mode == "B"]
        return (
            f"PLS path model{', consistent (PLSc)' * used['consistent']}: {used['scheme']} scheme, "
            f"{used['scaling']} items, Mode A{' except Mode B for ' * bool(formative)}{', '.join(formative)},"
            f" missing answers: {used['missing']}; {used['respondents']} respondents, converged after "
            f"{used['iterations']} iterations."
        )

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.summary().round(4).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._caption()}</p>{self.summary().round(4).to_html()}"

    def summary(self) -> pd.DataFrame:
        """One row per path: coefficient, total effect, variance inflation, and R² of the outcome."""
        ends = np.array([[self._plan.latents.index(end) for end in path] for path in self.model.paths])
        pick = (ends[:, 0], ends[:, 1])
        columns = {
            "path_coefficient": self._solution.paths[0][pick],
            "total_effect": _total(self._solution.paths[0])[pick],
            "vif": self.vif().to_numpy()[pick],
            "r_squared": self._solution.r_squared[0][ends[:, 1]],
        }
        index = pd.MultiIndex.from_tuples(self.model.paths, names=["predictor", "outcome"])
        return pd.DataFrame(columns, index)

    def reliability(self) -> pd.DataFrame:
        """By block: standardised Cronbach's alpha, rho_A, rho_C (composite reliability), AVE.

        rho_C and AVE rest on `outer_loadings`. A single item counts as free of error: 1. Items of a Mode B
        block need not agree: alpha, rho_C and AVE are undefined (nan), rho_A is 1 by convention. Cronbach
        (1951); Dijkstra & Henseler (2015); Fornell & Larcker (1981).
        """
        plan, loadings = self._plan, self._solution.loadings[0]
        total = np.diagonal(plan.member.T @ (self._s[0] / np.outer(self._sd, self._sd)) @ plan.member)
        common, explained = (loadings @ plan.member) ** 2, loadings**2 @ plan.member
        columns = {
            "cronbach_alpha": plan.size / np.maximum(plan.size - 1, 1) * (1 - plan.size / total),
            "rho_a": self._solution.rho_a[0],
            "rho_c": common / (common + plan.size - explained),
            "ave": explained / plan.size,
        }
        table = pd.DataFrame(columns, plan.latents)
        table.loc[plan.size == 1] = 1.0
        table.loc[plan.formative, ["cronbach_alpha", "rho_c", "ave"]] = np.nan
        return table

    def htmt(self) -> pd.DataFrame:
        """Square: heterotrait-monotrait ratios from absolute item correlations, diagonal 1.

        Mean correlation between two blocks over the geometric mean of the mean correlations within them (1
        for a single item). Henseler, Ringle & Sarstedt (2015).
        """
        member, size = self._plan.member, self._plan.size
        sums = member.T @ np.abs(self._s[0] / np.outer(self._sd, self._sd)) @ member
        within = np.where(size > 1, (np.diagonal(sums) - size) / np.maximum(size * (size - 1), 1), 1.0)
        ratio = sums / np.outer(size, size) / np.sqrt(np.outer(within, within))
        np.fill_diagonal(ratio, 1.0)
        return self._square(ratio)

    def fornell_larcker(self) -> pd.DataFrame:
        """Square: root of AVE on the diagonal, `latent_correlations` below. Fornell & Larcker (1981)."""
        below = np.tri(len(self._plan.latents), k=-1, dtype=bool)
        table = np.where(below, self._solution.correlations[0], np.nan)
        np.fill_diagonal(table, np.sqrt(self.reliability()["ave"]))
        return self._square(table)

    def vif(self, items: bool = False) -> pd.DataFrame | pd.Series:
        """Square: variance inflation of an outcome's predictors, nan without a path.

        With `items` by item, among the items of its block; inf if the others determine it perfectly.
        """
        plan = self._plan
        if items:
            blocks = self._s[0] / np.outer(self._sd, self._sd) * (plan.member @ plan.member.T)
            values, vectors = np.linalg.eigh(blocks)
            vif = (vectors**2 / np.maximum(values, 1e-16)).sum(axis=1)  # diagonal of the inverse
            return self._by_item(np.where(vif * _SINGULAR < 1, vif, np.inf), "vif")
        table = np.full(plan.arrows.shape, np.nan)
        inverse = np.linalg.inv(plan.among_predictors(self._solution.correlations))[0]
        table[plan.predictors, plan.outcomes] = np.diagonal(inverse, axis1=1, axis2=2)
        return self._square(np.where(plan.arrows, table, np.nan))

    def f_squared(self) -> pd.DataFrame:
        """Square: (R² - R² without the path) / (1 - R²), 0 where there is no path. Cohen (1988).

        The whole model is estimated again without the path, weights too. A latent variable that loses its
        last path leaves the model; an outcome that loses its last predictor has R² 0.

        Raises
        ------
        ValueError
            If R² is 1 (f² would be infinite), or the model without a path cannot be estimated.
        """
        model, plan, effects = self.model, self._plan, np.zeros_like(self._plan.arrows)
        for predictor, outcome in model.paths:
            paths = [path for path in model.paths if path != (predictor, outcome)]
            full, without = self.r_squared[outcome], 0.0
            if 1 - full < _SINGULAR:
                text = f"f² of {predictor} -> {outcome} is undefined: R² of {outcome!r} is {full:.4g}."
                raise ValueError(f"{text} Look for items that copy others, and leave them out.")
            if any(path[1] == outcome for path in paths):
                blocks = {b: items for b, items in model.blocks.items() if any(b in path for path in paths)}
                smaller = _Plan.make(blocks, paths, model.modes, plan.settings)
                keep = np.isin(plan.group, [plan.latents.index(b) for b in blocks])
                solution = _solve(self._s[:, keep][:, :, keep], smaller)
                if solution.problem[0]:
                    text = f"f² of {predictor} -> {outcome}: without this path, {solution.problem[0]}."
                    raise ValueError(text)
                without = solution.r_squared[0, smaller.latents.index(outcome)]
            where = plan.latents.index(predictor), plan.latents.index(outcome)
            effects[where] = (full - without) / (1 - full)
        return self._square(effects)

    def index_weights(self, weighting: str = "raw") -> pd.Series:
        """By item: the weights of `index`, which sum to 1 in every block.

        "raw": outer weights over standard deviations of items, the weights of raw answers in the score.
        "standardized": weights of standardised items as they are. "equal": one over the number of items.
        """
        plan = self._plan
        _check.choice(weighting, ("raw", "standardized", "equal"), "weighting")
        weights = self._raw_weights * (self._sd if weighting == "standardized" else 1.0)
        weights = np.ones(len(plan.items)) if weighting == "equal" else weights
        total = weights @ plan.member
        if (total <= 0).any():
            block = plan.latents[int((total <= 0).argmax())]
            text = f"the weights of {block!r} do not sum to a positive number. Reverse its negative items."
            raise ValueError(text)
        if (weights < 0).any():
            named = ", ".join(str(item) for item, w in zip(plan.items, weights, strict=True) if w < 0)
            warnings.warn(f"negative weights ({named}): the index can leave 0 to 100.", stacklevel=3)
        return self._by_item(weights / total[plan.group], "index_weight")

    def index(self, minimum: float = 1, maximum: float = 10, weighting: str = "raw") -> pd.Series:
        """Index of every latent variable, 0 to 100: (Σ weight·mean - minimum) / (maximum - minimum) · 100.

        Parameters
        ----------
        minimum, maximum : the ends of the answer scale, which all items share
        weighting : "raw" (Fornell et al. 1996), "standardized" or "equal", see `index_weights`

        Raises
        ------
        ValueError
            If the mean of an item is off the scale. Single answers off the scale count, with a warning.
        """
        minimum, maximum = _check.number(minimum, "minimum"), _check.number(maximum, "maximum")
        if minimum >= maximum:
            raise ValueError(f"minimum must be below maximum, found {minimum:g} and {maximum:g}.")
        low, high = np.nanmin(self._values, axis=0) + self._mean, np.nanmax(self._values, axis=0) + self._mean
        if (off := np.maximum(minimum - low, high - maximum) > 1e-9).any():
            i = int((off + 1.0 * (self._mean < minimum) + (self._mean > maximum)).argmax())
            text = f"item {self._plan.items[i]!r} has answers from {low[i]:g} to {high[i]:g}, off the scale "
            text += f"from {minimum:g} to {maximum:g}. Name the ends of the scale as minimum and maximum."
            if not minimum <= self._mean[i] <= maximum:
                raise ValueError(text)
            warnings.warn(text, stacklevel=2)
        means = (self.index_weights(weighting).to_numpy() * self._mean) @ self._plan.member
        return self._by_latent((means - minimum) / (maximum - minimum) * 100, "index")

    def _index_effects(self) -> np.ndarray:
        """Total effects in index points per index point: times the ratio of the indices' spreads."""
        self.index_weights()  # raises where there is no index
        spread = 1 / (
            self._raw_weights @ self._plan.member
        )  # standard deviation of each index, in a unit they share
        return _total(self._solution.paths[0]) * spread / spread[:, None]

    def importance_performance(self, target: str, minimum: float = 1, maximum: float = 10) -> pd.DataFrame:
        """Everything that acts on `target`: total_effect (standardised), importance and index.

        importance is the total effect in index points of the target per index point, as in `what_if`; index
        has "raw" weights. Ringle & Sarstedt (2016).
        """
        column = self._plan.latents.index(_latent(target, self.model.blocks, "target"))
        acts = _total(self._plan.arrows)[:, column] > 0
        if not acts.any():
            raise ValueError(f"nothing acts on {target!r}: choose a target that has predictors.")
        columns = {
            "total_effect": self.total_effects[target],
            "importance": self._square(self._index_effects())[target],
            "index": self.index(minimum, maximum),
        }
        return pd.DataFrame(columns)[acts]

    def what_if(self, changes: Mapping[str, float]) -> pd.Series:
        """Change of every index in points when the named indices are raised by so many points.

        A named index changes by its own amount and by what other changes bring it. The model is linear, has
        no ceiling at 100, and takes its paths for causes.
        """
        if not isinstance(changes, Mapping) or not changes:
            raise ValueError('changes must be a dictionary such as {"Quality": 5}.')
        push = np.zeros(len(self._plan.latents))
        for latent, points in changes.items():
            where = self._plan.latents.index(_latent(latent, self.model.blocks, "changes"))
            push[where] = _check.number(points, f"changes[{latent!r}]")
        return self._by_latent(push + push @ self._index_effects(), "change")

    def bootstrap(self, n_resamples: int = 1000, seed: int = 1) -> PLSBootstrap:
        """Draw respondents with replacement and estimate the model anew each time (Efron & Tibshirani 1993).

        A resample goes through what `fit` does, missing="mean" included; with missing="drop" complete
        respondents are drawn. Signs of scores follow the original loadings. Resamples without a solution are
        left out, counted and warned about once. Working memory does not grow with `n_resamples`.
        """
        n_resamples = _check.whole(n_resamples, "n_resamples", minimum=2)
        rng = np.random.default_rng(_check.whole(seed, "seed", minimum=0))
        (n, p), parts, failures = self._values.shape, [], Counter()
        batch = max(1, min(_BATCH // (16 * p * p), 10 * _BATCH // n))
        for start in range(0, n_resamples, batch):
            counts = np.empty((min(batch, n_resamples - start), n), np.uint16)
            for row in counts:
                row[:] = np.bincount(rng.integers(0, n, size=n), minlength=n)
            s = _covariances(self._values, counts)
            varies = (np.diagonal(s, axis1=1, axis2=2) > 1e-12 * self._sd**2).all(axis=1)
            solution = _solve(s[varies], self._plan, self._solution.loadings)
            good = solution.problem == ""
            failures.update({"constant item": int((~varies).sum())})
            failures.update(solution.problem[~good])
            parts.append({name: values[good] for name, values in _estimates(solution, self._plan).items()})
        draws = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if failures := +failures:
            text = f"{failures.total()} of {n_resamples} resamples could not be estimated and are left out: "
            text += ", ".join(f"{reason} ({count})" for reason, count in failures.items()) + "."
            if len(draws["r_squared"]) < 2:
                raise ValueError(f"{text} Nothing is left to summarise.")
            warnings.warn(text, stacklevel=2)
        for array in draws.values():
            array.setflags(write=False)
        return PLSBootstrap(self, n_resamples, seed, dict(failures), draws)


def _estimates(solution: _Solution, plan: _Plan) -> dict[str, np.ndarray]:
    """What the bootstrap keeps of m samples, (m, number of estimates) each."""
    return {
        "path_coefficients": solution.paths[:, plan.arrows > 0],
        "total_effects": _total(solution.paths)[:, _total(plan.arrows) > 0],
        "outer_weights": solution.weights,
        "outer_loadings": solution.loadings,
        "r_squared": solution.r_squared[:, plan.outcomes[:, 0]],
    }


@dataclass(frozen=True, eq=False, repr=False)
class PLSBootstrap:
    """Bootstrap of a PLS path model, made by `PLSResult.bootstrap`."""

    result: PLSResult
    n_resamples: int
    seed: int
    _failures: dict[str, int]
    _draws: dict[str, np.ndarray]

    @property
    def failures(self) -> Mapping[str, int]:
        """Resamples left out, by reason."""
        return MappingProxyType(self._failures)

    def draws(self, of: str = "path_coefficients") -> pd.DataFrame:
        """One row per resample.

        `of` is path_coefficients, total_effects, outer_weights, outer_loadings or r_squared.
        """
        plan = self.result._plan
        _check.choice(of, self._draws, "of")
        if of in ("path_coefficients", "total_effects"):
            ends = np.argwhere(plan.arrows if of == "path_coefficients" else _total(plan.arrows))
            pairs = [(plan.latents[i], plan.latents[j]) for i, j in ends]
            columns = pd.MultiIndex.from_tuples(pairs, names=["predictor", "outcome"])
        else:
            columns = [plan.latents[j] for j in plan.outcomes[:, 0]] if of == "r_squared" else plan.items
        return pd.DataFrame(self._draws[of], columns=columns, copy=True)

    def summary(self, of: str = "path_coefficients", level: float = 0.95) -> pd.DataFrame:
        """Estimate, mean and standard error over resamples, percentile interval, t, two-sided normal p.

        t is the estimate over its standard error, nan for what cannot vary (the weight of a single item).
        """
        from scipy.special import erfc

        level = _check.number(level, "level", minimum=0.5, maximum=0.9999)
        draws, estimate = self.draws(of), _estimates(self.result._solution, self.result._plan)[of][0]
        se = draws.std().to_numpy()
        lower, upper = draws.quantile([(1 - level) / 2, (1 + level) / 2]).to_numpy()
        t = np.divide(estimate, se, out=np.full(len(se), np.nan), where=se > 1e-12)
        columns = {"estimate": estimate, "mean": draws.mean().to_numpy(), "se": se}
        columns |= {"lower": lower, "upper": upper, "t": t, "p": erfc(np.abs(t) / np.sqrt(2))}
        return pd.DataFrame(columns, draws.columns)

    def _caption(self) -> str:
        lost = sum(self.failures.values())
        done = f"{self.n_resamples - lost} bootstrap resamples (seed {self.seed}, {lost}"
        return f"{done} could not be estimated), 95 % percentile intervals."

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.result._caption()}\n{self.summary().round(4).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._caption()} {self.result._caption()}</p>{self.summary().round(4).to_html()}"
