"""The tables of Qinghe Tea, their dictionary, and the truth behind them, for any cohort.

The shipped cohort lies in ``datasets/`` as CSV files. Any other cohort name is a seed: its tables are
simulated once and kept in the user's cache. One dictionary, ``datasets/datapackage.json``, says what every
column is; all loaders take their types from it. It is built from ``datasets/dictionary/``, one file a table.

Chapters quote numbers, so they say ``load("orders", cohort="shipped")``. Exercises say ``load("orders")`` and
follow, in this order, :func:`use_cohort`, the environment variable ``CRMLAB_COHORT``, the shipped cohort.
The environment variable ``CRMLAB_CACHE`` moves the cache; its content can be deleted at any time.
"""

from __future__ import annotations

from crmlab.datasets.cohorts import SHIPPED, current_cohort, grading, use_cohort
from crmlab.datasets.dictionary import describe, names
from crmlab.datasets.tables import load, reference, truth

__all__ = [
    "SHIPPED",
    "current_cohort",
    "describe",
    "grading",
    "load",
    "names",
    "reference",
    "truth",
    "use_cohort",
]
