"""A patient in whom nothing stands against a biopsy, to spoil one fact of in each test."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any

from trocar.clinical.department import Department, Effective, effective, load_department, read_department
from trocar.clinical.labs import Measured
from trocar.clinical.loading import load_protocol
from trocar.clinical.readiness import assess
from trocar.clinical.vetting_facts import Assessment, Finding, VettingFacts
from trocar.clinical.vetting_rules import Phase, VettingRules

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday in November: London is on UTC."""

GOOD = {
    "haemoglobin": 131,
    "platelets": 240,
    "inr": 1.0,
    "creatinine": 120,
    "egfr": 62,
    "systolic": 124,
    "diastolic": 76,
    "kidney_length": 104,
    "weight": 72,
}


def sample(protocol: str) -> Effective:
    """The protocol as the sample department uses it."""
    return effective(load_protocol(protocol), load_department())


def real(protocol: str, *approvals: str) -> Effective:
    """The protocol as a real department with these approvals uses it."""
    text = "format: 1\ndepartment: A real department\nsample: false\nuses_unapproved: false\n"
    text += "allows: {archive_export: false, live_overlay: false}\n"
    text += load_scheduling()
    if approvals:
        text += f"approvals:\n  {protocol}:\n" + "".join(f"    - {{{entry}}}\n" for entry in approvals)
    department, mistakes = read_department(text.encode(), "department.yaml")
    assert isinstance(department, Department), mistakes
    return effective(load_protocol(protocol), department)


def load_scheduling() -> str:
    """The sample department's rooms and hours, which every department file needs."""
    text = (resources.files("trocar.clinical") / "departments" / "sample.yaml").read_text()
    at = text.find("\nscheduling:")
    return "" if at < 0 else text[at + 1 :].split("\nallows:")[0] + "\n"


def results(taken_at: datetime = NOW - timedelta(hours=2), **changed: float | None) -> tuple[Measured, ...]:
    """One result of each quantity; None leaves one out."""
    values: Mapping[str, float | None] = {**GOOD, **changed}
    return tuple(Measured(key, value, taken_at) for key, value in values.items() if value is not None)


def good_answers(rules: VettingRules) -> dict[str, bool]:
    """Every question answered in the way that does not count."""
    return {question.name: not question.counts_when for question in rules.questions}


def well(used: Effective, site: str, **changes: Any) -> VettingFacts:
    """The facts of the patient in whom nothing stands against it, with some changed."""
    facts = VettingFacts(
        site=site,
        birth_date=date(1970, 5, 1),
        sex="male",
        results=results(),
        answers=good_answers(used.protocol.vetting),
        medicines=(),
        stent="none",
        allergies=(),
    )
    return dataclasses.replace(facts, **changes)


def kidney(phase: Phase = "vetting", used: Effective | None = None, **changes: Any) -> Assessment:
    """An assessment before a kidney biopsy."""
    used = used or sample("kidney_biopsy")
    return assess(used, well(used, "native kidney", **changes), phase, NOW)


def bone(site: str, phase: Phase = "vetting", used: Effective | None = None, **changes: Any) -> Assessment:
    """An assessment before a bone biopsy."""
    used = used or sample("bone_biopsy")
    return assess(used, well(used, site, **changes), phase, NOW)


def answers(protocol: str, **changed: bool | None) -> dict[str, bool]:
    """Good answers with some changed (``_`` for spaces); None leaves one unanswered."""
    found = good_answers(load_protocol(protocol).vetting)
    for name, answer in changed.items():
        key = name.replace("_", " ")
        assert key in found, key
        if answer is None:
            del found[key]
        else:
            found[key] = answer
    return found


def finding(assessment: Assessment, gate: str) -> Finding:
    """The one finding of a rule."""
    found = [f for f in assessment.findings if f.gate == gate]
    assert len(found) == 1, (gate, [f.gate for f in assessment.findings])
    return found[0]
