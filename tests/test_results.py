"""What all results share: how they show themselves, and settings that nobody changes."""

from __future__ import annotations

import copy
import pickle

import pandas as pd
import pytest

from crmlab._results import ReadOnly, Result


class Fit(Result):
    def summary(self) -> pd.DataFrame:
        return pd.DataFrame({"estimate": [0.123456, 0.98765]}, index=["age", "trust"])

    def _caption(self) -> str:
        return "Fit of 12 rows, p < .05 & more"


def test_a_result_shows_its_caption_and_its_rounded_summary():
    caption, header, *rows = repr(Fit()).splitlines()
    assert caption == "Fit of 12 rows, p < .05 & more"
    assert header.split() == ["estimate"]
    assert [row.split() for row in rows] == [["age", "0.1235"], ["trust", "0.9876"]]


def test_in_a_notebook_the_caption_is_escaped_and_a_table_follows():
    shown = Fit()._repr_html_()
    assert shown.startswith("<p>Fit of 12 rows, p &lt; .05 &amp; more</p><table")
    assert "<td>0.1235</td>" in shown
    assert "0.123456" not in shown


def test_quotes_in_a_caption_stay_readable():
    class Named(Fit):
        def _caption(self) -> str:
            return "scheme 'path'"

    assert Named()._repr_html_().startswith("<p>scheme 'path'</p>")


@pytest.mark.parametrize("method", ["summary", "_caption"])
def test_a_result_without_its_parts_is_no_result(method):
    with pytest.raises(NotImplementedError):
        getattr(Result(), method)()


# --- settings -----------------------------------------------------------------------------------------------------

SETTINGS = {"scheme": "path", "seed": 8}


def test_a_read_only_mapping_reads_as_the_dict():
    settings = ReadOnly(SETTINGS)
    assert dict(settings) == SETTINGS
    assert settings == SETTINGS
    assert list(settings) == ["scheme", "seed"]
    assert len(settings) == 2
    assert "seed" in settings and "resamples" not in settings
    assert settings.get("resamples", 500) == 500
    assert repr(settings) == repr(SETTINGS)
    with pytest.raises(KeyError, match="resamples"):
        settings["resamples"]


def test_an_empty_one_needs_nothing_and_shares_nothing():
    assert len(ReadOnly()) == 0
    assert dict(ReadOnly()) == {}
    assert ReadOnly()._content is not ReadOnly()._content


def test_it_does_not_follow_the_dict_that_it_was_made_of():
    source = dict(SETTINGS)
    settings = ReadOnly(source)
    source["seed"] = 9
    assert settings["seed"] == 8


def test_it_cannot_be_changed():
    settings = ReadOnly(SETTINGS)
    with pytest.raises(TypeError):
        settings["seed"] = 9
    with pytest.raises(TypeError):
        del settings["seed"]
    with pytest.raises(AttributeError):
        settings.seed = 9
    assert not hasattr(settings, "update")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_it_is_copied_and_pickled(copied):
    settings = ReadOnly({"rates": [1, 2]})
    again = copied(settings)
    assert type(again) is ReadOnly
    assert again == settings
    assert (again["rates"] is settings["rates"]) == (copied is copy.copy)
