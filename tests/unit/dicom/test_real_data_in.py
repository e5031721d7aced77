"""Real scans and structures come in with the figures that their publishers state."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from trocar.dicom.rtstruct import read_rtstruct, roi_names
from trocar.dicom.segmentation_in import read_seg
from trocar.dicom.series import read_ct
from trocar.errors import InputRefused, SeriesChoice
from trocar.geometry.grid import Grid
from trocar.imaging.nifti import read_structures

pytestmark = pytest.mark.test_data


def test_feet_first_kidney_ct_with_padding(test_data: Path) -> None:
    read = read_ct([test_data / "kidney_ct_crlm1006"])
    volume = read.volume
    assert volume.hu.shape == (51, 512, 512)
    assert volume.source.patient_position == "FFS"
    assert (volume.hu.min(), volume.hu.max()) == (-1024, 1184)
    np.testing.assert_allclose(volume.grid.spacing_mm, (0.804688, 0.804688, 5), rtol=1e-6)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(test_data / "kidney_ct_crlm1006" / "dicom")))
    peer = reader.Execute()
    np.testing.assert_array_equal(volume.hu, np.maximum(SimpleITK.GetArrayFromImage(peer), -1024))
    for index in ((0, 0, 0), (511, 0, 50), (100, 300, 20)):
        np.testing.assert_allclose(
            volume.grid.to_patient(index), peer.TransformIndexToPhysicalPoint(index), atol=1e-4
        )


@pytest.mark.parametrize("name", ["007", "010", "018", "037"])
def test_contours_agree_with_the_published_mask(test_data: Path, name: str) -> None:
    """The publisher rasterised the same contours onto the same grid; only voxels cut by the line may differ."""
    folder = test_data / f"bone_ct_sts{name}"
    ct = read_ct([folder])
    contours = folder / "RTSTRUCT_GTV_Mass.dcm"
    assert roi_names(contours) == ("GTV_Mass_CT",)
    mass = read_rtstruct(contours, ct.volume.grid, "GTV_Mass_CT", ct.frame_of_reference_uid).mask(
        "GTV_Mass_CT"
    )
    published = read_structures(folder / "gtv_mask.nii.gz")
    voxels = np.argwhere(published.mask(published.names[0]))[:, ::-1]
    i, j, k = np.rint(ct.volume.grid.to_voxel(published.grid.to_patient(voxels))).astype(int).T
    expected = np.zeros_like(mass)
    expected[k, j, i] = True
    dice = 2 * (mass & expected).sum() / (mass.sum() + expected.sum())
    print(f"STS_{name}: Dice {dice:.5f}")
    assert dice > 0.97


def test_liver_segmentation_on_its_ct(test_data: Path) -> None:
    folder = test_data / "dicom_objects" / "ct3"
    ct = read_ct([folder])
    assert any("Segmentation" in notice for notice in ct.volume.source.notices)
    liver = read_seg(folder / "SEG_liver.dcm", ct.volume.grid, ct.frame_of_reference_uid)
    assert liver.names == ("Liver",)
    mask = liver.mask("Liver")
    for item in dcmread(folder / "SEG_liver.dcm").PerFrameFunctionalGroupsSequence:
        image = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert mask[ct.slice_of_instance[image]].any()
    assert 20 < np.median(ct.volume.hu[mask]) < 130  # liver


def test_enhanced_ct_that_is_a_perfusion_map_says_so(test_data: Path) -> None:
    read = read_ct([test_data / "dicom_objects" / "eCT_Supplemental.dcm"])
    assert read.volume.hu.shape == (2, 512, 512)
    assert read.volume.grid.spacing_mm[2] == pytest.approx(10)
    assert any("PERFUSION" in notice for notice in read.volume.source.notices)


@pytest.mark.parametrize(
    "name", ["seg_image_ct_binary", "seg_image_ct_binary_overlap", "seg_image_ct_true_fractional"]
)
def test_segmentations_of_highdicom_on_a_grid_round_them(test_data: Path, name: str) -> None:
    """Read onto a grid of the file's three upper slices (1.25 mm apart; one file has a fourth far below), every
    marked pixel of every segment on them must be there."""
    path = test_data / "dicom_objects" / "highdicom" / f"{name}.dcm"
    ds = dcmread(path)
    groups = ds.PerFrameFunctionalGroupsSequence
    depth = np.array([float(group.PlanePositionSequence[0].ImagePositionPatient[2]) for group in groups])
    matrix = np.diag([0.488281, 0.488281, 1.25, 1.0])
    matrix[:3, 3] = (-125.0, -128.100006, 103.019997)
    read = read_seg(path, Grid((3, 16, 16), matrix))
    on = ds.pixel_array >= (ds.MaximumFractionalValue / 2 if "fractional" in name else 1)
    for n, label in enumerate((item.SegmentLabel for item in ds.SegmentSequence), start=1):
        expected = np.zeros((3, 16, 16), bool)
        for frame, group in enumerate(groups):
            if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == n and depth[frame] > 0:
                expected[round((depth[frame] - 103.019997) / 1.25)] = on[frame]
        assert expected.any()
        np.testing.assert_array_equal(read.mask(label), expected)
    assert bool(read.masks) == ("overlap" in name)


def test_a_folder_of_everything_lists_the_series(test_data: Path) -> None:
    with pytest.raises(SeriesChoice) as caught:
        read_ct(
            [test_data / name for name in ("bone_ct_sts007", "bone_ct_sts010", "kidney_ct_crlm1006", "rdsr")]
        )
    assert len(caught.value.choices) == 3


@pytest.mark.parametrize("name", ["rdsr", "us_dicom", "xray_dicom", "us_tracked_pluslib"])
def test_folders_without_ct_are_refused(test_data: Path, name: str) -> None:
    with pytest.raises(InputRefused, match="holds no CT image"):
        read_ct([test_data / name])


def test_a_real_ct_is_read_quickly(test_data: Path) -> None:
    """51 slices of 512 x 512 take some 0.15 s; ten times that is a fault even on a busy machine."""
    started = time.perf_counter()
    read_ct([test_data / "kidney_ct_crlm1006"])
    assert time.perf_counter() - started < 1.5
