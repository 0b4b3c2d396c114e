"""Intervals, bridges, names beside points: what stands on the Axes, whatever the order of the rows."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_hex

from crmlab import plots
from crmlab.plots import _axes

FIRST = pd.DataFrame(
    {"estimate": [1.0, 2.0, -3.0], "lower": [0.5, 1.0, -5.0], "upper": [1.75, 4.0, -2.0]},
    ["new", "old", "lost"],
)
SECOND = pd.DataFrame(
    {"estimate": [7.0, 8.0, 9.0], "lower": [6.0, 7.5, 8.0], "upper": [7.25, 9.0, 11.0]},
    ["new", "old", "lost"],
)
BLUE, ORANGE, GREEN, *_ = plots.PALETTE


@pytest.fixture(autouse=True)
def close():
    """Close what a test drew; a call that was refused has left nothing open."""
    plt.close("all")
    yield
    plt.close("all")


def names(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def segments(ax, at: int) -> list[list[float]]:
    """Return [left, right, height] of the lines of one colour."""
    return [[*line[:, 0], line[0, 1]] for line in ax.collections[at].get_segments()]


# --- intervals -----------------------------------------------------------------------------------------------------


def test_intervals_stand_in_the_row_of_their_name():
    ax = plots.intervals({"care": FIRST}, xlabel="Yuan")
    assert names(ax) == ["new", "old", "lost"] and list(ax.get_yticks()) == [0, 1, 2]
    assert segments(ax, 0) == [[0.5, 1.75, 0], [1.0, 4.0, 1], [-5.0, -2.0, 2]]
    [dots] = ax.lines
    assert list(dots.get_xdata()) == [1, 2, -3] and list(dots.get_ydata()) == [0, 1, 2]
    assert dots.get_linestyle() == "None" and ax.get_legend() is None
    assert ax.get_ylim() == (2.5, -0.5) and ax.get_xlabel() == "Yuan"
    assert ax.figure.get_label() == (
        "Yuan, with intervals. care: new 1.00 (0.50 to 1.75), old 2.00 (1.00 to 4.00), lost -3.00 (-5.00 to -2.00)."
    )


@pytest.mark.parametrize("order", list(itertools.permutations(["new", "old", "lost"])))
def test_tables_in_another_order_give_the_same_picture(order: tuple):
    ax = plots.intervals({"a": FIRST, "b": SECOND.loc[list(order)]})
    assert segments(ax, 1) == [[6.0, 7.25, 0.11], [7.5, 9.0, 1.11], [8.0, 11.0, 2.11]]
    assert list(ax.lines[1].get_xdata()) == [7, 8, 9]
    assert "b: new 7.00 (6.00 to 7.25), old 8.00 (7.50 to 9.00), lost 9.00" in ax.figure.get_label()


def test_the_first_table_gives_the_order():
    ax = plots.intervals({"a": FIRST.iloc[::-1], "b": SECOND})
    assert names(ax) == ["lost", "old", "new"]
    assert [list(line.get_xdata()) for line in ax.lines] == [[-3, 2, 1], [9, 8, 7]]


def test_each_table_has_its_colour_in_the_legend():
    ax = plots.intervals({"a": FIRST, "b": SECOND}, reference=1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    for k, color in enumerate((BLUE, ORANGE)):
        drawn = [ax.collections[k].get_color(), ax.lines[k].get_color()]
        assert all(same_color(one, color) for one in [*drawn, ax.get_legend().legend_handles[k].get_color()])
    line = ax.lines[2]
    assert list(line.get_xdata()) == [1, 1] and line.get_linestyle() == "--"
    assert ax.figure.get_label().endswith("Dashed line at 1.")


def test_ten_tables_differ_by_colour_or_marker_and_stay_in_their_row():
    ax = plots.intervals({f"t{k}": FIRST for k in range(10)})
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 10
    assert all((np.abs(line.get_ydata() - [0, 1, 2]) < 0.5).all() for line in ax.lines)
    assert len({line.get_ydata()[0] for line in ax.lines}) == 10


def test_missing_is_not_drawn_as_zero():
    table = FIRST.copy()
    table.loc["new", "estimate"] = np.nan
    table.loc["old", ["lower", "upper"]] = np.nan
    ax = plots.intervals({"a": table})
    assert np.isnan(ax.lines[0].get_xdata()[0]) and len(ax.get_yticks()) == 3
    assert "new missing (0.50 to 1.75), old 2.00 (no interval)" in ax.figure.get_label()


@pytest.mark.parametrize(
    ("index", "shown"),
    [
        (pd.date_range("2025-01-01", periods=3, freq="MS"), ["2025-01-01", "2025-02-01", "2025-03-01"]),
        (pd.period_range("2025-01", periods=3, freq="Q"), ["2025Q1", "2025Q2", "2025Q3"]),
        (pd.CategoricalIndex(["b", "a", "c"], categories=["a", "b", "c"]), ["b", "a", "c"]),
        (pd.interval_range(0, 3), ["(0, 1]", "(1, 2]", "(2, 3]"]),
        (pd.MultiIndex.from_product([["shop"], [1, 2, 3]]), ["shop, 1", "shop, 2", "shop, 3"]),
        (["a_b$c$", "{x}", r"\alpha$"], [r"a_b\$c\$", "{x}", r"\alpha\$"]),
    ],
)
def test_all_kinds_of_names(index: object, shown: list[str]):
    ax = plots.intervals(
        {"_x": FIRST.set_axis(index), "$y$": FIRST.set_axis(index).iloc[::-1]}, xlabel="a$b$"
    )
    assert names(ax) == shown
    assert [list(line.get_xdata()) for line in ax.lines] == [[1, 2, -3]] * 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["_x", r"\$y\$"]
    assert ax.get_xlabel() == r"a\$b\$" and ax.figure.get_label().startswith("a$b$, with")
    ax.figure.canvas.draw()


def test_numbers_of_other_kinds():
    for table in (FIRST.convert_dtypes(), FIRST.astype("float32"), (4 * FIRST).astype(int)):
        assert segments(plots.intervals({"a": table}), 0)[2] == [*table.loc["lost", ["lower", "upper"]], 2]


def test_long_names_are_written_in_lines_and_many_rows_have_room():
    table = pd.DataFrame(
        {"estimate": 1.0, "lower": 0.0, "upper": 2.0}, [f"{k} {'word ' * 12}" for k in range(40)]
    )
    ax = plots.intervals({"a": table})
    assert max(len(line) for name in names(ax) for line in name.split("\n")) <= 32
    assert ax.figure.get_size_inches()[1] == 13


HOSTILE_INTERVALS = [
    ({}, TypeError, "tables must be a dictionary"),
    (FIRST, TypeError, "tables must be a dictionary"),
    ([FIRST], TypeError, "tables must be a dictionary"),
    ({"a": FIRST["estimate"]}, TypeError, r"tables\['a'\] must be a pandas DataFrame"),
    ({"a": FIRST.iloc[:0]}, ValueError, "has no rows"),
    ({"a": FIRST.drop(columns="upper")}, ValueError, "no column 'upper'"),
    ({"a": FIRST.astype(str)}, TypeError, "'estimate' of tables.* must be numeric"),
    ({"a": FIRST > 0}, TypeError, "found True and False"),
    ({"a": FIRST.replace(4.0, np.inf)}, ValueError, "infinite"),
    (
        {"a": FIRST.rename(columns={"lower": "upper", "upper": "lower"})},
        ValueError,
        "at 'new' lower is above upper",
    ),
    ({"a": FIRST.set_axis(["x", "x", "y"])}, ValueError, "label 'x' more than once"),
    ({"a": FIRST.set_axis(["x", None, "y"])}, ValueError, "a row without a name"),
    ({"a": FIRST, "b": SECOND.iloc[:2]}, ValueError, r"tables\['b'\] has nothing for 'lost'"),
    ({"a": FIRST.iloc[:2], "b": SECOND}, ValueError, r"tables\['b'\] names 'lost'"),
    ({"a": FIRST, "b": SECOND.rename({"new": "New"})}, ValueError, "names 'New'.*Did you mean 'new'"),
    ({1: FIRST, "1": FIRST}, ValueError, "same name"),
    ({"a": FIRST.set_axis(["x", 1, "1"])}, ValueError, "rows 1 and '1', which look the same"),
    ({"a": pd.concat([FIRST] * 40, ignore_index=True)}, ValueError, "120 rows: more than 60"),
]


@pytest.mark.parametrize(("tables", "error", "message"), HOSTILE_INTERVALS)
def test_intervals_refuse(tables: object, error: type, message: str):
    with pytest.raises(error, match=message):
        plots.intervals(tables)
    assert not plt.get_fignums()


def test_small_and_large_numbers_are_said_in_full():
    small = plots.intervals({"a": FIRST / 1000, "b": SECOND / 1000}).figure.get_label()
    assert "a: new 0.001 (0.001 to 0.002)" in small and "lost 0.009 (0.008 to 0.011)" in small
    assert "new 1,000.00 (500.00 to 1,750.00)" in plots.intervals({"a": FIRST * 1000}).figure.get_label()
    assert "lost -0.30 (-0.50 to -0.20)" in plots.intervals({"a": FIRST / 10}).figure.get_label()


def test_all_tables_say_their_rows_as_the_first_does():
    ax = plots.intervals({"a": FIRST.set_axis([1, 2, 3]), "b": SECOND.set_axis([1.0, 2.0, 3.0]).iloc[::-1]})
    assert "b: 1 7.00 (6.00 to 7.25), 2 8.00" in ax.figure.get_label()


def test_as_many_tables_as_colours_and_markers_tell_apart():
    ax = plots.intervals({str(k): FIRST for k in range(35)})
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 35
    plt.close("all")
    with pytest.raises(ValueError, match="36 tables: more than 35"):
        plots.intervals({str(k): FIRST for k in range(36)})


def test_no_axis_is_called_none():
    assert plots.intervals({"a": FIRST}, xlabel=None).get_xlabel() == ""


def test_sixty_rows_are_not_too_many():
    table = pd.DataFrame({"estimate": 1.0, "lower": 1.0, "upper": 1.0}, range(60))
    assert len(plots.intervals({"a": table}).get_yticks()) == 60


@pytest.mark.parametrize("reference", ["1", np.nan, True])
def test_reference_must_be_a_number(reference: object):
    with pytest.raises(TypeError, match="reference must be a finite number"):
        plots.intervals({"a": FIRST}, reference=reference)


# --- bridge --------------------------------------------------------------------------------------------------------

STEPS = pd.Series({"2024": 210, "lost": -40, "new": 30, "2025": 200})


def bars(ax) -> list[tuple]:
    return [
        (bar.get_x(), bar.get_x() + bar.get_width(), to_hex(bar.get_facecolor()).upper())
        for bar in ax.patches
    ]


def test_bridge_steps_hang_where_the_last_one_ended():
    ax = plots.bridge(STEPS, unit="thousand yuan")
    assert bars(ax) == [(0, 210, BLUE), (210, 170, ORANGE), (170, 200, GREEN), (0, 200, BLUE)]
    assert [bar.get_y() + bar.get_height() / 2 for bar in ax.patches] == pytest.approx([0, 1, 2, 3])
    assert names(ax) == list(STEPS.index) and ax.get_ylim() == (3.5, -0.5)
    assert [(text.get_text(), *text.xy) for text in ax.texts] == [
        ("210", 210, 0),
        ("-40", 210, 1),
        ("+30", 200, 2),
        ("200", 200, 3),
    ]
    assert ax.get_xlabel() == "Thousand yuan"
    left, right = ax.get_xlim()
    assert left < 0 and right > 210


def test_bridge_below_zero_and_totals_in_between():
    steps = pd.Series({"value": 52.5, "price": -60.25, "left": -7.75, "rebate": 2.25, "net": -5.5})
    ax = plots.bridge(steps, totals=["left", "net"], title="a$b$")
    ends = [(0, 52.5, GREEN), (52.5, -7.75, ORANGE), (0, -7.75, BLUE), (-7.75, -5.5, GREEN), (0, -5.5, BLUE)]
    assert bars(ax) == ends
    sides = [(text.get_text(), text.xy[0], text.get_ha()) for text in ax.texts]
    assert sides == [
        ("+52.5", 52.5, "left"),
        ("-60.2", 52.5, "left"),
        ("-7.8", -7.75, "right"),
        ("+2.2", -7.75, "right"),
        ("-5.5", -5.5, "right"),
    ]
    assert ax.get_title(loc="center") + ax.get_title(loc="left") == r"a\$b\$"
    assert (
        ax.figure.get_label()
        == "a$b$: bridge in yuan: value +52.5, price -60.2, left -7.8, rebate +2.2, net -5.5."
    )


@pytest.mark.parametrize(
    ("factor", "first"),
    [(1, "210"), (0.1, "21"), (0.03, "6.30"), (0.11, "23.1"), (0.5025, "106"), (1000, "210,000")],
)
def test_bridge_writes_as_many_decimals_as_matter(factor: float, first: str):
    assert plots.bridge(STEPS * factor).texts[0].get_text() == first


def test_bridge_one_total_may_be_named_alone():
    ax = plots.bridge(pd.Series({"a": 2, "b": 1, "sum": 3}), totals="sum")
    assert bars(ax) == [(0, 2, GREEN), (2, 3, GREEN), (0, 3, BLUE)]


def test_bridge_of_small_shares_keeps_its_digits():
    texts = [text.get_text() for text in plots.bridge(STEPS / 10_000).texts]
    assert texts == ["0.021", "-0.004", "+0.003", "0.020"]
    assert [text.get_text() for text in plots.bridge(STEPS * 0).texts] == ["0", "+0", "+0", "0"]


@pytest.mark.parametrize(
    ("index", "totals"),
    [
        (pd.date_range("2025", periods=4), pd.Timestamp("2025-01-04")),
        (pd.MultiIndex.from_product([["shop"], [1, 2, 3, 4]]), ("shop", 4)),
        (pd.MultiIndex.from_product([["shop"], [1, 2, 3, 4]]), [("shop", 4)]),
        ([1, 2, 3, 4], np.int64(4)),
        ([*"abcd"], pd.Series(["d"])),
    ],
)
def test_bridge_total_of_any_name(index: object, totals: object):
    assert bars(plots.bridge(STEPS.set_axis(index), totals=totals))[-2:] == [
        (170, 200, GREEN),
        (0, 200, BLUE),
    ]


@pytest.mark.parametrize(
    ("index", "totals"),
    [
        (pd.date_range("2025", periods=4), ["2025-01-01"]),
        (pd.period_range("2025-01", periods=4, freq="M"), ["2025-01"]),
        (pd.MultiIndex.from_product([["shop"], [1, 2, 3, 4]]), ["shop"]),
        ([*"abcd"], [["a"]]),
        ([*"abcd"], 5),
    ],
)
def test_bridge_total_that_is_no_name_of_a_row_is_refused(index: object, totals: object):
    with pytest.raises(ValueError, match=r"totals names .* Choose from"):
        plots.bridge(STEPS.set_axis(index), totals=totals)


def test_bridge_without_unit():
    ax = plots.bridge(STEPS, unit="")
    assert ax.figure.get_label().startswith("Bridge: 2024 210") and ax.get_xlabel() == ""


HOSTILE_STEPS = [
    ([1, 2], {}, TypeError, "steps must be a Series"),
    (pd.Series(dtype=float), {}, ValueError, "no rows"),
    (pd.Series([1, np.nan, 2], list("abc")), {}, ValueError, "missing"),
    (pd.Series([1, 1, 2], list("aba")), {}, ValueError, "label 'a' more than once"),
    (pd.Series([True, False], list("ab")), {}, TypeError, "True and False"),
    (pd.Series(["1", "2"], list("ab")), {}, TypeError, "must be numeric"),
    (STEPS.replace(200, 203), {}, ValueError, "before '2025' add up to 200, not to 203"),
    (
        STEPS.iloc[[0, 2, 1, 3]].rename({"2025": "x"}).replace(200, 190),
        {},
        ValueError,
        "before 'x' add up to 200",
    ),
    (STEPS, {"totals": ["2024", "2026"]}, ValueError, "totals names '2026'.*Did you mean '202"),
    (STEPS, {"unit": None}, TypeError, "unit must be text, found None"),
    (STEPS, {"ax": "here"}, TypeError, "ax must be matplotlib Axes, found str"),
]


@pytest.mark.parametrize(("steps", "more", "error", "message"), HOSTILE_STEPS)
def test_bridge_refuses(steps: object, more: dict, error: type, message: str):
    with pytest.raises(error, match=message):
        plots.bridge(steps, **more)
    assert not plt.get_fignums()


def test_rounded_steps_may_miss_the_total_by_what_nobody_sees():
    plots.bridge(STEPS.replace(200, 201))
    with pytest.raises(ValueError, match="add up"):
        plots.bridge(STEPS.replace(200, 202))


def test_drawn_into_given_axes_the_captions_follow_each_other():
    figure, panels = plt.subplots(1, 2, sharex=True, sharey=True)
    for ax, title in zip(panels, ("first", "second"), strict=True):
        assert plots.bridge(STEPS, title=title, ax=ax) is ax
    assert [ax.get_title(loc="left") or ax.get_title() for ax in panels] == ["first", "second"]
    assert all(ax.get_ylim() == (3.5, -0.5) for ax in panels)
    text = figure.get_label()
    assert (
        text.startswith("first: bridge")
        and text.index("second: bridge") > 20
        and text.count("2025 200.") == 2
    )


# --- names beside points -------------------------------------------------------------------------------------------


def labelled(x: pd.Series, y: pd.Series, **more: object):
    ax = plt.figure().add_subplot()
    ax.scatter(x, y.loc[list(x.index)])
    plots.label_points(ax, x, y, **more)
    return ax


def test_names_stand_at_their_points_in_any_order():
    x = pd.Series({"a": 1.0, "b": 2.0, "c$": 3.0})
    y = pd.Series({"c$": 30.0, "a": 10.0, "b": 20.0})
    ax = labelled(x, y)
    assert {text.get_text(): text.xy for text in ax.texts} == {"a": (1, 10), "b": (2, 20), r"c\$": (3, 30)}
    assert ax.get_xlim()[0] < 1 < 3 < ax.get_xlim()[1] and ax.get_ylim()[0] < 10 < 30 < ax.get_ylim()[1]


def test_names_cover_no_point_no_line_and_no_other_name():
    rng = np.random.default_rng(3)
    x = pd.Series(rng.uniform(0, 1, 14), [f"attribute {k}" for k in range(14)])
    y = pd.Series(rng.uniform(0, 1, 14), x.index)
    ax = labelled(x, y, lines=[((0.5, 0.5), (0, 1))])
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    points = ax.transData.transform(np.column_stack([x, y]))
    assert not any(box.contains(*point) for box in boxes for point in points)
    middle = ax.transData.transform((0.5, 0.5))[0]
    assert not any(box.x0 < middle < box.x1 for box in boxes)
    frame = ax.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_names_of_points_in_one_place_stand_beside_each_other():
    here = pd.Series(1.0, list("abcd"))
    ax = labelled(here, here)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert not ax.get_autoscale_on()  # what is drawn later does not move the points away from their names


def test_a_name_with_nothing_in_its_way_stands_to_the_right():
    [text] = labelled(pd.Series({"a": 1.0}), pd.Series({"a": 1.0})).texts
    dx, dy = text.get_position()
    assert dx == 7 and -10 < dy < 0


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([1, 2], [3, 4], TypeError, "x must be a Series"),
        (pd.Series([1, 2], list("ab")), [3, 4], TypeError, "y must give a number for each label"),
        (pd.Series([1, 2], list("ab")), pd.Series([1, 2], list("bc")), ValueError, "y names 'c'"),
        (pd.Series([1, 2], list("ab")), pd.Series([1], ["b"]), ValueError, "y has nothing for 'a'"),
        (pd.Series([1, 2], list("aa")), pd.Series([1, 2], list("aa")), ValueError, "more than once"),
        (pd.Series([1, np.nan], list("ab")), pd.Series([1, 2], list("ab")), ValueError, "x has 1 missing"),
        (pd.Series(dtype=float), pd.Series(dtype=float), ValueError, "empty"),
    ],
)
def test_label_points_refuses(x: object, y: object, error: type, message: str):
    ax = plt.figure().add_subplot()
    with pytest.raises(error, match=message):
        plots.label_points(ax, x, y)
    assert not ax.texts


def test_label_points_needs_axes():
    with pytest.raises(TypeError, match="found NoneType"):
        plots.label_points(None, pd.Series([1], ["a"]), pd.Series([1], ["a"]))
    assert not plt.get_fignums()


# --- what they share -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.04152, 4, "0.04152"),
        (67.77, 4, "67.77"),
        (99999.6, 4, "100,000"),
        (999, 3, "999"),
        (1000, 3, "1,000"),
        (-1234.5, 3, "-1,234"),
        (0, 3, "0"),
        (0.5, 3, "0.5"),
    ],
)
def test_short_numbers(value: float, digits: int, text: str):
    assert _axes.short(value, digits) == text


@pytest.mark.parametrize(
    ("a", "b", "area"),
    [
        ((0, 0, 2, 2), (1, 1, 3, 4), 1),
        ((1, 1, 3, 4), (0, 0, 2, 2), 1),
        ((0, 0, 2, 2), (2, 0, 3, 2), 0),
        ((0, 0, 1, 1), (2, 2, 3, 3), 0),
        ((0, 0, 4, 4), (1, 1, 3, 2), 2),
    ],
)
def test_overlap(a: tuple, b: tuple, area: float):
    assert _axes.overlap(a, b) == area


def test_a_moment_keeps_its_hour_in_a_caption():
    assert _axes.said(pd.Timestamp("2025-01-01 10:30")) == "2025-01-01 10:30:00"
    assert _axes.said(("a", pd.Timestamp("2025-01-01"))) == "a, 2025-01-01"
