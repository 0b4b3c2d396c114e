"""What customers and the house say to each other: contacts around orders, enquiries, complaints, care calls.

A note says only what can be so: `NOTES` holds beside each the conditions on which it can be written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick, spread
from ..numbers import grid, numbers, series
from ..registry import process
from .order_days import ORDER_CHANNELS
from .order_lines import TEAS, gift_season
from .purchases import HOURS

AROUND = grid(
    "contacts",
    "around",
    ("enquiry", "purchase", "delivery", "after_sales"),
    ("rate", "from_day", "to_day", "ease", "solved", "out"),
    [
        (0.065, -4, -1, 0.10, 0.85, 0.00),
        (0.10, 0, 0, 0.20, 0.92, 0.00),
        (0.16, 2, 5, -0.25, 0.62, 0.10),
        (0.07, 6, 20, -0.35, 0.70, 0.35),
    ],
    "probability; days; points; share",
    "contacts around an order: probability, days after it, what the reason adds to the rating, "
    "share solved at first contact, share begun by the house",
)
ENQUIRY = numbers(
    "contacts",
    elsewhere=(
        0.3,
        "share",
        "of enquiries before an order that come by whichever channel, not by the order's",
    ),
    idle=(0.36, "per year", "enquiries that lead to no order, by a consumer who still buys"),
    idle_left=(0.18, "per year", "the same by one who has left"),
)
ENQUIRES_BY = series(
    "contacts",
    "enquires_by",
    dict(zip(ORDER_CHANNELS, (0.30, 0.30, 0.22, 0.18), strict=True)),
    "share",
    "of enquiries by channel, if not by that of an order",
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
SEASONS = series(
    "contacts",
    "out_of_season",
    {"new_tea": 0.03, "gifts": 0.3, "after_festival": 0.0},
    "factor",
    "on the weight of a note of a season outside it: March to June, weeks of gifts, a fortnight after these",
)
NEW_TEA = (3, 4, 5, 6)  # months in which one asks for the tea of this spring
AFTERMATH = 14  # days after a festival of gifts in which a gift is late
RECENT = numbers(
    "contacts",
    recent_order=(45, "days", "for which a complaint is about the last order; afterwards about none"),
    recent_promise=(30, "days", "for which a promise is remembered"),
)
REMOTE = "web app call"
# reason, phrase, weight, tone (1 is said rather by the pleased, -1 by the displeased); on what conditions:
# who began (in: the customer; praise: the customer, and the matter is solved; out: the house); channels of
# the order, or of an enquiry; what must be true of it or before it; from which day after the order; season
_NOTES = (
    ("enquiry", "Asks which tea suits a beginner", 1.2, 1, "in", "", "", 0, ""),
    ("enquiry", "Asks for this year's spring tea", 2.8, 1, "in", "", "", 0, "new_tea"),
    ("enquiry", "Wants to taste before buying", 1.0, 1, "in", "", "", 0, ""),
    ("enquiry", "Asks for a gift for parents", 1.8, 0, "in", "", "", 0, "gifts"),
    ("enquiry", "Asks for a gift for a business partner", 1.3, 0, "in", "", "", 0, "gifts"),
    ("enquiry", "Asks how long the tea keeps", 0.8, 0, "in", "", "", 0, ""),
    ("enquiry", "Asks for the origin and harvest date", 0.9, 0, "in", "", "", 0, ""),
    ("enquiry", "Asks for the pesticide report", 0.5, 0, "in", "", "", 0, ""),
    ("enquiry", "Compares our price with another shop", 1.0, -1, "in", "", "", 0, ""),
    ("enquiry", "Could not find the product online", 0.9, -1, "in", REMOTE, "", 0, ""),
    ("enquiry", "Asks when a product is in stock again", 0.6, -1, "in", "", "", 0, ""),
    ("purchase", "Praises the advice in the shop", 1.2, 1, "praise", "shop", "", 0, ""),
    ("purchase", "Tasting made the choice easy", 1.0, 1, "praise", "shop", "", 0, ""),
    ("purchase", "Ordering was quick and easy", 1.5, 1, "praise", "web app", "", 0, ""),
    ("purchase", "Praises the advice on the telephone", 1.5, 1, "praise", "call", "", 0, ""),
    ("purchase", "Glad that we knew the usual order", 0.8, 1, "praise", "", "known", 0, ""),
    ("purchase", "Asks for gift wrapping", 3.0, 0, "in", "", "gifts", 0, ""),
    ("purchase", "Asks for an invoice", 0.8, 0, "in", "", "", 0, ""),
    ("purchase", "Changes the delivery address", 0.9, 0, "in", REMOTE, "", 0, ""),
    ("purchase", "Coupon was not accepted", 0.6, -1, "in", "", "", 0, ""),
    ("purchase", "Payment had to be repeated", 0.5, -1, "in", "", "", 0, ""),
    ("purchase", "Waited long to be served", 1.0, -1, "in", "shop call", "", 0, ""),
    ("delivery", "Parcel came earlier than promised", 0.8, 1, "praise", REMOTE, "", 0, ""),
    ("delivery", "Parcel well packed", 0.9, 1, "praise", REMOTE, "", 0, ""),
    ("delivery", "Courier was friendly", 0.6, 1, "praise", REMOTE, "", 0, ""),
    ("delivery", "Asks where the parcel is", 1.6, 0, "in", REMOTE, "", 0, ""),
    ("delivery", "Asks to deliver in the evening", 0.7, 0, "in", REMOTE, "", 0, ""),
    ("delivery", "Parcel left with a neighbour", 0.6, 0, "in", REMOTE, "", 0, ""),
    ("delivery", "Parcel later than promised", 1.6, -1, "in", REMOTE, "", 3, ""),
    ("delivery", "App shows delivered, nothing came", 1.0, -1, "in", "app", "", 3, ""),
    ("delivery", "Parcel lost and sent again", 1.0, -1, "in", REMOTE, "", 4, ""),
    ("delivery", "Box crushed, tea unharmed", 0.8, -1, "in", REMOTE, "tea", 0, ""),
    ("delivery", "One item missing", 0.7, -1, "in", REMOTE, "several", 0, ""),
    ("delivery", "Told when the parcel will come", 1.0, 0, "out", REMOTE, "", 0, ""),
    ("delivery", "Told that the parcel is late", 0.8, -1, "out", REMOTE, "", 3, ""),
    ("delivery", "Asked after the parcel: all is well", 1.0, 1, "out", REMOTE, "", 0, ""),
    ("after_sales", "Tells how much the tea was liked", 0.9, 1, "praise", "", "tea", 0, ""),
    ("after_sales", "Gift was well received", 1.8, 1, "praise", "", "gifts", 0, ""),
    ("after_sales", "Thanks for the brewing advice", 0.8, 1, "praise", "", "tea", 0, ""),
    ("after_sales", "Asks how hot the water should be", 1.0, 0, "in", "", "tea", 0, ""),
    ("after_sales", "Asks how to store opened tea", 0.9, 0, "in", "", "tea", 0, ""),
    ("after_sales", "Asks how to care for teaware", 2.0, 0, "in", "", "teaware", 0, ""),
    ("after_sales", "Asks for a copy of the invoice", 0.6, 0, "in", "", "", 0, ""),
    ("after_sales", "Wants to return a product", 5.0, -1, "in", "", "returned", 0, ""),
    ("after_sales", "Waits for a refund", 5.0, -1, "in", "", "returned", 10, ""),
    ("after_sales", "Tea tastes flatter than last time", 1.0, -1, "in", "", "tea known", 0, ""),
    ("after_sales", "Lid does not close", 1.5, -1, "in", "", "teaware", 0, ""),
    ("after_sales", "Not as it looked in the picture", 0.6, -1, "in", REMOTE, "", 0, ""),
    ("after_sales", "Asked how the tea was: much liked", 1.2, 1, "out", "", "tea", 0, ""),
    ("after_sales", "Asked how the tea was: not to taste", 0.8, -1, "out", "", "tea", 0, ""),
    ("after_sales", "Asked whether the gift pleased", 1.0, 0, "out", "", "gifts", 0, ""),
    ("after_sales", "Asked whether all was in order", 0.8, 0, "out", "", "", 0, ""),
    ("after_sales", "Told that the refund is on its way", 3.0, 0, "out", "", "returned", 0, ""),
    ("complaint", "Parcel never arrived", 8.0, 0, "in", REMOTE, "", 4, ""),
    ("complaint", "Wrong product sent", 1.6, 0, "in", REMOTE, "", 2, ""),
    ("complaint", "Delivery put off without notice", 1.2, 0, "in", REMOTE, "", 0, ""),
    ("complaint", "Tea smells stale", 1.2, 0, "in", "", "tea opened", 0, ""),
    ("complaint", "Teaware arrived broken", 7.0, 0, "in", REMOTE, "teaware", 2, ""),
    ("complaint", "Weight is less than paid for", 0.6, 0, "in", "", "tea opened", 0, ""),
    ("complaint", "Charged twice", 0.6, 0, "in", "", "", 0, ""),
    ("complaint", "Charged more than the price shown", 0.6, 0, "in", "", "recent", 0, ""),
    ("complaint", "Gift came after the festival", 12.0, 0, "in", REMOTE, "gifts", 2, "after_festival"),
    ("complaint", "Staff were rude", 0.8, 0, "in", "shop call", "", 0, ""),
    ("complaint", "Nobody called back as promised", 4.0, 0, "in", "", "promised", 0, ""),
    ("complaint", "Refund refused", 0.3, 0, "in", "", "recent kept", 1, ""),
    ("complaint", "Found a foreign object in the tea", 0.3, 0, "in", "", "tea opened", 0, ""),
    ("complaint", "Not the tea that was tasted", 0.9, 0, "in", "shop", "tea", 0, ""),
    ("care", "Asked how the last tea was", 1.3, 0, "out", "", "", 0, ""),
    ("care", "Recommended a tea by past orders", 1.1, 0, "out", "", "", 0, ""),
    ("care", "Told of the new harvest", 1.0, 0, "out", "", "", 0, ""),
    ("care", "Offered a tasting in the shop", 0.8, 0, "out", "", "", 0, ""),
    ("care", "Reached nobody, left a message", 0.9, 0, "out", "", "", 0, ""),
    ("care", "Had no time to talk", 0.6, 0, "out", "", "", 0, ""),
)
NOTES = pd.DataFrame(
    _NOTES,
    columns=["reason", "note", "weight", "tone", "begun", "channels", "needs", "from_day", "season"],
)
for _reason, _part in NOTES.groupby("reason", sort=False):
    series(
        "contacts",
        f"note:{_reason}",
        dict(zip(_part["note"], _part["weight"], strict=True)),
        "weight",
        "of a note among those of its reason that can be so, at a middling feeling and in season",
    )
_COLUMNS = (
    *("contact_id", "customer_id", "date", "channel", "reason", "direction", "note", "rating"),
    *("promised_hours", "hours_to_resolve", "recovered", "solved_at_first_contact", "promise"),
)


@process(tables=("contacts",))
def contacts(
    draw: Callable[[str], np.random.Generator],
    ledger: pd.DataFrame,
    order_lines: pd.DataFrame,
    consumers: pd.DataFrame,
    index_scores: pd.DataFrame,
    incidents: pd.DataFrame,
    dropout: np.ndarray,
    customer_care: pd.DataFrame,
) -> pd.DataFrame:
    """Return what the contact centre and the shops noted, from the first day to the last."""
    won = dates.days(consumers["acquired_on"])
    orders = ledger[["order_id", "customer_id", "channel"]].assign(day=dates.days(ledger["order_date"]))
    asked = [_around_orders(draw(reason), orders, reason) for reason in AROUND.index]
    asked = pd.concat([*asked, _idle_enquiries(draw("idle"), won, dropout)], ignore_index=True)
    known = asked["day"] >= won[asked["customer_id"] - 1]
    asked = asked[known & (asked["day"] < dates.DAYS) & ~_nobody_there(asked["day"], asked["channel"])]
    parts = [
        _answered(draw("answers"), asked, index_scores["satisfaction"].to_numpy()),
        _about_last_order(_complaints(draw("complaint"), incidents), orders),
        _care_calls(draw("care"), customer_care),
    ]
    out = pd.concat(parts, ignore_index=True)
    out = out.sort_values(["day", "customer_id", "reason"], kind="stable", ignore_index=True)
    out["note"] = _notes(draw("notes"), out, _facts(out, orders, order_lines))
    out["rating"] = out["feeling"].round().clip(RATING.lowest, RATING.highest)
    silent = draw("silent").random(len(out)) < RATING.missing
    open_still = (out["reason"] == "complaint") & out["recovered"].isna()
    rated = ~(silent & out["reason"].isin(AROUND.index)) & ~open_still & (out["reason"] != "care")
    out["rating"] = out["rating"].where(rated)
    out = out.assign(contact_id=out.index + 1, date=dates.dates(out["day"]))
    whole = ("rating", "promised_hours", "recovered", "solved_at_first_contact")
    return out[list(_COLUMNS)].astype(dict.fromkeys(whole, "Int64"))


def _around_orders(rng: np.random.Generator, orders: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Return the contacts that orders bring about for one reason."""
    usual = AROUND.loc[reason]
    out = orders[rng.random(len(orders)) < usual["rate"]].assign(reason=reason)
    if reason == "delivery":
        out = out[out["channel"] != "shop"]
    if reason == "enquiry":  # it is about no order yet, and may come by another channel
        by = np.where(rng.random(len(out)) < ENQUIRY.elsewhere, _channels(rng, len(out)), out["channel"])
        out = out.assign(order_id=0, channel=by)
    delay = rng.integers(usual["from_day"], usual["to_day"], len(out), endpoint=True)
    return out.assign(day=out["day"] + delay)


