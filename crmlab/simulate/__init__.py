"""The world of Qinghe Tea: people, behaviour, surveys and ledgers from one seed, with the truth behind them.

Every process has a generator of its own, so a table never changes because another one was added.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import _check
from . import accounts as _accounts
from . import parameters as _par
from . import people as _people
from . import purchases as _purchases
from . import surveys as _surveys
from .core import tidy

VERSION = "1"  # raise it when any byte of any table changes
SHIPPED_SEED = 20260630

__all__ = ["SHIPPED_SEED", "VERSION", "World", "cohort_seed", "world"]


@dataclass(frozen=True)
class World:
    """One simulated world.

    Attributes
    ----------
    tables : dict of str to DataFrame
        What Qinghe Tea has in its files.
    truth : dict of str to DataFrame
        What nobody at Qinghe Tea can see: latent scores, stages, effects, parameters.
    """

    tables: dict[str, pd.DataFrame]
    truth: dict[str, pd.DataFrame]

    def __repr__(self) -> str:
        return f"World({len(self.tables)} tables, {len(self.tables['consumers']):,} consumers)"


def cohort_seed(name: str) -> int:
    """Return the seed of a cohort: the first 48 bits of its name's SHA-256.

    The name is taken letter by letter; `crmlab.datasets` tidies capitals and spaces before it asks.

    Examples
    --------
    >>> cohort_seed("spring-2027") == cohort_seed("spring-2027")
    True
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"A cohort's name must be a text that is not empty, found {name!r}.")
    return int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:6], "big")


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
        Places for business accounts, filled at all times; 12 per 100 customers if left out.
    households : int, optional
        Panel households, for the chapters that use the panel; 50 per 100 customers if left out.
    value_rate_correlation : float, default 0
        Correlation of order value and purchase rate (normal scores). Gamma-Gamma assumes 0.

    Returns
    -------
    World
        ``.tables`` and ``.truth``, dictionaries of data frames.

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number or out of range.

    Examples
    --------
    >>> small = world(seed=7, customers=100)
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

    truth = _people.latents(seed, customers, value_rate_correlation)
    people = _people.consumers(seed, truth)
    bought, dropout = _purchases.purchase_times(seed, people, truth)
    trouble = _purchases.incidents(seed, bought, truth)
    trial, extra = _purchases.customer_care(seed, bought, people, dropout)
    ledger = _purchases.orders(seed, people, truth, bought, extra, trouble)
    events, event_truth = _purchases.event_log(seed, ledger, people)
    quality, quality_truth = _surveys.service_quality_survey(seed, people, truth)
    kano, kano_truth = _surveys.kano_survey(seed, people)
    ever, stages = _accounts.histories(seed, accounts)
    account_truth = _accounts.latents(seed, ever)

    tables = {
        "consumers": people,
        "leads": _people.leads(seed, people, truth),
        "orders": ledger,
        "order_lines": _purchases.order_lines(seed, ledger, truth),
        "product_lines": pd.DataFrame({"product_line": _par.LINES, "margin_rate": _par.LINE_MARGINS}),
        "order_channels": pd.DataFrame(
            [(c, *costs) for c, costs in zip(_par.ORDER_CHANNELS, _par.CHANNEL_COSTS, strict=True)],
            columns=["channel", "cost_per_order", "cost_per_return"],
        ),
        "contacts": _purchases.contacts(seed, ledger, truth, trouble, trial),
        "customer_care": trial,
        "event_log": events,
        "referrals": _purchases.referrals(seed, people, truth),
        "accounts": _accounts.accounts(seed, ever, stages),
        "account_months": _accounts.account_months(seed, ever, stages),
        "account_reviews": _accounts.account_reviews(seed, ever, stages),
        "care_wave": _accounts.care_wave(seed, ever, stages, account_truth),
        "satisfaction_survey": _surveys.satisfaction_survey(seed, people, truth),
        "satisfaction_tracker": _surveys.satisfaction_tracker(seed),
        "service_quality_survey": quality,
        "improvements": _par.IMPROVEMENTS.copy(),
        "kano_survey": kano,
        "competing_offers": _par.OFFERS.drop(columns="benefit"),
        "offer_choices": _surveys.offer_choices(seed, people),
        "inspections": _surveys.inspections(seed),
    }
    # Whoever leaves, leaves after an order: by dropout, after one that a care call brought about, or over an incident.
    left = ~np.isnan(dropout)
    left[trouble.loc[trouble["left"] == 1, "row"]] = True
    last_order = ledger.groupby("customer_id")["order_date"].max().reindex(truth["customer_id"]).array
    month = _par.MONTHS[stages["month"]]
    hidden = {
        "parameters": _par.table(),
        "loadings": _surveys.loadings(),
        "consumers": truth.assign(dropped_out_on=pd.Series(last_order).where(left)),
        "driver_values": _purchases.driver_values(truth, people, dropout),
        "incidents": pd.DataFrame(
            {
                "customer_id": trouble["row"] + 1,
                "date": _par.START + pd.to_timedelta(np.floor(trouble["day"]), unit="D"),
                "response": trouble["response"],
                "recovered": trouble["recovered"],
                "left": trouble["left"],
            }
        ),
        "events": event_truth,
        "accounts": account_truth,
        "account_stages": pd.DataFrame(
            {
                "account_id": stages["account"] + 1,
                "month": month,
                "stage": np.array([*_par.STAGES, "lost"])[stages["stage"]],
            }
        ),
        "transition_matrices": _accounts.matrices(),
        "service_quality": quality_truth,
        "improvements": _surveys.improvement_effects(quality_truth),
        "kano_categories": kano_truth,
    }
    return World(
        {name: tidy(frame) for name, frame in tables.items()},
        {name: tidy(frame) for name, frame in hidden.items()},
    )
