"""Moves counted by hand, what happened later, forbidden moves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifecycle_cases import FIVE, GOOD, STAGES, panel

from crmlab import lifecycle as lc


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


def test_a_state_without_a_next_month_is_refused() -> None:
    with pytest.raises(ValueError, match="no month in state 'decline' is followed"):
        lc.transitions(panel("essd", lost=False))


BAD_CALLS = [
    (lambda: lc.transitions(GOOD).summary(level=2), ValueError, "at most"),
    (lambda: lc.observed_after(GOOD, 0), ValueError, "between 1"),
    (lambda: lc.observed_after(GOOD, 36), ValueError, "followed for 36 months"),
    (lambda: lc.illegal_moves(pd.DataFrame()), ValueError, "no rows"),
    (lambda: lc.illegal_moves(pd.DataFrame({"a": ["x"]})), TypeError, "numeric"),
    (lambda: lc.illegal_moves(pd.DataFrame({"a": [-1]})), ValueError, "at least 0"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


MOVES = pd.DataFrame([[8, 1], [2, 9]], ["a", "b"], ["a", "b"])


@pytest.mark.parametrize(
    "allowed", [[("a", "b")], [["a", "b"]], (("a", "b"),), {("a", "b")}, iter([["a", "b"]])]
)
def test_a_scheme_may_be_written_in_many_ways(allowed: object) -> None:
    assert lc.illegal_moves(MOVES, allowed).to_dict() == {("b", "a"): 2}


STAGED = pd.DataFrame([[8, 1], [2, 9]], ["exploration", "Stability"], ["exploration", "Stability"])
BAD_SCHEMES = [
    (MOVES, ["ab"], ValueError, "found 'ab' in it"),
    (MOVES, ("a", "b"), ValueError, r"pairs such as \[\('exploration'"),
    (MOVES, "ab", TypeError, "found str"),
    (MOVES, {"a": "b"}, TypeError, "found dict"),
    (MOVES, None, TypeError, "NoneType"),
    (MOVES, [("a", "b", "a")], ValueError, "in it"),
    (MOVES, [("a", "stabilty")], ValueError, "allowed names 'stabilty'. Did you mean 'stability'"),
    (MOVES, lc.ALLOWED, ValueError, "judged by the four stages; the table names 'a'"),
    (STAGED, lc.ALLOWED, ValueError, "Did you mean 'stability'"),
    (MOVES.rename(columns={"b": "Lost"}), [("a", "b")], ValueError, "did you mean 'lost'"),
    (MOVES.iloc[[0, 0]], [("a", "b")], ValueError, "once"),
    (MOVES.assign(b=np.nan), [("a", "b")], ValueError, "missing"),
]


@pytest.mark.parametrize(("moves", "allowed", "error", "text"), BAD_SCHEMES, ids=range(len(BAD_SCHEMES)))
def test_bad_schemes_are_refused(moves: pd.DataFrame, allowed: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        lc.illegal_moves(moves, allowed)


def test_too_many_months_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"between 1 and 12,000, found 10,000,000. A thousand years"):
        lc.observed_after(GOOD, 10_000_000)
