"""Business accounts: stages move by their matrices, care has its effect, the ledger shows the stage through noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, near_mean, near_sd, near_share, near_shares
from scipy.special import ndtri

from crmlab.simulate import accounts as acc
from crmlab.simulate import core
from crmlab.simulate import parameters as par
from crmlab.simulate.parameters import P

STATES = [*par.STAGES, "lost"]
PLACES = 12_000


def near_matrix(moves: pd.DataFrame, matrix: np.ndarray, what: object = "") -> None:
    """Assert that moves follow a monthly matrix up to chance, row by row."""
    for k, stage in enumerate(par.STAGES):
        own = moves.loc[moves["stage"] == stage, "next_stage"]
        near_shares(own, dict(zip(STATES, matrix[k], strict=True)), (what, stage))


@pytest.fixture(scope="module")
def ledger(large):
    """Months with the true stage, and whether care was at work."""
    out = large.tables["account_months"].merge(large.truth["account_stages"], on=["account_id", "month"])
    arm = out["account_id"].map(large.tables["care_wave"].set_index("account_id")["arm"])
    return out.assign(care=(arm == "care") & (out["month"] >= par.INTERVENTION))


# -- stages ---------------------------------------------------------------------------------------


def test_matrices_are_stochastic_and_skip_no_stage():
    for group in par.TRUST_GROUPS:
        for care in (False, True):
            matrix = acc.transition_matrix(group, care)
            assert matrix.sum(axis=1) == pytest.approx(1)
            assert (matrix >= 0).all()
            assert matrix[4].tolist() == [0, 0, 0, 0, 1]
            assert matrix[0, 2] == matrix[3, 2] == 0  # nobody reaches stability but through formation
            assert (matrix[:3, 4] == 0).all()  # decline comes before loss


@pytest.mark.parametrize("group", par.TRUST_GROUPS)
def test_each_trust_group_moves_by_its_matrix(moves, group):
    own = moves[(moves["trust_group"] == group) & (moves["month"] < par.INTERVENTION)]
    near_matrix(own, acc.transition_matrix(group), group)


@pytest.mark.parametrize("group", par.TRUST_GROUPS)
def test_care_changes_the_moves_of_those_who_get_it_from_july_2025(moves, group):
    own = moves[(moves["trust_group"] == group) & (moves["month"] >= par.INTERVENTION)]
    near_matrix(own[own["arm"] == "care"], acc.transition_matrix(group, care=True), "care")
    near_matrix(own[own["arm"] != "care"], acc.transition_matrix(group), "control or newcomer")


def test_a_newcomer_in_a_cared_for_place_gets_no_care(moves, large):
    wave = large.tables["care_wave"].set_index("account_id")["arm"]
    accounts = large.tables["accounts"].set_index("account_id")
    after = accounts[accounts["predecessor_id"].map(wave).eq("care") & ~accounts.index.isin(wave.index)]
    own = moves[moves["account_id"].isin(after.index)]
    matrices = {group: acc.transition_matrix(group) for group in par.TRUST_GROUPS}
    stated = [
        matrices[group][par.STAGES.index(stage), par.STAGES.index("decline")]
        for group, stage in zip(own["trust_group"], own["stage"], strict=True)
    ]
    slips = own["stage"] != "decline"
    near_mean((own["next_stage"] == "decline")[slips], np.array(stated)[slips])


@pytest.mark.parametrize("group", par.TRUST_GROUPS)
def test_care_multiplies_climbing_slipping_and_losing(group):
    plain = acc.transition_matrix(group)
    care = acc.transition_matrix(group, care=True)
    up = {"exploration": "formation", "formation": "stability", "decline": "formation"}
    for i, stage in enumerate(par.STAGES):
        effect = par.CARE_EFFECTS[stage]
        for j, target in enumerate(STATES):
            if target == stage:
                continue
            factor = 1.0
            if target == up.get(stage):
                factor = effect["climb"]
            elif target == "decline":
                factor = effect["decline"]
            elif target == "lost":
                factor = effect["lost"]
            assert care[i, j] == pytest.approx(factor * plain[i, j]), (stage, target)
        assert care[i, i] >= plain[i, i] or effect["climb"] > 1


def test_trust_protects_from_decline(moves):
    stable = moves[(moves["stage"] == "stability") & (moves["month"] < par.INTERVENTION)]
    slipped = (stable["next_stage"] == "decline").groupby(stable["trust_group"]).mean()
    assert slipped["low"] > 1.5 * slipped["mid"] > 2 * slipped["high"]


def test_the_steady_mix_is_a_fixed_point_of_moving_and_replacing():
    mix = acc.steady_mix()
    assert mix.sum() == pytest.approx(1)
    after = np.array([m @ acc.transition_matrix(g)[:4] for m, g in zip(mix, par.TRUST_GROUPS, strict=True)])
    back = after[:, :4].copy()
    back[:, 0] += after[:, 4].sum() / 3  # the lost are replaced by newcomers of each group alike
    assert back == pytest.approx(mix)


@pytest.mark.parametrize("month", ["2022-07-01", "2024-01-01", "2025-07-01"])
def test_the_first_month_and_every_other_look_alike(large, month):
    now = large.truth["account_stages"].merge(large.truth["accounts"][["account_id", "trust_group"]])
    now = now[(now["month"] == month) & (now["stage"] != "lost")]
    assert len(now) == PLACES
    cell = now["trust_group"] + " " + now["stage"]
    mix = acc.steady_mix()
    stated = {
        f"{group} {stage}": mix[g, s]
        for g, group in enumerate(par.TRUST_GROUPS)
        for s, stage in enumerate(par.STAGES)
    }
    near_shares(cell, stated, month)


def test_one_chain_for_all_converges_to_the_stated_mixture(moves, large):
    past = moves[moves["month"] < par.INTERVENTION]
    seen = pd.crosstab(past["stage"], past["next_stage"], normalize="index")
    true = large.truth["transition_matrices"].query("trust_group == 'all'")
    true = true.set_index(["from_stage", "to_stage"])["probability"].unstack()
    assert np.abs(seen.reindex_like(true).fillna(0) - true).to_numpy().max() < 0.004


def test_truth_holds_each_matrix_with_and_without_care(large):
    truth = large.truth["transition_matrices"]
    assert len(truth) == 7 * 4 * 5
    for group in par.TRUST_GROUPS:
        for care, name in ((False, "none"), (True, "care")):
            own = truth[(truth["trust_group"] == group) & (truth["care"] == name)]
            own = own.set_index(["from_stage", "to_stage"])["probability"].unstack()
            found = own.loc[list(par.STAGES), STATES].to_numpy()
            assert found == pytest.approx(acc.transition_matrix(group, care)[:4], abs=1e-6)


def test_lost_accounts_are_replaced_at_once_by_a_new_one_in_exploration(large):
    months = large.tables["account_months"].groupby("month")["account_id"].nunique()
    assert (months == PLACES).all()
    assert len(months) == 48
    accounts = large.tables["accounts"].set_index("account_id")
    followed = accounts.dropna(subset="predecessor_id")
    assert (accounts["lost_on"].loc[followed["predecessor_id"]].to_numpy() == followed["started_on"]).all()
    assert accounts["lost_on"].notna().sum() == len(followed)
    first = large.truth["account_stages"].drop_duplicates("account_id").set_index("account_id")
    assert (first.loc[followed.index, "stage"] == "exploration").all()
    assert (first.loc[followed.index, "month"] == followed["started_on"]).all()
    group = large.truth["accounts"].set_index("account_id").loc[followed.index, "trust_group"]
    near_shares(group, dict.fromkeys(par.TRUST_GROUPS, 1 / 3))


def test_an_account_is_lost_in_the_month_after_its_last(large):
    lost = large.tables["accounts"].dropna(subset="lost_on").set_index("account_id")["lost_on"]
    last = large.tables["account_months"].groupby("account_id")["month"].max()
    assert (last.loc[lost.index] + pd.offsets.MonthBegin() == lost).all()
    assert (last.drop(lost.index) == "2026-06-01").all()
    stage = large.truth["account_stages"]
    found = stage[stage["stage"] == "lost"].set_index("account_id")["month"]
    assert found.sort_index().equals(lost.sort_index().rename("month"))


def test_the_first_accounts_began_before_the_history_by_stage(large):
    accounts = large.tables["accounts"].set_index("account_id").iloc[:PLACES]
    assert accounts["predecessor_id"].isna().all()
    assert accounts["started_on"].max() == pd.Timestamp("2022-06-01")
    assert (accounts["started_on"].dt.day == 1).all()
    age = (2022 - accounts["started_on"].dt.year) * 12 + 7 - accounts["started_on"].dt.month
    first = large.truth["account_stages"].drop_duplicates("account_id").set_index("account_id")["stage"]
    for stage, rate in zip(par.STAGES, (0.25, 0.10, 0.04, 0.06), strict=True):
        own = age[first.loc[age.index] == stage]
        near_mean(own, 1 / rate, stage)
        near_share(own == 1, rate, stage)


# -- who the accounts are -------------------------------------------------------------------------


def test_accounts_have_a_kind_and_a_city(large):
    accounts = large.tables["accounts"]
    near_shares(accounts["kind"], {"hotel": 0.22, "restaurant": 0.36, "cafe": 0.28, "office": 0.14})
    near_shares(accounts["city"], dict(par.CITIES[["city", "share"]].to_numpy()))
    assert accounts["account_id"].tolist() == list(range(1, len(accounts) + 1))


@pytest.fixture(scope="module")
def scores():
    """Latent scores of 60,000 accounts, each trust group alike."""
    return acc.latents(1, pd.DataFrame({"account": np.arange(60_000), "group": np.arange(60_000) % 3}))


def test_trust_groups_are_terciles_of_trust(scores):
    edges = ndtri([1 / 3, 2 / 3])
    group = np.digitize(scores["trust"], edges)
    assert (np.array(par.TRUST_GROUPS)[group] == scores["trust_group"]).all()
    near_mean(scores["trust"], 0)
    near_sd(scores["trust"], 1)


def test_commitment_and_trust_follow_their_paths(scores):
    names = [c for c in scores.columns if c not in ("account_id", "trust_group")]
    order = [*(n for n in names if n not in ("trust", "commitment")), "trust", "commitment"]
    implied = core.correlations(par.TRUST_PATHS, tuple(order))
    assert np.abs(scores[order].cov() - implied).to_numpy().max() < 0.02
    for name in ("trust", "commitment"):
        parents = [cause for cause, effect in par.TRUST_PATHS if effect == name]
        fit = sm.OLS(scores[name], scores[parents]).fit()
        for cause in parents:
            assert fit.params[cause] == pytest.approx(par.TRUST_PATHS[cause, name], abs=0.015), (cause, name)
    assert len(names) == 7


# -- the ledger -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", par.STAGES)
def test_months_show_the_stage_through_noise(ledger, stage):
    own = ledger[ledger["stage"] == stage]
    stated = par.MONTH_FEATURES.loc[stage]
    for column in ("orders", "complaints"):
        near_mean(own[column], stated[column], column)
        near_share(own[column] == 0, np.exp(-stated[column]), column)
    for care in (False, True):
        near_mean(own.loc[own["care"] == care, "visits"], stated["visits"] + 2 * care, ("visits", care))
    hours = np.log(own["response_hours"].clip(lower=0.05))
    near_mean(hours, np.log(stated["response_hours"]))
    assert hours.std() == pytest.approx(stated["noise"], rel=0.02)
    ordering = own[own["orders"] > 0]
    rate = ordering["margin"] / ordering["revenue"]
    near_mean(rate, stated["margin_rate"])
    assert rate.std() == pytest.approx(0.05, rel=0.02)


def test_volumes_are_orders_times_the_accounts_own_size(ledger):
    some = ledger[ledger["orders"] > 0]
    per_order = np.log(some["volume_kg"] / some["orders"]) - np.log(
        some["stage"].map(par.MONTH_FEATURES["kg_per_order"])
    )
    by_account = per_order.groupby(some["account_id"]).agg(["mean", "var", "size"])
    many = by_account[by_account["size"] >= 24]
    assert np.sqrt(many["var"].mean()) == pytest.approx(0.25, rel=0.03)
    own = np.sqrt(many["mean"].var() - (0.25**2 / many["size"]).mean())
    assert own == pytest.approx(0.35, rel=0.03)
    assert many["mean"].mean() == pytest.approx(0, abs=0.02)
    assert (ledger.loc[ledger["orders"] == 0, ["volume_kg", "revenue", "margin"]] == 0).all(axis=None)


def test_tea_has_its_price(ledger):
    much = ledger[ledger["volume_kg"] > 5]
    price = np.log(much["revenue"] / much["volume_kg"] / par.PRICE_PER_KG)
    near_mean(price, 0)
    assert price.std() == pytest.approx(0.05, rel=0.02)


def test_account_managers_label_by_the_stated_errors(large):
    reviews = large.tables["account_reviews"]
    seen = reviews.merge(
        large.truth["account_stages"], on=["account_id", "month"], suffixes=("_label", "_true")
    )
    assert len(seen) == len(reviews)
    for k, stage in enumerate(par.STAGES):
        labels = seen.loc[seen["stage_true"] == stage, "stage_label"]
        near_shares(labels, dict(zip(par.STAGES, par.LABEL_ERRORS[k], strict=True)), stage)


def test_a_sample_of_accounts_is_reviewed_every_quarter(large):
    reviews = large.tables["account_reviews"]
    assert set(reviews["month"].dt.month) == {3, 6, 9, 12}
    at_end = large.tables["account_months"].query("month.dt.month % 3 == 0")
    could = at_end["account_id"].unique()
    near_share(np.isin(could, reviews["account_id"]), 0.6)
    always = at_end[at_end["account_id"].isin(reviews["account_id"])]
    assert len(always) == len(reviews)  # whoever is in the sample is reviewed each quarter
    assert reviews["review_id"].tolist() == list(range(1, len(reviews) + 1))
    assert reviews["month"].is_monotonic_increasing


# -- the care wave --------------------------------------------------------------------------------


def test_the_wave_takes_every_other_account_of_each_stage(large):
    wave = large.tables["care_wave"]
    stages = large.truth["account_stages"]
    july = stages[(stages["month"] == par.INTERVENTION) & (stages["stage"] != "lost")]
    assert wave["account_id"].tolist() == sorted(july["account_id"])
    arms = wave.merge(july)
    counts = pd.crosstab(arms["stage"], arms["arm"])
    assert (counts["care"] - counts["control"]).abs().max() <= 1
    trust = arms.merge(large.truth["accounts"]).groupby("arm")["trust"].agg(["mean", "var", "size"])
    gap = trust["mean"].diff().iloc[1]
    assert abs(gap) < ERRORS * np.sqrt((trust["var"] / trust["size"]).sum())
    paid = P["care_wave", "cost_per_month"]
    assert (wave["cost_per_month"] == (wave["arm"] == "care") * paid).all()


def test_satisfaction_under_care_rises_as_stated(large):
    wave = large.tables["care_wave"].merge(large.truth["accounts"])
    wave = wave.merge(large.truth["account_stages"].query("month == @par.INTERVENTION"))
    inner = wave[wave["satisfaction_before"].between(2.2, 4.6)]
    for arm, name in (("care", "satisfaction_care"), ("control", "satisfaction_drift")):
        own = inner[inner["arm"] == arm].dropna(subset="satisfaction_after")
        gain = own["satisfaction_after"] - own["satisfaction_before"]
        near_mean(gain, P["care_wave", name], arm)
        assert gain.std() == pytest.approx(0.6, rel=0.04)
    for stage, mood in zip(par.STAGES, (4.4, 4.9, 5.5, 3.6), strict=True):
        own = wave[(wave["stage"] == stage) & (wave["trust"].abs() < 1)]
        left = own["satisfaction_before"] - mood - 0.35 * own["trust"]
        near_mean(left, 0, stage)
        assert left.std() == pytest.approx(0.5, rel=0.05)


def test_those_who_left_have_no_satisfaction_a_year_later(large):
    wave = large.tables["care_wave"].merge(large.tables["accounts"], on="account_id")
    assert (wave["satisfaction_after"].isna() == wave["lost_on"].notna()).all()
    asked = wave[["satisfaction_before", "satisfaction_after"]].stack().dropna()
    assert asked.between(1, 7).all()


def test_care_keeps_accounts_from_declining_in_the_shipped_cohort(shipped):
    stages = shipped.truth["account_stages"]
    start = stages[stages["month"] == par.INTERVENTION].set_index("account_id")["stage"]
    wave = shipped.tables["care_wave"]
    wave = wave[wave["account_id"].map(start) != "decline"]
    later = stages[(stages["month"] > par.INTERVENTION) & (stages["stage"] == "decline")]
    slipped = wave["account_id"].isin(later["account_id"]).groupby(wave["arm"]).agg(["mean", "size"])
    gap = slipped["mean"]["control"] - slipped["mean"]["care"]
    assert gap > 3 * np.sqrt((slipped["mean"] * (1 - slipped["mean"]) / slipped["size"]).sum())
