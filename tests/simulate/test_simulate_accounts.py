"""Business accounts: stages move by their matrices, scores by their paths, the ledger shows the stage through noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, near_mean, near_sd, near_share, near_shares, no_tie
from scipy.special import ndtri
from worlds import PLACES

from crmlab.simulate import core, numbers
from crmlab.simulate.dates import INTERVENTION, MONTHS
from crmlab.simulate.processes import account_latents as lat
from crmlab.simulate.processes import account_months as led
from crmlab.simulate.processes import account_reviews as rev
from crmlab.simulate.processes import account_stages as acc
from crmlab.simulate.processes import accounts as off
from crmlab.simulate.processes.bonds import VOLUME as BOND_VOLUME
from crmlab.simulate.processes.partner_trial import VOLUME as PARTNER_VOLUME
from crmlab.simulate.registry import Setting, run

STATES = list(acc.STATES)


def near_matrix(moves: pd.DataFrame, matrix: np.ndarray, what: object = "") -> None:
    """Assert that moves follow a monthly matrix up to chance, row by row."""
    for k, stage in enumerate(acc.STAGES):
        own = moves.loc[moves["stage"] == stage, "next_stage"]
        near_shares(own, dict(zip(STATES, matrix[k], strict=True)), (what, stage))


@pytest.fixture(scope="module")
def large(everything):
    return everything


@pytest.fixture(scope="module")
def moves(large) -> pd.DataFrame:
    """One row per pair of neighbouring months, but for the month in which an account decided for the rival."""
    stages = large["truth:account_stages"]
    out = stages.assign(next_stage=stages.groupby("account_id")["stage"].shift(-1)).dropna()
    out = out.merge(large["truth:accounts"][["account_id", "trust_group"]])
    out = out.merge(large["care_wave"][["account_id", "arm"]], how="left")
    left = large["rival"].dropna(subset="left_on")
    left = left.set_index("account_id")["left_on"].dt.to_period("M").dt.to_timestamp()
    return out[out["account_id"].map(left) != out["month"]]


@pytest.fixture(scope="module")
def ledger(large):
    """Months with the true stage, whether care was at work, and what multiplies the account's kilograms beside size."""
    out = large["account_months"].merge(large["truth:account_stages"], on=["account_id", "month"])
    out = out.merge(large["accounts"][["account_id", "kind"]]).merge(
        large["truth:accounts"][["account_id", "size_factor"]]
    )
    arm = out["account_id"].map(large["care_wave"].set_index("account_id")["arm"])
    year = out["month"] >= INTERVENTION
    bonds = large["bonds"].set_index("account_id").reindex(out["account_id"]).reset_index()
    effect = BOND_VOLUME.stack().reindex(pd.MultiIndex.from_arrays([bonds["bond"], out["kind"]])).to_numpy()
    bond = np.where(bonds["since"] <= out["month"], effect, 1.0)
    programme = out["account_id"].map(large["partner_trial"].set_index("account_id")["arm"])
    partner = programme.map(PARTNER_VOLUME).fillna(1).where(year, 1)
    more_orders = out["month"].map(pd.Series(led.ORDERS_CALENDAR, index=MONTHS))
    factor = bond * partner * out["month"].map(pd.Series(led.CALENDAR, index=MONTHS)) / more_orders
    return out.assign(
        care=(arm == "care") & year, factor=factor, bonded=bond > 1, more_orders=more_orders.to_numpy()
    )


# -- stages ---------------------------------------------------------------------------------------


def test_matrices_are_stochastic_and_skip_no_stage():
    for group in acc.GROUPS:
        for care in (False, True):
            matrix = acc.transition_matrix(group, care)
            assert matrix.sum(axis=1) == pytest.approx(1)
            assert (matrix >= 0).all()
            assert matrix[4].tolist() == [0, 0, 0, 0, 1]
            assert matrix[0, 2] == matrix[3, 2] == 0  # nobody reaches stability but through formation
            assert (matrix[:3, 4] == 0).all()  # decline comes before loss


