"""The radiographer's page, and the dose."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from trocar.clinical.radiation import DOSE
from trocar.clinical.reference_levels import against_levels
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock, registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, MoveRefused, change
from trocar.web.cases.department import department
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.procedure.answers import needs_side
from trocar.web.procedure.forms import POSITIONS, ButtonForm, DoseForm, ExposureForm
from trocar.web.procedure.models import DoseEvent, Exposure
from trocar.web.procedure.record import Record, planned
from trocar.web.procedure.sections import radiation_entries
from trocar.web.procedure.views.details import NOT_YET


@require_http_methods(["GET", "POST"])
def exposure(request: HttpRequest, number: str) -> HttpResponse:
    """Who it is, who answers for the exposure, and why; authorised only when complete. Below it, the doses."""
    writing = request.method == "POST"
    case = case_for(request, number, Permission.RECORD_DOSE if writing else None)
    record = Record(case)
    assert isinstance(request.user, Person)

    def save(ch: Change, stored: VersionedRecord | None, form: CaseForm) -> None:
        _authorise(ch, stored, form)

    initial: dict[str, Any] = {"authorise": bool(record.exposure and record.exposure.authorised_at)}
    if record.exposure is None:
        facts = registry.facts(case)
        operator = record.details.operator if record.details else None
        initial |= {
            "exposure_referrer": case.referrer.full_name, "position": planned(facts, "position", POSITIONS),
            "practitioner": operator.pk if operator else "",
        }  # fmt: skip
    return record_view(
        request, case, form_class=ExposureForm, title="Radiation", action="Recorded the exposure", save=save,
        record=record.exposure, initial=initial, done_url=reverse("procedure:radiation", args=[number]),
        template="procedure/radiation.html",
        context={
            "record": record, "readonly": not request.user.may(Permission.RECORD_DOSE),
            "missing": record.exposure_check(record.exposure, needs_side(case)).missing() if record.exposure else (),
            "totals": _against(case, record), "take_back_form": ButtonForm(case=case),
            "entries": [e for e in radiation_entries(case) if e.heading == "Exposure"],
            "doses": [(event, _dose_rows(event)) for event in record.dose_entered],
        },
    )  # fmt: skip


def _authorise(ch: Change, stored: VersionedRecord | None, form: CaseForm) -> None:
    if ch.case.at_stage in NOT_YET or ch.case.ended:
        raise MoveRefused((f"Nothing is exposed while the case is at “{ch.case.stage_title}”.",))
    values = form.record_values()
    wanted = values.pop("authorise")
    draft = Exposure(case=ch.case)
    for name, value in values.items():
        setattr(draft, draft._meta.get_field(name).attname, value)
    missing = Record(ch.case).exposure_check(draft, needs_side(ch.case)).missing()
    if wanted and missing:
        raise MoveRefused(missing)
    known = stored if isinstance(stored, Exposure) else Exposure()
    if not wanted:
        values |= {"authorised_at": None, "authorised_by": None}
    elif known.authorised_at is None:
        values |= {"authorised_at": ch.now, "authorised_by": ch.by}
    ch.save(known, values, form.cleaned_data["seen_version"] or 0)


@require_http_methods(["GET", "POST"])
def dose(request: HttpRequest, number: str) -> HttpResponse:
    """The dose of one scan or one stretch of fluoroscopy."""
    case = case_for(request, number, Permission.RECORD_DOSE)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        if ch.case.at_stage in NOT_YET:
            raise MoveRefused((f"There is no dose while the case is at “{ch.case.stage_title}”.",))
        ch.save(DoseEvent(), {**form.record_values(), "given_at": ch.happened_at})

    return record_view(
        request, case, form_class=DoseForm, title="Dose of one scan or one stretch of fluoroscopy",
        action="Recorded a dose", save=save, done_url=reverse("procedure:radiation", args=[number]),
    )  # fmt: skip


@require_POST
def take_back(request: HttpRequest, number: str, event: int) -> HttpResponse:
    """Take back a dose that was entered by mistake; it stays on the record as taken back."""
    case = case_for(request, number, Permission.RECORD_DOSE)
    assert isinstance(request.user, Person)
    stored = DoseEvent.objects.filter(pk=event, case=case).first()
    if stored is None:
        raise Http404("There is no such dose.")
    form = ButtonForm(request.POST, case=case)
    if not form.is_valid():
        raise PermissionDenied("This form is from a page that can't be used any more; open the page again.")
    try:
        with change(request.user, case, "Took back a dose", token=form.cleaned_data["form_token"]) as ch:
            ch.save(stored, {"undone": True})
    except AlreadyDone:
        pass
    return HttpResponseRedirect(reverse("procedure:radiation", args=[number]))


def _against(case: Case, record: Record) -> list[str]:
    """The totals, each against the department's own level where it has one, and what the protocol warns of."""
    levels = against_levels(
        department().reference_levels, case.protocol_name, record.dose_totals, clock.today()
    )
    return [*levels, *record.dose_alerts]


def _dose_rows(event: DoseEvent) -> str:
    values = ((kind, getattr(event, quantity)) for quantity, kind in DOSE.items())
    return ", ".join(
        f"{kind.title.partition(',')[0]} {float(value):g} {kind.unit}"
        for kind, value in values
        if value is not None
    )
