"""The needle's angles in words: always where the tip points, always the patient's sides."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.documents.hand_plans import angles_of
from trocar.documents.aiming import Aim, aim
from trocar.geometry.needle_path import NeedlePath

LEFT, BACK, HEAD = np.eye(3)


def unit(vector):
    return np.asarray(vector) / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("lying", "down"), [("prone", -BACK), ("supine", BACK), ("left_lateral", LEFT), ("right_lateral", -LEFT)]
)
def test_straight_down_is_vertical_however_the_patient_lies(lying, down):
    found = aim(down, lying)
    assert found.from_vertical_deg == pytest.approx(0)
    assert found.in_plane() == "vertical, straight down"
    assert found.tilt() == "no tilt: the needle stays in the axial slice"


@pytest.mark.parametrize(
    ("lying", "direction", "towards"),
    [
        ("prone", -BACK + 0.3 * LEFT, "left"),
        ("prone", -BACK - 0.3 * LEFT, "right"),
        ("supine", BACK + 0.3 * LEFT, "left"),
        ("supine", BACK - 0.3 * LEFT, "right"),
        ("left_lateral", LEFT + 0.3 * BACK, "back"),
        ("left_lateral", LEFT - 0.3 * BACK, "front"),
        ("right_lateral", -LEFT - 0.3 * BACK, "front"),
    ],
)
def test_the_tip_points_to_the_patients_own_side(lying, direction, towards):
    found = aim(unit(direction), lying)
    assert found.towards == towards
    assert found.from_vertical_deg == pytest.approx(np.degrees(np.arctan(0.3)))
    assert found.in_plane() == f"17° from vertical, tip towards the patient's {towards}"


def test_tilt_says_head_or_feet():
    assert aim(unit(-BACK + 0.2 * HEAD), "prone").tilt() == "tip tilted 11° towards the head"
    assert aim(unit(-BACK - 0.2 * HEAD), "prone").tilt() == "tip tilted 11° towards the feet"


def test_both_angles_agree_with_the_plans_own():
    rng = np.random.default_rng(2)
    for _ in range(50):
        path = NeedlePath(np.zeros(3), rng.normal(size=3) * 50, 22.0)
        angles = angles_of(path)
        found = aim(path.direction_lps, "prone")
        assert found.tilt_deg == pytest.approx(angles.out_of_axial)
        # the plan counts from posterior-to-anterior towards the patient's left: a prone patient's vertical
        assert found.from_vertical_deg == pytest.approx(abs(angles.in_axial))
        if found.towards:
            assert found.towards == ("left" if angles.in_axial > 0 else "right")


def test_a_needle_that_goes_upwards_is_said_so():
    assert "from below the horizontal" in aim(unit(BACK + LEFT), "prone").in_plane()


def test_a_needle_along_the_patient_has_only_tilt():
    assert aim(HEAD, "supine") == Aim(0.0, "", 90.0)
