"""crmlab.pls against published figures, closed forms, a textbook implementation on scores, and laws."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import pls
from crmlab.pls import PLSPathModel, bootstrap

REFERENCE = Path(__file__).resolve().parents[1] / "datasets" / "reference"
CORRELATIONS = pd.read_csv(REFERENCE / "ecsi_mobile_correlations.csv", index_col="item")
MOMENTS = pd.read_csv(REFERENCE / "ecsi_mobile_moments.csv", index_col="item")
PREFIXES = dict(Image="IMAG", Expectation="CUEX", Quality="PERQ", Value="PERV", Satisfaction="CUSA")
PREFIXES |= dict(Complaints="CUSCO", Loyalty="CUSL")
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


def ecsi(**arguments) -> pls.PLSResult:
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


# --- published figures -----------------------------------------------------------------------------------------------


def test_ecsi_mobile_centroid_smartpls2_in_monecke_leisch_2012():
    result = ecsi(scheme="centroid")
    frames = {"pathCoefficients": result.path_coefficients, "totalEffects": result.total_effects}
    published = pd.read_csv(REFERENCE / "ecsi_mobile_published.csv")
    assert published.groupby("table").size().to_dict() == {
        "outerWeights": 24,
        "pathCoefficients": 12,
        "totalEffects": 21,
    }
    for row in published.itertuples():
        ours = (
            result.outer_weights[row.row]
            if row.table == "outerWeights"
            else frames[row.table].loc[row.row, row.col]
        )
        assert ours == pytest.approx(row.value, abs=1e-7), row
    assert (result.path_coefficients.to_numpy() != 0).sum() == 12  # zeros where there is no path
    assert (result.total_effects.to_numpy() != 0).sum() == 21


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
            weighting: result.index(1, 10, weighting=weighting) for weighting in ("raw", "standardized", "equal")
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


# --- closed forms and independent computation ------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["path", "centroid", "factorial"])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("modes", [None, {"Quality": "B", "Image": "B"}])
def test_schemes_scalings_and_modes_agree_with_a_textbook_implementation(scheme, standardize, modes):
    survey = published_sample(raw=True)
    w, beta = textbook(survey, BLOCKS, PATHS, scheme, modes, standardize)
    result = PLSPathModel(survey, BLOCKS, PATHS, scheme=scheme, modes=modes, standardize=standardize).fit()
    assert np.allclose(result.outer_weights[w.index], w, atol=1e-8)
    assert all(result.path_coefficients.loc[pair] == pytest.approx(b, abs=1e-8) for pair, b in beta.items())
    x = survey - survey.mean()
    x = x / x.std() if standardize else x
    scores = result.scores
    assert scores.index.equals(survey.index)
    for block, items in BLOCKS.items():
        assert np.allclose(scores[block], x[items] @ w[items], atol=1e-7)
    assert np.allclose(scores.std(), 1) and np.allclose(scores.mean(), 0)
    cross = pd.concat([survey, scores], axis=1).corr().loc[list(survey), list(BLOCKS)]
    assert np.allclose(result.cross_loadings, cross.loc[result.cross_loadings.index])
    home = {i: b for b, items in BLOCKS.items() for i in items}
    assert all(result.outer_loadings[i] == pytest.approx(cross.loc[i, b]) for i, b in home.items())
    assert np.allclose(result.latent_correlations, scores.corr())


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=20, deadline=None)
def test_two_block_model_equals_the_closed_form(seed, mode_b):
    """Mode A: first singular vectors of the cross-covariances. Mode B: the first canonical correlation."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(80, 5)) + rng.normal(size=(80, 1)), columns=list("abcde"))
    r = data.corr().to_numpy()
    modes = dict.fromkeys(["X", "Y"], "B" if mode_b else "A")
    result = PLSPathModel(data, {"X": ["a", "b"], "Y": ["c", "d", "e"]}, [("X", "Y")], modes=modes).fit()
    if mode_b:
        lx, ly = (np.linalg.inv(np.linalg.cholesky(block)) for block in (r[:2, :2], r[2:, 2:]))
        u, s, vt = np.linalg.svd(lx @ r[:2, 2:] @ ly.T)
        u, v, path = lx.T @ u[:, 0], ly.T @ vt[0], s[0]
    else:
        u, s, vt = np.linalg.svd(r[:2, 2:])
        u, v = u[:, 0], vt[0]
        path = u @ r[:2, 2:] @ v / np.sqrt((u @ r[:2, :2] @ u) * (v @ r[2:, 2:] @ v))
    if s[0] - s[1] < 0.02:  # nearly the same singular values: the direction is not determined
        return
    w = result.outer_weights.to_numpy()
    assert abs(result.path_coefficients.loc["X", "Y"]) == pytest.approx(abs(path), abs=1e-8)
    assert abs(w[:2] @ u) == pytest.approx(np.linalg.norm(w[:2]) * np.linalg.norm(u), abs=1e-7)
    assert abs(w[2:] @ v) == pytest.approx(np.linalg.norm(w[2:]) * np.linalg.norm(v), abs=1e-7)


