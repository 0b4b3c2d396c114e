"""Service quality: what customers expect and perceive on five dimensions, and what they do about the gap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..numbers import grid, numbers, series
from ..registry import process
from .respondents import respondents
from .satisfaction_survey import on_scale

DIMENSIONS = grid(
    "service_quality_survey",
    "dimension",
    ("tangibles", "reliability", "responsiveness", "assurance", "empathy"),
    ("items", "expected", "perceived", "stated_points"),
    [
        (4, 5.0, 5.2, 22),
        (5, 5.9, 5.5, 28),
        (4, 5.7, 5.2, 16),
        (4, 5.6, 5.6, 18),
        (5, 5.3, 5.1, 16),
    ],
    "items; points 1 to 7; points 1 to 7; points out of 100",
    "of a dimension: number of items, mean expected and mean perceived service, importance as stated",
)
WEIGHTS = series(
    "service_quality",
    "weight",
    {"tangibles": 0.08, "reliability": 0.34, "responsiveness": 0.26, "assurance": 0.14, "empathy": 0.18},
    "share",
    "of the dimension in the gap that customers feel",
)
SERVICE = numbers(
    "service_quality_survey",
    expectation=(0.5, "points", "change of expected service per unit of the score of expectation"),
    expected_own=(0.35, "points", "standard deviation of what a respondent expects of a dimension"),
    expected_item=(0.6, "points", "standard deviation of an item about it"),
    quality=(0.8, "points", "change of perceived service per unit of the score of quality"),
    perceived_own=(0.6, "points", "standard deviation of what a respondent perceives of a dimension"),
    perceived_item=(0.7, "points", "standard deviation of an item about it"),
    agreement=(0.2, "none", "how much respondents agree on importance (Dirichlet, per stated point)"),
)
OFFSETS = grid(
    "service_quality_survey",
    "offset",
    ("1", "2", "3", "4", "5"),
    ("expected", "perceived"),
    [(0.10, -0.20), (-0.15, 0.35), (0.15, -0.30), (-0.10, 0.15), (0.05, 0.05)],
    "points",
    "of an item from the mean of its dimension, which is taken off again where there are four items",
)
RELATIONSHIP = grid(
    "service_quality_survey",
    "relationship",
    ("1", "2", "3", "4", "5", "6"),
    ("expected", "gap"),
    [(6.3, -0.9), (6.1, -1.2), (5.3, -0.5), (5.9, -0.8), (5.1, -0.3), (5.6, -1.1)],
    "points 1 to 7",
    "mean expectation of a relationship item, and by how much it is exceeded",
)
RELATING = numbers(
    "service_quality_survey",
    relationship_expectation=(
        0.3,
        "points",
        "change of an expected item per unit of the score of expectation",
    ),
    relationship_expected_item=(0.7, "points", "standard deviation about it"),
    relationship_quality=(0.45, "points", "change of a perceived item per unit of the score of quality"),
    relationship_perceived_item=(0.8, "points", "standard deviation about it"),
)
DISCONFIRMATION = numbers(
    "disconfirmation",
    base=(7.5, "points", "satisfaction with the visit when expectations are just met"),
    expectation=(0.15, "points", "change per point of expected service beyond the neutral one"),
    neutral=(5.5, "points", "expected service that changes nothing"),
    negative=(1.6, "points", "change per point by which service falls short"),
    positive=(0.5, "points", "change per point by which service exceeds expectation"),
    noise=(0.8, "points", "standard deviation"),
)
DELIGHT = numbers(
    "delight",
    intercept=(-1.9, "logit", "buys again at the first satisfaction with the visit"),
    first=(4.0, "points", "satisfaction with the visit that the intercept is for"),
    below=(0.75, "logit", "change per point up to the content customer"),
    content=(6.5, "points", "satisfaction of a content customer: more of it changes little"),
    zone=(0.10, "logit", "change per point between content and delight"),
    threshold=(8.0, "points", "where delight starts"),
    above=(1.5, "logit", "change per point above the threshold"),
)
PROJECTS = pd.DataFrame(
    [
        ("tangibles", "Refit the tasting rooms"),
        ("reliability", "Check every parcel twice before it leaves"),
        ("responsiveness", "Answer every message within an hour"),
        ("assurance", "Train staff in tea and its origins"),
        ("empathy", "Show the customer's history at the counter"),
    ],
    columns=["dimension", "project"],
)
IMPROVEMENTS = grid(
    "improvements",
    "project",
    PROJECTS["dimension"],
    ("cost", "gap_points"),
    [(12_000, 0.8), (7_000, 0.5), (2_500, 0.6), (4_500, 0.5), (4_000, 0.6)],
    "yuan; points 1 to 7",
    "cost of an improvement project, and what it adds to perceived service",
)
SEVEN = 7  # points of the scale
FIVES = 5  # importance is given in fives


@process(tables=("service_quality_survey",), truth=("service_quality",))
def service_quality_survey(
    draw: Callable[[str], np.random.Generator],
    consumers: pd.DataFrame,
    index_scores: pd.DataFrame,
    base_orders: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return expected and perceived service with what followed, and the truth behind the answers."""
    asked_on = (dates.SURVEY - dates.START).days
    recent = base_orders["day"].between(asked_on - dates.YEAR, asked_on - 1)
    among = np.isin(np.arange(len(consumers)), base_orders.loc[recent, "row"])
    row = respondents(draw("respondents"), "service_quality_survey", consumers, index_scores, among)
    scores = index_scores.iloc[row].reset_index(drop=True)
    customer = consumers[["customer_id"]].iloc[row].reset_index(drop=True)
    expected, perceived = _service(draw("service"), scores)
    items = _items(draw("items"), expected, perceived)
    relationship = _relationship(draw("relationship"), scores)
    points = _stated_points(draw("points"), len(row))
    gap = perceived - expected
    truth = customer.join(gap.add_prefix("gap_"))
    truth["gap"] = gap @ WEIGHTS
    truth["expected"] = expected @ WEIGHTS
    truth["noise"] = DISCONFIRMATION.noise * draw("visit").standard_normal(len(row))
    truth = truth.round(3)
    visit = visit_satisfaction(truth)
    truth["repurchase_probability"] = repurchase_given_satisfaction(visit).round(4)
    survey = pd.concat([customer, items, relationship, points], axis=1)
    survey["visit_satisfaction"] = visit.round(1)
    survey["buys_again"] = (draw("again").random(len(row)) < truth["repurchase_probability"]).astype(int)
    return {"service_quality_survey": survey, "truth:service_quality": truth}


