"""However a file is broken, only Trocar's own errors come out, and the process lives on."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.ct_factory import make_grid, speckled_hu, write_ct_series, write_enhanced_ct
from tests.unit.dicom.test_pixels_in import GDCM_SYNTAXES, SHAPE, compress, smooth_hu, with_gdcm
from trocar.dicom.series import read_ct
from trocar.errors import TrocarError

SMALL = (3, 6, 5)


def read_or_refuse(paths: list[Path]) -> None:
    """Any other error than Trocar's own passes through, and fails the test."""
    with contextlib.suppress(TrocarError):
        read_ct(paths)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("broken")
    hu, grid = speckled_hu(SMALL), make_grid(SMALL)
    return {
        "single": write_ct_series(folder / "single", hu, grid),
        "enhanced": [write_enhanced_ct(folder / "multi.dcm", hu, grid)],
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["single", "enhanced"]), data=st.data())
def test_broken_headers(whole: dict[str, list[Path]], tmp_path: Path, kind: str, data: st.DataObject) -> None:
    raw = bytearray(whole[kind][0].read_bytes())
    how = data.draw(st.sampled_from(["cut", "flip", "insert", "remove"]))
    at = data.draw(st.integers(0, len(raw) - 1))
    if how == "cut":
        del raw[at:]
    elif how == "flip":
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(128, len(raw) - 1))] = data.draw(st.integers(0, 255))
    elif how == "insert":
        raw[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    else:
        del raw[at : at + data.draw(st.integers(1, 12))]
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(raw)
    read_or_refuse([broken, *whole[kind][1:]])


@pytest.mark.parametrize("name", ["JPEG lossless", "JPEG extended", "JPEG-LS", "JPEG 2000", "RLE"])
def test_broken_compressed_pixels(tmp_path: Path, name: str) -> None:
    """Some of these make a decoder end its process; the next good series must read all the same."""
    hu = smooth_hu().clip(-1000, 1000)
    files = write_ct_series(tmp_path, hu, make_grid(SHAPE), signed=False, bits_stored=12, slices=[0, 1])
    for file in files:
        if name in GDCM_SYNTAXES:
            with_gdcm(file, GDCM_SYNTAXES[name])
        else:
            compress(
                file, {"JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless, "RLE": RLELossless}[name]
            )
    good = files[1].read_bytes()
    start = good.index(b"\xe0\x7f\x10\x00") + 30
    for seed in range(12):
        chance = random.Random(seed)
        raw = bytearray(good)
        for _ in range(chance.choice([1, 3, 20])):
            raw[chance.randrange(start, len(raw))] = chance.randrange(256)
        files[1].write_bytes(raw)
        read_or_refuse(files)
    files[1].write_bytes(good)
    assert np.abs(read_ct(files).volume.hu.astype(int) - hu[:2]).max() <= 3
