"""From a scan and a question to a plan: every path from every skin point, judged, refined, and the best ones kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import PATHWAY_SECTIONS, Protocol
from trocar.clinical.sourced import Sourced
from trocar.errors import InputRefused
from trocar.geometry.needle_path import Needle
from trocar.imaging.clearance import ClearanceIndex
from trocar.imaging.judging import PairJudge, PairLimits
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.access import UP_LPS, skin_entries
from trocar.planning.anatomy import Anatomy, build_anatomy
from trocar.planning.candidates import REFINED, TargetLimits, kept_pairs, pair_judge, refine, shortlist
from trocar.planning.cautions import cautions
from trocar.planning.final import Clearances, Surroundings, finish
from trocar.planning.plan import Plan, PlannedPath, PlanTarget
from trocar.planning.relaxing import nearest_paths
from trocar.planning.request import PlanRequest
from trocar.planning.target import TargetRegion
from trocar.planning.targeting import check_sides, check_target_side, find_target
from trocar.planning.wording import rejection

Float = NDArray[np.float64]
Progress = Callable[[str, float], None]

CAP_MM = 20.0
"""Clearances beyond this all count alike while pairs are compared; final clearances have no cap."""


def _silent(_what: str, _share: float) -> None:
    """Nobody wants to know how far it is."""


class Planner:
    """Plans on one scan. What was worked out for one target is kept and used for the next one near it."""

    def __init__(self, volume: Volume, structures: StructureSet) -> None:
        """Raises InputRefused where left and right do not fit the labels."""
        check_sides(structures)
        self._volume = volume
        self._structures = structures
        self._anatomy: Anatomy | None = None
        self._judge: PairJudge | None = None
        self._key: tuple[object, ...] = ()
        self._clearances: Clearances | None = None

    def plan(self, request: PlanRequest, progress: Progress = _silent) -> Plan:
        """Answer one question. ``progress(what, share)`` is told how far it is, share from 0 to 1.

        Raises InputRefused where the target is missing, cut by the scan's edge, outside the patient, or on the other
        side.
        """
        needle = request.protocol.needle(request.needle_name)
        progress("Finding the target", 0.0)
        region = find_target(request, self._volume, self._structures)
        check_target_side(request, region, self._structures)
        progress("Reading the anatomy", 0.05)
        anatomy, judge, clearances = self._surroundings(request, needle, region)
        if not anatomy.in_body(region):
            raise InputRefused(
                f"The target {region.name} lies in the air outside the patient; check its coordinates (patient LPS mm)."
            )
        samples = region.samples_lps_mm(request.samples, request.seed)
        skin = skin_entries(
            anatomy.body,
            anatomy.grid,
            (anatomy.box, self._volume.grid.size_ijk),
            samples,
            request.position,  # type: ignore[arg-type]  # filled in by the request
            needle.length_mm + needle.notch_centre_mm,
            request.entry_spacing_mm,
            anatomy.unscanned,
        )
        if request.route is not None:
            skin = request.route.only(skin)
        case = Surroundings(request, needle, anatomy, region, skin, clearances, self._volume.grid)
        progress("Judging every path", 0.25)
        limits = pair_limits(request.protocol)
        judgement = judge.judge(skin.points_lps_mm, skin.inward_normals_lps, samples, needle, limits)
        rejected = dict(judgement.counts)
        target_limits = TargetLimits(request.protocol, needle, anatomy, region, self._volume.grid)
        up_lps = np.array(UP_LPS[str(request.position)])
        sinus = next((z.name for z in request.protocol.zones if z.kind == "organ_sinus"), None)
        everyone = np.arange(len(skin.points_lps_mm))
        survivors = target_limits.keep(
            kept_pairs(judgement, skin.points_lps_mm, samples, everyone, False, up_lps, sinus), rejected
        )
        progress("Refining the best", 0.6)
        chosen = shortlist(survivors, request.protocol, REFINED)
        refined = refine(
            chosen, request.protocol, needle, region, skin, judge, limits, target_limits, up_lps, sinus
        )
        progress("Measuring and weighing risks", 0.7)
        paths = finish(case, refined, rejected)
        nearest: tuple[PlannedPath, ...] = ()
        if not paths:
            progress("Looking for what stands in the way", 0.85)
            nearest = nearest_paths(case, judge, samples, in_the_way(rejected, anatomy), limits)
        progress("Done", 1.0)
        explored = {
            "entries": len(skin.points_lps_mm),
            "samples": len(samples),
            "survivors": len(survivors),
            "refined": len(refined),
        }
        return self._answer(case, samples, int(judgement.reason.size), rejected, paths, nearest, explored)

    def derived_zones(self) -> StructureSet:
        """The zones derived for the last plan, on the scan's whole grid, to be drawn and stored with the structures."""
        grid = self._volume.grid
        if self._anatomy is None:
            return StructureSet(grid, None, {}, {})
        masks = {}
        for name, zone in self._anatomy.zones.items():
            whole = np.zeros(grid.shape_kji, bool)
            whole[self._anatomy.box.slices_kji] = zone
            if name not in self._structures.names:
                masks[name] = whole
        return StructureSet(grid, None, {}, masks)

    def _surroundings(
        self, request: PlanRequest, needle: Needle, region: TargetRegion
    ) -> tuple[Anatomy, PairJudge, Clearances]:
        # the values, not the file: a department may have set its own
        key = (request.protocol, request.side, needle, region.hosts)
        kept = self._anatomy
        if kept and self._judge and self._clearances and key == self._key:  # noqa: SIM102
            if kept.covers(region, needle, self._volume.grid):
                return kept, self._judge, self._clearances
        anatomy = build_anatomy(request, needle, self._volume, self._structures, region)
        rules = anatomy.rules
        judge = pair_judge(anatomy.tissue, rules, request.protocol, CAP_MM)
        labelled = [n for n in rules if n in self._structures.names]
        zones = {n: m for n, m in anatomy.zones.items() if n in rules}
        clearances = Clearances(
            ClearanceIndex.build(self._structures, labelled), ClearanceIndex.of_masks(anatomy.grid, zones)
        )
        self._anatomy, self._judge, self._clearances, self._key = anatomy, judge, clearances, key
        return anatomy, judge, clearances

    def _answer(
        self,
        case: Surroundings,
        samples: Float,
        judged: int,
        rejected: Mapping[str, int],
        paths: tuple[PlannedPath, ...],
        nearest: tuple[PlannedPath, ...],
        explored: Mapping[str, int],
    ) -> Plan:
        request, anatomy, region = case.request, case.anatomy, case.region
        protocol = request.protocol
        best = paths[0] if paths else None
        ordered = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
        inputs = {"image": self._volume.source.sha256, "protocol": protocol.sha256}
        if self._structures.sha256:
            inputs["structures"] = self._structures.sha256
        return Plan(
            protocol=protocol.name,
            protocol_title=protocol.title,
            protocol_version=protocol.version,
            side=request.side,
            guidance=request.guidance,  # type: ignore[arg-type]
            position=request.position,  # type: ignore[arg-type]
            scan_position=request.scan_position,
            position_source=request.position_source,
            needle=case.needle,
            target=PlanTarget(region.name, region.kind, samples, region.centre_lps_mm, region.volume_ml),
            paths=paths,
            nearest=nearest,
            rejected={
                rejection(text, anatomy, case.needle, protocol): count / max(judged, 1)
                for text, count in ordered
            },
            judged=judged,
            in_the_way=in_the_way(rejected, anatomy),
            warnings=cautions(
                request,
                self._volume,
                anatomy,
                region,
                best,
                case.skin.leaves_by_edge,
                len(case.skin.points_lps_mm) > 0,
            ),
            not_judged=protocol.not_judged,
            stamps=request.stamps,
            parameters=parameters(protocol, request),
            inputs=inputs,
            zones=tuple(name for name in anatomy.zones if name not in self._structures.names),
            explored=explored,
        )


