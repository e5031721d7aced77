"""The sign out: nobody leaves the room before pots, orders, counts, complications and dose are right."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, Told, answers, fresh
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.procedure.models import ChecklistAnswer, ChecklistRound, ProcedureDetails


def page_of(case: Case) -> str:
    return f"/cases/{case.number}/checklist/sign-out/"


@pytest.fixture
def done(needle_out: Case, people: dict[str, Person]) -> Case:
    """Needle out, and it is said that there were no complications."""
    with change(people["ir_nurse"], needle_out, "No complications") as ch:
        ch.save(ProcedureDetails.objects.get(case=needle_out), {"complications": "none"})
    return fresh(needle_out)


def test_it_works(done: Case, send: Send) -> None:
    answer = send("ir_nurse", page_of(done), {**answers(done, "sign_out"), "complete": "yes"})
    assert answer.status_code == 302, answer.content.decode()
    assert fresh(done).at_stage == Stage.SIGNED_OUT
    assert ChecklistRound.objects.get(stage="sign_out").completed_at == MONDAY


def test_not_before_the_needle_is_out(timed_out: Case, press: Send, send: Send) -> None:
    press(timed_out, "needle_in")
    answer = send("ir_nurse", page_of(timed_out), {**answers(timed_out, "sign_out"), "complete": "yes"})
    assert answer.status_code == 409
    assert "record needle out first" in answer.content.decode()
    assert not ChecklistAnswer.objects.filter(round__stage="sign_out").exists()


@pytest.mark.parametrize(
    ("fact", "value", "says"),
    [
        ("specimen.counted", False, "pots match the orders"),
        ("specimen.counted", None, "pots match the orders"),
        ("specimen.cores", 2, "Cores taken: 1; in the pots: 2."),
        ("specimen.orders", 2, "Pots: 1, for orders: 2"),
        ("specimen.orders", None, "The number of orders is not known."),
    ],
)
def test_the_specimens_must_match_the_orders(
    done: Case, send: Send, told: Told, fact: str, value: object, says: str
) -> None:
    told[fact] = value
    answer = send("ir_nurse", page_of(done), {**answers(done, "sign_out"), "complete": "yes"})
    assert answer.status_code == 409
    assert says in answer.content.decode()
    assert fresh(done).at_stage == Stage.NEEDLE_OUT


def test_a_procedure_without_a_sample_is_signed_out_too(
    timed_out: Case, press: Send, send: Send, told: Told, people: dict[str, Person]
) -> None:
    for button in ("needle_in", "pass_empty", "needle_out"):
        press(timed_out, button)
    told.update({"specimen.orders": 0, "specimen.pots": 0, "specimen.cores": 0, "specimen.no_sample": True})
    with change(people["ir_nurse"], timed_out, "No complications") as ch:
        ch.save(ProcedureDetails.objects.get(case=timed_out), {"complications": "none"})
    answer = send("ir_nurse", page_of(timed_out), {**answers(timed_out, "sign_out"), "complete": "yes"})
    assert answer.status_code == 302


def test_whether_there_were_complications_must_be_said(needle_out: Case, send: Send) -> None:
    answer = send("ir_nurse", page_of(needle_out), {**answers(needle_out, "sign_out"), "complete": "yes"})
    assert answer.status_code == 409
    assert "does not say whether there were complications" in answer.content.decode()


def test_failed_equipment_stops_until_it_is_resolved(
    done: Case, send: Send, as_role: Callable[[str], Client]
) -> None:
    sent = {**answers(done, "sign_out", equipment="yes"), "complete": "yes"}
    assert send("ir_nurse", page_of(done), sent).status_code == 409
    row = ChecklistAnswer.objects.get(item="equipment")
    words = {
        "resolution": "Gun reported and kept.",
        "form_token": str(uuid.uuid4()),
        "seen_version": str(row.version),
    }
    address = f"/cases/{done.number}/checklist/answers/{row.pk}/resolve/"
    for _ in range(2):
        assert as_role("ir_doctor").post(address, words).status_code == 302
    assert send("ir_nurse", page_of(done), {"complete": "yes"}).status_code == 302


@pytest.mark.parametrize("role", ["coordinator", "pharmacist", "laboratory"])
def test_who_may_not(done: Case, as_role: Callable[[str], Client], role: str) -> None:
    sent = {**answers(done, "sign_out"), "complete": "yes", "form_token": str(uuid.uuid4())}
    assert as_role(role).post(page_of(done), sent).status_code == 403
    assert fresh(done).at_stage == Stage.NEEDLE_OUT


def test_sent_twice_it_signs_out_once(done: Case, as_role: Callable[[str], Client]) -> None:
    sent = {
        **answers(done, "sign_out"),
        "complete": "yes",
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
    }
    client = as_role("ir_nurse")
    assert client.post(page_of(done), sent).status_code == 302
    assert client.post(page_of(done), sent).status_code == 302
    assert ChecklistRound.objects.filter(stage="sign_out").count() == 1


def test_a_stale_form(done: Case, send: Send, as_role: Callable[[str], Client]) -> None:
    send("ir_doctor", page_of(done), {"item_0": "yes"})
    stale = {
        **answers(done, "sign_out"),
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
        "complete": "yes",
    }
    assert as_role("ir_nurse").post(page_of(done), stale).status_code == 409
    assert fresh(done).at_stage == Stage.NEEDLE_OUT
