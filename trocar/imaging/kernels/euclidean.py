"""Exact Euclidean distance map of a whole mask, voxel centre to voxel centre.

Separable: along i by runs, then along j and along k by the lower envelope of parabolas. Only rows and slices that hold
a voxel of the mask give a parabola, so that a small structure in a large scan costs little more than writing the map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

COLUMNS = 32
"""Columns that are worked on together, in vector instructions."""


@njit(cache=True, nogil=True, parallel=True)
def rows_with_voxels(mask: Any) -> Any:
    """bool (K, J): rows of ``mask`` (uint8 ``[k, j, i]``) that hold a voxel."""
    some = np.zeros(mask.shape[:2], dtype=np.bool_)
    for k in prange(mask.shape[0]):
        for j in range(mask.shape[1]):
            bits = np.uint8(0)
            for i in range(mask.shape[2]):
                bits |= mask[k, j, i]
            some[k, j] = bits != 0
    return some


@njit(cache=True, nogil=True)
def _along_row(row: Any, step_mm: float, out: Any) -> None:
    """Squared distances in mm^2 along a row that holds at least one voxel."""
    n = row.size  # ``out`` may be longer
    last = -1
    for i in range(n):
        if row[i] == 0:
            continue
        first = last + 1 if last < 0 else (last + i) // 2 + 1
        if last >= 0:
            for p in range(last + 1, first):
                d = np.float32((p - last) * step_mm)
                out[p] = d * d
        for p in range(first, i):
            d = np.float32((i - p) * step_mm)
            out[p] = d * d
        out[i] = np.float32(0.0)
        last = i
    for p in range(last + 1, n):
        d = np.float32((p - last) * step_mm)
        out[p] = d * d


@njit(cache=True, nogil=True)
def _gaps(size: int, place: Any, step_mm: float) -> Any:
    """Squared distances in mm^2 (size, n) from each position to each ``place``."""
    out = np.empty((size, place.size), dtype=np.float32)
    for p in range(size):
        for q in range(place.size):
            d = np.float32((p - place[q]) * step_mm)
            out[p, q] = d * d
    return out


@njit(cache=True, nogil=True)
def _least(value: Any, gaps: Any, i: int, p: int, low: int, high: int, best: Any, of: Any) -> None:
    """best = min of value[q] + gaps[p, q] over low..high for COLUMNS columns from i; ``of``: which q that was."""
    for n in range(COLUMNS):
        c = np.uintp(n)
        best[c] = value[low, np.uintp(i) + c] + gaps[p, low]
        of[c] = low
    for q in range(low + 1, high + 1):
        gap = gaps[p, q]
        this = np.int32(q)
        for n in range(COLUMNS):
            c = np.uintp(n)
            sum_ = value[q, np.uintp(i) + c] + gap
            less = sum_ < best[c]
            best[c] = sum_ if less else best[c]
            of[c] = this if less else of[c]


@njit(cache=True, nogil=True)
def _envelope(value: Any, gaps: Any, i: int, out: Any, best: Any, of: Any, first: Any, last: Any) -> None:
    """out[p] = min over q of value[q] + gaps[p, q], for COLUMNS columns from ``i``.

    The q that is lowest never falls as p grows. Positions are therefore visited from coarse to fine, and each looks
    only between the answers of its two neighbours: m log n instead of m n comparisons, all of them in vectors.
    best, of: (COLUMNS,) working space; first, last: int64 (n,), the range of q over the columns at each position.
    """
    size, n_values = gaps.shape
    stride = 1
    while stride < size:
        stride *= 2
    p = 0
    while stride > 0:
        while p < size:
            low = first[p - stride] if p >= stride else 0
            high = last[p + stride] if p + stride < size and p >= stride else n_values - 1
            _least(value, gaps, i, p, low, high, best, of)
            lowest, highest = of[0], of[0]
            for n in range(COLUMNS):
                c = np.uintp(n)
                out[p, np.uintp(i) + c] = best[c]
                lowest = of[c] if of[c] < lowest else lowest
                highest = of[c] if of[c] > highest else highest
            first[p] = lowest
            last[p] = highest
            p += 2 * stride
        stride //= 2
        p = stride


@njit(cache=True, nogil=True, parallel=True)
def within_slices(mask: Any, rows: Any, slices: Any, spacing_mm: Any, out: Any) -> None:
    """Squared distances (float32, mm^2) within each of ``slices`` (indices of slices that hold a voxel)."""
    n_j, n_i = mask.shape[1], mask.shape[2]
    padded = -(-n_i // COLUMNS) * COLUMNS
    for n in prange(slices.size):
        k = slices[n]
        place = np.flatnonzero(rows[k])
        gaps = _gaps(n_j, place, spacing_mm[1])
        along = np.zeros((place.size, padded), dtype=np.float32)
        for q in range(place.size):
            _along_row(mask[k, place[q]], spacing_mm[0], along[q])
        whole = np.empty((n_j, padded), dtype=np.float32)
        best = np.empty(COLUMNS, dtype=np.float32)
        of = np.empty(COLUMNS, dtype=np.int32)
        first = np.empty(n_j, dtype=np.int64)
        last = np.empty(n_j, dtype=np.int64)
        for i in range(0, padded, COLUMNS):
            _envelope(along, gaps, i, whole, best, of, first, last)
        for j in range(n_j):
            for i in range(n_i):
                out[k, j, i] = whole[j, i]


@njit(cache=True, nogil=True, parallel=True)
def between_slices(slices: Any, step_mm: float, out: Any) -> None:
    """From squared distances within ``slices`` to distances (mm) everywhere, in place."""
    n_k, n_j, n_i = out.shape
    padded = -(-n_i // COLUMNS) * COLUMNS
    gaps = _gaps(n_k, slices, step_mm)
    for j in prange(n_j):
        value = np.zeros((slices.size, padded), dtype=np.float32)
        for q in range(slices.size):
            for i in range(n_i):
                value[q, i] = out[slices[q], j, i]
        whole = np.empty((n_k, padded), dtype=np.float32)
        best = np.empty(COLUMNS, dtype=np.float32)
        of = np.empty(COLUMNS, dtype=np.int32)
        first = np.empty(n_k, dtype=np.int64)
        last = np.empty(n_k, dtype=np.int64)
        for i in range(0, padded, COLUMNS):
            _envelope(value, gaps, i, whole, best, of, first, last)
        for k in range(n_k):
            for i in range(n_i):
                out[k, j, i] = np.sqrt(whole[k, i])
