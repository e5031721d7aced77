"""From referral to result through the pages, as people go: kidney, bone, and a procedure that no code has heard of."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.clinical.protocol_files import LIVER
from trocar.clinical.stages import Stage
from trocar.clinical.working_time import LONDON
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.audit.verify import verify
from trocar.web.cases import clock, registry
from trocar.web.demo.visitor import Stopped
from trocar.web.demo.walk import Walk

START = datetime(2026, 11, 25, 9, 0, tzinfo=LONDON)


@pytest.fixture
def walk(people: dict[str, Person]) -> Walk:
    return Walk(people)


@pytest.fixture
def liver(tmp_path: Path, settings: Any) -> str:
    settings.TROCAR_PROTOCOLS = str(tmp_path)
    (tmp_path / "liver_biopsy.yaml").write_bytes(LIVER)
    return "liver_biopsy"


def patient(number: str) -> dict[str, str]:
    return {
        "hospital_number": number, "family_name": "Sample", "given_name": "Patient one", "birth_date": "4/5/1961",
        "sex": "female",
    }  # fmt: skip


def go(walk: Walk, protocol: str, guidance: str, room: str, **referral: Any) -> None:
    """The whole way; the stage is looked at after every step."""

    def at(stage: Stage) -> None:
        assert walk.case.at_stage is stage

    with clock.at(START - timedelta(days=2)):
        walk.begin(protocol, patient("J1"))
        walk.refer(indication="Cause not known", question="What is it?", **referral)
        walk.assess()
        at(Stage.REFERRED)
        walk.accept()
        at(Stage.ACCEPTED)
        walk.book(room, guidance, START)
        at(Stage.BOOKED)
        walk.tell()
        walk.plan_at_the_table(guidance)
        walk.explain()
    with clock.at(START - timedelta(minutes=30)):
        walk.arrive()
        at(Stage.ARRIVED)
        with pytest.raises(Stopped, match=r"[Cc]onsent"):
            walk.check("sign-in")
        walk.confirm()
        walk.check("sign-in")
        at(Stage.SIGNED_IN)
        walk.prepare_room(guidance)
        walk.check("time-out")
        at(Stage.TIMED_OUT)
        walk.sample(guidance, walk.order())
        at(Stage.NEEDLE_OUT)
        walk.take_samples()
        walk.finish()
        at(Stage.SIGNED_OUT)
    with clock.at(START + timedelta(hours=7)):
        walk.leave()
        at(Stage.DISCHARGED)
        walk.send_samples()
    with clock.at(START + timedelta(hours=26)):
        walk.receive()
    with clock.at(START + timedelta(hours=50)):
        walk.report("R1", "What the laboratory found")
        at(Stage.REPORTED)
        walk.read_result("Seen in clinic")
        walk.close()
        at(Stage.CLOSED)


def test_kidney_under_ultrasound(walk: Walk) -> None:
    go(walk, "kidney_biopsy", "ultrasound", "Ultrasound room", site="lower pole", side="left")
    case = walk.case
    assert all(entry.rows for section in registry.sections() for entry in section.entries(case))
    assert verify().broken is None
    roles = set(AuditEvent.objects.filter(case_number=case.number).values_list("actor_role", flat=True))
    assert {"referrer", "ir_doctor", "coordinator", "ir_nurse", "laboratory"} <= roles


def test_bone_under_ct(walk: Walk) -> None:
    go(walk, "bone_biopsy", "ct", "CT room 1", site="iliac crest", side="left")


def test_a_procedure_that_is_only_a_file(walk: Walk, liver: str) -> None:
    go(walk, liver, "ultrasound", "Ultrasound room", site="right lobe", side="none")
