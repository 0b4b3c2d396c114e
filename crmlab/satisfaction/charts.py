"""Control charts: has the level changed, or is it noise? Shewhart's limits, Western Electric rules, CUSUM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import Result

# mean and median of the range of two normal values, in standard deviations
_RANGE = {"mean": 1.128, "median": 0.954}


class _Rule(NamedTuple):
    beyond: float  # standard errors from the centre
    needed: int  # periods that far out, the last among them
    window: int  # of so many


# Western Electric (1956)
_RULES = {
    "rule_1": _Rule(beyond=3, needed=1, window=1),
    "rule_2": _Rule(beyond=2, needed=2, window=3),
    "rule_3": _Rule(beyond=1, needed=4, window=5),
    "rule_4": _Rule(beyond=0, needed=8, window=8),
}


@dataclass(frozen=True, eq=False, repr=False)
class ControlChart(Result):
    """A Shewhart chart, made by `individuals_chart`, `mean_chart` or `p_chart`.

    Rules and CUSUM work on z, the distance from the centre in standard errors, so limits may differ by
    period.
    """

    _table: pd.DataFrame
    kind: str
    centre: float
    sigma: float
    baseline: int
    rule: str

    @property
    def table(self) -> pd.DataFrame:
        """One row per period: value, n (where there is one), centre, lower, upper (3 standard errors), z."""
        return self._table.copy()

    def signals(self) -> pd.DataFrame:
        """Return by period which Western Electric rule (1956) signals, up or down alike.

        Returns
        -------
        DataFrame
            True or False. rule_1: beyond 3 standard errors. rule_2: this and at least one of the two before
            beyond 2, on the same side. rule_3: this and at least three of the four before beyond 1, same
            side. rule_4: the eighth in a row on one side.
        """
        z = self._table["z"]
        out = pd.DataFrame(False, z.index, list(_RULES))
        for side in (z, -z):
            for name, rule in _RULES.items():
                far = side > rule.beyond
                out[name] |= far & (far.rolling(rule.window, min_periods=1).sum() >= rule.needed)
        return out

    def cusum(self, k: float = 0.5, h: float = 5.0) -> pd.DataFrame:
        """Return the tabular CUSUM of z, see `cusum`.

        Parameters
        ----------
        k, h : float
            Reference value and decision interval, in standard errors.

        Returns
        -------
        DataFrame
            upper, upper_run, lower, lower_run and signal by period.
        """
        return cusum(self._table["z"], k, h)

    def change_point(self, k: float = 0.5, h: float = 5.0) -> pd.Series:
        """Return when the CUSUM first signals, and since when the level has been another.

        Parameters
        ----------
        k, h : float
            Reference value and decision interval, in standard errors.

        Returns
        -------
        Series
            signal (its period), start (the first period after the sum was last 0) and direction ("up" or
            "down"). All three are None without a signal.
        """
        table = self.cusum(k, h)
        found = table[table["signal"] != ""]
        if found.empty:
            return pd.Series({"signal": None, "start": None, "direction": None}, dtype=object)
        direction = found["signal"].iloc[0]
        run = found["upper_run" if direction == "up" else "lower_run"].iloc[0]
        signal = found.index[0]
        start = table.index[table.index.get_loc(signal) - run + 1]
        return pd.Series({"signal": signal, "start": start, "direction": direction}, dtype=object)

    def summary(self) -> pd.DataFrame:
        """Return the periods at which a rule signals.

        Returns
        -------
        DataFrame
            The rows of `table`, with the numbers of the rules that signal.
        """
        hit = self.signals()
        numbers = [", ".join(str(k + 1) for k in np.flatnonzero(row)) for row in hit.to_numpy()]
        return self._table.assign(rules=numbers)[hit.any(axis=1)]

    def _caption(self) -> str:
        found = int(self.signals().any(axis=1).sum())
        return (
            f"{self.kind}: centre {self.centre:.4g}, {self.rule}, from the first {self.baseline} of "
            f"{len(self._table)} periods; limits at 3 standard errors; {found} period(s) with a signal by "
            "the Western Electric rules."
        )


def individuals_chart(
    values: pd.Series, baseline: int | None = None, moving_range: str = "mean"
) -> ControlChart:
    """Chart single values; sigma from the moving range of neighbours.

    Parameters
    ----------
    values : Series
        One value per period, periods in order.
    baseline : int, optional
        How many first periods set centre and limits; all by default. A shift inside the baseline hides
        itself.
    moving_range : {"mean", "median"}
        sigma is the mean moving range / 1.128 or the median moving range / .954, which one wild value does
        not widen.

    Returns
    -------
    ControlChart
        With limits that are the same in every period.

    Examples
    --------
    From NIST/SEMATECH, 6.3.2.2:

    >>> flow = pd.Series([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> individuals_chart(flow).table[["lower", "upper"]].iloc[0].round(4).tolist()
    [45.8159, 55.8041]
    """
    data = _periods(values=values).set_axis(["value"], axis=1)
    base = _baseline(baseline, len(data))
    first = data["value"].iloc[:base]
    _check.choice(moving_range, _RANGE, "moving_range")
    sigma = float(first.diff().abs().agg(moving_range) / _RANGE[moving_range])
    centre = float(first.mean())
    needed = "more than half of the neighbours" if moving_range == "median" else "the values"
    table = _limits(data, centre, sigma, f"With moving_range={moving_range!r} {needed} must differ.")
    rule = f"sigma {sigma:.4g} ({moving_range} moving range)"
    return ControlChart(table, "individuals chart", centre, sigma, base, rule)


def mean_chart(mean: pd.Series, sd: pd.Series, n: pd.Series, baseline: int | None = None) -> ControlChart:
    """Chart means of samples of different size: limits centre ± 3·sigma/√n, wide where few answered.

    Parameters
    ----------
    mean, sd, n : Series
        Mean, standard deviation (n - 1) and size of every sample, by period, periods in order.
    baseline : int, optional
        How many first periods set the centre (mean of all their answers) and sigma (pooled); all by default.

    Returns
    -------
    ControlChart
        With limits that depend on n.

    Examples
    --------
    >>> mean = pd.Series([70.0, 69.0, 71.0, 62.0])
    >>> chart = mean_chart(mean, pd.Series([18.0] * 4), pd.Series([225, 225, 225, 36]), baseline=3)
    >>> chart.table[["lower", "upper"]].iloc[[0, 3]].round(1).to_numpy().tolist()
    [[66.4, 73.6], [61.0, 79.0]]
    """
    data = _periods(mean=mean, sd=sd, n=n).rename(columns={"mean": "value"})
    _check.numeric(data["sd"], "sd", minimum=0)
    _whole(data["n"], minimum=2)
    base = _baseline(baseline, len(data))
    first = data.iloc[:base]
    centre = float(np.average(first["value"], weights=first["n"]))
    sigma = float(np.sqrt(np.average(first["sd"] ** 2, weights=first["n"] - 1)))
    table = _limits(data[["value", "n"]], centre, sigma, "At least one sd must be above 0.")
    return ControlChart(table, "chart of means", centre, sigma, base, f"sigma {sigma:.4g} (pooled)")


def p_chart(count: pd.Series, n: pd.Series, baseline: int | None = None) -> ControlChart:
    """Chart shares of samples of different size, such as defective packs among those inspected.

    Parameters
    ----------
    count, n : Series
        How many have the property, among how many, by period, periods in order.
    baseline : int, optional
        How many first periods set the centre (all their counts over all their n); all by default.

    Returns
    -------
    ControlChart
        With limits that depend on n.

    Notes
    -----
    Limits are the centre ± 3·√(p̄(1 - p̄)/n), kept within 0 and 1. They rest on the normal
    approximation: n·p̄ should be 5 or more.

    Examples
    --------
    >>> chart = p_chart(pd.Series([8, 12, 10]), pd.Series([200, 200, 400]))
    >>> chart.table["upper"].round(4).tolist()
    [0.0778, 0.0778, 0.066]
    """
    data = _periods(count=count, n=n)
    _whole(data["count"], minimum=0)
    _whole(data["n"], minimum=1)
    above = data["count"] > data["n"]
    if above.any():
        raise ValueError(f"count is larger than n at {above.idxmax()!r}: a share cannot exceed 1.")
    base = _baseline(baseline, len(data))
    centre = float(data["count"].iloc[:base].sum() / data["n"].iloc[:base].sum())
    sigma = float(np.sqrt(centre * (1 - centre)))
    shares = pd.DataFrame({"value": data["count"] / data["n"], "n": data["n"]})
    table = _limits(shares, centre, sigma, "count must not be 0 in all of them, nor n in all of them.")
    table["lower"] = table["lower"].clip(lower=0)
    table["upper"] = table["upper"].clip(upper=1)
    return ControlChart(table, "p-chart", centre, sigma, base, "binomial limits")


def cusum(z: pd.Series, k: float = 0.5, h: float = 5.0) -> pd.DataFrame:
    """Tabular CUSUM: add up what exceeds k, and signal when the sum exceeds h.

    Parameters
    ----------
    z : Series
        Distances from the target in standard errors, as in ``ControlChart.table["z"]``, periods in order.
    k : float
        Reference value, half the shift to be found; .5 looks for shifts of one standard error.
    h : float
        Decision interval; 4 or 5 are usual.

    Returns
    -------
    DataFrame
        upper = max(0, upper before + z - k), lower = max(0, lower before - z - k); upper_run and lower_run
        count the periods since the sum was last 0; signal is "up", "down" or "". Sums are not reset after a
        signal.

    Examples
    --------
    From Lucas & Crosier (1982):

    >>> cusum(pd.Series([0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6]))["upper"].round(1).tolist()
    [0.3, 1.7, 2.6, 4.1, 4.7, 4.9, 7.0]
    """
    data = _periods(z=z)
    k = _check.number(k, "k", minimum=0)
    h = _check.number(h, "h", minimum=0.01)
    upper = _sums(data["z"] - k)
    lower = _sums(-data["z"] - k)
    signal = np.select([upper > h, lower > h], ["up", "down"], "")
    return pd.DataFrame(
        {
            "upper": upper,
            "upper_run": _runs(upper),
            "lower": lower,
            "lower_run": _runs(lower),
            "signal": signal,
        }
    )


def _sums(steps: pd.Series) -> pd.Series:
    """Return the running sum of steps that never falls below 0."""
    sums = accumulate(steps, lambda total, step: max(0.0, total + step), initial=0.0)
    return pd.Series(list(sums)[1:], steps.index)


def _runs(sums: pd.Series) -> pd.Series:
    """Return for how many periods, this one included, the sum has been above 0."""
    above = sums > 0
    return above.groupby((~above).cumsum()).cumsum()


def _periods(**columns: object) -> pd.DataFrame:
    """Return columns by period; rules and sums only mean something if periods are in order."""
    data = _check.aligned(allow_truth_values=False, **columns)
    keys = [_sort_key(label) for label in data.index]
    if isinstance(data.index, pd.CategoricalIndex) and data.index.ordered:
        keys = np.where(data.index.isna(), np.nan, data.index.codes).tolist()
    for position, (before, after) in enumerate(pairwise(keys)):
        if not _in_order(before, after):
            raise ValueError(
                f"the periods of {next(iter(columns))} are not in order: {data.index[position + 1]} comes "
                f"after {data.index[position]}. Sort them by date (sort_index). A text such as 'Q1 2025' "
                "cannot be sorted: make all of them dates, pd.Periods or numbers."
            )
    return data


def _sort_key(label: object) -> object:
    """Return what a period is compared by; numbers in text count as numbers: 'week 9' is before 'week 10'."""
    if isinstance(label, tuple):
        return [_sort_key(part) for part in label]
    if isinstance(label, str):
        return [int(part) if k % 2 else part for k, part in enumerate(re.split(r"(\d+)", label))]
    return label


def _in_order(before: object, after: object) -> bool:
    try:
        return before <= after
    except TypeError:  # a number and a text, with and without a time zone: they have no order
        return False


def _baseline(baseline: int | None, periods: int) -> int:
    if periods < 2:
        raise ValueError("a control chart needs at least two periods.")
    return periods if baseline is None else _check.whole(baseline, "baseline", minimum=2, maximum=periods)


def _whole(counts: pd.Series, minimum: int) -> None:
    _check.numeric(counts, counts.name, minimum=minimum)
    if (counts % 1).any():
        raise ValueError(f"{counts.name} must be whole numbers: counts, not shares.")


def _limits(data: pd.DataFrame, centre: float, sigma: float, needed: str) -> pd.DataFrame:
    """Add centre, limits and z to value and, where samples have a size, n; `needed` is what gives a sigma."""
    if not 1e-12 * abs(centre) < sigma < np.inf:  # a spread of rounding errors is none
        cure = needed if sigma < np.inf else "The numbers are too large: take another unit."
        raise ValueError(f"the first periods give no limits: sigma is {sigma:.3g}. {cure}")
    se = sigma / np.sqrt(data["n"]) if "n" in data else sigma
    return data.assign(
        centre=centre,
        lower=centre - 3 * se,
        upper=centre + 3 * se,
        z=(data["value"] - centre) / se,
    )
