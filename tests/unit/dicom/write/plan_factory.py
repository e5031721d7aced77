"""Plans, structures and CT headers made by hand, with numbers that cannot be mistaken for one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydicom.dataset import Dataset

from tests.ct_factory import ct_slice
from trocar.dicom.write import SourceStudy
from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.structures import StructureSet
from trocar.planning.plan import PathAngles, PathRisk, Plan, PlannedPath, PlanTarget, PlanWarning

NEEDLE = Needle("Sample core needle", 18, 160.0, 22.0, 3.0, 18.0, 1.27)


def make_path(entry_lps_mm: ArrayLike, sample_lps_mm: ArrayLike, **changes: Any) -> PlannedPath:
    """A path with clearances to the colon and the right kidney, of which the last was not judged."""
    values: dict[str, Any] = {
        "path": NeedlePath.through(entry_lps_mm, sample_lps_mm, NEEDLE),
        "clearances_path_mm": {"colon": 14.25, "kidney_right": None},
        "clearances_mm": {"colon": 12.125, "kidney_right": None},
        "required_mm": {"colon": 10.0},
        "crosses": ("kidney_left",),
        "angles": PathAngles(to_skin=11.5, out_of_axial=-7.25, in_axial=23.75, to_cortex=None),
        "risk": PathRisk(0.8125, {"colon": 0.0031, "kidney_right": None}, 0.0004, "Quadrature, 99 nodes"),
        "measures": {"notch_in_target_mm": 15.5, "cortex_fraction": 0.625},
        "score": 0.75,
        "reasons": ("Shortest of all paths.",),
    }
    return PlannedPath(**(values | changes))


def make_plan(paths: Sequence[PlannedPath], **changes: Any) -> Plan:
    """A kidney plan around ``paths``."""
    centre = np.zeros(3)
    values: dict[str, Any] = {
        "protocol": "kidney_biopsy",
        "protocol_title": "Kidney biopsy",
        "protocol_version": "1",
        "side": "left",
        "guidance": "ct",
        "position": "prone",
        "scan_position": "supine",
        "position_source": "inferred",
        "needle": NEEDLE,
        "target": PlanTarget("kidney_left", "organ_pole", centre[None], centre, 31.5),
        "paths": tuple(paths),
        "nearest": (),
        "rejected": {"goes through the colon": 0.71},
        "judged": 123456,
        "in_the_way": ("colon",),
        "warnings": (PlanWarning("not_in_position", "The scan was made supine."),),
        "not_judged": ("Intercostal vessels are not on the CT.",),
        "stamps": ("Research software, not for clinical use", "Sample values"),
        "parameters": {"clearance": {"colon_mm": 10.0}},
        "inputs": {"image": "11" * 32, "structures": "22" * 32},
    }
    return Plan(**(values | changes))


def ct_headers(grid: Grid, seed: int = 0, **overrides: Any) -> list[Dataset]:
    """Headers of a CT series on ``grid``, in file order (which is not the order of positions)."""
    hu = np.zeros(grid.shape_kji, np.int16)
    headers = [ct_slice(hu, grid, k, seed=seed, **overrides) for k in range(grid.shape_kji[0])]
    for header in headers:
        del header.PixelData
    return headers[1::2] + headers[0::2]


def make_study(grid: Grid, **overrides: Any) -> SourceStudy:
    """The study of ``ct_headers``."""
    return SourceStudy.from_headers(ct_headers(grid, **overrides))


def make_structures(grid: Grid) -> StructureSet:
    """Two kidneys and a colon as labels without any symmetry, and a lesion that overlaps the left kidney."""
    k, j, i = np.indices(grid.shape_kji)
    labels = np.zeros(grid.shape_kji, np.uint8)
    labels[(i < 4) & (j > 2) & (k > 0)] = 7
    labels[(i > 6) & (j < 5) & (k < 3)] = 3
    labels[(i + j == 9) & (k == 2)] = 9
    lesion = (i + 2 * j + 3 * k) % 11 == 0
    names = {7: "kidney_left", 3: "kidney_right", 9: "colon", 12: "spleen"}
    return StructureSet(grid, labels, names, {"lesion": lesion}, "33" * 32)


def points_of(segmentation: Dataset) -> dict[str, np.ndarray]:
    """Segment label -> centres of its voxels (N, 3) in LPS mm, sorted; worked out from frame positions alone."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    row_spacing, column_spacing = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    names = {s.SegmentNumber: s.SegmentLabel for s in segmentation.SegmentSequence}
    found: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    for frame, groups in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        identification = groups.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        j, i = np.nonzero(frame)
        first = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        points = first + np.outer(i * column_spacing, cosines[:3]) + np.outer(j * row_spacing, cosines[3:])
        found[names[identification[0].ReferencedSegmentNumber]].append(points)
    return {name: sort_points(np.concatenate(parts)) for name, parts in found.items() if parts}


def mask_points(structures: StructureSet, name: str) -> np.ndarray:
    """Centres of a structure's voxels (N, 3) in LPS mm, sorted."""
    return sort_points(structures.grid.to_patient(np.argwhere(structures.mask(name))[:, ::-1]))


def sort_points(points: np.ndarray) -> np.ndarray:
    """Points (N, 3) in an order that does not depend on the last digits."""
    keys = np.round(points, 2)
    return points[np.lexsort((keys[:, 2], keys[:, 1], keys[:, 0]))]
