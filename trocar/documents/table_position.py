"""Where on the patient the needle goes in, in words that can be found with hands, laser and ruler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trocar.documents.figures import whole_mm
from trocar.documents.naming import spoken
from trocar.geometry.grid import Box
from trocar.imaging.structures import StructureSet

Float = NDArray[np.float64]

LEVEL_MM = 10.0
"""The spine's middle is taken from voxels within this distance of the entry's slice."""
SPINOUS_MM = 6.0
"""The hindmost part of a vertebra that counts as the tip of its spinous process."""
FAR_MM = 100.0
"""Landmarks farther away than this help nobody."""


@dataclass(frozen=True)
class EntryPlace:
    """Where the skin entry is.

    figures: label and value of what may be set on the scanner today; empty unless the scan is of this sitting.
    landmarks: sentences with distances from what can be felt or seen. note: the sentence that goes with them.
    """

    figures: tuple[tuple[str, str], ...]
    landmarks: tuple[str, ...]
    note: str


def entry_place(
    entry_lps_mm: Float,
    structures: StructureSet | None,
    same_sitting: bool = False,
    table_position_mm: float | None = None,
    laser_midline_lps_x_mm: float | None = None,
    on_a_scanner: bool = True,
) -> EntryPlace:
    """Table position and laser offset only for a scan of this sitting with the patient unmoved; else landmarks.

    table_position_mm: of the entry's slice, as the scanner shows it. laser_midline_lps_x_mm: where the scanner's
    sagittal laser lies in the scan (LPS x); without it no offset is printed. on_a_scanner: False for a needle that
    goes in where there is neither table position nor laser.
    """
    found = landmarks(entry_lps_mm, structures)
    if not on_a_scanner:
        return EntryPlace((), found, "Measured on the CT, along the patient's axes and not along the skin.")
    if not same_sitting:
        note = (
            "Table position and laser offset: take them from today's grid scan. Whatever stood here would be of "
            "another sitting."
        )
        return EntryPlace((), found, note)
    figures = []
    if table_position_mm is not None:
        figures.append(("Table position of the entry's slice", f"{table_position_mm:.1f} mm"))
    if laser_midline_lps_x_mm is not None:
        offset = float(entry_lps_mm[0]) - laser_midline_lps_x_mm
        side = "left" if offset > 0 else "right"
        figures.append(("From the laser's midline", f"{whole_mm(abs(offset))} to the patient's {side}"))
    note = (
        "Only while the patient has not moved since the scan."
        if figures
        else ("Table position and laser offset are not known to Trocar: take them from today's grid scan.")
    )
    return EntryPlace(tuple(figures), found, note)


def landmarks(entry_lps_mm: Float, structures: StructureSet | None) -> tuple[str, ...]:
    """Distances of the entry from the midline, the nearest spinous process, the iliac crest and the lowest rib.

    Measured along the patient's axes, straight and not along the skin. A structure that the edge of the scan cuts
    gives no distance, because its end is not known.
    """
    if structures is None:
        return ()
    entry = np.asarray(entry_lps_mm, dtype=np.float64)
    around = Box.around(structures.grid, entry[None], FAR_MM + 60.0)
    spine = [n for n in structures.names if n.startswith("vertebrae_") or n in ("sacrum", "spinal_cord")]
    points = {n: _points(structures, n, around) for n in spine}
    points = {n: p for n, p in points.items() if len(p)}
    found = []
    middle = _midline(entry, points)
    if middle is not None:
        offset = float(entry[0]) - middle
        side = "left" if offset > 0 else "right"
        found.append(
            f"{whole_mm(abs(offset))} to the patient's {side} of the midline (middle of the spine at this level)"
            if abs(offset) >= 1
            else "on the midline (middle of the spine at this level)"
        )
    spinous = _nearest_spinous(entry, points, structures)
    if spinous is not None:
        found.append(spinous)
    side = "left" if entry[0] > (0.0 if middle is None else middle) else "right"
    for name, end, words in (
        (f"hip_{side}", "top", f"the top of the {side} iliac crest"),
        (f"rib_{side}_12", "bottom", f"the lowest point of the {side} rib 12"),
    ):
        if name in structures.names:
            height = _end_mm(_points(structures, name, around), end, structures)
            if height is not None and abs(entry[2] - height) <= FAR_MM:
                found.append(f"{_along(float(entry[2]) - height)} {words}")
    return tuple(found)


def _points(structures: StructureSet, name: str, box: Box) -> Float:
    """Voxel centres (N, 3) of a structure in LPS mm."""
    ijk = np.argwhere(structures.mask(name, box))[:, ::-1] + np.array(box.low_ijk)
    return structures.grid.to_patient(ijk)


def _midline(entry: Float, points: dict[str, Float]) -> float | None:
    """LPS x of the middle of the spine at the entry's level; the cord knows it best."""
    for names in (["spinal_cord"], [n for n in points if n != "spinal_cord"]):
        here = [points[n][np.abs(points[n][:, 2] - entry[2]) <= LEVEL_MM] for n in names if n in points]
        here = [p for p in here if len(p)]
        if here:
            return float(np.concatenate(here)[:, 0].mean())
    return None


def _nearest_spinous(entry: Float, points: dict[str, Float], structures: StructureSet) -> str | None:
    best: tuple[float, str] | None = None
    for name, cloud in points.items():
        if not name.startswith("vertebrae_") or _cut(cloud, structures):
            continue
        tip = cloud[cloud[:, 1] >= cloud[:, 1].max() - SPINOUS_MM]
        away = float(entry[2] - tip[:, 2].mean())
        if best is None or abs(away) < abs(best[0]):
            best = (away, name)
    if best is None or abs(best[0]) > 40:
        return None
    level = f"the spinous process of {spoken(best[1])}"
    return f"level with {level}" if abs(best[0]) < 2 else f"{_along(best[0])} {level}"


def _end_mm(cloud: Float, end: str, structures: StructureSet) -> float | None:
    """Highest or lowest LPS z of a structure; None without one or where the scan cuts it there."""
    if not len(cloud):
        return None
    height = float(cloud[:, 2].max() if end == "top" else cloud[:, 2].min())
    corners = structures.grid.corners_lps_mm()[:, 2]
    edge = float(corners.max() if end == "top" else corners.min())
    return None if abs(height - edge) < 1.5 * float(structures.grid.spacing_mm.max()) else height


def _cut(cloud: Float, structures: StructureSet) -> bool:
    """Whether a structure reaches the head or foot end of the scan."""
    corners = structures.grid.corners_lps_mm()[:, 2]
    reach = 1.5 * float(structures.grid.spacing_mm.max())
    return bool(cloud[:, 2].max() > corners.max() - reach or cloud[:, 2].min() < corners.min() + reach)


def _along(mm: float) -> str:
    """How far towards head or feet, from what is named next."""
    return f"{whole_mm(abs(mm))} towards the {'head' if mm > 0 else 'feet'} from"
