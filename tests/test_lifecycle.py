"""Tests of crmlab.lifecycle: published figures, cases worked by hand, laws, recovery of the truth, bad input."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab import lifecycle as lc
from crmlab import simulate

STAGES = list(lc.STAGES)
FIVE = [*STAGES, "lost"]


def panel(*histories: str, start: str = "2025-01-01", lost: bool = True) -> pd.DataFrame:
    """A panel from strings such as "eefsd."; a letter is a month's stage, a blank a gap, a dot the month of loss."""
    name = {s[0]: s for s in STAGES}
    rows = []
    for account, history in enumerate(histories, 1):
        months = pd.date_range(start, periods=len(history), freq="MS")
        gone = months[history.index(".")] if "." in history else pd.NaT
        rows += [
            (account, month, name[letter], gone)
            for month, letter in zip(months, history, strict=True)
            if letter not in " ."
        ]
    out = pd.DataFrame(rows, columns=["account_id", "month", "stage", "lost_on"])
    return out if lost else out.drop(columns="lost_on")


def chain(rows: object, states: list | None = None) -> lc.Chain:
    states = states or [f"s{i}" for i in range(len(rows))]
    return lc.Chain(pd.DataFrame(rows, states, states, dtype=float))


@st.composite
def matrices(draw: st.DrawFn, absorbing: bool = False) -> lc.Chain:
    size = draw(st.integers(2, 5))
    weight = st.floats(0.05, 1)
    rows = np.array(
        draw(st.lists(st.lists(weight, min_size=size, max_size=size), min_size=size, max_size=size))
    )
    if absorbing:
        rows[-1] = np.eye(size)[-1]
    return chain(rows / rows.sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def big() -> simulate.World:
    return simulate.world(11, customers=50, accounts=4000)


@pytest.fixture(scope="module")
def past(big: simulate.World) -> pd.DataFrame:
    """Ledger until June 2025 with the true stage, the date of loss and the trust group."""
    months = big.tables["account_months"].merge(big.tables["accounts"][["account_id", "lost_on"]])
    months = months.merge(big.truth["account_stages"], on=["account_id", "month"])
    months = months.merge(big.truth["accounts"][["account_id", "trust_group"]])
    return months[months["month"] <= "2025-06-01"]


@pytest.fixture(scope="module")
def rule(big: simulate.World) -> lc.StageClassification:
    return lc.StageClassifier(big.tables["account_months"], big.tables["account_reviews"]).fit()


def pooled(world: simulate.World) -> pd.DataFrame:
    truth = world.truth["transition_matrices"]
    truth = truth[(truth["trust_group"] == "all") & (truth["care"] == "none")]
    return truth.pivot(index="from_stage", columns="to_stage", values="probability").loc[STAGES, FIVE]


# -- published figures ----------------------------------------------------------------------------------------------
def migration() -> tuple[lc.Chain, dict]:
    """Pfeifer & Carraway (2000): recency 1 to 4 and former customers; contribution 40, contact cost 4."""
    states = ["1", "2", "3", "4", "former"]
    rows = np.zeros((5, 5))
    for i, p in enumerate((0.3, 0.2, 0.15, 0.05)):
        rows[i, 0], rows[i, i + 1] = p, 1 - p
    rows[4, 4] = 1
    return chain(rows, states), {"1": 36, "2": -4, "3": -4, "4": -4, "former": 0}


@pytest.mark.parametrize(
    ("horizon", "published"),
    [
        (None, [52.31961, 5.55378, 1.25077, -1.82002, 0]),
        (4, [50.11497, 4.21991, 0.59211, -1.98013, 0]),
    ],
)
def test_value_agrees_with_pfeifer_and_carraway_2000(horizon: int | None, published: list) -> None:
    migrate, reward = migration()
    value = migrate.value(reward, yearly_rate=0.2, periods_per_year=1, horizon=horizon)
    np.testing.assert_allclose(value, published, atol=5e-5)


def test_pair_agreement_by_hand() -> None:
    # 6 pairs; 2 belong together, 1 was put together, rightly: (1 - 2/6) / (1.5 - 2/6) = 4/7
    found = lc.pair_agreement(pd.Series([0, 0, 1, 1]), pd.Series([0, 0, 1, 2]))
    assert found.tolist() == pytest.approx([1, 1 / 2, 4 / 7])


# -- moves, counted by hand -----------------------------------------------------------------------------------------
def test_moves_of_neighbouring_months_are_counted() -> None:
    data = panel("eeffss", "sdd.", "ef  sd")
    moves = lc.transitions(data.sample(frac=1, random_state=1), lost="lost_on")
    expected = pd.DataFrame(
        [[1, 2, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 2, 0], [0, 0, 0, 1, 1]], STAGES, FIVE
    )
    pd.testing.assert_frame_equal(moves.counts, expected, check_names=False)
    assert moves.probabilities().loc["exploration", "formation"] == pytest.approx(2 / 3)
    assert moves.absorbing == ["lost"]
    assert moves.settings["until"] == "2025-06"


def test_loss_as_a_date_and_as_a_row_are_the_same() -> None:
    data = panel("essd.", "sssss", "fsdd.")
    rows = pd.concat(
        [
            data.drop(columns="lost_on"),
            pd.DataFrame({"account_id": [1, 3], "month": pd.Timestamp("2025-05-01"), "stage": "lost"}),
        ]
    )
    pd.testing.assert_frame_equal(lc.transitions(data, lost="lost_on").counts, lc.transitions(rows).counts)


def test_a_loss_beyond_the_data_does_not_count() -> None:
    data = panel("sss.", "sssd")
    cut = data[data["month"] <= "2025-03-01"]
    moves = lc.transitions(cut, lost="lost_on")
    assert moves.counts.to_numpy().tolist() == [[4, 0]]
    assert moves.after(12).loc["stability", "lost"] == 0


def test_a_gap_is_no_move_but_a_loss_is_known_for_good() -> None:
    data = panel("s s.  ", "ssssss")
    assert lc.transitions(data, lost="lost_on").counts.loc["stability"].tolist() == [5, 1]
    after = lc.observed_after(data, 3, lost="lost_on")
    assert after.loc["stability"].tolist() == [3 / 5, 2 / 5]


def test_observed_after_one_month_is_the_matrix() -> None:
    data = panel("eeffss", "sddsff", "effsd.")
    moves = lc.transitions(data, lost="lost_on")
    pd.testing.assert_frame_equal(
        lc.observed_after(data, 1, lost="lost_on"), moves.probabilities().loc[STAGES], check_names=False
    )


def test_intervals_are_wilsons() -> None:
    moves = lc.transitions(panel("s" * 51 + "d" * 2))
    row = moves.summary().loc[("stability", "decline")]
    p, n, z = 1 / 51, 51, 1.959964
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert row["moves"] == 1
    assert row["months"] == 51
    np.testing.assert_allclose(
        row[["lower", "upper"]], (middle + np.array([-half, half])) / (1 + z**2 / n), rtol=1e-6
    )
    narrow = moves.summary(level=0.8).loc[("stability", "decline")]
    assert narrow["upper"] - narrow["lower"] < row["upper"] - row["lower"]


def test_states_keep_the_order_of_their_category() -> None:
    data = pd.DataFrame(
        {
            "id": 1,
            "when": pd.date_range("2025-01-15", periods=4, freq="MS"),
            "state": pd.Categorical(["new", "old", "new", "new"], ["old", "new", "never"]),
        }
    )
    assert list(lc.transitions(data, "id", "state", "when").counts.index) == ["old", "new"]


def test_illegal_moves_are_those_the_scheme_forbids() -> None:
    moves = lc.transitions(panel("essfe.", "ed fds", "dsffff"), lost="lost_on")
    found = lc.illegal_moves(moves.counts)
    assert found[found > 0].to_dict() == {
        ("exploration", "stability"): 1,
        ("stability", "formation"): 2,
        ("formation", "exploration"): 1,
        ("exploration", "lost"): 1,
        ("decline", "stability"): 2,
    }
    assert len(found) == 16 - len(lc.ALLOWED)


# -- chains ---------------------------------------------------------------------------------------------------------
def test_two_states_by_hand() -> None:
    two = chain([[0.9, 0.1], [0, 1]], ["stability", "lost"])
    assert two.expected_months().loc["stability"].tolist() == pytest.approx([10, 10])
    loss = two.loss(2).loc["stability"]
    assert loss.tolist() == pytest.approx([0.19, 1, 10])
    assert two.steady_state("stability").tolist() == [1]
    # 100 yuan a month for ever: 100 * (1 + 0.9 / (1 + d) + …)
    d = 1.1 ** (1 / 12) - 1
    assert two.value({"stability": 100})["stability"] == pytest.approx(100 / (1 - 0.9 / (1 + d)))


def test_an_absorbing_state_may_stand_in_the_columns_only() -> None:
    short = lc.Chain(pd.DataFrame([[0.1, 0.9]], ["stability"], ["lost", "stability"]))
    assert short.matrix.to_numpy().tolist() == [[0.9, 0.1], [0, 1]]
    assert short.absorbing == ["lost"]


def test_steady_state_by_hand() -> None:
    assert chain([[0.5, 0.5], [0.25, 0.75]]).steady_state().tolist() == pytest.approx([1 / 3, 2 / 3])
    three = chain([[0.5, 0.5, 0], [0, 0.8, 0.2], [0, 0, 1]], ["new", "old", "lost"])
    assert three.steady_state("new").tolist() == pytest.approx([2 / 7, 5 / 7])


@given(matrices(), st.integers(0, 30), st.integers(0, 30))
def test_law_chapman_kolmogorov(any_chain: lc.Chain, a: int, b: int) -> None:
    after = any_chain.after(a).to_numpy() @ any_chain.after(b).to_numpy()
    np.testing.assert_allclose(any_chain.after(a + b), after, atol=1e-9)
    np.testing.assert_allclose(any_chain.after(a).sum(axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(any_chain.after(0), np.eye(len(any_chain.states)))


@given(matrices(absorbing=True))
def test_law_fundamental_matrix_sums_the_months(any_chain: lc.Chain) -> None:
    names = any_chain.transient
    expected = any_chain.expected_months()
    inner, months = any_chain.matrix.loc[names, names].to_numpy(), np.zeros((len(names),) * 2)
    for _ in range(1000):
        months = np.eye(len(names)) + inner @ months
    np.testing.assert_allclose(expected[names], months, rtol=1e-6)
    np.testing.assert_allclose(any_chain.loss(1)["ever"], 1, atol=1e-9)
    share = any_chain.steady_state(names[0])
    np.testing.assert_allclose(
        share, expected.loc[names[0], names] / expected.loc[names[0], "total"], atol=1e-8
    )


@given(matrices(absorbing=True), st.floats(0.01, 1))
def test_law_value_is_the_limit_of_its_horizons(any_chain: lc.Chain, rate: float) -> None:
    reward = dict(zip(any_chain.transient, range(1, 9), strict=False))
    far = any_chain.value(reward, rate, horizon=9_000)
    np.testing.assert_allclose(any_chain.value(reward, rate), far, rtol=1e-6)


def test_value_at_rate_zero_counts_months() -> None:
    two = chain([[0.9, 0.1], [0, 1]], ["stability", "lost"])
    assert two.value({"stability": 1}, yearly_rate=0)["stability"] == pytest.approx(10)


def test_results_cannot_be_changed() -> None:
    data = panel("ssssd", "sddd.")
    moves = lc.transitions(data, lost="lost_on")
    copy = moves.probabilities()
    copy.loc["stability", "decline"] = 9
    assert moves.matrix.loc["stability", "decline"] == 2 / 5
    with pytest.raises(AttributeError):
        moves.counts = None
    assert moves._caption() in repr(moves)
    assert moves._caption() in moves._repr_html_()


# -- the hidden chain -----------------------------------------------------------------------------------------------
def rates(error: float = 0.2) -> pd.DataFrame:
    return pd.DataFrame(np.where(np.eye(4), 1 - error, error / 3), STAGES, STAGES)


def test_hidden_chain_agrees_with_adding_up_all_paths() -> None:
    data = panel("ss d", "fsdd", " sss").rename(columns={"stage": "classified"})
    error = rates().iloc[:, [1, 2, 3, 0]]
    model = lc.HiddenMarkov(data.drop(columns="lost_on"), error)
    found = model.fit()
    moves, first = found.matrix.to_numpy(), found._initial
    total, counts, occupied = 0.0, np.zeros((4, 4)), {}
    for account, rows in data.groupby("account_id"):
        months = rows["month"].dt.month.to_numpy()
        seen = dict(zip(months - months[0], rows["classified"], strict=True))
        weight, moved, where = 0.0, np.zeros((4, 4)), np.zeros((months[-1] - months[0] + 1, 4))
        for path in product(range(4), repeat=len(where)):
            p = first[int(months[0] > 1), path[0]] * np.prod([moves[a, b] for a, b in pairwise(path)])
            p *= np.prod([error.loc[STAGES[path[t]], letter] for t, letter in seen.items()])
            weight += p
            np.add.at(moved, (path[:-1], path[1:]), p)
            where[range(len(path)), path] += p
        total += np.log(weight)
        counts += moved / weight
        occupied[account] = (where / weight)[list(seen)]
    # `log_likelihood` ends one step before the estimate: compare with a pass at the estimate itself
    last = model._sequences.expect(moves[None], first[None], np.ones((1, 3)))[0][0]
    assert last == pytest.approx(total)
    np.testing.assert_allclose(found.expected_moves, counts, atol=1e-9)
    np.testing.assert_allclose(found.stages().sort_index(), np.vstack(list(occupied.values())), atol=1e-9)


def test_without_errors_the_hidden_chain_is_the_counted_one() -> None:
    data = panel("eeffssss", "sddffdd.", "efsdffss", "ssssssdd").rename(columns={"stage": "classified"})
    counted = lc.transitions(data, state="classified", lost="lost_on")
    hidden = lc.HiddenMarkov(data, rates(0.0), lost="lost_on").fit()
    np.testing.assert_allclose(hidden.matrix, counted.matrix, atol=1e-6)
    np.testing.assert_allclose(hidden.expected_moves, counted.counts, atol=1e-6)
    np.testing.assert_allclose(hidden.implied_moves().loc[STAGES, FIVE], counted.counts, atol=1e-6)


@given(st.lists(st.text("efsd ", min_size=4, max_size=9).filter(lambda h: h.strip()), min_size=3, max_size=8))
def test_law_the_likelihood_never_falls(histories: list[str]) -> None:
    data = panel(*histories, "efsd", lost=False).rename(columns={"stage": "classified"})
    found = lc.HiddenMarkov(data, rates()).fit(tolerance=1e-4)
    assert (np.diff(found.log_likelihood) > -1e-9).all()
    np.testing.assert_allclose(found.matrix.sum(axis=1), 1)
    np.testing.assert_allclose(found.stages().sum(axis=1), 1)
    assert found.stages().index.sort_values().equals(data.index)


def test_order_of_rows_and_ids_does_not_matter() -> None:
    data = panel("eeffssss", "sddffdd.", "efsdf ss", "ssssssdd").rename(columns={"stage": "classified"})
    found = lc.HiddenMarkov(data, rates(), lost="lost_on").fit()
    mixed = data.assign(account_id=data["account_id"].map({1: "d", 2: "a", 3: "c", 4: "b"})).sample(
        frac=1, random_state=2
    )
    again = lc.HiddenMarkov(mixed, rates(), lost="lost_on").fit()
    np.testing.assert_allclose(again.matrix, found.matrix, atol=1e-8)
    np.testing.assert_allclose(again.stages().sort_index(), found.stages().sort_index(), atol=1e-8)


def test_no_convergence_is_said() -> None:
    data = panel("eeffssss", "sddffddd", lost=False).rename(columns={"stage": "classified"})
    with pytest.warns(UserWarning, match="no convergence after 2"):
        lc.HiddenMarkov(data, rates()).fit(max_iterations=2)


# -- recovery of the truth ------------------------------------------------------------------------------------------
def test_naive_moves_mislead_and_the_hidden_chain_corrects(big, past, rule) -> None:
    data = past.assign(classified=rule.classify(past))
    naive = lc.transitions(data, state="classified", lost="lost_on")
    errors = pd.crosstab(data["stage"].astype(str), data["classified"], normalize="index").loc[STAGES, STAGES]
    corrected = lc.HiddenMarkov(data, errors, lost="lost_on").fit()
    by_labels = lc.HiddenMarkov(data, rule.error_rates, lost="lost_on").fit()
    truth = pooled(big)
    assert truth.loc["stability", "decline"] == pytest.approx(0.031, abs=0.002)
    assert naive.matrix.loc["stability", "decline"] > 0.06  # at least double
    np.testing.assert_allclose(corrected.matrix.loc[STAGES, FIVE], truth, atol=0.02)
    assert corrected.matrix.loc["stability", "decline"] == pytest.approx(0.031, abs=0.005)
    # Managers are wrong in 6 % of their labels. That moves the correction a little, far less than no correction does.
    np.testing.assert_allclose(by_labels.matrix.loc[STAGES, FIVE], truth, atol=0.035)
    assert (by_labels.matrix.loc[STAGES, FIVE] - truth).abs().max().max() < 0.1 * (
        naive.matrix.loc[STAGES, FIVE] - truth
    ).abs().max().max()
    # Smoothing reads the stages better than single months do.
    single = (data["classified"].astype(str) == data["stage"]).mean()
    smoothed = (by_labels.stages().loc[data.index].idxmax(axis=1) == data["stage"].astype(str)).mean()
    assert single == pytest.approx(0.76, abs=0.03)
    assert smoothed > single + 0.08
    # Spurious jumps: none is real, most of those counted are expected from the errors alone.
    real = lc.illegal_moves(lc.transitions(past.drop(columns="lost_on")).counts)
    counted, implied = lc.illegal_moves(naive.counts).sum(), lc.illegal_moves(by_labels.implied_moves()).sum()
    assert real.sum() == 0
    assert counted > 0.1 * naive.counts.to_numpy().sum()
    assert implied == pytest.approx(counted, rel=0.2)


def test_bootstrap_covers_the_truth_and_repeats(past, rule, big) -> None:
    some = past[past["account_id"] <= 240]
    data = some.assign(classified=rule.classify(some))
    errors = pd.crosstab(past["stage"].astype(str), rule.classify(past), normalize="index").loc[
        STAGES, STAGES
    ]
    fitted = lc.HiddenMarkov(data, errors, lost="lost_on").fit()
    boot = fitted.bootstrap(40, seed=3)
    table, truth = boot.summary(level=0.99), pooled(big).stack()
    inside = (table["lower"] - 0.005 <= truth) & (truth <= table["upper"] + 0.005)
    assert inside.sum() >= 18
    assert boot.summary().equals(fitted.bootstrap(40, seed=3).summary())
    assert not boot.summary().equals(fitted.bootstrap(40, seed=4).summary())
    assert len(boot.chains) == 40
    assert np.isclose(boot.chains[0].matrix.to_numpy(), boot._draws[0]).all()


def test_one_chain_for_movers_and_stayers_understates_staying(past) -> None:
    one = lc.transitions(past, lost="lost_on").after(24).loc["stability"]
    happened = lc.observed_after(past, 24, lost="lost_on").loc["stability"]
    assert happened["stability"] - one["stability"] > 0.03
    assert one["lost"] - happened["lost"] > 0.02
    by_group = {
        g: lc.transitions(rows).matrix.loc["stability", "decline"] for g, rows in past.groupby("trust_group")
    }
    assert by_group["low"] > 2 * by_group["mid"] * 0.9
    assert by_group["mid"] > 2 * by_group["high"] * 0.9


def test_care_is_found_in_the_wave(big, rule) -> None:
    ledger = big.tables["account_months"].merge(big.tables["accounts"][["account_id", "lost_on"]])
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


def test_the_rule_reads_no_visits_unless_told(big, rule) -> None:
    months, reviews = big.tables["account_months"], big.tables["account_reviews"]
    more = lc.StageClassifier(months, reviews, extra=("visits",)).fit()
    assert "visits" not in rule.params.index
    assert more.accuracy > rule.accuracy
    # Care adds visits, and so a rule that reads visits takes cared accounts for accounts in another stage.
    cared = months[
        (months["month"] >= "2025-07-01")
        & months["account_id"].isin(big.tables["care_wave"].query("arm == 'care'")["account_id"])
    ].merge(big.truth["account_stages"], on=["account_id", "month"])
    stable = cared[cared["stage"] == "stability"]
    assert (more.classify(stable) == "stability").mean() < (
        rule.classify(stable) == "stability"
    ).mean() - 0.02


def test_error_rates_are_cross_validated(big, rule) -> None:
    months = big.tables["account_months"].merge(big.truth["account_stages"], on=["account_id", "month"])
    true = pd.crosstab(months["stage"].astype(str), rule.classify(months), normalize="index").loc[
        STAGES, STAGES
    ]
    np.testing.assert_allclose(rule.error_rates, true, atol=0.08)
    assert rule.confusion.to_numpy().sum() == len(big.tables["account_reviews"])
    assert rule.summary().loc["stability", "recall"] == pytest.approx(
        rule.error_rates.loc["stability", "stability"]
    )
    assert rule.params.shape == rule.bse.shape == (6, 3)
    assert f"{rule.accuracy:.1%}" in repr(rule)


# -- care and its budget --------------------------------------------------------------------------------------------
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


# -- levels of interaction ------------------------------------------------------------------------------------------
def log(*moments: str, customer: int = 1) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": customer, "at": pd.to_datetime(list(moments))})


def test_pauses_end_sessions() -> None:
    events = pd.concat(
        [
            log("2025-07-01 10:00", "2025-07-01 10:30", "2025-07-01 11:01", "2025-07-02 09:00"),
            log("2025-07-01 10:05", customer=2),
        ],
        ignore_index=True,
    ).iloc[::-1]
    episode = lc.sessionize(events, "30min")
    assert episode.sort_index().tolist() == [1, 1, 2, 3, 4]
    assert episode.index.equals(events.index)
    assert lc.sessionize(events, "2D").sort_index().tolist() == [1, 1, 1, 1, 2]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5000)), min_size=2, max_size=40), st.integers(1, 900)
)
def test_law_longer_gaps_nest(rows: list, minutes: int) -> None:
    start = pd.Timestamp("2025-07-01")
    events = pd.DataFrame(
        {"customer_id": [c for c, _ in rows], "at": [start + pd.Timedelta(minutes=m) for _, m in rows]}
    )
    short = lc.sessionize(events, pd.Timedelta(minutes=minutes))
    long = lc.sessionize(events, pd.Timedelta(minutes=3 * minutes))
    assert (long.groupby(short).nunique() < 2).all()
    assert (events["customer_id"].groupby(long).nunique() < 2).all()
    mixed = events.sample(frac=1, random_state=1)
    assert lc.sessionize(mixed, pd.Timedelta(minutes=minutes)).sort_index().equals(short)


