"""The last step: the few paths that are left are measured exactly, compared, weighed, and put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import DerivedZone, NamedBone, TargetingErrors
from trocar.geometry.grid import Box, Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.clearance import ClearanceIndex
from trocar.imaging.kernels.traversal import structures_crossed
from trocar.planning.access import SkinEntries
from trocar.planning.anatomy import OUTSIDE, TARGET, Anatomy, with_target
from trocar.planning.candidates import Candidates
from trocar.planning.measures import BoneSurface, path_angles, pedicle_width_mm
from trocar.planning.plan import PathRisk, PlannedPath
from trocar.planning.ranking import pareto, score
from trocar.planning.request import PlanRequest
from trocar.planning.risk import GuidanceError, path_risk
from trocar.planning.target import TargetRegion
from trocar.planning.wording import reasons_for

Float = NDArray[np.float64]

KEPT_PATHS = 12
"""More than anyone compares at the scanner."""
DISTINCT_MM = 8.0
"""Kept paths differ by at least this much in entry or in tip."""
EXACT_TOLERANCE_MM = 1e-6
FAR_MM = 1000.0
"""Stands for the clearance of a structure without voxels where paths are compared."""
RISK_MARGIN_MM = 40.0
"""Voxels that a perturbed needle can meet: so far from the paths (six standard deviations and more)."""


@dataclass(frozen=True, eq=False)
class Clearances:
    """Exact distances of every structure that the protocol names, and of the zones derived for this target."""

    structures: ClearanceIndex
    zones: ClearanceIndex

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of ``measure``."""
        return (*self.structures.names, *self.zones.names)

    def measure(self, starts_lps_mm: Float, ends_lps_mm: Float) -> Float:
        """(N, len(names)) in mm, uncapped; infinite where a structure has no voxel."""
        parts = [index.clearances(starts_lps_mm, ends_lps_mm) for index in (self.structures, self.zones)]
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """All that the last step needs to know about one case."""

    request: PlanRequest
    needle: Needle
    anatomy: Anatomy
    region: TargetRegion
    skin: SkinEntries
    clearances: Clearances
    scan: Grid


def exact_paths(
    case: Surroundings, refined: Candidates, rejected: dict[str, int]
) -> tuple[list[NeedlePath], list[dict[str, float]], Float, Candidates]:
    """Refined candidates as paths with measures and exact clearances (N, n); those that break a limit fall out."""
    paths = [
        NeedlePath.through(entry, sample, case.needle)
        for entry, sample in zip(refined.entries_lps_mm, refined.samples_lps_mm, strict=True)
    ]
    if not paths:
        return [], [], np.zeros((0, len(case.clearances.names))), refined
    starts = np.stack([p.entry_lps_mm for p in paths])
    exact = case.clearances.measure(starts, np.stack([p.fired_tip_lps_mm for p in paths]))
    asked = _asked(case)
    near = exact < asked - EXACT_TOLERANCE_MM
    left: NDArray[np.bool_] = np.logical_not(near.any(axis=1))
    # a path that comes too near to several structures counts once, under that with the largest breach
    for column in (exact - asked)[near.any(axis=1)].argmin(axis=1):
        text = f"nearer than {asked[column]:g} mm to {case.clearances.names[column]}"
        rejected[text] = rejected.get(text, 0) + 1
    measures = [dict[str, float]() for _ in paths]
    bone = _bone(case)
    for number in np.flatnonzero(left):
        measures[number] = _measures(case, paths[number], bone)
        broken = _bone_limit(case, measures[number])
        if broken:
            rejected[broken] = rejected.get(broken, 0) + 1
            left[number] = False
    chosen = np.flatnonzero(left)
    kept = refined.take(chosen)
    return [paths[n] for n in chosen], [measures[n] for n in chosen], exact[chosen], kept


def finish(case: Surroundings, refined: Candidates, rejected: dict[str, int]) -> tuple[PlannedPath, ...]:
    """The Pareto set of the refined candidates, in the order of the protocol's preferences."""
    paths, measures, exact, kept = exact_paths(case, refined, rejected)
    if not paths:
        return ()
    values = _values(case, kept, measures, exact)
    preferences = case.request.protocol.preferences
    front = np.flatnonzero(pareto(preferences, values))
    points = score(preferences, values)
    order = front[np.lexsort((front, -points[front].round(5)))]
    chosen = _distinct([paths[n] for n in order], KEPT_PATHS)
    index = [int(order[n]) for n in chosen]
    return describe(
        case,
        [paths[n] for n in index],
        [measures[n] for n in index],
        exact[index],
        {name: value[index] for name, value in values.items()},
        kept.entry_index[index],
    )


