"""A referrer refers a patient."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from trocar.web.audit.models import AuditEvent
from trocar.web.cases.models import Case, Patient, Referral

SignIn = Callable[[str], Client]

PATIENT = {
    "nhs_number": "943 476 5919", "hospital_number": "H1", "family_name": "Sample", "given_name": "Patient one",
    "birth_date": "4/5/1961", "sex": "female", "phone": "", "general_practice": "", "protocol_name": "kidney_biopsy",
}  # fmt: skip


def begin(client: Client, **changes: str) -> Case | None:
    page = client.get("/cases/new/").content.decode()
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert token is not None
    answer = client.post("/cases/new/", {**PATIENT, "form_token": token[1], **changes})
    return Case.objects.last() if answer.status_code == 302 else None


def test_it_works(as_role: SignIn) -> None:
    client = as_role("referrer")
    case = begin(client)
    assert case is not None
    assert re.fullmatch(r"T-26-\d{6}", case.number)
    assert case.patient.nhs_number == "9434765919"
    page = client.get(f"/cases/{case.number}/referral/")
    assert page.status_code == 200
    token = re.search(r'name="form_token" value="([^"]+)"', page.content.decode())
    assert token is not None
    answer = client.post(
        f"/cases/{case.number}/referral/",
        {
            "form_token": token[1], "seen_version": "0", "site": "lower pole", "side": "left", "urgency": "routine",
            "indication": "Proteinuria", "question": "Cause?", "tests_done": "none", "no_known_allergies": "yes",
            "takes_blood_thinners": "no",
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()[:2000]
    case.refresh_from_db()
    assert case.side == "left"
    assert Referral.objects.get(case=case).indication == "Proteinuria"
    said = client.get(f"/cases/{case.number}/").content.decode()
    assert "No known allergies" in said
    assert case.summary["sections"]["referral"]["status"] == "done"
    rows = AuditEvent.objects.filter(case_number=case.number)
    assert {row.action for row in rows} == {"Began a case", "Wrote the referral"}
    assert rows.get(subject="case", action="Wrote the referral").changes["side"] == ["", "left"]


def test_sent_twice_it_begins_one_case(as_role: SignIn) -> None:
    client = as_role("referrer")
    token = str(uuid.uuid4())
    for _ in range(2):
        assert client.post("/cases/new/", {**PATIENT, "form_token": token}).status_code == 302
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("nhs_number", "943 476 5918", "The last digit does not fit"),
        ("birth_date", "31/02/1961", "There is no day"),
        ("birth_date", "4/5/61", "four digits"),
        ("family_name", "", "Fill in: family name"),
        ("given_name", "x" * 200, "write at most 120"),
        ("given_name", "Ann\x07", "U+0007"),
        ("sex", "unknown", "Choose one"),
        ("protocol_name", "liver_biopsy", "Choose one"),
        ("form_token", "", "open the page again"),
        ("family_name", "y" * 10_000_000, "10,000,000 characters"),
    ],
)
def test_bad_input_is_kept_and_writes_nothing(as_role: SignIn, field: str, typed: str, says: str) -> None:
    sent = {**PATIENT, "form_token": str(uuid.uuid4()), field: typed}
    answer = as_role("referrer").post("/cases/new/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert "Patient one" in page or field == "given_name"
    assert not Case.objects.exists()
    assert not Patient.objects.exists()


def test_a_number_known_with_another_birthday_is_refused(as_role: SignIn) -> None:
    client = as_role("referrer")
    assert begin(client) is not None
    answer = client.post(
        "/cases/new/", {**PATIENT, "form_token": str(uuid.uuid4()), "birth_date": "5/5/1961"}
    )
    assert answer.status_code == 422
    assert "another date of birth" in answer.content.decode()
    assert begin(client) is not None
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("role", ["ir_nurse", "laboratory", "manager", "auditor", "radiographer"])
def test_who_may_not(as_role: SignIn, role: str) -> None:
    assert as_role(role).get("/cases/new/").status_code == 403
    assert as_role(role).post("/cases/new/", PATIENT).status_code == 403


def test_nobody_signed_in_is_sent_to_sign_in(db: None) -> None:
    for address in ("/cases/new/", "/cases/", "/cases/T-26-000001/"):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")
