"""The page of consent, and what consent tells the rest of the case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.web.consent.consenting import address, post, stage_two_answers
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.consent.section import KEY

SignIn = Callable[[str], Client]
People = dict[str, Person]


def section_of(case: Case) -> registry.SectionState:
    return next(s for s in registry.sections() if s.key == KEY).state(case)


def test_it_shows_where_consent_stands(as_role: SignIn, explained_case: Case) -> None:
    page = as_role("ir_doctor").get(address(explained_case)).content.decode()
    assert "Stage 2 is to be confirmed" in page
    assert "Stage 2 is not confirmed." in page


@pytest.mark.parametrize(
    ("stage", "status", "action"),
    [
        (Stage.REFERRED, "not started", None),
        (Stage.ACCEPTED, "to do", "Explain, and record stage 1"),
        (Stage.BOOKED, "to do", "Explain, and record stage 1"),
        (Stage.NEEDLE_OUT, "not needed", None),
        (Stage.CANCELLED, "not needed", None),
    ],
)
def test_it_says_what_is_next_and_whose_it_is(
    kidney_case: Case, stage: Stage, status: str, action: str | None
) -> None:
    kidney_case.stage = stage
    found = section_of(kidney_case)
    assert found.status == status
    assert (found.next_action.text if found.next_action else None) == action


@pytest.mark.parametrize(
    ("stage", "due"), [(Stage.BOOKED, False), (Stage.ARRIVED, True), (Stage.SIGNED_IN, True)]
)
def test_stage_two_is_due_once_the_patient_is_there(explained_case: Case, stage: Stage, due: bool) -> None:
    explained_case.stage = stage
    assert (section_of(explained_case).next_action is not None) is due


def test_before_anything_is_recorded_every_fact_is_against_it(kidney_case: Case) -> None:
    facts = registry.facts(kidney_case)
    assert [facts[f"consent.{name}"] for name in ("stage1", "confirmed", "declined", "withdrawn")] == [
        False
    ] * 4
    assert facts["consent.side"] is None


def test_it_becomes_entries_of_the_record(as_role: SignIn, people: People, explained_case: Case) -> None:
    client = as_role("ir_doctor")
    post(
        client, address(explained_case, "stage-2/"), **stage_two_answers(people["ir_doctor"], explained_case)
    )
    post(client, address(explained_case, "questions/"), asked="When do I know?", answer="In a week.")
    post(client, address(explained_case, "withdraw/"), confirm="on", words="Not today")
    found = {e.heading for e in next(s for s in registry.sections() if s.key == KEY).entries(explained_case)}
    assert found == {
        "Leaflet given", "Consent, stage 1", "Question of the patient", "Consent, stage 2", "Consent withdrawn",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["laboratory", "manager", "auditor"])
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    assert as_role(role).get(address(kidney_case)).status_code == 403


def test_a_referrer_sees_the_own_referrals_and_no_other(
    as_role: SignIn, people: People, kidney_case: Case
) -> None:
    assert as_role("referrer").get(address(kidney_case)).status_code == 200
    Case.objects.filter(pk=kidney_case.pk).update(referrer=people["ir_doctor"])
    assert as_role("referrer").get(address(kidney_case)).status_code == 403


def test_it_asks_the_database_a_fixed_number_of_times(
    as_role: SignIn, explained_case: Case, django_assert_max_num_queries: Any
) -> None:
    client = as_role("ir_doctor")
    client.get(address(explained_case))
    for number in range(5):
        post(client, address(explained_case, "questions/"), asked=f"Question {number}", answer="Yes.")
    with django_assert_max_num_queries(20):
        client.get(address(explained_case))
