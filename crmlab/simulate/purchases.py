"""Orders and what surrounds them: lines, incidents, contacts, care calls, the event log, referrals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betainc, betaincinv, expit, gammainc, gammaincinv, ndtr, ndtri

from . import parameters as par
from .core import chance, generator, pearson, pick
from .parameters import P

_HELD_BACK = (par.INTERVENTION - par.START).days  # days of history before the holdout year


def purchase_times(seed: int, people: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return BG/NBD purchases (row of the customer, day as a real number) and each customer's day of dropout.

    Given their number, the times of a Poisson process are uniform, and dropout follows the K-th repeat
    purchase with K geometric: so every customer can be drawn at once. Day of dropout is NaN for the living.
    """
    rng = generator(seed, "orders")
    n = len(people)
    first = (people["acquired_on"] - par.START).dt.days.to_numpy() + rng.random(n)
    count = rng.poisson(truth["purchase_rate"].to_numpy() / 7 * (par.DAYS - first))
    lifetime = rng.geometric(np.clip(truth["dropout_probability"].to_numpy(), 1e-12, 1))
    row = np.repeat(np.arange(n), count)
    day = first[row] + rng.random(len(row)) * (par.DAYS - first[row])
    order = np.lexsort((day, row))
    row, day = row[order], day[order]
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + 1
    dropout = np.full(n, np.nan)
    last = nth == lifetime[row]
    dropout[row[last]] = day[last]
    alive = nth <= lifetime[row]
    bought = pd.DataFrame(
        {"row": np.r_[np.arange(n), row[alive]], "day": np.r_[first, day[alive]]}, dtype=float
    ).astype({"row": int})
    return one_a_day(bought.sort_values(["row", "day"], ignore_index=True)), dropout


def one_a_day(bought: pd.DataFrame) -> pd.DataFrame:
    """Move a customer's second order of a day to the next free day, so that merging by day loses none."""
    nth = np.arange(len(bought))
    whole = np.floor(bought["day"].to_numpy()).astype(np.int64)
    free = (pd.Series(whole - nth).groupby(bought["row"]).cummax() + nth).to_numpy()
    moved = bought.assign(day=np.where(free > whole, free + 0.5, bought["day"]))
    return moved[moved["day"] < par.DAYS].reset_index(drop=True)


def driver_values(truth: pd.DataFrame, people: pd.DataFrame, dropout: np.ndarray) -> pd.DataFrame:
    """Return what raising one index by five points on 1 July 2025 would truly add to the next year's revenue.

    Only satisfaction acts on buying, so a driver works as far as it raises satisfaction. The sum runs over
    consumers won before that day and still there; with rate l and dropout probability p a customer is expected
    to buy (1 - exp(-l p t)) / p times in t weeks. Incidents and care calls are left out.
    """
    paths = pd.DataFrame(0.0, index=par.CONSTRUCTS, columns=par.CONSTRUCTS)
    for (cause, effect), value in par.STRUCTURAL.items():
        paths.loc[cause, effect] = value
    total = np.linalg.inv(np.eye(len(paths)) - paths.to_numpy())[:, par.CONSTRUCTS.index("satisfaction")]
    there = (people["acquired_on"] < par.INTERVENTION).to_numpy() & ~(dropout < _HELD_BACK)
    rate, chance_out, value = (
        truth.loc[there, c].to_numpy() for c in ("purchase_rate", "dropout_probability", "mean_order_value")
    )
    weeks = (par.TODAY - par.INTERVENTION).days / 7

    def revenue(lift: float) -> float:
        better_rate, better_chance = behaviour_after(rate, chance_out, lift)
        return float((value * -np.expm1(-better_rate * better_chance * weeks) / better_chance).sum())

    rows = []
    for driver, effect in zip(par.CONSTRUCTS, total, strict=True):
        loadings, _ = par.ITEMS[driver]
        shift = 0.45 / (par.ITEM_SD * np.mean(loadings))  # five index points are .45 on the 1-10 scale
        rows.append((driver, shift, effect * shift, revenue(effect * shift) - revenue(0.0)))
    return pd.DataFrame(rows, columns=["driver", "shift", "satisfaction_shift", "revenue_gain"])


