"""Multiple-choice questions for self-checks: one data file per chapter, shown by jupyterquiz, offline."""

from __future__ import annotations

import json
import random

from crmlab.datasets import _places, _sealing
from crmlab.exercises._items import chapter_number

_QUESTION = {"id": str, "concepts": list, "question": str, "type": str, "answers": list}
_ANSWER = {"answer": str, "correct": bool, "feedback": str}
# feedback has no background of its own: colours that can be read on white and on black
_COLOURS = {
    "--jq-multiple-choice-bg": "#1f3a5f",
    "--jq-incorrect-color": "#c4621a",
    "--jq-correct-color": "#1d8a58",
}


def questions(chapter: int | str) -> list[dict]:
    """Return the questions of a chapter as they stand in ``datasets/quiz``.

    Parameters
    ----------
    chapter : int or str
        Number of the chapter, as ``8``, ``"8"`` or ``"08"``.

    Returns
    -------
    list of dict
        Each with ``id``, ``concepts`` (glossary ids), ``question``, ``type`` and ``answers``; an answer has
        ``answer``, ``correct`` and ``feedback``.

    Raises
    ------
    ValueError
        If the chapter has no questions, or its file is broken.

    Examples
    --------
    >>> from crmlab import exercises
    >>> exercises.questions(8)[-1]["id"]
    'XA08'
    """
    known = _places.chapters("quiz", ".json")
    number = chapter_number(chapter)
    if number not in known:
        raise ValueError(
            f"chapter={chapter!r} has no quiz; these chapters have one: {', '.join(map(str, known))}."
        )
    where = f"quiz/{known[number].name}"
    try:
        found = json.loads(known[number].read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{where} cannot be read: {error}") from error
    if not isinstance(found, list) or not found:
        raise ValueError(f"{where} must be a list, […], of one question or more, found {found!r:.40}.")
    for place, question in enumerate(found, 1):
        _sealing.refuse_slips(question, _QUESTION, {}, f"{where}, question {place}")
        for answer in question["answers"]:
            _sealing.refuse_slips(answer, _ANSWER, {}, f"{where}, question {place}, an answer")
    return found


def quiz(chapter: int | str) -> None:
    """Show the questions of a chapter in a notebook; a click on an answer shows what it gets right or wrong.

    Parameters
    ----------
    chapter : int or str
        Number of the chapter, as ``8``, ``"8"`` or ``"08"``.

    Raises
    ------
    ValueError
        If the chapter has no questions, or its file is broken.
    """
    from IPython.display import display
    from IPython.utils.capture import capture_output
    from jupyterquiz import display_quiz

    shown = [{key: q[key] for key in ("question", "type", "answers")} for q in questions(chapter)]
    state = random.getstate()
    # jupyterquiz draws the ids in its output: the same in every run
    random.seed(f"quiz {chapter_number(chapter)}")
    try:
        with capture_output() as drawn:
            display_quiz(shown, colors=_COLOURS, border_radius=4, max_width=760)
    finally:
        random.setstate(state)
    for output in drawn.outputs:
        display({kind: _offline(text) for kind, text in output.data.items()}, raw=True)


def _offline(text: str) -> str:
    """Return what jupyterquiz shows without the fetching of MathJax: our questions have no formulas."""
    return text.replace("document.head.appendChild(script);", "")
