"""The auditor reads the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from trocar.web.accounts.models import Person
from trocar.web.audit.log import seen, write
from trocar.web.audit.models import SeenEvent
from trocar.web.audit.stream import stream

AsRole = Callable[[str], Client]
People = dict[str, Person]

CASE = "T-26-000001"


@pytest.fixture
def record(people: People) -> None:
    nurse = people["ir_nurse"]
    write(
        CASE,
        "Corrected blood result",
        nurse,
        "Haemoglobin",
        {"value": ("9.8 g/dL", "98 g/L")},
        "unit mixed up",
    )
    write(CASE, "Moved", nurse, "Case", {"ready": (None, True), "<b>": ("", ["a", "b"])})
    seen(CASE, nurse, "Case page")
    stream.flush()


def words(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_it_works(as_role: AsRole, record: None) -> None:
    auditor = as_role("auditor")
    for address in ("/audit/", f"/audit/cases/{CASE}/", "/audit/people/test-ir_nurse/"):
        page = words(auditor, address)
        assert "Corrected blood result" in page
        assert "value: 9.8 g/dL &rarr; 98 g/L" in page
        assert "Reason: unit mixed up" in page
        assert "Test IR nurse" in page
        assert "ready: nothing &rarr; yes" in page
        assert "&lt;b&gt;: nothing &rarr; a, b" in page
    assert "Case page" in words(auditor, f"/audit/cases/{CASE}/?show=reads")
    assert "Case page" in words(auditor, "/audit/people/test-ir_nurse/?show=reads")
    assert "Corrected" not in words(auditor, "/audit/department/")


def test_reading_it_is_on_the_record_too(as_role: AsRole, record: None) -> None:
    as_role("auditor").get(f"/audit/cases/{CASE}/")
    stream.flush()
    read = SeenEvent.objects.get(actor_role="auditor")
    assert (read.case_number, read.what) == (CASE, "Audit log of the case")


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [("t-26-000001", f"/audit/cases/{CASE}/"), (" Test-IR_nurse ", "/audit/people/test-ir_nurse/")],
)
def test_finding(as_role: AsRole, record: None, asked: str, leads_to: str) -> None:
    assert as_role("auditor").get("/audit/", {"q": asked})["Location"] == leads_to


@pytest.mark.parametrize("asked", ["T-26-999999", "nobody", "(seals)", "%", "x" * 10_000, "a\0b"])
def test_finding_nothing(as_role: AsRole, record: None, asked: str) -> None:
    assert "nothing on the record" in words(
        as_role("auditor"), f"/audit/?q={asked}".replace("%", "%25").replace("\0", "%00")
    )


def test_what_is_not_there(as_role: AsRole, record: None) -> None:
    auditor = as_role("auditor")
    assert auditor.get("/audit/cases/T-26-999999/").status_code == 404
    assert auditor.get("/audit/people/nobody/").status_code == 404


def test_page_by_page_with_as_many_queries_for_each(as_role: AsRole, people: People) -> None:
    auditor = as_role("auditor")
    for number in range(120):
        write(CASE, f"Step {number}", people["ir_nurse"], "Case", {})
    auditor.get("/audit/")  # the first page of a session notes when it began
    counts = set()
    for page, step in ((1, 119), (2, 69), (3, 19)):
        with CaptureQueriesContext(connection) as queries:
            assert f"Step {step}" in words(auditor, f"/audit/cases/{CASE}/?page={page}")
        counts.add(len(queries))
    assert len(counts) == 1
    assert counts.pop() <= 6


@pytest.mark.parametrize(
    "role",
    [
        "ir_doctor",
        "ir_nurse",
        "radiographer",
        "coordinator",
        "referrer",
        "laboratory",
        "pharmacist",
        "manager",
    ],
)
def test_nobody_else_may(as_role: AsRole, record: None, role: str) -> None:
    client = as_role(role)
    for address in ("/audit/", "/audit/department/", f"/audit/cases/{CASE}/", "/audit/people/test-ir_nurse/"):
        assert client.get(address).status_code == 403, address
