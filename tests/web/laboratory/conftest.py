"""Cases whose sample has come so far: at the table, in pots, sent, received, reported, read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.laboratory import reporting, taking
from trocar.web.laboratory.models import Order, Pot, Result
from trocar.web.laboratory.sample_record import SampleRecord

LM, IF = "light microscopy", "immunofluorescence"
ENOUGH = {"glomeruli": 14, "glomeruli in immunofluorescence": 2}
WORDS = {
    "report_number": "H26-1001",
    "reporter": "Sample pathologist",
    "outcome": "diagnosis",
    "diagnosis": "IgA nephropathy",
    "adequate_said": True,
}

Post = Callable[..., Any]


def post(
    client: Client, name: str, args: list[Any], values: Mapping[str, Any] | None = None, **more: Any
) -> Any:
    """Send a form as its page would: with a token of its own, unless one is given."""
    data = {"form_token": str(uuid.uuid4()), **(values or {}), **more}
    return client.post(reverse(f"laboratory:{name}", args=args), data)


def at_stage(case: Case, stage: Stage) -> Case:
    """The case at a stage; how it came there is tested where the moves are."""
    Case.objects.filter(pk=case.pk).update(stage=stage)
    case.refresh_from_db()
    return case


@pytest.fixture
def table(kidney_case: Case) -> Case:
    """Time out is done, no needle has been in."""
    return at_stage(kidney_case, Stage.TIMED_OUT)


@pytest.fixture
def potted(table: Case, people: dict[str, Person]) -> Case:
    """Two cores in formalin, one in transport medium, on an order each."""
    with change(people["ir_nurse"], table, "Prepared the sample") as ch:
        light = taking.add_order(ch, LM, "Which glomerular disease?")
        immune = taking.add_order(ch, IF, "Which glomerular disease?")
        a = taking.add_pot(ch, light, "formalin")
        b = taking.add_pot(ch, immune, "michel")
        for pot, length in ((a, 16), (a, 14), (b, 8)):
            taking.add_core(ch, pot, "lower pole", "left", length)
    return table


@pytest.fixture
def sent(potted: Case, people: dict[str, Person]) -> Case:
    """Counted and sent; the patient is in recovery."""
    with change(people["ir_nurse"], potted, "Counted and sent") as ch:
        taking.count(
            ch,
            2,
            {
                pot.number: record.cores_in(pot.number)
                for record in [SampleRecord.of(potted).specimen]
                for pot in record.pots
            },
            0,
        )
        taking.send(ch, list(Order.objects.filter(case=potted)), "Porter", "Renal pathology")
    return at_stage(potted, Stage.DISCHARGED)


@pytest.fixture
def received(sent: Case, people: dict[str, Person]) -> Case:
    """Every pot is at the laboratory."""
    with change(people["laboratory"], sent, "Received") as ch:
        for pot in Pot.objects.filter(case=sent):
            reporting.receive(ch, pot)
    return sent


@pytest.fixture
def reported(received: Case, people: dict[str, Person]) -> Case:
    """One report on both orders; the named reader is the referrer."""
    with change(people["laboratory"], received, "Reported") as ch:
        reporting.report(ch, list(Order.objects.filter(case=received)), dict(WORDS), dict(ENOUGH))
    received.refresh_from_db()
    return received


@pytest.fixture
def read(reported: Case, people: dict[str, Person]) -> Case:
    """The referrer has acknowledged it."""
    with change(people["referrer"], reported, "Read") as ch:
        reporting.acknowledge(ch, Result.objects.get(case=reported), "Clinic next week")
    return reported
