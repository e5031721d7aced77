"""Everything stored of one case's samples and results, read in a fixed number of queries, as the pure rules take it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast

from trocar.clinical import specimen as pure
from trocar.clinical.chase import Chase, Progress, awaited
from trocar.clinical.specimen_rules import SpecimenRules
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock, registry
from trocar.web.cases.department import department
from trocar.web.cases.models import Case
from trocar.web.laboratory.models import (
    Acknowledgement,
    Core,
    Discrepancy,
    Dispatch,
    FollowUp,
    NamedReader,
    Order,
    Pot,
    Receipt,
    RepeatDecision,
    Result,
    SampleCount,
    Telling,
)
from trocar.web.laboratory.rules import rules_of


@dataclass(frozen=True)
class SampleRecord:
    """One case's samples and results. Withdrawn orders, pots and cores are left out."""

    case: Case
    rules: SpecimenRules
    orders: tuple[Order, ...]
    pots: tuple[Pot, ...]
    cores: tuple[Core, ...]
    dispatches: Mapping[int, Dispatch]
    receipts: Mapping[int, Receipt]
    discrepancies: tuple[Discrepancy, ...]
    count: SampleCount | None
    reader: NamedReader | None
    results: tuple[Result, ...]
    acknowledgements: Mapping[int, Acknowledgement]
    tellings: Mapping[int, tuple[Telling, ...]]
    repeat: RepeatDecision | None
    follow_ups: tuple[FollowUp, ...]

    @classmethod
    def of(cls, case: Case) -> SampleRecord:
        """The record of one case: two queries before anything was taken, twelve at most afterwards."""
        return registry.once(case, _record_of)

    # --- the sample

    @property
    def no_sample(self) -> str:
        """Why no sample was taken; "" where one was, or nobody said so."""
        return self.count.no_sample if self.count else ""

    @property
    def specimen(self) -> pure.Specimen:
        """The sample as the rules take it."""
        numbers = {pot.pk: pot.number for pot in self.pots}
        orders = {order.pk: order.number for order in self.orders}
        count = None
        if self.count is not None and self.count.pots is not None:
            count = pure.Count(self.count.pots, dict(self.count.cores_in))
        return pure.Specimen(
            cores=tuple(
                pure.Core(core.number, core.site, _side(core.side), float(core.length_mm), numbers.get(core.pot_id, ""))
                for core in self.cores
            ),
            pots=tuple(
                pure.Pot(pot.number, pot.medium, (orders[pot.order_id],) if pot.order_id in orders else ())
                for pot in self.pots
            ),
            orders=tuple(pure.Order(order.number, order.test, order.question) for order in self.orders),
            side=_side(self.case.side),
            no_sample=self.no_sample,
            reader=self.reader.person.full_name if self.reader else "",
            count=count,
        )  # fmt: skip

    def pots_of(self, order: Order) -> tuple[Pot, ...]:
        """The pots on an order."""
        return tuple(pot for pot in self.pots if pot.order_id == order.pk)

    def cores_of(self, pot: Pot) -> tuple[Core, ...]:
        """The cores in a pot."""
        return tuple(core for core in self.cores if core.pot_id == pot.pk)

    def test_title(self, order: Order) -> str:
        """The test's title, or its stored name where the protocol has dropped it."""
        test = self.rules.test(order.test)
        return test.title if test else order.test

    # --- on the way

    def received_at(self, order: Order) -> datetime | None:
        """When the last pot of an order was received; None until all of them were, or are known to be lost."""
        pots = self.pots_of(order)
        lost = {d.pot_id for d in self.discrepancies if d.kind == "missing" and d.settled}
        came = [self.receipts[pot.pk].happened_at for pot in pots if pot.pk in self.receipts]
        everything = all(pot.pk in self.receipts or pot.pk in lost for pot in pots)
        return max(came) if came and everything else None

    @property
    def open_discrepancies(self) -> tuple[Discrepancy, ...]:
        """What is wrong with a pot and not settled."""
        return tuple(d for d in self.discrepancies if not d.settled)

    # --- the result

    @property
    def current_results(self) -> tuple[Result, ...]:
        """Reports that no later one replaces."""
        replaced = {result.amends_id for result in self.results}
        return tuple(result for result in self.results if result.pk not in replaced)

    def result_of(self, order: Order) -> Result | None:
        """The report on an order, as it stands."""
        return next((r for r in self.results if r.pk == order.result_id), None)

    def orders_of(self, result: Result) -> tuple[Order, ...]:
        """The orders on which a report reports."""
        return tuple(order for order in self.orders if order.result_id == result.pk)

    @property
    def expected(self) -> tuple[Order, ...]:
        """The orders for which a result is expected or there."""
        return tuple(order for order in self.orders if not order.ended_without_result)

    @property
    def reported(self) -> bool:
        """Whether every order has its report or ended without one; a procedure without a sample has none to give."""
        if self.no_sample:
            return True
        return bool(self.orders) and all(order.result_id for order in self.expected)

    @property
    def acknowledged(self) -> bool:
        """Whether the named reader has acknowledged every report, and decided whatever had to be decided."""
        if self.repeat is not None and not self.repeat.decision:
            return False
        return self.reported and all(r.pk in self.acknowledgements for r in self.current_results)

    def told(self, result: Result, audience: str) -> Telling | None:
        """The record that the referrer or the patient knows a report."""
        return next((t for t in self.tellings.get(result.pk, ()) if t.audience == audience), None)

    @property
    def all_told(self) -> bool:
        """Whether referrer and patient know every report."""
        return self.acknowledged and all(
            self.told(result, audience) for result in self.current_results for audience in ("referrer", "patient")
        )  # fmt: skip

    @property
    def patient_may_know(self) -> bool:
        """Whether a patient's page may speak of the results: every report was discussed by its named reader."""
        results = self.current_results
        return bool(results) and all(
            (told := self.told(result, "patient")) is not None
            and not told.not_told
            and pure.may_reach_patient(str(told.named_reader_id), str(told.changed_by_id))
            for result in results
        )

    # --- chase

    def progress(self, order: Order) -> Progress:
        """How far an order has come."""
        pots = self.pots_of(order)
        taken = [core.happened_at for pot in pots for core in self.cores_of(pot)]
        sent = self.dispatches.get(order.pk)
        result = self.result_of(order)
        read = self.acknowledgements.get(result.pk) if result else None
        told = [self.told(result, audience) for audience in ("referrer", "patient")] if result else []
        return Progress(
            order=order.number,
            test=order.test,
            urgent=self.case.urgency != "routine",
            taken_at=min(taken) if taken else None,
            dispatched_at=sent.happened_at if sent else None,
            received_at=self.received_at(order),
            reported_at=result.happened_at if result else None,
            acknowledged_at=read.happened_at if read else None,
            told_at=max(t.happened_at for t in told if t) if told and all(told) else None,
            reader=self.reader.person.full_name if self.reader else "",
            closed=bool(order.ended_without_result),
        )

    def chases(self, now: datetime | None = None) -> tuple[Chase, ...]:
        """What is awaited, in time or not, for every order and for the case as a whole."""
        now = now or clock.now()
        closed = closed_days()
        found = [c for order in self.orders for c in awaited(self.progress(order), self.rules, now, closed)]
        for progress in self._of_the_case():
            found += awaited(progress, self.rules, now, closed)
        return tuple(found)

    def _of_the_case(self) -> Iterable[Progress]:
        reader = self.reader.person.full_name if self.reader else ""
        if self.repeat is not None and not self.repeat.decision:
            at = self.repeat.opened_at
            yield Progress(
                self.case.number,
                "",
                False,
                reported_at=at,
                acknowledged_at=at,
                told_at=at,
                reader=reader,
                repeat_open=True,
            )
        for follow_up in self.follow_ups:
            if not follow_up.done:
                yield Progress(self.case.number, "", False, reader=follow_up.who, follow_up_due=follow_up.due)


