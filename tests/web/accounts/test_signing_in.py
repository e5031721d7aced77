"""Signing in and out, guessing, and sessions that end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, override_settings

from tests.web.accounts.conftest import PASSWORD
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent

LOGIN = "/accounts/login/"


def sign_in(client: Client, password: str = PASSWORD, name: str = "sample.nurse", **more: str):
    return client.post(LOGIN, {"username": name, "password": password, **more})


def signed_in(client: Client) -> bool:
    return client.get("/accounts/password/").status_code == 200


def about_people():
    """Without what a new department begins with."""
    return AuditEvent.objects.filter(action__startswith="Sign").order_by("pk")


def actions() -> list[str]:
    return list(about_people().values_list("action", flat=True))


def test_it_works(client: Client, nurse: Person) -> None:
    assert client.get("/accounts/password/").status_code == 302
    answer = sign_in(client, next="/accounts/password/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/")
    assert signed_in(client)
    assert client.post("/accounts/logout/").status_code == 302
    assert not signed_in(client)
    assert actions() == ["Signed in", "Signed out"]
    row = about_people().first()
    assert row is not None
    assert (row.actor_username, row.actor_role, row.case_number) == ("sample.nurse", "ir_nurse", "")


def test_every_page_asks_for_sign_in(client: Client, db: None) -> None:
    for address in (
        "/",
        "/accounts/people/",
        "/accounts/password/",
        "/plans/progress.json",
        "/cases/T-26-000001/",
    ):
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith(LOGIN)


def test_what_is_open_to_all(client: Client, db: None) -> None:
    for address in (LOGIN, "/healthz", "/static/trocar/trocar.css"):
        assert client.get(address).status_code == 200, address


def test_a_capital_in_the_name_is_no_mistake(client: Client, nurse: Person) -> None:
    assert sign_in(client, name=" Sample.Nurse ").status_code == 302


def test_a_wrong_password_says_not_which_was_wrong(client: Client, nurse: Person) -> None:
    for name in ("sample.nurse", "nobody"):
        answer = sign_in(client, "wrong", name)
        assert answer.status_code == 200
        assert "The user name or the password is wrong." in answer.content.decode()
    assert actions() == ["Sign-in refused"] * 2
    assert list(about_people().values_list("subject", flat=True)) == [
        "Person sample.nurse",
        "An unknown name",
    ]


def test_what_was_typed_for_a_name_is_not_kept_when_it_is_none(client: Client, nurse: Person) -> None:
    sign_in(client, "sample.nurse", "my-secret-password")
    assert "my-secret-password" not in str(list(AuditEvent.objects.values()))


def test_who_has_left_cannot_sign_in_and_open_sessions_end(client: Client, nurse: Person) -> None:
    sign_in(client)
    assert signed_in(client)
    nurse.is_active = False
    nurse.save()
    assert not signed_in(client)
    assert sign_in(client).status_code == 200


def test_five_wrong_passwords_lock_the_name_at_that_address(client: Client, nurse: Person) -> None:
    for _ in range(4):
        assert sign_in(client, "wrong").status_code == 200
    locked = sign_in(client, "wrong")
    assert locked.status_code == 429
    assert "locked for 15 minutes" in locked.content.decode()
    assert sign_in(client).status_code == 429  # even the right one
    assert sign_in(client, name="SAMPLE.nurse").status_code == 429
    elsewhere = Client(REMOTE_ADDR="10.0.0.9")
    assert sign_in(elsewhere).status_code == 302
    invented = client.post(
        LOGIN, {"username": "sample.nurse", "password": PASSWORD}, HTTP_X_FORWARDED_FOR="10.0.0.8"
    )
    assert invented.status_code == 429


def test_the_lock_opens_by_itself(client: Client, nurse: Person) -> None:
    with override_settings(AXES_COOLOFF_TIME=timedelta(0)):
        for _ in range(6):
            sign_in(client, "wrong")
        assert sign_in(client).status_code == 302


def test_signing_out_is_no_link(client: Client, nurse: Person) -> None:
    sign_in(client)
    assert client.get("/accounts/logout/").status_code == 405
    assert signed_in(client)


def test_another_host_is_no_place_to_go_on_to(client: Client, nurse: Person) -> None:
    assert sign_in(client, next="https://attacker.example/")["Location"] == "/"


def test_without_the_form_s_token_nobody_signs_in(nurse: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()


def age(client: Client, key: str, minutes: float) -> None:
    session = client.session
    session[key] -= minutes * 60
    session.save()


@pytest.mark.parametrize(("minutes", "open_still"), [(29, True), (31, False)])
def test_a_session_that_is_not_used_ends_after_30_minutes(
    client: Client, nurse: Person, minutes: float, open_still: bool
) -> None:
    sign_in(client)
    age(client, "used", minutes)
    assert signed_in(client) is open_still
    if not open_still:
        assert "not used for a while" in client.get(LOGIN).content.decode()


def test_use_keeps_it_open(client: Client, nurse: Person) -> None:
    sign_in(client)
    for _ in range(4):
        age(client, "used", 20)
        assert signed_in(client)


@pytest.mark.parametrize("header", [{"HX-Request": "true"}, {"Sec-Fetch-Dest": "empty"}])
def test_a_page_that_asks_by_itself_does_not_keep_it_open(
    client: Client, nurse: Person, header: dict
) -> None:
    sign_in(client)
    age(client, "used", 20)
    client.get("/accounts/password/", headers=header)
    age(client, "used", 11)
    assert not signed_in(client)


def test_a_working_day_is_the_most(client: Client, nurse: Person) -> None:
    sign_in(client)
    age(client, "began", 12 * 60 + 1)
    assert not signed_in(client)


def test_the_room_s_computer_stays_open_for_longer(client: Client, nurse: Person) -> None:
    sign_in(client, room="on")
    age(client, "used", 3 * 60)
    assert signed_in(client)
    age(client, "used", 4 * 60 + 1)
    assert not signed_in(client)


def test_only_for_those_who_work_in_it(client: Client, nurse: Person) -> None:
    nurse.role = "coordinator"
    nurse.save()
    sign_in(client, room="on")
    age(client, "used", 31)
    assert not signed_in(client)


def test_the_session_ends_with_the_browser_and_no_script_reads_it(client: Client, nurse: Person) -> None:
    cookie = sign_in(client).cookies["trocar-session"]
    assert (cookie["expires"], cookie["max-age"]) == ("", "")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_pages_are_not_kept_by_the_browser(client: Client, nurse: Person) -> None:
    sign_in(client)
    assert "no-store" in client.get("/accounts/password/")["Cache-Control"]
