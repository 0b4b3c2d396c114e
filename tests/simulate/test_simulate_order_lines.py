"""Order lines: prices and weights meet the amount, lines follow taste and season, some buyers cost more than they bring."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import near_mean, near_share, near_shares
from scipy.optimize import minimize
from scipy.special import gammaln
from worlds import everything

from crmlab.simulate import dates
from crmlab.simulate.processes.order_lines import (
    AFFINITY,
    BASKET,
    DISCOUNT,
    FEWEST,
    GIFTS,
    LEVELS,
    PROMOTION,
    RETURNS,
    SEASON,
    SERIAL,
    TASTE,
    WEIGHT,
)
from crmlab.simulate.processes.people import CLASSES, SPENDING
from crmlab.simulate.processes.products import CHOICE, IN_SEASON, LINE_MARGINS, LINES, PIECES, POPULARITY
from crmlab.simulate.registry import Setting, run

WEEK = pd.Timedelta(weeks=1)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Orders with their class, means, season and favourite line of the day."""
    world = everything()
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
    out = everything()["order_lines"].merge(
        everything()["products"].drop(columns=["product_line"]), on="product_id"
    )
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
    products = everything()["products"]
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
    launched = everything()["products"].set_index("product_id")["launched_on"]
    assert (first >= launched).all()
    assert (first - launched < pd.Timedelta(days=42)).all()


# -- amounts --------------------------------------------------------------------------------------


def test_a_line_is_quantity_times_list_price_less_discount(lines):
    per = np.where(lines["unit"] == "piece", 1, 100)
    paid = lines["quantity"] / per * lines["list_price"] * (1 - lines["discount"])
    assert (paid - lines["amount"]).abs().max() < 0.00501
    assert (lines["amount"] * 100 - (lines["amount"] * 100).round()).abs().max() < 1e-6
    assert (lines["quantity"] >= 1).all()
    assert (lines["amount"] > 0).all()


def test_lines_are_numbered_and_add_up_to_their_order():
    lines = everything()["order_lines"]
    total = lines.groupby("order_id")["amount"].sum().round(2)
    assert np.array_equal(total, everything()["orders"]["amount"])
    assert total.index.tolist() == everything()["orders"]["order_id"].tolist()
    assert not lines.duplicated(["order_id", "product_line"]).any()
    assert (lines["line_no"] == lines.groupby("order_id").cumcount() + 1).all()
    own = everything()["products"].set_index("product_id")["product_line"]
    assert (lines["product_id"].map(own) == lines["product_line"]).all()


def test_teas_are_weighed_in_steps_and_hardly_ever_by_the_kilo(lines):
    tea = lines[lines["unit"] == "100 g"]
    assert (tea["quantity"] % WEIGHT.step == 0).all()
    assert tea.groupby("grade")["quantity"].min().to_dict() == FEWEST.to_dict()
    # in 20 worlds of this size: a share of 0.00014, standard deviation 0.00002; at most 3 lines of six kilos
    assert (tea["quantity"] > 2000).mean() < 0.00022
    assert (tea["quantity"] > 6000).sum() <= 3
    heavy = tea[(tea["amount"] > 500) & (tea["ability_to_pay"] == 3)]
    usual = tea[tea["amount"].between(60, 120) & (tea["ability_to_pay"] == 3)]
    reserve = [(part["grade"] == "reserve").mean() for part in (usual, heavy)]
    assert reserve[1] > reserve[0] + 0.25  # much money goes into a dearer tea


def test_an_order_differs_little_from_what_was_meant(orders):
    """Weights in steps of 10 g and whole pieces come near an amount, and miss it to both sides."""
    off = orders["amount"] - orders["intended"]
    relative = (off / orders["intended"]).abs()
    assert relative.median() < 0.011
    assert relative.quantile(0.95) < 0.06
    assert abs(off.sum()) < 5e-4 * orders["intended"].sum()


def test_large_orders_have_more_lines(lines):
    of = lines.groupby("order_id").agg(size=("size", "first"), intended=("intended", "first"))
    assert of.loc[of["intended"] < BASKET.bulk, "size"].max() == 3
    assert of["size"].max() == 4
    assert of.loc[of["intended"] > 2 * BASKET.bulk, "size"].min() >= 2


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
    usual = lines["intended"].between(100, BASKET.bulk - 1)
    size = lines[usual].drop_duplicates("order_id")["size"]
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
    tastes = everything()["truth:tastes"].merge(everything()["truth:consumers"])
    for kind in CLASSES:
        own = tastes.loc[tastes["buyer_class"] == kind, "favourite_line"]
        near_shares(own, AFFINITY.loc[kind].to_dict(), kind)


def test_some_tastes_change_and_the_lines_follow(lines):
    changes = (
        everything()["truth:taste_changes"]
        .merge(everything()["truth:consumers"])
        .merge(everything()["consumers"])
    )
    alive = everything()["truth:consumers"]["dropped_out_on"].isna()
    near_share(
        everything()["truth:consumers"]["customer_id"].isin(changes["customer_id"])[alive], TASTE.change
    )
    assert (changes["changed_on"] > changes["acquired_on"]).all()
    assert (changes["changed_on"] <= dates.TODAY).all()
    # not the day of the last order in the files: a letter may have cost that one
    left = pd.Series(everything()["dropout"], index=everything()["consumers"]["customer_id"])
    assert not (dates.days(changes["changed_on"]) > changes["customer_id"].map(left)).any()
    assert (changes["from_line"] != changes["to_line"]).all()
    tastes = everything()["truth:tastes"].set_index("customer_id")["favourite_line"]
    assert (changes["customer_id"].map(tastes) == changes["from_line"]).all()
    here = lines[lines["changed_on"].notna() & (lines["intended"] > 100)]
    later = here["order_date"] >= here["changed_on"]
    for line, weight in (("from_line", ~later), ("to_line", later)):
        had = here["product_line"] == here[line]
        assert had[weight].mean() > had[~weight].mean() + 0.2, line


