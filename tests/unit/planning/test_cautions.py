"""Warnings about bone, metal, the scan's edge and skin out of reach; those about the scan stand in tests/spec."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.unit.planning.test_anatomy import anatomy_of, patient, request
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.volume import ImageSource, Volume
from trocar.planning.anatomy import Anatomy
from trocar.planning.cautions import cautions
from trocar.planning.plan import PathAngles, PathRisk, PlannedPath
from trocar.planning.request import PlanRequest
from trocar.planning.target import TargetRegion
from trocar.planning.targeting import find_target

LISTED = {
    "no_skin_in_reach", "position_unknown", "position_inferred", "not_in_position", "missing_structures",
    "thick_slices", "scan_date_unknown", "scan_in_future", "old_scan", "edge_of_scan", "target_near_edge",
    "thick_cortex", "cortex_angle", "metal", "input",
}  # fmt: skip


@cache
def bone_case(name: str = "vertebrae_L3") -> tuple[PlanRequest, Anatomy, TargetRegion]:
    asked = request("bone_biopsy", side=None, target_name=name)
    return asked, anatomy_of(asked), find_target(asked, *patient())


def planned(to_cortex: float | None = 10.0, cortex_mm: float = 2.0) -> PlannedPath:
    """A path through the left pedicle of L3."""
    return PlannedPath(
        path=NeedlePath(np.array([20.0, 94.0, 0.0]), np.array([12.0, 30.0, 0.0]), 15.0),
        clearances_path_mm={}, clearances_mm={}, required_mm={}, crosses=("vertebrae_L3",),
        angles=PathAngles(7.0, 0.0, -7.0, to_cortex), risk=PathRisk(None, {}, None, ""),
        measures={"cortex_thickness_mm": cortex_mm}, score=0.0, reasons=(),
    )  # fmt: skip


def said(best: PlannedPath | None, volume: Volume | None = None, **more: bool) -> dict[str, str]:
    asked, anatomy, region = bone_case()
    edge = more.pop("leaves_by_edge", False)
    found = cautions(asked, volume or patient()[0], anatomy, region, best, edge, **more)
    assert {warning.code for warning in found} <= LISTED
    return {warning.code: warning.text for warning in found}


def test_thick_cortex_calls_for_a_drill() -> None:
    assert "thick_cortex" not in said(planned(cortex_mm=4.9))
    assert "5 mm of cortex; a powered drill" in said(planned(cortex_mm=5.0))["thick_cortex"]


@pytest.mark.parametrize(("angle", "warned"), [(10.0, True), (30.0, False), (60.0, False), (61.0, True)])
def test_an_angle_outside_the_advice_for_the_bone_is_told(angle: float, warned: bool) -> None:
    """A rib is to be met 30 to 60 degrees off straight; the made-up patient's vertebra is called one."""
    asked, anatomy, region = bone_case()
    rib = replace(region, hosts=("rib_left_9",))
    found = {w.code: w.text for w in cautions(asked, patient()[0], anatomy, rib, planned(angle), False)}
    assert ("cortex_angle" in found) == warned
    if warned:
        assert (
            f"{angle:.0f}° off straight; for a rib or scapula the advice is 30 to 60°"
            in found["cortex_angle"]
        )


@pytest.mark.parametrize(("off_mm", "warned"), [(0.0, True), (4.0, True), (12.0, False)])
def test_metal_near_the_best_path_is_told(off_mm: float, warned: bool) -> None:
    volume = patient()[0]
    path = planned().path
    k, j, i = np.indices(volume.hu.shape)
    place = volume.grid.to_patient(np.stack([i, j, k], -1)) - (path.at(40.0) + np.array([off_mm, 0, 0]))
    hu = volume.hu.copy()
    hu[np.linalg.norm(place, axis=-1) <= 3.0] = 3000
    found = said(planned(), Volume(hu, volume.grid, volume.source))
    assert ("metal" in found) == warned
    assert "metal" not in said(None, Volume(hu, volume.grid, volume.source))


def test_the_way_out_through_the_scans_edge_is_told() -> None:
    assert "leaves through the edge of the scan" in said(planned(), leaves_by_edge=True)["edge_of_scan"]
    assert "edge_of_scan" not in said(planned())


def test_a_target_near_the_scans_edge_is_told() -> None:
    volume = patient()[0]
    low = float(volume.grid.corners_lps_mm()[:, 2].min())
    for above_mm, warned in ((9.0, True), (30.0, False)):
        asked = request("bone_biopsy", side=None, target_point_lps_mm=(60.0, 20.0, low + above_mm))
        region = find_target(asked, *patient())
        found = {w.code for w in cautions(asked, volume, bone_case()[1], region, None, False)}
        assert ("target_near_edge" in found) == warned


def test_no_skin_in_reach_comes_first() -> None:
    found = said(None, skin_in_reach=False)
    assert next(iter(found)) == "no_skin_in_reach"
    assert "prone" in found["no_skin_in_reach"]
    assert "no_skin_in_reach" not in said(None)


def test_what_the_reader_noticed_is_handed_on_last() -> None:
    volume = patient()[0]
    noticed = replace(volume, source=ImageSource("dicom", "", notices=("Two localizers were set aside.",)))
    found = cautions(bone_case()[0], noticed, bone_case()[1], bone_case()[2], planned(), False)
    assert (found[-1].code, found[-1].text) == ("input", "Two localizers were set aside.")
