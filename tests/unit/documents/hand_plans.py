"""Plans made by hand, for tests of what is printed from a plan whatever planner made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume
from trocar.planning.plan import PathAngles, PathRisk, Plan, PlannedPath, PlanTarget, PlanWarning

NEEDLE = Needle("18G automatic core needle", 18, 150.0, 22.0, 4.0, 16.0, 1.27)


def angles_of(path: NeedlePath, to_skin: float = 12.0) -> PathAngles:
    """The two angles in the patient, from the direction alone."""
    x, y, z = path.direction_lps
    return PathAngles(to_skin, float(np.degrees(np.arcsin(z))), float(np.degrees(np.arctan2(x, -y))))


def planned(
    entry: tuple[float, float, float],
    sample: tuple[float, float, float],
    clearances_mm: Mapping[str, float | None] | None = None,
    needle: Needle = NEEDLE,
    **changes: object,
) -> PlannedPath:
    """A path from ``entry`` whose notch lies at ``sample``."""
    path = NeedlePath.through(entry, sample, needle)
    after = dict(clearances_mm or {"colon": 14.2, "spleen": 31.0, "rib_left_12": 6.4})
    made = PlannedPath(
        path=path,
        clearances_path_mm={n: None if v is None else v + 2.0 for n, v in after.items()},
        clearances_mm=after,
        required_mm={n: 5.0 for n in after},
        crosses=(),
        angles=angles_of(path),
        risk=PathRisk(0.83, {n: None if v is None else 0.004 for n, v in after.items()}, 0.002, "quadrature"),
        measures={"notch_in_target_mm": 14.6},
        score=0.8,
        reasons=("The notch lies wholly in the cortex.", "Largest distance to the colon of all paths."),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def plan(*paths: PlannedPath, **changes: object) -> Plan:
    """A plan for a kidney biopsy with these paths, prone under CT."""
    centre = paths[0].path.at(paths[0].path.length_mm + NEEDLE.notch_centre_mm) if paths else np.zeros(3)
    made = Plan(
        protocol="kidney_biopsy",
        protocol_title="Kidney biopsy",
        protocol_version="1",
        side="left",
        guidance="ct",
        position="prone",
        scan_position="prone",
        position_source="dicom",
        needle=NEEDLE,
        target=PlanTarget("kidney_left", "organ_pole", centre[None], centre, 12.3),
        paths=paths,
        nearest=(),
        rejected={
            "cross the colon": 0.71,
            "are longer than the needle": 0.124,
            "pass too near to a rib": 0.0004,
        },
        judged=1_234_567,
        in_the_way=("colon", "rib_left_12"),
        warnings=(PlanWarning("thick_slices", "The slices are 5 mm thick; small vessels may not be seen."),),
        not_judged=("intercostal, subcostal and lumbar vessels", "nerve roots"),
        stamps=("Sample values: no department has approved them",),
        parameters={
            "clearance.colon": {"value": 5, "unit": "mm", "source": "clinical judgement", "status": "U"},
            "needle.throw": {"value": 22, "unit": "mm", "source": "N9", "status": "R"},
        },
        inputs={"image": "3f" * 32, "structures": "a1" * 32, "protocol": "0c" * 32},
        explored={"entries": 5000, "samples": 64},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def phantom() -> tuple[Volume, StructureSet, Plan]:
    """A body of water (an ellipse, 300 x 200 mm) with a kidney, a colon and a spine, and a prone path to the kidney."""
    spacing = np.array([3.0, 3.0, 5.0])
    size = (110, 78, 40)
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = -(np.array(size) - 1) / 2 * spacing
    grid = Grid((size[2], size[1], size[0]), matrix)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x, y, z = np.moveaxis(grid.to_patient(np.stack([i, j, k], axis=-1)), -1, 0)
    body = (x / 150) ** 2 + (y / 100) ** 2 <= 1
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    labels[(x / 22) ** 2 + ((y - 60) / 25) ** 2 <= 1] = 3
    labels[((x - 70) / 25) ** 2 + ((y - 20) / 25) ** 2 + (z / 50) ** 2 <= 1] = 1
    labels[((x - 95) / 15) ** 2 + ((y + 35) / 15) ** 2 <= 1] = 2
    hu = np.where(body, 0, -1000).astype(np.int16)
    hu[labels == 1] = 40
    hu[labels == 2] = -400
    hu[labels == 3] = 500
    structures = StructureSet(grid, labels, {1: "kidney_left", 2: "colon", 3: "vertebrae_L3"}, {}, "a1" * 32)
    volume = Volume(hu, grid, ImageSource("synthetic", "3f" * 32, "Phantom", "HFP"))
    first = planned((75.0, 86.0, -25.0), (70.0, 28.0, -12.0), {"colon": 31.0, "vertebrae_L3": 38.5})
    second = planned(
        (85.0, 82.0, -20.0), (72.0, 30.0, -15.0), {"colon": 25.0, "vertebrae_L3": 42.0}, score=0.7
    )
    return volume, structures, plan(first, second)
