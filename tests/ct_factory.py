"""Writes CT series as DICOM files, for tests that need to know exactly what is in them.

The patient is plainly a sample. Same arguments, same bytes: UIDs derive from ``seed`` and the slice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

from trocar.geometry.grid import Grid


def sample_uid(*parts: object) -> UID:
    """A UID that is always the same for the same parts (the 2.25 form, from 120 bits of their hash)."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:15], 'big')}")


def make_grid(
    shape_kji: tuple[int, int, int],
    spacing_ijk_mm: tuple[float, float, float] = (0.7, 0.9, 2.5),
    origin_lps_mm: ArrayLike = (-12.0, 35.5, -110.25),
    directions: ArrayLike | None = None,
) -> Grid:
    """A grid with unequal spacing; ``directions`` is 3x3 with the unit vectors of i, j, k as columns."""
    matrix = np.eye(4)
    axes = np.eye(3) if directions is None else np.asarray(directions, dtype=float)
    matrix[:3, :3] = axes * np.asarray(spacing_ijk_mm)
    matrix[:3, 3] = origin_lps_mm
    return Grid(shape_kji, matrix)


def oblique_directions(seed: int = 0, left_handed: bool = False) -> NDArray[np.float64]:
    """A rotation 3x3 in which no axis is close to the patient's; ``left_handed`` turns the third round."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    q[:, 2] = np.cross(q[:, 0], q[:, 1]) * (-1 if left_handed else 1)
    return q


def speckled_hu(shape_kji: tuple[int, int, int], seed: int = 0) -> NDArray[np.int16]:
    """HU -1024..2000 without any symmetry, so that a swapped or mirrored axis cannot pass."""
    return np.random.default_rng(seed).integers(-1024, 2000, shape_kji).astype(np.int16)


def ct_slice(
    hu: NDArray[Any],
    grid: Grid,
    k: int,
    *,
    seed: object = 0,
    signed: bool = True,
    bits_stored: int = 16,
    slope: float = 1.0,
    intercept: float = -1024.0,
    **overrides: Any,
) -> Dataset:
    """Slice ``k`` of ``hu[k, j, i]`` as an uncompressed CT Image data set with file meta information.

    ``overrides`` are DICOM keywords; the value None removes the attribute.
    Stored values are ``(hu - intercept) / slope``, rounded; it is a mistake of the test when one does not
    fit the stored bits.
    """
    stored = np.rint((hu[k].astype(np.float64) - intercept) / slope)
    lowest = -(1 << bits_stored - 1) if signed else 0
    fits = stored.min() >= lowest and stored.max() < lowest + (1 << bits_stored)
    assert fits, "these HU do not fit the stored bits"
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = sample_uid("instance", seed, k)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = sample_uid("trocar tests")
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = sample_uid("instance", seed, k)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20240229"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101500"
    ds.AccessionNumber = ""
    ds.Modality = "CT"
    ds.Manufacturer = "Trocar tests"
    ds.ReferringPhysicianName = ""
    ds.SeriesDescription = "Sample CT"
    ds.PatientName = "SAMPLE^PATIENT"
    ds.PatientID = "SAMPLE"
    ds.PatientBirthDate = ""
    ds.PatientSex = "O"
    ds.SliceThickness = f"{grid.spacing_mm[2]:.6f}"
    ds.KVP = "120"
    ds.PatientPosition = "HFS"
    ds.Laterality = ""
    ds.StudyInstanceUID = sample_uid("study", seed)
    ds.SeriesInstanceUID = sample_uid("series", seed)
    ds.StudyID = "1"
    ds.SeriesNumber = 1
    ds.AcquisitionNumber = 1
    ds.InstanceNumber = k + 1
    ds.ImagePositionPatient = [f"{v:.10g}" for v in grid.to_patient((0, 0, k))]
    ds.ImageOrientationPatient = [f"{v:.10g}" for v in grid.directions[:, :2].T.ravel()]
    ds.FrameOfReferenceUID = sample_uid("frame of reference", seed)
    ds.PositionReferenceIndicator = ""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = hu.shape[1:]
    # DICOM's PixelSpacing is row spacing (along j) first.
    ds.PixelSpacing = [f"{grid.spacing_mm[1]:.10g}", f"{grid.spacing_mm[0]:.10g}"]
    ds.BitsAllocated = 16
    ds.BitsStored = bits_stored
    ds.HighBit = bits_stored - 1
    ds.PixelRepresentation = int(signed)
    ds.RescaleIntercept = f"{intercept:g}"
    ds.RescaleSlope = f"{slope:g}"
    ds.RescaleType = "HU"
    ds.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()
    for keyword, value in overrides.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def write_ct_series(
    folder: Path,
    hu: NDArray[Any],
    grid: Grid,
    *,
    seed: object = 0,
    slices: list[int] | None = None,
    name: str = "{:04d}.dcm",
    edit: Callable[[Dataset, int], None] | None = None,
    **overrides: Any,
) -> list[Path]:
    """Write ``hu[k, j, i]`` on ``grid`` as one CT Image file for each slice; returns the paths in order of k.

    ``seed`` names the series: another one gives other UIDs. ``slices``: write only these k. ``name``:
    pattern for k. ``edit(ds, k)`` may change each data set before it is written. ``overrides`` go to
    ``ct_slice``: its arguments (signed, bits_stored, slope, intercept), any DICOM keyword (None removes it).
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(hu.shape[0]) if slices is None else slices:
        ds = ct_slice(hu, grid, k, seed=seed, **overrides)
        if edit is not None:
            edit(ds, k)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        path = folder / name.format(k)
        ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def write_enhanced_ct(
    path: Path,
    hu: NDArray[Any],
    grid: Grid,
    *,
    seed: object = 0,
    order: list[int] | None = None,
    edit_frame: Callable[[Dataset, int], None] | None = None,
    **overrides: Any,
) -> Path:
    """Write ``hu[k, j, i]`` on ``grid`` as one Enhanced CT; ``order`` gives the k of each frame.

    What belongs to each frame stands in per-frame functional groups (position, rescale, content), the rest in
    the shared ones. ``edit_frame(item, n)`` may change the per-frame item of frame n.
    """
    order = list(range(hu.shape[0])) if order is None else order
    ds = ct_slice(hu, grid, 0, seed=seed, **overrides)
    stored = [ct_slice(hu, grid, k, seed=seed, **overrides) for k in order]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    ds.NumberOfFrames = len(order)
    ds.PixelData = b"".join(one.PixelData for one in stored)
    shared, per_frame = Dataset(), []
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=ds.ImageOrientationPatient)]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=ds.PixelSpacing, SliceThickness=ds.SliceThickness)]
    shared.CTImageFrameTypeSequence = [_item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])]
    for n, one in enumerate(stored):
        item = Dataset()
        item.PlanePositionSequence = [_item(ImagePositionPatient=one.ImagePositionPatient)]
        item.PixelValueTransformationSequence = [
            _item(RescaleSlope=one.RescaleSlope, RescaleIntercept=one.RescaleIntercept, RescaleType="HU")
        ]
        item.FrameContentSequence = [
            _item(FrameAcquisitionNumber=1, StackID="1", InStackPositionNumber=order[n] + 1)
        ]
        if edit_frame is not None:
            edit_frame(item, n)
        per_frame.append(item)
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
    ):
        del ds[keyword]
    ds.SharedFunctionalGroupsSequence = [shared]
    ds.PerFrameFunctionalGroupsSequence = per_frame
    ds.save_as(path, enforce_file_format=True)
    return path


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
