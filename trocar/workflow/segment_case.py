"""Structures of one scan without labels, as asked for at the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trocar.imaging.segmentation import segment
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

Point = tuple[float, float, float]
Progress = Callable[[str, float], None]


def segment_case(
    volume: Volume,
    kidney_points: Sequence[Point],
    lesion_point: Point | None,
    lesion_radius_mm: float,
    totalsegmentator: bool,
    progress: Progress,
) -> StructureSet:
    """Body, bone, lung and bowel gas always; a kidney for each click, a lesion for one. Points in patient LPS mm."""
    if totalsegmentator:
        from trocar.imaging.segmentation.totalsegmentator import run_totalsegmentator

        progress("Running TotalSegmentator", 0.0)
        return run_totalsegmentator(volume)
    return segment(
        volume,
        ("body", "bone", "lung", "bowel_gas"),
        kidney_points=kidney_points,
        lesion_point=lesion_point,
        lesion_radius_mm=lesion_radius_mm if lesion_point else None,
        progress=lambda share, what: progress(what, share),
    )
