"""A dot at a known place in the patient appears at its own pixel, on every grid and plane."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.unit.imaging.render.phantoms import GRIDS, ball, ball_structure, brightest, dot
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.render.plane import across_needle, along_needle, down_needle, standard
from trocar.imaging.render.reslicing import outlines, projection, reslice, shadow_outlines
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

MIDDLE = np.array([30.0, -40.0, 500.0])
PATH = NeedlePath(MIDDLE + np.array([8.0, 24.0, -9.0]), MIDDLE + np.array([-3.0, -8.0, 6.0]), 10.0)
SIZE = (120, 100)
PLANES = {
    "axial": standard("axial", MIDDLE, SIZE, 0.8),
    "axial, prone": standard("axial", MIDDLE, SIZE, 0.8, "prone"),
    "coronal": standard("coronal", MIDDLE, SIZE, 0.8),
    "sagittal": standard("sagittal", MIDDLE, SIZE, 0.8),
    "along the needle": along_needle(PATH, MIDDLE, SIZE, 0.8, "prone"),
    "across the needle": across_needle(PATH, MIDDLE, SIZE, 0.8, "prone"),
    "down the needle": down_needle(PATH, MIDDLE, SIZE, 0.8),
}


@pytest.mark.parametrize("plane_name", PLANES)
@pytest.mark.parametrize("grid_name", GRIDS)
def test_a_dot_appears_at_its_own_pixel(grid_name, plane_name):
    plane = PLANES[plane_name]
    # off centre both ways, so that a mirrored or turned picture moves it by many pixels
    point = plane.centre_lps_mm + 14 * plane.right_lps - 9 * plane.down_lps
    picture = reslice(dot(GRIDS[grid_name], point), plane)
    expected = (120 - 1) / 2 + 14 / 0.8, (100 - 1) / 2 - 9 / 0.8
    # a ball of whole voxels has its centre within half a voxel (at most 1.15 mm, 1.4 pixels)
    np.testing.assert_allclose(brightest(picture), expected, atol=1.0)
    np.testing.assert_allclose(plane.to_pixel(point), expected, atol=1e-9)


@pytest.mark.parametrize("grid_name", GRIDS)
def test_values_are_those_of_scipy(grid_name):
    """Equal to 0.01 HU: the same trilinear sum in double precision, given back as float32."""
    rng = np.random.default_rng(5)
    grid = GRIDS[grid_name]
    volume = Volume(rng.integers(-1000, 1500, grid.shape_kji).astype(np.int16), grid)
    plane = PLANES["along the needle"]
    picture = reslice(volume, plane)
    columns, rows = np.meshgrid(np.arange(120), np.arange(100))
    points = plane.to_patient(np.stack([columns, rows], axis=-1))
    ijk = grid.to_voxel(points)
    expected = ndimage.map_coordinates(
        volume.hu.astype(np.float64), np.moveaxis(ijk[..., ::-1], -1, 0), order=1, mode="nearest"
    )
    inside = grid.contains(points)
    assert inside.sum() > 2000
    np.testing.assert_allclose(picture[inside], expected[inside], atol=0.01)
    assert np.isnan(picture[~inside]).all()


def test_left_is_left_in_the_axial_picture_and_turned_when_prone():
    point = MIDDLE + np.array([15.0, 0.0, 0.0])  # to the patient's left
    for grid in GRIDS.values():
        volume = dot(grid, point)
        assert brightest(reslice(volume, PLANES["axial"]))[0] > 70, (
            "the patient's left is on the picture's right"
        )
        assert brightest(reslice(volume, PLANES["axial, prone"]))[0] < 50, "face down, seen from the feet"


def test_a_single_slice_has_a_picture():
    grid = GRIDS["oblique"].crop((0, 0, 20), (90, 70, 21))
    volume = Volume(np.full(grid.shape_kji, 55, dtype=np.int16), grid)
    plane = standard("axial", grid.to_patient([44.5, 34.5, 0.0]), (9, 9), 0.05)
    assert (reslice(volume, plane) == 55).all()


def test_projection_is_the_mean_behind_each_pixel():
    grid = GRIDS["oblique"]
    point = MIDDLE + np.array([6.0, 2.0, -5.0])
    front = standard("coronal", MIDDLE - np.array([0.0, 45.0, 0.0]), SIZE, 0.4)
    picture = projection(dot(grid, point, 6.0), front, 90.0)
    np.testing.assert_allclose(brightest(picture), front.to_pixel(point), atol=2.5)
    # 12 mm of 1000 HU on a way of about 90 mm, of which some lies outside the scan
    assert 12 / 90 * 1000 * 0.8 < np.nanmax(picture) < 12 / 50 * 1000


@pytest.mark.parametrize("as_mask", [False, True])
@pytest.mark.parametrize("grid_name", GRIDS)
def test_an_outline_follows_the_structures_surface(grid_name, as_mask):
    centre = MIDDLE + np.array([3.0, 5.0, -4.0])
    structures = ball_structure(GRIDS[grid_name], centre, 12.0, as_mask)
    plane = PLANES["along the needle"]
    found = outlines(structures, plane, ["ball", "not there"])
    assert list(found) == ["ball"]
    points = plane.to_patient(np.vstack(found["ball"]))
    away = np.linalg.norm(points - centre, axis=1)
    # the voxels' surface is within half of the greatest spacing (1.15 mm) and a corner's rounding of the ball's
    assert np.abs(away - 12.0).max() < 1.6


def test_a_structure_of_one_voxel_between_two_slices_is_still_outlined():
    grid = GRIDS["DICOM head first (LPS)"]
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    labels[20, 30, :] = 4  # a vessel, one voxel thick
    structures = StructureSet(grid, labels, {4: "vessel"}, {})
    # cut 0.4 voxels off its middle in both directions: the smoothed share is 0.36 there
    point = grid.to_patient([45, 30.4, 20.4])
    plane = standard("axial", point, SIZE, 0.5)
    assert "vessel" in outlines(structures, plane, ["vessel"])


def test_a_structure_that_the_plane_misses_has_no_outline():
    structures = ball_structure(GRIDS["RAS"], MIDDLE + np.array([0.0, 0.0, 30.0]), 8.0, as_mask=False)
    assert outlines(structures, PLANES["axial"], ["ball"]) == {}


@pytest.mark.parametrize("as_mask", [False, True])
@pytest.mark.parametrize("grid_name", GRIDS)
def test_a_shadow_shows_whether_the_needle_meets_the_structure(grid_name, as_mask):
    start = PATH.entry_lps_mm
    plane = down_needle(PATH, start, (300, 300), 0.2)
    beside = PATH.at(25.0) + 11.0 * plane.right_lps
    structures = ball_structure(GRIDS[grid_name], beside, 7.0, as_mask)
    lines = shadow_outlines(structures, plane, 45.0, ["ball"])["ball"]
    points = plane.to_patient(np.vstack(lines))
    off = (points - plane.centre_lps_mm) - 11.0 * plane.right_lps
    # a ball's shadow is a circle of its radius; voxel boxes reach up to half a voxel's diagonal (1.4 mm) further
    assert np.abs(np.linalg.norm(off, axis=1) - 7.0).max() < 1.8
    assert shadow_outlines(structures, plane, 8.0, ["ball"]) == {}, "not yet that deep"


def test_shadows_of_mask_and_label_agree():
    grid = GRIDS["oblique"]
    voxels = ball(grid, MIDDLE, 9.0)
    both = StructureSet(grid, np.where(voxels, 2, 0).astype(np.uint16), {2: "label"}, {"mask": voxels})
    plane = down_needle(PATH, PATH.entry_lps_mm, (200, 200), 0.3)
    found = shadow_outlines(both, plane, 45.0, ["label", "mask"])
    np.testing.assert_array_equal(np.vstack(found["label"]), np.vstack(found["mask"]))
