"""The tables, their dictionary, cohorts and the cache. No test touches the user's cache or the shipped files."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmlab import build, datasets, simulate

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "datasets"
DICTIONARY = json.loads((HOME / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {resource["name"]: resource for resource in DICTIONARY["resources"]}
COHORT = "spring 2027"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache and no choice of cohort, for every test."""
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "cache"))
    for variable in ("CRMLAB_COHORT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(datasets, "_chosen", None)
    datasets._simulated.cache_clear()
    yield tmp_path / "cache"
    datasets._simulated.cache_clear()


@pytest.fixture(scope="module")
def world():
    """The world of the cohort that the tests use."""
    return simulate.world(simulate.cohort_seed(COHORT))


@pytest.fixture(scope="module")
def files(world):
    """Its files, path -> bytes."""
    return datasets._files(world, COHORT, simulate.cohort_seed(COHORT))


@pytest.fixture
def kept(files):
    """The folder of a cohort that is whole in the cache; the process has forgotten it."""
    folder = datasets._cohort_folder(COHORT)
    datasets._publish(files, folder)
    return folder


@pytest.fixture
def simulations(monkeypatch):
    """Every call of the simulator, as a list of seeds."""
    seeds, world = [], simulate.world
    monkeypatch.setattr(simulate, "world", lambda seed: seeds.append(seed) or world(seed))
    return seeds


def frame_of(world, resource):
    tables = world.truth if resource["crmlab:truth"] else world.tables
    return tables[Path(resource["path"]).stem]


def parse(files, name):
    return datasets._parse(files[RESOURCES[name]["path"]], RESOURCES[name])


# -- the shipped cohort ---------------------------------------------------------------------------
def test_shipped_files_are_what_the_simulator_writes():
    locked = re.findall(r"^numpy==(\S+)", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    if np.__version__ not in locked or not sys.platform.startswith("linux"):
        pytest.skip(f"bytes are promised for NumPy {' and '.join(locked)} on Linux, this is {np.__version__}")
    differ = [path for path, content in build.shipped().items() if (HOME / path).read_bytes() != content]
    assert not differ, f"run python -m crmlab.build data: {differ}"


def test_no_file_is_left_over_and_all_are_small():
    found = {p.relative_to(HOME).as_posix() for f in ("tables", "truth") for p in (HOME / f).iterdir()}
    assert found == {resource["path"] for resource in RESOURCES.values()}
    assert sum((HOME / path).stat().st_size for path in found) <= 12e6


def test_readme_is_made_from_the_dictionary():
    assert (HOME / "README.md").read_bytes() == build.readme(), "run python -m crmlab.build dictionary"


def test_frictionless_accepts_every_row():
    from frictionless import Package

    report = Package(str(HOME / "datapackage.json")).validate()
    assert report.flatten(["name", "rowNumber", "fieldName", "note"]) == []
    assert len(report.tasks) == len(RESOURCES)


def test_frictionless_would_notice(tmp_path):
    """The validation above is not vacuous: constraints, keys and references are really checked."""
    from frictionless import Package

    shutil.copytree(HOME, tmp_path / "copy")
    page = tmp_path / "copy/tables/kano_survey.csv"
    lines = page.read_text().splitlines()
    lines[1] = lines[1].replace("like", "love", 1)  # not an answer
    lines[3] = lines[2]  # twice
    lines[4] = "999999" + lines[4][lines[4].index(",") :]  # nobody
    page.write_text("\n".join(lines) + "\n")
    package = json.loads((tmp_path / "copy/datapackage.json").read_text())
    small = ("consumers", "kano_survey")
    package["resources"] = [r for r in package["resources"] if r["name"] in small]
    (tmp_path / "copy/datapackage.json").write_text(json.dumps(package))
    kinds = {row[0] for row in Package(str(tmp_path / "copy/datapackage.json")).validate().flatten(["type"])}
    assert {"constraint-error", "primary-key", "foreign-key", "hash-count"} <= kinds


def test_lines_end_with_a_line_feed():
    for resource in RESOURCES.values():
        content = (HOME / resource["path"]).read_bytes()
        assert b"\r" not in content and content.endswith(b"\n"), resource["path"]


@pytest.mark.parametrize("name", RESOURCES)
def test_another_cohort_keeps_the_constraints_too(name, files):
    schema, frame = RESOURCES[name]["schema"], parse(files, name)
    assert not frame.duplicated(schema["primaryKey"]).any()
    for field in schema["fields"]:
        values, limits = frame[field["name"]].dropna(), field.get("constraints", {})
        as_is = pd.Timestamp if field["type"] in ("date", "datetime") else float
        assert "minimum" not in limits or (values >= as_is(limits["minimum"])).all(), field["name"]
        assert "maximum" not in limits or (values <= as_is(limits["maximum"])).all(), field["name"]
        assert "unique" not in limits or values.is_unique, field["name"]
    for key in schema.get("foreignKeys", []):
        other = parse(files, key["reference"]["resource"] or name).set_index(key["reference"]["fields"]).index
        assert frame.dropna(subset=key["fields"]).set_index(key["fields"]).index.isin(other).all(), key


# -- the dictionary -------------------------------------------------------------------------------
@pytest.mark.parametrize("name", RESOURCES)
def test_every_table_is_described(name):
    resource = RESOURCES[name]
    assert resource["title"] and resource["description"].endswith("."), name
    assert resource["path"] == ("" if resource["crmlab:truth"] else "tables/") + f"{name}.csv"
    assert name.startswith("truth/") == resource["crmlab:truth"]
    schema = resource["schema"]
    fields = {field["name"]: field for field in schema["fields"]}
    assert schema["missingValues"] == [""]
    assert all(fields[key]["constraints"]["required"] for key in schema["primaryKey"])
    for key in schema.get("foreignKeys", []):
        other = RESOURCES[key["reference"]["resource"] or name]
        assert not other["crmlab:truth"], "a table must not lean on the truth"
        assert set(key["fields"]) <= set(fields)
        assert set(key["reference"]["fields"]) <= {field["name"] for field in other["schema"]["fields"]}


@pytest.mark.parametrize("name", RESOURCES)
def test_every_column_is_described(name):
    for field in RESOURCES[name]["schema"]["fields"]:
        column = field["name"]
        assert field["title"] and field["unit"], f"{column}: where there is no unit, say none"
        assert field["description"].endswith((".", "”")) and field["description"] != field["title"], column
        assert field["type"] in {"integer", "number", "string", "date", "datetime"}, column
        if field.get("categoriesOrdered"):
            assert set(field["constraints"]["enum"]) <= set(field["categories"]), column


def test_licence_version_and_seed_are_stated():
    assert [licence["name"] for licence in DICTIONARY["licenses"]] == ["CC-BY-4.0"]
    assert DICTIONARY["version"] == simulate.VERSION
    assert DICTIONARY["crmlab:seed"] == simulate.SHIPPED_SEED
    assert DICTIONARY["sources"]


def test_describe_a_table_and_all_tables():
    orders = datasets.describe("orders")
    assert list(orders.columns) == ["type", "unit", "may be missing", "allowed values", "description"]
    assert orders.loc["channel", "allowed values"] == "shop, web, app, call"
    assert orders.attrs["title"] == "Orders" and orders.attrs["key"] == "order_id"
    for truth in (False, True):
        overview = datasets.describe(truth=truth)
        assert list(overview.index) == datasets.names(truth=truth)
        for name in overview.index:
            opened = (datasets.truth if truth else datasets.load)(name)
            assert len(opened) == overview.loc[name, "rows"]
            assert list(opened.columns) == list(datasets.describe(name, truth=truth).index)


# -- types ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", RESOURCES)
def test_csv_keeps_every_value(name, world, files):
    """What is read is what was simulated, to the last bit."""
    read, made = parse(files, name), frame_of(world, RESOURCES[name])
    assert_frame_equal(read, made, check_dtype=False, check_exact=True, check_categorical=False)


@pytest.mark.parametrize("name", RESOURCES)
def test_types_come_from_the_dictionary_and_agree_between_cohorts(name, files):
    resource = RESOURCES[name]
    frame = parse(files, name)
    shipped = (datasets.truth if resource["crmlab:truth"] else datasets.load)(Path(name).name)
    assert frame.dtypes.equals(shipped.dtypes)
    assert list(frame.columns) == [field["name"] for field in resource["schema"]["fields"]]
    for field in resource["schema"]["fields"]:
        dtype, missing = str(frame[field["name"]].dtype), not field["constraints"].get("required")
        if field["type"] == "integer":
            assert dtype == "int64" if not missing else dtype in ("Int64", "float64")
        elif field["type"] in ("date", "datetime"):
            assert dtype.startswith("datetime64")
        elif field["type"] == "number":
            assert dtype == "float64"
        else:
            assert dtype == ("category" if field.get("categoriesOrdered") else "str")


def test_missing_answers_do_not_break_arithmetic_and_ids_stay_whole():
    survey = datasets.load("satisfaction_survey")
    items = survey.filter(regex=r"^(quality|loyalty)_\d$")
    assert items.isna().any().all() and items.to_numpy().dtype == float  # Int64 would give objects
    assert str(datasets.load("leads")["customer_id"].dtype) == "Int64"


def test_stages_judged_and_true_can_be_compared():
    reviews, stages = datasets.load("account_reviews"), datasets.truth("account_stages")
    both = reviews.merge(
        stages, on=["account_id", "month"], suffixes=("_judged", "_true"), validate="one_to_one"
    )
    right = (both["stage_judged"] == both["stage_true"]).mean()  # raises if the categories differ
    assert 0.8 < right < 0.99
    assert both["stage_judged"].min() == "exploration"


def test_every_call_returns_a_fresh_copy():
    first = datasets.load("product_lines")
    first["margin_rate"] = 0.0
    assert datasets.load("product_lines")["margin_rate"].gt(0).all()


# -- truth stays out of the tables ----------------------------------------------------------------
def test_no_table_has_a_column_of_the_truth(world):
    seen = {("account_reviews", "stage"), ("contacts", "recovered")}  # as the house itself judged it
    for name, hidden in world.truth.items():
        keys = {*RESOURCES[f"truth/{name}"]["schema"]["primaryKey"], "date"}
        for table, shown in world.tables.items():
            if {"customer_id", "account_id", "event_id"} & set(hidden) & set(shown):
                leaked = {(table, column) for column in set(hidden) & set(shown) - keys}
                assert leaked <= seen, name


def test_no_column_stands_in_for_a_latent_score(world):
    known = ["repurchase_probability"]  # follows from the reported satisfaction with the visit
    for key in ("customer_id", "account_id"):
        tables = {n: f.set_index(key) for n, f in world.tables.items() if key in f and f[key].is_unique}
        hidden = {n: f.set_index(key) for n, f in world.truth.items() if key in f and f[key].is_unique}
        assert tables and hidden
        for table, shown in tables.items():
            for name, truth in hidden.items():
                scores = truth.drop(columns=known, errors="ignore").select_dtypes("float")
                answers = (
                    shown.select_dtypes("number").astype(float).reindex(scores.index).add_prefix("shown_")
                )
                if len(answers.dropna(how="all")) < 100:
                    continue
                both = pd.concat([answers, scores], axis=1).rank().corr()
                strongest = both.loc[answers.columns, scores.columns].abs().max().max()
                assert not strongest > 0.95, (table, name, strongest)


# -- names ----------------------------------------------------------------------------------------
def test_a_wrong_name_gets_the_closest_and_the_list():
    with pytest.raises(
        ValueError, match=r"'ordres' is not known\. Did you mean 'orders'\? Choose from: consumers, "
    ):
        datasets.load("ordres")
    with pytest.raises(ValueError, match=r"Did you mean 'parameters'\?"):
        datasets.truth("parameter")
    with pytest.raises(ValueError, match=r"Did you mean 'contacts'\?"):
        datasets.describe("contact")
    for nonsense in (None, 3, "", "../consumers"):
        with pytest.raises(ValueError, match="Choose from: "):
            datasets.load(nonsense)


def test_a_table_asked_for_at_the_wrong_door():
    with pytest.raises(ValueError, match=r"not opened by load\(\) but by truth\('parameters'\)"):
        datasets.load("parameters")
    with pytest.raises(ValueError, match=r"not opened by truth\(\) but by load\('orders'\)"):
        datasets.truth("orders")


# -- which cohort ---------------------------------------------------------------------------------
def test_argument_beats_choice_beats_environment(monkeypatch):
    assert datasets.current_cohort() == "shipped"
    monkeypatch.setenv("CRMLAB_COHORT", "  ")
    assert datasets.current_cohort() == "shipped"
    monkeypatch.setenv("CRMLAB_COHORT", "From Outside")
    assert datasets.current_cohort() == "from outside"
    datasets.use_cohort("chosen")
    assert datasets.current_cohort() == "chosen"
    asked = []
    monkeypatch.setattr(
        datasets, "_content", lambda cohort, path: asked.append(cohort) or (HOME / path).read_bytes()
    )
    datasets.load("orders", cohort="argument")
    datasets.truth("consumers", cohort="Shipped")
    datasets.load("orders")
    assert asked == ["argument", "shipped", "chosen"]
    datasets.use_cohort("shipped")
    assert datasets.current_cohort() == "shipped"  # whatever the environment says
    datasets.use_cohort(None)
    assert datasets.current_cohort() == "from outside"


def test_shipped_always_means_the_shipped_tables(simulations, cache):
    datasets.use_cohort(COHORT)
    orders = datasets.load("orders", cohort="shipped")
    assert_frame_equal(orders, pd.read_csv(HOME / "tables/orders.csv", parse_dates=["order_date"]))
    assert not simulations and not cache.exists()


@pytest.mark.parametrize("same", ["Spring 2027", " spring\t2027 ", "ＳＰＲＩＮＧ　２０２７"])
def test_spelling_of_a_cohort(same, monkeypatch):
    datasets.use_cohort(same)
    assert datasets.current_cohort() == COHORT


@pytest.mark.parametrize("bad", ["", "   ", "x" * 101, "bell\x07", 7, ["a"]])
def test_a_name_that_cannot_be_used(bad, monkeypatch):
    for attempt in (datasets.use_cohort, lambda name: datasets.load("orders", cohort=name)):
        with pytest.raises((ValueError, TypeError), match="must be"):
            attempt(bad)
    assert datasets.current_cohort() == "shipped"
    if isinstance(bad, str) and bad.strip():
        monkeypatch.setenv("CRMLAB_COHORT", bad)
        with pytest.raises(ValueError, match="CRMLAB_COHORT must be"):
            datasets.load("orders")


@pytest.mark.parametrize("name", ["../../up", "a/b\\c:d*?", "春季班", "con", "." * 100])
def test_any_name_stays_inside_the_cache(name, cache):
    folder = datasets._cohort_folder(datasets._cohort_name(name, "name"))
    assert folder.parent == cache / "cohorts"
    assert re.fullmatch("[0-9a-f]+", folder.name)


def test_versions_are_part_of_the_key(monkeypatch):
    folders = {datasets._cohort_folder(COHORT), datasets._cohort_folder("other")}
    with monkeypatch.context() as patch:
        patch.setattr(np, "__version__", "9.9.9")
        folders.add(datasets._cohort_folder(COHORT))
    with monkeypatch.context() as patch:
        patch.setattr(simulate, "VERSION", "other")
        folders.add(datasets._cohort_folder(COHORT))
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "_edition", lambda: "other")
        folders.add(datasets._cohort_folder(COHORT))
    assert len(folders) == 5


# -- cohorts --------------------------------------------------------------------------------------
def test_cohorts_differ_where_they_should(files):
    other = datasets._simulated("other", datasets._cohort_folder("other"))
    for resource in RESOURCES.values():
        path = resource["path"]
        three = {(HOME / path).read_bytes(), files[path], other[path]}
        assert len(three) == (1 if resource["crmlab:static"] else 3), path


def test_a_cohort_is_simulated_once_and_is_always_the_same(simulations, files, cache):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            assert_frame_equal(datasets.load("orders", cohort=COHORT), parse(files, "orders"))
            assert_frame_equal(datasets.truth("consumers", cohort=COHORT), parse(files, "truth/consumers"))
            datasets._simulated.cache_clear()  # a new process: now from the disk
    assert simulations == [simulate.cohort_seed(COHORT)]
    folder = datasets._cohort_folder(COHORT)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]  # no drafts
    assert datasets._whole(folder, files)


