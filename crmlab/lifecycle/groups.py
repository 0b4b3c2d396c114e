"""Accounts that differ: a chain for each group, their mixture, and what one chain for all makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.lifecycle._panel import LOST, Panel, refuse_missing
from crmlab.lifecycle.chains import Chain
from crmlab.lifecycle.hidden import HiddenMarkov
from crmlab.lifecycle.moves import counted

TOGETHER = ("mixture", "pooled")


def value_by_group(
    data: pd.DataFrame,
    group: str,
    reward: Mapping | pd.Series,
    yearly_rate: float = 0.10,
    *,
    error_rates: pd.DataFrame | None = None,
    entity: str = "account_id",
    state: str = "stage",
    time: str = "month",
    lost: str | None = "lost_on",
) -> pd.DataFrame:
    """Fit a chain to each group, and set what an account is worth in it beside what one chain for all says.

    Parameters
    ----------
    data : DataFrame
        As for `transitions`.
    group : str
        Column with the group of the account, the same in all of its rows.
    reward : mapping or Series
        Yuan that a month in each state brings, by state, as for `Chain.value`.
    yearly_rate : float
        Discount rate of a year.
    error_rates : DataFrame, optional
        If `state` holds classes that were read with error: as for `HiddenMarkov`, which is then fitted to
        each group.
    entity, state, time, lost : str
        Columns, as for `transitions`.

    Returns
    -------
    DataFrame
        By group (sorted, or in the order of its category) and state: `months` of the data (expected ones if
        stages are hidden), `value` in yuan and `expected_months` until loss. After the groups stand `mixture`
        (an account in that state whose group is unknown: the mean over groups, weighted by their months in
        that state) and `pooled` (one chain for all).

    Raises
    ------
    TypeError, ValueError
        As `transitions`, `HiddenMarkov` and `Chain.value`; if an account is in two groups; or if a chain
        cannot be estimated, or never ends, in one of the groups.

    Notes
    -----
    One chain for all lets an account change its group with every move: it takes the moves out of a state from
    the accounts that are often there. It understates states that long-lived accounts fill, and may overstate
    others: look at the row of the mixture.

    Examples
    --------
    >>> months = list(pd.date_range("2025-01-01", periods=4, freq="MS"))
    >>> panel = pd.DataFrame({"account_id": np.repeat([1, 2, 3, 4], 4), "month": months * 4})
    >>> panel["stage"] = "stability"
    >>> panel["size"] = np.repeat(["big", "small"], 8)
    >>> panel["lost_on"] = panel["account_id"].map({2: months[3], 3: months[1], 4: months[2]})
    >>> panel = panel[~(panel["month"] >= panel["lost_on"])]
    >>> value_by_group(panel, "size", {"stability": 100})["expected_months"].unstack("group").round(1)
    group      big  small  mixture  pooled
    state
    stability  6.0    1.5      4.7     3.0
    """
    data = _check.frame(data, [entity, group])
    refuse_missing(data, entity)
    refuse_missing(data, group)
    by_account = data.groupby(entity)[group]
    several = by_account.nunique() > 1  # noqa: PD101
    if several.any():
        raise ValueError(f"{entity} {several.idxmax()} is in more than one {group}: one for all of its rows.")
    member = by_account.first()
    if taken := [name for name in TOGETHER if name in set(member)]:
        raise ValueError(f"a {group} is called {taken[0]!r}, as a row of the result is: rename it.")
    if error_rates is None:
        panel = Panel.make(data, entity, state, time, lost)
    else:
        model = HiddenMarkov(data, error_rates, entity, state, time, lost)
        panel = model._panel

    def fitted(chosen: np.ndarray) -> tuple[Chain, pd.Series]:
        if not chosen[panel.entity].any():
            raise ValueError(f"there is no month before the loss, {state} is {LOST!r} in every row.")
        if error_rates is None:
            part = panel.only(chosen)
            return counted(part, lost is not None), pd.Series(np.bincount(part.state), part.states)
        found = model._only(chosen, data.index).fit()
        return found, found.stages().sum()

    pooled = _worth(*fitted(np.ones(len(member), bool)), reward, yearly_rate)
    parts = {}
    for name in pd.factorize(member, sort=True)[1]:
        try:
            chain, months = fitted((member == name).to_numpy())
            known = {s: reward[s] for s in chain.states if s in reward}  # a group may lack a state
            parts[name] = _worth(chain, months, known, yearly_rate)
        except ValueError as error:
            raise ValueError(f"{group} {name!r}: {error} Or join the group with another one.") from error
    parts["mixture"] = _mixture(pd.concat(parts)).loc[pooled.index]
    return pd.concat({**parts, "pooled": pooled}, names=["group", "state"])


def _worth(chain: Chain, months: pd.Series, reward: object, yearly_rate: float) -> pd.DataFrame:
    """Return months, value and expected life by state of a chain."""
    if endless := [s for s in chain.absorbing if s != LOST]:
        raise ValueError(f"no account was seen to leave {endless[0]!r}: the time until loss is infinite.")
    table = {
        "months": months,
        "value": chain.value(reward, yearly_rate),
        "expected_months": chain.expected_months()["total"],
    }
    return pd.DataFrame(table).loc[chain.transient]


def _mixture(parts: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over groups by state (the last level), weighted by months."""
    weight = parts["months"] / parts["months"].groupby(level=1).transform("sum")
    mean = parts[["value", "expected_months"]].mul(weight, axis=0).groupby(level=1).sum()
    return mean.assign(months=parts["months"].groupby(level=1).sum())[list(parts.columns)]
