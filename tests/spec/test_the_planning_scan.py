"""What is said about the scan that a plan is made on. None of it stops the planner."""

from __future__ import annotations

from trocar.clinical.loading import load_protocol
from trocar.clinical.planning_rules import ScanFinding, scan_findings
from trocar.clinical.protocol import TablePosition


def findings(
    position: TablePosition = "prone",
    scan_position: TablePosition | None = "prone",
    slices_mm: float = 1.0,
    age_days: int | None = 3,
    protocol: str = "kidney_biopsy",
) -> dict[str, str]:
    found: tuple[ScanFinding, ...] = scan_findings(
        load_protocol(protocol), position, scan_position, slices_mm, age_days
    )
    return {finding.code: finding.text for finding in found}


def test_a_fresh_thin_scan_in_position_says_nothing() -> None:
    assert findings() == {}


def test_a_supine_scan_for_a_prone_needle_is_named_first_with_what_moves() -> None:
    found = findings(scan_position="supine", slices_mm=5.0, age_days=90)
    assert list(found) == ["not_in_position", "thick_slices", "old_scan"]
    assert "made supine, the needle goes in prone" in found["not_in_position"]
    assert "bowel and pleura and lung move" in found["not_in_position"]
    assert "scan in position before the needle" in found["not_in_position"]


def test_lying_on_the_left_side_is_another_position_than_on_the_right() -> None:
    assert "not_in_position" in findings(position="left_lateral", scan_position="right_lateral")


def test_an_unknown_position_is_not_taken_for_the_right_one() -> None:
    assert list(findings(scan_position=None)) == ["position_unknown"]


def test_slices_of_three_millimetres_are_just_thin_enough() -> None:
    assert findings(slices_mm=3.0) == {}
    assert list(findings(slices_mm=3.01)) == ["thick_slices"]


def test_a_kidney_scan_is_old_after_thirty_days_and_a_bone_scan_after_six_weeks() -> None:
    assert findings(age_days=30) == {}
    assert list(findings(age_days=31)) == ["old_scan"]
    assert findings(age_days=42, protocol="bone_biopsy") == {}
    assert list(findings(age_days=43, protocol="bone_biopsy")) == ["old_scan"]


def test_a_scan_without_a_date_or_from_the_future_is_not_taken_for_a_fresh_one() -> None:
    assert list(findings(age_days=None)) == ["age_unknown"]
    assert list(findings(age_days=-1)) == ["scan_in_future"]
