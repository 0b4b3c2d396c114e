"""Kano's model: what a feature does to satisfaction, from how people feel with it and without it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab import _check

KANO_ANSWERS = ("like", "must-be", "neutral", "live-with", "dislike")
KANO_CATEGORIES = ("must-be", "one-dimensional", "attractive", "indifferent", "reverse", "questionable")

# functional answer in rows, dysfunctional in columns, both in the order of KANO_ANSWERS (Kano et al. 1984)
_EVALUATION = np.array([list(row) for row in ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")])


def kano_category(functional: pd.Series, dysfunctional: pd.Series) -> pd.Series:
    """Look up every pair of answers in Kano's evaluation table.

    Parameters
    ----------
    functional, dysfunctional : Series of str
        How the respondent would feel with the feature, and without it: one of `KANO_ANSWERS`. Both have the
        same row labels in the same order.

    Returns
    -------
    Series
        Categorical, one of `KANO_CATEGORIES`; "questionable" where the two answers contradict each other.

    Examples
    --------
    >>> with_it = pd.Series(["like", "neutral", "like"])
    >>> kano_category(with_it, pd.Series(["dislike", "dislike", "like"])).tolist()
    ['one-dimensional', 'must-be', 'questionable']
    """
    rows = _positions(functional, "functional")
    columns = _positions(dysfunctional, "dysfunctional")
    if not functional.index.equals(dysfunctional.index):
        raise ValueError("functional and dysfunctional have other row labels: take both from one table.")
    words = dict(zip("MOAIRQ", KANO_CATEGORIES, strict=True))
    found = pd.Series(_EVALUATION[rows, columns], functional.index).map(words)
    return found.astype(pd.CategoricalDtype(KANO_CATEGORIES)).rename("category")


def _positions(answers: pd.Series, name: str) -> np.ndarray:
    """Return the place of every answer in `KANO_ANSWERS`."""
    if not isinstance(answers, pd.Series):
        raise TypeError(f"{name} must be a Series of answers, found {type(answers).__name__}.")
    missing = answers.isna()
    if missing.any():
        raise ValueError(f"{name} has {int(missing.sum())} missing answer(s). Leave these pairs out.")
    places = {word: k for k, word in enumerate(KANO_ANSWERS)}
    place = answers.astype(object).map(lambda answer: places.get(answer) if isinstance(answer, str) else None)
    if place.isna().any():
        _check.choice(answers[place.isna()].iloc[0], KANO_ANSWERS, name)
    return place.to_numpy(dtype=int)


def kano(answers: pd.DataFrame, feature: str = "feature", respondent: str = "customer_id") -> pd.DataFrame:
    """Classify features from a Kano survey.

    Parameters
    ----------
    answers : DataFrame
        One row per respondent and feature, with columns functional and dysfunctional (`KANO_ANSWERS`).
    feature, respondent : str
        Columns that identify a row.

    Returns
    -------
    DataFrame
        One row per feature, in the order of the survey.

        - the count of every category, and ``answers``, their sum;
        - ``category``: the most frequent but "questionable"; ties go must-be, one-dimensional, attractive,
          indifferent (Berger et al. 1993); ``runner_up``;
        - ``category_strength``: share of the first minus share of the second; ``total_strength``: share of
          must-be, one-dimensional and attractive (Lee & Newcomb 1997); shares of all answers;
        - ``better`` = (A + O) / (A + O + M + I), ``worse`` = -(O + M) / (A + O + M + I), NaN when nobody is
          in the four;
        - ``p_value``: exact binomial test that first and second are equally frequent among respondents,
          two-sided;
        - ``fong``: the difference of the two counts a and b over √((a + b)(2n - a - b) / 2n). Fong (1996)
          calls a category clear above 1.65.

    Notes
    -----
    Fong's formula is that of two independent samples, but each respondent is in one category
    only, which makes the difference vary more: √(a + b). Under a true tie it says "clear" too often.
    `p_value` does not have this fault; still, picking the two largest of five counts first makes any such
    test a little too generous.

    Examples
    --------
    >>> survey = pd.DataFrame({"customer_id": range(4), "feature": "app",
    ...                        "functional": ["like", "like", "like", "neutral"],
    ...                        "dysfunctional": ["neutral", "neutral", "dislike", "dislike"]})
    >>> kano(survey)[["category", "runner_up", "better", "worse"]]
               category runner_up  better  worse
    feature
    app      attractive   must-be    0.75   -0.5
    """
    from scipy.special import bdtr

    counts = _counts(answers, feature, respondent)
    valid = counts.drop(columns="questionable")
    names = valid.columns.to_numpy()
    order = np.argsort(-valid.to_numpy(), axis=1, kind="stable")  # ties keep the order of KANO_CATEGORIES
    ranked = np.take_along_axis(valid.to_numpy(), order, axis=1)
    a = ranked[:, 0]
    b = ranked[:, 1]
    n = counts.sum(axis=1).to_numpy()
    one_dimensional = valid["one-dimensional"]
    strong = valid[["must-be", "one-dimensional", "attractive"]].sum(axis=1)
    four = strong + valid["indifferent"]  # 0 / 0 is NaN
    return counts.assign(
        answers=n,
        category=names[order[:, 0]],
        runner_up=np.where(b > 0, names[order[:, 1]], None),
        category_strength=(a - b) / n,
        total_strength=strong / n,
        better=(valid["attractive"] + one_dimensional) / four,
        worse=0.0 - (one_dimensional + valid["must-be"]) / four,
        p_value=np.minimum(2 * bdtr(b, a + b, 0.5), 1),  # both tails of a fair coin, a being the larger count
        fong=(a - b) / np.sqrt((a + b) * (2 * n - a - b) / (2 * n)),
    )


def _counts(answers: pd.DataFrame, feature: str, respondent: str) -> pd.DataFrame:
    """Return how many answers of every feature (rows) are in every category (columns)."""
    _check.frame(answers, [respondent, feature, "functional", "dysfunctional"], "answers")
    if answers[[respondent, feature]].isna().any(axis=None):
        raise ValueError(f"answers has rows without {respondent} or {feature}. Leave them out.")
    _check.unique(answers, [respondent, feature], "answers")
    category = kano_category(answers["functional"], answers["dysfunctional"])
    features = answers[feature].astype(object)
    counts = pd.crosstab(features, category, dropna=False)
    counts = counts.reindex(index=features.unique(), columns=list(KANO_CATEGORIES), fill_value=0)
    usable = counts.drop(columns="questionable").any(axis=1)
    if not usable.all():
        raise ValueError(f"all answers about {usable.idxmin()!r} are questionable: look at how it was asked.")
    return counts.rename_axis(index=feature, columns=None)
