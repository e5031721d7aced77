"""Counting of erring passes against a plain twin that cuts each line at every plane between voxels.

Tolerance none: counts are whole numbers, and with generic lines the two can only differ where a line misses a
voxel by rounding (1e-13 mm), which random lines do not.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from trocar.imaging.kernels.perturbation import TARGET, block_contents, count_passes

Float = NDArray[np.float64]
SPACING_MM = np.array([0.7, 1.3, 2.5])


def walk_plain(
    classes: NDArray[np.unsignedinteger],
    start: Float,
    direction: Float,
    end_mm: float,
    notch: Float,
    n_class: int,
) -> tuple[set[int], NDArray[np.float64]]:
    """Classes gone through and, for each class, the length of it in the notch."""
    size = np.array(classes.shape[::-1])
    cuts = [np.array([0.0, end_mm])]
    for axis in range(3):
        planes = (np.arange(size[axis] + 1) - 0.5) * SPACING_MM[axis]
        with np.errstate(divide="ignore", invalid="ignore"):
            cuts.append((planes - start[axis]) / direction[axis])
    at = np.concatenate([*cuts, notch])
    at = np.unique(at[(at >= 0) & (at <= end_mm)])
    middle = 0.5 * (at[1:] + at[:-1])
    voxel = np.floor((start + middle[:, None] * direction) / SPACING_MM + 0.5).astype(int)
    inside = ((voxel >= 0) & (voxel < size)).all(axis=1)
    i, j, k = voxel[inside].T
    found = classes[k, j, i]
    in_notch = (middle[inside] > notch[0]) & (middle[inside] < notch[1])
    return set(found.tolist()), np.bincount(found[in_notch], np.diff(at)[inside][in_notch], minlength=n_class)


class Case:
    """A random map of five structures, three of which move, and random passes; some leave the map."""

    def __init__(self, seed: int, dtype: type = np.uint8, passes: int = 600) -> None:
        rng = np.random.default_rng(seed)
        self.n_class, self.n_structures = 9, 5
        coarse = rng.integers(0, self.n_class, (7, 9, 11))
        self.classes = np.ascontiguousarray(np.kron(coarse, np.ones((3, 3, 3), int))[:-1, :-2, :-1], dtype)
        self.classes[rng.random(self.classes.shape) < 0.02] = 0
        self.members = rng.random((self.n_class, self.n_structures)) < 0.25
        self.members[0] = False
        self.moving = np.array([True, False, True, False, True])
        self.target = rng.random(self.n_class) < 0.4
        self.entry = np.array([2.0, 5.0, 20.0])
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        turn[2] = np.array([0.55, 0.8, 0.2]) / np.linalg.norm([0.55, 0.8, 0.2])
        turn[0] = np.cross(turn[1], turn[2]) / np.linalg.norm(np.cross(turn[1], turn[2]))
        turn[1] = np.cross(turn[2], turn[0])
        self.axes = np.ascontiguousarray(turn)
        axis = rng.normal(size=3)
        self.motion_axis = axis / np.linalg.norm(axis)
        self.offsets = rng.normal(scale=3.0, size=(passes, 2))
        tilts = rng.normal(scale=0.1, size=(passes, 2))
        self.tilts = np.column_stack([tilts, np.sqrt(1 - (tilts**2).sum(axis=1))])
        self.motions = rng.normal(scale=4.0, size=passes)
        self.end_mm, self.notch, self.min_sample_mm = 24.0, np.array([14.0, 23.0]), 3.0

    def bits(self, moving: bool, target: bool) -> NDArray[np.uint64]:
        bits = np.zeros(self.n_class, np.uint64)
        for structure in np.flatnonzero(self.moving == moving):
            bits[self.members[:, structure]] |= np.uint64(1 << int(structure))
        if target:
            bits[self.target] |= TARGET
        return bits

    def fast(self, target_moves: bool, log2: tuple[int, int, int], per_group: int) -> NDArray[np.int64]:
        log2_kji = np.array(log2)
        layers = []
        for moving in (False, True):
            bits = self.bits(moving, moving == target_moves)
            layers.append((bits, block_contents(self.classes, bits, log2_kji)))
        return np.asarray(
            count_passes(
                self.classes,
                SPACING_MM,
                log2_kji,
                *layers,
                (self.entry, self.axes, self.motion_axis),
                (self.offsets, self.tilts, self.motions),
                self.end_mm,
                self.notch,
                self.min_sample_mm,
                self.n_structures,
                per_group,
            )
        )

    def plain(self, target_moves: bool) -> NDArray[np.int64]:
        """Counts of all passes: structures, samples, passes that leave the map."""
        counts = np.zeros(self.n_structures + 2, np.int64)
        size_mm = np.array(self.classes.shape[::-1]) * SPACING_MM
        for offset, tilt, motion in zip(self.offsets, self.tilts, self.motions, strict=True):
            start, direction = self.entry + offset @ self.axes[:2], tilt @ self.axes
            starts = (start, start - motion * self.motion_axis)
            walks = [
                walk_plain(self.classes, s, direction, self.end_mm, self.notch, self.n_class) for s in starts
            ]
            for structure in range(self.n_structures):
                met, _ = walks[int(self.moving[structure])]
                counts[structure] += any(self.members[tissue, structure] for tissue in met)
            counts[-2] += walks[int(target_moves)][1][self.target].sum() >= self.min_sample_mm
            ends = np.array([p + t * direction for p in starts for t in (0.0, self.end_mm)]) + SPACING_MM / 2
            counts[-1] += bool(((ends < 0) | (ends > size_mm)).any())
        return counts


@pytest.mark.parametrize("target_moves", [False, True])
@pytest.mark.parametrize(("seed", "dtype"), [(1, np.uint8), (2, np.uint16), (3, np.uint8)])
def test_counts(seed: int, dtype: type, target_moves: bool) -> None:
    case = Case(seed, dtype)
    fast = case.fast(target_moves, (1, 2, 3), 600)
    plain = case.plain(target_moves)
    assert fast[0].tolist() == plain.tolist()
    assert 50 < plain[-2] < 550  # the case is neither trivial here
    assert 0 < plain[-1] < 600  # nor here


@pytest.mark.parametrize("log2", [(0, 0, 0), (1, 1, 1), (3, 2, 1), (6, 6, 6)])
def test_size_of_blocks_changes_nothing(log2: tuple[int, int, int]) -> None:
    case = Case(4)
    assert case.fast(True, log2, 600).tolist() == case.fast(True, (2, 2, 2), 600).tolist()


def test_groups_are_counted_apart() -> None:
    """Also where a group is longer than one thread's portion, or the last one is not full."""
    case = Case(5, passes=3000)
    whole = case.fast(False, (2, 2, 2), 3000)
    parts = case.fast(False, (2, 2, 2), 1300)
    assert whole.shape == (1, 7)
    assert parts.shape == (3, 7)
    assert parts.sum(axis=0).tolist() == whole[0].tolist()
    case.offsets, case.tilts, case.motions = (a[1300:2600] for a in (case.offsets, case.tilts, case.motions))
    assert case.fast(False, (2, 2, 2), 1300)[0].tolist() == parts[1].tolist()


