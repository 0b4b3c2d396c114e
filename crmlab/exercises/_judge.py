"""How an answer is judged: what kind of thing it is, its shape, its values, and which mistake would explain it.

Students' objects are turned into plain Python and NumPy values before anything is compared, so an object cannot claim
to be equal. Their functions run outside `opened`: what is closed to a notebook is closed to them.
"""

from __future__ import annotations

import copy
import io
import unicodedata
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import lru_cache
from numbers import Number
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.exercises._items import Item, opened
from crmlab.exercises._outcome import Outcome

_SCALES = {
    100: "is 100 times the expected value: a percentage where a share is asked for?",
    0.01: "is a hundredth of the expected value: a share where a percentage is asked for?",
    1000: "is 1,000 times the expected value: yuan where thousands are asked for?",
    0.001: "is a thousandth of the expected value: thousands where single units are asked for?",
    10_000: "is 10,000 times the expected value: yuan where 万 (10,000 yuan) are asked for?",
    0.0001: "is a ten-thousandth of the expected value: 万 (10,000 yuan) where yuan are asked for?",
    12: "is 12 times the expected value: months where years are asked for, or a year's total for a month's?",
    1 / 12: "is a twelfth of the expected value: years where months are asked for, or a monthly mean?",
}


class _Difference(NamedTuple):
    """Why an answer differs: `values_only` tells whether only its values do, its kind and shape being right."""

    sentence: str
    values_only: bool = False


class _Unlike(Exception):
    """An answer of another kind or shape than the reference; the message is for the student."""


def judge(item: Item, answer: object, cohort: str) -> Outcome:
    """Judge an answer on the data of a cohort.

    Only an error of the item itself (its reference, a rival) is raised; whatever the answer does is part of the outcome.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader gives no points to a cell that writes a warning
        with opened():
            expected, cases = _expected(item, cohort)
        try:
            verdict, answer = _verdict(item, answer, expected, cases)
        except _Unlike as unlike:
            return _outcome(item, False, _capital(unlike))
        except Exception as error:
            return _unreadable(item, error)
        if isinstance(verdict, Outcome):
            return verdict
        with opened():
            rivals = _rivals(item, cohort)
        try:
            return _explained(item, answer, expected, verdict, rivals)
        except Exception as error:
            return _unreadable(item, error)


def agrees(item: Item, expected: object, other: object) -> bool:
    """Return whether two plain answers (no functions) agree within the item's tolerance."""
    return _difference(item, expected, other) is None


# The references load the data of the cohort that is set; `cohort` is the caches' key only.
@lru_cache(maxsize=512)
def _expected(item: Item, cohort: str) -> tuple[object, list[tuple] | None]:
    """Compute the right answer, once per item and cohort; for a function, what it returns for each of the cases."""
    cases = None if item.cases is None else [tuple(case) for case in item.cases()]
    return known_answer(item.reference(), cases), cases


@lru_cache(maxsize=512)
def _rivals(item: Item, cohort: str) -> list[tuple[object, str]]:
    """Compute the usual wrong answers, when the first answer that is not correct asks for them."""
    _, cases = _expected(item, cohort)
    return [(known_answer(rival(), cases), rival.sentence) for rival in item.rivals]


def known_answer(answer: object, cases: list[tuple] | None) -> object:
    """Return an answer of the item's own: itself, or what its function returns for each case."""
    return answer if cases is None else tuple(answer(*copy.deepcopy(case)) for case in cases)


def _verdict(
    item: Item, answer: object, expected: object, cases: list[tuple] | None
) -> tuple[Outcome | _Difference, object]:
    """Return the outcome if it is clear, else the difference; with the answer, or what its function returned."""
    blank = "Replace the three dots by your answer."
    if cases is not None and not _blank(answer):
        if not callable(answer):
            raise _Unlike(f"the answer is {_kind(answer)} where a function is asked for.")
        answer = _called(answer, cases)
        blank = "The function returns nothing yet: an answer, or its return, is missing."
    if _blank(answer):
        return _outcome(item, None, blank), answer
    if isinstance(expected, tuple) and isinstance(answer, tuple | list) and len(answer) == len(expected):
        open_parts = [str(n) for n, part in enumerate(answer, 1) if _blank(part)]
        if open_parts:
            what = "input" if cases is not None else "part"
            return _outcome(item, None, f"There is no answer yet for {what} {', '.join(open_parts)}."), answer
    return _difference(item, expected, answer) or _outcome(item, True, ""), answer


