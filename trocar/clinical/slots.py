"""Slots in rooms: what may be booked, in which order, and whether the patient can leave before closing time.

Every moment is aware; a slot's length counts in real minutes, also in the night when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from trocar.clinical.opening_hours import LONDON, OpeningHours, Period, at_wall_clock, read_opening_hours
from trocar.clinical.protocol import Guidance
from trocar.clinical.section import Section

GRAIN_MINUTES = 5
"""Slots begin and end on full five minutes, so that two of them either share a piece of time or do not."""

LONGEST_SLOT_MINUTES = 480

GUIDANCE_IN_WORDS: Mapping[Guidance, str] = {"ct": "CT", "ultrasound": "ultrasound", "fluoroscopy": "X-ray"}


@dataclass(frozen=True)
class Room:
    """A room in which needles are placed, with the guidance it has. slot_minutes: the length first offered."""

    name: str
    modalities: tuple[Guidance, ...]
    slot_minutes: int

    def __post_init__(self) -> None:
        if not self.modalities:
            raise ValueError("a room needs at least one modality")
        if self.slot_minutes % GRAIN_MINUTES:
            raise ValueError(f"slot_minutes must be a multiple of {GRAIN_MINUTES}")


@dataclass(frozen=True)
class Scheduling:
    """When and where a department works. closing_time: minutes after midnight by which the last patient has left."""

    hours: OpeningHours
    closing_time: int
    rooms: tuple[Room, ...]

    def __post_init__(self) -> None:
        latest = max((p.closes for periods in self.hours.week.values() for p in periods), default=0)
        if self.closing_time < latest:
            raise ValueError("closing_time is before the rooms close; the last patient leaves after them")

    def room(self, name: str) -> Room | None:
        """The room of that name; None where there is none."""
        return next((room for room in self.rooms if room.name == name), None)

    def closes(self, at: datetime) -> datetime:
        """When the department closes on the London day of ``at``."""
        return at_wall_clock(at.astimezone(LONDON).date(), self.closing_time, later=True)


@dataclass(frozen=True)
class Slot:
    """A time in a room. start: aware, on full five minutes; minutes: real minutes that the room is taken.

    Raises ValueError for a start without time zone, off the grid, and for lengths that are no slot.
    """

    room: str
    start: datetime
    minutes: int

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("a slot's start needs a time zone")
        if self.start.minute % GRAIN_MINUTES or self.start.second or self.start.microsecond:
            raise ValueError(f"a slot begins on full {GRAIN_MINUTES} minutes")
        if self.minutes % GRAIN_MINUTES or not GRAIN_MINUTES <= self.minutes <= LONGEST_SLOT_MINUTES:
            raise ValueError(
                f"a slot lasts {GRAIN_MINUTES} to {LONGEST_SLOT_MINUTES} minutes, in steps of {GRAIN_MINUTES}"
            )

    @property
    def end(self) -> datetime:
        """When the room is free again, in London time."""
        return (self.start.astimezone(UTC) + timedelta(minutes=self.minutes)).astimezone(LONDON)

    def overlaps(self, other: Slot) -> bool:
        """Whether both need the room at the same time; a slot that begins when the other ends does not."""
        return self.room == other.room and self.begun < other.ended and other.begun < self.ended

    def ticks(self) -> tuple[int, ...]:
        """The pieces of five minutes that the slot takes, counted from 1970 in UTC: no two slots may share one."""
        first = int(self.start.timestamp()) // (GRAIN_MINUTES * 60)
        return tuple(range(first, first + self.minutes // GRAIN_MINUTES))

    @property
    def begun(self) -> datetime:
        """The start in UTC: Python compares two London times by the wall clock, which is wrong twice a year."""
        return self.start.astimezone(UTC)

    @property
    def ended(self) -> datetime:
        """The end in UTC."""
        return self.begun + timedelta(minutes=self.minutes)


def clashes(slot: Slot, taken: Iterable[Slot]) -> tuple[Slot, ...]:
    """Those of ``taken`` that need the room at the same time, in the order of their start."""
    return tuple(sorted((other for other in taken if slot.overlaps(other)), key=lambda other: other.begun))


def refusals(
    slot: Slot,
    guidance: Guidance,
    scheduling: Scheduling | None,
    taken: Iterable[Slot],
    now: datetime,
    *,
    emergency: bool = False,
    afterwards: bool = False,
) -> tuple[str, ...]:
    """Why a slot cannot be booked, a sentence each; empty where it can.

    emergency: the opening hours do not bind. afterwards: it is entered from paper, so the slot may have passed.
    """
    if scheduling is None:
        return ("The department file says nothing about rooms and hours: scheduling is not configured.",)
    room = scheduling.room(slot.room)
    if room is None:
        return (f"The department file knows no room “{slot.room}”.",)
    found = []
    if guidance not in room.modalities:
        found.append(f"{room.name} has no {GUIDANCE_IN_WORDS[guidance]}.")
    if slot.begun <= now.astimezone(UTC) and not afterwards:
        found.append("The slot lies in the past.")
    closed = None if emergency else _closed(slot, scheduling.hours)
    if closed:
        found.append(closed)
    found += [
        f"{room.name} is taken from {spoken_time(other.start)} to {spoken_time(other.end)}."
        for other in clashes(slot, taken)
    ]
    return tuple(found)


def _closed(slot: Slot, hours: OpeningHours) -> str | None:
    """What to say of a slot outside the opening hours."""
    day = slot.start.astimezone(LONDON).date()
    why = hours.closed_why(day)
    if why:
        return f"The department is closed on {spoken_day(slot.start)}: {why}."
    if hours.covers(slot.begun, slot.ended):
        return None
    return (
        f"{spoken_time(slot.start)} to {spoken_time(slot.end)} is outside the opening hours: "
        f"{hours.day_in_words(day)} on {spoken_day(slot.start)}."
    )


def expected_leaving(slot: Slot, minimum_stay: timedelta) -> datetime:
    """When the patient can leave at the earliest, in London time.

    T0, the last needle out, is expected at the end of the slot: that is late, so the answer errs on the safe side.
    """
    return (slot.ended + minimum_stay).astimezone(LONDON)


def closing_warning(
    slot: Slot, minimum_stay: timedelta | None, scheduling: Scheduling, bed_booked: bool
) -> str | None:
    """What to say where the stay runs past closing time and no bed is booked; None where it does not.

    minimum_stay: from the protocol; None where the department did not approve it, which is said, not passed over.
    """
    if bed_booked:
        return None
    if minimum_stay is None:
        return "The minimum stay is not configured, so a bed may be needed: not assessed."
    leaving, closing = expected_leaving(slot, minimum_stay), scheduling.closes(slot.start)
    if leaving.astimezone(UTC) <= closing.astimezone(UTC):
        return None
    return (
        f"The patient can leave at {spoken_time(leaving)} at the earliest, the department closes at "
        f"{spoken_time(closing)}, and no bed is booked: book a bed or an earlier slot."
    )


def latest_start(
    day_of: datetime, minutes: int, minimum_stay: timedelta, scheduling: Scheduling
) -> datetime | None:
    """The latest start on that day after which no bed is needed, on full five minutes; None where there is none."""
    last = scheduling.closes(day_of).astimezone(UTC) - minimum_stay - timedelta(minutes=minutes)
    start = (last - timedelta(minutes=last.minute % GRAIN_MINUTES)).astimezone(LONDON)
    return start if start.date() == day_of.astimezone(LONDON).date() else None


def free_starts(
    room: Room, day: datetime, minutes: int, scheduling: Scheduling, taken: Iterable[Slot], now: datetime
) -> tuple[datetime, ...]:
    """Starts at which a slot of ``minutes`` fits: when the room opens, and right after each slot, a slot apart."""
    taken = tuple(other for other in taken if other.room == room.name)
    found = []
    for opens, closes in scheduling.hours.periods(day.astimezone(LONDON).date()):
        start, last = opens.astimezone(UTC), closes.astimezone(UTC)
        while start + timedelta(minutes=minutes) <= last:
            in_the_way = clashes(Slot(room.name, start, minutes), taken)
            if in_the_way:
                start = in_the_way[-1].ended
                continue
            if start > now.astimezone(UTC):
                found.append(start.astimezone(LONDON))
            start += timedelta(minutes=minutes)
    return tuple(found)


def in_order(slots: Sequence[Slot], order: Sequence[int]) -> tuple[Slot, ...]:
    """The slots of one room laid out in another order: ``order`` holds their present places.

    The list begins when it began, lengths stay, and the free time between two places stays where it is. The answer
    has the order of ``slots``. Raises ValueError where ``order`` is no order of them, or rooms differ.
    """
    if sorted(order) != list(range(len(slots))):
        raise ValueError("the order must name each place once")
    if len({slot.room for slot in slots}) > 1:
        raise ValueError("only slots of one room have an order")
    now_sorted = sorted(slots, key=lambda slot: slot.begun)
    pauses = [b.begun - a.ended for a, b in pairwise(now_sorted)]
    found: dict[int, Slot] = {}
    start = now_sorted[0].begun if now_sorted else None
    for place, index in enumerate(order):
        assert start is not None
        found[index] = Slot(slots[index].room, start.astimezone(LONDON), slots[index].minutes)
        start = found[index].ended + (pauses[place] if place < len(pauses) else timedelta(0))
    return tuple(found[index] for index in range(len(slots)))


def advised_order(stays: Sequence[timedelta | None]) -> tuple[int, ...]:
    """The order in which the fewest patients need a bed: the longest minimum stay first, equals as they are.

    A stay that is not configured counts as the longest: what is missing fails closed.
    """
    return tuple(sorted(range(len(stays)), key=lambda n: -_seconds(stays[n])))


def _seconds(stay: timedelta | None) -> float:
    return float("inf") if stay is None else stay.total_seconds()


def spoken_time(moment: datetime) -> str:
    """A moment's time in London: ``09:30``."""
    return f"{moment.astimezone(LONDON):%H:%M}"


def spoken_day(moment: datetime) -> str:
    """A moment's day in London: ``Tuesday 1 December 2026``."""
    local = moment.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y}"


def read_scheduling(top: Section) -> Scheduling | None:
    """The section ``scheduling`` of a department file; None where it is left out or wrong."""
    section = top.section("scheduling", optional=True)
    if section is None:
        return None
    hours = section.section("opening_hours")
    return section.make(
        Scheduling,
        hours=None if hours is None else read_opening_hours(hours),
        closing_time=_closing_time(section),
        rooms=tuple(_room(entry) for entry in section.sections("rooms")),
    )


def _closing_time(section: Section) -> int | None:
    text = section.text("closing_time")
    if not text:
        return None
    try:
        return Period.of(f"00:00-{text}").closes
    except ValueError:
        section.wrong("closing_time", f"must be a time such as 18:00, not {text!r}")
        return None


def _room(section: Section) -> Room | None:
    return section.make(
        Room,
        name=section.text("name"),
        modalities=section.texts("modalities", GUIDANCE_IN_WORDS),
        slot_minutes=section.whole("slot_minutes", GRAIN_MINUTES, LONGEST_SLOT_MINUTES),
    )
