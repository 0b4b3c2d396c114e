"""The data dictionary: what every table and every column is, read from ``datasets/datapackage.json``."""

from __future__ import annotations

import pandas as pd

from crmlab.datasets import _datapackage


def names(*, truth: bool = False) -> list[str]:
    """Return the names of the tables, or of the truth tables.

    Parameters
    ----------
    truth : bool, default False
        True lists what ``datasets.truth`` can open.

    Returns
    -------
    list of str
        In the order of the dictionary.

    Examples
    --------
    >>> from crmlab import datasets
    >>> "orders" in datasets.names()
    True
    >>> "parameters" in datasets.names(truth=True)
    True
    """
    return list(_datapackage.resources(_datapackage.package(), truth=truth))


def describe(name: str | None = None, *, truth: bool = False) -> pd.DataFrame:
    """Look a table up in the data dictionary, or list all tables.

    Parameters
    ----------
    name : str, optional
        One of ``datasets.names()``; None describes the tables themselves.
    truth : bool, default False
        True looks among the truth tables.

    Returns
    -------
    pandas.DataFrame
        One row per column of the table: type, unit, whether values may be missing, allowed values,
        description; ``.attrs`` holds the table's ``title``, ``description`` and ``key``. Without `name`, one
        row per table: title, rows in the shipped cohort, key, description.

    Raises
    ------
    TypeError
        If `name` is no text.
    ValueError
        If there is no such table.

    Examples
    --------
    >>> from crmlab import datasets
    >>> datasets.describe("orders").loc["amount", "unit"]
    'yuan'
    >>> datasets.describe("orders").attrs["key"]
    'order_id'
    """
    if name is None:
        return _datapackage.overview(_datapackage.resources(_datapackage.package(), truth=truth))
    return _datapackage.columns(_datapackage.resource(name, truth=truth))
