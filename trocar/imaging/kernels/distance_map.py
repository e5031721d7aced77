"""Distances from lattice points to the voxel boxes of structures, many structures side by side.

The lattice divides every voxel edge into ``refine`` equal steps; its point 0 lies on the lower face of voxel 0 of
the array. Voxel i of an axis covers the lattice points i * refine to (i + 1) * refine. The nearest point of a box to
a lattice point is a lattice point itself, so that distances to boxes are exact at every lattice point.

Squared distances are int32 in units of reach^2 / 2^29, cut at the reach: minima of whole numbers are the same in any
order, and compile to vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

LANES = 16
CAP = 1 << 29
CHUNK = 64
"""Lattice points of a row that share one bound: what lies beyond it is skipped."""


@njit(cache=True, nogil=True, parallel=True)
def lanes_in_rows(classes: Any, lanes_of_class: Any, box: Any) -> Any:
    """uint16 (k, j): which lanes have a voxel in each row of the voxel ``box`` (2, 3): low and high (i, j, k)."""
    rows = np.zeros((box[1, 2] - box[0, 2], box[1, 1] - box[0, 1]), dtype=np.uint16)
    for k in prange(rows.shape[0]):
        kk = np.int64(k) + box[0, 2]
        for j in range(rows.shape[1]):
            bits = np.uint16(0)
            for i in range(box[0, 0], box[1, 0]):
                bits |= lanes_of_class[classes[kk, box[0, 1] + j, i]]
            rows[k, j] = bits
    return rows


@njit(cache=True, nogil=True)
def _along_row(
    row: Any, lanes_of_class: Any, lane: int, i0: int, i1: int, low: int, refine: int, sq: Any, out: Any
) -> None:
    """Squared distances along i to the voxels of ``lane`` in one row, at lattice points low, low + 1, ..."""
    n = out.size
    bit = np.uint16(1 << lane)
    last = -(1 << 40)  # lattice point where the last run ended
    done = 0
    i = i0
    while i <= i1:
        if i < i1 and (lanes_of_class[row[i]] & bit) == 0:
            i += 1
            continue
        first = i * refine - low if i < i1 else 1 << 40
        middle = n
        if i < i1:
            middle = min(max((last + first + 1) >> 1, done), n) if last > -(1 << 40) else done
            middle = max(middle, 0)
        for p in range(done, middle):
            steps = p - last
            out[p] = sq[steps] if steps < sq.size else CAP
        begin = min(max(first, middle), n) if i < i1 else n
        for p in range(middle, begin):
            steps = first - p
            out[p] = sq[steps] if steps < sq.size else CAP
        if i == i1:
            break
        while i < i1 and (lanes_of_class[row[i]] & bit) != 0:
            i += 1
        last = i * refine - low
        done = min(max(last + 1, begin), n)
        for p in range(begin, done):
            out[p] = 0


@njit(cache=True, nogil=True)
def _lower(out: Any, row: Any, add: Any, first: int, last: int) -> Any:
    """out = min(out, row + add) over first..last; returns the largest value left."""
    most = np.int32(0)
    for p in range(first, last):
        value = min(out[p], np.int32(row[p] + add))
        out[p] = value
        most = max(most, value)
    return most


@njit(cache=True, nogil=True)
def _across(
    rows: Any, least: Any, where: int, base: int, refine: int, sq: Any, out: Any, n_chunks: int
) -> None:
    """Lower envelope over all rows of boxes at lattice point ``where``: out[p] = min_j rows[j, p] + gap(j)^2.

    rows: int32 (J, n), row j stands for voxel base + j; least: int32 (J, chunks): the minimum of each chunk.
    """
    n = out.size
    centre = min(max(where // refine - base, 0), rows.shape[0] - 1)
    for chunk in range(n_chunks):
        first = chunk * CHUNK
        last = min(first + CHUNK, n)
        for p in range(first, last):
            out[p] = CAP
        most = np.int32(CAP)
        down = centre
        up = centre + 1
        more_down = True
        more_up = True
        while more_down or more_up:
            if more_down:
                more_down = down >= 0
                if more_down:
                    gap = max(where - (base + down + 1) * refine, (base + down) * refine - where)
                    gap = max(gap, 0)
                    add = sq[gap] if gap < sq.size else np.int32(CAP)
                    if add >= most and where >= (base + down) * refine:
                        more_down = False
                    elif np.int32(least[down, chunk] + add) < most:
                        most = _lower(out, rows[down], add, first, last)
                    down -= 1
            if more_up:
                more_up = up < rows.shape[0]
                if more_up:
                    gap = max((base + up) * refine - where, where - (base + up + 1) * refine)
                    gap = max(gap, 0)
                    add = sq[gap] if gap < sq.size else np.int32(CAP)
                    if add >= most and where <= (base + up + 1) * refine:
                        more_up = False
                    elif np.int32(least[up, chunk] + add) < most:
                        most = _lower(out, rows[up], add, first, last)
                    up += 1


@njit(cache=True, nogil=True)
def _chunk_minima(row: Any, least: Any) -> None:
    for chunk in range(least.size):
        low = np.int32(CAP)
        for p in range(chunk * CHUNK, min((chunk + 1) * CHUNK, row.size)):
            low = min(low, row[p])
        least[chunk] = low


@njit(cache=True, nogil=True, parallel=True)
def in_planes(
    classes: Any,
    lanes_of_class: Any,
    rows: Any,
    lanes: Any,
    source: Any,
    low: Any,
    shape: Any,
    refine: Any,
    sq_x: Any,
    sq_y: Any,
) -> tuple[Any, Any]:
    """Squared distances within each source slice: int32 (lane, k, J, I) at lattice rows and columns, and minima.

    rows: as from ``lanes_in_rows`` for ``source``; lanes: the lanes wanted; low: first lattice point (i, j, k) of the
    part wanted, shape: its size (K, J, I); sq_x, sq_y: int32, the square of 0, 1, 2, ... lattice steps.
    """
    n_chunks = (shape[2] + CHUNK - 1) // CHUNK
    planes = np.empty((lanes.size, rows.shape[0], shape[1], shape[2]), dtype=np.int32)
    least = np.full((lanes.size, rows.shape[0], shape[1], n_chunks), CAP, dtype=np.int32)
    for k in prange(rows.shape[0]):
        kk = np.int64(k) + source[0, 2]
        in_row = np.empty((rows.shape[1], shape[2]), dtype=np.int32)
        row_least = np.empty((rows.shape[1], n_chunks), dtype=np.int32)
        for which in range(lanes.size):
            lane = lanes[which]
            some = False
            for j in range(rows.shape[1]):
                if (rows[k, j] >> lane) & 1:
                    some = True
                    _along_row(
                        classes[kk, source[0, 1] + j],
                        lanes_of_class,
                        lane,
                        source[0, 0],
                        source[1, 0],
                        low[0],
                        refine[0],
                        sq_x,
                        in_row[j],
                    )
                    _chunk_minima(in_row[j], row_least[j])
                else:
                    row_least[j, :] = CAP
            if not some:
                continue
            for j in range(shape[1]):
                _across(
                    in_row,
                    row_least,
                    low[1] + j,
                    source[0, 1],
                    refine[1],
                    sq_y,
                    planes[which, k, j],
                    n_chunks,
                )
                _chunk_minima(planes[which, k, j], least[which, k, j])
    return planes, least


@njit(cache=True, nogil=True, parallel=True)
def between_planes(
    planes: Any, least: Any, lanes: Any, source: Any, low: Any, refine: Any, sq_z: Any, scale: float, out: Any
) -> None:
    """Distances in quanta, uint8, into ``out`` (K, J, I, LANES), from ``in_planes``; lanes not listed keep 255.

    scale: quanta^2 per unit of squared distance.
    """
    n_chunks = least.shape[3]
    for j in prange(out.shape[1]):
        squared = np.empty(out.shape[2], dtype=np.int32)
        quanta = np.full((LANES, out.shape[2]), 255, dtype=np.uint8)
        for k in range(out.shape[0]):
            for which in range(lanes.size):
                _across(
                    planes[which, :, j],
                    least[which, :, j],
                    low[2] + k,
                    source[0, 2],
                    refine[2],
                    sq_z,
                    squared,
                    n_chunks,
                )
                row = quanta[lanes[which]]
                for i in range(out.shape[2]):
                    row[i] = np.uint8(
                        np.float32(np.sqrt(np.float32(squared[i]) * np.float32(scale))) + np.float32(0.5)
                    )
            for i in range(out.shape[2]):
                for lane in range(LANES):
                    out[k, j, i, lane] = quanta[lane, i]
