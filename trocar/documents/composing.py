"""From a plan to the words, figures and tables of its setup sheet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from trocar.documents.aiming import LYING_IN_WORDS, Aim, aim
from trocar.documents.c_arm_words import c_arm_table, down_the_needle_words
from trocar.documents.content import Facts, KeyFigure, Sheet, SheetPicture, Table
from trocar.documents.figures import count, whole_mm
from trocar.documents.naming import capital, listed, spoken, spoken_text
from trocar.documents.numbering import numbered_structures
from trocar.documents.steps import steps
from trocar.documents.table_position import EntryPlace, entry_place
from trocar.documents.tables import (
    alternatives_table,
    clearance_table,
    parameter_values,
    rejected_sentences,
    risk_table,
    tightest,
)
from trocar.imaging.render.picture import RESEARCH_NOTICE, Picture
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan, PlannedPath

GUIDANCE_IN_WORDS: Mapping[str, str] = {"ct": "CT", "ultrasound": "ultrasound", "fluoroscopy": "fluoroscopy"}
WITHIN = "within the protocol's limits"
"""The most that is ever said of a path."""
LOUDEST = (
    "not_in_position",
    "position_unknown",
    "metal",
    "missing_structures",
    "edge_of_scan",
    "target_near_edge",
)
"""Warning codes that stand before all others."""
IN_THE_GALLERY = ("entry", "target", "needle_view", "surface")
"""The large pictures; entry and target as the patient lies where that is not on the back."""


def compose(
    plan: Plan,
    volume: Volume,
    structures: StructureSet | None,
    provenance: Mapping[str, Any],
    pictures: Mapping[str, Picture],
    path_index: int = 0,
    same_sitting: bool = False,
    table_position_mm: float | None = None,
    laser_midline_lps_x_mm: float | None = None,
) -> Sheet:
    """The whole sheet of ``plan.paths[path_index]``, or of a plan without any path."""
    planned = plan.paths[path_index] if plan.paths else None
    shared = {
        "identity": identity(plan, volume),
        "stamps": (RESEARCH_NOTICE, *(s for s in plan.stamps if s != RESEARCH_NOTICE)),
        "warnings": _warnings(plan, planned),
        "pictures": _placed(pictures),
    }
    title = plan.protocol_title + (f", {plan.side}" if plan.side else "")
    subtitle = f"Target: {spoken_text(plan.target.name)}"
    if planned is None:
        return Sheet(
            kind="no_path",
            title=title,
            subtitle=subtitle,
            standing="No path keeps every limit of the protocol. There is nothing here to carry out.",
            rehearsal="",
            key_figures=(),
            entry=None,
            steps=(),
            tables=_nearest_tables(plan, structures),
            facts=(*_obstacles(plan), *_closing(plan, planned, volume, provenance)),
            **shared,  # type: ignore[arg-type]
        )
    pointing = aim(planned.path.direction_lps, plan.position)
    place = entry_place(
        planned.path.entry_lps_mm,
        structures,
        same_sitting,
        table_position_mm,
        laser_midline_lps_x_mm,
        on_a_scanner=plan.guidance == "ct",
    )
    alternatives = alternatives_table(plan, path_index)
    x_ray = plan.guidance == "fluoroscopy"
    direction = planned.path.direction_lps
    return Sheet(
        kind="plan",
        title=title,
        subtitle=subtitle,
        standing=_standing(plan, planned, path_index),
        rehearsal="For rehearsal: measure again on a scan in position" if planned.needs_check_scan else "",
        key_figures=_key_figures(plan, planned, pointing, place, same_sitting),
        entry=_entry_facts(place),
        steps=steps(
            plan, planned, pointing, down_the_needle_words(direction, plan.position) if x_ray else ""
        ),
        tables=(
            *([c_arm_table(direction, plan.position)] if x_ray else []),
            clearance_table(planned, numbered_structures(plan, planned, structures)),
            risk_table(planned),
            *([alternatives] if alternatives else []),
        ),
        facts=(_why(plan, planned), _rejected(plan), *_closing(plan, planned, volume, provenance)),
        **shared,  # type: ignore[arg-type]
    )


def _placed(pictures: Mapping[str, Picture]) -> tuple[SheetPicture, ...]:
    """The pictures in their order; every one that was drawn is on the sheet."""
    ways = {"entry": ("lying_entry", "axial_entry"), "target": ("lying_target", "axial_target")}
    large = [next((n for n in ways.get(what, (what,)) if n in pictures), "") for what in IN_THE_GALLERY]
    large = [n for n in large if n]
    others = ("across", "coronal", "axial_target", "sagittal", "axial_entry")
    small = [n for n in others if n in pictures and n not in large]
    main = [SheetPicture("oblique", pictures["oblique"], "main")] if "oblique" in pictures else []
    return (
        *main,
        *(SheetPicture(n, pictures[n], "large") for n in large),
        *(SheetPicture(n, pictures[n], "small") for n in small),
    )


def identity(plan: Plan, volume: Volume) -> str:
    """One line that tells this plan from every other: its own short hash, the CT's, the protocol and its version."""
    content = repr(
        [
            sorted(plan.inputs.items()),
            plan.protocol,
            plan.protocol_version,
            plan.needle,
            plan.side,
            plan.guidance,
            plan.position,
            [
                (p.path.entry_lps_mm.round(2).tolist(), p.path.tip_lps_mm.round(2).tolist())
                for p in plan.paths
            ],
        ]
    )
    own = hashlib.sha256(content.encode()).hexdigest()[:8]
    image = plan.inputs.get("image", volume.source.sha256)[:8] or "unknown"
    day = volume.source.acquired_on
    when = f" of {day.isoformat()}" if day else ""
    return f"Plan {own} · CT {image}{when} · {plan.protocol} version {plan.protocol_version}"


