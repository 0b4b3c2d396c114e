"""Opening a table: what the house knows, what really happened, what the literature printed."""

from __future__ import annotations

import pandas as pd

from crmlab.datasets import _cache, _csv, _datapackage, _places, cohorts


def load(name: str, cohort: str | None = None) -> pd.DataFrame:
    """Load one table of a cohort.

    Parameters
    ----------
    name : str
        One of ``datasets.names()``.
    cohort : str, optional
        ``"shipped"`` always means the tables that come with the workbook. Any other name is simulated at
        first use. None follows ``use_cohort``, then ``CRMLAB_COHORT``, then the shipped cohort.

    Returns
    -------
    pandas.DataFrame
        A fresh copy, with the types of the dictionary: dates as datetime64, whole numbers as int64, and,
        where a value may be missing, float64 (measurements, NaN) or Int64 (ids, NA). Text whose values have
        an order is an ordered category.

    Raises
    ------
    TypeError
        If `name` is no text.
    ValueError
        If there is no such table, or the cohort's name is empty, longer than 100 characters, or probably a
        slip of ``"shipped"``.
    OSError
        If a shipped file is missing or was changed.

    Examples
    --------
    >>> from crmlab import datasets
    >>> orders = datasets.load("orders", cohort="shipped")
    >>> orders["amount"].dtype
    dtype('float64')
    """
    return _read(name, cohort, truth=False)


def truth(name: str, cohort: str | None = None) -> pd.DataFrame:
    """Open a table of what really happened: the oracle that no company has.

    Parameters
    ----------
    name : str
        One of ``names(truth=True)``.
    cohort : str, optional
        As for ``load``.

    Returns
    -------
    pandas.DataFrame
        A fresh copy, typed as ``load`` does it.

    Raises
    ------
    TypeError
        If `name` is no text.
    ValueError
        If there is no such truth table, or the cohort's name is not usable.
    RuntimeError
        While nbgrader validates or grades the notebook: there an answer has to come from ``load``.

    Examples
    --------
    >>> from crmlab import datasets
    >>> list(datasets.truth("parameters", cohort="shipped").columns)
    ['process', 'parameter', 'value', 'unit', 'description']
    """
    if cohorts.grading():
        raise RuntimeError(
            "truth() is closed while nbgrader runs a notebook: answer from the tables that load() returns, "
            "and take the calls of truth() out of what you hand in."
        )
    return _read(name, cohort, truth=True)


def _read(name: str, cohort: str | None, *, truth: bool) -> pd.DataFrame:
    resource = _datapackage.resource(name, truth=truth)
    chosen = cohorts.current_cohort() if cohort is None else cohorts.cohort_name(cohort, "cohort")
    return _csv.parse(_cache.content(chosen, resource["path"]), resource)


def reference(name: str) -> pd.DataFrame:
    """Load a table of published figures, as printed in the literature.

    Parameters
    ----------
    name : str
        One of the files in ``datasets/reference/``, without ``.csv``; the README there names the sources.

    Returns
    -------
    pandas.DataFrame
        The figures, one row each.

    Raises
    ------
    TypeError
        If `name` is no text.
    ValueError
        If there is no such table, or its file is broken.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.reference("ecsi_mobile_moments").columns.tolist()
    ['item', 'mean', 'std']
    """
    folder = _places.home() / "reference"
    known = sorted(path.stem for path in folder.glob("*.csv"))
    file = f"{_datapackage.chosen(name, known)}.csv"
    try:
        return pd.read_csv(folder / file)
    except ValueError as error:
        raise ValueError(f"reference/{file} cannot be read: {error}") from error
