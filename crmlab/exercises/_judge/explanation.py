"""Which mistake explains a wrong answer. A sentence is said only of a value that no better reading gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crmlab.exercises._items import Item
from crmlab.exercises._judge.kinds import Unlike
from crmlab.exercises._judge.shapes import Pair, paired
from crmlab.exercises._judge.values import all_right, places, same, what_is_off

# scale, words of the unit that is asked for, what the other unit is then; "" is any unit that has decimals
_SCALES = (
    (100, "share", "100 times the expected value: a percentage where a share is asked for?"),
    (0.01, "%", "a hundredth of the expected value: a share where a percentage is asked for?"),
    (0.01, "points", "a hundredth of the expected value: a share where points are asked for?"),
    (1 / 1000, "yuan", "a thousandth of the expected value: thousands of yuan where yuan are asked for?"),
    (
        1 / 10_000,
        "yuan",
        "a ten-thousandth of the expected value: 万 (10,000 yuan) where yuan are asked for?",
    ),
    (1000, "thousand", "1,000 times the expected value: single units where thousands are asked for?"),
    (10_000, "万", "10,000 times the expected value: yuan where 万 (10,000 yuan) are asked for?"),
    (12, "years", "12 times the expected value: months where years are asked for?"),
    (1 / 12, "months", "a twelfth of the expected value: years where months are asked for?"),
    (100, "", "100 times the expected value."),
    (0.01, "", "a hundredth of the expected value."),
)


_NEAR = (
    "Near the expected value, but no rounding of it: other rows, another method or setting, or a step "
    "that was rounded on the way?"
)


class _Reading(NamedTuple):
    """A mistake that gives the answer: `exact` when it gives the same digits, not only a value nearby.

    `scale` is how many times the expected value it gives, if it is another unit or sign.
    """

    sentence: str
    exact: bool
    scale: float | None = None


def explained(item: Item, answer: object, expected: object, rivals: list[tuple[object, str]]) -> str:
    """Say which mistake explains an answer that is not correct; else what is off, and the hint."""
    readings = _readings(item, answer, expected, rivals)
    exact = [reading.sentence for reading in readings if reading.exact]
    sentences = list(dict.fromkeys(exact or [reading.sentence for reading in readings]))
    if len(sentences) > 1:
        return f"More than one mistake gives this answer. {' Or: '.join(sentences)}"
    if sentences:
        return sentences[0]
    pairs = paired(item, expected, answer)
    near = _NEAR if _near(item, pairs) else ""
    return " ".join(filter(None, [what_is_off(item, pairs), near, f"Hint: {item.hint}"]))


def _readings(
    item: Item, answer: object, expected: object, rivals: list[tuple[object, str]]
) -> list[_Reading]:
    """Return the mistakes that give the answer, each once: a rival in its own words."""
    found = []
    values = []
    for rival, sentence in rivals:
        pairs = _alike(item, rival, answer)
        beside = _alike(item, expected, rival)
        if all_right(item, pairs) and not all_right(item, beside):
            found.append(_Reading(sentence, _exact(item, pairs)))
            values.append(beside)
    pairs = _alike(item, expected, answer)
    if pairs is None or not all(pair.numeric for pair in pairs):
        return found
    for reading in _value_readings(item, pairs):
        is_rival = [value and reading.scale and same(_scaled(value, reading.scale)) for value in values]
        if not any(is_rival):
            found.append(reading)
    return found


def _alike(item: Item, expected: object, answer: object) -> list[Pair] | None:
    """Lay an answer beside a rival's; None when they are of another kind or shape."""
    try:
        return paired(item, expected, answer)
    except Unlike:
        return None


def _exact(item: Item, pairs: list[Pair]) -> bool:
    """Return whether the values are the expected ones, or their rounding as the prompt asks for it."""
    if same(pairs):
        return True
    if item.decimals is None:
        return places(pairs, 3) is not None
    decimals = places(pairs, 1)
    return decimals is not None and decimals >= item.decimals


def _value_readings(item: Item, pairs: list[Pair]) -> list[_Reading]:
    """Return how the answer is the expected value all the same: in another unit, sign or rounding."""
    readings = [reading for scale in _SCALES if (reading := _scale_reading(item, pairs, *scale))][:1]
    turned = _scaled(pairs, -1)
    as_good_as_zero = all_right(item, [pair._replace(given=-pair.expected) for pair in pairs])
    if all_right(item, turned) and not as_good_as_zero:
        sentence = "The size is right, the sign is wrong: in which direction is it counted?"
        readings.append(_Reading(sentence, _exact(item, turned), -1))
    if sentence := _rounding(item, pairs):
        readings.append(_Reading(sentence, True))
    return readings


def _scaled(pairs: list[Pair], scale: float) -> list[Pair]:
    return [pair._replace(expected=pair.expected * scale) for pair in pairs]


def _scale_reading(item: Item, pairs: list[Pair], scale: float, unit: str, sentence: str) -> _Reading | None:
    """Return the reading as another unit, if the item's unit has that other one; a ratio of two has none."""
    fits = unit in item.unit and " per " not in item.unit if unit else bool(item.decimals)
    if not fits:
        return None
    scaled = _scaled(pairs, scale)
    exact = same(scaled) or places(scaled, 2) is not None
    if not exact and not _about(item, pairs, scale):
        return None
    asked = f" Unit asked for: {item.unit}." if item.unit else ""
    return _Reading(f"The answer is {sentence}{asked}", exact, scale)


def _about(item: Item, pairs: list[Pair], scale: float) -> bool:
    """Return whether the values are right in the other unit, and within a per cent."""
    back = [pair._replace(given=pair.given / scale) for pair in pairs]
    near = [np.abs(pair.given - pair.expected) <= 0.01 * np.abs(pair.expected) for pair in back]
    return all_right(item, back) and all(each.all() for each in near)


def _rounding(item: Item, pairs: list[Pair]) -> str:
    """Say how the answer is the expected value rounded otherwise than asked; "" when it is not."""
    if item.decimals is None:
        return ""
    advice = f"round only the final answer, to {_unit(item.decimals)}."
    decimals = places(pairs, 1)
    if decimals is not None:  # fewer than asked for, or the answer would be right
        return f"That is the expected value rounded to {_unit(decimals)}: {advice}"
    cut = places(pairs, 1, cut=True)
    if cut is not None:
        return f"That is the expected value cut off to {_unit(cut)}: {advice}"
    return ""


def _unit(decimals: int) -> str:
    if decimals > 0:
        return f"{decimals} decimal{'s' * (decimals > 1)}"
    return "whole numbers" if decimals == 0 else f"{10**-decimals:,}s"


def _near(item: Item, pairs: list[Pair]) -> bool:
    """Return whether numbers are within ten times the tolerance."""
    return all(pair.numeric for pair in pairs) and all_right(item, pairs, slack=10)
