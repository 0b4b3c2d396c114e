"""Purchases and the ledger: BG/NBD and Gamma-Gamma come back, incidents explain dropout, days suit channels."""

from __future__ import annotations

import btyd
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import near_fit, near_mean, near_share, near_shares
from scipy.special import expit

from crmlab.simulate import dates, world
from crmlab.simulate.processes import order_days, people, purchases
from crmlab.simulate.processes.people import BUYING, SPENDING
from crmlab.simulate.processes.purchases import INCIDENT

YEAR_AHEAD = 365 / 7  # weeks


# -- when they buy --------------------------------------------------------------------------------


def test_bgnbd_and_gamma_gamma_come_back_from_orders_before_july_2025(large):
    customers = btyd.summary(large.tables["orders"], dates.INTERVENTION)
    for name, found in btyd.fit_bgnbd(customers).items():
        assert found == pytest.approx(getattr(BUYING, name), rel=0.05), name
    for name, found in btyd.fit_gamma_gamma(customers).items():
        assert found == pytest.approx(getattr(SPENDING, name), rel=0.05), name


def test_the_forecast_of_the_year_to_june_2025_is_within_three_per_cent(large):
    orders = large.tables["orders"]
    known = btyd.summary(orders, "2024-07-01")
    expected = btyd.expected_orders(known, YEAR_AHEAD, btyd.fit_bgnbd(known)).sum()
    year = orders["order_date"].between("2024-07-01", "2025-06-30") & orders["customer_id"].isin(known.index)
    assert expected == pytest.approx(year.sum(), rel=0.03)


def test_expected_orders_are_those_of_simulated_customers():
    """The yardstick itself: a closed form against counting, for a customer with three repeat orders."""
    one = pd.DataFrame({"x": [3.0], "t_x": [30.0], "T": [40.0]})
    parameters = {"r": 1.0, "alpha": 6.0, "a": 0.8, "b": 4.2}
    rng = np.random.default_rng(3)
    rate = rng.gamma(1.0, 1 / 6.0, 600_000)
    leave = rng.beta(0.8, 4.2, 600_000)
    alive = rate**3 * np.exp(-40 * rate) * (1 - leave) ** 3
    gone = rate**3 * np.exp(-30 * rate) * leave * (1 - leave) ** 2
    future = -np.expm1(-rate * leave * 52) / leave
    counted = (alive * future).sum() / (alive + gone).sum()
    assert btyd.expected_orders(one, 52, parameters)[0] == pytest.approx(counted, rel=0.02)


def test_consumers_buy_at_their_own_rate_while_they_live(inside):
    """Given rate l and dropout probability p, (1 - exp(-l p t)) / p repeat purchases are expected in t weeks."""
    rate = inside.behaviour["purchase_rate"].to_numpy()
    p = inside.behaviour["dropout_probability"].to_numpy()
    past = inside.purchases[inside.purchases["time"] < dates.HISTORY]
    first = past.groupby("row")["time"].min()
    repeats = past.groupby("row").size() - 1
    expected = -np.expm1(-rate[first.index] * p[first.index] * (dates.HISTORY - first) / 7) / p[first.index]
    near_mean(repeats, expected)


def test_no_repeat_purchase_is_as_likely_as_in_a_poisson_process(inside):
    """Nobody drops out before a repeat purchase: exp(-l t) have none in t days."""
    rate = inside.behaviour["purchase_rate"].to_numpy() / 7
    first = inside.purchases.groupby("row")["time"].min().to_numpy()
    count = inside.purchases.groupby("row").size().to_numpy()
    near_mean(count == 1, np.exp(-rate * (dates.DAYS - first)))


def test_purchases_are_spread_evenly_over_the_time_at_hand(inside):
    """Of the living with two repeat purchases, times are uniform: no season in the clock."""
    living = np.isnan(inside.dropout)
    bought = inside.purchases[inside.purchases["nth"] > 0]
    some = bought.groupby("row")["day"].transform("size") == 2
    bought = bought[some & living[bought["row"]]]
    first = inside.purchases.groupby("row")["time"].min().to_numpy()[bought["row"]]
    place = (bought["time"] - first) / (dates.DAYS - first)
    near_mean(place, 0.5)
    near_share(place < 0.25, 0.25)


def test_seasonal_orders_peak_before_festivals_and_only_if_asked():
    per_day = {}
    for seasonal in (False, True):
        orders = world(4, 8_000, accounts=10, seasonal_orders=seasonal).tables["orders"]
        orders = orders[orders["order_date"].between("2024-07-01", "2025-06-30")]
        per_day[seasonal] = (
            orders.groupby("order_date")
            .size()
            .reindex(pd.date_range("2024-07-01", "2025-06-30"), fill_value=0)
        )
    before = (dates.weeks_before("spring_festival") < 6)[dates.days(pd.Series(per_day[True].index))]
    summer = per_day[True].index.month.isin((7,))
    ratio = {key: count[before].mean() / count[summer].mean() for key, count in per_day.items()}
    assert ratio[True] > 1.6
    assert 0.85 < ratio[False] < 1.3  # more consumers in January than in July before


