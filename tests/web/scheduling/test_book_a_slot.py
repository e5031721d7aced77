"""A coordinator books a slot, and moves it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from trocar.clinical.opening_hours import LONDON
from trocar.clinical.stages import Stage
from trocar.web.audit.models import AuditEvent
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.scheduling.models import BedBooking, Booking, TakenTime, ToTell

from .conftest import CT_SLOT, Book, slot_form

AsRole = Callable[[str], Client]


def whom(case: Case) -> list[str]:
    return list(
        ToTell.objects.filter(case=case, outcome="open").order_by("pk").values_list("whom", flat=True)
    )


def test_it_works(kidney: Case, book: Book) -> None:
    answer = book(kidney)
    assert answer.status_code == 302
    booking = Booking.objects.get(case=kidney)
    assert booking.slot.start == datetime(2026, 11, 24, 9, tzinfo=LONDON)
    assert (booking.slot.room, booking.slot.minutes, booking.guidance) == (
        "Ultrasound room",
        45,
        "ultrasound",
    )
    assert TakenTime.objects.filter(booking=booking).count() == 9
    kidney.refresh_from_db()
    assert kidney.at_stage is Stage.BOOKED
    assert whom(kidney) == ["patient"]
    assert registry.facts(kidney)["scheduling.start"] == booking.slot.start
    said = AuditEvent.objects.filter(case_number=kidney.number, action="Booked a slot")
    assert any("start" in event.changes for event in said)


def test_the_page_offers_free_starts_and_says_which_need_a_bed(
    kidney: Case, bone: Case, book: Book, as_role: AsRole
) -> None:
    book(kidney)
    page = (
        as_role("coordinator").get(f"/cases/{bone.number}/scheduling/slot/?date=2026-11-24").content.decode()
    )
    assert "CT room 1, 60 minutes" in page
    assert "Ultrasound room" not in page.split("Free on")[1]
    assert "15:30</span>" not in page
    kidney_page = as_role("coordinator").get(f"/cases/{kidney.number}/scheduling/slot/").content.decode()
    assert "(needs a bed)" in kidney_page


def test_a_start_from_the_list_is_filled_in(kidney: Case, as_role: AsRole) -> None:
    address = (
        f"/cases/{kidney.number}/scheduling/slot/?room=Ultrasound+room&start=2026-11-24T10:30:00%2B00:00"
    )
    page = as_role("coordinator").get(address).content.decode()
    assert 'value="24/11/2026 10:30"' in page
    assert 'value="45"' in page


@pytest.mark.parametrize(
    "role", ["ir_nurse", "radiographer", "pharmacist", "laboratory", "manager", "auditor"]
)
def test_those_who_do_not_schedule_may_not(kidney: Case, book: Book, role: str) -> None:
    assert book(kidney, role).status_code == 403
    assert not Booking.objects.exists()


def test_a_referrer_sees_the_slot_of_the_own_patient_and_changes_nothing(
    kidney: Case, book: Book, as_role: AsRole
) -> None:
    book(kidney)
    page = as_role("referrer").get(f"/cases/{kidney.number}/scheduling/")
    assert "Ultrasound room" in page.content.decode()
    assert "Move the slot" not in page.content.decode()
    assert book(kidney, "referrer", start="25/11/2026 09:00").status_code == 403


def test_without_sign_in_one_is_sent_to_sign_in(kidney: Case) -> None:
    answer = Client().get(f"/cases/{kidney.number}/scheduling/slot/")
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"start": ""}, "Fill in: start."),
        ({"start": "32/11/2026 09:00"}, "32"),
        ({"start": "24/11/2026 09:02"}, "A slot begins on full 5 minutes."),
        ({"start": "29/03/2027 01:30"}, "closed"),
        ({"start": "28/03/2027 01:30"}, "clocks go forward"),
        ({"start": "23/11/2026 08:30"}, "This time has passed"),
        ({"start": "24/11/2028 09:00"}, "too far ahead"),
        ({"minutes": ""}, "Fill in: length of the slot."),
        ({"minutes": "42"}, "in steps of 5"),
        ({"minutes": "1000"}, "480"),
        ({"minutes": "45,5"}, "comma"),
        ({"minutes": "an hour"}, "not a number"),
        ({"room": "Cellar"}, "Choose one of those that are offered."),
        ({"room": ""}, "Choose one: room."),
        ({"guidance": "fluoroscopy"}, "Choose one of those that are offered."),
        ({"room": "CT room 1"}, "CT room 1 has no ultrasound."),
        ({"start": "24/11/2026 16:30"}, "outside the opening hours"),
        ({"start": "28/11/2026 09:00"}, "closed on Saturdays"),
        ({"start": "25/12/2026 09:00"}, "bank holiday, Christmas Day"),
        ({"reason": "x" * 1001}, "1,000"),
        ({"form_token": ""}, "open the page again"),
    ],
)
def test_bad_input_gets_a_sentence_keeps_what_was_typed_and_writes_nothing(
    kidney: Case, book: Book, changed: dict[str, str], sentence: str
) -> None:
    before = AuditEvent.objects.filter(case_number=kidney.number).count()
    answer = book(kidney, **changed)
    assert answer.status_code in (409, 422)
    page = answer.content.decode()
    assert sentence in page
    for name, value in changed.items():
        if name in ("start", "minutes") and value:
            assert value in page
    assert not Booking.objects.exists()
    assert AuditEvent.objects.filter(case_number=kidney.number).count() == before


def test_a_room_takes_one_patient_at_a_time(kidney: Case, bone: Case, book: Book) -> None:
    Case.objects.filter(pk=bone.pk).update(protocol_name="kidney_biopsy")
    book(kidney)
    answer = book(bone, start="24/11/2026 09:30")
    assert answer.status_code == 409
    assert "Ultrasound room is taken from 09:00 to 09:45." in answer.content.decode()
    assert Booking.objects.count() == 1


def test_a_form_sent_twice_books_once(kidney: Case, book: Book) -> None:
    token = str(uuid.uuid4())
    book(kidney, form_token=token)
    again = book(kidney, form_token=token, seen_version="0", reason="")
    assert again.status_code == 302
    assert Booking.objects.count() == 1
    assert Booking.objects.get().version == 1


def test_two_who_move_one_case_do_not_overwrite_each_other(kidney: Case, book: Book) -> None:
    book(kidney)
    assert book(kidney, start="24/11/2026 11:00").status_code == 302
    late = book(kidney, start="24/11/2026 13:00", seen_version="1")
    assert late.status_code == 409
    assert "Test Coordinator changed this" in late.content.decode()
    assert Booking.objects.get().slot.start.hour == 11


def test_a_case_that_is_not_accepted_gets_no_slot(kidney_case: Case, book: Book) -> None:
    answer = book(kidney_case)
    assert answer.status_code == 409
    assert "not given or moved at “Referred”" in answer.content.decode()


def test_an_emergency_is_booked_at_night(kidney: Case, book: Book) -> None:
    Case.objects.filter(pk=kidney.pk).update(urgency="emergency")
    assert book(kidney, start="24/11/2026 22:00").status_code == 302


def test_a_slot_that_has_passed_is_entered_from_paper_with_a_reason(kidney: Case, book: Book) -> None:
    answer = book(kidney, start="23/11/2026 08:30", minutes="30", reason="Entered after downtime")
    assert answer.status_code == 302
    event = AuditEvent.objects.filter(case_number=kidney.number, action="Booked a slot").first()
    assert event is not None
    assert event.reason == "Entered after downtime"


def test_moving_needs_a_reason(kidney: Case, book: Book) -> None:
    book(kidney)
    answer = book(kidney, start="24/11/2026 11:00", reason="")
    assert answer.status_code == 422
    assert "Say why the slot is moved" in answer.content.decode()


def test_a_moved_slot_frees_the_old_time_and_lists_whom_to_tell(kidney: Case, bone: Case, book: Book) -> None:
    """Hold dates count from the new start, and the patient, the referrer and whoever was arranged must hear of it."""
    book(kidney)
    Booking.objects.update(transport=True, interpreter=True)
    BedBooking.objects.create(
        case=kidney, ward="Ward 7", accepted_by="Sample ward nurse", first_night=datetime(2026, 11, 24),
        version=1, happened_at=datetime(2026, 11, 23, tzinfo=LONDON), changed_at=datetime(2026, 11, 23, tzinfo=LONDON),
        changed_by=Booking.objects.get().changed_by,
    )  # fmt: skip
    assert book(kidney, start="25/11/2026 10:00").status_code == 302
    assert whom(kidney) == ["patient", "ward", "referrer", "transport", "interpreter"]
    assert ToTell.objects.filter(case=kidney, outcome="overtaken").count() == 1
    assert registry.facts(kidney)["scheduling.start"] == datetime(2026, 11, 25, 10, tzinfo=LONDON)
    Case.objects.filter(pk=bone.pk).update(protocol_name="kidney_biopsy")
    assert book(bone).status_code == 302


def test_a_slot_may_move_by_less_than_its_length(kidney: Case, book: Book) -> None:
    """Its own time is not in its way."""
    book(kidney)
    assert book(kidney, start="24/11/2026 09:15").status_code == 302


def test_a_late_kidney_biopsy_without_a_bed_is_warned_of(kidney: Case, book: Book, as_role: AsRole) -> None:
    """Minimum stay 6 h from 14:15: past the closing time of 19:00."""
    book(kidney, start="24/11/2026 13:30")
    kidney.refresh_from_db()
    problems: list[Any] = kidney.summary["sections"]["scheduling"]["problems"]
    assert any("leave at 20:15 at the earliest" in sentence for sentence in problems)
    client = as_role("coordinator")
    bed = {
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
        "ward": "Ward 7",
        "accepted_by": "Sample ward nurse",
    }
    wrong = client.post(f"/cases/{kidney.number}/scheduling/bed/", {**bed, "first_night": "25/11/2026"})
    assert wrong.status_code == 302
    page = client.get(f"/cases/{kidney.number}/scheduling/").content.decode()
    assert "The bed is for the night of 25/11/2026." in page
    right = {**bed, "form_token": str(uuid.uuid4()), "seen_version": "1", "first_night": "24/11/2026"}
    assert client.post(f"/cases/{kidney.number}/scheduling/bed/", right).status_code == 302
    kidney.refresh_from_db()
    assert not any("earliest" in s for s in kidney.summary["sections"]["scheduling"]["problems"])


def test_what_nobody_assessed_is_said_beside_the_slot(bone: Case, book: Book, as_role: AsRole) -> None:
    """Which medicines must be stopped comes from the assessment; without it the page does not keep silent."""
    book(bone, **CT_SLOT)
    page = as_role("coordinator").get(f"/cases/{bone.number}/scheduling/").content.decode()
    assert "is not assessed" in page


def test_the_form_keeps_hidden_fields(kidney: Case, as_role: AsRole) -> None:
    page = as_role("ir_doctor").get(f"/cases/{kidney.number}/scheduling/slot/").content.decode()
    for name in slot_form():
        assert f'name="{name}"' in page
