"""A case's slot: book, move, put earlier, postpone, cancel; its bed and what else hangs on it."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.clinical.slots import free_starts, in_order, latest_start
from trocar.clinical.stages import MOVES
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock, registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.scheduling import day as days
from trocar.web.scheduling.actions import (
    MAY_HAVE_A_SLOT,
    bed_of,
    give_slot,
    holding,
    lay_out,
    open_tasks,
)
from trocar.web.scheduling.forms import (
    ArrangementsForm,
    BedForm,
    ReasonForm,
    SlotForm,
    at_noon,
    day_asked,
)
from trocar.web.scheduling.lead_time import late_holds
from trocar.web.scheduling.models import BedBooking, Booking
from trocar.web.scheduling.rooms import scheduling
from trocar.web.scheduling.section import minimum_stay, stay_warning

FIRST_LENGTH_MINUTES = 60


def section_url(case: Case) -> str:
    """The page that all of these lead back to."""
    return reverse("scheduling:case", args=[case.number])


@require_safe
def section_page(request: HttpRequest, number: str) -> HttpResponse:
    """The slot, what it means for the stay and the medicines, the bed, and whom to tell."""
    case = case_for(request, number)
    person = person_of(request)
    return render(request, "scheduling/case.html", _page(case, person.may(Permission.SCHEDULE)))


def _page(case: Case, may_schedule: bool, refusals: tuple[str, ...] = ()) -> dict[str, Any]:
    booking, bed = holding(case), bed_of(case)
    slot = booking.slot if booking else None
    moves = {name for name in ("postpone", "cancel") if case.at_stage in MOVES[name].origins}
    return {
        "case": case,
        "booking": booking,
        "slot": slot,
        "bed": bed,
        "stay_warning": stay_warning(case, slot, bed) if slot else None,
        "late_holds": late_holds(case, slot) if slot else (),
        "tasks": list(open_tasks(case)),
        "given_up": list(
            Booking.objects.filter(case=case)
            .exclude(status=Booking.Status.HOLDS)
            .select_related("room", "changed_by")
        ),
        "may_schedule": may_schedule,
        "may_have_slot": case.at_stage in MAY_HAVE_A_SLOT,
        "moves": moves if may_schedule else set(),
        "refusals": refusals,
        "form_token": uuid.uuid4(),
    }


@require_http_methods(["GET", "POST"])
def slot_page(request: HttpRequest, number: str) -> HttpResponse:
    """Book a slot, or move the case to another one. Free starts of the day are offered beside the form."""
    case = case_for(request, number, Permission.SCHEDULE)
    booking = holding(case)
    day = day_asked(request.GET.get("date", ""))
    if booking is not None and "date" not in request.GET:
        day = booking.slot.start.date()

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, SlotForm)
        values = form.cleaned_data
        give_slot(
            ch, values["slot"], values["guidance"], values["seen_version"] or 0, afterwards=form.afterwards
        )

    return record_view(
        request,
        case,
        form_class=partial(SlotForm, known=scheduling(), booking=booking),  # type: ignore[arg-type]
        title="Move the slot" if booking else "Book a slot",
        action="Moved the slot" if booking else "Booked a slot",
        save=save,
        record=booking,
        initial=_first_values(request, case, booking),
        done_url=section_url(case),
        template="scheduling/slot.html",
        button="Move the slot" if booking else "Book the slot",
        context={"day": day, "free": _free(case, booking, day), "booking": booking},
    )


def _first_values(request: HttpRequest, case: Case, booking: Booking | None) -> dict[str, Any]:
    """What the form begins with: the slot as it is, or the free start that was chosen from the list."""
    found: dict[str, Any] = {}
    if booking is not None:
        slot = booking.slot
        found = {
            "room": slot.room,
            "guidance": booking.guidance,
            "start": slot.start,
            "minutes": slot.minutes,
        }
    known = scheduling()
    room = known.room(request.GET.get("room", "")) if known else None
    if room is not None:
        found |= {"room": room.name, "minutes": found.get("minutes") or room.slot_minutes}
        fitting = [g for g in case.protocol.guidance if g in room.modalities]
        if fitting and found.get("guidance") not in fitting:
            found["guidance"] = fitting[0]
    try:
        start = datetime.fromisoformat(request.GET.get("start", ""))
    except ValueError:
        start = None
    if start is not None and start.tzinfo is not None:
        found["start"] = start
    found.setdefault("minutes", FIRST_LENGTH_MINUTES)
    return found


def _free(case: Case, booking: Booking | None, day: Any) -> list[dict[str, Any]]:
    """For each room with a fitting guidance: its free starts on the day, and the latest that needs no bed."""
    known = scheduling()
    if known is None:
        return []
    first, after = days.bounds(day)
    on_the_day = Booking.objects.filter(status=Booking.Status.HOLDS, start__gte=first, start__lt=after)
    taken = [b.slot for b in on_the_day.exclude(case=case).select_related("room")]
    found = []
    stay = minimum_stay(case)
    for room in known.rooms:
        if not set(room.modalities) & set(case.protocol.guidance):
            continue
        minutes = booking.slot.minutes if booking else room.slot_minutes
        latest = latest_start(at_noon(day), minutes, stay, known) if stay is not None else None
        starts = free_starts(room, at_noon(day), minutes, known, taken, clock.now())
        found.append(
            {"room": room, "starts": [(s, latest is None or s > latest) for s in starts], "minutes": minutes}
        )
    return found


@require_POST
def earlier(request: HttpRequest, number: str) -> HttpResponse:
    """Change places with the case before it in the room's list."""
    case = case_for(request, number, Permission.SCHEDULE)
    person = person_of(request)
    form = ReasonForm({**request.POST.dict(), "reason": request.POST.get("reason") or "Order of the list"})
    booking = holding(case)
    if booking is None or not form.is_valid():
        why = "The case has no slot." if booking is None else "This form can't be used any more."
        return render(request, "scheduling/case.html", _page(case, True, (why,)), status=422)
    first, after = days.bounds(booking.slot.start.date())
    same_room = Booking.objects.filter(
        room=booking.room_id, status=Booking.Status.HOLDS, start__gte=first, start__lt=after
    ).select_related("room", "case__patient")
    before = same_room.filter(start__lt=booking.start).order_by("-start").first()
    try:
        if before is None:
            raise MoveRefused(("The case is the first on the list already.",))
        if str(booking.version) != request.POST.get("seen_version"):
            raise EditedMeanwhile(booking, booking.changed_by, booking.changed_at)
        new_first, new_second = in_order([before.slot, booking.slot], [1, 0])
        pair = sorted(((before, new_first), (booking, new_second)), key=lambda p: p[0].case_id)
        with transaction.atomic():
            token = form.cleaned_data["form_token"]
            reason = form.cleaned_data["reason"]
            with (
                change(person, pair[0][0].case, "Changed the order of the list", token, reason) as one,
                change(person, pair[1][0].case, "Changed the order of the list", None, reason) as other,
            ):
                lay_out([(one, *pair[0]), (other, *pair[1])])
    except AlreadyDone:
        pass
    except (MoveRefused, EditedMeanwhile) as error:
        said = error.reasons if isinstance(error, MoveRefused) else (str(error),)
        return render(request, "scheduling/case.html", _page(case, True, said), status=409)
    return HttpResponseRedirect(f"{reverse('scheduling:day')}?date={booking.slot.start.date().isoformat()}")


