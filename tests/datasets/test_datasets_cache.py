"""Cohorts: simulated once, kept whole or not at all, mended when damaged; a disk that refuses, a setting that is wrong."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from small_package import COHORT, HOME, RESOURCES, ROOT, parse

from crmlab import datasets, simulate
from crmlab.datasets import _cache, _datapackage, _sealing, cohorts


@pytest.fixture
def kept(files):
    """The folder of a cohort that is whole in the cache; the process has forgotten it."""
    folder = _cache.folder(COHORT)
    _cache.publish(files, folder)
    return folder


# -- kept, and found again ------------------------------------------------------------------------
def test_cohorts_differ_where_they_should(files):
    seed = simulate.cohort_seed("other")
    other = _sealing.files(simulate.world(seed, customers=100), "other", seed, _datapackage.package())
    for resource in RESOURCES.values():
        path = resource["path"]
        three = {(HOME / path).read_bytes(), files[path], other[path]}
        assert len(three) == (1 if resource["crmlab:static"] else 3), path


def test_a_whole_cohort_fits_the_dictionary():
    """At full size, of a name that nobody tuned anything for: limits, keys and references hold."""
    assert len(datasets.load("consumers", cohort="autumn 2031")) == len(datasets.load("consumers"))


def test_a_cohort_is_simulated_once_and_is_always_the_same(simulations, files, cache):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            assert_frame_equal(datasets.load("orders", cohort=COHORT), parse(files, "orders"))
            assert_frame_equal(datasets.truth("consumers", cohort=COHORT), parse(files, "truth/consumers"))
            _cache.simulated.cache_clear()  # a new process: now from the disk
    assert simulations == [simulate.cohort_seed(COHORT)]
    folder = _cache.folder(COHORT)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]  # no drafts
    assert _cache.whole(folder, files)


def test_a_cohort_in_the_cache_is_a_data_package(kept):
    package = json.loads((kept / "datapackage.json").read_text(encoding="utf-8"))
    assert (package["crmlab:cohort"], package["crmlab:seed"]) == (COHORT, simulate.cohort_seed(COHORT))
    assert all((kept / r["path"]).stat().st_size == r["bytes"] for r in package["resources"])


@pytest.mark.parametrize("name", ["../../up", "a/b\\c:d*?", "春季班", "con", "." * 100])
def test_any_name_stays_inside_the_cache(name, cache):
    folder = _cache.folder(cohorts.cohort_name(name, "name"))
    assert folder.parent == cache / "cohorts"
    assert re.fullmatch("[0-9a-f]{24}", folder.name)


def test_versions_are_part_of_the_key(monkeypatch):
    folders = {_cache.folder(COHORT), _cache.folder("other")}
    for place, name, value in (
        (simulate, "VERSION", "other"),
        (_datapackage, "edition", lambda: "other"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value)
            folders.add(_cache.folder(COHORT))
    assert len(folders) == 4


def test_the_version_of_numpy_is_not_part_of_the_key(monkeypatch):
    """Bytes are promised for every NumPy: a class on two of them shares its cache."""
    before = _cache.folder(COHORT)
    monkeypatch.setattr(np, "__version__", "9.9.9")
    assert _cache.folder(COHORT) == before


def test_a_new_dictionary_is_a_new_edition(copy):
    before = _cache.folder(COHORT)
    (copy / "datapackage.json").write_bytes((copy / "datapackage.json").read_bytes() + b"\n")
    _datapackage.edition.cache_clear()
    assert _cache.folder(COHORT) != before


# -- damaged --------------------------------------------------------------------------------------
def one_digit(folder):
    page = folder / "tables/orders.csv"
    page.write_bytes(page.read_bytes().replace(b"1", b"2", 1))


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("")


def a_link_to_nowhere(folder):
    shutil.rmtree(folder)
    folder.symlink_to(folder.parent / "nowhere")


DAMAGE = {
    "file gone": lambda folder: (folder / "tables/orders.csv").unlink(),
    "cut short": lambda folder: os.truncate(folder / "tables/orders.csv", 1_000),
    "empty": lambda folder: os.truncate(folder / "tables/orders.csv", 0),
    "one digit changed": one_digit,
    "no dictionary": lambda folder: (folder / "datapackage.json").unlink(),
    "half a dictionary": lambda folder: os.truncate(folder / "datapackage.json", 5_000),
    "empty dictionary": lambda folder: (folder / "datapackage.json").write_text("{}"),
    "another dictionary": lambda folder: (folder / "datapackage.json").write_text('{"resources": [1]}'),
    "not UTF-8": lambda folder: (folder / "datapackage.json").write_bytes(b"\xff\xfe\x00"),
    "dictionary too deep": lambda folder: (folder / "datapackage.json").write_text("[" * 100_000),
    "everything gone": lambda folder: shutil.rmtree(folder / "tables"),
    "a file in its place": a_file,
    "a link in its place": a_link_to_nowhere,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cohort_is_noticed_and_mended(damage, kept, files, monkeypatch, simulations):
    monkeypatch.setattr(_sealing, "files", lambda *args: dict(files))
    damage(kept)
    assert_frame_equal(datasets.load("orders", cohort=COHORT), parse(files, "orders"))
    assert len(simulations) == 1
    assert {path: (kept / path).read_bytes() for path in files} == files
    assert len(list(kept.parent.iterdir())) == 1


def test_a_table_that_does_not_fit_is_not_kept(simulations, cache, monkeypatch):
    """Halfway through the tables one breaks its description: nothing is written, and the message says why."""
    tables = list(RESOURCES)
    middle = RESOURCES[tables[len(tables) // 2]]
    written = _sealing._csv.written

    def break_one(frame, resource):
        if resource["name"] == middle["name"]:
            frame = pd.concat([frame, frame.iloc[:1]], ignore_index=True)  # a key twice
        return written(frame, resource)

    monkeypatch.setattr(_sealing._csv, "written", break_one)
    message = rf"cohort 'spring 2027' has a table .*{middle['name']} has 1 row.*Choose another name"
    with pytest.raises(ValueError, match=message):
        datasets.load("orders", cohort=COHORT)
    assert not cache.exists()


# -- several processes ----------------------------------------------------------------------------
def test_two_processes_ask_for_one_cohort(tmp_path, files):
    """Both see the tables, one folder remains. They wait for each other before they write."""
    code = (
        "import hashlib, sys, time; from pathlib import Path; from crmlab import datasets, simulate\n"
        "here = Path(sys.argv[1]); world = simulate.world\n"
        "def small(seed):\n"
        "    made = world(seed, customers=100); (here / sys.argv[2]).touch()\n"
        "    while len(list(here.iterdir())) < 2: time.sleep(0.001)\n"
        "    return made\n"
        "simulate.world = small\n"
        f"frame = datasets.load('orders', cohort={COHORT!r})\n"
        "print(hashlib.sha256(frame.to_csv().encode()).hexdigest())"
    )
    (tmp_path / "ready").mkdir()
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "ready")]
    processes = [
        subprocess.Popen(
            [*command, name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert results[0][0] == results[1][0] != ""
    folder = _cache.folder(COHORT)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert _cache.whole(folder, files)


def test_the_loser_of_a_race_uses_what_the_winner_wrote(kept, files):
    before = (kept / "datapackage.json").stat().st_ino
    _cache.publish(files, kept)
    assert (kept / "datapackage.json").stat().st_ino == before
    assert len(list(kept.parent.iterdir())) == 1


@pytest.mark.parametrize(
    ("seconds", "stays"), [(0, True), (3_500, True), (-3_500, True), (3_700, False), (-3_700, False)]
)
def test_a_draft_goes_after_an_hour(seconds, stays, kept, files):
    """A draft of the last hour may be somebody's who is writing; a date in the future is a clock that was wrong."""
    draft = kept.parent / "draft-0"
    other = kept.parent / "notes"
    for folder in (draft, other):
        folder.mkdir()
        (folder / "part.csv").touch()
        os.utime(folder, (time.time() - seconds,) * 2)
    _cache.publish(files, kept)
    assert draft.exists() is stays
    assert other.exists()
    assert _cache.whole(kept, files)


