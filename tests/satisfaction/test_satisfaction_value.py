"""Customer delivered value: four values less four costs, weights by component, and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from crmlab import datasets
from crmlab import satisfaction as sat
from crmlab.simulate.processes import offers

OFFERS = datasets.load("competing_offers", cohort="shipped")
VALUES = ["product_value", "service_value", "personnel_value", "image_value"]
COSTS = ["price", "time_cost", "energy_cost", "psychic_cost"]


def test_delivered_value_is_four_values_less_four_costs():
    table = sat.delivered_value(OFFERS)
    assert list(table["delivered_value"].items()) == [
        ("qinghe_classic", 20),
        ("qinghe_reserve", 14),
        ("rival_leaf", 4),
        ("supermarket", -4),
        ("rival_heritage", -10),
    ]
    offers = OFFERS.set_index("offer").loc[table.index]
    assert list(table.columns) == [*VALUES, *COSTS, "total_value", "total_cost", "delivered_value"]
    assert table[[*VALUES, *COSTS]].equals(offers[[*VALUES, *COSTS]].astype(float))
    assert table["total_value"].equals(offers[VALUES].sum(axis=1).astype(float))
    assert table["total_cost"].equals(offers[COSTS].sum(axis=1).astype(float))


@pytest.mark.parametrize("kind", [dict, pd.Series])
def test_weights_go_by_component(kind):
    weighted = sat.delivered_value(OFFERS, weights=kind({"time_cost": 3, "image_value": 0}))
    assert weighted.loc["qinghe_classic", "delivered_value"] == 20 - 18 - 2 * 9
    assert (weighted["image_value"] == 0).all()
    before = OFFERS.set_index("offer")["time_cost"]
    assert weighted["time_cost"].sub(3 * before).abs().max() == 0


def test_delivered_value_goes_by_name():
    turned = OFFERS.iloc[::-1, ::-1].rename(columns={"offer": "$_tea"})
    table = sat.delivered_value(turned, "$_tea")
    assert table.index.name == "$_tea"
    pd.testing.assert_frame_equal(table.rename_axis("offer"), sat.delivered_value(OFFERS))
    pd.testing.assert_frame_equal(
        sat.delivered_value(OFFERS.convert_dtypes()), sat.delivered_value(OFFERS), check_index_type=False
    )


def test_ties_keep_the_order_given():
    same = pd.DataFrame(1, range(100), [*VALUES, *COSTS]).assign(price=[1, 2] * 50, offer=range(100, 0, -1))
    assert list(sat.delivered_value(same).index) == [*range(100, 0, -2), *range(99, 0, -2)]


def test_choice_utilities_and_value_map_of_the_world(world):
    """statsmodels has the conditional logit; what the chapter does with it finds the utilities of the world."""
    data = (
        world.tables["offer_choices"]
        .iloc[:7500]
        .merge(world.tables["competing_offers"][["offer", "price"]], on="offer")
    )
    utilities = sm.ConditionalLogit(data["chosen"], data[["benefit", "price"]], groups=data["customer_id"])
    fit = utilities.fit(disp=0)
    for name in ("benefit", "price"):
        assert fit.params[name] == pytest.approx(getattr(offers.CHOICE, name), abs=4 * fit.bse[name])
    means = data.groupby(["offer", "price"], as_index=False)["benefit"].mean()
    line = smf.ols("benefit ~ price", means).fit()
    data = data.assign(distance=data["benefit"] - line.predict(data))
    near = sm.ConditionalLogit(data["chosen"], data[["distance"]], groups=data["customer_id"]).fit(disp=0)
    assert near.params["distance"] > 10 * near.bse["distance"]


VALUE_ERRORS = [
    ("no rows", lambda: sat.delivered_value(OFFERS.iloc[:0])),
    ("no column 'price'", lambda: sat.delivered_value(OFFERS.drop(columns="price"))),
    ("Did you mean 'offer'", lambda: sat.delivered_value(OFFERS, offer="ofer")),
    ("duplicated", lambda: sat.delivered_value(pd.concat([OFFERS, OFFERS]))),
    ("price must be at least 0", lambda: sat.delivered_value(OFFERS.assign(price=-1))),
    ("price has 5 missing", lambda: sat.delivered_value(OFFERS.assign(price=np.nan))),
    ("price has 5 infinite", lambda: sat.delivered_value(OFFERS.assign(price=np.inf))),
    ("without a name", lambda: sat.delivered_value(OFFERS.replace({"offer": {"rival_leaf": None}}))),
    ("Did you mean 'image_value'", lambda: sat.delivered_value(OFFERS, weights={"imge_value": 1})),
    ("at least 0", lambda: sat.delivered_value(OFFERS, weights={"price": -1})),
    ("'price' more than once", lambda: sat.delivered_value(OFFERS, weights=pd.Series([1, 2], ["price"] * 2))),
]
TYPE_ERRORS = [
    ("price must be numeric", lambda: sat.delivered_value(OFFERS.assign(price="dear"))),
    ("True and False", lambda: sat.delivered_value(OFFERS.assign(price=True))),
    (r"weights\['price'\]", lambda: sat.delivered_value(OFFERS, weights={"price": True})),
    (r"weights\['price'\]", lambda: sat.delivered_value(OFFERS, weights={"price": np.nan})),
    ("numbers by component", lambda: sat.delivered_value(OFFERS, weights=[1] * 8)),
    ("DataFrame", lambda: sat.delivered_value(OFFERS["price"])),
]


@pytest.mark.parametrize(("text", "call"), VALUE_ERRORS)
def test_delivered_value_refuses_values(text, call):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(("text", "call"), TYPE_ERRORS)
def test_delivered_value_refuses_types(text, call):
    with pytest.raises(TypeError, match=text):
        call()
