"""Which cohort: its name, who chooses it, and whether a grader is at work."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata

SHIPPED = "shipped"
_NO_CHOICE = {"none", "null", "nan", "default"}  # what a program writes where nobody chose
_chosen: str | None = None  # what use_cohort() set in this process


def use_cohort(name: str | None) -> None:
    """Choose the cohort that ``load`` and ``truth`` open in this process.

    Parameters
    ----------
    name : str or None
        Any text of up to 100 characters; capitals, full-width letters and extra spaces make no difference.
        ``"shipped"`` chooses the shipped cohort whatever the environment says; None takes the choice back.

    Raises
    ------
    TypeError
        If `name` is no text.
    ValueError
        If `name` is empty, too long, or can be mistaken for ``"shipped"``.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.use_cohort("Spring 2027")
    >>> datasets.current_cohort()
    'spring 2027'
    >>> datasets.use_cohort(None)
    """
    global _chosen
    _chosen = None if name is None else cohort_name(name, "The cohort's name")


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
    return cohort_name(environment, "CRMLAB_COHORT") if environment.strip() else SHIPPED


def grading() -> bool:
    """Say whether nbgrader is running this notebook, to validate or to grade it.

    Returns
    -------
    bool
        True in the kernel of ``nbgrader autograde`` and ``nbgrader validate``.

    Notes
    -----
    nbgrader 0.9 sets ``NBGRADER_EXECUTION`` to ``autograde`` or ``validate`` for the kernel. Both count, so
    that what a student validates behaves as it will when it is graded.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.grading()
    False
    """
    return os.environ.get("NBGRADER_EXECUTION", "") in ("autograde", "validate")


def cohort_name(value: object, source: str) -> str:
    """Return the name of a cohort as it is used.

    Parameters
    ----------
    value : object
        What was typed.
    source : str
        Where it was typed, for the message.

    Returns
    -------
    str
        Lower case, single spaces: what an input method or a Shift key adds is no other cohort.

    Raises
    ------
    TypeError
        If `value` is no text.
    ValueError
        If it is empty, too long, not printable, ``"none"`` or its like, or probably a slip of ``"shipped"``.

    Notes
    -----
    A slip is refused, not warned about: every name is a seed, so a slip would give other numbers than the
    text quotes, and a warning would cost points in a cell that nbgrader grades.

    Examples
    --------
    >>> cohort_name(" Spring  2027", "cohort")
    'spring 2027'
    >>> cohort_name("shiped", "cohort")
    Traceback (most recent call last):
    ...
    ValueError: cohort 'shiped' looks like a slip of 'shipped'. Type 'shipped' for the tables that come with
    the workbook; for a cohort of your own, choose a name that cannot be mistaken for it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{source} must be text such as 'spring 2027', found {type(value).__name__}.")
    name = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    if not name or len(name) > 100 or not name.isprintable():
        raise ValueError(
            f"{source} must be 1 to 100 printable characters, found {len(name)}: {value[:30]!r}. "
            "Choose another name."
        )
    if name in _NO_CHOICE or (name != SHIPPED and _is_slip(name)):
        looks = "reads as if nobody chose" if name in _NO_CHOICE else f"looks like a slip of {SHIPPED!r}"
        raise ValueError(
            f"{source} {value!r} {looks}. Type {SHIPPED!r} for the tables that come with the workbook; for a "
            "cohort of your own, choose a name that cannot be mistaken for it."
        )
    return name


def _is_slip(name: str) -> bool:
    """Say whether who typed `name` probably meant "shipped".

    Digits, signs and doubled letters do not count. Then it is a slip if it is "ship", if about one letter is
    more, less, wrong or swapped ("shpped"), or if a word of it is "shipped" ("the shipped one").
    """
    words = re.findall(r"[^\W\d_]+", name)
    letters = re.sub(r"(.)\1+", r"\1", "".join(words))
    near = difflib.get_close_matches(letters, ["shiped"], cutoff=0.83)  # five of six letters are the same
    return bool(near) or letters == "ship" or SHIPPED in words
