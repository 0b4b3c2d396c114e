"""The world as a whole: one seed one world, keys, dates, scale; nothing leaks from truth or between processes."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from crmlab import simulate
from crmlab.datasets import _datapackage, _sealing
from crmlab.simulate import accounts as acc
from crmlab.simulate import cohort_seed, core, encounters, people, purchases, surveys, world
from crmlab.simulate import parameters as par

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


def test_same_seed_same_world_and_other_seed_another():
    first = world(3, 200)
    assert same(first, world(3, 200))
    assert same(first, world(np.int64(3), np.int32(200), accounts=np.uint16(24), households=np.int8(7)))
    differ = set(changed(first, world(4, 200)))
    fixed = {"product_lines", "order_channels", "improvements", "competing_offers"}
    fixed |= {"truth:parameters", "truth:loadings", "truth:transition_matrices"}
    everything = {*first.tables, *(f"truth:{name}" for name in first.truth)}
    assert differ == everything - fixed


def test_sizes_touch_only_their_own_side():
    few = world(5, 100, accounts=40)
    business = {"accounts", "account_months", "account_reviews", "care_wave"}
    business |= {"truth:accounts", "truth:account_stages"}
    by_customers = set(changed(few, world(5, 300, accounts=40)))
    by_accounts = set(changed(few, world(5, 100, accounts=41)))
    assert by_accounts == business
    assert not by_customers & business
    assert {"consumers", "orders", "leads", "kano_survey"} <= by_customers
    assert not by_customers & {"inspections", "satisfaction_tracker"}
    assert same(few, world(5, 100, accounts=40, households=7))


def test_accounts_come_in_proportion_unless_stated():
    sizes = {customers: world(1, customers).tables["care_wave"].shape[0] for customers in (50, 100, 400)}
    assert sizes == {50: 10, 100: 12, 400: 48}
    assert world(1, 60, accounts=33).tables["care_wave"].shape[0] == 33


def test_the_shipped_cohort_has_2000_customers_and_240_places(shipped):
    assert len(shipped.tables["consumers"]) == 2000
    assert len(shipped.tables["care_wave"]) == 240
    assert repr(shipped) == "World(22 tables, 2,000 consumers)"
    assert _datapackage.package()["crmlab:seed"] == simulate.SHIPPED_SEED


def test_margins_and_costs_stand_beside_their_own_line_and_channel(shipped):
    lines = shipped.tables["product_lines"].set_index("product_line")["margin_rate"]
    assert lines.to_dict() == dict(zip(par.LINES, par.LINE_MARGINS, strict=True))
    channels = shipped.tables["order_channels"].set_index("channel")
    costs = channels[["cost_per_order", "cost_per_return"]].apply(tuple, axis=1)
    assert costs.to_dict() == dict(zip(par.ORDER_CHANNELS, par.CHANNEL_COSTS, strict=True))


ALL_OF_TRADE = {"orders", "order_lines", "contacts", "event_log", "truth:events", "truth:consumers"}
REACHES = {  # process -> the tables that it may change, through what it hands on
    "index_latents": None,
    "behaviour": None,
    "classes": {"orders", "order_lines", "truth:consumers", "contacts", "event_log", "truth:events"},
    "consumers": None,
    "leads": {"leads"},
    "orders": ALL_OF_TRADE | {"customer_care", "truth:incidents", "truth:driver_values"},
    "incidents": ALL_OF_TRADE | {"truth:incidents"},
    "customer_care": ALL_OF_TRADE | {"customer_care"},
    "order_values": {"orders", "order_lines", "contacts", "event_log", "truth:events"},
    "order_lines": {"order_lines"},
    "returns": {"order_lines"},
    "contacts": {"contacts"},
    "event_log": {"event_log", "truth:events"},
    "referrals": {"referrals"},
    "account_stages": {
        "accounts", "account_months", "account_reviews", "care_wave", "truth:accounts", "truth:account_stages",
    },
    "account_latents": {"truth:accounts", "care_wave"},
    "accounts": {"accounts"},
    "account_months": {"account_months"},
    "account_size": {"account_months"},
    "account_reviews": {"account_reviews"},
    "care_wave": {"care_wave"},
    "satisfaction_answers": {"satisfaction_survey"},
    "satisfaction_survey": {"satisfaction_survey"},
    "service_quality_survey": {"service_quality_survey", "truth:service_quality", "truth:improvements"},
    "kano_survey": {"kano_survey", "truth:kano_categories"},
    "offer_choices": {"offer_choices"},
    "satisfaction_tracker": {"satisfaction_tracker"},
    "inspections": {"inspections"},
}  # fmt: skip


def test_a_process_changes_what_it_hands_on_and_nothing_else(monkeypatch):
    plain = world(5, 70, accounts=10)
    business = {"accounts", "account_months", "account_reviews", "care_wave", "inspections"}
    seen = set()
    shifted = None

    def generator(seed, process):
        seen.add(process)
        return core.generator(seed + (process == shifted), process)

    for module in (acc, encounters, people, purchases, surveys):
        monkeypatch.setattr(module, "generator", generator)
    for shifted, reach in REACHES.items():
        differ = set(changed(plain, world(5, 70, accounts=10)))
        assert differ, shifted
        if reach is None:
            assert not differ & business, shifted
        else:
            assert differ <= reach, shifted
    assert seen == set(REACHES)


def test_processes_do_not_share_a_stream(monkeypatch):
    asked = []
    for module in (acc, encounters, people, purchases, surveys):
        monkeypatch.setattr(
            module, "generator", lambda seed, process: asked.append(process) or core.generator(seed, process)
        )
    world(5, 60)
    assert len(asked) == len(set(asked))


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
        ({"households": 0}, ValueError, "households must be between 1"),
        ({"households": 1_000_001}, ValueError, "households"),
        ({"households": "7"}, TypeError, "households"),
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
    assert par.IMPROVEMENTS.loc[0, "cost"] != 77


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


def test_dates_lie_in_the_history(large):
    before = {("accounts", "started_on"), ("satisfaction_tracker", "quarter")}  # these reach further back
    first = {}
    for name, frame in [*large.tables.items(), *((f"truth:{n}", f) for n, f in large.truth.items())]:
        for column in frame.select_dtypes("datetime"):
            days = frame[column].dropna().dt.normalize()
            assert days.max() <= par.TODAY, (name, column)
            assert days.min() >= par.START or (name, column) in before, (name, column)
            first[name, column] = days.min()
    # what answers an intervention starts with the last year
    for name, column in (
        ("contacts", "date"),
        ("event_log", "at"),
        ("customer_care", "assigned_on"),
        ("truth:incidents", "date"),
    ):
        assert first[name, column] >= par.INTERVENTION, name
    for name, column in (("orders", "order_date"), ("leads", "created_on"), ("account_months", "month")):
        assert first[name, column] == par.START, name


def test_a_customer_does_nothing_before_being_won(large):
    won = large.tables["consumers"].set_index("customer_id")["acquired_on"]
    # an enquiry comes a day before its order, and that can be the first
    for name, column, days in (
        ("orders", "order_date", 0),
        ("referrals", "date", 0),
        ("contacts", "date", 1),
    ):
        frame = large.tables[name]
        assert (frame[column] >= frame["customer_id"].map(won) - pd.Timedelta(days=days)).all(), name


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
    for name, frame in shipped.tables.items():
        assert not hidden & set(frame), name
    # account managers give a label, not the stage
    assert [name for name, frame in shipped.tables.items() if "stage" in frame] == ["account_reviews"]


def test_no_column_of_a_customer_stands_for_a_latent(large):
    """Neither a number nor the order of rows tells a latent score, beyond what a survey or a purchase can show."""
    scores = large.truth["consumers"].set_index("customer_id")
    latents = scores.select_dtypes("number")
    consumers = large.tables["consumers"].set_index("customer_id")
    numbers = consumers[["age", "ability_to_pay", "city_tier"]].assign(id=consumers.index)
    tie = pd.concat([numbers, latents], axis=1).corr("spearman").loc[numbers.columns, latents.columns].abs()
    assert tie.loc["ability_to_pay", "mean_order_value"] < 0.8
    tie.loc["ability_to_pay", "mean_order_value"] = 0
    tie.loc["age", list(par.CONSTRUCTS)] = 0  # through the channel
    assert tie.max().max() < 0.03
    counts = pd.crosstab(scores["buyer_class"], pd.qcut(scores.index, 20))
    assert counts.div(counts.sum()).std(axis=1).max() < 0.02


def test_an_accounts_number_does_not_tell_its_group_stage_or_arm(large):
    first = large.truth["accounts"].iloc[:12_000]
    stages = large.truth["account_stages"].query("month == @par.START")
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
    assert 5 < len(orders) / 2000 < 12


def test_another_cohort_is_another_but_of_the_same_scale(shipped):
    other = world(cohort_seed("spring 2027"))
    for name in ("orders", "leads", "account_reviews", "event_log", "referrals"):
        assert 0.8 < len(other.tables[name]) / len(shipped.tables[name]) < 1.25, name
