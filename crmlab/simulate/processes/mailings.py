"""Six randomised mailings of the last year: who responds, and who would have ordered anyway."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from .. import dates
from ..numbers import numbers, series
from ..registry import Setting, process
from .order_days import ORDER_CHANNELS, order_channels
from .purchases import amounts, clock

# Each offer comes with each discount once: neither stands for the other.
MAILINGS = pd.DataFrame(
    [
        (1, "2025-07-14", "generic", 0.05, 0.9),
        (2, "2025-09-15", "personalised", 0.00, 1.4),
        (3, "2025-11-10", "generic", 0.10, 0.9),
        (4, "2026-01-12", "personalised", 0.05, 1.4),
        (5, "2026-03-16", "generic", 0.00, 0.9),
        (6, "2026-05-11", "personalised", 0.10, 1.4),
    ],
    columns=["mailing_id", "sent_on", "offer", "discount", "cost_per_contact"],
).astype({"sent_on": "datetime64[ns]"})
MAIL = numbers(
    "mailings",
    consent=(0.55, "share", "of consumers who agreed to letters"),
    mailed=(0.5, "share", "of those who agreed that a mailing is sent to, by lot"),
    drawn=(7, "days", "from the draw to the day on which letters are sent"),
    window=(14, "days", "from that day in which an order counts as a response"),
    margin_rate=(0.40, "share", "of an order's amount that is planned as margin, before the discount"),
    contaminated=(
        2,
        "mailing",
        "in which some of the control arm got the letter too; without discount, so that no margin tells who",
    ),
    contamination=(0.2, "share", "of that control arm that got it"),
)
INTEREST = series(
    "mailings",
    "interest",
    {
        "devotee": -0.3,
        "gift_giver": 0.0,
        "bargain_hunter": 0.6,
        "occasional": -0.1,
        "online": 0.6,
        "fair": 0.6,
        "noise": 0.6,
    },
    "points",
    "in offers by letter: of a class, of how a consumer was won, and its standard deviation within these",
)
CODES = numbers(
    "mailings",
    code_usual=(
        0.5,
        "share",
        "of orders in the window, drawn for a letter without discount, on which its code is used",
    ),
    code_discount=(0.8, "share", "the same for a letter with a discount"),
    code_brought=(0.9, "share", "of orders that a letter brought about on which its code is used"),
)
ANNOYED = series(
    "mailings",
    "annoyed",
    {"devotee": 0.30, "gift_giver": 0.10, "bargain_hunter": 0.04, "occasional": 0.08},
    "share",
    "of a class whom letters annoy",
)
EFFECT = numbers(
    "mailings",
    extra=(
        -3.15,
        "logit",
        "of one extra order in the window: generic letter, no discount, no interest, just ordered",
    ),
    extra_interest=(0.9, "logit", "change per point of interest"),
    extra_silence=(-0.5, "logit", "change per year since the last order before the draw"),
    extra_discount=(5.0, "logit", "change per unit of discount: half a point for a tenth off"),
    extra_personalised=(0.3, "logit", "change if the letter is personalised"),
    lost=(
        0.35,
        "probability",
        "that an order in the window of someone whom the letter annoys does not happen",
    ),
)


@process(inner=("mail_types",))
def mail_types(
    draw: Callable[[str], np.random.Generator], consumers: pd.DataFrame, buyer_class: pd.Series
) -> pd.DataFrame:
    """Return for every consumer whether letters are agreed to, interest in them, and whether they annoy."""
    n = len(consumers)
    source = consumers["acquisition_channel"].map(INTEREST).fillna(0)
    interest = buyer_class.astype(str).map(INTEREST) + source
    return pd.DataFrame(
        {
            "consent": draw("consent").random(n) < MAIL.consent,
            "interest": interest + INTEREST["noise"] * draw("interest").standard_normal(n),
            "annoyed": draw("annoyed").random(n) < buyer_class.astype(str).map(ANNOYED),
        }
    )


@process(inner=("mailing_draw",))
def mailing_draw(
    draw: Callable[[str], np.random.Generator],
    consumers: pd.DataFrame,
    mail_types: pd.DataFrame,
    base_orders: pd.DataFrame,
    dropout: np.ndarray,
) -> pd.DataFrame:
    """Return one row a mailing and consumer who agreed: the arm, and whether the letter came."""
    rng = draw("arm")
    won = dates.days(consumers["acquired_on"])
    waves = []
    for wave in MAILINGS.itertuples():
        sent = (wave.sent_on - dates.START).days
        row = np.flatnonzero(mail_types["consent"] & (won < sent - MAIL.drawn))
        mail = rng.permutation(len(row)) < MAIL.mailed * len(row)
        silent = sent - last_orders(base_orders, row, sent - MAIL.drawn)
        columns = {
            "mailing_id": wave.mailing_id,
            "row": row,
            "sent": sent,
            "silent_days": silent,
            "mail": mail,
        }
        waves.append(pd.DataFrame(columns))
    out = pd.concat(waves, ignore_index=True)
    leak = (out["mailing_id"] == MAIL.contaminated) & (draw("leak").random(len(out)) < MAIL.contamination)
    gone = dropout[out["row"].to_numpy()] < out["sent"]
    out = out.assign(mailed=out["mail"] | leak, alive=~gone)
    return out.merge(MAILINGS[["mailing_id", "offer", "discount"]])


def last_orders(base_orders: pd.DataFrame, row: np.ndarray, before: int) -> np.ndarray:
    """Return the day of the last base order before a day, of the consumers in the given rows."""
    past = base_orders[base_orders["day"] < before].drop_duplicates("row", keep="last")
    return past.set_index("row")["day"].reindex(row).to_numpy()


def extra_probability(contacts: pd.DataFrame, mail_types: pd.DataFrame) -> np.ndarray:
    """Return the probability that a letter brings an extra order from each contact."""
    kind = mail_types.iloc[contacts["row"]].reset_index(drop=True)
    logit = EFFECT.extra + EFFECT.extra_interest * kind["interest"]
    logit = logit + EFFECT.extra_silence * contacts["silent_days"] / dates.YEAR
    logit = logit + EFFECT.extra_discount * contacts["discount"]
    logit = logit + EFFECT.extra_personalised * (contacts["offer"] == "personalised")
    return np.where(contacts["alive"] & ~kind["annoyed"], expit(logit), 0.0)


@process(tables=("mailings",), adds=("extra_orders", "lost_orders"))
def mailings(
    draw: Callable[[str], np.random.Generator],
    mailing_draw: pd.DataFrame,
    mail_types: pd.DataFrame,
    base_orders: pd.DataFrame,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    behaviour: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the mailings, the orders that letters brought about, and those that they cost."""
    letters = mailing_draw[mailing_draw["mailed"]].reset_index(drop=True)
    more = draw("extra").random(len(letters)) < extra_probability(letters, mail_types)
    extra = letters[more]
    row = extra["row"].to_numpy()
    channel = order_channels(draw("channel"), row, consumers, buyer_class)
    annoyed = letters[mail_types["annoyed"].to_numpy()[letters["row"]]]
    hit = annoyed[["row", "sent"]].merge(base_orders[["row", "day"]], on="row")
    hit = hit[(hit["day"] - hit["sent"]).between(0, MAIL.window - 1)]
    lost = draw("lost").random(len(hit)) < EFFECT.lost
    return {
        "mailings": MAILINGS.copy(),
        "extra_orders": pd.DataFrame(
            {
                "row": row,
                "day": extra["sent"].to_numpy() + draw("day").integers(1, MAIL.window, len(row)),
                "channel": np.array(ORDER_CHANNELS)[channel],
                "amount": amounts(draw("amounts"), row, behaviour),
                "campaign_id": extra["mailing_id"].to_numpy(),
            }
        ),
        "lost_orders": hit.loc[lost, ["row", "day"]],
    }


