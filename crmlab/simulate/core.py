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
    """Draw `n` rows of standard normal latent variables that follow `paths`; `names` in causal order."""
    correlation = correlations(paths, names)
    noise = rng.standard_normal((n, len(names)))
    out: dict[str, np.ndarray] = {}
    for k, name in enumerate(names):
        parents = [cause for cause, effect in paths if effect == name]
        weights = np.array([paths[cause, name] for cause in parents])
        fitted = sum((paths[cause, name] * out[cause] for cause in parents), np.zeros(n))
        explained = weights @ correlation.loc[parents, parents].to_numpy() @ weights
        out[name] = fitted + np.sqrt(1 - explained) * noise[:, k]
    return pd.DataFrame(out)


def correlations(paths: dict[tuple[str, str], float], names: tuple[str, ...]) -> pd.DataFrame:
    """Return the correlations that `paths` imply between unit-variance latent variables."""
    size = len(names)
    implied = np.eye(size)
    for k, name in enumerate(names):
        beta = np.array([paths.get((cause, name), 0.0) for cause in names[:k]])
        implied[k, :k] = implied[:k, :k] @ beta
        implied[:k, k] = implied[k, :k]
    return pd.DataFrame(implied, index=names, columns=names)


def spread(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each of ``counts.sum()`` items the row it belongs to, and its place in that row from 0."""
    counts = np.asarray(counts).astype(np.intp)  # on 32-bit systems `np.repeat` refuses int64
    row = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return row, np.arange(len(row)) - first[row]


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Round floats to six decimals, so that a file holds the same bytes everywhere; give dates one unit."""
    floats = frame.select_dtypes("float").columns
    times = frame.select_dtypes("datetime").columns
    return (
        frame.round(dict.fromkeys(floats, 6))
        .astype(dict.fromkeys(times, "datetime64[us]"))
        .reset_index(drop=True)
    )