def _standing(plan: Plan, planned: PlannedPath, index: int) -> str:
    of = f"{_ordinal(index + 1)} of {len(plan.paths)} paths" if len(plan.paths) > 1 else "The only path"
    if planned.needs_check_scan:
        return f"{of} {WITHIN} as far as they could be judged; mobile organs were not."
    return f"{of} {WITHIN}, by the protocol's order of preference."


def _ordinal(number: int) -> str:
    return {1: "First", 2: "Second", 3: "Third"}.get(number, f"Number {number}")


def _warnings(plan: Plan, planned: PlannedPath | None) -> tuple[str, ...]:
    ordered = sorted(
        plan.warnings, key=lambda w: LOUDEST.index(w.code) if w.code in LOUDEST else len(LOUDEST)
    )
    found = [spoken_text(w.text) for w in ordered]
    if (
        planned is not None
        and planned.needs_check_scan
        and not any(w.code in LOUDEST[:2] for w in plan.warnings)
    ):
        found.insert(0, "This plan needs a check scan in the position of the needle before it is used.")
    if plan.guidance == "ultrasound":
        found.append("Planned on CT for ultrasound: organs move between the two. The live picture decides.")
    return tuple(found)


def _key_figures(
    plan: Plan, planned: PlannedPath, pointing: Aim, place: EntryPlace, same_sitting: bool
) -> tuple[KeyFigure, ...]:
    path, needle = planned.path, plan.needle
    outside = needle.length_mm - path.length_mm
    figures = [
        KeyFigure(
            "Depth, skin to tip",
            whole_mm(path.length_mm),
            f"{whole_mm(outside)} of the needle stays outside" if outside >= 0.5 else "along the needle",
        )
    ]
    if path.throw_mm > 0:
        figures.append(
            KeyFigure(
                "Depth after the throw",
                whole_mm(path.length_mm + path.throw_mm),
                f"throw {whole_mm(path.throw_mm)}",
            )
        )
    vertical = pointing.from_vertical_deg >= 0.5
    tilted = abs(pointing.tilt_deg) >= 0.5
    figures += [
        KeyFigure(
            "Angle in the axial slice",
            f"{pointing.from_vertical_deg:.0f}°" if vertical else "0°",
            f"from vertical, tip towards the patient's {pointing.towards}"
            if vertical
            else "vertical, straight down",
        ),
        KeyFigure(
            "Tilt out of the axial slice",
            f"{abs(pointing.tilt_deg):.0f}°" if tilted else "0°",
            f"tip towards the {'head' if pointing.tilt_deg > 0 else 'feet'}"
            if tilted
            else "stays in the slice",
        ),
        KeyFigure(
            "Needle",
            f"{needle.gauge} G",
            f"{needle.name}; {whole_mm(needle.length_mm)} long, takes {whole_mm(needle.notch_length_mm)}",
        ),
        KeyFigure(
            "Patient lies",
            plan.position.replace("_", " "),
            LYING_IN_WORDS[plan.position].partition("(")[2].rstrip(")"),
        ),
    ]
    figures += [KeyFigure(label, value) for label, value in place.figures]
    if not same_sitting and plan.guidance == "ct":
        figures.append(KeyFigure("Table position, laser offset", "today", "take them from today's grid scan"))
    return tuple(figures)


