"""The body's mask on trunks of known shape and on real scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tests.unit.imaging.segmentation.trunk import mirrored, transposed, trunk, turned
from trocar.geometry.grid import Box, Grid
from trocar.imaging.segmentation.body import body_mask, unscanned_mask
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume


def within_a_voxel(found: np.ndarray, true: np.ndarray) -> bool:
    """Whether both differ only in voxels that touch the true border (8 neighbours in the plane)."""
    box = np.ones((1, 3, 3), bool)
    inner = ndimage.binary_erosion(true, box, border_value=1)
    outer = ndimage.binary_dilation(true, box)
    return bool((found <= outer).all() and (found >= inner).all())


@pytest.mark.parametrize(
    "spacing_mm", [(1.6, 1.1, 4.0), (0.7, 0.7, 5.0), (3.0, 2.0, 3.0), (0.9, 1.7, 2.0)], ids=str
)
def test_it_is_the_trunk_to_a_voxel_without_table_blanket_and_tube(
    spacing_mm: tuple[float, float, float],
) -> None:
    made = trunk(spacing_mm)
    assert within_a_voxel(body_mask(made.volume), made.body)


def test_lungs_cut_by_the_last_slice_are_inside() -> None:
    made = trunk()
    assert made.lung[-1].any()
    assert body_mask(made.volume)[made.lung].all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_array_gives_exactly_the_mirrored_mask(axis: int) -> None:
    made = trunk((0.93, 1.13, 4.0))
    expected = np.flip(body_mask(made.volume), axis)
    assert np.array_equal(body_mask(mirrored(made.volume, axis)), expected)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_coronal_and_sagittal_storage_changes_nothing(order: tuple[int, int, int]) -> None:
    made = trunk((1.6, 1.1, 4.0))
    expected = body_mask(made.volume).transpose(order)
    assert np.array_equal(body_mask(transposed(made.volume, order)), expected)


def test_oblique_slices_change_nothing() -> None:
    made = trunk()
    assert np.array_equal(body_mask(turned(made.volume, 25, (1, 2, 0.5))), body_mask(made.volume))


@pytest.mark.parametrize("padding_hu", [-1024, -2048, -3024])
def test_padding_outside_the_circle_is_neither_body_nor_scanned(padding_hu: int) -> None:
    """The circle cuts the trunk at both flanks, as it does in a large patient."""
    made = trunk((1.0, 1.0, 4.0), width_mm=290.0)
    volume = made.volume.crop(Box((0, 10, 0), (290, 300, 40)))
    true = made.body[:, 10:300]
    hu = volume.hu.copy()
    y, x = np.ogrid[: hu.shape[1], : hu.shape[2]]
    centre, radius = (np.array(hu.shape[1:]) - 1) / 2, (min(hu.shape[1:]) - 1) / 2
    outside = np.hypot(y - centre[0], x - centre[1]) > radius
    hu[:, outside] = padding_hu
    volume = Volume(hu, volume.grid)
    body = body_mask(volume)
    assert (true & outside).any()
    assert not body[:, outside].any()
    assert within_a_voxel(body | outside, true | outside)
    unscanned = unscanned_mask(volume)
    assert unscanned[:, outside].mean() > 0.999
    # Measured noise may reach -1024 here and there beside the circle.
    assert unscanned[:, ~outside].mean() < (5e-3 if padding_hu == -1024 else 1e-12)


def test_air_cut_to_minus_1024_is_air_and_not_padding() -> None:
    made = trunk(noise_hu=0)
    hu = np.where(made.volume.hu < -950, -1024, made.volume.hu).astype(np.int16)
    volume = Volume(hu, made.volume.grid)
    assert within_a_voxel(body_mask(volume), made.body)
    assert not unscanned_mask(volume).any()


def test_metal_and_its_streaks_leave_no_hole() -> None:
    made = trunk((1.0, 1.0, 4.0))
    hu = made.volume.hu.copy()
    j, i = np.array(hu.shape[1:]) // 2
    hu[5:9, j : j + 12, i : i + 12] = 3000
    hu[5:9, j + 5, i - 60 : i + 60] = -1300
    hu[5:9, j + 2, 4:10] = 3000
    body = body_mask(Volume(hu, made.volume.grid))
    assert within_a_voxel(body, made.body)


def test_a_crop_inside_the_body_is_body_all_over() -> None:
    """Lung and bowel gas are cut open by the crop's sides and stay inside."""
    made = trunk((1.6, 1.1, 4.0))
    low = np.round(made.volume.grid.to_voxel((-60, -70, -196))).astype(int)
    high = np.round(made.volume.grid.to_voxel((62, 70, -44))).astype(int)
    box = Box(tuple(low), tuple(high))
    part = made.volume.crop(box)
    assert made.lung[box.slices_kji][:, :, [0, -1]].any()
    assert made.bowel_gas[box.slices_kji][:, :, -1].any()
    assert body_mask(part).all()


