"""The world as a whole: one seed one world, keys, dates, scale; nothing leaks from truth or between processes."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import pytest

from crmlab import simulate
from crmlab.datasets import _datapackage, _sealing
from crmlab.simulate import VERSION, cohort_seed, core, dates, registry, world

DICTIONARY = _datapackage.package()["resources"]


def table_of(one: simulate.World, resource: dict) -> pd.DataFrame:
    name = resource["path"].rsplit("/", 1)[-1].removesuffix(".csv")
    return (one.truth if resource.get("crmlab:truth") else one.tables)[name]


def same(a: simulate.World, b: simulate.World) -> bool:
    return not list(changed(a, b))


def changed(a: simulate.World, b: simulate.World) -> Iterator[str]:
    """Yield the names of tables and truths that differ."""
    assert list(a.tables) == list(b.tables)
    assert list(a.truth) == list(b.truth)
    for mark, left, right in (("", a.tables, b.tables), ("truth:", a.truth, b.truth)):
        yield from (mark + name for name in left if not left[name].equals(right[name]))


# -- one seed, one world --------------------------------------------------------------------------

GOLDEN = {  # of world(7, 300, accounts=30): a change of any byte is a new VERSION
    "version": "2",
    "sha256": "4acaf6d083f2a62c507ba2eea619b1b432fb3956a02b9c71f58f6551ad728371",
}


def digest(one: simulate.World) -> str:
    """Return the hash of all bytes of a world's files."""
    found = hashlib.sha256()
    for path, content in sorted(_sealing.files(one, "golden", 7, _datapackage.package()).items()):
        if path.endswith(".csv"):
            found.update(path.encode() + content)
    return found.hexdigest()


def test_a_change_of_bytes_is_a_new_version():
    """Bytes are promised for any NumPy, Python and machine: if this fails, raise VERSION and renew the hash."""
    assert (digest(world(7, 300, accounts=30)), VERSION) == (GOLDEN["sha256"], GOLDEN["version"])


def test_same_seed_same_world_and_other_seed_another():
    first = world(3, 200)
    assert same(first, world(3, 200))
    assert same(first, world(np.int64(3), np.int32(200), accounts=np.uint16(16), seasonal_orders=np.False_))
    differ = set(changed(first, world(4, 200)))
    drawn = (step for step in registry.processes() if {"rng", "draw"} & ancestors_need(step))
    stated = {"mailings", "improvements"}  # made beside what is drawn
    everything = {*first.tables, *(f"truth:{name}" for name in first.truth)}
    assert differ == everything & {name for step in drawn for name in step.makes} - stated
    assert not differ & {"product_lines", "order_channels", "calendar", "truth:parameters"}


def ancestors(name: str) -> set[str]:
    """Return the processes on which a process rests, itself included."""
    steps = {step.name: step for step in registry.processes()}
    makers = {
        result: {n for n, step in steps.items() if result in step.makes}
        for n in steps
        for result in steps[n].makes
    }
    found, ask = set(), [name]
    while ask:
        one = ask.pop()
        if one not in found:
            found.add(one)
            needs = (registry._result(need) for need in steps[one].needs)
            ask += [maker for need in needs for maker in makers.get(need, ())]
    return found


def ancestors_need(step: registry.Process) -> set[str]:
    """Return all arguments of a process and of those on which it rests."""
    steps = {one.name: one for one in registry.processes()}
    return {need for name in ancestors(step.name) for need in steps[name].needs}


def maker(table: str) -> str:
    return next(step.name for step in registry.processes() if table in step.makes)


def test_what_only_reads_changes_nothing_that_is_shared():
    """Orders rest on who buys and on the trials; surveys, contacts and ledgers of accounts do not reach them."""
    orders = ancestors(maker("orders"))
    assert {
        "purchases",
        "customer_care",
        "mailings",
        "club_invitation_trial",
        "winback_trial",
        "order_lines",
    } <= orders
    for table in (
        "contacts",
        "event_log",
        "satisfaction_survey",
        "kano_survey",
        "referrals",
        "leads",
        "account_months",
    ):
        assert maker(table) not in orders, table
    accounts = ancestors(maker("account_months"))
    assert not accounts & ancestors(maker("consumers"))


