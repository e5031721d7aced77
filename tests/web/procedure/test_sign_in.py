"""The team signs the patient in."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, Told, answers, at_stage, fresh
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases.models import Case
from trocar.web.procedure.models import ChecklistAnswer, ChecklistRound


def page_of(case: Case) -> str:
    return f"/cases/{case.number}/checklist/sign-in/"


def test_it_works(ready: Case, send: Send, people: dict[str, Person]) -> None:
    answer = send("ir_nurse", page_of(ready), {**answers(ready, "sign_in"), "complete": "yes"})
    assert answer.status_code == 302
    assert fresh(ready).at_stage == Stage.SIGNED_IN
    done = ChecklistRound.objects.get(case=ready)
    assert (done.completed_at, done.completed_by) == (MONDAY, people["ir_nurse"])
    asked = ready.protocol.checklist.of("sign_in")
    rows = ChecklistAnswer.objects.filter(round=done)
    assert [row.item for row in rows] == [item.name for item in asked]
    assert {(row.answered_by, row.answered_at) for row in rows} == {(people["ir_nurse"], MONDAY)}
    assert AuditEvent.objects.filter(case_number=ready.number, action="Completed the sign in").exists()


def test_answers_are_kept_one_by_one_and_only_changes_are_written(ready: Case, send: Send) -> None:
    some = {"item_0": "yes"}
    assert send("ir_nurse", page_of(ready), some).status_code == 302
    assert send("radiographer", page_of(ready), {**some, "item_1": "yes"}).status_code == 302
    rows = ChecklistAnswer.objects.all()
    assert [(row.item, row.answered_by.role) for row in rows] == [
        ("introductions", "ir_nurse"),
        ("identity", "radiographer"),
    ]
    assert fresh(ready).at_stage == Stage.ARRIVED


def test_what_is_open_is_named_and_the_answers_stay(ready: Case, send: Send) -> None:
    answer = send("ir_nurse", page_of(ready), {**answers(ready, "sign_in", kit=""), "complete": "yes"})
    assert answer.status_code == 409
    assert "“kit” is not answered." in answer.content.decode()
    assert fresh(ready).at_stage == Stage.ARRIVED
    assert ChecklistAnswer.objects.count() == len(ready.protocol.checklist.of("sign_in")) - 1


@pytest.mark.parametrize("role", ["coordinator", "pharmacist"])
def test_who_may_look_and_not_answer(ready: Case, as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    assert client.get(page_of(ready)).status_code == 200
    sent = {**answers(ready, "sign_in"), "form_token": str(uuid.uuid4())}
    assert client.post(page_of(ready), sent).status_code == 403
    assert not ChecklistAnswer.objects.exists()


@pytest.mark.parametrize("role", ["laboratory", "manager", "auditor"])
def test_who_may_not_even_look(ready: Case, as_role: Callable[[str], Client], role: str) -> None:
    assert as_role(role).get(page_of(ready)).status_code == 403


@pytest.mark.parametrize("stage", [Stage.REFERRED, Stage.BOOKED, Stage.CANCELLED])
def test_not_before_the_patient_has_arrived(ready: Case, send: Send, stage: Stage) -> None:
    at_stage(ready, stage)
    answer = send("ir_nurse", page_of(ready), {**answers(ready, "sign_in"), "complete": "yes"})
    assert answer.status_code == 409
    assert "Sign in is not possible while" in answer.content.decode()
    assert not ChecklistAnswer.objects.exists()


def test_not_twice(signed_in: Case, send: Send) -> None:
    answer = send("ir_nurse", page_of(signed_in), {"item_0": "no"})
    assert answer.status_code == 409
    assert "Sign in is complete." in answer.content.decode()


def test_a_stale_form_writes_nothing(ready: Case, as_role: Callable[[str], Client], send: Send) -> None:
    send("radiographer", page_of(ready), {"item_0": "yes"})
    stale = {"form_token": str(uuid.uuid4()), "seen_version": "0", "item_0": "no"}
    answer = as_role("ir_nurse").post(page_of(ready), stale)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Test Radiographer changed this" in page
    assert ChecklistAnswer.objects.get().given == "yes"
    assert re.search(r'name="item_0" value="no" checked', page)  # what was typed stays, for a second try
    assert 'name="seen_version" value="1"' in page


def test_sent_twice_it_acts_once(ready: Case, as_role: Callable[[str], Client]) -> None:
    sent = {
        **answers(ready, "sign_in"),
        "complete": "yes",
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
    }
    client = as_role("ir_nurse")
    assert client.post(page_of(ready), sent).status_code == 302
    assert client.post(page_of(ready), sent).status_code == 302
    assert ChecklistRound.objects.count() == 1
    assert ChecklistAnswer.objects.count() == len(ready.protocol.checklist.of("sign_in"))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"item_0": "perhaps"}, "Choose one of those that are offered"),
        ({"happened_at": "tomorrow"}, "has no time"),
        ({"happened_at": "24/11/2026 09:00"}, "has not come yet"),
        ({"happened_at": "31/11/2026 09:00"}, "There is no day"),
        ({"form_token": "x"}, "open the page again"),
        ({"seen_version": "-1"}, "greater than or equal to 0"),
    ],
)
def test_bad_input(ready: Case, send: Send, values: dict[str, str], says: str) -> None:
    answer = send("ir_nurse", page_of(ready), {**answers(ready, "sign_in"), **values})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not ChecklistAnswer.objects.exists()


def test_a_site_that_is_not_marked_stops_until_a_named_doctor_resolves_it(
    ready: Case, send: Send, people: dict[str, Person], as_role: Callable[[str], Client]
) -> None:
    sent = {**answers(ready, "sign_in", marked_side="not marked"), "complete": "yes"}
    assert send("ir_nurse", page_of(ready), sent).status_code == 409
    row = ChecklistAnswer.objects.get(item="marked side")
    resolve = f"/cases/{ready.number}/checklist/answers/{row.pk}/resolve/"
    words = {
        "resolution": "Marked now with the patient.",
        "form_token": str(uuid.uuid4()),
        "seen_version": "1",
    }
    assert as_role("ir_nurse").post(resolve, words).status_code == 403
    assert as_role("ir_doctor").post(resolve, {**words, "resolution": " "}).status_code == 422
    assert as_role("ir_doctor").post(resolve, words).status_code == 302
    row.refresh_from_db()
    assert (row.given, row.resolved_by, row.resolved_as) == ("not marked", people["ir_doctor"], "ir_doctor")
    # the mark itself is then said anew, or the sides could never agree at time out
    assert send("ir_nurse", page_of(ready), {"complete": "yes"}).status_code == 302
    assert fresh(ready).at_stage == Stage.SIGNED_IN


def test_an_answer_that_was_changed_since_is_not_resolved(
    ready: Case, send: Send, as_role: Callable[[str], Client]
) -> None:
    send("ir_nurse", page_of(ready), answers(ready, "sign_in", kit="no"))
    row = ChecklistAnswer.objects.get(item="kit")
    send("ir_nurse", page_of(ready), answers(ready, "sign_in"))
    words = {"resolution": "Fetched.", "form_token": str(uuid.uuid4()), "seen_version": "1"}
    answer = as_role("ir_doctor").post(f"/cases/{ready.number}/checklist/answers/{row.pk}/resolve/", words)
    assert answer.status_code == 409
    assert "does not count any more" in answer.content.decode()


@pytest.mark.parametrize(
    ("fact", "value", "says"),
    [
        ("consent.confirmed", False, "confirmed consent"),
        ("consent.confirmed", None, "confirmed consent"),
        ("consent.withdrawn", True, "confirmed consent"),
        ("vetting.ready", None, "assessment"),
    ],
)
def test_what_the_record_does_not_bear_out_stops(
    ready: Case, send: Send, told: Told, fact: str, value: object, says: str
) -> None:
    told[fact] = value
    answer = send("ir_nurse", page_of(ready), {**answers(ready, "sign_in"), "complete": "yes"})
    assert answer.status_code == 409
    assert says in answer.content.decode()
    assert fresh(ready).at_stage == Stage.ARRIVED


def test_paper_is_entered_afterwards_with_its_own_time(ready: Case, send: Send) -> None:
    sent = {**answers(ready, "sign_in"), "complete": "yes", "happened_at": "23/11/2026 08:40"}
    assert send("ir_nurse", page_of(ready), sent).status_code == 302
    done = ChecklistRound.objects.get()
    assert f"{done.completed_at:%H:%M}" == "08:40"
    row = AuditEvent.objects.filter(action="Completed the sign in").first()
    assert row is not None
    assert (row.at, f"{row.happened_at:%H:%M}") == (MONDAY, "08:40")


def test_the_page_shows_identity_allergies_and_consent(ready: Case, as_role: Callable[[str], Client]) -> None:
    page = as_role("ir_nurse").get(page_of(ready)).content.decode()
    for words in (
        "SAMPLE, Patient 943",
        "04/05/1961",
        "943 476 5919",
        "No known allergies",
        "LEFT, lower pole",
    ):
        assert words in page
