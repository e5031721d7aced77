from __future__ import annotations

from typing import Any

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from trocar.dicom.write.header_values import copied


def header(**values: Any) -> Dataset:
    """A data set as it comes from a file: bytes that nobody has looked at yet. Sequences are put in as they are."""
    dataset = Dataset()
    for keyword, value in values.items():
        if isinstance(value, list) and isinstance(value[0], Dataset):
            setattr(dataset, keyword, value)
            continue
        tag, vr = Tag(tag_for_keyword(keyword)), dictionary_VR(keyword)
        raw = value.to_bytes(2, "little") if isinstance(value, int) else value.encode()
        dataset[tag] = RawDataElement(tag, vr, len(raw), raw, 0, False, True)
    return dataset


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("StudyID", "STUDY-ID-OF-22-CHARS..", "STUDY-ID-OF-22-C"),
        ("StudyDate", "2004.05.29", "20040529"),
        ("StudyDate", "20041399", None),
        ("StudyDate", "", None),
        ("StudyTime", "11:52:08", "115208"),
        ("StudyTime", "115208.123456", "115208.123456"),
        ("StudyTime", "25", None),
        ("PatientAge", "49", None),
        ("PatientAge", "049Y", "049Y"),
        ("PatientSex", "f", "F"),
        ("SOPInstanceUID", "1.2.03.4", None),
        ("SliceThickness", "3.26999999999998000", "3.26999999999998"),
        ("SliceThickness", "thin", None),
        ("SeriesNumber", "2.5", None),
        ("Rows", 215, 215),
    ],
)
def test_a_value_is_made_fit_or_left_empty(keyword: str, value: object, expected: object) -> None:
    result = copied(header(**{keyword: value}), [keyword])
    assert keyword in result
    assert result.get(keyword) in ([expected] if expected is not None else [None, ""])


def test_several_values_are_kept_in_order() -> None:
    result = copied(
        header(ImagePositionPatient="-191.000000\\-167.199997\\-251.4400019999999999"),
        ["ImagePositionPatient"],
    )
    assert [float(v) for v in result.ImagePositionPatient] == [-191.0, -167.199997, -251.440002]


def test_a_broken_value_among_several_empties_them_all() -> None:
    result = copied(header(ImagePositionPatient="1\\x\\3"), ["ImagePositionPatient"])
    assert result.ImagePositionPatient in (None, [])


def test_sequences_lose_private_elements_and_empty_items() -> None:
    item = header(CodeValue="113100", CodingSchemeDesignator="DCM", CodeMeaning="Basic profile")
    item.private_block(0x0013, "OTHER", create=True).add_new(0x10, "LO", "secret")
    source = header(DeidentificationMethodCodeSequence=[item, Dataset()])
    result = copied(source, ["DeidentificationMethodCodeSequence"])
    assert len(result.DeidentificationMethodCodeSequence) == 1
    assert [e.keyword for e in result.DeidentificationMethodCodeSequence[0]] == [
        "CodeValue",
        "CodingSchemeDesignator",
        "CodeMeaning",
    ]


def test_what_is_not_asked_for_or_not_there_stays_out() -> None:
    assert len(copied(header(PatientComments="private matter"), ["PatientID"])) == 0
