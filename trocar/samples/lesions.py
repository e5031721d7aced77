"""Synthetic lytic lesions drawn into a sample CT, for cases that no free data set has. Marked synthetic everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.geometry.grid import Grid
from trocar.imaging import nifti
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.samples.fetch import sample_folder, sample_path

Mask = NDArray[np.bool_]

SOFT_TISSUE_HU = 45
NOISE_HU = 12
LESION_SEED = 7
DESCRIPTION = "SAMPLE with a SYNTHETIC lytic lesion, not a patient"


@dataclass(frozen=True)
class LesionSample:
    """A lesion to draw: in which bone, where, how large.

    offset_mm: from the bone's reference point (see ``lesion_centre``), in LPS.
    """

    name: str
    bone: str
    radius_mm: float
    offset_mm: tuple[float, float, float]
    description: str


LESIONS = (
    LesionSample("l3", "vertebrae_L3", 8.0, (8.0, -2.0, 2.0), "lytic lesion in the body of L3, to the left"),
    LesionSample(
        "iliac_crest", "hip_left", 6.0, (0.0, 0.0, 0.0), "lytic lesion in the left posterior iliac crest"
    ),
)


@dataclass(frozen=True)
class LesionFiles:
    """Paths of one case: the CT with the lesion drawn in, the labels of the real CT, and the lesion's mask."""

    ct: Path
    structures: Path
    lesion: Path


def lesion_files(name: str) -> LesionFiles:
    """The files of a lesion sample; they are drawn when first asked for. KeyError for an unknown name."""
    lesion = {found.name: found for found in LESIONS}[name]
    folder = sample_folder() / "synthetic"
    files = LesionFiles(
        folder / f"{name}_ct.nii.gz", sample_path("abdomen_labels"), folder / f"{name}_lesion.nii.gz"
    )
    if not (files.ct.exists() and files.lesion.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        volume = nifti.read_volume(sample_path("abdomen_ct"))
        drawn, mask = draw(lesion, volume, nifti.read_structures(files.structures))
        nifti.write_volume(files.ct, drawn, DESCRIPTION)
        nifti.write_structures(
            files.lesion, StructureSet(volume.grid, None, {}, {f"synthetic_lesion_{name}": mask})
        )
    return files


def draw(lesion: LesionSample, volume: Volume, structures: StructureSet) -> tuple[Volume, Mask]:
    """The CT with the lesion, and its mask: a ball of soft tissue with noise, seeded."""
    bone = structures.mask(lesion.bone)
    centre = lesion_centre(lesion, bone, volume.grid)
    k, j, i = np.meshgrid(*(np.arange(n) for n in volume.grid.shape_kji), indexing="ij", sparse=True)
    ijk = volume.grid.to_voxel(centre)
    distance = np.sqrt(
        sum(
            ((axis - at) * mm) ** 2
            for axis, at, mm in zip((i, j, k), ijk, volume.grid.spacing_mm, strict=True)
        )
    )
    mask = distance <= lesion.radius_mm
    hu = volume.hu.copy()
    noise = np.random.default_rng(LESION_SEED).normal(SOFT_TISSUE_HU, NOISE_HU, int(mask.sum()))
    hu[mask] = np.rint(noise).astype(np.int16)
    source = replace(volume.source, kind="synthetic", description=DESCRIPTION)
    return Volume(hu, volume.grid, source), mask


def lesion_centre(lesion: LesionSample, bone: Mask, grid: Grid) -> NDArray[np.float64]:
    """In LPS mm: a vertebra's reference point is its body's thickest place, a hip's that of its posterior crest."""
    depth = ndimage.distance_transform_edt(bone, sampling=grid.spacing_mm[::-1])
    found = np.argwhere(bone)
    points = grid.to_patient(found[:, ::-1])
    if lesion.bone.startswith("hip"):
        # the crest: the upper third of the bone's height and, of that, the posterior quarter
        high = points[:, 2] > np.quantile(points[:, 2], 0.66)
        back = points[:, 1] > np.quantile(points[high, 1], 0.75)
        chosen = high & back
    else:
        chosen = np.ones(len(points), bool)
    inside = depth[tuple(found[chosen].T)]
    return np.asarray(points[chosen][int(np.argmax(inside))] + np.array(lesion.offset_mm))
