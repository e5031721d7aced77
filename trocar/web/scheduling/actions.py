"""Booking, moving and giving up slots and beds, with what follows from each. All inside one ``change`` of the case."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from trocar.clinical.moved_slot import Arrangements, consequences
from trocar.clinical.protocol import Guidance
from trocar.clinical.slots import LONGEST_SLOT_MINUTES, Slot, refusals
from trocar.clinical.stages import ENDED, Move, Stage
from trocar.web.cases import clock, registry
from trocar.web.cases.change import Change, MoveRefused
from trocar.web.cases.models import Case
from trocar.web.scheduling.models import BedBooking, Booking, Room, TakenTime, ToTell
from trocar.web.scheduling.rooms import scheduling

MAY_HAVE_A_SLOT = (Stage.ACCEPTED, Stage.BOOKED, Stage.ARRIVED)
"""Stages at which a slot is given or moved; later the patient is in the room."""


def holding(case: Case) -> Booking | None:
    """The case's slot, if it has one."""
    return Booking.objects.filter(case=case, status=Booking.Status.HOLDS).select_related("room").first()


def bed_of(case: Case) -> BedBooking | None:
    """The bed that a ward keeps for the patient, if there is one."""
    return BedBooking.objects.filter(case=case, holds=True).select_related("changed_by").first()


def bed_fits(bed: BedBooking | None, slot: Slot) -> bool:
    """Whether the bed is for the night after this slot; one for another night is as good as none."""
    return bed is not None and bed.holds and bed.first_night == timezone.localtime(slot.start).date()


def give_slot(
    ch: Change, slot: Slot, guidance: Guidance, seen_version: int, *, afterwards: bool = False
) -> Booking:
    """Book the slot, or move the case into it. Raises MoveRefused with every reason against it.

    seen_version: of the booking that the person saw, 0 for none. The room stays locked until the change is written,
    and the database refuses what is taken even where this check would not.
    """
    case = ch.case
    if case.at_stage not in MAY_HAVE_A_SLOT:
        raise MoveRefused((f"A slot is not given or moved at “{case.stage_title}”.",))
    booking = holding(case)
    room = _locked_room(slot.room, booking)
    others = [b.slot for b in overlapping(room, slot) if b.case_id != case.pk] if room else []
    reasons = refusals(
        slot,
        guidance,
        scheduling(),
        others,
        clock.now(),
        emergency=case.urgency == "emergency",
        afterwards=afterwards,
    )
    if guidance not in case.protocol.guidance:
        reasons = (f"{case.protocol.title} is not done under {guidance}.", *reasons)
    if reasons or room is None:
        raise MoveRefused(reasons)
    before = booking.slot if booking else None
    arrangements = _arrangements(case, booking)
    values = {"room": room, "start": slot.start, "end": slot.end, "guidance": guidance}
    booking = ch.save(booking or Booking(), values, seen_version)
    take_time(booking)
    tell(ch, before, slot, arrangements)
    if case.at_stage is Stage.ACCEPTED:
        ch.move("book")
    return booking


def take_time(*bookings: Booking) -> None:
    """Let each booking hold exactly its time. Raises MoveRefused where the database says that it is taken."""
    TakenTime.objects.filter(booking__in=bookings).delete()
    rows = [
        TakenTime(room_id=booking.room_id, tick=tick, booking=booking)
        for booking in bookings
        for tick in booking.slot.ticks()
    ]
    try:
        with transaction.atomic():
            TakenTime.objects.bulk_create(sorted(rows, key=lambda row: (row.room_id, row.tick)))
    except IntegrityError:
        raise MoveRefused(("Somebody else has just taken this time; choose another slot.",)) from None


