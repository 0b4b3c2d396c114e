"""Small panels, chains and tables that the tests of the life cycle share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from crmlab import lifecycle as lc
from crmlab import simulate

STAGES = list(lc.STAGES)
FIVE = [*STAGES, "lost"]


def panel(*histories: str, start: str = "2025-01-01", lost: bool = True) -> pd.DataFrame:
    """A panel from strings such as "eefsd."; a letter is a month's stage, a blank a gap, a dot the month of loss."""
    name = {s[0]: s for s in STAGES}
    rows = []
    for account, history in enumerate(histories, 1):
        months = pd.date_range(start, periods=len(history), freq="MS")
        gone = months[history.index(".")] if "." in history else pd.NaT
        rows += [
            (account, month, name[letter], gone)
            for month, letter in zip(months, history, strict=True)
            if letter not in " ."
        ]
    out = pd.DataFrame(rows, columns=["account_id", "month", "stage", "lost_on"])
    return out if lost else out.drop(columns="lost_on")


def chain(rows: object, states: list | None = None) -> lc.Chain:
    states = states or [f"s{i}" for i in range(len(rows))]
    return lc.Chain(pd.DataFrame(rows, states, states, dtype=float))


@st.composite
def matrices(draw: st.DrawFn, absorbing: bool = False) -> lc.Chain:
    size = draw(st.integers(2, 5))
    weight = st.floats(0.05, 1)
    rows = np.array(
        draw(st.lists(st.lists(weight, min_size=size, max_size=size), min_size=size, max_size=size))
    )
    if absorbing:
        rows[-1] = np.eye(size)[-1]
    return chain(rows / rows.sum(axis=1, keepdims=True))


def pooled(world: simulate.World) -> pd.DataFrame:
    truth = world.truth["transition_matrices"]
    truth = truth[(truth["trust_group"] == "all") & (truth["care"] == "none")]
    return truth.pivot(index="from_stage", columns="to_stage", values="probability").loc[STAGES, FIVE]


def rates(error: float = 0.2) -> pd.DataFrame:
    return pd.DataFrame(np.where(np.eye(4), 1 - error, error / 3), STAGES, STAGES)


GOOD = panel("eeffssss", "sddffdd.", "efsdf ss", "ssssssdd")
TWO = chain([[0.9, 0.1], [0, 1]], ["stability", "lost"])
