"""Orders: BG/NBD and Gamma-Gamma come back, and so do incidents, care calls, lines and returns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, follows, near_fit, near_mean, near_sd, near_share, near_shares
from scipy import stats
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from crmlab.simulate import SHIPPED_SEED, people, purchases
from crmlab.simulate import parameters as par
from crmlab.simulate.parameters import P

CARE = pd.Timestamp("2025-09-01")
HELD_BACK = (par.INTERVENTION - par.START).days


def history(orders: pd.DataFrame) -> pd.DataFrame:
    """Return x, t_x, T (weeks) and mean amount per customer from the orders before July 2025."""
    past = orders[orders["order_date"] < par.INTERVENTION]
    out = past.groupby("customer_id").agg(
        first=("order_date", "min"),
        last=("order_date", "max"),
        n=("order_date", "size"),
        m=("amount", "mean"),
    )
    days = {"t_x": out["last"] - out["first"], "T": par.INTERVENTION - out["first"]}
    return out.assign(x=out["n"] - 1, **{k: d.dt.days / 7 for k, d in days.items()})


def before_or_on(orders: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Say which orders fall on or before a day that is given by customer (missing: never)."""
    limit = orders["customer_id"].map(day)
    return limit.isna() | (orders["order_date"] <= limit)


# -- when they buy --------------------------------------------------------------------------------


def test_bgnbd_parameters_come_back_from_orders_before_july_2025(large):
    data = history(large.tables["orders"])
    x, t_x, T = (data[c].to_numpy() for c in ("x", "t_x", "T"))

    def loss(log_parameters):
        r, alpha, a, b = np.exp(log_parameters)
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        alive = betaln(a, b + x) - (r + x) * np.log(alpha + T)
        gone = betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
        return -(common + np.logaddexp(alive, np.where(x > 0, gone, -np.inf))).mean()

    found = np.exp(minimize(loss, np.log([0.5, 3, 0.5, 2.0]), method="L-BFGS-B").x)
    true = [P["bgnbd", name] for name in ("r", "alpha", "a", "b")]
    assert found == pytest.approx(true, rel=0.06)


def test_customers_buy_at_their_own_rate_while_they_live(inside):
    """Given rate l and dropout probability p, (1 - exp(-l p t)) / p repeat purchases are expected in t weeks."""
    rate = inside.truth["purchase_rate"].to_numpy()
    p = inside.truth["dropout_probability"].to_numpy()
    first = inside.bought.groupby("row")["day"].min()
    repeats = inside.bought.groupby("row").size() - 1
    expected = -np.expm1(-rate * p * (par.DAYS - first) / 7) / p
    slow = rate < 1 / 7  # whoever buys daily loses an order to the rule of one a day at the very end
    near_mean(repeats[slow], expected[slow])
    assert repeats.sum() == pytest.approx(expected.sum(), rel=0.01)


def test_dropout_follows_a_repeat_purchase_with_its_probability(inside):
    repeats = inside.bought.groupby("row").size() - 1
    bought = repeats.sum()
    left = (~np.isnan(inside.dropout)).sum()
    p = inside.truth["dropout_probability"].to_numpy()[inside.bought["row"]]
    first = ~inside.bought.duplicated("row")
    assert left == pytest.approx(p[~first].sum(), rel=0.02)
    assert left < bought
    # at the first repeat purchase, by those who made one
    again = (repeats >= 1).to_numpy()
    at_once = (~np.isnan(inside.dropout) & (repeats == 1))[again]
    near_mean(at_once, inside.truth["dropout_probability"][again])


def test_nobody_buys_after_dropping_out(inside):
    last = inside.bought.groupby("row")["day"].max().to_numpy()
    gone = ~np.isnan(inside.dropout)
    # the last order can lie some days later where several of one day were moved apart
    later = last[gone] - np.floor(inside.dropout[gone])
    assert (later >= 0).all()
    assert np.quantile(later, 0.9) < 1
    assert later.max() < 10


