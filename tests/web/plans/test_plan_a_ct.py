"""Asking for a plan of a case's CT, and the job that makes it with the real planner."""

from __future__ import annotations

import io
import uuid
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from trocar.samples.fetch import sample_path
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.jobs.models import Job
from trocar.web.jobs.running import run_waiting
from trocar.web.plans.models import PlanOfCase

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _data(data: Path) -> None:
    """Every test has a data folder of its own."""


def form(case: Case, **changed) -> dict:
    protocol = case.protocol
    return {
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
        "source": "sample",
        "guidance": protocol.default_guidance,
        "position": protocol.default_position,
        "needle": protocol.needle(None).name,
        **changed,
    }


def ask(client: Client, case: Case, **changed):
    return client.post(f"/cases/{case.number}/plan/ask/", form(case, **changed))


@pytest.mark.samples
def test_it_works(as_role, bone_case, data: Path) -> None:
    doctor = as_role("ir_doctor")
    assert ask(doctor, bone_case, sample_scan="bone-iliac-crest").status_code == 302
    waiting = doctor.get(f"/cases/{bone_case.number}/plan/").content.decode()
    assert "Waiting for its turn" in waiting
    job = Job.objects.get()
    assert job.case_number == bone_case.number
    run_waiting()
    job.refresh_from_db()
    assert (job.state, job.sentence) == ("done", "")
    row = PlanOfCase.objects.get(case=bone_case)
    assert doctor.get(f"/jobs/{job.pk}/")["Location"] == f"/plans/{row.plan_id}/"
    page = doctor.get(f"/plans/{row.plan_id}/").content.decode()
    assert "Accept path 1 for this case" in page
    assert bone_case.patient.name in page
    state = next(s for s in registry.sections() if s.key == "plan").state(bone_case)
    assert state.problems == ("No path is accepted yet.",)


@pytest.mark.samples
def test_a_ct_and_labels_from_the_browser_reach_the_planner(as_role, kidney_case, data: Path) -> None:
    """The upload's name leads nowhere; what the planner reads is what was sent."""
    ct, labels = sample_path("abdomen_ct"), sample_path("abdomen_labels")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("notes.txt", "no CT")
    files = {
        "files": SimpleUploadedFile("../../../etc/Smith John.nii.gz", ct.read_bytes()),
        "structures": [SimpleUploadedFile("labels.nii.gz", labels.read_bytes())],
    }
    assert ask(as_role("radiographer"), kidney_case, source="files", **files).status_code == 302
    arguments = Job.objects.get().arguments
    kept = Path(arguments["pictures"][0])
    assert kept.parent.parent.parent == data / "uploads"
    assert kept.name == "0001-Smith-John.nii.gz"
    assert kept.read_bytes() == ct.read_bytes()
    assert arguments["side"] == "left"
    assert "Smith" not in str(PlanOfCase.objects.get().asked), "a file's name may hold a patient's"


def test_a_file_that_is_no_ct_says_so_and_can_be_tried_again(as_role, kidney_case) -> None:
    doctor = as_role("ir_doctor")
    files = {
        "files": SimpleUploadedFile("scan.nii.gz", b"no picture at all"),
        "structures": [SimpleUploadedFile("labels.nii.gz", b"none either")],
    }
    ask(doctor, kidney_case, source="files", **files)
    run_waiting()
    job = Job.objects.get()
    assert job.state == "failed"
    assert "NIfTI" in job.sentence
    state = next(s for s in registry.sections() if s.key == "plan").state(kidney_case)
    assert state.problems == (job.sentence,)
    page = doctor.get(f"/cases/{kidney_case.number}/plan/").content.decode()
    assert "Try again" in page
    assert doctor.post(f"/jobs/{job.pk}/again/").status_code == 302
    job.refresh_from_db()
    assert (job.state, job.attempt, job.sentence) == ("waiting", 2, "")


def test_a_folder_on_the_server_is_offered_by_name(as_role, kidney_case, data: Path, tmp_path: Path) -> None:
    (data / "incoming" / "series").mkdir(parents=True)
    (data / "incoming" / ".hidden").mkdir()
    (data / "incoming" / "elsewhere").symlink_to("/etc")
    page = as_role("ir_doctor").get(f"/cases/{kidney_case.number}/plan/ask/").content.decode()
    assert 'value="series"' in page
    assert "hidden" not in page.split("<main")[1].replace('type="hidden"', "").replace("visually-hidden", "")
    assert 'value="elsewhere"' not in page
    for name in ("../secret-key", "elsewhere", "/etc", "nobody"):
        answer = ask(
            as_role("ir_doctor"), kidney_case, source="folder", folder=name, folder_structures="series"
        )
        assert answer.status_code == 422, name
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"source": ""}, "Choose one: which ct?."),
        ({"source": "files"}, "Choose what is to be planned on."),
        ({"sample_scan": ""}, "Choose what is to be planned on."),
        ({"sample_scan": "bone-l3"}, "Choose one of those that are offered."),
        ({"sample_scan": "kidney-left", "guidance": "guesswork"}, "Choose one of those that are offered."),
        ({"sample_scan": "kidney-left", "position": ""}, "Choose one: position of the patient"),
        ({"sample_scan": "kidney-left", "needle": "none"}, "Choose one of those that are offered."),
    ],
)
def test_bad_input_gets_a_sentence_and_asks_for_nothing(as_role, kidney_case, changed, sentence: str) -> None:
    answer = ask(as_role("ir_doctor"), kidney_case, **changed)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Job.objects.exists()


def test_without_a_side_nothing_is_planned(as_role, people, kidney_case) -> None:
    with change(people["referrer"], kidney_case, "Wrote the referral") as ch:
        ch.set_case({"side": ""})
    answer = ask(as_role("ir_doctor"), kidney_case, sample_scan="kidney-left")
    assert answer.status_code == 422
    assert "The case does not say its side" in answer.content.decode()


def test_a_real_patient_is_never_planned_on_a_sample(as_role, kidney_case) -> None:
    Case.objects.filter(pk=kidney_case.pk).update(is_sample=False)
    page = as_role("ir_doctor").get(f"/cases/{kidney_case.number}/plan/ask/").content.decode()
    assert "sample_scan" not in page
    assert ask(as_role("ir_doctor"), kidney_case, sample_scan="kidney-left").status_code == 422


@pytest.mark.parametrize("role", ["ir_nurse", "coordinator", "referrer", "laboratory", "manager", "auditor"])
def test_who_may_not_plan(as_role, kidney_case, role: str) -> None:
    assert as_role(role).get(f"/cases/{kidney_case.number}/plan/ask/").status_code == 403
    assert ask(as_role(role), kidney_case, sample_scan="kidney-left").status_code == 403
    assert not Job.objects.exists()


def test_a_form_sent_twice_asks_once(as_role, kidney_case, data: Path) -> None:
    doctor = as_role("ir_doctor")
    values = form(kidney_case, sample_scan="kidney-left")
    for _ in range(2):
        assert doctor.post(f"/cases/{kidney_case.number}/plan/ask/", values).status_code == 302
    assert Job.objects.count() == PlanOfCase.objects.count() == 1
    assert len(list((data / "plans").iterdir())) == 1
