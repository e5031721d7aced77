"""Protocol files become protocols here, or every mistake in them is named with file, line and key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from trocar.clinical.checklist_rules import read_checklist
from trocar.clinical.consent_rules import read_consent
from trocar.clinical.department import read_department
from trocar.clinical.procedure_rules import read_procedure_record
from trocar.clinical.protocol import (
    ZONE_PARAMETERS,
    CatalogueNeedle,
    Criterion,
    DerivedZone,
    Guidance,
    KeepClear,
    PathLimits,
    Preference,
    Protocol,
    PublishedError,
    ScanRules,
    Source,
    TablePosition,
    TargetingErrors,
)
from trocar.clinical.section import Mistake, Reading, Section, in_one_message
from trocar.clinical.sourced_section import sourced_number, sourced_truth, sourced_words
from trocar.clinical.specimen_rules import read_specimen
from trocar.clinical.stay_rules import read_stay
from trocar.clinical.target_rules import BoneGroup, LesionOnly, NamedBone, OrganPole, TargetRule
from trocar.clinical.vetting_rules import read_vetting
from trocar.errors import ProtocolMistake, UsageError

FORMAT = 1
"""Version of the files' layout that this reader knows; the file states its own."""

_STRUCTURE = re.compile(r"(?:[A-Za-z0-9_*?-]|\{side\}|\{other_side\})+")


def builtin_protocols() -> tuple[str, ...]:
    """Names of the protocols that come with Trocar, in alphabetical order."""
    folder = resources.files("trocar.clinical") / "protocols"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_protocol(name_or_path: str | Path) -> Protocol:
    """A built-in protocol by name, or any protocol file by path.

    Raises UsageError where there is no such protocol, ProtocolMistake with all mistakes where the file is wrong.
    """
    file, content = _find(name_or_path)
    protocol, mistakes = read_protocol(content, file)
    if protocol is None:
        raise ProtocolMistake(in_one_message(file, mistakes))
    return protocol


def check_file(path: str | Path) -> list[Mistake]:
    """The mistakes in a protocol file or a department file, in the order of lines; empty where there are none.

    Raises UsageError where the file cannot be read at all.
    """
    file, content = _find(path)
    reading = Reading(file)
    top = reading.top(content)
    if top is None:
        return reading.mistakes
    if "department" in top:
        return read_department(content, file)[1]
    return read_protocol(content, file)[1]


def _find(name_or_path: str | Path) -> tuple[str, bytes]:
    text = str(name_or_path)
    if re.fullmatch(r"[a-z][a-z0-9_]*", text):
        if text not in builtin_protocols():
            known = ", ".join(builtin_protocols())
            raise UsageError(
                f"There is no protocol {text!r}; choose {known}, or give the path of a .yaml file."
            )
        return f"{text}.yaml", (
            resources.files("trocar.clinical") / "protocols" / f"{text}.yaml"
        ).read_bytes()
    try:
        return text, Path(text).read_bytes()
    except OSError as error:
        raise UsageError(f"The file {text} cannot be read ({error.strerror}); check its path.") from error


def read_protocol(content: bytes, file: str) -> tuple[Protocol | None, list[Mistake]]:
    """The protocol in ``content``, or None and every mistake, sorted by line. ``file`` is its name in mistakes."""
    protocol, mistakes = _read(content, file)
    return protocol, list(mistakes)


@lru_cache(maxsize=16)
def _read(content: bytes, file: str) -> tuple[Protocol | None, tuple[Mistake, ...]]:
    """Reading takes a tenth of a second or more, mostly in the YAML parser; the web asks for it on every page."""
    reading = Reading(file)
    top = reading.top(content)
    protocol = None if top is None else _protocol(top, hashlib.sha256(content).hexdigest())
    return (None if reading.mistakes else protocol), tuple(sorted(reading.mistakes))


