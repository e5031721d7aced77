"""The loops over cells against plain NumPy and SciPy."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from scipy import ndimage

from trocar.imaging.kernels.cells import (
    FAR,
    cell_means,
    flood_slices,
    padding_voxels,
    restore_skin,
    slice_distances,
    spread_labels,
    walls_around,
)
from trocar.imaging.kernels.diffusion import diffuse

EIGHT = np.ones((3, 3), bool)


def random_cells(seed: int, share: float, shape: tuple[int, int, int] = (3, 19, 23)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


def cell_of(size: int, factor: int, offset: int) -> np.ndarray:
    return (np.arange(size) + offset) // factor


@pytest.mark.parametrize(("fj", "fi", "oj", "oi"), [(1, 1, 0, 0), (2, 3, 0, 0), (3, 4, 2, 1), (4, 2, 1, 1)])
def test_cell_means_are_those_of_numpy(fj: int, fi: int, oj: int, oi: int) -> None:
    """Exactly: whole numbers are added and divided with floor in both."""
    hu = np.random.default_rng(1).integers(-3000, 3000, (3, 17, 22)).astype(np.int16)
    means, padded = cell_means(hu, fj, fi, oj, oi, -1000, 300, -1024)
    rows, columns = cell_of(17, fj, oj), cell_of(22, fi, oi)
    for j in range(means.shape[1]):
        for i in range(means.shape[2]):
            block = hu[:, rows == j][:, :, columns == i].reshape(3, -1).astype(np.int64)
            assert np.array_equal(means[:, j, i], np.clip(block, -1000, 300).sum(axis=1) // block.shape[1])
            assert np.array_equal(padded[:, j, i], 2 * (block < -1024).sum(axis=1) > block.shape[1])
    assert means.shape == (3, rows[-1] + 1, columns[-1] + 1)


def test_distances_are_shortest_ways() -> None:
    """Exactly: both count whole steps. The twin relaxes every step until nothing changes."""
    source = random_cells(2, 0.02)
    source[1] = False
    found = slice_distances(source, 7, 11, 13)
    for k in range(3):
        best = np.where(source[k], 0, FAR).astype(np.int64)
        while True:
            padded = np.pad(best, 1, constant_values=FAR)
            steps = [
                padded[1 + b : 1 + b + best.shape[0], 1 + a : 1 + a + best.shape[1]] + cost
                for b, a, cost in [
                    (0, 1, 7),
                    (0, -1, 7),
                    (1, 0, 11),
                    (-1, 0, 11),
                    (1, 1, 13),
                    (1, -1, 13),
                    (-1, 1, 13),
                    (-1, -1, 13),
                ]
            ]
            better = np.minimum(best, np.min(steps, axis=0))
            if np.array_equal(better, best):
                break
            best = better
        assert np.array_equal(np.minimum(best, FAR), found[k])
    assert (found[1] == FAR).all()


@pytest.mark.parametrize("steps", [0, 1, 4, 10_000])
def test_floods_are_dilations_within_what_is_allowed(steps: int) -> None:
    """Exactly: both are sets."""
    allowed, seeds = random_cells(3, 0.6), random_cells(4, 0.02)
    cross = ndimage.generate_binary_structure(2, 1)
    for found, start, free in zip(flood_slices(seeds, allowed, steps), seeds, allowed, strict=True):
        reached = start.copy()
        for _ in range(min(steps, 500)):
            reached |= ndimage.binary_dilation(reached, cross) & free
        assert np.array_equal(found, reached)


def test_labels_spread_in_the_order_of_a_queue() -> None:
    """Exactly: the twin is the same queue in plain Python."""
    rng = np.random.default_rng(5)
    labels = (rng.integers(1, 9, (2, 15, 18)) * (rng.random((2, 15, 18)) < 0.03)).astype(np.int32)
    allowed = rng.random((2, 15, 18)) < 0.7
    found = spread_labels(labels, allowed, 4)
    for k in range(2):
        spread = labels[k].copy()
        queue = deque((j, i, 0) for j, i in np.argwhere(labels[k]))
        while queue:
            j, i, step = queue.popleft()
            if step == 4:
                continue
            for b, a in ((j + 1, i), (j - 1, i), (j, i + 1), (j, i - 1)):
                if 0 <= b < 15 and 0 <= a < 18 and not spread[b, a] and allowed[k, b, a]:
                    spread[b, a] = spread[j, i]
                    queue.append((b, a, step + 1))
        assert np.array_equal(found[k], spread)


def plain_skin(
    hu: np.ndarray, cells: np.ndarray, fj: int, fi: int, oj: int, oi: int, skin_hu: int
) -> np.ndarray:
    """The skin of one slice from labelled regions instead of stacks."""
    rows, columns = cell_of(hu.shape[0], fj, oj), cell_of(hu.shape[1], fi, oi)
    full = cells[rows][:, columns]
    inner = ndimage.binary_erosion(cells, EIGHT, border_value=1)[rows][:, columns]
    outer = ndimage.binary_dilation(cells, EIGHT)[rows][:, columns]
    open_ = outer & ~inner
    dense = hu >= skin_hu
    regions, _ = ndimage.label(open_ & dense, EIGHT)
    beside = ndimage.binary_dilation(inner & dense, EIGHT)
    # Only dense voxels in cells of the body start from the inside.
    starts = np.unique(regions[beside & open_ & full])
    tissue = open_ & dense & np.isin(regions, starts[starts > 0])
    rest = open_ & full & ~tissue
    pockets, _ = ndimage.label(rest)
    leaks = ndimage.binary_dilation((~outer) | (outer & ~full & ~tissue))
    reached = np.unique(pockets[leaks & rest])
    return inner | tissue | (rest & ~np.isin(pockets, reached[reached > 0]))


@pytest.mark.parametrize(("fj", "fi", "oj", "oi"), [(1, 1, 0, 0), (3, 2, 0, 0), (4, 4, 2, 3)])
def test_the_skin_is_that_of_labelled_regions(fj: int, fi: int, oj: int, oi: int) -> None:
    """Exactly: both are sets of voxels. Blobs and noise at once, so that every rule is met."""
    rng = np.random.default_rng(6)
    cells_shape = ((40 - 1 + oj) // fj + 1, (44 - 1 + oi) // fi + 1)
    hu = (-500 + 400 * ndimage.gaussian_filter(rng.normal(size=(6, 40, 44)), (0, 3, 3)) * 9).astype(np.int16)
    hu += rng.integers(-150, 150, hu.shape).astype(np.int16)
    blobs = ndimage.gaussian_filter(rng.normal(size=(6, *cells_shape)), (0, 1.5, 1.5)) > 0
    blobs[0], blobs[1] = True, False
    found = restore_skin(hu, blobs, fj, fi, oj, oi, -500)
    for k in range(6):
        assert np.array_equal(found[k], plain_skin(hu[k], blobs[k], fj, fi, oj, oi, -500)), k
    assert found[0].all()
    assert not found[1].any()


def test_padding_is_what_lies_below_in_the_given_cells() -> None:
    """Exactly: both are sets."""
    hu = np.random.default_rng(8).integers(-3000, 0, (2, 13, 17)).astype(np.int16)
    cells = random_cells(9, 0.5, (2, 5, 6))
    full = cells[:, cell_of(13, 3, 1)][:, :, cell_of(17, 3, 0)]
    assert np.array_equal(padding_voxels(hu, cells, 3, 3, 1, 0, -1500), full & (hu < -1500))


def test_walls_are_counted_along_eight_directions() -> None:
    """Exactly: whole numbers in both."""
    wall, asked = random_cells(10, 0.04), random_cells(11, 0.5)
    found = walls_around(wall, asked, 60, 10, 12, 16)
    expected = np.zeros(wall.shape, int)
    for k, j, i in np.argwhere(asked):
        for b, a, step in (
            (0, 1, 10),
            (0, -1, 10),
            (1, 0, 12),
            (-1, 0, 12),
            (1, 1, 16),
            (1, -1, 16),
            (-1, 1, 16),
            (-1, -1, 16),
        ):
            way = [(j + n * b, i + n * a) for n in range(1, 60 // step + 1)]
            expected[k, j, i] += any(0 <= y < 19 and 0 <= x < 23 and wall[k, y, x] for y, x in way)
    assert np.array_equal(found, expected)


def test_diffusion_is_repeated_averaging() -> None:
    """To rounding of six products in another order: 1e-12."""
    rng = np.random.default_rng(12)
    start, free = rng.random((5, 7, 6)), rng.random((5, 7, 6)) < 0.7
    weights = [rng.random((5, 7, 6)) + 0.01 for _ in range(3)]
    value = start.copy()
    for _ in range(10):
        total, weight = np.zeros_like(value), np.zeros_like(value)
        for axis in range(3):
            low = [slice(None)] * 3
            high = [slice(None)] * 3
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            w = weights[axis][tuple(low)]
            total[tuple(low)] += w * value[tuple(high)]
            total[tuple(high)] += w * value[tuple(low)]
            weight[tuple(low)] += w
            weight[tuple(high)] += w
        value = np.where(free, total / weight, start)
    assert np.abs(diffuse(start, free, *weights, 10) - value).max() < 1e-12
    assert np.array_equal(diffuse(start, free, *weights, 9), diffuse(start, free, *weights, 10))
