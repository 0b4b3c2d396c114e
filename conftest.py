"""What every test, doctest and notebook shares: a clean environment, and a correction to how nbval runs a cell."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cohorts",
        type=int,
        default=10,
        help="cohorts on which every exercise is tried (default 10); from 200 on, the result is stored as a table",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Stored outputs show the shipped cohort, whatever cohort the person at the keyboard works on.
    os.environ.pop("CRMLAB_COHORT", None)
    # Kernels must choose the inline backend themselves; the tests' own figures need no screen.
    os.environ.pop("MPLBACKEND", None)
    import matplotlib
    import matplotlib.font_manager  # builds its cache now: in a notebook it would print a message

    matplotlib.use("agg")
    # Notebooks must not see the user's IPython start-up files, nor write into the user's history.
    os.environ["IPYTHONDIR"] = _scratch("ipython")
    if not hasattr(config, "workerinput"):  # the workers of pytest-xdist share one cache of cohorts
        os.environ["CRMLAB_CACHE"] = _scratch("cache")
    _patch_nbval()


def _scratch(purpose: str) -> str:
    """Return a new folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix=f"crmlab-{purpose}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _patch_nbval() -> None:
    """Run cells as a notebook does: with history, without which IPython ignores a trailing ``;``."""
    from nbval.kernel import RunningKernel

    def execute_cell_input(self, cell_input, allow_stdin=None):
        return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    RunningKernel.execute_cell_input = execute_cell_input
