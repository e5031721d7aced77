"""Where a case's consent stands: what is stored, made into values that the clinical rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from trocar.clinical import consent
from trocar.clinical.consent import ConsentState
from trocar.clinical.consent_record import (
    BestInterests,
    ConsentRecord,
    Ended,
    PlanFacts,
    Question,
    Referred,
    StageOne,
    StageTwo,
)
from trocar.clinical.consent_rules import ConsentRules
from trocar.clinical.consent_words import (
    Nearby,
    RiskShown,
    modelled_for_staff,
    nearby_in_words,
    side_by_side,
)
from trocar.clinical.target_rules import Side
from trocar.web.cases import registry
from trocar.web.cases.department import department, effective_protocol
from trocar.web.cases.models import Case
from trocar.web.consent.models import (
    ConsentEnded,
    ConsentStageOne,
    ConsentStageTwo,
    LeafletGiven,
    PatientQuestion,
)

_GUIDANCE = {"CT": "ct", "Ultrasound": "ultrasound", "X-ray (fluoroscopy)": "fluoroscopy"}
"""The plan's facts name the guidance in words; words that are not here are not known, and fail closed."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Everything about one case's consent, read once."""

    case: Case
    rules: ConsentRules
    not_configured: tuple[str, ...]
    one: ConsentStageOne | None
    two: ConsentStageTwo | None
    questions: tuple[PatientQuestion, ...]
    ends: tuple[ConsentEnded, ...]
    leaflets: tuple[LeafletGiven, ...]

    @cached_property
    def facts_of_plan(self) -> Mapping[str, Any]:
        """What the plan's section tells."""
        return _facts_of("plan", self.case)

    @cached_property
    def sedated_at(self) -> datetime | None:
        """When the first sedative was given, as the procedure record has it."""
        return cast("datetime | None", _facts_of("procedure", self.case).get("procedure.sedated_at"))

    @cached_property
    def record(self) -> ConsentRecord:
        """What is recorded, as values."""
        return ConsentRecord(
            stage_one=None if self.one is None else _stage_one(self.one),
            stage_two=None if self.two is None else _stage_two(self.two),
            questions=tuple(_question(question) for question in self.questions),
            declined=self._end("declined"),
            withdrawn=self._end("withdrawn"),
        )

    @cached_property
    def plan(self) -> PlanFacts | None:
        """The plan as it stands; None where nothing is decided, or what is decided no longer holds."""
        facts = self.facts_of_plan
        identity = facts.get("plan.accepted")
        if not identity:
            return None
        at_table = facts.get("plan.way") == "table"
        # A path was planned on a CT, whatever guides the needle afterwards.
        x_rays = self._guidance_uses_x_rays() if at_table else True
        return PlanFacts(
            identity=str(identity),
            accepted=True,
            at_table=at_table,
            site=str(facts.get("plan.site") or ""),
            side=side_of(str(facts.get("plan.side") or "")),
            x_rays=x_rays,
            sedation_at=self.sedated_at if self.two is not None else None,
        )

    @cached_property
    def referred(self) -> Referred | None:
        """What the referral asks for; None while it names no site."""
        return Referred(self.case.site, side_of(self.case.side)) if self.case.site else None

    @cached_property
    def state(self) -> ConsentState:
        """What the rules say of it."""
        # Before stage 1 the plan does not matter, and reading it costs time on every page.
        plan = self.plan if self.one is not None else None
        return consent.state(self.record, self.rules, plan, self.referred, self.not_configured)

    @cached_property
    def nearby(self) -> tuple[str, ...]:
        """What lies near the planned path, in words for the patient."""
        facts = self.facts_of_plan
        crossed = [Nearby(name, 0.0, True) for name in facts.get("plan.crosses") or ()]
        judged = [Nearby(name, mm, False) for name, mm in facts.get("plan.structures_near") or ()]
        unjudged = [Nearby(name, None, False) for name in facts.get("plan.not_judged") or ()]
        return nearby_in_words([*crossed, *judged, *unjudged])

    @cached_property
    def modelled(self) -> tuple[str, ...]:
        """The planner's probabilities, for staff only."""
        return modelled_for_staff(
            {name: share for name, share, _ in self.facts_of_plan.get("plan.risks") or ()}
        )

    @cached_property
    def risks(self) -> tuple[RiskShown, ...]:
        """Each risk side by side."""
        return side_by_side(self.rules, department().own_rates(self.case.protocol_name))

    def _guidance_uses_x_rays(self) -> bool | None:
        guidance = _GUIDANCE.get(str(self.facts_of_plan.get("plan.guidance") or ""))
        if guidance is None:
            return None
        return self.rules.radiation is not None and guidance in self.rules.radiation.guidance

    def _end(self, kind: str) -> Ended | None:
        found = [end for end in self.ends if end.kind == kind]
        if not found:
            return None
        latest = max(found, key=lambda end: end.happened_at)
        return Ended(latest.words, latest.heard_by.full_name, latest.happened_at)


