"""Laboratory results and bedside measurements: read, add, correct."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from trocar.clinical.labs import QUANTITIES, age_in_words
from trocar.web.accounts.access import person_of
from trocar.web.cases import clock
from trocar.web.cases.change import Change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.vetting.access import case_to_prepare, case_to_read, may_prepare
from trocar.web.vetting.forms import ResultsForm, correction_form
from trocar.web.vetting.known import records_of
from trocar.web.vetting.models import Result


@require_safe
def results(request: HttpRequest, number: str) -> HttpResponse:
    """Every result with its age, the newest first; those entered by mistake at the end."""
    case = case_to_read(request, number)
    known, now = records_of(case), clock.now()
    page = {
        "case": case,
        "rows": [(result, age_in_words(now - result.taken_at)) for result in known.counting],
        "mistaken": [result for result in known.results if result.mistaken],
        "may_prepare": may_prepare(person_of(request)),
    }
    return render(request, "vetting/results.html", page)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, number: str) -> HttpResponse:
    """Write down results that were taken at one time."""
    case = case_to_prepare(request, number)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, ResultsForm)
        common = {name: form.cleaned_data[name] for name in ("taken_at", "laboratory_number")}
        for quantity, value in form.values().items():
            ch.save(Result(), {"quantity": quantity, "value": value, **common})

    return record_view(
        request, case, form_class=ResultsForm, title="Add results", action="Recorded results", save=save,
        done_url=reverse("vetting:results", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Correct one result, or take it out of what counts; both with a reason."""
    case = case_to_prepare(request, number)
    result = get_object_or_404(Result, pk=pk, case=case)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = {
            name: form.cleaned_data[name] for name in ("value", "taken_at", "laboratory_number", "mistaken")
        }
        ch.save(result, values, form.cleaned_data["seen_version"])

    return record_view(
        request, case, form_class=correction_form(QUANTITIES[result.quantity]), title=f"Correct: {result.title}",
        action="Corrected a result", save=save, record=result, done_url=reverse("vetting:results", args=[number]),
    )  # fmt: skip
