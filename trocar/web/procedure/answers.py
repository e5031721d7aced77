"""The checklist of a case: its rounds, how each stage stands, and what the record says to each guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from trocar.clinical.checklist import (
    Answer,
    Resolution,
    StageReview,
    TimeOutStanding,
    count_specimens,
    out_of_order,
    review,
    time_out_standing,
)
from trocar.clinical.checklist_rules import STAGES, ChecklistStage, Guard, Place
from trocar.clinical.laterality import Agreement, SideFacts, Stated, cross_check
from trocar.web.cases.department import effective_protocol
from trocar.web.cases.models import Case
from trocar.web.procedure.models import ChecklistAnswer, ChecklistRound
from trocar.web.procedure.record import Record


@dataclass
class Checklist:
    """The checklist of a case as the database has it now. Four queries, however long it is."""

    case: Case

    @cached_property
    def rounds(self) -> list[ChecklistRound]:
        """Every round, oldest first."""
        return list(ChecklistRound.objects.filter(case=self.case).select_related("completed_by"))

    @cached_property
    def _answers(self) -> dict[int, list[ChecklistAnswer]]:
        found: dict[int, list[ChecklistAnswer]] = {}
        rows = ChecklistAnswer.objects.filter(case=self.case).select_related("answered_by", "resolved_by")
        for row in rows:
            found.setdefault(row.round_id, []).append(row)
        return found

    def round(self, stage: ChecklistStage) -> ChecklistRound | None:
        """The last round of a stage."""
        return next((r for r in reversed(self.rounds) if r.stage == stage), None)

    def rows(self, which: ChecklistRound | None) -> list[ChecklistAnswer]:
        """The answers of a round, oldest first."""
        return self._answers.get(which.pk, []) if which is not None and which.pk else []

    @cached_property
    def completed(self) -> dict[ChecklistStage, datetime | None]:
        """When each stage was completed last. A later round that is still open does not undo it."""
        return {
            stage: max(
                (r.completed_at for r in self.rounds if r.stage == stage and r.completed_at), default=None
            )
            for stage in STAGES
        }

    def review(self, stage: ChecklistStage, backed: Mapping[Guard, bool | None]) -> StageReview:
        """How the last round of a stage stands."""
        used = effective_protocol(self.case.protocol_name)
        unapproved = {
            item.name
            for item in used.protocol.checklist.items
            if f"checklist.items.{item.name}.question" in used.not_configured
        }
        answers = [as_answer(row) for row in self.rows(self.round(stage))]
        return review(used.protocol.checklist, stage, answers, backed, unapproved)

    def out_of_order(self, stage: ChecklistStage, needle_out_at: datetime | None) -> tuple[str, ...]:
        """Why a stage cannot be answered now."""
        return out_of_order(stage, self.completed, needle_out_at)

    def time_out(self, at: datetime) -> TimeOutStanding:
        """Whether the time out holds for a puncture at ``at``."""
        minutes = effective_protocol(self.case.protocol_name).figure("checklist.time_out_minutes")
        done = [r.completed_at for r in self.rounds if r.stage == "time_out" and r.completed_at]
        before = [moment for moment in done if moment <= at]
        return time_out_standing(max(before or done, default=None), minutes, at)

    def stated(self, place: Place) -> Stated | None:
        """Which side an answer of the checklist says that the mark or the images show."""
        for item in self.case.protocol.checklist.items:
            if item.states != place:
                continue
            answers = [row for row in self.rows(self.round(item.stage)) if row.item == item.name]
            if answers and answers[-1].given not in item.stops:
                given = answers[-1].given
                return Stated(given if given in ("left", "right") else None, self.case.site)  # type: ignore[arg-type]
        return None


def as_answer(row: ChecklistAnswer) -> Answer:
    """The stored answer as the rules know it."""
    resolution = None
    if row.resolved_by is not None and row.resolved_at is not None:
        resolution = Resolution(row.resolution, row.resolved_by.full_name, row.resolved_as, row.resolved_at)
    return Answer(row.item, row.given, row.answered_by.full_name, row.answered_at, resolution)


def needs_side(case: Case) -> bool | None:
    """Whether the case has a side: by its protocol, and for a bone that may be paired by what the referral says."""
    if case.protocol.side == "required":
        return True
    if case.protocol.side == "none":
        return False
    return {"left": True, "right": True, "none": False}.get(case.side)


def sides(checklist: Checklist, facts: Mapping[str, Any]) -> Agreement | list[str]:
    """Referral, consent, mark, plan and images held against one another."""

    def said(place: str) -> Stated | None:
        side, site = facts.get(f"{place}.side"), facts.get(f"{place}.site")
        if not side and not site:
            return None
        return Stated(side if side in ("left", "right") else None, str(site or ""))

    return cross_check(
        SideFacts(
            needs_side(checklist.case),
            {
                "referral": said("referral"),
                "consent": said("consent"),
                "plan": said("plan"),
                "mark": checklist.stated("mark"),
                "images": checklist.stated("images"),
            },
        )
    )


def backed(
    checklist: Checklist, record: Record, facts: Mapping[str, Any], at: datetime
) -> dict[Guard, bool | None]:
    """What the record says to each guard at the moment ``at``; None is not assessed."""
    return {
        "consent": facts.get("consent.confirmed") is True and facts.get("consent.withdrawn") is False,
        "plan": facts.get("plan.accepted_or_at_table"),
        "sides": isinstance(sides(checklist, facts), Agreement),
        "baseline": not record.baseline_problems(at),
        "monitoring": not record.team_problems,
        "specimens": facts.get("specimen.counted") is True and not specimen_problems(record, facts),
        "complications": record.complications_known,
        "exposure": not record.exposure_problems,
    }


def specimen_problems(record: Record, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What does not match between the cores of this record and the pots and orders of the laboratory's."""
    if facts.get("specimen.no_sample") is True and not record.cores:
        return ()
    counted = (facts.get(f"specimen.{name}") for name in ("orders", "pots"))
    return count_specimens(*counted, record.cores, facts.get("specimen.cores"))
