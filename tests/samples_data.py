"""The sample CTs as values, each read once a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from trocar.imaging.nifti import read_structures, read_volume
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.samples.catalogue import SAMPLES
from trocar.samples.fetch import sample_path, stored_path


def have_samples() -> bool:
    """Whether all samples are on this machine."""
    return all(stored_path(sample).exists() for sample in SAMPLES)


def abdomen_path() -> Path:
    """NIfTI file of the abdomen CT."""
    return sample_path("abdomen_ct")


@cache
def kidney_ct() -> Volume:
    """Abdomen and pelvis, 3 mm, supine, no contrast."""
    return read_volume(sample_path("abdomen_ct"))


@cache
def kidney_structures() -> StructureSet:
    """61 labels on the grid of ``kidney_ct``."""
    return read_structures(sample_path("abdomen_labels"))


@cache
def chest_ct() -> Volume:
    """Chest, 512x512x133."""
    return read_volume(sample_path("chest_ct"))


@cache
def chest_structures() -> StructureSet:
    """89 labels on the grid of ``chest_ct``."""
    return read_structures(sample_path("chest_labels"))
