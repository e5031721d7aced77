"""One slice as a picture: grey scale, outlines of structures and the needle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trocar.documents.naming import capital, spoken
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.render.overlay import Canvas, NeedleMarks
from trocar.imaging.render.palette import OutlineStyle, outline_styles
from trocar.imaging.render.plane import PicturePlane
from trocar.imaging.render.reslicing import outlines, reslice
from trocar.imaging.render.window import BONE, SOFT_TISSUE, Window
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

LUNG = Window("Lung", -600, 1500)
WINDOWS = {"soft": SOFT_TISSUE, "bone": BONE, "lung": LUNG}

OUTLINED_AT_MOST = 24
SAMPLE_MARK = "SAMPLE - not a patient"


@dataclass(frozen=True)
class LegendEntry:
    """A structure's number, name and line in the pictures of a path."""

    style: OutlineStyle
    structure: str

    @property
    def number(self) -> int:
        return self.style.number

    @property
    def name(self) -> str:
        return capital(spoken(self.structure))

    @property
    def colour(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.style.colour)

    @property
    def dashes(self) -> str:
        """For an SVG line; empty for an unbroken one."""
        return " ".join(f"{length:g}" for length in self.style.dashes)


def legend_of(names: Sequence[str], target: str | None, structures: StructureSet) -> list[LegendEntry]:
    """Those of ``names`` that the structures hold, numbered in that order; the same for every slice of a path."""
    there = [name for name in names if name in structures.names]
    styles = outline_styles(there[:OUTLINED_AT_MOST], target)
    return [LegendEntry(style, name) for name, style in styles.items()]


def draw_slice(
    volume: Volume,
    structures: StructureSet,
    plane: PicturePlane,
    path: NeedlePath,
    needle: Needle,
    *,
    near_mm: float,
    whole_needle: bool,
    title: str,
    window: str,
    legend: Sequence[LegendEntry],
    sample: bool,
) -> bytes:
    """PNG of the plane, with the structures of ``legend`` outlined.

    near_mm: the needle is drawn solid where it runs within this distance of the plane, dotted elsewhere, and not at
        all where none of it is that near. whole_needle: draw it anyway, with its depths in words.
    """
    canvas = Canvas(reslice(volume, plane), WINDOWS[window], plane)
    badges = {}
    found = outlines(structures, plane, [entry.structure for entry in legend])
    for entry in legend:
        lines = found.get(entry.structure)
        if lines:
            canvas.outline(lines, entry.style, entry.name)
            badges[entry.number] = (lines, entry.style)
    if whole_needle or _meets(path, plane, near_mm):
        canvas.needle(NeedleMarks(path, needle, near_mm), labels=whole_needle)
    canvas.badges(badges)
    # The page lists the names, and slices of one height do not jump.
    return canvas.finish(title, SAMPLE_MARK if sample else "", "", title, listed=False).png


def _meets(path: NeedlePath, plane: PicturePlane, near_mm: float) -> bool:
    """Whether any of the needle runs within ``near_mm`` of the plane; one drawn elsewhere would mislead."""
    ends = plane.depth_mm([path.entry_lps_mm, path.fired_tip_lps_mm])
    return bool(ends.min() <= near_mm and ends.max() >= -near_mm)
