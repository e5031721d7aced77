"""Collects structures one after the other into as little memory as their overlaps allow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid
from trocar.imaging.nifti import content_sha256
from trocar.imaging.structures import StructureSet

T = TypeVar("T")


class StructureLayers:
    """Structures on ``grid``: those that overlap no earlier one share a label map, the others are masks."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._labels: NDArray[Any] | None = None
        self._label_names: dict[int, str] = {}
        self._masks: dict[str, NDArray[np.bool_]] = {}

    def unique(self, name: str) -> str:
        """``name``, or with a number behind it where another structure is called so."""
        taken = {*self._label_names.values(), *self._masks}
        candidate, n = name, 1
        while candidate in taken:
            n += 1
            candidate = f"{name} ({n})"
        return candidate

    def add(self, name: str, block: NDArray[np.bool_], box: Box) -> None:
        """Add a structure that is ``block[k, j, i]`` in ``box`` and nowhere else; its name must be unique."""
        if self._labels is None:
            self._labels = np.zeros(self._grid.shape_kji, np.uint8)
        part = self._labels[box.slices_kji]
        if part[block].any():
            whole = np.zeros(self._grid.shape_kji, np.bool_)
            whole[box.slices_kji] = block
            self._masks[name] = whole
            return
        value = len(self._label_names) + 1
        if value == 256:
            self._labels = self._labels.astype(np.uint16)
            part = self._labels[box.slices_kji]
        part[block] = value
        self._label_names[value] = name

    def finish(self, notices: tuple[str, ...]) -> StructureSet:
        """The structures, with a hash over names, voxels and geometry."""
        digest = hashlib.sha256()
        if self._labels is not None:
            digest.update(content_sha256(self._labels, self._grid, self._label_names).encode())
        for name, mask in self._masks.items():
            digest.update(name.encode() + b"\0" + np.packbits(mask).tobytes())
        return StructureSet(
            self._grid, self._labels, self._label_names, self._masks, digest.hexdigest(), notices
        )


def read_object(path: Path, sop_classes: tuple[UID, ...], what: str) -> Dataset:
    """A DICOM object of one of ``sop_classes``; ``what`` names them in a refusal ("a segmentation").

    Raises InputRefused where the file is missing, no DICOM, damaged, or another object.
    """
    if not path.is_file():
        raise InputRefused(f"There is no file {path}.")
    try:
        with path.open("rb") as stream:
            marked = stream.read(132)[128:] == b"DICM"
        # pydicom raises errors of many kinds on broken files; all mean the same to the user.
        dataset = dcmread(path, force=True)
        sop_class = UID(str(dataset.get("SOPClassUID") or ""))
        modality = str(dataset.get("Modality") or "")
    except Exception as error:
        raise InputRefused(f"{path.name} is not DICOM, or is cut short or damaged.") from error
    if not sop_class:
        raise InputRefused(f"{path.name} is {'cut short or damaged' if marked else 'not a DICOM file'}.")
    if sop_class not in sop_classes:
        raise InputRefused(f"{path.name} is not {what}: it is {sop_class.name} ({modality}).")
    return dataset


def refuse_other_frame(path: Path, own: str, of_ct: str | None) -> None:
    """Raise InputRefused where both frames of reference are known and differ."""
    if own and of_ct and own != of_ct:
        raise InputRefused(
            f"{path.name} was drawn in another frame of reference than the CT's, so its positions do not hold there; "
            "use the structures that belong to this CT."
        )


def understood(path: Path, read: Callable[[], T]) -> T:
    """What ``read`` gives; any error of a broken element becomes one sentence."""
    try:
        return read()
    except InputRefused:
        raise
    # Broken elements raise when they are looked at, with errors of many kinds.
    except Exception as error:
        raise InputRefused(f"{path.name} is cut short or damaged; copy it again.") from error
