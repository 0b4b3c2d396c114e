"""Reliability, validity, collinearity and effect sizes, by hand and by regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pls_models import (
    BLOCKS,
    LATENT,
    PATHS,
    ecsi,
    exact_sample,
    factor_correlations,
    published_sample,
    random_survey,
)

from crmlab.pls import PLSPathModel


def test_htmt_and_reliability_by_hand():
    """Items that correlate .64 within X, .49 within Y and .28 between: HTMT .28/√(.64·.49) = .5, the latent r."""
    correlations, blocks = factor_correlations(LATENT, {"X": [0.8] * 3, "Y": [0.7] * 2, "Z": [0.6] * 2})
    sample = exact_sample(correlations)
    paths = [("X", "Y"), ("Y", "Z")]
    result = PLSPathModel(sample, blocks, paths).fit()
    assert np.allclose(result.htmt(), LATENT)
    quality = result.reliability()
    assert quality.loc["X", "cronbach_alpha"] == pytest.approx(3 / 2 * (1 - 3 / (3 + 6 * 0.64)))
    loading = np.sqrt((1 + 2 * 0.64) / 3)  # of equal items on their mean
    assert quality.loc["X", "ave"] == pytest.approx(loading**2)
    assert quality.loc["X", "rho_c"] == pytest.approx(
        9 * loading**2 / (9 * loading**2 + 3 * (1 - loading**2))
    )
    assert quality.loc["X", "rho_a"] == pytest.approx(quality.loc["X", "cronbach_alpha"])  # equal loadings
    reversed_item = PLSPathModel(sample.assign(x0=-sample["x0"]), blocks, paths).fit()
    assert np.allclose(reversed_item.htmt(), LATENT)  # absolute correlations
    table = result.fornell_larcker()
    assert table.loc["X", "X"] == pytest.approx(loading)
    assert table.loc["Y", "X"] == pytest.approx(result.scores.corr().loc["X", "Y"])
    assert np.isnan(table.loc["X", "Y"])


def test_alpha_is_standardised_whatever_the_scaling():
    survey = published_sample(raw=True)
    r = survey[BLOCKS["Quality"]].corr().to_numpy()
    for standardize in (True, False):
        alpha = (
            PLSPathModel(survey, BLOCKS, PATHS, standardize=standardize).fit().reliability()["cronbach_alpha"]
        )
        assert alpha["Quality"] == pytest.approx(7 / 6 * (1 - 7 / r.sum()))


def test_f_squared_of_single_items_by_hand():
    correlations = pd.DataFrame([[1, 0.3, 0.5], [0.3, 1, 0.4], [0.5, 0.4, 1]], list("abc"), list("abc"))
    result = PLSPathModel(exact_sample(correlations), {"A": ["a"], "B": ["b"], "C": ["c"]},
                          [("A", "B"), ("A", "C"), ("B", "C")]).fit()  # fmt: skip
    r2 = (0.25 + 0.16 - 2 * 0.3 * 0.5 * 0.4) / (1 - 0.09)
    f2 = result.f_squared()
    assert f2.loc["A", "C"] == pytest.approx((r2 - 0.16) / (1 - r2))
    assert f2.loc["B", "C"] == pytest.approx((r2 - 0.25) / (1 - r2))
    assert f2.loc["A", "B"] == pytest.approx(0.09 / 0.91)  # no predictor left: R² 0
    assert f2.loc["C", "A"] == 0
    vif = result.vif()
    assert vif.loc["A", "C"] == pytest.approx(1 / 0.91) and vif.loc["A", "B"] == pytest.approx(1)
    assert vif["A"].isna().all()


def test_f_squared_estimates_the_whole_model_again():
    result, survey = ecsi(), published_sample()
    f2 = result.f_squared()
    for path in [("Image", "Loyalty"), ("Value", "Satisfaction"), ("Complaints", "Loyalty")]:
        smaller = PLSPathModel(survey, BLOCKS, [p for p in PATHS if p != path]).fit()
        full, without = result.r_squared[path[1]], smaller.r_squared[path[1]]
        assert f2.loc[path] == pytest.approx((full - without) / (1 - full), abs=1e-10)
    lost = PLSPathModel(survey, {b: BLOCKS[b] for b in ("Image", "Value", "Loyalty")},
                        [("Image", "Loyalty"), ("Value", "Loyalty")]).fit()  # fmt: skip
    alone = PLSPathModel(survey, {b: BLOCKS[b] for b in ("Image", "Loyalty")}, [("Image", "Loyalty")]).fit()
    expected = (lost.r_squared["Loyalty"] - alone.r_squared["Loyalty"]) / (1 - lost.r_squared["Loyalty"])
    assert lost.f_squared().loc["Value", "Loyalty"] == pytest.approx(
        expected
    )  # Value leaves the smaller model


def test_vif_of_items_is_that_of_their_regression():
    survey = published_sample()
    items = BLOCKS["Image"]
    rest = survey[items[1:]]
    fitted = rest @ np.linalg.lstsq(rest, survey[items[0]], rcond=None)[0]
    vif = ecsi().vif(items=True)
    assert vif[items[0]] == pytest.approx(1 / (1 - survey[items[0]].corr(fitted) ** 2))
    assert vif["CUSCO"] == pytest.approx(1)


def test_vif_of_perfectly_collinear_items_is_infinite_and_only_theirs():
    survey, blocks, paths = random_survey(1, items=4)
    twice = survey.assign(A1=survey["A0"], B3=survey["B0"] - 2 * survey["B1"] + 5)
    vif = PLSPathModel(twice, blocks, paths).fit().vif(items=True)
    assert set(vif.index[np.isinf(vif)]) == {"A0", "A1", "B0", "B1", "B3"}
    for item, others in {"A2": ["A0", "A3"], "B2": ["B0", "B1"], "C0": ["C1", "C2", "C3"]}.items():
        others = twice[others] - twice[others].mean()
        fitted = others @ np.linalg.lstsq(others, twice[item] - twice[item].mean(), rcond=None)[0]
        assert vif[item] == pytest.approx(1 / (1 - twice[item].corr(fitted) ** 2))


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.filterwarnings("error")
def test_f_squared_of_a_perfect_copy_is_refused(items):
    survey, blocks, _ = random_survey(1, items=items)
    survey[blocks["B"]] = survey[blocks["A"]] * 3 + 1
    for paths in ([("A", "B"), ("B", "C")], [("A", "B"), ("A", "C")], [("A", "B")]):
        if items > 1 and len(paths) > 1:
            continue  # C makes the weights of A and B differ, so their scores are not the same
        linked = {b: blocks[b] for b in np.unique(paths)}
        result = PLSPathModel(survey, linked, paths).fit()
        assert 1 - 1e-12 < result.r_squared["B"] <= 1
        with pytest.raises(ValueError, match="f² of A -> B is undefined: R² of 'B' is 1"):
            result.f_squared()


@pytest.mark.parametrize("standardize", [True, False])
def test_rho_a_is_the_formula_of_dijkstra_and_henseler_2015(standardize):
    survey, blocks, paths = random_survey(6, items=4)
    survey["A1"] *= 7
    result = PLSPathModel(survey, blocks, paths, standardize=standardize).fit()
    for block, items in blocks.items():
        w = result.outer_weights[items].to_numpy()
        s = (survey[items].corr() if standardize else survey[items].cov()).to_numpy()
        off_s = s - np.diag(np.diag(s))
        off_w = np.outer(w, w) - np.diag(w**2)
        expected = (w @ w) ** 2 * (w @ off_s @ w) / (w @ off_w @ w)
        assert result.reliability().loc[block, "rho_a"] == pytest.approx(expected)


def test_tables_of_a_larger_model_by_brute_force():
    result = ecsi()
    scores = result.scores
    vif = result.vif()
    for outcome in ("Satisfaction", "Loyalty", "Value"):
        before = [a for a, b in PATHS if b == outcome]
        for predictor in before:
            others = scores[[name for name in before if name != predictor]]
            fitted = others @ np.linalg.lstsq(others, scores[predictor], rcond=None)[0]
            assert vif.loc[predictor, outcome] == pytest.approx(
                1 / (1 - fitted.var() / scores[predictor].var())
            )
    assert vif.notna().to_numpy().sum() == len(PATHS) and vif.isna().to_numpy().diagonal().all()
    quality = result.reliability()
    r = published_sample().corr().abs()
    for block, items in BLOCKS.items():
        loadings = result.outer_loadings[items].to_numpy()
        assert quality.loc[block, "ave"] == pytest.approx((loadings**2).mean())
        error = (1 - loadings**2).sum()
        assert quality.loc[block, "rho_c"] == pytest.approx(
            loadings.sum() ** 2 / (loadings.sum() ** 2 + error)
        )
    inside = {
        b: np.mean([r.loc[i, k] for i in items for k in items if i != k])
        for b, items in BLOCKS.items()
        if len(items) > 1
    }
    between = r.loc[BLOCKS["Image"], BLOCKS["Value"]].to_numpy().mean()
    assert result.htmt().loc["Image", "Value"] == pytest.approx(
        between / np.sqrt(inside["Image"] * inside["Value"])
    )
    table = result.fornell_larcker().to_numpy()
    assert np.isnan(table[np.triu_indices(7, k=1)]).all()
    assert np.allclose(table[np.tril_indices(7, k=-1)], scores.corr().to_numpy()[np.tril_indices(7, k=-1)])
    assert np.allclose(table.diagonal() ** 2, quality["ave"])


def test_vif_asks_for_a_truth_value():
    with pytest.raises(TypeError, match="items must be True or False, found 'no'"):
        ecsi().vif(items="no")


def test_f_squared_that_cannot_be_estimated_names_the_path():
    """Without A -> B, block B is linked to D alone, and correlates 0 with it."""
    rng = np.random.default_rng(0)
    survey = pd.DataFrame(rng.normal(size=(80, 4)), columns=list("abcd"))
    for item in "bc":
        survey[item] += survey["a"]
        survey[item] -= np.polyval(np.polyfit(survey["d"], survey[item], 1), survey["d"])
    blocks = {"A": ["a"], "D": ["d"], "B": ["b", "c"]}
    result = PLSPathModel(survey, blocks, [("A", "B"), ("D", "B")]).fit()
    with pytest.raises(ValueError, match="f² of A -> B: without this path, weights of 'B' undetermined"):
        result.f_squared()


@pytest.mark.parametrize("options", [{"modes": {"A": "B", "B": "B"}}, {"scheme": "centroid"}, {"standardize": False},
                                     {"consistent": True}])  # fmt: skip
def test_f_squared_keeps_every_setting(options):
    """One path less, refitted with the same settings, which change f² here."""
    rng = np.random.default_rng(2)
    latent = pd.DataFrame(rng.normal(size=(150, 4)), columns=list("ABCD"))
    latent["D"] += 0.6 * latent["A"] - 0.5 * latent["B"] + 0.4 * latent["C"]
    latent["C"] += 0.5 * latent["A"] - 0.4 * latent["B"]
    blocks = {name: [f"{name}{i}" for i in range(3)] for name in latent}
    survey = pd.DataFrame(
        {i: latent[i[0]] + (0.4 + 0.3 * int(i[1])) * rng.normal(size=150) for b in blocks.values() for i in b}
    )
    paths = [("A", "C"), ("B", "C"), ("A", "D"), ("B", "D"), ("C", "D")]
    result = PLSPathModel(survey, blocks, paths, **options).fit()
    plain = PLSPathModel(survey, blocks, paths).fit()
    for path in (("A", "D"), ("C", "D")):
        smaller = PLSPathModel(survey, blocks, [p for p in paths if p != path], **options).fit()
        full = result.r_squared["D"]
        assert result.f_squared().loc[path] == pytest.approx(
            (full - smaller.r_squared["D"]) / (1 - full), abs=1e-9
        )
        assert result.f_squared().loc[path] != pytest.approx(plain.f_squared().loc[path], abs=1e-6)
    before = ["A", "B", "C"]
    r = result.latent_correlations.loc[before, before]
    assert (r.to_numpy() < 0).any()
    assert np.allclose(result.vif().loc[before, "D"], np.linalg.inv(r).diagonal())
    table = result.fornell_larcker().to_numpy()
    below = np.tril_indices(4, k=-1)
    assert np.allclose(table[below], result.latent_correlations.to_numpy()[below])


def test_rho_c_of_a_block_with_a_reversed_item_counts_its_sign():
    survey, blocks, paths = random_survey(1)
    result = PLSPathModel(survey.assign(A2=-survey["A2"]), blocks, paths).fit()
    loadings = result.outer_loadings[blocks["A"]]
    assert loadings["A2"] < 0
    expected = loadings.sum() ** 2 / (loadings.sum() ** 2 + (1 - loadings**2).sum())
    assert result.reliability().loc["A", "rho_c"] == pytest.approx(expected)
    assert result.reliability().loc["A", "ave"] == pytest.approx((loadings**2).mean())


@pytest.mark.filterwarnings("error")
def test_what_would_divide_by_zero_is_nan():
    survey, blocks, _ = random_survey(1)
    opposite = {"A": ["A0", "A1"], "B": blocks["B"]}
    result = PLSPathModel(survey.assign(A1=-survey["A0"]), opposite, [("A", "B")]).fit()
    quality = result.reliability()
    assert quality.loc["A", ["cronbach_alpha", "rho_c"]].isna().all() and quality.loc["A", "ave"] == 1
    assert quality.loc["B"].notna().all()
    apart = pd.DataFrame({"x": [1, 1, 2, 2] * 5, "y": [1, 2, 1, 2] * 5})  # exactly uncorrelated
    apart = apart.assign(v=apart["x"] + apart["y"] + np.arange(20) % 3, w=np.arange(20))
    ratio = (
        PLSPathModel(apart, {"X": ["x", "y"], "V": ["v"], "W": ["w"]}, [("X", "V"), ("W", "V")]).fit().htmt()
    )
    assert ratio.loc["X", ["V", "W"]].isna().all() and (np.diagonal(ratio) == 1).all()
    assert ratio.loc["V", "W"] == pytest.approx(abs(apart["v"].corr(apart["w"])))


def test_f_squared_of_an_r_squared_beyond_1_blames_plsc():
    correlations, blocks = factor_correlations(LATENT, {"X": [0.5, 0.5], "Y": [0.5, 0.5], "Z": [0.6, 0.6]})
    for x in blocks["X"]:
        for y in blocks["Y"]:
            correlations.loc[x, y] = correlations.loc[y, x] = 0.3  # .25 would be a latent correlation of 1
    model = PLSPathModel(exact_sample(correlations), blocks, [("X", "Y"), ("Y", "Z")], consistent=True)
    with pytest.warns(UserWarning, match="not admissible"):
        result = model.fit()
    with pytest.raises(ValueError, match=r"R² of 'Y' is 1\.44\. Use consistent=False"):
        result.f_squared()
