"""Sign in, time out, sign out."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.clinical.checklist import STAGE_TITLES
from trocar.clinical.checklist_rules import STAGES, ChecklistStage
from trocar.clinical.stages import MOVES, Stage
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission
from trocar.web.cases import clock, registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.models import Case
from trocar.web.cases.registry import once
from trocar.web.procedure.answers import Checklist, backed
from trocar.web.procedure.beside import beside, pictures
from trocar.web.procedure.forms import ResolutionForm, StageForm
from trocar.web.procedure.models import ChecklistAnswer, ChecklistRound
from trocar.web.procedure.record import Record

ASKED_AT: dict[ChecklistStage, tuple[Stage, ...]] = {
    "sign_in": (Stage.ARRIVED,),
    "time_out": (Stage.SIGNED_IN, Stage.TIMED_OUT),
    "sign_out": (Stage.NEEDLE_OUT,),
}
"""The stages of the case at which each stage of the checklist is answered; a time out may be done again."""


@require_safe
def overview(request: HttpRequest, number: str) -> HttpResponse:
    """The three stages, how each stands, and what was answered."""
    case = case_for(request, number)
    checklist = Checklist(case)
    rows = [
        {
            "title": STAGE_TITLES[stage],
            "url": reverse(f"procedure:{stage}", args=[number]),
            "completed": checklist.completed[stage],
            "now": not _refusals(checklist, stage),
        }
        for stage in STAGES
    ]
    section = next(s for s in registry.sections() if s.key == "checklist")
    context = {"case": case, "rows": rows, "state": section.state(case), "entries": section.entries(case)}
    return render(request, "procedure/checklist.html", context)


@require_http_methods(["GET", "POST"])
def stage_page(request: HttpRequest, number: str, stage: ChecklistStage) -> HttpResponse:
    """The questions of one stage with what belongs beside them; answers are kept as they come, the stage is completed
    when nothing is open.
    """
    case = case_for(request, number, Permission.CHECKLIST if request.method == "POST" else None)
    assert isinstance(request.user, Person)
    problems: tuple[str, ...] = ()
    status = 200
    form = None
    if request.method == "POST":
        form = StageForm(request.POST, case=case, stage=stage)
        if not form.is_valid():
            return _page(request, case, stage, form, (), 422)
        try:
            with change(
                request.user, case, f"Answered the {STAGE_TITLES[stage].lower()}",
                token=form.cleaned_data["form_token"], happened_at=form.cleaned_data["happened_at"],
            ) as ch:  # fmt: skip
                answer(ch, stage, form.given(), form.cleaned_data["seen_version"] or 0)
        except AlreadyDone:
            return HttpResponseRedirect(request.path)
        except EditedMeanwhile as error:
            problems, status, form = (str(error),), 409, _seen_now(request, case, stage, error)
        except MoveRefused as error:
            problems, status, form = error.reasons, 409, None
        else:
            if "complete" not in request.POST:
                return HttpResponseRedirect(request.path)
            try:
                with change(
                    request.user, case, f"Completed the {STAGE_TITLES[stage].lower()}",
                    happened_at=form.cleaned_data["happened_at"],
                ) as ch:  # fmt: skip
                    complete(ch, stage)
            except MoveRefused as error:
                problems, status, form = error.reasons, 409, None
            else:
                return HttpResponseRedirect(reverse("procedure:checklist", args=[number]))
    return _page(request, case, stage, form, problems, status)


def _seen_now(request: HttpRequest, case: Case, stage: ChecklistStage, error: EditedMeanwhile) -> StageForm:
    """The form as it was sent, for a second try by somebody who has now seen what the others answered."""
    sent = request.POST.copy()
    sent["seen_version"] = str(error.record.version)
    form = StageForm(sent, case=case, stage=stage)
    form.is_valid()
    return form


def answer(ch: Change, stage: ChecklistStage, given: dict[str, str], seen_version: int) -> None:
    """Keep the answers that are new or other than the last ones. Raises MoveRefused out of order, EditedMeanwhile where
    somebody else answered since.
    """
    checklist = Checklist(ch.case)
    refusals = _refusals(checklist, stage)
    if refusals:
        raise MoveRefused(refusals)
    current = _open_round(checklist, stage)
    last = {row.item: row.given for row in checklist.rows(current)}
    new = {item: said for item, said in given.items() if last.get(item) != said}
    if current.version != seen_version:
        raise EditedMeanwhile(current, current.changed_by if current.pk else None, current.changed_at)
    if not new:
        return
    values = {"stage": stage, "number": current.number, "answered": current.answered + len(new)}
    current = ch.save(current, values, seen_version)
    for item, said in new.items():
        ch.save(
            ChecklistAnswer(),
            {
                "round": current,
                "item": item,
                "given": said,
                "answered_at": ch.happened_at,
                "answered_by": ch.by,
            },
        )


def complete(ch: Change, stage: ChecklistStage) -> None:
    """Complete the open round and move the case on. Raises MoveRefused with everything that stands in the way."""
    checklist, record, facts = Checklist(ch.case), Record(ch.case), registry.facts(ch.case)
    refusals = _refusals(checklist, stage)
    if refusals:
        raise MoveRefused(refusals)
    found = checklist.review(stage, backed(checklist, record, facts, ch.happened_at))
    current = checklist.round(stage)
    if current is None or not found.complete:
        raise MoveRefused(found.problems)
    late = [row.answered_at for row in checklist.rows(current) if row.answered_at > ch.happened_at]
    if late:
        raise MoveRefused(("The stage cannot be completed before its last answer was given.",))
    ch.save(current, {"completed_at": ch.happened_at, "completed_by": ch.by})
    if stage == "time_out" and ch.case.at_stage == Stage.TIMED_OUT:
        unmet = tuple(
            need.sentence for need in MOVES["time_out"].needs if not need.met(registry.facts(ch.case))
        )
        if unmet:
            raise MoveRefused(unmet)
    else:
        ch.move(stage)


@require_POST
def resolve(request: HttpRequest, number: str, answer: int) -> HttpResponse:
    """A named person says how an answer that stops was resolved."""
    case = case_for(request, number, Permission.CHECKLIST)
    assert isinstance(request.user, Person)
    row = ChecklistAnswer.objects.select_related("round").filter(pk=answer, case=case).first()
    if row is None:
        raise Http404("There is no such answer.")
    role = case.protocol.checklist.resolved_by.value
    if request.user.role != role:
        raise PermissionDenied(f"Only this role resolves an answer that stops: {ROLES[role].title}.")
    stage = cast("ChecklistStage", row.round.stage)
    here = reverse(f"procedure:{stage}", args=[number])
    form = ResolutionForm(request.POST, case=case)
    if not form.is_valid():
        said = tuple(str(e) for errors in form.errors.values() for e in errors)
        return _page(request, case, stage, None, said, 422)
    try:
        with change(
            request.user, case, "Resolved an answer of the checklist", token=form.cleaned_data["form_token"]
        ) as ch:
            _resolve(ch, row, stage, form)
    except AlreadyDone:
        pass
    except EditedMeanwhile as error:
        return _page(request, case, stage, None, (str(error),), 409)
    except MoveRefused as error:
        return _page(request, case, stage, None, error.reasons, 409)
    return HttpResponseRedirect(here)


def _resolve(ch: Change, row: ChecklistAnswer, stage: ChecklistStage, form: ResolutionForm) -> None:
    checklist = Checklist(ch.case)
    current = checklist.round(stage)
    rows = {stored.item: stored for stored in checklist.rows(current)}
    item = ch.case.protocol.checklist.item(row.item)
    if current is None or current.completed_at is not None or rows.get(row.item) != row:
        raise MoveRefused(("This answer does not count any more; look at the page as it is now.",))
    if row.given not in item.stops or item.needs == "sides":
        raise MoveRefused(
            ("This answer cannot be resolved by words; put right what disagrees and answer again.",)
        )
    values = {"resolution": form.cleaned_data["resolution"], "resolved_at": ch.now, "resolved_by": ch.by}
    ch.save(row, {**values, "resolved_as": ch.by.role}, form.cleaned_data["seen_version"] or 0)


@require_safe
def picture(request: HttpRequest, number: str, index: int) -> HttpResponse:
    """A picture of the accepted plan."""
    case = case_for(request, number)
    found = pictures(case)
    if index >= len(found):
        raise Http404("There is no such picture.")
    return HttpResponse(found[index].png, content_type="image/png")


def _refusals(checklist: Checklist, stage: ChecklistStage) -> tuple[str, ...]:
    """Why a stage cannot be answered at this moment."""
    record = once(checklist.case, Record)
    allowed: tuple[Stage, ...] = ASKED_AT[stage]
    if stage == "time_out" and record.needle_is_in:
        return ("The needle is in; this time out is over.",)
    found = checklist.out_of_order(stage, record.t0)
    if found or checklist.case.at_stage in allowed:
        return found
    return (f"{STAGE_TITLES[stage]} is not possible while the case is at “{checklist.case.stage_title}”.",)


def _open_round(checklist: Checklist, stage: ChecklistStage) -> ChecklistRound:
    """The round that takes answers now; a new one where there is none, or the last one was completed."""
    last = checklist.round(stage)
    if last is not None and last.completed_at is None:
        return last
    return ChecklistRound(stage=stage, number=1 if last is None else last.number + 1)


def _page(
    request: HttpRequest,
    case: Case,
    stage: ChecklistStage,
    form: StageForm | None,
    problems: tuple[str, ...],
    status: int,
) -> HttpResponse:
    with registry.looking(case):
        return render(
            request, "procedure/stage.html", _context(request, case, stage, form, problems), status=status
        )


def _context(
    request: HttpRequest, case: Case, stage: ChecklistStage, form: StageForm | None, problems: tuple[str, ...]
) -> dict[str, Any]:
    checklist, record, facts = once(case, Checklist), once(case, Record), registry.facts(case)
    refusals = _refusals(checklist, stage)
    current = checklist.round(stage)
    if not refusals and (current is None or current.completed_at):
        current = _open_round(checklist, stage)
    rows = {row.item: row for row in checklist.rows(current)} if current is not None and current.pk else {}
    at = clock.now()
    found = checklist.review(stage, backed(checklist, record, facts, at) if current and current.pk else {})
    items = case.protocol.checklist.of(stage)
    if form is None:
        initial: dict[str, Any] = {
            f"item_{n}": rows[i.name].given for n, i in enumerate(items) if i.name in rows
        }
        initial["seen_version"] = current.version if current is not None and current.pk else 0
        form = StageForm(initial=initial, case=case, stage=stage)
    asked = [
        {
            "field": form[f"item_{n}"],
            "item": item,
            "row": rows.get(item.name),
            "state": state if current is not None and current.pk else None,
            "beside": [beside(shown, checklist, record, facts) for shown in item.shows],
            "resolvable": state.status == "stopped" and item.needs != "sides",
            "token": uuid.uuid4(),
        }
        for n, (item, state) in enumerate(zip(items, found.items, strict=True))
    ]
    standing = checklist.time_out(at) if stage == "time_out" and checklist.completed["time_out"] else None
    assert isinstance(request.user, Person)
    return {
        "case": case, "form": form, "stage": stage, "title": STAGE_TITLES[stage], "asked": asked, "refusals": refusals,
        "problems": problems, "pictures": pictures(case) if stage == "time_out" else [], "standing": standing,
        "may_answer": request.user.may(Permission.CHECKLIST) and not refusals,
        "may_resolve": request.user.role == case.protocol.checklist.resolved_by.value and not refusals,
        "resolver": ROLES[case.protocol.checklist.resolved_by.value].title,
        "read_again": _read_again(checklist, stage), "completed": checklist.completed[stage],
    }  # fmt: skip


def _read_again(checklist: Checklist, stage: ChecklistStage) -> list[ChecklistAnswer]:
    """What was resolved at earlier stages, to be read out again."""
    earlier = STAGES[: STAGES.index(stage)]
    return [row for s in earlier for row in checklist.rows(checklist.round(s)) if row.resolved_by is not None]
