"""The dictionary: everything described, one file a table, broken files refused with their name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_package import HOME, PACKAGE, RESOURCES, forget

from crmlab import build, datasets, simulate
from crmlab.datasets import _datapackage, _sealing


# -- what it says ---------------------------------------------------------------------------------
@pytest.mark.parametrize("name", RESOURCES)
def test_every_table_is_described(name):
    resource = RESOURCES[name]
    assert resource["title"], name
    assert resource["description"].endswith("."), name
    assert resource["path"] == ("" if resource["crmlab:truth"] else "tables/") + f"{name}.csv"
    assert name.startswith("truth/") is resource["crmlab:truth"]
    assert resource["crmlab:static"] in (True, False)
    schema = resource["schema"]
    fields = {field["name"]: field for field in schema["fields"]}
    assert schema["missingValues"] == [""]
    assert all(fields[key]["constraints"]["required"] for key in schema["primaryKey"])
    for key in schema.get("foreignKeys", []):
        other = RESOURCES[key["reference"]["resource"] or name]
        assert not other["crmlab:truth"], "a table must not lean on the truth"


@pytest.mark.parametrize("name", RESOURCES)
def test_every_column_is_described(name):
    for field in RESOURCES[name]["schema"]["fields"]:
        column = field["name"]
        assert field["title"], column
        assert field["unit"], f"{column}: where there is no unit, say none"
        assert field["description"].endswith((".", "”")), column
        assert field["description"] != field["title"], column
        if field.get("categoriesOrdered"):
            assert set(field["constraints"]["enum"]) <= set(field["categories"]), column


def test_describe_a_table():
    orders = datasets.describe("orders")
    assert list(orders.columns) == ["type", "unit", "may be missing", "allowed values", "description"]
    assert orders.index.name == "column"
    assert orders.loc["channel", "allowed values"] == "shop, web, app, call"
    assert orders.loc["amount", "allowed values"] == "at least 0"
    assert orders.loc["order_date", "allowed values"] == "2022-07-01 to 2026-06-30"
    assert set(orders["may be missing"].drop("campaign_id")) == {"no"}
    assert orders.loc["campaign_id", "may be missing"] == "yes"
    assert datasets.describe("leads").loc["customer_id", "may be missing"] == "yes"
    assert orders.attrs["title"] == "Orders"
    assert orders.attrs["description"].startswith("Every order")
    assert orders.attrs["key"] == "order_id"
    assert datasets.describe("order_lines").attrs["key"] == "order_id, line_no"


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({}, ""),
        ({"required": True}, ""),
        ({"minimum": 0}, "at least 0"),
        ({"maximum": 0}, "at most 0"),
        ({"minimum": 0, "maximum": 1}, "0 to 1"),
        ({"enum": [1, 2], "minimum": 0}, "1, 2"),
    ],
)
def test_allowed_values(limits, text):
    assert _datapackage._allowed({"constraints": limits}) == text


@pytest.mark.parametrize("truth", [False, True])
def test_describe_all_tables(truth):
    overview = datasets.describe(truth=truth)
    assert list(overview.columns) == ["title", "rows", "key", "description"]
    assert overview.index.name == "table"
    assert list(overview.index) == datasets.names(truth=truth)
    assert datasets.names() == list(datasets.describe().index) != datasets.names(truth=True)
    for name in overview.index:
        opened = (datasets.truth if truth else datasets.load)(name)
        assert len(opened) == overview.loc[name, "rows"]
        assert list(opened.columns) == list(datasets.describe(name, truth=truth).index)


def test_what_describe_returns_can_be_changed():
    told = datasets.describe("orders")
    told.loc["amount", "unit"] = "dollars"
    assert datasets.describe("orders").loc["amount", "unit"] == "yuan"


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


@pytest.mark.parametrize(
    "nonsense", ["", "../consumers", "tables/orders", "truth/parameters", "$or_ders{", "A"]
)
def test_a_name_that_is_none(nonsense):
    for call in (datasets.load, datasets.truth, datasets.describe, datasets.reference):
        with pytest.raises(ValueError, match="Choose from: "):
            call(nonsense)


@pytest.mark.parametrize(
    "nonsense", [3, float("nan"), ["orders"], b"orders", {}, pd.Series(["orders"]), Path("orders")]
)
def test_a_name_that_is_no_text(nonsense):
    for call in (datasets.load, datasets.truth, datasets.describe, datasets.reference):
        with pytest.raises(
            TypeError, match=rf"^name must be text, found {type(nonsense).__name__}\. Choose from: "
        ):
            call(nonsense)


def test_a_name_may_come_from_an_array():
    assert list(datasets.load(np.array(["orders"])[0])) == list(datasets.load("orders"))
    assert datasets.names(truth=np.True_) == datasets.names(truth=True)


@pytest.mark.parametrize("truth", ["yes", None, 1])
def test_truth_is_true_or_false(truth):
    for call in (datasets.names, datasets.describe, lambda truth: datasets.describe("orders", truth=truth)):
        with pytest.raises(TypeError, match="truth must be True or False, found"):
            call(truth=truth)


def test_a_table_asked_for_at_the_wrong_door():
    with pytest.raises(ValueError, match=r"not opened by load\(\) but by truth\('parameters'\)"):
        datasets.load("parameters")
    with pytest.raises(ValueError, match=r"not opened by truth\(\) but by load\('orders'\)"):
        datasets.truth("orders")
    with pytest.raises(TypeError, match=r"found NoneType\. Choose from"):
        datasets.load(None)


# -- one file a table -----------------------------------------------------------------------------
def change(file, **changes):
    """Change, or with None take out, what a description says."""
    told = json.loads(file.read_text(encoding="utf-8")) | changes
    file.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))


def test_package_is_what_people_wrote_and_what_the_machine_adds():
    """Every word of the built package stands in one hand-written file, but for these."""
    derived = {"name", "path", "crmlab:truth", "format", "mediatype", "encoding", "rows", "bytes", "hash"}
    assert set(PACKAGE) - {"resources"} == set(
        json.loads((HOME / "dictionary/_package.json").read_text(encoding="utf-8")) | {"version": 1}
    ) - {"order"} | {"crmlab:cohort", "crmlab:seed"}
    for name, resource in RESOURCES.items():
        told = json.loads((HOME / f"dictionary/{name}.json").read_text(encoding="utf-8"))
        assert set(resource) - derived == {"title", "description", "crmlab:static", "schema"}
        assert resource["title"] == told["title"]
        assert resource["description"] == told["description"]
        assert resource["crmlab:static"] == told["static"]
        for key in ("fields", "primaryKey", "foreignKeys"):
            assert resource["schema"].get(key) == told.get(key)
    head = list(PACKAGE)
    assert head[:6] == ["name", "title", "description", "version", "crmlab:cohort", "crmlab:seed"]
    assert head[-1] == "resources"
    files = {p.relative_to(HOME / "dictionary").as_posix() for p in (HOME / "dictionary").rglob("*.json")}
    assert files == {f"{name}.json" for name in RESOURCES} | {"_package.json"}


def test_built_twice_gives_the_same_bytes(copy):
    build.main(["dictionary"])
    first = {name: (copy / name).read_bytes() for name in ("datapackage.json", "README.md")}
    (copy / "datapackage.json").write_text("<<<<<<< HEAD\n")  # as a merge may leave it
    forget()
    build.main(["dictionary"])
    assert {name: (copy / name).read_bytes() for name in first} == first
    assert first == {name: (HOME / name).read_bytes() for name in first}


def test_a_changed_description_is_built_and_told(copy):
    change(copy / "dictionary/orders.json", title="All orders")
    assert datasets.describe("orders").attrs["title"] == "Orders"
    build.main(["dictionary"])
    assert datasets.describe("orders").attrs["title"] == "All orders"
    assert "**All orders.**" in (copy / "README.md").read_text(encoding="utf-8")


def test_a_new_file_is_found_and_asks_for_its_table(copy):
    (copy / "dictionary/aaa.json").write_bytes((copy / "dictionary/orders.json").read_bytes())
    (copy / "dictionary/truth/aab.json").write_bytes((copy / "dictionary/orders.json").read_bytes())
    found = [resource["name"] for resource in _sealing.described()["resources"]]
    assert found == [*RESOURCES, "aaa", "truth/aab"]
    with pytest.raises(SystemExit, match=r"tables/aaa\.csv is not there\. .*build data"):
        build.main(["dictionary"])
    (copy / "tables/aaa.csv").write_bytes((copy / "tables/orders.csv").read_bytes())
    (copy / "truth/aab.csv").write_bytes((copy / "tables/orders.csv").read_bytes())
    build.main(["dictionary"])
    assert len(datasets.load("aaa")) == len(datasets.truth("aab")) == len(datasets.load("orders"))


def test_a_file_that_jupyter_keeps_is_no_table(copy):
    (copy / "dictionary/.ipynb_checkpoints").mkdir()
    (copy / "dictionary/.ipynb_checkpoints/orders-checkpoint.json").write_text("{}")
    assert len(_sealing.described()["resources"]) == len(RESOURCES)


def columns(**changes):
    """Return what makes a description's first column another."""

    def damage(file):
        told = json.loads(file.read_text(encoding="utf-8"))["fields"]
        change(file, fields=[told[0] | changes, *told[1:]])

    return damage


