"""The time of the world: four years of history, what begins when, festivals, and how full each day is."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = pd.Timestamp("2022-07-01")  # the tea card is introduced: the files begin
SURVEY = pd.Timestamp("2025-06-15")  # every survey is fielded
INTERVENTION = pd.Timestamp("2025-07-01")  # no trial, no recovery desk and no rival before this day
TODAY = pd.Timestamp("2026-06-30")
DAYS = (TODAY - START).days + 1  # something can still happen on `TODAY`
HISTORY = (INTERVENTION - START).days  # days before the year of trials
MONTHS = pd.date_range(START, TODAY, freq="MS")
WEEK = 7
YEAR = 365.25

FESTIVALS = pd.DataFrame(
    [
        ("mid_autumn", "2022-09-10"),
        ("spring_festival", "2023-01-22"),
        ("dragon_boat", "2023-06-22"),
        ("mid_autumn", "2023-09-29"),
        ("spring_festival", "2024-02-10"),
        ("dragon_boat", "2024-06-10"),
        ("mid_autumn", "2024-09-17"),
        ("spring_festival", "2025-01-29"),
        ("dragon_boat", "2025-05-31"),
        ("mid_autumn", "2025-10-06"),
        ("spring_festival", "2026-02-17"),
        ("dragon_boat", "2026-06-19"),
        ("mid_autumn", "2026-09-25"),  # beyond today: the weeks before it are not reached
    ],
    columns=["festival", "date"],
).astype({"date": "datetime64[ns]"})
CLOSED = {"spring_festival": (-1, 0, 1, 2)}  # days from the festival on which shops and warehouse rest

# Tea fairs: the month, and which of its Fridays is the first day (-1: the last); they last until Sunday.
FAIRS = ((1, 2), (3, 2), (4, -1), (5, 3), (9, 2), (10, 3), (11, 3))
FRIDAY = 4
FAIR_LASTS = 3


def dates(day: np.ndarray) -> pd.DatetimeIndex:
    """Return the dates of days counted from `START`; a part of a day does not count."""
    return START + pd.to_timedelta(np.floor(np.asarray(day, dtype=float)), unit="D")


def days(date: pd.Series) -> np.ndarray:
    """Return whole days from `START`."""
    return (date - START).dt.days.to_numpy()


def weekdays() -> np.ndarray:
    """Return the weekday of every day of the history, Monday being 0."""
    return (START.day_of_week + np.arange(DAYS)) % WEEK


def weeks_before(festival: str) -> np.ndarray:
    """Return for every day the weeks to the next festival of that name: infinite after the last."""
    when = FESTIVALS.loc[FESTIVALS["festival"] == festival, "date"]
    ahead = np.array([(date - START).days for date in when])[:, None] - np.arange(DAYS)
    return np.where(ahead >= 0, ahead / WEEK, np.inf).min(axis=0)


def closed() -> np.ndarray:
    """Return for every day whether the house rests."""
    out = np.zeros(DAYS, dtype=bool)
    for festival, date in FESTIVALS.itertuples(index=False):
        for shift in CLOSED.get(festival, ()):
            day = (date - START).days + shift
            if 0 <= day < DAYS:
                out[day] = True
    return out


def fair_days() -> np.ndarray:
    """Return for every day whether a tea fair is on."""
    day = pd.date_range(START, TODAY)
    fridays = pd.Series(day[day.day_of_week == FRIDAY])
    of_month = fridays.groupby([fridays.dt.year, fridays.dt.month])
    out = np.zeros(DAYS, dtype=bool)
    for month, nth in FAIRS:
        in_month = of_month.nth(nth if nth < 0 else nth - 1)
        for first in days(in_month[in_month.dt.month == month]):
            out[first : first + FAIR_LASTS] = True
    return out