def test_single_item_blocks_are_ordinary_regression():
    survey, _, _ = random_survey(3, items=1)
    result = PLSPathModel(survey, {"X": ["A0"], "Z": ["B0"], "Y": ["C0"]}, [("X", "Y"), ("Z", "Y")]).fit()
    z = (survey - survey.mean()) / survey.std()
    beta = np.linalg.lstsq(z[["A0", "B0"]], z["C0"], rcond=None)[0]
    assert np.allclose(result.path_coefficients.loc[["X", "Z"], "Y"], beta)
    assert np.allclose(result.scores, z) and np.allclose(result.outer_weights, 1)
    assert (result.reliability() == 1).all(axis=None)
    assert np.allclose(result.htmt(), survey.corr().abs())  # single items: the absolute correlations
    assert result.path_coefficients["Z"].eq(0).all() and result.r_squared[["X", "Z"]].eq(0).all()


ZEROS = pd.DataFrame({"x": [1, 1, 2, 2] * 5, "y": [1, 2, 1, 2] * 5})  # x and y are exactly uncorrelated
SCHEMES = ["path", "centroid", "factorial"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("standardize", [True, False])
def test_correlations_of_exactly_zero_are_estimated(scheme, standardize):
    survey = ZEROS.assign(z=ZEROS["x"] * 2 + np.arange(20) % 7, u=ZEROS["x"] + np.arange(20) % 3)
    options = dict(scheme=scheme, standardize=standardize)
    result = PLSPathModel(survey, {"X": ["x"], "Y": ["y"]}, [("X", "Y")], **options).fit()
    assert result.path_coefficients.loc["X", "Y"] == 0 and result.r_squared["Y"] == 0
    assert np.isfinite(result.bootstrap(50).draws()).all(axis=None)
    blocks, paths = {"X": ["x"], "Y": ["y"], "Z": ["z"]}, [("X", "Y"), ("X", "Z")]
    result = PLSPathModel(survey, blocks, paths, **options).fit()
    assert result.path_coefficients.loc["X", "Y"] == 0
    assert result.path_coefficients.loc["X", "Z"] == pytest.approx(survey["x"].corr(survey["z"]))
    result = PLSPathModel(survey, blocks | {"Z": ["z", "u"]}, paths, **options).fit()
    weights = result.outer_weights[["z", "u"]] / [1 if standardize else survey[i].std() for i in "zu"]
    assert weights["z"] * survey["x"].corr(survey["u"]) == pytest.approx(
        weights["u"] * survey["x"].corr(survey["z"])
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("mode", ["A", "B"])
def test_a_first_score_that_correlates_with_nothing_does_not_stop_the_algorithm(scheme, mode):
    """Items that correlate .5 and -.5 with y: their sum, where the algorithm starts, correlates 0."""
    survey = pd.DataFrame({"y": [-1, -1, 1, 1] * 3, "e": [-1, 1, -1, 1] * 3, "g": [2, -1, -1, 2] * 3})
    survey = survey.assign(a=survey["y"] + 2 * survey["e"], b=2 * survey["e"] - survey["y"])
    result = PLSPathModel(
        survey, {"X": ["a", "b"], "Y": ["y"]}, [("X", "Y")], scheme=scheme, modes={"X": mode}
    ).fit()
    assert abs(result.path_coefficients.loc["X", "Y"]) == pytest.approx(1)
    assert result.outer_weights["a"] == pytest.approx(-result.outer_weights["b"])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("mode", ["A", "B"])
@pytest.mark.parametrize("shift", [0, 0.1])  # 0: correlations of exactly 0; 0.1: 0 within rounding
def test_a_block_that_correlates_with_nothing_has_no_weights(scheme, mode, shift):
    survey = ZEROS.head(16)
    survey = survey.assign(v=survey["y"] + np.repeat([0, 1], 8)) * (1 + shift) + shift
    blocks = {"X": ["x"], "Y": ["y", "v"]}
    with pytest.raises(
        ValueError, match="weights of 'Y' undetermined: its items correlate with no neighbour"
    ):
        PLSPathModel(survey, blocks, [("X", "Y")], scheme=scheme, modes={"Y": mode}).fit()


def test_effects_are_products_along_ways():
    result = ecsi()
    b, total = result.direct_effects, result.total_effects
    by_hand = b.loc["Quality", "Satisfaction"] + b.loc["Quality", "Value"] * b.loc["Value", "Satisfaction"]
    assert total.loc["Quality", "Satisfaction"] == pytest.approx(by_hand)
    assert np.allclose(np.linalg.inv(np.eye(7) - b) - np.eye(7), total)
    assert np.allclose(result.indirect_effects, total - b)
    assert result.indirect_effects.loc["Image", "Expectation"] == 0


LATENT = pd.DataFrame([[1, 0.5, 0.45], [0.5, 1, 0.6], [0.45, 0.6, 1]], list("XYZ"), list("XYZ"))


@pytest.mark.parametrize("scheme", ["path", "centroid", "factorial"])
def test_plsc_recovers_a_factor_model_exactly_dijkstra_henseler_2015(scheme):
    loadings = {"X": [0.9, 0.7, 0.6], "Y": [0.8, 0.5], "Z": [0.75, 0.75, 0.6, 0.4]}
    correlations, blocks = factor_correlations(LATENT, loadings)
    sample, paths = exact_sample(correlations), [("X", "Y"), ("X", "Z"), ("Y", "Z")]
    result = PLSPathModel(sample, blocks, paths, scheme=scheme, consistent=True).fit()
    true = np.linalg.solve(LATENT.loc[["X", "Y"], ["X", "Y"]], LATENT.loc[["X", "Y"], "Z"])
    assert np.allclose(result.latent_correlations, LATENT)
    assert np.allclose(result.path_coefficients.loc[["X", "Y"], "Z"], true)
    assert result.r_squared["Z"] == pytest.approx(true @ LATENT.loc[["X", "Y"], "Z"])
    flat = np.concatenate(list(loadings.values()))
    assert np.allclose(result.outer_loadings, flat)
    home = [b for b, items in blocks.items() for _ in items]
    assert np.allclose(result.cross_loadings, flat[:, None] * LATENT.loc[home].to_numpy())
    quality = result.reliability()
    assert quality.loc["Y", "ave"] == pytest.approx((0.64 + 0.25) / 2)
    assert quality.loc["Y", "rho_c"] == pytest.approx(1.3**2 / (1.3**2 + 0.36 + 0.75))
    plain = PLSPathModel(sample, blocks, paths, scheme=scheme).fit()
    assert np.allclose(plain.outer_weights, result.outer_weights) and np.allclose(plain.scores, result.scores)
    reliability = plain.latent_correlations.loc["X", "Y"] / np.sqrt(
        quality["rho_a"]["X"] * quality["rho_a"]["Y"]
    )
    assert reliability == pytest.approx(0.5)  # correction for attenuation
    raw = sample * np.arange(1, 10)
    assert np.allclose(PLSPathModel(raw, blocks, paths, consistent=True).fit().path_coefficients,
                       PLSPathModel(sample, blocks, paths, consistent=True).fit().path_coefficients)  # fmt: skip


def test_plsc_leaves_mode_b_and_single_items_alone():
    correlations, blocks = factor_correlations(
        LATENT, {"X": [0.9, 0.7, 0.6], "Y": [0.8], "Z": [0.7, 0.7, 0.7]}
    )
    model = dict(paths=[("X", "Y"), ("Y", "Z")], modes={"X": "B"})
    sample = exact_sample(correlations)
    plain, corrected = (PLSPathModel(sample, blocks, **model, consistent=c).fit() for c in (False, True))
    assert plain.path_coefficients.loc["X", "Y"] == pytest.approx(corrected.path_coefficients.loc["X", "Y"])
    assert np.allclose(plain.outer_loadings[:4], corrected.outer_loadings[:4])
    ratio = corrected.path_coefficients.loc["Y", "Z"] / plain.path_coefficients.loc["Y", "Z"]
    assert ratio == pytest.approx(1 / np.sqrt(corrected.reliability()["rho_a"]["Z"]))
    quality = corrected.reliability().loc["X"]
    assert quality["rho_a"] == 1 and quality[["cronbach_alpha", "rho_c", "ave"]].isna().all()


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


# --- indices and decisions -------------------------------------------------------------------------------------------


def survey_1_to_10(seed: int = 5, n: int = 200) -> tuple[pd.DataFrame, dict, list]:
    survey, blocks, paths = random_survey(seed, n=n)
    survey[blocks["B"]] *= -1
    return (survey * 1.4 + 6).round().clip(1, 10), blocks, paths


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


# --- laws ------------------------------------------------------------------------------------------------------------


def same(a: pls.PLSResult, b: pls.PLSResult, tolerance: float = 1e-8) -> bool:
    return (
        np.allclose(a.path_coefficients, b.path_coefficients.loc[list(a.path_coefficients), list(a.path_coefficients)],
                    atol=tolerance)
        and np.allclose(a.outer_loadings, b.outer_loadings[a.outer_loadings.index], atol=tolerance)
        and np.allclose(a.r_squared, b.r_squared[a.r_squared.index], atol=tolerance)
    )  # fmt: skip


@given(
    seed=st.integers(0, 10**6),
    scheme=st.sampled_from(["path", "centroid", "factorial"]),
    consistent=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_order_scale_and_copies_change_nothing(seed, scheme, consistent):
    survey, blocks, paths = random_survey(seed, n=120)
    rng = np.random.default_rng(seed)
    options = dict(scheme=scheme, consistent=consistent)

    def fit(data, b=blocks, p=paths):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return PLSPathModel(data, b, p, **options).fit()
        except ValueError as error:
            assert consistent and ("rho_A" in str(error) or "PLSc" in str(error))
            return None

    if (base := fit(survey)) is None:
        return
    assert same(base, fit(survey.sample(frac=1, random_state=seed)))
    shuffled = {b: list(rng.permutation(blocks[b])) for b in rng.permutation(list(blocks))}
    assert same(base, fit(survey[rng.permutation(survey.columns)], shuffled, paths[::-1]))
    assert same(base, fit((survey - 1) / 9 * 100)) and same(base, fit(survey * rng.uniform(0.1, 50, 9) - 7))
    assert same(base, fit(pd.concat([survey, survey])))
    turned = fit(survey.assign(**{i: -survey[i] for i in blocks["A"]}))  # "good" becomes "bad" for one block
    assert np.allclose(turned.path_coefficients.loc["A"], -base.path_coefficients.loc["A"], atol=1e-8)
    assert np.allclose(turned.outer_weights, base.outer_weights, atol=1e-8)


@given(seed=st.integers(0, 10**6), scheme=st.sampled_from(["path", "centroid", "factorial"]))
@settings(max_examples=15, deadline=None)
def test_any_sample_agrees_with_the_textbook(seed, scheme):
    survey, blocks, paths = random_survey(seed)
    result = PLSPathModel(survey, blocks, paths, scheme=scheme).fit()
    w, beta = textbook(survey, blocks, paths, scheme)
    assert np.allclose(result.outer_weights, w, atol=1e-7)
    assert all(result.path_coefficients.loc[pair] == pytest.approx(b, abs=1e-7) for pair, b in beta.items())
    assert (result.outer_loadings.groupby(lambda i: i[0]).sum() > 0).all()  # the sign rule


def test_centred_items_weigh_by_their_spread():
    survey, blocks, paths = random_survey(8)
    wide = survey.assign(A0=survey["A0"] * 20)
    raw = [PLSPathModel(s, blocks, paths, standardize=False).fit() for s in (survey, wide, survey * 9 + 3)]
    assert raw[1].outer_loadings["A0"] > raw[0].outer_loadings["A0"]
    assert same(raw[0], raw[2]) and np.allclose(raw[2].outer_weights * 9, raw[0].outer_weights)
    assert not same(raw[0], PLSPathModel(survey, blocks, paths).fit(), 1e-4)


def test_hundred_thousand_rows_and_batches_of_rows_give_the_same_covariances(monkeypatch):
    values = np.random.default_rng(0).normal(size=(1000, 6))
    values -= values.mean(axis=0)
    counts = np.random.default_rng(1).multinomial(1000, np.full(1000, 0.001), size=3).astype(float)
    whole = bootstrap._covariances(values, counts)
    monkeypatch.setattr(bootstrap, "_BATCH", 1000)
    assert np.allclose(bootstrap._covariances(values, counts), whole)
    for s, c in zip(whole, counts, strict=True):
        assert np.allclose(s, np.cov(np.repeat(values, c.astype(int), axis=0).T))


# --- missing answers -------------------------------------------------------------------------------------------------


def with_gaps(seed: int = 2) -> tuple[pd.DataFrame, dict, list]:
    survey, blocks, paths = random_survey(seed, n=100)
    return survey.mask(np.random.default_rng(seed).random(survey.shape) < 0.05), blocks, paths


def test_missing_rules_are_what_they_say():
    survey, blocks, paths = with_gaps()
    survey.index = survey.index + 1000
    filled = PLSPathModel(survey, blocks, paths, missing="mean").fit()
    assert same(filled, PLSPathModel(survey.fillna(survey.mean()), blocks, paths, missing="raise").fit())
    dropped = PLSPathModel(survey.assign(unused=np.nan), blocks, paths, missing="drop").fit()
    assert same(dropped, PLSPathModel(survey.dropna(), blocks, paths).fit())
    assert dropped.scores.index.equals(survey.dropna().index) and len(filled.scores) == 100
    assert dropped.settings["respondents"] == len(survey.dropna())
    with pytest.raises(ValueError, match=r"respondents have missing answers, most of them to item '[ABC]"):
        PLSPathModel(survey, blocks, paths, missing="raise").fit()


def test_nullable_and_boolean_columns_are_numbers():
    survey, blocks, paths = survey_1_to_10()
    nullable = survey.astype("Int64")
    nullable.loc[3, "A0"] = pd.NA
    floats = survey.copy()
    floats.loc[3, "A0"] = np.nan
    assert same(PLSPathModel(nullable, blocks, paths).fit(), PLSPathModel(floats, blocks, paths).fit())
    flags = survey.assign(A0=survey["A0"] > 6)
    assert same(
        PLSPathModel(flags, blocks, paths).fit(), PLSPathModel(flags.astype(float), blocks, paths).fit()
    )


# --- bootstrap -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"missing": "drop"}, {"scheme": "centroid", "modes": {"A": "B"}},
                                     {"standardize": False}, {"consistent": True, "scheme": "factorial"}])  # fmt: skip
def test_bootstrap_equals_refitting_every_resample(options, monkeypatch):
    survey, blocks, paths = with_gaps()
    monkeypatch.setattr(bootstrap, "_BATCH", 16 * 81 * 7)  # batches of seven
    result = PLSPathModel(survey, blocks, paths, **options).fit()
    boot = result.bootstrap(20, seed=4)
    rows = np.random.default_rng(4).integers(0, len(result.scores), size=(20, len(result.scores)))
    base = survey.dropna() if options.get("missing") == "drop" else survey
    home = [b for b, items in blocks.items() for _ in items]
    refits = {
        of: []
        for of in ("path_coefficients", "outer_weights", "outer_loadings", "total_effects", "r_squared")
    }
    for draw in rows:
        again = PLSPathModel(base.iloc[draw], blocks, paths, **options).fit()
        agree = (
            pd.Series(again.outer_loadings.to_numpy() * result.outer_loadings.to_numpy(), home)
            .groupby(level=0)
            .sum()
        )
        sign = np.sign(agree[list(blocks)])
        item_sign = sign[home].to_numpy()
        both = np.outer(sign, sign)
        refits["path_coefficients"].append([(again.path_coefficients * both).loc[p] for p in paths])
        refits["total_effects"].append([(again.total_effects * both).loc[p] for p in paths])
        refits["outer_weights"].append(again.outer_weights.to_numpy() * item_sign)
        refits["outer_loadings"].append(again.outer_loadings.to_numpy() * item_sign)
        refits["r_squared"].append(again.r_squared[["B", "C"]])
    for of, expected in refits.items():
        draws = boot.draws(of)
        assert np.allclose(draws, np.array(expected, float), atol=1e-8), of
        summary = boot.summary(of, level=0.9)
        assert np.allclose(summary["se"], np.std(expected, axis=0, ddof=1))
        assert np.allclose(summary["lower"], np.quantile(expected, 0.05, axis=0))
        assert np.allclose(summary["upper"], np.quantile(expected, 0.95, axis=0))
    estimate = boot.summary()["estimate"]
    assert all(estimate[p] == result.path_coefficients.loc[p] for p in paths)


def test_bootstrap_is_seeded_and_does_not_depend_on_batches(monkeypatch):
    result = ecsi()
    first, again, other = (result.bootstrap(60, seed=s).draws() for s in (1, 1, 2))
    assert first.equals(again) and not np.allclose(first, other)
    monkeypatch.setattr(bootstrap, "_BATCH", 16 * 24 * 24 * 11)
    assert np.allclose(result.bootstrap(60, seed=1).draws(), first, atol=1e-10)
    longer = result.bootstrap(75, seed=1).draws()
    assert np.allclose(longer[:60], first, atol=1e-10)


def test_bootstrap_summary_of_a_correlation_is_near_its_theory():
    """Two single items: the path is r, its standard error about (1 - r²)/√n, t and p from it."""
    correlations = pd.DataFrame([[1, 0.5], [0.5, 1]], list("ab"), list("ab"))
    boot = (
        PLSPathModel(exact_sample(correlations, n=400), {"A": ["a"], "B": ["b"]}, [("A", "B")])
        .fit()
        .bootstrap(2000)
    )
    row = boot.summary().loc[("A", "B")]
    assert row["se"] == pytest.approx(0.75 / 20, rel=0.12) and row["mean"] == pytest.approx(0.5, abs=0.005)
    assert (
        row["lower"] == pytest.approx(0.5 - 1.96 * 0.0375, abs=0.015)
        and row["t"] == row["estimate"] / row["se"]
    )
    assert 0 < row["p"] < 1e-20
    weight = boot.summary("outer_weights").loc["a"]
    assert weight["se"] == pytest.approx(0, abs=1e-12) and np.isnan(weight["t"]) and np.isnan(weight["p"])


def test_resamples_that_fail_are_counted_and_warned_about_once():
    survey, blocks, paths = random_survey(4, n=30)
    survey["A0"] = 0.0
    survey.loc[7, "A0"] = 1.0  # one resample in three misses this respondent
    result = PLSPathModel(survey, blocks, paths).fit()
    with pytest.warns(UserWarning, match="of 200 resamples could not be estimated") as caught:
        boot = result.bootstrap(200, seed=0)
    assert len(caught) == 1
    assert 50 < boot.failures["constant item"] < 100
    assert len(boot.draws()) == 200 - boot.failures["constant item"]
    assert f"{boot.failures['constant item']} could not be estimated" in repr(boot)
    survey.loc[3, "A0"] = np.nan
    gaps = PLSPathModel(survey, blocks, paths).fit()
    with pytest.warns(UserWarning, match="constant item"):
        gaps.bootstrap(50)


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(paths=[("A", "B"), ("B", "C"), ("C", "A")]), "cycle: .*->"),
        (dict(paths=[("A", "A"), ("B", "C")]), "cycle: A -> A"),
        (dict(paths=[("A", "B"), ("A", "B"), ("B", "C")]), "A -> B is given more than once"),
        (dict(paths=[("A", "B")]), "'C' has no path"),
        (dict(paths=[]), "'A' has no path"),
        (dict(paths=[("A", "B"), ("Bee", "C")]), "paths names 'Bee'"),
        (dict(paths=["AB"]), "pairs"),
        (dict(paths=None), "paths must be a list of \\(predictor, outcome\\) pairs, found NoneType"),
        (dict(paths=[1, 2]), "pairs, found 1"),
        (dict(paths=[{"A", "B"}, ("B", "C")]), "pairs, found {"),
        (dict(paths=pd.DataFrame({"p": ["A"], "o": ["B"]})), "pairs, found DataFrame"),
        (dict(paths=[(["A"], "B"), ("B", "C")]), "paths names \\['A'\\], no latent"),
        (dict(modes="B"), "modes must be a dictionary .* found 'B'"),
        (dict(modes=["B"]), "modes must be a dictionary"),
        (dict(blocks={"A": [["A0", "A1"]], "B": ["B0"], "C": ["C0"]}), "block 'A' .*found \\['A0', 'A1'\\]"),
        (dict(blocks={"A": {"A0", "A1"}, "B": ["B0"], "C": ["C0"]}), "list of items"),
        (dict(blocks={"A": pd.DataFrame({"A0": [1]}), "B": ["B0"], "C": ["C0"]}), "list of items"),
        (dict(paths={"A": "B"}), "pairs"),
        (dict(blocks={"A": ["A0", "A9"], "B": ["B0"], "C": ["C0"]}), "no column 'A9'"),
        (dict(blocks={"A": ["A0"], "B": ["B0", "A0"], "C": ["C0"]}), "'A0' is in 'A' and in 'B'"),
        (dict(blocks={"A": ["A0", "A0"], "B": ["B0"], "C": ["C0"]}), "'A0' is in 'A' and in 'A'"),
        (dict(blocks={"A": [], "B": ["B0"], "C": ["C0"]}), "'A' has no items"),
        (dict(blocks={"A": "A0", "B": ["B0"], "C": ["C0"]}), "list of items"),
        (dict(blocks={"A": ["A0"]}), "at least two"),
        (dict(scheme="centriod"), "Did you mean 'centroid'"),
        (dict(modes={"A": "C"}), "modes\\['A'\\]='C' is not known"),
        (dict(modes={"X": "B"}), "modes names 'X'"),
        (dict(missing="means"), "Did you mean 'mean'"),
        (dict(standardize="yes"), "standardize must be True or False"),
        (dict(tolerance=0), "tolerance must be at least"),
        (dict(max_iterations=0), "max_iterations must be"),
        (dict(max_iterations=2), "no convergence"),
        (dict(survey=lambda s: s.assign(A1=3.0)), "'A1' is constant: every answer is 3"),
        (dict(survey=lambda s: s.assign(A1=1e9 + 0 * s["A1"])), "'A1' is constant"),
        (dict(survey=lambda s: s.assign(A1=np.nan)), "'A1' has no answer at all"),
        (dict(survey=lambda s: s.assign(A1=["x"] * len(s))), "'A1' must be numeric"),
        (dict(survey=lambda s: s.assign(A1=np.where(s.index == 3, np.inf, s["A1"]))), "'A1' has 1 infinite"),
        (dict(survey=lambda s: s.head(3)), "3 respondents .* too few"),
        (dict(survey=lambda s: s.head(0)), "no rows"),
        (dict(survey=lambda s: s.to_numpy()), "must be a pandas DataFrame"),
        (dict(survey=lambda s: s.set_axis(["A0", "A0", *s.columns[2:]], axis=1)), "A[01]"),
        (dict(survey=lambda s: s.mask(np.eye(len(s), 9, dtype=bool)).iloc[:10], missing="drop"), r"1 respondents \(9 dropped"),
        (dict(survey=lambda s: s.assign(A2=s["A0"] + s["A1"]), modes={"A": "B"}), "items of 'A' collinear, perfectly"),
        (dict(survey=lambda s: s.assign(B0=s["A0"], B1=s["A1"], B2=s["A2"])), "predictors of 'C' collinear"),
        (dict(survey=lambda s: s.head(4), modes={"A": "B"}), "too few"),
    ],
)  # fmt: skip
def test_errors_say_what_was_found(change, message):
    survey, blocks, paths = random_survey(1)
    arguments = dict(survey=survey, blocks=blocks, paths=paths) | change
    if callable(change.get("survey")):
        arguments["survey"] = change["survey"](survey)
    with pytest.raises((ValueError, TypeError), match=message):
        PLSPathModel(**arguments).fit()


