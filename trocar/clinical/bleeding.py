"""How likely and how bad a bleed is: the class of the procedure at its site, and the patient's own risks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trocar.clinical.medicine_rules import CLASSES, BleedingClass
from trocar.clinical.medicines import provenance
from trocar.clinical.vetting_rules import VettingRules


@dataclass(frozen=True)
class ClassChoice:
    """A class that a named doctor set for one case, because the protocol does not know the site or is too low."""

    bleeding_class: BleedingClass
    by: str
    reason: str

    def __post_init__(self) -> None:
        if self.bleeding_class not in CLASSES:
            raise ValueError(f"the class is one of {', '.join(CLASSES)}")
        if not self.by.strip() or not self.reason.strip():
            raise ValueError("a chosen class needs a name and a reason")


@dataclass(frozen=True)
class BleedingRisk:
    """The class, or None where it is not assessed; why, in a sentence; and its source."""

    bleeding_class: BleedingClass | None
    words: str
    source: str


def bleeding_risk(
    site: str, rules: VettingRules, not_configured: Mapping[str, str], choice: ClassChoice | None = None
) -> BleedingRisk:
    """The bleeding class of a procedure at ``site`` (a word of the protocol, or a structure's name).

    An unknown site is not assessed: nobody guesses the lower class. A doctor's choice counts where the site is unknown
    or not configured, and where it is higher than the protocol's; a choice lower than the protocol's does not.
    Source of the classes: SIR 2019 and BSH, reference 2.1.
    """
    known = next((entry for entry in rules.sites if entry.holds(site)), None)
    if known is None:
        given: BleedingClass | None = None
        words = f"Not assessed: the protocol does not know the site {site!r}." if site.strip() else ""
        words, source = words or "Not assessed: the site is missing.", ""
    elif f"vetting.sites.{known.name}.bleeding_class" in not_configured:
        given, source = None, ""
        why = not_configured[f"vetting.sites.{known.name}.bleeding_class"]
        words = f"Not assessed: the class of {known.name} is not configured ({why})."
    else:
        given = "high" if known.bleeding_class.value == "high" else "low"
        note = f": {known.bleeding_class.note}" if known.bleeding_class.note else ""
        words = f"{given.capitalize()} bleeding risk at {known.name}{note}."
        source = provenance(known.bleeding_class)
    if choice is None or not site.strip() or given == "high" or given == choice.bleeding_class:
        return BleedingRisk(given, words, source)
    return BleedingRisk(
        choice.bleeding_class,
        f"{choice.bleeding_class.capitalize()} bleeding risk, chosen by {choice.by}: {choice.reason}",
        f"choice of {choice.by}",
    )
