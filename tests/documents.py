"""Checks of notebooks as documents: what a reader relies on and a run does not show.

Each check takes a notebook and its path and returns the problems it found, as sentences. ``EVERYWHERE`` holds for all
notebooks with stored outputs, ``PROSE`` for those that are read, ``CHAPTER`` for the chapters.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

from crmlab import _notebooks, exercises, glossary

Check = Callable[[NotebookNode, Path], list[str]]

IGNORED = "nbval-ignore-output"

# The parts of a chapter, by the tag of a cell in them: those that stand in this order …
ORDERED_PARTS = (
    "question",
    "objectives",
    "decision",
    "oracle",
    "key-points",
    "terms",
    "quiz",
    "references",
    "exercises",
)
# … and those that stand anywhere between the objectives and the decision.
FREE_PARTS = ("widget", "broken-assumption", "dispute")

# An objective says what the reader will be able to do.
NO_VERBS = {
    "a",
    "an",
    "the",
    "you",
    "how",
    "what",
    "why",
    "to",
    "understand",
    "know",
    "learn",
    "appreciate",
    "be",
}
PHRASES = ("as we can see", "as you can see", "powerful", "simply", "in today's world", "in today’s world")
LONGEST_CELL = 25


# --- reading ------------------------------------------------------------------------------------------------------


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def output_texts(cell: NotebookNode) -> Iterator[str]:
    """Yield what a reader sees of a cell's outputs as text, HTML without its tags."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.text
        for kind in ("text/plain", "text/markdown", "text/html"):
            if kind in output.get("data", {}):
                text = "".join(output.data[kind])
                text = re.sub(r"<(style|script).*?</\1>", " ", text, flags=re.DOTALL)
                yield html.unescape(re.sub(r"<[^>]+>", " ", text)) if kind == "text/html" else text


def at(notebook: NotebookNode, cell: NotebookNode) -> str:
    """Say where a cell is: its number, and the beginning of its source."""
    number = next(n for n, other in enumerate(notebook.cells, 1) if other is cell)
    first = cell.source.strip().splitlines()[0] if cell.source.strip() else "(empty)"
    return f"cell {number} ({first[:50]})"


def in_outputs(notebook: NotebookNode, pattern: str, problem: str, *, skip: Iterable[str] = ()) -> list[str]:
    """Return a problem for the first match of a pattern in each cell's outputs."""
    found = []
    for cell in code_cells(notebook):
        if tags(cell) & set(skip):
            continue
        match = next(filter(None, (re.search(pattern, text) for text in output_texts(cell))), None)
        if match:
            found.append(f"{at(notebook, cell)}: {problem}: {match[0]!r}")
    return found


# --- every notebook with stored outputs ---------------------------------------------------------------------------


def executed_in_order(notebook: NotebookNode, path: Path) -> list[str]:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    wanted = list(range(1, len(counts) + 1))
    return [] if counts == wanted else [f"execution counts are {counts}: rebuild the notebook"]


def no_empty_cell(notebook: NotebookNode, path: Path) -> list[str]:
    return [at(notebook, cell) for cell in notebook.cells if not cell.source.strip()]


