"""A model as arrays: padded regressions against ordinary ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab._results import ReadOnly
from crmlab.pls._plan import Plan, Regressions


@given(seed=st.integers(0, 10**6), j=st.integers(2, 7))
def test_padded_regressions_equal_ordinary_ones(seed, j):
    rng = np.random.default_rng(seed)
    arrows = np.triu(rng.random((j, j)) < 0.5, k=1).astype(float)
    arrows[0, j - 1] = 1.0
    scores = rng.normal(size=(3, 50, j)) @ rng.normal(size=(j, j))
    r = np.array([np.corrcoef(sample.T) for sample in scores])
    regressions = Regressions.make(arrows)
    paths = regressions.coefficients(r)
    among = regressions.among_predictors(r)
    assert list(regressions.outcomes) == list(np.flatnonzero(arrows.sum(axis=0)))
    for m in range(3):
        expected = np.zeros((j, j))
        for k, outcome in enumerate(regressions.outcomes):
            before = np.flatnonzero(arrows[:, outcome])
            expected[before, outcome] = np.linalg.solve(r[m][np.ix_(before, before)], r[m][before, outcome])
            filled = np.eye(among.shape[-1])
            filled[: len(before), : len(before)] = r[m][np.ix_(before, before)]
            assert np.allclose(among[m, k], filled)
        assert np.allclose(paths[m], expected)
    filled = regressions.table(np.ones((1, *regressions.real.shape)))
    assert (filled == arrows).all()  # nothing beside the paths


def test_a_singular_sample_does_not_stop_the_others():
    arrows = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], float)
    sound = np.array([[1, 0.3, 0.5], [0.3, 1, 0.4], [0.5, 0.4, 1]])
    copied = np.array([[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]])
    regressions = Regressions.make(arrows)
    both = regressions.coefficients(np.array([copied, sound]))
    assert np.allclose(both[1], regressions.coefficients(sound[None])[0])
    assert both[0, :, 2] == pytest.approx([0.25, 0.25, 0])


def test_arrays_say_what_the_model_says():
    blocks = {"X": ("x",), "Y": ("y1", "y2"), "Z": ("z1", "z2", "z3")}
    paths = [("X", "Y"), ("X", "Z"), ("Y", "Z")]
    plan = Plan.make(blocks, paths, {"X": "B", "Y": "B", "Z": "A"}, ReadOnly())
    assert plan.items == ["x", "y1", "y2", "z1", "z2", "z3"] and plan.latents == ["X", "Y", "Z"]
    assert plan.arrows.tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert (plan.neighbours == plan.neighbours.T).all() and plan.neighbours.sum() == 6
    assert plan.formative.tolist() == [False, True, False]  # a single item needs no mode
    assert plan.single.tolist() == [True] + [False] * 5
    assert plan.member.sum(axis=0).tolist() == plan.size.tolist() == [1, 2, 3]
    table = np.arange(36).reshape(2, 6, 3)
    assert plan.own(table).tolist() == [[0, 4, 7, 11, 14, 17], [18, 22, 25, 29, 32, 35]]
