"""The needle path of a case: what is planned, what is accepted, and what is decided at the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from trocar.clinical.plan_acceptance import CaseFacts, OfferedPath, accept, to_confirm
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import AlreadyDone, Change, MoveRefused, change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.protocols import protocol_source
from trocar.web.cases.views.record import record_view
from trocar.web.plans import access, asking, slice_view
from trocar.web.plans.forms import AcceptForm, AskForm, CheckScanForm, TableForm, WithdrawForm, words_of
from trocar.web.plans.models import PlanDecision, PlanOfCase
from trocar.web.plans.plan_folder import find
from trocar.web.plans.section import BEFORE_TIME_OUT, in_one_line, plans_of
from trocar.web.plans.shown_path import ShownPath
from trocar.web.plans.shown_plan import ShownPlan
from trocar.web.plans.standing import Way, decision_of, standing, to_look_at

TOO_LATE = "Time out is done for the needle path as it stands; it cannot be changed any more."


@require_safe
def plan(request: HttpRequest, number: str) -> HttpResponse:
    """What is decided, what was planned, and what can be done."""
    case = case_for(request, number)
    person = person_of(request)
    now = standing(case)
    section = next(s for s in registry.sections() if s.key == "plan")
    plans = plans_of(case)
    picture = None
    if now.folder and now.plan and now.path and now.folder.card.ct and not now.problems:
        window = slice_view.default_window(now.plan)
        picture = slice_view.picture_url(now.folder, now.plan, now.path.number, "along", 0, window, True)
    context = {
        "case": case, "now": now, "words": in_one_line(now), "state": section.state(case), "plans": plans,
        "entries": [e for e in section.entries(case) if e.heading == "Needle path"], "picture": picture,
        "working": any(p.job and p.job.is_open for p in plans), "changeable": case.at_stage in BEFORE_TIME_OUT,
        "may_ask": _may_ask(request), "may_accept": person.may(Permission.ACCEPT_PLAN),
    }  # fmt: skip
    return render(request, "plans/case_plan.html", context)


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for the planning of a CT; the work itself is a job."""
    case = case_for(request, number)
    if not _may_ask(request):
        raise PermissionDenied("Your role may not plan.")
    data = Path(settings.TROCAR_DATA)
    names = asking.incoming_names(data)
    status = 200
    form = AskForm(case=case, incoming=names)
    if request.method == "POST":
        form = AskForm(request.POST, request.FILES, case=case, incoming=names)
        if form.is_valid():
            return _asked(request, case, form, data)
        status = 422
    return render(
        request, "plans/ask.html", {"case": case, "form": form, "title": "Plan a CT"}, status=status
    )


def _asked(request: HttpRequest, case: Case, form: AskForm, data: Path) -> HttpResponse:
    uploads = asking.new_uploads_folder(data)
    here = reverse("case_plan:plan", args=[case.number])
    try:
        arguments = _arguments(case, form, uploads, asking.incoming_folder(data))
        token = form.cleaned_data["form_token"]
        with change(person_of(request), case, "Asked for a plan of the needle path", token=token) as ch:
            asking.ask_for_plan(ch, case, arguments, words_of(form))
    except AlreadyDone:
        asking.drop_uploads(uploads)
    except BaseException:
        asking.drop_uploads(uploads)
        raise
    return HttpResponseRedirect(here)


def _arguments(case: Case, form: AskForm, uploads: Path, incoming: Path) -> dict[str, Any]:
    """What the job needs, with uploaded files kept where it finds them."""
    values = form.cleaned_data
    found: dict[str, Any] = {
        name: values.get(name) or None for name in ("guidance", "position", "needle", "target_name", "series")
    }
    found["protocol"] = protocol_source(case.protocol_name)
    found["side"] = case.side if case.side in ("left", "right") else None
    if values["source"] == "sample":
        return found | {"sample_scan": values["sample_scan"]}
    if values["source"] == "files":
        kept = asking.keep_uploads(values["files"], uploads / "ct")
        found["pictures"] = kept if len(kept) == 1 else [str(uploads / "ct")]
    else:
        found["pictures"] = [str(incoming / values["folder"])]
    structures = (
        asking.keep_uploads(values["structures"], uploads / "structures") if values["structures"] else []
    )
    if values.get("folder_structures"):
        structures.append(str(incoming / values["folder_structures"]))
    found["structures"] = structures
    if values["target_mask"]:
        found["target_mask"] = asking.keep_uploads(values["target_mask"], uploads / "target")[0]
        found["structures"] = [*structures, found["target_mask"]]
    return found


