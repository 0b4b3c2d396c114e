"""Why members leave the tea club: three causes, and what leavers say when they are asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick
from ..numbers import grid, numbers, series
from ..registry import process
from .club import ENDS, LAST
from .people import AGE

CAUSES = ("firm", "rival", "own_life")
CAUSE = grid(
    "club_exit",
    "cause",
    CAUSES,
    ("intercept", "complaint_open", "strong_competition", "age_decade"),
    [(0.0, 1.6, 0.0, 0.0), (-0.2, 0.0, 0.8, 0.0), (0.0, 0.0, 0.0, 0.25)],
    "logit",
    "that a leaving member leaves over a cause; age in decades from the consumers' mean",
)
SAYS = grid(
    "exit_survey",
    "says",
    CAUSES,
    CAUSES,
    [(0.72, 0.08, 0.20), (0.08, 0.77, 0.15), (0.04, 0.06, 0.90)],
    "share",
    "of those who answer, by true cause (row) and stated reason (column): politeness blames one's own life",
)
ANSWERS = series(
    "exit_survey",
    "answers",
    {"firm": 0.60, "rival": 0.65, "own_life": 0.75},
    "share",
    "of leavers with a true cause who answer",
)
ASKED = numbers(
    "exit_survey",
    from_day=(5, "days", "after leaving, from which leavers are asked"),
    to_day=(20, "days", "after leaving, before which leavers are asked"),
)
DECADE = 10  # years


@process(inner=("exit_causes",))
def exit_causes(rng: np.random.Generator, members: pd.DataFrame, consumers: pd.DataFrame) -> pd.Series:
    """Return the cause over which each member left, missing for those who stay."""
    person = consumers.iloc[members["row"]].reset_index(drop=True)
    known = pd.DataFrame(
        {
            "intercept": 1.0,
            "complaint_open": members["complaint_from"] < members["joined"] + members["months"],
            "strong_competition": person["competition"] == "strong",
            "age_decade": (person["age"] - AGE.mean) / DECADE,
        }
    )
    pull = known.to_numpy(dtype=float) @ CAUSE[list(known)].to_numpy().T
    cause = pd.Series(np.array(CAUSES)[pick(rng, np.exp(pull))])
    return cause.where(members["left"])


@process(tables=("exit_survey",))
def exit_survey(
    draw: Callable[[str], np.random.Generator], members: pd.DataFrame, exit_causes: pd.Series
) -> pd.DataFrame:
    """Return a row for every leaver who was asked; the reason is missing if there was no answer."""
    gone = members[members["left"]]
    true = exit_causes[members["left"]]
    lag = draw("days").integers(ASKED.from_day, ASKED.to_day, len(gone))
    asked = ENDS[gone["joined"] + gone["months"]] + pd.to_timedelta(lag - 1, unit="D")
    says = np.array(CAUSES)[pick(draw("reasons"), SAYS.loc[true].to_numpy())]
    answers = draw("answers").random(len(gone)) < true.map(ANSWERS)
    reason = pd.Series(says, index=gone.index).where(answers)
    out = pd.DataFrame({"member_id": gone["member_id"], "reason": reason, "asked_on": asked})
    return out[out["asked_on"] <= dates.TODAY].reset_index(drop=True)


@process(truth=("club_members",))
def club_member_truth(members: pd.DataFrame, exit_causes: pd.Series) -> pd.DataFrame:
    """Return a member's probability of leaving in a reference month, what multiplies it, and the cause."""
    month = members["stopped_from"].fillna(LAST).astype(int)  # buying may stop in the last month
    stopped = pd.Series(ENDS[month]).where(month < LAST)
    return pd.DataFrame(
        {
            "member_id": members["member_id"],
            "theta": members["theta"].round(4),
            "hazard_multiplier": members["multiplier"].round(3),
            "stopped_from": stopped,
            "true_cause": exit_causes,
        }
    )
