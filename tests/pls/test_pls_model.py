"""What a model takes, refuses, and never changes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from pls_models import random_survey, same, survey_1_to_10, with_gaps

from crmlab.pls import PLSPathModel


def test_missing_rules_are_what_they_say():
    survey, blocks, paths = with_gaps()
    survey.index = survey.index + 1000
    filled = PLSPathModel(survey, blocks, paths, missing="mean").fit()
    assert same(filled, PLSPathModel(survey.fillna(survey.mean()), blocks, paths, missing="raise").fit())
    dropped = PLSPathModel(survey.assign(unused=np.nan), blocks, paths, missing="drop").fit()
    assert same(dropped, PLSPathModel(survey.dropna(), blocks, paths).fit())
    assert dropped.scores.index.equals(survey.dropna().index) and len(filled.scores) == 100
    assert dropped.settings["respondents"] == len(survey.dropna())
    with pytest.raises(ValueError, match=r"respondents have missing answers, most of them to item '[ABC]"):
        PLSPathModel(survey, blocks, paths, missing="raise").fit()


def test_nullable_and_boolean_columns_are_numbers():
    survey, blocks, paths = survey_1_to_10()
    nullable = survey.astype("Int64")
    nullable.loc[3, "A0"] = pd.NA
    floats = survey.copy()
    floats.loc[3, "A0"] = np.nan
    assert same(PLSPathModel(nullable, blocks, paths).fit(), PLSPathModel(floats, blocks, paths).fit())
    flags = survey.assign(A0=survey["A0"] > 6)
    assert same(
        PLSPathModel(flags, blocks, paths).fit(), PLSPathModel(flags.astype(float), blocks, paths).fit()
    )


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
        (dict(scheme="centriod"), "Did you mean 'centroid'"),
        (dict(modes={"A": "C"}), "modes\\['A'\\]='C' is not known"),
        (dict(modes={"X": "B"}), "modes names 'X'"),
        (dict(missing="means"), "Did you mean 'mean'"),
        (dict(standardize="yes"), "standardize must be True or False"),
        (dict(tolerance=0), "tolerance must be at least"),
        (dict(max_iterations=0), "max_iterations must be"),
        (dict(max_iterations=2), "no convergence"),
        (dict(survey=lambda s: s.assign(A1=3.0)), "'A1' is constant: every answer is 3"),
        (dict(survey=lambda s: s.assign(A1=1e9 + 0 * s["A1"])), "'A1' is constant"),
        (dict(survey=lambda s: s.assign(A1=np.nan)), "'A1' has no answer at all"),
        (dict(survey=lambda s: s.assign(A1=["x"] * len(s))), "'A1' must be numeric"),
        (dict(survey=lambda s: s.assign(A1=np.where(s.index == 3, np.inf, s["A1"]))), "'A1' has 1 infinite"),
        (dict(survey=lambda s: s.head(3)), "3 respondents .* too few"),
        (dict(survey=lambda s: s.head(0)), "no rows"),
        (dict(survey=lambda s: s.to_numpy()), "must be a pandas DataFrame"),
        (dict(survey=lambda s: s.set_axis(["A0", "A0", *s.columns[2:]], axis=1)), "A[01]"),
        (dict(survey=lambda s: s.mask(np.eye(len(s), 9, dtype=bool)).iloc[:10], missing="drop"), r"1 respondents \(9 dropped"),
        (dict(survey=lambda s: s.assign(A2=s["A0"] + s["A1"]), modes={"A": "B"}), "items of 'A' collinear, perfectly"),
        (dict(survey=lambda s: s.assign(B0=s["A0"], B1=s["A1"], B2=s["A2"])), "predictors of 'C' collinear"),
        (dict(survey=lambda s: s.head(4), modes={"A": "B"}), "too few"),
    ],
)  # fmt: skip
def test_errors_say_what_was_found(change, message):
    survey, blocks, paths = random_survey(1)
    arguments = dict(survey=survey, blocks=blocks, paths=paths) | change
    if callable(change.get("survey")):
        arguments["survey"] = change["survey"](survey)
    with pytest.raises((ValueError, TypeError), match=message):
        PLSPathModel(**arguments).fit()


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


def test_nothing_done_to_the_arguments_or_the_model_changes_a_result():
    survey, blocks, paths = random_survey(1)
    modes = {"C": "B"}
    model = PLSPathModel(survey, blocks, paths, modes=modes)
    result = model.fit()
    before = repr(result), result.f_squared(), dict(result.settings)
    changes = [lambda: model.modes.update(A="B"), lambda: setattr(model, "missing", "drop"),
               lambda: model.blocks["A"].pop(), lambda: model.paths.pop(), lambda: model.blocks.pop("A"),
               lambda: setattr(model, "scheme", "centroid"), lambda: delattr(model, "paths")]  # fmt: skip
    for change in changes:
        with pytest.raises((AttributeError, TypeError)):
            change()
    shown = model.survey
    shown.loc[:, "A0"] = 0.0
    survey.loc[:, "A0"] = survey["C0"]
    blocks["A"].pop(), paths.pop(), modes.clear()
    for again in (result, model.fit()):
        assert repr(again) == before[0] and again.f_squared().equals(before[1])
        assert dict(again.settings) == before[2]


def test_models_results_and_bootstraps_can_be_pickled_and_copied():
    survey, blocks, paths = random_survey(1)
    boot = PLSPathModel(survey, blocks, paths, modes={"C": "B"}).fit().bootstrap(10)
    for clone in (pickle.loads(pickle.dumps(boot)), copy.deepcopy(boot), copy.copy(boot)):
        assert repr(clone) == repr(boot) and clone.draws().equals(boot.draws()) and clone.failures == {}
        assert clone.result.f_squared().equals(boot.result.f_squared())
        assert clone.result.model.fit().scores.equals(boot.result.scores)
        with pytest.raises(TypeError):
            clone.failures["x"] = 1
        with pytest.raises(AttributeError):
            clone.result.model.missing = "drop"


def test_the_survey_is_left_alone():
    survey, blocks, paths = with_gaps()
    before = survey.copy()
    PLSPathModel(survey, blocks, paths).fit().bootstrap(10)
    pd.testing.assert_frame_equal(survey, before)
