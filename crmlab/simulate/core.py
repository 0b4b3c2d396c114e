"""Tools that every process of the world uses: its own generator, copulas, picks and rounding."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
from scipy.special import expit


def generator(seed: int, process: str) -> np.random.Generator:
    """Return the generator of one process; its stream does not depend on any other process."""
    return np.random.default_rng([seed, zlib.crc32(process.encode())])


def pearson(rank: float) -> float:
    """Return the correlation of normal scores that gives the stated rank correlation."""
    return 2 * np.sin(np.pi * rank / 6)


def pick(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """Draw one column per row of `weights` (rows need not sum to one)."""
    edges = np.cumsum(weights, axis=1)
    return (rng.random(len(edges))[:, None] * edges[:, -1:] > edges[:, :-1]).sum(axis=1)


def chance(rng: np.random.Generator, logit: np.ndarray) -> np.ndarray:
    """Draw true with the probability whose log-odds are given."""
    return rng.random(len(logit)) < expit(logit)


def structural(
    rng: np.random.Generator, n: int, paths: dict[tuple[str, str], float], names: tuple[str, ...]
) -> pd.DataFrame:
    """Draw standard normal latent variables that follow `paths`; `names` in causal order, `n` rows."""
    correlation = correlations(paths, names)
    noise = rng.standard_normal((n, len(names)))
    out: dict[str, np.ndarray] = {}
    for k, name in enumerate(names):
        parents = [p for p, child in paths if child == name]
        weights = np.array([paths[p, name] for p in parents])
        fitted = sum((paths[p, name] * out[p] for p in parents), np.zeros(n))
        explained = weights @ correlation.loc[parents, parents].to_numpy() @ weights
        out[name] = fitted + np.sqrt(1 - explained) * noise[:, k]
    return pd.DataFrame(out)


def correlations(paths: dict[tuple[str, str], float], names: tuple[str, ...]) -> pd.DataFrame:
    """Return the correlations that `paths` imply between unit-variance latent variables."""
    size = len(names)
    implied = np.eye(size)
    for k, name in enumerate(names):
        beta = np.array([paths.get((p, name), 0.0) for p in names])
        implied[k, :k] = implied[:k, k] = (implied[:k, :k] @ beta[:k]) if k else 0
    return pd.DataFrame(implied, index=names, columns=names)


def tidy(frame: pd.DataFrame, digits: int = 6, **columns: int) -> pd.DataFrame:
    """Round every float column, so that a file holds the same bytes everywhere."""
    floats = {c: columns.get(c, digits) for c in frame.select_dtypes("float").columns}
    return frame.round(floats).reset_index(drop=True)
