"""Whether a planned path may be accepted for a case, and what has to be confirmed first.

Source of the rules: the clinical rules of this house, "Planning and guidance" (a CT in another position than the
needle's is for rehearsal until a scan in position; one confirmation each for blocking warnings, the rest listed once)
and section 5 of the clinical reference (side and site are held against the referral).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

CaseSide = Literal["left", "right", "none", ""]
"""As a case has it: "none" is a site without side, "" is not said."""

BLOCKING = frozenset(
    {
        "not_in_position",
        "position_unknown",
        "metal",
        "missing_structures",
        "edge_of_scan",
        "target_near_edge",
        "old_scan",
        "scan_in_future",
    }
)
"""Codes of the planner's warnings that each need a confirmation: something was not judged, or may have changed."""


@dataclass(frozen=True)
class OfferedPath:
    """What is known of a path that somebody wants to accept.

    protocol, side: as planned; side None where the plan names none. warnings: code -> sentence. relaxed: the limit
    that had to be given up for it; None for a path within the protocol's limits. needs_check_scan: organs that move
    were not judged, as the CT was made in another position than the needle's.
    """

    protocol: str
    side: str | None
    warnings: Mapping[str, str]
    relaxed: str | None
    needs_check_scan: bool


@dataclass(frozen=True)
class CaseFacts:
    """What the case says. suspected_tumour: of a primary bone tumour; None where nobody asked or it is not bone.

    route_agreed: the sarcoma team or the surgeon and the agreed route are on the record.
    """

    protocol: str
    side: CaseSide
    suspected_tumour: bool | None = None
    route_agreed: bool | None = None


@dataclass(frozen=True)
class Acceptance:
    """refusals: why not, a sentence each. rehearsal_only: accepted, it would serve for rehearsal only."""

    refusals: tuple[str, ...]
    rehearsal_only: bool


def to_confirm(warnings: Mapping[str, str]) -> dict[str, str]:
    """The warnings that each need a confirmation."""
    return {code: text for code, text in warnings.items() if code in BLOCKING}


def accept(path: OfferedPath, case: CaseFacts, confirmed: Collection[str]) -> Acceptance:
    """Whether the path may be accepted. confirmed: codes of the warnings that the doctor has confirmed, one by one."""
    found = []
    if path.protocol != case.protocol:
        found.append("This plan is of another procedure than the case.")
    found += side_refusals(case.side, path.side)
    if path.relaxed is not None:
        found.append("This path is not within the protocol's limits, so it cannot be accepted.")
    if case.suspected_tumour and not case.route_agreed:
        found.append(
            "A primary bone tumour is suspected: the sarcoma team or the surgeon and the agreed route come first."
        )
    found += [
        f"Confirm this warning: {text}"
        for code, text in to_confirm(path.warnings).items()
        if code not in confirmed
    ]
    return Acceptance(tuple(found), path.needs_check_scan)


def side_refusals(case_side: CaseSide, plan_side: str | None) -> tuple[str, ...]:
    """Whether the plan is of the case's side; a side that is missing on either is a refusal."""
    if case_side == "":
        return ("The case does not say its side; complete the referral first.",)
    if case_side == "none":
        return () if plan_side is None else (f"The plan is of the {plan_side}, but the case has no side.",)
    if plan_side is None:
        return (f"The plan does not say its side, but the case is of the {case_side}.",)
    if plan_side != case_side:
        return (f"The plan is of the {plan_side}, but the case is of the {case_side}.",)
    return ()


def check_scan_refusals(
    not_judged: Collection[str], found_clear: Mapping[str, bool | None]
) -> tuple[str, ...]:
    """Why a scan in position does not yet make a rehearsed path one to carry out.

    not_judged: structures in words that were not judged. found_clear: of each, whether the scan shows it out of the
    path's way; None, or a structure left out, is not assessed.
    """
    sentences = []
    for name in not_judged:
        answer = found_clear.get(name)
        if answer is None:
            sentences.append(f"Say whether the scan in position shows the path clear of: {name}.")
        elif not answer:
            sentences.append(
                f"The scan in position shows {name} in the way; choose another path or plan anew."
            )
    return tuple(sentences)
