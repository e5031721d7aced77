"""What stands beside a question of the checklist, told by the other parts of the case through the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trocar.clinical.checklist_rules import Shown
from trocar.clinical.laterality import Agreement
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.procedure.answers import Checklist, sides, specimen_problems
from trocar.web.procedure.record import Record
from trocar.web.procedure.sections import clock_time

SECTIONS: Mapping[str, str] = {
    "consent": "consent",
    "plan": "plan",
    "bleeding": "vetting",
    "medicines": "medicines",
    "specimens": "specimen",
    "dose": "radiation",
}
"""What is shown -> key of the section that tells it."""


@dataclass(frozen=True)
class Beside:
    """rows: label and words. problems: what is wrong, loudly. entries: a part of the record in full."""

    rows: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    entries: tuple[registry.Entry, ...] = ()


def section_for(shown: str) -> registry.Section | None:
    """The section that tells about ``shown``, if there is one."""
    return next((section for section in registry.sections() if section.key == SECTIONS.get(shown)), None)


def beside(shown: Shown, checklist: Checklist, record: Record, facts: Mapping[str, Any]) -> Beside:
    """What to read out for ``shown``; what nobody tells is said to be missing."""
    case = checklist.case
    if shown == "identity":
        p = case.patient
        return Beside((
            ("Name", p.name), ("Born", f"{p.birth_date:%d/%m/%Y}"), ("NHS number", p.nhs_number_shown),
            ("Hospital number", p.hospital_number or "none"),
        ))  # fmt: skip
    if shown == "allergies":
        return Beside((("Allergies", str(facts.get("referral.allergies_words") or "Allergies not asked")),))
    if shown == "sides":
        return _sides(checklist, facts)
    if shown == "team":
        rows = tuple((", ".join(sorted(member.duties)).capitalize(), member.name) for member in record.team)
        return Beside(rows, record.team_problems)
    if shown == "T0":
        return Beside((("Needle out (T0)", clock_time(record.t0)),))
    told = _told(shown, case)
    if shown == "specimens" and record.t0 is not None:
        return Beside(told.rows, (*told.problems, *specimen_problems(record, facts)), told.entries)
    return told


def _sides(checklist: Checklist, facts: Mapping[str, Any]) -> Beside:
    case = checklist.case
    found = sides(checklist, facts)
    names = {"referral": "Referral", "consent": "Consent", "plan": "Plan"}
    rows = [
        (title, _place(facts.get(f"{place}.side"), facts.get(f"{place}.site")))
        for place, title in names.items()
    ]
    for place, title in (("mark", "Mark on the skin"), ("images", "Images")):
        stated = checklist.stated(place)  # type: ignore[arg-type]
        rows.append((title, "not said yet" if stated is None else _place(stated.side or "none", case.site)))
    return Beside(tuple(rows), () if isinstance(found, Agreement) else tuple(found))


def _place(side: object, site: object) -> str:
    said = {"none": "no side", "left": "LEFT", "right": "RIGHT"}.get(str(side or ""), "")
    return ", ".join(part for part in (said, str(site or "")) if part) or "not said"


def _told(shown: Shown, case: Case) -> Beside:
    section = section_for(shown)
    if section is None:
        return Beside(problems=(f"Nothing is known here about: {shown}.",))
    state = section.state(case)
    entries = tuple(section.entries(case))[:3] if shown == "plan" else ()
    return Beside(((section.title, state.summary or state.status),), state.problems, entries)


def pictures(case: Case) -> list[registry.RecordPicture]:
    """The plan's pictures, as the plan's own section gives them."""
    section = section_for("plan")
    return list(section.pictures(case)) if section is not None else []
