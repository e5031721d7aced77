"""The procedure record: a page of large targets for ten seconds with gloves off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.clinical.procedure_record import needle_out_problems
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock, registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.registry import once
from trocar.web.cases.views.record import record_view
from trocar.web.procedure.answers import Checklist
from trocar.web.procedure.forms import ANOTHER, DrugForm, EventForm, RoomForm, UndoForm
from trocar.web.procedure.models import GUIDANCE, RoomEvent
from trocar.web.procedure.record import Kind, Record, planned
from trocar.web.procedure.sections import clock_time

NEEDLE_MAY_GO_IN = (Stage.TIMED_OUT, Stage.NEEDLE_OUT)
IN_THE_ROOM = (Stage.SIGNED_IN, *NEEDLE_MAY_GO_IN)
KEYS = (("N", "Needle in"), ("P", "Pass: sample came"), ("E", "Pass: no sample"), ("I", "Image saved"),
        ("D", "Drug given"), ("O", "Needle out"), ("U", "Take back the last entry"))  # fmt: skip
"""Access keys: the browser adds its own modifier, so that no letter typed by mistake does anything."""


@require_safe
def room(request: HttpRequest, number: str) -> HttpResponse:
    """The page of large targets, and everything entered so far."""
    return _page(request, case_for(request, number), None, (), 200)


@require_POST
def press(request: HttpRequest, number: str) -> HttpResponse:
    """One of the large buttons: needle in, a pass, a picture, needle out."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    assert isinstance(request.user, Person)
    form = RoomForm(request.POST, case=case)
    if not form.is_valid():
        return _page(request, case, form, (), 422)
    label = dict(RoomForm.KINDS)[form.cleaned_data["pressed"]]
    try:
        with change(
            request.user, case, f"Recorded: {label.lower()}", token=form.cleaned_data["form_token"],
            happened_at=form.cleaned_data["happened_at"], reason=form.cleaned_data["reason"],
        ) as ch:  # fmt: skip
            enter(ch, form)
    except AlreadyDone:
        messages.info(request, "That was recorded already; nothing was written twice.")
    except MoveRefused as error:
        return _page(request, case, form, error.reasons, 409)
    return HttpResponseRedirect(reverse("procedure:room", args=[number]))


def enter(ch: Change, form: RoomForm) -> RoomEvent:
    """Write the event of a button. Raises MoveRefused where it cannot have happened, or may not yet."""
    pressed = form.cleaned_data["pressed"]
    record = Record(ch.case)
    kind = Kind.PASS if pressed.startswith("pass_") else Kind(pressed)
    values: dict[str, Any] = {"kind": kind.value, "at": ch.happened_at, "entered_by": ch.by}
    if kind in (Kind.PASS, Kind.IMAGE):
        values["modality"] = form.cleaned_data["modality"] or (
            record.details.guidance if record.details else ""
        )
    if kind == Kind.PASS:
        values["sample_came"] = pressed == "pass_sample"
        values["cores"] = 1 if values["sample_came"] else 0
    if kind in (Kind.NEEDLE_IN, Kind.PASS):
        values["deviation"] = _needle_goes_in(ch, record, kind, form)
    elif kind == Kind.NEEDLE_OUT:
        _needle_comes_out(ch, record)
    elif ch.case.at_stage not in IN_THE_ROOM:
        raise MoveRefused((f"Nothing happens in the room while the case is at “{ch.case.stage_title}”.",))
    event = ch.save(RoomEvent(), values)
    if kind == Kind.NEEDLE_OUT and ch.case.at_stage == Stage.TIMED_OUT:
        ch.move("needle_out")
    return event


