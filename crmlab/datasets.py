"""The tables of Qinghe Tea, their dictionary, and the truth behind them, for any cohort.

The shipped cohort lies in ``datasets/`` as CSV files. Any other cohort name is a seed: its tables are simulated
once and kept in the user's cache. One dictionary, ``datasets/datapackage.json``, says what every column is; all
loaders take their types from it.

Chapters quote numbers, so they say ``load("orders", cohort="shipped")``. Exercises say ``load("orders")`` and
follow, in this order, :func:`use_cohort`, the environment variable ``CRMLAB_COHORT``, the shipped cohort.
The environment variable ``CRMLAB_CACHE`` moves the cache; its content can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import time
import unicodedata
import uuid
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab import _check

if TYPE_CHECKING:
    from crmlab.simulate import World

__all__ = [
    "SHIPPED",
    "current_cohort",
    "describe",
    "grading",
    "load",
    "names",
    "reference",
    "truth",
    "use_cohort",
]

SHIPPED = "shipped"
_DICTIONARY = "datapackage.json"
_chosen: str | None = None  # what use_cohort() set in this process


# -- public ---------------------------------------------------------------------------------------
def names(*, truth: bool = False) -> list[str]:
    """Return the names of the tables, or of the truth tables.

    Parameters
    ----------
    truth : bool, default False
        True lists what :func:`truth` can open.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from crmlab import datasets
    >>> "orders" in datasets.names()
    True
    >>> "parameters" in datasets.names(truth=True)
    True
    """
    return list(_resources(truth))


def load(name: str, cohort: str | None = None) -> pd.DataFrame:
    """Load one table of a cohort.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    cohort : str, optional
        ``"shipped"`` always means the tables that come with the workbook. Any other name is simulated at first
        use. None follows :func:`use_cohort`, then ``CRMLAB_COHORT``, then the shipped cohort.

    Returns
    -------
    pandas.DataFrame
        A fresh copy, with the types of the dictionary: dates as datetime64, whole numbers as int64, and, where a
        value may be missing, float64 (measurements, NaN) or Int64 (ids, NA). Text whose values have an order is
        an ordered category.

    Raises
    ------
    ValueError
        If there is no such table, or the cohort's name is empty or longer than 100 characters.
    OSError
        If a shipped file is missing or was changed.

    Examples
    --------
    >>> from crmlab import datasets
    >>> orders = datasets.load("orders", cohort="shipped")
    >>> orders["amount"].dtype
    dtype('float64')
    """
    return _read(name, cohort, truth=False)


def truth(name: str, cohort: str | None = None) -> pd.DataFrame:
    """Open a table of what really happened: the oracle that no company has.

    Parameters
    ----------
    name : str
        One of ``names(truth=True)``.
    cohort : str, optional
        As for :func:`load`.

    Returns
    -------
    pandas.DataFrame
        A fresh copy, typed as :func:`load` does it.

    Raises
    ------
    ValueError
        If there is no such truth table, or the cohort's name is not usable.
    RuntimeError
        While nbgrader validates or grades the notebook: there an answer has to come from :func:`load`.

    Examples
    --------
    >>> from crmlab import datasets
    >>> list(datasets.truth("parameters", cohort="shipped").columns)
    ['process', 'parameter', 'value', 'unit', 'description']
    """
    if grading():
        raise RuntimeError(
            "truth() is closed while nbgrader runs a notebook: answer from the tables that load() returns, "
            "and take the calls of truth() out of what you hand in."
        )
    return _read(name, cohort, truth=True)


def describe(name: str | None = None, *, truth: bool = False) -> pd.DataFrame:
    """Look a table up in the data dictionary, or list all tables.

    Parameters
    ----------
    name : str, optional
        One of :func:`names`; None describes the tables themselves.
    truth : bool, default False
        True looks among the truth tables.

    Returns
    -------
    pandas.DataFrame
        One row per column of the table: type, unit, whether values may be missing, allowed values, description;
        ``.attrs`` holds the table's ``title``, ``description`` and ``key``. Without `name`, one row per table: title, rows in
        the shipped cohort, key, description.

    Raises
    ------
    ValueError
        If there is no such table.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.describe("orders").loc["amount", "unit"]
    'yuan'
    >>> datasets.describe("orders").attrs["key"]
    'order_id'
    """
    if name is None:
        rows = {
            table: {
                "title": resource["title"],
                "rows": resource["rows"],
                "key": _key(resource),
                "description": resource["description"],
            }
            for table, resource in _resources(truth).items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("table")
    resource = _resource(name, truth)
    rows = {
        field["name"]: {
            "type": field["type"],
            "unit": field["unit"],
            "may be missing": "no" if _required(field) else "yes",
            "allowed values": _allowed(field),
            "description": field["description"],
        }
        for field in resource["schema"]["fields"]
    }
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")
    out.attrs = {"title": resource["title"], "description": resource["description"], "key": _key(resource)}
    return out


def reference(name: str) -> pd.DataFrame:
    """Load a table of published figures, as printed in the literature.

    Parameters
    ----------
    name : str
        One of the files in ``datasets/reference/``, without ``.csv``; the README there names the sources.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        If there is no such table.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.reference("ecsi_mobile_moments").columns.tolist()
    ['item', 'mean', 'std']
    """
    folder = _home() / "reference"
    known = sorted(path.stem for path in folder.glob("*.csv"))
    return pd.read_csv(folder / f"{_check.choice(name, known, 'name')}.csv")


def use_cohort(name: str | None) -> None:
    """Choose the cohort that :func:`load` and :func:`truth` open in this process.

    Parameters
    ----------
    name : str or None
        Any text of up to 100 characters; capitals, full-width letters and extra spaces make no difference.
        ``"shipped"`` chooses the shipped cohort whatever the environment says; None takes the choice back.

    Raises
    ------
    TypeError, ValueError
        If `name` is no text, empty, or too long.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.use_cohort("Spring 2027")
    >>> datasets.current_cohort()
    'spring 2027'
    >>> datasets.use_cohort(None)
    """
    global _chosen
    _chosen = None if name is None else _cohort_name(name, "The cohort's name")


def current_cohort() -> str:
    """Return the cohort that ``load(name)`` opens now.

    Returns
    -------
    str
        The name as it is used: lower case, single spaces. ``"shipped"`` if nobody chose another.

    Raises
    ------
    ValueError
        If ``CRMLAB_COHORT`` is set to something that cannot be a name.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.use_cohort("shipped")
    >>> datasets.current_cohort()
    'shipped'
    >>> datasets.use_cohort(None)
    """
    if _chosen is not None:
        return _chosen
    environment = os.environ.get("CRMLAB_COHORT", "")
    return _cohort_name(environment, "CRMLAB_COHORT") if environment.strip() else SHIPPED


def grading() -> bool:
    """Say whether nbgrader is running this notebook, to validate or to grade it.

    Returns
    -------
    bool

    Notes
    -----
    nbgrader 0.9 sets ``NBGRADER_EXECUTION`` to ``autograde`` or ``validate`` for the kernel. Both count, so that
    what a student validates behaves as it will when it is graded.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.grading()
    False
    """
    return os.environ.get("NBGRADER_EXECUTION", "") in ("autograde", "validate")


# -- the dictionary -------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def _home() -> Path:
    """Return the folder of the shipped tables: inside an installed wheel, else beside the package."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_datasets", package.parent / "datasets"):
        if (folder / _DICTIONARY).is_file():
            return folder
    raise FileNotFoundError(
        f"The shipped tables are missing: no {_DICTIONARY} in {package / '_datasets'} or {package.parent / 'datasets'}. "
        "Install crmlab again, or clone the whole repository."
    )


