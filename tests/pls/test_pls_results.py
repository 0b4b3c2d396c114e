"""What a result shows."""

from __future__ import annotations

import pytest
from pls_models import BLOCKS, PATHS, ecsi, random_survey

from crmlab.pls import PLSPathModel


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


def test_summary_holds_one_row_per_path():
    result = ecsi()
    summary = result.summary()
    for path, row in summary.iterrows():
        assert row["path_coefficient"] == result.path_coefficients.loc[path]
        assert row["total_effect"] == result.total_effects.loc[path]
        assert row["vif"] == result.vif().loc[path]
        assert row["r_squared"] == result.r_squared[path[1]]
    assert summary.index.names == ["predictor", "outcome"]


def test_the_caption_says_every_setting_that_changes_the_numbers():
    raw = ecsi(standardize=False, scheme="factorial", tolerance=1e-6)
    plain = "PLS path model: factorial scheme, raw items, Mode A, missing answers: mean; 250 respondents"
    assert repr(raw).startswith(plain)
    assert raw.settings["scaling"] == "raw" and raw.settings["tolerance"] == 1e-6
    assert raw.settings["iterations"] < ecsi(standardize=False, scheme="factorial").settings["iterations"]
    survey, blocks, paths = random_survey(1)
    result = PLSPathModel(survey, blocks, paths, consistent=True, modes={"A": "B", "C": "B"}).fit()
    assert "PLS path model, consistent (PLSc): path scheme" in repr(result)
    assert "Mode A except Mode B for A, C, missing" in repr(result)
    assert f"converged after {result.settings['iterations']} iterations." in repr(result)


def test_respondents_are_those_that_are_used():
    survey, blocks, paths = random_survey(1)
    survey.iloc[:7, 0] = None
    result = PLSPathModel(survey, blocks, paths, missing="drop").fit()
    assert result.settings["respondents"] == 53 and "53 respondents" in repr(result)


def test_a_bootstrap_is_as_long_as_asked_for():
    survey, _, _ = random_survey(1)
    result = PLSPathModel(survey, {"A": ["A0"], "B": ["B0"]}, [("A", "B")]).fit()
    assert len(result.bootstrap().draws()) == result.bootstrap().n_resamples == 1000
    assert result.bootstrap().seed == 1 and len(result.bootstrap(1003).draws()) == 1003
    assert result.bootstrap(5, seed=9).draws().equals(result.bootstrap(5, 9).draws())
    assert not result.bootstrap(5, seed=9).draws().equals(result.bootstrap(5).draws())


def test_nothing_can_be_set_on_a_result():
    result = ecsi()
    for thing, name in (
        (result, "note"),
        (result, "_s"),
        (result.bootstrap(5), "seed"),
        (result.model, "blocks"),
    ):
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(thing, name, 1)