# -- leaving and incidents ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repeats(inside):
    """Repeat purchases, whether the consumer left with it, over an incident or not; a half of complaints by desk."""
    out = inside.purchases.merge(
        inside.incidents.drop(columns=["day", "time", "channel"]),
        on=["row", "nth"],
        how="left",
        indicator=True,
    )
    out["wrong"] = out.pop("_merge") == "both"
    out["p"] = inside.behaviour["dropout_probability"].to_numpy()[out["row"]]
    out["leaves"] = out["day"].to_numpy() == inside.dropout[out["row"]]
    # complaints that the desk took count for nothing, those that it left count twice: as if there were no desk
    complaint = out["complained_on"] >= dates.HISTORY
    out["weight"] = np.where(
        complaint, np.where(out["desk"].eq(True), 0.0, 1 / (1 - purchases.DESK.share)), 1.0
    )
    return out[out["nth"] > 0]


def test_dropout_follows_a_repeat_purchase_with_its_probability(repeats):
    off = (repeats["leaves"] - repeats["p"]) * repeats["weight"]
    near_mean(off, 0)
    for low, high in ((0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 1)):
        near_mean(off[repeats["p"].between(low, high)], 0, (low, high))


def test_the_hazard_of_leaving_does_not_jump_on_1_july_2025(repeats):
    quarter = dates.dates(repeats["day"]).to_period("Q")
    off = (repeats["leaves"] - repeats["p"]) * repeats["weight"]
    for name, part in off.groupby(quarter):
        near_mean(part, 0, name)
    before, after = off[quarter < "2025Q3"], off[quarter >= "2025Q3"]
    near_mean(after - before.mean(), 0)


def test_incidents_explain_a_part_of_dropout(repeats):
    over_it = repeats["leaves"] & repeats["left"].eq(1)
    assert 0.2 < over_it.sum() / repeats["leaves"].sum() < 0.6


