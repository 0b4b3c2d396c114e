"""Movers and stayers: the check has its level where there are none, finds them where there are, and keeps the record's shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifecycle_cases import rates

from crmlab import lifecycle as lc
from crmlab.lifecycle import stayers

MOVES = np.array([[0.9, 0.08, 0.02], [0.15, 0.8, 0.05], [0, 0, 1]])
MOVER = np.array([[0.75, 0.2, 0.05], [0.2, 0.7, 0.1], [0, 0, 1]])
STAYER = np.array([[0.99, 0.01, 0], [0.2, 0.8, 0], [0, 0, 1]])


def record(matrices: list, accounts: int, months: int, seed: int) -> pd.DataFrame:
    """Accounts that begin in the first half of the record, in stability or decline, with a chain of their own each."""
    rng = np.random.default_rng(seed)
    stamp = pd.date_range("2022-01-01", periods=months, freq="MS")
    rows = []
    for account in range(accounts):
        matrix = matrices[account % len(matrices)]
        state = int(rng.random() < 0.3)
        for t in range(rng.integers(0, months // 2) if account % 3 else 0, months):
            rows.append((account, stamp[t], state))
            state = rng.choice(3, p=matrix[state])
            if state == 2:
                break
    data = pd.DataFrame(rows, columns=["account_id", "month", "state"])
    ended = data.groupby("account_id")["month"].transform("max")
    lost = (ended + pd.DateOffset(months=1)).where(ended < stamp[-1])
    return data.assign(stage=np.array(["stability", "decline"])[data["state"]], lost_on=lost)


def test_runs_by_hand() -> None:
    # one stable for four months and on, one that left after two, one with a month not seen, one lost
    wide = np.array([[[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, -1, 0, 0, 0], [1, 0, 2, 2, 2]]])
    # after one month: 4 of 4, 2 of 3, 2 of 2 (the first cannot be followed), 0 of 1; after three: 2 of 2, 0 of 2, none, 0 of 1
    assert stayers._unbroken(wide, 0, [1, 3, 4]).tolist() == [[8 / 10, 2 / 5, 1 / 2]]
    assert np.isnan(stayers._unbroken(wide, 0, [5])).all()


def test_p_values_are_small_in_one_world_of_twenty_without_stayers() -> None:
    p = [
        lc.mover_stayer_check(record([MOVES], 60, 24, seed), [12], lost="lost_on", n_resamples=39).summary()[
            "p_value"
        ][12]
        for seed in range(40)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.125
    assert 0.35 < np.mean(p) < 0.65


def test_movers_and_stayers_are_found() -> None:
    for seed in range(5):
        data = record([MOVER, STAYER], 100, 24, seed)
        table = lc.mover_stayer_check(data, [6, 12], lost="lost_on", n_resamples=99).summary()
        assert (table["p_value"] <= 0.02).all()
        assert (table["observed"] > table["upper"]).all()


def test_reading_with_error_alone_is_not_taken_for_stayers() -> None:
    wrong = pd.DataFrame([[0.85, 0.15], [0.2, 0.8]], ["stability", "decline"], ["stability", "decline"])
    rng = np.random.default_rng(9)
    beyond, p = [], []
    for seed in range(8):
        data = record([MOVES], 80, 24, 100 + seed)
        data["classified"] = np.where(
            rng.random(len(data)) < wrong.to_numpy()[data["state"], 0], "stability", "decline"
        )
        found = lc.mover_stayer_check(
            data, [12], state="classified", error_rates=wrong, lost="lost_on", n_resamples=19
        ).summary()
        beyond.append(found.loc[12, "observed"] - found.loc[12, "one_chain"])
        p.append(found.loc[12, "p_value"])
        assert found.loc[12, "expected"] > found.loc[12, "one_chain"]  # smoothing takes out short breaks
    assert np.mean(np.array(beyond) > 0) > 0.7  # by eye there would be stayers
    assert np.mean(np.array(p) <= 0.05) < 0.3
    found = record([MOVER, STAYER], 400, 24, 1)
    found["classified"] = np.where(
        rng.random(len(found)) < wrong.to_numpy()[found["state"], 0], "stability", "decline"
    )
    table = lc.mover_stayer_check(
        found, [12], state="classified", error_rates=wrong, lost="lost_on", n_resamples=39
    ).summary()
    assert table.loc[12, "p_value"] <= 0.05


@pytest.mark.parametrize("read", [False, True])
def test_simulated_records_have_the_shape_of_the_data(read: bool) -> None:
    data = record([MOVES], 50, 20, 4)
    data = data.drop(data.index[[3, 4, 40]])  # months not seen
    kept = data[data["lost_on"].isna()]["account_id"].iloc[
        -1
    ]  # out of sight early, and never known to be lost
    data = data[(data["account_id"] != kept) | (data["month"] < "2022-12-01")]
    place = sorted(set(data["account_id"])).index(kept)
    sure = pd.DataFrame(np.eye(2), ["decline", "stability"], ["decline", "stability"])
    if read:
        made = stayers._Read.make(lc.HiddenMarkov(data, sure, state="stage", lost="lost_on"))
    else:
        made = stayers._Recorded.make(
            lc._panel.Panel.make(data, "account_id", "stage", "month", "lost_on"), True
        )
    drawn = stayers._simulate(made, 6, np.random.default_rng(1))
    assert drawn.shape == (6, *made.wide.shape)
    begin = (made.wide >= 0).argmax(axis=1)
    at = np.arange(len(begin))
    for one in drawn:
        assert (one[at, begin] == made.wide[at, begin]).all()  # from the same first state, read without error
        assert (one[np.arange(20) < begin[:, None]] == -1).all()
        gone = one == 2
        assert (gone[:, 1:] >= gone[:, :-1]).all()  # lost stays lost
        assert (one[(made.wide == -1) & ~gone] == -1).all()  # what was not seen is not seen
        assert (one[made.wide >= 0] >= 0).all()
        assert (one[place, 11:] == -1).all()
    assert not (drawn[0] == drawn[1]).all()
    counts = np.zeros((3, 3))
    np.add.at(
        counts, (drawn[:, :, 8:-1].ravel(), drawn[:, :, 9:].ravel()), (drawn[:, :, 8:-1] >= 0).ravel() * 1.0
    )
    truth = made.moves
    np.testing.assert_allclose(counts[:2] / counts[:2].sum(axis=1, keepdims=True), truth[:2], atol=0.06)


def test_a_record_that_was_read_is_decoded_as_the_hidden_chain_decodes_it() -> None:
    names = ["decline", "stability"]
    wrong = pd.DataFrame([[0.7, 0.3], [0.25, 0.75]], names, names)
    data = record([MOVES], 60, 20, 6)
    rng = np.random.default_rng(2)
    first = data.groupby("account_id")["month"].transform("min") == data["month"]
    late = first & (data["month"] > "2022-01-01")
    data.loc[late, "stage"] = "decline"  # accounts that begin later begin otherwise
    right = rng.random(len(data)) < 0.72
    data["classified"] = data["stage"].where(
        right, data["stage"].map(dict(zip(names, names[::-1], strict=True)))
    )
    model = lc.HiddenMarkov(data, wrong, lost="lost_on")
    found = model.fit()
    made = stayers._Read.make(model)
    share, own = made.stays(made.wide[None], 1, [3, 6])
    decoded = data.assign(stage=found.stages().idxmax(axis=1))
    wide = lc._panel.Panel.make(decoded, "account_id", "stage", "month", "lost_on").wide()
    np.testing.assert_allclose(share, stayers._unbroken(wide[None], 0, [3, 6]), atol=0.01)
    np.testing.assert_allclose(
        own[0], found.matrix.loc["stability", "stability"] ** np.array([3, 6]), atol=2e-3
    )


def test_the_summary_is_made_of_the_simulated_excess() -> None:
    months = pd.Index([6, 12], name="months")
    observed = pd.Series([0.6, 0.5], months)
    chain_ = pd.Series([0.5, 0.3], months)
    excess = pd.DataFrame({6: np.arange(99) / 500, 12: np.arange(99) / 1000})
    check = lc.MoverStayerCheck(observed, chain_, excess, {})
    table = check.summary()
    assert table["p_value"].tolist() == [
        (1 + 49) / 100,
        1 / 100,
    ]  # 0.1 of 0, 0.002, …, 0.196 is reached by 49
    np.testing.assert_allclose(
        table.loc[6, ["lower", "upper"]], 0.5 + np.quantile(np.arange(99) / 500, [0.025, 0.975])
    )
    np.testing.assert_allclose(table["expected"], [0.5 + 0.098, 0.3 + 0.049])
    narrow = check.summary(0.8)
    np.testing.assert_allclose(
        narrow.loc[6, ["lower", "upper"]], 0.5 + np.quantile(np.arange(99) / 500, [0.1, 0.9])
    )


def test_a_seed_repeats_and_the_order_of_rows_does_not_matter() -> None:
    data = record([MOVES], 40, 18, 7)
    found = lc.mover_stayer_check(data, (3, 6), lost="lost_on", n_resamples=19)
    again = lc.mover_stayer_check(data.sample(frac=1, random_state=1), (6, 3), lost="lost_on", n_resamples=19)
    pd.testing.assert_frame_equal(found.summary(), again.summary())
    other = lc.mover_stayer_check(data, (3, 6), lost="lost_on", n_resamples=19, seed=2)
    assert not found.excess.equals(other.excess)
    assert "19 records of 40 accounts until 2023-06, stages as recorded (seed 1); 95 % intervals" in repr(
        found
    )


SMALL = record([MOVES], 30, 12, 2)
BAD_CHECKS = [
    ({"months": 12}, TypeError, "months must list numbers"),
    ({"months": [0]}, ValueError, "between 1 and 12,000"),
    ({"months": []}, ValueError, "months is empty: list numbers"),
    ({"months": None}, TypeError, "months must list numbers"),
    ({"months": 2.5}, TypeError, "months must list numbers of months, such as .12, 24.; found 2.5"),
    ({"months": [10**6]}, ValueError, "A thousand years"),
    ({"months": [24]}, ValueError, "no account in 'stability' can be followed for 24 months"),
    ({"stage": "Stability"}, ValueError, "stage names 'Stability'. Did you mean 'stability'"),
    ({"n_resamples": 10}, ValueError, "between 19 and 10,000"),
    ({"n_resamples": 10**7}, ValueError, "only take time"),
    ({"seed": -1}, ValueError, "seed"),
    ({"error_rates": rates(), "state": "account_id"}, TypeError, "names of states"),
]


@pytest.mark.parametrize(("settings", "error", "text"), BAD_CHECKS, ids=range(len(BAD_CHECKS)))
def test_bad_checks_are_refused(settings: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        lc.mover_stayer_check(SMALL, **{"months": [3], "lost": "lost_on", **settings})