@pytest.mark.parametrize("group", acc.GROUPS)
def test_each_trust_group_moves_by_its_matrix(moves, group):
    own = moves[(moves["trust_group"] == group) & (moves["month"] < INTERVENTION)]
    near_matrix(own, acc.transition_matrix(group), group)


@pytest.mark.parametrize("group", acc.GROUPS)
def test_care_changes_the_moves_of_those_who_get_it_from_july_2025(moves, group):
    own = moves[(moves["trust_group"] == group) & (moves["month"] >= INTERVENTION)]
    near_matrix(own[own["arm"] == "care"], acc.transition_matrix(group, care=True), "care")
    near_matrix(own[own["arm"] != "care"], acc.transition_matrix(group), "control or newcomer")


def test_a_newcomer_in_a_cared_for_place_gets_no_care(moves, large):
    wave = large["care_wave"].set_index("account_id")["arm"]
    accounts = large["accounts"].set_index("account_id")
    after = accounts[accounts["predecessor_id"].map(wave).eq("care") & ~accounts.index.isin(wave.index)]
    own = moves[moves["account_id"].isin(after.index)]
    matrices = {group: acc.transition_matrix(group) for group in acc.GROUPS}
    stated = [
        matrices[group][acc.STAGES.index(stage), acc.DECLINE]
        for group, stage in zip(own["trust_group"], own["stage"], strict=True)
    ]
    slips = own["stage"] != "decline"
    near_mean((own["next_stage"] == "decline")[slips], np.array(stated)[slips])


@pytest.mark.parametrize("group", acc.GROUPS)
def test_care_multiplies_climbing_slipping_and_losing(group):
    plain = acc.transition_matrix(group)
    care = acc.transition_matrix(group, care=True)
    up = {"exploration": "formation", "formation": "stability", "decline": "formation"}
    for i, stage in enumerate(acc.STAGES):
        effect = acc.CARE[stage]
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
    stable = moves[(moves["stage"] == "stability") & (moves["month"] < INTERVENTION)]
    slipped = (stable["next_stage"] == "decline").groupby(stable["trust_group"]).mean()
    assert slipped["low"] > 1.5 * slipped["mid"] > 2 * slipped["high"]


def test_the_steady_mix_is_a_fixed_point_of_moving_and_replacing():
    mix = acc.steady_mix()
    assert mix.sum() == pytest.approx(1)
    after = np.array([m @ acc.transition_matrix(g)[:4] for m, g in zip(mix, acc.GROUPS, strict=True)])
    back = after[:, :4].copy()
    back[:, 0] += after[:, 4].sum() / 3  # the lost are replaced by newcomers of each group alike
    assert back == pytest.approx(mix)


@pytest.mark.parametrize("month", ["2022-07-01", "2024-01-01", "2025-07-01"])
def test_the_first_month_and_every_other_look_alike(large, month):
    now = large["truth:account_stages"].merge(large["truth:accounts"][["account_id", "trust_group"]])
    now = now[(now["month"] == month) & (now["stage"] != "lost")]
    assert len(now) == PLACES
    cell = now["trust_group"] + " " + now["stage"]
    mix = acc.steady_mix()
    stated = {
        f"{group} {stage}": mix[g, s]
        for g, group in enumerate(acc.GROUPS)
        for s, stage in enumerate(acc.STAGES)
    }
    near_shares(cell, stated, month)


