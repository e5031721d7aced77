"""What the planner answers: the paths worth taking, what each risks, and why the rest fell out. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import Guidance, Side, TablePosition
from trocar.geometry.needle_path import Needle, NeedlePath

PositionSource = Literal["dicom", "inferred", "given", "unknown"]
TargetKind = Literal["mask", "point", "organ_pole", "bone"]


@dataclass(frozen=True)
class PathAngles:
    """Angles of the needle in degrees.

    to_skin: between the needle and the inward normal of the skin at the entry; 0 is straight in.
    out_of_axial: tilt out of the patient's axial plane; positive where the tip points to the head.
    in_axial: direction of the needle's projection on the axial plane, seen from the feet, from straight
        posterior-to-anterior (0) towards the patient's left (positive), -180 to 180.
    to_cortex: between the needle and the outer normal of the bone or capsule where it goes in; None without one.
    """

    to_skin: float
    out_of_axial: float
    in_axial: float
    to_cortex: float | None = None


@dataclass(frozen=True)
class PathRisk:
    """Modelled probabilities of one uncorrected pass: a model, not an outcome; for staff only.

    sample: the notch takes at least the protocol's length of target tissue; None where the guidance has no
        sourced error figures. harm: structure -> probability that the needle (throw included) enters it; None for a
        structure that was not judged. error: half width of the 99.7 % interval of the numerical error.
    """

    sample: float | None
    harm: Mapping[str, float | None]
    error: float | None
    method: str


@dataclass(frozen=True)
class PlannedPath:
    """One path with everything that speaks for and against it. Clearances are None where not judged.

    clearances_path_mm: structure -> mm from the axis, entry to tip before the throw, to the structure's voxel
        boxes; clearances_mm: the same to the tip after the throw. crosses: structures gone through, throw included.
    required_mm: structure -> clearance that the protocol asks for.
    measures: named lengths in mm and fractions that the protocol's target asks for, such as
        ``notch_in_target_mm``, ``cortex_thickness_mm``, ``sinus_clearance_mm``, ``pedicle_width_mm``.
    relaxed: the limit that had to be given up for this path to count; None for a path within all limits.
    """

    path: NeedlePath
    clearances_path_mm: Mapping[str, float | None]
    clearances_mm: Mapping[str, float | None]
    required_mm: Mapping[str, float]
    crosses: tuple[str, ...]
    angles: PathAngles
    risk: PathRisk
    measures: Mapping[str, float]
    score: float
    reasons: tuple[str, ...]
    needs_check_scan: bool = False
    relaxed: str | None = None


@dataclass(frozen=True)
class PlanWarning:
    """One warning: a stable code (``not_in_position``) and the sentence that people read."""

    code: str
    text: str


@dataclass(frozen=True, eq=False)
class PlanTarget:
    """What is to be sampled: its name, a few points of it (N, 3) in LPS mm, and its centre."""

    name: str
    kind: TargetKind
    samples_lps_mm: NDArray[np.float64]
    centre_lps_mm: NDArray[np.float64]
    volume_ml: float | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """The planner's whole answer. ``paths`` are in rank order; empty where no path keeps every limit.

    nearest: the best paths that would be left if one limit each were relaxed; only where ``paths`` is empty.
    rejected: reason in words -> share (0 to 1) of all judged pairs; each pair counts under one reason.
    judged: number of entry-target pairs. in_the_way: structures that stop most pairs, most first.
    position_source: how the position on the scan is known. scan_position: as the scan was made, or None.
    not_judged: what the planner cannot see and says so. stamps: sentences that stand on every page.
    parameters: every protocol value that was used, with its source and status.
    """

    protocol: str
    protocol_title: str
    protocol_version: str
    side: Side | None
    guidance: Guidance
    position: TablePosition
    scan_position: TablePosition | None
    position_source: PositionSource
    needle: Needle
    target: PlanTarget
    paths: tuple[PlannedPath, ...]
    nearest: tuple[PlannedPath, ...]
    rejected: Mapping[str, float]
    judged: int
    in_the_way: tuple[str, ...]
    warnings: tuple[PlanWarning, ...]
    not_judged: tuple[str, ...]
    stamps: tuple[str, ...]
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input hashes: ``image``, ``structures``, ``target``, ``protocol`` -> sha256."""
    zones: tuple[str, ...] = ()
    """Names among the structures that are derived zones and stand in no label file."""
    explored: Mapping[str, int] = field(default_factory=dict)
    """Counts of the search: ``entries``, ``samples``, ``survivors``, ``refined``."""
