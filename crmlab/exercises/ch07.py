"""Chapter 7, satisfaction index models: the survey, the index, drivers, the control chart, a point in "
"yuan."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab import datasets, satisfaction
from crmlab.exercises import Item, Rival

if TYPE_CHECKING:
    from crmlab.pls import PLSResult

DRIVERS = ["image", "expectation", "quality", "value"]
LOWEST = 1  # the ends of the survey's answer scale
HIGHEST = 10


def _survey() -> pd.DataFrame:
    return datasets.load("satisfaction_survey")


def _ccsi() -> PLSResult:
    return satisfaction.ccsi.model(_survey()).fit()


def _block(name: str) -> list[str]:
    return satisfaction.survey_items(_survey())[name]


# -- 7.1 reliability of a block ----------
def alpha() -> float:
    """Return Cronbach's alpha of image without its third question, from complete answers."""
    return _alpha(_shorter())


def _shorter() -> list[str]:
    return [item for item in _block("image") if item != "image_3"]


def _alpha(items: list[str], factor: bool = True) -> float:
    complete = _survey()[items].dropna()
    k = len(items)
    ratio = complete.var().sum() / complete.sum(axis=1).var()
    return (k / (k - 1) if factor else 1.0) * (1 - ratio)


def alpha_without_factor() -> float:
    return _alpha(_shorter(), factor=False)


def alpha_of_all_five() -> float:
    return _alpha(_block("image"))


def mean_correlation() -> float:
    r = _survey()[_shorter()].corr().to_numpy()
    return float(r[np.triu_indices_from(r, 1)].mean())


# -- 7.2 sample size ----------
def _loyalty_sd() -> float:
    """Standard deviation of the respondents' loyalty, mean of the answers given, on 1 to 10."""
    return _survey()[_block("loyalty")].mean(axis=1).std()


def answers_needed(margin: float = 1.2, z: float = 1.96, scale: float = 100 / (HIGHEST - LOWEST)) -> int:
    """Return how many answers put the loyalty index within ± `margin` index points."""
    return math.ceil((z * _loyalty_sd() * scale / margin) ** 2)


def answers_for_the_width() -> int:
    return answers_needed(margin=0.6)


def answers_in_scale_points() -> int:
    return answers_needed(scale=1)


def answers_not_squared() -> int:
    return math.ceil(1.96 * _loyalty_sd() * 100 / (HIGHEST - LOWEST) / 1.2)


def answers_for_one_standard_error() -> int:
    return answers_needed(z=1)


# -- 7.3 the index as a function ----------
def _index(weigh: str, rescale: str) -> Callable[..., float]:
    def index(outer_weights, sds, means, minimum, maximum) -> float:
        w, sd, mean = (np.asarray(x, dtype=float) for x in (outer_weights, sds, means))
        raw = {"raw": w / sd, "standardized": w, "equal": np.ones(len(w))}[weigh]
        answer = raw @ mean / raw.sum()
        if rescale == "share":
            return answer / maximum * 100
        return (answer - minimum) / (maximum if rescale == "top" else maximum - minimum) * 100

    return index


def index_raw() -> Callable[..., float]:
    """Return the function of an index with raw weights."""
    return _index("raw", "range")


def index_standardised() -> Callable[..., float]:
    return _index("standardized", "range")


def index_of_item_means() -> Callable[..., float]:
    return _index("equal", "range")


def index_not_rescaled() -> Callable[..., float]:
    return _index("raw", "share")


def index_over_maximum() -> Callable[..., float]:
    return _index("raw", "top")


def index_weights_not_normalised() -> Callable[..., float]:
    def index(outer_weights, sds, means, minimum, maximum) -> float:
        w = np.asarray(outer_weights, dtype=float) / np.asarray(sds, dtype=float)
        return (w @ np.asarray(means, dtype=float) - minimum) / (maximum - minimum) * 100

    return index


def _surveys() -> list[tuple]:
    """Return outer weights, standard deviations and means of questions, and the ends of their scale."""
    return [
        ([0.42, 0.35, 0.40], [1.2, 1.8, 2.4], [7.8, 7.1, 6.2], 1, 10),
        ([0.5, 0.7], [0.8, 1.5], [3.9, 2.8], 1, 5),
        ([0.30, 0.25, 0.33, 0.28], [1.0, 2.0, 1.1, 1.9], [6.0, 4.1, 5.7, 3.9], 1, 7),
    ]


