"""Order lines: prices and weights meet the amount, lines follow taste and season, some buyers cost more than they bring."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import near_mean, near_share, near_shares
from scipy.optimize import minimize
from scipy.special import gammaln
from surroundings import Part, large

from crmlab.simulate import dates
from crmlab.simulate.processes.order_lines import (
    AFFINITY,
    BASKET,
    DISCOUNT,
    GIFTS,
    LEVELS,
    PROMOTION,
    RETURNS,
    SEASON,
    SERIAL,
    TASTE,
)
from crmlab.simulate.processes.people import CLASSES, SPENDING
from crmlab.simulate.processes.products import LINE_MARGINS, LINES, PIECES

WEEK = pd.Timedelta(weeks=1)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Orders with their class, means, season and favourite line of the day."""
    world = large()
    out = (
        world["orders"].assign(intended=world["ledger"]["amount"]).merge(world["consumers"], on="customer_id")
    )
    out = out.merge(world["truth:consumers"][["customer_id", "buyer_class"]], on="customer_id")
    out = out.merge(world["truth:tastes"], on="customer_id")
    out = out.merge(world["truth:taste_changes"], on="customer_id", how="left")
    changed = out["order_date"] >= out["changed_on"]
    out["favourite"] = out["favourite_line"].mask(changed, out["to_line"])
    out["spring"] = out["order_date"].dt.month.between(3, 5)
    out["gifts"] = in_gift_weeks(out["order_date"])
    return out.sort_values("order_id", ignore_index=True)


def in_gift_weeks(day: pd.Series) -> pd.Series:
    """Say which days lie in the weeks up to Spring Festival or Mid-Autumn Festival, the festival being the last."""
    out = pd.Series(False, index=day.index)
    weeks = {"spring_festival": SEASON.gift_weeks_spring, "mid_autumn": SEASON.gift_weeks_autumn}
    for festival, date in dates.FESTIVALS.itertuples(index=False):
        if festival in weeks:
            out |= (day > date - weeks[festival] * WEEK) & (day <= date)
    return out


@pytest.fixture(scope="module")
def lines(orders) -> pd.DataFrame:
    """Order lines with their order and product."""
    out = large()["order_lines"].merge(large()["products"].drop(columns=["product_line"]), on="product_id")
    out = out.merge(orders.drop(columns=["amount"]), on="order_id")
    out["size"] = out.groupby("order_id")["line_no"].transform("size")
    return out.sort_values(["order_id", "line_no"], ignore_index=True)


def wanted(orders: pd.DataFrame) -> pd.DataFrame:
    """Return the stated chance of each line to be the only one of an order that can hold a gift set."""
    weight = (1 - TASTE.favourite) * AFFINITY.loc[orders["buyer_class"]].set_axis(orders.index)
    for line in LINES:
        weight[line] += TASTE.favourite * (orders["favourite"] == line)
    weight["green_tea"] *= np.where(orders["spring"], SEASON.spring_green, 1)
    weight["gift_sets"] *= np.where(orders["gifts"], orders["buyer_class"].map(GIFTS), 1)
    return weight.div(weight.sum(axis=1), axis=0)


# -- the catalogue --------------------------------------------------------------------------------


def test_thirty_six_products_share_the_margins_of_their_lines():
    products = large()["products"]
    assert products["product_id"].tolist() == list(range(1, 37))
    assert products["product_name"].is_unique
    assert (products.groupby("product_line").size() == 6).all()
    mean = products.groupby("product_line")["margin_rate"].mean()
    assert mean[list(LINES)].to_numpy() == pytest.approx(LINE_MARGINS[list(LINES)].to_numpy())
    assert ((products["unit"] == "piece") == products["product_line"].isin(PIECES)).all()
    dear = products.groupby(["product_line", "grade"])["list_price"].agg(["min", "max"]).unstack()
    assert (dear["min", "reserve"] > dear["max", "everyday"]).all()
    late = products["launched_on"] > dates.START
    assert 8 <= late.sum() <= 16
    assert (products.loc[~late].groupby("product_line").size() >= 3).all()


def test_nothing_is_sold_before_its_launch_and_everything_afterwards(lines):
    first = lines.groupby("product_id")["order_date"].min()
    launched = large()["products"].set_index("product_id")["launched_on"]
    assert (first >= launched).all()
    assert (first - launched < pd.Timedelta(days=21)).all()


# -- amounts --------------------------------------------------------------------------------------


def test_a_line_is_quantity_times_list_price_less_discount(lines):
    per = np.where(lines["unit"] == "piece", 1, 100)
    paid = lines["quantity"] / per * lines["list_price"] * (1 - lines["discount"])
    assert (paid - lines["amount"]).abs().max() < 0.00501
    assert (lines["amount"] * 100 - (lines["amount"] * 100).round()).abs().max() < 1e-6
    assert (lines["quantity"] >= 1).all()
    assert (lines["amount"] > 0).all()


