"""Cases that have come to the room, and what the other parts of the application tell about them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.procedure.models import Baseline, ProcedureDetails

Told = dict[str, Any]
WELL = {
    "systolic_mmhg": 128, "diastolic_mmhg": 74, "heart_rate_per_min": 72, "spo2_percent": 98,
    "respiratory_rate_per_min": 14, "temperature_c": "36.7", "consciousness": "alert", "pain_0_to_10": 0,
    "urine": "clear",
}  # fmt: skip


@pytest.fixture
def told() -> Iterator[Told]:
    """What consent, plan, vetting and laboratory tell of every case; a test changes it. Each has tests of its own."""
    facts: Told = {
        "vetting.ready": True, "consent.confirmed": True, "consent.withdrawn": False, "consent.side": "left",
        "consent.site": "lower pole", "plan.accepted_or_at_table": True, "plan.side": "left",
        "plan.site": "lower pole", "plan.guidance": "ultrasound", "specimen.counted": True,
        "specimen.orders": 1, "specimen.pots": 1, "specimen.cores": 1, "specimen.no_sample": False,
    }  # fmt: skip
    section = registry.Section(
        "told", "Told by the test", 999, Permission.MANAGE_PEOPLE, "cases:case",
        lambda case: registry.SectionState("done"), lambda case: facts,
    )  # fmt: skip
    registry.register(section)
    yield facts
    del registry._SECTIONS["told"]


def fresh(case: Case) -> Case:
    return Case.objects.select_related("patient").get(pk=case.pk)


def at_stage(case: Case, stage: Stage) -> Case:
    """The case, put at a stage that other parts of the application bring it to."""
    Case.objects.filter(pk=case.pk).update(stage=stage)
    return fresh(case)


def seen_version(page: str) -> dict[str, str]:
    """The version that a page's form says its sender has seen; nothing where the form only adds."""
    found = re.search(r'name="seen_version"[^>]*value="(\d+)"', page)
    return {"seen_version": found[1]} if found else {}


def answers(case: Case, stage: str, **others: str) -> dict[str, str]:
    """A good answer to each question of a stage; ``others`` by the item's name with _ for spaces. "" leaves one out."""
    given = {}
    for number, item in enumerate(case.protocol.checklist.of(stage)):  # type: ignore[arg-type]
        wanted = "left" if item.states else next(a for a in item.answers if a not in item.stops)
        wanted = others.get(item.name.replace(" ", "_"), wanted)
        if wanted:
            given[f"item_{number}"] = wanted
    return given


Send = Callable[..., Any]


@pytest.fixture
def send(as_role: Callable[[str], Client]) -> Send:
    """Opens a page as a role, fills in its form and sends it, as a browser does."""

    def sent(role: str, address: str, values: dict[str, Any], *, to: str = "", **hidden_values: str) -> Any:
        client = as_role(role)
        page = client.get(address)
        assert page.status_code == 200, page.status_code
        own = {"form_token": str(uuid.uuid4()), **seen_version(page.content.decode())}
        return client.post(to or address, {**own, **values, **hidden_values})

    return sent


@pytest.fixture
def ready(people: dict[str, Person], kidney_case: Case, told: Told) -> Case:
    """Left kidney, planned at the table, arrived; team and observations are on the record."""
    case = at_stage(kidney_case, Stage.ARRIVED)
    with change(people["ir_nurse"], case, "Recorded team and needle") as ch:
        ch.save(
            ProcedureDetails(),
            {
                "operator": people["ir_doctor"], "monitor": people["ir_nurse"], "guidance": "ultrasound",
                "needle": case.protocol.default_needle, "needle_lot": "L1", "sedation": "minimal",
                "iv_access": "20G, left hand",
            },
        )  # fmt: skip
        ch.save(Baseline(), {**WELL, "taken_at": ch.now, "taken_by": people["ir_nurse"]})
    return fresh(case)


@pytest.fixture
def signed_in(ready: Case, send: Send) -> Case:
    """The same case after a complete sign in, by its page."""
    sent = {**answers(ready, "sign_in"), "complete": "yes"}
    answer = send("ir_nurse", f"/cases/{ready.number}/checklist/sign-in/", sent)
    assert answer.status_code == 302, answer.content.decode()
    return fresh(ready)


@pytest.fixture
def timed_out(signed_in: Case, send: Send) -> Case:
    """The same case after a complete time out, by its page."""
    sent = {**answers(signed_in, "time_out"), "complete": "yes"}
    answer = send("ir_nurse", f"/cases/{signed_in.number}/checklist/time-out/", sent)
    assert answer.status_code == 302, answer.content.decode()
    return fresh(signed_in)


@pytest.fixture
def press(send: Send) -> Send:
    """Presses a large button."""

    def pressed(case: Case, button: str, role: str = "ir_nurse", **more: str) -> Any:
        room = f"/cases/{case.number}/procedure/"
        return send(role, room, {"pressed": button, **more}, to=f"{room}press/")

    return pressed


@pytest.fixture
def needle_out(timed_out: Case, press: Send) -> Case:
    """The same case after one pass and needle out."""
    for button in ("needle_in", "pass_sample", "needle_out"):
        assert press(timed_out, button).status_code == 302
    return fresh(timed_out)