# -- 7.4 total effect in SCSB ----------
def _scsb() -> PLSResult:
    return satisfaction.scsb.model(_survey()).fit()


def expectation_to_loyalty() -> float:
    """Return the total effect of expectation on loyalty in SCSB."""
    return _scsb().total_effects.loc["expectation", "loyalty"]


def shortest_way_only() -> float:
    b = _scsb().path_coefficients
    return b.loc["expectation", "satisfaction"] * b.loc["satisfaction", "loyalty"]


def without_complaints() -> float:
    b = _scsb().path_coefficients
    to_satisfaction = (
        b.loc["expectation", "satisfaction"]
        + b.loc["expectation", "performance"] * b.loc["performance", "satisfaction"]
    )
    return to_satisfaction * b.loc["satisfaction", "loyalty"]


def on_satisfaction() -> float:
    return _scsb().total_effects.loc["expectation", "satisfaction"]


def correlation_with_loyalty() -> float:
    return _scsb().latent_correlations.loc["expectation", "loyalty"]


# -- 7.5 composite reliability ----------
def _loadings() -> np.ndarray:
    return _ccsi().outer_loadings[_block("expectation")].to_numpy()


def rho_c() -> float:
    """Return composite reliability of expectation in CCSI."""
    loadings = _loadings()
    common = loadings.sum() ** 2
    return float(common / (common + (1 - loadings**2).sum()))


def ave() -> float:
    return float((_loadings() ** 2).mean())


def alpha_of_expectation() -> float:
    return _ccsi().reliability().loc["expectation", "cronbach_alpha"]


def mean_loading() -> float:
    return float(_loadings().mean())


# -- 7.6 drivers of loyalty ----------
def _effects_on(target: str) -> pd.DataFrame:
    """Return total effects and importance of everything that acts on the target in CCSI."""
    return _ccsi().importance_performance(target, minimum=LOWEST, maximum=HIGHEST)


def drivers_of_loyalty() -> pd.Series:
    """Return index points of loyalty per index point of each driver in CCSI, largest first."""
    return _effects_on("loyalty").loc[DRIVERS, "importance"].sort_values(ascending=False)


def drivers_of_satisfaction() -> pd.Series:
    return _effects_on("satisfaction")["importance"].sort_values(ascending=False)


def direct_effects_times_one() -> pd.Series:
    paths = _ccsi().path_coefficients
    direct = paths.loc[DRIVERS, "satisfaction"] * paths.loc["satisfaction", "loyalty"]
    return direct.sort_values(ascending=False)


def correlations_with_loyalty() -> pd.Series:
    table = _ccsi().latent_correlations
    return table.loc[DRIVERS, "loyalty"].sort_values(ascending=False)


# -- 7.7 limits of a control chart ----------
def _limit(errors: float = 3.0, n: float | None = 60, old: bool = False) -> float:
    tracker = datasets.load("satisfaction_tracker").set_index("quarter")
    base = tracker.iloc[:8] if old else tracker.loc["2025-04-01":]
    centre = np.average(base["mean_index"], weights=base["respondents"])
    sigma = np.sqrt(np.average(base["sd_index"] ** 2, weights=base["respondents"] - 1))
    return float(centre - errors * sigma / np.sqrt(base["respondents"].mean() if n is None else n))


def lower_limit() -> float:
    """Return the lower limit for a quarter with 60 answers, from the level since April 2025."""
    return _limit()


def limit_of_single_answers() -> float:
    return _limit(n=1)


def limit_with_usual_n() -> float:
    return _limit(n=None)


def limit_at_two() -> float:
    return _limit(errors=2.0)


def limit_of_the_old_level() -> float:
    return _limit(old=True)


# -- 7.8 a point in yuan ----------
PROGRAMME = {"image": 3, "value": 2}