def test_no_break_on_1_july_2025_where_nothing_was_done(large):
    """Accounts without care that the rival did not call on are lost as often in the year after as before."""
    stages = large["truth:account_stages"]
    control = large["care_wave"].loc[large["care_wave"]["arm"] == "control", "account_id"]
    calls = large["rival_calls"]
    quiet = calls.loc[calls["month"] == acc.STAYS, "account"] + 1
    lost = stages[stages["stage"] == "lost"].set_index("account_id")["month"]
    hazard = {}
    for day, accounts in (
        ("2025-07-01", control[control.isin(quiet)]),
        (
            "2024-07-01",
            stages.loc[stages["month"].eq("2024-07-01") & (stages["stage"] != "lost"), "account_id"],
        ),
    ):
        month = lost.reindex(accounts).to_numpy()
        quarter = (pd.DatetimeIndex(month).year - int(day[:4])) * 4 + pd.DatetimeIndex(month).quarter - 3
        for k in range(4):
            at_risk = ~(quarter < k)
            hazard[day, k] = ((quarter == k)[at_risk].mean(), at_risk.sum())
    for k in range(4):
        (now, n), (then, m) = hazard["2025-07-01", k], hazard["2024-07-01", k]
        assert abs(now - then) < ERRORS * np.sqrt(now * (1 - now) / n + then * (1 - then) / m), (k, now, then)
    assert hazard["2025-07-01", 0][1] > 2000


def test_one_chain_for_all_converges_to_the_stated_mixture(moves, large):
    past = moves[moves["month"] < INTERVENTION]
    seen = pd.crosstab(past["stage"], past["next_stage"], normalize="index")
    true = large["truth:transition_matrices"].query("trust_group == 'all'")
    true = true.set_index(["from_stage", "to_stage"])["probability"].unstack()
    assert np.abs(seen.reindex_like(true).fillna(0) - true).to_numpy().max() < 0.008


def test_truth_holds_each_matrix_with_and_without_care(large):
    truth = large["truth:transition_matrices"]
    assert len(truth) == 7 * 4 * 5
    for group in acc.GROUPS:
        for care, name in ((False, "none"), (True, "care")):
            own = truth[(truth["trust_group"] == group) & (truth["care"] == name)]
            own = own.set_index(["from_stage", "to_stage"])["probability"].unstack()
            found = own.loc[list(acc.STAGES), STATES].to_numpy()
            assert found == pytest.approx(acc.transition_matrix(group, care)[:4], abs=1e-6)


def test_lost_accounts_are_replaced_at_once_by_a_new_one_in_exploration(large):
    months = large["account_months"].groupby("month")["account_id"].nunique()
    assert (months == PLACES).all()
    assert len(months) == 48
    accounts = large["accounts"].set_index("account_id")
    followed = accounts.dropna(subset="predecessor_id")
    assert (accounts["lost_on"].loc[followed["predecessor_id"]].to_numpy() == followed["started_on"]).all()
    assert accounts["lost_on"].notna().sum() == len(followed)
    first = large["truth:account_stages"].drop_duplicates("account_id").set_index("account_id")
    assert (first.loc[followed.index, "stage"] == "exploration").all()
    assert (first.loc[followed.index, "month"] == followed["started_on"]).all()
    group = large["truth:accounts"].set_index("account_id").loc[followed.index, "trust_group"]
    near_shares(group, dict.fromkeys(acc.GROUPS, 1 / 3))


def test_an_account_is_lost_in_the_month_after_its_last(large):
    lost = large["accounts"].dropna(subset="lost_on").set_index("account_id")["lost_on"]
    last = large["account_months"].groupby("account_id")["month"].max()
    assert (last.loc[lost.index] + pd.offsets.MonthBegin() == lost).all()
    assert (last.drop(lost.index) == "2026-06-01").all()
    stage = large["truth:account_stages"]
    found = stage[stage["stage"] == "lost"].set_index("account_id")["month"]
    assert found.sort_index().equals(lost.sort_index().rename("month"))


def ages_on(large, day: str) -> pd.DataFrame:
    """Return stage, trust group and months since they came of the accounts of a month."""
    stages = large["truth:account_stages"]
    now = stages[(stages["month"] == day) & (stages["stage"] != "lost")].merge(large["accounts"])
    now = now.merge(large["truth:accounts"][["account_id", "trust_group"]])
    began = now["started_on"].dt
    return now.assign(age=(now["month"].dt.year - began.year) * 12 + now["month"].dt.month - began.month)


