"""Whether medicines can still be stopped in time for a slot, from what the assessment of the case says."""

from __future__ import annotations

from datetime import timedelta

from trocar.clinical.moved_slot import Hold, too_late
from trocar.clinical.slots import Slot
from trocar.web.cases import clock, registry
from trocar.web.cases.models import Case

HOLDS = "vetting.holds"
"""Fact of the assessment: pairs of medicine and hours from the last dose to the procedure; None: not assessed."""


def holds_of(case: Case) -> tuple[Hold, ...] | None:
    """The medicines to be stopped and how long before; None where nobody assessed them."""
    known = registry.facts(case).get(HOLDS)
    if known is None:
        return None
    return tuple(Hold(str(medicine), timedelta(hours=float(hours))) for medicine, hours in known)


def late_holds(case: Case, slot: Slot) -> tuple[str, ...]:
    """What is too late for this slot, a sentence each; and that nobody assessed it, where that is so."""
    holds = holds_of(case)
    if holds is None:
        return ("Which medicines must be stopped, and when, is not assessed.",)
    return too_late(slot.start, holds, clock.now())
