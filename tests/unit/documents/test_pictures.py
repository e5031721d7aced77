"""The pictures of a plan show this plan: right place, right side, right names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.documents.hand_plans import phantom, plan, planned
from trocar.documents.numbering import host_of, numbered_structures, window_for
from trocar.documents.pictures import sheet_pictures
from trocar.imaging.render.plane import direction_letters
from trocar.imaging.render.window import BONE, SOFT_TISSUE
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import PlanTarget

LYING = ("axial_entry", "lying_entry", "lying_target")


@pytest.fixture(scope="module")
def case():
    volume, structures, made = phantom()
    return volume, structures, made, sheet_pictures(made, 0, volume, structures, error_radius_mm=6.0)


def edges(picture):
    right, down = picture.plane.right_lps, picture.plane.down_lps
    return " ".join(direction_letters(d) for d in (-right, right, -down, down))


def test_every_picture_is_there(case):
    assert set(case[3]) == {
        "oblique", "across", "needle_view", "surface", "axial_entry", "axial_target", "lying_entry", "lying_target",
        "coronal", "sagittal",
    }  # fmt: skip
    for picture in case[3].values():
        assert picture.pixels().shape == (picture.height_px, picture.width_px, 3)
        assert picture.alt
        assert picture.caption


def test_a_supine_plan_has_no_turned_pictures(case):
    volume, structures, made, _ = case
    names = set(sheet_pictures(replace(made, position="supine"), 0, volume, structures, only=LYING))
    assert names == {"axial_entry"}


def test_sides_follow_the_convention(case):
    pictures = case[3]
    assert edges(pictures["axial_entry"]) == "R L A P"
    assert edges(pictures["axial_target"]) == "R L A P"
    assert edges(pictures["lying_entry"]) == "L R P A"
    assert edges(pictures["coronal"]) == "R L H F"
    assert edges(pictures["sagittal"]) == "A P H F"
    # the needle comes from above in the pictures that show the patient as they lie
    path = case[2].paths[0].path
    for name in ("oblique", "across", "lying_entry"):
        rows = pictures[name].plane.to_pixel([path.entry_lps_mm, path.tip_lps_mm])[:, 1]
        assert rows[0] < rows[1]


def test_slices_are_cut_where_they_say(case):
    made, pictures = case[2], case[3]
    path = made.paths[0].path
    sample = path.at(path.length_mm + made.needle.notch_centre_mm)
    assert pictures["axial_entry"].plane.depth_mm(path.entry_lps_mm) == pytest.approx(0)
    assert pictures["axial_target"].plane.depth_mm(sample) == pytest.approx(0)
    assert pictures["needle_view"].plane.depth_mm(path.tip_lps_mm) == pytest.approx(0)
    assert pictures["oblique"].plane.depth_mm([path.entry_lps_mm, sample]) == pytest.approx([0, 0])


def test_the_whole_needle_is_in_the_needle_pictures(case):
    made, pictures = case[2], case[3]
    path = made.paths[0].path
    for name in ("oblique", "across", "axial_entry", "coronal", "sagittal"):
        plane = pictures[name].plane
        pixels = plane.to_pixel([path.entry_lps_mm, path.fired_tip_lps_mm])
        assert (pixels > 20).all()
        assert (pixels < [plane.width_px - 20, plane.height_px - 20]).all()


@pytest.mark.parametrize("name", ["axial_target", "lying_target"])
def test_the_colon_is_dark_where_the_patients_left_front_is(case, name):
    plane, pixels = case[3][name].plane, case[3][name].pixels().astype(int)

    def grey(point):
        column, row = np.rint(plane.to_pixel(point)).astype(int)
        return pixels[row - 4 : row + 5, column - 4 : column + 5].mean()

    # the colon (black) lies at x = 95, y = -35; mirrored about the sample it would be at x = 45, or at y = 91
    assert grey([95.0, -35.0, -12.0]) < 10
    assert grey([45.0, -35.0, -12.0]) > 80


def test_numbers_are_the_same_in_all_pictures(case):
    _, structures, made, pictures = case
    numbers = numbered_structures(made, made.paths[0], structures)
    assert numbers["kidney_left"] == 1
    spoken = {1: "left kidney", numbers["colon"]: "colon", numbers["vertebrae_L3"]: "vertebra L3"}
    for picture in pictures.values():
        assert all(spoken[number] == name for number, name in picture.legend.items())


def test_what_was_not_judged_is_drawn_and_the_far_is_not():
    volume, structures, _ = phantom()
    many = {f"far_{n}": 80.0 + n for n in range(40)} | {"colon": None}
    made = plan(planned((75.0, 86.0, -25.0), (70.0, 28.0, -12.0), many))
    numbers = numbered_structures(made, made.paths[0], structures)
    assert numbers["colon"] == 2
    assert (
        "colon"
        in sheet_pictures(made, 0, volume, structures, only=("axial_entry",))["axial_entry"].legend.values()
    )


def test_the_host_of_the_target_is_found_by_its_samples():
    _, structures, made = phantom()
    target = PlanTarget(
        "lower pole cortex of kidney_left",
        "organ_pole",
        made.target.samples_lps_mm,
        made.target.centre_lps_mm,
    )
    assert host_of(replace(made, target=target), structures) == "kidney_left"
    away = replace(target, samples_lps_mm=np.full((3, 3), 9999.0))
    assert host_of(replace(made, target=away), structures) is None
    assert host_of(made, None) is None


def test_bone_is_shown_through_a_bone_window():
    volume, structures, made = phantom()
    assert window_for(made, volume, structures) is SOFT_TISSUE
    in_bone = np.array([[0.0, 60.0, 0.0]])
    lesion = PlanTarget("lesion", "mask", in_bone, in_bone[0])
    assert window_for(replace(made, target=lesion), volume, structures) is BONE
    assert window_for(replace(made, target=lesion), volume, None) is BONE
    assert window_for(replace(made, target=replace(lesion, kind="bone")), volume, None) is BONE


def test_a_picture_that_is_no_plan_says_so(case):
    volume, structures, made, _ = case
    none = replace(made, paths=(), nearest=made.paths)
    for picture in sheet_pictures(
        none, 0, volume, structures, not_a_plan=True, only=("oblique", "surface")
    ).values():
        assert picture.title.startswith("NOT A PLAN")
        assert picture.caption.startswith("NOT A PLAN") or "NOT A PLAN" in picture.title


def test_structures_on_another_grid_and_a_tiny_scan_have_their_pictures(case):
    volume, structures, made, _ = case
    finer = StructureSet(
        structures.grid.crop((10, 5, 3), (100, 70, 35)),
        structures.labels[3:35, 5:70, 10:100],
        structures.label_names,
        {},
    )
    assert (
        "colon"
        in sheet_pictures(made, 0, volume, finer, only=("axial_entry",))["axial_entry"].legend.values()
    )
    small = Volume(volume.hu[18:19], volume.grid.crop((0, 0, 18), (110, 78, 19)))
    assert len(sheet_pictures(made, 0, small, None)) == 10, "one slice"


def test_same_input_same_bytes(case):
    volume, structures, made, pictures = case
    again = sheet_pictures(made, 0, volume, structures, error_radius_mm=6.0)
    assert {n: p.png for n, p in pictures.items()} == {n: p.png for n, p in again.items()}


@pytest.mark.samples
def test_a_real_kidney_has_its_pictures(sample_ct, sample_structures):
    points = sample_structures.grid.to_patient(np.argwhere(sample_structures.mask("kidney_left"))[:, ::-1])
    low = points[points[:, 2] < np.quantile(points[:, 2], 0.2)].mean(axis=0)
    made = plan(
        planned(tuple(low + np.array([10.0, 75.0, -12.0])), tuple(low), {"colon": None, "spleen": 30.0})
    )
    pictures = sheet_pictures(made, 0, sample_ct, sample_structures, only=("axial_target", "lying_entry"))
    assert "left kidney" in pictures["axial_target"].legend.values()
    assert "colon" in pictures["lying_entry"].legend.values()