def _protocol(top: Section, sha256: str) -> Protocol | None:
    top.whole("format", FORMAT, FORMAT)
    listed = top.section("sources")
    sources = _sources(listed)
    guidance = top.texts("guidance", get_args(Guidance))
    positions = top.texts("positions", get_args(TablePosition))
    catalogue = tuple(_needle(s) for s in top.sections("catalogue"))
    zones = tuple(_zone(s) for s in top.sections("zones", optional=True))
    keep_clear = tuple(_keep_clear(s) for s in top.sections("keep_clear"))
    name = top.text("protocol")
    if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        top.wrong("protocol", "must be a name in small letters with _ between words, such as kidney_biopsy")
    values: dict[str, Any] = {
        "name": name,
        "title": top.text("title"),
        "version": top.text("version"),
        "sha256": sha256,
        "guidance": guidance,
        "default_guidance": top.choice("default_guidance", guidance or get_args(Guidance)),
        "positions": positions,
        "default_position": top.choice("default_position", positions or get_args(TablePosition)),
        "side": top.choice("side", ("required", "paired", "none")),
        "catalogue": catalogue,
        "default_needle": top.choice("default_needle", [n.name for n in catalogue if n])
        if catalogue and all(catalogue)
        else top.text("default_needle"),
        "target": _target(top),
        "keep_clear": keep_clear,
        "limits": _limits(top),
        "preferences": tuple(_preference(s) for s in top.sections("preferences", by="criterion")),
        "scan": _scan(top),
        "errors": _errors(top, guidance),
        "not_judged": top.texts("not_judged"),
        "zones": zones,
        "consent": read_consent(top),
        "checklist": read_checklist(top),
        "procedure_record": read_procedure_record(top),
        "stay": read_stay(top),
        "specimen": read_specimen(top),
        "vetting": read_vetting(top),
        "sources": sources,
    }
    protocol = top.make(Protocol, **values)
    _check_sources_used(listed)
    if protocol:
        _check_whole(top, protocol)
    return protocol


def _sources(listed: Section | None) -> Mapping[str, Source]:
    if listed is None:
        return {}
    found: dict[str, Source] = {}
    for key in listed.names():
        entry = listed.section(key)
        if entry is None:
            continue
        source = entry.make(
            Source,
            key=key,
            citation=entry.text("citation"),
            about=entry.text("about"),
            read=entry.choice("read", ("full", "abstract", "excerpt", "secondary", "none")),
        )
        listed.reading.unread_sources[key] = source is not None and source.read == "none"
        if source:
            found[key] = source
    return found


def _check_sources_used(listed: Section | None) -> None:
    if listed is None:
        return
    for key in sorted(set(listed.reading.unread_sources) - listed.reading.used_sources):
        listed.wrong(key, "no value cites this source; take it out or cite it")


def _globs(section: Section, name: str) -> tuple[str, ...]:
    globs: tuple[str, ...] = section.texts(name)
    for glob in globs:
        if not _STRUCTURE.fullmatch(glob):
            section.wrong(
                name, f"{glob!r} is no structure name; use letters, digits, _, *, {{side}}, {{other_side}}"
            )
    return globs


def _needle(section: Section) -> CatalogueNeedle | None:
    figures = ("length_mm", "throw_mm", "notch_start_mm", "notch_length_mm", "outer_diameter_mm")
    return section.make(
        CatalogueNeedle,
        name=section.text("name"),
        gauge=section.whole("gauge", 6, 25),
        **{name: sourced_number(section, name) for name in figures},
    )


def _target(top: Section) -> TargetRule | None:
    section = top.section("target")
    if section is None:
        return None
    kind = section.choice("kind", ("organ_pole", "bone", "lesion"))
    if kind == "organ_pole":
        return section.make(
            OrganPole,
            organ=_glob(section, "organ"),
            pole=section.choice("pole", ("lower", "upper")),
            fraction=sourced_number(section, "fraction"),
            cortex_mm=sourced_number(section, "cortex_mm"),
        )
    if kind == "bone":
        groups = tuple(_bone_group(s) for s in section.sections("groups"))
        return section.make(
            NamedBone, groups=groups, thick_cortex_mm=sourced_number(section, "thick_cortex_mm")
        )
    if kind == "lesion":
        return section.make(LesionOnly, organ=_glob(section, "organ"))
    return None


def _glob(section: Section, name: str) -> str:
    text = section.text(name)
    if text and not _STRUCTURE.fullmatch(text):
        section.wrong(name, f"{text!r} is no structure name")
    return text


def _bone_group(section: Section) -> BoneGroup | None:
    return section.make(
        BoneGroup,
        name=section.text("name"),
        bones=_globs(section, "bones"),
        paired=section.flag("paired"),
        pedicle=section.flag("pedicle"),
        route=sourced_words(section, "route"),
        to_cortex_min_deg=sourced_number(section, "to_cortex_min_deg", optional=True),
        to_cortex_max_deg=sourced_number(section, "to_cortex_max_deg", optional=True),
    )


def _keep_clear(section: Section) -> KeepClear | None:
    return section.make(
        KeepClear,
        name=section.text("name"),
        structures=_globs(section, "structures"),
        margin_mm=sourced_number(section, "margin_mm"),
        crossing=section.choice("crossing", ("forbidden", "counted")),
        mobile=section.flag("mobile"),
        wanted=section.flag("wanted"),
        harm=section.flag("harm"),
        why=section.text("why"),
    )


