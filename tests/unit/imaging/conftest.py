"""Readers for the real scans of the test data folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from trocar.geometry.grid import Grid
from trocar.imaging.volume import Volume


@pytest.fixture(scope="session")
def read_series() -> Callable[[Path], Volume]:
    """Reads a folder of CT slices with SimpleITK, so that these tests stand on no other part of Trocar."""

    def read(folder: Path) -> Volume:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        image = reader.Execute()
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
        matrix[:3, 3] = image.GetOrigin()
        hu = np.ascontiguousarray(SimpleITK.GetArrayFromImage(image).astype(np.int16))
        return Volume(hu, Grid(hu.shape, matrix))

    return read
