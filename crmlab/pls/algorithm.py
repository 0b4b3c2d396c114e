"""The steps of partial least squares, on correlation matrices.

PLS needs the correlations of the items and, for items that are only centred, their spreads; it needs no
answers. That is why it is fast here, and why the bootstrap runs on hundreds of samples at once. Wold (1982);
Lohmöller (1989). Shapes: m samples (one in a fit), p items, j latent variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.pls._plan import Plan

SINGULAR = 1e-9  # eigenvalues of correlation matrices, correlations, rho_A and 1 - R² below this count as 0


@dataclass(frozen=True, eq=False)
class Solution:
    """What PLS finds in m samples.

    Parameters
    ----------
    weights : ndarray, shape (m, p)
        Of raw or standardised items, for scores of variance 1.
    loadings : ndarray, shape (m, p)
        Correlations of items with their own scores.
    cross : ndarray, shape (m, p, j)
        Correlations of items with all scores.
    correlations : ndarray, shape (m, j, j)
        Of the latent variables.
    paths : ndarray, shape (m, j, j)
        Coefficients; rows act on columns.
    r_squared : ndarray, shape (m, j)
        Share of variance explained, 0 without predictors.
    rho_a : ndarray, shape (m, j)
        Reliability of the scores.
    iterations : ndarray of int, shape (m,)
        Rounds until the weights stood still.
    problem : ndarray of str, shape (m,)
        Empty, or the reason why a sample has no solution.
    """

    weights: np.ndarray
    loadings: np.ndarray
    cross: np.ndarray
    correlations: np.ndarray
    paths: np.ndarray
    r_squared: np.ndarray
    rho_a: np.ndarray
    iterations: np.ndarray
    problem: np.ndarray


@np.errstate(divide="ignore", invalid="ignore")  # a sample that breaks down is nan, and reported
def estimate(s: np.ndarray, plan: Plan, reference: np.ndarray | float = 1.0) -> Solution:
    """Estimate a path model from covariances: outer weights, then loadings, then paths.

    Parameters
    ----------
    s : ndarray, shape (m, p, p)
        Covariances of the items in m samples.
    plan : Plan
        The model.
    reference : ndarray of shape (p,) or float, default 1.0
        Scores point where their loadings agree with these on the whole.

    Returns
    -------
    Solution
        Estimates of all samples; `problem` says which of them are none.
    """
    sd = np.sqrt(np.diagonal(s, axis1=1, axis2=2))
    items = s / (sd[:, :, None] * sd[:, None, :])
    unit = np.ones_like(sd) if plan.settings["standardize"] else sd
    weights, iterations, converged = _outer_weights(items, unit, plan)
    weights, cross = _orient(weights, items @ _by_block(weights, plan), reference, plan)
    r = _by_block(weights, plan).transpose(0, 2, 1) @ cross
    problem = np.where(converged, "", "no convergence").astype(object)
    _report_undetermined(problem, weights, cross, plan)
    weights = weights / unit
    rho_a = _rho_a(weights, unit, plan)
    loadings = plan.own(cross)
    if plan.settings["consistent"]:
        _report_rho_a(problem, rho_a, plan)
        consistent = _consistent_loadings(weights, unit, rho_a, plan)
        loadings = np.where(plan.formative[plan.group], loadings, consistent)
        r, cross = _disattenuate(r, cross, loadings, rho_a, plan)
    _report_collinear_items(problem, items, plan)
    r = np.where((problem == "")[:, None, None], r, np.eye(len(plan.latents)))
    _report_collinear_predictors(problem, r, plan)
    paths = plan.regressions.coefficients(r)
    r_squared = _r_squared(paths, r)
    return Solution(weights, loadings, cross, r, paths, r_squared, rho_a, iterations, problem)


def total_effects(paths: np.ndarray) -> np.ndarray:
    """Add direct and indirect effects: B + B² + B³ + …, a finite sum because there are no cycles.

    Parameters
    ----------
    paths : ndarray, shape (..., j, j)
        Path coefficients B; rows act on columns.

    Returns
    -------
    ndarray, shape (..., j, j)
        Total effects.
    """
    total = paths
    power = paths
    for _ in range(paths.shape[-1] - 2):
        power = power @ paths
        total = total + power
    return total


# --- outer weights: the iteration --------------------------------------------------------------------------


def _outer_weights(
    items: np.ndarray, unit: np.ndarray, plan: Plan
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of standardised items (m, p), iterations (m,), converged or not (m,), from correlations.

    Weights give scores, scores give inner weights, these give a proxy of each latent variable (the sum of its
    neighbours' scores), and proxies give new weights, until the weights stand still.
    `unit` (m, p) is 1, or the spread of items that are only centred.
    """
    found = np.full(unit.shape, np.nan)
    iterations = np.zeros(len(items), int)
    converged = np.zeros(len(items), bool)
    rows = np.arange(len(items))
    blocks = _inverse_blocks(items, plan)
    weights = _first_weights(items, unit, plan)
    before = np.zeros(unit.shape)
    for iteration in range(plan.settings["max_iterations"] + 1):
        weights, cross, r = _scores(items, weights, plan)
        change = np.abs(np.abs(weights) - before).max(axis=1)
        found[rows] = weights
        iterations[rows] = iteration
        converged[rows] = change < plan.settings["tolerance"]
        going = np.isfinite(change) & ~converged[rows]  # not finite: this sample broke down
        if not going.any():
            break
        if not going.all():
            rows, items, unit, weights, cross, r = (a[going] for a in (rows, items, unit, weights, cross, r))
            blocks = {j: inverse[going] for j, inverse in blocks.items()}
        before = np.abs(weights)
        proxies = cross @ _inner_weights(r, plan)
        weights = _update(plan.own(proxies), unit, blocks, plan)
    return found, iterations, converged


