"""Quarterly budgets of twenty regions for winning and for keeping customers: a ledger of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..numbers import numbers
from ..registry import process

QUARTERS = pd.date_range(dates.START, dates.TODAY, freq="QS")
LEVELS = 5  # of each budget, from 0
REGION = numbers(
    "budgets",
    regions=(20, "regions", "in which the house has customers"),
    size=(300.0, "customers", "median at the start"),
    size_potential=(0.30, "log", "of customers at the start, per unit of a region's potential"),
    margin=(300.0, "yuan", "median margin that a customer brings in the twelve months after a quarter"),
    margin_potential=(0.08, "log", "of that margin, per unit of potential"),
    margin_noise=(0.04, "log", "standard deviation of that margin from quarter to quarter"),
)
WIN = numbers(
    "budgets",
    win_base=(0.07, "share", "customers won a quarter at level 0, per customer at the very start"),
    win_top=(0.09, "share", "what the largest budget could add to it"),
    win_scale=(1.2, "levels", "at which 63 per cent of that is reached"),
    win_potential=(0.30, "log", "of customers won, per unit of potential"),
    win_cost=(3000.0, "yuan", "a level and quarter for winning"),
)
KEEP = numbers(
    "budgets",
    keep_base=(1.35, "logit", "of keeping a customer over a quarter at level 0"),
    keep_top=(0.80, "logit", "what the largest budget could add"),
    keep_scale=(2.2, "levels", "at which 63 per cent of that is reached"),
    keep_potential=(0.20, "logit", "of keeping, per unit of potential"),
    keep_noise=(0.10, "logit", "standard deviation between regions beyond potential"),
    keep_cost=(1000.0, "yuan", "a level and quarter for keeping"),
)
RULE = numbers(
    "budgets",
    rule_win=(2.6, "level", "that managers gave to winning in an average region before July 2025"),
    rule_keep=(1.4, "level", "that managers gave to keeping in an average region before July 2025"),
    rule_potential=(1.0, "levels", "more of both, per unit of potential"),
    rule_noise=(0.8, "levels", "standard deviation of managers' choice beyond potential"),
    bill=(0.03, "log", "standard deviation of what was spent around the price of a level"),
)


@process(tables=("budgets",), truth=("budgets",))
def budgets(draw: Callable[[str], np.random.Generator]) -> dict[str, pd.DataFrame]:
    """Return the ledger, and what each pair of levels was to bring in the year of the draw."""
    regions = _regions(draw("regions"))
    levels = [
        _drawn(draw(f"lot/{n}"), n) if quarter >= dates.INTERVENTION else _chosen(draw(f"rule/{n}"), regions)
        for n, quarter in enumerate(QUARTERS)
    ]
    start = regions["size"].round().astype(int)
    ledger = []
    for quarter, level in zip(QUARTERS, levels, strict=True):
        row = _quarter(draw(f"outcomes/{quarter:%Y-%m}"), regions, level, start)
        ledger.append(row.assign(quarter=quarter))
        start = row["customers_kept"] + row["customers_won"]
    table = pd.concat(ledger, ignore_index=True)
    table = table[["region", "quarter", *table.columns.drop(["region", "quarter"])]]
    return {
        "budgets": table.sort_values(["region", "quarter"], ignore_index=True),
        "truth:budgets": _truth(regions, table),
    }


def _regions(rng: np.random.Generator) -> pd.DataFrame:
    """Return the regions with their potential, which nobody has in the files."""
    potential = rng.standard_normal(int(REGION.regions))
    potential = (potential - potential.mean()) / potential.std()
    return pd.DataFrame(
        {
            "region": np.arange(1, len(potential) + 1),
            "potential": potential,
            "size": REGION.size * np.exp(REGION.size_potential * potential),
            "margin": REGION.margin * np.exp(REGION.margin_potential * potential),
            "loyal": KEEP.keep_potential * potential + KEEP.keep_noise * rng.standard_normal(len(potential)),
        }
    )


def _chosen(rng: np.random.Generator, regions: pd.DataFrame) -> pd.DataFrame:
    """Return the levels of a quarter that managers chose: more where a region promises more."""
    more = RULE.rule_potential * regions["potential"]
    noise = RULE.rule_noise * rng.standard_normal((len(regions), 2))
    wish = pd.DataFrame(
        {"win_level": RULE.rule_win + more + noise[:, 0], "keep_level": RULE.rule_keep + more + noise[:, 1]}
    )
    return wish.round().clip(0, LEVELS - 1).astype(int)


def _drawn(rng: np.random.Generator, nth: int) -> pd.DataFrame:
    """Return the levels of a quarter by lot: every level of each budget in four regions.

    Twenty of the 25 pairs are used in a quarter, each once; other five stay out every quarter.
    """
    win = np.repeat(np.arange(LEVELS), LEVELS)
    keep = np.tile(np.arange(LEVELS), LEVELS)
    pairs = pd.DataFrame({"win_level": win, "keep_level": keep})
    used = pairs[(win + keep) % LEVELS != nth % LEVELS].to_numpy()
    return pd.DataFrame(rng.permutation(used), columns=pairs.columns)


def won_rate(level: np.ndarray) -> np.ndarray:
    """Return the customers won a quarter in an average region, per customer at the very start."""
    return WIN.win_base + WIN.win_top * -np.expm1(-np.asarray(level) / WIN.win_scale)


def keep_logit(level: np.ndarray) -> np.ndarray:
    """Return the log-odds of keeping a customer over a quarter in an average region."""
    return KEEP.keep_base + KEEP.keep_top * -np.expm1(-np.asarray(level) / KEEP.keep_scale)


def _expected(regions: pd.DataFrame, win_level: np.ndarray, keep_level: np.ndarray) -> pd.DataFrame:
    """Return for every region the customers to be won and the share to be kept."""
    won = regions["size"] * np.exp(WIN.win_potential * regions["potential"]) * won_rate(win_level)
    return pd.DataFrame({"won": won, "kept": expit(keep_logit(keep_level) + regions["loyal"])})


def _quarter(
    rng: np.random.Generator, regions: pd.DataFrame, level: pd.DataFrame, start: pd.Series
) -> pd.DataFrame:
    """Return what came of a quarter in every region."""
    expected = _expected(regions, level["win_level"], level["keep_level"])
    n = len(regions)
    bill = np.exp(RULE.bill * rng.standard_normal((n, 2)))
    margin = regions["margin"] * np.exp(REGION.margin_noise * rng.standard_normal(n))
    return level.assign(
        region=regions["region"],
        win_spent=(WIN.win_cost * level["win_level"] * bill[:, 0]).round(0).astype(int),
        keep_spent=(KEEP.keep_cost * level["keep_level"] * bill[:, 1]).round(0).astype(int),
        customers_at_start=start,
        customers_won=rng.poisson(expected["won"]),
        customers_kept=rng.binomial(start, expected["kept"]),
        margin_per_customer=margin.round(2),
    )


def _truth(regions: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return for each pair of levels what to expect of a region in a quarter of the year of the draw."""
    before = table["quarter"] < dates.INTERVENTION
    lot = table[~before].merge(regions, on="region")
    rows = []
    for win in range(LEVELS):
        for keep in range(LEVELS):
            expected = _expected(lot, win, keep)
            after = lot["customers_at_start"] * expected["kept"] + expected["won"]
            spent = win * WIN.win_cost + keep * KEEP.keep_cost
            chosen = before & (table["win_level"] == win) & (table["keep_level"] == keep)
            rows.append(
                {
                    "win_level": win,
                    "keep_level": keep,
                    "customers_won": expected["won"].mean().round(2),
                    "share_kept": expected["kept"].mean().round(4),
                    "profit": ((after * lot["margin"]).mean() - spent).round(0),
                    "chosen_by_managers": (chosen.sum() / before.sum()).round(4),
                }
            )
    out = pd.DataFrame(rows)
    return out.assign(optimal=(out["profit"] == out["profit"].max()).astype(int))
