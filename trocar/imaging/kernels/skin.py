"""Loops over the surface of a body mask: its faces, its direction, and what lies off it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True)
def count_faces(body: Any) -> int:
    """Number of faces between a voxel inside and one outside, both in the array. body: bool ``[k, j, i]``."""
    size_k, size_j, size_i = body.shape
    found = 0
    for k in range(size_k):
        for j in range(size_j):
            for i in range(size_i):
                inside = body[k, j, i]
                if i + 1 < size_i and body[k, j, i + 1] != inside:
                    found += 1
                if j + 1 < size_j and body[k, j + 1, i] != inside:
                    found += 1
                if k + 1 < size_k and body[k + 1, j, i] != inside:
                    found += 1
    return found


@njit(cache=True, nogil=True)
def list_faces(body: Any, count: int) -> Any:
    """The faces that ``count_faces`` counts: int32 (count, 4), lower voxel i, j, k and the axis across it (0 = i)."""
    size_k, size_j, size_i = body.shape
    faces = np.empty((count, 4), dtype=np.int32)
    at = 0
    for k in range(size_k):
        for j in range(size_j):
            for i in range(size_i):
                inside = body[k, j, i]
                for axis in range(3):
                    if axis == 0:
                        other = i + 1 < size_i and body[k, j, i + 1] != inside
                    elif axis == 1:
                        other = j + 1 < size_j and body[k, j + 1, i] != inside
                    else:
                        other = k + 1 < size_k and body[k + 1, j, i] != inside
                    if other:
                        faces[at, 0] = i
                        faces[at, 1] = j
                        faces[at, 2] = k
                        faces[at, 3] = axis
                        at += 1
    return faces


@njit(cache=True, nogil=True, parallel=True)
def outward_directions(body: Any, spacing_mm: Any, points_ijk: Any, radius_mm: float) -> Any:
    """Away from the middle of the body's voxels within a ball round each point: float64 (N, 3) along i, j, k.

    Not of unit length. Beyond the array its edge goes on.
    """
    n = points_ijk.shape[0]
    size = np.array([body.shape[2], body.shape[1], body.shape[0]])
    out = np.zeros((n, 3))
    reach = np.empty(3, dtype=np.int64)
    for axis in range(3):
        reach[axis] = int(np.ceil(radius_mm / spacing_mm[axis]))
    for p in prange(n):
        middle = np.empty(3, dtype=np.int64)
        for axis in range(3):
            middle[axis] = int(np.rint(points_ijk[p, axis]))
        for dk in range(-reach[2], reach[2] + 1):
            k = middle[2] + dk
            z = (k - points_ijk[p, 2]) * spacing_mm[2]
            k = min(max(k, 0), size[2] - 1)
            for dj in range(-reach[1], reach[1] + 1):
                j = middle[1] + dj
                y = (j - points_ijk[p, 1]) * spacing_mm[1]
                left = radius_mm * radius_mm - y * y - z * z
                if left < 0.0:
                    continue
                j = min(max(j, 0), size[1] - 1)
                for di in range(-reach[0], reach[0] + 1):
                    i = middle[0] + di
                    x = (i - points_ijk[p, 0]) * spacing_mm[0]
                    i = min(max(i, 0), size[0] - 1)
                    if x * x <= left and body[k, j, i]:
                        out[p, 0] -= x
                        out[p, 1] -= y
                        out[p, 2] -= z
    return out


@njit(cache=True, nogil=True, parallel=True)
def off_body(body: Any) -> Any:
    """Voxels more than two steps (through faces) away from the body: bool ``[k, j, i]``."""
    size_k, size_j, size_i = body.shape
    out = np.zeros(body.shape, dtype=np.bool_)
    for k in prange(size_k):
        for j in range(size_j):
            for i in range(size_i):
                near = False
                for dk in range(-2, 3):
                    if near:
                        break
                    if k + dk < 0 or k + dk >= size_k:
                        continue
                    rest = 2 - abs(dk)
                    for dj in range(-rest, rest + 1):
                        if near:
                            break
                        if j + dj < 0 or j + dj >= size_j:
                            continue
                        left = rest - abs(dj)
                        for di in range(-left, left + 1):
                            if 0 <= i + di < size_i and body[k + dk, j + dj, i + di]:
                                near = True
                                break
                out[k, j, i] = not near
    return out


@njit(cache=True, nogil=True, parallel=True)
def directions_closed(bone: Any, reach_i: int, reach_j: int) -> Any:
    """In how many of eight directions in its slice each voxel meets bone: uint8 ``[k, j, i]``, 0 in the bone itself.

    bone: bool ``[k, j, i]``. Looked at are rows, columns and both diagonals, as far as ``reach_i`` and ``reach_j``
    voxels (the smaller of the two along a diagonal).
    """
    size_k, size_j, size_i = bone.shape
    out = np.zeros(bone.shape, dtype=np.uint8)
    both = min(reach_i, reach_j)
    for k in prange(size_k):
        # how far back the last bone lies along a direction, by a sweep in that direction
        far = size_i + size_j
        for direction in range(8):
            di = (1, -1, 0, 0, 1, -1, 1, -1)[direction]
            dj = (0, 0, 1, -1, 1, -1, -1, 1)[direction]
            reach = both
            if dj == 0:
                reach = reach_i
            elif di == 0:
                reach = reach_j
            steps = np.full((size_j, size_i), far, dtype=np.int32)
            for a in range(size_j):
                j = a if dj >= 0 else size_j - 1 - a
                for b in range(size_i):
                    i = b if di >= 0 else size_i - 1 - b
                    if bone[k, j, i]:
                        steps[j, i] = 0
                        continue
                    back_j = j - dj
                    back_i = i - di
                    if 0 <= back_j < size_j and 0 <= back_i < size_i:
                        steps[j, i] = min(steps[back_j, back_i] + 1, far)
                    if steps[j, i] <= reach:
                        out[k, j, i] += 1
    return out
