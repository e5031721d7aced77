"""Exact clearances against a plain twin that looks at every voxel.

Tolerance 1e-9 mm: twin and kernel compute the same minimum by different routes in double precision;
coordinates are below 1e3 mm, so that rounding stays near 1e3 * 2e-16 * a few operations, or 1e-12, and the
root of a squared distance of a touch (1e-24 mm2) stays near 1e-12 too.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trocar.geometry.grid import Box, Grid
from trocar.imaging.clearance import ClearanceIndex, clearances
from trocar.imaging.kernels.segment_distance import segment_box_distance
from trocar.imaging.structures import StructureSet

TOLERANCE_MM = 1e-9
Float = NDArray[np.float64]


def segment_boxes_plain(start_mm: Float, end_mm: Float, low_mm: Float, high_mm: Float) -> Float:
    """Distance from one segment to each box: the lowest point of every quadratic piece, compared."""
    step = end_mm - start_mm
    with np.errstate(divide="ignore", invalid="ignore"):
        breaks = np.concatenate([(low_mm - start_mm) / step, (high_mm - start_mm) / step], axis=1)
    breaks = np.clip(np.nan_to_num(breaks, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    ends = np.tile([0.0, 1.0], (len(low_mm), 1))
    knots = np.sort(np.concatenate([breaks, ends], axis=1), axis=1)
    middles = 0.5 * (knots[:, 1:] + knots[:, :-1])
    at_middle = start_mm + middles[..., None] * step
    below, above = at_middle < low_mm[:, None], at_middle > high_mm[:, None]
    face = np.where(below, low_mm[:, None], high_mm[:, None])
    outside = below | above
    slope_of_slope = (outside * step**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lowest = (outside * (face - start_mm) * step).sum(axis=-1) / slope_of_slope
    lowest = np.where(slope_of_slope > 0, lowest, middles)
    candidates = np.concatenate([knots, np.clip(lowest, knots[:, :-1], knots[:, 1:])], axis=1)
    points = start_mm + candidates[..., None] * step
    gap = np.maximum(np.maximum(low_mm[:, None] - points, points - high_mm[:, None]), 0.0)
    return np.asarray(np.linalg.norm(gap, axis=-1).min(axis=1))


def clearance_plain(mask: NDArray[np.bool_], grid: Grid, start_lps_mm: Float, end_lps_mm: Float) -> float:
    """Distance from one segment to the union of all voxel boxes of a mask."""
    kji = np.argwhere(mask)
    if not len(kji):
        return float("inf")
    centre_mm = kji[:, ::-1] * grid.spacing_mm
    half_mm = grid.spacing_mm / 2
    start, end = (grid.to_voxel(point) * grid.spacing_mm for point in (start_lps_mm, end_lps_mm))
    return float(segment_boxes_plain(start, end, centre_mm - half_mm, centre_mm + half_mm).min())


def oblique_grid(shape_kji: tuple[int, int, int], seed: int, mirrored: bool = False) -> Grid:
    """Unequal spacing, axes along nothing in particular."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if (np.linalg.det(turn) < 0) != mirrored:
        turn[:, 0] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = turn * (0.7, 1.3, 2.5)
    matrix[:3, 3] = (-120.0, 45.0, 300.0)
    return Grid(shape_kji, matrix)


def blobs(shape_kji: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """A label map of rough lumps with holes and single voxels; labels 1 to 6, 4 missing."""
    rng = np.random.default_rng(seed)
    kji = np.indices(shape_kji).reshape(3, -1).T
    labels = np.zeros(shape_kji, np.uint8)
    for value in (1, 2, 3, 5, 6):
        centre = rng.uniform(0, shape_kji)
        near = (((kji - centre) / rng.uniform(2, 6, 3)) ** 2).sum(axis=1) < 1
        labels.reshape(-1)[near & (rng.random(len(kji)) < 0.8)] = value
    labels[0, 0, 0] = labels[-1, -1, -1] = 6
    return labels


coordinate = st.floats(-50, 50).map(lambda x: round(x, 2))
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)
size = st.tuples(*[st.floats(0.1, 20).map(lambda x: round(x, 2))] * 3).map(np.array)


