"""Contours become the voxels whose centres they enclose, placed by their points alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

from tests.ct_factory import make_grid, oblique_directions, sample_uid
from trocar.dicom.rtstruct import fill_contours, read_rtstruct, roi_names
from trocar.errors import InputRefused
from trocar.geometry.grid import Grid

SHAPE = (6, 20, 16)
FRAME = sample_uid("frame of reference", 0)


def write_rtstruct(
    path: Path, rois: dict[str, list[np.ndarray]], frame: str = FRAME, **contour_values: Any
) -> Path:
    """``rois``: name -> contours, each points (P, 3) in LPS mm."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = RTStructureSetStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = sample_uid("rtstruct")
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.Modality = "RTSTRUCT"
    ds.PatientName, ds.PatientID = "SAMPLE^PATIENT", "SAMPLE"
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for n, (name, contours) in enumerate(rois.items(), start=1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = n, name.partition("|")[0], frame
        drawn.ReferencedROINumber = n
        drawn.ContourSequence = []
        for points in contours:
            item = Dataset()
            item.ContourImageSequence = [Dataset()]
            item.ContourImageSequence[0].ReferencedSOPInstanceUID = sample_uid("an image that is not there")
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(points)
            item.ContourData = [f"{v:.8g}" for v in np.ravel(points)]
            for keyword, value in contour_values.items():
                setattr(item, keyword, value)
            drawn.ContourSequence.append(item)
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawn)
    ds.save_as(path, enforce_file_format=True)
    return path


def at_k(grid: Grid, ij: Any, k: float) -> np.ndarray:
    """Contour points (P, 3) in LPS from indices (i, j) in slice k."""
    ij = np.asarray(ij, dtype=float)
    return grid.to_patient(np.column_stack([ij, np.full(len(ij), k)]))


SQUARE = [(2.5, 3.5), (9.5, 3.5), (9.5, 12.5), (2.5, 12.5)]
INNER = [(4.5, 5.5), (7.5, 5.5), (7.5, 9.5), (4.5, 9.5)]


def square(shape=SHAPE, slices=slice(1, 4)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[slices, 4:13, 3:10] = True
    return mask


@pytest.fixture(params=["axial", "oblique", "mirrored"])
def grid(request: pytest.FixtureRequest) -> Grid:
    directions = {
        "axial": None,
        "oblique": oblique_directions(9),
        "mirrored": oblique_directions(9, left_handed=True),
    }
    return make_grid(SHAPE, directions=directions[request.param])


def test_contours_fill_the_voxels_they_enclose(grid: Grid, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, k) for k in (3, 1, 2)]})
    read = read_rtstruct(path, grid, frame_of_reference_uid=FRAME)
    np.testing.assert_array_equal(read.mask("GTV"), square())
    assert read.notices == ()


def test_inner_contours_and_keyholes_are_holes(grid: Grid, tmp_path: Path) -> None:
    keyhole = [*SQUARE, SQUARE[0], INNER[0], *INNER[:0:-1], INNER[0], SQUARE[0]]
    rois = {
        "ring": [at_k(grid, contour, 2) for contour in (INNER, SQUARE)],
        "keyhole": [at_k(grid, keyhole, 2)],
    }
    read = read_rtstruct(write_rtstruct(tmp_path / "r.dcm", rois), grid)
    expected = square(slices=slice(2, 3))
    expected[2, 6:10, 5:8] = False
    np.testing.assert_array_equal(read.mask("ring"), expected)
    np.testing.assert_array_equal(read.mask("keyhole"), expected)


def test_a_region_is_chosen_by_name_or_number(grid: Grid, tmp_path: Path) -> None:
    other = [(i + 3, j + 2) for i, j in SQUARE]
    rois = {"Mass": [at_k(grid, SQUARE, 1)], "Cyst": [at_k(grid, other, 1)], "Cyst|": [at_k(grid, INNER, 2)]}
    path = write_rtstruct(tmp_path / "r.dcm", rois)
    assert roi_names(path) == ("Mass", "Cyst", "Cyst (3)")
    assert read_rtstruct(path, grid).names == ("Mass", "Cyst (3)", "Cyst")  # overlapping ones come last
    for wanted, name in {"Mass": "Mass", "mass": "Mass", "2": "Cyst", "Cyst (3)": "Cyst (3)"}.items():
        assert read_rtstruct(path, grid, wanted).names == (name,)
    with pytest.raises(InputRefused, match=r"no region 'Tumour'; there is: 'Mass' \(1\), 'Cyst' \(2\)"):
        read_rtstruct(path, grid, "Tumour")


def test_contours_between_slices_go_to_the_nearest(grid: Grid, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, k + 0.4) for k in (1, 2, 3)]})
    read = read_rtstruct(path, grid)
    np.testing.assert_array_equal(read.mask("GTV"), square())
    assert "nearest slice" in read.notices[0]


