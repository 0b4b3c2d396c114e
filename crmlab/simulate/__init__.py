"""The world of Qinghe Tea: people, behaviour, surveys and ledgers from one seed, with the truth behind them.

Every process has a generator of its own, so a table never changes because another one was added.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pandas as pd

from .. import _check
from . import accounts as _accounts
from . import encounters as _encounters
from . import parameters as _par
from . import people as _people
from . import purchases as _purchases
from . import surveys as _surveys
from .core import tidy

VERSION = "1"  # raise it when any byte of any table changes
SHIPPED_SEED = 20260630

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
    customers: int = _par.CUSTOMERS,
    accounts: int | None = None,
    households: int | None = None,
    *,
    value_rate_correlation: float = 0.0,
) -> World:
    """Simulate Qinghe Tea from July 2022 to June 2026.

    Parameters
    ----------
    seed : int
        Not negative. The same seed and sizes give the same tables, on one version of NumPy.
    customers : int, default 2000
        Consumers won in four years, 50 to 2,000,000.
    accounts : int, optional
        Places for business accounts, filled at all times, 10 to 1,000,000; 12 per 100 customers if left out.
    households : int, optional
        Panel households, 1 to 1,000,000. No table needs them yet: the number is checked and changes nothing.
    value_rate_correlation : float, default 0
        Correlation of order value and purchase rate (normal scores), -.95 to .95. Gamma-Gamma assumes 0.

    Returns
    -------
    World
        ``.tables`` and ``.truth``, dictionaries of data frames.

    Raises
    ------
    TypeError
        If the seed or a size is not a whole number, or the correlation is not a number.
    ValueError
        If one of them is out of range.

    Examples
    --------
    >>> from crmlab import simulate
    >>> small = simulate.world(seed=7, customers=100)
    >>> small
    World(22 tables, 100 consumers)
    >>> len(small.tables["consumers"]), len(small.truth["consumers"])
    (100, 100)
    """
    seed = _check.whole(seed, "seed", minimum=0, maximum=2**63 - 1)
    customers = _check.whole(customers, "customers", minimum=50, maximum=2_000_000)
    if accounts is None:
        accounts = max(10, round(customers * _par.ACCOUNTS_PER_CUSTOMER))
    accounts = _check.whole(accounts, "accounts", minimum=10, maximum=1_000_000)
    if households is not None:  # the panel comes with its chapters
        _check.whole(households, "households", minimum=1, maximum=1_000_000)
    value_rate_correlation = _check.number(
        value_rate_correlation, "value_rate_correlation", minimum=-0.95, maximum=0.95
    )
    scores = _people.latents(seed, customers, value_rate_correlation)
    people = _people.consumers(seed, scores)
    parts = (
        _stated(),
        _buying(seed, people, scores),
        _business(seed, accounts),
        _asked(seed, people, scores),
    )
    tables = {name: tidy(frame) for part in parts for name, frame in part.tables.items()}
    truth = {name: tidy(frame) for part in parts for name, frame in part.truth.items()}
    return World(tables, truth)


def _stated() -> World:
    """Return what is the same in every world: prices and costs, and the parameters of the processes."""
    costs = pd.DataFrame(_par.CHANNEL_COSTS, columns=["cost_per_order", "cost_per_return"])
    costs.insert(0, "channel", _par.ORDER_CHANNELS)
    tables = {
        "product_lines": pd.DataFrame({"product_line": _par.LINES, "margin_rate": _par.LINE_MARGINS}),
        "order_channels": costs,
        "improvements": _par.IMPROVEMENTS,
        "competing_offers": _par.OFFERS.drop(columns="benefit"),
    }
    truth = {
        "parameters": _par.table(),
        "loadings": _surveys.loadings(),
        "transition_matrices": _accounts.matrices(),
    }
    return World(tables, truth)


def _buying(seed: int, people: pd.DataFrame, scores: pd.DataFrame) -> World:
    """Return what consumers do: orders and all that surrounds them."""
    bought, dropout = _purchases.purchase_times(seed, people, scores)
    trouble = _purchases.incidents(seed, bought, scores)
    trial, extra = _purchases.customer_care(seed, bought, people, dropout)
    ledger = _purchases.orders(seed, people, scores, bought, extra, trouble)
    events, event_truth = _encounters.event_log(seed, ledger, people)
    tables = {
        "consumers": people,
        "leads": _people.leads(seed, people, scores),
        "orders": ledger,
        "order_lines": _purchases.order_lines(seed, ledger, scores),
        "contacts": _encounters.contacts(seed, ledger, scores, trouble, trial),
        "customer_care": trial,
        "event_log": events,
        "referrals": _encounters.referrals(seed, people, scores),
    }
    truth = {
        "consumers": scores.assign(dropped_out_on=_purchases.dropped_out_on(ledger, dropout, trouble)),
        "driver_values": _purchases.driver_values(scores, people, dropout),
        "incidents": _purchases.incident_truth(trouble),
        "events": event_truth,
    }
    return World(tables, truth)


def _business(seed: int, places: int) -> World:
    """Return the business accounts: their stages, and what ledger and account managers show of them."""
    ever, stages = _accounts.histories(seed, places)
    scores = _accounts.latents(seed, ever)
    tables = {
        "accounts": _accounts.accounts(seed, ever, stages),
        "account_months": _accounts.account_months(seed, ever, stages),
        "account_reviews": _accounts.account_reviews(seed, ever, stages),
        "care_wave": _accounts.care_wave(seed, ever, stages, scores),
    }
    return World(tables, {"accounts": scores, "account_stages": _accounts.stage_truth(stages)})


def _asked(seed: int, people: pd.DataFrame, scores: pd.DataFrame) -> World:
    """Return what consumers answer, and the two series that are tracked."""
    quality, quality_truth = _surveys.service_quality_survey(seed, people, scores)
    kano, kano_truth = _surveys.kano_survey(seed, people)
    tables = {
        "satisfaction_survey": _surveys.satisfaction_survey(seed, people, scores),
        "satisfaction_tracker": _surveys.satisfaction_tracker(seed),
        "service_quality_survey": quality,
        "kano_survey": kano,
        "offer_choices": _surveys.offer_choices(seed, people),
        "inspections": _surveys.inspections(seed),
    }
    truth = {
        "service_quality": quality_truth,
        "improvements": _surveys.improvement_effects(quality_truth),
        "kano_categories": kano_truth,
    }
    return World(tables, truth)
