"""The terms of the course: English, 简体, 繁體, one definition each, and the chapter that computes them.

The terms are rows of ``datasets/glossary/ch08.csv`` and its like, one file a chapter.
"""

from __future__ import annotations

import csv
import difflib
import html
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crmlab import _check
from crmlab.datasets import _places

if TYPE_CHECKING:
    from IPython.display import Markdown

__all__ = ["Term", "lookup", "show", "table"]

_MAY_BE_EMPTY = {"table", "function"}


@dataclass(frozen=True)
class Term:
    """One term: its names, its definition, where it is taught and what computes it.

    Parameters
    ----------
    id : str
        As the curriculum has it; a part of a concept takes a letter, ``LC02a``.
    slug : str
        The name for addresses.
    term : str
        The English name.
    zh_hans : str
        The name in simplified characters.
    zh_hant : str
        The name in traditional characters.
    definition : str
        One or two sentences.
    chapter : int
        The chapter that teaches it.
    source : str
        Where it comes from.
    table : str
        Tables that show it, with ``; `` between them.
    function : str
        Functions that compute it, with ``; `` between them.
    quantifiable : bool
        Whether there is something to compute.
    """

    id: str
    slug: str
    term: str
    zh_hans: str
    zh_hant: str
    definition: str
    chapter: int
    source: str
    table: str
    function: str
    quantifiable: bool

    def __repr__(self) -> str:
        return f"{self.term} · {self.zh_hans} · {self.zh_hant}\n{self.definition}\n{self._where()}"

    def _repr_html_(self) -> str:
        names, definition, where = map(html.escape, repr(self).split("\n"))
        return f"<p><b>{names}</b><br>{definition}<br><small>{where}</small></p>"

    def _where(self) -> str:
        data = f"data: {self.table}" if self.table else ""
        code = f"computed by {self.function}" if self.function else ""
        return " · ".join(filter(None, (self.id, f"chapter {self.chapter}", self.source, data, code)))


def lookup(word: str) -> Term:
    """Look a term up by its English name, its Chinese name in either script, or its id.

    Capitals, hyphens, full-width letters and small slips do not matter; a part of a name will do if it fits
    one term only.

    Parameters
    ----------
    word : str
        What you are looking for.

    Returns
    -------
    Term
        The one that fits.

    Raises
    ------
    TypeError
        If `word` is no text.
    ValueError
        If it fits no term, or several; the message lists the nearest.

    Examples
    --------
    >>> from crmlab import glossary
    >>> glossary.lookup("stability").zh_hans
    '稳定期'
    >>> glossary.lookup("穩定期").term
    'Stability'
    >>> glossary.lookup("Stabilty").id
    'LC02c'
    """
    if not isinstance(word, str):
        raise TypeError(f"word must be a text, found {type(word).__name__}.")
    key = _plain(word)
    names = [(name, term) for term in _terms().values() for name in _names(term)]
    found = [term for name, term in names if name in (key, key.replace(" ", ""))]  # LC 02c is LC02c
    if not found and len(key) >= (2 if _is_chinese(key) else 4):  # a part of a name
        found = [term for term in _terms().values() if any(key in name for name in _headwords(term))]
    if not found:  # a slip: a letter more, less or wrong; but an id with a wrong digit is another id
        alike = [n for n, term in names if abs(len(n) - len(key)) <= 1 and n != term.id.casefold()]
        # of three characters one may be wrong, of a long name too: "customer share" is not "customer care"
        cutoff = max(0.6 if _is_chinese(key) else 0.8, 1 - 1.1 / max(len(key), 1))
        near = difflib.get_close_matches(key, alike, n=len(names), cutoff=cutoff)
        found = list(dict.fromkeys(term for name, term in names if name in near))
    if not found:
        near = difflib.get_close_matches(key, [name for name, _ in names], n=3, cutoff=0.4)
        known = list(dict.fromkeys(term.term for want in near for name, term in names if name == want))
        hint = f"Nearest: {'; '.join(known)}. " if known else ""
        raise ValueError(f"the glossary has no {word[:60]!r}. {hint}glossary.table() lists all terms.")
    if len(found) > 1:
        fitting = "; ".join(f"{term.term} ({term.id})" for term in found)
        raise ValueError(f"{word!r} fits {len(found)} terms: {fitting}. Give the id or more of the name.")
    return found[0]


