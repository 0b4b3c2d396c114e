"""The one maintenance command: what can be made from something else is made here, never edited by hand.

``python -m crmlab.build data`` writes the shipped tables and seals them in the dictionary;
``python -m crmlab.build dictionary`` writes ``datasets/README.md`` from the dictionary;
``python -m crmlab.build notebooks [paths]`` runs notebooks and stores their outputs;
``python -m crmlab.build exercises`` writes ``notebooks/exercises`` from ``notebooks/solutions``.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from crmlab import _notebooks, datasets


def write(path: Path, content: bytes) -> bool:
    """Replace a file by `content` and return True, or leave it alone if it holds that already."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def shipped() -> dict[str, bytes]:
    """Return path -> content of the shipped cohort: its tables, its truth and the dictionary with their hashes."""
    from crmlab import simulate

    world = simulate.world(simulate.SHIPPED_SEED)
    return datasets._files(world, datasets.SHIPPED, simulate.SHIPPED_SEED)


def data() -> None:
    """Write the shipped cohort's CSV files, seal them in the dictionary, and remove tables that are no more."""
    home, files = datasets._home(), shipped()
    changed = [path for path, content in files.items() if write(home / path, content)]
    gone = [p for f in ("tables", "truth") for p in (home / f).glob("*.csv") if f"{f}/{p.name}" not in files]
    for path in gone:
        path.unlink()
    size = sum(len(content) for path, content in files.items() if path.endswith(".csv"))
    print(f"{len(files) - 1} tables, {size / 1e6:.1f} MB; {len(changed)} files written, {len(gone)} removed")
    for cached in (datasets._dictionary, datasets._edition):
        cached.cache_clear()
    dictionary()


def readme() -> bytes:
    """Return the data dictionary as a page for readers."""
    package = datasets._dictionary()
    out = [
        f"# {package['title']}",
        "<!-- Made from datapackage.json by `python -m crmlab.build dictionary`: edit that file, not this one. -->",
        package["description"],
        f"Version {package['version']}, seed {package['crmlab:seed']}. Licence: CC BY 4.0. Text is UTF-8, lines end with "
        "a line feed, an empty cell is a missing value, dates are ISO 8601.",
    ]
    for truth, heading in ((False, "Tables"), (True, "Truth")):
        out += [f"## {heading}", package[f"crmlab:{heading.lower()}"]]
        out += [_markdown(datasets.describe(truth=truth).drop(columns="description"))]
        for name, resource in datasets._resources(truth).items():
            out += [
                f"### {'truth: ' if truth else ''}{name}",
                f"**{resource['title']}.** {resource['description']}",
            ]
            for key in resource["schema"].get("foreignKeys", []):
                other = key["reference"]["resource"] or resource["name"]
                out += [
                    f"`{', '.join(key['fields'])}` refers to `{', '.join(key['reference']['fields'])}` in {other}."
                ]
            out += [_markdown(datasets.describe(name, truth=truth))]
    return ("\n\n".join(out) + "\n").encode()


def _markdown(frame: pd.DataFrame) -> str:
    rows = frame.reset_index().astype(str)
    cells = [list(rows.columns), ["---"] * rows.shape[1], *rows.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def dictionary() -> None:
    """Write datasets/README.md from the dictionary."""
    write(datasets._home() / "README.md", readme())


def notebooks(paths: Sequence[Path] = ()) -> None:
    """Run notebooks on the shipped cohort and store their outputs; without paths, all that are written by hand."""
    for path in paths or _notebooks.chapters():
        start = time.perf_counter()
        changed = write(path, _notebooks.executed(path))
        print(
            f"{path}: {'stored' if changed else 'unchanged'} ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
    readme_figure()


def figure() -> bytes:
    """Return the picture that README.md shows: the one of the start page's cell with the tag `readme`."""
    page = json.loads((_notebooks.home() / "notebooks" / "00-start-here.ipynb").read_text(encoding="utf-8"))
    (cell,) = (c for c in page["cells"] if "readme" in c["metadata"].get("tags", ()))
    (picture,) = (o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {}))
    return base64.b64decode(picture)


def readme_figure() -> None:
    """Write the picture that README.md shows, from the start page's stored output."""
    write(_notebooks.home() / "notebooks" / "figures" / "start-here.png", figure())


def exercises() -> None:
    """Make notebooks/exercises from notebooks/solutions with nbgrader, and remove what has no source any more."""
    home = _notebooks.home() / "notebooks"
    made = {
        f"{chapter.name}/{name}": content
        for chapter in sorted((home / "solutions").glob("ch*"))
        for name, content in _notebooks.released(chapter).items()
    }
    changed = [name for name, content in made.items() if write(home / "exercises" / name, content)]
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
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m crmlab.build", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, function in COMMANDS.items():
        command = commands.add_parser(name, help=function.__doc__)
        command.set_defaults(run=function)
        if function is notebooks:
            command.add_argument("paths", nargs="*", type=Path)
    options = vars(parser.parse_args(arguments))
    options.pop("run")(**options)


if __name__ == "__main__":
    main()
