"""Samples and results in words: for the complete record and the case's papers. For staff, never for the patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from trocar.web.cases.models import Case
from trocar.web.cases.registry import Entry, once
from trocar.web.laboratory.models import Order, Pot, Result
from trocar.web.laboratory.sample_record import SampleRecord

Rows = list[tuple[str, str]]


def sample_entries(case: Case) -> Sequence[Entry]:
    """Orders, pots, cores and count."""
    record = once(case, SampleRecord.of)
    found = [_order(record, order) for order in record.orders]
    count = record.count
    if count is None:
        return found
    rows: Rows = []
    if record.no_sample:
        rows = [("No sample was taken", record.no_sample)]
    elif count.pots is not None:
        rows = [
            ("Pots", str(count.pots)),
            *((f"Cores in {pot}", str(n)) for pot, n in sorted(count.cores_in.items())),
        ]
    if rows:
        found.append(Entry("Count", tuple(rows), count.changed_by.full_name, count.happened_at))
    return found


def result_entries(case: Case) -> Sequence[Entry]:
    """Receipts, discrepancies, reports, reading, telling and what follows."""
    record = once(case, SampleRecord.of)
    return [
        *_receipts(record),
        *_discrepancies(record),
        *(_ended(order) for order in record.orders if order.ended_without_result),
        *(_result(record, result) for result in record.results),
        *_repeat(record),
        *_follow_ups(record),
    ]


def finding_words(answer: object) -> str:
    """An answer as people read it."""
    if answer is None or answer == "":
        return "not stated"
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return str(answer)


def findings_in_words(record: SampleRecord, result: Result) -> Rows:
    """What a report says of the protocol's fields."""
    titles = {field.name: field.title for field in record.rules.result_fields}
    return [(titles.get(name, name), finding_words(answer)) for name, answer in result.findings.items()]


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%d/%m/%Y %H:%M}"


def _order(record: SampleRecord, order: Order) -> Entry:
    rows: Rows = [("Test", record.test_title(order)), ("Question", order.question)]
    rows += [(f"Pot {pot.number}", _pot(record, pot)) for pot in record.pots_of(order)]
    sent = record.dispatches.get(order.pk)
    if sent:
        words = f"{_clock(sent.happened_at)} to {sent.laboratory}, taken by {sent.taken_by}"
        rows.append(("Sent", f"{words}; recorded by {sent.changed_by.full_name}"))
    return Entry(f"Order {order.number}", tuple(rows), order.ordered_by.full_name, order.ordered_at)


def _pot(record: SampleRecord, pot: Pot) -> str:
    medium = record.rules.medium(pot.medium)
    parts = [medium.title if medium else pot.medium]
    for core in record.cores_of(pot):
        side = "no side" if core.side == "none" else core.side
        parts.append(f"core {core.number}: {core.site}, {side}, {core.length_mm} mm")
    return "; ".join(parts)


def _receipts(record: SampleRecord) -> list[Entry]:
    pairs = [(pot, record.receipts[pot.pk]) for pot in record.pots if pot.pk in record.receipts]
    return [
        Entry(
            f"Pot {pot.number} received",
            (("Received", _clock(receipt.happened_at)),),
            receipt.changed_by.full_name,
            receipt.happened_at,
        )
        for pot, receipt in pairs
    ]


def _discrepancies(record: SampleRecord) -> list[Entry]:
    return [
        Entry(
            f"Discrepancy, pot {d.pot.number}",
            (("What", d.get_kind_display()), ("Words", d.words or "none"), ("Settled", d.settled or "open")),
            d.changed_by.full_name,
            d.changed_at,
        )
        for d in record.discrepancies
    ]


def _ended(order: Order) -> Entry:
    rows = (("Why", order.ended_without_result),)
    return Entry(
        f"Order {order.number} ended without a result", rows, order.changed_by.full_name, order.changed_at
    )


def _result(record: SampleRecord, result: Result) -> Entry:
    outcome = record.rules.outcome(result.outcome)
    tests = ", ".join(record.test_title(order) for order in record.orders_of(result))
    rows: Rows = [
        ("Tests", tests or "replaced by a later report"),
        ("Reported", f"{_clock(result.happened_at)} by {result.reporter}"),
        ("Outcome", outcome.title if outcome else result.outcome),
        ("Diagnosis", result.diagnosis),
        *findings_in_words(record, result),
        ("Adequate, says the laboratory", finding_words(result.adequate_said)),
        ("By the protocol's figures", result.verdict),
    ]
    read = record.acknowledgements.get(result.pk)
    if read:
        rows.append(
            ("Acknowledged", f"{_clock(read.happened_at)} by {read.changed_by.full_name}: {read.plan}")
        )
    for audience in ("referrer", "patient"):
        told = record.told(result, audience)
        if told:
            words = f"not told: {told.not_told}" if told.not_told else f"{told.how}. {told.words}".strip()
            rows.append(
                (f"Told, {audience}", f"{_clock(told.happened_at)} by {told.changed_by.full_name}, {words}")
            )
    return Entry(
        f"Report {result.report_number}", tuple(rows), result.changed_by.full_name, result.happened_at
    )


def _repeat(record: SampleRecord) -> list[Entry]:
    repeat = record.repeat
    if repeat is None:
        return []
    rows: Rows = [
        ("Opened because", repeat.opened_why),
        ("Decision", repeat.get_decision_display() if repeat.decision else "open"),
        ("Reason", repeat.reason or "none yet"),
    ]
    if repeat.new_case:
        rows.append(("New case", repeat.new_case.number))
    return [Entry("Repeat biopsy", tuple(rows), repeat.changed_by.full_name, repeat.changed_at)]


def _follow_ups(record: SampleRecord) -> list[Entry]:
    return [
        Entry(
            "Follow-up",
            (("What", f.what), ("Due", f"{f.due:%d/%m/%Y}"), ("Who", f.who), ("Done", f.done or "not yet")),
            f.changed_by.full_name,
            f.changed_at,
        )
        for f in record.follow_ups
    ]