def describe(
    case: Surroundings,
    paths: Sequence[NeedlePath],
    measures: Sequence[Mapping[str, float]],
    exact: Float,
    values: Mapping[str, Float],
    entry_index: NDArray[np.intp],
) -> tuple[PlannedPath, ...]:
    """Weigh the risks of paths and put them into rank order."""
    request, anatomy = case.request, case.anatomy
    in_position = request.in_position
    names = case.clearances.names
    mobile = {n for n, rule in anatomy.rules.items() if rule.mobile}
    unjudged = set() if in_position else mobile
    risks = _risks(case, paths, sorted(unjudged))
    before = case.clearances.measure(
        np.stack([p.entry_lps_mm for p in paths]), np.stack([p.tip_lps_mm for p in paths])
    )
    values = dict(values)
    values["probability_sample"] = np.array([np.nan if r.sample is None else r.sample for r in risks])
    values["probability_harm"] = np.array(
        [max((p for p in r.harm.values() if p is not None), default=np.nan) for r in risks]
    )
    points = score(request.protocol.preferences, values)
    crossed = _crossed(case, paths)
    order = np.lexsort((np.arange(len(points)), -points.round(5)))
    required = {n: rule.margin_mm.value for n, rule in anatomy.rules.items() if rule.crossing == "forbidden"}
    planned = []
    for number in order:
        path = paths[number]
        normal = case.skin.inward_normals_lps[entry_index[number]]
        planned.append(
            PlannedPath(
                path=path,
                clearances_path_mm=_judged(names, before[number], unjudged),
                clearances_mm=_judged(names, exact[number], unjudged),
                required_mm={n: required[n] for n in names if n in required},
                crosses=crossed[number],
                angles=path_angles(path, normal, measures[number].get("to_cortex_deg")),
                risk=risks[number],
                measures={n: v for n, v in measures[number].items() if n != "to_cortex_deg"}
                | {
                    "notch_in_target_mm": float(values["sample_length"][number]),
                    "tip_inside_mm": float(values["tip_inside"][number]),
                },
                score=float(points[number]),
                reasons=(),
                needs_check_scan=not in_position,
            )
        )
    return reasons_for(tuple(planned), case.needle, anatomy, unjudged)


def _asked(case: Surroundings) -> Float:
    rules = case.anatomy.rules
    return np.array(
        [
            rules[n].margin_mm.value if n in rules and rules[n].crossing == "forbidden" else -np.inf
            for n in case.clearances.names
        ]
    )


def _judged(names: Sequence[str], row: Float, unjudged: set[str]) -> dict[str, float | None]:
    return {
        n: None if n in unjudged else float(mm) for n, mm in zip(names, row, strict=True) if np.isfinite(mm)
    }


def _values(
    case: Surroundings, kept: Candidates, measures: Sequence[Mapping[str, float]], exact: Float
) -> dict[str, Float]:
    values = dict(kept.values)
    asked = _asked(case)
    limited = np.isfinite(asked)
    if limited.any():
        values["margin"] = np.minimum((exact[:, limited] - asked[limited]).min(axis=1), FAR_MM)
    sinus = next((z.name for z in case.request.protocol.zones if z.kind == "organ_sinus"), None)
    if sinus in case.clearances.names:
        clear = exact[:, case.clearances.names.index(str(sinus))]
        values["sinus_clearance"] = np.minimum(clear, FAR_MM)
    if any("to_cortex_deg" in m for m in measures):
        values["cortex_angle"] = np.array([m.get("to_cortex_deg", np.nan) for m in measures])
    return values


def _bone(case: Surroundings) -> BoneSurface | None:
    """The surface that the needle goes in through: of the bone, or of the organ, that holds the target."""
    hosts = [h for h in case.anatomy.hosts if h in case.anatomy.tissue.names]
    if not hosts:
        return None
    tissue = case.anatomy.tissue
    corners = case.region.grid.corners_lps_mm()
    box = Box.around(case.anatomy.grid, corners, 80.0)
    member = np.asarray(tissue.members[:, [tissue.names.index(h) for h in hosts]].any(axis=1))
    mask = member[tissue.classes[box.slices_kji]]
    grid = case.anatomy.grid.crop(box.low_ijk, box.high_ijk)
    return BoneSurface(mask, case.anatomy.hu[box.slices_kji], grid)


