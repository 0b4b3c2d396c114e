"""What a programme of care brings by stage, and how to spend its budget."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab.lifecycle._panel import periods
from crmlab.lifecycle.chains import Chain, per_period
from crmlab.lifecycle.hidden import HiddenMarkovBootstrap

ROUNDING = 1e-9  # share of the budget by which sums of money may pass it: 3 × 99.9 is 299.70000000000005
FEN = 0.01  # and never by half a fen
NODES = 5_000  # of the solver's search: seconds
PROVEN = 1e-6  # share of the net gain that another plan may bring without a warning


def care_value(
    control: Chain,
    care: Chain,
    reward: Mapping | pd.Series,
    cost: float,
    months: int = 12,
    yearly_rate: float = 0.10,
    horizon: int | None = None,
) -> pd.DataFrame:
    """Compute what some months of care bring, by the stage in which it begins.

    Parameters
    ----------
    control, care : Chain
        Moves without and with care, in the same states: `care` moves first, `control` moves afterwards.
    reward : mapping or Series
        Yuan that a month in each stage brings, by stage, before the cost of care.
    cost : float
        Yuan of a month of care, paid while the account is not lost.
    months : int
        How long care lasts, up to 12,000.
    yearly_rate : float
        Discount rate of a year.
    horizon : int, optional
        Months after the care that count, up to 12,000: 0 none of them, None all.

    Returns
    -------
    DataFrame
        By stage, present values in yuan: gain (against `control` all the time), cost, net; and gain_per_yuan.

    Raises
    ------
    TypeError, ValueError
        If the chains have different states, or an amount is missing, infinite or, for `cost`, not above 0.

    Examples
    --------
    >>> states = ["stability", "lost"]
    >>> control, care = (Chain(pd.DataFrame([[1 - p, p], [0, 1]], states, states)) for p in (0.10, 0.05))
    >>> found = care_value(control, care, {"stability": 100}, 4, months=2, yearly_rate=0, horizon=0)
    >>> found.loc["stability"].round(2).tolist()
    [5.0, 7.8, -2.8, 0.64]
    """
    for name, chain in (("control", control), ("care", care)):
        if not isinstance(chain, Chain):
            raise TypeError(f"{name} must be a Chain, found {type(chain).__name__}.")
    if control.states != care.states:
        raise ValueError(f"the chains have different states: {control.states} and {care.states}.")
    months = periods(months, "months")
    rate = per_period(yearly_rate)
    cost = _check.number(cost, "cost", minimum=0)
    if cost == 0:
        raise ValueError("cost must be above 0: what costs nothing needs no budget.")
    gain = control._by_state(reward, "reward")
    later = None if horizon is None else periods(horizon, "horizon", minimum=0) - 1
    plain = 0 * gain if later == -1 else control.value(reward, yearly_rate, horizon=later).to_numpy()
    treated = plain
    spent = 0 * gain
    kept = [s for s in control.states if s in control.transient or s in care.transient]
    price = np.where([s in kept for s in control.states], cost, 0.0)
    for _ in range(months):
        plain = gain + control.matrix.to_numpy() @ plain / (1 + rate)
        treated = gain + care.matrix.to_numpy() @ treated / (1 + rate)
        spent = price + care.matrix.to_numpy() @ spent / (1 + rate)
    table = pd.DataFrame({"gain": treated - plain, "cost": spent}, pd.Index(control.states, name="state"))
    table = table.loc[kept]
    return table.assign(net=table["gain"] - table["cost"], gain_per_yuan=table["gain"] / table["cost"])


def care_intervals(
    control: HiddenMarkovBootstrap,
    care: HiddenMarkovBootstrap,
    reward: Mapping | pd.Series,
    cost: float,
    months: int = 12,
    yearly_rate: float = 0.10,
    horizon: int | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute the yuan gained for a yuan of care, by stage, with an interval over resamples of both arms.

    Parameters
    ----------
    control, care : HiddenMarkovBootstrap
        Resamples without and with care, as many of each, paired in their order.
    reward : mapping or Series
        As for `care_value`.
    cost : float
        As for `care_value`.
    months : int
        As for `care_value`.
    yearly_rate : float
        As for `care_value`.
    horizon : int, optional
        As for `care_value`.
    level : float
        Level of the percentile interval.

    Returns
    -------
    DataFrame
        By stage: estimate, lower, upper.

    Raises
    ------
    TypeError, ValueError
        As `care_value` does; or if the numbers of resamples differ.

    Examples
    --------
    >>> from crmlab.lifecycle import HiddenMarkov
    >>> panel = pd.DataFrame({"account_id": np.repeat([1, 2], 3), "classified": list("aabbba"),
    ...     "month": list(pd.date_range("2025-01-01", periods=3, freq="MS")) * 2})
    >>> found = HiddenMarkov(panel, pd.DataFrame(np.eye(2), ["a", "b"], ["a", "b"])).fit().bootstrap(5)
    >>> nothing = care_intervals(found, found, {"a": 9, "b": 1}, 4, horizon=12)
    >>> nothing.loc["a"].tolist()
    [0.0, 0.0, 0.0]
    """
    for name, draws in (("control", control), ("care", care)):
        if not isinstance(draws, HiddenMarkovBootstrap):
            raise TypeError(
                f"{name} must be resamples, as .bootstrap() gives them, found {type(draws).__name__}."
            )
    if control.n_resamples != care.n_resamples:
        raise ValueError(
            f"control has {control.n_resamples} resamples and care {care.n_resamples}: draw as many of each."
        )
    rest = {"months": months, "yearly_rate": yearly_rate, "horizon": horizon}
    tail = (1 - _check.level(level)) / 2
    pairs = [(control.result, care.result), *zip(control.chains, care.chains, strict=True)]
    first, *draws = (care_value(a, b, reward, cost, **rest)["gain_per_yuan"] for a, b in pairs)
    bounds = pd.DataFrame(draws).quantile([tail, 1 - tail])
    return pd.DataFrame({"estimate": first, "lower": bounds.iloc[0], "upper": bounds.iloc[1]})


