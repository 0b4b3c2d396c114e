"""The parameters: shares are shares, signs are those the lessons need, and truth shows what the code reads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from crmlab.simulate import accounts as acc
from crmlab.simulate import core
from crmlab.simulate import parameters as par
from crmlab.simulate.parameters import P


def test_the_history_has_four_years_and_the_last_is_held_back():
    assert (pd.Timestamp("2022-07-01"), pd.Timestamp("2026-06-30")) == (par.START, par.TODAY)
    assert par.START + pd.DateOffset(years=3) == par.INTERVENTION
    assert par.START + pd.Timedelta(days=par.DAYS - 1) == par.TODAY
    assert par.INTERVENTION - pd.Timedelta(days=30) <= par.SURVEY < par.INTERVENTION  # in June 2025
    assert len(par.MONTHS) == 48
    assert (par.MONTHS[0], par.MONTHS[-1]) == (par.START, pd.Timestamp("2026-06-01"))


@pytest.mark.parametrize(
    "shares",
    [
        par.CLASS_SHARES,
        *par.LINE_AFFINITY,
        *par.CHANNEL_BY_CLASS,
        par.SOURCE_SHARES,
        tuple(par.CITIES["share"]),
        *(row for matrix in par.TRANSITIONS.values() for row in matrix),
        *par.LABEL_ERRORS,
        par.DERIVED_WEIGHTS,
        tuple(x / 100 for x in par.STATED_POINTS),
        *par.KANO_FEATURES.values(),
        par.DEFECT_SHARES,
    ],
)
def test_shares_add_up_to_one(shares):
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    assert min(shares) >= 0


def test_every_list_is_as_long_as_what_it_describes():
    by_class = (par.CLASS_SHARES, par.LINE_AFFINITY, par.CHANNEL_BY_CLASS, par.SERIAL_RETURNERS)
    assert {len(x) for x in by_class} == {len(par.CLASSES)}
    assert {len(row) for row in par.LINE_AFFINITY} == {len(par.LINES)} == {len(par.LINE_MARGINS)}
    assert {len(row) for row in par.CHANNEL_BY_CLASS} == {len(par.ORDER_CHANNELS)} == {len(par.CHANNEL_COSTS)}
    sources = (par.SOURCE_SHARES, par.SOURCE_SATISFACTION, par.SOURCE_CONVERSION, par.SOURCE_LEAD_COST)
    assert {len(x) for x in sources} == {len(par.SOURCES)}
    assert {len(x) for x in par.KANO_FEATURES.values()} == {len(par.KANO_CATEGORIES)}
    for loadings, means in par.ITEMS.values():
        assert len(loadings) == len(means) >= 2


# -- what truth shows -----------------------------------------------------------------------------


def test_truth_lists_each_number_once_as_the_code_reads_it(shipped):
    table = shipped.truth["parameters"]
    assert not table.duplicated(["process", "parameter"]).any()
    shown = table.set_index(["process", "parameter"])["value"]
    for key, value in P.items():
        assert shown[key] == value, key
    for process, paths in (
        ("structural", par.STRUCTURAL),
        ("pls_population", par.PLS_POPULATION),
        ("commitment_trust", par.TRUST_PATHS),
    ):
        assert shown[process].to_dict() == {f"{cause}->{effect}": x for (cause, effect), x in paths.items()}
    care = {f"{stage}:{move}": x for stage, moves in par.CARE_EFFECTS.items() for move, x in moves.items()}
    assert shown["care"].to_dict() == care
    weights = {f"weight:{d}": w for d, w in zip(par.DIMENSIONS, par.DERIVED_WEIGHTS, strict=True)}
    assert shown["service_quality"].to_dict() == weights
    assert len(table) == len(P) + 2 * len(par.STRUCTURAL) + len(par.TRUST_PATHS) + len(care) + len(weights)
    assert table[["unit", "description"]].map(len).gt(0).all(axis=None)


def test_numbers_that_stand_under_two_names_agree():
    assert P["satisfaction_survey", "method_loading"] == par.METHOD_LOADING
    assert P["satisfaction_survey", "missing"] == par.MISSING_SHARE
    assert P["care_wave", "cost_per_month"] == par.CARE_COST_PER_MONTH


# -- what a model can carry -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "order"),
    [(par.STRUCTURAL, par.CONSTRUCTS), (par.PLS_POPULATION, par.CONSTRUCTS), (par.TRUST_PATHS, acc._LATENTS)],
)
def test_paths_run_from_causes_to_effects_and_leave_something_unexplained(paths, order):
    for cause, effect in paths:
        assert order.index(cause) < order.index(effect)
    implied = core.correlations(paths, order)
    assert np.linalg.eigvalsh(implied).min() > 0
    for name in {effect for _, effect in paths}:
        weights = {cause: x for (cause, effect), x in paths.items() if effect == name}
        explained = sum(x * y * implied.loc[a, b] for a, x in weights.items() for b, y in weights.items())
        assert 0.15 < explained < 0.85, name


def test_both_index_models_have_their_arrows():
    """ECSI's and CCSI's arrows together: expectations, quality, value and image, with complaints after satisfaction."""
    assert set(par.STRUCTURAL) == set(par.PLS_POPULATION)
    for effect in ("complaints", "loyalty"):
        assert ("satisfaction", effect) in par.STRUCTURAL
    assert all(x > 0 for x in par.STRUCTURAL.values())
    assert sum(len(loadings) for loadings, _ in par.ITEMS.values()) >= 24
    for loadings, _ in par.ITEMS.values():
        assert all(0.6 < x < 0.95 for x in loadings)


def test_opportunism_destroys_trust_and_all_else_builds_it():
    for (cause, effect), x in par.TRUST_PATHS.items():
        assert (x < 0) == (cause == "opportunism"), (cause, effect)


# -- what the lessons rely on ---------------------------------------------------------------------


def test_behaviour_has_the_stated_scale():
    """A repeat purchase every six weeks, one in six leaves after it, 160 yuan an order; satisfaction keeps."""
    assert P["bgnbd", "alpha"] / P["bgnbd", "r"] == 6
    assert P["bgnbd", "a"] / (P["bgnbd", "a"] + P["bgnbd", "b"]) == pytest.approx(0.16)
    mean = P["gamma_gamma", "p"] * P["gamma_gamma", "v"] / (P["gamma_gamma", "q"] - 1)
    assert mean == pytest.approx(160)
    assert P["gamma_gamma", "q"] > 2  # customers' means have a variance
    assert (P["bgnbd", "satisfaction_dropout"], P["bgnbd", "satisfaction_rate"]) == (-0.5, 0.2)


def test_recovery_pays_and_waiting_harms():
    leave = [P["incident", f"leave_{how}"] for how in ("recovered", "silent", "unrecovered")]
    assert leave == sorted(leave)
    assert leave[2] - leave[0] > 0.4
    assert P["incident", "recovery_per_day_late"] < 0 < P["incident", "recovery_intercept"]
    assert P["incident", "satisfaction"] < 0
    assert P["incident", "voice"] + P["incident", "exit"] < 1


def test_each_care_call_adds_less_than_the_one_before():
    lift = np.array([0, *(P["customer_care", f"extra_{k}"] for k in (1, 2, 3))])
    gain = np.diff(lift)
    assert (gain > 0).all()
    assert (np.diff(gain) < 0).all()


def test_satisfaction_answers_recommends_and_warns_with_the_right_sign():
    assert P["satisfaction_survey", "answer_satisfaction"] > 0 > P["satisfaction_survey", "answer_intercept"]
    assert P["referrals", "satisfaction_positive"] > 0 > P["referrals", "satisfaction_negative"]
    assert P["referrals", "positive_rate"] > P["referrals", "negative_rate"] > 0
    assert P["offer_choice", "benefit"] > 0 > P["offer_choice", "price"]


def test_falling_short_weighs_more_and_delight_starts_above_content():
    assert P["disconfirmation", "negative"] > 2 * P["disconfirmation", "positive"] > 0
    assert 0 < P["disconfirmation", "expectation"] < P["disconfirmation", "positive"]
    assert 6.5 < P["delight", "threshold"] < 10
    assert P["delight", "above"] > P["delight", "below"] > P["delight", "zone"] >= 0


def test_reliability_matters_most_and_is_said_to_matter_less_than_it_does():
    names = list(par.DIMENSIONS)
    derived = dict(zip(names, par.DERIVED_WEIGHTS, strict=True))
    stated = dict(zip(names, par.STATED_POINTS, strict=True))
    assert max(derived, key=derived.get) == "reliability"
    assert stated["tangibles"] / 100 > 2 * derived["tangibles"]  # named often, matters little
    expected = pd.Series(par.EXPECTED_MEANS, names)
    gap = pd.Series(par.PERCEIVED_MEANS, names) - expected
    assert (expected.idxmax(), expected.idxmin()) == ("reliability", "tangibles")
    assert (gap.idxmin(), gap.idxmax()) == ("responsiveness", "tangibles")
    assert gap.min() < 0 < gap.max()
    assert all(x < 0 for x in par.RELATIONSHIP_GAPS)


@pytest.mark.parametrize(
    ("feature", "category"),
    [
        ("tasting_before_buying", "attractive"),
        ("handwritten_gift_card", "attractive"),
        ("staff_know_my_taste", "attractive"),
        ("delivery_within_48_hours", "one-dimensional"),
        ("harvest_date_on_pack", "must-be"),
        ("airtight_resealable_pack", "must-be"),
        ("pesticide_test_report", "must-be"),
        ("brewing_app", "indifferent"),
        ("promotional_calls", "reverse"),
    ],
)
def test_features_have_the_category_that_one_would_expect(feature, category):
    assert par.KANO_CATEGORIES[int(np.argmax(par.KANO_FEATURES[feature]))] == category


def test_free_returns_are_a_toss_up():
    """The feature whose category depends on the sample, for the lesson on how sure one can be."""
    shares = dict(zip(par.KANO_CATEGORIES, par.KANO_FEATURES["free_returns"], strict=True))
    assert abs(shares["one-dimensional"] - shares["must-be"]) < 0.05
    assert 0 < par.KANO_ERROR < 0.1  # the rest is clear but for a slip now and then


def test_the_project_that_gains_most_is_not_the_one_that_gains_most_for_its_money():
    gain = par.IMPROVEMENTS.set_index("dimension")["gap_points"] * np.array(par.DERIVED_WEIGHTS)
    cost = par.IMPROVEMENTS.set_index("dimension")["cost"]
    assert gain.idxmax() == "reliability"
    assert (gain / cost).idxmax() == "responsiveness"
    assert cost.idxmax() == (gain / cost).idxmin() == "tangibles"


def test_two_causes_make_most_defects():
    assert list(par.DEFECT_SHARES[:2]) == sorted(par.DEFECT_SHARES, reverse=True)[:2]
    assert 0.65 < sum(par.DEFECT_SHARES[:2]) < 0.8


def test_the_scale_is_used_to_its_end_and_not_spent_there():
    """The share of tens, and of ones, by item; gaps cost half of the respondents if rows are dropped."""
    means = np.concatenate([means for _, means in par.ITEMS.values()])
    top = ndtr((means - 9.5) / par.ITEM_SD)
    assert top.min() > 0.02
    assert top.max() < 0.2
    assert ndtr((1.5 - means) / par.ITEM_SD).max() < 0.01
    assert (1 - par.MISSING_SHARE) ** len(means) == pytest.approx(0.5, abs=0.1)
    assert 0 < par.METHOD_LOADING**2 < 0.05  # the common method is a nuisance and no construct


def test_larger_cities_send_more_customers_and_competition_is_in_every_other():
    assert par.CITIES["city_tier"].is_monotonic_increasing
    assert par.CITIES["share"].is_monotonic_decreasing
    assert par.CITIES["competition"].value_counts().to_dict() == {"strong": 4, "weak": 4}


def test_the_tracker_and_the_lots_shift_within_the_series():
    assert 1 < P["tracker", "false_alarm_quarter"] < P["tracker", "shift_quarter"] <= 16
    assert P["tracker", "shift"] > 0
    lots = len(pd.date_range(par.START, par.TODAY, freq="7D"))
    assert 20 < P["inspection", "shift_week"] < lots - 20
    assert P["inspection", "shifted_rate"] > 1.5 * P["inspection", "defect_rate"]
    assert (par.INTERVENTION - par.START).days / 7 <= P["inspection", "shift_week"]


def test_dearer_offers_are_better_and_none_is_chosen_by_nobody():
    offers = par.OFFERS.set_index("offer")
    assert np.corrcoef(offers["benefit"], offers["price"])[0, 1] > 0.8
    utility = P["offer_choice", "benefit"] * offers["benefit"] + P["offer_choice", "price"] * offers["price"]
    share = np.exp(utility) / np.exp(utility).sum()
    assert share.min() > 0.08
    assert share.max() < 0.4


def test_the_most_trusting_keep_longest_and_each_stage_is_reached():
    """Months until an account is lost, from exploration, by trust group."""
    life = {}
    for group in par.TRUST_GROUPS:
        inner = acc.transition_matrix(group)[:4, :4]
        life[group] = np.linalg.solve(np.eye(4) - inner, np.ones(4))[0]
    assert life["high"] > 1.5 * life["mid"] > 1.5 * 1.3 * life["low"]
    for group in par.TRUST_GROUPS:
        own = par.TRANSITIONS[group]
        assert own[3][4] > 0 == own[0][4] == own[1][4] == own[2][4]
    mix = acc.steady_mix().sum(axis=0)
    assert mix.min() > 0.05


def test_trust_protects_at_every_stage():
    low, mid, high = (np.array(par.TRANSITIONS[group]) for group in par.TRUST_GROUPS)
    for stage in range(3):
        assert low[stage, 3] > mid[stage, 3] > high[stage, 3], stage
    assert low[3, 4] > mid[3, 4] > high[3, 4]
    for stage, above in ((0, 1), (1, 2), (3, 1)):
        assert low[stage, above] <= mid[stage, above] <= high[stage, above], stage


def test_care_costs_more_than_a_newcomer_earns_and_less_than_a_stable_account():
    """By month and at average figures: whom to care for is a question."""
    by = par.MONTH_FEATURES
    margin = by["orders"] * by["kg_per_order"] * par.PRICE_PER_KG * by["margin_rate"]
    assert margin.sort_values().index.tolist() == ["exploration", "formation", "decline", "stability"]
    assert 2 * margin["exploration"] < par.CARE_COST_PER_MONTH < margin["stability"] / 2


def test_care_helps_at_every_stage_and_most_where_it_prevents_decline():
    for stage, effect in par.CARE_EFFECTS.items():
        assert effect["climb"] >= 1, stage
        assert effect["decline"] <= 1 >= effect["lost"], stage
    effects = pd.DataFrame(par.CARE_EFFECTS)
    assert effects.loc["decline"].idxmin() == "stability"
    assert effects.loc["climb"].idxmax() == "formation"
    assert P["care_wave", "satisfaction_care"] > P["care_wave", "satisfaction_drift"] > 0


def test_the_ledger_tells_stages_apart():
    features = par.MONTH_FEATURES
    assert list(features.index) == list(par.STAGES)
    for column in ("orders", "kg_per_order", "margin_rate"):
        assert features[column].idxmax() == "stability", column
    assert features["margin_rate"].idxmin() == features["complaints"].idxmax() == "decline"
    assert features["visits"].idxmin() == features["response_hours"].idxmin() == "stability"
    assert features["visits"].idxmax() == features["response_hours"].idxmax() == "exploration"
    for k, row in enumerate(par.LABEL_ERRORS):
        assert np.argmax(row) == k
        assert row[k] > 0.9


def test_referred_customers_are_satisfied_and_cheap_and_fairs_dear():
    by = pd.DataFrame(
        {
            "satisfaction": par.SOURCE_SATISFACTION,
            "conversion": par.SOURCE_CONVERSION,
            "cost": par.SOURCE_LEAD_COST,
        },
        index=list(par.SOURCES),
    )
    assert by["satisfaction"].idxmax() == by["conversion"].idxmax() == "referral"
    assert by["satisfaction"].idxmin() == by["conversion"].idxmin() == by["cost"].idxmax() == "fair"
    # who walks in is won cheaply and often, who clicks is not
    assert list(by["conversion"].sort_values().index) == ["fair", "online", "shop", "referral"]
    assert list(by["cost"].sort_values().index) == ["shop", "referral", "online", "fair"]


def test_bargain_hunters_return_most_and_gift_givers_buy_gifts():
    classes = list(par.CLASSES)
    assert classes[int(np.argmax(par.SERIAL_RETURNERS))] == "bargain_hunter"
    assert par.SERIAL_RETURN_SHARE > 0.5  # that is what the name says
    assert classes[int(np.argmax(par.CLASS_SHARES))] == "bargain_hunter"
    assert classes[int(np.argmin(par.CLASS_SHARES))] == "devotee"
    gifts = {c: row[par.LINES.index("gift_sets")] for c, row in zip(classes, par.LINE_AFFINITY, strict=True)}
    assert max(gifts, key=gifts.get) == "gift_giver"
    shop = {c: row[0] for c, row in zip(classes, par.CHANNEL_BY_CLASS, strict=True)}
    assert max(shop, key=shop.get) == "devotee"
    cheapest = par.ORDER_CHANNELS[int(np.argmin([cost for cost, _ in par.CHANNEL_COSTS]))]
    assert cheapest == "shop"
    assert all(par.ORDER_CHANNELS[int(np.argmin(row))] == "call" for row in par.CHANNEL_BY_CLASS)
    margin = dict(zip(par.LINES, par.LINE_MARGINS, strict=True))
    assert (max(margin, key=margin.get), min(margin, key=margin.get)) == ("dark_tea", "teaware")
