"""Care calls, recovery desk, budgets and the calendar: drawn by lot, effects as stated, truth as simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recovery import ERRORS, follows, near_mean, near_share, no_tie
from scipy import stats
from scipy.special import expit
from worlds import CLUB_TRIALS, OWN_TRIALS, SEED, own_trials

from crmlab.datasets import _csv, _sealing
from crmlab.simulate import core, dates
from crmlab.simulate.processes import budgets as budget
from crmlab.simulate.processes import contacts, purchases, recovery_desk
from crmlab.simulate.processes.customer_care import ASSIGNED, CALLS, EXTRA
from crmlab.simulate.processes.mailings import MAIL
from crmlab.simulate.registry import Setting, run

POWER = Path(__file__).parents[1] / "studies" / "results" / "world_trials.csv"
DAY = (ASSIGNED - dates.START).days


@pytest.fixture(scope="module")
def world():
    return own_trials()


@pytest.fixture(scope="module")
def calls(world):
    """One row a customer of the care trial: table and truth, what is behind them, orders in the 60 days."""
    out = world["customer_care"].merge(world["truth:customer_care"], on="customer_id")
    row = out["customer_id"] - 1
    alive = ~(world["dropout"][row] < DAY)
    after = world["ledger"][world["ledger"]["order_date"].between("2025-09-02", "2025-10-31")]
    count = row.add(1).map(after["customer_id"].value_counts()).fillna(0)
    return out.assign(row=row, alive=alive, orders=count, back=count > 0)


def ledger_of_budgets(seed: int) -> dict[str, pd.DataFrame]:
    return budget.budgets(lambda part: core.generator(seed, f"budgets/{part}"))


# -- care calls -----------------------------------------------------------------------------------


def test_half_of_the_buyers_of_two_years_get_no_call_and_the_others_one_to_three(world, calls):
    base = world["base_orders"]
    bought = base.loc[base["day"].between(DAY - CALLS.recent, DAY - 1), "row"].unique()
    assert calls["customer_id"].tolist() == (np.sort(bought) + 1).tolist()
    sizes = calls["care_calls"].value_counts()
    assert abs(sizes[0] - len(calls) / 2) <= 1
    assert sizes[[1, 2, 3]].max() - sizes[[1, 2, 3]].min() <= 1
    assert (calls["assigned_on"] == ASSIGNED).all()
    assert (calls["cost"] == CALLS.cost * calls["care_calls"]).all()


def test_care_calls_are_independent_of_who_the_customers_are(world, calls):
    for scores in (world["latents"], world["index_scores"], world["behaviour"]):
        for column in scores:
            no_tie(calls["care_calls"], scores[column].to_numpy()[calls["row"]], column)
    no_tie(calls["care_calls"] > 0, calls["alive"])


def test_each_number_of_calls_has_its_effect_on_the_living(world, calls):
    extra = world["extra_orders"]["customer_care"]
    assert extra["row"].is_unique
    assert set(extra["row"] + 1) == set(calls.loc[calls["called_back"] == 1, "customer_id"])
    for k in (1, 2, 3):
        here = calls["alive"] & (calls["care_calls"] == k)
        near_share(calls.loc[here, "called_back"], EXTRA[f"extra_{k}"], k)
    assert not calls.loc[(calls["care_calls"] == 0) | ~calls["alive"], "called_back"].any()
    made = calls.set_index("row")["care_calls"][extra["row"]].to_numpy()
    first = CALLS.from_day * made
    when = (extra["day"] - DAY - first) + np.random.default_rng(1).random(len(extra))
    follows(when / (CALLS.to_day - first), stats.uniform())


def test_an_extra_order_comes_after_all_the_calls_that_brought_it(world):
    made = contacts._care_calls(np.random.default_rng(4), world["customer_care"])
    last = made.groupby("customer_id")["day"].max()
    extra = world["extra_orders"]["customer_care"]
    assert (extra["day"].to_numpy() > last[extra["row"] + 1].to_numpy()).all()


def test_who_bought_in_the_24_months_is_drawn_unless_a_trial_alone_had_brought_the_order(world, calls):
    orders = world["ledger"]
    lately = orders.loc[orders["order_date"].between("2023-09-01", "2025-08-31"), "customer_id"].unique()
    left_out = np.setdiff1d(lately, calls["customer_id"])
    assert set(left_out - 1) <= set(world["extra_orders"]["mailings"]["row"])
    assert len(left_out) < 0.005 * len(calls)
    assert (orders.loc[orders["order_date"] == "2023-09-01", "customer_id"].isin(calls["customer_id"])).all()


def test_each_further_call_brings_less():
    steps = np.diff(np.r_[0, EXTRA])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_the_arms_differ_by_the_extra_orders_of_the_truth(calls):
    arms = calls.groupby("care_calls")["orders"].agg(["mean", "var", "size"])
    for k in (1, 2, 3):
        gain = arms.loc[k, "mean"] - arms.loc[0, "mean"]
        error = np.sqrt((arms["var"] / arms["size"]).loc[[0, k]].sum())
        assert abs(gain - calls[f"extra_orders_{k}"].mean()) <= ERRORS * error, (k, gain, error)


def test_truth_of_the_calls_is_nothing_for_those_who_have_left(world, calls):
    gone = calls[~calls["alive"]]
    assert len(gone) > 1000
    assert (gone.filter(like="extra_") == 0).all(axis=None)
    value = world["behaviour"]["mean_order_value"].to_numpy()[calls["row"]]
    for k in (1, 2, 3):
        margin = calls[f"extra_orders_{k}"] * value * MAIL.margin_rate
        assert np.allclose(calls[f"extra_margin_{k}"], margin, atol=0.006)


# -- the recovery desk ----------------------------------------------------------------------------


def desk_of(world) -> pd.DataFrame:
    return world["recovery_desk"].merge(world["truth:recovery_desk"], on="complaint_id")


def test_the_desk_takes_half_of_all_complaints_since_july_2025_by_lot(world):
    desk = desk_of(world)
    assert desk["assigned_on"].between(dates.INTERVENTION, dates.TODAY).all()
    assert desk["assigned_on"].is_monotonic_increasing
    voiced = world["incidents"]["complained_on"].between(dates.HISTORY, dates.DAYS - 1)
    assert len(desk) == voiced.sum()
    arm = desk["arm"] == "desk"
    near_share(arm, purchases.DESK.share)
    for column in ("promised_hours", "leave_usual"):
        no_tie(arm, desk[column], column)
    for column in ("rate", "dropout", "value"):
        no_tie(arm, world["latents"][column].to_numpy()[desk["customer_id"] - 1], column)
    mail = world["mailing_contacts"].merge(desk[["customer_id", "arm"]], on="customer_id")
    no_tie(mail["arm_x"] == "mail", mail["arm_y"] == "desk", "mailings and desk")
    repeated = desk.groupby("customer_id")["arm"].agg(["size", "nunique"])
    near_share(repeated.loc[repeated["size"] == 2, "nunique"] == 2, 0.5)  # drawn anew each time
    price = {"usual": recovery_desk.COST.cost_usual, "desk": recovery_desk.COST.cost_desk}
    assert (desk["cost"] == desk["arm"].map(price)).all()


def test_the_desk_recovers_more_as_stated(world):
    desk = desk_of(world)
    old = desk[desk["assigned_on"] <= dates.TODAY - pd.Timedelta(days=60)]  # by now all are solved, or nearly
    for arm, faster in (("usual", 1.0), ("desk", purchases.DESK.faster)):
        here = old[old["arm"] == arm].dropna(subset="recovered")
        near_share(here["recovered"], purchases.recovered_share(faster), arm)
        median = purchases.INCIDENT.median_hours * faster
        law = stats.lognorm(purchases.INCIDENT.spread_hours, scale=median)
        near_share(here["hours_to_resolve"] < 24, law.cdf(24), arm)


def test_the_desk_does_not_know_what_becomes_of_complaints_after_today(world):
    """Missing just where the contacts have it missing."""
    desk = world["recovery_desk"]
    is_open = desk["recovered"].isna()
    assert is_open.equals(desk["hours_to_resolve"].isna())
    assert is_open.sum() > 10
    solved = desk["assigned_on"] + pd.to_timedelta(desk["hours_to_resolve"], unit="h")
    assert (solved.dropna() < dates.TODAY + pd.Timedelta(days=1)).all()
    noted = contacts._complaints(np.random.default_rng(5), world["incidents"])
    columns = ["customer_id", "day", "promised_hours", "hours_to_resolve", "recovered"]
    noted = noted.loc[noted["day"] >= dates.HISTORY, columns].astype(float).fillna(-1)
    own = desk.assign(day=dates.days(desk["assigned_on"]))[columns].astype(float).fillna(-1)
    assert np.array_equal(noted.sort_values(columns), own.sort_values(columns))


def test_arms_leave_as_their_truth_says(world):
    desk = desk_of(world)
    for arm in ("usual", "desk"):
        here = desk[desk["arm"] == arm]
        near_mean(here["left"], here[f"leave_{arm}"], arm)
    assert (desk["leave_desk"] <= desk["leave_usual"]).all()


@pytest.mark.parametrize(("arm", "share"), [("desk", 1.0), ("usual", 0.0)])
def test_truth_of_the_desk_is_what_happens_when_all_complaints_go_one_way(monkeypatch, arm, share):
    monkeypatch.setattr(purchases.DESK, "share", share)
    desk = desk_of(run(Setting(SEED, 40_000, 10), wanted=["recovery_desk"]))
    assert (desk["arm"] == arm).all()
    near_mean(desk["left"], desk[f"leave_{arm}"])
    for _, here in desk.groupby(pd.qcut(desk["leave_usual"], 4, duplicates="drop"), observed=True):
        near_mean(here["left"], here[f"leave_{arm}"])


# -- budgets --------------------------------------------------------------------------------------


def test_a_region_begins_a_quarter_with_the_customers_kept_and_won(world):
    table = world["budgets"]
    assert len(table) == 20 * 16
    assert not table.duplicated(["region", "quarter"]).any()
    end = table["customers_kept"] + table["customers_won"]
    assert (
        end.groupby(table["region"]).shift().dropna()
        == table["customers_at_start"].where(table["quarter"] > dates.START).dropna()
    ).all()
    assert (table["customers_kept"] <= table["customers_at_start"]).all()
    for kind, cost in (("win", budget.WIN.win_cost), ("keep", budget.KEEP.keep_cost)):
        paid = table[f"{kind}_spent"] / table[f"{kind}_level"].where(table[f"{kind}_level"] > 0)
        near_mean(np.log(paid.dropna() / cost), 0, kind)
        assert (table.loc[table[f"{kind}_level"] == 0, f"{kind}_spent"] == 0).all()


def test_levels_are_drawn_evenly_in_the_year_of_the_lot(world):
    lot = world["budgets"].query("quarter >= '2025-07-01'")
    for kind in ("win_level", "keep_level"):
        assert (lot.groupby(["quarter", kind]).size() == 4).all()
        assert lot.groupby("quarter")[kind].nunique().eq(5).all()
    pairs = lot.groupby(["win_level", "keep_level"]).size()
    assert len(pairs) == 25
    assert set(pairs) == {3, 4}


@pytest.fixture(scope="module")
def houses():
    """Ledger and truth of twenty-four houses."""
    return [ledger_of_budgets(seed) for seed in range(24)]


@pytest.fixture(scope="module")
def many(houses):
    """Their ledgers in one, with each region's potential."""
    tables = []
    for seed, made in enumerate(houses):
        table = made["budgets"].assign(house=seed)
        regions = budget._regions(core.generator(seed, "budgets/regions"))
        tables.append(table.merge(regions, on="region"))
    return pd.concat(tables, ignore_index=True)


