"""What all results share: how they show themselves, and settings that cannot be changed."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


class Result:
    """A fitted model or finished analysis: a line with the settings that change numbers, then its summary."""

    def summary(self) -> DataFrame:
        """Return what a reader wants to see first, as a table."""
        raise NotImplementedError

    def _caption(self) -> str:
        """Say how the numbers were made: method, data, every setting that changes them."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.summary().round(4).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._caption(), quote=False)}</p>{self.summary().round(4).to_html()}"


class ReadOnly(Mapping):
    """A mapping that cannot be changed. Unlike `types.MappingProxyType` it can be pickled and deep-copied.

    Examples
    --------
    >>> ReadOnly({"scheme": "path"})["scheme"]
    'path'
    """

    __slots__ = ("_content",)

    def __init__(self, content: Mapping = {}) -> None:  # the default is copied, never changed
        self._content = dict(content)

    def __getitem__(self, key: Any) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return repr(self._content)
