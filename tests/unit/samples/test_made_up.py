"""The made-up patient is what the tests on it take it for."""

from __future__ import annotations

import numpy as np

from trocar.imaging.segmentation.body import body_mask
from trocar.samples.made_up import made_up_patient


def test_organs_lie_where_a_patient_has_them() -> None:
    volume, structures = made_up_patient()
    middle = {
        name: volume.grid.to_patient(np.argwhere(structures.mask(name))[:, ::-1]).mean(axis=0)
        for name in structures.names
    }
    assert middle["kidney_left"][0] > 0 > middle["kidney_right"][0]
    assert middle["spleen"][0] > middle["liver"][0]
    assert middle["vertebrae_L2"][2] > middle["vertebrae_L3"][2] > middle["vertebrae_L4"][2]
    assert middle["spinal_cord"][1] > middle["vertebrae_L3"][1] - 10
    assert middle["aorta"][1] < middle["vertebrae_L3"][1]  # LPS: smaller y is in front
    assert len(set(volume.grid.spacing_mm)) == 3


def test_every_organ_lies_in_the_body_and_the_table_does_not() -> None:
    volume, structures = made_up_patient()
    body = body_mask(volume)
    assert (structures.union(structures.names) & ~body).sum() == 0
    y = volume.grid.to_patient(np.argwhere(body)[:, ::-1])[:, 1]
    assert y.max() < 100
    table = np.argwhere(volume.hu == 100)[:, ::-1]
    assert volume.grid.to_patient(table)[:, 1].min() > 100


def test_it_is_the_same_every_time_and_says_what_it_is() -> None:
    one, other = made_up_patient()[0], made_up_patient()[0]
    assert np.array_equal(one.hu, other.hu)
    assert one.source.kind == "synthetic"
    assert "SYNTHETIC" in one.source.description