@require_http_methods(["GET", "POST"])
def accept_path(request: HttpRequest, number: str, plan_id: str, path_number: int) -> HttpResponse:
    """Accept a path of a plan of this case, warning by warning."""
    case = case_for(request, number, Permission.ACCEPT_PLAN)
    plan, path = _offered(case, plan_id, path_number)
    offered = OfferedPath(
        protocol=plan.raw["protocol"],
        side=plan.raw.get("side"),
        warnings={w["code"]: w["text"] for w in plan.raw["warnings"]},
        relaxed=path.raw.get("relaxed")
        if plan.within_limits
        else path.raw.get("relaxed") or "no path keeps every limit",
        needs_check_scan=path.needs_check_scan,
    )
    blocking = to_confirm(offered.warnings)
    facts = _case_facts(case)
    plain = accept(offered, facts, offered.warnings)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, AcceptForm)
        _refuse_if_too_late(ch.case)
        refusals = accept(offered, facts, form.confirmed()).refusals
        if refusals:
            raise MoveRefused(refusals)
        ch.save(
            record or PlanDecision(),
            {
                "way": Way.PATH, "plan_id": plan_id, "plan_version": plan.version, "path_number": path_number,
                "confirmed": [[code, blocking[code]] for code in form.confirmed()],
                "rehearsal_only": path.needs_check_scan, "check_scan": {}, "side": plan.raw.get("side") or "none",
                "site": ch.case.site, "position": plan.raw["position"], "guidance": plan.raw["guidance"],
                "needle": plan.planned_needle.name, "images_saved": None, "notes": "",
            },
            form.cleaned_data["seen_version"] or 0,
        )  # fmt: skip

    class Form(AcceptForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(
                *args, warnings=blocking, target=plan.target, rehearsal=plain.rehearsal_only, **kwargs
            )

    rest = [text for code, text in offered.warnings.items() if code not in blocking]
    return record_view(
        request, case, form_class=Form, title=f"Accept path {path_number}", action="Accepted a needle path", save=save,
        record=decision_of(case), done_url=reverse("case_plan:plan", args=[number]), button="Accept this path",
        template="plans/accept.html",
        context={
            "plan": plan, "path": path, "folder_id": plan_id, "refusals": plain.refusals, "rest": rest,
            "rehearsal": plain.rehearsal_only, "readonly": bool(plain.refusals),
        },
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def check_scan(request: HttpRequest, number: str) -> HttpResponse:
    """Say what a scan in position showed of the organs that were not judged."""
    case = case_for(request, number, Permission.ACCEPT_PLAN)
    now = standing(case)
    decision = now.decision
    if decision is None or now.way != Way.PATH or not decision.rehearsal_only or now.problems:
        raise Http404("There is no path of this case that waits for a scan in position.")
    organs = to_look_at(now.path)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, CheckScanForm)
        assert isinstance(record, PlanDecision)
        _refuse_if_too_late(ch.case)
        ch.save(record, {"check_scan": form.found_clear()}, form.cleaned_data["seen_version"] or 0)

    class Form(CheckScanForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, organs=organs, **kwargs)

    return record_view(
        request, case, form_class=Form, title="Scan in position", action="Looked at a scan in position", save=save,
        record=decision, done_url=reverse("case_plan:plan", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def at_table(request: HttpRequest, number: str) -> HttpResponse:
    """Plan at the table: side, pole, position and needle, without a CT."""
    case = case_for(request, number, Permission.ACCEPT_PLAN)
    decision = decision_of(case)
    protocol = case.protocol
    start = {
        "side": case.side, "site": case.site, "guidance": protocol.default_guidance,
        "position": protocol.default_position, "needle": protocol.needle(None).name,
    }  # fmt: skip
    if decision is not None and decision.way == Way.TABLE:
        start = {}

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        _refuse_if_too_late(ch.case)
        nothing = {
            "plan_id": "", "plan_version": "", "path_number": None, "confirmed": [], "rehearsal_only": False,
            "check_scan": {},
        }  # fmt: skip
        values = {"way": Way.TABLE, **nothing, **form.record_values()}
        ch.save(record or PlanDecision(), values, form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=TableForm, title="Plan at the table", action="Planned at the table", save=save,
        record=decision, initial=start, done_url=reverse("case_plan:plan", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """Take the decision back, with a reason."""
    case = case_for(request, number, Permission.ACCEPT_PLAN)
    decision = decision_of(case)
    if decision is None or decision.way == Way.NONE:
        raise Http404("Nothing is decided that could be withdrawn.")

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        _refuse_if_too_late(ch.case)
        values = {"way": Way.NONE, "rehearsal_only": False, "check_scan": {}}
        ch.save(record or PlanDecision(), values, form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=WithdrawForm, title="Withdraw the decision on the needle path",
        action="Withdrew the decision on the needle path", save=save, record=decision, button="Withdraw",
        done_url=reverse("case_plan:plan", args=[number]),
    )  # fmt: skip


def _may_ask(request: HttpRequest) -> bool:
    """Who makes the pictures may have them planned; accepting a path is the doctor's."""
    person = person_of(request)
    return person.may(Permission.ACCEPT_PLAN) or person.may(Permission.RECORD_DOSE)


def _refuse_if_too_late(case: Case) -> None:
    if case.at_stage not in BEFORE_TIME_OUT:
        raise MoveRefused((TOO_LATE,))


def _offered(case: Case, plan_id: str, path_number: int) -> tuple[ShownPlan, ShownPath]:
    """The path, of a plan of this very case. Raises Http404."""
    if not PlanOfCase.objects.filter(case=case, plan_id=plan_id).exists():
        raise Http404("This case has no plan of that name.")
    folder = find(settings.TROCAR_DATA, plan_id)
    if folder is None:
        raise Http404("The files of this plan are not there any more.")
    plan = access.planned(folder)
    return plan, access.path_of(plan, path_number)


def _case_facts(case: Case) -> CaseFacts:
    known = registry.facts(case)
    return CaseFacts(
        protocol=case.protocol_name,
        side=case.side,  # type: ignore[arg-type]
        suspected_tumour=known.get("referral.suspected_primary_bone_tumour"),
        route_agreed=bool(known.get("vetting.route_agreed")),
    )
