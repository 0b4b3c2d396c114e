"""Control charts: published limits and sums, every rule at its edge, shifts of many worlds, and bad input."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import datasets
from crmlab import satisfaction as sat
from crmlab.simulate import core
from crmlab.simulate.processes import inspections, tracker

REFERENCE = Path(__file__).resolve().parents[2] / "datasets" / "reference"
PROCESS = pd.read_csv(REFERENCE / "control_chart.csv", index_col="observation")
TRACKER = datasets.load("satisfaction_tracker", cohort="shipped").set_index("quarter")
FLOW = pd.Series([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])  # NIST/SEMATECH, 6.3.2.2
LUCAS = pd.Series([0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6])  # Lucas & Crosier (1982)


def charted(z):
    """Return a chart whose z are these."""
    values = np.array(z, dtype=float)
    table = pd.DataFrame({"value": values, "centre": 0.0, "lower": -3.0, "upper": 3.0, "z": values})
    return sat.ControlChart(table, "individuals chart", 0.0, 1.0, len(z), "")


# --- limits --------------------------------------------------------------------------------------------------------


def test_individuals_chart_of_nist():
    chart = sat.individuals_chart(FLOW)
    assert chart.centre == pytest.approx(50.81)
    assert chart.sigma == pytest.approx(1.8778 / 1.128, abs=5e-5)
    assert chart.table[["lower", "upper"]].iloc[-1].round(4).tolist() == [45.8159, 55.8041]


def test_individuals_chart_of_montgomery_and_runger_table_16_3():
    chart = sat.individuals_chart(PROCESS["concentration"])
    limits = chart.table[["lower", "upper"]].iloc[0].tolist()
    assert chart.centre == pytest.approx(99.1, abs=0.005)
    assert limits == pytest.approx((92.21, 105.99), abs=0.02)  # the book rounds the mean range to 2.59
    assert chart.summary().empty
    assert chart.change_point()["start"] is None
    ranges = PROCESS["moving_range"].dropna()
    assert chart.sigma == pytest.approx(ranges.mean() / 1.128)
    median = sat.individuals_chart(PROCESS["concentration"], moving_range="median")
    assert median.sigma == pytest.approx(ranges.median() / 0.954)


def test_the_baseline_alone_sets_centre_and_sigma():
    values = pd.Series([10.0, 12.0, 11.0, 50.0, -70.0])
    chart = sat.individuals_chart(values, baseline=3)
    assert chart.centre == 11
    assert chart.sigma == pytest.approx(1.5 / 1.128)
    assert chart.table["z"].tolist() == pytest.approx(((values - 11) / (1.5 / 1.128)).tolist())
    assert "from the first 3 of 5 periods" in repr(chart)
    assert sat.individuals_chart(values, baseline=2).centre == 11
    assert sat.individuals_chart(values).baseline == 5


def test_sigma_over_the_range_constants_is_that_of_normal_noise():
    noise = pd.Series(np.random.default_rng(1).normal(7, 2, 200_000))
    assert sat.individuals_chart(noise).sigma == pytest.approx(2, rel=0.01)
    assert sat.individuals_chart(noise, moving_range="median").sigma == pytest.approx(2, rel=0.01)


def test_p_chart_textbook_limits():
    """An Introduction to Business Statistics, example 16.6: centre .16, limits .0822 and .2378."""
    chart = sat.p_chart(pd.Series([40, 44, 22, 34, 24, 32, 28, 32, 34, 30]), pd.Series([200] * 10))
    assert chart.centre == 0.16
    assert chart.table[["lower", "upper"]].iloc[0].round(4).tolist() == [0.0822, 0.2378]


def test_p_chart_limits_stay_within_0_and_1():
    n = pd.Series([10, 1000, 10])
    rare = sat.p_chart(pd.Series([0, 50, 2]), n).table
    p = 52 / 1020
    assert rare["lower"].tolist() == pytest.approx([0, p - 3 * np.sqrt(p * (1 - p) / 1000), 0], abs=1e-12)
    assert rare["upper"].iloc[0] == pytest.approx(p + 3 * np.sqrt(p * (1 - p) / 10))
    usual = sat.p_chart(n - pd.Series([0, 50, 2]), n).table
    assert usual["upper"].tolist() == pytest.approx((1 - rare["lower"]).tolist())
    assert usual["lower"].tolist() == pytest.approx((1 - rare["upper"]).tolist())
    assert usual["upper"].max() == 1


def test_p_chart_baseline_weighs_by_size():
    chart = sat.p_chart(pd.Series([1, 30, 9]), pd.Series([10, 100, 10]), baseline=2)
    assert chart.centre == pytest.approx(31 / 110)
    assert chart.table["value"].tolist() == [0.1, 0.3, 0.9]
    assert chart.baseline == 2


def test_chart_of_means_reduces_to_known_limits():
    mean = pd.Series([10.0, 12, 11, 30])
    n = pd.Series([5, 9, 5, 1000])
    chart = sat.mean_chart(mean, pd.Series([2.0, 4, 2, 9]), n, baseline=3)
    centre = (50 + 108 + 55) / 19
    sigma = np.sqrt((4 * 4 + 8 * 16 + 4 * 4) / 16)
    assert (chart.centre, chart.sigma) == pytest.approx((centre, sigma))
    assert chart.table["upper"].tolist() == pytest.approx(list(centre + 3 * sigma / np.sqrt(n)))
    assert chart.table["lower"].tolist() == pytest.approx(list(centre - 3 * sigma / np.sqrt(n)))
    assert list(chart.table) == ["value", "n", "centre", "lower", "upper", "z"]
    assert chart.signals()["rule_1"].tolist() == [False, False, False, True]


@given(st.lists(st.floats(-4, 4), min_size=3, max_size=30))
@settings(max_examples=50)
def test_rules_do_not_depend_on_the_unit(values):
    values = pd.Series(np.round(values, 3))
    if values.diff().abs().mean() < 1e-3:
        return
    chart = sat.individuals_chart(values)
    other = sat.individuals_chart(values * 7 + 100)
    assert chart.table["z"].to_numpy() == pytest.approx(other.table["z"].to_numpy(), abs=1e-6)


# --- the Western Electric rules ------------------------------------------------------------------------------------

EDGES = [  # the shortest that fires, and the longest that does not
    ("rule_1", [3.01], [0]),
    ("rule_1", [3.0, 2.9] * 5, []),
    ("rule_1", [0.1, 3.1, 0.2, 3.0], [1]),  # on the limit is inside
    ("rule_2", [2.01] * 2, [1]),
    ("rule_2", [2.01], []),
    ("rule_2", [2.0] * 10, []),
    ("rule_2", [2.1, 0, 2.1], [2]),
    ("rule_2", [2.1, 0, 0] * 5, []),
    ("rule_2", [2.1, -2.1] * 5, [2, 3, 4, 5, 6, 7, 8, 9]),  # each side by itself: two of three
    ("rule_2", [2.1, -2.1, 0] * 5, []),  # the other side does not count
    ("rule_2", [2.1, 2.1, 0, 0, 0], [1]),  # the last must be beyond
    ("rule_3", [1.01] * 4, [3]),
    ("rule_3", [1.01] * 3, []),
    ("rule_3", [1.0] * 20, []),
    ("rule_3", [1.1, 1.1, 1.1, 0, 1.1], [4]),
    ("rule_3", [1.1, 1.1, 0, 1.1, 1.1, 0, 0], [4]),
    ("rule_3", [1.1, 1.1, 1.1, 0, 0] * 5, []),  # four of six, three of five: not enough
    ("rule_3", [1.1, 1.1, 1.1, -1.1, -1.1] * 5, []),
    ("rule_3", [1.1] * 4 + [0.0] * 4, [3]),
    ("rule_4", [0.01] * 8, [7]),
    ("rule_4", [0.01] * 9, [7, 8]),
    ("rule_4", [0.01] * 7, []),
    ("rule_4", ([0.1] * 7 + [0.0]) * 3, []),  # on the centre is on no side
    ("rule_4", ([0.1] * 7 + [-0.1]) * 3, []),
    ("rule_4", [-0.1] + [0.1] * 8, [8]),
]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("rule", "z", "at"), EDGES)
def test_every_rule_at_its_edge_up_and_down(rule, z, at, side):
    signals = charted([side * x for x in z]).signals()
    assert list(signals) == ["rule_1", "rule_2", "rule_3", "rule_4"]
    assert np.flatnonzero(signals[rule]).tolist() == at


def test_rules_against_counting_by_hand():
    """Random values: every rule is what its sentence says."""
    z = np.random.default_rng(4).normal(0.3, 1.4, 3000)
    signals = charted(z).signals()
    for rule, beyond, needed, window in (("rule_2", 2, 2, 3), ("rule_3", 1, 4, 5), ("rule_4", 0, 8, 8)):
        for k in range(len(z)):
            recent = z[max(0, k - window + 1) : k + 1] * np.sign(z[k])
            fires = recent[-1] > beyond and (recent > beyond).sum() >= needed
            assert signals[rule].iloc[k] == fires, (rule, k)


def test_summary_names_the_rules():
    chart = charted([0.0, 3.5, 3.2, 0.0])
    assert chart.summary()["rules"].to_dict() == {1: "1", 2: "1, 2"}
    assert "2 period(s) with a signal" in repr(chart)


# --- CUSUM ---------------------------------------------------------------------------------------------------------


def test_cusum_of_montgomery_and_runger_table_16_8():
    table = sat.cusum((PROCESS["concentration"] - 99) / 2, k=0.5, h=5)
    assert (table["upper"] * 2).round(1).tolist() == PROCESS["cusum_upper"].tolist()
    assert (table["lower"] * 2).round(1).tolist() == PROCESS["cusum_lower"].tolist()
    assert (table["signal"] == "").all()
    assert table["lower_run"].iloc[:5].tolist() == [0, 1, 2, 3, 0]


def test_cusum_of_lucas_and_crosier_1982_signals_at_the_seventh_value():
    assert sat.cusum(LUCAS)["signal"].tolist() == [""] * 6 + ["up"]
    assert sat.cusum(-LUCAS)["signal"].tolist() == [""] * 6 + ["down"]
    assert sat.cusum(LUCAS, h=4.8)["signal"].tolist() == [""] * 5 + ["up"] * 2


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=40), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=60)
def test_cusum_against_a_loop(doubled, k):
    z = pd.Series(doubled) / 2
    table = sat.cusum(z, k, 3)
    sums = {"upper": 0.0, "lower": 0.0}
    runs = {"upper": 0, "lower": 0}
    for period, value in z.items():
        for side, step in (("upper", value - k), ("lower", -value - k)):
            sums[side] = max(0.0, sums[side] + step)
            runs[side] = runs[side] + 1 if sums[side] > 0 else 0
            assert table.loc[period, side] == sums[side]
            assert table.loc[period, f"{side}_run"] == runs[side]
        signal = "up" if sums["upper"] > 3 else "down" if sums["lower"] > 3 else ""
        assert table.loc[period, "signal"] == signal


def test_change_point_is_the_first_period_after_the_sum_was_zero():
    point = charted([0, 0, 0, 3, 3, 3, 3]).change_point()  # sums 0 0 0 2.5 5 7.5: above 5 at position 5
    assert point.to_dict() == {"signal": 5, "start": 3, "direction": "up"}
    assert charted([0, 1, 0, -3, -3, -3]).change_point().tolist() == [5, 3, "down"]
    assert charted([0, 1, 0, -3, -3, -3]).change_point(h=10).tolist() == [None] * 3
    # up first, down later: the first signal counts
    assert charted([3, 3, 3, -6, -6, -6]).change_point().tolist() == [2, 0, "up"]
    # both sums run: the direction's own run counts
    assert charted([-2, 3, 3, 3]).change_point().tolist() == [3, 1, "up"]


def test_charts_and_change_points_keep_the_labels():
    chart = sat.mean_chart(TRACKER["mean_index"], TRACKER["sd_index"], TRACKER["respondents"], 12)
    assert chart.table.index.equals(TRACKER.index)
    assert chart.signals().index.equals(TRACKER.index)
    assert chart.change_point(k=1.5, h=4)["start"] in TRACKER.index
    assert chart.cusum(0.4, 3).equals(sat.cusum(chart.table["z"], 0.4, 3))
    assert charted(LUCAS).cusum().equals(sat.cusum(LUCAS))


# --- periods in order ----------------------------------------------------------------------------------------------

IN_ORDER = [
    [1, 2, 10],
    [2023, 2024, 2030.5],
    ["week 1", "week 9", "week 10"],
    ["week 1", "week 01", "week 2"],  # of equal rank
    ["m² 1", "m² 9", "m² 10"],
    ["2024-01", "2024-02", "2025-01"],
    ["2024Q4", "2025Q1", "2025Q2"],
    pd.period_range("2024Q1", periods=3, freq="Q"),
    pd.date_range("2024-01-01", periods=3, tz="Asia/Shanghai"),
    pd.CategoricalIndex(["Mon", "Tue", "Wed"], ["Mon", "Tue", "Wed"], ordered=True),
    pd.CategoricalIndex([9, 10, 11]),
    pd.CategoricalIndex(["week 8", "week 9", "week 10"]),
    pd.MultiIndex.from_tuples([(2024, "Q1"), (2024, "Q2"), (2025, "Q1")]),
    pd.MultiIndex.from_tuples([(2024, "week 9"), (2024, "week 10"), (2025, "week 1")]),
    pd.MultiIndex.from_tuples([(1.25, 1), (1.5, 1), (1.5, 2)]),
]
IN_DISORDER = [
    [3, 2, 1],
    ["week 1", "week 10", "week 2"],
    ["Q1 2024", "Q2 2024", "Q1 2025"],  # in order, but who could tell
    [1, "b", 2],
    [1.5, "b", "a"],
    ["a", None, "z"],
    [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2024-03-01")],
    pd.DatetimeIndex(["2024-01-01", None, "2024-02-01"]),
    pd.DatetimeIndex(["2024-03-01", "2024-01-01", "2024-02-01"]),
    pd.CategoricalIndex(["Tue", "Mon", "Wed"], ["Mon", "Tue", "Wed"], ordered=True),
    pd.CategoricalIndex([None, "Mon", "Tue"], ["Mon", "Tue"], ordered=True),
    pd.CategoricalIndex(["week 1", "week 10", "week 2"]),
    pd.CategoricalIndex([0.5, 1e-05, 10.0]),
    pd.MultiIndex.from_tuples([(1.5, 1), (1.25, 1), (2.0, 1)]),
    pd.MultiIndex.from_tuples([(2024, "Q1"), (2025, "Q1"), (2024, "Q2")]),
]
VALUES = [5.0, 7.0, 6.0]
CHARTS = {
    "individuals": lambda index: sat.individuals_chart(pd.Series(VALUES, index)).table,
    "mean": lambda index: sat.mean_chart(*(pd.Series(VALUES, index) for _ in range(3))).table,
    "p": lambda index: sat.p_chart(pd.Series([1, 2, 3], index), pd.Series([10, 10, 10], index)).table,
    "cusum": lambda index: sat.cusum(pd.Series(VALUES, index)),
}


@pytest.mark.parametrize("index", IN_ORDER, ids=str)
def test_periods_in_order_are_charted(index):
    assert list(CHARTS["individuals"](index).index) == list(index)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("index", IN_DISORDER, ids=str)
def test_periods_out_of_order_are_refused(chart, index):
    with pytest.raises(ValueError, match=r"not in order: .* comes after .*Sort them"):
        CHARTS[chart](index)


def test_the_error_names_the_two_periods():
    with pytest.raises(ValueError, match="periods of values are not in order: 3 comes after 4"):
        sat.individuals_chart(pd.Series([5.0, 7, 6, 5], [1, 4, 3, 2]))


# --- results -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_control_charts_survive_pickle_and_copy(again):
    chart = sat.mean_chart(TRACKER["mean_index"], TRACKER["sd_index"], TRACKER["respondents"], 12)
    assert repr(again(chart)) == repr(chart)
    pd.testing.assert_frame_equal(again(chart).table, chart.table)


def test_the_table_is_a_copy():
    chart = sat.individuals_chart(FLOW)
    table = chart.table
    table["z"] = 9
    assert not chart.signals().any(axis=None)


def test_long_series_do_not_hang():
    z = pd.Series(np.random.default_rng(0).normal(size=200_000))
    assert sat.individuals_chart(z).change_point(h=50)["signal"] is None


# --- what charts find in many worlds -------------------------------------------------------------------------------


def test_tracker_varying_limits_find_the_shift_and_not_the_false_alarm():
    """Over 80 worlds: the chart of means is not fooled by 32 answers, the chart of single values mostly is."""
    shift = int(tracker.TRACKER.shift_quarter)
    alarm = int(tracker.TRACKER.false_alarm_quarter)
    rows = []
    for seed in range(80):
        data = tracker.satisfaction_tracker(core.generator(seed, "satisfaction_tracker"))
        data.index = np.arange(1, 17)
        means = sat.mean_chart(data["mean_index"], data["sd_index"], data["respondents"], baseline=8)
        single = sat.individuals_chart(data["mean_index"], baseline=8)
        hits = means.signals().any(axis=1)
        point = means.change_point(k=1.5, h=4)  # four points are about three standard errors
        rows.append(
            {
                "early": hits.loc[: shift - 1].any(),
                "found": hits.loc[shift : shift + 3].any(),
                "late": hits.loc[shift:].any(),
                "fooled": single.signals().loc[alarm, "rule_1"],
                "start": point["start"] == shift and point["direction"] == "up",
            }
        )
    share = pd.DataFrame(rows).astype(float).mean()
    assert share["early"] < 0.05
    assert share["found"] > 0.97
    assert share["late"] > 0.99
    assert share["fooled"] > 0.75
    assert share["start"] > 0.9


def test_p_chart_finds_the_supplier_that_got_worse():
    shift = int(inspections.INSPECTION.shift_week)
    hit = []
    started = []
    for seed in range(60):
        lots = (
            inspections.inspections(core.generator(seed, "inspections"))
            .query("supplier == 'supplier_2'")
            .set_index("inspection_id")
        )
        before = int((lots.index < shift).sum())
        chart = sat.p_chart(lots["defective"], lots["inspected"], baseline=before)
        point = chart.change_point(k=0.75, h=5)
        hit.append(point["signal"] is not None and point["signal"] >= shift)
        started.append(point["start"] is not None and point["start"] >= shift - 15)
    assert np.mean(hit) > 0.8
    assert np.mean(started) > 0.7


# --- bad input -----------------------------------------------------------------------------------------------------

TWO = pd.Series([1.0, 2.0])
FIVE = pd.Series([5, 5])
VALUE_ERRORS = [
    ("values is empty", lambda: sat.individuals_chart(pd.Series([], dtype=float))),
    ("at least two periods", lambda: sat.individuals_chart(TWO.iloc[:1])),
    ("sigma is 0.*'mean' the values must differ", lambda: sat.individuals_chart(pd.Series([1.0, 1.0, 1.0]))),
    (
        "sigma is 0.*'median' more than half",
        lambda: sat.individuals_chart(pd.Series([1.0, 1, 1, 2]), moving_range="median"),
    ),
    ("give no limits", lambda: sat.individuals_chart(pd.Series([0.1 + 0.2, 0.3, 0.3]))),
    ("sigma is inf.*too large", lambda: sat.individuals_chart(pd.Series([1e308, -1e308]))),
    ("values has 1 missing", lambda: sat.individuals_chart(pd.Series([1.0, np.nan]))),
    ("infinite", lambda: sat.individuals_chart(pd.Series([1.0, np.inf]))),
    ("more than once", lambda: sat.individuals_chart(pd.Series([1.0, 2.0], [1, 1]))),
    ("between 2 and 2", lambda: sat.individuals_chart(TWO, baseline=3)),
    ("between 2 and 2", lambda: sat.individuals_chart(TWO, baseline=1)),
    ("moving_range", lambda: sat.individuals_chart(TWO, moving_range="max")),
    ("sd must be at least 0", lambda: sat.mean_chart(TWO, pd.Series([1.0, -1]), FIVE)),
    ("n must be at least 2", lambda: sat.mean_chart(TWO, TWO, pd.Series([5, 1]))),
    ("n must be whole numbers", lambda: sat.mean_chart(TWO, TWO, pd.Series([5, 5.5]))),
    ("give no limits.*one sd must be above 0", lambda: sat.mean_chart(TWO, TWO * 0, FIVE)),
    ("sd has other row labels than mean", lambda: sat.mean_chart(TWO, TWO[::-1], FIVE)),
    ("differ in length", lambda: sat.mean_chart([1.0, 2.0], [1.0], [5, 5])),
    ("larger than n at 1", lambda: sat.p_chart(pd.Series([3, 9]), FIVE)),
    ("counts, not shares", lambda: sat.p_chart(pd.Series([0.1, 0.2]), FIVE)),
    ("give no limits.*count must not be 0 in all", lambda: sat.p_chart(pd.Series([0, 0]), FIVE)),
    ("give no limits", lambda: sat.p_chart(FIVE, FIVE)),
    ("n must be at least 1", lambda: sat.p_chart(pd.Series([0, 1]), pd.Series([5, 0]))),
    ("count must be at least 0", lambda: sat.p_chart(pd.Series([-1, 1]), FIVE)),
    ("z has 1 missing", lambda: sat.cusum(pd.Series([1.0, np.nan]))),
    ("h must be", lambda: sat.cusum(TWO, h=0)),
    ("k must be", lambda: sat.cusum(TWO, k=-1)),
]
TYPE_ERRORS = [
    ("values must be numeric", lambda: sat.individuals_chart(pd.Series(["a", "b"]))),
    ("values must be a Series", lambda: sat.individuals_chart(TRACKER)),
    ("True and False", lambda: sat.individuals_chart(pd.Series([True, False]))),
    ("whole number", lambda: sat.individuals_chart(TWO, baseline=2.0)),
    ("whole number", lambda: sat.individuals_chart(TWO, baseline=True)),
    ("count must be numbers, found True", lambda: sat.p_chart(pd.Series([True, False]), FIVE)),
    ("k must be a finite number", lambda: sat.cusum(TWO, k=np.nan)),
    ("h must be a finite number", lambda: sat.cusum(TWO, h=np.inf)),
]


@pytest.mark.parametrize(("text", "call"), VALUE_ERRORS)
def test_control_charts_refuse_values(text, call):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(("text", "call"), TYPE_ERRORS)
def test_control_charts_refuse_types(text, call):
    with pytest.raises(TypeError, match=text):
        call()


def test_nullable_counts_are_numbers():
    chart = sat.p_chart(pd.Series([1, 0, 1], dtype="Int64"), pd.Series([10, 10, 10], dtype="UInt8"))
    assert chart.centre == pytest.approx(2 / 30)
