"""Puts slices that lie unevenly or slanted onto a regular right-angled grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.geometry.grid import Grid

OUTSIDE_HU = -1024


def resample_slices(
    hu: NDArray[np.int16],
    positions_lps_mm: ArrayLike,
    directions: ArrayLike,
    pixel_ij_mm: tuple[float, float],
    slice_spacing_mm: float,
) -> tuple[NDArray[np.int16], Grid]:
    """Interpolate slices ``hu[n, j, i]`` linearly onto a grid with right angles and even spacing.

    positions_lps_mm: (N, 3), the centre of each slice's first pixel, ascending along the slice normal.
    directions: 3x3, columns are the unit vectors of i, j and the slice normal, at right angles, in LPS.
    pixel_ij_mm: pixel size along i and j. slice_spacing_mm: wanted distance of the new slices; it is adjusted
    so that the first and the last new slice are exactly the first and the last old one. So no slice is cut at a
    slant, and the ends of the scan stay the ends of the grid. Needs at least two slices.

    The new grid keeps the slices' own plane and pixel size; it grows along i and j to hold every slice, wherever
    it was shifted to. A voxel outside the scan is -1024 HU. Values are rounded to whole HU.
    """
    axes = np.asarray(directions, dtype=np.float64)
    along = np.asarray(positions_lps_mm, dtype=np.float64) @ axes  # (N, 3): mm along i, j, normal
    spacing = np.array([*pixel_ij_mm, 1.0])
    depth_mm = along[:, 2]
    count = max(2, round(float(depth_mm[-1] - depth_mm[0]) / slice_spacing_mm) + 1)
    new_depth_mm = np.linspace(depth_mm[0], depth_mm[-1], count)

    first = along[:, :2].min(axis=0)
    shift_px = (along[:, :2] - first) / spacing[:2]  # (N, 2) along i, j; never negative
    shift_px[np.abs(shift_px - np.rint(shift_px)) < 1e-6] = np.rint(shift_px)[
        np.abs(shift_px - np.rint(shift_px)) < 1e-6
    ]
    growth = np.ceil(shift_px.max(axis=0)).astype(int)
    shape = (hu.shape[1] + int(growth[1]), hu.shape[2] + int(growth[0]))

    below = np.clip(np.searchsorted(depth_mm, new_depth_mm, side="right") - 1, 0, len(depth_mm) - 2)
    weight = (new_depth_mm - depth_mm[below]) / (depth_mm[below + 1] - depth_mm[below])
    result = np.empty((count, *shape), np.int16)
    placed: dict[int, NDArray[np.float32]] = {}
    for k in range(count):
        n = int(below[k])
        for needed in (n, n + 1):
            if needed not in placed:
                placed[needed] = _shifted(hu[needed], shift_px[needed], shape)
        placed = {m: plane for m, plane in placed.items() if m >= n}
        w = np.float32(weight[k])
        result[k] = np.rint(placed[n] * (1 - w) + placed[n + 1] * w)

    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = axes[:, 0] * spacing[0], axes[:, 1] * spacing[1]
    matrix[:3, 2] = axes[:, 2] * (depth_mm[-1] - depth_mm[0]) / (count - 1)
    matrix[:3, 3] = axes @ np.array([first[0], first[1], depth_mm[0]])
    return result, Grid(result.shape, matrix)


def _shifted(
    plane: NDArray[np.int16], shift_ij_px: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """A slice moved by a part of a pixel (bilinear) into a larger picture that is -1024 where it is not."""
    si, sj = shift_ij_px
    ii, jj = int(np.floor(si)), int(np.floor(sj))
    fi, fj = np.float32(si - ii), np.float32(sj - jj)
    rows, columns = plane.shape
    canvas = np.full((shape[0] + 1, shape[1] + 1), OUTSIDE_HU, np.float32)
    canvas[jj + 1 : jj + 1 + rows, ii + 1 : ii + 1 + columns] = plane
    # A pixel of the new picture lies fi, fj before the old one that is drawn on the same place.
    between_columns = canvas[:, 1:] * (1 - fi) + canvas[:, :-1] * fi
    return np.asarray(between_columns[1:] * (1 - fj) + between_columns[:-1] * fj)
