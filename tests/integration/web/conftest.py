"""A visitor, and a data folder of plans on the sample CT."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, override_settings

from tests.integration.web.plan_folders import build_case_without_paths, build_kidney_plan
from trocar.web.accounts.models import Person
from trocar.web.plans.plan_folder import Card, write_card


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """An empty data folder that the pages read."""
    with override_settings(TROCAR_DATA=tmp_path):
        yield tmp_path


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan, a plan without a path, a case being planned, and one that failed (mark the test ``samples``)."""
    folder = tmp_path_factory.mktemp("data")
    build_kidney_plan(folder)
    build_case_without_paths(folder)
    working = Card(
        "Bone biopsy, L3", sample=True, order=1, state="planning", message="Judging pairs", fraction=0.4
    )
    write_card(folder / "plans" / "bone-l3", working)
    failed = Card("Bone biopsy, hip", sample=True, order=2, state="failed", message="There is no hip bone.")
    write_card(folder / "plans" / "bone-iliac", failed)
    return folder


@pytest.fixture
def planned(plans: Path) -> Iterator[Path]:
    """``plans`` as the folder that the pages read."""
    with override_settings(TROCAR_DATA=plans):
        yield plans


@pytest.fixture
def visitor(db: None) -> Client:
    """An IR doctor who has signed in."""
    client = Client(SERVER_NAME="127.0.0.1")
    doctor = Person.objects.create_user("sample.ir_doctor", full_name="Sample IR doctor", role="ir_doctor")
    client.force_login(doctor, "trocar.web.accounts.backends.PasswordBackend")
    return client
