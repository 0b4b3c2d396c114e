"""The exercises in nbgrader: sources that it accepts, releases that are not stale, marks that are right."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
import toy_notebooks

from crmlab import _notebooks, build, exercises

pytest.importorskip("nbgrader")
CHAPTERS = sorted((_notebooks.home() / "notebooks" / "solutions").glob("ch*"))
SOURCES = [path for chapter in CHAPTERS for path in sorted(chapter.glob("*.ipynb"))]
release = cache(_notebooks.released)  # several tests look at what nbgrader makes in a second


def _settings(cell: nbformat.NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def _checked(cell: nbformat.NotebookNode) -> str:
    """Return the item that a test cell checks: the cell is one call, ``check("8.3", name)``."""
    call = ast.parse(cell.source).body[-1].value
    assert call.func.id == "check", f"a test cell ends with check(...): {cell.source}"
    return call.args[0].value


# --- real chapters ------------------------------------------------------------------------------------------------


@pytest.mark.full
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_source_passes_nbgraders_validation(path: Path):
    from nbgrader.validator import Validator

    result = Validator().validate(str(path))
    problems = {kind: result[kind] for kind in ("type_changed", "changed", "failed") if result.get(kind)}
    assert not problems


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.name)
def test_release_is_not_stale(chapter: Path):
    folder = _notebooks.home() / "notebooks" / "exercises" / chapter.name
    committed = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    committed = {name: content for name, content in committed.items() if "checkpoint" not in name}
    made = release(chapter)
    different = sorted(n for n in made.keys() | committed.keys() if made.get(n) != committed.get(n))
    assert not different, f"stale: {different}. Run 'python -m crmlab.build exercises' and commit."


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.name)
def test_points_and_items_agree(chapter: Path):
    cells = [cell for path in sorted(chapter.glob("*.ipynb")) for cell in nbformat.read(path, 4).cells]
    tests = [c for c in cells if _settings(c).get("grade") and c.cell_type == "code"]
    points = {_checked(cell): _settings(cell)["points"] for cell in tests}
    assert len(points) == len(tests), "an item is checked twice"
    assert points == {item.id: item.points for item in exercises.items(chapter.name)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_release_shows_no_solution_and_keeps_the_memo(path: Path):
    released = nbformat.reads(release(path.parent)[path.name].decode(), as_version=4)
    source = nbformat.read(path, as_version=4)
    assert "SOLUTION" not in "".join(cell.source for cell in released.cells)
    for before, after in zip(source.cells, released.cells, strict=True):
        if _settings(before).get("solution"):
            assert "SOLUTION" in before.source, f"no solution region in {_settings(before)['grade_id']}"
            assert after.cell_type == "markdown" or "..." in after.source, "a starter holds three dots"
        if after.cell_type == "code":
            assert not after.outputs
    memo = [c for c in source.cells if _settings(c).get("grade") and c.cell_type == "markdown"]
    assert memo, "the last exercise is the decision memo, graded by a person"
    assert "|" in memo[-1].source, "the memo's solution holds the rubric, a table"


def _untouched(source: Path, folder: Path) -> list[str]:
    """Run what students get, as they get it, and return what its checks say."""
    files = release(source.parent)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    notebook = nbformat.reads(_notebooks.executed(folder / source.name).decode(), as_version=4)
    shown = [
        output.get("data", {}).get("text/plain", "")
        for c in notebook.cells
        for output in c.get("outputs", [])
    ]
    return [text for text in shown if re.match(r"\d+\.\d+ · ", text)]


@pytest.mark.full
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_untouched_release_runs_and_says_what_is_missing(path: Path, tmp_path: Path):
    said = _untouched(path, tmp_path)
    assert said
    assert all("Not attempted" in text for text in said)


# --- the machinery, on a toy chapter ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_notebooks.write_solutions(tmp_path_factory.mktemp("solutions") / "ch99")


def test_release_of_the_toy_chapter(toy: Path):
    first, second = _notebooks.released(toy), _notebooks.released(toy)
    assert first == second
    assert set(first) == {"ch99.ipynb", "ch99.py"}
    source = [cell.source for cell in nbformat.reads(first["ch99.ipynb"].decode(), as_version=4).cells]
    assert "share_lost = ...\n# YOUR CODE HERE" in source
    assert "def after(share, months):\n    ...\n    # YOUR CODE HERE" in source
    assert "YOUR ANSWER HERE" in source
    assert "SOLUTION" not in "".join(source)
    assert toy_notebooks.MEMO not in "".join(source)


def test_exercises_are_written_once_and_removed_with_their_source(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    shutil.copytree(toy, tmp_path / "notebooks" / "solutions" / "ch99")
    monkeypatch.setattr(_notebooks, "home", lambda: tmp_path)
    said = []
    for _ in range(2):
        build.main(["exercises"])
        said.append(capsys.readouterr().out)
    assert said == ["2 exercise files; 2 written, 0 removed\n", "2 exercise files; 0 written, 0 removed\n"]
    assert [path.name for path in _notebooks.exercises()] == ["ch99.ipynb"]
    assert [path.parent.parent.name for path in _notebooks.chapters()] == ["solutions"]
    shutil.rmtree(tmp_path / "notebooks" / "solutions")
    build.main(["exercises"])
    assert capsys.readouterr().out == "0 exercise files; 0 written, 1 removed\n"
    assert not _notebooks.exercises()


@pytest.mark.full
def test_untouched_toy_release(toy: Path, tmp_path: Path):
    assert [text[:22] for text in _untouched(toy / "ch99.ipynb", tmp_path)] == [
        "99.1 · Not attempted. ",
        "99.4 · Not attempted. ",
        "99.9 · Not attempted. ",
    ]


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own
def test_marks_of_a_right_a_wrong_and_an_untouched_submission(toy: Path, monkeypatch: pytest.MonkeyPatch):
    scripts = Path(sys.executable).parent  # nbgrader calls alembic by name
    monkeypatch.setenv("PATH", str(scripts), prepend=os.pathsep)
    from nbgrader.api import Gradebook
    from nbgrader.converters import Autograde, GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    answers = toy_notebooks.ANSWERS
    submissions = {
        "right": {item: solution for item, (_, solution, _) in answers.items()},
        # a typical mistake; the reference called instead of an answer; a right one
        "wrong": {
            "99.1": answers["99.1"][2],
            "99.4": "from crmlab.exercises import items\nmatrix = items(99)[3].reference()",
            "99.9": answers["99.9"][1],
        },
        "untouched": {},
    }
    with _notebooks.course(toy) as config:
        directory = CourseDirectory(config=config)
        release = GenerateAssignment(coursedir=directory, config=config)
        release.log.setLevel("ERROR")
        release.start()
        root = Path(directory.root)
        released = nbformat.read(root / directory.release_directory / "ch99" / "ch99.ipynb", as_version=4)
        for student, given in submissions.items():
            folder = root / directory.submitted_directory / student / "ch99"
            folder.mkdir(parents=True)
            nbformat.write(toy_notebooks.submission(released, given), folder / "ch99.ipynb")
            (folder / "ch99.py").write_bytes((toy / "ch99.py").read_bytes())
        Autograde(coursedir=directory, config=config).start()
        with Gradebook(directory.db_url) as gradebook:
            marks = {
                student: {
                    grade.name: grade.auto_score
                    for grade in gradebook.find_submission_notebook("ch99", "ch99", student).grades
                }
                for student in submissions
            }
    full = {f"check-{item.replace('.', '-')}": toy_notebooks.ITEMS[item].points for item in answers}
    none = dict.fromkeys(full, 0.0)
    assert marks["right"] == full | {"memo": 0.0}  # nobody has read the memo yet; it holds the stub
    assert marks["wrong"] == none | {"check-99-9": 2.0, "memo": 0.0}
    assert marks["untouched"] == none | {"memo": 0.0}