def behaviour_after(rate: np.ndarray, dropout: np.ndarray, lift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return purchase rates and dropout probabilities after satisfaction has risen by `lift` for everybody."""
    z_rate = ndtri(gammainc(P["bgnbd", "r"], rate * P["bgnbd", "alpha"]))
    z_dropout = ndtri(betainc(P["bgnbd", "a"], P["bgnbd", "b"], dropout))
    z_rate = z_rate + pearson(P["bgnbd", "satisfaction_rate"]) * lift
    z_dropout = z_dropout + pearson(P["bgnbd", "satisfaction_dropout"]) * lift
    return (
        gammaincinv(P["bgnbd", "r"], ndtr(z_rate)) / P["bgnbd", "alpha"],
        np.maximum(betaincinv(P["bgnbd", "a"], P["bgnbd", "b"], ndtr(z_dropout)), 1e-12),
    )


def incidents(seed: int, bought: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's first bad experience of the last year, the answer to it and who left over it."""
    rng = generator(seed, "incidents")
    recent = bought[bought["day"] >= _HELD_BACK]
    satisfaction = truth["satisfaction"].to_numpy()
    wrong = chance(
        rng,
        P["incident", "intercept"] + P["incident", "satisfaction"] * satisfaction[recent["row"].to_numpy()],
    )
    out = recent[wrong].drop_duplicates("row").reset_index(drop=True)
    n = len(out)
    voice, exit_ = P["incident", "voice"], P["incident", "exit"]
    response = np.digitize(rng.random(n), [voice, voice + exit_])
    promised = rng.choice([24, 48, 72], n, p=[0.3, 0.45, 0.25])
    took = np.exp(rng.normal(np.log(40), 0.8, n))
    late = np.maximum(took - promised, 0) / 24
    recovered = chance(
        rng, P["incident", "recovery_intercept"] + P["incident", "recovery_per_day_late"] * late
    )
    voiced = response == 0
    leave = np.select(
        [voiced & recovered, voiced, response == 1],
        [P["incident", "leave_recovered"], P["incident", "leave_unrecovered"], 1.0],
        P["incident", "leave_silent"],
    )
    return out.assign(
        response=np.array(["voice", "exit", "silence"])[response],
        promised_hours=np.where(voiced, promised, 0),
        hours_to_resolve=np.where(voiced, took.round(1), np.nan),
        recovered=np.where(voiced, recovered, 0).astype(int),
        left=(rng.random(n) < leave).astype(int),
    )


def customer_care(
    seed: int, bought: pd.DataFrame, people: pd.DataFrame, dropout: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the randomised care calls of autumn 2025 and the extra orders that they brought about."""
    rng = generator(seed, "customer_care")
    assigned = (pd.Timestamp("2025-09-01") - par.START).days
    eligible = np.unique(bought.loc[bought["day"].between(assigned - 365, assigned), "row"])
    calls = rng.permutation(np.arange(len(eligible)) % 4)
    # A customer who has left cannot be called back by a friendly word; the incident rule comes on top.
    alive = ~(dropout[eligible] < assigned)
    lift = np.array([0.0, *(P["customer_care", f"extra_{k}"] for k in (1, 2, 3))])
    extra = alive & (rng.random(len(eligible)) < lift[calls])
    day = assigned + 7 + 53 * rng.random(len(eligible))
    trial = pd.DataFrame(
        {
            "customer_id": people["customer_id"].to_numpy()[eligible],
            "assigned_on": pd.Timestamp("2025-09-01"),
            "care_calls": calls,
        }
    )
    return trial, pd.DataFrame({"row": eligible[extra], "day": day[extra]})


def orders(
    seed: int,
    people: pd.DataFrame,
    truth: pd.DataFrame,
    bought: pd.DataFrame,
    extra: pd.DataFrame,
    trouble: pd.DataFrame,
) -> pd.DataFrame:
    """Return the order ledger: purchases and extra orders, less those of customers who left in anger."""
    everything = pd.concat([bought, extra], ignore_index=True).sort_values(["row", "day"], ignore_index=True)
    everything = one_a_day(everything)
    left = np.full(len(people), np.inf)
    angry = trouble[trouble["left"] == 1]
    left[angry["row"].to_numpy()] = angry["day"].to_numpy()
    everything = everything[everything["day"] <= left[everything["row"].to_numpy()]]
    everything = everything.sort_values(["day", "row"], ignore_index=True)
    # Amounts and channels are drawn per customer's own stream position: kept apart from the times.
    rng = generator(seed, "order_values")
    row = everything["row"].to_numpy()
    shape = P["gamma_gamma", "p"]
    amount = rng.gamma(shape, size=len(row)) * truth["mean_order_value"].to_numpy()[row] / shape
    kind = pd.Categorical(truth["buyer_class"], categories=list(par.CLASSES)).codes[row]
    return pd.DataFrame(
        {
            "order_id": np.arange(1, len(row) + 1),
            "customer_id": people["customer_id"].to_numpy()[row],
            "order_date": par.START + pd.to_timedelta(everything["day"].to_numpy().astype(int), unit="D"),
            "channel": np.array(par.ORDER_CHANNELS)[pick(rng, np.array(par.CHANNEL_BY_CLASS)[kind])],
            "amount": np.maximum(amount, 1.0).round(2),
        }
    )


def order_lines(seed: int, ledger: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of every order; their amounts add up to the order's amount to the fen."""
    rng = generator(seed, "order_lines")
    n, width = len(ledger), len(par.LINES)
    kind = pd.Categorical(truth["buyer_class"], categories=list(par.CLASSES)).codes
    affinity = np.array(par.LINE_AFFINITY)[kind[ledger["customer_id"].to_numpy() - 1]]
    month = ledger["order_date"].dt.month.to_numpy()
    affinity[:, 0] *= np.where(np.isin(month, (3, 4, 5)), 1.8, 1.0)
    affinity[:, 4] *= np.where(np.isin(month, (1, 9)), 2.5, 1.0)
    # Gumbel top-k: `size` different lines, drawn by affinity without replacement.
    rank = np.argsort(-(np.log(affinity) + rng.gumbel(size=(n, width))), axis=1)
    size = 1 + rng.binomial(2, 0.35, n)
    share = rng.gamma(2.0, size=(n, 3)) * (np.arange(3) < size[:, None])
    fen = np.rint(ledger["amount"].to_numpy() * 100).astype(np.int64)
    part = (share / share.sum(axis=1, keepdims=True) * fen[:, None]).astype(np.int64)
    part[:, 0] += fen - part.sum(axis=1)
    order, place = np.nonzero(part > 0)
    line = rank[order, place]
    remote = np.isin(ledger["channel"].to_numpy()[order], ("web", "app", "call"))
    usual = np.where(remote, 0.04, 0.015) * np.where(line == 5, 2.0, 1.0)
    # A few send back most of what they order: some of the best buyers cost more than they bring.
    own = generator(seed, "returns").random(len(truth))
    habit = own < np.array(par.SERIAL_RETURNERS)[kind]
    often = np.where(remote, par.SERIAL_RETURN_SHARE, 0.5 * par.SERIAL_RETURN_SHARE)
    sender = ledger["customer_id"].to_numpy()[order] - 1
    returned = rng.random(len(order)) < np.where(habit[sender], often, usual)
    out = pd.DataFrame(
        {
            "order_id": ledger["order_id"].to_numpy()[order],
            "product_line": np.array(par.LINES)[line],
            "amount": part[order, place] / 100,
            "returned": returned.astype(int),
        }
    )
    out.insert(1, "line_no", out.groupby("order_id").cumcount() + 1)
    return out


def contacts(
    seed: int, ledger: pd.DataFrame, truth: pd.DataFrame, trouble: pd.DataFrame, trial: pd.DataFrame
) -> pd.DataFrame:
    """Return the contact centre's records of the last year, with complaints and care calls."""
    rng = generator(seed, "contacts")
    recent = ledger[ledger["order_date"] >= par.INTERVENTION]
    reasons = ("enquiry", "purchase", "delivery", "after_sales")
    how_often = (0.14, 0.12, 0.16, 0.07)
    mood = {"shop": 0.35, "web": -0.05, "app": 0.15, "call": -0.25}
    delay = {"enquiry": -1, "purchase": 0, "delivery": 3, "after_sales": 9}
    hard = {"enquiry": 0.1, "purchase": 0.2, "delivery": -0.25, "after_sales": -0.35}
    satisfaction = truth["satisfaction"].to_numpy()
    parts = []
    for reason, share in zip(reasons, how_often, strict=True):
        chosen = recent[rng.random(len(recent)) < share]
        if reason == "delivery":
            chosen = chosen[chosen["channel"] != "shop"]
        # The app loses parcels: its deliveries are the weakest link of the journey.
        weak = np.where((chosen["channel"] == "app") & (reason == "delivery"), -1.1, 0.0)
        feeling = (
            3.6
            + 0.45 * satisfaction[chosen["customer_id"].to_numpy() - 1]
            + chosen["channel"].map(mood).to_numpy(dtype=float)
            + hard[reason]
            + weak
            + rng.normal(0, 0.8, len(chosen))
        )
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": chosen["customer_id"].to_numpy(),
                    "date": chosen["order_date"].to_numpy() + np.timedelta64(delay[reason], "D"),
                    "channel": chosen["channel"].to_numpy(),
                    "reason": reason,
                    "rating": np.where(
                        rng.random(len(chosen)) < 0.12, np.nan, np.clip(feeling.round(), 1, 5)
                    ),
                }
            )
        )
    voiced = trouble[trouble["response"] == "voice"]
    parts.append(
        pd.DataFrame(
            {
                "customer_id": truth["customer_id"].to_numpy()[voiced["row"].to_numpy()],
                "date": par.START + pd.to_timedelta(voiced["day"].to_numpy().astype(int), unit="D"),
                "channel": rng.choice(["shop", "web", "app", "call"], len(voiced), p=[0.2, 0.2, 0.2, 0.4]),
                "reason": "complaint",
                "rating": np.clip(
                    np.where(voiced["recovered"] == 1, 3.9, 1.8) + rng.normal(0, 0.6, len(voiced)), 1, 5
                ).round(),
                "promised_hours": voiced["promised_hours"].to_numpy(),
                "hours_to_resolve": voiced["hours_to_resolve"].to_numpy(),
                "recovered": voiced["recovered"].to_numpy(),
            }
        )
    )
    repeat = np.repeat(trial["customer_id"].to_numpy(), trial["care_calls"])
    week = np.concatenate([np.arange(k) for k in trial["care_calls"]]) if len(repeat) else np.array([], int)
    parts.append(
        pd.DataFrame(
            {
                "customer_id": repeat,
                "date": pd.Timestamp("2025-09-01")
                + pd.to_timedelta(2 * week + rng.integers(0, 2, len(repeat)), unit="D"),
                "channel": "call",
                "reason": "care",
                "rating": np.nan,
            }
        )
    )
    out = pd.concat(parts, ignore_index=True)
    out = out[(out["date"] >= par.INTERVENTION) & (out["date"] <= par.TODAY)]
    out = out.sort_values(["date", "customer_id", "reason"], kind="stable", ignore_index=True)
    out.insert(0, "contact_id", np.arange(1, len(out) + 1))
    return out.astype({c: "Int64" for c in ("rating", "promised_hours", "recovered")})


