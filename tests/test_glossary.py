"""The glossary: every term complete, found by any of its names, wrong words answered with the nearest."""

from __future__ import annotations

import copy
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlab import datasets, glossary
from crmlab.datasets import _places

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
        ("考察期、形成期、稳定期、退化期", "LC02"),
        ("ＬＣ１６", "LC16"),
        ("interaction levels", "LC16"),
        ("formatian", "LC02b"),
        ("lc-02c", "LC02c"),
        ("customer vamue", "VS01"),
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
        ("sta", "has no 'sta'"),  # too short for a part of a name
        ("bcsi", "has no 'bcsi'"),  # of four letters, none may be wrong
        ("CSI", r"fits 3 terms: ACSI .* ECSI .* CCSI"),
        ("LC1", "has no 'LC1'"),
        ("VS15z", "has no 'VS15z'"),
        ("customer share", r"has no .* Nearest: Customer care"),  # two letters
        ("stbilty", r"Nearest: Stability; .*; "),
        ("关系", r"fits \d+ terms"),
        ("稳", "has no '稳'"),
        ("i模型", r"fits \d+ terms"),
        ("Life-cycle", r"fits \d+ terms"),
        ("龙井", "has no"),
        ("x" * 10_000, "has no"),
        ("()", r"table\(\) lists all terms"),
        ("$_{stage}", r"fits \d+ terms"),
        ("$_{}", r"table\(\) lists all terms"),
    ],
)
def test_lookup_of_what_is_not_there(word: str, message: str):
    with pytest.raises(ValueError, match=message) as raised:
        glossary.lookup(word)
    assert len(str(raised.value)) < 600
    listed = str(raised.value).partition("Nearest: ")[2].split(". ")[0].split("; ")
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("word", [8, None, b"stability", ["stability"], float("nan")])
def test_lookup_wants_a_text(word: object):
    with pytest.raises(TypeError, match=f"must be a text, found {type(word).__name__}"):
        glossary.lookup(word)


def test_term_shows_both_scripts():
    term = glossary.lookup("stability")
    for text in (repr(term), term._repr_html_()):
        assert "Stability" in text and "稳定期" in text and "穩定期" in text and "chapter 8" in text


def test_term_says_where_it_is_from():
    term = glossary.lookup("LC02")
    assert repr(term).split("\n")[-1] == (
        "LC02 · chapter 8 · course slides; Dwyer, Schurr & Oh 1987 count differently · "
        "data: account_reviews; account_months · computed by lifecycle.transitions"
    )
    assert "Schurr &amp; Oh" in term._repr_html_()
    assert "computed by" not in repr(glossary.lookup("LC01"))
    assert pickle.loads(pickle.dumps(term)) == copy.deepcopy(term) == term


def test_table_of_a_chapter():
    assert set(glossary.table(8)["chapter"]) == {8}
    shown = glossary.show(8).data
    assert len(shown.splitlines()) == 2 + len(glossary.table(8))
    assert "| Stability | 稳定期 | 穩定期 | The stage" in shown


@pytest.mark.parametrize("chapter", [98, 0, -1])
def test_chapter_without_terms_is_an_error(chapter: int):
    with pytest.raises(ValueError, match="chapter"):
        glossary.table(chapter)


def test_chapter_may_be_a_numpy_number_and_the_table_may_be_changed():
    terms = glossary.table(np.int64(8))
    terms["term"] = "changed"
    assert glossary.table(8).equals(TERMS[TERMS["chapter"] == 8])


