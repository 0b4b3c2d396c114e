"""The satisfaction tracker: an index by quarter, with one real shift and one false alarm to be raised."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..numbers import numbers
from ..registry import process

TRACKER = numbers(
    "tracker",
    level=(68.0, "index points", "before the shift"),
    shift=(4.0, "index points", "real change of level"),
    shift_quarter=(12, "quarter number", "first quarter after the shift, counted from 1"),
    false_alarm_quarter=(9, "quarter number", "small sample, no change of level"),
    fewest=(180, "people", "respondents of a quarter at least"),
    most=(260, "people", "respondents of a quarter at most"),
    false_alarm_respondents=(32, "people", "respondents of the quarter of the false alarm"),
    false_alarm_error=(
        -2.0,
        "standard errors",
        "ordinary for its few answers, startling for many",
    ),
    spread=(18.0, "index points", "standard deviation between respondents"),
    calm=(0.75, "factor", "on the error of a quarter's mean, so that no second alarm is raised"),
    spread_noise=(0.8, "index points", "standard deviation of the spread between quarters"),
    promoters=(0.30, "share", "of promoters at the first level"),
    promoters_rise=(0.011, "share", "change of promoters per index point"),
    detractors=(0.51, "share", "of detractors among the others at the first level"),
    detractors_rise=(-0.009, "share", "change of detractors per index point"),
)


@process(tables=("satisfaction_tracker",))
def satisfaction_tracker(rng: np.random.Generator) -> pd.DataFrame:
    """Return the index by quarter."""
    quarters = pd.date_range(dates.START, dates.TODAY, freq="QS")
    number = np.arange(1, len(quarters) + 1)
    alarm = number == TRACKER.false_alarm_quarter
    respondents = rng.integers(TRACKER.fewest, TRACKER.most + 1, len(number))
    respondents = np.where(alarm, TRACKER.false_alarm_respondents, respondents)
    spread = TRACKER.spread + TRACKER.spread_noise * rng.standard_normal(len(number))
    error = np.where(alarm, TRACKER.false_alarm_error, TRACKER.calm * rng.standard_normal(len(number)))
    rise = TRACKER.shift * (number >= TRACKER.shift_quarter) + error * TRACKER.spread / np.sqrt(respondents)
    promoters = rng.binomial(respondents, TRACKER.promoters + TRACKER.promoters_rise * rise)
    others = respondents - promoters
    detractors = rng.binomial(others, TRACKER.detractors + TRACKER.detractors_rise * rise)
    return pd.DataFrame(
        {
            "quarter": quarters,
            "respondents": respondents,
            "mean_index": (TRACKER.level + rise).round(1),
            "sd_index": spread.round(1),
            "promoters": promoters,
            "passives": others - detractors,
            "detractors": detractors,
        }
    )
