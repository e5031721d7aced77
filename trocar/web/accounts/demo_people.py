"""Sample people, one of each role, for a demo. Their passwords exist in the demo's folder only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from trocar.web.accounts.actions import add_person, one_time_password
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES

FILE = "demo-users.json"


def username_of(role: str) -> str:
    """ir_doctor: sample.ir.doctor."""
    return f"sample.{role.replace('_', '.')}"


@transaction.atomic
def make_demo_people(data: Path) -> list[dict[str, str]]:
    """One sample person of each role, with the passwords of an earlier start where there are any.

    Returns and writes (readable by the owner only) a list of user name, full name, role and password.
    """
    file = data / FILE
    try:
        known = {one["username"]: one["password"] for one in json.loads(file.read_text("utf-8"))}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        known = {}
    people = []
    for role in ROLES.values():
        name = username_of(role.key)
        password = known.get(name) or one_time_password()
        person = Person.objects.filter(username=name).first()
        if person is None:
            person, _ = add_person(
                by=None,
                username=name,
                full_name=f"Sample {role.title if role.title[:2] == 'IR' else role.title.lower()}",
                role=role.key,
                password=password,
                is_sample=True,
            )
        elif not person.check_password(password):
            person.set_password(password)
            person.must_change_password = False
            person.save(update_fields=["password", "must_change_password"])
        people.append(
            {"username": name, "full_name": person.full_name, "role": role.key, "password": password}
        )
    with open(file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        json.dump(people, out, indent=1)
    return people


def announce(people: list[dict[str, str]], data: Path, say: Callable[[str], None]) -> None:
    """Tell the person at the terminal who can sign in."""
    say("Sample people (user name, password):")
    for one in people:
        say(f"  {one['username']:22} {one['password']}")
    say(f"  also in {data / FILE}")
