"""A department in which consent is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.consent.consenting import plan_at_table, take_stage_one
from trocar.web.accounts.models import Person
from trocar.web.cases import clock
from trocar.web.cases.models import Case

FRIDAY = MONDAY - timedelta(days=3)


@pytest.fixture
def friday() -> datetime:
    """Three days before the clock of these tests."""
    return FRIDAY


@pytest.fixture
def explained_case(kidney_case: Case, people: dict[str, Person], as_role: Callable[[str], Client]) -> Case:
    """Stage 1 complete since Friday; planned at the table under ultrasound; waits for stage 2."""
    with clock.at(FRIDAY):
        answer = take_stage_one(
            as_role("ir_doctor"), kidney_case, people["ir_doctor"], x_rays="no", radiation_explained=None
        )
        assert answer.status_code == 302, answer.content.decode()
        plan_at_table(people["ir_doctor"], kidney_case)
    kidney_case.refresh_from_db()
    return kidney_case
