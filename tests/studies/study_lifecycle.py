"""Does the mover-stayer check find stayers, and only where there are some? Run: python tests/studies/study_lifecycle.py

For many worlds: draw the accounts of the tea house, once with the three trust groups as they are (movers and stayers) and
once with the same monthly moves for all; look at the stages as they were and as a rule reads them from the ledger, whose
error rates are estimated from the managers' labels; count how often the check has p <= 0.05. Beside it stands the check
by eye: more stayed without a break than the power of one chain's probability says. The table goes to
results/mover_stayer.csv.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab import lifecycle, simulate
from crmlab.simulate import dates
from crmlab.simulate.processes import account_stages

RESULTS = Path(__file__).parent / "results" / "mover_stayer.csv"
MONTHS = [12, 24]
ALIKE = dict.fromkeys(account_stages.GROUPS, account_stages.TRANSITIONS["mid"])


def world(alike: bool, seed: int, accounts: int) -> simulate.World:
    """Return a world with the trust groups as they are, or all with the moves of the middle one."""
    with patch.dict(account_stages.TRANSITIONS, ALIKE if alike else {}):
        return simulate.world(seed, customers=50, accounts=accounts)


def checked(alike: bool, read: bool, accounts: int, resamples: int, seed: int) -> pd.DataFrame | None:
    """Return the check's table of one world; None if the labels do not suffice for a rule."""
    drawn = world(alike, seed, accounts)
    ledger = drawn.tables["account_months"].merge(drawn.tables["accounts"][["account_id", "lost_on"]])
    ledger = ledger.merge(drawn.truth["account_stages"], on=["account_id", "month"])
    how = {"state": "stage"}
    if read:
        try:
            rule = lifecycle.StageClassifier(ledger, drawn.tables["account_reviews"]).fit()
        except ValueError:
            return None
        ledger["classified"] = rule.classify(ledger)
        how = {"state": "classified", "error_rates": rule.error_rates}
    past = ledger[ledger["month"] < dates.INTERVENTION]
    found = lifecycle.mover_stayer_check(past, MONTHS, lost="lost_on", n_resamples=resamples, **how)
    return found.summary()


def run(alike: bool, read: bool, number: int, accounts: int, resamples: int) -> pd.DataFrame:
    """Return by months how often the check and the eye found stayers."""
    one = partial(checked, alike, read, accounts, resamples)
    with ProcessPoolExecutor(2) as pool:
        rows = [row for row in pool.map(one, range(70_000, 70_000 + number)) if row is not None]
    table = pd.concat(rows)
    table["found"] = table["p_value"] <= 0.05
    table["by_eye"] = table["observed"] > table["one_chain"]
    mean = table.groupby(level=0)[["found", "by_eye", "observed", "one_chain", "expected"]].mean()
    design = {
        "accounts_differ": not alike,
        "stages": "read from the ledger" if read else "as they were",
        "accounts": accounts,
        "worlds": len(rows),
        "resamples": resamples,
    }
    return mean.reset_index().assign(**design)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=39)
    parser.add_argument("--write", action="store_true", help="replace results/mover_stayer.csv")
    chosen = parser.parse_args()
    few = chosen.worlds * 2 // 5  # a world whose stages are read takes twenty seconds
    tables = []
    for read, accounts, number in ((False, 240, chosen.worlds), (False, 1000, few), (True, 240, few)):
        for alike in (True, False):
            started = time.perf_counter()
            tables.append(run(alike, read, number, accounts, chosen.resamples))
            print(f"{time.perf_counter() - started:.0f} s\n{tables[-1].round(3).to_string()}", flush=True)
    if chosen.write:
        first = ["accounts_differ", "stages", "accounts", "worlds", "resamples"]
        table = pd.concat(tables)
        table = table[first + [c for c in table if c not in first]]
        table.round(4).to_csv(RESULTS, index=False, lineterminator="\n")
        print(f"written: {RESULTS.name}")


if __name__ == "__main__":
    main()
