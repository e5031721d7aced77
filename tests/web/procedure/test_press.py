"""The large buttons: needle in, passes, pictures, needle out."""

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
from trocar.web.cases.models import Case, StageChange
from trocar.web.procedure.models import RoomEvent

At = Callable[[datetime], Any]


def events(case: Case) -> list[str]:
    return [event.words for event in RoomEvent.objects.filter(case=case).order_by("id")]


def test_it_works(timed_out: Case, press: Send, people: dict[str, Person]) -> None:
    for button in ("needle_in", "image", "pass_sample", "pass_empty", "needle_out"):
        assert press(timed_out, button).status_code == 302
    assert events(timed_out) == [
        "Needle in",
        "Image saved, Ultrasound",
        "Pass: 1 core, Ultrasound",
        "Pass: no sample came, Ultrasound",
        "Needle out",
    ]
    assert {(e.at, e.entered_by) for e in RoomEvent.objects.all()} == {(MONDAY, people["ir_nurse"])}
    assert fresh(timed_out).at_stage == Stage.NEEDLE_OUT
    facts = registry.facts(fresh(timed_out))
    assert facts["procedure.t0"] == MONDAY
    assert (facts["procedure.passes"], facts["procedure.cores"]) == (2, 1)
    assert AuditEvent.objects.filter(action="Recorded: needle out").exists()


def test_two_presses_of_needle_out_set_t0_once(timed_out: Case, press: Send, at: At) -> None:
    press(timed_out, "needle_in")
    assert press(timed_out, "needle_out").status_code == 302
    with at(MONDAY + timedelta(seconds=40)):
        assert press(timed_out, "needle_out", role="ir_doctor").status_code == 302
    assert RoomEvent.objects.filter(kind="needle_out").count() == 1
    assert registry.facts(fresh(timed_out))["procedure.t0"] == MONDAY
    assert StageChange.objects.filter(move="needle_out").count() == 1


def test_the_same_press_sent_twice_acts_once(timed_out: Case, as_role: Callable[[str], Client]) -> None:
    client = as_role("ir_nurse")
    for button in ("needle_in", "pass_sample", "needle_out"):
        sent = {"pressed": button, "form_token": str(uuid.uuid4())}
        for _ in range(2):
            assert client.post(f"/cases/{timed_out.number}/procedure/press/", sent).status_code == 302
    assert RoomEvent.objects.count() == 3


@pytest.mark.parametrize("button", ["needle_in", "pass_sample", "needle_out", "image"])
def test_nothing_before_its_time(ready: Case, press: Send, button: str) -> None:
    answer = press(ready, button)
    assert answer.status_code == 409
    assert "This was not done" in answer.content.decode()
    assert not RoomEvent.objects.exists()
    assert fresh(ready).at_stage == Stage.ARRIVED


def test_no_needle_without_a_time_out(signed_in: Case, press: Send) -> None:
    assert "Time out comes first" in press(signed_in, "needle_in").content.decode()
    assert press(signed_in, "image").status_code == 302


def test_needle_out_needs_a_needle_in(timed_out: Case, press: Send) -> None:
    answer = press(timed_out, "needle_out")
    assert answer.status_code == 409
    assert "No needle has been in" in answer.content.decode()
    assert fresh(timed_out).at_stage == Stage.TIMED_OUT


@pytest.mark.parametrize("role", ["radiographer", "coordinator", "pharmacist", "laboratory", "manager"])
def test_who_may_not(timed_out: Case, as_role: Callable[[str], Client], role: str) -> None:
    sent = {"pressed": "needle_in", "form_token": str(uuid.uuid4())}
    assert as_role(role).post(f"/cases/{timed_out.number}/procedure/press/", sent).status_code == 403
    assert not RoomEvent.objects.exists()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"pressed": "needle"}, "Choose one"),
        ({"pressed": ""}, "Choose one"),
        ({"form_token": ""}, "open the page again"),
        ({"happened_at": "9:61"}, "There is no time"),
        ({"happened_at": "09:30"}, "has not come yet"),
        ({"modality": "mri"}, "Choose one"),
        ({"reason": "x" * 500}, "at most 400"),
    ],
)
def test_bad_input(timed_out: Case, press: Send, values: dict[str, str], says: str) -> None:
    more = {name: value for name, value in values.items() if name != "pressed"}
    answer = press(timed_out, values.get("pressed", "needle_in"), **more)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not RoomEvent.objects.exists()


