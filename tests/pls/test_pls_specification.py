"""What is no model: blocks, modes and paths that are refused, and containers that are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pls_models import random_survey

from crmlab.pls import PLSPathModel


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(paths=[("A", "B"), ("B", "C"), ("C", "A")]), "cycle: .*->"),
        (dict(paths=[("A", "A"), ("B", "C")]), "cycle: A -> A"),
        (dict(paths=[("A", "B"), ("A", "B"), ("B", "C")]), "A -> B is given more than once"),
        (dict(paths=[("A", "B")]), "'C' has no path"),
        (dict(paths=[]), "'A' has no path"),
        (dict(paths=[("A", "B"), ("Bee", "C")]), "paths names 'Bee'"),
        (dict(paths=["AB"]), "pairs"),
        (dict(paths=None), "paths must be a list of \\(predictor, outcome\\) pairs, found NoneType"),
        (dict(paths=[1, 2]), "pairs, found 1"),
        (dict(paths=[("A", "B", "C"), ("B", "C")]), r"pairs, found \('A', 'B', 'C'\) among them"),
        (dict(paths=[{"A", "B"}, ("B", "C")]), "pairs, found {"),
        (dict(paths=pd.DataFrame({"p": ["A"], "o": ["B"]})), "pairs, found DataFrame"),
        (dict(paths=[(["A"], "B"), ("B", "C")]), "paths names \\['A'\\], no latent"),
        (dict(modes="B"), "modes must be a dictionary .* found 'B'"),
        (dict(modes=["B"]), "modes must be a dictionary"),
        (dict(blocks={"A": [["A0", "A1"]], "B": ["B0"], "C": ["C0"]}), "block 'A' .*found \\['A0', 'A1'\\]"),
        (dict(blocks={"A": {"A0", "A1"}, "B": ["B0"], "C": ["C0"]}), "list of items"),
        (dict(blocks={"A": pd.DataFrame({"A0": [1]}), "B": ["B0"], "C": ["C0"]}), "list of items"),
        (dict(paths={"A": "B"}), "pairs"),
        (dict(blocks={"A": ["A0", "A9"], "B": ["B0"], "C": ["C0"]}), "no column 'A9'"),
        (dict(blocks={"A": ["A0"], "B": ["B0", "A0"], "C": ["C0"]}), "'A0' is in 'A' and in 'B'"),
        (dict(blocks={"A": ["A0", "A0"], "B": ["B0"], "C": ["C0"]}), "'A0' is in 'A' and in 'A'"),
        (dict(blocks={"A": [], "B": ["B0"], "C": ["C0"]}), "'A' has no items"),
        (dict(blocks={"A": "A0", "B": ["B0"], "C": ["C0"]}), "list of items"),
        (dict(blocks={"A": ["A0"]}), "at least two"),
        (dict(modes={"A": "C"}), "modes\\['A'\\]='C' is not known"),
        (dict(modes={"X": "B"}), "modes names 'X'"),
    ],
)  # fmt: skip
def test_errors_name_the_part_of_the_model(change, message):
    survey, blocks, paths = random_survey(1)
    arguments = dict(survey=survey, blocks=blocks, paths=paths) | change
    with pytest.raises((ValueError, TypeError), match=message):
        PLSPathModel(**arguments)


def test_blocks_and_paths_may_come_in_any_ordered_container():
    survey, blocks, paths = random_survey(1)
    a, b, c = blocks.values()
    mixed = {"A": np.array(a), "B": pd.Series(b, index=[5, 6, 7]), "C": pd.Index(c)}
    base = PLSPathModel(survey, blocks, paths).fit()
    for some in (zip("AAB", "BCC", strict=True), (pair for pair in paths), np.array(paths), map(list, paths)):
        model = PLSPathModel(survey, mixed, some)
        assert model.paths == tuple(paths) and dict(model.blocks) == {k: tuple(v) for k, v in blocks.items()}
        assert model.fit().path_coefficients.equals(base.path_coefficients)
    with pytest.raises(ValueError, match="survey has no column 'A9'"):
        PLSPathModel(survey, mixed | {"A": np.array(["A9"])}, paths)


def test_a_cycle_is_named_and_a_long_chain_is_none():
    survey, blocks, _ = random_survey(1)
    with pytest.raises(
        ValueError, match=r"the paths form a cycle: (A -> B -> C -> A|B -> C -> A -> B|C -> A -> B -> C)"
    ):
        PLSPathModel(survey, blocks, [("A", "B"), ("B", "C"), ("C", "A")])
    assert PLSPathModel(survey, blocks, [("C", "B"), ("B", "A")]).fit().r_squared["C"] == 0


def test_names_from_numpy_are_plain_text():
    survey, blocks, paths = random_survey(1)
    model = PLSPathModel(survey, {np.str_(b): items for b, items in blocks.items()}, np.array(paths))
    assert repr(model.paths) == repr(tuple(paths))
    assert repr(list(model.blocks)) == repr(list(blocks)) == repr(list(model.fit().path_coefficients))


def test_modes_not_named_are_reflective():
    survey, blocks, paths = random_survey(1)
    model = PLSPathModel(survey, blocks, paths, modes={"B": "B"})
    assert dict(model.modes) == {"A": "A", "B": "B", "C": "A"}
    assert dict(PLSPathModel(survey, blocks, paths).modes) == dict.fromkeys("ABC", "A")
