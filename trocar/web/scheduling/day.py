"""The day list: each room's slots in order, who is ready and why not, and whose the next action is.

Readiness comes from the summary that each case keeps, so a list of many asks the database no more than one of few.
A summary of another day shows no readiness: what it rests on (results, medicines) may have grown too old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from trocar.clinical.opening_hours import at_wall_clock
from trocar.clinical.stages import MOVES, Stage
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission
from trocar.web.cases import clock, registry
from trocar.web.cases.models import Case
from trocar.web.scheduling.models import Booking, Room, ToTell
from trocar.web.scheduling.rooms import scheduling

Readiness = Literal["ready", "not ready", "not assessed", "under way", "over"]

ASKED_FOR = tuple(
    dict.fromkeys(
        need.fact.split(".")[0]
        for name in ("accept", "book", "sign_in", "time_out")
        for need in MOVES[name].needs
        if not need.fact.startswith("checklist.")
    )
)
"""Sections whose facts the table of stages asks for before the needle, besides the checklist itself."""

_WAITING = (Stage.ACCEPTED, Stage.BOOKED, Stage.ARRIVED)
_UNDER_WAY = (Stage.SIGNED_IN, Stage.TIMED_OUT, Stage.NEEDLE_OUT, Stage.SIGNED_OUT)


@dataclass(frozen=True)
class Line:
    """One case on the list. still: what keeps it from being ready. to_tell: how many people must still be told."""

    booking: Booking
    case: Case
    place: int
    procedure: str
    readiness: Readiness
    still: tuple[str, ...]
    next_text: str
    next_role: str
    yours: bool
    to_tell: int
    last: bool

    @property
    def start(self) -> datetime:
        return timezone.localtime(self.booking.start)

    @property
    def end(self) -> datetime:
        return timezone.localtime(self.booking.end)


@dataclass(frozen=True)
class RoomList:
    """A room and its cases in order."""

    room: Room
    lines: tuple[Line, ...]


def readiness(case: Case) -> tuple[Readiness, tuple[str, ...]]:
    """Whether a case may go ahead as far as its summary knows, and what is against it."""
    stage = case.at_stage
    if stage in _UNDER_WAY:
        return "under way", ()
    if stage not in _WAITING:
        return "over", ()
    made = case.summary.get("at")
    if not made or timezone.localtime(datetime.fromisoformat(made)).date() != clock.today():
        return "not assessed", ("Not assessed today: assess the list again, or open the case.",)
    known = case.summary.get("sections", {})
    still: list[str] = []
    for key in before_the_needle():
        section = known.get(key)
        if section is None:
            still.append(f"{key.capitalize()}: not assessed.")
        elif section["status"] not in ("done", "not needed"):
            still += section["problems"] or [
                section["summary"] or f"{key.capitalize()}: {section['status']}."
            ]
    return ("not ready" if still else "ready"), tuple(still)


def before_the_needle() -> tuple[str, ...]:
    """Sections that must be done before the needle: those in front of the checklist, and those the table asks for."""
    listed = [section.key for section in registry.sections()]
    in_front = listed[: listed.index("checklist")] if "checklist" in listed else []
    return (*in_front, *(key for key in ASKED_FOR if key not in in_front))


def bounds(day: date, days: int = 1) -> tuple[datetime, datetime]:
    """The first moment of a day in London, and the first after it (or after so many days)."""
    return at_wall_clock(day, 0), at_wall_clock(day + timedelta(days=days), 0)


def bookings_for(person: Person, day: date, days: int = 1) -> QuerySet[Booking]:
    """The bookings of one day or several that the person's role shows, in the order of the list."""
    first, after = bounds(day, days)
    found = Booking.objects.filter(status=Booking.Status.HOLDS, start__gte=first, start__lt=after)
    if not person.may(Permission.SEE_CASES):
        found = (
            found.filter(case__referrer=person) if person.may(Permission.SEE_OWN_REFERRALS) else found.none()
        )
    return found.select_related("case__patient", "room").order_by("room__place", "room__name", "start", "pk")


def day_list(person: Person, day: date) -> tuple[RoomList, ...]:
    """Every room in use, or with something on it, with its cases."""
    bookings = list(bookings_for(person, day))
    telling = dict(
        ToTell.objects.filter(outcome=ToTell.Outcome.OPEN, case__in=[b.case_id for b in bookings])
        .values_list("case")
        .annotate(Count("pk"))
    )
    by_room: dict[int, list[Booking]] = {}
    for booking in bookings:
        by_room.setdefault(booking.room_id, []).append(booking)
    rooms = Room.objects.filter(Q(in_use=True) | Q(pk__in=by_room))
    return tuple(RoomList(room, _lines(person, by_room.get(room.pk, []), telling)) for room in rooms)


def _lines(person: Person, bookings: Sequence[Booking], telling: Mapping[int, int]) -> tuple[Line, ...]:
    found = []
    titles: dict[str, str] = {}  # a protocol is looked up in its file
    for place, booking in enumerate(bookings, start=1):
        case = booking.case
        if case.protocol_name not in titles:
            titles[case.protocol_name] = case.protocol.title
        state, still = readiness(case)
        action = case.next_action
        role = ROLES.get(action.get("role", ""))
        found.append(
            Line(
                booking=booking,
                case=case,
                place=place,
                procedure=titles[case.protocol_name],
                readiness=state,
                still=still,
                next_text=action.get("text", ""),
                next_role=role.title if role else "",
                yours=role is not None and role.key == person.role,
                to_tell=telling.get(case.pk, 0),
                last=place == len(bookings),
            )
        )
    return tuple(found)


def closed_why(day: date) -> str | None:
    """Why the department is closed on a day; None where it is open, or nobody configured its hours."""
    known = scheduling()
    return known.hours.closed_why(day) if known else "scheduling is not configured in the department file"


@dataclass(frozen=True)
class DayOfWeek:
    """One day of the week overview: (room, cases, minutes booked) for each room, and why it is closed."""

    day: date
    closed: str | None
    rooms: tuple[tuple[Room, int, int], ...]

    @property
    def cases(self) -> int:
        return sum(count for _, count, _ in self.rooms)


def week(person: Person, monday: date) -> tuple[DayOfWeek, ...]:
    """Seven days from ``monday``: how full each room is."""
    rooms = list(Room.objects.filter(in_use=True))
    counted: dict[tuple[date, int], list[int]] = {}
    for room_id, start, end in bookings_for(person, monday, 7).values_list("room_id", "start", "end"):
        cell = counted.setdefault((timezone.localtime(start).date(), room_id), [0, 0])
        cell[0] += 1
        cell[1] += round((end - start).total_seconds() / 60)
    return tuple(
        DayOfWeek(
            day,
            closed_why(day),
            tuple((room, *counted.get((day, room.pk), (0, 0))) for room in rooms),
        )
        for day in (monday + timedelta(days=n) for n in range(7))
    )


def to_tell() -> QuerySet[ToTell]:
    """Everybody who must still be told, the longest waiting first."""
    return (
        ToTell.objects.filter(outcome=ToTell.Outcome.OPEN)
        .select_related("case__patient", "changed_by")
        .order_by("since", "pk")
    )
