"""The rule that reads stages: cross-validation without a leak, classes that depend on their month alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifecycle_cases import STAGES

from crmlab import lifecycle as lc

LEDGER = pd.DataFrame(
    {
        "account_id": 1,
        "month": pd.date_range("2025-01-01", periods=3, freq="MS"),
        "orders": [1, 2, 3],
        "volume_kg": [5.0, 6, 7],
        "revenue": [900.0, 800, 0],
        "margin": [300.0, -20, 0],
        "visits": [1, 0, 2],
        "complaints": [0, 1, 0],
        "response_hours": [4.0, 3, 2],
    }
)
LABELS = LEDGER[["account_id", "month"]].assign(stage=["stability", "decline", "decline"])


def test_the_rule_reads_no_visits_unless_told(big, rule) -> None:
    months, reviews = big.tables["account_months"], big.tables["account_reviews"]
    more = lc.StageClassifier(months, reviews, extra=("visits",)).fit()
    assert "visits" not in rule.params.index
    assert more.accuracy > rule.accuracy
    # Care adds visits, and so a rule that reads visits takes cared accounts for accounts in another stage.
    cared = months[
        (months["month"] >= "2025-07-01")
        & months["account_id"].isin(big.tables["care_wave"].query("arm == 'care'")["account_id"])
    ].merge(big.truth["account_stages"], on=["account_id", "month"])
    stable = cared[cared["stage"] == "stability"]
    assert (more.classify(stable) == "stability").mean() < (
        rule.classify(stable) == "stability"
    ).mean() - 0.02


def test_error_rates_are_cross_validated(big, rule) -> None:
    months = big.tables["account_months"].merge(big.truth["account_stages"], on=["account_id", "month"])
    true = pd.crosstab(months["stage"].astype(str), rule.classify(months), normalize="index").loc[
        STAGES, STAGES
    ]
    np.testing.assert_allclose(rule.error_rates, true, atol=0.08)
    assert rule.confusion.to_numpy().sum() == len(big.tables["account_reviews"])
    assert rule.summary().loc["stability", "recall"] == pytest.approx(
        rule.error_rates.loc["stability", "stability"]
    )
    assert rule.params.shape == rule.bse.shape == (6, 3)
    assert f"{rule.accuracy:.1%}" in repr(rule)


BAD_CALLS = [
    (lambda: lc.StageClassifier(LEDGER.iloc[:0], LABELS), ValueError, "months has no rows"),
    (lambda: lc.StageClassifier(LEDGER, LABELS.iloc[:0]), ValueError, "reviews has no rows"),
    (
        lambda: lc.StageClassifier(LEDGER, LABELS.drop(columns="stage")),
        ValueError,
        "reviews has no column 'stage'",
    ),
    (lambda: lc.StageClassifier(pd.concat([LEDGER, LEDGER]), LABELS), ValueError, "months has 3 duplicated"),
    (lambda: lc.StageClassifier(LEDGER, pd.concat([LABELS, LABELS])), ValueError, "reviews has 3 duplicated"),
    (lambda: lc.StageClassifier(LEDGER.assign(month="2025"), LABELS), TypeError, "month of months"),
    (lambda: lc.StageClassifier(LEDGER, LABELS), ValueError, "the label of 1 months"),
    (lambda: lc.StageClassifier(LEDGER, LABELS.assign(stage=None)), ValueError, "missing"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_arguments_are_refused(call: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("column", "value", "error", "text"),
    [
        ("revenue", -1.0, ValueError, "revenue must be at least 0"),
        ("volume_kg", -1.0, ValueError, "volume_kg must be at least 0"),
        ("orders", np.nan, ValueError, "orders has 24 missing"),
        ("margin", np.inf, ValueError, "margin has 24 infinite"),
        ("complaints", "none", TypeError, "complaints must be numeric"),
        ("response_hours", 0.0, ValueError, "response_hours must be above 0"),
        ("revenue", 0.0, ValueError, "no margin rate"),
        ("orders", 3, ValueError, "no finite rule"),
    ],
)
def test_bad_ledgers_are_refused(column: str, value: object, error: type, text: str) -> None:
    ledger = pd.concat([LEDGER.assign(account_id=i, revenue=700.0 + i) for i in range(8)], ignore_index=True)
    labels = ledger[["account_id", "month"]].assign(stage=["stability", "decline"] * 12)
    with pytest.raises(error, match=text):
        lc.StageClassifier(ledger.assign(**{column: value}), labels).fit()


# -- cross-validation -----------------------------------------------------------------------------------------------
FEATURES = ["orders", "log_volume", "margin_rate", "complaints", "log_response"]


def noise() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A ledger whose months say little about their labels, with many columns to learn by heart; some months sell nothing."""
    rng = np.random.default_rng(4)
    n = 150
    ledger = pd.DataFrame(
        {
            "account_id": np.repeat(np.arange(30), 5),
            "month": np.tile(pd.date_range("2025-01-01", periods=5, freq="MS"), 30),
            "orders": rng.poisson(3, n),
            "volume_kg": rng.gamma(2, 5, n),
            "revenue": rng.gamma(2, 300, n).round(2),
            "complaints": rng.poisson(0.5, n),
            "response_hours": rng.gamma(2, 3, n) + 0.1,
        }
    )
    ledger["margin"] = ledger["revenue"] * rng.choice([0.05, 0.9], 30)[ledger["account_id"]]
    ledger.loc[rng.random(n) < 0.5, ["revenue", "margin"]] = 0
    extra = pd.DataFrame(rng.normal(size=(n, 12)), columns=[f"x{i}" for i in range(12)])
    labels = ledger[["account_id", "month"]].assign(stage=rng.choice(["stability", "decline"], n))
    return ledger.join(extra), labels


