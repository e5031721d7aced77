"""What is on the way, overdue, unread or undecided, over all cases that a person may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trocar.clinical.chase import Chase
from trocar.web.accounts.access import require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases.access import visible_cases
from trocar.web.cases.models import Case
from trocar.web.laboratory.models import Discrepancy, FollowUp, Order, RepeatDecision
from trocar.web.laboratory.sample_record import SampleRecord, records_of

MOST_CASES = 300
"""No department has so many samples on their way; a list that was cut says so."""

LABORATORY_STEPS = frozenset({"dispatch", "receipt", "result"})

TITLES = {
    "dispatch": "To be sent",
    "receipt": "On the way",
    "result": "At the laboratory",
    "acknowledgement": "To be read",
    "telling": "To be told",
    "repeat decision": "To be decided: repeat the biopsy or not",
    "follow-up": "Follow-up to come",
}


@dataclass(frozen=True)
class Line:
    """One thing that is awaited. pots: of the order, for the laboratory."""

    case: Case
    chase: Chase
    test: str
    pots: tuple[str, ...]
    received: bool


@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """Overdue first, then what is in time, step by step; discrepancies on top."""
    person = require(request, Permission.SEE_SPECIMENS, Permission.SEE_CASES, Permission.SEE_OWN_REFERRALS)
    audit.seen(None, person, "laboratory worklist")
    cases = _cases(person)
    records = records_of(cases[:MOST_CASES])
    lines = [line for record in records.values() for line in _lines(record)]
    at_bench = person.may(Permission.SEE_SPECIMENS) and not person.may(Permission.SEE_CASES)
    if at_bench:
        lines = [line for line in lines if line.chase.step in LABORATORY_STEPS]
    late = [line for line in lines if line.chase.state != "in time"]
    late.sort(key=lambda line: (line.chase.due is None, line.chase.due and line.chase.due.isoformat()))
    in_time = [line for line in lines if line.chase.state == "in time"]
    context = {
        "late": late,
        "steps": [
            (title, step, [line for line in in_time if line.chase.step == step])
            for step, title in TITLES.items()
            if not at_bench or step in LABORATORY_STEPS
        ],
        "mine": [
            line
            for record in records.values()
            if record.reader is not None and record.reader.person_id == person.pk
            for line in lines
            if line.case.pk == record.case.pk
            and line.chase.step in ("acknowledgement", "telling", "repeat decision")
        ],
        "discrepancies": [(record.case, d) for record in records.values() for d in record.open_discrepancies],
        "cut": len(cases) > MOST_CASES,
        "most": MOST_CASES,
        "at_bench": at_bench,
        "may_receive": person.may(Permission.RECEIVE_SPECIMEN) or person.may(Permission.DISPATCH_SPECIMEN),
    }
    return render(request, "laboratory/worklist.html", context)


def _cases(person: Person) -> list[Case]:
    """The cases with something awaited, those that wait longest first; one more than is shown."""
    open_orders = Order.objects.filter(withdrawn=False).exclude(awaits="done").values("case_id")
    open_pots = Discrepancy.objects.filter(settled="").values("case_id")
    undecided = RepeatDecision.objects.filter(decision="").values("case_id")
    to_come = FollowUp.objects.filter(done="").values("case_id")
    awaited = Q(pk__in=open_orders) | Q(pk__in=open_pots) | Q(pk__in=undecided) | Q(pk__in=to_come)
    seen = Case.objects.all() if person.may(Permission.SEE_SPECIMENS) else visible_cases(person)
    return list(
        seen.filter(awaited)
        .select_related("patient", "referrer")
        .order_by("stage_since", "pk")[: MOST_CASES + 1]
    )


def _lines(record: SampleRecord) -> list[Line]:
    orders = {order.number: order for order in record.orders}
    found = []
    for chase in record.chases():
        order = orders.get(chase.order)
        found.append(
            Line(
                record.case,
                chase,
                record.test_title(order) if order else "",
                tuple(pot.number for pot in record.pots_of(order)) if order else (),
                order is not None and record.received_at(order) is not None,
            )
        )
    return found
