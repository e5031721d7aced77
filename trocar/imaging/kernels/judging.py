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

UNIT_BITS = 16
"""Interpolated distances are whole numbers of quantum / 2**UNIT_BITS: minima of them are the same in any order."""

NO_LIMIT = -(1 << 30)


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
    for e in prange(entries_mm.shape[0]):
        a = np.empty(3)
        d = np.empty(3)
        u = np.empty(3)
        point = np.empty(3)
        start = np.empty(3, dtype=np.int64)
        seen = np.zeros(1, dtype=np.bool_)
        entry_inside = True
        for axis in range(3):
            a[axis] = entries_mm[e, axis] / spacing_mm[axis] + 0.5
            if a[axis] < -TOUCH or a[axis] > size[axis] + TOUCH:
                entry_inside = False
        for column in range(n_samples):
            s = np.int64(e) if paired else column
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
def _distances(field: Any, shape: Any, group: int, u: Any, out: Any) -> None:
    """Distances of the LANES structures of ``group`` at lattice position ``u``, trilinear, into ``out`` (int32)."""
    i = min(max(int(u[0]), 0), shape[3] - 2)
    j = min(max(int(u[1]), 0), shape[2] - 2)
    k = min(max(int(u[2]), 0), shape[1] - 2)
    x = np.float32(min(max(u[0] - i, 0.0), 1.0))
    y = np.float32(min(max(u[1] - j, 0.0), 1.0))
    z = np.float32(min(max(u[2] - k, 0.0), 1.0)) * np.float32(1 << UNIT_BITS)
    rest_x = np.float32(1.0) - x
    rest_y = np.float32(1.0) - y
    rest_z = np.float32(1 << UNIT_BITS) - z
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
        out[n] = np.int32(
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
def _march(
    field: Any,
    shape: Any,
    group: int,
    a: Any,
    d: Any,
    mm: float,
    unit_mm: float,
    margins: Any,
    least: Any,
    measure: bool,
    now: Any,
    u: Any,
) -> tuple[int, float]:
    """Go along a segment in steps that cannot miss anything; (lane whose margin is broken or -1, mm from the start).

    a: start in lattice steps; d: lattice steps per mm; mm: length. margins: int32 (LANES,), NO_LIMIT for none; where
    one is broken the walk ends, of several with the largest breach. least: int32 (LANES,), upper bounds that are
    lowered to the smallest distances met. measure: step so that no smaller one is missed; otherwise only so that no
    broken margin is, which takes longer steps.

    A distance changes by no more than 1 mm per mm, so that nothing below a bound lies nearer than distance - bound.
    Near a minimum d the distance half a step to either side is at most sqrt(d^2 + step^2 / 4): a step of 0.44 d, but
    no more than 1.2 mm + d / 8, keeps the error of the least one seen below 0.1 mm; 0.2 mm is the shortest.
    """
    shortest = np.int32(0.2 / unit_mm)
    longest = np.int32(1.2 / unit_mm)
    t = 0.0
    while True:
        for axis in range(3):
            u[axis] = a[axis] + t * d[axis]
        _distances(field, shape, group, u, now)
        step = np.int32(1 << 30)
        slack = np.int32(1 << 30)
        for n in range(LANES):
            lane = np.uintp(n)
            distance = now[lane]
            over = np.int32(distance - margins[lane])
            slack = over if over < slack else slack
            low = least[lane]
            low = distance if distance < low else low
            least[lane] = low
            free = np.int32(distance - low) if measure else over
            blind = np.int32((distance >> 1) - (distance >> 4))
            more = np.int32(longest + (distance >> 3))
            blind = more if more < blind else blind
            free = blind if blind > free else free
            step = free if free < step else step
        if slack < 0:
            for broken in range(LANES):
                if np.int32(now[broken] - margins[broken]) == slack:
                    return broken, t
        if t >= mm:
            return -1, mm
        t = min(t + max(step, shortest) * unit_mm, mm)


@njit(cache=True, nogil=True, parallel=True)
def judge_clearances(
    field: Any,
    shape: Any,
    low_mm: Any,
    step_mm: Any,
    quantum_mm: float,
    margins: Any,
    used: Any,
    cap: int,
    starts_mm: Any,
    ends_mm: Any,
    broken: Any,
    broken_at_mm: Any,
    clearances: Any,
) -> None:
    """Margins first, then the clearances of the segments that keep them all.

    field: uint8, flat, of ``shape`` (groups, K, J, I, LANES): distances in quanta at lattice points; the first one
    lies at ``low_mm`` (3,), the steps are ``step_mm`` (3,). margins: int32 (groups, LANES) in interpolated units,
    NO_LIMIT where there is none; used: bool (groups, LANES); cap: largest clearance told apart, same units.
    broken: int32 (N,), filled with the lane (group * LANES + lane) whose margin is broken, or -1; broken_at_mm: (N,),
    how far from the start that was seen; clearances: float32 (N, groups * LANES) mm, filled where ``broken`` is -1.
    """
    unit_mm = quantum_mm / (1 << UNIT_BITS)
    groups = shape[0]
    for p in prange(starts_mm.shape[0]):
        a = np.empty(3)
        d = np.empty(3)
        u = np.empty(3)
        now = np.empty(LANES, dtype=np.int32)
        least = np.empty(LANES, dtype=np.int32)
        mm = 0.0
        for axis in range(3):
            mm += (ends_mm[p, axis] - starts_mm[p, axis]) ** 2
        mm = np.sqrt(mm)
        for axis in range(3):
            a[axis] = (starts_mm[p, axis] - low_mm[axis]) / step_mm[axis]
            d[axis] = (ends_mm[p, axis] - starts_mm[p, axis]) / (step_mm[axis] * max(mm, 1e-9))
        breach = -1
        where = 0.0
        for turn in range(2 * groups):
            group = turn % groups
            measure = turn >= groups
            limited = False
            for lane in range(LANES):
                limited |= margins[group, lane] != NO_LIMIT
                if not measure or groups > 1:
                    least[lane] = cap if used[group, lane] else NO_LIMIT
            if measure or limited:
                lane, where = _march(
                    field, shape, group, a, d, mm, unit_mm, margins[group], least, measure, now, u
                )
                if lane >= 0:
                    breach = group * LANES + lane
                    break
            if measure:
                for lane in range(LANES):
                    if used[group, lane]:
                        clearances[p, group * LANES + lane] = least[lane] * unit_mm
        broken[p] = breach
        broken_at_mm[p] = where


@njit(cache=True, nogil=True, parallel=True)
def nearest_structures(
    classes: Any, structure_of: Any, lanes: Any, spacing_mm: Any, points_mm: Any, reach_mm: Any
) -> Any:
    """Which structure of its lane lies nearest to each point: int32 (N,), the lowest of equals, -1 for none.

    structure_of: int32 (n_lanes, n_class), 0 = the class is not of that lane, 1 + s = structure s; lanes: (N,);
    points_mm: (N, 3) grid mm; reach_mm: (N,), voxel boxes farther away are not looked at.
    """
    out = np.full(points_mm.shape[0], -1, dtype=np.int32)
    for p in prange(points_mm.shape[0]):
        low = np.empty(3, dtype=np.int64)
        high = np.empty(3, dtype=np.int64)
        for axis in range(3):
            size = classes.shape[2 - axis]
            low[axis] = max(int(np.floor((points_mm[p, axis] - reach_mm[p]) / spacing_mm[axis] + 0.5)), 0)
            high[axis] = min(int(np.ceil((points_mm[p, axis] + reach_mm[p]) / spacing_mm[axis] + 0.5)), size)
        best = reach_mm[p] ** 2
        found = -1
        for k in range(low[2], high[2]):
            z = max(abs(points_mm[p, 2] - k * spacing_mm[2]) - spacing_mm[2] / 2, 0.0)
            for j in range(low[1], high[1]):
                y = max(abs(points_mm[p, 1] - j * spacing_mm[1]) - spacing_mm[1] / 2, 0.0)
                for i in range(low[0], high[0]):
                    s = structure_of[lanes[p], classes[k, j, i]]
                    if s > 0:
                        x = max(abs(points_mm[p, 0] - i * spacing_mm[0]) - spacing_mm[0] / 2, 0.0)
                        squared = x * x + y * y + z * z
                        if squared < best or (squared == best and s - 1 < found):
                            best = squared
                            found = s - 1
        out[p] = found
    return out
