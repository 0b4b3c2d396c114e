"""Path diagrams: which box stands where, which arrow carries which number, what is dashed, what the caption says."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from crmlab import datasets, plots
from crmlab import satisfaction as sat
from crmlab.plots.paths import _Boxes, _clear_place, _draw_numbers
from crmlab.pls import PLSPathModel

SURVEY = datasets.load("satisfaction_survey", cohort="shipped")
RESULT = sat.acsi.model(SURVEY).fit()
SMALL = sat.acsi.model(SURVEY.iloc[:60]).fit()
LAYOUT = sat.acsi.layout


@pytest.fixture(autouse=True)
def close():
    plt.close("all")
    yield
    plt.close("all")


def boxes(ax) -> dict[str, np.ndarray]:
    """Return name -> centre of its box: the box around the place of the text."""
    found = {}
    frames = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    for text in ax.texts:
        at = np.array(text.get_position())
        for frame in frames:
            low = np.array([frame.get_x(), frame.get_y()])
            size = np.array([frame.get_width(), frame.get_height()])
            if np.allclose(at, low + size / 2):
                found[text.get_text().split("\n")[0]] = at
    assert len(found) == len(frames)
    return found


def arrows(ax) -> dict[tuple, FancyArrowPatch]:
    """Return (from, to) -> arrow, by the boxes that are nearest to its ends."""
    place = boxes(ax)
    found = {}
    for patch in ax.patches:
        if isinstance(patch, FancyArrowPatch):
            start, end = (np.array(point) for point in patch._posA_posB)
            way = end - start
            names = []
            for point, towards in ((start, -1), (end, 1)):
                ahead = {
                    name: abs(way[0] * (centre - point)[1] - way[1] * (centre - point)[0]) / np.hypot(*way)
                    for name, centre in place.items()
                    if (centre - point) @ way * towards > 0
                }
                near = {name: np.hypot(*(place[name] - point)) + 9 * off for name, off in ahead.items()}
                names.append(min(near, key=near.get))
            found[tuple(names)] = patch
    return found


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_boxes_stand_where_the_layout_says():
    ax = plots.path_diagram(RESULT, LAYOUT)
    place = {name: ax.transData.transform(centre) for name, centre in boxes(ax).items()}  # in pixels
    assert set(place) == set(RESULT.r_squared.index)
    for a in place:
        for b in place:
            for axis in (0, 1):
                assert np.sign(place[a][axis] - place[b][axis]).round(9) == np.sign(
                    LAYOUT[a][axis] - LAYOUT[b][axis]
                )


def test_layout_may_list_the_places_in_any_order_and_name_more():
    backwards = dict(reversed([*LAYOUT.items(), ("image", (9, 9))]))
    one = plots.path_diagram(RESULT, LAYOUT)
    other = plots.path_diagram(RESULT, backwards)
    assert texts(one) == texts(other)
    assert all((boxes(one)[name] == boxes(other)[name]).all() for name in boxes(one))


def test_every_box_says_its_own_share_and_every_arrow_its_own_coefficient():
    ax = plots.path_diagram(RESULT, LAYOUT)
    r_squared = RESULT.r_squared
    explained = {end for _, end in sat.acsi.paths}
    for name in r_squared.index:
        line = f"\n$R^2$ = {r_squared[name]:.2f}" if name in explained else ""
        assert f"{name}{line}" in texts(ax)
    found = arrows(ax)
    assert set(found) == set(sat.acsi.paths)
    numbers = [text for text in ax.texts if text.get_text().replace(".", "").isdigit()]
    for path, arrow in found.items():
        start, end = (np.array(point) for point in arrow._posA_posB)
        along = [text for text in numbers if _lies_on(np.array(text.get_position()), start, end)]
        assert f"{RESULT.path_coefficients.loc[path]:.2f}" in [text.get_text() for text in along]
    assert len(numbers) == len(found)


def _lies_on(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> bool:
    share = (point - start) @ (end - start) / ((end - start) @ (end - start))
    return 0 < share < 1 and np.allclose(start + share * (end - start), point)


def test_arrows_are_as_wide_as_they_are_strong_and_coloured_by_sign():
    turned = SURVEY.copy()
    items = sat.survey_items(SURVEY)["expectation"]
    turned[items] = 11 - turned[items]
    result = sat.acsi.model(turned).fit()
    found = arrows(plots.path_diagram(result, LAYOUT))
    strength = {path: result.path_coefficients.loc[path] for path in found}
    assert min(strength.values()) < 0 < max(strength.values())
    for path, arrow in found.items():
        colour = plots.PALETTE[0] if strength[path] >= 0 else plots.PALETTE[1]
        assert same_color(arrow.get_edgecolor(), colour) and arrow.get_linestyle() == "-"
    ordered = sorted(found, key=lambda path: abs(strength[path]))
    widths = [found[path].get_linewidth() for path in ordered]
    assert widths == sorted(widths) and widths[-1] > widths[0] + 1


def test_doubtful_arrows_are_dashed_grey_and_named():
    bootstrap = SMALL.bootstrap(100, seed=2)
    interval = bootstrap.summary()
    doubtful = {pair for pair, row in interval.iterrows() if row["lower"] <= 0 <= row["upper"]}
    assert 0 < len(doubtful) < len(interval)
    ax = plots.path_diagram(SMALL, LAYOUT, bootstrap=bootstrap, title="ACSI")
    for path, arrow in arrows(ax).items():
        assert same_color(arrow.get_edgecolor(), "#888888") == (path in doubtful)
        assert (arrow.get_linestyle() != "-") == (path in doubtful)
    named = ax.figure.get_label().split("contains 0: ")[1]
    assert set(named.rstrip(".").split(", ")) == {f"{a} → {b}" for a, b in doubtful}


def test_without_doubt_the_caption_says_none():
    bootstrap = RESULT.bootstrap(20, seed=1)
    certain = (bootstrap.summary()[["lower", "upper"]] > 0).all(axis=None)
    label = plots.path_diagram(RESULT, LAYOUT, bootstrap=bootstrap).figure.get_label()
    assert certain and label.endswith("contains 0: none.")


def test_bootstrap_of_the_same_model_fitted_again_is_taken():
    again = sat.acsi.model(SMALL.model.survey).fit().bootstrap(20, seed=1)
    assert "Dashed" in plots.path_diagram(SMALL, LAYOUT, bootstrap=again).figure.get_label()


def test_caption_names_what_is_drawn():
    label = plots.path_diagram(RESULT, LAYOUT, title="ACSI").figure.get_label()
    assert label.startswith("ACSI: path diagram with standardised coefficients. expectation → quality 0.46, ")
    for a, b in sat.acsi.paths:
        assert f"{a} → {b} {RESULT.path_coefficients.loc[a, b]:.2f}" in label
    assert label.split("R²: ")[1].startswith(f"quality {RESULT.r_squared['quality']:.2f}, value ")
    assert "expectation" not in label.split("R²: ")[1]


def test_notes_take_the_place_of_r_squared_and_are_written_as_they_are():
    ax = plots.path_diagram(RESULT, LAYOUT, notes={"loyalty": "$5 to $6_x", "value": 7}, title="$a$")
    assert r"loyalty" + "\n" + r"\$5 to \$6_x" in texts(ax) and "value\n7" in texts(ax)
    assert "quality" in texts(ax) and r"\$a\$" in texts(ax)
    assert not any("R^2" in text for text in texts(ax)) and "R²" not in ax.figure.get_label()
    assert "In the boxes: loyalty $5 to $6_x, value 7." in ax.figure.get_label()
    assert plots.path_diagram(RESULT, LAYOUT, notes={}).figure.get_label().endswith("In the boxes: names.")


def test_notes_of_several_lines_stay_in_their_box():
    ax = plots.path_diagram(RESULT, LAYOUT, notes={"loyalty": "64.5\nof 100\npoints"})
    [text] = [text for text in ax.texts if text.get_text().startswith("loyalty")]
    words = text.get_window_extent()
    frames = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert (
        sum(frame.y0 <= words.y0 and words.y1 <= frame.y1 and frame.overlaps(words) for frame in frames) == 1
    )


def test_names_with_signs_are_drawn_as_they_are():
    blocks = {f"{name}_${k}$": items for k, (name, items) in enumerate(RESULT.model.blocks.items())}
    renamed = dict(zip(RESULT.model.blocks, blocks, strict=True))
    model = PLSPathModel(SURVEY, blocks, [(renamed[a], renamed[b]) for a, b in RESULT.model.paths])
    ax = plots.path_diagram(model.fit(), {renamed[name]: place for name, place in LAYOUT.items()})
    assert set(boxes(ax)) == {name.replace("$", r"\$") for name in blocks}
    ax.figure.canvas.draw()


@pytest.mark.parametrize("size", [(7.2, 4.0), (3.4, 2.6), (12.0, 3.0)])
@pytest.mark.parametrize("name", list(sat.SPECIFICATIONS))
def test_nothing_overlaps_and_every_text_is_inside_its_box(name: str, size: tuple):
    specification = sat.SPECIFICATIONS[name]
    result = specification.model(SURVEY).fit()
    ax = plt.figure(figsize=size).add_axes((0, 0, 1, 1))
    plots.path_diagram(result, specification.layout, title="title", ax=ax)
    ax.figure.canvas.draw()
    frames = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    title, *others = ax.texts
    assert title.get_text() == "title"
    assert not any(frame.overlaps(title.get_window_extent()) for frame in frames)
    for i, frame in enumerate(frames):
        apart = frame.padded(0.07 * ax.figure.dpi)  # room for the head of an arrow
        assert not any(apart.overlaps(other.padded(0.07 * ax.figure.dpi)) for other in frames[:i])
        assert ax.bbox.x0 <= frame.x0 and frame.x1 <= ax.bbox.x1
        assert ax.bbox.y0 <= frame.y0 and frame.y1 <= ax.bbox.y1
    for text in others[: len(frames)]:
        box = text.get_window_extent()
        inside = [
            f
            for f in frames
            if f.x0 <= box.x0 and box.x1 <= f.x1 and f.y0 - 1 <= box.y0 and box.y1 <= f.y1 + 1
        ]
        assert len(inside) == 1


def test_number_moves_along_its_arrow_to_where_it_covers_nothing():
    half = np.array([0.2, 0.1])
    ends = (np.array([0.0, 0.0]), np.array([4.0, 0.0]))
    nothing = np.empty((0, 2))
    assert _clear_place(ends, half, [], nothing).tolist() == [2, 0]
    box = (1.5, -0.2, 2.1, 0.2)
    moved = _clear_place(ends, half, [box], nothing)
    assert moved[0] - 1.1 * half[0] > 2.1 or moved[0] + 1.1 * half[0] < 1.5
    crossing = np.column_stack([np.full(60, 2.0), np.linspace(-0.05, 0.05, 60)])
    assert abs(_clear_place(ends, half, [], crossing)[0] - 2) > half[0]


def test_numbers_of_arrows_that_cross_stand_beside_each_other():
    ax = plt.figure().add_subplot(xlim=(0, 4), ylim=(0, 4))
    centres = {
        name: np.array(at, float)
        for name, at in {"a": (0, 0), "b": (4, 0.01), "c": (0, 0.01), "d": (4, 0)}.items()
    }
    boxes = _Boxes(centres, np.array([0.1, 0.1]), 10.0)
    ends = {path: (centres[path[0]], centres[path[1]]) for path in (("a", "b"), ("c", "d"))}
    _draw_numbers(ax, boxes, ends, {("a", "b"): 0.25, ("c", "d"): 0.75})
    one, other = (text.get_position()[0] for text in ax.texts)
    assert abs(one - other) > 2 * 1.35 * 9 / 72


def test_numbers_cover_no_box_and_no_other_number():
    for name in sat.SPECIFICATIONS:
        specification = sat.SPECIFICATIONS[name]
        ax = plots.path_diagram(specification.model(SURVEY).fit(), specification.layout)
        frames = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
        numbers = [text.get_window_extent() for text in ax.texts[len(frames) :]]
        assert len(numbers) == len(specification.paths)
        assert not any(
            number.overlaps(other) for i, number in enumerate(numbers) for other in [*frames, *numbers[:i]]
        )


def test_all_in_one_line_stands_in_the_middle():
    blocks = {name: RESULT.model.blocks[name] for name in ("quality", "satisfaction", "loyalty")}
    chain = PLSPathModel(SURVEY, blocks, [("quality", "satisfaction"), ("satisfaction", "loyalty")]).fit()
    place = boxes(plots.path_diagram(chain, {name: (k, 5) for k, name in enumerate(blocks)}))
    assert [centre[1] for centre in place.values()] == [plt.rcParams["figure.figsize"][1] / 2] * 3
    upright = boxes(plots.path_diagram(chain, {name: (5, k) for k, name in enumerate(blocks)}))
    assert [centre[0] for centre in upright.values()] == [plt.rcParams["figure.figsize"][0] / 2] * 3


def test_letters_shrink_until_arrows_have_room():
    blocks = {name: RESULT.model.blocks[name] for name in ("quality", "satisfaction", "loyalty")}
    chain = PLSPathModel(SURVEY, blocks, [("quality", "satisfaction"), ("satisfaction", "loyalty")]).fit()
    place = {name: (k, 5) for k, name in enumerate(blocks)}
    drawn = []
    for width in np.arange(1.5, 3.6, 0.05):
        ax = plt.figure(figsize=(width, 1)).add_axes((0, 0, 1, 1))
        try:
            plots.path_diagram(chain, place, ax=ax)
        except ValueError:
            assert not drawn  # what fits into small Axes fits into larger ones
            continue
        drawn.append(width)
        edges = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches if isinstance(p, FancyBboxPatch)]
        assert all(after[0] - before[1] > 0.15 for before, after in itertools.pairwise(edges))
        plt.close("all")
    assert len(drawn) > 10 and drawn[0] > 1.6


def test_an_arrow_behind_a_third_box_is_refused():
    line = {name: (k, 5) for k, name in enumerate(RESULT.r_squared.index)}
    with pytest.raises(ValueError, match="the arrow expectation → value runs behind quality: move quality"):
        plots.path_diagram(RESULT, line)
    assert not plt.get_fignums()


# --- what if -------------------------------------------------------------------------------------------------------

BEFORE = RESULT.index(1, 10)
AFTER = BEFORE + RESULT.what_if({"quality": 5})


def test_what_if_writes_before_and_after_into_the_box_of_the_name():
    ax = plots.what_if(RESULT, LAYOUT, BEFORE, AFTER.iloc[::-1], title="quality +5")
    for name in BEFORE.index:
        moved = (
            f"{BEFORE[name]:.1f} → {AFTER[name]:.1f}"
            if AFTER[name] != BEFORE[name]
            else f"{BEFORE[name]:.1f}"
        )
        assert f"{name}\n{moved}" in texts(ax)
        assert f"{name} {moved}" in ax.figure.get_label()
    assert texts(ax)[0] == "quality +5" and ax.figure.get_label().startswith("quality +5: path diagram")
    assert f"quality {BEFORE['quality']:.1f} → {BEFORE['quality'] + 5:.1f}" in ax.figure.get_label()


@pytest.mark.parametrize(
    ("before", "after", "error", "message"),
    [
        (BEFORE.to_numpy(), AFTER, TypeError, "before must give a number for each label"),
        (BEFORE, AFTER.drop("loyalty"), ValueError, "after has nothing for 'loyalty'"),
        (
            BEFORE.rename({"loyalty": "Loyalty"}),
            AFTER,
            ValueError,
            "before names 'Loyalty'.*Did you mean 'loyalty'",
        ),
        (BEFORE * np.nan, AFTER, ValueError, "before has 6 missing"),
        (BEFORE.astype(str), AFTER, TypeError, "before must be numeric"),
    ],
)
def test_what_if_refuses(before: object, after: object, error: type, message: str):
    with pytest.raises(error, match=message):
        plots.what_if(RESULT, LAYOUT, before, after)
    assert not plt.get_fignums()


HOSTILE = [
    (SURVEY, LAYOUT, {}, TypeError, "result must be a fitted PLSPathModel, found DataFrame"),
    (RESULT.model, LAYOUT, {}, TypeError, "found PLSPathModel"),
    (RESULT, [1], {}, TypeError, "layout must map"),
    (RESULT, {k: v for k, v in LAYOUT.items() if k != "loyalty"}, {}, ValueError, "no place for 'loyalty'"),
    (RESULT, dict.fromkeys(LAYOUT, "xy"), {}, ValueError, r"layout\['expectation'\] must be a place"),
    (RESULT, dict.fromkeys(LAYOUT, (1, 2, 3)), {}, ValueError, "must be a place"),
    (RESULT, dict.fromkeys(LAYOUT, (np.nan, 1)), {}, TypeError, "must be a finite number"),
    (RESULT, dict.fromkeys(LAYOUT, (0, 1)), {}, ValueError, "'quality' where another"),
    (RESULT, LAYOUT, {"notes": {"Loyalty": "x"}}, ValueError, "notes='Loyalty'.*Did you mean 'loyalty'"),
    (RESULT, LAYOUT, {"notes": ["x"]}, TypeError, "notes must map"),
    (RESULT, LAYOUT, {"bootstrap": RESULT.path_coefficients}, TypeError, "bootstrap must be what"),
    (RESULT, LAYOUT, {"bootstrap": SMALL.bootstrap(5)}, ValueError, "another model or survey"),
    (
        RESULT,
        LAYOUT,
        {"bootstrap": sat.scsb.model(SURVEY).fit().bootstrap(5)},
        ValueError,
        "another model or survey",
    ),
    (RESULT, LAYOUT, {"ax": plt}, TypeError, "ax must be matplotlib Axes"),
]


@pytest.mark.parametrize(("result", "layout", "more", "error", "message"), HOSTILE)
def test_path_diagram_refuses(result: object, layout: object, more: dict, error: type, message: str):
    with pytest.raises(error, match=message):
        plots.path_diagram(result, layout, **more)
    assert not plt.get_fignums()


def test_boxes_that_do_not_fit_are_refused():
    ax = plt.figure(figsize=(1, 1)).add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match="boxes do not fit"):
        plots.path_diagram(RESULT, LAYOUT, ax=ax)
    assert not ax.patches


def test_captions_of_several_diagrams_follow_each_other():
    figure, panels = plt.subplots(1, 2, figsize=(12, 4))
    for ax, title in zip(panels, ("first", "second"), strict=True):
        plots.path_diagram(RESULT, LAYOUT, title=title, ax=ax)
    label = figure.get_label()
    assert label.startswith("first: path diagram") and " second: path diagram" in label


def test_values_are_strings_with_one_decimal():
    index = pd.Series(50.04, RESULT.r_squared.index)
    ax = plots.what_if(RESULT, LAYOUT, index, index + 0.005)  # both are 50.0 on paper
    assert "loyalty\n50.0" in texts(ax)