def _yuan_per_point() -> float:
    """Slope of next year's revenue on the satisfaction index, per customer."""
    orders = datasets.load("orders")
    year = orders[orders["order_date"] >= "2025-07-01"].groupby("customer_id")["amount"].sum()
    survey = _survey()
    answers = survey[_block("satisfaction")]
    weights = _ccsi().index_weights()[answers.columns]
    score = (answers.fillna(answers.mean()) @ weights - LOWEST) / (HIGHEST - LOWEST) * 100
    return float(np.polyfit(score, survey["customer_id"].map(year).fillna(0), 1)[0])


def _customers() -> int:
    return int((datasets.load("consumers")["acquired_on"] < "2025-07-01").sum())


def worth_of_programme() -> float:
    """Return what three points of image and two of value would add to a year's revenue, in yuan."""
    return _ccsi().what_if(PROGRAMME)["satisfaction"] * _yuan_per_point() * _customers()


def worth_by_direct_effects() -> float:
    table = _effects_on("satisfaction")
    paths = _ccsi().path_coefficients["satisfaction"]
    per_point = table["importance"] / table["total_effect"] * paths.reindex(table.index)
    lift = sum(points * per_point[driver] for driver, points in PROGRAMME.items())
    return lift * _yuan_per_point() * _customers()


def worth_among_respondents() -> float:
    return _ccsi().what_if(PROGRAMME)["satisfaction"] * _yuan_per_point() * len(_survey())


def worth_of_image_alone() -> float:
    return _ccsi().what_if({"image": 3})["satisfaction"] * _yuan_per_point() * _customers()


def worth_of_loyalty_points() -> float:
    return _ccsi().what_if(PROGRAMME)["loyalty"] * _yuan_per_point() * _customers()


def worth_of_five_points_themselves() -> float:
    return sum(PROGRAMME.values()) * _yuan_per_point() * _customers()


