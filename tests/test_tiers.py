"""The two tiers of tests, as the top conftest.py makes them, tried on a small checkout of its own."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import settings
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TESTS = """
import pytest

def test_quick(request):
    print("cohorts", request.config.getoption("cohorts"))

@pytest.mark.full
def test_only_in_the_full_tier():
    pass
"""


def printed(source: str, text: str, count: int) -> nbformat.NotebookNode:
    output = new_output("stream", name="stdout", text=text)
    return new_code_cell(source, outputs=[output], execution_count=count)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this conftest.py, these settings, two tests, a lesson, a solution and a starter."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("conftest.py", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    for name in (
        "tests",
        "crmlab",
        "notebooks/chapters",
        "notebooks/solutions/ch08",
        "notebooks/exercises/ch08",
    ):
        (folder / name).mkdir(parents=True)
    (folder / "tests" / "test_toy.py").write_text(TESTS, encoding="utf-8")
    grows = [printed("x = 1\nprint(x)\nx;", "1\n", 1), printed("x += 1\nprint(x)", "2\n", 2)]
    nbformat.write(new_notebook(cells=grows), folder / "notebooks" / "chapters" / "08-grows.ipynb")
    for name in ("solutions", "exercises"):
        cells = [printed(f"print('{name}')", f"{name}\n", 1)]
        nbformat.write(new_notebook(cells=cells), folder / "notebooks" / name / "ch08" / f"{name}.ipynb")
    return folder


def run(checkout: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-n0", "-rA", "-p", "no:cacheprovider", "--color=no", *options]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def outcomes(output: str) -> dict[str, str]:
    found = re.findall(r"(?m)^(PASSED|FAILED) (\S+?)::(test_\w+|Cell \d+)", output)
    return {f"{Path(file).stem}:{name}": outcome for outcome, file, name in found}


def test_the_quick_tier_says_how_long_it_takes_and_leaves_the_rest_out(checkout: Path):
    code, output = run(checkout)
    assert code == 0, output
    assert outcomes(output) == {
        "test_toy:test_quick": "PASSED",
        "08-grows:Cell 0": "PASSED",
        "08-grows:Cell 1": "PASSED",
    }
    assert re.search(
        r"(?m)^quick tier: about \d+ minutes? on two idle cores; --full adds .*solutions", output
    )
    assert "2 deselected" in output


def test_the_full_tier_runs_everything_and_every_cell_twice(checkout: Path):
    code, output = run(checkout, "--full")
    assert code == 1, output
    assert outcomes(output) == {
        "test_toy:test_quick": "PASSED",
        "test_toy:test_only_in_the_full_tier": "PASSED",
        "08-grows:Cell 0": "PASSED",
        "08-grows:Cell 1": "FAILED",
        "solutions:Cell 0": "PASSED",
    }
    assert re.search(r"(?m)^full tier: about \d+ minutes", output)
    assert "Only when run a second time: Cell outputs differ" in output
    assert "cohorts 10" in output


@pytest.mark.full
def test_cohorts_and_part_of_the_tests(checkout: Path):
    code, output = run(checkout, "tests")
    assert code == 0
    assert "cohorts 2" in output
    assert "quick tier of the tests that were named" in output
    assert "cohorts 3" in run(checkout, "tests", "--full", "--cohorts=3")[1]


@pytest.mark.full
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-m", "full"], "-m full chooses tests of the full tier only: add --full"),
        (["--cohorts", "0"], "a whole number from 1 on, found '0'"),
        (["--cohorts", "some"], "a whole number from 1 on, found 'some'"),
        (["-n2", "--dist=worksteal"], "--dist=worksteal gives the cells of a notebook to several kernels"),
        (["tests/test_toy.py::test_only_in_the_full_tier"], "nothing was left to run: tests of the full tier need --full"),
        (["notebooks/solutions"], "nothing was left to run: tests of the full tier need --full"),
    ],
)  # fmt: skip
def test_what_would_quietly_test_less_fails_loudly(checkout: Path, options: list[str], said: str):
    code, output = run(checkout, *options)
    assert code not in (0, 1), output
    assert said in output


@pytest.mark.full
def test_an_unknown_mark_is_an_error(checkout: Path):
    test = checkout / "tests" / "test_mark.py"
    test.write_text("import pytest\n\n@pytest.mark.ful\ndef test_it():\n    pass\n", encoding="utf-8")
    try:
        assert "'ful' not found in `markers`" in run(checkout, str(test))[1]
    finally:
        test.unlink()


# --- this checkout ------------------------------------------------------------------------------------------------


@pytest.fixture
def top(request: pytest.FixtureRequest):
    """The module of the top conftest.py."""
    return request.config.pluginmanager.getplugin(str(ROOT / "conftest.py"))


def test_minutes_grow_with_the_notebooks(top):
    assert top.minutes("quick", 0) == round(top.REST["quick"] / 60)
    sixty = top.minutes("quick", 60)
    assert sixty == round((top.REST["quick"] + 60 * top.NOTEBOOK["quick"]) / 60)
    assert top.minutes("quick", 5) < sixty < top.minutes("full", 60)


def test_the_tier_stays_within_its_limits_with_sixty_lessons(top):
    assert top.minutes("quick", 62) <= 10
    assert top.minutes("quick", 62) + top.minutes("full", 62 + 12) <= 60


def test_the_readme_says_how_long_it_takes(top):
    named = int(re.search(r"about (\d+) minutes on two cores", README)[1])
    assert named == int(re.search(r"about (\d+) minute", top.announcement("quick"))[1])
    assert "uv run --group test pytest --full" in README


def test_long_files_start_first(top):
    for name in top.LONGEST:
        assert list((ROOT / "tests").rglob(name)), name
    files = [
        ROOT / "tests/test_glossary.py",
        ROOT / "notebooks/00-start-here.ipynb",
        ROOT / "tests/test_nbgrader.py",
    ]
    assert [path.name for path in sorted(files, key=top._turn)] == [path.name for path in reversed(files)]
    pages = sorted((ROOT / "notebooks" / "chapters").rglob("*.ipynb"), key=top._turn)
    sizes = [path.stat().st_size for path in pages]
    assert sizes == sorted(sizes, reverse=True)


# --- hypothesis ---------------------------------------------------------------------------------------------------


def test_the_profile_has_no_clock_and_no_chance():
    assert settings.default.deadline is None
    assert settings.default.derandomize is True
    assert settings.default.print_blob is True


def clocks(source: str) -> list[int]:
    """Return the lines where a call sets a deadline, or loads another profile."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        values = [keyword.value for keyword in node.keywords if keyword.arg == "deadline"]
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        set_here = any(not (isinstance(value, ast.Constant) and value.value is None) for value in values)
        if set_here or called in ("load_profile", "register_profile"):
            lines.append(node.lineno)
    return lines


def test_no_test_sets_a_deadline():
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "crmlab").rglob("*.py")]
        if (lines := clocks(path.read_text(encoding="utf-8")))
    }
    assert not found, "a deadline fails a correct test on a loaded machine"
    assert clocks("@settings(max_examples=5, deadline=200)\ndef f(): ...") == [1]
    assert clocks("settings.load_profile('other')\nsettings(deadline=None)") == [1]
