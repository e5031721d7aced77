"""Emergency access: with a reason, for an hour, loud and on the record."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from trocar.web.accounts.models import EmergencyAccess, Person
from trocar.web.audit.models import AuditEvent, SeenEvent
from trocar.web.audit.stream import stream
from trocar.web.audit.verify import verify
from trocar.web.cases.models import Case

AsRole = Callable[[str], Client]
People = dict[str, Person]

REASON = "Patient bleeding on the ward, consultant away"


def way_in(client: Client, case: Case) -> str:
    """The address that the page of the hidden case leads to."""
    answer = client.get(f"/cases/{case.number}/")
    assert answer.status_code == 403
    found = re.search(r'href="(/accounts/break-glass/[^"]+)"', answer.content.decode())
    assert found
    return found[1]


@pytest.fixture
def stranger(as_role: AsRole, kidney_case: Case, people: People) -> Client:
    """The laboratory: sees specimens, and no case."""
    return as_role("laboratory")


def test_it_works(stranger: Client, kidney_case: Case) -> None:
    address = way_in(stranger, kidney_case)
    assert "cannot be removed" in stranger.get(address).content.decode()
    answer = stranger.post(address, {"reason": REASON})
    assert answer["Location"] == f"/cases/{kidney_case.number}/"
    page = stranger.get(f"/cases/{kidney_case.number}/")
    assert page.status_code == 200
    assert "is open to you until" in page.content.decode()
    row = AuditEvent.objects.get(case_number=kidney_case.number, action="EMERGENCY ACCESS opened")
    assert (row.actor_role, row.reason) == ("laboratory", REASON)
    stream.flush()
    assert SeenEvent.objects.filter(case_number=kidney_case.number, actor_role="laboratory").exists()
    assert verify().broken is None


def test_every_page_says_so_while_it_is_open(stranger: Client, kidney_case: Case) -> None:
    assert "Emergency access" not in stranger.get("/accounts/password/").content.decode()
    stranger.post(way_in(stranger, kidney_case), {"reason": REASON})
    assert "Emergency access" in stranger.get("/accounts/password/").content.decode()


def test_it_ends_after_an_hour(stranger: Client, kidney_case: Case) -> None:
    stranger.post(way_in(stranger, kidney_case), {"reason": REASON})
    access = EmergencyAccess.objects.get()
    assert access.ends_at - access.opened_at == timedelta(hours=1)
    EmergencyAccess.objects.update(ends_at=access.ends_at - timedelta(minutes=61))
    assert stranger.get(f"/cases/{kidney_case.number}/").status_code == 403
    assert "Emergency access" not in stranger.get("/accounts/password/").content.decode()


def test_it_opens_that_case_only_and_nothing_to_write(
    stranger: Client, kidney_case: Case, bone_case: Case
) -> None:
    stranger.post(way_in(stranger, kidney_case), {"reason": REASON})
    assert stranger.get(f"/cases/{bone_case.number}/").status_code == 403
    assert stranger.post(f"/cases/{kidney_case.number}/referral/", {}).status_code == 403


@pytest.mark.parametrize("reason", ["", "   ", "urgent", "x" * 1001])
def test_without_a_proper_reason_it_stays_closed(stranger: Client, kidney_case: Case, reason: str) -> None:
    answer = stranger.post(way_in(stranger, kidney_case), {"reason": reason})
    assert answer.status_code == 200
    assert not EmergencyAccess.objects.exists()
    assert stranger.get(f"/cases/{kidney_case.number}/").status_code == 403


def test_sent_twice_it_opens_once(stranger: Client, kidney_case: Case) -> None:
    address = way_in(stranger, kidney_case)
    for _ in range(2):
        assert stranger.post(address, {"reason": REASON}).status_code == 302
    assert EmergencyAccess.objects.count() == 1
    assert AuditEvent.objects.filter(action="EMERGENCY ACCESS opened").count() == 1


def test_the_way_in_is_one_person_s_and_one_case_s(
    stranger: Client, as_role: AsRole, kidney_case: Case, bone_case: Case
) -> None:
    address = way_in(stranger, kidney_case)
    other_case = address.replace(kidney_case.number, bone_case.number)
    assert stranger.post(other_case, {"reason": REASON}).status_code == 403
    assert stranger.post(address.split("?")[0], {"reason": REASON}).status_code == 403
    assert as_role("referrer").post(address, {"reason": REASON}).status_code == 403
    assert not EmergencyAccess.objects.exists()


@pytest.mark.parametrize("role", ["manager", "auditor"])
def test_roles_without_it_see_no_way(as_role: AsRole, kidney_case: Case, role: str) -> None:
    answer = as_role(role).get(f"/cases/{kidney_case.number}/")
    assert answer.status_code == 403
    assert f"break-glass/{kidney_case.number}" not in answer.content.decode()


def test_the_manager_and_the_auditor_read_of_it(stranger: Client, as_role: AsRole, kidney_case: Case) -> None:
    stranger.post(way_in(stranger, kidney_case), {"reason": REASON})
    for role in ("manager", "auditor"):
        words = as_role(role).get("/accounts/break-glass/").content.decode()
        assert REASON in words
        assert "Test Laboratory" in words
    for role in ("ir_doctor", "laboratory", "coordinator"):
        assert as_role(role).get("/accounts/break-glass/").status_code == 403
