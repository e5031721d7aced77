"""Distance fields and whole maps against distances from every voxel box, taken one by one."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from tests.parity.slow_twins import boxes_of, point_to_boxes
from trocar.geometry.grid import Grid
from trocar.imaging.distance import ClearanceFields, lattice_refinement
from trocar.imaging.tissue import TissueMap

SPACINGS = [(0.7, 0.7, 2.5), (3.0, 3.0, 3.0), (1.3, 0.6, 1.0)]


def tissue(spacing: tuple[float, float, float], seed: int = 0, n: int = 4) -> TissueMap:
    """Blobs, a thin wall, single voxels, overlapping; ``n`` structures on 14 x 22 x 26 voxels."""
    rng = np.random.default_rng(seed)
    shape = (14, 22, 26)
    k, j, i = np.indices(shape)
    masks = {}
    for s in range(n):
        mask = np.zeros(shape, dtype=bool)
        if s % 4 == 0:
            c = rng.uniform(0.2, 0.8, 3) * shape
            mask = ((k - c[0]) / 3) ** 2 + ((j - c[1]) / 5) ** 2 + ((i - c[2]) / 5) ** 2 < 1
        elif s % 4 == 1:
            mask[:, int(rng.integers(3, 19)), :] = True
            mask[4:7] = False
        elif s % 4 == 2:
            mask[tuple(rng.integers(0, m, 6) for m in shape)] = True
        else:
            mask = (i + j > 38) & (k > 8)
        masks[f"s{s:02d}"] = mask
    grid = Grid(shape, np.diag([*spacing, 1.0]))
    return TissueMap.build(grid, None, {}, masks, list(masks))


def lattice_points(
    fields: ClearanceFields, rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Random points of the built lattice: indices (n, 3) into ``data`` as (i, j, k), and their grid mm."""
    at = rng.integers(0, fields.high - fields.low, (n, 3))
    return at, fields.low_mm + at * fields.step_mm


@pytest.mark.parametrize("spacing", SPACINGS)
def test_lattice_points_are_exact_to_half_a_quantum(spacing: tuple[float, float, float]) -> None:
    """The nearest point of a box to a lattice point is a lattice point: only rounding is left, half a quantum of
    0.1 mm either way, and 0.025 mm for three squares rounded to 1/32767 of the squared reach."""
    t = tissue(spacing)
    fields = ClearanceFields(t, {n: (n,) for n in t.names}, cap_mm=12.0)
    extent = (np.array(t.grid.size_ijk) - 0.5) * t.spacing_mm
    fields.cover(-t.spacing_mm / 2, extent)
    at, points = lattice_points(fields, np.random.default_rng(1), 150)
    for s, name in enumerate(t.names):
        slow = np.minimum(point_to_boxes(points, *boxes_of(t.mask(name), t.spacing_mm)), fields.reach_mm)
        fast = fields.data[0, at[:, 2], at[:, 1], at[:, 0], s] * fields.quantum_mm
        assert np.abs(fast - slow).max() <= 0.075


def test_growing_a_field_gives_the_same_bits_as_building_it_whole() -> None:
    t = tissue((0.7, 0.9, 2.5), seed=3)
    whole = ClearanceFields(t, {n: (n,) for n in t.names}, 8.0)
    extent = (np.array(t.grid.size_ijk) - 0.5) * t.spacing_mm
    whole.cover(-t.spacing_mm / 2, extent)
    grown = ClearanceFields(t, {n: (n,) for n in t.names}, 8.0)
    assert grown.cover(np.array([5.0, 6.0, 10.0]), np.array([8.0, 9.0, 15.0]))
    assert not grown.cover(np.array([5.5, 6.5, 11.0]), np.array([8.0, 9.0, 12.0]))
    assert grown.cover(np.array([3.0, 7.0, 12.0]), np.array([12.0, 8.0, 25.0]))
    assert grown.cover(-t.spacing_mm / 2, extent)
    assert np.array_equal(grown.data, whole.data)


def test_more_structures_than_lanes() -> None:
    """Structure 17 and later lie in a second group and are none the worse for it."""
    t = tissue((1.0, 1.0, 2.0), seed=4, n=19)
    fields = ClearanceFields(t, {n: (n,) for n in t.names}, 10.0)
    fields.cover(np.zeros(3), np.array([15.0, 15.0, 15.0]))
    assert fields.data.shape[0] == 2
    at, points = lattice_points(fields, np.random.default_rng(2), 40)
    for s, name in enumerate(t.names):
        slow = np.minimum(point_to_boxes(points, *boxes_of(t.mask(name), t.spacing_mm)), fields.reach_mm)
        fast = fields.data[s // 16, at[:, 2], at[:, 1], at[:, 0], s % 16] * fields.quantum_mm
        assert np.abs(fast - slow).max() <= 0.075


def test_same_bits_for_any_thread_count() -> None:
    t = tissue((0.7, 0.7, 2.5), seed=6)
    built = []
    before = numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            fields = ClearanceFields(t, {n: (n,) for n in t.names}, 10.0)
            fields.cover(np.zeros(3), np.array([15.0, 15.0, 25.0]))
            built.append(fields.data)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(*built)


@pytest.mark.parametrize(
    "spacing", [(0.7, 0.7, 2.5), (3, 3, 3), (0.98, 0.98, 5), (0.5, 0.5, 0.5), (1, 1, 1), (2, 2, 2)]
)
def test_refined_lattices_are_fine_enough(spacing: tuple[float, float, float]) -> None:
    """Trilinear between exact distances to a corner errs by a quarter millimetre, 5 % more where its worst place is
    not quite the middle of the cell."""
    step = np.array(spacing) / lattice_refinement(np.array(spacing, dtype=float))
    share = np.random.default_rng(0).random((4000, 3))
    corners = np.array([(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    weights = np.prod(np.where(corners == 1, share[:, None], 1 - share[:, None]), axis=2)
    looked_up = weights @ np.linalg.norm(corners * step, axis=1)
    assert (looked_up - np.linalg.norm(share * step, axis=1)).max() <= 0.265


def test_lattice_follows_the_patient_not_the_file() -> None:
    """However the axes of 3 mm voxels are stored, the same patient axes are divided alike."""
    names = ["L", "P", "S"]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0], [0, 2, 1]):
        directions = np.eye(3)[:, order] * [1, -1, 1]
        parts = lattice_refinement(np.array([3.0, 3.0, 3.0]), directions)
        assert {names[axis]: n for axis, n in zip(order, parts, strict=True)} == {"L": 4, "P": 4, "S": 2}
