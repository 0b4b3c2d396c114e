"""When consumers buy and when they stop: BG/NBD purchases, what goes wrong, and who leaves over it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..core import chance, spread
from ..numbers import numbers, series
from ..registry import Setting, process
from . import order_days
from .people import SPENDING

INCIDENT = numbers(
    "incident",
    intercept=(-1.9, "logit", "an order goes wrong"),
    satisfaction=(-0.6, "logit", "change per unit of satisfaction"),
    voice=(0.45, "share", "of those who meet an incident and complain"),
    lag=(
        0.45,
        "probability",
        "that a complaint comes on the day on which it is thought of; else a day later",
    ),
    median_hours=(40.0, "hours", "median time to resolve a complaint"),
    spread_hours=(0.8, "log", "standard deviation of the time to resolve"),
    recovery_intercept=(1.6, "logit", "of being recovered when solved at once"),
    recovery_per_day_late=(-0.9, "logit", "change per day beyond the promise"),
    leave_recovered=(0.05, "probability", "that a repeat buyer leaves after a complaint that was recovered"),
    leave_unrecovered=(0.65, "probability", "that a repeat buyer leaves after a complaint that was not"),
    leave_silent=(0.55, "probability", "that a repeat buyer who says nothing leaves"),
    part=(0.8, "share", "of a consumer's dropout probability that incidents can explain at most"),
)
PROMISES = series(
    "incident",
    "promised",
    {"24": 0.30, "48": 0.45, "72": 0.25},
    "share",
    "of complaints with so many hours promised",
)
DESK = numbers(
    "recovery_desk",
    share=(0.5, "share", "of complaints from 1 July 2025 that the desk takes, by lot"),
    faster=(0.4, "factor", "on the time to resolve"),
)
SEASON = series(
    "seasonal_orders",
    "",
    {"spring_festival": 1.6, "mid_autumn": 1.4, "summer": 0.75},
    "factor",
    "on the rate of orders if they are to be seasonal: six weeks before a festival; July and August",
)
SEASON_WEEKS = 6  # before a festival
SUMMER = (7, 8)  # months
HOURS = 24  # of a day
QUADRATURE = 64  # nodes: the recovered share is then exact to far more digits than any test sees


@process(inner=("purchases", "incidents", "dropout"))
def purchases(
    draw: Callable[[str], np.random.Generator],
    setting: Setting,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    traits: pd.DataFrame,
    index_scores: pd.DataFrame,
    behaviour: pd.DataFrame,
) -> dict[str, object]:
    """Return purchases, incidents, and the days of dropout (NaN for the living).

    Given their number the times of a Poisson process are uniform, and after each repeat purchase a consumer
    leaves with a probability of their own: so all can be drawn at once. Incidents explain a part of that
    probability; the rest strikes without one. `time` is the clock's, in days; `day` is the day on which the
    order was placed, a few days off, as its channel suits.
    """
    wished = _wished(draw("times"), setting, dates.days(consumers["acquired_on"]), behaviour)
    wished = _placed(draw, wished, consumers, buyer_class, traits)
    row = wished["row"].to_numpy()
    repeat = wished["nth"].to_numpy() > 0
    probability = np.where(repeat, behaviour["dropout_probability"].to_numpy()[row], 0.0)
    wrong = expit(INCIDENT.intercept + INCIDENT.satisfaction * index_scores["satisfaction"].to_numpy()[row])
    over_it, otherwise = split_dropout(probability, wrong)
    happens = np.flatnonzero(draw("incidents").random(len(wished)) < wrong)
    trouble = _answers(draw("answers"), wished.iloc[happens].reset_index(drop=True), over_it[happens])
    leaves = draw("dropout").random(len(wished)) < otherwise
    leaves[happens] |= trouble["left"].to_numpy() == 1
    earlier = np.cumsum(leaves) - leaves  # departures before this purchase, of all rows so far
    still = earlier == earlier[np.searchsorted(row, row)]
    last = leaves & still
    dropout = np.full(setting.customers, np.nan)
    dropout[row[last]] = wished["day"].to_numpy()[last]
    return {
        "purchases": wished[still].reset_index(drop=True),
        "incidents": trouble[still[happens]].reset_index(drop=True),
        "dropout": dropout,
    }


def _placed(
    draw: Callable[[str], np.random.Generator],
    wished: pd.DataFrame,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    traits: pd.DataFrame,
) -> pd.DataFrame:
    """Return purchases with channel and day: first orders on the day of winning, others where they suit."""
    row = wished["row"].to_numpy()
    first = wished["nth"].to_numpy() == 0
    channel = order_days.order_channels(draw("channel"), row, consumers, buyer_class, first)
    day = order_days.suitable_days(draw("days"), wished["time"].to_numpy(), channel)
    response = traits["promotion_response"].to_numpy()[row]
    day = order_days.drawn_to_promotions(draw("promotions"), day, channel, response)
    won = dates.days(consumers["acquired_on"])[row]
    out = wished.assign(
        day=np.where(first, won, np.maximum(day, won)), channel=np.array(order_days.ORDER_CHANNELS)[channel]
    )
    out["day"] = np.where(first, -1, out["day"])  # sorts first; set again below
    out = out.sort_values(["row", "day"], kind="stable", ignore_index=True)
    out["day"] = np.where(out["day"] < 0, won, out["day"])
    out["nth"] = out.groupby("row").cumcount()
    return order_days.one_a_day(out)


def _wished(
    rng: np.random.Generator, setting: Setting, won: np.ndarray, behaviour: pd.DataFrame
) -> pd.DataFrame:
    """Return the purchases that consumers would make if nobody ever left; the first is number 0."""
    first = won + rng.random(setting.customers)
    ticks = clock(setting.seasonal_orders)
    begin = np.interp(first, np.arange(dates.DAYS + 1), ticks)
    more = rng.poisson(behaviour["purchase_rate"].to_numpy() / dates.WEEK * (ticks[-1] - begin))
    row, nth = spread(more + 1)
    when = begin[row] + rng.random(len(row)) * (ticks[-1] - begin[row])
    when[nth == 0] = begin
    when = when[np.lexsort((when, row))]  # sorted within each consumer; `row` is sorted already
    return pd.DataFrame({"row": row, "nth": nth, "time": np.interp(when, ticks, np.arange(dates.DAYS + 1))})


def clock(seasonal: bool) -> np.ndarray:
    """Return how far the clock of purchases has gone when each day begins; it runs evenly by default."""
    pace = np.ones(dates.DAYS)
    if seasonal:
        for festival in ("spring_festival", "mid_autumn"):
            pace[dates.weeks_before(festival) < SEASON_WEEKS] = SEASON[festival]
        summer = dates.dates(np.arange(dates.DAYS)).month.isin(SUMMER)
        pace[summer & (dates.weeks_before("mid_autumn") >= SEASON_WEEKS)] = SEASON["summer"]
    return np.r_[0.0, np.cumsum(pace)]


def split_dropout(probability: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how ready a consumer is to leave over an incident (0 to 1), and dropout without an incident.

    Both together give the stated probability of leaving after a repeat purchase.
    """
    usual = INCIDENT.voice * leave_after_complaint() + (1 - INCIDENT.voice) * INCIDENT.leave_silent
    ready = np.minimum(1, INCIDENT.part * probability / (wrong * usual))
    explained = wrong * ready * usual
    return ready, (probability - explained) / (1 - explained)


