"""The world: what was put in must come out again when it is estimated, and nothing leaks between processes."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from crmlab.pls import PLSPathModel
from crmlab.simulate import SHIPPED_SEED, cohort_seed, core, people, purchases, surveys, world
from crmlab.simulate import accounts as acc
from crmlab.simulate import parameters as par
from crmlab.simulate.parameters import P


@pytest.fixture(scope="module")
def shipped():
    return world(SHIPPED_SEED)


@pytest.fixture(scope="module")
def large():
    return world(17, customers=40_000, accounts=12_000)


@pytest.fixture(scope="module")
def moves(large):
    """One row per pair of neighbouring months: account, month, stage, next stage, trust group, arm."""
    stages = large.truth["account_stages"]
    out = stages.assign(next_stage=stages.groupby("account_id")["stage"].shift(-1)).dropna()
    out = out.merge(large.truth["accounts"][["account_id", "trust_group"]])
    return out.merge(large.tables["care_wave"][["account_id", "arm"]], how="left")


def z_two_shares(a: pd.Series, b: pd.Series) -> float:
    return (a.mean() - b.mean()) / np.sqrt(a.var() / len(a) + b.var() / len(b))


# -- one seed, one world --------------------------------------------------------------------------


def test_same_seed_same_world_and_other_seed_another():
    a, b, other = (world(s, 200) for s in (3, 3, 4))
    for name in a.tables:
        assert_frame_equal(a.tables[name], b.tables[name])
    for name in a.truth:
        assert_frame_equal(a.truth[name], b.truth[name])
    assert not a.tables["orders"].equals(other.tables["orders"])


def test_processes_do_not_touch_each_other():
    few, many = world(5, 100, accounts=40), world(5, 300, accounts=40, households=7)
    for name in ("accounts", "account_months", "account_reviews", "care_wave", "inspections"):
        assert_frame_equal(few.tables[name], many.tables[name])


def test_a_process_draws_from_its_own_generator_only(monkeypatch):
    plain = world(5, 100)
    drawn = surveys.kano_survey
    monkeypatch.setattr(surveys, "kano_survey", lambda seed, people: drawn(seed + 1, people))
    other = world(5, 100)
    changed = [name for name in plain.tables if not plain.tables[name].equals(other.tables[name])]
    assert changed == ["kano_survey"]


def test_cohort_seed_is_the_hash_of_the_name():
    assert cohort_seed("spring-2027") == int(hashlib.sha256(b"spring-2027").hexdigest()[:12], 16)
    assert cohort_seed("spring-2027") != cohort_seed("spring-2028")
    assert 0 <= cohort_seed("任何名字") < 2**48
    with pytest.raises(ValueError, match="not empty"):
        cohort_seed(" ")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"seed": -1}, ValueError, "seed must be between"),
        ({"seed": 1.5}, TypeError, "seed must be a whole number"),
        ({"seed": True}, TypeError, "seed"),
        ({"seed": 1, "customers": 0}, ValueError, "customers must be between 50"),
        ({"seed": 1, "customers": -5}, ValueError, "found -5"),
        ({"seed": 1, "customers": 10**9}, ValueError, "2,000,000"),
        ({"seed": 1, "customers": "2000"}, TypeError, "customers"),
        ({"seed": 1, "customers": 100, "accounts": 0}, ValueError, "accounts"),
        ({"seed": 1, "customers": 100, "households": 0}, ValueError, "households"),
        ({"seed": 1, "customers": 100, "value_rate_correlation": 2.0}, ValueError, "value_rate_correlation"),
        (
            {"seed": 1, "customers": 100, "value_rate_correlation": np.nan},
            TypeError,
            "value_rate_correlation",
        ),
    ],
)
def test_bad_sizes_are_named(arguments, error, says):
    with pytest.raises(error, match=says):
        world(**arguments)


def test_the_smallest_world_is_whole():
    small = world(1, 50, accounts=10)
    assert all(len(frame) for frame in small.tables.values())
    assert type(small.tables) is dict and type(small.truth) is dict


def test_floats_are_rounded(shipped):
    for frame in [*shipped.tables.values(), *shipped.truth.values()]:
        for column in frame.select_dtypes("float"):
            assert np.array_equal(frame[column], frame[column].round(6), equal_nan=True), column


# -- consumers ------------------------------------------------------------------------------------


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


def test_gamma_gamma_parameters_come_back(large):
    data = history(large.tables["orders"])
    n, m = data["n"].to_numpy(), data["m"].to_numpy()

    def loss(log_parameters):
        p, q, v = np.exp(log_parameters)
        return -(
            gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v)
            + (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(v + m * n)
        ).mean()  # fmt: skip

    found = np.exp(minimize(loss, np.log([3, 3, 60.0]), method="Nelder-Mead", options={"maxiter": 2000}).x)
    assert found[:2] == pytest.approx([P["gamma_gamma", "p"], P["gamma_gamma", "q"]], rel=0.06)
    mean = found[0] * found[2] / (found[1] - 1)
    assert mean == pytest.approx(5.0 * 96.0 / 3.0, rel=0.03)


def test_order_value_is_independent_of_the_rate_unless_switched(large):
    assert (
        abs(large.truth["consumers"][["purchase_rate", "mean_order_value"]].corr("spearman").iloc[0, 1])
        < 0.02
    )
    tied = world(17, 5_000, accounts=10, value_rate_correlation=0.6).truth["consumers"]
    assert tied[["purchase_rate", "mean_order_value"]].corr("spearman").iloc[0, 1] == pytest.approx(
        0.58, abs=0.04
    )


def test_satisfaction_is_tied_to_dropout_and_rate_which_stay_independent(large):
    rank = large.truth["consumers"][["satisfaction", "dropout_probability", "purchase_rate"]].corr("spearman")
    assert rank.loc["satisfaction", "dropout_probability"] == pytest.approx(-0.5, abs=0.02)
    assert rank.loc["satisfaction", "purchase_rate"] == pytest.approx(0.2, abs=0.02)
    assert abs(rank.loc["dropout_probability", "purchase_rate"]) < 0.02


def test_orders_before_july_2025_follow_the_process_and_nothing_else(shipped):
    truth = people.latents(SHIPPED_SEED, 2_000, 0.0)
    consumers = people.consumers(SHIPPED_SEED, truth)
    bought, _ = purchases.purchase_times(SHIPPED_SEED, consumers, truth)
    pure = bought.assign(customer_id=bought["row"] + 1, day=np.floor(bought["day"]).astype(int))
    pure = pure[pure["day"] < (par.INTERVENTION - par.START).days]
    orders = shipped.tables["orders"]
    orders = orders[orders["order_date"] < par.INTERVENTION]
    kept = pd.DataFrame(
        {"customer_id": orders["customer_id"], "day": (orders["order_date"] - par.START).dt.days}
    )
    columns = ["customer_id", "day"]
    assert (
        kept.sort_values(columns).to_numpy().tolist()
        == pure[columns].sort_values(columns).to_numpy().tolist()
    )
    assert not kept.duplicated().any()


def test_the_worth_of_index_points_agrees_with_simulated_purchases():
    """The closed form against counting: the same people, bought a year ahead with and without the lift."""
    rng = np.random.default_rng(3)
    rate, chance_out = rng.gamma(1.0, 1 / 6.0, 400_000), rng.beta(0.8, 4.2, 400_000)
    lifted = purchases.behaviour_after(rate, chance_out, 0.3)
    assert purchases.behaviour_after(rate, chance_out, 0.0)[0] == pytest.approx(rate)
    assert (lifted[0] >= rate).all() and (lifted[1] <= chance_out).all()
    for r, p in ((rate, chance_out), lifted):
        bought = np.minimum(rng.poisson(r * 52), rng.geometric(np.maximum(p, 1e-9)))
        assert bought.mean() == pytest.approx((-np.expm1(-r * p * 52) / p).mean(), rel=0.01)


def test_only_what_raises_satisfaction_brings_revenue(shipped):
    worth = shipped.truth["driver_values"].set_index("driver")["revenue_gain"]
    assert worth["satisfaction"] > worth["quality"] > worth["value"] > 0
    assert worth["complaints"] == worth["loyalty"] == 0


def test_lines_add_up_to_their_order(large):
    lines = large.tables["order_lines"].groupby("order_id")["amount"].sum().round(2)
    assert np.array_equal(lines.to_numpy(), large.tables["orders"]["amount"].to_numpy())
    assert (large.tables["order_lines"]["amount"] > 0).all()
    assert not large.tables["order_lines"].duplicated(["order_id", "product_line"]).any()


def test_interventions_start_in_july_2025_and_surveys_ask_only_those_already_won(shipped):
    tables = shipped.tables
    assert tables["contacts"]["date"].min() >= par.INTERVENTION
    assert tables["event_log"]["at"].min() >= par.INTERVENTION
    assert tables["customer_care"]["assigned_on"].min() >= par.INTERVENTION
    won = tables["consumers"].set_index("customer_id")["acquired_on"]
    for name in ("satisfaction_survey", "service_quality_survey", "kano_survey", "offer_choices"):
        assert (won.loc[tables[name]["customer_id"]] < par.SURVEY).all(), name


def test_the_randomised_care_calls_bring_people_back(shipped):
    orders, trial = shipped.tables["orders"], shipped.tables["customer_care"]
    after = orders[orders["order_date"].between("2025-09-08", "2025-11-06")]
    back = trial["customer_id"].isin(after["customer_id"])
    assert z_two_shares(back[trial["care_calls"] > 0], back[trial["care_calls"] == 0]) > 3


def test_recovery_brings_back_those_who_complained(large):
    complaints = large.tables["contacts"].query("reason == 'complaint'")
    complaints = complaints[complaints["date"] < "2026-03-01"]
    later = complaints.merge(large.tables["orders"], on="customer_id")
    gap = (later["order_date"] - later["date"]).dt.days
    returned = complaints["contact_id"].isin(later.loc[gap.between(1, 120), "contact_id"])
    recovered = complaints["recovered"] == 1
    assert z_two_shares(returned[recovered], returned[~recovered]) > 10
    left = large.truth["incidents"].query("response == 'voice'").groupby("recovered")["left"].mean()
    assert left.tolist() == pytest.approx(
        [P["incident", "leave_unrecovered"], P["incident", "leave_recovered"]], abs=0.05
    )


def test_leaving_is_the_day_of_the_last_order(large):
    gone = large.truth["consumers"].set_index("customer_id")["dropped_out_on"].dropna()
    last = large.tables["orders"].groupby("customer_id")["order_date"].max()
    assert (last.loc[gone.index] == gone).all()
    angry = large.truth["incidents"].query("left == 1")["customer_id"]
    assert angry.isin(gone.index).all()


def test_some_big_buyers_lose_money(large):
    lines = large.tables["order_lines"].merge(large.tables["orders"][["order_id", "customer_id", "channel"]])
    lines = lines.merge(large.tables["product_lines"]).merge(large.tables["order_channels"], on="channel")
    lines["margin"] = np.where(
        lines["returned"] == 1, -lines["cost_per_return"], lines["amount"] * lines["margin_rate"]
    )
    by_customer = lines.groupby("customer_id").agg(revenue=("amount", "sum"), margin=("margin", "sum"))
    served = large.tables["orders"].merge(large.tables["order_channels"], on="channel")
    profit = by_customer["margin"] - served.groupby("customer_id")["cost_per_order"].sum()
    big = by_customer["revenue"] >= by_customer["revenue"].quantile(0.9)
    assert 0.02 < (profit[big] < 0).mean() < 0.10


def test_observed_loadings_come_back(complete):
    scores, items = complete
    for row in surveys.loadings().itertuples():
        found = np.corrcoef(scores[row.construct], items[row.item])[0, 1]
        assert found == pytest.approx(row.loading_observed, abs=0.006), row.item


def test_nobody_buys_after_leaving_over_an_incident(large):
    gone = large.truth["incidents"].query("left == 1").set_index("customer_id")["date"]
    orders = large.tables["orders"]
    orders = orders[orders["customer_id"].isin(gone.index)]
    assert (orders["order_date"] <= orders["customer_id"].map(gone)).all()


def test_satisfied_customers_speak_well(large):
    told = large.tables["referrals"].merge(large.truth["consumers"])
    assert (
        told.loc[told["tone"] == "positive", "satisfaction"].mean() > 0.3 > -0.3
        > told.loc[told["tone"] == "negative", "satisfaction"].mean()
    )  # fmt: skip
    came = told.dropna(subset="referred_customer_id")
    source = large.tables["consumers"].set_index("customer_id")["acquisition_channel"]
    assert (source.loc[came["referred_customer_id"]] == "referral").all()
    won = large.tables["consumers"].set_index("customer_id")["acquired_on"]
    assert (came["customer_id"].map(won) <= came["referred_customer_id"].map(won)).all()


# -- surveys --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def complete():
    """100,000 complete answers with the scores behind them."""
    scores = core.structural(core.generator(90211, "index_latents"), 100_000, par.STRUCTURAL, par.CONSTRUCTS)
    return scores, surveys.answers(90211, scores)


def test_structural_paths_come_back_from_true_scores(complete):
    scores, _ = complete
    assert scores.var().to_numpy() == pytest.approx(1, abs=0.02)
    for name in par.CONSTRUCTS[1:]:
        parents = [p for p, child in par.STRUCTURAL if child == name]
        found = np.linalg.lstsq(scores[parents].to_numpy(), scores[name].to_numpy(), rcond=None)[0]
        assert found == pytest.approx([par.STRUCTURAL[p, name] for p in parents], abs=0.015), name


def test_loadings_come_back_from_answers(complete):
    """One-factor triads: loading_i^2 = r_ij r_ik / r_jk, with the method factor in every correlation."""
    _, items = complete
    for construct, (loadings, _) in par.ITEMS.items():
        if len(loadings) < 3:
            continue
        r = items[[f"{construct}_{k}" for k in range(1, len(loadings) + 1)]].corr().to_numpy()
        for i, loading in enumerate(loadings):
            j, k = (n for n in range(3 if i < 3 else i) if n != i) if i < 3 else (0, 1)
            assert np.sqrt(r[i, j] * r[i, k] / r[j, k]) == pytest.approx(loading, abs=0.03), (construct, i)


def test_pls_converges_to_pls_population_and_not_to_structural(complete):
    _, items = complete
    blocks = {c: [f"{c}_{k}" for k in range(1, len(x) + 1)] for c, (x, _) in par.ITEMS.items()}
    found = (
        PLSPathModel(items, blocks=blocks, paths=list(par.STRUCTURAL), scheme="path").fit().path_coefficients
    )
    for arrow, value in par.PLS_POPULATION.items():
        assert found.loc[arrow] == pytest.approx(value, abs=0.012), arrow
    assert found.loc["quality", "value"] < par.STRUCTURAL["quality", "value"] - 0.03


def test_the_parameter_table_holds_both_sets_of_paths(shipped):
    table = shipped.truth["parameters"]
    assert not table.duplicated(["process", "parameter"]).any()
    for name in ("structural", "pls_population"):
        assert set(table.loc[table["process"] == name, "parameter"]) == {
            f"{a}->{b}" for a, b in par.STRUCTURAL
        }


def test_three_per_cent_of_answers_are_missing_and_the_satisfied_answer_more(large):
    survey = large.tables["satisfaction_survey"]
    items = survey[[c for c in survey if c.rsplit("_", 1)[-1].isdigit()]]
    assert items.shape[1] == 26
    assert items.isna().to_numpy().mean() == pytest.approx(0.03, abs=0.003)
    scores = large.truth["consumers"].set_index("customer_id")["satisfaction"]
    assert scores.loc[survey["customer_id"]].mean() > scores.mean() + 0.1


def test_falling_short_hurts_more_than_exceeding_pleases(large):
    truth = large.truth["service_quality"].merge(large.tables["service_quality_survey"])
    design = np.column_stack(
        [np.ones(len(truth)), truth["expected"] - 5.5, truth["gap"].clip(upper=0), truth["gap"].clip(lower=0)]
    )
    inside = truth["visit_satisfaction"].between(2, 9.5)
    found = np.linalg.lstsq(design[inside], truth.loc[inside, "visit_satisfaction"], rcond=None)[0]
    true = [P["disconfirmation", k] for k in ("base", "expectation", "negative", "positive")]
    assert found == pytest.approx(true, abs=0.12)


def test_kano_answers_carry_the_category_but_for_slips(large):
    both = large.tables["kano_survey"].merge(large.truth["kano_categories"])
    must = both.query("category == 'must-be'")
    hit = (must["dysfunctional"] == "dislike") & must["functional"].isin(["must-be", "neutral", "live-with"])
    assert hit.mean() == pytest.approx(1 - par.KANO_ERROR, abs=0.04)
    shares = large.truth["kano_categories"].groupby("feature")["category"].value_counts(normalize=True)
    assert shares["pesticide_test_report", "must-be"] == pytest.approx(0.60, abs=0.03)


def test_tracker_has_one_real_shift_and_one_small_sample(shipped):
    tracker = shipped.tables["satisfaction_tracker"]
    alarm = int(P["tracker", "false_alarm_quarter"]) - 1
    shift = int(P["tracker", "shift_quarter"]) - 1
    assert len(tracker) == 20
    assert tracker.loc[alarm, "respondents"] < 50 < tracker.drop(index=alarm)["respondents"].min()
    before, after = tracker.iloc[:shift].drop(index=alarm)["mean_index"], tracker.iloc[shift:]["mean_index"]
    assert after.mean() - before.mean() == pytest.approx(4.0, abs=1.0)
    # startling beside its neighbours, ordinary for its sample size
    distance = (tracker.loc[alarm, "mean_index"] - before.mean()) / (18 / np.sqrt(tracker["respondents"]))
    assert distance[alarm] > -3 and distance.drop(index=alarm).median() < -3
    assert (tracker[["promoters", "passives", "detractors"]].sum(axis=1) == tracker["respondents"]).all()


def test_offer_choices_follow_benefit_and_price(large):
    data = large.tables["offer_choices"].merge(large.tables["competing_offers"][["offer", "price"]])
    data = data.sort_values(["customer_id", "offer"])
    x = data[["benefit", "price"]].to_numpy().reshape(-1, len(par.OFFERS), 2)
    chosen = data["chosen"].to_numpy().reshape(-1, len(par.OFFERS))
    assert (chosen.sum(axis=1) == 1).all()

    def loss(beta):
        u = x @ beta
        return -(u[chosen == 1] - np.log(np.exp(u).sum(axis=1))).mean()

    found = minimize(loss, [0.1, -0.01]).x
    assert found == pytest.approx([P["offer_choice", "benefit"], P["offer_choice", "price"]], rel=0.06)


# -- accounts -------------------------------------------------------------------------------------


def test_matrices_are_stochastic_and_skip_no_stage():
    for group in par.TRUST_GROUPS:
        for care in (False, True):
            matrix = acc.transition_matrix(group, care)
            assert matrix.sum(axis=1) == pytest.approx(1)
            assert (matrix >= 0).all() and matrix[4, 4] == 1
            assert matrix[0, 2] == matrix[3, 2] == 0  # nobody reaches stability but through formation
            assert (matrix[:4, 4][:3] == 0).all()  # decline comes before loss


@pytest.mark.parametrize("group", par.TRUST_GROUPS)
def test_each_trust_group_moves_by_its_matrix(moves, group):
    own = moves[(moves["trust_group"] == group) & (moves["month"] < "2025-06-01")]
    seen = pd.crosstab(own["stage"], own["next_stage"])
    true = pd.DataFrame(acc.transition_matrix(group), [*par.STAGES, "lost"], [*par.STAGES, "lost"])
    for stage in par.STAGES:
        n = seen.loc[stage].sum()
        for target in true.columns:
            p = true.loc[stage, target]
            found = seen.loc[stage].get(target, 0) / n
            assert abs(found - p) <= 4 * np.sqrt(p * (1 - p) / n), (stage, target)


def test_one_chain_for_all_converges_to_the_stated_mixture(moves, large):
    past = moves[moves["month"] < "2025-06-01"]
    seen = pd.crosstab(past["stage"], past["next_stage"], normalize="index")
    true = large.truth["transition_matrices"].query("trust_group == 'all'")
    true = true.set_index(["from_stage", "to_stage"])["probability"].unstack()
    assert np.abs(seen.reindex_like(true).fillna(0) - true).to_numpy().max() < 0.006


def test_trust_protects_from_decline(moves):
    stable = moves[(moves["stage"] == "stability") & (moves["month"] < "2025-06-01")]
    slipped = (stable["next_stage"] == "decline").groupby(stable["trust_group"]).mean()
    assert slipped["low"] > 1.5 * slipped["mid"] > 2 * slipped["high"]


@pytest.mark.parametrize(
    ("stage", "move", "target"),
    [
        ("stability", "decline", "decline"),
        ("formation", "decline", "decline"),
        ("formation", "climb", "stability"),
        ("exploration", "decline", "decline"),
        ("decline", "climb", "formation"),
        ("decline", "lost", "lost"),
    ],
)
def test_care_changes_the_moves_by_the_stated_factor(stage, move, target):
    """The factor is exact within a trust group; checked on matrices and on a million simulated moves."""
    rng = np.random.default_rng(1)
    for group in par.TRUST_GROUPS:
        i, j = par.STAGES.index(stage), [*par.STAGES, "lost"].index(target)
        plain, care = acc.transition_matrix(group), acc.transition_matrix(group, care=True)
        assert care[i, j] == pytest.approx(plain[i, j] * par.CARE_EFFECTS[stage][move])
        drawn = core.pick(rng, np.tile(care[i], (100_000, 1)))
        assert (drawn == j).mean() == pytest.approx(care[i, j], abs=0.004)


def test_the_care_wave_is_randomised_and_its_effect_shows(shipped, moves):
    wave = moves[moves["arm"].notna() & (moves["month"] >= "2025-07-01")]
    stable = wave[wave["stage"] == "stability"]
    slipped = (stable["next_stage"] == "decline").groupby(stable["arm"]).mean()
    assert slipped["care"] / slipped["control"] == pytest.approx(0.20, abs=0.06)
    # before the wave the arms are alike
    earlier = moves[moves["arm"].notna() & (moves["month"] == "2025-06-01")]
    assert abs(z_two_shares(*((g["stage"] == "stability") for _, g in earlier.groupby("arm")))) < 3
    # on the shipped cohort the main effect is plain to see: fewer accounts slip into decline
    stages = shipped.truth["account_stages"]
    start = stages[stages["month"] == par.INTERVENTION].set_index("account_id")["stage"]
    arms = shipped.tables["care_wave"]
    arms = arms[arms["account_id"].map(start) != "decline"]
    later = stages[(stages["month"] > par.INTERVENTION) & (stages["stage"] == "decline")]
    slipped = arms["account_id"].isin(later["account_id"])
    assert z_two_shares(slipped[arms["arm"] == "control"], slipped[arms["arm"] == "care"]) > 3


def test_lost_accounts_are_replaced_at_once(shipped):
    months = shipped.tables["account_months"].groupby("month")["account_id"].nunique()
    assert (months == 240).all()
    accounts = shipped.tables["accounts"].set_index("account_id")
    followed = accounts.dropna(subset="predecessor_id")
    assert (accounts["lost_on"].loc[followed["predecessor_id"]].to_numpy() == followed["started_on"]).all()
    assert accounts["lost_on"].notna().sum() == len(followed)


def test_account_managers_are_mostly_right(large):
    seen = large.tables["account_reviews"].merge(
        large.truth["account_stages"], on=["account_id", "month"], suffixes=("_label", "_true")
    )
    right = (seen["stage_label"] == seen["stage_true"]).groupby(seen["stage_true"]).mean()
    for k, stage in enumerate(par.STAGES):
        assert right[stage] == pytest.approx(par.LABEL_ERRORS[k][k], abs=0.015)


def test_commitment_and_trust_follow_their_paths(large):
    scores = large.truth["accounts"]
    first = scores[scores["account_id"] <= 12_000]  # newcomers replace the low-trust ones more often
    for name in ("trust", "commitment"):
        parents = [p for p, child in par.TRUST_PATHS if child == name]
        x = np.column_stack([np.ones(len(first)), first[parents]])
        found = np.linalg.lstsq(x, first[name].to_numpy(), rcond=None)[0][1:]
        assert found == pytest.approx([par.TRUST_PATHS[p, name] for p in parents], abs=0.06), name
