"""Checks on arguments, shared by every public function: the error names the column and says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd


def closest(name: object, known: Iterable) -> str:
    """Return ``Did you mean 'x'? `` for the known name nearest to `name`, or an empty string."""
    lowered = {str(k).strip().lower(): k for k in known}
    near = difflib.get_close_matches(str(name).strip().lower(), list(lowered), n=1, cutoff=0.5)
    return f"Did you mean {lowered[near[0]]!r}? " if near else ""


def choice(value: object, known: Iterable[str], argument: str) -> str:
    """Return `value` if it is one of `known`; otherwise raise ValueError with the nearest and the list."""
    known = list(known)
    if isinstance(value, str) and value in known:
        return value
    raise ValueError(
        f"{argument}={value!r} is not known. {closest(value, known)}Choose from: {', '.join(known)}."
    )


def frame(data: object, columns: Iterable[str] = (), argument: str = "data") -> pd.DataFrame:
    """Return `data` if it is a non-empty DataFrame that has `columns`, each once."""
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"{argument} must be a pandas DataFrame, found {type(data).__name__}.")
    columns = list(columns)
    if lists := [c for c in columns if not isinstance(c, Hashable)]:
        raise TypeError(f"a column of {argument} must be one name, found {lists[0]!r}.")
    missing = [c for c in columns if c not in data.columns]
    if missing:
        near = closest(missing[0], data.columns)
        has = ", ".join(map(str, data.columns)) or "none"
        raise ValueError(f"{argument} has no column {missing[0]!r}. {near}It has: {has}.")
    if columns and data.columns.nlevels > 1:
        raise ValueError(f"{argument} has column names of {data.columns.nlevels} levels: give each one name.")
    doubled = [] if data.columns.is_unique else [c for c in columns if list(data.columns).count(c) > 1]
    if doubled:
        raise ValueError(f"{argument} has more than one column {doubled[0]!r}: rename or drop one.")
    if data.empty:
        raise ValueError(f"{argument} has no rows: nothing can be computed. Check the filter that made it.")
    return data


def unique(data: pd.DataFrame, key: str | list[str], argument: str = "data") -> None:
    """Raise ValueError when rows of `data` share the same `key`."""
    keys = [key] if isinstance(key, str) else list(key)
    twice = data.duplicated(keys)
    if twice.any():
        first = data.loc[twice, keys].to_numpy(dtype=object)[0].tolist()
        raise ValueError(
            f"{argument} has {int(twice.sum())} duplicated row(s) by {', '.join(keys)}, "
            f"the first is {first}. Keep one row each (drop_duplicates) or aggregate first."
        )


def numeric(
    values: pd.Series | np.ndarray | list,
    name: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    allow_missing: bool = False,
    allow_truth_values: bool = True,
) -> np.ndarray:
    """Return `values` as floats; raise on text, infinity, missing values or values out of range."""
    if np.ndim(values) > 1 or isinstance(values, set | frozenset):
        raise TypeError(f"{name} must be one column of numbers, found {type(values).__name__}.")
    series = pd.Series(values)
    if pd.api.types.is_bool_dtype(series.dtype):
        if not allow_truth_values:
            raise TypeError(f"{name} must be numbers, found True and False. Count them first.")
        series = series.astype("Float64" if series.isna().any() else float)
    if not pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_complex_dtype(series.dtype):
        raise TypeError(f"{name} must be numeric, found dtype {series.dtype}. Convert it with pd.to_numeric.")
    out = series.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(out).any():
        raise ValueError(f"{name} has {int(np.isinf(out).sum())} infinite value(s). Remove or correct them.")
    if not allow_missing and np.isnan(out).any():
        raise ValueError(f"{name} has {int(np.isnan(out).sum())} missing value(s). Drop or fill them first.")
    with np.errstate(invalid="ignore"):
        if minimum is not None and (out < minimum).any():
            raise ValueError(f"{name} must be at least {minimum:.12g}, found {np.nanmin(out):.12g}.")
        if maximum is not None and (out > maximum).any():
            raise ValueError(f"{name} must be at most {maximum:.12g}, found {np.nanmax(out):.12g}.")
    return out


def number(value: object, name: str, *, minimum: float | None = None, maximum: float | None = None) -> float:
    """Return `value` as a finite float within its range."""
    try:
        found = float(value) if isinstance(value, Real) and not isinstance(value, bool) else np.nan
    except OverflowError:  # a whole number of over 300 digits
        found = np.nan
    if not np.isfinite(found):
        raise TypeError(f"{name} must be a finite number, found {value!r:.40}.")
    if minimum is not None and found < minimum:
        raise ValueError(f"{name} must be at least {minimum:.12g}, found {found:.12g}.")
    if maximum is not None and found > maximum:
        raise ValueError(f"{name} must be at most {maximum:.12g}, found {found:.12g}.")
    return found


def whole(
    value: object, name: str, *, minimum: int = 1, maximum: int | None = None, because: str = ""
) -> int:
    """Return `value` as an int within its range; `because` says why it ends there."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, found {value!r}.")
    value = int(value)
    if value < minimum or (maximum is not None and value > maximum):
        limit = f"between {minimum:,} and {maximum:,}" if maximum is not None else f"at least {minimum:,}"
        why = f" {because}" if maximum is not None and value > maximum and because else ""
        raise ValueError(f"{name} must be {limit}, found {value:,}.{why}")
    return value


