"""The page docs/protocols.md, written from the protocol files so that clinicians read what runs.

``python -m trocar.clinical.protocol_page docs/protocols.md`` writes it anew; a test holds it to the files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from trocar.clinical.checklist import STAGE_TITLES
from trocar.clinical.checklist_rules import STAGES, ChecklistRules
from trocar.clinical.consent_page import consent_chapter
from trocar.clinical.department import load_department
from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.procedure_record import OBSERVATIONS
from trocar.clinical.procedure_rules import ProcedureRules
from trocar.clinical.protocol import Protocol, PublishedError, TargetingErrors
from trocar.clinical.sourced import STATUS_IN_WORDS, Sourced
from trocar.clinical.specimen_rules import AcceptedMedium, SpecimenRules
from trocar.clinical.target_rules import NamedBone, OrganPole
from trocar.clinical.vetting_page import vetting_chapter

INTRODUCTION = """# The protocols

<!-- Written by `python -m trocar.clinical.protocol_page docs/protocols.md`; do not edit. -->

Everything in which one biopsy differs from another stands in one file under `trocar/clinical/protocols`. This page
shows those files. Research software, not for clinical use: no figure here is advice.

Behind each figure stands its source and its status: {statuses}.
A figure with status U does nothing in a real department until that department approves it in its own file; the
built-in "{sample}" uses such figures for the demo and the tests, and everything made with it says so.
Margins count from the needle's axis to the structure, throw included.
"""


def page() -> str:
    """The whole page as Markdown."""
    statuses = ", ".join(f"{key} {words}" for key, words in STATUS_IN_WORDS.items())
    head = INTRODUCTION.format(statuses=statuses, sample=load_department().name)
    return "\n".join([head, *(describe(load_protocol(name)) for name in builtin_protocols())])


def describe(protocol: Protocol) -> str:
    """One protocol as a chapter in Markdown."""
    values = protocol.values()
    unverified = [key for key, value in values.items() if not value.verified]
    parts = [
        f"## {protocol.title}",
        f"`{protocol.name}`, version {protocol.version}: {len(values)} figures, {len(unverified)} of them unverified.",
        f"- Guidance: {_words(protocol.guidance)}; without a word, {_plain(protocol.default_guidance)}.\n"
        f"- Position: {_words(protocol.positions)}; without a word, {_plain(protocol.default_position)}.\n"
        f"- Side: {_SIDES[protocol.side]}.",
        "### Target",
        _target(protocol),
        "### Needles",
        _needles(protocol),
        "### What is kept clear",
        'In order of importance. "Moves": not judged on a scan in another position. "Wanted": a plan warns when the '
        'labels show none of them. "Harm": the probability of entering it is reported.',
        _keep_clear(protocol),
        "### Zones made from the labels",
        _table(
            ("Zone", "Made from", "Figures"),
            (
                (_code(zone.name), _codes(zone.made_from), _figures(zone.parameters.items()))
                for zone in protocol.zones
            ),
        ),
        "### Limits",
        _table(
            ("Limit", "Value", "Source", "Status", "Note"),
            (
                (_code(key.removeprefix("limits.")), *_cells(value))
                for key, value in values.items()
                if key.startswith("limits.")
            ),
        ),
        "### Ranking",
        _table(
            ("Criterion", "Better", "Weight", "Scale", "Source of the weight", "Note"),
            (
                (
                    _plain(p.criterion),
                    p.prefer if p.ideal is None else f"near {p.ideal.value:g}",
                    f"{p.weight.value:g}",
                    f"{p.scale.value:g}",
                    f"{p.weight.source} ({p.weight.status})",
                    p.weight.note,
                )
                for p in protocol.preferences
            ),
        ),
        "### The scan",
        _table(
            ("Rule", "Value", "Source", "Status", "Note"),
            (
                (_code(key.removeprefix("scan.")), *_cells(value))
                for key, value in values.items()
                if key.startswith("scan.")
            ),
        ),
        "### The stay afterwards",
        _table(
            ("Rule", "Value", "Source", "Status", "Note"),
            (
                (_code(key.removeprefix("stay.")), *_cells(value))
                for key, value in values.items()
                if key.startswith("stay.")
            ),
        ),
        "### Errors of targeting",
        *(_errors(_plain(guidance), errors) for guidance, errors in protocol.errors.items()),
        "### Before the biopsy",
        vetting_chapter(protocol.vetting),
        "### What a patient is told",
        consent_chapter(protocol.consent),
        "### Samples and results",
        _samples(protocol.specimen),
        "### The checklist",
        _checklist(protocol.checklist),
        "### The record of the procedure",
        _procedure(protocol.procedure_record),
        "### What the planner cannot judge",
        "\n".join(f"- {sentence}" for sentence in protocol.not_judged),
        "### Sources",
        _table(
            ("Key", "Where", "About", "Read"),
            ((s.key, s.citation, s.about, s.read) for s in protocol.sources.values()),
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_SIDES = {
    "required": "always asked",
    "paired": "asked where the bone exists on both sides",
    "none": "never asked",
}


def _plain(name: str) -> str:
    return "CT" if name == "ct" else name.replace("_", " ")


def _words(names: Iterable[str]) -> str:
    return ", ".join(_plain(name) for name in names)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(_code(text) for text in texts)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cells(value: Sourced[object]) -> tuple[str, str, str, str]:
    return _shown(value.value), value.source, value.status, value.note


def _figure(value: Sourced[float]) -> str:
    return f"{value.value:g} ({value.source}, {value.status})"


def _figures(items: Iterable[tuple[str, Sourced[float]]]) -> str:
    return "; ".join(
        f"`{key}` {_figure(value)}{': ' + value.note if value.note else ''}" for key, value in items
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    if len(lines) == 2:
        return "None."
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _target(protocol: Protocol) -> str:
    rule = protocol.target
    own = "A mask or a point can always be given instead."
    if isinstance(rule, OrganPole):
        return (
            f"The {rule.pole} pole of `{rule.organ}`: a share of {_figure(rule.fraction)} of its own long axis, and "
            f"there the outer {_figure(rule.cortex_mm)} mm. {own}"
        )
    if isinstance(rule, NamedBone):
        rows = (
            (
                group.name,
                _codes(group.bones),
                "yes" if group.paired else "no",
                "measured" if group.pedicle else "",
                f"{group.route.value} ({group.route.source}, {group.route.status})",
                " to ".join(
                    _figure(angle) for angle in (group.to_cortex_min_deg, group.to_cortex_max_deg) if angle
                ),
            )
            for group in rule.groups
        )
        head = ("Bones", "Names", "Paired", "Pedicle", "Route", "Angle to the cortex's normal, degrees")
        thick = f"From a cortex of {_figure(rule.thick_cortex_mm)} mm on, the sheet says that a drill may be needed."
        return f"A bone by its name, or a lesion in it. {own}\n\n{_table(head, rows)}\n\n{thick}"
    return f"A lesion in `{rule.organ}`, given as a mask or a point."


def _needles(protocol: Protocol) -> str:
    figures = ("length_mm", "throw_mm", "notch_start_mm", "notch_length_mm", "outer_diameter_mm")
    head = ("Needle", *(name.removesuffix("_mm").replace("_", " ") + ", mm" for name in figures))
    rows = (
        (
            entry.name + (" (default)" if entry.name == protocol.default_needle else ""),
            *(_figure(getattr(entry, name)) for name in figures),
        )
        for entry in protocol.catalogue
    )
    return _table(head, rows)


def _keep_clear(protocol: Protocol) -> str:
    rows = (
        (
            group.name,
            _codes(group.structures),
            _figure(group.margin_mm) + (f": {group.margin_mm.note}" if group.margin_mm.note else ""),
            group.crossing,
            *("yes" if flag else "" for flag in (group.mobile, group.wanted, group.harm)),
            group.why,
        )
        for group in protocol.keep_clear
    )
    return _table(("Group", "Structures", "Margin, mm", "Crossing", "Moves", "Wanted", "Harm", "Why"), rows)


_AXES = {1: "along one axis", 2: "across two axes", 3: "in all three axes"}


def _errors(guidance: str, errors: TargetingErrors | None) -> str:
    if errors is None:
        return f"**{guidance}**: no figure with a source was found, so no probability is given."
    named: tuple[tuple[str, PublishedError | None], ...] = (
        ("entry, mm", errors.entry_mm),
        ("angle, degrees", errors.angle_deg),
        ("motion of the target, mm", errors.motion_mm),
        ("at the target, mm (to compare with only)", errors.target_mm),
    )
    rows = (
        (
            name,
            _figure(error.mean),
            _figure(error.sd) if error.sd else "",
            _AXES[error.dimensions],
            str(error.cases or ""),
            "; ".join(note for note in (error.mean.note, error.sd.note if error.sd else "") if note),
        )
        for name, error in named
        if error
    )
    table = _table(("Error", "Mean", "Standard deviation", "Taken as a length", "Cases", "Note"), rows)
    return f"**{guidance}**: {errors.setting}.\n\n{table}"


def _checklist(rules: ChecklistRules) -> str:
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
        f"A time out holds for {_figure(rules.time_out_minutes)} minutes before the puncture. An answer that stops is "
        f"resolved by {_plain(rules.resolved_by.value)} ({rules.resolved_by.source}, {rules.resolved_by.status}).\n\n"
        + _table(("When", "Question", "Answers", "Stops", "Held against the record", "Source"), asked)
    )


def _procedure(rules: ProcedureRules) -> str:
    drugs = (
        (
            drug.name,
            drug.use,
            f"{_figure(drug.least_amount)} to {_figure(drug.most_amount)} {drug.unit}",
            f"{_figure(drug.total_amount)} {drug.unit}" if drug.total_amount else "",
            ", ".join(drug.routes),
        )
        for drug in rules.drugs
    )
    alerts = "; ".join(
        f"{alert.name}: `{alert.quantity}` {_figure(alert.level)}" for alert in rules.dose_alerts
    )
    return "\n\n".join(
        (
            f"The page warns at pass {_figure(rules.warn_at_pass)} and asks a reason beyond "
            f"{_figure(rules.most_passes)}. "
            f"Before sedation ({', '.join(rules.sedation)}), not older than {_figure(rules.baseline_minutes)} minutes: "
            f"{', '.join(OBSERVATIONS[kind].title.lower() for kind in rules.baseline)}.",
            "Amounts are guards against slips of unit and decimal point, not advice on dosing.",
            _table(("Drug", "For", "One dose", "Warns from, in all", "Given"), drugs),
            "Asked by name: "
            + "; ".join(
                f"{kind.name} ({kind.words.value}; {kind.words.source}, {kind.words.status})"
                for kind in rules.complications
            )
            + ".",
            f"Dose from which the page warns: {alerts or 'none'}.",
        )
    )


def _samples(rules: SpecimenRules) -> str:
    tests = (
        (
            test.title + (" (usual)" if test.usual else ""),
            "; ".join(_medium(rules, entry) for entry in test.media),
            ", ".join(_title(rules, name) for name in test.blocked)
            + (f": {test.why_blocked}" if test.blocked else ""),
            *(
                _figure(value) if value else "not configured"
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
            _plain(field.kind),
            field.test,
            "yes" if field.required else "",
            f"from {_figure(field.adequate_from)}"
            if field.adequate_from
            else f"{_shown(field.adequate_if.value)} ({field.adequate_if.source}, {field.adequate_if.status})"
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
            _table(
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
            _table(("A report says", "As", "On", "Always", "Adequate"), fields),
            "A report comes to one of: "
            + ", ".join(
                f"{outcome.title.lower()}{'' if outcome.diagnostic else ' (not diagnostic)'}"
                for outcome in rules.outcomes
            )
            + ". Working days "
            + "; ".join(f"{words}: {_figure(value) if value else 'not configured'}" for words, value in days)
            + ".",
        )
    )


def _title(rules: SpecimenRules, name: str) -> str:
    medium = rules.medium(name)
    return medium.title if medium else name


def _medium(rules: SpecimenRules, entry: AcceptedMedium) -> str:
    taken = entry.accepted
    figure = f"({taken.source}, {taken.status})" if taken else "(not configured)"
    note = f": {taken.note}" if taken and taken.note else ""
    refused = "" if taken and taken.value else "not "
    return f"{refused}{_title(rules, entry.name)} {figure}{note}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
