"""What is written once the samples have left: receipt, discrepancies, reports, reading, telling, and what follows."""

from __future__ import annotations

from datetime import date
from typing import Any

from trocar.clinical import specimen as pure
from trocar.clinical.stages import Stage
from trocar.web.accounts.roles import Permission
from trocar.web.cases.change import Change
from trocar.web.cases.models import Case
from trocar.web.cases.views.case_list import new_case
from trocar.web.laboratory.models import (
    Acknowledgement,
    Discrepancy,
    FollowUp,
    Order,
    Pot,
    Receipt,
    RepeatDecision,
    Result,
    Telling,
)
from trocar.web.laboratory.sample_record import SampleRecord
from trocar.web.laboratory.taking import not_before, refuse


def receive(ch: Change, pot: Pot) -> Receipt:
    """A pot reached the laboratory. The same pot again is refused with who received it and when."""
    record = SampleRecord.of(ch.case)
    order = _order_of(record, pot)
    if pot.pk in record.receipts:
        before = record.receipts[pot.pk]
        refuse(
            f"Pot {pot.number} was received already, by {before.changed_by.full_name}. If another pot carries the same "
            "number, report a discrepancy."
        )
    left = record.dispatches.get(order.pk)
    not_before(ch, left.happened_at if left else None, "A pot cannot come before it left")
    receipt = ch.save(Receipt(), {"pot": pot})
    after = SampleRecord.of(ch.case)
    if order.awaits in ("dispatch", "receipt") and after.received_at(order) is not None:
        ch.save(order, {"awaits": "result"})
    return receipt


def discrepancy(ch: Change, pot: Pot, kind: str, words: str) -> Discrepancy:
    """Something is wrong with a pot; it stays open until somebody says what was done."""
    record = SampleRecord.of(ch.case)
    _order_of(record, pot)
    if kind == "missing" and pot.pk in record.receipts:
        refuse(f"Pot {pot.number} was received; it cannot be missing.")
    if any(d.pot_id == pot.pk and d.kind == kind for d in record.open_discrepancies):
        refuse("This is open already for this pot.")
    return ch.save(Discrepancy(), {"pot": pot, "kind": kind, "words": words})


def settle(ch: Change, found: Discrepancy, words: str, seen_version: int | None) -> None:
    """Say what was done about a discrepancy."""
    if found.settled:
        refuse("This was settled already.")
    ch.save(found, {"settled": words}, seen_version)
    record = SampleRecord.of(ch.case)
    order = next(o for o in record.orders if o.pk == found.pot.order_id)
    if order.awaits in ("dispatch", "receipt") and record.received_at(order) is not None:
        ch.save(order, {"awaits": "result"})


def end_without_result(ch: Change, order: Order, reason: str, seen_version: int | None) -> None:
    """No result will come for an order: the pot is lost, or the test is not wanted any more. It opens the decision."""
    record = SampleRecord.of(ch.case)
    if order.result_id:
        refuse(f"Order {order.number} has a report.")
    ch.save(order, {"ended_without_result": reason, "awaits": "done"}, seen_version)
    _open_repeat(ch, record, f"{record.test_title(order)} ended without a result: {reason}")


def report(
    ch: Change, orders: list[Order], values: dict[str, Any], findings: dict[str, pure.Finding]
) -> Result:
    """A laboratory's report on these orders, judged by the protocol's figures as they are today.

    A report on orders that have one replaces it: it is to be acknowledged and told again.
    """
    record = SampleRecord.of(ch.case)
    known = {order.pk: order for order in record.orders}
    for order in orders:
        if order.pk not in known:
            refuse(f"Order {order.number} was withdrawn.")
        if known[order.pk].ended_without_result:
            refuse(f"Order {order.number} ended without a result.")
        if record.received_at(known[order.pk]) is None:
            refuse(f"Not every pot of order {order.number} is received; receive them first.")
        not_before(
            ch, record.received_at(known[order.pk]), "A report cannot be older than the sample's receipt"
        )
    replaced = {known[order.pk].result_id for order in orders} - {None}
    if len(replaced) > 1:
        refuse("These orders have different reports; amend one report at a time.")
    amends = next((r for r in record.results if r.pk in replaced), None)
    if amends is not None and {o.pk for o in record.orders_of(amends)} - {order.pk for order in orders}:
        refuse("The report that this one replaces covers further orders; choose all of them.")
    if any(r.report_number == values["report_number"] for r in record.results):
        refuse(
            f"A report {values['report_number']} is on this case already; give the new one its own number."
        )
    tests = [order.test for order in orders]
    problems = pure.finding_problems(findings, tests, record.rules)
    refuse(*problems.values())
    adequacy = pure.adequate(findings, tests, record.rules)
    result = ch.save(
        Result(),
        {
            **values,
            "findings": {name: answer for name, answer in findings.items() if answer not in (None, "")},
            "verdict": adequacy.verdict,
            "verdict_reasons": list(adequacy.reasons),
            "amends": amends,
        },
    )
    for order in orders:
        ch.save(known[order.pk], {"result": result, "awaits": "acknowledgement"})
    why = pure.repeat_to_decide(values["outcome"], adequacy.verdict, record.rules)
    if values["adequate_said"] is False and why is None:
        why = "The laboratory says that the sample is not adequate."
    if why:
        _open_repeat(ch, record, why)
    _move_on(ch)
    return result


