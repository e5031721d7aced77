"""What is said about the scan that a plan is made on. None of it stops the planner."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from tests.ct_factory import make_grid
from trocar.clinical.loading import load_protocol
from trocar.clinical.protocol import TablePosition
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume
from trocar.planning.anatomy import build_anatomy
from trocar.planning.cautions import cautions
from trocar.planning.plan import PositionSource
from trocar.planning.request import PlanRequest
from trocar.planning.target import point_region

TODAY = date(2026, 11, 23)
GOOD_SCAN = {"missing_structures"}
"""A block of water has no labels, so this is said of every scan here."""


def said(
    position: TablePosition = "prone",
    scan_position: TablePosition | None = "prone",
    source: PositionSource = "dicom",
    slices_mm: float = 1.0,
    age_days: int | None = 3,
    protocol: str = "kidney_biopsy",
) -> dict[str, str]:
    """What is said of a block of water, 12 cm wide, as code -> sentence, the most important first."""
    grid = make_grid((40, 40, 40), (3.0, 3.0, slices_mm))
    acquired_on = None if age_days is None else TODAY - timedelta(days=age_days)
    volume = Volume(
        np.zeros((40, 40, 40), np.int16), grid, ImageSource("synthetic", "", acquired_on=acquired_on)
    )
    structures = StructureSet(grid, np.zeros((40, 40, 40), np.uint8), {}, {})
    request = PlanRequest(
        load_protocol(protocol),
        TODAY,
        side="left",
        position=position,
        scan_position=scan_position,
        position_source=source,
    )
    region = point_region(grid.to_patient((20, 20, 20)), grid, 3.0, ())
    anatomy = build_anatomy(request, request.protocol.needle(), volume, structures, region)
    found: Any = cautions(request, volume, anatomy, region, None, False)
    return {caution.code: caution.text for caution in found if caution.code != "target_near_edge"}


def test_a_fresh_thin_scan_in_position_says_nothing_of_itself() -> None:
    assert set(said()) == GOOD_SCAN


def test_a_supine_scan_for_a_prone_needle_is_said_first() -> None:
    found = said(scan_position="supine", slices_mm=5.0, age_days=90)
    assert next(iter(found)) == "not_in_position"
    assert {"thick_slices", "old_scan"} < set(found)
    for words in ("made supine", "goes in prone", "colon", "behind the kidney", "not judged", "check scan"):
        assert words in found["not_in_position"]


def test_lying_on_the_left_side_is_another_position_than_on_the_right() -> None:
    assert "not_in_position" in said(position="left_lateral", scan_position="right_lateral")
    assert "not_in_position" not in said(position="left_lateral", scan_position="left_lateral")


def test_an_unknown_position_is_not_taken_for_the_right_one() -> None:
    assert "position_unknown" in said(scan_position=None, source="unknown")


def test_a_position_worked_out_from_table_and_gas_is_said_to_be_so() -> None:
    found = said(source="inferred")
    assert "inferred from the table and gas levels" in found["position_inferred"]


def test_slices_of_three_millimetres_are_just_thin_enough() -> None:
    assert "thick_slices" not in said(slices_mm=3.0)
    assert "thick_slices" in said(slices_mm=3.1)


def test_a_kidney_scan_is_old_after_thirty_days_and_a_bone_scan_after_six_weeks() -> None:
    assert "old_scan" not in said(age_days=30)
    assert "old_scan" in said(age_days=31)
    assert "old_scan" not in said(age_days=42, protocol="bone_biopsy")
    assert "old_scan" in said(age_days=43, protocol="bone_biopsy")


def test_a_scan_without_a_date_is_not_taken_for_a_fresh_one() -> None:
    assert "scan_date_unknown" in said(age_days=None)


def test_organs_that_the_labels_do_not_show_are_named() -> None:
    sentence = said()["missing_structures"]
    for group in ("bowel", "pleura and lung", "spleen", "liver", "great vessels", "other kidney", "bone"):
        assert group in sentence
