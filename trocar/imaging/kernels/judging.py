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

WEIGHT_BITS = 7
"""Positions inside a lattice cell are rounded to 1/128 of it, at most 0.01 mm."""

UNIT_BITS = 3 * WEIGHT_BITS
"""Interpolated distances are whole numbers of quantum / 2**UNIT_BITS."""

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
    one = 1 << WEIGHT_BITS
    x = np.int32(min(max(int((u[0] - i) * one + 0.5), 0), one))
    y = np.int32(min(max(int((u[1] - j) * one + 0.5), 0), one))
    z = np.int32(min(max(int((u[2] - k) * one + 0.5), 0), one))
    rest_x = np.int32(one - x)
    rest_y = np.int32(one - y)
    rest_z = np.int32(one - z)
    w0 = np.int32(rest_x * rest_y * rest_z)
    w1 = np.int32(x * rest_y * rest_z)
    w2 = np.int32(rest_x * y * rest_z)
    w3 = np.int32(x * y * rest_z)
    w4 = np.int32(rest_x * rest_y * z)
    w5 = np.int32(x * rest_y * z)
    w6 = np.int32(rest_x * y * z)
    w7 = np.int32(x * y * z)
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
        out[n] = (
            w0 * np.int32(field[b0 + n])
            + w1 * np.int32(field[b1 + n])
            + w2 * np.int32(field[b2 + n])
            + w3 * np.int32(field[b3 + n])
            + w4 * np.int32(field[b4 + n])
            + w5 * np.int32(field[b5 + n])
            + w6 * np.int32(field[b6 + n])
            + w7 * np.int32(field[b7 + n])
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
    least: Any,
    stop: bool,
    now: Any,
    u: Any,
) -> int:
    """Go along a segment in steps that cannot miss anything.

    a: start in lattice steps; d: lattice steps per mm; mm: length. least: int32 (LANES,).
    stop: ``least`` holds the margins; returns the lane with the largest breach where one is first broken, or -1.
    Otherwise ``least`` holds upper bounds and is lowered to the smallest distances met; returns -1.

    A distance changes by no more than 1 mm per mm, so that nothing below ``least`` lies nearer than
    distance - least. Near the minimum a step of 0.35 times the distance keeps the error below 2 % of the distance:
    sqrt(d^2 + (0.175 d)^2) < 1.016 d; it is held between 0.2 mm and 1.4 mm.
    """
    shortest = np.int32(0.2 / unit_mm)
    longest = np.int32(1.4 / unit_mm)
    t = 0.0
    while True:
        for axis in range(3):
            u[axis] = a[axis] + t * d[axis]
        _distances(field, shape, group, u, now)
        step = np.int32(1 << 30)
        if stop:
            slack = np.int32(1 << 30)
            for lane in range(LANES):
                over = np.int32(now[lane] - least[lane])
                slack = min(slack, over)
                by_distance = min(np.int32(np.int32(now[lane] >> 4) * np.int32(5)), longest)
                step = min(step, max(over, by_distance))
            if slack < 0:
                for lane in range(LANES):
                    if np.int32(now[lane] - least[lane]) == slack:
                        return lane
        else:
            for lane in range(LANES):
                low = min(least[lane], now[lane])
                least[lane] = low
                over = np.int32(now[lane] - low)
                by_distance = min(np.int32(np.int32(now[lane] >> 4) * np.int32(5)), longest)
                step = min(step, max(over, by_distance))
        if t >= mm:
            return -1
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
    clearances: Any,
) -> None:
    """Margins first, then the clearances of the segments that keep them all.

    field: uint8, flat, of ``shape`` (groups, K, J, I, LANES): distances in quanta at lattice points; the first one
    lies at ``low_mm`` (3,), the steps are ``step_mm`` (3,). margins: int32 (groups, LANES) in interpolated units,
    NO_LIMIT where there is none; used: bool (groups, LANES); cap: largest clearance told apart, same units.
    broken: int32 (N,), filled with the structure (group * LANES + lane) that comes too near, or -1; clearances:
    float32 (N, groups * LANES) mm, filled where ``broken`` is -1.
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
        worst = 0
        for group in range(groups):
            limited = False
            for lane in range(LANES):
                least[lane] = margins[group, lane]
                limited |= margins[group, lane] != NO_LIMIT
            if limited and breach < 0:
                lane = _march(field, shape, group, a, d, mm, unit_mm, least, True, now, u)
                if lane >= 0:
                    breach = group * LANES + lane
        if breach < 0:
            for group in range(groups):
                for lane in range(LANES):
                    least[lane] = cap if used[group, lane] else NO_LIMIT
                _march(field, shape, group, a, d, mm, unit_mm, least, False, now, u)
                for lane in range(LANES):
                    if used[group, lane]:
                        under = margins[group, lane] - least[lane]
                        if under > worst:
                            worst = under
                            breach = group * LANES + lane
                        clearances[p, group * LANES + lane] = least[lane] * unit_mm
        broken[p] = breach
