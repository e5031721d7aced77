"""Which structures a sheet's pictures and tables show, under which number, and through which window."""

from __future__ import annotations

import numpy as np

from trocar.geometry.grid import Box
from trocar.imaging.render.window import BONE, SOFT_TISSUE, Window
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan, PlannedPath

NEAR_MM = 60.0
"""Structures farther from the needle than this come last."""
BONE_NAMES = (
    "vertebrae",
    "rib",
    "hip",
    "sacrum",
    "femur",
    "scapula",
    "clavicula",
    "humerus",
    "sternum",
    "costal",
    "skull",
)


def host_of(plan: Plan, structures: StructureSet | None) -> str | None:
    """The structure that holds most of the target's samples, at least half; None without one."""
    if structures is None:
        return None
    if plan.target.name in structures.names:
        return plan.target.name
    ijk = np.rint(structures.grid.to_voxel(plan.target.samples_lps_mm)).astype(int)
    ijk = ijk[((ijk >= 0) & (ijk < np.array(structures.grid.size_ijk))).all(axis=1)]
    if len(ijk) == 0:
        return None
    box = Box(tuple(ijk.min(axis=0).tolist()), tuple((ijk.max(axis=0) + 1).tolist()))
    local = ijk - np.array(box.low_ijk)
    held = {
        name: int(np.count_nonzero(structures.mask(name, box)[local[:, 2], local[:, 1], local[:, 0]]))
        for name in structures.names
    }
    best = max(held, key=lambda name: (held[name], name), default=None)
    return best if best is not None and 2 * held[best] >= len(ijk) else None


def numbered_structures(plan: Plan, path: PlannedPath, structures: StructureSet | None) -> dict[str, int]:
    """Structure -> the number that it has in every picture and table of the sheet.

    First the structure that holds the target, then those that are crossed, then those within NEAR_MM of the needle (the
    nearest first), then those that were not judged, and at last the far ones.
    """
    host = host_of(plan, structures)
    judged = {*path.clearances_mm, *path.required_mm, *path.crosses}

    def order(name: str) -> tuple[int, float, str]:
        clearance = path.clearances_mm.get(name)
        if name in path.crosses:
            return 0, 0.0, name
        if clearance is None:
            return 2, 0.0, name
        return (1 if clearance <= NEAR_MM else 3), clearance, name

    names = [*([host] if host else []), *(n for n in sorted(judged, key=order) if n != host)]
    return {name: number for number, name in enumerate(names, start=1)}


def window_for(plan: Plan, volume: Volume, structures: StructureSet | None) -> Window:
    """A bone window where the target lies in bone, a soft tissue window elsewhere.

    In bone: the plan says so, or half of the target's samples lie in a structure with the name of a bone, or (where
    no label covers them) half of the tissue within 8 mm is brighter than 200 HU.
    """
    if plan.target.kind == "bone":
        return BONE
    if structures is not None:
        samples = structures.grid.to_voxel(plan.target.samples_lps_mm)
        box = Box.around(structures.grid, plan.target.samples_lps_mm, 0.0)
        local = np.rint(samples - np.array(box.low_ijk)).astype(int)
        size = np.array(box.high_ijk) - np.array(box.low_ijk)
        local = local[((local >= 0) & (local < size)).all(axis=1)]
        bones = sum(
            np.count_nonzero(structures.mask(n, box)[local[:, 2], local[:, 1], local[:, 0]])
            for n in structures.names
            if n.startswith(BONE_NAMES)
        )
        if 2 * bones >= len(samples):
            return BONE
        if plan.target.name in structures.names:
            return SOFT_TISSUE
    round_it = Box.around(volume.grid, plan.target.centre_lps_mm[None], 8.0)
    values = volume.hu[round_it.slices_kji]
    return BONE if values.size and np.median(values) > 200 else SOFT_TISSUE