def test_a_cohort_in_the_cache_is_a_data_package(kept):
    package = json.loads((kept / "datapackage.json").read_text(encoding="utf-8"))
    assert (package["crmlab:cohort"], package["crmlab:seed"]) == (COHORT, simulate.cohort_seed(COHORT))
    assert all((kept / r["path"]).stat().st_size == r["bytes"] for r in package["resources"])


DAMAGE = {
    "file gone": lambda folder: (folder / "tables/orders.csv").unlink(),
    "cut short": lambda folder: os.truncate(folder / "tables/orders.csv", 5_000),
    "empty": lambda folder: os.truncate(folder / "tables/orders.csv", 0),
    "one digit changed": lambda folder: (folder / "tables/orders.csv").write_bytes(
        (folder / "tables/orders.csv").read_bytes().replace(b"1", b"2", 1)
    ),
    "no dictionary": lambda folder: (folder / "datapackage.json").unlink(),
    "half a dictionary": lambda folder: os.truncate(folder / "datapackage.json", 5_000),
    "empty dictionary": lambda folder: (folder / "datapackage.json").write_text("{}"),
    "another dictionary": lambda folder: (folder / "datapackage.json").write_text('{"resources": [1]}'),
    "not UTF-8": lambda folder: (folder / "datapackage.json").write_bytes(b"\xff\xfe\x00"),
    "dictionary too deep": lambda folder: (folder / "datapackage.json").write_text("[" * 100_000),
    "everything gone": lambda folder: shutil.rmtree(folder / "tables"),
    "a file in its place": lambda folder: (shutil.rmtree(folder), folder.write_text("")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cohort_is_noticed_and_mended(damage, kept, files, monkeypatch):
    monkeypatch.setattr(datasets, "_files", lambda *args: dict(files))
    damage(kept)
    assert_frame_equal(datasets.load("orders", cohort=COHORT), parse(files, "orders"))
    assert datasets._whole(kept, files)
    assert len(list(kept.parent.iterdir())) == 1


def test_two_processes_ask_for_one_cohort(tmp_path, files):
    """Both see the tables, one folder remains. They wait for each other before they begin."""
    code = (
        "import hashlib, sys, time; from pathlib import Path; from crmlab import datasets, simulate\n"
        "here = Path(sys.argv[1]); (here / sys.argv[2]).touch()\n"
        "while len(list(here.iterdir())) < 2: time.sleep(0.001)\n"
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
    folder = datasets._cohort_folder(COHORT)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert datasets._whole(folder, files)


def test_the_loser_of_a_race_uses_what_the_winner_wrote(kept, files):
    before = (kept / "datapackage.json").stat().st_ino
    datasets._publish(files, kept)
    assert (kept / "datapackage.json").stat().st_ino == before
    assert len(list(kept.parent.iterdir())) == 1


def test_drafts_of_killed_processes_go_after_a_day(kept, files):
    old, young = kept.parent / "draft-old", kept.parent / "draft-young"
    for draft in (old, young):
        draft.mkdir()
        (draft / "part.csv").touch()
    os.utime(old, (0, 0))
    datasets._publish(files, kept)
    assert not old.exists() and young.exists()


# -- disks that refuse ----------------------------------------------------------------------------
def loads_from_memory(files):
    """Load twice; expect the right tables and exactly one warning, which points here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            assert_frame_equal(datasets.load("orders", cohort=COHORT), parse(files, "orders"))
        assert_frame_equal(datasets.truth("consumers", cohort=COHORT), parse(files, "truth/consumers"))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    return str(caught[0].message)


def test_full_disk(monkeypatch, files, cache):
    write, written = Path.write_bytes, []

    def fill(path, content):
        written.append(path)
        if len(written) > 5:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill)
    message = loads_from_memory(files)
    assert "No space left" in message and "CRMLAB_CACHE" in message and COHORT in message
    assert list((cache / "cohorts").iterdir()) == []


def test_cache_that_cannot_be_made(monkeypatch, files, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "file" / "cache"))
    assert "cannot be kept" in loads_from_memory(files)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user can write everywhere")
def test_read_only_cache(files, cache):
    cache.mkdir()
    cache.chmod(0o555)
    assert "cannot be kept" in loads_from_memory(files)


def test_folder_that_cannot_be_renamed(monkeypatch, files, cache):
    """As on Windows while another program holds a file in it."""

    def refuse(path, target):
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(datasets.time, "sleep", lambda seconds: None)
    assert "Access is denied" in loads_from_memory(files)
    assert list((cache / "cohorts").iterdir()) == []


def test_account_without_a_home(monkeypatch, files):
    import platformdirs

    monkeypatch.delenv("CRMLAB_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *args, **kwargs: Path("~/.cache/crmlab"))
    assert "no cache folder" in loads_from_memory(files)


# -- shipped files that were changed --------------------------------------------------------------
def test_a_changed_shipped_file_is_not_used(monkeypatch, tmp_path):
    home = tmp_path / "datasets"
    shutil.copytree(HOME, home)
    monkeypatch.setattr(datasets, "_home", lambda: home)
    assert len(datasets.load("orders"))
    with (home / "tables/orders.csv").open("a") as stream:
        stream.write("99999,1,2026-06-30,web,1.0\n")
    with pytest.raises(
        OSError, match=r"orders\.csv cannot be used: it was changed or cut short.*git restore"
    ):
        datasets.load("orders")
    (home / "tables/orders.csv").unlink()
    with pytest.raises(OSError, match=r"orders\.csv cannot be used: .*git restore"):
        datasets.load("orders")


def test_package_without_tables(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "__file__", str(tmp_path / "crmlab" / "datasets.py"))
    with pytest.raises(FileNotFoundError, match="Install crmlab again"):
        datasets._home.__wrapped__()


# -- nbgrader -------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["autograde", "validate"])
def test_truth_is_closed_in_a_grading_run(monkeypatch, value):
    monkeypatch.setenv("NBGRADER_EXECUTION", value)
    assert datasets.grading()
    with pytest.raises(RuntimeError, match=r"truth\(\) is closed while nbgrader runs"):
        datasets.truth("parameters")
    assert len(datasets.load("orders"))


def test_nbgrader_still_says_that_it_is_grading():
    """The variable that grading() reads is the one that the installed nbgrader sets."""
    nbgrader = importlib.util.find_spec("nbgrader")
    if nbgrader is None:
        pytest.skip("nbgrader is not installed")
    for module, value in (("converters/autograde.py", "autograde"), ("validator.py", "validate")):
        source = (Path(nbgrader.origin).parent / module).read_text(encoding="utf-8")
        assert f"NBGRADER_EXECUTION='{value}'" in source


# -- writing --------------------------------------------------------------------------------------
SMALL = {
    "name": "small",
    "schema": {
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": True}},
            {"name": "kind", "type": "string", "constraints": {"enum": ["a", "b"]}},
            {"name": "on", "type": "date"},
            {"name": "x", "type": "number"},
        ],
        "missingValues": [""],
        "primaryKey": ["id"],
    },
}


def small(**columns):
    days = pd.to_datetime(["2026-01-01", None])
    return pd.DataFrame({"id": [1, 2], "kind": ["a", None], "on": days, "x": [0.1, np.nan]} | columns)


def test_csv_bytes():
    assert datasets._csv(small(), SMALL) == b"id,kind,on,x\n1,a,2026-01-01,0.1\n2,,,\n"
    assert_frame_equal(datasets._parse(datasets._csv(small(), SMALL), SMALL), small(), check_dtype=False)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [1, None]}, "Column id of small has missing values"),
        ({"id": [1, 2.5]}, "cannot safely cast"),
        ({"kind": ["a", "c"]}, "Column kind of small has values outside"),
        ({"on": pd.to_datetime(["2026-01-01 10:00", None])}, "Column on of small is finer than a day"),
        ({"x": [np.inf, 1.0]}, "Column x of small has infinite values"),
        ({"y": [1, 2]}, r"Columns of small differ from datapackage\.json: \['y'\]"),
    ],
)
def test_a_frame_that_does_not_fit_the_dictionary_is_not_written(columns, message):
    with pytest.raises((ValueError, TypeError), match=message):
        datasets._csv(small(**columns), SMALL)


def test_dictionary_and_world_must_have_the_same_tables(world):
    tables = {name: frame for name, frame in world.tables.items() if name != "orders"} | {
        "new": pd.DataFrame()
    }
    with pytest.raises(ValueError, match="do not have the same tables: new, orders"):
        datasets._files(simulate.World(tables, world.truth), "x", 1)


def test_build_writes_all_removes_what_is_gone_and_leaves_the_rest(monkeypatch, tmp_path, files, capsys):
    home = tmp_path / "datasets"
    (home / "tables").mkdir(parents=True)
    shutil.copy(HOME / "datapackage.json", home)
    for path in ("tables/gone.csv", "glossary.csv"):
        (home / path).write_text("a\n1\n")
    monkeypatch.setattr(datasets, "_home", lambda: home)
    monkeypatch.setattr(build, "shipped", lambda: dict(files))
    try:
        build.main(["data"])
        assert datasets._whole(home, files)
        assert not (home / "tables/gone.csv").exists() and (home / "glossary.csv").exists()
        assert (home / "README.md").read_bytes() == build.readme()
        assert "1 removed" in capsys.readouterr().out
        build.main(["data"])
        assert "0 files written, 0 removed" in capsys.readouterr().out
    finally:
        datasets._dictionary.cache_clear()
        datasets._edition.cache_clear()


def test_a_failed_write_leaves_the_old_file(monkeypatch, tmp_path):
    page = tmp_path / "page.csv"
    page.write_bytes(b"old")

    def refuse(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        build.write(page, b"new")
    assert page.read_bytes() == b"old" and [p.name for p in tmp_path.glob(".*")] == []


def test_published_figures_load_and_a_wrong_name_gets_the_nearest():
    published = datasets.reference("ecsi_mobile_published")
    assert set(published["table"]) == {"pathCoefficients", "outerWeights", "totalEffects"}
    with pytest.raises(ValueError, match="Did you mean 'ecsi_mobile_moments'"):
        datasets.reference("ecsi_mobile_moment")
    with pytest.raises(ValueError, match="Choose from"):
        datasets.reference("../tables/orders")