def pair_limits(protocol: Protocol) -> PairLimits:
    """The limits that need no structure."""
    limits = protocol.limits
    return PairLimits(
        to_skin_deg=min(limits.max_to_skin_deg.value, 90.0),
        tilt_deg=min(limits.max_out_of_axial_deg.value, 90.0),
    )


def in_the_way(rejected: Mapping[str, int], anatomy: Anatomy) -> tuple[str, ...]:
    """Structures that stop pairs, those that stop most first."""
    counts: dict[str, int] = {}
    for text, count in rejected.items():
        name = text.removeprefix("crosses ") if text.startswith("crosses ") else text.rpartition(" mm to ")[2]
        if name in anatomy.rules:
            counts[name] = counts.get(name, 0) + count
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def parameters(protocol: Protocol, request: PlanRequest) -> dict[str, Any]:
    """Every protocol value that planning uses, with source and status, and what the search was told."""
    others = ("catalogue.", *(f"{section}." for section in PATHWAY_SECTIONS))
    values = {key: _sourced(value) for key, value in protocol.values().items() if not key.startswith(others)}
    needle = protocol.needle(request.needle_name).name
    for key, value in protocol.values().items():
        if key.startswith(f"catalogue.{needle}."):
            values[key] = _sourced(value)
    search: dict[str, Any] = {
        "samples": request.samples,
        "entry_spacing_mm": request.entry_spacing_mm,
        "seed": request.seed,
    }
    if request.route is not None:
        route = request.route
        search["agreed_route"] = {
            "entry_lps_mm": list(route.entry_lps_mm), "radius_mm": route.radius_mm, "agreed_by": route.agreed_by,
        }  # fmt: skip
    return {"values": values, "search": search}


def _sourced(value: Sourced[Any]) -> dict[str, Any]:
    approval = (
        {"approved_by": value.approved_by, "approved_on": str(value.approved_on)} if value.approved else {}
    )
    return {"value": value.value, "source": value.source, "status": value.status, **approval}