def _needle_goes_in(ch: Change, record: Record, kind: RoomEvent.Kind, form: RoomForm) -> str:
    """Why it was done although something was missing; "" where nothing was. Raises MoveRefused."""
    if ch.case.at_stage not in NEEDLE_MAY_GO_IN:
        raise MoveRefused((f"Time out comes first; the case is at “{ch.case.stage_title}”.",))
    reason = str(form.cleaned_data["reason"])
    missing: list[str] = []
    if kind == Kind.NEEDLE_IN and record.needle_is_in:
        raise AlreadyDone
    if record.t0 is not None:
        missing.append("The needle was out already. Say why one goes in again.")
    elif not record.needle_is_in:
        standing = Checklist(ch.case).time_out(ch.happened_at)
        if not standing.valid and form.cleaned_data["happened_at"] is None:
            # Before the puncture it is a hard stop; written down afterwards, it is what happened, with its reason.
            raise MoveRefused((standing.sentence,))
        if not standing.valid:
            missing.append(f"{standing.sentence} Say why the needle went in.")
    if kind == Kind.PASS and record.next_pass_needs_reason:
        missing.append("That is more passes than the protocol's most. Say why.")
    if missing and not reason.strip():
        raise MoveRefused(tuple(missing))
    return reason if missing else ""


def _needle_comes_out(ch: Change, record: Record) -> None:
    """Check a press of "needle out". A second press changes nothing: T0 is set once."""
    if record.t0 is not None:
        raise AlreadyDone
    if ch.case.at_stage not in NEEDLE_MAY_GO_IN:
        raise MoveRefused((f"Needle out is not possible while the case is at “{ch.case.stage_title}”.",))
    problems = needle_out_problems(
        ch.happened_at, ch.now, record.first_in, [e.at for e in record.of(Kind.PASS)]
    )
    if problems:
        raise MoveRefused(problems)


