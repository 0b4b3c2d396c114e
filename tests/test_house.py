"""The house rules that a reader of the code relies on: rooms of a size, functions of a size, one style of docstring."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpydoc.validate import validate

import crmlab
from crmlab._results import Result

ROOT = Path(crmlab.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
ROOM = 700  # lines
FUNCTION = 45  # lines with code
# numpydoc's codes for: no docstring, unknown or unordered sections, parameters that are missing, made up, out of order,
# without type or description, returns without a section or description
RULES = {"GL06", "GL07", "GL08", "PR01", "PR02", "PR03", "PR04", "PR07", "RT01", "RT03"}
# item banks are data, and processes serve `simulate.world` alone: their small functions are named, not documented
INNER = ("crmlab.exercises.ch", "crmlab.simulate.")


def name_of(path: object) -> str:
    return path.relative_to(ROOT).as_posix() if isinstance(path, Path) else str(path)


def code_lines(function: ast.AST) -> int:
    """Count the lines of a function that hold code: no docstring, no comment, no blank line."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    held = {line for part in body for node in ast.walk(part) for line in _lines(node)}
    return len(held)


def _lines(node: ast.AST) -> Iterator[int]:
    if hasattr(node, "lineno"):
        yield node.lineno
        yield node.end_lineno


def crowded(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that set several names to several values at once, unless they swap them."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
            continue
        if not any(isinstance(target, ast.Tuple) for target in node.targets):
            continue
        names = [
            {n.id for n in ast.walk(part) if isinstance(n, ast.Name)} for part in (*node.targets, node.value)
        ]
        if not any(names[0] & names[1] for names in [names]):
            yield node.lineno


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_room_is_of_a_size(path: Path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= ROOM
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    long = {f.name: code_lines(f) for f in functions if code_lines(f) > FUNCTION}
    assert not long, f"functions beyond {FUNCTION} lines of code: {long}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_one_statement_a_line(path: Path):
    lines = list(crowded(ast.parse(path.read_text(encoding="utf-8"))))
    assert not lines, f"a, b = x, y in lines {lines}: one statement a line"


def public() -> Iterator[str]:
    """Yield the dotted names of all that the public modules define for others."""
    for module in pkgutil.walk_packages([str(ROOT)], "crmlab."):
        if any(part.startswith("_") for part in module.name.split(".")) or module.name.startswith(INNER):
            continue
        found = importlib.import_module(module.name)
        for name, value in vars(found).items():
            here = getattr(value, "__module__", None) == module.name
            if name.startswith("_") or not here or not (inspect.isfunction(value) or inspect.isclass(value)):
                continue
            yield f"{module.name}.{name}"
            if inspect.isclass(value):
                yield from _methods(f"{module.name}.{name}", value)


def _methods(where: str, kind: type) -> Iterator[str]:
    for name, value in vars(kind).items():
        if not name.startswith("_") and inspect.isfunction(value):
            yield f"{where}.{name}"


def rules(name: str) -> set[str]:
    """Return what applies to a name: nobody calls the class of a result, so it need not list its parameters."""
    value = pkgutil.resolve_name(name)
    made = inspect.isclass(value) and issubclass(value, Result)
    return RULES - {"PR01"} if made else RULES


@pytest.mark.parametrize("name", sorted(public()))
def test_docstring_is_numpydoc(name: str):
    wrong = [f"{code}: {text}" for code, text in validate(name)["errors"] if code in rules(name)]
    assert not wrong, "\n".join(wrong)


def test_the_rules_can_be_broken():
    tree = ast.parse("def f():\n    'doc'\n    a, b = 1, 2\n    # why\n\n    a, b = b, a\n    return a\n")
    assert list(crowded(tree)) == [3]
    assert code_lines(tree.body[0]) == 3