@settings(max_examples=300, deadline=None)
@given(start=point, end=point, low=point, sides=size, flat=st.sets(st.integers(0, 2)))
def test_one_box(start: Float, end: Float, low: Float, sides: Float, flat: set[int]) -> None:
    """Any segment: parallel to faces, of no length, inside, touching, or far."""
    for axis in flat:  # parallel to this axis' faces; all three: no length
        end[axis] = start[axis]
    fast = segment_box_distance(start, end, np.concatenate([low, low + sides]))
    assert fast == pytest.approx(
        segment_boxes_plain(start, end, low[None], (low + sides)[None])[0], abs=TOLERANCE_MM
    )


@pytest.mark.parametrize(
    ("start", "end", "distance"),
    [
        ((-3, 5, 5), (-3, 5, 5), 3.0),  # no length
        ((-3, -4, 5), (-3, -4, 50), 5.0),  # along an edge
        ((-3, -4, -12), (-9, -9, -90), 13.0),  # nearest at a corner and an end
        ((-1, 1, 5), (1, -1, 5), 0.0),  # through the edge itself
        ((0, -5, 5), (0, 20, 5), 0.0),  # in a face
        ((4, 4, 4), (5, 6, 7), 0.0),  # inside
        ((-2, 0, 5), (0, -2, 5), np.sqrt(2.0)),  # slanting past an edge
    ],
)
def test_one_box_by_hand(start: tuple[float, ...], end: tuple[float, ...], distance: float) -> None:
    box = np.array([0.0, 0, 0, 10, 10, 10])
    assert segment_box_distance(np.array(start, float), np.array(end, float), box) == pytest.approx(
        distance, abs=1e-12
    )


@pytest.mark.parametrize(("seed", "mirrored"), [(1, False), (2, True), (3, False)])
def test_structures(seed: int, mirrored: bool) -> None:
    """Labels and overlapping masks, oblique grid, unequal spacing; segments inside, through, and far."""
    shape = (14, 23, 31)
    grid = oblique_grid(shape, seed, mirrored)
    labels = blobs(shape, seed).astype([np.uint8, np.uint16, np.uint32][seed % 3])
    rng = np.random.default_rng(seed)
    masks = {"overlap": labels % 2 == 1, "empty": np.zeros(shape, bool), "all": np.ones(shape, bool)}
    structures = StructureSet(grid, labels, {v: f"label {v}" for v in range(1, 7)}, masks)
    names = tuple(rng.permutation(structures.names))
    starts = grid.to_patient(rng.uniform(-15, (46, 38, 29), (40, 3)))
    ends = starts + rng.normal(scale=12, size=(40, 3))
    ends[0] = starts[0]
    starts[1:4] += 800.0
    ends[1:3] += 800.0
    inside = grid.to_patient(np.argwhere(masks["overlap"])[:, ::-1])
    starts[4], ends[4] = inside[0], inside[0] + 0.01
    fast = clearances(structures, names, starts, ends)
    slow = [
        [clearance_plain(structures.mask(n), grid, s, e) for n in names]
        for s, e in zip(starts, ends, strict=True)
    ]
    np.testing.assert_allclose(fast, slow, rtol=0, atol=TOLERANCE_MM)
    assert np.isinf(fast[:, names.index("empty")]).all()
    assert np.isinf(fast[:, names.index("label 4")]).all()
    assert fast[4, names.index("overlap")] == 0.0
    assert (fast[1:3] > 500).all()


