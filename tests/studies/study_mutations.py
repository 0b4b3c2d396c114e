"""Mutation study: how many one-line errors do the matching tests catch? Nine of ten is what the house asks for.

    uv run --group test --with cosmic-ray python tests/studies/study_mutations.py --modules crmlab/_check.py --sample 20

For every module it draws one-line errors (another comparison, sign, number, truth value, operator …) with a seed, makes
each in a copy of the checkout, and runs the module's doctests and the tests that match it by name:
``crmlab/pls/fit.py`` has ``tests/pls/test_pls_fit*.py``, or else all of ``tests/pls/``, or ``tests/test_pls*.py``.
Annotations, docstrings, messages of errors and ``if TYPE_CHECKING`` are left alone. The shares go to ``results/mutations.csv``, the
errors that nobody noticed to ``results/mutations_survivors.csv``: each is a missing test, or no error at all.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

# Loaded once: where processes can be forked, the tests of each error start in a fraction of a second.
import hypothesis  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import nbformat  # noqa: F401
import pandas as pd
import pytest
import seaborn  # noqa: F401
import statsmodels.api  # noqa: F401
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results"
# Errors that a person makes. Left out: `+` for `<<` and the like, which any test catches and so flatter the share.
USUAL = {
    "Add_Sub",
    "Sub_Add",
    "Mul_Div",
    "Div_Mul",
    "Div_FloorDiv",
    "FloorDiv_Div",
    "Mod_FloorDiv",
    "Pow_Mul",
    "BitAnd_BitOr",
    "BitOr_BitAnd",
    "Lt_LtE",
    "LtE_Lt",
    "Gt_GtE",
    "GtE_Gt",
    "Lt_Gt",
    "Gt_Lt",
    "LtE_GtE",
    "GtE_LtE",
    "Eq_NotEq",
    "NotEq_Eq",
    "Is_IsNot",
    "IsNot_Is",
    "USub_UAdd",
    "Delete_USub",
    "Delete_Not",
    "Delete_Invert",
}
KINDS = (
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "AddNot",
    "NumberReplacer",
    "ZeroIterationForLoop",
)
# Without the notebooks' plugin, whose start takes longer than most tests.
PYTEST = (
    "-o",
    "addopts=",
    "-x",
    "-q",
    "--doctest-modules",
    "-p",
    "no:nbval",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
)
PROCESSES = multiprocessing.get_context(
    "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
)
FIRST_RUN = 600  # seconds until the tests of an unchanged module are given up


# Where a star is no product: `def f(*, a)`, `f(*columns)`.
NO_PRODUCT = {"parameters", "param", "argument", "star_expr", "arglist", "trailer"}


class Mutation(NamedTuple):
    line: int
    column: int
    operator: str
    occurrence: int


# --- what can be changed ------------------------------------------------------------------------------------------


def operators() -> list[str]:
    """Return cosmic-ray's names of the errors that are made here."""
    return [
        name for name in operator_names() if _kind(name) in KINDS or _kind(name).split("_", 1)[-1] in USUAL
    ]


def _kind(operator: str) -> str:
    return operator.rpartition("/")[2]


def untouchable(source: str) -> set[int]:
    """Return the lines that change nothing a test should see: annotations, messages of errors, docstrings."""
    return {line for node in ast.walk(ast.parse(source)) if _is_untouchable(node) for line in _lines(node)}


def _is_untouchable(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Raise | ast.Import | ast.ImportFrom)


def _lines(node: ast.AST) -> set[int]:
    return set(range(node.lineno, node.end_lineno + 1))


