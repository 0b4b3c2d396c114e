"""Consumers: how they buy, what kind they are, where they live, how they came."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betaincinv, gammaincinv, ndtr, ndtri

from .. import dates
from ..core import pearson, pick
from ..numbers import grid, numbers, series
from ..registry import Setting, process

BUYING = numbers(
    "bgnbd",
    r=(0.6, "none", "shape of the purchase rate (Gamma)"),
    alpha=(3.6, "week", "rate parameter of the purchase rate (Gamma)"),
    a=(0.8, "none", "first shape of the dropout probability (Beta)"),
    b=(4.2, "none", "second shape of the dropout probability (Beta)"),
    satisfaction_dropout=(-0.5, "rank correlation", "satisfaction and dropout probability"),
    satisfaction_rate=(0.2, "rank correlation", "satisfaction and purchase rate"),
)
SPENDING = numbers(
    "gamma_gamma",
    p=(5.0, "none", "shape of an order's amount (Gamma)"),
    q=(4.0, "none", "shape of the customers' scale (Gamma)"),
    v=(96.0, "yuan", "scale of the customers' scale: the mean order is p v / (q - 1)"),
)
SCORES = ("rate", "dropout", "value")  # normal scores of how a consumer buys

CLASSES = ("devotee", "gift_giver", "bargain_hunter", "occasional")
CLASS_PULL = grid(
    "classes",
    "pull",
    CLASSES,
    ("intercept", *SCORES),
    [(-0.70, 2.2, -1.1, 0.4), (0.05, -0.55, 0.0, 1.95), (0.25, 0.7, 0.3, -1.95), (0.0, -1.95, 1.0, 0.0)],
    "logit",
    "of belonging to a class, per unit of a normal score of rate, dropout and order value",
)
ATTACHMENT = series(
    "attachment",
    "",
    {"satisfaction": 0.40, "rate": 0.30, "dropout": -0.20},
    "standard deviations",
    "what a standard deviation of a score adds to attachment to the house, itself of unit variance",
)
WALLET = numbers(
    "wallet",
    share_intercept=(-0.2, "logit", "share of a consumer's tea money that Qinghe gets while they buy"),
    share_attachment=(0.5, "logit", "change per unit of attachment"),
    share_noise=(0.7, "logit", "standard deviation"),
)
RESPONSE = grid(
    "response",
    "mean",
    CLASSES,
    ("price_elasticity", "promotion_response"),
    [(-1.0, 0.10), (-1.3, 0.20), (-2.6, 0.60), (-1.8, 0.30)],
    "none",
    "of a class: change of volume in per cent by one per cent of price; log change under a promotion",
)
RESPONSE_SPREAD = numbers("response", spread=(0.3, "log", "standard deviation within a class"))

SOURCES = ("shop", "online", "referral", "fair")  # acquisition channels
SOURCE = grid(
    "acquisition",
    "source",
    SOURCES,
    ("share", "satisfaction", "age", "trend", "conversion", "lead_cost"),
    [
        (0.38, 0.00, 0.000, 0.0, 0.45, 12.0),
        (0.32, -0.10, -0.035, 0.8, 0.25, 28.0),
        (0.17, 0.50, 0.000, 0.0, 0.50, 18.0),
        (0.13, -0.35, 0.010, 0.0, 0.20, 40.0),
    ],
    "share; log-odds per unit of satisfaction, per year of age, over four years; share; yuan",
    "how consumers came: share, what favours the channel, share of its leads won, cost of a lead",
)
ACQUISITION = numbers(
    "acquisition",
    trend=(-0.4, "log", "change of the number of consumers won a day over four years"),
    before_spring_festival=(1.35, "factor", "on consumers won in the weeks before the festival"),
    weeks_spring=(4.0, "weeks", "before Spring Festival that win more"),
    before_mid_autumn=(1.25, "factor", "on consumers won in the weeks before the festival"),
    weeks_autumn=(3.0, "weeks", "before Mid-Autumn Festival that win more"),
    closed=(0.0, "factor", "on consumers won on days on which the house rests"),
    fair=(2.6, "factor", "how many are won by a fair on its days for each that is won otherwise"),
)
WON_BY_WEEKDAY = series(
    "acquisition",
    "weekday",
    dict(
        zip(
            ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
            (0.9, 0.85, 0.9, 0.9, 1.0, 1.3, 1.15),
            strict=True,
        )
    ),
    "factor",
    "on consumers won",
)

CITIES = pd.DataFrame(
    [
        ("Shanghai", 1, "strong", 0.22),
        ("Hangzhou", 1, "strong", 0.20),
        ("Suzhou", 2, "strong", 0.14),
        ("Ningbo", 2, "weak", 0.13),
        ("Hefei", 2, "weak", 0.10),
        ("Shaoxing", 3, "weak", 0.08),
        ("Huzhou", 3, "weak", 0.07),
        ("Jinhua", 3, "strong", 0.06),
    ],
    columns=["city", "city_tier", "competition", "share"],
)
series(
    "cities",
    "share",
    dict(zip(CITIES["city"], CITIES["share"], strict=True)),
    "share",
    "of consumers at average scores",
)
PLACE = numbers(
    "cities",
    tier_value=(-0.30, "log-odds", "of a city per step of tier down and unit of the score of order value"),
    strong_dropout=(0.30, "log-odds", "of a city with strong competition per unit of the score of dropout"),
)
AGE = numbers(
    "age",
    mean=(41.0, "years", "of consumers"),
    spread=(13.0, "years", "standard deviation before the limits"),
    rate=(0.20, "correlation", "of age and the score of the purchase rate"),
    dropout=(-0.15, "correlation", "of age and the score of dropout"),
    lowest=(18.0, "years", "limit"),
    highest=(85.0, "years", "limit"),
)
LIFE_STAGES = series(
    "life_stage",
    "centre",
    {
        "single": 23.0,
        "couple": 30.0,
        "young_children": 36.0,
        "school_children": 46.0,
        "empty_nest": 57.0,
        "retired": 70.0,
    },
    "years",
    "age at which the stage is most frequent",
)
STAGE_WIDTH = numbers(
    "life_stage",
    width=(9.0, "years", "how far from its centre a stage is still frequent"),
    anywhere=(0.005, "weight", "of a stage far from its centre"),
)
MEANS = numbers(
    "ability_to_pay",
    value=(0.45, "correlation", "of the score of order value and ability to pay"),
    stage=(0.25, "standard deviations", "from one life stage to the next, up to the top one"),
    top=(4.0, "life stage", "counted from 0, after which ability to pay no longer rises: the empty nest"),
)
PAY_CUTS = series(
    "ability_to_pay",
    "cut",
    {"2": -0.85, "3": -0.25, "4": 0.4, "5": 1.1},
    "standard deviations",
    "lower end of a level",
)
PHASES = series(
    "loyalty_phase",
    "from",
    {"cognitive": -9.0, "affective": -0.5, "conative": 0.4, "action": 1.2},
    "standard deviations",
    "of the mean of the scores of loyalty and attachment from which on a phase is reached",
)
REASONS = grid(
    "loyalty_reason",
    "pull",
    ("monopoly", "kinship", "inertia", "trust"),
    ("intercept", "satisfaction", "attachment", "weak_competition"),
    [(-0.9, -0.3, 0.0, 1.1), (-0.4, 0.2, 0.9, 0.0), (0.2, -0.6, -0.4, 0.0), (0.0, 0.8, 0.3, 0.0)],
    "logit",
    "of buying again mainly for a reason",
)


@process(inner=("latents",))
def latents(rng: np.random.Generator, setting: Setting, index_scores: pd.DataFrame) -> pd.DataFrame:
    """Return normal scores of rate, dropout and order value, and attachment.

    Rate and dropout are both tied to satisfaction and yet independent of each other, as BG/NBD has it.
    """
    satisfaction = index_scores["satisfaction"].to_numpy()
    to_dropout = pearson(BUYING.satisfaction_dropout)
    to_rate = pearson(BUYING.satisfaction_rate)
    own = rng.standard_normal((setting.customers, 4))
    shared = -to_rate * to_dropout / np.sqrt(1 - to_dropout**2)
    rate = to_rate * satisfaction + shared * own[:, 0] + np.sqrt(1 - to_rate**2 - shared**2) * own[:, 1]
    dropout = to_dropout * satisfaction + np.sqrt(1 - to_dropout**2) * own[:, 0]
    tie = setting.value_rate_correlation
    value = tie * rate + np.sqrt(1 - tie**2) * own[:, 2]
    out = pd.DataFrame({"satisfaction": satisfaction, "rate": rate, "dropout": dropout, "value": value})
    causes = out[list(ATTACHMENT.index)]
    implied = np.array([[1, to_rate, to_dropout], [to_rate, 1, 0], [to_dropout, 0, 1]])
    left = 1 - ATTACHMENT.to_numpy() @ implied @ ATTACHMENT.to_numpy()
    out["attachment"] = causes @ ATTACHMENT + np.sqrt(left) * own[:, 3]
    return out.drop(columns="satisfaction")


@process(inner=("behaviour",))
def behaviour(latents: pd.DataFrame) -> pd.DataFrame:
    """Return what the scores mean: purchases a week, dropout after each, and the mean order in yuan."""
    scale = SPENDING.p * SPENDING.v
    return pd.DataFrame(
        {
            "purchase_rate": gammaincinv(BUYING.r, ndtr(latents["rate"])) / BUYING.alpha,
            "dropout_probability": betaincinv(BUYING.a, BUYING.b, ndtr(latents["dropout"])),
            "mean_order_value": scale / gammaincinv(SPENDING.q, ndtr(-latents["value"])),
        }
    )


@process(inner=("buyer_class",))
def classes(rng: np.random.Generator, latents: pd.DataFrame) -> pd.Series:
    """Return the class of every consumer: it follows from how they buy, with noise."""
    scores = latents[list(SCORES)]
    pull = scores.to_numpy() @ CLASS_PULL[list(SCORES)].to_numpy().T + CLASS_PULL["intercept"].to_numpy()
    return pd.Series(pd.Categorical.from_codes(pick(rng, np.exp(pull)), categories=CLASSES))


@process(tables=("consumers",))
def consumers(draw, latents: pd.DataFrame, index_scores: pd.DataFrame) -> pd.DataFrame:
    """Return the table of consumers, in the order in which they were won."""
    n = len(latents)
    rng = draw("age")
    unexplained = np.sqrt(1 - AGE.rate**2 - AGE.dropout**2)
    older = AGE.rate * latents["rate"] + AGE.dropout * latents["dropout"]
    older = older + unexplained * rng.standard_normal(n)
    lowest, highest = ndtr((np.array([AGE.lowest, AGE.highest]) - AGE.mean) / AGE.spread)
    older = ndtri(lowest + (highest - lowest) * ndtr(older))  # nobody is heaped at a limit
    age = (AGE.mean + AGE.spread * older).round().astype(int)
    near = np.exp(-(((age.to_numpy()[:, None] - LIFE_STAGES.to_numpy()) / STAGE_WIDTH.width) ** 2))
    stage = pick(rng, near + STAGE_WIDTH.anywhere)
    day = np.sort(draw("days").choice(dates.DAYS, n, p=won_by_day()))
    city = CITIES.iloc[_cities(draw("cities"), latents)].reset_index(drop=True)
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "acquired_on": dates.dates(day),
            "acquisition_channel": _sources(draw("sources"), day, age, index_scores["satisfaction"]),
            **{c: city[c] for c in ("city", "city_tier", "competition")},
            "age": age,
            "life_stage": np.array(LIFE_STAGES.index, dtype=str)[stage],
            "ability_to_pay": _ability(draw("ability"), latents["value"].to_numpy(), stage),
        }
    )


def won_by_day() -> np.ndarray:
    """Return the share of all consumers that each day of the history wins."""
    day = np.arange(dates.DAYS)
    weight = np.exp(ACQUISITION.trend * day / dates.DAYS) * WON_BY_WEEKDAY.to_numpy()[dates.weekdays()]
    weight = weight * np.where(
        dates.weeks_before("spring_festival") < ACQUISITION.weeks_spring,
        ACQUISITION.before_spring_festival,
        1,
    )
    weight = weight * np.where(
        dates.weeks_before("mid_autumn") < ACQUISITION.weeks_autumn, ACQUISITION.before_mid_autumn, 1
    )
    weight = np.where(dates.closed(), ACQUISITION.closed, 1) * weight
    weight = np.where(dates.fair_days(), 1 + ACQUISITION.fair, 1) * weight
    return weight / weight.sum()


def _sources(
    rng: np.random.Generator, day: np.ndarray, age: pd.Series, satisfaction: pd.Series
) -> np.ndarray:
    later = day / dates.DAYS - 0.5
    appeal = (
        np.outer(satisfaction, SOURCE["satisfaction"])
        + np.outer(age - AGE.mean, SOURCE["age"])
        + np.outer(later, SOURCE["trend"])
    )
    share = np.tile(SOURCE["share"].to_numpy(), (len(day), 1))
    fair = SOURCES.index("fair")
    share[:, fair] = ACQUISITION.fair * (1 - SOURCE.loc["fair", "share"]) * dates.fair_days()[day]
    return np.array(SOURCES)[pick(rng, np.exp(appeal) * share)]


def _cities(rng: np.random.Generator, latents: pd.DataFrame) -> np.ndarray:
    """Return the row of each consumer's city: large orders in large cities, leaving in contested."""
    pull = PLACE.tier_value * np.outer(latents["value"], CITIES["city_tier"] - 2)
    pull = pull + PLACE.strong_dropout * np.outer(latents["dropout"], CITIES["competition"] == "strong")
    return pick(rng, np.exp(pull) * CITIES["share"].to_numpy())


