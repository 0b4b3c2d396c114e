"""Trials with business accounts and the rival: lots fall independently, effects are the stated ones, truth has meaning."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, near_fit, near_mean, near_sd, near_share, near_shares, no_tie
from scipy.special import expit, logit
from scipy.stats import chi2_contingency
from worlds import PLACES

from crmlab.simulate import core
from crmlab.simulate.dates import INTERVENTION
from crmlab.simulate.processes import account_shares, account_stages, account_values, bonds, care_wave, rival
from crmlab.simulate.processes import accounts as off
from crmlab.simulate.processes import partner_trial as partner
from crmlab.simulate.registry import Setting, run

ROOT = Path(__file__).resolve().parents[2]
DICTIONARY = ROOT / "datasets" / "dictionary"
STUDY = ROOT / "tests" / "studies" / "results" / "world_accounts.csv"
NAMES = (
    "accounts",
    "account_months",
    "account_reviews",
    "care_wave",
    "bonds",
    "bond_trial",
    "partner_trial",
    "rival",
)
TRUTH = (
    "accounts",
    "account_stages",
    "transition_matrices",
    "care_wave",
    "bond_trial",
    "partner_trial",
    "rival",
)
NOBODY = {"care_arms": lambda arms: arms & False, "partner_arms": lambda arms: arms.map(lambda _: "none")}
NOBODY["partner_factors"] = lambda factors: factors * 0 + 1


def business(seed: int, places: int, **changed: object) -> dict:
    """Return all results about accounts; `changed` says what would have been."""
    return run(
        Setting(seed, 50, places), wanted=[*NAMES, *(f"truth:{name}" for name in TRUTH)], changed=changed
    )


@pytest.fixture(scope="module")
def large(everything):
    return everything


@pytest.fixture(scope="module")
def hidden(large):
    """What is hidden about each account of July 2025, with its kind."""
    truth = large["truth:accounts"].merge(large["accounts"][["account_id", "kind"]])
    return truth[truth["account_id"].isin(large["care_wave"]["account_id"])].set_index("account_id")


def stage_of_july(large: dict) -> pd.Series:
    stages = large["truth:account_stages"]
    july = stages[(stages["month"] == INTERVENTION) & (stages["stage"] != "lost")]
    return july.set_index("account_id")["stage"]


def last_stage(large: dict) -> pd.Series:
    stages = large["truth:account_stages"]
    last = stages[(stages["month"] == "2026-06-01") & (stages["stage"] != "lost")]
    return last.set_index("account_id")["stage"]


# -- lots -----------------------------------------------------------------------------------------


def test_arms_are_drawn_independently_of_each_other_and_of_all_that_came_before(large, hidden):
    arm = pd.DataFrame(index=hidden.index)
    for name in ("care_wave", "bond_trial", "partner_trial"):
        arm[name] = large[name].set_index("account_id")["arm"]
    calls = large["rival_calls"].set_index("account")
    arm["called"] = calls.set_axis(calls.index + 1)["month"].ge(0)
    arm["gap"] = calls.set_axis(calls.index + 1)["price_gap"]
    for one, other in combinations(arm, 2):
        assert chi2_contingency(pd.crosstab(arm[one], arm[other])).pvalue > 1e-4, (one, other)
    for name in arm.columns:
        groups = pd.get_dummies(arm[name]).astype(float)
        for column in ("trust", "commitment", "size_factor", "share_of_purchases", "switching_cost"):
            for value in groups:
                in_trial = arm[name].notna()
                no_tie(groups.loc[in_trial, value], hidden.loc[in_trial, column], (name, value, column))


def test_each_arm_gets_as_many(large):
    for name in ("bond_trial", "partner_trial"):
        counts = large[name]["arm"].value_counts()
        assert counts.max() - counts.min() <= 1, name
        assert (large[name]["assigned_on"] == INTERVENTION).all()
    wave = large["care_wave"]
    assert wave["account_id"].tolist() == sorted(stage_of_july(large).index)
    assert wave["arm"].value_counts().tolist() == [PLACES / 2, PLACES / 2]
    assert large["partner_trial"]["account_id"].equals(wave["account_id"])


def test_the_arms_of_the_wave_are_alike_in_what_is_on_file(large):
    wave = large["care_wave"].set_index("account_id")
    months = large["account_months"].query("'2025-04-01' <= month < '2025-07-01'")
    kg = months.groupby("account_id")["volume_kg"].sum().reindex(wave.index, fill_value=0)
    tenth = pd.qcut(kg.rank(method="first"), 20, labels=False) // 2  # fits whatever the layers are
    care = pd.crosstab(tenth, wave["arm"], normalize="index")["care"]
    assert (care - 0.5).abs().max() < 0.025
    chance = kg.std() * np.sqrt(4 / len(kg))  # of the difference of means, if the lot were a plain one
    means = kg.groupby(wave["arm"]).mean()
    assert abs(means["care"] - means["control"]) < chance
    stage = pd.crosstab(stage_of_july(large).loc[wave.index], wave["arm"], normalize="index")["care"]
    assert (stage - 0.5).abs().max() < 0.06  # stages are hidden: alike up to chance


# -- the care wave --------------------------------------------------------------------------------


def test_satisfaction_under_care_rises_as_stated(large, hidden):
    wave = large["care_wave"].assign(
        stage=lambda w: w["account_id"].map(stage_of_july(large)),
        stage_after=lambda w: w["account_id"].map(last_stage(large)),
        trust=hidden["trust"].to_numpy(),
    )
    assert (wave["cost_per_month"] == (wave["arm"] == "care") * 240).all()
    inner = wave[wave["satisfaction_before"].between(2.2, 4.6)]
    for arm, gain in (
        ("care", care_wave.WAVE.satisfaction_care),
        ("control", care_wave.WAVE.satisfaction_drift),
    ):
        own = inner[inner["arm"] == arm].dropna(subset="satisfaction_after")
        change = own["satisfaction_after"] - own["satisfaction_before"]
        moods = [own[stage].map(care_wave.MOOD).astype(float) for stage in ("stage_after", "stage")]
        change -= care_wave.WAVE.change_stage * (moods[0] - moods[1])
        for stage, part in change.groupby(own["stage_after"] == own["stage"]):
            near_mean(part, gain, (arm, stage))
        assert change.std() == pytest.approx(0.6, rel=0.04)
    for stage, mood in care_wave.MOOD.items():
        own = wave[(wave["stage"] == stage) & (wave["trust"].abs() < 1)]
        left = own["satisfaction_before"] - mood - 0.35 * own["trust"]
        near_mean(left, 0, stage)
        assert left.std() == pytest.approx(0.5, rel=0.05)


def test_those_who_left_have_no_satisfaction_a_year_later(large):
    wave = large["care_wave"].merge(large["accounts"], on="account_id")
    assert (wave["satisfaction_after"].isna() == wave["lost_on"].notna()).all()
    asked = wave[["satisfaction_before", "satisfaction_after"]].stack().dropna()
    assert asked.between(1, 7).all()


def margin_of_places(w: dict) -> pd.Series:
    """Return the margin of the year by the account of July 2025 whose place it is, successors included."""
    place = w["accounts"].set_index("account_id")["predecessor_id"]
    place = place.where(place.index > len(w["past_accounts"]))  # came after July 2025
    place = place.fillna(place.index.to_series().astype("Int64"))
    while (further := place.loc[place].to_numpy()).tolist() != place.tolist():
        place = pd.Series(further, index=place.index)
    year = w["account_months"].query("month >= @INTERVENTION")
    return year.groupby(year["account_id"].map(place).astype(int))["margin"].sum()


@pytest.mark.parametrize("care", [False, True])
def test_truth_about_care_is_what_happens_if_all_or_none_get_it(care):
    name = "care" if care else "control"
    forced = {**NOBODY, "care_arms": lambda arms: arms | True if care else arms & False}
    forced["bond_arms"] = lambda arms: arms.assign(bond="none")
    w = business(23, PLACES, **forced)
    truth = w["truth:care_wave"].set_index("account_id")
    margin = w["account_months"].query("month >= @INTERVENTION").groupby("account_id")["margin"].sum()
    margin = margin.loc[truth.index]
    stays = w["accounts"].set_index("account_id").loc[truth.index, "lost_on"].isna()
    months = w["account_months"].query("month >= @INTERVENTION").groupby("account_id").size().loc[truth.index]
    near_mean(margin, truth[f"margin_{name}"])
    near_mean(margin_of_places(w).loc[truth.index], truth[f"place_margin_12_months_{name}"])
    near_mean(stays, truth[f"stays_{name}"])
    near_mean(240.0 * care * months, truth[f"cost_{name}"])
    for stage, own in truth.groupby("stage"):
        near_mean(margin.loc[own.index], own[f"margin_{name}"], stage)
        near_mean(stays.loc[own.index], own[f"stays_{name}"], stage)
    fit = sm.OLS(margin, sm.add_constant(truth[f"margin_{name}"])).fit(cov_type="HC1")
    assert abs(fit.params.iloc[1] - 1) < ERRORS * fit.bse.iloc[1]


def test_three_years_are_the_year_of_care_and_two_without():
    """Margins of three years against 40,000 accounts of low trust that start in formation."""
    rng = core.generator(5, "three years")
    n = 40_000
    july = pd.DataFrame({"group": [0], "stage": [account_stages.FORMATION], "kind": ["hotel"]})
    one = pd.Series([1.0])
    for care in (False, True):
        expected = account_values.expected_margin(july, one, one * 0, care, months=36)[0]
        stage = np.full(n, account_stages.FORMATION)
        margin = np.append(account_values.margin_by_stage().loc["hotel"], 0)
        total = np.zeros(n)
        for month in range(36):
            season = account_values.CALENDAR[36 + month] if month < 12 else 1.0
            total += season * margin[stage]
            stage = core.pick(rng, account_stages.transition_matrix("low", care and month < 12)[stage])
        near_mean(total, expected, care)


@pytest.mark.parametrize("leaving", [0.0, 0.5])
def test_the_place_of_three_years_holds_account_and_successors(leaving):
    """Margins of three years against 40,000 places that start in formation, refilled when they fall empty."""
    rng = core.generator(6, "places")
    n = 40_000
    july = pd.DataFrame({"group": [1], "stage": [account_stages.FORMATION], "kind": ["cafe"]})
    margin = account_values.margin_by_stage().loc[list(off.KINDS)].to_numpy()
    one = pd.Series([1.0])
    for care in (False, True):
        own = account_values.expected_margin(july, one, leaving * one, care, months=36)[0]
        expected = own + account_values.expected_successors(july, leaving * one, care, months=36)[0]
        group, stage = np.full(n, 1), np.full(n, account_stages.FORMATION)
        first, size, total = np.full(n, True), np.ones(n), np.zeros(n)
        kind = np.full(n, off.KINDS.index("cafe"))
        call = np.where(rng.random(n) < rival.RIVAL.reached * leaving, rng.integers(0, 6, n), -1)
        for month in range(36):
            season = account_values.CALENDAR[36 + month] if month < 12 else 1.0
            total += season * size * margin[kind, stage]
            plain, cared = (
                np.array([account_stages.transition_matrix(g, c) for g in account_stages.GROUPS])
                for c in (False, True)
            )
            with_care = first & (care and month < 12)
            stage = core.pick(rng, np.where(with_care[:, None], cared[group, stage], plain[group, stage]))
            lost = (stage == account_stages.LOST) | (first & (call == month))
            group[lost] = rng.integers(0, 3, lost.sum())
            stage[lost] = account_stages.EXPLORATION
            kind[lost] = rng.choice(len(off.KINDS), lost.sum(), p=off.KIND_SHARES)
            size[lost] = off.KIND_SIZES.to_numpy()[kind[lost]] * np.exp(
                rng.normal(0, off.SIZE.size_sd, lost.sum())
            )
            first &= ~lost
        near_mean(total, expected, care)


def test_care_pays_for_the_account_and_not_for_the_place(large):
    """Counting the successor, most of what care saves in three years would have come anyway."""
    truth = large["truth:care_wave"].drop(columns="stage").sum()
    alone, place = (
        truth[f"{name}_care"] - truth[f"{name}_control"] - truth["cost_care"]
        for name in ("margin_3_years", "place_margin_3_years")
    )
    assert alone > 0
    assert place < alone / 2


def test_expected_margins_follow_calendar_and_calls_month_by_month():
    july = pd.DataFrame({"group": [2], "stage": [account_stages.STABILITY], "kind": ["distributor"]})
    one = pd.Series([1.0])
    there = np.eye(5)[account_stages.STABILITY]
    total = 0.0
    for month in range(12):
        margin = there[:4] @ account_values.margin_by_stage().loc["distributor"]
        left = 0.5 * rival.RIVAL.reached * min(month, 6) / 6  # who is called on goes the month after
        total += margin * account_values.CALENDAR[36 + month] * (1 - left)
        there = there @ account_stages.transition_matrix("high")
        found = account_values.expected_margin(july, 2 * one, 0.5 * one, months=month + 1)[0]
        assert found == pytest.approx(2 * total), month


def test_truth_reckons_with_the_bonds_that_managers_gave(large, hidden):
    july = large["july_accounts"].set_index("account")
    given = large["bonds"].query("given_by == 'manager'").set_index("account_id")["bond"]
    own = hidden[hidden.index.isin(given.index)]
    bond = given.loc[own.index]
    expected = account_values.expected_margin(
        july.loc[own.index - 1].assign(kind=own["kind"].to_numpy()),
        (own["size_factor"] * bonds.volume_factor(bond, own["kind"])).reset_index(drop=True),
        pd.Series(rival.leaving_probability(own, bond)),
    )
    truth = large["truth:care_wave"].set_index("account_id").loc[own.index, "margin_control"]
    assert truth.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-3)
    same = large["truth:partner_trial"].query("arm == 'none'").set_index("account_id").loc[own.index]
    assert same["expected_margin"].to_numpy() == pytest.approx(truth.to_numpy(), rel=1e-3)


# -- bonds ----------------------------------------------------------------------------------------


def test_managers_gave_bonds_to_large_and_trusting_accounts(large, hidden):
    given = large["bonds"].query("given_by == 'manager'")
    assert given["since"].max() == pd.Timestamp("2025-06-01")
    years = given["since"].dt.year.value_counts()
    assert 0.75 < years[2023] / years[2022] < 1.6  # no wave when the records begin
    assert 0.75 < years[2024] / years[2023] < 1.6
    near_shares(given["bond"], bonds.CHOICE.to_dict())
    has = hidden.index.isin(given["account_id"])
    assert 0.12 < has.mean() < 0.28
    logit = sm.Logit(
        has.astype(float),
        sm.add_constant(pd.DataFrame({"size": np.log(hidden["size_factor"]), "trust": hidden["trust"]})),
    ).fit(disp=0)
    assert logit.tvalues["size"] > 5 < logit.tvalues["trust"]
    share = large["partner_trial"].set_index("account_id")["share_before"]
    factor = bonds.volume_factor(
        given.set_index("account_id")["bond"].reindex(hidden.index).fillna("none"), hidden["kind"]
    )
    naive = share[has].mean() - share[~has].mean()
    true = (share - share / factor)[has].mean()
    assert naive > 1.4 * true > 0  # confounded on purpose


def test_bonds_of_managers_follow_their_logit(large):
    past = large["past_accounts"].assign(**large["past_latents"], size=large["past_profiles"]["size_factor"])
    lost = large["accounts"].set_index("account_id")["lost_on"]
    lost = lost.reindex(past["account"] + 1).to_numpy()
    until = np.where(pd.isna(lost) | (lost > INTERVENTION), INTERVENTION, lost)
    first = past["start"]
    sure = (off.month_start((first + bonds.MANAGERS.latest).to_numpy()) < until) & (first < 12)
    own = past[sure]  # accounts that were there in every month in which a manager may have thought of a bond
    given = own["account"].isin(large["manager_bonds"]["account"]).astype(float)
    x = sm.add_constant(pd.DataFrame({"size": np.log(own["size"]), "trust": own["trust"]}))
    fit = sm.Logit(given, x).fit(disp=0)
    near_fit(fit, const=bonds.MANAGERS.intercept, size=bonds.MANAGERS.size, trust=bonds.MANAGERS.trust)


def test_the_lot_gives_bonds_to_those_without(large):
    trial = large["bond_trial"]
    table = large["bonds"]
    assert table["account_id"].is_unique
    managers = table.query("given_by == 'manager'")
    assert not trial["account_id"].isin(managers["account_id"]).any()
    assert set(trial["account_id"]) | set(managers["account_id"]) >= set(large["care_wave"]["account_id"])
    by_lot = table.query("given_by == 'lot'")
    assert (by_lot["since"] == INTERVENTION).all()
    bound = trial[trial["arm"] != "none"].merge(by_lot, on="account_id")
    assert len(bound) == (trial["arm"] != "none").sum() == len(by_lot)
    assert (bound["arm"] == bound["bond"]).all()
    assert (bound["cost_per_month_x"] == bound["cost_per_month_y"]).all()
    assert (trial.loc[trial["arm"] == "none", "cost_per_month"] == 0).all()
    rebate = trial[trial["arm"] == "financial"].set_index("account_id")["cost_per_month"]
    history = large["account_months"].query("month < @INTERVENTION")
    size = large["truth:accounts"].set_index("account_id")["size_factor"]
    kind = large["accounts"].set_index("account_id")["kind"]
    size = size * np.where(kind.loc[size.index] == "distributor", 0.8, 1)
    usual = (history["revenue"] / history["account_id"].map(size)).mean()  # of an account of size 1
    assert (rebate % 10 == 0).all()
    assert (rebate - bonds.COST.rebate * usual * size.loc[rebate.index]).abs().max() < 5 + 0.05 * rebate.max()


@pytest.mark.parametrize("name", ["care_wave", "bonds", "bond_trial", "partner_trial", "rival"])
def test_rows_are_in_the_order_of_accounts(large, name):
    assert large[name]["account_id"].is_monotonic_increasing
    assert large[f"truth:{'bond_trial' if name == 'bonds' else name}"]["account_id"].is_monotonic_increasing


def share_of_path(large, own: pd.DataFrame, first: str) -> pd.Series:
    """Return the mean share over the months of a year as a customer, by the stage of each."""
    stages = large["truth:account_stages"]
    last = pd.Timestamp(first) + pd.DateOffset(months=11)
    year = stages[stages["month"].between(first, last) & (stages["stage"] != "lost")]
    year = year[year["account_id"].isin(own.index)]
    share = own["share_of_purchases"].loc[year["account_id"]].to_numpy()
    place = logit((share - off.SIZE.share_lowest) / off.SIZE.share_range)
    place += year["stage"].map(account_shares.BY_STAGE).to_numpy(dtype=float)
    monthly = off.SIZE.share_lowest + off.SIZE.share_range * expit(place)
    return pd.Series(monthly).groupby(year["account_id"].to_numpy()).mean().reindex(own.index)


def test_shares_and_kilograms_move_together(large):
    """Accounts whose kilograms a month grew from one year to the next bought a larger share of their tea."""
    months = large["account_months"]
    year = months["month"] >= INTERVENTION
    kg = months[months["month"] >= "2024-07-01"].groupby(["account_id", year])["volume_kg"].mean().unstack()
    share = large["partner_trial"].set_index("account_id")
    kg = kg[(kg > 0).all(axis=1)]
    both = kg.index.intersection(share.index)
    change = np.log(share["share_after"] / share["share_before"]).loc[both]
    assert change.corr(np.log(kg[True] / kg[False]).loc[both]) > 0.3
    mean = share["share_before"].mean()
    assert mean == pytest.approx(0.53, abs=0.02)  # the stages leave the mean as it is


def test_share_of_purchases_rises_as_stated(large, hidden):
    trial = large["bond_trial"].set_index("account_id")
    own = hidden.loc[trial.index]
    before, after = (share_of_path(large, own, year) for year in ("2024-07-01", "2025-07-01"))
    programme = large["partner_trial"].set_index("account_id")["arm"].loc[trial.index].map(partner.VOLUME)
    factor = bonds.volume_factor(trial["arm"], own["kind"]) * programme
    assert not trial[["share_before", "share_after"]].isna().any(axis=None)  # of lost accounts too
    near_mean(trial["share_before"], before.fillna(trial["share_before"]))
    assert before.isna().mean() < 0.03  # who came in July 2025
    rest = trial["share_after"] - after * factor
    for stage, part in rest.groupby(stage_of_july(large).loc[rest.index]):
        near_mean(part, 0, stage)
    for cell, part in rest.groupby([trial["arm"], own["kind"]]):
        near_mean(part, 0, cell)
    near_sd(rest, account_shares.SHARE.noise)


def test_margins_are_those_of_the_ledger(large):
    trial = large["bond_trial"].set_index("account_id")
    months = large["account_months"]
    for column, first, last in (
        ("margin_before", "2024-07-01", "2025-06-01"),
        ("margin_after", "2025-07-01", "2026-06-01"),
    ):
        inside = months[months["month"].between(first, last)]
        own = inside.groupby("account_id")["margin"].sum().reindex(trial.index, fill_value=0)
        assert trial[column].to_numpy() == pytest.approx(own.to_numpy(), abs=0.01)


@pytest.mark.parametrize("arm", bonds.ARMS)
def test_truth_about_bonds_is_what_happens_if_all_get_one(arm):
    w = business(29, 8_000, **NOBODY, bond_arms=lambda arms: arms.assign(bond=arm))
    trial = w["bond_trial"].set_index("account_id")
    truth = w["truth:bond_trial"].query("arm == @arm").set_index("account_id").loc[trial.index]
    near_mean(trial["margin_after"], truth["expected_margin"])
    near_mean(trial["share_after"], truth["expected_share"])
    kind = w["accounts"].set_index("account_id").loc[trial.index, "kind"]
    for name in ("cafe", "distributor"):
        own = kind == name
        near_mean(trial.loc[own, "margin_after"], truth.loc[own, "expected_margin"], name)
    called = w["rival"].set_index("account_id")
    called = called[called.index.isin(trial.index)]
    near_mean(called["left_on"].notna(), truth.loc[called.index, "leaving_if_called"])
    months = w["account_months"].query("month >= @INTERVENTION").groupby("account_id").size().loc[trial.index]
    near_mean(trial["cost_per_month"] * months, truth["expected_cost"])


def test_which_bond_pays_depends_on_the_account(large):
    truth = large["truth:bond_trial"].merge(large["accounts"][["account_id", "kind"]])
    gain = (truth["expected_margin"] - truth["expected_cost"]).groupby([truth["kind"], truth["arm"]]).mean()
    gain = gain.unstack()
    gain = gain.sub(gain["none"], axis=0)
    assert gain.loc["distributor"].idxmax() == gain.loc["hotel"].idxmax() == "structural"
    assert gain.loc["restaurant"].idxmax() == "social"
    assert gain.loc["cafe", "structural"] < 0


# -- partner programmes ---------------------------------------------------------------------------


def test_programmes_raise_trust_as_stated(large, hidden):
    trial = large["partner_trial"].set_index("account_id")
    mood = partner.ASKED.trust_mean + partner.ASKED.trust_slope * hidden["trust"]
    assert (trial["cost"] == trial["arm"].map(partner.COST)).all()
    called = large["rival"].set_index("account_id")
    left = called["left_on"].notna().reindex(trial.index, fill_value=False)
    near_mean(trial["trust_before"], partner.mean_answer(mood))
    for arm, gain in partner.GAIN.items():
        own = trial["arm"] == arm
        after = mood + gain + partner.ASKED.trust_left * left
        near_mean(trial.loc[own, "trust_after"], partner.mean_answer(after[own]), arm)
        if arm == "none":
            drop = (trial["trust_after"] - trial["trust_before"])[own]
            near_mean(drop[left & (hidden["trust"].abs() < 1)], partner.ASKED.trust_left)
    middle = hidden["trust"].abs() < 1
    near_sd((trial["trust_before"] - mood)[middle], partner.ASKED.trust_noise)
    stays = middle & ~left
    no_tie((trial["trust_before"] - mood)[stays], (trial["trust_after"] - mood)[stays])


def test_the_mean_answer_is_that_of_a_value_kept_within_the_scale():
    rng = core.generator(1, "answers")
    for mean in (1.2, 4.0, 6.8):
        drawn = np.clip(rng.normal(mean, partner.ASKED.trust_noise, 100_000), 1, 7)
        near_mean(drawn, partner.mean_answer(np.array(mean)), mean)


@pytest.mark.parametrize("arm", partner.ARMS[1:])
def test_truth_about_programmes_is_what_happens_if_all_get_one(arm):
    forced = {**NOBODY, "bond_arms": lambda arms: arms.assign(bond="none")}
    forced["partner_arms"] = lambda arms: arms.map(lambda _: arm)
    forced["partner_factors"] = lambda factors: factors * 0 + partner.VOLUME[arm]
    w = business(31, 8_000, **forced)
    trial = w["partner_trial"].set_index("account_id")
    truth = w["truth:partner_trial"].query("arm == @arm").set_index("account_id").loc[trial.index]
    margin = w["account_months"].query("month >= @INTERVENTION").groupby("account_id")["margin"].sum()
    near_mean(trial["trust_after"], truth["expected_trust"])
    went = w["rival"].set_index("account_id")["left_on"].notna().reindex(trial.index, fill_value=False)
    mood = partner.ASKED.trust_mean + partner.ASKED.trust_slope * w["truth:accounts"]["trust"]
    mood = mood.set_axis(w["truth:accounts"]["account_id"]).loc[trial.index] + partner.GAIN[arm]
    drop = partner.mean_answer(mood) - partner.mean_answer(mood + partner.ASKED.trust_left)
    near_mean(went * drop, partner.mean_answer(mood) - truth["expected_trust"])
    near_mean(trial["share_after"], truth["expected_share"])
    near_mean(margin.loc[trial.index], truth["expected_margin"])


def test_effects_do_not_interact(large):
    """Log shares of a cell are the sum of its arms' effects; nor does care change the gain of a programme."""
    trial = large["partner_trial"].merge(
        large["care_wave"][["account_id", "arm"]], on="account_id", suffixes=("", "_care")
    )
    trial = trial.merge(large["bond_trial"][["account_id", "arm"]], on="account_id", suffixes=("", "_bond"))
    x = pd.DataFrame(
        {
            "bond": trial["arm_bond"] != "none",
            "plan": trial["arm"] == "joint_planning",
            "care": trial["arm_care"] == "care",
        }
    ).astype(float)
    both = {f"{a}:{b}": x[a] * x[b] for a, b in combinations(x, 2)}
    x = sm.add_constant(x.assign(info=(trial["arm"] == "information").astype(float), **both))
    for y in (np.log(trial["share_after"]), trial["trust_after"]):
        near_fit(sm.OLS(y, x).fit(cov_type="HC1"), **dict.fromkeys(both, 0))