def test_gift_givers_fill_their_baskets_before_the_festivals(orders):
    """Every Spring Festival and Mid-Autumn Festival that the history reaches stands out among its neighbours."""
    gifts = everything()["order_lines"].query("product_line == 'gift_sets'")["order_id"]
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


def fame(lines: pd.DataFrame) -> pd.DataFrame:
    """Return what a product's stated popularity, price, launch and season make of it on the day of each line."""
    products = everything()["products"]
    usual = products.groupby(["product_line", "grade"])["list_price"].transform("mean")
    out = {}
    for row, product in products.iterrows():
        age = (lines["order_date"] - product["launched_on"]).dt.days
        known = CHOICE.launch_share + (1 - CHOICE.launch_share) * (age / CHOICE.launch_days).clip(upper=1)
        known = known if product["launched_on"] > dates.START else 1.0
        season = lines["spring"] if product["product_line"] == "green_tea" else lines["gifts"]
        factor = np.where(season, IN_SEASON.get(product["product_name"], 1.0), 1.0)
        price = (product["list_price"] / usual[row]) ** CHOICE.price
        weight = POPULARITY[product["product_name"]] * price * known * factor * (age >= 0)
        if product["grade"] == "reserve":
            weight = weight * np.exp(BASKET.reserve + BASKET.reserve_ability * (lines["ability_to_pay"] - 3))
        out[product["product_id"]] = weight * (lines["product_line"] == product["product_line"])
    return pd.DataFrame(out, index=lines.index)


@pytest.fixture(scope="module")
def fitting(lines) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Teas that stand alone in orders of which every tea of the line can make the amount, and their chances."""
    alone = lines[(lines["size"] == 1) & (lines["unit"] == "100 g") & (lines["discount"] == 0)]
    here = alone[alone["intended"].between(100, 119)].reset_index(drop=True)
    weight = fame(here)
    return here, weight.div(weight.sum(axis=1), axis=0)


def test_a_tea_is_chosen_by_popularity_price_launch_season_and_means(fitting):
    here, chance = fitting
    for product in chance.columns[chance.sum() > 0]:
        near_mean(here["product_id"] == product, chance[product], product)
    reserve = everything()["products"].set_index("product_id")["grade"] == "reserve"
    for level in range(1, 6):
        own = here["ability_to_pay"] == level
        near_mean(here.loc[own, "grade"] == "reserve", chance.loc[own, reserve].sum(axis=1), level)


def test_cheaper_everyday_teas_sell_a_little_more(lines):
    here = lines[(lines["size"] == 1) & (lines["unit"] == "100 g") & (lines["discount"] == 0)]
    here = here[(here["grade"] == "everyday") & here["intended"].between(60, 119)].reset_index(drop=True)
    everyday = everything()["products"].query("grade == 'everyday'").set_index("product_id")
    weight = fame(here)[everyday.index]
    chance = weight.div(weight.sum(axis=1), axis=0)
    price = np.log(everyday["list_price"])
    near_mean(np.log(here["list_price"]), chance @ price)
    assert CHOICE.price < 0


def test_a_new_product_becomes_known_in_half_a_year(fitting):
    here, chance = fitting
    launched = everything()["products"].set_index("product_id")["launched_on"]
    late = launched[(launched > dates.START) & (launched < dates.TODAY - 40 * WEEK)].index
    late = [product for product in late if chance[product].sum() > 0]
    age = {product: (here["order_date"] - launched[product]).dt.days for product in late}
    for first, last in ((0, 59), (60, 119), (120, 179), (180, 365)):
        sold = [here["product_id"][age[p].between(first, last)] == p for p in late]
        stated = [chance.loc[age[p].between(first, last), p] for p in late]
        near_mean(pd.concat(sold), pd.concat(stated), first)
    share = [
        np.mean(np.concatenate([here["product_id"][age[p].between(*span)] == p for p in late]))
        for span in ((0, 45), (180, 365))
    ]
    assert share[0] < share[1] / 2


def test_products_differ_in_how_well_they_sell(lines):
    sold = lines["product_id"].value_counts()
    everyday = everything()["products"].query("grade == 'everyday' and launched_on == '2022-07-01'")
    best = everyday["product_id"].map(sold).groupby(everyday["product_line"]).agg(["min", "max"])
    assert (best["max"] / best["min"] > 1.5).all()
    assert 0.45 < np.log(POPULARITY).std() < 0.75


def test_spring_tea_and_festival_gifts_have_their_season(lines):
    for product, season in (("Spring-first Longjing", "spring"), ("Festival tin", "gifts")):
        own = lines["product_name"] == product
        line = lines["product_line"] == lines.loc[own, "product_line"].iloc[0]
        within = own[line & lines[season]].mean()
        assert within > 1.3 * own[line & ~lines[season]].mean(), product


def test_reserve_grade_of_gifts_and_teaware_follows_ability_to_pay(lines):
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
    world = everything()
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
    world = run(Setting(3, 50, 10), wanted=["orders"])
    assert set(world["order_lines"]["order_id"]) == set(world["ledger"]["order_id"])
    assert (world["orders"]["amount"] > 0).all()
