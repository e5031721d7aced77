"""What the needle keeps away from, and by how much (millimetres from its axis, throw included)."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.protocol import KeepClear, NamedBone
from trocar.imaging.label_tables import TOTALSEGMENTATOR_TOTAL

NOBODY_MINDS = ("gluteus_*", "autochthon_*", "iliopsoas_*")
"""Muscles: a needle goes through them."""

OUT_OF_REACH = {
    "kidney_biopsy": tuple(
        """
        esophagus trachea thyroid_gland prostate heart pulmonary_vein brachiocephalic_trunk brain skull sternum
        superior_vena_cava subclavian_artery_* common_carotid_artery_* brachiocephalic_vein_* atrial_appendage_*
        humerus_* scapula_* clavicula_* femur_*
        """.split()  # noqa: SIM905
    ),
    "bone_biopsy": (),
}
"""Labels that a needle of this procedure cannot come near."""


def group_of(protocol: str, structure: str, side: str = "left") -> KeepClear | None:
    groups = load_protocol(protocol).keep_clear
    return next((g for g in groups if g.members([structure], side)), None)  # type: ignore[arg-type]


def margin_mm(protocol: str, structure: str) -> float:
    group = group_of(protocol, structure)
    assert group is not None
    assert group.crossing == "forbidden"
    return group.margin_mm.value


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_labelled_structure_has_been_thought_about(protocol: str) -> None:
    """Each is kept clear of, is the target itself, is muscle, or is listed above as out of reach."""
    target = load_protocol(protocol).target
    own = ["kidney_left"] if protocol == "kidney_biopsy" else []
    fine = [*own, *NOBODY_MINDS, *OUT_OF_REACH[protocol]]
    forgotten = [
        name
        for name in TOTALSEGMENTATOR_TOTAL.values()
        if group_of(protocol, name) is None and not any(fnmatchcase(name, glob) for glob in fine)
    ]
    assert forgotten == []
    assert isinstance(target, NamedBone) == (protocol == "bone_biopsy")


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_pattern_means_something(protocol: str) -> None:
    """A slip in a structure's name would silently protect nothing."""
    loaded = load_protocol(protocol)
    known = [*TOTALSEGMENTATOR_TOTAL.values(), *(zone.name for zone in loaded.zones)]
    other_programs = {"femoral_artery_*", "femoral_vein_*"}
    seen_by_density = {"bone", "lung", "bowel_gas"}
    for group in loaded.keep_clear:
        for glob in set(group.structures) - other_programs - seen_by_density:
            alone = KeepClear(group.name, (glob,), group.margin_mm, "counted", False, False, False, "")
            assert alone.members(known, "left"), (group.name, glob)


@pytest.mark.parametrize(
    ("structure", "least_mm"),
    [
        ("colon", 10),
        ("small_bowel", 10),
        ("lung_lower_lobe_left", 20),  # the pleural recess reaches below the lung
        ("spleen", 10),
        ("liver", 5),
        ("aorta", 5),
        ("inferior_vena_cava", 5),
        ("kidney_sinus", 5),  # for the whole throw
        ("kidney_right", 20),  # the other kidney
        ("spinal_cord", 10),
        ("rib_left_12", 3),
        ("below_ribs", 1.5),  # the zone itself holds the distance to the artery
    ],
)
def test_a_left_kidney_path_keeps_clear(structure: str, least_mm: float) -> None:
    assert margin_mm("kidney_biopsy", structure) == least_mm


def test_the_kidney_that_is_biopsied_is_not_kept_clear_of() -> None:
    assert group_of("kidney_biopsy", "kidney_left", "left") is None
    assert group_of("kidney_biopsy", "kidney_right", "right") is None


@pytest.mark.parametrize(
    ("structure", "least_mm"),
    [
        ("spinal_cord", 3),
        ("spinal_canal", 3),
        ("nerve_foramina", 4),
        ("aorta", 5),
        ("iliac_artery_left", 5),
        ("colon", 10),
        ("lung_lower_lobe_left", 3),  # ribs lie against the pleura
        ("kidney_left", 5),
        ("vertebrae_L2", 2),  # a joint beside the target; the target itself is never among them
    ],
)
def test_a_bone_path_keeps_clear(structure: str, least_mm: float) -> None:
    assert margin_mm("bone_biopsy", structure) == least_mm


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_margin_always_holds_the_needles_own_radius(protocol: str) -> None:
    loaded = load_protocol(protocol)
    thickest_mm = max(needle.outer_diameter_mm for needle in loaded.needles) / 2
    assert all(group.margin_mm.value >= thickest_mm for group in loaded.keep_clear)


def test_bowel_and_pleura_move_with_the_position_and_bone_does_not() -> None:
    for protocol in builtin_protocols():
        moves = {group.name: group.mobile for group in load_protocol(protocol).keep_clear}
        assert moves["bowel"]
        assert moves["pleura and lung"]
        assert not moves["spinal canal"]
    assert {g.name: g.mobile for g in load_protocol("bone_biopsy").keep_clear}["kidneys"]


@pytest.mark.parametrize("group", ["bowel", "pleura and lung"])
@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_plan_warns_when_the_labels_show_no_bowel_or_lung(protocol: str, group: str) -> None:
    assert {g.name: g.wanted for g in load_protocol(protocol).keep_clear}[group]


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_sheet_lists_vessels_that_nobody_can_see(protocol: str) -> None:
    assert "intercostal, subcostal and lumbar vessels" in load_protocol(protocol).not_judged


def test_a_transpedicular_needle_leaves_a_millimetre_of_bone_on_each_side() -> None:
    """An 11G needle (3.05 mm) needs an inner pedicle of 5.05 mm; mean T5 has 3.90, mean L5 8.95 mm."""
    bone = load_protocol("bone_biopsy")
    (pedicle,) = [zone for zone in bone.zones if zone.kind == "pedicle"]
    needed_mm = bone.needle().outer_diameter_mm + 2 * pedicle.parameters["clearance_mm"].value
    assert needed_mm == pytest.approx(5.05)
    assert 3.90 < needed_mm < 8.95