# -- the rival ------------------------------------------------------------------------------------


def test_the_rival_calls_on_a_part_drawn_by_lot(large):
    calls = large["rival_calls"]
    near_share(calls["month"] >= 0, rival.RIVAL.reached)
    reached = calls[calls["month"] >= 0]
    near_shares(reached["month"], dict.fromkeys(range(36, 42), 1 / 6))
    table = large["rival"]
    near_shares(table["price_gap"], dict.fromkeys(rival.GAPS, 1 / len(rival.GAPS)))
    assert table["offered_on"].between("2025-07-01", "2025-12-31").all()
    for day in (table["offered_on"], table["left_on"].dropna()):
        assert (day.dt.day_of_week < 5).all()
        assert not day.between("2025-10-01", "2025-10-08").any()
    assert table["offered_on"].dt.day.max() == 20
    assert table["offered_on"].nunique() == 80  # every working day of the first twenty of six months
    assert table["account_id"].is_unique and table["account_id"].isin(large["care_wave"]["account_id"]).all()
    assert 0.15 < table["left_on"].notna().mean() < 0.20
    lost = large["accounts"].set_index("account_id")["lost_on"].reindex(reached["account"] + 1)
    month = reached["month"].to_numpy()
    there = lost.isna().to_numpy() | (lost.to_numpy() > account_stages.MONTHS[month].to_numpy())
    assert set(reached["account"][there] + 1) == set(
        table["account_id"]
    )  # who was lost before is not called on


