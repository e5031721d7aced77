"""A job while it goes on: its page, its progress for scripts, and doing it again after it failed."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from trocar.web.jobs.asking import ask_again
from trocar.web.jobs.kinds import Kind, kind_named
from trocar.web.jobs.models import Job


@require_safe
def job_page(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """How far the job is; once it is done, the page of what came of it."""
    job, kind = _job(request, job_id)
    if job.state == Job.State.DONE:
        return HttpResponseRedirect(kind.leads_to(job))
    return render(request, "jobs/job.html", {"job": job})


@require_safe
def progress(request: HttpRequest, job_id: uuid.UUID) -> JsonResponse:
    """For pages that wait."""
    job, _ = _job(request, job_id)
    answer = {"state": job.state, "words": job.words, "percent": job.percent}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


@require_POST
def again(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Do a failed job once more."""
    job, _ = _job(request, job_id)
    ask_again(job)
    return HttpResponseRedirect(reverse("jobs:job", args=[job.pk]))


def _job(request: HttpRequest, job_id: uuid.UUID) -> tuple[Job, Kind]:
    """The job, for who may see it. Raises Http404 where there is none; its kind's check may refuse."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise Http404("There is no such job.")
    try:
        kind = kind_named(job.kind)
    except KeyError:
        raise Http404("This version of Trocar does not know this kind of work.") from None
    kind.check(request, job)
    return job, kind