def _explained(
    item: Item, answer: object, expected: object, difference: _Difference, rivals: list
) -> Outcome:
    """Say which mistake explains the difference: a rival's first, it is the most particular."""
    for rival, sentence in rivals:
        if _difference(item, rival, answer) is None:
            return _outcome(item, False, sentence)
    if not difference.values_only:
        return _outcome(item, False, difference.sentence)
    unit = f" Unit asked for: {item.unit}." if item.unit else ""
    for scale, sentence in _SCALES.items():
        if _scaled_agrees(item, expected, answer, scale):
            return _outcome(item, False, f"The answer {sentence}{unit}")
    if _scaled_agrees(item, expected, answer, -1):
        return _outcome(
            item, False, "The size is right, the sign is wrong: in which direction is it counted?"
        )
    if _difference(item, expected, answer, slack=10) is None:
        places = "" if item.decimals is None else f" ({item.decimals} decimals asked for)"
        return _outcome(item, False, f"Very close{places}: round the final answer only, nothing before it.")
    return _outcome(item, False, f"{difference.sentence} Hint: {item.hint}".strip())


def _unreadable(item: Item, error: Exception) -> Outcome:
    return _outcome(item, False, f"This answer cannot be read: {_sentence(error)}")


def _outcome(item: Item, correct: bool | None, message: str) -> Outcome:
    return Outcome(item.id, correct, message)


def _called(function: Callable, cases: list[tuple]) -> tuple:
    """Call the student's function with copies of the cases; its messages on stderr would cost the points."""
    results = []
    with redirect_stderr(io.StringIO()):
        for case in cases:
            try:
                results.append(function(*copy.deepcopy(case)))
            except NotImplementedError:  # a starter's stub
                results.append(None)
            except (Exception, SystemExit) as error:
                raise _Unlike(
                    f"the function stopped with {_sentence(error)} when it was called with other data than the "
                    "notebook's. It may use only its arguments."
                ) from error
    return tuple(results)


def _blank(answer: object) -> bool:
    """Return whether nothing has been answered: the starter's dots, None, or only such."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, tuple | list) and answer:
        return all(_blank(part) for part in answer)
    return isinstance(answer, str) and answer.strip() in ("", "...", "…", "YOUR ANSWER HERE")


def _scaled_agrees(item: Item, expected: object, answer: object, scale: float) -> bool:
    """Return whether the answer is `scale` times the reference, to a per cent; never for values near zero."""
    scaled = _scaled(expected, scale)
    if scaled is None or _difference(item, expected, scaled) is None:
        return False
    return _difference(item, scaled, answer, slack=0, relative=0.01) is None


def _scaled(value: object, scale: float) -> object:
    if isinstance(value, tuple):
        parts = [_scaled(part, scale) for part in value]
        return None if any(part is None for part in parts) else tuple(parts)
    if isinstance(value, pd.DataFrame):
        numeric = all(_is_numeric(value[c]) for c in value.columns)
    elif isinstance(value, pd.Series | np.ndarray):
        numeric = _is_numeric(value)
    else:
        numeric = isinstance(value, Number) and not isinstance(value, bool | np.bool_)
    return value * scale if numeric else None


def _difference(
    item: Item, expected: object, answer: object, *, slack: float = 1, relative: float | None = None
) -> _Difference | None:
    """Return why `answer` is not `expected`, or None. `slack` multiplies the item's tolerance."""
    try:
        if isinstance(expected, tuple):
            return _tuple_difference(item, expected, answer, slack, relative)
        if isinstance(expected, pd.DataFrame):
            pairs = _paired_columns(item, expected, answer)
        elif isinstance(expected, pd.Series):
            pairs = [(None, expected, _paired_rows(item, expected, _series(answer)))]
        elif isinstance(expected, np.ndarray) and expected.ndim:
            given = _array(expected, answer)
            pairs = [(None, pd.Series(expected.ravel()), pd.Series(given.ravel()))]
        elif isinstance(expected, bool | np.bool_):
            return None if _truth(answer) == bool(expected) else _Difference("", True)
        elif isinstance(expected, str):
            return None if _word(item, answer) == _normal(expected) else _Difference("", True)
        else:
            value = np.array([_number(answer)])
            _require_finite(value)
            close = _close(item, np.array([float(expected)]), value, slack, relative)
            return None if close.all() else _Difference("", True)
        return _values_difference(item, pairs, slack, relative)
    except _Unlike as unlike:
        return _Difference(_capital(unlike))


