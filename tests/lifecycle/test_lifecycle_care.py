"""What care brings, and its budget: cases by hand, laws, brute force."""

from __future__ import annotations

import re
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifecycle_cases import TWO, chain, matrices, panel, rates

from crmlab import lifecycle as lc
from crmlab.lifecycle import care as room

ONE = pd.Series([1.0], ["a"])


def test_care_is_found_in_the_wave(big, rule) -> None:
    ledger = big.tables["account_months"].merge(big.tables["accounts"][["account_id", "lost_on"]])
    to_rival = big.tables["rival"].dropna(subset=["left_on"])["account_id"]  # followed until they left
    ledger["lost_on"] = ledger["lost_on"].mask(ledger["account_id"].isin(to_rival))
    ledger = ledger[ledger["month"] >= "2025-07-01"].merge(big.tables["care_wave"][["account_id", "arm"]])
    ledger = ledger.assign(classified=rule.classify(ledger))
    arms = {a: lc.HiddenMarkov(d, rule.error_rates, lost="lost_on").fit() for a, d in ledger.groupby("arm")}
    slip = {a: chain_.matrix.loc["stability", "decline"] for a, chain_ in arms.items()}
    assert slip["care"] < 0.4 * slip["control"]
    reward = {"exploration": 100, "formation": 400, "stability": 1100, "decline": 500}
    worth = lc.care_value(arms["control"], arms["care"], reward, cost=240)
    assert (worth.loc[["formation", "stability"], "gain_per_yuan"] > 1).all()
    draws = {a: found.bootstrap(10) for a, found in arms.items()}
    spread = lc.care_intervals(draws["control"], draws["care"], reward, 240)
    assert spread["estimate"].tolist() == pytest.approx(worth["gain_per_yuan"].tolist())
    assert (spread["lower"] < spread["upper"]).all()
    wider = lc.care_intervals(draws["control"], draws["care"], reward, 240, level=0.999)
    assert (wider["upper"] >= spread["upper"]).all()


def test_accounts_that_the_rival_won_are_followed_until_they_left(big) -> None:
    lived = big.truth["account_stages"].merge(big.tables["accounts"][["account_id", "lost_on"]])
    lived = lived[(lived["month"] >= "2025-07-01") & (lived["stage"] != "lost")]
    to_rival = big.tables["rival"].dropna(subset=["left_on"])["account_id"]
    censored = lived.assign(lost_on=lived["lost_on"].mask(lived["account_id"].isin(to_rival)))
    counted, followed = (lc.transitions(rows, lost="lost_on").counts for rows in (lived, censored))
    assert lc.illegal_moves(counted).sum() > 100  # lost from any stage
    assert lc.illegal_moves(followed).sum() == 0
    moves = lc.STAGES, lc.STAGES
    pd.testing.assert_frame_equal(counted.loc[moves], followed.loc[moves])


def test_care_value_by_hand() -> None:
    states = ["stability", "lost"]
    control, care = chain([[0.9, 0.1], [0, 1]], states), chain([[1, 0], [0, 1]], states)
    value = lc.care_value(
        control, chain([[0.99, 0.01], [0, 1]], states), {"stability": 100}, 10, months=1, yearly_rate=0
    )
    assert value.loc["stability"].tolist() == pytest.approx([0.09 * 1000, 10, 80, 9])
    assert care.absorbing == states


@given(matrices(absorbing=True), st.integers(1, 12), st.integers(0, 40))
def test_law_care_that_changes_nothing_gains_nothing(any_chain: lc.Chain, months: int, horizon: int) -> None:
    reward = dict.fromkeys(any_chain.transient, 7.0)
    worth = lc.care_value(any_chain, any_chain, reward, 5, months=months, horizon=horizon)
    np.testing.assert_allclose(worth["gain"], 0, atol=1e-9)
    np.testing.assert_allclose(
        worth["cost"] / 5, any_chain.value(dict.fromkeys(any_chain.transient, 1), horizon=months - 1)[:-1]
    )


