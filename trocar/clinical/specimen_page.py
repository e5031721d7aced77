"""The chapter of docs/protocols.md on samples and reports."""

from __future__ import annotations

from trocar.clinical.markdown import figure, plain, shown, table
from trocar.clinical.specimen_rules import AcceptedMedium, SpecimenRules


def specimen_chapter(rules: SpecimenRules) -> str:
    """Tests with their media and times, what a report says, and what is chased."""
    tests = (
        (
            test.title + (" (usual)" if test.usual else ""),
            "; ".join(_medium(rules, entry) for entry in test.media),
            ", ".join(_title(rules, name) for name in test.blocked)
            + (f": {test.why_blocked}" if test.blocked else ""),
            *(
                figure(value) if value else "not configured"
                for value in (
                    test.dispatch_h,
                    test.transport_h,
                    test.result_working_days,
                    test.urgent_result_working_days,
                )
            ),
        )
        for test in rules.tests
    )
    fields = (
        (
            field.title,
            plain(field.kind),
            field.test,
            "yes" if field.required else "",
            f"from {figure(field.adequate_from)}"
            if field.adequate_from
            else f"{shown(field.adequate_if.value)} ({field.adequate_if.source}, {field.adequate_if.status})"
            if field.adequate_if
            else "",
        )
        for field in rules.result_fields
    )
    days = (
        ("from report to acknowledgement", rules.acknowledge_working_days),
        ("from there until referrer and patient know", rules.tell_working_days),
        ("from report to the decision on a repeat biopsy", rules.repeat_working_days),
    )
    return "\n\n".join(
        (
            table(
                (
                    "Test",
                    "Media",
                    "Blocked",
                    "Sent off within, h",
                    "On the way, h",
                    "Result, working days",
                    "Urgent",
                ),
                tests,
            ),
            table(("A report says", "As", "On", "Always", "Adequate"), fields),
            "A report comes to one of: "
            + ", ".join(
                f"{outcome.title.lower()}{'' if outcome.diagnostic else ' (not diagnostic)'}"
                for outcome in rules.outcomes
            )
            + ". Working days "
            + "; ".join(f"{words}: {figure(value) if value else 'not configured'}" for words, value in days)
            + ".",
        )
    )


def _title(rules: SpecimenRules, name: str) -> str:
    medium = rules.medium(name)
    return medium.title if medium else name


def _medium(rules: SpecimenRules, entry: AcceptedMedium) -> str:
    taken = entry.accepted
    source = f"({taken.source}, {taken.status})" if taken else "(not configured)"
    note = f": {taken.note}" if taken and taken.note else ""
    refused = "" if taken and taken.value else "not "
    return f"{refused}{_title(rules, entry.name)} {source}{note}"