def _tuple_difference(item, expected, answer, slack, relative) -> _Difference | None:
    if not isinstance(answer, tuple | list):
        raise _Unlike(
            f"the answer is {_kind(answer)} where {len(expected)} values are asked for, separated by commas."
        )
    if len(answer) != len(expected):
        raise _Unlike(f"the answer is {_kind(answer)} where {len(expected)} values are asked for.")
    of = "input" if item.cases is not None else "value"
    wrong = [
        (n, difference)
        for n, parts in enumerate(zip(expected, answer, strict=True), 1)
        if (difference := _difference(item, *parts, slack=slack, relative=relative))
    ]
    if not wrong:
        return None
    n, first = next((pair for pair in wrong if not pair[1].values_only), wrong[0])
    where = f"{of.capitalize()} {n} of {len(expected)} is not right." if len(expected) > 1 else ""
    if len(wrong) == len(expected) > 1 and first.values_only:
        where = (
            f"None of the {len(expected)} {of}s gives the right result."
            if item.cases
            else "No value is right."
        )
    return _Difference(f"{where} {first.sentence}".strip(), all(d.values_only for _, d in wrong))


def _values_difference(item, pairs, slack, relative) -> _Difference | None:
    """Compare columns whose labels are paired; report how many values are off and where the first one is."""
    off: list[str] = []
    total = 0
    for column, expected, given in pairs:
        if _is_numeric(expected):
            values = _floats(given, column)
            _require_finite(values, column)
            right = _close(item, expected.to_numpy(dtype=float), values, slack, relative)
        else:
            right = np.array([_normal(e) == _normal(g) for e, g in zip(expected, given, strict=True)])
        total += len(right)
        places = (expected.index[n] for n in np.flatnonzero(~right))
        off += [_show(place) if column is None else f"{_show(place)}, {_show(column)}" for place in places]
    if not off:
        return None
    if len(off) == total:
        return _Difference(f"All {total} values are off." if total > 1 else "", True)
    return _Difference(
        f"{len(off)} of {total} values {'is' if len(off) == 1 else 'are'} off, first at {off[0]}.", True
    )


def _close(
    item: Item, expected: np.ndarray, given: np.ndarray, slack: float, relative: float | None
) -> np.ndarray:
    allowed = item.tolerance * slack + np.abs(expected) * (
        item.relative * slack if relative is None else relative
    )
    # floating-point noise in the last digits is no mistake
    return np.abs(given - expected) <= allowed + 1e-9 * np.maximum(np.abs(expected), 1e-3)


# --- turning answers into plain values ----------------------------------------------------------------------------


def _number(answer: object) -> float:
    if isinstance(answer, bool | np.bool_):
        raise _Unlike("the answer is True or False where a number is asked for.")
    if isinstance(answer, str):
        raise _Unlike(
            f"the answer is the text {_show(answer)} where a number is asked for: leave out quotes and units."
        )
    if isinstance(answer, pd.Series | pd.DataFrame | pd.Index | tuple | list | set | dict) or np.ndim(answer):
        if (np.size(answer) if hasattr(answer, "shape") else len(answer)) == 1:
            raise _Unlike(
                f"the answer is {_kind(answer)} where a number is asked for: take the number out of it."
            )
        raise _Unlike(f"the answer is {_kind(answer)} where one number is asked for.")
    if answer is pd.NA or answer is pd.NaT:
        return np.nan
    if isinstance(answer, complex | np.complexfloating) or not isinstance(answer, Number | np.ndarray):
        raise _Unlike(f"the answer is {_kind(answer)} where a number is asked for.")
    return float(answer)


