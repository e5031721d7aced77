"""What is written without anybody calling ``write``: signing in and out, and changes of people."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction

from trocar.web.accounts.models import Person
from trocar.web.accounts.signals import recorded
from trocar.web.audit.log import write


def start() -> None:
    """Connect; called once when Django starts."""
    recorded.connect(_person_changed, dispatch_uid="audit: person changed")
    user_logged_in.connect(_signed_in, dispatch_uid="audit: signed in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit: signed out")
    user_login_failed.connect(_failed, dispatch_uid="audit: sign-in failed")


def _person_changed(
    *,
    action: str,
    by: Person | None,
    subject: str,
    changes: dict[str, Any],
    reason: str,
    case_number: str | None,
    **_: Any,
) -> None:
    write(case_number, action, by, subject, changes, reason)


def _signed_in(*, user: Any, **_: Any) -> None:
    if isinstance(user, Person):
        with transaction.atomic():
            write(None, "Signed in", user, f"Person {user.username}", {})


def _signed_out(*, user: Any, **_: Any) -> None:
    if isinstance(user, Person):
        with transaction.atomic():
            write(None, "Signed out", user, f"Person {user.username}", {})


def _failed(*, credentials: dict[str, Any], **_: Any) -> None:
    """Only names of people who exist: what was typed instead of a name may be a password."""
    name = str(credentials.get("username") or "").strip().lower()
    known = Person.objects.filter(username=name).exists()
    with transaction.atomic():
        write(None, "Sign-in refused", None, f"Person {name}" if known else "An unknown name", {})
