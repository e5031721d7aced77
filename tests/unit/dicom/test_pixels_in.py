"""Stored pixels become the right Hounsfield units under every transfer syntax, sign, padding and rescale."""

from __future__ import annotations

from pathlib import Path

import gdcm
import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from tests.ct_factory import make_grid, speckled_hu, write_ct_series, write_enhanced_ct
from trocar.dicom.series import read_ct
from trocar.errors import InputRefused

SHAPE = (4, 70, 66)
GDCM_SYNTAXES = {
    "JPEG lossless": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "JPEG lossless, first order": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG extended": gdcm.TransferSyntax.JPEGExtendedProcess2_4,
    "JPEG baseline": gdcm.TransferSyntax.JPEGBaselineProcess1,
}


def smooth_hu(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """A CT-like picture, -1000..1100 HU, without symmetry, that lossy compression does not tear apart."""
    k, j, i = np.indices(shape) / np.array(shape)[:, None, None, None]
    return (-1000 + 900 * (i + 0.7 * j) + 400 * np.sin(3 * j + seed) * k).astype(np.int16)


def with_gdcm(path: Path, syntax: int) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def rewrite(path: Path, syntax: str) -> None:
    """Write the file again, uncompressed or deflated, under another transfer syntax."""
    ds = dcmread(path)
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        ds["PixelData"].VR = "OW"
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    dcmwrite(
        path, ds, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian
    )


def compress(path: Path, syntax: str) -> None:
    ds = dcmread(path)
    ds.compress(syntax, generate_instance_uid=False)
    ds.save_as(path)


def read_twins(folder: Path, change, hu: np.ndarray, **how) -> tuple[np.ndarray, np.ndarray]:
    """HU of a plain series and of its changed twin."""
    grid = make_grid(hu.shape)
    plain = read_ct(write_ct_series(folder / "plain", hu, grid, **how))
    files = write_ct_series(folder / "changed", hu, grid, **how)
    for file in files:
        change(file)
    changed = read_ct(files)
    assert changed.volume.grid.same_as(plain.volume.grid, 1e-9)
    return plain.volume.hu, changed.volume.hu


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [16, 12])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda s: s.name)
def test_lossless_compression_changes_nothing(tmp_path: Path, syntax: str, bits: int, signed: bool) -> None:
    hu = smooth_hu() if bits == 16 else smooth_hu().clip(-1000, 1000)
    how = {"signed": signed, "bits_stored": bits}
    plain, changed = read_twins(tmp_path, lambda p: compress(p, syntax), hu, **how)
    np.testing.assert_array_equal(plain, hu)
    np.testing.assert_array_equal(changed, hu)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [16, 12])
@pytest.mark.parametrize("name", ["JPEG lossless", "JPEG lossless, first order"])
def test_jpeg_lossless_changes_nothing(tmp_path: Path, name: str, bits: int, signed: bool) -> None:
    hu = smooth_hu() if bits == 16 else smooth_hu().clip(-1000, 1000)
    how = {"signed": signed, "bits_stored": bits}
    plain, changed = read_twins(tmp_path, lambda p: with_gdcm(p, GDCM_SYNTAXES[name]), hu, **how)
    np.testing.assert_array_equal(plain, hu)
    np.testing.assert_array_equal(changed, hu)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_and_deflated_files(tmp_path: Path, syntax: str) -> None:
    plain, changed = read_twins(tmp_path, lambda p: rewrite(p, syntax), speckled_hu(SHAPE))
    np.testing.assert_array_equal(plain, changed)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("extended", {"signed": False, "intercept": -1024}),  # the encoder at hand writes no signed ones
        ("near lossless", {"signed": False, "intercept": -1024}),
        ("near lossless", {"signed": True, "intercept": 0}),
    ],
)
def test_lossy_compression_stays_close_and_is_told(tmp_path: Path, name: str, how: dict) -> None:
    """12-bit JPEG extended and near-lossless JPEG-LS (by 3 at most) keep a smooth picture to a few HU."""
    hu = smooth_hu().clip(-1000, 1000)
    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), bits_stored=12, LossyImageCompression="01", **how)
    for file in files:
        if name == "extended":
            with_gdcm(file, GDCM_SYNTAXES["JPEG extended"])
        else:
            _near_lossless(file)
    read = read_ct(files).volume
    assert 0 < np.abs(read.hu.astype(int) - hu).max() <= 3
    assert any("with loss" in notice for notice in read.source.notices)