def test_no_repeat_purchase_is_as_likely_as_in_a_poisson_process(inside):
    """Nobody drops out before a repeat purchase: exp(-l t) have none in t days."""
    rate = inside.truth["purchase_rate"].to_numpy() / 7
    first = inside.bought.groupby("row")["day"].min().to_numpy()
    window = par.DAYS - first
    count = inside.bought.groupby("row").size().to_numpy()
    someone = (rate > 1 / 200) & (rate < 1 / 10)  # orders of one day are rare
    near_mean((count == 1)[someone], np.exp(-(rate * window)[someone]))


def test_the_first_order_falls_on_the_day_of_winning_and_no_day_sees_two(large):
    orders = large.tables["orders"]
    first = orders.groupby("customer_id")["order_date"].min()
    won = large.tables["consumers"].set_index("customer_id")["acquired_on"]
    assert (first == won).all()
    assert not orders.duplicated(["customer_id", "order_date"]).any()
    assert orders["order_date"].max() == par.TODAY
    assert orders["order_date"].is_monotonic_increasing
    assert orders["order_id"].tolist() == list(range(1, len(orders) + 1))


def test_a_second_order_of_a_day_moves_to_the_next_free_day():
    end = float(par.DAYS)
    bought = pd.DataFrame(
        {
            "row": [0, 0, 0, 0, 0, 1, 1, 2, 2],
            "day": [0.1, 0.5, 1.2, 3.2, 3.3, 0.7, 5.0, end - 0.6, end - 0.4],
        }
    )
    moved = purchases.one_a_day(bought)
    assert moved["row"].tolist() == [0, 0, 0, 0, 0, 1, 1, 2]
    assert moved["day"].tolist() == [0.1, 1.5, 2.5, 3.2, 4.5, 0.7, 5.0, end - 0.6]


def test_orders_before_july_2025_follow_the_process_and_nothing_else(shipped):
    truth = people.latents(SHIPPED_SEED, 2_000, 0.0)
    consumers = people.consumers(SHIPPED_SEED, truth)
    bought, _ = purchases.purchase_times(SHIPPED_SEED, consumers, truth)
    pure = bought.assign(customer_id=bought["row"] + 1, day=np.floor(bought["day"]).astype(int))
    pure = pure[pure["day"] < HELD_BACK]
    orders = shipped.tables["orders"]
    orders = orders[orders["order_date"] < par.INTERVENTION]
    kept = pd.DataFrame(
        {"customer_id": orders["customer_id"], "day": (orders["order_date"] - par.START).dt.days}
    )
    columns = ["customer_id", "day"]
    assert np.array_equal(kept.sort_values(columns), pure[columns].sort_values(columns))


# -- what a better index is worth -----------------------------------------------------------------


def test_the_worth_of_index_points_agrees_with_simulated_purchases():
    """The closed form against counting: the same people, bought a year ahead with and without the lift."""
    rng = np.random.default_rng(3)
    rate, chance_out = rng.gamma(1.0, 1 / 6.0, 100_000), rng.beta(0.8, 4.2, 100_000)
    lifted = purchases.behaviour_after(rate, chance_out, 0.3)
    assert purchases.behaviour_after(rate, chance_out, 0.0)[0] == pytest.approx(rate)
    assert (lifted[0] >= rate).all()
    assert (lifted[1] <= chance_out).all()
    for r, p in ((rate, chance_out), lifted):
        bought = np.minimum(rng.poisson(r * 52), rng.geometric(np.maximum(p, 1e-9)))
        near_mean(bought, -np.expm1(-r * p * 52) / p)