def test_lines_are_numbered_and_add_up_to_their_order():
    lines = large()["order_lines"]
    total = lines.groupby("order_id")["amount"].sum().round(2)
    assert np.array_equal(total, large()["orders"]["amount"])
    assert total.index.tolist() == large()["orders"]["order_id"].tolist()
    assert not lines.duplicated(["order_id", "product_line"]).any()
    assert (lines["line_no"] == lines.groupby("order_id").cumcount() + 1).all()
    own = large()["products"].set_index("product_id")["product_line"]
    assert (lines["product_id"].map(own) == lines["product_line"]).all()


def test_an_order_hardly_differs_from_what_was_meant(orders, lines):
    """With a tea to make up for it the order is met to a yuan or two; without, pieces come near."""
    off = orders["amount"] - orders["intended"]
    tea = lines.assign(tea=lines["unit"] == "100 g").groupby("order_id")["tea"].any().to_numpy()
    assert 0.83 < tea.mean() < 0.87
    assert (off[tea].abs() <= 1).mean() > 0.97
    assert off[tea].abs().max() < 3
    assert (off.abs() <= 1).mean() > 0.87
    alone = ~tea & (orders["intended"] > 100).to_numpy()
    relative = (off / orders["intended"])[alone]
    assert relative.abs().median() < 0.03
    assert abs(relative.mean()) < 0.004
    assert abs(off.sum()) < 5e-4 * orders["intended"].sum()