def test_who_goes_to_the_rival_is_lost_the_next_month(large):
    left = large["rival"].dropna(subset="left_on")
    assert (left["left_on"] > left["offered_on"]).all()
    lost = large["accounts"].set_index("account_id")["lost_on"].loc[left["account_id"]]
    assert (lost.to_numpy() == (left["left_on"] + pd.offsets.MonthBegin()).dt.normalize().to_numpy()).all()
    assert (left["left_on"].dt.to_period("M") == left["offered_on"].dt.to_period("M")).all()
    last = large["truth:account_stages"].query("stage != 'lost'").drop_duplicates("account_id", keep="last")
    last = last.set_index("account_id")["stage"].loc[left["account_id"]]
    assert (last != "decline").mean() > 0.7  # the rival takes them from any stage


def test_leaving_follows_its_logit(large, hidden):
    called = large["rival"].set_index("account_id")
    bond = large["bonds"].set_index("account_id")["bond"].reindex(called.index).fillna("none")
    x = hidden.loc[called.index, ["switching_cost", "commitment"]].assign(price_gap=called["price_gap"])
    for name in bonds.BONDS:
        x[name] = (bond == name).astype(float)
    fit = sm.Logit(called["left_on"].notna().astype(float), sm.add_constant(x)).fit(disp=0)
    near_fit(
        fit,
        const=rival.RIVAL.intercept,
        price_gap=rival.RIVAL.price_gap,
        switching_cost=rival.RIVAL.switching_cost,
        commitment=rival.RIVAL.commitment,
        **{name: rival.BOND[name] for name in bonds.BONDS},
    )
    assert rival.BOND["structural"] < rival.BOND["social"] < rival.BOND["financial"] < rival.BOND["none"] == 0


