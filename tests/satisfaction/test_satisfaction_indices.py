"""Index models: published arrows and solutions, the ends of the scale, and bad input."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlab import datasets
from crmlab import satisfaction as sat
from crmlab.pls import PLSPathModel
from crmlab.simulate.processes import index_model

REFERENCE = Path(__file__).resolve().parents[2] / "datasets" / "reference"
SURVEY = datasets.load("satisfaction_survey", cohort="shipped")
BLOCKS = sat.survey_items(SURVEY)
TEN = {"minimum": 1, "maximum": 10}
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
    assert set(sat.acsi_slides.paths) < set(sat.acsi.paths)
    assert set(sat.ccsi_slides.paths) < set(sat.ccsi.paths)
    assert [len(s.paths) for s in (sat.scsb_slides, sat.acsi_slides, sat.ccsi_slides)] == [5, 6, 6]


def test_a_specification_is_read_only_and_consistent():
    with pytest.raises(TypeError):
        sat.acsi.arrows["value"] = ()
    with pytest.raises(AttributeError):
        sat.acsi.name = "x"
    with pytest.raises(ValueError, match="'b' must be both in arrows and in layout"):
        sat.Specification("X", "X", {"a": ("b",)}, {"a": (0, 0)}, "nobody")
    with pytest.raises(ValueError, match="'c' must be both in arrows and in layout"):
        sat.Specification("X", "X", {"a": ("b",)}, {"a": (0, 0), "b": (1, 0), "c": (2, 0)}, "nobody")
    with pytest.raises(ValueError, match="1 must be both in arrows and in layout"):
        sat.Specification("X", "X", {"a": (1,)}, {}, "nobody")
    places = {"a": (0, 0), "b": (1, 0)}
    with pytest.raises(TypeError, match=r"arrows\['a'\] must be a tuple of constructs, found 'b'"):
        sat.Specification("X", "X", {"a": "b"}, places, "nobody")
    with pytest.raises(TypeError, match="must be a tuple of constructs, found 3"):
        sat.Specification("X", "X", {"a": 3}, places, "nobody")
    with pytest.raises(ValueError, match="measured_by names 'c', which is not in layout"):
        sat.Specification("X", "X", {"a": ["b"]}, places, "nobody", measured_by={"c": "value"})


@pytest.mark.parametrize("again", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_specification_survives_pickle_and_copy(again):
    for specification in sat.SPECIFICATIONS.values():
        other = again(specification)
        assert other.paths == specification.paths
        assert other.layout == specification.layout
        assert other.measured_by == specification.measured_by
    assert list(again(sat.SPECIFICATIONS)) == list(sat.SPECIFICATIONS)


def test_constructs_without_a_block_are_measured_by_value():
    for specification, construct in ((sat.scsb, "performance"), (sat.scsb_slides, "perception")):
        blocks = specification.model(SURVEY).blocks
        assert list(blocks) == list(specification.constructs)
        assert list(blocks[construct]) == BLOCKS["value"]
        # a block of the construct's own name goes first
        own = specification.model(SURVEY, {**BLOCKS, construct: BLOCKS["quality"]}).blocks
        assert list(own[construct]) == BLOCKS["quality"]


def test_survey_items_are_columns_with_a_number_at_the_end():
    survey = pd.DataFrame(columns=["id", "a_1", "b_10", "a_2", "a_b_1", "_1", "c_x", "c1", 7])
    assert sat.survey_items(survey) == {"a": ["a_1", "a_2"], "b": ["b_10"], "a_b": ["a_b_1"]}


def test_ecsi_mobile_phone_survey_published_paths_through_a_specification():
    """Monecke & Leisch (2012): a specification with other items and settings gives the published solution."""
    correlations = pd.read_csv(REFERENCE / "ecsi_mobile_correlations.csv", index_col="item")
    published = pd.read_csv(REFERENCE / "ecsi_mobile_published.csv").query("table == 'pathCoefficients'")
    noise = np.random.default_rng(0).normal(size=(250, len(correlations)))
    q, _ = np.linalg.qr(noise - noise.mean(axis=0))
    survey = pd.DataFrame(q @ np.linalg.cholesky(correlations.to_numpy()).T, columns=list(correlations))
    arrows = {**sat.ecsi.arrows, "satisfaction": ("complaints", "loyalty"), "complaints": ("loyalty",)}
    layout = {**sat.ecsi.layout, "complaints": (3, 0)}
    extended = sat.Specification("ECSI", "with complaints", arrows, layout, "")
    prefixes = {
        "image": "IMAG",
        "expectation": "CUEX",
        "quality": "PERQ",
        "value": "PERV",
        "satisfaction": "CUSA",
        "loyalty": "CUSL",
        "complaints": "CUSCO",
    }
    items = {name: [i for i in survey if i.startswith(prefix)] for name, prefix in prefixes.items()}
    paths = extended.model(survey, items, scheme="centroid").fit().path_coefficients
    for row in published.itertuples():
        assert paths.loc[row.row.lower(), row.col.lower()] == pytest.approx(row.value, abs=1e-6)


def test_compare_indices_is_pls_model_by_model():
    table = sat.compare_indices(SURVEY, list(sat.SPECIFICATIONS.values()), **TEN, scheme="factorial")
    assert list(table.index) == list(sat.SPECIFICATIONS)
    for name, specification in sat.SPECIFICATIONS.items():
        blocks = {c: BLOCKS[specification.measured_by.get(c, c)] for c in specification.constructs}
        result = PLSPathModel(SURVEY, blocks, specification.paths, scheme="factorial").fit()
        row = table.loc[name]
        assert row["index"] == pytest.approx(result.index(1, 10, "raw")["satisfaction"], abs=1e-9)
        assert row["r_squared_satisfaction"] == pytest.approx(result.r_squared["satisfaction"], abs=1e-12)
        if "loyalty" in specification.constructs:
            assert row["r_squared_loyalty"] == pytest.approx(result.r_squared["loyalty"], abs=1e-12)
        assert row["respondents"] == result.settings["respondents"]
        assert row["constructs"] == len(blocks)
    assert table["r_squared_loyalty"].isna().tolist() == [False] * 4 + [True] * 3
    assert table["paths"].tolist() == [6, 9, 10, 11, 5, 6, 6]
    assert list(sat.compare_indices(SURVEY, **TEN).index) == ["SCSB", "ACSI", "ECSI", "CCSI"]


def test_settings_and_items_reach_pls():
    plain = sat.compare_indices(SURVEY, sat.scsb, **TEN).loc["SCSB", "r_squared_satisfaction"]
    items = {**BLOCKS, "performance": BLOCKS["quality"]}
    other = sat.compare_indices(SURVEY, sat.scsb, items, **TEN).loc["SCSB", "r_squared_satisfaction"]
    assert other != pytest.approx(plain, abs=1e-3)
    dropped = sat.compare_indices(SURVEY, sat.acsi, **TEN, missing="drop")
    assert dropped.loc["ACSI", "respondents"] < len(SURVEY)


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 7), (0, 10), (1, 5)])
def test_the_index_of_another_scale_needs_its_ends(minimum, maximum):
    """A survey from 1 to 7 taken for one from 1 to 10 would give 47.6 where 71.5 is right."""
    items = [item for block in sat.acsi.constructs for item in BLOCKS[block]]
    survey = (minimum + (SURVEY[items] - 1) / 9 * (maximum - minimum)).dropna()
    with pytest.raises(TypeError, match="'minimum' and 'maximum'"):
        sat.compare_indices(survey, sat.acsi)
    with pytest.raises(TypeError, match="positional"):
        sat.compare_indices(survey, sat.acsi, None, minimum, maximum)
    ends = {"minimum": minimum, "maximum": maximum}
    equal = sat.compare_indices(survey, sat.acsi, **ends, weighting="equal").loc["ACSI", "index"]
    mean = survey[BLOCKS["satisfaction"]].mean().mean()
    assert equal == pytest.approx((mean - minimum) / (maximum - minimum) * 100, abs=1e-9)
    # the same answers on another scale are the same index
    same = sat.compare_indices(SURVEY[items].dropna(), sat.acsi, **TEN).loc["ACSI", "index"]
    assert sat.compare_indices(survey, sat.acsi, **ends).loc["ACSI", "index"] == pytest.approx(same)


def test_index_models_on_a_larger_world_find_the_population(world):
    survey = world.tables["satisfaction_survey"]
    paths = sat.ccsi.model(survey).fit().path_coefficients
    for (a, b), value in index_model.PLS_POPULATION.items():
        if (a, b) in sat.ccsi.paths and b in ("expectation", "quality", "value", "satisfaction"):
            # those who answer are a little more satisfied, so not exactly the population
            assert paths.loc[a, b] == pytest.approx(value, abs=0.05), (a, b)


NOT_SATISFIED = sat.Specification("X", "x", {"image": ("quality",)}, {"image": (0, 0), "quality": (1, 0)}, "")
VALUE_ERRORS = [
    ("no rows", lambda: sat.compare_indices(SURVEY.iloc[:0], **TEN)),
    ("measure 'value'", lambda: sat.compare_indices(SURVEY.drop(columns=BLOCKS["value"]), [sat.acsi], **TEN)),
    ("'expectation'", lambda: sat.acsi.model(SURVEY, {"quality": ["quality_1"]})),
    ("no column 'valu_1'", lambda: sat.acsi.model(SURVEY, {**BLOCKS, "value": ["valu_1"]})),
    (
        "infinite",
        lambda: sat.compare_indices(SURVEY.astype({"value_1": float}).assign(value_1=np.inf), **TEN),
    ),
    ("constant", lambda: sat.compare_indices(SURVEY.assign(value_1=5), **TEN)),
    ("off the scale", lambda: sat.compare_indices(SURVEY * 10, **TEN)),
    ("off the scale", lambda: sat.compare_indices(SURVEY, minimum=1, maximum=7)),
    ("below maximum", lambda: sat.compare_indices(SURVEY, minimum=10, maximum=1)),
    ("at least one", lambda: sat.compare_indices(SURVEY, [], **TEN)),
    ("two models named 'ACSI'", lambda: sat.compare_indices(SURVEY, [sat.acsi, sat.acsi], **TEN)),
    ("no construct 'satisfaction'", lambda: sat.compare_indices(SURVEY, NOT_SATISFIED, **TEN)),
    ("Choose from", lambda: sat.compare_indices(SURVEY, **TEN, weighting="best")),
]
TYPE_ERRORS = [
    ("survey must be a pandas DataFrame", lambda: sat.compare_indices([1, 2], **TEN)),
    ("items must map", lambda: sat.acsi.model(SURVEY, ["value_1"])),
    ("value_1", lambda: sat.compare_indices(SURVEY.assign(value_1="good"), **TEN)),
    ("such as satisfaction.acsi, found 'ACSI'", lambda: sat.compare_indices(SURVEY, ["ACSI"], **TEN)),
    ("found 'ACSI'", lambda: sat.compare_indices(SURVEY, "ACSI", **TEN)),
    ("'value': 'value_1'", lambda: sat.acsi.model(SURVEY, {**BLOCKS, "value": "value_1"})),
    ("a list of models", lambda: sat.compare_indices(SURVEY, 5, **TEN)),
    ("DataFrame", lambda: sat.survey_items("survey")),
]


@pytest.mark.parametrize(("text", "call"), VALUE_ERRORS)
def test_index_models_refuse_values(text, call):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(("text", "call"), TYPE_ERRORS)
def test_index_models_refuse_types(text, call):
    with pytest.raises(TypeError, match=text):
        call()
