"""A chapter of toy exercises: one item for every kind of answer. It is the worked example of CONTRIBUTING.md.

The numbers come from the cohort's name, as a real chapter's come from ``datasets.load``.
"""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from crmlab import datasets
from crmlab.exercises import Item, Rival

STAGES = ["exploration", "formation", "stability", "decline"]


def _moves() -> pd.DataFrame:
    """Counts of moves between stages: rows are the month's stage, columns the next month's."""
    rng = np.random.default_rng(zlib.crc32(datasets.current_cohort().encode()))
    counts = rng.integers(40, 90, size=(4, 4)) * np.array(
        [[3, 4, 0, 2], [0, 3, 4, 2], [0, 0, 9, 1], [0, 2, 0, 6]]
    )
    return pd.DataFrame(
        counts, index=pd.Index(STAGES, name="stage"), columns=pd.Index(STAGES, name="next_stage")
    )


def share_lost() -> float:
    moves = _moves()
    return moves.loc["stability", "decline"] / moves.loc["stability"].sum()


def by_column() -> float:
    moves = _moves()
    return moves.loc["stability", "decline"] / moves["decline"].sum()


def months_stable() -> float:
    return 1 / share_lost()


def years_stable() -> float:
    return months_stable() / 12


def months_in_months() -> pd.Series:
    return _moves().sum(axis=1).rename("months")


def arrivals() -> pd.Series:
    return _moves().sum(axis=0).rename("months").rename_axis("stage")


def matrix() -> pd.DataFrame:
    moves = _moves()
    return moves.div(moves.sum(axis=1), axis=0)


def columns_to_one() -> pd.DataFrame:
    return _moves() / _moves().sum()


def counts() -> pd.DataFrame:
    return _moves()


def busiest() -> pd.Series:
    return months_in_months().sort_values(ascending=False)


def smallest_first() -> pd.Series:
    return months_in_months().sort_values()


def widest_gap() -> tuple[float, float]:
    shares = np.diag(matrix())
    return float(shares.min()), float(shares.max())


def gap_reversed() -> tuple[float, float]:
    return widest_gap()[::-1]


def can_skip() -> bool:
    return bool(_moves().loc["exploration", "stability"] > 0)


def cannot_but_says_so() -> bool:
    return not can_skip()


def commonest() -> str:
    return str(months_in_months().idxmax())


def rarest() -> str:
    return str(months_in_months().idxmin())


def after() -> object:
    def share_after(share: float, months: int) -> float:
        return 1 - (1 - share) ** months

    return share_after


def straight_line() -> object:
    def share_after(share: float, months: int) -> float:
        return share * months

    return share_after


def shares_and_months() -> list[tuple[float, int]]:
    return [(0.03, 12), (0.5, 2), (0.0, 6)]


ITEMS = (
    Item(
        id="99.1",
        points=2,
        reference=share_lost,
        rivals=(
            Rival(by_column, "That divides by the column: the share of declines that came from stability."),
        ),
        hint="Of all months that began in stability, how many ended in decline?",
        concepts=("LC02",),
        unit="share between 0 and 1",
        decimals=3,
        exceptions={"by_column": "The row and the column may happen to have the same sum."},
    ),
    Item(
        id="99.2",
        points=1,
        reference=months_stable,
        rivals=(Rival(years_stable, "That is in years: the matrix moves by months."),),
        hint="How long does a coin last that breaks with that probability each month?",
        concepts=("LC02",),
        unit="months",
        decimals=1,
    ),
    Item(
        id="99.3",
        points=1,
        reference=months_in_months,
        rivals=(Rival(arrivals, "Those are the column sums: months that ended in the stage."),),
        hint="A month belongs to the stage in which it began.",
        concepts=("LC02",),
    ),
    Item(
        id="99.4",
        points=3,
        reference=matrix,
        rivals=(
            Rival(columns_to_one, "The columns add up to one, not the rows: divide each row by its own sum."),
            Rival(counts, "Those are counts: divide them by the months that began in the stage."),
        ),
        hint="Each row is a distribution over the next month's stages.",
        concepts=("LC02",),
        decimals=3,
    ),
    Item(
        id="99.5",
        points=1,
        reference=busiest,
        rivals=(Rival(smallest_first, "That starts with the rarest stage."),),
        hint="The commonest stage comes first.",
        concepts=("LC02",),
        ordered=True,
    ),
    Item(
        id="99.6",
        points=1,
        reference=widest_gap,
        rivals=(Rival(gap_reversed, "The smallest comes first."),),
        hint="Look along the diagonal.",
        concepts=("LC02",),
        decimals=2,
    ),
    Item(
        id="99.7",
        points=1,
        reference=can_skip,
        rivals=(Rival(cannot_but_says_so, "Look at the cell in row exploration, column stability."),),
        hint="A skipped stage is a move from exploration to stability.",
        concepts=("LC03",),
    ),
    Item(
        id="99.8",
        points=1,
        reference=commonest,
        rivals=(Rival(rarest, "That is the rarest stage."),),
        hint="In which stage are the most months?",
        concepts=("LC02",),
        choices=tuple(STAGES),
    ),
    Item(
        id="99.9",
        points=2,
        reference=after,
        rivals=(Rival(straight_line, "Risks do not add up: multiply the chances of staying."),),
        hint="What must happen every month for a relationship to be still stable?",
        concepts=("LC02",),
        decimals=3,
        cases=shares_and_months,
    ),
)