def _limits(top: Section) -> PathLimits | None:
    section = top.section("limits")
    if section is None:
        return None
    must = ("max_to_skin_deg", "max_out_of_axial_deg", "min_sample_mm", "min_to_scan_edge_mm")
    may = ("max_to_cortex_deg", "min_tip_inside_mm", "max_tip_inside_mm")
    return section.make(
        PathLimits,
        **{name: sourced_number(section, name) for name in must},
        **{name: sourced_number(section, name, optional=True) for name in may},
    )


def _preference(section: Section) -> Preference | None:
    return section.make(
        Preference,
        criterion=section.choice("criterion", get_args(Criterion)),
        prefer=section.choice("prefer", ("more", "less", "near")),
        weight=sourced_number(section, "weight"),
        scale=sourced_number(section, "scale"),
        ideal=sourced_number(section, "ideal", optional=True),
    )


def _scan(top: Section) -> ScanRules | None:
    section = top.section("scan")
    if section is None:
        return None
    return section.make(
        ScanRules,
        max_slice_thickness_mm=sourced_number(section, "max_slice_thickness_mm"),
        max_age_days=sourced_number(section, "max_age_days"),
        position_must_match=sourced_truth(section, "position_must_match"),
    )


def _errors(top: Section, guidance: tuple[str, ...]) -> Mapping[str, TargetingErrors | None]:
    section = top.section("errors")
    if section is None:
        return {}
    found: dict[str, TargetingErrors | None] = {}
    for name in guidance:
        entry = section.section(name, optional=True)
        if name not in section:
            section.wrong(name, "is missing: give its errors, or null where no figure with a source is known")
        found[name] = None if entry is None else _targeting(entry)
    section.make(dict)
    return found


def _targeting(section: Section) -> TargetingErrors | None:
    return section.make(
        TargetingErrors,
        setting=section.text("setting"),
        entry_mm=_published(section.section("entry_mm")),
        angle_deg=_published(section.section("angle_deg")),
        motion_mm=_published(section.section("motion_mm", optional=True)),
        target_mm=_published(section.section("target_mm", optional=True)),
    )


def _published(section: Section | None) -> PublishedError | None:
    if section is None:
        return None
    return section.make(
        PublishedError,
        mean=sourced_number(section, "mean"),
        sd=sourced_number(section, "sd", optional=True),
        dimensions=section.whole("dimensions", 1, 3),
        cases=section.whole("cases", 1, 1_000_000, optional=True),
    )


def _zone(section: Section) -> DerivedZone | None:
    kind = section.choice("kind", ZONE_PARAMETERS)
    parameters = section.section("parameters")
    found = {}
    if parameters is not None and kind is not None:
        found = {name: sourced_number(parameters, name) for name in ZONE_PARAMETERS[kind]}
        parameters.make(dict)
    return section.make(
        DerivedZone,
        name=section.text("name"),
        kind=kind,
        made_from=_globs(section, "made_from"),
        parameters=found,
    )


def _check_whole(top: Section, protocol: Protocol) -> None:
    """What no part can see alone."""
    expected = Path(top.reading.file).name.removesuffix(".yaml").removesuffix(".yml")
    if expected != protocol.name:
        top.wrong("protocol", f"must be {expected!r}, like the file's name")
    globs = {
        "target": [protocol.target.organ] if not isinstance(protocol.target, NamedBone) else [],
        "keep_clear": [glob for group in protocol.keep_clear for glob in group.structures],
        "zones": [glob for zone in protocol.zones for glob in zone.made_from],
    }
    for key, patterns in globs.items():
        if protocol.side != "required" and any("{" in pattern for pattern in patterns):
            top.wrong(key, "holds {side}, but the protocol does not say 'side: required'")
    radius_mm = max(needle.outer_diameter_mm for needle in protocol.needles) / 2
    for section, group in zip(top.sections("keep_clear"), protocol.keep_clear, strict=True):
        if group.crossing == "forbidden" and group.margin_mm.value < radius_mm:
            section.wrong(
                "margin_mm",
                f"must be at least {radius_mm:.2f}, the radius of the thickest needle: it counts from the axis",
            )
    for zone_section, zone in zip(top.sections("zones", optional=True), protocol.zones, strict=True):
        used = any(zone.name in group.members([zone.name], "left") for group in protocol.keep_clear)
        if zone.kind != "pedicle" and not used:
            zone_section.wrong("name", "is in no keep_clear group, so the zone would have no effect")
