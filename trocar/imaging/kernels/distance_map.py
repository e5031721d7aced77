"""Distances from lattice points to the voxel boxes of structures, many structures side by side.

The lattice divides every voxel edge into ``refine`` equal steps; its point 0 lies on the lower face of voxel 0 of
the array. Voxel i of an axis covers the lattice points i * refine to (i + 1) * refine. The nearest point of a box to
a lattice point is a lattice point itself, so that distances to boxes are exact at every lattice point.

Squared distances are uint16 in units of reach^2 / CAP, cut at the reach: minima of whole numbers are the same in any
order, and sixteen of them are compared at once. Rounding three squares is worth 0.02 mm at a distance of 0.7 mm and
less beyond. Minima are written as comparisons, since min() and max() keep the compiler from using vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

LANES = 16
CAP = (1 << 15) - 1
"""Stands for the reach and all beyond; twice this still fits."""
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
def _lower(out: Any, rows: Any, j: Any, add: Any, first: int, last: int) -> Any:
    """out = min(out, rows[j] + add) over first..last; returns the largest value left."""
    most = np.uint16(0)
    for n in range(last - first):
        p = np.uintp(first + n)
        value = np.uint16(rows[j, p] + add)
        old = out[p]
        value = value if value < old else old
        out[p] = value
        most = value if value > most else most
    return most


@njit(cache=True, nogil=True)
def _gaps(low: int, n: int, base: int, n_rows: int, refine: int, sq: Any) -> Any:
    """Squared gap (n, n_rows) from lattice point low + p to the voxel base + j, CAP beyond the reach."""
    out = np.full((n, n_rows), CAP, dtype=np.uint16)
    for p in range(n):
        for j in range(n_rows):
            gap = max((base + j) * refine - low - p, low + p - (base + j + 1) * refine, 0)
            if gap < sq.size:
                out[p, j] = sq[gap]
    return out


@njit(cache=True, nogil=True)
def _filled(least: Any, bounds: Any) -> None:
    """Rows (first, last + 1) of each chunk that hold anything nearer than the reach."""
    for chunk in range(least.shape[1]):
        bounds[chunk, 0] = least.shape[0]
        bounds[chunk, 1] = 0
        for j in range(least.shape[0]):
            if least[j, chunk] < CAP:
                bounds[chunk, 0] = min(bounds[chunk, 0], j)
                bounds[chunk, 1] = j + 1


@njit(cache=True, nogil=True)
def _across(rows: Any, least: Any, bounds: Any, gaps: Any, centre: int, chunk: int, out: Any) -> None:
    """Lower envelope over rows of boxes: out[p] = min_j rows[j, p] + gaps[j], for one chunk.

    rows: uint16 (J, n); least: (J, chunks), the minimum of each chunk; gaps: (J,), smallest at ``centre``, growing to
    both sides.
    """
    first = chunk * CHUNK
    last = min(first + CHUNK, out.size)
    for n in range(last - first):
        out[np.uintp(first + n)] = CAP
    most = np.uint16(CAP)
    for j in range(min(centre, bounds[chunk, 1] - 1), bounds[chunk, 0] - 1, -1):
        if gaps[j] >= most:
            break
        if int(least[j, chunk]) + int(gaps[j]) < most:
            most = _lower(out, rows, np.uintp(j), gaps[j], first, last)
    for j in range(max(centre + 1, bounds[chunk, 0]), bounds[chunk, 1]):
        if gaps[j] >= most:
            break
        if int(least[j, chunk]) + int(gaps[j]) < most:
            most = _lower(out, rows, np.uintp(j), gaps[j], first, last)


@njit(cache=True, nogil=True)
def _chunk_minima(row: Any, least: Any, chunk: int) -> None:
    """Write the smallest value of one chunk of ``row``."""
    low = np.uint16(CAP)
    first = chunk * CHUNK
    for n in range(min(CHUNK, row.size - first)):
        value = row[np.uintp(first + n)]
        low = value if value < low else low
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
    """Squared distances within each source slice: uint16 (lane, J, k, I) at lattice rows and columns, and minima.

    rows: as from ``lanes_in_rows`` for ``source``; lanes: the lanes wanted; low: first lattice point (i, j, k) of the
    part wanted, shape: its size (K, J, I); sq_x, sq_y: uint16, the square of 0, 1, 2, ... lattice steps.
    """
    n_chunks = (shape[2] + CHUNK - 1) // CHUNK
    planes = np.empty((lanes.size, shape[1], rows.shape[0], shape[2]), dtype=np.uint16)
    least = np.full((lanes.size, shape[1], rows.shape[0], n_chunks), CAP, dtype=np.uint16)
    gaps = _gaps(low[1], shape[1], source[0, 1], rows.shape[1], refine[1], sq_y)
    for k in prange(rows.shape[0]):
        kk = np.int64(k) + source[0, 2]
        in_row = np.empty((rows.shape[1], shape[2]), dtype=np.uint16)
        row_least = np.empty((rows.shape[1], n_chunks), dtype=np.uint16)
        bounds = np.empty((n_chunks, 2), dtype=np.int64)
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
                    for chunk in range(n_chunks):
                        _chunk_minima(in_row[j], row_least[j], chunk)
                else:
                    row_least[j, :] = CAP
            if not some:
                continue
            _filled(row_least, bounds)
            for j in range(shape[1]):
                centre = (low[1] + j) // refine[1] - source[0, 1]
                for chunk in range(n_chunks):
                    if bounds[chunk, 1] > bounds[chunk, 0]:
                        _across(in_row, row_least, bounds, gaps[j], centre, chunk, planes[which, j, k])
                        _chunk_minima(planes[which, j, k], least[which, j, k], chunk)
    return planes, least


@njit(cache=True, nogil=True, parallel=True)
def between_planes(
    planes: Any, least: Any, lanes: Any, source: Any, low: Any, refine: Any, sq_z: Any, scale: float, out: Any
) -> None:
    """Distances in quanta, uint8, into ``out`` (K, J, I, LANES), from ``in_planes``; lanes not listed get 255.

    scale: quanta^2 per unit of squared distance.
    """
    n_chunks = least.shape[3]
    gaps = _gaps(low[2], out.shape[0], source[0, 2], planes.shape[2], refine[2], sq_z)
    for j in prange(out.shape[1]):
        squared = np.empty(out.shape[2], dtype=np.uint16)
        quanta = np.full((LANES, out.shape[2]), 255, dtype=np.uint8)
        bounds = np.empty((lanes.size, n_chunks, 2), dtype=np.int64)
        for which in range(lanes.size):
            _filled(least[which, j], bounds[which])
        for k in range(out.shape[0]):
            centre = (low[2] + k) // refine[2] - source[0, 2]
            for which in range(lanes.size):
                row = quanta[lanes[which]]
                for chunk in range(n_chunks):
                    if bounds[which, chunk, 1] > bounds[which, chunk, 0]:
                        _across(
                            planes[which, j], least[which, j], bounds[which], gaps[k], centre, chunk, squared
                        )
                        _to_quanta(squared, row, chunk, np.float32(scale))
            for i in range(out.shape[2]):
                for lane in range(LANES):
                    out[k, j, i, lane] = quanta[lane, i]


@njit(cache=True, nogil=True)
def _to_quanta(squared: Any, row: Any, chunk: int, scale: Any) -> None:
    """Distances of one chunk in quanta, rounded."""
    first = chunk * CHUNK
    for n in range(min(CHUNK, row.size - first)):
        p = np.uintp(first + n)
        row[p] = np.uint8(np.sqrt(np.float32(squared[p]) * scale) + np.float32(0.5))
