"""Levels of interaction: acts that belong together, and how well a rule finds them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from numbers import Number

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.lifecycle._panel import refuse_missing


def _pause(gap: object) -> pd.Timedelta:
    """Return a positive time; a number without a unit would be taken for nanoseconds."""
    bare = isinstance(gap, Number) and not isinstance(gap, np.timedelta64)
    if isinstance(gap, str):
        with contextlib.suppress(ValueError):
            float(gap)
            bare = True
    if isinstance(gap, np.timedelta64):
        bare = np.datetime_data(gap)[0] == "generic"
    if bare:
        text = str(gap).strip()
        raise ValueError(f"gap={gap!r} has no unit: write '{text}min', '{text}h' or '{text}D' for days.")
    try:
        pause = pd.Timedelta(gap)
    except (ValueError, TypeError):
        pause = pd.NaT
    if not pause > pd.Timedelta(0):
        raise ValueError(f"gap must be a positive time such as '30min' or '2D', found {gap!r}.")
    return pause


def sessionize(
    events: pd.DataFrame, gap: str | pd.Timedelta, entity: str = "customer_id", time: str = "at"
) -> pd.Series:
    """Number the groups of events that no pause longer than `gap` interrupts, customer by customer.

    Parameters
    ----------
    events : DataFrame
        One row per event, in any order.
    gap : str or Timedelta
        Time with its unit, such as "30min" (acts make an episode) or "2D" (episodes make a sequence).
    entity, time : str
        Columns of the customer and of the moment (datetime64).

    Returns
    -------
    Series of int
        1, 2, … by customer and time, with the index of `events`.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, incomplete or of the wrong type, or `gap` is no positive time or has no unit.

    Examples
    --------
    >>> at = pd.to_datetime(["2025-07-01 10:00", "2025-07-01 10:20", "2025-07-01 11:00"])
    >>> sessionize(pd.DataFrame({"customer_id": 1, "at": at}), "30min").tolist()
    [1, 1, 2]
    """
    events = _check.frame(events, [entity, time], "events")
    _check.dates(events[time], time)
    refuse_missing(events, entity)
    pause = _pause(gap)
    at = events[time].astype("datetime64[us]").to_numpy()  # in nanoseconds, 293 years would be too long
    acts = pd.DataFrame({"who": pd.factorize(events[entity], sort=True)[0], "at": at})
    acts = acts.sort_values(["who", "at"], kind="stable")
    new = acts["who"].ne(acts["who"].shift()) | acts["at"].diff().gt(pause)
    return new.cumsum().sort_index().set_axis(events.index).rename("session")


def pair_agreement(truth: pd.Series, found: pd.Series) -> pd.Series:
    """Compare two groupings of the same things by the pairs that they put together.

    Parameters
    ----------
    truth, found : Series
        The group of each thing. Two Series, or mappings, are matched by their labels; lists and arrays are
        in the same order.

    Returns
    -------
    Series
        `precision` (share of the pairs put together that belong together), `recall` (share of the pairs that
        belong together that were put together) and `adjusted_rand` (the Rand index adjusted for chance: 1 for
        equal groupings, about 0 for random ones).

    Raises
    ------
    TypeError, ValueError
        If they are no such columns, have different labels or lengths, miss a value, or one puts nothing
        together.

    Examples
    --------
    >>> pair_agreement(pd.Series([1, 1, 1, 2]), pd.Series([1, 1, 2, 3])).round(2).tolist()
    [1.0, 0.33, 0.33]
    """
    labelled = isinstance(truth, pd.Series | Mapping) and isinstance(found, pd.Series | Mapping)
    truth = _grouping(truth, "truth")
    found = _grouping(found, "found")
    if len(truth) != len(found) or truth.isna().any() or found.isna().any():
        raise ValueError(f"truth and found must be complete and equally long: {len(truth)} and {len(found)}.")
    if labelled and not truth.index.equals(found.index):
        found = _matched(truth, found)
    table = pd.DataFrame({"truth": truth.to_numpy(), "found": found.to_numpy()})

    def pairs(by: list[str]) -> float:
        sizes = table.value_counts(by)
        return float((sizes * (sizes - 1) / 2).sum())

    both, in_truth, in_found = (pairs(by) for by in (["truth", "found"], ["truth"], ["found"]))
    if not in_truth or not in_found:
        raise ValueError("one of the groupings puts no two things together: there is nothing to compare.")
    chance = in_truth * in_found / (len(table) * (len(table) - 1) / 2)
    most = (in_truth + in_found) / 2
    rand = (both - chance) / (most - chance) if most > chance else 1.0
    return pd.Series({"precision": both / in_found, "recall": both / in_truth, "adjusted_rand": rand})


def _grouping(values: object, name: str) -> pd.Series:
    """Return a grouping as a Series."""
    column = isinstance(values, pd.Series | pd.Index | Mapping | list | tuple | np.ndarray)
    if not column or np.ndim(values) > 1:
        raise TypeError(
            f"{name} must be a Series with the group of each thing, found {type(values).__name__}."
        )
    return pd.Series(values)


def _matched(truth: pd.Series, found: pd.Series) -> pd.Series:
    """Return `found` in the order of the labels of `truth`."""
    if truth.index.has_duplicates or found.index.has_duplicates:
        raise ValueError(
            "truth and found have row labels that occur twice, in another order: reset_index first."
        )
    if len(other := truth.index.difference(found.index, sort=False)):
        raise ValueError(
            f"found has nothing for the label {other[0]!r} of truth: both must group the same things. Take "
            "both from one table."
        )
    return found.loc[truth.index]
