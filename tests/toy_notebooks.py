"""Small notebooks for the tests of the notebooks' own machinery: a chapter, and exercises in nbgrader's source format."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import toy_items
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmlab import glossary

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


CAPTION = "Bars: shares of accounts by stage, from 0.27 in decline to 0.73 in stability."


def chapter() -> nbformat.NotebookNode:
    """Return a chapter that passes every check of documents.py, its outputs written by hand."""
    scripts = "\n".join(
        f"- {term.term}: {term.zh_hans} · {term.zh_hant}" for term in glossary.table(8).itertuples()
    )
    picture = {"image/png": {"alt": CAPTION}}
    cells = [
        _text("# 8 · A toy\n\nWho is leaving?", "question"),
        _text("- count months\n- estimate moves\n- decide on a budget\n\n20 minutes.", "objectives"),
        _text(f"**Before you start:** chapter 7.\n\n{scripts}"),
        _text(
            "## Four stages\n\nOf 1,240 months, 27.1 % ended elsewhere ([why](#four-stages), [code](code.py)).",
            concepts=["LC02"],
        ),
        _code("moves = 1240", "1,240 months\n", concepts=["LC02"]),
        _code(
            "plots.show(ax)",
            new_output("display_data", {"image/png": "", "text/plain": "<Figure>"}, metadata=picture),
            new_output("display_data", {"text/html": f"<p>{CAPTION}</p>", "text/plain": CAPTION}),
        ),
        _code("table", new_output("execute_result", {"text/plain": "share\n0.271"}, execution_count=3)),
        _code("slider", "42\n", "widget", "nbval-ignore-output"),
        _text("## What if accounts differ?\n\nThen the share is wrong.", "broken-assumption"),
        _text("## Where sources differ\n\nThe slides count decline as a step.", "dispute"),
        _text("## The decision\n\nSpend 1,240 yuan on care.", "decision"),
        _text("## The oracle\n\nThe error cost 42 yuan.", "oracle"),
        _text("## Key points\n\n- one\n- two\n- three", "key-points"),
        _text("## Terms\n\n| Term | 简体 | 繁體 |", "terms"),
        _code("quiz(8)", "…", "quiz", "nbval-ignore-output"),
        _text(
            "## References\n\n- Dwyer, F. R., Schurr, P. H., & Oh, S. (1987). *Journal*, 51(2), 11–27.",
            "references",
        ),
        _text("## Exercises\n\n[Exercises](exercises/ch08.ipynb)", "exercises"),
    ]
    codes = [cell for cell in cells if cell.cell_type == "code"]
    for number, cell in enumerate(codes, 1):
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    for number, cell in enumerate(cells):
        cell.id = f"toy-{number}"
    return new_notebook(cells=cells)


def _text(source: str, *tags: str, **metadata: object) -> nbformat.NotebookNode:
    return new_markdown_cell(source, metadata=({"tags": list(tags)} if tags else {}) | metadata)


def _code(source: str, *outputs_and_tags: object, **metadata: object) -> nbformat.NotebookNode:
    """Return a code cell: a first text is what it prints, further texts are tags, the rest are outputs."""
    texts = [part for part in outputs_and_tags if isinstance(part, str)]
    outputs = [part for part in outputs_and_tags if not isinstance(part, str)]
    outputs += [new_output("stream", name="stdout", text=text) for text in texts[:1]]
    tags = {"tags": texts[1:]} if texts[1:] else {}
    return new_code_cell(source, outputs=outputs, metadata=tags | metadata)
