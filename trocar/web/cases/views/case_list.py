"""Finding a case, and beginning one."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from trocar.clinical.stages import ENDED, TITLES, Stage
from trocar.web.accounts.access import require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases import clock, registry
from trocar.web.cases.access import visible_cases
from trocar.web.cases.change import AlreadyDone, use_token
from trocar.web.cases.models import Case, Patient
from trocar.web.cases.referral import PatientForm, ProcedureForm

PER_PAGE = 50


@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases that the person may see: open ones, or those that match a name or number."""
    person = request.user
    assert isinstance(person, Person)
    asked = " ".join(request.GET.get("q", "").split())[:100]
    stage = request.GET.get("stage", "")
    cases = visible_cases(person).select_related("patient")
    if asked:
        digits = asked.replace(" ", "")
        words = Q()
        for word in asked.replace(",", " ").split():
            words &= Q(patient__family_name__istartswith=word) | Q(patient__given_name__istartswith=word)
        cases = cases.filter(
            Q(number__iexact=asked)
            | Q(patient__nhs_number=digits)
            | Q(patient__hospital_number__iexact=asked)
            | words
        )
    elif stage in set(Stage):
        cases = cases.filter(stage=stage)
    else:
        cases = cases.exclude(stage__in=ENDED)
    page = Paginator(cases.order_by("-created", "-id"), PER_PAGE).get_page(request.GET.get("page"))
    audit.seen(None, person, "list of cases")
    context = {
        "page": page, "asked": asked, "stage": stage, "stages": [(s.value, TITLES[s]) for s in Stage],
        "may_refer": person.may(Permission.REFER),
    }  # fmt: skip
    return render(request, "cases/list.html", context)


@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """A new case: who the patient is and which biopsy; the referral itself comes next."""
    person = require(request, Permission.REFER)
    status = 200
    if request.method == "POST":
        token = request.POST.get("form_token", "")
        patient_form, procedure = PatientForm(request.POST), ProcedureForm(request.POST)
        if all([patient_form.is_valid(), procedure.is_valid()]):
            try:
                case = _begin(person, patient_form, procedure, token)
            except AlreadyDone:
                return HttpResponseRedirect(reverse("cases:list"))
            if case is not None:
                return HttpResponseRedirect(reverse("cases:referral", args=[case.number]))
        status = 422
    else:
        token = uuid.uuid4()
        patient_form = PatientForm(initial={"form_token": token})
        procedure = ProcedureForm(initial={"form_token": token})
    return render(request, "cases/begin.html", {"form": patient_form, "procedure": procedure}, status=status)


def _begin(person: Person, form: PatientForm, procedure: ProcedureForm, token: str) -> Case | None:
    """The case, with its patient found or made; None where the patient's details contradict those that are known."""
    values = form.record_values()
    with transaction.atomic():
        use_token(token, person)
        patient = _known(form, values)
        if form.errors:
            transaction.set_rollback(True)
            return None
        if patient is None:
            patient = Patient.objects.create(is_sample=person.is_sample, **values)
        return new_case(person, patient, procedure.cleaned_data["protocol_name"])


def _known(form: PatientForm, values: dict[str, Any]) -> Patient | None:
    """The patient who has this NHS number (or, without one, hospital number and birthday); mistakes go to the form."""
    if values["nhs_number"]:
        patient = Patient.objects.filter(nhs_number=values["nhs_number"]).first()
    else:
        patient = Patient.objects.filter(
            hospital_number__iexact=values["hospital_number"], birth_date=values["birth_date"]
        ).first()
    if patient is None:
        return None
    if patient.birth_date != values["birth_date"]:
        form.add_error("birth_date", "This NHS number is known with another date of birth; check both.")
    if patient.family_name.casefold() != values["family_name"].casefold():
        form.add_error("family_name", "This NHS number is known with another family name; check both.")
    return patient


def new_case(
    by: Person, patient: Patient, protocol_name: str, repeat_of: Case | None = None, **columns: Any
) -> Case:
    """A case at its first stage, on the record. Inside the caller's transaction."""
    now = clock.now()
    case = Case.objects.create(
        number=f"new {uuid.uuid4().hex[:11]}", patient=patient, protocol_name=protocol_name, stage=Stage.REFERRED,
        stage_since=now, referrer=by, created=now, repeat_of=repeat_of, is_sample=patient.is_sample, **columns,
    )  # fmt: skip
    case.number = f"T-{clock.today():%y}-{case.pk:06d}"
    case.summary = registry.summarise(case)
    case.save()
    changes: dict[str, tuple[Any, Any]] = {"protocol": (None, protocol_name), "patient": (None, patient.pk)}
    if repeat_of is not None:
        changes["repeat of"] = (None, repeat_of.number)
    audit.write(case.number, "Began a case", by, "case", changes, at=now)
    return case
