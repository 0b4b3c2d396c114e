"""The bootstrap against refitting every resample, and its summary against theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pls_models import ecsi, exact_sample, random_survey, with_gaps

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
