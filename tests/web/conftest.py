"""Three people look at every page: one who may, one who may not, one who is not signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES
from trocar.web.cases import clock
from trocar.web.cases.change import change
from trocar.web.cases.models import Case, Patient, Referral
from trocar.web.cases.views.case_list import new_case

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning in winter: what the clock says in these tests."""


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(MONDAY):
        yield


@pytest.fixture
def at() -> Callable[[datetime], Any]:
    """Sets the clock: ``with at(datetime(...)):``."""
    return clock.at


@pytest.fixture
def people(db: None) -> dict[str, Person]:
    """One person of each role; nobody signs in by password here, and all are made at one stroke."""
    made = [
        Person(
            username=f"test-{role.key}", full_name=f"Test {role.title}", role=role.key, is_sample=True,
            password=make_password(None),
        )
        for role in ROLES.values()
    ]  # fmt: skip
    return {person.role: person for person in Person.objects.bulk_create(made)}


@pytest.fixture
def as_role(people: dict[str, Person]) -> Callable[[str], Client]:
    """A browser in which the person with that role is signed in."""

    def signed_in(role: str) -> Client:
        client = Client()
        client.force_login(people[role], backend="trocar.web.accounts.backends.PasswordBackend")
        return client

    return signed_in


def referred(
    people: dict[str, Person], protocol: str, number: str, site: str, side: str, **more: Any
) -> Case:
    """A case whose referral is complete, made the way a referrer makes it."""
    referrer = people["referrer"]
    patient = Patient.objects.create(
        nhs_number=number, hospital_number=f"H{number[:4]}", family_name="Sample", given_name=f"Patient {number[:3]}",
        birth_date=date(1961, 5, 4), sex="female", is_sample=True,
    )  # fmt: skip
    case = new_case(referrer, patient, protocol)
    values = {
        "indication": "Proteinuria, cause unknown", "question": "Which glomerular disease?",
        "tests_done": "Urine and blood tests", "no_known_allergies": True, "takes_blood_thinners": False, **more,
    }  # fmt: skip
    with change(referrer, case, "Wrote the referral") as ch:
        ch.set_case({"site": site, "side": side})
        ch.save(Referral(), values)
    return case


@pytest.fixture
def kidney_case(people: dict[str, Person]) -> Case:
    """Native kidney, left, lower pole: referred."""
    return referred(people, "kidney_biopsy", "9434765919", "lower pole", "left")


@pytest.fixture
def bone_case(people: dict[str, Person]) -> Case:
    """Left iliac crest: referred."""
    return referred(
        people, "bone_biopsy", "9876543210", "iliac crest", "left", weight_bearing_bone=True,
        suspected_primary_bone_tumour=False, indication="Lytic lesion", question="Metastasis or myeloma?",
    )  # fmt: skip
