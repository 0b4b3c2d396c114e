"""Consumers and leads: marginals, ties between latents, channels, cities, ages, conversion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from recovery import ERRORS, follows, near_fit, near_mean, near_sd, near_share, near_shares
from scipy import stats
from scipy.special import betainc, gammainc, ndtr, ndtri

from crmlab.simulate import parameters as par
from crmlab.simulate import people, world
from crmlab.simulate.parameters import P

LIFE_STAGES = {
    "single": 23,
    "couple": 30,
    "young_children": 36,
    "school_children": 46,
    "empty_nest": 57,
    "retired": 70,
}


@pytest.fixture(scope="module")
def both(large):
    """Consumers with the truth about them."""
    return large.tables["consumers"].merge(large.truth["consumers"], on="customer_id")


# -- latents --------------------------------------------------------------------------------------


def test_classes_have_their_shares(both):
    near_shares(both["buyer_class"], dict(zip(par.CLASSES, par.CLASS_SHARES, strict=True)))


def test_rate_dropout_and_value_have_exactly_their_marginals(both):
    follows(both["purchase_rate"], stats.gamma(P["bgnbd", "r"], scale=1 / P["bgnbd", "alpha"]))
    # truth is rounded to six decimals: probabilities below that are no test of the law
    dropout = both.loc[both["dropout_probability"] > 1e-4, "dropout_probability"]
    follows(dropout, stats.beta(P["bgnbd", "a"], P["bgnbd", "b"]))
    scale = P["gamma_gamma", "p"] * P["gamma_gamma", "v"]
    follows(both["mean_order_value"], stats.invgamma(P["gamma_gamma", "q"], scale=scale))


def test_satisfaction_is_tied_to_dropout_and_rate_which_stay_independent(both):
    rank = both[["satisfaction", "dropout_probability", "purchase_rate"]].corr("spearman")
    assert rank.loc["satisfaction", "dropout_probability"] == pytest.approx(-0.5, abs=0.02)
    assert rank.loc["satisfaction", "purchase_rate"] == pytest.approx(0.2, abs=0.02)
    assert abs(rank.loc["dropout_probability", "purchase_rate"]) < 0.02


def test_normal_scores_of_behaviour_have_unit_spread_and_the_stated_ties():
    """The copula exactly, on many people: three unit normals, of which two are tied to satisfaction alone."""
    many = people.latents(5, 300_000, 0.0)
    scale = P["gamma_gamma", "p"] * P["gamma_gamma", "v"]
    z = pd.DataFrame(
        {
            "satisfaction": many["satisfaction"],
            "rate": ndtri(gammainc(P["bgnbd", "r"], P["bgnbd", "alpha"] * many["purchase_rate"])),
            "dropout": ndtri(betainc(P["bgnbd", "a"], P["bgnbd", "b"], many["dropout_probability"])),
            "value": -ndtri(gammainc(P["gamma_gamma", "q"], scale / many["mean_order_value"])),
        }
    )
    for name in z:
        near_mean(z[name], 0, name)
        near_sd(z[name], 1, name)
    stated = pd.DataFrame(np.eye(4), z.columns, z.columns)
    for name in ("rate", "dropout"):
        r = 2 * np.sin(np.pi * P["bgnbd", f"satisfaction_{name}"] / 6)
        stated.loc["satisfaction", name] = r
        stated.loc[name, "satisfaction"] = r
    assert np.abs(z.corr() - stated).to_numpy().max() < ERRORS / np.sqrt(len(z))


def test_order_value_is_independent_unless_switched(both):
    rank = both[["mean_order_value", "purchase_rate", "dropout_probability", "satisfaction"]].corr("spearman")
    assert rank["mean_order_value"].drop("mean_order_value").abs().max() < 0.02
    for r in (-0.6, 0.6):
        tied = people.latents(17, 20_000, r)
        found = tied[["purchase_rate", "mean_order_value"]].corr("spearman").iloc[0, 1]
        assert found == pytest.approx(6 / np.pi * np.arcsin(r / 2), abs=0.02)
        law = stats.invgamma(P["gamma_gamma", "q"], scale=P["gamma_gamma", "p"] * P["gamma_gamma", "v"])
        follows(tied["mean_order_value"], law)


def test_the_switch_reaches_the_world():
    tied = world(17, 3_000, accounts=10, value_rate_correlation=0.6).truth["consumers"]
    assert tied[["purchase_rate", "mean_order_value"]].corr("spearman").iloc[0, 1] > 0.5


def test_index_scores_follow_the_structural_model(both):
    for name in par.CONSTRUCTS[1:]:
        parents = [cause for cause, effect in par.STRUCTURAL if effect == name]
        fit = sm.OLS(both[name], both[parents]).fit()
        near_fit(fit, **{cause: par.STRUCTURAL[cause, name] for cause in parents})
    near_sd(both["loyalty"], 1)


# -- consumers ------------------------------------------------------------------------------------


def test_customers_are_won_ever_faster_until_april_2026(both):
    assert both["acquired_on"].is_monotonic_increasing
    assert both["customer_id"].tolist() == list(range(1, len(both) + 1))
    day = (both["acquired_on"] - par.START).dt.days
    assert day.min() == 0
    assert both["acquired_on"].max() == pd.Timestamp("2026-04-30")
    smoothed = day + np.random.default_rng(1).random(len(day))
    follows((smoothed / 1400) ** (1 / 1.25), stats.uniform())


def test_acquisition_channels_follow_satisfaction_and_time(both):
    day = (both["acquired_on"] - par.START).dt.days
    x = pd.DataFrame({"const": 1.0, "satisfaction": both["satisfaction"], "time": day / day.max()})
    source = pd.Categorical(both["acquisition_channel"], categories=list(par.SOURCES)).codes
    fit = sm.MNLogit(source, x).fit(disp=False)
    for k, name in enumerate(par.SOURCES[1:], start=1):
        trend = 0.8 if name == "online" else 0.0  # online gains over the years, from -.4 to +.4
        stated = {
            "const": np.log(par.SOURCE_SHARES[k] / par.SOURCE_SHARES[0]) - trend / 2,
            "satisfaction": par.SOURCE_SATISFACTION[k] - par.SOURCE_SATISFACTION[0],
            "time": trend,
        }
        for column, value in stated.items():
            found = fit.params.loc[column, k - 1]
            assert abs(found - value) <= ERRORS * fit.bse.loc[column, k - 1], (name, column, found)


def test_cities_have_their_shares_tier_and_competition(both):
    near_shares(both["city"], dict(par.CITIES[["city", "share"]].to_numpy()))
    seen = both[["city", "city_tier", "competition"]].drop_duplicates()
    assert len(seen) == len(par.CITIES) == len(seen.merge(par.CITIES))


def test_who_comes_online_is_five_years_younger(both):
    assert both["age"].between(18, 85).all()
    inner = stats.norm(41, 13)
    offline = both.loc[both["acquisition_channel"] != "online", "age"]
    online = both.loc[both["acquisition_channel"] == "online", "age"]
    for edge in (25.5, 35.5, 45.5, 55.5, 70.5):
        near_share(offline < edge, inner.cdf(edge), edge)
        near_share(online < edge, inner.cdf(edge + 5), edge)


def test_life_stages_go_with_age(both):
    means = both.groupby("life_stage")["age"].mean().reindex(list(LIFE_STAGES))
    assert means.is_monotonic_increasing
    for stage, centre in LIFE_STAGES.items():
        here = both.loc[both["age"].between(centre - 1, centre + 1), "life_stage"]
        assert here.mode()[0] == stage
    # the share of a stage falls off as a bell nine years wide
    weight = {stage: np.exp(-(((both["age"] - c) / 9) ** 2)) + 0.005 for stage, c in LIFE_STAGES.items()}
    total = sum(weight.values())
    band = pd.cut(both["age"], [17, 26, 33, 41, 51, 63, 85])
    for stage in LIFE_STAGES:
        for years in band.cat.categories:
            here = band == years
            near_mean((both["life_stage"] == stage)[here], (weight[stage] / total)[here], (stage, years))


def test_ability_to_pay_is_a_noisy_reading_of_order_value(both):
    assert set(both["ability_to_pay"]) == {1, 2, 3, 4, 5}
    worth = np.log(both["mean_order_value"] / 150)
    for rich in (True, False):
        here = (worth > worth.median()) == rich
        for level, edge in enumerate((-0.9, -0.35, 0.25, 0.8), start=1):
            near_mean(
                both.loc[here, "ability_to_pay"] > level, ndtr((worth[here] - edge) / 0.6), (rich, level)
            )


# -- leads ----------------------------------------------------------------------------------------


def test_every_customer_was_a_lead_once_and_leads_convert_at_their_rate(large):
    leads = large.tables["leads"]
    won = leads.dropna(subset="customer_id")
    assert sorted(won["customer_id"]) == large.tables["consumers"]["customer_id"].tolist()
    assert (won["contacted"] == 1).all()
    for channel, rate in zip(par.SOURCES, par.SOURCE_CONVERSION, strict=True):
        here = leads["channel"] == channel
        assert leads.loc[here, "customer_id"].notna().mean() == pytest.approx(rate, abs=0.0005), channel
    source = large.tables["consumers"].set_index("customer_id")["acquisition_channel"]
    assert (source.loc[won["customer_id"]].to_numpy() == won["channel"].to_numpy()).all()


def test_a_lead_comes_up_to_thirty_days_before_the_customer(large):
    won = large.tables["leads"].merge(large.tables["consumers"], on="customer_id")
    wait = (won["acquired_on"] - won["created_on"]).dt.days
    inner = wait[won["acquired_on"] >= par.START + pd.Timedelta(days=30)]
    near_shares(inner, dict.fromkeys(range(31), 1 / 31))
    assert large.tables["leads"]["created_on"].min() == par.START
    assert large.tables["leads"]["created_on"].max() == pd.Timestamp("2026-04-30")
    lost = large.tables["leads"].query("customer_id.isna()")
    day = (lost["created_on"] - par.START).dt.days + np.random.default_rng(1).random(len(lost))
    follows((day / 1400) ** (1 / 1.25), stats.uniform())


def test_scores_tell_good_customers_apart_with_noise(large, both):
    leads = large.tables["leads"]
    assert leads["score"].between(0, 100).all()
    won = leads.merge(both, on="customer_id")
    won["log_rate"] = np.log(won["purchase_rate"] + 0.02)
    won["log_value"] = np.log(won["mean_order_value"] / 150)
    fit = smf.ols("score ~ log_rate + log_value", won.loc[won["log_rate"].between(-3.2, -0.5)]).fit()
    assert fit.params["log_rate"] == pytest.approx(12 * 0.55, abs=0.35)
    assert fit.params["log_value"] == pytest.approx(12 * 0.8, abs=0.35)
    assert fit.params["Intercept"] == pytest.approx(55 + 12 * 1.2, abs=0.6)
    assert np.sqrt(fit.scale) == pytest.approx(11, abs=0.35)
    lost = leads[leads["customer_id"].isna()]
    near_mean(lost["score"], 47)
    assert won["score"].mean() > lost["score"].mean() + 5


def test_lost_leads_were_contacted_by_their_score_and_cost_accordingly(large):
    leads = large.tables["leads"]
    lost = leads[leads["customer_id"].isna()]
    inner = lost[lost["score"].between(1, 67)]
    near_mean(inner["contacted"], 0.25 + inner["score"] / 90)
    assert (lost.loc[lost["score"] > 68, "contacted"] == 1).all()
    for channel, cost in zip(par.SOURCES, par.SOURCE_LEAD_COST, strict=True):
        for contacted, factor in ((1, 1.0), (0, 0.15)):
            paid = leads.loc[(leads["channel"] == channel) & (leads["contacted"] == contacted), "cost"]
            near_mean(paid, cost * factor, (channel, contacted))
            assert paid.between(0.7 * cost * factor - 0.006, 1.3 * cost * factor + 0.006).all()


def test_leads_are_numbered_by_date_and_the_number_tells_no_more(large):
    leads = large.tables["leads"]
    assert leads["lead_id"].tolist() == list(range(1, len(leads) + 1))
    assert leads["created_on"].is_monotonic_increasing
    same_day = leads.groupby(["created_on", "channel"])["score"]
    assert same_day.apply(lambda s: s.is_monotonic_increasing).all()
