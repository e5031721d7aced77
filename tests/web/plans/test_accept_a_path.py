"""An IR doctor accepts a path of a case's plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from tests.web.plans.conftest import fields_of, in_position
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.plans.models import PlanDecision

pytestmark = [pytest.mark.samples, pytest.mark.django_db]


def address(case: Case, plan_id: str, path: int = 1) -> str:
    return f"/cases/{case.number}/plan/accept/{plan_id}/{path}/"


def send(client: Client, where: str, status: int = 302, **fields: str) -> str:
    page = client.get(where).content.decode()
    answer = client.post(where, fields_of(page) | fields)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def accept(client: Client, case: Case, plan_id: str, path: int = 1, status: int = 302) -> str:
    return send(client, address(case, plan_id, path), status, site_agrees="on")


def test_it_works(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    accept(as_role("ir_doctor"), kidney_case, plan_id, 2)
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted_or_at_table"] is True
    assert plan_id in facts["plan.accepted"]
    assert "path 2" in facts["plan.accepted"]
    assert (facts["plan.side"], facts["plan.level"]) == ("left", "lower pole")
    names = [name for name, _ in facts["plan.structures_near"]]
    distances = [mm for _, mm in facts["plan.structures_near"]]
    assert "Left rib 12" in names
    assert distances == sorted(distances)
    assert facts["plan.risks"][0][0] == "Left rib 12"
    assert facts["plan.picture"].startswith(f"/plans/{plan_id}/paths/2/slices/along/")
    page = as_role("ir_nurse").get(f"/cases/{kidney_case.number}/plan/").content.decode()
    assert "Path 2 of" in page
    assert facts["plan.picture"].replace("&", "&amp;") in page


@pytest.mark.parametrize("role", ["ir_nurse", "radiographer", "coordinator", "manager"])
def test_only_an_ir_doctor_accepts(as_role, kidney_case, plan_of, role: str) -> None:
    plan_id = plan_of(kidney_case)
    client = as_role(role)
    assert client.get(address(kidney_case, plan_id)).status_code == 403
    assert client.post(address(kidney_case, plan_id), {"site_agrees": "on"}).status_code == 403
    assert not PlanDecision.objects.exists()


def test_a_plan_of_another_side_is_refused(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case, side="right")
    in_position(plan_id, data)
    page = as_role("ir_doctor").get(address(kidney_case, plan_id)).content.decode()
    assert "The plan is of the right, but the case is of the left." in page
    token = {"form_token": "8f14e45f-ceea-467f-a0e6-7e0d5b5c8a11", "seen_version": "0", "site_agrees": "on"}
    answer = as_role("ir_doctor").post(address(kidney_case, plan_id), token)
    assert answer.status_code == 409
    assert not PlanDecision.objects.exists()


def test_a_path_that_breaks_a_limit_is_refused(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    file = data / "plans" / plan_id / "plan.json"
    content = json.loads(file.read_text())
    content["nearest"] = [p | {"relaxed": "2 mm instead of 5 mm to the colon"} for p in content["paths"]]
    content |= {"paths": [], "within_limits": False}
    file.write_text(json.dumps(content))
    page = as_role("ir_doctor").get(address(kidney_case, plan_id)).content.decode()
    assert "not within the protocol&#x27;s limits" in page
    assert "site_agrees" not in page


def test_each_blocking_warning_is_confirmed_by_itself(as_role, kidney_case, plan_of) -> None:
    plan_id = plan_of(
        kidney_case,
        warnings=[
            {"code": "metal", "text": "Metal lies near."},
            {"code": "old_scan", "text": "The scan is 90 days old."},
            {"code": "thick_slices", "text": "The slices are thick."},
        ],
    )
    doctor = as_role("ir_doctor")
    page = doctor.get(address(kidney_case, plan_id)).content.decode()
    assert 'name="confirm_metal"' in page
    assert 'name="confirm_old_scan"' in page
    assert "confirm_thick_slices" not in page
    assert "The slices are thick." in page
    common = {"site_agrees": "on", "rehearsal": "on", "confirm_metal": "on"}
    refused = send(doctor, address(kidney_case, plan_id), 409, **common)
    assert "Confirm this warning: The scan is 90 days old." in refused
    assert not PlanDecision.objects.exists()
    send(doctor, address(kidney_case, plan_id), confirm_old_scan="on", **common)
    decision = PlanDecision.objects.get(case=kidney_case)
    assert [code for code, _ in decision.confirmed] == ["metal", "old_scan"]


def test_a_ct_in_another_position_is_for_rehearsal_until_a_scan_in_position(
    as_role, kidney_case, plan_of
) -> None:
    plan_id = plan_of(kidney_case)
    doctor = as_role("ir_doctor")
    ticks = {"site_agrees": "on", "confirm_not_in_position": "on"}
    send(doctor, address(kidney_case, plan_id), 422, **ticks)
    send(doctor, address(kidney_case, plan_id), rehearsal="on", **ticks)
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted_or_at_table"] is False
    assert facts["plan.rehearsal_only"] is True
    before = facts["plan.accepted"]
    assert before, "consent is taken for this path before the patient lies in position"
    where = f"/cases/{kidney_case.number}/plan/check-scan/"
    send(doctor, where, 422)
    send(doctor, where, organ_0="no")
    assert registry.facts(kidney_case)["plan.accepted_or_at_table"] is False
    assert "shows in the way: Colon" in " ".join(
        next(s for s in registry.sections() if s.key == "plan").state(kidney_case).problems
    )
    send(doctor, where, organ_0="yes")
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted_or_at_table"] is True
    assert facts["plan.accepted"] == before, "it is the same path"


def test_another_path_is_another_identity(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    doctor = as_role("ir_doctor")
    accept(doctor, kidney_case, plan_id, 1)
    first = registry.facts(kidney_case)["plan.accepted"]
    accept(doctor, kidney_case, plan_id, 3)
    assert registry.facts(kidney_case)["plan.accepted"] not in (None, first)
    assert PlanDecision.objects.get(case=kidney_case).version == 2


def test_a_withdrawn_acceptance_says_why_on_the_record(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    doctor = as_role("ir_doctor")
    accept(doctor, kidney_case, plan_id)
    where = f"/cases/{kidney_case.number}/plan/withdraw/"
    send(doctor, where, 422)
    send(doctor, where, reason="Bowel in the way on ultrasound")
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted"] is None
    assert facts["plan.accepted_or_at_table"] is False
    assert doctor.get(where).status_code == 404


def test_what_was_planned_anew_is_not_what_was_accepted(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    accept(as_role("ir_doctor"), kidney_case, plan_id)
    file = data / "plans" / plan_id / "plan.json"
    file.write_text(file.read_text() + " ")
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted_or_at_table"] is False
    assert facts["plan.accepted"] is None


def test_a_case_that_changes_its_side_has_no_accepted_plan(
    as_role, people, kidney_case, plan_of, data: Path
) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    accept(as_role("ir_doctor"), kidney_case, plan_id)
    with change(people["referrer"], kidney_case, "Wrote the referral") as ch:
        ch.set_case({"side": "right"})
    facts = registry.facts(kidney_case)
    assert facts["plan.accepted_or_at_table"] is False
    page = as_role("ir_nurse").get(f"/cases/{kidney_case.number}/plan/").content.decode()
    assert "The plan is of the left, but the case is of the right." in page


def test_a_form_of_yesterdays_page_writes_nothing(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    doctor = as_role("ir_doctor")
    old = fields_of(doctor.get(address(kidney_case, plan_id, 1)).content.decode())
    accept(doctor, kidney_case, plan_id, 2)
    answer = doctor.post(address(kidney_case, plan_id, 1), old | {"site_agrees": "on"})
    assert answer.status_code == 409
    assert PlanDecision.objects.get(case=kidney_case).path_number == 2


def test_a_form_sent_twice_acts_once(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    doctor = as_role("ir_doctor")
    form = fields_of(doctor.get(address(kidney_case, plan_id)).content.decode()) | {"site_agrees": "on"}
    assert [doctor.post(address(kidney_case, plan_id), form).status_code for _ in range(2)] == [302, 302]
    assert PlanDecision.objects.get(case=kidney_case).version == 1


def test_a_plan_of_another_case_is_none_of_this_one(as_role, kidney_case, bone_case, plan_of) -> None:
    plan_id = plan_of(kidney_case)
    assert as_role("ir_doctor").get(address(bone_case, plan_id)).status_code == 404