def keys(**changes):
    """Return what makes a description's first reference another."""
    key = {"fields": ["customer_id"], "reference": {"resource": "consumers", "fields": ["customer_id"]}}
    return lambda file: change(file, foreignKeys=[key | changes])


BROKEN = {
    "empty": (lambda f: f.write_text(""), "cannot be read"),
    "half": (lambda f: f.write_bytes(f.read_bytes()[:500]), "cannot be read: .*line"),
    "too deep": (lambda f: f.write_text("[" * 100_000), "cannot be read"),
    "not UTF-8": (lambda f: f.write_bytes(b'{"a": "\xff"}'), "cannot be read"),
    "a list": (lambda f: f.write_text("[]"), r"must be an object, \{…\}, found \[\]"),
    "no title": (lambda f: change(f, title=None), "has no 'title'. It needs: title, description"),
    "no key": (lambda f: change(f, primaryKey=None), "has no 'primaryKey'"),
    "a slip": (
        lambda f: change(f, foreignKey=[]),
        "name='foreignKey' is not known. Did you mean 'foreignKeys'",
    ),
    "key is text": (
        lambda f: change(f, primaryKey="order_id"),
        "primaryKey must be of type list, found 'order_id'",
    ),
    "key of no column": (lambda f: change(f, primaryKey=[]), "primaryKey='' is not known"),
    "static is text": (lambda f: change(f, static="no"), "static must be of type bool, found 'no'"),
    "title is a list": (lambda f: change(f, title=[]), r"title must be of type str, found \[\]"),
    "name is missing": (columns(name=None), "column 1: name must be of type str, found None"),
    "limit is a list": (columns(constraints={"minimum": []}), r"minimum must be of type int \| float \| str"),
    "columns are an object": (lambda f: change(f, fields={}), "fields must be of type list"),
    "a column is text": (lambda f: change(f, fields=["order_id"]), "column 1 must be an object"),
    "no such type": (lambda f: columns(type="int")(f), "column order_id: type='int' is not known"),
    "no such limit": (
        lambda f: columns(constraints={"min": 1})(f),
        "column order_id: constraints: name='min'",
    ),
    "no such key": (
        lambda f: change(f, primaryKey=["orderid"]),
        "primaryKey='orderid' .*Did you mean 'order_id'",
    ),
    "no such own column": (keys(fields=["customer"]), "foreignKeys='customer' is not known"),
    "reference without a table": (keys(reference={"fields": ["x"]}), "reference has no 'resource'"),
    "one column for two": (
        keys(fields=["customer_id", "order_id"]),
        "foreignKeys must name as many fields here as of consumers",
    ),
    "no such table": (
        keys(reference={"resource": "consumer", "fields": ["customer_id"]}),
        "resource='consumer' is not known. Did you mean 'consumers'",
    ),
    "no such other column": (
        keys(reference={"resource": "consumers", "fields": ["customer"]}),
        "fields of consumers='customer' is not known",
    ),
}


