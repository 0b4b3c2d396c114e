"""Effects, scores and labels of a fitted model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pls_models import ecsi, with_gaps

from crmlab.pls import PLSPathModel


def test_effects_are_products_along_ways():
    result = ecsi()
    b, total = result.direct_effects, result.total_effects
    by_hand = b.loc["Quality", "Satisfaction"] + b.loc["Quality", "Value"] * b.loc["Value", "Satisfaction"]
    assert total.loc["Quality", "Satisfaction"] == pytest.approx(by_hand)
    assert np.allclose(np.linalg.inv(np.eye(7) - b) - np.eye(7), total)
    assert np.allclose(result.indirect_effects, total - b)
    assert result.indirect_effects.loc["Image", "Expectation"] == 0


def test_indirect_effects_run_along_ways_of_every_length():
    """A chain of five single items: the effect of the first on the last is the product of four paths."""
    rng = np.random.default_rng(3)
    survey = pd.DataFrame({"a": rng.normal(size=90)})
    for before, item in zip("abcd", "bcde", strict=True):
        survey[item] = survey[before] + rng.normal(size=90)
    blocks = {item.upper(): [item] for item in "abcde"}
    result = PLSPathModel(survey, blocks, list(zip("ABCD", "BCDE", strict=True))).fit()
    r = survey.corr()
    steps = [r.loc[pair] for pair in zip("abcd", "bcde", strict=True)]
    for start in range(4):
        for end in range(start + 1, 5):
            product = np.prod(steps[start:end])
            names = "ABCDE"[start], "ABCDE"[end]
            assert result.total_effects.loc[names] == pytest.approx(product)
            expected = product if end > start + 1 else 0.0
            assert result.indirect_effects.loc[names] == pytest.approx(expected)
    assert not result.total_effects.to_numpy()[np.tril_indices(5)].any()


def test_scores_keep_the_rows_of_the_survey_and_count_a_missing_answer_as_the_mean():
    survey, blocks, paths = with_gaps()
    survey.index = [f"r{i}" for i in range(len(survey))]
    result = PLSPathModel(survey, blocks, paths).fit()
    filled = survey.fillna(survey.mean())
    z = (filled - filled.mean()) / filled.std()
    for block, items in blocks.items():
        assert np.allclose(result.scores[block], z[items] @ result.outer_weights[items])
    assert list(result.scores.index) == list(survey.index)


@pytest.mark.parametrize("name", ["path_coefficients", "total_effects", "r_squared", "latent_correlations",
                                  "outer_weights", "outer_loadings", "cross_loadings", "scores"])  # fmt: skip
def test_every_frame_is_a_fresh_copy(name):
    result = ecsi()
    before = getattr(result, name).copy()
    frame = getattr(result, name)
    frame.iloc[:] = 99.0
    assert getattr(result, name).equals(before)
