"""What scheduling tells the other parts of a case: its slot, whether a bed is needed, and who has yet to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from trocar.clinical.moved_slot import TOLD_IN_WORDS
from trocar.clinical.slots import GUIDANCE_IN_WORDS, Slot, closing_warning, spoken_day, spoken_time
from trocar.clinical.stages import ENDED, Stage
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.department import effective_protocol
from trocar.web.cases.models import Case
from trocar.web.cases.registry import Entry, NextAction, Section, SectionState, once
from trocar.web.scheduling.actions import after_move, bed_fits, bed_of, holding, open_tasks
from trocar.web.scheduling.models import BedBooking, Booking, ToTell
from trocar.web.scheduling.rooms import scheduling

KEY = "scheduling"

_STAYS_IN_THE_ROOM = (Stage.BOOKED, Stage.ARRIVED, Stage.SIGNED_IN, Stage.TIMED_OUT)


def minimum_stay(case: Case) -> timedelta | None:
    """How long the patient stays after the last needle out; None where the department did not approve the figure."""
    hours = effective_protocol(case.protocol_name).figure("stay.minimum_h")
    return None if hours is None else timedelta(hours=hours)


def stay_warning(case: Case, slot: Slot, bed: BedBooking | None) -> str | None:
    """What to say where the stay runs past closing time without a bed for that night."""
    known = scheduling()
    if known is None:
        return "The department file says no closing time: whether a bed is needed is not assessed."
    said = closing_warning(slot, minimum_stay(case), known, bed_fits(bed, slot))
    if said and bed is not None:
        return f"{said} The bed is for the night of {bed.first_night:%d/%m/%Y}."
    return said


def slot_in_words(slot: Slot) -> str:
    """Day, time and room."""
    return f"{spoken_day(slot.start)}, {spoken_time(slot.start)} to {spoken_time(slot.end)}, {slot.room}"


def _state(case: Case) -> SectionState:
    if case.at_stage in ENDED:
        return SectionState("not needed", "No slot is needed any more.")
    tasks = [f"To tell: {TOLD_IN_WORDS[task.whom]}. {task.sentence}" for task in open_tasks(case)]
    ringing = NextAction("Tell whom the change concerns", "coordinator")
    booking = once(case, holding)
    if booking is None:
        if case.at_stage is Stage.ACCEPTED:
            return SectionState(
                "to do", "No slot is booked.", tuple(tasks), NextAction("Book a slot", "coordinator")
            )
        return SectionState("not started", "A slot is booked once the referral is accepted.", tuple(tasks))
    words = slot_in_words(booking.slot)
    problems = []
    if case.at_stage in _STAYS_IN_THE_ROOM:
        warning = stay_warning(case, booking.slot, once(case, bed_of))
        problems = [warning] if warning else []
    if tasks:
        return SectionState("to do", words, (*problems, *tasks), ringing)
    if problems:
        return SectionState(
            "to do", words, tuple(problems), NextAction("Book a bed or another slot", "coordinator")
        )
    return SectionState("done", words)


def _facts(case: Case) -> Mapping[str, Any]:
    booking = once(case, holding)
    if booking is None:
        return {
            "scheduling.slot": False,
            "scheduling.start": None,
            "scheduling.room": None,
            "scheduling.bed": False,
        }
    slot = booking.slot
    return {
        "scheduling.slot": True,
        "scheduling.start": slot.start,
        "scheduling.end": slot.end,
        "scheduling.room": slot.room,
        "scheduling.guidance": booking.guidance,
        "scheduling.bed": bed_fits(once(case, bed_of), slot),
        "scheduling.transport": booking.transport,
        "scheduling.interpreter": booking.interpreter,
    }


def _entries(case: Case) -> Sequence[Entry]:
    bookings = Booking.objects.filter(case=case).select_related("room", "changed_by").order_by("pk")
    found = [_booking_entry(booking) for booking in bookings]
    bed = BedBooking.objects.filter(case=case).select_related("changed_by").first()
    if bed is not None:
        rows = (
            ("Ward", bed.ward),
            ("Accepted by", bed.accepted_by),
            ("Night of", f"{bed.first_night:%d/%m/%Y}"),
            ("State", "kept for the patient" if bed.holds else "given up"),
        )
        found.append(Entry("Bed", rows, bed.changed_by.full_name, bed.changed_at))
    tasks = ToTell.objects.filter(case=case).select_related("told_by", "changed_by").order_by("pk")
    return [*found, *(_told_entry(task) for task in tasks)]


def _booking_entry(booking: Booking) -> Entry:
    rows = (
        ("Slot", slot_in_words(booking.slot)),
        ("Guidance", GUIDANCE_IN_WORDS[booking.guidance]),
        ("State", booking.get_status_display()),
        ("Transport", "booked" if booking.transport else "not booked"),
        ("Interpreter", "booked" if booking.interpreter else "not booked"),
    )
    return Entry("Slot", rows, booking.changed_by.full_name, booking.changed_at)


def _told_entry(task: ToTell) -> Entry:
    told = (
        f"{task.told_by.full_name}, {timezone.localtime(task.told_at):%d/%m/%Y %H:%M}" if task.told_by else ""
    )
    rows = (
        ("To tell", task.get_whom_display()),
        ("What", task.sentence),
        ("State", task.get_outcome_display()),
    )
    more = (("Told by", told),) if told else ()
    remark = (("Remark", task.remark),) if task.remark else ()
    return Entry("Told of a change", (*rows, *more, *remark), task.changed_by.full_name, task.changed_at)


def register_section() -> None:
    """Called once as the application starts."""
    registry.register(
        Section(
            KEY, "Slot and bed", 40, Permission.SEE_CASES, "scheduling:case", _state, _facts, _entries,
            shown_to_referrer=True,
        )
    )  # fmt: skip
    registry.on_move(after_move)
