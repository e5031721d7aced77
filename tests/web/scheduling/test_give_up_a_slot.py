"""Postponing, cancelling, changing places: the room is free again, and people hear of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import referred
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.scheduling.actions import give_up_slot
from trocar.web.scheduling.models import BedBooking, Booking, TakenTime, ToTell

from .conftest import Book, accepted

AsRole = Callable[[str], Client]


def reason(**changed: Any) -> dict[str, Any]:
    return {"form_token": str(uuid.uuid4()), "seen_version": "0", "reason": "Patient has a fever", **changed}


@pytest.mark.parametrize(
    ("move", "stage", "status"),
    [("postpone", Stage.ACCEPTED, "postponed"), ("cancel", Stage.CANCELLED, "cancelled")],
)
def test_it_works(kidney: Case, book: Book, as_role: AsRole, move: str, stage: Stage, status: str) -> None:
    book(kidney)
    client = as_role("coordinator")
    bed = {
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
        "ward": "Ward 7",
        "accepted_by": "Sample nurse",
    }
    client.post(f"/cases/{kidney.number}/scheduling/bed/", {**bed, "first_night": "24/11/2026"})
    assert client.post(f"/cases/{kidney.number}/scheduling/{move}/", reason()).status_code == 302
    kidney.refresh_from_db()
    assert kidney.at_stage is stage
    assert Booking.objects.get().status == status
    assert not TakenTime.objects.exists()
    assert not BedBooking.objects.get().holds
    told = ToTell.objects.filter(outcome="open").order_by("pk")
    assert [task.whom for task in told] == ["patient", "ward", "referrer"]
    assert told[0].sentence == "Cancelled; was Tuesday 24 November 2026 at 09:00 in Ultrasound room."
    assert AuditEvent.objects.filter(case_number=kidney.number, reason="Patient has a fever").exists()
    page = client.get(f"/cases/{kidney.number}/scheduling/").content.decode()
    assert "Slots given up" in page


def test_the_time_can_be_booked_again_and_the_case_gets_another_slot(
    kidney: Case, people: dict[str, Person], book: Book, as_role: AsRole
) -> None:
    book(kidney)
    as_role("coordinator").post(f"/cases/{kidney.number}/scheduling/postpone/", reason())
    other = accepted(referred(people, "kidney_biopsy", "4010232137", "lower pole", "right"))
    assert book(other).status_code == 302
    assert book(kidney, start="25/11/2026 09:00").status_code == 302
    assert Booking.objects.filter(case=kidney).count() == 2


@pytest.mark.parametrize("move", ["postpone", "cancel"])
def test_a_reason_is_asked(kidney: Case, book: Book, as_role: AsRole, move: str) -> None:
    book(kidney)
    answer = as_role("coordinator").post(f"/cases/{kidney.number}/scheduling/{move}/", reason(reason=" "))
    assert answer.status_code == 422
    assert Booking.objects.get().status == "holds"


def test_a_case_without_a_slot_is_not_postponed(kidney: Case, as_role: AsRole) -> None:
    answer = as_role("coordinator").post(f"/cases/{kidney.number}/scheduling/postpone/", reason())
    assert answer.status_code == 409
    assert "not possible" in answer.content.decode()


@pytest.mark.parametrize("role", ["ir_nurse", "referrer", "laboratory"])
def test_those_who_do_not_schedule_may_not(kidney: Case, book: Book, as_role: AsRole, role: str) -> None:
    book(kidney)
    for page in ("postpone", "cancel", "bed", "arrangements", "earlier", "bed/give-up"):
        assert as_role(role).post(f"/cases/{kidney.number}/scheduling/{page}/", reason()).status_code == 403
    assert Booking.objects.get().status == "holds"


def test_a_case_that_ends_on_another_page_frees_its_slot(
    kidney: Case, people: dict[str, Person], book: Book
) -> None:
    """Whoever takes the move: here the doctor cancels outside the pages of scheduling."""
    book(kidney)
    with change(people["ir_doctor"], kidney, "Cancelled", reason="Platelets of 20") as ch:
        ch.move("cancel")
    assert Booking.objects.get().status == "cancelled"
    assert not TakenTime.objects.exists()


def test_giving_up_what_is_not_there_does_nothing(kidney: Case, people: dict[str, Person]) -> None:
    with change(people["coordinator"], kidney, "Nothing") as ch:
        give_up_slot(ch, Booking.Status.CANCELLED)
        assert not ch.wrote


def test_two_change_places(kidney: Case, people: dict[str, Person], book: Book, as_role: AsRole) -> None:
    """09:00 to 09:45 and 09:45 to 10:45: the second goes first, lengths stay, both hear of it."""
    second = accepted(referred(people, "kidney_biopsy", "4010232137", "lower pole", "right"))
    book(kidney)
    book(second, start="24/11/2026 09:45", minutes="60")
    client = as_role("coordinator")
    sent = reason(seen_version="1")
    assert client.post(f"/cases/{second.number}/scheduling/earlier/", sent).status_code == 302
    times = {b.case_id: (f"{b.slot.start:%H:%M}", f"{b.slot.end:%H:%M}") for b in Booking.objects.all()}
    assert times == {second.pk: ("09:00", "10:00"), kidney.pk: ("10:00", "10:45")}
    assert TakenTime.objects.count() == 21
    assert ToTell.objects.filter(outcome="open", whom="patient").count() == 2
    assert client.post(f"/cases/{second.number}/scheduling/earlier/", sent).status_code in (302, 409)
    assert {b.case_id: f"{b.slot.start:%H:%M}" for b in Booking.objects.all()}[second.pk] == "09:00"


def test_the_first_on_the_list_stays_there(kidney: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    answer = as_role("coordinator").post(
        f"/cases/{kidney.number}/scheduling/earlier/", reason(seen_version="1")
    )
    assert answer.status_code == 409
    assert "the first on the list already" in answer.content.decode()


def test_nobody_changes_places_with_a_patient_who_is_in_the_room(
    kidney: Case, people: dict[str, Person], book: Book, as_role: AsRole
) -> None:
    second = accepted(referred(people, "kidney_biopsy", "4010232137", "lower pole", "right"))
    book(kidney)
    book(second, start="24/11/2026 09:45")
    Case.objects.filter(pk=kidney.pk).update(stage=Stage.SIGNED_IN)
    answer = as_role("coordinator").post(
        f"/cases/{second.number}/scheduling/earlier/", reason(seen_version="1")
    )
    assert answer.status_code == 409
    assert "a slot is not moved at “Signed in”" in answer.content.decode()


def test_a_list_that_has_changed_is_not_reordered(
    kidney: Case, people: dict[str, Person], book: Book, as_role: AsRole
) -> None:
    second = accepted(referred(people, "kidney_biopsy", "4010232137", "lower pole", "right"))
    book(kidney)
    book(second, start="24/11/2026 11:00")
    book(second, start="24/11/2026 13:00")
    answer = as_role("coordinator").post(
        f"/cases/{second.number}/scheduling/earlier/", reason(seen_version="1")
    )
    assert answer.status_code == 409
    assert "changed this" in answer.content.decode()


def test_transport_and_interpreter_are_written_down(kidney: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    client = as_role("coordinator")
    sent = {"form_token": str(uuid.uuid4()), "seen_version": "1", "transport": "on"}
    assert client.post(f"/cases/{kidney.number}/scheduling/arrangements/", sent).status_code == 302
    booking = Booking.objects.get()
    assert (booking.transport, booking.interpreter) == (True, False)


def test_a_bed_is_given_up(kidney: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    client = as_role("coordinator")
    bed = {
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
        "ward": "Ward 7",
        "accepted_by": "Sample nurse",
    }
    client.post(f"/cases/{kidney.number}/scheduling/bed/", {**bed, "first_night": "24/11/2026"})
    sent = {"form_token": str(uuid.uuid4()), "seen_version": "1"}
    assert client.post(f"/cases/{kidney.number}/scheduling/bed/give-up/", sent).status_code == 302
    assert not BedBooking.objects.get().holds
