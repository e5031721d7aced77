"""Forms of consent as people fill them in, and what comes before them."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from trocar.web.accounts.models import Person
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.consent.forms import field_of
from trocar.web.plans.models import PlanDecision


def hidden(page: HttpResponse) -> dict[str, str]:
    """The hidden fields of the form on a page, as a browser sends them back."""
    text = page.content.decode()
    found = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name[1] != "csrfmiddlewaretoken":
            found[name[1]] = value[1] if value else ""
    return found


def post(client: Client, address: str, **answers: Any) -> HttpResponse:
    """Open a page, fill in its form, send it."""
    return client.post(address, {**hidden(client.get(address)), **answers})  # type: ignore[return-value]


def address(case: Case, page: str = "") -> str:
    return f"/cases/{case.number}/consent/{page}"


def stage_one_answers(case: Case, by: Person, **changes: Any) -> dict[str, Any]:
    """A complete stage 1 for the case."""
    rules = case.protocol.consent
    answers: dict[str, Any] = {
        "explained_by": by.pk, "happened_at": "", "indication": "No cause found otherwise",
        "site_said": "as referred", "other_site": "", "side": case.side, "matters": "Driving to work",
        "benefits_explained": "yes", "without_explained": "yes", "blood_products": "accepts", "instead_of_blood": "",
        "sedation": "agreed", "sample_use": "diagnosis only", "x_rays": "yes", "radiation_explained": "yes",
        "capacity": "has capacity", "interpreter": "not needed", "information_needs": "none",
        "information_needs_met": "yes", "leaflet": rules.current_leaflet.identifier, "leaflet_read": "yes",
        "agrees": "yes",
    }  # fmt: skip
    for risk in rules.risks:
        answers[field_of("risk", risk.name)] = "explained" if risk.only_where else "on"
    for told in rules.alternatives:
        answers[field_of("alternative", told.name)] = "on"
    return {name: value for name, value in {**answers, **changes}.items() if value is not None}


def give_leaflet(client: Client, case: Case) -> None:
    assert post(client, address(case, "leaflet/"), channel="paper").status_code == 302


def take_stage_one(client: Client, case: Case, by: Person, **changes: Any) -> HttpResponse:
    """Leaflet and stage 1, in full."""
    give_leaflet(client, case)
    return post(client, address(case, "stage-1/"), **stage_one_answers(case, by, **changes))


def plan_at_table(by: Person, case: Case, **changes: Any) -> None:
    """Decide the needle path at the table, or decide it anew."""
    values = {
        "way": "table", "side": case.side, "site": case.site, "position": "prone", "guidance": "ultrasound",
        "needle": case.protocol.default_needle, "images_saved": True, **changes,
    }  # fmt: skip
    with change(by, case, "Planned at the table") as ch:
        ch.save(PlanDecision.objects.filter(case=case).first() or PlanDecision(), values)


def stage_two_answers(by: Person, case: Case, **changes: Any) -> dict[str, Any]:
    answers = {
        "confirmed_by": by.pk, "happened_at": "", "side": case.side, "site_said": "as planned", "other_site": "",
        "nearby_explained": "yes", "nothing_changed": "yes", "before_sedation": "yes", "still_agrees": "yes",
    }  # fmt: skip
    return {name: value for name, value in {**answers, **changes}.items() if value is not None}
