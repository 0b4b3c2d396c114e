"""The event log of a sample: acts minutes apart make a visit, visits on neighbouring days serve a need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import spread
from ..numbers import grid, numbers
from ..registry import process
from .contacts import STAFFED
from .order_days import ORDER_CHANNELS

LOG = numbers(
    "event_log",
    sample=(0.04, "share", "of all consumers whose acts are logged"),
    unmet=(0.8, "per order", "needs that come to nothing"),
    more_visits=(1.3, "visits", "mean number beyond the first that serve a need, on the days before"),
    least_acts=(2, "acts", "of a visit"),
    more_acts=(2.2, "acts", "mean number beyond these"),
    pause=(4.0, "minutes", "mean pause between two acts, before it is cut to whole minutes"),
    shortest=(1, "minutes", "of a pause"),
    longest=(25, "minutes", "of a pause"),
)
OPEN = grid(
    "event_log",
    "open",
    ORDER_CHANNELS,
    ("from", "to"),
    [(540, 1260), (540, 1260), (540, 1260), (540, 1080)],
    "minute of the day",
    "in which visits by a channel begin and end; web and app are used by day and in the evening",
)
UNMET_BY = grid(
    "event_log",
    "unmet_by",
    ("share",),
    ORDER_CHANNELS,
    [(0.10, 0.45, 0.45, 0.0)],
    "share",
    "of the needs that come to nothing, by channel of the last visit",
)
ONLINE = ("web", "app")  # where visits before the last one take place
ACTS = {
    "shop": ("enter", "taste", "ask", "view"),
    "web": ("search", "view", "compare", "cart", "chat"),
    "app": ("search", "view", "compare", "cart", "chat"),
    "call": ("dial", "ask", "advise"),
}
DAY = 1440  # minutes


@process(tables=("event_log",), truth=("events",))
def event_log(
    draw: Callable[[str], np.random.Generator],
    ledger: pd.DataFrame,
    consumers: pd.DataFrame,
    dropout: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """Return the acts of a sample of consumers since they were won, and the episode and sequence of each."""
    n = len(consumers)
    sample = np.sort(draw("sample").permutation(n)[: int(np.ceil(LOG.sample * n))])
    won = dates.days(consumers["acquired_on"])
    needs = _needs(draw("needs"), ledger, sample, won, dropout)
    visits = _visits(draw("visits"), needs)
    visits = visits[visits["day"] >= won[visits["row"]]].reset_index(drop=True)
    events = _acts(draw("acts"), visits)
    events = events.sort_values(["minute", "row", "visit"], kind="stable", ignore_index=True)
    log = pd.DataFrame(
        {
            "event_id": events.index + 1,
            "customer_id": events["row"] + 1,
            "at": dates.START + pd.to_timedelta(events["minute"], unit="min"),
            "channel": events["channel"],
            "act": events["act"],
        }
    )
    truth = pd.DataFrame(
        {
            "event_id": events.index + 1,
            "episode_id": events["visit"] + 1,
            "sequence_id": events["need"] + 1,
        }
    )
    return {"event_log": log, "truth:events": truth}


def _needs(
    rng: np.random.Generator,
    ledger: pd.DataFrame,
    sample: np.ndarray,
    won: np.ndarray,
    dropout: np.ndarray,
) -> pd.DataFrame:
    """Return the needs of sampled consumers: those that end in an order, and those that come to nothing."""
    met = ledger[ledger["customer_id"].isin(sample + 1)]
    met = pd.DataFrame(
        {
            "row": met["customer_id"] - 1,
            "day": dates.days(met["order_date"]),
            "channel": met["channel"],
            "bought": 1,
        }
    )
    again = met["row"].to_numpy()[rng.random(len(met)) < LOG.unmet]
    end = np.floor(np.where(np.isnan(dropout), dates.DAYS - 1, dropout))[again]
    span = np.maximum(end - won[again] + 1, 1)
    unmet = pd.DataFrame(
        {
            "row": again,
            "day": won[again] + np.floor(rng.random(len(again)) * span).astype(int),
            "channel": rng.choice(ORDER_CHANNELS, len(again), p=UNMET_BY.loc["share"]),
            "bought": 0,
        }
    )
    needs = pd.concat([met, unmet], ignore_index=True)
    shut = dates.closed()[needs["day"]] & needs["channel"].isin(STAFFED)
    return needs[~shut].reset_index(drop=True)


def _visits(rng: np.random.Generator, needs: pd.DataFrame) -> pd.DataFrame:
    """Return the visits that serve each need: online on the days before, the last on its own day."""
    visits = 1 + rng.poisson(LOG.more_visits, len(needs))
    need, place = spread(visits)
    back = visits[need] - 1 - place
    out = needs.iloc[need].reset_index(drop=True)
    out["need"] = need
    out["day"] = out["day"] - back
    out["channel"] = np.where(back == 0, out["channel"], rng.choice(ONLINE, len(out)))
    out["bought"] = out["bought"] * (back == 0)
    return out


def _acts(rng: np.random.Generator, visits: pd.DataFrame) -> pd.DataFrame:
    """Return the acts of each visit; it begins at a time that lets it end before closing."""
    acts = LOG.least_acts + rng.poisson(LOG.more_acts, len(visits))
    visit, nth = spread(acts)
    pause = LOG.shortest + rng.exponential(LOG.pause, len(visit)).astype(int)
    pause = np.where(nth == 0, 0, np.minimum(pause, LOG.longest))
    elapsed = pd.Series(pause).groupby(visit).cumsum().to_numpy()
    lasts = elapsed[np.cumsum(acts) - 1]
    hours = OPEN.loc[visits["channel"]].to_numpy()
    begin = hours[:, 0] + np.floor(rng.random(len(visits)) * np.maximum(hours[:, 1] - hours[:, 0] - lasts, 1))
    minute = (visits["day"].to_numpy() * DAY + begin.astype(int))[visit] + elapsed
    out = visits.iloc[visit].reset_index(drop=True).assign(visit=visit, minute=minute)
    last = nth == acts[visit] - 1
    out["act"] = np.where(last & (out["bought"] == 1), "order", _words(rng, out["channel"]))
    return out


def _words(rng: np.random.Generator, channel: pd.Series) -> np.ndarray:
    """Draw an act that suits the channel."""
    out = np.empty(len(channel), dtype=object)
    for name, words in ACTS.items():
        here = (channel == name).to_numpy()
        out[here] = rng.choice(words, here.sum())
    return out.astype(str)
