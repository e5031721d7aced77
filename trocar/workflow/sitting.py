"""Where the scanner was: the table's position and the laser's midline, for a scan of this very sitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trocar.errors import InputRefused
from trocar.planning.plan import Plan
from trocar.workflow.inputs import Pictures


@dataclass(frozen=True)
class ScannerPlace:
    """table_position_mm: of the slice that holds the entry, as the scanner shows it (Slice Location).
    laser_midline_lps_x_mm: LPS x of the gantry's middle (Data Collection Center (Patient)). None where not in the file.
    """

    table_position_mm: float | None
    laser_midline_lps_x_mm: float | None


def scanner_place(pictures: Pictures, entry_lps_mm: ArrayLike) -> ScannerPlace:
    """What the DICOM headers say; nothing for NIfTI, Enhanced CT and resampled slices, whose k is no stored picture."""
    series = pictures.series
    if series is None or series.is_resampled or len(series.headers) != pictures.volume.grid.shape_kji[0]:
        return ScannerPlace(None, None)
    k = int(np.rint(pictures.volume.grid.to_voxel(entry_lps_mm)[2]))
    header = series.headers[min(max(k, 0), len(series.headers) - 1)]
    return ScannerPlace(
        _number(header.get("SliceLocation")),
        _number((header.get("DataCollectionCenterPatient") or [None])[0]),
    )


def check_sitting(plan: Plan) -> None:
    """Refuse to take a scan for one of this sitting when the patient lay otherwise than the needle needs it."""
    if plan.scan_position != plan.position or plan.position_source != "dicom":
        raise InputRefused(
            "The scan is not known to show the patient as they lie for the needle, so it cannot be of this sitting; "
            "leave --same-sitting out, or give the position of the scan with --position."
        )


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
