"""The tea club: what Cox regression converges to, and what a class can see. Run: python tests/studies/study_world_club.py

`population`: Cox regression (ties by Efron) and a discrete-time hazard (complementary log-log) of leaving on plan, app and
an open complaint, without the members' own probabilities, in many worlds of 100,000 consumers; mean and its error.
`power`: both trials in 100 cohorts of 6,000 consumers: for each outcome the mean difference, the mean z, and the share of
cohorts with z >= 3. The outcomes named beforehand are marked. Tables go to results/world_club_population.csv and
results/world_club.csv.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab.simulate import core, dates
from crmlab.simulate.processes.club import POPULATION
from crmlab.simulate.registry import Setting, run

RESULTS = Path(__file__).parent / "results"
EFFECTS = list(POPULATION.columns)
DAY = dates.INTERVENTION


def cox(members: pd.DataFrame) -> object:
    """Fit Cox regression to spells that are split where a complaint opens."""
    opens = (members["complaint_from"] - members["joined"]).to_numpy()
    opened = opens < members["months"]
    before = members.assign(
        complaint_open=0, entry=0.0, stop=np.where(opened, opens, members["months"]), event=~opened
    )
    after = members.assign(complaint_open=1, entry=opens, stop=members["months"], event=True)[opened]
    spells = pd.concat([before, after], ignore_index=True)
    spells = spells.assign(plus=spells["plan"] == "plus", event=spells["event"] & spells["left"])
    spells = spells[(spells["stop"] > 0) & (spells["entry"] < spells.loc[spells["event"], "stop"].max())]
    # statsmodels counts who enters in month 5 as at risk in month 5 already: half a month later is right
    entry = (spells["entry"] + 0.5).to_numpy()
    exog = spells[EFFECTS].astype(float)
    return sm.PHReg(spells["stop"], exog, spells["event"].astype(int), entry=entry, ties="efron").fit()


def cloglog(members: pd.DataFrame) -> object:
    """Fit a discrete-time hazard to counts by month of membership, plan, app and complaint."""
    at, tenure = core.spread(members["months"])
    rows = members.iloc[at].assign(tenure=tenure)
    rows["complaint_open"] = (rows["joined"] + tenure >= rows["complaint_from"]).astype(int)
    rows["left"] = rows["left"] & (tenure == rows["months"] - 1)
    cells = (
        rows.groupby(["tenure", "plan", "app", "complaint_open"])["left"].agg(["sum", "size"]).reset_index()
    )
    cells = cells[cells.groupby("tenure")["sum"].transform("sum") > 0]
    exog = cells.assign(plus=cells["plan"] == "plus")[EFFECTS].astype(float)
    exog = exog.join(pd.get_dummies(cells["tenure"], prefix="month", dtype=float))
    left = np.column_stack([cells["sum"], cells["size"] - cells["sum"]])
    return sm.GLM(left, exog, family=sm.families.Binomial(sm.families.links.CLogLog())).fit()


def estimates(seed: int) -> pd.DataFrame:
    """Return both regressions' coefficients in one world of 100,000 consumers."""
    members = run(Setting(seed, 100_000, 10), wanted=["members"])["members"]
    fits = {"cox": cox(members), "cloglog": cloglog(members)}
    found = {name: np.asarray(fit.params)[: len(EFFECTS)] for name, fit in fits.items()}
    return pd.DataFrame(found, index=EFFECTS).rename_axis("effect").reset_index()


def population(pool: ProcessPoolExecutor, worlds: int) -> pd.DataFrame:
    found = pd.concat(pool.map(estimates, range(80_000, 80_000 + worlds)))
    found = found.melt("effect", var_name="method", value_name="value")
    out = found.groupby(["method", "effect"])["value"].agg(mean="mean", error="sem", worlds="size")
    return out.reindex(pd.MultiIndex.from_product([POPULATION.index, EFFECTS], names=["method", "effect"]))


