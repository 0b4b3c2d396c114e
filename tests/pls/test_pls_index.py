"""Index points: published figures, shifted answers, and scales that do not fit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from pls_models import (
    BLOCKS,
    MOMENTS,
    PATHS,
    REFERENCE,
    exact_sample,
    factor_correlations,
    published_sample,
    survey_1_to_10,
)

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
    assert change.name == "change" and change["A"] == 5 and change["B"] == pytest.approx(5 * slope)
    assert change["C"] == pytest.approx(5 * (beta[0] + slope * beta[1]))
    both = result.what_if({"A": 5, "B": 2})
    assert both["B"] == pytest.approx(5 * slope + 2) and both["C"] == pytest.approx(change["C"] + 2 * beta[1])
    table = result.importance_performance("C", 1, 10)
    assert list(table.index) == ["A", "B"]
    assert table.loc["A", "importance"] == pytest.approx(change["C"] / 5)
    assert table.loc["A", "total_effect"] == pytest.approx(result.total_effects.loc["A", "C"])
    assert np.allclose(table["index"], result.index(1, 10)[["A", "B"]])


@pytest.mark.parametrize("standardize", [True, False])
def test_plsc_moves_indices_as_latent_variables_without_error_would(standardize):
    """In a factor model an item moves by its loading, so the exact change of every index is known."""
    loadings = {"X": [0.9, 0.7, 0.6], "Y": [0.5, 0.5], "Z": [0.75, 0.75, 0.6, 0.4], "W": [1.0]}
    chain = np.array([0.5, 1, 0.6, 0.4])  # X -> Y, Y -> Z, Y -> W
    latent = np.where(np.eye(4), 1.0, np.outer(chain, chain))
    latent = pd.DataFrame(latent, list("XYZW"), list("XYZW"))
    correlations, blocks = factor_correlations(latent, loadings)
    spread = np.arange(1.0, 11.0)
    survey = exact_sample(correlations) * spread + 50
    model = dict(blocks=blocks, paths=[("X", "Y"), ("Y", "Z"), ("Y", "W")], standardize=standardize)
    result = PLSPathModel(survey, **model, consistent=True).fit()
    moved = result.index_weights() * np.concatenate(list(loadings.values())) * spread
    points = {block: moved[items].sum() for block, items in blocks.items()}  # by unit of the latent variable
    truth = {"X": 3, "Y": 3 * 0.5 * points["Y"] / points["X"]}
    truth |= {
        "Z": truth["Y"] * 0.6 * points["Z"] / points["Y"],
        "W": truth["Y"] * 0.4 * points["W"] / points["Y"],
    }
    change = result.what_if({"X": 3})
    assert all(change[block] == pytest.approx(points) for block, points in truth.items())
    table = result.importance_performance("Z", -100, 200)
    assert list(table.index) == ["X", "Y"]  # X through Y alone
    assert table.loc["X", "importance"] == pytest.approx(truth["Z"] / 3)
    assert table.loc["X", "total_effect"] == pytest.approx(0.3)


def test_index_refuses_the_wrong_scale():
    survey, blocks, paths = survey_1_to_10()
    result = PLSPathModel(survey, blocks, paths).fit()
    with pytest.raises(ValueError, match="off the scale from 1 to 5"):
        result.index(1, 5)
    for ends in ((10, 1), (5, 5)):
        with pytest.raises(ValueError, match=f"minimum must be below maximum, found {ends[0]} and {ends[1]}"):
            result.index(*ends)
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


@pytest.mark.parametrize("scale", [1, 1e6])
@pytest.mark.parametrize("noise", [-1e-12, 0, 1e-12])  # the sum is 0 within rounding, of either sign
def test_weights_that_cancel_out_make_no_index(scale, noise):
    survey, blocks, _ = survey_1_to_10()
    survey["A1"] = (11 - survey["A0"]) * (1 + noise)
    result = PLSPathModel(survey * scale, {"A": ["A0", "A1"], "B": blocks["B"]}, [("A", "B")]).fit()
    for weighting in ("raw", "standardized"):
        with pytest.raises(ValueError, match="weights of 'A' do not sum to a positive number"):
            result.index(0, 11 * scale, weighting)
    assert result.index_weights("equal")["A0"] == 0.5


def test_a_scale_from_1_to_7_needs_its_own_ends():
    """The same opinions, asked on 1 to 7: 71.5; read with 1 and 10 they would be 47.6. No answer shows the ends."""
    rng = np.random.default_rng(0)
    opinion = rng.normal(size=(300, 1))
    survey = pd.DataFrame(opinion + rng.normal(size=(300, 4)), columns=list("abcd"))
    survey = (survey - survey.mean()) / survey.std() * 0.4 + 5.29
    result = PLSPathModel(survey, {"X": ["a", "b"], "Y": ["c", "d"]}, [("X", "Y")]).fit()
    assert result.index(1, 7)["X"] == pytest.approx(71.5)
    with pytest.raises(TypeError, match="missing 2 required positional arguments: 'minimum' and 'maximum'"):
        result.index()
    with pytest.raises(TypeError, match="missing 2 required positional arguments: 'minimum' and 'maximum'"):
        result.importance_performance("Y")
    by_points = (survey - 1) / 6 * 100  # the scale has no unit
    again = PLSPathModel(by_points, {"X": ["a", "b"], "Y": ["c", "d"]}, [("X", "Y")]).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.allclose(again.index(0, 100), result.index(1, 7))


def test_answers_at_the_ends_are_on_the_scale_and_one_beyond_is_warned_about():
    survey, blocks, paths = survey_1_to_10()
    survey.iloc[0] = 1.0
    survey.iloc[1] = 10.0
    result = PLSPathModel(survey, blocks, paths).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # also where nobody ticks an end
        inside = result.index(1, 10)
        wide = result.index(0, 11)
    assert np.allclose(wide, (inside * 9 / 100 + 1) / 11 * 100)
    for low, high in ((1.01, 10), (1, 9.99)):
        with pytest.warns(
            UserWarning, match=r"answers from 1 to 10, off the scale .* such as index\(1, 7\)"
        ) as caught:
            index = result.index(low, high)
        assert caught[0].filename == __file__
        assert np.allclose(index, (inside * 9 / 100 + 1 - low) / (high - low) * 100)
    with pytest.warns(UserWarning, match="off the scale") as caught:
        result.importance_performance("C", 1, 9)
    assert caught[0].filename == __file__


def test_the_item_whose_mean_is_off_the_scale_is_named():
    survey, blocks, paths = survey_1_to_10()
    result = PLSPathModel(survey.assign(B1=survey["B1"] + 10, A0=survey["A0"] + 0.5), blocks, paths).fit()
    with pytest.raises(ValueError, match=r"item 'B1' has answers from .* off the scale from 1 to 10"):
        result.index(1, 10)
    odd = survey.assign(
        B1=survey["B1"] - survey["B1"].mean() + 10.1, A0=survey["A0"].where(survey.index > 0, 99)
    )
    with pytest.raises(ValueError, match="item 'B1' has answers"):  # its mean, though A0 has the worst answer
        PLSPathModel(odd, blocks, paths).fit().index(1, 10)
    low = PLSPathModel(survey.assign(C2=survey["C2"] - 10), blocks, paths).fit()
    with pytest.raises(ValueError, match="item 'C2' has answers"):
        low.importance_performance("C", 1, 10)


@pytest.mark.parametrize("ends", [(None, 10), (1, "10"), (1, np.nan), (1, np.inf), (True, 10), (1, 10**400)])
def test_ends_are_numbers(ends):
    survey, blocks, paths = survey_1_to_10()
    with pytest.raises(TypeError, match=r"(minimum|maximum) must be a finite number"):
        PLSPathModel(survey, blocks, paths).fit().index(*ends)


@pytest.mark.parametrize("standardize", [True, False])
def test_index_weights_by_hand(standardize):
    survey, blocks, paths = survey_1_to_10()
    survey["A1"] = survey["A1"] * 0.5 + 3
    result = PLSPathModel(survey, blocks, paths, standardize=standardize).fit()
    w = result.outer_weights
    raw = w / survey[w.index].std() if standardize else w
    by_block = {
        "raw": raw,
        "standardized": raw * survey[w.index].std(),
        "equal": raw * 0 + 1,
    }
    for weighting, weights in by_block.items():
        weights = weights / weights.groupby(lambda item: item[0]).transform("sum")
        assert np.allclose(result.index_weights(weighting), weights)
        assert result.index_weights(weighting).name == "index_weight"
        expected = 100 * ((weights * survey[w.index].mean()).groupby(lambda item: item[0]).sum() - 1) / 9
        assert np.allclose(result.index(1, 10, weighting), expected)


def test_what_if_refuses_what_is_no_number():
    survey, blocks, paths = survey_1_to_10()
    result = PLSPathModel(survey, blocks, paths).fit()
    for points in ("5", None, np.nan, True):
        with pytest.raises(TypeError, match=r"changes\['A'\] must be a finite number"):
            result.what_if({"A": points})
    assert (result.what_if({"C": 3}) == [0, 0, 3]).all()
    assert result.what_if({"A": -5}).equals(-result.what_if({"A": 5}))


def test_warnings_of_negative_weights_point_at_the_caller():
    survey, blocks, paths = survey_1_to_10()
    survey["A0"] = 11 - survey["A0"]
    result = PLSPathModel(survey, blocks, paths).fit()
    calls = [
        lambda: result.index_weights(),
        lambda: result.index(1, 10),
        lambda: result.what_if({"A": 1}),
        lambda: result.importance_performance("C", 1, 10),
    ]
    for call in calls:
        with pytest.warns(
            UserWarning, match=r"negative weights \(A0\): the index can leave 0 to 100"
        ) as caught:
            call()
        assert {warning.filename for warning in caught} == {__file__}
