"""From a case to the words on its papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from trocar import RESEARCH_NOTICE
from trocar.clinical.checklist import STAGE_TITLES
from trocar.clinical.procedure_record import OBSERVATIONS
from trocar.clinical.procedure_rules import Observation
from trocar.clinical.stages import TITLES, Stage
from trocar.documents.case_papers import (
    CasePack,
    CaseRecord,
    Chapter,
    ChecklistPart,
    DayPack,
    PaperEntry,
    PaperPicture,
    Printed,
    Question,
    ReferralReply,
    Who,
)
from trocar.web.accounts.models import Person
from trocar.web.audit.canonical import event_hash
from trocar.web.audit.models import FIRST, AuditEvent, ChainHead, SeenEvent
from trocar.web.cases import clock, registry
from trocar.web.cases.department import department, effective_protocol
from trocar.web.cases.models import Case, StageChange
from trocar.web.cases.registry import DayLine, Entry, Section

OWN = "papers"
"""The section of the papers themselves, which is on no paper."""

IN_THE_PACK = ("plan", "consent", "medicines", "vetting", "referral")
"""What has to be known of a case while the computers are down, in this order; the rest is in the complete record."""

RULES = (
    "Write on the pages of this pack, and write the time and your initials beside each entry.",
    "Stage and side are as they were when this was printed; ask the patient, and look at the wristband.",
    "A question of the checklist with a STOP answer stops the list here as it does on the screen.",
    "When the computers are back, enter what stands here with its own time: forms ask “When it happened, if not now”.",
    "Then keep the pages with the notes; whoever enters them signs and dates each page.",
)

CALL = (
    "NEWS2 of 7 or more, or a red sign: the hospital's emergency call. Severe pain, swelling or bleeding, a fall of "
    "the systolic pressure against the baseline, new weakness or numbness, breathlessness: nurse in charge and IR "
    "doctor. Who is worried about a patient calls, whatever the figures say."
)

NOT_IN_THE_REPLY = ("referral", "consent")
"""The referrer wrote the one, and the other is between the patient and the department."""

REPLY_OF: Mapping[Stage, str] = {
    Stage.REFERRED: "We have your referral, and it is being assessed.",
    Stage.ACCEPTED: "We have accepted your referral. A date will be given.",
    Stage.BOOKED: "We have accepted your referral, and the biopsy is booked.",
    Stage.ARRIVED: "Your patient has arrived for the biopsy.",
    Stage.SIGNED_IN: "Your patient is in the department for the biopsy.",
    Stage.TIMED_OUT: "The biopsy is being done.",
    Stage.NEEDLE_OUT: "The biopsy is done, and your patient is being watched.",
    Stage.SIGNED_OUT: "The biopsy is done, and your patient is being watched.",
    Stage.DISCHARGED: "The biopsy is done, and your patient has left the department. The result is awaited.",
    Stage.REPORTED: "The result of the biopsy is reported.",
    Stage.CLOSED: "The result of the biopsy is reported, and the case is closed.",
    Stage.RETURNED: "We return your referral and ask you to look at it again.",
    Stage.DECLINED: "Your patient has decided against the biopsy.",
    Stage.CANCELLED: "The biopsy is cancelled.",
    Stage.ABANDONED: "The biopsy was begun and given up; no sample was taken.",
}


def moment(at: datetime) -> str:
    """In the department's own time."""
    return f"{timezone.localtime(at):%d/%m/%Y at %H:%M}"


def printed(by: Person) -> Printed:
    known = department()
    stamps = (RESEARCH_NOTICE, *(s for s in known.stamps if s != RESEARCH_NOTICE))
    return Printed(stamps, moment(clock.now()), by.full_name, known.name)


def who(case: Case) -> Who:
    patient = case.patient
    return Who(
        number=case.number,
        name=patient.name,
        born=f"{patient.birth_date:%d/%m/%Y}",
        nhs=patient.nhs_number_shown,
        hospital=patient.hospital_number,
        what=case.what,
        sample=case.is_sample,
    )


def allergies(facts: Mapping[str, Any]) -> str:
    return str(facts.get("referral.allergies_words") or "Allergies not asked")


def entry(one: Entry) -> PaperEntry:
    signed = ", ".join(part for part in (one.by, moment(one.at) if one.at else "") if part)
    rows = tuple((str(label), str(value)) for label, value in one.rows)
    return PaperEntry(one.heading, rows, signed)


def chapter(case: Case, section: Section, *, with_pictures: bool) -> Chapter:
    state = section.state(case)
    pictures = section.pictures(case) if with_pictures else ()
    return Chapter(
        section.title,
        state.status.capitalize(),
        state.summary,
        tuple(entry(one) for one in section.entries(case)),
        tuple(PaperPicture(p.caption, p.alt, p.png) for p in pictures),
    )


def sections() -> list[Section]:
    return [section for section in registry.sections() if section.key != OWN]


def still_open(case: Case) -> tuple[str, ...]:
    return tuple(
        f"{section.title}: {sentence}" for section in sections() for sentence in section.state(case).problems
    )


def complete_record(case: Case, by: Person) -> CaseRecord:
    """Everything that is on the record of a case."""
    facts = registry.facts(case)
    return CaseRecord(
        printed=printed(by),
        who=who(case),
        stage=case.stage_title,
        since=moment(case.stage_since),
        allergies=allergies(facts),
        open=() if case.ended else still_open(case),
        history=tuple(history(case)),
        chapters=tuple(chapter(case, section, with_pictures=True) for section in sections()),
        audit=tuple(audit_summary(case.number)),
        audit_words=(
            "Each row of the log holds the hash of the row before it. Whoever keeps this paper can compare the last "
            "hash with the log's, and so see whether anything was changed since."
        ),
    )


