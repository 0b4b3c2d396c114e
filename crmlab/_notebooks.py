"""Stored outputs and released exercises: the notebooks' half of ``python -m crmlab.build``.

Needs nbclient and nbgrader, which readers and students do not.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
_WIDGETS = "application/vnd.jupyter.widget-state+json"
_SECONDS_PER_CELL = 300

# One process, one thread, one hash seed, one time zone: the same outputs wherever they are made.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TZ": "UTC",
    "COLUMNS": "80",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a debugger's message about its own start
}
_NOT_INHERITED = ("CRMLAB_COHORT", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "MPLBACKEND")


def home() -> Path:
    """Return the folder that holds ``notebooks/``; notebooks are built in a checkout only.

    Returns
    -------
    pathlib.Path
        The checkout.

    Raises
    ------
    SystemExit
        If crmlab is installed without its notebooks.
    """
    folder = Path(__file__).resolve().parent.parent
    if not (folder / "notebooks").is_dir():
        raise SystemExit(
            f"No notebooks in {folder}: run this in a checkout of the repository, installed with -e."
        )
    return folder


def chapters() -> list[Path]:
    """Return every notebook that is written by hand: all but the released exercises.

    Returns
    -------
    list of pathlib.Path
        In alphabetical order.
    """
    return [path for path in _all() if not _is_released(path)]


def exercises() -> list[Path]:
    """Return the released exercises.

    Returns
    -------
    list of pathlib.Path
        In alphabetical order.
    """
    return [path for path in _all() if _is_released(path)]


def _is_released(path: Path) -> bool:
    return "exercises" in path.relative_to(home()).parts


def _all() -> list[Path]:
    return sorted(p for p in (home() / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def executed(path: Path) -> bytes:
    """Run a notebook from the top on the shipped cohort.

    Parameters
    ----------
    path : pathlib.Path
        The notebook; it is not changed.

    Returns
    -------
    bytes
        The file to store: two runs give the same.

    Raises
    ------
    SystemExit
        If a cell raises or takes too long, or the kernel dies.
    """
    nbformat = _need("nbformat")
    nbclient = _need("nbclient")
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    importlib.import_module("matplotlib.font_manager")  # builds its cache: a notebook would show the message
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    notebook.metadata.pop("widgets", None)
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=_SECONDS_PER_CELL,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    with tempfile.TemporaryDirectory(prefix="crmlab-ipython-") as profile:  # no start-up files of the user's
        try:
            client.execute(env=inherited | _ENVIRONMENT | {"IPYTHONDIR": profile})
        except (CellControlSignal, DeadKernelError) as error:
            message = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
            raise SystemExit(f"{path} is left as it was: it does not run.\n{message}") from error
    return stored(notebook)


def stored(notebook: NotebookNode) -> bytes:
    """Return a notebook without what differs between runs or machines.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The notebook; its metadata are tidied in place.

    Returns
    -------
    bytes
        The file to store.
    """
    nbformat = _need("nbformat")
    metadata = notebook.metadata
    metadata.pop("jupytext", None)  # names its version
    metadata.kernelspec = KERNEL
    metadata.language_info = LANGUAGE
    for cell in notebook.cells:
        for key in ("execution", "ExecuteTime", "vscode", "trusted"):
            cell.metadata.pop(key, None)
    state = metadata.get("widgets", {}).get(_WIDGETS, {}).get("state", {})
    if not state:
        metadata.pop("widgets", None)
    # widgets are numbered in the order of their creation
    models = {model: f"{number:032x}" for number, model in enumerate(state, 1)}
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    if models:
        text = re.sub("|".join(models), lambda match: models[match[0]], text)
        text = nbformat.writes(nbformat.reads(text, as_version=4))  # sorted by the new names
    text = re.sub(r"\bat 0x[0-9a-fA-F]{6,}", "at 0x0", text)
    return (text.rstrip("\n") + "\n").encode()


def released(chapter: Path) -> dict[str, bytes]:
    """Make what students get from a folder of ``notebooks/solutions``, with nbgrader.

    Parameters
    ----------
    chapter : pathlib.Path
        The folder.

    Returns
    -------
    dict of str to bytes
        File name -> content.
    """
    _need("nbgrader")
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    with course(chapter) as config:
        config.SaveCells.enabled = False  # the gradebook is the instructor's
        directory = CourseDirectory(config=config)
        converter = GenerateAssignment(coursedir=directory, config=config, no_database=True)
        converter.log.setLevel("ERROR")
        converter.start()
        made = Path(directory.root) / directory.release_directory / chapter.name
        return {file.relative_to(made).as_posix(): file.read_bytes() for file in sorted(made.rglob("*.*"))}


@contextmanager
def course(chapter: Path) -> Iterator[Config]:
    """Give nbgrader's configuration for a temporary course that holds the sources of one chapter.

    Parameters
    ----------
    chapter : pathlib.Path
        A folder of ``notebooks/solutions``.

    Yields
    ------
    traitlets.config.Config
        The configuration; the course goes when the block ends.
    """
    from traitlets.config import PyFileConfigLoader

    ours = Path(__file__).resolve().parent.parent
    config = PyFileConfigLoader("nbgrader_config.py", str(ours)).load_config()
    with tempfile.TemporaryDirectory(prefix="crmlab-course-") as root:
        config.CourseDirectory.root = root
        config.CourseDirectory.assignment_id = chapter.name
        source = Path(root) / config.CourseDirectory.source_directory / chapter.name
        shutil.copytree(chapter, source, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
        yield config


def _need(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"Building notebooks needs {error.name}, which is in the group 'test': run "
            "'uv run --group test python -m crmlab.build …' or install it with pip."
        ) from error
