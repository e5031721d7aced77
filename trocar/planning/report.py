"""A plan as plain values for plan.json. The layout is published in docs/plan.schema.json."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from trocar.planning.plan import Plan, PlannedPath

SCHEMA = "trocar-plan-1"
MM_DIGITS = 4
"""A tenth of a micrometre: far below any voxel, and equal on every machine."""


def plan_report(plan: Plan, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in the plan; all points in patient LPS millimetres, all angles in degrees.

    provenance: versions, input hashes and parameters; what differs from run to run (time, host) stands in its
    ``run`` and nowhere else.
    """
    return {
        "schema": SCHEMA,
        "protocol": plan.protocol,
        "protocol_title": plan.protocol_title,
        "protocol_version": plan.protocol_version,
        "stamps": list(plan.stamps),
        "side": plan.side,
        "guidance": plan.guidance,
        "position": plan.position,
        "scan_position": plan.scan_position,
        "position_source": plan.position_source,
        "needle": {
            "name": plan.needle.name,
            "gauge": plan.needle.gauge,
            "length_mm": plan.needle.length_mm,
            "throw_mm": plan.needle.throw_mm,
            "notch_start_mm": plan.needle.notch_start_mm,
            "notch_length_mm": plan.needle.notch_length_mm,
            "outer_diameter_mm": plan.needle.outer_diameter_mm,
        },
        "target": {
            "name": plan.target.name,
            "kind": plan.target.kind,
            "centre_lps_mm": _point(plan.target.centre_lps_mm),
            "volume_ml": None if plan.target.volume_ml is None else round(plan.target.volume_ml, 2),
            "samples_lps_mm": [_point(p) for p in plan.target.samples_lps_mm],
        },
        "within_limits": bool(plan.paths),
        "paths": [_path(rank, path, plan.zones) for rank, path in enumerate(plan.paths, start=1)],
        "nearest": [_path(rank, path, plan.zones) for rank, path in enumerate(plan.nearest, start=1)],
        "rejected": {reason: round(share, 6) for reason, share in plan.rejected.items()},
        "in_the_way": list(plan.in_the_way),
        "judged": plan.judged,
        "explored": dict(plan.explored),
        "warnings": [{"code": w.code, "text": w.text} for w in plan.warnings],
        "not_judged": list(plan.not_judged),
        "provenance": {
            **provenance,
            "inputs": dict(plan.inputs),
            "parameters": dict(plan.parameters),
        },
    }


def _path(rank: int, planned: PlannedPath, zones: Collection[str]) -> dict[str, Any]:
    path = planned.path
    return {
        "rank": rank,
        "entry_lps_mm": _point(path.entry_lps_mm),
        "target_lps_mm": _point(path.tip_lps_mm),
        "fired_tip_lps_mm": _point(path.fired_tip_lps_mm),
        "direction_lps": [round(float(c), 8) for c in path.direction_lps],
        "length_mm": round(path.length_mm, MM_DIGITS),
        "throw_mm": path.throw_mm,
        "clearances_path_mm": _lengths(_without(planned.clearances_path_mm, zones)),
        "clearances_mm": _lengths(_without(planned.clearances_mm, zones)),
        "zone_clearances_path_mm": _lengths(_only(planned.clearances_path_mm, zones)),
        "zone_clearances_mm": _lengths(_only(planned.clearances_mm, zones)),
        "required_mm": _lengths(planned.required_mm),
        "crosses": list(planned.crosses),
        "angles_deg": {
            "to_skin": _angle(planned.angles.to_skin),
            "out_of_axial": _angle(planned.angles.out_of_axial),
            "in_axial": _angle(planned.angles.in_axial),
            "to_cortex": _angle(planned.angles.to_cortex),
        },
        "risk": {
            "sample": _probability(planned.risk.sample),
            "harm": {name: _probability(p) for name, p in planned.risk.harm.items()},
            "error": _probability(planned.risk.error),
            "method": planned.risk.method,
            "label": "model, not outcome: one uncorrected pass with published phantom errors; for staff only",
        },
        "measures": _lengths(planned.measures),
        "score": round(planned.score, 4),
        "reasons": list(planned.reasons),
        "needs_check_scan": planned.needs_check_scan,
        "relaxed": planned.relaxed,
    }


def _only(lengths: Mapping[str, float | None], names: Collection[str]) -> dict[str, float | None]:
    return {name: mm for name, mm in lengths.items() if name in names}


def _without(lengths: Mapping[str, float | None], names: Collection[str]) -> dict[str, float | None]:
    return {name: mm for name, mm in lengths.items() if name not in names}


def _point(point: Sequence[float] | np.ndarray[Any, Any]) -> list[float]:
    # adding 0.0 turns -0.0 into 0.0
    return [round(float(c), MM_DIGITS) + 0.0 for c in point]


def _lengths(lengths: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if v is None else round(float(v), MM_DIGITS) for name, v in lengths.items()}


def _angle(angle: float | None) -> float | None:
    return None if angle is None else round(angle, 3) + 0.0


def _probability(p: float | None) -> float | None:
    return None if p is None else round(float(p), 5)