@pytest.mark.parametrize("chapter", ["8", 8.0, True, [8]])
def test_chapter_is_a_whole_number(chapter: object):
    for call in (glossary.table, glossary.show):
        with pytest.raises(TypeError, match="chapter must be a whole number"):
            call(chapter)
    with pytest.raises(TypeError, match="chapter must be a whole number, found None"):
        glossary.show(None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the glossary's folder that a test may damage."""
    shutil.copytree(_places.home() / "glossary", tmp_path / "glossary")
    monkeypatch.setattr(_places, "home", lambda: tmp_path)
    glossary._terms.cache_clear()
    yield tmp_path / "glossary"
    glossary._terms.cache_clear()


def cell(column: str, value: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what puts a value into the third row."""
    return lambda rows: rows.assign(**{column: [*rows[column][:2], value, *rows[column][3:]]})


THIRD = r"glossary/ch08\.csv, row 3 \(LC02a\)"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda rows: rows.drop(columns="zh_hant"),
            r"glossary/ch08\.csv must have the columns id, slug, .*found id",
        ),
        (lambda rows: rows.assign(chapter=8), r"glossary/ch08\.csv must have the columns"),
        (lambda rows: rows[rows.columns[::-1]], r"glossary/ch08\.csv must have the columns"),
        (lambda rows: rows.iloc[:0], r"glossary/ch08\.csv has no rows: add a term, or delete the file"),
        (
            lambda rows: pd.concat([rows, rows.iloc[:1]]),
            r"glossary/ch08\.csv: LC01 \(relationship-life-cycle\) is there already, as LC01 .*chapter 8",
        ),
        (
            cell("slug", "four-stages"),
            r"ch08\.csv: LC02a \(four-stages\) is there already, as LC02 \(four-stages\)",
        ),
        (
            cell("id", "VS01"),
            r"VS01 \(exploration\) is there already, as VS01 \(customer-value\) of chapter 6",
        ),
        (cell("quantifiable", "Yes"), THIRD + ": quantifiable='Yes' is not known. Did you mean 'yes'"),
        (cell("quantifiable", ""), THIRD + ": quantifiable is empty"),
        (cell("definition", ""), THIRD + ": definition is empty"),
        (cell("zh_hans", "考察期 "), THIRD + ": zh_hans has a line break, or spaces too many"),
        (cell("definition", "One.\nTwo."), THIRD + ": definition has a line break"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name_and_row(damage, message: str, home: Path):
    page = home / "ch08.csv"
    rows = pd.read_csv(page, dtype="str", keep_default_na=False)
    damage(rows).to_csv(page, index=False)
    for call in (glossary.table, lambda: glossary.lookup("loyalty"), lambda: glossary.show(6)):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"ch09\.csv must have the columns .*, found nothing"),
        (b"id,slug\n\xff", r"ch09\.csv cannot be read: "),
        (b'id,slug\n"a', r"ch09\.csv cannot be read: "),
        (b"<<<<<<< HEAD\n", r"ch09\.csv must have the columns"),
        (b"%HEAD%XX01,x,X\n", r"ch09\.csv, row 1 \(XX01\) has 3 cells, not 10"),
        (
            b"%HEAD%XX01,x,X,x,x,a, b,s,t,f,yes\n",
            r"ch09\.csv, row 1 \(XX01\) has 11 cells, not 10: is there a comma",
        ),
        (b"%HEAD%\nXX01,x,X,x,x,a,s,t,f,yes\n", r"ch09\.csv, row 1 \(empty\) has 0 cells"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(content: bytes, message: str, home: Path):
    head = (home / "ch08.csv").read_bytes().split(b"\n")[0] + b"\n"
    (home / "ch09.csv").write_bytes(content.replace(b"%HEAD%", head))
    with pytest.raises(ValueError, match=f"glossary/{message}"):
        glossary.table()


@pytest.mark.parametrize("name", ["ch9.csv", "ch008.csv", "chapter-08.csv", "ch08 copy.csv", "glossary.csv"])
def test_a_file_that_is_not_named_after_a_chapter_is_refused(name: str, home: Path):
    (home / name).write_bytes((home / "ch08.csv").read_bytes())
    with pytest.raises(ValueError, match=rf"glossary/{name} is not named after a chapter: call it ch08\.csv"):
        glossary.table()


def test_a_new_file_is_found_and_its_name_is_the_chapter(home: Path):
    head = (home / "ch08.csv").read_text(encoding="utf-8").split("\n")[0]
    row = "XX01,a-new-term,A new term,新词,新詞,Something new | with a bar.,here,,,no"
    # as a spreadsheet saves it: with a mark at the beginning, and its own line ends
    (home / "ch12.csv").write_text(f"\ufeff{head}\n{row}\n", encoding="utf-8", newline="\r\n")
    assert list(glossary.table(12).index) == ["XX01"]
    assert glossary.lookup("新詞").chapter == 12
    assert glossary.lookup("新詞").quantifiable is False
    assert glossary.show(12).data.endswith(r"| Something new \| with a bar. |")
    assert list(glossary.table()["chapter"]) == sorted(glossary.table()["chapter"])
    (home / "notes.txt").touch()
    (home / ".ipynb_checkpoints").mkdir()
    glossary._terms.cache_clear()
    assert len(glossary.table()) == len(TERMS) + 1


def test_headwords_are_names_without_what_explains_them(home: Path):
    head = (home / "ch08.csv").read_text(encoding="utf-8").split("\n")[0]
    rows = (
        "XX01,one,A tea term: it is new,茶词：说明,茶詞,Of tea.,here,,,no",
        "XX02,two,A tea term (one) and (two) more,茶词汇,茶詞彙,Of tea.,here,,,no",
    )
    (home / "ch12.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    for word in ("A tea term", "茶词"):
        assert glossary.lookup(word).id == "XX01"
    assert glossary.lookup("a tea term and more").id == "XX02"


def test_quiz_files_are_named_after_chapters():
    assert _places.chapters("quiz", ".json").keys() == {6, 7, 8}
    assert _places.chapters("nowhere", ".json") == {}


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
