"""The start page: one question, to learn what a check does."""

from __future__ import annotations

import pandas as pd

from crmlab import datasets
from crmlab.exercises import Item, Rival


def _orders_of_june() -> pd.DataFrame:
    orders = datasets.load("orders")
    return orders[orders["order_date"] >= "2026-06-01"]


def buyers() -> int:
    """Return how many different consumers ordered in June 2026."""
    return _orders_of_june()["customer_id"].nunique()


def orders_counted() -> int:
    return len(_orders_of_june())


def buyers_ever() -> int:
    return datasets.load("orders")["customer_id"].nunique()


def buyers_of_any_june() -> int:
    orders = datasets.load("orders")
    return orders.loc[orders["order_date"].dt.month == 6, "customer_id"].nunique()


ITEMS = (
    Item(
        id="0.1",
        points=1,
        reference=buyers,
        rivals=(
            Rival(orders_counted, "You counted orders. A consumer who ordered twice is still one consumer."),
            Rival(
                buyers_ever, "You counted everybody who ever ordered. The question is about June 2026 only."
            ),
            Rival(
                buyers_of_any_june,
                "You counted the Junes of all years. The question is about June 2026 only.",
            ),
        ),
        hint="Keep the orders of June 2026, then count the different customer ids among them.",
        concepts=(),
        unit="consumers",
    ),
)