def test_sizes_touch_only_their_own_side():
    few = world(5, 100, accounts=40)
    by_customers = set(changed(few, world(5, 300, accounts=40)))
    by_accounts = set(changed(few, world(5, 100, accounts=41)))
    assert not by_customers & by_accounts
    assert {
        "accounts",
        "account_months",
        "account_reviews",
        "care_wave",
        "truth:account_stages",
    } <= by_accounts
    assert {"consumers", "orders", "leads", "kano_survey", "club_members"} <= by_customers
    assert not (by_customers | by_accounts) & {"inspections", "satisfaction_tracker", "calendar", "budgets"}


def test_accounts_come_in_proportion_unless_stated():
    sizes = {customers: world(1, customers).tables["care_wave"].shape[0] for customers in (50, 200, 400)}
    assert sizes == {50: 10, 200: 16, 400: 32}
    assert world(1, 60, accounts=33).tables["care_wave"].shape[0] == 33


def test_the_shipped_cohort_has_6000_customers_and_480_places(shipped):
    assert len(shipped.tables["consumers"]) == 6000
    assert len(shipped.tables["care_wave"]) == 480
    assert repr(shipped) == f"World({len(shipped.tables)} tables, 6,000 consumers)"
    assert _datapackage.package()["crmlab:seed"] == simulate.SHIPPED_SEED


def _shifted(original, process: str, seed: int, name: str) -> np.random.Generator:
    """Return another stream for one process, and that of everybody else as it is."""
    return original(seed + (name.split("/")[0] == process), name)


def test_a_process_changes_what_rests_on_it_and_nothing_else(monkeypatch):
    plain = world(5, 120, accounts=12)
    original = core.generator
    steps = {step.name: step for step in registry.processes()}
    for shifted, step in steps.items():
        if not {"rng", "draw"} & set(step.needs):
            continue
        other = partial(_shifted, original, shifted)
        monkeypatch.setattr(core, "generator", other)
        differ = set(changed(plain, world(5, 120, accounts=12)))
        may = {name for other in steps for name in steps[other].makes if shifted in ancestors(other)}
        assert differ, shifted
        assert differ <= may, shifted


def test_processes_do_not_share_a_stream(monkeypatch):
    asked = []
    original = core.generator
    monkeypatch.setattr(core, "generator", lambda seed, name: asked.append(name) or original(seed, name))
    world(5, 60)
    assert len(asked) == len(set(asked))


def test_large_worlds_say_what_they_are_doing(monkeypatch, capsys):
    monkeypatch.setattr(simulate, "LARGE", 59)
    world(5, 60)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("\rSimulating 60 customers: 1 of ")
    assert said.err.endswith("\n")
    assert said.err.count("\r") == len(registry.processes())
    world(5, 59)
    assert capsys.readouterr().err == ""


