"""Whether a notebook is being graded, and what is closed to it then.

nbgrader sets ``NBGRADER_EXECUTION`` to ``autograde`` while it grades a submission and to ``validate`` while a student
validates one. The truth and the reference answers stay open to the checks themselves, which run inside `opened`.
This deters; it does not secure: code that runs in the same process can always get around it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_open = ContextVar("crmlab_opened", default=False)


class GradingError(PermissionError):
    """Raised when a notebook asks for an answer while it is being graded."""


def running() -> bool:
    """Return whether nbgrader runs this notebook, to grade or to validate it."""
    return os.environ.get("NBGRADER_EXECUTION", "") in ("autograde", "validate")


@contextmanager
def opened() -> Iterator[None]:
    """Let the checks see the truth and the references while they judge an answer."""
    token = _open.set(True)
    try:
        yield
    finally:
        _open.reset(token)


def refuse(what: str) -> None:
    """Raise GradingError in a grading run, unless a check is at work.

    Examples
    --------
    >>> from crmlab import _grading
    >>> _grading.refuse("truth()")  # no grading run: nothing happens
    """
    if running() and not _open.get():
        raise GradingError(
            f"{what} is closed while the notebook is graded: an answer must not depend on it. "
            "Delete this call, or move it to a notebook that is not handed in."
        )
