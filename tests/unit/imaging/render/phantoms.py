"""Volumes with dots at known places, on grids that catch swapped axes and mirrored pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

SPACING_MM = np.array([0.9, 1.4, 2.3])
SHAPE_KJI = (48, 70, 90)


def grid(directions: ArrayLike, spacing_mm: NDArray[np.float64] = SPACING_MM) -> Grid:
    """A grid of SHAPE_KJI voxels whose middle lies at (30, -40, 500); columns of ``directions`` are its axes."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(directions, dtype=np.float64) * spacing_mm
    middle = (np.array(SHAPE_KJI[::-1]) - 1) / 2
    matrix[:3, 3] = np.array([30.0, -40.0, 500.0]) - matrix[:3, :3] @ middle
    return Grid(SHAPE_KJI, matrix)


GRIDS = {
    "DICOM head first (LPS)": grid(np.eye(3)),
    "RAS": grid(np.diag([-1.0, -1.0, 1.0])),
    "LAS": grid(np.diag([1.0, -1.0, 1.0])),
    "feet first (slices run to the feet)": grid(np.diag([1.0, 1.0, -1.0])),
    "prone as acquired": grid(np.diag([-1.0, -1.0, 1.0])),
    "sagittal slices": grid(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])),
    "oblique": grid(Rotation.from_euler("zyx", [17, -9, 23], degrees=True).as_matrix()),
    "oblique and mirrored": grid(
        Rotation.from_euler("zyx", [-31, 12, 8], degrees=True).as_matrix() @ np.diag([1.0, 1.0, -1.0])
    ),
}


def ball(where: Grid, centre_lps_mm: ArrayLike, radius_mm: float) -> NDArray[np.bool_]:
    """Voxels whose centre lies within ``radius_mm`` of a point."""
    ijk = where.to_voxel(centre_lps_mm)
    squares = [((np.arange(n) - ijk[a]) * where.spacing_mm[a]) ** 2 for a, n in enumerate(where.size_ijk)]
    i, j, k = squares
    return np.asarray(k[:, None, None] + j[None, :, None] + i[None, None, :] <= radius_mm**2)


def dot(where: Grid, centre_lps_mm: ArrayLike, radius_mm: float = 4.0) -> Volume:
    """Water with one bright ball."""
    return Volume(np.where(ball(where, centre_lps_mm, radius_mm), 1000, 0).astype(np.int16), where)


def ball_structure(where: Grid, centre_lps_mm: ArrayLike, radius_mm: float, as_mask: bool) -> StructureSet:
    """The ball as a structure named ``ball``, label 7 or a mask."""
    voxels = ball(where, centre_lps_mm, radius_mm)
    if as_mask:
        return StructureSet(where, None, {}, {"ball": voxels})
    return StructureSet(where, np.where(voxels, 7, 0).astype(np.uint8), {7: "ball"}, {})


def brightest(picture: NDArray[np.floating]) -> NDArray[np.float64]:
    """Centre of brightness as (column, row)."""
    weight = np.nan_to_num(picture).astype(np.float64)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
