"""The consumers' world without what trials add to the ledger or take from it: for tests of what surrounds orders."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

import pandas as pd

from crmlab.simulate import processes, registry

SEED = 17
CUSTOMERS = 50_000
NOTHING = pd.DataFrame({"row": [], "day": []}, dtype=int)


class Part:
    """Results of one world by name (``truth:table`` for the truth); each is made when it is first asked for."""

    def __init__(self, seed: int, customers: int) -> None:
        for module in pkgutil.iter_modules(processes.__path__):
            importlib.import_module(f"{processes.__name__}.{module.name}")
        self.setting = registry.Setting(seed, customers, accounts=10)
        self.makers = {result: step for step in registry._PROCESSES.values() for result in step.makes}
        self.done: dict[str, Any] = {"extra_orders": {}, "lost_orders": {"no trial": NOTHING}}

    def __getitem__(self, name: str) -> Any:
        if name not in self.done:
            step = self.makers[name]
            for need in step.needs:
                if need not in registry._GIVEN:
                    self[registry._result(need)]
            given = {need: registry._given(need, step.name, self.setting, self.done) for need in step.needs}
            made = step.make(**given)
            made = made if isinstance(made, dict) else {step.makes[0]: made}
            self.done.update({key: value for key, value in made.items() if key not in step.adds})
        return self.done[name]


@cache
def large() -> Part:
    """Return one large world: nobody changes it."""
    return Part(SEED, CUSTOMERS)
