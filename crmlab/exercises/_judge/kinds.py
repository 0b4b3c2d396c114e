"""Plain values from students' objects: numbers, texts, truth values, columns; what counts as no answer."""

from __future__ import annotations

import unicodedata
from numbers import Number

import numpy as np
import pandas as pd

from crmlab.exercises._items import Item
from crmlab.exercises._judge.words import kind_of, listed, show

# lines that nbgrader and our starters leave where an answer belongs, as `_plain_text` writes them
_STUBS = {"", "...", "your answer here", "your code here", "raise notimplementederror()"}
_LONGEST = 1000  # letters of a text that are read: no answer is longer


class Unlike(Exception):
    """An answer of another kind or shape than the reference; the message is for the student."""


def blank(answer: object) -> bool:
    """Return whether nothing has been answered: None, the starter's dots, a stub's text, or only such.

    What was computed is an answer even when nothing came of it: an empty table, a column of missing values.
    """
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if any(answer is stub for stub in (None, Ellipsis, NotImplemented, NotImplementedError)):
        return True
    if isinstance(answer, NotImplementedError):
        return True
    if isinstance(answer, str):
        return all(line.strip("# \t") in _STUBS for line in _plain_text(answer).splitlines())
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, tuple | list):
        return len(answer) > 0 and all(blank(part) for part in answer)
    if isinstance(answer, pd.Series | np.ndarray):
        values = np.asarray(answer).ravel()
        return values.dtype == object and values.size > 0 and all(v is not None and blank(v) for v in values)
    return False


def number(answer: object) -> float:
    """Return a number; missing values as NaN."""
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if isinstance(answer, str):
        raise Unlike(
            f"the answer is {kind_of(answer)} where a number is asked for: leave out quotes and units."
        )
    if isinstance(answer, pd.Series | pd.DataFrame | pd.Index | tuple | list | set | dict | np.ndarray):
        if (answer.size if hasattr(answer, "shape") else len(answer)) == 1:
            raise Unlike(
                f"the answer is {kind_of(answer)} where a number is asked for: take the number out of it."
            )
        raise Unlike(f"the answer is {kind_of(answer)} where one number is asked for.")
    if answer is pd.NA or answer is pd.NaT:
        return np.nan
    if not _counts_as_number(answer):
        raise Unlike(f"the answer is {kind_of(answer)} where a number is asked for.")
    return float(answer)


def truth(answer: object) -> bool:
    """Return a truth value; numbers are none."""
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if not isinstance(answer, bool | np.bool_):
        raise Unlike(f"the answer is {kind_of(answer)} where True or False is asked for.")
    return bool(answer)


def word(item: Item, answer: object) -> str:
    """Return a text as `normal` writes it; one of the item's choices, if it has any."""
    if not isinstance(answer, str):
        raise Unlike(f"the answer is {kind_of(answer)} where a text is asked for.")
    text = normal(answer)
    if item.choices and text not in map(normal, item.choices):
        raise Unlike(f"{show(answer)} is not one of the choices: {', '.join(item.choices)}.")
    return text


def normal(value: object) -> object:
    """Return a plain number or text, texts without differences of case, width, hyphens and spaces."""
    if _counts_as_number(value):
        return float(value)
    return " ".join(_plain_text(value).replace("-", " ").replace("_", " ").split())


def _plain_text(value: object) -> str:
    text = str.__str__(value) if isinstance(value, str) else str(value)
    return unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()


def _counts_as_number(value: object) -> bool:
    # NumPy's time spans are integers to Python
    others = bool | np.bool_ | complex | np.complexfloating | np.timedelta64
    return isinstance(value, Number) and not isinstance(value, others)


def is_numeric(values: pd.Series | np.ndarray) -> bool:
    """Return whether a column of the reference holds numbers; truth values are none."""
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def floats(values: pd.Series, where: str) -> np.ndarray:
    """Return the values of a column as floats, missing ones as NaN."""
    plain = [np.nan if v is None or v is pd.NA or v is pd.NaT else v for v in values]
    if wrong := sorted({type(v).__name__ for v in plain if not _counts_as_number(v)}):
        raise Unlike(f"there are values of type {listed_types(wrong)}{where} where numbers are asked for.")
    return np.array([float(v) for v in plain])


def listed_types(names: list[str]) -> str:
    """List the names of types, without the quotes of labels."""
    return listed(names).replace("'", "")


def require_finite(values: np.ndarray, where: str = "") -> np.ndarray:
    """Return the values if all are finite."""
    for found, what in ((np.isnan(values), "missing (NaN)"), (np.isinf(values), "infinite")):
        if found.any():
            number_of = int(found.sum())
            which = f"{number_of} of {len(values)} values{where} {'is' if number_of == 1 else 'are'}"
            if len(values) == 1:
                which = "the answer is"
            raise Unlike(f"{which} {what}: look for gaps in the data, or a division by zero.")
    return values
