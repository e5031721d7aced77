"""Which plan a visitor may see. Every view asks here in its first line."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest

from trocar.web.plans import plan_folder, shown_plan
from trocar.web.plans.plan_folder import PlanFolder
from trocar.web.plans.shown_path import ShownPath
from trocar.web.plans.shown_plan import ShownPlan


def visible_plans(request: HttpRequest) -> list[PlanFolder]:
    """The plans that this visitor may see: all, as only this machine is served and its plans are samples."""
    return plan_folder.every(settings.TROCAR_DATA)


def visible_plan(request: HttpRequest, plan_id: str) -> PlanFolder:
    """The plan of that id. Raises Http404 where there is none that this visitor may see."""
    found = plan_folder.find(settings.TROCAR_DATA, plan_id)
    if found is None:
        raise Http404("There is no plan of that name.")
    return found


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
