"""The job that plans: from files to a plan's folder, with its progress on the plan's card."""

from __future__ import annotations

import logging
import shutil
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from trocar.errors import InputRefused, SeriesChoice, TrocarError
from trocar.web.accounts.access import require
from trocar.web.accounts.roles import Permission
from trocar.web.cases.access import case_for
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.jobs.kinds import Kind, Tell
from trocar.web.jobs.models import Job
from trocar.web.plans.asking import KIND, card_is_planned
from trocar.web.plans.plan_folder import Card, PlanFolder, plans_folder, write_card
from trocar.web.plans.sample_scans import sample_question
from trocar.workflow.plan_case import CaseQuestion, plan_case, write_case

log = logging.getLogger("trocar.web.plans")

PLANNING_SHARE = 0.6
"""Of a plan's time; the rest goes into pictures, sheets and DICOM files."""
CARD_PAUSE_S = 0.2
FAULT = "Trocar has a fault and could not plan this case; the terminal in which its worker runs says more."


def plan_ct(job: Job, tell: Tell) -> dict[str, Any]:
    """Plan what ``job.arguments`` asks for into the plan's folder.

    A folder that an earlier attempt has finished stays; anything else is made anew, with what was left removed.
    """
    asked = job.arguments
    path = plans_folder(settings.TROCAR_DATA) / asked["plan_id"]
    if card_is_planned(path):
        return {"plan_id": asked["plan_id"]}
    shutil.rmtree(path, ignore_errors=True)
    card = Card(asked["title"], sample=asked["sample"], order=asked.get("order", 1000))
    write_card(path, card)
    folder = PlanFolder(path, card).with_card(state="planning", message="Reading the CT")
    try:
        try:
            _plan(asked, folder, _on_the_card(folder, tell))
        except SeriesChoice as error:
            offered = "; ".join(f"{uid} ({words})" for uid, words in error.choices)
            raise InputRefused(
                f"The scan holds several series. Ask again and name one of them: {offered}."
            ) from error
    except TrocarError as error:
        folder.with_card(state="failed", message=str(error), fraction=0.0)
        raise
    except Exception:
        folder.with_card(state="failed", message=FAULT, fraction=0.0)
        raise
    return {"plan_id": asked["plan_id"]}


def _plan(asked: dict[str, Any], folder: PlanFolder, tell: Tell) -> None:
    started_s = time.monotonic()
    question = question_of(asked, tell)

    def planning(what: str, share: float) -> None:
        tell(what if share < 1 else "Drawing the sheet", PLANNING_SHARE * share)

    case = plan_case(question, date.today(), planning)
    write_case(
        case,
        folder.path,
        datetime.now(UTC),
        lambda what, share: tell(what, PLANNING_SHARE + (1 - PLANNING_SHARE) * share),
        time.monotonic() - started_s,
    )
    structures = question.structures
    folder.with_card(
        state="planned", message="", fraction=1.0, ct=str(question.pictures[0]), structures=structures
    )


def question_of(asked: dict[str, Any], tell: Tell) -> CaseQuestion:
    """The question to the planner. Of a sample, its files are fetched first. Raises TrocarError."""
    if asked.get("sample_scan"):
        question = sample_question(asked["sample_scan"], tell)
        pictures, structures, mask = question.pictures, question.structures, question.target_mask
    else:
        pictures = tuple(Path(file) for file in asked["pictures"])
        structures, mask = tuple(asked.get("structures") or ()), asked.get("target_mask")
    return CaseQuestion(
        pictures=pictures,
        structures=structures,
        target_mask=mask,
        protocol=asked["protocol"],
        side=asked.get("side"),
        target_name=asked.get("target_name") or None,
        guidance=asked.get("guidance"),
        position=asked.get("position"),
        needle=asked.get("needle"),
        series=asked.get("series") or None,
        department=Path(settings.TROCAR_DEPARTMENT) if settings.TROCAR_DEPARTMENT else None,
    )


def _on_the_card(folder: PlanFolder, tell: Tell) -> Tell:
    """Tells the job and, now and then, the card, which the pages of plans read."""
    last_s = 0.0

    def both(words: str, share: float) -> None:
        nonlocal last_s
        tell(words, share)
        now_s = time.monotonic()
        if now_s - last_s >= CARD_PAUSE_S:
            last_s = now_s
            folder.with_card(state="planning", message=words, fraction=share)

    return both


def record(job: Job, result: dict[str, Any]) -> None:
    """Say on the case's record that the plan is there."""
    _note(job, "Planned the needle path", "planned")


def record_failure(job: Job, sentence: str) -> None:
    _note(job, "The needle path could not be planned", sentence)


def _note(job: Job, action: str, outcome: str) -> None:
    case = Case.objects.filter(number=job.case_number).first()
    if case is not None and job.by is not None:
        with change(job.by, case, action) as ch:
            ch.note(f"plan {job.arguments['plan_id']}", {"outcome": (None, outcome)})


def check(request: HttpRequest, job: Job) -> None:
    """Who may see the case may see its planning."""
    if job.case_number:
        case_for(request, job.case_number)
    else:
        require(request, Permission.SEE_CASES)


def leads_to(job: Job) -> str:
    return reverse("plans:plan", args=[job.arguments["plan_id"]])


PLANNING = Kind(KIND, plan_ct, check, leads_to, record, record_failure)