def test_blocks_and_paths_may_come_in_any_ordered_container():
    survey, blocks, paths = random_survey(1)
    a, b, c = blocks.values()
    mixed = {"A": np.array(a), "B": pd.Series(b, index=[5, 6, 7]), "C": pd.Index(c)}
    base = PLSPathModel(survey, blocks, paths).fit()
    for some in (zip("AAB", "BCC", strict=True), (pair for pair in paths), np.array(paths), map(list, paths)):
        model = PLSPathModel(survey, mixed, some)
        assert model.paths == tuple(paths) and dict(model.blocks) == {k: tuple(v) for k, v in blocks.items()}
        assert model.fit().path_coefficients.equals(base.path_coefficients)
    with pytest.raises(ValueError, match="survey has no column 'A9'"):
        PLSPathModel(survey, mixed | {"A": np.array(["A9"])}, paths)


def test_collinear_items_are_no_problem_in_mode_a():
    survey, blocks, paths = random_survey(1)
    doubled = survey.assign(A2=survey["A0"])
    result = PLSPathModel(doubled, blocks, paths).fit()
    assert result.outer_weights["A2"] == pytest.approx(result.outer_weights["A0"])
    opposite = PLSPathModel(
        survey.assign(A1=-survey["A0"]), {"A": ["A0", "A1"], "B": blocks["B"]}, [("A", "B")]
    ).fit()
    assert np.isfinite(opposite.outer_weights).all()  # the sum of the items is constant, the score is not


