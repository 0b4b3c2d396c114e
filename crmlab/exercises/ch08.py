"""Chapter 8, the relationship life cycle: moves between stages, illegal ones, care and its gain, channels,"
" episodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd

from crmlab import datasets, lifecycle
from crmlab.exercises import Item, Rival

STAGES = list(lifecycle.STAGES)
CARE_COST = 240  # yuan a month and account


# -- 8.1 and 8.2: the managers' labels, quarter by quarter ----------
def _moves() -> pd.DataFrame:
    """Pairs of labels of one account, three months apart."""
    reviews = datasets.load("account_reviews").astype({"stage": str})
    later = reviews.assign(month=reviews["month"] - pd.DateOffset(months=3))
    return reviews.merge(later, on=["account_id", "month"], suffixes=("", "_next"))


def _counts() -> pd.DataFrame:
    moves = _moves()
    return pd.crosstab(moves["stage"], moves["stage_next"]).loc[STAGES, STAGES]


def quarterly_matrix() -> pd.DataFrame:
    return lifecycle.observed_after(datasets.load("account_reviews"), 3)


def columns_to_one() -> pd.DataFrame:
    return _counts() / _counts().sum()


def counts() -> pd.DataFrame:
    return _counts()


def shares_of_all_moves() -> pd.DataFrame:
    return _counts() / _counts().to_numpy().sum()


def rows_of_all_accounts_in_line() -> pd.DataFrame:
    reviews = datasets.load("account_reviews").sort_values(["account_id", "month"])
    return pd.crosstab(
        reviews["stage"].astype(str), reviews["stage"].astype(str).shift(-1), normalize="index"
    ).loc[STAGES, STAGES]


def _after_quarters(quarters: int) -> float:
    power = np.linalg.matrix_power(quarterly_matrix().loc[STAGES, STAGES].to_numpy(), quarters)
    return float(power[2, 2])


def stable_after_a_year() -> float:
    return _after_quarters(4)


def stable_after_twelve_moves() -> float:
    return _after_quarters(12)


def stable_without_a_break() -> float:
    return _after_quarters(1) ** 4


def stable_after_a_quarter() -> float:
    return _after_quarters(1)


# -- 8.3: moves that the scheme does not know ----------
def back_to_exploration() -> int:
    moves = _moves()
    return int(((moves["stage"] != "exploration") & (moves["stage_next"] == "exploration")).sum())


def every_step_back_in_the_list() -> int:
    moves = _moves()
    return int((moves["stage_next"].map(STAGES.index) < moves["stage"].map(STAGES.index)).sum())


def arrivals_in_exploration() -> int:
    return int((_moves()["stage_next"] == "exploration").sum())


def moves_out_of_exploration() -> int:
    moves = _moves()
    return int(((moves["stage"] == "exploration") & (moves["stage_next"] != "exploration")).sum())


# -- 8.4: the long run ----------
def _matrix(rows: list[list[float]]) -> pd.DataFrame:
    states = [*STAGES, lifecycle.LOST]
    return pd.DataFrame([*rows, [0, 0, 0, 0, 1]], states, states, dtype=float)


def _cases() -> list[tuple[pd.DataFrame]]:
    slow = [[0.8, 0.15, 0, 0.05, 0], [0, 0.8, 0.15, 0.05, 0], [0, 0, 0.96, 0.04, 0], [0, 0.1, 0, 0.8, 0.1]]
    fast = [[0.6, 0.2, 0, 0.2, 0], [0, 0.7, 0.1, 0.2, 0], [0, 0, 0.9, 0.1, 0], [0, 0.05, 0, 0.65, 0.3]]
    return [(_matrix(slow),), (_matrix(fast),)]


def places() -> Callable:
    def long_run(matrix: pd.DataFrame) -> pd.Series:
        return lifecycle.Chain(matrix).steady_state(replaced_by="exploration")

    return long_run


def where_one_account_ends() -> Callable:
    def long_run(matrix: pd.DataFrame) -> pd.Series:
        return lifecycle.Chain(matrix).after(2000).loc["exploration", STAGES]

    return long_run


def months_of_one_account() -> Callable:
    def long_run(matrix: pd.DataFrame) -> pd.Series:
        return lifecycle.Chain(matrix).expected_months().loc["exploration", STAGES]

    return long_run


def life_of_a_stable_account() -> Callable:
    def long_run(matrix: pd.DataFrame) -> pd.Series:
        months = lifecycle.Chain(matrix).expected_months().loc["stability", STAGES]
        return months / months.sum()

    return long_run


# -- 8.5 and 8.6: care ----------
def _wave() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The months of the wave's year, and its accounts with their margin of that year: 0 from the loss on."""
    months = datasets.load("account_months").query("month >= '2025-07-01'")
    wave = datasets.load("care_wave").set_index("account_id")
    return months, wave.assign(margin=months.groupby("account_id")["margin"].sum()).fillna({"margin": 0.0})


def _difference(values: pd.Series, arm: pd.Series) -> float:
    mean = values.groupby(arm).mean()
    return float(mean["care"] - mean["control"])


