"""A regular voxel grid placed in the patient.

Conventions, kept everywhere in Trocar:

- Patient coordinates are DICOM's LPS in millimetres: +x left, +y posterior, +z superior (head).
- Voxel indices are (i, j, k): i along a row (columns of the picture), j down the rows, k from slice to slice.
  They count from the *centre* of the first voxel, so that voxel 0 reaches from -0.5 to +0.5.
- Arrays are stored C-contiguous as ``array[k, j, i]``. A shape is therefore (K, J, I), an index (i, j, k).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.errors import InputRefused

Float = NDArray[np.float64]

ORTHOGONALITY_TOLERANCE = 1e-4
"""Largest cosine between two axes of a grid; DICOM writers round direction cosines to about 6 digits."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A box of voxels with right-angled axes.

    shape_kji: number of voxels (K, J, I).
    voxel_to_patient: 4x4, maps (i, j, k, 1) to (x, y, z, 1) in LPS mm. Axes may be oblique or mirrored, never
        sheared. Raises InputRefused where an axis has no length, is not finite, or is sheared.
    """

    shape_kji: tuple[int, int, int]
    voxel_to_patient: Float

    def __post_init__(self) -> None:
        matrix = np.array(self.voxel_to_patient, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise InputRefused(
                "The image has no usable geometry (its voxel-to-patient matrix is not finite)."
            )
        if not np.allclose(matrix[3], (0, 0, 0, 1)):
            raise InputRefused(
                "The image has no usable geometry (its voxel-to-patient matrix is not affine)."
            )
        if len(self.shape_kji) != 3 or min(self.shape_kji) < 1:
            raise InputRefused("The image has no voxels.")
        spacing = np.linalg.norm(matrix[:3, :3], axis=0)
        if (spacing < 1e-6).any():
            raise InputRefused("The image has no usable geometry (a voxel spacing is zero).")
        cosines = (matrix[:3, :3] / spacing).T @ (matrix[:3, :3] / spacing) - np.eye(3)
        if np.abs(cosines).max() > ORTHOGONALITY_TOLERANCE:
            raise InputRefused(
                "The image's axes are not at right angles; resample it to a regular grid first."
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "voxel_to_patient", matrix)
        object.__setattr__(self, "shape_kji", tuple(int(n) for n in self.shape_kji))

    @cached_property
    def spacing_mm(self) -> Float:
        """Voxel size (3,) in mm along i, j, k."""
        return np.asarray(np.linalg.norm(self.voxel_to_patient[:3, :3], axis=0))

    @cached_property
    def directions(self) -> Float:
        """3x3, its columns are the unit vectors of i, j, k in LPS."""
        return np.asarray(self.voxel_to_patient[:3, :3] / self.spacing_mm)

    @cached_property
    def patient_to_voxel(self) -> Float:
        """4x4 inverse of voxel_to_patient."""
        return np.asarray(np.linalg.inv(self.voxel_to_patient))

    @property
    def size_ijk(self) -> tuple[int, int, int]:
        """Number of voxels along i, j, k (the shape read backwards)."""
        return self.shape_kji[2], self.shape_kji[1], self.shape_kji[0]

    def to_patient(self, ijk: ArrayLike) -> Float:
        """Points (..., 3) in voxel indices (i, j, k) to LPS mm."""
        points = np.asarray(ijk, dtype=np.float64)
        return np.asarray(points @ self.voxel_to_patient[:3, :3].T + self.voxel_to_patient[:3, 3])

    def to_voxel(self, lps_mm: ArrayLike) -> Float:
        """Points (..., 3) in LPS mm to voxel indices (i, j, k), not rounded."""
        points = np.asarray(lps_mm, dtype=np.float64)
        return np.asarray(points @ self.patient_to_voxel[:3, :3].T + self.patient_to_voxel[:3, 3])

    def contains(self, lps_mm: ArrayLike) -> NDArray[np.bool_]:
        """Whether points (..., 3) in LPS mm lie in the box of voxels (outer faces included)."""
        ijk = self.to_voxel(lps_mm)
        return np.asarray(((ijk >= -0.5) & (ijk <= np.array(self.size_ijk) - 0.5)).all(axis=-1))

    def crop(self, low_ijk: ArrayLike, high_ijk: ArrayLike) -> Grid:
        """The part from voxel ``low_ijk`` up to, not including, ``high_ijk``, placed where it was."""
        low = np.asarray(low_ijk, dtype=np.int64)
        high = np.asarray(high_ijk, dtype=np.int64)
        matrix = self.voxel_to_patient.copy()
        matrix[:3, 3] = self.to_patient(low)
        i, j, k = (int(n) for n in high - low)
        return Grid((k, j, i), matrix)

    def same_as(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids have the same voxels: every corner within ``tolerance_mm``."""
        if self.shape_kji != other.shape_kji:
            return False
        return bool(np.abs(self.corners_lps_mm() - other.corners_lps_mm()).max() <= tolerance_mm)

    def corners_lps_mm(self) -> Float:
        """The eight outer corners (8, 3) in LPS mm."""
        i, j, k = self.size_ijk
        corners = [(a, b, c) for c in (-0.5, k - 0.5) for b in (-0.5, j - 0.5) for a in (-0.5, i - 0.5)]
        return self.to_patient(corners)


