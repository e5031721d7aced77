"""What a case's sample and its results tell the rest of the application: states, facts and the record in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trocar.clinical import specimen as pure
from trocar.clinical.stages import BEFORE_THE_ROOM, Stage
from trocar.web.accounts.roles import Permission
from trocar.web.cases.models import Case
from trocar.web.cases.registry import NextAction, Section, SectionState, once, register
from trocar.web.laboratory.entries import result_entries, sample_entries
from trocar.web.laboratory.models import Order
from trocar.web.laboratory.sample_record import SampleRecord

NOTHING_YET = frozenset(BEFORE_THE_ROOM) - {Stage.TIMED_OUT}
ENDED_BEFORE = frozenset({Stage.RETURNED, Stage.DECLINED, Stage.CANCELLED, Stage.ABANDONED})
NURSE, LABORATORY, DOCTOR = "ir_nurse", "laboratory", "ir_doctor"


def sample_state(case: Case) -> SectionState:
    """How far taking, counting and sending the sample is."""
    record = once(case, SampleRecord.of)
    if record.no_sample:
        return SectionState("done", f"No sample was taken: {record.no_sample}")
    words = _what_there_is(record)
    if case.at_stage in ENDED_BEFORE:
        return SectionState("not needed", words)
    if case.at_stage in NOTHING_YET:
        return SectionState("not started", words)
    problems = pure.count_problems(record.specimen, record.rules)
    if not record.cores:
        return SectionState(
            "to do", "Nothing is recorded yet.", problems, NextAction("Record cores and pots", NURSE)
        )
    if problems:
        return SectionState("to do", words, problems, NextAction("Put the sample right and count it", NURSE))
    unsent = [
        order.number
        for order in record.orders
        if order.awaits == "dispatch" and not order.ended_without_result
    ]
    if unsent:
        missing = pure.missing_before_dispatch(record.specimen, record.rules)
        return SectionState("to do", f"{words} Counted.", missing, NextAction("Send the pots", NURSE))
    return SectionState("done", f"{words} Counted and sent.")


def result_state(case: Case) -> SectionState:
    """How far receipt, report, reading and telling are; what is overdue stands among the problems."""
    record = once(case, SampleRecord.of)
    if not record.orders and record.repeat is None:
        needed = case.at_stage not in ENDED_BEFORE and not record.no_sample
        return SectionState("not started" if needed else "not needed")
    late = tuple(
        chase.sentence for chase in record.chases() if chase.state != "in time" and chase.step != "dispatch"
    )
    wrong = tuple(
        f"Pot {d.pot.number}: {d.get_kind_display().lower()}. {d.words}".strip()
        for d in record.open_discrepancies
    )
    reader_role = record.reader.person.role if record.reader else DOCTOR
    unread = [r for r in record.current_results if r.pk not in record.acknowledgements]
    untold = [
        r for r in record.current_results if not all(record.told(r, a) for a in ("referrer", "patient"))
    ]
    waiting = [f for f in record.follow_ups if not f.done]
    action: NextAction | None = None
    if wrong:
        action = NextAction("Settle what is wrong with a pot", NURSE)
    elif unread:
        action = NextAction("Read and acknowledge the report", reader_role)
    elif record.repeat is not None and not record.repeat.decision:
        action = NextAction("Decide whether to repeat the biopsy", reader_role)
    elif untold:
        action = NextAction("Tell the referrer and the patient", reader_role)
    elif any(order.awaits == "receipt" for order in record.orders):
        action = NextAction("Receive the pots", LABORATORY)
    elif any(order.awaits == "result" for order in record.orders):
        action = NextAction("Report on the sample", LABORATORY)
    elif waiting:
        action = NextAction(f"Follow up: {waiting[0].what}", reader_role)
    words = "; ".join(f"{record.test_title(order)}: {_step(record, order)}" for order in record.orders)
    if action is None:
        begun = any(order.awaits != "dispatch" for order in record.orders) or record.repeat is not None
        return SectionState("done" if begun else "not started", words)
    return SectionState("blocked" if wrong else "to do", words, (*wrong, *late), action)


def facts(case: Case) -> Mapping[str, Any]:
    """The facts of both sections; a sample that nobody recorded is not assessed."""
    record = once(case, SampleRecord.of)
    begun = bool(record.orders or record.count)
    return {
        "specimen.counted": (not pure.count_problems(record.specimen, record.rules)) if begun else None,
        "specimen.no_sample": bool(record.no_sample) if begun else None,
        "specimen.orders": len(record.orders) if begun else None,
        "specimen.pots": len(record.pots) if begun else None,
        "specimen.cores": len(record.cores) if begun else None,
        "specimen.dispatched": (bool(record.no_sample) or _all_sent(record)) if begun else None,
        "laboratory.reported": record.reported if begun else None,
        "laboratory.acknowledged": record.acknowledged if begun else None,
        "laboratory.told": record.all_told if begun else None,
        "laboratory.patient_may_know": record.patient_may_know,
    }


def _what_there_is(record: SampleRecord) -> str:
    if not record.orders:
        return ""
    parts = [
        _many(len(record.cores), "core"),
        _many(len(record.pots), "pot"),
        _many(len(record.orders), "order"),
    ]
    return f"{parts[0]} in {parts[1]} on {parts[2]}."


def _many(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _all_sent(record: SampleRecord) -> bool:
    return bool(record.orders) and all(
        order.pk in record.dispatches or record.received_at(order) or order.ended_without_result
        for order in record.orders
    )


def _step(record: SampleRecord, order: Order) -> str:
    return "ended without a result" if order.ended_without_result else order.get_awaits_display().lower()


def register_sections() -> None:
    """Called once as the application starts."""
    register(
        Section(
            "specimen",
            "Specimen",
            70,
            Permission.SEE_CASES,
            "laboratory:sample",
            sample_state,
            facts,
            sample_entries,
        )
    )
    register(
        Section(
            "laboratory", "Result", 80, Permission.SEE_CASES, "laboratory:result", result_state, entries=result_entries,
            shown_to_referrer=True,
        )
    )  # fmt: skip
