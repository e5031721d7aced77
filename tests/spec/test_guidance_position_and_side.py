"""Under which guidance, in which position and on which side a biopsy is planned."""

from __future__ import annotations

from datetime import date

import pytest

from trocar.clinical.laterality import decide_side, side_in_name
from trocar.clinical.loading import load_protocol
from trocar.clinical.protocol import Guidance, TablePosition
from trocar.errors import UsageError
from trocar.planning.request import PlanRequest

TODAY = date(2026, 11, 23)


def test_a_kidney_is_biopsied_under_ultrasound_or_ct() -> None:
    assert load_protocol("kidney_biopsy").guidance == ("ultrasound", "ct")


def test_a_bone_is_biopsied_under_ct_or_x_ray() -> None:
    assert load_protocol("bone_biopsy").guidance == ("ct", "fluoroscopy")


@pytest.mark.parametrize(
    ("protocol", "guidance", "sentence"),
    [
        (
            "kidney_biopsy",
            "fluoroscopy",
            "Kidney biopsy is done under ultrasound or ct, not under fluoroscopy",
        ),
        ("bone_biopsy", "ultrasound", "Bone biopsy is done under ct or fluoroscopy, not under ultrasound"),
    ],
)
def test_any_other_guidance_is_refused_with_a_sentence(
    protocol: str, guidance: Guidance, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        PlanRequest(load_protocol(protocol), TODAY, side="left", guidance=guidance)


def test_a_kidney_is_biopsied_prone_unless_somebody_says_otherwise() -> None:
    request = PlanRequest(load_protocol("kidney_biopsy"), TODAY, side="left")
    assert request.position == "prone"


@pytest.mark.parametrize("position", ["prone", "supine", "left_lateral", "right_lateral"])
@pytest.mark.parametrize("protocol", ["kidney_biopsy", "bone_biopsy"])
def test_the_other_positions_are_allowed(protocol: str, position: TablePosition) -> None:
    assert PlanRequest(load_protocol(protocol), TODAY, side="left", position=position).position == position


def test_a_kidney_biopsy_always_has_a_side() -> None:
    with pytest.raises(UsageError, match="side"):
        PlanRequest(load_protocol("kidney_biopsy"), TODAY)


@pytest.mark.parametrize(
    ("structure", "side"),
    [
        ("kidney_left", "left"),
        ("hip_right", "right"),
        ("rib_left_12", "left"),  # the side stands in the middle
        ("rib_right_1", "right"),
        ("sacrum", None),
        ("vertebrae_L3", None),  # L is lumbar, not left
        ("leftover_lesion", None),
    ],
)
def test_the_name_of_a_structure_tells_its_side(structure: str, side: str | None) -> None:
    assert side_in_name(structure) == side


@pytest.mark.parametrize("target", ["hip_left", "rib_left_12", "femur_left"])
def test_a_side_that_contradicts_the_target_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match=f"right, but the target is {target}"):
        decide_side(load_protocol("bone_biopsy"), "right", target)
    with pytest.raises(UsageError, match=f"right, but the target is {target}"):
        PlanRequest(load_protocol("bone_biopsy"), TODAY, side="right", target_name=target)


def test_a_request_for_the_other_kidney_is_refused() -> None:
    with pytest.raises(UsageError, match="left, but the target is kidney_right"):
        PlanRequest(load_protocol("kidney_biopsy"), TODAY, side="left", target_name="kidney_right")


def test_a_paired_bone_brings_its_own_side() -> None:
    bone = load_protocol("bone_biopsy")
    assert decide_side(bone, None, "rib_left_12") == "left"
    assert decide_side(bone, "left", "rib_left_12") == "left"
    assert PlanRequest(bone, TODAY, target_name="hip_right").side == "right"


def test_a_vertebra_needs_no_side_and_takes_one_for_the_pedicle() -> None:
    bone = load_protocol("bone_biopsy")
    assert decide_side(bone, None, "vertebrae_L3") is None
    assert decide_side(bone, "left", "vertebrae_L3") == "left"


def test_a_paired_bone_without_a_side_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a side"):
        decide_side(load_protocol("bone_biopsy"), None, "femur_shaft")
