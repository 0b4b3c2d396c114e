"""The twelve shops. One receipt in some 27 is a card holder's; the other buyers are in no file."""

from __future__ import annotations

import pandas as pd

from ..numbers import series
from ..registry import process

# city, opened on, receipts on an average day of July 2025 to June 2026, cards or not
_SHOPS = (
    ("Hangzhou", "1998-03-18", 56.2),
    ("Hangzhou", "2006-09-01", 38.9),
    ("Shanghai", "2009-05-01", 53.1),
    ("Ningbo", "2011-10-15", 37.3),
    ("Suzhou", "2012-03-10", 34.0),
    ("Shaoxing", "2013-09-07", 44.8),
    ("Shanghai", "2015-04-18", 39.7),
    ("Hefei", "2016-10-22", 59.4),
    ("Huzhou", "2018-03-31", 38.1),
    ("Ningbo", "2019-09-12", 26.7),
    ("Suzhou", "2021-04-24", 25.4),
    ("Jinhua", "2022-05-14", 27.2),
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
