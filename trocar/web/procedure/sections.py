"""What the case page, the moves and the papers learn of the room: checklist, procedure, radiation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from trocar.clinical.checklist import STAGE_TITLES
from trocar.clinical.checklist_rules import STAGES
from trocar.clinical.procedure_record import OBSERVATIONS, raises_incident
from trocar.clinical.radiation import DOSE
from trocar.clinical.stages import Stage
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock
from trocar.web.cases.models import Case
from trocar.web.cases.registry import Entry, NextAction, Section, SectionState, once, register
from trocar.web.procedure.answers import Checklist, needs_side
from trocar.web.procedure.models import ProcedureDetails, RoomEvent
from trocar.web.procedure.record import Kind, Record

IN_THE_ROOM = (Stage.ARRIVED, Stage.SIGNED_IN, Stage.TIMED_OUT, Stage.NEEDLE_OUT)
AFTERWARDS = (Stage.SIGNED_OUT, Stage.DISCHARGED, Stage.REPORTED, Stage.CLOSED)


def clock_time(moment: datetime | None) -> str:
    """A time as people read it in the room."""
    return f"{timezone.localtime(moment):%H:%M on %d/%m/%Y}" if moment else "not recorded"


# -- checklist


def _checklist_state(case: Case) -> SectionState:
    checklist = once(case, Checklist)
    stage = case.at_stage
    done = ", ".join(STAGE_TITLES[s].lower() for s in STAGES if checklist.completed[s])
    if stage in AFTERWARDS or checklist.completed["sign_out"]:
        return SectionState("done", done)
    if stage == Stage.ARRIVED:
        return SectionState("to do", "", (), NextAction("Sign in", "ir_nurse"))
    if stage == Stage.SIGNED_IN:
        return SectionState("to do", done, (), NextAction("Time out", "ir_nurse"))
    if stage == Stage.TIMED_OUT:
        if once(case, Record).first_in is None:
            standing = checklist.time_out(clock.now())
            if not standing.valid:
                return SectionState(
                    "blocked", done, (standing.sentence,), NextAction("Time out again", "ir_nurse")
                )
            return SectionState("done", f"{done}; the time out holds until {clock_time(standing.until)}")
        return SectionState("done", done)
    if stage == Stage.NEEDLE_OUT:
        return SectionState("to do", done, (), NextAction("Sign out", "ir_nurse"))
    return SectionState("not started")


def _checklist_facts(case: Case) -> Mapping[str, Any]:
    checklist = once(case, Checklist)
    return {
        "checklist.sign_in": checklist.completed["sign_in"] is not None,
        "checklist.time_out": checklist.completed["time_out"] is not None,
        "checklist.sign_out": checklist.completed["sign_out"] is not None,
        "checklist.time_out_at": checklist.completed["time_out"],
    }


def _checklist_entries(case: Case) -> Sequence[Entry]:
    checklist = once(case, Checklist)
    found = []
    for done in checklist.rounds:
        rows = []
        for row in checklist.rows(done):
            said = f"{row.given} ({row.answered_by.full_name}, {clock_time(row.answered_at)})"
            if row.resolved_by is not None:
                said += f"\nResolved by {row.resolved_by.full_name}, {clock_time(row.resolved_at)}: {row.resolution}"
            rows.append((_question(case, row.item), said))
        again = f", time {done.number}" if done.number > 1 else ""
        title = f"{STAGE_TITLES[done.stage]}{again}"  # type: ignore[index]
        if done.completed_at is None:
            title += " (not completed)"
        by = done.completed_by.full_name if done.completed_by else ""
        found.append(Entry(title, tuple(rows), by, done.completed_at))
    return found


def _question(case: Case, name: str) -> str:
    """The question as the protocol asks it now; the name it was filed under, where it asks it no more."""
    try:
        return case.protocol.checklist.item(name).question.value
    except KeyError:
        return name


# -- procedure


def _procedure_state(case: Case) -> SectionState:
    record = once(case, Record)
    stage = case.at_stage
    summary = _procedure_summary(record)
    if stage in (Stage.ARRIVED, Stage.SIGNED_IN):
        problems = (*record.baseline_problems(clock.now()), *record.team_problems)
        if problems:
            return SectionState(
                "to do",
                summary,
                problems,
                NextAction("Enter team and observations before sedation", "ir_nurse"),
            )
        return SectionState("to do", summary or "Team and observations are entered")
    if stage == Stage.TIMED_OUT:
        return SectionState(
            "to do", summary, record.team_problems, NextAction("Record the procedure", "ir_nurse")
        )
    if stage not in (Stage.NEEDLE_OUT, *AFTERWARDS):
        return SectionState("not started", summary)
    problems = (*record.team_problems, *record.complication_problems, *record.drug_warnings)
    if record.t0 is None:
        problems = ("Needle out was taken back; press it when the last needle is out.", *problems)
    if record.details is None or not record.details.needle:
        problems = (*problems, "The needle is not recorded.")
    if record.complication_problems or record.t0 is None:
        action = NextAction("Complete the procedure record", "ir_nurse")
        return SectionState("blocked" if record.t0 is None else "to do", summary, problems, action)
    return SectionState("done", summary, problems)


def _procedure_summary(record: Record) -> str:
    parts = []
    if record.first_in:
        passes = len(record.of(Kind.PASS))
        parts.append(f"{passes} pass{'' if passes == 1 else 'es'}, {record.cores or 0} cores")
    if record.t0:
        parts.append(f"needle out {clock_time(record.t0)}")
    if record.pass_warning:
        parts.append(record.pass_warning)
    return "; ".join(parts)


def _procedure_facts(case: Case) -> Mapping[str, Any]:
    record = once(case, Record)
    details = record.details
    baseline = record.baseline
    passes = record.of(Kind.PASS)
    return {
        "procedure.needle_in": record.first_in is not None,
        "procedure.needle_out": record.t0 is not None,
        "procedure.t0": record.t0,
        "procedure.passes": len(passes),
        "procedure.cores": record.cores,
        "procedure.operator": details.operator.full_name if details and details.operator else None,
        "procedure.monitor": details.monitor.full_name if details and details.monitor else None,
        "procedure.needle": (details.needle or None) if details else None,
        "procedure.iv_access": (details.iv_access or None) if details else None,
        "procedure.sedation": (details.sedation or None) if details else None,
        "procedure.sedated_at": record.sedated_at,
        "procedure.drugs": tuple(event.words for event in record.of(Kind.DRUG)),
        "procedure.baseline": baseline.observed() if baseline else None,
        "procedure.baseline_at": baseline.taken_at if baseline else None,
        "procedure.complications": record.complications_known or None,
        "procedure.incident": any(raises_incident(c.harm) for c in record.complications),
    }


def _procedure_entries(case: Case) -> Sequence[Entry]:
    record = once(case, Record)
    found = []
    if record.details is not None:
        d = record.details
        found.append(Entry("Procedure", _details_rows(d), d.changed_by.full_name, d.changed_at))
    if record.baseline is not None:
        b = record.baseline
        observed = {kind: value for kind, value in b.observed().items() if value is not None}
        rows = [
            (
                OBSERVATIONS[kind].title,
                f"{value:g} {OBSERVATIONS[kind].unit}".strip() if isinstance(value, float | int) else value,
            )  # type: ignore[index]
            for kind, value in observed.items()
        ]
        found.append(Entry("Observations before sedation", tuple(rows), b.taken_by.full_name, b.taken_at))
    if record.entered:
        found.append(Entry("In the room", tuple((clock_time(e.at), _event_words(e)) for e in record.entered)))
    for c in record.complications:
        rows = [
            ("Harm", c.harm),
            ("What happened", c.description),
            ("What is done", c.plan),
            ("What the patient was told", c.told),
        ]
        if c.incident:
            rows.append(("Incident", c.incident))
        found.append(Entry(f"Complication: {c.kind}", tuple(rows), c.changed_by.full_name, c.seen_at))
    return found


def _details_rows(d: ProcedureDetails) -> tuple[tuple[str, str], ...]:
    people = (
        ("Operator", d.operator),
        ("Assistant", d.assistant),
        ("Watches the patient", d.monitor),
        ("Radiographer", d.radiographer),
    )
    deviation = f"tip {d.tip_mm} mm from the plan" if d.tip_mm is not None else ""
    if deviation and d.angle_deg is not None:
        deviation += f", {d.angle_deg} degrees"
    rows = [(label, person.full_name) for label, person in people if person]
    rows += [
        ("Guidance", d.get_guidance_display() if d.guidance else ""),
        ("Needle", f"{d.needle}, lot {d.needle_lot or 'not recorded'}" if d.needle else ""),
        ("Sedation", d.sedation),
        ("IV access", d.iv_access),
        ("Planned against achieved", deviation),
        ("How it went", d.achieved_words),
        ("Complications", d.get_complications_display() if d.complications else ""),
    ]
    return tuple((label, words) for label, words in rows if words)


def _event_words(event: RoomEvent) -> str:
    said = f"{event.words} ({event.entered_by.full_name})"
    if event.deviation:
        said += f"\nAlthough something was missing: {event.deviation}"
    if event.undone:
        said += f"\nTaken back by {event.undone_by.full_name}, {clock_time(event.undone_at)}"
    return said


# -- radiation


def _radiation_state(case: Case) -> SectionState:
    record = once(case, Record)
    summary = _dose_words(record)
    if not record.ionising:
        if record.modalities:
            return SectionState("not needed", "No X-rays are used")
        return SectionState("not started")
    check = record.exposure_check(record.exposure, needs_side(case))
    if record.exposure is None or record.exposure.authorised_at is None:
        return SectionState(
            "to do" if not record.dose_events else "blocked",
            summary,
            check.missing() or ("The exposure is not authorised.",),
            NextAction("Complete the radiographer’s page", "radiographer"),
        )
    if record.exposure_problems:
        waiting = case.at_stage in (Stage.NEEDLE_OUT, *AFTERWARDS)
        return SectionState(
            "to do", "Exposure authorised", record.exposure_problems if waiting else (),
            NextAction("Enter the dose", "radiographer") if waiting else None,
        )  # fmt: skip
    return SectionState("done", summary, record.dose_alerts)


def _dose_words(record: Record) -> str:
    return "; ".join(
        f"{DOSE[quantity].title} {value:g} {DOSE[quantity].unit}"
        for quantity, value in record.dose_totals.items()
        if value is not None
    )


def _radiation_facts(case: Case) -> Mapping[str, Any]:
    record = once(case, Record)
    return {
        "radiation.authorised": record.exposure is not None and record.exposure.authorised_at is not None,
        "radiation.complete": not record.exposure_problems,
        "radiation.dose": _dose_words(record) or None,
    }


def radiation_entries(case: Case) -> Sequence[Entry]:
    """The exposure and each dose, in words."""
    record = once(case, Record)
    found = []
    if record.exposure is not None:
        e = record.exposure
        authorised = (
            f"{e.authorised_by}, {clock_time(e.authorised_at)}" if e.authorised_by else "NOT AUTHORISED"
        )
        yes = {True: "asked, matches", False: "DOES NOT MATCH", None: "not asked"}
        rows = [
            ("Name", yes[e.name_matches]), ("Date of birth", yes[e.birth_matches]),
            (e.third_point or "Third point of identity", yes[e.third_matches]),
            ("Referrer", e.exposure_referrer), ("Practitioner", e.practitioner.full_name if e.practitioner else ""),
            ("Operator of the exposure", e.operator.full_name if e.operator else ""),
            ("Justification", e.justification),
            ("Pregnancy enquiry", e.pregnancy or "not asked"), ("Position", e.position.replace("_", " ")),
            ("Side", {"none": "no side"}.get(e.laterality, e.laterality)),
            ("Authorised", authorised),
        ]  # fmt: skip
        found.append(
            Entry(
                "Exposure",
                tuple((a, b or "not filled in") for a, b in rows),
                e.changed_by.full_name,
                e.changed_at,
            )
        )
    for event in record.dose_entered:
        rows = [
            (kind.title, f"{float(getattr(event, quantity)):g} {kind.unit}")
            for quantity, kind in DOSE.items()
            if getattr(event, quantity) is not None
        ]
        taken_back = " (taken back)" if event.undone else ""
        found.append(
            Entry(f"Dose: {event.what}{taken_back}", tuple(rows), event.changed_by.full_name, event.given_at)
        )
    return found


def register_sections() -> None:
    """Called once as the application starts."""
    see = Permission.SEE_CASES
    register(
        Section(
            "checklist",
            "Checklist",
            60,
            see,
            "procedure:checklist",
            _checklist_state,
            _checklist_facts,
            _checklist_entries,
        )
    )
    register(
        Section(
            "procedure",
            "Procedure",
            65,
            see,
            "procedure:room",
            _procedure_state,
            _procedure_facts,
            _procedure_entries,
        )
    )
    register(
        Section(
            "radiation",
            "Radiation",
            68,
            see,
            "procedure:radiation",
            _radiation_state,
            _radiation_facts,
            radiation_entries,
        )
    )
