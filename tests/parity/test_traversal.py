"""The voxel walk against a slab test of every voxel box.

Both are exact but for rounding, so that met or not must agree for every segment that does not pass within 1e-6 mm of
missing; the phantoms are on whole steps, where touching is exact in both. Lengths agree to 1e-9 mm: a walk adds up
to some hundred shares of rounding error 1e-16 times a length of 100 mm.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from tests.parity.slow_twins import length_inside, met
from trocar.imaging.kernels.traversal import lengths_in_sets, structures_crossed

SPACING = np.array([0.7, 1.1, 2.5])
SHAPE = (9, 14, 17)


def phantom(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random classes (0 mostly), overlapping structures, and a wall one voxel thick."""
    rng = np.random.default_rng(seed)
    classes = np.where(rng.random(SHAPE) < 0.06, rng.integers(1, 6, SHAPE), 0).astype(np.uint8)
    classes[:, 9, :] = np.where(rng.random((SHAPE[0], SHAPE[2])) < 0.4, 4, classes[:, 9, :])
    members = np.zeros((6, 4), dtype=bool)
    members[[1, 2, 3, 4, 5, 5], [0, 1, 2, 3, 0, 2]] = True
    return classes, members


def segments(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends anywhere: free ones, ones on faces, edges and corners, axis-parallel ones, ones that begin outside."""
    rng = np.random.default_rng(seed)
    extent = np.array(SHAPE[::-1]) * SPACING
    starts = rng.random((n, 3)) * extent - SPACING / 2
    ends = rng.random((n, 3)) * extent - SPACING / 2
    on_faces = (rng.integers(0, np.array(SHAPE[::-1]) + 1, (n, 2, 3)) - 0.5) * SPACING
    kind = np.arange(n) % 6
    snap = rng.random((n, 2, 3)) < 0.6
    grazing = kind[:, None] >= 3
    starts = np.where(snap[:, 0] & grazing, on_faces[:, 0], starts)
    ends = np.where(snap[:, 1] & grazing, on_faces[:, 1], ends)
    keep = rng.integers(0, 3, n)
    parallel = kind == 4  # along one axis, often in a face or an edge
    for axis in range(3):
        same = parallel & (keep != axis)
        ends[same, axis] = starts[same, axis]
    corners = kind == 5  # from corner to corner in whole voxels: through edges and corners exactly
    starts[corners], ends[corners] = on_faces[corners, 0], on_faces[corners, 1]
    beyond = kind == 2
    starts[beyond] -= 8.0 * rng.random((beyond.sum(), 3))
    return starts, ends


@pytest.mark.parametrize("seed", range(4))
def test_structures_crossed(seed: int) -> None:
    classes, members = phantom(seed)
    starts, ends = segments(seed + 100, 240)
    fast = structures_crossed(classes, members, SPACING, starts, ends)
    for n in range(len(starts)):
        for s in range(members.shape[1]):
            slow = met(starts[n], ends[n], members[:, s][classes], SPACING) is not None
            assert fast[n, s] == slow, (n % 6, starts[n], ends[n], s)


@pytest.mark.parametrize("seed", range(3))
def test_lengths_in_sets(seed: int) -> None:
    classes, members = phantom(seed)
    starts, ends = segments(seed + 200, 150)
    in_face = (np.abs(starts - ends) < 1e-12).any(axis=1)  # may run in a face, where length has two owners
    sets = np.ascontiguousarray(members.T)
    fast = lengths_in_sets(classes, sets, SPACING, starts, ends)
    for n in np.flatnonzero(~in_face):
        for s in range(len(sets)):
            slow = length_inside(starts[n], ends[n], sets[s][classes], SPACING)
            assert abs(fast[n, s] - slow) < 1e-9


def test_length_of_everything_is_the_length() -> None:
    """No voxel is counted twice or left out, even along faces and through corners."""
    classes, _ = phantom(0)
    starts, ends = segments(7, 600)
    inside = np.arange(600) % 6 != 2
    fast = lengths_in_sets(classes, np.ones((1, 6), dtype=bool), SPACING, starts, ends)[:, 0]
    assert np.abs(fast - np.linalg.norm(ends - starts, axis=1))[inside].max() < 1e-9


def test_same_bits_for_any_thread_count() -> None:
    classes, members = phantom(1)
    starts, ends = segments(3, 3000)
    sets = np.ascontiguousarray(members.T)
    answers = []
    before = numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            answers.append(
                (
                    structures_crossed(classes, members, SPACING, starts, ends),
                    lengths_in_sets(classes, sets, SPACING, starts, ends),
                )
            )
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(answers[0][0], answers[1][0])
    assert answers[0][1].tobytes() == answers[1][1].tobytes()


def test_a_wall_one_voxel_thick_stops_every_path() -> None:
    """A path cannot slip between two voxels that share only an edge."""
    classes = np.zeros((6, 12, 12), dtype=np.uint8)
    for n in range(12):
        classes[:, n, n] = 1  # a diagonal wall that holds together by edges alone
    members = np.array([[False], [True]])
    rng = np.random.default_rng(5)
    starts = rng.random((400, 3)) * np.array([3.0, 3.0, 5.0]) + np.array([7.5, 0.0, 0.0])
    ends = starts[:, [1, 0, 2]]  # mirrored to the other side
    edges = np.arange(1, 11) - 0.5
    through = np.array([[e + 1.0, e - 1.0, 2.0] for e in edges])
    starts, ends = np.concatenate([starts, through]), np.concatenate([ends, through[:, [1, 0, 2]]])
    assert structures_crossed(classes, members, np.ones(3), starts, ends).all()
