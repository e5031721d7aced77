"""Structures from TotalSegmentator, where the extra and its weights are installed."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from trocar.errors import InputRefused
from trocar.imaging.label_tables import TOTALSEGMENTATOR_TOTAL
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

INSTALL = "install it with: pip install 'trocar[totalsegmentator]'"


def run_totalsegmentator(volume: Volume, fast: bool = False) -> StructureSet:
    """TotalSegmentator's task "total" on ``volume``: its label map with names, on the volume's own grid.

    fast: the 3 mm model. Raises InputRefused where the package or its weights are not there.
    """
    program = _program()
    try:
        answer = program(to_nifti(volume), None, task="total", fast=fast, ml=True, quiet=True)
    except (OSError, RuntimeError) as error:
        raise InputRefused(
            f"TotalSegmentator could not run ({error}); check that its weights are installed, {INSTALL}, then run "
            "totalseg_download_weights -t total."
        ) from error
    return from_answer(volume, answer)


def _program() -> Callable[..., Any]:
    """The package's own function, imported only here: it brings PyTorch."""
    try:
        module = importlib.import_module("totalsegmentator.python_api")
    except ImportError as error:
        raise InputRefused(f"TotalSegmentator is not installed; {INSTALL}.") from error
    program: Callable[..., Any] = module.totalsegmentator
    return program


def to_nifti(volume: Volume) -> nibabel.Nifti1Image:
    """The volume as NIfTI: array (i, j, k), RAS millimetres (x and y of LPS turned round)."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.grid.voxel_to_patient
    return nibabel.Nifti1Image(volume.hu.transpose(2, 1, 0), affine)


def from_answer(volume: Volume, answer: nibabel.Nifti1Image) -> StructureSet:
    """The label map that came back, named by the class table; only classes that are present are listed.

    Raises InputRefused where it does not lie on the volume's grid or holds a value that the table does not name.
    """
    expected = to_nifti(volume).affine
    if answer.shape != volume.hu.shape[::-1] or not np.allclose(answer.affine, expected, atol=0.01):
        raise InputRefused(
            "TotalSegmentator's answer does not lie on the scan's grid; run it on the same image."
        )
    labels: NDArray[np.uint8] = np.ascontiguousarray(np.asarray(answer.dataobj).transpose(2, 1, 0)).astype(
        np.uint8
    )
    values = [int(value) for value in np.unique(labels) if value]
    strange = [value for value in values if value not in TOTALSEGMENTATOR_TOTAL]
    if strange:
        raise InputRefused(
            f"TotalSegmentator wrote the label {strange[0]}, which its class table here does not name; use version 2."
        )
    names = {value: TOTALSEGMENTATOR_TOTAL[value] for value in values}
    digest = hashlib.sha256(labels.tobytes() + volume.grid.voxel_to_patient.tobytes())
    digest.update(repr(sorted(names.items())).encode())
    notice = "These structures come from TotalSegmentator and were not checked by a person; look at them before use."
    return StructureSet(volume.grid, labels, names, {}, digest.hexdigest(), (notice,))