def test_a_lift_moves_behaviour_as_the_same_satisfaction_does(inside):
    """People whose satisfaction is higher by one differ in rate and dropout as a lift of one makes them differ."""
    truth = inside.truth
    middle = truth["satisfaction"].between(-0.05, 0.05)
    high = truth["satisfaction"].between(0.95, 1.05)
    here = truth[middle]
    rate, dropout = purchases.behaviour_after(here["purchase_rate"], here["dropout_probability"], 1.0)
    assert rate.mean() == pytest.approx(truth.loc[high, "purchase_rate"].mean(), rel=0.12)
    assert dropout.mean() == pytest.approx(truth.loc[high, "dropout_probability"].mean(), rel=0.12)
    assert rate.mean() > 1.1 * here["purchase_rate"].mean()
    assert dropout.mean() < 0.7 * here["dropout_probability"].mean()


def test_driver_values_sum_over_those_still_there_on_1_july_2025(large):
    values = large.truth["driver_values"].set_index("driver")
    there = large.truth["consumers"].merge(large.tables["consumers"][["customer_id", "acquired_on"]])
    past = there["acquired_on"] < par.INTERVENTION
    there = there[past & ~(there["dropped_out_on"] < par.INTERVENTION)]
    p = there["dropout_probability"].clip(lower=1e-9)
    weeks = (par.TODAY - par.INTERVENTION).days / 7
    base = there["mean_order_value"] * -np.expm1(-there["purchase_rate"] * p * weeks) / p
    for driver in ("image", "quality", "satisfaction"):
        rate, dropout = purchases.behaviour_after(
            there["purchase_rate"], p, values.loc[driver, "satisfaction_shift"]
        )
        after = there["mean_order_value"] * -np.expm1(-rate * dropout * weeks) / dropout
        assert values.loc[driver, "revenue_gain"] == pytest.approx((after - base).sum(), rel=2e-3)


def test_a_driver_works_through_all_its_paths_to_satisfaction(shipped):
    values = shipped.truth["driver_values"].set_index("driver")
    s = par.STRUCTURAL
    value = s["value", "satisfaction"]
    quality = s["quality", "satisfaction"] + s["quality", "value"] * value
    expectation = (
        s["expectation", "satisfaction"]
        + s["expectation", "quality"] * quality
        + s["expectation", "value"] * value
    )
    image = (
        s["image", "satisfaction"]
        + s["image", "expectation"] * expectation
        + s["image", "quality"] * quality
        + s["image", "value"] * value
    )
    total = {
        "image": image,
        "expectation": expectation,
        "quality": quality,
        "value": value,
        "satisfaction": 1,
    }
    for driver, effect in {**total, "complaints": 0, "loyalty": 0}.items():
        shift = 5 / 100 * 9 / (par.ITEM_SD * np.mean(par.ITEMS[driver][0]))
        assert values.loc[driver, "shift"] == pytest.approx(shift, abs=1e-5)
        assert values.loc[driver, "satisfaction_shift"] == pytest.approx(effect * shift, abs=1e-5)
        assert (values.loc[driver, "revenue_gain"] > 0) == (effect > 0)


# -- incidents ------------------------------------------------------------------------------------


def test_orders_of_the_last_year_go_wrong_by_satisfaction(inside):
    """Every order up to a customer's first incident was at risk."""
    recent = inside.bought[inside.bought["day"] >= HELD_BACK]
    met = inside.trouble.set_index("row")["day"]
    limit = recent["row"].map(met)
    at_risk = recent[limit.isna() | (recent["day"] <= limit)]
    wrong = (at_risk["day"] == at_risk["row"].map(met)).astype(int)
    assert wrong.sum() == len(met)
    x = pd.DataFrame(
        {"const": 1.0, "s": inside.truth["satisfaction"].to_numpy()[at_risk["row"]]}, at_risk.index
    )
    near_fit(
        sm.Logit(wrong, x).fit(disp=False), const=P["incident", "intercept"], s=P["incident", "satisfaction"]
    )
    assert met.index.is_unique
    assert met.min() >= HELD_BACK
    assert met.min() < HELD_BACK + 1


