"""Five competing offers of green tea: what they give and cost, and which one customers choose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..core import pick
from ..numbers import grid, numbers
from ..registry import process
from .respondents import respondents

OFFERS = grid(
    "competing_offers",
    "offer",
    ("qinghe_classic", "qinghe_reserve", "rival_leaf", "rival_heritage", "supermarket"),
    (
        "benefit",
        *("product_value", "service_value", "personnel_value", "image_value"),
        *("price", "time_cost", "energy_cost", "psychic_cost"),
    ),
    [
        (6.8, 52, 22, 16, 18, 68, 9, 6, 5),
        (8.3, 86, 28, 20, 30, 128, 10, 6, 6),
        (5.6, 40, 12, 8, 8, 42, 8, 6, 8),
        (8.0, 82, 22, 16, 36, 138, 14, 8, 6),
        (4.6, 32, 6, 3, 5, 32, 5, 4, 9),
    ],
    "points 1 to 10; yuan",
    "mean benefit that respondents perceive; values and costs of 100 g of green tea",
)
CHOICE = numbers(
    "offer_choice",
    benefit=(0.9, "utility", "per point of perceived benefit"),
    price=(-0.028, "utility", "per yuan"),
    generous=(0.5, "points", "standard deviation of a respondent's benefits, common to all offers"),
    taste=(1.1, "points", "standard deviation of a respondent's benefit of one offer"),
    satisfaction=(0.4, "points", "change of the benefit of Qinghe's offers per unit of satisfaction"),
)


@process(tables=("competing_offers",))
def competing_offers() -> pd.DataFrame:
    """Return the offers as a market study valued them; nobody but their buyers knows their benefit."""
    return OFFERS.drop(columns="benefit").astype(int).rename_axis("offer").reset_index()


@process(tables=("offer_choices",))
def offer_choices(
    draw: Callable[[str], np.random.Generator], consumers: pd.DataFrame, index_scores: pd.DataFrame
) -> pd.DataFrame:
    """Return how respondents see the offers (benefit 1-10) and which one they chose."""
    who = respondents(draw("respondents"), "offer_choices", consumers, index_scores)
    rng = draw("benefits")
    common = CHOICE.generous * rng.standard_normal((len(who), 1))
    own = CHOICE.taste * rng.standard_normal((len(who), len(OFFERS)))
    ours = OFFERS.index.str.startswith("qinghe")
    felt = CHOICE.satisfaction * np.outer(index_scores["satisfaction"].to_numpy()[who], ours)
    benefit = np.clip((OFFERS["benefit"].to_numpy() + felt + common + own).round(1), 1, 10)
    utility = CHOICE.benefit * benefit + CHOICE.price * OFFERS["price"].to_numpy()
    chosen = pick(draw("choices"), np.exp(utility))
    return pd.DataFrame(
        {
            "customer_id": np.repeat(consumers["customer_id"].to_numpy()[who], len(OFFERS)),
            "offer": np.tile(np.array(OFFERS.index, dtype=str), len(who)),
            "benefit": benefit.ravel(),
            "chosen": (np.arange(len(OFFERS)) == chosen[:, None]).astype(int).ravel(),
        }
    )
