"""What is measured along a single path besides its clearances: angles, bone cortex, pedicle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import NeedlePath
from trocar.planning.plan import PathAngles

Mask = NDArray[np.bool_]
Float = NDArray[np.float64]

STEP_MM = 0.25
"""Along the path; finer than any voxel."""
SURFACE_SMOOTHING_MM = 2.0
"""A bone's surface is taken over about the needle's width, not over one voxel's stair."""
CORTEX_SEARCH_MM = 8.0
"""The cortex's peak is looked for this far from the bone's surface."""


def path_angles(path: NeedlePath, inward_normal_lps: Float, to_cortex_deg: float | None = None) -> PathAngles:
    """Angles of a path against the skin (inward unit normal (3,)) and the patient's axes."""
    x, y, z = path.direction_lps
    return PathAngles(
        to_skin=_between_deg(path.direction_lps, inward_normal_lps),
        out_of_axial=float(np.degrees(np.arcsin(np.clip(z, -1, 1)))),
        in_axial=float(np.degrees(np.arctan2(x, -y))),
        to_cortex=to_cortex_deg,
    )


@dataclass(frozen=True)
class BoneEntry:
    """Where a path goes into bone. angle_deg: between the needle and the inward normal of the bone's surface, 0 is
    at right angles to the cortex; depth_mm: from the skin; cortex_mm: thickness of cortex along the needle, full
    width at half of its peak density above marrow."""

    depth_mm: float
    angle_deg: float
    cortex_mm: float


class BoneSurface:
    """A bone's mask and density, ready to be met by many paths.

    mask: boolean ``[k, j, i]``; hu: the CT in the same voxels; grid: theirs.
    """

    def __init__(self, mask: Mask, hu: NDArray[np.int16], grid: Grid) -> None:
        self._mask = mask
        self._hu = hu
        self._grid = grid
        sigma = SURFACE_SMOOTHING_MM / grid.spacing_mm[::-1]
        self._soft = ndimage.gaussian_filter(mask.astype(np.float32), sigma, mode="constant", truncate=3.0)

    def inside(self, points_lps_mm: Float) -> NDArray[np.bool_]:
        """Whether points (..., 3) lie in a voxel of the bone."""
        index = np.rint(self._grid.to_voxel(points_lps_mm)).astype(int)
        within = ((index >= 0) & (index < np.array(self._grid.size_ijk))).all(axis=-1)
        result = np.zeros(index.shape[:-1], bool)
        i, j, k = index[within].T
        result[within] = self._mask[k, j, i]
        return result

    def entry(self, path: NeedlePath) -> BoneEntry | None:
        """Where the path, throw included, first meets the bone; None where it does not."""
        depths = np.arange(0.0, path.length_mm + path.throw_mm, STEP_MM)
        points = path.at(depths)
        inside = self.inside(points)
        if not inside.any():
            return None
        first = int(np.argmax(inside))
        normal = self._inward_normal(points[first])
        angle = _between_deg(path.direction_lps, normal)
        return BoneEntry(float(depths[first]), min(angle, 180 - angle), self._cortex_mm(points[first:]))

    def _inward_normal(self, point: Float) -> Float:
        offsets = np.vstack([np.eye(3), -np.eye(3)]) * SURFACE_SMOOTHING_MM
        at = self._grid.to_voxel(point + offsets)[:, ::-1].T
        values = ndimage.map_coordinates(self._soft, at, order=1, mode="constant")
        gradient = values[:3] - values[3:]
        return np.asarray(gradient / max(float(np.linalg.norm(gradient)), 1e-12))

    def _cortex_mm(self, points: Float) -> float:
        near = points[: int(CORTEX_SEARCH_MM / STEP_MM) * 2]
        at = self._grid.to_voxel(near)[:, ::-1].T
        profile = ndimage.map_coordinates(self._hu, at, order=1, mode="nearest", output=np.float64)
        search = profile[: int(CORTEX_SEARCH_MM / STEP_MM)]
        peak = int(np.argmax(search))
        marrow = float(profile[peak:].min())
        half = (profile[peak] + marrow) / 2
        low = profile < half
        after = int(np.argmax(low[peak:])) if low[peak:].any() else len(profile) - peak
        before = int(np.argmax(low[peak::-1])) if low[: peak + 1].any() else peak
        return float((after + before) * STEP_MM)


def pedicle_width_mm(
    path: NeedlePath, bone: BoneSurface, canal_lps_mm: Float, lateral_lps: Float
) -> float | None:
    """Outer width of the narrowest bone that a path goes through beside the canal: the pedicle.

    canal_lps_mm: points (N, 3) of the spinal canal at this level; lateral_lps: unit vector from the canal to the
    path's side. Measured at right angles to the needle in the plane of needle and ``lateral_lps``, from bone edge to
    bone edge, where the needle is beside the canal (between its front and back borders).
    None where the path goes through no bone there: it is not transpedicular.
    """
    depths = np.arange(0.0, path.length_mm + path.throw_mm, 2 * STEP_MM)
    points = path.at(depths)
    front, back = np.quantile(canal_lps_mm[:, 1], (0.02, 0.98))
    beside = (points[:, 1] > front) & (points[:, 1] < back) & bone.inside(points)
    if not beside.any():
        return None
    sideways = lateral_lps - path.direction_lps * float(lateral_lps @ path.direction_lps)
    sideways /= max(float(np.linalg.norm(sideways)), 1e-12)
    reach = np.arange(STEP_MM, 30.0, STEP_MM)
    width = np.zeros(int(beside.sum()))
    for sign in (1.0, -1.0):
        outside = ~bone.inside(points[beside][:, None] + (sign * reach)[:, None] * sideways)
        first = np.where(outside.any(axis=1), outside.argmax(axis=1), len(reach) - 1)
        width += reach[first] - STEP_MM / 2
    return float(width.min())


def _between_deg(a: Float, b: Float) -> float:
    return float(np.degrees(np.arccos(np.clip(float(np.dot(a, b)), -1.0, 1.0))))
