"""The wrong side is the worst mistake of all: it is looked for before anything is planned."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tests.ct_factory import make_grid
from trocar.clinical.loading import load_protocol
from trocar.clinical.protocol import Side
from trocar.errors import InputRefused
from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet
from trocar.planning.request import PlanRequest
from trocar.planning.target import point_region
from trocar.planning.targeting import check_sides, check_target_side

TODAY = date(2026, 11, 23)
HEAD_FIRST = np.eye(3)
MIRRORED = np.diag([-1.0, 1.0, 1.0])
"""Directions of i, j, k in a scan, and in one whose rows run to the patient's right."""


def labelled(left: str, right: str, directions: np.ndarray = HEAD_FIRST) -> StructureSet:
    """One block on the patient's left, one on the right, a spine between, on a grid 9 cm wide round the midline."""
    grid = make_grid((8, 10, 30), (3.0, 4.0, 5.0), directions @ np.array([-43.5, 0.0, 0.0]), directions)
    x_lps_mm = grid.to_patient([(i, 0, 0) for i in range(30)])[:, 0]
    labels = np.zeros(grid.shape_kji, np.uint8)
    labels[:, :, x_lps_mm > 20] = 1
    labels[:, :, x_lps_mm < -20] = 2
    labels[:, :, np.abs(x_lps_mm) < 6] = 3
    return StructureSet(grid, labels, {1: left, 2: right, 3: "vertebrae_L3"}, {})


PAIRS = [("kidney_left", "kidney_right"), ("hip_left", "hip_right"), ("spleen", "liver")]


@pytest.mark.parametrize(("left", "right"), PAIRS)
@pytest.mark.parametrize(
    "directions", [HEAD_FIRST, MIRRORED], ids=["stored to the left", "stored to the right"]
)
def test_organs_on_their_own_side_are_taken(left: str, right: str, directions: np.ndarray) -> None:
    check_sides(labelled(left, right, directions))


@pytest.mark.parametrize(("left", "right"), PAIRS)
@pytest.mark.parametrize(
    "directions", [HEAD_FIRST, MIRRORED], ids=["stored to the left", "stored to the right"]
)
def test_labels_with_left_and_right_swapped_are_refused(
    left: str, right: str, directions: np.ndarray
) -> None:
    with pytest.raises(InputRefused, match=f"{left} lies to the right of {right}"):
        check_sides(labelled(right, left, directions))


def test_swapped_kidneys_are_found_out_by_the_liver() -> None:
    """Names may be swapped with the picture: then only spleen and liver tell."""
    both = labelled("kidney_left", "kidney_right")
    assert both.labels is not None
    masks = {"liver": both.labels == 1, "spleen": both.labels == 2}
    with pytest.raises(InputRefused, match="spleen lies to the right of liver"):
        check_sides(StructureSet(both.grid, both.labels, both.label_names, masks))


def side_of_a_target_at(x_lps_mm: float, side: Side, grid: Grid | None = None) -> None:
    structures = labelled("kidney_left", "kidney_right")
    grid = structures.grid if grid is None else grid
    request = PlanRequest(load_protocol("kidney_biopsy"), TODAY, side=side)
    region = point_region(np.array([x_lps_mm, 16.0, 16.0]), grid, 3.0, ())
    check_target_side(request, region, structures)


@pytest.mark.parametrize(("x_lps_mm", "side"), [(25.0, "left"), (-25.0, "right")])
def test_a_target_on_its_side_of_the_spine_is_taken(x_lps_mm: float, side: Side) -> None:
    side_of_a_target_at(x_lps_mm, side)


@pytest.mark.parametrize(("x_lps_mm", "side"), [(25.0, "right"), (-25.0, "left")])
def test_a_target_on_the_other_side_of_the_spine_is_refused(x_lps_mm: float, side: Side) -> None:
    with pytest.raises(InputRefused, match=f"the side given is {side}"):
        side_of_a_target_at(x_lps_mm, side)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_target_in_the_midline_has_no_wrong_side(side: Side) -> None:
    side_of_a_target_at(2.0, side)
