"""Files of the made-up patient, sound ones and broken ones, for tests of the command line."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from trocar.cli import run
from trocar.samples.made_up import made_up_patient

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


SLICES = slice(14, 46)
"""What is kept of the made-up patient: the kidneys and a little more, so that plans take less time."""


@cache
def arrays() -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.float64], dict[int, str]]:
    """Hounsfield units and labels [i, j, k], the RAS matrix, and the labels' names."""
    volume, structures = made_up_patient()
    assert structures.labels is not None
    matrix = RAS @ volume.grid.voxel_to_patient
    matrix[:3, 3] = (matrix @ (0, 0, SLICES.start, 1))[:3]
    labels = structures.labels[SLICES].T.astype(np.uint8)
    present = set(np.unique(labels).tolist())
    names = {value: name for value, name in structures.label_names.items() if value in present}
    return volume.hu[SLICES].T.copy(), labels, matrix, names


def write(path: Path, values: NDArray[np.generic], matrix: NDArray[np.float64] | None = None) -> Path:
    """A NIfTI file in millimetres."""
    image = nibabel.Nifti1Image(values, arrays()[2] if matrix is None else matrix)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return path


def write_names(labels: Path, names: dict[int, str]) -> None:
    """The table of names beside a label file."""
    rows = "".join(f"{value},{name}\n" for value, name in names.items())
    labels.with_name(labels.name.replace(".nii.gz", ".csv")).write_text("id,structure\n" + rows, "utf-8")


def write_patient(folder: Path) -> tuple[Path, Path]:
    """ct.nii.gz and labels.nii.gz (with names) in ``folder``."""
    hu, labels, _, names = arrays()
    folder.mkdir(parents=True, exist_ok=True)
    found = write(folder / "ct.nii.gz", hu), write(folder / "labels.nii.gz", labels)
    write_names(found[1], names)
    return found


def trocar(*arguments: object) -> int:
    """Run the command line in this process; its exit code."""
    left: list[int] = []
    try:
        run([str(argument) for argument in arguments], left.append)
    except SystemExit as stop:
        return int(stop.code or 0)
    return left[0]
