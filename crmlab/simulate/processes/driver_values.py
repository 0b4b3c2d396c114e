"""What five index points are worth: revenue of the year from July 2025 after one driver is raised for all."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betainc, betaincinv, gammainc, gammaincinv, ndtr, ndtri

from .. import dates
from ..core import pearson
from ..numbers import numbers
from ..registry import process
from .index_model import total_effects_on_satisfaction
from .people import BUYING
from .satisfaction_survey import ANSWERS

DRIVER = numbers(
    "driver_values",
    points=(5.0, "index points", "by which a driver's index is raised"),
    scale=(9.0, "points", "of an item, from 1 to 10, that make 100 index points"),
)
FULL = 100  # index points
LEAST = 1e-12  # a probability that can be divided by


@process(truth=("driver_values",))
def driver_values(
    consumers: pd.DataFrame, behaviour: pd.DataFrame, dropout: np.ndarray, truth_loadings: pd.DataFrame
) -> pd.DataFrame:
    """Return by how much five points on an index raise satisfaction, and through it the next year's revenue.

    Only satisfaction acts on buying, so a driver works as far as it raises satisfaction. The sum runs over
    consumers won before 1 July 2025 and still there; what trials change is left out.
    """
    there = (consumers["acquired_on"] < dates.INTERVENTION).to_numpy() & ~(dropout < dates.HISTORY)
    here = behaviour[there]
    before = revenue_of_a_year(here).sum()
    effects = total_effects_on_satisfaction()
    loading = truth_loadings.groupby("construct")["loading"].mean()[effects.index]
    shift = DRIVER.points * DRIVER.scale / FULL / (ANSWERS.item_sd * loading)
    gains = [revenue_of_a_year(lifted(here, lift)).sum() - before for lift in effects * shift]
    return pd.DataFrame(
        {
            "driver": effects.index,
            "shift": shift.to_numpy(),
            "satisfaction_shift": (effects * shift).to_numpy(),
            "revenue_gain": np.round(gains, 2),
        }
    )


def revenue_of_a_year(behaviour: pd.DataFrame) -> pd.Series:
    """Return what living consumers are expected to spend in the year from 1 July 2025.

    With rate l and dropout probability p they buy (1 - exp(-l p t)) / p times in t weeks.
    """
    weeks = (dates.DAYS - dates.HISTORY) / dates.WEEK
    rate = behaviour["purchase_rate"]
    out = behaviour["dropout_probability"]
    return behaviour["mean_order_value"] * -np.expm1(-rate * out * weeks) / out


def lifted(behaviour: pd.DataFrame, lift: float) -> pd.DataFrame:
    """Return behaviour after everybody's satisfaction rose by `lift`."""
    rate = ndtri(gammainc(BUYING.r, behaviour["purchase_rate"] * BUYING.alpha))
    out = ndtri(betainc(BUYING.a, BUYING.b, behaviour["dropout_probability"]))
    rate = rate + pearson(BUYING.satisfaction_rate) * lift
    out = out + pearson(BUYING.satisfaction_dropout) * lift
    return behaviour.assign(
        purchase_rate=gammaincinv(BUYING.r, ndtr(rate)) / BUYING.alpha,
        dropout_probability=np.maximum(betaincinv(BUYING.a, BUYING.b, ndtr(out)), LEAST),
    )
