"""The pages that belong to no part: health, and what is shown when something is wrong."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trocar import __version__
from trocar.web.accounts import break_glass
from trocar.web.accounts.models import Person
from trocar.web.cases.access import CaseHidden
from trocar.web.jobs import lease


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """For whatever watches the server; open to all, and says nothing about a case.

    503 where the database does not answer. Without a worker pages still answer, so that is said but no failure.
    """
    answer: dict[str, object] = {"status": "ok", "version": __version__, "database": "ok"}
    try:
        answer |= lease.state()
    except DatabaseError:
        answer |= {"status": "failed", "database": "does not answer"}
    return JsonResponse(
        answer, status=200 if answer["status"] == "ok" else 503, headers={"Cache-Control": "no-store"}
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    sentence = "The address holds something that Trocar cannot use; go back to the list of plans."
    return render(request, "error.html", {"title": "Bad request", "sentence": sentence}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, CaseHidden) and isinstance(request.user, Person):
        context = {
            "number": exception.number,
            "way_in": break_glass.way_in(request.user, exception.number),
            "minutes": int(break_glass.LASTS.total_seconds() // 60),
        }
        return render(request, "accounts/hidden_case.html", context, status=403)
    said = exception.args[0] if isinstance(exception, PermissionDenied) and exception.args else None
    sentence = said if isinstance(said, str) else "You may not see this page."
    return render(request, "error.html", {"title": "Not allowed", "sentence": sentence}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    sentence = (
        "This form is from before you last signed in, so nothing was saved. Go back, note what you typed, "
        "load the page again and send it."
    )
    return render(
        request, "error.html", {"title": "This form is out of date", "sentence": sentence}, status=403
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    # A resolver's own message is a table of addresses; only a view's message is a sentence for people.
    said = exception.args[0] if isinstance(exception, Http404) and exception.args else None
    sentence = said if isinstance(said, str) else "There is no page at this address."
    return render(request, "error.html", {"title": "Page not found", "sentence": sentence}, status=404)


def fault(request: HttpRequest) -> HttpResponse:
    sentence = "Trocar has a fault and could not make this page; the terminal in which it runs says more."
    return render(request, "error.html", {"title": "Something went wrong", "sentence": sentence}, status=500)