def test_the_lot_of_a_region_says_nothing_of_its_next_one(many):
    lot = many[many["quarter"] >= dates.INTERVENTION].sort_values(["house", "region", "quarter"])
    for kind in ("win_level", "keep_level"):
        later = lot.groupby(["house", "region"])[kind].shift(-1)
        no_tie(lot.loc[later.notna(), kind], later.dropna(), kind)
        no_tie(lot[kind], lot["region"], kind)


def test_managers_gave_most_where_most_was_to_be_had_and_the_lot_did_not(many):
    before = many["quarter"] < dates.INTERVENTION
    for kind in ("win_level", "keep_level"):
        assert np.corrcoef(many.loc[before, kind], many.loc[before, "potential"])[0, 1] > 0.5
        no_tie(many.loc[~before, kind], many.loc[~before, "potential"], kind)
        no_tie(many.loc[~before, kind], many.loc[~before, "customers_at_start"], kind)
    no_tie(many.loc[~before, "win_level"], many.loc[~before, "keep_level"])
    share = many["customers_kept"] / many["customers_at_start"]
    naive = share[before].groupby(many["keep_level"]).mean()
    drawn = share[~before].groupby(many["keep_level"]).mean()
    assert naive[4] - naive[0] > 1.3 * (drawn[4] - drawn[0])