def test_the_first_accounts_began_before_the_history(large):
    accounts = large["accounts"].set_index("account_id").iloc[:PLACES]
    assert accounts["predecessor_id"].isna().all()
    assert accounts["started_on"].between("1998-01-01", "2022-07-01").all()
    assert (accounts["started_on"].dt.day == 1).all()


def test_the_first_accounts_are_as_old_as_those_of_any_month(large):
    """Ages by stage and group are those that the moves lead to, in July 2022 as in July 2025."""
    stated = acc.ages()
    assert stated.sum(axis=0) == pytest.approx(acc.steady_mix())
    for day in ("2022-07-01", "2025-07-01"):
        now = ages_on(large, day)
        near_share(now["age"] < 12, stated[:12].sum(), day)
        stable = now[now["stage"] == "stability"]
        assert stable["age"].min() >= 2  # through exploration and formation
    first = ages_on(large, "2022-07-01")
    near_mean(first["age"], stated.sum(axis=(1, 2)) @ np.arange(len(stated)))
    for g, group in enumerate(acc.GROUPS):
        for s, stage in enumerate(acc.STAGES):
            own = first[(first["trust_group"] == group) & (first["stage"] == stage)]
            near_share(own["age"] < 36, stated[:36, g, s].sum() / stated[:, g, s].sum(), (group, stage))


def test_ages_are_those_of_many_years_of_moving_and_replacing():
    """The chain itself, from an empty house on: the same mix of ages, groups and stages."""
    rng = core.generator(3, "burn-in")
    n = 6_000
    empty = np.zeros(n, dtype=int)
    first = pd.DataFrame({"account": np.arange(n), "group": rng.integers(0, 3, n), "stage": empty})
    first["place"] = first["account"]
    start = np.zeros(n, dtype=int)
    for year in range(24):  # `walk` knows 48 months: a year at a time
        newcomers, _, first = acc.walk(rng, first, range(12), len(start))
        start = np.append(start, newcomers["start"] + 12 * year)
    age = 24 * 12 - start[first["account"]]
    stated = acc.ages()
    near_share(age < 12, stated[:12].sum())
    near_share(age < 60, stated[:60].sum())
    for g, group in enumerate(acc.GROUPS):
        near_share(age[first["group"] == g] < 12, stated[:12, g].sum() / stated[:, g].sum(), group)


# -- who the accounts are -------------------------------------------------------------------------


def test_accounts_have_a_kind_a_city_and_a_manager(large):
    accounts = large["accounts"]
    near_shares(accounts["kind"], off.KIND_SHARES.to_dict())
    first = accounts.iloc[:PLACES]
    near_shares(first["city"], off.CITIES.to_dict())
    assert first.groupby("manager_id")["city"].nunique().tolist() == [1] * 16
    assert first.groupby("city")["manager_id"].nunique().to_dict() == off.MANAGERS.to_dict()
    for city, own in first.groupby("city")["manager_id"]:
        near_shares(own, dict.fromkeys(own.unique(), 1 / off.MANAGERS[city]), city)
    assert accounts["account_id"].tolist() == list(range(1, len(accounts) + 1))
    for shares in (off.KIND_SHARES, off.CITIES):
        assert shares.sum() == pytest.approx(1)


def test_a_place_stays_with_its_manager_in_its_city(large):
    accounts = large["accounts"].set_index("account_id")
    after = accounts.dropna(subset="predecessor_id")
    before = accounts.loc[after["predecessor_id"]]
    assert len(after) > PLACES / 2
    for column in ("city", "manager_id"):
        assert (after[column].to_numpy() == before[column].to_numpy()).all(), column


def test_managers_can_make_their_visits():
    w = run(Setting(2, 50, 480), wanted=["accounts", "account_months"])
    visits = w["account_months"].merge(w["accounts"][["account_id", "manager_id"]])
    monthly = visits.groupby(["manager_id", "month"])["visits"].sum().groupby("manager_id").mean()
    assert monthly.max() < 5 * 21  # working days of a month
    assert 1.5 < monthly.mean() / 21 < 4


