"""The way of a case as a table: which move leads from which stage to which, whose it is, and what must be
true first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a case stands."""

    REFERRED = "referred"
    ACCEPTED = "accepted"
    BOOKED = "booked"
    ARRIVED = "arrived"
    SIGNED_IN = "signed_in"
    TIMED_OUT = "timed_out"
    NEEDLE_OUT = "needle_out"
    SIGNED_OUT = "signed_out"
    DISCHARGED = "discharged"
    REPORTED = "reported"
    CLOSED = "closed"
    RETURNED = "returned"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


TITLES: Mapping[Stage, str] = {
    Stage.REFERRED: "Referred",
    Stage.ACCEPTED: "Accepted, to be booked",
    Stage.BOOKED: "Booked",
    Stage.ARRIVED: "Arrived",
    Stage.SIGNED_IN: "Signed in",
    Stage.TIMED_OUT: "Time out done",
    Stage.NEEDLE_OUT: "Needle out",
    Stage.SIGNED_OUT: "Signed out, in recovery",
    Stage.DISCHARGED: "Left the department, result awaited",
    Stage.REPORTED: "Result reported",
    Stage.CLOSED: "Closed",
    Stage.RETURNED: "Returned to the referrer",
    Stage.DECLINED: "Declined by the patient",
    Stage.CANCELLED: "Cancelled",
    Stage.ABANDONED: "Abandoned, no sample",
}

BEFORE_THE_ROOM = (
    Stage.REFERRED,
    Stage.ACCEPTED,
    Stage.BOOKED,
    Stage.ARRIVED,
    Stage.SIGNED_IN,
    Stage.TIMED_OUT,
)
ENDED = (Stage.CLOSED, Stage.RETURNED, Stage.DECLINED, Stage.CANCELLED, Stage.ABANDONED)


@dataclass(frozen=True)
class Need:
    """A fact that must be true (or, with ``value`` False, false); ``sentence`` says what is missing where it is not.

    A fact that nobody gives, or None, is not assessed, and never enough: what is missing fails closed.
    """

    fact: str
    sentence: str
    value: bool = True

    def met(self, facts: Mapping[str, object]) -> bool:
        """Whether the facts say so."""
        return facts.get(self.fact) is self.value


@dataclass(frozen=True)
class Move:
    """A step from one of ``origins`` to ``to``; ``permission`` names who may take it, ``reason`` whether one
    is asked.
    """

    name: str
    title: str
    origins: tuple[Stage, ...]
    to: Stage
    permission: str
    needs: tuple[Need, ...] = ()
    reason: bool = False

    def refusals(self, stage: Stage, facts: Mapping[str, object], reason: str = "") -> tuple[str, ...]:
        """Why the move cannot be taken, a sentence each; empty where it can."""
        if stage not in self.origins:
            return (f"“{self.title}” is not possible while the case is at “{TITLES[stage]}”.",)
        found = [need.sentence for need in self.needs if not need.met(facts)]
        if self.reason and not reason.strip():
            found.append("Give a reason.")
        return tuple(found)


_CONSENTED = (
    Need("consent.confirmed", "Consent is not confirmed for the plan as it stands."),
    Need("consent.withdrawn", "The patient has withdrawn consent.", value=False),
)

