"""Where nothing keeps every limit: exit code 3, and the plan says what stands in the way and what would be nearest."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import nibabel
import numpy as np
import pytest

from tests.integration.patient_files import arrays, trocar, write, write_names, write_patient
from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.planning.planner import Planner
from trocar.planning.request import PlanRequest
from trocar.samples.made_up import made_up_patient

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "plan.schema.json"


@pytest.fixture(scope="module")
def enclosed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path, str]:
    """A left kidney behind a wall of colon: exit code, folder and output of the command."""
    folder = tmp_path_factory.mktemp("enclosed")
    ct, _ = write_patient(folder)
    _, values, matrix, names = arrays()
    wall = values.copy()
    i, j, k = np.indices(values.shape)
    ras = np.stack([i, j, k], -1) @ matrix[:3, :3].T + matrix[:3, 3]
    x, y = -ras[..., 0] - 60, -ras[..., 1] - 20  # LPS, from the kidney's axis
    colon = next(value for value, name in names.items() if name == "colon")
    wall[(np.hypot(x / 36, y / 30) > 1) & (np.hypot(x / 44, y / 38) < 1) & (values == 0)] = colon
    path = write(folder / "wall.nii.gz", wall)
    write_names(path, names)
    code = trocar(
        "plan", ct, "--protocol", "kidney_biopsy", "--side", "left", "--structures", path, "--out", folder / "plan",
    )  # fmt: skip
    return code, folder / "plan", ""


def test_exit_code_and_files(enclosed: tuple[int, Path, str]) -> None:
    code, out, _ = enclosed
    assert code == 3
    assert {"plan.json", "plan.html", "plan.pdf", "dicom"} == {path.name for path in out.iterdir()}


def test_plan_json_says_why(enclosed: tuple[int, Path, str]) -> None:
    report = json.loads((enclosed[1] / "plan.json").read_text())
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert report["paths"] == []
    assert report["within_limits"] is False
    assert report["in_the_way"][0] == "colon"
    by_colon = sum(share for reason, share in report["rejected"].items() if reason.endswith("colon"))
    assert by_colon > 0.2
    assert 0.99 < sum(report["rejected"].values()) <= 1.0001


def test_the_nearest_paths_are_marked_and_break_nothing_else(enclosed: tuple[int, Path, str]) -> None:
    report = json.loads((enclosed[1] / "plan.json").read_text())
    assert report["nearest"]
    for path in report["nearest"]:
        assert path["relaxed"]
        assert path["reasons"][0].startswith("outside the protocol's limits")
        required = {n: mm for n, mm in path["required_mm"].items() if n not in path["relaxed"]}
        measured = {**path["clearances_mm"], **path["zone_clearances_mm"]}
        for name, asked in required.items():
            assert measured[name] is None or measured[name] >= asked - 1e-3, name
    assert any("colon" in path["relaxed"] for path in report["nearest"])


def test_the_sheet_does_not_pass_for_a_plan(enclosed: tuple[int, Path, str]) -> None:
    page = (enclosed[1] / "plan.html").read_text(encoding="utf-8").lower()
    assert "no path" in page
    assert "not a plan" in page or "outside the protocol" in page


def _planned(position: str, needle: str, point: tuple[float, float, float]) -> object:
    protocol = load_protocol("bone_biopsy")
    usable = effective(protocol, load_department(None)).for_planning("ct", needle)
    request = PlanRequest(
        usable, date(2026, 1, 1), needle_name=needle, position=position, target_point_lps_mm=point,  # type: ignore[arg-type]
        scan_position=position, position_source="given",  # type: ignore[arg-type]
    )  # fmt: skip
    return Planner(*made_up_patient()).plan(request)


def test_no_skin_in_reach_is_said() -> None:
    """The front of the body of L3 is 117 mm from the skin in front, and the needle 100 mm long."""
    plan = _planned("supine", "13G trephine 100 mm", (0.0, 30.0, 0.0))
    assert plan.paths == plan.nearest == ()  # type: ignore[attr-defined]
    assert plan.judged == 0  # type: ignore[attr-defined]
    first = plan.warnings[0]  # type: ignore[attr-defined]
    assert first.code == "no_skin_in_reach"
    assert "100 mm needle" in first.text


def test_a_target_in_the_canal_is_out_of_reach_and_its_wall_is_named() -> None:
    plan = _planned("prone", "11G trephine 150 mm", (0.0, 48.0, 0.0))
    assert plan.paths == ()  # type: ignore[attr-defined]
    # from the skin the arch or a foramen is met first, whichever way the needle comes
    assert set(plan.in_the_way[:2]) == {"vertebrae_L3", "nerve_foramina"}  # type: ignore[attr-defined]
    assert all(path.relaxed for path in plan.nearest)  # type: ignore[attr-defined]


def test_labels_that_hold_nothing_but_the_target_still_give_a_plan_with_a_warning(tmp_path: Path) -> None:
    ct, _ = write_patient(tmp_path)
    _, values, _, names = arrays()
    kidney = next(value for value, name in names.items() if name == "kidney_left")
    mask = write(tmp_path / "kidney_left.nii.gz", (values == kidney).astype(np.uint8))
    code = trocar(
        "plan", ct, "--protocol", "kidney_biopsy", "--side", "left", "--structures", mask,
        "--out", tmp_path / "plan", "--no-dicom", "--quiet",
    )  # fmt: skip
    report = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert code == 0
    missing = next(w["text"] for w in report["warnings"] if w["code"] == "missing_structures")
    for group in ("bowel", "pleura and lung", "great vessels", "other kidney"):
        assert group in missing
    assert not (tmp_path / "plan" / "dicom").exists()
    assert nibabel.load(mask).shape == values.shape
