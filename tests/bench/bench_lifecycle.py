"""How fast are the passes of crmlab.lifecycle? Run: python tests/bench/bench_lifecycle.py

Times are the best of some runs, on the shipped cohort until June 2025 (375 accounts, 35 months at most).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab import datasets, lifecycle


def best(call: Callable, runs: int = 5) -> float:
    """Return the seconds of the fastest run."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    accounts = datasets.load("accounts", cohort="shipped")[["account_id", "lost_on"]]
    months = datasets.load("account_months", cohort="shipped").merge(accounts, on="account_id")
    rule = lifecycle.StageClassifier(months, datasets.load("account_reviews", cohort="shipped")).fit()
    months["classified"] = rule.classify(months)
    past = months[months["month"] < "2025-07-01"]
    model = lifecycle.HiddenMarkov(past, rule.error_rates, lost="lost_on")
    fitted = model.fit()
    read = {"state": "classified", "error_rates": rule.error_rates, "lost": "lost_on"}
    rng = np.random.default_rng(1)
    groups = [f"group {i}" for i in range(50)]
    cost = pd.Series(rng.uniform(100, 5000, 50), groups)
    gain = cost * rng.uniform(0.8, 3, 50)
    budget = 800 * cost.sum()
    calls = {
        "transitions": lambda: lifecycle.transitions(past, state="classified", lost="lost_on"),
        "hidden chain, fit": model.fit,
        "hidden chain, 40 resamples": lambda: fitted.bootstrap(40),
        "mover-stayer check, 40 records": lambda: lifecycle.mover_stayer_check(past, n_resamples=40, **read),
        "allocate, 50 groups of 2,000": lambda: lifecycle.allocate(budget, gain, cost, 0 * cost + 2000),
    }
    for name, call in calls.items():
        print(f"{name:32} {best(call, 5 if 'fit' in name else 2):8.3f} s")


if __name__ == "__main__":
    main()