def test_the_page_warns_at_the_third_pass_and_asks_why_at_the_fifth(timed_out: Case, press: Send) -> None:
    press(timed_out, "needle_in")
    for _ in range(2):
        press(timed_out, "pass_empty")
    assert "of at most" not in press(timed_out, "pass_empty", happened_at="x").content.decode()
    press(timed_out, "pass_empty")
    assert "Pass 3 of at most 4 in the protocol." in press(timed_out, "", role="ir_nurse").content.decode()
    press(timed_out, "pass_empty")
    answer = press(timed_out, "pass_sample")
    assert answer.status_code == 409
    assert "more passes than the protocol" in answer.content.decode()
    assert press(timed_out, "pass_sample", reason="Only fat so far.").status_code == 302
    assert RoomEvent.objects.filter(kind="pass").last().deviation == "Only fat so far."  # type: ignore[union-attr]


def test_paper_from_after_the_time_out_expired_needs_its_reason(timed_out: Case, press: Send, at: At) -> None:
    with at(MONDAY + timedelta(hours=3)):
        late = {"happened_at": "23/11/2026 09:20"}
        answer = press(timed_out, "needle_in", **late)
        assert answer.status_code == 409
        assert "Say why the needle went in." in answer.content.decode()
        assert press(timed_out, "needle_in", **late, reason="Power cut.").status_code == 302
        assert press(timed_out, "needle_out", happened_at="23/11/2026 09:25").status_code == 302
    event = RoomEvent.objects.get(kind="needle_in")
    assert (event.at, event.deviation) == (MONDAY + timedelta(minutes=20), "Power cut.")
    row = AuditEvent.objects.get(action="Recorded: needle in")
    assert (row.at - MONDAY, row.happened_at) == (timedelta(hours=3), event.at)


def test_a_needle_that_goes_in_again_takes_t0_away_until_it_is_out(
    needle_out: Case, press: Send, at: At
) -> None:
    with at(MONDAY + timedelta(minutes=5)):
        assert press(needle_out, "needle_in").status_code == 409
        assert press(needle_out, "needle_in", reason="More tissue asked.").status_code == 302
        assert registry.facts(fresh(needle_out))["procedure.needle_out"] is False
    with at(MONDAY + timedelta(minutes=8)):
        assert press(needle_out, "needle_out").status_code == 302
    assert registry.facts(fresh(needle_out))["procedure.t0"] == MONDAY + timedelta(minutes=8)
    assert fresh(needle_out).at_stage == Stage.NEEDLE_OUT


def test_enter_in_a_text_box_presses_nothing(timed_out: Case, as_role: Callable[[str], Client]) -> None:
    """A browser presses a form's first button; here that one is disabled, so it presses none."""
    page = as_role("ir_nurse").get(f"/cases/{timed_out.number}/procedure/").content.decode()
    form = page[page.index("procedure/press/") :]
    assert form.index('<button type="submit" disabled hidden>') < form.index('value="needle_in"')


def test_the_keys_on_the_page_are_the_keys_of_the_buttons(
    timed_out: Case, press: Send, as_role: Callable[[str], Client]
) -> None:
    press(timed_out, "needle_in")
    page = as_role("ir_nurse").get(f"/cases/{timed_out.number}/procedure/").content.decode()
    for key in "NPEIDOU":
        assert page.count(f'accesskey="{key.lower()}"') == 1
        assert f'<dt class="nhsuk-summary-list__key">{key}</dt>' in page


def test_abandoned_only_while_no_needle_has_been_in(
    timed_out: Case, press: Send, as_role: Callable[[str], Client]
) -> None:
    press(timed_out, "needle_in")
    sent = {"form_token": str(uuid.uuid4()), "reason": "Patient cannot lie still."}
    answer = as_role("ir_doctor").post(f"/cases/{timed_out.number}/move/abandon/", sent)
    assert answer.status_code == 409
    assert fresh(timed_out).at_stage == Stage.TIMED_OUT


def test_a_case_that_has_left_takes_no_needle(needle_out: Case, press: Send) -> None:
    at_stage(needle_out, Stage.DISCHARGED)
    assert press(needle_out, "pass_sample", reason="x").status_code == 409