# -- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"seed": -1}, ValueError, "seed must be between 0"),
        ({"seed": 2**63}, ValueError, "seed must be between 0"),
        ({"seed": 1.5}, TypeError, "seed must be a whole number, found 1.5"),
        ({"seed": True}, TypeError, "seed must be a whole number, found True"),
        ({"seed": np.True_}, TypeError, "seed"),
        ({"seed": None}, TypeError, "seed"),
        ({"seed": "2026"}, TypeError, "seed must be a whole number, found '2026'"),
        ({"seed": pd.NA}, TypeError, "seed"),
        ({"seed": np.array([1])}, TypeError, "seed"),
        ({"seed": pd.Series([1, 2])}, TypeError, "seed"),
        ({"customers": 0}, ValueError, "customers must be between 50"),
        ({"customers": 49}, ValueError, "customers must be between 50 and 2,000,000, found 49"),
        ({"customers": -5}, ValueError, "found -5"),
        ({"customers": 2_000_001}, ValueError, "2,000,000"),
        ({"customers": 10**30}, ValueError, "2,000,000"),
        ({"customers": "2000"}, TypeError, "customers must be a whole number"),
        ({"customers": 100.0}, TypeError, "customers must be a whole number, found 100.0"),
        ({"customers": np.nan}, TypeError, "customers"),
        ({"customers": None}, TypeError, "customers"),
        ({"customers": [100]}, TypeError, "customers"),
        ({"accounts": 0}, ValueError, "accounts must be between 10"),
        ({"accounts": 9}, ValueError, "accounts must be between 10 and 1,000,000, found 9"),
        ({"accounts": 1_000_001}, ValueError, "accounts"),
        ({"accounts": 12.0}, TypeError, "accounts"),
        ({"accounts": False}, TypeError, "accounts"),
        ({"seasonal_orders": 1}, TypeError, "seasonal_orders must be True or False, found 1"),
        ({"seasonal_orders": None}, TypeError, "seasonal_orders"),
        ({"value_rate_correlation": 0.96}, ValueError, "value_rate_correlation must be at most 0.95"),
        ({"value_rate_correlation": -0.96}, ValueError, "value_rate_correlation must be at least -0.95"),
        ({"value_rate_correlation": np.nan}, TypeError, "value_rate_correlation must be a finite number"),
        ({"value_rate_correlation": np.inf}, TypeError, "value_rate_correlation"),
        ({"value_rate_correlation": "0"}, TypeError, "value_rate_correlation"),
        ({"value_rate_correlation": None}, TypeError, "value_rate_correlation"),
        ({"value_rate_correlation": True}, TypeError, "value_rate_correlation"),
    ],
)
def test_bad_arguments_are_named(arguments, error, says):
    with pytest.raises(error, match=says):
        world(**{"seed": 1, "customers": 100} | arguments)


def test_the_correlation_is_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        world(1, 100, 20, 20, 0.5)


@pytest.mark.parametrize("r", [0, np.float32(0.5), -0.95, 0.95])
def test_correlations_within_their_range_are_taken(r):
    small = world(1, 50, accounts=10, value_rate_correlation=r)
    assert small.truth["consumers"].notna().drop(columns="dropped_out_on").all(axis=None)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_the_smallest_world_is_whole(seed):
    small = world(seed, 50, accounts=10)
    assert all(len(frame) for frame in small.tables.values())
    assert type(small.tables) is dict
    assert type(small.truth) is dict


@pytest.mark.parametrize("seed", range(6))
def test_small_worlds_fit_the_dictionary(seed):
    """No seed brings a gap, an infinite value or another type where the dictionary allows none."""
    small = world(seed, 50 + seed, accounts=10 + seed)
    assert _sealing.files(small, "small", seed, _datapackage.package())


def test_cohort_seed_is_the_hash_of_the_name():
    assert cohort_seed("spring-2027") == int(hashlib.sha256(b"spring-2027").hexdigest()[:12], 16)
    assert cohort_seed("spring-2027") != cohort_seed("spring-2028")
    assert cohort_seed("a") != cohort_seed("A") != cohort_seed("A ")
    assert 0 <= cohort_seed("任何名字") < 2**48


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("", ValueError, "not empty"),
        (" \n", ValueError, "not empty"),
        ("\ud800", ValueError, "UTF-8 cannot write"),
        (None, TypeError, "must be a text"),
        (2027, TypeError, "found 2027"),
        (b"spring", TypeError, "must be a text"),
        (["spring"], TypeError, "must be a text"),
        (np.nan, TypeError, "must be a text"),
    ],
)
def test_names_that_cannot_be_are_refused(name, error, says):
    with pytest.raises(error, match=says):
        cohort_seed(name)


