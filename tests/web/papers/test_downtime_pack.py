"""The pack for a day without computers: the list, and every case with what is needed in the room."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from tests.web.conftest import referred
from tests.web.papers.conftest import ask, fetch
from tests.web.papers.reading import needs_pdftotext, pages_of
from tests.web.scheduling.conftest import accepted, slot_form
from trocar import RESEARCH_NOTICE
from trocar.web.audit.models import AuditEvent
from trocar.web.cases import registry
from trocar.web.cases.clock import today
from trocar.web.jobs.models import Job
from trocar.web.papers import words

pytestmark = pytest.mark.django_db

UNDER_S = 20.0


def book(as_role, case, **changed: str) -> None:
    accepted(case)
    answer = as_role("coordinator").post(f"/cases/{case.number}/scheduling/slot/", slot_form(**changed))
    assert answer.status_code == 302, answer.content.decode()


def ask_for(client, day: str) -> Job:
    return ask(client, "/papers/", day=day, form_token=str(uuid.uuid4()), seen_version="0")


@needs_pdftotext
def test_it_works(as_role, kidney_case, bone_case, tmp_path: Path) -> None:
    book(as_role, kidney_case)
    book(as_role, bone_case, room="CT room 1", guidance="ct", minutes="60")
    nurse = as_role("ir_nurse")
    pages = pages_of(fetch(nurse, ask_for(nurse, "24/11/2026")), tmp_path)
    assert "Day list of Tuesday 24/11/2026" in pages[0]
    assert kidney_case.number in pages[0]
    assert bone_case.number in pages[0]
    assert "While the computers are down" in pages[0]
    for number, page in enumerate(pages, start=1):
        assert RESEARCH_NOTICE in page
        assert "Printed 23/11/2026 at 09:00 by Test IR nurse" in page
        assert f"Pack page {number} of {len(pages)}" in page
    for case in (kidney_case, bone_case):
        own = [page for page in pages[1:] if case.number in page]
        for number, page in enumerate(own, start=1):
            assert f"case page {number} of {len(own)}" in page
        whole = " ".join(own)
        assert "No known allergies" in own[0]
        for heading in (
            "Needle path",
            "Consent",
            "Sign in",
            "Time out",
            "Sign out",
            "Procedure",
            "Observation chart",
        ):
            assert heading in whole
        for item in case.protocol.checklist.items:
            assert item.question.value.split()[-1] in whole
        assert "T0, last needle or introducer out" in whole


def test_the_chart_asks_for_what_the_protocol_asks(as_role, people, kidney_case, bone_case) -> None:
    book(as_role, kidney_case)
    book(as_role, bone_case, room="CT room 1", guidance="ct", minutes="60")
    lines = registry.day_list(people["ir_nurse"], today().replace(day=24))
    charts = {line.case.number: words.case_pack(line) for line in lines}
    assert "Power and feeling in the legs" in charts[bone_case.number].observations
    assert "Power and feeling in the legs" not in charts[kidney_case.number].observations
    assert charts[bone_case.number].stay == "4 hours"


def test_a_day_without_cases_prints_its_empty_list(as_role) -> None:
    nurse = as_role("ir_nurse")
    assert fetch(nurse, ask_for(nurse, "25/11/2026")).startswith(b"%PDF-")


def test_printing_is_on_the_record_of_every_case(as_role, kidney_case) -> None:
    book(as_role, kidney_case)
    ask_for(as_role("ir_nurse"), "24/11/2026")
    for chain in (kidney_case.number, ""):
        last = AuditEvent.objects.filter(case_number=chain).order_by("sequence").last()
        assert last.action == "Printed the downtime pack"


@pytest.mark.parametrize("day", ["", "yesterday", "31/02/2026", "01/01/2020", "01/01/2030"])
def test_a_day_that_is_none_gets_a_sentence(as_role, day: str) -> None:
    answer = as_role("ir_nurse").post(
        "/papers/", {"day": day, "form_token": str(uuid.uuid4()), "seen_version": "0"}
    )
    assert answer.status_code == 422
    assert "nhsuk-error-message" in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("role", ["referrer", "laboratory", "manager", "auditor"])
def test_who_may_not_print(as_role, role: str) -> None:
    assert as_role(role).get("/papers/").status_code == 403
    assert as_role(role).post("/papers/", {"day": "24/11/2026"}).status_code == 403


def test_a_day_of_twelve_cases_takes_less_than_twenty_seconds(as_role, people) -> None:
    """Half past eight to half past four in two rooms: a full day."""
    cases = []
    for number in range(12):
        kidney = number % 2 == 0
        case = referred(
            people, "kidney_biopsy" if kidney else "bone_biopsy", "", "lower pole" if kidney else "iliac crest", "left",
            **({} if kidney else {"weight_bearing_bone": True, "suspected_primary_bone_tumour": False}),
        )  # fmt: skip
        start = f"24/11/2026 {9 + number // 2:02d}:00"
        room = {} if kidney else {"room": "CT room 1", "guidance": "ct"}
        book(as_role, case, start=start, **room)
        cases.append(case)
    nurse = as_role("ir_nurse")
    began_s = time.monotonic()
    job = ask_for(nurse, "24/11/2026")
    took_s = time.monotonic() - began_s
    assert job.result["cases"] == 12
    assert took_s < UNDER_S
    assert fetch(nurse, job).startswith(b"%PDF-")