def allocate(budget: float, gain: pd.Series, cost: pd.Series, available: pd.Series) -> pd.DataFrame:
    """Spend a budget on whole accounts so that the net gain, gain less cost, is as large as it can be.

    Parameters
    ----------
    budget : float
        Yuan.
    gain, cost : Series
        Yuan per account, by group.
    available : Series
        Number of accounts, by group.

    Returns
    -------
    DataFrame
        Groups by falling gain_per_yuan, with available, funded (whole accounts), cost, gain and net.

    Raises
    ------
    TypeError, ValueError
        If the groups differ, or a number is missing, infinite or (but for `gain`) negative, or `available`
        has fractions.

    Notes
    -----
    An integer programme, solved by SciPy's `milp`. To fund where a yuan brings most comes close, but may
    leave a rest that is too small for the next account. Of plans with the same net gain the cheapest that the
    solver finds is taken; groups with equal gain and cost are filled in the order of their rows. The search
    ends after 5,000 steps. If it has not proven by then that no plan brings a millionth (and a fen) more, a
    warning says how much more another plan may bring at most.

    Examples
    --------
    >>> groups = ["new", "stable"]
    >>> gain, cost, many = (pd.Series(x, groups) for x in ([30, 80], [20, 40], [9, 2]))
    >>> allocate(100, gain, cost, many)["funded"].to_dict()
    {'stable': 2, 'new': 1}
    """
    budget = _check.number(budget, "budget", minimum=0)
    table = _groups(gain, cost, available)
    pays = table[table["gain"] > table["cost"]]
    kind = pays.groupby(["gain", "cost"], sort=False).ngroup()  # equal groups are one for the solver
    kinds = pays.groupby(kind).agg({"gain": "first", "cost": "first", "available": "sum"})
    before = pays.groupby(kind)["available"].cumsum() - pays["available"]
    funded = (kind.map(_best_numbers(budget, kinds)) - before).clip(0, pays["available"])
    funded = funded.reindex(table.index, fill_value=0).astype(int)
    found = pd.DataFrame(
        {"gain_per_yuan": table["gain"] / table["cost"], "available": table["available"].astype(int)}
    )
    found = found.assign(
        funded=funded, cost=funded * table["cost"], gain=funded * table["gain"] + 0.0
    )  # no minus zero
    return found.assign(net=found["gain"] - found["cost"])


