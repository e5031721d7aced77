"""Real DICOM from end to end: from the scanner's files to objects that go into the patient's own study.

Two of the cases run every time, the others with ``make prove``. ``dciodvfy`` (Debian dicom3tools) judges the objects.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import nibabel
import numpy as np
import pydicom
import pytest

from tests.integration.patient_files import trocar

pytestmark = pytest.mark.test_data

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "plan.schema.json"
RIGHT_KIDNEY = (-54.0, 73.0, -326.0)
LEFT_KIDNEY = (91.0, 63.0, -326.0)
MASSES = {
    "bone_ct_sts018": "beside the ilium",
    "bone_ct_sts007": "behind the ilium",
    "bone_ct_sts037": "under the scapula",
    "bone_ct_sts010": "at the tibia",
}


def errors_of(path: Path) -> list[str]:
    """What dciodvfy calls an error in a file."""
    run = subprocess.run(
        ["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    return [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")]


def check_plan(out: Path, folder: Path, exit_code: int) -> dict[str, object]:
    """What holds for every plan on DICOM; returns what plan.json holds."""
    report = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert exit_code == (0 if report["paths"] else 3)
    assert report["position_source"] == "dicom"
    assert report["scan_position"] == "supine"
    assert (out / "plan.pdf").read_bytes().startswith(b"%PDF")
    head = pydicom.dcmread(
        next(p for p in sorted(folder.iterdir()) if p.suffix == ".dcm"), stop_before_pixels=True
    )
    written = sorted((out / "dicom").glob("*.dcm"))
    kinds = set()
    series = set()
    for path in written:
        made = pydicom.dcmread(path, stop_before_pixels=True)
        kinds.add(made.Modality)
        series.add(made.SeriesInstanceUID)
        for name in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "AccessionNumber"):
            assert made.get(name, "") == head.get(name, ""), f"{path.name}: {name}"
        assert "not for clinical use" in made.SeriesDescription
        if "FrameOfReferenceUID" in made:
            assert made.FrameOfReferenceUID == head.FrameOfReferenceUID
    assert {"SEG", "SR"} <= kinds
    assert "CT" not in kinds
    assert head.SeriesInstanceUID not in series
    if shutil.which("dciodvfy"):
        assert [error for path in written for error in errors_of(path)] == []
    return dict(report)


@pytest.mark.parametrize(
    ("side", "point"),
    [("left", LEFT_KIDNEY), pytest.param("right", RIGHT_KIDNEY, marks=pytest.mark.prove)],
)
def test_a_kidney_on_an_enhanced_scan_made_feet_first_is_planned_from_one_click(
    side: str, point: tuple[float, float, float], test_data: Path, tmp_path: Path
) -> None:
    folder = test_data / "kidney_ct_crlm1006" / "dicom"
    click = ",".join(f"{c:g}" for c in point)
    code = trocar(
        "plan", folder, "--protocol", "kidney_biopsy", "--side", side, f"--kidney-point={click}",
        "--out", tmp_path, "--quiet",
    )  # fmt: skip
    report = check_plan(tmp_path, folder, code)
    assert code == 0
    warned = {warning["code"] for warning in report["warnings"]}  # type: ignore[attr-defined]
    assert {"not_in_position", "thick_slices", "old_scan", "missing_structures"} <= warned
    for path in report["paths"]:  # type: ignore[attr-defined]
        entry, tip = np.array(path["entry_lps_mm"]), np.array(path["target_lps_mm"])
        assert entry[1] > tip[1]  # from behind
        assert (entry[0] > 0) == (side == "left")
        assert np.linalg.norm(tip - point) < 90
        assert tip[2] < point[2] + 20  # the lower pole, on a scan made feet first
        assert f"kidney_{side}" in path["crosses"]
        assert path["needs_check_scan"]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "bone_ct_sts018" else pytest.mark.prove) for n in MASSES]
)
def test_a_mass_drawn_by_a_physician_is_planned(name: str, test_data: Path, tmp_path: Path) -> None:
    """The RTSTRUCT names other instances than the cropped series holds: contours count by position."""
    folder = test_data / name / "dicom"
    spec = f"{test_data / name / 'RTSTRUCT_GTV_Mass.dcm'}#GTV_Mass_CT"
    code = trocar(
        "plan", folder, "--protocol", "bone_biopsy", "--target-mask", spec, "--out", tmp_path, "--quiet"
    )
    report = check_plan(tmp_path, folder, code)
    mask = nibabel.load(test_data / name / "gtv_mask.nii.gz")
    inside = np.argwhere(np.asarray(mask.dataobj) > 0)
    centre = np.diag([-1, -1, 1]) @ (mask.affine @ [*inside.mean(axis=0), 1])[:3]
    target = report["target"]
    assert np.linalg.norm(np.array(target["centre_lps_mm"]) - centre) < 1.5  # type: ignore[index]
    voxel_ml = abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    assert target["volume_ml"] == pytest.approx(len(inside) * voxel_ml, rel=0.03)  # type: ignore[index]
    to_voxel = np.linalg.inv(mask.affine)
    for path in report["paths"]:  # type: ignore[attr-defined]
        entry, tip = np.array(path["entry_lps_mm"]), np.array(path["target_lps_mm"])
        along = (tip - entry) / np.linalg.norm(tip - entry)
        notch = tip + np.linspace(0.0, 15.0, 151)[:, None] * along
        index = np.rint((to_voxel @ np.c_[notch * (-1, -1, 1), np.ones(151)].T)[:3]).astype(int)
        taken = (np.asarray(mask.dataobj)[tuple(index)] > 0).mean() * 15
        assert taken == pytest.approx(path["measures"]["notch_in_target_mm"], abs=1.0)


def test_a_click_in_the_other_kidney_is_refused(
    test_data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    click = ",".join(f"{c:g}" for c in RIGHT_KIDNEY)
    code = trocar(
        "plan", test_data / "kidney_ct_crlm1006", "--protocol", "kidney_biopsy", "--side", "left",
        f"--kidney-point={click}", "--out", tmp_path / "plan",
    )  # fmt: skip
    assert code == 4
    assert "right" in capfd.readouterr().err
    assert not (tmp_path / "plan").exists()
