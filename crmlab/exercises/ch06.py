"""Chapter 6, customer value and satisfaction: what is asked, the usual wrong answers, and the sentence for"
" each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from crmlab import datasets, satisfaction
from crmlab.exercises import Item, Rival

Net = Callable[[str, float, float], float]


# --- 6.1 what a point of benefit is worth ----------


def _choice_weights() -> pd.Series:
    """Return the weights of benefit and price in the choice between offers."""
    import statsmodels.api as sm

    prices = datasets.load("competing_offers")[["offer", "price"]]
    choices = datasets.load("offer_choices").merge(prices, on="offer")
    model = sm.ConditionalLogit(
        choices["chosen"], choices[["benefit", "price"]], groups=choices["customer_id"]
    )
    return model.fit(disp=0).params


def yuan_per_point() -> float:
    weights = _choice_weights()
    return float(-weights["benefit"] / weights["price"])


def points_per_yuan() -> float:
    return 1 / yuan_per_point()


def weight_of_benefit() -> float:
    return float(_choice_weights()["benefit"])


def odds_ratio() -> float:
    return float(np.exp(_choice_weights()["benefit"]))


# --- 6.2 the service score with derived weights ----------


def _service() -> tuple[pd.DataFrame, satisfaction.Servqual]:
    survey = datasets.load("service_quality_survey")
    return survey, satisfaction.servqual(survey)


def _slopes(survey: pd.DataFrame, quality: satisfaction.Servqual):
    import statsmodels.formula.api as smf

    formula = "visit_satisfaction ~ " + " + ".join(satisfaction.SERVQUAL_DIMENSIONS)
    return smf.ols(formula, quality.gaps().join(survey["visit_satisfaction"])).fit().params.iloc[1:]


def derived_score() -> float:
    survey, quality = _service()
    slopes = _slopes(survey, quality)  # one may be a little below zero: no weights for `Servqual.score`
    return float((quality.gaps().mean() * slopes).sum() / slopes.sum())


def expected_minus_perceived() -> float:
    return -derived_score()


def equal_weights() -> float:
    return float(_service()[1].score().mean())


def not_divided_by_their_sum() -> float:
    survey, quality = _service()
    return float((quality.gaps().mean() * _slopes(survey, quality)).sum())


# --- 6.3 two slopes for reliability ----------


def _reliability(
    terms: str = "expectation + negative + positive", *, turned: bool = False, dimension: str = "reliability"
) -> tuple[float, float]:
    """Return the slopes of satisfaction on what falls short and on what exceeds."""
    import statsmodels.formula.api as smf

    survey = datasets.load("service_quality_survey")
    expected = survey.filter(regex=f"^{dimension}_.*_expected$").mean(axis=1)
    perceived = survey.filter(regex=f"^{dimension}_.*_perceived$").mean(axis=1)
    if turned:
        expected, perceived = perceived, expected
    data = satisfaction.disconfirmation(expected, perceived)
    data["satisfaction"] = survey["visit_satisfaction"]
    slopes = smf.ols(f"satisfaction ~ {terms}", data).fit().params
    return float(slopes["negative"]), float(slopes["positive"])


def two_slopes() -> tuple[float, float]:
    return _reliability()


def exceeding_first() -> tuple[float, float]:
    return two_slopes()[::-1]


def gap_turned_round() -> tuple[float, float]:
    return _reliability(turned=True)


def expectation_left_out() -> tuple[float, float]:
    return _reliability("negative + positive")


def responsiveness_instead() -> tuple[float, float]:
    return _reliability(dimension="responsiveness")


# --- 6.4 Kano where competition is strong ----------


def _with_competition(table: str) -> pd.DataFrame:
    """Return a survey with the competition in each customer's city."""
    cities = datasets.load("consumers")[["customer_id", "competition"]]
    return datasets.load(table).merge(cities, on="customer_id")


def _kano(competition: str | None = "strong") -> pd.DataFrame:
    answers = _with_competition("kano_survey")
    if competition is not None:
        answers = answers[answers["competition"] == competition]
    return satisfaction.kano(answers)


def worse_where_strong() -> pd.Series:
    return _kano()["worse"]


def better_where_strong() -> pd.Series:
    return _kano()["better"]


def worse_of_everybody() -> pd.Series:
    return _kano(None)["worse"]


def worse_where_weak() -> pd.Series:
    return _kano("weak")["worse"]


def all_answers_below() -> pd.Series:
    table = _kano()
    return -(table["one-dimensional"] + table["must-be"]) / table["answers"]


# --- 6.5 two net promoter scores ----------


def _recommend() -> dict[str, pd.Series]:
    survey = _with_competition("satisfaction_survey")
    return {name: part["recommend"] for name, part in survey.groupby("competition")}


def weak_minus_strong() -> tuple[float, float]:
    answers = _recommend()
    out = satisfaction.nps_difference(answers["strong"], answers["weak"])
    return float(out["difference"]), float(out["se"])


def strong_minus_weak() -> tuple[float, float]:
    difference, se = weak_minus_strong()
    return -difference, se


