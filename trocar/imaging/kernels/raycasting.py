"""Loops for the picture in three dimensions: fields of shapes, and the first surface behind each pixel."""

from __future__ import annotations

import numpy as np
from numba import njit

from trocar.imaging.kernels.slicing import _trilinear


@njit(cache=True, nogil=True)
def block_shares(labels, layer_of_label, layers, factor_k, factor_j, factor_i):  # type: ignore[no-untyped-def]
    """Share of each block of voxels that belongs to each layer: uint8 (layers, K, J, I), 255 for all of it.

    ``layer_of_label`` says which layer a label counts for, -1 for none. Voxels beyond whole blocks are left out.
    """
    size_k, size_j, size_i = labels.shape
    blocks_k, blocks_j, blocks_i = size_k // factor_k, size_j // factor_j, size_i // factor_i
    out = np.zeros((layers, blocks_k, blocks_j, blocks_i), np.uint8)
    full = factor_k * factor_j * factor_i
    for bk in range(blocks_k):
        counts = np.zeros(layers, np.int64)
        for bj in range(blocks_j):
            for bi in range(blocks_i):
                counts[:] = 0
                for k in range(bk * factor_k, (bk + 1) * factor_k):
                    for j in range(bj * factor_j, (bj + 1) * factor_j):
                        for i in range(bi * factor_i, (bi + 1) * factor_i):
                            layer = layer_of_label[labels[k, j, i]]
                            if layer >= 0:
                                counts[layer] += 1
                for layer in range(layers):
                    out[layer, bk, bj, bi] = (counts[layer] * 255) // full
    return out


@njit(cache=True, nogil=True)
def block_means(values, factor_k, factor_j, factor_i):  # type: ignore[no-untyped-def]
    """Mean of each block of ``values[k, j, i]``, float32 (K, J, I)."""
    size_k, size_j, size_i = values.shape
    blocks_k, blocks_j, blocks_i = size_k // factor_k, size_j // factor_j, size_i // factor_i
    out = np.empty((blocks_k, blocks_j, blocks_i), np.float32)
    full = factor_k * factor_j * factor_i
    for bk in range(blocks_k):
        for bj in range(blocks_j):
            for bi in range(blocks_i):
                total = 0
                for k in range(bk * factor_k, (bk + 1) * factor_k):
                    for j in range(bj * factor_j, (bj + 1) * factor_j):
                        for i in range(bi * factor_i, (bi + 1) * factor_i):
                            total += values[k, j, i]
                out[bk, bj, bi] = total / full
    return out


@njit(cache=True, nogil=True)
def _value(field, i, j, k):  # type: ignore[no-untyped-def]
    size_k, size_j, size_i = field.shape
    if i < 0 or j < 0 or k < 0 or i > size_i - 1 or j > size_j - 1 or k > size_k - 1:
        return 0.0
    return _trilinear(field, i, j, k)


