"""The glossary: every term complete, found by any of its names, wrong words answered with the nearest."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from crmlab import datasets, glossary

TERMS = glossary.table()


@pytest.mark.parametrize("id", TERMS.index)
def test_term_is_complete(id: str):
    term = TERMS.loc[id]
    assert re.fullmatch(r"[A-Z]{2}\d\d[a-z]?", id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", term["slug"])
    assert re.search("[\u4e00-\u9fff]", term["zh_hans"]) and re.search("[\u4e00-\u9fff]", term["zh_hant"])
    assert term["term"] and term["source"]
    assert term["definition"].endswith(".") and 40 <= len(term["definition"]) <= 300
    assert 1 <= term["chapter"] <= 13


@pytest.mark.parametrize("id", TERMS.index)
def test_tables_and_functions_of_a_term_exist(id: str):
    known = {*datasets.names(), *datasets.names(truth=True)}
    assert set(filter(None, TERMS.loc[id, "table"].split("; "))) <= known
    for function in filter(None, TERMS.loc[id, "function"].split("; ")):
        module, name = function.split(".")
        assert callable(getattr(import_module(f"crmlab.{module}"), name))


@pytest.mark.parametrize("column", ["slug", "term"])
def test_english_names_are_unique(column: str):
    assert TERMS[column].str.casefold().is_unique


@pytest.mark.parametrize("id", TERMS.index)
@pytest.mark.parametrize("column", ["slug", "term", "zh_hans", "zh_hant"])
def test_lookup_finds_every_name(id: str, column: str):
    assert glossary.lookup(TERMS.loc[id, column]).id == id
    assert glossary.lookup(f"  {TERMS.loc[id, column].upper()} ").id == id


@pytest.mark.parametrize(
    ("word", "id"),
    [
        ("stability", "LC02c"),
        ("Stabilty", "LC02c"),
        ("稳定期", "LC02c"),
        ("穩定期", "LC02c"),
        ("稳 定 期", "LC02c"),
        ("稳定其", "LC02c"),
        ("稳定", "LC02c"),
        ("degeneration", "LC02d"),
        ("four stages", "LC02"),
        ("ＬＣ１６", "LC16"),
        ("interaction levels", "LC16"),
    ],
)
def test_lookup_forgives(word: str, id: str):
    assert glossary.lookup(word).id == id


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("customer life course", "Nearest: "),
        ("information", "has no 'information'"),  # not formation
        ("", r"table\(\) lists all terms"),
        ("Life-cycle", r"fits \d+ terms"),
        ("龙井", "has no"),
    ],
)
def test_lookup_of_what_is_not_there(word: str, message: str):
    with pytest.raises(ValueError, match=message):
        glossary.lookup(word)


def test_lookup_wants_a_text():
    with pytest.raises(TypeError, match="must be a text, found int"):
        glossary.lookup(8)


def test_term_shows_both_scripts():
    term = glossary.lookup("stability")
    for text in (repr(term), term._repr_html_()):
        assert "Stability" in text and "稳定期" in text and "穩定期" in text and "chapter 8" in text


def test_table_of_a_chapter():
    assert set(glossary.table(8)["chapter"]) == {8}
    shown = glossary.show(8).data
    assert len(shown.splitlines()) == 2 + len(glossary.table(8))
    assert "| Stability | 稳定期 | 穩定期 | The stage" in shown


@pytest.mark.parametrize("chapter", [98, 0, -1])
def test_chapter_without_terms_is_an_error(chapter: int):
    with pytest.raises(ValueError, match="chapter"):
        glossary.table(chapter)


@pytest.mark.parametrize("chapter", ["8", 8.0, True])
def test_chapter_is_a_whole_number(chapter: object):
    with pytest.raises(TypeError, match="chapter must be a whole number"):
        glossary.table(chapter)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rows: rows.drop(columns="zh_hant"), "no column 'zh_hant'"),
        (lambda rows: rows.iloc[:0], "has no rows"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "duplicated row"),
    ],
)
def test_damaged_file_is_an_error(damage, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = pd.read_csv(datasets._home() / "glossary.csv", dtype="str", keep_default_na=False)
    damage(rows).to_csv(tmp_path / "glossary.csv", index=False)
    monkeypatch.setattr(datasets, "_home", lambda: tmp_path)
    glossary._terms.cache_clear()
    try:
        with pytest.raises(ValueError, match=message):
            glossary.lookup("stability")
    finally:
        glossary._terms.cache_clear()


def test_columns_that_others_rely_on():
    columns = [
        "slug",
        "term",
        "zh_hans",
        "zh_hant",
        "definition",
        "chapter",
        "source",
        "table",
        "function",
        "quantifiable",
    ]
    assert list(TERMS.columns) == columns
    assert TERMS["quantifiable"].dtype == bool
