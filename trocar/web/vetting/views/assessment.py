"""The assessment: what is missing, what blocks, what warns; overriding a block; deciding on the referral."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from trocar.clinical.stages import Stage
from trocar.clinical.vetting_facts import Assessment, Finding, Kind
from trocar.clinical.vetting_rules import Phase
from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.change import Change, MoveRefused
from trocar.web.cases.forms import CaseForm, LongWordsField
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.vetting.access import case_to_read, may_prepare
from trocar.web.vetting.forms import DecisionForm, OverrideForm
from trocar.web.vetting.known import assessment_of, phase_of, records_of, rules_of
from trocar.web.vetting.models import Override, VettingDecision

HEADINGS: Mapping[Kind, str] = {
    "refused": "Refused by this protocol",
    "blocks": "Blocks",
    "missing": "Not assessed",
    "warns": "Warnings",
    "risk": "Risks of this patient",
    "overridden": "Overridden",
    "met": "Within the protocol's limits",
}


@require_safe
def assessment(request: HttpRequest, number: str) -> HttpResponse:
    """What the rules say of the case now, with sources, ages of values, and who may override what."""
    case = case_to_read(request, number)
    asked = request.GET.get("phase")
    phase: Phase = "vetting" if asked == "vetting" else "day" if asked == "day" else phase_of(case)
    with registry.looking(case):
        page = _page(case, person_of(request), phase)
    return render(request, "vetting/assessment.html", page)


def _page(case: Case, person: Person, phase: Phase) -> dict[str, Any]:
    found = assessment_of(case, phase)
    sources = rules_of(case).protocol.sources
    cited = {word for finding in found.findings for word in re.findall(r"\w+", finding.source)}
    return {
        "case": case,
        "assessment": found,
        "groups": [
            (heading, [(finding, _may_override(person, finding)) for finding in found.of(kind)])
            for kind, heading in HEADINGS.items()
            if found.of(kind)
        ],
        "phase": phase,
        "sources": [sources[key] for key in sorted(cited & set(sources))],
        "stamps": rules_of(case).stamps,
        "may_prepare": may_prepare(person),
        "may_decide": person.may(Permission.VET) and case.at_stage is Stage.REFERRED,
        "may_vet": person.may(Permission.VET),
        "may_ask_again": person.may(Permission.CHECKLIST) or person.may(Permission.VET),
        "overrides": [o for o in records_of(case).overrides if not o.withdrawn],
        "may_withdraw": person.may(Permission.OVERRIDE_VETTING),
    }


def _may_override(person: Person, finding: Finding) -> bool:
    """A block is overridden by the role that the protocol names, and by nobody else."""
    may = person.may(Permission.OVERRIDE_VETTING)
    return finding.kind == "blocks" and may and person.role == finding.override_role


def _block(found: Assessment, gate: str) -> Finding | None:
    return next((f for f in found.of("blocks") if f.gate == gate), None)


@require_http_methods(["GET", "POST"])
def override(request: HttpRequest, number: str) -> HttpResponse:
    """Go on in spite of one block, with a reason; it ends when the value changes."""
    case = case_to_read(request, number)
    person = require(request, Permission.OVERRIDE_VETTING)
    gate = str((request.POST if request.method == "POST" else request.GET).get("gate", ""))
    shown = _block(assessment_of(case), gate)
    if shown is None and request.method == "GET":
        raise Http404("Nothing of this name blocks the case now.")

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        block = _block(assessment_of(ch.case), form.cleaned_data["gate"])
        if block is None or block.value != form.cleaned_data["value"]:
            raise MoveRefused(("What you override has changed since; look at the assessment again.",))
        if not _may_override(person, block):
            raise MoveRefused(("Your role may not override this; the protocol names who may.",))
        values = {
            "gate": block.gate,
            "value": block.value,
            "role": person.role,
            "reason": form.cleaned_data["reason"],
        }
        ch.save(Override(), values)

    return record_view(
        request, case, form_class=OverrideForm, title="Override a block", action="Overrode a block", save=save,
        initial={"gate": gate, "value": shown.value if shown else ""}, button="Override",
        done_url=reverse("vetting:case", args=[number]), template="vetting/override.html", context={"finding": shown},
    )  # fmt: skip


class WithdrawForm(CaseForm):
    """Why an override no longer holds."""

    reason = LongWordsField(label="Why do you withdraw it?", max_length=1000, required=True)


@require_http_methods(["GET", "POST"])
def withdraw_override(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Take an override back; it stays on the record."""
    case = case_to_read(request, number)
    require(request, Permission.OVERRIDE_VETTING)
    kept = get_object_or_404(Override, pk=pk, case=case, withdrawn=False)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        ch.save(kept, {"withdrawn": True}, form.cleaned_data["seen_version"])

    return record_view(
        request, case, form_class=WithdrawForm, title="Withdraw an override", action="Withdrew an override",
        save=save, record=kept, initial={"reason": ""}, button="Withdraw",
        done_url=reverse("vetting:case", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def decision(request: HttpRequest, number: str) -> HttpResponse:
    """Accept the referral or send it back with questions."""
    case = case_to_read(request, number)
    require(request, Permission.VET)
    found = assessment_of(case, "vetting")

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        outcome, words = form.cleaned_data["outcome"], form.cleaned_data["words"]
        now = assessment_of(ch.case, "vetting")
        stood = [[f.kind, f.gate, f.text, f.source] for f in now.findings if f.kind != "met"]
        ch.save(VettingDecision(), {"outcome": outcome, "words": words, "assessment": stood})
        if outcome == "accepted":
            ch.move("accept")
        else:
            ch.move("return_to_referrer", words)

    return record_view(
        request, case, form_class=DecisionForm, title="Decide on the referral", action="Decided on the referral",
        save=save, button="Record the decision", template="vetting/decision.html", context=_standing(case, found),
    )  # fmt: skip


def _standing(case: Case, found: Assessment) -> dict[str, Any]:
    return {"assessment": found, "against": found.of("refused", "blocks", "missing")}
