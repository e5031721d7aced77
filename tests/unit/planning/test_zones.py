"""Derived zones: on oblique and mirrored grids with unequal spacing, where a wrong axis shows."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.geometry.grid import Grid
from trocar.planning import zones


def _grid(directions: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.5, 2.5)) -> Grid:
    matrix = np.eye(4)
    matrix[:3, :3] = directions * np.array(spacing)
    matrix[:3, 3] = (-30, 20, 5)
    return Grid((24, 30, 40), matrix)


AXES = {
    "LPS": np.eye(3),
    "LAS as stored by some NIfTI writers": np.diag([1.0, -1.0, 1.0]),
    "slices from head to feet": np.diag([1.0, 1.0, -1.0]),
    "coronal slices": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
}


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_the_strip_under_a_rib_lies_towards_the_feet(axes: np.ndarray) -> None:
    grid = _grid(axes)
    rib = np.zeros(grid.shape_kji, bool)
    rib[12, 15, 20] = True
    strip = zones.below_ribs([rib], grid, 6.0)
    offsets = grid.to_patient(np.argwhere(strip)[:, ::-1]) - grid.to_patient((20, 15, 12))
    assert len(offsets) >= 2
    assert (offsets[:, 2] < 0).all()
    assert np.abs(offsets[:, :2]).max() < 1e-6
    step = np.abs(grid.directions[2] @ np.diag(grid.spacing_mm)).max()
    assert offsets[:, 2].min() == pytest.approx(-6.0, abs=step / 2 + 1e-6)
    assert not (strip & rib).any()


def test_shifted_loses_what_leaves_and_brings_in_nothing() -> None:
    mask = np.zeros((3, 4, 5), bool)
    mask[2, 3, 4] = True
    assert not zones.shifted(mask, (1, 0, 0)).any()
    moved = zones.shifted(mask, (-2, -1, -2))
    assert np.argwhere(moved).tolist() == [[0, 2, 2]]


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_the_canal_is_found_where_the_arch_is_open_by_a_gap(axes: np.ndarray) -> None:
    grid = _grid(axes)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x, y, _ = np.moveaxis(grid.to_patient(np.stack([i, j, k], -1)), -1, 0)
    middle = grid.to_patient((20, 15, 12))
    radius = np.hypot(x - middle[0], y - middle[1])
    bone = (radius > 5) & (radius < 9)
    bone &= ~((np.abs(x - middle[0]) < 1.1) & (y > middle[1]))  # a gap between the laminae
    canal = zones.spinal_canal(bone, grid, 15.0)
    index = tuple(np.rint(grid.to_voxel(middle)).astype(int)[::-1])
    assert canal[index]
    assert not (canal & bone).any()
    assert radius[canal].max() < 7.0
    assert canal.sum() > 0.7 * (radius < 5).sum()


def test_foramina_open_sideways_between_pedicles_only() -> None:
    grid = _grid(np.eye(3), (1.0, 1.0, 1.0))
    canal = np.zeros(grid.shape_kji, bool)
    canal[:, 13:18, 18:23] = True
    bone = np.zeros_like(canal)
    bone[:12, 12:19, 14:18] = True  # pedicles on the lower slices, both sides
    bone[:12, 12:19, 23:27] = True
    zone = zones.foramina(canal, bone, grid, 8.0)
    assert not zone[:12].any()
    assert zone[15, 15, 10:18].all()
    assert zone[15, 15, 23:31].all()
    assert not zone[15, 15, 9]
    assert not zone[15, 15, 31]
    assert not zone[15, 12].any()
    assert not zone[15, 18].any()


def test_closing_is_a_ball_in_millimetres_for_unequal_spacing() -> None:
    grid = _grid(np.eye(3), (1.0, 1.0, 4.0))
    mask = np.zeros(grid.shape_kji, bool)
    mask[10, 5:25, 5:35] = True
    mask[12, 5:25, 5:35] = True  # one empty slice of 4 mm between the two plates
    assert not zones.closed(mask, grid, 3.5)[11].any()
    assert zones.closed(mask, grid, 4.5)[11].any()
    assert (zones.closed(mask, grid, 3.5) >= mask).all()


def test_the_sinus_is_the_bay_of_the_kidney_and_nothing_outside() -> None:
    grid = _grid(np.eye(3), (1.0, 1.0, 1.0))
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    ball = (k - 12.0) ** 2 + (j - 15.0) ** 2 + (i - 20.0) ** 2 <= 100
    bay = (np.abs(k - 12) <= 2) & (np.abs(j - 15) <= 2) & (i < 20)
    sinus, _ = zones.organ_sinus(ball & ~bay, grid, 4.0, 40.0)
    assert sinus[12, 15, 15]
    assert (sinus <= ball | (i < 12)).all()
    assert sinus[bay & ball].mean() > 0.8


def test_what_lies_deep_in_a_kidney_counts_as_sinus_where_the_label_fills_it_in() -> None:
    grid = _grid(np.eye(3), (1.0, 1.0, 1.0))
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    radius = np.sqrt((k - 12.0) ** 2 + (j - 15.0) ** 2 + (i - 20.0) ** 2)
    sinus, depth = zones.organ_sinus(radius <= 10.5, grid, 4.0, 6.0)
    # voxel centres and a ball of voxels: half a voxel either way
    assert np.abs(depth - (10.5 - radius))[radius <= 10].max() < 1.0
    assert sinus[radius <= 3.5].all()
    assert not sinus[radius >= 5.5].any()