def _truth(answer: object) -> bool:
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if not isinstance(answer, bool | np.bool_):
        raise _Unlike(f"the answer is {_kind(answer)} where True or False is asked for.")
    return bool(answer)


def _word(item: Item, answer: object) -> str:
    if not isinstance(answer, str):
        raise _Unlike(f"the answer is {_kind(answer)} where a text is asked for.")
    word = _normal(answer)
    if item.choices and word not in map(_normal, item.choices):
        raise _Unlike(f"{_show(answer)} is not one of the choices: {', '.join(item.choices)}.")
    return word


def _normal(value: object) -> object:
    """Return a plain number or text, texts without differences of case, width, hyphens and spaces."""
    if isinstance(value, Number) and not isinstance(value, complex | np.complexfloating):
        return float(value)
    plain = unicodedata.normalize("NFKC", str.__str__(str(value))).casefold()
    return " ".join(plain.replace("-", " ").replace("_", " ").split())


def _series(answer: object) -> pd.Series:
    if isinstance(answer, pd.DataFrame) and answer.shape[1] == 1:
        raise _Unlike(
            "the answer is a DataFrame with one column where a Series is asked for: select the column."
        )
    if not isinstance(answer, pd.Series):
        raise _Unlike(
            f"the answer is {_kind(answer)} where a Series is asked for: keep the labels with the values."
        )
    return pd.Series(list(answer.array), index=_plain_index(answer.index))


def _array(expected: np.ndarray, answer: object) -> np.ndarray:
    if not isinstance(answer, np.ndarray | pd.Series | pd.DataFrame | pd.Index | list | tuple):
        raise _Unlike(f"the answer is {_kind(answer)} where an array is asked for.")
    given = np.array(answer, dtype=object)
    if given.shape != expected.shape:
        raise _Unlike(f"the answer has the shape {given.shape} where {expected.shape} is asked for.")
    return given


def _paired_columns(
    item: Item, expected: pd.DataFrame, answer: object
) -> list[tuple[object, pd.Series, pd.Series]]:
    if isinstance(answer, pd.Series):
        raise _Unlike("the answer is a Series where a DataFrame is asked for: keep the table.")
    if not isinstance(answer, pd.DataFrame):
        raise _Unlike(f"the answer is {_kind(answer)} where a DataFrame is asked for.")
    columns, wanted = list(_plain_index(answer.columns)), list(expected.columns)
    if (
        set(columns) != set(wanted)
        and set(answer.index) == set(wanted)
        and set(columns) == set(expected.index)
    ):
        raise _Unlike("rows and columns are swapped: transpose the table.")
    twice = [c for c in columns if columns.count(c) > 1]
    if twice:
        raise _Unlike(f"there is more than one column {_show(twice[0])}.")
    if missing := [c for c in wanted if c not in columns]:
        raise _Unlike(f"missing column(s): {_listed(missing)}. The table has: {_listed(columns)}.")
    if extra := [c for c in columns if c not in wanted]:
        raise _Unlike(f"column(s) that are not asked for: {_listed(extra)}.")
    index = _plain_index(answer.index)
    given = {c: pd.Series(list(answer.iloc[:, n].array), index=index) for n, c in enumerate(columns)}
    return [(c, expected[c], _paired_rows(item, expected[c], given[c])) for c in wanted]


