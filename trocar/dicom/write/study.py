"""The study that Trocar's objects belong to: whose it is, and the CT images that they refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from trocar.dicom.quiet import quiet_pydicom
from trocar.dicom.write.header_values import copied
from trocar.errors import InputRefused

MULTI_FRAME = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)

# Patient, General Study and Patient Study modules (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2), without free-text comments,
# photographs and what only veterinary medicine uses.
PATIENT_AND_STUDY = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "OtherPatientIDsSequence",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "LongitudinalTemporalInformationModified",
    "TimezoneOffsetFromUTC",
)
EMPTY_WHERE_UNKNOWN = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Attributes of type 2: they must be there, and may be empty."""
IMAGE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "Rows",
    "Columns",
    "Modality",
    "PositionReferenceIndicator",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
PLANE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")


@dataclass(frozen=True, eq=False)
class SourceStudy:
    """Patient, study and CT images, all of one series in one frame of reference.

    patient_and_study: attributes of the patient and study modules, fit to be written.
    images: one header for each single-frame image, ordered along the normal of the slices, or one of a multi-frame
        image; they hold geometry and references only, and no patient.
    """

    patient_and_study: Dataset
    images: tuple[Dataset, ...]

    @staticmethod
    def from_headers(headers: Sequence[Dataset]) -> SourceStudy:
        """The study of a CT series that was read, from the headers (pixel data not needed) of the images used.

        Raises InputRefused where the images are of several series or frames of reference, have none, or lack the
        identifiers that other objects need to refer to them.
        """
        if not headers:
            raise InputRefused("There are no CT images that DICOM objects could refer to.")
        with quiet_pydicom():
            return SourceStudy._from_headers(headers)

    @staticmethod
    def _from_headers(headers: Sequence[Dataset]) -> SourceStudy:
        first = headers[0]
        for keyword, name in (("PatientID", "patient ID"), ("PatientName", "patient's name")):
            limit = 64 if keyword == "PatientID" else 194
            if len(str(first.get(keyword) or "")) > limit:
                raise InputRefused(
                    f"The CT's {name} is longer than DICOM allows; correct it before objects are written for it."
                )
        multi_frame = first.get("SOPClassUID") in MULTI_FRAME
        images = [_multi_frame(first)] if multi_frame else [_single_frame(header) for header in headers]
        for keyword, name in (
            ("StudyInstanceUID", "study"),
            ("SeriesInstanceUID", "series"),
            ("FrameOfReferenceUID", "frame of reference"),
        ):
            if any(image.get(keyword) is None for image in images):
                raise InputRefused(
                    f"The CT does not say which {name} it belongs to, so no DICOM object can refer to it."
                )
            if len({str(header.get(keyword)) for header in headers}) > 1:
                raise InputRefused(
                    f"The CT images belong to more than one {name}; DICOM objects can refer to one only."
                )
        if multi_frame and len(headers) > 1:
            raise InputRefused(
                "The CT is spread over several multi-frame images; DICOM objects can refer to one only."
            )
        images.sort(key=lambda image: (_depth_mm(image), str(image.SOPInstanceUID)))
        return SourceStudy(_patient_and_study(first), tuple(images))

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return str(self.patient_and_study.StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        """Series Instance UID of the CT."""
        return str(self.images[0].SeriesInstanceUID)

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of Reference UID of the CT: the space of every point that is written."""
        return str(self.images[0].FrameOfReferenceUID)

    @property
    def is_multi_frame(self) -> bool:
        """Whether the CT is one multi-frame image."""
        return self.images[0].SOPClassUID in MULTI_FRAME

    @cached_property
    def positions_lps_mm(self) -> NDArray[np.float64]:
        """Centre of the first voxel of each slice or frame (N, 3) in LPS mm, in the order of ``images``."""
        if self.is_multi_frame:
            frames = self.images[0].PerFrameFunctionalGroupsSequence
            points = [frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames]
        else:
            points = [image.ImagePositionPatient for image in self.images]
        return np.array(points, dtype=np.float64)

    @cached_property
    def row_and_column_directions(self) -> NDArray[np.float64]:
        """2x3: unit vectors in LPS along a row (index i) and down a column (index j)."""
        return _orientation(self.images[0])

    @cached_property
    def spacing_ij_mm(self) -> NDArray[np.float64]:
        """Distance (2,) of neighbouring voxels along i and along j in mm. DICOM's Pixel Spacing names j first."""
        header = self.images[0]
        if self.is_multi_frame:
            header = header.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        return np.array(header.PixelSpacing, dtype=np.float64)[::-1]

    def nearest_slice(self, point_lps_mm: ArrayLike) -> int:
        """Index into ``positions_lps_mm`` of the slice or frame whose plane is nearest to a point (3,) in LPS mm."""
        normal = np.cross(*self.row_and_column_directions)
        depths = self.positions_lps_mm @ normal - np.asarray(point_lps_mm, dtype=np.float64) @ normal
        return int(np.abs(depths).argmin())

    def identify(self, dataset: Dataset) -> None:
        """Make ``dataset`` an object of this patient and study; what it says of another one is overwritten."""
        for keyword in PATIENT_AND_STUDY:
            if keyword in dataset:
                delattr(dataset, keyword)
        for element in self.patient_and_study:
            dataset[element.tag] = element
        dataset.SpecificCharacterSet = "ISO_IR 192"


def _patient_and_study(header: Dataset) -> Dataset:
    result = copied(header, PATIENT_AND_STUDY)
    for keyword in EMPTY_WHERE_UNKNOWN:
        if keyword not in result:
            setattr(result, keyword, None)
    if result.PatientSex not in ("M", "F", "O"):
        result.PatientSex = None
    for element in list(result):
        empty = len(element.value) == 0 if element.VR == "SQ" else element.value in (None, "")
        if empty and element.keyword not in EMPTY_WHERE_UNKNOWN:
            del result[element.tag]
    return result


def _image(header: Dataset) -> Dataset:
    image = copied(header, IMAGE)
    for keyword in ("SOPClassUID", "SOPInstanceUID", "Rows", "Columns"):
        if image.get(keyword) is None:
            raise InputRefused(f"A CT image has no usable {keyword}, so no DICOM object can refer to it.")
    image.Modality = "CT"
    # highdicom wants a patient of every source image and judges the name aloud; objects get the true one at the end.
    for keyword in EMPTY_WHERE_UNKNOWN:
        setattr(image, keyword, None)
    image.PatientName = "Trocar^"
    image.SpecificCharacterSet = "ISO_IR 192"
    return image


def _single_frame(header: Dataset) -> Dataset:
    image = _image(header)
    plane = copied(header, PLANE)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        if plane.get(keyword) is None:
            raise InputRefused(
                f"A CT image has no usable {keyword}, so DICOM objects cannot be placed on it."
            )
    if plane.get("SliceThickness") is None:
        plane.SliceThickness = None
    image.update(plane)
    return image


def _multi_frame(header: Dataset) -> Dataset:
    """Geometry alone; highdicom expects orientation and spacing to be shared by all frames."""
    image = _image(header)
    shared, frames = header.SharedFunctionalGroupsSequence[0], header.PerFrameFunctionalGroupsSequence
    common = Dataset()
    for keyword in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
        values = [shared[keyword].value[0]] if keyword in shared else [f[keyword].value[0] for f in frames]
        items = [copied(value, PLANE) for value in values]
        if any(item != items[0] for item in items):
            raise InputRefused(
                "The frames of the multi-frame CT differ in orientation or spacing; objects need one grid."
            )
        setattr(common, keyword, [items[0]])
    image.SharedFunctionalGroupsSequence = [common]
    image.NumberOfFrames = len(frames)
    places = []
    for frame in frames:
        place = Dataset()
        group = frame if "PlanePositionSequence" in frame else shared
        place.PlanePositionSequence = [copied(group.PlanePositionSequence[0], PLANE)]
        places.append(place)
    image.PerFrameFunctionalGroupsSequence = places
    return image


def _orientation(image: Dataset) -> NDArray[np.float64]:
    holder: Any = image
    if "SharedFunctionalGroupsSequence" in image:
        holder = image.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    cosines = np.array(holder.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    return np.asarray(cosines / np.linalg.norm(cosines, axis=1, keepdims=True))


def _depth_mm(image: Dataset) -> float:
    if image.SOPClassUID in MULTI_FRAME:
        return 0.0
    normal = np.cross(*_orientation(image))
    return float(np.array(image.ImagePositionPatient, dtype=np.float64) @ normal)
