"""Quadrants, Kano features, gaps and control charts: what stands on the Axes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_hex
from matplotlib.dates import num2date

from crmlab import datasets, plots
from crmlab import satisfaction as sat

BLUE, ORANGE, GREEN, PINK, YELLOW, *_ = plots.PALETTE


@pytest.fixture(autouse=True)
def close():
    plt.close("all")
    yield
    plt.close("all")


def dots(ax, at: int = 0) -> list[list[float]]:
    return ax.collections[at].get_offsets().tolist()


def words(ax) -> dict:
    return {text.get_text(): text.xy for text in ax.texts}


# --- quadrants -----------------------------------------------------------------------------------------------------

IMPORTANCE = pd.Series({"speed": 6.0, "rooms": 2.0, "staff": 5.0, "coffee": 1.0})
PERFORMANCE = pd.Series({"coffee": 2.0, "staff": 8.0, "rooms": 9.0, "speed": 3.0})


def test_quadrants_importance_runs_right_and_performance_up():
    ax = plots.quadrants(sat.quadrants(IMPORTANCE, PERFORMANCE), xlabel="a$b$", ylabel="Index")
    assert dots(ax) == [[6, 3], [2, 9], [5, 8], [1, 2]]
    vertical, horizontal = ax.lines
    assert list(vertical.get_xdata()) == [3.5, 3.5] and list(horizontal.get_ydata()) == [5.5, 5.5]
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"a\$b\$", "Index")
    found = words(ax)
    assert {name: found[name] for name in IMPORTANCE.index} == {
        "speed": (6, 3),
        "rooms": (2, 9),
        "staff": (5, 8),
        "coffee": (1, 2),
    }
    corners = {"Concentrate here": (1, 0), "Keep up the good work": (1, 1)}
    corners |= {"Low priority": (0, 0), "Possible overkill": (0, 1)}
    assert {name: found[name] for name in corners} == corners
    for text in ax.texts[:4]:
        right, top = text.xy
        assert (text.get_ha(), text.get_va()) == ("right" if right else "left", "top" if top else "bottom")
    assert ax.figure.get_label() == (
        "Importance and performance of 4 attributes, cut at the means (3.5, 5.5). Concentrate here: speed (6, 3). "
        "Possible overkill: rooms (2, 9). Keep up the good work: staff (5, 8). Low priority: coffee (1, 2)."
    )


def test_quadrants_words_do_not_cover_each_other():
    ax = plots.quadrants(sat.quadrants(IMPORTANCE, PERFORMANCE))
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_quadrants_of_other_names_and_sizes():
    big = sat.quadrants(pd.Series([1e6, 2e6], ["a_b$c$", "{"]), pd.Series([0.001, 0.002], ["a_b$c$", "{"]))
    ax = plots.quadrants(big)
    assert words(ax)[r"a_b\$c\$"] == (1e6, 0.001)
    assert "cut at the means (1,500,000, 0.0015)" in ax.figure.get_label()
    far = plots.quadrants(sat.quadrants(IMPORTANCE, PERFORMANCE, cut=(50, -50)))
    assert far.get_xlim()[1] > 50 and far.get_ylim()[0] < -50


# --- Kano ----------------------------------------------------------------------------------------------------------

KANO = pd.DataFrame(
    {
        "category": ["attractive", "must-be", "one-dimensional", "indifferent", "reverse", "must-be"],
        "better": [0.7, 0.2, 0.6, 0.1, 0.15, 0.3],
        "worse": [-0.2, -0.7, -0.8, -0.1, -0.05, -0.9],
    },
    ["card", "report", "fast", "app", "calls", "seal_$1"],
)


def test_kano_worse_runs_right_and_better_up():
    ax = plots.kano(KANO)
    found = {part.get_label(): part.get_offsets().tolist() for part in ax.collections}
    assert found == {
        "attractive": [[-0.2, 0.7]],
        "must-be": [[-0.7, 0.2], [-0.9, 0.3]],
        "one-dimensional": [[-0.8, 0.6]],
        "indifferent": [[-0.1, 0.1]],
        "reverse": [[-0.05, 0.15]],
    }
    colours = {part.get_label(): to_hex(part.get_facecolor()[0]).upper() for part in ax.collections}
    expected = {"must-be": BLUE, "one-dimensional": ORANGE, "attractive": GREEN}
    assert colours == expected | {"indifferent": PINK, "reverse": YELLOW}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(found)
    assert words(ax) == {
        name.replace("$", r"\$"): (row["worse"], row["better"]) for name, row in KANO.iterrows()
    }
    assert ax.get_xlim() == (0.02, -1.02) and ax.get_ylim() == (-0.02, 1.02)
    assert ax.get_xlabel().startswith("Worse") and ax.get_ylabel().startswith("Better")
    assert list(ax.lines[0].get_xdata()) == [-0.5, -0.5] and list(ax.lines[1].get_ydata()) == [0.5, 0.5]
    assert "of 6 features" in ax.figure.get_label()
    assert "seal_$1 must-be (better 0.30, worse -0.90)." in ax.figure.get_label()


def test_kano_colours_do_not_depend_on_the_order_of_the_rows():
    for table in (KANO.iloc[::-1], KANO.iloc[[4]], KANO.astype({"category": "category"})):
        for part in plots.kano(table).collections:
            [same] = [
                other for other in plots.kano(KANO).collections if other.get_label() == part.get_label()
            ]
            assert same_color(part.get_facecolor(), same.get_facecolor())


def test_kano_feature_without_coefficients_is_named_not_drawn():
    table = KANO.copy()
    table.loc["card", ["better", "worse"]] = np.nan
    ax = plots.kano(table)
    assert "card" not in words(ax) and "attractive" not in [part.get_label() for part in ax.collections]
    assert "of 5 features" in ax.figure.get_label()
    assert ax.figure.get_label().endswith("Without coefficients, not drawn: card.")
    nothing = plots.kano(table.iloc[:1])
    assert "of 0 features" in nothing.figure.get_label() and nothing.get_legend() is None


# --- gaps ----------------------------------------------------------------------------------------------------------

GAPS = pd.DataFrame(
    {"expected": [5.0, 6.0, 4.0], "perceived": [5.5, 5.25, 4.0], "gap": [0.5, -0.75, 0.0]},
    ["tangibles", "a_b$c$", "empathy"],
)


def test_gaps_run_from_expected_to_perceived():
    ax = plots.gaps(GAPS, unit="points of $7$")
    lines, expected, perceived = ax.collections
    assert lines.get_segments()[0].tolist() == [[5.0, 0], [5.5, 0]]
    assert lines.get_segments()[1].tolist() == [[6.0, 1], [5.25, 1]]
    assert [to_hex(colour).upper() for colour in lines.get_colors()] == [GREEN, ORANGE, GREEN]
    assert expected.get_offsets().tolist() == [[5, 0], [6, 1], [4, 2]] and expected.get_label() == "expected"
    assert (
        perceived.get_offsets().tolist() == [[5.5, 0], [5.25, 1], [4, 2]]
        and perceived.get_label() == "perceived"
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["expected", "perceived"]
    assert [(text.get_text(), *text.xy) for text in ax.texts] == [
        ("+0.50", 5.5, 0),
        ("-0.75", 6.0, 1),
        ("+0.00", 4.0, 2),
    ]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["tangibles", r"a_b\$c\$", "empathy"]
    low, high = ax.get_ylim()
    assert low > 2 and high < 0  # the first row is on top
    assert ax.get_xlabel() == r"Mean answer (points of \$7\$)"
    assert ax.figure.get_label() == (
        "Perceived minus expected service in points of $7$ (from expected to perceived): tangibles +0.50 "
        "(5.00 to 5.50), a_b$c$ -0.75 (6.00 to 5.25), empathy +0.00 (4.00 to 4.00)."
    )


def test_gaps_row_without_answers_stays_empty():
    table = GAPS.copy()
    table.loc["empathy", "perceived"] = np.nan
    ax = plots.gaps(table)
    assert len(ax.texts) == 2 and len(ax.get_yticks()) == 3
    for points in ax.collections[1:]:
        assert np.ma.masked_invalid(points.get_offsets()).mask[2].any()
    assert ax.figure.get_label().endswith("empathy missing.")


def test_gaps_rounded_by_column_still_agree_and_swapped_ones_do_not():
    third = GAPS[["expected", "perceived"]] / 3
    rounded = third.assign(gap=third["perceived"] - third["expected"]).round(2)
    plots.gaps(rounded)
    with pytest.raises(
        ValueError, match=r"gap of 'tangibles' is 0\.5, but perceived minus expected is -0\.5"
    ):
        plots.gaps(GAPS.rename(columns={"expected": "perceived", "perceived": "expected"}))
    with pytest.raises(ValueError, match="gap of 'empathy'"):
        plots.gaps(GAPS.assign(gap=[0.5, -0.75, 0.02]))


# --- control charts ------------------------------------------------------------------------------------------------

WEEKS = pd.date_range("2025-01-06", periods=12, freq="7D", name="week")
COUNT = pd.Series([5, 6, 4, 5, 6, 5, 30, 5, 9, 9, 9, 9], WEEKS)
SIZE = pd.Series([100, 100, 200, 100, 100, 100, 100, 100, 100, 100, 100, 400], WEEKS)


def test_control_chart_draws_values_limits_and_signals():
    chart = sat.p_chart(COUNT, SIZE, baseline=6)
    table = chart.table
    ax = plots.control_chart(chart, ylabel="Share $ of $ packs")
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines["value"].get_ydata()) == table["value"].tolist()
    assert list(lines["centre"].get_ydata()) == [chart.centre] * 12
    signals = chart.signals()
    beyond = signals["rule_1"]
    run = signals.any(axis=1) & ~beyond
    assert beyond.any() and run.any()
    assert list(lines["beyond the limits"].get_xdata()) == list(WEEKS[beyond])
    assert list(lines["beyond the limits"].get_ydata()) == table["value"][beyond].tolist()
    assert list(lines["run rule"].get_xdata()) == list(WEEKS[run])
    assert list(lines["run rule"].get_ydata()) == table["value"][run].tolist()
    assert same_color(lines["beyond the limits"].get_color(), ORANGE)
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == table["lower"].min() and band.max() == table["upper"].max()
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "3 standard errors",
        "centre",
        "value",
        "run rule",
        "beyond the limits",
    }
    [words] = ax.texts
    assert words.get_text() == "baseline until here" and words.xy[0] == WEEKS[5] and words.get_ha() == "right"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("week", r"Share \$ of \$ packs")
    text = ax.figure.get_label()
    assert text.startswith(
        "p-chart of 12 periods: Share $ of $ packs: centre 0.04429, limits from 0 to 0.106 at"
    )
    assert text.endswith("limits: 2025-02-17. Run rules only: 2025-03-03, 2025-03-10, 2025-03-17.")


def test_control_chart_band_is_lower_to_upper_at_each_period():
    chart = sat.p_chart(COUNT, SIZE)
    ax = plots.control_chart(chart)
    band = ax.collections[0].get_paths()[0]
    for week, row in chart.table.iloc[1:-1].iterrows():
        x = ax.convert_xunits(week)
        inside = [row["lower"] + 1e-6, row["upper"] - 1e-6]
        assert all(band.contains_point((x, y)) for y in inside)
        assert not any(band.contains_point((x, y)) for y in [row["lower"] - 1e-6, row["upper"] + 1e-6])
    assert not ax.texts  # the whole series is the baseline


def single(index: object, **more: object) -> sat.ControlChart:
    return sat.individuals_chart(pd.Series([1.0, 2.0, 1.5, 3.0], index), **more)


@pytest.mark.parametrize(
    ("index", "shown"),
    [
        (["$1$", "_2", "w{3", "w{20"], [r"\$1\$", "_2", "w{3", "w{20"]),
        (pd.CategoricalIndex([*"dacb"], [*"dacb"], ordered=True), ["d", "a", "c", "b"]),
        (pd.to_timedelta([1, 2, 3, 40], "D"), [f"{days} days\n00:00:00" for days in (1, 2, 3, 40)]),
        (pd.interval_range(0, 4), ["(0, 1]", "(1, 2]", "(2, 3]", "(3, 4]"]),
        (
            [pd.Timestamp(f"2025-0{k}-01").date() for k in (1, 2, 3, 4)],
            [f"2025-0{k}-01" for k in (1, 2, 3, 4)],
        ),
        (pd.MultiIndex.from_product([[2025], [1, 2, 3, 4]]), ["2025, 1", "2025, 2", "2025, 3", "2025, 4"]),
    ],
)
def test_control_chart_of_named_periods(index: object, shown: list[str]):
    ax = plots.control_chart(single(index))
    assert list(ax.lines[1].get_xdata()) == [0, 1, 2, 3]
    assert [label.get_text() for label in ax.get_xticklabels()] == shown


def test_control_chart_of_periods_and_of_dates_elsewhere_is_drawn_at_their_days():
    for index in (
        pd.period_range("2025-01", periods=4, freq="M"),
        pd.date_range("2025", periods=4, freq="MS", tz="Asia/Shanghai"),
    ):
        ax = plots.control_chart(single(index))
        ax.figure.canvas.draw()
        left = num2date(ax.convert_xunits(ax.lines[1].get_xdata()[0]))
        assert (left.month, left.day, left.hour) == (1, 1, 0)


def test_many_named_periods_leave_room_between_their_names():
    values = pd.Series(np.arange(100.0) % 7, [f"week {k}" for k in range(100)])
    ax = plots.control_chart(sat.individuals_chart(values))
    assert [label.get_text() for label in ax.get_xticklabels()][:3] == ["week 0", "week 9", "week 18"]
    assert len(ax.get_xticks()) == 12


def test_early_baseline_has_its_words_on_the_right():
    chart = sat.individuals_chart(pd.Series([1.0, 2, 1.5, 3, 2, 1, 2, 1, 2, 1]), baseline=2)
    [words] = plots.control_chart(chart).texts
    assert (words.xy[0], words.get_ha()) == (1, "left")


def test_long_lists_of_signals_are_cut():
    values = pd.Series([1.0, 2.0] * 5 + [50.0] * 12)
    text = plots.control_chart(sat.individuals_chart(values, baseline=10)).figure.get_label()
    assert "Beyond the limits: 10, 11, 12, 13, 14, 15, 16, 17 and 4 more. Run rules only: none." in text


def test_no_axis_is_called_none():
    assert plots.control_chart(single(range(4)), ylabel=None).get_ylabel() == ""
    ax = plots.quadrants(sat.quadrants(IMPORTANCE, PERFORMANCE), xlabel=None, ylabel=None)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("", "")


def test_the_hour_that_comes_twice_is_drawn_twice_in_its_turn():
    hours = pd.date_range("2025-10-26 00:30", periods=4, freq="h", tz="Europe/Berlin")
    ax = plots.control_chart(single(hours))
    assert list(ax.lines[1].get_xdata()) == [0, 1, 2, 3] and list(ax.lines[1].get_ydata()) == [1, 2, 1.5, 3]
    assert [label.get_text().split()[1] for label in ax.get_xticklabels()][2:] == [
        "02:30:00+02:00",
        "02:30:00+01:00",
    ]


def test_what_the_methods_return_on_the_data_of_the_course_is_drawn_with_its_numbers():
    data = {
        name: datasets.load(name, cohort="shipped")
        for name in ("kano_survey", "service_quality_survey", "satisfaction_tracker")
    }
    kano = sat.kano(data["kano_survey"])
    label = plots.kano(kano).figure.get_label()
    for name, row in kano.iterrows():
        assert f"{name} {row['category']} (better {row['better']:.2f}, worse {row['worse']:.2f})" in label
    service = sat.servqual(data["service_quality_survey"]).summary()
    label = plots.gaps(service).figure.get_label()
    for name, row in service.iterrows():
        assert f"{name} {row['gap']:+.2f} ({row['expected']:.2f} to {row['perceived']:.2f})" in label
    tracker = data["satisfaction_tracker"].set_index("quarter")
    chart = sat.mean_chart(tracker["mean_index"], tracker["sd_index"], tracker["respondents"], 12)
    label = plots.control_chart(chart).figure.get_label()
    assert f"centre {chart.centre:.4g}" in label and "limits: none" not in label
    for quarter in chart.signals().query("rule_1").index:
        assert quarter.date().isoformat() in label.partition("Run rules")[0]


HOSTILE = [
    (
        plots.quadrants,
        pd.DataFrame({"importance": [1]}),
        TypeError,
        "give what satisfaction.quadrants returned",
    ),
    (
        plots.quadrants,
        sat.quadrants(pd.Series(np.arange(61.0)), pd.Series(np.arange(61.0))),
        ValueError,
        "61 rows",
    ),
    (plots.kano, KANO["better"], TypeError, "table must be a pandas DataFrame"),
    (plots.kano, KANO.iloc[:0], ValueError, "no rows"),
    (plots.kano, KANO.drop(columns="category"), ValueError, "no column 'category'"),
    (plots.kano, KANO.drop(columns="worse"), ValueError, "no column 'worse'"),
    (
        plots.kano,
        KANO.rename(columns={"better": "worse", "worse": "better"}),
        ValueError,
        "better must be at least 0",
    ),
    (plots.kano, KANO.assign(worse=-KANO["worse"]), ValueError, "worse must be at most 0"),
    (plots.kano, KANO.assign(better=100 * KANO["better"]), ValueError, "better must be at most 1"),
    (plots.kano, KANO.assign(worse=100 * KANO["worse"]), ValueError, "worse must be at least -1"),
    (plots.kano, KANO.assign(category="mustbe"), ValueError, "Did you mean 'must-be'"),
    (plots.kano, KANO.assign(category=None), ValueError, "category=None is not known"),
    (plots.kano, KANO.set_axis([*"aabcde"]), ValueError, "'a' more than once"),
    (plots.gaps, GAPS["gap"], TypeError, "must be a pandas DataFrame"),
    (plots.gaps, GAPS.iloc[:0], ValueError, "no rows"),
    (plots.gaps, GAPS.drop(columns="gap"), ValueError, "no column 'gap'"),
    (plots.gaps, GAPS.astype(str), TypeError, "must be numeric"),
    (plots.gaps, pd.concat([GAPS, GAPS], axis=1), ValueError, "more than one column 'expected'"),
    (plots.gaps, pd.concat([GAPS, GAPS]), ValueError, "'tangibles' more than once"),
    (
        plots.control_chart,
        pd.DataFrame({"value": [1]}),
        TypeError,
        "individuals_chart, mean_chart or p_chart",
    ),
]


@pytest.mark.parametrize(("function", "given", "error", "message"), HOSTILE)
def test_refused(function: object, given: object, error: type, message: str):
    with pytest.raises(error, match=message):
        function(given)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.quadrants(sat.quadrants(IMPORTANCE, PERFORMANCE), ax=ax),
        lambda ax: plots.kano(KANO, ax=ax),
        lambda ax: plots.gaps(GAPS, ax=ax),
        lambda ax: plots.control_chart(single(range(4)), ax=ax),
    ],
)
def test_given_axes_are_drawn_on_and_add_their_caption(draw: object):
    figure, ax = plt.subplots()
    plots.caption(figure, "Before.")
    assert draw(ax) is ax and figure.get_label().startswith("Before. ") and len(figure.get_label()) > 50
