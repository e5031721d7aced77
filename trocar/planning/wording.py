"""Why a path is worth taking, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trocar.clinical.protocol import Protocol
from trocar.geometry.needle_path import Needle
from trocar.planning.anatomy import OUTSIDE, Anatomy
from trocar.planning.plan import PlannedPath

STRAIGHT_DEG = 5.0


def reasons_for(
    paths: tuple[PlannedPath, ...], needle: Needle, anatomy: Anatomy, unjudged: set[str]
) -> tuple[PlannedPath, ...]:
    """The same paths with their reasons: what each does best, what it passes, what it takes."""
    return tuple(
        replace(path, reasons=tuple(_reasons(path, paths, needle, anatomy, unjudged))) for path in paths
    )


def _reasons(
    path: PlannedPath, paths: Sequence[PlannedPath], needle: Needle, anatomy: Anatomy, unjudged: set[str]
) -> list[str]:
    found = []
    if len(paths) > 1:
        if path.path.length_mm == min(p.path.length_mm for p in paths):
            found.append("shortest of the kept paths")
        if _least_margin(path) == max(_least_margin(p) for p in paths):
            found.append("widest margin of the kept paths")
        if path.risk.sample is not None and path.risk.sample == max(p.risk.sample or 0.0 for p in paths):
            found.append("highest modelled chance of a sample")
        if abs(path.angles.out_of_axial) == min(abs(p.angles.out_of_axial) for p in paths):
            found.append("least tilt out of the axial plane")
    nearest = _nearest(path)
    if nearest:
        name, clearance, asked = nearest
        word = anatomy.group(name)
        which = name if word == name else f"{name} ({word})"
        found.append(f"keeps {clearance:.0f} mm from {which}, its tightest margin (limit {asked:g} mm)")
    notch = path.measures["notch_in_target_mm"]
    found.append(f"{notch:.0f} of {needle.notch_length_mm:g} mm of notch in the target")
    tilt = path.angles.out_of_axial
    found.append(
        "in the axial plane"
        if abs(tilt) < STRAIGHT_DEG
        else f"tilted {abs(tilt):.0f}° towards the {'head' if tilt > 0 else 'feet'}"
    )
    if "pedicle_width_mm" in path.measures:
        found.append(f"through a pedicle {path.measures['pedicle_width_mm']:.0f} mm wide")
    if path.angles.to_cortex is not None and "cortex_thickness_mm" in path.measures:
        found.append(f"meets the cortex {path.angles.to_cortex:.0f}° off straight")
    if path.needs_check_scan:
        found.append(
            "needs a check scan in position" + (": mobile organs are not judged" if unjudged else "")
        )
    return found


def _margins(path: PlannedPath) -> list[tuple[float, str, float, float]]:
    return [
        (clearance - asked, name, clearance, asked)
        for name, asked in path.required_mm.items()
        if (clearance := path.clearances_mm.get(name)) is not None
    ]


def _least_margin(path: PlannedPath) -> float:
    return min((m[0] for m in _margins(path)), default=float("inf"))


def _nearest(path: PlannedPath) -> tuple[str, float, float] | None:
    margins = _margins(path)
    if not margins:
        return None
    _, name, clearance, asked = min(margins)
    return name, clearance, asked


def rejection(label: str, anatomy: Anatomy, needle: Needle, protocol: Protocol) -> str:
    """A judge's label as a reason that people read; a structure is named as in the label file."""
    limits = protocol.limits
    words = {
        "too long": f"longer than the {needle.length_mm:g} mm needle",
        "too near": "target too near to the skin for the throw",
        "angle to skin": f"more than {limits.max_to_skin_deg.value:g}° off the skin's normal",
        "tilt": f"tilted more than {limits.max_out_of_axial_deg.value:g}° out of the axial plane",
        "leaves scan": "leaves the scan",
        f"crosses {OUTSIDE}": "leaves the body and comes in again",
    }
    return words.get(label, label)
