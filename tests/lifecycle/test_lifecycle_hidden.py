"""The hidden chain: every path added up, laws, recovery of the truth, zeros, the bootstrap."""

from __future__ import annotations

import warnings
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifecycle_cases import FIVE, GOOD, STAGES, panel, pooled, rates

from crmlab import lifecycle as lc


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
        found = lc.HiddenMarkov(data, rates()).fit(max_iterations=2)
    assert found.settings["iterations"] == len(found.log_likelihood) == 2
    assert found.settings["converged"] is False


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


BAD_CALLS = [
    (lambda: lc.HiddenMarkov(GOOD, [[1]], state="stage"), TypeError, "DataFrame"),
    (lambda: lc.HiddenMarkov(GOOD, 100 * rates(), state="stage"), ValueError, "at most 1"),
    (lambda: lc.HiddenMarkov(GOOD, rates().T * [1, 1, 1, 0.5], state="stage"), ValueError, "sums to"),
    (
        lambda: lc.HiddenMarkov(
            GOOD, rates().drop(columns="decline").assign(x=rates()["decline"]), state="stage"
        ),
        ValueError,
        "no column",
    ),
    (
        lambda: lc.HiddenMarkov(GOOD, rates().rename(index={"decline": "lost"}), state="stage"),
        ValueError,
        "not 'lost'",
    ),
    (
        lambda: lc.HiddenMarkov(
            GOOD, rates().assign(decline=0.0).pipe(lambda e: e.div(e.sum(axis=1), axis=0)), state="stage"
        ).fit(),
        ValueError,
        "probability 0",
    ),
    (lambda: lc.HiddenMarkov(GOOD, rates(), state="stage").fit(tolerance=1), ValueError, "at most"),
    (lambda: lc.HiddenMarkov(GOOD, rates(), state="stage").fit().bootstrap(1), ValueError, "between 2"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


# -- zeros ----------------------------------------------------------------------------------------------------------
def spell(*histories: str) -> pd.DataFrame:
    return panel(*histories, lost=False).rename(columns={"stage": "classified"})


def test_a_move_that_was_never_needed_can_appear_in_a_resample() -> None:
    # misreadings explain the whole record, so EM ends at 0; they do not where the last accounts are drawn often
    error = pd.DataFrame([[0.85, 0.15], [0.2, 0.8]], ["stability", "decline"], ["stability", "decline"])
    found = lc.HiddenMarkov(spell(*["ssssssss"] * 8, "sssssssd", "ssssssdd", "sdssssss"), error).fit()
    assert found.matrix.loc["stability", "decline"] < 1e-6
    draws = np.array([c.matrix.loc["stability", "decline"] for c in found.bootstrap(60).chains])
    assert (draws > 0.01).any()
    assert (draws < 0.001).any()


def test_an_account_that_was_not_drawn_counts_for_nothing() -> None:
    two = pd.DataFrame(np.eye(2), ["stability", "decline"], ["stability", "decline"])
    sequences = lc.HiddenMarkov(spell("ssss", "sdsd"), two)._sequences
    stay = np.eye(2)[None]
    initial = np.array([[[1.0, 0], [0.5, 0.5]]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        likelihood, counts, _ = sequences.expect(stay, initial, np.array([[3.0, 0]]))
        impossible = sequences.expect(stay, initial, np.array([[3.0, 1]]))[0]
    assert likelihood.tolist() == [0]
    assert counts[0].tolist() == [[9, 0], [0, 0]]
    assert impossible.tolist() == [-np.inf]


def test_a_state_that_is_not_reached_keeps_its_row() -> None:
    found = lc.HiddenMarkov(spell("ssss", "ssss"), rates(0)).fit()
    assert np.isfinite(found.matrix.to_numpy()).all()
    np.testing.assert_allclose(found.matrix.sum(axis=1), 1)


# -- intervals, settings --------------------------------------------------------------------------------------------
def test_intervals_are_the_percentiles_that_their_level_says() -> None:
    boot = (
        lc.HiddenMarkov(spell("eeffssss", "sddffdds", "efsdffss", "ssssssdd"), rates(0.1)).fit().bootstrap(50)
    )
    draws = boot._draws[:, :4].reshape(50, -1)
    for level, tails in ((0.95, [0.025, 0.975]), (0.8, [0.1, 0.9])):
        table = boot.summary(level)
        np.testing.assert_allclose(table[["lower", "upper"]], np.quantile(draws, tails, axis=0).T)
    np.testing.assert_allclose(table["se"], draws.std(axis=0, ddof=1))
    pd.testing.assert_frame_equal(boot.summary(), boot.summary(0.95))
    assert "50 bootstrap resamples of accounts (seed 1), 95 % percentile intervals." in repr(boot)


def test_the_caption_says_how_the_chain_was_made() -> None:
    found = lc.HiddenMarkov(spell("eeffssss", "sddffdds"), rates(0.1)).fit()
    assert f"16 months of 2 accounts, until 2025-08; {found.settings['iterations']} iterations of EM" in repr(
        found
    )
    assert found.settings["converged"] is True


MODEL = lc.HiddenMarkov(spell("eeffssss", "sddffdds"), rates())
BAD_SETTINGS = [
    (
        lambda: MODEL.fit(max_iterations=10**9),
        ValueError,
        "between 1 and 100,000, found 1,000,000,000. EM that",
    ),
    (lambda: MODEL.fit(max_iterations=0), ValueError, "max_iterations must be"),
    (lambda: MODEL.fit(tolerance=0), ValueError, "tolerance must be at least"),
    (
        lambda: MODEL.fit().bootstrap(10**6),
        ValueError,
        "between 2 and 10,000, found 1,000,000. A thousand settle",
    ),
    (lambda: MODEL.fit().bootstrap(10, seed=-1), ValueError, "seed must be at least 0"),
    (lambda: MODEL.fit().bootstrap(10).summary(95), ValueError, "level must be at most"),
    (
        lambda: lc.HiddenMarkov(GOOD, rates().rename(index={"decline": "Lost"}), state="stage"),
        ValueError,
        "did you mean 'lost'",
    ),
    (
        lambda: lc.HiddenMarkov(GOOD, rates().iloc[:, [0, 1, 2, 3, 3]], state="stage"),
        ValueError,
        "every stage and class once",
    ),
    (lambda: lc.HiddenMarkov(GOOD, rates() * np.nan, state="stage"), ValueError, "missing"),
    (lambda: lc.HiddenMarkov(GOOD, rates() * 0.998, state="stage"), ValueError, "sums to 0.998, not to one"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_SETTINGS, ids=range(len(BAD_SETTINGS)))
def test_bad_settings_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()
