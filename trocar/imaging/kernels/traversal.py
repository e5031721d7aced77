"""Exact walk of straight segments through voxels (after Amanatides and Woo, Eurographics 1987).

Coordinates are *voxel units with faces at whole numbers*: u = x_mm / spacing + 0.5, so that voxel i reaches from i
to i + 1. ``classes`` is passed flat (C order of ``[k, j, i]``). Voxels are closed boxes where it matters for safety:
a segment that only touches a face, an edge or a corner of a voxel within ``TOUCH`` has met it. Lengths are of
course those of the interiors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

TOUCH = 1e-7
"""Voxel units. Far above the rounding of a 2000 voxel walk (1e-12), far below any length that matters."""

FAR = 1e300


@njit(cache=True, nogil=True)
def _touching(flat: Any, size: Any, point: Any, rule: Any, seen: Any, first_only: bool) -> int:
    """Visit every voxel that holds or touches ``point``; the lowest rule met, or 0."""
    met = 0
    for corner in range(8):
        index = 0
        inside = True
        for axis in range(2, -1, -1):
            u = point[axis]
            nearest = np.floor(u + 0.5)
            low = int(np.floor(u))
            if abs(u - nearest) <= TOUCH:
                low = int(nearest) - 1 + ((corner >> axis) & 1)
            elif (corner >> axis) & 1:
                inside = False  # this axis has one voxel only; seen already
            if low < 0 or low >= size[axis]:
                inside = False
            index = index * size[axis] + low
        if inside:
            c = flat[index]
            if first_only:
                if rule[c] != 0 and (met == 0 or rule[c] < met):
                    met = rule[c]
            else:
                seen[c] = True
    return met


@njit(cache=True, nogil=True)
def _walk(
    flat: Any,
    size: Any,
    a: Any,
    d: Any,
    start: Any,
    rule: Any,
    seen: Any,
    first_only: bool,
    point: Any,
) -> tuple[int, float]:
    """Walk from ``a`` along ``d`` (the whole segment) beginning in voxel ``start``; (rule met, where 0..1)."""
    longest = max(abs(d[0]), abs(d[1]), abs(d[2]))
    tie = TOUCH / longest if longest > TOUCH else 1.0
    end = 1.0 - tie
    tx = ty = tz = FAR
    dtx = dty = dtz = FAR
    step_x = step_y = step_z = 0
    if abs(d[0]) > TOUCH:
        dtx = 1.0 / abs(d[0])
        step_x = 1 if d[0] > 0 else -1
        tx = (start[0] + (1 if d[0] > 0 else 0) - a[0]) / d[0]
    if abs(d[1]) > TOUCH:
        dty = 1.0 / abs(d[1])
        step_y = size[0] if d[1] > 0 else -size[0]
        ty = (start[1] + (1 if d[1] > 0 else 0) - a[1]) / d[1]
    if abs(d[2]) > TOUCH:
        dtz = 1.0 / abs(d[2])
        step_z = size[0] * size[1] if d[2] > 0 else -size[0] * size[1]
        tz = (start[2] + (1 if d[2] > 0 else 0) - a[2]) / d[2]
    index = (start[2] * size[1] + start[1]) * size[0] + start[0]
    before = -1.0
    while True:
        c = flat[index]
        if first_only:
            if rule[c] != 0:
                return int(rule[c]), max(before, 0.0)
        else:
            seen[c] = True
        if tx <= ty:
            if tx <= tz:
                t = tx
                step = step_x
                tx += dtx
            else:
                t = tz
                step = step_z
                tz += dtz
        elif ty <= tz:
            t = ty
            step = step_y
            ty += dty
        else:
            t = tz
            step = step_z
            tz += dtz
        if t >= end:
            if t <= 1.0 + tie:
                for axis in range(3):
                    point[axis] = a[axis] + d[axis]
                return _touching(flat, size, point, rule, seen, first_only), 1.0
            return 0, 1.0
        if t - before < tie:  # through an edge or a corner: the voxels beside the path are touched too
            for axis in range(3):
                point[axis] = a[axis] + d[axis] * t
            met = _touching(flat, size, point, rule, seen, first_only)
            if met != 0:
                return met, t
        index += step
        before = t


@njit(cache=True, nogil=True)
def trace(
    flat: Any, size: Any, a: Any, d: Any, rule: Any, seen: Any, first_only: bool, start: Any, point: Any
) -> int:
    """Follow the segment from ``a`` to ``a + d`` (voxel units, both ends inside the closed grid).

    first_only: return the rule (> 0) of the first class met that has one, or 0; equal places: the lowest rule.
    Otherwise mark every class met in ``seen`` and return 0. ``start`` (int64 (3,)) and ``point`` (float64 (3,))
    are working space.
    """
    along = 0  # axes along which the segment runs in a face: both sides are walked
    at_face = False
    for axis in range(3):
        nearest = np.floor(a[axis] + 0.5)
        low = int(np.floor(a[axis]))
        if abs(a[axis] - nearest) <= TOUCH:
            at_face = True
            low = int(nearest) if d[axis] >= -TOUCH else int(nearest) - 1
            if abs(d[axis]) <= TOUCH:
                along |= 1 << axis
        start[axis] = low if along >> axis & 1 else min(max(low, 0), size[axis] - 1)
    if at_face:
        met: int = _touching(flat, size, a, rule, seen, first_only)
        if met != 0:
            return met
    if along == 0:
        return int(_walk(flat, size, a, d, start, rule, seen, first_only, point)[0])
    best = 0
    where = 2.0
    s0, s1, s2 = start[0], start[1], start[2]
    for side in range(8):
        if side & ~along:
            continue
        start[0] = s0 - (side & 1)
        start[1] = s1 - ((side >> 1) & 1)
        start[2] = s2 - ((side >> 2) & 1)
        if min(start[0], start[1], start[2]) < 0:
            continue
        if start[0] >= size[0] or start[1] >= size[1] or start[2] >= size[2]:
            continue
        met, t = _walk(flat, size, a, d, start, rule, seen, first_only, point)
        if met != 0 and (t < where - TOUCH or (t <= where + TOUCH and met < best)):
            best = met
            where = t
    return best


@njit(cache=True, nogil=True)
def clipped(size: Any, a: Any, d: Any) -> tuple[float, float]:
    """The part (from, to), in shares of ``a`` to ``a + d``, inside the grid; from > to where none is."""
    low = 0.0
    high = 1.0
    for axis in range(3):
        if d[axis] == 0.0:
            if a[axis] < 0.0 or a[axis] > size[axis]:
                return 1.0, 0.0
        else:
            t0 = (0.0 - a[axis]) / d[axis]
            t1 = (size[axis] - a[axis]) / d[axis]
            low = max(low, min(t0, t1))
            high = min(high, max(t0, t1))
    return low, high


@njit(cache=True, nogil=True)
def _prepare(size: Any, spacing_mm: Any, start_mm: Any, end_mm: Any, a: Any, d: Any) -> bool:
    """Fill ``a`` and ``d`` (voxel units) with the part of the segment inside the grid; False where none is."""
    for axis in range(3):
        a[axis] = start_mm[axis] / spacing_mm[axis] + 0.5
        d[axis] = end_mm[axis] / spacing_mm[axis] + 0.5 - a[axis]
    low, high = clipped(size, a, d)
    if low > high:
        return False
    for axis in range(3):
        first = min(max(a[axis] + low * d[axis], 0.0), float(size[axis]))
        last = min(max(a[axis] + high * d[axis], 0.0), float(size[axis]))
        a[axis] = first
        d[axis] = last - first
    return True


@njit(cache=True, nogil=True, parallel=True)
def structures_crossed(classes: Any, members: Any, spacing_mm: Any, starts_mm: Any, ends_mm: Any) -> Any:
    """Which structures each segment meets (touching counts): bool (N, n_structures).

    classes: unsigned ``[k, j, i]``; members: bool (n_class, n_structures); spacing_mm: (3,) along i, j, k;
    starts_mm, ends_mm: (N, 3) in grid mm. Parts outside the grid meet nothing.
    """
    n = starts_mm.shape[0]
    n_class, n_structures = members.shape
    out = np.zeros((n, n_structures), dtype=np.bool_)
    size = np.array([classes.shape[2], classes.shape[1], classes.shape[0]])
    flat = classes.reshape(-1)
    for p in prange(n):
        a = np.empty(3)
        d = np.empty(3)
        point = np.empty(3)
        start = np.empty(3, dtype=np.int64)
        seen = np.zeros(n_class, dtype=np.bool_)
        rule = np.zeros(1, dtype=np.uint16)
        if _prepare(size, spacing_mm, starts_mm[p], ends_mm[p], a, d):
            trace(flat, size, a, d, rule, seen, False, start, point)
            for c in range(n_class):
                if seen[c]:
                    for s in range(n_structures):
                        if members[c, s]:
                            out[p, s] = True
    return out


@njit(cache=True, nogil=True, parallel=True)
def lengths_in_sets(classes: Any, sets: Any, spacing_mm: Any, starts_mm: Any, ends_mm: Any) -> Any:
    """Millimetres of each segment inside each set of classes: float64 (N, n_sets).

    sets: bool (n_sets, n_class). The rest as in ``structures_crossed``. A segment that runs exactly in a face
    counts for the voxel on the side of the higher index.
    """
    n = starts_mm.shape[0]
    n_sets = sets.shape[0]
    out = np.zeros((n, n_sets))
    size = np.array([classes.shape[2], classes.shape[1], classes.shape[0]])
    flat = classes.reshape(-1)
    for p in prange(n):
        a = np.empty(3)
        d = np.empty(3)
        t_next = np.empty(3)
        voxel = np.empty(3, dtype=np.int64)
        if not _prepare(size, spacing_mm, starts_mm[p], ends_mm[p], a, d):
            continue
        length = 0.0
        for axis in range(3):
            length += (d[axis] * spacing_mm[axis]) ** 2
            low = int(np.floor(a[axis]))
            if d[axis] < 0.0 and a[axis] == low:
                low -= 1
            voxel[axis] = min(max(low, 0), size[axis] - 1)
            t_next[axis] = FAR
            if d[axis] != 0.0:
                t_next[axis] = (voxel[axis] + (1 if d[axis] > 0 else 0) - a[axis]) / d[axis]
        length = np.sqrt(length)
        before = 0.0
        while True:
            axis = 0
            if t_next[1] < t_next[axis]:
                axis = 1
            if t_next[2] < t_next[axis]:
                axis = 2
            t = min(t_next[axis], 1.0)
            if t > before:
                c = flat[(voxel[2] * size[1] + voxel[1]) * size[0] + voxel[0]]
                for s in range(n_sets):
                    if sets[s, c]:
                        out[p, s] += (t - before) * length
                before = t
            if t_next[axis] >= 1.0:
                break
            voxel[axis] += 1 if d[axis] > 0 else -1
            if voxel[axis] < 0 or voxel[axis] >= size[axis]:
                break
            t_next[axis] += 1.0 / abs(d[axis])
    return out
