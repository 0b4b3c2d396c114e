"""Numbers that shape the world are stated beside their process: no function of a process holds one of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmlab.simulate import processes

MODULES = sorted(Path(processes.__file__).parent.glob("*.py"))
PLAIN = {0, 1, 2, 0.5, 10, 100}  # and their negatives
SMALL = 9  # a column, a power, a number of digits
FORM = ("axis", "decimals", "digits", "ndmin", "ddof")  # keywords that shape no data


def literals(tree: ast.AST) -> Iterator[tuple[int, float]]:
    """Yield line and value of every number in the body of a function that is neither plain nor pure form."""
    form = {id(node) for node in _of_form(tree)}
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.Lambda)):
            continue
        body = function.body if isinstance(function.body, list) else [function.body]
        for node in (inner for part in (*body, function.args) for inner in ast.walk(part)):
            if _is_number(node) and node.value not in PLAIN and id(node) not in form:
                form.add(id(node))  # a function within a function is walked twice
                yield node.lineno, node.value


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, complex)


def _of_form(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield small whole numbers in places that say nothing about the world: indices, powers, digits, columns drawn."""
    for node in ast.walk(tree):
        found: list[ast.AST] = []
        if isinstance(node, ast.Subscript):
            found = list(_ends(node.slice))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            found = [node.right]
        elif isinstance(node, ast.Call):
            found = [word.value for word in node.keywords if word.arg in FORM]
            name = getattr(node.func, "attr", "")
            if name == "round":
                found += [end for value in node.args for end in _ends(value)]
            if name in ("random", "standard_normal") and node.args:
                found += list(_ends(node.args[0]))
        yield from (end for end in found if _is_number(end) and end.value in range(SMALL + 1))


def _ends(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the numbers of an index, a tuple or a dictionary of values."""
    if isinstance(node, ast.Tuple):
        for part in node.elts:
            yield from _ends(part)
    elif isinstance(node, ast.Dict):
        yield from node.values
    elif isinstance(node, ast.Slice):
        yield from (part for part in (node.lower, node.upper, node.step) if part is not None)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    else:
        yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_functions_of_processes_hold_no_numbers_of_their_own(path: Path):
    found = sorted(set(literals(ast.parse(path.read_text(encoding="utf-8")))))
    assert not found, f"state these with numbers(), grid() or series(), as (line, number): {found}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x + 0.3", [0.3]),
        ("x * 365", [365]),
        ("rng.normal(0, 1.7, n)", [1.7]),
        ("rng.standard_normal((n, 4)) + rng.random((n, 0.7))", [0.7]),
        ("rng.integers(0, 36) % 7", [7, 36]),
        ("x[:, 3] + x[3:] - x[12]", [12]),
        ("x.round(3) + x.round({'a': 4}) + 3", [3]),
        ("x ** 3 + 3 ** x", [3]),
        ("f(x, axis=3, rate=3)", [3]),
        ("x.clip(-1, 10) * -0.5 + 100 / 2", []),
        ("np.where(x > 4, True, None)", [4]),
        ("(lambda y: y + 5)(x)", [5]),
    ],
)
def test_a_number_of_its_own_is_found_and_form_is_let_pass(code: str, found: list[float]):
    tree = ast.parse(f"RATE = 0.3\n\ndef f(x):\n    'Text of 77.'\n    return {code}\n")
    assert sorted(value for _, value in literals(tree)) == found


def test_defaults_and_functions_within_functions_are_seen():
    tree = ast.parse("def f(x, rate=0.3):\n    def g():\n        return x * 5\n    return g()\n")
    assert sorted(literals(tree)) == [(1, 0.3), (3, 5)]


def test_there_are_processes_to_read():
    assert len(MODULES) > 10
    text = Path(processes.__file__).parent.joinpath("satisfaction_survey.py").read_text(encoding="utf-8")
    assert not list(literals(ast.parse(text)))
    planted = text.replace("ANSWERS.item_sd * raw", "1.7 * raw")
    assert [value for _, value in literals(ast.parse(planted))] == [1.7]
