"""How long a patient stays after the needle, as the protocol says it."""

from __future__ import annotations

from dataclasses import dataclass

from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced
from trocar.clinical.sourced_section import sourced_number


@dataclass(frozen=True)
class StayRules:
    """minimum_h: hours under observation, counted from T0, the last needle out."""

    minimum_h: Sourced[float]


def read_stay(top: Section) -> StayRules | None:
    """The section ``stay``; None, and the mistakes noted, where it is missing or wrong."""
    section = top.section("stay")
    if section is None:
        return None
    return section.make(StayRules, minimum_h=sourced_number(section, "minimum_h"))
