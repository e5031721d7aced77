"""C-arm angles: DICOM's definition, the views of a needle, and the ways to get the side wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trocar.geometry.c_arm import (
    CArmAngles,
    TablePosition,
    beam_direction,
    c_arm_angles,
    gantry_angles,
    needle_views,
)

POSITIONS: tuple[TablePosition, ...] = ("supine", "prone", "left_lateral", "right_lateral")
UP: dict[TablePosition, NDArray[np.float64]] = {
    "supine": np.array([0.0, -1, 0]),
    "prone": np.array([0.0, 1, 0]),
    "left_lateral": np.array([-1.0, 0, 0]),
    "right_lateral": np.array([1.0, 0, 0]),
}
component = st.floats(-1, 1)
directions = (
    st.tuples(component, component, component)
    .filter(lambda v: math.hypot(*v) > 0.05)
    .map(lambda v: np.array(v) / np.linalg.norm(v))
)
SIN30, COS30 = 0.5, math.sqrt(0.75)


def turn(axis: int, angle_deg: float) -> NDArray[np.float64]:
    """Right-handed rotation about a patient axis."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = c
    matrix[a, b], matrix[b, a] = -s, s
    return matrix


@pytest.mark.parametrize(
    ("direction", "primary", "secondary", "text"),
    [
        ((0, -1, 0), 0, 0, "LAO/RAO 0°, CRA/CAU 0°"),  # detector in front of the chest
        ((1, 0, 0), 90, 0, "LAO 90°, CRA/CAU 0°"),  # detector at the left hand
        ((-1, 0, 0), -90, 0, "RAO 90°, CRA/CAU 0°"),
        ((0, 1, 0), 180, 0, "LAO/RAO 180°, CRA/CAU 0°"),  # behind the back
        ((0, -COS30, SIN30), 0, 30, "LAO/RAO 0°, CRA 30°"),  # towards the head
        ((0, -COS30, -SIN30), 0, -30, "LAO/RAO 0°, CAU 30°"),
        ((SIN30, -COS30, 0), 30, 0, "LAO 30°, CRA/CAU 0°"),
        ((0, 0, 1), 0, 90, "LAO/RAO 0°, CRA 90°"),  # no longitude at the pole
        ((-1, 1, 0), -135, 0, "RAO 135°, CRA/CAU 0°"),
    ],
)
def test_definition(direction: tuple[float, ...], primary: float, secondary: float, text: str) -> None:
    angles = c_arm_angles(direction)
    assert (angles.primary_deg, angles.secondary_deg) == pytest.approx((primary, secondary), abs=1e-9)
    assert angles.text == text


@pytest.mark.parametrize("lao", [-120.0, -45.0, 0.0, 32.0, 100.0])
@pytest.mark.parametrize("cra", [-40.0, 0.0, 5.0])
def test_as_two_turns_of_a_gantry(lao: float, cra: float) -> None:
    """First the arm tips towards the head, then it swings to the patient's left about the patient's long axis."""
    tipped = turn(0, -cra) @ (0.0, -1.0, 0.0)
    np.testing.assert_allclose(beam_direction(CArmAngles(lao, cra)), turn(2, lao) @ tipped, atol=1e-12)


def test_spider_view_of_the_heart() -> None:
    """LAO 45, CAU 30: the detector stands left of, in front of, and below the heart."""
    left, back, head = beam_direction(CArmAngles(45.0, -30.0))
    assert (left, back, head) == pytest.approx(
        (math.sin(math.pi / 4) * COS30, -math.sin(math.pi / 4) * COS30, -0.5)
    )


