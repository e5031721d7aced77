"""Bone with marrow, without contrast and without the spinal canal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.segmentation_dice import BONE, near_labels, union
from tests.unit.imaging.segmentation.trunk import mirrored, transposed
from trocar.geometry.grid import Grid
from trocar.imaging.segmentation.body import body_mask
from trocar.imaging.segmentation.bone import bone_mask
from trocar.imaging.segmentation.dice import dice
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

Bools = np.ndarray


def spine(spacing_mm: tuple[float, float, float] = (0.9, 1.2, 3.0)) -> tuple[Volume, Bools, Bools, Bools]:
    """A trunk with vertebrae (cortex, dark marrow, canal that is closed in half of the slices), aorta and two kidneys.

    Gives the volume, the bone with marrow, the canal, and what is full of contrast.
    """
    si, sj, sk = spacing_mm
    shape = (round(120 / sk), round(180 / sj), round(260 / si))
    matrix = np.diag([si, sj, sk, 1.0])
    matrix[:3, 3] = (-130, -90, 0)
    grid = Grid(shape, matrix)
    x = -130 + si * np.arange(shape[2])[None, None, :]
    y = -90 + sj * np.arange(shape[1])[None, :, None]
    z = sk * np.arange(shape[0])[:, None, None]
    all_ = np.ones(shape, bool)
    hu = np.full(shape, -1000.0)
    hu[(np.hypot(x / 125, y / 85) < 1) & all_] = -90
    hu[(np.hypot(x / 115, y / 75) < 1) & all_] = 50
    body = (np.hypot(x, y - 20) < 20) & all_
    marrow = (np.hypot(x, y - 20) < 17) & all_
    ring = (np.hypot(x, y - 52) < 15) & all_
    canal = (np.hypot(x, y - 52) < 10) & all_
    lamina = (z % 36) < 18
    hu[body] = 600
    hu[marrow] = 120
    hu[ring & lamina] = 500
    hu[canal] = 30
    contrast = ((np.hypot(x - 8, y + 18) < 12) | (np.hypot((np.abs(x) - 65) / 22, (y - 15) / 28) < 1)) & all_
    hu[contrast] = 320
    hu += np.random.default_rng(3).normal(0, 12, shape)
    bone = body | (ring & lamina & ~canal)
    return Volume(np.clip(hu, -1024, 3071).astype(np.int16), grid), bone, canal, contrast


@pytest.mark.parametrize("spacing_mm", [(0.9, 1.2, 3.0), (0.7, 0.7, 5.0), (2.0, 1.5, 2.0)], ids=str)
def test_bone_and_marrow_are_found_and_contrast_and_canal_are_not(
    spacing_mm: tuple[float, float, float],
) -> None:
    volume, bone, canal, contrast = spine(spacing_mm)
    found = bone_mask(volume, body_mask(volume))
    assert dice(found, bone) > 0.93
    assert found[canal].mean() < 0.1
    assert found[contrast].mean() < 0.02


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_array_gives_the_mirrored_bone(axis: int) -> None:
    """To a part in a thousand: floats are averaged in another order, and ties of spreading go the other way."""
    volume, *_ = spine()
    found = bone_mask(volume, body_mask(volume))
    other = mirrored(volume, axis)
    assert dice(np.flip(bone_mask(other, body_mask(other)), axis), found) > 0.999


def test_coronal_storage_changes_nothing() -> None:
    volume, *_ = spine()
    other = transposed(volume, (1, 0, 2))
    found = bone_mask(other, body_mask(other))
    assert np.array_equal(found.transpose(1, 0, 2), bone_mask(volume, body_mask(volume)))


def test_a_body_without_bone_has_none() -> None:
    volume, bone, *_ = spine()
    soft = Volume(np.where(bone | (volume.hu > 150), 50, volume.hu).astype(np.int16), volume.grid)
    assert not bone_mask(soft, body_mask(soft)).any()
    assert not bone_mask(soft, np.zeros(soft.hu.shape, bool)).any()


@pytest.mark.samples
def test_the_sample_agrees_with_its_labels(sample_ct: Volume, sample_structures: StructureSet) -> None:
    """Measured: Dice 0.878, 2.4 % of the canal (docs/segmentation.md)."""
    bone = bone_mask(sample_ct, body_mask(sample_ct))
    label = union(sample_structures, BONE)
    near = near_labels(label, sample_ct.grid.spacing_mm[::-1], 10.0)
    assert dice(bone & near, label) > 0.86
    assert bone[sample_structures.mask("spinal_cord")].mean() < 0.05
    kidneys = sample_structures.mask("kidney_left") | sample_structures.mask("kidney_right")
    assert bone[kidneys].mean() < 0.01


@pytest.mark.samples
def test_the_chest_agrees_with_its_labels(chest_ct: Volume, chest_structures: StructureSet) -> None:
    """Measured: Dice 0.794, 1.6 % of the canal; undiluted contrast in the veins counts as bone."""
    bone = bone_mask(chest_ct, body_mask(chest_ct))
    label = union(chest_structures, BONE)
    near = near_labels(label, chest_ct.grid.spacing_mm[::-1], 10.0)
    assert dice(bone & near, label) > 0.77
    assert bone[chest_structures.mask("spinal_cord")].mean() < 0.04
    for name in ("kidney_left", "kidney_right", "aorta", "spleen"):
        assert bone[chest_structures.mask(name)].mean() < 0.05, name


@pytest.mark.test_data
def test_oral_and_iv_contrast_do_not_become_bone(
    test_data: Path, read_series: Callable[[Path], Volume]
) -> None:
    """Of voxels as bright as contrast, those in front of the spine and inside the ribs are none of bone."""
    volume = read_series(test_data / "kidney_ct_crlm1006" / "dicom")
    bone = bone_mask(volume, body_mask(volume))
    ml = bone.sum() * np.prod(volume.grid.spacing_mm) / 1000
    assert 450 < ml < 850
    bowel = volume.hu[2:12, 140:300, 130:230] > 180
    assert bowel.sum() > 5000
    assert bone[2:12, 140:300, 130:230].mean() < 0.002
