"""What customers do and say besides ordering: contacts, complaints, the event log, referrals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import parameters as par
from .core import generator, spread
from .parameters import P

_REASONS = {  # of an ordinary contact: contacts per order, days after the order, what it adds to the rating
    "enquiry": (0.14, -1, 0.1),
    "purchase": (0.12, 0, 0.2),
    "delivery": (0.16, 3, -0.25),
    "after_sales": (0.07, 9, -0.35),
}
_MOOD = {"shop": 0.35, "web": -0.05, "app": 0.15, "call": -0.25}  # what a channel adds to the rating
_ACTS = {
    "web": ("search", "view", "compare", "cart", "chat"),
    "app": ("search", "view", "compare", "cart", "chat"),
    "shop": ("enter", "taste", "ask", "view"),
    "call": ("dial", "ask", "advise"),
}


def contacts(
    seed: int, ledger: pd.DataFrame, truth: pd.DataFrame, trouble: pd.DataFrame, trial: pd.DataFrame
) -> pd.DataFrame:
    """Return the contact centre's records of the last year, with complaints and care calls."""
    rng = generator(seed, "contacts")
    recent = ledger[ledger["order_date"] >= par.INTERVENTION]
    satisfaction = truth["satisfaction"].to_numpy()
    parts = [_about_orders(rng, recent, reason, satisfaction) for reason in _REASONS]
    parts.append(_complaints(rng, trouble[trouble["response"] == "voice"], truth))
    parts.append(_care_calls(rng, trial))
    out = pd.concat(parts, ignore_index=True)
    out = out[out["date"].between(par.INTERVENTION, par.TODAY)]
    out = out.sort_values(["date", "customer_id", "reason"], kind="stable", ignore_index=True)
    out.insert(0, "contact_id", np.arange(1, len(out) + 1))
    return out.astype({c: "Int64" for c in ("rating", "promised_hours", "recovered")})


def _about_orders(
    rng: np.random.Generator, orders: pd.DataFrame, reason: str, satisfaction: np.ndarray
) -> pd.DataFrame:
    """Return the contacts that one reason brings about, with their ratings."""
    share, delay, ease = _REASONS[reason]
    chosen = orders[rng.random(len(orders)) < share]
    if reason == "delivery":
        chosen = chosen[chosen["channel"] != "shop"]
    # The app loses parcels: its deliveries are the weakest link of the journey.
    weak = np.where((chosen["channel"] == "app") & (reason == "delivery"), -1.1, 0.0)
    feeling = (
        3.6
        + 0.45 * satisfaction[chosen["customer_id"].to_numpy() - 1]
        + chosen["channel"].map(_MOOD).to_numpy(dtype=float)
        + ease
        + weak
        + rng.normal(0, 0.8, len(chosen))
    )
    silent = rng.random(len(chosen)) < 0.12
    return pd.DataFrame(
        {
            "customer_id": chosen["customer_id"].to_numpy(),
            "date": chosen["order_date"].to_numpy() + np.timedelta64(delay, "D"),
            "channel": chosen["channel"].to_numpy(),
            "reason": reason,
            "rating": np.where(silent, np.nan, np.clip(feeling.round(), 1, 5)),
        }
    )