def test_accounts_state_their_switching_cost_with_error(large, hidden):
    called = large["rival"].set_index("account_id")
    latent = hidden.loc[called.index, "switching_cost"]
    assert called["switching_cost"].between(1, 7).all()
    inner = latent.abs() < 1
    near_mean(called["switching_cost"][inner], 4.0 + 1.1 * latent[inner])
    assert 0.6 < called["switching_cost"].corr(latent) < 0.9


def test_truth_about_the_rival(large, hidden):
    truth = large["truth:rival"].merge(large["rival"])
    left = truth["left_on"].notna()
    near_mean(left, truth["probability"])
    for k in range(4):
        own = pd.qcut(truth["probability"], 4, labels=False) == k
        near_mean(left[own], truth.loc[own, "probability"], k)
    bond = large["bonds"].set_index("account_id")["bond"].reindex(truth["account_id"]).fillna("none")
    own = truth.to_numpy()[np.arange(len(truth)), truth.columns.get_indexer("probability_" + bond)]
    assert own.astype(float) == pytest.approx(truth["probability"].to_numpy())
    scores = hidden.loc[truth["account_id"]].reset_index()
    half = rival.logit(scores, bond.to_numpy(), truth["indifference_gap"].to_numpy())
    assert expit(half) == pytest.approx(0.5, abs=0.001)
    order = [f"probability_{name}" for name in ("none", "financial", "social", "structural")]
    assert (truth[order].diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)


