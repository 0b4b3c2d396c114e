"""An answer laid beside the reference: the same columns, and the rows in the same order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.exercises._items import Item
from crmlab.exercises._judge.kinds import (
    Unlike,
    floats,
    is_numeric,
    normal,
    number,
    require_finite,
    truth,
    word,
)
from crmlab.exercises._judge.words import capital, kind_of, listed, show


class Pair(NamedTuple):
    """Values of the reference and of the answer in the same order, with where each stands.

    `numeric` values are finite floats; others are plain texts or truth values. `part` is the number of the
    value in a tuple, or of the input of a function; 0 when there is only one.
    """

    expected: np.ndarray
    given: np.ndarray
    places: list[str]
    numeric: bool
    part: int = 0


def paired(item: Item, expected: object, answer: object) -> list[Pair]:
    """Lay an answer beside the reference; raise `Unlike` when it is of another kind or shape."""
    if isinstance(expected, tuple):
        return _parts(item, expected, answer)
    if isinstance(expected, pd.DataFrame):
        return _columns(item, expected, answer)
    if isinstance(expected, pd.Series):
        return [_column(expected, _rows(item, expected, _series(expected, answer)))]
    if isinstance(expected, np.ndarray) and expected.ndim:
        given = _array(expected, answer)
        return [_column(pd.Series(expected.ravel()), pd.Series(given.ravel()))]
    if isinstance(expected, bool | np.bool_):
        return [_single(bool(expected), truth(answer), numeric=False)]
    if isinstance(expected, str):
        return [_single(normal(expected), word(item, answer), numeric=False)]
    return [_single(float(expected), require_finite(np.array([number(answer)]))[0], numeric=True)]


def _single(expected: object, given: object, *, numeric: bool) -> Pair:
    kind = float if numeric else object
    return Pair(np.array([expected], dtype=kind), np.array([given], dtype=kind), [""], numeric)


def _parts(item: Item, expected: tuple, answer: object) -> list[Pair]:
    # a slope beside a slope is often taken from `params`: the order says which is which, labels do not
    if isinstance(answer, pd.Series | np.ndarray) and answer.shape == (len(expected),):
        answer = list(answer)
    if not isinstance(answer, tuple | list):
        asked = f"{len(expected)} values are asked for, separated by commas"
        raise Unlike(f"the answer is {kind_of(answer)} where {asked}.")
    if len(answer) != len(expected):
        raise Unlike(f"the answer is {kind_of(answer)} where {len(expected)} values are asked for.")
    of = "Value" if item.cases is None else "Input"
    found = []
    for n, (right, given) in enumerate(zip(expected, answer, strict=True), 1):
        try:
            pairs = paired(item, right, given)
        except Unlike as unlike:
            where = f"{of} {n} of {len(expected)} is not right. " if len(expected) > 1 else ""
            raise Unlike(f"{where}{capital(unlike)}") from unlike
        found += [pair._replace(part=n) for pair in pairs]
    return found


def _columns(item: Item, expected: pd.DataFrame, answer: object) -> list[Pair]:
    if isinstance(answer, pd.Series):
        raise Unlike("the answer is a Series where a DataFrame is asked for: keep the table.")
    if not isinstance(answer, pd.DataFrame):
        raise Unlike(f"the answer is {kind_of(answer)} where a DataFrame is asked for.")
    _require_size(expected.columns, answer.columns, "columns")
    _require_size(expected.index, answer.index, "rows")
    columns = list(_plain_index(answer.columns))
    _require_columns(expected, answer, columns)
    index = _plain_index(answer.index)
    found = []
    for column in expected.columns:
        given = pd.Series(list(answer.iloc[:, columns.index(column)].array), index=index)
        found.append(_column(expected[column], _rows(item, expected[column], given), show(column)))
    return found


def _require_columns(expected: pd.DataFrame, answer: pd.DataFrame, columns: list) -> None:
    wanted = list(expected.columns)
    if set(columns) != set(wanted) == set(answer.index) and set(columns) == set(expected.index):
        raise Unlike("rows and columns are swapped: transpose the table.")
    if twice := [c for c in columns if columns.count(c) > 1]:
        raise Unlike(f"there is more than one column {show(twice[0])}.")
    if missing := [c for c in wanted if c not in columns]:
        raise Unlike(f"missing column(s): {listed(missing)}. The table has: {listed(columns)}.")
    if extra := [c for c in columns if c not in wanted]:
        raise Unlike(f"column(s) that are not asked for: {listed(extra)}.")


def _column(expected: pd.Series, given: pd.Series, column: str = "") -> Pair:
    where = f" in column {column}" if column else ""
    places = [f"{show(label)}, {column}" if column else show(label) for label in expected.index]
    if is_numeric(expected):
        values = require_finite(floats(given, where), where)
        return Pair(expected.to_numpy(dtype=float), values, places, True)
    plain = [np.array([normal(v) for v in side], dtype=object) for side in (expected, given)]
    return Pair(*plain, places, False)


def _series(expected: pd.Series, answer: object) -> pd.Series:
    if isinstance(answer, pd.DataFrame) and answer.shape[1] == 1:
        raise Unlike(
            "the answer is a DataFrame with one column where a Series is asked for: select the column."
        )
    if not isinstance(answer, pd.Series):
        raise Unlike(
            f"the answer is {kind_of(answer)} where a Series is asked for: keep the labels with the values."
        )
    _require_size(expected.index, answer.index, "rows")
    return pd.Series(list(answer.array), index=_plain_index(answer.index))


def _array(expected: np.ndarray, answer: object) -> np.ndarray:
    if not isinstance(answer, np.ndarray | pd.Series | pd.DataFrame | pd.Index | list | tuple):
        raise Unlike(f"the answer is {kind_of(answer)} where an array is asked for.")
    _require_size(expected, answer, "rows")
    given = np.array(answer, dtype=object)
    if given.shape != expected.shape:
        raise Unlike(f"the answer has the shape {given.shape} where {expected.shape} is asked for.")
    return given


def _require_size(expected: object, given: object, what: str) -> None:
    """Refuse what is far too long before it is copied."""
    if len(given) > 1000 + 10 * len(expected):
        raise Unlike(f"the answer has {len(given):,} {what} where {len(expected):,} are expected.")


def _rows(item: Item, expected: pd.Series, given: pd.Series) -> pd.Series:
    """Return the given rows in the order of the expected ones; say which rows or labels are wrong."""
    index = given.index
    wanted = _plain_index(expected.index)
    if given.empty:
        raise Unlike("the answer has no rows: check the filter that made it.")
    # where rows have no labels of their own their order identifies them
    if not isinstance(expected.index, pd.RangeIndex) and not index.equals(wanted):
        _require_labels(expected.index, index)
    if len(given) != len(expected):
        raise Unlike(f"the answer has {len(given)} rows where {len(expected)} are expected.")
    if isinstance(expected.index, pd.RangeIndex) or index.equals(wanted):
        return given
    if item.ordered or wanted.has_duplicates:
        raise Unlike(
            "the labels are the right ones, in another order than expected: not sorted as asked for, or "
            "sorted by other values."
        )
    return given.loc[list(wanted)]


def _require_labels(expected: pd.Index, index: pd.Index) -> None:
    wanted = _plain_index(expected)
    if index.has_duplicates and not wanted.has_duplicates:
        raise Unlike(f"the label {show(index[index.duplicated()][0])} stands in the index more than once.")
    missing = [label for label in wanted if label not in index]
    if len(missing) == len(wanted):
        name = f" ({', '.join(map(str, expected.names))})" if None not in expected.names else ""
        raise Unlike(
            f"wrong index: the rows are labelled {listed(list(index))}, but should be labelled{name} "
            f"{listed(list(wanted))}."
        )
    if missing:
        raise Unlike(f"{len(missing)} row(s) are missing: {listed(missing)}.")
    if extra := [label for label in index if label not in wanted]:
        raise Unlike(f"{len(extra)} row(s) do not belong in the answer: {listed(extra)}.")


def _plain_index(index: pd.Index) -> pd.Index:
    return pd.Index(list(index))