def test_a_world_pickles_and_copies():
    small = world(2, 50, accounts=10)
    assert same(small, pickle.loads(pickle.dumps(small)))
    deep = copy.deepcopy(small)
    deep.tables["orders"].loc[0, "amount"] = -1
    assert small.tables["orders"].loc[0, "amount"] > 0


def test_a_world_is_equal_to_itself_and_can_be_kept_in_a_set():
    """Tables are compared one by one, with `equals`; a world as a whole is itself."""
    small = world(2, 50, accounts=10)
    assert small == small
    assert small != world(2, 50, accounts=10)
    assert small in {small}


def test_what_a_student_changes_stays_in_their_world():
    mine = world(2, 50, accounts=10)
    for name in ("improvements", "competing_offers", "product_lines"):
        number = mine.tables[name].select_dtypes("number").columns[0]
        mine.tables[name].loc[0, number] = 77
    assert set(changed(mine, world(2, 50, accounts=10))) == {
        "improvements",
        "competing_offers",
        "product_lines",
    }


# -- keys and dates -------------------------------------------------------------------------------


def test_the_world_has_the_tables_of_the_dictionary(shipped):
    assert len(DICTIONARY) == len(shipped.tables) + len(shipped.truth)
    for resource in DICTIONARY:
        columns = [field["name"] for field in resource["schema"]["fields"]]
        assert list(table_of(shipped, resource)) == columns, resource["path"]


@pytest.mark.parametrize("resource", DICTIONARY, ids=lambda r: r["path"])
def test_keys_are_unique_and_refer_to_rows_that_are_there(large, resource):
    frame = table_of(large, resource)
    key = resource["schema"].get("primaryKey", [])
    assert key
    assert not frame.duplicated(key).any()
    assert frame[key].notna().all(axis=None)
    by_name = {r["name"]: r for r in DICTIONARY}
    for foreign in resource["schema"].get("foreignKeys", []):
        other = foreign["reference"]
        target = table_of(large, by_name[other["resource"] or resource["name"]])[other["fields"]]
        source = frame[foreign["fields"]].dropna().drop_duplicates()
        source.columns = other["fields"]
        assert len(source.merge(target.drop_duplicates())) == len(source), foreign


REACH_BACK = {  # what began before the files
    ("accounts", "started_on"),
    ("accounts", "joined_group_on"),
    ("bonds", "since"),
    ("products", "launched_on"),
    ("shops", "opened_on"),
    *(("leads", step) for step in ("created_on", "contacted_on", "visited_on", "quoted_on")),
}
REACH_AHEAD: set[tuple[str, str]] = set()


def test_dates_lie_in_the_history(large):
    first = {}
    for name, frame in [*large.tables.items(), *((f"truth:{n}", f) for n, f in large.truth.items())]:
        for column in frame.select_dtypes("datetime"):
            days = frame[column].dropna().dt.normalize()
            assert days.max() <= dates.TODAY or (name, column) in REACH_AHEAD, (name, column)
            assert days.min() >= dates.START or (name, column) in REACH_BACK, (name, column)
            first[name, column] = days.min()
    # what is an intervention starts with the last year
    for name, column in first:
        if column == "assigned_on" or name in ("mailings", "rival"):
            assert first[name, column] >= dates.INTERVENTION, name
    for name, column in (("orders", "order_date"), ("account_months", "month")):
        assert first[name, column] == dates.START, name
    for name, column in (("contacts", "date"), ("event_log", "at"), ("truth:incidents", "date")):
        assert first[name, column] < dates.START + pd.Timedelta(days=31), (
            f"{name} runs through the whole history"
        )


def test_a_customer_does_nothing_before_being_won(large):
    won = large.tables["consumers"].set_index("customer_id")["acquired_on"]
    for name, column in (
        ("orders", "order_date"),
        ("referrals", "date"),
        ("contacts", "date"),
        ("club_members", "joined_on"),
        ("customer_care", "assigned_on"),
        ("club_invitation", "assigned_on"),
    ):
        frame = large.tables[name]
        assert (frame[column] >= frame["customer_id"].map(won)).all(), name