@lru_cache(maxsize=1)
def _dictionary() -> dict[str, Any]:
    return json.loads((_home() / _DICTIONARY).read_bytes())


@lru_cache(maxsize=1)
def _edition() -> str:
    """Return the hash of the dictionary. It holds the hashes of the shipped tables: new output, new edition."""
    return _hash((_home() / _DICTIONARY).read_bytes())


def _resources(truth: bool) -> dict[str, dict[str, Any]]:
    """Return table name -> resource, in the order of the dictionary."""
    return {
        Path(r["path"]).stem: r for r in _dictionary()["resources"] if r.get("crmlab:truth", False) == truth
    }


def _resource(name: str, truth: bool) -> dict[str, Any]:
    known = _resources(truth)
    if isinstance(name, str) and name not in known and name in _resources(not truth):
        this, other = ("truth", "load") if truth else ("load", "truth")
        raise ValueError(f"{name!r} is not opened by {this}() but by {other}({name!r}).")
    return known[_check.choice(name, known, "name")]


def _key(resource: dict[str, Any]) -> str:
    return ", ".join(resource["schema"].get("primaryKey", []))


def _required(field: dict[str, Any]) -> bool:
    return field.get("constraints", {}).get("required", False)


def _allowed(field: dict[str, Any]) -> str:
    """Return the allowed values of a field as text, empty where any value will do."""
    limits = field.get("constraints", {})
    if "enum" in limits:
        return ", ".join(map(str, limits["enum"]))
    low, high = limits.get("minimum"), limits.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}" if high is not None else ""


