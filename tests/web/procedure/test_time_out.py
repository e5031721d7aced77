"""The time out: everybody stops, the plan is on the screen, and it holds for so many minutes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, Told, answers, fresh
from trocar.clinical.stages import Stage
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.procedure.models import Baseline, ChecklistRound

At = Callable[[datetime], Any]
PNG = b"\x89PNG\r\n\x1a\n and the rest"


def page_of(case: Case) -> str:
    return f"/cases/{case.number}/checklist/time-out/"


def test_it_works(signed_in: Case, send: Send) -> None:
    answer = send("radiographer", page_of(signed_in), {**answers(signed_in, "time_out"), "complete": "yes"})
    assert answer.status_code == 302
    assert fresh(signed_in).at_stage == Stage.TIMED_OUT


def test_sign_in_comes_first(ready: Case, send: Send) -> None:
    answer = send("ir_nurse", page_of(ready), {**answers(ready, "time_out"), "complete": "yes"})
    assert answer.status_code == 409
    assert "Sign in comes first." in answer.content.decode()
    assert not ChecklistRound.objects.exists()


@pytest.mark.parametrize("role", ["coordinator", "pharmacist"])
def test_who_may_not(signed_in: Case, as_role: Callable[[str], Client], role: str) -> None:
    sent = {**answers(signed_in, "time_out"), "complete": "yes", "form_token": str(uuid.uuid4())}
    assert as_role(role).post(page_of(signed_in), sent).status_code == 403


@pytest.mark.parametrize("value", [False, None])
def test_without_an_accepted_plan_or_one_at_the_table(
    signed_in: Case, send: Send, told: Told, value: object
) -> None:
    told["plan.accepted_or_at_table"] = value
    answer = send("ir_nurse", page_of(signed_in), {**answers(signed_in, "time_out"), "complete": "yes"})
    assert answer.status_code == 409
    assert "nothing planned at the table" in answer.content.decode()
    assert fresh(signed_in).at_stage == Stage.SIGNED_IN


def test_without_observations_from_before(signed_in: Case, send: Send) -> None:
    Baseline.objects.all().delete()
    answer = send("ir_nurse", page_of(signed_in), {**answers(signed_in, "time_out"), "complete": "yes"})
    assert answer.status_code == 409
    assert "observations from before sedation" in answer.content.decode()


def test_it_expires_before_the_puncture_and_is_done_again(
    timed_out: Case, send: Send, press: Send, at: At
) -> None:
    with at(MONDAY + timedelta(minutes=16)):
        answer = press(timed_out, "needle_in")
        assert answer.status_code == 409
        assert "older than 15 minutes; do it again" in answer.content.decode()
        again = send("ir_nurse", page_of(timed_out), {**answers(timed_out, "time_out"), "complete": "yes"})
        assert again.status_code == 302
        assert press(timed_out, "needle_in").status_code == 302
    rounds = ChecklistRound.objects.filter(stage="time_out")
    assert [(r.number, r.completed_at) for r in rounds] == [(1, MONDAY), (2, MONDAY + timedelta(minutes=16))]


def test_an_expired_one_is_said_on_the_case(timed_out: Case, at: At) -> None:
    section = next(s for s in registry.sections() if s.key == "checklist")
    assert section.state(timed_out).status == "done"
    with at(MONDAY + timedelta(minutes=16)):
        state = section.state(timed_out)
    assert state.status == "blocked"
    assert state.next_action is not None
    assert state.next_action.text == "Time out again"


def test_with_the_needle_in_there_is_no_more_time_out(timed_out: Case, press: Send, send: Send) -> None:
    press(timed_out, "needle_in")
    answer = send("ir_nurse", page_of(timed_out), {"item_0": "yes"})
    assert answer.status_code == 409
    assert "The needle is in" in answer.content.decode()


def test_a_stale_form_of_the_first_round_writes_nothing(
    signed_in: Case, as_role: Callable[[str], Client], send: Send
) -> None:
    send("radiographer", page_of(signed_in), {"item_0": "yes"})
    stale = {"form_token": str(uuid.uuid4()), "seen_version": "0", **answers(signed_in, "time_out")}
    assert as_role("ir_nurse").post(page_of(signed_in), {**stale, "complete": "yes"}).status_code == 409
    assert fresh(signed_in).at_stage == Stage.SIGNED_IN


def test_the_plans_picture_side_and_site_are_on_the_screen(
    signed_in: Case, as_role: Callable[[str], Client]
) -> None:
    """Through the registry: the plan's section gives picture and entry, whatever app it comes from."""
    before = registry._SECTIONS.get("plan")
    registry._SECTIONS["plan"] = registry.Section(
        "plan", "Plan", 30, Permission.SEE_CASES, "cases:case", lambda case: registry.SectionState("done", "Path 2"),
        entries=lambda case: (registry.Entry("Accepted path", (("Entry", "42 mm left of the midline"),)),),
        pictures=lambda case: (registry.RecordPicture("Along the needle", "Axial CT with the needle", PNG),),
    )  # fmt: skip
    try:
        client = as_role("ir_nurse")
        page = client.get(page_of(signed_in)).content.decode()
        picture = client.get(f"/cases/{signed_in.number}/checklist/pictures/0.png")
        none = client.get(f"/cases/{signed_in.number}/checklist/pictures/1.png")
    finally:
        del registry._SECTIONS["plan"]
        if before is not None:
            registry._SECTIONS["plan"] = before
    assert (picture.content, picture["Content-Type"], none.status_code) == (PNG, "image/png", 404)
    for words in ("Axial CT with the needle", "42 mm left of the midline", "LEFT, lower pole", "Path 2"):
        assert words in page
