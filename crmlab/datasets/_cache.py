"""The bytes of a table: the shipped file, or a cohort that is simulated once and kept in the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import time
import uuid
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

from crmlab.datasets import _datapackage, _places, _sealing, cohorts

_HOUR = 3600  # seconds; no process takes so long to write a cohort


def content(cohort: str, path: str) -> bytes:
    """Return the verified bytes of one file of a cohort."""
    if cohort == cohorts.SHIPPED:
        try:
            return _verified(_places.home(), path, _datapackage.package())
        except (OSError, ValueError) as error:
            raise OSError(
                f"The shipped file {_places.home() / path} cannot be used: {error}. Get it back with "
                "'git restore datasets', or install crmlab again. For tables of your own use pandas.read_csv."
            ) from error
    place = folder(cohort)
    if place is not None:
        try:
            return _verified(place, path)
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            pass  # not there yet, or damaged: simulated below
    return simulated(cohort, place)[path]


def _verified(place: Path, path: str, described: dict[str, Any] | None = None) -> bytes:
    """Return the bytes of a file if they are those that the folder's own dictionary promises."""
    described = described or json.loads((place / _datapackage.FILE).read_bytes())
    promised = {resource["path"]: resource["hash"] for resource in described["resources"]}
    found = (place / path).read_bytes()
    if _datapackage.digest(found) != promised[path]:
        raise ValueError("it was changed or cut short")
    return found


def folder(cohort: str) -> Path | None:
    """Return where a cohort is kept."""
    from crmlab import simulate

    root = _root()
    key = (cohort, simulate.VERSION, _datapackage.edition())
    name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
    return None if root is None else root / "cohorts" / name


def _root() -> Path | None:
    """Return the folder of the cache, which need not be there yet; None for an account without a home."""
    asked = os.environ.get("CRMLAB_CACHE", "")
    if not asked.strip():
        import platformdirs

        usual = platformdirs.user_cache_path("crmlab", appauthor=False)
        return usual if usual.is_absolute() else None
    spelled = os.path.expanduser(asked)  # leaves ~somebody as it is
    # these, unlike Path's, do not raise where a folder may not be read or a name is too long
    if spelled.startswith("~") or (os.path.exists(spelled) and not os.path.isdir(spelled)):
        raise ValueError(
            f"CRMLAB_CACHE={asked!r} is a file, or the home of a user whom this computer does not know. Set "
            "it to a folder that you can write to, or take it out of the environment."
        )
    return Path(spelled).absolute()


@lru_cache(maxsize=2)
def simulated(cohort: str, place: Path | None) -> dict[str, bytes]:
    """Simulate a cohort and keep it; a disk that refuses costs a warning, not the lesson."""
    from crmlab import simulate

    seed = simulate.cohort_seed(cohort)
    if not cohorts.grading():  # there nobody reads it
        print(f"Simulating the tables of cohort {cohort!r} once; this takes some seconds.", file=sys.stderr)
    world = simulate.world(seed)
    try:
        files = _sealing.files(world, cohort, seed, _datapackage.package())
    except ValueError as error:
        raise ValueError(
            f"The cohort {cohort!r} has a table that does not fit its description: {error} "
            "Choose another name, and please report this one."
        ) from error
    try:
        if place is None:
            raise OSError("this account has no cache folder")
        publish(files, place)
    except OSError as error:
        if cohorts.grading():  # there a warning would cost the student points
            return files
        warnings.warn(
            f"The tables of cohort {cohort!r} cannot be kept on disk ({error}). They are complete and stay "
            "in memory, but every new session simulates them again: set CRMLAB_CACHE to a folder you can "
            "write to.",
            stacklevel=5,  # the line that called load() or truth()
        )
    return files


def publish(files: dict[str, bytes], place: Path) -> None:
    """Make a folder hold files, whole or not at all, whatever other processes do at the same time."""
    place.parent.mkdir(parents=True, exist_ok=True)
    _clear_drafts(place.parent)
    # not a folder of tempfile: its rights, 0700, would lock others out of a shared cache
    draft = place.parent / f"draft-{uuid.uuid4().hex}"
    try:
        for path, found in files.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / path).write_bytes(found)
        for wait in (0.05, 0.2, 0.5, None):  # a virus scanner may hold a new folder for a moment
            try:
                draft.rename(place)  # fails where the folder exists and is not empty
                return
            except OSError:
                if whole(place, files):
                    return  # another process was first
                _remove(place)  # damaged
                if wait is None:
                    raise
                time.sleep(wait)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _clear_drafts(parent: Path) -> None:
    """Remove what killed processes left behind; a draft of the last hour may be somebody's who is writing."""
    for draft in parent.glob("draft-*"):
        with contextlib.suppress(OSError):
            if abs(time.time() - draft.stat().st_mtime) > _HOUR:
                _remove(draft)


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    if place.is_file() or place.is_symlink():
        place.unlink(missing_ok=True)


def whole(place: Path, files: dict[str, bytes]) -> bool:
    """Say whether a folder holds files."""
    try:
        return all((place / path).read_bytes() == found for path, found in files.items())
    except OSError:
        return False