def event_log(seed: int, ledger: pd.DataFrame, people: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the acts of a sample of customers in the last year, and to which episode and sequence each belongs.

    A sequence is a need being met: visits (episodes) over some days, each made of acts minutes apart.
    """
    rng = generator(seed, "event_log")
    recent = ledger.loc[ledger["order_date"] >= par.INTERVENTION, ["customer_id", "order_date", "channel"]]
    buyers = np.unique(recent["customer_id"])
    sampled = rng.permutation(buyers)[: int(np.ceil(0.08 * len(people)))]
    ends = recent[recent["customer_id"].isin(sampled)].drop_duplicates(["customer_id", "order_date"])
    wanderers = rng.choice(sampled, int(0.8 * len(ends))) if len(sampled) else np.array([], int)
    idle = pd.DataFrame(
        {
            "customer_id": wanderers,
            "order_date": par.INTERVENTION + pd.to_timedelta(rng.integers(3, 365, len(wanderers)), unit="D"),
            "channel": rng.choice(["web", "app", "shop"], len(wanderers), p=[0.45, 0.45, 0.10]),
        }
    )
    sequences = pd.concat([ends.assign(bought=1), idle.assign(bought=0)], ignore_index=True)
    episodes = 1 + rng.poisson(1.3, len(sequences))
    seq = np.repeat(np.arange(len(sequences)), episodes)
    position = np.concatenate([np.arange(k) for k in episodes[::1]]) if len(seq) else np.array([], int)
    back = episodes[seq] - 1 - position  # episodes still to come: the last one falls on the order's date
    day = (sequences["order_date"].to_numpy()[seq] - par.START.to_datetime64()) // np.timedelta64(1, "D")
    start = (day - back) * 1440 + rng.integers(9 * 60, 20 * 60, len(seq))
    channel = np.where(back == 0, sequences["channel"].to_numpy()[seq], rng.choice(["web", "app"], len(seq)))
    acts = 2 + rng.poisson(2.2, len(seq))
    ep = np.repeat(np.arange(len(seq)), acts)
    nth = np.concatenate([np.arange(k) for k in acts]) if len(ep) else np.array([], int)
    gap = np.minimum(1 + rng.exponential(4.0, len(ep)).astype(int), 25)
    gap[nth == 0] = 0
    elapsed = np.cumsum(gap)
    elapsed -= np.repeat(elapsed[np.cumsum(acts) - acts], acts) if len(ep) else 0
    final = (nth == acts[ep] - 1) & (back[ep] == 0) & (sequences["bought"].to_numpy()[seq[ep]] == 1)
    ordinary = {
        "web": ("search", "view", "compare", "cart", "chat"),
        "app": ("search", "view", "compare", "cart", "chat"),
        "shop": ("enter", "taste", "ask", "view"),
        "call": ("dial", "ask", "advise"),
    }
    act = np.empty(len(ep), dtype=object)
    for name, words in ordinary.items():
        here = channel[ep] == name
        act[here] = rng.choice(words, int(here.sum()))
    act[final] = "order"
    out = pd.DataFrame(
        {
            "customer_id": sequences["customer_id"].to_numpy()[seq[ep]],
            "at": par.START + pd.to_timedelta(start[ep] + elapsed, unit="min"),
            "channel": channel[ep],
            "act": act.astype(str),
            "episode_id": ep + 1,
            "sequence_id": seq[ep] + 1,
        }
    )
    out = out[(out["at"] >= par.INTERVENTION) & (out["at"] < par.TODAY + pd.Timedelta(days=1))]
    out = out.sort_values(["at", "customer_id", "episode_id"], kind="stable", ignore_index=True)
    out.insert(0, "event_id", np.arange(1, len(out) + 1))
    return out.drop(columns=["episode_id", "sequence_id"]), out[["event_id", "episode_id", "sequence_id"]]


def referrals(seed: int, people: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return who spoke well or badly of the house, to how many, and which customer came of it."""
    rng = generator(seed, "referrals")
    n = len(people)
    years = (par.TODAY - people["acquired_on"]).dt.days.to_numpy() / 365.25
    satisfaction = truth["satisfaction"].to_numpy()
    parts = []
    for tone in ("positive", "negative"):
        rate = P["referrals", f"{tone}_rate"] * np.exp(P["referrals", f"satisfaction_{tone}"] * satisfaction)
        row = np.repeat(np.arange(n), rng.poisson(rate * years))
        later = (rng.random(len(row)) * years[row] * 365.25).astype(int)
        told = 1 + rng.poisson(1.0 if tone == "positive" else 2.2, len(row))
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": people["customer_id"].to_numpy()[row],
                    "date": people["acquired_on"].to_numpy()[row] + later.astype("timedelta64[D]"),
                    "tone": tone,
                    "people_told": told,
                    "referred_customer_id": pd.array([pd.NA] * len(row), dtype="Int64"),
                }
            )
        )
    # Customers who came by referral name the one who sent them: somebody won before, gladly a satisfied one.
    came = np.flatnonzero(
        (people["acquisition_channel"] == "referral").to_numpy()
        & (people["acquired_on"] > people["acquired_on"].min()).to_numpy()
    )
    pull = np.cumsum(np.exp(P["referrals", "satisfaction_positive"] * satisfaction))
    before = np.searchsorted(people["acquired_on"].to_numpy(), people["acquired_on"].to_numpy()[came])
    sender = np.searchsorted(pull, rng.random(len(came)) * pull[np.maximum(before - 1, 0)])
    lag = rng.integers(0, 31, len(came)).astype("timedelta64[D]")
    date = np.maximum(people["acquired_on"].to_numpy()[came] - lag, people["acquired_on"].to_numpy()[sender])
    parts.append(
        pd.DataFrame(
            {
                "customer_id": people["customer_id"].to_numpy()[sender],
                "date": date,
                "tone": "positive",
                "people_told": 1 + rng.poisson(1.0, len(came)),
                "referred_customer_id": people["customer_id"].astype("Int64").to_numpy()[came],
            }
        ).astype({"referred_customer_id": "Int64"})
    )
    out = pd.concat(parts, ignore_index=True)
    out = out.sort_values(["date", "customer_id", "people_told"], kind="stable", ignore_index=True)
    out.insert(0, "referral_id", np.arange(1, len(out) + 1))
    return out


def repurchase_given_satisfaction(visit: np.ndarray) -> np.ndarray:
    """Return the probability of buying again at a satisfaction with the visit (1-10): flat between two knees."""
    low, threshold = 6.5, P["delight", "threshold"]
    logit = (
        P["delight", "intercept"]
        + P["delight", "below"] * (np.minimum(visit, low) - 4)
        + P["delight", "zone"] * np.clip(visit - low, 0, threshold - low)
        + P["delight", "above"] * np.maximum(visit - threshold, 0)
    )
    return expit(logit)
