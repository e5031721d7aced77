"""The whole distance map against the distance to every voxel of the mask, one by one.

The kernel works in float32: squares up to 400^2 mm^2 carry 0.01 mm^2, so that distances are good to 1e-4 mm; on
phantoms of 60 mm it is 1e-5 mm.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from trocar.imaging.distance import distance_mm

SPACINGS = [(0.7, 1.1, 2.5), (3.0, 3.0, 3.0), (1.0, 2.0, 0.5)]


def slow(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """By definition, in float64."""
    points = np.argwhere(np.ones_like(mask))[:, ::-1] * spacing
    voxels = np.argwhere(mask)[:, ::-1] * spacing
    nearest = [np.sqrt(((voxels - p) ** 2).sum(axis=1).min()) if len(voxels) else np.inf for p in points]
    return np.array(nearest).reshape(mask.shape)


def phantoms() -> list[np.ndarray]:
    """Scattered voxels with empty slices, a single voxel in a corner, a slab, one slice, all, widths beside 32."""
    rng = np.random.default_rng(0)
    scattered = rng.random((11, 17, 45)) < 0.01
    scattered[3:7] = False
    corner = np.zeros((9, 14, 33), dtype=bool)
    corner[-1, 0, -1] = True
    slab = np.zeros((8, 12, 31), dtype=bool)
    slab[:, 5, :] = True
    one = np.zeros((1, 20, 64), dtype=bool)
    one[0, 3:6, 60] = True
    return [scattered, corner, slab, one, np.ones((3, 4, 5), dtype=bool), rng.random((7, 40, 3)) < 0.3]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_same_as_by_definition(spacing: tuple[float, float, float]) -> None:
    for mask in phantoms():
        fast = distance_mm(mask, np.array(spacing))
        assert fast.dtype == np.float32
        assert np.abs(fast - slow(mask, np.array(spacing))).max() < 1e-5


def test_an_empty_mask_is_infinitely_far() -> None:
    assert np.isinf(distance_mm(np.zeros((3, 4, 5), dtype=bool), np.ones(3))).all()


def test_views_and_axes_are_taken_as_they_are() -> None:
    """A mask that is cut out of, or laid across, a larger array gives the map of what it shows."""
    mask = np.random.default_rng(3).random((9, 13, 40)) < 0.02
    spacing = np.array([0.5, 1.5, 4.0])
    whole = distance_mm(mask, spacing)
    assert np.array_equal(distance_mm(np.pad(mask, 2)[2:-2, 2:-2, 2:-2], spacing), whole)
    assert np.abs(distance_mm(mask.transpose(2, 1, 0), spacing[::-1]).transpose(2, 1, 0) - whole).max() < 1e-5
    assert np.abs(distance_mm(mask[::-1, :, ::-1], spacing)[::-1, :, ::-1] - whole).max() < 1e-5


def test_same_bits_for_any_thread_count() -> None:
    mask = np.random.default_rng(5).random((30, 60, 70)) < 0.003
    before = numba.get_num_threads()
    maps = []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            maps.append(distance_mm(mask, np.array([0.7, 0.7, 2.5])))
    finally:
        numba.set_num_threads(before)
    assert maps[0].tobytes() == maps[1].tobytes()
