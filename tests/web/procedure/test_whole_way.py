"""A kidney biopsy without any CT, from the door of the room to recovery, and what the record says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, answers, fresh
from trocar.clinical.stages import Stage
from trocar.web.audit.verify import verify
from trocar.web.cases import registry
from trocar.web.cases.models import Case, StageChange


def test_planned_at_the_table_it_goes_the_whole_way(
    ready: Case, send: Send, press: Send, at: Callable[[datetime], Any]
) -> None:
    base = f"/cases/{ready.number}/"
    steps: list[tuple[int, str, Callable[[], Any]]] = [
        (0, "arrived", lambda: send("ir_nurse", f"{base}checklist/sign-in/", _all(ready, "sign_in"))),
        (5, "signed_in", lambda: send("ir_nurse", f"{base}checklist/time-out/", _all(ready, "time_out"))),
        (7, "timed_out", lambda: send("ir_nurse", f"{base}procedure/drug/", {
            "drug": "lidocaine 1 percent", "amount": "10", "unit": "mL", "route": "infiltration"})),
        (10, "timed_out", lambda: press(ready, "needle_in")),
        (11, "timed_out", lambda: press(ready, "image")),
        (12, "timed_out", lambda: press(ready, "pass_sample")),
        (15, "timed_out", lambda: press(ready, "needle_out")),
        (16, "needle_out", lambda: send("ir_nurse", f"{base}procedure/complications/", {},
                                        to=f"{base}procedure/complications/none/")),
        (20, "needle_out", lambda: send("ir_nurse", f"{base}checklist/sign-out/", _all(ready, "sign_out"))),
    ]  # fmt: skip
    for minute, stage, step in steps:
        assert fresh(ready).stage == stage
        with at(MONDAY + timedelta(minutes=minute)):
            answer = step()
        assert answer.status_code == 302, answer.content.decode()
    case = fresh(ready)
    assert case.at_stage == Stage.SIGNED_OUT
    assert registry.facts(case)["procedure.t0"] == MONDAY + timedelta(minutes=15)
    moves = [change.move for change in StageChange.objects.filter(case=case)]
    assert moves == ["sign_in", "time_out", "needle_out", "sign_out"]
    said = {entry.heading for section in registry.sections() for entry in section.entries(case)}
    assert {
        "Sign in",
        "Time out",
        "Sign out",
        "Procedure",
        "In the room",
        "Observations before sedation",
    } <= said
    states = {s.key: s.state(case).status for s in registry.sections()}
    assert (states["checklist"], states["procedure"], states["radiation"]) == ("done", "done", "not needed")
    assert verify().broken is None


def _all(case: Case, stage: str) -> dict[str, str]:
    return {**answers(case, stage), "complete": "yes"}


@pytest.mark.parametrize(
    "page",
    ["checklist/", "checklist/sign-in/", "checklist/time-out/", "checklist/sign-out/", "procedure/",
     "procedure/complications/", "radiation/"],
)  # fmt: skip
def test_every_page_can_be_read_by_who_sees_cases(
    needle_out: Case, as_role: Callable[[str], Client], page: str
) -> None:
    for role in ("ir_doctor", "coordinator"):
        answer = as_role(role).get(f"/cases/{needle_out.number}/{page}")
        assert answer.status_code == 200
        assert answer.content.decode().count("<h1") == 1
    assert as_role("laboratory").get(f"/cases/{needle_out.number}/{page}").status_code == 403
    assert Client().get(f"/cases/{needle_out.number}/{page}").status_code == 302


def test_the_room_asks_the_database_no_more_often_for_a_long_record(
    timed_out: Case, press: Send, as_role: Callable[[str], Client]
) -> None:
    client = as_role("ir_nurse")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert client.get(f"/cases/{timed_out.number}/procedure/").status_code == 200
        return len(counted)

    press(timed_out, "needle_in")
    press(timed_out, "pass_sample")
    queries()  # a first look by a new session asks more
    few = queries()
    for _ in range(3):
        press(timed_out, "image")
    assert queries() == few