def _entry_facts(place: EntryPlace) -> Facts:
    sentences = [capital(s) + "." for s in place.landmarks] or [
        "No landmark is known: the labels hold no spine, hip bone or rib near the entry. Use the pictures."
    ]
    return Facts("entry", "Entry point on the skin", (*sentences, place.note), place.figures)


def _why(plan: Plan, planned: PlannedPath) -> Facts:
    reasons = [capital(spoken_text(r)).rstrip(".") + "." for r in planned.reasons]
    measures = tuple(
        (capital(name.removesuffix("_mm").replace("_", " ")), _measure(name, v))
        for name, v in planned.measures.items()
    )
    return Facts("why", "Why this path", tuple(reasons) or ("No reason was given.",), measures)


def _measure(name: str, value: float) -> str:
    return f"{value:.1f} mm" if name.endswith("_mm") else f"{value:.2f}"


def _rejected(plan: Plan) -> Facts:
    head = f"{count(plan.judged)} pairs of skin entry and target point were judged"
    searched = [
        f"{plan.explored[k]} {words}"
        for k, words in (("entries", "entries"), ("samples", "target points"))
        if k in plan.explored
    ]
    tail = f" ({', '.join(searched)})" if searched else ""
    return Facts(
        "rejected", "Why other paths fell out", (f"{head}{tail}. Of all pairs:", *rejected_sentences(plan))
    )


def _obstacles(plan: Plan) -> tuple[Facts, ...]:
    way = [spoken(n) for n in plan.in_the_way]
    sentences = (
        [f"In the way, most first: {listed(way, 6)}."] if way else ["No single structure stands in the way."]
    )
    sentences.append(
        "What helps: another position, another needle, another target in the same organ, another guidance, or no "
        "biopsy of this target. Decide it with the team, not with this sheet."
    )
    return Facts("obstacles", "What stands in the way", tuple(sentences)), _rejected(plan)


def _nearest_tables(plan: Plan, structures: StructureSet | None) -> tuple[Table, ...]:
    if not plan.nearest:
        return ()
    rows = []
    for number, planned in enumerate(plan.nearest, start=1):
        pointing = aim(planned.path.direction_lps, plan.position)
        crossed = listed([spoken(n) for n in planned.crosses], 4) if planned.crosses else "nothing named"
        rows.append(
            (
                str(number),
                capital(spoken_text(planned.relaxed or "a limit")),
                whole_mm(planned.path.length_mm),
                f"{pointing.in_plane()}; {pointing.tilt()}",
                tightest(planned),
                crossed,
            )
        )
    return (
        Table(
            "nearest",
            "NOT A PLAN: what would be left if one limit were given up",
            "Each of these breaks a limit of the protocol. They are shown so that the limit can be discussed.",
            ("No.", "Limit given up", "Depth", "Angles", "Tightest margin", "Goes through"),
            tuple(rows),
            numeric=(2,),
            strong_rows=tuple(range(len(rows))),
        ),
        replace(
            clearance_table(plan.nearest[0], numbered_structures(plan, plan.nearest[0], structures)),
            title="NOT A PLAN: distances of number 1",
        ),
    )


