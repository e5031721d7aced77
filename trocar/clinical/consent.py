"""Consent in two stages: what is recorded, what is missing, and where it stands.

Stage 1 comes before any CT: what the procedure is for, its risks, what else there is. Stage 2 confirms once a plan is
accepted and before sedation; it holds for that very plan, so another plan opens it again. The patient can decline or
withdraw at any time. Whatever is missing counts against consent, never for it.
Sources: clinical rules ("Before"); clinical reference, section 5 (consent record) and W4. The way where capacity is
lacking follows England's Mental Capacity Act as recalled (U): a department checks it before use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trocar.clinical.consent_record import ConsentRecord, Ended, PlanFacts, Referred, StageOne
from trocar.clinical.consent_rules import ConsentRules
from trocar.clinical.department import Effective
from trocar.clinical.leaflet import LeafletVersion
from trocar.clinical.sourced import sourced_values, with_sourced
from trocar.clinical.target_rules import Side
from trocar.clinical.working_time import day_in_london

NOT_CONFIGURED = "not configured"


class Status(StrEnum):
    """Where consent stands."""

    NOT_STARTED = "not started"
    STAGE_ONE_OPEN = "stage 1 is not complete"
    WAITS_FOR_PLAN = "stage 1 complete, waits for an accepted plan"
    STAGE_TWO_OPEN = "stage 2 is to be confirmed"
    PLAN_CHANGED = "the plan has changed: stage 2 is open again"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class ConsentState:
    """Status with what is missing for the next step and what staff should know besides."""

    status: Status
    missing: tuple[str, ...]
    cautions: tuple[str, ...]

    @property
    def facts(self) -> dict[str, bool]:
        """The facts that guards of moves ask for."""
        past_one = (Status.WAITS_FOR_PLAN, Status.STAGE_TWO_OPEN, Status.PLAN_CHANGED, Status.CONFIRMED)
        return {
            "consent.stage1": self.status in past_one,
            "consent.confirmed": self.status is Status.CONFIRMED,
            "consent.declined": self.status is Status.DECLINED,
            "consent.withdrawn": self.status is Status.WITHDRAWN,
        }


def state(
    record: ConsentRecord,
    rules: ConsentRules,
    plan: PlanFacts | None,
    referred: Referred | None,
    not_configured: tuple[str, ...] = (),
) -> ConsentState:
    """Where consent stands. not_configured: keys of the consent section that the department has not approved."""
    one, two = record.stage_one, record.stage_two
    cautions = tuple(_cautions(record, rules, plan))
    if _ends(record.withdrawn, one):
        return ConsentState(Status.WITHDRAWN, ("The patient has withdrawn; stage 1 begins anew.",), cautions)
    if _ends(record.declined, one):
        return ConsentState(Status.DECLINED, ("The patient has declined; stage 1 begins anew.",), cautions)
    first = missing_for_stage_one(record, rules, referred, not_configured)
    if first:
        return ConsentState(Status.NOT_STARTED if one is None else Status.STAGE_ONE_OPEN, first, cautions)
    if plan is None or not plan.accepted:
        return ConsentState(Status.WAITS_FOR_PLAN, missing_for_stage_two(record, plan, referred), cautions)
    second = missing_for_stage_two(record, plan, referred)
    if not second:
        return ConsentState(Status.CONFIRMED, (), cautions)
    changed = two is not None and two.plan not in ("", plan.identity)
    return ConsentState(Status.PLAN_CHANGED if changed else Status.STAGE_TWO_OPEN, second, cautions)


def missing(
    record: ConsentRecord,
    rules: ConsentRules,
    plan: PlanFacts | None,
    referred: Referred | None,
    not_configured: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Everything that stands between this record and a confirmed consent, a sentence each; empty if nothing does."""
    ended = [
        sentence
        for end, sentence in (
            (record.withdrawn, "The patient has withdrawn consent."),
            (record.declined, "The patient has declined."),
        )
        if _ends(end, record.stage_one)
    ]
    return (
        *ended,
        *missing_for_stage_one(record, rules, referred, not_configured),
        *missing_for_stage_two(record, plan, referred),
    )


