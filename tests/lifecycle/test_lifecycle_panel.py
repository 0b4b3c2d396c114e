"""Panels: what is refused, and with which words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifecycle_cases import FIVE, GOOD, STAGES, rates

from crmlab import lifecycle as lc


def change(column: str, value: object, row: int = 3) -> pd.DataFrame:
    out = GOOD.copy()
    out[column] = out[column].astype(object)
    out.loc[row, column] = value
    return out if column == "stage" else out.infer_objects()


BAD_PANELS = [
    ([1, 2], TypeError, "DataFrame"),
    (GOOD.iloc[:0], ValueError, "no rows"),
    (GOOD.drop(columns="month"), ValueError, "no column 'month'"),
    (GOOD.rename(columns={"stage": "Stage"}), ValueError, "no column 'stage'. Did you mean 'Stage'"),
    (GOOD.assign(month=GOOD["month"].astype(str)), TypeError, "month must hold dates"),
    (GOOD.assign(month=GOOD["month"].where(GOOD.index > 2)), ValueError, "month has 3 missing"),
    (change("stage", None), ValueError, "stage has 1 missing"),
    (GOOD.assign(stage=1), TypeError, "names of states"),
    (
        GOOD.assign(account_id=GOOD["account_id"].where(GOOD.index > 0)),
        ValueError,
        "account_id has 1 missing",
    ),
    (pd.concat([GOOD, GOOD.iloc[[4]]]), ValueError, "account_id 1 in 2025-05"),
    (
        GOOD.assign(month=GOOD["month"].where(GOOD.index != 1, GOOD["month"] - pd.Timedelta(days=15))),
        ValueError,
        "more than one row",
    ),
    (
        GOOD.assign(lost_on=pd.Timestamp("2025-03-01")),
        ValueError,
        "dates out of order.*account_id 1 in 2025-03",
    ),
    (GOOD.assign(lost_on=GOOD["month"] + pd.Timedelta(days=900)), ValueError, "lost_on differs"),
    (GOOD.assign(lost_on="2027-01-01"), TypeError, "lost_on must hold dates"),
    (GOOD.assign(stage="lost", lost_on=pd.NaT), ValueError, "dates out of order|every row"),
]


@pytest.mark.parametrize(("data", "error", "text"), BAD_PANELS)
@pytest.mark.parametrize("function", ["transitions", "observed_after", "HiddenMarkov"])
def test_bad_panels_are_refused(function: str, data: object, error: type, text: str) -> None:
    call = {
        "transitions": lambda: lc.transitions(data, lost="lost_on"),
        "observed_after": lambda: lc.observed_after(data, 2, lost="lost_on"),
        "HiddenMarkov": lambda: lc.HiddenMarkov(data, rates(), state="stage", lost="lost_on"),
    }
    with pytest.raises(error, match=text):
        call[function]()


@pytest.mark.parametrize("name", ["Lost", "lost ", "LOST"])
@pytest.mark.parametrize("kind", [object, "category", "string"])
def test_a_state_like_lost_asks_whether_it_is_meant(name: str, kind: object) -> None:
    data = change("stage", name).drop(columns="lost_on").astype({"stage": kind})
    for call in (
        lambda: lc.transitions(data),
        lambda: lc.observed_after(data, 2),
        lambda: lc.HiddenMarkov(data, rates(), state="stage"),
        lambda: lc.mover_stayer_check(data),
    ):
        with pytest.raises(ValueError, match=f"state '{name}': did you mean 'lost'"):
            call()


def test_ids_and_months_of_other_types_give_the_same() -> None:
    expected = lc.transitions(GOOD, lost="lost_on").counts
    for changed in (
        GOOD.astype({"account_id": "Int64"}),
        GOOD.assign(account_id="no. " + GOOD["account_id"].astype(str)),
        GOOD.astype({"stage": "category"}),
        GOOD.astype({"stage": "string"}),
        GOOD.assign(month=GOOD["month"] + pd.Timedelta(days=20)),
        GOOD.sample(frac=1, random_state=1).set_index(np.zeros(len(GOOD), int)),
        GOOD.rename(columns={"account_id": "$id_1"}),
    ):
        entity = "$id_1" if "$id_1" in changed else "account_id"
        found = lc.transitions(changed, entity, lost="lost_on").counts.loc[STAGES, FIVE]
        pd.testing.assert_frame_equal(found, expected.loc[STAGES, FIVE], check_dtype=False)


def test_time_zones_are_refused() -> None:
    with pytest.raises(TypeError, match="time zone"):
        lc.transitions(GOOD.assign(month=GOOD["month"].dt.tz_localize("Asia/Shanghai")))
