"""The bootstrap against refitting every resample, and its summary against theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pls_models import ecsi, exact_sample, random_survey, with_gaps
from scipy.stats import norm

from crmlab.pls import PLSPathModel, bootstrap


def test_hundred_thousand_rows_and_batches_of_rows_give_the_same_covariances(monkeypatch):
    values = np.random.default_rng(0).normal(size=(1000, 6))
    values -= values.mean(axis=0)
    counts = np.random.default_rng(1).multinomial(1000, np.full(1000, 0.001), size=3).astype(float)
    whole = bootstrap._covariances(values, counts)
    monkeypatch.setattr(bootstrap, "_BATCH", 1000)
    assert np.allclose(bootstrap._covariances(values, counts), whole)
    for s, c in zip(whole, counts, strict=True):
        assert np.allclose(s, np.cov(np.repeat(values, c.astype(int), axis=0).T))


@pytest.mark.parametrize("options", [{}, {"missing": "drop"}, {"scheme": "centroid", "modes": {"A": "B"}},
                                     {"standardize": False}, {"consistent": True, "scheme": "factorial"},
                                     {"standardize": False, "consistent": True}])  # fmt: skip
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


def test_signs_of_resamples_follow_the_original():
    """A block that measures in both directions: its loadings sum to about 0, so that a lone refit points anywhere."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=120)
    y = 0.7 * x + 0.7 * rng.normal(size=120)
    survey = pd.DataFrame({"a": x + 0.5 * rng.normal(size=120), "b": -x + 0.5 * rng.normal(size=120)})
    survey["c"] = y + 0.5 * rng.normal(size=120)
    survey["d"] = y + 0.5 * rng.normal(size=120)
    model = PLSPathModel(survey, {"X": ["a", "b"], "Y": ["c", "d"]}, [("X", "Y")])
    result = model.fit()
    boot = result.bootstrap(200)
    path = boot.draws()[("X", "Y")]
    assert (np.sign(path) == np.sign(result.path_coefficients.loc["X", "Y"])).all()
    assert (np.sign(boot.draws("outer_loadings")) == np.sign(result.outer_loadings)).all(axis=None)
    assert (np.sign(boot.draws("outer_weights")) == np.sign(result.outer_weights)).all(axis=None)
    lone = [PLSPathModel(survey.sample(frac=1, replace=True, random_state=i), {"X": ["a", "b"], "Y": ["c", "d"]},
                         [("X", "Y")]).fit().path_coefficients.loc["X", "Y"] for i in range(30)]  # fmt: skip
    assert min(lone) < 0 < max(lone)


def test_resamples_without_a_solution_are_left_out_and_named():
    with pytest.warns(UserWarning) as caught:
        boot = ecsi(consistent=True).bootstrap(50)
    lost = sum(boot.failures.values())
    assert 0 < lost < 50 and all("alike after correction" in reason for reason in boot.failures)
    assert f"{lost} of 50 resamples" in str(caught[-1].message)
    for of in ("path_coefficients", "total_effects", "outer_weights", "outer_loadings", "r_squared"):
        assert len(boot.draws(of)) == 50 - lost and np.isfinite(boot.draws(of)).all(axis=None)


@pytest.mark.filterwarnings("error")
def test_a_bootstrap_without_failures_does_not_warn():
    boot = ecsi().bootstrap(3)
    assert boot.failures == {} and boot.draws().columns.names == ["predictor", "outcome"]


def test_t_does_not_depend_on_the_unit_of_the_answers():
    survey, blocks, paths = random_survey(1)
    tables = [
        PLSPathModel(survey * unit, blocks, paths, standardize=False)
        .fit()
        .bootstrap(20)
        .summary("outer_weights")
        for unit in (1, 1e13)
    ]
    assert np.allclose(tables[0][["t", "p"]], tables[1][["t", "p"]])


@pytest.mark.parametrize(
    "of", ["path_coefficients", "total_effects", "outer_weights", "outer_loadings", "r_squared"]
)
def test_summary_is_made_of_the_draws(of):
    survey, blocks, _ = random_survey(2)
    result = PLSPathModel(survey, blocks, [("A", "B"), ("B", "C")]).fit()
    boot = result.bootstrap(150)
    draws = boot.draws(of)
    for level in (0.95, 0.9, 0.5):
        summary = boot.summary(of, level)
        assert np.allclose(summary["lower"], np.quantile(draws, (1 - level) / 2, axis=0))
        assert np.allclose(summary["upper"], np.quantile(draws, 1 - (1 - level) / 2, axis=0))
    summary = boot.summary(of)
    assert summary.equals(boot.summary(of, level=0.95)) and "95 % percentile intervals" in boot._caption()
    assert np.allclose(summary["mean"], draws.mean()) and np.allclose(summary["se"], draws.std(ddof=1))
    assert np.allclose(summary["t"], summary["estimate"] / draws.std(ddof=1))
    assert np.allclose(summary["p"], 2 * norm.sf(np.abs(summary["t"])), rtol=1e-10, atol=0)
    single = {
        "path_coefficients": lambda pair: result.path_coefficients.loc[pair],
        "total_effects": lambda pair: result.total_effects.loc[pair],
        "outer_weights": lambda item: result.outer_weights[item],
        "outer_loadings": lambda item: result.outer_loadings[item],
        "r_squared": lambda latent: result.r_squared[latent],
    }[of]
    assert all(summary.loc[label, "estimate"] == single(label) for label in summary.index)
    assert (("A", "C") in draws.columns) == (of == "total_effects")  # an effect without a path


