"""Checks on what a model is made of: blocks, modes, paths and names of latent variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pandas as pd

from crmlab import _check

_ORDERED = list | tuple | np.ndarray | pd.Index | pd.Series


def latent(name: object, known: Iterable[str], argument: str) -> str:
    """Return `name` if it is a known latent variable; otherwise raise with the nearest and the list."""
    if not isinstance(name, str) or name not in known:
        near = _check.closest(name, known)
        raise ValueError(f"{argument} names {name!r}, no latent variable. {near}Known: {', '.join(known)}.")
    return str(name)  # NumPy's strings would print as such


def blocks(given: object) -> dict[str, tuple]:
    """Return the items of every latent variable as tuples; no item may stand in two blocks."""
    if not isinstance(given, Mapping) or len(given) < 2:
        raise ValueError("blocks must be a dictionary of at least two latent variables, each with its items.")
    home = {}
    found = {}
    for name, items in given.items():
        if not isinstance(name, str) or not isinstance(items, _ORDERED):
            raise TypeError(f"blocks must give a list of items for each name, found {name!r}: {items!r}.")
        found[str(name)] = tuple(items if isinstance(items, list | tuple) else items.tolist())
        if not found[name]:
            raise ValueError(f"block {name!r} has no items: name one or leave it out.")
        for item in found[name]:
            if not pd.api.types.is_hashable(item):
                raise TypeError(f"block {name!r} must be a list of column names, found {item!r} in it.")
            if item in home:
                raise ValueError(f"item {item!r} is in {home[item]!r} and in {name!r}: choose one.")
            home[item] = name
    return found


def modes(given: object, known: Mapping) -> dict[str, str]:
    """Return the mode of every latent variable, "A" where none is given."""
    if not isinstance(given, Mapping | None):
        raise TypeError(f'modes must be a dictionary such as {{"Image": "B"}}, found {given!r}.')
    chosen = dict.fromkeys(known, "A")
    for name, mode in (given or {}).items():
        chosen[latent(name, known, "modes")] = _check.choice(mode, ("A", "B"), f"modes[{name!r}]")
    return chosen


def paths(given: object, known: Mapping) -> tuple[tuple[str, str], ...]:
    """Return the paths as pairs; each once, without cycles, and every latent variable on one of them."""
    wrong = "paths must be a list of (predictor, outcome) pairs, found"
    if not isinstance(given, Iterable) or isinstance(given, str | Mapping | pd.DataFrame):
        raise TypeError(f"{wrong} {type(given).__name__}.")
    given = list(given)  # once: a zip would be used up
    for pair in given:
        if not isinstance(pair, list | tuple | np.ndarray) or len(pair) != 2:
            raise ValueError(f"{wrong} {pair!r} among them.")
    pairs = tuple((latent(a, known, "paths"), latent(b, known, "paths")) for a, b in given)
    if len(set(pairs)) < len(pairs):
        twice = Counter(pairs).most_common(1)[0][0]
        raise ValueError(f"the path {' -> '.join(twice)} is given more than once.")
    _refuse_cycles(pairs)
    linked = set().union(*pairs)
    for name in known:
        if name not in linked:
            raise ValueError(f"latent variable {name!r} has no path: connect it or leave its block out.")
    return pairs


def _refuse_cycles(pairs: tuple[tuple[str, str], ...]) -> None:
    sorter = TopologicalSorter()
    for predictor, outcome in pairs:
        sorter.add(outcome, predictor)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise ValueError(f"the paths form a cycle: {cycle}. Leave one of them out.") from None
