"""The pages of the plans. Each view asks ``access`` first what the visitor may see."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trocar.errors import InputRefused
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases.models import Case
from trocar.web.plans import access, downloads, slice_view
from trocar.web.plans.choice import Choice, read_choice
from trocar.web.plans.models import PlanDecision, PlanOfCase
from trocar.web.plans.plan_folder import PlanFolder
from trocar.web.plans.section import BEFORE_TIME_OUT
from trocar.web.plans.shown_plan import ShownPlan
from trocar.web.plans.slice_stack import StackName
from trocar.web.plans.standing import decision_of

WORKING = ("waiting", "planning")
FIRST_PATHS = 4
"""So many are shown at once, the others below a line that opens."""


@require_safe
def plan_list(request: HttpRequest) -> HttpResponse:
    cards = [_list_card(folder) for folder in access.visible_plans(request)]
    working = any(card["folder"].card.state in WORKING for card in cards)
    return render(request, "plans/list.html", {"cards": cards, "working": working})


@require_safe
def progress(request: HttpRequest) -> JsonResponse:
    """How far each case is, for pages that wait for it."""
    plans = [
        {
            "id": folder.id,
            "state": folder.card.state,
            "message": folder.card.message,
            "percent": round(folder.card.fraction * 100),
        }
        for folder in access.visible_plans(request)
    ]
    return JsonResponse({"plans": plans}, headers={"Cache-Control": "no-store"})


@require_safe
def plan_page(request: HttpRequest, plan_id: str) -> HttpResponse:
    folder = access.visible_plan(request, plan_id)
    row = PlanOfCase.objects.select_related("case__patient").filter(plan_id=plan_id).first()
    case = row.case if row else None
    if folder.card.state != "planned":
        working = folder.card.state in WORKING
        return render(request, "plans/not_planned.html", {"folder": folder, "working": working, "case": case})
    plan = access.planned(folder)
    choice = read_choice(request.GET, slice_view.default_window(plan))
    context = {"folder": folder, "plan": plan, "choice": choice, "has_dicom": bool(folder.dicom_files())}
    context |= _of_the_case(request, case, plan_id)
    context["files"] = {name for name in ("plan.pdf", "plan.html") if folder.file(name).is_file()}
    if plan.paths:
        path = access.path_of(plan, choice.path)
        context["path"] = path
        links = [(one, slice_view.choice_of_path(choice, one.number).query()) for one in plan.paths]
        context["first_paths"], context["further_paths"] = links[:FIRST_PATHS], links[FIRST_PATHS:]
        context["further_open"] = choice.path > FIRST_PATHS
        context.update(_pictures(folder, plan, choice))
    return render(request, "plans/plan.html", context)


def _of_the_case(request: HttpRequest, case: Case | None, plan_id: str) -> dict[str, object]:
    """The case of the plan, which of its paths is accepted, and whether this person may accept one."""
    if case is None:
        return {}
    decision = decision_of(case)
    here = decision is not None and decision.plan_id == plan_id and decision.way == PlanDecision.Way.PATH
    may = person_of(request).may(Permission.ACCEPT_PLAN) and case.at_stage in BEFORE_TIME_OUT
    return {
        "case": case,
        "accepted_path": decision.path_number if decision and here else None,
        "may_accept": may,
    }


@require_safe
def plan_json(request: HttpRequest, plan_id: str) -> HttpResponse:
    folder = access.visible_plan(request, plan_id)
    return downloads.file_answer(folder, "plan.json", "application/json", download=False)


@require_safe
def plan_pdf(request: HttpRequest, plan_id: str) -> HttpResponse:
    folder = access.visible_plan(request, plan_id)
    return downloads.file_answer(folder, "plan.pdf", "application/pdf", download=False)


@require_safe
def plan_html(request: HttpRequest, plan_id: str) -> HttpResponse:
    folder = access.visible_plan(request, plan_id)
    answer = downloads.file_answer(folder, "plan.html", "text/html; charset=utf-8", download=False)
    answer["Content-Security-Policy"] = downloads.SHEET_POLICY
    return answer


@require_safe
def plan_dicom(request: HttpRequest, plan_id: str) -> HttpResponse:
    return downloads.dicom_answer(access.visible_plan(request, plan_id))


@require_safe
def slice_picture(
    request: HttpRequest, plan_id: str, number: int, stack: StackName, index: int
) -> HttpResponse:
    folder = access.visible_plan(request, plan_id, on_record=False)
    plan = access.planned(folder)
    path = access.path_of(plan, number)
    choice = read_choice(request.GET, slice_view.default_window(plan))
    try:
        png = slice_view.slice_png(folder, plan, path, stack, index, choice.window, choice.outlines)
    except IndexError:
        raise Http404("This stack has no slice of that number.") from None
    answer = HttpResponse(png, content_type="image/png")
    # The address that names the plan's version can never show another picture; one without it may.
    current = request.GET.get("v") == plan.version
    answer["Cache-Control"] = "private, max-age=31536000, immutable" if current else "private, no-cache"
    return answer


def _pictures(folder: PlanFolder, plan: ShownPlan, choice: Choice) -> dict[str, object]:
    """The slice views, or the sentence that says why there are none."""
    try:
        return {
            "views": slice_view.slice_views(folder, plan, choice),
            "legend": slice_view.legend(folder, plan, plan.paths[choice.path - 1]),
        }
    except InputRefused as error:
        return {"views": [], "pictures_refused": str(error)}


def _list_card(folder: PlanFolder) -> dict[str, object]:
    card: dict[str, object] = {"folder": folder, "plan": None, "refused": None}
    if folder.card.state == "planned":
        try:
            plan = access.planned(folder)
            card["plan"] = plan
            card["picture"] = slice_view.list_picture(folder, plan)
        except InputRefused as error:
            card["refused"] = str(error)
    return card
