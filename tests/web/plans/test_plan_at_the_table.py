"""A biopsy without a CT: side, pole, position and needle are decided at the table."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.plans.conftest import fields_of
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.plans.models import PlanDecision

pytestmark = pytest.mark.django_db

VALUES = {
    "side": "left",
    "site": "Lower pole",
    "guidance": "ultrasound",
    "position": "prone",
    "images_saved": "yes",
    "notes": "Cortex 14 mm",
}


def send(client: Client, case: Case, **fields: str):
    where = f"/cases/{case.number}/plan/at-the-table/"
    needle = case.protocol.needles[0].name
    form = fields_of(client.get(where).content.decode()) | VALUES | {"needle": needle} | fields
    return client.post(where, form)


def test_it_works(as_role, kidney_case) -> None:
    doctor = as_role("ir_doctor")
    assert send(doctor, kidney_case).status_code == 302
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted_or_at_table"] is True
    assert facts["plan.accepted"].startswith("at the table ")
    assert (facts["plan.side"], facts["plan.site"]) == ("left", "Lower pole")
    assert facts["plan.structures_near"] == []
    page = as_role("ir_nurse").get(f"/cases/{kidney_case.number}/plan/").content.decode()
    assert "Planned at the table: Left, Lower pole" in page


def test_another_position_is_another_plan(as_role, kidney_case) -> None:
    doctor = as_role("ir_doctor")
    send(doctor, kidney_case)
    before = registry.facts(kidney_case)["plan.accepted"]
    send(doctor, kidney_case, notes="Only the notes change")
    assert registry.facts(kidney_case)["plan.accepted"] == before
    other = next(p for p in kidney_case.protocol.positions if p != "prone")
    send(doctor, kidney_case, position=other)
    assert registry.facts(kidney_case)["plan.accepted"] != before


def test_no_stage_asks_for_a_ct(as_role, kidney_case) -> None:
    """Clinical rules: a case without CT goes the whole way, and none is suggested just to feed the planner."""
    state = next(s for s in registry.sections() if s.key == "plan").state(kidney_case)
    words = " ".join([state.summary, *state.problems, state.next_action.text if state.next_action else ""])
    assert "CT" not in words
    page = as_role("ir_doctor").get(f"/cases/{kidney_case.number}/plan/").content.decode()
    assert "a CT is not needed for that" in page


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("side", "right", "This is of the right, but the case is of the left."),
        ("side", "none", "choose left or right"),
        ("side", "", "Choose one: side."),
        ("site", "", "Fill in: pole or site."),
        ("site", "Upper pole", "The referral says lower pole"),
        ("position", "standing", "Choose one of those that are offered."),
        ("guidance", "", "Choose one: guidance."),
        ("needle", "A knitting needle", "Choose one of those that are offered."),
        ("happened_at", "30/02/2026 10:00", "30"),
    ],
)
def test_bad_input_gets_a_sentence_and_writes_nothing(
    as_role, kidney_case, field: str, value: str, sentence: str
) -> None:
    answer = send(as_role("ir_doctor"), kidney_case, **{field: value})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not PlanDecision.objects.exists()


@pytest.mark.parametrize(
    "role", ["ir_nurse", "radiographer", "coordinator", "referrer", "laboratory", "auditor"]
)
def test_only_an_ir_doctor_decides(as_role, kidney_case, role: str) -> None:
    assert as_role(role).get(f"/cases/{kidney_case.number}/plan/at-the-table/").status_code == 403
    assert as_role(role).post(f"/cases/{kidney_case.number}/plan/at-the-table/", VALUES).status_code == 403
    assert not PlanDecision.objects.exists()


def test_after_time_out_nothing_changes(as_role, kidney_case) -> None:
    doctor = as_role("ir_doctor")
    send(doctor, kidney_case)
    Case.objects.filter(pk=kidney_case.pk).update(stage="timed_out")
    answer = send(doctor, kidney_case, position="supine")
    assert answer.status_code == 409
    assert "Time out is done" in answer.content.decode()
    assert PlanDecision.objects.get().position == "prone"