def truth(value: object, name: str) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, found {value!r}.")
    return bool(value)


def label(value: object, known: Iterable, argument: str) -> object:
    """Return `value` if it is one of the labels `known`, of whatever type; otherwise name the nearest one."""
    known = list(known)
    if value in known:
        return value
    listed = ", ".join(map(str, known))
    raise ValueError(f"{argument} names {value!r}. {closest(value, known)}Choose from: {listed}.")


def level(value: object) -> float:
    """Return the level of an interval, such as .95."""
    return number(value, "level", minimum=0.5, maximum=0.9999)


def by_label(values: object, labels: Iterable, name: str) -> pd.Series:
    """Return `values`, a Series or mapping, in the order of `labels`, each of which it must name once."""
    if not isinstance(values, Mapping | pd.Series):
        raise TypeError(f"{name} must give a number for each label, found {type(values).__name__}.")
    series = values if isinstance(values, pd.Series) else pd.Series(dict(values), dtype=object)
    wanted = list(labels)
    known = set(wanted)
    if series.index.has_duplicates:
        raise ValueError(
            f"{name} has the label {series.index[series.index.duplicated()][0]!r} more than once."
        )
    if unknown := [label for label in series.index if label not in known]:
        raise ValueError(
            f"{name} names {unknown[0]!r}, which is not known. {closest(unknown[0], wanted)}".strip()
        )
    if missing := [label for label in wanted if label not in series.index]:
        raise ValueError(f"{name} has nothing for {missing[0]!r}.")
    return series.loc[wanted]


def aligned(*, allow_truth_values: bool = True, **columns: object) -> pd.DataFrame:
    """Return columns as one numeric frame; Series must share one index of unique labels."""
    out: dict[str, np.ndarray] = {}
    index = None
    for name, values in columns.items():
        if not isinstance(values, pd.Series | np.ndarray | list | tuple):
            raise TypeError(f"{name} must be a Series of numbers, found {type(values).__name__}.")
        if len(values) == 0:
            raise ValueError(f"{name} is empty: nothing can be computed.")
        if isinstance(values, pd.Series):
            if index is not None and not index.equals(values.index):
                raise ValueError(
                    f"{name} has other row labels than {next(iter(out))}: take both from one table."
                )
            index = values.index
        if not len(values):
            raise ValueError(f"{name} is empty: nothing can be computed.")
        out[name] = numeric(values, name, allow_truth_values=allow_truth_values)
    lengths = {name: len(values) for name, values in out.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}.")
    if index is not None and index.has_duplicates:
        raise ValueError(f"the label {index[index.duplicated()][0]!r} occurs more than once: one row each.")
    return pd.DataFrame(out, index=index)


def dates(values: pd.Series, name: str) -> pd.Series:
    """Return `values` if they are datetimes without gaps and without a time zone."""
    if not isinstance(values, pd.Series):
        raise TypeError(f"{name} must be a Series of dates, found {type(values).__name__}.")
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise TypeError(
            f"{name} must hold dates, found dtype {values.dtype}. Convert it with pd.to_datetime."
        )
    if getattr(values.dt, "tz", None) is not None:
        raise TypeError(f"{name} has the time zone {values.dt.tz}. Take it off with .dt.tz_localize(None).")
    if values.isna().any():
        raise ValueError(f"{name} has {int(values.isna().sum())} missing date(s). Drop or fill them first.")
    return values
