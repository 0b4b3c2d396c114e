"""Do the trials show what they were made for? Run: python tests/studies/study_world_trials.py

For many cohorts of the shipped size: the difference of the arms in the outcome that was named beforehand, in standard
errors, for the mailings, the care calls, the recovery desk and the budgets; beside it outcomes that a cohort of this
size cannot carry. The table goes to results/world_trials.csv.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab.simulate import dates, registry

RESULTS = Path(__file__).parent / "results" / "world_trials.csv"
WANTED = ("mailing_contacts", "customer_care", "recovery_desk", "budgets", "orders")
SIZE = {"customers": 6_000, "accounts": 480}


def difference(treated: pd.Series, control: pd.Series) -> tuple[float, float]:
    """Return the difference of two means, and its number of standard errors."""
    effect = treated.mean() - control.mean()
    error = np.sqrt(treated.var() / len(treated) + control.var() / len(control))
    return effect, effect / error


def arms(frame: pd.DataFrame, outcome: str, treated: str, control: str) -> tuple[float, float]:
    """Return difference and standard errors of an outcome between two arms."""
    values = frame[outcome].astype(float).groupby(frame["arm"])
    return difference(values.get_group(treated), values.get_group(control))


def ordered(units: pd.DataFrame, orders: pd.DataFrame, first: int, last: int) -> pd.Series:
    """Say which units ordered from so many to so many days after their draw."""
    unit = units.reset_index(names="unit")[["unit", "customer_id", "assigned_on"]]
    pairs = unit.merge(orders[["customer_id", "order_date"]], on="customer_id")
    after = (pairs["order_date"] - pairs["assigned_on"]).dt.days
    return units.index.isin(pairs.loc[after.between(first, last), "unit"])


def cohort(seed: int) -> list[dict[str, object]]:
    """Return one row a trial and outcome of one cohort."""
    world = registry.run(registry.Setting(seed, **SIZE), wanted=WANTED)
    mail = world["mailing_contacts"]
    care = world["customer_care"]
    care = care.assign(arm=np.where(care["care_calls"] > 0, "calls", "none"))
    care["ordered"] = ordered(care, world["orders"], 14, 60)
    desk = world["recovery_desk"]
    desk["in_time"] = desk["recovered"] * (desk["hours_to_resolve"] <= desk["promised_hours"])
    solved = desk.dropna(subset="recovered")
    desk["again"] = ordered(desk, world["orders"], 1, 90)
    seen = desk[desk["assigned_on"] < dates.TODAY - pd.Timedelta(days=90)]
    lot = world["budgets"].query("quarter >= @dates.INTERVENTION")
    kept = lot["customers_kept"] / lot["customers_at_start"]
    figures = {
        ("mailings", "ordered_14_days", 1): arms(mail, "responded", "mail", "control"),
        ("mailings", "margin_14_days", 0): arms(mail, "margin_14_days", "mail", "control"),
        ("customer_care", "ordered_day_14_to_60", 1): arms(care, "ordered", "calls", "none"),
        ("recovery_desk", "recovered_in_time", 1): arms(solved, "in_time", "desk", "usual"),
        ("recovery_desk", "recovered", 0): arms(solved, "recovered", "desk", "usual"),
        ("recovery_desk", "buys_again_90_days", 0): arms(seen, "again", "desk", "usual"),
        ("budgets", "share_kept_high_against_none", 1): difference(
            kept[lot["keep_level"] >= 3], kept[lot["keep_level"] == 0]
        ),
    }
    rows = [
        {"trial": trial, "outcome": outcome, "named_beforehand": named, "effect": effect, "z": z}
        for (trial, outcome, named), (effect, z) in figures.items()
    ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohorts", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="replace results/world_trials.csv")
    chosen = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        rows = [row for rows in pool.map(cohort, range(50_000, 50_000 + chosen.cohorts)) for row in rows]
    found = pd.DataFrame(rows).assign(strong=lambda x: x["z"] >= 3)
    table = found.groupby(["trial", "outcome", "named_beforehand"], sort=False).agg(
        cohorts=("z", "size"), effect=("effect", "mean"), mean_z=("z", "mean"), share_z_3=("strong", "mean")
    )
    print(table.round(3).to_string())
    if chosen.write:
        table.reset_index().round(4).to_csv(RESULTS, index=False, lineterminator="\n")
        print(f"written: {RESULTS.name}")


if __name__ == "__main__":
    main()
