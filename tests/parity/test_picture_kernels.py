"""The loops behind the pictures against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from trocar.imaging.kernels import raycasting, slicing

RNG = np.random.default_rng(11)
SHAPE = (17, 23, 29)
HEIGHT, WIDTH = 31, 37
LABELS = RNG.integers(0, 5, SHAPE).astype(np.uint8)
HU = RNG.integers(-1000, 2000, SHAPE).astype(np.int16)
# an oblique plane that leaves the voxels on all sides
ORIGIN = np.array([-3.3, -2.1, 1.7])
COLUMN = np.array([0.83, 0.21, 0.11])
ROW = np.array([-0.17, 0.79, 0.23])
STEP = np.array([0.13, -0.29, 0.71])


def indices(steps: int = 1):
    """Voxel indices (steps, height, width, 3) of every sample, and whether they lie in the voxels."""
    s, r, c = np.meshgrid(np.arange(steps), np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    ijk = ORIGIN + c[..., None] * COLUMN + r[..., None] * ROW + s[..., None] * STEP
    size = np.array(SHAPE[::-1])
    return ijk, ((ijk >= -0.5) & (ijk <= size - 0.5)).all(axis=-1)


def nearest_of(values, ijk):
    held = np.clip(np.floor(ijk + 0.5).astype(int), 0, np.array(SHAPE[::-1]) - 1)
    return values[held[..., 2], held[..., 1], held[..., 0]]


def test_nearest():
    """Equal to the bit: both look one voxel up."""
    ijk, inside = indices()
    expected = np.where(inside, nearest_of(LABELS, ijk), 0)[0]
    np.testing.assert_array_equal(slicing.nearest(LABELS, ORIGIN, COLUMN, ROW, HEIGHT, WIDTH), expected)


def test_share_of_label():
    """Within 1e-6: the same eight weights, summed in another order and given back as float32."""
    ijk, inside = indices()
    field = (LABELS == 3).astype(np.float64)
    expected = ndimage.map_coordinates(field, np.moveaxis(ijk[..., ::-1], -1, 0), order=1, mode="nearest")
    made = slicing.share_of_label(LABELS, 3, ORIGIN, COLUMN, ROW, HEIGHT, WIDTH)
    np.testing.assert_allclose(made, np.where(inside, expected, 0)[0], atol=1e-6)


def test_mean_through():
    """Within 0.001 HU: sums of whole numbers, divided once, given back as float32."""
    ijk, inside = indices(9)
    values = np.where(inside, nearest_of(HU, ijk), 0)
    count = inside.sum(axis=0)
    expected = np.where(count > 0, values.sum(axis=0) / np.maximum(count, 1), np.nan)
    made = slicing.mean_through(HU, ORIGIN, COLUMN, ROW, STEP, 9, HEIGHT, WIDTH)
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_shadows():
    """Equal to the bit: both look the same voxels up."""
    ijk, inside = indices(9)
    table = np.array([-1, 0, 1, -1, 2], dtype=np.int16)
    layer = np.where(inside, table[nearest_of(LABELS, ijk)], -1)
    expected = np.stack([(layer == n).any(axis=0) for n in range(3)]).astype(np.uint8)
    made = slicing.shadows(LABELS, table, 3, ORIGIN, COLUMN, ROW, STEP, 9, HEIGHT, WIDTH)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("factors", [(1, 1, 1), (2, 3, 4)])
def test_blocks(factors):
    """Shares equal to the bit (whole numbers); means within 0.001 HU (float32)."""
    fk, fj, fi = factors
    k, j, i = (n // f for n, f in zip(SHAPE, factors, strict=True))

    def blocks(values):
        return values[: k * fk, : j * fj, : i * fi].reshape(k, fk, j, fj, i, fi)

    table = np.array([-1, 0, 1, 0, -1], dtype=np.int16)
    counts = [np.isin(blocks(LABELS), np.flatnonzero(table == n)).sum(axis=(1, 3, 5)) for n in range(2)]
    expected = np.stack(counts) * 255 // (fk * fj * fi)
    np.testing.assert_array_equal(raycasting.block_shares(LABELS, table, 2, fk, fj, fi), expected)
    means = blocks(HU.astype(np.float64)).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(raycasting.block_means(HU, fk, fj, fi), means, atol=1e-3)


def plain_first_surface(field, into, length, step, level, height, width):
    """Every ray in small steps through the whole field; no leaps, no halving."""
    depths = np.arange(0.0, length, step)
    out = np.full((height, width), np.nan)
    for r in range(height):
        for c in range(width):
            points = RAY_ORIGIN + c * RAY_COLUMN + r * RAY_ROW + depths[:, None] * into
            values = ndimage.map_coordinates(field.astype(float), points[:, ::-1].T, order=1, mode="constant")
            met = np.flatnonzero(values >= level)
            if len(met):
                out[r, c] = depths[met[0]]
    return out


RAY_ORIGIN = np.array([-4.0, -3.0, -14.0])
RAY_COLUMN = np.array([1.0, 0.0, 0.1])
RAY_ROW = np.array([0.0, 0.9, 0.05])


def test_first_surface():
    """Within 0.1 mm of a search in steps of 0.02 mm: five halvings of a step of 0.9 mm leave 0.03 mm.

    At grazing edges the coarser steps may pass over a corner thinner than a step: at most 2 % of the rays.
    """
    shape = (24, 26, 28)
    k, j, i = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    spacing = np.array([1.5, 2.0, 2.5])
    balls = [((8, 9, 12), 9.0), ((19, 16, 10), 8.0)]
    distance = np.min(
        [
            np.linalg.norm((np.stack([i, j, k], axis=-1) - np.array(c)) * spacing, axis=-1) - radius
            for c, radius in balls
        ],
        axis=0,
    )
    field = np.clip(128 - 40 * distance, 0, 255).astype(np.uint8)
    into_mm = np.array([0.25, 0.15, 0.95])
    into = into_mm / np.linalg.norm(into_mm) / spacing
    leap = np.minimum(ndimage.distance_transform_cdt(field < 110, metric="chessboard"), 255).astype(np.uint8)
    made, normal = raycasting.first_surface(
        field, leap, spacing, RAY_ORIGIN, RAY_COLUMN, RAY_ROW, into, 150.0, 0.9, 110.0, 26, 26
    )
    expected = plain_first_surface(field, into, 150.0, 0.02, 110.0, 26, 26)
    assert np.count_nonzero(~np.isnan(expected)) > 150
    both = ~np.isnan(expected) & ~np.isnan(made)
    assert np.count_nonzero(np.isnan(expected) != np.isnan(made)) <= 0.02 * expected.size
    assert np.count_nonzero(np.abs(made - expected)[both] > 0.1) <= 0.02 * both.sum()
    # normals point out of the balls, against the rays
    assert ((normal[both] @ (into * spacing)) < 0.1).all()
    np.testing.assert_allclose(np.linalg.norm(normal[both], axis=-1), 1, atol=1e-5)


def test_strongest_layer():
    """Equal where the two greatest differ by more than rounding: the same trilinear sums in double precision."""
    fields = RNG.integers(0, 255, (3, *SHAPE)).astype(np.uint8)
    depth = np.full((HEIGHT, WIDTH), 2.0, dtype=np.float32)
    depth[0, 0] = np.nan
    into = np.array([0.05, 0.02, 0.4])
    start = np.array([1.0, 1.0, 2.0])
    column, row = np.array([0.6, 0.05, 0.0]), np.array([0.0, 0.55, 0.02])
    made = raycasting.strongest_layer(fields, depth, start, column, row, into)
    r, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    ijk = start + c[..., None] * column + r[..., None] * row + 2.0 * into
    values = np.stack(
        [
            ndimage.map_coordinates(f.astype(float), np.moveaxis(ijk[..., ::-1], -1, 0), order=1)
            for f in fields
        ]
    )
    ordered = np.sort(values, axis=0)
    clear = ordered[-1] - ordered[-2] > 1e-6
    clear[0, 0] = False
    assert made[0, 0] == -1
    np.testing.assert_array_equal(made[clear], values.argmax(axis=0)[clear])
