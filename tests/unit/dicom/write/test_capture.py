from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from tests.ct_factory import make_grid
from tests.unit.dicom.write.plan_factory import make_study
from trocar.dicom.write import Capture, instance
from trocar.dicom.write.capture import encapsulated_pdf, secondary_capture
from trocar.errors import InputRefused

NOON = datetime(2026, 5, 4, 12, 30, 15)
STUDY = make_study(make_grid((2, 3, 4)))


def reread(dataset: Dataset, folder: Path) -> Dataset:
    instance.save(dataset, folder / "object.dcm")
    return pydicom.dcmread(folder / "object.dcm")


def picture(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (rows, columns, 3), np.uint8)


@pytest.mark.parametrize("as_png", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(7, 12), (5, 3)])
def test_pixels_come_back(as_png: bool, rows: int, columns: int, tmp_path: Path) -> None:
    pixels = picture(rows, columns)
    image: Image.Image | bytes = Image.fromarray(pixels)
    if as_png:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        image = buffer.getvalue()
    dataset = reread(secondary_capture(Capture(image, "Axial at entry"), 3, STUDY, "key", NOON), tmp_path)
    np.testing.assert_array_equal(dataset.pixel_array, pixels)
    assert (dataset.Rows, dataset.Columns, dataset.InstanceNumber) == (rows, columns, 3)


def test_a_transparent_picture_lies_on_white() -> None:
    clear = Image.new("RGBA", (2, 1), (200, 0, 0, 0))
    clear.putpixel((1, 0), (200, 10, 20, 255))
    np.testing.assert_array_equal(Capture(clear, "").rgb(), [[[255, 255, 255], [200, 10, 20]]])


def test_a_grey_picture_becomes_rgb() -> None:
    np.testing.assert_array_equal(Capture(Image.new("L", (1, 1), 77), "").rgb(), [[[77, 77, 77]]])


def test_title_and_notice_stand_in_the_header(tmp_path: Path) -> None:
    capture = Capture(Image.fromarray(picture(4, 4)), "Oblique plane that holds the whole needle")
    dataset = reread(secondary_capture(capture, 1, STUDY, "key", NOON), tmp_path)
    assert dataset.ImageComments == "Oblique plane that holds the whole needle"
    assert dataset.SeriesDescription == "Plan pictures. Research software, not for clinical use"
    assert dataset.BurnedInAnnotation == "YES"
    assert (dataset.StudyInstanceUID, dataset.PatientID) == (STUDY.study_uid, "SAMPLE")


def test_pictures_are_one_series_of_different_images() -> None:
    pictures = [
        secondary_capture(Capture(Image.new("RGB", (2, 2)), "T"), n, STUDY, "key", NOON) for n in (1, 2)
    ]
    assert pictures[0].SeriesInstanceUID == pictures[1].SeriesInstanceUID
    assert pictures[0].SOPInstanceUID != pictures[1].SOPInstanceUID


@pytest.mark.parametrize("pdf", [b"%PDF-1.7\nodd", b"%PDF-1.7\neven"])
def test_pdf_comes_back_to_the_byte(pdf: bytes, tmp_path: Path) -> None:
    dataset = reread(encapsulated_pdf(pdf, "Kidney biopsy: setup sheet", STUDY, "key", NOON), tmp_path)
    assert dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength] == pdf
    assert dataset.DocumentTitle == "Kidney biopsy: setup sheet"
    assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert dataset.SeriesDescription.endswith("Research software, not for clinical use")


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(InputRefused, match="not a PDF"):
        encapsulated_pdf(b"<html>", "", STUDY, "key", NOON)


def test_a_description_leaves_room_for_the_notice() -> None:
    assert len(instance.series_description("x" * 23)) == 64
    with pytest.raises(ValueError, match="no room"):
        instance.series_description("x" * 24)
