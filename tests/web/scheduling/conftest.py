"""Accepted cases, and the form that books a slot for them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from trocar.clinical.stages import Stage
from trocar.web.cases.models import Case
from trocar.web.cases.summaries import refresh
from trocar.web.scheduling.models import Booking

TOMORROW_AT_NINE = "24/11/2026 09:00"


def accepted(case: Case) -> Case:
    """The case as the assessment leaves it; the assessment itself has its own tests."""
    Case.objects.filter(pk=case.pk).update(stage=Stage.ACCEPTED)
    case.refresh_from_db()
    refresh(case)
    return case


@pytest.fixture
def kidney(kidney_case: Case) -> Case:
    return accepted(kidney_case)


@pytest.fixture
def bone(bone_case: Case) -> Case:
    return accepted(bone_case)


def slot_form(**changed: Any) -> dict[str, Any]:
    """What the browser sends for an ultrasound slot tomorrow at nine."""
    return {
        "form_token": str(uuid.uuid4()),
        "seen_version": "0",
        "room": "Ultrasound room",
        "guidance": "ultrasound",
        "start": TOMORROW_AT_NINE,
        "minutes": "45",
        "reason": "",
        **changed,
    }


CT_SLOT = {"room": "CT room 1", "guidance": "ct", "minutes": "60"}

Book = Callable[..., Any]


@pytest.fixture
def book(as_role: Callable[[str], Client]) -> Book:
    """Books a slot the way the coordinator does, and gives the answer."""

    def send(case: Case, role: str = "coordinator", **changed: Any) -> Any:
        held = Booking.objects.filter(case=case, status="holds").first()
        if held is not None:
            changed = {"seen_version": str(held.version), "reason": "Scanner is down", **changed}
        return as_role(role).post(f"/cases/{case.number}/scheduling/slot/", slot_form(**changed))

    return send