def _ability(rng: np.random.Generator, value: np.ndarray, stage: np.ndarray) -> np.ndarray:
    """Return the level of ability to pay, 1 to 5."""
    own = np.sqrt(1 - MEANS.value**2) * rng.standard_normal(len(value))
    means = MEANS.value * value + own + MEANS.stage * (np.minimum(stage, MEANS.top) - 2)
    return np.digitize(means, PAY_CUTS) + 1


@process(inner=("traits",))
def traits(
    draw,
    latents: pd.DataFrame,
    index_scores: pd.DataFrame,
    behaviour: pd.DataFrame,
    buyer_class: pd.Series,
    consumers: pd.DataFrame,
) -> pd.DataFrame:
    """Return what later lessons ask of consumers: wallet, response to price and promotion, loyalty."""
    n = len(latents)
    attachment = latents["attachment"].to_numpy()
    logit = WALLET.share_intercept + WALLET.share_attachment * attachment
    logit = logit + WALLET.share_noise * draw("wallet").standard_normal(n)
    share = 1 / (1 + np.exp(-logit))
    yearly = behaviour["purchase_rate"] * behaviour["mean_order_value"] * dates.YEAR / dates.WEEK
    usual = RESPONSE.iloc[buyer_class.cat.codes.to_numpy()].to_numpy()
    response = usual * np.exp(RESPONSE_SPREAD.spread * draw("response").standard_normal((n, 2)))
    phase = np.digitize((attachment + index_scores["loyalty"]) / 2, PHASES) - 1
    causes = pd.DataFrame(
        {
            "intercept": 1,
            "satisfaction": index_scores["satisfaction"],
            "attachment": attachment,
            "weak_competition": consumers["competition"] == "weak",
        }
    )
    reason = pick(draw("reason"), np.exp(causes.to_numpy(dtype=float) @ REASONS.to_numpy().T))
    return pd.DataFrame(
        {
            "wallet": (yearly / share).round(2),
            "share_of_wallet": share.round(4),
            "price_elasticity": response[:, 0].round(3),
            "promotion_response": response[:, 1].round(3),
            "loyalty_phase": np.array(PHASES.index, dtype=str)[np.maximum(phase, 0)],
            "loyalty_reason": np.array(REASONS.index, dtype=str)[reason],
        }
    )