def gamma_gamma(orders: pd.DataFrame, amount: str) -> np.ndarray:
    past = orders[orders["order_date"] < dates.INTERVENTION]
    data = past.groupby("customer_id")[amount].agg(["size", "mean"])
    n, m = data["size"].to_numpy(), data["mean"].to_numpy()

    def loss(log_parameters):
        p, q, v = np.exp(log_parameters)
        density = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v)
        density += (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(v + m * n)
        return -density.mean()

    return np.exp(minimize(loss, np.log([4, 4, 90.0]), method="Nelder-Mead").x)


def test_gamma_gamma_parameters_come_back_from_what_was_paid(orders):
    found = gamma_gamma(orders, "amount")
    assert found == pytest.approx([SPENDING.p, SPENDING.q, SPENDING.v], rel=0.05)
    assert found == pytest.approx(gamma_gamma(orders, "intended"), rel=0.02)


def test_orders_have_one_to_three_lines(lines):
    size = lines[lines["intended"] > 100].drop_duplicates("order_id")["size"]
    another = BASKET.another
    near_shares(size, {1: (1 - another) ** 2, 2: 2 * another * (1 - another), 3: another**2})


# -- what is in them ------------------------------------------------------------------------------


def test_the_only_line_of_an_order_follows_class_taste_and_season(lines):
    single = lines[(lines["size"] == 1) & (lines["intended"] > 100)].reset_index(drop=True)
    chance = wanted(single)
    season = np.select([single["gifts"], single["spring"]], ["gifts", "spring"], "plain")
    for (kind, when), here in single.groupby(["buyer_class", season]):
        for line in LINES:
            near_mean(here["product_line"] == line, chance.loc[here.index, line], (kind, when, line))


def test_favourites_are_spread_by_class(orders):
    tastes = large()["truth:tastes"].merge(large()["truth:consumers"])
    for kind in CLASSES:
        own = tastes.loc[tastes["buyer_class"] == kind, "favourite_line"]
        near_shares(own, AFFINITY.loc[kind].to_dict(), kind)


def test_some_tastes_change_and_the_lines_follow(lines):
    changes = large()["truth:taste_changes"].merge(large()["truth:consumers"]).merge(large()["consumers"])
    alive = large()["truth:consumers"]["dropped_out_on"].isna()
    near_share(large()["truth:consumers"]["customer_id"].isin(changes["customer_id"])[alive], TASTE.change)
    assert (changes["changed_on"] > changes["acquired_on"]).all()
    assert (changes["changed_on"] <= dates.TODAY).all()
    assert not (changes["dropped_out_on"] < changes["changed_on"] - pd.Timedelta(days=9)).any()
    assert (changes["from_line"] != changes["to_line"]).all()
    tastes = large()["truth:tastes"].set_index("customer_id")["favourite_line"]
    assert (changes["customer_id"].map(tastes) == changes["from_line"]).all()
    here = lines[lines["changed_on"].notna() & (lines["intended"] > 100)]
    later = here["order_date"] >= here["changed_on"]
    for line, weight in (("from_line", ~later), ("to_line", later)):
        had = here["product_line"] == here[line]
        assert had[weight].mean() > had[~weight].mean() + 0.2, line


def test_gift_givers_fill_their_baskets_before_the_festivals(orders):
    """Every Spring Festival and Mid-Autumn Festival that the history reaches stands out among its neighbours."""
    gifts = large()["order_lines"].query("product_line == 'gift_sets'")["order_id"]
    has_gift = orders["order_id"].isin(gifts)
    giver = orders["buyer_class"] == "gift_giver"
    plain = has_gift[giver & ~orders["gifts"]].mean()
    for festival, date in dates.FESTIVALS.itertuples(index=False):
        if festival != "dragon_boat" and date <= dates.TODAY:
            before = orders["order_date"].between(date - 2 * WEEK, date)
            assert has_gift[giver & before].mean() > plain + 0.2, date
            later = orders["order_date"].between(date + WEEK, date + 5 * WEEK)
            assert abs(has_gift[giver & later].mean() - plain) < 0.1, date
    rise = {
        kind: has_gift[(orders["buyer_class"] == kind) & orders["gifts"]].mean()
        / has_gift[(orders["buyer_class"] == kind) & ~orders["gifts"]].mean()
        for kind in CLASSES
    }
    assert min(rise.values()) > 1.2
    extra = {
        kind: has_gift[(orders["buyer_class"] == kind) & orders["gifts"]].mean()
        - has_gift[(orders["buyer_class"] == kind) & ~orders["gifts"]].mean()
        for kind in CLASSES
    }
    assert max(extra, key=extra.get) == "gift_giver"


def test_reserve_grade_follows_ability_to_pay(lines):
    tea = lines[lines["unit"] == "100 g"]
    products = large()["products"]
    odds = np.exp(BASKET.reserve + BASKET.reserve_ability * (tea["ability_to_pay"] - 3))
    on_sale = {
        grade: sum(
            (tea["product_line"] == product.product_line) & (tea["order_date"] >= product.launched_on)
            for product in products[products["grade"] == grade].itertuples()
        )
        for grade in ("everyday", "reserve")
    }
    chance = on_sale["reserve"] * odds / (on_sale["reserve"] * odds + on_sale["everyday"])
    for level in range(1, 6):
        here = tea["ability_to_pay"] == level
        near_mean(tea.loc[here, "grade"] == "reserve", chance[here], level)
    ware = lines[lines["unit"] == "piece"]
    dear = ware.groupby("ability_to_pay")["grade"].agg(lambda grade: (grade == "reserve").mean())
    assert dear.is_monotonic_increasing


def test_bargain_hunters_and_promotion_weeks_bring_discounts(lines):
    day = lines["order_date"].dt
    week = ((day.month == 6) & day.day.between(12, 18)) | ((day.month == 11) & day.day.between(5, 11))
    promoted = week & lines["channel"].isin(["web", "app"])
    # pieces that do not fit are left out, and a discount makes them fit: so only among teas
    tea = lines["unit"] == "100 g"
    for kind in CLASSES:
        own = (lines["buyer_class"] == kind) & tea
        near_share(lines.loc[own & ~promoted, "discount"] > 0, DISCOUNT[kind], kind)
        near_share(lines.loc[own & promoted, "discount"] > 0, DISCOUNT[kind] + PROMOTION.promotion, kind)
    given = lines.loc[tea & (lines["discount"] > 0), "discount"]
    near_shares(given, {float(level): share for level, share in LEVELS.items()})


# -- returns --------------------------------------------------------------------------------------


def test_some_customers_send_back_most_of_what_they_order(lines):
    remote = lines[lines["channel"] != "shop"]
    own = remote.groupby("customer_id").agg(
        n=("returned", "size"), back=("returned", "mean"), kind=("buyer_class", "first")
    )
    often = own[own["n"] >= 10]
    for name, share in SERIAL.items():
        near_share(often.loc[often["kind"] == name, "back"] > 0.45, share, name)
    serial = lines["customer_id"].isin(often.index[often["back"] > 0.45])
    usual = lines["customer_id"].isin(often.index[often["back"] <= 0.45])
    ware = lines["product_line"] == "teaware"
    shop = lines["channel"] == "shop"
    for who, rate in (
        (serial & ~shop, RETURNS.often),
        (serial & shop, RETURNS.often_shop),
        (usual & ~shop & ~ware, RETURNS.usual),
        (usual & ~shop & ware, RETURNS.teaware * RETURNS.usual),
        (usual & shop & ~ware, RETURNS.usual_shop),
        (usual & shop & ware, RETURNS.teaware * RETURNS.usual_shop),
    ):
        assert lines.loc[who, "returned"].mean() == pytest.approx(rate, rel=0.1), rate


def test_some_big_buyers_lose_money(lines):
    world = large()
    paid = lines.merge(world["order_channels"], on="channel")
    sold = paid["amount"] * paid["margin_rate"]
    paid["margin"] = sold.where(paid["returned"] == 0, -paid["cost_per_return"])
    by_customer = paid.groupby("customer_id").agg(revenue=("amount", "sum"), margin=("margin", "sum"))
    served = world["orders"].merge(world["order_channels"], on="channel")
    profit = by_customer["margin"] - served.groupby("customer_id")["cost_per_order"].sum()
    big = by_customer["revenue"] >= by_customer["revenue"].quantile(0.9)
    assert 0.02 < (profit[big] < 0).mean() < 0.10


# -- by hand --------------------------------------------------------------------------------------


def test_the_smallest_world_fills_every_order():
    world = Part(3, 50)
    assert set(world["order_lines"]["order_id"]) == set(world["ledger"]["order_id"])
    assert (world["orders"]["amount"] > 0).all()