def test_incidents_run_through_the_whole_history_and_follow_satisfaction(inside):
    bought = inside.purchases.merge(
        inside.incidents[["row", "nth"]].assign(wrong=1.0), on=["row", "nth"], how="left"
    ).fillna({"wrong": 0.0})
    satisfaction = inside.index_scores["satisfaction"].to_numpy()[bought["row"]]
    x = sm.add_constant(pd.DataFrame({"satisfaction": satisfaction}))
    fit = sm.Logit(bought["wrong"], x).fit(disp=False)
    near_fit(fit, const=INCIDENT.intercept, satisfaction=INCIDENT.satisfaction)
    expected = expit(INCIDENT.intercept + INCIDENT.satisfaction * satisfaction)
    for year, part in (bought["wrong"] - expected).groupby(bought["day"] // 365):
        near_mean(part, 0, year)


def test_complaints_come_days_later_and_are_promised_an_answer(inside):
    voiced = inside.incidents[inside.incidents["response"] == "voice"]
    near_share(inside.incidents["response"] == "voice", INCIDENT.voice)
    lag = voiced["complained_on"] - voiced["day"]
    near_shares(lag.clip(upper=3), {k: INCIDENT.lag * (1 - INCIDENT.lag) ** k for k in range(3)}
                | {3: (1 - INCIDENT.lag) ** 3})  # fmt: skip
    near_shares(voiced["promised_hours"], {int(h): s for h, s in purchases.PROMISES.items()})
    usual = voiced[~voiced["desk"]]
    near_mean(np.log(usual["hours_to_resolve"]), np.log(INCIDENT.median_hours))
    late = (usual["hours_to_resolve"] - usual["promised_hours"]).clip(lower=0) / 24
    fit = sm.Logit(usual["recovered"], sm.add_constant(pd.DataFrame({"late": late}))).fit(disp=False)
    near_fit(fit, const=INCIDENT.recovery_intercept, late=INCIDENT.recovery_per_day_late)
    near_share(usual["recovered"], purchases.recovered_share())


def test_the_desk_takes_half_of_the_complaints_from_july_2025(inside):
    voiced = inside.incidents[inside.incidents["response"] == "voice"]
    from_then = voiced["complained_on"] >= dates.HISTORY
    assert not voiced.loc[~from_then, "desk"].any()
    assert not inside.incidents.loc[inside.incidents["response"] != "voice", "desk"].any()
    near_share(voiced.loc[from_then, "desk"], purchases.DESK.share)
    by_desk = voiced[voiced["desk"]]
    near_share(by_desk["recovered"], purchases.recovered_share(purchases.DESK.faster))


def test_a_recovered_complaint_keeps_customers(inside):
    """What truth expects of a complaint under each arm is what happens in that arm."""
    voiced = inside.incidents[inside.incidents["response"] == "voice"]
    recent = voiced[voiced["complained_on"] >= dates.HISTORY]
    for desk, name in ((False, "leave_usual"), (True, "leave_desk")):
        arm = recent[recent["desk"] == desk]
        near_mean(arm["left"] - arm[name], 0, name)
    assert recent["leave_desk"].mean() < 0.75 * recent["leave_usual"].mean()


def test_splitting_dropout_keeps_its_probability():
    p = np.linspace(0, 1, 101)[:, None]
    wrong = np.linspace(0.01, 0.6, 60)[None, :]
    ready, otherwise = purchases.split_dropout(p, wrong)
    assert ready.min() >= 0
    assert ready.max() <= 1
    assert otherwise.min() >= -1e-12
    usual = INCIDENT.voice * purchases.leave_after_complaint() + (1 - INCIDENT.voice) * INCIDENT.leave_silent
    assert np.allclose(1 - (1 - wrong * ready * usual) * (1 - otherwise), p)


def test_nobody_buys_after_leaving(inside):
    last = inside.purchases.groupby("row")["day"].max().to_numpy()
    gone = ~np.isnan(inside.dropout)
    assert (last[gone] == inside.dropout[gone]).all()
    assert (np.bincount(inside.purchases["row"], minlength=len(gone))[gone] > 1).all()


def test_leaving_in_anger_loses_no_order_of_that_day(inside):
    """The order that went wrong is in the ledger on its day, also where it was the last one."""
    kept = inside.base_orders.merge(inside.incidents[["row", "nth", "day", "left"]], on=["row", "nth", "day"])
    assert len(kept) == len(inside.incidents)
    last = inside.base_orders.groupby("row")["day"].max()
    left = kept[kept["left"] == 1]
    assert (last.loc[left["row"]].to_numpy() == left["day"].to_numpy()).all()


def test_incidents_lie_on_the_day_of_an_order(everything):
    orders = everything["orders"][["customer_id", "order_date"]]
    troubles = everything["truth:incidents"].merge(
        orders, left_on=["customer_id", "date"], right_on=["customer_id", "order_date"], how="left"
    )
    assert (
        troubles["order_date"].notna().mean() > 0.995
    )  # a trial can move an order to the next day, or cost one


# -- the ledger -----------------------------------------------------------------------------------


def test_the_first_order_falls_on_the_day_of_winning_and_no_day_sees_two(large):
    orders = large.tables["orders"]
    first = orders.groupby("customer_id")["order_date"].min()
    won = large.tables["consumers"].set_index("customer_id")["acquired_on"]
    assert (first == won).all()
    assert not orders.duplicated(["customer_id", "order_date"]).any()
    assert orders["order_date"].max() == dates.TODAY
    assert orders["order_date"].is_monotonic_increasing
    assert orders["order_id"].tolist() == list(range(1, len(orders) + 1))


def test_a_second_order_of_a_day_moves_to_the_next_free_day():
    end = dates.DAYS
    bought = pd.DataFrame(
        {"row": [0, 0, 0, 0, 0, 1, 1, 2, 2], "day": [0, 0, 1, 3, 3, 0, 5, end - 1, end - 1]}
    )
    moved = order_days.one_a_day(bought)
    assert moved["row"].tolist() == [0, 0, 0, 0, 0, 1, 1, 2]
    assert moved["day"].tolist() == [0, 1, 2, 3, 4, 0, 5, end - 1]


def test_orders_before_july_2025_are_base_orders_and_nothing_else(everything):
    base = everything["base_orders"]
    base = base[base["day"] < dates.HISTORY].sort_values(["row", "day"])
    orders = everything["orders"]
    orders = orders[orders["order_date"] < dates.INTERVENTION].sort_values(["customer_id", "order_date"])
    assert np.array_equal(orders["customer_id"] - 1, base["row"])
    assert np.array_equal(dates.days(orders["order_date"]), base["day"])
    assert orders["campaign_id"].isna().all()


def test_orders_move_by_a_few_days(inside):
    later = inside.purchases[inside.purchases["nth"] > 0]
    inner = later[later["day"].between(30, dates.DAYS - 30)]
    moved = inner["day"] - np.floor(inner["time"])
    assert (moved.abs() <= 6).mean() > 0.95
    assert (moved.abs() <= 2).mean() > 0.65
    assert abs(moved.mean()) < 0.25


def test_online_orders_are_drawn_into_promotion_weeks(large):
    """The more, the stronger the customer's response; orders in shops are not."""
    orders = large.tables["orders"].merge(large.truth["consumers"][["customer_id", "promotion_response"]])
    day = dates.days(orders["order_date"])
    inside_week = order_days.promotion_weeks()[day] > 0
    days = (order_days.promotion_weeks() > 0).mean()
    online = orders["channel"].isin(order_days.ONLINE).to_numpy()

    def lift(part: np.ndarray) -> float:
        share = inside_week[part].mean()
        return share / (1 - share) * (1 - days) / days

    quiet = (orders["promotion_response"] < 0.15).to_numpy()
    keen = (orders["promotion_response"] > 0.5).to_numpy()
    assert 1.5 < lift(online & keen) < 2.6
    assert lift(online & quiet) < 1.35
    assert lift(~online) == pytest.approx(1, abs=0.08)


def test_no_day_beside_a_festival_bears_the_orders_of_the_days_of_rest(large):
    orders = large.tables["orders"]
    orders = orders[~orders["channel"].isin(order_days.ONLINE)]
    per_day = (
        orders.groupby("order_date").size().reindex(pd.date_range(dates.START, dates.TODAY), fill_value=0)
    )
    usual = per_day.groupby(per_day.index.day_of_week).transform("mean")
    level = (per_day / usual).rolling(57, center=True, min_periods=20).median()
    fairs = dates.fair_days()  # win customers
    spike = (per_day / usual / level)[~fairs][dates.HISTORY - 730 :]
    rests = np.pad(dates.closed(), 1)
    beside = (per_day / usual / level)[(rests[:-2] | rests[2:]) & ~rests[1:-1] & ~fairs]["2023-07-01":]
    assert len(beside) >= 6
    # in 20 worlds of this size: mean 1.40, standard deviation 0.034; if orders moved by 4 days at most, 1.64
    assert beside.mean() < 1.5
    assert spike.max() < 1.9  # mean 1.65, standard deviation 0.08


def test_first_orders_come_as_the_customer_was_won(large):
    orders = large.tables["orders"].drop_duplicates("customer_id").set_index("customer_id")["channel"]
    consumers = large.tables["consumers"].set_index("customer_id")
    share = pd.crosstab(consumers["acquisition_channel"], orders.reindex(consumers.index), normalize="index")
    assert share.loc["shop", "shop"] > 0.95
    assert share.loc["online", ["web", "app"]].sum() > 0.95
    assert share.loc["fair", ["shop", "call"]].sum() > 0.93


def test_every_channel_has_its_week(large):
    orders = large.tables["orders"]
    share = pd.crosstab(orders["channel"], orders["order_date"].dt.day_of_week, normalize="index")
    assert share.loc["shop", [5, 6]].sum() > 0.33
    assert share.loc["web", [5, 6]].sum() < 2 / 7
    assert share.loc["call", 6] < 0.09
    assert share.max().max() < 0.25


def test_nobody_sells_while_the_house_rests(large):
    orders = large.tables["orders"]
    resting = dates.closed()[dates.days(orders["order_date"])]
    assert set(orders.loc[resting, "channel"]) <= {"web", "app"}
    per_day = orders["channel"].isin(order_days.ONLINE).sum() / dates.DAYS
    assert resting.sum() / dates.closed().sum() < 0.8 * per_day


def test_channels_follow_class_and_age(inside):
    """At average age the stated shares of a class; the app for the young, the telephone for the old."""
    orders = inside.base_orders[inside.base_orders["nth"] > 0]
    age = inside.consumers["age"].to_numpy()[orders["row"]] - people.AGE.mean
    kind = inside.buyer_class.cat.codes.to_numpy()[orders["row"]]
    weight = order_days.CHANNEL.to_numpy()[kind] * np.exp(
        np.outer(age, order_days.CHANNEL_AGE.loc["per_year"])
    )
    expected = weight / weight.sum(axis=1, keepdims=True)
    for k, name in enumerate(order_days.ORDER_CHANNELS):
        off = (orders["channel"] == name).to_numpy() - expected[:, k]
        near_mean(off, 0, name)
        near_mean(off[age > 10], 0, (name, "old"))
        near_mean(off[kind == 0], 0, (name, "devotee"))


def test_amounts_are_gamma_around_the_own_mean(inside):
    ratio = inside.order_values / inside.behaviour["mean_order_value"].to_numpy()[inside.purchases["row"]]
    near_mean(ratio, 1)
    near_mean((ratio - 1) ** 2, 1 / SPENDING.p)


def test_whoever_left_did_so_with_the_last_order(everything):
    truth = everything["truth:consumers"]
    last = everything["orders"].groupby("customer_id")["order_date"].max()
    gone = truth["dropped_out_on"].notna()
    assert (truth.loc[gone, "dropped_out_on"].to_numpy() == last.to_numpy()[gone]).all()
    assert gone.to_numpy().tolist() == (~np.isnan(everything["dropout"])).tolist()