@require_POST
def undo(request: HttpRequest, number: str) -> HttpResponse:
    """Take back the last entry: it stays on the record as taken back."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    assert isinstance(request.user, Person)
    form = UndoForm(request.POST, case=case)
    if not form.is_valid():
        said = tuple(str(e) for errors in form.errors.values() for e in errors)
        return _page(request, case, None, said, 422)
    try:
        with change(request.user, case, "Took back an entry", token=form.cleaned_data["form_token"]) as ch:
            _undo(ch, form.cleaned_data["last"])
    except AlreadyDone:
        pass
    except (EditedMeanwhile, MoveRefused) as error:
        return _page(request, case, None, getattr(error, "reasons", (str(error),)), 409)
    return HttpResponseRedirect(reverse("procedure:room", args=[number]))


def _undo(ch: Change, seen_last: int) -> None:
    last = Record(ch.case).last_entered
    if last is None or last.pk != seen_last:
        raise EditedMeanwhile(
            last or ch.case, last.changed_by if last else None, last.changed_at if last else None
        )
    if ch.case.at_stage not in IN_THE_ROOM:
        raise MoveRefused(("After sign out nothing is taken back; correct the entry's time, with a reason.",))
    ch.save(last, {"undone": True, "undone_at": ch.now, "undone_by": ch.by})


@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, number: str, event: int) -> HttpResponse:
    """Correct an entry, with a reason; what it said before stays on the record."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    stored = RoomEvent.objects.filter(pk=event, case=case, undone=False).first()
    if stored is None:
        raise Http404("There is no such entry, or it was taken back.")
    kind = Kind(stored.kind)

    class OneEvent(EventForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if kind != Kind.PASS:
                del self.fields["sample_came"], self.fields["cores"]
            if kind not in (Kind.PASS, Kind.IMAGE):
                del self.fields["modality"]

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = form.record_values()
        reason = values.pop("reason")
        deviation = _corrected(ch, stored, values["at"], reason)
        if deviation:
            values["deviation"] = deviation
        ch.save(stored, values, form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=OneEvent, title=f"Correct: {stored.words}", action="Corrected an entry", save=save,
        record=stored, done_url=reverse("procedure:room", args=[number]), button="Save the correction",
    )  # fmt: skip


def _corrected(ch: Change, event: RoomEvent, at: datetime, reason: str) -> str:
    """Check a corrected time against the others. The reason, where the time out did not hold then; else "".
    Raises MoveRefused.
    """
    record = Record(ch.case)
    before = record.t0
    for known in record.events:
        if known.pk == event.pk:
            known.at = at
    record.events.sort(key=lambda e: (e.at, e.pk))
    if before is not None and record.t0 is None:
        raise MoveRefused(("The needle cannot be out before the puncture and the last pass.",))
    if event.kind == Kind.NEEDLE_OUT and record.first_in and at < record.first_in:
        raise MoveRefused(("The needle cannot be out before it was in.",))
    if event.kind in (Kind.NEEDLE_IN, Kind.PASS) and record.first_in == at:
        return "" if Checklist(ch.case).time_out(at).valid else reason
    return ""


@require_http_methods(["GET", "POST"])
def drug(request: HttpRequest, number: str) -> HttpResponse:
    """A dose: drug, amount, unit, way and time. Sedation waits for what has to stand before it."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    rules = case.protocol.procedure_record
    chosen = rules.drug(request.GET.get("drug", ""))
    initial: dict[str, Any] = {}
    if chosen is not None:
        initial = {"drug": chosen.name, "unit": chosen.unit, "route": chosen.routes[0]}

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, DrugForm)
        _give(ch, form)

    return record_view(
        request, case, form_class=DrugForm, title="Drug given", action="Recorded a drug", save=save, initial=initial,
        done_url=reverse("procedure:room", args=[number]), template="procedure/large_form.html",
    )  # fmt: skip


def _give(ch: Change, form: DrugForm) -> None:
    values = form.cleaned_data
    if ch.case.at_stage not in (*IN_THE_ROOM, Stage.SIGNED_OUT):
        raise MoveRefused((f"Sign in comes first; the case is at “{ch.case.stage_title}”.",))
    rules = ch.case.protocol.procedure_record.drug(values["name"])
    deviation = ""
    if rules is None and values["drug"] != ANOTHER:
        raise MoveRefused(("That drug is not in the protocol.",))
    if rules is not None and rules.use == "sedation":
        confirmed = registry.facts(ch.case).get("consent.confirmed") is True
        problems = Record(ch.case).before_sedation(ch.happened_at, confirmed)
        if problems and values["happened_at"] is None:
            raise MoveRefused(problems)
        if problems and not values["reason"]:
            raise MoveRefused((*problems, "It is written down afterwards: say why it was given."))
        deviation = values["reason"] if problems else ""
    ch.save(
        RoomEvent(),
        {
            "kind": Kind.DRUG.value, "at": ch.happened_at, "entered_by": ch.by, "drug": values["name"],
            "amount": values["amount"], "unit": values["unit"], "route": values["route"], "checked": values["checked"],
            "deviation": deviation,
        },
    )  # fmt: skip


def _page(
    request: HttpRequest, case: Case, form: RoomForm | None, problems: tuple[str, ...], status: int
) -> HttpResponse:
    with registry.looking(case):
        record, checklist, facts = once(case, Record), once(case, Checklist), registry.facts(case)
    guidance = (record.details.guidance if record.details else "") or planned(facts, "guidance", GUIDANCE)
    if form is None:
        form = RoomForm(initial={"modality": guidance}, case=case)
    elif status != 422:
        # The token of a refused press is not used up, and what was typed stays.
        form = RoomForm(request.POST, case=case)
        form.is_valid()
    last = record.last_entered
    standing = checklist.time_out(clock.now())
    assert isinstance(request.user, Person)
    context = {
        "case": case, "form": form, "record": record, "problems": problems, "keys": KEYS, "last": last,
        "undo_form": UndoForm(initial={"last": last.pk if last else None}, case=case),
        "may_write": request.user.may(Permission.RECORD_PROCEDURE), "standing": standing,
        "until": clock_time(standing.until) if standing.until else "", "before_puncture": record.first_in is None,
        "stage_is_room": case.at_stage in IN_THE_ROOM, "t0": record.t0,
        "listed": case.protocol.procedure_record.drugs, "facts": facts, "timed_out": case.at_stage in NEEDLE_MAY_GO_IN,
        "entered": sorted(record.entered, key=lambda e: (e.at, e.pk), reverse=True),
        "plan_words": _plan_words(facts),
    }  # fmt: skip
    return render(request, "procedure/room.html", context, status=status)


def _plan_words(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What was planned, from a path or at the table, as far as the plan's section tells it."""
    names = (
        ("side", "Side"),
        ("site", "Site"),
        ("position", "Position"),
        ("guidance", "Guidance"),
        ("needle", "Needle"),
    )
    return [
        (label, str(facts[f"plan.{name}"]).replace("_", " "))
        for name, label in names
        if facts.get(f"plan.{name}")
    ]
