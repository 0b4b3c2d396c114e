"""The event log of a sample: acts minutes apart make a visit, visits on neighbouring days serve a need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick, spread
from ..numbers import grid, numbers
from ..registry import process
from .contacts import STAFFED
from .order_days import ORDER_CHANNELS

LOG = numbers(
    "event_log",
    sample=(0.04, "share", "of all consumers whose acts are logged"),
    unmet=(0.8, "per order", "needs that come to nothing"),
    more_visits=(1.3, "visits", "mean number beyond the first that serve a need, on the days before"),
    apart=(719, "minutes", "by which the next visit for a need may begin later in the day, at most"),
    least_acts=(2, "acts", "of a visit; one more where it ends in an order on web or app"),
    more_acts=(2.2, "acts", "mean number beyond these"),
    pause=(4.0, "minutes", "mean pause between two acts, before it is cut to whole minutes"),
    shortest=(1, "minutes", "of a pause"),
    longest=(25, "minutes", "of a pause"),
    browse_on=(0.33, "share", "of those who have left who go on having needs that come to nothing"),
    browse_days=(60.0, "days", "mean time for which they do, as often as before"),
)
OPEN = grid(
    "event_log",
    "open",
    ORDER_CHANNELS,
    ("from", "to"),
    [(540, 1260), (480, 1410), (480, 1410), (540, 1080)],
    "minute of the day",
    "in which visits by a channel begin and end",
)
HOUR = grid(
    "event_log",
    "hour",
    ORDER_CHANNELS,
    ("first_shape", "second_shape"),
    [(1.4, 1.4), (2.4, 1.3), (2.4, 1.3), (1.2, 1.5)],
    "none",
    "of the time of day at which visits begin (Beta over these hours): web and app have their peak at night",
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
FIRST = {"shop": "enter", "web": "search", "app": "search", "call": "dial"}  # act of a visit, and only then
WORDS = ("view", "compare", "cart", "chat", "taste", "ask", "advise")
ACTS = grid(
    "event_log",
    "act",
    ORDER_CHANNELS,
    WORDS,
    [
        (0.30, 0.0, 0.0, 0.0, 0.45, 0.25, 0.0),
        (0.45, 0.25, 0.15, 0.15, 0.0, 0.0, 0.0),
        (0.45, 0.25, 0.15, 0.15, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5),
    ],
    "share",
    "of acts after the first, other than the order and the cart before it",
)
DAY = 1440  # minutes


@process(tables=("event_log",), truth=("events",))
def event_log(
    draw: Callable[[str], np.random.Generator],
    ledger: pd.DataFrame,
    consumers: pd.DataFrame,
    behaviour: pd.DataFrame,
    dropout: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """Return the acts of a sample of consumers since they were won, and the episode and sequence of each."""
    n = len(consumers)
    sample = np.sort(draw("sample").permutation(n)[: int(np.ceil(LOG.sample * n))])
    won = dates.days(consumers["acquired_on"])
    after = _after_leaving(draw("after_leaving"), sample, behaviour, dropout)
    needs = _needs(draw("needs"), ledger, sample, won, dropout, after)
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
    after: pd.DataFrame,
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
    before = pd.DataFrame(
        {"row": again, "day": won[again] + np.floor(rng.random(len(again)) * span).astype(int)}
    )
    unmet = pd.concat([before, after], ignore_index=True)
    unmet["channel"] = rng.choice(ORDER_CHANNELS, len(unmet), p=UNMET_BY.loc["share"])
    unmet["bought"] = 0
    needs = pd.concat([met, unmet], ignore_index=True)
    shut = dates.closed()[needs["day"]] & needs["channel"].isin(STAFFED)
    return needs[~shut].reset_index(drop=True)


def _after_leaving(
    rng: np.random.Generator, sample: np.ndarray, behaviour: pd.DataFrame, dropout: np.ndarray
) -> pd.DataFrame:
    """Return row and day of the needs of those who look on for a while after leaving, but buy no more."""
    left = sample[~np.isnan(dropout[sample])]
    left = left[rng.random(len(left)) < LOG.browse_on]
    days = rng.exponential(LOG.browse_days, len(left))
    daily = LOG.unmet * behaviour["purchase_rate"].to_numpy()[left] / dates.WEEK
    who, _ = spread(rng.poisson(daily * days))
    day = dropout[left[who]] + rng.random(len(who)) * days[who]
    out = pd.DataFrame({"row": left[who], "day": np.floor(day).astype(int) + 1})
    return out[out["day"] < dates.DAYS]


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
    """Return the acts of each visit: a fixed first one, then others; an online order follows the cart."""
    bought = (visits["bought"] == 1).to_numpy()
    in_cart = bought & visits["channel"].isin(ONLINE).to_numpy()
    acts = LOG.least_acts + in_cart + rng.poisson(LOG.more_acts, len(visits))
    visit, nth = spread(acts)
    pause = LOG.shortest + rng.exponential(LOG.pause, len(visit)).astype(int)
    pause = np.where(nth == 0, 0, np.minimum(pause, LOG.longest))
    elapsed = pd.Series(pause).groupby(visit).cumsum().to_numpy()
    begin = _begins(rng, visits, elapsed[np.cumsum(acts) - 1])
    minute = (visits["day"].to_numpy() * DAY + begin)[visit] + elapsed
    out = visits.iloc[visit].reset_index(drop=True).assign(visit=visit, minute=minute)
    to_come = acts[visit] - 1 - nth
    word = np.array(WORDS)[pick(rng, ACTS.loc[out["channel"]].to_numpy())]
    out["act"] = np.select(
        [nth == 0, bought[visit] & (to_come == 0), in_cart[visit] & (to_come == 1)],
        [out["channel"].map(FIRST).to_numpy(dtype=str), "order", "cart"],
        word,
    )
    return out


def _begins(rng: np.random.Generator, visits: pd.DataFrame, lasts: np.ndarray) -> np.ndarray:
    """Return the minute of the day at which each visit begins, early enough to end before closing.

    Less than 36 hours pass between two visits for a need.
    """
    hours = OPEN.loc[visits["channel"]].to_numpy()
    room = np.maximum(hours[:, 1] - hours[:, 0] - lasts, 1)
    begin = hours[:, 0] + np.floor(rng.beta(*HOUR.loc[visits["channel"]].to_numpy().T) * room)
    allowed = LOG.apart * visits["day"]
    return ((begin - allowed).groupby(visits["need"]).cummin() + allowed).to_numpy().astype(int)
