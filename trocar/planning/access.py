"""Where a needle could go in: every point of skin that is free and within the needle's reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import TablePosition
from trocar.geometry.grid import Box, Grid, in_patient_order
from trocar.imaging.kernels.skin import count_faces, list_faces, outward_directions

Mask = NDArray[np.bool_]
Float = NDArray[np.float64]

UP_LPS: dict[str, tuple[float, float, float]] = {
    "supine": (0.0, -1.0, 0.0),
    "prone": (0.0, 1.0, 0.0),
    "left_lateral": (-1.0, 0.0, 0.0),
    "right_lateral": (1.0, 0.0, 0.0),
}
"""Direction of the ceiling in patient LPS for each position on the table."""

MOSTLY_PADDING = 0.5
FREE_SKIN_MIN_COSINE = 0.0
"""Skin counts as free where its outward normal does not point down to the table."""

NORMAL_RADIUS_MM = 8.0
"""The skin's direction is taken over about a fingertip, not over one voxel's stair."""


@dataclass(frozen=True, eq=False)
class SkinEntries:
    """Candidate entries: points (N, 3) on the skin in LPS mm and inward unit normals (N, 3).

    leaves_by_edge: whether the shortest way from the target to the outside goes out through the scan's edge,
    where there is no skin to see.
    """

    points_lps_mm: Float
    inward_normals_lps: Float
    leaves_by_edge: bool


def skin_entries(
    body: Mask,
    grid: Grid,
    at_edge: tuple[Box, tuple[int, int, int]],
    samples_lps_mm: Float,
    position: TablePosition,
    reach_mm: float,
    spacing_mm: float,
    unscanned: Mask | None = None,
) -> SkinEntries:
    """Points on the faces between body and air, no farther apart than ``spacing_mm``.

    body: mask ``[k, j, i]`` on ``grid``, a crop of the scan; at_edge: the crop's box in the scan and the scan's
    size (i, j, k). unscanned: voxels ``[k, j, i]`` that the scanner did not measure, outside its circle. A face
    on the crop's or scan's edge, or beside what was not measured, is never skin. Kept are points within
    ``reach_mm`` of a sample whose outward normal does not point down to the table.
    """
    faces = _faces(body, grid, spacing_mm, unscanned)
    centre, radius = _ball(samples_lps_mm)
    near = np.linalg.norm(faces - centre, axis=1) <= reach_mm + radius
    faces = faces[near]
    box, size = at_edge
    middle = grid.to_patient((np.array(size) - 1) / 2 - box.low_ijk)
    points = faces[_thin(faces, grid, middle, spacing_mm)]
    normals = _outward_normals(body, grid, points)
    free = normals @ np.array(UP_LPS[position]) >= FREE_SKIN_MIN_COSINE
    return SkinEntries(points[free], -normals[free], _edge_is_nearer(body, grid, at_edge, centre, faces))


def _ball(points: Float) -> tuple[Float, float]:
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    return centre, float(np.linalg.norm(points - centre, axis=1).max())


def _faces(body: Mask, grid: Grid, spacing_mm: float, unscanned: Mask | None) -> Float:
    """Points (N, 3) in LPS mm on every face between a body voxel and an air voxel, both inside the grid."""
    faces = list_faces(body, count_faces(body))
    if unscanned is not None and len(faces):
        i, j, k, axis = faces.T
        beside = unscanned[k, j, i] | unscanned[k + (axis == 2), j + (axis == 1), i + (axis == 0)]
        # where all air bears the padding value, padding says nothing about the scanner's circle
        if beside.mean() <= MOSTLY_PADDING:
            faces = faces[~beside]
    found = []
    for axis in range(3):  # across i, j, k
        face = faces[faces[:, 3] == axis, :3].astype(np.float64)
        face[:, axis] += 0.5
        # a face larger than the wanted spacing holds several points
        others = [a for a in range(3) if a != axis]
        counts = [max(1, int(np.ceil(grid.spacing_mm[a] / spacing_mm))) for a in others]
        offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
        for first_offset in offsets[0]:
            for second_offset in offsets[1]:
                moved = face.copy()
                moved[:, others[0]] += first_offset
                moved[:, others[1]] += second_offset
                found.append(moved)
    return grid.to_patient(np.concatenate(found))


def _outward_normals(body: Mask, grid: Grid, points_lps_mm: Float) -> Float:
    """Unit normals (N, 3) in LPS, out of the body: away from the tissue in a ball round each point."""
    downhill = outward_directions(
        body, np.array(grid.spacing_mm), grid.to_voxel(points_lps_mm), NORMAL_RADIUS_MM
    )
    outward = downhill @ grid.directions.T
    length = np.linalg.norm(outward, axis=1, keepdims=True)
    return np.asarray(outward / np.maximum(length, 1e-12))


def _thin(points: Float, grid: Grid, middle: Float, spacing_mm: float) -> NDArray[np.intp]:
    """One point a cell of ``spacing_mm``: the one nearest to the cell's middle, so that they lie evenly.

    Cells are counted from the scan's middle (3,) and ties go by place in the patient, so that it makes no difference
    how the scan was cropped and in which order its voxels are stored. The points come in the order of
    ``in_patient_order``.
    """
    along = np.round((points - middle) @ grid.directions / spacing_mm, 6)
    cells = np.rint(along).astype(np.int64)
    off_centre = ((along - cells) ** 2).sum(axis=1).round(5)
    place = in_patient_order(points)
    order = place[np.lexsort((off_centre[place], *cells[place].T))]
    if len(order) == 0:
        return order
    ordered = cells[order]
    new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    kept = order[new]
    return np.asarray(kept[in_patient_order(points[kept])])


def _edge_is_nearer(
    body: Mask, grid: Grid, at_edge: tuple[Box, tuple[int, int, int]], centre: Float, skin: Float
) -> bool:
    """Whether body tissue at the scan's own edge lies nearer to the target than any skin."""
    box, size = at_edge
    nearest_skin = np.linalg.norm(skin - centre, axis=1).min() if len(skin) else np.inf
    for axis in range(3):
        array_axis = 2 - axis
        for at_scan_edge, index in (
            (box.low_ijk[axis] == 0, 0),
            (box.high_ijk[axis] == size[axis], body.shape[array_axis] - 1),
        ):
            if not at_scan_edge:
                continue
            inside = np.argwhere(np.take(body, index, axis=array_axis))[:, ::-1].astype(np.float64)
            if len(inside) == 0:
                continue
            voxels = np.insert(inside, axis, index, axis=1)
            if np.linalg.norm(grid.to_patient(voxels) - centre, axis=1).min() < nearest_skin:
                return True
    return False