def test_incidents_are_met_by_voice_exit_or_silence(inside):
    shares = {"voice": P["incident", "voice"], "exit": P["incident", "exit"]}
    near_shares(inside.trouble["response"], shares | {"silence": 1 - sum(shares.values())})


def test_complaints_are_promised_an_answer_and_solved_in_their_time(inside):
    voiced = inside.trouble.query("response == 'voice'")
    near_shares(voiced["promised_hours"], {24: 0.30, 48: 0.45, 72: 0.25})
    hours = np.log(voiced["hours_to_resolve"].clip(lower=0.05))
    near_mean(hours, np.log(40))
    near_sd(hours, 0.8)
    slow = voiced.loc[voiced["hours_to_resolve"] > 10, "hours_to_resolve"]
    tenths = (slow * 10).round()
    assert slow.to_numpy() == pytest.approx(tenths / 10)
    near_shares(tenths % 10, dict.fromkeys(range(10), 0.1))
    quiet = inside.trouble.query("response != 'voice'")
    assert quiet["hours_to_resolve"].isna().all()
    assert (quiet[["promised_hours", "recovered"]] == 0).all(axis=None)


def test_recovery_depends_on_days_beyond_the_promise(inside):
    voiced = inside.trouble.query("response == 'voice'")
    late = (voiced["hours_to_resolve"] - voiced["promised_hours"]).clip(lower=0) / 24
    fit = sm.Logit(voiced["recovered"], pd.DataFrame({"const": 1.0, "late": late})).fit(disp=False)
    near_fit(fit, const=P["incident", "recovery_intercept"], late=P["incident", "recovery_per_day_late"])


def test_leaving_over_an_incident_depends_on_the_answer(inside):
    left = inside.trouble["left"]
    voiced = inside.trouble["response"] == "voice"
    recovered = inside.trouble["recovered"] == 1
    near_share(left[voiced & recovered], P["incident", "leave_recovered"])
    near_share(left[voiced & ~recovered], P["incident", "leave_unrecovered"])
    near_share(left[inside.trouble["response"] == "silence"], P["incident", "leave_silent"])
    assert (left[inside.trouble["response"] == "exit"] == 1).all()


def test_truth_holds_the_incidents_by_customer_and_day(large, inside):
    truth = large.truth["incidents"]
    assert truth["customer_id"].tolist() == (inside.trouble["row"] + 1).tolist()
    orders = large.tables["orders"].rename(columns={"order_date": "date"})
    assert len(truth.merge(orders, on=["customer_id", "date"])) == len(truth)
    assert truth[["recovered", "left"]].isin([0, 1]).all(axis=None)


def test_recovery_brings_back_those_who_complained(large):
    complaints = large.tables["contacts"].query("reason == 'complaint'")
    complaints = complaints[complaints["date"] < "2026-03-01"]
    later = complaints.merge(large.tables["orders"], on="customer_id")
    gap = (later["order_date"] - later["date"]).dt.days
    returned = complaints["contact_id"].isin(later.loc[gap.between(1, 120), "contact_id"])
    recovered = complaints["recovered"] == 1
    assert returned[recovered].mean() > returned[~recovered].mean() + 0.15


def test_nobody_buys_after_leaving_over_an_incident_and_only_they_lose_orders(large, inside):
    gone = large.truth["incidents"].query("left == 1").set_index("customer_id")["date"]
    orders = large.tables["orders"]
    assert before_or_on(orders, gone).all()
    bought = inside.bought.assign(customer_id=inside.bought["row"] + 1)
    stayed = bought[~bought["customer_id"].isin(gone.index)]
    extra = inside.extra.assign(customer_id=inside.extra["row"] + 1)
    plain = orders[~orders["customer_id"].isin([*gone.index, *extra["customer_id"]])]
    assert len(plain) == (~stayed["customer_id"].isin(extra["customer_id"])).sum()


