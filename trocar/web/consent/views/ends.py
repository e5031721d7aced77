"""The patient declines, or withdraws."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trocar.web.accounts.access import require
from trocar.web.accounts.roles import Permission
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.consent.forms import DeclineForm, WithdrawForm
from trocar.web.consent.models import ConsentEnded


@require_http_methods(["GET", "POST"])
def decline(request: HttpRequest, number: str) -> HttpResponse:
    """The patient decides against the biopsy: an outcome of its own, which goes back to the referrer."""
    case = case_for(request, number, Permission.TAKE_CONSENT)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        ch.save(ConsentEnded(), {"kind": "declined", "heard_by": ch.by, **form.record_values()})
        ch.move("decline", reason=form.cleaned_data["words"])

    return record_view(
        request, case, form_class=DeclineForm, title="The patient declines",
        action="Recorded that the patient declines",
        save=save, button="Record, and return to the referrer", template="consent/decline.html",
        context={"back_to": reverse("consent:consent", args=[number])},
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """The patient takes consent back, at any time and without a reason; whoever is in the room writes it down."""
    require(request, Permission.TAKE_CONSENT, Permission.CONFIRM_CONSENT, Permission.CHECKLIST)
    case = case_for(request, number)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        ch.save(ConsentEnded(), {"kind": "withdrawn", "heard_by": ch.by, "words": form.cleaned_data["words"]})

    return record_view(
        request, case, form_class=WithdrawForm, title="The patient withdraws consent",
        action="Recorded that the patient withdraws consent", save=save,
        done_url=reverse("consent:consent", args=[number]), button="Record it now",
        template="consent/withdraw.html",
    )  # fmt: skip
