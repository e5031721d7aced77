"""Where the needle goes in: landmarks always, table position only within the same sitting."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.documents.table_position import entry_place, landmarks
from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet

MIDLINE_X = 12.0
"""The spine of the made-up patient is not at x = 0, as no patient lies exactly in the middle."""


def patient(flip: bool = False, cut_hip: bool = False) -> StructureSet:
    """A spine with two vertebrae and spinous processes, both hip bones and the left rib 12; 2 x 2 x 3 mm voxels."""
    matrix = np.diag([2.0, 2.0, 3.0, 1.0])
    matrix[:3, 3] = [-150.0, -100.0, 900.0]
    if flip:  # the same patient on a grid with turned axes
        matrix = matrix @ np.diag([-1.0, -1.0, 1.0, 1.0])
        matrix[:3, 3] = [150.0, 100.0, 900.0]
    grid = Grid((100, 101, 151), matrix)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x, y, z = np.moveaxis(grid.to_patient(np.stack([i, j, k], axis=-1)), -1, 0)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    for value, level in ((1, 1050.0), (2, 1090.0)):
        body = (np.hypot(x - MIDLINE_X, y - 30) < 20) & (np.abs(z - level) < 15)
        # the spinous process hangs 12 mm lower than its vertebra's middle
        spinous = (np.abs(x - MIDLINE_X) < 3) & (y > 30) & (y < 80) & (np.abs(z - (level - 12)) < 5)
        labels[body | spinous] = value
    top = 1300.0 if cut_hip else 990.0
    labels[(x > 60) & (x < 90) & (y > 20) & (y < 60) & (z < top)] = 3
    labels[(x < -40) & (x > -70) & (y > 20) & (y < 60) & (z < 984)] = 4
    labels[(x > 60) & (x < 100) & (y > 40) & (y < 50) & (z > 1118) & (z < 1135)] = 5
    names = {1: "vertebrae_L3", 2: "vertebrae_L2", 3: "hip_left", 4: "hip_right", 5: "rib_left_12"}
    return StructureSet(grid, labels, names, {})


@pytest.mark.parametrize("flip", [False, True])
def test_landmarks_give_distances_that_a_ruler_finds(flip):
    found = landmarks(np.array([82.0, 85.0, 1060.0]), patient(flip))
    assert found[0] == "70 mm to the patient's left of the midline (middle of the spine at this level)"
    # L2's spinous process lies at 1078, L3's at 1038: the nearer one is 18 mm above, give or take half a slice
    assert found[1].endswith("towards the feet from the spinous process of vertebra L2")
    assert abs(int(found[1].split()[0]) - 18) <= 2
    assert "towards the head from the top of the left iliac crest" in found[2]
    assert abs(int(found[2].split()[0]) - 72) <= 2
    assert "towards the feet from the lowest point of the left rib 12" in found[3]
    assert abs(int(found[3].split()[0]) - 60) <= 2


def test_the_side_is_that_of_the_entry_and_counts_from_the_spine():
    # between the spine's middle and x = 0: to the right of the spine though x is positive
    found = landmarks(np.array([4.0, 85.0, 1050.0]), patient())
    assert found[0].startswith("8 mm to the patient's right of the midline")
    assert any("right iliac crest" in s for s in found)
    assert not any("left iliac crest" in s for s in found)


def test_a_structure_cut_by_the_scan_gives_no_distance():
    found = landmarks(np.array([82.0, 85.0, 1060.0]), patient(cut_hip=True))
    assert not any("iliac crest" in s for s in found)


def test_without_labels_there_are_no_landmarks():
    assert landmarks(np.zeros(3), None) == ()
    assert landmarks(np.array([82.0, 85.0, 2500.0]), patient()) == (), "far from everything"


def test_table_position_is_printed_only_within_the_same_sitting():
    entry = np.array([82.0, 85.0, 1060.0])
    today = entry_place(entry, patient(), True, table_position_mm=-431.27, laser_midline_lps_x_mm=100.0)
    assert today.figures == (
        ("Table position of the entry's slice", "-431.3 mm"),
        ("From the laser's midline", "18 mm to the patient's right"),
    )
    assert "not moved" in today.note
    other = entry_place(entry, patient(), False, table_position_mm=-431.27, laser_midline_lps_x_mm=100.0)
    assert other.figures == ()
    assert "today's grid scan" in other.note
    assert "431" not in repr(other)


def test_what_is_not_known_is_not_printed():
    place = entry_place(np.array([82.0, 85.0, 1060.0]), patient(), True)
    assert place.figures == ()
    assert "not known" in place.note


def test_away_from_a_scanner_neither_table_nor_laser_is_spoken_of():
    place = entry_place(np.array([82.0, 85.0, 1060.0]), patient(), True, -431.0, 0.0, on_a_scanner=False)
    assert place.figures == ()
    assert "laser" not in place.note