def table(chapter: int | None = None) -> pd.DataFrame:
    """Return the terms as a table.

    Parameters
    ----------
    chapter : int, optional
        Number of a chapter; None for all terms.

    Returns
    -------
    pandas.DataFrame
        One row per term, indexed by id: slug, term, zh_hans, zh_hant, definition, chapter, source, table,
        function, quantifiable. Chapters stand in their order.

    Raises
    ------
    TypeError
        If `chapter` is no whole number.
    ValueError
        If the chapter has no terms, or a file of the glossary is broken.

    Examples
    --------
    >>> from crmlab import glossary
    >>> glossary.table(8).loc["LC02c", "zh_hant"]
    '穩定期'
    """
    terms = pd.DataFrame(list(_terms().values())).set_index("id")
    if chapter is None:
        return terms
    chosen = terms[terms["chapter"] == _check.whole(chapter, "chapter")]
    if chosen.empty:
        have = ", ".join(map(str, sorted(set(terms["chapter"]))))
        raise ValueError(f"chapter={chapter!r} has no terms in the glossary; these chapters have: {have}.")
    return chosen


def show(chapter: int) -> Markdown:
    """Show the terms of a chapter in a notebook, with their definitions in full length.

    Parameters
    ----------
    chapter : int
        Number of the chapter.

    Returns
    -------
    IPython.display.Markdown
        A table of names in both scripts and definitions.

    Raises
    ------
    TypeError
        If `chapter` is no whole number.
    ValueError
        If the chapter has no terms.

    Examples
    --------
    >>> from crmlab import glossary
    >>> glossary.show(8).data.splitlines()[0]
    '| Term | 简体 | 繁體 | Definition |'
    """
    from IPython.display import Markdown

    lines = ["| Term | 简体 | 繁體 | Definition |", "|---|---|---|---|"]
    for term in table(_check.whole(chapter, "chapter")).itertuples():
        cells = (term.term, term.zh_hans, term.zh_hant, term.definition)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return Markdown("\n".join(lines))


@lru_cache(maxsize=1)
def _terms() -> dict[str, Term]:
    """Return id -> term of all chapters."""
    found: dict[str, Term] = {}
    slugs: dict[str, Term] = {}
    for chapter, path in _places.chapters("glossary", ".csv").items():
        for term in _read(path, chapter):
            twin = found.get(term.id) or slugs.get(term.slug)
            if twin is not None:
                raise ValueError(
                    f"glossary/{path.name}: {term.id} ({term.slug}) is there already, as {twin.id} "
                    f"({twin.slug}) of chapter {twin.chapter}. Each term has one row and one slug."
                )
            found[term.id] = term
            slugs[term.slug] = term
    return found


def _read(path: Path, chapter: int) -> Iterator[Term]:
    """Yield the terms of a chapter's file; an error names the file and the row."""
    where = f"glossary/{path.name}"
    columns = [field.name for field in fields(Term) if field.name != "chapter"]
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"{where} cannot be read: {error}") from error
    if not rows or rows[0] != columns:
        found = ", ".join(rows[0]) if rows else "nothing"
        raise ValueError(f"{where} must have the columns {', '.join(columns)}, found {found}.")
    if len(rows) == 1:
        raise ValueError(f"{where} has no rows: add a term, or delete the file.")
    for number, cells in enumerate(rows[1:], 1):
        row = f"{where}, row {number} ({cells[0] if cells else 'empty'})"
        if len(cells) != len(columns):
            raise ValueError(
                f"{row} has {len(cells)} cells, not {len(columns)}: is there a comma without quotes?"
            )
        yield _term(dict(zip(columns, cells, strict=True)), chapter, row)


def _term(cells: dict[str, str], chapter: int, where: str) -> Term:
    for column, cell in cells.items():
        if cell != " ".join(cell.split()):
            raise ValueError(f"{where}: {column} has a line break, or spaces too many: {cell!r}.")
        if not cell and column not in _MAY_BE_EMPTY:
            raise ValueError(f"{where}: {column} is empty.")
    answer = _check.choice(cells.pop("quantifiable"), ("yes", "no"), f"{where}: quantifiable")
    return Term(**cells, chapter=chapter, quantifiable=answer == "yes")


def _names(term: Term) -> list[str]:
    """Return the names under which a term is found: whole ones, headwords, and what stands in brackets."""
    whole = (term.term, term.zh_hans, term.zh_hant)
    inside = [part for name in whole for part in re.findall(r"[(（](.*?)[)）]", name)]
    plain = map(_plain, (term.id, *whole, *inside))
    return list(dict.fromkeys([*plain, *_headwords(term)]))


def _headwords(term: Term) -> list[str]:
    """Return the names without what stands in brackets or after a colon."""
    names = (term.slug, term.term, term.zh_hans, term.zh_hant)
    return [_plain(re.split(r"[:：]", re.sub(r"[(（].*?[)）]", "", name))[0]) for name in names]


def _plain(text: str) -> str:
    """Return a text without differences of case, width, hyphens, punctuation, and spaces in Chinese."""
    words = " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).split())
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", words)


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
