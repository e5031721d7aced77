"""Pictures, structures and targets from whatever files the user has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.errors import InputRefused
from trocar.geometry.grid import Grid
from trocar.imaging import nifti
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

if TYPE_CHECKING:
    from trocar.dicom.series import CtSeries

Progress = Callable[[int, int], None]

SEG_CLASSES = {"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}
RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
COVERED = 0.98
"""A label file must cover at least this share of the scan's length along each axis."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """A CT as it came: its volume, and the DICOM series behind it if there is one."""

    volume: Volume
    series: CtSeries | None

    @property
    def frame_of_reference_uid(self) -> str | None:
        """Of the DICOM series; None for NIfTI."""
        return self.series.frame_of_reference_uid if self.series else None


def read_pictures(
    paths: Sequence[Path], series: str | None = None, progress: Progress | None = None
) -> Pictures:
    """Read a CT: one NIfTI file, or DICOM in folders, zips and files.

    Raises InputRefused where something is missing or is no CT, SeriesChoice where several series would serve.
    """
    for path in paths:
        if not path.exists():
            raise InputRefused(f"There is no file or folder {path}.")
    nifti_files = [path for path in paths if nifti.is_nifti(path)]
    if nifti_files and len(paths) > 1:
        raise InputRefused("Give either one NIfTI file or DICOM files, not several images at once.")
    if nifti_files:
        return Pictures(nifti.read_volume(nifti_files[0]), None)
    from trocar.dicom.series import read_ct  # only for DICOM: pydicom takes its time to load

    found = read_ct(paths, series, progress)
    return Pictures(found.volume, found)


def read_structures(specs: Sequence[str], pictures: Pictures) -> StructureSet:
    """Read structures from files and put them on the CT's grid.

    Each of ``specs`` is a NIfTI label map or mask, a folder of NIfTI masks (one a file), a DICOM SEG or an RTSTRUCT;
    ``FILE#ROI`` takes one structure of it. Where two files hold a structure of the same name the later wins.
    """
    found: StructureSet | None = None
    for spec in specs:
        part = _read_one(spec, pictures)
        found = part if found is None else found.merged(part)
    if found is None:
        return StructureSet(pictures.volume.grid, None, {}, {})
    return found


def read_target(spec: str, pictures: Pictures) -> tuple[str, NDArray[np.bool_], str]:
    """Name, mask on the CT's grid and content hash of a target given as a file (``FILE`` or ``FILE#ROI``).

    Raises InputRefused where the file holds several structures and none is chosen.
    """
    found = _read_one(spec, pictures)
    if len(found.names) != 1:
        listed = ", ".join(found.names[:12])
        raise InputRefused(f"{spec} holds {len(found.names)} structures; choose one as FILE#NAME: {listed}.")
    return found.names[0], found.mask(found.names[0]), found.sha256


def _read_one(spec: str, pictures: Pictures) -> StructureSet:
    path, roi = _split(spec)
    if not path.exists():
        raise InputRefused(f"There is no file or folder {path}.")
    grid = pictures.volume.grid
    if path.is_dir():
        masks = sorted(p for p in path.iterdir() if nifti.is_nifti(p))
        if not masks:
            raise InputRefused(f"The folder {path.name} holds no NIfTI masks.")
        found = StructureSet(grid, None, {}, {})
        for mask in masks:
            found = found.merged(on_grid(nifti.read_structures(mask, one_of_many=True), grid, mask.name))
        if not found.names:
            raise InputRefused(f"The masks in the folder {path.name} mark no structure: every voxel is 0.")
    elif nifti.is_nifti(path):
        found = on_grid(nifti.read_structures(path), grid, path.name)
    else:
        found = _read_dicom(path, roi, pictures)
    return found if roi is None else _only(found, roi, path)


def file_of(spec: str) -> Path:
    """The file of ``FILE`` or ``FILE#ROI``."""
    return _split(spec)[0]


def _split(spec: str) -> tuple[Path, str | None]:
    if Path(spec).exists() or "#" not in spec:
        return Path(spec), None
    file, _, roi = spec.rpartition("#")
    return Path(file), roi


def _read_dicom(path: Path, roi: str | None, pictures: Pictures) -> StructureSet:
    import pydicom

    from trocar.dicom.quiet import quiet_pydicom
    from trocar.dicom.rtstruct import read_rtstruct
    from trocar.dicom.segmentation_in import read_seg

    try:
        with quiet_pydicom():
            sop_class = str(pydicom.dcmread(path, specific_tags=["SOPClassUID"]).get("SOPClassUID", ""))
    except (pydicom.errors.InvalidDicomError, OSError, ValueError, EOFError) as error:
        raise InputRefused(f"{path.name} is neither NIfTI nor DICOM, so it holds no structures.") from error
    if sop_class in SEG_CLASSES:
        return read_seg(path, pictures.volume.grid, pictures.frame_of_reference_uid)
    if sop_class == RTSTRUCT_CLASS:
        return read_rtstruct(path, pictures.volume.grid, roi, pictures.frame_of_reference_uid)
    raise InputRefused(f"{path.name} is a DICOM object, but neither a segmentation (SEG) nor an RTSTRUCT.")


def _only(found: StructureSet, roi: str, path: Path) -> StructureSet:
    if roi not in found.names:
        raise InputRefused(f"{path.name} holds no {roi!r}; it holds {', '.join(found.names[:20])}.")
    return StructureSet(found.grid, None, {}, {roi: found.mask(roi)}, found.sha256, found.notices)


def on_grid(structures: StructureSet, grid: Grid, name: str) -> StructureSet:
    """The same structures on the CT's grid, by the nearest voxel where theirs is another one.

    Raises InputRefused where they cover less than the scan: outside them nothing would be known to be in the way.
    """
    if structures.grid.same_as(grid):
        return structures
    corners = structures.grid.to_voxel(grid.corners_lps_mm())
    size = np.array(structures.grid.size_ijk)
    covered = np.minimum(corners.max(axis=0), size - 0.5) - np.maximum(corners.min(axis=0), -0.5)
    share = float((covered / (corners.max(axis=0) - corners.min(axis=0))).min())
    if share < COVERED:
        what = "none" if share <= 0 else f"only {100 * share:.0f} %"
        raise InputRefused(
            f"{name} covers {what} of the scan, so nobody knows what lies outside it; give labels of the whole scan."
        )
    step = structures.grid.patient_to_voxel @ grid.voxel_to_patient
    matrix = step[:3, :3][::-1, ::-1]
    offset = step[:3, 3][::-1]

    def moved(array: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.asarray(
            ndimage.affine_transform(
                array, matrix, offset, output_shape=grid.shape_kji, order=0, mode="nearest"
            )
        )

    labels = None if structures.labels is None else moved(structures.labels)
    masks = {n: moved(m.astype(np.uint8)).astype(bool) for n, m in structures.masks.items()}
    notice = f"{name} lies on another grid than the scan; it was resampled to the scan's voxels."
    return StructureSet(
        grid,
        labels,  # type: ignore[arg-type]
        structures.label_names,
        masks,
        structures.sha256,
        (*structures.notices, notice),
    )