def standing(case: Case) -> Standing:
    """Read everything about a case's consent."""
    rules, keys = consent.as_configured(effective_protocol(case.protocol_name))
    return Standing(
        case=case,
        rules=rules,
        not_configured=keys,
        one=ConsentStageOne.objects.filter(case=case).select_related("explained_by", "changed_by").first(),
        two=ConsentStageTwo.objects.filter(case=case).select_related("confirmed_by", "changed_by").first(),
        questions=tuple(
            PatientQuestion.objects.filter(case=case).select_related("heard_by", "answered_by", "changed_by")
        ),
        ends=tuple(ConsentEnded.objects.filter(case=case).select_related("heard_by", "changed_by")),
        leaflets=tuple(LeafletGiven.objects.filter(case=case).select_related("changed_by")),
    )


def _facts_of(key: str, case: Case) -> Mapping[str, Any]:
    """Facts of one other section alone: asking all sections would ask this one again, without end."""
    for section in registry.sections():
        if section.key == key:
            return registry.once(case, section.facts)
    return {}


def side_of(word: str) -> Side | None:
    """left, right, or None for the midline and for nothing."""
    return cast("Side", word) if word in ("left", "right") else None


def _stage_one(row: ConsentStageOne) -> StageOne:
    best = None
    if row.capacity == "lacks capacity":
        best = BestInterests(
            row.capacity_assessed,
            row.decided_by,
            row.consulted,
            row.best_interests_reasons,
            row.no_refusal_known,
        )
    return StageOne(
        explained_by=row.explained_by.full_name if row.explained_by else "",
        explained_at=row.explained_at,
        indication=row.indication,
        site=row.site,
        side=side_of(row.side),
        matters=row.matters,
        benefits_explained=row.benefits_explained,
        without_explained=row.without_explained,
        risks=frozenset(row.risks),
        not_here=dict(row.not_here),
        alternatives=frozenset(row.alternatives),
        blood_products=cast("Any", row.blood_products or None),
        instead_of_blood=row.instead_of_blood,
        sedation=cast("Any", row.sedation or None),
        sample_use=cast("Any", row.sample_use or None),
        x_rays=row.x_rays,
        radiation_explained=row.radiation_explained,
        capacity=cast("Any", row.capacity or None),
        best_interests=best,
        interpreter=cast("Any", row.interpreter or None),
        interpreter_who=row.interpreter_who,
        information_needs=row.information_needs,
        information_needs_met=row.information_needs_met,
        leaflet=row.leaflet,
        leaflet_read=row.leaflet_read,
        agrees=row.agrees,
        version=row.version,
    )


def _stage_two(row: ConsentStageTwo) -> StageTwo:
    return StageTwo(
        plan=row.plan,
        confirmed_by=row.confirmed_by.full_name if row.confirmed_by else "",
        confirmed_at=row.confirmed_at,
        site=row.site,
        side=side_of(row.side),
        nearby_explained=row.nearby_explained,
        nothing_changed=row.nothing_changed,
        before_sedation=row.before_sedation,
        still_agrees=row.still_agrees,
        stage_one_version=row.stage_one_version,
    )


def _question(row: PatientQuestion) -> Question:
    return Question(
        row.asked,
        row.asked_at,
        row.answer,
        row.answered_by.full_name if row.answered_by else "",
        row.answered_at,
    )
