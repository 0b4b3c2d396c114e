"""What an exercise item is, and where the items of a chapter are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from crmlab import _check, datasets
from crmlab._results import ReadOnly

_open = ContextVar("crmlab_references_open", default=False)


@contextmanager
def opened() -> Iterator[None]:
    """Let a check see the references while it judges an answer."""
    token = _open.set(True)
    try:
        yield
    finally:
        _open.reset(token)


class _Closed:
    """The reference of an item: refused while nbgrader runs a notebook, unless a check asks."""

    def __init__(self, function: Callable[[], object], item: str) -> None:
        self._function = function
        self._item = item
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def __call__(self) -> object:
        if datasets.grading() and not _open.get():
            raise RuntimeError(
                f"The reference of exercise {self._item} is closed while nbgrader runs a notebook: take this "
                "call out of what you hand in."
            )
        return self._function()

    def __reduce__(self) -> tuple:
        return _Closed, (self._function, self._item)


class Rival(NamedTuple):
    """A usual wrong answer: called like a function it gives the answer; its name is the function's.

    Parameters
    ----------
    function : callable
        Function without arguments that returns the wrong answer on the current cohort's data.
    sentence : str
        What the student is told: names the mistake, not the answer.
    """

    function: Callable[[], object]
    sentence: str

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    def __call__(self) -> object:
        return self.function()


@dataclass(frozen=True, kw_only=True, eq=False)
class Item:
    """One exercise: the right answer, the usual wrong ones, and when an answer counts as right.

    Parameters
    ----------
    id : str
        Chapter and number, such as ``"8.3"``.
    points : float
        Points in a graded release; the notebook's test cell says the same.
    reference : callable
        Function without arguments, defined in the chapter's module, that returns the right answer on the
        current cohort's data: a number, a text, a truth value, a Series, a DataFrame, an array, a tuple of
        these, or a function. Refused to notebooks that are graded.
    rivals : tuple of Rival
        The usual wrong answers, each with the sentence that names its mistake.
    hint : str
        The idea, not the code; shown with an answer whose mistake is not known.
    concepts : tuple of str
        Glossary ids of the concepts that the item practises.
    unit : str
        Unit that the prompt asks for, such as ``"months"`` or ``"share between 0 and 1"``. Its words decide
        which other unit a wrong answer may be told to be in.
    decimals : int, optional
        Rounding that the prompt asks for.
    tolerance, relative : float, optional
        An answer is right when it differs from the reference by no more than ``tolerance + relative *
        |reference|``, everywhere. Without `tolerance`, half a unit of the last of the `decimals` is
        allowed.
    ordered : bool
        Whether the order of the rows is part of the answer.
    choices : tuple of str
        The words that a text answer may be.
    cases : callable, optional
        Only when the answer is a function: function without arguments that returns the tuples of arguments
        with which the student's function is called, other ones than in the notebook.
    exceptions : mapping of str to str
        Names of rivals that may agree with the reference in some cohort (fewer than one in fifty), with the
        reason.
    """

    id: str
    points: float
    reference: Callable[[], object]
    rivals: tuple[Rival, ...]
    hint: str
    concepts: tuple[str, ...]
    unit: str = ""
    decimals: int | None = None
    tolerance: float | None = None
    relative: float = 0.0
    ordered: bool = False
    choices: tuple[str, ...] = ()
    cases: Callable[[], Iterable[tuple]] | None = None
    exceptions: Mapping[str, str] = field(default_factory=ReadOnly)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(0|[1-9]\d?)\.[1-9]\d?", self.id):
            raise ValueError(f"item id {self.id!r}: give chapter and number, such as '8.3'.")
        unknown = set(self.exceptions) - {rival.name for rival in self.rivals}
        if unknown:
            raise ValueError(f"item {self.id}: exceptions name no rival: {', '.join(sorted(unknown))}.")
        allowed = 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals
        if self.tolerance is None:
            # a value half-way between two roundings may be rounded either way
            object.__setattr__(self, "tolerance", allowed * (1 + 1e-6))
        if self.tolerance < allowed:
            rounded = f"the reference rounded to {self.decimals} decimals"
            raise ValueError(f"item {self.id}: tolerance {self.tolerance:g} would refuse {rounded}.")
        object.__setattr__(self, "exceptions", ReadOnly(self.exceptions))
        object.__setattr__(self, "reference", _Closed(self.reference, self.id))

    @property
    def chapter(self) -> int:
        """Number of the chapter."""
        return int(self.id.split(".")[0])


def items(chapter: int | str) -> tuple[Item, ...]:
    """List the exercise items of a chapter.

    Parameters
    ----------
    chapter : int or str
        Number of the chapter, as ``8``, ``"8"`` or ``"08"``; 0 is the start page.

    Returns
    -------
    tuple of Item
        In the order of the notebook.

    Raises
    ------
    ValueError
        If no chapter of that number has exercises.

    Examples
    --------
    >>> from crmlab import exercises
    >>> [item.id for item in exercises.items(0)]
    ['0.1']
    """
    name = f"{__package__}.ch{chapter_number(chapter):02}"
    if not _exists(name):
        raise ValueError(
            f"chapter={chapter!r} has no exercises. Give the number of a chapter that has: "
            f"{', '.join(map(str, chapters())) or 'none is written yet'}."
        )
    return tuple(import_module(name).ITEMS)


def chapter_number(chapter: int | str) -> int:
    """Return the number of a chapter given as ``8``, ``"8"``, ``"08"`` or ``"ch08"``; -1 for all else."""
    text = str(chapter).strip().removeprefix("ch")
    return int(text) if re.fullmatch(r"\d{1,2}", text) else -1


def find(item: str) -> Item:
    """Return the item of that id; raise ValueError with the nearest when there is none."""
    if not isinstance(item, str):
        raise TypeError(f"the exercise is named by a text such as '8.3', found {item!r}.")
    known = {i.id: i for i in items(item.split(".")[0])}
    return known[_check.choice(item.strip(), known, "item")]


def _exists(name: str) -> bool:
    import sys

    return name in sys.modules or find_spec(name) is not None


def chapters() -> list[int]:
    """Return the numbers of the chapters that have exercises."""
    from pkgutil import iter_modules

    package = import_module(__package__)
    found = (re.fullmatch(r"ch(\d\d)", module.name) for module in iter_modules(package.__path__))
    return [int(match[1]) for match in found if match]
