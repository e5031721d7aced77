"""The manager's pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent

AsRole = Callable[[str], Client]
People = dict[str, Person]

ADD = {"full_name": "Sample second nurse", "username": "second.nurse", "role": "ir_nurse"}


def shown_password(page: bytes) -> str:
    found = re.search(r"<code>([a-z0-9-]{19})</code>", page.decode())
    assert found
    return found[1]


def test_it_works(as_role: AsRole) -> None:
    manager = as_role("manager")
    answer = manager.post("/accounts/people/add/", ADD)
    once = shown_password(answer.content)
    assert "no-store" in answer["Cache-Control"]
    person = Person.objects.get(username="second.nurse")
    assert (person.full_name, person.role, person.must_change_password) == (
        "Sample second nurse",
        "ir_nurse",
        True,
    )
    assert person.check_password(once)
    assert "Sample second nurse" in manager.get("/accounts/people/").content.decode()
    row = AuditEvent.objects.get(action="Added person")
    assert (row.actor_role, row.subject) == ("manager", "Person second.nurse")
    assert row.changes["role"] == [None, "IR nurse"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"username": "Test-IR_nurse"}, "Somebody has this user name already."),
        ({"username": "two words"}, "small letters, digits"),
        ({"username": ""}, "required"),
        ({"username": "x" * 65}, "at most 64"),
        ({"full_name": ""}, "required"),
        ({"full_name": "a\0b"}, "Null characters"),
        ({"role": "superuser"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(as_role: AsRole, values: dict, sentence: str) -> None:
    manager = as_role("manager")
    before = Person.objects.count()
    answer = manager.post("/accounts/people/add/", ADD | values)
    assert sentence in answer.content.decode()
    assert Person.objects.count() == before
    assert not AuditEvent.objects.filter(action="Added person").exists()


def test_another_role(as_role: AsRole, people: People) -> None:
    nurse = people["ir_nurse"]
    assert (
        as_role("manager").post(f"/accounts/people/{nurse.pk}/", {"role": "radiographer"}).status_code == 302
    )
    nurse.refresh_from_db()
    assert nurse.role == "radiographer"
    assert AuditEvent.objects.get(action="Changed role").changes == {"role": ["IR nurse", "Radiographer"]}


def test_deactivating_and_letting_in_again(as_role: AsRole, people: People) -> None:
    nurse, manager = people["ir_nurse"], as_role("manager")
    address = f"/accounts/people/{nurse.pk}/active/"
    manager.post(address, {"active": "no"})
    nurse.refresh_from_db()
    assert not nurse.is_active
    manager.post(address, {"active": "no"})
    manager.post(address, {"active": "yes"})
    nurse.refresh_from_db()
    assert nurse.is_active
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))[-2:] == [
        "Deactivated person",
        "Let person in again",
    ]


def test_a_one_time_password_ends_open_sessions(as_role: AsRole, people: People) -> None:
    nurse, open_session = people["ir_nurse"], as_role("ir_nurse")
    answer = as_role("manager").post(f"/accounts/people/{nurse.pk}/one-time-password/")
    nurse.refresh_from_db()
    assert nurse.check_password(shown_password(answer.content))
    assert open_session.get("/accounts/password/").status_code == 302


def test_the_last_manager_stays_one(as_role: AsRole, people: People) -> None:
    boss, manager = people["manager"], as_role("manager")
    answer = manager.post(f"/accounts/people/{boss.pk}/", {"role": "ir_nurse"})
    assert "the last person who can manage people" in answer.content.decode()
    manager.post(f"/accounts/people/{boss.pk}/active/", {"active": "no"})
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == ("manager", True)


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
        "auditor",
    ],
)
def test_nobody_else_may(as_role: AsRole, people: People, role: str) -> None:
    client, nurse = as_role(role), people["ir_nurse"]
    one = f"/accounts/people/{nurse.pk}/"
    for address in ("/accounts/people/", "/accounts/people/add/", one):
        assert client.get(address).status_code == 403, address
    assert client.post("/accounts/people/add/", ADD).status_code == 403
    assert client.post(one, {"role": "manager"}).status_code == 403
    assert client.post(one + "active/", {"active": "no"}).status_code == 403
    assert client.post(one + "one-time-password/").status_code == 403
    assert Person.objects.count() == len(people)
    nurse.refresh_from_db()
    assert (nurse.role, nurse.is_active) == ("ir_nurse", True)


def test_there_is_no_such_person(as_role: AsRole) -> None:
    assert as_role("manager").get("/accounts/people/999999/").status_code == 404


def test_the_first_manager_comes_in_from_the_terminal(db: None) -> None:
    out = StringIO()
    call_command("person", "add", "First.Manager", name="First manager", role="manager", stdout=out)
    once = re.search(r"first\.manager: (\S+) ", out.getvalue())
    assert once
    assert Person.objects.get(username="first.manager").check_password(once[1])
    assert AuditEvent.objects.get(action="Added person").actor_name == "Trocar"
    with pytest.raises(CommandError, match="already"):
        call_command("person", "add", "first.manager", name="Again", role="manager")
    with pytest.raises(CommandError, match="nobody"):
        call_command("person", "password", "who")
