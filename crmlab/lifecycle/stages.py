"""A rule that reads a month's stage from the ledger, learned from labels; its cross-validated errors."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import Result
from crmlab.lifecycle._panel import in_order
from crmlab.lifecycle.hidden import HiddenMarkov, HiddenMarkovResult

FOLDS = 5


def _features(months: pd.DataFrame, extra: tuple[str, ...]) -> pd.DataFrame:
    """What the rule looks at, from the columns of the ledger; the margin rate is NaN without revenue."""
    names = ["orders", "volume_kg", "revenue", "margin", "complaints", "response_hours", *extra]
    months = _check.frame(months, names, "months")
    x = {c: _check.numeric(months[c], c, minimum=0 if c in names[:3] + names[4:6] else None) for c in names}
    if (x["response_hours"] == 0).any():
        raise ValueError("response_hours must be above 0: the rule takes its logarithm.")
    rate = np.full(len(months), np.nan)
    np.divide(x["margin"], x["revenue"], out=rate, where=x["revenue"] > 0)
    table = {
        "const": np.ones(len(months)),
        "orders": x["orders"],
        "log_volume": np.log1p(x["volume_kg"]),
        "margin_rate": rate,
        "complaints": x["complaints"],
        "log_response": np.log(x["response_hours"]),
    }
    if doubled := [c for c in extra if c in table]:
        raise ValueError(f"extra names {doubled[0]!r}, which the rule has a column for: leave it out.")
    return pd.DataFrame(table | {c: x[c] for c in extra}, months.index)


class StageClassifier:
    """A rule that reads a month's stage from the ledger, learned from months that account managers labelled.

    Multinomial logit (statsmodels' MNLogit); a month gets its most probable stage. The rule looks at orders,
    the logarithms of 1 + volume (kg) and of response hours, margin over revenue (in months without revenue,
    that of the labelled months together) and complaints. It does not look at visits: they are what the firm
    does, not how the account behaves, and care changes them. Its errors are counted by five-fold
    cross-validation: accounts are dealt to five groups, and the labels of each are compared with a rule
    learned from the other four.

    Parameters
    ----------
    months : DataFrame
        Ledger with one row per account and month (see the table account_months).
    reviews : DataFrame
        Labels, at most one per account and month; those of months not in the ledger are not used.
    extra : tuple of str
        More numeric columns of `months` to look at, as they are.
    entity, time, label : str
        Columns of the account, the month and, in `reviews`, the stage.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or of the wrong type, a month is there twice, an amount is negative (margin may
        be), missing or infinite, or labels are too few: ten of each stage, from five accounts.

    Examples
    --------
    >>> from crmlab import datasets
    >>> months, reviews = (datasets.load(t, cohort="shipped") for t in ("account_months", "account_reviews"))
    >>> rule = StageClassifier(months, reviews).fit()
    >>> list(rule.error_rates.index)
    ['exploration', 'formation', 'stability', 'decline']
    """

    def __init__(
        self,
        months: pd.DataFrame,
        reviews: pd.DataFrame,
        extra: tuple[str, ...] = (),
        *,
        entity: str = "account_id",
        time: str = "month",
        label: str = "stage",
    ) -> None:
        for name, table, columns in (("months", months, []), ("reviews", reviews, [label])):
            _check.dates(_check.frame(table, [entity, time, *columns], name)[time], f"{time} of {name}")
            _check.unique(table, [entity, time], name)
        if isinstance(extra, str) or not isinstance(extra, Iterable):
            raise TypeError(f"extra must list columns: write extra=({extra!r},).")
        self.extra = tuple(extra)
        self.states = in_order(reviews[label], label)
        labels = reviews[[entity, time]].assign(_label=reviews[label].astype(object))
        both = labels.merge(months, on=[entity, time])
        many = both["_label"].value_counts().reindex(self.states, fill_value=0)
        if len(self.states) < 2 or many.min() < 10:
            raise ValueError(
                f"{many.idxmin()!r} is the label of {many.min()} months of the ledger: two stages at least, "
                "with ten labelled months each, are needed. Do the months of the two tables agree?"
            )
        self._x = _features(both, self.extra)
        self._y = pd.Index(self.states).get_indexer(both["_label"])
        self._money = both[["margin", "revenue"]].astype(float)
        accounts, names = pd.factorize(both[entity], sort=True)
        if len(names) < FOLDS:
            raise ValueError(
                f"the labels come from {len(names)} account(s): {FOLDS} at least are needed, so that a rule "
                "can be tested on accounts that it was not learned from."
            )
        self._fold = accounts % FOLDS

    def _learn(self, keep: np.ndarray) -> tuple[Any, float]:
        """Return the logit of some of the labelled months, and their margin rate."""
        import statsmodels.api as sm

        money = self._money[keep].sum()
        if not money["revenue"] > 0:
            raise ValueError("revenue is 0 in every labelled month: there is no margin rate.")
        rate = money["margin"] / money["revenue"]
        x = self._x[keep].fillna({"margin_rate": rate})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = sm.MNLogit(self._y[keep], x).fit(disp=0, maxiter=200)
                good = found.mle_retvals["converged"] and found.params.shape[1] + 1 == len(self.states)
            except np.linalg.LinAlgError:
                good = False
        if not good:
            raise ValueError(
                "no finite rule tells these stages apart: a column is constant, is another one again, or "
                "separates them perfectly; or the labels of a stage come from too few accounts."
            )
        return found, rate

    def fit(self) -> StageClassification:
        """Learn the rule from all labelled months, and count its errors by cross-validation.

        Returns
        -------
        StageClassification
            The rule. What a fold is tested with, the margin rate of months without revenue included, was
            learned from the other folds.

        Raises
        ------
        ValueError
            If no finite rule tells the stages apart.
        """
        found, rate = self._learn(self._fold >= 0)
        guess = np.zeros(len(self._y), int)
        for fold in np.unique(self._fold):
            held = self._fold == fold
            guess[held] = _most_probable(*self._learn(~held), self._x[held])
        counts = pd.crosstab(self._y, guess)
        every = range(len(self.states))
        counts = counts.reindex(index=every, columns=every, fill_value=0)
        counts = counts.set_axis(pd.Index(self.states, name="labelled"))
        counts = counts.set_axis(pd.Index(self.states, name="classified"), axis=1)
        return StageClassification(self, found, rate, counts)


def _most_probable(fitted: Any, rate: float, x: pd.DataFrame) -> np.ndarray:
    """Return the number of the most probable stage of each row, by log-odds: they do not overflow."""
    odds = x.fillna({"margin_rate": rate}).to_numpy() @ fitted.params.to_numpy()
    return np.column_stack([np.zeros(len(odds)), odds]).argmax(axis=1)


@dataclass(frozen=True, eq=False, repr=False)
class StageClassification(Result):
    """A fitted stage rule.

    `confusion` counts labelled months by label (rows) and class (columns), cross-validated. `margin_rate` is
    what the rule takes for months without revenue: the margin rate of all months that it was learned from.
    """

    model: StageClassifier
    _fitted: Any
    margin_rate: float
    confusion: pd.DataFrame

    @property
    def params(self) -> pd.DataFrame:
        """Log-odds of each stage against the first one, by feature."""
        return self._fitted.params.set_axis(self.model.states[1:], axis=1)

    @property
    def bse(self) -> pd.DataFrame:
        """Standard errors of `params`."""
        return self._fitted.bse.set_axis(self.model.states[1:], axis=1)

    @property
    def error_rates(self) -> pd.DataFrame:
        """Share of the months with each label (rows) that the rule puts into each class; rows sum to one."""
        return self.confusion.div(self.confusion.sum(axis=1), axis=0)

    @property
    def accuracy(self) -> float:
        """Share of the labelled months whose class is their label."""
        return float(np.trace(self.confusion) / self.confusion.to_numpy().sum())

    def classify(self, months: pd.DataFrame) -> pd.Series:
        """Return the most probable stage of every row of a ledger, by that month alone.

        Parameters
        ----------
        months : DataFrame
            Rows with the columns that the rule was learned from. Which other rows there are changes nothing.

        Returns
        -------
        Series
            Stages (category), with the index of `months`.
        """
        found = _most_probable(self._fitted, self.margin_rate, _features(months, self.model.extra))
        stages = pd.Categorical.from_codes(found, self.model.states, ordered=True)
        return pd.Series(stages, months.index, name="classified")

    def hidden_chain(
        self,
        months: pd.DataFrame,
        lost: str | None = None,
        *,
        entity: str = "account_id",
        time: str = "month",
    ) -> HiddenMarkovResult:
        """Classify the months of a ledger, and fit the hidden chain behind them with this rule's error rates.

        Parameters
        ----------
        months : DataFrame
            Ledger with one row per account and month.
        lost : str, optional
            Column with the date of loss, as for `transitions`.
        entity, time : str
            Columns of the account and the month.

        Returns
        -------
        HiddenMarkovResult
            As `HiddenMarkov(…).fit()` gives it.
        """
        data = months.assign(classified=self.classify(months))
        return HiddenMarkov(data, self.error_rates, entity, "classified", time, lost).fit()

    def summary(self) -> pd.DataFrame:
        """Return how well each stage is read.

        Returns
        -------
        DataFrame
            By stage: months labelled, share of them found (recall), share of the class that is right
            (precision).
        """
        right = np.diag(self.confusion)
        labelled = self.confusion.sum(axis=1)
        classified = self.confusion.sum()
        precision = right / classified.where(classified > 0)
        return pd.DataFrame({"labelled": labelled, "recall": right / labelled, "precision": precision})

    def _caption(self) -> str:
        return (
            f"Multinomial logit on {', '.join(self._fitted.params.index[1:])}: {self.accuracy:.1%} of "
            f"{len(self.model._y):,} labelled months right, {FOLDS}-fold cross-validation by account."
        )
