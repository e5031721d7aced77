"""The demo's sample people."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from django.test import Client

from trocar.web.accounts.demo_people import announce, make_demo_people
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES

pytestmark = pytest.mark.django_db


def test_one_of_each_role_signs_in_with_the_password_in_the_file(client: Client, tmp_path: Path) -> None:
    people = make_demo_people(tmp_path)
    assert [one["role"] for one in people] == list(ROLES)
    assert Person.objects.filter(is_sample=True).count() == len(ROLES)
    assert all(person.full_name.startswith("Sample ") for person in Person.objects.all())
    file = tmp_path / "demo-users.json"
    assert json.loads(file.read_text()) == people
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    answer = client.post("/accounts/login/", {k: people[0][k] for k in ("username", "password")})
    assert answer.status_code == 302
    said: list[str] = []
    announce(people, tmp_path, said.append)
    assert all(any(one["password"] in line for line in said) for one in people)


def test_another_start_changes_no_password(tmp_path: Path) -> None:
    assert make_demo_people(tmp_path) == make_demo_people(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"username": "x"}]'])
def test_a_damaged_file_is_made_anew(tmp_path: Path, content: str) -> None:
    make_demo_people(tmp_path)
    (tmp_path / "demo-users.json").write_text(content)
    people = make_demo_people(tmp_path)
    doctor = Person.objects.get(username="sample.ir.doctor")
    assert doctor.check_password(next(one["password"] for one in people if one["role"] == "ir_doctor"))
