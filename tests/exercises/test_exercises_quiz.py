"""The multiple-choice questions: complete, fair, and shown offline with the same bytes every time."""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

import pytest

from crmlab import datasets, exercises, glossary
from crmlab.exercises import _quiz

FILES = sorted((datasets._home() / "quiz").glob("ch*.json"))
QUESTIONS = [question for file in FILES for question in exercises.questions(file.stem)]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_question_is_complete_and_fair(question: dict):
    assert set(question) == {"id", "concepts", "question", "type", "answers"}
    assert question["type"] == "multiple_choice"
    assert set(question["concepts"]) <= set(glossary.table().index) and question["concepts"]
    answers = question["answers"]
    assert 3 <= len(answers) <= 5
    assert [answer["correct"] for answer in answers].count(True) == 1
    assert len({answer["answer"] for answer in answers}) == len(answers)
    assert len({answer["feedback"] for answer in answers}) == len(answers)
    for answer in answers:
        assert set(answer) == {"answer", "correct", "feedback"}
        assert answer["feedback"][-1] in ".?!"
        assert answer["feedback"].startswith("Yes") == answer["correct"]
        assert not re.search(r"\b(all|none) of the (above|others)", answer["answer"], re.IGNORECASE)


def test_ids_are_unique():
    ids = [question["id"] for question in QUESTIONS]
    assert len(set(ids)) == len(ids)


def test_right_answer_is_not_always_the_longest_nor_the_first():
    first = [q["answers"][0]["correct"] for q in QUESTIONS]
    longest = [max(q["answers"], key=lambda a: len(a["answer"]))["correct"] for q in QUESTIONS]
    assert sum(first) < len(QUESTIONS) / 2 and sum(longest) < len(QUESTIONS) / 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_concept_of_the_chapter_is_asked(file: Path):
    chapter = int(file.stem.removeprefix("ch"))
    wanted = {id for id in glossary.table(chapter).index if id[-1].isdigit()}
    asked = {concept for question in exercises.questions(chapter) for concept in question["concepts"]}
    assert wanted <= asked


def test_exam_question_gives_both_readings():
    (exam,) = [question for question in QUESTIONS if question["id"] == "XA08"]
    (right,) = [answer for answer in exam["answers"] if answer["correct"]]
    assert right["answer"] == "Activities, episodes, sequences."
    assert "Holmlund (2004)" in right["feedback"] and "partner base" in right["feedback"]


def test_shown_offline_and_the_same_every_time(monkeypatch: pytest.MonkeyPatch):
    shown: list[str] = []
    display = sys.modules["jupyterquiz.dynamic.display"] if "jupyterquiz" in sys.modules else None
    if display is None:
        import jupyterquiz.dynamic.display as display
    monkeypatch.setattr(display, "display", lambda thing: shown.append(thing.data))
    monkeypatch.setattr("urllib.request.urlopen", lambda *arguments: pytest.fail("goes to the network"))
    random.seed(7)
    before = random.getstate()
    exercises.quiz(8)
    assert random.getstate() == before, "the student's own random numbers are left alone"
    exercises.quiz("08")
    assert shown[: len(shown) // 2] == shown[len(shown) // 2 :]
    page = "".join(shown)
    assert all(json.dumps(question["question"]) in page for question in exercises.questions(8))
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)


def test_no_script_is_fetched():
    """jupyterquiz would load MathJax from the network where the page has none."""
    import jupyterquiz

    script = (Path(jupyterquiz.__file__).parent / "js" / "show_questions.js").read_text(encoding="utf-8")
    assert "appendChild(script)" in script
    assert "appendChild(script)" not in _quiz._offline(script)


@pytest.mark.parametrize("chapter", [98, 0, "x", None, True, 8.0])
def test_chapter_without_quiz_is_an_error(chapter: object):
    with pytest.raises(ValueError, match=r"has no quiz; these chapters have one: (\d+, )*8\b"):
        exercises.quiz(chapter)
