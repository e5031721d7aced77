"""The patient decides against the biopsy, and the case goes back to the referrer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.consent.consenting import address, hidden, post
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.consent.models import ConsentEnded

SignIn = Callable[[str], Client]
People = dict[str, Person]
WORDS = {
    "words": "I would rather try the tablets first.",
    "explained": "Treatment without a diagnosis; the cause may stay unknown.",
    "follow_up": "Sample nephrology clinic, in two weeks",
}


def test_it_works(as_role: SignIn, people: People, kidney_case: Case) -> None:
    answer = post(as_role("ir_doctor"), address(kidney_case, "decline/"), **WORDS)
    assert answer.status_code == 302, answer.content.decode()
    kidney_case.refresh_from_db()
    assert kidney_case.stage == "declined"
    assert registry.facts(kidney_case)["consent.declined"] is True
    page = as_role("referrer").get(address(kidney_case)).content.decode()
    for words in WORDS.values():
        assert words in page


def test_the_referrer_can_take_it_up_again_and_consent_begins_anew(
    as_role: SignIn, people: People, kidney_case: Case
) -> None:
    post(as_role("ir_doctor"), address(kidney_case, "decline/"), **WORDS)
    with change(people["referrer"], kidney_case, "Took up again", reason="The patient asks for it") as ch:
        ch.move("reopen")
    kidney_case.refresh_from_db()
    assert kidney_case.stage == "referred"
    facts = registry.facts(kidney_case)
    assert facts["consent.stage1"] is False
    assert facts["consent.confirmed"] is False


def test_what_was_recorded_stays(as_role: SignIn, people: People, explained_case: Case) -> None:
    client = as_role("ir_doctor")
    post(client, address(explained_case, "decline/"), **WORDS)
    page = client.get(address(explained_case)).content.decode()
    assert "Driving to work" in page
    assert "Declined" in page


def test_after_the_needle_has_been_in_nothing_is_written(as_role: SignIn, kidney_case: Case) -> None:
    Case.objects.filter(pk=kidney_case.pk).update(stage="needle_out")
    answer = post(as_role("ir_doctor"), address(kidney_case, "decline/"), **WORDS)
    assert answer.status_code == 409
    assert "is not possible while the case is at" in answer.content.decode()
    assert not ConsentEnded.objects.exists()


def test_sent_twice_it_is_recorded_once(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    page = address(kidney_case, "decline/")
    answers = {**hidden(client.get(page)), **WORDS}
    assert [client.post(page, answers).status_code for _ in range(2)] == [302, 302]
    assert ConsentEnded.objects.count() == 1


@pytest.mark.parametrize(
    "role",
    ["ir_nurse", "radiographer", "coordinator", "referrer", "laboratory", "pharmacist", "manager", "auditor"],
)
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    client = as_role(role)
    assert client.get(address(kidney_case, "decline/")).status_code == 403
    assert client.post(address(kidney_case, "decline/"), WORDS).status_code == 403
    assert not ConsentEnded.objects.exists()


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("words", "", "Fill in"),
        ("explained", "", "Fill in"),
        ("follow_up", "   ", "Fill in"),
        ("explained", "x" * 4001, "write at most 4,000"),
        ("happened_at", "2026", "23/11/2026"),
        ("form_token", "not-a-token", "open the page again"),
    ],
)
def test_bad_input_writes_nothing(
    as_role: SignIn, kidney_case: Case, field: str, typed: str, says: str
) -> None:
    answer = post(as_role("ir_doctor"), address(kidney_case, "decline/"), **{**WORDS, field: typed})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    kidney_case.refresh_from_db()
    assert kidney_case.stage == "referred"
    assert not ConsentEnded.objects.exists()
