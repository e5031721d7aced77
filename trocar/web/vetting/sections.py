"""What vetting tells the case page, the guards of moves, the day list and papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trocar.clinical.medicine_plan import WITHDRAWN, in_words
from trocar.clinical.stages import Stage
from trocar.clinical.vetting_facts import Assessment
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.cases.registry import Entry, NextAction, Section, SectionState, once
from trocar.web.vetting.known import PlanNow, assessment_of, plan_of, records_of, rules_of

WAITING = (Stage.REFERRED, Stage.ACCEPTED, Stage.BOOKED, Stage.ARRIVED)
"""Stages at which an assessment is still to lead to something."""

SHOWN_PROBLEMS = 6


def route_agreed(case: Case) -> str | None:
    """The route recorded for a suspected tumour; None where none is recorded."""
    given = once(case, records_of).answers
    for key, words in (given.records if given else {}).items():
        if key.endswith("/agreed route") and words.strip():
            return str(words)
    return None


def facts(case: Case) -> Mapping[str, Any]:
    """What others may know: whether the case is ready at its stage, its bleeding class, and its medicine plan."""
    assessed = once(case, assessment_of)
    plan = once(case, plan_of)
    before = assessed if assessed.phase == "vetting" else assessment_of(case, "vetting")
    unknown = (
        once(case, records_of).answers is None
        or not before.plan_settled
        or before.risk.bleeding_class is None
    )
    listed = not unknown and once(case, records_of).answers.medicines_complete is True  # type: ignore[union-attr]
    holds = tuple((a.medicine, a.lead.total_seconds() / 3600) for a in before.holds) if listed else None
    signed = plan.signed is not None and plan.standing.holds
    return {
        "vetting.ready": assessed.ready,
        "vetting.words": assessed.words,
        "vetting.bleeding_class": assessed.risk.bleeding_class,
        "vetting.route_agreed": route_agreed(case),
        "vetting.holds": holds,
        "vetting.plan_signed": signed,
        "vetting.medicine_plan": plan.standing.holds if plan.start is not None else None,
        "vetting.patient_plan": _patient_plan(plan, signed),
        "vetting.phone": plan.standing.phone,
    }


def _patient_plan(plan: PlanNow, signed: bool) -> tuple[str, ...]:
    """What the patient may read of the medicines: only what a prescriber signed for this very appointment."""
    if signed and plan.signed is not None:
        return tuple(str(one["words"]) for one in plan.signed.lines)
    return (WITHDRAWN,) if plan.signed is not None else ()


def state(case: Case) -> SectionState:
    """How far vetting is; on the day, whether the patient was asked again."""
    if case.ended or case.at_stage not in WAITING:
        return SectionState("not needed" if case.ended else "done", "")
    assessed = once(case, assessment_of)
    problems = _problems(assessed)
    risk = assessed.risk.bleeding_class
    summary = f"{assessed.words[0].upper()}{assessed.words[1:]}; bleeding risk {risk or 'not assessed'}"
    if case.at_stage is Stage.REFERRED:
        status = "blocked" if assessed.ready is False else "to do"
        return SectionState(
            status, summary, problems, NextAction("Assess and decide on the referral", "ir_doctor")
        )
    if assessed.ready is True:
        return SectionState("done", summary)
    action: NextAction | None = NextAction("Solve what the assessment finds", "ir_doctor")
    if assessed.phase == "day":
        action = NextAction("Check the patient again", "ir_nurse")
    elif case.at_stage is Stage.ACCEPTED and assessed.ready is None:
        # Results grow old while no slot is known; when to repeat them is known once there is one.
        action = None
    return SectionState("blocked" if assessed.ready is False else "to do", summary, problems, action)


def _problems(assessed: Assessment) -> tuple[str, ...]:
    found = [finding.text for finding in assessed.of("refused", "blocks", "missing")]
    if len(found) > SHOWN_PROBLEMS:
        more = len(found) - SHOWN_PROBLEMS
        return (*found[:SHOWN_PROBLEMS], f"And {more} more.")
    return tuple(found)


def medicines_state(case: Case) -> SectionState:
    """Whether all medicines are known, and whether a signed plan stands for the slot."""
    if case.ended or case.at_stage not in WAITING:
        return SectionState("not needed" if case.ended else "done", "")
    known = once(case, records_of)
    names = ", ".join(medicine.name for medicine in known.taken)
    if known.answers is None or known.answers.medicines_complete is not True:
        return SectionState("to do", names, ("Nobody recorded that the list of medicines is complete.",))
    plan = once(case, plan_of)
    names = names or "None"
    if plan.start is None:
        problems = plan.standing.phone
        return SectionState("to do" if problems else "not started", names, problems)
    if plan.standing.holds:
        return SectionState("done", f"{names}. {plan.standing.words}")
    problems = (plan.standing.words, *(f"Ring {who}" for who in plan.standing.phone))
    if plan.open:
        return SectionState("blocked", names, (*problems, *plan.open))
    return SectionState("to do", names, problems, NextAction("Sign the medicine plan", "pharmacist"))


def entries(case: Case) -> Sequence[Entry]:
    """Results, answers, overrides and decisions in words."""
    known = once(case, records_of)
    questions = {q.name: q.text for q in rules_of(case).protocol.vetting.questions}
    found = [
        Entry(
            "Result" + (", entered by mistake" if result.mistaken else ""),
            ((result.title, result.shown), ("Taken", in_words(result.taken_at))),
            result.changed_by.full_name,
            result.changed_at,
        )
        for result in known.results
    ]
    for heading, given in (
        ("Questions before the biopsy", known.answers),
        ("Questions on the day", known.day),
    ):
        if given is not None:
            rows = [
                (questions.get(name, name), "Yes" if yes else "No") for name, yes in given.answers.items()
            ]
            rows += [(key, words) for key, words in getattr(given, "records", {}).items()]
            found.append(Entry(heading, tuple(rows), given.changed_by.full_name, given.changed_at))
    for override in known.overrides:
        rows = [("What", override.gate), ("Value", override.value), ("Reason", override.reason)]
        heading = "Override, withdrawn" if override.withdrawn else "Override"
        found.append(Entry(heading, tuple(rows), override.changed_by.full_name, override.changed_at))
    for decision in known.decisions:
        rows = [("Decision", decision.get_outcome_display()), ("Words", decision.words or "none")]
        found.append(Entry("Decision", tuple(rows), decision.changed_by.full_name, decision.changed_at))
    return found


def medicine_entries(case: Case) -> Sequence[Entry]:
    """Medicines and the signed plan in words."""
    known = once(case, records_of)
    found = []
    for medicine in known.medicines:
        rows = [("Medicine", medicine.name), ("Dose", medicine.dose or "not recorded")]
        if medicine.adviser:
            rows.append((f"Advice of {medicine.adviser}", medicine.advice))
        if medicine.last_dose_at:
            rows.append(("Last dose actually taken", in_words(medicine.last_dose_at)))
        heading = "Medicine, not taken any more" if medicine.stopped else "Medicine"
        found.append(Entry(heading, tuple(rows), medicine.changed_by.full_name, medicine.changed_at))
    if known.plan is not None:
        rows = [("Appointment", in_words(known.plan.for_start))]
        rows += [(one["medicine"], one["words"]) for one in known.plan.lines]
        heading = "Signed medicine plan" + ("" if once(case, plan_of).standing.holds else ", withdrawn")
        found.append(Entry(heading, tuple(rows), known.plan.changed_by.full_name, known.plan.changed_at))
    return found


def register_sections() -> None:
    """Called once as the application starts."""
    registry.register(
        Section("vetting", "Assessment", 20, Permission.SEE_CASES, "vetting:case", state, facts, entries)
    )
    registry.register(
        Section(
            "medicines", "Medicines", 25, Permission.SEE_CASES, "vetting:medicines", medicines_state,
            entries=medicine_entries,
        )
    )  # fmt: skip