def test_lines_along_the_axes() -> None:
    """No component, or one on the face between two voxels or on the map's edge: no division by zero, no escape."""
    classes = np.arange(1, 28, dtype=np.uint8).reshape(3, 3, 3)
    bits = np.concatenate([[0], np.uint64(1) << np.arange(27, dtype=np.uint64)]).astype(np.uint64)
    log2 = np.array([1, 1, 1])
    none = np.zeros(28, np.uint64)
    for axis in range(3):
        for sign in (1.0, -1.0):
            axes = sign * np.roll(np.eye(3), axis - 2, axis=1)
            entry = SPACING_MM * 1.0
            entry[axis] = -20.0 * sign + SPACING_MM[axis]
            counted = count_passes(
                classes,
                SPACING_MM,
                log2,
                (bits, block_contents(classes, bits, log2)),
                (none, np.zeros((1, 1, 1), np.uint64)),
                (entry, axes, np.array([0.0, 0, 1])),
                (np.zeros((1, 2)), np.array([[0.0, 0, 1]]), np.zeros(1)),
                40.0,
                np.array([0.0, 1.0]),
                0.5,
                27,
                1,
            )
            line = np.moveaxis(np.arange(27).reshape(3, 3, 3), 2 - axis, 0)[:, 1, 1]
            assert np.flatnonzero(counted[0, :27]).tolist() == sorted(line.tolist())
            assert counted[0, 27:].tolist() == [0, 1]


def test_any_number_of_threads_gives_the_same_counts() -> None:
    case = Case(6, passes=5000)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = case.fast(True, (2, 2, 2), 2500)
    finally:
        numba.set_num_threads(before)
    assert one.tolist() == case.fast(True, (2, 2, 2), 2500).tolist()