@pytest.mark.parametrize("horizon", [0, 1, 5])
def test_the_horizon_counts_the_months_after_the_care(horizon: int) -> None:
    states = ["stability", "lost"]
    control, care = (chain([[1 - p, p], [0, 1]], states) for p in (0.1, 0.05))
    found = lc.care_value(control, care, {"stability": 100}, 4, months=3, yearly_rate=0.5, horizon=horizon)
    discount = 1.5 ** (-np.arange(3 + horizon) / 12)
    treated = 0.95 ** np.minimum(np.arange(3 + horizon), 3) * 0.9 ** np.maximum(np.arange(3 + horizon) - 3, 0)
    plain = 0.9 ** np.arange(3 + horizon)
    gain = 100 * (discount * (treated - plain)).sum()
    cost = 4 * (discount * treated)[:3].sum()
    assert found.loc["stability"].tolist() == pytest.approx([gain, cost, gain - cost, gain / cost])


def test_a_stage_that_nobody_left_without_care_stays_in_the_table() -> None:
    states = ["decline", "stability", "lost"]
    control = chain([[0.5, 0.3, 0.2], [0, 1, 0], [0, 0, 1]], states)
    care = chain([[0.5, 0.3, 0.2], [0.1, 0.9, 0], [0, 0, 1]], states)
    value = lc.care_value(
        control, care, {"decline": 1, "stability": 9}, 2, months=1, yearly_rate=0, horizon=0
    )
    assert value["cost"].to_dict() == {"decline": 2, "stability": 2}
    assert lc.care_value(care, control, {"decline": 1, "stability": 9}, 2, months=1)["cost"].tolist() == [
        2,
        2,
    ]


def test_care_value_grows_with_the_horizon() -> None:
    states = ["stability", "lost"]
    control, care = (chain([[1 - p, p], [0, 1]], states) for p in (0.1, 0.05))
    gains = [
        lc.care_value(control, care, {"stability": 100}, 4, horizon=h)["gain"].item()
        for h in (0, 1, 12, 600, None)
    ]
    assert gains == sorted(gains)
    assert gains[-1] == pytest.approx(gains[-2], rel=1e-6)


def test_budget_goes_where_a_yuan_brings_most() -> None:
    groups = ["a", "b", "c", "d"]
    gain, cost, many = (pd.Series(x, groups) for x in ([30, 80, 9, -5], [20, 40, 10, 10], [9, 2, 50, 50]))
    plan = lc.allocate(150, gain, cost, many)
    assert plan["funded"].to_dict() == {"b": 2, "a": 3, "c": 0, "d": 0}
    assert plan[["cost", "gain", "net"]].sum().tolist() == [140, 250, 110]
    assert lc.allocate(0, gain, cost, many)["funded"].sum() == 0


