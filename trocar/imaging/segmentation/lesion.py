"""A lesion from one click, or a sphere where a click is not enough.

A lesion has no density of its own: lytic, sclerotic, solid or necrotic ones differ. So the click's neighbourhood
gives median and spread, connected voxels within them and within a radius that the user sets are taken, thin bridges
are cut, the border is put half way between the lesion and what lies round it, and holes are filled. What reaches the
radius on many sides has no border of its own and is refused; a sphere says honestly that its size was chosen by hand.
"""

from __future__ import annotations

import cc3d
import fill_voids
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from trocar.errors import InputRefused, UsageError
from trocar.geometry.grid import Box, Grid
from trocar.imaging.distance import distance_mm
from trocar.imaging.structures import Mask
from trocar.imaging.volume import Volume

BALL_MM = 3.0
"""Radius round the click that tells what the lesion looks like."""

SPREADS = 3.0
LEAST_SPREAD_HU = 12.0
BRIDGE_MM = 1.5
SHELL_MM = 3.0
"""The border lies within this of what is surely lesion; the surroundings are looked at as far again beyond."""

SMALLEST_ML = 0.05
OPEN_SHARE = 0.25
"""Share of the limiting sphere's surface that a lesion may touch."""


def sphere(grid: Grid, centre_lps_mm: ArrayLike, radius_mm: float) -> Mask:
    """Voxels ``[k, j, i]`` of ``grid`` whose centres lie within ``radius_mm`` of the centre (3,) in LPS mm.

    Raises UsageError where the radius is not positive, InputRefused where the centre is not in the grid.
    """
    if not radius_mm > 0:
        raise UsageError("The radius of a lesion must be more than 0 mm.")
    centre = _point(grid, centre_lps_mm)
    mask = np.zeros(grid.shape_kji, bool)
    box = Box.around(grid, centre[None], radius_mm)
    mask[box.slices_kji] = _distance_mm(grid.crop(box.low_ijk, box.high_ijk), centre) <= radius_mm
    if not mask.any():
        i, j, k = np.round(grid.to_voxel(centre)).astype(int)
        mask[k, j, i] = True
    return mask


def lesion_from_click(volume: Volume, point_lps_mm: ArrayLike, radius_limit_mm: float) -> Mask:
    """The lesion that holds the point (3,) in LPS mm and lies within ``radius_limit_mm`` of it, bool ``[k, j, i]``.

    Raises UsageError for a radius that is not positive; InputRefused where the point is outside the scan, or
    nothing with a border of its own is found.
    """
    if not radius_limit_mm > 0:
        raise UsageError("The radius of a lesion must be more than 0 mm.")
    point = _point(volume.grid, point_lps_mm)
    box = Box.around(volume.grid, point[None], radius_limit_mm)
    part = volume.crop(box)
    away = _distance_mm(part.grid, point)
    spacing = part.grid.spacing_mm[::-1]
    hu = ndimage.gaussian_filter(part.hu.astype(np.float32), np.minimum(1.0 / spacing, 1.0))
    # One voxel at least in each direction, for coarse scans.
    ball = hu[away <= max(BALL_MM, 1.01 * float(spacing.max()))]
    median = float(np.median(ball))
    spread = max(LEAST_SPREAD_HU, 1.4826 * float(np.median(np.abs(ball - median))))
    inside = away <= radius_limit_mm
    alike = (np.abs(hu - median) <= SPREADS * spread) & inside
    found = _part_at(alike, away, spacing)
    if found is None or np.count_nonzero(found) * float(np.prod(spacing)) / 1000.0 < SMALLEST_ML:
        raise InputRefused(
            "Nothing that stands out was found at the lesion point; draw the lesion, or give a sphere with its radius."
        )
    found = _to_half_way(found, hu, inside, spacing)
    rim = inside & (away > radius_limit_mm - float(spacing.max()))
    if np.count_nonzero(found & rim) > OPEN_SHARE * np.count_nonzero(rim):
        raise InputRefused(
            f"The lesion point has no border within {radius_limit_mm:g} mm; draw the lesion, or give a sphere with its "
            "radius."
        )
    whole = np.zeros(volume.hu.shape, bool)
    whole[box.slices_kji] = np.asarray(fill_voids.fill(found), dtype=bool) & inside
    return whole


def _part_at(
    alike: NDArray[np.bool_], away: NDArray[np.float64], spacing: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """The connected part next to the click, cut off at bridges where it is thick enough to be cut."""
    depth = distance_mm(~alike, spacing[::-1])
    for erosion in (BRIDGE_MM, 0.0):
        core = alike & (depth > erosion)
        near = np.where(core, away, np.inf)
        at = np.unravel_index(int(np.argmin(near)), near.shape)
        if near[at] > BALL_MM:
            continue
        parts = cc3d.connected_components(core, connectivity=6)
        part = np.asarray(parts == parts[at])
        if erosion == 0.0:
            return part
        back = distance_mm(part, spacing[::-1])
        return np.asarray(alike & (back <= erosion + float(spacing.min())))
    return None


def _to_half_way(
    found: NDArray[np.bool_], hu: NDArray[np.float32], inside: NDArray[np.bool_], spacing: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """The part with its border where HU is half way to its surroundings; unchanged where both are alike."""
    outward = distance_mm(found, spacing[::-1])
    shell = (outward > SHELL_MM) & (outward <= 2 * SHELL_MM)
    if not shell.any():
        return found
    own, other = float(np.median(hu[found])), float(np.median(hu[shell]))
    if abs(own - other) < 2 * LEAST_SPREAD_HU:
        return found
    nearer = (np.abs(hu - own) < np.abs(hu - other)) & inside & (outward <= SHELL_MM)
    parts = cc3d.connected_components(nearer | found, connectivity=6)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == int(np.argmax(sizes)))


def _point(grid: Grid, point_lps_mm: ArrayLike) -> NDArray[np.float64]:
    point = np.asarray(point_lps_mm, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all() or not bool(grid.contains(point)):
        raise InputRefused("The lesion point lies outside the scan; give x, y, z in LPS millimetres.")
    return point


def _distance_mm(grid: Grid, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance ``[k, j, i]`` of every voxel's centre from the point."""
    at = grid.to_voxel(point)
    i, j, k = ((np.arange(n) - a) * s for n, a, s in zip(grid.size_ijk, at, grid.spacing_mm, strict=True))
    return np.asarray(np.sqrt(k[:, None, None] ** 2 + j[None, :, None] ** 2 + i[None, None, :] ** 2))