def test_floats_are_rounded_and_finite(shipped):
    for frame in [*shipped.tables.values(), *shipped.truth.values()]:
        for column in frame.select_dtypes("float"):
            assert np.array_equal(frame[column], frame[column].round(6), equal_nan=True), column
            assert not np.isinf(frame[column]).any()
        assert frame.index.equals(pd.RangeIndex(len(frame)))


# -- nothing gives the truth away -----------------------------------------------------------------


def test_no_table_has_a_column_of_the_truth(shipped):
    keys = {"customer_id", "account_id", "event_id", "feature", "date", "month", "dimension"}
    hidden = {c for name in ("consumers", "accounts", "events", "service_quality", "incidents", "kano_categories")
              for c in shipped.truth[name]} - keys  # fmt: skip
    hidden -= {"complaints", "recovered"}  # counted by month; known to the contact centre
    assert {"buyer_class", "satisfaction", "trust_group", "episode_id", "category", "left"} <= hidden
    stated = {"rival": {"switching_cost"}, "club_months": {"left"}}  # as an account says; left the club
    for name, frame in shipped.tables.items():
        assert not hidden & set(frame) - stated.get(name, set()), name
    # account managers give a label, not the stage
    assert [name for name, frame in shipped.tables.items() if "stage" in frame] == ["account_reviews"]


def test_no_column_of_a_customer_stands_for_a_latent(large):
    """Neither a number nor the order of rows tells a latent score, beyond what a survey or a purchase can show."""
    scores = large.truth["consumers"].set_index("customer_id")
    latents = scores.select_dtypes("number")
    consumers = large.tables["consumers"].set_index("customer_id")
    numbers = consumers[["age", "ability_to_pay", "city_tier"]].assign(id=consumers.index)
    tie = pd.concat([numbers, latents], axis=1).corr("spearman").loc[numbers.columns, latents.columns].abs()
    assert tie.loc["id"].max() < 0.03
    assert tie.max().max() < 0.5  # age, city and means go with buying, and tell little of one person
    counts = pd.crosstab(scores["buyer_class"], pd.qcut(scores.index, 20))
    assert counts.div(counts.sum()).std(axis=1).max() < 0.02


def test_an_accounts_number_does_not_tell_its_group_stage_or_arm(large):
    first = large.truth["accounts"].iloc[:12_000]
    stages = large.truth["account_stages"].query("month == @dates.START")
    for values in (
        first["trust"],
        (stages["stage"] == "stability").astype(float),
        (large.tables["care_wave"]["arm"] == "care").astype(float),
    ):
        values = values.reset_index(drop=True)
        assert abs(values.corr(pd.Series(values.index))) < 4.5 / np.sqrt(len(values))


# -- scale ----------------------------------------------------------------------------------------


def test_amounts_are_such_that_who_pays_is_a_question(shipped):
    consumers = shipped.tables["orders"]["amount"].sum()
    accounts = shipped.tables["account_months"]["revenue"].sum()
    assert 0.05 < consumers / (consumers + accounts) < 0.5
    orders = shipped.tables["orders"]
    assert 130 < orders["amount"].mean() < 190
    by_customer = orders.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    top = by_customer.iloc[: len(by_customer) // 5].sum() / by_customer.sum()
    assert 0.5 < top < 0.8  # concentrated, as customers are
    assert 5 < len(orders) / 6000 < 12


def test_another_cohort_is_another_but_of_the_same_scale(shipped):
    other = world(cohort_seed("spring 2027"))
    for name in ("orders", "leads", "account_reviews", "event_log", "referrals"):
        assert 0.8 < len(other.tables[name]) / len(shipped.tables[name]) < 1.25, name