@dataclass(frozen=True)
class Box:
    """A block of voxels: from index ``low_ijk`` up to, not including, ``high_ijk``."""

    low_ijk: tuple[int, int, int]
    high_ijk: tuple[int, int, int]

    @property
    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Ready to index an ``array[k, j, i]``."""
        (i0, j0, k0), (i1, j1, k1) = self.low_ijk, self.high_ijk
        return slice(k0, k1), slice(j0, j1), slice(i0, i1)

    def inside(self, outer: Box) -> tuple[slice, slice, slice]:
        """Ready to index an array of ``outer``'s voxels, in which this box must lie."""
        (i0, j0, k0), (i1, j1, k1) = self.low_ijk, self.high_ijk
        i, j, k = outer.low_ijk
        return slice(k0 - k, k1 - k), slice(j0 - j, j1 - j), slice(i0 - i, i1 - i)

    def common(self, boxes: Sequence[Box], margin_ijk: tuple[int, ...] = (0, 0, 0)) -> Box | None:
        """What this box shares with the one round all ``boxes``, widened by voxels; None where that is nothing."""
        if not boxes:
            return None
        low = np.min([box.low_ijk for box in boxes], axis=0) - margin_ijk
        high = np.max([box.high_ijk for box in boxes], axis=0) + margin_ijk
        low, high = np.maximum(low, self.low_ijk), np.minimum(high, self.high_ijk)
        if (low >= high).any():
            return None
        return Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))

    @staticmethod
    def of_mask(mask: NDArray[np.bool_]) -> Box | None:
        """The smallest box round the true voxels of ``mask`` ``[k, j, i]``; None where there are none."""
        planes = np.asarray(mask.any(axis=2))
        sides = (np.asarray(mask.any(axis=(0, 1))), planes.any(axis=0), planes.any(axis=1))
        lines = [np.flatnonzero(side) for side in sides]
        if not lines[0].size:
            return None
        i, j, k = ((int(line[0]), int(line[-1]) + 1) for line in lines)
        return Box((i[0], j[0], k[0]), (i[1], j[1], k[1]))

    @staticmethod
    def around(grid: Grid, points_lps_mm: ArrayLike, margin_mm: float) -> Box:
        """The smallest block of ``grid`` that holds all points (N, 3) with ``margin_mm`` on every side.

        It is cut at the grid's edge; it is empty (low = high) along an axis where nothing lies inside.
        """
        ijk = grid.to_voxel(points_lps_mm).reshape(-1, 3)
        margin = margin_mm / grid.spacing_mm
        size = np.array(grid.size_ijk)
        low = np.clip(np.floor(ijk.min(axis=0) - margin + 0.5).astype(int), 0, size)
        high = np.clip(np.ceil(ijk.max(axis=0) + margin + 0.5).astype(int), low, size)
        return Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))


def in_patient_order(points_lps_mm: Float) -> NDArray[np.intp]:
    """Indices that sort points (N, 3) from feet to head, front to back, right to left, to a thousandth of a mm.

    An order that depends on where points lie and not on how an image is stored.
    """
    x, y, z = np.round(points_lps_mm, 3).T
    return np.lexsort((x, y, z))
