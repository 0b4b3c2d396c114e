"""Names that the tests of the data room share: the shipped package, a cohort, a table of four columns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.datasets import _csv, _datapackage

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "datasets"
PACKAGE = json.loads((HOME / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {resource["name"]: resource for resource in PACKAGE["resources"]}
COHORT = "spring 2027"

TABLE = {
    "name": "small",
    "path": "tables/small.csv",
    "schema": {
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": True}},
            {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b"]}},
            {"name": "on", "type": "date", "constraints": {"minimum": "2026-01-01", "maximum": "2026-06-30"}},
            {"name": "x", "type": "number", "constraints": {"minimum": 0, "maximum": 1, "unique": True}},
        ],
        "missingValues": [""],
        "primaryKey": ["id"],
    },
}


def small(**columns: object) -> pd.DataFrame:
    """Return a table that fits `TABLE`, but for the columns that are given."""
    days = pd.to_datetime(["2026-01-01", None])
    return pd.DataFrame({"id": [1, 2], "kind": ["a", None], "on": days, "x": [0.1, np.nan]} | columns)


def parse(files: dict[str, bytes], name: str) -> pd.DataFrame:
    """Return a table of a package."""
    return _csv.parse(files[RESOURCES[name]["path"]], RESOURCES[name])


def forget() -> None:
    """Let the next call read the dictionary anew."""
    _datapackage.package.cache_clear()
    _datapackage.edition.cache_clear()