MOVES: Mapping[str, Move] = {
    move.name: move
    for move in (
        Move(
            "accept", "Accept the referral", (Stage.REFERRED,), Stage.ACCEPTED, "vet",
            (Need("referral.complete", "The referral is not complete."),
             Need("vetting.ready", "The assessment still has something that blocks or is not assessed.")),
        ),
        Move("return_to_referrer", "Return to the referrer", (Stage.REFERRED,), Stage.RETURNED, "vet", reason=True),
        Move(
            "book", "Book a slot", (Stage.ACCEPTED,), Stage.BOOKED, "schedule",
            (Need("scheduling.slot", "No slot is booked."),),
        ),
        Move("postpone", "Postpone", (Stage.BOOKED, Stage.ARRIVED), Stage.ACCEPTED, "schedule", reason=True),
        Move("arrive", "Patient has arrived", (Stage.BOOKED,), Stage.ARRIVED, "checklist"),
        Move(
            "sign_in", "Sign in", (Stage.ARRIVED,), Stage.SIGNED_IN, "checklist",
            (Need("checklist.sign_in", "Sign in is not complete."),
             Need("vetting.ready", "The assessment still has something that blocks or is not assessed."), *_CONSENTED),
        ),
        Move(
            "time_out", "Time out", (Stage.SIGNED_IN,), Stage.TIMED_OUT, "checklist",
            (Need("checklist.time_out", "Time out is not complete."),
             Need("plan.accepted_or_at_table", "No plan is accepted, and nothing is planned at the table."),
             *_CONSENTED),
        ),
        Move(
            "needle_out", "Last needle out", (Stage.TIMED_OUT,), Stage.NEEDLE_OUT, "record_procedure",
            (Need("procedure.needle_out", "The time of the last needle out is not recorded."),),
        ),
        Move(
            "sign_out", "Sign out", (Stage.NEEDLE_OUT,), Stage.SIGNED_OUT, "checklist",
            (Need("checklist.sign_out", "Sign out is not complete."),
             Need("specimen.counted", "The pots do not match the orders."),),
        ),
        Move("discharge", "Patient has left", (Stage.SIGNED_OUT,), Stage.DISCHARGED, "checklist"),
        Move(
            "report", "Result reported", (Stage.DISCHARGED, Stage.SIGNED_OUT), Stage.REPORTED, "report_result",
            (Need("laboratory.reported", "No result is recorded."),),
        ),
        Move(
            "results_in", "Every result is in", (Stage.DISCHARGED,), Stage.REPORTED, "acknowledge_result",
            (Need("laboratory.reported", "A result is still awaited."),),
        ),
        Move(
            "close", "Close the case", (Stage.REPORTED,), Stage.CLOSED, "acknowledge_result",
            (Need("laboratory.acknowledged", "The named reader has not acknowledged the result."),
             Need("laboratory.told", "It is not recorded that the referrer and the patient know the result."),),
        ),
        Move("decline", "Patient declines", BEFORE_THE_ROOM, Stage.DECLINED, "take_consent",
             (Need("consent.declined", "The patient's decision is not recorded."),), reason=True),
        Move("cancel", "Cancel", (Stage.REFERRED, Stage.ACCEPTED, Stage.BOOKED, Stage.ARRIVED), Stage.CANCELLED,
             "schedule", reason=True),
        Move("abandon", "Abandon: no needle has been in", (Stage.SIGNED_IN, Stage.TIMED_OUT), Stage.ABANDONED,
             "record_procedure",
             (Need("procedure.needle_in", "A needle has been in: record needle out instead.", value=False),),
             reason=True),
        Move("reopen", "Take up again", (Stage.RETURNED, Stage.CANCELLED, Stage.DECLINED), Stage.REFERRED, "refer",
             reason=True),
    )
}  # fmt: skip
"""Every move there is; whatever is not here cannot be done."""

NEXT: Mapping[Stage, str] = {
    Stage.REFERRED: "accept",
    Stage.ACCEPTED: "book",
    Stage.BOOKED: "arrive",
    Stage.ARRIVED: "sign_in",
    Stage.SIGNED_IN: "time_out",
    Stage.TIMED_OUT: "needle_out",
    Stage.NEEDLE_OUT: "sign_out",
    Stage.SIGNED_OUT: "discharge",
    Stage.DISCHARGED: "report",
    Stage.REPORTED: "close",
}
"""The move that carries a case on from each stage that has one."""


def moves_from(stage: Stage) -> tuple[Move, ...]:
    """Every move that starts at a stage, in the order of the table."""
    return tuple(move for move in MOVES.values() if stage in move.origins)


WHOSE: Mapping[str, str] = {
    "vet": "ir_doctor",
    "schedule": "coordinator",
    "checklist": "ir_nurse",
    "record_procedure": "ir_doctor",
    "report_result": "laboratory",
    "acknowledge_result": "ir_doctor",
    "take_consent": "ir_doctor",
    "refer": "referrer",
}
"""The role that a move with each permission is expected of; others who hold the permission may take it, too."""
