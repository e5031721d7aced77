"""Skin points: on the skin, on the free side, everywhere, and never at the edge of the scan."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from trocar.geometry.grid import Box, Grid
from trocar.planning.access import SkinEntries, skin_entries

ROTATED = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


def _trunk(
    axes: np.ndarray, spacing: tuple[float, float, float] = (1.5, 2.0, 3.0)
) -> tuple[Grid, np.ndarray]:
    """A round trunk of radius 40 mm along the patient's long axis, cut by both ends of the scan."""
    size = np.ceil(np.array([110, 110, 90]) / np.array(spacing)).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.array(spacing)
    matrix[:3, 3] = -matrix[:3, :3] @ ((size - 1) / 2)
    grid = Grid((int(size[2]), int(size[1]), int(size[0])), matrix)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x, y, _ = np.moveaxis(grid.to_patient(np.stack([i, j, k], -1)), -1, 0)
    return grid, np.hypot(x, y) <= 40


def _entries(grid: Grid, body: np.ndarray, position: str = "prone", reach: float = 200.0) -> SkinEntries:
    whole = (Box((0, 0, 0), grid.size_ijk), grid.size_ijk)
    return skin_entries(body, grid, whole, np.zeros((1, 3)), position, reach, 2.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "axes", [np.eye(3), ROTATED, np.diag([1.0, -1.0, -1.0])], ids=["LPS", "oblique", "flipped"]
)
def test_entries_lie_on_the_skin_with_normals_that_point_inwards(axes: np.ndarray) -> None:
    grid, body = _trunk(axes)
    found = _entries(grid, body)
    radius = np.hypot(found.points_lps_mm[:, 0], found.points_lps_mm[:, 1])
    assert np.abs(radius - 40).max() < 3.0
    inward = -np.column_stack([found.points_lps_mm[:, :2] / radius[:, None], np.zeros(len(radius))])
    cosine = (found.inward_normals_lps * inward).sum(axis=1)
    assert np.median(cosine) > 0.97
    assert np.allclose(np.linalg.norm(found.inward_normals_lps, axis=1), 1)


@pytest.mark.parametrize(
    ("position", "free"),
    [("prone", (0, 1)), ("supine", (0, -1)), ("left_lateral", (-1, 0)), ("right_lateral", (1, 0))],
)
def test_the_free_side_is_the_one_that_faces_the_ceiling(position: str, free: tuple[int, int]) -> None:
    grid, body = _trunk(np.eye(3))
    along = _entries(grid, body, position).points_lps_mm[:, :2] @ np.array(free)
    assert along.min() > -6.0  # the flanks count, the side on the table does not
    assert along.max() > 38.0


def test_every_free_skin_point_has_an_entry_near_it() -> None:
    grid, body = _trunk(np.eye(3))
    found = _entries(grid, body).points_lps_mm
    angles, heights = np.meshgrid(np.linspace(0.1, np.pi - 0.1, 200), np.linspace(-40, 40, 80))
    skin = np.column_stack([40 * np.cos(angles).ravel(), 40 * np.sin(angles).ravel(), heights.ravel()])
    distance, _ = cKDTree(found).query(skin)
    assert distance.max() < 2.0 + 1.5  # the lattice's 2 mm and half a voxel of staircase
    assert np.median(distance) < 1.3


def test_the_edge_of_the_scan_is_never_skin() -> None:
    grid, body = _trunk(np.eye(3))
    found = _entries(grid, body).points_lps_mm
    top = np.abs(grid.corners_lps_mm()[:, 2]).max()
    inside = np.hypot(found[:, 0], found[:, 1]) < 35
    assert not inside.any()
    assert np.abs(found[:, 2]).max() <= top


def test_leaving_by_the_edge_is_told_when_it_is_the_shortest_way() -> None:
    grid, body = _trunk(np.eye(3))
    whole = (Box((0, 0, 0), grid.size_ijk), grid.size_ijk)
    middle = skin_entries(body, grid, whole, np.zeros((1, 3)), "prone", 200.0, 2.0)
    near_end = skin_entries(body, grid, whole, np.array([[0.0, 0.0, 40.0]]), "prone", 200.0, 2.0)
    assert not middle.leaves_by_edge
    assert near_end.leaves_by_edge


def test_the_side_of_a_crop_is_no_edge_of_the_scan() -> None:
    grid, body = _trunk(np.eye(3))
    i, j, k = grid.size_ijk
    inner = (Box((0, 0, 10), (i, j, 10 + k)), (i, j, k + 20))
    found = skin_entries(body, grid, inner, np.array([[0.0, 0.0, 40.0]]), "prone", 200.0, 2.0)
    assert not found.leaves_by_edge


def test_reach_limits_the_skin() -> None:
    grid, body = _trunk(np.eye(3))
    found = _entries(grid, body, reach=45.0).points_lps_mm
    assert np.linalg.norm(found, axis=1).max() <= 45.0


def test_the_border_of_what_was_scanned_is_never_skin() -> None:
    """Where the scanner's circle cuts the body, the cut is no skin; where all air is padding, padding means nothing."""
    grid, body = _trunk(np.eye(3))
    whole = (Box((0, 0, 0), grid.size_ijk), grid.size_ijk)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x = grid.to_patient(np.stack([i, j, k], -1))[..., 0]
    unscanned = x > 25
    cut = skin_entries(body & ~unscanned, grid, whole, np.zeros((1, 3)), "prone", 200.0, 2.0, unscanned)
    assert len(cut.points_lps_mm) > 100
    assert cut.points_lps_mm[:, 0].max() < 25 - 0.5
    everywhere = skin_entries(body, grid, whole, np.zeros((1, 3)), "prone", 200.0, 2.0, ~body)
    assert len(everywhere.points_lps_mm) == len(_entries(grid, body).points_lps_mm)