def test_sessions_against_the_truth() -> None:
    world = simulate.world(3, customers=2000)
    events = world.tables["event_log"].merge(world.truth["events"], on="event_id")
    episodes = lc.pair_agreement(events["episode_id"], lc.sessionize(events, "30min"))
    assert episodes["adjusted_rand"] > 0.9
    sequences = lc.pair_agreement(events["sequence_id"], lc.sessionize(events, "36h"))
    assert sequences["recall"] > 0.8
    assert sequences["adjusted_rand"] > 0.6


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=25))
def test_law_pair_agreement_counts_pairs(rows: list) -> None:
    a, b = (pd.Series(x) for x in zip(*rows, strict=True))
    pairs = [(i, j) for i in range(len(a)) for j in range(i)]
    same_a, same_b = [a[i] == a[j] for i, j in pairs], [b[i] == b[j] for i, j in pairs]
    if not any(same_a) or not any(same_b):
        with pytest.raises(ValueError, match="no two things"):
            lc.pair_agreement(a, b)
        return
    found = lc.pair_agreement(a, b)
    assert found["precision"] == pytest.approx(
        sum(x and y for x, y in zip(same_a, same_b, strict=True)) / sum(same_b)
    )
    assert found["adjusted_rand"] <= 1 + 1e-9
    assert lc.pair_agreement(a, a)["adjusted_rand"] == 1


