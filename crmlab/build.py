"""The one maintenance command: what can be made from something else is made here, never edited by hand.

``python -m crmlab.build data`` simulates the shipped tables, writes them, and does what ``dictionary`` does;
``python -m crmlab.build dictionary`` makes ``datapackage.json`` and ``README.md`` in ``datasets/``;
``python -m crmlab.build notebooks [paths]`` runs notebooks and stores their outputs;
``python -m crmlab.build exercises`` writes ``notebooks/exercises`` from ``notebooks/solutions``.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from crmlab import _notebooks, datasets
from crmlab.datasets import _datapackage, _places, _sealing

FILE = _datapackage.FILE


def write(path: Path, content: bytes) -> bool:
    """Make a file hold something.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder is made.
    content : bytes
        All that it will hold.

    Returns
    -------
    bool
        False if it held that already and was left alone.
    """
    return bool(write_all(path.parent, {path.name: content}))


def write_all(home: Path, files: Mapping[str, bytes]) -> list[str]:
    """Make a folder hold files: all of them, or, where the disk refuses, what it held before.

    Parameters
    ----------
    home : pathlib.Path
        The folder; it is made.
    files : mapping of str to bytes
        Path in the folder -> content.

    Returns
    -------
    list of str
        The paths that were written; a file that held its content already is left alone.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    old = {path: _held(home / path) for path in files}
    changed = [path for path, content in files.items() if old[path] != content]
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=home) as folder:
        drafts = {path: Path(folder) / str(number) for number, path in enumerate(changed)}
        for path, draft in drafts.items():
            draft.write_bytes(files[path])
        try:
            for path, draft in drafts.items():
                (home / path).parent.mkdir(parents=True, exist_ok=True)
                os.replace(draft, home / path)
        except OSError:
            for path in changed:
                _restore(home / path, old[path])
            raise
    return changed


