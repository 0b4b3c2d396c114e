"""What was expected and what was perceived: disconfirmation and service quality (SERVQUAL)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import Result

SERVQUAL_DIMENSIONS = ("tangibles", "reliability", "responsiveness", "assurance", "empathy")


def disconfirmation(expected: pd.Series, perceived: pd.Series) -> pd.DataFrame:
    """Split perceived minus expected into what falls short and what exceeds, for a line with two slopes.

    Parameters
    ----------
    expected, perceived : Series
        One answer per respondent, with the same row labels in the same order.

    Returns
    -------
    DataFrame
        expectation, gap (perceived - expected), negative (the gap where service falls short, else 0, so never
        above 0), positive (where it exceeds, else 0). Positive slopes of both terms mean: more is better; a
        larger slope of negative means that falling short hurts more than exceeding pleases.

    Notes
    -----
    Oliver (1980). If satisfaction has one slope for the whole gap, the two slopes agree: test it with
    ``results.t_test("negative = positive")``. Noise in the measured gap pulls the two towards each other.

    Examples
    --------
    >>> disconfirmation([6, 6, 6], [5, 6, 8])
       expectation  gap  negative  positive
    0          6.0 -1.0      -1.0       0.0
    1          6.0  0.0       0.0       0.0
    2          6.0  2.0       0.0       2.0
    """
    data = _check.aligned(allow_truth_values=False, expected=expected, perceived=perceived)
    gap = data["perceived"] - data["expected"]
    return pd.DataFrame(
        {
            "expectation": data["expected"],
            "gap": gap,
            "negative": gap.clip(upper=0) + 0.0,  # + 0.0: no minus zero
            "positive": gap.clip(lower=0),
        }
    )


@dataclass(frozen=True, eq=False, repr=False)
class Servqual(Result):
    """Perception minus expectation, made by `servqual`: below 0 where service falls short."""

    _expected: pd.DataFrame  # respondents x items
    _perceived: pd.DataFrame
    _points: pd.DataFrame  # respondents x dimensions, no columns if the survey has no points
    _dimension: pd.Series  # of every item
    minimum: float
    maximum: float

    def _mean(self, values: pd.DataFrame, by: str) -> pd.DataFrame:
        _check.choice(by, ("dimension", "item"), "by")
        if by == "item":
            return values
        return values.T.groupby(self._dimension, sort=False).mean().T

    def gaps(self, by: str = "dimension") -> pd.DataFrame:
        """Return every respondent's gaps.

        Parameters
        ----------
        by : {"dimension", "item"}
            "dimension" averages the items of each dimension.

        Returns
        -------
        DataFrame
            Respondents in rows, dimensions or items in columns; points of the answer scale.
        """
        return self._mean(self._perceived - self._expected, by)

    def summary(self, by: str = "dimension") -> pd.DataFrame:
        """Return means over respondents.

        Parameters
        ----------
        by : {"dimension", "item"}
            What the rows are.

        Returns
        -------
        DataFrame
            expected, perceived, gap, and se, the standard error of the gap. The unweighted SERVQUAL score is
            the mean of the dimensions' gaps.
        """
        gaps = self.gaps(by)
        table = pd.DataFrame(
            {
                "expected": self._mean(self._expected, by).mean(),
                "perceived": self._mean(self._perceived, by).mean(),
                "gap": gaps.mean(),
                "se": gaps.sem(),
            }
        )
        return table.rename_axis(by)

    def score(self, weights: str | Mapping[str, float] | pd.Series = "equal") -> pd.Series:
        """Return every respondent's weighted mean of the dimensions' gaps.

        Parameters
        ----------
        weights : {"equal", "points"} or mapping of str to float
            "points": the respondent's own 100 points from columns ``points_<dimension>``. A mapping or Series
            gives every dimension one weight for all respondents; it is divided by its sum.

        Returns
        -------
        Series
            One score per respondent, in points of the answer scale.
        """
        gaps = self.gaps()
        if not isinstance(weights, str):
            shares = _shares(weights, gaps.columns)
        elif _check.choice(weights, ("equal", "points"), "weights") == "equal":
            shares = 1 / gaps.shape[1]
        else:
            shares = self._stated(gaps.columns)
        return (gaps * shares).sum(axis=1).rename("servqual_score")

    def _stated(self, dimensions: pd.Index) -> pd.DataFrame:
        """Return what share of the 100 points every respondent gave to each dimension."""
        columns = [f"points_{name}" for name in dimensions]
        _check.frame(self._points, columns, "points of the survey")
        points = self._points[columns].apply(
            lambda column: _check.numeric(column, column.name, minimum=0, maximum=100)
        )
        total = points.sum(axis=1)
        off = (total - 100).abs() > 1e-6
        if off.any():
            raise ValueError(
                f"{int(off.sum())} respondent(s) gave points that do not add up to 100, the first "
                f"{total[off].iloc[0]:g}. Leave them out, or name all dimensions that share the points."
            )
        return points.set_axis(dimensions, axis=1) / 100

    def _caption(self) -> str:
        respondents, items = self._expected.shape
        return (
            f"SERVQUAL: perception minus expectation on a scale from {self.minimum:g} to {self.maximum:g}, "
            f"{items} pairs of items, {respondents} respondents; "
            f"unweighted score {self.gaps().mean().mean():.3f}."
        )


def _shares(weights: Mapping[str, float] | pd.Series, dimensions: pd.Index) -> pd.Series:
    """Return weights by dimension, divided by their sum."""
    by_dimension = _check.by_label(weights, dimensions, "weights").infer_objects()
    values = _check.numeric(by_dimension, "weights", minimum=0, allow_truth_values=False)
    if not values.sum():
        raise ValueError("weights are all 0: nothing counts.")
    return pd.Series(values / values.sum(), dimensions)


def servqual(
    survey: pd.DataFrame,
    dimensions: Sequence[str] = SERVQUAL_DIMENSIONS,
    *,
    minimum: float = 1,
    maximum: float = 7,
) -> Servqual:
    """Measure service quality by the gap between what is perceived and what was expected.

    Parameters
    ----------
    survey : DataFrame
        One row per respondent, columns ``<dimension>_<k>_expected`` and ``<dimension>_<k>_perceived``; for
        stated weights ``points_<dimension>`` too.
    dimensions : sequence of str
        Which dimensions; by default the five of Parasuraman, Zeithaml & Berry (1988).
    minimum, maximum : float
        Ends of the answer scale; by default the seven points of the published instrument. No gap depends on
        them: they refuse answers off the scale and are named in the printed result. Gaps on scales of other
        length are not comparable.

    Returns
    -------
    Servqual
        ``gaps``, ``summary`` and ``score``.

    Raises
    ------
    ValueError, TypeError
        If half of a pair is missing, or an answer is missing, no number, or off the scale.

    Examples
    --------
    >>> survey = pd.DataFrame({"empathy_1_expected": [7, 6], "empathy_1_perceived": [5, 6],
    ...                        "empathy_2_expected": [6, 6], "empathy_2_perceived": [5, 7]})
    >>> servqual(survey, ["empathy"]).gaps()["empathy"].tolist()
    [-1.5, 0.5]
    """
    _check.frame(survey, argument="survey")
    lowest = _check.number(minimum, "minimum")
    highest = _check.number(maximum, "maximum")
    if not lowest < highest:
        raise ValueError(f"minimum must be below maximum, found {lowest:g} and {highest:g}.")
    home = _items(survey, [dimensions] if isinstance(dimensions, str) else dimensions)
    sides = {}
    for side in ("expected", "perceived"):
        columns = [f"{item}_{side}" for item in home]
        _check.frame(survey, columns, "survey")
        values = [_answers(survey[column], lowest, highest) for column in columns]
        sides[side] = pd.DataFrame(np.column_stack(values), survey.index, list(home))
    points = survey[[column for column in survey.columns if str(column).startswith("points_")]].copy()
    return Servqual(sides["expected"], sides["perceived"], points, pd.Series(home), lowest, highest)


def _items(survey: pd.DataFrame, dimensions: Sequence[str]) -> dict[str, str]:
    """Return item -> dimension, for every pair of columns of which at least one half is there."""
    if not isinstance(dimensions, Iterable):
        raise TypeError(f"dimensions must be a list of names, found {dimensions!r}.")
    home: dict[str, str] = {}
    for dimension in dimensions:
        pattern = re.compile(rf"({re.escape(str(dimension))}_\d+)_(?:expected|perceived)")
        matches = (pattern.fullmatch(str(column)) for column in survey.columns)
        found = {match[1]: dimension for match in matches if match}
        if not found:
            raise ValueError(f"survey has no columns {dimension}_1_expected, {dimension}_1_perceived …")
        home |= found
    if not home:
        raise ValueError("dimensions is empty: name at least one.")
    return home


def _answers(column: pd.Series, minimum: float, maximum: float) -> np.ndarray:
    values = _check.numeric(column, column.name, allow_truth_values=False)
    off = (values < minimum) | (values > maximum)
    if off.any():
        raise ValueError(
            f"{column.name} has answers off the scale from {minimum:g} to {maximum:g}, such as "
            f"{values[off][0]:g}. Correct them, or name the ends: servqual(…, minimum=, maximum=)."
        )
    return values
