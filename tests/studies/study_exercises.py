"""Is every exercise well posed on other cohorts? Run: python tests/studies/study_exercises.py [8.3 …] [--all]

For many cohorts: is the reference finite, and how often does a usual mistake agree with it? The figures go to
results/exercise_cohorts/, one file a chapter. Only items are run whose figures are stale: their code has changed (by a
hash of what they call in their chapter's module, and of their tolerance), their answers on the shipped cohort have (the
methods they call were changed), or the world has. A figure that differs from the stored one is reported.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import inspect
import os
import sys
import tempfile
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab import datasets, simulate
from crmlab.exercises import Item, items
from crmlab.exercises._items import chapters
from crmlab.exercises._judge import agrees, known_answer

RESULTS = Path(__file__).parent / "results" / "exercise_cohorts"
COHORTS = 200
COMMAND = "python tests/studies/study_exercises.py"
SETTINGS = ("decimals", "tolerance", "relative", "ordered", "choices")
KEYS = ["item", "rival"]


# -- what an item is made of ----------


@cache
def _top_level(module: str) -> dict[str, ast.AST]:
    """Return what a module defines, by name, without docstrings."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return {name: node for node in tree.body for name in _defined(node)}


def _defined(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _reached(names: Iterable[str], defined: dict[str, ast.AST]) -> set[str]:
    """Return the names and all that they use, directly or not, among those that are defined."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in defined and name not in found:
            found.add(name)
            waiting += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
    return found


def _plain(node: object) -> str:
    """Write a syntax tree down: the same text for the same code, in every version of Python."""
    if isinstance(node, list):
        return f"[{', '.join(map(_plain, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {
        k: v for k, v in ast.iter_fields(node) if k not in ("ctx", "kind") and v is not None and v != []
    }
    return f"{type(node).__name__}({', '.join(f'{k}={_plain(v)}' for k, v in fields.items())})"


def code(item: Item) -> str:
    """Return a hash of all that makes an item's answers: its functions, what they call in their module, its tolerance."""
    functions = [item.reference, *(rival.function for rival in item.rivals)]
    if item.cases is not None:
        functions.append(item.cases)
    parts = [f"{name}={getattr(item, name)!r}" for name in SETTINGS]
    for function in functions:
        defined = _top_level(function.__module__)
        if function.__name__ not in defined:
            raise ValueError(
                f"item {item.id}: give {function.__name__} a name of its own in the chapter's module."
            )
        reached = sorted(_reached([function.__name__], defined))
        parts += [function.__name__, *(_plain(defined[name]) for name in reached)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


# -- its answers on a cohort ----------


def answers(item: Item) -> dict[str, object]:
    """Return the answers on the cohort that is chosen: the reference's under "", each rival's under its name."""
    cases = None if item.cases is None else [tuple(case) for case in item.cases()]
    functions = {"": item.reference, **{rival.name: rival for rival in item.rivals}}
    return {name: known_answer(function(), cases) for name, function in functions.items()}


def numbers(answer: object) -> np.ndarray:
    """Return the values of an answer in one line; a text counts as a number made of its letters."""
    if isinstance(answer, tuple):
        return np.concatenate([numbers(part) for part in answer])
    values = answer.to_numpy() if isinstance(answer, pd.DataFrame | pd.Series) else np.asarray(answer)
    return np.array([zlib.crc32(v.encode()) if isinstance(v, str) else float(v) for v in values.ravel()])


def figure(answer: object) -> float:
    """Return one number that tells an answer from others: the root of the sum of its squares, which keep their sign."""
    values = numbers(answer)
    total = (values * np.abs(values)).sum()
    return float(f"{np.sign(total) * np.sqrt(abs(total)):.6g}")


def tried(chosen: list[Item], cohort: str) -> list[tuple]:
    """Try items on a cohort: item, rival, cohort, is the reference finite, does the rival agree with it?"""
    rows = []
    datasets.use_cohort(cohort)
    for item in chosen:
        given = answers(item)
        right = given.pop("")
        finite = bool(np.isfinite(numbers(right)).all())
        rows += [(item.id, name, cohort, finite, agrees(item, right, wrong)) for name, wrong in given.items()]
    datasets.use_cohort(None)
    return rows


def run(chosen: list[Item], number: int) -> pd.DataFrame:
    """Try items on cohorts, whose worlds are simulated once each and not kept: 200 of them would fill a disk."""
    rows = []
    kept = os.environ.get("CRMLAB_CACHE")
    for n in range(1, number + 1):
        with tempfile.TemporaryDirectory() as world:
            os.environ["CRMLAB_CACHE"] = world
            rows += tried(chosen, f"class {n}")
        if n % 20 == 0:
            print(f"{n} of {number} cohorts", file=sys.stderr, flush=True)
    os.environ.pop("CRMLAB_CACHE")
    if kept is not None:
        os.environ["CRMLAB_CACHE"] = kept
    return pd.DataFrame(rows, columns=[*KEYS, "cohort", "finite", "agrees"])


# -- the stored figures ----------


def stored(chapter: int) -> pd.DataFrame:
    """Return the figures of a chapter, by item and rival; empty before its first run."""
    path = RESULTS / f"ch{chapter:02}.csv"
    columns = [*KEYS, "cohorts", "agree", "right", "wrong", "world", "code"]
    empty = pd.DataFrame(columns=columns)
    table = pd.read_csv(path, dtype={"item": str, "world": str, "code": str}) if path.exists() else empty
    return table.set_index(KEYS)


def fresh(chosen: list[Item], number: int) -> pd.DataFrame:
    """Run items and return their figures: how often a rival agrees, and the answers on the shipped cohort."""
    found = run(chosen, number)
    if not found["finite"].all():
        raise SystemExit(f"not finite:\n{found[~found['finite']]}")
    table = found.groupby(KEYS, sort=False).agg(cohorts=("cohort", "size"), agree=("agrees", "sum"))
    for item in chosen:
        given = {name: figure(answer) for name, answer in answers(item).items()}
        for rival in item.rivals:
            columns = ["right", "wrong", "world", "code"]
            table.loc[(item.id, rival.name), columns] = [
                given[""],
                given[rival.name],
                simulate.VERSION,
                code(item),
            ]
    return table


def stale(item: Item, table: pd.DataFrame, given: dict[str, float] | None = None) -> str:
    """Say why the stored figures of an item do not hold any more; nothing when they do.

    `given` are the figures of its answers on the shipped cohort; without them they are computed.
    """
    own = table.loc[[item.id]].droplevel("item") if item.id in table.index.get_level_values("item") else None
    if own is None:
        return "never run"
    if set(own["code"]) != {code(item)} or set(own.index) != {rival.name for rival in item.rivals}:
        return "its code has changed"
    if set(own["world"]) != {simulate.VERSION}:
        return f"run on world {own['world'].iloc[0]}, today's is {simulate.VERSION}"
    given = given or {name: figure(answer) for name, answer in answers(item).items()}
    known = {"": own["right"].iloc[0], **own["wrong"]}
    moved = [
        name or "the reference" for name, value in known.items() if not np.isclose(value, given[name], 1e-3)
    ]
    return f"other answers on the shipped cohort: {', '.join(moved)}" if moved else ""


def differences(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Say which figures a new run has changed."""
    found = []
    for item, rival in after.index.intersection(before.index):
        old = before.loc[(item, rival)]
        new = after.loc[(item, rival)]
        if old["agree"] / old["cohorts"] != new["agree"] / new["cohorts"]:
            agreed = f"agreed in {old['agree']} of {old['cohorts']} cohorts, now in {new['agree']} of {new['cohorts']}"
            found.append(f"{item}, {rival}: {agreed}")
    return found


def every_item() -> list[Item]:
    """Return the items of every chapter."""
    return [item for chapter in chapters() for item in items(chapter)]


def store(chapter: int, table: pd.DataFrame) -> None:
    """Write the figures of a chapter, its items in their order."""
    wanted = [(item.id, rival.name) for item in items(chapter) for rival in item.rivals]
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = table.loc[[key for key in wanted if key in table.index]]
    kept.to_csv(RESULTS / f"ch{chapter:02}.csv", lineterminator="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("items", nargs="*", help="items such as 8.3 (default: every item)")
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    parser.add_argument("--all", action="store_true", help="also items whose figures are not stale")
    options = parser.parse_args()
    known = {item.id: item for item in every_item()}
    if unknown := set(options.items) - set(known):
        parser.error(f"no such item: {', '.join(sorted(unknown))}. Choose from: {', '.join(known)}.")
    named = [known[name] for name in options.items or known]
    os.environ.pop("CRMLAB_COHORT", None)
    reasons = {item: stale(item, stored(item.chapter)) for item in named}
    chosen = [item for item in named if reasons[item] or options.all]
    for item in chosen:
        print(f"{item.id}: {reasons[item] or 'run again'}")
    if not chosen:
        print("No figure is stale.")
        return
    table = fresh(chosen, options.cohorts)
    for chapter in sorted({item.chapter for item in chosen}):
        before = stored(chapter)
        new = table[[key[0] in {item.id for item in items(chapter)} for key in table.index]]
        for line in differences(before, new):
            print(line)
        others = before[~before.index.get_level_values("item").isin(new.index.get_level_values("item"))]
        store(chapter, pd.concat([others, new]) if len(others) else new)


if __name__ == "__main__":
    main()