def history(case: Case) -> list[tuple[str, str, str, str]]:
    """When, stage, by whom, reason. What was written down later says so."""
    found = [(moment(case.created), TITLES[Stage.REFERRED], case.referrer.full_name, "")]
    for change in StageChange.objects.filter(case=case).select_related("by"):
        when = moment(change.happened_at)
        if change.at != change.happened_at:
            when += f" (entered {moment(change.at)})"
        found.append((when, change.title, change.by.full_name, change.reason))
    return found


def audit_summary(number: str) -> list[tuple[str, str]]:
    """How many rows the case's chain has, from when to when, its last hash, and whether it is as it was written."""
    count, last, first_at, last_at, previous = 0, FIRST, None, None, FIRST
    unbroken = True
    for event in AuditEvent.objects.filter(case_number=number).order_by("sequence").iterator(500):
        count += 1
        unbroken &= (
            event.sequence == count and event.previous_hash == previous and event.hash == event_hash(event)
        )
        previous = last = event.hash
        first_at, last_at = first_at or event.at, event.at
    head = ChainHead.objects.filter(chain=number).first()
    unbroken &= head is not None and (head.count, head.hash) == (count, last)
    people = AuditEvent.objects.filter(case_number=number).values("actor_username").distinct().count()
    return [
        ("Rows", str(count)),
        ("From", moment(first_at) if first_at else "no row"),
        ("To", moment(last_at) if last_at else "no row"),
        ("People who wrote", str(people)),
        ("Reads", str(SeenEvent.objects.filter(case_number=number).count())),
        ("Last hash", " ".join(last[n : n + 8] for n in range(0, len(last), 8))),
        (
            "Checked at printing",
            "The chain is unbroken." if unbroken else "THE CHAIN IS BROKEN: see verify_audit.",
        ),
    ]


def reply(case: Case, by: Person) -> ReferralReply:
    """The letter to the referrer: what is known, and what happens next. Nothing that is for staff only."""
    facts = registry.facts(case)
    paragraphs = [f"Dear {case.referrer.full_name},", REPLY_OF[case.at_stage]]
    change = StageChange.objects.filter(case=case, to=case.stage).last()
    if change is not None and change.reason:
        paragraphs.append(f"The reason: {change.reason}")
    start, room = facts.get("scheduling.start"), facts.get("scheduling.room")
    if case.at_stage == Stage.BOOKED and isinstance(start, datetime):
        paragraphs.append(f"The appointment is on {moment(start)}{f', {room}' if room else ''}.")
    done = StageChange.objects.filter(case=case, move="needle_out").last()
    if done is not None:
        paragraphs.append(f"The needle was out on {moment(done.happened_at)}.")
    shown = [one for one in sections() if one.shown_to_referrer and one.key not in NOT_IN_THE_REPLY]
    action = registry.summarise(case)["next"]
    return ReferralReply(
        printed=printed(by),
        who=who(case),
        to=(case.referrer.full_name, case.referrer.role_title),
        date=f"{clock.today():%d/%m/%Y}",
        paragraphs=tuple(paragraphs),
        sections=tuple(entry(one) for section in shown for one in section.entries(case)),
        next=(f"{action['text']}.",) if action.get("text") else (),
        # who prints the letter to themselves has not written it
        signature=(department().name,)
        if by == case.referrer
        else (by.full_name, by.role_title, department().name),
        small_print="This letter says what was on the record when it was printed. Later changes are not in it.",
    )


def day_pack(day: date, lines: Sequence[DayLine], by: Person, tell: Any) -> DayPack:
    """The list of the day and every case of it."""
    cases = []
    for number, line in enumerate(lines):
        tell(f"Case {number + 1} of {len(lines)}", 0.9 * number / max(1, len(lines)))
        cases.append(case_pack(line))
    tell("Setting the pages", 0.9)
    return DayPack(
        printed=printed(by),
        title=f"Day list of {day:%A %d/%m/%Y}",
        closed="" if lines else "No case is booked on this day.",
        how="This is how it stood at the time of printing.",
        rules=RULES,
        cases=tuple(cases),
    )


def case_pack(line: DayLine) -> CasePack:
    case = line.case
    facts = registry.facts(case)
    known = {section.key: section for section in sections()}
    protocol = case.protocol
    hours = effective_protocol(case.protocol_name).figure("stay.minimum_h")
    return CasePack(
        who=who(case),
        time=f"{timezone.localtime(line.start):%H:%M} to {timezone.localtime(line.end):%H:%M}",
        room=line.room,
        stage=case.stage_title,
        allergies=allergies(facts),
        side=case.side_words,
        open=line.still,
        chapters=tuple(chapter(case, known[key], with_pictures=True) for key in IN_THE_PACK if key in known),
        checklist=tuple(
            ChecklistPart(
                STAGE_TITLES[stage],
                tuple(
                    Question(item.question.value, item.answers, item.stops)
                    for item in protocol.checklist.of(stage)
                ),
            )
            for stage in STAGE_TITLES
        ),
        observations=(
            *(_observed(name) for name in protocol.procedure_record.baseline),
            "Puncture site",
            "NEWS2, total",
            "Medicines given",
        ),
        stay="not configured" if hours is None else f"{hours:g} hours",
        call=CALL,
    )


def _observed(name: Observation) -> str:
    kind = OBSERVATIONS[name]
    return f"{kind.title}, {kind.unit}" if kind.unit else kind.title
