"""A case on paper: its complete record, and the reply to its referrer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from tests.web.papers.conftest import ask, fetch
from tests.web.papers.reading import needs_pdftotext, pages_of
from tests.web.plans.conftest import fields_of, in_position
from trocar import RESEARCH_NOTICE
from trocar.web.audit.models import AuditEvent
from trocar.web.cases.change import change
from trocar.web.cases.models import Referral
from trocar.web.jobs.models import Job
from trocar.web.papers import words

pytestmark = pytest.mark.django_db


def record(case) -> str:
    return f"/cases/{case.number}/papers/record/"


def reply(case) -> str:
    return f"/cases/{case.number}/papers/reply/"


@needs_pdftotext
def test_it_works(as_role, kidney_case, tmp_path: Path) -> None:
    nurse = as_role("ir_nurse")
    content = fetch(nurse, ask(nurse, record(kidney_case)))
    assert content.startswith(b"%PDF-")
    assert b"pdfuaid:part" in content
    pages = pages_of(content, tmp_path)
    for number, page in enumerate(pages, start=1):
        assert RESEARCH_NOTICE in page
        assert "SAMPLE, not a patient" in page
        assert kidney_case.number in page
        assert "Printed 23/11/2026 at 09:00 by Test IR nurse" in page
        assert f"Page {number} of {len(pages)}" in page
    whole = " ".join(pages)
    for said in (
        "Proteinuria, cause unknown",
        "Which glomerular disease?",
        "No known allergies",
        "Test Referrer",
        "left",
    ):
        assert said in whole


def test_every_section_and_its_entries_are_in_the_record(people, kidney_case) -> None:
    made = words.complete_record(kidney_case, people["ir_nurse"])
    titles = [chapter.title for chapter in made.chapters]
    assert titles == [section.title for section in words.sections()]
    assert {"Referral", "Assessment", "Consent", "Needle path", "Slot and bed"} <= set(titles)
    referral = made.chapters[titles.index("Referral")]
    assert referral.entries[0].signed == "Test Referrer, 23/11/2026 at 09:00"


def test_the_record_ends_with_the_last_hash_of_the_audit_log(people, kidney_case) -> None:
    made = dict(words.complete_record(kidney_case, people["ir_nurse"]).audit)
    last = AuditEvent.objects.filter(case_number=kidney_case.number).order_by("sequence").last()
    assert made["Last hash"].replace(" ", "") == last.hash
    assert made["Rows"] == str(last.sequence)
    assert made["Checked at printing"] == "The chain is unbroken."


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the trigger is taken away by SQLite's own words")
def test_a_broken_chain_is_said_on_the_paper(people, kidney_case) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_auditevent'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute("UPDATE audit_auditevent SET action = 'Something else' WHERE sequence = 1")
    made = dict(words.complete_record(kidney_case, people["ir_nurse"]).audit)
    assert made["Checked at printing"].startswith("THE CHAIN IS BROKEN")


def test_what_was_written_down_later_shows_both_times(people, kidney_case) -> None:
    with change(
        people["ir_doctor"],
        kidney_case,
        "Returned",
        reason="Imaging is missing",
        happened_at=datetime(2026, 11, 22, 15, 30, tzinfo=UTC),
    ) as ch:
        ch.move("return_to_referrer")
    (_, returned) = words.history(kidney_case)
    assert returned[0] == "22/11/2026 at 15:30 (entered 23/11/2026 at 09:00)"
    assert returned[2:] == ("Test IR doctor", "Imaging is missing")


def test_printing_is_on_the_record(as_role, kidney_case) -> None:
    ask(as_role("ir_nurse"), record(kidney_case))
    last = AuditEvent.objects.filter(case_number=kidney_case.number).order_by("sequence").last()
    assert (last.action, last.actor_username) == ("Printed: complete record", "test-ir_nurse")


def test_asked_twice_is_made_once(as_role, kidney_case) -> None:
    nurse = as_role("ir_nurse")
    first, second = (nurse.post(record(kidney_case))["Location"] for _ in range(2))
    assert first == second
    assert Job.objects.count() == 1


@pytest.mark.parametrize("role", ["referrer", "laboratory", "manager", "auditor"])
def test_who_may_not_print_the_record(as_role, kidney_case, role: str) -> None:
    assert as_role(role).post(record(kidney_case)).status_code == 403
    assert not Job.objects.exists()


def test_nobody_fetches_another_persons_paper(as_role, kidney_case) -> None:
    job = ask(as_role("ir_nurse"), record(kidney_case))
    assert as_role("ir_doctor").get(f"/papers/{job.pk}.pdf").status_code == 403
    assert as_role("ir_doctor").get(f"/jobs/{job.pk}/").status_code == 403


def test_a_paper_is_thrown_away_after_a_day(as_role, kidney_case, data: Path) -> None:
    import os

    nurse = as_role("ir_nurse")
    job = ask(nurse, record(kidney_case))
    file = data / "papers" / f"{job.pk}.pdf"
    assert file.stat().st_mode & 0o077 == 0, "only its owner reads it"
    os.utime(file, (0, 0))
    ask(nurse, reply(kidney_case))
    answer = nurse.get(f"/papers/{job.pk}.pdf")
    assert answer.status_code == 404
    assert "thrown away after a day" in answer.content.decode()


@needs_pdftotext
def test_the_reply_goes_to_the_referrer(as_role, kidney_case, tmp_path: Path) -> None:
    referrer = as_role("referrer")
    whole = " ".join(pages_of(fetch(referrer, ask(referrer, reply(kidney_case))), tmp_path))
    assert "Dear Test Referrer," in whole
    assert "We have your referral, and it is being assessed." in whole
    assert "model, not outcome" not in whole


def test_a_returned_referral_says_why(people, kidney_case) -> None:
    with change(people["ir_doctor"], kidney_case, "Returned", reason="The CT report is missing") as ch:
        ch.move("return_to_referrer")
    letter = words.reply(kidney_case, people["ir_doctor"])
    assert "We return your referral and ask you to look at it again." in letter.paragraphs
    assert "The reason: The CT report is missing" in letter.paragraphs


def test_another_referrer_gets_no_reply(as_role, people, kidney_case) -> None:
    from trocar.web.accounts.models import Person

    other = Person.objects.create_user("test-other", full_name="Test other referrer", role="referrer")
    client = as_role("referrer")
    client.force_login(other, "trocar.web.accounts.backends.PasswordBackend")
    assert client.post(reply(kidney_case)).status_code == 403


def test_names_in_any_script_and_markup_are_printed_as_they_are(people, kidney_case) -> None:
    from trocar.documents.case_papers import record_pdf

    patient = kidney_case.patient
    patient.family_name, patient.given_name = "О’Брайен-王 #set text(red)", "“José” \u202eevil $x$ محمد"
    patient.save()
    with change(people["referrer"], kidney_case, "Wrote the referral") as ch:
        ch.save(
            Referral.objects.get(case=kidney_case),
            {"indication": "#panic() *bold*\nsecond line " + "long" * 200},
        )
    assert record_pdf(words.complete_record(kidney_case, people["ir_nurse"])).startswith(b"%PDF-")


@pytest.mark.samples
def test_the_accepted_path_is_printed_with_its_pictures(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    doctor = as_role("ir_doctor")
    where = f"/cases/{kidney_case.number}/plan/accept/{plan_id}/1/"
    doctor.post(where, fields_of(doctor.get(where).content.decode()) | {"site_agrees": "on"})
    chapters = {c.title: c for c in words.complete_record(kidney_case, doctor_of(doctor)).chapters}
    pictures = chapters["Needle path"].pictures
    assert [p.png[:4] for p in pictures] == [b"\x89PNG", b"\x89PNG"]
    assert all("needle drawn in" in p.alt for p in pictures)
    content = fetch(doctor, ask(doctor, record(kidney_case)))
    assert content.count(b"/Subtype /Image") + content.count(b"/Subtype/Image") >= 2


def doctor_of(client):
    from trocar.web.accounts.models import Person

    return Person.objects.get(pk=client.session["_auth_user_id"])