# -- bad input ------------------------------------------------------------------------------------------------------
GOOD = panel("eeffssss", "sddffdd.", "efsdf ss", "ssssssdd")


def change(column: str, value: object, row: int = 3) -> pd.DataFrame:
    out = GOOD.copy()
    out[column] = out[column].astype(object)
    out.loc[row, column] = value
    return out if column == "stage" else out.infer_objects()


BAD_PANELS = [
    ([1, 2], TypeError, "DataFrame"),
    (GOOD.iloc[:0], ValueError, "no rows"),
    (GOOD.drop(columns="month"), ValueError, "no column 'month'"),
    (GOOD.rename(columns={"stage": "Stage"}), ValueError, "no column 'stage'. Did you mean 'Stage'"),
    (GOOD.assign(month=GOOD["month"].astype(str)), TypeError, "month must hold dates"),
    (GOOD.assign(month=GOOD["month"].where(GOOD.index > 2)), ValueError, "month has 3 missing"),
    (change("stage", None), ValueError, "stage has 1 missing"),
    (GOOD.assign(stage=1), TypeError, "names of states"),
    (
        GOOD.assign(account_id=GOOD["account_id"].where(GOOD.index > 0)),
        ValueError,
        "account_id has 1 missing",
    ),
    (pd.concat([GOOD, GOOD.iloc[[4]]]), ValueError, "account_id 1 in 2025-05"),
    (
        GOOD.assign(month=GOOD["month"].where(GOOD.index != 1, GOOD["month"] - pd.Timedelta(days=15))),
        ValueError,
        "more than one row",
    ),
    (
        GOOD.assign(lost_on=pd.Timestamp("2025-03-01")),
        ValueError,
        "dates out of order.*account_id 1 in 2025-03",
    ),
    (GOOD.assign(lost_on=GOOD["month"] + pd.Timedelta(days=900)), ValueError, "lost_on differs"),
    (GOOD.assign(lost_on="2027-01-01"), TypeError, "lost_on must hold dates"),
    (GOOD.assign(stage="lost", lost_on=pd.NaT), ValueError, "dates out of order|every row"),
]


