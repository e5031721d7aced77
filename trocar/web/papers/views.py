"""Ask for papers, and fetch them."""

from __future__ import annotations

import uuid
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases import clock, registry
from trocar.web.cases.access import case_for
from trocar.web.cases.forms import CaseForm, DayField
from trocar.web.cases.models import Case
from trocar.web.jobs.asking import ask
from trocar.web.jobs.models import Job
from trocar.web.papers import printing

SHOWN = 10
"""Papers of the last day that stand on the page."""


class DayForm(CaseForm):
    """Which day."""

    day = DayField(label="Day", past=7, future=31, required=True)


@require_http_methods(["GET", "POST"])
def papers(request: HttpRequest) -> HttpResponse:
    """The downtime pack of a day, and the papers that this person asked for."""
    person = require(request, Permission.PRINT_PAPERS)
    form = DayForm(request.POST or None, initial={"day": clock.today()})
    status = 200
    if request.method == "POST":
        if form.is_valid():
            job = _ask_for_pack(person, form.cleaned_data["day"])
            return HttpResponseRedirect(reverse("jobs:job", args=[job.pk]))
        status = 422
    kinds = (printing.RECORD, printing.REPLY, printing.PACK)
    asked = list(Job.objects.filter(by=person, kind__in=kinds)[:SHOWN])
    context = {
        "form": form,
        "jobs": [job for job in asked if job.state != Job.State.DONE or printing.file_of(job).is_file()],
        "working": any(job.is_open for job in asked),
    }
    return render(request, "papers/papers.html", context, status=status)


def _ask_for_pack(person: Person, day: date) -> Job:
    """The job, with the printing on the record of every case that the pack holds."""
    name = f"downtime-pack-{day:%Y-%m-%d}.pdf"
    with transaction.atomic():
        job = ask(
            printing.PACK,
            f"Downtime pack of {day:%d/%m/%Y}",
            person,
            {"day": day.isoformat(), "name": name},
            key=f"{printing.PACK} {day} {person.pk}",
        )
        numbers = sorted(line.case.number for line in registry.day_list(person, day))
        # in one order, the department's chain last, so that two who print at once never wait for each other for ever
        for number in numbers:
            audit.write(number, "Printed the downtime pack", person, "papers", {"day": (None, str(day))})
        audit.write(None, "Printed the downtime pack", person, "papers", {"day": (None, str(day))})
    return job


@require_safe
def of_case(request: HttpRequest, number: str) -> HttpResponse:
    """The papers of a case."""
    case = case_for(request, number)
    person = person_of(request)
    if not printing.may_print_reply(person, case):
        raise PermissionDenied("Your role may not print papers.")
    jobs = list(
        Job.objects.filter(by=person, case_number=number, kind__in=(printing.RECORD, printing.REPLY))[:SHOWN]
    )
    context = {
        "case": case,
        "may_record": printing.may_print_record(person, case),
        "jobs": [job for job in jobs if job.state != Job.State.DONE or printing.file_of(job).is_file()],
        "working": any(job.is_open for job in jobs),
    }
    return render(request, "papers/of_case.html", context)


@require_POST
def print_record(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for the complete record."""
    case = case_for(request, number, Permission.PRINT_PAPERS)
    return _asked(request, case, printing.RECORD, "Complete record", "record")


@require_POST
def print_reply(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for the reply to the referrer."""
    case = case_for(request, number)
    if not printing.may_print_reply(person_of(request), case):
        raise PermissionDenied("Your role may not print papers.")
    return _asked(request, case, printing.REPLY, "Reply to the referrer", "reply")


def _asked(request: HttpRequest, case: Case, kind: str, title: str, name: str) -> HttpResponse:
    person = person_of(request)
    with transaction.atomic():
        job = ask(
            kind,
            f"{title} of case {case.number}",
            person,
            {"name": f"{case.number}-{name}.pdf"},
            case_number=case.number,
            key=f"{kind} {case.number} {person.pk}",
        )
        audit.write(case.number, f"Printed: {title.lower()}", person, "papers", {})
    return HttpResponseRedirect(reverse("jobs:job", args=[job.pk]))


@require_safe
def paper(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """The PDF, for who asked for it."""
    job = Job.objects.filter(
        pk=job_id, kind__in=(printing.RECORD, printing.REPLY, printing.PACK), state=Job.State.DONE
    ).first()
    if job is None:
        raise Http404("There is no such paper.")
    printing.check(request, job)
    try:
        content = printing.file_of(job).read_bytes()
    except FileNotFoundError:
        raise Http404("This paper was thrown away after a day; print it again.") from None
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{job.arguments["name"]}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
