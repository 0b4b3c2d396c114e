"""What hostile answers get: a true sentence each, and no crash of the check itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import toy_items
from liars import Liar, LyingFloat, LyingSeries, LyingText

from crmlab.exercises import Item, Outcome, check, items
from crmlab.exercises._items import chapters
from crmlab.exercises._judge import agrees

ALL = [*(item for chapter in chapters() for item in items(chapter)), *toy_items.ITEMS]


GARBAGE = [
    -987.654321,
    0,
    10**400,
    1j,
    np.nan,
    np.inf,
    pd.NA,
    pd.NaT,
    np.float32(123.5),
    np.datetime64("2025-06-30"),
    pd.Timedelta(days=3),
    "about three",
    "3.2 %",
    b"3",
    [],
    {},
    {"a": 1},
    {1},
    ["x", 1],
    (1, "b", None),
    range(3),
    object(),
    Liar(),
    LyingFloat(-77),
    LyingText("nothing of the kind"),
    LyingSeries([-1.5, -2.5]),
    float,
    lambda *arguments: Liar(),
    lambda: 1,
    np.zeros((2, 2, 2)),
    np.array(["a", None], dtype=object),
    pd.Series(dtype=float),
    pd.Series([1.0, np.nan]),
    pd.Series(["a", "b"], index=[Ellipsis, None]),
    pd.DataFrame(),
    pd.DataFrame({"x": [1]}),
    pd.DataFrame([[1, 2]], columns=["x", "x"]),
    pd.DataFrame({"x": [Liar()]}, index=pd.MultiIndex.from_tuples([("a", 1)])),
    items,
    toy_items.ITEMS[0],
    Outcome("99.1", True, "I am right."),
    iter([1, 2]),
]


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_garbage_is_wrong_with_a_reason_and_raises_nothing(item: Item):
    truth_value = isinstance(item.reference(), bool)
    for garbage in [*GARBAGE, *([] if truth_value else [True, False])]:
        outcome = check(item.id, garbage)
        assert outcome.correct is False, f"{type(garbage)} counts as {outcome}"
        assert outcome.message.strip()


def test_objects_that_claim_to_be_equal_are_compared_by_value():
    item = toy_items.ITEMS[2]
    assert not agrees(item, pd.Series(["a", "b"]), pd.Series([LyingFloat(1), LyingText("c")], dtype=object))
    assert not agrees(item, pd.Series([1.0, 2.0]), LyingSeries([LyingFloat(3), LyingFloat(4)], dtype=object))
    assert not agrees(item, np.array([1.0, 2.0]), [LyingFloat(3), 2.0])
