"""Shops: twelve in eight cities, and nearly all that they sell goes to people in no file."""

from __future__ import annotations

import pandas as pd

from crmlab.simulate import dates
from crmlab.simulate.processes.people import CITIES
from crmlab.simulate.registry import Setting, run

SHIPPED = 6_000  # consumers of the shipped world, to which the stated sales belong


def test_twelve_shops_stood_in_the_eight_cities_before_the_history():
    shops = run(Setting(1, 50, 10), wanted=["shops"])["shops"]
    assert shops["shop_id"].tolist() == list(range(1, 13))
    assert set(shops["city"]) == set(CITIES["city"])
    assert shops["opened_on"].is_monotonic_increasing
    assert (shops["opened_on"] < dates.START).all()


def test_a_receipt_in_twenty_seven_is_a_card_holders_and_a_shop_can_pay_its_rent():
    world = run(Setting(20260630, SHIPPED, 10), wanted=["orders", "shops"])
    orders = world["orders"].merge(world["consumers"][["customer_id", "city"]])
    year = orders[
        (orders["channel"] == "shop") & (orders["order_date"] > dates.TODAY - pd.Timedelta(days=365))
    ]
    cards = year["city"].value_counts() / 365
    assert world["shops"]["sales_a_day"].between(25, 60).all()
    sales = world["shops"].groupby("city")["sales_a_day"].sum()
    assert 25 < sales.sum() / cards.sum() < 30
    assert (sales / cards).between(18, 45).all()
