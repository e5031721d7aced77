"""A case of which everything is known, the browser's forms, and a slot from scheduling itself."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from trocar.clinical.loading import load_protocol
from trocar.web.accounts.models import Person
from trocar.web.cases import clock
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.scheduling.models import Booking
from trocar.web.vetting.models import Result, VettingAnswers

SignIn = Callable[[str], Client]

GOOD = {
    "haemoglobin": 131.0, "platelets": 240.0, "inr": 1.0, "creatinine": 110.0, "egfr": 62.0, "systolic": 124.0,
    "diastolic": 76.0, "kidney_length": 104.0, "weight": 72.0,
}  # fmt: skip


def good_answers(protocol: str) -> dict[str, bool]:
    """Every question answered in the way that does not count."""
    return {
        q.name: not q.counts_when for q in load_protocol(protocol).vetting.questions if "vetting" in q.phases
    }


def tell_everything(case: Case, by: Person, **changed: Any) -> Case:
    """Results of this morning and the answers of a doctor, in whom nothing stands against the biopsy."""
    values = {
        "answers": good_answers(case.protocol_name), "records": {}, "medicines_complete": True, "stent": "none",
        **changed.pop("given", {}),
    }  # fmt: skip
    with change(by, case, "Vetted") as ch:
        ch.save(VettingAnswers(), values, 0)
        for quantity, value in {**GOOD, **changed}.items():
            if value is not None:
                taken = clock.now() - timedelta(hours=2)
                ch.save(Result(), {"quantity": quantity, "value": value, "taken_at": taken})
    return case


@pytest.fixture
def known(kidney_case: Case, people: dict[str, Person]) -> Case:
    """A kidney case in which nothing stands against the biopsy, not decided on yet."""
    return tell_everything(kidney_case, people["ir_doctor"])


@pytest.fixture
def known_bone(bone_case: Case, people: dict[str, Person]) -> Case:
    """The same of the iliac crest."""
    return tell_everything(bone_case, people["ir_doctor"])


def url(case: Case, page: str = "") -> str:
    """Address of a page of vetting."""
    return f"/cases/{case.number}/vetting/{page}"


def fill(client: Client, address: str, **typed: Any) -> Any:
    """Open a page and send its form with what a person typed: hidden fields as they came, the rest as given."""
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))
    hidden.pop("csrfmiddlewaretoken", None)
    return client.post(address, {**hidden, **typed})


def says(answer: Any) -> str:
    """A page as text without tags, as people read it; headings repeated for narrow screens are left out."""
    once = re.sub(
        r'<span class="nhsuk-table-responsive__heading" aria-hidden="true">[^<]*</span>',
        "",
        answer.content.decode(),
    )
    text = re.sub(r"<[^>]+>", " ", once)
    return re.sub(r"\s+", " ", text.replace("&#x27;", "'").replace("&quot;", '"').replace("&amp;", "&"))


Book = Callable[..., Any]


@pytest.fixture
def book(as_role: SignIn) -> Book:
    """Books or moves the slot the way the coordinator does."""

    def send(case: Case, start: datetime) -> None:
        held = Booking.objects.filter(case=case, status="holds").first()
        answer = as_role("coordinator").post(
            f"/cases/{case.number}/scheduling/slot/",
            {
                "form_token": str(uuid.uuid4()), "seen_version": str(held.version if held else 0),
                "room": "Ultrasound room", "guidance": "ultrasound", "start": f"{start:%d/%m/%Y %H:%M}",
                "minutes": "45", "reason": "Scanner is down" if held else "",
            },
        )  # fmt: skip
        assert answer.status_code == 302, says(answer)
        case.refresh_from_db()

    return send


def accept(client: Client, case: Case) -> Any:
    """The doctor accepts the referral."""
    answer = fill(client, url(case, "decision/"), outcome="accepted", words="")
    case.refresh_from_db()
    return answer