def _service(rng: np.random.Generator, scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what respondents expect and what they perceive of each dimension."""
    own = pd.DataFrame(rng.standard_normal((len(scores), len(DIMENSIONS))), columns=DIMENSIONS.index)
    expected = SERVICE.expected_own * own + DIMENSIONS["expected"]
    expected = expected.add(SERVICE.expectation * scores["expectation"], axis="index")
    own = pd.DataFrame(rng.standard_normal((len(scores), len(DIMENSIONS))), columns=DIMENSIONS.index)
    perceived = SERVICE.perceived_own * own + DIMENSIONS["perceived"]
    perceived = perceived.add(SERVICE.quality * scores["quality"], axis="index")
    return expected, perceived


def _items(rng: np.random.Generator, expected: pd.DataFrame, perceived: pd.DataFrame) -> pd.DataFrame:
    """Return the answers to the 22 pairs of items."""
    n = len(expected)
    out = {}
    for name, items in DIMENSIONS["items"].astype(int).items():
        own = OFFSETS.iloc[:items] - OFFSETS.iloc[:items].mean()
        for k in range(1, items + 1):
            wanted = expected[name] + SERVICE.expected_item * rng.standard_normal(n)
            found = perceived[name] + SERVICE.perceived_item * rng.standard_normal(n)
            wanted = wanted + own["expected"].iloc[k - 1]
            found = found + own["perceived"].iloc[k - 1]
            out[f"{name}_{k}_expected"] = on_scale(wanted, highest=SEVEN)
            out[f"{name}_{k}_perceived"] = on_scale(found, highest=SEVEN)
    return pd.DataFrame(out)


def _relationship(rng: np.random.Generator, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the answers to the pairs of items about the relationship."""
    n = len(scores)
    wanted = RELATING.relationship_expectation * scores["expectation"]
    found = RELATING.relationship_quality * scores["quality"]
    out = {}
    for k, (mean, gap) in zip(RELATIONSHIP.index, RELATIONSHIP.to_numpy(), strict=True):
        expected = mean + wanted + RELATING.relationship_expected_item * rng.standard_normal(n)
        perceived = mean + gap + found + RELATING.relationship_perceived_item * rng.standard_normal(n)
        out[f"relationship_{k}_expected"] = on_scale(expected, highest=SEVEN)
        out[f"relationship_{k}_perceived"] = on_scale(perceived, highest=SEVEN)
    return pd.DataFrame(out)


def _stated_points(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return how respondents share 100 points among the dimensions, in fives."""
    shape = SERVICE.agreement * DIMENSIONS["stated_points"].to_numpy()
    share = rng.gamma(shape, size=(n, len(DIMENSIONS)))
    points = np.rint(100 / FIVES * share / share.sum(axis=1, keepdims=True)).astype(int) * FIVES
    points[np.arange(n), points.argmax(axis=1)] += 100 - points.sum(axis=1)
    return pd.DataFrame(points, columns=DIMENSIONS.index).add_prefix("points_")


def visit_satisfaction(felt: pd.DataFrame) -> pd.Series:
    """Return satisfaction with a visit: falling short hurts more than exceeding pleases."""
    mean = (
        DISCONFIRMATION.base
        + DISCONFIRMATION.expectation * (felt["expected"] - DISCONFIRMATION.neutral)
        + DISCONFIRMATION.negative * felt["gap"].clip(upper=0)
        + DISCONFIRMATION.positive * felt["gap"].clip(lower=0)
    )
    return (mean + felt["noise"]).clip(1, 10)


def repurchase_given_satisfaction(visit: pd.Series | np.ndarray) -> pd.Series | np.ndarray:
    """Return the probability of buying again by satisfaction with a visit: flat from content to delight."""
    logit = (
        DELIGHT.intercept
        + DELIGHT.below * (np.minimum(visit, DELIGHT.content) - DELIGHT.first)
        + DELIGHT.zone * (np.clip(visit, DELIGHT.content, DELIGHT.threshold) - DELIGHT.content)
        + DELIGHT.above * np.maximum(visit - DELIGHT.threshold, 0)
    )
    return expit(logit)


@process(tables=("improvements",), truth=("improvements",))
def improvements(truth_service_quality: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the projects, and what each would truly add to the probability of buying again."""
    projects = PROJECTS.assign(
        cost=IMPROVEMENTS["cost"].astype(int).to_numpy(), gap_points=IMPROVEMENTS["gap_points"].to_numpy()
    )
    gains = [
        improvement_gain(truth_service_quality, project.dimension, project.gap_points)
        for project in projects.itertuples()
    ]
    truth = projects[["dimension"]].assign(repurchase_gain=gains)
    return {"improvements": projects, "truth:improvements": truth}


def improvement_gain(felt: pd.DataFrame, dimension: str, points: float) -> float:
    """Return what `points` of perceived service more would add to the mean probability of buying again."""
    served = felt.assign(gap=felt["gap"] + WEIGHTS[dimension] * points)
    lifted = repurchase_given_satisfaction(visit_satisfaction(served))
    return (lifted - repurchase_given_satisfaction(visit_satisfaction(felt))).mean()
