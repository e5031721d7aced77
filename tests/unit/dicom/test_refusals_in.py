"""What makes no volume is refused with one sentence that says what is wrong and where."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.encaps import encapsulate

from tests.ct_factory import make_grid, oblique_directions, sample_uid, speckled_hu, write_ct_series
from trocar.dicom import scan
from trocar.dicom.series import read_ct
from trocar.errors import InputRefused, UsageError

SHAPE = (6, 9, 7)
Edit = Callable[[Any, int], None]


def refusal(paths: list[Path]) -> str:
    with pytest.raises(InputRefused) as caught:
        read_ct(paths)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def only_slice_2(**changes: Any) -> Edit:
    def edit(ds, k):
        if k == 2:
            for keyword, value in changes.items():
                setattr(ds, keyword, value)

    return edit


def test_a_missing_slice_says_where(tmp_path: Path) -> None:
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), slices=[0, 1, 2, 4, 5])
    message = refusal([tmp_path])
    for part in ("missing", "z -105.2 mm (0002.dcm)", "z -100.2 mm (0004.dcm)", "5.00 mm", "2.50 mm"):
        assert part in message


@pytest.mark.parametrize("gone", [[1], [2, 3], [1, 4, 6], [8]])
@pytest.mark.parametrize("directions", [None, oblique_directions(6)])
def test_any_missing_slices_are_found(tmp_path: Path, gone: list[int], directions) -> None:
    shape = (10, 5, 4)
    slices = [k for k in range(10) if k not in gone]
    write_ct_series(tmp_path, speckled_hu(shape), make_grid(shape, directions=directions), slices=slices)
    assert "missing" in refusal([tmp_path])


def test_one_of_three_slices_missing_of_four(tmp_path: Path) -> None:
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), slices=[0, 1, 3])
    assert "missing" in refusal([tmp_path])


CASES: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "mixed orientation": (
        only_slice_2(ImageOrientationPatient=[1, 0, 0, 0, 0.98480775, 0.17364818]),
        ("not parallel", "0002.dcm"),
    ),
    "mixed frame of reference": (
        only_slice_2(FrameOfReferenceUID=sample_uid("other")),
        ("frames of reference",),
    ),
    "mixed pixel spacing": (only_slice_2(PixelSpacing=[0.9, 0.8]), ("pixel spacing", "0002.dcm")),
    "mixed patient": (only_slice_2(PatientID="SAMPLE2"), ("patient identifiers",)),
    "no position": (only_slice_2(ImagePositionPatient=None), ("where it lies", "0002.dcm")),
    "no orientation": (only_slice_2(ImageOrientationPatient=None), ("where it lies", "0002.dcm")),
    "orientation without length": (
        only_slice_2(ImageOrientationPatient=[0, 0, 0, 0, 1, 0]),
        ("where it lies",),
    ),
    "skewed orientation": (
        only_slice_2(ImageOrientationPatient=[1, 0, 0, 0.1, 0.995, 0]),
        ("where it lies",),
    ),
    "no pixel spacing": (only_slice_2(PixelSpacing=None), ("where it lies", "0002.dcm")),
    "zero pixel spacing": (only_slice_2(PixelSpacing=[0, 0.7]), ("where it lies", "0002.dcm")),
    "no rescale": (only_slice_2(RescaleSlope=None), ("Hounsfield", "0002.dcm")),
    "slope of zero": (only_slice_2(RescaleSlope="0"), ("Hounsfield", "0002.dcm")),
    "electron density": (only_slice_2(RescaleType="ED"), ("Hounsfield", "ED")),
    "no pixels": (lambda ds, k: ds.pop("PixelData") if k == 2 else None, ("0002.dcm", "no pixels")),
    "too few pixels": (lambda ds, k: setattr(ds, "Rows", 10) if k == 2 else None, ("size", "0002.dcm")),
    "too few pixels in all": (lambda ds, _: setattr(ds, "Rows", 10), ("cut short",)),
    "an absurd size": (only_slice_2(Rows=65000), ("damaged", "0002.dcm")),
    "more values than bits": (only_slice_2(BitsStored=10, HighBit=9), ("10 bits", "0002.dcm")),
    "contradicting bits": (only_slice_2(BitsStored=12, HighBit=15 - 5), ("contradicts", "0002.dcm")),
}


@pytest.mark.parametrize("name", CASES)
def test_one_wrong_slice_is_refused(tmp_path: Path, name: str) -> None:
    edit, words = CASES[name]
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), edit=edit)
    message = refusal([tmp_path])
    for word in words:
        assert word in message


def test_different_pixels_at_one_place(tmp_path: Path) -> None:
    grid = make_grid(SHAPE)
    write_ct_series(tmp_path, speckled_hu(SHAPE), grid)
    write_ct_series(
        tmp_path,
        speckled_hu(SHAPE, 1),
        grid,
        slices=[3],
        name="other.dcm",
        SOPInstanceUID=sample_uid("other"),
    )
    message = refusal([tmp_path])
    for part in ("same place", "z -102.8 mm", "0003.dcm", "other.dcm", "different pictures"):
        assert part in message


def test_only_one_slice(tmp_path: Path) -> None:
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), slices=[0])
    assert "only one slice" in refusal([tmp_path])


def test_only_localizers(tmp_path: Path) -> None:
    write_ct_series(
        tmp_path,
        speckled_hu(SHAPE),
        make_grid(SHAPE),
        slices=[0, 1],
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    assert "localizers" in refusal([tmp_path])


def test_not_ct(tmp_path: Path) -> None:
    write_ct_series(
        tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), SOPClassUID="1.2.840.10008.5.1.4.1.1.4", Modality="MR"
    )
    assert "6 x MR Image (MR)" in refusal([tmp_path])
    assert refusal([tmp_path / "0001.dcm"]) == "0001.dcm is not a CT image: it is MR Image (MR)."


def test_not_dicom_at_all(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    assert "not DICOM" in refusal([tmp_path / "letter.txt"])
    assert "not DICOM" in refusal([tmp_path])
    (tmp_path / "slice.dcm").write_text("Dear colleague")
    assert "slice.dcm" in refusal([tmp_path])


def test_nothing_there(tmp_path: Path) -> None:
    assert "no file or folder" in refusal([tmp_path / "nowhere"])
    assert "no file" in refusal([tmp_path])
    with pytest.raises(UsageError):
        read_ct([])


@pytest.mark.parametrize("keep", [0, 100, 140, 200, 203, 400, 405, 900, -1, -60])
def test_a_file_cut_short(tmp_path: Path, keep: int) -> None:
    """A slice that was not copied to its end never just disappears from the scan."""
    files = write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE))
    files[0].write_bytes(files[0].read_bytes()[:keep])
    assert "0000.dcm" in refusal([tmp_path])


def test_frames_without_their_own_positions(tmp_path: Path) -> None:
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), NumberOfFrames=2)
    assert "several frames" in refusal([tmp_path])


def test_an_unknown_compression(tmp_path: Path) -> None:
    def mpeg(ds, _):
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
        ds.PixelData = encapsulate([b"mpeg"])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True

    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), edit=mpeg)
    assert "cannot decode (MPEG2" in refusal([tmp_path])


def test_a_damaged_zip(tmp_path: Path) -> None:
    files = write_ct_series(tmp_path / "ct", speckled_hu(SHAPE), make_grid(SHAPE))
    path = tmp_path / "ct.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    whole = path.read_bytes()
    path.write_bytes(whole[:300] + bytes([whole[300] ^ 0xFF]) + whole[301:])
    assert "damaged" in refusal([path])
    path.write_bytes(whole[: len(whole) // 2])
    assert "ct.zip" in refusal([path])


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = tmp_path / "ct.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.dcm", b"x" * 200)
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # the local header's flag "encrypted"
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # and the directory's
    path.write_bytes(raw)
    assert "encrypted" in refusal([path])


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.dcm", "w", force_zip64=True) as out,
    ):
        for _ in range(4):
            out.write(bytes(1 << 20))
    monkeypatch.setattr(scan, "ALWAYS_UNPACKED_BYTES", 1 << 20)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("unpacked"))
    assert "times its size" in refusal([path])
    monkeypatch.setattr(scan, "MAX_ZIP_BYTES", 1 << 20)
    assert "more than a CT" in refusal([path])


def test_a_zip_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "lie.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(1 << 20))
    raw = bytearray(path.read_bytes())
    entry = raw.index(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = struct.pack("<I", 1000)
    path.write_bytes(raw)
    refusal([path])
