"""The algorithm against published figures, closed forms, a textbook implementation on scores, and laws."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pls_models import (
    BLOCKS,
    LATENT,
    PATHS,
    REFERENCE,
    ecsi,
    exact_sample,
    factor_correlations,
    published_sample,
    random_survey,
    same,
    textbook,
)

from crmlab.pls import PLSPathModel


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


@pytest.mark.parametrize("scheme", SCHEMES)
def test_plsc_of_centred_items_recovers_the_factor_model_too(scheme):
    loadings = {"X": [0.9, 0.7, 0.6], "Y": [0.8], "Z": [0.75, 0.75, 0.6, 0.4]}
    correlations, blocks = factor_correlations(LATENT, loadings)
    spread = np.array([1, 3, 9, 2, 5, 1, 0.2, 4])
    survey = exact_sample(correlations) * spread
    model = dict(paths=[("X", "Y"), ("X", "Z"), ("Y", "Z")], scheme=scheme, standardize=False)
    result = PLSPathModel(survey, blocks, **model, consistent=True).fit()
    # a single item is no more than itself: its correlations are weaker by its loading
    weaker = LATENT * np.outer([1, 0.8, 1], [1, 0.8, 1])
    off = ~np.eye(3, dtype=bool)
    assert np.allclose(result.latent_correlations.to_numpy()[off], weaker.to_numpy()[off])
    flat = np.concatenate([loadings["X"], [1.0], loadings["Z"]])
    assert np.allclose(result.outer_loadings, flat)
    home = [b for b, items in blocks.items() for _ in items]
    scores = PLSPathModel(survey, blocks, **model).fit()
    for block in "XZ":  # rho_A is the squared correlation of the score with the latent variable
        part = scores.outer_weights[blocks[block]] * (flat * spread)[[h == block for h in home]]
        assert scores.reliability().loc[block, "rho_a"] == pytest.approx(part.sum() ** 2)


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
    survey, blocks, paths = random_survey(1)
    survey[blocks["B"]] = survey[blocks["A"]] + 1e-3 * np.random.default_rng(0).normal(size=(60, 3))
    alike = "predictors of 'C' alike after correction: PLSc finds .* Merge them, or use consistent=False"
    with pytest.raises(ValueError, match=alike):
        PLSPathModel(survey, blocks, paths, consistent=True).fit()
    survey = ZEROS.assign(v=ZEROS["x"] + ZEROS["y"] + np.arange(20) % 3)
    with pytest.raises(ValueError, match=r"rho_A of 'X' not in \(0, 1\]"):  # x and y do not correlate
        PLSPathModel(survey, {"X": ["x", "y"], "V": ["v"]}, [("X", "V")], consistent=True).fit()
    with pytest.warns(UserWarning, match="not admissible"):  # nearly the same latent variables in this survey
        ecsi(consistent=True)
