"""The page that opens a hidden case in an emergency, and the list of those that were opened."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from trocar.errors import UsageError
from trocar.web.accounts import break_glass
from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.forms import EmergencyForm
from trocar.web.accounts.models import EmergencyAccess
from trocar.web.accounts.roles import Permission


@never_cache
@require_http_methods(["GET", "POST"])
def open_case(request: HttpRequest, number: str) -> HttpResponse:
    """Says loudly what it means, asks for the reason, and opens the case."""
    person = person_of(request)
    break_glass.check_way(person, number, request.GET.get("key", ""))
    form = EmergencyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            access = break_glass.open_case(person, number, form.cleaned_data["reason"])
        except UsageError as error:
            form.add_error("reason", str(error))
        else:
            messages.warning(
                request, f"Case {number} is open to you until {access.ends_at.astimezone():%H:%M}."
            )
            return redirect(f"/cases/{number}/")
    return render(request, "accounts/break_glass.html", {"form": form, "number": number})


@require_safe
def accesses(request: HttpRequest) -> HttpResponse:
    """Every emergency access, the latest first."""
    require(request, Permission.READ_AUDIT, Permission.MANAGE_PEOPLE)
    pages = Paginator(EmergencyAccess.objects.select_related("person"), 50)
    return render(
        request, "accounts/emergency_accesses.html", {"page": pages.get_page(request.GET.get("page"))}
    )
