"""Where the data lie: the folder of the shipped files, and the files in it that come one a chapter."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def home() -> Path:
    """Return the folder of the shipped files: inside an installed wheel, else beside the package."""
    package = Path(__file__).resolve().parents[1]
    places = (package / "_datasets", package.parent / "datasets")
    for folder in places:
        if (folder / "tables").is_dir():
            return folder
    raise FileNotFoundError(
        f"The shipped tables are missing: no folder 'tables' in {places[0]} or {places[1]}. "
        "Install crmlab again, or clone the whole repository."
    )


def chapters(folder: str, suffix: str) -> dict[int, Path]:
    """Return the files of a folder that holds one file a chapter."""
    found: dict[int, Path] = {}
    for path in sorted((home() / folder).glob(f"*{suffix}")):
        number = re.fullmatch(r"ch(\d\d)", path.stem)
        if number is None:
            raise ValueError(
                f"{folder}/{path.name} is not named after a chapter: call it ch08{suffix}, with two digits."
            )
        found[int(number[1])] = path
    return found