def _locked_room(name: str, booking: Booking | None) -> Room | None:
    """The room, locked together with the one that is left; in one order, so that nobody waits in a circle."""
    left = Room.objects.filter(pk=booking.room_id) if booking else Room.objects.none()
    ids = {*left.values_list("pk", flat=True), *Room.objects.filter(name=name).values_list("pk", flat=True)}
    locked = list(Room.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    return next((room for room in locked if room.name == name), None)


def overlapping(room: Room, slot: Slot) -> list[Booking]:
    """Bookings of the room that hold any of the slot's time."""
    return list(
        Booking.objects.filter(
            room=room,
            status=Booking.Status.HOLDS,
            start__lt=slot.end,
            start__gt=slot.start - timedelta(minutes=LONGEST_SLOT_MINUTES),
            end__gt=slot.start,
        ).select_related("room")
    )


def give_up_slot(ch: Change, status: Booking.Status) -> None:
    """Free the room and the bed, and list whom to tell. Nothing where the case has no slot."""
    booking = holding(ch.case)
    if booking is None:
        return
    before, arrangements = booking.slot, _arrangements(ch.case, booking)
    TakenTime.objects.filter(booking=booking).delete()
    ch.save(booking, {"status": status})
    bed = bed_of(ch.case)
    if bed is not None:
        ch.save(bed, {"holds": False})
    tell(ch, before, None, arrangements)


def after_move(ch: Change, move: Move) -> None:
    """Called after each stage move: a case that will not come to the room, or not now, frees its slot."""
    if move.name == "postpone":
        give_up_slot(ch, Booking.Status.POSTPONED)
    elif move.to in ENDED and move.to is not Stage.CLOSED:
        give_up_slot(ch, Booking.Status.CANCELLED)


def _arrangements(case: Case, booking: Booking | None) -> Arrangements:
    known = registry.facts(case)
    return Arrangements(
        plan_signed=bool(known.get("vetting.plan_signed")),
        ward=bed_of(case) is not None,
        transport=booking is not None and booking.transport,
        interpreter=booking is not None and booking.interpreter,
    )


def tell(ch: Change, before: Slot | None, after: Slot | None, arrangements: Arrangements) -> None:
    """Put on the list whom to tell; what was still to be told of an earlier change to the same people is overtaken."""
    found = consequences(before, after, arrangements)
    if not found.tell:
        return
    whom = [one.whom for one in found.tell]
    for earlier in open_tasks(ch.case).filter(whom__in=whom):
        ch.save(earlier, {"outcome": ToTell.Outcome.OVERTAKEN})
    for one in found.tell:
        ch.save(ToTell(since=ch.now), {"whom": one.whom, "sentence": one.sentence})


def open_tasks(case: Case) -> Any:
    """Those who must still be told about a case, the longest waiting first."""
    return ToTell.objects.filter(case=case, outcome=ToTell.Outcome.OPEN).order_by("since", "pk")


def record_told(ch: Change, task: ToTell, reached: bool, remark: str, seen_version: int) -> ToTell:
    """Write down that somebody was told, or that nobody could be reached; then the task stays open."""
    values: dict[str, Any] = {"remark": remark}
    if reached:
        values |= {"outcome": ToTell.Outcome.TOLD, "told_by": ch.by, "told_at": ch.happened_at}
    else:
        values["tries"] = task.tries + 1
    return ch.save(task, values, seen_version)


def lay_out(changes: Iterable[tuple[Change, Booking, Slot]]) -> None:
    """Give several bookings of one room their new times at once. Raises MoveRefused where one of them cannot be.

    Each change is of the booking's own case; the caller has opened them in the order of their cases.
    """
    listed = list(changes)
    room = _locked_room(listed[0][2].room, None)
    ours = {booking.pk for _, booking, _ in listed}
    reasons: list[str] = []
    for ch, booking, slot in listed:
        assert room is not None
        if ch.case.at_stage not in MAY_HAVE_A_SLOT:
            reasons.append(f"{ch.case.number}: a slot is not moved at “{ch.case.stage_title}”.")
            continue
        others = [b.slot for b in overlapping(room, slot) if b.pk not in ours]
        said = refusals(
            slot,
            booking.guidance,
            scheduling(),
            others,
            clock.now(),
            emergency=ch.case.urgency == "emergency",
        )
        reasons += [f"{ch.case.number}: {sentence}" for sentence in said]
    if reasons:
        raise MoveRefused(tuple(reasons))
    TakenTime.objects.filter(booking__in=ours).delete()
    saved = []
    for ch, booking, slot in listed:
        before, arrangements = booking.slot, _arrangements(ch.case, booking)
        saved.append(ch.save(booking, {"start": slot.start, "end": slot.end}, booking.version))
        tell(ch, before, slot, arrangements)
    take_time(*saved)
