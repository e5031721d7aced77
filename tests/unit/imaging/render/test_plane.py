"""Where each pixel lies, and that no picture is mirrored."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.render.plane import (
    PicturePlane,
    across_needle,
    along_needle,
    direction_letters,
    down_needle,
    standard,
)

SIZE = (200, 160)
CENTRE = np.array([10.0, -20.0, 300.0])
LEFT, POSTERIOR, HEAD = np.eye(3)
PRONE_PATH = NeedlePath(np.array([60.0, 90.0, 20.0]), np.array([45.0, 10.0, 48.0]), 22.0)


def edges(plane: PicturePlane) -> str:
    """Letters at the left, right, upper and lower edge."""
    right, down = plane.right_lps, plane.down_lps
    return " ".join(direction_letters(d) for d in (-right, right, -down, down))


@pytest.mark.parametrize(
    ("kind", "lying", "letters"),
    [
        ("axial", None, "R L A P"),
        ("axial", "supine", "R L A P"),
        ("axial", "prone", "L R P A"),
        # from the supine picture a quarter clockwise: the left side goes down, the front to the picture's right
        ("axial", "left_lateral", "P A R L"),
        ("axial", "right_lateral", "A P L R"),
        ("coronal", None, "R L H F"),
        ("sagittal", None, "A P H F"),
    ],
)
def test_each_edge_shows_the_right_side(kind, lying, letters):
    assert edges(standard(kind, CENTRE, SIZE, 1.0, lying)) == letters


@pytest.mark.parametrize("lying", [None, "supine", "prone", "left_lateral", "right_lateral"])
def test_an_axial_picture_is_always_seen_from_the_feet(lying):
    # a mirrored picture would be seen from the head
    assert standard("axial", CENTRE, SIZE, 1.0, lying).into_lps @ HEAD == pytest.approx(1)


def test_points_and_pixels_are_each_others_inverse():
    plane = along_needle(PRONE_PATH, CENTRE, SIZE, 0.7, "prone")
    pixels = np.array([[0.0, 0.0], [199.0, 0.0], [12.25, 90.5]])
    np.testing.assert_allclose(plane.to_pixel(plane.to_patient(pixels)), pixels, atol=1e-9)
    # the middle of the picture is between the middle pixels
    np.testing.assert_allclose(plane.to_patient([99.5, 79.5]), plane.centre_lps_mm, atol=1e-9)


@pytest.mark.parametrize("lying", [None, "prone", "supine", "left_lateral", "right_lateral"])
@pytest.mark.parametrize("view", [along_needle, across_needle])
def test_both_needle_planes_hold_the_whole_needle(view, lying):
    plane = view(PRONE_PATH, CENTRE, SIZE, 0.7, lying)
    ends = [PRONE_PATH.entry_lps_mm, PRONE_PATH.tip_lps_mm, PRONE_PATH.fired_tip_lps_mm]
    np.testing.assert_allclose(plane.depth_mm(ends), 0, atol=1e-9)
    pixels = plane.to_pixel(ends)
    assert np.linalg.norm(pixels[1] - pixels[0]) * 0.7 == pytest.approx(PRONE_PATH.length_mm)


def test_no_plane_through_the_needle_is_nearer_to_axial():
    plane = along_needle(PRONE_PATH, CENTRE, SIZE, 1.0)
    needle = PRONE_PATH.direction_lps
    # every plane through the needle has a normal at right angles to it
    one = np.cross(needle, [1.0, 0.0, 0.0])
    one /= np.linalg.norm(one)
    other = np.cross(needle, one)
    turn = np.radians(np.arange(0, 180, 0.5))
    tilts = np.degrees(np.arccos(np.abs(np.cos(turn) * one[2] + np.sin(turn) * other[2])))
    assert plane.tilt_deg <= tilts.min() + 1e-6
    assert plane.tilt_deg == pytest.approx(tilts.min(), abs=0.3)
    # and that is the needle's own tilt to the axial plane
    assert plane.tilt_deg == pytest.approx(np.degrees(np.arcsin(needle[2])), abs=1e-6)


def test_a_needle_in_the_axial_plane_gives_the_axial_picture():
    path = NeedlePath(np.array([60.0, 90.0, 48.0]), np.array([45.0, 10.0, 48.0]), 22.0)
    assert edges(along_needle(path, CENTRE, SIZE, 1.0)) == "R L A P"
    assert edges(along_needle(path, CENTRE, SIZE, 1.0, "prone")) == "L R P A"
    assert along_needle(path, CENTRE, SIZE, 1.0).tilt_deg == pytest.approx(0)


def test_down_the_needle_looks_from_the_hub_with_the_head_up():
    # through the back of a prone patient: seen from behind, the patient's left is on the left
    straight = NeedlePath(np.array([60.0, 90.0, 20.0]), np.array([60.0, 10.0, 20.0]), 22.0)
    plane = down_needle(straight, CENTRE, SIZE, 1.0)
    assert edges(plane) == "L R H F"
    np.testing.assert_allclose(plane.into_lps, straight.direction_lps, atol=1e-12)
    # through the front of a supine patient: seen from the front, the patient's right is on the left
    front = NeedlePath(np.array([60.0, -90.0, 20.0]), np.array([60.0, -10.0, 20.0]), 22.0)
    assert edges(down_needle(front, CENTRE, SIZE, 1.0)) == "R L H F"


@pytest.mark.parametrize("direction", [HEAD, -HEAD])
@pytest.mark.parametrize("view", [along_needle, across_needle])
def test_a_needle_straight_to_the_head_still_has_its_planes(view, direction):
    path = NeedlePath(np.zeros(3), direction * 80, 22.0)
    plane = view(path, CENTRE, SIZE, 1.0, "prone")
    np.testing.assert_allclose(plane.depth_mm([path.entry_lps_mm, path.tip_lps_mm]), 0, atol=1e-9)
    assert abs(down_needle(path, CENTRE, SIZE, 1.0).into_lps @ direction) == pytest.approx(1)


def test_letters_name_the_strongest_direction_first():
    assert direction_letters([1, 0, 0]) == "L"
    assert direction_letters([-0.8, 0.6, 0]) == "RP"
    assert direction_letters([0.1, 0.1, -1]) == "F"


def test_coarser_keeps_each_point_in_its_place():
    plane = standard("axial", CENTRE, (200, 160), 0.5)
    coarse = plane.coarser(3)
    assert (coarse.width_px, coarse.height_px, coarse.mm_per_pixel) == (67, 54, 1.5)
    point = plane.to_patient([150.0, 20.0])
    np.testing.assert_allclose((coarse.to_pixel(point) + 0.5) * 3 - 0.5, [150.0, 20.0], atol=1e-9)


def test_directions_must_be_at_right_angles():
    with pytest.raises(ValueError, match="right angles"):
        PicturePlane(CENTRE, LEFT, (LEFT + POSTERIOR) / np.sqrt(2), 10, 10, 1.0)
