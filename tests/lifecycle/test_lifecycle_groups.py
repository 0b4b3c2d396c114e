"""Groups that differ: simulated accounts against the value of their group, the mixture and the pooled chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifecycle_cases import panel

from crmlab import lifecycle as lc


def test_one_chain_for_movers_and_stayers_understates_staying(past) -> None:
    one = lc.transitions(past, lost="lost_on").after(24).loc["stability"]
    happened = lc.observed_after(past, 24, lost="lost_on").loc["stability"]
    assert happened["stability"] - one["stability"] > 0.03
    assert one["lost"] - happened["lost"] > 0.02
    by_group = {
        g: lc.transitions(rows).matrix.loc["stability", "decline"] for g, rows in past.groupby("trust_group")
    }
    assert by_group["low"] > 2 * by_group["mid"] * 0.9
    assert by_group["mid"] > 2 * by_group["high"] * 0.9


def lives(moves: dict, accounts: int, months: int, seed: int) -> pd.DataFrame:
    """Accounts that begin as new, by group, followed until all are lost; one row per month."""
    rng = np.random.default_rng(seed)
    stamp = pd.date_range("1900-01-01", periods=months, freq="MS")
    rows = []
    for g, (group, matrix) in enumerate(moves.items()):
        account = g * accounts + np.arange(accounts)
        now = np.zeros(accounts, int)
        for t in range(months):
            rows.append(pd.DataFrame({"account_id": account, "t": t, "state": now, "group": group}))
            now = (matrix[now].cumsum(axis=1) < rng.random((len(now), 1))).sum(axis=1)
            account, now = account[now < 2], now[now < 2]  # the others are lost
            if not len(now):
                break
    data = pd.concat(rows, ignore_index=True)
    data["month"] = stamp[data["t"]]
    data["lost_on"] = stamp[data.groupby("account_id")["t"].transform("max") + 1]
    return data.assign(stage=np.array(["new", "stable"])[data["state"]])


UNLIKE = {
    "loyal": np.array([[0.7, 0.25, 0.05], [0, 0.98, 0.02], [0, 0, 1]]),
    "restless": np.array([[0.7, 0.1, 0.2], [0, 0.85, 0.15], [0, 0, 1]]),
}
REWARD = {"new": 10.0, "stable": 100.0}


def test_each_group_and_the_mixture_are_worth_what_their_accounts_bring() -> None:
    data = lives(UNLIKE, 4000, 1200, 1)
    table = lc.value_by_group(data, "group", REWARD)
    rate = 1.1 ** (1 / 12) - 1
    # what each month brought from then on, discounted
    data["brought"] = data["stage"].map(REWARD) * (1 + rate) ** -data["t"]
    later = data[::-1].groupby("account_id")["brought"].cumsum()
    data["worth"] = later * (1 + rate) ** data["t"]
    data["ahead"] = data[::-1].groupby("account_id").cumcount() + 1.0
    realised = data.groupby(["group", "stage"])[["worth", "ahead"]].mean()
    groups = table.loc[["loyal", "restless"]]
    np.testing.assert_allclose(groups["value"], realised["worth"], rtol=0.03)
    np.testing.assert_allclose(groups["expected_months"], realised["ahead"], rtol=0.03)
    together = data.groupby("stage")[["worth", "ahead"]].mean()
    np.testing.assert_allclose(table.loc["mixture", "value"], together["worth"], rtol=0.02)
    np.testing.assert_allclose(table.loc["mixture", "expected_months"], together["ahead"], rtol=0.02)
    # one chain for all understates the stable account and flatters the new one
    assert table.loc[("pooled", "stable"), "value"] < 0.95 * together.loc["stable", "worth"]
    assert table.loc[("pooled", "new"), "value"] > 1.03 * together.loc["new", "worth"]
    assert table.loc[("mixture", "stable"), "months"] == (data["stage"] == "stable").sum()
    assert (
        table.loc[("loyal", "new"), "months"] == ((data["stage"] == "new") & (data["group"] == "loyal")).sum()
    )


def test_groups_that_are_alike_are_worth_the_same_as_one_chain() -> None:
    data = lives({"x": UNLIKE["loyal"], "y": UNLIKE["loyal"]}, 2000, 1200, 3)
    table = lc.value_by_group(data, "group", REWARD)["value"].unstack("group")
    np.testing.assert_allclose(table["mixture"], table["pooled"], rtol=0.02)


def test_the_pooled_rows_are_those_of_one_chain_and_rates_are_passed_on() -> None:
    data = lives(UNLIKE, 300, 900, 2)
    one = lc.transitions(data, lost="lost_on")
    table = lc.value_by_group(data, "group", REWARD, 0.2)
    pd.testing.assert_series_equal(table.loc["pooled", "value"], one.value(REWARD, 0.2)[["new", "stable"]])
    months = one.expected_months()["total"]
    np.testing.assert_allclose(table.loc["pooled", "expected_months"], months)


def test_hidden_stages_of_groups() -> None:
    data = lives(UNLIKE, 300, 900, 5)
    sure = pd.DataFrame(np.eye(2), ["new", "stable"], ["new", "stable"])
    seen = lc.value_by_group(data, "group", REWARD)
    hidden = lc.value_by_group(data, "group", REWARD, error_rates=sure)
    pd.testing.assert_frame_equal(hidden, seen, check_exact=False, rtol=1e-4, check_dtype=False)


def test_the_last_loss_of_a_group_counts() -> None:
    months = pd.date_range("2025-01-01", periods=6, freq="MS")
    data = pd.DataFrame({"account_id": [1] * 2 + [2] * 6 + [3] * 3, "stage": "stability"})
    data["month"] = [*months[:2], *months, *months[:3]]
    data["size"] = np.where(data["account_id"] == 1, "small", "big")
    data["lost_on"] = data["account_id"].map({1: months[2]})
    with pytest.raises(
        ValueError, match=r"size 'big': no account was seen to leave 'stability'.*join the group"
    ):
        lc.value_by_group(data, "size", {"stability": 1})
    data["lost_on"] = data["account_id"].map({1: months[2], 3: months[3]})
    found = lc.value_by_group(data, "size", {"stability": 1})["expected_months"]
    assert found[("small", "stability")] == pytest.approx(2)
    assert found[("big", "stability")] == pytest.approx(8)


PEOPLE = panel("ssss", "sss.", "sd..", "sdd.").assign(kind=lambda d: np.where(d["account_id"] < 3, "a", "b"))
BAD_GROUPS = [
    (
        PEOPLE.assign(kind=["a", "b"] * 6 + ["a"] * (len(PEOPLE) - 12)),
        ValueError,
        "account_id 1 is in more than one kind",
    ),
    (PEOPLE.assign(kind=None), ValueError, "kind has .* missing"),
    (PEOPLE.drop(columns="kind"), ValueError, "no column 'kind'"),
    (PEOPLE.replace({"kind": {"a": "mixture"}}), ValueError, "rename it"),
    ([1], TypeError, "DataFrame"),
]


@pytest.mark.parametrize(("data", "error", "text"), BAD_GROUPS, ids=range(len(BAD_GROUPS)))
def test_bad_groups_are_refused(data: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        lc.value_by_group(data, "kind", {"stability": 1, "decline": 1})


def test_bad_rewards_of_groups_are_refused() -> None:
    data = lives(UNLIKE, 50, 900, 2)
    with pytest.raises(
        ValueError, match=r"reward names 'stabel'. *.*Did you mean 'stable'|reward names 'stabel', which"
    ):
        lc.value_by_group(data, "group", {"new": 1, "stable": 2, "stabel": 3})
    with pytest.raises(ValueError, match="nothing for 'stable'"):
        lc.value_by_group(data, "group", {"new": 1})


def test_groups_stand_in_the_order_of_their_names_or_category() -> None:
    data = lives(UNLIKE, 300, 900, 2)
    plain = lc.value_by_group(data, "group", REWARD)
    mixed = data.assign(group=data["group"].map({"loyal": "x", "restless": 7}))
    ordered = data.assign(group=pd.Categorical(data["group"], ["never", "restless", "loyal"], ordered=True))
    for changed, names in ((mixed, [7, "x"]), (ordered, ["restless", "loyal"])):
        found = lc.value_by_group(changed, "group", REWARD)
        assert found.index.unique("group").tolist() == [*names, "mixture", "pooled"]
        assert found.loc[names[0]].equals(plain.loc["restless"])
        assert found.loc[names[1]].equals(plain.loc["loyal"])


@pytest.mark.parametrize("rates_", [None, pd.DataFrame(np.eye(2), ["new", "stable"], ["new", "stable"])])
def test_a_group_that_was_never_seen_before_its_loss_is_refused(rates_: pd.DataFrame | None) -> None:
    data = lives(UNLIKE, 100, 900, 2).drop(columns="lost_on")
    gone = data[["account_id", "month", "group"]].groupby("account_id").tail(1)
    gone = gone.assign(stage="lost", month=gone["month"] + pd.DateOffset(months=1))
    late = gone.iloc[:1].assign(account_id=-1, group="strangers")
    with pytest.raises(ValueError, match=r"group 'strangers': there is no month before the loss"):
        lc.value_by_group(pd.concat([data, gone, late]), "group", REWARD, lost=None, error_rates=rates_)
