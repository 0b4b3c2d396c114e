"""The parameters: shares are shares, signs are those the lessons need, and truth shows what the code reads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from crmlab.simulate import core, dates, numbers, registry
from crmlab.simulate.processes import (
    account_latents,
    account_months,
    account_reviews,
    account_stages,
    index_model,
    inspections,
    kano,
    offers,
    order_days,
    order_lines,
    people,
    products,
    purchases,
    satisfaction_survey,
    service_quality,
)

registry.processes()
TABLE = numbers.table()
P = TABLE.set_index(["process", "parameter"])["value"].to_dict()


def test_the_history_has_four_years_and_the_last_is_held_back():
    assert (pd.Timestamp("2022-07-01"), pd.Timestamp("2026-06-30")) == (dates.START, dates.TODAY)
    assert dates.START + pd.DateOffset(years=3) == dates.INTERVENTION
    assert dates.START + pd.Timedelta(days=dates.DAYS - 1) == dates.TODAY
    assert dates.INTERVENTION - pd.Timedelta(days=30) <= dates.SURVEY < dates.INTERVENTION  # in June 2025
    assert len(dates.MONTHS) == 48
    assert (dates.MONTHS[0], dates.MONTHS[-1]) == (dates.START, pd.Timestamp("2026-06-01"))


@pytest.mark.parametrize(
    "shares",
    [
        *order_lines.AFFINITY.to_numpy(),
        *order_days.CHANNEL.to_numpy(),
        people.SOURCE["share"],
        people.CITIES["share"],
        *(row for matrix in account_stages.TRANSITIONS.values() for row in matrix.to_numpy()),
        *account_reviews.LABELS.to_numpy(),
        service_quality.WEIGHTS,
        service_quality.DIMENSIONS["stated_points"] / 100,
        *kano.FEATURES.to_numpy(),
        *inspections.CAUSES.to_numpy(),
        purchases.PROMISES,
    ],
)
def test_shares_add_up_to_one(shares):
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    assert min(shares) >= 0


# -- what truth shows -----------------------------------------------------------------------------


def test_truth_lists_each_number_once_as_the_code_reads_it(shipped):
    table = shipped.truth["parameters"]
    assert table.equals(core.tidy(TABLE))
    assert not table.duplicated(["process", "parameter"]).any()
    shown = table.set_index(["process", "parameter"])["value"]
    for process, paths in (
        ("structural", index_model.STRUCTURAL),
        ("pls_population", index_model.PLS_POPULATION),
        ("commitment_trust", account_latents.PATHS),
    ):
        assert shown[process].to_dict() == {f"{cause}->{effect}": x for (cause, effect), x in paths.items()}
    care = {f"{stage}:{move}": x for stage, moves in account_stages.CARE.items() for move, x in moves.items()}
    assert shown["care"].to_dict() == care
    weights = {f"weight:{d}": w for d, w in service_quality.WEIGHTS.items()}
    assert shown["service_quality"].to_dict() == weights
    assert shown["bgnbd", "alpha"] == people.BUYING.alpha == 3.6


# -- what a model can carry -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "order"),
    [
        (index_model.STRUCTURAL, index_model.CONSTRUCTS),
        (index_model.PLS_POPULATION, index_model.CONSTRUCTS),
        (account_latents.PATHS, account_latents.MODEL),
    ],
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
    assert set(index_model.STRUCTURAL) == set(index_model.PLS_POPULATION)
    for effect in ("complaints", "loyalty"):
        assert ("satisfaction", effect) in index_model.STRUCTURAL
    assert all(x > 0 for x in index_model.STRUCTURAL.values())
    assert len(satisfaction_survey.ITEMS) >= 24
    assert satisfaction_survey.ITEMS["loading"].between(0.6, 0.95).all()
    assert min(map(len, satisfaction_survey.BLOCKS.values())) >= 2


def test_signs_are_those_of_the_commitment_trust_theory():
    """Opportunism destroys trust; commitment keeps from leaving, trust from uncertainty; all else builds."""
    negative = {("opportunism", "trust"), ("commitment", "leaving_propensity"), ("trust", "uncertainty")}
    assert {path for path, x in account_latents.PATHS.items() if x < 0} == negative


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
    assert P["recovery_desk", "faster"] < 1


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
    derived = service_quality.WEIGHTS.to_dict()
    stated = service_quality.DIMENSIONS["stated_points"]
    assert max(derived, key=derived.get) == "reliability"
    assert stated["tangibles"] / 100 > 2 * derived["tangibles"]  # named often, matters little
    expected = service_quality.DIMENSIONS["expected"]
    gap = service_quality.DIMENSIONS["perceived"] - expected
    assert (expected.idxmax(), expected.idxmin()) == ("reliability", "tangibles")
    assert (gap.idxmin(), gap.idxmax()) == ("responsiveness", "tangibles")
    assert gap.min() < 0 < gap.max()
    assert (service_quality.RELATIONSHIP["gap"] < 0).all()


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
    assert kano.FEATURES.loc[feature].idxmax() == category


def test_free_returns_are_a_toss_up():
    """The feature whose category depends on the sample, for the lesson on how sure one can be."""
    shares = kano.FEATURES.loc["free_returns"]
    assert abs(shares["one-dimensional"] - shares["must-be"]) < 0.05
    assert 0 < kano.SLIP.slip < 0.1  # the rest is clear but for a slip now and then


def test_the_project_that_gains_most_is_not_the_one_that_gains_most_for_its_money():
    gain = service_quality.IMPROVEMENTS["gap_points"] * service_quality.WEIGHTS
    cost = service_quality.IMPROVEMENTS["cost"]
    assert gain.idxmax() == "reliability"
    assert (gain / cost).idxmax() == "responsiveness"
    assert cost.idxmax() == (gain / cost).idxmin() == "tangibles"


def test_two_causes_make_most_defects():
    usual = inspections.CAUSES.loc["usual"].to_list()
    assert usual[:2] == sorted(usual, reverse=True)[:2]
    assert 0.65 < sum(usual[:2]) < 0.8


def test_the_scale_is_used_to_its_end_and_not_spent_there():
    """The share of tens, and of ones, by item; gaps cost half of the respondents if rows are dropped."""
    means = satisfaction_survey.ITEMS["mean"].to_numpy()
    answers = satisfaction_survey.ANSWERS
    top = ndtr((means - 9.5) / answers.item_sd)
    assert top.min() > 0.02
    assert top.max() < 0.2
    assert ndtr((1.5 - means) / answers.item_sd).max() < 0.01
    assert (1 - answers.missing) ** len(means) == pytest.approx(0.5, abs=0.1)
    assert 0 < answers.method_loading**2 < 0.05  # the common method is a nuisance and no construct


def test_larger_cities_send_more_customers_and_competition_is_in_every_other():
    assert people.CITIES["city_tier"].is_monotonic_increasing
    assert people.CITIES["share"].is_monotonic_decreasing
    assert people.CITIES["competition"].value_counts().to_dict() == {"strong": 4, "weak": 4}


def test_the_tracker_and_the_lots_shift_within_the_series():
    assert (
        8 < P["tracker", "false_alarm_quarter"] < P["tracker", "shift_quarter"] < 16
    )  # two years set the limits
    assert P["tracker", "shift"] > 0
    lots = len(pd.date_range(dates.START, dates.TODAY, freq="7D"))
    assert 20 < P["inspection", "shift_week"] < lots - 20
    assert P["inspection", "shifted_rate"] > 1.5 * P["inspection", "defect_rate"]
    assert (dates.INTERVENTION - dates.START).days / 7 <= P["inspection", "shift_week"]


def test_dearer_offers_are_better_and_none_is_chosen_by_nobody():
    market = offers.OFFERS
    assert np.corrcoef(market["benefit"], market["price"])[0, 1] > 0.8
    utility = P["offer_choice", "benefit"] * market["benefit"] + P["offer_choice", "price"] * market["price"]
    share = np.exp(utility) / np.exp(utility).sum()
    assert share.min() > 0.08
    assert share.max() < 0.4


def test_the_most_trusting_keep_longest_and_each_stage_is_reached():
    """Months until an account is lost, from exploration, by trust group."""
    life = {}
    for group in account_stages.GROUPS:
        inner = account_stages.transition_matrix(group)[:4, :4]
        life[group] = np.linalg.solve(np.eye(4) - inner, np.ones(4))[0]
    assert life["high"] > 1.5 * life["mid"] > 1.5 * 1.3 * life["low"]
    for group in account_stages.GROUPS:
        own = account_stages.TRANSITIONS[group].to_numpy()
        assert own[3][4] > 0 == own[0][4] == own[1][4] == own[2][4]
    mix = account_stages.steady_mix().sum(axis=0)
    assert mix.min() > 0.05


def test_trust_protects_at_every_stage():
    low, mid, high = (account_stages.TRANSITIONS[group].to_numpy() for group in account_stages.GROUPS)
    for stage in range(3):
        assert low[stage, 3] > mid[stage, 3] > high[stage, 3], stage
    assert low[3, 4] > mid[3, 4] > high[3, 4]
    for stage, above in ((0, 1), (1, 2), (3, 1)):
        assert low[stage, above] <= mid[stage, above] <= high[stage, above], stage


def test_care_costs_more_than_a_newcomer_earns_and_less_than_a_stable_account():
    """By month and at average figures: whom to care for is a question."""
    by = account_months.FEATURES
    margin = by["orders"] * by["kg_per_order"] * account_months.LEDGER.price_per_kg * by["margin_rate"]
    assert margin.sort_values().index.tolist() == ["exploration", "formation", "decline", "stability"]
    assert 2 * margin["exploration"] < P["care_wave", "cost_per_month"] < margin["stability"] / 2


def test_care_helps_at_every_stage_and_most_where_it_prevents_decline():
    for stage, effect in account_stages.CARE.items():
        assert effect["climb"] >= 1, stage
        assert effect["decline"] <= 1 >= effect["lost"], stage
    effects = pd.DataFrame(account_stages.CARE)
    assert effects.loc["decline"].idxmin() == "stability"
    assert effects.loc["climb"].idxmax() == "formation"
    assert P["care_wave", "satisfaction_care"] > P["care_wave", "satisfaction_drift"] > 0


def test_the_ledger_tells_stages_apart():
    features = account_months.FEATURES
    assert list(features.index) == list(account_stages.STAGES)
    for column in ("orders", "kg_per_order", "margin_rate"):
        assert features[column].idxmax() == "stability", column
    assert features["margin_rate"].idxmin() == features["complaints"].idxmax() == "decline"
    assert features["visits"].idxmin() == features["response_hours"].idxmin() == "stability"
    assert features["visits"].idxmax() == features["response_hours"].idxmax() == "exploration"
    for k, row in enumerate(account_reviews.LABELS.to_numpy()):
        assert np.argmax(row) == k
        assert row[k] > 0.9


def test_referred_customers_are_satisfied_and_cheap_and_fairs_dear():
    by = people.SOURCE.rename(columns={"lead_cost": "cost"})
    assert by["satisfaction"].idxmax() == by["conversion"].idxmax() == "referral"
    assert by["satisfaction"].idxmin() == by["conversion"].idxmin() == by["cost"].idxmax() == "fair"
    # who walks in is won cheaply and often, who clicks is not
    assert list(by["conversion"].sort_values().index) == ["fair", "online", "shop", "referral"]
    assert list(by["cost"].sort_values().index) == ["shop", "referral", "online", "fair"]


def test_bargain_hunters_return_most_and_gift_givers_buy_gifts():
    assert order_lines.SERIAL.idxmax() == "bargain_hunter"
    assert P["returns", "often"] > 0.5  # that is what the name says
    assert order_lines.AFFINITY["gift_sets"].idxmax() == "gift_giver"
    assert order_days.CHANNEL["shop"].idxmax() == "devotee"
    assert products.CHANNEL_COSTS["cost_per_order"].idxmin() == "shop"
    assert (order_days.CHANNEL.idxmin(axis=1) == "call").all()
    margin = products.LINE_MARGINS
    assert (margin.idxmax(), margin.idxmin()) == ("dark_tea", "teaware")
