"""How a case's needle path is decided now, and whether that still holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings

from trocar.clinical.plan_acceptance import check_scan_refusals, side_refusals
from trocar.documents.naming import capital, spoken
from trocar.errors import InputRefused
from trocar.web.cases.models import Case
from trocar.web.plans import plan_folder, shown_plan
from trocar.web.plans.models import PlanDecision
from trocar.web.plans.plan_folder import PlanFolder
from trocar.web.plans.shown_path import ShownPath
from trocar.web.plans.shown_plan import ShownPlan

Way = PlanDecision.Way


@dataclass(frozen=True, eq=False)
class Standing:
    """The decision, with the plan that it is about. problems: why it does not hold any more, a sentence each."""

    decision: PlanDecision | None
    folder: PlanFolder | None = None
    plan: ShownPlan | None = None
    path: ShownPath | None = None
    problems: tuple[str, ...] = ()

    @property
    def way(self) -> str:
        return self.decision.way if self.decision else Way.NONE

    @property
    def for_rehearsal_only(self) -> bool:
        """Whether a scan in position has still to show that the path is clear of what was not judged."""
        if self.decision is None or self.way != Way.PATH or not self.decision.rehearsal_only:
            return False
        return bool(check_scan_refusals(to_look_at(self.path), self.decision.check_scan))

    @property
    def holds(self) -> bool:
        """Whether the needle may go this way: something is decided, it still fits, and it is not for rehearsal."""
        return self.way != Way.NONE and not self.problems and not self.for_rehearsal_only

    @property
    def identity(self) -> str | None:
        """Names the decision by its content, so that consent given to one plan is never taken for another's.

        A rehearsed path has one already: consent is taken before the patient lies in position.
        """
        decision = self.decision
        if decision is None or self.way == Way.NONE or self.problems:
            return None
        if self.way == Way.PATH:
            return f"{decision.plan_id} {decision.plan_version} path {decision.path_number} {decision.side}"
        content = "|".join(
            (decision.side, decision.site, decision.position, decision.guidance, decision.needle)
        )
        return f"at the table {hashlib.sha256(content.encode()).hexdigest()[:12]}"


def decision_of(case: Case) -> PlanDecision | None:
    return PlanDecision.objects.filter(case=case).select_related("changed_by").first()


def standing(case: Case) -> Standing:
    """How the needle path of a case is decided; whatever cannot be read any more is a problem, never a guess."""
    decision = decision_of(case)
    if decision is None or decision.way == Way.NONE:
        return Standing(decision)
    wrong_side = side_refusals(case.side, None if decision.side == "none" else decision.side)  # type: ignore[arg-type]
    if decision.way == Way.TABLE:
        return Standing(decision, problems=wrong_side)
    try:
        folder = plan_folder.find(settings.TROCAR_DATA, decision.plan_id)
        if folder is None or folder.card.state != "planned":
            raise InputRefused("The files of the accepted plan are not there any more.")
        plan = shown_plan.read(folder.file("plan.json"))
    except InputRefused as error:
        return Standing(decision, problems=(str(error),))
    number = decision.path_number or 0
    path = plan.paths[number - 1] if 1 <= number <= len(plan.paths) else None
    problems = list(wrong_side)
    if plan.version != decision.plan_version or path is None:
        problems.append("The plan was changed after its path was accepted; accept a path again.")
    return Standing(decision, folder, plan, path, tuple(problems))


def not_judged(path: ShownPath | None) -> list[str]:
    """Structures in words to which no distance is given, since they move between the scan and the needle."""
    if path is None:
        return []
    return [capital(spoken(c.structure)) for c in path.clearances if c.after_throw_mm is None]


def to_look_at(path: ShownPath | None) -> list[str]:
    """What a scan in position has to be looked at for, before a rehearsed path is carried out."""
    return not_judged(path) or ["Organs that move"]
