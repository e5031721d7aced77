"""The chapter of docs/protocols.md on what is asked before a biopsy."""

from __future__ import annotations

from trocar.clinical.labs import QUANTITIES
from trocar.clinical.markdown import plain, table
from trocar.clinical.medicine_rules import ClassPlan, HoldOption, HoldStep, MedicineRule
from trocar.clinical.medicines import provenance
from trocar.clinical.sourced import Sourced
from trocar.clinical.vetting_rules import COMPARED, NOBODY, Gate, Question, VettingRules


def vetting_chapter(rules: VettingRules) -> str:
    """Sites, limits, questions and medicines, each figure with its source and status."""
    sites = (
        (site.name, site.bleeding_class.value, provenance(site.bleeding_class), site.bleeding_class.note)
        for site in rules.sites
    )
    ages = (
        (
            option.name,
            f"{option.stable_days.value:g} days, {provenance(option.stable_days)}",
            f"{option.unstable_hours.value:g} hours, {provenance(option.unstable_hours)}",
        )
        for option in rules.result_age.options
    )
    stents = rules.stents
    return "\n\n".join(
        (
            "Where the sources disagree, the options stand here, and a department has nothing until it has chosen "
            "one; the first named is what the sample department uses. What is missing is never ready.",
            "#### Bleeding class",
            table(("Site", "Class", "Source", "Note"), sites),
            "#### Age of laboratory results",
            table(("Option", "Stable patient", "Unstable patient"), ages),
            "#### Limits",
            table(
                ("Value", "Limit", "Breach", "Overridden by", "Classes", "When", "Needed", "Why"),
                (_gate(gate) for gate in rules.gates),
            ),
            "#### Questions",
            table(
                ("Question", "Counts", "Severity", "Overridden by", "When", "Why"),
                (_question(question) for question in rules.questions),
            ),
            "#### Medicines",
            "A day is a full day with no dose; there is none on the day of the biopsy either. Restart counts from the "
            "needle out. Creatinine clearance (CrCl, ml/min) is by Cockcroft and Gault.",
            table(
                ("Medicine", "High bleeding risk", "Low bleeding risk"),
                (_medicine(medicine) for medicine in rules.medicines),
            ),
            f"After a coronary stent, {', '.join(stents.go_on)} goes on and {', '.join(stents.ask)} is only stopped "
            f"by a cardiologist: bare metal for {stents.bare_metal_months.value:g} months "
            f"({provenance(stents.bare_metal_months)}), drug eluting for {stents.drug_eluting_months.value:g} months "
            f"({provenance(stents.drug_eluting_months)}).",
        )
    )


def _gate(gate: Gate) -> tuple[str, ...]:
    quantity = QUANTITIES[gate.of]
    options = sorted(gate.options, key=lambda o: gate.chosen is None or o.name != gate.chosen.value)
    limits = [(f"{option.name}: ", option.limit) for option in options]
    if gate.limit is not None:
        limits.append(("", gate.limit))
    words = "; or ".join(
        f"{name}{COMPARED[gate.comparator]} {quantity.shown(limit.value)}, {_with_note(limit)}"
        for name, limit in limits
    )
    needed = {"always": "always", "if_known": "if known"}[gate.need]
    if gate.needed_with:
        needed += f"; always with {', '.join(gate.needed_with)}"
    return (
        quantity.title,
        words,
        gate.severity,
        "" if gate.override == NOBODY else plain(gate.override),
        ", ".join(gate.classes),
        ", ".join(gate.phases),
        needed,
        gate.why,
    )


def _question(question: Question) -> tuple[str, ...]:
    severity = f"{question.severity.value}, {_with_note(question.severity)}"
    if question.lifted_by:
        severity += f"; lifted by: {'; '.join(record.text for record in question.lifted_by)}"
    return (
        question.text,
        "yes" if question.counts_when else "no",
        severity,
        "" if question.override == NOBODY else plain(question.override),
        ", ".join(question.phases),
        question.why,
    )


def _medicine(medicine: MedicineRule) -> tuple[str, ...]:
    name = medicine.name + (f" ({', '.join(medicine.also)})" if medicine.also else "")
    return name, _plan(medicine.high), _plan(medicine.low)


def _plan(plan: ClassPlan | None) -> str:
    if plan is None:
        return "no such site"
    options = sorted(plan.options, key=lambda o: plan.chosen is None or o.name != plan.chosen.value)
    return "; or ".join(_option(option, len(options) > 1) for option in options)


def _option(option: HoldOption, named: bool) -> str:
    return (f"**{option.name}**: " if named else "") + "; ".join(_step(step) for step in option.steps)


def _step(step: HoldStep) -> str:
    which = f"CrCl {step.name}: " if step.renal else ""
    if step.goes_on is not None:
        return f"{which}go on, {_with_note(step.goes_on)}"
    if step.specialist is not None:
        return f"{which}ask a specialist, {_with_note(step.specialist)}"
    parts = []
    for name, unit in (("hold_days", "d"), ("hold_hours", "h")):
        value: Sourced[float] | None = getattr(step, name)
        if value is not None:
            parts.append(f"hold {value.value:g} {unit}, {_with_note(value)}")
    for first, last, unit in (
        (step.restart_days, step.restart_to_days, "d"),
        (step.restart_hours, step.restart_to_hours, "h"),
    ):
        if first is not None:
            span = f"{first.value:g} to {last.value:g}" if last else f"{first.value:g}"
            parts.append(f"restart {span} {unit}, {_with_note(first)}")
    return which + ", ".join(parts)


def _with_note(value: Sourced[float] | Sourced[bool] | Sourced[str]) -> str:
    return provenance(value) + (f": {value.note}" if value.note else "")
