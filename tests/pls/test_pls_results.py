"""What a result shows."""

from __future__ import annotations

import pytest
from pls_models import BLOCKS, PATHS, ecsi


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