def _paired_rows(item: Item, expected: pd.Series, given: pd.Series) -> pd.Series:
    """Return the given rows in the order of the expected ones; say which rows or labels are wrong."""
    index, wanted = given.index, _plain_index(expected.index)
    if given.empty:
        raise _Unlike("the answer has no rows: check the filter that made it.")
    if isinstance(expected.index, pd.RangeIndex) or index.equals(
        wanted
    ):  # the order alone identifies the rows
        if len(given) != len(expected):
            raise _Unlike(f"the answer has {len(given)} rows where {len(expected)} are expected.")
        return given
    if index.has_duplicates and not wanted.has_duplicates:
        raise _Unlike(f"the label {_show(index[index.duplicated()][0])} stands in the index more than once.")
    missing, extra = [x for x in wanted if x not in index], [x for x in index if x not in wanted]
    if len(missing) == len(wanted):
        name = f" ({', '.join(map(str, expected.index.names))})" if None not in expected.index.names else ""
        raise _Unlike(
            f"wrong index: the rows are labelled {_listed(list(index))}, but should be labelled{name} "
            f"{_listed(list(wanted))}."
        )
    if missing:
        raise _Unlike(f"{len(missing)} row(s) are missing: {_listed(missing)}.")
    if extra:
        raise _Unlike(f"{len(extra)} row(s) do not belong in the answer: {_listed(extra)}.")
    if len(given) != len(expected):
        raise _Unlike(f"the answer has {len(given)} rows where {len(expected)} are expected.")
    if item.ordered:
        raise _Unlike("the rows are the right ones, but not sorted as asked for.")
    return given.loc[list(wanted)]


def _plain_index(index: pd.Index) -> pd.Index:
    return (
        pd.MultiIndex.from_tuples(list(index)) if isinstance(index, pd.MultiIndex) else pd.Index(list(index))
    )


def _is_numeric(values: pd.Series | np.ndarray) -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def _floats(values: pd.Series, column: object) -> np.ndarray:
    where = "" if column is None else f" in column {_show(column)}"
    kinds = {type(v).__name__ for v in values if isinstance(v, str | bool | np.bool_) or np.ndim(v)}
    if kinds:
        raise _Unlike(
            f"there are values of type {', '.join(sorted(kinds))}{where} where numbers are asked for."
        )
    try:
        return np.array([np.nan if v is None or v is pd.NA or v is pd.NaT else float(v) for v in values])
    except (TypeError, ValueError) as error:
        raise _Unlike(f"not all values{where} are numbers.") from error


def _require_finite(values: np.ndarray, column: object = None) -> None:
    where = "" if column is None else f" in column {_show(column)}"
    for found, word in ((np.isnan(values), "missing (NaN)"), (np.isinf(values), "infinite")):
        if found.any():
            one = (
                "the answer is"
                if len(values) == 1
                else f"{int(found.sum())} of {len(values)} values{where} are"
            )
            raise _Unlike(f"{one} {word}: look for gaps in the data, or a division by zero.")


# --- words --------------------------------------------------------------------------------------------------------


def _kind(answer: object) -> str:
    """Say in words what an object is, without trusting its repr."""
    if isinstance(answer, pd.DataFrame):
        return f"a DataFrame of {answer.shape[0]} rows and {answer.shape[1]} columns"
    if isinstance(answer, Item | Outcome):
        return f"crmlab's own {type(answer).__name__}"
    for types, word in (
        (pd.Series, "a Series"),
        (np.ndarray, "an array"),
        (list, "a list"),
        (tuple, "a tuple"),
        (dict, "a dictionary"),
        (set, "a set"),
    ):
        if isinstance(answer, types):
            size = np.size(answer) if types is np.ndarray else len(answer)
            return f"{word} of {size} value{'s' * (size != 1)}"
    if isinstance(answer, bool | np.bool_):
        return "True or False"
    if isinstance(answer, str):
        return f"the text {_show(answer)}"
    if isinstance(answer, complex | np.complexfloating):
        return "a complex number"
    if isinstance(answer, Number):
        return "a number"
    if isinstance(answer, pd.Timedelta | np.timedelta64):
        return "a time span"
    if callable(answer) and not isinstance(answer, type):
        return "a function (without brackets after its name?)"
    return f"of type {type(answer).__name__}"


def _listed(labels: list) -> str:
    return ", ".join(map(_show, labels[:4])) + (f" … ({len(labels)} in all)" if len(labels) > 4 else "")


def _show(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _capital(unlike: _Unlike) -> str:
    return f"{str(unlike)[:1].upper()}{str(unlike)[1:]}"


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
