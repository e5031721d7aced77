"""Whose turn it is with a sample and its result, by when, and what is overdue.

A sample that nobody misses is lost, and a result that nobody reads is worse than none: each step from the needle to
the patient has a time, a person and a reminder. Times come from the protocol; a time that the department has not
approved gives a step that is "not assessed", which is shown like an overdue one and never like one in time.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from trocar.clinical.sourced import Sourced
from trocar.clinical.specimen_rules import LaboratoryTest, SpecimenRules
from trocar.clinical.working_time import LONDON, day_in_london, due_after, hours_after, working_days_between

Step = Literal["dispatch", "receipt", "result", "acknowledgement", "telling", "repeat decision", "follow-up"]
State = Literal["in time", "overdue", "not assessed"]

_HALF_HOUR_S = 1800

WHAT: dict[Step, str] = {
    "dispatch": "The sample leaves the department",
    "receipt": "The laboratory confirms receipt",
    "result": "The laboratory reports",
    "acknowledgement": "The named reader acknowledges the report",
    "telling": "The referrer and the patient know the result",
    "repeat decision": "Somebody decides whether to repeat the biopsy",
    "follow-up": "The follow-up takes place",
}


@dataclass(frozen=True)
class Progress:
    """How far one order has come. Every moment has its time zone; None: not yet.

    reader: the full name of the named reader, "" where nobody is named.
    repeat_open: a repeat biopsy has to be decided on. follow_up_due: the day of an agreed follow-up that is not done.
    closed: the order was withdrawn, or ended without a result.
    """

    order: str
    test: str
    urgent: bool
    taken_at: datetime | None = None
    dispatched_at: datetime | None = None
    received_at: datetime | None = None
    reported_at: datetime | None = None
    acknowledged_at: datetime | None = None
    told_at: datetime | None = None
    reader: str = ""
    repeat_open: bool = False
    follow_up_due: date | None = None
    closed: bool = False


@dataclass(frozen=True)
class Chase:
    """One step that is awaited.

    due: in London's time; None where no time is configured. whose: who has to act, a name or a place.
    late: how late it is, in words, "" where it is not.
    """

    order: str
    step: Step
    state: State
    due: datetime | None
    whose: str
    late: str

    @property
    def sentence(self) -> str:
        """What is awaited and how late it is, as one sentence."""
        what = WHAT[self.step]
        if self.due is None:
            return f"{what}: no time is configured, so nobody is reminded. {self.whose} acts."
        when = f"{self.due:%d %b %Y, %H:%M}"
        if self.state == "overdue":
            return f"{what}: was due {when}, {self.late} late. {self.whose} acts."
        return f"{what}: due {when}. {self.whose} acts."


def awaited(
    progress: Progress, rules: SpecimenRules, now: datetime, closed_days: Container[date] = ()
) -> tuple[Chase, ...]:
    """The steps that one order waits for, in time or not.

    What is later on the way makes an earlier step done: a sample that the laboratory has was sent, whoever forgot to
    record it.
    """
    test = rules.test(progress.test)
    found: list[Chase] = []

    def add(step: Step, due: datetime | None, whose: str) -> None:
        found.append(_chase(progress.order, step, due, whose, now, closed_days))

    def in_days(start: datetime, days: Sourced[float] | None) -> datetime | None:
        return None if days is None else due_after(start, int(days.value), closed_days)

    reader = progress.reader or "The IR doctor, as nobody is named"
    reported, received, sent = progress.reported_at, progress.received_at, progress.dispatched_at
    if not progress.closed and reported is None:
        if received is not None:
            add("result", in_days(received, _result_days(test, progress.urgent)), "The laboratory")
        elif sent is not None:
            hours = test.transport_h if test else None
            add(
                "receipt",
                hours_after(sent, hours.value) if hours else None,
                "The IR nurse rings; the laboratory",
            )
        elif progress.taken_at is not None:
            hours = test.dispatch_h if test else None
            add("dispatch", hours_after(progress.taken_at, hours.value) if hours else None, "The IR nurse")
    if reported is not None and progress.acknowledged_at is None:
        add("acknowledgement", in_days(reported, rules.acknowledge_working_days), reader)
    if progress.acknowledged_at is not None and progress.told_at is None:
        add("telling", in_days(progress.acknowledged_at, rules.tell_working_days), reader)
    if progress.repeat_open and reported is not None:
        add("repeat decision", in_days(reported, rules.repeat_working_days), reader)
    if progress.follow_up_due is not None:
        add("follow-up", _end_of(progress.follow_up_due, closed_days), reader)
    return tuple(found)


def overdue(
    orders: Sequence[Progress], rules: SpecimenRules, now: datetime, closed_days: Container[date] = ()
) -> tuple[Chase, ...]:
    """What has to be chased over all orders: overdue, the longest first, then what has no time configured."""
    late = [
        chase
        for progress in orders
        for chase in awaited(progress, rules, now, closed_days)
        if chase.state != "in time"
    ]
    return tuple(sorted(late, key=lambda chase: (chase.due is None, chase.due or now)))


def _result_days(test: LaboratoryTest | None, urgent: bool) -> Sourced[float] | None:
    if test is None:
        return None
    return test.urgent_result_working_days if urgent else test.result_working_days


def _end_of(day: date, closed_days: Container[date]) -> datetime:
    """17:00 of that day, or of the next working day: the day was agreed, so it is not counted on from."""
    return due_after(datetime(day.year, day.month, day.day, 12, tzinfo=LONDON), 0, closed_days)


def _chase(
    order: str, step: Step, due: datetime | None, whose: str, now: datetime, closed_days: Container[date]
) -> Chase:
    if due is None:
        return Chase(order, step, "not assessed", None, whose, "")
    if now <= due:
        return Chase(order, step, "in time", due, whose, "")
    return Chase(order, step, "overdue", due, whose, _late(due, now, closed_days))


def _late(due: datetime, now: datetime, closed_days: Container[date]) -> str:
    days = working_days_between(day_in_london(due), day_in_london(now), closed_days)
    if days:
        return "1 working day" if days == 1 else f"{days} working days"
    hours = int(((now - due).total_seconds() + _HALF_HOUR_S) // 3600)
    return "under an hour" if hours < 1 else "1 hour" if hours == 1 else f"{hours} hours"
