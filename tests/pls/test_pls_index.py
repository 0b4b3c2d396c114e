"""Index points: published figures, shifted answers, and scales that do not fit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from pls_models import BLOCKS, MOMENTS, PATHS, REFERENCE, exact_sample, published_sample, survey_1_to_10

from crmlab.pls import PLSPathModel


def test_index_of_raw_items_fornell_et_al_1996():
    """Means 8, 7.5, 7.2 with weights .3885, .3190, .2925 give 73.4056; equal weights 72.9630.

    Mode A weights of a block with one single-item neighbour are the correlations with it.
    """
    correlations = pd.DataFrame(np.full((4, 4), 0.5), list("abct"), list("abct"))
    correlations.loc["t", list("abc")] = correlations.loc[list("abc"), "t"] = 2 * np.array(
        [0.3885, 0.3190, 0.2925]
    )
    correlations = correlations.where(~np.eye(4, dtype=bool), 1.0)
    survey = exact_sample(correlations) * 0.5 + [8, 7.5, 7.2, 7]
    result = PLSPathModel(survey, {"S": list("abc"), "T": ["t"]}, [("S", "T")]).fit()
    assert np.allclose(result.index_weights()[:3], [0.3885, 0.3190, 0.2925])
    assert result.index(1, 10)["S"] == pytest.approx(73.4056, abs=1e-4)
    assert result.index(1, 10, "equal")["S"] == pytest.approx(72.9630, abs=1e-4)
    assert result.index(1, 10)["T"] == pytest.approx(600 / 9)
    wide = survey.assign(a=8 + 3 * (survey["a"] - 8))  # a spreads more: less weight in answers' units
    result = PLSPathModel(wide, {"S": list("abc"), "T": ["t"]}, [("S", "T")]).fit()
    raw = np.array([0.3885 / 3, 0.3190, 0.2925])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # single answers leave the scale
        assert result.index(1, 10)["S"] == pytest.approx(100 * (raw / raw.sum() @ [8, 7.5, 7.2] - 1) / 9)
        assert result.index(1, 10, weighting="standardized")["S"] == pytest.approx(73.4056, abs=1e-4)


def test_ecsi_index_uses_published_means():
    with pytest.warns(UserWarning, match="off the scale"):  # the rebuilt sample is not bound to 1 … 10
        result = PLSPathModel(published_sample(raw=True), BLOCKS, PATHS, scheme="centroid").fit()
        index = {
            weighting: result.index(1, 10, weighting=weighting)
            for weighting in ("raw", "standardized", "equal")
        }
    published = (
        pd.read_csv(REFERENCE / "ecsi_mobile_published.csv").query("table == 'outerWeights'").set_index("row")
    )
    for block, items in BLOCKS.items():
        w = published.loc[items, "value"]
        moments = MOMENTS.loc[items]
        for weighting, weights in {"raw": w / moments["std"], "standardized": w, "equal": w * 0 + 1}.items():
            expected = 100 * ((weights / weights.sum() * moments["mean"]).sum() - 1) / 9
            assert index[weighting][block] == pytest.approx(expected, abs=1e-5), (block, weighting)


@pytest.mark.parametrize("standardize", [True, False])
def test_what_if_moves_indices_as_shifted_answers_would(standardize):
    survey, blocks, paths = survey_1_to_10()
    result = PLSPathModel(survey, blocks, paths, standardize=standardize).fit()
    weights = result.index_weights()
    assert np.allclose([weights[items].sum() for items in blocks.values()], 1)
    index = pd.DataFrame({b: (survey[i] @ weights[i] - 1) / 9 * 100 for b, i in blocks.items()})
    assert np.allclose(index.mean(), result.index(1, 10))
    assert np.allclose(index.corr(), result.scores.corr())  # the raw index is the score in other units
    beta = np.linalg.lstsq(
        index[["A", "B"]] - index[["A", "B"]].mean(), index["C"] - index["C"].mean(), rcond=None
    )[0]
    slope = (index["A"] - index["A"].mean()) @ index["B"] / ((index["A"] - index["A"].mean()) ** 2).sum()
    change = result.what_if({"A": 5})
    assert change["A"] == 5 and change["B"] == pytest.approx(5 * slope)
    assert change["C"] == pytest.approx(5 * (beta[0] + slope * beta[1]))
    both = result.what_if({"A": 5, "B": 2})
    assert both["B"] == pytest.approx(5 * slope + 2) and both["C"] == pytest.approx(change["C"] + 2 * beta[1])
    table = result.importance_performance("C", 1, 10)
    assert list(table.index) == ["A", "B"]
    assert table.loc["A", "importance"] == pytest.approx(change["C"] / 5)
    assert table.loc["A", "total_effect"] == pytest.approx(result.total_effects.loc["A", "C"])
    assert np.allclose(table["index"], result.index(1, 10)[["A", "B"]])


def test_index_refuses_the_wrong_scale():
    survey, blocks, paths = survey_1_to_10()
    result = PLSPathModel(survey, blocks, paths).fit()
    with pytest.raises(ValueError, match="off the scale from 1 to 5"):
        result.index(1, 5)
    with pytest.raises(ValueError, match="minimum must be below maximum"):
        result.index(10, 1)
    with pytest.raises(ValueError, match="Did you mean 'raw'"):
        result.index(1, 10, weighting="rew")
    with pytest.warns(UserWarning, match="off the scale"):
        result.index(1, 9)
    with pytest.raises(ValueError, match="nothing acts on 'A'"):
        result.importance_performance("A", 1, 10)
    with pytest.raises(ValueError, match="changes names 'D'"):
        result.what_if({"D": 1})
    with pytest.raises(ValueError, match="dictionary"):
        result.what_if({})


def test_negative_weights_are_named():
    survey, blocks, paths = survey_1_to_10()
    survey["A0"] = 11 - survey["A0"]
    result = PLSPathModel(survey, blocks, paths).fit()
    with pytest.warns(UserWarning, match=r"negative weights \(A0\)"):
        result.index(1, 10)
    narrow = survey.assign(A0=survey["A0"] / 100)  # in answers' units the reversed item outweighs the others
    with pytest.raises(ValueError, match=r"weights of 'A' do not sum to a positive number. Reverse"):
        PLSPathModel(narrow, blocks, paths).fit().what_if({"A": 1})