@process(inner=("campaign_codes",))
def campaign_codes(rng: np.random.Generator, ledger: pd.DataFrame, mailing_draw: pd.DataFrame) -> pd.Series:
    """Return for every order the mailing whose code is used on it, missing for none.

    Only who was drawn for the letter uses its code, also on orders that would have come anyway.
    """
    placed = ledger[["order_id", "customer_id", "campaign_id"]].assign(day=dates.days(ledger["order_date"]))
    placed = placed[placed["day"] >= mailing_draw["sent"].min()]
    letters = mailing_draw.loc[mailing_draw["mail"], ["mailing_id", "row", "sent", "discount"]]
    pairs = placed.merge(letters.assign(customer_id=letters["row"] + 1), on="customer_id")
    brought = (pairs["campaign_id"] == pairs["mailing_id"]).fillna(False).astype(bool)
    pairs = pairs[brought | (pairs["day"] - pairs["sent"]).between(0, MAIL.window - 1)]
    usual = np.where(pairs["discount"] > 0, CODES.code_discount, CODES.code_usual)
    share = np.where(brought[pairs.index], CODES.code_brought, usual)
    used = pairs[rng.random(len(pairs)) < share].set_index("order_id")["mailing_id"]
    return used.reindex(ledger["order_id"]).astype("Int64").reset_index(drop=True)