@njit(cache=True, nogil=True)
def first_surface(  # type: ignore[no-untyped-def]
    field, leap, spacing, origin_ijk, column_ijk, row_ijk, into_ijk, length_mm, step_mm, level, height, width
):
    """Depth in mm (height, width) float32 where ``field[k, j, i]`` first reaches ``level``, and its normal.

    ``leap`` holds, for each voxel, how many voxels away (greatest of the three axes) the nearest one is that reaches
    ``level``; empty space is crossed in leaps of that. ``into_ijk`` is one mm along the ray in voxels, rays start
    at the pixels' own points. The normal (height, width, 3) is the unit gradient along the grid's axes in mm, towards
    lower values; depth is not-a-number where no surface is met within ``length_mm``. Values outside the voxels are 0.
    """
    depth = np.full((height, width), np.nan, np.float32)
    normal = np.zeros((height, width, 3), np.float32)
    size_k, size_j, size_i = field.shape
    fastest = max(abs(into_ijk[0]), abs(into_ijk[1]), abs(into_ijk[2]))
    for r in range(height):
        for c in range(width):
            i0 = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0]
            j0 = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1]
            k0 = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2]
            # where the ray is within one voxel of the grid
            near, far = 0.0, length_mm
            for axis in range(3):
                start = (i0, j0, k0)[axis]
                speed = into_ijk[axis]
                top = (size_i, size_j, size_k)[axis]
                if abs(speed) < 1e-12:
                    if start < -1.0 or start > top:
                        far = -1.0
                else:
                    one = (-1.0 - start) / speed
                    two = (top - start) / speed
                    near = max(near, min(one, two))
                    far = min(far, max(one, two))
            at = near
            while at <= far:
                i = i0 + at * into_ijk[0]
                j = j0 + at * into_ijk[1]
                k = k0 + at * into_ijk[2]
                vi = min(max(int(np.floor(i + 0.5)), 0), size_i - 1)
                vj = min(max(int(np.floor(j + 0.5)), 0), size_j - 1)
                vk = min(max(int(np.floor(k + 0.5)), 0), size_k - 1)
                free = leap[vk, vj, vi]
                # none of the eight voxels round this point reaches the level
                if free > 1:
                    at += max((free - 2) / fastest, step_mm)
                    continue
                if _value(field, i, j, k) >= level:
                    below = max(at - step_mm, near)
                    for _ in range(5):
                        middle = (below + at) / 2
                        i = i0 + middle * into_ijk[0]
                        j = j0 + middle * into_ijk[1]
                        k = k0 + middle * into_ijk[2]
                        if _value(field, i, j, k) >= level:
                            at = middle
                        else:
                            below = middle
                    i = i0 + at * into_ijk[0]
                    j = j0 + at * into_ijk[1]
                    k = k0 + at * into_ijk[2]
                    gi = (_value(field, i - 1, j, k) - _value(field, i + 1, j, k)) / spacing[0]
                    gj = (_value(field, i, j - 1, k) - _value(field, i, j + 1, k)) / spacing[1]
                    gk = (_value(field, i, j, k - 1) - _value(field, i, j, k + 1)) / spacing[2]
                    size = np.sqrt(gi * gi + gj * gj + gk * gk)
                    depth[r, c] = max(at, 0.0)
                    if size > 0:
                        normal[r, c, 0] = gi / size
                        normal[r, c, 1] = gj / size
                        normal[r, c, 2] = gk / size
                    break
                at += step_mm
    return depth, normal


@njit(cache=True, nogil=True)
def strongest_layer(fields, depth, origin_ijk, column_ijk, row_ijk, into_ijk):  # type: ignore[no-untyped-def]
    """Which of ``fields`` (layers, K, J, I) is greatest at each pixel's surface: int16, -1 where there is none."""
    height, width = depth.shape
    layers, size_k, size_j, size_i = fields.shape
    out = np.full((height, width), -1, np.int16)
    for r in range(height):
        for c in range(width):
            at = depth[r, c]
            if np.isnan(at):
                continue
            i = origin_ijk[0] + c * column_ijk[0] + r * row_ijk[0] + at * into_ijk[0]
            j = origin_ijk[1] + c * column_ijk[1] + r * row_ijk[1] + at * into_ijk[1]
            k = origin_ijk[2] + c * column_ijk[2] + r * row_ijk[2] + at * into_ijk[2]
            best = 0.0
            # a surface that the field's own faces cut off lies on the outermost voxels
            i0 = min(max(int(np.floor(i)), 0), max(size_i - 2, 0))
            j0 = min(max(int(np.floor(j)), 0), max(size_j - 2, 0))
            k0 = min(max(int(np.floor(k)), 0), max(size_k - 2, 0))
            u, v, w = min(max(i - i0, 0.0), 1.0), min(max(j - j0, 0.0), 1.0), min(max(k - k0, 0.0), 1.0)
            for layer in range(layers):
                value = 0.0
                for corner in range(8):
                    di, dj, dk = corner & 1, (corner >> 1) & 1, corner >> 2
                    share = (u if di else 1 - u) * (v if dj else 1 - v) * (w if dk else 1 - w)
                    if share > 0:
                        value += share * fields[layer, k0 + dk, j0 + dj, i0 + di]
                if value > best:
                    best = value
                    out[r, c] = layer
    return out
