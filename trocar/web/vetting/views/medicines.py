"""Medicines: add, stop, advice of a specialist, last doses, and the plan that a prescriber signs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.change import Change, MoveRefused
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.vetting.access import case_to_prepare, case_to_read, may_prepare
from trocar.web.vetting.forms import AdviceForm, LastDoseForm, MedicineForm, SignForm
from trocar.web.vetting.known import PlanNow, assessment_of, plan_of, records_of, rules_of, stored
from trocar.web.vetting.models import Medicine, MedicinePlan

Save = Callable[[Change, VersionedRecord | None, CaseForm], Any]


@require_safe
def medicines(request: HttpRequest, number: str) -> HttpResponse:
    """What is taken, what the rules say of each, the dates for the slot, and whether a signed plan stands."""
    case = case_to_read(request, number)
    with registry.looking(case):
        page = _page(case, person_of(request))
    return render(request, "vetting/medicines.html", page)


def _page(case: Case, person: Person) -> dict[str, Any]:
    known = records_of(case)
    plan = plan_of(case)
    advice = {one.medicine: one for one in assessment_of(case, "vetting").advice}
    lines = {one.medicine: one for one in plan.lines}
    return {
        "case": case,
        "rows": [(m, advice.get(m.name), lines.get(m.name)) for m in known.taken],
        "stopped": [m for m in known.medicines if m.stopped],
        "plan": plan,
        "signed": plan.signed,
        "complete": known.answers is not None and known.answers.medicines_complete is True,
        "may_prepare": may_prepare(person),
        "may_sign": person.may(Permission.SIGN_MEDICINES),
        "stamps": rules_of(case).stamps,
    }


def _writing(names: tuple[str, ...], medicine: Medicine | None) -> Save:
    """Writes some fields of the form to a medicine."""

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = {name: form.cleaned_data[name] for name in names if name in form.cleaned_data}
        ch.save(medicine or Medicine(), values, form.cleaned_data["seen_version"] if medicine else None)

    return save


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, number: str) -> HttpResponse:
    """Write down a medicine."""
    case = case_to_prepare(request, number)
    return record_view(
        request, case, form_class=MedicineForm, title="Add a medicine", action="Recorded a medicine",
        save=_writing(("name", "dose", "stopped"), None), done_url=reverse("vetting:medicines", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Correct a medicine, or say that it is not taken any more."""
    case = case_to_prepare(request, number)
    medicine = get_object_or_404(Medicine, pk=pk, case=case)
    return record_view(
        request, case, form_class=MedicineForm, title=f"Medicine: {medicine.name}", action="Changed a medicine",
        save=_writing(("name", "dose", "stopped"), medicine), record=medicine,
        done_url=reverse("vetting:medicines", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def advice(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Write down what a specialist or pharmacist advised on a medicine; it takes the place of the automatic plan."""
    case = case_to_read(request, number)
    require(request, Permission.VET, Permission.SIGN_MEDICINES)
    medicine = get_object_or_404(Medicine, pk=pk, case=case)
    return record_view(
        request, case, form_class=AdviceForm, title=f"Advice on {medicine.name}",
        action="Recorded advice on a medicine",
        save=_writing(("adviser", "advice", "advised_hold_days", "advised_restart_days"), medicine), record=medicine,
        done_url=reverse("vetting:medicines", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def last_dose(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Write down the last dose that the patient actually took."""
    case = case_to_prepare(request, number)
    medicine = get_object_or_404(Medicine, pk=pk, case=case)
    return record_view(
        request, case, form_class=LastDoseForm, title=f"Last dose of {medicine.name}",
        action="Recorded the last dose actually taken", save=_writing(("last_dose_at",), medicine), record=medicine,
        done_url=reverse("vetting:case", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, number: str) -> HttpResponse:
    """Sign the plan with its dates, as it stands on the page, for the slot that it was made for."""
    case = case_to_read(request, number)
    require(request, Permission.SIGN_MEDICINES)
    plan = plan_of(case)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        now = plan_of(ch.case)
        if now.open or now.start is None:
            raise MoveRefused(now.open)
        if (form.cleaned_data["start"], form.cleaned_data["shown"]) != _shown(now):
            raise MoveRefused(
                ("The slot or the plan changed after you opened the page; read it again, then sign.",)
            )
        ch.save(MedicinePlan(), {"for_start": now.start, "lines": stored(now.lines)})

    start, shown = _shown(plan)
    return record_view(
        request, case, form_class=SignForm, title="Sign the medicine plan", action="Signed the medicine plan",
        save=save, initial={"start": start, "shown": shown}, button="Sign", template="vetting/sign.html",
        done_url=reverse("vetting:medicines", args=[number]), context={"plan": plan},
    )  # fmt: skip


def _shown(plan: PlanNow) -> tuple[str, str]:
    """The appointment and a fingerprint of the lines, so that nobody signs what they did not read."""
    start = plan.start.isoformat() if plan.start else ""
    return start, hashlib.sha256(json.dumps(stored(plan.lines)).encode()).hexdigest()
