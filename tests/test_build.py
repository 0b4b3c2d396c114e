"""What is written by ``python -m crmlab.build``: all or nothing, the same bytes, nothing that has no source."""

from __future__ import annotations

import ast
import errno
import json
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from crmlab import _notebooks, build, datasets, simulate
from crmlab.datasets import _csv, _datapackage, _places, _sealing

HOME = _places.home()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder as datasets/ is, with a table that is no more and a glossary; the simulator makes a small world."""
    folder = tmp_path / "datasets"
    shutil.copytree(HOME / "dictionary", folder / "dictionary")
    (folder / "tables").mkdir()
    (folder / "truth").mkdir()
    for path in (
        "tables/gone.csv",
        "truth/gone.csv",
        "tables/orders.csv",
        "glossary.csv",
        "README.md",
        "datapackage.json",
    ):
        (folder / path).write_text("old\n")
    world = simulate.world
    monkeypatch.setattr(simulate, "world", lambda seed: world(seed, customers=60))
    monkeypatch.setattr(_places, "home", lambda: folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    _datapackage.package.cache_clear()
    _datapackage.edition.cache_clear()


def held(folder: Path) -> dict[str, bytes]:
    """Return everything that a folder holds, hidden files too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# -- files ----------------------------------------------------------------------------------------
def test_write_says_whether_it_wrote(tmp_path: Path):
    page = tmp_path / "new" / "page.csv"
    assert build.write(page, b"1") is True
    before = page.stat().st_ino
    assert build.write(page, b"1") is False
    assert page.stat().st_ino == before
    assert build.write(page, b"2") is True
    assert held(tmp_path) == {"new/page.csv": b"2"}


def test_write_all_writes_what_differs(tmp_path: Path):
    (tmp_path / "same").write_bytes(b"1")
    assert build.write_all(tmp_path, {"same": b"1", "deep/er/new": b"2"}) == ["deep/er/new"]
    assert held(tmp_path) == {"same": b"1", "deep/er/new": b"2"}


