from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage

from tests.ct_factory import make_grid, oblique_directions
from tests.unit.dicom.write.plan_factory import ct_headers, make_study
from trocar.dicom.quiet import quiet_pydicom
from trocar.dicom.write import SourceStudy
from trocar.errors import InputRefused

GRID = make_grid((5, 4, 6), directions=oblique_directions(3))


def test_slices_are_ordered_by_position_and_geometry_is_that_of_the_grid() -> None:
    study = make_study(GRID)
    np.testing.assert_allclose(
        study.positions_lps_mm, GRID.to_patient([(0, 0, k) for k in range(5)]), atol=1e-5
    )
    np.testing.assert_allclose(study.row_and_column_directions, GRID.directions[:, :2].T, atol=1e-9)
    np.testing.assert_allclose(study.spacing_ij_mm, GRID.spacing_mm[:2], atol=1e-9)
    assert not study.is_multi_frame


@pytest.mark.parametrize("k", range(5))
def test_nearest_slice_is_found_along_the_normal(k: int) -> None:
    study = make_study(GRID)
    assert study.nearest_slice(GRID.to_patient((4.6, -2.0, k + 0.4))) == k


def test_feet_first_series_is_ordered_along_its_normal_too() -> None:
    descending = make_grid((5, 4, 6), directions=np.diag([1.0, 1.0, -1.0]))
    study = make_study(descending, PatientPosition="FFS")
    assert (np.diff(study.positions_lps_mm[:, 2]) > 0).all()


def identified(**overrides: object) -> Dataset:
    dataset = Dataset()
    dataset.PatientComments = "stays"
    dataset.PatientName = "Other^Person"
    dataset.PatientAge = "001D"
    make_study(GRID, **overrides).identify(dataset)
    return dataset


def test_patient_and_study_come_from_the_ct_alone() -> None:
    dataset = identified(
        AccessionNumber="A1", PatientWeight="82.0", PatientSex="F", StudyDescription="CT abdomen"
    )
    assert (dataset.PatientName, dataset.PatientID, dataset.PatientSex) == ("SAMPLE^PATIENT", "SAMPLE", "F")
    assert (dataset.StudyDate, dataset.AccessionNumber, dataset.PatientWeight) == ("20240229", "A1", 82)
    assert dataset.StudyDescription == "CT abdomen"
    assert "PatientAge" not in dataset


def test_attributes_that_must_be_there_are_there_and_empty() -> None:
    dataset = identified(PatientName=None, PatientBirthDate=None, StudyID=None, PatientSex=None)
    for keyword in ("PatientName", "PatientBirthDate", "StudyID", "PatientSex"):
        assert keyword in dataset
        assert not dataset[keyword].value


def test_a_sex_that_dicom_does_not_know_is_left_empty() -> None:
    assert not identified(PatientSex="U").PatientSex


def test_names_in_other_scripts_are_rewritten_as_utf_8(tmp_path: Path) -> None:
    header = ct_headers(GRID)[0]
    header.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    header.PatientName = "Mihon^Tarou=見本^太郎=みほん^たろう"
    header.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    study = SourceStudy.from_headers([pydicom.dcmread(tmp_path / "a.dcm")])
    dataset = Dataset()
    study.identify(dataset)
    dataset.file_meta = header.file_meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    dataset.save_as(tmp_path / "b.dcm", enforce_file_format=True)
    again = pydicom.dcmread(tmp_path / "b.dcm")
    assert again.SpecificCharacterSet == "ISO_IR 192"
    assert again.PatientName == "Mihon^Tarou=見本^太郎=みほん^たろう"
    assert "見本".encode() in (tmp_path / "b.dcm").read_bytes()


def test_broken_headers_raise_no_warning_that_could_name_the_patient(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = ct_headers(GRID)
    with quiet_pydicom():
        for header in headers:
            header.StudyID = "STUDY-ID-OF-22-CHARS.."
            header.PatientName = "Just one component"
    caplog.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study = SourceStudy.from_headers(headers)
    assert not caplog.records
    assert study.patient_and_study.StudyID == "STUDY-ID-OF-22-C"
    assert all("Just" not in str(image) for image in study.images)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"])
def test_without_the_identifiers_that_references_need_it_is_refused(keyword: str) -> None:
    headers = ct_headers(GRID)
    for header in headers:
        delattr(header, keyword)
    with pytest.raises(InputRefused, match="does not say which"):
        SourceStudy.from_headers(headers)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"])
def test_images_of_two_series_are_refused(keyword: str) -> None:
    headers = ct_headers(GRID)
    setattr(headers[2], keyword, "1.2.3")
    with pytest.raises(InputRefused, match="more than one"):
        SourceStudy.from_headers(headers)


def test_a_patient_id_is_never_cut() -> None:
    headers = ct_headers(GRID)
    with quiet_pydicom():
        for header in headers:
            header.PatientID = "9" * 65
    with pytest.raises(InputRefused, match="patient ID is longer"):
        SourceStudy.from_headers(headers)


def test_no_images_and_images_without_place_are_refused() -> None:
    with pytest.raises(InputRefused, match="no CT images"):
        SourceStudy.from_headers([])
    headers = ct_headers(GRID)
    del headers[1].ImagePositionPatient
    with pytest.raises(InputRefused, match="ImagePositionPatient"):
        SourceStudy.from_headers(headers)


def enhanced(orientation_per_frame: bool) -> Dataset:
    """One multi-frame CT header on GRID, made of single-frame ones."""
    singles = [h for h in sorted(ct_headers(GRID), key=lambda h: int(h.InstanceNumber))]
    first = singles[0]
    header = Dataset()
    for element in first:
        if element.keyword not in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            header[element.tag] = element
    header.SOPClassUID = EnhancedCTImageStorage
    header.NumberOfFrames = len(singles)
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = first.ImageOrientationPatient
    measures.PixelSpacing = first.PixelSpacing
    measures.SliceThickness = "2.5"
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    frames = []
    for single in singles:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = single.ImagePositionPatient
        frame.PlanePositionSequence = [position]
        if orientation_per_frame:
            frame.PlaneOrientationSequence = [orientation]
        frames.append(frame)
    if not orientation_per_frame:
        shared.PlaneOrientationSequence = [orientation]
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = frames
    return header


@pytest.mark.parametrize("orientation_per_frame", [False, True])
def test_multi_frame_geometry_is_that_of_the_grid(orientation_per_frame: bool) -> None:
    study = SourceStudy.from_headers([enhanced(orientation_per_frame)])
    assert study.is_multi_frame
    np.testing.assert_allclose(
        study.positions_lps_mm, GRID.to_patient([(0, 0, k) for k in range(5)]), atol=1e-5
    )
    np.testing.assert_allclose(study.row_and_column_directions, GRID.directions[:, :2].T, atol=1e-9)
    np.testing.assert_allclose(study.spacing_ij_mm, GRID.spacing_mm[:2], atol=1e-9)


def test_multi_frame_with_two_orientations_is_refused() -> None:
    header = enhanced(orientation_per_frame=True)
    other = Dataset()
    other.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PerFrameFunctionalGroupsSequence[3].PlaneOrientationSequence = [other]
    with pytest.raises(InputRefused, match="differ in orientation"):
        SourceStudy.from_headers([header])
