"""Surveys and models that the tests of crmlab.pls share, and PLS as the papers write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.pls import PLSPathModel, PLSResult

REFERENCE = Path(__file__).resolve().parents[2] / "datasets" / "reference"
CORRELATIONS = pd.read_csv(REFERENCE / "ecsi_mobile_correlations.csv", index_col="item")
MOMENTS = pd.read_csv(REFERENCE / "ecsi_mobile_moments.csv", index_col="item")

PREFIXES = {
    "Image": "IMAG",
    "Expectation": "CUEX",
    "Quality": "PERQ",
    "Value": "PERV",
    "Satisfaction": "CUSA",
    "Complaints": "CUSCO",
    "Loyalty": "CUSL",
}
BLOCKS = {b: [i for i in CORRELATIONS if i.startswith(prefix)] for b, prefix in PREFIXES.items()}
PATHS = [(a, b) for a, bs in {
    "Image": ["Expectation", "Satisfaction", "Loyalty"], "Expectation": ["Quality", "Value", "Satisfaction"],
    "Quality": ["Value", "Satisfaction"], "Value": ["Satisfaction"], "Satisfaction": ["Complaints", "Loyalty"],
    "Complaints": ["Loyalty"],
}.items() for b in bs]  # fmt: skip


def exact_sample(correlations: pd.DataFrame, n: int = 250, seed: int = 0) -> pd.DataFrame:
    """A sample whose correlations are exactly these, with mean 0 and standard deviation 1 (n - 1)."""
    noise = np.random.default_rng(seed).normal(size=(n, len(correlations)))
    q, _ = np.linalg.qr(noise - noise.mean(axis=0))
    values, vectors = np.linalg.eigh(correlations.to_numpy())
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return pd.DataFrame(q @ root * np.sqrt(n - 1), columns=list(correlations))


def published_sample(raw: bool = False) -> pd.DataFrame:
    """A sample with the published correlations of the ECSI mobile-phone survey; raw: its means and spreads too."""
    sample = exact_sample(CORRELATIONS)
    return sample * MOMENTS["std"] + MOMENTS["mean"] if raw else sample


def ecsi(**arguments) -> PLSResult:
    return PLSPathModel(published_sample(), BLOCKS, PATHS, **arguments).fit()


def textbook(survey, blocks, paths, scheme="path", modes=None, standardize=True):
    """PLS as the papers write it, step by step on scores: weights by item, path coefficients by pair."""
    x = survey - survey.mean()
    x = x / x.std() if standardize else x
    names = list(blocks)
    w = {b: np.ones(len(items)) for b, items in blocks.items()}
    for _ in range(1000):
        y = pd.DataFrame({b: x[blocks[b]] @ w[b] for b in names})
        w = {b: w[b] / y[b].std() for b in names}
        y = y / y.std()
        r, new = y.corr(), {}
        for b in names:
            before, after = [p for p, o in paths if o == b], [o for p, o in paths if p == b]
            e = {n: {"centroid": np.sign(r.loc[b, n]), "factorial": r.loc[b, n], "path": r.loc[b, n]}[scheme]
                 for n in before + after}  # fmt: skip
            if scheme == "path" and before:
                e |= dict(zip(before, np.linalg.lstsq(y[before], y[b], rcond=None)[0], strict=True))
            z = sum(e[n] * y[n] for n in e)
            block = x[blocks[b]].to_numpy()
            mode_b = (modes or {}).get(b) == "B"
            new[b] = np.linalg.lstsq(block, z, rcond=None)[0] if mode_b else block.T @ z / len(z)
        change = max(np.abs(new[b] / (x[blocks[b]] @ new[b]).std() - w[b]).max() for b in names)
        w = new
        if change < 1e-13:
            break
    for b in names:
        score = x[blocks[b]] @ w[b]
        w[b] = w[b] / score.std() * np.sign(sum(x[i].corr(score) for i in blocks[b]))
    y = pd.DataFrame({b: x[blocks[b]] @ w[b] for b in names})
    beta = {}
    for outcome in dict.fromkeys(o for _, o in paths):
        before = [p for p, o in paths if o == outcome]
        beta |= dict(zip([(p, outcome) for p in before], np.linalg.lstsq(y[before], y[outcome], rcond=None)[0],
                         strict=True))  # fmt: skip
    return pd.Series(np.concatenate([w[b] for b in names]), [i for b in names for i in blocks[b]]), beta


def factor_correlations(latent: pd.DataFrame, loadings: dict[str, list[float]]) -> tuple[pd.DataFrame, dict]:
    """Correlations of items that a factor model implies, and its blocks."""
    items = {b: [f"{b.lower()}{i}" for i in range(len(ls))] for b, ls in loadings.items()}
    flat, home = np.concatenate(list(loadings.values())), [b for b, ls in loadings.items() for _ in ls]
    r = np.outer(flat, flat) * latent.loc[home, home].to_numpy()
    np.fill_diagonal(r, 1.0)
    names = [i for block in items.values() for i in block]
    return pd.DataFrame(r, names, names), items


def random_survey(seed: int, n: int = 60, items: int = 3) -> tuple[pd.DataFrame, dict, list]:
    """Three related blocks; the second is reversed, so that signs matter."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = -0.6 * a + 0.8 * rng.normal(size=n)
    c = 0.5 * a - 0.4 * b + 0.7 * rng.normal(size=n)
    blocks = {name: [f"{name}{i}" for i in range(items)] for name in "ABC"}
    data = {i: score + rng.uniform(0.5, 1.2) * rng.normal(size=n) for score, block in zip((a, b, c), blocks.values(),
            strict=True) for i in block}  # fmt: skip
    return pd.DataFrame(data), blocks, [("A", "B"), ("A", "C"), ("B", "C")]


LATENT = pd.DataFrame([[1, 0.5, 0.45], [0.5, 1, 0.6], [0.45, 0.6, 1]], list("XYZ"), list("XYZ"))


def survey_1_to_10(seed: int = 5, n: int = 200) -> tuple[pd.DataFrame, dict, list]:
    survey, blocks, paths = random_survey(seed, n=n)
    survey[blocks["B"]] *= -1
    return (survey * 1.4 + 6).round().clip(1, 10), blocks, paths


def same(a: PLSResult, b: PLSResult, tolerance: float = 1e-8) -> bool:
    return (
        np.allclose(a.path_coefficients, b.path_coefficients.loc[list(a.path_coefficients), list(a.path_coefficients)],
                    atol=tolerance)
        and np.allclose(a.outer_loadings, b.outer_loadings[a.outer_loadings.index], atol=tolerance)
        and np.allclose(a.r_squared, b.r_squared[a.r_squared.index], atol=tolerance)
    )  # fmt: skip


def with_gaps(seed: int = 2) -> tuple[pd.DataFrame, dict, list]:
    survey, blocks, paths = random_survey(seed, n=100)
    return survey.mask(np.random.default_rng(seed).random(survey.shape) < 0.05), blocks, paths