def _near_lossless(path: Path) -> None:
    ds = dcmread(path)
    ds.compress(JPEGLSNearLossless, jls_error=3, generate_instance_uid=False)
    ds.save_as(path)


def test_jpeg_baseline_of_eight_bits(tmp_path: Path) -> None:
    """8 bits with a slope of 16; a quarter of a step of the lossy code is 16 HU, so 100 HU is a loose bound."""
    hu = smooth_hu()

    def to_8_bits(ds, k):
        values = np.rint((hu[k].astype(float) + 1024) / 16).astype(np.uint8)
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
        ds.RescaleSlope, ds.RescaleIntercept = "16", "-1024"
        ds.PixelData = values.tobytes()

    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), edit=to_8_bits)
    for file in files:
        with_gdcm(file, GDCM_SYNTAXES["JPEG baseline"])
    assert dcmread(files[0]).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert np.abs(read_ct(files).volume.hu.astype(int) - hu).max() < 100


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda s: s.name)
def test_compressed_enhanced_ct(tmp_path: Path, syntax: str) -> None:
    hu = smooth_hu()
    path = write_enhanced_ct(tmp_path / "multi.dcm", hu, make_grid(SHAPE), order=[2, 3, 0, 1])
    compress(path, syntax)
    np.testing.assert_array_equal(read_ct([path]).volume.hu, hu)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda s: s.name)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_compressed_file_cut_short_is_refused(tmp_path: Path, syntax: str, share: float) -> None:
    files = write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE))
    for file in files:
        compress(file, syntax)
    raw = files[1].read_bytes()
    start = raw.index(b"\xe0\x7f\x10\x00")
    files[1].write_bytes(raw[: start + int(share * (len(raw) - start))])
    with pytest.raises(InputRefused, match=r"0001\.dcm"):
        read_ct(files)


def test_padding_becomes_air(tmp_path: Path) -> None:
    hu = speckled_hu(SHAPE)
    padded = np.zeros(SHAPE, bool)
    padded[:, :3, :4] = True

    def pad(ds, k):
        stored = np.frombuffer(ds.PixelData, "<i2").reshape(SHAPE[1:]).copy()
        stored[padded[k]] = -2000
        ds.PixelData = stored.tobytes()

    grid = make_grid(SHAPE)
    read = read_ct(write_ct_series(tmp_path / "signed", hu, grid, edit=pad, PixelPaddingValue=-2000))
    np.testing.assert_array_equal(read.volume.hu, np.where(padded, -1024, hu))


def test_bright_padding_beyond_the_stored_bits(tmp_path: Path) -> None:
    """Unsigned 12 bits, but padding written as 63536 (the bits of -2000)."""
    hu = speckled_hu(SHAPE)
    padded = np.zeros(SHAPE, bool)
    padded[:, -2:, :] = True

    def pad(ds, k):
        stored = np.frombuffer(ds.PixelData, "<u2").reshape(SHAPE[1:]).copy()
        stored[padded[k]] = 63536
        ds.PixelData = stored.tobytes()
        ds.PixelPaddingValue = 63536

    read = read_ct(write_ct_series(tmp_path, hu, make_grid(SHAPE), edit=pad, signed=False, bits_stored=12))
    np.testing.assert_array_equal(read.volume.hu, np.where(padded, -1024, hu))


def test_padding_range(tmp_path: Path) -> None:
    hu = speckled_hu(SHAPE)
    hu[:, :2, :3] = 3000
    hu[:, 0, 0] = 3050
    files = write_ct_series(
        tmp_path, hu, make_grid(SHAPE), PixelPaddingValue=4074, PixelPaddingRangeLimit=4020
    )
    np.testing.assert_array_equal(read_ct(files).volume.hu, np.where(hu >= 2996, -1024, hu))