def test_leaving_is_the_day_of_the_last_order(large, inside):
    dropped = large.truth["consumers"].set_index("customer_id")["dropped_out_on"]
    last = large.tables["orders"].groupby("customer_id")["order_date"].max()
    gone = dropped.dropna()
    assert (last.loc[gone.index] == gone).all()
    angry = large.truth["incidents"].query("left == 1")["customer_id"]
    out = np.flatnonzero(~np.isnan(inside.dropout)) + 1
    assert set(gone.index) == {*angry, *out}


# -- care calls -----------------------------------------------------------------------------------


def test_care_calls_are_randomised_among_the_buyers_of_the_year_before(large, inside):
    trial = large.tables["customer_care"]
    sizes = trial["care_calls"].value_counts()
    assert set(sizes.index) == {0, 1, 2, 3}
    assert sizes.max() - sizes.min() <= 1
    assert (trial["assigned_on"] == CARE).all()
    day = (CARE - par.START).days
    year = inside.bought[(inside.bought["day"] > day - 365) & (inside.bought["day"] < day)]
    assert trial["customer_id"].tolist() == sorted(set(year["row"] + 1))
    x = large.truth["consumers"].set_index("customer_id").loc[trial["customer_id"]]
    calls = trial["care_calls"].to_numpy()
    for column in ("satisfaction", "purchase_rate", "mean_order_value"):
        r = stats.spearmanr(calls, x[column]).statistic
        assert abs(r) < ERRORS / np.sqrt(len(trial)), column


def test_no_call_brings_back_whoever_had_dropped_out(large, inside):
    orders = large.tables["orders"]
    late = orders.loc[orders["order_date"] >= CARE + pd.Timedelta(days=7), "customer_id"]
    trial = large.tables["customer_care"]
    # some days are left for orders that were moved to a free one
    gone = inside.dropout[trial["customer_id"] - 1] < (CARE - par.START).days - 3
    assert (gone & (trial["care_calls"] > 0)).sum() > 1000
    assert not trial.loc[gone, "customer_id"].isin(late).any()


def test_each_number_of_calls_has_its_effect_on_the_living(inside):
    calls = inside.trial["care_calls"].to_numpy()
    row = inside.trial["customer_id"].to_numpy() - 1
    day = (CARE - par.START).days
    alive = ~(inside.dropout[row] < day)
    extra = np.isin(row, inside.extra["row"])
    assert inside.extra["row"].is_unique
    for k in (1, 2, 3):
        near_share(extra[alive & (calls == k)], P["customer_care", f"extra_{k}"], k)
    assert not extra[(calls == 0) | ~alive].any()
    follows((inside.extra["day"] - day - 7) / 53, stats.uniform())


def test_the_trial_shows_the_stated_effect_in_the_orders(large):
    """Orders from the 8th to the 60th day: calls add the stated probability for those who can be called back."""
    trial = large.tables["customer_care"].merge(large.truth["consumers"][["customer_id", "dropped_out_on"]])
    day = large.tables["orders"]["order_date"]
    orders = large.tables["orders"][day.between(CARE + pd.Timedelta(days=7), CARE + pd.Timedelta(days=62))]
    trial["orders"] = trial["customer_id"].map(orders["customer_id"].value_counts()).fillna(0)
    alive = trial[~(trial["dropped_out_on"] < CARE)]
    arms = alive.groupby("care_calls")["orders"].agg(["mean", "var", "size"])
    for k in (1, 2, 3):
        gain = arms.loc[k, "mean"] - arms.loc[0, "mean"]
        error = np.sqrt((arms["var"] / arms["size"]).loc[[0, k]].sum())
        # a few leave over an incident before the extra order would come
        assert abs(gain - 0.97 * P["customer_care", f"extra_{k}"]) < 3.5 * error, (k, gain, error)


def test_the_randomised_care_calls_bring_people_back_in_the_shipped_cohort(shipped):
    orders, trial = shipped.tables["orders"], shipped.tables["customer_care"]
    after = orders[orders["order_date"].between("2025-09-08", "2025-11-06")]
    back = trial["customer_id"].isin(after["customer_id"])
    called = trial["care_calls"] > 0
    assert stats.ttest_ind(back[called].astype(float), back[~called].astype(float)).statistic > 3


