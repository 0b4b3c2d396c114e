"""From a table to the bytes of its CSV file and back, as the dictionary says; the rest is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd

from crmlab.datasets._datapackage import required

_DTYPES = {
    "integer": "iuf",
    "number": "iuf",
    "string": "O",
    "date": "M",
    "datetime": "M",
}  # by NumPy's letters
_UNITS = {"date": ("D", "day"), "datetime": ("m", "minute")}


def parse(content: bytes, resource: dict[str, Any]) -> pd.DataFrame:
    """Return the table that a CSV file holds."""
    schema = resource["schema"]
    frame = pd.read_csv(
        io.BytesIO(content),
        dtype={field["name"]: _dtype(field, schema) for field in schema["fields"]},
        keep_default_na=False,
        na_values=[""],
    )
    for field in schema["fields"]:
        if field["type"] in _UNITS:
            column = field["name"]
            frame[column] = pd.to_datetime(frame[column], format=field.get("format", "%Y-%m-%d"))
    return frame


def _dtype(field: dict[str, Any], schema: dict[str, Any]) -> Any:
    kind = field["type"]
    if kind == "number":
        return "float64"
    if kind == "integer" and not required(field):
        # A formula or a correlation chokes on the NA of Int64; an id must not turn into 17.0.
        is_id = any(field["name"] in key["fields"] for key in schema.get("foreignKeys", []))
        return "Int64" if is_id else "float64"
    if kind == "integer":
        return "int64"
    if field.get("categoriesOrdered"):
        return pd.CategoricalDtype(field["categories"], ordered=True)
    return "str"  # dates too: they are parsed by their exact format afterwards


def written(frame: pd.DataFrame, resource: dict[str, Any]) -> bytes:
    """Return a table as the bytes of its CSV file."""
    table = resource["name"]
    schema = resource["schema"]
    expected = [field["name"] for field in schema["fields"]]
    if expected != list(frame.columns):
        differ = sorted(set(expected) ^ set(frame.columns)) or "their order, or one stands twice"
        raise ValueError(f"Columns of {table} differ from the dictionary: {differ}. Describe them there.")
    out = {}
    for field in schema["fields"]:
        column = frame[field["name"]]
        try:
            _refuse_limits_broken(column, field)
            out[field["name"]] = _plain(column, field["type"]).array
        except (TypeError, ValueError) as error:
            raise ValueError(f"Column {field['name']} of {table} {error}") from error
    twice = frame.duplicated(schema["primaryKey"])
    if twice.any():
        row = frame.loc[twice, schema["primaryKey"]].iloc[0].tolist()
        raise ValueError(f"{table} has {int(twice.sum())} row(s) whose key stands twice, the first is {row}.")
    return pd.DataFrame(out).to_csv(index=False, lineterminator="\n").encode()


def _refuse_limits_broken(column: pd.Series, field: dict[str, Any]) -> None:
    """Raise ValueError where a column breaks a constraint of the dictionary; the caller names the column."""
    limits = field["constraints"]
    kinds = _DTYPES[field["type"]]
    if column.dtype.kind not in kinds or isinstance(column.dtype, pd.DatetimeTZDtype):
        raise ValueError(f"must be of type {field['type']}, found dtype {column.dtype}.")
    values = column.dropna()
    if required(field) and len(values) < len(column):
        raise ValueError("has missing values, but the dictionary says required.")
    if "enum" in limits and not values.isin(limits["enum"]).all():
        raise ValueError(f"has values outside {limits['enum']}.")
    if limits.get("unique") and not values.is_unique:
        raise ValueError("has values that stand twice, but the dictionary says unique.")
    as_is = pd.Timestamp if field["type"] in _UNITS else float
    if "minimum" in limits and (values < as_is(limits["minimum"])).any():
        raise ValueError(f"must be at least {limits['minimum']}, found {values.min()}.")
    if "maximum" in limits and (values > as_is(limits["maximum"])).any():
        raise ValueError(f"must be at most {limits['maximum']}, found {values.max()}.")


def _plain(column: pd.Series, kind: str) -> pd.Series:
    """Return a column as it is written, without losing anything of it."""
    if kind == "integer":
        if (column.dropna() % 1 != 0).any():
            raise ValueError("has values that are not whole.")
        return column.astype("Int64")
    if kind == "number" and not np.isfinite(column.dropna()).all():
        raise ValueError("has infinite values.")
    if kind in _UNITS:
        unit, name = _UNITS[kind]
        values = column.to_numpy()
        if (values.astype(f"datetime64[{unit}]") != values)[~np.isnat(values)].any():
            raise ValueError(f"is finer than a {name}.")
        return pd.Series(np.datetime_as_string(values, unit=unit)).mask(np.isnat(values))
    return column
