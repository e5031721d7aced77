"""What is written in the room: orders, pots, cores, the count, and what is taken back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from trocar.clinical import specimen as pure
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases.change import Change, MoveRefused
from trocar.web.laboratory.models import Core, Dispatch, NamedReader, Order, Pot, SampleCount
from trocar.web.laboratory.sample_record import SampleRecord, readers_for

PREPARED_AT = (Stage.ARRIVED, Stage.SIGNED_IN, Stage.TIMED_OUT, Stage.NEEDLE_OUT, Stage.SIGNED_OUT)
"""Orders and pots can be made ready from the patient's arrival on."""

TAKEN_AT = (Stage.TIMED_OUT, Stage.NEEDLE_OUT, Stage.SIGNED_OUT)
"""No core before the time out."""


def refuse(*reasons: str) -> None:
    """Stop the change with these sentences, if there are any."""
    if reasons:
        raise MoveRefused(tuple(reasons))


def add_order(ch: Change, test: str, question: str) -> Order:
    """One order for a test of the protocol."""
    _at(ch, PREPARED_AT, "Orders are made from the patient's arrival until the samples are sent.")
    record = SampleRecord.of(ch.case)
    _not_without_sample(record)
    if record.rules.test(test) is None:
        refuse("The protocol knows no such test.")
    n = Order.objects.filter(case=ch.case).count() + 1
    values = {
        "number": f"{ch.case.number}-{n}",
        "test": test,
        "question": question,
        "ordered_by": ch.by,
        "ordered_at": ch.happened_at,
    }
    order = ch.save(Order(), values)
    _name_reader(ch, record)
    return order


def add_pot(ch: Change, order: Order, medium: str) -> Pot:
    """A pot on an order, in a medium that the test takes. A second pot gets an order of its own, for the same test."""
    _at(ch, PREPARED_AT, "Pots are made ready from the patient's arrival until the samples are sent.")
    record = SampleRecord.of(ch.case)
    _not_without_sample(record)
    if order.pk not in {known.pk for known in record.orders}:
        refuse("This order was withdrawn.")
    _not_sent(record, order)
    wrong = pure.wrong_medium(medium, order.test, record.rules)
    if wrong:
        refuse(wrong)
    if record.pots_of(order):
        order = add_order(ch, order.test, order.question)
    try:
        number = pure.pot_number(
            ch.case.number, Pot.objects.filter(case=ch.case).values_list("number", flat=True)
        )
    except ValueError as error:
        raise MoveRefused((str(error),)) from error
    values = {"number": number, "in_barcode": pure.in_barcode(number), "order": order, "medium": medium}
    return ch.save(Pot(), values)


def add_core(ch: Change, pot: Pot, site: str, side: str, length_mm: float | Decimal) -> Core:
    """A core in a pot. Its side is the case's: another one stops here, not on the laboratory's bench."""
    _at(ch, TAKEN_AT, "Cores are recorded after the time out, and before the case leaves the department.")
    record = SampleRecord.of(ch.case)
    _not_without_sample(record)
    if pot.pk not in {known.pk for known in record.pots}:
        refuse("This pot was withdrawn.")
    _not_sent(record, pot.order)
    if side != ch.case.side:
        refuse(
            f"The core says {_side(side)}, but the case says {_side(ch.case.side)}: stop and check the side."
        )
    n = Core.objects.filter(case=ch.case).count() + 1
    values = {"number": n, "pot": pot, "site": site, "side": side, "length_mm": Decimal(str(length_mm))}
    return ch.save(Core(), values)


def take_back(ch: Change, what: str, pk: int, seen_version: int | None) -> None:
    """Withdraw an order, a pot or a core that was recorded by mistake; only what holds nothing and was not sent."""
    record = SampleRecord.of(ch.case)
    found: Any = None
    if what == "core":
        found = next((core for core in record.cores if core.pk == pk), None)
        order = next((pot.order for pot in record.pots if found and pot.pk == found.pot_id), None)
    elif what == "pot":
        found = order = None
        found = next((pot for pot in record.pots if pot.pk == pk), None)
        order = found.order if found else None
        if found and record.cores_of(found):
            refuse(f"Pot {found.number} holds cores; take those back first.")
    else:
        found = order = next((known for known in record.orders if known.pk == pk), None)
        if found and record.pots_of(found):
            refuse(f"Order {found.number} has pots; take those back first.")
    if found is None or order is None:
        refuse("This was taken back already.")
    _not_sent(record, order)
    ch.save(found, {"withdrawn": True}, seen_version)


