"""Giving the leaflet."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trocar.clinical.consent import leaflet_to_give
from trocar.web.accounts.access import require
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change, MoveRefused
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.consent.forms import LeafletForm
from trocar.web.consent.models import LeafletGiven
from trocar.web.consent.standing import standing


@require_http_methods(["GET", "POST"])
def give(request: HttpRequest, number: str) -> HttpResponse:
    """Record that the patient was given the leaflet; one that has run out is not given."""
    require(request, Permission.TAKE_CONSENT, Permission.CONFIRM_CONSENT, Permission.SCHEDULE)
    case = case_for(request, number)
    rules = standing(case).rules
    current, why = leaflet_to_give(rules, clock.now())
    if current is None and request.method != "POST":
        return render(request, "consent/no_leaflet.html", {"case": case, "why": why})

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        # Paper that is entered afterwards counts from its own day.
        leaflet, refusal = leaflet_to_give(rules, ch.happened_at)
        if leaflet is None:
            raise MoveRefused((refusal,))
        ch.save(LeafletGiven(), {"identifier": leaflet.identifier, **form.record_values()})

    return record_view(
        request, case, form_class=LeafletForm, title="Give the leaflet", action="Gave the leaflet", save=save,
        done_url=reverse("consent:consent", args=[number]), template="consent/leaflet.html",
        context={"leaflet": rules.current_leaflet, "notice": rules.current_leaflet.notice(clock.today())},
    )  # fmt: skip
