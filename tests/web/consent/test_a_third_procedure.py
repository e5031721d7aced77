"""A liver biopsy, which no code has heard of, and a real department that has approved nothing yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.unit.clinical.protocol_files import LIVER
from tests.web.conftest import referred
from tests.web.consent.consenting import address, plan_at_table, post, stage_two_answers, take_stage_one
from trocar.web.accounts.models import Person
from trocar.web.cases import clock, registry
from trocar.web.cases.models import Case

SignIn = Callable[[str], Client]
People = dict[str, Person]
REAL = b"""\
format: 1
department: A real department
sample: false
uses_unapproved: false
allows: {archive_export: false, live_overlay: false}
"""


@pytest.fixture
def liver_case(tmp_path: Path, settings: Any, people: People) -> Case:
    settings.TROCAR_PROTOCOLS = str(tmp_path)
    (tmp_path / "liver_biopsy.yaml").write_bytes(LIVER)
    return referred(people, "liver_biopsy", "9434765919", "right lobe", "none")


def test_it_goes_through_both_stages_by_its_own_file(
    as_role: SignIn, people: People, liver_case: Case, friday: datetime
) -> None:
    client = as_role("ir_doctor")
    page = client.get(address(liver_case, "stage-1/")).content.decode()
    assert "Bile leak" in page
    assert "Blood that you can see in your urine" not in page
    with clock.at(friday):
        answer = take_stage_one(
            client, liver_case, people["ir_doctor"], x_rays="no", radiation_explained=None
        )
    assert answer.status_code == 302, answer.content.decode()
    plan_at_table(people["ir_doctor"], liver_case, position="supine")
    answers = stage_two_answers(people["ir_doctor"], liver_case)
    assert post(client, address(liver_case, "stage-2/"), **answers).status_code == 302
    assert registry.facts(liver_case)["consent.confirmed"] is True
    assert "Would you accept blood?" in client.get(address(liver_case, "print/")).content.decode()


def test_what_nobody_approved_is_not_told_as_if_somebody_had(
    as_role: SignIn, people: People, kidney_case: Case, tmp_path: Path, settings: Any
) -> None:
    file = tmp_path / "department.yaml"
    file.write_bytes(REAL)
    settings.TROCAR_DEPARTMENT = str(file)
    client = as_role("ir_doctor")
    assert take_stage_one(client, kidney_case, people["ir_doctor"]).status_code == 302
    assert registry.facts(kidney_case)["consent.stage1"] is False
    page = client.get(address(kidney_case)).content.decode()
    assert "Not configured: consent.alternatives.other biopsy.words" in page
    form = client.get(address(kidney_case, "stage-1/")).content.decode()
    assert "Simple painkillers are usually enough" not in page + form
    assert "people (2.2% to 5.1%)<" in page, "a word for the rate needs an approved scale"
    printed = client.get(address(kidney_case, "print/")).content.decode()
    assert "Not configured: consent.alternatives.other biopsy.words" in printed
    assert "Simple painkillers are usually enough" not in printed