def sevens_as_promoters() -> tuple[float, float]:
    """Count 7 and 8 with the promoters."""
    scores = {name: (100.0 * (a >= 7) - 100.0 * (a <= 6)) for name, a in _recommend().items()}
    difference = scores["weak"].mean() - scores["strong"].mean()
    return float(difference), float(np.hypot(scores["weak"].sem(), scores["strong"].sem()))


def errors_added() -> tuple[float, float]:
    answers = _recommend()
    return weak_minus_strong()[0], float(sum(satisfaction.nps(a)["se"] for a in answers.values()))


def standard_deviation() -> tuple[float, float]:
    parts = [satisfaction.nps(a) for a in _recommend().values()]
    return weak_minus_strong()[0], float(np.hypot(*(p["se"] * np.sqrt(p["answers"]) for p in parts)))


# --- 6.6 what two care calls bring ----------

TRIAL = "2025-09-08", "2025-11-06"  # the sixty days named beforehand
BEFORE = "2025-07-03", "2025-08-31"  # as many before the draw


def _care_orders(start: str, end: str, *, whether: bool = False) -> pd.Series:
    """Return the orders per customer of the trial between two days, by number of calls."""
    trial = datasets.load("customer_care")
    orders = datasets.load("orders")
    placed = orders[orders["order_date"].between(start, end)].groupby("customer_id").size()
    count = trial["customer_id"].map(placed).fillna(0)
    return (count.gt(0) if whether else count).groupby(trial["care_calls"]).mean()


def two_calls_or_none() -> float:
    orders = _care_orders(*TRIAL)
    return float(orders[2] - orders[0])


def after_minus_before() -> float:
    return float(_care_orders(*TRIAL)[2] - _care_orders(*BEFORE)[2])


def buyers_not_orders() -> float:
    share = _care_orders(*TRIAL, whether=True)
    return float(share[2] - share[0])


def level_of_the_arm() -> float:
    return float(_care_orders(*TRIAL)[2])


def per_call() -> float:
    return two_calls_or_none() / 2


# --- 6.7 promises kept ----------


def _complaints() -> pd.DataFrame:
    contacts = datasets.load("contacts")
    complaints = contacts[contacts["reason"] == "complaint"].dropna(subset="recovered")
    late = complaints["hours_to_resolve"] - complaints["promised_hours"].astype(float)
    return pd.DataFrame(
        {"recovered": complaints["recovered"].astype(int), "days_late": late.clip(lower=0) / 24}
    )


def _recovery():
    import statsmodels.formula.api as smf

    return smf.logit("recovered ~ days_late", _complaints()).fit(disp=0)


def gain_if_never_late() -> float:
    complaints = _complaints()
    never_late = _recovery().predict(complaints.assign(days_late=0.0))
    return float(never_late.mean() - complaints["recovered"].mean())


def level_if_never_late() -> float:
    return float(_recovery().predict(pd.DataFrame({"days_late": [0.0]})).iloc[0])


def on_time_minus_late() -> float:
    complaints = _complaints()
    share = complaints["recovered"].groupby(complaints["days_late"] > 0).mean()
    return float(share[False] - share[True])


def log_odds_per_day() -> float:
    return float(-_recovery().params["days_late"])


# --- 6.8 the worth of a project, as a function ----------


def _net(*, quarters: int = 4, cost: bool = True, probability: bool = True, gap_points: bool = True) -> Net:
    """Return the worth of a project; each switch is one thing that may be forgotten."""
    import statsmodels.formula.api as smf

    survey, quality = _service()
    slopes = _slopes(survey, quality)
    projects = datasets.load("improvements").set_index("dimension")
    logit = smf.logit("buys_again ~ visit_satisfaction", survey).fit(disp=0)
    effect = logit.get_margeff().margeff[0] if probability else logit.params["visit_satisfaction"]

    def net(dimension: str, customers: float, quarter: float) -> float:
        project = projects.loc[dimension]
        points = project["gap_points"] if gap_points else 1
        worth = slopes[dimension] * points * effect * customers * quarters * quarter
        return float(worth - project["cost"]) if cost else float(worth)

    return net


def net_worth() -> Net:
    return _net()


def worth_before_cost() -> Net:
    return _net(cost=False)


def one_quarter_only() -> Net:
    return _net(quarters=1)


def log_odds_as_probability() -> Net:
    return _net(probability=False)


def one_point_for_every_project() -> Net:
    return _net(gap_points=False)


def _cases() -> list[tuple[str, float, float]]:
    return [("reliability", 800, 90.0), ("empathy", 1500, 140.0), ("tangibles", 400, 60.0)]


