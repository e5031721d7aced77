"""A procedure, as its protocol file describes it: everything in which one biopsy differs from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from trocar.clinical.checklist_rules import ChecklistRules
from trocar.clinical.consent_rules import ConsentRules
from trocar.clinical.procedure_rules import ProcedureRules
from trocar.clinical.sourced import Sourced, sourced_values
from trocar.clinical.specimen_rules import SpecimenRules
from trocar.clinical.stay_rules import StayRules
from trocar.clinical.target_rules import BoneGroup, LesionOnly, NamedBone, OrganPole, Side, TargetRule
from trocar.clinical.vetting_rules import VettingRules
from trocar.errors import UsageError
from trocar.geometry.needle_path import Needle

__all__ = [
    "BoneGroup",
    "CatalogueNeedle",
    "DerivedZone",
    "Guidance",
    "KeepClear",
    "LesionOnly",
    "NamedBone",
    "OrganPole",
    "PathLimits",
    "Preference",
    "Protocol",
    "PublishedError",
    "ScanRules",
    "Side",
    "Source",
    "TablePosition",
    "TargetRule",
    "TargetingErrors",
]

Guidance = Literal["ct", "ultrasound", "fluoroscopy"]
TablePosition = Literal["prone", "supine", "left_lateral", "right_lateral"]
Criterion = Literal[
    "margin",
    "sample_length",
    "length",
    "tilt",
    "to_skin",
    "off_vertical",
    "cortex_angle",
    "sinus_clearance",
    "bone_tract",
    "probability_sample",
    "probability_harm",
]
ZoneKind = Literal["below_ribs", "spinal_canal", "foramina", "organ_sinus", "pedicle"]

PATHWAY_SECTIONS = ("vetting", "consent", "checklist", "procedure_record", "specimen", "stay")
"""Sections of a protocol that the way of a case uses and the planner does not."""

ZONE_PARAMETERS: Mapping[ZoneKind, tuple[str, ...]] = {
    "below_ribs": ("height_mm",),
    "spinal_canal": ("reach_mm",),
    "foramina": ("lateral_mm",),
    "organ_sinus": ("closing_mm", "deeper_than_mm"),
    "pedicle": ("clearance_mm", "inner_share"),
}
"""The parameters that each kind of zone needs, no more and no less."""


@dataclass(frozen=True)
class Source:
    """Where figures come from. key: "T1". read: how much of it was read ("none": recalled or judged)."""

    key: str
    citation: str
    about: str
    read: Literal["full", "abstract", "excerpt", "secondary", "none"]


@dataclass(frozen=True)
class CatalogueNeedle:
    """A needle of the catalogue, every figure with its source; ``needle`` is what the planner works with."""

    name: str
    gauge: int
    length_mm: Sourced[float]
    throw_mm: Sourced[float]
    notch_start_mm: Sourced[float]
    notch_length_mm: Sourced[float]
    outer_diameter_mm: Sourced[float]

    def __post_init__(self) -> None:
        self.needle  # noqa: B018  # a needle that cannot be made is refused here

    @property
    def needle(self) -> Needle:
        """The same needle as plain numbers."""
        return Needle(
            name=self.name,
            gauge=self.gauge,
            length_mm=self.length_mm.value,
            throw_mm=self.throw_mm.value,
            notch_start_mm=self.notch_start_mm.value,
            notch_length_mm=self.notch_length_mm.value,
            outer_diameter_mm=self.outer_diameter_mm.value,
        )


@dataclass(frozen=True)
class KeepClear:
    """A group of structures that the needle keeps away from.

    structures: globs over structure names and derived zones, may hold ``{side}`` and ``{other_side}``. The
        structure that holds the target is never one of them.
    margin_mm: from the needle's *axis* to the structure, over the whole path and the throw: the same measure as
        the clearances that a plan reports.
    crossing: ``forbidden``: a path nearer than the margin is refused; ``counted``: it is only listed.
    mobile: moves with position or breathing. On a scan in another position the group is still kept clear of where
        the scan shows it, but its clearance and harm count as not judged.
    wanted: a plan warns when the labels hold none of the structures.
    harm: the probability of entering the group is reported.
    """

    name: str
    structures: tuple[str, ...]
    margin_mm: Sourced[float]
    crossing: Literal["forbidden", "counted"]
    mobile: bool
    wanted: bool
    harm: bool
    why: str

    def members(self, names: Iterable[str], side: Side | None) -> tuple[str, ...]:
        """Those of ``names`` that belong to the group, in their own order."""
        globs = [with_side(glob, side) for glob in self.structures]
        return tuple(name for name in names if any(fnmatchcase(name, glob) for glob in globs))


@dataclass(frozen=True)
class PathLimits:
    """What a path must keep; None where the protocol sets no limit.

    max_to_skin_deg: between needle and inward normal of the skin. max_out_of_axial_deg: tilt, either way.
    max_to_cortex_deg: between needle and outer normal of the cortex; beyond it the needle slips.
    min_sample_mm: length of the notch inside the target after the throw.
    min_tip_inside_mm, max_tip_inside_mm: how far the tip lies inside the target organ before the throw.
    min_to_scan_edge_mm: from any part of the path in the body to the edge of the scan.
    """

    max_to_skin_deg: Sourced[float]
    max_out_of_axial_deg: Sourced[float]
    min_sample_mm: Sourced[float]
    min_to_scan_edge_mm: Sourced[float]
    max_to_cortex_deg: Sourced[float] | None
    min_tip_inside_mm: Sourced[float] | None
    max_tip_inside_mm: Sourced[float] | None

    def __post_init__(self) -> None:
        low, high = self.min_tip_inside_mm, self.max_tip_inside_mm
        if low and high and low.value >= high.value:
            raise ValueError("min_tip_inside_mm must be smaller than max_tip_inside_mm")


@dataclass(frozen=True)
class Preference:
    """One criterion by which paths within the limits are ranked.

    prefer: more or less of it, or near ``ideal``. weight: how much a difference of one ``scale`` counts against
    one scale of another criterion. scale: in the criterion's unit (mm, degrees, probability 0 to 1).
    """

    criterion: Criterion
    prefer: Literal["more", "less", "near"]
    weight: Sourced[float]
    scale: Sourced[float]
    ideal: Sourced[float] | None = None

    def __post_init__(self) -> None:
        if (self.prefer == "near") != (self.ideal is not None):
            raise ValueError("an ideal goes with 'prefer: near', and only with it")

    @property
    def name(self) -> str:
        """The criterion."""
        return self.criterion


@dataclass(frozen=True)
class ScanRules:
    """What the planning scan should be; a breach is a warning.

    position_must_match: the scan must be made in the position in which the needle goes in.
    """

    max_slice_thickness_mm: Sourced[float]
    max_age_days: Sourced[float]
    position_must_match: Sourced[bool]


@dataclass(frozen=True)
class PublishedError:
    """A published error: mean and standard deviation of a length or angle, not of its components.

    dimensions: over how many perpendicular axes the length runs. That is our reading of the paper, and decides
    the distribution: 1 half-normal, 2 Rayleigh, 3 Maxwell. cases: number of punctures behind it.
    """

    mean: Sourced[float]
    sd: Sourced[float] | None
    dimensions: Literal[1, 2, 3]
    cases: int | None


@dataclass(frozen=True)
class TargetingErrors:
    """How far one uncorrected pass under one guidance ends from its plan.

    setting: where the figures were measured. entry_mm: on the skin. angle_deg: of the needle's direction.
    motion_mm: movement of the target between plan and needle; None where the protocol says nothing.
    target_mm: the published error at the target; not used by the model, kept to compare it with.
    """

    setting: str
    entry_mm: PublishedError
    angle_deg: PublishedError
    motion_mm: PublishedError | None
    target_mm: PublishedError | None


@dataclass(frozen=True)
class DerivedZone:
    """A zone that labels do not hold and that is made from them.

    made_from: globs of the structures it comes from, may hold ``{side}``.
    parameters: as in ZONE_PARAMETERS. below_ribs: ``height_mm`` under each rib. spinal_canal: bone within
    ``reach_mm`` in seven of eight directions. foramina: ``lateral_mm`` sideways from the canal between two pedicles.
    organ_sinus: what a closing by ``closing_mm`` adds at the hilum, and what lies deeper than ``deeper_than_mm``.
    pedicle: ``clearance_mm`` between needle and inner wall, ``inner_share`` of the outer width that is inner width.
    """

    name: str
    kind: ZoneKind
    made_from: tuple[str, ...]
    parameters: Mapping[str, Sourced[float]]

    def __post_init__(self) -> None:
        if set(self.parameters) != set(ZONE_PARAMETERS[self.kind]):
            raise ValueError(f"a zone of kind {self.kind} has the parameters {ZONE_PARAMETERS[self.kind]}")


@dataclass(frozen=True)
class Protocol:
    """One procedure. Lists are in order of importance; defaults are members of their lists.

    side: ``required``, or ``paired`` (only where the target bone is paired), or ``none``.
    errors: guidance -> targeting errors, or None where no figure with a source is known (then no probability).
    sha256: of the file's bytes.
    """

    name: str
    title: str
    version: str
    sha256: str
    guidance: tuple[Guidance, ...]
    default_guidance: Guidance
    positions: tuple[TablePosition, ...]
    default_position: TablePosition
    side: Literal["required", "paired", "none"]
    catalogue: tuple[CatalogueNeedle, ...]
    default_needle: str
    target: TargetRule
    keep_clear: tuple[KeepClear, ...]
    limits: PathLimits
    preferences: tuple[Preference, ...]
    scan: ScanRules
    errors: Mapping[Guidance, TargetingErrors | None]
    not_judged: tuple[str, ...]
    zones: tuple[DerivedZone, ...]
    checklist: ChecklistRules
    procedure_record: ProcedureRules
    stay: StayRules
    specimen: SpecimenRules
    consent: ConsentRules
    vetting: VettingRules
    sources: Mapping[str, Source]

    @property
    def side_required(self) -> bool:
        """Whether every case of this protocol has a side."""
        return self.side == "required"

    @property
    def needles(self) -> tuple[Needle, ...]:
        """The catalogue as plain numbers."""
        return tuple(entry.needle for entry in self.catalogue)

    def needle(self, name: str | None = None) -> Needle:
        """The needle of that name, or the default. UsageError where there is none."""
        wanted = self.default_needle if name is None else name
        for needle in self.needles:
            if needle.name == wanted:
                return needle
        listed = ", ".join(needle.name for needle in self.needles)
        raise UsageError(f"{self.title} knows no needle {wanted!r}; choose one of: {listed}.")

    def resolve(self, pattern: str, side: Side | None) -> str:
        """``pattern`` with ``{side}`` and ``{other_side}`` filled in. UsageError where it needs a side."""
        return with_side(pattern, side)

    def values(self) -> dict[str, Sourced[Any]]:
        """Every sourced value under its dotted key: ``limits.min_sample_mm``, ``keep_clear.bowel.margin_mm``."""
        return dict(sourced_values(self))


def with_side(pattern: str, side: Side | None) -> str:
    """``pattern`` with ``{side}`` and ``{other_side}`` filled in. UsageError where it needs a side."""
    if "{" not in pattern:
        return pattern
    if side is None:
        raise UsageError("This protocol needs a side; say left or right.")
    other = "right" if side == "left" else "left"
    return pattern.replace("{side}", side).replace("{other_side}", other)
