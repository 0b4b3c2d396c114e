"""Consumers: who they are, how they feel, how they buy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betaincinv, gammaincinv, ndtr

from . import parameters as par
from .core import generator, pearson, pick, spread, structural
from .parameters import P


def latents(seed: int, n: int, value_rate_correlation: float) -> pd.DataFrame:
    """Return the truth about `n` consumers: class, index scores, purchase rate, dropout, order value."""
    scores = structural(generator(seed, "index_latents"), n, par.STRUCTURAL, par.CONSTRUCTS)
    satisfaction = scores["satisfaction"].to_numpy()
    # Dropout and rate are both tied to satisfaction and yet independent of each other, as BG/NBD has it.
    to_dropout = pearson(P["bgnbd", "satisfaction_dropout"])
    to_rate = pearson(P["bgnbd", "satisfaction_rate"])
    own = generator(seed, "behaviour").standard_normal((n, 3))
    z_dropout = to_dropout * satisfaction + np.sqrt(1 - to_dropout**2) * own[:, 0]
    shared = -to_rate * to_dropout / np.sqrt(1 - to_dropout**2)
    z_rate = to_rate * satisfaction + shared * own[:, 0] + np.sqrt(1 - to_rate**2 - shared**2) * own[:, 1]
    z_value = value_rate_correlation * z_rate + np.sqrt(1 - value_rate_correlation**2) * own[:, 2]
    scale = P["gamma_gamma", "p"] * P["gamma_gamma", "v"]
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "buyer_class": np.array(par.CLASSES)[
                generator(seed, "classes").choice(len(par.CLASSES), n, p=par.CLASS_SHARES)
            ],
            **scores,
            "purchase_rate": gammaincinv(P["bgnbd", "r"], ndtr(z_rate)) / P["bgnbd", "alpha"],
            "dropout_probability": betaincinv(P["bgnbd", "a"], P["bgnbd", "b"], ndtr(z_dropout)),
            "mean_order_value": scale / gammaincinv(P["gamma_gamma", "q"], ndtr(-z_value)),
        }
    )


def consumers(seed: int, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the table of consumers, in the order in which they were won."""
    n = len(truth)
    rng = generator(seed, "consumers")
    day = np.sort((1400 * rng.random(n) ** 1.25).astype(int))
    online_trend = 0.8 * (day / day.max()) - 0.4
    appeal = np.outer(truth["satisfaction"], par.SOURCE_SATISFACTION)
    appeal[:, par.SOURCES.index("online")] += online_trend
    source = pick(rng, np.exp(appeal) * np.array(par.SOURCE_SHARES))
    city = par.CITIES.iloc[rng.choice(len(par.CITIES), n, p=par.CITIES["share"])]
    age = np.clip(rng.normal(41 - 5 * (source == 1), 13, n).round(), 18, 85).astype(int)
    phase = pick(
        rng,
        np.column_stack(
            [np.exp(-(((age - centre) / 9.0) ** 2)) + 0.005 for centre in (23, 30, 36, 46, 57, 70)]
        ),
    )
    wealth = np.log(truth["mean_order_value"] / 150) + rng.normal(0, 0.6, n)
    return pd.DataFrame(
        {
            "customer_id": truth["customer_id"],
            "acquired_on": par.START + pd.to_timedelta(day, unit="D"),
            "acquisition_channel": np.array(par.SOURCES)[source],
            **{c: city[c].to_numpy() for c in ("city", "city_tier", "competition")},
            "age": age,
            "life_stage": np.array(
                ["single", "couple", "young_children", "school_children", "empty_nest", "retired"]
            )[phase],
            "ability_to_pay": np.digitize(wealth, [-0.9, -0.35, 0.25, 0.8]) + 1,
        }
    )


def leads(seed: int, people: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return everybody who showed interest: those who became customers and those who did not."""
    rng = generator(seed, "leads")
    source = pd.Categorical(people["acquisition_channel"], categories=list(par.SOURCES)).codes
    rate = np.array(par.SOURCE_CONVERSION)
    lost = np.rint(np.bincount(source, minlength=len(rate)) * (1 - rate) / rate)
    lost_source, _ = spread(lost)
    worth = 0.55 * np.log(truth["purchase_rate"] + 0.02) + 0.8 * np.log(truth["mean_order_value"] / 150) + 1.2
    won = pd.DataFrame(
        {
            "created_on": np.maximum(
                people["acquired_on"] - pd.to_timedelta(rng.integers(0, 31, len(people)), unit="D"), par.START
            ),
            "channel": source,
            "score": 55 + 12 * worth + rng.normal(0, 11, len(people)),
            "contacted": 1,
            "customer_id": people["customer_id"].astype("Int64"),
        }
    )
    n = len(lost_source)
    score = rng.normal(47, 16, n)
    others = pd.DataFrame(
        {
            "created_on": par.START + pd.to_timedelta((1400 * rng.random(n) ** 1.25).astype(int), unit="D"),
            "channel": lost_source,
            "score": score,
            "contacted": (rng.random(n) < np.clip(0.25 + score / 90, 0, 1)).astype(int),
            "customer_id": pd.array([pd.NA] * n, dtype="Int64"),
        }
    )
    out = pd.concat([won, others], ignore_index=True)
    out["score"] = out["score"].round().clip(0, 100).astype(int)
    varied = rng.uniform(0.7, 1.3, len(out))
    # Whoever walks in unasked costs little; following a lead up costs the full amount.
    out["cost"] = (
        np.array(par.SOURCE_LEAD_COST)[out["channel"]] * np.where(out["contacted"] == 1, 1, 0.15) * varied
    ).round(2)
    out["channel"] = np.array(par.SOURCES)[out["channel"]]
    out = out.sort_values(["created_on", "channel", "score"], kind="stable", ignore_index=True)
    out.insert(0, "lead_id", np.arange(1, len(out) + 1))
    return out
