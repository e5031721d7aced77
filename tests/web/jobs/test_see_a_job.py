"""A job on its page, for who may see what it is about, while it waits, works, fails and is done again."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.test import Client, override_settings

from trocar.web.jobs.asking import ask, ask_again
from trocar.web.jobs.models import Job
from trocar.web.jobs.running import FAULT, run_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(people, kidney_case, tmp_path: Path):
    with override_settings(TROCAR_DATA=tmp_path):
        yield ask(
            "paper_record",
            "Complete record",
            people["ir_nurse"],
            {"name": "a.pdf"},
            case_number=kidney_case.number,
        )


def test_it_works(as_role, job: Job) -> None:
    nurse = as_role("ir_nurse")
    page = nurse.get(f"/jobs/{job.pk}/").content.decode()
    assert "Waiting for its turn" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    waiting = nurse.get(f"/jobs/{job.pk}/progress.json")
    assert waiting.json() == {"state": "waiting", "words": "", "percent": 0}
    assert waiting["Cache-Control"] == "no-store"
    assert run_waiting() == 1
    assert nurse.get(f"/jobs/{job.pk}/progress.json").json()["state"] == "done"
    assert nurse.get(f"/jobs/{job.pk}/")["Location"] == f"/papers/{job.pk}.pdf"


@pytest.mark.parametrize("part", ["", "progress.json"])
@pytest.mark.parametrize("role", ["ir_doctor", "laboratory", "manager", "auditor"])
def test_who_may_not_see_it(as_role, job: Job, role: str, part: str) -> None:
    assert as_role(role).get(f"/jobs/{job.pk}/{part}").status_code == 403
    assert Client().get(f"/jobs/{job.pk}/{part}").status_code == 302


def test_nobody_else_does_it_again(as_role, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state="failed")
    assert as_role("ir_doctor").post(f"/jobs/{job.pk}/again/").status_code == 403
    assert Client().post(f"/jobs/{job.pk}/again/").status_code == 302
    assert Job.objects.get().state == "failed"
    assert as_role("ir_nurse").get(f"/jobs/{job.pk}/again/").status_code == 405


def test_a_fault_of_ours_is_not_shown_with_its_inner_words(as_role, job: Job, capsys) -> None:
    Job.objects.filter(pk=job.pk).update(case_number="T-26-999999")
    run_waiting()
    job.refresh_from_db()
    assert (job.state, job.sentence) == ("failed", FAULT)


def test_there_is_no_such_job(as_role) -> None:
    for number in (uuid.uuid4(), "1"):
        assert as_role("ir_nurse").get(f"/jobs/{number}/").status_code == 404


def test_what_is_not_failed_is_not_done_again(job: Job) -> None:
    assert ask_again(job) is False
    job.refresh_from_db()
    assert job.attempt == 1


def test_an_unknown_kind_is_refused_when_it_is_asked_for(people) -> None:
    with pytest.raises(KeyError):
        ask("no such kind", "Nothing", people["ir_nurse"], {})
    assert not Job.objects.exists()


def test_work_of_a_newer_version_fails_with_a_sentence(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(kind="of tomorrow")
    run_waiting()
    job.refresh_from_db()
    assert job.sentence == "This version of Trocar does not know this kind of work."
