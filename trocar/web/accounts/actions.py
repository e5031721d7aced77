"""Changes of people. Each is one transaction with its line in the audit log."""

from __future__ import annotations

import secrets

from django.db import transaction

from trocar.errors import UsageError
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission
from trocar.web.accounts.signals import recorded

ONE_TIME_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are mistaken for one another when read out."""


def one_time_password() -> str:
    """Four groups of four, to be read out once: 79 bits."""
    groups = ("".join(secrets.choice(ONE_TIME_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


@transaction.atomic
def add_person(
    *,
    by: Person | None,
    username: str,
    full_name: str,
    role: str,
    password: str | None = None,
    is_sample: bool = False,
) -> tuple[Person, str]:
    """A new person and the password that serves once (or the ``password`` given). Raises ValidationError."""
    once = password or one_time_password()
    person = Person.objects.create_user(
        username,
        once,
        full_name=full_name,
        role=role,
        is_sample=is_sample,
        must_change_password=password is None,
    )
    _record(
        "Added person",
        by,
        person,
        {"full name": (None, person.full_name), "role": (None, person.role_title), "active": (None, True)},
    )
    return person, once


@transaction.atomic
def change_role(person: Person, role: str, *, by: Person | None) -> None:
    """Give another role; in force with the person's next page. Raises UsageError where nobody would manage people."""
    person = _locked(person)
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r}.")
    if role == person.role:
        return
    if Permission.MANAGE_PEOPLE not in ROLES[role].permissions:
        _keep_a_manager(person)
    before = person.role_title
    person.role = role
    person.save(update_fields=["role"])
    _record("Changed role", by, person, {"role": (before, person.role_title)})


@transaction.atomic
def set_active(person: Person, active: bool, *, by: Person | None) -> None:
    """Let somebody in again, or no longer; sessions that are open end. Raises UsageError for the last manager."""
    person = _locked(person)
    if person.is_active == active:
        return
    if not active:
        _keep_a_manager(person)
    person.is_active = active
    person.save(update_fields=["is_active"])
    _record(
        "Let person in again" if active else "Deactivated person",
        by,
        person,
        {"active": (not active, active)},
    )


@transaction.atomic
def set_one_time_password(person: Person, *, by: Person | None) -> str:
    """A password that serves once; open sessions of the person end. The log holds that it was set, not what."""
    person = _locked(person)
    once = one_time_password()
    person.set_password(once)
    person.must_change_password = True
    person.save(update_fields=["password", "must_change_password"])
    _record("Set one-time password", by, person, {})
    return once


@transaction.atomic
def change_own_password(person: Person, password: str) -> None:
    """The person's own choice, checked by the form before."""
    person.set_password(password)
    person.must_change_password = False
    person.save(update_fields=["password", "must_change_password"])
    _record("Changed own password", person, person, {})


def _locked(person: Person) -> Person:
    # everyone, in one order: two managers who deactivate each other at the same time must not both succeed
    people = {one.pk: one for one in Person.objects.select_for_update().order_by("pk")}
    return people[person.pk]


def _keep_a_manager(person: Person) -> None:
    """Raises UsageError if nobody but ``person`` can manage people."""
    if not person.may(Permission.MANAGE_PEOPLE):
        return
    roles = [role.key for role in ROLES.values() if Permission.MANAGE_PEOPLE in role.permissions]
    if not Person.objects.filter(role__in=roles, is_active=True).exclude(pk=person.pk).exists():
        raise UsageError("This is the last person who can manage people; give somebody else that role first.")


def _record(
    action: str, by: Person | None, person: Person, changes: dict[str, tuple[object, object]]
) -> None:
    recorded.send(
        Person,
        action=action,
        by=by,
        subject=f"Person {person.username}",
        changes=changes,
        reason="",
        case_number=None,
    )
