"""The list of a day for papers."""

from __future__ import annotations

from datetime import date

from trocar.web.accounts.models import Person
from trocar.web.cases.registry import DayLine
from trocar.web.scheduling.day import day_list


def lines(person: Person, day: date) -> tuple[DayLine, ...]:
    """Every case of the day, room by room in the order of the list."""
    return tuple(
        DayLine(line.case, line.start, line.end, room.room.name, line.still)
        for room in day_list(person, day)
        for line in room.lines
    )
