"""Objects that claim to be equal to everything: hostile answers."""

from __future__ import annotations

import pandas as pd


class Liar:
    """Claims to be equal to everything, and to be any number."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None

    def __float__(self) -> float:
        raise RecursionError("no number")

    def __repr__(self) -> str:
        raise ValueError("no repr")


class LyingFloat(float):
    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> float:
        return 0.0

    __rsub__ = __sub__
    __hash__ = float.__hash__


class LyingText(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return "something else"


class LyingSeries(pd.Series):
    def equals(self, other: object) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> float:
        return 0.0