def effect_of_care() -> float:
    _, wave = _wave()
    return _difference(wave["margin"], wave["arm"])


def control_less_care() -> float:
    return -effect_of_care()


def effect_on_a_month() -> float:
    return effect_of_care() / 12


def months_of_accounts_still_there() -> float:
    months, wave = _wave()
    month = months.groupby("account_id")["margin"].mean()
    return 12 * _difference(month.reindex(wave.index), wave["arm"])


def much_visited_less_others() -> float:
    months, wave = _wave()
    visits = months.groupby("account_id")["visits"].mean().reindex(wave.index)
    return _difference(wave["margin"], (visits > visits.median()).map({True: "care", False: "control"}))


@lru_cache(maxsize=2)
def _fitted(cohort: str) -> tuple[lifecycle.Chain, lifecycle.Chain, pd.Series]:
    """Return the chain of each arm in the wave's year, and the margin of a month by the managers' labels.

    Accounts that went to the rival are followed until then: that they left is none of the chain's moves.
    """
    months = datasets.load("account_months", cohort)
    reviews = datasets.load("account_reviews", cohort)
    accounts = datasets.load("accounts", cohort)[["account_id", "lost_on"]]
    to_rival = datasets.load("rival", cohort).dropna(subset=["left_on"])["account_id"]
    accounts["lost_on"] = accounts["lost_on"].mask(accounts["account_id"].isin(to_rival))
    rule = lifecycle.StageClassifier(months, reviews).fit()
    months = months.merge(accounts, on="account_id")
    months = months.merge(datasets.load("care_wave", cohort)[["account_id", "arm"]], on="account_id")
    tested = months[months["month"] >= "2025-07-01"]
    chain = {arm: rule.hidden_chain(panel, lost="lost_on") for arm, panel in tested.groupby("arm")}
    labelled = reviews.merge(months, on=["account_id", "month"])
    return chain["control"], chain["care"], labelled.groupby("stage", observed=True)["margin"].mean()


def _value_of_care(horizon: int | None = 36, *, swapped: bool = False) -> pd.DataFrame:
    control, care, reward = _fitted(datasets.current_cohort())
    if swapped:
        control, care = care, control
    return lifecycle.care_value(control, care, reward, CARE_COST, horizon=horizon, yearly_rate=0.08)


def gain_per_yuan() -> pd.Series:
    return _value_of_care()["gain_per_yuan"]


def three_months_for_three_years() -> pd.Series:
    return _value_of_care(horizon=3)["gain_per_yuan"]


def for_ever() -> pd.Series:
    return _value_of_care(horizon=None)["gain_per_yuan"]


def arms_swapped() -> pd.Series:
    return _value_of_care(swapped=True)["gain_per_yuan"]


def full_price_for_lost_accounts() -> pd.Series:
    return _value_of_care()["gain"] / (12 * CARE_COST)


# -- 8.7: channels ----------
def _leads() -> pd.DataFrame:
    leads = datasets.load("leads")
    return leads[leads["created_on"] < "2026-01-01"]


def cost_per_customer() -> pd.Series:
    channel = _leads().groupby("channel")
    return channel["cost"].sum() / channel["customer_id"].count()


def cost_per_lead() -> pd.Series:
    return _leads().groupby("channel")["cost"].mean()


def cost_of_those_won() -> pd.Series:
    return _leads().dropna(subset=["customer_id"]).groupby("channel")["cost"].mean()


def cost_per_lead_followed_up() -> pd.Series:
    channel = _leads().groupby("channel")
    return channel["cost"].sum() / channel["contacted"].sum()


# -- 8.8: episodes ----------
def _share_with_order(gap: str, *, one_stream: bool = False) -> float:
    """Return the share of groups with an order; a pause longer than the gap ends a group."""
    events = datasets.load("event_log")
    if one_stream:
        events = events.assign(customer_id=1)
    return float(events["act"].eq("order").groupby(lifecycle.sessionize(events, gap)).any().mean())


def episodes_with_order() -> float:
    return _share_with_order("30min")


def acts_that_are_orders() -> float:
    return float(datasets.load("event_log")["act"].eq("order").mean())


def all_customers_in_one_stream() -> float:
    return _share_with_order("30min", one_stream=True)


def sequences_with_order() -> float:
    return _share_with_order("36h")


