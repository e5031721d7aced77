"""The demo's cases through the real planner, from the sample CT to their pages."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from tests.integration.web.test_pages import SCHEMA, main_of
from trocar.web.plans.demo_cases import demo_cases, fetch_samples
from trocar.web.plans.plan_folder import every
from trocar.web.plans.planning_thread import PlanningThread

pytestmark = pytest.mark.samples

CASES = {case.id: case for case in demo_cases()}


@pytest.mark.parametrize(
    "case_id",
    [
        "bone-iliac-crest",
        pytest.param("bone-l3", marks=pytest.mark.prove),
        pytest.param("kidney-left", marks=pytest.mark.prove),
    ],
)
def test_a_sample_case_is_planned_and_shown(visitor: Client, data: Path, case_id: str) -> None:
    thread = PlanningThread(data, [CASES[case_id]], fetch_samples, lambda _: None)
    thread.start()
    thread.join(600)
    (folder,) = every(data)
    assert (folder.card.state, folder.card.message) == ("planned", "")

    plan = visitor.get(f"/plans/{case_id}/plan.json").json()
    jsonschema.validate(plan, json.loads(SCHEMA.read_text()))
    assert plan["paths"], "on the sample CT a path exists for each of these cases"

    words = main_of(visitor.get(f"/plans/{case_id}/").content.decode())
    assert f"{len(plan['paths'])} path" in words
    assert "within the protocol's limits" in words
    for warning in plan["warnings"]:
        assert warning["text"] in words.replace("&quot;", '"')
    for picture in ("along/0", "axial/40", "down/40", "coronal/40", "sagittal/40"):
        assert visitor.get(f"/plans/{case_id}/paths/1/slices/{picture}.png").content[:4] == b"\x89PNG"
    assert visitor.get(f"/plans/{case_id}/plan.pdf").content[:5] == b"%PDF-"
    assert b"<html" in visitor.get(f"/plans/{case_id}/plan.html").content
    with zipfile.ZipFile(io.BytesIO(visitor.get(f"/plans/{case_id}/dicom.zip").content)) as archive:
        assert len(archive.namelist()) > 3
        assert archive.testzip() is None


def test_the_three_cases_are_samples_of_both_procedures() -> None:
    assert list(CASES) == ["kidney-left", "bone-l3", "bone-iliac-crest"]
    assert all(case.card.sample for case in CASES.values())