def test_budgets_work_along_their_curves_in_both_times(many):
    for when in (many["quarter"] < dates.INTERVENTION, many["quarter"] >= dates.INTERVENTION):
        for level in range(5):
            here = many[when & (many["keep_level"] == level)]
            kept = expit(budget.keep_logit(level) + here["loyal"])
            near_mean(here["customers_kept"] / here["customers_at_start"], kept, ("keep", level))
            here = many[when & (many["win_level"] == level)]
            won = here["size"] * np.exp(budget.WIN.win_potential * here["potential"])
            near_mean(here["customers_won"], won * budget.won_rate(level), ("win", level))


def test_choosing_by_the_groups_of_the_lot_beats_the_managers_rule(houses):
    """The decision: the level with the best mean of each budget, by what the year of the lot showed."""
    left, lost = [], []
    for made in houses:
        lot = made["budgets"].query("quarter >= '2025-07-01'")
        worth = (lot["margin_per_customer"] * lot["customers_at_start"]).mean()
        choice = []
        for kind, outcome in (("win", "customers_won"), ("keep", "customers_kept")):
            gain = worth * lot[outcome] / lot["customers_at_start"] - lot[f"{kind}_spent"]
            choice.append(gain.groupby(lot[f"{kind}_level"]).mean().idxmax())
        truth = made["truth:budgets"].set_index(["win_level", "keep_level"])
        left.append(truth["profit"].max() - truth.loc[tuple(choice), "profit"])
        lost.append(truth["profit"].max() - (truth["profit"] * truth["chosen_by_managers"]).sum())
    assert np.mean(left) < np.mean(lost) / 2
    assert np.mean(np.array(left) < np.array(lost)) > 0.8


