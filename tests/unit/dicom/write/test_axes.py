from __future__ import annotations

import numpy as np
import pytest

from tests.ct_factory import make_grid, oblique_directions, speckled_hu
from trocar.dicom.write.axes import turned


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("left_handed", [False, True])
def test_every_voxel_keeps_its_place_and_value(seed: int, left_handed: bool) -> None:
    grid = make_grid((3, 4, 5), directions=oblique_directions(seed, left_handed))
    values = speckled_hu(grid.shape_kji, seed)
    new_grid, turn = turned(grid)
    new_values = turn(values)
    assert new_values.shape == new_grid.shape_kji
    k, j, i = np.indices(new_values.shape)
    old_ijk = grid.to_voxel(new_grid.to_patient(np.stack([i, j, k], axis=-1)))
    old = np.rint(old_ijk).astype(int)
    np.testing.assert_allclose(old_ijk, old, atol=1e-9)
    np.testing.assert_array_equal(new_values, values[old[..., 2], old[..., 1], old[..., 0]])


@pytest.mark.parametrize("seed", range(6))
def test_slices_come_to_lie_as_an_axial_picture(seed: int) -> None:
    grid, _ = turned(make_grid((3, 4, 5), directions=oblique_directions(seed, left_handed=bool(seed % 2))))
    directions = grid.directions
    assert np.linalg.det(directions) > 0.999
    # no other assignment of axes is nearer to left, back and head
    assert np.trace(directions) >= max(
        np.trace(directions[:, list(p)]) for p in [(1, 0, 2), (0, 2, 1), (2, 1, 0)]
    )


def test_rows_follow_the_other_image() -> None:
    flipped = np.diag([-1.0, -1.0, 1.0])
    grid = make_grid((3, 4, 5), directions=flipped)
    wanted = np.array(
        [[-1.0, 0, 0], [0, 1.0, 0]]
    )  # as an enhanced CT may be stored: patient's left at the left
    new_grid, _ = turned(grid, wanted)
    np.testing.assert_allclose(new_grid.directions[:, :2].T, wanted, atol=1e-12)
    np.testing.assert_allclose(new_grid.directions[:, 2], np.cross(*wanted), atol=1e-12)
