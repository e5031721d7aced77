"""Sessions that end, and what has to be done before anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from trocar.web.accounts.models import Person

Answer = Callable[[HttpRequest], HttpResponseBase]

ROOM = "room"
"""Session key: signed in at the computer of a procedure room, where nobody has a hand free."""

_BEGAN, _USED = "began", "used"

NOTED_EVERY = timedelta(minutes=1)
"""The time of last use is written at most so often, not with each page; an idle time is that much too short at most."""


def begin(request: HttpRequest, room: bool) -> None:
    """Start counting, right after signing in."""
    now = datetime.now(UTC).timestamp()
    request.session[_BEGAN] = request.session[_USED] = now
    request.session[ROOM] = room


def idle_limit(request: HttpRequest) -> timedelta:
    """How long this session may go unused."""
    limit: timedelta = settings.TROCAR_ROOM_IDLE if request.session.get(ROOM) else settings.TROCAR_IDLE
    return limit


def asked_by_page(request: HttpRequest) -> bool:
    """Whether a script of an open page asked (a live part), not a person: it must not keep a session alive."""
    return request.method == "GET" and (
        "HX-Request" in request.headers or request.headers.get("Sec-Fetch-Dest") == "empty"
    )


class EndIdleSessions:
    """Ends a session that was not used for its idle time, or that has lasted for TROCAR_SESSION_AT_MOST."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = datetime.now(UTC).timestamp()
            began = request.session.setdefault(_BEGAN, now)
            used = request.session.get(_USED, now)
            limit = idle_limit(request)
            at_most: timedelta = settings.TROCAR_SESSION_AT_MOST
            if now - used > limit.total_seconds() or now - began > at_most.total_seconds():
                logout(request)
                messages.info(
                    request, "Your session has ended because it was not used for a while. Sign in again."
                )
            elif _USED not in request.session or (
                now - used > NOTED_EVERY.total_seconds() and not asked_by_page(request)
            ):
                request.session[_USED] = now
        return self.get_response(request)


class FirstThingsFirst:
    """A password that somebody else has set, and a second factor, come before every other page."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        person = request.user
        if isinstance(person, Person):
            first = self._first(request, person)
            open_to_all = {reverse("healthz"), reverse("accounts:logout")}
            if first and request.path not in {reverse(first), *open_to_all}:
                return redirect(f"{reverse(first)}?{urlencode({'next': request.get_full_path()})}")
        return self.get_response(request)

    @staticmethod
    def _first(request: HttpRequest, person: Person) -> str | None:
        if settings.TROCAR_SECOND_FACTOR and not person.is_verified():  # type: ignore[attr-defined]
            return "accounts:second_factor"
        if person.must_change_password:
            return "accounts:password"
        return None
