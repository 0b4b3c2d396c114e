"""The data package: descriptions that people write, one file a table, and the seals that the machine adds.

In ``datasets/dictionary/``, ``orders.json`` describes a table, ``truth/events.json`` a truth table, and
``_package.json`` the whole. ``python -m crmlab.build dictionary`` makes ``datapackage.json`` of them and adds
rows, bytes and hashes of the CSV files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab import _check
from crmlab.datasets import _csv, _datapackage, _places

if TYPE_CHECKING:
    from crmlab.simulate import World

_PACKAGE = "_package.json"
_KINDS = ("integer", "number", "string", "date", "datetime")
# name -> type: what an object must say, and what it may
_WHOLE = dict.fromkeys(("name", "title", "description", "crmlab:tables", "crmlab:truth"), str)
_WHOLE |= dict.fromkeys(("licenses", "sources", "contributors", "order"), list)
_TABLE = {"title": str, "description": str, "static": bool, "fields": list, "primaryKey": list}
_TABLE_MAY = {"foreignKeys": list}
_COLUMN = {"name": str, "type": str, "unit": str, "title": str, "description": str, "constraints": dict}
_COLUMN_MAY = {"format": str, "categories": list, "categoriesOrdered": bool}
_LIMITS = {
    "required": bool,
    "unique": bool,
    "enum": list,
    "minimum": int | float | str,
    "maximum": int | float | str,
}
_KEY = {"fields": list, "reference": dict}
_REFERENCE = {"resource": str, "fields": list}
_ANEW = "'python -m crmlab.build data' makes all tables anew."


# -- what people write ----------------------------------------------------------------------------
def described() -> dict[str, Any]:
    """Return the data package as people wrote it, without seals.

    Tables stand in the order that ``_package.json`` gives; those that it does not name follow by name.
    """
    folder = _places.home() / "dictionary"
    package = _json(folder / _PACKAGE, _WHOLE)
    files = [path for path in (*folder.glob("*.json"), *folder.glob("truth/*.json")) if path.name != _PACKAGE]
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}
    order = package.pop("order")
    if gone := [name for name in order if name not in found]:
        raise ValueError(
            f"dictionary/{_PACKAGE} names {gone[0]!r}, but there is no dictionary/{gone[0]}.json."
        )
    tables = {name: _resource(name, found[name]) for name in [*order, *sorted(set(found) - set(order))]}
    for name, table in tables.items():
        _refuse_loose_keys(name, table["schema"], tables)
    return package | {"resources": list(tables.values())}


def _json(path: Path, must: dict[str, Any], may: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the object that a JSON file holds; an error names the file."""
    where = path.relative_to(_places.home()).as_posix()
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{where} cannot be read: {error}") from error
    refuse_slips(found, must, may or {}, where)
    return found


def _resource(name: str, path: Path) -> dict[str, Any]:
    """Return the resource of the data package that a table's file describes."""
    written = _json(path, _TABLE, _TABLE_MAY)
    where = f"dictionary/{name}.json"
    for number, field in enumerate(written["fields"], 1):
        refuse_slips(field, _COLUMN, _COLUMN_MAY, f"{where}, column {number}")
        column = f"{where}, column {field['name']}"
        _check.choice(field["type"], _KINDS, f"{column}: type")
        refuse_slips(field["constraints"], {}, _LIMITS, f"{column}: constraints")
    for key in written.get("foreignKeys", []):
        refuse_slips(key, _KEY, {}, f"{where}: foreignKeys")
        refuse_slips(key["reference"], _REFERENCE, {}, f"{where}: foreignKeys, reference")
    truth = name.startswith("truth/")
    schema = {"fields": written["fields"], "missingValues": [""], "primaryKey": written["primaryKey"]}
    return {
        "name": name,
        "path": f"{name}.csv" if truth else f"tables/{name}.csv",
        "title": written["title"],
        "description": written["description"],
        "crmlab:truth": truth,
        "crmlab:static": written["static"],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": schema | {key: written[key] for key in ("foreignKeys",) if key in written},
    }


def refuse_slips(found: object, must: dict[str, Any], may: dict[str, Any], where: str) -> None:
    """Raise ValueError where an object lacks a name, has one that nobody reads, or another type."""
    if not isinstance(found, dict):
        raise ValueError(f"{where} must be an object, {{…}}, found {found!r:.40}.")
    if lacking := [name for name in must if name not in found]:
        raise ValueError(f"{where} has no {lacking[0]!r}. It needs: {', '.join(must)}.")
    types = must | may
    for name, value in found.items():
        wanted = types[_check.choice(name, types, f"{where}: name")]
        if not isinstance(value, wanted):
            kind = getattr(wanted, "__name__", wanted)
            raise ValueError(f"{where}: {name} must be of type {kind}, found {value!r:.40}.")


