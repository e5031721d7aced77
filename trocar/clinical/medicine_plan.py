"""The medicine plan of one appointment: dates and times of last doses and restarts, for a prescriber to sign.

Days are those of London. Hours are real hours, also over the night in which the clocks change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from trocar.clinical.medicines import Advice

LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class PlanLine:
    """One medicine with its dates for one appointment.

    last_dose_on: the last day with a dose, where the hold counts days. last_dose_by: the last moment, where it counts
    hours (London). restart_from, restart_to: first and last day or moment, counted from the appointment; the clock
    itself starts when the needle is out. words: for the patient, in whole sentences.
    """

    medicine: str
    kind: str
    last_dose_on: date | None
    last_dose_by: datetime | None
    none_on: tuple[date, ...]
    restart_from: date | datetime | None
    restart_to: date | datetime | None
    words: str
    source: str

    def missed(self, now: datetime) -> bool:
        """Whether the last dose should have been before ``now``."""
        if self.last_dose_by is not None:
            return now > self.last_dose_by
        return self.last_dose_on is not None and now.astimezone(LONDON).date() > self.last_dose_on

    def kept(self, last_dose_at: datetime) -> bool:
        """Whether a last dose was early enough."""
        if self.last_dose_by is not None:
            return last_dose_at <= self.last_dose_by
        return self.last_dose_on is None or last_dose_at.astimezone(LONDON).date() <= self.last_dose_on


def line(advice: Advice, start: datetime) -> PlanLine:
    """The dates of one settled advice for a procedure at ``start``.

    A hold of n days leaves n full days with no dose and none on the day itself (B6), so the last dose is on the day
    n + 1 before. Raises ValueError for advice that is not settled and for a start without time zone.
    """
    if start.tzinfo is None:
        raise ValueError("an appointment needs a time zone")
    if not advice.settled:
        raise ValueError(f"{advice.medicine} has no plan: {advice.words}")
    if advice.kind == "go on":
        words = f"{advice.medicine}: go on as usual, also on the day."
        return PlanLine(advice.medicine, "go on", None, None, (), None, None, words, advice.source)
    local = start.astimezone(LONDON)
    restart_from = _restart(advice.restart_days, advice.restart_hours, start)
    restart_to = _restart(advice.restart_to_days, advice.restart_to_hours, start)
    if advice.hold_hours is not None:
        by = (start.astimezone(UTC) - timedelta(hours=advice.hold_hours)).astimezone(LONDON)
        words = f"{advice.medicine}: last dose by {in_words(by)}. {_restart_words(restart_from, restart_to)}"
        return PlanLine(advice.medicine, "hold", None, by, (), restart_from, restart_to, words, advice.source)
    days = advice.hold_days or 0
    last = local.date() - timedelta(days=days + 1)
    none_on = tuple(local.date() - timedelta(days=n) for n in range(days, -1, -1))
    none = f"None on {in_words(none_on[0])}, the day of the biopsy."
    if days:
        none = f"None from {in_words(none_on[0])} to {in_words(none_on[-1])}, the day of the biopsy."
    words = (
        f"{advice.medicine}: last dose on {in_words(last)}. {none} {_restart_words(restart_from, restart_to)}"
    )
    return PlanLine(
        advice.medicine, "hold", last, None, none_on, restart_from, restart_to, words, advice.source
    )


def _restart(days: float | None, hours: float | None, start: datetime) -> date | datetime | None:
    if days is not None:
        return start.astimezone(LONDON).date() + timedelta(days=int(days))
    if hours is not None:
        return (start.astimezone(UTC) + timedelta(hours=hours)).astimezone(LONDON)
    return None


def _restart_words(first: date | datetime | None, last: date | datetime | None) -> str:
    if first is None:
        return "Restart only when we tell you."
    until = f" to {in_words(last)}" if last is not None else ""
    return f"Restart from {in_words(first)}{until}, unless there is bleeding: then ask first."


def in_words(moment: date | datetime) -> str:
    """``Friday 20 November 2026``, with ``at 09:00`` in London time where there is a time."""
    if isinstance(moment, datetime):
        local = moment.astimezone(LONDON)
        return f"{local:%A} {local.day} {local:%B %Y} at {local:%H:%M}"
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


WITHDRAWN = "Do not change your tablets yet, ring us."
"""What a patient is told while no signed plan stands for the appointment."""


@dataclass(frozen=True)
class Standing:
    """Whether a plan that was signed for one start still holds. phone: whom staff must ring, and why."""

    holds: bool
    words: str
    phone: tuple[str, ...]


def standing(signed_for: datetime | None, needed: bool, start: datetime | None, patient: str) -> Standing:
    """How a plan stands: signed for ``signed_for`` (None: never signed), the appointment now at ``start``.

    needed: whether any medicine is held. patient: name and telephone number, for the list of whom to ring.
    A slot that moved, even by an hour, withdraws the plan; so does a slot that was taken away.
    """
    if not needed and signed_for is None:
        return Standing(True, "No medicine has to be stopped.", ())
    if signed_for is None:
        return Standing(False, "No prescriber has signed the medicine plan.", ())
    if start is None:
        return Standing(
            False, "The slot was taken away, so the signed plan is withdrawn.", (f"{patient}: {WITHDRAWN}",)
        )
    if start != signed_for:
        return Standing(
            False,
            f"The slot moved from {in_words(signed_for)} to {in_words(start)}, so the signed plan is withdrawn.",
            (f"{patient}: {WITHDRAWN}",),
        )
    return Standing(True, f"Signed for {in_words(signed_for)}.", ())
