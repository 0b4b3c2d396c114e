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
from .accounts import KINDS

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
TRADE = numbers(
    "account_months",
    distributor_price=(0.80, "factor", "on the price: the trade discount of distributors"),
    distributor_goods=(0.90, "factor", "on the cost of the goods: distributors get tea in bulk"),
)
PRICES = pd.Series({kind: TRADE.distributor_price if kind == "distributor" else 1 for kind in KINDS})
GOODS = pd.Series({kind: TRADE.distributor_goods if kind == "distributor" else 1 for kind in KINDS})
SEASON = numbers(
    "account_calendar",
    spring_build_up=(0.45, "share", "more tea a day, one to six weeks before Spring Festival"),
    spring_slack=(-0.50, "share", "change in the three weeks from Spring Festival on"),
    mid_autumn_build_up=(0.35, "share", "more tea a day, one to six weeks before Mid-Autumn Festival"),
    mid_autumn_slack=(-0.20, "share", "change in the three weeks from Mid-Autumn Festival on"),
    summer=(-0.15, "share", "change in July and August, beside the build-up before Mid-Autumn Festival"),
    build_up_until=(1, "week", "before a festival: later no tea for it arrives"),
    build_up_from=(6, "weeks", "before a festival"),
    slack_until=(3, "weeks", "after a festival"),
    on_orders=(
        0.5,
        "power",
        "of the calendar that falls on the number of orders, the rest on their kilograms",
    ),
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
    return _of_mean_one(month)


def _of_mean_one(month: np.ndarray) -> np.ndarray:
    """Return factors of months so that the mean over each year from July on is 1."""
    year = month.reshape(-1, YEAR_MONTHS)
    return (year / year.mean(axis=1, keepdims=True)).ravel()


CALENDAR = calendar()
ORDERS_CALENDAR = _of_mean_one(CALENDAR**SEASON.on_orders)


def margin_by_stage() -> pd.DataFrame:
    """Return the expected margin of a month by kind and stage, account and month being of factor 1."""
    noise = np.exp((LEDGER.kg_noise**2 + LEDGER.price_noise**2) / 2)
    kg = FEATURES["orders"] * FEATURES["kg_per_order"] * noise
    rates = np.array([margin_rate(FEATURES["margin_rate"], PRICES[kind], GOODS[kind]) for kind in KINDS])
    table = PRICES.to_numpy()[:, None] * rates * (kg * LEDGER.price_per_kg).to_numpy()
    return pd.DataFrame(table, index=list(KINDS), columns=list(STAGES))


def margin_rate(rate: pd.Series, price: pd.Series | float, goods: pd.Series | float) -> pd.Series:
    """Return the rate of accounts with other prices or other goods than most, given that of most."""
    return 1 - (1 - rate) * goods / price


@process(inner=("past_months",))
def past_months(
    rng: np.random.Generator,
    past_accounts: pd.DataFrame,
    past_stages: pd.DataFrame,
    past_profiles: pd.DataFrame,
    bond_factors: pd.DataFrame,
) -> pd.DataFrame:
    """Return the ledger until June 2025: what the house can see before it deals any trial."""
    path = past_stages[past_stages["stage"] != LOST]
    factor = volume_factors(path, past_profiles, bond_factors)
    return ledger(rng, path, past_profiles["kind"], factor, np.zeros(len(path)))


@process(tables=("account_months",))
def account_months(
    rng: np.random.Generator,
    past_months: pd.DataFrame,
    account_path: pd.DataFrame,
    account_profiles: pd.DataFrame,
    bond_factors: pd.DataFrame,
    partner_factors: pd.Series,
    care_arms: pd.Series,
) -> pd.DataFrame:
    """Return the ledger by account and month."""
    year = account_path[(account_path["stage"] != LOST) & (account_path["month"] >= YEAR_START)]
    factor = volume_factors(year, account_profiles, bond_factors)
    factor *= year["account"].map(partner_factors).fillna(1).to_numpy()
    under_care = year["account"].isin(care_arms.index[care_arms]).to_numpy()
    months = ledger(rng, year, account_profiles["kind"], factor, LEDGER.care_visits * under_care)
    return pd.concat([past_months, months]).sort_values(["account_id", "month"], ignore_index=True)


def volume_factors(path: pd.DataFrame, profiles: pd.DataFrame, bond_factors: pd.DataFrame) -> np.ndarray:
    """Return what multiplies the kilograms of each month of a path, stage and partner programme apart."""
    account = path["account"].to_numpy()
    month = path["month"].to_numpy()
    bond = bond_factors.set_index("account").reindex(account)
    bonded = month >= bond["since"].to_numpy()  # never where there is no bond
    factor = profiles["size_factor"].to_numpy()[account] * CALENDAR[month]
    return factor * np.where(bonded, bond["factor"].to_numpy(), 1)


def ledger(
    rng: np.random.Generator,
    path: pd.DataFrame,
    kinds: pd.Series,
    factor: np.ndarray,
    more_visits: np.ndarray,
) -> pd.DataFrame:
    """Draw the ledger of the months of a path."""
    n = len(path)
    mean = FEATURES.iloc[path["stage"]].reset_index(drop=True)
    kind = kinds.iloc[path["account"]].reset_index(drop=True)
    price = kind.map(PRICES)
    more_orders = ORDERS_CALENDAR[path["month"]]
    orders = rng.poisson(mean["orders"] * more_orders)
    kg_per_order = mean["kg_per_order"] * factor / more_orders
    kg = kg_per_order * np.exp(rng.normal(0, LEDGER.kg_noise, n)) * orders
    revenue = kg * LEDGER.price_per_kg * price * np.exp(rng.normal(0, LEDGER.price_noise, n))
    rate = margin_rate(mean["margin_rate"], price, kind.map(GOODS)) + rng.normal(0, LEDGER.margin_noise, n)
    hours = mean["response_hours"] * np.exp(mean["noise"] * rng.standard_normal(n))
    return pd.DataFrame(
        {
            "account_id": path["account"].to_numpy() + 1,
            "month": MONTHS[path["month"]],
            "orders": orders,
            "volume_kg": kg.round(1),
            "revenue": revenue.round(2),
            "margin": (revenue * rate).round(2),
            "visits": rng.poisson(mean["visits"] + more_visits),
            "complaints": rng.poisson(mean["complaints"]),
            "response_hours": hours.round(1),
        }
    )