def _complaints(rng: np.random.Generator, voiced: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the complaints over incidents; whoever was not helped rates the house badly."""
    n = len(voiced)
    channel = rng.choice(par.ORDER_CHANNELS, n, p=[0.2, 0.2, 0.2, 0.4])
    feeling = np.where(voiced["recovered"] == 1, 3.9, 1.8) + rng.normal(0, 0.6, n)
    return pd.DataFrame(
        {
            "customer_id": truth["customer_id"].to_numpy()[voiced["row"].to_numpy()],
            "date": par.START + pd.to_timedelta(voiced["day"].to_numpy().astype(int), unit="D"),
            "channel": channel,
            "reason": "complaint",
            "rating": np.clip(feeling, 1, 5).round(),
            "promised_hours": voiced["promised_hours"].to_numpy(),
            "hours_to_resolve": voiced["hours_to_resolve"].to_numpy(),
            "recovered": voiced["recovered"].to_numpy(),
        }
    )


def _care_calls(rng: np.random.Generator, trial: pd.DataFrame) -> pd.DataFrame:
    """Return the calls of the care trial, each in two days of its own."""
    row, nth = spread(trial["care_calls"].to_numpy())
    day = 2 * nth + rng.integers(0, 2, len(row))
    return pd.DataFrame(
        {
            "customer_id": trial["customer_id"].to_numpy()[row],
            "date": trial["assigned_on"].to_numpy()[row] + pd.to_timedelta(day, unit="D"),
            "channel": "call",
            "reason": "care",
            "rating": np.nan,
        }
    )


def event_log(seed: int, ledger: pd.DataFrame, people: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the acts of a sample of customers in the last year, and the episode and sequence of each.

    A sequence is a need being met: visits (episodes) over some days, each made of acts minutes apart.
    """
    rng = generator(seed, "event_log")
    sequences = _sequences(rng, ledger, len(people))
    episodes = 1 + rng.poisson(1.3, len(sequences))
    sequence, place = spread(episodes)
    of = sequences.iloc[sequence].reset_index(drop=True)  # one row an episode
    back = episodes[sequence] - 1 - place  # episodes still to come: the last one falls on the order's date
    day = (of["date"] - par.START).dt.days.to_numpy()
    start = (day - back) * 1440 + rng.integers(9 * 60, 20 * 60, len(of))
    channel = np.where(back == 0, of["channel"], rng.choice(["web", "app"], len(of)))
    acts = 2 + rng.poisson(2.2, len(of))
    episode, nth = spread(acts)
    minute = start[episode] + _minutes_elapsed(rng, episode, nth)
    final = (nth == acts[episode] - 1) & ((back == 0) & (of["bought"] == 1)).to_numpy()[episode]
    act = np.empty(len(episode), dtype=object)
    for name, words in _ACTS.items():
        here = channel[episode] == name
        act[here] = rng.choice(words, int(here.sum()))
    act[final] = "order"
    out = pd.DataFrame(
        {
            "customer_id": of["customer_id"].to_numpy()[episode],
            "at": par.START + pd.to_timedelta(minute, unit="min"),
            "channel": channel[episode],
            "act": act.astype(str),
            "episode_id": episode + 1,
            "sequence_id": sequence[episode] + 1,
        }
    )
    out = out[(out["at"] >= par.INTERVENTION) & (out["at"] < par.TODAY + pd.Timedelta(days=1))]
    out = out.sort_values(["at", "customer_id", "episode_id"], kind="stable", ignore_index=True)
    out.insert(0, "event_id", np.arange(1, len(out) + 1))
    return out.drop(columns=["episode_id", "sequence_id"]), out[["event_id", "episode_id", "sequence_id"]]


def _sequences(rng: np.random.Generator, ledger: pd.DataFrame, customers: int) -> pd.DataFrame:
    """Return the needs of sampled customers: those that end in an order, and those that come to nothing."""
    recent = ledger[ledger["order_date"] >= par.INTERVENTION]
    sampled = rng.permutation(np.unique(recent["customer_id"]))[: int(np.ceil(0.08 * customers))]
    met = recent.loc[recent["customer_id"].isin(sampled), ["customer_id", "order_date", "channel"]]
    met = met.rename(columns={"order_date": "date"})
    n = int(0.8 * len(met))
    unmet = pd.DataFrame(
        {
            "customer_id": rng.choice(sampled, n) if n else sampled[:0],
            "date": par.INTERVENTION + pd.to_timedelta(rng.integers(3, 365, n), unit="D"),
            "channel": rng.choice(["web", "app", "shop"], n, p=[0.45, 0.45, 0.10]),
        }
    )
    return pd.concat([met.assign(bought=1), unmet.assign(bought=0)], ignore_index=True)


def _minutes_elapsed(rng: np.random.Generator, episode: np.ndarray, nth: np.ndarray) -> np.ndarray:
    """Return minutes since the episode began; acts follow each other within 25 minutes."""
    gap = np.minimum(1 + rng.exponential(4.0, len(nth)).astype(int), 25)
    gap[nth == 0] = 0
    return pd.Series(gap).groupby(episode).cumsum().to_numpy()


def referrals(seed: int, people: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return who spoke well or badly of the house, to how many, and which customer came of it."""
    rng = generator(seed, "referrals")
    satisfaction = truth["satisfaction"].to_numpy()
    parts = [_told(rng, people, satisfaction, tone) for tone in ("positive", "negative")]
    parts.append(_named_senders(rng, people, satisfaction))
    out = pd.concat(parts, ignore_index=True)
    out = out.sort_values(["date", "customer_id", "people_told"], kind="stable", ignore_index=True)
    out.insert(0, "referral_id", np.arange(1, len(out) + 1))
    return out


def _told(
    rng: np.random.Generator, people: pd.DataFrame, satisfaction: np.ndarray, tone: str
) -> pd.DataFrame:
    """Return what was said without bringing anybody, from the day on which a customer was won."""
    years = (par.TODAY - people["acquired_on"]).dt.days.to_numpy() / 365.25
    rate = P["referrals", f"{tone}_rate"] * np.exp(P["referrals", f"satisfaction_{tone}"] * satisfaction)
    row, _ = spread(rng.poisson(rate * years))
    later = (rng.random(len(row)) * years[row] * 365.25).astype(int)
    return pd.DataFrame(
        {
            "customer_id": people["customer_id"].to_numpy()[row],
            "date": people["acquired_on"].to_numpy()[row] + later.astype("timedelta64[D]"),
            "tone": tone,
            "people_told": 1 + rng.poisson(1.0 if tone == "positive" else 2.2, len(row)),
            "referred_customer_id": pd.array([pd.NA] * len(row), dtype="Int64"),
        }
    )


def _named_senders(rng: np.random.Generator, people: pd.DataFrame, satisfaction: np.ndarray) -> pd.DataFrame:
    """Return who sent the customers that came by referral: somebody won before, gladly a satisfied one."""
    won = people["acquired_on"].to_numpy()  # sorted
    by_referral = (people["acquisition_channel"] == "referral").to_numpy()
    came = np.flatnonzero(by_referral & (won > won[0]))
    pull = np.cumsum(np.exp(P["referrals", "satisfaction_positive"] * satisfaction))
    before = np.searchsorted(won, won[came])  # how many were won on an earlier day
    sender = np.searchsorted(pull, rng.random(len(came)) * pull[before - 1])
    lag = rng.integers(0, 31, len(came)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": people["customer_id"].to_numpy()[sender],
            "date": np.maximum(won[came] - lag, won[sender]),
            "tone": "positive",
            "people_told": 1 + rng.poisson(1.0, len(came)),
            "referred_customer_id": people["customer_id"].astype("Int64").to_numpy()[came],
        }
    ).astype({"referred_customer_id": "Int64"})
