"""Whom to tell of a change, and who told them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases.models import Case
from trocar.web.scheduling.models import ToTell

from .conftest import Book

AsRole = Callable[[str], Client]


def form(**changed: Any) -> dict[str, Any]:
    return {"form_token": str(uuid.uuid4()), "seen_version": "1", "reached": "yes", "remark": "", **changed}


def address(task: ToTell) -> str:
    return f"/cases/{task.case.number}/scheduling/told/{task.pk}/"


def test_it_works(kidney: Case, book: Book, as_role: AsRole, people: dict[str, Person]) -> None:
    book(kidney)
    client = as_role("coordinator")
    task = ToTell.objects.get(case=kidney)
    assert (
        "Now Tuesday 24 November 2026 at 09:00 in Ultrasound room."
        in client.get("/to-tell/").content.decode()
    )
    assert client.get(address(task)).status_code == 200
    assert client.post(address(task), form(remark="Will come with her daughter")).status_code == 302
    task.refresh_from_db()
    assert (task.outcome, task.told_by, task.version) == ("told", people["coordinator"], 2)
    assert task.told_at is not None
    assert "Everybody has been told." in client.get("/to-tell/").content.decode()
    kidney.refresh_from_db()
    assert kidney.summary["sections"]["scheduling"]["status"] == "done"
    assert AuditEvent.objects.filter(case_number=kidney.number, action="Told of the change: Patient").exists()


def test_who_was_not_reached_stays_on_the_list(kidney: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    task = ToTell.objects.get(case=kidney)
    client = as_role("coordinator")
    client.post(address(task), form(reached="no", remark="No answer"))
    client.post(address(task), form(reached="no", remark="Engaged", seen_version="2"))
    task.refresh_from_db()
    assert (task.outcome, task.tries, task.told_by) == ("open", 2, None)
    assert "tried 2 times" in client.get("/to-tell/").content.decode()


def test_one_must_say_how_it_went(kidney: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    task = ToTell.objects.get(case=kidney)
    answer = as_role("coordinator").post(address(task), form(reached=""))
    assert answer.status_code == 422
    assert "Choose one: how did it go?." in answer.content.decode() or "Choose one" in answer.content.decode()
    task.refresh_from_db()
    assert task.outcome == "open"


@pytest.mark.parametrize("role", ["ir_nurse", "referrer", "laboratory", "auditor"])
def test_those_who_do_not_schedule_may_not(kidney: Case, book: Book, as_role: AsRole, role: str) -> None:
    book(kidney)
    task = ToTell.objects.get(case=kidney)
    assert as_role(role).get("/to-tell/").status_code == 403
    assert as_role(role).post(address(task), form()).status_code == 403


def test_a_task_of_another_case_is_not_found(kidney: Case, bone: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    task = ToTell.objects.get(case=kidney)
    answer = as_role("coordinator").post(f"/cases/{bone.number}/scheduling/told/{task.pk}/", form())
    assert answer.status_code == 404


def test_two_who_ring_do_not_both_write(kidney: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    task = ToTell.objects.get(case=kidney)
    as_role("coordinator").post(address(task), form(reached="no"))
    late = as_role("ir_doctor").post(address(task), form())
    assert late.status_code == 409
    task.refresh_from_db()
    assert task.outcome == "open"
