"""The picture in three dimensions shows what is where, on any grid."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.imaging.render.phantoms import GRIDS, ball
from trocar.geometry.grid import Box
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.render.plane import PicturePlane
from trocar.imaging.render.surface import Shape, render, scene, view_of
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

MIDDLE = np.array([30.0, -40.0, 500.0])
TRUCUT = Needle("18G", 18, 150.0, 22.0, 4.0, 16.0, 1.27)
RED, BLUE = (230, 30, 30), (30, 30, 230)
# from the front of the body, towards the middle
PATH = NeedlePath(MIDDLE + np.array([-20.0, -24.0, 12.0]), MIDDLE + np.array([-20.0, -4.0, 12.0]), 22.0)
FRONT = PicturePlane(
    MIDDLE - np.array([0.0, 100.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0]), 160, 160, 0.5
)


def looked_at(grid, shapes, structures, view=FRONT):
    body = ball(grid, MIDDLE, 33.0)
    volume = Volume(np.where(body, 20, -1000).astype(np.int16), grid)
    whole = Box((0, 0, 0), grid.size_ijk)
    return np.asarray(render(scene(volume, structures, shapes, whole), view, 200.0, PATH, TRUCUT)).astype(int)


def place(pixels, colour_index):
    """Centre (column, row) of the pixels that are clearly of one primary colour."""
    own = pixels[..., colour_index]
    rest = np.delete(pixels, colour_index, axis=-1).max(axis=-1)
    rows, columns = np.nonzero(own > rest + 40)
    assert len(rows) > 50
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize("grid_name", GRIDS)
def test_shapes_stand_where_they_are(grid_name):
    grid = GRIDS[grid_name]
    left, right = MIDDLE + np.array([12.0, 0.0, 6.0]), MIDDLE + np.array([-10.0, 5.0, -14.0])
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    labels[ball(grid, left, 7.0)] = 5
    structures = StructureSet(grid, labels, {5: "a"}, {"b": ball(grid, right, 7.0)})
    pixels = looked_at(grid, [Shape(("a",), RED), Shape(("b",), BLUE)], structures)
    np.testing.assert_allclose(place(pixels, 0), FRONT.to_pixel(left), atol=4)
    np.testing.assert_allclose(place(pixels, 2), FRONT.to_pixel(right), atol=4)


def test_what_is_in_front_hides_what_is_behind_but_the_target_shows_through():
    grid = GRIDS["oblique"]
    front, behind = (
        ball(grid, MIDDLE - np.array([0.0, 12.0, 0.0]), 10.0),
        ball(grid, MIDDLE + np.array([0.0, 12.0, 0.0]), 6.0),
    )
    structures = StructureSet(grid, None, {}, {"front": front, "behind": behind})
    at = tuple(np.rint(FRONT.to_pixel(MIDDLE)).astype(int)[::-1])
    hidden = looked_at(grid, [Shape(("front",), RED), Shape(("behind",), BLUE)], structures)[at]
    shown = looked_at(grid, [Shape(("front",), RED), Shape(("behind",), BLUE, True)], structures)[at]
    assert hidden[0] > hidden[2] + 60
    assert shown[2] > hidden[2] + 20


def test_structures_on_another_grid_stand_in_the_same_place():
    grid = GRIDS["oblique"]
    other = GRIDS["RAS"]
    centre = MIDDLE + np.array([12.0, 0.0, 6.0])
    structures = StructureSet(other, None, {}, {"a": ball(other, centre, 7.0)})
    pixels = looked_at(grid, [Shape(("a",), RED)], structures)
    np.testing.assert_allclose(place(pixels, 0), FRONT.to_pixel(centre), atol=4)


def test_without_labels_bone_comes_from_the_intensities():
    grid = GRIDS["LAS"]
    hu = np.where(ball(grid, MIDDLE, 33.0), 20, -1000)
    hu[ball(grid, MIDDLE + np.array([10.0, 0.0, 0.0]), 7.0)] = 900
    whole = Box((0, 0, 0), grid.size_ijk)
    made = scene(Volume(hu.astype(np.int16), grid), None, [Shape((), RED)], whole)
    pixels = np.asarray(render(made, FRONT, 200.0, PATH, TRUCUT)).astype(int)
    np.testing.assert_allclose(place(pixels, 0), FRONT.to_pixel(MIDDLE + np.array([10.0, 0.0, 0.0])), atol=4)


def test_an_empty_scene_has_skin_and_needle():
    pixels = looked_at(GRIDS["RAS"], [], None)
    corner, middle = pixels[5, 5], pixels[80, 80]
    assert (corner > 230).all()
    assert middle[2] < corner[2], "skin"
    inside = FRONT.to_pixel(PATH.at(10.0)).round().astype(int)
    needle = pixels[inside[1], inside[0]]
    assert needle[0] > needle[2] + 40, "yellow"


def test_the_view_has_the_head_up_and_the_needle_in_front():
    for entry in ([80.0, 60.0, 0.0], [-80.0, 60.0, 0.0], [0.0, -90.0, 10.0]):
        path = NeedlePath(np.array(entry), np.array([10.0, 0.0, 20.0]), 22.0)
        view = view_of(path, np.zeros(3), 200, 260.0)
        assert view.down_lps[2] < -0.9
        assert view.depth_mm(path.entry_lps_mm) < view.depth_mm(path.tip_lps_mm)
        ends = view.to_pixel([path.entry_lps_mm, path.fired_tip_lps_mm])
        assert np.linalg.norm(ends[1] - ends[0]) > 30, "seen from its flank, not end on"


def test_same_input_same_pixels():
    one, other = (looked_at(GRIDS["oblique"], [], None) for _ in range(2))
    np.testing.assert_array_equal(one, other)
