"""Large worlds that several test files share, each made when it is first asked for; nobody changes them."""

from __future__ import annotations

from functools import cache
from typing import Any

from crmlab.simulate.registry import Setting, run

SEED = 17
PLACES = 12_000
CLUB_TRIALS = ("club_invitation_trial", "winback_trial")
CLUB = (
    *("club_members", "club_months", "exit_survey", "club_invitation", "winback"),
    *("truth:club_members", "truth:club_invitation", "truth:winback"),
)
OWN_TRIALS = (
    *("mailings", "mailing_contacts", "customer_care", "recovery_desk", "budgets", "calendar"),
    *("truth:mailing_contacts", "truth:customer_care", "truth:recovery_desk", "truth:budgets"),
)
SURVEYS = (
    *("satisfaction_survey", "service_quality_survey", "kano_survey", "offer_choices"),
    *("competing_offers", "improvements"),
)


@cache
def everything() -> dict[str, Any]:
    """All results of 50,000 consumers and 12,000 account places, also those that no table shows as such."""
    return run(Setting(SEED, 50_000, PLACES))


@cache
def own_trials() -> dict[str, Any]:
    """40,000 consumers with mailings, care calls, recovery desk and budgets; the club's trials move no order."""
    return run(Setting(SEED, 40_000, 10), wanted=OWN_TRIALS, without=CLUB_TRIALS)


@cache
def club() -> dict[str, Any]:
    """The tea club of 80,000 consumers."""
    return run(Setting(SEED, 80_000, 10), wanted=CLUB)


@cache
def surveys() -> dict[str, Any]:
    """Surveys among 100,000 consumers."""
    return run(Setting(SEED, 100_000, 10), wanted=SURVEYS)
