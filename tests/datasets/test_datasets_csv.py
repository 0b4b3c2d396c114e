"""Types and bytes: what is read is what was simulated, and a table that does not fit its description is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from small_package import RESOURCES, TABLE, parse, small

from crmlab import datasets
from crmlab.datasets import _csv, _datapackage, _sealing


# -- every table ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", RESOURCES)
def test_csv_keeps_every_value(name, world, files):
    """What is read is what was simulated, to the last bit."""
    tables = world.truth if RESOURCES[name]["crmlab:truth"] else world.tables
    made = tables[Path(name).name]
    assert_frame_equal(parse(files, name), made, check_dtype=False, check_exact=True, check_categorical=False)


@pytest.mark.parametrize("name", RESOURCES)
def test_types_come_from_the_dictionary_and_agree_between_cohorts(name, files):
    resource = RESOURCES[name]
    frame = parse(files, name)
    shipped = (datasets.truth if resource["crmlab:truth"] else datasets.load)(Path(name).name)
    assert frame.dtypes.equals(shipped.dtypes)
    assert list(frame.columns) == [field["name"] for field in resource["schema"]["fields"]]
    for field in resource["schema"]["fields"]:
        dtype = str(frame[field["name"]].dtype)
        if field["type"] == "integer":
            whole = ("int64",) if _datapackage.required(field) else ("Int64", "float64")
            assert dtype in whole
        elif field["type"] in ("date", "datetime"):
            assert dtype.startswith("datetime64")
        elif field["type"] == "number":
            assert dtype == "float64"
        else:
            assert dtype == ("category" if field.get("categoriesOrdered") else "str")


def test_missing_answers_do_not_break_arithmetic_and_ids_stay_whole():
    survey = datasets.load("satisfaction_survey")
    items = survey.filter(regex=r"^(quality|loyalty)_\d$")
    assert items.isna().any().all()
    assert items.to_numpy().dtype == float  # Int64 would give objects
    assert str(datasets.load("leads")["customer_id"].dtype) == "Int64"


def test_stages_judged_and_true_can_be_compared():
    reviews = datasets.load("account_reviews")
    stages = datasets.truth("account_stages")
    both = reviews.merge(
        stages, on=["account_id", "month"], suffixes=("_judged", "_true"), validate="one_to_one"
    )
    right = (both["stage_judged"] == both["stage_true"]).mean()  # raises if the categories differ
    assert 0.8 < right < 0.99
    assert both["stage_judged"].min() == "exploration"


def test_every_call_returns_a_fresh_copy():
    first = datasets.load("product_lines")
    first["margin_rate"] = 0.0
    assert datasets.load("product_lines")["margin_rate"].gt(0).all()


# -- a table of four columns ----------------------------------------------------------------------
def test_bytes():
    assert _csv.written(small(), TABLE) == b"id,kind,on,x\n1,a,2026-01-01,0.1\n2,,,\n"
    assert_frame_equal(_csv.parse(_csv.written(small(), TABLE), TABLE), small(), check_dtype=False)


def test_text_that_pandas_would_take_for_missing_stays():
    table = {"name": "t", "schema": {"fields": [{"name": "a", "type": "string", "constraints": {}}]}}
    read = _csv.parse(b'a\nNA\nnull\n""\n\xe8\x8c\xb6\n', table)
    assert read["a"].isna().tolist() == [False, False, True, False]
    assert read["a"].dropna().tolist() == ["NA", "null", "茶"]


def test_time_of_day_is_kept_to_the_minute():
    field = {"name": "at", "type": "datetime", "format": "%Y-%m-%dT%H:%M", "constraints": {}}
    table = {"name": "t", "schema": {"fields": [field], "primaryKey": ["at"]}}
    frame = pd.DataFrame({"at": pd.to_datetime(["2026-01-01 09:30", "2026-01-01 09:31"])})
    content = _csv.written(frame, table)
    assert content == b"at\n2026-01-01T09:30\n2026-01-01T09:31\n"
    assert_frame_equal(_csv.parse(content, table), frame, check_dtype=False)
    with pytest.raises(ValueError, match="finer than a minute"):
        _csv.written(frame + pd.Timedelta("1s"), table)


FITS = {
    "whole numbers as floats": {"id": [1.0, 2.0]},
    "nullable numbers": {"x": pd.array([0.1, None], dtype="Float64")},
    "NumPy scalars": {"id": [np.int32(1), np.int32(2)]},
    "objects": {"kind": np.array(["a", None], dtype=object)},
    "categories": {"kind": pd.Categorical(["a", None], categories=["b", "a"])},
    "the limits themselves": {"x": [0.0, 1.0], "on": pd.to_datetime(["2026-01-01", "2026-06-30"])},
    "other row labels": {"id": pd.Series([1, 2])},
}


@pytest.mark.parametrize("columns", FITS.values(), ids=FITS)
def test_what_fits_is_written(columns):
    frame = small(**columns)
    read = _csv.parse(_csv.written(frame.set_axis([7, 7]), TABLE), TABLE)
    usual = frame.astype({"id": "int64", "kind": "str", "x": "float64"})
    assert_frame_equal(read, usual, check_dtype=False)


REFUSED = {
    "id missing": ({"id": [1, None]}, "Column id of small has missing values"),
    "id not whole": ({"id": [1, 2.5]}, "Column id of small has values that are not whole"),
    "id infinite": ({"id": [1, np.inf]}, "Column id of small has values that are not whole"),
    "id is text": ({"id": ["1", "2"]}, "Column id of small must be of type integer, found dtype str"),
    "id is a truth value": ({"id": [True, False]}, "Column id of small must be of type integer"),
    "id twice": ({"id": [2, 2]}, r"small has 1 row\(s\) whose key stands twice, the first is \[2\]"),
    "no such kind": ({"kind": ["a", "c"]}, r"Column kind of small has values outside \['a', 'b'\]"),
    "kind is a number": ({"kind": [1, 2]}, "Column kind of small must be of type string"),
    "an hour": ({"on": pd.to_datetime(["2026-01-01 10:00", None])}, "Column on of small is finer than a day"),
    "a time zone": ({"on": pd.to_datetime(["2026-01-01", None]).tz_localize("UTC")}, "must be of type date"),
    "a day as text": ({"on": ["2026-01-01", None]}, "Column on of small must be of type date"),
    "too early": (
        {"on": pd.to_datetime(["2025-12-31", None])},
        "on of small must be at least 2026-01-01, found 2025",
    ),
    "too late": (
        {"on": pd.to_datetime(["2026-07-01", None])},
        "on of small must be at most 2026-06-30, found 2026-07",
    ),
    "infinite": ({"x": [np.inf, 1.0]}, "Column x of small (has infinite values|must be at most 1)"),
    "minus infinite": ({"x": [-np.inf, 1.0]}, "Column x of small must be at least 0, found -inf"),
    "too small": ({"x": [-0.01, 1.0]}, "Column x of small must be at least 0, found -0.01"),
    "too large": ({"x": [0.0, 1.01]}, "Column x of small must be at most 1, found 1.01"),
    "complex": ({"x": [1j, 0]}, "Column x of small must be of type number"),
    "not unique": ({"x": [0.5, 0.5]}, "Column x of small has values that stand twice"),
    "one more": ({"y": [1, 2]}, r"Columns of small differ from the dictionary: \['y'\]"),
}


@pytest.mark.parametrize(("columns", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        _csv.written(small(**columns), TABLE)


def test_infinity_is_refused_where_there_is_no_limit():
    field = {"name": "x", "type": "number", "constraints": {}}
    with pytest.raises(ValueError, match="Column x of t has infinite values"):
        _csv.written(
            pd.DataFrame({"x": [np.inf]}), {"name": "t", "schema": {"fields": [field], "primaryKey": ["x"]}}
        )


def test_order_of_columns_and_missing_ones():
    with pytest.raises(ValueError, match=r"Columns of small differ from the dictionary: \['on'\]"):
        _csv.written(small().drop(columns="on"), TABLE)
    with pytest.raises(ValueError, match="differ from the dictionary: their order"):
        _csv.written(small()[["kind", "id", "on", "x"]], TABLE)


def test_seal_of_the_small_package(files):
    """Rows, bytes and hash stand in the dictionary that comes with a cohort, before the schema."""
    package = {"name": "p", "title": "t", "description": "d", "resources": [TABLE]}
    frames = {"small": small()}
    contents = _sealing._written(package, frames)
    sealed = _sealing.json.loads(_sealing._sealed(package, frames, contents, "spring", 7))
    content = contents["tables/small.csv"]
    (resource,) = sealed.pop("resources")
    assert (resource["rows"], resource["bytes"]) == (2, len(content))
    assert resource["hash"] == _datapackage.digest(content)
    assert list(resource)[-1] == "schema"
    assert sealed["crmlab:cohort"] == "spring"
    assert sealed["crmlab:seed"] == 7
