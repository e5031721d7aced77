from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from tests.ct_factory import make_grid
from tests.unit.dicom.write.plan_factory import make_path, make_plan, make_structures, make_study
from trocar.dicom.write import Capture, write_plan_objects
from trocar.dicom.write.plan_objects import named_by, plan_key
from trocar.errors import InputRefused
from trocar.planning.plan import Plan, PlanTarget

NOON = datetime(2026, 5, 4, 12, 30, 15)
GRID = make_grid((5, 8, 12), (7.0, 9.0, 25.0))
ALL = [
    "picture-01.dcm",
    "picture-02.dcm",
    "plan-report.dcm",
    "setup-sheet.dcm",
    "structures-1.dcm",
    "structures-2.dcm",
]


def plan(**changes: Any) -> Plan:
    entry, sample = GRID.to_patient([(10, 7, 2), (2, 4, 3)])
    return make_plan([make_path(entry, sample, clearances_mm={"colon": 3.0, "lesion": 1.0})], **changes)


def write(out: Path, **changes: Any) -> tuple[Path, ...]:
    values: dict[str, Any] = {
        "plan": plan(),
        "study": make_study(GRID),
        "structures": make_structures(GRID),
        "captures": [Capture(Image.new("RGB", (5, 3), "red"), title) for title in ("Axial", "Oblique")],
        "pdf": b"%PDF-1.7 sheet",
        "made_at": NOON,
    }
    return write_plan_objects(out, **(values | changes))


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def read(folder: Path) -> dict[str, Dataset]:
    return {p.name: pydicom.dcmread(p) for p in sorted(folder.iterdir())}


def uids(folder: Path) -> set[str]:
    """Every UID in the objects that names one of them, its series, a path or a dimension."""
    return {
        str(element.value)
        for dataset in read(folder).values()
        for element in dataset.iterall()
        if element.keyword in ("SOPInstanceUID", "SeriesInstanceUID", "DimensionOrganizationUID", "UID")
    }


