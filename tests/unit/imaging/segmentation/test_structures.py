"""The set that `trocar segment` writes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.imaging.segmentation.trunk import mirrored, trunk
from trocar.errors import UsageError
from trocar.geometry.grid import Grid
from trocar.imaging.segmentation import segment
from trocar.imaging.segmentation.dice import dice
from trocar.imaging.segmentation.structures import side_of
from trocar.imaging.volume import Volume


def test_it_names_what_was_asked_for_and_tells_how_far_it_is() -> None:
    made = trunk()
    told: list[tuple[float, str]] = []
    found = segment(
        made.volume, ("bone", "bowel_gas"), progress=lambda share, name: told.append((share, name))
    )
    assert found.names == ("bone", "bowel_gas")
    assert found.grid is made.volume.grid
    assert found.mask("bone")[made.spine].mean() > 0.9
    assert told[0] == (0.0, "body")
    assert told[-1][0] == 1.0
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert "look at them before use" in found.notices[0]


def test_everything_and_a_sphere_at_once_and_the_same_twice() -> None:
    made = trunk()
    asked = {"lesion_point": (0.0, 60.0, -150.0), "lesion_radius_mm": 9.0, "lesion_is_sphere": True}
    first, second = segment(made.volume, **asked), segment(made.volume, **asked)
    assert first.names == ("body", "bone", "lung", "bowel_gas", "lesion")
    assert first.sha256 == second.sha256 != segment(made.volume).sha256
    assert dice(first.mask("lung"), made.lung) > 0.98


@pytest.mark.parametrize("shift_mm", [0.0, 400.0, -400.0])
def test_sides_are_the_patients_and_counted_from_the_middle_of_the_body(shift_mm: float) -> None:
    """+x is the patient's left, wherever the patient lies and however the array is stored."""
    made = trunk()
    matrix = made.volume.grid.voxel_to_patient.copy()
    matrix[0, 3] += shift_mm
    volume = Volume(made.volume.hu, Grid(made.volume.hu.shape, matrix))
    for stored, body in ((volume, made.body), (mirrored(volume, 2), made.body[:, :, ::-1])):
        assert side_of(stored, body, (shift_mm + 12.0, 0.0, -150.0)) == "left"
        assert side_of(stored, body, (shift_mm - 12.0, 0.0, -150.0)) == "right"


def test_wrong_questions_are_refused() -> None:
    made = trunk()
    with pytest.raises(UsageError, match="spleen cannot be found without labels"):
        segment(made.volume, ("body", "spleen"))
    with pytest.raises(UsageError, match="radius"):
        segment(made.volume, ("body",), lesion_point=(0, 0, 0))


@pytest.mark.samples
def test_both_kidneys_of_the_sample_get_their_sides(sample_ct: Volume, sample_structures: object) -> None:
    points = []
    for name in ("kidney_left", "kidney_right"):
        places = np.argwhere(sample_structures.mask(name))  # type: ignore[attr-defined]
        k, j, i = places[np.argmin(np.linalg.norm(places - np.percentile(places, 75, axis=0), axis=1))]
        points.append(sample_ct.grid.to_patient((i, j, k)))
    found = segment(sample_ct, (), kidney_points=points)
    assert found.names == ("kidney_left", "kidney_right")
    for name in found.names:
        assert dice(found.mask(name), sample_structures.mask(name)) > 0.85  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="same side"):
        segment(sample_ct, (), kidney_points=[points[0], points[0] + 1.0])
