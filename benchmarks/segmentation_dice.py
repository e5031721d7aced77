"""How well the structures found without labels agree with the labels of the sample CTs.

    python -m benchmarks.segmentation_dice [--markdown]

The labels are themselves the work of a program (TotalSegmentator), drawn at 3 mm for the abdomen, and cover only
some structures; docs/segmentation.md says what is compared with what.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tests import samples_data
from trocar.errors import InputRefused
from trocar.imaging.segmentation.body import body_mask
from trocar.imaging.segmentation.bone import bone_mask
from trocar.imaging.segmentation.coarse import box_of
from trocar.imaging.segmentation.dice import dice
from trocar.imaging.segmentation.gas import bowel_gas_mask, lung_mask
from trocar.imaging.segmentation.kidney import kidney_from_click
from trocar.imaging.structures import Mask, StructureSet
from trocar.imaging.volume import Volume

BONE = (
    "vertebrae_",
    "rib_",
    "hip_",
    "femur_",
    "humerus_",
    "scapula_",
    "clavicula_",
    "sacrum",
    "sternum",
    "skull",
)
BOWEL = ("colon", "small_bowel", "duodenum", "stomach", "esophagus")


@dataclass(frozen=True)
class Row:
    """One line of the table: what was compared, Dice (median and least where there are several), and in words."""

    scan: str
    structure: str
    dice: float | None
    note: str


def union(structures: StructureSet, starts: tuple[str, ...]) -> Mask:
    """All structures whose names start with one of ``starts``, together."""
    together = np.zeros(structures.grid.shape_kji, bool)
    for name in structures.names:
        if name.startswith(starts):
            together |= structures.mask(name)
    return together


def near_labels(labelled: Mask, spacing_mm: np.ndarray, margin_mm: float) -> Mask:
    """The block of slices and columns that holds the labels, with a margin."""
    near = np.zeros(labelled.shape, bool)
    at = []
    for axis, spacing in enumerate(spacing_mm):
        held = np.flatnonzero(labelled.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(margin_mm / spacing))
        at.append(slice(max(0, held[0] - margin), held[-1] + 1 + margin))
    near[tuple(at)] = True
    return near


def clicks(kidney: Mask, depth_mm: float, spacing_mm: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Random voxels (count, 3) as (i, j, k), at least ``depth_mm`` under the label's surface."""
    box = box_of(kidney)
    assert box is not None
    depth = ndimage.distance_transform_edt(np.pad(kidney[box.slices_kji], 1), sampling=spacing_mm)[
        1:-1, 1:-1, 1:-1
    ]
    inside = np.argwhere(depth >= depth_mm) + np.array(box.low_ijk[::-1])
    chosen = np.random.default_rng(seed).choice(len(inside), count, replace=False)
    return inside[chosen][:, ::-1]


def measure(scan: str, volume: Volume, structures: StructureSet, count: int = 12) -> list[Row]:
    """All rows of one scan."""
    spacing = volume.grid.spacing_mm[::-1]
    start = time.perf_counter()
    body = body_mask(volume)
    body_s = time.perf_counter() - start
    labelled = union(structures, ("",))
    covered = 100 * np.count_nonzero(body & labelled) / np.count_nonzero(labelled)
    rows = [
        Row(scan, "body", None, f"no label; holds {covered:.2f} % of all labelled voxels; {body_s:.2f} s")
    ]
    bone, label = bone_mask(volume, body), union(structures, BONE)
    near = near_labels(label, spacing, 10.0)
    canal = structures.mask("spinal_cord")
    rows.append(
        Row(
            scan,
            "bone",
            dice(bone & near, label),
            f"{100 * (bone & canal).sum() / canal.sum():.1f} % of canal filled",
        )
    )
    lung = lung_mask(volume, body)
    rows.append(Row(scan, "lung", dice(lung, union(structures, ("lung_",))), "windpipe not in the label"))
    gas, bowel = bowel_gas_mask(volume, body, lung), union(structures, BOWEL)
    empty = bowel & (volume.hu < -500)
    note = f"no label; holds {100 * (gas & empty).sum() / empty.sum():.0f} % of voxels below -500 HU in labelled bowel"
    rows.append(Row(scan, "bowel_gas", None, note))
    for side in ("left", "right"):
        name = f"kidney_{side}"
        kidney = structures.mask(name)
        found, refused = [], 0
        for i, j, k in clicks(kidney, 4.0, spacing, count, seed=11):
            try:
                found.append(dice(kidney_from_click(volume, volume.grid.to_patient((i, j, k))), kidney))
            except InputRefused:
                refused += 1
        note = f"{count} clicks, {refused} refused; least {min(found):.3f}, best {max(found):.3f}"
        rows.append(Row(scan, name, float(np.median(found)), note))
    return rows


def main(arguments: list[str]) -> None:
    """Print the table."""
    rows = measure("abdomen", samples_data.kidney_ct(), samples_data.kidney_structures())
    rows += measure("chest", samples_data.chest_ct(), samples_data.chest_structures())
    markdown = "--markdown" in arguments
    if markdown:
        print("| Scan | Structure | Dice | Note |\n| --- | --- | --- | --- |")
    for row in rows:
        value = "-" if row.dice is None else f"{row.dice:.3f}"
        if markdown:
            print(f"| {row.scan} | {row.structure} | {value} | {row.note} |")
        else:
            print(f"{row.scan:8} {row.structure:13} {value:>6}  {row.note}")


if __name__ == "__main__":
    main(sys.argv[1:])