def recovered_share(faster: float = 1.0) -> float:
    """Return the share of complaints that are recovered, over promises and times to resolve."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE)
    hours = faster * INCIDENT.median_hours * np.exp(INCIDENT.spread_hours * nodes)
    share = [
        weights @ expit(_recovery_logit(hours, float(promised))) / weights.sum()
        for promised in PROMISES.index
    ]
    return float(np.dot(share, PROMISES))


def leave_after_complaint(faster: float = 1.0) -> float:
    """Return the probability that a repeat buyer leaves after a complaint, before it is handled."""
    share = recovered_share(faster)
    return share * INCIDENT.leave_recovered + (1 - share) * INCIDENT.leave_unrecovered


def _recovery_logit(hours: np.ndarray, promised: np.ndarray | float) -> np.ndarray:
    late = np.maximum(hours - promised, 0) / HOURS
    return INCIDENT.recovery_intercept + INCIDENT.recovery_per_day_late * late


def _answers(rng: np.random.Generator, trouble: pd.DataFrame, ready: np.ndarray) -> pd.DataFrame:
    """Return what consumers do about their incidents, what the house answers, and who leaves over it."""
    n = len(trouble)
    voiced = rng.random(n) < INCIDENT.voice
    lag = rng.geometric(INCIDENT.lag, n) - 1
    asked = trouble["day"].to_numpy() + lag
    desk = voiced & (asked >= dates.HISTORY) & (rng.random(n) < DESK.share)
    promised = rng.choice(PROMISES.index.astype(int), n, p=PROMISES)
    hours = INCIDENT.median_hours * np.exp(INCIDENT.spread_hours * rng.standard_normal(n))
    hours = hours * np.where(desk, DESK.faster, 1.0)
    recovered = voiced & chance(rng, _recovery_logit(hours, promised))
    leave = np.select(
        [recovered, voiced], [INCIDENT.leave_recovered, INCIDENT.leave_unrecovered], INCIDENT.leave_silent
    )
    left = rng.random(n) < ready * leave
    return trouble.assign(
        complained_on=np.where(voiced, asked, np.nan),
        response=np.select([voiced, left], ["voice", "exit"], "silence"),
        desk=desk,
        promised_hours=np.where(voiced, promised, 0),
        hours_to_resolve=np.where(voiced, hours.round(1), np.nan),
        recovered=recovered.astype(int),
        left=left.astype(int),
        leave_usual=ready * leave_after_complaint(),
        leave_desk=ready * leave_after_complaint(DESK.faster),
    )


@process(inner=("order_values",))
def order_values(rng: np.random.Generator, purchases: pd.DataFrame, behaviour: pd.DataFrame) -> np.ndarray:
    """Return what each purchase amounts to: Gamma around the consumer's own mean."""
    return amounts(rng, purchases["row"].to_numpy(), behaviour)


def amounts(rng: np.random.Generator, row: np.ndarray, behaviour: pd.DataFrame) -> np.ndarray:
    """Draw the amounts of orders by the consumers in the given rows."""
    mean = behaviour["mean_order_value"].to_numpy()[row]
    return rng.gamma(SPENDING.p, size=len(row)) * mean / SPENDING.p


@process(truth=("incidents",))
def incident_truth(incidents: pd.DataFrame) -> pd.DataFrame:
    """Return the incidents as truth holds them."""
    voiced = incidents["response"] == "voice"
    out = pd.DataFrame(
        {
            "customer_id": incidents["row"] + 1,
            "date": dates.dates(incidents["day"]),
            "response": incidents["response"],
            "recovered": incidents["recovered"],
            "left": incidents["left"],
            "leave_usual": incidents["leave_usual"].where(voiced).round(4),
            "leave_desk": incidents["leave_desk"].where(voiced).round(4),
        }
    ).sort_values(["date", "customer_id"], kind="stable", ignore_index=True)
    out.insert(0, "incident_id", np.arange(1, len(out) + 1))
    return out