def test_p_is_two_sided():
    survey, blocks, paths = random_survey(2)
    up = PLSPathModel(survey, blocks, paths).fit().bootstrap(100).summary()
    turned = survey.assign(**{item: -survey[item] for item in blocks["C"]})
    down = PLSPathModel(turned, blocks, paths).fit().bootstrap(100).summary()
    assert np.allclose(down["estimate"], up["estimate"] * [1, -1, -1]) and np.allclose(down["p"], up["p"])
    assert (up["p"] <= 1).all() and up["estimate"].min() < 0 < up["estimate"].max()


def test_covariances_of_resamples_with_gaps_are_those_of_filled_answers():
    survey, _, _ = with_gaps()
    values = (survey - survey.mean()).to_numpy()
    counts = np.random.default_rng(1).multinomial(100, np.full(100, 0.01), size=4)
    for s, c in zip(bootstrap._covariances(values, counts), counts, strict=True):
        drawn = pd.DataFrame(np.repeat(values, c, axis=0))
        assert np.allclose(s, drawn.fillna(drawn.mean()).cov())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(n_resamples=1), "n_resamples must be between 2 and 100,000, found 1"),
        (dict(n_resamples=100_001), "found 100,001"),
        (dict(n_resamples=10.0), "n_resamples must be a whole number"),
        (dict(n_resamples=True), "n_resamples must be a whole number"),
        (dict(n_resamples=10, seed=-1), "seed must be at least 0"),
        (dict(n_resamples=10, seed=None), "seed must be a whole number"),
    ],
)
def test_the_bootstrap_refuses(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ecsi().bootstrap(**arguments)


def test_levels_and_names_of_estimates_are_checked():
    boot = ecsi().bootstrap(2, seed=0)
    for level in (0.3, 1, 95, "95"):
        with pytest.raises((TypeError, ValueError), match="level must be"):
            boot.summary(level=level)
    with pytest.raises(ValueError, match="Did you mean 'r_squared'"):
        boot.draws("r_square")
    assert boot.seed == 0 and boot.n_resamples == len(boot.draws()) == 2 and boot.failures == {}
    draws = boot.draws()
    draws.iloc[:] = 99.0
    assert boot.draws().to_numpy().max() < 1
    with pytest.raises(ValueError, match="read-only"):
        boot._draws["r_squared"][:] = 0


def test_a_bootstrap_with_nothing_left_is_refused():
    survey, blocks, paths = random_survey(4, n=30)
    survey["A0"] = 0.0
    survey.loc[7, "A0"] = 1.0
    survey["A1"] = 0.0
    survey.loc[8, "A1"] = 1.0
    result = PLSPathModel(survey, blocks, paths, modes={"A": "B"}).fit()
    seeds = {}  # by the number of resamples, of two, that miss a respondent
    for seed in range(200):
        rows = np.random.default_rng(seed).integers(0, 30, size=(2, 30))
        seeds[sum(not {7, 8} <= set(draw) for draw in rows)] = seed
    for lost in (1, 2):
        message = rf"{lost} of 2 resamples .*constant item \({lost}\)\. Nothing is left"
        with pytest.raises(ValueError, match=message):
            result.bootstrap(2, seed=seeds[lost])


def test_the_warning_points_at_the_caller_and_says_why():
    survey, blocks, paths = random_survey(4, n=30)
    survey["A0"] = 0.0
    survey.loc[7, "A0"] = 1.0
    result = PLSPathModel(survey, blocks, paths, consistent=False).fit()
    with pytest.warns(
        UserWarning, match=r"^\d+ of 100 resamples .* left out: constant item \(\d+\)\.$"
    ) as caught:
        boot = result.bootstrap(100)
    assert caught[0].filename == __file__
    assert len(boot.draws()) + sum(boot.failures.values()) == 100
    assert repr(boot).startswith(
        f"{len(boot.draws())} bootstrap resamples (seed 1, {boot.failures['constant item']} could"
    )