def invitation_outcomes(orders: pd.DataFrame, trial: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes of the invitation; the first was named beforehand."""
    mine = orders[orders["customer_id"].isin(trial["customer_id"])]
    after = mine[mine["order_date"] >= DAY]
    before = mine[mine["order_date"].between(DAY - pd.DateOffset(years=1), DAY - pd.Timedelta(days=1))]
    ends = {"any_in_90_days": DAY + pd.Timedelta(days=90), "orders": dates.TODAY}
    count = {
        name: after[after["order_date"] <= end].groupby("customer_id").size() for name, end in ends.items()
    }
    count["orders_before"] = before.groupby("customer_id").size()
    count["months_with_order"] = after.groupby("customer_id")["order_date"].agg(
        lambda d: d.dt.month.nunique()
    )
    count = pd.DataFrame(count).reindex(trial["customer_id"], fill_value=0).fillna(0).reset_index(drop=True)
    return pd.DataFrame(
        {
            "more_orders_than_before": count["orders"] > count["orders_before"],
            "change_of_log_orders": np.log1p(count["orders"]) - np.log1p(count["orders_before"]),
            "change_of_orders": count["orders"] - count["orders_before"],
            "orders": count["orders"],
            "months_with_order": count["months_with_order"],
            "any_order_in_90_days": count["any_in_90_days"] > 0,
            "margin_after_above_before": trial["margin_after"] > trial["margin_before"],
            "change_of_margin": trial["margin_after"] - trial["margin_before"],
        }
    ).astype(float)


def winback_outcomes(trial: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes of the win-back; the first was named beforehand."""
    net = trial["margin_12_months"] - trial["cost"]
    return pd.DataFrame({"returned_within_90_days": trial["returned_on"].notna(), "net_margin": net}).astype(
        float
    )


def contrast(outcomes: pd.DataFrame, treated: pd.Series) -> pd.DataFrame:
    """Return for each outcome the difference of the arms' means and its z."""
    arm = outcomes.groupby(treated.to_numpy())
    difference = arm.mean().loc[True] - arm.mean().loc[False]
    z = difference / np.sqrt((arm.var() / arm.size().to_numpy()[:, None]).sum())
    return pd.DataFrame({"difference": difference, "z": z, "units": len(outcomes)})


def cohort(seed: int) -> pd.DataFrame:
    """Return both trials' contrasts in one cohort of the shipped size."""
    world = run(Setting(seed, 6_000, 480), wanted=["club_invitation", "winback"])
    invited, back = world["club_invitation"], world["winback"]
    found = {
        "club_invitation": contrast(
            invitation_outcomes(world["orders"], invited), invited["arm"] == "invitation"
        ),
        "winback": contrast(winback_outcomes(back), back["arm"] == "offer"),
    }
    return pd.concat(found, names=["trial", "outcome"]).reset_index()


def power(pool: ProcessPoolExecutor, cohorts: int) -> pd.DataFrame:
    found = pd.concat(pool.map(cohort, range(70_000, 70_000 + cohorts)))
    out = found.groupby(["trial", "outcome"], sort=False).agg(
        units=("units", "mean"),
        difference=("difference", "mean"),
        z=("z", "mean"),
        found=("z", lambda z: (z >= 3).mean()),
    )
    named = ~out.reset_index()["trial"].duplicated()
    return out.assign(named_beforehand=named.astype(int).to_numpy(), cohorts=cohorts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=80)
    parser.add_argument("--cohorts", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="replace the two tables in results")
    parser.add_argument("--only", choices=["power", "population"], help="one of the two tables")
    chosen = parser.parse_args()
    tables = {}
    with ProcessPoolExecutor(2) as pool:
        if chosen.only != "population":
            tables["world_club.csv"] = power(pool, chosen.cohorts)
        if chosen.only != "power":
            tables["world_club_population.csv"] = population(pool, chosen.worlds)
    for name, table in tables.items():
        print(table.round(4).to_string(), flush=True)
        if chosen.write:
            table.round(4).reset_index().to_csv(RESULTS / name, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