def test_one_voxel() -> None:
    """The smallest structure, beside a row that is wholly another one, at the grid's last voxel."""
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[2, 3, 4] = 2
    labels[2, 2, :] = 1
    grid = Grid(labels.shape, np.diag([1.0, 2.0, 4.0, 1.0]))
    structures = StructureSet(grid, labels, {1: "row", 2: "voxel"}, {})
    start, end = np.array([[4.0, 6.0, 20.0]]), np.array([[4.0, 6.0, 30.0]])
    assert clearances(structures, ["voxel", "row"], start, end).tolist() == [[10.0, np.hypot(10.0, 1.0)]]


def test_same_name_twice_and_order() -> None:
    labels = np.array([[[1, 0, 2]]], np.uint8)
    structures = StructureSet(Grid(labels.shape, np.eye(4)), labels, {1: "a", 2: "b"}, {"m": labels == 2})
    found = clearances(structures, ["b", "a", "b", "m"], [[-2, 0, 0]], [[-1, 0, 0]])
    assert found.tolist() == [[2.5, 0.5, 2.5, 2.5]]


def test_only_the_box_is_seen() -> None:
    labels = np.array([[[1, 0, 0, 1]]], np.uint8)
    structures = StructureSet(Grid(labels.shape, np.eye(4)), labels, {1: "a"}, {"m": labels == 1})
    index = ClearanceIndex.build(structures, ["a", "m"], Box((1, 0, 0), (4, 1, 1)))
    assert index.clearances([[0, 0, 0]], [[0.5, 0, 0]]).tolist() == [[2.0, 2.0]]
    nothing = ClearanceIndex.build(structures, ["a"], Box((1, 0, 0), (1, 1, 1)))
    assert np.isinf(nothing.clearances([[0, 0, 0]], [[0.5, 0, 0]])).all()


def test_unknown_name() -> None:
    structures = StructureSet(Grid((1, 1, 1), np.eye(4)), None, {}, {})
    with pytest.raises(KeyError, match="spleen"):
        ClearanceIndex.build(structures, ["spleen"])


def test_touching_neighbours_are_one_surface() -> None:
    """Between two voxels of one structure there is no gap to slip through, also along their shared edge."""
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[1, 1, 1] = labels[1, 0, 0] = 1
    index = ClearanceIndex.of_masks(Grid(labels.shape, np.eye(4)), {"a": labels == 1})
    assert index.clearances([[1.5, -0.5, 1.0]], [[-0.5, 1.5, 1.0]]).tolist() == [[0.0]]


def test_any_number_of_threads_gives_the_same_bits() -> None:
    shape = (14, 23, 31)
    grid = oblique_grid(shape, 5)
    structures = StructureSet(grid, blobs(shape, 5), {v: f"label {v}" for v in range(1, 7)}, {})
    rng = np.random.default_rng(5)
    starts = grid.to_patient(rng.uniform(-15, 40, (50, 3)))
    ends = starts + rng.normal(scale=20, size=(50, 3))
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = clearances(structures, structures.names, starts, ends)
    finally:
        numba.set_num_threads(before)
    assert one.tobytes() == clearances(structures, structures.names, starts, ends).tobytes()


@pytest.mark.samples
def test_real_anatomy(sample_structures: StructureSet) -> None:
    """Every labelled structure of a real CT, on its whole grid, for paths through the middle of the patient."""
    grid = sample_structures.grid
    rng = np.random.default_rng(7)
    middle = grid.to_patient((np.array(grid.size_ijk) - 1) / 2)
    starts = middle + rng.normal(scale=70.0, size=(3, 3))
    ends = middle + rng.normal(scale=40.0, size=(3, 3))
    fast = clearances(sample_structures, sample_structures.names, starts, ends)
    for column, name in enumerate(sample_structures.names):
        mask = sample_structures.mask(name)
        slow = [clearance_plain(mask, grid, s, e) for s, e in zip(starts, ends, strict=True)]
        np.testing.assert_allclose(fast[:, column], slow, rtol=0, atol=TOLERANCE_MM)
    assert (fast == 0).any()
    assert (fast[np.isfinite(fast)] > 100).any()
