"""Importance-performance analysis: which attributes to work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import Result

# by importance (low, high), then by performance (low, high)
_QUADRANTS = np.array(
    [
        ["low priority", "possible overkill"],
        ["concentrate here", "keep up the good work"],
    ]
)


@dataclass(frozen=True, eq=False, repr=False)
class Quadrants(Result):
    """Importance-performance analysis, made by `quadrants`."""

    _table: pd.DataFrame
    importance_cut: float
    performance_cut: float
    rule: str

    @property
    def table(self) -> pd.DataFrame:
        """One row per attribute, in the order given: importance, performance, quadrant."""
        return self._table.copy()

    def summary(self) -> pd.DataFrame:
        """Return the table, the most important attribute first.

        Returns
        -------
        DataFrame
            importance, performance and quadrant by attribute.
        """
        return self._table.sort_values("importance", ascending=False, kind="stable")

    def _caption(self) -> str:
        return (
            f"Cut at {self.rule}: importance {self.importance_cut:.4g}, "
            f"performance {self.performance_cut:.4g}; on the cut counts as high."
        )


def quadrants(
    importance: pd.Series, performance: pd.Series, cut: str | tuple[float, float] = "mean"
) -> Quadrants:
    """Sort attributes into the four quadrants of importance-performance analysis (Martilla & James 1977).

    Parameters
    ----------
    importance, performance : Series
        By attribute; the two may have another order. Importance is stated (asked for) or derived (a
        regression coefficient, a total effect): say which, for they differ.
    cut : {"mean", "median"} or tuple of float
        Where the lines run. Means and medians compare attributes with each other; a pair (importance,
        performance), such as the midpoints of the two scales, compares them with a standard.

    Returns
    -------
    Quadrants
        quadrant is "concentrate here" (important, weak), "keep up the good work", "low priority" or "possible
        overkill" (unimportant, strong).

    Examples
    --------
    >>> importance = pd.Series({"speed": 6.1, "rooms": 4.2})
    >>> ipa = quadrants(importance, pd.Series({"speed": 4.8, "rooms": 5.6}))
    >>> ipa.table["quadrant"].to_dict()
    {'speed': 'concentrate here', 'rooms': 'possible overkill'}
    """
    if not (isinstance(importance, pd.Series) and isinstance(performance, pd.Series)):
        raise TypeError("importance and performance must be Series by attribute.")
    matched = _check.by_label(performance, importance.index, "performance").set_axis(importance.index)
    table = _check.aligned(allow_truth_values=False, importance=importance, performance=matched)
    lines, rule = _lines(table, cut)
    important = _high(table["importance"], lines["importance"])
    strong = _high(table["performance"], lines["performance"])
    table["quadrant"] = _QUADRANTS[important, strong]
    return Quadrants(table, float(lines["importance"]), float(lines["performance"]), rule)


def _high(values: pd.Series, line: float) -> np.ndarray:
    """Return 1 on the line and above, else 0; a mean may miss the values that it should equal by rounding."""
    rounding = 1e-12 * values.abs().max()
    return (values >= line - rounding).to_numpy(int)


def _lines(table: pd.DataFrame, cut: object) -> tuple[pd.Series, str]:
    """Return where the two lines run, and in words why."""
    if isinstance(cut, str):
        _check.choice(cut, ("mean", "median"), "cut")
        return table.agg(cut), f"the {cut}s"
    if not isinstance(cut, tuple | list) or len(cut) != 2:
        raise TypeError(f"cut must be 'mean', 'median' or a pair (importance, performance), found {cut!r}.")
    values = [_check.number(value, f"cut[{k}]") for k, value in enumerate(cut)]
    return pd.Series(values, ["importance", "performance"]), "given values"
