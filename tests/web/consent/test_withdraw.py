"""The patient takes consent back; sign in and time out stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.consent.consenting import address, hidden, post, stage_one_answers, stage_two_answers
from trocar.web.accounts.models import Person
from trocar.web.cases import clock, registry
from trocar.web.cases.change import MoveRefused, change
from trocar.web.cases.models import Case
from trocar.web.consent.models import ConsentEnded

SignIn = Callable[[str], Client]
People = dict[str, Person]


@pytest.mark.parametrize("role", ["ir_doctor", "ir_nurse", "radiographer"])
def test_it_works_for_whoever_is_in_the_room(
    as_role: SignIn, people: People, explained_case: Case, role: str
) -> None:
    post(
        as_role("ir_doctor"), address(explained_case, "stage-2/"),
        **stage_two_answers(people["ir_doctor"], explained_case),
    )  # fmt: skip
    assert registry.facts(explained_case)["consent.confirmed"] is True
    answer = post(as_role(role), address(explained_case, "withdraw/"), confirm="on")
    assert answer.status_code == 302, answer.content.decode()
    facts = registry.facts(explained_case)
    assert facts["consent.withdrawn"] is True
    assert facts["consent.confirmed"] is False
    assert ConsentEnded.objects.get(case=explained_case).heard_by == people[role]


@pytest.mark.parametrize(("stage", "move"), [("arrived", "sign_in"), ("signed_in", "time_out")])
def test_it_stops_the_checklist(
    as_role: SignIn, people: People, explained_case: Case, stage: str, move: str
) -> None:
    Case.objects.filter(pk=explained_case.pk).update(stage=stage)
    explained_case.refresh_from_db()
    post(as_role("ir_nurse"), address(explained_case, "withdraw/"), confirm="on", words="Not today")
    with pytest.raises(MoveRefused) as refused, change(people["ir_doctor"], explained_case, "Tried") as ch:
        ch.move(move)
    assert "The patient has withdrawn consent." in refused.value.reasons
    explained_case.refresh_from_db()
    consent = explained_case.summary["sections"]["consent"]
    assert consent["status"] == "blocked"
    assert as_role("ir_doctor").get(f"/cases/{explained_case.number}/").content.decode().count("withdr") >= 1


def test_at_any_time_even_before_anything_was_explained(as_role: SignIn, kidney_case: Case) -> None:
    assert post(as_role("ir_nurse"), address(kidney_case, "withdraw/"), confirm="on").status_code == 302
    assert registry.facts(kidney_case)["consent.withdrawn"] is True


def test_a_patient_who_agrees_again_has_everything_explained_again(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    client = as_role("ir_doctor")
    post(client, address(explained_case, "withdraw/"), confirm="on")
    corrected = stage_one_answers(
        explained_case, people["ir_doctor"], x_rays="no", radiation_explained=None, happened_at="20/11/2026 09:00",
        matters="A word corrected",
    )  # fmt: skip
    post(client, address(explained_case, "stage-1/"), **corrected)
    assert registry.facts(explained_case)["consent.withdrawn"] is True
    with clock.at(MONDAY + timedelta(hours=2)):
        post(client, address(explained_case, "stage-1/"), **{**corrected, "happened_at": ""})
    facts = registry.facts(explained_case)
    assert facts["consent.withdrawn"] is False
    assert facts["consent.stage1"] is True
    assert facts["consent.confirmed"] is False


def test_sent_twice_it_is_recorded_once(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_nurse")
    page = address(kidney_case, "withdraw/")
    answers = {**hidden(client.get(page)), "confirm": "on"}
    assert [client.post(page, answers).status_code for _ in range(2)] == [302, 302]
    assert ConsentEnded.objects.count() == 1


@pytest.mark.parametrize(
    "role", ["coordinator", "referrer", "laboratory", "pharmacist", "manager", "auditor"]
)
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    client = as_role(role)
    assert client.get(address(kidney_case, "withdraw/")).status_code == 403
    assert client.post(address(kidney_case, "withdraw/"), {"confirm": "on"}).status_code == 403
    assert not ConsentEnded.objects.exists()


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("confirm", "", "Tick to confirm"),
        ("words", "x" * 2001, "write at most 2,000"),
        ("happened_at", "23/11/2026 23:59", "has not come yet"),
        ("happened_at", "25:61", "There is no time"),
        ("form_token", "", "open the page again"),
    ],
)
def test_bad_input_writes_nothing(
    as_role: SignIn, kidney_case: Case, field: str, typed: str, says: str
) -> None:
    answers = {"confirm": "on", field: typed}
    answer = post(as_role("ir_nurse"), address(kidney_case, "withdraw/"), **answers)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not ConsentEnded.objects.exists()
