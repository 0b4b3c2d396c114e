"""The consumers' world without what trials add to the ledger or take from it: for tests of what surrounds orders."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import SimpleNamespace
from typing import Any

import pandas as pd

from crmlab.simulate import processes, registry

SEED = 17
CUSTOMERS = 50_000
NOTHING = pd.DataFrame({"row": [], "day": []}, dtype=int)
WANTED = (
    *("orders", "order_lines", "products", "product_lines", "order_channels", "contacts", "leads", "shops"),
    *("event_log", "truth:events", "referrals", "truth:consumers", "truth:tastes", "truth:taste_changes"),
    *("truth:driver_values", "truth:incidents", "customer_care"),
)


def results(seed: int, customers: int, *wanted: str) -> dict[str, Any]:
    """Run the processes that make the wanted results and return all that was made on the way."""
    for module in pkgutil.iter_modules(processes.__path__):
        importlib.import_module(f"{processes.__name__}.{module.name}")
    setting = registry.Setting(seed, customers, accounts=10)
    makers = {result: step for step in registry._PROCESSES.values() for result in step.makes}
    done: dict[str, Any] = {"extra_orders": {}, "lost_orders": {"no trial": NOTHING}}

    def find(name: str) -> None:
        if name in done:
            return
        step = makers[name]
        for need in step.needs:
            if need not in registry._GIVEN:
                find(registry._result(need))
        made = step.make(**{need: registry._given(need, step.name, setting, done) for need in step.needs})
        made = made if isinstance(made, dict) else {step.makes[0]: made}
        done.update({key: value for key, value in made.items() if key not in step.adds})

    for name in wanted:
        find(name)
    return done


@cache
def large() -> SimpleNamespace:
    """Return one large world: nobody changes it."""
    done = results(SEED, CUSTOMERS, *WANTED)
    return SimpleNamespace(
        **{name: made for name, made in done.items() if not name.startswith("truth:")},
        truth=SimpleNamespace(
            **{name.removeprefix("truth:"): made for name, made in done.items() if name.startswith("truth:")}
        ),
    )
