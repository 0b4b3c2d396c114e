"""What a model takes, refuses, and never changes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from pls_models import BLOCKS, PATHS, published_sample, random_survey, same, survey_1_to_10, with_gaps

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
        (dict(scheme="centriod"), "Did you mean 'centroid'"),
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
        (dict(tolerance=0.02), "tolerance must be at most 0.01"),
        (dict(max_iterations=10_001), "max_iterations must be between 1 and 10,000, found 10,001"),
        (dict(consistent=1), "consistent must be True or False, found 1"),
        (dict(survey=lambda s: s * 1e200), "'A0' must be at (least|most) .?1e\\+100"),
        (dict(survey=lambda s: s.assign(B1=s["B1"] * 1e-150)), "'B1' varies too little around .* Rescale it"),
        (dict(survey=lambda s: s.assign(B1=s["B1"] + 1e14)), "'B1' varies too little around 1e\\+14"),
        (dict(survey=lambda s: pd.concat([s, s[["C1"]]], axis=1)), "more than one column 'C1': rename or drop"),
        (dict(survey=lambda s: s.assign(A1=pd.date_range("2024-01-01", periods=len(s)))), "'A1' must be numeric"),
        (dict(survey=lambda s: s.astype({"A1": complex})), "'A1' must be numeric"),
        (dict(survey=lambda s: s.round().astype({"A1": "category"})), "'A1' must be numeric"),
        (dict(survey=lambda s: s.assign(A1=s["A1"].astype(str))), "'A1' must be numeric"),
        (dict(survey=lambda s: s["A0"]), "must be a pandas DataFrame, found Series"),
        (dict(survey=lambda s: s.assign(A1=s["A1"].mask(s.index > 0)), missing="raise"), "59 respondents have missing answers, most of them to item 'A1'"),
    ],
)  # fmt: skip
def test_errors_say_what_was_found(change, message):
    survey, blocks, paths = random_survey(1)
    arguments = dict(survey=survey, blocks=blocks, paths=paths) | change
    if callable(change.get("survey")):
        arguments["survey"] = change["survey"](survey)
    with pytest.raises((ValueError, TypeError), match=message):
        PLSPathModel(**arguments).fit()


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


@pytest.mark.parametrize("dtype", ["Float64", "float32", "double[pyarrow]"])
def test_numeric_types_of_other_kinds_give_the_same(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    survey, blocks, paths = random_survey(1)
    base = PLSPathModel(survey, blocks, paths).fit()
    assert same(base, PLSPathModel(survey.astype(dtype), blocks, paths).fit(), 1e-6)
    assert same(base, PLSPathModel(survey.astype({"B1": dtype}), blocks, paths).fit(), 1e-6)


def test_names_of_items_and_latent_variables_are_free():
    survey, blocks, paths = random_survey(1)
    base = PLSPathModel(survey, blocks, paths).fit()
    numbered = survey.set_axis(range(9), axis=1)
    whole = PLSPathModel(numbered, {"A": [0, 1, 2], "B": np.array([3, 4, 5]), "C": [6, 7, 8]}, paths).fit()
    assert (whole.outer_weights.to_numpy() == base.outer_weights.to_numpy()).all()
    odd = {item: f"${item}_{{x}}^2$ <b>" for item in survey}
    renamed = {f"_{b}$": [odd[i] for i in items] for b, items in blocks.items()}
    arrows = [(f"_{a}$", f"_{b}$") for a, b in paths]
    result = PLSPathModel(survey.rename(columns=odd), renamed, arrows).fit()
    assert (result.path_coefficients.to_numpy() == base.path_coefficients.to_numpy()).all()
    assert list(result.outer_weights.index) == list(odd.values())
    elsewhere = pd.concat([survey, survey[["A0", "A0"]].set_axis(["z", "z"], axis=1)], axis=1)
    assert same(base, PLSPathModel(elsewhere, blocks, paths).fit(), 0)  # a name that occurs twice, unused
    with pytest.raises(ValueError, match="column names of 2 levels"):
        levels = pd.MultiIndex.from_product([["x"], survey.columns])
        PLSPathModel(
            survey.set_axis(levels, axis=1),
            {b: [("x", i) for i in items] for b, items in blocks.items()},
            paths,
        )


def test_one_respondent_more_than_too_few_is_enough():
    survey, blocks, paths = random_survey(1)
    for modes, needed in (({}, 4), ({"A": "B"}, 5)):
        with pytest.raises(
            ValueError, match=f"{needed - 1} respondents .0 dropped. are too few: .* at least {needed},"
        ):
            PLSPathModel(survey.head(needed - 1), blocks, paths, modes=modes).fit()
        result = PLSPathModel(
            survey.head(needed), blocks, paths, modes=modes, max_iterations=10_000, tolerance=1e-6
        )
        assert result.fit().settings["respondents"] == needed


def test_few_respondents_are_enough_for_many_outcomes():
    survey, _, _ = random_survey(1)
    fan = PLSPathModel(
        survey.head(3), {i: [i] for i in ("A0", "B0", "C0", "A1")}, [("A0", i) for i in ("B0", "C0", "A1")]
    )
    assert fan.fit().settings["respondents"] == 3  # one predictor each


def test_the_survey_is_copied_down_to_its_numbers():
    survey, blocks, paths = random_survey(1)
    numbers = survey.to_numpy(copy=True)
    model = PLSPathModel(pd.DataFrame(numbers, columns=survey.columns, copy=False), blocks, paths)
    numbers[:] = 0.0
    pd.testing.assert_frame_equal(model.survey, survey)


def test_nothing_that_a_fit_holds_can_be_written():
    survey, blocks, paths = random_survey(1)
    result = PLSPathModel(survey, blocks, paths).fit()
    held = [result._values, result._mean, result._s, *vars(result._solution).values()]
    assert len(held) == 12 and not any(array.flags.writeable for array in held)


def test_an_error_names_the_item_that_is_wrong_not_one_with_gaps():
    survey, blocks, paths = with_gaps()
    with pytest.raises(TypeError, match="item 'B1' must be numeric"):
        PLSPathModel(survey.assign(B1="x"), blocks, paths).fit()


def test_respondents_with_gaps_are_counted_once():
    survey, blocks, paths = random_survey(1)
    survey.iloc[:4, :3] = np.nan
    with pytest.raises(ValueError, match=r"^4 respondents have missing answers"):
        PLSPathModel(survey, blocks, paths, missing="raise").fit()


def test_the_warning_of_plsc_points_at_the_caller():
    with pytest.warns(UserWarning, match="not admissible") as caught:
        PLSPathModel(published_sample(), BLOCKS, PATHS, consistent=True).fit()
    assert caught[0].filename == __file__


def test_a_fit_that_does_not_end_says_so_in_a_second():
    survey, blocks, paths = random_survey(1)
    with pytest.raises(ValueError, match=r"no convergence. Look for items .* raise max_iterations"):
        PLSPathModel(survey, blocks, paths, max_iterations=3, tolerance=1e-14).fit()
    rounds = PLSPathModel(survey, blocks, paths).fit().settings["iterations"]
    assert PLSPathModel(survey, blocks, paths, max_iterations=rounds).fit().settings["iterations"] == rounds
    with pytest.raises(ValueError, match="no convergence"):
        PLSPathModel(survey, blocks, paths, max_iterations=rounds - 1).fit()


def test_settings_are_those_of_the_arguments():
    survey, blocks, paths = random_survey(1)
    default = PLSPathModel(survey, blocks, paths).fit().settings
    chosen = {
        "scheme": "path",
        "scaling": "standardized",
        "missing": "mean",
        "consistent": False,
        "tolerance": 1e-10,
    }
    assert {name: default[name] for name in chosen} == chosen
    assert PLSPathModel(survey, blocks, paths)._plan.settings["max_iterations"] == 500
