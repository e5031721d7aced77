"""The jobs that make papers, and where they lie until they are fetched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from trocar.documents.case_papers import pack_pdf, record_pdf, reply_pdf
from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.access import case_for, may_see
from trocar.web.cases.models import Case
from trocar.web.jobs.kinds import Kind, Tell
from trocar.web.jobs.models import Job
from trocar.web.papers import words

KEPT_S = 24 * 3600
"""Papers hold what patients told us; they are printed or kept by whoever asked, and made again when they are needed."""

RECORD, REPLY, PACK = "paper_record", "paper_reply", "paper_pack"


def papers_folder() -> Path:
    return Path(settings.TROCAR_DATA) / "papers"


def file_of(job: Job) -> Path:
    return papers_folder() / f"{job.pk}.pdf"


def keep(job: Job, content: bytes) -> None:
    """Put the paper in place in one step, for its owner only; what is older than a day is thrown away."""
    folder = papers_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in folder.glob("*.pdf*"):
        if time.time() - old.stat().st_mtime > KEPT_S:
            old.unlink(missing_ok=True)
    part = folder / f"{job.pk}.{job.attempt}.pdf.part"
    with open(part, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(content)
    os.replace(part, file_of(job))


def _of_case(make: Callable[[Case, Person], bytes]) -> Callable[[Job, Tell], dict[str, Any]]:
    def run(job: Job, tell: Tell) -> dict[str, Any]:
        tell("Reading the record", 0.1)
        case = Case.objects.select_related("patient", "referrer").get(number=job.case_number)
        content = make(case, _asker(job))
        tell("Keeping the paper", 0.95)
        keep(job, content)
        return {"name": job.arguments["name"]}

    return run


def make_pack(job: Job, tell: Tell) -> dict[str, Any]:
    """The pack of ``job.arguments["day"]`` for who asked."""
    by = _asker(job)
    day = date.fromisoformat(job.arguments["day"])
    lines = registry.day_list(by, day)
    pack = words.day_pack(day, lines, by, tell)
    content = pack_pdf(pack)
    tell("Keeping the pack", 0.98)
    keep(job, content)
    return {"name": job.arguments["name"], "cases": len(lines)}


def _asker(job: Job) -> Person:
    return Person.objects.get(pk=job.by_id)


def check(request: HttpRequest, job: Job) -> None:
    """A paper is for who asked for it, as long as they may see what is in it."""
    person = person_of(request)
    if job.by_id != person.pk:
        raise PermissionDenied("Only who asked for this paper may see it; ask for one of your own.")
    if job.kind == PACK:
        require(request, Permission.PRINT_PAPERS)
    else:
        case_for(request, job.case_number)


def may_print_record(person: Person, case: Case) -> bool:
    return person.may(Permission.PRINT_PAPERS) and may_see(person, case)


def may_print_reply(person: Person, case: Case) -> bool:
    """Who prints papers, and the referrer whose letter it is."""
    return may_see(person, case) and (person.may(Permission.PRINT_PAPERS) or case.referrer_id == person.pk)


def leads_to(job: Job) -> str:
    return reverse("papers:paper", args=[job.pk])


KINDS = (
    Kind(RECORD, _of_case(lambda case, by: record_pdf(words.complete_record(case, by))), check, leads_to),
    Kind(REPLY, _of_case(lambda case, by: reply_pdf(words.reply(case, by))), check, leads_to),
    Kind(PACK, make_pack, check, leads_to),
)
