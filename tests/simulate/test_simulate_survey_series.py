"""Two tracked series: the satisfaction tracker and the incoming inspections."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import ERRORS, near_mean, near_sd, near_shares

from crmlab import satisfaction
from crmlab.simulate import dates
from crmlab.simulate.core import generator
from crmlab.simulate.processes.inspections import CAUSES, INSPECTION, SUPPLIERS, WORSE, inspections
from crmlab.simulate.processes.tracker import TRACKER, satisfaction_tracker

BASELINE = 8  # quarters: two years to set limits


def tracker(seed: int) -> pd.DataFrame:
    out = satisfaction_tracker(generator(seed, "satisfaction_tracker"))
    return out.assign(seed=seed, number=np.arange(1, len(out) + 1))


@pytest.fixture(scope="module")
def trackers() -> pd.DataFrame:
    return pd.concat([tracker(seed) for seed in range(300)])


def test_the_tracker_runs_by_quarters_from_the_beginning_of_the_files_to_today():
    quarter = tracker(1)["quarter"]
    assert len(quarter) == 16
    assert quarter.min() == dates.START
    assert quarter.max() + pd.offsets.QuarterEnd() == dates.TODAY
    assert (quarter.dt.to_period("Q").astype("int64").diff().dropna() == 1).all()
    assert BASELINE < TRACKER.false_alarm_quarter < TRACKER.shift_quarter <= len(quarter) - 4
    assert quarter[TRACKER.shift_quarter - 1] < dates.INTERVENTION  # no trial has brought it about


def test_the_tracker_has_one_real_shift(trackers):
    usual = trackers[trackers["number"] != TRACKER.false_alarm_quarter]
    for k, here in usual.groupby("number"):
        near_mean(here["mean_index"], TRACKER.level + TRACKER.shift * (k >= TRACKER.shift_quarter), k)
    level = TRACKER.level + TRACKER.shift * (usual["number"] >= TRACKER.shift_quarter)
    error = (usual["mean_index"] - level) / (TRACKER.spread / np.sqrt(usual["respondents"]))
    near_sd(error, TRACKER.calm)  # calmer than chance alone: no second alarm
    assert TRACKER.calm < 1
    near_mean(usual["sd_index"], TRACKER.spread)
    near_sd(usual["sd_index"], TRACKER.spread_noise)
    assert (usual["respondents"].min(), usual["respondents"].max()) == (TRACKER.fewest, TRACKER.most)


def test_the_false_alarm_is_a_small_sample(trackers):
    alarm = trackers[trackers["number"] == TRACKER.false_alarm_quarter]
    assert (alarm["respondents"] == TRACKER.false_alarm_respondents).all()
    error = TRACKER.spread / np.sqrt(TRACKER.false_alarm_respondents)
    assert alarm["mean_index"].to_numpy() == pytest.approx(TRACKER.level - 2 * error, abs=0.06)
    # startling beside 180 answers and more, ordinary for 32
    usual = TRACKER.spread / np.sqrt(TRACKER.fewest)
    assert -3 * error < alarm["mean_index"].iloc[0] - TRACKER.level < -3 * usual


def test_charts_find_the_shift_and_only_single_values_raise_the_alarm():
    """Over 80 worlds, with limits from the first two years."""
    rows = []
    for seed in range(80):
        data = tracker(seed).set_index("number")
        columns = [data[name] for name in ("mean_index", "sd_index", "respondents")]
        means = satisfaction.mean_chart(*columns, baseline=BASELINE)
        single = satisfaction.individuals_chart(data["mean_index"], baseline=BASELINE)
        hits = means.signals().any(axis=1)
        point = means.change_point(k=1.5, h=4)  # four points are about three standard errors
        rows.append(
            {
                "early": hits.loc[: TRACKER.shift_quarter - 1].any(),
                "found": hits.loc[TRACKER.shift_quarter : TRACKER.shift_quarter + 3].any(),
                "fooled": single.signals().loc[TRACKER.false_alarm_quarter, "rule_1"],
                "start": point["start"] == TRACKER.shift_quarter and point["direction"] == "up",
            }
        )
    share = pd.DataFrame(rows).astype(float).mean()
    assert share["early"] < 0.05
    assert share["found"] > 0.97
    assert share["fooled"] > 0.95
    assert share["start"] > 0.9


def test_tracker_counts_fit_the_index(trackers):
    counts = trackers[["promoters", "passives", "detractors"]]
    assert (counts.sum(axis=1) == trackers["respondents"]).all()
    assert (counts >= 0).all(axis=None)
    rise = trackers["mean_index"] - TRACKER.level
    promoters = (TRACKER.promoters + TRACKER.promoters_rise * rise) * trackers["respondents"]
    rest = trackers["respondents"] - trackers["promoters"]
    detractors = (TRACKER.detractors + TRACKER.detractors_rise * rise) * rest
    assert TRACKER.promoters_rise > 0 > TRACKER.detractors_rise
    for part in (rise < -1, rise > 3, rise < 99):
        assert trackers.loc[part, "promoters"].sum() == pytest.approx(promoters[part].sum(), rel=0.015)
        assert trackers.loc[part, "detractors"].sum() == pytest.approx(detractors[part].sum(), rel=0.015)


# -- inspections ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lots() -> pd.DataFrame:
    return pd.concat([inspections(generator(seed, "inspections")) for seed in range(120)])


def test_one_suppliers_lots_get_worse_at_the_shift(lots):
    late = lots["inspection_id"] >= INSPECTION.shift_week
    worse = late & (lots["supplier"] == WORSE)
    for where, p in ((worse, INSPECTION.shifted_rate), (~worse, INSPECTION.defect_rate)):
        packs = lots.loc[where, "inspected"].sum()
        found = lots.loc[where, "defective"].sum() / packs
        assert abs(found - p) < ERRORS * np.sqrt(p * (1 - p) / packs), (p, found)
    first = lots[worse & (lots["inspection_id"] == INSPECTION.shift_week)]
    assert first["defective"].sum() / first["inspected"].sum() > 0.06
    near_shares(lots["supplier"], SUPPLIERS.to_dict())
    assert (lots["inspected"].min(), lots["inspected"].max()) == (INSPECTION.fewest, INSPECTION.most)


def test_the_worse_lots_have_another_cause(lots):
    worse = (lots["inspection_id"] >= INSPECTION.shift_week) & (lots["supplier"] == WORSE)
    assert (lots[CAUSES.columns].sum(axis=1) == lots["defective"]).all()
    assert CAUSES.sum(axis=1).to_numpy() == pytest.approx(1)
    for where, name in ((worse, "shifted"), (~worse, "usual")):
        found = lots.loc[where, CAUSES.columns].sum()
        total = found.sum()
        for cause, share in CAUSES.loc[name].items():
            error = np.sqrt(share * (1 - share) / total)
            assert abs(found[cause] / total - share) < ERRORS * error, (cause, found[cause] / total)


def test_lots_come_every_monday_of_the_history(lots):
    one = lots.iloc[: len(lots) // 120]
    assert (one["date"].dt.day_of_week == 0).all()
    assert (one["date"].diff().dropna() == pd.Timedelta(days=7)).all()
    assert (one["date"].min(), one["date"].max()) == (pd.Timestamp("2022-07-04"), pd.Timestamp("2026-06-29"))
    assert one["inspection_id"].tolist() == list(range(1, len(one) + 1))
    shift = one.set_index("inspection_id")["date"].loc[INSPECTION.shift_week]
    assert dates.INTERVENTION <= shift <= dates.TODAY
