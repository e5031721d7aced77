"""Signing in and out, the own password, the second factor."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_otp import login as otp_login
from django_otp.plugins.otp_totp.models import TOTPDevice

from trocar.web.accounts import actions, sessions
from trocar.web.accounts.access import person_of
from trocar.web.accounts.forms import SecondFactorForm, SignInForm
from trocar.web.accounts.roles import Permission


class SignIn(LoginView):
    """/accounts/login/."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        refused = self.request.GET.get("sign-on") == "refused"
        return super().get_context_data(sign_on=settings.TROCAR_SIGN_ON, refused=refused, **more)

    def form_valid(self, form: SignInForm) -> HttpResponse:
        answer = super().form_valid(form)
        person = person_of(self.request)
        # only who works in the room may leave a session open there
        sessions.begin(self.request, bool(form.cleaned_data["room"]) and person.may(Permission.CHECKLIST))
        return answer


class SignOut(LogoutView):
    """/accounts/logout/, by POST only."""


@never_cache
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """The own password; after a one-time password the old one is not asked for again."""
    person = person_of(request)
    kind = SetPasswordForm if person.must_change_password else PasswordChangeForm
    form = kind(person, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.change_own_password(person, form.cleaned_data["new_password1"])
        update_session_auth_hash(request, person)
        messages.success(request, "Your password is changed.")
        return redirect(_next(request))
    context = {"form": form, "first": person.must_change_password, "next": request.GET.get("next", "")}
    return render(request, "accounts/password.html", context, status=200)


@never_cache
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set up the app on the phone (the first time), then give its six digits (each time)."""
    person = person_of(request)
    device = TOTPDevice.objects.filter(user=person, confirmed=True).first()
    setting_up = device is None
    if device is None:
        device = TOTPDevice.objects.filter(user=person, confirmed=False).first() or TOTPDevice.objects.create(
            user=person, name="phone", confirmed=False
        )
    form = SecondFactorForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        allowed, _ = device.verify_is_allowed()
        if allowed and device.verify_token(form.cleaned_data["digits"]):
            if setting_up:
                device.confirmed = True
                device.save(update_fields=["confirmed"])
            otp_login(request, device)
            return redirect(_next(request))
        form.add_error(
            "digits",
            "These digits are not right; take the ones that the app shows now."
            if allowed
            else "Too many wrong digits; wait a little and try again.",
        )
    context = {"form": form, "setting_up": setting_up, "device": device, "next": request.GET.get("next", "")}
    if setting_up:
        context["key"] = _key_to_type(device)
    return render(request, "accounts/second_factor.html", context)


def _key_to_type(device: TOTPDevice) -> str:
    """The key in groups of four, as authenticator apps ask for it."""
    from base64 import b32encode

    key = b32encode(device.bin_key).decode("ascii").rstrip("=")
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _next(request: HttpRequest) -> str:
    """Where the person was going; an address of another host is not followed."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if own and wanted.startswith("/") else quote(str(settings.LOGIN_REDIRECT_URL), safe="/")
