"""The order ledger: what was bought, what trials add and take, and what each order amounts to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..numbers import numbers
from ..registry import process
from .order_days import one_a_day, open_channel

SMALLEST = numbers("orders", smallest=(1.0, "yuan", "no order is smaller")).smallest
SCORE_DECIMALS = 4  # of a normal score in the truth


@process(inner=("base_orders",))
def base_orders(purchases: pd.DataFrame, order_values: np.ndarray) -> pd.DataFrame:
    """Return the orders that no trial has touched: row, nth (0 is the first), day, channel and amount."""
    return purchases[["row", "nth", "day", "channel"]].assign(amount=order_values)


@process(inner=("ledger",))
def ledger(
    base_orders: pd.DataFrame, consumers: pd.DataFrame, extra_orders: list, lost_orders: list
) -> pd.DataFrame:
    """Return all orders as they were meant: base orders, those that trials added, without those they cost.

    An extra order has row, day, channel, amount and campaign_id, the mailing that brought it about (0: none);
    a lost one, row and day.
    """
    lost = pd.concat([base_orders.head(0), *lost_orders])[["row", "day"]]  # of no trial, if there is none
    gone = pd.MultiIndex.from_frame(base_orders[["row", "day"]]).isin(pd.MultiIndex.from_frame(lost))
    everything = pd.concat([base_orders[~gone].assign(campaign_id=0), *extra_orders], ignore_index=True)
    everything = one_a_day(everything.sort_values(["row", "day"], kind="stable", ignore_index=True))
    everything = everything.sort_values(["day", "row"], ignore_index=True)
    row = everything["row"].to_numpy()
    campaign = everything["campaign_id"].astype("Int64")
    return pd.DataFrame(
        {
            "order_id": np.arange(1, len(everything) + 1),
            "customer_id": consumers["customer_id"].to_numpy()[row],
            "order_date": dates.dates(everything["day"]),
            "channel": open_channel(everything["day"], everything["channel"]),
            "amount": everything["amount"].clip(lower=SMALLEST).round(2),
            "campaign_id": campaign.where(campaign > 0),
        }
    )


@process(tables=("orders",))
def orders(ledger: pd.DataFrame, order_lines: pd.DataFrame, campaign_codes: pd.Series) -> pd.DataFrame:
    """Return the order ledger: an order is the sum of its lines; what brought it about is not seen."""
    amount = order_lines.groupby("order_id")["amount"].sum().to_numpy().round(2)
    return ledger.assign(amount=amount, campaign_id=campaign_codes)


@process(truth=("consumers",))
def consumer_truth(
    index_scores: pd.DataFrame,
    latents: pd.DataFrame,
    behaviour: pd.DataFrame,
    buyer_class: pd.Series,
    traits: pd.DataFrame,
    consumers: pd.DataFrame,
    ledger: pd.DataFrame,
    dropout: np.ndarray,
) -> pd.DataFrame:
    """Return the truth about every consumer; who has left did so with the last order."""
    last = ledger.groupby("customer_id")["order_date"].max()  # every consumer has an order
    return pd.concat(
        [
            consumers["customer_id"],
            buyer_class.astype(str).rename("buyer_class"),
            index_scores.round(SCORE_DECIMALS),
            behaviour,
            latents["attachment"].round(SCORE_DECIMALS),
            traits,
            last.reset_index(drop=True).where(~np.isnan(dropout)).rename("dropped_out_on"),
        ],
        axis=1,
    )
