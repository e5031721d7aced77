"""Lesions drawn into the sample CT: where they should be, soft, and marked synthetic."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.samples.lesions import DESCRIPTION, LESIONS, draw, lesion_files

pytestmark = pytest.mark.samples


@pytest.mark.parametrize("lesion", LESIONS, ids=lambda lesion: lesion.name)
def test_a_lesion_lies_in_its_bone_and_changes_nothing_else(
    lesion: object, sample_ct: Volume, sample_structures: StructureSet
) -> None:
    drawn, mask = draw(lesion, sample_ct, sample_structures)  # type: ignore[arg-type]
    bone = sample_structures.mask(lesion.bone)  # type: ignore[attr-defined]
    volume_ml = mask.sum() * np.prod(sample_ct.grid.spacing_mm) / 1000
    assert volume_ml == pytest.approx(4 / 3 * np.pi * lesion.radius_mm**3 / 1000, rel=0.25)  # type: ignore[attr-defined]
    assert (mask & bone).sum() / mask.sum() > 0.6
    assert np.array_equal(drawn.hu[~mask], sample_ct.hu[~mask])
    assert 20 < drawn.hu[mask].mean() < 70
    assert drawn.hu[mask].std() < 25
    again, _ = draw(lesion, sample_ct, sample_structures)  # type: ignore[arg-type]
    assert np.array_equal(again.hu, drawn.hu)
    assert drawn.source.kind == "synthetic"
    assert "SYNTHETIC" in drawn.source.description


def test_the_lesion_of_l3_lies_in_its_body_to_the_left(
    sample_ct: Volume, sample_structures: StructureSet
) -> None:
    lesion = next(each for each in LESIONS if each.name == "l3")
    _, mask = draw(lesion, sample_ct, sample_structures)
    centre = sample_ct.grid.to_patient(np.argwhere(mask).mean(axis=0)[::-1])
    points = sample_ct.grid.to_patient(np.argwhere(sample_structures.mask("vertebrae_L3"))[:, ::-1])
    assert centre[0] > points[:, 0].mean()
    assert centre[1] < np.median(points[:, 1])  # in front of the canal


def test_the_files_say_that_they_are_synthetic(sample_ct: Volume) -> None:
    files = lesion_files("l3")
    image = nibabel.load(files.ct)
    assert DESCRIPTION.encode() in bytes(image.header["descrip"])
    assert image.shape == sample_ct.grid.size_ijk
    assert "synthetic" in files.lesion.with_name("l3_lesion.csv").read_text()
    assert lesion_files("l3") == files
    with pytest.raises(KeyError):
        lesion_files("l9")
