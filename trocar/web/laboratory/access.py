"""Who may see which pot: the laboratory sees every specimen and no case; who sees the case sees its pots."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from trocar.clinical.specimen import as_scanned
from trocar.web.accounts.access import person_of
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases.access import may_see
from trocar.web.cases.models import Case
from trocar.web.laboratory.models import Order, Pot


def may_see_specimens(person: Person, case: Case) -> bool:
    """Whether a person may see the specimens of a case."""
    return person.may(Permission.SEE_SPECIMENS) or may_see(person, case)


def find_pot(number: str) -> Pot | None:
    """The pot with this number, as scanned or typed."""
    scanned = as_scanned(number)
    if not scanned:
        return None
    related = ("case", "case__patient", "case__referrer", "order", "changed_by")
    return Pot.objects.select_related(*related).filter(in_barcode=scanned).first()


def pot_for(request: HttpRequest, number: str, permission: Permission | None = None) -> Pot:
    """The pot, for a person who may see it and has ``permission``; the read goes to the audit stream.

    Http404 where there is none, PermissionDenied where the person may not see it or lacks the permission.
    """
    person = person_of(request)
    pot = find_pot(number)
    if pot is None:
        raise Http404("There is no pot with this number.")
    _allow(person, pot.case, permission)
    audit.seen(pot.case.number, person, request.path)
    return pot


def order_for(request: HttpRequest, number: str, permission: Permission) -> Order:
    """The order, in the same way."""
    person = person_of(request)
    related = ("case", "case__patient", "case__referrer")
    order = Order.objects.select_related(*related).filter(number=number, withdrawn=False).first()
    if order is None:
        raise Http404("There is no order with this number.")
    _allow(person, order.case, permission)
    audit.seen(order.case.number, person, request.path)
    return order


def _allow(person: Person, case: Case, permission: Permission | None) -> None:
    if not may_see_specimens(person, case) or (permission is not None and not person.may(permission)):
        raise PermissionDenied(f"Your role, {person.role_title}, may not do this.")
