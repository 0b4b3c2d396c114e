"""crmlab.satisfaction against published figures, hand calculations, the truth of larger worlds, and bad input."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import datasets, plots, simulate
from crmlab import satisfaction as sat
from crmlab.pls import PLSPathModel
from crmlab.simulate import parameters as par
from crmlab.simulate import surveys

REFERENCE = Path(__file__).resolve().parents[1] / "datasets" / "reference"
SURVEY = datasets.load("satisfaction_survey", cohort="shipped")
SERVICE = datasets.load("service_quality_survey", cohort="shipped")
KANO = datasets.load("kano_survey", cohort="shipped")
OFFERS = datasets.load("competing_offers", cohort="shipped")
TRACKER = datasets.load("satisfaction_tracker", cohort="shipped").set_index("quarter")


@pytest.fixture(scope="module")
def world() -> simulate.World:
    return simulate.world(11, 40_000, accounts=20, households=20)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


# --- index models --------------------------------------------------------------------------------------------------

ARROWS = {  # reference/README: what acts on what, by first letters
    "SCSB": "E-P E-S P-S S-C S-L C-L",
    "ACSI": "E-Q E-V E-S Q-V Q-S V-S S-C S-L C-L",
    "ECSI": "I-E I-S I-L E-Q E-V E-S Q-V Q-S V-S S-L",
    "CCSI": "I-E I-Q I-V I-S E-Q E-V E-S Q-V Q-S V-S S-L",
}


@pytest.mark.parametrize("name", ARROWS)
def test_specification_has_the_published_arrows(name):
    found = {f"{a[0]}-{b[0]}".upper() for a, b in sat.SPECIFICATIONS[name].paths}
    assert found == set(ARROWS[name].split())


def test_the_slides_versions_have_the_four_dimensions_of_the_slides():
    assert set(sat.scsb_slides.constructs) == {"image", "expectation", "perception", "satisfaction"}
    assert set(sat.acsi_slides.constructs) == {"quality", "value", "expectation", "satisfaction"}
    assert set(sat.ccsi_slides.constructs) == {"image", "quality", "value", "satisfaction"}
    # nothing but what the full models have between these dimensions
    assert set(sat.acsi_slides.paths) < set(sat.acsi.paths) and set(sat.ccsi_slides.paths) < set(
        sat.ccsi.paths
    )


def test_a_specification_is_read_only_and_consistent():
    with pytest.raises(TypeError):
        sat.acsi.arrows["value"] = ()
    with pytest.raises(AttributeError):
        sat.acsi.name = "x"
    with pytest.raises(ValueError, match="'b' must be both in arrows and in layout"):
        sat.Specification("X", "X", {"a": ("b",)}, {"a": (0, 0)}, "nobody")


def test_ecsi_mobile_phone_survey_published_paths_through_a_specification():
    """Monecke & Leisch (2012): a specification with other items and settings gives the published solution."""
    correlations = pd.read_csv(REFERENCE / "ecsi_mobile_correlations.csv", index_col="item")
    published = pd.read_csv(REFERENCE / "ecsi_mobile_published.csv").query("table == 'pathCoefficients'")
    noise = np.random.default_rng(0).normal(size=(250, len(correlations)))
    q, _ = np.linalg.qr(noise - noise.mean(axis=0))
    survey = pd.DataFrame(q @ np.linalg.cholesky(correlations.to_numpy()).T, columns=list(correlations))
    arrows = {**sat.ecsi.arrows, "satisfaction": ("complaints", "loyalty"), "complaints": ("loyalty",)}
    extended = sat.Specification(
        "ECSI", "with complaints", arrows, {**sat.ecsi.layout, "complaints": (3, 0)}, ""
    )
    prefixes = ["IMAG", "CUEX", "PERQ", "PERV", "CUSA", "CUSL", "CUSCO"]
    items = {
        c: [i for i in survey if i.startswith(p)]
        for c, p in zip(extended.constructs, [prefixes[k] for k in (0, 1, 2, 3, 4, 5, 6)], strict=True)
    }
    paths = extended.model(survey, items, scheme="centroid").fit().path_coefficients
    for row in published.itertuples():
        assert paths.loc[row.row.lower(), row.col.lower()] == pytest.approx(row.value, abs=1e-6)


def test_compare_indices_is_pls_model_by_model():
    table = sat.compare_indices(SURVEY, list(sat.SPECIFICATIONS.values()), scheme="factorial")
    assert list(table.index) == list(sat.SPECIFICATIONS)
    blocks = sat.survey_items(SURVEY)
    result = PLSPathModel(
        SURVEY, {c: blocks[c] for c in sat.ccsi.constructs}, sat.ccsi.paths, scheme="factorial"
    ).fit()
    assert table.loc["CCSI", "r_squared_loyalty"] == pytest.approx(result.r_squared["loyalty"], abs=1e-12)
    assert table.loc["CCSI", "index"] == pytest.approx(result.index()["satisfaction"], abs=1e-9)
    assert table["r_squared_loyalty"].isna().tolist() == [False] * 4 + [True] * 3
    assert table["paths"].tolist() == [6, 9, 10, 11, 5, 6, 6]
    assert table["index"].between(0, 100).all()
    # settings and the mapping reach PLS; performance is measured as told
    other = sat.compare_indices(SURVEY, sat.scsb, {**blocks, "performance": blocks["quality"]})
    assert other.loc["SCSB", "r_squared_satisfaction"] != pytest.approx(
        sat.compare_indices(SURVEY, sat.scsb).iloc[0, 1], abs=1e-3
    )
    assert sat.compare_indices(SURVEY, sat.acsi, missing="drop").loc["ACSI", "respondents"] < len(SURVEY)
    equal = sat.compare_indices(SURVEY, sat.acsi, weighting="equal").loc["ACSI", "index"]
    assert equal == pytest.approx((SURVEY[blocks["satisfaction"]].mean().mean() - 1) / 9 * 100, abs=1e-9)


def test_index_models_on_a_larger_world_find_the_population(world):
    survey = world.tables["satisfaction_survey"]
    paths = sat.ccsi.model(survey).fit().path_coefficients
    for (a, b), value in par.PLS_POPULATION.items():
        if (a, b) in sat.ccsi.paths and b in ("expectation", "quality", "value", "satisfaction"):
            # those who answer are a little more satisfied, so not exactly the population
            assert paths.loc[a, b] == pytest.approx(value, abs=0.05), (a, b)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda: sat.compare_indices(SURVEY.iloc[:0]), ValueError, "no rows"),
        (lambda: sat.compare_indices([1, 2]), TypeError, "survey must be a pandas DataFrame"),
        (lambda: sat.compare_indices(SURVEY.drop(columns=sat.survey_items(SURVEY)["value"]), [sat.acsi]), ValueError, "'value'"),
        (lambda: sat.acsi.model(SURVEY, {"quality": ["quality_1"]}), ValueError, "'expectation'"),
        (lambda: sat.acsi.model(SURVEY, {**sat.survey_items(SURVEY), "value": ["valu_1"]}), ValueError, "no column 'valu_1'"),
        (lambda: sat.acsi.model(SURVEY, ["value_1"]), TypeError, "items must map"),
        (lambda: sat.compare_indices(SURVEY.assign(value_1="good")), TypeError, "value_1"),
        (lambda: sat.compare_indices(SURVEY.astype({"value_1": float}).assign(value_1=np.inf)), ValueError, "infinite"),
        (lambda: sat.compare_indices(SURVEY.assign(value_1=5)), ValueError, "constant"),
        (lambda: sat.compare_indices(SURVEY * 10), ValueError, "off the scale"),
        (lambda: sat.compare_indices(SURVEY, ["ACSI"]), TypeError, "Specification"),
        (lambda: sat.compare_indices(SURVEY, []), ValueError, "at least one"),
        (lambda: sat.compare_indices(SURVEY, weighting="best"), ValueError, "Choose from"),
        (lambda: sat.survey_items("survey"), TypeError, "DataFrame"),
    ],
)  # fmt: skip
def test_index_models_refuse(change, error, text):
    with pytest.raises(error, match=text):
        change()


# --- disconfirmation and SERVQUAL ----------------------------------------------------------------------------------


def test_disconfirmation_recovers_the_asymmetry_of_the_world(world):
    truth = world.truth["service_quality"]
    survey = world.tables["service_quality_survey"]
    terms = sat.disconfirmation(truth["expected"], truth["expected"] + truth["gap"]).assign(
        y=survey["visit_satisfaction"]
    )
    inner = terms[survey["visit_satisfaction"].between(1.5, 9.5)]  # the ends of the scale bend the line
    fit = smf.ols("y ~ expectation + negative + positive", inner).fit()
    for name, parameter in (
        ("negative", "negative"),
        ("positive", "positive"),
        ("expectation", "expectation"),
    ):
        assert fit.params[name] == pytest.approx(
            par.P["disconfirmation", parameter], abs=4 * fit.bse[name] + 0.03
        )
    assert fit.t_test("negative = positive").pvalue < 1e-6
    assert (terms["negative"] + terms["positive"]).to_numpy() == pytest.approx(truth["gap"].to_numpy())
    # from what people answered: slopes drawn towards each other, the order stays
    means = {
        k: survey.filter(regex=rf"^(?!relationship).*_{k}$").mean(axis=1) for k in ("expected", "perceived")
    }
    asked = sat.disconfirmation(means["expected"], means["perceived"]).assign(y=survey["visit_satisfaction"])
    slopes = smf.ols("y ~ expectation + negative + positive", asked).fit().params
    assert slopes["negative"] - slopes["positive"] < 1.1 and slopes["negative"] > 1.5 * slopes["positive"]


def test_servqual_reference_gaps_and_weights():
    """reference/README: gaps -.65, -1.10, -.83, -.70, -1.01 have the mean -.858."""
    gap = dict(zip(sat.SERVQUAL_DIMENSIONS, (-0.65, -1.10, -0.83, -0.70, -1.01), strict=True))
    sides = {f"{d}_1_expected": [6.0, 6.0] for d in gap} | {
        f"{d}_1_perceived": [6 + g] * 2 for d, g in gap.items()
    }
    points = {
        f"points_{d}": p for d, p in zip(gap, ([20, 0], [20, 100], [20, 0], [20, 0], [20, 0]), strict=True)
    }
    result = sat.servqual(pd.DataFrame(sides | points))
    assert result.summary()["gap"].mean() == pytest.approx(-0.858)
    assert result.score().tolist() == pytest.approx([-0.858, -0.858])
    assert result.score("points").tolist() == pytest.approx([-0.858, -1.10])
    assert result.score({**dict.fromkeys(gap, 0), "empathy": 3}).tolist() == pytest.approx([-1.01, -1.01])


def test_servqual_by_hand_on_the_shipped_survey():
    result = sat.servqual(SERVICE)
    by_hand = np.mean(
        [SERVICE[f"empathy_{k}_perceived"] - SERVICE[f"empathy_{k}_expected"] for k in range(1, 6)], axis=0
    )
    assert result.gaps()["empathy"].to_numpy() == pytest.approx(by_hand)
    assert result.gaps("item").shape == (len(SERVICE), 22) and list(result.summary("item").index)[:2] == [
        "tangibles_1",
        "tangibles_2",
    ]
    row = result.summary().loc["empathy"]
    assert (row["gap"], row["se"]) == pytest.approx(
        (by_hand.mean(), by_hand.std(ddof=1) / np.sqrt(len(SERVICE)))
    )
    assert row["gap"] == pytest.approx(row["perceived"] - row["expected"])
    share = SERVICE[[f"points_{d}" for d in sat.SERVQUAL_DIMENSIONS]].to_numpy() / 100
    assert result.score("points").to_numpy() == pytest.approx((result.gaps().to_numpy() * share).sum(axis=1))
    assert list(sat.servqual(SERVICE, "relationship").summary("item").index) == [
        f"relationship_{k}" for k in range(1, 7)
    ]
    assert "400 respondents" in repr(result) and "<table" in result._repr_html_()
    copy = result.gaps("item")
    copy.iloc[:] = 0
    assert result.gaps()["empathy"].to_numpy() == pytest.approx(by_hand)


def test_gap_weights_of_the_world_are_recovered(world):
    truth, survey = world.truth["service_quality"], world.tables["service_quality_survey"]
    short = truth["gap"] < 0  # one slope
    gaps = truth.loc[short, [f"gap_{d}" for d in par.DIMENSIONS]]
    fit = sm.OLS(
        survey.loc[short, "visit_satisfaction"], sm.add_constant(gaps.assign(e=truth["expected"]))
    ).fit()
    weights = fit.params[list(gaps)] / fit.params[list(gaps)].sum()
    assert weights.to_numpy() == pytest.approx(np.array(par.DERIVED_WEIGHTS), abs=0.03)


def broken(**columns):
    return SERVICE.astype(float).assign(**columns)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sat.servqual(SERVICE.iloc[:0]), ValueError, "no rows"),
        (lambda: sat.servqual(SERVICE.drop(columns="empathy_2_perceived")), ValueError, "no column 'empathy_2_perceived'"),
        (lambda: sat.servqual(SERVICE, ["warmth"]), ValueError, "warmth_1_expected"),
        (lambda: sat.servqual(SERVICE, []), ValueError, "dimensions is empty"),
        (lambda: sat.servqual(SERVICE.assign(empathy_1_expected="high")), TypeError, "empathy_1_expected must be numeric"),
        (lambda: sat.servqual(broken(empathy_1_expected=np.nan)), ValueError, "empathy_1_expected has 400 missing"),
        (lambda: sat.servqual(broken(empathy_1_perceived=np.inf)), ValueError, "infinite"),
        (lambda: sat.servqual(broken(empathy_1_perceived=8.0)), ValueError, "at most 7"),
        (lambda: sat.servqual(SERVICE).gaps("person"), ValueError, "by='person'"),
        (lambda: sat.servqual(SERVICE).score("stated"), ValueError, "weights='stated'"),
        (lambda: sat.servqual(SERVICE).score({"empathy": 1}), ValueError, "weights and dimensions differ: assurance"),
        (lambda: sat.servqual(SERVICE).score(dict.fromkeys(sat.SERVQUAL_DIMENSIONS, 0)), ValueError, "all 0"),
        (lambda: sat.servqual(SERVICE).score(dict.fromkeys(sat.SERVQUAL_DIMENSIONS, -1)), ValueError, "at least 0"),
        (lambda: sat.servqual(broken(points_empathy=0.0)).score("points"), ValueError, "do not add up to 100"),
        (lambda: sat.servqual(SERVICE.drop(columns="points_empathy")).score("points"), ValueError, "points_empathy"),
        (lambda: sat.disconfirmation(pd.Series([], dtype=float), pd.Series([], dtype=float)), ValueError, "empty"),
        (lambda: sat.disconfirmation([1, 2], [1]), ValueError, "differ in length"),
        (lambda: sat.disconfirmation([1, np.nan], [1, 2]), ValueError, "expected has 1 missing"),
        (lambda: sat.disconfirmation([1, 2], [1, np.inf]), ValueError, "perceived has 1 infinite"),
        (lambda: sat.disconfirmation(["a"], ["b"]), TypeError, "numeric"),
        (lambda: sat.disconfirmation(5, 6), TypeError, "expected must be a Series"),
        (lambda: sat.disconfirmation(pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0])), ValueError, "row labels"),
        (lambda: sat.disconfirmation(pd.Series([1, 2], [0, 0]), pd.Series([1, 2], [0, 0])), ValueError, "more than once"),
    ],
)  # fmt: skip
def test_gaps_refuse(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- Kano ----------------------------------------------------------------------------------------------------------


def test_kano_evaluation_table_has_the_25_published_cells():
    published = ["Q A A A O", "R I I I M", "R I I I M", "R I I I M", "R R R R Q"]  # reference/README
    words = dict(
        M="must-be", O="one-dimensional", A="attractive", I="indifferent", R="reverse", Q="questionable"
    )
    pairs = [(f, d, cell) for f, row in zip(sat.KANO_ANSWERS, published, strict=True)
             for d, cell in zip(sat.KANO_ANSWERS, row.split(), strict=True)]  # fmt: skip
    f, d, cell = (pd.Series(x) for x in zip(*pairs, strict=True))
    assert sat.kano_category(f, d).tolist() == [words[c] for c in cell]


def from_counts(counts: pd.DataFrame) -> pd.DataFrame:
    pair = {"attractive": ("like", "neutral"), "one-dimensional": ("like", "dislike"), "must-be": ("neutral", "dislike"),
            "indifferent": ("neutral", "neutral"), "reverse": ("dislike", "like"), "questionable": ("like", "like")}  # fmt: skip
    rows = [
        (n, *pair[c])
        for n, row in counts[list(pair)].iterrows()
        for c in row.index
        for _ in range(int(row[c]))
    ]
    out = pd.DataFrame(rows, columns=["feature", "functional", "dysfunctional"])
    return out.assign(customer_id=out.groupby("feature").cumcount())


def test_kano_better_and_worse_of_brand_and_rese_2026():
    published = pd.read_csv(REFERENCE / "kano_coefficients.csv", index_col="feature")
    table = sat.kano(from_counts(published))
    assert table["better"].round(3).tolist() == published["better"].tolist()
    assert table["worse"].round(3).tolist() == published["worse"].tolist()
    wifi = table.loc["free in-store WiFi"]
    assert (wifi["category"], wifi["runner_up"], wifi["answers"]) == ("indifferent", "attractive", 607)
    a, b, n = 258, 187, 607  # Fong (1996), and the exact test of a fair coin
    assert wifi["fong"] == pytest.approx((a - b) / np.sqrt((a + b) * (2 * n - a - b) / (2 * n)))
    assert wifi["p_value"] == pytest.approx(sm.stats.binom_test(a, a + b, 0.5))
    assert wifi["category_strength"] == pytest.approx((a - b) / n)
    assert wifi["total_strength"] == pytest.approx((187 + 71 + 46) / n)


def test_kano_ties_and_rare_cases():
    columns = ["attractive", "one-dimensional", "must-be", "indifferent", "reverse", "questionable"]
    counts = pd.DataFrame(
        [[3, 3, 3, 3, 0, 9], [0, 0, 0, 0, 4, 1], [5, 0, 0, 0, 0, 0]], ["tie", "hated", "all"], columns
    )
    table = sat.kano(from_counts(counts))
    assert table.loc["tie", ["category", "runner_up"]].tolist() == [
        "must-be",
        "one-dimensional",
    ]  # M > O > A > I
    assert table.loc["tie", "p_value"] == 1 and table.loc["tie", "fong"] == 0
    assert table.loc["hated", "category"] == "reverse" and np.isnan(table.loc["hated", "better"])
    assert pd.isna(table.loc["all", "runner_up"]) and table.loc["all", "worse"] == 0
    assert list(table.index) == ["tie", "hated", "all"]


def test_fong_calls_a_tie_clear_twice_as_often_as_it_says_and_the_exact_test_does_not():
    rng = np.random.default_rng(3)
    drawn = rng.multinomial(200, [0.4, 0.4, 0.08, 0.08, 0.03, 0.01], size=600)
    columns = ["attractive", "one-dimensional", "must-be", "indifferent", "reverse", "questionable"]
    table = sat.kano(from_counts(pd.DataFrame(drawn, columns=columns)))
    assert (table["fong"] > 1.65).mean() == pytest.approx(0.2, abs=0.05)  # 10 % is what 1.65 promises
    assert (table["p_value"] < 0.1).mean() < 0.12


def test_kano_recovers_the_categories_of_the_world(world):
    table = sat.kano(world.tables["kano_survey"])
    for feature, shares in par.KANO_FEATURES.items():
        first, second = np.sort(shares)[::-1][:2]
        if first - second > 0.05:
            assert table.loc[feature, "category"] == par.KANO_CATEGORIES[int(np.argmax(shares))]
            assert table.loc[feature, "p_value"] < 0.001
    true = world.truth["kano_categories"]
    a, o, m, i = (
        (true["category"] == c).groupby(true["feature"]).sum()
        for c in ("attractive", "one-dimensional", "must-be", "indifferent")
    )
    better = (a + o) / (a + o + m + i)
    assert table["better"].sub(better).abs().max() < 0.06  # slips of the pen draw them together a little


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sat.kano(KANO.iloc[:0]), ValueError, "no rows"),
        (lambda: sat.kano(KANO.drop(columns="functional")), ValueError, "no column 'functional'"),
        (lambda: sat.kano(pd.concat([KANO, KANO.iloc[[5]]])), ValueError, "1 duplicated row"),
        (lambda: sat.kano(KANO.astype(object).assign(functional=None)), ValueError, "missing answer"),
        (lambda: sat.kano(KANO.astype(object).assign(functional="likes")), ValueError, "Did you mean 'like'"),
        (lambda: sat.kano(KANO.assign(functional=1)), ValueError, "functional=.*is not known"),
        (lambda: sat.kano(KANO.astype(object).assign(feature=None)), ValueError, "without customer_id or feature"),
        (lambda: sat.kano(KANO.astype(object).assign(functional="like", dysfunctional="like")), ValueError, "questionable"),
        (lambda: sat.kano_category(["like"], ["like"]), TypeError, "must be a Series"),
        (lambda: sat.kano_category(KANO["functional"], KANO["dysfunctional"].iloc[::-1]), ValueError, "row labels"),
    ],
)  # fmt: skip
def test_kano_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- net promoter score --------------------------------------------------------------------------------------------


def test_nps_reference_standard_error():
    """reference/README: p = 1/2, d = 1/6, n = 324 give .04141 (of a share)."""
    score = sat.nps({"promoters": 162, "passives": 108, "detractors": 54})
    assert score["nps"] == pytest.approx(100 / 3) and score["se"] == pytest.approx(4.141, abs=5e-4)


@given(st.lists(st.integers(0, 10), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_nps_is_the_mean_of_a_variable_that_is_1_0_or_minus_1(answers):
    marks = np.select([np.array(answers) >= 9, np.array(answers) <= 6], [1, -1], 0)
    score = sat.nps(pd.Series(answers))
    assert score["nps"] == pytest.approx(100 * marks.mean())
    assert score["se"] == pytest.approx(100 * marks.std() / np.sqrt(len(marks)))
    assert score["upper"] - score["nps"] == pytest.approx(1.959964 * score["se"], abs=1e-4)
    assert score[["promoters", "passives", "detractors"]].sum() == score["answers"] == len(answers)


def test_nps_of_periods_and_groups():
    table = sat.nps(TRACKER)
    one = sat.nps(TRACKER.iloc[3])
    assert table.iloc[3].tolist() == pytest.approx(one.tolist()) and table.index.equals(TRACKER.index)
    groups = (
        SURVEY.assign(happy=SURVEY["satisfaction_1"].fillna(0) > 7)
        .groupby("happy")["recommend"]
        .apply(sat.nps)
        .unstack()
    )
    assert groups.loc[True, "nps"] > groups.loc[False, "nps"]


def test_nps_difference_by_hand_and_its_level():
    before, after = (
        dict(promoters=60, passives=90, detractors=50),
        dict(promoters=90, passives=70, detractors=40),
    )
    change = sat.nps_difference(before, after)
    se = 100 * np.sqrt((0.55 - 0.05**2 + 0.65 - 0.25**2) / 200)
    assert change["difference"] == pytest.approx(20) and change["se"] == pytest.approx(se)
    assert change["z"] == pytest.approx(20 / se) and change["lower"] == pytest.approx(
        20 - 1.959964 * se, abs=1e-4
    )
    assert sat.nps_difference(after, before)["difference"] == pytest.approx(-20)
    rng = np.random.default_rng(5)
    groups = rng.multinomial(250, [0.4, 0.35, 0.25], size=(150, 2))
    names = ["promoters", "passives", "detractors"]
    p = [
        sat.nps_difference(*(dict(zip(names, row, strict=True)) for row in pair))["p_value"]
        for pair in groups
    ]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.04)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sat.nps(pd.Series([], dtype=float)), ValueError, "nobody answered"),
        (lambda: sat.nps(pd.Series([11])), ValueError, "at most 10"),
        (lambda: sat.nps(pd.Series([-1])), ValueError, "at least 0"),
        (lambda: sat.nps(pd.Series([7.5])), ValueError, "whole numbers"),
        (lambda: sat.nps(pd.Series([9, np.nan])), ValueError, "1 missing"),
        (lambda: sat.nps(pd.Series([9, np.inf])), ValueError, "infinite"),
        (lambda: sat.nps(pd.Series(["9"])), TypeError, "numeric"),
        (lambda: sat.nps(9), TypeError, "must be a Series"),
        (lambda: sat.nps({"promoters": 1, "passives": 2}), ValueError, "no column 'detractors'"),
        (lambda: sat.nps({"promoters": 0.5, "passives": 0.3, "detractors": 0.2}), ValueError, "not shares"),
        (lambda: sat.nps({"promoters": -1, "passives": 0, "detractors": 2}), ValueError, "promoters must be at least 0"),
        (lambda: sat.nps(TRACKER.drop(columns="passives")), ValueError, "no column 'passives'"),
        (lambda: sat.nps(TRACKER.iloc[:0]), ValueError, "no rows"),
        (lambda: sat.nps(pd.Series([9]), level=2), ValueError, "level"),
        (lambda: sat.nps_difference(TRACKER, TRACKER), TypeError, "two samples"),
        (lambda: sat.nps_difference(pd.Series([9, 9]), pd.Series([1, 1])), ValueError, "one group"),
    ],
)  # fmt: skip
def test_nps_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- quadrants and delivered value ---------------------------------------------------------------------------------

IMPORTANCE = pd.Series({"a": 6.0, "b": 5.0, "c": 3.0, "d": 2.0})
PERFORMANCE = pd.Series({"d": 6.0, "c": 2.0, "b": 5.0, "a": 3.0})  # another order: labels count


def test_quadrants_are_those_of_martilla_and_james_1977():
    result = sat.quadrants(IMPORTANCE, PERFORMANCE)
    expected = {
        "a": "concentrate here",
        "b": "keep up the good work",
        "c": "low priority",
        "d": "possible overkill",
    }
    assert result.table["quadrant"].to_dict() == expected
    assert (result.importance_cut, result.performance_cut, result.rule) == (4.0, 4.0, "the means")
    given_cut = sat.quadrants(IMPORTANCE, PERFORMANCE, (6, 3))  # on the cut counts as high
    assert (
        given_cut.table.loc["a", "quadrant"] == "keep up the good work" and given_cut.rule == "given values"
    )
    assert sat.quadrants(IMPORTANCE, PERFORMANCE.replace(6.0, 60.0), "median").performance_cut == 4.0
    assert "Cut at the means: importance 4, performance 4" in repr(result)
    copy = result.table
    copy["importance"] = 0
    assert result.summary()["importance"].tolist() == [6, 5, 3, 2]


def test_delivered_value_is_four_values_less_four_costs():
    table = sat.delivered_value(OFFERS)
    assert table["delivered_value"].to_dict() == {
        "qinghe_classic": 20, "qinghe_reserve": 14, "rival_leaf": 4, "supermarket": -4, "rival_heritage": -10}  # fmt: skip
    assert table["total_value"].sub(table["total_cost"]).equals(table["delivered_value"])
    weighted = sat.delivered_value(OFFERS, weights={"time_cost": 3, "image_value": 0})
    assert weighted.loc["qinghe_classic", "delivered_value"] == 20 - 18 - 2 * 9


def test_choice_utilities_and_value_map_of_the_world(world):
    """statsmodels has the conditional logit; what the chapter does with it finds the utilities of the world."""
    data = world.tables["offer_choices"].iloc[:7500].merge(par.OFFERS[["offer", "price"]], on="offer")
    fit = sm.ConditionalLogit(data["chosen"], data[["benefit", "price"]], groups=data["customer_id"]).fit(
        disp=0
    )
    for name in ("benefit", "price"):
        assert fit.params[name] == pytest.approx(par.P["offer_choice", name], abs=4 * fit.bse[name])
    means = data.groupby(["offer", "price"], as_index=False)["benefit"].mean()
    line = smf.ols("benefit ~ price", means).fit()
    data = data.assign(distance=data["benefit"] - line.predict(data))
    near = sm.ConditionalLogit(data["chosen"], data[["distance"]], groups=data["customer_id"]).fit(disp=0)
    assert near.params["distance"] > 10 * near.bse["distance"]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sat.quadrants(IMPORTANCE.iloc[:0], PERFORMANCE.iloc[:0]), ValueError, "empty"),
        (lambda: sat.quadrants([1, 2], [1, 2]), TypeError, "Series by attribute"),
        (lambda: sat.quadrants(IMPORTANCE, PERFORMANCE.rename({"a": "x"})), ValueError, "row labels"),
        (lambda: sat.quadrants(IMPORTANCE, PERFORMANCE.replace(6.0, np.nan)), ValueError, "performance has 1 missing"),
        (lambda: sat.quadrants(IMPORTANCE.replace(6.0, np.inf), PERFORMANCE), ValueError, "infinite"),
        (lambda: sat.quadrants(IMPORTANCE.astype(str), PERFORMANCE), TypeError, "numeric"),
        (lambda: sat.quadrants(pd.Series([1, 2], ["a", "a"]), pd.Series([1, 2], ["a", "a"])), ValueError, "more than once"),
        (lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, "mode"), ValueError, "cut='mode'"),
        (lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, 4), TypeError, "pair"),
        (lambda: sat.quadrants(IMPORTANCE, PERFORMANCE, (4, np.nan)), TypeError, r"cut\[1\]"),
        (lambda: sat.delivered_value(OFFERS.iloc[:0]), ValueError, "no rows"),
        (lambda: sat.delivered_value(OFFERS.drop(columns="price")), ValueError, "no column 'price'"),
        (lambda: sat.delivered_value(pd.concat([OFFERS, OFFERS])), ValueError, "duplicated"),
        (lambda: sat.delivered_value(OFFERS.assign(price=-1)), ValueError, "price must be at least 0"),
        (lambda: sat.delivered_value(OFFERS.assign(price=np.nan)), ValueError, "missing"),
        (lambda: sat.delivered_value(OFFERS.assign(price="dear")), TypeError, "numeric"),
        (lambda: sat.delivered_value(OFFERS.assign(offer=None)), ValueError, "without a name"),
        (lambda: sat.delivered_value(OFFERS, weights={"imge_value": 1}), ValueError, "Did you mean 'image_value'"),
        (lambda: sat.delivered_value(OFFERS, weights={"price": -1}), ValueError, "at least 0"),
    ],
)  # fmt: skip
def test_quadrants_and_delivered_value_refuse(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- control charts ------------------------------------------------------------------------------------------------

PROCESS = pd.read_csv(REFERENCE / "control_chart.csv", index_col="observation")


def test_individuals_chart_of_montgomery_and_runger_table_16_3():
    chart = sat.individuals_chart(PROCESS["concentration"])
    lower, upper = chart.table[["lower", "upper"]].iloc[0]
    assert chart.centre == pytest.approx(99.1, abs=0.005)
    assert (lower, upper) == pytest.approx(
        (92.21, 105.99), abs=0.02
    )  # the book rounds the mean range to 2.59
    assert chart.summary().empty and chart.change_point()["start"] is None
    ranges = PROCESS["moving_range"].dropna()
    assert chart.sigma == pytest.approx(ranges.mean() / 1.128)
    assert sat.individuals_chart(PROCESS["concentration"], moving_range="median").sigma == pytest.approx(
        ranges.median() / 0.954
    )


def test_cusum_of_montgomery_and_runger_table_16_8():
    table = sat.cusum((PROCESS["concentration"] - 99) / 2, k=0.5, h=5)
    assert (table["upper"] * 2).round(1).tolist() == PROCESS["cusum_upper"].tolist()
    assert (table["lower"] * 2).round(1).tolist() == PROCESS["cusum_lower"].tolist()
    assert (table["signal"] == "").all()
    assert table["lower_run"].iloc[:5].tolist() == [0, 1, 2, 3, 0]


def test_cusum_of_lucas_and_crosier_1982_signals_at_the_seventh_value():
    z = pd.Series([0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6])
    assert sat.cusum(z)["signal"].tolist() == [""] * 6 + ["up"]
    assert sat.cusum(-z)["signal"].tolist() == [""] * 6 + ["down"]


def test_change_point_is_the_first_period_after_the_sum_was_zero():
    point = charted([0, 0, 0, 3, 3, 3, 3]).change_point()  # sums 0 0 0 2.5 5 7.5: above 5 at position 5
    assert point.to_dict() == {"signal": 5, "start": 3, "direction": "up"}
    assert charted([0, 1, 0, -3, -3, -3]).change_point().tolist() == [5, 3, "down"]


def test_p_chart_textbook_limits():
    """An Introduction to Business Statistics, example 16.6: centre .16, limits .0822 and .2378."""
    chart = sat.p_chart(pd.Series([40, 44, 22, 34, 24, 32, 28, 32, 34, 30]), pd.Series([200] * 10))
    assert chart.centre == 0.16
    assert chart.table[["lower", "upper"]].iloc[0].round(4).tolist() == [0.0822, 0.2378]


def test_chart_of_means_reduces_to_known_limits():
    mean, sd, n = pd.Series([10.0, 12, 11, 30]), pd.Series([2.0, 4, 2, 9]), pd.Series([5, 9, 5, 1000])
    chart = sat.mean_chart(mean, sd, n, baseline=3)
    centre, sigma = (50 + 108 + 55) / 19, np.sqrt((4 * 4 + 8 * 16 + 4 * 4) / 16)
    assert (chart.centre, chart.sigma) == pytest.approx((centre, sigma))
    assert chart.table["upper"].tolist() == pytest.approx(list(centre + 3 * sigma / np.sqrt(n)))
    assert chart.signals()["rule_1"].tolist() == [False, False, False, True]


def charted(z):
    """A chart whose z are these."""
    table = pd.DataFrame(
        {"value": z, "centre": 0.0, "lower": -3.0, "upper": 3.0, "z": np.array(z, dtype=float)}
    )
    return sat.ControlChart(table, "individuals chart", 0.0, 1.0, len(z), "")


@pytest.mark.parametrize(
    ("z", "rule", "at"),
    [
        ([0.1, -3.1, 0.2, 3.0], "rule_1", [1]),  # on the limit is inside
        ([2.1, 0, 2.2, 0, -2.1, 2.1], "rule_2", [2]),  # other side does not count
        ([1.1, 1.2, 0, 1.3, 1.4, -1.1], "rule_3", [4]),
        ([-0.1] * 8 + [0.1], "rule_4", [7]),
        ([0.1] * 9, "rule_4", [7, 8]),
        ([0.1] * 7 + [0.0] + [0.1] * 2, "rule_4", []),  # on the centre is on no side
    ],
)
def test_western_electric_rules_by_hand(z, rule, at):
    signals = charted(z).signals()
    assert np.flatnonzero(signals[rule]).tolist() == at
    assert charted([-x for x in z]).signals().equals(signals)  # both sides alike


@given(st.lists(st.floats(-4, 4), min_size=3, max_size=30))
@settings(max_examples=50, deadline=None)
def test_rules_do_not_depend_on_the_unit(values):
    values = pd.Series(np.round(values, 3))
    if values.diff().abs().mean() < 1e-3:
        return
    chart, other = sat.individuals_chart(values), sat.individuals_chart(values * 7 + 100)
    assert chart.table["z"].to_numpy() == pytest.approx(other.table["z"].to_numpy(), abs=1e-6)


def test_tracker_varying_limits_find_the_shift_and_not_the_false_alarm():
    """Over 80 worlds: the chart of means is not fooled by 32 answers, the chart of single values mostly is."""
    shift, alarm = int(par.P["tracker", "shift_quarter"]), int(par.P["tracker", "false_alarm_quarter"])
    fooled, early, found, late, start = [], [], [], [], []
    for seed in range(80):
        data = surveys.satisfaction_tracker(seed)
        data.index = np.arange(1, 21)
        means = sat.mean_chart(data["mean_index"], data["sd_index"], data["respondents"], baseline=12)
        single = sat.individuals_chart(data["mean_index"], baseline=12)
        hits = means.signals().any(axis=1)
        early.append(hits.loc[: shift - 1].any())
        found.append(hits.loc[shift : shift + 3].any())
        late.append(hits.loc[shift:].any())
        fooled.append(single.signals().loc[alarm, "rule_1"])
        point = means.change_point(k=1.5, h=4)  # four points are about three standard errors
        start.append(point["start"] is not None and point["start"] == shift and point["direction"] == "up")
    assert np.mean(early) < 0.05 and np.mean(found) > 0.97 and np.mean(late) > 0.99
    assert np.mean(fooled) > 0.75
    assert np.mean(start) > 0.9


def test_p_chart_finds_the_supplier_that_got_worse():
    shift = int(par.P["inspection", "shift_week"])
    hit, started = [], []
    for seed in range(60):
        lots = surveys.inspections(seed).query("supplier == 'supplier_2'").set_index("inspection_id")
        before = int((lots.index < shift).sum())
        chart = sat.p_chart(lots["defective"], lots["inspected"], baseline=before)
        point = chart.change_point(k=0.75, h=5)
        hit.append(point["signal"] is not None and point["signal"] >= shift)
        started.append(point["start"] is not None and point["start"] >= shift - 15)
    assert np.mean(hit) > 0.8 and np.mean(started) > 0.7


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sat.individuals_chart(pd.Series([], dtype=float)), ValueError, "empty"),
        (lambda: sat.individuals_chart(pd.Series([1.0])), ValueError, "at least two periods"),
        (lambda: sat.individuals_chart(pd.Series([1.0, 1.0, 1.0])), ValueError, "do not vary"),
        (lambda: sat.individuals_chart(pd.Series([1.0, np.nan])), ValueError, "1 missing"),
        (lambda: sat.individuals_chart(pd.Series([1.0, np.inf])), ValueError, "infinite"),
        (lambda: sat.individuals_chart(pd.Series(["a", "b"])), TypeError, "numeric"),
        (lambda: sat.individuals_chart(pd.Series([1.0, 2.0], [1, 1])), ValueError, "more than once"),
        (lambda: sat.individuals_chart(pd.Series([1.0, 2.0]), baseline=3), ValueError, "between 2 and 2"),
        (lambda: sat.individuals_chart(pd.Series([1.0, 2.0]), baseline=2.0), TypeError, "whole number"),
        (lambda: sat.individuals_chart(pd.Series([1.0, 2.0]), moving_range="max"), ValueError, "moving_range"),
        (lambda: sat.mean_chart(pd.Series([1.0, 2.0]), pd.Series([1.0, -1]), pd.Series([5, 5])), ValueError, "sd must be"),
        (lambda: sat.mean_chart(pd.Series([1.0, 2.0]), pd.Series([1.0, 1]), pd.Series([5, 1])), ValueError, "n must be"),
        (lambda: sat.mean_chart(pd.Series([1.0, 2.0]), pd.Series([0.0, 0]), pd.Series([5, 5])), ValueError, "do not vary"),
        (lambda: sat.mean_chart(pd.Series([1.0, 2.0]), pd.Series([1.0]), pd.Series([5, 5])), ValueError, "row labels|length"),
        (lambda: sat.p_chart(pd.Series([3, 9]), pd.Series([5, 5])), ValueError, "larger than n at 1"),
        (lambda: sat.p_chart(pd.Series([0.1, 0.2]), pd.Series([5, 5])), ValueError, "counts, not shares"),
        (lambda: sat.p_chart(pd.Series([0, 0]), pd.Series([5, 5])), ValueError, "do not vary"),
        (lambda: sat.p_chart(pd.Series([0, 1]), pd.Series([5, 0])), ValueError, "n must be at least 1"),
        (lambda: sat.p_chart(pd.Series([-1, 1]), pd.Series([5, 5])), ValueError, "count must be at least 0"),
        (lambda: sat.cusum(pd.Series([1.0, np.nan])), ValueError, "missing"),
        (lambda: sat.cusum(pd.Series([1.0]), h=0), ValueError, "h must be"),
        (lambda: sat.cusum(pd.Series([1.0]), k=-1), ValueError, "k must be"),
    ],
)  # fmt: skip
def test_control_charts_refuse(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- figures -------------------------------------------------------------------------------------------------------


def boxes_of(ax):
    ax.figure.canvas.draw()
    texts = [t for t in ax.texts if t.get_text() and t.get_text() != "title"]
    return [(t.get_text(), t.get_window_extent()) for t in texts], [
        p.get_window_extent() for p in ax.patches if "Bbox" in type(p).__name__
    ]


@pytest.mark.parametrize("name", sat.SPECIFICATIONS)
@pytest.mark.parametrize("side_by_side", [False, True])
def test_path_diagram_labels_do_not_overlap(name, side_by_side):
    specification = sat.SPECIFICATIONS[name]
    result = specification.model(SURVEY).fit()
    with plt.rc_context(plots.STYLE):
        if side_by_side:
            figure, axes = plt.subplots(2, 2, figsize=(7.2, 6.4))
            figure.subplots_adjust(0, 0, 1, 1, 0.02, 0.02)
            ax = plots.path_diagram(result, specification.layout, title="title", ax=axes[0, 1])
        else:
            ax = plots.path_diagram(result, specification.layout, title="title")
        texts, nodes = boxes_of(ax)
    numbers = [box for text, box in texts if text.replace(".", "").replace("-", "").isdigit()]
    assert len(numbers) == len(specification.paths) and len(nodes) == len(specification.constructs)
    for i, box in enumerate(numbers):
        assert not any(box.overlaps(other) for other in numbers[i + 1 :] + nodes)
    for i, node in enumerate(nodes):
        assert not any(node.overlaps(other) for other in nodes[i + 1 :])
        assert ax.figure.bbox.x0 <= node.x0 and node.x1 <= ax.figure.bbox.x1
    names = [
        box
        for text, box in texts
        if text not in ("title",) and not text.replace(".", "").replace("-", "").isdigit()
    ]
    for box in names:  # every name fits into its box
        assert any(
            node.x0 <= box.x0 and box.x1 <= node.x1 and node.y0 - 1 <= box.y0 and box.y1 <= node.y1 + 1
            for node in nodes
        )


def test_path_diagram_caption_names_every_path_and_what_is_doubtful():
    small = SURVEY.iloc[:60]
    result = sat.acsi.model(small).fit()
    bootstrap = result.bootstrap(100, seed=2)
    label = plots.path_diagram(result, sat.acsi.layout, bootstrap=bootstrap, title="ACSI").figure.get_label()
    coefficients = result.path_coefficients
    for a, b in sat.acsi.paths:
        assert f"{a} → {b} {coefficients.loc[a, b]:.2f}" in label
    summary = bootstrap.summary()
    doubtful = [f"{a} → {b}" for (a, b), row in summary.iterrows() if row["lower"] <= 0 <= row["upper"]]
    assert doubtful and all(pair in label.split("Dashed")[1] for pair in doubtful)
    assert label.startswith("ACSI: path diagram")
    with pytest.raises(ValueError, match="no place for 'loyalty'"):
        plots.path_diagram(result, {k: v for k, v in sat.acsi.layout.items() if k != "loyalty"})


def test_captions_are_written_from_the_numbers():
    chart = sat.mean_chart(TRACKER["mean_index"], TRACKER["sd_index"], TRACKER["respondents"], 12)
    label = plots.control_chart(chart, ylabel="index").figure.get_label()
    assert f"centre {chart.centre:.4g}" in label and "2024-10-01" in label
    ipa = sat.quadrants(IMPORTANCE, PERFORMANCE)
    assert "Concentrate here: a (6, 3)" in plots.quadrants(ipa).figure.get_label()
    table = sat.kano(KANO)
    assert f"(better {table['better'].iloc[0]:.2f}" in plots.kano(table).figure.get_label()
    service = sat.servqual(SERVICE).summary()
    assert f"reliability {service.loc['reliability', 'gap']:+.2f}" in plots.gaps(service).figure.get_label()
    assert "20 samples" in plots.nps(sat.nps(TRACKER)).figure.get_label()
    value = sat.delivered_value(OFFERS)
    assert "leave 20" in plots.delivered_value(value, "qinghe_classic").get_label()
    with pytest.raises(ValueError, match="no offer 'tea'"):
        plots.delivered_value(value, ["tea"])
    fit = smf.ols("benefit ~ price", par.OFFERS).fit()
    assert (
        f"supermarket {fit.resid.iloc[-1]:+.2f}"
        in plots.value_map(fit, par.OFFERS["offer"]).figure.get_label()
    )