def test_everything_is_written_into_the_patients_study(tmp_path: Path) -> None:
    paths = write(tmp_path / "dicom")
    assert names(tmp_path) == ["dicom"]
    assert names(tmp_path / "dicom") == ALL
    assert sorted(p.name for p in paths) == ALL
    study = make_study(GRID)
    for dataset in read(tmp_path / "dicom").values():
        assert dataset.StudyInstanceUID == study.study_uid
        assert (dataset.PatientName, dataset.PatientID, dataset.StudyDate) == (
            "SAMPLE^PATIENT",
            "SAMPLE",
            "20240229",
        )
        assert dataset.SeriesInstanceUID != study.series_uid
        assert dataset.SeriesDescription.endswith("Research software, not for clinical use")
        assert len(dataset.SeriesDescription) <= 64


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    for name in ALL:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_time_of_making_changes_four_attributes_and_no_uid(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", made_at=datetime(2027, 1, 31, 7, 5, 1))
    for (_, one), (_, two) in zip(read(tmp_path / "a").items(), read(tmp_path / "b").items(), strict=True):
        different = {e.keyword for e in one if e != two.get(e.tag)}
        assert different == {"InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime"}
        assert (two.InstanceCreationDate, two.ContentTime) == ("20270131", "070501")


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": {"image": "11" * 32, "structures": "77" * 32}},
        {"side": "right"},
        {"parameters": {"clearance": {"colon_mm": 12.0}}},
        {"protocol_version": "2"},
        {"guidance": "ultrasound"},
    ],
)
def test_other_inputs_give_other_uids(changes: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", plan=plan(**changes))
    study = make_study(GRID)
    of_others = {study.series_uid, study.study_uid, *(str(i.SOPInstanceUID) for i in study.images)}
    shared = uids(tmp_path / "a") & uids(tmp_path / "b")
    # the frame of reference and Trocar itself as the observer are named by the reports, too
    assert len(shared - of_others) <= 2


def test_what_the_plan_found_does_not_change_uids(tmp_path: Path) -> None:
    """Another machine may find the same path a hundredth of a millimetre away; its objects are the same ones."""
    write(tmp_path / "a")
    entry, sample = GRID.to_patient([(10, 7, 2), (2, 4, 3)])
    write(
        tmp_path / "b",
        plan=make_plan([make_path(entry + 0.001, sample, clearances_mm={"colon": 3.1, "lesion": 1.0})]),
    )
    assert uids(tmp_path / "a") == uids(tmp_path / "b")


def test_another_target_point_gives_other_uids() -> None:
    def key(x_mm: float, kind: str) -> str:
        centre = np.array([x_mm, 0.0, 0.0])
        return plan_key(plan(target=PlanTarget("point", kind, centre[None], centre)))  # type: ignore[arg-type]

    assert key(1.0, "point") != key(1.01, "point")
    assert key(1.0, "mask") == key(1.01, "mask")  # a mask has its hash among the inputs


def test_the_ct_counts_for_uids(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", study=make_study(GRID, seed=9))
    one, two = read(tmp_path / "a"), read(tmp_path / "b")
    assert all(one[name].SOPInstanceUID != two[name].SOPInstanceUID for name in ALL)


def test_structures_are_those_that_the_plan_names(tmp_path: Path) -> None:
    assert {"kidney_left", "kidney_right", "colon", "lesion"} <= set(named_by(plan()))
    write(tmp_path / "a")
    segments = [
        s.SegmentLabel
        for n, d in read(tmp_path / "a").items()
        if "structures" in n
        for s in d.SegmentSequence
    ]
    assert segments == ["kidney_left", "kidney_right", "colon", "lesion"]
    write(tmp_path / "a", names=["colon", "no such thing"])
    assert names(tmp_path / "a") == [n for n in ALL if n != "structures-2.dcm"]


def test_the_report_names_the_segmentation_as_evidence(tmp_path: Path) -> None:
    write(tmp_path / "a")
    objects = read(tmp_path / "a")
    (study,) = objects["plan-report.dcm"].CurrentRequestedProcedureEvidenceSequence
    referred = {
        r.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for r in s.ReferencedSOPSequence
    }
    assert {
        objects["structures-1.dcm"].SOPInstanceUID,
        objects["structures-2.dcm"].SOPInstanceUID,
    } <= referred


def test_a_report_alone(tmp_path: Path) -> None:
    write(tmp_path / "a", structures=None, captures=(), pdf=None)
    assert names(tmp_path / "a") == ["plan-report.dcm"]


def test_an_earlier_plan_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "dicom"
    out.mkdir()
    for name in ("picture-07.dcm", "structures-9.dcm", "ct-0001.dcm", "other.dcm"):
        (out / name).write_bytes(b"old")
    write(out)
    assert names(out) == sorted([*ALL, "ct-0001.dcm", "other.dcm"])


def test_when_something_fails_nothing_is_changed(tmp_path: Path) -> None:
    out = tmp_path / "dicom"
    write(out)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(InputRefused):
        write(out, pdf=b"not a pdf", made_at=datetime(2027, 1, 1))
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert names(tmp_path) == ["dicom"]
    with pytest.raises(InputRefused):
        write(tmp_path / "new", pdf=b"not a pdf")
    assert names(tmp_path) == ["dicom"]


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write(tmp_path / "a", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 5) for n in range(1, 6)]


def test_time_is_given_in_the_time_zone_of_the_study(tmp_path: Path) -> None:
    study = make_study(GRID, TimezoneOffsetFromUTC="-0330")
    write(
        tmp_path / "a", study=study, made_at=datetime(2026, 5, 4, 1, 0, 0, tzinfo=UTC), captures=(), pdf=None
    )
    dataset = read(tmp_path / "a")["plan-report.dcm"]
    assert (dataset.ContentDate, dataset.ContentTime) == ("20260503", "213000")
    assert dataset.TimezoneOffsetFromUTC == "-0330"


def test_points_and_arrays_among_parameters_do_not_stop_it(tmp_path: Path) -> None:
    write(
        tmp_path / "a", plan=plan(parameters={"point": np.zeros(3), "of": [Path("x")]}), captures=(), pdf=None
    )
