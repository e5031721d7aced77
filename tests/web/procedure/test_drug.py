"""A drug is given."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, Told
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.procedure.models import Baseline, ProcedureDetails, RoomEvent

LIDOCAINE = {"drug": "lidocaine 1 percent", "amount": "10", "unit": "mL", "route": "infiltration"}
MIDAZOLAM = {"drug": "midazolam", "amount": "1", "unit": "mg", "route": "intravenous"}


def page_of(case: Case) -> str:
    return f"/cases/{case.number}/procedure/drug/"


def test_it_works(signed_in: Case, send: Send, people: dict[str, Person]) -> None:
    assert send("ir_nurse", page_of(signed_in), LIDOCAINE).status_code == 302
    dose = RoomEvent.objects.get()
    assert dose.words == "lidocaine 1 percent 10 mL, infiltration"
    assert (dose.amount, dose.at, dose.entered_by) == (Decimal(10), MONDAY, people["ir_nurse"])
    assert registry.facts(signed_in)["procedure.drugs"] == (dose.words,)


def test_the_button_of_a_drug_fills_in_unit_and_route(
    signed_in: Case, as_role: Callable[[str], Client]
) -> None:
    page = as_role("ir_nurse").get(page_of(signed_in) + "?drug=fentanyl").content.decode()
    for value in ("fentanyl", "microgram", "intravenous"):
        assert f'value="{value}" checked' in page


def test_sedation_with_everything_in_place(signed_in: Case, send: Send) -> None:
    assert send("ir_nurse", page_of(signed_in), MIDAZOLAM).status_code == 302
    assert registry.facts(signed_in)["procedure.sedated_at"] == MONDAY


@pytest.mark.parametrize("missing", ["baseline", "access", "consent", "monitor"])
def test_sedation_waits(signed_in: Case, send: Send, told: Told, missing: str) -> None:
    if missing == "baseline":
        Baseline.objects.all().delete()
    elif missing == "access":
        ProcedureDetails.objects.update(iv_access="")
    elif missing == "monitor":
        ProcedureDetails.objects.update(monitor=None)
    else:
        told["consent.confirmed"] = None
    assert send("ir_nurse", page_of(signed_in), LIDOCAINE).status_code == 302
    answer = send("ir_nurse", page_of(signed_in), MIDAZOLAM)
    assert answer.status_code == 409
    assert RoomEvent.objects.count() == 1


def test_sedation_that_was_given_is_written_down_with_its_reason(
    signed_in: Case, send: Send, at: Callable[[datetime], Any]
) -> None:
    Baseline.objects.all().delete()
    with at(MONDAY + timedelta(hours=1)):
        late = {**MIDAZOLAM, "happened_at": "09:10"}
        answer = send("ir_nurse", page_of(signed_in), late)
        assert answer.status_code == 409
        assert "say why it was given" in answer.content.decode()
        assert send("ir_nurse", page_of(signed_in), {**late, "reason": "Monitor failed."}).status_code == 302
    assert RoomEvent.objects.get().deviation == "Monitor failed."


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({**MIDAZOLAM, "amount": "10"}, "between 0.25 and 2.5 mg"),
        ({**MIDAZOLAM, "amount": "2,5"}, "comma"),
        ({**MIDAZOLAM, "amount": "-1"}, "must lie between"),
        ({**MIDAZOLAM, "amount": "0"}, "more than nothing"),
        ({**MIDAZOLAM, "amount": "0", "checked": "on"}, "more than nothing"),
        ({**MIDAZOLAM, "amount": ""}, "Fill in: amount"),
        ({**MIDAZOLAM, "unit": "microgram"}, "recorded in mg"),
        ({**MIDAZOLAM, "route": "infiltration"}, "not by infiltration"),
        ({**MIDAZOLAM, "route": "intrathecal"}, "Choose one"),
        ({**MIDAZOLAM, "drug": "propofol"}, "Choose one"),
        ({**MIDAZOLAM, "drug": "another"}, "Give the name of the drug"),
        ({**MIDAZOLAM, "happened_at": "09:01"}, "has not come yet"),
    ],
)
def test_bad_input(signed_in: Case, send: Send, values: dict[str, str], says: str) -> None:
    answer = send("ir_nurse", page_of(signed_in), values)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not RoomEvent.objects.exists()


def test_what_looks_like_a_slip_and_was_given_is_confirmed(signed_in: Case, send: Send) -> None:
    large = {**LIDOCAINE, "amount": "30", "checked": "on"}
    assert send("ir_nurse", page_of(signed_in), large).status_code == 302
    assert RoomEvent.objects.get().checked
    state = next(s for s in registry.sections() if s.key == "procedure").state(signed_in)
    assert state.status == "to do"
    page = send("ir_nurse", page_of(signed_in), large)
    assert page.status_code == 302


def test_a_drug_that_the_protocol_does_not_list(signed_in: Case, send: Send) -> None:
    other = {
        "drug": "another",
        "other_drug": "Ondansetron",
        "amount": "4",
        "unit": "mg",
        "route": "intravenous",
    }
    assert send("ir_nurse", page_of(signed_in), other).status_code == 302
    assert RoomEvent.objects.get().words == "Ondansetron 4 mg, intravenous"


def test_not_before_sign_in(ready: Case, send: Send) -> None:
    answer = send("ir_nurse", page_of(ready), LIDOCAINE)
    assert answer.status_code == 409
    assert "Sign in comes first" in answer.content.decode()


def test_sent_twice_it_is_one_dose(signed_in: Case, as_role: Callable[[str], Client]) -> None:
    sent = {**LIDOCAINE, "form_token": str(uuid.uuid4())}
    for _ in range(2):
        assert as_role("ir_nurse").post(page_of(signed_in), sent).status_code == 302
    assert RoomEvent.objects.count() == 1


@pytest.mark.parametrize("role", ["radiographer", "pharmacist", "coordinator"])
def test_who_may_not(signed_in: Case, as_role: Callable[[str], Client], role: str) -> None:
    sent = {**LIDOCAINE, "form_token": str(uuid.uuid4())}
    assert as_role(role).get(page_of(signed_in)).status_code == 403
    assert as_role(role).post(page_of(signed_in), sent).status_code == 403
