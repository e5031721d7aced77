"""Laboratory results are added and corrected."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.web.vetting.conftest import SignIn, fill, says, url
from trocar.web.audit.models import AuditEvent
from trocar.web.cases.models import Case
from trocar.web.vetting.models import Result

TAKEN = {"taken_at": "23/11/2026 08:10", "laboratory_number": "L-1"}


def add(client: Client, case: Case, **typed: str) -> object:
    return fill(client, url(case, "results/add/"), **{**TAKEN, **typed})


def test_it_works(as_role: SignIn, kidney_case: Case) -> None:
    answer = add(as_role("ir_nurse"), kidney_case, haemoglobin="131 g/L", inr="1,1")
    assert answer.status_code == 302
    stored = {r.quantity: (r.value, r.taken_at) for r in Result.objects.filter(case=kidney_case)}
    taken = datetime(2026, 11, 23, 8, 10, tzinfo=UTC)
    assert stored == {"haemoglobin": (131.0, taken), "inr": (1.1, taken)}
    page = says(as_role("ir_doctor").get(url(kidney_case, "results/")))
    assert "Haemoglobin 131 g/L 23/11/2026 08:10, L-1 50 minutes Test IR nurse" in page
    rows = AuditEvent.objects.filter(case_number=kidney_case.number, action="Recorded results")
    assert {row.changes["value"][1] for row in rows} == {"131.0", "1.1"}


BAD = [
    ("haemoglobin", "12.5", "looks like g/dL, which is 125 g/L"),
    ("haemoglobin", "12,5 g/dL", "Haemoglobin is recorded in g/L, not g/dL"),
    ("platelets", "0.24", "looks like 10^12/L"),
    ("creatinine", "1.2 mg/dL", "not mg/dL: 1.2 mg/dL is 106 umol/L"),
    ("inr", "one", "must be a number"),
    ("inr", "<1.5", "leaves open which"),
    ("inr", "1" * 1000, "1000 characters long"),
    ("taken_at", "24/11/2026 08:10", "not come yet"),
    ("taken_at", "31/02/2026 08:10", "There is no day"),
    ("taken_at", "", "Fill in: when were the sample"),
    ("laboratory_number", "L\x07", "U+0007"),
    ("diastolic", "170", "the wrong way round"),
    ("form_token", "yesterday", "open the page again"),
]


@pytest.mark.parametrize(("field", "typed", "sentence"), BAD)
def test_bad_input_gets_a_sentence_keeps_what_was_typed_and_writes_nothing(
    as_role: SignIn, kidney_case: Case, field: str, typed: str, sentence: str
) -> None:
    answer = add(as_role("ir_nurse"), kidney_case, **{"haemoglobin": "131", "systolic": "120", field: typed})
    assert answer.status_code == 422
    assert sentence in says(answer)
    if field not in ("form_token", "taken_at", "laboratory_number"):
        assert f'value="{typed.replace("<", "&lt;")}"' in answer.content.decode()
    assert not Result.objects.exists()


def test_an_empty_form_writes_nothing(as_role: SignIn, kidney_case: Case) -> None:
    answer = add(as_role("ir_nurse"), kidney_case)
    assert answer.status_code == 422
    assert "Fill in at least one value" in says(answer)


def test_sent_twice_it_acts_once(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_nurse")
    token = "00000000-0000-4000-8000-000000000001"
    for _ in range(2):
        sent = {**TAKEN, "haemoglobin": "131", "form_token": token}
        assert client.post(url(kidney_case, "results/add/"), sent).status_code == 302
    assert Result.objects.count() == 1


@pytest.mark.parametrize("role", ["referrer", "coordinator", "laboratory", "manager", "auditor"])
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    client = as_role(role)
    assert client.get(url(kidney_case, "results/add/")).status_code == 403
    assert client.post(url(kidney_case, "results/add/"), {**TAKEN, "haemoglobin": "131"}).status_code == 403
    assert not Result.objects.exists()


def test_who_is_not_signed_in(kidney_case: Case) -> None:
    for page in (
        "",
        "results/",
        "results/add/",
        "questions/",
        "medicines/",
        "day/",
        "decision/",
        "override/",
    ):
        assert Client().get(url(kidney_case, page)).status_code == 302


def test_a_correction_has_a_reason_and_both_values_stay_on_the_record(as_role: SignIn, known: Case) -> None:
    result = Result.objects.get(case=known, quantity="platelets")
    page = url(known, f"results/{result.pk}/")
    client = as_role("ir_nurse")
    assert 'value="240"' in client.get(page).content.decode()
    assert fill(client, page, value="204", taken_at="23/11/2026 07:00", reason="").status_code == 422
    answer = fill(client, page, value="204", taken_at="23/11/2026 07:00", reason="Digits swapped")
    assert answer.status_code == 302
    result.refresh_from_db()
    assert (result.value, result.version) == (204.0, 2)
    row = AuditEvent.objects.get(case_number=known.number, action="Corrected a result")
    assert row.changes["value"] == ["240.0", "204.0"]
    assert row.reason == "Digits swapped"


def test_a_result_entered_by_mistake_counts_for_nothing(as_role: SignIn, known: Case) -> None:
    result = Result.objects.get(case=known, quantity="platelets")
    typed = {"value": "240", "taken_at": "23/11/2026 07:00", "mistaken": "on", "reason": "Another patient's"}
    assert fill(as_role("ir_nurse"), url(known, f"results/{result.pk}/"), **typed).status_code == 302
    page = says(as_role("ir_doctor").get(url(known)))
    assert "Not assessed: Platelets is missing" in page
    assert "Entered by mistake Platelets 240" in says(as_role("ir_doctor").get(url(known, "results/")))


def test_two_people_do_not_overwrite_each_other(as_role: SignIn, known: Case) -> None:
    result = Result.objects.get(case=known, quantity="platelets")
    page = url(known, f"results/{result.pk}/")
    typed = {"value": "204", "taken_at": "23/11/2026 07:00", "reason": "Swapped", "seen_version": "1"}
    assert fill(as_role("ir_nurse"), page, **typed).status_code == 302
    answer = fill(as_role("ir_doctor"), page, **{**typed, "value": "198"})
    assert answer.status_code == 409
    assert "Test IR nurse changed this" in says(answer)
    result.refresh_from_db()
    assert result.value == 204.0


def test_a_result_of_another_case_is_not_found(as_role: SignIn, known: Case, bone_case: Case) -> None:
    result = Result.objects.get(case=known, quantity="platelets")
    assert as_role("ir_nurse").get(url(bone_case, f"results/{result.pk}/")).status_code == 404
