"""Who may see which case."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from trocar.web.accounts import break_glass
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases.models import Case


class CaseHidden(PermissionDenied):
    """There is such a case, and this person may not see it; there may be a way with a reason."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"You may not see case {number}.")


def visible_cases(person: Person) -> QuerySet[Case]:
    """The cases that a person's role shows: all, those that the person referred, or none."""
    if person.may(Permission.SEE_CASES):
        return Case.objects.all()
    if person.may(Permission.SEE_OWN_REFERRALS):
        return Case.objects.filter(referrer=person)
    return Case.objects.filter(Q(pk__in=[]))


def may_see(person: Person, case: Case) -> bool:
    """Whether a person may open a case: by role, or for an hour by emergency access."""
    if person.may(Permission.SEE_CASES):
        return True
    if person.may(Permission.SEE_OWN_REFERRALS) and case.referrer_id == person.pk:
        return True
    return person.may(Permission.BREAK_GLASS) and break_glass.opened(person, case.number) is not None


def case_for(request: HttpRequest, number: str, permission: Permission | None = None) -> Case:
    """The case, for a person who may see it and has ``permission``; the read goes to the audit stream.

    Http404 where there is no such case, CaseHidden where the person may not see it, PermissionDenied where
    the role lacks
    the permission.
    """
    person = request.user
    assert isinstance(person, Person)
    case = Case.objects.select_related("patient", "referrer").filter(number=number).first()
    if case is None:
        raise Http404(f"There is no case {number}.")
    if not may_see(person, case):
        raise CaseHidden(number)
    if permission is not None and not person.may(permission):
        raise PermissionDenied("Your role may not do this.")
    audit.seen(number, person, request.path)
    return case
