"""The tea club: joining, sBG, effects on leaving, causes, what leavers say; membership does not move early buying."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, near_fit, near_mean, near_share, near_shares, no_tie
from scipy.optimize import minimize
from scipy.special import betaln, expit
from statsmodels.tools.numdiff import approx_hess
from worlds import CLUB
from worlds import club as club_world

from crmlab.simulate import dates
from crmlab.simulate.processes import club, club_exit, club_invitation, winback
from crmlab.simulate.registry import Setting, run

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "tests/studies/results"
TABLES = [name for name in CLUB if ":" not in name]


@pytest.fixture(scope="module")
def world() -> dict:
    return club_world()


@pytest.fixture(scope="module")
def small() -> dict:
    return run(Setting(90210, 6_000, 480), wanted=CLUB)


@pytest.fixture(scope="module")
def months(world) -> pd.DataFrame:
    """Months of membership with all that decides over leaving, and the stated probability."""
    traits = ["member_id", "plan", "app", "theta", "joined", "row"]
    out = world["club_months"].merge(world["members"][traits])
    out["plus"] = (out["plan"] == "plus").astype(float)
    last = pd.Series(dates.dates(np.nan_to_num(world["dropout"][out["row"]], nan=dates.DAYS)))
    out["stopped"] = (out["month"] > last).astype(int)  # a whole month without a wish to buy
    log_hazard = (out[list(club.HAZARD.index)] * club.HAZARD).sum(axis=1)
    return out.assign(hazard=1 - (1 - out["theta"]) ** np.exp(log_hazard))


@pytest.fixture(scope="module")
def reference(world) -> pd.DataFrame:
    """Basic plan, no app: months until they left, a complaint opened, they stopped buying, or today."""
    plain = world["members"].query("plan == 'basic' and app == 0")
    ends = np.fmin(plain["complaint_from"], plain["stopped_from"]).fillna(np.inf) - plain["joined"]
    out = {"months": np.minimum(plain["months"], ends), "left": plain["left"] & (ends >= plain["months"])}
    return pd.DataFrame(out)[ends > 0]


def sbg_survival(t: np.ndarray) -> np.ndarray:
    return np.exp(betaln(club.STAY.alpha, club.STAY.beta + t) - betaln(club.STAY.alpha, club.STAY.beta))


# -- joining --------------------------------------------------------------------------------------


def test_those_who_bought_lately_join_as_their_attachment_says(world):
    members, bought = world["early_members"], world["base_orders"]
    for month in ("2023-01-01", "2024-03-01", "2025-06-01"):
        number, day = dates.MONTHS.searchsorted(pd.Timestamp(month)), (pd.Timestamp(month) - dates.START).days
        lately = bought.loc[bought["day"].between(day - club.JOINING.recent, day - 1), "row"].unique()
        free = np.setdiff1d(lately, members.loc[members["joined"] < number, "row"])
        joins = np.isin(free, members.loc[members["joined"] == number, "row"])
        attachment = world["latents"]["attachment"].to_numpy()[free]
        left_over = joins - expit(club.JOINING.intercept + club.JOINING.attachment * attachment)
        near_mean(left_over, 0, month)
        near_mean(left_over * attachment, 0, month)
        assert joins.sum() == (members["joined"] == number).sum()  # nobody else joins


def test_joining_is_open_from_january_2023_and_unasked_until_june_2025(world):
    table = world["club_members"]
    asked = table["customer_id"].isin(world["invitation"]["row"] + 1)
    assert table["joined_on"].min() == pd.Timestamp("2023-01-01")
    assert table.loc[~asked, "joined_on"].max() == pd.Timestamp("2025-06-01")
    assert (table["joined_on"].dt.day == 1).all()
    assert table["customer_id"].is_unique
    assert table["joined_on"].is_monotonic_increasing
    assert (table["member_id"] == np.arange(1, len(table) + 1)).all()
    assert table.loc[~asked].groupby("joined_on").size().min() > 0.4 * (~asked).sum() / 30


def test_plan_and_app_follow_ability_and_age(world):
    table = world["club_members"].merge(world["consumers"])
    causes = {
        "plus": (table["plan"] == "plus", "ability_to_pay", club.MIDDLE),
        "app": (table["app"] == 1, "age", club.AGE.mean),
    }
    for name, (chosen, column, middle) in causes.items():
        exog = pd.DataFrame({"intercept": 1.0, "slope": table[column] - middle})
        slope = {"plus": club.CHOICE.plus_ability, "app": club.CHOICE.app_age}[name]
        near_fit(
            sm.Logit(chosen.astype(int), exog).fit(disp=0),
            intercept=vars(club.CHOICE)[name],
            slope=slope,
        )
    assert (table["fee"] == table["plan"].map(club.FEE)).all()


# -- leaving --------------------------------------------------------------------------------------


def test_the_shifted_beta_geometric_comes_back_from_reference_members(reference):
    t, left = reference["months"].to_numpy(), reference["left"].to_numpy()

    def loss(p: np.ndarray) -> float:
        a, b = np.exp(p)
        leaves = betaln(a + 1, b + np.maximum(t, 1) - 1)
        return -np.where(left, leaves, betaln(a, b + t)).sum() + len(t) * betaln(a, b)

    found = minimize(loss, np.log([1, 5]), method="Nelder-Mead").x
    error = np.sqrt(np.diag(np.linalg.inv(approx_hess(found, loss))))
    stated = np.log([club.STAY.alpha, club.STAY.beta])
    assert (error < 0.12).all()
    assert (abs(found - stated) <= ERRORS * error).all(), (np.exp(found), error)


def test_kaplan_meier_follows_the_closed_form(reference):
    curve = sm.SurvfuncRight(reference["months"], reference["left"].astype(int))
    off = curve.surv_prob - sbg_survival(curve.surv_times)
    assert (abs(off) <= ERRORS * curve.surv_prob_se).all()
    assert curve.surv_times.max() >= 36


def test_theta_is_beta_distributed_whoever_joins(world):
    theta = world["members"]["theta"]
    mean = club.STAY.alpha / (club.STAY.alpha + club.STAY.beta)
    near_mean(theta, mean)
    near_mean((1 - theta) ** 12, sbg_survival(12))
    no_tie(theta, world["latents"]["attachment"].iloc[world["members"]["row"]])


def test_effects_multiply_a_members_own_hazard(months):
    near_mean(months["left"], months["hazard"])
    for (plan, app), some in months.groupby(["plan", "app"]):
        near_mean(some["left"], some["hazard"], (plan, app))
    counted = months.groupby([*club.HAZARD.index, months["theta"].round(3)])["left"]
    cells = counted.agg(["sum", "size"]).reset_index().query("theta > 0")
    exog = sm.add_constant(cells[list(club.HAZARD.index)].astype(float))
    link = sm.families.links.CLogLog()
    fit = sm.GLM(
        np.column_stack([cells["sum"], cells["size"] - cells["sum"]]),
        exog,
        family=sm.families.Binomial(link),
        offset=np.log(-np.log1p(-cells["theta"])),
    ).fit()
    near_fit(fit, const=0.0, **club.HAZARD)


def test_a_complaint_is_open_from_its_month_on_if_it_was_not_put_right(world):
    trouble = world["incidents"].query("response == 'voice' and recovered == 0")
    trouble = trouble.assign(month=dates.dates(trouble["complained_on"]).to_period("M").to_timestamp())
    table = world["club_months"].merge(world["members"][["member_id", "row"]])
    started = table.groupby("member_id")["month"].transform("min")
    met = table.assign(started=started).merge(
        trouble[["row", "month"]].rename(columns={"month": "complaint"}), how="left"
    )
    met["open"] = met["complaint"].between(met["started"], met["month"])
    expected = met.groupby(["member_id", "month"])["open"].any().astype(int)
    assert (expected.to_numpy() == table["complaint_open"].to_numpy()).all()
    assert 0.02 < expected.mean() < 0.10


def test_the_population_coefficients_are_what_regressions_converge_to(months):
    tenure = months.groupby("member_id").cumcount()
    cells = (
        months.groupby([tenure.rename("tenure"), *club.POPULATION])["left"].agg(["sum", "size"]).reset_index()
    )
    cells = cells[cells.groupby("tenure")["sum"].transform("sum") > 0]
    exog = cells[list(club.POPULATION)].astype(float)
    exog = exog.join(pd.get_dummies(cells["tenure"], prefix="t", dtype=float))
    left = np.column_stack([cells["sum"], cells["size"] - cells["sum"]])
    link = sm.families.links.CLogLog()
    fit = sm.GLM(left, exog, family=sm.families.Binomial(link)).fit()
    near_fit(fit, **club.POPULATION.loc["cloglog"])


def test_the_population_coefficients_are_those_of_the_study():
    found = pd.read_csv(STUDIES / "world_club_population.csv").set_index(["method", "effect"])
    stated = club.POPULATION.stack()
    assert set(found.index) == set(stated.index)
    assert (abs(found["mean"].reindex(stated.index) - stated) < 0.001).all()
    assert (found["error"] < 0.01).all()
    own = club.HAZARD.abs()[club.POPULATION.columns]
    assert (club.POPULATION.abs() < own - 0.03).all(axis=None)  # frailty shrinks them


def test_who_has_stopped_buying_leaves_sooner_not_later(world, months):
    truth = world["truth:club_members"].set_index("member_id")["stopped_from"]
    since = months["member_id"].map(truth)
    assert (months["stopped"] == (months["month"] >= since)).all()
    share = months["left"].groupby(months["stopped"]).mean()
    assert 0.25 < months["stopped"].mean() < 0.45
    assert share[1] > 1.3 * share[0]
    recent = months.groupby("member_id")["orders"].transform(lambda n: n.rolling(3, min_periods=3).sum())
    churn = months["left"].groupby(recent.clip(upper=1)).mean()
    assert churn[0] > churn[1]


# -- causes and what leavers say ------------------------------------------------------------------


def test_causes_follow_complaint_competition_and_age(world):
    gone = world["members"][world["members"]["left"]]
    person = world["consumers"].iloc[gone["row"]]
    exog = pd.DataFrame(
        {
            "intercept": 1.0,
            "complaint_open": (gone["complaint_from"] < gone["joined"] + gone["months"]).to_numpy(),
            "strong_competition": (person["competition"] == "strong").to_numpy(),
            "age_decade": (person["age"].to_numpy() - club.AGE.mean) / 10,
        }
    ).astype(float)
    order = ["own_life", "firm", "rival"]
    cause = world["truth:club_members"].loc[gone.index, "true_cause"]
    code = pd.Categorical(cause, categories=order).codes
    assert (code >= 0).all()
    fit = sm.MNLogit(code, exog.reset_index(drop=True)).fit(disp=0)
    for column, name in enumerate(order[1:]):
        stated = club_exit.CAUSE.loc[name] - club_exit.CAUSE.loc["own_life"]
        off = (fit.params[column].to_numpy() - stated[exog.columns].to_numpy()) / fit.bse[column].to_numpy()
        assert (abs(off) <= ERRORS).all(), (name, fit.params[column], stated)
    assert world["truth:club_members"].loc[~world["members"]["left"], "true_cause"].isna().all()


def test_leavers_answer_and_misreport_as_stated(world):
    asked = world["exit_survey"].merge(world["truth:club_members"]).merge(world["club_members"])
    for cause, some in asked.groupby("true_cause"):
        near_share(some["reason"].notna(), club_exit.ANSWERS[cause], cause)
        near_shares(some["reason"].dropna(), club_exit.SAYS.loc[cause].to_dict(), cause)
    lag = (asked["asked_on"] - asked["left_on"]).dt.days
    assert lag.between(5, 19).all()
    assert set(lag) == set(range(5, 20))
    waiting = world["club_members"]["left_on"] > dates.TODAY - pd.Timedelta(days=20)
    due = world["club_members"].loc[world["club_members"]["left_on"].notna() & ~waiting, "member_id"]
    assert due.isin(asked["member_id"]).all()


# -- what membership does to buying ---------------------------------------------------------------


def test_early_membership_changes_nothing_about_buying(world):
    """Orders less the own rate times the days lived as a member have mean 0: the rate is what it was."""
    members = world["early_members"]
    row = members["row"].to_numpy()
    start = club.FIRST_DAYS[members["joined"]]
    end = np.minimum(club.FIRST_DAYS[members["joined"] + members["months"]], dates.HISTORY)
    bought = world["purchases"].merge(pd.DataFrame({"row": row, "start": start, "end": end}))
    inside = bought["day"].between(bought["start"], bought["end"])
    count = bought[inside].groupby("row").size().reindex(row, fill_value=0).to_numpy()
    lived = np.maximum(np.fmin(end, world["dropout"][row]) - start, 0)
    usual = world["behaviour"]["purchase_rate"].to_numpy()[row] / 7 * lived
    near_mean(count, usual)
    assert count.sum() > 20_000


def test_no_order_before_july_2025_comes_from_a_trial(world):
    early = world["ledger"].query("order_date < @dates.INTERVENTION")
    assert len(early) == (world["base_orders"]["day"] < dates.HISTORY).sum()


def test_members_buy_more_than_others_by_selection_alone(world):
    """What a comparison of members and others would show although nothing is caused."""
    orders, members = world["ledger"], world["club_members"]
    year = orders[orders["order_date"].between("2024-07-01", "2025-06-30")].groupby("customer_id").size()
    known = world["consumers"].query("acquired_on < '2024-07-01'")["customer_id"]
    at_start = members[(members["joined_on"] <= "2024-07-01") & ~(members["left_on"] < "2024-07-01")]
    count = year.reindex(known, fill_value=0)
    member = known.isin(at_start["customer_id"]).to_numpy()
    assert count[member].mean() > 1.5 * count[~member].mean()


# -- the tables -----------------------------------------------------------------------------------


def test_points_are_earned_on_orders_during_membership(small):
    table, orders = small["club_members"], small["orders"]
    for row in table.sample(60, random_state=1).itertuples():
        end = dates.TODAY if pd.isna(row.left_on) else row.left_on
        mine = orders[
            (orders["customer_id"] == row.customer_id) & orders["order_date"].between(row.joined_on, end)
        ]
        earned = mine["amount"].sum() * {"basic": 1, "plus": 2}[row.plan]
        assert row.points_earned == np.floor(earned + 1e-9)
    assert table["points_spent"].between(0, table["points_earned"]).all()


def test_members_spend_the_stated_share_of_points(world):
    table = world["club_members"].query("points_earned >= 500")
    mean = club.CHOICE.spent_a / (club.CHOICE.spent_a + club.CHOICE.spent_b)
    near_mean(table["points_spent"] / table["points_earned"], mean - 0.0005)  # parts of a point are lost


def test_months_agree_with_members_and_orders(small):
    table, members, orders = small["club_months"], small["club_members"], small["orders"]
    end = members["left_on"].fillna(dates.TODAY)
    length = (
        end.dt.to_period("M").astype("int64") - members["joined_on"].dt.to_period("M").astype("int64") + 1
    )
    by_member = table.groupby("member_id")
    assert (by_member.size().to_numpy() == length.to_numpy()).all()
    assert (by_member["month"].min().to_numpy() == members["joined_on"].to_numpy()).all()
    assert (by_member["left"].sum().to_numpy() == members["left_on"].notna().to_numpy()).all()
    assert (by_member["left"].last().to_numpy() == members["left_on"].notna().to_numpy()).all()
    assert (members["left_on"].dropna().dt.is_month_end).all()
    mine = orders.merge(members[["customer_id", "member_id", "joined_on"]].assign(end=end))
    mine = mine[mine["order_date"].between(mine["joined_on"], mine["end"])]
    assert (
        mine.groupby("member_id").size().reindex(members["member_id"], fill_value=0).to_numpy()
        == by_member["orders"].sum().to_numpy()
    ).all()


def test_the_shipped_size_suits_the_lessons(small):
    assert 1_200 <= len(small["club_members"]) <= 1_500
    assert len(small["club_months"].to_csv(index=False)) < 900_000
    assert sum(len(small[name].to_csv(index=False)) for name in CLUB) < 1_000_000


@pytest.mark.parametrize("name", CLUB)
def test_the_dictionary_describes_each_table(small, name):
    entry = json.loads(
        (ROOT / f"datasets/dictionary/{name.replace(':', '/')}.json").read_text(encoding="utf-8")
    )
    table = small[name]
    assert [field["name"] for field in entry["fields"]] == list(table.columns)
    for field in entry["fields"]:
        column, rule = table[field["name"]], field.get("constraints", {})
        assert column.notna().all() or not rule.get("required"), field["name"]
        present = column.dropna()
        assert present.isin(rule["enum"]).all() if "enum" in rule else True, field["name"]
        low, high = rule.get("minimum"), rule.get("maximum")
        assert low is None or (present >= (pd.Timestamp(low) if field["type"] == "date" else low)).all()
        assert high is None or (present <= (pd.Timestamp(high) if field["type"] == "date" else high)).all()
    assert not table.duplicated(entry["primaryKey"]).any()


def test_the_dictionary_names_the_stated_numbers():
    text = {name: (ROOT / f"datasets/dictionary/{name}.json").read_text(encoding="utf-8") for name in TABLES}
    text["truth"] = (ROOT / "datasets/dictionary/truth/club_invitation.json").read_text(encoding="utf-8")
    said = SimpleNamespace(**text)
    serving = club.SERVING
    assert f"{serving['basic']:.0f} yuan a month (basic) or {serving['plus']:.0f} (plus)" in said.club_members
    assert f"worth {club.CHOICE.point:.2f} yuan" in said.club_members
    assert (club.POINTS == [1, 2]).all()
    assert club_invitation.INVITATION.free == 3
    assert "first three months" in said.club_members
    assert f"{club.EFFECT.margin:.2f} of" in said.club_invitation
    added = f"{club.EFFECT.extra:.2f} orders a month, and besides {club.EFFECT.extra_share:.2f} of"
    assert added in said.truth
    assert f"{winback.WINBACK.voucher:.0f} yuan as a voucher" in said.winback
    assert f"{winback.WINBACK.call:.0f} yuan for the call" in said.winback
