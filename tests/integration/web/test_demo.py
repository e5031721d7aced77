"""The demo's plans through the real planner, from the sample CT to their pages."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from tests.integration.web.test_pages import SCHEMA, main_of
from trocar.web.jobs.models import Job
from trocar.web.jobs.running import run_waiting
from trocar.web.plans.plan_folder import Card, every, find, write_card
from trocar.web.plans.sample_plans import ask_for_sample_plans, mark_interrupted
from trocar.web.plans.sample_scans import SAMPLE_SCANS

pytestmark = pytest.mark.samples


@pytest.mark.parametrize(
    "plan_id",
    [
        "bone-iliac-crest",
        pytest.param("bone-l3", marks=pytest.mark.prove),
        pytest.param("kidney-left", marks=pytest.mark.prove),
    ],
)
def test_a_sample_is_planned_and_shown(visitor: Client, data: Path, plan_id: str) -> None:
    ask_for_sample_plans(data)
    Job.objects.exclude(key=f"plan_ct {plan_id}").delete()
    run_waiting()
    folder = find(data, plan_id)
    assert folder is not None
    assert (folder.card.state, folder.card.message) == ("planned", "")

    plan = visitor.get(f"/plans/{plan_id}/plan.json").json()
    jsonschema.validate(plan, json.loads(SCHEMA.read_text()))
    assert plan["paths"], "on the sample CT a path exists for each of these cases"

    words = main_of(visitor.get(f"/plans/{plan_id}/").content.decode())
    assert f"{len(plan['paths'])} path" in words
    assert "within the protocol's limits" in words
    for warning in plan["warnings"]:
        assert warning["text"] in words.replace("&quot;", '"')
    for picture in ("along/0", "axial/40", "down/40", "coronal/40", "sagittal/40"):
        assert visitor.get(f"/plans/{plan_id}/paths/1/slices/{picture}.png").content[:4] == b"\x89PNG"
    assert visitor.get(f"/plans/{plan_id}/plan.pdf").content[:5] == b"%PDF-"
    assert b"<html" in visitor.get(f"/plans/{plan_id}/plan.html").content
    with zipfile.ZipFile(io.BytesIO(visitor.get(f"/plans/{plan_id}/dicom.zip").content)) as archive:
        assert len(archive.namelist()) > 3
        assert archive.testzip() is None


def test_the_three_plans_are_samples_of_both_procedures(db: None, data: Path) -> None:
    jobs = ask_for_sample_plans(data)
    assert list(SAMPLE_SCANS) == ["kidney-left", "bone-l3", "bone-iliac-crest"]
    assert len(jobs) == 3
    assert [folder.id for folder in every(data)] == list(SAMPLE_SCANS)
    assert all(folder.card.sample for folder in every(data))


def test_what_waits_is_not_asked_for_twice(db: None, data: Path) -> None:
    assert ask_for_sample_plans(data) == ask_for_sample_plans(data)
    assert Job.objects.count() == 3


def test_what_is_planned_is_not_planned_again(db: None, data: Path) -> None:
    folder = data / "plans" / "kidney-left"
    write_card(folder, Card("Kidney", sample=True, state="planned"))
    (folder / "plan.json").write_text("{}")
    assert [job.arguments["plan_id"] for job in ask_for_sample_plans(data)] == ["bone-l3", "bone-iliac-crest"]


def test_a_plan_that_nobody_makes_any_more_says_so(db: None, data: Path) -> None:
    write_card(data / "plans" / "lost", Card("Lost", sample=True, state="planning"))
    ask_for_sample_plans(data)
    mark_interrupted(data)
    states = {folder.id: folder.card.state for folder in every(data)}
    assert states.pop("lost") == "failed"
    assert set(states.values()) == {"waiting"}
