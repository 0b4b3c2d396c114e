"""The tea club's part of two worlds, each made once: a large one and one of the shipped size."""

from __future__ import annotations

from functools import cache

from part_of_world import part

from crmlab.simulate.registry import Setting

SEED = 17
CUSTOMERS = 80_000
TABLES = ("club_members", "club_months", "exit_survey", "club_invitation", "winback")
TRUTH = ("club_members", "club_invitation", "winback")


@cache
def large() -> dict:
    """Return the large world; nobody changes it."""
    return part(Setting(SEED, CUSTOMERS, 10), *TABLES, *(f"truth_{name}" for name in TRUTH))


@cache
def class_size() -> dict:
    """Return a world as large as the shipped one; nobody changes it."""
    return part(Setting(90210, 6_000, 480), *TABLES, *(f"truth_{name}" for name in TRUTH))
