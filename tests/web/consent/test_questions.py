"""The patient asks, somebody answers, and stage 1 waits for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.consent.consenting import address, hidden, post
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.consent.models import PatientQuestion

SignIn = Callable[[str], Client]
People = dict[str, Person]
ASKED = "Will I be able to work on Monday?"


def test_it_works(as_role: SignIn, people: People, explained_case: Case) -> None:
    """A coordinator hears it on the telephone, a nurse answers."""
    assert registry.facts(explained_case)["consent.stage1"] is True
    assert post(as_role("coordinator"), address(explained_case, "questions/"), asked=ASKED).status_code == 302
    question = PatientQuestion.objects.get(case=explained_case)
    assert question.heard_by == people["coordinator"]
    facts = registry.facts(explained_case)
    assert facts["consent.stage1"] is False
    assert facts["consent.questions_open"] == 1
    explained_case.stage = "booked"
    due = next(s for s in registry.sections() if s.key == "consent").state(explained_case).next_action
    assert (due.text, due.role) == ("Answer the patient's question", "ir_nurse")
    nurse = as_role("ir_nurse")
    assert ASKED in nurse.get(address(explained_case)).content.decode()
    page = address(explained_case, f"questions/{question.pk}/")
    assert post(nurse, page, answer="No lifting for a week.").status_code == 302
    question.refresh_from_db()
    assert question.answered_by == people["ir_nurse"]
    assert registry.facts(explained_case)["consent.stage1"] is True


def test_a_question_answered_at_once_is_one_entry(as_role: SignIn, explained_case: Case) -> None:
    answer = post(
        as_role("ir_doctor"),
        address(explained_case, "questions/"),
        asked=ASKED,
        answer="No lifting for a week.",
    )
    assert answer.status_code == 302
    assert registry.facts(explained_case)["consent.stage1"] is True


def test_a_coordinator_passes_on_and_does_not_answer(as_role: SignIn, explained_case: Case) -> None:
    client = as_role("coordinator")
    page = address(explained_case, "questions/")
    assert 'name="answer"' not in client.get(page).content.decode()
    post(client, page, asked=ASKED, answer="Surely.")
    question = PatientQuestion.objects.get(case=explained_case)
    assert question.answer == ""
    one = address(explained_case, f"questions/{question.pk}/")
    assert client.get(one).status_code == 403
    assert client.post(one, {"answer": "Surely."}).status_code == 403


@pytest.mark.parametrize("role", ["laboratory", "manager", "auditor", "referrer"])
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    client = as_role(role)
    assert client.get(address(kidney_case, "questions/")).status_code == 403
    assert client.post(address(kidney_case, "questions/"), {"asked": ASKED}).status_code == 403
    assert not PatientQuestion.objects.exists()


def test_a_question_of_another_case_is_not_found(
    as_role: SignIn, explained_case: Case, bone_case: Case
) -> None:
    client = as_role("ir_doctor")
    post(client, address(explained_case, "questions/"), asked=ASKED)
    question = PatientQuestion.objects.get()
    assert client.get(address(bone_case, f"questions/{question.pk}/")).status_code == 404


def test_two_answers_never_write_over_each_other(as_role: SignIn, explained_case: Case) -> None:
    client = as_role("ir_doctor")
    post(client, address(explained_case, "questions/"), asked=ASKED)
    page = address(explained_case, f"questions/{PatientQuestion.objects.get().pk}/")
    mine, theirs = hidden(client.get(page)), hidden(client.get(page))
    assert client.post(page, {**theirs, "answer": "No lifting."}).status_code == 302
    refused = client.post(page, {**mine, "answer": "Yes."})
    assert refused.status_code == 409
    assert "No lifting." in refused.content.decode()
    assert PatientQuestion.objects.get().answer == "No lifting."


def test_sent_twice_it_is_recorded_once(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_nurse")
    page = address(kidney_case, "questions/")
    answers = {**hidden(client.get(page)), "asked": ASKED}
    assert [client.post(page, answers).status_code for _ in range(2)] == [302, 302]
    assert PatientQuestion.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("asked", "", "Fill in"),
        ("asked", "x" * 2001, "write at most 2,000"),
        ("asked", "Work?\x00", "U+0000"),
        ("happened_at", "tomorrow", "23/11/2026"),
    ],
)
def test_bad_input_writes_nothing(
    as_role: SignIn, kidney_case: Case, field: str, typed: str, says: str
) -> None:
    answer = post(as_role("ir_nurse"), address(kidney_case, "questions/"), **{"asked": ASKED, field: typed})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not PatientQuestion.objects.exists()
