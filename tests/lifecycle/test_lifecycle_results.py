"""What all results of the life cycle share: they show themselves, cannot be changed, and can be stored and copied."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from lifecycle_cases import TWO, panel, rates

from crmlab import lifecycle as lc
from crmlab._results import ReadOnly, Result

DATA = panel("eeffssss", "sddffdd.", "efsdffss", "ssssssdd")


@pytest.fixture(scope="module")
def results(rule: lc.StageClassification) -> dict[str, Result]:
    hidden = lc.HiddenMarkov(DATA, rates(), state="stage", lost="lost_on").fit()
    return {
        "Chain": TWO,
        "Transitions": lc.transitions(DATA, lost="lost_on"),
        "HiddenMarkovResult": hidden,
        "HiddenMarkovBootstrap": hidden.bootstrap(4),
        "StageClassification": rule,
        "MoverStayerCheck": lc.mover_stayer_check(DATA, [2], lost="lost_on", n_resamples=19),
    }


@pytest.mark.parametrize(
    "name", [n for n in lc.__all__ if isinstance(getattr(lc, n), type) and issubclass(getattr(lc, n), Result)]
)
def test_results_are_stored_and_copied(results: dict[str, Result], name: str) -> None:
    made = results[name]
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), copy.copy(made)):
        assert type(again) is type(made)
        assert repr(again) == repr(made)
        pd.testing.assert_frame_equal(again.summary(), made.summary())
        if hasattr(made, "settings"):
            assert isinstance(made.settings, ReadOnly)
            assert dict(again.settings) == dict(made.settings)
    assert made._caption() in repr(made)
    assert "<table" in made._repr_html_()
    with pytest.raises(AttributeError):
        made.settings = {}


def test_a_stored_result_still_works(results: dict[str, Result]) -> None:
    hidden = pickle.loads(pickle.dumps(results["HiddenMarkovResult"]))
    pd.testing.assert_frame_equal(hidden.stages(), results["HiddenMarkovResult"].stages())
    pd.testing.assert_frame_equal(
        hidden.bootstrap(3).summary(), results["HiddenMarkovResult"].bootstrap(3).summary()
    )
    model = copy.deepcopy(hidden.model)
    np.testing.assert_allclose(model.fit().matrix, hidden.matrix)


def test_results_cannot_be_changed() -> None:
    moves = lc.transitions(panel("ssssd", "sddd."), lost="lost_on")
    table = moves.probabilities()
    table.loc["stability", "decline"] = 9
    assert moves.matrix.loc["stability", "decline"] == 2 / 5
    with pytest.raises(AttributeError):
        moves.counts = None
    with pytest.raises(TypeError):
        moves.settings["moves"] = 3
