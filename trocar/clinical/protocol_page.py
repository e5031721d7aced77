"""The page docs/protocols.md, written from the protocol files so that clinicians read what runs.

``python -m trocar.clinical.protocol_page docs/protocols.md`` writes it anew; a test holds it to the files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from trocar.clinical.consent_page import consent_chapter
from trocar.clinical.department import load_department
from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.markdown import figure, plain, shown, table
from trocar.clinical.protocol import Protocol, PublishedError, TargetingErrors
from trocar.clinical.room_page import checklist_chapter, procedure_chapter
from trocar.clinical.sourced import STATUS_IN_WORDS, Sourced
from trocar.clinical.specimen_page import specimen_chapter
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
        f"- Guidance: {_words(protocol.guidance)}; without a word, {plain(protocol.default_guidance)}.\n"
        f"- Position: {_words(protocol.positions)}; without a word, {plain(protocol.default_position)}.\n"
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
        table(
            ("Zone", "Made from", "Figures"),
            (
                (_code(zone.name), _codes(zone.made_from), _figures(zone.parameters.items()))
                for zone in protocol.zones
            ),
        ),
        "### Limits",
        table(
            ("Limit", "Value", "Source", "Status", "Note"),
            (
                (_code(key.removeprefix("limits.")), *_cells(value))
                for key, value in values.items()
                if key.startswith("limits.")
            ),
        ),
        "### Ranking",
        table(
            ("Criterion", "Better", "Weight", "Scale", "Source of the weight", "Note"),
            (
                (
                    plain(p.criterion),
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
        table(
            ("Rule", "Value", "Source", "Status", "Note"),
            (
                (_code(key.removeprefix("scan.")), *_cells(value))
                for key, value in values.items()
                if key.startswith("scan.")
            ),
        ),
        "### The stay afterwards",
        table(
            ("Rule", "Value", "Source", "Status", "Note"),
            (
                (_code(key.removeprefix("stay.")), *_cells(value))
                for key, value in values.items()
                if key.startswith("stay.")
            ),
        ),
        "### Errors of targeting",
        *(_errors(plain(guidance), errors) for guidance, errors in protocol.errors.items()),
        "### Before the biopsy",
        vetting_chapter(protocol.vetting),
        "### What a patient is told",
        consent_chapter(protocol.consent),
        "### Samples and results",
        specimen_chapter(protocol.specimen),
        "### The checklist",
        checklist_chapter(protocol.checklist),
        "### The record of the procedure",
        procedure_chapter(protocol.procedure_record),
        "### What the planner cannot judge",
        "\n".join(f"- {sentence}" for sentence in protocol.not_judged),
        "### Sources",
        table(
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


def _words(names: Iterable[str]) -> str:
    return ", ".join(plain(name) for name in names)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(_code(text) for text in texts)


def _cells(value: Sourced[object]) -> tuple[str, str, str, str]:
    return shown(value.value), value.source, value.status, value.note


def _figures(items: Iterable[tuple[str, Sourced[float]]]) -> str:
    return "; ".join(
        f"`{key}` {figure(value)}{': ' + value.note if value.note else ''}" for key, value in items
    )


def _target(protocol: Protocol) -> str:
    rule = protocol.target
    own = "A mask or a point can always be given instead."
    if isinstance(rule, OrganPole):
        return (
            f"The {rule.pole} pole of `{rule.organ}`: a share of {figure(rule.fraction)} of its own long axis, and "
            f"there the outer {figure(rule.cortex_mm)} mm. {own}"
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
                    figure(angle) for angle in (group.to_cortex_min_deg, group.to_cortex_max_deg) if angle
                ),
            )
            for group in rule.groups
        )
        head = ("Bones", "Names", "Paired", "Pedicle", "Route", "Angle to the cortex's normal, degrees")
        thick = f"From a cortex of {figure(rule.thick_cortex_mm)} mm on, the sheet says that a drill may be needed."
        return f"A bone by its name, or a lesion in it. {own}\n\n{table(head, rows)}\n\n{thick}"
    return f"A lesion in `{rule.organ}`, given as a mask or a point."


def _needles(protocol: Protocol) -> str:
    figures = ("length_mm", "throw_mm", "notch_start_mm", "notch_length_mm", "outer_diameter_mm")
    head = ("Needle", *(name.removesuffix("_mm").replace("_", " ") + ", mm" for name in figures))
    rows = (
        (
            entry.name + (" (default)" if entry.name == protocol.default_needle else ""),
            *(figure(getattr(entry, name)) for name in figures),
        )
        for entry in protocol.catalogue
    )
    return table(head, rows)


def _keep_clear(protocol: Protocol) -> str:
    rows = (
        (
            group.name,
            _codes(group.structures),
            figure(group.margin_mm) + (f": {group.margin_mm.note}" if group.margin_mm.note else ""),
            group.crossing,
            *("yes" if flag else "" for flag in (group.mobile, group.wanted, group.harm)),
            group.why,
        )
        for group in protocol.keep_clear
    )
    return table(("Group", "Structures", "Margin, mm", "Crossing", "Moves", "Wanted", "Harm", "Why"), rows)


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
            figure(error.mean),
            figure(error.sd) if error.sd else "",
            _AXES[error.dimensions],
            str(error.cases or ""),
            "; ".join(note for note in (error.mean.note, error.sd.note if error.sd else "") if note),
        )
        for name, error in named
        if error
    )
    means = table(("Error", "Mean", "Standard deviation", "Taken as a length", "Cases", "Note"), rows)
    return f"**{guidance}**: {errors.setting}.\n\n{means}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