# -- what shipped size can carry, and the dictionary ------------------------------------------------


@pytest.fixture(scope="module")
def study():
    return pd.read_csv(STUDY).set_index(["table", "outcome", "arm"])


def test_each_trial_names_an_outcome_that_its_size_can_carry(study):
    named = study[study["named"]]
    assert named.index.get_level_values("table").tolist() == [
        "care_wave",
        "bond_trial",
        "partner_trial",
        "rival",
    ]
    bond = named.xs("bond_trial", level="table").index.get_level_values("outcome")
    assert bond.tolist() == ["share_after adjusted for share_before"]
    assert (named["cohorts"] == 100).all()
    assert (named["z_of_3"] >= 90).all()
    money = study[study.index.get_level_values("outcome").str.startswith("margin")]
    assert (money["z_of_3"] < 50).all()  # why no outcome in yuan was named


@pytest.mark.parametrize("name", ["care_wave", "bond_trial", "partner_trial", "rival"])
def test_the_dictionary_names_the_outcome_beforehand(name):
    text = (DICTIONARY / f"{name}.json").read_text(encoding="utf-8")
    assert text.count("The outcome named beforehand: ") == 1
    adjusted = {
        "bond_trial": "share_after adjusted for share_before",
        "partner_trial": "trust_after adjusted",
    }
    assert f"The outcome named beforehand: {adjusted.get(name, '')}" in text


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tables_are_as_the_dictionary_says(seed):
    w = business(seed, (480, 40, 10)[seed - 1])
    files = {name: (DICTIONARY / f"{name}.json", w[name]) for name in NAMES}
    files |= {f"truth/{name}": (DICTIONARY / "truth" / f"{name}.json", w[f"truth:{name}"]) for name in TRUTH}
    for name, (path, frame) in files.items():
        told = json.loads(path.read_text(encoding="utf-8"))
        assert [field["name"] for field in told["fields"]] == list(frame.columns), name
        assert not frame.duplicated(told["primaryKey"]).any(), name
        for field in told["fields"]:
            limits = field.get("constraints", {})
            values = frame[field["name"]].dropna()
            assert not limits.get("required") or len(values) == len(frame), (name, field["name"])
            assert not limits.get("unique") or values.is_unique, (name, field["name"])
            assert set(values) <= set(limits.get("enum", values)), (name, field["name"])
            for bound, holds in (("minimum", values.ge), ("maximum", values.le)):
                if bound in limits:
                    limit = pd.Timestamp(limits[bound]) if field["type"] == "date" else limits[bound]
                    assert holds(limit).all(), (name, field["name"])
        for key in told.get("foreignKeys", []):
            other = w[key["reference"]["resource"] or name]
            own = frame[key["fields"]].dropna()
            merged = own.merge(
                other[key["reference"]["fields"]].drop_duplicates(),
                left_on=key["fields"],
                right_on=key["reference"]["fields"],
            )
            assert len(merged) == len(own), (name, key)
