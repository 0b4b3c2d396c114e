"""The shipped files: made by the simulator, sealed, accepted by Frictionless, and refused when changed."""

from __future__ import annotations

import json
import shutil

import pytest
from small_package import HOME, PACKAGE, RESOURCES

from crmlab import build, datasets, simulate
from crmlab.datasets import _datapackage, _places


def test_shipped_files_are_what_the_simulator_writes():
    differ = [path for path, content in build.shipped().items() if (HOME / path).read_bytes() != content]
    assert not differ, f"run python -m crmlab.build data: {differ}"


def test_dictionary_is_not_stale(monkeypatch, capsys):
    """datapackage.json and README.md are what the files in dictionary/ and the tables give."""
    kept = {}
    monkeypatch.setattr(build, "write_all", lambda home, files: kept.update(files) or [])
    build.main(["dictionary"])
    assert set(kept) == {"datapackage.json", "README.md"}
    for name, content in kept.items():
        assert (HOME / name).read_bytes() == content, f"{name}: run python -m crmlab.build dictionary"


def test_no_file_is_left_over_and_all_are_small():
    found = {p.relative_to(HOME).as_posix() for f in ("tables", "truth") for p in (HOME / f).iterdir()}
    assert found == {resource["path"] for resource in RESOURCES.values()}
    assert sum((HOME / path).stat().st_size for path in found) <= 16e6


def test_frictionless_accepts_every_row():
    from frictionless import Package

    report = Package(str(HOME / "datapackage.json")).validate()
    assert report.flatten(["name", "rowNumber", "fieldName", "note"]) == []
    assert len(report.tasks) == len(RESOURCES)


def test_frictionless_would_notice(tmp_path):
    """The validation above is not vacuous: constraints, keys and references are really checked."""
    from frictionless import Package

    names = ("consumers", "kano_survey")
    package = PACKAGE | {"resources": [RESOURCES[name] for name in names]}
    (tmp_path / "tables").mkdir()
    (tmp_path / "datapackage.json").write_text(json.dumps(package))
    for name in names:
        shutil.copy(HOME / f"tables/{name}.csv", tmp_path / "tables")
    page = tmp_path / "tables/kano_survey.csv"
    lines = page.read_text().splitlines()
    lines[1] = lines[1].replace("must-be", "love", 1)  # not an answer
    lines[3] = lines[2]  # twice
    lines[4] = "999999" + lines[4][lines[4].index(",") :]  # nobody
    page.write_text("\n".join(lines) + "\n")
    kinds = {row[0] for row in Package(str(tmp_path / "datapackage.json")).validate().flatten(["type"])}
    assert {"constraint-error", "primary-key", "foreign-key", "hash-count"} <= kinds


def test_lines_end_with_a_line_feed():
    for resource in RESOURCES.values():
        content = (HOME / resource["path"]).read_bytes()
        assert b"\r" not in content, resource["path"]
        assert content.endswith(b"\n"), resource["path"]


def test_licence_version_and_seed_are_stated():
    assert [licence["name"] for licence in PACKAGE["licenses"]] == ["CC-BY-4.0"]
    assert PACKAGE["version"] == simulate.VERSION
    assert PACKAGE["crmlab:seed"] == simulate.SHIPPED_SEED
    assert PACKAGE["crmlab:cohort"] == datasets.SHIPPED
    assert PACKAGE["sources"]


def test_seals_are_those_of_the_files():
    for resource in RESOURCES.values():
        content = (HOME / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == _datapackage.digest(content)
        assert resource["rows"] == content.count(b"\n") - 1, "no cell has a line break"


def test_a_changed_shipped_file_is_not_used(copy):
    assert len(datasets.load("orders"))
    with (copy / "tables/orders.csv").open("a") as stream:
        stream.write("99999,1,2026-06-30,web,1.0\n")
    with pytest.raises(
        OSError, match=r"orders\.csv cannot be used: it was changed or cut short.*git restore"
    ):
        datasets.load("orders")
    (copy / "tables/orders.csv").unlink()
    with pytest.raises(OSError, match=r"orders\.csv cannot be used: .*git restore"):
        datasets.load("orders")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"resources": []}', '{"resources": [{}]}', "[" * 100_000, None]
)
def test_a_broken_dictionary_is_named(content, copy):
    if content is None:
        (copy / "datapackage.json").unlink()
    else:
        (copy / "datapackage.json").write_text(content)
    for call in (datasets.names, datasets.describe, lambda: datasets.load("orders", "spring")):
        with pytest.raises(OSError, match=r"datapackage\.json cannot be used .*git restore"):
            call()


def test_package_without_tables(monkeypatch, tmp_path):
    monkeypatch.setattr(_places, "__file__", str(tmp_path / "crmlab" / "datasets" / "_places.py"))
    (tmp_path / "datasets").mkdir()  # somebody's, without tables
    with pytest.raises(FileNotFoundError, match="Install crmlab again"):
        _places.home.__wrapped__()
    for folder in ("datasets", "crmlab/_datasets"):  # an installed package looks into itself first
        (tmp_path / folder / "tables").mkdir(parents=True)
        assert _places.home.__wrapped__() == tmp_path / folder


def test_published_figures_load_and_a_wrong_name_gets_the_nearest():
    published = datasets.reference("ecsi_mobile_published")
    assert set(published["table"]) == {"pathCoefficients", "outerWeights", "totalEffects"}
    with pytest.raises(ValueError, match="Did you mean 'ecsi_mobile_moments'"):
        datasets.reference("ecsi_mobile_moment")
    with pytest.raises(ValueError, match="Choose from") as raised:
        datasets.reference("../tables/orders")
    listed = str(raised.value).partition("Choose from: ")[2].removesuffix(".").split(", ")
    assert listed == sorted(path.stem for path in (HOME / "reference").glob("*.csv"))


def test_a_broken_table_of_figures_is_named(monkeypatch, tmp_path):
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference/empty.csv").touch()
    monkeypatch.setattr(_places, "home", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"reference/empty\.csv cannot be read"):
        datasets.reference("empty")
