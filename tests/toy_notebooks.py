"""Small notebooks for the tests of the notebooks' own machinery: exercises in nbgrader's source format."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import toy_items
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ITEMS = {item.id: item for item in toy_items.ITEMS}

SETUP = "import crmlab.exercises\n\ncrmlab.exercises.__path__.append('.')\nfrom crmlab.exercises import check"

# item -> the starter's first line, the solution, a usual wrong answer
ANSWERS = {
    "99.1": ("share_lost = ...", "share_lost = ch99.share_lost()", "share_lost = ch99.by_column()"),
    "99.4": ("matrix = ...", "matrix = ch99.matrix()", "matrix = ch99.counts()"),
    "99.9": (
        "def after(share, months):\n    ...",
        "    return 1 - (1 - share) ** months",
        "    return share * months",
    ),
}
MEMO = "Give the care budget to the accounts in formation.\n\n| point | marks |\n|---|---|\n| names the amount | 2 |"


def nbgrader(grade_id: str, **settings: object) -> dict[str, object]:
    """Return a cell's metadata as nbgrader writes them."""
    cell = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": cell | {"grade_id": grade_id, "schema_version": 3} | settings}


def solutions() -> nbformat.NotebookNode:
    """Return the source of three exercises and a memo, not executed."""
    cells = [
        new_markdown_cell("# Exercises"),
        new_code_cell(f"{SETUP}\nfrom crmlab.exercises import ch99", metadata=nbgrader("setup", locked=True)),
    ]
    for item, (first, solution, _) in ANSWERS.items():
        name = first.split("=")[0].removeprefix("def ").split("(")[0].strip()
        grade_id = item.replace(".", "-")  # nbgrader allows no dot
        indent = " " * (len(solution) - len(solution.lstrip()))
        source = f"{first}\n{indent}### BEGIN SOLUTION\n{solution}\n{indent}### END SOLUTION"
        cells += [
            new_markdown_cell(f"**Exercise {item}**"),
            new_code_cell(source, metadata=nbgrader(f"answer-{grade_id}", solution=True)),
            new_code_cell(
                f'check("{item}", {name})',
                metadata=nbgrader(f"check-{grade_id}", grade=True, locked=True, points=ITEMS[item].points),
            ),
        ]
    memo = f"<!-- BEGIN SOLUTION -->\n{MEMO}\n<!-- END SOLUTION -->"
    cells += [
        new_markdown_cell("**Decision memo**"),
        new_markdown_cell(memo, metadata=nbgrader("memo", grade=True, solution=True, points=5)),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"toy-{number}"
    return new_notebook(cells=cells)


def write_solutions(folder: Path) -> Path:
    """Write a chapter of solutions, with the toy items beside it where a kernel finds them."""
    folder.mkdir(parents=True)
    shutil.copy(toy_items.__file__, folder / "ch99.py")
    nbformat.write(solutions(), folder / "ch99.ipynb")
    return folder


def submission(released: nbformat.NotebookNode, answers: dict[str, str]) -> nbformat.NotebookNode:
    """Return a released notebook with answers typed under the stubs."""
    notebook = nbformat.from_dict(released)
    for cell in notebook.cells:
        item = cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("answer-")
        item = item.replace("-", ".")
        if item in answers:
            cell.source += f"\n{answers[item]}"
    return notebook