@pytest.mark.parametrize(("damage", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_description_is_refused_with_its_name(damage, message, copy):
    damage(copy / "dictionary/orders.json")
    before = (copy / "datapackage.json").read_bytes(), (copy / "README.md").read_bytes()
    for command in ("dictionary", "data"):
        with pytest.raises(SystemExit, match=rf"dictionary/orders\.json.*{message}"):
            build.main([command])
    assert ((copy / "datapackage.json").read_bytes(), (copy / "README.md").read_bytes()) == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "_package.json").unlink(), r"_package\.json cannot be read"),
        (lambda folder: change(folder / "_package.json", order=["ordres"]), r"_package\.json names 'ordres'"),
        (lambda folder: change(folder / "_package.json", licenses=None), r"_package\.json has no 'licenses'"),
        (lambda folder: (folder / "Orders copy.json").write_text("{}"), r"Orders copy\.json has no 'title'"),
        (lambda folder: (folder / "truth/a-b.json").write_text("{}"), r"truth/a-b\.json has no 'title'"),
    ],
)
def test_a_broken_folder_is_refused(damage, message, copy):
    damage(copy / "dictionary")
    with pytest.raises(SystemExit, match=message):
        build.main(["dictionary"])


def test_a_table_that_was_changed_is_not_sealed_again(copy):
    page = copy / "tables/orders.csv"
    page.write_bytes(page.read_bytes().replace(b",web,", b",app,", 1))
    with pytest.raises(SystemExit, match=r"tables/orders\.csv was changed: .*git restore datasets/tables"):
        build.main(["dictionary"])