def test_plsc_without_a_solution_is_refused_or_warned_about():
    correlations, blocks = factor_correlations(LATENT, {"X": [0.9, 0.7], "Y": [0.8, 0.5], "Z": [0.7, 0.6]})
    correlations.loc["x0", "x1"] = correlations.loc["x1", "x0"] = -0.1
    model = dict(blocks=blocks, paths=[("X", "Y"), ("Y", "Z")])
    with pytest.raises(ValueError, match=r"rho_A of 'X' not in \(0, 1\].*consistent=False"):
        PLSPathModel(exact_sample(correlations), **model, consistent=True).fit()
    with pytest.warns(UserWarning, match="not admissible"):  # nearly the same latent variables in this survey
        ecsi(consistent=True)


# --- the result ------------------------------------------------------------------------------------------------------


def test_results_are_frozen_and_show_their_settings():
    result = ecsi(modes={"Value": "B"}, missing="drop")
    assert dict(result.settings) == {
        "scheme": "path", "scaling": "standardized", "modes": dict.fromkeys(BLOCKS, "A") | {"Value": "B"},
        "missing": "drop", "consistent": False, "respondents": 250, "iterations": result.settings["iterations"],
        "converged": True, "tolerance": 1e-10,
    }  # fmt: skip
    frame = result.path_coefficients
    frame.loc["Image", "Loyalty"] = 99.0
    assert result.path_coefficients.loc["Image", "Loyalty"] < 1
    for change in (lambda: setattr(result, "scores", 1), lambda: result.settings.update(scheme="x"),
                   lambda: result._s.__setitem__(0, 1)):  # fmt: skip
        with pytest.raises((AttributeError, TypeError, ValueError)):
            change()
    text, page = repr(result), result._repr_html_()
    for part in ("path scheme", "Mode B for Value", "missing answers: drop", "250 respondents", "Image"):
        assert part in text and part in page
    assert list(result.summary().columns) == ["path_coefficient", "total_effect", "vif", "r_squared"]
    assert list(result.summary().index) == PATHS
    boot = result.bootstrap(50)
    assert "50 bootstrap resamples (seed 1" in repr(boot) and "<table" in boot._repr_html_()
    assert list(boot.summary().columns) == ["estimate", "mean", "se", "lower", "upper", "t", "p"]
    with pytest.raises(ValueError, match="of='paths' is not known"):
        boot.summary("paths")
    with pytest.raises(ValueError, match="n_resamples must be"):
        result.bootstrap(1)


