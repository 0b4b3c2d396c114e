"""What every test, doctest and notebook shares: the two tiers, a clean environment, corrections to nbval."""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

NOTEBOOKS = Path(__file__).parent / "notebooks"
COHORTS = {"quick": 2, "full": 10}
# Seconds on two idle cores: everything but notebooks; and each notebook that is run, with its checks and exercises.
REST = {"quick": 135, "full": 260}
NOTEBOOK = {"quick": 6, "full": 12}
# Started first, so that the last file to end is a short one: the longest, then all notebooks, then the rest.
LONGEST = ("test_browser.py", "test_nbgrader.py", "test_exercises_cohorts.py", "test_notebooks.py")

# A deadline fails a correct test on a loaded machine, and so does the clock's other limit.
settings.register_profile(
    "crmlab",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("crmlab")


# --- options ------------------------------------------------------------------------------------------------------


def _cohorts(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, found {text!r}")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crmlab", "the two tiers of crmlab's tests")
    group.addoption(
        "--full",
        action="store_true",
        help="also the tests marked 'full', the solutions, and every cell of a notebook twice in a row",
    )
    group.addoption(
        "--cohorts",
        type=_cohorts,
        help=f"cohorts on which every exercise is tried: by default {COHORTS['quick']}, with --full {COHORTS['full']}",
    )


def tier(config: pytest.Config) -> str:
    return "full" if config.getoption("full") else "quick"


def pytest_configure(config: pytest.Config) -> None:
    _refuse_what_cannot_be(config)
    if config.option.cohorts is None:
        config.option.cohorts = COHORTS[tier(config)]
    # Stored outputs show the shipped cohort, whatever cohort the person at the keyboard works on.
    os.environ.pop("CRMLAB_COHORT", None)
    # Kernels must choose the inline backend themselves; the tests' own figures need no screen.
    os.environ.pop("MPLBACKEND", None)
    import matplotlib
    import matplotlib.font_manager  # builds its cache now: in a notebook it would print a message

    matplotlib.use("agg")
    # Notebooks must not see the user's IPython start-up files, nor write into the user's history.
    os.environ["IPYTHONDIR"] = _scratch("ipython")
    if not _is_worker(config):  # the workers of pytest-xdist share one cache of cohorts
        os.environ["CRMLAB_CACHE"] = _scratch("cache")
    if config.pluginmanager.hasplugin("nbval"):
        _patch_nbval(twice=tier(config) == "full")


def _refuse_what_cannot_be(config: pytest.Config) -> None:
    """Stop at combinations of options that would quietly test less than was asked for."""
    if tier(config) == "quick" and config.option.markexpr == "full":
        raise pytest.UsageError("-m full chooses tests of the full tier only: add --full")
    if config.getoption("dist", "no") not in ("no", "loadfile", "loadscope"):
        raise pytest.UsageError(
            f"--dist={config.option.dist} gives the cells of a notebook to several kernels: leave --dist=loadfile"
        )


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _scratch(purpose: str) -> str:
    """Return a new folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix=f"crmlab-{purpose}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# --- the tiers ----------------------------------------------------------------------------------------------------


def minutes(name: str, notebooks: int) -> int:
    """Return how long a tier takes that runs so many notebooks, on two idle cores."""
    return max(1, round((REST[name] + NOTEBOOK[name] * notebooks) / 60))


def announcement(name: str) -> str:
    """Say before the first test what is about to run and how long that takes."""
    lessons = [
        path for path in NOTEBOOKS.rglob("*.ipynb") if not {"exercises", "solutions"} & set(path.parts)
    ]
    solutions = list(NOTEBOOKS.glob("solutions/**/*.ipynb"))
    if name == "full":
        return f"full tier: about {minutes('full', len(lessons) + len(solutions))} minutes on two idle cores"
    return (
        f"quick tier: about {minutes('quick', len(lessons))} minutes on two idle cores; --full adds what is left out: "
        "solutions, every cell twice, ten cohorts, all browser and nbgrader tests"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if _is_worker(config) or reporter is None:
        return
    everything = config.args_source is config.ArgsSource.TESTPATHS
    name = tier(config)
    reporter.write_line(announcement(name) if everything else f"{name} tier of the tests that were named")


def is_full(item: pytest.Item) -> bool:
    """Say whether a test or a cell belongs to the full tier only."""
    return item.get_closest_marker("full") is not None or NOTEBOOKS / "solutions" in item.path.parents


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if tier(config) == "quick":
        left_out = [item for item in items if is_full(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not is_full(item)]
    items.sort(key=lambda item: _turn(item.path))  # stable: the tests of a file stay in their order


def _turn(path: Path) -> tuple[int, float]:
    """Return the place of a file in the queue."""
    if path.name in LONGEST:
        return LONGEST.index(path.name), 0
    if path.suffix == ".ipynb":
        return len(LONGEST), -path.stat().st_size
    return len(LONGEST) + 1, 0


def pytest_terminal_summary(terminalreporter, exitstatus: int, config: pytest.Config) -> None:
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and tier(config) == "quick":
        terminalreporter.write_line("nothing was left to run: tests of the full tier need --full", red=True)


# --- nbval --------------------------------------------------------------------------------------------------------


def _patch_nbval(*, twice: bool) -> None:
    """Run cells as a notebook does: with history, without which IPython ignores a trailing ``;``."""
    from nbval.kernel import RunningKernel
    from nbval.plugin import IPyNbCell, NbCellError

    def execute_cell_input(self, cell_input, allow_stdin=None):
        return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    RunningKernel.execute_cell_input = execute_cell_input
    once = IPyNbCell.runtest
    if not twice or hasattr(once, "__wrapped__"):
        return

    def runtest(self):
        """Run the cell and compare it with its stored output; then do both again, as a reader may."""
        once(self)
        try:
            once(self)
        except NbCellError as error:
            error.args = (f"Only when run a second time: {error}", *error.args[1:])
            raise

    runtest.__wrapped__ = once
    IPyNbCell.runtest = runtest