ITEMS = (
    Item(
        id="6.1",
        points=2,
        reference=yuan_per_point,
        rivals=(
            Rival(points_per_yuan, "That is points per yuan. The question asks for yuan per point."),
            Rival(weight_of_benefit, "That is the weight of benefit in the logit. It has no unit of money."),
            Rival(odds_ratio, "That is what a point does to the odds. It has no unit of money."),
        ),
        hint=(
            "By how many yuan may the price rise when benefit rises by one point, so that the sum of the "
            "two stays the same?"
        ),
        concepts=("VS01", "VS02"),
        unit="yuan",
        decimals=1,
        relative=0.002,
    ),
    Item(
        id="6.2",
        points=2,
        reference=derived_score,
        rivals=(
            Rival(expected_minus_perceived, "The sign is turned: a gap is perceived minus expected."),
            Rival(
                equal_weights,
                "That is what equal weights give. Here a dimension counts as much as it moves satisfaction.",
            ),
            Rival(not_divided_by_their_sum, "Weights add up to one: divide the slopes by their sum."),
        ),
        hint="The slopes of the five gaps, divided by their sum, are the weights of a mean.",
        concepts=("VS21a", "VS12"),
        unit="points",
        decimals=3,
        exceptions={
            "equal_weights": "Gaps may happen to be as wide where they matter as where they do not.",
        },
    ),
    Item(
        id="6.3",
        points=2,
        reference=two_slopes,
        rivals=(
            Rival(exceeding_first, "The slope for falling short comes first."),
            Rival(gap_turned_round, "The gap is turned round: perceived minus expected, in this order."),
            Rival(expectation_left_out, "The level of expectation is missing from the regression."),
            Rival(responsiveness_instead, "Those are the slopes of responsiveness."),
        ),
        hint="Average the five pairs of reliability first, then split the gap at zero.",
        concepts=("VS04",),
        unit="points of satisfaction per point of service",
        decimals=2,
    ),
    Item(
        id="6.4",
        points=2,
        reference=worse_where_strong,
        rivals=(
            Rival(better_where_strong, "Those are the better coefficients: the gain with the feature."),
            Rival(
                worse_of_everybody,
                "You counted everybody. Keep the customers in cities with strong competition.",
            ),
            Rival(worse_where_weak, "Those are the customers where competition is weak."),
            Rival(
                all_answers_below,
                "Reverse and questionable answers do not count in the denominator: A + O + M + I.",
            ),
        ),
        hint="Bring the city's competition to the answers by customer_id, keep one kind, then classify.",
        concepts=("VS06a", "VS06b", "VS06c"),
        unit="share between -1 and 0",
        decimals=3,
    ),
    Item(
        id="6.5",
        points=2,
        reference=weak_minus_strong,
        rivals=(
            Rival(sevens_as_promoters, "You counted 7 and 8 as promoters. They count in neither group."),
            Rival(strong_minus_weak, "The other way round: weak minus strong."),
            Rival(errors_added, "Standard errors of independent samples add in squares."),
            Rival(
                standard_deviation,
                "The second number is the standard deviation of single answers, not the error of their "
                "means.",
            ),
        ),
        hint=(
            "nps gives a score and its standard error for each group; the variance of a difference is the "
            "sum of the variances."
        ),
        concepts=("VS11a", "VS11"),
        unit="points from -100 to 100",
        decimals=1,
    ),
    Item(
        id="6.6",
        points=2,
        reference=two_calls_or_none,
        rivals=(
            Rival(
                after_minus_before,
                "That compares the same customers before and after. Something else may have changed in "
                "between: compare the arms.",
            ),
            Rival(buyers_not_orders, "You counted who bought. The question asks for orders: some place two."),
            Rival(
                level_of_the_arm,
                "That is what customers with two calls ordered. Some of it came without calls.",
            ),
            Rival(per_call, "That is per call. The question asks for two calls against none."),
        ),
        hint=(
            "Count the orders of each customer in the 60 days, also those who placed none, and compare two "
            "arms."
        ),
        concepts=("VS25", "VS13"),
        unit="orders per customer",
        decimals=3,
        exceptions={
            "after_minus_before": "Without a season the two differences may happen to be the same.",
            "buyers_not_orders": "When hardly anybody orders twice the two may be the same.",
        },
    ),
    Item(
        id="6.7",
        points=2,
        reference=gain_if_never_late,
        rivals=(
            Rival(
                level_if_never_late,
                "That is the share put right if none were late. How much more is it than now?",
            ),
            Rival(
                on_time_minus_late,
                "That compares complaints on time with late ones. Only the late ones can gain, and they are"
                " not all.",
            ),
            Rival(
                log_odds_per_day,
                "That is what a day costs in log-odds, the slope of the logit. The question asks for a "
                "share.",
            ),
        ),
        hint=(
            "Predict each complaint's probability with no delay, average, and compare with the share put "
            "right now."
        ),
        concepts=("VS24",),
        unit="share between 0 and 1",
        decimals=3,
    ),
    Item(
        id="6.8",
        points=3,
        reference=net_worth,
        rivals=(
            Rival(worth_before_cost, "The cost of the project is not taken off."),
            Rival(one_quarter_only, "That is one quarter. A year has four."),
            Rival(
                log_odds_as_probability,
                "You took the slope of the logit for a probability. Use the average marginal effect.",
            ),
            Rival(one_point_for_every_project, "Projects raise service by gap_points, not by one point."),
        ),
        hint=(
            "Slope times points times marginal effect is the gain in probability; customers, quarters and "
            "yuan make it money."
        ),
        concepts=("VS12",),
        unit="yuan",
        decimals=0,
        relative=0.0005,
        cases=_cases,
    ),
)