BAD_CALLS = [
    (lambda: lc.care_value(TWO, chain([[1.0]]), {"stability": 1}, 1), ValueError, "different states"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, -1), ValueError, "at least 0"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 0), ValueError, "above 0"),
    (lambda: lc.care_value(TWO, TWO, {"stability": np.inf}, 1), TypeError, "finite"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 1, months=0), ValueError, "between 1"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 1, horizon=-1), ValueError, "between 0"),
    (lambda: lc.allocate(-1, ONE, ONE, ONE), ValueError, "at least 0"),
    (lambda: lc.allocate(np.nan, ONE, ONE, ONE), TypeError, "finite"),
    (lambda: lc.allocate(1, ONE, ONE, pd.Series([1], ["b"])), ValueError, "available names 'b'"),
    (lambda: lc.allocate(1, ONE, 0 * ONE, ONE), ValueError, "needs no budget"),
    (lambda: lc.allocate(1, ONE, ONE, -ONE), ValueError, "at least 0"),
    (lambda: lc.allocate(1, ONE * np.nan, ONE, ONE), ValueError, "missing"),
    (lambda: lc.allocate(1, *[pd.concat({"x": ONE})] * 3), ValueError, "one name for each"),
    (
        lambda: lc.care_value(TWO.matrix, TWO, {"stability": 1}, 1),
        TypeError,
        "control must be a Chain, found Data",
    ),
    (lambda: lc.care_value(TWO, None, {"stability": 1}, 1), TypeError, "care must be a Chain"),
    (
        lambda: lc.care_intervals(TWO, TWO, {"stability": 1}, 1),
        TypeError,
        "control must be resamples",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


# -- whole accounts -------------------------------------------------------------------------------------------------
def plan(budget: float, gain: list, cost: list, available: list) -> pd.DataFrame:
    groups = list("abcdefgh")[: len(gain)]
    return lc.allocate(budget, *(pd.Series(x, groups) for x in (gain, cost, available)))


def best(budget: float, gain: list, cost: list, available: list) -> tuple[float, float]:
    """The largest net gain over all plans, and the least cost at which it is reached."""
    net, spent = 0.0, 0.0
    for numbers in product(*(range(n + 1) for n in available)):
        paid = float(np.dot(numbers, cost))
        won = float(np.dot(numbers, gain)) - paid
        if paid > budget * (1 + 1e-9) or won < net - 1e-9:
            continue
        spent = paid if won > net + 1e-9 else min(spent, paid)
        net = max(net, won)
    return net, spent


@pytest.mark.parametrize(
    ("budget", "cost", "number"), [(299.7, 99.9, 3), (0.3, 0.1, 3), (299.69, 99.9, 2), (99.8, 99.9, 0)]
)
def test_a_budget_pays_for_as_many_as_it_says(budget: float, cost: float, number: int) -> None:
    found = plan(budget, [2 * cost], [cost], [9])
    assert found["funded"].tolist() == [number]
    assert found["cost"].sum() <= budget * (1 + 1e-9)


def test_to_fund_where_a_yuan_brings_most_may_leave_too_large_a_rest() -> None:
    assert plan(100, [130, 100], [60, 50], [1, 2])["funded"].to_dict() == {"a": 0, "b": 2}
    # b brings more for a yuan than c, and yet not all of b fits best
    found = plan(10, [9, 10.5, 2.4], [6, 5, 2], [1, 1, 3])
    assert found["net"].sum() == pytest.approx(5.5 + 2 * 0.4)


def test_plans_are_the_best_of_all() -> None:
    rng = np.random.default_rng(5)
    for case in range(150):
        many = rng.integers(1, 5)
        available = rng.integers(0, 5, many).tolist()
        cost = rng.integers(1, 12, many).astype(float)
        gain = np.round(cost * rng.uniform(0.5, 3, many))
        if case % 2:  # amounts in fen, not in yuan
            cost = np.round(cost * rng.uniform(0.5, 2, many), 2)
            gain = np.round(cost * rng.uniform(0.5, 3, many), 2)
        budget = float(np.round(rng.uniform(0, 1.1) * np.dot(available, cost), case % 2))
        found = plan(budget, gain, cost, available)
        net, spent = best(budget, gain, cost, available)
        assert found["net"].sum() == pytest.approx(net, rel=1e-8, abs=1e-8), case
        assert found["cost"].sum() == pytest.approx(spent, rel=1e-8, abs=1e-8), case
        assert found["cost"].sum() <= budget * (1 + 1e-9) + 1e-12
        assert (found["funded"] <= found["available"]).all()
        assert (found.loc[found["gain_per_yuan"] <= 1, "funded"] == 0).all()
        assert found["gain_per_yuan"].is_monotonic_decreasing


# an odd budget for even costs, which all bring the same for a yuan: no bound tells the solver that it cannot be spent
ODD = (1001.0, [44, 68, 92, 124], [22, 34, 46, 62], [9, 9, 9, 9])


def test_a_search_that_ends_early_says_what_another_plan_may_bring(monkeypatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plan(*ODD)["net"].sum() == 1000
    monkeypatch.setattr(room, "NODES", 1)
    with pytest.warns(
        UserWarning, match=r"another one may bring up to [\d.]+ yuan more net gain than these"
    ) as said:
        found = plan(*ODD)
    more, won = (
        float(word.replace(",", "")) for word in re.findall(r"(?<= )[\d,]+\.\d\d", str(said[0].message))
    )
    assert won == pytest.approx(found["net"].sum(), abs=0.01)
    assert 1000 <= won + more + 0.01 <= 1001.02  # a true bound, and no plan brings more than the budget here


def test_a_large_budget_is_not_passed_by_a_fen() -> None:
    assert plan(1e10, [2], [1], [10**12])["funded"].tolist() == [10**10]
    # a hundred million: both together cost one fen too much
    with pytest.warns(UserWarning, match="not proven that no plan is better"):
        found = plan(100e6, [90e6, 91e6], [50e6, 50_000_000.01], [1, 1])
    assert found["funded"].to_dict() == {"b": 1, "a": 0}


def test_what_is_left_of_a_plan_that_the_solver_rounds_up(monkeypatch) -> None:
    solve = room._solve
    seen = []

    def rounded_up(*given):
        seen.append(given)
        number, least = solve(*given)
        return (number + 1, least) if len(seen) == 1 else (number, least)

    monkeypatch.setattr(room, "_solve", rounded_up)
    with pytest.warns(UserWarning, match=r"up to 30\.00 yuan more net gain than these 70\.00"):
        found = plan(100, [130, 100], [60, 50], [1, 2])
    assert found["cost"].sum() <= 100
    assert len(seen) == 3  # the second time in a smaller room, the last for the cheapest


def test_ties_go_to_the_cheaper_plan_and_to_earlier_rows() -> None:
    assert plan(30, [15, 40], [10, 30], [2, 1])["funded"].to_dict() == {"a": 2, "b": 0}  # both net 10
    assert plan(30, [20, 20, 20], [10, 10, 10], [2, 2, 2])["funded"].to_dict() == {"a": 2, "b": 1, "c": 0}


def test_the_cheaper_plan_is_taken_whichever_the_solver_finds_first(monkeypatch) -> None:
    solve = room._solve
    first = iter([(np.array([0.0, 1.0]), -10.0)])  # b for 30 yuan
    monkeypatch.setattr(room, "_solve", lambda *given: next(first, None) or solve(*given))
    assert plan(30, [15, 40], [10, 30], [2, 1])["funded"].to_dict() == {"a": 2, "b": 0}


@pytest.mark.parametrize(
    ("budget", "gain", "cost", "available"),
    [
        (9, [8, 4, 7], [6, 1, 5], [2, 1, 2]),
        (19, [2, 8, 8], [1, 7, 5], [1, 3, 1]),
        (16, [4, 9, 7], [3, 7, 6], [2, 3, 1]),
        (11, [2, 6, 8, 5], [1, 5, 5, 2], [3, 2, 2, 3]),
    ],
)
def test_of_equal_plans_the_cheapest_is_taken(budget: float, gain: list, cost: list, available: list) -> None:
    found = plan(budget, gain, cost, available)
    assert (found["net"].sum(), found["cost"].sum()) == best(budget, gain, cost, available)


def test_groups_are_matched_by_their_labels() -> None:
    gain = pd.Series([30, 80, 9], ["a", "b", "c"])
    cost = pd.Series([10, 40, 20], ["c", "b", "a"])
    many = pd.Series([2, 9, 50], ["b", "a", "c"], dtype="Int64")
    found = lc.allocate(150, gain, cost, many)
    assert found["funded"].to_dict() == {"b": 2, "a": 3, "c": 0}
    assert found["available"].to_dict() == {"b": 2, "a": 9, "c": 50}
    assert lc.allocate(150, gain[::-1], cost, many)["funded"].to_dict() == found["funded"].to_dict()


def test_a_large_budget_is_spent_well() -> None:
    rng = np.random.default_rng(1)
    groups = [f"group {i}" for i in range(50)]
    cost = pd.Series(rng.uniform(100, 5000, 50), groups)
    gain = cost * rng.uniform(0.8, 3, 50)
    many = pd.Series(2000, groups)
    budget = 0.4 * (cost * many).sum()
    found = lc.allocate(budget, gain, cost, many)
    assert found["funded"].sum() > 20_000
    assert budget - cost.max() < found["cost"].sum() <= budget * (1 + 1e-9)
    # no plan is better than the one that may split an account
    whole = found["available"].where(found["gain_per_yuan"] > 1, 0)
    price = cost[found.index]
    left = (budget - (whole * price).cumsum().shift(fill_value=0)).clip(lower=0)
    split = np.minimum(whole, left / price) * (gain - cost)[found.index]
    assert split.sum() - 10_000 < found["net"].sum() <= split.sum() * (1 + 1e-9)


def test_intervals_are_the_quantiles_of_the_paired_resamples() -> None:
    data = panel("eeffssss", "sddffdd.", "efsdffss", "ssssssdd", "dddsss..").rename(
        columns={"stage": "classified"}
    )
    data = data.drop(columns="lost_on")
    found = lc.HiddenMarkov(data, rates(0.1)).fit()
    control = found.bootstrap(20, seed=1)
    care = found.bootstrap(20, seed=2)
    reward = {"exploration": 1, "formation": 4, "stability": 9, "decline": 2}
    each = [
        lc.care_value(a, b, reward, 2, horizon=6)["gain_per_yuan"]
        for a, b in zip(control.chains, care.chains, strict=True)
    ]
    for level, tails in ((0.95, [0.025, 0.975]), (0.8, [0.1, 0.9])):
        table = lc.care_intervals(control, care, reward, 2, horizon=6, level=level)
        np.testing.assert_allclose(table[["lower", "upper"]], np.quantile(each, tails, axis=0).T)
    with pytest.raises(ValueError, match="control has 20 resamples and care 5"):
        lc.care_intervals(control, found.bootstrap(5), reward, 2)
    default = lc.care_intervals(control, care, reward, 2, horizon=6)
    pd.testing.assert_frame_equal(default, lc.care_intervals(control, care, reward, 2, horizon=6, level=0.95))


BAD_PLANS = [
    (
        lambda: lc.care_value(TWO.matrix, TWO, {"stability": 1}, 1),
        TypeError,
        "control must be a Chain, found DataFrame",
    ),
    (lambda: lc.care_intervals(TWO, TWO, {"stability": 1}, 1), TypeError, "control must be resamples"),
    (lambda: plan(10, [3], [1], [2.5]), ValueError, "available of 'a' is 2.5: give whole accounts"),
    (lambda: plan(10, [3], [1], ["2"]), TypeError, "available must be numeric"),
    (lambda: lc.allocate(1, [3], ONE, ONE), ValueError, "gain must be a Series"),
    (lambda: lc.allocate(1, ONE, [3], ONE), TypeError, "cost must give a number for each label"),
    (lambda: lc.allocate(1, ONE, ONE, pd.Series([1, 2], ["a", "a"])), ValueError, "more than once"),
    (lambda: lc.allocate(1, ONE[:0], ONE[:0], ONE[:0]), ValueError, "gain must be a Series"),
    (lambda: lc.allocate("10", ONE, ONE, ONE), TypeError, "budget must be a finite number"),
    (lambda: lc.allocate(1, ONE, ONE, ONE * 1e15), ValueError, "at most"),
    (
        lambda: lc.care_value(TWO, TWO, {"stability": 1}, 1, months=10**9),
        ValueError,
        "12,000, found 1,000,000,000. A thousand",
    ),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 1, horizon=10**9), ValueError, "12,000"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_PLANS, ids=range(len(BAD_PLANS)))
def test_bad_plans_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()
