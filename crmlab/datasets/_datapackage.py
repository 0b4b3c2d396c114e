"""What ``datasets/datapackage.json`` says of the tables, and how it seals them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from crmlab import _check
from crmlab.datasets import _places

FILE = "datapackage.json"


def overview(tables: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return one row per table."""
    rows = {
        name: {
            "title": table["title"],
            "rows": table["rows"],
            "key": _key(table),
            "description": table["description"],
        }
        for name, table in tables.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("table")


def columns(table: dict[str, Any]) -> pd.DataFrame:
    """Return one row per column of a table."""
    rows = {
        field["name"]: {
            "type": field["type"],
            "unit": field["unit"],
            "may be missing": "no" if required(field) else "yes",
            "allowed values": _allowed(field),
            "description": field["description"],
        }
        for field in table["schema"]["fields"]
    }
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")
    out.attrs = {"title": table["title"], "description": table["description"], "key": _key(table)}
    return out


@lru_cache(maxsize=1)
def package() -> dict[str, Any]:
    """Return the data package of the shipped cohort."""
    path = _places.home() / FILE
    try:
        found = json.loads(path.read_bytes())
        found["resources"][0]["hash"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise OSError(
            f"The data dictionary {path} cannot be used ({type(error).__name__}: {error}). "
            "Get it back with 'git restore datasets', or install crmlab again."
        ) from error
    return found


@lru_cache(maxsize=1)
def edition() -> str:
    """Return the hash of the dictionary: it holds the tables' hashes, so new tables are a new edition."""
    return digest((_places.home() / FILE).read_bytes())


def digest(content: bytes) -> str:
    """Return the hash by which the dictionary seals a file."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def resources(of: dict[str, Any], *, truth: bool) -> dict[str, dict[str, Any]]:
    """Return the tables of a data package by name."""
    asked = _check.truth(truth, "truth")
    return {Path(r["path"]).stem: r for r in of["resources"] if r["crmlab:truth"] is asked}


def resource(name: str, *, truth: bool) -> dict[str, Any]:
    """Return what the dictionary says of one table."""
    known = resources(package(), truth=truth)
    if isinstance(name, str) and name not in known and name in resources(package(), truth=not truth):
        this, other = ("truth", "load") if truth else ("load", "truth")
        raise ValueError(f"{name!r} is not opened by {this}() but by {other}({name!r}).")
    return known[chosen(name, known)]


def chosen(name: object, known: Iterable[str]) -> str:
    """Return the name of a table if it is one of those that are known."""
    if not isinstance(name, str):
        raise TypeError(f"name must be text, found {type(name).__name__}. Choose from: {', '.join(known)}.")
    return _check.choice(name, known, "name")


def required(field: dict[str, Any]) -> bool:
    """Say whether a column must have a value in every row."""
    return field["constraints"].get("required", False)


def _key(table: dict[str, Any]) -> str:
    return ", ".join(table["schema"]["primaryKey"])


def _allowed(field: dict[str, Any]) -> str:
    """Return the allowed values of a field as text, empty where any value will do."""
    limits = field["constraints"]
    if "enum" in limits:
        return ", ".join(map(str, limits["enum"]))
    low = limits.get("minimum")
    high = limits.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""
