"""The satisfaction survey: 26 items on the seven scores of the index model, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..core import chance, pick
from ..numbers import grid, numbers, series
from ..registry import process
from .index_model import CONSTRUCTS
from .respondents import respondents

ITEMS = grid(
    "satisfaction_survey",
    "item",
    (
        *("image_1", "image_2", "image_3", "image_4", "image_5"),
        *("expectation_1", "expectation_2", "expectation_3"),
        *("quality_1", "quality_2", "quality_3", "quality_4", "quality_5", "quality_6", "quality_7"),
        *("value_1", "value_2", "value_3"),
        *("satisfaction_1", "satisfaction_2", "satisfaction_3"),
        *("complaints_1", "complaints_2"),
        *("loyalty_1", "loyalty_2", "loyalty_3"),
    ),
    ("loading", "mean"),
    (
        *((0.80, 7.4), (0.74, 7.8), (0.70, 6.7), (0.77, 7.5), (0.72, 7.7)),
        *((0.78, 7.6), (0.72, 7.4), (0.70, 7.3)),
        *((0.84, 7.6), (0.74, 7.0), (0.79, 7.5), (0.76, 7.6), (0.80, 7.4), (0.72, 7.2), (0.78, 7.3)),
        *((0.85, 6.3), (0.80, 6.7), (0.82, 6.9)),
        *((0.84, 7.6), (0.78, 7.0), (0.86, 7.1)),
        *((0.80, 6.8), (0.76, 6.6)),
        *((0.82, 7.3), (0.70, 6.2), (0.85, 7.2)),
    ),
    "correlation; points 1 to 10",
    "loading on its construct and mean of an item, before answers are rounded",
)
CONSTRUCT = pd.Series(ITEMS.index.str.rsplit("_", n=1).str[0], index=ITEMS.index)
BLOCKS = {name: [item for item in ITEMS.index if CONSTRUCT[item] == name] for name in CONSTRUCTS}
SCALE = np.arange(1, 11)  # the ten answers
ANSWERS = numbers(
    "satisfaction_survey",
    item_sd=(1.7, "points", "standard deviation of every item before answers are rounded"),
    method_loading=(0.15, "none", "common to all items"),
    missing=(0.03, "share", "of the answers"),
)
FOLLOWS = grid(
    "satisfaction_survey",
    "follows",
    ("recommend", "attention_to_rivals", "other_products"),
    ("intercept", "satisfaction", "loyalty", "strong_competition", "noise"),
    [(7.5, 1.0, 0.7, -0.7, 1.3), (5.2, -0.9, -0.5, 0.8, 1.5), (6.2, 0.8, 0.6, 0.0, 1.5)],
    "points",
    "an answer at average scores under weak competition, change per unit of a score or by strong, noise",
)
BEND = numbers(
    "satisfaction_survey",
    bend_below=(
        -0.5,
        "points",
        "change of what satisfaction adds to recommend under strong competition",
    ),
    bend_above=(2.0, "points", "what satisfaction adds besides, beyond the knee under strong competition"),
    bend_knee=(0.5, "standard deviations", "of satisfaction, from which on it is passed on"),
)
WISHING = numbers(
    "satisfaction_survey",
    wish_intercept=(0.2, "logit", "a respondent names something to improve"),
    wish_satisfaction=(-0.5, "logit", "change per unit of satisfaction"),
)
WISHES = series(
    "satisfaction_survey",
    "wish",
    {
        "faster_delivery": 0.34,
        "lower_prices": 0.26,
        "fresher_tea": 0.14,
        "better_packaging": 0.14,
        "friendlier_staff": 0.12,
    },
    "share",
    "of the wishes",
)


@process(inner=("satisfaction_answers",))
def satisfaction_answers(rng: np.random.Generator, index_scores: pd.DataFrame) -> pd.DataFrame:
    """Return what every consumer would answer to every item."""
    return answers(rng, index_scores)


def answers(rng: np.random.Generator, scores: pd.DataFrame) -> pd.DataFrame:
    """Return complete answers to the items by respondents with the given index scores."""
    method = ANSWERS.method_loading * rng.standard_normal(len(scores))
    out = {}
    for item, (loading, mean) in zip(ITEMS.index, ITEMS.to_numpy(), strict=True):
        unique = np.sqrt(1 - loading**2 - ANSWERS.method_loading**2)
        raw = loading * scores[CONSTRUCT[item]].to_numpy() + method
        raw = raw + unique * rng.standard_normal(len(scores))
        out[item] = on_scale(mean + ANSWERS.item_sd * raw)
    return pd.DataFrame(out)


def on_scale(values: pd.Series | np.ndarray, lowest: int = 1, highest: int = 10) -> np.ndarray:
    """Return whole points of a scale."""
    return np.clip(np.rint(values), lowest, highest).astype(int)


@process(truth=("loadings",))
def loadings() -> pd.DataFrame:
    """Return each item's loading: the one that generated the answer, and the one left after rounding.

    The second is the correlation of a rounded answer with the latent score, from the probabilities of the
    ten answers.
    """
    edges = (SCALE[:-1] + 0.5 - ITEMS[["mean"]].to_numpy()) / ANSWERS.item_sd
    edges = np.pad(edges, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
    share = np.diff(norm.cdf(edges), axis=1)
    spread = np.sqrt(share @ SCALE**2 - (share @ SCALE) ** 2)
    kept = -np.diff(norm.pdf(edges), axis=1) @ SCALE / spread  # correlation of raw and rounded answer
    return pd.DataFrame(
        {
            "item": ITEMS.index,
            "construct": CONSTRUCT.to_numpy(),
            "loading": ITEMS["loading"].to_numpy(),
            "loading_observed": ITEMS["loading"].to_numpy() * kept,
        }
    )


@process(tables=("satisfaction_survey",))
def satisfaction_survey(
    draw: Callable[[str], np.random.Generator],
    consumers: pd.DataFrame,
    index_scores: pd.DataFrame,
    satisfaction_answers: pd.DataFrame,
) -> pd.DataFrame:
    """Return the survey of June 2025."""
    row = respondents(draw("respondents"), "satisfaction_survey", consumers, index_scores)
    items = satisfaction_answers.iloc[row].reset_index(drop=True)
    gaps = draw("gaps").random(items.shape) < ANSWERS.missing
    scores = index_scores.iloc[row].reset_index(drop=True)
    strong = (consumers["competition"].iloc[row] == "strong").reset_index(drop=True)
    felt = follows(scores, strong)
    felt = felt + FOLLOWS["noise"].to_numpy() * draw("follows").standard_normal(felt.shape)
    out = items.astype("Int64").mask(gaps)
    out.insert(0, "customer_id", consumers["customer_id"].to_numpy()[row])
    out["recommend"] = on_scale(felt["recommend"], lowest=0)
    out["attention_to_rivals"] = on_scale(felt["attention_to_rivals"])
    out["other_products"] = on_scale(felt["other_products"])
    out["improvement"] = _wishes(draw("wishes"), scores["satisfaction"].to_numpy())
    return out


def follows(scores: pd.DataFrame, strong: pd.Series) -> pd.DataFrame:
    """Return what follows from satisfaction and loyalty, before noise and rounding.

    Strong competition bends the way from satisfaction to recommendation: only delight is passed on.
    """
    causes = pd.DataFrame(
        {
            "intercept": 1.0,
            "satisfaction": scores["satisfaction"],
            "loyalty": scores["loyalty"],
            "strong_competition": strong.astype(float),
        }
    )
    out = pd.DataFrame(causes.to_numpy() @ FOLLOWS[list(causes)].to_numpy().T, columns=FOLLOWS.index)
    beyond = np.maximum(scores["satisfaction"] - BEND.bend_knee, 0)
    out["recommend"] += strong * (BEND.bend_below * scores["satisfaction"] + BEND.bend_above * beyond)
    return out


def _wishes(rng: np.random.Generator, satisfaction: np.ndarray) -> np.ndarray:
    """Return what should be improved first, or none."""
    wishes = chance(rng, WISHING.wish_intercept + WISHING.wish_satisfaction * satisfaction)
    which = pick(rng, np.tile(WISHES, (len(satisfaction), 1)))
    return np.where(wishes, np.array(WISHES.index, dtype=str)[which], "none")