def test_a_draft_that_is_a_file_goes_too(kept, files):
    draft = kept.parent / "draft-0"
    draft.touch()
    os.utime(draft, (0, 0))
    _cache.publish(files, kept)
    assert not draft.exists()


def test_a_draft_of_a_process_that_is_writing_stays(kept, files, monkeypatch):
    """Another process publishes while this one is halfway: both finish."""
    write = Path.write_bytes
    written = []

    def interrupted(path, content):
        written.append(path)
        if len(written) == 5:
            _cache.publish(files, kept.parent / "other")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    _cache.publish(files, kept.parent / "mine")
    assert _cache.whole(kept.parent / "mine", files)
    assert _cache.whole(kept.parent / "other", files)
    assert len(list(kept.parent.iterdir())) == 3


# -- disks that refuse ----------------------------------------------------------------------------
def loads_from_memory(files, warned=1):
    """Load three times; expect the right tables and exactly one warning, which points here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            assert_frame_equal(datasets.load("orders", cohort=COHORT), parse(files, "orders"))
        if not datasets.grading():
            assert_frame_equal(datasets.truth("consumers", cohort=COHORT), parse(files, "truth/consumers"))
    assert len(caught) == warned
    assert {warning.filename for warning in caught} <= {__file__}
    return "".join(str(warning.message) for warning in caught)


def test_full_disk(monkeypatch, files, cache, simulations):
    write = Path.write_bytes
    written = []

    def fill(path, content):
        written.append(path)
        if len(written) > 5:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill)
    message = loads_from_memory(files)
    assert "No space left" in message
    assert "CRMLAB_CACHE" in message
    assert COHORT in message
    assert list((cache / "cohorts").iterdir()) == []
    assert len(simulations) == 1


def test_cache_below_a_file(monkeypatch, files, tmp_path, simulations):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "file" / "cache"))
    assert "cannot be kept" in loads_from_memory(files)


def test_name_that_the_disk_does_not_take(monkeypatch, files, tmp_path, simulations):
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / ("x" * 5_000)))
    assert "cannot be kept" in loads_from_memory(files)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user can write everywhere")
def test_read_only_cache(files, cache, simulations):
    cache.mkdir()
    cache.chmod(0o555)
    assert "cannot be kept" in loads_from_memory(files)


def test_folder_that_may_not_be_written(monkeypatch, files, simulations):
    """The same for a user who may write everywhere."""

    def refuse(path, *args, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "Permission denied" in loads_from_memory(files)


def test_folder_that_cannot_be_renamed(monkeypatch, files, cache, simulations):
    """As on Windows while another program holds a file in it."""
    tries = []

    def refuse(path, target):
        tries.append(path)
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(_cache.time, "sleep", lambda seconds: None)
    assert "Access is denied" in loads_from_memory(files)
    assert len(tries) == 4
    assert list((cache / "cohorts").iterdir()) == []


def test_folder_that_can_be_renamed_a_moment_later(monkeypatch, files, simulations):
    rename = Path.rename
    tries = []

    def refuse_once(path, target):
        tries.append(path)
        if len(tries) == 1:
            raise PermissionError(errno.EACCES, "Access is denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_once)
    assert loads_from_memory(files, warned=0) == ""
    assert _cache.whole(_cache.folder(COHORT), files)


def test_account_without_a_home(monkeypatch, files, simulations):
    import platformdirs

    monkeypatch.delenv("CRMLAB_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *args, **kwargs: Path("~/.cache/crmlab"))
    assert "no cache folder" in loads_from_memory(files)


@pytest.mark.parametrize("value", ["autograde", "validate"])
def test_no_warning_while_nbgrader_runs(value, monkeypatch, files, tmp_path, simulations):
    """It would cost the student points, who cannot mend the grader's disk."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("NBGRADER_EXECUTION", value)
    loads_from_memory(files, warned=0)
    assert len(simulations) == 1