def _idle_enquiries(rng: np.random.Generator, won: np.ndarray, dropout: np.ndarray) -> pd.DataFrame:
    """Return the enquiries that lead to nothing, by those who still buy and by those who have left."""
    left = np.where(np.isnan(dropout), dates.DAYS, np.floor(dropout))
    parts = []
    for begin, end, yearly in ((won, left, ENQUIRY.idle), (left, dates.DAYS, ENQUIRY.idle_left)):
        row, _ = spread(rng.poisson(yearly * (end - begin) / dates.YEAR))
        day = begin[row] + np.floor(rng.random(len(row)) * (end - begin)[row])
        parts.append(pd.DataFrame({"customer_id": row + 1, "day": day.astype(int)}))
    out = pd.concat(parts, ignore_index=True)
    return out.assign(order_id=0, reason="enquiry", channel=_channels(rng, len(out)))


def _channels(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw the channels of enquiries that have nothing to do with that of an order."""
    return rng.choice(ORDER_CHANNELS, n, p=ENQUIRES_BY)


def _answered(rng: np.random.Generator, asked: pd.DataFrame, satisfaction: np.ndarray) -> pd.DataFrame:
    """Return contacts with who began them, what came of them, and how the customer felt about it."""
    n = len(asked)
    usual = AROUND.loc[asked["reason"]].set_axis(asked.index)
    solved = rng.random(n) < usual["solved"]
    out = rng.random(n) < usual["out"]
    weak = RATING.app_delivery * ((asked["channel"] == "app") & (asked["reason"] == "delivery"))
    feeling = RATING.base + RATING.satisfaction * satisfaction[asked["customer_id"] - 1]
    feeling = feeling + RATING.solved * (solved | out) + asked["channel"].map(MOOD) + usual["ease"] + weak
    return asked.assign(
        direction=np.where(out, "out", "in"),
        solved_at_first_contact=solved.astype(float).mask(out),
        promise=asked["reason"].map(PROMISES).mask(out | solved),
        feeling=feeling + RATING.noise * rng.standard_normal(n),
    )


def _nobody_there(day: pd.Series, channel: pd.Series) -> np.ndarray:
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
            "order_id": 0,
            "channel": "call",
            "reason": "care",
            "direction": "out",
            "day": day + rng.integers(0, CARE.care_days, len(row)),
            "feeling": RATING.middle,
        }
    )


def _about_last_order(complaints: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return complaints with the order that they are about: the last one, if it is recent; 0 if none is."""
    last = orders[["order_id", "customer_id", "day"]].sort_values("day")
    out = pd.merge_asof(
        complaints.sort_values("day", kind="stable"),
        last,
        on="day",
        by="customer_id",
        tolerance=RECENT.recent_order,
    )
    return out.assign(order_id=out["order_id"].fillna(0).astype(int))


def _facts(contacts: pd.DataFrame, orders: pd.DataFrame, order_lines: pd.DataFrame) -> pd.DataFrame:
    """Return for each contact, in order of time, what must be so for a note to be written."""
    line = order_lines["product_line"]
    holds = pd.DataFrame(
        {
            "tea": line.isin(TEAS),
            "gifts": line == "gift_sets",
            "teaware": line == "teaware",
            "returned": order_lines["returned"] == 1,
            "several": order_lines["line_no"] > 1,
        }
    )
    of_order = orders.set_index("order_id").join(holds.groupby(order_lines["order_id"]).any())
    of_order["known"] = of_order.groupby("customer_id").cumcount() > 0
    out = of_order.drop(columns="customer_id").reindex(contacts["order_id"]).reset_index(drop=True)
    truths = [*holds.columns, "known"]
    out[truths] = out[truths].eq(True)
    lag = (contacts["day"] - out["day"]).fillna(0)
    promised_on = contacts["day"].where(contacts["promise"].notna()).groupby(contacts["customer_id"]).ffill()
    promised_on = promised_on.groupby(contacts["customer_id"]).shift()
    return out.assign(
        lag=lag,
        channel=out["channel"].fillna(contacts["channel"].where(contacts["reason"] == "enquiry", "")),
        recent=contacts["order_id"] > 0,
        kept=~out["returned"],
        opened=(out["channel"] == "shop") | (lag >= 2),
        promised=(contacts["day"] - promised_on).between(1, RECENT.recent_promise),
        solved=contacts["solved_at_first_contact"] == 1,
        begun=contacts["direction"],
    )


def _seasons() -> pd.DataFrame:
    """Return for every day of the history the seasons of notes that it belongs to."""
    late = np.zeros(dates.DAYS, dtype=bool)
    for festival, date in dates.FESTIVALS.itertuples(index=False):
        day = (date - dates.START).days
        if festival != "dragon_boat" and day < dates.DAYS:
            late[day + 1 : day + 1 + AFTERMATH] = True
    spring = np.isin(dates.dates(np.arange(dates.DAYS)).month, NEW_TEA)
    return pd.DataFrame({"new_tea": spring, "gifts": gift_season(), "after_festival": late})


def note_weights(notes: pd.DataFrame, facts: pd.DataFrame, day: pd.Series) -> np.ndarray:
    """Return the weight of each note for each contact, at a middling feeling: 0 if it cannot be so."""
    seasons = _seasons()
    out = np.empty((len(facts), len(notes)))
    for k, note in enumerate(notes.itertuples()):
        begun = facts["begun"] == ("out" if note.begun == "out" else "in")
        can = begun & (facts["lag"] >= note.from_day) & facts[note.needs.split()].all(axis=1)
        if note.begun == "praise":
            can &= facts["solved"]
        if note.channels:
            can &= facts["channel"].isin(note.channels.split())
        out[:, k] = note.weight * can
        if note.season:
            out[:, k] *= np.where(seasons[note.season].to_numpy()[day], 1, SEASONS[note.season])
    return out


def _notes(rng: np.random.Generator, contacts: pd.DataFrame, facts: pd.DataFrame) -> np.ndarray:
    """Draw the note of each contact among those that can be so: the pleased say kinder things."""
    out = np.empty(len(contacts), dtype=object)
    for name, notes in NOTES.groupby("reason"):
        here = (contacts["reason"] == name).to_numpy()
        weight = note_weights(notes, facts[here], contacts.loc[here, "day"])
        tilt = RATING.tilt * np.outer(contacts.loc[here, "feeling"] - RATING.middle, notes["tone"])
        out[here] = notes["note"].to_numpy()[pick(rng, np.exp(tilt) * weight)]
    return out.astype(str)
