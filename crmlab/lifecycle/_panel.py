"""A checked panel: one row per account and month, the state of that month, and when the account was lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmlab import _check

STAGES = ("exploration", "formation", "stability", "decline")
LOST = "lost"
NEVER = np.iinfo(np.int64).max
LONGEST = 12_000  # months or other periods
TOO_LONG = "A thousand years of months are as good as for ever."


def periods(value: object, name: str, minimum: int = 1) -> int:
    """Return a number of periods within its bounds."""
    return _check.whole(value, name, minimum=minimum, maximum=LONGEST, because=TOO_LONG)


def refuse_lookalikes(states: Iterable) -> None:
    """Raise where a state is "lost" but for capitals and blanks: it would be taken for a stage of its own."""
    for state in states:
        if isinstance(state, str) and state != LOST and state.strip().lower() == LOST:
            raise ValueError(f"there is a state {state!r}: did you mean {LOST!r}? Write it like that.")


def refuse_missing(data: pd.DataFrame, column: str) -> None:
    """Raise where a column that says whose row it is has gaps."""
    if missing := int(data[column].isna().sum()):
        raise ValueError(f"{column} has {missing} missing value(s). Drop the rows.")


def numbered(values: pd.Series, name: str) -> np.ndarray:
    """Months counted from year 0."""
    values = _check.dates(values, name)
    return (values.dt.year * 12 + values.dt.month).to_numpy(np.int64)


def in_order(states: pd.Series, name: str) -> list:
    """The states that occur, in the order of their category, of the four stages, or of the alphabet."""
    if states.isna().any():
        raise ValueError(f"{name} has {int(states.isna().sum())} missing value(s). Drop those rows first.")
    seen = set(states.unique())
    refuse_lookalikes(seen)
    if isinstance(states.dtype, pd.CategoricalDtype):
        return [s for s in states.cat.categories if s in seen]
    if not all(isinstance(s, str) for s in seen):
        raise TypeError(f"{name} must hold the names of states, found dtype {states.dtype}.")
    if seen <= {*STAGES, LOST}:
        return [s for s in (*STAGES, LOST) if s in seen]
    return sorted(seen)


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel sorted by account and month; rows in state "lost" have become dates of loss."""

    row: np.ndarray  # position of each row in the data
    entity: np.ndarray  # 0, 1, …
    month: np.ndarray
    state: np.ndarray  # number in `states`
    states: list
    lost: np.ndarray  # by entity: month of loss, or NEVER within the data
    end: int  # last month of the data; a later loss does not count, as later stays do not

    @classmethod
    def make(cls, data: object, entity: str, state: str, time: str, lost: str | None) -> Panel:
        """Check the data and sort them."""
        data = _check.frame(data, [entity, state, time] + [lost] * (lost is not None))
        refuse_missing(data, entity)
        months = numbered(data[time], time)
        order = in_order(data[state], state)
        codes, ids = pd.factorize(data[entity], sort=True)

        def refuse(bad: np.ndarray, text: str) -> None:
            if bad.any():
                first = data.iloc[int(bad.argmax())]
                where = f"{entity} {first[entity]} in {first[time]:%Y-%m} ({int(bad.sum())} such row(s))"
                raise ValueError(text.format(where))

        twice = pd.DataFrame({"e": codes, "m": months}).duplicated().to_numpy()
        refuse(twice, "data has more than one row for {}. Keep one row for each month.")
        gone = data[state].eq(LOST).to_numpy(bool)
        when = np.full(len(ids), NEVER)
        if lost is not None:
            known = data[lost].notna().to_numpy()
            date = np.full(len(data), NEVER)
            date[known] = numbered(data[lost][known], lost)
            np.minimum.at(when, codes, date)
            refuse(date != when[codes], f"{lost} differs between rows of the same account, as for {{}}.")
        np.minimum.at(when, codes[gone], months[gone])
        late = (months >= when[codes]) & ~(gone & (months == when[codes]))
        refuse(late, "dates out of order: data has a row for {}, when the account was lost already.")
        states = [s for s in order if s != LOST]
        if not states:
            raise ValueError(f"{state} is {LOST!r} in every row: there is no move to look at.")
        rows = pd.DataFrame({"entity": codes, "month": months})[~gone].sort_values(["entity", "month"])
        keep = rows.index.to_numpy()
        number = pd.Index(states).get_indexer(data[state].iloc[keep].astype(object))
        end = int(months.max())
        when = np.where(when > end, NEVER, when)
        return cls(keep, codes[keep], months[keep], number, states, when, end)

    @property
    def until(self) -> str:
        """The last month."""
        return f"{(self.end - 1) // 12}-{(self.end - 1) % 12 + 1:02}"

    def moves(self, step: int, with_lost: bool) -> pd.DataFrame:
        """Count where months lead `step` months later; a target month that is not in the data is no move."""
        rows = pd.DataFrame({"entity": self.entity, "month": self.month, "state": self.state})
        later = rows.assign(month=rows["month"] - step)
        to = rows.merge(later, how="left", on=["entity", "month"])["state_y"]
        target = self.month + step
        gone = (self.lost[self.entity] <= target) & (target <= self.end)
        to = to.mask(gone, len(self.states))
        names = pd.Index([*self.states, LOST], name="to")
        counts = pd.crosstab(rows["state"], to)
        table = counts.reindex(index=range(len(self.states)), columns=range(len(names)), fill_value=0)
        table = table.set_axis(pd.Index(self.states, name="from")).set_axis(names, axis=1)
        return table if with_lost or table[LOST].any() else table[self.states]

    def only(self, chosen: np.ndarray) -> Panel:
        """Return the panel of some accounts (True or False by entity), which ends in the same month."""
        keep = chosen[self.entity]
        seen = np.unique(self.state[keep])
        return replace(
            self,
            row=self.row[keep],
            entity=(np.cumsum(chosen) - 1)[self.entity[keep]],
            month=self.month[keep],
            state=np.searchsorted(seen, self.state[keep]),
            states=[self.states[i] for i in seen],
            lost=self.lost[chosen],
        )

    def wide(self) -> np.ndarray:
        """Return states by account (rows) and month: -1 where not seen, len(states) from the loss on."""
        first = self.month.min()
        table = np.full((len(self.lost), self.end - first + 1), -1)
        table[self.entity, self.month - first] = self.state
        months = first + np.arange(table.shape[1])
        table[months >= self.lost[:, None]] = len(self.states)
        return table


def square(table: np.ndarray | pd.DataFrame, states: list) -> pd.DataFrame:
    """Label a matrix; add the row of the absorbing state if it has one column more than rows."""
    table = np.asarray(table, float)
    if table.shape[1] > table.shape[0]:
        table = np.vstack([table, np.eye(table.shape[1])[-1]])
    return pd.DataFrame(table, pd.Index(states, name="from"), pd.Index(states, name="to"))