def missing_for_stage_one(
    record: ConsentRecord,
    rules: ConsentRules,
    referred: Referred | None,
    not_configured: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """What stage 1 lacks, a sentence each."""
    return tuple(_stage_one(record, rules, referred, not_configured))


def missing_for_stage_two(
    record: ConsentRecord, plan: PlanFacts | None, referred: Referred | None
) -> tuple[str, ...]:
    """What stage 2 lacks, a sentence each. It does not repeat what stage 1 lacks."""
    return tuple(_stage_two(record, plan, referred))


def as_configured(used: Effective) -> tuple[ConsentRules, tuple[str, ...]]:
    """The rules that a department may use, and the keys it has not configured; with such keys nothing is complete.

    A text that nobody approved is replaced by "not configured", so that no page can tell it. Words for rates are no
    such key: without them rates stand by themselves. A dose that nobody approved takes radiation out.
    """
    keys = tuple(key for key in used.not_configured if key.startswith("consent."))
    if not keys:
        return used.protocol.consent, ()
    values = dict(sourced_values(used.protocol.consent, "consent"))
    hidden = {
        key: dataclasses.replace(values[key], value=NOT_CONFIGURED)
        for key in keys
        if isinstance(values[key].value, str)
    }
    rules: ConsentRules = with_sourced(used.protocol.consent, hidden, "consent")
    if any(key.startswith("consent.scale.") for key in keys):
        rules = dataclasses.replace(rules, scale=None)
    if any(key.startswith("consent.radiation.") and key not in hidden for key in keys):
        rules = dataclasses.replace(rules, radiation=None)
    return rules, tuple(key for key in keys if not key.startswith("consent.scale."))


def leaflet_to_give(rules: ConsentRules, on: datetime) -> tuple[LeafletVersion | None, str]:
    """The leaflet that may be handed out, or None with the reason."""
    leaflet = rules.current_leaflet
    refusal = leaflet.refusal(day_in_london(on))
    return (None, refusal) if refusal else (leaflet, "")


def _ends(end: Ended | None, one: StageOne | None) -> bool:
    """Whether an end still counts: until somebody explains everything again, later."""
    return end is not None and (one is None or one.explained_at is None or one.explained_at <= end.at)


def _stage_one(
    record: ConsentRecord, rules: ConsentRules, referred: Referred | None, not_configured: tuple[str, ...]
) -> Iterator[str]:
    for key in not_configured:
        yield f"Not configured: {key}. The department has not approved what the patient would be told."
    one = record.stage_one
    if one is None:
        yield "Nothing has been explained yet."
        return
    if not one.explained_by:
        yield "It is not recorded who explained."
    if one.explained_at is None:
        yield "It is not recorded when it was explained."
    for words, what in (
        (one.indication, "why the biopsy is advised"),
        (one.site, "the site"),
        (one.matters, "what matters to the patient"),
    ):
        if not words.strip():
            yield f"It is not recorded: {what}."
    yield from _same_place(one.site, one.side, "Stage 1", referred)
    if not one.benefits_explained:
        yield "The benefits have not been explained."
    if not one.without_explained:
        yield "It has not been explained what follows from not having the biopsy."
    yield from _risks(one, rules)
    for told in rules.alternatives:
        if told.name not in one.alternatives:
            yield f"Alternative not explained: {told.title}."
    yield from _choices(one, rules)
    yield from _capacity(one)
    yield from _understanding(one)
    yield from _leaflet(one, rules)
    if not one.agrees:
        yield "The patient's agreement is not recorded."
    for question in record.questions:
        if not question.answered:
            yield f"A question of the patient has no answer yet: “{question.asked}”"


def _risks(one: StageOne, rules: ConsentRules) -> Iterator[str]:
    for risk in rules.risks:
        why = one.not_here.get(risk.name, "")
        if risk.name in one.risks:
            continue
        if why.strip() and risk.only_where:
            continue
        yield f"Risk not explained: {risk.title}."
    for name in sorted((one.risks | set(one.not_here)) - {risk.name for risk in rules.risks}):
        yield f"The protocol knows no risk {name!r}; look at the list again."


def _choices(one: StageOne, rules: ConsentRules) -> Iterator[str]:
    if one.blood_products is None:
        yield "It is not recorded whether the patient accepts blood products."
    elif one.blood_products == "refuses" and not one.instead_of_blood.strip():
        yield "The patient refuses blood products: it is not recorded what was agreed instead."
    if one.sedation is None:
        yield "It is not recorded what was agreed about sedation."
    if one.sample_use is None:
        yield "It is not recorded what the sample may be used for."
    if one.x_rays is None:
        yield "It is not recorded whether X-rays or CT are used."
    elif one.x_rays and not one.radiation_explained:
        yield "Radiation has not been explained."
    elif one.x_rays and rules.radiation is None:
        yield "The protocol says nothing about radiation, so it cannot be explained from it."


def _capacity(one: StageOne) -> Iterator[str]:
    if one.capacity is None:
        yield "Capacity is not assessed."
    if one.capacity != "lacks capacity":
        return
    best = one.best_interests
    if best is None:
        yield "The patient lacks capacity: a best-interests decision is not recorded."
        return
    for words, what in (
        (best.assessed, "how capacity was assessed"),
        (best.decided_by, "who decided"),
        (best.consulted, "who was consulted"),
        (best.reasons, "why it is in the patient's best interests"),
    ):
        if not words.strip():
            yield f"Best interests: it is not recorded {what}."
    if not best.no_refusal_known:
        yield "Best interests: it is not recorded that no advance refusal, attorney or deputy stands against it."


def _understanding(one: StageOne) -> Iterator[str]:
    if one.interpreter is None:
        yield "It is not recorded whether an interpreter is needed."
    elif one.interpreter == "needed, not there":
        yield "An interpreter is needed and was not there; explain again with one."
    elif one.interpreter == "present" and not one.interpreter_who.strip():
        yield "It is not recorded who interpreted."
    if not one.information_needs.strip():
        yield "It is not recorded in which form the patient needs information; write “none” where there is no need."
    elif not one.information_needs_met:
        yield "The patient's information needs were not met."


def _leaflet(one: StageOne, rules: ConsentRules) -> Iterator[str]:
    if not one.leaflet:
        yield "It is not recorded which leaflet the patient had."
        return
    version = rules.leaflet(one.leaflet)
    if version is None:
        yield f"The protocol knows no leaflet {one.leaflet}."
    elif one.explained_at is not None and (refusal := version.refusal(day_in_london(one.explained_at))):
        yield refusal
    if not one.leaflet_read:
        yield "It is not recorded that the patient has read the leaflet, or had it read to them."


def _same_place(site: str, side: Side | None, where: str, other: Referred | None) -> Iterator[str]:
    """Wrong-side check: side and site must be those of the referral."""
    if other is None:
        yield f"{where}: side and site cannot be compared with the referral."
        return
    if side != other.side:
        yield f"{where} says {side or 'no side'}, the referral {other.side or 'no side'}: clear up which is meant."
    if site.strip() and _plain(site) != _plain(other.site):
        yield f"{where} says “{site.strip()}”, the referral “{other.site.strip()}”: clear up which is meant."


def _stage_two(record: ConsentRecord, plan: PlanFacts | None, referred: Referred | None) -> Iterator[str]:
    if plan is None or not plan.accepted:
        yield "No plan is accepted, and nothing is planned at the table; stage 2 waits for it."
        return
    one, two = record.stage_one, record.stage_two
    if plan.x_rays is None:
        yield "It is not known whether the plan uses X-rays."
    elif plan.x_rays and one is not None and one.x_rays is False:
        yield "The plan uses X-rays, and stage 1 says that none are used: explain radiation."
    yield from _same_place(plan.site, plan.side, "The plan", referred)
    if two is None:
        yield "Stage 2 is not confirmed."
        return
    if two.plan != plan.identity:
        yield "Stage 2 was confirmed for another plan; confirm it for this one."
        return
    if one is not None and two.stage_one_version != one.version:
        yield "Stage 1 was changed after stage 2 was confirmed; confirm it again."
        return
    if not two.confirmed_by or two.confirmed_at is None:
        yield "It is not recorded who confirmed stage 2, and when."
        return
    yield from _same_place(
        two.site, two.side, "Stage 2", Referred(plan.site, plan.side) if referred else None
    )
    if one and one.explained_at and two.confirmed_at <= one.explained_at:
        yield "Stage 2 was confirmed before stage 1 was explained; confirm it again."
    for said, what in (
        (two.nearby_explained, "what lies near the needle's path has been explained"),
        (two.nothing_changed, "nothing has changed since stage 1"),
        (two.before_sedation, "it was confirmed before sedation"),
        (two.still_agrees, "the patient still agrees"),
    ):
        if not said:
            yield f"Stage 2: it is not recorded that {what}."
    if plan.sedation_at is not None and two.confirmed_at >= plan.sedation_at:
        yield "Stage 2 was confirmed after sedation had begun; it does not count."


def _cautions(record: ConsentRecord, rules: ConsentRules, plan: PlanFacts | None) -> Iterator[str]:
    one = record.stage_one
    if one is None:
        return
    if one.blood_products == "refuses":
        yield f"Refuses blood products. Agreed instead: {one.instead_of_blood.strip() or 'not recorded'}."
    if one.capacity == "lacks capacity":
        yield "Lacks capacity: decided in the patient's best interests."
    if one.sedation == "declined":
        yield "Declines sedation."
    if one.leaflet and one.leaflet != rules.current_leaflet.identifier and rules.leaflet(one.leaflet):
        yield f"Read leaflet {one.leaflet}; the newest is {rules.current_leaflet.identifier}."
    if plan and plan.scanned_at and one.explained_at and one.explained_at > plan.scanned_at:
        yield "Stage 1 was explained after the planning scan; it belongs before it."


def _plain(words: str) -> str:
    return " ".join(words.casefold().replace(",", " ").split())