def _held(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif _held(path) != content:
        path.write_bytes(content)


def shipped() -> dict[str, bytes]:
    """Simulate the shipped cohort and check it against the dictionary.

    Returns
    -------
    dict of str to bytes
        Path in ``datasets/`` -> content: the tables, the truth, the dictionary with their hashes, its page.
    """
    from crmlab import simulate

    described = _sealing.described()  # first: a slip in it is found before anything is simulated
    world = simulate.world(simulate.SHIPPED_SEED)
    files = _sealing.files(world, datasets.SHIPPED, simulate.SHIPPED_SEED, described)
    return files | {"README.md": readme(files[FILE])}


def data() -> None:
    """Write the shipped cohort's CSV files and their dictionary, and remove tables that are no more."""
    files = shipped()
    home = _places.home()
    changed = write_all(home, files)
    gone = [p for f in ("tables", "truth") for p in (home / f).glob("*.csv") if f"{f}/{p.name}" not in files]
    for path in gone:
        path.unlink()
    _forget()
    sizes = [len(content) for path, content in files.items() if path.endswith(".csv")]
    print(
        f"{len(sizes)} tables, {sum(sizes) / 1e6:.1f} MB; {len(changed)} files written, {len(gone)} removed"
    )


def dictionary() -> None:
    """Write datasets/datapackage.json and datasets/README.md from datasets/dictionary/ and the tables."""
    made = _sealing.rebuilt()
    changed = write_all(_places.home(), {FILE: made, "README.md": readme(made)})
    _forget()
    print(f"{FILE} and README.md: {len(changed)} written")


def _forget() -> None:
    for cached in (_datapackage.package, _datapackage.edition):
        cached.cache_clear()


def readme(made: bytes) -> bytes:
    """Write the data dictionary as a page for readers.

    Parameters
    ----------
    made : bytes
        The content of ``datapackage.json``.

    Returns
    -------
    bytes
        The content of ``README.md``, in Markdown.
    """
    whole = json.loads(made)
    out = [
        f"# {whole['title']}",
        "<!-- Made from the files in dictionary/ by `python -m crmlab.build dictionary`: edit those. -->",
        whole["description"],
        f"Version {whole['version']}, seed {whole['crmlab:seed']}. Licence: CC BY 4.0. Text is UTF-8, lines "
        "end with a line feed, an empty cell is a missing value, dates are ISO 8601.",
    ]
    for heading in ("Tables", "Truth"):
        tables = _datapackage.resources(whole, truth=heading == "Truth")
        out.append(f"## {heading}")
        out.append(whole[f"crmlab:{heading.lower()}"])
        out.append(_markdown(_datapackage.overview(tables).drop(columns="description")))
        for table in tables.values():
            out += _section(table)
    return ("\n\n".join(out) + "\n").encode()


def _section(table: dict[str, Any]) -> list[str]:
    """Return the paragraphs about one table."""
    heading = table["name"].replace("truth/", "truth: ")
    out = [f"### {heading}", f"**{table['title']}.** {table['description']}"]
    for key in table["schema"].get("foreignKeys", []):
        own = ", ".join(key["fields"])
        there = ", ".join(key["reference"]["fields"])
        out.append(f"`{own}` refers to `{there}` in {key['reference']['resource'] or table['name']}.")
    return [*out, _markdown(_datapackage.columns(table))]


def _markdown(frame: pd.DataFrame) -> str:
    rows = frame.reset_index().astype(str)
    cells = [list(rows.columns), ["---"] * rows.shape[1], *rows.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def notebooks(paths: Sequence[Path] = ()) -> None:
    """Run notebooks on the shipped cohort and store their outputs.

    Parameters
    ----------
    paths : sequence of pathlib.Path, optional
        Which notebooks; all that are written by hand if left out.
    """
    made = {path.resolve() for path in _notebooks.exercises()}
    for path in paths:
        if not path.is_file():
            raise SystemExit(f"There is no notebook {path}.")
        if path.resolve() in made:
            raise SystemExit(f"{path} is made by 'python -m crmlab.build exercises': build its solution.")
    for path in paths or _notebooks.chapters():
        start = time.perf_counter()
        changed = write(path, _notebooks.executed(path))
        seconds = time.perf_counter() - start
        print(f"{path}: {'stored' if changed else 'unchanged'} ({seconds:.0f} s)", flush=True)
    readme_figure()


def figure() -> bytes:
    """Return the picture that README.md shows: the one of the start page's cell with the tag `readme`.

    Returns
    -------
    bytes
        A PNG.
    """
    page = json.loads((_notebooks.home() / "notebooks" / "00-start-here.ipynb").read_text(encoding="utf-8"))
    (cell,) = (c for c in page["cells"] if "readme" in c["metadata"].get("tags", ()))
    (picture,) = (o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {}))
    return base64.b64decode(picture)


def readme_figure() -> None:
    """Write the picture that README.md shows, from the start page's stored output."""
    write(_notebooks.home() / "notebooks" / "figures" / "start-here.png", figure())


def exercises() -> None:
    """Make notebooks/exercises from notebooks/solutions with nbgrader; what has no source any more goes."""
    home = _notebooks.home() / "notebooks"
    made = {
        f"{chapter.name}/{name}": content
        for chapter in sorted((home / "solutions").glob("ch*"))
        for name, content in _notebooks.released(chapter).items()
    }
    changed = write_all(home / "exercises", made)
    gone = [p for p in _notebooks.exercises() if p.relative_to(home / "exercises").as_posix() not in made]
    for path in gone:
        path.unlink()
    print(f"{len(made)} exercise files; {len(changed)} written, {len(gone)} removed")


COMMANDS: dict[str, Callable[..., None]] = {
    "data": data,
    "dictionary": dictionary,
    "notebooks": notebooks,
    "exercises": exercises,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the command that the command line names.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; the process's own if left out.
    """
    parser = argparse.ArgumentParser(prog="python -m crmlab.build", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, function in COMMANDS.items():
        summary = (function.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary)
        command.set_defaults(run=function)
        if function is notebooks:
            command.add_argument("paths", nargs="*", type=Path)
    options = vars(parser.parse_args(arguments))
    try:
        options.pop("run")(**options)
    except ValueError as error:  # what somebody wrote does not fit: the message says it all
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
