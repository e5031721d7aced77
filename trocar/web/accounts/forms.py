"""Forms about people and signing in."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES


class SignInForm(AuthenticationForm):
    """Name, password, and whether this is a procedure room's computer."""

    room = forms.BooleanField(
        required=False,
        label="This is the computer of a procedure room",
        help_text="It stays signed in for longer without being touched. Sign out when the list is over.",
    )
    error_messages: ClassVar[dict[str, str]] = {
        "invalid_login": "The user name or the password is wrong.",
        "inactive": "The user name or the password is wrong.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"
        self.fields["username"].widget.attrs.update(autocapitalize="none", spellcheck="false")

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class PersonForm(forms.Form):
    """A new person."""

    full_name = forms.CharField(max_length=120, label="Full name")
    username = forms.CharField(
        max_length=64, label="User name", help_text="Small letters, digits, dots and hyphens."
    )
    role = forms.ChoiceField(
        choices=[(role.key, role.title) for role in ROLES.values()], label="Role", widget=forms.RadioSelect
    )

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"]).strip().lower()
        Person._meta.get_field("username").run_validators(name)
        if Person.objects.filter(username=name).exists():
            raise forms.ValidationError("Somebody has this user name already.")
        return name


class RoleForm(forms.Form):
    """Another role for a person."""

    role = forms.ChoiceField(
        choices=[(role.key, role.title) for role in ROLES.values()], label="Role", widget=forms.RadioSelect
    )


class EmergencyForm(forms.Form):
    """Why a case has to be opened now."""

    reason = forms.CharField(
        label="Why do you need this case now?",
        help_text="The department manager and the auditor read it.",
        widget=forms.Textarea(attrs={"rows": 4}),
        strip=True,
    )


class SecondFactorForm(forms.Form):
    """The six digits that the phone shows."""

    digits = forms.RegexField(
        r"\A\s*[0-9]{3}\s*[0-9]{3}\s*\Z",
        label="The six digits that the app shows",
        error_messages={"invalid": "The code has six digits."},
    )

    def clean_digits(self) -> str:
        return "".join(str(self.cleaned_data["digits"]).split())
