"""Orders and what surrounds them: times, amounts, lines, incidents and care calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betainc, betaincinv, gammainc, gammaincinv, ndtr, ndtri

from . import parameters as par
from .core import chance, generator, pearson, pick, spread
from .parameters import P

_HELD_BACK = (par.INTERVENTION - par.START).days  # days of history before the holdout year
_CARE_CALLS = pd.Timestamp("2025-09-01")  # the day on which the calls of autumn are assigned


def purchase_times(seed: int, people: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return BG/NBD purchases (the customer's row, the day as a real number) and the days of dropout.

    Given their number, the times of a Poisson process are uniform, and dropout follows the K-th repeat
    purchase with K geometric: so every customer can be drawn at once. Day of dropout is NaN for the living.
    """
    rng = generator(seed, "orders")
    n = len(people)
    first = (people["acquired_on"] - par.START).dt.days.to_numpy() + rng.random(n)
    count = rng.poisson(truth["purchase_rate"].to_numpy() / 7 * (par.DAYS - first))
    lifetime = rng.geometric(np.clip(truth["dropout_probability"].to_numpy(), 1e-12, 1))
    row, place = spread(count)
    day = first[row] + rng.random(len(row)) * (par.DAYS - first[row])
    day = day[np.lexsort((day, row))]  # sorted within each customer; `row` is sorted already
    nth = place + 1
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
    consumers won before that day and still there; with rate l and dropout probability p a customer is
    expected to buy (1 - exp(-l p t)) / p times in t weeks. Incidents and care calls are left out.
    """
    paths = pd.DataFrame(0.0, index=par.CONSTRUCTS, columns=par.CONSTRUCTS)
    for (cause, effect), value in par.STRUCTURAL.items():
        paths.loc[cause, effect] = value
    total = np.linalg.inv(np.eye(len(paths)) - paths.to_numpy())[:, par.CONSTRUCTS.index("satisfaction")]
    there = (people["acquired_on"] < par.INTERVENTION).to_numpy() & ~(dropout < _HELD_BACK)
    rate = truth.loc[there, "purchase_rate"].to_numpy()
    chance_out = truth.loc[there, "dropout_probability"].to_numpy()
    value = truth.loc[there, "mean_order_value"].to_numpy()
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
    """Return purchase rates and dropout probabilities after everybody's satisfaction rose by `lift`."""
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
    satisfaction = truth["satisfaction"].to_numpy()[recent["row"].to_numpy()]
    wrong = chance(rng, P["incident", "intercept"] + P["incident", "satisfaction"] * satisfaction)
    out = recent[wrong].drop_duplicates("row").reset_index(drop=True)
    n = len(out)
    voice = P["incident", "voice"]
    response = np.digitize(rng.random(n), [voice, voice + P["incident", "exit"]])
    promised = rng.choice([24, 48, 72], n, p=[0.3, 0.45, 0.25])
    took = np.exp(rng.normal(np.log(40), 0.8, n))
    late = np.maximum(took - promised, 0) / 24
    logit = P["incident", "recovery_intercept"] + P["incident", "recovery_per_day_late"] * late
    recovered = chance(rng, logit)
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
    assigned = (_CARE_CALLS - par.START).days
    eligible = np.unique(bought.loc[bought["day"].between(assigned - 365, assigned), "row"])
    calls = rng.permutation(np.arange(len(eligible)) % 4)
    # A customer who has left cannot be called back by a friendly word; the incident rule comes on top.
    alive = ~(dropout[eligible] < assigned)
    lift = np.array([0.0, *(P["customer_care", f"extra_{k}"] for k in (1, 2, 3))])
    extra = alive & (rng.random(len(eligible)) < lift[calls])
    day = assigned + 7 + 53 * rng.random(len(eligible))  # within 60 days, after the first call has had time
    trial = pd.DataFrame(
        {
            "customer_id": people["customer_id"].to_numpy()[eligible],
            "assigned_on": _CARE_CALLS,
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


def dropped_out_on(ledger: pd.DataFrame, dropout: np.ndarray, trouble: pd.DataFrame) -> pd.Series:
    """Return each customer's day of leaving, missing for the living.

    Whoever leaves, leaves after an order: by dropout, after one that a care call brought about, or over an
    incident.
    """
    left = ~np.isnan(dropout)
    left[trouble.loc[trouble["left"] == 1, "row"]] = True
    last = ledger.groupby("customer_id")["order_date"].max()  # every customer has an order
    return last.reset_index(drop=True).where(left)


def incident_truth(trouble: pd.DataFrame) -> pd.DataFrame:
    """Return the incidents as truth holds them."""
    return pd.DataFrame(
        {
            "customer_id": trouble["row"] + 1,
            "date": par.START + pd.to_timedelta(np.floor(trouble["day"]), unit="D"),
            "response": trouble["response"],
            "recovered": trouble["recovered"],
            "left": trouble["left"],
        }
    )


def order_lines(seed: int, ledger: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of every order; their amounts add up to the order's amount to the fen."""
    rng = generator(seed, "order_lines")
    n = len(ledger)
    kind = pd.Categorical(truth["buyer_class"], categories=list(par.CLASSES)).codes
    affinity = np.array(par.LINE_AFFINITY)[kind[ledger["customer_id"].to_numpy() - 1]]
    month = ledger["order_date"].dt.month.to_numpy()
    affinity[:, par.LINES.index("green_tea")] *= np.where(np.isin(month, (3, 4, 5)), 1.8, 1.0)
    affinity[:, par.LINES.index("gift_sets")] *= np.where(np.isin(month, (1, 9)), 2.5, 1.0)
    # Gumbel top-k: `size` different lines, drawn by affinity without replacement.
    rank = np.argsort(-(np.log(affinity) + rng.gumbel(size=affinity.shape)), axis=1)
    size = 1 + rng.binomial(2, 0.35, n)
    share = rng.gamma(2.0, size=(n, 3)) * (np.arange(3) < size[:, None])
    fen = np.rint(ledger["amount"].to_numpy() * 100).astype(np.int64)
    part = (share / share.sum(axis=1, keepdims=True) * fen[:, None]).astype(np.int64)
    part[:, 0] += fen - part.sum(axis=1)
    order, place = np.nonzero(part > 0)
    line = rank[order, place]
    # A few send back most of what they order: some of the best buyers cost more than they bring.
    own = generator(seed, "returns").random(len(truth))
    habit = own < np.array(par.SERIAL_RETURNERS)[kind]
    sender = ledger["customer_id"].to_numpy()[order] - 1
    likely = _return_probability(ledger["channel"].to_numpy()[order], line, habit[sender])
    returned = rng.random(len(order)) < likely
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


def _return_probability(channel: np.ndarray, line: np.ndarray, habit: np.ndarray) -> np.ndarray:
    """Return the probability that a line is sent back: habit aside, twice as high for teaware."""
    remote = channel != "shop"
    usual = np.where(remote, 0.04, 0.015) * np.where(line == par.LINES.index("teaware"), 2.0, 1.0)
    often = np.where(remote, par.SERIAL_RETURN_SHARE, 0.5 * par.SERIAL_RETURN_SHARE)
    return np.where(habit, often, usual)
