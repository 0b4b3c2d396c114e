"""The truth stays out of the tables, and closed while nbgrader runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest
from small_package import RESOURCES

from crmlab import datasets


@pytest.fixture(scope="module")
def shipped():
    """The tables and the truth of the shipped cohort."""
    return (
        {name: datasets.load(name) for name in datasets.names()},
        {name: datasets.truth(name) for name in datasets.names(truth=True)},
    )


def test_no_table_has_a_column_of_the_truth(shipped):
    seen = {  # as the house itself judged it, or as the account says
        ("account_reviews", "stage"),
        ("contacts", "recovered"),
        ("recovery_desk", "recovered"),
        ("rival", "switching_cost"),
    }
    tables, truth = shipped
    for name, hidden in truth.items():
        keys = {
            *RESOURCES[f"truth/{name}"]["schema"]["primaryKey"],
            "date",
            "customer_id",
            "account_id",
            "assigned_on",
        }
        for table, shown in tables.items():
            if {"customer_id", "account_id", "event_id"} & set(hidden) & set(shown):
                leaked = {(table, column) for column in set(hidden) & set(shown) - keys}
                assert leaked <= seen, name


def numbers(frame, key):
    return frame.set_index(key).select_dtypes("number").astype(float)


def test_no_column_stands_in_for_a_latent_score(shipped):
    known = ["repurchase_probability"]  # follows from the reported satisfaction with the visit
    compared = set()
    for key in ("customer_id", "account_id"):
        tables, hidden = (
            {name: frame for name, frame in some.items() if key in frame and frame[key].is_unique}
            for some in shipped
        )
        for (table, shown), (name, truth) in ((t, h) for t in tables.items() for h in hidden.items()):
            scores = numbers(truth.drop(columns=known, errors="ignore"), key)
            answers = numbers(shown, key).reindex(scores.index).add_prefix("shown_")
            if len(answers.dropna(how="all")) < 100 or scores.empty:
                continue
            both = pd.concat([answers, scores], axis=1).rank().corr()
            strongest = both.loc[answers.columns, scores.columns].abs().max().max()
            assert not strongest > 0.95, (table, name, strongest)
            compared.add((table, name))
    assert {("satisfaction_survey", "consumers"), ("accounts", "accounts")} <= compared


@pytest.mark.parametrize("value", ["autograde", "validate"])
def test_truth_is_closed_in_a_grading_run(monkeypatch, value):
    monkeypatch.setenv("NBGRADER_EXECUTION", value)
    assert datasets.grading()
    with pytest.raises(RuntimeError, match=r"truth\(\) is closed while nbgrader runs"):
        datasets.truth("parameters")
    assert len(datasets.load("orders"))


@pytest.mark.parametrize("value", ["", "no", "AUTOGRADE"])
def test_truth_is_open_otherwise(monkeypatch, value):
    monkeypatch.setenv("NBGRADER_EXECUTION", value)
    assert not datasets.grading()
    assert len(datasets.truth("parameters"))


def test_nbgrader_still_says_that_it_is_grading():
    """The variable that grading() reads is the one that the installed nbgrader sets."""
    nbgrader = importlib.util.find_spec("nbgrader")
    if nbgrader is None:
        pytest.skip("nbgrader is not installed")
    for module, value in (("converters/autograde.py", "autograde"), ("validator.py", "validate")):
        source = (Path(nbgrader.origin).parent / module).read_text(encoding="utf-8")
        assert f"NBGRADER_EXECUTION='{value}'" in source


def test_nbgrader_takes_points_for_a_warning():
    """Why a slip of "shipped" is an error, and why a disk that refuses says nothing in a grading run."""
    nbgrader = importlib.util.find_spec("nbgrader")
    if nbgrader is None:
        pytest.skip("nbgrader is not installed")
    source = (Path(nbgrader.origin).parent / "utils.py").read_text(encoding="utf-8")
    assert re.search(r"output\.name == .stderr.:\s+return 0, max_points", source)