def count(ch: Change, pots: int, cores_in: dict[str, int], seen_version: int | None) -> SampleCount:
    """What was counted in the hand. It is kept even where it does not match: that is what it is for."""
    record = SampleRecord.of(ch.case)
    _not_without_sample(record)
    values = {"pots": pots, "cores_in": cores_in, "no_sample": ""}
    return ch.save(record.count or SampleCount(), values, seen_version)


def no_sample(ch: Change, reason: str, seen_version: int | None) -> SampleCount:
    """No sample was taken, and why."""
    _at(ch, TAKEN_AT, "Before the time out nothing can have been taken.")
    record = SampleRecord.of(ch.case)
    if record.cores:
        refuse("Cores are recorded; take them back first if none was taken.")
    for kept in (*record.pots, *record.orders):
        ch.save(kept, {"withdrawn": True})
    return ch.save(
        record.count or SampleCount(), {"pots": 0, "cores_in": {}, "no_sample": reason}, seen_version
    )


def sample_after_all(ch: Change, seen_version: int | None) -> None:
    """Take back that no sample was taken."""
    record = SampleRecord.of(ch.case)
    if record.count is None or not record.no_sample:
        refuse("This was taken back already.")
    else:
        ch.save(record.count, {"pots": None, "no_sample": ""}, seen_version)


def send(ch: Change, orders: list[Order], taken_by: str, laboratory: str) -> None:
    """The pots of these orders leave; nothing leaves uncounted, in the wrong medium, or without a reader."""
    record = SampleRecord.of(ch.case)
    refuse(*pure.missing_before_dispatch(record.specimen, record.rules))
    last = max((core.happened_at for core in record.cores), default=None)
    not_before(ch, last, "Pots cannot leave before the last core was taken")
    known = {order.pk for order in record.orders}
    for order in orders:
        if order.pk not in known:
            refuse(f"Order {order.number} was withdrawn.")
        if order.pk in record.dispatches:
            sent = record.dispatches[order.pk]
            refuse(
                f"Order {order.number} was sent already, recorded by {sent.changed_by.full_name}; nothing was written."
            )
        ch.save(Dispatch(), {"order": order, "taken_by": taken_by, "laboratory": laboratory})
        ch.save(order, {"awaits": "receipt"})


def not_before(ch: Change, earlier: datetime | None, sentence: str) -> None:
    """What is written down afterwards keeps the order in which things can happen."""
    if earlier is not None and ch.happened_at < earlier:
        refuse(f"{sentence} ({timezone.localtime(earlier):%d/%m/%Y %H:%M}); check the time.")


def name_reader(ch: Change, person: Person, reason: str, seen_version: int | None) -> NamedReader:
    """Name who reads the result; whoever was named before hands it over with a reason."""
    if person.pk not in {known.pk for known in readers_for(ch.case)}:
        refuse("This person may not read the results of this case.")
    stored = NamedReader.objects.filter(case=ch.case).first()
    if stored is not None and stored.person_id != person.pk and not reason.strip():
        refuse("Say why the result is handed over.")
    return ch.save(stored or NamedReader(), {"person": person, "reason": reason}, seen_version)


def _name_reader(ch: Change, record: SampleRecord) -> None:
    """The referrer reads what the referrer asked for, until somebody else is named."""
    if record.reader is None and ch.case.referrer_id in {person.pk for person in readers_for(ch.case)}:
        ch.save(NamedReader(), {"person": ch.case.referrer, "reason": "referred the patient"})


def _at(ch: Change, stages: tuple[Stage, ...], sentence: str) -> None:
    if ch.case.at_stage not in stages:
        refuse(f"{sentence} The case is at “{ch.case.stage_title}”.")


def _not_without_sample(record: SampleRecord) -> None:
    if record.no_sample:
        refuse("It is recorded that no sample was taken; take that back first.")


def _not_sent(record: SampleRecord, order: Order) -> None:
    if order.pk in record.dispatches:
        refuse(f"Order {order.number} has been sent; what it holds cannot be changed any more.")


def _side(side: str) -> str:
    return {"left": "left", "right": "right", "none": "no side"}.get(side, "nothing of a side")
