"""The auditor's pages: what was done and seen, by case and by person. Reading them is on the record too."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from trocar.web.accounts.access import require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission
from trocar.web.audit.canonical import plain
from trocar.web.audit.log import seen
from trocar.web.audit.models import DEPARTMENT, AuditEvent, ChainHead, SeenEvent

PER_PAGE = 50


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The latest changes; from here to a case, a person or the department."""
    auditor = require(request, Permission.READ_AUDIT)
    asked = plain(" ".join(request.GET.get("q", "").split())[:64])
    if asked:
        if ChainHead.objects.filter(chain=asked.upper()).exists() and asked.upper().startswith("T-"):
            return redirect("audit:case", number=asked.upper())
        person = Person.objects.filter(username=asked.lower()).first()
        if person is not None:
            return redirect("audit:person", username=person.username)
    seen(None, auditor, "Audit log")
    events = AuditEvent.objects.order_by("-at", "-pk")[:PER_PAGE]
    context = {"rows": [shown(event) for event in events], "asked": asked, "people": Person.objects.all()}
    return render(request, "audit/overview.html", context)


@require_safe
def case(request: HttpRequest, number: str) -> HttpResponse:
    """All changes and reads of one case."""
    auditor = require(request, Permission.READ_AUDIT)
    if not ChainHead.objects.filter(chain=number).exists() or number == DEPARTMENT:
        raise Http404(f"There is nothing on the record for {number}.")
    seen(number, auditor, "Audit log of the case")
    return _pages(request, f"Audit log of case {number}", {"case_number": number})


@require_safe
def department(request: HttpRequest) -> HttpResponse:
    """What belongs to no case: people, rooms, settings."""
    auditor = require(request, Permission.READ_AUDIT)
    seen(None, auditor, "Audit log of the department")
    return _pages(request, "Audit log of the department", {"case_number": DEPARTMENT})


@require_safe
def person(request: HttpRequest, username: str) -> HttpResponse:
    """All that one person changed and saw, in every case."""
    auditor = require(request, Permission.READ_AUDIT)
    who = get_object_or_404(Person, username=username)
    seen(None, auditor, f"Audit log of person {username}")
    return _pages(request, f"Audit log of {who.full_name}", {"actor_username": username})


def _pages(request: HttpRequest, title: str, which: dict[str, str]) -> HttpResponse:
    """Changes, or reads with ``?show=reads``, the latest first."""
    reads = request.GET.get("show") == "reads"
    page: Page[Any]
    if reads:
        page = Paginator(SeenEvent.objects.filter(**which).order_by("-at", "-pk"), PER_PAGE).get_page(
            request.GET.get("page")
        )
        rows: list[Any] = list(page.object_list)
        for row in rows:
            row.actor_title = _role(row.actor_role)
    else:
        page = Paginator(AuditEvent.objects.filter(**which).order_by("-at", "-pk"), PER_PAGE).get_page(
            request.GET.get("page")
        )
        rows = [shown(event) for event in page.object_list]
    context = {
        "title": title,
        "page": page,
        "rows": rows,
        "reads": reads,
        "query": "show=reads&" if reads else "",
        "by_person": "actor_username" in which,
    }
    return render(request, "audit/record.html", context)


def shown(event: AuditEvent) -> dict[str, Any]:
    """A change as a page shows it."""
    return {
        "event": event,
        "role": _role(event.actor_role),
        "changes": [(name, _words(old), _words(new)) for name, (old, new) in event.changes.items()],
    }


def _role(key: str) -> str:
    role = ROLES.get(key)
    return role.title if role else key


def _words(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value) or "nothing"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_words(one)}" for name, one in value.items()) or "nothing"
    return str(value)
