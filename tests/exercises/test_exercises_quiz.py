"""The multiple-choice questions: complete, fair, and shown offline with the same bytes every time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from crmlab import exercises, glossary
from crmlab.datasets import _places
from crmlab.exercises import _quiz

CHAPTERS = _places.chapters("quiz", ".json")
QUESTIONS = [question for chapter in CHAPTERS for question in exercises.questions(chapter)]


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


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_concept_of_the_chapter_is_asked(chapter: int):
    wanted = {id for id in glossary.table(chapter).index if id[-1].isdigit()}
    asked = {concept for question in exercises.questions(chapter) for concept in question["concepts"]}
    assert wanted <= asked


def test_exam_question_gives_both_readings():
    (exam,) = [question for question in QUESTIONS if question["id"] == "XA08"]
    (right,) = [answer for answer in exam["answers"] if answer["correct"]]
    assert right["answer"] == "Activities, episodes, sequences."
    assert "Holmlund (2004)" in right["feedback"] and "partner base" in right["feedback"]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[dict, bool]]]:
    """What `quiz` displays in a notebook. jupyterquiz has its own `display`, which a shell captures."""
    import jupyterquiz  # noqa: F401  before `display` is replaced

    outputs: list[tuple[dict, bool]] = []
    InteractiveShell.instance()
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append((data, raw)))
    monkeypatch.setattr("urllib.request.urlopen", lambda *arguments: pytest.fail("goes to the network"))
    yield outputs
    InteractiveShell.clear_instance()


def test_shown_offline_and_the_same_every_time(shown: list[tuple[dict, bool]]):
    random.seed(7)
    before = random.getstate()
    exercises.quiz(8)
    assert random.getstate() == before, "the student's own random numbers are left alone"
    random.seed(8)
    exercises.quiz("08")
    assert shown and shown[: len(shown) // 2] == shown[len(shown) // 2 :]
    assert all(raw for _, raw in shown)
    page = "".join(text for data, _ in shown for text in data.values())
    for question in exercises.questions(8):
        for text in (question["question"], *(answer["feedback"] for answer in question["answers"])):
            assert json.dumps(text) in page
    assert all(colour in page for colour in _quiz._COLOURS.values())
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    assert "appendChild(script)" not in page


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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file of one question that a test may damage."""
    (tmp_path / "quiz").mkdir()
    (tmp_path / "quiz/ch09.json").write_text(json.dumps([question()]), encoding="utf-8")
    monkeypatch.setattr(_places, "home", lambda: tmp_path)
    return tmp_path / "quiz"


def question(**changes: object) -> dict:
    """Return a question of one answer, but for what is changed."""
    answer = {"answer": "茶", "correct": True, "feedback": "Yes."}
    whole = {"id": "q", "concepts": ["LC01"], "question": "?", "type": "multiple_choice", "answers": [answer]}
    return whole | changes


@pytest.mark.parametrize("chapter", [9, "9", "09", " ch09 "])
def test_a_new_file_is_found(chapter: object, home: Path):
    assert exercises.questions(chapter) == [question()]
    with pytest.raises(ValueError, match="chapter=8 has no quiz; these chapters have one: 9"):
        exercises.questions(8)


BROKEN = {
    "empty": ("", "cannot be read: "),
    "half": (json.dumps([question()])[:-5], "cannot be read: .*line 1"),
    "not UTF-8": (b'["\xff"]', "cannot be read: "),
    "too deep": ("[" * 100_000, "cannot be read: "),
    "a merge": ("<<<<<<< HEAD\n[]", "cannot be read: "),
    "no list": (question(), r"must be a list, \[…\], of one question or more, found \{"),
    "no question": ([], r"must be a list, .* found \[\]"),
    "text": ([question(), "why?"], "question 2 must be an object, .* found 'why"),
    "no id": ([{k: v for k, v in question().items() if k != "id"}], "question 1 has no 'id'"),
    "a slip": ([question(answer=[])], "question 1: name='answer' is not known. Did you mean 'answers'"),
    "answers are text": ([question(answers="yes")], "question 1: answers must be of type list, found 'yes'"),
    "an answer is text": ([question(answers=["yes"])], "question 1, an answer must be an object"),
    "no feedback": (
        [question(answers=[{"answer": "a", "correct": True}])],
        "question 1, an answer has no 'feedback'",
    ),
    "correct is text": (
        [question(answers=[{"answer": "a", "correct": "no", "feedback": "No."}])],
        "question 1, an answer: correct must be of type bool, found 'no'",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_with_its_name(content: object, message: str, home: Path):
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    (home / "ch09.json").write_bytes(text.encode() if isinstance(text, str) else text)
    for call in (exercises.questions, exercises.quiz):
        with pytest.raises(ValueError, match=rf"^quiz/ch09\.json,? ?{message}"):
            call(9)


def test_a_file_that_is_not_named_after_a_chapter_is_refused(home: Path):
    (home / "ch9.json").touch()
    with pytest.raises(ValueError, match=r"quiz/ch9\.json is not named after a chapter: call it ch08\.json"):
        exercises.questions(9)
