"""What a view asks in its first line."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission


def person_of(request: HttpRequest) -> Person:
    """Who is signed in. Raises PermissionDenied where nobody is."""
    person = request.user
    if not isinstance(person, Person) or not person.is_active:
        raise PermissionDenied("Sign in first.")
    return person


def require(request: HttpRequest, permission: Permission, *others: Permission) -> Person:
    """The person signed in, who holds ``permission`` or one of ``others``. Raises PermissionDenied (a 403 page)."""
    person = person_of(request)
    if not any(person.may(one) for one in (permission, *others)):
        raise PermissionDenied(f"Your role, {person.role_title}, may not do this.")
    return person
