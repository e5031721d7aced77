"""Stage 1 before the CT, stage 2 for the accepted plan."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trocar.clinical.consent import Status
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change, MoveRefused
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.consent.forms import StageOneForm, StageTwoForm, start_of
from trocar.web.consent.models import ConsentStageOne, ConsentStageTwo
from trocar.web.consent.standing import Standing, standing

CHANGED = (
    "The plan or stage 1 was changed after you opened this page. "
    "Read what it says now, explain it, and confirm again."
)


@require_http_methods(["GET", "POST"])
def stage_one(request: HttpRequest, number: str) -> HttpResponse:
    """Talk through benefits, risks and alternatives, and record it. It may be saved before it is complete."""
    case = case_for(request, number, Permission.TAKE_CONSENT)
    now = standing(case)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        ch.save(
            cast("ConsentStageOne", record) or ConsentStageOne(),
            cast("StageOneForm", form).columns(),
            form.cleaned_data["seen_version"] or 0,
        )

    return record_view(
        request, case, form_class=cast("Any", partial(StageOneForm, standing=now)), title="Consent, stage 1",
        action="Recorded consent, stage 1", save=save, record=now.one, initial=start_of(now),
        done_url=reverse("consent:consent", args=[number]), template="consent/stage_one.html",
        context={"now": now}, button="Save stage 1",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def stage_two(request: HttpRequest, number: str) -> HttpResponse:
    """Confirm for the accepted plan, before sedation. Another plan than the one shown is never confirmed."""
    case = case_for(request, number, Permission.CONFIRM_CONSENT)
    now = standing(case)
    done_and_sedated = now.state.status is Status.CONFIRMED and now.sedated_at is not None
    if done_and_sedated or now.state.status not in (
        Status.STAGE_TWO_OPEN,
        Status.PLAN_CHANGED,
        Status.CONFIRMED,
    ):
        status = 409 if request.method == "POST" else 200
        return render(request, "consent/not_yet.html", {"case": case, "now": now}, status=status)
    assert now.plan is not None
    assert now.one is not None
    seen = {"plan": now.plan.identity, "stage_one_version": now.one.version}
    person = person_of(request)
    initial = {
        **seen, "confirmed_by": person.pk, "happened_at": None, "side": "", "nearby_explained": None,
        "nothing_changed": None, "before_sedation": None, "still_agrees": None,
    }  # fmt: skip
    context = {"now": now, "modelled": now.modelled}
    if request.method == "POST" and not _same(request, now):
        # Answers were given about something else: none of them is kept.
        start = {**initial, "seen_version": now.two.version if now.two else 0}
        form = StageTwoForm(case=case, standing=now, initial=start)
        page = {
            "case": case, "form": form, "title": "Consent, stage 2", "button": "Confirm consent",
            "back": reverse("consent:consent", args=[number]), "refusal": CHANGED, **context,
        }  # fmt: skip
        return render(request, "consent/stage_two.html", page, status=409)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        locked = standing(ch.case)
        if not (locked.plan and locked.one and _same(request, locked)):
            raise MoveRefused((CHANGED,))
        ch.save(
            cast("ConsentStageTwo", record) or ConsentStageTwo(),
            cast("StageTwoForm", form).columns(),
            form.cleaned_data["seen_version"] or 0,
        )

    return record_view(
        request, case, form_class=cast("Any", partial(StageTwoForm, standing=now)), title="Consent, stage 2",
        action="Confirmed consent, stage 2", save=save, record=now.two, initial=initial,
        done_url=reverse("consent:consent", args=[number]), template="consent/stage_two.html", context=context,
        button="Confirm consent",
    )  # fmt: skip


def _same(request: HttpRequest, now: Standing) -> bool:
    """Whether the form was shown for the plan and the stage 1 that stand now."""
    return (
        now.plan is not None
        and now.one is not None
        and request.POST.get("plan") == now.plan.identity
        and request.POST.get("stage_one_version") == str(now.one.version)
    )
