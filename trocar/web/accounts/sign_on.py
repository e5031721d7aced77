"""A hospital's single sign-on: who its server says has signed in, and which role that gives."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from trocar.web.accounts import actions
from trocar.web.accounts.models import Person


class HospitalSignOn(OIDCAuthenticationBackend):
    """People are found by the user name that the hospital's server gives.

    Somebody who is not known yet is let in only if exactly one role follows from the claims (TROCAR_OIDC_ROLES);
    somebody who is known gets the role that follows, and keeps the own one where none does.
    """

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return bool(_username(claims))

    def filter_users_by_claims(self, claims: dict[str, Any]) -> QuerySet[Person]:
        return Person.objects.filter(username=_username(claims))

    def create_user(self, claims: dict[str, Any]) -> Person | None:
        role = _role(claims)
        if role is None:
            return None
        name = _username(claims)
        try:
            person, _ = actions.add_person(
                by=None, username=name, full_name=str(claims.get("name") or name)[:120], role=role
            )
        except ValidationError:
            return None
        # no password of ours: the hospital's server asks for one
        person.set_unusable_password()
        person.must_change_password = False
        person.save(update_fields=["password", "must_change_password"])
        return person

    def update_user(self, user: Person, claims: dict[str, Any]) -> Person:
        role = _role(claims)
        if role is not None and role != user.role:
            actions.change_role(user, role, by=None)
            user.refresh_from_db()
        return user

    def get_user(self, user_id: Any) -> Person | None:
        return Person.objects.filter(pk=user_id, is_active=True).first()

    def authenticate(self, request: Any, **kwargs: Any) -> Person | None:
        person = super().authenticate(request, **kwargs)
        return person if isinstance(person, Person) and person.is_active else None


def _username(claims: dict[str, Any]) -> str:
    return str(claims.get(settings.TROCAR_OIDC_USERNAME_CLAIM) or "").strip().lower()


def _role(claims: dict[str, Any]) -> str | None:
    """The one role that the claim gives; None for none, and for several, as nobody has two."""
    said = claims.get(settings.TROCAR_OIDC_ROLE_CLAIM) or []
    groups = [said] if isinstance(said, str) else [str(group) for group in said]
    roles = {settings.TROCAR_OIDC_ROLES[group] for group in groups if group in settings.TROCAR_OIDC_ROLES}
    return roles.pop() if len(roles) == 1 else None
