"""Complications: at once or later, or that there were none."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, at_stage, fresh
from trocar.clinical.stages import Stage
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.procedure.models import Complication, ProcedureDetails

CLOT = {
    "kind": "haematoma beside the kidney", "seen_at": "23/11/2026 09:00", "harm": "low", "description": "2 cm clot",
    "plan": "Ultrasound again in an hour.", "told": "Told of a small clot.", "incident": "",
}  # fmt: skip


def page_of(case: Case) -> str:
    return f"/cases/{case.number}/procedure/complications/"


def test_it_works(needle_out: Case, send: Send) -> None:
    assert send("ir_nurse", page_of(needle_out) + "new/", CLOT).status_code == 302
    assert Complication.objects.get().kind == "haematoma beside the kidney"
    assert ProcedureDetails.objects.get().complications == "some"
    assert registry.facts(fresh(needle_out))["procedure.complications"] is True


def test_there_were_none(needle_out: Case, send: Send) -> None:
    assert send("ir_nurse", page_of(needle_out), {}, to=page_of(needle_out) + "none/").status_code == 302
    assert registry.facts(fresh(needle_out))["procedure.complications"] is True


def test_while_nobody_said_it_is_not_assessed(needle_out: Case) -> None:
    assert registry.facts(needle_out)["procedure.complications"] is None


def test_one_is_seen_later(
    needle_out: Case, send: Send, at: Callable[[datetime], Any], as_role: Callable[[str], Client]
) -> None:
    send("ir_nurse", page_of(needle_out), {}, to=page_of(needle_out) + "none/")
    at_stage(needle_out, Stage.CLOSED)
    with at(MONDAY + timedelta(days=3)):
        late = {**CLOT, "kind": "infection", "seen_at": "26/11/2026 08:00", "harm": "severe"}
        assert send("ir_nurse", page_of(needle_out) + "new/", late).status_code == 302
        page = as_role("ir_nurse").get(page_of(needle_out)).content.decode()
    assert "Raise an incident" in page
    assert ProcedureDetails.objects.get().complications == "some"
    assert registry.facts(fresh(needle_out))["procedure.incident"] is True


def test_none_cannot_be_said_beside_one(
    needle_out: Case, send: Send, as_role: Callable[[str], Client]
) -> None:
    send("ir_nurse", page_of(needle_out) + "new/", CLOT)
    sent = {"form_token": str(uuid.uuid4()), "seen_version": str(ProcedureDetails.objects.get().version)}
    answer = as_role("ir_nurse").post(page_of(needle_out) + "none/", sent)
    assert answer.status_code == 409
    assert "recorded already" in answer.content.decode()


def test_none_cannot_be_said_before_the_needle_is_out(timed_out: Case, press: Send, send: Send) -> None:
    press(timed_out, "needle_in")
    assert send("ir_nurse", page_of(timed_out), {}, to=page_of(timed_out) + "none/").status_code == 409


def test_a_known_one_is_added_to(needle_out: Case, send: Send) -> None:
    send("ir_nurse", page_of(needle_out) + "new/", CLOT)
    address = page_of(needle_out) + f"{Complication.objects.get().pk}/"
    assert send("ir_doctor", address, {**CLOT, "incident": "INC-1"}).status_code == 302
    assert (Complication.objects.get().incident, Complication.objects.get().version) == ("INC-1", 2)


def test_a_stale_form(needle_out: Case, send: Send, as_role: Callable[[str], Client]) -> None:
    send("ir_nurse", page_of(needle_out) + "new/", CLOT)
    address = page_of(needle_out) + f"{Complication.objects.get().pk}/"
    send("ir_doctor", address, {**CLOT, "plan": "Theirs"})
    stale = {**CLOT, "plan": "Mine", "form_token": str(uuid.uuid4()), "seen_version": "1"}
    answer = as_role("ir_nurse").post(address, stale)
    assert answer.status_code == 409
    assert Complication.objects.get().plan == "Theirs"
    none = {"form_token": str(uuid.uuid4()), "seen_version": "0"}
    assert as_role("ir_nurse").post(page_of(needle_out) + "none/", none).status_code == 409


def test_sent_twice_it_is_one(needle_out: Case, as_role: Callable[[str], Client]) -> None:
    sent = {**CLOT, "form_token": str(uuid.uuid4())}
    for _ in range(2):
        assert as_role("ir_nurse").post(page_of(needle_out) + "new/", sent).status_code == 302
    assert Complication.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "fracture"}, "Choose one"),  # of another procedure
        ({"harm": ""}, "Choose one"),
        ({"plan": ""}, "Fill in"),
        ({"told": " "}, "Fill in"),
        ({"description": "x" * 3000}, "at most 2,000"),
        ({"seen_at": "23/11/2026 10:00"}, "has not come yet"),
        ({"seen_at": "29/02/2026 10:00"}, "There is no day"),
    ],
)
def test_bad_input(needle_out: Case, send: Send, values: dict[str, str], says: str) -> None:
    answer = send("ir_nurse", page_of(needle_out) + "new/", {**CLOT, **values})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Complication.objects.exists()


@pytest.mark.parametrize("role", ["radiographer", "coordinator"])
def test_who_may_not(needle_out: Case, as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    assert client.get(page_of(needle_out)).status_code == 200
    assert client.get(page_of(needle_out) + "new/").status_code == 403
    assert client.post(page_of(needle_out) + "none/", {"form_token": str(uuid.uuid4())}).status_code == 403