def _first_weights(items: np.ndarray, unit: np.ndarray, plan: Plan) -> np.ndarray:
    """Start (m, p): every item in the direction of the first of its block, so that no score is constant."""
    first = np.searchsorted(plan.group, plan.group)
    return np.sign(items[:, np.arange(len(first)), first]) * unit


def _scores(items: np.ndarray, weights: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the scores variance 1: weights (m, p), correlations with items (m, p, j) and scores (m, j, j)."""
    by_block = _by_block(weights, plan)
    cross = items @ by_block
    r = by_block.transpose(0, 2, 1) @ cross
    scale = 1 / np.sqrt(np.diagonal(r, axis1=1, axis2=2))
    cross = cross * scale[:, None, :]
    r = r * (scale[:, :, None] * scale[:, None, :])
    return weights * scale.take(plan.group, axis=1), cross, r


def _inner_weights(r: np.ndarray, plan: Plan) -> np.ndarray:
    """How much each neighbour (row) counts in the proxy of a latent variable (column): (m, j, j)."""
    scheme = plan.settings["scheme"]
    if scheme == "centroid":
        inner = np.sign(r) * plan.neighbours
    elif scheme == "factorial":
        inner = r * plan.neighbours
    else:  # path: predictors by their regression coefficient, outcomes by their correlation
        inner = plan.regressions.coefficients(r) + r * plan.arrows.T
    if (linked := inner.any(axis=1, keepdims=True)).all():
        return inner
    return np.where(linked, inner, plan.neighbours)  # all 0: the neighbours as they are


def _update(proxies: np.ndarray, unit: np.ndarray, blocks: dict, plan: Plan) -> np.ndarray:
    """New weights (m, p) from the correlation of each item with the proxy of its block (m, p).

    Mode A: the covariance with the item. Mode B: the coefficient in a regression of the proxy on the block.
    The weight of a single item is known: a block that correlates with nothing has no other.
    """
    weights = proxies * unit**2
    for j, inverse in blocks.items():
        weights[:, plan.group == j] = (inverse @ proxies[:, plan.group == j, None])[..., 0]
    return np.where(plan.single, 1.0, weights)


def _inverse_blocks(items: np.ndarray, plan: Plan) -> dict[int, np.ndarray]:
    """Inverse correlation matrices of the Mode B blocks, by number of the latent variable."""
    numbers = np.flatnonzero(plan.formative)
    return {j: np.linalg.pinv(_block(items, j, plan), hermitian=True) for j in numbers}


def _block(items: np.ndarray, j: int, plan: Plan) -> np.ndarray:
    """Correlations (m, size, size) among the items of one block."""
    own = plan.group == j
    return items[:, own][:, :, own]


def _by_block(weights: np.ndarray, plan: Plan) -> np.ndarray:
    """Weights (m, p) as a table (m, p, j) that is 0 outside an item's own block."""
    return weights[:, :, None] * plan.member


# --- what follows from the weights -------------------------------------------------------------------------


def _orient(
    weights: np.ndarray, cross: np.ndarray, reference: np.ndarray | float, plan: Plan
) -> tuple[np.ndarray, np.ndarray]:
    """Turn scores whose loadings point against `reference`, so that signs agree between samples."""
    sign = np.where((plan.own(cross) * reference) @ plan.member < 0, -1.0, 1.0)
    return weights * sign[:, plan.group], cross * sign[:, None, :]


def _rho_a(weights: np.ndarray, unit: np.ndarray, plan: Plan) -> np.ndarray:
    """Reliability (m, j) of Mode A scores, 1 for others. Dijkstra & Henseler (2015).

    (w'w)² · w'(S - diag S)w / w'(ww' - diag ww')w, where w'Sw = 1. It rests on weights proportional to
    loadings, so S and w are of the items as they enter: of only centred ones, covariances (`unit`: spreads).
    """
    length = weights**2 @ plan.member  # w'w
    error = (weights * unit) ** 2 @ plan.member  # w' diag(S) w
    rho_a = length**2 * (1 - error) / (length**2 - weights**4 @ plan.member)
    return np.where((plan.size > 1) & ~plan.formative, rho_a, 1.0)


def _consistent_loadings(weights: np.ndarray, unit: np.ndarray, rho_a: np.ndarray, plan: Plan) -> np.ndarray:
    """Loadings (m, p) of PLSc, as correlations: w √rho_A / w'w, over the spreads of only centred items."""
    scale = np.sqrt(rho_a) / (weights**2 @ plan.member)
    return weights / unit * scale[:, plan.group]


def _disattenuate(
    r: np.ndarray, cross: np.ndarray, loadings: np.ndarray, rho_a: np.ndarray, plan: Plan
) -> tuple[np.ndarray, np.ndarray]:
    """PLSc: take the measurement error out of correlations and cross loadings."""
    root = np.sqrt(rho_a)  # nan for a negative one: reported
    r = r / (root[:, :, None] * root[:, None, :])
    r[:, np.arange(len(plan.latents)), np.arange(len(plan.latents))] = 1.0
    cross = cross / root[:, None, :]
    cross[:, np.arange(len(plan.group)), plan.group] = loadings
    return r, cross


def _r_squared(paths: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Explained share of variance (m, j). Above 1 it is rounding, or PLSc that is not admissible."""
    explained = (paths * r).sum(axis=1)
    return np.where(explained < 1 + SINGULAR, np.minimum(explained, 1.0), explained)


# --- why a sample has no solution: `problem` (m,) is written in place ---------------------------------------


def _report_undetermined(problem: np.ndarray, weights: np.ndarray, cross: np.ndarray, plan: Plan) -> None:
    reach = np.abs(np.nan_to_num(cross)) @ plan.neighbours  # of an item, to the scores a block is linked to
    tied = (np.abs(weights) * plan.own(reach)) @ plan.member > SINGULAR  # False for nan
    for j in np.flatnonzero(~tied.all(axis=0) & (plan.size > 1)):
        problem[~tied[:, j]] = f"weights of {plan.latents[j]!r} undetermined"


def _report_rho_a(problem: np.ndarray, rho_a: np.ndarray, plan: Plan) -> None:
    wrong = ~((rho_a > SINGULAR) & (rho_a <= 1))
    for j in np.flatnonzero(wrong.any(axis=0)):
        problem[wrong[:, j] & (problem == "")] = f"rho_A of {plan.latents[j]!r} not in (0, 1]"


def _report_collinear_items(problem: np.ndarray, items: np.ndarray, plan: Plan) -> None:
    for j in np.flatnonzero(plan.formative):
        smallest = np.linalg.eigvalsh(_block(items, j, plan))[:, 0]
        problem[smallest < SINGULAR] = f"items of {plan.latents[j]!r} collinear"


def _report_collinear_predictors(problem: np.ndarray, r: np.ndarray, plan: Plan) -> None:
    smallest = np.linalg.eigvalsh(plan.regressions.among_predictors(r))[..., 0]
    if (smallest >= SINGULAR).all():
        return
    reason = "alike after correction" if plan.settings["consistent"] else "collinear"
    for k, outcome in enumerate(plan.regressions.outcomes):
        problem[smallest[:, k] < SINGULAR] = f"predictors of {plan.latents[outcome]!r} {reason}"