@given(directions)
def test_there_and_back(direction: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(beam_direction(c_arm_angles(direction)), direction, atol=1e-7)


@given(st.floats(-179.9, 180), st.floats(-89.9, 89.9))
def test_back_and_there(primary: float, secondary: float) -> None:
    angles = c_arm_angles(beam_direction(CArmAngles(primary, secondary)))
    assert angles.secondary_deg == pytest.approx(secondary, abs=1e-6)
    assert (angles.primary_deg - primary + 180) % 360 - 180 == pytest.approx(0, abs=1e-5)


@given(directions)
def test_the_mirrored_side_gets_the_other_name(direction: NDArray[np.float64]) -> None:
    """A needle on the right is that on the left in a mirror: RAO for LAO, the same number, head stays head."""
    assume(abs(direction[0]) > 1e-3)
    one, other = c_arm_angles(direction), c_arm_angles(direction * (-1, 1, 1))
    assert other.primary_deg == pytest.approx(-one.primary_deg)
    assert other.secondary_deg == one.secondary_deg
    if 1 < abs(one.primary_deg) < 179:
        assert {one.text[:3], other.text[:3]} == {"LAO", "RAO"}


def test_length_is_of_no_matter() -> None:
    assert c_arm_angles((3.0, -3.0, 0.0)) == c_arm_angles((0.2, -0.2, 0.0))


@pytest.mark.parametrize("bad", [(0, 0, 0), (1, 0), (math.nan, 0, 0), (math.inf, 0, 0)])
def test_no_direction(bad: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="direction"):
        c_arm_angles(bad)


@pytest.mark.parametrize("bad", [(-180.0, 0.0), (181.0, 0.0), (0.0, 91.0), (math.nan, 0.0)])
def test_angles_out_of_range(bad: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="within"):
        CArmAngles(*bad)


def test_text_rounds_mirrored_sides_alike() -> None:
    assert CArmAngles(32.5, 4.5).text == "LAO 33°, CRA 5°"
    assert CArmAngles(-32.5, -4.5).text == "RAO 33°, CAU 5°"
    assert CArmAngles(0.4, -0.4).text == "LAO/RAO 0°, CRA/CAU 0°"
    assert CArmAngles(-179.7, 10.0).text == "LAO/RAO 180°, CRA 10°"


@given(directions)
def test_supine_head_first_is_what_the_gantry_expects(direction: NDArray[np.float64]) -> None:
    angles = c_arm_angles(direction)
    shown = beam_direction(gantry_angles(angles, "supine", head_first=True))
    np.testing.assert_allclose(shown, direction, atol=1e-7)


@pytest.mark.parametrize(
    ("position", "head_first", "shown"),
    [
        # The detector stands above the table, 30 degrees over to the patient's left, 10 towards the head.
        ("supine", True, "LAO 30°, CRA 10°"),
        ("supine", False, "RAO 30°, CAU 10°"),
        # Prone: the patient's left is where a supine patient's right would be.
        ("prone", True, "RAO 30°, CRA 10°"),
        ("prone", False, "LAO 30°, CAU 10°"),
    ],
)
def test_gantry_of_a_turned_patient(position: TablePosition, head_first: bool, shown: str) -> None:
    over_left = CArmAngles(30.0, 10.0) if position == "supine" else CArmAngles(150.0, 10.0)
    assert gantry_angles(over_left, position, head_first).text == shown


@pytest.mark.parametrize("head_first", [True, False])
@pytest.mark.parametrize("position", POSITIONS)
def test_above_the_table_is_zero_on_the_gantry(position: TablePosition, head_first: bool) -> None:
    assert gantry_angles(c_arm_angles(UP[position]), position, head_first).text == "LAO/RAO 0°, CRA/CAU 0°"


def test_gantry_of_a_patient_on_the_left_side() -> None:
    """Seen from the feet, a supine patient's left is at the observer's right. Rolled onto the left side, the
    chest
    faces there too: the gantry calls it LAO 90.
    """
    assert gantry_angles(c_arm_angles((0, -1, 0)), "left_lateral", True).text == "LAO 90°, CRA/CAU 0°"
    assert gantry_angles(c_arm_angles((0, -1, 0)), "right_lateral", True).text == "RAO 90°, CRA/CAU 0°"


@given(directions, st.sampled_from(POSITIONS), st.floats(25, 90))
def test_views_of_any_needle(needle: NDArray[np.float64], position: TablePosition, reach: float) -> None:
    """One along it, two across it, detectors never below the table, side views within reach and apart."""
    views = needle_views(needle, position, reach)
    beam = beam_direction(views.down_the_needle)
    assert abs(abs(beam @ needle) - 1) < 1e-9
    sides = [beam_direction(views.side), beam_direction(views.other_side)]
    for side in sides:
        assert abs(side @ needle) < 1e-6
    for each in (beam, *sides):
        assert each @ UP[position] > -1e-5
    for side in (views.side, views.other_side):
        assert abs(side.secondary_deg) <= reach + 1e-4
    between = math.degrees(math.acos(min(1.0, abs(float(sides[0] @ sides[1])))))
    assert between == pytest.approx(views.between_deg, abs=1e-3)
    # The nearest to AP or lateral that there is: no beam across the needle lies nearer to either axis.
    best = max(math.sqrt(1 - needle[0] ** 2), math.sqrt(1 - needle[1] ** 2))
    assert max(abs(sides[0][0]), abs(sides[0][1])) == pytest.approx(best, abs=1e-6)


@given(directions, st.floats(25, 80))
def test_no_wider_turn_is_within_reach(needle: NDArray[np.float64], reach: float) -> None:
    """Try every degree of turn about the needle: none that stays within reach the whole way is wider."""
    views = needle_views(needle, "supine", reach)
    side = beam_direction(views.side)
    crossed = np.cross(needle, side)
    for way in (-1, 1):
        for angle in range(91):
            tried = math.cos(math.radians(angle)) * side + way * math.sin(math.radians(angle)) * crossed
            if abs(math.degrees(math.asin(tried[2]))) > reach:
                break
            assert angle <= views.between_deg + 1e-3


def test_a_prone_kidney_needle() -> None:
    """From behind and the left, 30 degrees to the vertical: the detector stands over the hub, on the back's left."""
    views = needle_views((-SIN30, -COS30, 0.0), "prone")
    assert views.down_the_needle.text == "LAO 150°, CRA/CAU 0°"
    assert gantry_angles(views.down_the_needle, "prone", True).text == "RAO 30°, CRA/CAU 0°"
    assert views.side.text == "RAO 120°, CRA/CAU 0°"  # across it, above the table on the other side
    assert abs(views.other_side.secondary_deg) == pytest.approx(40.0)
    assert views.between_deg == pytest.approx(40.0)


def test_the_same_needle_from_the_right_is_its_mirror_image() -> None:
    left, right = needle_views((-0.5, -0.8, 0.1), "prone"), needle_views((0.5, -0.8, 0.1), "prone")
    for one, other in ((left.down_the_needle, right.down_the_needle), (left.side, right.side)):
        assert other.primary_deg == pytest.approx(-one.primary_deg)
        assert other.secondary_deg == pytest.approx(one.secondary_deg)
    assert left.between_deg == pytest.approx(right.between_deg)


def test_a_needle_straight_down_supine() -> None:
    """Down-the-needle from in front of the chest, though the needle points to the back; sides are lateral views."""
    views = needle_views((0.0, 1.0, 0.0), "supine")
    assert views.down_the_needle.text == "LAO/RAO 0°, CRA/CAU 0°"
    assert views.side.text == "LAO 90°, CRA/CAU 0°"


def test_a_level_needle_in_a_patient_on_the_side() -> None:
    """Nothing is above: the detector is in front, and the side view looks down onto the table."""
    views = needle_views((0.0, -1.0, 0.0), "left_lateral")
    assert views.down_the_needle.text == "LAO/RAO 0°, CRA/CAU 0°"
    assert views.side.text == "RAO 90°, CRA/CAU 0°"  # detector above: the right side is up


@pytest.mark.parametrize("reach", [24.0, 91.0, math.nan])
def test_reach(reach: float) -> None:
    with pytest.raises(ValueError, match="reach"):
        needle_views((0, 1, 0), "supine", reach)
