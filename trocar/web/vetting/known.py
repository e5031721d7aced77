"""What is known of a case before a biopsy, read from its records, and what the rules say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from trocar.clinical.bleeding import ClassChoice
from trocar.clinical.department import Effective
from trocar.clinical.medicine_plan import LONDON, WITHDRAWN, PlanLine, Standing, line, standing
from trocar.clinical.readiness import assess
from trocar.clinical.stages import Stage
from trocar.clinical.vetting_facts import Assessment, VettingFacts
from trocar.clinical.vetting_facts import Override as OverrideValue
from trocar.clinical.vetting_rules import Phase
from trocar.web.cases import clock, registry
from trocar.web.cases.department import effective_protocol
from trocar.web.cases.models import Case, Referral
from trocar.web.cases.referral import referral_of
from trocar.web.vetting.models import (
    DayAnswers,
    Medicine,
    MedicinePlan,
    Override,
    Result,
    VettingAnswers,
    VettingDecision,
)

BEFORE_THE_DAY = (Stage.REFERRED, Stage.ACCEPTED, Stage.BOOKED)


@dataclass(frozen=True)
class Records:
    """Every record of this app on one case, oldest first."""

    results: tuple[Result, ...]
    medicines: tuple[Medicine, ...]
    answers: VettingAnswers | None
    day: DayAnswers | None
    overrides: tuple[Override, ...]
    plan: MedicinePlan | None
    decisions: tuple[VettingDecision, ...]

    @property
    def taken(self) -> tuple[Medicine, ...]:
        """Medicines that are still taken."""
        return tuple(medicine for medicine in self.medicines if not medicine.stopped)

    @property
    def counting(self) -> tuple[Result, ...]:
        """Results that were not entered by mistake, newest first."""
        return tuple(
            sorted(
                (r for r in self.results if not r.mistaken), key=lambda r: (r.taken_at, r.pk), reverse=True
            )
        )


def records_of(case: Case) -> Records:
    """The case's records; inside ``registry.looking`` they are read once."""
    return registry.once(case, _records)


def _records(case: Case) -> Records:
    return Records(
        tuple(Result.objects.filter(case=case).select_related("changed_by").order_by("pk")),
        tuple(Medicine.objects.filter(case=case).select_related("changed_by").order_by("pk")),
        VettingAnswers.objects.filter(case=case).select_related("changed_by").first(),
        DayAnswers.objects.filter(case=case).select_related("changed_by").first(),
        tuple(Override.objects.filter(case=case).select_related("changed_by").order_by("pk")),
        MedicinePlan.objects.filter(case=case).select_related("changed_by").order_by("pk").last(),
        tuple(VettingDecision.objects.filter(case=case).select_related("changed_by").order_by("pk")),
    )


def phase_of(case: Case) -> Phase:
    """What is asked at the case's stage: everything before the day, and again once the patient is there."""
    return "vetting" if case.at_stage in BEFORE_THE_DAY else "day"


def rules_of(case: Case) -> Effective:
    """The case's protocol as the department uses it today."""
    return effective_protocol(case.protocol_name)


def start_of(case: Case) -> datetime | None:
    """When the case's slot begins, as scheduling says; None where there is no slot.

    Asks that one section and not ``registry.facts``, which asks this app, too.
    """
    for section in registry.sections():
        if section.key == "scheduling":
            start = registry.once(case, section.facts).get("scheduling.start")
            return start if isinstance(start, datetime) else None
    return None


def facts_of(case: Case, phase: Phase, start: datetime | None) -> VettingFacts:
    """The records as the plain values that the rules take."""
    known = registry.once(case, records_of)
    referral = registry.once(case, referral_of)
    given = known.answers
    complete = given is not None and given.medicines_complete is True
    return VettingFacts(
        site=case.site,
        birth_date=case.patient.birth_date,
        sex=case.patient.sex,
        urgency=case.urgency,
        results=tuple(result.measured for result in known.counting),
        answers=answers_at(case, phase, known, referral),
        records=given.records if given else {},
        medicines=tuple(medicine.taken for medicine in known.taken) if complete else None,
        stent=given.stent or None if given else None,  # type: ignore[arg-type]
        stent_on=given.stent_on if given else None,
        allergies=_allergies(referral),
        class_choice=_class_choice(given),
        overrides=tuple(
            OverrideValue(o.gate, o.value, o.role, o.changed_by.full_name, o.reason)
            for o in known.overrides
            if not o.withdrawn
        ),
        start=start,
    )


