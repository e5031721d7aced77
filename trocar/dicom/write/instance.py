"""What every object written by Trocar has in common: who made it, when, the notice, and how it is saved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from trocar import RESEARCH_NOTICE, __version__
from trocar.dicom.write.codes import SCHEME, SCHEME_NAME
from trocar.dicom.write.study import SourceStudy
from trocar.dicom.write.uids import IMPLEMENTATION_CLASS_UID

MANUFACTURER = "Trocar"
MODEL = "Trocar planner"
SERIAL_NUMBER = "none"
"""Type 1 in some modules; software has none."""


def series_description(what: str) -> str:
    """``what`` with the research notice, in the 64 characters that DICOM allows; raises ValueError beyond them."""
    text = f"{what}. {RESEARCH_NOTICE}"
    if len(text) > 64:
        raise ValueError(f"{what!r} leaves no room for the research notice")
    return text


def begin(
    study: SourceStudy,
    sop_class: UID,
    uid: UID,
    series_uid: UID,
    series_number: int,
    modality: str,
    what: str,
) -> Dataset:
    """A data set with patient, study, series, equipment and SOP modules, ready for what makes it an object."""
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = uid
    dataset.SeriesInstanceUID = series_uid
    dataset.SeriesNumber = series_number
    dataset.Modality = modality
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MODEL
    dataset.SoftwareVersions = __version__
    dataset.DeviceSerialNumber = SERIAL_NUMBER
    dataset.SeriesDescription = series_description(what)
    study.identify(dataset)
    return dataset


def coding_scheme() -> Dataset:
    """What our private coding scheme is: an item of the Coding Scheme Identification Sequence."""
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeName = SCHEME_NAME
    item.CodingSchemeVersion = __version__
    item.CodingSchemeResponsibleOrganization = "Trocar"
    return item


def stamp(dataset: Dataset, study: SourceStudy, made_at: datetime) -> None:
    """Write when the object was made, in the study's own time zone where that is known.

    These four attributes are the only ones that depend on the time of making; no UID does.
    """
    offset = str(study.patient_and_study.get("TimezoneOffsetFromUTC", ""))
    if made_at.tzinfo is not None and offset:
        sign = -1 if offset[0] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(offset[-4:-2]), minutes=int(offset[-2:])))
        made_at = made_at.astimezone(zone)
    for prefix in ("InstanceCreation", "Content"):
        if prefix == "InstanceCreation" or "ContentDate" in dataset:
            setattr(dataset, f"{prefix}Date", made_at.strftime("%Y%m%d"))
            setattr(dataset, f"{prefix}Time", made_at.strftime("%H%M%S"))


def save(dataset: Dataset, path: Path) -> None:
    """Write a data set as a DICOM file (Explicit VR Little Endian). The same data set gives the same bytes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = f"TROCAR_{__version__}"[:16]
    dataset.file_meta = meta
    dataset.save_as(path, enforce_file_format=True)