def acknowledge(ch: Change, result: Result, plan: str) -> Acknowledgement:
    """The named reader has read the report and says what follows. Nobody else can."""
    record = SampleRecord.of(ch.case)
    _only_reader(ch, record)
    if result.pk not in {r.pk for r in record.current_results}:
        refuse("A later report replaces this one; read that.")
    if result.pk in record.acknowledgements:
        refuse("This report was acknowledged already.")
    done = ch.save(Acknowledgement(), {"result": result, "plan": plan})
    for order in record.orders_of(result):
        ch.save(order, {"awaits": "telling"})
    if ch.by.pk == ch.case.referrer_id:
        values = {
            "result": result,
            "audience": "referrer",
            "named_reader": ch.by,
            "how": "read the report here",
        }
        ch.save(Telling(), values)
    _move_on(ch)
    return done


def tell(ch: Change, result: Result, audience: str, how: str, words: str, not_told: str) -> Telling:
    """The referrer or the patient knows a report. Only the named reader records it of the patient."""
    record = SampleRecord.of(ch.case)
    if result.pk not in {r.pk for r in record.current_results}:
        refuse("A later report replaces this one; tell that.")
    if result.pk not in record.acknowledgements:
        refuse("The named reader has not acknowledged this report yet.")
    if audience == "patient":
        _only_reader(ch, record)
    if record.told(result, audience):
        refuse(f"It is recorded already that the {audience} knows this report.")
    assert record.reader is not None
    not_before(ch, result.happened_at, "Nobody can be told before the report")
    done = ch.save(
        Telling(),
        {
            "result": result,
            "audience": audience,
            "named_reader": record.reader.person,
            "how": how,
            "words": words,
            "not_told": not_told,
        },
    )
    after = SampleRecord.of(ch.case)
    if all(after.told(result, one) for one in ("referrer", "patient")):
        for order in after.orders_of(result):
            ch.save(order, {"awaits": "done"})
    return done


def decide_repeat(ch: Change, decision: str, reason: str, seen_version: int | None) -> RepeatDecision:
    """Repeat the biopsy or not, and why. A repeat begins a new case of the same patient for the same referrer."""
    record = SampleRecord.of(ch.case)
    if record.repeat is None:
        refuse("Nothing has to be decided.")
    assert record.repeat is not None
    if record.repeat.decision:
        refuse("This was decided already.")
    values: dict[str, Any] = {"decision": decision, "reason": reason}
    if decision == "repeat":
        values["new_case"] = _begin_again(ch)
    done = ch.save(record.repeat, values, seen_version)
    _move_on(ch)
    return done


def add_follow_up(ch: Change, what: str, due: date, who: str) -> FollowUp:
    """What was agreed to happen, by when, and who sees to it."""
    return ch.save(FollowUp(), {"what": what, "due": due, "who": who})


def finish_follow_up(ch: Change, found: FollowUp, done: str, seen_version: int | None) -> FollowUp:
    """What came of a follow-up."""
    if found.done:
        refuse("This follow-up is done already.")
    return ch.save(found, {"done": done}, seen_version)


def close(ch: Change) -> None:
    """Close the case; an open decision or follow-up keeps it open."""
    record = SampleRecord.of(ch.case)
    if record.repeat is not None and not record.repeat.decision:
        refuse("Whether to repeat the biopsy is not decided.")
    if record.open_discrepancies:
        refuse("A discrepancy of a pot is not settled.")
    waiting = [f.what for f in record.follow_ups if not f.done]
    if waiting:
        refuse(f"A follow-up is still to come: {', '.join(waiting)}.")
    _move_on(ch)
    ch.move("close")


def open_repeat_without_sample(ch: Change, reason: str) -> None:
    """No sample was taken: somebody decides whether to try again."""
    _open_repeat(ch, SampleRecord.of(ch.case), f"No sample was taken: {reason}")


def close_repeat_without_sample(ch: Change) -> None:
    """A sample was taken after all, so nothing has to be decided."""
    record = SampleRecord.of(ch.case)
    if record.repeat is not None and not record.repeat.decision:
        ch.save(record.repeat, {"decision": "no repeat", "reason": "A sample was taken after all."})


def _open_repeat(ch: Change, record: SampleRecord, why: str) -> None:
    """Open the decision, or open it again where it was taken before this was known."""
    values = {"opened_why": why, "opened_at": ch.happened_at, "decision": "", "reason": ""}
    if record.repeat is None:
        ch.save(RepeatDecision(), values)
    elif record.repeat.decision != "repeat":
        ch.save(record.repeat, values)


def _move_on(ch: Change) -> None:
    """The case is reported once every result is in and the patient has left; a patient in recovery stays there."""
    if ch.case.at_stage is not Stage.DISCHARGED or not SampleRecord.of(ch.case).reported:
        return
    if ch.by.may(Permission.REPORT_RESULT):
        ch.move("report")
    elif ch.by.may(Permission.ACKNOWLEDGE_RESULT):
        ch.move("results_in")


def _begin_again(ch: Change) -> Case:
    case = ch.case
    again = new_case(
        ch.by, case.patient, case.protocol_name, repeat_of=case, site=case.site, side=case.side, urgency=case.urgency
    )  # fmt: skip
    if again.referrer_id != case.referrer_id:
        again.referrer = case.referrer
        again.save(update_fields=["referrer"])
    return again


def _order_of(record: SampleRecord, pot: Pot) -> Order:
    found = next((o for o in record.orders if o.pk == pot.order_id), None)
    if found is None or pot.pk not in {p.pk for p in record.pots}:
        refuse(f"Pot {pot.number} was withdrawn by the department; ring it.")
    assert found is not None
    return found


def _only_reader(ch: Change, record: SampleRecord) -> None:
    if record.reader is None:
        refuse("Nobody is named to read the result; name a reader first.")
    elif record.reader.person_id != ch.by.pk:
        refuse(f"The result belongs to {record.reader.person.full_name}; only the named reader records this.")
