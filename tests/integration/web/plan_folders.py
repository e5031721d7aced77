"""Plan folders for the tests of pages: laid out as the planner writes them, on the real sample CT.

The paths are straight lines to real organs with distances measured here; what the planner would prefer is not the
subject of these tests.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests import samples_data
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.samples.fetch import sample_path
from trocar.web.plans.plan_folder import Card, write_card

NEEDLE = Needle("Semi-automatic side notch", 16, 150.0, 22.0, 2.0, 18.0, 1.65)
LIMITS_MM = {"colon": 5.0, "spleen": 5.0, "lung_lower_lobe_left": 5.0, "aorta": 5.0}
NAMED = (
    "colon",
    "spleen",
    "liver",
    "aorta",
    "kidney_right",
    "lung_lower_lobe_left",
    "rib_left_12",
    "vertebrae_L2",
)


def build_kidney_plan(data: Path, plan_id: str = "kidney-left", **changes: Any) -> Path:
    """A plan of the left kidney's lower pole with four paths; ``changes`` replace keys of plan.json."""
    content = _kidney_plan() | changes
    folder = data / "plans" / plan_id
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "plan.html").write_text("<!doctype html><title>Sheet</title><p>Sheet", encoding="utf-8")
    (folder / "plan.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (folder / "dicom").mkdir()
    (folder / "dicom" / "sr.dcm").write_bytes(b"\0" * 128 + b"DICM")
    card = Card(
        "Kidney biopsy, left lower pole",
        sample=True,
        state="planned",
        fraction=1.0,
        ct=str(sample_path("abdomen_ct")),
        structures=(str(sample_path("abdomen_labels")),),
    )
    write_card(folder, card)
    return folder


@cache
def _kidney_plan() -> dict[str, Any]:
    volume, structures = samples_data.kidney_ct(), samples_data.kidney_structures()
    target = _lower_pole_lps_mm(structures)
    return {
        "schema": "trocar-plan-1",
        "within_limits": True,
        "explored": {"entries": 20000, "samples": 64, "survivors": 1000, "refined": 200},
        "protocol": "kidney_biopsy",
        "protocol_title": "Kidney biopsy",
        "protocol_version": "1",
        "side": "left",
        "guidance": "ct",
        "position": "prone",
        "scan_position": "supine",
        "position_source": "inferred",
        "needle": vars(NEEDLE),
        "target": {
            "name": "lower pole cortex of kidney_left",
            "kind": "organ_pole",
            "centre_lps_mm": target.tolist(),
            "volume_ml": 21.5,
            "samples_lps_mm": [target.tolist()],
        },
        "paths": [
            _path(volume, structures, target, rank, turn, tilt)
            for rank, turn, tilt in ((1, 8, 0), (2, 14, 5), (3, 2, -8), (4, 18, -12))
        ],
        "nearest": [],
        "rejected": {
            "gone through: colon": 0.412,
            "longer than the needle": 0.117,
            "too near: ribs": 0.0841,
            "other": 0.003,
        },
        "judged": 1234567,
        "in_the_way": ["colon", "rib_left_12"],
        "warnings": [
            {
                "code": "not_in_position",
                "text": "The CT was made supine, the needle is planned for prone: the colon may move.",
            },
            {
                "code": "position_inferred",
                "text": "The position on the scan was inferred from the table and gas levels.",
            },
        ],
        "not_judged": ["Intercostal and subcostal vessels", "Nerve roots"],
        "stamps": ["Sample department"],
        "provenance": {
            "parameters": {
                "values": {"limits.max_to_skin_deg": {"value": 60, "source": "J", "status": "U"}},
                "search": {"samples": 64},
            },
            "trocar": "0.1.0",
            "inputs": {"image": "ab" * 32},
            "run": {"host": "test", "seconds": 1.5},
        },
    }


def build_case_without_paths(data: Path, plan_id: str = "kidney-none") -> Path:
    """A plan in which no path keeps every limit; two would be left if one limit were relaxed."""
    volume, structures = samples_data.kidney_ct(), samples_data.kidney_structures()
    target = _lower_pole_lps_mm(structures)
    nearest = [
        _path(volume, structures, target, rank, turn, 0) | {"relaxed": "2 mm instead of 5 mm to the colon"}
        for rank, turn in ((1, 5), (2, 25))
    ]
    return build_kidney_plan(data, plan_id, within_limits=False, paths=[], nearest=nearest)


def _lower_pole_lps_mm(structures: StructureSet) -> np.ndarray:
    kji = np.argwhere(structures.mask("kidney_left"))
    lps = structures.grid.to_patient(kji[:, ::-1])
    lowest = lps[:, 2] < lps[:, 2].min() + 0.25 * np.ptp(lps[:, 2])
    return np.asarray(lps[lowest].mean(axis=0))


def _path(
    volume: Volume, structures: StructureSet, target: np.ndarray, rank: int, turn_deg: float, tilt_deg: float
) -> dict[str, Any]:
    turn, tilt = np.radians([turn_deg, tilt_deg])
    direction = np.array([-np.sin(turn) * np.cos(tilt), -np.cos(turn) * np.cos(tilt), np.sin(tilt)])
    out = target - direction * np.arange(0, 200, 1.0)[:, None]
    ijk = np.rint(volume.grid.to_voxel(out)).astype(int)
    inside = (ijk >= 0).all(axis=1) & (ijk < volume.grid.size_ijk).all(axis=1)
    hu = np.full(len(out), -1024)
    hu[inside] = volume.hu[tuple(ijk[inside].T[::-1])]
    entry = out[int(np.flatnonzero(hu > -400).max())]
    needle = NeedlePath.through(entry, target, NEEDLE)
    before = {name: _distance_mm(structures, name, needle, 0.0) for name in NAMED}
    after = {name: _distance_mm(structures, name, needle, needle.throw_mm) for name in NAMED}
    return {
        "rank": rank,
        "entry_lps_mm": entry.tolist(),
        "fired_tip_lps_mm": needle.fired_tip_lps_mm.tolist(),
        "target_lps_mm": needle.tip_lps_mm.tolist(),
        "direction_lps": needle.direction_lps.tolist(),
        "length_mm": needle.length_mm,
        "throw_mm": needle.throw_mm,
        "clearances_path_mm": before | {"colon": None},
        "clearances_mm": after | {"colon": None},
        "zone_clearances_path_mm": {},
        "zone_clearances_mm": {},
        "required_mm": LIMITS_MM,
        "crosses": ["autochthon_left", "kidney_left"],
        "angles_deg": {
            "to_skin": abs(turn_deg),
            "out_of_axial": tilt_deg,
            "in_axial": -turn_deg,
            "to_cortex": 31.0,
        },
        "risk": {
            "sample": 0.871,
            "harm": {"spleen": 0.0001, "colon": None, "rib_left_12": 0.034},
            "error": 0.004,
            "method": "4,096 seeded samples",
            "label": "model, not outcome",
        },
        "measures": {"notch_in_target_mm": 17.4, "sinus_clearance_mm": 9.2},
        "score": 1.0,
        "reasons": ["The whole notch lies in the cortex.", "Nothing that has a limit is nearer than 9 mm."],
        "needs_check_scan": True,
        "relaxed": None,
    }


def _distance_mm(structures: StructureSet, name: str, needle: NeedlePath, beyond_mm: float) -> float:
    """To the nearest voxel centre; near enough for a page."""
    points = structures.grid.to_patient(np.argwhere(structures.mask(name))[:, ::-1])
    depth = np.clip((points - needle.entry_lps_mm) @ needle.direction_lps, 0, needle.length_mm + beyond_mm)
    return float(np.linalg.norm(points - needle.at(depth), axis=1).min())
