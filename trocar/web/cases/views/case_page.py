"""The page of a case, its patient, its referral, and its moves."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.clinical.stages import MOVES, NEXT, moves_from
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission
from trocar.web.cases import registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.forms import CaseForm, LongWordsField
from trocar.web.cases.models import Case, Referral, StageChange, VersionedRecord
from trocar.web.cases.referral import PatientForm, ReferralForm, referral_of
from trocar.web.cases.views.record import record_view

ON_PAGES_OF_THEIR_OWN = frozenset({"accept", "return_to_referrer", "book", "postpone", "sign_in", "time_out",
"needle_out",
                                   "sign_out", "report", "close", "decline", "cancel"})  # fmt: skip
"""Moves that happen where their work is done; the case page offers the others."""


@require_safe
def case_page(request: HttpRequest, number: str) -> HttpResponse:
    """Where the case stands, what comes next and whose it is, and every section with what is missing."""
    case = case_for(request, number)
    return render(request, "cases/case.html", page_of(case, request.user))  # type: ignore[arg-type]


def page_of(case: Case, person: Person, refusals: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the case page shows."""
    with registry.looking(case):
        return _page_of(case, person, refusals)


def _page_of(case: Case, person: Person, refusals: tuple[str, ...]) -> dict[str, Any]:
    facts = registry.facts(case)
    summary = registry.summarise(case)
    rows = [
        {
            "title": section.title, "url": reverse(section.url_name, args=[case.number]), "key": section.key,
            **summary["sections"][section.key],
        }
        for section in registry.sections()
        if person.may(section.permission_to_see) or (section.shown_to_referrer and case.referrer_id == person.pk)
    ]  # fmt: skip
    action = summary["next"]
    moves = [
        {
            "name": m.name,
            "title": m.title,
            "reason": m.reason,
            "refusals": m.refusals(case.at_stage, facts, "given"),
        }
        for m in moves_from(case.at_stage)
        if person.may(Permission(m.permission)) and m.name not in ON_PAGES_OF_THEIR_OWN
    ]
    role = ROLES.get(action.get("role", ""))
    changes = list(StageChange.objects.filter(case=case).select_related("by"))
    following = NEXT.get(case.at_stage)
    return {
        "case": case, "sections": rows, "next": action, "next_role": role.title if role else "",
        "next_is_yours": bool(role) and action.get("role") == person.role, "moves": moves, "changes": changes,
        "move_refusals": refusals, 
        "following": MOVES[following].title if following else "",
        "waiting_for": MOVES[following].refusals(case.at_stage, facts, "given") if following else (),
        "form_token": uuid.uuid4(),
    }  # fmt: skip


@require_POST
def move(request: HttpRequest, number: str, name: str) -> HttpResponse:
    """Take a move that has no page of its own."""
    case = case_for(request, number)
    assert isinstance(request.user, Person)
    if name not in MOVES or name in ON_PAGES_OF_THEIR_OWN:
        return render(
            request, "error.html", {"title": "Not possible", "sentence": "There is no such move."}, status=404
        )
    form = MoveForm(request.POST)
    if not form.is_valid():
        said = tuple(str(e) for errors in form.errors.values() for e in errors)
        return render(request, "cases/case.html", page_of(case, request.user, said), status=422)
    try:
        with change(
            request.user,
            case,
            MOVES[name].title,
            token=form.cleaned_data["form_token"],
            reason=form.cleaned_data["reason"],
        ) as ch:
            ch.move(name)
    except AlreadyDone:
        pass
    except MoveRefused as error:
        return render(request, "cases/case.html", page_of(case, request.user, error.reasons), status=409)
    return HttpResponseRedirect(reverse("cases:case", args=[number]))


class MoveForm(CaseForm):
    """A move's reason."""

    reason = LongWordsField(label="Reason", max_length=1000)


@require_http_methods(["GET", "POST"])
def referral(request: HttpRequest, number: str) -> HttpResponse:
    """Read and write the referral."""
    writing = request.method == "POST"
    case = case_for(request, number, Permission.REFER if writing else None)
    stored = referral_of(case)
    own = {"site": case.site, "side": case.side, "urgency": case.urgency}

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = form.record_values()
        ch.set_case({name: values.pop(name) for name in own})
        ch.save(record or Referral(), values, form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=ReferralForm, title="Referral", action="Wrote the referral", save=save, record=stored,
        initial=own, context={"readonly": not request.user.may(Permission.REFER)},  # type: ignore[union-attr]
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def patient(request: HttpRequest, number: str) -> HttpResponse:
    """Correct what is known of the patient; on the record of this case."""
    case = case_for(request, number, Permission.REFER)
    person = case.patient
    names = [name for name in PatientForm.base_fields if name not in ("form_token", "seen_version")]

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = form.record_values()
        locked = type(person).objects.select_for_update().get(pk=person.pk)
        if locked.version != (form.cleaned_data["seen_version"] or 0):
            raise EditedMeanwhile(case, None, None)
        changes = {n: (getattr(locked, n), values[n]) for n in names if getattr(locked, n) != values[n]}
        if changes:
            for name, (_, value) in changes.items():
                setattr(locked, name, value)
            locked.version += 1
            locked.save()
            ch.note("patient", changes)

    start = {name: getattr(person, name) for name in names} | {"seen_version": person.version}
    return record_view(
        request, case, form_class=PatientForm, title="Patient", action="Corrected the patient's details", save=save,
        initial=start,
    )  # fmt: skip
