"""The notebooks as documents, and the machinery that builds them. That they run is nbval's test."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import documents
import nbformat
import pytest
import toy_items
import toy_notebooks
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmlab import _notebooks, build, glossary

HOME = _notebooks.home() / "notebooks"
WRITTEN = _notebooks.chapters()
READ = [path for path in WRITTEN if "solutions" not in path.parts]
CHAPTERS = [path for path in WRITTEN if path.parent.name == "chapters" and path.name[0].isdigit()]


def name_of(parameter: object) -> str:
    if isinstance(parameter, Path):
        return str(parameter.relative_to(HOME))
    return getattr(parameter, "__name__", "")


def cases(paths: list[Path], checks: tuple[documents.Check, ...]) -> list[tuple[Path, documents.Check]]:
    return [(path, check) for path in paths for check in checks]


@pytest.mark.parametrize(
    ("path", "check"),
    cases(WRITTEN, documents.EVERYWHERE) + cases(READ, documents.PROSE) + cases(CHAPTERS, documents.CHAPTER),
    ids=name_of,
)
def test_notebook(path: Path, check: documents.Check):
    problems = check(nbformat.read(path, as_version=4), path)
    assert not problems, "\n".join(["", *problems])


# --- each check, on a small chapter and on the same chapter broken ------------------------------------------------

concepts_are_taught = partial(
    documents.concepts_are_taught,
    terms=[glossary.lookup("LC02"), glossary.lookup("stability")],
    practised=set(),
)
CHECKS = {check.__name__: check for check in (*documents.EVERYWHERE, *documents.PROSE, *documents.CHAPTER)}
CHECKS["concepts_are_taught"] = concepts_are_taught


@pytest.fixture
def toy(tmp_path: Path) -> tuple[NotebookNode, Path]:
    """A chapter that passes every check, stored where its links lead."""
    (tmp_path / "exercises").mkdir()
    (tmp_path / "code.py").touch()
    notebook, path = toy_notebooks.chapter(), tmp_path / "08-toy.ipynb"
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("# Exercises")]), tmp_path / "exercises" / "ch08.ipynb"
    )
    path.write_bytes(_notebooks.stored(notebook))
    return nbformat.read(path, as_version=4), path


@pytest.mark.parametrize("check", CHECKS)
def test_sound_chapter_passes(check: str, toy: tuple[NotebookNode, Path]):
    assert CHECKS[check](*toy) == []


def cell(notebook: NotebookNode, beginning: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.source.startswith(beginning))


def write(beginning: str, addition: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell(notebook, beginning).source += addition

    return change


def replace(beginning: str, old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        target = cell(notebook, beginning)
        assert old in target.source
        target.source = target.source.replace(old, new)

    return change


def output(text: str, **settings: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell(notebook, "moves").outputs.append(
            new_output("stream", text=text, **{"name": "stdout"} | settings)
        )

    return change


def tag(beginning: str, *tags: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell(notebook, beginning).metadata["tags"] = list(tags)

    return change


def remove(beginning: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        notebook.cells.remove(cell(notebook, beginning))

    return change


def insert(new: NotebookNode, at: int = 4) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells.insert(at, copy.deepcopy(new))


def swap(notebook: NotebookNode) -> None:
    notebook.cells[10], notebook.cells[11] = notebook.cells[11], notebook.cells[10]


def too_late(notebook: NotebookNode) -> None:
    tag("## What")(notebook)
    tag("## Key", "key-points", "broken-assumption")(notebook)


def not_run(notebook: NotebookNode) -> None:
    cell(notebook, "moves").execution_count = None


def out_of_order(notebook: NotebookNode) -> None:
    cell(notebook, "moves").execution_count = 7


def untagged_concepts(notebook: NotebookNode) -> None:
    for each in notebook.cells:
        each.metadata.pop("concepts", None)


def concepts(beginning: str, *ids: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell(notebook, beginning).metadata["concepts"] = list(ids)

    return change


def in_terms_only(notebook: NotebookNode) -> None:
    untagged_concepts(notebook)
    for beginning in ("## Terms", "quiz"):
        concepts(beginning, "LC02")(notebook)


def not_computed(notebook: NotebookNode) -> None:
    del cell(notebook, "moves").metadata["concepts"]


def error(notebook: NotebookNode) -> None:
    cell(notebook, "moves").outputs.append(new_output("error", ename="KeyError", evalue="", traceback=[]))


def no_alt(notebook: NotebookNode) -> None:
    cell(notebook, "plots.show").outputs[0].metadata = {}


def other_caption(notebook: NotebookNode) -> None:
    cell(notebook, "plots.show").outputs.pop()


def short_alt(notebook: NotebookNode) -> None:
    figure, caption = cell(notebook, "plots.show").outputs
    figure.metadata["image/png"]["alt"] = caption.data["text/plain"] = "Bars: shares of accounts."


def too_early(notebook: NotebookNode) -> None:
    tag("## Where")(notebook)
    tag("# 8", "question", "dispute")(notebook)


def no_table(notebook: NotebookNode) -> None:
    for beginning in ("moves", "table"):
        cell(notebook, beginning).outputs = []


def no_plain_cell(notebook: NotebookNode) -> None:
    cell(notebook, "table").outputs = []


IMAGE = "![{}]({})"
BROKEN = [
    ("executed_in_order", not_run),
    ("executed_in_order", out_of_order),
    ("no_empty_cell", insert(new_markdown_cell(" \n"))),
    ("no_empty_cell", insert(new_code_cell(""))),
    ("no_error", error),
    ("no_warning", output("something", name="stderr")),
    ("no_warning", output("x.py:3: FutureWarning: soon gone")),
    ("no_unrounded_float", output("0.2714285714")),
    ("no_unrounded_float", output("(np.float64(0.3), 1)")),
    ("no_trace_of_the_machine", output("read /home/ann/data.csv")),
    ("no_trace_of_the_machine", output(r"C:\Users\ann")),
    ("no_trace_of_the_machine", output("<object at 0x7f11>")),
    ("no_trace_of_the_machine", write("table", "  # /tmp/x.csv")),
    ("stored_as_built", write("table", "  ")),
    ("outputs_ignored_only_where_needed", tag("table", "nbval-ignore-output")),
    ("outputs_ignored_only_where_needed", tag("slider", "widget")),
    ("outputs_ignored_only_where_needed", write("table", "\n# NBVAL_IGNORE_OUTPUT")),
    ("figures_have_captions", no_alt),
    ("figures_have_captions", other_caption),
    ("figures_have_captions", short_alt),
    ("links_resolve", write("## Four", "\n[gone](gone.ipynb)")),
    ("links_resolve", write("## Four", "\n[gone](#nowhere)")),
    ("links_resolve", write("## Four", "\n[gone](exercises/ch08.ipynb#nowhere)")),
    ("links_resolve", write("## Four", "\n[bad](http:/x)")),
    ("links_resolve", write("## Four", "\n<img src='gone.png'>")),
    ("links_resolve", write("## Four", "\n" + IMAGE.format("a cup", "gone.png"))),
    ("links_resolve", write("## Four", "\n" + IMAGE.format("", "code.py"))),
    ("links_resolve", write("## Four", "\n" + IMAGE.format("a cup", "https://example.org/cup.png"))),
    ("links_resolve", write("## Four", "\n" + IMAGE.format("a cup", "attachment:cup.png"))),
    ("voice", write("## Four", "\nAs we can see, it works.")),
    ("voice", write("## Four", "\nSimply count.")),
    ("voice", write("## Four", "\nDone 🎉")),
    ("short_cells", write("table", "\npass" * 25)),
    ("short_cells", write("table", "\nclass Chain:\n    pass")),
    ("checks_are_correct", output("8.3 · Not yet. Rows, not columns.")),
    ("checks_are_correct", output("8.3 · Not attempted. Replace the dots.")),
    ("figures_stand_by_a_table", no_table),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt was 28.1 %.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt was 27.14 %.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt was 0.272.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt was 1,241 months.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt was 1250 months.")),
    ("numbers_in_prose_come_from_outputs", write("# 8", "\nIt lost 28.1 %.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt cost 43 yuan.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt cost ¥43.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\nIt cost 3.1 million.")),
    ("numbers_in_prose_come_from_outputs", write("## Four", "\n| share |\n|---|\n| 43 per cent |")),
    ("opens_as_a_chapter", replace("# 8", "# 8 ·", "# 9 ·")),
    ("opens_as_a_chapter", replace("- count", "20 minutes", "Soon")),
    ("opens_as_a_chapter", replace("**Before", "Before you start", "Hello")),
    ("opens_as_a_chapter", replace("**Before", "客户关系生命周期", "")),
    ("parts_are_complete", tag("## The oracle")),
    ("parts_are_complete", tag("slider", "nbval-ignore-output")),
    ("parts_are_complete", tag("## Where")),
    ("parts_are_complete", remove("## References")),
    ("parts_are_complete", swap),
    ("parts_are_complete", too_late),
    ("parts_are_complete", too_early),
    ("parts_hold_what_they_promise", replace("# 8", "?", ".")),
    ("parts_hold_what_they_promise", replace("- count", "count", "understand")),
    ("parts_hold_what_they_promise", replace("- count", "\n- decide on a budget", "")),
    ("parts_hold_what_they_promise", replace("## The decision", "yuan", "hours")),
    ("parts_hold_what_they_promise", replace("## The oracle", "yuan", "sleep")),
    ("parts_hold_what_they_promise", replace("## Key", "- two\n", "")),
    ("parts_hold_what_they_promise", replace("## Terms", "简体", "")),
    ("parts_hold_what_they_promise", replace("## References", "- Dwyer", "Dwyer")),
    ("parts_hold_what_they_promise", replace("## Exercises", "exercises/", "")),
    ("widget_has_its_plain_cell", no_plain_cell),
    ("concepts_are_taught", untagged_concepts),
    ("concepts_are_taught", in_terms_only),
    ("concepts_are_taught", not_computed),
    ("concepts_are_taught", concepts("## What", "LC02")),
    ("concepts_are_taught", concepts("slider", "LC02")),
    ("concepts_are_taught", concepts("## What", "XX01")),
]


@pytest.mark.parametrize(("check", "change"), BROKEN)
def test_broken_chapter_is_noticed(check: str, change: Callable, toy: tuple[NotebookNode, Path]):
    notebook, path = toy
    change(notebook)
    assert CHECKS[check](notebook, path)


def test_every_check_is_shown_to_fail():
    assert {check for check, _ in BROKEN} == set(CHECKS)


@pytest.mark.parametrize(
    "text",
    [
        "Of 1240 months 27 % ended, or 0.27, or 27.1%, a share of .3.",
        "In 2025 the 12 shops of chapter 8 (Dwyer, Schurr & Oh 1987) were open; see Exercise 8.3 and section 6.2.",
        "### 8.4 A heading\n\nUntil 2026-06-30 a 95 % interval; `x = 123.456` and $p = 0.9999$ are code and formula.",
        "[text](https://example.org/123.456) and DOI 10.1234/567.890; 1.2 thousand months; −27.1 %.",
        "A table in thousand yuan says 42: 42 thousand yuan.",
        "The slides say 45.5 days.",
    ],
)
def test_numbers_that_may_stand_in_prose(text: str, toy: tuple[NotebookNode, Path]):
    notebook, path = toy
    notebook.cells.insert(5, new_markdown_cell(text, metadata={"numbers_from": {"45.5": "course slides"}}))
    assert documents.numbers_in_prose_come_from_outputs(notebook, path) == []


def test_a_percentage_in_an_output_may_be_told_as_a_share(toy: tuple[NotebookNode, Path]):
    notebook, path = toy
    output("28.4% of all\n")(notebook)
    write("## Four", "\nA share of 0.284 ended.")(notebook)
    write("## References", " Pages 211–227.")(notebook)
    assert documents.numbers_in_prose_come_from_outputs(notebook, path) == []


@pytest.mark.parametrize("beginning", ["# 8", "- count", "## Terms", "quiz"])
def test_title_objectives_terms_and_quiz_teach_nothing(beginning: str, toy: tuple[NotebookNode, Path]):
    notebook, path = toy
    untagged_concepts(notebook)
    write(beginning, f"\n# {glossary.lookup('LC02').term}")(notebook)
    concepts(beginning, "LC02")(notebook)
    assert concepts_are_taught(notebook, path, practised={"LC02"}) == [
        f"no cell teaches LC02, {glossary.lookup('LC02').term}"
    ]


def test_what_cannot_be_counted_needs_no_computation(toy: tuple[NotebookNode, Path]):
    notebook, path = toy
    not_computed(notebook)
    term = dataclasses.replace(glossary.lookup("LC02"), quantifiable=False)
    assert concepts_are_taught(notebook, path, terms=[term]) == []


def test_exercise_item_counts_as_computation(toy: tuple[NotebookNode, Path]):
    notebook, path = toy
    not_computed(notebook)
    assert concepts_are_taught(notebook, path, practised={"LC02"}) == []


# --- building -----------------------------------------------------------------------------------------------------

CELLS = [
    new_code_cell(f"{toy_notebooks.SETUP}\nfrom crmlab import plots\n\nplots.use_style()"),
    new_code_cell(
        "import matplotlib.pyplot as plt\n\nfig, ax = plt.subplots()\nax.plot([1, 4, 9])\n"
        'plots.show(ax, "A line that rises from 1 to 9 orders in three months.")'
    ),
    new_code_cell("check('99.1', ...)\ncheck('99.9', lambda share, months: 1 - (1 - share) ** months)"),
    new_code_cell("outcome = check('99.7', 3)"),
    new_code_cell("outcome"),
    new_code_cell(
        "from crmlab import widgets\n\nwidgets.sliders(lambda months: months, months=(1, 9, 1, 3))",
        metadata={"tags": ["widget", "nbval-ignore-output"]},
    ),
    new_code_cell("import random\n\nsorted({'a', 'b', 'c'}, key=hash), object()"),
    new_code_cell("import os\n\nos.environ.get('CRMLAB_COHORT'), os.environ.get('NBGRADER_EXECUTION')"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A notebook that tries what varies between runs, built once; with the bytes of a second run."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "ch99.py").write_text(Path(toy_items.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    path = folder / "toy.ipynb"
    cells = [copy.deepcopy(cell) for cell in CELLS]
    for number, each in enumerate(cells):
        each.id = f"toy-{number}"
    cells[0].metadata["execution"] = {"iopub.execute_input": "2026-06-30T00:00:00"}
    metadata = {"kernelspec": {"name": "someones-venv", "display_name": "x"}, "jupytext": {"v": "1"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLAB_COHORT", "another")
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        build.main(["notebooks", str(path)])
        return path, _notebooks.executed(path)


def test_two_runs_give_identical_bytes(built: tuple[Path, bytes]):
    path, second = built
    assert path.read_bytes() == second


def test_built_notebook_is_sound(built: tuple[Path, bytes]):
    path, _ = built
    notebook = nbformat.read(path, as_version=4)
    for check in (
        documents.executed_in_order,
        documents.no_warning,
        documents.no_error,
        documents.stored_as_built,
    ):
        assert check(notebook, path) == []
    assert documents.figures_have_captions(notebook, path) == []
    assert notebook.metadata.kernelspec == _notebooks.KERNEL
    assert set(notebook.metadata) == {"kernelspec", "language_info", "widgets"}
    assert "execution" not in notebook.cells[0].metadata


def test_figure_is_shown_once(built: tuple[Path, bytes]):
    outputs = nbformat.read(built[0], as_version=4).cells[1].outputs
    assert [sorted(output.data) for output in outputs] == [
        ["image/png", "text/plain"],
        ["text/html", "text/plain"],
    ]


def test_each_check_is_shown_once_per_cell(built: tuple[Path, bytes]):
    cells = nbformat.read(built[0], as_version=4).cells
    shown = [[output.data["text/plain"] for output in cells[n].outputs] for n in (2, 3, 4)]
    assert [len(texts) for texts in shown] == [2, 1, 1]
    assert shown[0][1] == "99.9 · Correct."
    assert shown[1] == shown[2]


def test_widget_is_stored_with_its_state(built: tuple[Path, bytes]):
    notebook = nbformat.read(built[0], as_version=4)
    (view,) = [
        o.data for o in notebook.cells[5].outputs if "application/vnd.jupyter.widget-view+json" in o.data
    ]
    model = view["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert model in notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]


def test_chapters_are_built_on_the_shipped_cohort(built: tuple[Path, bytes]):
    cells = nbformat.read(built[0], as_version=4).cells
    assert cells[-1].outputs[0].data["text/plain"] == "(None, None)"


def test_notebook_that_fails_is_left_alone(tmp_path: Path):
    path = tmp_path / "bad.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"(?s)left as it was.*ZeroDivisionError"):
        build.main(["notebooks", str(path)])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["bad.ipynb"]


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "nbclient", None)
    with pytest.raises(SystemExit, match="needs nbclient, which is in the group 'test'"):
        _notebooks.executed(Path("any.ipynb"))
