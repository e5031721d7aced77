"""Several series, acquisitions and phases are listed for a choice, never mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ct_factory import (
    make_grid,
    oblique_directions,
    sample_uid,
    speckled_hu,
    write_ct_series,
    write_enhanced_ct,
)
from trocar.dicom.series import read_ct
from trocar.errors import InputRefused, SeriesChoice

SHAPE = (6, 9, 7)
GRID = make_grid(SHAPE)
ARTERIAL, VENOUS = speckled_hu(SHAPE, 1), speckled_hu(SHAPE, 2)


def write_phases(folder: Path, first: dict[str, Any], second: dict[str, Any], later_grid=GRID) -> None:
    """Two scans in one series, told apart by the given attributes."""
    write_ct_series(folder, ARTERIAL, GRID, name="a{0}.dcm", **first)

    def renew(ds, k):
        ds.SOPInstanceUID = sample_uid("venous", k)
        ds.InstanceNumber = k + 7

    write_ct_series(folder, VENOUS, later_grid, name="v{0}.dcm", edit=renew, **second)


def choices(*paths: Path, series: str | None = None) -> tuple[tuple[str, str], ...]:
    with pytest.raises(SeriesChoice) as caught:
        read_ct(paths, series)
    return caught.value.choices


def test_two_series_are_listed_and_chosen_by_uid_prefix_or_number(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "a", ARTERIAL, GRID, seed="a", SeriesNumber=3, SeriesDescription="Thin")
    write_ct_series(tmp_path / "b", VENOUS, GRID, seed="b", SeriesNumber=2, SeriesDescription="Thick")
    listed = choices(tmp_path)
    a, b = sample_uid("series", "a"), sample_uid("series", "b")
    assert [identifier for identifier, _ in listed] == [b, a]
    assert "series 2 'Thick', 2024-02-29, 6 slices of 7 x 9, axial" in listed[0][1]
    for wanted in (a, a[:12], "3"):
        np.testing.assert_array_equal(read_ct([tmp_path], wanted).volume.hu, ARTERIAL)
    assert choices(tmp_path, series="1") == listed  # no series 1, though both UIDs hold a 1
    assert choices(tmp_path, series="2.25") == listed
    assert choices(tmp_path, series=a + "#acquisition-9") == listed


PHASES = {
    "AcquisitionNumber": (2, 3),
    "TemporalPositionIdentifier": (1, 2),
    "ContrastBolusAgent": ("none", "Iohexol"),
    "TriggerTime": ("100", "550"),
    "ImageType": (["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "PRIMARY", "AXIAL", "MAR"]),
    "ConvolutionKernel": ("B30f", "B70f"),
    "KVP": ("80", "140"),
    "AcquisitionTime": ("101500", "101612"),
    "ContentTime": ("101500", "101612"),
}


@pytest.mark.parametrize("keyword", PHASES)
def test_phases_of_one_series_are_listed(tmp_path: Path, keyword: str) -> None:
    first, second = PHASES[keyword]
    write_phases(tmp_path, {keyword: first}, {keyword: second})
    listed = choices(tmp_path)
    assert len(listed) == 2
    assert all(identifier.startswith(sample_uid("series", 0) + "#") for identifier, _ in listed)
    found = [read_ct([tmp_path], identifier).volume.hu for identifier, _ in listed]
    assert {hu.tobytes() for hu in found} == {ARTERIAL.tobytes(), VENOUS.tobytes()}
    by_number = [
        read_ct([tmp_path], "1#" + identifier.partition("#")[2]).volume.hu for identifier, _ in listed
    ]
    np.testing.assert_array_equal(by_number, found)


def test_interleaved_acquisitions_are_not_woven_into_one(tmp_path: Path) -> None:
    """Two scans whose slices fall between each other look like one with half the spacing."""
    between = make_grid(SHAPE, origin_lps_mm=GRID.to_patient((0, 0, 0.5)))
    write_phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}, between)
    assert [identifier.partition("#")[2] for identifier, _ in choices(tmp_path)] == [
        "acquisition-1",
        "acquisition-2",
    ]


def test_steps_of_the_table_are_one_scan(tmp_path: Path) -> None:
    """A scanner that counts an acquisition for each step of the table gives one volume."""
    write_ct_series(tmp_path, ARTERIAL, GRID, edit=lambda ds, k: setattr(ds, "AcquisitionNumber", 1 + k // 2))
    np.testing.assert_array_equal(read_ct([tmp_path]).volume.hu, ARTERIAL)


def test_a_missing_slice_between_steps_is_not_called_two_scans_silently(tmp_path: Path) -> None:
    write_ct_series(
        tmp_path,
        ARTERIAL,
        GRID,
        slices=[0, 1, 4, 5],
        edit=lambda ds, k: setattr(ds, "AcquisitionNumber", 1 + k // 2),
    )
    assert [identifier.partition("#")[2] for identifier, _ in choices(tmp_path)] == ["part-1", "part-2"]


def test_two_regions_with_a_gap_are_two_choices(tmp_path: Path) -> None:
    below = make_grid(SHAPE, origin_lps_mm=GRID.to_patient((0, 0, -30)))
    write_phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}, below)
    assert len(choices(tmp_path)) == 2


def test_acquisitions_of_other_shape_are_choices_not_a_mistake(tmp_path: Path) -> None:
    turned = make_grid(SHAPE, directions=oblique_directions(8))
    write_phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}, turned)
    listed = choices(tmp_path)
    assert len(listed) == 2
    assert "oblique" in listed[1][1]


def test_equal_slices_in_two_acquisitions_are_no_duplicates(tmp_path: Path) -> None:
    write_phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2})
    read = read_ct([tmp_path], sample_uid("series", 0) + "#acquisition-2")
    np.testing.assert_array_equal(read.volume.hu, VENOUS)
    assert set(read.slice_of_instance) == {sample_uid("venous", k) for k in range(6)}


def test_values_that_change_from_slice_to_slice_do_not_split(tmp_path: Path) -> None:
    def vary(ds, k):
        ds.AcquisitionTime = f"10150{k}"
        ds.TriggerTime = str(300 + (k * 7) % 3)
        ds.KVP = str(120 + k % 2)

    write_ct_series(tmp_path, ARTERIAL, GRID, edit=vary)
    np.testing.assert_array_equal(read_ct([tmp_path]).volume.hu, ARTERIAL)


def test_a_single_slice_beside_the_scan_is_set_aside(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "ct", ARTERIAL, GRID)
    write_ct_series(
        tmp_path / "bolus", VENOUS, GRID, slices=[2], seed="bolus", SeriesDescription="Bolus watch"
    )
    read = read_ct([tmp_path])
    np.testing.assert_array_equal(read.volume.hu, ARTERIAL)
    assert any("no volume" in n and "Bolus watch" in n for n in read.volume.source.notices)
    with pytest.raises(InputRefused, match="only one slice"):
        read_ct([tmp_path], sample_uid("series", "bolus"))


def test_phases_in_an_enhanced_ct(tmp_path: Path) -> None:
    hu = np.concatenate([ARTERIAL, VENOUS])

    def phase(item, n):
        k = n % 6
        item.PlanePositionSequence[0].ImagePositionPatient = [f"{v:.10g}" for v in GRID.to_patient((0, 0, k))]
        item.FrameContentSequence[0].TemporalPositionIndex = 1 + n // 6

    path = write_enhanced_ct(tmp_path / "multi.dcm", hu, make_grid((12, 9, 7)), edit_frame=phase)
    listed = choices(path)
    assert [identifier.partition("#")[2] for identifier, _ in listed] == ["time-1", "time-2"]
    np.testing.assert_array_equal(read_ct([path], listed[1][0]).volume.hu, VENOUS)


def test_descriptions_name_no_patient(tmp_path: Path) -> None:
    write_phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2})
    assert "SAMPLE" not in " ".join(text for _, text in choices(tmp_path))