def read_by_hand(ledger: pd.DataFrame, labels: pd.DataFrame, learn: str, fill: str) -> pd.DataFrame:
    """Count label and class, by five folds of accounts; rule and margin rate learned from the other folds or from all."""
    x = pd.DataFrame({"const": 1.0, "orders": ledger["orders"], "log_volume": np.log1p(ledger["volume_kg"])})
    x["margin_rate"] = (ledger["margin"] / ledger["revenue"]).where(ledger["revenue"] > 0)
    x["complaints"] = ledger["complaints"]
    x["log_response"] = np.log(ledger["response_hours"])
    x = x.join(ledger.filter(regex="^x"))
    y = (labels["stage"] == "decline").astype(int)
    guess = pd.Series(0, x.index)
    for fold in range(5):
        held = ledger["account_id"] % 5 == fold
        money = ledger[~held if fill == "others" else held | ~held]
        full = x.fillna({"margin_rate": money["margin"].sum() / money["revenue"].sum()})
        use = ~held if learn == "others" else held | ~held
        guess[held] = (sm.Logit(y[use], full[use]).fit(disp=0).predict(full[held]) > 0.5).astype(int)
    return pd.crosstab(y, guess).to_numpy()


def test_cross_validation_does_not_leak() -> None:
    ledger, labels = noise()
    rule = lc.StageClassifier(ledger, labels, extra=tuple(f"x{i}" for i in range(12))).fit()
    assert rule.model.states == ["stability", "decline"]
    assert rule.confusion.to_numpy().tolist() == read_by_hand(ledger, labels, "others", "others").tolist()
    # the test could see a leak: a rule or a margin rate learned from all folds counts otherwise
    assert rule.confusion.to_numpy().tolist() != read_by_hand(ledger, labels, "all", "others").tolist()
    assert rule.confusion.to_numpy().tolist() != read_by_hand(ledger, labels, "others", "all").tolist()
    by_heart = (rule.classify(ledger).astype(str) == labels["stage"]).mean()
    assert rule.accuracy < 0.6 < by_heart


def test_a_month_is_read_the_same_whatever_other_rows_there_are(big, rule) -> None:
    months = big.tables["account_months"]
    together = rule.classify(months)
    quiet = months[months["revenue"] == 0]
    assert len(quiet) > 100
    pd.testing.assert_series_equal(rule.classify(quiet), together[quiet.index])
    for account in (3, 14, 15):
        rows = months[months["account_id"] == account].sample(frac=1, random_state=1)
        pd.testing.assert_series_equal(rule.classify(rows), together[rows.index])
    odd = months.assign(margin=months["margin"].where(months.index < 1000, 50 * months["revenue"]))
    pd.testing.assert_series_equal(rule.classify(odd)[:1000], together[:1000])


def test_months_without_revenue_get_the_margin_rate_of_the_labelled_ones(big, rule) -> None:
    labelled = big.tables["account_months"].merge(big.tables["account_reviews"], on=["account_id", "month"])
    assert rule.margin_rate == pytest.approx(labelled["margin"].sum() / labelled["revenue"].sum())


def test_recall_and_precision_by_hand(rule) -> None:
    names = ["new", "old"]
    confusion = pd.DataFrame(
        [[8, 2], [1, 4]], pd.Index(names, name="labelled"), pd.Index(names, name="classified")
    )
    table = replace(rule, confusion=confusion).summary()
    assert table["labelled"].tolist() == [10, 5]
    assert table["recall"].tolist() == pytest.approx([0.8, 0.8])
    assert table["precision"].tolist() == pytest.approx([8 / 9, 4 / 6])
    assert replace(rule, confusion=confusion).accuracy == 12 / 15


def test_hidden_chain_is_the_recipe_in_one(past, rule) -> None:
    some = past[past["account_id"] <= 300]
    data = some.assign(classified=rule.classify(some))
    by_hand = lc.HiddenMarkov(data, rule.error_rates, lost="lost_on").fit()
    found = rule.hidden_chain(some, lost="lost_on")
    pd.testing.assert_frame_equal(found.matrix, by_hand.matrix)
    assert found.stages().index.equals(by_hand.stages().index)


def test_extra_columns_are_a_list() -> None:
    with pytest.raises(TypeError, match=r"write extra=\('visits',\)"):
        lc.StageClassifier(LEDGER, LABELS, extra="visits")
    with pytest.raises(TypeError, match="extra must list columns"):
        lc.StageClassifier(LEDGER, LABELS, extra=None)


@pytest.mark.parametrize("name", ["const", "margin_rate", "log_volume", "orders"])
def test_an_extra_column_does_not_take_the_place_of_another(name: str) -> None:
    ledger, labels = noise()
    with pytest.raises(ValueError, match=f"extra names '{name}', which the rule has a column for"):
        lc.StageClassifier(ledger.assign(**{name: ledger["x0"].abs()}), labels, extra=(name,))


@pytest.mark.parametrize("accounts", [1, 4])
def test_errors_are_counted_on_other_accounts(accounts: int) -> None:
    ledger, labels = noise()
    fewer = {
        "account_id": np.arange(150) % accounts,
        "month": pd.date_range("2012-01-01", periods=150, freq="MS"),
    }
    with pytest.raises(ValueError, match=f"labels come from {accounts} account.s.: 5 at least are needed"):
        lc.StageClassifier(ledger.assign(**fewer), labels.assign(**fewer))