# -- amounts, channels, lines, returns ------------------------------------------------------------


def test_gamma_gamma_parameters_come_back(large):
    data = history(large.tables["orders"])
    n, m = data["n"].to_numpy(), data["m"].to_numpy()

    def loss(log_parameters):
        p, q, v = np.exp(log_parameters)
        density = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v)
        density += (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(v + m * n)
        return -density.mean()

    found = np.exp(minimize(loss, np.log([3, 3, 60.0]), method="Nelder-Mead", options={"maxiter": 2000}).x)
    p, q, v = (P["gamma_gamma", name] for name in ("p", "q", "v"))
    assert found[:2] == pytest.approx([p, q], rel=0.06)
    assert found[0] * found[2] / (found[1] - 1) == pytest.approx(p * v / (q - 1), rel=0.03)


def test_an_order_spreads_about_its_customers_mean(large):
    orders = large.tables["orders"].merge(large.truth["consumers"], on="customer_id")
    p = P["gamma_gamma", "p"]
    follows(
        (orders["amount"] / orders["mean_order_value"]).sample(60_000, random_state=1),
        stats.gamma(p, scale=1 / p),
    )


def test_no_order_is_worth_less_than_a_yuan():
    """By hand: customers whose mean order is half a yuan."""
    truth = people.latents(1, 200, 0.0).assign(mean_order_value=0.5)
    consumers = people.consumers(1, truth)
    bought, _ = purchases.purchase_times(1, consumers, truth)
    none = pd.DataFrame({"row": [], "day": [], "left": []}, dtype=int)
    ledger = purchases.orders(1, consumers, truth, bought, none[["row", "day"]], none)
    assert ledger["amount"].min() == 1
    assert 1 < ledger["amount"].max() < 2


def test_classes_order_through_their_channels(large):
    orders = large.tables["orders"].merge(large.truth["consumers"], on="customer_id")
    for name, shares in zip(par.CLASSES, par.CHANNEL_BY_CLASS, strict=True):
        here = orders.loc[orders["buyer_class"] == name, "channel"]
        near_shares(here, dict(zip(par.ORDER_CHANNELS, shares, strict=True)), name)


@pytest.fixture(scope="module")
def lines(large):
    """Order lines with their order and the class of the customer."""
    orders = large.tables["orders"].drop(columns="amount")
    out = large.tables["order_lines"].merge(orders, on="order_id")
    out = out.merge(large.truth["consumers"][["customer_id", "buyer_class"]], on="customer_id")
    out["size"] = out.groupby("order_id")["line_no"].transform("size")
    return out


def test_lines_add_up_to_their_order(large):
    lines = large.tables["order_lines"]
    total = lines.groupby("order_id")["amount"].sum().round(2)
    assert np.array_equal(total, large.tables["orders"]["amount"])
    assert (lines["amount"] > 0).all()
    assert not lines.duplicated(["order_id", "product_line"]).any()
    assert lines["order_id"].is_monotonic_increasing
    first = lines["order_id"].ne(lines["order_id"].shift())
    assert (lines["line_no"] == lines.groupby("order_id").cumcount() + 1).all()
    assert (lines.loc[first, "line_no"] == 1).all()


def test_orders_have_one_to_three_lines_of_like_amounts(lines):
    size = lines.drop_duplicates("order_id")["size"]
    near_shares(size, {1: 0.65**2, 2: 2 * 0.35 * 0.65, 3: 0.35**2})
    two = lines[lines["size"] == 2]
    share = two["amount"] / two.groupby("order_id")["amount"].transform("sum")
    near_mean(share[two["line_no"] == 1], 0.5)
    near_sd(share[two["line_no"] == 1], stats.beta(2, 2).std())
    three = lines[lines["size"] == 3]
    share = three["amount"] / three.groupby("order_id")["amount"].transform("sum")
    for number in (1, 2, 3):
        near_mean(share[three["line_no"] == number], 1 / 3, number)


def test_classes_choose_lines_by_affinity_and_season(lines):
    """Of orders with a single line: the line is drawn by affinity, with fresh tea in spring and gifts before feasts."""
    single = lines[lines["size"] == 1]
    month = single["order_date"].dt.month
    seasons = {"spring": month.isin([3, 4, 5]), "feast": month.isin([1, 9])}
    seasons["plain"] = ~(seasons["spring"] | seasons["feast"])
    for name, affinity in zip(par.CLASSES, par.LINE_AFFINITY, strict=True):
        for season, here in seasons.items():
            weight = dict(zip(par.LINES, affinity, strict=True))
            weight["green_tea"] *= 1.8 if season == "spring" else 1
            weight["gift_sets"] *= 2.5 if season == "feast" else 1
            shares = {line: w / sum(weight.values()) for line, w in weight.items()}
            bought = single.loc[here & (single["buyer_class"] == name), "product_line"]
            near_shares(bought, shares, (name, season))


def test_a_second_line_is_another_one_drawn_by_what_is_left(lines):
    two = lines[(lines["size"] == 2) & ~lines["order_date"].dt.month.isin([1, 3, 4, 5, 9])]
    two = two[two["buyer_class"] == "devotee"]
    pair = two.pivot(index="order_id", columns="line_no", values="product_line")
    affinity = dict(zip(par.LINES, par.LINE_AFFINITY[0], strict=True))
    after = pair.loc[pair[1] == "green_tea", 2]
    for line in par.LINES[1:]:
        near_share(after == line, affinity[line] / (1 - affinity["green_tea"]), line)


def test_some_customers_send_back_most_of_what_they_order(lines):
    remote = lines[lines["channel"] != "shop"]
    own = remote.groupby("customer_id").agg(
        n=("returned", "size"), back=("returned", "mean"), kind=("buyer_class", "first")
    )
    often = own[own["n"] >= 10]
    for name, share in zip(par.CLASSES, par.SERIAL_RETURNERS, strict=True):
        near_share(often.loc[often["kind"] == name, "back"] > 0.45, share, name)
    serial = lines["customer_id"].isin(often.index[often["back"] > 0.45])
    usual = lines["customer_id"].isin(often.index[often["back"] <= 0.45])
    ware = lines["product_line"] == "teaware"
    shop = lines["channel"] == "shop"
    for who, where, rate in (
        (serial, ~shop, par.SERIAL_RETURN_SHARE),
        (serial, shop, par.SERIAL_RETURN_SHARE / 2),
        (usual, ~shop & ~ware, 0.04),
        (usual, ~shop & ware, 0.08),
        (usual, shop & ~ware, 0.015),
        (usual, shop & ware, 0.03),
    ):
        assert lines.loc[who & where, "returned"].mean() == pytest.approx(rate, rel=0.1), rate


def test_some_big_buyers_lose_money(large):
    lines = large.tables["order_lines"].merge(large.tables["orders"][["order_id", "customer_id", "channel"]])
    lines = lines.merge(large.tables["product_lines"]).merge(large.tables["order_channels"], on="channel")
    sold = lines["amount"] * lines["margin_rate"]
    lines["margin"] = sold.where(lines["returned"] == 0, -lines["cost_per_return"])
    by_customer = lines.groupby("customer_id").agg(revenue=("amount", "sum"), margin=("margin", "sum"))
    served = large.tables["orders"].merge(large.tables["order_channels"], on="channel")
    profit = by_customer["margin"] - served.groupby("customer_id")["cost_per_order"].sum()
    big = by_customer["revenue"] >= by_customer["revenue"].quantile(0.9)
    assert 0.02 < (profit[big] < 0).mean() < 0.10