ITEMS = (
    Item(
        id="8.1",
        points=2,
        reference=quarterly_matrix,
        rivals=(
            Rival(
                columns_to_one,
                "Your columns add up to one: that is where the accounts of a stage came from. Divide each "
                "row by its own sum.",
            ),
            Rival(counts, "Those are counts. Divide each row by the moves that start in its stage."),
            Rival(shares_of_all_moves, "You divided by all moves. Each row is a distribution of its own."),
            Rival(
                rows_of_all_accounts_in_line,
                "You paired each row with the next one in the table, across accounts and gaps. A move stays"
                " within one "
                "account and takes three months.",
            ),
        ),
        hint="Of all labels of a stage that have a next label three months later, how many moved where?",
        concepts=("LC02",),
        unit="share between 0 and 1",
        decimals=3,
        tolerance=0.001,
    ),
    Item(
        id="8.2",
        points=1,
        reference=stable_after_a_year,
        rivals=(
            Rival(
                stable_after_twelve_moves,
                "You moved twelve times. This matrix moves by quarters, not months.",
            ),
            Rival(
                stable_without_a_break,
                "That is the chance to stay stable through all four quarters. An account may also leave and"
                " come back.",
            ),
            Rival(stable_after_a_quarter, "That is one quarter ahead. A year has four."),
        ),
        hint="The matrix of two steps is the matrix times itself.",
        concepts=("LC02",),
        unit="share between 0 and 1",
        decimals=3,
        tolerance=0.001,
    ),
    Item(
        id="8.3",
        points=2,
        reference=back_to_exploration,
        rivals=(
            Rival(
                every_step_back_in_the_list,
                "You counted every move to an earlier name in the list. That takes decline for a fourth "
                "step: from decline "
                "the scheme does lead back to formation.",
            ),
            Rival(
                arrivals_in_exploration,
                "You counted accounts that stayed in exploration too. Staying is no move.",
            ),
            Rival(
                moves_out_of_exploration, "Those are the moves out of exploration, which the scheme allows."
            ),
        ),
        hint="Which stage can be reached from no other one?",
        concepts=("LC03",),
        unit="moves",
    ),
    Item(
        id="8.4",
        points=3,
        reference=places,
        rivals=(
            Rival(
                where_one_account_ends,
                "You let the accounts run until all are lost. A place is filled again: send the loss back "
                "to exploration.",
            ),
            Rival(
                months_of_one_account,
                "Those are expected months of one account. They are in the right proportion: make shares of"
                " them.",
            ),
            Rival(
                life_of_a_stable_account,
                "That is the rest of a stable account's life. A place is filled by an account in "
                "exploration.",
            ),
        ),
        hint=(
            "Who is lost this month is replaced by somebody in exploration: what does the matrix of a place"
            " look like?"
        ),
        concepts=("LC02",),
        unit="share between 0 and 1",
        decimals=3,
        cases=_cases,
    ),
    Item(
        id="8.5",
        points=2,
        reference=effect_of_care,
        rivals=(
            Rival(
                control_less_care, "The sign is turned: an effect is the treated arm less the control arm."
            ),
            Rival(effect_on_a_month, "That is yuan a month. The margin of the whole year was asked."),
            Rival(
                months_of_accounts_still_there,
                "You looked at the months in which an account was there. An account that was lost has "
                "earned nothing since: "
                "its missing months count as 0.",
            ),
            Rival(
                much_visited_less_others,
                "You compared accounts by their visits. Visits go where managers worry, so that is no "
                "effect; compare what "
                "the lot has drawn.",
            ),
        ),
        exceptions={"months_of_accounts_still_there": "Two noisy differences may fall within a yuan."},
        hint="Add up each account's year, also of those that left, and compare only what was drawn by lot.",
        concepts=("LC06",),
        unit="yuan",
        decimals=0,
        tolerance=1,
    ),
    Item(
        id="8.6",
        points=3,
        reference=gain_per_yuan,
        rivals=(
            Rival(
                three_months_for_three_years,
                "You counted three months after the care. The chain moves by months: three years are "
                "thirty-six.",
            ),
            Rival(for_ever, "You counted all time to come. Only three years after the care were asked."),
            Rival(
                arms_swapped, "The arms are swapped: first the chain without care, then the chain with care."
            ),
            Rival(
                full_price_for_lost_accounts,
                "You paid twelve months for every account. Care ends when an account is lost, and later "
                "months are discounted.",
            ),
        ),
        hint="`lifecycle.care_value` says in its documentation what `horizon` counts.",
        concepts=("LC06",),
        unit="yuan per yuan",
        decimals=2,
        tolerance=0.01,
        relative=0.01,
    ),
    Item(
        id="8.7",
        points=2,
        reference=cost_per_customer,
        rivals=(
            Rival(
                cost_per_lead, "That is the cost of a lead. Most leads come to nothing: divide by customers."
            ),
            Rival(
                cost_of_those_won,
                "You left out what the leads cost that came to nothing. It was spent to win the others.",
            ),
            Rival(
                cost_per_lead_followed_up, "You divided by the leads that were followed up, not by customers."
            ),
        ),
        hint="What was spent in the channel altogether, and how many customers came of it?",
        concepts=("LC15",),
        unit="yuan",
        decimals=1,
        tolerance=0.1,
    ),
    Item(
        id="8.8",
        points=2,
        reference=episodes_with_order,
        rivals=(
            Rival(
                acts_that_are_orders, "That is the share of acts. Put the acts together into episodes first."
            ),
            Rival(
                all_customers_in_one_stream,
                "Your episodes mix customers: a pause is counted within one customer only.",
            ),
            Rival(
                sequences_with_order, "Those are sequences. Episodes end at a pause of more than 30 minutes."
            ),
        ),
        hint="An episode counts once, however many acts it has.",
        concepts=("LC16",),
        unit="share between 0 and 1",
        decimals=3,
        tolerance=0.001,
    ),
)