def test_at_least_thirty_distributors_are_customers():
    for seed in range(5):
        accounts = run(Setting(seed, 50, 480), wanted=["accounts"])["accounts"]
        assert (accounts.loc[accounts["lost_on"].isna(), "kind"] == "distributor").sum() >= 30


def test_ids_tell_nothing_of_what_is_hidden(large):
    first = large["truth:accounts"].iloc[:PLACES]
    for column in ("trust", "commitment", "credit_quality", "size_factor", "share_of_purchases"):
        no_tie(first[column], first["account_id"], column)
    members = large["accounts"].dropna(subset="group_id")
    size = members["group_id"].astype(int).value_counts()
    assert abs(size.corr(size.index.to_series(), method="spearman")) < ERRORS / np.sqrt(len(size))


def test_some_belong_to_chains_and_some_were_bought_by_one(large):
    accounts = large["accounts"]
    could = accounts["kind"].isin(["hotel", "restaurant", "cafe"])
    assert accounts.loc[~could, ["group_id", "joined_group_on"]].isna().all(axis=None)
    member = accounts["group_id"].notna() & accounts["joined_group_on"].isna()
    near_share(member[could], off.OFFICE.in_group)
    joined = accounts.dropna(subset="joined_group_on")
    assert joined["group_id"].notna().all()
    assert joined.groupby("group_id")["joined_group_on"].nunique().max() <= off.OFFICE.mergers
    assert accounts.dropna(subset="group_id").groupby("group_id")["kind"].nunique().max() == 1
    spread = joined["joined_group_on"].dt.year.value_counts(normalize=True)
    assert len(spread) >= 8 and spread.max() < 0.4  # over many years
    assert (joined["started_on"] < joined["joined_group_on"]).all()
    assert (joined["lost_on"].isna() | (joined["lost_on"] > joined["joined_group_on"])).all()
    assert joined["joined_group_on"].between("2017-07-01", "2025-05-01").all()
    largest = accounts["group_id"].value_counts(normalize=True)
    assert largest.iloc[0] > 5 / len(largest)  # a few large chains


@pytest.fixture(scope="module")
def scores():
    """Latent scores of 60,000 accounts, each trust group alike."""
    group = np.arange(60_000) % 3
    return lat.latents(core.generator(1, "scores"), group).assign(group=group)


def test_trust_groups_are_terciles_of_trust(scores, large):
    assert (np.digitize(scores["trust"], ndtri([1 / 3, 2 / 3])) == scores["group"]).all()
    near_mean(scores["trust"], 0)
    near_sd(scores["trust"], 1)
    truth = large["truth:accounts"]
    trust = truth.groupby("trust_group")["trust"].agg(["min", "max"])
    assert trust.loc["low", "max"] <= trust.loc["mid", "min"] + 1e-4
    assert trust.loc["mid", "max"] <= trust.loc["high", "min"] + 1e-4


def test_the_commitment_trust_model_is_recovered(scores):
    assert np.abs(scores[list(lat.MODEL)].cov() - lat.IMPLIED).to_numpy().max() < 0.02
    for name in lat.MODEL[5:]:
        parents = [cause for cause, effect in lat.PATHS if effect == name]
        fit = sm.OLS(scores[name], scores[parents]).fit()
        for cause in parents:
            assert abs(fit.params[cause] - lat.PATHS[cause, name]) < max(ERRORS * fit.bse[cause], 0.015)
        others = [other for other in lat.MODEL[:5] if other not in parents]
        if name not in ("trust", "commitment"):
            for other in others:  # all that works, works through trust and commitment
                no_tie(fit.resid, scores[other], (name, other))


