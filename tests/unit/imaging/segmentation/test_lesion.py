"""A lesion from a click, or a sphere."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.imaging.segmentation.trunk import mirrored, turned
from trocar.errors import InputRefused, UsageError
from trocar.geometry.grid import Grid
from trocar.imaging.segmentation.dice import dice
from trocar.imaging.segmentation.lesion import lesion_from_click, sphere
from trocar.imaging.volume import Volume


def grid_of(spacing_mm: tuple[float, float, float]) -> Grid:
    matrix = np.diag([*spacing_mm, 1.0])
    matrix[:3, 3] = (-40, 20, -100)
    i, j, k = (round(80 / s) for s in spacing_mm)
    return turned(Volume(np.zeros((k, j, i), np.int16), Grid((k, j, i), matrix)), 20, (1, 2, 3)).grid


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.7, 1.3, 3.0)], ids=str)
def test_a_sphere_has_its_volume_and_place(spacing_mm: tuple[float, float, float]) -> None:
    """Voxels counted by centre: the volume is right to a few percent."""
    grid = grid_of(spacing_mm)
    centre = grid.to_patient(np.array(grid.size_ijk) / 2 + 0.3)
    mask = sphere(grid, centre, 15.0)
    ml = mask.sum() * np.prod(spacing_mm) / 1000
    assert ml == pytest.approx(4 / 3 * np.pi * 1.5**3, rel=0.03)
    places = grid.to_patient(np.argwhere(mask)[:, ::-1])
    assert np.allclose(places.mean(axis=0), centre, atol=0.5 * max(spacing_mm))
    assert np.linalg.norm(places - centre, axis=1).max() <= 15.0


def test_a_sphere_smaller_than_a_voxel_is_its_voxel() -> None:
    grid = grid_of((2.0, 2.0, 5.0))
    mask = sphere(grid, grid.to_patient((10.4, 12.4, 7.4)), 0.1)
    assert np.argwhere(mask).tolist() == [[7, 12, 10]]


def marrow_with_lesion(lesion_hu: float) -> tuple[Volume, np.ndarray, np.ndarray]:
    grid = grid_of((0.8, 1.1, 2.0))
    centre = grid.to_patient(np.array(grid.size_ijk) / 2)
    lesion = sphere(grid, centre, 12.0)
    hu = np.where(lesion, lesion_hu, 180.0) + np.random.default_rng(2).normal(0, 15, lesion.shape)
    return Volume(hu.astype(np.int16), grid), lesion, centre


@pytest.mark.parametrize("lesion_hu", [40.0, 600.0], ids=["lytic", "sclerotic"])
def test_lytic_and_sclerotic_lesions_are_found(lesion_hu: float) -> None:
    volume, lesion, centre = marrow_with_lesion(lesion_hu)
    for offset in ((0, 0, 0), (5, -4, 3)):
        assert dice(lesion_from_click(volume, centre + offset, 25.0), lesion) > 0.93
    other = lesion_from_click(mirrored(volume, 0), centre, 25.0)
    assert np.array_equal(other[::-1], lesion_from_click(volume, centre, 25.0))


def test_what_has_no_border_within_the_radius_is_refused() -> None:
    volume, _, centre = marrow_with_lesion(40.0)
    with pytest.raises(InputRefused, match="no border within 8 mm"):
        lesion_from_click(volume, centre, 8.0)


def test_wrong_points_and_radii_are_refused() -> None:
    volume, _, centre = marrow_with_lesion(40.0)
    with pytest.raises(InputRefused, match="outside the scan"):
        lesion_from_click(volume, centre + 500, 10.0)
    with pytest.raises(InputRefused, match="outside the scan"):
        sphere(volume.grid, centre + 500, 10.0)
    for radius in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="radius"):
            lesion_from_click(volume, centre, radius)
        with pytest.raises(UsageError, match="radius"):
            sphere(volume.grid, centre, radius)