def test_padding_value_that_is_water_does_not_pierce_the_patient(tmp_path: Path) -> None:
    """A writer that states padding 0 with intercept 0 must not turn each voxel of 0 HU into air."""
    hu = speckled_hu(SHAPE)
    hu[:, ::69, ::65] = -1000
    hu[:, 5, 5] = 0
    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), intercept=0, PixelPaddingValue=0)
    np.testing.assert_array_equal(read_ct(files).volume.hu, hu)


def test_values_darker_than_air_become_air(tmp_path: Path) -> None:
    hu = speckled_hu(SHAPE)
    hu[:, 0] = -3024
    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), intercept=0)
    np.testing.assert_array_equal(read_ct(files).volume.hu, np.maximum(hu, -1024))


def test_rescale_of_each_slice(tmp_path: Path) -> None:
    hu = speckled_hu(SHAPE)
    grid = make_grid(SHAPE)
    for k, (slope, intercept) in enumerate([(1, -1024), (1, 0), (0.5, -100), (2.5, -1000.25)]):
        write_ct_series(tmp_path, hu, grid, slices=[k], slope=slope, intercept=intercept)
    error = np.abs(read_ct([tmp_path]).volume.hu.astype(int) - hu).reshape(4, -1).max(axis=1)
    assert error[:3].tolist() == [0, 0, 0]
    assert error[3] <= 2  # stored in steps of 2.5 HU, then rounded


def test_fractions_are_rounded_and_the_brightest_are_cut(tmp_path: Path) -> None:
    hu = speckled_hu(SHAPE)

    def stretch(ds, _):
        ds.RescaleSlope, ds.RescaleIntercept = "20.3", "-1024.4"

    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), edit=stretch)
    read = read_ct(files).volume
    expected = np.rint((hu.astype(float) + 1024) * 20.3 - 1024.4).clip(-1024, 32767)
    np.testing.assert_array_equal(read.hu, expected)
    assert expected.max() == 32767
    assert any("were cut" in notice for notice in read.source.notices)


def test_signed_values_of_twelve_bits_without_their_sign_bits(tmp_path: Path) -> None:
    """The four bits above a 12-bit signed value may be zero instead of the sign."""
    hu = speckled_hu(SHAPE).clip(-1024, 1000)

    def drop_sign(ds, _):
        ds.PixelData = (np.frombuffer(ds.PixelData, "<u2") & 0x0FFF).tobytes()

    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), edit=drop_sign, bits_stored=12, intercept=0)
    np.testing.assert_array_equal(read_ct(files).volume.hu, hu)


def test_values_above_the_16_bit_sign(tmp_path: Path) -> None:
    """Unsigned stored values beyond 32767 with an intercept that brings them back into range."""
    hu = speckled_hu(SHAPE) + np.int16(20000)
    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), signed=False, intercept=-20000)
    np.testing.assert_array_equal(read_ct(files).volume.hu, hu)


@pytest.mark.parametrize("bits", [8, 32])
def test_other_sizes_of_a_stored_value(tmp_path: Path, bits: int) -> None:
    hu = speckled_hu(SHAPE).clip(-1024, -800)

    def change(ds, k):
        ds.BitsAllocated = ds.BitsStored = bits
        ds.HighBit, ds.PixelRepresentation = bits - 1, 0
        ds.PixelData = (hu[k].astype(np.int64) + 1024).astype(f"<u{bits // 8}").tobytes()

    np.testing.assert_array_equal(
        read_ct(write_ct_series(tmp_path, hu, make_grid(SHAPE), edit=change)).volume.hu, hu
    )


def test_an_overlay_in_the_bits_above_the_picture_is_left_out(tmp_path: Path) -> None:
    hu = speckled_hu(SHAPE)

    def mark(ds, _):
        stored = np.frombuffer(ds.PixelData, "<u2").copy()
        stored[::7] |= 0x2000
        ds.PixelData = stored.tobytes()
        ds.add_new((0x6000, 0x0102), "US", 13)

    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), edit=mark, signed=False, bits_stored=12)
    np.testing.assert_array_equal(read_ct(files).volume.hu, hu)