def answers_at(case: Case, phase: Phase, known: Records, referral: Referral | None) -> Mapping[str, bool]:
    """The answers that count in a phase.

    What is asked again on the day counts only as answered on that day. What the referrer answered with yes stays yes
    until the referral is corrected: nobody loses a suspicion on the way.
    """
    rules = rules_of(case).protocol.vetting
    found = dict(known.answers.answers) if known.answers else {}
    if phase == "day":
        for question in rules.questions_at("day"):
            found.pop(question.name, None)
        if known.day is not None and timezone.localdate(known.day.asked_at, LONDON) == clock.today():
            found.update(known.day.answers)
    else:
        for question in rules.questions_at("vetting"):
            if getattr(referral, question.name.replace(" ", "_"), None) is True:
                found[question.name] = True
    names = {question.name for question in rules.questions}
    return {name: answer for name, answer in found.items() if name in names and isinstance(answer, bool)}


def _allergies(referral: Referral | None) -> tuple[str, ...] | None:
    if referral is None or referral.no_known_allergies is None:
        return None
    if referral.no_known_allergies:
        return ()
    return tuple(part.strip() for part in referral.allergies.splitlines() if part.strip()) or ("not named",)


def _class_choice(given: VettingAnswers | None) -> ClassChoice | None:
    if given is None or not given.chosen_class:
        return None
    return ClassChoice(given.chosen_class, given.chosen_class_by, given.chosen_class_reason)  # type: ignore[arg-type]


def assessment_of(case: Case, phase: Phase | None = None) -> Assessment:
    """What the rules say of the case now; in the phase of its stage where none is given."""
    return registry.once(case, _before if (phase or phase_of(case)) == "vetting" else _on_the_day)


def _before(case: Case) -> Assessment:
    return assess(rules_of(case), facts_of(case, "vetting", start_of(case)), "vetting", clock.now())


def _on_the_day(case: Case) -> Assessment:
    return assess(rules_of(case), facts_of(case, "day", start_of(case)), "day", clock.now())


@dataclass(frozen=True)
class PlanNow:
    """The medicine plan as it would be signed now, and how the signed one stands.

    lines: one for each medicine; empty with ``open`` saying why, where there is no slot or advice is not settled.
    """

    lines: tuple[PlanLine, ...]
    open: tuple[str, ...]
    standing: Standing
    start: datetime | None
    signed: MedicinePlan | None

    @property
    def needed(self) -> bool:
        """Whether any medicine is held."""
        return any(one.kind == "hold" for one in self.lines)


def stored(lines: tuple[PlanLine, ...]) -> list[dict[str, Any]]:
    """Lines as a signed plan keeps them."""
    return [{"medicine": one.medicine, "words": one.words, "source": one.source} for one in lines]


def plan_of(case: Case) -> PlanNow:
    """The plan of the case's slot, from what was known before the day."""
    return registry.once(case, _plan)


def _plan(case: Case) -> PlanNow:
    start = start_of(case)
    known = registry.once(case, records_of)
    facts = facts_of(case, "vetting", start)
    assessed = assessment_of(case, "vetting")
    problems: list[str] = []
    if facts.medicines is None:
        problems.append("Nobody recorded that the list of medicines is complete.")
    elif assessed.risk.bleeding_class is None:
        problems.append("The bleeding class is not assessed.")
    problems += [advice.words for advice in assessed.advice if not advice.settled]
    lines = () if problems or start is None else tuple(line(advice, start) for advice in assessed.advice)
    if start is None:
        problems.append("No slot is booked, so there are no dates yet.")
    signed = known.plan
    patient = f"{case.patient.name}, {case.patient.phone or 'no telephone number recorded'}"
    needed = bool(problems) or any(one.kind == "hold" for one in lines)
    now = standing(signed.for_start if signed else None, needed, start, patient)
    if now.holds and signed is not None and _changed(signed, known, lines):
        words = "Medicines, results or rules changed after it was signed, so the signed plan is withdrawn."
        now = Standing(False, words, (f"{patient}: {WITHDRAWN}",))
    return PlanNow(lines, tuple(problems), now, start, signed)


def _changed(signed: MedicinePlan, known: Records, lines: tuple[PlanLine, ...]) -> bool:
    """Whether a plan would be another now. A result that only grew too old changes no plan that was signed."""
    if [one["medicine"] for one in signed.lines] != [medicine.name for medicine in known.taken]:
        return True
    return bool(lines) and signed.lines != stored(lines)