def test_nothing_done_to_the_arguments_or_the_model_changes_a_result():
    survey, blocks, paths = random_survey(1)
    modes = {"C": "B"}
    model = PLSPathModel(survey, blocks, paths, modes=modes)
    result = model.fit()
    before = repr(result), result.f_squared(), dict(result.settings)
    changes = [lambda: model.modes.update(A="B"), lambda: setattr(model, "missing", "drop"),
               lambda: model.blocks["A"].pop(), lambda: model.paths.pop(), lambda: model.blocks.pop("A"),
               lambda: setattr(model, "scheme", "centroid"), lambda: delattr(model, "paths")]  # fmt: skip
    for change in changes:
        with pytest.raises((AttributeError, TypeError)):
            change()
    shown = model.survey
    shown.loc[:, "A0"] = 0.0
    survey.loc[:, "A0"] = survey["C0"]
    blocks["A"].pop(), paths.pop(), modes.clear()
    for again in (result, model.fit()):
        assert repr(again) == before[0] and again.f_squared().equals(before[1])
        assert dict(again.settings) == before[2]


def test_models_results_and_bootstraps_can_be_pickled_and_copied():
    survey, blocks, paths = random_survey(1)
    boot = PLSPathModel(survey, blocks, paths, modes={"C": "B"}).fit().bootstrap(10)
    for clone in (pickle.loads(pickle.dumps(boot)), copy.deepcopy(boot), copy.copy(boot)):
        assert repr(clone) == repr(boot) and clone.draws().equals(boot.draws()) and clone.failures == {}
        assert clone.result.f_squared().equals(boot.result.f_squared())
        assert clone.result.model.fit().scores.equals(boot.result.scores)
        with pytest.raises(TypeError):
            clone.failures["x"] = 1
        with pytest.raises(AttributeError):
            clone.result.model.missing = "drop"


def test_the_survey_is_left_alone():
    survey, blocks, paths = with_gaps()
    before = survey.copy()
    PLSPathModel(survey, blocks, paths).fit().bootstrap(10)
    pd.testing.assert_frame_equal(survey, before)