# -- CSV ------------------------------------------------------------------------------------------
def _read(name: str, cohort: str | None, *, truth: bool) -> pd.DataFrame:
    resource = _resource(name, truth)
    cohort = current_cohort() if cohort is None else _cohort_name(cohort, "cohort")
    return _parse(_content(cohort, resource["path"]), resource)


def _dtype(field: dict[str, Any], schema: dict[str, Any]) -> Any:
    kind = field["type"]
    if kind == "number":
        return "float64"
    if kind == "integer" and not _required(field):
        # A formula or a correlation chokes on the NA of Int64; an id must not turn into 17.0.
        is_id = any(field["name"] in key["fields"] for key in schema.get("foreignKeys", []))
        return "Int64" if is_id else "float64"
    if kind == "integer":
        return "int64"
    if field.get("categoriesOrdered"):
        return pd.CategoricalDtype(field["categories"], ordered=True)
    return "str"  # dates too: they are parsed by their exact format afterwards


def _parse(content: bytes, resource: dict[str, Any]) -> pd.DataFrame:
    schema = resource["schema"]
    frame = pd.read_csv(
        io.BytesIO(content),
        dtype={field["name"]: _dtype(field, schema) for field in schema["fields"]},
        keep_default_na=False,
        na_values=[""],
    )
    for field in schema["fields"]:
        if field["type"] in ("date", "datetime"):
            column = field["name"]
            frame[column] = pd.to_datetime(frame[column], format=field.get("format", "%Y-%m-%d"))
    return frame


def _csv(frame: pd.DataFrame, resource: dict[str, Any]) -> bytes:
    """Return `frame` as the bytes of a CSV file; raise ValueError where it does not fit the dictionary."""
    table, fields = resource["name"], resource["schema"]["fields"]
    expected, found = [field["name"] for field in fields], list(frame.columns)
    if expected != found:
        differ = sorted(set(expected) ^ set(found)) or "their order"
        raise ValueError(f"Columns of {table} differ from {_DICTIONARY}: {differ}. Describe them there.")
    out = {}
    for field in fields:
        column, kind = frame[field["name"]], field["type"]
        where = f"Column {field['name']} of {table}"
        if _required(field) and column.isna().any():
            raise ValueError(f"{where} has missing values, but {_DICTIONARY} says required.")
        allowed = field.get("constraints", {}).get("enum")
        if allowed is not None and not column.dropna().isin(allowed).all():
            raise ValueError(f"{where} has values outside {allowed}.")
        if kind == "integer":
            column = column.astype("Int64")  # raises where a value is not whole
        elif kind in ("date", "datetime"):
            unit = "D" if kind == "date" else "m"
            values = column.to_numpy()
            if (values.astype(f"datetime64[{unit}]") != values)[~np.isnat(values)].any():
                raise ValueError(f"{where} is finer than a {'day' if kind == 'date' else 'minute'}.")
            column = pd.Series(np.datetime_as_string(values, unit=unit)).mask(np.isnat(values))
        elif kind == "number" and not np.isfinite(column.dropna()).all():
            raise ValueError(f"{where} has infinite values.")
        out[field["name"]] = column.array
    return pd.DataFrame(out).to_csv(index=False, lineterminator="\n").encode()


def _files(world: World, cohort: str, seed: int) -> dict[str, bytes]:
    """Return path -> content of a whole data package; the dictionary, with sizes and hashes, comes last."""
    from crmlab import simulate

    described = {(r.get("crmlab:truth", False), Path(r["path"]).stem) for r in _dictionary()["resources"]}
    simulated = {(False, name) for name in world.tables} | {(True, name) for name in world.truth}
    if described != simulated:
        differ = ", ".join(f"truth/{n}" if t else n for t, n in sorted(described ^ simulated))
        raise ValueError(f"The world and {_DICTIONARY} do not have the same tables: {differ}.")
    files, resources = {}, []
    for resource in _dictionary()["resources"]:
        tables = world.truth if resource.get("crmlab:truth") else world.tables
        frame = tables[Path(resource["path"]).stem]
        content = files[resource["path"]] = _csv(frame, resource)
        seal = {"rows": len(frame), "bytes": len(content), "hash": _hash(content)}
        resources.append(
            {k: v for k, v in resource.items() if k != "schema"} | seal | {"schema": resource["schema"]}
        )
    package = _dictionary() | {
        "version": simulate.VERSION,
        "crmlab:cohort": cohort,
        "crmlab:seed": seed,
        "resources": resources,
    }
    files[_DICTIONARY] = (_json(package) + "\n").encode()
    return files


