"""Which target a request means, what holds it, and whether it lies on the side it should."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import NamedBone, OrganPole
from trocar.clinical.target_rules import LesionOnly
from trocar.errors import InputRefused, UsageError
from trocar.geometry.grid import Box
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.request import PlanRequest
from trocar.planning.target import TargetRegion, mask_region, organ_pole_region, point_region, vertebral_body

Mask = NDArray[np.bool_]

POINT_RADIUS_MM = 3.0
"""A target point stands for a ball of this radius: nobody clicks more exactly."""
HOST_SHARE = 0.1
"""A bone that holds at least this share of a lesion is gone through to reach it."""
COARSE_MM = 4.0
MIDLINE_MM = 10.0
"""A target nearer to the midline than this has no wrong side."""


def find_target(request: PlanRequest, volume: Volume, structures: StructureSet) -> TargetRegion:
    """The target that the request names, or the protocol's own."""
    rule = request.protocol.target
    if request.target_mask is not None:
        name, mask = request.target_mask
        return mask_region(name, mask, volume.grid, _hosts(request, structures, mask))
    if request.target_point_lps_mm is not None:
        point = np.array(request.target_point_lps_mm)
        region = point_region(point, volume.grid, POINT_RADIUS_MM, ())
        mask = np.zeros(volume.grid.shape_kji, bool)
        mask[region.box.slices_kji] = region.mask
        return point_region(point, volume.grid, POINT_RADIUS_MM, _hosts(request, structures, mask))
    if isinstance(rule, OrganPole):
        organ = request.protocol.resolve(rule.organ, request.side)
        if request.target_name not in (None, organ):
            return _named(request, structures, str(request.target_name))
        sinus = next((z for z in request.protocol.zones if z.kind == "organ_sinus"), None)
        clear = next((k for k in request.protocol.keep_clear if sinus and sinus.name in k.structures), None)
        return organ_pole_region(
            structures,
            organ,
            fraction=rule.fraction.value,
            shell_mm=rule.cortex_mm.value,
            closing_mm=sinus.parameters["closing_mm"].value if sinus else 0.0,
            deeper_than_mm=sinus.parameters["deeper_than_mm"].value if sinus else np.inf,
            sinus_clearance_mm=clear.margin_mm.value if clear else 0.0,
        )
    if request.target_name is None:
        raise UsageError("Say what to biopsy: --target NAME, --target-point X,Y,Z or --target-mask FILE.")
    return _named(request, structures, request.target_name)


def _named(request: PlanRequest, structures: StructureSet, name: str) -> TargetRegion:
    if name not in structures.names:
        listed = ", ".join(structures.names[:12]) + (", ..." if len(structures.names) > 12 else "")
        raise InputRefused(f"The structures hold no {name!r}; they hold {listed or 'nothing'}.")
    mask = structures.mask(name)
    rule = request.protocol.target
    group = rule.group_of(name) if isinstance(rule, NamedBone) else None
    if group is None:
        hosts = tuple(dict.fromkeys((name, *_hosts(request, structures, mask))))
        return mask_region(name, mask, structures.grid, hosts)
    if group.pedicle:
        box = structures.box_of((name,))
        if box is not None:
            grid = structures.grid.crop(box.low_ijk, box.high_ijk)
            whole = mask[box.slices_kji]
            body = vertebral_body(whole, structures.union(("spinal_cord", "spinal_canal"), box), grid)
            part = name if np.array_equal(body, whole) else f"body of {name}"
            return mask_region(part, body, structures.grid, (name,), "bone", box)
    return mask_region(name, mask, structures.grid, (name,), "bone")


def _hosts(request: PlanRequest, structures: StructureSet, mask: Mask) -> tuple[str, ...]:
    """The structures that hold a lesion, and that the needle therefore goes through."""
    rule = request.protocol.target
    if isinstance(rule, OrganPole | LesionOnly):
        organ = request.protocol.resolve(rule.organ, request.side)
        return (organ,) if organ in structures.names else ()
    box = Box.of_mask(mask)
    if box is None:
        return ()
    inside = mask[box.slices_kji]
    bones = [name for name in structures.names if rule.group_of(name) is not None]
    shares = {name: structures.mask(name, box)[inside].mean() for name in bones}
    return tuple(name for name, share in shares.items() if share >= HOST_SHARE)


def _coarse_points(structures: StructureSet, names: Collection[str]) -> NDArray[np.float64]:
    """Voxel centres (N, 3) of structures, every few millimetres only: enough to tell left from right."""
    step = np.maximum(1, np.floor(COARSE_MM / structures.grid.spacing_mm)).astype(int)
    thin = (slice(None, None, int(step[2])), slice(None, None, int(step[1])), slice(None, None, int(step[0])))
    values = [v for v, n in structures.label_names.items() if n in names]
    found = (
        [np.argwhere(np.isin(structures.labels[thin], values))]
        if values and structures.labels is not None
        else []
    )
    found += [np.argwhere(mask[thin]) for name, mask in structures.masks.items() if name in names]
    voxels = np.concatenate(found) if found else np.zeros((0, 3))
    return structures.grid.to_patient(voxels[:, ::-1] * step)


def check_sides(structures: StructureSet) -> None:
    """Left and right swapped in the labels, or the image mirrored, is the worst mistake of all: look for it."""
    for left, right in (("kidney_left", "kidney_right"), ("hip_left", "hip_right"), ("spleen", "liver")):
        first, second = _coarse_points(structures, (left,)), _coarse_points(structures, (right,))
        if len(first) == 0 or len(second) == 0 or first[:, 0].mean() > second[:, 0].mean():
            continue
        raise InputRefused(
            f"Left and right do not fit: {left} lies to the right of {right}. The image or its labels are mirrored "
            "(or the organs are); do not plan on them."
        )


def check_target_side(request: PlanRequest, region: TargetRegion, structures: StructureSet) -> None:
    if request.side is None:
        return
    spine = _coarse_points(structures, [n for n in structures.names if n.startswith("vertebrae_")])
    if len(spine) == 0:
        return
    near = np.abs(spine[:, 2] - region.centre_lps_mm[2]) < 50
    midline = float((spine[near] if near.any() else spine)[:, 0].mean())
    offset = float(region.centre_lps_mm[0]) - midline  # positive: patient's left
    if abs(offset) > MIDLINE_MM and (offset > 0) != (request.side == "left"):
        raise InputRefused(
            f"The target {region.name} lies on the patient's {'left' if offset > 0 else 'right'}, "
            f"{abs(offset):.0f} mm from the midline, but the side given is {request.side}."
        )
