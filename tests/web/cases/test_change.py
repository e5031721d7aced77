"""The one way to write: locked, versioned, once, on the record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases.change import AlreadyDone, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.models import Case, Referral, StageChange

People = dict[str, Person]


def test_what_changed_is_on_the_record_with_both_times(people: People, kidney_case: Case) -> None:
    paper = MONDAY - timedelta(hours=3)
    referral = Referral.objects.get(case=kidney_case)
    with change(people["referrer"], kidney_case, "Wrote the referral", happened_at=paper) as ch:
        ch.save(referral, {"question": "Cause of proteinuria?"}, seen_version=1)
    row = AuditEvent.objects.filter(case_number=kidney_case.number).last()
    assert row is not None
    assert row.changes == {"question": ["Which glomerular disease?", "Cause of proteinuria?"]}
    assert (row.at, row.happened_at) == (MONDAY, paper)
    assert row.actor_username == "test-referrer"
    assert Referral.objects.get(case=kidney_case).version == 2


def test_a_stale_form_overwrites_nothing(people: People, kidney_case: Case) -> None:
    referral = Referral.objects.get(case=kidney_case)
    with change(people["referrer"], kidney_case, "Wrote the referral") as ch:
        ch.save(referral, {"question": "First"}, seen_version=1)
    with (
        pytest.raises(EditedMeanwhile, match="Test Referrer changed this on 23/11/2026 at 09:00"),
        change(people["coordinator"], kidney_case, "Wrote the referral") as ch,
    ):
        ch.save(referral, {"question": "Second"}, seen_version=1)
    assert Referral.objects.get(case=kidney_case).question == "First"


def test_a_record_that_somebody_else_began_is_not_begun_twice(people: People, kidney_case: Case) -> None:
    with (
        pytest.raises(EditedMeanwhile),
        change(people["referrer"], kidney_case, "Wrote the referral") as ch,
    ):
        ch.save(Referral(), {"question": "Mine"}, seen_version=0)


def test_a_form_acts_once(people: People, kidney_case: Case) -> None:
    token = uuid.uuid4()
    with change(people["referrer"], kidney_case, "Wrote", token=token) as ch:
        ch.note("telephone call", {"said": (None, "yes")})
    with pytest.raises(AlreadyDone), change(people["referrer"], kidney_case, "Wrote", token=token) as ch:
        ch.note("telephone call", {"said": (None, "yes")})
    assert AuditEvent.objects.filter(subject="telephone call").count() == 1


def test_a_fault_leaves_nothing_behind(people: People, kidney_case: Case) -> None:
    before = AuditEvent.objects.count()
    referral = Referral.objects.get(case=kidney_case)
    token = uuid.uuid4()
    with (
        pytest.raises(ZeroDivisionError),
        change(people["referrer"], kidney_case, "Wrote", token=token) as ch,
    ):
        ch.note(str(ch.save(referral, {"question": "Lost"}, seen_version=1).version / 0), {})
    assert AuditEvent.objects.count() == before
    assert Referral.objects.get(case=kidney_case).version == 1
    with change(people["referrer"], kidney_case, "Wrote", token=token):
        pass  # the token was not used up


def test_nothing_changed_is_no_version(people: People, kidney_case: Case) -> None:
    before = AuditEvent.objects.count()
    referral = Referral.objects.get(case=kidney_case)
    with change(people["referrer"], kidney_case, "Wrote the referral") as ch:
        ch.save(referral, referral.values(), seen_version=1)
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("move", ["sign_in", "book", "close", "needle_out", "sign_out"])
def test_no_stage_is_skipped(people: People, kidney_case: Case, move: str) -> None:
    with (
        pytest.raises(MoveRefused, match="not possible while the case is at"),
        change(people["ir_doctor"], kidney_case, "Moved") as ch,
    ):
        ch.move(move)
    assert not StageChange.objects.exists()


def test_a_move_asks_for_a_reason_and_for_the_role(people: People, kidney_case: Case) -> None:
    with (
        pytest.raises(MoveRefused, match="Give a reason"),
        change(people["coordinator"], kidney_case, "Cancelled") as ch,
    ):
        ch.move("cancel")
    with (
        pytest.raises(MoveRefused, match="Your role"),
        change(people["ir_nurse"], kidney_case, "Cancelled") as ch,
    ):
        ch.move("cancel", "Patient moved away")
    with change(people["coordinator"], kidney_case, "Cancelled") as ch:
        ch.move("cancel", "Patient moved away")
    kidney_case.refresh_from_db()
    assert kidney_case.ended
    assert StageChange.objects.get().reason == "Patient moved away"


def test_a_stale_page_shows_what_was_changed_and_keeps_what_was_typed(
    people: People, kidney_case: Case, as_role: Callable[[str], Client], at: Callable[[datetime], Any]
) -> None:
    referral = Referral.objects.get(case=kidney_case)
    with change(people["coordinator"], kidney_case, "Wrote the referral") as ch:
        ch.save(referral, {"question": "Theirs"}, seen_version=1)
    sent = {
        "form_token": str(uuid.uuid4()), "seen_version": "1", "site": "lower pole", "side": "left",
        "urgency": "routine",
        "indication": "Proteinuria, cause unknown", "question": "Mine", "tests_done": "Urine and blood tests",
        "no_known_allergies": "yes", "takes_blood_thinners": "no",
    }  # fmt: skip
    answer = as_role("referrer").post(f"/cases/{kidney_case.number}/referral/", sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Test Coordinator changed this" in page
    assert "Theirs" in page
    assert "Mine" in page
    assert 'name="seen_version" value="2"' in page
    assert Referral.objects.get(case=kidney_case).question == "Theirs"


def test_a_referrer_sees_only_the_own_cases(
    people: People, kidney_case: Case, as_role: Callable[[str], Client]
) -> None:
    client = as_role("referrer")
    other = Person.objects.create_user(username="other", full_name="Test other referrer", role="referrer")
    assert client.get(f"/cases/{kidney_case.number}/").status_code == 200
    Case.objects.filter(pk=kidney_case.pk).update(referrer=other)
    assert client.get(f"/cases/{kidney_case.number}/").status_code == 403
    assert kidney_case.number not in client.get("/cases/").content.decode()
