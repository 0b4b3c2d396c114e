"""Some processes of the world alone, with what they need and nothing else: quick at any size."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from crmlab.simulate import processes, registry

for _module in pkgutil.iter_modules(processes.__path__):
    importlib.import_module(f"{processes.__name__}.{_module.name}")


def alone(seed: int, customers: int, *names: str, accounts: int = 10) -> dict[str, Any]:
    """Return the named results (``table``, ``truth:table`` or inner) and all that they rest on."""
    setting = registry.Setting(seed, customers, accounts)
    makers = {result: step for step in registry._PROCESSES.values() for result in step.makes}
    done: dict[str, Any] = {}

    def find(name: str) -> None:
        if name in done:
            return
        step = makers[name]
        for need in step.needs:
            if need not in registry._GIVEN:
                find(registry._result(need))
        made = step.make(**{need: registry._given(need, step.name, setting, done) for need in step.needs})
        if len(step.makes) == 1 and not isinstance(made, dict):
            made = {step.makes[0]: made}
        assert set(made) == set(step.makes), step.name
        done.update(made)

    for name in names:
        find(name)
    return done
