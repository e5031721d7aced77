"""Which target is meant, what holds it, and whether it lies on the side that was said."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest

from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.errors import InputRefused, UsageError
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.request import PlanRequest
from trocar.planning.targeting import check_sides, check_target_side, find_target
from trocar.samples.made_up import made_up_patient


@cache
def patient() -> tuple[Volume, StructureSet]:
    return made_up_patient()


def request(protocol: str, **asked: object) -> PlanRequest:
    loaded = load_protocol(protocol)
    usable = effective(loaded, load_department(None)).for_planning("ct", loaded.default_needle)
    return PlanRequest(usable, date(2026, 1, 1), **asked)  # type: ignore[arg-type]


def ball(middle: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    volume, _ = patient()
    k, j, i = np.indices(volume.hu.shape)
    return np.linalg.norm(volume.grid.to_patient(np.stack([i, j, k], -1)) - middle, axis=-1) <= radius_mm


def renamed(names: dict[str, str]) -> StructureSet:
    _, structures = patient()
    table = {value: names.get(name, name) for value, name in structures.label_names.items()}
    return StructureSet(structures.grid, structures.labels, table, {})


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_kidney_protocol_aims_at_the_lower_pole_of_the_side(side: str) -> None:
    region = find_target(request("kidney_biopsy", side=side), *patient())
    assert region.kind == "organ_pole"
    assert region.hosts == (f"kidney_{side}",)
    assert (region.centre_lps_mm[0] > 0) == (side == "left")
    assert region.centre_lps_mm[2] < -20
    check_target_side(request("kidney_biopsy", side=side), region, patient()[1])


def test_a_vertebra_means_its_body_and_another_structure_itself() -> None:
    region = find_target(request("bone_biopsy", target_name="vertebrae_L3"), *patient())
    assert (region.name, region.kind, region.hosts) == ("body of vertebrae_L3", "bone", ("vertebrae_L3",))
    assert region.centre_lps_mm[1] == pytest.approx(22, abs=4)
    liver = find_target(request("bone_biopsy", target_name="liver"), *patient())
    assert liver.kind == "mask"
    assert "liver" in liver.hosts


def test_a_lesion_is_held_by_every_bone_with_a_tenth_of_it() -> None:
    lesion = ball((0.0, 22.0, 20.0), 8.0)  # across the disc of L3 and L2
    volume, structures = patient()
    region = find_target(request("bone_biopsy", target_mask=("lesion", lesion)), volume, structures)
    assert set(region.hosts) == {"vertebrae_L3", "vertebrae_L2"}
    masks = {name: structures.mask(name) for name in structures.names}
    one_a_file = StructureSet(structures.grid, None, {}, masks)
    again = find_target(request("bone_biopsy", target_mask=("lesion", lesion)), volume, one_a_file)
    assert set(again.hosts) == set(region.hosts)
    only = find_target(
        request("bone_biopsy", target_mask=("lesion", ball((0.0, 22.0, 8.0), 8.0))), *patient()
    )
    assert only.hosts == ("vertebrae_L3",)
    assert np.array_equal(region.mask.sum(), lesion.sum())


def test_a_point_in_a_bone_or_kidney_is_held_by_it_and_one_in_fat_by_nothing() -> None:
    point = request("bone_biopsy", target_point_lps_mm=(0.0, 22.0, 5.0))
    assert find_target(point, *patient()).hosts == ("vertebrae_L3",)
    assert find_target(request("bone_biopsy", target_point_lps_mm=(0.0, -60.0, 5.0)), *patient()).hosts == ()
    kidney = request("kidney_biopsy", side="right", target_point_lps_mm=(-60.0, 20.0, 5.0))
    assert find_target(kidney, *patient()).hosts == ("kidney_right",)


def test_questions_that_cannot_be_answered() -> None:
    with pytest.raises(UsageError, match="Say what to biopsy"):
        find_target(request("bone_biopsy"), *patient())
    with pytest.raises(InputRefused, match="hold no 'vertebrae_L9'; they hold kidney_left, kidney_right"):
        find_target(request("bone_biopsy", target_name="vertebrae_L9"), *patient())
    volume, structures = patient()
    bare = StructureSet(structures.grid, None, {}, {})
    with pytest.raises(InputRefused, match="they hold nothing"):
        find_target(request("bone_biopsy", target_name="vertebrae_L3"), volume, bare)


@pytest.mark.parametrize(
    "names",
    [
        {"kidney_left": "kidney_right", "kidney_right": "kidney_left"},
        {"liver": "spleen", "spleen": "liver"},
        {"kidney_left": "hip_right", "kidney_right": "hip_left"},
    ],
    ids=["kidneys", "liver and spleen", "hips"],
)
def test_swapped_left_and_right_are_refused(names: dict[str, str]) -> None:
    with pytest.raises(InputRefused, match=r"Left and right do not fit: .* lies to the right of"):
        check_sides(renamed(names))


def test_sound_labels_pass_with_one_of_a_pair_missing() -> None:
    check_sides(patient()[1])
    check_sides(renamed({"kidney_right": "kidney_cyst_right", "liver": "gallbladder"}))


def test_sides_are_compared_for_masks_as_for_labels() -> None:
    _, structures = patient()
    masks = {"kidney_left": structures.mask("kidney_right"), "kidney_right": structures.mask("kidney_left")}
    with pytest.raises(InputRefused, match="Left and right do not fit"):
        check_sides(StructureSet(structures.grid, None, {}, masks))


@pytest.mark.parametrize(("x", "wrong"), [(60.0, False), (-60.0, True), (-8.0, False)])
def test_a_target_on_the_other_side_of_the_spine_is_refused(x: float, wrong: bool) -> None:
    """Nearer to the midline than 10 mm nothing is said."""
    asked = request("kidney_biopsy", side="left", target_mask=("lesion", ball((x, 20.0, 0.0), 6.0)))
    region = find_target(asked, *patient())
    if wrong:
        with pytest.raises(
            InputRefused, match="lies on the patient's right, 60 mm from the midline, but the side"
        ):
            check_target_side(asked, region, patient()[1])
    else:
        check_target_side(asked, region, patient()[1])


def test_side_and_name_must_agree_and_paired_bones_need_a_side() -> None:
    with pytest.raises(UsageError, match="The side given is left, but the target is kidney_right"):
        request("kidney_biopsy", side="left", target_name="kidney_right")
    with pytest.raises(UsageError, match="needs a side"):
        request("kidney_biopsy")
    assert request("bone_biopsy", target_name="rib_right_9").side == "right"
    assert request("bone_biopsy", target_name="vertebrae_L3").side is None
