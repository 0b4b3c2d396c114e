"""The net promoter score, with the standard error that it is seldom given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab import _check

_GROUPS = ("promoters", "passives", "detractors")
_MOST = 10**12  # counts beyond are no counts; they would not fit into whole numbers


def nps(
    answers: pd.Series | pd.DataFrame | Mapping[str, int], level: float = 0.95
) -> pd.Series | pd.DataFrame:
    """Return the net promoter score with its standard error and interval.

    Parameters
    ----------
    answers : Series or DataFrame or mapping of str to int
        Scores: whole numbers 0-10 on "how likely is it that you would recommend"; 9-10 are promoters, 7-8
        passives, 0-6 detractors. Or counts by name: a mapping or Series with promoters, passives, detractors,
        or a DataFrame with these columns, one row per period.
    level : float
        Level of the normal interval.

    Returns
    -------
    Series or DataFrame
        promoters, passives, detractors, answers (counts), nps, se, lower, upper in points from -100 to 100;
        for a DataFrame one row per row. With shares p and d the variance of one answer is p + d - (p - d)²,
        so the score of n answers has variance a n-th of it.

    Notes
    -----
    Reichheld (2003). The variance is that of a variable which is 1, 0 or -1.

    Examples
    --------
    >>> nps({"promoters": 162, "passives": 108, "detractors": 54})[["nps", "se"]].round(3).tolist()
    [33.333, 4.141]
    """
    from scipy.special import ndtri

    level = _check.level(level)
    counts = _counts(answers)
    n = counts.sum(axis=1)
    p = counts["promoters"] / n
    d = counts["detractors"] / n
    score = (p - d) * 100
    se = np.sqrt((p + d - (p - d) ** 2).clip(lower=0) / n) * 100
    half = ndtri((1 + level) / 2) * se
    out = counts.assign(answers=n, nps=score, se=se, lower=score - half, upper=score + half)
    return out if isinstance(answers, pd.DataFrame) else out.iloc[0].rename("nps")


def nps_difference(
    first: pd.Series | Mapping[str, int], second: pd.Series | Mapping[str, int], level: float = 0.95
) -> pd.Series:
    """Compare the net promoter scores of two independent samples, such as two quarters.

    Parameters
    ----------
    first, second : Series or mapping of str to int
        Scores or counts by name, as for `nps`.
    level : float
        Level of the normal interval.

    Returns
    -------
    Series
        difference (second - first), se, lower, upper in points; z and the two-sided p_value.

    Examples
    --------
    >>> before = {"promoters": 60, "passives": 90, "detractors": 50}
    >>> after = {"promoters": 90, "passives": 70, "detractors": 40}
    >>> nps_difference(before, after)[["difference", "z"]].round(2).tolist()
    [20.0, 2.65]
    """
    from scipy.special import ndtr, ndtri

    if isinstance(first, pd.DataFrame) or isinstance(second, pd.DataFrame):
        raise TypeError("compare two samples: scores, or the counts of one row each.")
    level = _check.level(level)
    a = nps(first)
    b = nps(second)
    difference = b["nps"] - a["nps"]
    se = float(np.hypot(a["se"], b["se"]))
    if se == 0:
        raise ValueError("all answers of each sample are in one group: the difference has no standard error.")
    half = ndtri((1 + level) / 2) * se
    z = difference / se
    return pd.Series(
        {
            "difference": difference,
            "se": se,
            "lower": difference - half,
            "upper": difference + half,
            "z": z,
            "p_value": 2 * ndtr(-abs(z)),
        }
    )


def _counts(answers: object) -> pd.DataFrame:
    """Return promoters, passives and detractors as whole numbers, one row per sample."""
    if isinstance(answers, pd.DataFrame):
        if not _group_names(answers.columns):
            raise ValueError(
                "answers has no columns promoters, passives, detractors. Of scores by column take one, "
                "nps(answers['recommend']), or apply nps to all: answers.apply(nps).T."
            )
        table = answers
    elif isinstance(answers, Mapping):
        table = pd.DataFrame([dict(answers)])
    elif isinstance(answers, pd.Series) and _group_names(answers.index):
        table = pd.DataFrame([_named(answers)])
    else:
        table = _grouped(answers)
    _check.frame(table, _GROUPS, "answers")
    columns = {
        group: _check.numeric(table[group], group, minimum=0, maximum=_MOST, allow_truth_values=False)
        for group in _GROUPS
    }
    counts = pd.DataFrame(columns, table.index)
    if (counts % 1).any(axis=None):
        raise ValueError("counts of promoters, passives and detractors must be whole numbers, not shares.")
    if not counts.any(axis=1).all():
        raise ValueError("nobody answered: promoters, passives and detractors are all 0.")
    return counts.astype(int)


def _group_names(labels: pd.Index) -> list[str]:
    """Return the labels that name a group, in capitals too: such counts must not be taken for scores."""
    return [label for label in labels if isinstance(label, str) and label.strip().lower() in _GROUPS]


def _named(answers: pd.Series) -> dict[str, object]:
    """Return the counts of a Series by name; not all three names, or one twice, could mean scores."""
    found = _group_names(answers.index)
    if sorted(found) != sorted(_GROUPS):
        raise ValueError(
            f"answers has the row labels {', '.join(found)}. Counts need promoters, passives and detractors "
            "once each; for scores take other row labels, answers.reset_index(drop=True)."
        )
    return answers.loc[list(_GROUPS)].to_dict()


def _grouped(scores: object) -> pd.DataFrame:
    """Count the three groups among scores from 0 to 10."""
    if not isinstance(scores, pd.Series | np.ndarray | list | tuple):
        raise TypeError(
            f"answers must be a Series of scores or counts by name, found {type(scores).__name__}."
        )
    if getattr(scores, "name", None) in ("count", "proportion"):
        raise ValueError("answers looks like a result of value_counts: pass the scores themselves.")
    if not len(scores):
        raise ValueError("nobody answered: there are no scores.")
    values = _check.numeric(scores, "scores", minimum=0, maximum=10, allow_truth_values=False)
    if (values % 1).any():
        raise ValueError("scores must be whole numbers from 0 to 10: the question has no halves.")
    promoters = (values >= 9).sum()
    detractors = (values <= 6).sum()
    passives = len(values) - promoters - detractors
    return pd.DataFrame({"promoters": [promoters], "passives": [passives], "detractors": [detractors]})