def _closing(
    plan: Plan, planned: PlannedPath | None, volume: Volume, provenance: Mapping[str, Any]
) -> tuple[Facts, ...]:
    """What was not judged, which values are unverified, and where everything comes from."""
    blind = tuple(capital(spoken_text(n)) + "." for n in plan.not_judged) or (
        "Nothing is listed by the protocol.",
    )
    values = list(parameter_values(plan.parameters))
    facts = [Facts("blind", "Not judged: Trocar cannot see these", blind)]
    if values:
        by_status = {s: sum(1 for _, v in values if v["status"] == s) for s in ("R", "R2", "C", "U")}
        words = {
            "R": "read in a source",
            "R2": "read in a secondary source",
            "C": "computed from read figures",
            "U": "UNVERIFIED (U)",
        }
        summary = ", ".join(f"{n} {words[s]}" for s, n in by_status.items() if n)
        unsure = [
            _value(key, v)
            for key, v in values
            if v["status"] == "U" and not v.get("approved_by") and not key.startswith("preferences")
        ]
        sentences = [f"{len(values)} values of the protocol were used: {summary}."]
        if unsure:
            sentences.append(
                "Unverified and approved by nobody, preferences aside: " + "; ".join(unsure) + "."
            )
        facts.append(Facts("values", "Values behind this sheet", tuple(sentences)))
    facts.append(
        Facts("origin", "Where this comes from", (), tuple(_origin(plan, planned, volume, provenance)))
    )
    return tuple(facts)


def _value(key: str, value: Mapping[str, Any]) -> str:
    """ "keep clear, bowel: margin 10 mm" for ``keep_clear.bowel.margin_mm`` and 10."""
    number = value["value"]
    shown = f"{number:g}" if isinstance(number, int | float) and not isinstance(number, bool) else str(number)
    unit = str(value.get("unit", ""))
    for ending, meant in (("_mm", "mm"), ("_deg", "°"), ("_days", "days"), ("_hu", "HU"), ("_ml", "ml")):
        if key.endswith(ending):
            key, unit = key.removesuffix(ending), unit or meant
    groups = key.replace("_", " ").split(".")
    name = f"{', '.join(groups[:-1])}: {groups[-1]}" if len(groups) > 1 else groups[0]
    return f"{name} {shown}{'' if unit in ('', '°') else ' '}{unit}"


def _origin(
    plan: Plan, planned: PlannedPath | None, volume: Volume, provenance: Mapping[str, Any]
) -> list[tuple[str, str]]:
    source = volume.source
    scan = (plan.scan_position or "unknown").replace("_", " ") + f" ({plan.position_source})"
    pairs = [
        ("Trocar", _version()),
        ("Protocol", f"{plan.protocol_title} ({plan.protocol}), version {plan.protocol_version}"),
        ("Guidance", GUIDANCE_IN_WORDS[plan.guidance]),
        ("CT", f"{source.description or source.kind}, acquired {source.acquired_on or 'on an unknown day'}"),
        ("Position on the CT", scan),
        ("Skin entry, LPS mm", _point(planned.path.entry_lps_mm) if planned else "none"),
        ("Tip, LPS mm", _point(planned.path.tip_lps_mm) if planned else "none"),
    ]
    pairs += [(f"SHA-256 of {name}", digest[:16]) for name, digest in sorted(plan.inputs.items())]
    # a whole report may be handed in; the time of making and the host would make two sheets of one plan differ
    own = provenance.get("provenance", provenance)
    skip = {"inputs", "parameters", "run"}
    pairs += [(key.replace("_", " "), text) for key, text in _flat(own, skip)]
    return pairs


def _point(point: Any) -> str:
    return ", ".join(f"{float(c):.1f}" for c in point)


def _flat(values: Mapping[str, Any], skip: set[str]) -> list[tuple[str, str]]:
    """Nested values as dotted names and short texts, in their order."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        if key in skip:
            continue
        if isinstance(value, Mapping):
            found += [(f"{key} {inner}", text) for inner, text in _flat(value, skip)]
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            found.append((str(key), text if len(text) <= 80 else text[:77] + "..."))
    return found


def _version() -> str:
    try:
        return version("trocar")
    except PackageNotFoundError:
        return "unknown version"
