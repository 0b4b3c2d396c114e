"""The list of processes: each registers itself with what it makes, and names what it needs as its arguments.

A process is a function. Its arguments are results of other processes, or one of these:

``rng``
    its own generator, seeded by the world's seed and its name, so that no other process changes its stream;
``draw``
    a function from a name to a further generator of its own, for a part whose length may change;
``setting``
    what `crmlab.simulate.world` was asked for.

It returns one frame, or a dictionary of what it makes. What several processes add to (`adds`) reaches the
process that needs it as one list, in the order of their names.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

from . import core

_GIVEN = ("rng", "draw", "setting")


@dataclass(frozen=True)
class Setting:
    """What a world is asked to be."""

    seed: int
    customers: int
    accounts: int
    value_rate_correlation: float = 0.0
    seasonal_orders: bool = False


@dataclass(frozen=True)
class Process:
    """A step of the simulation: the files and the truth that it fills, and what it hands to others."""

    name: str
    make: Callable[..., Any]
    needs: tuple[str, ...]
    tables: tuple[str, ...]
    truth: tuple[str, ...]
    inner: tuple[str, ...]
    adds: tuple[str, ...]

    @property
    def makes(self) -> tuple[str, ...]:
        """What the process returns, as ``table``, ``truth:table`` or the name of an inner result."""
        return (*self.tables, *(f"truth:{name}" for name in self.truth), *self.inner, *self.adds)


_PROCESSES: dict[str, Process] = {}


def process(
    *,
    tables: tuple[str, ...] = (),
    truth: tuple[str, ...] = (),
    inner: tuple[str, ...] = (),
    adds: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the process of its name."""

    def register(make: Callable[..., Any]) -> Callable[..., Any]:
        needs = tuple(inspect.signature(make).parameters)
        _PROCESSES[make.__name__] = Process(make.__name__, make, needs, tables, truth, inner, adds)
        return make

    return register


@cache
def processes() -> tuple[Process, ...]:
    """Return every process, each after those whose results it needs."""
    from . import processes as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return ordered(_PROCESSES)


def ordered(known: dict[str, Process]) -> tuple[Process, ...]:
    """Return processes, each after those whose results it needs; of several that could be next, by name."""
    makers: dict[str, list[str]] = {}
    for name in sorted(known):
        for result in known[name].makes:
            makers.setdefault(result, []).append(name)
    for result, names in makers.items():
        if len(names) > 1 and not all(result in known[name].adds for name in names):
            raise ValueError(
                f"{result} is made by {' and '.join(names)}; only what is added to has two makers."
            )
    graph = {}
    for name in sorted(known):
        needs = [_result(need) for need in known[name].needs if need not in _GIVEN]
        unknown = [need for need in needs if need not in makers]
        if unknown:
            raise ValueError(f"The process {name} needs {unknown[0]}, which no process makes.")
        graph[name] = [maker for need in needs for maker in makers[need]]
    return tuple(known[name] for name in TopologicalSorter(graph).static_order())


def _result(need: str) -> str:
    """Return the result that an argument asks for: ``truth_consumers`` is the truth's table of consumers."""
    kind, _, name = need.partition("_")
    return f"truth:{name}" if kind == "truth" else need


def tables() -> list[str]:
    """Return the names of all tables, sorted."""
    return sorted(name for step in processes() for name in step.tables)


def truth() -> list[str]:
    """Return the names of all tables of the truth, sorted."""
    return sorted(name for step in processes() for name in step.truth)


def run(
    setting: Setting,
    progress: Callable[[str], None] | None = None,
    *,
    wanted: Iterable[str] | None = None,
    without: Iterable[str] = (),
    changed: Mapping[str, Callable[[Any], Any]] | None = None,
) -> dict[str, Any]:
    """Run processes once each and return their results by name.

    `wanted` runs only what these results rest on; `without` leaves out what the named processes add to
    others; `changed` alters results before others read them. So a test can ask what would have happened.
    """
    steps, changed, without = processes(), changed or {}, frozenset(without)
    _refuse_unknown(without, (step.name for step in steps if step.adds), "a process that adds to others")
    _refuse_unknown(changed, (name for step in steps for name in step.makes), "a result")
    done: dict[str, Any] = {}
    for step in steps if wanted is None else needed(wanted):
        if progress is not None:
            progress(step.name)
        given = {need: _given(need, step.name, setting, done) for need in step.needs}
        made = step.make(**given)
        if len(step.makes) == 1 and not isinstance(made, dict):
            made = {step.makes[0]: made}
        if set(made) != set(step.makes):
            raise ValueError(f"The process {step.name} makes {sorted(made)}, registered are {step.makes}.")
        for name, alter in changed.items():
            if name in made:
                made[name] = alter(made[name])
        for name in step.adds:
            share = made.pop(name)
            done.setdefault(name, {})
            if step.name not in without:
                done[name][step.name] = share
        done |= made
    return done


def needed(wanted: Iterable[str]) -> list[Process]:
    """Return the processes on which the wanted results rest, in their order."""
    asked = set(wanted)
    _refuse_unknown(asked, (name for step in processes() for name in step.makes), "a result")
    steps = []
    for step in reversed(processes()):
        if asked & set(step.makes):
            asked |= {_result(need) for need in step.needs}
            steps.append(step)
    return steps[::-1]


def _refuse_unknown(asked: Iterable[str], known: Iterable[str], what: str) -> None:
    """Stop at a slip in a name: it would otherwise leave the world as it is, without a word."""
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise ValueError(f"{unknown[0]} is not the name of {what}.")


def _given(need: str, name: str, setting: Setting, done: dict[str, Any]) -> Any:
    """Return what an argument of a process stands for."""
    if need == "rng":
        return core.generator(setting.seed, name)
    if need == "draw":
        return lambda part: core.generator(setting.seed, f"{name}/{part}")
    if need == "setting":
        return setting
    found = done[_result(need)]
    if isinstance(found, dict):  # contributions
        return [found[maker] for maker in sorted(found)]
    return found
