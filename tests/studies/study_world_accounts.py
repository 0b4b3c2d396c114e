"""What the account trials can show at shipped size. Run: python tests/studies/study_world_accounts.py --write

For 100 cohorts of shipped size: the estimate and z of every outcome of the three account trials that Qinghe Tea can
see, of one that it cannot see (a true slip into decline), and of the rival's offers. The outcome that each trial names
beforehand is marked. The table goes to results/world_accounts.csv, and tests/simulate/test_simulate_accounts.py reads it.
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

from crmlab.simulate import cohort_seed
from crmlab.simulate.registry import Setting, run

RESULTS = Path(__file__).parent / "results" / "world_accounts.csv"
PLACES = 480
NAMED = {
    ("care_wave", "still a customer and more satisfied", "care"),
    ("bond_trial", "share_after adjusted for share_before", "any bond"),
    ("partner_trial", "trust_after adjusted for trust_before", "any programme"),
    ("rival", "left_on", "price_gap"),
}


def regression(
    y: pd.Series, treated: pd.Series, before: pd.Series | None = None
) -> tuple[float, float, float]:
    """Return effect, robust z and number of accounts: y on the arm and, if there is one, the value before."""
    x = pd.DataFrame({"treated": treated.astype(float)})
    if before is not None:
        x["before"] = before
    keep = y.notna()
    fit = sm.OLS(y[keep].astype(float), sm.add_constant(x[keep])).fit(cov_type="HC1")
    return fit.params["treated"], fit.tvalues["treated"], int(keep.sum())


def half_year(months: pd.DataFrame, column: str, first: str, accounts: pd.Index) -> pd.Series:
    """Return a column's sum over six months by account, 0 if it is gone."""
    start = pd.Timestamp(first)
    inside = months[months["month"].between(start, start + pd.DateOffset(months=5))]
    return inside.groupby("account_id")[column].sum().reindex(accounts, fill_value=0)


def care(w: dict) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Return what the care wave shows, by outcome and arm."""
    wave = w["care_wave"].set_index("account_id")
    months, reviews, stages = w["account_months"], w["account_reviews"], w["truth:account_stages"]
    arm = wave["arm"] == "care"
    lost = w["accounts"].set_index("account_id")["lost_on"].loc[wave.index].notna()
    satisfied = (wave["satisfaction_after"] >= 5).astype(float)
    more = (wave["satisfaction_after"] > wave["satisfaction_before"]).astype(float)
    out = {
        "still a customer and more satisfied": regression(more, arm),
        "still a customer and satisfied (5 or more)": regression(satisfied, arm, wave["satisfaction_before"]),
        "satisfaction_after of those who stayed": regression(
            wave["satisfaction_after"], arm, wave["satisfaction_before"]
        ),
        "still a customer": regression((~lost).astype(float), arm),
    }
    called = w["rival"].set_index("account_id")["left_on"].notna().reindex(wave.index, fill_value=False)
    out["still a customer, those who went to the rival left out"] = regression(~lost[~called], arm[~called])
    for column in ("orders", "volume_kg", "margin"):
        later = half_year(months, column, "2026-01-01", wave.index)
        before = half_year(months, column, "2025-01-01", wave.index)
        out[f"{column}, January to June 2026"] = regression(later, arm, before)
    year = months[months["month"] >= "2025-07-01"]
    noisy = year.groupby("account_id")["complaints"].mean().reindex(wave.index)
    out["complaints a month as a customer"] = regression(noisy, arm)
    noted = reviews[reviews["month"] >= "2025-09-01"]
    decline = noted.loc[noted["stage"] == "decline", "account_id"]
    sampled = wave.index.isin(reviews.loc[reviews["month"] < "2025-07-01", "account_id"])
    bad = pd.Series(wave.index.isin(decline) | lost, index=wave.index)
    out["noted in decline, or lost (reviewed accounts)"] = regression(bad[sampled], arm[sampled])
    july = stages[stages["month"] == "2025-07-01"].set_index("account_id")["stage"].loc[wave.index]
    slipped = stages[(stages["month"] > "2025-07-01") & (stages["stage"] == "decline")]
    up = july != "decline"
    out["true slip into decline (hidden)"] = regression(
        pd.Series(wave.index.isin(slipped["account_id"]), index=wave.index)[up], arm[up]
    )
    return {(outcome, "care"): found for outcome, found in out.items()}


def arms(
    trial: pd.DataFrame, outcomes: dict[str, str], together: str
) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Return what each arm shows against none, and all of them together, by outcome and arm."""
    out = {}
    for outcome, before in outcomes.items():
        name = f"{outcome} adjusted for {before}"
        out[name, together] = regression(trial[outcome], trial["arm"] != "none", trial[before])
        if outcome.startswith("share"):
            change = trial[outcome] - trial[before]
            out[f"{outcome} minus {before}", together] = regression(change, trial["arm"] != "none")
        for arm in sorted(set(trial["arm"]) - {"none"}):
            two = trial[trial["arm"].isin(["none", arm])]
            out[name, arm] = regression(two[outcome], two["arm"] == arm, two[before])
    return out


