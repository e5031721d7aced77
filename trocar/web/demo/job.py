"""The sample cases as a job, so that the demo answers at once while they are made."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.demo.sample_cases import SAMPLE_CASES, make
from trocar.web.jobs.asking import ask
from trocar.web.jobs.kinds import Kind, Tell, register
from trocar.web.jobs.models import Job

KIND = "sample cases"


def ask_for_sample_cases() -> Job:
    """Ask for the sample cases that are not there yet."""
    return ask(KIND, "Making the sample cases", None, {}, key=KIND)


def _run(job: Job, tell: Tell) -> dict[str, Any]:
    people = {
        person.role: person
        for person in Person.objects.filter(is_sample=True, is_active=True).order_by("-pk")
    }
    made = 0
    tell("Making the sample cases", 0.0)
    for sample in make(people):
        made += 1
        tell(f"Sample patient {sample.key}", SAMPLE_CASES.index(sample) / len(SAMPLE_CASES))
    return {"made": made}


def _check(request: HttpRequest, job: Job) -> None:
    if not (isinstance(request.user, Person) and request.user.may(Permission.SEE_CASES)):
        raise PermissionDenied("Your role may not see cases.")


def register_kind() -> None:
    """Called once as the application starts."""
    register(Kind(KIND, _run, _check, lambda job: reverse("cases:list")))
