"""What a moved or lost slot causes, whom staff must tell, and whether medicines can still be stopped in time.

Source: a moved slot withdraws the medicine plan and lists whom staff must phone (clinical rules, "Before").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from trocar.clinical.opening_hours import LONDON
from trocar.clinical.slots import Slot, spoken_day, spoken_time

Told = Literal["patient", "prescriber", "ward", "referrer", "transport", "interpreter"]

TOLD_IN_WORDS: Mapping[Told, str] = {
    "patient": "Patient",
    "prescriber": "Prescriber of the medicine plan",
    "ward": "Ward",
    "referrer": "Referrer",
    "transport": "Transport",
    "interpreter": "Interpreter",
}


@dataclass(frozen=True)
class Arrangements:
    """What hangs on a slot besides room and patient. plan_signed: a prescriber has signed the medicine plan."""

    plan_signed: bool
    ward: bool
    transport: bool
    interpreter: bool


@dataclass(frozen=True)
class Tell:
    """One person to tell, and what to say."""

    whom: Told
    sentence: str


@dataclass(frozen=True)
class Consequences:
    """What follows from a change of slot.

    holds_recomputed: hold dates count from another appointment, or from none. plan_withdrawn: the signed medicine
    plan no longer holds. tell: in the order in which to ring, the patient first.
    """

    holds_recomputed: bool
    plan_withdrawn: bool
    tell: tuple[Tell, ...]


def consequences(before: Slot | None, after: Slot | None, arrangements: Arrangements) -> Consequences:
    """What follows when a case goes from one slot to another; None stands for no slot.

    Another room at the same time leaves the medicines alone and is told only to those who bring the patient there.
    A first slot withdraws nothing: no plan was signed for an appointment that did not exist.
    """
    same_start = before is not None and after is not None and before.begun == after.begun
    same_room = before is not None and after is not None and before.room == after.room
    if before == after or (same_start and same_room):
        return Consequences(holds_recomputed=False, plan_withdrawn=False, tell=())
    withdrawn = arrangements.plan_signed and not same_start
    asked: Mapping[Told, bool] = {
        "patient": not same_start,
        "prescriber": withdrawn,
        "ward": arrangements.ward,
        "referrer": not same_start and before is not None,
        "transport": arrangements.transport,
        "interpreter": arrangements.interpreter,
    }
    tell = tuple(
        Tell(whom, _sentence(whom, before, after, withdrawn)) for whom, wanted in asked.items() if wanted
    )
    return Consequences(holds_recomputed=not same_start, plan_withdrawn=withdrawn, tell=tell)


def _sentence(whom: Told, before: Slot | None, after: Slot | None, withdrawn: bool) -> str:
    now = "Cancelled" if after is None else f"Now {_when(after)}"
    said = now if before is None else f"{now}; was {_when(before)}"
    if whom == "prescriber":
        wanted = "when medicines are taken again" if after is None else "new dates to sign"
        return f"{said}. The signed medicine plan is withdrawn: {wanted}."
    if whom == "patient" and withdrawn:
        return (
            f"{said}. Do not change your tablets yet: the dates given before no longer hold. We ring again."
        )
    return f"{said}."


def _when(slot: Slot) -> str:
    return f"{spoken_day(slot.start)} at {spoken_time(slot.start)} in {slot.room}"


@dataclass(frozen=True)
class Hold:
    """A medicine and how long before the procedure its last dose must be. lead: from last dose to procedure."""

    medicine: str
    lead: timedelta

    def __post_init__(self) -> None:
        if self.lead < timedelta(0):
            raise ValueError("a hold's lead cannot be negative")

    def last_dose(self, start: datetime) -> datetime:
        """The latest moment of the last dose before a procedure at ``start``, in London time."""
        return (start.astimezone(UTC) - self.lead).astimezone(LONDON)


def too_late(start: datetime, holds: Iterable[Hold], now: datetime) -> tuple[str, ...]:
    """For each medicine whose last dose should have been before ``now``, a sentence; longest hold first.

    Nothing is said of whether the patient took it: that is asked on the day.
    """
    late = [hold for hold in holds if hold.last_dose(start).astimezone(UTC) < now.astimezone(UTC)]
    return tuple(
        f"{hold.medicine}: the last dose should be by {spoken_day(hold.last_dose(start))} at "
        f"{spoken_time(hold.last_dose(start))}, which has passed."
        for hold in sorted(late, key=lambda hold: (-hold.lead, hold.medicine))
    )


def earliest_start(holds: Iterable[Hold], now: datetime) -> datetime:
    """The earliest start before which every medicine can still be stopped in time, in London time."""
    longest = max((hold.lead for hold in holds), default=timedelta(0))
    return (now.astimezone(UTC) + longest).astimezone(LONDON)