def test_drafts_lie_on_the_disk_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From one disk to another nothing can be moved in one step."""
    replace = os.replace
    sources: list[Path] = []
    monkeypatch.setattr(
        os, "replace", lambda source, target: sources.append(source) or replace(source, target)
    )
    build.write_all(tmp_path / "home", {"a": b"1", "b/b": b"2"})
    assert [source.parents[1] for source in sources] == [tmp_path / "home"] * 2


@pytest.mark.parametrize("step", ["draft", "replace"])
@pytest.mark.parametrize("fails", [1, 2, 3])
def test_a_disk_that_refuses_leaves_what_was_there(
    step: str, fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = {"a": b"old a", "c": b"old c", "other": b"mine"}
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    calls: list[int] = []

    def refuse(call):
        def wrapped(*arguments):
            calls.append(1)
            if len(calls) == fails:
                raise OSError(errno.ENOSPC, "No space left on device")
            return call(*arguments)

        return wrapped

    with monkeypatch.context() as patch:
        if step == "draft":
            patch.setattr(Path, "write_bytes", refuse(Path.write_bytes))
        else:
            patch.setattr(os, "replace", refuse(os.replace))
        with pytest.raises(OSError, match="No space"):
            build.write_all(tmp_path, {"a": b"new", "b/b": b"new", "c": b"new"})
    assert held(tmp_path) == before
    assert not list(tmp_path.glob(".*"))


# -- tables ---------------------------------------------------------------------------------------
def test_data_writes_all_removes_what_is_gone_and_leaves_the_rest(home: Path, capsys):
    build.main(["data"])
    found = held(home)
    tables = [path for path in found if path.startswith(("tables/", "truth/"))]
    assert sorted(tables) == sorted(r["path"] for r in _datapackage.package()["resources"])
    assert found["glossary.csv"] == b"old\n"
    assert found["README.md"] == build.readme(found["datapackage.json"])
    assert len(datasets.load("consumers")) == 60, "loaders see the new tables"
    assert f"{len(tables)} tables, 0." in (said := capsys.readouterr().out)
    assert f"{len(tables) + 2} files written, 2 removed" in said
    build.main(["data"])
    assert "0 files written, 0 removed" in capsys.readouterr().out
    build.main(["dictionary"])
    assert "0 written" in capsys.readouterr().out
    assert held(home) == found
    assert _datapackage.edition() == _datapackage.digest(found["datapackage.json"])
    page = home / "dictionary/orders.json"
    page.write_text(page.read_text(encoding="utf-8").replace('"Orders"', '"All orders"', 1), encoding="utf-8")
    build.main(["data"])
    assert datasets.describe("orders").attrs["title"] == "All orders", "and the newer ones"
    assert _datapackage.edition() == _datapackage.digest((home / "datapackage.json").read_bytes())


def test_a_table_that_fails_halfway_leaves_everything(home: Path, monkeypatch: pytest.MonkeyPatch):
    before = held(home)
    written = _csv.written
    calls: list[str] = []

    def fail(frame, resource):
        calls.append(resource["name"])
        if len(calls) == 17:
            raise ValueError("Column x of y has infinite values.")
        return written(frame, resource)

    monkeypatch.setattr(_csv, "written", fail)
    with pytest.raises(SystemExit, match="Column x of y has infinite values"):
        build.main(["data"])
    assert held(home) == before


def test_a_disk_that_fills_up_halfway_leaves_everything(home: Path, monkeypatch: pytest.MonkeyPatch):
    before = held(home)
    replace = os.replace
    calls: list[str] = []

    def fail(source, target):
        calls.append(target)
        if len(calls) == 17:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        build.main(["data"])
    assert held(home) == before


def test_a_world_without_a_described_table_is_refused(home: Path):
    (home / "dictionary/new_table.json").write_bytes((home / "dictionary/orders.json").read_bytes())
    before = held(home)
    with pytest.raises(SystemExit, match="do not have the same tables: new_table"):
        build.main(["data"])
    assert held(home) == before


def test_page_of_the_dictionary():
    page = build.readme((HOME / "datapackage.json").read_bytes()).decode()
    package = json.loads((HOME / "datapackage.json").read_text(encoding="utf-8"))
    assert page.startswith("# Qinghe Tea")
    assert f"Version {package['version']}, seed {package['crmlab:seed']}." in page
    tables, truth = page.split("\n## Tables\n")[1].split("\n## Truth\n")
    assert package["crmlab:tables"] in tables
    assert package["crmlab:truth"] in truth
    for resource in package["resources"]:
        part = truth if resource["crmlab:truth"] else tables
        assert f"\n### {resource['name'].replace('/', ': ')}\n\n**{resource['title']}.** " in part
        for field in resource["schema"]["fields"]:
            assert f"\n| {field['name']} | {field['type']} | {field['unit']} |" in part
    assert "\n| orders | Orders | 46132 | order_id |\n" in tables
    assert "`customer_id` refers to `customer_id` in consumers." in tables
    assert "`predecessor_id` refers to `account_id` in accounts." in tables
    assert "\n| --- | --- | --- | --- | --- | --- |\n" in tables


def test_a_bar_in_a_cell_does_not_end_it():
    import pandas as pd

    frame = pd.DataFrame({"b": ["x|y"]}, index=pd.Index(["k"], name="a"))
    assert build._markdown(frame) == "| a | b |\n| --- | --- |\n| k | x\\|y |"


# -- notebooks ------------------------------------------------------------------------------------
def test_a_notebook_that_is_not_there_or_is_made_is_not_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_notebooks, "executed", lambda path: pytest.fail("runs it"))
    with pytest.raises(SystemExit, match=r"There is no notebook .*nowhere\.ipynb"):
        build.main(["notebooks", "nowhere.ipynb"])
    made = str(_notebooks.exercises()[0])
    with pytest.raises(SystemExit, match=r"is made by 'python -m crmlab\.build exercises'"):
        build.main(["notebooks", made])


def test_without_paths_all_that_are_written_by_hand(monkeypatch: pytest.MonkeyPatch, capsys):
    ran = []
    monkeypatch.setattr(_notebooks, "executed", lambda path: ran.append(path) or b"")
    monkeypatch.setattr(build, "write", lambda path, content: False)
    build.main(["notebooks"])
    assert ran == _notebooks.chapters()
    assert capsys.readouterr().out.count(": unchanged (") == len(ran)


def test_every_notebook_is_written_or_made():
    written = _notebooks.chapters()
    made = _notebooks.exercises()
    folder = _notebooks.home() / "notebooks"
    assert {p.relative_to(folder).parts[0] for p in made} == {"exercises"}
    assert not {p for p in written if "exercises" in p.relative_to(folder).parts}
    assert {p.relative_to(folder).parts[0] for p in written} >= {
        "chapters",
        "solutions",
        "00-start-here.ipynb",
    }
    assert written == sorted(written)
    found = {p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}
    assert {*written, *made} == found


def test_checkpoints_are_no_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "exercises"  # the name of a folder above says nothing
    for path in ("a.ipynb", ".ipynb_checkpoints/a.ipynb", "exercises/ch01/b.ipynb"):
        (home / "notebooks" / path).parent.mkdir(parents=True, exist_ok=True)
        (home / "notebooks" / path).touch()
    monkeypatch.setattr(_notebooks, "home", lambda: home)
    assert _notebooks.chapters() == [home / "notebooks/a.ipynb"]
    assert _notebooks.exercises() == [home / "notebooks/exercises/ch01/b.ipynb"]


def test_notebooks_are_built_in_a_checkout_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_notebooks, "__file__", str(tmp_path / "crmlab/_notebooks.py"))
    with pytest.raises(SystemExit, match="run this in a checkout"):
        _notebooks.home()


def widgets(*models: str) -> dict:
    state = {
        model: {"model_name": "Model", "model_module": "m", "state": {"next": models[-1]}} for model in models
    }
    return {
        "application/vnd.jupyter.widget-state+json": {"version_major": 2, "version_minor": 0, "state": state}
    }


def made(first: str, second: str, address: str) -> nbformat.NotebookNode:
    """Return a notebook as a kernel leaves it: names of widgets and addresses differ from run to run."""
    view = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": second}})
    told = new_output("stream", name="stdout", text=f"<object at 0x{address}>, at 0x12345")
    cell = new_code_cell("x", id="a", outputs=[view, told], execution_count=1)
    for key in ("execution", "ExecuteTime", "vscode", "trusted"):
        cell.metadata[key] = {"when": address}
    cell.metadata["tags"] = ["kept"]
    notebook = new_notebook(
        cells=[cell], metadata={"jupytext": {"v": address}, "widgets": widgets(first, second)}
    )
    notebook.metadata.kernelspec = {"name": address, "display_name": address}
    return notebook


def test_what_differs_between_runs_is_not_stored():
    one = _notebooks.stored(made("f" * 32, "a" * 32, "7f00aa"))
    two = _notebooks.stored(made("b" * 32, "c" * 32, "123456789abc"))
    assert one == two
    assert one.endswith(b"}\n")
    assert not one.endswith(b"\n\n")
    notebook = nbformat.reads(one.decode(), as_version=4)
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert list(state) == [f"{1:032x}", f"{2:032x}"]
    assert state[f"{1:032x}"]["state"]["next"] == f"{2:032x}"
    view, told = notebook.cells[0].outputs
    assert view.data["application/vnd.jupyter.widget-view+json"]["model_id"] == f"{2:032x}"
    assert told.text == "<object at 0x0>, at 0x12345", "six digits are an address, five are a number"
    assert dict(notebook.cells[0].metadata) == {"tags": ["kept"]}
    assert notebook.metadata.kernelspec == _notebooks.KERNEL
    assert notebook.metadata.language_info == _notebooks.LANGUAGE
    assert "jupytext" not in notebook.metadata


def test_widgets_without_state_are_not_stored():
    notebook = new_notebook(metadata={"widgets": widgets("a")})
    notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"] = {}
    assert b"widgets" not in _notebooks.stored(notebook)


def run(tmp_path: Path, *sources: str) -> list:
    """Run cells as a notebook in a file and return its cells."""
    path = tmp_path / "page.ipynb"
    cells = [new_code_cell(source, outputs=[new_output("stream", text="old")]) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata={"widgets": widgets("old")}), path)
    before = path.read_bytes()
    done = nbformat.reads(_notebooks.executed(path).decode(), as_version=4)
    assert path.read_bytes() == before
    assert "widgets" not in done.metadata
    return done.cells


def test_a_notebook_is_run_in_a_world_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("CRMLAB_COHORT", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "MPLBACKEND", "MINE"):
        monkeypatch.setenv(name, "from outside")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    fixed = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    fixed |= {"MKL_NUM_THREADS": "1", "TZ": "UTC", "COLUMNS": "80"}
    names = ["CRMLAB_COHORT", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "MPLBACKEND", "MINE", *fixed]
    first, second, third = run(
        tmp_path,
        f"import os\n[os.environ.get(name) for name in {names[:5]}]",
        f"print('one')\nprint('two')\n[os.environ.get(name) for name in {names[5:]}]",
        "os.getcwd()",
    )
    (told,) = first.outputs
    values = ast.literal_eval(told.data["text/plain"])
    assert values[:3] == [None, None, None]
    assert values[3] != "from outside", "the inline backend chooses itself"
    assert values[4] == "from outside"
    printed, told = second.outputs
    assert printed.text == "one\ntwo\n", "one stream, however it came"
    assert ast.literal_eval(told.data["text/plain"]) == list(fixed.values())
    assert third.outputs[0].data["text/plain"].strip("'") == str(tmp_path), "relative paths work"
    assert [cell.execution_count for cell in (first, second, third)] == [1, 2, 3]
    assert not any("execution" in cell.metadata for cell in (first, second, third))


@pytest.mark.parametrize("code", ["import os; os._exit(1)", "import time; time.sleep(60)"])
def test_a_notebook_that_does_not_run_is_named(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_notebooks, "_SECONDS_PER_CELL", 1)
    with pytest.raises(SystemExit, match=r"page\.ipynb is left as it was: it does not run") as raised:
        run(tmp_path, code)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("module", ["nbclient", "nbformat"])
def test_a_missing_package_is_named(module: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SystemExit, match=f"needs {module}, which is in the group 'test'"):
        _notebooks.executed(Path("any.ipynb"))


def test_a_command_that_is_none(capsys):
    for arguments in ([], ["dat"], ["data", "x"]):
        with pytest.raises(SystemExit):
            build.main(arguments)
    assert "usage: python -m crmlab.build" in capsys.readouterr().err


def test_descriptions_are_read_where_the_tables_are(home: Path):
    assert _sealing.described()["resources"]
    (home / "dictionary/orders.json").unlink()
    with pytest.raises(ValueError, match=r"names 'orders', but there is no dictionary/orders\.json"):
        _sealing.described()