def annotations(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where annotations begin and end: they stand in a line with defaults, which may be changed."""
    for node in ast.walk(ast.parse(source)):
        for field in ("annotation", "returns"):
            part = getattr(node, field, None)
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def mutations(source: str) -> list[Mutation]:
    """Return every change of one place of a module."""
    nodes = list(ast_nodes(get_ast(source)))
    closed = untouchable(source)
    annotated = list(annotations(source))
    stars = {node.start_pos for node in nodes if node.type == "operator" and node.parent.type in NO_PRODUCT}
    found = []
    for name in operators():
        operator = get_operator(name)()
        positions = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, ((line, column), _) in enumerate(positions):
            inside = any(start <= (line, column) < end for start, end in annotated)
            if line not in closed and not inside and (line, column) not in stars:
                found.append(Mutation(line, column, name, occurrence))
    return found


def sample(source: str, size: int, seed: str) -> list[Mutation]:
    """Draw places first, then one error at each: a number has two errors, and would else be drawn twice as often."""
    places: dict[tuple[int, int], list[Mutation]] = {}
    for mutation in mutations(source):
        places.setdefault((mutation.line, mutation.column), []).append(mutation)
    generator = random.Random(seed)
    drawn = generator.sample(sorted(places), min(size, len(places)))
    return sorted(generator.choice(places[place]) for place in drawn)


def changed(source: str, mutation: Mutation) -> str:
    return mutate_code(source, get_operator(mutation.operator)(), mutation.occurrence)


# --- the matching tests -------------------------------------------------------------------------------------------


def modules(chosen: list[str]) -> list[Path]:
    """Return the modules of crmlab below the chosen files and folders, relative to the checkout."""
    found = []
    for name in chosen:
        path = (ROOT / name).resolve()
        if not path.exists() or not path.is_relative_to(ROOT / "crmlab"):
            raise SystemExit(f"{name} is no file or folder of crmlab.")
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [path.relative_to(ROOT) for path in dict.fromkeys(found)]


def matching_tests(module: Path, root: Path = ROOT) -> list[str]:
    """Return the tests of a module, nearest name first, and the module itself for its doctests."""
    parts = [part.strip("_") for part in module.with_suffix("").parts[1:]]
    room = parts[0]
    topic = "_".join(part for part in parts if part != "init")
    tests = root / "tests"
    for found in (
        sorted(tests.glob(f"{room}/test_{topic}*.py")) + sorted(tests.glob(f"test_{topic}*.py")),
        sorted(tests.glob(f"{room}/test_*.py")),
        sorted(tests.glob(f"test_{room}*.py")),
    ):
        if found:
            return [path.relative_to(root).as_posix() for path in found] + [module.as_posix()]
    return []


# --- making and trying --------------------------------------------------------------------------------------------


def copy_of_checkout(folder: Path) -> Path:
    """Copy what git would: no environments and caches."""
    leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "build", "dist")
    return Path(shutil.copytree(ROOT, folder / "copy", ignore=leave))


def begin(copy: Path, module: Path, source: str, tests: list[str]) -> BaseProcess:
    """Give a copy another source of a module and start its tests."""
    (copy / module).write_text(source, encoding="utf-8")
    process = PROCESSES.Process(target=_test, args=(copy, tests))
    process.start()
    return process


def _test(copy: Path, tests: list[str]) -> None:
    """Run tests in this process, which imports crmlab from the copy."""
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)
    sys.dont_write_bytecode = True  # a file changed twice within a second would be read as it was
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        code = pytest.main([*PYTEST, *tests])
    os._exit(code)  # whatever threads the tests have left


def passed(process: BaseProcess, seconds: float) -> bool:
    """Say whether the tests passed; a hang is noticed, too."""
    process.join(max(0, seconds))
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def study(module: Path, size: int, seed: int, copies: list[Path]) -> tuple[dict, list[dict]]:
    """Try a sample of errors in one module; return its row of the table and the survivors."""
    source = (ROOT / module).read_text(encoding="utf-8")
    row = {"module": module.as_posix(), "mutations": 0, "killed": 0, "share": None, "remark": ""}
    tests = matching_tests(module)
    drawn = sample(source, size, f"{seed} {module.as_posix()}")
    if not tests or not drawn:
        return row | {"remark": "no matching tests" if drawn else "nothing to change"}, []
    started = time.monotonic()
    if not passed(begin(copies[0], module, source, tests), FIRST_RUN):
        return row | {"remark": "its tests fail or are missing without any change"}, []
    limit = 60 + 10 * (time.monotonic() - started)
    alive = []
    for first in range(0, len(drawn), len(copies)):
        batch = list(zip(copies, drawn[first : first + len(copies)], strict=False))
        running = [begin(copy, module, changed(source, mutation), tests) for copy, mutation in batch]
        until = time.monotonic() + limit
        outcomes = [passed(process, until - time.monotonic()) for process in running]
        alive += [mutation for (_, mutation), survived in zip(batch, outcomes, strict=True) if survived]
    for copy in copies:
        (copy / module).write_text(source, encoding="utf-8")
    killed = len(drawn) - len(alive)
    row |= {"mutations": len(drawn), "killed": killed, "share": round(killed / len(drawn), 2)}
    return row, [{"module": module.as_posix(), **described(source, mutation)} for mutation in alive]


def described(source: str, mutation: Mutation) -> dict:
    """Return a survivor's line as it was and as it is."""
    after = changed(source, mutation).splitlines()[mutation.line - 1].strip()
    before = source.splitlines()[mutation.line - 1].strip()
    return {"line": mutation.line, "error": _kind(mutation.operator), "before": before, "after": after}


def store(name: str, rows: list[dict], columns: list[str], tried: list[str]) -> pd.DataFrame:
    """Write a table, keeping the rows of modules that were not tried this time and still exist."""
    path = RESULTS / name
    table = pd.DataFrame(rows, columns=columns)
    if path.exists():
        old = pd.read_csv(path, keep_default_na=False, dtype=str)
        kept = old[[m not in tried and (ROOT / m).exists() for m in old["module"]]]
        table = pd.concat([kept, table.astype(object)])
    table = table.sort_values("module", kind="stable")
    table.to_csv(path, index=False, lineterminator="\n")
    return table


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--modules", nargs="+", default=["crmlab"], metavar="PATH", help="files or folders of crmlab"
    )
    parser.add_argument("--sample", type=int, default=20, help="errors a module (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    chosen = modules(options.modules)
    rows: list[dict] = []
    survivors: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="crmlab-mutations-") as folder:
        copies = [copy_of_checkout(Path(folder) / str(number)) for number in range(options.workers)]
        for module in chosen:
            row, alive = study(module, options.sample, options.seed, copies)
            print(
                f"{row['module']}: {row['killed']} of {row['mutations']} killed. {row['remark']}", flush=True
            )
            rows.append(row)
            survivors += alive
    tried = [module.as_posix() for module in chosen]
    store("mutations.csv", rows, ["module", "mutations", "killed", "share", "remark"], tried)
    store("mutations_survivors.csv", survivors, ["module", "line", "error", "before", "after"], tried)
    errors, killed = sum(row["mutations"] for row in rows), sum(row["killed"] for row in rows)
    print(
        f"{killed} of {errors} errors were noticed: {killed / errors:.0%}" if errors else "nothing was tried"
    )


if __name__ == "__main__":
    main()
