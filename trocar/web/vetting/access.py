"""Who may write what before a biopsy."""

from __future__ import annotations

from django.http import HttpRequest

from trocar.web.accounts.access import require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases.access import case_for
from trocar.web.cases.models import Case

PREPARE = (Permission.VET, Permission.CHECKLIST, Permission.SIGN_MEDICINES)
"""Doctors, nurses, radiographers and pharmacists write down results, medicines and doses taken."""


def case_to_read(request: HttpRequest, number: str) -> Case:
    """The case, for anyone who sees cases."""
    return case_for(request, number, Permission.SEE_CASES)


def case_to_prepare(request: HttpRequest, number: str) -> Case:
    """The case, for who prepares patients."""
    case = case_to_read(request, number)
    require(request, *PREPARE)
    return case


def may_prepare(person: Person) -> bool:
    """Whether a person prepares patients."""
    return any(person.may(permission) for permission in PREPARE)
