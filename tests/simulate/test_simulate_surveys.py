"""Surveys and tracked series: items, gaps, categories, choices, shifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import (
    ERRORS,
    near_fit,
    near_mean,
    near_sd,
    near_share,
    near_shares,
    no_tie,
    rounded_mean,
    rounded_sd,
)
from scipy.optimize import minimize
from scipy.special import expit

from crmlab.pls import PLSPathModel
from crmlab.simulate import parameters as par
from crmlab.simulate import surveys
from crmlab.simulate.parameters import P

SURVEYS = {
    "satisfaction_survey": None,
    "service_quality_survey": 0.20,
    "kano_survey": 0.15,
    "offer_choices": 0.20,
}


def latents(world: object, table: str, *columns: str) -> np.ndarray:
    """Return true scores of the respondents of a survey, one column each."""
    scores = world.truth["consumers"].set_index("customer_id")
    found = scores.loc[world.tables[table]["customer_id"], list(columns)].to_numpy()
    return found[:, 0] if len(columns) == 1 else found


@pytest.mark.parametrize(("table", "share"), SURVEYS.items())
def test_surveys_ask_only_those_already_won(large, table, share):
    won = large.tables["consumers"].set_index("customer_id")["acquired_on"]
    who = large.tables[table]["customer_id"].drop_duplicates()
    assert won.loc[who].max() == par.SURVEY - pd.Timedelta(days=1)
    assert who.is_monotonic_increasing
    if share:
        assert len(who) == round(share * len(won))
        invited = won[won < par.SURVEY].index
        near_mean(who, np.mean(invited))  # early and late customers alike


# -- satisfaction ---------------------------------------------------------------------------------


def test_structural_paths_come_back_from_true_scores(complete):
    scores, _ = complete
    assert scores.var().to_numpy() == pytest.approx(1, abs=0.02)
    for name in par.CONSTRUCTS[1:]:
        parents = [cause for cause, effect in par.STRUCTURAL if effect == name]
        found = np.linalg.lstsq(scores[parents].to_numpy(), scores[name].to_numpy(), rcond=None)[0]
        assert found == pytest.approx([par.STRUCTURAL[cause, name] for cause in parents], abs=0.015), name


def test_answers_have_their_means_and_spread(complete):
    _, items = complete
    assert items.shape[1] == 26
    assert items.min().min() == 1
    assert items.max().max() == 10
    for construct, (_, means) in par.ITEMS.items():
        for k, mean in enumerate(means, start=1):
            answers = items[f"{construct}_{k}"]
            near_mean(answers, rounded_mean(mean, par.ITEM_SD, 1, 10), (construct, k))
            near_sd(answers, rounded_sd(mean, par.ITEM_SD, 1, 10), (construct, k))


def test_observed_loadings_come_back(complete):
    scores, items = complete
    for row in surveys.loadings().itertuples():
        found = np.corrcoef(scores[row.construct], items[row.item])[0, 1]
        assert found == pytest.approx(row.loading_observed, abs=0.006), row.item
        assert row.loading_observed < row.loading == par.ITEMS[row.construct][0][int(row.item[-1]) - 1]


def test_items_correlate_by_their_loadings_and_the_common_method(complete):
    """All 325 correlations: loading times loading times latent correlation, plus the method, less the rounding."""
    scores, items = complete
    of = surveys.loadings().set_index("item")
    kept = (of["loading_observed"] / of["loading"]).to_numpy()
    latent = scores.corr().loc[of["construct"], of["construct"]].to_numpy()
    raw = np.outer(of["loading"], of["loading"]) * latent + par.METHOD_LOADING**2
    off = items.corr().to_numpy() - raw * np.outer(kept, kept)
    np.fill_diagonal(off, 0)
    assert np.abs(off).max() < 0.015
    assert abs(off.mean()) < 0.002


def test_pls_converges_to_pls_population_and_not_to_structural(complete):
    _, items = complete
    blocks = {c: [f"{c}_{k}" for k in range(1, len(x) + 1)] for c, (x, _) in par.ITEMS.items()}
    model = PLSPathModel(items, blocks=blocks, paths=list(par.STRUCTURAL), scheme="path")
    found = model.fit().path_coefficients
    for arrow, value in par.PLS_POPULATION.items():
        assert found.loc[arrow] == pytest.approx(value, abs=0.012), arrow
    assert found.loc["quality", "value"] < par.STRUCTURAL["quality", "value"] - 0.03


def test_who_answers_depends_on_satisfaction(large):
    people = large.tables["consumers"].merge(large.truth["consumers"], on="customer_id")
    people = people[people["acquired_on"] < par.SURVEY]
    answered = people["customer_id"].isin(large.tables["satisfaction_survey"]["customer_id"]).astype(int)
    fit = sm.Logit(answered, pd.DataFrame({"const": 1.0, "s": people["satisfaction"]})).fit(disp=False)
    near_fit(
        fit,
        const=P["satisfaction_survey", "answer_intercept"],
        s=P["satisfaction_survey", "answer_satisfaction"],
    )
    assert large.tables["satisfaction_survey"]["customer_id"].is_unique


def test_answers_are_missing_at_random(large):
    survey = large.tables["satisfaction_survey"]
    items = survey[[c for c in survey if c.rsplit("_", 1)[-1].isdigit()]]
    near_share(items.isna().to_numpy().ravel(), P["satisfaction_survey", "missing"])
    satisfaction = latents(large, "satisfaction_survey", "satisfaction")
    gaps = items.isna().sum(axis=1)
    assert abs(np.corrcoef(gaps, satisfaction)[0, 1]) < ERRORS / np.sqrt(len(gaps))
    assert survey.drop(columns=items.columns).notna().all(axis=None)


def test_the_survey_holds_the_answers_of_the_very_customers(large):
    survey = large.tables["satisfaction_survey"]
    for construct, (generating, _) in par.ITEMS.items():
        score = latents(large, "satisfaction_survey", construct)
        found = np.corrcoef(survey[f"{construct}_1"].astype(float).fillna(7), score)[0, 1]
        assert found == pytest.approx(generating[0], abs=0.1), construct


def test_competition_bends_the_way_to_recommendation(large):
    survey = large.tables["satisfaction_survey"].merge(large.tables["consumers"])
    s, loyalty = latents(large, "satisfaction_survey", "satisfaction", "loyalty").T
    strong = (survey["competition"] == "strong").to_numpy()
    bend = np.where(strong, 0.35 * s + 0.75 * np.maximum(s - 0.5, 0), 0.75 * s)
    stated = {
        "recommend": rounded_mean(7.6 + 1.4 * bend + 0.7 * loyalty, 1.1, 0, 10),
        "attention_to_rivals": rounded_mean(5.2 - 0.9 * s - 0.5 * loyalty + 0.8 * strong, 1.5, 1, 10),
        "other_products": rounded_mean(6.2 + 0.8 * s + 0.6 * loyalty, 1.5, 1, 10),
    }
    for column, expected in stated.items():
        left = survey[column] - expected
        for cause in (s, loyalty, strong):
            no_tie(left, cause, column)
        for where in (strong, ~strong):
            for part in (s < -0.5, np.abs(s) <= 0.5, s > 0.5, loyalty > 1):
                near_mean(survey.loc[where & part, column], expected[where & part], column)
    # where there is choice, content is not enough to be recommended, and delight is worth more
    for part, sign in (((s > 0) & (s < 0.8), -1), (s > 1.5, 1)):
        gap = survey.loc[strong & part, "recommend"].mean() - survey.loc[~strong & part, "recommend"].mean()
        assert sign * gap > 0.1


def test_the_dissatisfied_name_what_to_improve(large):
    survey = large.tables["satisfaction_survey"]
    s = latents(large, "satisfaction_survey", "satisfaction")
    for part in (s < 0, s > 0):
        near_mean(survey.loc[part, "improvement"] != "none", np.clip(0.55 - 0.12 * s[part], 0.1, 0.95))
    wishes = survey.loc[survey["improvement"] != "none", "improvement"]
    shares = {
        "faster_delivery": 0.34,
        "lower_prices": 0.26,
        "fresher_tea": 0.14,
        "better_packaging": 0.14,
        "friendlier_staff": 0.12,
    }
    near_shares(wishes, shares)


# -- service quality ------------------------------------------------------------------------------


def test_service_items_have_their_means_by_dimension(large):
    survey = large.tables["service_quality_survey"]
    expectation, quality = latents(large, "service_quality_survey", "expectation", "quality").T
    e_sd = np.hypot(0.35, 0.6)
    p_sd = np.hypot(0.6, 0.7)
    assert sum(par.DIMENSIONS.values()) == 22
    for (name, items), e_mean, p_mean in zip(
        par.DIMENSIONS.items(), par.EXPECTED_MEANS, par.PERCEIVED_MEANS, strict=True
    ):
        for k in range(1, items + 1):
            expected = rounded_mean(e_mean + 0.5 * expectation, e_sd, 1, 7)
            tilt = 0.25 * (k - (items + 1) / 2)
            perceived = rounded_mean(p_mean + 0.8 * quality + tilt, p_sd, 1, 7)
            no_tie(survey[f"{name}_{k}_expected"] - expected, expectation, (name, k))
            no_tie(survey[f"{name}_{k}_perceived"] - perceived, quality, (name, k))
            for half in (True, False):
                high = (expectation > 0) == half
                near_mean(survey.loc[high, f"{name}_{k}_expected"], expected[high], (name, k))
                high = (quality > 0) == half
                near_mean(survey.loc[high, f"{name}_{k}_perceived"], perceived[high], (name, k))


def test_items_of_a_dimension_share_what_the_respondent_feels(large):
    """The gap of a dimension in truth is perceived less expected: its items scatter about it."""
    survey = large.tables["service_quality_survey"]
    truth = large.truth["service_quality"]
    assert truth["customer_id"].tolist() == survey["customer_id"].tolist()
    expectation, quality = latents(large, "service_quality_survey", "expectation", "quality").T
    for name, e_mean, p_mean in zip(par.DIMENSIONS, par.EXPECTED_MEANS, par.PERCEIVED_MEANS, strict=True):
        gap = truth[f"gap_{name}"]
        left = gap - (p_mean - e_mean + 0.8 * quality - 0.5 * expectation)
        near_mean(left, 0, name)
        near_sd(left, np.hypot(0.35, 0.6), name)
        seen = survey[f"{name}_2_perceived"] - survey[f"{name}_2_expected"]
        assert np.corrcoef(seen, gap)[0, 1] > 0.6, name
        assert np.corrcoef(seen, left)[0, 1] > 0.25, name


def test_the_felt_gap_weighs_the_dimensions(large):
    truth = large.truth["service_quality"]
    weighted = sum(
        weight * truth[f"gap_{name}"]
        for name, weight in zip(par.DIMENSIONS, par.DERIVED_WEIGHTS, strict=True)
    )
    assert truth["gap"].to_numpy() == pytest.approx(weighted.to_numpy(), abs=1e-5)
    expectation = latents(large, "service_quality_survey", "expectation")
    near_mean(truth["expected"] - 0.5 * expectation, np.dot(par.DERIVED_WEIGHTS, par.EXPECTED_MEANS))


def test_relationship_items_have_their_expected_level_and_gap(large):
    survey = large.tables["service_quality_survey"]
    expectation, quality = latents(large, "service_quality_survey", "expectation", "quality").T
    for k, (mean, gap) in enumerate(
        zip(par.RELATIONSHIP_EXPECTED, par.RELATIONSHIP_GAPS, strict=True), start=1
    ):
        expected = rounded_mean(mean + 0.3 * expectation, 0.7, 1, 7)
        perceived = rounded_mean(mean + gap + 0.45 * quality, 0.8, 1, 7)
        no_tie(survey[f"relationship_{k}_expected"] - expected, expectation, k)
        no_tie(survey[f"relationship_{k}_perceived"] - perceived, quality, k)
        for half in (True, False):
            here = (expectation > 0) == half
            near_mean(survey.loc[here, f"relationship_{k}_expected"], expected[here], k)
            here = (quality > 0) == half
            near_mean(survey.loc[here, f"relationship_{k}_perceived"], perceived[here], k)
        near_sd(survey[f"relationship_{k}_perceived"], rounded_sd(mean + gap, np.hypot(0.45, 0.8), 1, 7), k)


def test_stated_points_add_up_to_a_hundred_in_fives(large):
    points = large.tables["service_quality_survey"][[f"points_{name}" for name in par.DIMENSIONS]]
    assert (points.sum(axis=1) == 100).all()
    assert (points % 5 == 0).all(axis=None)
    assert (points >= 0).all(axis=None)
    assert points.mean().to_numpy() == pytest.approx(np.array(par.STATED_POINTS), abs=0.5)
    total = 1.5 * sum(par.STATED_POINTS)
    share = np.array(par.STATED_POINTS) / 100
    spread = np.sqrt(
        100**2 * share * (1 - share) / (total + 1) + 5**2 / 12
    )  # of a Dirichlet, rounded to fives
    assert points.std().to_numpy() == pytest.approx(spread, rel=0.13)


def test_falling_short_hurts_more_than_exceeding_pleases(large):
    truth = large.truth["service_quality"]
    visit = large.tables["service_quality_survey"]["visit_satisfaction"]
    x = pd.DataFrame(
        {
            "base": 1.0,
            "expectation": truth["expected"] - 5.5,
            "negative": truth["gap"].clip(upper=0),
            "positive": truth["gap"].clip(lower=0),
        }
    )
    left = visit - sum(P["disconfirmation", name] * x[name] for name in x) - truth["noise"]
    inside = visit.between(1.1, 9.9)
    assert left[inside].abs().max() < 0.0501  # but for rounding to tenths
    near_mean(truth["noise"], 0)
    near_sd(truth["noise"], P["disconfirmation", "noise"])


def test_visits_are_bought_again_with_the_stated_probability(large):
    survey = large.tables["service_quality_survey"]
    p = large.truth["service_quality"]["repurchase_probability"]
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.8), (0.8, 1)):
        here = p.between(low, high)
        near_mean(survey.loc[here, "buys_again"], p[here], (low, high))
    assert p.to_numpy() == pytest.approx(
        surveys.repurchase_given_satisfaction(survey["visit_satisfaction"].to_numpy()), abs=0.02
    )


def test_repurchase_is_flat_between_two_knees():
    d = {name: P["delight", name] for name in ("intercept", "below", "zone", "threshold", "above")}
    at = d["intercept"]
    knee = at + 2.5 * d["below"]
    delight = knee + (d["threshold"] - 6.5) * d["zone"]
    visit = np.array([1.0, 4.0, 6.5, 7.0, d["threshold"], 10.0])
    logit = [at - 3 * d["below"], at, knee, knee + 0.5 * d["zone"], delight, delight + 2 * d["above"]]
    assert surveys.repurchase_given_satisfaction(visit) == pytest.approx(expit(logit))
    assert d["zone"] < 0.2 * min(d["below"], d["above"])


def test_an_improvement_project_closes_its_gap_by_its_weight():
    """By hand, for one visit that fell short and one that pleased."""
    behind = pd.DataFrame({"gap": [-1.0, 0.5], "expected": [5.5, 6.0], "noise": [0.0, 0.2]})
    visit = np.array([7.5 - 1.6, 7.5 + 0.5 * 0.5 + 0.15 * 0.5 + 0.2])
    behind["repurchase_probability"] = surveys.repurchase_given_satisfaction(visit)
    found = surveys.improvement_effects(behind).set_index("dimension")["repurchase_gain"]
    assert list(found.index) == list(par.DIMENSIONS)
    for project, weight in zip(par.IMPROVEMENTS.itertuples(), par.DERIVED_WEIGHTS, strict=True):
        closed = weight * project.gap_points
        after = visit + np.array([1.6 * closed, 0.5 * closed])
        gain = surveys.repurchase_given_satisfaction(after) - behind["repurchase_probability"]
        assert found[project.dimension] == pytest.approx(gain.mean())


def test_truth_names_what_each_project_gains_among_the_respondents(large):
    gain = large.truth["improvements"].set_index("dimension")["repurchase_gain"]
    closed = par.IMPROVEMENTS["gap_points"] * np.array(par.DERIVED_WEIGHTS)
    assert (gain > 0).all()
    assert gain.rank().tolist() == closed.rank().tolist()
    # beside the stated weights, what a respondent's own slope says
    truth = large.truth["service_quality"]
    assert gain["reliability"] == pytest.approx(
        surveys.improvement_effects(truth).set_index("dimension").loc["reliability", "repurchase_gain"],
        abs=1e-5,
    )


# -- Kano -----------------------------------------------------------------------------------------


def test_kano_categories_have_their_shares_by_feature(large):
    truth = large.truth["kano_categories"]
    for feature, shares in par.KANO_FEATURES.items():
        here = truth.loc[truth["feature"] == feature, "category"]
        stated = dict(zip(par.KANO_CATEGORIES, shares, strict=True))
        near_shares(here, stated, feature)
    # each respondent draws each feature's category anew
    wide = truth.pivot(index="customer_id", columns="feature", values="category") == "must-be"
    other = wide.corr().to_numpy()[np.triu_indices(10, 1)]
    assert np.nanmax(np.abs(other)) < ERRORS / np.sqrt(len(wide))


CELLS = {
    "attractive": [("like", d) for d in par.KANO_ANSWERS[1:4]],
    "one-dimensional": [("like", "dislike")],
    "must-be": [(f, "dislike") for f in par.KANO_ANSWERS[1:4]],
    "indifferent": [(f, d) for f in par.KANO_ANSWERS[1:4] for d in par.KANO_ANSWERS[1:4]],
    "reverse": [(f, "like") for f in par.KANO_ANSWERS[1:4]] + [("dislike", d) for d in par.KANO_ANSWERS[:4]],
}


@pytest.mark.parametrize("category", par.KANO_CATEGORIES)
def test_answers_lie_in_the_cells_of_the_category_but_for_slips(large, category):
    both = large.tables["kano_survey"].merge(large.truth["kano_categories"])
    assert len(both) == len(large.tables["kano_survey"])
    here = both[both["category"] == category]
    drawn = [CELLS[category][k % len(CELLS[category])] for k in range(36)]
    slip = par.KANO_ERROR
    for f in par.KANO_ANSWERS:
        for d in par.KANO_ANSWERS:
            p = np.mean(
                [((1 - slip) * (f == a) + slip / 5) * ((1 - slip) * (d == b) + slip / 5) for a, b in drawn]
            )
            near_share((here["functional"] == f) & (here["dysfunctional"] == d), p, (f, d))


# -- offers ---------------------------------------------------------------------------------------


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
    assert found == pytest.approx([P["offer_choice", "benefit"], P["offer_choice", "price"]], rel=0.04)


def test_respondents_see_the_offers_benefits_with_their_own_eyes(large):
    wide = large.tables["offer_choices"].pivot(index="customer_id", columns="offer", values="benefit")
    inner = ["rival_leaf", "supermarket", "qinghe_classic"]  # rarely at an end of the scale
    stated = par.OFFERS.set_index("offer")["benefit"]
    for offer in inner:
        assert wide[offer].mean() == pytest.approx(stated[offer], abs=0.05)
        assert wide[offer].std() == pytest.approx(np.hypot(0.5, 1.1), abs=0.05)
    common = wide[inner].corr().to_numpy()[np.triu_indices(3, 1)]
    assert common == pytest.approx(0.25 / (0.25 + 1.21), abs=0.04)
    assert wide.min().min() >= 1
    assert wide.max().max() == 10
    assert wide.mean().rank().equals(stated.reindex(wide.columns).rank())


def test_a_shop_does_not_know_the_benefit_of_an_offer(shipped):
    offers = shipped.tables["competing_offers"]
    assert "benefit" not in offers
    assert offers["price"].tolist() == par.OFFERS["price"].tolist()


# -- tracked series -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trackers():
    return pd.concat([surveys.satisfaction_tracker(seed).assign(seed=seed) for seed in range(300)])


def test_the_tracker_has_one_real_shift(trackers):
    alarm = trackers["quarter"].rank(method="dense") == P["tracker", "false_alarm_quarter"]
    number = trackers["quarter"].rank(method="dense")
    after = number >= P["tracker", "shift_quarter"]
    for k in range(1, 21):
        if k == P["tracker", "false_alarm_quarter"]:
            continue
        level = P["tracker", "level"] + P["tracker", "shift"] * (k >= P["tracker", "shift_quarter"])
        near_mean(trackers.loc[number == k, "mean_index"], level, k)
    usual = trackers[~alarm]
    error = (usual["mean_index"] - 68 - 4 * after[~alarm]) / (18 / np.sqrt(usual["respondents"]))
    near_sd(error, 0.75)  # calmer than chance alone: no second alarm
    near_mean(usual["sd_index"], 18)
    near_sd(usual["sd_index"], 0.8)
    assert usual["respondents"].min() == 180
    assert usual["respondents"].max() == 260


def test_the_false_alarm_is_a_small_sample(trackers):
    number = trackers["quarter"].rank(method="dense")
    alarm = trackers[number == P["tracker", "false_alarm_quarter"]]
    assert P["tracker", "false_alarm_quarter"] < P["tracker", "shift_quarter"]
    assert (alarm["respondents"] == 32).all()
    assert alarm["mean_index"].to_numpy() == pytest.approx(68 - 2 * 18 / np.sqrt(32), abs=0.06)
    # startling beside 180 answers and more, ordinary for 32
    assert -3 * 18 / np.sqrt(32) < alarm["mean_index"].iloc[0] - 68 < -3 * 18 / np.sqrt(180)


def test_tracker_counts_fit_the_index(trackers):
    counts = trackers[["promoters", "passives", "detractors"]]
    assert (counts.sum(axis=1) == trackers["respondents"]).all()
    assert (counts >= 0).all(axis=None)
    rise = (trackers["mean_index"] - 68) / 90
    assert trackers["promoters"].sum() == pytest.approx(
        ((0.34 + rise) * trackers["respondents"]).sum(), rel=0.005
    )
    fall = 0.30 - (trackers["mean_index"] - 68) / 110
    rest = trackers["respondents"] - trackers["promoters"]
    assert trackers["detractors"].sum() == pytest.approx((fall * rest).sum(), rel=0.01)
    near = trackers["mean_index"] < 67
    assert trackers.loc[near, "promoters"].sum() == pytest.approx(
        ((0.34 + rise) * trackers["respondents"])[near].sum(), rel=0.015
    )
    assert trackers.loc[near, "detractors"].sum() == pytest.approx((fall * rest)[near].sum(), rel=0.015)


def test_the_tracker_runs_by_quarters_to_today(shipped):
    quarter = shipped.tables["satisfaction_tracker"]["quarter"]
    assert len(quarter) == 20
    assert quarter.max() + pd.offsets.QuarterEnd() == par.TODAY
    assert (quarter.dt.to_period("Q").astype("int64").diff().dropna() == 1).all()


@pytest.fixture(scope="module")
def lots():
    return pd.concat([surveys.inspections(seed) for seed in range(120)])


def test_one_suppliers_lots_get_worse_at_the_shift(lots):
    late = lots["inspection_id"] >= P["inspection", "shift_week"]
    worse = late & (lots["supplier"] == "supplier_2")
    for where, rate in ((worse, "shifted_rate"), (~worse, "defect_rate")):
        packs = lots.loc[where, "inspected"].sum()
        p = P["inspection", rate]
        found = lots.loc[where, "defective"].sum() / packs
        assert abs(found - p) < ERRORS * np.sqrt(p * (1 - p) / packs), (rate, found)
    first = lots[worse & (lots["inspection_id"] == P["inspection", "shift_week"])]
    assert first["defective"].sum() / first["inspected"].sum() > 0.06
    near_shares(lots["supplier"], {"supplier_1": 0.5, "supplier_2": 0.3, "supplier_3": 0.2})
    assert lots["inspected"].min() == 150
    assert lots["inspected"].max() == 250


def test_the_worse_lots_have_another_cause(lots):
    worse = (lots["inspection_id"] >= P["inspection", "shift_week"]) & (lots["supplier"] == "supplier_2")
    shifted = (0.25, 0.52, 0.06, 0.12, 0.05)
    causes = list(par.DEFECTS)
    assert (lots[causes].sum(axis=1) == lots["defective"]).all()
    for where, shares in ((worse, shifted), (~worse, par.DEFECT_SHARES)):
        found = lots.loc[where, causes].sum()
        total = found.sum()
        for cause, share in zip(causes, shares, strict=True):
            error = np.sqrt(share * (1 - share) / total)
            assert abs(found[cause] / total - share) < ERRORS * error, (cause, found[cause] / total)


def test_lots_come_every_monday_of_the_history(shipped):
    lots = shipped.tables["inspections"]
    assert (lots["date"].dt.day_of_week == 0).all()
    assert (lots["date"].diff().dropna() == pd.Timedelta(days=7)).all()
    assert lots["date"].min() == pd.Timestamp("2022-07-04")
    assert lots["date"].max() == pd.Timestamp("2026-06-29")
    assert lots["inspection_id"].tolist() == list(range(1, len(lots) + 1))
    shift = lots.set_index("inspection_id")["date"].loc[P["inspection", "shift_week"]]
    assert pd.Timestamp("2025-07-01") <= shift <= par.TODAY
