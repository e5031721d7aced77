"""Sign in, time out and sign out as hard stops in order.

The stages and their themes are those of the WHO checklist for radiology (clinical reference, section 5, L1); the
questions themselves stand in the protocol file. Nothing here reads a clock: whoever asks says what time it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from trocar.clinical.checklist_rules import ChecklistItem, ChecklistRules, ChecklistStage, Guard

STAGE_TITLES: Mapping[ChecklistStage, str] = {
    "sign_in": "Sign in",
    "time_out": "Time out",
    "sign_out": "Sign out",
}

_GUARD_MISSING: Mapping[Guard, str] = {
    "consent": "The record does not hold a confirmed consent for the plan as it stands.",
    "plan": "The record holds no accepted plan, and nothing planned at the table.",
    "sides": "Side and site are not shown to agree in every place.",
    "baseline": "The record does not hold a complete set of observations from before sedation.",
    "monitoring": "The record does not name who watches the patient.",
    "specimens": "The record does not show that the pots match the orders.",
    "complications": "The record does not say whether there were complications.",
    "exposure": "The record does not show that no X-ray was used, or that it was authorised and its dose entered.",
}

ItemStatus = Literal["open", "passed", "stopped", "resolved", "not backed", "not configured"]


@dataclass(frozen=True)
class Resolution:
    """Who decided, and how, that the procedure may go on after an answer that stops."""

    text: str
    by: str
    role: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.text.strip() or not self.by.strip():
            raise ValueError("a resolution names a person and says what was decided")


@dataclass(frozen=True)
class Answer:
    """One answer as it was given: to which item, by whom, when (with time zone), and how a stop was resolved."""

    item: str
    given: str
    by: str
    at: datetime
    resolution: Resolution | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("the time of an answer needs a time zone")
        if not self.by.strip():
            raise ValueError("an answer names who gave it")


@dataclass(frozen=True)
class ItemState:
    """How one item stands. sentence: what is missing; empty where nothing is."""

    item: ChecklistItem
    answer: Answer | None
    status: ItemStatus
    sentence: str = ""

    @property
    def good(self) -> bool:
        """Whether the item lets the stage be completed."""
        return self.status in ("passed", "resolved")


@dataclass(frozen=True)
class StageReview:
    """How one stage of the checklist stands: its items in order."""

    stage: ChecklistStage
    items: tuple[ItemState, ...]

    @property
    def complete(self) -> bool:
        """Whether every item is answered well or resolved."""
        return all(state.good for state in self.items)

    @property
    def problems(self) -> tuple[str, ...]:
        """What stands in the way, a sentence each, in the order of the items."""
        return tuple(state.sentence for state in self.items if not state.good)

    @property
    def resolved(self) -> tuple[ItemState, ...]:
        """Items that stopped and were resolved: they are read out again at the next stage."""
        return tuple(state for state in self.items if state.status == "resolved")


def review(
    rules: ChecklistRules,
    stage: ChecklistStage,
    answers: Iterable[Answer],
    record: Mapping[Guard, bool | None],
    not_configured: Collection[str] = (),
) -> StageReview:
    """How ``stage`` stands.

    answers: those of this round, oldest first; the last one to each item counts. record: what the record says to
    each guard; one that is missing or None is not assessed, and so not met. not_configured: names of items whose
    question the department has not approved: the stage cannot be completed until it is.
    """
    last = {answer.item: answer for answer in answers}
    items = tuple(
        _state(rules, item, last.get(item.name), record, item.name in not_configured)
        for item in rules.of(stage)
    )
    return StageReview(stage, items)


def _state(
    rules: ChecklistRules,
    item: ChecklistItem,
    answer: Answer | None,
    record: Mapping[Guard, bool | None],
    not_configured: bool,
) -> ItemState:
    if not_configured:
        return ItemState(
            item, answer, "not configured", f"“{item.name}”: not configured, nobody approved the question."
        )
    if answer is None or answer.given not in item.answers:
        return ItemState(item, None, "open", f"“{item.name}” is not answered.")
    if item.needs and record.get(item.needs) is not True and answer.given not in item.stops:
        return ItemState(item, answer, "not backed", f"“{item.name}”: {_GUARD_MISSING[item.needs]}")
    if answer.given not in item.stops:
        return ItemState(item, answer, "passed")
    if item.needs == "sides":
        # No word of anybody makes two sides one: what is wrong is put right where it stands, and asked again.
        return ItemState(item, answer, "stopped", f"“{item.name}”: {answer.given}. Put right what disagrees.")
    if answer.resolution is None:
        return ItemState(
            item, answer, "stopped", f"“{item.name}”: {answer.given}. It needs a named resolution."
        )
    if answer.resolution.role != rules.resolved_by.value:
        return ItemState(item, answer, "stopped", f"“{item.name}” was resolved by somebody who may not.")
    return ItemState(item, answer, "resolved", f"“{item.name}”: {answer.given}. {answer.resolution.text}")


def out_of_order(
    stage: ChecklistStage, completed: Mapping[ChecklistStage, datetime | None], needle_out_at: datetime | None
) -> tuple[str, ...]:
    """Why ``stage`` cannot be answered yet, or no more; empty where it can.

    completed: when each stage was completed last. needle_out_at: T0, None while a needle may be in.
    """
    found = []
    if stage != "sign_in" and not completed.get("sign_in"):
        found.append("Sign in comes first.")
    if stage == "sign_out" and not completed.get("time_out"):
        found.append("Time out comes first.")
    if stage == "sign_out" and needle_out_at is None:
        found.append("Sign out begins when the last needle is out; record needle out first.")
    if stage == "sign_in" and completed.get("sign_in"):
        found.append("Sign in is complete.")
    if stage == "time_out" and needle_out_at is not None:
        found.append("The needle is out; there is nothing left to stop for.")
    if stage == "sign_out" and completed.get("sign_out"):
        found.append("Sign out is complete.")
    return tuple(found)


@dataclass(frozen=True)
class TimeOutStanding:
    """Whether the skin may be punctured on this time out. until: the last moment; None where none is known."""

    valid: bool
    until: datetime | None
    sentence: str


def time_out_standing(completed_at: datetime | None, minutes: float | None, at: datetime) -> TimeOutStanding:
    """Whether a time out completed at ``completed_at`` still holds at ``at``.

    minutes: the protocol's ``time_out_minutes``; None where the department has not configured it, and then no time
    out holds. A time out completed after ``at`` does not hold for what happened before it.
    """
    if completed_at is None:
        return TimeOutStanding(False, None, "There is no completed time out.")
    if minutes is None:
        return TimeOutStanding(
            False, None, "How long a time out holds is not configured; the department has to approve it."
        )
    until = completed_at + timedelta(minutes=minutes)
    if at < completed_at:
        return TimeOutStanding(False, until, "The time out was completed after that moment.")
    if at > until:
        return TimeOutStanding(
            False, until, f"The time out is older than {minutes:g} minutes; do it again before the puncture."
        )
    return TimeOutStanding(True, until, f"The time out holds for {minutes:g} minutes.")


def count_specimens(
    orders: int | None, pots: int | None, cores_taken: int | None, cores_in_pots: int | None
) -> tuple[str, ...]:
    """What does not match between what was taken, potted and ordered; empty where everything does.

    Each pot sits on exactly one order (clinical rules, "In the room") and each order has one pot, so that the pots in
    the hand are as many as the orders. A number that nobody gave is a mismatch. No order, no pot and no core match: a
    procedure without a sample.
    """
    if orders is None:
        return ("The number of orders is not known.",)
    if pots is None:
        return ("The number of pots is not known.",)
    if cores_taken is None:
        return ("The number of cores taken is not known.",)
    if cores_in_pots is None:
        return ("The number of cores in the pots is not known.",)
    found = []
    if pots != orders:
        found.append(f"Pots: {pots}, for orders: {orders}; every order has one pot.")
    if bool(orders) != bool(cores_taken):
        found.append(
            "Cores were taken, and nothing is ordered." if cores_taken else "Ordered, and no core was taken."
        )
    if cores_in_pots != cores_taken:
        found.append(f"Cores taken: {cores_taken}; in the pots: {cores_in_pots}.")
    return tuple(found)