def test_returns_diminish():
    for curve in (budget.won_rate, budget.keep_logit):
        steps = np.diff(curve(np.arange(5)))
        assert (steps > 0).all()
        assert (np.diff(steps) < 0).all()


def test_truth_of_the_budgets_is_what_happens_when_all_regions_get_one_pair():
    made = ledger_of_budgets(3)
    regions = budget._regions(core.generator(3, "budgets/regions"))
    year = made["budgets"].query("quarter >= '2025-07-01'").merge(regions, on="region")
    rng = np.random.default_rng(8)
    for pair in made["truth:budgets"].sample(4, random_state=2).itertuples():
        same = pd.DataFrame({"win_level": pair.win_level, "keep_level": pair.keep_level}, index=year.index)
        houses = [budget._quarter(rng, year, same, year["customers_at_start"]) for _ in range(100)]
        end = [(h["customers_kept"] + h["customers_won"]) * h["margin_per_customer"] for h in houses]
        spent = [h["win_spent"] + h["keep_spent"] for h in houses]
        profit = [(e - s).mean() for e, s in zip(end, spent, strict=True)]
        error = np.std(profit) / np.sqrt(len(profit))
        assert abs(np.mean(profit) - pair.profit) <= ERRORS * error + 80, (
            pair
        )  # prices vary around their median
    best = made["truth:budgets"].sort_values("profit").iloc[-1]
    assert best["optimal"] == 1 == made["truth:budgets"]["optimal"].sum()
    assert made["truth:budgets"]["chosen_by_managers"].sum() == pytest.approx(1, abs=0.002)


# -- the calendar ---------------------------------------------------------------------------------


def test_the_calendar_has_every_day_its_festivals_and_days_of_rest(world):
    calendar = world["calendar"].set_index("date")
    assert len(calendar) == dates.DAYS
    assert calendar.index[[0, -1]].tolist() == [dates.START, dates.TODAY]
    assert calendar.index.is_unique
    assert calendar.loc["2026-02-17", "festival"] == "spring_festival"
    assert calendar["festival"].notna().sum() == 12
    rest = calendar.index[calendar["closed"] == 1]
    assert rest[-4:].strftime("%m-%d").tolist() == ["02-16", "02-17", "02-18", "02-19"]
    assert len(rest) == 16


# -- the tables as files, and what their size can show --------------------------------------------


def test_tables_fit_their_description_and_their_size():
    world = run(Setting(3, 6_000, 10), wanted=OWN_TRIALS, without=CLUB_TRIALS)
    described = {resource["name"]: resource for resource in _sealing.described()["resources"]}
    size = {}
    for name in (result.replace(":", "/") for result in OWN_TRIALS):
        frame = core.tidy(world[name.replace("/", ":")])
        size[name] = len(_csv.written(frame, described[name]))
        for key in described[name]["schema"].get("foreignKeys", []):
            there = world[key["reference"]["resource"]][key["reference"]["fields"]]
            own = pd.MultiIndex.from_frame(frame[key["fields"]])
            assert own.isin(pd.MultiIndex.from_frame(there)).all(), name
        assert not frame.duplicated(described[name]["schema"]["primaryKey"]).any(), name
    assert size["mailing_contacts"] <= 700_000
    assert sum(size.values()) <= 1_500_000


def test_outcomes_named_beforehand_show_in_nine_of_ten_cohorts():
    """From the study of cohorts of the shipped size."""
    power = pd.read_csv(POWER).set_index(["trial", "outcome"])
    assert (power["cohorts"] >= 50).all()
    named = power[power["named_beforehand"] == 1]
    assert set(named.index.get_level_values("trial")) == {
        "mailings",
        "customer_care",
        "recovery_desk",
        "budgets",
    }
    assert (named["share_z_3"] >= 0.90).all()
    believable = {"mailings": (0.01, 0.03), "customer_care": (0.04, 0.08), "budgets": (0.05, 0.12)}
    for trial, (low, high) in believable.items():
        assert low <= named.loc[trial, "effect"].iloc[0] <= high, trial
    assert power.loc[("recovery_desk", "buys_again_90_days"), "share_z_3"] < 0.2
    assert (power.filter(like="margin", axis=0)["share_z_3"] < 0.5).all()