@process(tables=("mailing_contacts",))
def mailing_contacts(
    mailing_draw: pd.DataFrame, consumers: pd.DataFrame, orders: pd.DataFrame
) -> pd.DataFrame:
    """Return the contacts with their arm, and what each ordered in the two weeks after the mailing."""
    contacts = mailing_draw.assign(customer_id=consumers["customer_id"].to_numpy()[mailing_draw["row"]])
    bought = orders[["customer_id", "amount"]].assign(day=dates.days(orders["order_date"]))
    bought = bought[bought["day"] >= contacts["sent"].min()]
    after = contacts[["mailing_id", "customer_id", "sent"]].merge(bought, on="customer_id")
    after = after[(after["day"] - after["sent"]).between(0, MAIL.window - 1)]
    total = after.groupby(["mailing_id", "customer_id"])["amount"].sum().rename("amount").reset_index()
    out = contacts.merge(total, on=["mailing_id", "customer_id"], how="left")
    rate = MAIL.margin_rate - out["discount"] * out["mailed"]
    return pd.DataFrame(
        {
            "mailing_id": out["mailing_id"],
            "customer_id": out["customer_id"],
            "assigned_on": dates.dates(out["sent"] - MAIL.drawn),
            "arm": np.where(out["mail"], "mail", "control"),
            "responded": out["amount"].notna().astype(int),
            "margin_14_days": (out["amount"].fillna(0) * rate).round(2),
        }
    )


@process(truth=("mailing_contacts",))
def mailing_truth(
    setting: Setting,
    mailing_draw: pd.DataFrame,
    mail_types: pd.DataFrame,
    consumers: pd.DataFrame,
    behaviour: pd.DataFrame,
) -> pd.DataFrame:
    """Return for every contact what to expect without the letter and with it, other trials aside."""
    row = mailing_draw["row"].to_numpy()
    annoyed = mail_types["annoyed"].to_numpy()[row]
    ticks = clock(setting.seasonal_orders)
    sent = mailing_draw["sent"].to_numpy()
    weeks = (ticks[sent + MAIL.window] - ticks[sent]) / dates.WEEK
    buying = behaviour.iloc[row].reset_index(drop=True)
    expected = (buying["purchase_rate"] * weeks).to_numpy() * mailing_draw["alive"].to_numpy()
    leaving = buying["dropout_probability"].to_numpy()
    extra = extra_probability(mailing_draw, mail_types)
    lost = np.where(annoyed, EFFECT.lost, 0.0)
    orders = -np.expm1(-expected * leaving) / leaving
    value = buying["mean_order_value"].to_numpy()
    rate = MAIL.margin_rate - mailing_draw["discount"].to_numpy()
    return pd.DataFrame(
        {
            "mailing_id": mailing_draw["mailing_id"],
            "customer_id": consumers["customer_id"].to_numpy()[row],
            "mailed": mailing_draw["mailed"].astype(int),
            "annoyed": annoyed.astype(int),
            "response_without": -np.expm1(-expected).round(4),
            "response_with": (1 - all_lost(expected, leaving, lost) * (1 - extra)).round(4),
            "margin_without": (orders * value * MAIL.margin_rate).round(2),
            "margin_with": ((orders * (1 - lost) + extra) * value * rate).round(2),
        }
    )


def all_lost(expected: np.ndarray, leaving: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Return the probability that no order is left of a Poisson stream that may end after each order.

    Each order is lost with probability `lost`; without loss this is the probability of no order.
    """
    stays = lost * (1 - leaving)
    end = lost * leaving / (1 - stays)
    return end + (1 - end) * np.exp(-expected * (1 - stays))
