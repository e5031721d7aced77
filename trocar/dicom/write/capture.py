"""Pictures as Secondary Capture images, and the sheet as an Encapsulated PDF."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, SecondaryCaptureImageStorage

from trocar.dicom.write import instance
from trocar.dicom.write.study import SourceStudy
from trocar.dicom.write.uids import derived_uid
from trocar.errors import InputRefused

PICTURES_SERIES_NUMBER = 9103
SHEET_SERIES_NUMBER = 9104


@dataclass(frozen=True, eq=False)
class Capture:
    """One picture of the sheet: PNG bytes or a Pillow image, and the title that stands over it."""

    image: Image.Image | bytes
    title: str

    def rgb(self) -> np.ndarray:
        """Pixels (rows, columns, 3), uint8; a transparent picture is laid on white."""
        image = Image.open(io.BytesIO(self.image)) if isinstance(self.image, bytes) else self.image
        if "A" in image.getbands() or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.asarray(image.convert("RGB"))


def secondary_capture(
    capture: Capture, number: int, study: SourceStudy, key: str, made_at: datetime
) -> Dataset:
    """The picture as an RGB Secondary Capture, ``number`` (from 1) of its series; the title is its image comment."""
    pixels = capture.rgb()
    dataset = instance.begin(
        study,
        SecondaryCaptureImageStorage,
        derived_uid("instance", "SC", key, study.series_uid, number, capture.title),
        derived_uid("series", "SC", key, study.series_uid),
        PICTURES_SERIES_NUMBER,
        "OT",
        "Plan pictures",
    )
    dataset.InstanceNumber = number
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = None
    dataset.Laterality = None
    dataset.ContentDate = dataset.ContentTime = None
    dataset.ImageComments = capture.title
    dataset.DerivationDescription = f"Needle plan: {capture.title}"[:1024]
    dataset.BurnedInAnnotation = "YES"
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    instance.stamp(dataset, study, made_at)
    return dataset


def encapsulated_pdf(pdf: bytes, title: str, study: SourceStudy, key: str, made_at: datetime) -> Dataset:
    """The sheet as an Encapsulated PDF; raises InputRefused where ``pdf`` is something else."""
    if not pdf.startswith(b"%PDF-"):
        raise InputRefused("The setup sheet is not a PDF, so it cannot be put into a DICOM object.")
    dataset = instance.begin(
        study,
        EncapsulatedPDFStorage,
        derived_uid("instance", "PDF", key, study.series_uid),
        derived_uid("series", "PDF", key, study.series_uid),
        SHEET_SERIES_NUMBER,
        "DOC",
        "Plan setup sheet",
    )
    dataset.InstanceNumber = 1
    dataset.ConversionType = "WSD"
    dataset.ContentDate = dataset.ContentTime = None
    dataset.AcquisitionDateTime = None
    dataset.BurnedInAnnotation = "YES"
    dataset.DocumentTitle = title[:1024]
    dataset.ConceptNameCodeSequence = []
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    dataset.EncapsulatedDocumentLength = len(pdf)
    instance.stamp(dataset, study, made_at)
    return dataset
