"""Who answers a survey: all surveys of June 2025 draw their respondents here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..core import chance
from ..numbers import numbers, series

ANSWERING = numbers(
    "satisfaction_survey",
    answer_intercept=(-0.5, "logit", "a customer who is asked answers; the same in every survey"),
    answer_satisfaction=(0.4, "logit", "change per unit of satisfaction; the same in every survey"),
)
ASKED = series(
    "asked",
    "",
    {"satisfaction_survey": 1.0, "service_quality_survey": 0.55, "kano_survey": 0.24, "offer_choices": 0.33},
    "share",
    "of the customers who can be asked that are, by lot",
)


def respondents(
    rng: np.random.Generator,
    survey: str,
    consumers: pd.DataFrame,
    index_scores: pd.DataFrame,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Return the rows of the consumers who answer a survey, in the order in which they were won.

    `among` marks those who can be asked; without it, all who were won before the survey.
    """
    won = (consumers["acquired_on"] < dates.SURVEY).to_numpy()
    if among is not None and (won & among).any():
        won = won & among
    asked = rng.random(len(won)) < ASKED[survey]
    satisfaction = index_scores["satisfaction"].to_numpy()
    willing = chance(rng, ANSWERING.answer_intercept + ANSWERING.answer_satisfaction * satisfaction)
    answers = won & asked & willing
    if not answers.any():  # in a tiny world everybody is needed
        answers = won
    return np.flatnonzero(answers)
