"""The first page: each room's list of a day, who is ready and why not, and whose the next action is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.web.conftest import referred
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.audit.models import SeenEvent
from trocar.web.audit.stream import stream
from trocar.web.cases.models import Case
from trocar.web.scheduling.day import ASKED_FOR, before_the_needle, readiness
from trocar.web.scheduling.models import Booking

from .conftest import CT_SLOT, Book, accepted

AsRole = Callable[[str], Client]
DAY = "/?date=2026-11-24"
MOST_QUERIES = 12


def test_it_works(kidney: Case, bone: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    book(bone, **CT_SLOT)
    page = as_role("ir_nurse").get(DAY).content.decode()
    assert "Tuesday 24 November 2026" in page
    for said in (
        "CT room 1",
        "1. 09:00 to 10:00",
        "Ultrasound room",
        "1. 09:00 to 09:45",
        "Left",
        "lower pole",
    ):
        assert said in page
    assert "SAMPLE, Patient 943" in page
    assert "(sample)" in page
    assert "Nobody is booked." in page


def test_without_a_date_it_is_today(as_role: AsRole, db: None) -> None:
    assert "Today, Monday 23 November 2026" in as_role("coordinator").get("/").content.decode()


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "9999-12-31", "", "1", "2026-11-24' OR 1=1"])
def test_a_date_that_is_none_shows_today(as_role: AsRole, db: None, date: str) -> None:
    answer = as_role("coordinator").get("/", {"date": date})
    assert answer.status_code == 200
    assert "Today" in answer.content.decode()


def test_the_list_is_in_the_order_of_the_slots(
    kidney: Case, people: dict[str, Person], book: Book, as_role: AsRole
) -> None:
    second = accepted(referred(people, "kidney_biopsy", "4010232137", "lower pole", "right"))
    book(kidney, start="24/11/2026 11:00")
    book(second, start="24/11/2026 09:00")
    page = as_role("coordinator").get(DAY).content.decode()
    assert page.index(second.number) < page.index(kidney.number)


def test_the_day_is_londons_day(kidney: Case, book: Book, as_role: AsRole) -> None:
    """00:30 on 1 July in London is still 30 June in UTC."""
    Case.objects.filter(pk=kidney.pk).update(urgency="emergency")
    book(kidney, start="01/07/2027 00:30")
    assert kidney.number in as_role("coordinator").get("/?date=2027-07-01").content.decode()
    assert kidney.number not in as_role("coordinator").get("/?date=2027-06-30").content.decode()


def test_a_case_that_is_not_ready_says_why_and_whose_the_next_action_is(
    kidney: Case, book: Book, as_role: AsRole
) -> None:
    book(kidney)
    page = as_role("coordinator").get(DAY).content.decode()
    assert "Not ready" in page
    assert "To tell: Patient." in page
    assert "1 to tell" in page


def test_what_must_be_done_before_the_needle_follows_the_table_of_stages() -> None:
    assert ASKED_FOR == ("referral", "vetting", "scheduling", "consent", "plan")
    assert set(ASKED_FOR) <= set(before_the_needle())
    assert "checklist" not in before_the_needle()


def summary_of(status: str, at: datetime, **sections: str) -> dict[str, Any]:
    return {
        "at": at.isoformat(),
        "sections": {
            key: {"status": sections.get(key, status), "summary": "", "problems": []}
            for key in before_the_needle()
        },
    }


NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_case_is_ready_only_if_every_section_is_done(kidney: Case) -> None:
    kidney.stage = Stage.BOOKED
    kidney.summary = summary_of("done", NOW)
    assert readiness(kidney) == ("ready", ())
    for key in before_the_needle():
        kidney.summary = summary_of("done", NOW, **{key: "to do"})
        assert readiness(kidney)[0] == "not ready", key


def test_a_section_that_nobody_gives_is_not_assessed(kidney: Case) -> None:
    kidney.stage = Stage.BOOKED
    kidney.summary = summary_of("done", NOW)
    del kidney.summary["sections"]["vetting"]
    assert readiness(kidney) == ("not ready", ("Vetting: not assessed.",))


def test_yesterdays_answer_is_not_shown_as_todays(kidney: Case) -> None:
    """Results and medicines grow old over night."""
    kidney.stage = Stage.BOOKED
    kidney.summary = summary_of("done", NOW - timedelta(days=1))
    assert readiness(kidney)[0] == "not assessed"
    kidney.summary = {}
    assert readiness(kidney)[0] == "not assessed"


def test_the_list_can_be_assessed_again(
    kidney: Case, book: Book, as_role: AsRole, at: Callable[[datetime], Any]
) -> None:
    book(kidney)
    client = as_role("ir_nurse")
    with at(datetime(2026, 11, 24, 8, tzinfo=UTC)):
        assert "Not assessed today" in client.get(DAY).content.decode()
        assert client.post("/day/assess/", {"date": "2026-11-24"}).status_code == 302
        assert "Not assessed today" not in client.get(DAY).content.decode()
    assert client.get("/day/assess/").status_code == 405
    assert as_role("referrer").post("/day/assess/", {"date": "2026-11-24"}).status_code == 403


def test_a_referrer_sees_the_own_patients_only(
    kidney: Case, bone: Case, people: dict[str, Person], book: Book, as_role: AsRole
) -> None:
    book(kidney)
    book(bone, **CT_SLOT)
    other = Person.objects.create_user(
        username="test-other", full_name="Test other referrer", role="referrer"
    )
    Case.objects.filter(pk=bone.pk).update(referrer=other)
    page = as_role("referrer").get(DAY).content.decode()
    assert kidney.number in page
    assert bone.number not in page
    assert "You see the patients whom you referred." in page


@pytest.mark.parametrize("role", ["laboratory", "manager", "auditor"])
def test_who_sees_no_cases_sees_no_list(kidney: Case, book: Book, as_role: AsRole, role: str) -> None:
    book(kidney)
    answer = as_role(role).get(DAY)
    assert answer.status_code == 200
    assert kidney.number not in answer.content.decode()
    assert "Your role sees no cases" in answer.content.decode()
    assert as_role(role).get("/week/").status_code == 403


def test_the_live_part_answers_only_if_something_changed(kidney: Case, book: Book, as_role: AsRole) -> None:
    client = as_role("ir_nurse")
    page = client.get(DAY)
    mark = page.context["mark"]
    assert f"mark={mark}" in page.content.decode()
    same = client.get(f"{DAY}&mark={mark}", headers={"HX-Request": "true"})
    assert same.status_code == 204
    book(kidney)
    new = client.get(f"{DAY}&mark={mark}", headers={"HX-Request": "true"})
    assert new.status_code == 200
    assert kidney.number in new.content.decode()
    assert "<html" not in new.content.decode()


def test_reading_the_list_is_on_the_record(as_role: AsRole, people: dict[str, Person]) -> None:
    as_role("ir_nurse").get(DAY)
    stream.flush()
    assert SeenEvent.objects.filter(what="day list of 2026-11-24", actor_username="test-ir_nurse").exists()


def test_it_asks_the_database_a_fixed_number_of_times(people: dict[str, Person], as_role: AsRole) -> None:
    """However many cases: the day list of a busy department must not slow down with its length."""
    client = as_role("coordinator")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(DAY).status_code == 200
        return len(asked)

    case = accepted(referred(people, "kidney_biopsy", "4010232137", "lower pole", "left"))
    add_bookings(case, 1)
    queries()  # the session is new at first
    few = queries()
    add_bookings(case, 30)
    assert queries() == few
    assert few <= MOST_QUERIES
    page = client.get(DAY).content.decode()
    assert page.count("1 to tell") == 31


def add_bookings(case: Case, count: int) -> None:
    """Bookings of that many further cases of the same patient, right in the database."""
    from trocar.web.scheduling.models import Room, ToTell

    rooms = list(Room.objects.filter(in_use=True))
    for _ in range(count):
        n = Booking.objects.count()
        copy = Case.objects.get(pk=case.pk)
        copy.pk, copy.number = None, f"T-26-9{n:05d}"
        copy.stage = Stage.BOOKED
        copy.save()
        start = datetime(2026, 11, 24, 8, tzinfo=UTC) + timedelta(minutes=15 * n)
        who = {"happened_at": start, "changed_at": start, "changed_by": case.referrer, "version": 1}
        Booking.objects.create(
            case=copy,
            room=rooms[n % len(rooms)],
            start=start,
            end=start + timedelta(minutes=15),
            guidance="ct",
            **who,
        )
        ToTell.objects.create(case=copy, whom="patient", sentence=str(uuid.uuid4()), since=start, **who)


def test_the_week_shows_how_full_each_room_is(kidney: Case, bone: Case, book: Book, as_role: AsRole) -> None:
    book(kidney)
    book(bone, **CT_SLOT)
    page = as_role("radiographer").get("/week/?date=2026-11-26")
    assert "Week of 23 November 2026" in page.content.decode()
    assert "1 case, 45 minutes" in page.content.decode()
    assert "1 case, 60 minutes" in page.content.decode()
    christmas = as_role("radiographer").get("/week/?date=2026-12-25").content.decode()
    assert "Closed: bank holiday, Christmas Day" in christmas
