"""The tools of the processes: generators, copulas, picks, latent variables, rounding."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from recovery import near_mean, near_share

from crmlab.simulate import core
from crmlab.simulate.processes import account_latents, index_model


def test_a_process_has_its_own_stream_by_seed_and_name():
    first = core.generator(3, "orders").random(1000)
    assert np.array_equal(first, np.random.default_rng([3, zlib.crc32(b"orders")]).random(1000))
    for other in (core.generator(3, "order_lines"), core.generator(4, "orders")):
        assert abs(np.corrcoef(first, other.random(1000))[0, 1]) < 0.12


@pytest.mark.parametrize("rank", [-0.5, 0.2, 0.8])
def test_normal_scores_get_the_stated_rank_correlation(rank):
    own = np.random.default_rng(1).standard_normal((200_000, 2))
    r = core.pearson(rank)
    tied = pd.DataFrame({"a": own[:, 0], "b": r * own[:, 0] + np.sqrt(1 - r**2) * own[:, 1]})
    assert tied.corr("spearman").loc["a", "b"] == pytest.approx(rank, abs=0.01)


def test_pick_draws_columns_by_weight():
    weights = np.array([3.0, 0.0, 5.0, 2.0])
    drawn = core.pick(np.random.default_rng(2), np.tile(weights, (50_000, 1)))
    for column, weight in enumerate(weights):
        near_share(drawn == column, weight / 10, column)
    # each row has its own weights
    sure = np.eye(3)[[2, 0, 1, 1]]
    assert core.pick(np.random.default_rng(2), sure).tolist() == [2, 0, 1, 1]


def test_chance_takes_log_odds():
    for logit, share in ((0.0, 0.5), (np.log(3), 0.75), (-np.log(9), 0.1)):
        near_share(core.chance(np.random.default_rng(4), np.full(50_000, logit)), share)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (index_model.STRUCTURAL, index_model.CONSTRUCTS),
        (account_latents.PATHS, account_latents.MODEL),
    ],
)
def test_correlations_are_those_that_the_paths_imply(paths, names):
    """Against the matrix form (I - B)^-1 Psi (I - B)^-T and against a large draw."""
    b = pd.DataFrame(0.0, names, names)
    for (cause, effect), value in paths.items():
        b.loc[effect, cause] = value
    implied = core.correlations(paths, names)
    inverse = np.linalg.inv(np.eye(len(names)) - b.to_numpy())
    left = 1 - np.einsum("ij,jk,ik->i", b, implied, b)  # what the parents do not explain
    assert implied.to_numpy() == pytest.approx(inverse @ np.diag(left) @ inverse.T)
    drawn = core.structural(np.random.default_rng(5), 100_000, paths, names)
    assert list(drawn) == list(names)
    assert np.abs(drawn.cov() - implied).to_numpy().max() < 0.02
    near_mean(drawn[names[-1]], 0)


@pytest.mark.parametrize("kind", [int, np.int32, np.int64, float])
def test_spread_repeats_rows_and_counts_within_them(kind):
    row, place = core.spread(np.array([2, 0, 3, 1], dtype=kind))
    assert row.tolist() == [0, 0, 2, 2, 2, 3]
    assert place.tolist() == [0, 1, 0, 1, 2, 0]
    assert row.dtype == place.dtype == np.intp


@pytest.mark.parametrize("counts", [[], [0, 0]])
def test_spread_of_nothing_is_nothing(counts):
    assert [len(part) for part in core.spread(np.array(counts, int))] == [0, 0]


def test_tidy_rounds_floats_and_leaves_the_rest():
    frame = pd.DataFrame({"x": [1 / 3, np.nan], "n": [1_234_567, 2], "s": ["a", "b"]}, index=[5, 3])
    wanted = pd.DataFrame({"x": [0.333333, np.nan], "n": [1_234_567, 2], "s": ["a", "b"]})
    assert_frame_equal(core.tidy(frame), wanted, check_exact=True)
