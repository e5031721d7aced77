"""What lies in reach of a target: the crop, the body in it, the rules and the zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.geometry.grid import Box
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.anatomy import OUTSIDE, TARGET, Anatomy, build_anatomy, with_target
from trocar.planning.planner import Planner
from trocar.planning.request import PlanRequest
from trocar.planning.targeting import find_target
from trocar.samples.made_up import made_up_patient


@cache
def patient() -> tuple[Volume, StructureSet]:
    return made_up_patient()


def request(protocol: str = "kidney_biopsy", needle: str | None = None, **asked: object) -> PlanRequest:
    loaded = load_protocol(protocol)
    usable = effective(loaded, load_department(None)).for_planning("ct", needle or loaded.default_needle)
    question = {"side": "left", "scan_position": "prone", "position_source": "given", "needle_name": needle}
    return PlanRequest(usable, date(2026, 1, 1), **(question | asked))  # type: ignore[arg-type]


def anatomy_of(asked: PlanRequest, subject: tuple[Volume, StructureSet] | None = None) -> Anatomy:
    volume, structures = subject or patient()
    region = find_target(asked, volume, structures)
    return build_anatomy(asked, asked.protocol.needle(asked.needle_name), volume, structures, region)


def test_every_structure_keeps_the_rule_of_the_first_group_that_names_it_and_the_host_keeps_none() -> None:
    found = anatomy_of(request())
    assert "kidney_left" not in found.rules
    assert found.hosts == ("kidney_left",)
    assert found.rules["kidney_right"].name == "other kidney"
    assert found.rules["colon"].name == found.group("colon") == "bowel"
    assert found.rules["vertebrae_L3"].name == "bone"
    assert found.group("skin") == "skin"


def test_what_the_protocol_wants_and_no_label_shows_is_named_once_a_group() -> None:
    volume, structures = patient()
    without = StructureSet(
        structures.grid,
        structures.labels,
        {v: n for v, n in structures.label_names.items() if n not in ("colon", "liver")},
        {},
    )
    assert set(anatomy_of(request(), (volume, without)).missing) == {"bowel", "liver"}
    assert anatomy_of(request()).missing == ()


@pytest.mark.parametrize(
    "question", [{}, {"target_point_lps_mm": (62.0, 22.0, -20.0)}], ids=["pole", "point"]
)
def test_the_sinus_is_there_for_every_target_in_the_kidney(question: dict[str, object]) -> None:
    """A kidney 20 mm thick to either side: what lies deeper than 16 mm counts as sinus, whatever is aimed at."""
    found = anatomy_of(request(**question))
    assert found.rules["kidney_sinus"].name == "renal sinus"
    middle = found.grid.to_voxel((60.0, 20.0, 0.0))
    at = np.argwhere(found.zones["kidney_sinus"])[:, ::-1]
    assert len(at) > 0
    assert np.linalg.norm((at - middle) * found.grid.spacing_mm, axis=1).max() < 40
    assert found.tissue.mask("kidney_sinus").sum() == found.zones["kidney_sinus"].sum()


def _ball(volume: Volume, middle: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    k, j, i = np.indices(volume.hu.shape)
    return np.linalg.norm(volume.grid.to_patient(np.stack([i, j, k], -1)) - middle, axis=-1) <= radius_mm


def test_a_target_asked_for_after_another_finds_the_same_anatomy_as_when_asked_first() -> None:
    """Also the same entries: they must not depend on how the scan was cropped for the first target."""
    volume, structures = patient()
    second = request(target_mask=("ball", _ball(volume, (66.0, 26.0, -30.0), 9.0)), samples=4)
    kept = Planner(volume, structures)
    kept.plan(request(samples=2))
    fresh = Planner(volume, structures)
    one, other = kept.plan(second), fresh.plan(second)
    assert one.judged == other.judged
    assert one.rejected == other.rejected
    assert one.paths
    for mine, theirs in zip(one.paths, other.paths, strict=True):
        assert mine.clearances_mm == pytest.approx(
            theirs.clearances_mm, abs=1e-9
        )  # another origin, other rounding
        assert mine.risk.sample == pytest.approx(theirs.risk.sample, abs=1e-4)


def test_values_of_another_department_are_not_taken_for_those_kept() -> None:
    planner = Planner(*patient())
    asked = request(samples=6)
    first = planner.plan(asked)
    bowel = next(group for group in asked.protocol.keep_clear if group.name == "bowel")
    wider = replace(bowel, margin_mm=replace(bowel.margin_mm, value=bowel.margin_mm.value + 9))
    groups = tuple(wider if group is bowel else group for group in asked.protocol.keep_clear)
    second = planner.plan(replace(asked, protocol=replace(asked.protocol, keep_clear=groups)))
    assert {p.required_mm["colon"] for p in first.paths} == {10}
    assert {p.required_mm["colon"] for p in second.paths} == {19}


def test_kept_surroundings_serve_a_target_whose_needle_cannot_leave_them() -> None:
    asked = request(target_point_lps_mm=(62.0, 22.0, -20.0))
    volume, structures = patient()
    region = find_target(asked, volume, structures)
    short = replace(asked.protocol.needle(asked.needle_name), length_mm=40.0)
    found = build_anatomy(asked, short, volume, structures, region)
    assert found.body.size < 0.7 * volume.hu.size
    for by_mm, served in ((0.0, True), (10.0, True), (30.0, False)):
        there = request(target_point_lps_mm=(62.0 - by_mm, 22.0, -20.0))
        assert found.covers(find_target(there, volume, structures), short, volume.grid) == served
    assert not found.covers(region, replace(short, length_mm=65.0), volume.grid)


def test_the_body_is_the_same_in_a_small_crop_as_in_the_whole_scan() -> None:
    """A crop that lies almost wholly in the patient: the little air at its rim must still be air."""
    volume, structures = patient()
    asked = request(needle="18G gun 150 mm throw 11 mm", target_point_lps_mm=(62.0, 22.0, -20.0))
    short = replace(asked.protocol.needle(asked.needle_name), length_mm=60.0)
    region = find_target(asked, volume, structures)
    found = build_anatomy(asked, short, volume, structures, region)
    whole = build_anatomy(asked, replace(short, length_mm=400.0), volume, structures, region)
    assert whole.body.size > 2 * found.body.size
    assert (~found.body).mean() < 0.5  # or the case shows nothing
    assert (~found.body).any()
    low = np.array(found.box.low_ijk) - whole.box.low_ijk
    part = Box(tuple(low), tuple(low + np.array(found.grid.size_ijk)))  # type: ignore[arg-type]
    assert np.array_equal(found.body, whole.body[part.slices_kji])


def test_air_in_the_needles_way_is_what_lies_more_than_two_voxels_off_the_body() -> None:
    found = anatomy_of(request())
    outside = found.tissue.mask(OUTSIDE)
    assert outside.any()
    assert not (outside & found.body).any()
    # along any row, the two voxels next to the body are not yet outside
    k, j, i = np.argwhere(outside)[len(np.argwhere(outside)) // 2]
    assert not found.body[k, max(j - 2, 0) : j + 3, i].any()


def test_a_target_put_into_a_tissue_map_is_there_and_changes_nothing_else() -> None:
    asked = request(target_point_lps_mm=(62.0, 22.0, -20.0))
    volume, structures = patient()
    region = find_target(asked, volume, structures)
    found = anatomy_of(asked)
    box = Box.around(found.grid, region.grid.corners_lps_mm(), 12.0)
    tissue = with_target(found.tissue, region.mask, region.grid, box)
    assert tissue.mask(TARGET).sum() == region.mask.sum()
    middle = tissue.grid.to_patient(np.argwhere(tissue.mask(TARGET)).mean(axis=0)[::-1])
    assert np.allclose(middle, region.centre_lps_mm, atol=1e-6)
    for name in tissue.names:
        if name != TARGET:
            assert np.array_equal(tissue.mask(name), found.tissue.mask(name)[box.slices_kji])


def test_labels_named_as_a_zone_or_as_the_target_confuse_nothing() -> None:
    """A drawn canal counts instead of a derived one; a structure called "target" is not what is aimed at."""
    volume, structures = patient()
    canal = structures.mask("spinal_cord")
    drawn = {"spinal_canal": canal, "target": structures.mask("colon"), "kidney_sinus": canal & False}
    named = StructureSet(structures.grid, structures.labels, structures.label_names, drawn)
    asked = request(target_point_lps_mm=(66.0, 26.0, -30.0), samples=1)
    found = anatomy_of(asked, (volume, named))
    assert "spinal_canal" not in found.zones
    assert np.array_equal(found.tissue.mask("spinal_canal"), canal[found.box.slices_kji])
    plan = Planner(volume, named).plan(asked)
    assert plan.paths
    assert min(path.measures["notch_in_target_mm"] for path in plan.paths) >= 2
    assert "kidney_sinus" not in plan.paths[0].clearances_mm  # there is none to be measured
