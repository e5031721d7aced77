"""Loops that cut flat pictures out of voxels.

All take a plane as voxel indices (i, j, k): the index of pixel (0, 0) and the steps of one column and one row. A
point belongs to the voxels while every index is within half a voxel of them; there, values between the outermost
voxel centre and its face are those of the centre.

The loops run on one thread and release the lock: a sheet has ten pictures, and those share the cores.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def _inside(i, j, k, size_i, size_j, size_k):  # type: ignore[no-untyped-def]
    return (
        i >= -0.5
        and j >= -0.5
        and k >= -0.5
        and i <= size_i - 0.5
        and j <= size_j - 0.5
        and k <= size_k - 0.5
    )


@njit(cache=True, nogil=True, inline="always")
def _corner(x, size):  # type: ignore[no-untyped-def]
    """Lower neighbour and weight of the upper one along one axis, held inside."""
    x = min(max(x, 0.0), size - 1.0)
    low = int(x)
    if low > size - 2:
        low = max(size - 2, 0)
    return low, x - low


@njit(cache=True, nogil=True)
def _trilinear(values, i, j, k):  # type: ignore[no-untyped-def]
    size_k, size_j, size_i = values.shape
    i0, u = _corner(i, size_i)
    j0, v = _corner(j, size_j)
    k0, w = _corner(k, size_k)
    i1, j1, k1 = min(i0 + 1, size_i - 1), min(j0 + 1, size_j - 1), min(k0 + 1, size_k - 1)
    low = (1 - v) * ((1 - u) * values[k0, j0, i0] + u * values[k0, j0, i1]) + v * (
        (1 - u) * values[k0, j1, i0] + u * values[k0, j1, i1]
    )
    high = (1 - v) * ((1 - u) * values[k1, j0, i0] + u * values[k1, j0, i1]) + v * (
        (1 - u) * values[k1, j1, i0] + u * values[k1, j1, i1]
    )
    return (1 - w) * low + w * high


@njit(cache=True, nogil=True)
def cut(values, origin_ijk, column_ijk, row_ijk, height, width):  # type: ignore[no-untyped-def]
    """Trilinear picture (height, width) float32 of ``values[k, j, i]``; not-a-number outside the voxels."""
    out = np.empty((height, width), np.float32)
    size_k, size_j, size_i = values.shape
    for r in range(height):
        for c in range(width):
            i = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0]
            j = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1]
            k = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2]
            if _inside(i, j, k, size_i, size_j, size_k):
                out[r, c] = _trilinear(values, i, j, k)
            else:
                out[r, c] = np.nan
    return out


@njit(cache=True, nogil=True)
def mean_through(values, origin_ijk, column_ijk, row_ijk, step_ijk, steps, height, width):  # type: ignore[no-untyped-def]
    """Mean of the nearest voxels on ``steps`` samples behind each pixel; not-a-number where all lie outside."""
    out = np.empty((height, width), np.float32)
    size_k, size_j, size_i = values.shape
    for r in range(height):
        for c in range(width):
            total = 0.0
            count = 0
            for s in range(steps):
                i = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0] + s * step_ijk[0]
                j = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1] + s * step_ijk[1]
                k = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2] + s * step_ijk[2]
                if _inside(i, j, k, size_i, size_j, size_k):
                    total += values[
                        min(max(int(np.floor(k + 0.5)), 0), size_k - 1),
                        min(max(int(np.floor(j + 0.5)), 0), size_j - 1),
                        min(max(int(np.floor(i + 0.5)), 0), size_i - 1),
                    ]
                    count += 1
            out[r, c] = total / count if count else np.nan
    return out


@njit(cache=True, nogil=True)
def nearest(labels, origin_ijk, column_ijk, row_ijk, height, width):  # type: ignore[no-untyped-def]
    """Label of the voxel that each pixel lies in, (height, width) int32; 0 outside."""
    out = np.zeros((height, width), np.int32)
    size_k, size_j, size_i = labels.shape
    for r in range(height):
        for c in range(width):
            i = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0]
            j = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1]
            k = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2]
            if _inside(i, j, k, size_i, size_j, size_k):
                out[r, c] = labels[
                    min(max(int(np.floor(k + 0.5)), 0), size_k - 1),
                    min(max(int(np.floor(j + 0.5)), 0), size_j - 1),
                    min(max(int(np.floor(i + 0.5)), 0), size_i - 1),
                ]
    return out


@njit(cache=True, nogil=True)
def share_of_label(labels, value, origin_ijk, column_ijk, row_ijk, height, width):  # type: ignore[no-untyped-def]
    """Trilinear share (0 to 1) of voxels with ``value`` round each pixel, (height, width) float32; 0 outside.

    Its contour at one half is the voxels' surface with the corners taken off.
    """
    out = np.zeros((height, width), np.float32)
    size_k, size_j, size_i = labels.shape
    for r in range(height):
        for c in range(width):
            i = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0]
            j = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1]
            k = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2]
            if not _inside(i, j, k, size_i, size_j, size_k):
                continue
            i0, u = _corner(i, size_i)
            j0, v = _corner(j, size_j)
            k0, w = _corner(k, size_k)
            total = 0.0
            for dk in range(2):
                for dj in range(2):
                    for di in range(2):
                        if (
                            labels[
                                min(k0 + dk, size_k - 1), min(j0 + dj, size_j - 1), min(i0 + di, size_i - 1)
                            ]
                            == value
                        ):
                            weight = u if di else 1 - u
                            weight *= v if dj else 1 - v
                            weight *= w if dk else 1 - w
                            total += weight
            out[r, c] = total
    return out


@njit(cache=True, nogil=True)
def shadows(labels, layer_of_label, layers, origin_ijk, column_ijk, row_ijk, step_ijk, steps, height, width):  # type: ignore[no-untyped-def]
    """Which structures lie on the line behind each pixel: uint8 (layers, height, width), 1 where met.

    ``layer_of_label`` (one more than the greatest label) says which layer a label counts for, -1 for none.
    """
    out = np.zeros((layers, height, width), np.uint8)
    size_k, size_j, size_i = labels.shape
    for r in range(height):
        for c in range(width):
            for s in range(steps):
                i = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0] + s * step_ijk[0]
                j = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1] + s * step_ijk[1]
                k = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2] + s * step_ijk[2]
                if _inside(i, j, k, size_i, size_j, size_k):
                    label = labels[
                        min(max(int(np.floor(k + 0.5)), 0), size_k - 1),
                        min(max(int(np.floor(j + 0.5)), 0), size_j - 1),
                        min(max(int(np.floor(i + 0.5)), 0), size_i - 1),
                    ]
                    layer = layer_of_label[label]
                    if layer >= 0:
                        out[layer, r, c] = 1
    return out
