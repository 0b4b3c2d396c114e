"""Worlds in which only the house's own trials take place: mailings, care calls, recovery desk, budgets.

Other trials are left out, so that these tests need no process but their own and the consumers'. Orders are taken
as they were meant: what lines make of them is another test's matter.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from crmlab.simulate import processes as folder
from crmlab.simulate import registry

STEPS = (
    *(
        "index_latents",
        "latents",
        "behaviour",
        "classes",
        "consumers",
        "purchases",
        "order_values",
        "base_orders",
    ),
    *(
        "mail_types",
        "mailing_draw",
        "mailings",
        "customer_care",
        "ledger",
        "mailing_contacts",
        "mailing_truth",
    ),
    *("customer_care_truth", "incident_truth", "recovery_desk", "budgets", "calendar"),
)
SEED = 17
CUSTOMERS = 40_000
TRIALS = ("customer_care", "mailings")  # that add orders to the ledger or take some


@cache
def large() -> dict[str, Any]:
    """Return the world that these tests share; nobody changes it."""
    return results(SEED, CUSTOMERS)


def results(
    seed: int,
    customers: int,
    trials: tuple[str, ...] = TRIALS,
    changed: dict[str, Callable[[Any], Any]] | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Return all results of the steps by name; `changed` alters some of them before others read them."""
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    setting = registry.Setting(seed, customers, accounts=10, **how)
    done: dict[str, Any] = {"extra_orders": {}, "lost_orders": {}}
    for name in STEPS:
        step = registry._PROCESSES[name]
        made = step.make(**{need: registry._given(need, name, setting, done) for need in step.needs})
        if len(step.makes) == 1 and not isinstance(made, dict):
            made = {step.makes[0]: made}
        assert set(made) == set(step.makes), name
        added = {key: made.pop(key) for key in step.adds}
        for key in added if name in trials else ():
            done[key][name] = added[key]
        for key, value in made.items():
            done[key] = (changed or {}).get(key, lambda same: same)(value)
        done["orders"] = done.get("ledger")
    return done
