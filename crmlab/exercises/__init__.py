"""Exercises and their checks: the item bank, one module per chapter, and what a notebook calls.

``check("8.3", answer)`` judges an answer on the data of the current cohort; ``items(8)`` lists the exercises
of a chapter; ``quiz(8)`` shows its multiple-choice questions.
"""

from __future__ import annotations

from crmlab.exercises._items import Item, Rival, items
from crmlab.exercises._outcome import Outcome
from crmlab.exercises._quiz import questions, quiz

__all__ = ["Item", "Outcome", "Rival", "check", "items", "questions", "quiz"]


def check(item: str, answer: object) -> Outcome:
    """Check an answer to an exercise, show the outcome, and return it.

    Parameters
    ----------
    item : str
        The exercise, such as ``"8.3"``.
    answer : object
        What the prompt asks for. Rounding as the prompt asks is right; so is more precision.

    Returns
    -------
    Outcome
        ``.correct`` is True, False, or None when nothing has been answered yet; ``.message`` says why.

    Raises
    ------
    AssertionError
        In a grading run of nbgrader, unless the answer is correct: the cell then gets no points.
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> from crmlab.exercises import check
    >>> check("0.1", ...)
    0.1 · Not attempted. Replace the three dots by your answer.
    >>> check("0.1", "many").correct
    False
    """
    from crmlab import datasets
    from crmlab.exercises import _items, _judge

    outcome = _judge.judge(_items.find(item), answer, datasets.current_cohort())
    if datasets.grading() and outcome.correct is not True:
        raise AssertionError(repr(outcome))
    outcome.show()
    return outcome
