"""What was entered by mistake is taken back or corrected, and stays on the record."""

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
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.procedure.models import RoomEvent


def take_back(client: Client, case: Case, seen: RoomEvent | None, **more: str) -> Any:
    sent = {"form_token": str(uuid.uuid4()), "last": str(seen.pk if seen else 1), **more}
    return client.post(f"/cases/{case.number}/procedure/undo/", sent)


def test_it_works(
    timed_out: Case, press: Send, as_role: Callable[[str], Client], people: dict[str, Person]
) -> None:
    press(timed_out, "needle_in")
    press(timed_out, "pass_sample")
    client = as_role("ir_doctor")
    assert take_back(client, timed_out, RoomEvent.objects.last()).status_code == 302
    event = RoomEvent.objects.get(kind="pass")
    assert (event.undone, event.undone_by, event.undone_at) == (True, people["ir_doctor"], MONDAY)
    assert registry.facts(fresh(timed_out))["procedure.passes"] == 0
    row = AuditEvent.objects.filter(action="Took back an entry").get()
    assert row.changes["undone"] == [False, True]
    page = client.get(f"/cases/{timed_out.number}/procedure/").content.decode()
    assert "<s>Pass: 1 core, Ultrasound</s> taken back by Test IR doctor" in page


def test_needle_out_pressed_by_mistake(
    needle_out: Case, as_role: Callable[[str], Client], press: Send
) -> None:
    out = RoomEvent.objects.get(kind="needle_out")
    assert take_back(as_role("ir_nurse"), needle_out, out).status_code == 302
    assert registry.facts(fresh(needle_out))["procedure.needle_out"] is False
    section = next(s for s in registry.sections() if s.key == "procedure")
    assert section.state(fresh(needle_out)).status == "blocked"
    assert press(needle_out, "needle_out").status_code == 302
    assert registry.facts(fresh(needle_out))["procedure.t0"] == MONDAY


def test_a_stale_page_takes_nothing_back(
    timed_out: Case, press: Send, as_role: Callable[[str], Client]
) -> None:
    press(timed_out, "needle_in")
    seen = RoomEvent.objects.last()
    press(timed_out, "pass_sample", role="ir_doctor")
    answer = take_back(as_role("ir_nurse"), timed_out, seen)
    assert answer.status_code == 409
    assert "Test IR doctor changed this" in answer.content.decode()
    assert not RoomEvent.objects.filter(undone=True).exists()


def test_sent_twice_it_takes_back_one(timed_out: Case, press: Send, as_role: Callable[[str], Client]) -> None:
    press(timed_out, "needle_in")
    press(timed_out, "pass_sample")
    token, last = str(uuid.uuid4()), RoomEvent.objects.last()
    for _ in range(2):
        assert take_back(as_role("ir_nurse"), timed_out, last, form_token=token).status_code == 302
    assert RoomEvent.objects.filter(undone=True).count() == 1


def test_there_is_nothing_to_take_back(timed_out: Case, as_role: Callable[[str], Client]) -> None:
    assert take_back(as_role("ir_nurse"), timed_out, None).status_code == 409


@pytest.mark.parametrize("last", ["", "first", "9" * 40])
def test_bad_input(timed_out: Case, press: Send, as_role: Callable[[str], Client], last: str) -> None:
    press(timed_out, "needle_in")
    assert take_back(as_role("ir_nurse"), timed_out, None, last=last).status_code in (409, 422)
    assert not RoomEvent.objects.filter(undone=True).exists()


@pytest.mark.parametrize("role", ["radiographer", "coordinator", "auditor"])
def test_who_may_not(timed_out: Case, press: Send, as_role: Callable[[str], Client], role: str) -> None:
    press(timed_out, "needle_in")
    event = RoomEvent.objects.get()
    assert take_back(as_role(role), timed_out, event).status_code == 403
    assert as_role(role).get(f"/cases/{timed_out.number}/procedure/entries/{event.pk}/").status_code == 403


def test_after_sign_out_nothing_is_taken_back(needle_out: Case, as_role: Callable[[str], Client]) -> None:
    at_stage(needle_out, Stage.SIGNED_OUT)
    answer = take_back(as_role("ir_nurse"), needle_out, RoomEvent.objects.last())
    assert answer.status_code == 409
    assert "correct the entry" in answer.content.decode()


def correction(case: Case, kind: str) -> str:
    return f"/cases/{case.number}/procedure/entries/{RoomEvent.objects.get(kind=kind).pk}/"


def test_a_time_is_corrected_with_a_reason(
    needle_out: Case, send: Send, at: Callable[[datetime], Any]
) -> None:
    with at(MONDAY + timedelta(minutes=30)):
        sent = {"at": "23/11/2026 09:04", "reason": "Pressed late."}
        assert send("ir_nurse", correction(needle_out, "needle_out"), sent).status_code == 302
    assert registry.facts(fresh(needle_out))["procedure.t0"] == MONDAY + timedelta(minutes=4)
    row = AuditEvent.objects.get(action="Corrected an entry")
    assert row.reason == "Pressed late."
    assert list(row.changes) == ["at"]


def test_cores_are_counted_afterwards(needle_out: Case, send: Send) -> None:
    sent = {
        "at": "23/11/2026 09:00",
        "modality": "ultrasound",
        "sample_came": "yes",
        "cores": "2",
        "reason": "Two.",
    }
    assert send("ir_nurse", correction(needle_out, "pass"), sent).status_code == 302
    assert registry.facts(fresh(needle_out))["procedure.cores"] == 2


@pytest.mark.parametrize(
    ("kind", "values", "status", "says"),
    [
        ("needle_out", {"at": "23/11/2026 08:59"}, 409, "cannot be out before"),
        ("needle_out", {"at": "23/11/2026 09:01"}, 422, "has not come yet"),
        ("needle_out", {"at": ""}, 422, "Fill in"),
        ("needle_out", {"reason": ""}, 422, "Fill in"),
        ("needle_out", {"seen_version": "0"}, 409, "changed this"),
        ("pass", {"sample_came": "no", "cores": "2"}, 422, "yet cores are counted"),
        ("pass", {"sample_came": "yes", "cores": "0"}, 422, "count the cores"),
        ("pass", {"sample_came": "yes", "cores": "1,5"}, 422, "comma"),
    ],
)
def test_a_correction_that_cannot_be(
    needle_out: Case, send: Send, kind: str, values: dict[str, str], status: int, says: str
) -> None:
    sent = {
        "at": "23/11/2026 09:00",
        "modality": "ultrasound",
        "sample_came": "yes",
        "cores": "1",
        "reason": "x",
    }
    answer = send("ir_nurse", correction(needle_out, kind), {**sent, **values})
    assert answer.status_code == status
    assert says in answer.content.decode()
    assert not AuditEvent.objects.filter(action="Corrected an entry").exists()