def rival(w: dict) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Return the logit of leaving to the rival, by regressor."""
    called = w["rival"].merge(w["bonds"].groupby("account_id")["bond"].first(), on="account_id", how="left")
    x = called[["price_gap", "switching_cost"]].assign(bond=called["bond"].notna().astype(float))
    left = called["left_on"].notna().astype(float)
    fit = sm.Logit(left, sm.add_constant(x)).fit(disp=0)
    out = {("left_on", name): (fit.params[name], fit.tvalues[name], len(x)) for name in x}
    return out | {("left_on", "share that left"): (left.mean(), np.nan, len(x))}


def cohort(number: int) -> pd.DataFrame:
    """Return every estimate of one cohort."""
    wanted = ("care_wave", "bond_trial", "partner_trial", "rival", "account_reviews", "accounts", "bonds")
    w = run(Setting(cohort_seed(f"study-{number}"), 50, PLACES), wanted=wanted)
    margin = w["account_months"].query("month >= '2025-07-01'").groupby("account_id")["margin"].sum()
    trial = w["bond_trial"]
    partner = w["partner_trial"].assign(zero=0.0)
    partner["margin_after"] = partner["account_id"].map(margin)
    earlier = w["account_months"].query("'2024-07-01' <= month < '2025-07-01'")
    partner["margin_before"] = (
        partner["account_id"].map(earlier.groupby("account_id")["margin"].sum()).fillna(0)
    )
    tables = {
        "care_wave": care(w),
        "bond_trial": arms(
            trial, {"share_after": "share_before", "margin_after": "margin_before"}, "any bond"
        ),
        "partner_trial": arms(
            partner,
            {"trust_after": "trust_before", "share_after": "share_before", "margin_after": "margin_before"},
            "any programme",
        ),
        "rival": rival(w),
    }
    rows = [(t, *key, *found) for t, table in tables.items() for key, found in table.items()]
    return pd.DataFrame(rows, columns=["table", "outcome", "arm", "estimate", "z", "accounts"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohorts", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="replace results/world_accounts.csv")
    chosen = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        drawn = pd.concat(pool.map(cohort, range(chosen.cohorts)))
    drawn["reached"] = np.abs(drawn["z"]) >= 3
    keys = ["table", "outcome", "arm"]
    table = drawn.groupby(keys, sort=False).agg(
        accounts=("accounts", "mean"),
        estimate=("estimate", "mean"),
        estimate_sd=("estimate", "std"),
        mean_z=("z", "mean"),
        z_of_3=("reached", "sum"),
    )
    table.insert(0, "cohorts", chosen.cohorts)
    table.insert(0, "named", [key in NAMED for key in table.index])
    print(table.round(3).to_string())
    if chosen.write:
        table.round(4).reset_index().to_csv(RESULTS, index=False, lineterminator="\n")
        print(f"written: {RESULTS.name}")


if __name__ == "__main__":
    main()