def test_the_signs_are_those_of_the_theory():
    sign = {key: np.sign(value) for key, value in lat.PATHS.items()}
    assert {
        effect: sign["commitment", effect] for effect in ("acquiescence", "leaving_propensity", "cooperation")
    } == {
        "acquiescence": 1,
        "leaving_propensity": -1,
        "cooperation": 1,
    }
    assert (
        sign["trust", "cooperation"]
        == sign["trust", "functional_conflict"]
        == sign["trust", "commitment"]
        == 1
    )
    assert sign["trust", "uncertainty"] == sign["opportunism", "trust"] == -1


def test_scores_that_later_chapters_read_are_tied_as_stated(scores):
    for name, cause, slope in (
        ("switching_cost", "termination_cost", lat.TIES.switching_cost),
        ("credit_quality", "trust", lat.TIES.credit_quality),
        ("profit_trend", "credit_quality", lat.TIES.profit_trend),
    ):
        fit = sm.OLS(scores[name], scores[cause]).fit()
        assert abs(fit.params[cause] - slope) < ERRORS * fit.bse[cause], name
        near_mean(scores[name], 0, name)
        near_sd(scores[name], 1, name)


def test_parameters_keep_their_names():
    stated = numbers.table().set_index(["process", "parameter"])["value"]
    assert stated["care", "stability:decline"] == 0.20
    assert stated["commitment_trust", "trust->commitment"] == 0.45
    for name, value in (("satisfaction_care", 0.7), ("satisfaction_drift", 0.15), ("cost_per_month", 240)):
        assert stated["care_wave", name] == value
    assert stated["account_stages", "low:decline:lost"] == 0.14


# -- the ledger -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", acc.STAGES)
def test_months_show_the_stage_through_noise(ledger, stage):
    own = ledger[ledger["stage"] == stage]
    stated = led.FEATURES.loc[stage]
    near_mean(own["complaints"], stated["complaints"])
    near_share(own["complaints"] == 0, np.exp(-stated["complaints"]))
    near_mean(own["orders"], stated["orders"] * own["more_orders"])
    assert own["orders"].mean() == pytest.approx(stated["orders"], rel=0.01)
    near_mean(own["orders"] == 0, np.exp(-stated["orders"] * own["more_orders"]))
    for care in (False, True):
        near_mean(own.loc[own["care"] == care, "visits"], stated["visits"] + 2 * care, ("visits", care))
    hours = np.log(own["response_hours"])
    near_mean(hours, np.log(stated["response_hours"]))
    assert hours.std() == pytest.approx(stated["noise"], rel=0.02)
    ordering = own[own["orders"] > 0]
    trade = ordering["kind"] == "distributor"
    rate = ordering["margin"] / ordering["revenue"]
    near_mean(rate[~trade], stated["margin_rate"])
    near_mean(rate[trade], 1 - (1 - stated["margin_rate"]) * 0.9 / 0.8)  # less for the tea, which costs less
    assert rate[~trade].std() == pytest.approx(0.05, rel=0.02)