def test_a_description_that_the_table_breaks_is_refused(copy):
    told = json.loads((copy / "dictionary/orders.json").read_text(encoding="utf-8"))["fields"]
    told[4]["constraints"]["maximum"] = 10
    change(copy / "dictionary/orders.json", fields=told)
    with pytest.raises(SystemExit, match="Column amount of orders must be at most 10, found"):
        build.main(["dictionary"])
    change(copy / "dictionary/orders.json", fields=told[::-1])
    with pytest.raises(SystemExit, match="Columns of orders differ from the dictionary: their order"):
        build.main(["dictionary"])
    change(copy / "dictionary/orders.json", fields=[*told, told[0]])
    with pytest.raises(
        SystemExit, match=r"Columns of orders differ from the dictionary: .* one stands twice"
    ):
        build.main(["dictionary"])


@pytest.mark.parametrize(
    ("place", "changes", "message"),
    [
        (
            0,
            {"type": "date"},
            r"tables/orders\.csv cannot be read as dictionary/orders\.json says: time data",
        ),
        (
            3,
            {"type": "number"},
            r"cannot be read as dictionary/orders\.json says: could not convert .*'(shop|web|app|call)'",
        ),
        (3, {"categoriesOrdered": True}, r"cannot be read as dictionary/orders\.json says: 'categories'"),
        (3, {"constraints": {"minimum": 1}}, "Column channel of orders .*not supported"),
        (4, {"constraints": {"minimum": "few"}}, "Column amount of orders could not convert .*'few'"),
        (2, {"constraints": {"maximum": "soon"}}, "Column order_date of orders .*soon"),
    ],
)
def test_a_description_that_cannot_be_meant_names_the_table(place, changes, message, copy):
    told = json.loads((copy / "dictionary/orders.json").read_text(encoding="utf-8"))["fields"]
    told[place] |= changes
    change(copy / "dictionary/orders.json", fields=told)
    with pytest.raises(SystemExit, match=message):
        build.main(["dictionary"])


def test_tables_of_another_version_are_not_sealed(copy, monkeypatch):
    monkeypatch.setattr(simulate, "VERSION", "99")
    with pytest.raises(SystemExit, match=r"of version \S+, the simulator is 99\. .*build data"):
        build.main(["dictionary"])


def test_dictionary_and_world_must_have_the_same_tables(world):
    tables = {name: frame for name, frame in world.tables.items() if name != "orders"}
    other = simulate.World(tables | {"new": pd.DataFrame()}, world.truth)
    with pytest.raises(ValueError, match="do not have the same tables: new, orders"):
        _sealing.files(other, "x", 1, _datapackage.package())


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        (
            "orders",
            "customer_id",
            r"orders has 1 row\(s\) whose customer_id is not in consumers, .* is \[-1\]",
        ),
        ("accounts", "predecessor_id", r"accounts has 1 row\(s\) whose predecessor_id is not in accounts"),
    ],
)
def test_a_row_that_refers_to_nothing_is_refused(table, column, message, world):
    frame = world.tables[table].copy()
    frame.loc[frame[column].dropna().index[-1], column] = -1
    other = simulate.World(world.tables | {table: frame}, world.truth)
    with pytest.raises(ValueError, match=message):
        _sealing.files(other, "x", 1, _datapackage.package())


def test_a_reference_of_two_columns_is_checked_as_a_pair(world):
    reviews = world.tables["account_reviews"]
    months = world.tables["account_months"]
    seen = months["account_id"].eq(reviews["account_id"].iloc[0]) & months["month"].eq(
        reviews["month"].iloc[0]
    )
    other = simulate.World(world.tables | {"account_months": months[~seen]}, world.truth)
    with pytest.raises(
        ValueError, match=r"account_reviews has 1 .* account_id, month is not in account_months"
    ):
        _sealing.files(other, "x", 1, _datapackage.package())


def test_layout_of_the_dictionary():
    value = {"name": "茶", "limits": {"required": True, "enum": ["a", "b"]}, "none": []}
    assert json.loads(_sealing.layout(value, width=10)) == value
    line = json.dumps(value, ensure_ascii=False)
    assert _sealing.layout(value, width=len(line)) == line
    assert _sealing.layout(value, width=len(line) - 1) == (
        '{\n  "name": "茶",\n  "limits": {"required": true, "enum": ["a", "b"]},\n  "none": []\n}'
    )
