"""Working days in England: what is due by when, and how late it is.

A working day is a day from Monday to Friday that is no bank holiday of England and no day on which the department is
closed. Days are those of Europe/London, whatever zone a moment is in.

The day on which something happens is never counted, at whatever hour it happens: a sample that comes on Friday
evening with two working days to go is due when Tuesday ends. Counting from the next morning instead would be the
later reading; a reminder that comes early does less harm. (Judgement, for a department to confirm.)
"""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trocar.clinical.bank_holidays import bank_holiday

LONDON = ZoneInfo("Europe/London")

CLOSING = time(17, 0)
"""When a working day ends (both leaflets: Monday to Friday, 9am to 5pm; status R)."""


def is_working_day(day: date, closed: Container[date] = ()) -> bool:
    """Whether the department works on ``day``; ``closed`` holds days on which it does not, beside bank holidays."""
    return day.weekday() < 5 and bank_holiday(day, "england") is None and day not in closed


def day_in_london(moment: datetime) -> date:
    """The calendar day in Europe/London. ValueError where the moment has no time zone."""
    return _aware(moment).astimezone(LONDON).date()


def working_day_after(day: date, working_days: int, closed: Container[date] = ()) -> date:
    """The working day that is ``working_days`` (0 or more) after ``day``.

    ``day`` itself is not counted; 0 gives ``day``, or the next working day where it is none.
    """
    if working_days < 0:
        raise ValueError("the number of working days must not be negative")
    found = day
    left = working_days
    while left or not is_working_day(found, closed):
        found += timedelta(days=1)
        if left and is_working_day(found, closed):
            left -= 1
    return found


def due_after(moment: datetime, working_days: int, closed: Container[date] = ()) -> datetime:
    """When something that began at ``moment`` is due: the end (17:00 in London) of the working day so many on."""
    day = working_day_after(day_in_london(moment), working_days, closed)
    return datetime.combine(day, CLOSING, LONDON)


def working_days_between(first: date, last: date, closed: Container[date] = ()) -> int:
    """How many working days lie after ``first`` up to and with ``last``; 0 where ``last`` is not later."""
    days = (last - first).days
    return sum(is_working_day(first + timedelta(days=n), closed) for n in range(1, days + 1))


def hours_after(moment: datetime, hours: float) -> datetime:
    """``hours`` of elapsed time later, in London's time; the nights when clocks change have 23 or 25 hours."""
    later = _aware(moment).astimezone(UTC) + timedelta(hours=hours)
    return later.astimezone(LONDON)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment
