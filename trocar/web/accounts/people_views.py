"""The manager's pages: who may come in, and as what."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.errors import UsageError
from trocar.web.accounts import actions
from trocar.web.accounts.access import require
from trocar.web.accounts.forms import PersonForm, RoleForm
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, by name."""
    require(request, Permission.MANAGE_PEOPLE)
    return render(request, "accounts/people.html", {"people": Person.objects.all()})


@never_cache
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new person; the one-time password is shown once, on the page that follows."""
    manager = require(request, Permission.MANAGE_PEOPLE)
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        person, once = actions.add_person(by=manager, **form.cleaned_data)
        return _show_once(request, person, once)
    return render(request, "accounts/add_person.html", {"form": form, "roles": ROLES.values()})


@never_cache
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, key: int) -> HttpResponse:
    """One person, with another role if the form says so."""
    manager = require(request, Permission.MANAGE_PEOPLE)
    shown = get_object_or_404(Person, pk=key)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": shown.role})
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_role(shown, form.cleaned_data["role"], by=manager)
        except UsageError as error:
            form.add_error("role", str(error))
        else:
            messages.success(request, f"The role of {shown.full_name} is changed.")
            return redirect("accounts:people")
    return render(request, "accounts/person.html", {"shown": shown, "form": form, "roles": ROLES.values()})


@require_POST
def active(request: HttpRequest, key: int) -> HttpResponse:
    """Let in again, or no longer."""
    manager = require(request, Permission.MANAGE_PEOPLE)
    shown = get_object_or_404(Person, pk=key)
    wanted = request.POST.get("active") == "yes"
    try:
        actions.set_active(shown, wanted, by=manager)
    except UsageError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, f"{shown.full_name} can {'sign in again' if wanted else 'no longer sign in'}."
        )
    return redirect("accounts:person", key=key)


@never_cache
@require_POST
def one_time_password(request: HttpRequest, key: int) -> HttpResponse:
    """A password to be read out once."""
    manager = require(request, Permission.MANAGE_PEOPLE)
    shown = get_object_or_404(Person, pk=key)
    return _show_once(request, shown, actions.set_one_time_password(shown, by=manager))


def _show_once(request: HttpRequest, person: Person, once: str) -> HttpResponse:
    return render(request, "accounts/one_time_password.html", {"shown": person, "once": once})
