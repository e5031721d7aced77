"""The chapters of docs/protocols.md on the checklist and the procedure record."""

from __future__ import annotations

from trocar.clinical.checklist import STAGE_TITLES
from trocar.clinical.checklist_rules import STAGES, ChecklistRules
from trocar.clinical.markdown import figure, plain, table
from trocar.clinical.procedure_record import OBSERVATIONS
from trocar.clinical.procedure_rules import ProcedureRules


def checklist_chapter(rules: ChecklistRules) -> str:
    """What is asked at each stage, and what stops."""
    asked = (
        (
            STAGE_TITLES[item.stage],
            item.question.value,
            ", ".join(item.answers),
            ", ".join(item.stops),
            item.needs or "",
            f"{item.question.source} ({item.question.status})",
        )
        for stage in STAGES
        for item in rules.of(stage)
    )
    return (
        f"A time out holds for {figure(rules.time_out_minutes)} minutes before the puncture. An answer that stops is "
        f"resolved by {plain(rules.resolved_by.value)} ({rules.resolved_by.source}, {rules.resolved_by.status}).\n\n"
        + table(("When", "Question", "Answers", "Stops", "Held against the record", "Source"), asked)
    )


def procedure_chapter(rules: ProcedureRules) -> str:
    """Passes, observations, drugs, complications and dose."""
    drugs = (
        (
            drug.name,
            drug.use,
            f"{figure(drug.least_amount)} to {figure(drug.most_amount)} {drug.unit}",
            f"{figure(drug.total_amount)} {drug.unit}" if drug.total_amount else "",
            ", ".join(drug.routes),
        )
        for drug in rules.drugs
    )
    alerts = "; ".join(
        f"{alert.name}: `{alert.quantity}` {figure(alert.level)}" for alert in rules.dose_alerts
    )
    return "\n\n".join(
        (
            f"The page warns at pass {figure(rules.warn_at_pass)} and asks a reason beyond "
            f"{figure(rules.most_passes)}. "
            f"Before sedation ({', '.join(rules.sedation)}), not older than {figure(rules.baseline_minutes)} minutes: "
            f"{', '.join(OBSERVATIONS[kind].title.lower() for kind in rules.baseline)}.",
            "Amounts are guards against slips of unit and decimal point, not advice on dosing.",
            table(("Drug", "For", "One dose", "Warns from, in all", "Given"), drugs),
            "Asked by name: "
            + "; ".join(
                f"{kind.name} ({kind.words.value}; {kind.words.source}, {kind.words.status})"
                for kind in rules.complications
            )
            + ".",
            f"Dose from which the page warns: {alerts or 'none'}.",
        )
    )
