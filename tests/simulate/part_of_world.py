"""A part of the world: the processes that some results need and no others."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pandas as pd

from crmlab.simulate import core, processes, registry
from crmlab.simulate.registry import Setting

# Orders as they were meant: the lines that fill them, and move their sums a little, are not waited for.
INSTEAD = {"orders": "ledger"}
NOTHING = pd.DataFrame({"row": [], "day": []}, dtype=int)


def part(setting: Setting, *wanted: str) -> dict[str, Any]:
    """Run the processes that make the wanted results and return all that was made on the way."""
    for module in pkgutil.iter_modules(processes.__path__):
        importlib.import_module(f"{processes.__name__}.{module.name}")
    steps = registry._PROCESSES
    done: dict[str, Any] = {}

    def result(need: str) -> Any:
        name = INSTEAD.get(registry._result(need), registry._result(need))
        makers = [step for step in sorted(steps) if name in steps[step].makes]
        contributed = not makers or name in steps[makers[0]].adds
        if name not in done:
            made = [run(maker)[name] for maker in makers]
            done[name] = (made or [NOTHING]) if contributed else made[0]
        return done[name]

    ran: dict[str, dict[str, Any]] = {}

    def run(name: str) -> dict[str, Any]:
        if name not in ran:
            step = steps[name]
            given = {need: given_to(step, need) for need in step.needs}
            made = step.make(**given)
            ran[name] = made if isinstance(made, dict) else {step.makes[0]: made}
            done.update({key: value for key, value in ran[name].items() if key not in step.adds})
        return ran[name]

    def given_to(step: registry.Process, need: str) -> Any:
        if need == "rng":
            return core.generator(setting.seed, step.name)
        if need == "draw":
            return lambda part: core.generator(setting.seed, f"{step.name}/{part}")
        return setting if need == "setting" else result(need)

    for need in wanted:
        result(need)
    return done
