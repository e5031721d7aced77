"""A CT volume: Hounsfield units on a grid, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid

PatientPosition = Literal["HFP", "HFS", "HFDR", "HFDL", "FFDR", "FFDL", "FFP", "FFS"]
"""DICOM (0018,5100): head or feet first; prone, supine, decubitus right (right side down) or left."""


@dataclass(frozen=True)
class ImageSource:
    """Where a volume came from; names no patient.

    sha256: over the pixel data and geometry that were used, so that renamed or re-ordered files give the same.
    notices: sentences for the user about what was set aside, resampled or inferred when reading.
    """

    kind: Literal["dicom", "nifti", "synthetic"]
    sha256: str
    description: str = ""
    patient_position: PatientPosition | None = None
    acquired_on: date | None = None
    slice_thickness_mm: float | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Volume:
    """hu: int16 ``[k, j, i]``, C-contiguous, Hounsfield units; padding outside the scan circle is -1024 or less."""

    hu: NDArray[np.int16]
    grid: Grid
    source: ImageSource = field(default_factory=lambda: ImageSource("synthetic", ""))

    def __post_init__(self) -> None:
        if self.hu.shape != self.grid.shape_kji:
            raise InputRefused("The image's voxels and its geometry do not have the same size.")
        if self.hu.dtype != np.int16:
            raise TypeError("hu must be int16")

    def crop(self, box: Box) -> Volume:
        """The part in ``box``, placed where it was (a view, nothing is copied)."""
        return Volume(self.hu[box.slices_kji], self.grid.crop(box.low_ijk, box.high_ijk), self.source)
