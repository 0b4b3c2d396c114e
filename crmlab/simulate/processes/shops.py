"""The twelve shops. Most of what they sell goes to people who hold no tea card and are in no file."""

from __future__ import annotations

import pandas as pd

from ..numbers import series
from ..registry import process

# city, opened on, receipts on an average day of July 2025 to June 2026, cards or not
_SHOPS = (
    ("Hangzhou", "1998-03-18", 5.9),
    ("Hangzhou", "2006-09-01", 4.1),
    ("Shanghai", "2009-05-01", 5.6),
    ("Ningbo", "2011-10-15", 3.9),
    ("Suzhou", "2012-03-10", 3.6),
    ("Shaoxing", "2013-09-07", 4.7),
    ("Shanghai", "2015-04-18", 4.2),
    ("Hefei", "2016-10-22", 6.4),
    ("Huzhou", "2018-03-31", 4.0),
    ("Ningbo", "2019-09-12", 2.8),
    ("Suzhou", "2021-04-24", 2.7),
    ("Jinhua", "2022-05-14", 2.8),
)
series(
    "shops",
    "sales_a_day",
    {str(number): sales for number, (*_, sales) in enumerate(_SHOPS, start=1)},
    "receipts",
    "of a shop on an average day of the last year",
)


@process(tables=("shops",))
def shops() -> pd.DataFrame:
    """Return the shops: the same in every world."""
    out = pd.DataFrame(_SHOPS, columns=["city", "opened_on", "sales_a_day"])
    out.insert(0, "shop_id", out.index + 1)
    return out.astype({"opened_on": "datetime64[ns]"})
