"""How an answer is judged: its kind, its shape, its values, and which mistake would explain it.

`kinds` makes plain values of students' objects, so that none can claim to be equal; `shapes` lays them beside
the expected ones; `values` compares; `explanation` finds the mistake; `words` names things.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import lru_cache
from typing import NamedTuple

from crmlab.exercises._items import Item, opened
from crmlab.exercises._judge.explanation import explained
from crmlab.exercises._judge.kinds import Unlike, blank
from crmlab.exercises._judge.shapes import paired
from crmlab.exercises._judge.values import all_right
from crmlab.exercises._judge.words import capital, error_in_words, kind_of
from crmlab.exercises._outcome import Outcome


class _NotAttempted(Exception):
    """Nothing has been answered yet; the message is for the student."""


def judge(item: Item, answer: object, cohort: str) -> Outcome:
    """Judge an answer on the data of a cohort.

    Only an error of the item itself (its reference, a rival) is raised; whatever the answer does is part of
    the outcome.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader gives no points to a cell that writes a warning
        with opened():
            expected, cases = _expected(item, cohort)
        # outside `opened`: what is closed to a notebook is closed to what it hands in
        found = _looked_at(item, lambda: _first_look(item, answer, expected, cases))
        if isinstance(found, Outcome):
            return found
        with opened():
            rivals = _rivals(item, cohort)
        return _looked_at(
            item, lambda: Outcome(item.id, False, explained(item, found.answer, expected, rivals))
        )


def agrees(item: Item, expected: object, other: object) -> bool:
    """Return whether two plain answers (no functions) agree within the item's tolerance."""
    try:
        return all_right(item, paired(item, expected, other))
    except Unlike:
        return False


def known_answer(answer: object, cases: list[tuple] | None) -> object:
    """Return an answer of the item's own: itself, or what its function returns for each case."""
    return answer if cases is None else tuple(answer(*copy.deepcopy(case)) for case in cases)


# The references load the data of the cohort that is set; `cohort` is the caches' key only.
@lru_cache(maxsize=512)
def _expected(item: Item, cohort: str) -> tuple[object, list[tuple] | None]:
    """Compute the right answer, once per item and cohort; of a function, what it returns for each case."""
    cases = None if item.cases is None else [tuple(case) for case in item.cases()]
    return known_answer(item.reference(), cases), cases


@lru_cache(maxsize=512)
def _rivals(item: Item, cohort: str) -> list[tuple[object, str]]:
    """Compute the usual wrong answers, when the first answer that is not correct asks for them."""
    _, cases = _expected(item, cohort)
    return [(known_answer(rival(), cases), rival.sentence) for rival in item.rivals]


class _Wrong(NamedTuple):
    """An answer that is not correct, in a wrapper of its own: it may be anything, even an `Outcome`."""

    answer: object


def _looked_at(item: Item, look: Callable[[], Outcome | _Wrong]) -> Outcome | _Wrong:
    """Return what a look at the answer finds; the outcome when it ends with an error."""
    try:
        return look()
    except _NotAttempted as reason:
        return Outcome(item.id, None, str(reason))
    except Unlike as unlike:
        return Outcome(item.id, False, capital(unlike))
    except Exception as error:
        return Outcome(item.id, False, f"This answer cannot be read: {error_in_words(error)}.")


def _first_look(item: Item, answer: object, expected: object, cases: list[tuple] | None) -> Outcome | _Wrong:
    """Return the outcome if the answer is correct, else the answer itself, or what its function returned."""
    if blank(answer):
        raise _NotAttempted("Replace the three dots by your answer.")
    if cases is not None:
        if not callable(answer):
            raise Unlike(f"the answer is {kind_of(answer)} where a function is asked for.")
        answer = _called(answer, cases)
        if blank(answer):
            raise _NotAttempted("The function returns nothing yet: an answer, or its return, is missing.")
    if isinstance(expected, tuple) and isinstance(answer, tuple | list) and len(answer) == len(expected):
        open_parts = [str(n) for n, part in enumerate(answer, 1) if blank(part)]
        if open_parts:
            what = "part" if cases is None else "input"
            raise _NotAttempted(f"There is no answer yet for {what} {', '.join(open_parts)}.")
    return Outcome(item.id, True, "") if agrees(item, expected, answer) else _Wrong(answer)


def _called(function: Callable, cases: list[tuple]) -> tuple:
    """Call the student's function with copies of the cases; its messages on stderr would cost the points."""
    results = []
    with redirect_stderr(io.StringIO()):
        for n, case in enumerate(cases, 1):
            try:
                results.append(function(*copy.deepcopy(case)))
            except NotImplementedError:  # a starter's stub
                results.append(None)
            except KeyboardInterrupt:  # the student stops an endless loop
                raise
            except BaseException as error:
                raise Unlike(
                    f"the function stopped with {error_in_words(error)} when the check called it with input "
                    f"{n} of {len(cases)}, other data than the notebook's. Try it on arguments of "
                    "your own, of the kinds that the prompt names."
                ) from error
    return tuple(results)