def _measures(case: Surroundings, path: NeedlePath, surface: BoneSurface | None) -> dict[str, float]:
    if surface is None:
        return {}
    entry = surface.entry(path)
    if entry is None:
        return {}
    found = {"to_cortex_deg": entry.angle_deg, "depth_to_surface_mm": entry.depth_mm}
    if not isinstance(case.request.protocol.target, NamedBone):
        return found
    found["cortex_thickness_mm"] = entry.cortex_mm
    canal = next((z.name for z in case.request.protocol.zones if z.kind == "spinal_canal"), None)
    group = case.request.protocol.target.group_of(case.anatomy.hosts[0])
    if group is None or not group.pedicle or canal not in case.anatomy.zones:
        return found
    tube = case.anatomy.zone_points_lps_mm(str(canal))
    level = tube[np.abs(tube[:, 2] - path.at(entry.depth_mm)[2]) < 15]
    if len(level):
        side = np.sign(path.at(entry.depth_mm)[0] - level[:, 0].mean()) or 1.0
        width = pedicle_width_mm(path, surface, level, np.array([side, 0.0, 0.0]))
        if width is not None:
            found["pedicle_width_mm"] = width
    return found


def _bone_limit(case: Surroundings, measures: Mapping[str, float]) -> str | None:
    """The limit at the bone that a path breaks, in words; None where it breaks none."""
    most = case.request.protocol.limits.max_to_cortex_deg
    if most is not None and measures.get("to_cortex_deg", 0.0) > most.value:
        return f"more than {most.value:g}° off the cortex, the needle would slip"
    pedicle: DerivedZone | None = next((z for z in case.request.protocol.zones if z.kind == "pedicle"), None)
    if pedicle is not None and "pedicle_width_mm" in measures:
        inner = measures["pedicle_width_mm"] * pedicle.parameters["inner_share"].value
        if case.needle.outer_diameter_mm + 2 * pedicle.parameters["clearance_mm"].value > inner:
            return "pedicle too narrow for the needle"
    return None


def _distinct(paths: Sequence[NeedlePath], most: int) -> list[int]:
    taken: list[int] = []
    for number, path in enumerate(paths):
        alike = any(
            np.linalg.norm(path.entry_lps_mm - paths[t].entry_lps_mm) < DISTINCT_MM
            and np.linalg.norm(path.tip_lps_mm - paths[t].tip_lps_mm) < DISTINCT_MM
            for t in taken
        )
        if not alike:
            taken.append(number)
        if len(taken) == most:
            break
    return taken


def _crossed(case: Surroundings, paths: Sequence[NeedlePath]) -> list[tuple[str, ...]]:
    tissue = case.anatomy.tissue
    table = structures_crossed(
        tissue.classes,
        tissue.members,
        tissue.spacing_mm,
        tissue.to_grid_mm(np.stack([p.entry_lps_mm for p in paths])),
        tissue.to_grid_mm(np.stack([p.fired_tip_lps_mm for p in paths])),
    )
    return [
        tuple(n for n, yes in zip(tissue.names, row, strict=True) if yes and n != OUTSIDE) for row in table
    ]


def _risks(case: Surroundings, paths: Sequence[NeedlePath], unjudged: Sequence[str]) -> tuple[PathRisk, ...]:
    protocol = case.request.protocol
    points = np.concatenate([[p.entry_lps_mm, p.fired_tip_lps_mm] for p in paths])
    box = Box.around(case.anatomy.grid, points, RISK_MARGIN_MM)
    tissue = with_target(case.anatomy.tissue, case.region.sample_mask, case.region.grid, box)
    rules = case.anatomy.rules
    return path_risk(
        paths,
        case.needle,
        tissue,
        target=[TARGET],
        mobile=_moving(case),
        harm=[n for n, rule in rules.items() if rule.harm],
        min_sample_mm=case.region.least_sample_mm(protocol.limits.min_sample_mm.value),
        errors=guidance_error(protocol.errors.get(str(case.request.guidance))),  # type: ignore[call-overload]
        seed=case.request.seed,
        not_judged=unjudged,
    )


def _moving(case: Surroundings) -> list[str]:
    """What moves with breathing: the groups that the protocol says are mobile, and a target in a soft organ."""
    moving = [n for n, rule in case.anatomy.rules.items() if rule.mobile]
    if not isinstance(case.request.protocol.target, NamedBone):
        moving += [
            z.name for z in case.request.protocol.zones if z.kind == "organ_sinus" and z.name not in moving
        ]
        moving.append(TARGET)
    return moving


def guidance_error(errors: TargetingErrors | None) -> GuidanceError | None:
    """The published figures of a guidance as the model's standard deviations."""
    if errors is None:
        return None
    figures = [errors.entry_mm, errors.angle_deg, *([errors.motion_mm] if errors.motion_mm else [])]
    weakest = max((figure.mean.status for figure in figures), key=("R", "C", "R2", "U").index)
    sources = sorted({figure.mean.source for figure in figures if figure.mean.value > 0})
    return GuidanceError.from_means(
        entry_mean_mm=errors.entry_mm.mean.value,
        angle_mean_deg=errors.angle_deg.mean.value,
        motion_mean_mm=errors.motion_mm.mean.value if errors.motion_mm else 0.0,
        source=f"{errors.setting} [{', '.join(sources)}]",
        status=weakest,
    )
