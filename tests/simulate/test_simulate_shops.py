"""Shops: twelve in eight cities, and most of what they sell goes to people in no file."""

from __future__ import annotations

import pandas as pd
from surroundings import Part

from crmlab.simulate import dates
from crmlab.simulate.processes.people import CITIES

SHIPPED = 6_000  # consumers of the shipped world, to which the stated sales belong


def test_twelve_shops_stood_in_the_eight_cities_before_the_history():
    shops = Part(1, 50)["shops"]
    assert shops["shop_id"].tolist() == list(range(1, 13))
    assert set(shops["city"]) == set(CITIES["city"])
    assert shops["opened_on"].is_monotonic_increasing
    assert (shops["opened_on"] < dates.START).all()


def test_card_holders_are_a_third_of_what_the_shops_sell():
    world = Part(20260630, SHIPPED)
    orders = world["orders"].merge(world["consumers"][["customer_id", "city"]])
    year = orders[
        (orders["channel"] == "shop") & (orders["order_date"] > dates.TODAY - pd.Timedelta(days=365))
    ]
    cards = year["city"].value_counts() / 365
    sales = world["shops"].groupby("city")["sales_a_day"].sum()
    assert 0.28 < cards.sum() / sales.sum() < 0.38
    assert (cards / sales).between(0.2, 0.5).all()
