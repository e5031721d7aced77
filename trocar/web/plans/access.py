"""Which plan a visitor may see: a case's for who may see the case. Every view asks here in its first line."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import Http404, HttpRequest

from trocar.errors import InputRefused
from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.roles import Permission
from trocar.web.cases.access import CaseHidden, case_for, may_see, visible_cases
from trocar.web.plans import plan_folder, shown_plan
from trocar.web.plans.models import PlanOfCase
from trocar.web.plans.plan_folder import PlanFolder
from trocar.web.plans.shown_path import ShownPath
from trocar.web.plans.shown_plan import ShownPlan

LISTED = 50
"""So many plans of cases stand on the list, the newest first; older ones are found from their case."""

OF_A_CASE = re.compile(r"t-[0-9]{2}-[0-9]{6,9}-[0-9]+")


def visible_plans(request: HttpRequest) -> list[PlanFolder]:
    """The newest plans of the cases that this visitor may see, then those that belong to no case (samples)."""
    person = require(request, Permission.SEE_CASES)
    rows = PlanOfCase.objects.filter(case__in=visible_cases(person)).order_by("-asked_at", "-id")[:LISTED]
    of_cases = [folder for row in rows if (folder := _readable(row.plan_id)) is not None]
    others = plan_folder.every(settings.TROCAR_DATA, lambda name: OF_A_CASE.fullmatch(name) is None)
    return [*of_cases, *others]


def visible_plan(request: HttpRequest, plan_id: str, *, on_record: bool = True) -> PlanFolder:
    """The plan of that id. Raises Http404 where there is none, CaseHidden or PermissionDenied where it may not be seen.

    on_record: the read goes to the case's stream; a picture of a page that is there already need not.
    """
    row = PlanOfCase.objects.select_related("case").filter(plan_id=plan_id).first()
    if row is None:
        require(request, Permission.SEE_CASES)
    elif on_record:
        case_for(request, row.case.number)
    elif not may_see(person_of(request), row.case):
        raise CaseHidden(row.case.number)
    found = plan_folder.find(settings.TROCAR_DATA, plan_id)
    if found is None:
        raise Http404("There is no plan of that name.")
    return found


def _readable(plan_id: str) -> PlanFolder | None:
    try:
        return plan_folder.find(settings.TROCAR_DATA, plan_id)
    except InputRefused:
        return None


def planned(folder: PlanFolder) -> ShownPlan:
    """What the planner answered. Raises Http404 while there is no answer, InputRefused where it is damaged."""
    if folder.card.state != "planned":
        raise Http404("This case is not planned yet.")
    return shown_plan.read(folder.file("plan.json"))


def path_of(plan: ShownPlan, number: int) -> ShownPath:
    """Path ``number``, counted from 1. Raises Http404 where the plan has no such path."""
    if not 1 <= number <= len(plan.paths):
        raise Http404("This plan has no path of that number.")
    return plan.paths[number - 1]