@require_http_methods(["GET", "POST"])
def postpone(request: HttpRequest, number: str) -> HttpResponse:
    """Give the slot up; the case waits for another one."""
    return _move(request, number, "postpone", "Postpone", "Postpone: the slot is given up")


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """End the case without a biopsy."""
    return _move(request, number, "cancel", "Cancel the case", "Cancel the case")


def _move(request: HttpRequest, number: str, name: str, title: str, button: str) -> HttpResponse:
    case = case_for(request, number, Permission.SCHEDULE)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        ch.move(name, form.cleaned_data["reason"])

    return record_view(
        request,
        case,
        form_class=ReasonForm,
        title=title,
        action=MOVES[name].title,
        save=save,
        done_url=section_url(case),
        button=button,
    )


@require_http_methods(["GET", "POST"])
def bed(request: HttpRequest, number: str) -> HttpResponse:
    """Write down the bed that a ward keeps."""
    case = case_for(request, number, Permission.SCHEDULE)
    stored = BedBooking.objects.filter(case=case).first()
    booking = holding(case)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = form.record_values() | {"holds": True}
        ch.save(record or BedBooking(), values, form.cleaned_data["seen_version"] or 0)

    return record_view(
        request,
        case,
        form_class=BedForm,
        title="Book a bed",
        action="Booked a bed",
        save=save,
        record=stored,
        initial={"first_night": booking.slot.start.date()}
        if booking and not (stored and stored.holds)
        else None,
        done_url=section_url(case),
    )


@require_POST
def give_up_bed(request: HttpRequest, number: str) -> HttpResponse:
    """The ward may have its bed back."""
    case = case_for(request, number, Permission.SCHEDULE)
    form = CaseForm(request.POST)
    stored = bed_of(case)
    if stored is not None and form.is_valid():
        try:
            with change(person_of(request), case, "Gave up the bed", form.cleaned_data["form_token"]) as ch:
                ch.save(stored, {"holds": False}, form.cleaned_data["seen_version"] or 0)
        except AlreadyDone:
            pass
        except EditedMeanwhile as error:
            return render(request, "scheduling/case.html", _page(case, True, (str(error),)), status=409)
    return HttpResponseRedirect(section_url(case))


@require_http_methods(["GET", "POST"])
def arrangements(request: HttpRequest, number: str) -> HttpResponse:
    """Transport and interpreter, so that a change of slot is told to them."""
    case = case_for(request, number, Permission.SCHEDULE)
    booking = holding(case)
    if booking is None:
        return HttpResponseRedirect(section_url(case))
    language = registry.facts(case).get("referral.interpreter_language") or ""

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert record is not None
        ch.save(record, form.record_values(), form.cleaned_data["seen_version"] or 0)

    return record_view(
        request,
        case,
        form_class=ArrangementsForm,
        title="Transport and interpreter",
        action="Wrote down transport and interpreter",
        save=save,
        record=booking,
        done_url=section_url(case),
        context={"language": language},
        template="scheduling/arrangements.html",
    )