def _record_of(case: Case) -> SampleRecord:
    return records_of([case])[case.pk]


def records_of(cases: Sequence[Case]) -> dict[int, SampleRecord]:
    """The records of several cases in as many queries as one needs."""
    keys = [case.pk for case in cases]

    def grouped(model: type, *related: str) -> dict[int, list]:  # type: ignore[type-arg]
        found: dict[int, list] = defaultdict(list)  # type: ignore[type-arg]
        rows = model._default_manager.filter(case_id__in=keys).select_related("changed_by", *related)  # type: ignore[attr-defined]
        for row in rows.order_by("pk"):
            found[row.case_id].append(row)
        return found

    orders = grouped(Order, "ordered_by")
    counts = grouped(SampleCount)
    begun = bool(orders or counts)
    pots = grouped(Pot) if orders else {}
    cores = grouped(Core) if orders else {}
    readers = grouped(NamedReader, "person") if begun else {}
    dispatches = grouped(Dispatch) if orders else {}
    receipts = grouped(Receipt) if dispatches or pots else {}
    discrepancies = grouped(Discrepancy, "pot") if pots else {}
    results = grouped(Result) if orders else {}
    acknowledgements = grouped(Acknowledgement) if results else {}
    tellings = grouped(Telling) if results else {}
    repeats = grouped(RepeatDecision, "new_case") if begun else {}
    follow_ups = grouped(FollowUp) if begun else {}
    rules = {name: rules_of(name) for name in {case.protocol_name for case in cases}}
    return {
        case.pk: SampleRecord(
            case=case,
            rules=rules[case.protocol_name],
            orders=_standing(orders, case),
            pots=_standing(pots, case),
            cores=_standing(cores, case),
            dispatches={row.order_id: row for row in dispatches.get(case.pk, ())},
            receipts={row.pot_id: row for row in receipts.get(case.pk, ())},
            discrepancies=tuple(discrepancies.get(case.pk, ())),
            count=next(iter(counts.get(case.pk, ())), None),
            reader=next(iter(readers.get(case.pk, ())), None),
            results=tuple(results.get(case.pk, ())),
            acknowledgements={row.result_id: row for row in acknowledgements.get(case.pk, ())},
            tellings=_by_result(tellings.get(case.pk, ())),
            repeat=next(iter(repeats.get(case.pk, ())), None),
            follow_ups=tuple(follow_ups.get(case.pk, ())),
        )
        for case in cases
    }


def closed_days() -> frozenset[date]:
    """Days on which the department is closed beside bank holidays, from its file."""
    scheduling = department().scheduling
    return frozenset(scheduling.hours.closed_days) if scheduling else frozenset()


def readers_for(case: Case) -> list[Person]:
    """Who can be named to read a case's results: IR doctors, and the one who referred the patient."""
    people = Person.objects.filter(is_active=True).order_by("full_name", "username")
    return [
        person
        for person in people
        if person.may(Permission.ACKNOWLEDGE_RESULT)
        and (person.may(Permission.SEE_CASES) or person.pk == case.referrer_id)
    ]


def _standing(rows: Mapping[int, list], case: Case) -> tuple:  # type: ignore[type-arg]
    return tuple(row for row in rows.get(case.pk, ()) if not row.withdrawn)


def _by_result(rows: Iterable[Telling]) -> dict[int, tuple[Telling, ...]]:
    found: dict[int, tuple[Telling, ...]] = {}
    for row in rows:
        found[row.result_id] = (*found.get(row.result_id, ()), row)
    return found


def _side(side: str) -> pure.CoreSide | None:
    return cast("Literal['left', 'right', 'none']", side) if side in ("left", "right", "none") else None
