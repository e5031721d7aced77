"""Reads one CT series, whatever way it was stored, into a volume in Hounsfield units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast, get_args

import numpy as np
from pydicom.dataset import Dataset

from trocar.dicom.acquisitions import acquisitions, choose
from trocar.dicom.frames import Frame, frames_of
from trocar.dicom.pixels import read_hu
from trocar.dicom.quiet import quiet_pydicom
from trocar.dicom.scan import Progress, scan
from trocar.dicom.stack import Stack, stack
from trocar.errors import InputRefused
from trocar.geometry.grid import Grid
from trocar.imaging.nifti import content_sha256
from trocar.imaging.regular_grid import resample_slices
from trocar.imaging.volume import ImageSource, PatientPosition, Volume

MAX_VOXELS = 1 << 31
"""Four times the largest CT in use (2048 slices of 512 x 512); a damaged header must not ask for more."""
HU_TYPES = {"", "HU"}
NEARLY_HU_TYPES = {"US", "HU_MOD"}
"""US: not specified; HU_MOD: Hounsfield units after a change, as some spectral scanners write."""


@dataclass(frozen=True, eq=False)
class CtSeries:
    """A CT volume with the headers it came from.

    headers: data sets without pixel data, in order of k for single-frame CT; the one data set of an Enhanced CT
    (several where it was stored in pieces). source_frames: (SOP Instance UID, frame number from 1) of every
    slice that was read, in order of position. slice_of_instance: SOP Instance UID -> k of the volume (nearest k
    where ``is_resampled``), without UIDs that several slices share; for an Enhanced CT the lowest k of its frames.
    is_resampled: the voxels were
    interpolated (tilt, uneven spacing), so that slice k is no longer a stored picture.
    """

    volume: Volume
    headers: tuple[Dataset, ...]
    frame_of_reference_uid: str | None
    slice_of_instance: Mapping[str, int]
    source_frames: tuple[tuple[str, int], ...]
    series_uid: str
    is_resampled: bool = False


def read_ct(paths: Sequence[Path], series: str | None = None, progress: Progress | None = None) -> CtSeries:
    """Read one CT series from folders (searched through), zips and files with anything mixed.

    ``series`` chooses where there are several: SeriesInstanceUID or its beginning, or the series number, with
    "#suffix" for one acquisition or phase (see SeriesChoice.choices). ``progress(done, total)`` counts files and
    slices; the total may shrink once it is known what is needed.

    Slices are ordered by position along their normal i x j, so k grows along it and the grid is right-handed.
    Raises SeriesChoice where several series would serve, InputRefused with one sentence where the files make no
    volume; docs/reading-images.md lists all cases. Nothing is ever written.
    """
    with quiet_pydicom():
        found = scan(paths, progress)
        frames = [frame for file in found.files for frame in frames_of(file)]
        parts, set_aside = acquisitions(frames)
        chosen, passed_over = choose(parts, series)
        used = {id(frame.file) for frame in chosen.frames}
        for file in found.files:
            if id(file) not in used:
                file.source.forget()
        ordered = stack(chosen)
        return _series(ordered, (*found.notices, *set_aside, *passed_over), progress)


def _series(ordered: Stack, notices: tuple[str, ...], progress: Progress | None) -> CtSeries:
    frames = ordered.frames
    first = frames[0]
    count = len(frames)
    if count * first.rows * first.columns > MAX_VOXELS:
        raise InputRefused(
            f"The series has {count} slices of {first.columns} x {first.rows} pixels, too many to plan on."
        )
    type_notices = _require_hu(frames)
    read = None if progress is None else (lambda done, total: progress(total + done, 2 * total))
    hu, pixel_notices = read_hu(frames, (first.rows, first.columns), read)
    for frame in frames:
        frame.file.source.forget()
    assert first.spacing_mm is not None
    between_rows, between_columns = first.spacing_mm
    if ordered.is_regular:
        grid = _regular_grid(ordered, (count, first.rows, first.columns), (between_columns, between_rows))
    else:
        hu, grid = resample_slices(
            hu,
            ordered.positions_lps_mm,
            ordered.directions,
            (between_columns, between_rows),
            ordered.spacing_mm,
        )
    depth = grid.to_voxel(ordered.positions_lps_mm)[:, 2]
    slices: dict[str, int] = {}
    shared = {
        uid
        for uid, count in Counter(f.sop_instance_uid for f in frames if f.number == 1).items()
        if count > 1
    }
    for frame, k in zip(frames, np.rint(depth).astype(int).tolist(), strict=True):
        if frame.sop_instance_uid and frame.sop_instance_uid not in shared:
            slices.setdefault(frame.sop_instance_uid, k)
    headers = tuple({id(frame.file): frame.file.header for frame in frames}.values())
    source = ImageSource(
        kind="dicom",
        sha256=content_sha256(hu, grid),
        description=str(first.file.header.get("SeriesDescription") or "").strip(),
        patient_position=_patient_position(headers[0]),
        acquired_on=_acquired_on(headers[0]),
        slice_thickness_mm=first.thickness_mm,
        notices=(*notices, *ordered.notices, *type_notices, *pixel_notices),
    )
    return CtSeries(
        volume=Volume(hu, grid, source),
        headers=headers,
        frame_of_reference_uid=next(
            (f.frame_of_reference_uid for f in frames if f.frame_of_reference_uid), None
        ),
        slice_of_instance=slices,
        source_frames=tuple((frame.sop_instance_uid, frame.number) for frame in frames),
        series_uid=first.series_uid,
        is_resampled=not ordered.is_regular,
    )


def _require_hu(frames: Sequence[Frame]) -> list[str]:
    types = {frame.rescale_type for frame in frames}
    if other := types - HU_TYPES - NEARLY_HU_TYPES:
        raise InputRefused(
            f"The series is not in Hounsfield units (its rescale type is {min(other)}); choose the plain CT series."
        )
    if nearly := types & NEARLY_HU_TYPES:
        kind = " ".join(frames[0].image_type)
        return [
            f"The series does not declare its values as Hounsfield units (rescale type {min(nearly)}, image type "
            f"{kind}); make sure that it is a plain CT."
        ]
    return []


def _regular_grid(ordered: Stack, shape_kji: tuple[int, int, int], pixel_ij_mm: tuple[float, float]) -> Grid:
    """The grid of evenly stacked slices; rounding of single positions is averaged out."""
    matrix = np.eye(4)
    matrix[:3, :3] = ordered.directions * np.array([*pixel_ij_mm, ordered.spacing_mm])
    along = ordered.positions_lps_mm @ ordered.directions
    origin = np.array([np.median(along[:, 0]), np.median(along[:, 1]), along[0, 2]])
    matrix[:3, 3] = ordered.directions @ origin
    return Grid(shape_kji, matrix)


def _patient_position(header: Dataset) -> PatientPosition | None:
    text = str(header.get("PatientPosition") or "").strip().upper()
    return cast(PatientPosition, text) if text in get_args(PatientPosition) else None


def _acquired_on(header: Dataset) -> date | None:
    for keyword in ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate"):
        text = str(header.get(keyword) or "").strip()[:8]
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        except ValueError:
            continue
    return None
