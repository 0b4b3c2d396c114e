"""The ledger of the business accounts: every figure of a month depends on the stage, through noise.

The kilograms of an order are those of the stage, times the account's size, the calendar, its bond and its
partner programme. Care acts through the stages alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..dates import DAYS, FESTIVALS, MONTHS, START, WEEK
from ..numbers import grid, numbers
from ..registry import process
from .account_stages import LOST, STAGES, YEAR_MONTHS, YEAR_START

FEATURES = grid(
    "account_months",
    "mean",
    STAGES,
    ("orders", "kg_per_order", "margin_rate", "visits", "complaints", "response_hours", "noise"),
    (
        (1.9, 1.0, 0.27, 2.8, 0.40, 18.0, 0.50),
        (4.2, 1.6, 0.30, 2.2, 0.35, 13.0, 0.50),
        (8.0, 2.2, 0.32, 1.0, 0.30, 9.0, 0.55),
        (5.2, 1.9, 0.25, 1.9, 1.00, 16.0, 0.60),
    ),
    "as the column says",
    "Poisson means and log means by stage; noise is the standard deviation of log response hours",
)
LEDGER = numbers(
    "account_months",
    price_per_kg=(185.0, "yuan", "mean price of a kilogram"),
    kg_noise=(0.25, "log", "standard deviation of a month's kilograms an order"),
    price_noise=(0.05, "log", "standard deviation of a month's price"),
    margin_noise=(0.05, "share", "standard deviation of a month's margin rate"),
    care_visits=(2.0, "visits", "more in a month of care"),
)
SEASON = numbers(
    "account_calendar",
    spring_build_up=(0.45, "share", "more tea a day, one to six weeks before Spring Festival"),
    spring_slack=(-0.50, "share", "change in the three weeks from Spring Festival on"),
    mid_autumn_build_up=(0.35, "share", "more tea a day, one to six weeks before Mid-Autumn Festival"),
    mid_autumn_slack=(-0.20, "share", "change in the three weeks from Mid-Autumn Festival on"),
    summer=(-0.15, "share", "change in July and August"),
    build_up_until=(1, "week", "before a festival: later no tea for it arrives"),
    build_up_from=(6, "weeks", "before a festival"),
    slack_until=(3, "weeks", "after a festival"),
)
_SUMMER = (7, 8)


def calendar() -> np.ndarray:
    """Return the factor of every month on the volumes; its mean over each year from July on is 1."""
    day = START + pd.to_timedelta(np.arange(DAYS), unit="D")
    factor = 1 + SEASON.summer * day.month.isin(_SUMMER)
    for festival, build_up, slack in (
        ("spring_festival", SEASON.spring_build_up, SEASON.spring_slack),
        ("mid_autumn", SEASON.mid_autumn_build_up, SEASON.mid_autumn_slack),
    ):
        for date in FESTIVALS.loc[FESTIVALS["festival"] == festival, "date"]:
            weeks = (date - day).days / WEEK
            factor += build_up * ((weeks >= SEASON.build_up_until) & (weeks < SEASON.build_up_from))
            factor += slack * ((weeks <= 0) & (weeks > -SEASON.slack_until))
    month = pd.Series(factor, index=day).resample("MS").mean().to_numpy()
    year = month.reshape(-1, YEAR_MONTHS)  # a row for each year from July on
    return (year / year.mean(axis=1, keepdims=True)).ravel()


CALENDAR = calendar()


def margin_by_stage() -> np.ndarray:
    """Return the expected margin of a month by stage, account and month being of factor 1."""
    noise = np.exp((LEDGER.kg_noise**2 + LEDGER.price_noise**2) / 2)
    kg = FEATURES["orders"] * FEATURES["kg_per_order"] * noise
    return (kg * LEDGER.price_per_kg * FEATURES["margin_rate"]).to_numpy()


@process(inner=("volume_factors",))
def volume_factors(
    account_ever: pd.DataFrame,
    account_path: pd.DataFrame,
    account_profiles: pd.DataFrame,
    bond_factors: pd.DataFrame,
    partner_factors: pd.Series,
) -> np.ndarray:
    """Return what multiplies the kilograms of each month of the path, the stage apart."""
    account = account_path["account"].to_numpy()
    month = account_path["month"].to_numpy()
    factor = account_profiles["size_factor"].to_numpy()[account] * CALENDAR[month]
    bond = bond_factors.set_index("account").reindex(account_ever["account"])
    bonded = month >= bond["since"].to_numpy()[account]  # never where there is no bond
    factor *= np.where(bonded, bond["factor"].to_numpy()[account], 1)
    partner = partner_factors.reindex(account_ever["account"]).fillna(1).to_numpy()[account]
    return factor * np.where(month >= YEAR_START, partner, 1)


@process(tables=("account_months",))
def account_months(
    rng: np.random.Generator,
    account_path: pd.DataFrame,
    volume_factors: np.ndarray,
    care_arms: pd.Series,
) -> pd.DataFrame:
    """Return the ledger by account and month."""
    there = account_path["stage"].to_numpy() != LOST
    active = account_path[there]
    n = len(active)
    mean = FEATURES.iloc[active["stage"]].reset_index(drop=True)
    under_care = active["account"].isin(care_arms.index[care_arms]) & (active["month"] >= YEAR_START)
    orders = rng.poisson(mean["orders"])
    kg = mean["kg_per_order"] * volume_factors[there] * np.exp(rng.normal(0, LEDGER.kg_noise, n)) * orders
    revenue = kg * LEDGER.price_per_kg * np.exp(rng.normal(0, LEDGER.price_noise, n))
    rate = mean["margin_rate"] + rng.normal(0, LEDGER.margin_noise, n)
    hours = mean["response_hours"] * np.exp(mean["noise"] * rng.standard_normal(n))
    return pd.DataFrame(
        {
            "account_id": active["account"].to_numpy() + 1,
            "month": MONTHS[active["month"]],
            "orders": orders,
            "volume_kg": kg.round(1),
            "revenue": revenue.round(2),
            "margin": (revenue * rate).round(2),
            "visits": rng.poisson(mean["visits"] + LEDGER.care_visits * under_care.to_numpy()),
            "complaints": rng.poisson(mean["complaints"]),
            "response_hours": hours.round(1),
        }
    )
