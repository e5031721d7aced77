"""The planner's innermost loops: limits, crossings and clearances of every entry-sample pair.

Positions are grid mm (along i, j, k from the centre of voxel (0, 0, 0)); arrays and numbers only. Every pair is
judged by itself, so that the order of pairs and the number of threads change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from trocar.imaging.kernels.traversal import TOUCH, trace

KEPT, TOO_LONG, TOO_NEAR, TO_SKIN, TILT, LEAVES_SCAN = range(6)
FIRST_STRUCTURE = 16
"""Reason codes: FIRST_STRUCTURE + s crosses structure s, FIRST_STRUCTURE + n + s comes too near to it."""

LANES = 16
"""Structures whose distances lie side by side in one cache line."""

NO_LIMIT = np.float32(-1e9)
"""In place of a margin or bound where there is none."""

FIRST_PIECE_MM = 20.0
"""Segments are first looked at about this far apart: hardly ever is a longer piece free of everything."""

SHORTEST_PIECE_MM = 0.2

PAIRED_BLOCK = 64
"""Pairs that share the working space of one thread."""


@njit(cache=True, nogil=True, parallel=True)
def judge_crossings(
    classes: Any,
    class_rule: Any,
    spacing_mm: Any,
    entries_mm: Any,
    inward_normals: Any,
    samples_mm: Any,
    axial_normal: Any,
    needle_length_mm: float,
    shortest_mm: float,
    notch_centre_mm: float,
    throw_mm: float,
    least_cos_to_skin: float,
    most_sin_tilt: float,
    paired: bool,
    reason: Any,
) -> None:
    """Fill ``reason`` (uint16 (E, S)) with the first limit that each pair breaks, or KEPT.

    classes: unsigned ``[k, j, i]``; class_rule: uint16 (n_class,), 0 = may be crossed, 1 + s = structure s;
    entries_mm, inward_normals: (E, 3); samples_mm: (S, 3); axial_normal: (3,) unit vector along the axes i, j, k.
    A pair's direction is that from entry to sample, its tip before the throw lies ``notch_centre_mm`` short of
    the sample, its fired tip ``throw_mm`` beyond that. The order of limits is that of the codes; of structures the
    one met first from the skin counts. paired: entry e goes with sample e only, and ``reason`` is (E, 1).
    """
    size = np.array([classes.shape[2], classes.shape[1], classes.shape[0]])
    flat = classes.reshape(-1)
    n_samples = 1 if paired else samples_mm.shape[0]
    block = PAIRED_BLOCK if paired else 1
    for b in prange((entries_mm.shape[0] + block - 1) // block):
        a = np.empty(3)
        d = np.empty(3)
        u = np.empty(3)
        point = np.empty(3)
        start = np.empty(3, dtype=np.int64)
        seen = np.zeros(1, dtype=np.bool_)
        first = np.int64(b) * block
        for e in range(first, min(first + block, entries_mm.shape[0])):
            entry_inside = True
            for axis in range(3):
                a[axis] = entries_mm[e, axis] / spacing_mm[axis] + 0.5
                if a[axis] < -TOUCH or a[axis] > size[axis] + TOUCH:
                    entry_inside = False
            for column in range(n_samples):
                s = e if paired else column
                reach = 0.0
                for axis in range(3):
                    u[axis] = samples_mm[s, axis] - entries_mm[e, axis]
                    reach += u[axis] * u[axis]
                reach = np.sqrt(reach)
                length = reach - notch_centre_mm
                if length > needle_length_mm:
                    reason[e, column] = TOO_LONG
                    continue
                if length < shortest_mm or length <= 0.0:
                    reason[e, column] = TOO_NEAR
                    continue
                inward = 0.0
                up = 0.0
                for axis in range(3):
                    u[axis] /= reach
                    inward += u[axis] * inward_normals[e, axis]
                    up += u[axis] * axial_normal[axis]
                if inward < least_cos_to_skin:
                    reason[e, column] = TO_SKIN
                    continue
                if abs(up) > most_sin_tilt:
                    reason[e, column] = TILT
                    continue
                inside = entry_inside
                for axis in range(3):
                    d[axis] = u[axis] * (length + throw_mm) / spacing_mm[axis]
                    end = a[axis] + d[axis]
                    if end < -TOUCH or end > size[axis] + TOUCH:
                        inside = False
                if not inside:
                    reason[e, column] = LEAVES_SCAN
                    continue
                met = trace(flat, size, a, d, class_rule, seen, True, start, point)
                reason[e, column] = KEPT if met == 0 else FIRST_STRUCTURE + met - 1


@njit(cache=True, nogil=True)
def _distances(field: Any, shape: Any, group: int, quantum_mm: Any, u: Any, out: Any, at: Any) -> None:
    """Distances in mm (float32) of the LANES fields of ``group`` at lattice position ``u``, trilinear.

    They are written into ``out`` from place ``at`` on.
    """
    i = min(max(int(u[0]), 0), shape[3] - 2)
    j = min(max(int(u[1]), 0), shape[2] - 2)
    k = min(max(int(u[2]), 0), shape[1] - 2)
    x = np.float32(min(max(u[0] - i, 0.0), 1.0))
    y = np.float32(min(max(u[1] - j, 0.0), 1.0))
    z = np.float32(min(max(u[2] - k, 0.0), 1.0)) * quantum_mm
    rest_x = np.float32(1.0) - x
    rest_y = np.float32(1.0) - y
    rest_z = quantum_mm - z
    w0 = rest_x * rest_y * rest_z
    w1 = x * rest_y * rest_z
    w2 = rest_x * y * rest_z
    w3 = x * y * rest_z
    w4 = rest_x * rest_y * z
    w5 = x * rest_y * z
    w6 = rest_x * y * z
    w7 = x * y * z
    row = np.uintp(shape[3] * LANES)
    plane = np.uintp(shape[2] * shape[3] * LANES)
    b0 = np.uintp((((group * shape[1] + k) * shape[2] + j) * shape[3] + i) * LANES)
    b1 = b0 + np.uintp(LANES)
    b2 = b0 + row
    b3 = b1 + row
    b4 = b0 + plane
    b5 = b1 + plane
    b6 = b2 + plane
    b7 = b3 + plane
    for lane in range(LANES):
        n = np.uintp(lane)
        out[at + n] = (
            w0 * np.float32(field[b0 + n])
            + w1 * np.float32(field[b1 + n])
            + w2 * np.float32(field[b2 + n])
            + w3 * np.float32(field[b3 + n])
            + w4 * np.float32(field[b4 + n])
            + w5 * np.float32(field[b5 + n])
            + w6 * np.float32(field[b6 + n])
            + w7 * np.float32(field[b7 + n])
        )


@njit(cache=True, nogil=True)
def _look(
    field: Any,
    shape: Any,
    group: int,
    quantum_mm: Any,
    a: Any,
    d: Any,
    t: float,
    margins: Any,
    least: Any,
    seen: Any,
    n: int,
    u: Any,
) -> int:
    """Distances at ``t`` mm as sample ``n`` of ``seen``; lowers ``least``; the lane with the largest breach, or -1."""
    for axis in range(3):
        u[axis] = a[axis] + t * d[axis]
    at = np.uintp(n * LANES)
    _distances(field, shape, group, quantum_mm, u, seen, at)
    first = np.uintp(group * LANES)
    breaches = 0
    lower = 0
    for m in range(least.size):  # counts, not the constant LANES and no stores: this becomes vectors
        lane = np.uintp(m)
        breaches += 1 if seen[at + lane] < margins[first + lane] else 0
        lower += 1 if seen[at + lane] < least[lane] else 0
    if lower > 0:
        for m in range(LANES):
            lane = np.uintp(m)
            least[lane] = min(least[lane], seen[at + lane])
    worst = -1
    if breaches > 0:
        largest = np.float32(0.0)
        for m in range(LANES):
            breach = margins[first + np.uintp(m)] - seen[at + np.uintp(m)]
            if breach > largest:
                largest = breach
                worst = m
    return worst


@njit(cache=True, nogil=True)
def _may_hide_less(seen: Any, left: int, right: int, apart: Any, least: Any) -> bool:
    """Whether between two samples ``apart`` mm from each other something may lie nearer than ``least``; see _search."""
    at_left, at_right = np.uintp(left * LANES), np.uintp(right * LANES)
    open_ = 0
    for m in range(LANES):
        lane = np.uintp(m)
        p = seen[at_left + lane]
        q = seen[at_right + lane]
        low = p if p < q else q
        blind = np.float32(0.44) * low
        more = np.float32(1.2) + np.float32(0.125) * low
        blind = more if more < blind else blind
        bound = p + q - apart - (least[lane] + least[lane])
        bound = blind - apart if blind - apart > bound else bound
        open_ += 1 if bound < np.float32(0.0) else 0
    return open_ > 0


@njit(cache=True, nogil=True)
def _search(
    field: Any,
    shape: Any,
    group: int,
    quantum_mm: Any,
    a: Any,
    d: Any,
    mm: float,
    margins: Any,
    least: Any,
    places: Any,
    seen: Any,
    queue: Any,
    u: Any,
) -> tuple[int, float]:
    """Smallest distances along a segment, looking only where they can be; (lane of a broken margin or -1, mm).

    a: start in lattice steps; d: lattice steps per mm; mm: length. margins: float32 (groups * LANES,) mm, NO_LIMIT for
    none; the search ends where one is broken, of several with the largest breach. least: float32 (LANES,) mm, upper
    bounds that are lowered to the smallest distances found. places (n,), seen (n * LANES,), queue (2 n, 2): working
    space.

    Between two places h mm apart with distances p and q no distance is below (p + q - h) / 2, for it changes by no
    more than 1 mm per mm (Piyavskii 1972, Shubert 1972). Pieces that cannot hold anything below ``least`` are left
    alone, others are halved, all once before any twice, until nothing below by more than 0.1 mm can be missed: a
    minimum m in the piece lies within h / 2 of one end, where the distance is at most sqrt(m^2 + h^2 / 4).
    """
    pieces = int(mm / FIRST_PIECE_MM) + 1
    for count in range(pieces + 1):
        t = mm * count / pieces
        breach = _look(field, shape, group, quantum_mm, a, d, t, margins, least, seen, count, u)
        if breach >= 0:
            return breach, t
        places[count] = t
        if count > 0:
            queue[count - 1, 0] = count - 1
            queue[count - 1, 1] = count
    count = pieces + 1
    head = 0
    tail = pieces
    while head < tail:
        left, right = queue[head, 0], queue[head, 1]
        head += 1
        apart_mm = places[right] - places[left]
        if apart_mm <= SHORTEST_PIECE_MM or not _may_hide_less(
            seen, left, right, np.float32(apart_mm), least
        ):
            continue
        t = (places[left] + places[right]) / 2
        breach = _look(field, shape, group, quantum_mm, a, d, t, margins, least, seen, count, u)
        if breach >= 0:
            return breach, t
        places[count] = t
        queue[tail, 0] = left
        queue[tail, 1] = count
        queue[tail + 1, 0] = count
        queue[tail + 1, 1] = right
        tail += 2
        count += 1
    return -1, mm


@njit(cache=True, nogil=True, parallel=True)
def judge_clearances(
    field: Any,
    shape: Any,
    low_mm: Any,
    step_mm: Any,
    quantum_mm: float,
    margins: Any,
    used: Any,
    cap_mm: float,
    starts_mm: Any,
    ends_mm: Any,
    broken: Any,
    broken_at_mm: Any,
    clearances: Any,
) -> None:
    """Margins first, then the clearances of the segments that keep them all.

    field: uint8, flat, of ``shape`` (groups, K, J, I, LANES): distances in quanta at lattice points; the first one
    lies at ``low_mm`` (3,), the steps are ``step_mm`` (3,). margins: float32 (groups * LANES,) mm, NO_LIMIT
    where there is none; used: bool (groups, LANES); cap_mm: largest clearance told apart.
    broken: int32 (N,), filled with the lane (group * LANES + lane) whose margin is broken, or -1; broken_at_mm: (N,),
    how far from the start that was seen; clearances: float32 (N, groups * LANES) mm, filled where ``broken`` is -1.
    """
    quantum = np.float32(quantum_mm)
    cap = np.float32(cap_mm)
    groups = shape[0]
    n_pairs = starts_mm.shape[0]
    longest_mm = 0.0
    for p in range(n_pairs):
        squared = 0.0
        for axis in range(3):
            squared += (ends_mm[p, axis] - starts_mm[p, axis]) ** 2
        longest_mm = max(longest_mm, squared)
    room = int(2.0 * np.sqrt(longest_mm) / SHORTEST_PIECE_MM) + 8  # no piece is shorter than half of that
    for block in prange((n_pairs + PAIRED_BLOCK - 1) // PAIRED_BLOCK):
        a = np.empty(3)
        d = np.empty(3)
        u = np.empty(3)
        least = np.empty(LANES, dtype=np.float32)
        places = np.empty(room)
        seen = np.empty(room * LANES, dtype=np.float32)
        queue = np.empty((2 * room, 2), dtype=np.int64)
        first = np.int64(block) * PAIRED_BLOCK
        for p in range(first, min(first + PAIRED_BLOCK, n_pairs)):
            mm = 0.0
            for axis in range(3):
                mm += (ends_mm[p, axis] - starts_mm[p, axis]) ** 2
            mm = np.sqrt(mm)
            for axis in range(3):
                a[axis] = (starts_mm[p, axis] - low_mm[axis]) / step_mm[axis]
                d[axis] = (ends_mm[p, axis] - starts_mm[p, axis]) / (step_mm[axis] * max(mm, 1e-9))
            broken[p] = -1
            broken_at_mm[p] = 0.0
            for group in range(groups):
                for lane in range(LANES):
                    least[lane] = cap if used[group, lane] else NO_LIMIT
                lane, where = _search(
                    field, shape, group, quantum, a, d, mm, margins, least, places, seen, queue, u
                )
                if lane >= 0:
                    broken[p] = group * LANES + lane
                    broken_at_mm[p] = where
                    break
                for lane in range(LANES):
                    if used[group, lane]:
                        clearances[p, group * LANES + lane] = least[lane]