# -- CRMLAB_CACHE ---------------------------------------------------------------------------------
def test_cache_of_an_unknown_user(monkeypatch, simulations):
    monkeypatch.setenv("CRMLAB_CACHE", "~nobody_such/x")
    message = r"CRMLAB_CACHE='~nobody_such/x' is .* the home of a user .*Set it to a folder"
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            datasets.load("orders", cohort=COHORT)
    assert not simulations
    assert len(datasets.load("orders", cohort="shipped"))


def test_cache_that_is_a_file(monkeypatch, tmp_path, simulations):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"CRMLAB_CACHE='.*file' is a file, or .*Set it to a folder"):
        datasets.load("orders", cohort=COHORT)
    assert (tmp_path / "file").read_text() == "mine"
    assert not simulations


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_means_the_usual_place(blank, monkeypatch, tmp_path):
    import platformdirs

    usual = tmp_path / "usual"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *args, **kwargs: usual)
    if blank is None:
        monkeypatch.delenv("CRMLAB_CACHE")
    else:
        monkeypatch.setenv("CRMLAB_CACHE", blank)
    assert _cache.folder(COHORT).parent == usual / "cohorts"


def test_home_and_relative_places(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CRMLAB_CACHE", "~/here")
    assert _cache.folder(COHORT).parent == tmp_path / "here" / "cohorts"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRMLAB_CACHE", "there")
    assert _cache.folder(COHORT).parent == tmp_path / "there" / "cohorts"
