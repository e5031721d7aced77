"""A CT series for a volume that came without one, so that other objects have images to refer to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import format_number_as_ds

from trocar import __version__
from trocar.dicom.write import instance
from trocar.dicom.write.axes import turned
from trocar.dicom.write.study import SourceStudy
from trocar.dicom.write.uids import derived_uid
from trocar.imaging.volume import Volume

SERIES_NUMBER = 9100
TITLE = {"nifti": "CT from NIfTI", "synthetic": "Synthetic CT", "dicom": "CT copy"}
ORIGIN = {"nifti": "read from NIfTI", "synthetic": "synthetic image", "dicom": "taken from DICOM"}


def derived_ct(volume: Volume, made_at: datetime | None = None) -> tuple[SourceStudy, list[Dataset]]:
    """The study and its CT images, marked as derived and as belonging to no DICOM patient.

    Voxels are those of the volume, turned (not resampled) so that slices are as nearly axial as the grid allows. All
    UIDs, and the patient ID, follow from the volume's hash.
    """
    grid, turn = turned(volume.grid)
    hu = turn(volume.hu)
    key = [volume.source.sha256, np.round(volume.grid.voxel_to_patient, 4).tolist(), list(volume.hu.shape)]
    patient = _patient(volume, key)
    series_uid = derived_uid("derived CT", "series", key)
    frame_uid = derived_uid("derived CT", "frame of reference", key)
    study = SourceStudy(patient, ())
    orientation = [_ds(v) for v in grid.directions[:, :2].T.ravel()]
    row_spacing, column_spacing = grid.spacing_mm[1], grid.spacing_mm[0]
    images = []
    for k in range(grid.shape_kji[0]):
        image = instance.begin(
            study,
            CTImageStorage,
            derived_uid("derived CT", "instance", key, k),
            series_uid,
            SERIES_NUMBER,
            "CT",
            TITLE[volume.source.kind],
        )
        image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        image.InstanceNumber = k + 1
        image.AcquisitionNumber = None
        image.Laterality = None
        image.PatientPosition = volume.source.patient_position
        image.FrameOfReferenceUID = frame_uid
        image.PositionReferenceIndicator = None
        image.DerivationDescription = f"No DICOM patient: {_origin(volume)}, by Trocar {__version__}"
        image.ImageComments = f"No DICOM patient: {_origin(volume)}"
        image.ImagePositionPatient = [_ds(v) for v in grid.to_patient((0, 0, k))]
        image.ImageOrientationPatient = orientation
        image.PixelSpacing = [_ds(v) for v in (row_spacing, column_spacing)]
        thickness = volume.source.slice_thickness_mm
        image.SliceThickness = None if thickness is None else _ds(thickness)
        image.SpacingBetweenSlices = _ds(grid.spacing_mm[2])
        image.KVP = None
        image.BurnedInAnnotation = "NO"
        image.SamplesPerPixel = 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.Rows, image.Columns = grid.shape_kji[1:]
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit = 15
        image.PixelRepresentation = 1
        image.RescaleIntercept = "0"
        image.RescaleSlope = "1"
        image.RescaleType = "HU"
        image.WindowCenter = "40"
        image.WindowWidth = "400"
        data = hu[k].astype("<i2").tobytes()
        image.PixelData = data
        if made_at is not None:
            image.ContentDate = image.ContentTime = None
            instance.stamp(image, study, made_at)
        images.append(image)
    return SourceStudy.from_headers(images), images


def _ds(value: float) -> str:
    return format_number_as_ds(float(value) + 0.0)  # never "-0.0"


def _origin(volume: Volume) -> str:
    return ORIGIN[volume.source.kind]


def _patient(volume: Volume, key: list[object]) -> Dataset:
    patient = Dataset()
    patient.PatientName = f"No DICOM patient^{_origin(volume)}"
    patient.PatientID = f"TROCAR-{str(derived_uid('derived CT', 'patient', key))[-12:]}"
    patient.PatientBirthDate = None
    patient.PatientSex = None
    patient.StudyInstanceUID = derived_uid("derived CT", "study", key)
    acquired = volume.source.acquired_on
    patient.StudyDate = None if acquired is None else acquired.strftime("%Y%m%d")
    patient.StudyTime = None
    patient.StudyID = "DERIVED"
    patient.StudyDescription = f"No DICOM patient: {_origin(volume)}"
    patient.AccessionNumber = None
    patient.ReferringPhysicianName = None
    return patient


def write_derived_ct(images: list[Dataset], folder: Path) -> list[Path]:
    """Write the images into an existing folder as ct-0001.dcm and so on."""
    paths = [folder / f"ct-{image.InstanceNumber:04d}.dcm" for image in images]
    for image, path in zip(images, paths, strict=True):
        instance.save(image, path)
    return paths
