"""Emergency access: somebody who may not see a case opens it, with a reason, for an hour, and everybody can tell.

It opens the case for reading; what may be written stays with the role. The reason goes into the case's own chain of
the audit log, every page shows that access is open, and the manager and the auditor have a list.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from trocar.errors import UsageError
from trocar.web.accounts.models import EmergencyAccess, Person
from trocar.web.accounts.roles import Permission
from trocar.web.accounts.signals import recorded

LASTS = timedelta(hours=1)
REASON_AT_LEAST = 10
REASON_AT_MOST = 1000


def way_in(person: Person, case_number: str) -> str | None:
    """The address of the page that opens a hidden case; None for a role that has no emergency access.

    It is signed for this person and this case, so that only a page that knows the case can lead there.
    """
    if not person.may(Permission.BREAK_GLASS):
        return None
    key = _signer(person).sign(case_number).rpartition(":")[2]
    return f"{reverse('accounts:break_glass', args=[case_number])}?{urlencode({'key': key})}"


def check_way(person: Person, case_number: str, key: str) -> None:
    """Raises PermissionDenied unless the role has emergency access and ``key`` came with ``way_in``."""
    if not person.may(Permission.BREAK_GLASS):
        raise PermissionDenied(f"Your role, {person.role_title}, has no emergency access.")
    try:
        _signer(person).unsign(f"{case_number}:{key}")
    except BadSignature as error:
        raise PermissionDenied(
            "Emergency access begins at the page of the case that you may not see."
        ) from error


@transaction.atomic
def open_case(person: Person, case_number: str, reason: str) -> EmergencyAccess:
    """Open the case for an hour; one that is open stays as it is. Raises UsageError without a proper reason."""
    reason = reason.strip()
    if not REASON_AT_LEAST <= len(reason) <= REASON_AT_MOST:
        raise UsageError(
            f"Write why you need this case now, in {REASON_AT_LEAST} to {REASON_AT_MOST:,} characters."
        )
    # the person's row is the lock: a form sent twice at once opens once
    Person.objects.select_for_update().get(pk=person.pk)
    already = opened(person, case_number)
    if already:
        return already
    now = timezone.now()
    access = EmergencyAccess.objects.create(
        person=person, case_number=case_number, reason=reason, opened_at=now, ends_at=now + LASTS
    )
    recorded.send(
        EmergencyAccess,
        action="EMERGENCY ACCESS opened",
        by=person,
        subject=f"Case {case_number}",
        changes={"open until": (None, access.ends_at)},
        reason=reason,
        case_number=case_number,
    )
    return access


def opened(person: Person, case_number: str) -> EmergencyAccess | None:
    """The access that is open now."""
    return EmergencyAccess.objects.filter(
        person=person, case_number=case_number, ends_at__gt=timezone.now()
    ).first()


def all_opened(person: Person) -> list[EmergencyAccess]:
    """What every page of this person has to say. Who sees all cases needs none, and costs no query."""
    if not person.may(Permission.BREAK_GLASS) or person.may(Permission.SEE_CASES):
        return []
    return list(EmergencyAccess.objects.filter(person=person, ends_at__gt=timezone.now()))


def _signer(person: Person) -> Signer:
    return Signer(salt=f"emergency access of person {person.pk}")
