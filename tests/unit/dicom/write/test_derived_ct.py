from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.ct_factory import make_grid, oblique_directions, speckled_hu
from trocar.dicom.write import derive_study
from trocar.imaging.volume import ImageSource, Volume


def volume(directions: np.ndarray, sha256: str = "44" * 32, seed: int = 0) -> Volume:
    grid = make_grid((4, 5, 6), directions=directions)
    return Volume(speckled_hu(grid.shape_kji, seed), grid, ImageSource("nifti", sha256, "sample.nii.gz"))


@pytest.mark.parametrize(
    "directions",
    [
        np.eye(3),
        np.diag([-1.0, -1.0, 1.0]),
        np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]]),
        oblique_directions(5, left_handed=True),
    ],
    ids=["axial", "rows from left to right", "sagittal slices", "oblique and mirrored"],
)
def test_every_voxel_keeps_its_place_and_value(directions: np.ndarray, tmp_path: Path) -> None:
    source = volume(directions)
    study = derive_study(source, tmp_path / "dicom")
    files = sorted((tmp_path / "dicom").iterdir())
    assert len(files) == len(study.images)
    seen = 0
    for path in files:
        image = pydicom.dcmread(path)
        cosines = np.array(image.ImageOrientationPatient, float)
        row_spacing, column_spacing = (float(v) for v in image.PixelSpacing)
        j, i = np.indices((image.Rows, image.Columns))
        points = np.array(image.ImagePositionPatient, float) + (
            i[..., None] * column_spacing * cosines[:3] + j[..., None] * row_spacing * cosines[3:]
        )
        ijk = source.grid.to_voxel(points)
        nearest = np.rint(ijk).astype(int)
        np.testing.assert_allclose(ijk, nearest, atol=1e-4)
        hu = image.pixel_array * image.RescaleSlope + image.RescaleIntercept
        np.testing.assert_array_equal(hu, source.hu[nearest[..., 2], nearest[..., 1], nearest[..., 0]])
        seen += hu.size
    assert seen == source.hu.size


def test_slices_run_from_feet_to_head_with_the_left_side_on_the_right_of_the_picture(tmp_path: Path) -> None:
    study = derive_study(volume(np.diag([-1.0, -1.0, -1.0])), tmp_path / "dicom")
    np.testing.assert_allclose(study.row_and_column_directions, np.eye(3)[:2])
    assert (np.diff(study.positions_lps_mm[:, 2]) > 0).all()
    numbers = [int(pydicom.dcmread(p).InstanceNumber) for p in sorted((tmp_path / "dicom").iterdir())]
    assert numbers == [1, 2, 3, 4]


def test_it_says_that_it_is_derived_and_nobodys(tmp_path: Path) -> None:
    derive_study(volume(np.eye(3)), tmp_path / "dicom")
    image = pydicom.dcmread(tmp_path / "dicom" / "ct-0001.dcm")
    assert list(image.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert image.SeriesDescription == "CT from NIfTI. Research software, not for clinical use"
    assert image.StudyDescription == "No DICOM patient: read from NIfTI"
    assert str(image.PatientName) == "No DICOM patient^read from NIfTI"
    assert "No DICOM patient" in image.DerivationDescription
    assert not image.PatientPosition
    assert not image.SliceThickness
    assert not image.StudyDate
    assert "InstanceCreationDate" not in image


def test_a_known_position_and_date_are_kept(tmp_path: Path) -> None:
    known = volume(np.eye(3))
    source = ImageSource(
        "nifti", "44" * 32, patient_position="FFP", acquired_on=date(2024, 2, 29), slice_thickness_mm=3.0
    )
    derive_study(
        Volume(known.hu, known.grid, source), tmp_path / "dicom", made_at=datetime(2026, 5, 4, 12, 30, 15)
    )
    image = pydicom.dcmread(tmp_path / "dicom" / "ct-0001.dcm")
    assert (image.PatientPosition, image.StudyDate, image.SliceThickness) == ("FFP", "20240229", 3)
    assert (image.InstanceCreationDate, image.ContentTime) == ("20260504", "123015")


def test_the_same_volume_gives_the_same_bytes_and_another_one_other_uids(tmp_path: Path) -> None:
    once = derive_study(volume(np.eye(3)), tmp_path / "a")
    derive_study(volume(np.eye(3)), tmp_path / "b")
    other = derive_study(volume(np.eye(3), sha256="55" * 32), tmp_path / "c")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert once.study_uid != other.study_uid
    assert once.patient_and_study.PatientID != other.patient_and_study.PatientID
    uids = {
        once.study_uid,
        once.series_uid,
        once.frame_of_reference_uid,
        *(i.SOPInstanceUID for i in once.images),
    }
    assert len(uids) == 3 + 4


def test_an_earlier_series_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "dicom"
    out.mkdir()
    (out / "ct-0009.dcm").write_bytes(b"old")
    (out / "notes.txt").write_text("mine")
    derive_study(volume(np.eye(3)), out)
    assert sorted(p.name for p in out.iterdir()) == [
        "ct-0001.dcm",
        "ct-0002.dcm",
        "ct-0003.dcm",
        "ct-0004.dcm",
        "notes.txt",
    ]