def _groups(gain: object, cost: object, available: object) -> pd.DataFrame:
    """Check the groups and sort them by what a yuan brings; equal ones keep the order of `gain`."""
    if not isinstance(gain, pd.Series) or gain.empty or gain.index.has_duplicates or gain.index.nlevels > 1:
        raise ValueError("gain must be a Series with one number for each group, and one name for each.")
    table = {}
    for name, values in (("gain", gain), ("cost", cost), ("available", available)):
        given = _check.by_label(values, gain.index, name)
        numbers = _check.numeric(given, name, minimum=None if name == "gain" else 0, maximum=1e12)
        table[name] = pd.Series(numbers, gain.index)
    table = pd.DataFrame(table).rename_axis("group")
    if (table["cost"] == 0).any():
        raise ValueError(f"cost of {table['cost'].idxmin()!r} is 0: what costs nothing needs no budget.")
    parts = table["available"] % 1
    if parts.any():
        raise ValueError(
            f"available of {parts.idxmax()!r} is {table['available'][parts.idxmax()]:g}: give whole accounts."
        )
    rate = table["gain"] / table["cost"]
    return table.loc[rate.sort_values(ascending=False, kind="stable").index]


def _best_numbers(budget: float, kinds: pd.DataFrame) -> pd.Series:
    """Return how many of each kind of account to fund: most net gain first, then least cost."""
    room = budget + min(ROUNDING * budget, FEN / 2)
    cost = kinds["cost"].to_numpy()
    net = (kinds["gain"] - kinds["cost"]).to_numpy()
    most = np.minimum(kinds["available"].to_numpy(), room // cost)
    if most @ cost <= room:
        return pd.Series(most, kinds.index)
    number, least = _solve(-net, [(cost, room)], most)
    if number @ cost > room:  # the solver takes 2.9999995 for a whole number
        number, _ = _solve(-net, [(cost, room * (1 - 1e-6 * len(cost)))], most)
    won = net @ number
    more = -least - won
    if more > max(PROVEN * won, FEN):
        warnings.warn(
            f"it is not proven that no plan is better: another one may bring up to {more:,.2f} yuan more "
            f"net gain than these {won:,.2f}. To help the search, round amounts or join similar groups.",
            stacklevel=3,
        )
    if won <= 0:
        return pd.Series(number, kinds.index)
    cheaper, _ = _solve(cost, [(cost, room), (-net, -won * (1 - ROUNDING))], most)
    equal = net @ cheaper >= won * (1 - 2 * ROUNDING) and cheaper @ cost < number @ cost
    return pd.Series(cheaper if equal else number, kinds.index)


def _solve(
    objective: np.ndarray, limits: list[tuple[np.ndarray, float]], most: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the whole numbers from 0 to `most` with the least objective, each sum within its limit.

    Beside them stands what no whole numbers fall below. Zeros if the search ends before it finds any numbers.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    # scaled, since the solver's tolerances are absolute: 1e-6 of a sum of 1e4
    rows = np.array([1e4 * weights / abs(limit) for weights, limit in limits])
    ends = np.array([1e4 * np.sign(limit) for _, limit in limits])
    scale = 1e4 / np.abs(objective).max()
    found = milp(
        scale * objective,
        integrality=np.ones(len(most)),
        bounds=Bounds(0, most),
        constraints=LinearConstraint(rows, ub=ends),
        options={"mip_rel_gap": ROUNDING, "node_limit": NODES},
    )
    if found.x is None:
        return np.zeros(len(most)), np.minimum(objective, 0) @ most
    return np.round(found.x), found.mip_dual_bound / scale
