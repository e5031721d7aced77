"""Who sees a plan of a case: who may see the case, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from tests.integration.web.plan_folders import build_kidney_plan
from trocar.web.accounts.models import Person
from trocar.web.audit.models import SeenEvent
from trocar.web.audit.stream import stream

pytestmark = [pytest.mark.samples, pytest.mark.django_db]

PARTS = ("", "plan.json", "plan.pdf", "plan.html", "dicom.zip", "paths/1/slices/along/0.png")


@pytest.mark.parametrize("part", PARTS)
def test_it_works(as_role, kidney_case, plan_of, part: str) -> None:
    plan_id = plan_of(kidney_case)
    assert as_role("radiographer").get(f"/plans/{plan_id}/{part}").status_code == 200


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("role", ["laboratory", "manager", "auditor"])
def test_who_may_not_see_the_case_sees_no_part_of_its_plan(
    as_role, kidney_case, plan_of, role: str, part: str
) -> None:
    plan_id = plan_of(kidney_case)
    assert as_role(role).get(f"/plans/{plan_id}/{part}").status_code == 403


def test_another_referrer_does_not_see_it(as_role, kidney_case, plan_of) -> None:
    plan_id = plan_of(kidney_case)
    other = Person.objects.create_user("test-other", full_name="Test other referrer", role="referrer")
    client = Client()
    client.force_login(other, "trocar.web.accounts.backends.PasswordBackend")
    assert client.get(f"/plans/{plan_id}/").status_code == 403
    assert as_role("referrer").get(f"/plans/{plan_id}/").status_code == 200


@pytest.mark.parametrize("part", PARTS)
def test_without_signing_in_there_is_only_the_sign_in_page(kidney_case, plan_of, part: str) -> None:
    plan_id = plan_of(kidney_case)
    answer = Client().get(f"/plans/{plan_id}/{part}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_the_read_is_on_the_cases_record(as_role, kidney_case, plan_of) -> None:
    plan_id = plan_of(kidney_case)
    as_role("ir_nurse").get(f"/plans/{plan_id}/")
    stream.flush()
    assert SeenEvent.objects.filter(case_number=kidney_case.number, what__contains=plan_id).exists()


def test_the_list_holds_the_plans_of_cases_and_the_samples(as_role, kidney_case, plan_of, data: Path) -> None:
    plan_id = plan_of(kidney_case)
    build_kidney_plan(data, "sample-plan")
    page = as_role("ir_doctor").get("/plans/").content.decode()
    assert f"/plans/{plan_id}/" in page
    assert "/plans/sample-plan/" in page
    for role in ("referrer", "laboratory", "manager", "auditor"):
        assert as_role(role).get("/plans/").status_code == 403
        assert as_role(role).get("/plans/sample-plan/").status_code == 403
