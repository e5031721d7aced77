"""The own password."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.accounts.conftest import PASSWORD
from trocar.web.accounts.actions import set_one_time_password
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent

NEW = "pebble-orchard-sunday-7"


@pytest.fixture
def browser(client: Client, nurse: Person) -> Client:
    client.post("/accounts/login/", {"username": "sample.nurse", "password": PASSWORD})
    return client


def change(client: Client, old: str, new: str, again: str | None = None):
    return client.post(
        "/accounts/password/", {"old_password": old, "new_password1": new, "new_password2": again or new}
    )


def test_it_works(browser: Client, nurse: Person) -> None:
    assert change(browser, PASSWORD, NEW).status_code == 302
    assert browser.get("/accounts/password/").status_code == 200, "the own session goes on"
    nurse.refresh_from_db()
    assert nurse.check_password(NEW)
    assert AuditEvent.objects.filter(action="Changed own password", actor_username="sample.nurse").exists()


def test_other_sessions_end(browser: Client, nurse: Person) -> None:
    other = Client()
    other.post("/accounts/login/", {"username": "sample.nurse", "password": PASSWORD})
    assert other.get("/accounts/password/").status_code == 200
    change(browser, PASSWORD, NEW)
    assert other.get("/accounts/password/").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", NEW, NEW, "old password was entered incorrectly"),
        (PASSWORD, NEW, NEW + "x", "password fields didn’t match"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, "password12345", "password12345", "too common"),
        (PASSWORD, "sample.nurse1", "sample.nurse1", "too similar"),
    ],
)
def test_refused(browser: Client, nurse: Person, old: str, new: str, again: str, sentence: str) -> None:
    answer = change(browser, old, new, again)
    assert answer.status_code == 200
    assert sentence in answer.content.decode().replace("&#x27;", "’")
    nurse.refresh_from_db()
    assert nurse.check_password(PASSWORD)


def test_a_one_time_password_leads_to_the_own_before_anything_else(client: Client, nurse: Person) -> None:
    once = set_one_time_password(nurse, by=None)
    client.post("/accounts/login/", {"username": "sample.nurse", "password": once})
    answer = client.get("/plans/progress.json")
    assert (answer.status_code, answer["Location"]) == (
        302,
        "/accounts/password/?next=%2Fplans%2Fprogress.json",
    )
    changed = client.post(
        "/accounts/password/", {"new_password1": NEW, "new_password2": NEW, "next": "/plans/progress.json"}
    )
    assert changed["Location"] == "/plans/progress.json"
    nurse.refresh_from_db()
    assert not nurse.must_change_password
    assert once not in str(list(AuditEvent.objects.values()))
