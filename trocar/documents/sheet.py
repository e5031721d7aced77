"""Write the setup sheet of a plan as a web page and as PDF, both from one content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trocar.documents.composing import compose
from trocar.documents.content import Sheet
from trocar.documents.page import sheet_html
from trocar.documents.paper import sheet_pdf
from trocar.documents.pictures import sheet_pictures
from trocar.imaging.render.picture import Picture
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan


def write_sheet(
    plan: Plan,
    volume: Volume,
    structures: StructureSet | None,
    out_html: Path,
    out_pdf: Path,
    provenance: Mapping[str, Any],
    pictures: Mapping[str, Picture] | None = None,
    path_index: int = 0,
    same_sitting: bool = False,
    table_position_mm: float | None = None,
    laser_midline_lps_x_mm: float | None = None,
) -> Sheet:
    """Write both files and return what stands in them.

    pictures: as from ``sheet_pictures``; drawn here when not given. path_index: which of ``plan.paths`` the sheet is
    for, 0 the first. same_sitting: the scan is of this sitting and the patient has not moved since; only then are
    table_position_mm (of the entry's slice, as the scanner shows it) and the offset from laser_midline_lps_x_mm (LPS
    x of the scanner's sagittal laser) printed. The same input gives the same bytes in both files.
    """
    if pictures is None:
        pictures = plan_pictures(plan, path_index, volume, structures)
    sheet = compose(
        plan,
        volume,
        structures,
        provenance,
        pictures,
        path_index,
        same_sitting,
        table_position_mm,
        laser_midline_lps_x_mm,
    )
    out_html.write_text(sheet_html(sheet), encoding="utf-8")
    out_pdf.write_bytes(sheet_pdf(sheet))
    return sheet


def plan_pictures(
    plan: Plan, path_index: int, volume: Volume, structures: StructureSet | None
) -> dict[str, Picture]:
    """The pictures that a sheet shows: of the path, or of the nearest relaxed path, or none without either."""
    if plan.paths:
        return sheet_pictures(plan, path_index, volume, structures)
    if plan.nearest:
        return sheet_pictures(plan, 0, volume, structures, not_a_plan=True)
    return {}