def _refuse_loose_keys(name: str, schema: dict[str, Any], tables: Mapping[str, dict[str, Any]]) -> None:
    """Raise ValueError where a key names no column, or a table or a column that is not there."""
    where = f"dictionary/{name}.json"
    named = [(name, schema["primaryKey"], "primaryKey")]
    for key in schema.get("foreignKeys", []):
        other = _check.choice(key["reference"]["resource"] or name, tables, f"{where}: foreignKeys, resource")
        named.append((name, key["fields"], "foreignKeys"))
        named.append((other, key["reference"]["fields"], f"foreignKeys, fields of {other}"))
        if len(key["fields"]) != len(key["reference"]["fields"]):
            raise ValueError(f"{where}: foreignKeys must name as many fields here as of {other}.")
    for table, columns, what in named:
        there = [field["name"] for field in tables[table]["schema"]["fields"]]
        for column in columns or [""]:
            _check.choice(column, there, f"{where}: {what}")


# -- what the machine adds ------------------------------------------------------------------------
def files(world: World, cohort: str, seed: int, package: dict[str, Any]) -> dict[str, bytes]:
    """Return a whole data package, every table of it checked against the dictionary."""
    frames = world.tables | {f"truth/{name}": frame for name, frame in world.truth.items()}
    named = {resource["name"] for resource in package["resources"]}
    if named != set(frames):
        differ = ", ".join(sorted(named ^ set(frames)))
        raise ValueError(f"The world and the dictionary do not have the same tables: {differ}.")
    contents = _written(package, frames)
    return contents | {_datapackage.FILE: _sealed(package, frames, contents, cohort, seed)}


def rebuilt() -> bytes:
    """Return ``datapackage.json`` for the CSV files that are there, from the descriptions as they are now."""
    from crmlab import simulate

    package = described()
    promised = _promised()
    contents = {resource["path"]: _shipped(resource["path"], promised) for resource in package["resources"]}
    frames = {}
    for resource in package["resources"]:
        try:
            frames[resource["name"]] = _csv.parse(contents[resource["path"]], resource)
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(
                f"{resource['path']} cannot be read as dictionary/{resource['name']}.json says: {error}"
            ) from error
    _written(package, frames)  # for its checks: numbers need not be written as pandas writes what it has read
    return _sealed(package, frames, contents, "shipped", simulate.SHIPPED_SEED)


def _promised() -> dict[str, str]:
    """Return path -> hash as the present dictionary has it; nothing if a merge or an editor broke it."""
    from crmlab import simulate

    try:
        package = json.loads((_places.home() / _datapackage.FILE).read_bytes())
        version = package["version"]
        promised = {resource["path"]: resource["hash"] for resource in package["resources"]}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    if version != simulate.VERSION:
        raise ValueError(f"The tables are of version {version}, the simulator is {simulate.VERSION}. {_ANEW}")
    return promised


def _shipped(path: str, promised: dict[str, str]) -> bytes:
    """Return the bytes of a shipped CSV file, unless somebody changed it."""
    if not (_places.home() / path).is_file():
        raise ValueError(f"{path} is not there. {_ANEW}")
    content = (_places.home() / path).read_bytes()
    if promised.get(path, "") not in ("", _datapackage.digest(content)):
        raise ValueError(f"{path} was changed: get it back with 'git restore datasets/{path}'. {_ANEW}")
    return content


def _written(package: dict[str, Any], frames: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """Return path -> content of all tables, every one checked against its description and the others."""
    contents = {r["path"]: _csv.written(frames[r["name"]], r) for r in package["resources"]}
    _refuse_loose_rows(frames, package)
    return contents


def _sealed(
    package: dict[str, Any],
    frames: Mapping[str, pd.DataFrame],
    contents: Mapping[str, bytes],
    cohort: str,
    seed: int,
) -> bytes:
    """Return the dictionary with rows, bytes and hashes of the tables."""
    from crmlab import simulate

    resources = []
    for resource in package["resources"]:
        content = contents[resource["path"]]
        rows = len(frames[resource["name"]])
        seal = {"rows": rows, "bytes": len(content), "hash": _datapackage.digest(content)}
        told = {key: value for key, value in resource.items() if key != "schema"}
        resources.append(told | seal | {"schema": resource["schema"]})
    made = {"version": simulate.VERSION, "crmlab:cohort": cohort, "crmlab:seed": seed}
    head = {key: package[key] for key in ("name", "title", "description")}
    whole = head | made | package | made | {"resources": resources}
    return (layout(whole) + "\n").encode()


def _refuse_loose_rows(frames: Mapping[str, pd.DataFrame], package: dict[str, Any]) -> None:
    """Raise ValueError where a row refers to a row that is not there."""
    for resource in package["resources"]:
        for key in resource["schema"].get("foreignKeys", []):
            other = key["reference"]["resource"] or resource["name"]
            there = pd.MultiIndex.from_frame(frames[other][key["reference"]["fields"]])
            rows = frames[resource["name"]][key["fields"]].dropna()
            loose = ~pd.MultiIndex.from_frame(rows).isin(there)
            if loose.any():
                first = rows[loose].iloc[0].tolist()
                raise ValueError(
                    f"{resource['name']} has {int(loose.sum())} row(s) whose {', '.join(key['fields'])} "
                    f"is not in {other}, the first is {first}."
                )


def layout(value: Any, indent: str = "", width: int = 140) -> str:
    """Return JSON in which whatever fits on a line stands on one, for readers."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= width or not isinstance(value, dict | list) or not value:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(k, ensure_ascii=False)}: {layout(v, deeper, width)}" for k, v in value.items()]
    else:
        items = [layout(v, deeper, width) for v in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{indent}{closing}"
