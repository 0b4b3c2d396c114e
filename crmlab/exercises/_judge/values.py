"""Values laid beside each other: which are right, which the same, which a rounding of the other."""

from __future__ import annotations

import numpy as np

from crmlab.exercises._items import Item
from crmlab.exercises._judge.shapes import Pair

_PLACES = 9  # more decimals than anybody writes


def all_right(item: Item, pairs: list[Pair] | None, slack: float = 1) -> bool:
    """Return whether every value is within the item's tolerance, times `slack`; without pairs none is."""
    return pairs is not None and all(right(item, pair, slack).all() for pair in pairs)


def right(item: Item, pair: Pair, slack: float = 1) -> np.ndarray:
    """Return which values are within the item's tolerance, times `slack`."""
    if not pair.numeric:
        return pair.expected == pair.given
    allowed = slack * (item.tolerance + item.relative * np.abs(pair.expected))
    return np.abs(pair.given - pair.expected) <= allowed + _noise(pair.expected)


def _noise(values: np.ndarray) -> np.ndarray:
    """Return how far floating-point arithmetic may be off: no mistake."""
    return 1e-9 * np.maximum(np.abs(values), 1e-3)


def same(pairs: list[Pair]) -> bool:
    """Return whether every value is the expected one, but for floating-point noise."""
    return all(_same(pair).all() for pair in pairs)


def _same(pair: Pair) -> np.ndarray:
    if not pair.numeric:
        return pair.expected == pair.given
    return np.abs(pair.given - pair.expected) <= _noise(pair.expected)


def places(pairs: list[Pair], digits: int, *, cut: bool = False) -> int | None:
    """Return to how many decimals the expected values are rounded (or cut off) in the answer, if they are.

    At least so many significant digits of the largest value must be left: every number can be rounded to 0.
    """
    if not all(pair.numeric for pair in pairs):
        return None
    largest = max(np.abs(pair.expected).max() for pair in pairs)
    if largest == 0:
        return None
    fewest = digits - 1 - int(np.floor(np.log10(largest)))
    for decimals in range(_PLACES, fewest - 1, -1):
        if all(_rounded(pair, 10.0**-decimals, cut).all() for pair in pairs):
            return decimals
    return None


def _rounded(pair: Pair, unit: float, cut: bool) -> np.ndarray:
    """Return which of the given values are the expected one in whole units."""
    steps = pair.given / unit
    distance = np.abs(pair.given - pair.expected) / unit
    near = distance <= 0.5 + 1e-6
    if cut:
        near = (distance < 1) & (np.abs(pair.given) <= np.abs(pair.expected) + _noise(pair.expected))
    return near & (np.abs(steps - np.rint(steps)) <= 1e-6)


def what_is_off(item: Item, pairs: list[Pair]) -> str:
    """Say how many values are off, and where the first one is; nothing when there is only one value."""
    parts = sorted({pair.part for pair in pairs})
    wrong = {n: [pair for pair in pairs if pair.part == n] for n in parts}
    wrong = {n: own for n, own in wrong.items() if not all_right(item, own)}
    if len(parts) == 1:
        return _off(item, pairs)
    if len(wrong) == len(parts):
        return (
            "No value is right."
            if item.cases is None
            else f"None of the {len(parts)} inputs gives the right result."
        )
    of = "Value" if item.cases is None else "Input"
    first = min(wrong)
    return f"{of} {first} of {len(parts)} is not right. {_off(item, wrong[first])}".strip()


def _off(item: Item, pairs: list[Pair]) -> str:
    off = [pair.places[n] for pair in pairs for n in np.flatnonzero(~right(item, pair))]
    total = sum(len(pair.expected) for pair in pairs)
    if len(off) == total:
        return f"All {total} values are off." if total > 1 else ""
    return f"{len(off)} of {total} values {'is' if len(off) == 1 else 'are'} off, first at {off[0]}."
