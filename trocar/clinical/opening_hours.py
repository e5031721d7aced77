"""When something is open: a week of hours on the wall clock of Europe/London, bank holidays, days closed besides.

Moments are aware. Hours are wall-clock time, so a day on which the clocks change is an hour shorter or longer in
between. Source of the pattern: "Monday to Friday, 9am to 5pm" (clinical reference, rows 66 and 70).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

from trocar.clinical.bank_holidays import Nation, bank_holiday
from trocar.clinical.section import Section

LONDON = ZoneInfo("Europe/London")

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_PERIOD = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

_LONGEST_SEARCH_DAYS = 400
"""What does not open within this many days is as good as closed for ever."""


@dataclass(frozen=True, order=True)
class Period:
    """A piece of a day on the wall clock. opens, closes: minutes after midnight; closes may be 1440."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= 24 * 60:
            raise ValueError("hours must close later on the same day than they open")

    @classmethod
    def of(cls, text: str) -> Period:
        """The period written as ``09:00-17:00``; ValueError where it is written otherwise."""
        found = _PERIOD.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no period; write it like 09:00-17:00, up to 24:00")
        hour, minute, last_hour, last_minute = map(int, found.groups())
        return cls(hour * 60 + minute, last_hour * 60 + last_minute)

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Opening and closing on one day. A closing that exists twice (clocks go back) is the later one."""
        return at_wall_clock(day, self.opens), at_wall_clock(day, self.closes, later=True)

    def __str__(self) -> str:
        return f"{clock(self.opens)} to {clock(self.closes)}"


def at_wall_clock(day: date, minutes: int, later: bool = False) -> datetime:
    """The moment when the clocks show ``minutes`` after midnight of ``day``, in London time.

    later: which of two, in the night when the clocks go back. A time that the clocks skip is the moment one hour
    after the same time by the clock before the change.
    """
    whole_days, minutes = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=whole_days), time(*divmod(minutes, 60)), LONDON)
    # Through UTC, so that a time which the clocks skip becomes one that they show.
    return wall.replace(fold=1 if later and not skipped(wall) else 0).astimezone(UTC).astimezone(LONDON)


def skipped(wall: datetime) -> bool:
    """Whether the clocks never show this London time: the hour lost in the night when they go forward."""
    there_and_back = wall.replace(fold=0).astimezone(UTC).astimezone(LONDON)
    return there_and_back.replace(tzinfo=None) != wall.replace(tzinfo=None)


def repeated(wall: datetime) -> bool:
    """Whether the clocks show this London time twice: the hour gained in the night when they go back."""
    return not skipped(wall) and wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


def clock(minutes: int) -> str:
    """Minutes after midnight on a 24-hour clock: ``09:30``."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@dataclass(frozen=True)
class OpeningHours:
    """A week of hours.

    week: weekday (0 Monday) -> periods in order, without overlap; a weekday that is left out is closed.
    nation: whose bank holidays are closed; None: open on bank holidays. closed_days: day -> why.
    """

    week: Mapping[int, tuple[Period, ...]]
    nation: Nation | None
    closed_days: Mapping[date, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for weekday, periods in self.week.items():
            if not 0 <= weekday <= 6:
                raise ValueError("weekdays count from 0, Monday, to 6, Sunday")
            if any(first.closes > second.opens for first, second in pairwise(periods)):
                raise ValueError(f"the hours of {WEEKDAYS[weekday]} overlap or are not in order")

    def closed_why(self, day: date) -> str | None:
        """Why nothing is open on a day; None where something is."""
        if day in self.closed_days:
            return self.closed_days[day]
        holiday = None if self.nation is None else bank_holiday(day, self.nation)
        if holiday:
            return f"bank holiday, {holiday}"
        return None if self.week.get(day.weekday()) else f"closed on {WEEKDAYS[day.weekday()].title()}s"

    def periods(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """Opening and closing moments of a day; none where it is closed."""
        if self.closed_why(day) is not None:
            return ()
        return tuple(period.on(day) for period in self.week[day.weekday()])

    def is_open(self, at: datetime) -> bool:
        """Whether it is open at a moment; at the minute of closing it is not."""
        return any(opens <= at < closes for opens, closes in self.periods(at.astimezone(LONDON).date()))

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether it is open all the time from ``start`` to ``end``, over midnight too where hours meet there."""
        reached = start
        while reached < end:
            around = self.periods(reached.astimezone(LONDON).date())
            closing = next((closes for opens, closes in around if opens <= reached < closes), None)
            if closing is None:
                return False
            reached = closing
        return True

    def next_opening(self, after: datetime) -> datetime | None:
        """The first opening later than ``after``; None where it does not open within 400 days."""
        return next((opens for opens, _ in self._from(after) if opens > after), None)

    def _from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        first = moment.astimezone(LONDON).date()
        for days in range(_LONGEST_SEARCH_DAYS):
            yield from self.periods(first + timedelta(days=days))

    def day_in_words(self, day: date) -> str:
        """The hours of a day as words: ``09:00 to 12:30 and 13:30 to 17:00``, or why it is closed."""
        closed = self.closed_why(day)
        return closed or " and ".join(str(period) for period in self.week[day.weekday()])


def read_opening_hours(section: Section) -> OpeningHours | None:
    """The hours in a map of weekdays, ``bank_holidays`` and ``closed_days``; None, and the mistakes noted, if wrong.

    bank_holidays names the nation whose bank holidays are closed, or is ``open``.
    """
    week = {}
    for weekday, name in enumerate(WEEKDAYS):
        if name in section:
            week[weekday] = _periods(section, name)
    nation = section.choice("bank_holidays", (*get_args(Nation), "open"))
    closed_days = {}
    for entry in section.sections("closed_days", by="day", optional=True):
        day, why = entry.day("day"), entry.text("why")
        entry.make(dict)
        if day in closed_days:
            entry.wrong("day", "stands there twice")
        elif day:
            closed_days[day] = why
    if not week and section.sound:
        section.wrong("monday", "is missing, like every other day; give at least one day its hours")
    return section.make(
        OpeningHours, week=week, nation=None if nation == "open" else nation, closed_days=closed_days
    )


def _periods(section: Section, name: str) -> tuple[Period, ...]:
    found = []
    for text in section.texts(name):
        try:
            found.append(Period.of(text))
        except ValueError as error:
            section.wrong(name, str(error))
    return tuple(sorted(found))
