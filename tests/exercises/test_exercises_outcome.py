"""How an outcome shows itself, in a notebook and in a grading run."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
import toy_items

from crmlab.exercises import Outcome, _judge, check, items


def test_outcome_says_what_it_is():
    outcome = check("99.8", "<b>bold</b>")
    assert not outcome
    assert repr(outcome).startswith("99.8 · Not yet. '<b>bold</b>' is not one of")
    assert "<b>bold" not in outcome._repr_html_() and "&lt;b&gt;bold" in outcome._repr_html_()
    assert check("99.1", toy_items.share_lost())
    assert repr(check("99.1", toy_items.share_lost())) == "99.1 · Correct."


def test_outcome_is_shown_once_in_a_cell(monkeypatch: pytest.MonkeyPatch):
    shell = SimpleNamespace(execution_count=3)
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append((data, raw)))
    outcome = check("99.2", ...)
    outcome._ipython_display_()
    bundle = {"text/html": outcome._repr_html_(), "text/plain": repr(outcome)}
    assert shown == [(bundle, True)]
    shell.execution_count = 4
    outcome._ipython_display_()
    assert len(shown) == 2
    assert outcome == Outcome("99.2", None, outcome.message)  # where it was shown is no part of it
    with pytest.raises(AttributeError):
        outcome.correct = True


def test_outcome_needs_no_notebook(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    monkeypatch.setattr("IPython.display.display", lambda *given, **settings: pytest.fail("no notebook"))
    assert check("99.1", toy_items.share_lost())


def test_names_are_escaped():
    assert "&lt;b&gt;9" in Outcome("<b>9", False, "")._repr_html_()
    assert "the 'label'" in Outcome("1.1", False, "the 'label'")._repr_html_()
    assert [bool(Outcome("1.1", correct, "")) for correct in (True, False, None)] == [True, False, False]


def test_bar_has_a_colour_of_its_own_for_each_outcome():
    bars = {
        re.search(r"solid (#[0-9a-f]{6});", Outcome("1.1", c, "")._repr_html_())[1]
        for c in (True, False, None)
    }
    assert len(bars) == 3


# --- grading runs ----------


@pytest.mark.parametrize("run", ["autograde", "validate"])
def test_grading_run_raises_unless_correct_and_closes_the_references(
    run: str, monkeypatch: pytest.MonkeyPatch
):
    answer = toy_items.share_lost()
    first = items(99)[0]
    _judge._expected.cache_clear()  # the check has to open the references by itself
    _judge._rivals.cache_clear()
    monkeypatch.setenv("NBGRADER_EXECUTION", run)
    assert check("99.1", answer).correct is True
    with pytest.raises(AssertionError, match=r"99\.1 · Not yet\. That divides by the column"):
        check("99.1", toy_items.by_column())
    with pytest.raises(AssertionError, match="Not attempted"):
        check("99.1", ...)
    with pytest.raises(RuntimeError, match=r"reference of exercise 99\.1 is closed"):
        first.reference()

    def cheat(share, months):
        return items(99)[8].reference()(share, months)

    with pytest.raises(AssertionError, match="is closed while nbgrader runs"):
        check("99.9", cheat)

    class Cheat:
        shape = ()

        def __float__(self) -> float:
            return first.reference()

    with pytest.raises(AssertionError):
        check("99.1", Cheat())


def test_warnings_of_answers_cost_no_points(recwarn: pytest.WarningsRecorder, capsys: pytest.CaptureFixture):
    def noisy(share, months):
        import warnings

        warnings.warn("nbgrader gives no points to a cell that writes to stderr", stacklevel=1)
        print("so does this", file=sys.stderr)
        return 1 - (1 - share) ** months

    assert check("99.9", noisy)
    assert not recwarn.list
    assert capsys.readouterr().err == ""
