"""Worlds in which only the house's own trials take place: mailings, care calls, recovery desk, budgets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from crmlab.simulate import registry

WANTED = (
    "mailings",
    "mailing_contacts",
    "truth:mailing_contacts",
    "customer_care",
    "truth:customer_care",
    "truth:incidents",
    "recovery_desk",
    "truth:recovery_desk",
    "budgets",
    "truth:budgets",
    "calendar",
    "ledger",
    "orders",
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
    """Return all results about these trials by name; `changed` alters some of them before others read them."""
    setting = registry.Setting(seed, customers, accounts=10, **how)
    others = [step.name for step in registry.processes() if step.adds and step.name not in trials]
    return registry.run(setting, wanted=WANTED, without=others, changed=changed)
