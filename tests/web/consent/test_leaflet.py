"""The leaflet is given, unless it has run out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.web.consent.consenting import address, hidden, post
from trocar.web.cases import clock
from trocar.web.cases.models import Case
from trocar.web.consent.models import LeafletGiven

SignIn = Callable[[str], Client]
AFTER_ITS_REVIEW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("role", ["ir_doctor", "ir_nurse", "coordinator"])
def test_it_works(as_role: SignIn, kidney_case: Case, role: str) -> None:
    client = as_role(role)
    answer = post(client, address(kidney_case, "leaflet/"), channel="post", form="large print")
    assert answer.status_code == 302
    given = LeafletGiven.objects.get(case=kidney_case)
    assert (given.identifier, given.channel) == ("0573/VER6", "post")
    assert "0573/VER6, by post (large print)" in client.get(address(kidney_case)).content.decode()


def test_each_procedure_has_its_own(as_role: SignIn, bone_case: Case) -> None:
    post(as_role("ir_nurse"), address(bone_case, "leaflet/"), channel="paper")
    assert LeafletGiven.objects.get(case=bone_case).identifier == "0245/VER5"


def test_a_coming_review_is_pointed_out(as_role: SignIn, kidney_case: Case) -> None:
    page = as_role("ir_nurse").get(address(kidney_case, "leaflet/")).content.decode()
    assert "due for review in February 2027: 97 days are left" in page


def test_an_expired_leaflet_is_not_given(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_nurse")
    page = address(kidney_case, "leaflet/")
    form = hidden(client.get(page))
    with clock.at(AFTER_ITS_REVIEW):
        assert "may not be handed out" in client.get(page).content.decode()
        answer = client.post(page, {**form, "channel": "paper"})
        assert answer.status_code == 409
        assert "may not be handed out" in answer.content.decode()
    assert not LeafletGiven.objects.exists()


def test_one_given_in_time_is_entered_afterwards(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_nurse")
    page = address(kidney_case, "leaflet/")
    form = hidden(client.get(page))
    with clock.at(AFTER_ITS_REVIEW):
        answer = client.post(page, {**form, "channel": "paper", "happened_at": "26/02/2027 10:00"})
    assert answer.status_code == 302, answer.content.decode()
    assert LeafletGiven.objects.get().happened_at == datetime(2027, 2, 26, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "role", ["radiographer", "referrer", "laboratory", "pharmacist", "manager", "auditor"]
)
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    client = as_role(role)
    assert client.get(address(kidney_case, "leaflet/")).status_code == 403
    assert client.post(address(kidney_case, "leaflet/"), {"channel": "paper"}).status_code == 403
    assert not LeafletGiven.objects.exists()


def test_sent_twice_it_is_recorded_once(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_nurse")
    page = address(kidney_case, "leaflet/")
    answers = {**hidden(client.get(page)), "channel": "paper"}
    assert [client.post(page, answers).status_code for _ in range(2)] == [302, 302]
    assert LeafletGiven.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("channel", "", "Choose one"),
        ("channel", "pigeon", "Choose one of those"),
        ("form", "x" * 121, "write at most 120"),
    ],
)
def test_bad_input_writes_nothing(
    as_role: SignIn, kidney_case: Case, field: str, typed: str, says: str
) -> None:
    answer = post(as_role("ir_nurse"), address(kidney_case, "leaflet/"), **{"channel": "paper", field: typed})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not LeafletGiven.objects.exists()
