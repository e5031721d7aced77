"""Grids: where a voxel is, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid


def oblique(mirrored: bool = False) -> Grid:
    """4 x 5 x 6 voxels (i, j, k) of 0.7 x 1.3 x 2.5 mm, along nothing in particular."""
    turn, _ = np.linalg.qr(np.array([[0.9, 0.2, -0.3], [0.1, 0.8, 0.5], [0.4, -0.4, 0.8]]))
    if (np.linalg.det(turn) < 0) != mirrored:
        turn[:, 2] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = turn * (0.7, 1.3, 2.5)
    matrix[:3, 3] = (10.0, -20.0, 300.0)
    return Grid((6, 5, 4), matrix)


def test_shape_is_read_backwards() -> None:
    grid = oblique()
    assert grid.shape_kji == (6, 5, 4)
    assert grid.size_ijk == (4, 5, 6)
    np.testing.assert_allclose(grid.spacing_mm, (0.7, 1.3, 2.5))


def test_indices_count_from_voxel_centres() -> None:
    grid = Grid((6, 5, 4), np.array([[0.7, 0, 0, 10], [0, 1.3, 0, -20], [0, 0, 2.5, 300], [0, 0, 0, 1]]))
    np.testing.assert_allclose(grid.to_patient((0, 0, 0)), (10, -20, 300))
    np.testing.assert_allclose(grid.to_patient((1, 2, 3)), (10.7, -17.4, 307.5))
    np.testing.assert_allclose(grid.corners_lps_mm()[0], (10 - 0.35, -20 - 0.65, 300 - 1.25))
    np.testing.assert_allclose(grid.corners_lps_mm()[-1], (10 + 0.7 * 3.5, -20 + 1.3 * 4.5, 300 + 2.5 * 5.5))


@pytest.mark.parametrize("mirrored", [False, True])
def test_there_and_back(mirrored: bool) -> None:
    grid = oblique(mirrored)
    ijk = np.random.default_rng(1).uniform(-10, 20, (3, 7, 3))
    np.testing.assert_allclose(grid.to_voxel(grid.to_patient(ijk)), ijk, atol=1e-10)
    assert np.linalg.det(grid.directions) == pytest.approx(-1 if mirrored else 1)


def test_distances_are_those_of_the_patient() -> None:
    """Indices times spacing are an undistorted picture of the patient, however the grid lies."""
    grid = oblique()
    one, other = np.random.default_rng(2).uniform(-10, 20, (2, 3))
    in_grid_mm = np.linalg.norm((one - other) * grid.spacing_mm)
    assert np.linalg.norm(grid.to_patient(one) - grid.to_patient(other)) == pytest.approx(in_grid_mm)


def test_contains_its_outer_faces_and_no_more() -> None:
    grid = Grid((6, 5, 4), np.diag([2.0, 1.0, 0.5, 1.0]))
    inside = [(-1, -0.5, -0.25), (7, 4.5, 2.75), (3, 2, 1)]
    outside = [(-1.001, 0, 0), (0, 4.501, 0), (0, 0, 2.751), (7.001, 0, 0)]
    assert grid.contains(inside).all()
    assert not grid.contains(outside).any()


def test_crop_stays_where_it_was() -> None:
    grid = oblique()
    part = grid.crop((1, 2, 3), (4, 4, 6))
    assert part.shape_kji == (3, 2, 3)
    np.testing.assert_allclose(part.to_patient((0, 0, 0)), grid.to_patient((1, 2, 3)))
    np.testing.assert_allclose(part.to_patient((2, 1, 2)), grid.to_patient((3, 3, 5)))


def test_same_as_looks_at_every_corner() -> None:
    grid = oblique()
    matrix = grid.voxel_to_patient.copy()
    matrix[:3, 3] += 0.005
    assert grid.same_as(Grid(grid.shape_kji, matrix))
    assert not grid.same_as(grid.crop((0, 0, 0), (4, 5, 5)))
    wider = grid.voxel_to_patient.copy()
    wider[:3, 2] *= 1.002  # 0.03 mm at the far end, nothing at the first voxel
    assert not grid.same_as(Grid(grid.shape_kji, wider))


def test_matrix_cannot_be_changed_from_outside() -> None:
    matrix = np.eye(4)
    grid = Grid((1, 1, 1), matrix)
    matrix[0, 3] = 5.0
    assert grid.voxel_to_patient[0, 3] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        grid.voxel_to_patient[0, 3] = 5.0


def sheared() -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[2, 1] = 0.2  # a tilted gantry
    return matrix


@pytest.mark.parametrize(
    ("shape", "matrix", "sentence"),
    [
        ((1, 1, 1), np.full((4, 4), np.nan), "not finite"),
        ((1, 1, 1), np.eye(3), "not finite"),
        ((1, 1, 1), np.ones((4, 4)), "not affine"),
        ((0, 1, 1), np.eye(4), "no voxels"),
        ((1, 1), np.eye(4), "no voxels"),
        ((1, 1, 1), np.diag([1.0, 0.0, 1.0, 1.0]), "spacing is zero"),
        ((2, 2, 2), sheared(), "right angles"),
    ],
)
def test_refused(shape: tuple[int, ...], matrix: NDArray[np.float64], sentence: str) -> None:
    with pytest.raises(InputRefused, match=sentence):
        Grid(shape, matrix)  # type: ignore[arg-type]


def test_rounded_direction_cosines_are_taken() -> None:
    """Writers of DICOM round to six digits or so."""
    grid = oblique()
    matrix = grid.voxel_to_patient.copy()
    matrix[:3, :3] = np.round(grid.directions, 6) * grid.spacing_mm
    Grid(grid.shape_kji, matrix)


class TestBox:
    """Blocks of voxels."""

    def test_slices_fit_an_array(self) -> None:
        array = np.arange(6 * 5 * 4).reshape(6, 5, 4)
        box = Box((1, 2, 3), (3, 3, 6))
        assert array[box.slices_kji].shape == (3, 1, 2)
        assert array[box.slices_kji][0, 0, 0] == array[3, 2, 1]

    def test_around_holds_points_and_margin(self) -> None:
        grid = Grid((60, 50, 40), oblique().voxel_to_patient)
        points = grid.to_patient([(10, 12, 20), (15, 30, 22)])
        box = Box.around(grid, points, 2.6)
        margin = 2.6 / grid.spacing_mm
        low, high = np.array(box.low_ijk), np.array(box.high_ijk)
        assert (low - 0.5 <= np.array((10, 12, 20)) - margin + 1e-9).all()
        assert (high - 0.5 >= np.array((15, 30, 22)) + margin - 1e-9).all()
        assert (low + 0.5 > np.array((10, 12, 20)) - margin - 1e-9).all()  # and no voxel more
        assert (high - 1.5 < np.array((15, 30, 22)) + margin + 1e-9).all()

    def test_around_is_cut_at_the_edge(self) -> None:
        grid = oblique()
        assert Box.around(grid, grid.to_patient([(0, 0, 0), (3, 4, 5)]), 50.0) == Box((0, 0, 0), (4, 5, 6))

    def test_around_of_points_outside_is_empty(self) -> None:
        grid = oblique()
        box = Box.around(grid, grid.to_patient([(1, 1, 40)]), 1.0)
        assert box.low_ijk[2] == box.high_ijk[2]
        box = Box.around(grid, grid.to_patient([(-30, 1, 1)]), 1.0)
        assert box.low_ijk[0] == box.high_ijk[0]