ITEMS = (
    Item(
        id="7.1",
        points=1,
        reference=alpha,
        rivals=(
            Rival(
                alpha_without_factor,
                "The factor k / (k - 1) is missing: a block of few questions is hit hardest.",
            ),
            Rival(
                mean_correlation,
                "That is the mean correlation between two questions. Alpha is about their sum.",
            ),
            Rival(alpha_of_all_five, "That is the alpha of all five questions. Leave the third one out."),
        ),
        hint="How large would the variance of the sum be if the questions had nothing in common?",
        concepts=("VS18", "VS18a"),
        decimals=3,
        tolerance=0.003,
    ),
    Item(
        id="7.2",
        points=2,
        reference=answers_needed,
        rivals=(
            Rival(
                answers_for_the_width, "You made the whole interval 1.2 wide. A margin is half of it: ± 1.2."
            ),
            Rival(
                answers_in_scale_points,
                "The standard deviation is in points from 1 to 10, the margin in index points: a point of "
                "the scale is 100/9 of them.",
            ),
            Rival(
                answers_not_squared,
                "The margin shrinks with the root of n. Solve for n: the ratio is squared.",
            ),
            Rival(
                answers_for_one_standard_error,
                "One standard error gives a confidence of about 68 %. 95 % needs 1.96 of them.",
            ),
        ),
        hint=(
            "Write the margin as 1.96 standard errors of the mean, on the scale of the index, and solve for"
            " n."
        ),
        concepts=("VS18", "VS18b"),
        unit="answers",
        tolerance=1,
        relative=0.002,
    ),
    Item(
        id="7.3",
        points=3,
        reference=index_raw,
        rivals=(
            Rival(
                index_standardised,
                "Those are the weights of standardised questions. To weigh raw answers, divide each by its "
                "question's standard deviation first.",
            ),
            Rival(
                index_of_item_means, "That is the plain mean of the questions. Each has a weight of its own."
            ),
            Rival(
                index_not_rescaled,
                "The scale does not begin at 0: without taking off the minimum, the lowest answer would not"
                " give 0.",
            ),
            Rival(
                index_over_maximum,
                "You took off the minimum but divided by the maximum: the highest answer would not give 100.",
            ),
            Rival(index_weights_not_normalised, "The weights do not sum to 1. Divide them by their sum."),
        ),
        hint=(
            "First the weights of raw answers, then their sum made 1, then the scale: lowest answer 0, "
            "highest 100."
        ),
        concepts=("VS15", "VS15g"),
        unit="index points",
        decimals=2,
        tolerance=0.01,
        cases=_surveys,
    ),
    Item(
        id="7.4",
        points=2,
        reference=expectation_to_loyalty,
        rivals=(
            Rival(
                shortest_way_only,
                "That is one way of four: expectation → satisfaction → loyalty. Performance and complaints "
                "open the others.",
            ),
            Rival(without_complaints, "You left out the ways that run through complaints."),
            Rival(on_satisfaction, "That is the effect on satisfaction. Follow the arrows on to loyalty."),
            Rival(
                correlation_with_loyalty,
                "That is the correlation of the two scores. An effect runs along arrows only.",
            ),
        ),
        hint="Multiply along each way from expectation to loyalty, and add up all ways.",
        concepts=("VS14", "VS15f"),
        unit="standard deviations",
        decimals=3,
        tolerance=0.001,
    ),
    Item(
        id="7.5",
        points=2,
        reference=rho_c,
        rivals=(
            Rival(ave, "That is AVE, the mean squared loading. ρ_C is about the sum of the questions."),
            Rival(
                alpha_of_expectation,
                "That is Cronbach's alpha, which counts all questions alike. ρ_C counts them by their "
                "loadings.",
            ),
            Rival(
                mean_loading,
                "That is about one question: its mean correlation with the score, or the root of AVE. ρ_C "
                "is about the sum of all.",
            ),
        ),
        hint="Set the square of the summed loadings against itself plus the questions' error variances.",
        concepts=("VS16", "VS15h"),
        decimals=3,
        tolerance=0.002,
    ),
    Item(
        id="7.6",
        points=2,
        reference=drivers_of_loyalty,
        rivals=(
            Rival(drivers_of_satisfaction, "Those are effects on satisfaction. The target is loyalty."),
            Rival(
                direct_effects_times_one,
                "You followed only the direct arrow of each driver to satisfaction. Add the detours: total "
                "effects.",
            ),
            Rival(
                correlations_with_loyalty,
                "Those are correlations. They also count what driver and loyalty have in common for other "
                "reasons.",
            ),
        ),
        hint="The same table as for satisfaction, with another target; then keep four rows and sort them.",
        concepts=("VS19",),
        unit="index points per index point",
        decimals=3,
        tolerance=0.002,
        ordered=True,
    ),
    Item(
        id="7.7",
        points=2,
        reference=lower_limit,
        rivals=(
            Rival(
                limit_of_single_answers,
                "You took the standard deviation of single answers. The index of a quarter is a mean of 60 "
                "of them.",
            ),
            Rival(
                limit_with_usual_n,
                "You used the usual number of respondents. The next quarter will have only 60.",
            ),
            Rival(limit_at_two, "Limits stand at three standard errors; you took about two."),
            Rival(
                limit_of_the_old_level,
                "That is the level before April 2025. It has changed since: the new one is the baseline now.",
            ),
        ),
        hint="How far does a mean of so many answers stray from the centre by chance?",
        concepts=("VS20", "VS20a"),
        unit="index points",
        decimals=1,
        tolerance=0.1,
    ),
    Item(
        id="7.8",
        points=3,
        reference=worth_of_programme,
        rivals=(
            Rival(
                worth_by_direct_effects,
                "You used the direct arrows to satisfaction. A better image also works through expectation,"
                " quality and value.",
            ),
            Rival(
                worth_among_respondents,
                "You counted the respondents. The programme reaches all consumers won before July 2025.",
            ),
            Rival(worth_of_image_alone, "You left out the two points of value."),
            Rival(
                worth_of_loyalty_points,
                "You multiplied the change of loyalty. The slope is yuan per point of satisfaction.",
            ),
            Rival(
                worth_of_five_points_themselves,
                "You multiplied the points of image and value. First ask how far they move satisfaction.",
            ),
        ),
        hint="Three factors: points of satisfaction, yuan per point and customer, customers.",
        concepts=("VS17", "VS19"),
        unit="yuan",
        tolerance=1,
        relative=0.002,
    ),
)
