"""Team, observations before sedation, planned against achieved, complications."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.clinical.procedure_record import raises_incident
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.procedure.forms import (
    AchievedForm,
    BaselineForm,
    ButtonForm,
    ComplicationForm,
    DetailsForm,
)
from trocar.web.procedure.models import GUIDANCE, Baseline, Complication, ProcedureDetails
from trocar.web.procedure.record import Record, planned

NOT_YET = (Stage.REFERRED, Stage.ACCEPTED, Stage.BOOKED)


def _room(number: str) -> str:
    return reverse("procedure:room", args=[number])


def _in_the_department(case: Case) -> None:
    if case.at_stage in NOT_YET or case.at_stage in (Stage.RETURNED, Stage.DECLINED, Stage.CANCELLED):
        raise MoveRefused((f"Nothing is recorded here while the case is at “{case.stage_title}”.",))


@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, number: str) -> HttpResponse:
    """Who operates, who watches the patient, with which needle, under which guidance."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    stored = Record(case).details
    facts = registry.facts(case) if stored is None else {}
    initial = {"guidance": planned(facts, "guidance", GUIDANCE), "needle": facts.get("plan.needle") or ""}

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        _in_the_department(ch.case)
        ch.save(record or ProcedureDetails(), form.record_values(), form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=DetailsForm, title="Team, needle and sedation", action="Recorded team and needle",
        save=save, record=stored, initial=initial if stored is None else None, done_url=_room(number),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def baseline(request: HttpRequest, number: str) -> HttpResponse:
    """A set of observations from before sedation. A further set is added; the last one counts."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        _in_the_department(ch.case)
        values = {**form.record_values(), "taken_at": ch.happened_at, "taken_by": ch.by}
        ch.save(Baseline(), values)

    return record_view(
        request, case, form_class=BaselineForm, title="Observations before sedation",
        action="Recorded observations before sedation", save=save, done_url=_room(number),
        template="procedure/large_form.html",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def achieved(request: HttpRequest, number: str) -> HttpResponse:
    """Planned against achieved: from points where there are any, as measured where not."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    stored = Record(case).details
    initial: dict[str, Any] = {}
    if stored is None or not stored.planned_tip:
        facts = registry.facts(case)
        for name, fact in (("planned_entry", "plan.entry_lps_mm"), ("planned_tip", "plan.tip_lps_mm")):
            if facts.get(fact):
                initial[name] = ", ".join(f"{float(value):.1f}" for value in facts[fact])

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        _in_the_department(ch.case)
        ch.save(record or ProcedureDetails(), form.record_values(), form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=AchievedForm, title="Planned against achieved",
        action="Recorded where the needle lay", save=save, record=stored, initial=initial, done_url=_room(number),
    )  # fmt: skip


@require_safe
def complications(request: HttpRequest, number: str) -> HttpResponse:
    """What went wrong, at once or later, or that nothing did."""
    return _complications(request, case_for(request, number), (), 200)


def _complications(request: HttpRequest, case: Case, problems: tuple[str, ...], status: int) -> HttpResponse:
    record = Record(case)
    assert isinstance(request.user, Person)
    version = record.details.version if record.details else 0
    context = {
        "case": case, "record": record, "problems": problems,
        "may_write": request.user.may(Permission.RECORD_PROCEDURE),
        "none_form": ButtonForm(initial={"seen_version": version}, case=case),
        "incident": any(raises_incident(c.harm) and not c.incident for c in record.complications),
    }  # fmt: skip
    return render(request, "procedure/complications.html", context, status=status)


@require_POST
def no_complications(request: HttpRequest, number: str) -> HttpResponse:
    """Say that there were none."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    assert isinstance(request.user, Person)
    form = ButtonForm(request.POST, case=case)
    if not form.is_valid():
        said = tuple(str(e) for errors in form.errors.values() for e in errors)
        return _complications(request, case, said, 422)
    try:
        with change(
            request.user,
            case,
            "Recorded that there were no complications",
            token=form.cleaned_data["form_token"],
        ) as ch:
            record = Record(ch.case)
            if record.t0 is None:
                raise MoveRefused(("The needle is not out yet.",))
            if record.complications:
                raise MoveRefused(("A complication is recorded already.",))
            ch.save(
                record.details or ProcedureDetails(),
                {"complications": "none"},
                form.cleaned_data["seen_version"] or 0,
            )
    except AlreadyDone:
        pass
    except (EditedMeanwhile, MoveRefused) as error:
        return _complications(request, case, getattr(error, "reasons", (str(error),)), 409)
    return HttpResponseRedirect(reverse("procedure:complications", args=[number]))


@require_http_methods(["GET", "POST"])
def complication(request: HttpRequest, number: str, known: int | None = None) -> HttpResponse:
    """One complication, with its harm, what is done, and what the patient was told."""
    case = case_for(request, number, Permission.RECORD_PROCEDURE)
    stored = None
    if known is not None:
        stored = Complication.objects.filter(pk=known, case=case).first()
        if stored is None:
            raise Http404("There is no such complication.")

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        _in_the_department(ch.case)
        if Record(ch.case).first_in is None and not ch.case.ended:
            raise MoveRefused(("No needle has been in yet; record the procedure first.",))
        ch.save(record or Complication(), form.record_values(), form.cleaned_data["seen_version"] or 0)
        details = Record(ch.case).details or ProcedureDetails()
        ch.save(details, {"complications": "some"})

    return record_view(
        request, case, form_class=ComplicationForm, title="Complication", action="Recorded a complication", save=save,
        record=stored, done_url=reverse("procedure:complications", args=[number]),
    )  # fmt: skip
