"""Metamorphic tests: however the same patient is stored, the plan is the same; moved, it moves along."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan
from trocar.planning.planner import Planner
from trocar.planning.request import PlanRequest
from trocar.samples.made_up import made_up_patient


def _request(protocol: str, **changes: object) -> PlanRequest:
    loaded = load_protocol(protocol)
    usable = effective(loaded, load_department(None)).for_planning("ct", loaded.default_needle)
    question = {"side": "left", "samples": 12, "scan_position": "prone", "position_source": "dicom"}
    return PlanRequest(usable, date(2026, 1, 1), **(question | changes))  # type: ignore[arg-type]


def _stored(axes: tuple[int, ...], order: tuple[int, int, int] = (0, 1, 2)) -> tuple[Volume, StructureSet]:
    """The made-up patient with array axes reversed and permuted; the voxels stay where they are in the patient."""
    volume, structures = made_up_patient()
    matrix = np.array(volume.grid.voxel_to_patient)
    size = volume.grid.size_ijk
    hu, labels = volume.hu, structures.labels
    assert labels is not None
    for axis in axes:
        matrix[:3, 3] += matrix[:3, axis] * (size[axis] - 1)
        matrix[:3, axis] *= -1
        hu, labels = np.flip(hu, 2 - axis), np.flip(labels, 2 - axis)
    matrix[:3, :3] = matrix[:3, list(order)]
    kji = tuple(2 - order[2 - a] for a in range(3))
    hu, labels = (np.ascontiguousarray(a.transpose(kji)) for a in (hu, labels))
    grid = Grid(hu.shape, matrix)  # type: ignore[arg-type]
    return Volume(hu, grid, volume.source), replace(structures, grid=grid, labels=labels)


def _same(first: Plan, second: Plan, moved_mm: tuple[float, float, float] = (0, 0, 0)) -> None:
    assert first.judged == second.judged
    assert len(first.paths) == len(second.paths) > 0
    assert first.rejected.keys() == second.rejected.keys()
    for one, other in zip(first.paths, second.paths, strict=True):
        assert np.allclose(one.path.entry_lps_mm + moved_mm, other.path.entry_lps_mm, atol=0.01)
        assert np.allclose(one.path.tip_lps_mm + moved_mm, other.path.tip_lps_mm, atol=0.01)
        assert one.crosses == other.crosses or set(one.crosses) == set(other.crosses)
        assert one.clearances_mm.keys() == other.clearances_mm.keys()
        for name, mm in one.clearances_mm.items():
            assert mm == pytest.approx(other.clearances_mm[name], abs=0.01), name
        assert one.risk.sample == pytest.approx(other.risk.sample, abs=0.006)


@pytest.fixture(scope="module")
def kidney_plan() -> Plan:
    return Planner(*made_up_patient()).plan(_request("kidney_biopsy"))


def test_there_are_paths_and_they_come_from_behind(kidney_plan: Plan) -> None:
    assert kidney_plan.paths
    for planned in kidney_plan.paths:
        assert planned.path.entry_lps_mm[1] > planned.path.tip_lps_mm[1]
        assert planned.path.entry_lps_mm[0] > 0
        assert "kidney_left" in planned.crosses


@pytest.mark.parametrize(
    ("axes", "order"),
    [((2,), (0, 1, 2)), ((0,), (0, 1, 2)), ((0, 1), (0, 1, 2)), ((), (0, 2, 1)), ((1,), (2, 0, 1))],
    ids=[
        "feet first",
        "LAS",
        "rows and columns reversed",
        "coronal slices",
        "sagittal slices, one axis reversed",
    ],
)
def test_the_order_of_storage_changes_nothing(
    kidney_plan: Plan, axes: tuple[int, ...], order: tuple[int, int, int]
) -> None:
    _same(kidney_plan, Planner(*_stored(axes, order)).plan(_request("kidney_biopsy")))


def test_moved_in_space_the_plan_moves_along(kidney_plan: Plan) -> None:
    volume, structures = made_up_patient()
    matrix = np.array(volume.grid.voxel_to_patient)
    matrix[:3, 3] += (17.3, -251.9, 1042.7)
    grid = Grid(volume.grid.shape_kji, matrix)
    moved = Planner(Volume(volume.hu, grid, volume.source), replace(structures, grid=grid))
    _same(kidney_plan, moved.plan(_request("kidney_biopsy")), (17.3, -251.9, 1042.7))


def test_the_mirrored_patient_is_refused_or_planned_on_the_other_side() -> None:
    """Left and right swapped in the image: the labels' names no longer fit, and that is told."""
    volume, structures = made_up_patient()
    matrix = np.diag([-1.0, 1, 1, 1]) @ volume.grid.voxel_to_patient
    grid = Grid(volume.grid.shape_kji, matrix)
    from trocar.errors import InputRefused

    with pytest.raises(InputRefused, match="Left and right do not fit"):
        Planner(Volume(volume.hu, grid, volume.source), replace(structures, grid=grid))


def test_the_same_question_twice_gives_the_same_bits(kidney_plan: Plan) -> None:
    again = Planner(*made_up_patient()).plan(_request("kidney_biopsy"))
    for one, other in zip(kidney_plan.paths, again.paths, strict=True):
        assert one.path.entry_lps_mm.tobytes() == other.path.entry_lps_mm.tobytes()
        assert one.clearances_mm == other.clearances_mm
        assert one.risk == other.risk
        assert one.score == other.score


def test_any_number_of_threads_gives_the_same_bits(kidney_plan: Plan) -> None:
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        again = Planner(*made_up_patient()).plan(_request("kidney_biopsy"))
    finally:
        numba.set_num_threads(before)
    for one, other in zip(kidney_plan.paths, again.paths, strict=True):
        assert one.path.entry_lps_mm.tobytes() == other.path.entry_lps_mm.tobytes()
        assert one.clearances_mm == other.clearances_mm
        assert one.risk == other.risk


def test_a_target_moved_nearby_is_planned_with_what_was_kept_and_the_same_answer() -> None:
    planner = Planner(*made_up_patient())
    request = _request("kidney_biopsy")
    planner.plan(replace(request, target_point_lps_mm=(70.0, 22.0, -20.0)))
    moved = planner.plan(replace(request, target_point_lps_mm=(66.0, 24.0, -24.0)))
    fresh = Planner(*made_up_patient()).plan(replace(request, target_point_lps_mm=(66.0, 24.0, -24.0)))
    assert moved.judged > 0
    assert {p.path.entry_lps_mm.tobytes() for p in fresh.paths} == {
        p.path.entry_lps_mm.tobytes() for p in moved.paths
    }


def test_a_bone_target_is_reached_through_its_pedicle_or_beside_it() -> None:
    request = _request("bone_biopsy", side=None, target_name="vertebrae_L3")
    plan = Planner(*made_up_patient()).plan(request)
    assert plan.paths
    for planned in plan.paths:
        assert "vertebrae_L3" in planned.crosses
        assert not {"spinal_cord", "spinal_canal", "vertebrae_L2", "vertebrae_L4"} & set(planned.crosses)
        assert planned.clearances_mm["spinal_cord"] >= planned.required_mm["spinal_cord"]
