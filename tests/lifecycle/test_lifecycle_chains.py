"""Chains: published figures, cases by hand, laws, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifecycle_cases import TWO, chain, matrices

from crmlab import lifecycle as lc


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
    assert three.steady_state("old").tolist() == pytest.approx([0, 1])


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


BAD_CALLS = [
    (lambda: lc.Chain([[1]]), TypeError, "DataFrame"),
    (lambda: chain([[0.5, 0.4], [0, 1]]), ValueError, "row 's0' of the matrix sums to 0.9"),
    (lambda: chain([[3, 1], [0, 4]]), ValueError, "sums to 4"),
    (lambda: chain([[0.9, 0.098], [0, 1]]), ValueError, "row 's0' of the matrix sums to 0.998"),
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
    (lambda: TWO.after(-1), ValueError, "between 0"),
    (lambda: TWO.loss(-1), ValueError, "between 0"),
    (lambda: TWO.steady_state(), ValueError, "replaced_by='exploration'"),
    (lambda: TWO.steady_state("stabilty"), ValueError, "Did you mean 'stability'"),
    (lambda: chain([[1, 0], [0, 1]]).steady_state("s0"), ValueError, "nothing moves"),
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
    (lambda: TWO.value({}), ValueError, "nothing for 'stability'"),
    (lambda: TWO.value({"stability": np.nan}), TypeError, "finite"),
    (lambda: TWO.value({"stability": "9"}), TypeError, "finite"),
    (lambda: TWO.value({"stability": 1}, yearly_rate=-0.1), ValueError, "at least 0"),
    (lambda: TWO.value({"stability": 1}, horizon=-1), ValueError, "between 0"),
    (lambda: TWO.value({"stability": 1, "lost": 1}, yearly_rate=0), ValueError, "no end"),
    (lambda: TWO.value({"stability": 1}, periods_per_year=0), ValueError, "at least 1"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_states_may_be_numbers() -> None:
    numbers = chain([[0.5, 0.5, 0], [0, 0.8, 0.2], [0, 0, 1]], [1, 2, 3])
    named = chain([[0.5, 0.5, 0], [0, 0.8, 0.2], [0, 0, 1]], ["1", "2", "3"])
    assert "absorbing: 3." in repr(numbers)
    assert "absorbing: 3." in numbers._repr_html_()
    for reward in ({1: 10, 2: 20}, pd.Series([20, 10, 0], [2, 1, 3]), {np.int64(1): 10, 2: 20, 3: 0}):
        assert numbers.value(reward).tolist() == named.value({"1": 10, "2": 20}).tolist()
    assert numbers.steady_state(1).tolist() == pytest.approx([2 / 7, 5 / 7])
    assert numbers.loss(2).loc[1, "within_2_months"] == pytest.approx(0.1)
    assert lc.Chain(pd.DataFrame([[0.1, 0.9]], [1], [0, 1])).absorbing == [0]
    with pytest.raises(ValueError, match="reward names '1'"):
        numbers.value({"1": 10})
    with pytest.raises(ValueError, match="nothing for 2"):
        numbers.value({1: 10})
    with pytest.raises(ValueError, match=r"replaced_by names '1'. Did you mean 1"):
        numbers.steady_state("1")
    with pytest.raises(ValueError, match="sums to"):
        chain([[0.5, 0.4], [0, 1]], [1, 2])


BAD_CHAINS = [
    (lambda: chain([[1, 0], [0, 1]], ["a", np.nan]), ValueError, "a state of the matrix has no name"),
    (lambda: chain([[0.9, 0.1], [0, 1]], ["stability", "Lost"]), ValueError, "'Lost': did you mean 'lost'"),
    (
        lambda: lc.Chain(pd.DataFrame([[0.1, 0.9]], ["a"], ["lost ", "a"])),
        ValueError,
        "'lost ': did you mean 'lost'",
    ),
    (lambda: lc.Chain(pd.DataFrame([[0.1, 0.9], [0, 1]], [1, 2], ["1", "2"])), ValueError, "found rows 1, 2"),
    (lambda: chain([[0.9, 0.1], [0, 1]], ["a", "a"]), ValueError, "once"),
    (lambda: TWO.after(10**6), ValueError, "between 0 and 12,000, found 1,000,000. A thousand years"),
    (lambda: TWO.loss(10**6), ValueError, "12,000"),
    (lambda: TWO.value({"stability": 1}, horizon=10**9), ValueError, "12,000"),
    (lambda: TWO.value(pd.Series([1, 2], ["stability", "stability"])), ValueError, "more than once"),
    (lambda: TWO.value({"stability": True}), TypeError, "finite"),
    (lambda: TWO.after(True), TypeError, "whole number"),
    (lambda: TWO.after("12"), TypeError, "whole number"),
    (lambda: TWO.value({"stability": 1}, yearly_rate="0.1"), TypeError, "finite number"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CHAINS, ids=range(len(BAD_CHAINS)))
def test_bad_chains_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_numpy_numbers_and_the_longest_horizon_are_taken() -> None:
    assert TWO.after(np.int64(12_000)).loc["stability", "lost"] == pytest.approx(1)
    far = TWO.value({"stability": np.float32(1)}, np.float64(0.1), horizon=np.int32(12_000))
    np.testing.assert_allclose(far, TWO.value({"stability": 1}))
