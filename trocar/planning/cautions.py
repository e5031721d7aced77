"""The warnings that a careful radiologist would give. None of them stops a plan."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from trocar.clinical.protocol import NamedBone
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.volume import Volume
from trocar.planning.anatomy import Anatomy
from trocar.planning.plan import PlannedPath, PlanWarning
from trocar.planning.request import PlanRequest
from trocar.planning.target import TargetRegion

METAL_HU = 2500
"""Denser than any cortical bone (about 2000 HU): metal or its artefact."""
METAL_NEAR_MM = 5.0
NEAR_EDGE_MM = 10.0


def cautions(
    request: PlanRequest,
    volume: Volume,
    anatomy: Anatomy,
    region: TargetRegion,
    best: PlannedPath | None,
    leaves_by_edge: bool,
    skin_in_reach: bool = True,
) -> tuple[PlanWarning, ...]:
    """Every warning that applies, the most important first. skin_in_reach: whether there was any entry to judge."""
    found = [
        *([] if skin_in_reach else _no_skin(request)),
        *_route(request),
        *_position(request),
        *_structures(anatomy),
        *_scan(request, volume),
        *_edge(volume, region, leaves_by_edge),
    ]
    if best is not None:
        found += _bone(request, region, best)
    if best is not None and _metal_near(best.path, volume):
        found.append(
            PlanWarning(
                "metal",
                f"Metal lies within {METAL_NEAR_MM:.0f} mm of the best path; its artefacts hide what is there.",
            )
        )
    found += [PlanWarning("input", notice) for notice in volume.source.notices]
    return tuple(found)


def _no_skin(request: PlanRequest) -> list[PlanWarning]:
    needle = request.protocol.needle(request.needle_name)
    return [
        PlanWarning(
            "no_skin_in_reach",
            f"No skin on the side that is free {str(request.position).replace('_', ' ')} lies within reach of the "
            f"{needle.length_mm:g} mm needle, so there was no path to judge; try a longer needle or another position.",
        )
    ]


def _route(request: PlanRequest) -> list[PlanWarning]:
    if request.route is None:
        return []
    x, y, z = request.route.entry_lps_mm
    return [
        PlanWarning(
            "agreed_route",
            f"Only entries within {request.route.radius_mm:g} mm of the agreed point ({x:.0f}, {y:.0f}, {z:.0f}) were "
            f"looked at: {request.route.agreed_by}. Compartments are not judged.",
        )
    ]


def _position(request: PlanRequest) -> list[PlanWarning]:
    wanted = str(request.position).replace("_", " ")
    if request.scan_position is None:
        return [
            PlanWarning(
                "position_unknown",
                f"The scan does not say how the patient lay; mobile organs are not judged for a {wanted} needle. "
                "Make a check scan in position before the needle goes in.",
            )
        ]
    found = []
    lay = request.scan_position.replace("_", " ")
    if request.position_source == "inferred":
        found.append(
            PlanWarning(
                "position_inferred",
                f"The file does not say how the patient lay; {lay} is inferred from the table and gas levels.",
            )
        )
    if not request.in_position:
        found.append(
            PlanWarning(
                "not_in_position",
                f"The scan was made {lay}, the needle goes in {wanted}: bowel, kidney and pleura will have moved "
                "(the colon can come to lie behind the kidney). Their clearances are not judged; "
                "a check scan in position is needed.",
            )
        )
    return found


def _structures(anatomy: Anatomy) -> list[PlanWarning]:
    if not anatomy.missing:
        return []
    missing = ", ".join(anatomy.missing)
    return [
        PlanWarning(
            "missing_structures", f"The labels do not show: {missing}. Nothing was kept clear of them."
        )
    ]


def _bone(request: PlanRequest, region: TargetRegion, best: PlannedPath) -> list[PlanWarning]:
    """What the protocol says of the way into this bone, where the best path does otherwise."""
    rule = request.protocol.target
    if not isinstance(rule, NamedBone) or not region.hosts:
        return []
    found = []
    cortex = best.measures.get("cortex_thickness_mm", 0.0)
    if cortex >= rule.thick_cortex_mm.value:
        found.append(
            PlanWarning(
                "thick_cortex",
                f"The best path meets {cortex:.0f} mm of cortex; a powered drill may be needed.",
            )
        )
    group = rule.group_of(region.hosts[0])
    angle = best.angles.to_cortex
    if group is None or angle is None:
        return found
    low = group.to_cortex_min_deg.value if group.to_cortex_min_deg else 0.0
    high = group.to_cortex_max_deg.value if group.to_cortex_max_deg else 90.0
    if not low <= angle <= high:
        found.append(
            PlanWarning(
                "cortex_angle",
                f"The best path meets the cortex {angle:.0f}° off straight; for a {group.name} the advice is "
                f"{low:.0f} to {high:.0f}° ({group.route.value}).",
            )
        )
    return found


def _scan(request: PlanRequest, volume: Volume) -> list[PlanWarning]:
    found = []
    rules = request.protocol.scan
    thickness = max(float(volume.grid.spacing_mm.max()), volume.source.slice_thickness_mm or 0.0)
    if thickness > rules.max_slice_thickness_mm.value + 1e-3:
        found.append(
            PlanWarning(
                "thick_slices",
                f"The slices are {thickness:.1f} mm thick; the protocol asks for "
                f"{rules.max_slice_thickness_mm.value:g} mm or less.",
            )
        )
    if volume.source.acquired_on is None:
        found.append(PlanWarning("scan_date_unknown", "The scan has no date, so nobody knows how old it is."))
    else:
        age = (request.today - volume.source.acquired_on).days
        if age < 0:
            found.append(
                PlanWarning(
                    "scan_in_future",
                    f"The scan bears the date {volume.source.acquired_on}, which is to come.",
                )
            )
        if age > rules.max_age_days.value:
            found.append(
                PlanWarning(
                    "old_scan",
                    f"The scan is {age} days old; the protocol's limit is {rules.max_age_days.value:g} days.",
                )
            )
    return found


def _edge(volume: Volume, region: TargetRegion, leaves_by_edge: bool) -> list[PlanWarning]:
    found = []
    if leaves_by_edge:
        found.append(
            PlanWarning(
                "edge_of_scan",
                "The shortest way from the target to the outside leaves through the edge of the scan, "
                "where no skin can be seen; it is not offered.",
            )
        )
    low = volume.grid.to_voxel(region.grid.to_patient((0, 0, 0)))
    voxels = np.argwhere(region.mask)[:, ::-1] + np.rint(low)
    # from the voxels' outer faces: one at the edge comes within 0 mm
    to_edge = np.minimum(voxels, np.array(volume.grid.size_ijk) - 1 - voxels) * volume.grid.spacing_mm
    nearest = float(to_edge.min())
    if nearest < NEAR_EDGE_MM:
        found.append(
            PlanWarning(
                "target_near_edge", f"The target comes within {nearest:.0f} mm of the edge of the scan."
            )
        )
    return found


def _metal_near(path: NeedlePath, volume: Volume) -> bool:
    depths = np.arange(0.0, path.length_mm + path.throw_mm, 1.0)
    across = np.linalg.svd(path.direction_lps[None])[2][1:]
    rings = [
        radius * (np.cos(a) * across[0] + np.sin(a) * across[1])
        for radius in (0.0, METAL_NEAR_MM / 2, METAL_NEAR_MM)
        for a in np.arange(0, 2 * np.pi, np.pi / 4)
    ]
    points = path.at(depths)[:, None, :] + np.array(rings)[None]
    at = volume.grid.to_voxel(points.reshape(-1, 3))[:, ::-1].T
    return bool((ndimage.map_coordinates(volume.hu, at, order=0, mode="nearest") > METAL_HU).any())
