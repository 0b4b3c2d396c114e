"""Consumers: marginals, ties between latents, classes that behave, channels, cities, ages, days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from recovery import ERRORS, follows, near_fit, near_mean, near_sd
from scipy import stats
from scipy.special import betainc, gammainc, ndtri
from studies import study_world_classes

from crmlab.simulate import CUSTOMERS, VERSION, core, dates, registry
from crmlab.simulate.processes import people
from crmlab.simulate.processes.index_model import CONSTRUCTS, STRUCTURAL
from crmlab.simulate.processes.people import BUYING, SPENDING


def scores(seed: int, n: int, **switches: object) -> pd.DataFrame:
    """Return normal scores of many people, with their satisfaction."""
    setting = registry.Setting(seed, n, 10, **switches)
    index = core.structural(core.generator(seed, "index_latents"), n, STRUCTURAL, CONSTRUCTS)
    found = people.latents(core.generator(seed, "latents"), setting, index)
    return found.assign(satisfaction=index["satisfaction"])


@pytest.fixture(scope="module")
def both(large):
    """Consumers with the truth about them."""
    return large.tables["consumers"].merge(large.truth["consumers"], on="customer_id")


# -- latents --------------------------------------------------------------------------------------


def test_rate_dropout_and_value_have_exactly_their_marginals(both):
    follows(both["purchase_rate"], stats.gamma(BUYING.r, scale=1 / BUYING.alpha))
    # truth is rounded to six decimals: probabilities below that are no test of the law
    dropout = both.loc[both["dropout_probability"] > 1e-4, "dropout_probability"]
    follows(dropout, stats.beta(BUYING.a, BUYING.b))
    follows(both["mean_order_value"], stats.invgamma(SPENDING.q, scale=SPENDING.p * SPENDING.v))


def test_scores_are_those_of_the_behaviour(inside):
    latents, behaviour = inside.latents, inside.behaviour
    scale = SPENDING.p * SPENDING.v
    back = pd.DataFrame(
        {
            "rate": ndtri(gammainc(BUYING.r, BUYING.alpha * behaviour["purchase_rate"])),
            "dropout": ndtri(betainc(BUYING.a, BUYING.b, behaviour["dropout_probability"])),
            "value": -ndtri(gammainc(SPENDING.q, scale / behaviour["mean_order_value"])),
        }
    )
    middle = latents[list(people.SCORES)].abs().max(axis=1) < 3
    assert np.abs(back - latents[list(people.SCORES)])[middle].max().max() < 1e-6


def test_normal_scores_have_unit_spread_and_the_stated_ties():
    """The copula exactly, on many people: rate and dropout are tied to satisfaction and not to each other."""
    many = scores(5, 300_000)
    for name in many:
        near_mean(many[name], 0, name)
        near_sd(many[name], 1, name)
    ties = many.corr()
    stated = pd.DataFrame(np.eye(4), *[["satisfaction", "rate", "dropout", "value"]] * 2)
    for name in ("rate", "dropout"):
        r = 2 * np.sin(np.pi * getattr(BUYING, f"satisfaction_{name}") / 6)
        stated.loc["satisfaction", name] = r
        stated.loc[name, "satisfaction"] = r
    found = ties.loc[stated.index, stated.index]
    assert np.abs(found - stated).to_numpy().max() < ERRORS / np.sqrt(len(many))
    fit = sm.OLS(many["attachment"], many[list(people.ATTACHMENT.index)]).fit()
    near_fit(fit, **people.ATTACHMENT)


@pytest.mark.parametrize("r", [-0.6, 0.6])
def test_order_value_is_tied_to_the_rate_only_if_asked(r):
    found = scores(17, 40_000, value_rate_correlation=r).corr()
    assert found.loc["value", "rate"] == pytest.approx(r, abs=0.02)
    assert abs(found.loc["value", "dropout"]) < 0.025
    assert abs(scores(17, 40_000).corr().loc["value", "rate"]) < 0.025


def test_index_scores_follow_the_structural_model(both):
    for name in CONSTRUCTS[1:]:
        parents = [cause for cause, effect in STRUCTURAL if effect == name]
        fit = sm.OLS(both[name], both[parents]).fit()
        near_fit(fit, **{cause: STRUCTURAL[cause, name] for cause in parents})
    near_sd(both["loyalty"], 1)


# -- classes --------------------------------------------------------------------------------------


def test_classes_follow_the_scores_with_the_stated_pull(inside):
    x = sm.add_constant(inside.latents[list(people.SCORES)])
    fit = sm.MNLogit(inside.buyer_class.cat.codes, x).fit(disp=False)
    pull = people.CLASS_PULL
    for k, name in enumerate(people.CLASSES[1:]):
        stated = pull.loc[name] - pull.loc[people.CLASSES[0]]
        off = fit.params[k].to_numpy() - stated.to_numpy()
        assert (np.abs(off) <= ERRORS * fit.bse[k].to_numpy()).all(), name


def test_no_class_is_rare(both):
    share = both["buyer_class"].value_counts(normalize=True)
    assert share.between(0.18, 0.33).all()


def test_devotees_buy_at_least_twice_as_often_as_occasionals(large, both):
    orders = large.tables["orders"]
    kind = orders["customer_id"].map(both.set_index("customer_id")["buyer_class"])
    # a year's orders of those won before it, whether they are still there or not
    year = orders["order_date"] >= dates.TODAY - pd.Timedelta(days=365)
    won = both["acquired_on"] < dates.TODAY - pd.Timedelta(days=365)
    per_head = kind[year & orders["customer_id"].isin(both.loc[won, "customer_id"])].value_counts()
    per_head = per_head / both.loc[won, "buyer_class"].value_counts()
    assert per_head["devotee"] > 2 * per_head["occasional"]
    amount = orders.groupby(kind)["amount"].mean()
    assert amount["gift_giver"] > 2 * amount["bargain_hunter"]


# -- who they are ---------------------------------------------------------------------------------


def test_consumers_are_won_every_day_to_the_last(both):
    assert both["acquired_on"].is_monotonic_increasing
    assert both["customer_id"].tolist() == list(range(1, len(both) + 1))
    assert both["acquired_on"].min() == dates.START
    assert both["acquired_on"].max() == dates.TODAY
    day = dates.days(both["acquired_on"])
    expected = people.won_by_day() * len(both)
    weeks = np.arange(dates.DAYS) // 7
    found = np.bincount(day, minlength=dates.DAYS)
    assert found[expected == 0].sum() == 0
    gap = pd.Series(found - expected).groupby(weeks).sum() / np.sqrt(pd.Series(expected).groupby(weeks).sum())
    assert gap.abs().max() < ERRORS
    assert gap.std() == pytest.approx(1, abs=0.2)


def test_no_edge_at_the_end(both):
    """The last two months win as many as the same two months a year before, but for the stated trend."""
    won = both.groupby(both["acquired_on"].dt.to_period("M")).size()
    last, before = won.loc["2026-05":"2026-06"].sum(), won.loc["2025-05":"2025-06"].sum()
    expected = np.exp(people.ACQUISITION.trend / 4)
    assert last / before == pytest.approx(expected, abs=ERRORS * expected * np.sqrt(1 / last + 1 / before))


def test_days_of_winning_know_weekends_and_festivals(both):
    usual = both[both["acquisition_channel"] != "fair"]  # fairs have days of their own
    count = usual.groupby("acquired_on").size().reindex(pd.date_range(dates.START, dates.TODAY), fill_value=0)
    weekday = count.groupby(count.index.day_of_week).mean()
    assert weekday.idxmax() == 5
    assert weekday[5] > 1.3 * weekday[1]
    ahead = dates.weeks_before("spring_festival")
    open_days = ~dates.closed()
    assert count[(ahead < 4) & open_days].mean() > 1.2 * count[(ahead > 8) & (ahead < 16)].mean()
    assert count[dates.closed()].sum() == 0


def test_acquisition_channels_follow_satisfaction_age_and_time(both):
    day = dates.days(both["acquired_on"])
    fair_on = dates.fair_days()[day]
    x = pd.DataFrame(
        {"const": 1.0, "satisfaction": both["satisfaction"], "age": both["age"] - people.AGE.mean}
    )
    x["trend"] = day / dates.DAYS - 0.5
    codes = pd.Series(pd.Categorical(both["acquisition_channel"], categories=people.SOURCES).codes)
    stated = people.SOURCE
    for usual, names in ((~fair_on, people.SOURCES[1:3]), (fair_on, people.SOURCES[1:])):
        fit = sm.MNLogit(codes[usual], x[usual]).fit(disp=False)
        for k, name in enumerate(names):
            for column in ("satisfaction", "age", "trend"):
                off = fit.params.loc[column, k] - (stated.loc[name, column] - stated.loc["shop", column])
                assert abs(off) <= ERRORS * fit.bse.loc[column, k], (name, column)


def test_fairs_win_customers_on_their_days_only(both):
    by_fair = both["acquisition_channel"] == "fair"
    on = dates.fair_days()[dates.days(both["acquired_on"])]
    assert not by_fair[~on].any()
    assert by_fair[on].mean() > 0.65
    assert by_fair.mean() == pytest.approx(people.SOURCE.loc["fair", "share"], abs=0.03)


def test_cities_keep_their_tier_and_competition_and_nearly_their_shares(both):
    known = both.groupby("city")[["city_tier", "competition"]].agg(lambda x: tuple(x.unique()))
    for city in people.CITIES.itertuples():
        assert known.loc[city.city, "city_tier"] == (city.city_tier,)
        assert known.loc[city.city, "competition"] == (city.competition,)
    share = both["city"].value_counts(normalize=True)
    assert np.abs(share - people.CITIES.set_index("city")["share"]).max() < 0.012


def test_competition_and_size_of_the_city_touch_buying(large, both):
    """Strong competition goes with leaving, large cities with large orders: seen in orders, not only in truth."""
    gone = both["dropped_out_on"].notna()
    strong = both["competition"] == "strong"
    assert gone[strong].mean() > gone[~strong].mean() + 0.02
    value = large.tables["orders"].groupby("customer_id")["amount"].mean()
    by_tier = both["customer_id"].map(value).groupby(both["city_tier"]).mean()
    assert by_tier.is_monotonic_decreasing
    assert by_tier[1] > 1.08 * by_tier[3]


def test_age_touches_buying(both):
    near = both["age"].between(25, 70)
    fit = smf.ols("purchase_rate ~ age", both[near]).fit()
    assert fit.params["age"] / fit.bse["age"] > 8
    old, young = both["age"] >= 55, both["age"] <= 30
    assert both.loc[old, "purchase_rate"].mean() > 1.2 * both.loc[young, "purchase_rate"].mean()


def test_ages_and_life_stages(both):
    limits = (np.array([people.AGE.lowest, people.AGE.highest]) - people.AGE.mean) / people.AGE.spread
    law = stats.truncnorm(*limits, loc=people.AGE.mean, scale=people.AGE.spread)
    assert both["age"].mean() == pytest.approx(law.mean(), abs=0.3)
    assert both["age"].std() == pytest.approx(law.std(), abs=0.3)
    assert both["age"].between(18, 85).all()
    count = both["age"].value_counts()
    assert count[18] < count[20] < count[25]  # not heaped at the limit
    median = both.groupby("life_stage")["age"].median()
    assert median[list(people.LIFE_STAGES.index)].is_monotonic_increasing
    near = np.abs(both["age"] - both["life_stage"].map(people.LIFE_STAGES))
    assert near.median() < 7


def test_ability_to_pay_goes_with_order_value_and_rises_to_the_empty_nest(both):
    assert sorted(both["ability_to_pay"].unique()) == [1, 2, 3, 4, 5]
    assert both["ability_to_pay"].value_counts(normalize=True).between(0.12, 0.3).all()
    rank = both[["ability_to_pay", "mean_order_value"]].corr("spearman").iloc[0, 1]
    assert 0.3 < rank < 0.6
    by_stage = both.groupby("life_stage")["ability_to_pay"].mean()
    assert by_stage[
        ["single", "couple", "young_children", "school_children", "empty_nest"]
    ].is_monotonic_increasing


# -- traits that later lessons ask for ------------------------------------------------------------


def test_the_wallet_holds_what_qinghe_gets(both):
    yearly = both["purchase_rate"] * both["mean_order_value"] * dates.YEAR / 7
    near = both["wallet"] > 200  # rounded to the fen and to four digits
    assert (yearly / both["wallet"])[near].sub(both["share_of_wallet"][near]).abs().max() < 2e-3
    logit = np.log(both["share_of_wallet"] / (1 - both["share_of_wallet"]))
    inner = both["share_of_wallet"].between(0.001, 0.999)
    fit = smf.ols("y ~ attachment", both.assign(y=logit)[inner]).fit()
    near_fit(fit, Intercept=people.WALLET.share_intercept, attachment=people.WALLET.share_attachment)


def test_bargain_hunters_answer_to_price_and_promotion_most(both):
    mean = both.groupby("buyer_class")[["price_elasticity", "promotion_response"]].median()
    for name in people.CLASSES:
        assert mean.loc[name].to_numpy() == pytest.approx(people.RESPONSE.loc[name].to_numpy(), rel=0.02)


def test_phases_of_loyalty_rise_with_loyalty_and_attachment(both):
    mean = both.groupby("loyalty_phase")[["loyalty", "attachment"]].mean().loc[list(people.PHASES.index)]
    assert mean["loyalty"].is_monotonic_increasing
    assert mean["attachment"].is_monotonic_increasing
    assert both["loyalty_phase"].value_counts(normalize=True).between(0.07, 0.45).all()


def test_reasons_for_staying_follow_their_causes(both):
    x = pd.DataFrame(
        {
            "const": 1.0,
            "satisfaction": both["satisfaction"],
            "attachment": both["attachment"],
            "weak_competition": (both["competition"] == "weak").astype(float),
        }
    )
    names = list(people.REASONS.index)
    fit = sm.MNLogit(pd.Categorical(both["loyalty_reason"], categories=names).codes, x).fit(disp=False)
    for k, name in enumerate(names[1:]):
        for column, stated in zip(x, people.REASONS.loc[name] - people.REASONS.loc[names[0]], strict=True):
            assert abs(fit.params.loc[column, k] - stated) <= ERRORS * fit.bse.loc[column, k], (name, column)


# -- can a segmentation find the classes? ---------------------------------------------------------

STUDY = Path(__file__).parents[1] / "studies" / "results" / "world_classes.csv"


@pytest.fixture(scope="module")
def study():
    """One row a cohort, by what the segmentation saw. Renew: python tests/studies/study_world_classes.py --write"""
    return pd.read_csv(STUDY).set_index(["seed", "features"])


def test_k_means_on_log_rfm_finds_something_and_not_all(study):
    rfm = study.xs("rfm", level="features")
    assert len(rfm) == 100
    assert (rfm["world"].astype(str) == VERSION).all()
    enough = (rfm["adjusted_rand"] >= 0.05) & (rfm["adjusted_rand"] > rfm["permuted_99"])
    assert enough.mean() >= 0.9
    assert rfm["adjusted_rand"].median() < 0.2


def test_the_table_of_the_study_is_that_of_today(study):
    """One cohort again: the committed table was made by this code and this world."""
    seed = study.index[0][0]
    again = study_world_classes.cohort(CUSTOMERS, seed).set_index("features")["adjusted_rand"]
    assert again.to_numpy() == pytest.approx(study.loc[seed, "adjusted_rand"].to_numpy(), abs=1e-4)


def test_the_adjusted_rand_index_is_one_of_equal_groups_and_nil_by_chance():
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 4, 20_000)
    assert study_world_classes.adjusted_rand(groups, 3 - groups) == pytest.approx(1)
    assert study_world_classes.adjusted_rand(groups, rng.permutation(groups)) == pytest.approx(0, abs=1e-3)
    # Hubert & Arabie's index by hand: pairs {01}{23} against {01}{2}{3}
    assert study_world_classes.adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx(4 / 7)
