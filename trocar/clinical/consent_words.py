"""What stands on the consent: each risk side by side from leaflet, evidence and our own count, and what lies near.

Patients get published and own rates, and near structures in words with distances. Modelled probabilities assume one
uncorrected pass with the errors of a phantom: they are for staff, labelled "model, not outcome" (clinical rules).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trocar.clinical.consent_rules import NO_FIGURE, ConsentRules, Risk, contradictions_of
from trocar.clinical.rates import OwnRate, Rate

NO_OWN_FIGURE = "no figure of our own yet"
NOT_IN_LEAFLET = "The leaflet does not mention this."
MODEL = "model, not outcome"


@dataclass(frozen=True)
class RiskShown:
    """One risk in words. published, own: None where there is no figure; the words beside them then say so.

    label: a word for the published rate, empty where there is none or the department has not approved the scale.
    warnings: for staff, where the leaflet does not fit the evidence.
    """

    risk: Risk
    leaflet_words: str
    published: Rate | None
    published_words: str
    spared_words: str
    label: str
    own: Rate | None
    own_words: str
    raised_by: tuple[str, ...]
    warnings: tuple[str, ...]


def side_by_side(rules: ConsentRules, own: Mapping[str, OwnRate]) -> tuple[RiskShown, ...]:
    """Every risk of the protocol, the serious ones first. own: risk's name -> what this department counted itself."""
    ordered = sorted(rules.risks, key=lambda risk: risk.harm != "serious")
    return tuple(_shown(risk, rules, own.get(risk.name)) for risk in ordered)


def _shown(risk: Risk, rules: ConsentRules, own: OwnRate | None) -> RiskShown:
    published = risk.rate.value if risk.rate else None
    counted = own.rate(rules.denominator) if own else None
    return RiskShown(
        risk=risk,
        leaflet_words=_leaflet_words(risk, rules.denominator),
        published=published,
        published_words=f"{published.frequency} ({published.percent})" if published else NO_FIGURE,
        spared_words=published.spared if published else "",
        label=rules.scale.words(published) if published and rules.scale else "",
        own=counted,
        own_words=f"{counted.frequency} ({counted.basis})" if counted else NO_OWN_FIGURE,
        raised_by=tuple(entry.words.value for entry in risk.raised_by),
        warnings=tuple(contradictions_of(risk, rules.scale)),
    )


def _leaflet_words(risk: Risk, denominator: int) -> str:
    if risk.leaflet is None:
        return NOT_IN_LEAFLET
    says = f"“{risk.leaflet.says.value}”"
    if risk.leaflet.rate is None:
        return says
    return f"{says} That is {risk.leaflet.rate.value.per(denominator).frequency}."


@dataclass(frozen=True)
class Nearby:
    """A structure near the planned path. distance_mm: from the needle's axis; None where nobody judged it."""

    structure: str
    distance_mm: float | None
    passed: bool

    def __post_init__(self) -> None:
        if self.distance_mm is not None and not (math.isfinite(self.distance_mm) and self.distance_mm >= 0):
            raise ValueError("a distance is 0 mm or more")


def nearby_in_words(near: Sequence[Nearby]) -> tuple[str, ...]:
    """What lies near the needle, for the patient: what it goes through, then by distance, then what nobody judged.

    Whole millimetres, rounded down, so that no structure is told to be farther away than it is. No probabilities.
    """
    passed = [item for item in near if item.passed]
    judged = [item for item in near if not item.passed and item.distance_mm is not None]
    unjudged = [item for item in near if not item.passed and item.distance_mm is None]
    lines = [f"The needle goes through: {item.structure}." for item in passed]
    for item in sorted(judged, key=lambda item: item.distance_mm or 0.0):
        whole_mm = math.floor(item.distance_mm or 0.0)
        if whole_mm == 0:
            lines.append(f"The needle comes closer than 1 mm to: {item.structure}.")
        else:
            lines.append(f"{whole_mm} mm from the needle: {item.structure}.")
    lines += [f"How near the needle comes was not judged: {item.structure}." for item in unjudged]
    return tuple(lines)


def modelled_for_staff(probabilities: Mapping[str, float | None]) -> tuple[str, ...]:
    """The planner's probabilities of entering each structure, for staff only, each labelled as a model's."""
    lines = []
    for structure, share in sorted(probabilities.items(), key=lambda item: -(item[1] or 0.0)):
        if share is None:
            lines.append(f"{structure}: not judged ({MODEL})")
        else:
            shown = "under 0.1%" if share < 0.001 else f"{100 * share:.1f}%"
            lines.append(f"{structure}: {shown} ({MODEL})")
    return tuple(lines)
