"""The stacks of planes that a reader goes through, slice by slice: geometry only.

axial, coronal, sagittal: through the whole scan, a voxel's step apart. along: planes that hold the whole needle,
turned about it in steps of 5 degrees. down: planes at right angles to the needle, 1 mm apart from above the skin to
beyond the end of the throw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.render.plane import Lying, PicturePlane, along_needle, down_needle, standard

StackName = Literal["along", "axial", "down", "coronal", "sagittal"]
STACK_NAMES: tuple[StackName, ...] = get_args(StackName)

TURN_STEP_DEG = 5
DOWN_STEP_MM = 1.0
DOWN_FIELD_MM = 130.0
BEFORE_SKIN_MM = 10
BEYOND_THROW_MM = 20
LONGEST_SIDE_PX = 800

# LPS axis, and where a slice lies on its positive and negative side, for the stacks along the patient's axes
_AXES = {
    "axial": (2, "from the notch towards the head", "from the notch towards the feet"),
    "coronal": (1, "behind the notch", "in front of the notch"),
    "sagittal": (0, "to the left of the notch", "to the right of the notch"),
}


@dataclass(frozen=True)
class SliceStack:
    """Slices 0 to ``count`` - 1 for one needle path.

    start: the slice to open with: it holds the notch (axial, coronal, sagittal, down) or is nearest to axial (along).
    first_value, step_value: what a slice's label counts (mm from the notch, degrees, depth in mm), by its index.
    """

    name: StackName
    title: str
    grid: Grid
    path: NeedlePath
    notch_lps_mm: tuple[float, float, float]
    lying: Lying | None
    count: int
    start: int
    first_value: float
    step_value: float

    def value(self, index: int) -> float:
        return self.first_value + self.step_value * index

    def label(self, index: int) -> str:
        """Where the slice lies, in words."""
        value = self.value(index)
        if self.name == "along":
            return f"turned {value:.0f}° about the needle" if index else "the plane nearest to axial"
        if self.name == "down":
            return f"{value:.0f} mm deep" if value >= 0 else f"{-value:.0f} mm outside the skin"
        if abs(value) < 0.05:
            return "through the notch"
        _, positive, negative = _AXES[self.name]
        return f"{abs(value):.1f} mm {positive if value > 0 else negative}"

    def plane(self, index: int) -> PicturePlane:
        """The plane of slice ``index``."""
        if not 0 <= index < self.count:
            raise IndexError(index)
        if self.name == "along":
            return self._turned(self.value(index))
        if self.name == "down":
            centre = self.path.at(self.value(index))
            size, scale = _picture_size(DOWN_FIELD_MM, DOWN_FIELD_MM)
            return down_needle(self.path, centre, size, scale)
        axis = _AXES[self.name][0]
        corners = self.grid.corners_lps_mm()
        centre = (corners.min(axis=0) + corners.max(axis=0)) / 2
        centre[axis] = self.notch_lps_mm[axis] + self.value(index)
        plane = standard(self.name, centre, (1, 1), 1.0, self.lying if self.name == "axial" else None)
        extent = np.ptp(corners, axis=0)
        size, scale = _picture_size(float(abs(plane.right_lps) @ extent), float(abs(plane.down_lps) @ extent))
        return replace(plane, width_px=size[0], height_px=size[1], mm_per_pixel=scale)

    def _turned(self, angle_deg: float) -> PicturePlane:
        """The plane nearest to axial that holds the needle, turned about the needle, which stays where it is."""
        reach_mm = self.path.length_mm + self.path.throw_mm
        middle = self.path.at(reach_mm / 2)
        field_mm = min(max(1.5 * reach_mm, 140.0), 320.0)
        size, scale = _picture_size(field_mm, field_mm)
        plane = along_needle(self.path, middle, size, scale, self.lying)
        if not angle_deg:
            return plane
        needle, angle = self.path.direction_lps, math.radians(angle_deg)

        def turn(vector: np.ndarray) -> np.ndarray:
            # Rodrigues' formula; the vectors lie in a plane with the needle, so that it keeps its place
            return (
                vector * math.cos(angle)
                + np.cross(needle, vector) * math.sin(angle)
                + needle * (needle @ vector) * (1 - math.cos(angle))
            )

        right = turn(plane.right_lps)
        right /= np.linalg.norm(right)
        down = turn(plane.down_lps)
        down -= (down @ right) * right
        return replace(plane, right_lps=right, down_lps=down / np.linalg.norm(down))


TITLES: dict[StackName, str] = {
    "along": "Along the needle",
    "axial": "Axial",
    "down": "Down the needle",
    "coronal": "Coronal",
    "sagittal": "Sagittal",
}


def slice_stack(
    name: StackName, grid: Grid, path: NeedlePath, notch_depth_mm: float, lying: Lying | None
) -> SliceStack:
    """The stack of that name. ``notch_depth_mm``: from the entry to the middle of the notch after the throw."""
    notch = path.at(notch_depth_mm)
    if name == "along":
        count, start, first, step = 180 // TURN_STEP_DEG, 0, 0.0, float(TURN_STEP_DEG)
    elif name == "down":
        first, step = -float(BEFORE_SKIN_MM), DOWN_STEP_MM
        count = math.ceil((path.length_mm + path.throw_mm + BEYOND_THROW_MM - first) / step)
        start = round((notch_depth_mm - first) / step)
    else:
        axis = _AXES[name][0]
        # the grid's own axis that runs most along this patient axis gives the step
        step = float(grid.spacing_mm[int(np.argmax(abs(grid.directions[axis])))])
        corners = grid.corners_lps_mm()[:, axis]
        # counted from the notch, so that one slice goes through it; half a voxel inside either face
        start = max(0, math.floor((notch[axis] - corners.min()) / step - 0.5))
        count = start + 1 + max(0, math.floor((corners.max() - notch[axis]) / step - 0.5))
        first = -start * step
    return SliceStack(
        name, TITLES[name], grid, path, (notch[0], notch[1], notch[2]), lying, count, start, first, step
    )


def _picture_size(width_mm: float, height_mm: float) -> tuple[tuple[int, int], float]:
    scale = max(width_mm, height_mm) / LONGEST_SIDE_PX
    return (max(1, round(width_mm / scale)), max(1, round(height_mm / scale))), scale
