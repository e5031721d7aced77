"""Guessing is locked out (django-axes counts), with a page that says for how long."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def address_of(request: HttpRequest) -> str:
    """The address that the request came from, as the server saw it; a header could be anybody's invention.

    0.0.0.0 where there is none, as behind a Unix socket: all such are one.
    """
    try:
        return str(ip_address(str(request.META.get("REMOTE_ADDR"))))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - not listened on


def name_tried(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The user name as it is stored, so that capitals give no further guesses."""
    name = (credentials or {}).get("username") or (request.POST.get("username") if request else None) or ""
    return str(name).strip().lower()[:64]


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """The page for whoever has tried too often."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {
        "title": "Too many wrong passwords",
        "sentence": f"Signing in with this name from this computer is locked for {minutes} minutes. "
        "The department manager can set a new password meanwhile.",
    }
    return render(request, "accounts/locked.html", context, status=429)
