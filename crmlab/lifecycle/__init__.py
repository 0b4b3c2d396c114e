"""The relationship life cycle: stages, the moves between them, what they are worth, and what care changes.

A *panel* has one row per account and month, with the stage of that month. `transitions` counts its moves and
gives a Markov chain; `HiddenMarkov` estimates the chain behind stages that were read with error. Both answer
the same questions: where is an account after a year, how long does it stay, when is it lost, what is it
worth?
"""

from crmlab.lifecycle._panel import LOST, STAGES
from crmlab.lifecycle.care import allocate, care_intervals, care_value
from crmlab.lifecycle.chains import Chain
from crmlab.lifecycle.groups import value_by_group
from crmlab.lifecycle.hidden import HiddenMarkov, HiddenMarkovBootstrap, HiddenMarkovResult
from crmlab.lifecycle.moves import ALLOWED, Transitions, illegal_moves, observed_after, transitions
from crmlab.lifecycle.sessions import pair_agreement, sessionize
from crmlab.lifecycle.stages import StageClassification, StageClassifier
from crmlab.lifecycle.stayers import MoverStayerCheck, mover_stayer_check

__all__ = [
    "ALLOWED",
    "LOST",
    "STAGES",
    "Chain",
    "HiddenMarkov",
    "HiddenMarkovBootstrap",
    "HiddenMarkovResult",
    "MoverStayerCheck",
    "StageClassification",
    "StageClassifier",
    "Transitions",
    "allocate",
    "care_intervals",
    "care_value",
    "illegal_moves",
    "mover_stayer_check",
    "observed_after",
    "pair_agreement",
    "sessionize",
    "transitions",
    "value_by_group",
]