def test_contours_drawn_on_every_third_slice_leave_no_stripes(tmp_path: Path) -> None:
    grid = make_grid((12, 20, 16))
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, k) for k in (2, 5, 8)]})
    read = read_rtstruct(path, grid)
    np.testing.assert_array_equal(read.mask("GTV"), square((12, 20, 16), slice(1, 10)))
    assert "7.5 mm apart" in read.notices[0]


def test_contours_closer_than_the_slices_do_not_cancel(grid: Grid, tmp_path: Path) -> None:
    """Equal contours on one slice would cancel in pairs; only the nearest plane counts."""
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, 1 + n / 4) for n in range(9)]})
    np.testing.assert_array_equal(read_rtstruct(path, grid).mask("GTV"), square())


def test_a_gap_between_contours_stays_and_is_told(grid: Grid, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, k) for k in (0, 1, 2, 4, 5)]})
    read = read_rtstruct(path, grid)
    assert read.mask("GTV").any(axis=(1, 2)).tolist() == [True, True, True, False, True, True]
    assert "1 slices between its contours have none" in read.notices[0]


def test_what_lies_beyond_the_ct_is_cut_and_told(grid: Grid, tmp_path: Path) -> None:
    wide = [(-4.0, 3.5), (30.0, 3.5), (30.0, 12.5), (-4.0, 12.5)]
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, wide, k) for k in range(-3, 3)]})
    read = read_rtstruct(path, grid)
    expected = np.zeros(SHAPE, bool)
    expected[:3, 4:13, :] = True
    np.testing.assert_array_equal(read.mask("GTV"), expected)
    assert "sides" in " ".join(read.notices)
    assert "first or last slice" in " ".join(read.notices)


def test_empty_regions_and_points_are_told(grid: Grid, tmp_path: Path) -> None:
    far = [(i + 900, j) for i, j in SQUARE]
    rois = {
        "GTV": [at_k(grid, SQUARE, 1)],
        "none": [],
        "far": [at_k(grid, far, 1)],
        "dot": [at_k(grid, [(1, 1)], 1)],
    }
    read = read_rtstruct(write_rtstruct(tmp_path / "r.dcm", rois), grid)
    assert read.names == ("GTV",)
    text = " ".join(read.notices)
    assert "'none' is empty" in text
    assert "'far' lies outside" in text
    assert "'dot' is empty" in text


def test_refusals(grid: Grid, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, 1)]})
    with pytest.raises(InputRefused, match="another frame of reference"):
        read_rtstruct(path, grid, frame_of_reference_uid=sample_uid("elsewhere"))
    with pytest.raises(InputRefused, match="nothing inside this CT"):
        read_rtstruct(path, make_grid(SHAPE, origin_lps_mm=(900, 900, 900), directions=grid.directions))
    askew = grid.to_patient([(2, 3, 0), (9, 3, 0), (9, 12, 4), (2, 12, 4)])
    with pytest.raises(InputRefused, match="do not lie in the slices"):
        read_rtstruct(write_rtstruct(tmp_path / "askew.dcm", {"GTV": [askew]}), grid)
    with pytest.raises(InputRefused, match="not all there"):
        read_rtstruct(write_rtstruct(tmp_path / "odd.dcm", {"GTV": [askew]}, ContourData=[1, 2, 3, 4]), grid)
    raw = path.read_bytes()
    for share in (0.1, 0.3, 0.5, 0.7, 0.8):
        (tmp_path / "cut.dcm").write_bytes(raw[: int(share * len(raw))])
        with pytest.raises(InputRefused):
            read_rtstruct(tmp_path / "cut.dcm", grid)


def test_without_any_frame_of_reference_positions_are_believed(grid: Grid, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "r.dcm", {"GTV": [at_k(grid, SQUARE, 1)]}, frame="")
    assert read_rtstruct(path, grid, frame_of_reference_uid=FRAME).names == ("GTV",)


@pytest.mark.parametrize("seed", range(5))
def test_filling_agrees_with_counting_crossings_pixel_by_pixel(seed: int) -> None:
    """The plain twin: a ray from each centre to the left crosses an odd number of edges of what it is in."""
    rng = np.random.default_rng(seed)
    contours = [rng.uniform(-2, 14, (rng.integers(3, 9), 2)) for _ in range(3)]
    contours.append(np.array([(2, 2), (8, 2), (8, 7), (2, 7)], float))  # corners on pixel centres
    expected = np.zeros((11, 12), bool)
    for j in range(11):
        for i in range(12):
            for points in contours:
                for (i0, j0), (i1, j1) in zip(points, np.roll(points, -1, axis=0), strict=True):
                    if min(j0, j1) <= j < max(j0, j1) and i0 + (j - j0) / (j1 - j0) * (i1 - i0) <= i:
                        expected[j, i] ^= True
    np.testing.assert_array_equal(fill_contours(contours, (11, 12)), expected)
