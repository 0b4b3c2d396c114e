"""Sessions and how well they are found."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifecycle_cases import GOOD

from crmlab import lifecycle as lc
from crmlab import simulate


def test_pair_agreement_by_hand() -> None:
    # 6 pairs; 2 belong together, 1 was put together, rightly: (1 - 2/6) / (1.5 - 2/6) = 4/7
    found = lc.pair_agreement(pd.Series([0, 0, 1, 1]), pd.Series([0, 0, 1, 2]))
    assert found.tolist() == pytest.approx([1, 1 / 2, 4 / 7])


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
    both = sum(x and y for x, y in zip(same_a, same_b, strict=True))
    assert found["recall"] == pytest.approx(both / sum(same_a))
    assert found["adjusted_rand"] <= 1 + 1e-9
    assert lc.pair_agreement(a, a)["adjusted_rand"] == 1


BAD_CALLS = [
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
    (lambda: lc.pair_agreement(pd.DataFrame({"a": [1, 1]}), [1, 1]), TypeError, "truth must be a Series"),
    (lambda: lc.pair_agreement([1, 1], np.ones((2, 2))), TypeError, "found must be a Series .* ndarray"),
    (lambda: lc.pair_agreement("aab", "aab"), TypeError, "truth must be a Series .* str"),
    (lambda: lc.pair_agreement([1, 1], None), TypeError, "found must be a Series .* NoneType"),
    (lambda: lc.sessionize(log("2025-07-01"), "0h"), ValueError, "positive time"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    "gap", [30, 30.0, np.int64(30), np.float64(0.5), "30", " 30.5 ", "3e2", True, np.timedelta64(30), "nan"]
)
def test_a_gap_needs_a_unit(gap: object) -> None:
    with pytest.raises(ValueError, match="has no unit: write '"):
        lc.sessionize(log("2025-07-01", "2025-07-02"), gap)


@pytest.mark.parametrize(
    "gap", ["30min", "0:30:00", pd.Timedelta("30min"), np.timedelta64(30, "m"), timedelta(minutes=30)]
)
def test_a_gap_may_be_written_in_many_ways(gap: object) -> None:
    events = log("2025-07-01 10:00", "2025-07-01 10:30", "2025-07-01 11:01")
    assert lc.sessionize(events, gap).tolist() == [1, 1, 2]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_the_moments_does_not_matter(unit: str) -> None:
    events = log(
        "2025-07-01 10:00", "2025-07-01 10:30", "2025-07-01 11:01", "1700-01-01 00:00", "2200-01-01 00:00"
    )
    events["at"] = events["at"].astype(f"datetime64[{unit}]")
    assert lc.sessionize(events, "30min").tolist() == [2, 2, 3, 1, 4]


def test_row_labels_that_repeat_do_no_harm() -> None:
    events = pd.concat([log("2025-07-01 10:00", "2025-07-03 10:00"), log("2025-07-01 10:05", customer=2)])
    found = lc.sessionize(events, "1h")
    assert found.tolist() == [1, 2, 3]
    assert found.index.tolist() == [0, 1, 0]


@pytest.mark.parametrize("truth", ["aab", pd.DataFrame({"a": [1, 1]})])
def test_groupings_are_series(truth: object) -> None:
    with pytest.raises(TypeError, match="truth must be a Series"):
        lc.pair_agreement(truth, [1, 1])


def test_pairs_are_matched_by_label() -> None:
    truth = pd.Series([1, 1, 2, 2, 2, 3], list("abcdef"))
    found = pd.Series([7, 7, 7, 8, 8, 9], list("abcdef"))
    expected = lc.pair_agreement(truth, found)
    pd.testing.assert_series_equal(lc.pair_agreement(truth, found.sample(frac=1, random_state=1)), expected)
    pd.testing.assert_series_equal(lc.pair_agreement(truth.to_numpy(), list(found)), expected)
    backwards = dict(reversed(found.to_dict().items()))
    pd.testing.assert_series_equal(lc.pair_agreement(truth.to_dict(), backwards), expected)
    pd.testing.assert_series_equal(lc.pair_agreement(truth, backwards), expected)
    assert lc.pair_agreement(truth, found.set_axis(truth.index[::-1]))["precision"] != expected["precision"]
    with pytest.raises(ValueError, match="nothing for the label 'a' of truth"):
        lc.pair_agreement(truth, found.set_axis(list("Abcdef")))
    with pytest.raises(ValueError, match="occur twice"):
        lc.pair_agreement(truth, found.set_axis(list("aacdef")))


@pytest.mark.parametrize(
    ("events", "error", "text"),
    [
        (log("2025-07-01").assign(at=pd.Timestamp("2025-07-01", tz="Asia/Shanghai")), TypeError, "time zone"),
        (
            log("2025-07-01", "2025-07-02").assign(at=[pd.NaT, pd.Timestamp("2025-07-01")]),
            ValueError,
            "1 missing date",
        ),
        ([1, 2], TypeError, "DataFrame"),
    ],
)
def test_bad_events_are_refused(events: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        lc.sessionize(events, "30min")
