"""How objects, labels and errors are named in a message, without trusting what they say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number

import numpy as np
import pandas as pd

from crmlab.exercises._items import Item
from crmlab.exercises._outcome import Outcome

_COLLECTIONS = (
    (pd.Series, "a Series"),
    (np.ndarray, "an array"),
    (list, "a list"),
    (tuple, "a tuple"),
    (dict, "a dictionary"),
    (set, "a set"),
)


def kind_of(answer: object) -> str:
    """Say in words what an object is."""
    if isinstance(answer, pd.DataFrame):
        return f"a DataFrame of {answer.shape[0]} rows and {answer.shape[1]} columns"
    for types, word in _COLLECTIONS:
        if isinstance(answer, types):
            size = answer.size if types is np.ndarray else len(answer)
            return f"{word} of {size} value{'s' * (size != 1)}"
    if isinstance(answer, str):
        return f"the text {show(answer)}"
    return _kind_of_one(answer)


def _kind_of_one(answer: object) -> str:
    if isinstance(answer, Item | Outcome):
        return f"crmlab's own {type(answer).__name__}"
    if isinstance(answer, bool | np.bool_):
        return "True or False"
    if isinstance(answer, complex | np.complexfloating):
        return "a complex number"
    if isinstance(answer, pd.Timedelta | np.timedelta64):
        return "a time span"
    if isinstance(answer, Number):
        return "a number"
    if callable(answer) and not isinstance(answer, type):
        return "a function (without brackets after its name?)"
    return f"of type {type(answer).__name__}"


def listed(labels: Sequence) -> str:
    """List up to four labels, with their number if there are more."""
    return ", ".join(map(show, labels[:4])) + (f" … ({len(labels)} in all)" if len(labels) > 4 else "")


def show(value: object) -> str:
    """Write a label or a text, cut after forty letters; a text in quotes."""
    text = repr(str.__str__(value)[:50]) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def capital(sentence: object) -> str:
    """Begin a sentence with a capital letter."""
    text = str(sentence)
    return text[:1].upper() + text[1:]


def error_in_words(error: BaseException) -> str:
    """Return the kind of an error and its message, without a full stop; some have none that can be read."""
    try:
        text = str(error)[:200].strip().rstrip(".")
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
