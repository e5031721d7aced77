"""Resampling keeps a linear field exactly, whatever the slant and the spacing of its slices."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ct_factory import oblique_directions
from trocar.imaging.regular_grid import OUTSIDE_HU, resample_slices

GRADIENT = np.array([3.0, -2.0, 1.5])


def ramp(points: np.ndarray) -> np.ndarray:
    return 200 + points @ GRADIENT


def slices_of_a_ramp(depths, shifts, directions):
    """Slices 12 x 10 of a field that is linear in the patient, at ``depths`` along the normal, shifted in plane."""
    pixel = np.array([0.7, 0.9])
    origin = np.array([5.0, -8.0, 20.0])
    positions = np.array(
        [origin + directions @ np.array([*s, d]) for d, s in zip(depths, shifts, strict=True)]
    )
    j, i = np.meshgrid(np.arange(12), np.arange(10), indexing="ij")
    in_plane = i[..., None] * pixel[0] * directions[:, 0] + j[..., None] * pixel[1] * directions[:, 1]
    hu = np.rint([ramp(position + in_plane) for position in positions]).astype(np.int16)
    return hu, positions, (0.7, 0.9)


@pytest.mark.parametrize("directions", [np.eye(3), oblique_directions(2)])
@pytest.mark.parametrize(
    ("depths", "shifts"),
    [
        ([0, 2, 4, 6, 8], [(0, 0)] * 5),
        ([0, 2, 5, 6, 9], [(0, 0)] * 5),
        ([0, 2, 4, 6, 8], [(0, 0.8 * n) for n in range(5)]),
        ([0, 2, 4, 6, 8], [(-0.9 * n, 0.35 * n) for n in range(5)]),
        ([0, 2, 5, 6, 9], [(0.7, 0), (0, 0.9), (0.33, -2), (1, 1), (0, 0)]),
    ],
)
def test_a_linear_field_stays_as_it_is(depths, shifts, directions) -> None:
    """Linear interpolation is exact here; stored and resampled HU are rounded, so 1 HU is the most they differ."""
    hu, positions, pixel = slices_of_a_ramp(depths, shifts, directions)
    result, grid = resample_slices(hu, positions, directions, pixel, 2.0)
    k, j, i = np.indices(result.shape)
    expected = ramp(grid.to_patient(np.stack([i, j, k], axis=-1)))
    along = grid.to_patient(np.stack([i, j, k], axis=-1)) @ directions
    at = np.array(positions) @ directions
    # A voxel counts where both slices that it lies between cover it.
    inside = np.ones(result.shape, bool)
    for axis, count in ((0, 10), (1, 12)):
        step = pixel[axis]
        for n in range(result.shape[0]):
            below = min(np.searchsorted(at[:, 2], along[n, 0, 0, 2] + 1e-9) - 1, len(at) - 2)
            for m in (below, below + 1):
                inside[n] &= along[n, ..., axis] >= at[m, axis] - 1e-6
                inside[n] &= along[n, ..., axis] <= at[m, axis] + (count - 1) * step + 1e-6
    assert inside.mean() > 0.3
    assert np.abs(result[inside] - expected[inside]).max() <= 1.0


def test_even_straight_slices_come_back_unchanged() -> None:
    hu, positions, pixel = slices_of_a_ramp([0, 2, 4, 6], [(0, 0)] * 4, oblique_directions(1))
    result, grid = resample_slices(hu, positions, oblique_directions(1), pixel, 2.0)
    np.testing.assert_array_equal(result, hu)
    np.testing.assert_allclose(grid.to_patient([(0, 0, k) for k in range(4)]), positions, atol=1e-9)
    np.testing.assert_allclose(grid.spacing_mm, (0.7, 0.9, 2.0))


def test_beside_the_scan_is_air() -> None:
    hu, positions, pixel = slices_of_a_ramp([0, 2, 4], [(0, 0), (0, 9), (0, 18)], np.eye(3))
    result, _ = resample_slices(hu, positions, np.eye(3), pixel, 2.0)
    assert result.shape == (3, 12 + 20, 10)
    assert (result[0, 12:] == OUTSIDE_HU).all()
    assert (result[2, :20] == OUTSIDE_HU).all()
    np.testing.assert_array_equal(result[2, 20:], hu[2])


def test_first_and_last_slice_stay_the_ends() -> None:
    hu, positions, pixel = slices_of_a_ramp([0, 2, 5, 7.3], [(0, 0)] * 4, np.eye(3))
    result, grid = resample_slices(hu, positions, np.eye(3), pixel, 2.0)
    np.testing.assert_array_equal(result[[0, -1]], hu[[0, -1]])
    assert grid.to_patient((0, 0, result.shape[0] - 1))[2] == pytest.approx(27.3)
