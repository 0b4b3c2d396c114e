"""Figures of satisfaction: nothing overlaps, captions are written from the numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmlab import datasets, plots
from crmlab import satisfaction as sat
from crmlab.simulate import parameters as par

SURVEY = datasets.load("satisfaction_survey", cohort="shipped")
SERVICE = datasets.load("service_quality_survey", cohort="shipped")
KANO = datasets.load("kano_survey", cohort="shipped")
OFFERS = datasets.load("competing_offers", cohort="shipped")
TRACKER = datasets.load("satisfaction_tracker", cohort="shipped").set_index("quarter")
IMPORTANCE = pd.Series({"a": 6.0, "b": 5.0, "c": 3.0, "d": 2.0})
PERFORMANCE = pd.Series({"d": 6.0, "c": 2.0, "b": 5.0, "a": 3.0})  # another order: labels count


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def boxes_of(ax):
    ax.figure.canvas.draw()
    texts = [t for t in ax.texts if t.get_text() and t.get_text() != "title"]
    return [(t.get_text(), t.get_window_extent()) for t in texts], [
        p.get_window_extent() for p in ax.patches if "Bbox" in type(p).__name__
    ]


@pytest.mark.parametrize("name", sat.SPECIFICATIONS)
@pytest.mark.parametrize("side_by_side", [False, True])
def test_path_diagram_labels_do_not_overlap(name, side_by_side):
    specification = sat.SPECIFICATIONS[name]
    result = specification.model(SURVEY).fit()
    with plt.rc_context(plots.STYLE):
        if side_by_side:
            figure, axes = plt.subplots(2, 2, figsize=(7.2, 6.4))
            figure.subplots_adjust(0, 0, 1, 1, 0.02, 0.02)
            ax = plots.path_diagram(result, specification.layout, title="title", ax=axes[0, 1])
        else:
            ax = plots.path_diagram(result, specification.layout, title="title")
        texts, nodes = boxes_of(ax)
    numbers = [box for text, box in texts if text.replace(".", "").replace("-", "").isdigit()]
    assert len(numbers) == len(specification.paths) and len(nodes) == len(specification.constructs)
    for i, box in enumerate(numbers):
        assert not any(box.overlaps(other) for other in numbers[i + 1 :] + nodes)
    for i, node in enumerate(nodes):
        assert not any(node.overlaps(other) for other in nodes[i + 1 :])
        assert ax.figure.bbox.x0 <= node.x0 and node.x1 <= ax.figure.bbox.x1
    names = [
        box
        for text, box in texts
        if text not in ("title",) and not text.replace(".", "").replace("-", "").isdigit()
    ]
    for box in names:  # every name fits into its box
        assert any(
            node.x0 <= box.x0 and box.x1 <= node.x1 and node.y0 - 1 <= box.y0 and box.y1 <= node.y1 + 1
            for node in nodes
        )


def test_path_diagram_caption_names_every_path_and_what_is_doubtful():
    small = SURVEY.iloc[:60]
    result = sat.acsi.model(small).fit()
    bootstrap = result.bootstrap(100, seed=2)
    label = plots.path_diagram(result, sat.acsi.layout, bootstrap=bootstrap, title="ACSI").figure.get_label()
    coefficients = result.path_coefficients
    for a, b in sat.acsi.paths:
        assert f"{a} → {b} {coefficients.loc[a, b]:.2f}" in label
    summary = bootstrap.summary()
    doubtful = [f"{a} → {b}" for (a, b), row in summary.iterrows() if row["lower"] <= 0 <= row["upper"]]
    assert doubtful and all(pair in label.split("Dashed")[1] for pair in doubtful)
    assert label.startswith("ACSI: path diagram")
    with pytest.raises(ValueError, match="no place for 'loyalty'"):
        plots.path_diagram(result, {k: v for k, v in sat.acsi.layout.items() if k != "loyalty"})


def test_captions_are_written_from_the_numbers():
    chart = sat.mean_chart(TRACKER["mean_index"], TRACKER["sd_index"], TRACKER["respondents"], 12)
    label = plots.control_chart(chart, ylabel="index").figure.get_label()
    assert f"centre {chart.centre:.4g}" in label and "2024-10-01" in label
    ipa = sat.quadrants(IMPORTANCE, PERFORMANCE)
    assert "Concentrate here: a (6, 3)" in plots.quadrants(ipa).figure.get_label()
    table = sat.kano(KANO)
    assert f"(better {table['better'].iloc[0]:.2f}" in plots.kano(table).figure.get_label()
    service = sat.servqual(SERVICE).summary()
    assert f"reliability {service.loc['reliability', 'gap']:+.2f}" in plots.gaps(service).figure.get_label()
    assert "20 samples" in plots.nps(sat.nps(TRACKER)).figure.get_label()
    value = sat.delivered_value(OFFERS)
    assert "leave 20" in plots.delivered_value(value, "qinghe_classic").get_label()
    with pytest.raises(ValueError, match="no offer 'tea'"):
        plots.delivered_value(value, ["tea"])
    fit = smf.ols("benefit ~ price", par.OFFERS).fit()
    assert (
        f"supermarket {fit.resid.iloc[-1]:+.2f}"
        in plots.value_map(fit, par.OFFERS["offer"]).figure.get_label()
    )
