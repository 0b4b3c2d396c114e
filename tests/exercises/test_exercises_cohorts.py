"""Every exercise on other cohorts: a few here; the stored figures are of two hundred, and must not be stale."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
import toy_items
from studies import study_exercises as study

from crmlab.exercises import Item

REAL = study.every_item()
ALL = [*REAL, *toy_items.ITEMS]
RARE = 1 / 50


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> pd.DataFrame:
    """One row per item, rival and cohort: is the reference finite, does the rival agree with it?"""
    return study.run(ALL, request.config.getoption("--cohorts"))


def test_references_are_finite_on_every_cohort(runs: pd.DataFrame):
    assert runs[~runs["finite"]].empty


def test_rivals_are_further_away_than_the_tolerance_on_every_cohort(runs: pd.DataFrame):
    table = runs.groupby(study.KEYS, sort=False)["agrees"].sum()
    named = {(item.id, name) for item in ALL for name in item.exceptions}
    most = max(1, runs["cohort"].nunique() * RARE)
    too_often = table[[found > (most if key in named else 0) for key, found in table.items()]]
    assert too_often.empty, f"agrees with the reference:\n{too_often}"


# --- the stored figures ----------


@pytest.mark.parametrize("item", REAL, ids=lambda item: item.id)
def test_stored_figures_are_not_stale(item: Item):
    reason = study.stale(item, study.stored(item.chapter))
    if reason.startswith("run on world"):
        warnings.warn(f"{item.id}: {reason}. Run: {study.COMMAND} {item.id}", stacklevel=1)
    else:
        assert not reason, f"{reason}. Run: {study.COMMAND} {item.id}"


FEW = 40  # cohorts on which the items were run when the world changed; chapters 6 to 8 are to be taught again


@pytest.mark.parametrize("item", REAL, ids=lambda item: item.id)
def test_stored_figures_are_of_enough_cohorts(item: Item):
    own = study.stored(item.chapter).loc[item.id]
    share = own["agree"] / own["cohorts"]
    assert all(value < (RARE if name in item.exceptions else 1e-9) for name, value in share.items())
    assert (own["cohorts"] >= FEW).all()
    if (own["cohorts"] < study.COHORTS).all():
        pytest.xfail(
            f"{item.id} ran on {own['cohorts'].min()} cohorts of the second world; {study.COHORTS} are due"
        )


def test_no_figures_of_what_is_gone():
    files = {path.name for path in study.RESULTS.glob("*")}
    assert files == {f"ch{chapter:02}.csv" for chapter in {item.chapter for item in REAL}}
    for chapter in {item.chapter for item in REAL}:
        wanted = [(item.id, rival.name) for item in study.items(chapter) for rival in item.rivals]
        assert list(study.stored(chapter).index) == wanted


# --- the study itself, on a chapter of its own ----------

CHAPTER = '''"""A chapter."""
from crmlab.exercises import Item, Rival

RATE = 0.2  # a year


def _twice(x):
    """Double."""
    return 2 * x


def unused():
    return 7


def reference():
    return _twice(RATE)


def wrong():
    return RATE


ITEMS = (Item(id="97.1", points=1, reference=reference, rivals=(Rival(wrong, "Twice."),), hint="-", concepts=()),)
'''


def hash_of(source: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> str:
    """Return the hash of the item of a chapter with that source."""
    (tmp_path / "hashed.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(study.sys.modules, "hashed", raising=False)
    study._top_level.cache_clear()
    study.importlib.invalidate_caches()
    study.sys.dont_write_bytecode = True
    import linecache

    linecache.checkcache()
    return study.code(study.importlib.import_module("hashed").ITEMS[0])


@pytest.mark.parametrize(
    ("old", "new", "moves"),
    [
        ("return 2 * x", "return 3 * x", True),
        ("RATE = 0.2", "RATE = 0.3", True),
        ("return RATE\n", "return RATE + 1\n", True),
        ("concepts=()", "concepts=(), tolerance=0.1", True),
        ("concepts=()", "concepts=(), relative=0.1", True),
        ("concepts=()", "concepts=(), decimals=1", True),
        ("concepts=()", "concepts=(), ordered=True", True),
        ("concepts=()", "concepts=(), choices=('a',)", True),
        ("concepts=()", "concepts=(), cases=unused", True),
        ("reference=reference", "reference=unused", True),
        ("Rival(wrong,", "Rival(unused,", True),
        ("  # a year", "  # a month", False),
        ('    """Double."""\n', "", False),
        ("return 7", "return 8", False),
        ("def unused", "\n\n\ndef unused", False),
        ("2 * x", "(2 *  x)", False),
        ('"Twice."', '"Double it."', False),
    ],
)
def test_hash_moves_with_what_can_move_the_answers(
    old: str, new: str, moves: bool, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    assert CHAPTER.count(old) == 1
    before = hash_of(CHAPTER, monkeypatch, tmp_path)
    assert (hash_of(CHAPTER.replace(old, new), monkeypatch, tmp_path) != before) == moves


def test_function_without_a_name_of_its_own_is_refused():
    item = Item(id="99.1", points=1, reference=lambda: 1, rivals=(), hint="-", concepts=())
    with pytest.raises(ValueError, match=r"item 99\.1: give <lambda> a name"):
        study.code(item)


@pytest.fixture
def figures() -> pd.DataFrame:
    return study.fresh(list(toy_items.ITEMS[:3]), 2)


def test_figures_are_stale_for_a_reason(figures: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    item = toy_items.ITEMS[0]
    key = (item.id, "by_column")
    assert study.stale(item, figures) == ""
    assert study.stale(toy_items.ITEMS[5], figures) == "never run"
    assert study.stale(item, figures.assign(code="x")) == "its code has changed"
    assert study.stale(item, figures.rename(index={"by_column": "other"})) == "its code has changed"
    assert study.stale(item, figures.assign(world="0")).startswith("run on world 0, today's is")
    moved = figures.copy()
    moved.loc[key, "wrong"] *= 1.01
    assert study.stale(item, moved) == "other answers on the shipped cohort: by_column"
    moved.loc[key, "right"] *= 1.01
    assert study.stale(item, moved) == "other answers on the shipped cohort: the reference, by_column"


def test_changed_figures_are_told(figures: pd.DataFrame):
    key = ("99.2", "years_stable")
    assert figures.loc[key, ["cohorts", "agree"]].tolist() == [2, 0]
    assert study.differences(figures, figures) == []
    assert study.differences(figures, figures.assign(cohorts=200)) == []
    after = figures.copy()
    after.loc[key, "agree"] = 1
    assert study.differences(figures, after) == [
        "99.2, years_stable: agreed in 0 of 2 cohorts, now in 1 of 2"
    ]


def test_stale_items_alone_are_run(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    monkeypatch.setattr(study, "chapters", lambda: [99])

    def main(*arguments: str) -> str:
        monkeypatch.setattr(study.sys, "argv", ["study", "--cohorts", "1", *arguments])
        study.main()
        return capsys.readouterr().out

    assert "99.1: never run" in main("99.1", "99.3")
    before = study.stored(99)
    assert main("99.1") == "No figure is stale.\n"
    assert main("99.1", "--all") == "99.1: run again\n"
    pd.testing.assert_frame_equal(study.stored(99), before)
    assert main().startswith("99.2: never run\n99.4: never run")
    assert list(dict.fromkeys(key[0] for key in study.stored(99).index)) == [
        item.id for item in toy_items.ITEMS
    ]
    path = tmp_path / "ch99.csv"
    path.write_text(path.read_text().replace("99.3,arrivals,1,0", "99.3,arrivals,1,1"), encoding="utf-8")
    assert "99.3, arrivals: agreed in 1 of 1 cohorts, now in 0 of 1" in main("99.3", "--all")
    with pytest.raises(SystemExit):
        main("99.77")


@pytest.mark.parametrize(
    ("answer", "other"),
    [
        (1.0, -1.0),
        ((1.0, 2.0), (1.0, -2.0)),
        (pd.DataFrame([[0.5, 0.5], [0.5, 0.5]]), pd.DataFrame([[0.9, 0.1], [0.5, 0.5]])),
        ("stability", "decline"),
        (True, False),
    ],
)
def test_figure_tells_answers_apart(answer: object, other: object):
    assert study.figure(answer) == study.figure(answer) != study.figure(other)
