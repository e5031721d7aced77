"""Lung and bowel gas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.segmentation_dice import BOWEL, union
from tests.unit.imaging.segmentation.trunk import mirrored, transposed, trunk
from trocar.geometry.grid import Box
from trocar.imaging.segmentation.body import body_mask
from trocar.imaging.segmentation.dice import dice
from trocar.imaging.segmentation.gas import bowel_gas_mask, grown_mm, lung_mask
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume


@pytest.mark.parametrize("spacing_mm", [(1.6, 1.1, 4.0), (0.8, 0.8, 2.5)], ids=str)
def test_lung_is_lung_and_the_pocket_is_bowel(spacing_mm: tuple[float, float, float]) -> None:
    made = trunk(spacing_mm)
    body = body_mask(made.volume)
    lung = lung_mask(made.volume, body)
    gas = bowel_gas_mask(made.volume, body, lung)
    assert dice(lung, made.lung) > 0.99
    assert gas[made.bowel_gas].all()
    wall = grown_mm(made.bowel_gas, made.volume.grid.spacing_mm[::-1], 4.2)
    assert not gas[~wall].any()
    assert not (gas & lung).any()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mirrored_arrays_give_mirrored_masks(axis: int) -> None:
    """A feet-first order of slices is one of them: lung must be found at the head end, not at the last slice."""
    made = trunk()
    other = mirrored(made.volume, axis)
    body, other_body = body_mask(made.volume), body_mask(other)
    lung, other_lung = lung_mask(made.volume, body), lung_mask(other, other_body)
    assert np.array_equal(np.flip(other_lung, axis), lung)
    gas = bowel_gas_mask(made.volume, body, lung)
    assert np.array_equal(np.flip(bowel_gas_mask(other, other_body, other_lung), axis), gas)


def test_sagittal_storage_changes_nothing() -> None:
    made = trunk()
    other = transposed(made.volume, (2, 1, 0))
    found = lung_mask(other, body_mask(other))
    assert np.array_equal(found.transpose(2, 1, 0), lung_mask(made.volume, body_mask(made.volume)))


def test_a_crop_through_a_lung_is_still_lung() -> None:
    made = trunk()
    low = np.round(made.volume.grid.to_voxel((-70, -60, -180))).astype(int)
    high = np.round(made.volume.grid.to_voxel((70, 60, -45))).astype(int)
    box = Box(tuple(low), tuple(high))
    part = made.volume.crop(box)
    assert dice(lung_mask(part, body_mask(part)), made.lung[box.slices_kji]) > 0.97


def test_gas_that_lies_on_the_skin_is_not_bowel() -> None:
    made = trunk((1.0, 1.0, 4.0))
    hu = made.volume.hu.copy()
    j, i = np.argwhere(made.body[5])[-1]
    hu[3:9, j - 6 : j - 2, i - 10 : i + 10] = -1000
    volume = Volume(hu, made.volume.grid)
    body = body_mask(volume)
    gas = bowel_gas_mask(volume, body, lung_mask(volume, body))
    assert not gas[:, j - 7 : j, i - 12 : i + 12].any()
    assert gas[made.bowel_gas].all()


def test_no_body_no_gas() -> None:
    made = trunk()
    nothing = np.zeros(made.body.shape, bool)
    assert not lung_mask(made.volume, nothing).any()
    assert not bowel_gas_mask(made.volume, nothing, nothing).any()


def test_growing_is_by_true_distance() -> None:
    one = np.zeros((9, 9, 9), bool)
    one[4, 4, 4] = True
    grown = grown_mm(one, np.array([4.0, 1.0, 2.0]), 4.0)
    assert (grown.any(axis=(1, 2)).sum(), grown.any(axis=(0, 2)).sum(), grown.any(axis=(0, 1)).sum()) == (
        3,
        9,
        5,
    )
    assert not grown[5, 5, 4]


@pytest.mark.samples
def test_samples_agree_with_their_labels(
    sample_ct: Volume, sample_structures: StructureSet, chest_ct: Volume, chest_structures: StructureSet
) -> None:
    """Measured: lung 0.954 and 0.979; 99 % and 83 % of the gas in labelled bowel (docs/segmentation.md)."""
    for volume, structures, lung_floor, gas_floor in (
        (sample_ct, sample_structures, 0.94, 0.97),
        (chest_ct, chest_structures, 0.97, 0.80),
    ):
        body = body_mask(volume)
        lung = lung_mask(volume, body)
        assert dice(lung, union(structures, ("lung_",))) > lung_floor
        gas = bowel_gas_mask(volume, body, lung)
        bowel = union(structures, BOWEL)
        assert gas[bowel & (volume.hu < -500)].mean() > gas_floor
        assert bowel[gas & (volume.hu < -500)].mean() > 0.93


@pytest.mark.test_data
def test_a_feet_first_scan_has_two_lungs_at_the_head_end(
    test_data: Path, read_series: Callable[[Path], Volume]
) -> None:
    volume = read_series(test_data / "kidney_ct_crlm1006" / "dicom")
    body = body_mask(volume)
    lung = lung_mask(volume, body)
    assert 1800 < lung.sum() * np.prod(volume.grid.spacing_mm) / 1000 < 2700
    head = volume.grid.to_patient(np.argwhere(lung)[::97, ::-1])[:, 2]
    every = volume.grid.to_patient(np.argwhere(body)[::997, ::-1])[:, 2]
    assert np.median(head) > np.percentile(every, 70)
    gas = bowel_gas_mask(volume, body, lung)
    assert 60 < gas.sum() * np.prod(volume.grid.spacing_mm) / 1000 < 250
