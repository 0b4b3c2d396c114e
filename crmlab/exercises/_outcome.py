"""What a check says, and how a notebook shows it."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

# word, colour of the bar: readable on white and on a dark background alike
_LOOK = {True: ("Correct", "#2e9e5b"), False: ("Not yet", "#d9822b"), None: ("Not attempted", "#8a8f98")}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a check. In a condition it counts as true only when the answer is correct.

    Parameters
    ----------
    item : str
        The exercise, such as ``"8.3"``.
    correct : bool or None
        None when there is no answer yet.
    message : str
        Why; empty for a correct answer.
    """

    item: str
    correct: bool | None
    message: str
    _shown: int | None = field(default=None, init=False, compare=False)  # in which cell it was shown already

    def __bool__(self) -> bool:
        return self.correct is True

    def __repr__(self) -> str:
        return f"{self.item} · {_LOOK[self.correct][0]}. {self.message}".rstrip()

    def _repr_html_(self) -> str:
        word, colour = _LOOK[self.correct]
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.2em 0.8em">'
            f"<b>{html.escape(self.item)} · {word}.</b> {html.escape(self.message, quote=False)}</div>"
        )

    def show(self) -> None:
        """Show the outcome in the notebook, once per cell, also when `check` is not its last line."""
        from IPython import get_ipython

        shell = get_ipython()
        if shell is None or shell.execution_count == self._shown:
            return
        from IPython.display import display

        object.__setattr__(self, "_shown", shell.execution_count)
        display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)

    def _ipython_display_(self) -> None:
        self.show()