def no_error(notebook: NotebookNode, path: Path) -> list[str]:
    return [
        f"{at(notebook, cell)}: {output.ename}"
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def no_warning(notebook: NotebookNode, path: Path) -> list[str]:
    on_stderr = [
        f"{at(notebook, cell)}: writes to stderr: {output.text[:60]!r}"
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    return on_stderr + in_outputs(notebook, r"\w*Warning\b.{0,40}", "warning")


def no_unrounded_float(notebook: NotebookNode, path: Path) -> list[str]:
    return in_outputs(notebook, r"\d\.\d{7,}", "round this") + in_outputs(
        notebook, r"np\.\w+\(", "show the number"
    )


def no_trace_of_the_machine(notebook: NotebookNode, path: Path) -> list[str]:
    folders = r"(?<![\w.])/(?:home|root|tmp|Users|work|usr|var|opt)/\S*|\b[A-Z]:\\\S*|\.\./shared\S*"
    found = in_outputs(notebook, folders, "machine path") + in_outputs(
        notebook, r"\bat 0x\w+", "object's address"
    )
    return found + [
        f"{at(notebook, cell)}: machine path: {match[0]!r}"
        for cell in notebook.cells
        if (match := re.search(folders, cell.source))
    ]


def stored_as_built(notebook: NotebookNode, path: Path) -> list[str]:
    if _notebooks.stored(nbformat.from_dict(notebook)) == path.read_bytes():
        return []
    return ["not stored as the build writes it: run 'python -m crmlab.build notebooks' on it"]


def outputs_ignored_only_where_needed(notebook: NotebookNode, path: Path) -> list[str]:
    found = []
    for cell in code_cells(notebook):
        if IGNORED in tags(cell) and not tags(cell) & {"widget", "quiz"}:
            found.append(f"{at(notebook, cell)}: outputs are ignored in widgets and quizzes only")
        if tags(cell) & {"widget", "quiz"} and IGNORED not in tags(cell):
            found.append(f"{at(notebook, cell)}: tag a widget or quiz {IGNORED}, too")
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source):
            found.append(f"{at(notebook, cell)}: tag the cell, leave no comment for nbval")
    return found


def figures_have_captions(notebook: NotebookNode, path: Path) -> list[str]:
    found = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if not kind.startswith("image/"):
                    continue
                alt = " ".join(output.metadata.get(kind, {}).get("alt", "").split())
                if len(alt) < 30:
                    found.append(f"{at(notebook, cell)}: a figure without alternative text: use plots.show")
                elif not any(alt in " ".join(text.split()) for text in output_texts(cell)):
                    found.append(f"{at(notebook, cell)}: the alternative text is not printed as the caption")
    return found


def figures_stand_by_a_table(notebook: NotebookNode, path: Path) -> list[str]:
    cells = code_cells(notebook)
    pictures = [any("image/png" in output.get("data", {}) for output in cell.outputs) for cell in cells]
    tables = [
        any(
            o.output_type in ("execute_result", "stream") or "<table" in o.data.get("text/html", "")
            for o in c.outputs
        )
        for c in cells
    ]
    return [
        f"{at(notebook, cell)}: no table in the code cells before, beside or after this figure"
        for n, cell in enumerate(cells)
        if pictures[n] and not any(tables[max(0, n - 1) : n + 2])
    ]


def links_resolve(notebook: NotebookNode, path: Path) -> list[str]:
    found = []
    for cell in markdown_cells(notebook):
        source = without_code(cell.source)
        targets = re.findall(r"\]\(\s*<?([^)\s>]+)", source) + re.findall(
            r"(?:href|src)=[\"']([^\"']+)", source
        )
        images = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", source)
        found += [
            f"{at(notebook, cell)}: image without alternative text: {to}" for text, to in images if not text
        ]
        found += [f"{at(notebook, cell)}: image from the network: {to}" for _, to in images if "://" in to]
        found += [
            f"{at(notebook, cell)}: {to} leads nowhere"
            for to in targets
            if not resolves(to, notebook, cell, path)
        ]
    return found


def resolves(target: str, notebook: NotebookNode, cell: NotebookNode, path: Path) -> bool:
    if re.match(r"https?://[\w.-]+\.\w+(/|$)", target) or target.startswith("mailto:"):
        return True
    if target.startswith("attachment:"):
        return target.removeprefix("attachment:") in cell.get("attachments", {})
    file, _, anchor = unquote(target).partition("#")
    other = path.parent / file
    if file and not other.exists():
        return False
    if not anchor:
        return True
    if file:
        if other.suffix != ".ipynb":
            return True
        notebook = nbformat.read(other, as_version=4)
    return slug(anchor) in {slug(heading) for heading in headings(notebook)}


def headings(notebook: NotebookNode) -> list[str]:
    return [
        match[1].strip()
        for cell in markdown_cells(notebook)
        for match in re.finditer(r"^#{1,6}\s+(.+?)#*$", without_fences(cell.source), re.MULTILINE)
    ]


def slug(heading: str) -> str:
    return re.sub(r"[\W_]+", "-", heading.casefold()).strip("-")


def voice(notebook: NotebookNode, path: Path) -> list[str]:
    found = []
    for cell in markdown_cells(notebook):
        source = without_code(cell.source)
        words = [p for p in PHRASES if re.search(rf"\b{re.escape(p)}\b", source, re.IGNORECASE)]
        words += re.findall("[\U0001f300-\U0001faff\u2600-\u26ff\u2705\u274c\u2728]", source)
        found += [f"{at(notebook, cell)}: {word!r}" for word in words]
    return found


def short_cells(notebook: NotebookNode, path: Path) -> list[str]:
    found = []
    for cell in code_cells(notebook):
        lines = len(cell.source.strip().splitlines())
        if lines > LONGEST_CELL:
            found.append(f"{at(notebook, cell)}: {lines} lines: what readers would reuse belongs into crmlab")
        if re.search(r"^class \w", cell.source, re.MULTILINE):
            found.append(f"{at(notebook, cell)}: a class belongs into crmlab")
    return found


def checks_are_correct(notebook: NotebookNode, path: Path) -> list[str]:
    if path.name.startswith("00-"):  # the start page leaves its one question to the reader
        return []
    return in_outputs(notebook, r"\d+\.\d+ · Not (yet|attempted)", "a stored answer is not correct")


# --- numbers in prose ---------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"(?<![\w.,])(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d+)?(?!\d|[.,]\d|[A-Za-z_])")
_NAMED = re.compile(
    r"\b(?:exercises?|sections?|chapters?|figures?|tables?|steps?|items?|issue|version)\s+$", re.IGNORECASE
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "万": 1e4, "per mille": 1e-3, "‰": 1e-3}
_AFTER = re.compile(rf"\s?(?P<percent>%|per ?cent)|\s?(?P<scale>{'|'.join(_SCALES)})\b|\s?(?P<money>yuan|元)")
_USUAL_PERCENT = {90, 95, 99, 100}  # levels of confidence, and the whole


def without_fences(source: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1", " ", source, flags=re.DOTALL | re.MULTILINE)


def without_code(source: str) -> str:
    return re.sub(r"`[^`\n]*`", " ", without_fences(source))


def prose(source: str) -> str:
    """Return a Markdown source without code, formulas, targets of links, dates and numbers of headings."""
    text = without_code(source)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    text = re.sub(r"https?://\S+|\b10\.\d{4,}/\S+", " ", text)
    text = re.sub(r"\b\d{4}-\d{2}(-\d{2})?\b", " ", text)
    text = re.sub(r"^(#{1,6})\s+[\d.]+(?=\s)", r"\1", text, flags=re.MULTILINE)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


class Number(NamedTuple):
    written: str
    value: float
    half: float  # half a unit of its last digit
    scales: tuple[float, ...]  # outputs may be in these units: shares for a percentage, thousands
    matters: bool  # in prose, it has to come from an output


def numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of a text. What matters: decimals, percentages, money, and whole numbers from 100 on."""
    for match in _NUMBER.finditer(text):
        if _NAMED.search(text[: match.start()]):
            continue
        after = _AFTER.match(text, match.end())
        percent, scale, money = (
            (after["percent"], after["scale"], after["money"]) if after else (None, None, None)
        )
        value, unit = float(match[0].replace(",", "")), 10.0 ** -len((match["part"] or ".")[1:])
        if percent:
            matters = value not in _USUAL_PERCENT
        elif match["part"] or scale or money or text[: match.start()].endswith("¥"):
            matters = True
        else:
            matters = value >= 100 and not re.fullmatch(r"(19|20)\d\d", match[0])
        factor = _SCALES.get(scale, 1)
        written = f"{match[0]}%" if percent else match[0]
        scales = (1, 100) if percent else (1, factor)
        yield Number(written, value * factor, unit * factor / 2, scales, matters)


def numbers_in_prose_come_from_outputs(notebook: NotebookNode, path: Path) -> list[str]:
    """Find each number of the prose in an output, or in code, rounded as the prose rounds it.

    A percentage may stand there as a share, and the other way round; signs are left out. What comes from elsewhere is
    named in the cell's metadata: ``"numbers_from": {"0.8": "Pfeifer & Carraway 2000"}``.
    """
    known = {0.0}
    for cell in code_cells(notebook):
        for text in (*output_texts(cell), cell.source.replace("_", "")):
            for number in numbers(text):
                known |= {number.value, number.value / number.scales[1]}
    found = []
    for cell in markdown_cells(notebook):
        if "references" in tags(cell):
            continue
        for number in numbers(prose(cell.source)):
            if not number.matters or number.written in cell.metadata.get("numbers_from", {}):
                continue
            near = number.half * (1 + 1e-9) + 1e-12
            if not any(
                abs(scale * value - number.value) <= near for value in known for scale in number.scales
            ):
                found.append(f"{at(notebook, cell)}: {number.written} stands in no output")
    return list(dict.fromkeys(found))


# --- the anatomy of a chapter -------------------------------------------------------------------------------------


def chapter_number(path: Path) -> int:
    return int(re.match(r"\d+", path.name)[0])


def opens_as_a_chapter(notebook: NotebookNode, path: Path) -> list[str]:
    title, number = notebook.cells[0], chapter_number(path)
    found = []
    if not re.match(rf"# {number} · \S", title.source):
        found.append(f"the first cell begins with '# {number} · Title'")
    opening = "\n".join(cell.source for cell in notebook.cells[:6] if cell.cell_type == "markdown")
    if not re.search(r"\b\d+ minutes\b", opening):
        found.append("the opening says how many minutes the chapter takes")
    if not re.search(r"before you start|what to know first|you should know", opening, re.IGNORECASE):
        found.append("the opening says what to know first ('Before you start')")
    plain = glossary._plain(opening)
    for id in glossary.table(number).index:
        names = {name for name in glossary._headwords(glossary.lookup(id)) if glossary._is_chinese(name)}
        if id[-1].isdigit() and not all(name in plain for name in names):
            found.append(f"the opening names {id} in both scripts: {' · '.join(sorted(names))}")
    return found


def parts_are_complete(notebook: NotebookNode, path: Path) -> list[str]:
    places: dict[str, list[int]] = {}
    for n, cell in enumerate(notebook.cells):
        for tag in tags(cell):
            places.setdefault(tag, []).append(n)
    found = [f"no cell is tagged {tag!r}" for tag in (*ORDERED_PARTS, *FREE_PARTS) if tag not in places]
    if found:
        return found
    firsts = [places[tag][0] for tag in ORDERED_PARTS]
    if firsts != sorted(firsts):
        found.append(f"the parts stand in this order: {', '.join(ORDERED_PARTS)}")
    start, end = places["objectives"][0], places["decision"][0]
    found += [f"{tag!r} stands before the decision" for tag in FREE_PARTS if not start < places[tag][0] < end]
    return found


def parts_hold_what_they_promise(notebook: NotebookNode, path: Path) -> list[str]:
    parts: dict[str, str] = {}
    for n, cell in enumerate(notebook.cells):
        for tag in tags(cell):
            texts = [
                *output_texts(cell),
                *(text for c in notebook.cells[n + 1 : n + 2] for text in output_texts(c)),
            ]
            parts[tag] = "\n".join([parts.get(tag, ""), cell.source, *texts])
    found = []
    wanted = {
        "question": (r"\?", "asks something"),
        "decision": (r"yuan", "names an amount in yuan"),
        "oracle": (r"yuan", "says what the error cost in yuan"),
        "terms": ("简体.*繁體", "shows the terms in both scripts: glossary.show(…)"),
        "references": (r"(?m)^[-*] .*\b(19|20)\d\d\b", "is a list of works with their years"),
        "exercises": (r"\]\([^)]*exercises/", "links to the exercises"),
    }
    for tag, (pattern, promise) in wanted.items():
        if tag in parts and not re.search(pattern, parts[tag], re.DOTALL):
            found.append(f"the part {tag!r} {promise}")
    objectives = re.findall(r"(?m)^\s*(?:[-*]|\d+\.)\s+\W*(\w+)", parts.get("objectives", ""))
    if "objectives" in parts and len(objectives) < 3:
        found.append("the part 'objectives' is a list of at least three")
    found += [f"an objective begins with a verb, not {w!r}" for w in objectives if w.casefold() in NO_VERBS]
    points = re.findall(r"(?m)^\s*[-*] ", parts.get("key-points", ""))
    if "key-points" in parts and len(points) < 3:
        found.append("the part 'key-points' is a list of at least three")
    return found


def widget_has_its_plain_cell(notebook: NotebookNode, path: Path) -> list[str]:
    cells = code_cells(notebook)
    return [
        f"{at(notebook, cell)}: beside a widget, a cell calls the same function with the default values"
        for n, cell in enumerate(cells)
        if "widget" in tags(cell)
        and not any(c.outputs and IGNORED not in tags(c) for c in cells[max(0, n - 1) : n + 2])
    ]


def concepts_are_taught(
    notebook: NotebookNode,
    path: Path,
    terms: Sequence[glossary.Term] | None = None,
    practised: set[str] | None = None,
) -> list[str]:
    """Find for each concept of the chapter a cell that teaches it, and for a quantifiable one a computation."""
    if terms is None:
        terms = [glossary.lookup(id) for id in glossary.table(chapter_number(path)).index]
    if practised is None:
        practised = {c for item in exercises.items(chapter_number(path)) for c in item.concepts}
    found, cells, known = [], notebook.cells, set(glossary.table().index)
    for cell in cells:
        found += [
            f"{at(notebook, cell)}: concept {c!r} is not in the glossary"
            for c in cell.metadata.get("concepts", [])
            if c not in known
        ]
    for term in terms:
        names = [
            name
            for name in glossary._names(term)
            if not glossary._is_chinese(name) and name != term.id.lower()
        ]
        places = [n for n, cell in enumerate(cells) if term.id in cell.metadata.get("concepts", [])]
        teaching = [n for n in places if n and not tags(cells[n]) & {"terms", "quiz", "objectives"}]
        if not teaching:
            if term.id[-1].isdigit():  # LC02a and the like are parts of a concept
                found.append(f"no cell teaches {term.id}, {term.term}")
            continue
        for n in teaching:
            around = cells[n : n + 1] if cells[n].cell_type == "markdown" else cells[max(0, n - 1) : n + 2]
            text = glossary._plain(" ".join(cell.source for cell in around))
            if not any(name in text for name in names):
                found.append(
                    f"{at(notebook, cells[n])}: is tagged {term.id}, but none of {names} stands there"
                )
        computed = any(cells[n].get("outputs") for n in teaching)
        if term.quantifiable and term.id[-1].isdigit() and not computed and term.id not in practised:
            found.append(f"{term.id} is quantifiable: tag a code cell that computes it, or an exercise item")
    return found


EVERYWHERE: tuple[Check, ...] = (
    executed_in_order,
    no_empty_cell,
    no_error,
    no_warning,
    no_unrounded_float,
    no_trace_of_the_machine,
    stored_as_built,
    outputs_ignored_only_where_needed,
    figures_have_captions,
    links_resolve,
    voice,
    short_cells,
    checks_are_correct,
)
PROSE: tuple[Check, ...] = (figures_stand_by_a_table, numbers_in_prose_come_from_outputs)
CHAPTER: tuple[Check, ...] = (
    opens_as_a_chapter,
    parts_are_complete,
    parts_hold_what_they_promise,
    widget_has_its_plain_cell,
    concepts_are_taught,
)
