"""What a protocol answers about itself."""

from __future__ import annotations

import hashlib
from importlib import resources

import pytest

from trocar.clinical.loading import load_protocol
from trocar.clinical.protocol import NamedBone, OrganPole
from trocar.errors import UsageError


def test_sides_are_filled_in_both_ways() -> None:
    kidney = load_protocol("kidney_biopsy")
    assert kidney.resolve("kidney_{side}", "left") == "kidney_left"
    assert kidney.resolve("kidney_{other_side}", "left") == "kidney_right"
    assert kidney.resolve("kidney_{other_side}", "right") == "kidney_left"
    with pytest.raises(UsageError, match="side"):
        kidney.resolve("kidney_{side}", None)


def test_members_of_a_group_keep_the_order_of_the_labels_and_the_side() -> None:
    groups = {group.name: group for group in load_protocol("kidney_biopsy").keep_clear}
    names = ("colon", "kidney_right", "stomach", "kidney_left", "rib_left_12", "kidney_cyst_left")
    assert groups["bowel"].members(names, "left") == ("colon", "stomach")
    assert groups["other kidney"].members(names, "left") == ("kidney_right",)
    assert groups["other kidney"].members(names, "right") == ("kidney_left", "kidney_cyst_left")
    assert groups["cyst of this kidney"].members(names, "left") == ("kidney_cyst_left",)


def test_a_star_does_not_reach_into_another_organ() -> None:
    bone = load_protocol("bone_biopsy")
    (hit,) = [g.name for g in bone.keep_clear if g.members(["lung_lower_lobe_left"], None)]
    assert hit == "pleura and lung"
    assert [g.name for g in bone.keep_clear if g.members(["gluteus_maximus_left"], None)] == []


def test_needles_go_by_name_and_an_unknown_one_lists_the_rest() -> None:
    kidney = load_protocol("kidney_biopsy")
    assert kidney.needle().name == kidney.default_needle
    assert kidney.needle("18G gun 200 mm").length_mm == 200
    with pytest.raises(UsageError, match="18G gun 200 mm"):
        kidney.needle("20G gun")


def test_the_hash_is_of_the_files_bytes() -> None:
    content = (resources.files("trocar.clinical") / "protocols" / "bone_biopsy.yaml").read_bytes()
    assert load_protocol("bone_biopsy").sha256 == hashlib.sha256(content).hexdigest()


def test_target_rules_are_their_own_types() -> None:
    kidney, bone = load_protocol("kidney_biopsy").target, load_protocol("bone_biopsy").target
    assert isinstance(kidney, OrganPole)
    assert kidney.kind == "organ_pole"
    assert isinstance(bone, NamedBone)
    group = bone.group_of("vertebrae_L3")
    assert group is not None
    assert group.pedicle
    assert bone.group_of("spleen") is None


def test_the_first_sacral_vertebra_is_reached_like_the_sacrum() -> None:
    bone = load_protocol("bone_biopsy").target
    assert isinstance(bone, NamedBone)
    group = bone.group_of("vertebrae_S1")
    assert group is not None
    assert group.name == "sacrum"
