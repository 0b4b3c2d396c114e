"""The world of Qinghe Tea: people, behaviour, surveys and ledgers from one seed, with the truth behind.

Every process has a generator of its own, so a table never changes because another one was added. The
processes register themselves, one module each in `crmlab.simulate.processes`; `world` runs them all.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass

import pandas as pd

from .. import _check
from . import registry
from .core import tidy

VERSION = "2"  # raise it when any byte of any table changes
SHIPPED_SEED = 20260630
CUSTOMERS = 6_000  # of the shipped cohort, and of a cohort by name
ACCOUNTS_PER_CUSTOMER = 0.08  # places for business accounts keep this proportion unless stated
LARGE = 20_000  # customers from which on a world says that it is being made

__all__ = ["SHIPPED_SEED", "VERSION", "World", "cohort_seed", "world"]


@dataclass(frozen=True, eq=False)  # comparing frames has no single answer
class World:
    """One simulated world.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        What Qinghe Tea has in its files.
    truth : dict of str to pandas.DataFrame
        What nobody at Qinghe Tea can see: latent scores, stages, effects, parameters.
    """

    tables: dict[str, pd.DataFrame]
    truth: dict[str, pd.DataFrame]

    def __repr__(self) -> str:
        return f"World({len(self.tables)} tables, {len(self.tables['consumers']):,} consumers)"


def cohort_seed(name: str) -> int:
    """Return the seed of a cohort: the first 48 bits of its name's SHA-256.

    Parameters
    ----------
    name : str
        Taken letter by letter; `crmlab.datasets` tidies capitals and spaces before it asks.

    Returns
    -------
    int
        From 0 to 2**48 - 1.

    Raises
    ------
    TypeError
        If `name` is not a text.
    ValueError
        If `name` is empty or cannot be written as UTF-8.

    Examples
    --------
    >>> from crmlab import simulate
    >>> simulate.cohort_seed("spring-2027")
    172935382901052
    """
    if not isinstance(name, str):
        raise TypeError(f"A cohort's name must be a text such as 'spring-2027', found {name!r}.")
    if not name.strip():
        raise ValueError(f"A cohort's name must be a text that is not empty, found {name!r}.")
    try:
        letters = name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"A cohort's name has a letter that UTF-8 cannot write: {name!r}.") from error
    return int.from_bytes(hashlib.sha256(letters).digest()[:6], "big")


def world(
    seed: int,
    customers: int = CUSTOMERS,
    accounts: int | None = None,
    *,
    value_rate_correlation: float = 0.0,
    seasonal_orders: bool = False,
) -> World:
    """Simulate Qinghe Tea from July 2022 to June 2026.

    A world of more than 20,000 customers says on standard error what it is working on.

    Parameters
    ----------
    seed : int
        Not negative. The same seed and sizes give the same tables, to the byte.
    customers : int, default 6000
        Consumers won in four years, 50 to 2,000,000.
    accounts : int, optional
        Places for business accounts, filled at all times, 10 to 1,000,000; 8 per 100 customers if left out.
    value_rate_correlation : float, default 0
        Correlation of order value and purchase rate (normal scores), -.95 to .95. Gamma-Gamma assumes 0.
    seasonal_orders : bool, default False
        Whether consumers order more often before festivals and less in summer; BG/NBD assumes that not.

    Returns
    -------
    World
        ``.tables`` and ``.truth``, dictionaries of data frames.

    Raises
    ------
    TypeError
        If the seed or a size is not a whole number, the correlation no number, or the switch no truth value.
    ValueError
        If one of them is out of range.

    Examples
    --------
    >>> from crmlab import simulate
    >>> small = simulate.world(seed=7, customers=100)
    >>> len(small.tables["consumers"]), len(small.truth["consumers"])
    (100, 100)
    """
    seed = _check.whole(seed, "seed", minimum=0, maximum=2**63 - 1)
    customers = _check.whole(customers, "customers", minimum=50, maximum=2_000_000)
    if accounts is None:
        accounts = max(10, round(customers * ACCOUNTS_PER_CUSTOMER))
    setting = registry.Setting(
        seed,
        customers,
        _check.whole(accounts, "accounts", minimum=10, maximum=1_000_000),
        _check.number(value_rate_correlation, "value_rate_correlation", minimum=-0.95, maximum=0.95),
        _check.truth(seasonal_orders, "seasonal_orders"),
    )
    made = registry.run(setting, _Progress(customers) if customers > LARGE else None)
    tables = {name: tidy(made[name]) for name in registry.tables()}
    truth = {name: tidy(made[f"truth:{name}"]) for name in registry.truth()}
    return World(tables, truth)


class _Progress:
    """Say on standard error, in one line, how far a large world is."""

    def __init__(self, customers: int) -> None:
        self.title = f"Simulating {customers:,} customers"
        self.steps = len(registry.processes())
        self.done = 0

    def __call__(self, name: str) -> None:
        self.done += 1
        line = f"{self.title}: {self.done} of {self.steps}, {name.replace('_', ' ')}"
        print(f"\r{line:<79}", end="\n" if self.done == self.steps else "", file=sys.stderr, flush=True)