@pytest.mark.parametrize(("data", "error", "text"), BAD_PANELS)
@pytest.mark.parametrize("function", ["transitions", "observed_after", "HiddenMarkov"])
def test_bad_panels_are_refused(function: str, data: object, error: type, text: str) -> None:
    call = {
        "transitions": lambda: lc.transitions(data, lost="lost_on"),
        "observed_after": lambda: lc.observed_after(data, 2, lost="lost_on"),
        "HiddenMarkov": lambda: lc.HiddenMarkov(data, rates(), state="stage", lost="lost_on"),
    }
    with pytest.raises(error, match=text):
        call[function]()


def test_a_state_without_a_next_month_is_refused() -> None:
    with pytest.raises(ValueError, match="no month in state 'decline' is followed"):
        lc.transitions(panel("essd", lost=False))


E_ = rates()
TWO = chain([[0.9, 0.1], [0, 1]], ["stability", "lost"])
LEDGER = pd.DataFrame(
    {
        "account_id": 1,
        "month": pd.date_range("2025-01-01", periods=3, freq="MS"),
        "orders": [1, 2, 3],
        "volume_kg": [5.0, 6, 7],
        "revenue": [900.0, 800, 0],
        "margin": [300.0, -20, 0],
        "visits": [1, 0, 2],
        "complaints": [0, 1, 0],
        "response_hours": [4.0, 3, 2],
    }
)
LABELS = LEDGER[["account_id", "month"]].assign(stage=["stability", "decline", "decline"])
ONE = pd.Series([1.0], ["a"])
BAD_CALLS = [
    (lambda: lc.Chain([[1]]), TypeError, "DataFrame"),
    (lambda: chain([[0.5, 0.4], [0, 1]]), ValueError, "row 's0' of the matrix sums to 0.9"),
    (lambda: chain([[3, 1], [0, 4]]), ValueError, "sums to 4"),
    (lambda: chain([[1.1, -0.1], [0, 1]]), ValueError, "at least 0"),
    (lambda: chain([[np.nan, 1], [0, 1]]), ValueError, "missing"),
    (lambda: chain([[np.inf, 1], [0, 1]]), ValueError, "infinite"),
    (
        lambda: lc.Chain(pd.DataFrame([[1.0, 0]], ["a"], ["b", "c"])),
        ValueError,
        "found rows a and columns b, c",
    ),
    (lambda: lc.Chain(pd.DataFrame([["x"]], ["a"], ["a"])), TypeError, "numeric"),
    (lambda: TWO.after(1.5), TypeError, "whole number"),
    (lambda: TWO.after(-1), ValueError, "at least 0"),
    (lambda: TWO.loss(-1), ValueError, "at least 0"),
    (lambda: TWO.steady_state(), ValueError, "replaced_by='exploration'"),
    (lambda: TWO.steady_state("stabilty"), ValueError, "Did you mean 'stability'"),
    (lambda: chain([[1, 0], [0, 1]]).steady_state("s0"), ValueError, "not known"),
    (
        lambda: chain(
            [[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]]
        ).steady_state(),
        ValueError,
        "parts",
    ),
    (lambda: chain([[0.5, 0.5], [0.5, 0.5]]).expected_months(), ValueError, "lost='lost_on'"),
    (lambda: chain([[0, 1, 0], [1, 0, 0], [0, 0, 1]]).loss(), ValueError, "infinite"),
    (lambda: TWO.value([1, 2]), TypeError, "for each state"),
    (lambda: TWO.value({"stabilty": 1}), ValueError, "Did you mean 'stability'"),
    (lambda: TWO.value({}), ValueError, "no number for state 'stability'"),
    (lambda: TWO.value({"stability": np.nan}), TypeError, "finite"),
    (lambda: TWO.value({"stability": "9"}), TypeError, "finite"),
    (lambda: TWO.value({"stability": 1}, yearly_rate=-0.1), ValueError, "at least 0"),
    (lambda: TWO.value({"stability": 1}, horizon=-1), ValueError, "at least 0"),
    (lambda: TWO.value({"stability": 1, "lost": 1}, yearly_rate=0), ValueError, "no end"),
    (lambda: TWO.value({"stability": 1}, periods_per_year=0), ValueError, "at least 1"),
    (lambda: lc.transitions(GOOD).summary(level=2), ValueError, "at most"),
    (lambda: lc.observed_after(GOOD, 0), ValueError, "at least 1"),
    (lambda: lc.observed_after(GOOD, 36), ValueError, "followed for 36 months"),
    (lambda: lc.illegal_moves(pd.DataFrame()), ValueError, "no rows"),
    (lambda: lc.illegal_moves(pd.DataFrame({"a": ["x"]})), TypeError, "numeric"),
    (lambda: lc.illegal_moves(pd.DataFrame({"a": [-1]})), ValueError, "at least 0"),
    (lambda: lc.HiddenMarkov(GOOD, [[1]], state="stage"), TypeError, "DataFrame"),
    (lambda: lc.HiddenMarkov(GOOD, 100 * E_, state="stage"), ValueError, "at most 1"),
    (lambda: lc.HiddenMarkov(GOOD, E_.T * [1, 1, 1, 0.5], state="stage"), ValueError, "sums to"),
    (
        lambda: lc.HiddenMarkov(GOOD, E_.drop(columns="decline").assign(x=E_["decline"]), state="stage"),
        ValueError,
        "no column",
    ),
    (
        lambda: lc.HiddenMarkov(GOOD, E_.rename(index={"decline": "lost"}), state="stage"),
        ValueError,
        "not 'lost'",
    ),
    (
        lambda: lc.HiddenMarkov(
            GOOD, E_.assign(decline=0.0).pipe(lambda e: e.div(e.sum(axis=1), axis=0)), state="stage"
        ).fit(),
        ValueError,
        "probability 0",
    ),
    (lambda: lc.HiddenMarkov(GOOD, E_, state="stage").fit(tolerance=1), ValueError, "at most"),
    (lambda: lc.HiddenMarkov(GOOD, E_, state="stage").fit().bootstrap(1), ValueError, "at least 2"),
    (lambda: lc.StageClassifier(LEDGER.iloc[:0], LABELS), ValueError, "months has no rows"),
    (lambda: lc.StageClassifier(LEDGER, LABELS.iloc[:0]), ValueError, "reviews has no rows"),
    (
        lambda: lc.StageClassifier(LEDGER, LABELS.drop(columns="stage")),
        ValueError,
        "reviews has no column 'stage'",
    ),
    (lambda: lc.StageClassifier(pd.concat([LEDGER, LEDGER]), LABELS), ValueError, "months has 3 duplicated"),
    (lambda: lc.StageClassifier(LEDGER, pd.concat([LABELS, LABELS])), ValueError, "reviews has 3 duplicated"),
    (lambda: lc.StageClassifier(LEDGER.assign(month="2025"), LABELS), TypeError, "month of months"),
    (lambda: lc.StageClassifier(LEDGER, LABELS), ValueError, "the label of 1 months"),
    (lambda: lc.StageClassifier(LEDGER, LABELS.assign(stage=None)), ValueError, "missing"),
    (lambda: lc.sessionize(GOOD, "30min"), ValueError, "no column 'customer_id'"),
    (lambda: lc.sessionize(log("2025-07-01").iloc[:0], "30min"), ValueError, "no rows"),
    (lambda: lc.sessionize(log("2025-07-01"), "-1h"), ValueError, "positive time"),
    (lambda: lc.sessionize(log("2025-07-01"), "soon"), ValueError, "found 'soon'"),
    (lambda: lc.sessionize(log("2025-07-01").assign(at="x"), "30min"), TypeError, "hold dates"),
    (
        lambda: lc.sessionize(log("2025-07-01").assign(customer_id=np.nan), "30min"),
        ValueError,
        "customer_id has 1 missing",
    ),
    (lambda: lc.pair_agreement(pd.Series([1, 1]), pd.Series([1])), ValueError, "equally long"),
    (lambda: lc.pair_agreement(pd.Series([1, None]), pd.Series([1, 1])), ValueError, "complete"),
    (lambda: lc.care_value(TWO, chain([[1.0]]), {"stability": 1}, 1), ValueError, "different states"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, -1), ValueError, "at least 0"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 0), ValueError, "above 0"),
    (lambda: lc.care_value(TWO, TWO, {"stability": np.inf}, 1), TypeError, "finite"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 1, months=0), ValueError, "at least 1"),
    (lambda: lc.care_value(TWO, TWO, {"stability": 1}, 1, horizon=-1), ValueError, "at least 0"),
    (lambda: lc.allocate(-1, ONE, ONE, ONE), ValueError, "at least 0"),
    (lambda: lc.allocate(np.nan, ONE, ONE, ONE), TypeError, "finite"),
    (lambda: lc.allocate(1, ONE, ONE, pd.Series([1], ["b"])), ValueError, "available must be"),
    (lambda: lc.allocate(1, ONE, 0 * ONE, ONE), ValueError, "needs no budget"),
    (lambda: lc.allocate(1, ONE, ONE, -ONE), ValueError, "at least 0"),
    (lambda: lc.allocate(1, ONE * np.nan, ONE, ONE), ValueError, "missing"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("column", "value", "error", "text"),
    [
        ("revenue", -1.0, ValueError, "revenue must be at least 0"),
        ("volume_kg", -1.0, ValueError, "volume_kg must be at least 0"),
        ("orders", np.nan, ValueError, "orders has 24 missing"),
        ("margin", np.inf, ValueError, "margin has 24 infinite"),
        ("complaints", "none", TypeError, "complaints must be numeric"),
        ("response_hours", 0.0, ValueError, "response_hours must be above 0"),
        ("revenue", 0.0, ValueError, "no margin rate"),
        ("orders", 3, ValueError, "no finite rule"),
    ],
)
def test_bad_ledgers_are_refused(column: str, value: object, error: type, text: str) -> None:
    ledger = pd.concat([LEDGER.assign(account_id=i, revenue=700.0 + i) for i in range(8)], ignore_index=True)
    labels = ledger[["account_id", "month"]].assign(stage=["stability", "decline"] * 12)
    with pytest.raises(error, match=text):
        lc.StageClassifier(ledger.assign(**{column: value}), labels).fit()