def _json(value: Any, indent: str = "", width: int = 140) -> str:
    """Return JSON in which whatever fits on a line stands on one: a dictionary that people read and edit."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= width or not isinstance(value, dict | list) or not value:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(k, ensure_ascii=False)}: {_json(v, deeper, width)}" for k, v in value.items()]
    else:
        items = [_json(v, deeper, width) for v in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{indent}{closing}"


# -- cohorts and their cache ----------------------------------------------------------------------
def _cohort_name(value: object, source: str) -> str:
    """Return the name as it is used. NFKC and case: what an input method or a Shift key adds is no other cohort."""
    if not isinstance(value, str):
        raise TypeError(f"{source} must be text such as 'spring 2027', found {type(value).__name__}.")
    name = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    if not name or len(name) > 100 or not name.isprintable():
        raise ValueError(
            f"{source} must be 1 to 100 printable characters, found {len(name)}: {value[:30]!r}. Choose another name."
        )
    return name


def _hash(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _content(cohort: str, path: str) -> bytes:
    """Return the verified bytes of one file of a cohort."""
    if cohort == SHIPPED:
        try:
            return _verified(_home(), path, _dictionary())
        except (OSError, ValueError) as error:
            raise OSError(
                f"The shipped file {_home() / path} cannot be used: {error}. Get it back with "
                "'git restore datasets', or install crmlab again. For tables of your own use pandas.read_csv."
            ) from error
    folder = _cohort_folder(cohort)
    if folder is not None:
        try:
            return _verified(folder, path)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass  # not there yet, or damaged: simulated below
    return _simulated(cohort, folder)[path]


def _verified(folder: Path, path: str, package: dict[str, Any] | None = None) -> bytes:
    """Return the bytes of a file if they are those that the folder's own dictionary promises."""
    package = package or json.loads((folder / _DICTIONARY).read_bytes())
    promised = {resource["path"]: resource["hash"] for resource in package["resources"]}
    content = (folder / path).read_bytes()
    if _hash(content) != promised[path]:
        raise ValueError("it was changed or cut short")
    return content


def _cohort_folder(cohort: str) -> Path | None:
    """Return where a cohort is kept, or None where the user has no place for a cache."""
    from crmlab import simulate

    place = os.environ.get("CRMLAB_CACHE")
    if place:
        cache = Path(place).expanduser().absolute()
    else:
        import platformdirs

        cache = platformdirs.user_cache_path("crmlab", appauthor=False)
        if not cache.is_absolute():  # an account without a home
            return None
    key = (cohort, simulate.VERSION, np.__version__, _edition())
    return cache / "cohorts" / hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]


@lru_cache(maxsize=2)
def _simulated(cohort: str, folder: Path | None) -> dict[str, bytes]:
    """Simulate a cohort and keep it in `folder`; a disk that refuses costs a warning, not the lesson."""
    from crmlab import simulate

    seed = simulate.cohort_seed(cohort)
    files = _files(simulate.world(seed), cohort, seed)
    try:
        if folder is None:
            raise OSError("this account has no cache folder")
        _publish(files, folder)
    except OSError as error:
        warnings.warn(
            f"The tables of cohort {cohort!r} cannot be kept on disk ({error}). They are complete and stay in "
            "memory, but every new session simulates them again: set CRMLAB_CACHE to a folder you can write to.",
            stacklevel=5,  # the line that called load() or truth()
        )
    return files


def _publish(files: dict[str, bytes], folder: Path) -> None:
    """Make `folder` hold `files`, whole or not at all, whatever other processes do at the same time."""
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("draft-*"):  # of a process that was killed
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 86_400:
                shutil.rmtree(left, ignore_errors=True)
    draft = (
        parent / f"draft-{uuid.uuid4().hex}"
    )  # not tempfile: its 0700 would lock others out of a shared cache
    try:
        for path, content in files.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / path).write_bytes(content)
        for wait in (0.05, 0.2, 0.5, None):  # a virus scanner may hold a new folder for a moment
            try:
                draft.rename(folder)  # fails where the folder exists and is not empty
                return
            except OSError:
                if _whole(folder, files):
                    return  # another process was first
                shutil.rmtree(folder, ignore_errors=True)  # damaged
                if folder.is_file() or folder.is_symlink():
                    folder.unlink(missing_ok=True)
                if wait is None:
                    raise
                time.sleep(wait)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _whole(folder: Path, files: dict[str, bytes]) -> bool:
    try:
        return all((folder / path).read_bytes() == content for path, content in files.items())
    except OSError:
        return False
