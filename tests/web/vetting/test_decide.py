"""The doctor accepts the referral or sends it back with questions."""

from __future__ import annotations

import uuid

import pytest

from tests.web.vetting.conftest import SignIn, accept, fill, says, tell_everything, url
from trocar.web.accounts.models import Person
from trocar.web.cases.models import Case
from trocar.web.vetting.models import VettingDecision


def test_it_works(as_role: SignIn, known: Case) -> None:
    assert accept(as_role("ir_doctor"), known).status_code == 302
    assert known.stage == "accepted"
    decision = VettingDecision.objects.get(case=known)
    assert decision.outcome == "accepted"
    assert decision.changed_by.role == "ir_doctor"
    assert known.next_action["section"] not in ("vetting", "medicines"), "it is somebody else's turn"


def test_what_blocks_keeps_it_from_being_accepted(
    as_role: SignIn, kidney_case: Case, people: dict[str, Person]
) -> None:
    case = tell_everything(kidney_case, people["ir_doctor"], inr=2.4)
    page = says(as_role("ir_doctor").get(url(case, "decision/")))
    assert "The referral cannot be accepted while this stands: INR 2.4, not at most 1.5" in page
    answer = accept(as_role("ir_doctor"), case)
    assert answer.status_code == 409
    assert "something that blocks or is not assessed" in says(answer)
    assert case.stage == "referred"
    assert not VettingDecision.objects.exists()


def test_what_is_not_assessed_keeps_it_from_being_accepted(as_role: SignIn, kidney_case: Case) -> None:
    assert accept(as_role("ir_doctor"), kidney_case).status_code == 409
    assert kidney_case.stage == "referred"


def test_it_goes_back_with_questions(as_role: SignIn, kidney_case: Case) -> None:
    doctor = as_role("ir_doctor")
    answer = fill(doctor, url(kidney_case, "decision/"), outcome="returned", words="")
    assert answer.status_code == 422
    assert "Say what the referrer should answer" in says(answer)
    sent = {"outcome": "returned", "words": "Which side? What is the INR?"}
    assert fill(doctor, url(kidney_case, "decision/"), **sent).status_code == 302
    kidney_case.refresh_from_db()
    assert kidney_case.stage == "returned"
    assert "Which side? What is the INR?" in says(as_role("referrer").get(f"/cases/{kidney_case.number}/"))


@pytest.mark.parametrize(
    "role", ["ir_nurse", "radiographer", "coordinator", "referrer", "pharmacist", "manager"]
)
def test_who_may_not(as_role: SignIn, known: Case, role: str) -> None:
    sent = {"form_token": str(uuid.uuid4()), "outcome": "accepted", "words": ""}
    assert as_role(role).get(url(known, "decision/")).status_code == 403
    assert as_role(role).post(url(known, "decision/"), sent).status_code == 403
    known.refresh_from_db()
    assert known.stage == "referred"


def test_sent_twice_it_decides_once(as_role: SignIn, known: Case) -> None:
    sent = {"form_token": str(uuid.uuid4()), "outcome": "accepted", "words": ""}
    for _ in range(2):
        assert as_role("ir_doctor").post(url(known, "decision/"), sent).status_code == 302
    assert VettingDecision.objects.count() == 1


def test_a_second_decision_is_refused(as_role: SignIn, known: Case) -> None:
    assert accept(as_role("ir_doctor"), known).status_code == 302
    assert accept(as_role("ir_doctor"), known).status_code == 409
    assert VettingDecision.objects.count() == 1
