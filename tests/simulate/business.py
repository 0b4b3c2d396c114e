"""The business accounts alone: the processes that they need and no others, and what if a lot had fallen otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from crmlab.simulate import registry

WANTED = (
    "accounts",
    "account_months",
    "account_reviews",
    "care_wave",
    "bonds",
    "bond_trial",
    "partner_trial",
    "rival",
)
CUSTOMERS = 50
PLACES = 12_000


def business(seed: int, places: int, **forced: Callable[[Any], Any]) -> dict[str, Any]:
    """Return all results about accounts; `forced` changes an inner result before others read it."""
    setting = registry.Setting(seed, CUSTOMERS, places)
    done: dict[str, Any] = {}
    for step in needed():
        given = {need: registry._given(need, step.name, setting, done) for need in step.needs}
        made = step.make(**given)
        if not isinstance(made, dict):
            made = {step.makes[0]: made}
        done |= {name: forced.get(name, lambda value: value)(value) for name, value in made.items()}
    return done


def needed() -> list[registry.Process]:
    """Return the processes behind the tables of accounts, in their order."""
    steps = registry.processes()
    wanted = {*WANTED, "truth:transition_matrices", "truth:accounts"}
    for step in reversed(steps):
        if wanted & set(step.makes):
            wanted |= {registry._result(need) for need in step.needs}
    return [step for step in steps if wanted & set(step.makes)]


@cache
def large() -> dict[str, Any]:
    """12,000 places; nobody changes it."""
    return business(17, PLACES)
