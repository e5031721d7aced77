"""The page of consent, and the form to print."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trocar.clinical.consent import Status
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock
from trocar.web.cases.access import case_for
from trocar.web.cases.department import department
from trocar.web.consent.section import stage_one_rows, stage_two_rows
from trocar.web.consent.standing import standing


@require_safe
def consent(request: HttpRequest, number: str) -> HttpResponse:
    """Where consent stands, what is missing, what was recorded, and what can be done."""
    case = case_for(request, number)
    person = person_of(request)
    now = standing(case)
    context = {
        "case": case, "now": now, "state": now.state, "rows_one": stage_one_rows(now, now.one) if now.one else (),
        "rows_two": stage_two_rows(now.two) if now.two else (),
        # modelled probabilities are for staff of the department
        "modelled": now.modelled if person.may(Permission.SEE_CASES) else (),
        "leaflet": now.rules.current_leaflet, "leaflet_notice": now.rules.current_leaflet.notice(clock.today()),
        "contradictions": now.rules.contradictions() if person.may(Permission.TAKE_CONSENT) else (),
        "may_take": person.may(Permission.TAKE_CONSENT), "may_confirm": person.may(Permission.CONFIRM_CONSENT),
        "may_give": any(
            person.may(p) for p in (Permission.TAKE_CONSENT, Permission.CONFIRM_CONSENT, Permission.SCHEDULE)
        ),
        "may_ask": person.may(Permission.SEE_CASES), "may_print": person.may(Permission.PRINT_PAPERS),
        "may_withdraw": any(
            person.may(p) for p in (Permission.TAKE_CONSENT, Permission.CONFIRM_CONSENT, Permission.CHECKLIST)
        ),
        "ready_for_two": now.state.status in (Status.STAGE_TWO_OPEN, Status.PLAN_CHANGED, Status.CONFIRMED),
    }  # fmt: skip
    return render(request, "consent/consent.html", context)


@require_safe
def print_form(request: HttpRequest, number: str) -> HttpResponse:
    """The consent form on paper: everything the patient is told, empty boxes, lines to sign on. No modelled figures."""
    case = case_for(request, number, Permission.PRINT_PAPERS)
    now = standing(case)
    context = {
        "case": case, "now": now, "printed_at": clock.now(), "department": department(),
        "leaflet": now.rules.current_leaflet,
    }  # fmt: skip
    return render(request, "consent/print.html", context)
