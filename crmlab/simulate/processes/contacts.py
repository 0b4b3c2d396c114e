"""What customers and the house say to each other: contacts around orders, complaints, care calls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick, spread
from ..numbers import grid, numbers, series
from ..registry import process
from .order_days import ORDER_CHANNELS
from .purchases import HOURS

AROUND = grid(
    "contacts",
    "around",
    ("enquiry", "purchase", "delivery", "after_sales"),
    ("rate", "from_day", "to_day", "ease", "solved", "out"),
    [
        (0.14, -4, -1, 0.10, 0.85, 0.00),
        (0.10, 0, 0, 0.20, 0.92, 0.00),
        (0.16, 2, 5, -0.25, 0.62, 0.10),
        (0.07, 6, 20, -0.35, 0.70, 0.35),
    ],
    "probability; days; points; share",
    "contacts around an order: probability, days after it, what the reason adds to the rating, "
    "share solved at first contact, share begun by the house",
)
MOOD = series(
    "contacts",
    "mood",
    {"shop": 0.35, "web": -0.05, "app": 0.15, "call": -0.25},
    "points",
    "what a channel adds to the rating",
)
RATING = numbers(
    "contacts",
    base=(3.3, "points", "rating by an average customer, before channel and reason"),
    satisfaction=(0.45, "points", "change per unit of satisfaction"),
    solved=(0.4, "points", "more where the matter was solved at first contact or raised by the house"),
    app_delivery=(-1.1, "points", "more for deliveries of orders by app: the app loses parcels"),
    noise=(0.8, "points", "standard deviation before rounding"),
    missing=(0.12, "share", "of contacts without a rating"),
    lowest=(1.0, "points", "limit of the scale"),
    highest=(5.0, "points", "limit of the scale"),
    middle=(3.0, "points", "feeling at which notes have the stated weights"),
    tilt=(
        0.8,
        "log",
        "change of the weight of a friendly note per point of feeling; the reverse for a sour one",
    ),
)
COMPLAINT = numbers(
    "contacts",
    recovered=(3.9, "points", "mean rating of a complaint that was recovered, before rounding"),
    unrecovered=(1.8, "points", "mean rating of a complaint that was not"),
    complaint_noise=(0.6, "points", "standard deviation before rounding"),
    first_contact=(12.0, "hours", "up to which a complaint counts as solved at first contact"),
)
COMPLAINS_BY = series(
    "contacts",
    "complains_by",
    dict(zip(ORDER_CHANNELS, (0.2, 0.2, 0.2, 0.4), strict=True)),
    "share",
    "of complaints by channel; on days on which the house rests all come by web",
)
CARE = numbers("contacts", care_days=(14, "days", "between the beginnings of the periods of two care calls"))
STAFFED = ("shop", "call")  # channels with nobody there on days on which the house rests
PROMISES = {  # what is promised where a matter is not solved at once
    "enquiry": "call_back_24h",
    "purchase": "reply_48h",
    "delivery": "trace_48h",
    "after_sales": "replace_72h",
}
# reason, phrase, weight, tone: 1 is said rather by the pleased, -1 by the displeased
_NOTES = (
    ("enquiry", "Asks which tea suits a beginner", 1.2, 1),
    ("enquiry", "Asks for this year's spring tea", 1.4, 1),
    ("enquiry", "Wants to taste before buying", 1.0, 1),
    ("enquiry", "Asks for a gift for parents", 1.1, 0),
    ("enquiry", "Asks for a gift for a business partner", 0.8, 0),
    ("enquiry", "Asks how long the tea keeps", 0.8, 0),
    ("enquiry", "Asks for the origin and harvest date", 0.9, 0),
    ("enquiry", "Asks for the pesticide report", 0.5, 0),
    ("enquiry", "Compares our price with another shop", 1.0, -1),
    ("enquiry", "Could not find the product online", 0.7, -1),
    ("enquiry", "Asks when a product is in stock again", 0.6, -1),
    ("purchase", "Praises the advice in the shop", 1.0, 1),
    ("purchase", "Glad that we knew the usual order", 0.8, 1),
    ("purchase", "Tasting made the choice easy", 0.8, 1),
    ("purchase", "Asks for gift wrapping", 1.0, 0),
    ("purchase", "Asks for an invoice", 0.8, 0),
    ("purchase", "Changes the delivery address", 0.7, 0),
    ("purchase", "Coupon was not accepted", 0.6, -1),
    ("purchase", "Payment had to be repeated", 0.5, -1),
    ("purchase", "Waited long to be served", 0.7, -1),
    ("delivery", "Parcel came earlier than promised", 0.8, 1),
    ("delivery", "Parcel well packed", 0.9, 1),
    ("delivery", "Courier was friendly", 0.6, 1),
    ("delivery", "Asks where the parcel is", 1.6, 0),
    ("delivery", "Asks to deliver in the evening", 0.7, 0),
    ("delivery", "Parcel left with a neighbour", 0.6, 0),
    ("delivery", "Parcel later than promised", 1.3, -1),
    ("delivery", "App shows delivered, nothing came", 0.7, -1),
    ("delivery", "Parcel lost and sent again", 0.6, -1),
    ("delivery", "Box crushed, tea unharmed", 0.7, -1),
    ("delivery", "One item missing", 0.6, -1),
    ("after_sales", "Tells how much the tea was liked", 0.9, 1),
    ("after_sales", "Gift was well received", 0.9, 1),
    ("after_sales", "Thanks for the brewing advice", 0.8, 1),
    ("after_sales", "Asks how hot the water should be", 1.0, 0),
    ("after_sales", "Asks how to store opened tea", 0.9, 0),
    ("after_sales", "Asks how to care for a clay pot", 0.6, 0),
    ("after_sales", "Wants to return a product", 1.0, -1),
    ("after_sales", "Waits for a refund", 0.8, -1),
    ("after_sales", "Tea tastes flatter than last time", 0.8, -1),
    ("after_sales", "Lid does not close", 0.5, -1),
    ("complaint", "Parcel never arrived", 1.2, 0),
    ("complaint", "Wrong product sent", 1.1, 0),
    ("complaint", "Tea smells stale", 1.0, 0),
    ("complaint", "Teaware arrived broken", 0.9, 0),
    ("complaint", "Weight is less than paid for", 0.6, 0),
    ("complaint", "Charged twice", 0.6, 0),
    ("complaint", "Gift came after the festival", 0.6, 0),
    ("complaint", "Staff were rude", 0.6, 0),
    ("complaint", "Nobody called back as promised", 0.8, 0),
    ("complaint", "Refund refused", 0.5, 0),
    ("complaint", "Found a foreign object in the tea", 0.3, 0),
    ("complaint", "Not the tea that was tasted", 0.7, 0),
    ("care", "Asked how the last tea was", 1.3, 0),
    ("care", "Recommended a tea by past orders", 1.1, 0),
    ("care", "Told of the new harvest", 1.0, 0),
    ("care", "Offered a tasting in the shop", 0.8, 0),
    ("care", "Reached nobody, left a message", 0.9, 0),
    ("care", "Had no time to talk", 0.6, 0),
)
NOTES = pd.DataFrame(_NOTES, columns=["reason", "note", "weight", "tone"])
for _reason, _part in NOTES.groupby("reason", sort=False):
    series(
        "contacts",
        f"note:{_reason}",
        dict(zip(_part["note"], _part["weight"], strict=True)),
        "weight",
        "of a note among those of its reason, at a middling feeling",
    )


@process(tables=("contacts",))
def contacts(
    draw: Callable[[str], np.random.Generator],
    ledger: pd.DataFrame,
    consumers: pd.DataFrame,
    index_scores: pd.DataFrame,
    incidents: pd.DataFrame,
    customer_care: pd.DataFrame,
) -> pd.DataFrame:
    """Return what the contact centre and the shops noted, from the first day to the last."""
    satisfaction = index_scores["satisfaction"].to_numpy()
    won = dates.days(consumers["acquired_on"])
    parts = [_around_orders(draw(reason), ledger, reason, satisfaction, won) for reason in AROUND.index]
    parts.append(_complaints(draw("complaint"), incidents))
    parts.append(_care_calls(draw("care"), customer_care))
    out = pd.concat(parts, ignore_index=True)
    out["note"] = _notes(draw("notes"), out["reason"], out["feeling"])
    out["rating"] = out["feeling"].round().clip(RATING.lowest, RATING.highest)
    silent = draw("silent").random(len(out)) < RATING.missing
    open_still = (out["reason"] == "complaint") & out["recovered"].isna()
    asked = ~(silent & out["reason"].isin(AROUND.index)) & ~open_still & (out["reason"] != "care")
    out["rating"] = out["rating"].where(asked)
    out = out.sort_values(["day", "customer_id", "reason"], kind="stable", ignore_index=True)
    out.insert(0, "contact_id", out.index + 1)
    out.insert(2, "date", dates.dates(out["day"]))
    whole = ("rating", "promised_hours", "recovered", "solved_at_first_contact")
    return out.drop(columns=["day", "feeling"]).astype(dict.fromkeys(whole, "Int64"))


def _around_orders(
    rng: np.random.Generator, orders: pd.DataFrame, reason: str, satisfaction: np.ndarray, won: np.ndarray
) -> pd.DataFrame:
    """Return the contacts that one reason brings about."""
    usual = AROUND.loc[reason]
    chosen = orders[rng.random(len(orders)) < usual["rate"]]
    if reason == "delivery":
        chosen = chosen[chosen["channel"] != "shop"]
    n = len(chosen)
    row = chosen["customer_id"].to_numpy() - 1
    channel = chosen["channel"]
    day = dates.days(chosen["order_date"]) + rng.integers(
        usual["from_day"], usual["to_day"], n, endpoint=True
    )
    solved = rng.random(n) < usual["solved"]
    out = rng.random(n) < usual["out"]
    weak = RATING.app_delivery * ((channel == "app") & (reason == "delivery"))
    feeling = RATING.base + RATING.satisfaction * satisfaction[row] + RATING.solved * (solved | out)
    feeling = feeling + channel.map(MOOD) + usual["ease"] + weak + RATING.noise * rng.standard_normal(n)
    frame = pd.DataFrame(
        {
            "customer_id": row + 1,
            "channel": channel.to_numpy(),
            "reason": reason,
            "direction": np.where(out, "out", "in"),
            "note": "",
            "rating": np.nan,
            "promised_hours": np.nan,
            "hours_to_resolve": np.nan,
            "recovered": np.nan,
            "solved_at_first_contact": np.where(out, np.nan, solved),
            "promise": np.where(out | solved, None, PROMISES[reason]),
            "day": day,
            "feeling": feeling.to_numpy(),
        }
    )
    return frame[(day >= won[row]) & (day < dates.DAYS) & ~_nobody_there(day, channel.to_numpy())]


def _nobody_there(day: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return which contacts would need somebody on a day on which the house rests."""
    return dates.closed()[np.clip(day, 0, dates.DAYS - 1)] & np.isin(channel, STAFFED)