@pytest.mark.parametrize(
    ("low", "high"), [((-200, -20, -180), (30, 150, -60)), ((-50, -150, -196), (210, 60, -100))]
)
def test_a_crop_agrees_with_the_whole(low: tuple[int, int, int], high: tuple[int, int, int]) -> None:
    made = trunk((1.6, 1.1, 4.0))
    grid = made.volume.grid
    box = Box.around(grid, [low, high], 0.0)
    assert within_a_voxel(body_mask(made.volume.crop(box)), made.body[box.slices_kji])


def test_a_second_leg_is_body_and_the_gap_between_is_not() -> None:
    hu = np.full((20, 120, 240), -1000, np.int16)
    y, x = np.ogrid[:120, :240]
    legs = (np.hypot(y - 60, x - 60) < 45) | (np.hypot(y - 60, x - 165) < 40)
    hu[:, legs] = 40
    volume = Volume(hu, Grid(hu.shape, np.diag([1.0, 1.0, 5.0, 1.0])))
    assert within_a_voxel(body_mask(volume), np.broadcast_to(legs, hu.shape))


def test_the_gap_between_arm_and_trunk_is_outside_when_it_opens_in_other_slices() -> None:
    hu = np.full((30, 150, 260), -1000, np.int16)
    y, x = np.ogrid[:150, :260]
    trunk_, arm = np.hypot((y - 75) / 60, (x - 110) / 90) < 1, np.hypot(y - 75, x - 232) < 20
    hu[:, trunk_ | arm] = 40
    hand = (np.abs(x - 205) < 25) & ((np.abs(y - 50) < 8) | (np.abs(y - 100) < 8))
    hu[10:20, hand] = 40
    true = hu > 0
    true = np.broadcast_to(true, hu.shape)
    enclosed = (y > 65) & (y < 85) & (x > 202) & (x < 210)
    body = body_mask(Volume(hu, Grid(hu.shape, np.diag([1.2, 1.2, 5.0, 1.0]))))
    assert not body[15, enclosed & ~true[15]].any()


def test_nothing_but_air_gives_nothing_and_nothing_but_body_gives_all() -> None:
    grid = Grid((6, 40, 50), np.diag([2.0, 2.0, 4.0, 1.0]))
    assert not body_mask(Volume(np.full((6, 40, 50), -1000, np.int16), grid)).any()
    assert body_mask(Volume(np.full((6, 40, 50), 30, np.int16), grid)).all()


@pytest.mark.samples
def test_sample_labels_lie_inside_the_body(sample_ct: Volume, sample_structures: StructureSet) -> None:
    body = body_mask(sample_ct)
    labelled = np.zeros(body.shape, bool)
    for name in sample_structures.names:
        labelled |= sample_structures.mask(name)
    assert body[labelled].mean() > 0.9995
    assert 0.60 < body.mean() < 0.67


@pytest.mark.samples
def test_chest_labels_lie_inside_the_body(chest_ct: Volume, chest_structures: StructureSet) -> None:
    body = body_mask(chest_ct)
    assert chest_structures.labels is not None
    assert body[chest_structures.labels > 0].mean() > 0.9999
    assert not body[unscanned_mask(chest_ct)].any()
    parts, count = ndimage.label(body[::8])
    sizes = np.bincount(parts.ravel())[1:]
    assert sizes.max() > 0.999 * sizes.sum()
    assert count < 20
    # No hole in any slice: what is not body is connected to the slice's sides.
    for k in range(0, len(body), 19):
        holes = ndimage.binary_fill_holes(body[k]) & ~body[k]
        assert holes.sum() < 0.002 * body[k].sum()


@pytest.mark.test_data
@pytest.mark.parametrize("name", ["bone_ct_sts007", "bone_ct_sts018", "bone_ct_sts037"])
def test_scans_cropped_at_every_side_lose_no_tissue_and_keep_no_table(
    test_data: Path, name: str, read_series: Callable[[Path], Volume]
) -> None:
    volume = read_series(test_data / name / "dicom")
    body = body_mask(volume)
    tissue = ndimage.binary_opening(volume.hu > -150, np.ones((1, 9, 9), bool), iterations=1)
    largest = ndimage.label(tissue)[0]
    patient = largest == 1 + np.argmax(np.bincount(largest.ravel())[1:])
    assert body[patient].mean() > 0.999
    # Below the body there is the table, and air between both in most columns.
    last = volume.hu.shape[1] - 1 - np.argmax(body[:, ::-1], axis=1)
    assert (volume.hu[:, -1] > -500).sum() < 1 or not body[:, -1][:, :20].any()
    assert (last[body.any(axis=1)] < volume.hu.shape[1] - 1).mean() > 0.8