def off_kilograms(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the months with orders of 2 kg and more, and the log of their kilograms less all that is stated."""
    some = ledger[(ledger["orders"] > 0) & (ledger["volume_kg"] > 2)]
    mean = some["stage"].map(led.FEATURES["kg_per_order"]) * some["orders"]
    return some.assign(own=np.log(some["volume_kg"] / (mean * some["factor"])))


def test_volumes_are_those_of_the_stage_times_size_calendar_bond_and_programme(ledger):
    some = off_kilograms(ledger[(ledger["orders"] >= 4) & (ledger["size_factor"] > 0.5)])
    rest = some["own"] - np.log(some["size_factor"])
    assert rest.std() == pytest.approx(0.25, rel=0.02)
    near_mean(rest, 0)
    for cell, part in rest.groupby([some["month"] >= INTERVENTION, some["bonded"]]):
        near_mean(part, 0, cell)
    for month, part in rest.groupby(some["month"]):
        near_mean(part, 0, month)
    assert (ledger.loc[ledger["orders"] == 0, ["volume_kg", "revenue", "margin"]] == 0).all(axis=None)


def test_size_is_that_of_the_kind_times_the_accounts_own(large):
    truth = large["truth:accounts"].merge(large["accounts"][["account_id", "kind"]])
    own = np.log(truth["size_factor"] / truth["kind"].map(off.KIND_SIZES))
    near_mean(own, 0)
    near_sd(own, 0.35)
    mean = off.KIND_SHARES @ off.KIND_SIZES
    assert (
        0.95 < mean <= 1.0
    )  # an account of all kinds buys what it bought when kinds were alike, or little less


def test_hotels_buy_more_than_cafes_and_distributors_most(ledger):
    stable = ledger[ledger["stage"] == "stability"]
    kg = stable.groupby("kind")["volume_kg"].mean()
    assert kg["distributor"] > kg["hotel"] > kg["restaurant"] > kg["office"] > kg["cafe"]
    assert kg["hotel"] / kg["cafe"] == pytest.approx(3, rel=0.1)
    shares = pd.crosstab(ledger["stage"], ledger["kind"], normalize="columns")
    assert (shares.max(axis=1) - shares.min(axis=1)).max() < 0.03  # stages do not depend on the kind


def test_tea_has_its_price(ledger):
    much = ledger[ledger["volume_kg"] > 5]
    price = np.log(much["revenue"] / much["volume_kg"] / led.LEDGER.price_per_kg)
    price -= np.log(np.where(much["kind"] == "distributor", 0.8, 1))
    near_mean(price, 0)
    assert price.std() == pytest.approx(0.05, rel=0.02)


def test_the_year_of_the_accounts(ledger):
    season = pd.Series(led.CALENDAR, index=MONTHS)
    assert season.to_numpy().reshape(4, 12).mean(axis=1) == pytest.approx(1)
    assert (
        season["2022-08-01"] > season["2023-08-01"]
    )  # Mid-Autumn came on 10 September, then on 29 September
    assert season["2023-09-01"] > season["2022-09-01"]
    assert season["2024-01-01"] > 1.3 > 0.75 > season["2024-02-01"]  # Spring Festival on 10 February
    assert season["2022-12-01"] > 1.2  # Spring Festival on 22 January
    assert (season[season.index.month == 7] < 0.9).all()
    history = ledger[(ledger["month"] < INTERVENTION) & ~ledger["bonded"]]
    seen = history.groupby("month")["volume_kg"].mean()
    seen = seen / seen.groupby(np.arange(len(seen)) // 12).transform("mean")
    assert np.abs(seen - season[: len(seen)]).max() < 0.05
    orders = history.groupby("month")["orders"].mean()
    assert orders["2024-01-01"] / orders["2024-02-01"] == pytest.approx(np.sqrt(1.44 / 0.69), rel=0.04)


def test_account_managers_label_by_the_stated_errors(large):
    reviews = large["account_reviews"]
    seen = reviews.merge(
        large["truth:account_stages"], on=["account_id", "month"], suffixes=("_label", "_true")
    )
    assert len(seen) == len(reviews)
    for stage in acc.STAGES:
        labels = seen.loc[seen["stage_true"] == stage, "stage_label"]
        near_shares(labels, rev.LABELS.loc[stage].to_dict(), stage)


def test_a_sample_of_accounts_is_reviewed_every_quarter(large):
    reviews = large["account_reviews"]
    assert set(reviews["month"].dt.month) == {3, 6, 9, 12}
    at_end = large["account_months"].query("month.dt.month % 3 == 0")
    could = at_end["account_id"].unique()
    near_share(np.isin(could, reviews["account_id"]), 0.6)
    always = at_end[at_end["account_id"].isin(reviews["account_id"])]
    assert len(always) == len(reviews)  # whoever is in the sample is reviewed each quarter
    assert reviews["review_id"].tolist() == list(range(1, len(reviews) + 1))
    assert reviews["month"].is_monotonic_increasing
