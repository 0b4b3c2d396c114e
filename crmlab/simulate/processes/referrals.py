"""Word of mouth: who spoke well or badly of the house, and who came because of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import spread
from ..numbers import numbers
from ..registry import process

RATES = numbers(
    "referrals",
    positive_rate=(0.22, "per year", "recommendations at average satisfaction"),
    negative_rate=(0.10, "per year", "warnings at average satisfaction"),
    satisfaction_positive=(0.6, "log rate", "change per unit of satisfaction"),
    satisfaction_negative=(-0.7, "log rate", "change per unit of satisfaction"),
    people_positive=(1.0, "people", "mean number told beyond the first by a recommendation"),
    people_negative=(2.2, "people", "mean number told beyond the first by a warning"),
    lag=(30, "days", "between a recommendation and the first order of whoever came, at most"),
)
TONES = {
    "positive": (RATES.positive_rate, RATES.satisfaction_positive, RATES.people_positive),
    "negative": (RATES.negative_rate, RATES.satisfaction_negative, RATES.people_negative),
}


@process(tables=("referrals",))
def referrals(
    draw: Callable[[str], np.random.Generator], consumers: pd.DataFrame, index_scores: pd.DataFrame
) -> pd.DataFrame:
    """Return each time that a customer is known to have spoken of the house."""
    satisfaction = index_scores["satisfaction"].to_numpy()
    parts = [_told(draw(tone), consumers, satisfaction, tone) for tone in TONES]
    parts.append(_named_senders(draw("senders"), consumers, satisfaction))
    out = pd.concat(parts, ignore_index=True)
    out = out.sort_values(["date", "customer_id", "people_told"], kind="stable", ignore_index=True)
    out.insert(0, "referral_id", out.index + 1)
    return out


def _told(
    rng: np.random.Generator, consumers: pd.DataFrame, satisfaction: np.ndarray, tone: str
) -> pd.DataFrame:
    """Return what was said without bringing anybody, from the day on which a customer was won."""
    rate, tie, people = TONES[tone]
    days = (dates.TODAY - consumers["acquired_on"]).dt.days.to_numpy()
    row, _ = spread(rng.poisson(rate * np.exp(tie * satisfaction) * days / dates.YEAR))
    later = (rng.random(len(row)) * days[row]).astype(int)
    return pd.DataFrame(
        {
            "customer_id": consumers["customer_id"].to_numpy()[row],
            "date": consumers["acquired_on"].to_numpy()[row] + later.astype("timedelta64[D]"),
            "tone": tone,
            "people_told": 1 + rng.poisson(people, len(row)),
            "referred_customer_id": pd.array([pd.NA] * len(row), dtype="Int64"),
        }
    )


def _named_senders(
    rng: np.random.Generator, consumers: pd.DataFrame, satisfaction: np.ndarray
) -> pd.DataFrame:
    """Return who sent the customers that came by referral: somebody won before, gladly a satisfied one."""
    won = consumers["acquired_on"].to_numpy()  # sorted
    by_referral = (consumers["acquisition_channel"] == "referral").to_numpy()
    came = np.flatnonzero(by_referral & (won > won[0]))
    pull = np.cumsum(np.exp(RATES.satisfaction_positive * satisfaction))
    before = np.searchsorted(won, won[came])  # how many were won on an earlier day
    sender = np.searchsorted(pull, rng.random(len(came)) * pull[before - 1])
    lag = rng.integers(0, RATES.lag, len(came), endpoint=True).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": consumers["customer_id"].to_numpy()[sender],
            "date": np.maximum(won[came] - lag, won[sender]),
            "tone": "positive",
            "people_told": 1 + rng.poisson(RATES.people_positive, len(came)),
            "referred_customer_id": consumers["customer_id"].astype("Int64").to_numpy()[came],
        }
    ).astype({"referred_customer_id": "Int64"})