def _complaints(rng: np.random.Generator, incidents: pd.DataFrame) -> pd.DataFrame:
    """Return the complaints up to today; what is not solved yet has no outcome yet."""
    voiced = incidents[incidents["complained_on"] < dates.DAYS]
    n = len(voiced)
    day = voiced["complained_on"].to_numpy().astype(int)
    channel = rng.choice(ORDER_CHANNELS, n, p=COMPLAINS_BY)
    hours = voiced["hours_to_resolve"].to_numpy()
    over = day + hours / HOURS < dates.DAYS
    recovered = voiced["recovered"].to_numpy()
    feeling = np.where(recovered == 1, COMPLAINT.recovered, COMPLAINT.unrecovered)
    promised = voiced["promised_hours"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": voiced["row"].to_numpy() + 1,
            "channel": np.where(dates.closed()[day], "web", channel),
            "reason": "complaint",
            "direction": "in",
            "promised_hours": promised,
            "hours_to_resolve": np.where(over, hours, np.nan),
            "recovered": np.where(over, recovered, np.nan),
            "solved_at_first_contact": np.where(over, hours <= COMPLAINT.first_contact, np.nan),
            "promise": "solve_" + pd.Series(promised).astype(str) + "h",
            "day": day,
            "feeling": feeling + COMPLAINT.complaint_noise * rng.standard_normal(n),
        }
    )


def _care_calls(rng: np.random.Generator, trial: pd.DataFrame) -> pd.DataFrame:
    """Return the calls of the care trial, each in a fortnight of its own."""
    row, nth = spread(trial["care_calls"].to_numpy())
    day = dates.days(trial["assigned_on"])[row] + CARE.care_days * nth
    return pd.DataFrame(
        {
            "customer_id": trial["customer_id"].to_numpy()[row],
            "channel": "call",
            "reason": "care",
            "direction": "out",
            "day": day + rng.integers(0, CARE.care_days, len(row)),
            "feeling": RATING.middle,
        }
    )


def _notes(rng: np.random.Generator, reason: pd.Series, feeling: pd.Series) -> np.ndarray:
    """Draw the note of each contact: the pleased say kinder things."""
    out = np.empty(len(reason), dtype=object)
    for name, notes in NOTES.groupby("reason"):
        here = (reason == name).to_numpy()
        tilt = RATING.tilt * np.outer(feeling[here] - RATING.middle, notes["tone"])
        out[here] = notes["note"].to_numpy()[pick(rng, np.exp(tilt) * notes["weight"].to_numpy())]
    return out.astype(str)
