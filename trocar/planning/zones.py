"""Zones that no label file holds, derived from those it holds: what a careful doctor keeps out of.

Each works on boolean masks ``[k, j, i]`` of one grid and returns such a mask. Directions are the patient's, turned
into whole voxel steps, so that a zone is right for any orientation of the grid to within half a voxel.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.geometry.grid import Grid
from trocar.imaging.kernels.skin import directions_closed

Mask = NDArray[np.bool_]

INFERIOR = np.array([0.0, 0.0, -1.0])
LEFT = np.array([1.0, 0.0, 0.0])
CANAL_GAP_MM = 24.0
"""Height of a lumbar foramen with some room: as far as the canal is joined from one vertebra to the next."""
CANAL_MM2 = 60.0
"""Smaller holes in a slice of bone are foramina of vessels or noise; a lumbar canal has 200 mm2 and more."""


def below_ribs(ribs: Iterable[Mask], grid: Grid, depth_mm: float) -> Mask:
    """The strip under each rib where the intercostal nerve and vessels run.

    A path that keeps out of it stays near the upper border of the lower rib. The strip is the rib moved towards
    the feet by up to ``depth_mm``, without bone.
    """
    bone = np.zeros(grid.shape_kji, bool)
    for rib in ribs:
        bone |= rib
    return swept(bone, grid, INFERIOR * depth_mm) & ~bone


def spinal_canal(vertebrae: Mask, grid: Grid, reach_mm: float) -> Mask:
    """What the vertebrae enclose, slice by slice: where bone is met within ``reach_mm`` in seven of eight directions.

    One direction may be open, for the gap between the arches of two vertebrae. Patches under CANAL_MM2 are dropped.
    """
    axis = int(np.argmax(np.abs(grid.directions[2])))  # grid axis i, j, k nearest to the patient's long axis
    stack = np.ascontiguousarray(np.moveaxis(vertebrae, 2 - axis, 0))
    spacing = np.delete(grid.spacing_mm[::-1], 2 - axis)  # rows, columns
    reach_j, reach_i = (int(reach_mm / mm) for mm in spacing)
    enclosed = directions_closed(stack, reach_i, reach_j) >= 7
    # each slice by itself: no connection from slice to slice
    flat = np.zeros((3, 3, 3), bool)
    flat[1] = ndimage.generate_binary_structure(2, 1)
    parts, _ = ndimage.label(enclosed, flat)
    large = np.bincount(parts.ravel()) * float(np.prod(spacing)) >= CANAL_MM2
    large[0] = False
    canal = large[parts]
    # between two pedicles the canal is open on both sides: it goes on from above to below, if that is near
    gap = 2 * (int(CANAL_GAP_MM / grid.spacing_mm[axis]) // 2) + 1
    joined = ndimage.minimum_filter1d(
        ndimage.maximum_filter1d(canal.view(np.uint8), gap, axis=0), gap, axis=0
    )
    canal |= joined.view(bool) & ~stack
    return np.ascontiguousarray(np.moveaxis(canal, 0, 2 - axis))


def foramina(canal: Mask, bone: Mask, grid: Grid, width_mm: float) -> Mask:
    """Where the nerve roots leave: beside the canal, as far as one gets sideways without crossing bone.

    Beside a pedicle there is bone at once and so no zone; between two pedicles it reaches ``width_mm`` outwards.
    """
    zone = np.zeros_like(canal)
    free = ~bone & ~canal
    for direction in (LEFT, -LEFT):
        front = canal
        for step in _steps(grid, direction * width_mm):
            front = shifted(front, step) & free
            zone |= front
    return zone


def organ_sinus(
    organ: Mask, grid: Grid, closing_mm: float, deeper_than_mm: float
) -> tuple[Mask, NDArray[np.float64]]:
    """The sinus of an organ with a hilum, and how deep each voxel's centre lies under the organ's surface in mm.

    The surface is that of the mask closed by ``closing_mm``. The sinus is what the closing adds, hilum included, and
    whatever lies deeper than ``deeper_than_mm``: some labels fill the sinus in. Depth counts from centre to centre,
    half a voxel less, since the surface lies before the first centre outside; beyond the grid is outside.
    """
    hull = closed(organ, grid, closing_mm)
    spacing = grid.spacing_mm[::-1]
    depth = ndimage.distance_transform_edt(np.pad(hull, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    depth -= spacing.min() / 2
    return np.asarray(hull & (~organ | (depth > deeper_than_mm))), np.asarray(depth)


def closed(mask: Mask, grid: Grid, radius_mm: float) -> Mask:
    """Morphological closing by a ball of ``radius_mm``, exact in mm for unequal spacing."""
    found = np.argwhere(mask)
    if found.size == 0:
        return mask.copy()
    pad = np.ceil(radius_mm / grid.spacing_mm[::-1]).astype(int) + 1
    low, high = found.min(axis=0), found.max(axis=0) + 1
    part = np.pad(mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], [(p, p) for p in pad])
    spacing = grid.spacing_mm[::-1]
    dilated = ndimage.distance_transform_edt(~part, sampling=spacing) <= radius_mm
    eroded = ndimage.distance_transform_edt(dilated, sampling=spacing) > radius_mm
    inner = eroded[tuple(slice(p, -p) for p in pad)]
    result = mask.copy()
    result[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] |= inner
    return result


def swept(mask: Mask, grid: Grid, vector_lps_mm: NDArray[np.float64]) -> Mask:
    """The mask together with every place it passes when moved along ``vector_lps_mm``."""
    result = mask.copy()
    for step in _steps(grid, vector_lps_mm, cumulative=True):
        result |= shifted(mask, step)
    return result


def shifted(mask: Mask, step_ijk: tuple[int, int, int]) -> Mask:
    """The mask moved by whole voxels; what leaves the grid is lost, what comes in is False."""
    result = np.zeros_like(mask)
    target, source = [], []
    for step, size in zip(reversed(step_ijk), mask.shape, strict=True):
        target.append(slice(max(step, 0), size + min(step, 0)))
        source.append(slice(max(-step, 0), size - max(step, 0)))
    result[tuple(target)] = mask[tuple(source)]
    return result


def _steps(
    grid: Grid, vector_lps_mm: NDArray[np.float64], cumulative: bool = False
) -> list[tuple[int, int, int]]:
    """Whole-voxel steps along a vector in the patient, one voxel at most each; single or counted from the start."""
    total = grid.patient_to_voxel[:3, :3] @ vector_lps_mm
    count = max(1, int(np.ceil(np.abs(total).max())))
    places = [np.rint(total * n / count).astype(int) for n in range(count + 1)]
    pairs = zip(places[:1] * count if cumulative else places[:-1], places[1:], strict=True)
    return [(int(d[0]), int(d[1]), int(d[2])) for d in (b - a for a, b in pairs)]
