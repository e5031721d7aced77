"""The last step: exact clearances decide, kept paths differ, figures become sigmas."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.unit.planning.test_anatomy import patient, request
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.structures import StructureSet
from trocar.planning.final import DISTINCT_MM, KEPT_PATHS, _distinct, guidance_error
from trocar.planning.plan import Plan
from trocar.planning.planner import Planner


@cache
def kidney_plan(scan_position: str = "prone", guidance: str = "ct") -> Plan:
    asked = request(samples=12, scan_position=scan_position, guidance=guidance)
    return Planner(*patient()).plan(asked)


def needle(entry: tuple[float, float, float], tip: tuple[float, float, float]) -> NeedlePath:
    return NeedlePath(np.array(entry), np.array(tip), 10.0)


def test_paths_that_differ_in_neither_entry_nor_tip_are_one() -> None:
    first = needle((0, 50, 0), (0, 0, 0))
    near_both = needle((5, 50, 0), (0, 0, 5))
    other_entry = needle((9, 50, 0), (0, 0, 0))
    other_tip = needle((0, 50, 0), (0, 0, 9))
    assert _distinct([first, near_both, other_entry, other_tip], 10) == [0, 2, 3]
    assert _distinct([near_both, first, other_entry], 10) == [
        0
    ]  # 4 mm from the second, 5.8 mm from the third
    assert _distinct([first, other_entry, other_tip], 2) == [0, 1]


def test_kept_paths_are_few_different_and_in_the_order_of_their_score() -> None:
    paths = kidney_plan().paths
    assert 1 < len(paths) <= KEPT_PATHS
    scores = [path.score for path in paths]
    assert scores == sorted(scores, reverse=True)
    for number, one in enumerate(paths):
        for other in paths[:number]:
            entry = np.linalg.norm(one.path.entry_lps_mm - other.path.entry_lps_mm)
            tip = np.linalg.norm(one.path.tip_lps_mm - other.path.tip_lps_mm)
            assert max(entry, tip) >= DISTINCT_MM


def test_every_margin_holds_exactly_and_the_throw_never_brings_more_room() -> None:
    for planned in kidney_plan().paths:
        assert planned.required_mm["colon"] == 10
        for name, asked in planned.required_mm.items():
            clearance = planned.clearances_mm[name]
            assert clearance is not None
            assert clearance >= asked - 1e-6
            before = planned.clearances_path_mm[name]
            assert before is not None
            assert before >= clearance - 1e-9


def test_out_of_position_mobile_organs_are_null_and_others_are_not() -> None:
    plan = kidney_plan("supine")
    assert plan.paths
    for planned in plan.paths:
        assert planned.needs_check_scan
        for name in ("colon", "lung_lower_lobe_left"):
            assert planned.clearances_mm[name] is None
            assert planned.clearances_path_mm[name] is None
            assert planned.risk.harm[name] is None
            assert name in planned.required_mm  # it was kept clear of where the scan shows it
        for name in ("liver", "spleen", "spinal_cord"):
            assert planned.clearances_mm[name] is not None
            assert planned.risk.harm[name] is not None
    assert not any(path.needs_check_scan for path in kidney_plan().paths)


def test_a_guidance_without_sourced_figures_gets_no_probability() -> None:
    plan = kidney_plan("prone", "ultrasound")
    assert plan.paths
    for planned in plan.paths:
        assert planned.risk.sample is None
        assert planned.risk.harm == {}
        assert planned.risk.error is None
        assert "no sourced error figures" in planned.risk.method


def test_published_means_become_sigmas_of_the_model() -> None:
    errors = request().protocol.errors["ct"]
    assert errors is not None
    found = guidance_error(errors)
    assert found is not None
    assert found.entry_sigma_mm == pytest.approx(6.1 / np.sqrt(np.pi / 2))
    assert found.angle_sigma_deg == pytest.approx(3.4 / np.sqrt(np.pi / 2))
    assert found.motion_sigma_mm == pytest.approx(6.4 * np.sqrt(np.pi / 2))
    bone = guidance_error(request("bone_biopsy", side=None, target_name="vertebrae_L3").protocol.errors["ct"])
    assert bone is not None
    assert bone.motion_sigma_mm == 0
    assert guidance_error(None) is None


def test_nothing_is_asked_of_the_organ_that_holds_the_target() -> None:
    for planned in kidney_plan().paths:
        assert "kidney_left" not in planned.clearances_mm
        assert "kidney_left" not in planned.risk.harm
        assert "kidney_left" in planned.crosses


def test_a_structure_with_a_wider_margin_moves_the_paths_or_ends_them() -> None:
    """The same scan; a ball of "spleen" beside the best path of before is kept clear of, too."""
    volume, structures = patient()
    best = kidney_plan().paths[0].path
    k, j, i = np.indices(volume.hu.shape)
    place = volume.grid.to_patient(np.stack([i, j, k], -1))
    aside = best.at(best.length_mm / 2) + np.array([0.0, 0.0, 9.0])
    labels = structures.labels.copy()  # type: ignore[union-attr]
    spleen = next(value for value, name in structures.label_names.items() if name == "spleen")
    labels[(np.linalg.norm(place - aside, axis=-1) <= 6) & (labels == 0)] = spleen
    changed = StructureSet(structures.grid, labels, structures.label_names, {}, "1" * 64)
    plan = Planner(volume, changed).plan(replace(request(samples=12)))
    assert plan.paths
    for planned in plan.paths:
        clearance = planned.clearances_mm["spleen"]
        assert clearance is not None
        assert clearance >= 10 - 1e-6
    assert "spleen" in plan.in_the_way
