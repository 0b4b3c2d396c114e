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
    positive_rate=(0.22, "per year", "recommendations at average satisfaction, while a customer"),
    negative_rate=(0.10, "per year", "warnings at average satisfaction, while a customer"),
    satisfaction_positive=(0.6, "log rate", "change per unit of satisfaction"),
    satisfaction_negative=(-0.7, "log rate", "change per unit of satisfaction"),
    people_positive=(1.0, "people", "mean number told beyond the first by a recommendation"),
    people_negative=(2.2, "people", "mean number told beyond the first by a warning"),
    left_positive=(0.3, "factor", "on recommendations after leaving"),
    left_negative=(0.7, "factor", "on warnings after leaving"),
    lag=(30, "days", "between a recommendation and the interest of whoever came, at most"),
)
TONES = {
    "positive": (
        RATES.positive_rate,
        RATES.satisfaction_positive,
        RATES.people_positive,
        RATES.left_positive,
    ),
    "negative": (
        RATES.negative_rate,
        RATES.satisfaction_negative,
        RATES.people_negative,
        RATES.left_negative,
    ),
}


@process(tables=("referrals",))
def referrals(
    draw: Callable[[str], np.random.Generator],
    consumers: pd.DataFrame,
    index_scores: pd.DataFrame,
    dropout: np.ndarray,
    leads: pd.DataFrame,
) -> pd.DataFrame:
    """Return each time that a customer is known to have spoken of the house."""
    senders = pd.DataFrame(
        {
            "customer_id": consumers["customer_id"],
            "won": dates.days(consumers["acquired_on"]),
            "left": np.fmin(np.floor(dropout), dates.DAYS - 1),  # the living: after today
            "satisfaction": index_scores["satisfaction"].to_numpy(),
        }
    )
    parts = [_told(draw(tone), senders, tone) for tone in TONES]
    parts.append(_named_senders(draw("senders"), senders, leads))
    out = pd.concat(parts, ignore_index=True)
    out["date"] = dates.dates(out["date"])
    out = out.sort_values(["date", "customer_id", "people_told"], kind="stable", ignore_index=True)
    out.insert(0, "referral_id", out.index + 1)
    return out


def _told(rng: np.random.Generator, senders: pd.DataFrame, tone: str) -> pd.DataFrame:
    """Return what was said without bringing anybody, from the day on which a customer was won.

    A day after leaving counts for the part of a day by which less is said then.
    """
    rate, tie, people, after = TONES[tone]
    active = (senders["left"] - senders["won"]).to_numpy()
    gone = dates.DAYS - 1 - senders["left"].to_numpy()
    days = active + after * gone
    row, _ = spread(rng.poisson(rate * np.exp(tie * senders["satisfaction"]) * days / dates.YEAR))
    passed = rng.random(len(row)) * days[row]
    beyond = np.maximum(passed - active[row], 0)
    return pd.DataFrame(
        {
            "customer_id": senders["customer_id"].to_numpy()[row],
            "date": senders["won"].to_numpy()[row] + np.floor(passed + beyond * (1 / after - 1)),
            "tone": tone,
            "people_told": 1 + rng.poisson(people, len(row)),
            "referred_customer_id": pd.array([pd.NA] * len(row), dtype="Int64"),
        }
    )


def _named_senders(rng: np.random.Generator, senders: pd.DataFrame, leads: pd.DataFrame) -> pd.DataFrame:
    """Return who sent the customers that came by referral: somebody won before, gladly a satisfied one.

    Whoever showed interest before there were customers with a tea card has no known sender.
    """
    won = senders["won"].to_numpy()  # sorted
    left = senders["left"].to_numpy()
    came = leads[(leads["channel"] == "referral") & leads["customer_id"].notna()]
    came = came[dates.days(came["created_on"]) > won[0]]
    asked = dates.days(came["created_on"])
    told = asked - rng.integers(0, RATES.lag, len(came), endpoint=True)
    pull = np.cumsum(np.exp(RATES.satisfaction_positive * senders["satisfaction"].to_numpy()))
    before = pull[np.searchsorted(won, asked) - 1]  # of all who were won on an earlier day
    sender = np.zeros(len(came), dtype=int)
    open_still = np.arange(len(came))
    while len(open_still):
        drawn = np.searchsorted(pull, rng.random(len(open_still)) * before[open_still])
        speaks = np.where(left[drawn] < told[open_still], RATES.left_positive, 1)
        found = rng.random(len(open_still)) < speaks
        sender[open_still[found]] = drawn[found]
        open_still = open_still[~found]
    return pd.DataFrame(
        {
            "customer_id": senders["customer_id"].to_numpy()[sender],
            "date": np.maximum(told, won[sender]),
            "tone": "positive",
            "people_told": 1 + rng.poisson(RATES.people_positive, len(came)),
            "referred_customer_id": came["customer_id"].to_numpy(),
        }
    ).astype({"referred_customer_id": "Int64"})
