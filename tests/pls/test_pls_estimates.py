"""Effects, scores and labels of a fitted model."""

from __future__ import annotations

import numpy as np
import pytest
from pls_models import ecsi


def test_effects_are_products_along_ways():
    result = ecsi()
    b, total = result.direct_effects, result.total_effects
    by_hand = b.loc["Quality", "Satisfaction"] + b.loc["Quality", "Value"] * b.loc["Value", "Satisfaction"]
    assert total.loc["Quality", "Satisfaction"] == pytest.approx(by_hand)
    assert np.allclose(np.linalg.inv(np.eye(7) - b) - np.eye(7), total)
    assert np.allclose(result.indirect_effects, total - b)
    assert result.indirect_effects.loc["Image", "Expectation"] == 0
