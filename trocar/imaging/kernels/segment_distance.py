"""Exact distance in mm from straight segments to boxes and to unions of voxel boxes.

All coordinates are "grid mm": millimetres along the axes of a grid, voxel (0, 0, 0) centred on the origin.
A box is six numbers: low x, y, z, then high x, y, z. Structures are stored as *runs*: neighbouring voxels of
one row (fixed j and k), which together cover the structure exactly and are far fewer than its voxels.

Over the runs of each structure lies a tree of bounding boxes with ``FAN_OUT`` children per node. A search
goes to the nearest child first and leaves out every node that is no nearer than the best run found so far: no
run that could be nearer is ever left out, so the answer is that of looking at every voxel.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

FAN_OUT = 8
TOUCH_MM = 1e-9
"""Below this a distance is rounding of a touch and given as 0."""


@njit(cache=True, nogil=True, inline="always")
def _slope(t, start, step, boxes, row):  # type: ignore[no-untyped-def]
    """Half the derivative at ``t`` of the squared distance from ``start + t * step`` to the box."""
    slope = 0.0
    for axis in range(3):
        x = start[axis] + t * step[axis]
        if x < boxes[row, axis]:
            slope += (x - boxes[row, axis]) * step[axis]
        elif x > boxes[row, 3 + axis]:
            slope += (x - boxes[row, 3 + axis]) * step[axis]
    return slope


@njit(cache=True, nogil=True)
def segment_box_squared(start, step, boxes, row):  # type: ignore[no-untyped-def]
    """Squared distance (mm2) from the segment ``start`` to ``start + step`` to ``boxes[row]`` of (M, 6).

    The squared distance of a point to a box is convex and piecewise quadratic along the line, with breaks
    where the line passes a face's plane. Between two breaks its slope is linear: halving the interval at each
    break leaves one piece, whose zero is found directly. A segment of no length, or parallel to a face, needs
    no case of its own: it has fewer breaks.
    """
    low = 0.0
    high = 1.0
    slope_low = _slope(0.0, start, step, boxes, row)
    best = 0.0
    if slope_low < 0.0:
        slope_high = _slope(1.0, start, step, boxes, row)
        if slope_high <= 0.0:
            best = 1.0
        else:
            for axis in range(3):
                if step[axis] != 0.0:
                    for side in range(2):
                        t = (boxes[row, 3 * side + axis] - start[axis]) / step[axis]
                        if low < t < high:
                            slope = _slope(t, start, step, boxes, row)
                            if slope < 0.0:
                                low = t
                                slope_low = slope
                            else:
                                high = t
                                slope_high = slope
            best = low + (high - low) * (-slope_low / (slope_high - slope_low))
    squared = 0.0
    for axis in range(3):
        x = start[axis] + best * step[axis]
        if x < boxes[row, axis]:
            squared += (boxes[row, axis] - x) ** 2
        elif x > boxes[row, 3 + axis]:
            squared += (x - boxes[row, 3 + axis]) ** 2
    return squared


@njit(cache=True, nogil=True)
def segment_box_distance(start_mm, end_mm, box_mm):  # type: ignore[no-untyped-def]
    """Distance (mm) from the segment between two points (3,) to one box (6,); 0 where they touch."""
    distance = np.sqrt(segment_box_squared(start_mm, end_mm - start_mm, box_mm.reshape(1, 6), 0))
    return 0.0 if distance < TOUCH_MM else distance


@njit(cache=True, nogil=True, parallel=True)
def count_runs(labels, low_kji, high_kji, structure_of, n_structures):  # type: ignore[no-untyped-def]
    """How many runs each structure has in each slice: int64 (K, S).

    labels: unsigned ``[k, j, i]``, read from index ``low_kji`` up to, not including, ``high_kji``.
    structure_of: structure number of each label value, -1 for none; values beyond its end are none.
    """
    counts = np.zeros((high_kji[0] - low_kji[0], n_structures), np.int64)
    known = structure_of.size
    for k in prange(low_kji[0], high_kji[0]):
        for j in range(low_kji[1], high_kji[1]):
            before = labels[k, j, low_kji[2]]
            structure = structure_of[before] if before < known else -1
            if structure >= 0:
                counts[k - low_kji[0], structure] += 1
            for i in range(low_kji[2] + 1, high_kji[2]):
                value = labels[k, j, i]
                if value != before:
                    before = value
                    structure = structure_of[value] if value < known else -1
                    if structure >= 0:
                        counts[k - low_kji[0], structure] += 1
    return counts


@njit(cache=True, nogil=True, parallel=True)
def find_runs(labels, low_kji, high_kji, structure_of, first, n_runs):  # type: ignore[no-untyped-def]
    """The runs themselves: int32 (n_runs, 4) of first i, last i, j, k.

    first: int64 (K, S), the row where the runs of each slice and structure begin.
    """
    runs = np.empty((n_runs, 4), np.int32)
    known = structure_of.size
    for k in prange(low_kji[0], high_kji[0]):
        at = first[k - low_kji[0]].copy()
        for j in range(low_kji[1], high_kji[1]):
            begin = low_kji[2]
            before = labels[k, j, begin]
            for i in range(low_kji[2] + 1, high_kji[2] + 1):
                if i < high_kji[2]:
                    value = labels[k, j, i]
                    if value == before:
                        continue
                else:
                    value = before
                structure = structure_of[before] if before < known else -1
                if structure >= 0:
                    row = at[structure]
                    at[structure] = row + 1
                    runs[row, 0] = begin
                    runs[row, 1] = i - 1
                    runs[row, 2] = j
                    runs[row, 3] = k
                begin = i
                before = value
    return runs


@njit(cache=True, nogil=True)
def _spread(value):  # type: ignore[no-untyped-def]
    """Ten bits, moved apart so that two zeros stand between any two of them."""
    spread = 0
    for bit in range(10):
        spread |= ((value >> bit) & 1) << (3 * bit)
    return spread


@njit(cache=True, nogil=True)
def run_keys(runs, spacing_mm, cell_mm):  # type: ignore[no-untyped-def]
    """Place of each run on a Morton curve (int64): neighbours in space get neighbouring numbers."""
    keys = np.empty(len(runs), np.int64)
    for row in range(len(runs)):
        i = min(1023, int(0.5 * (runs[row, 0] + runs[row, 1]) * spacing_mm[0] / cell_mm))
        j = min(1023, int(runs[row, 2] * spacing_mm[1] / cell_mm))
        k = min(1023, int(runs[row, 3] * spacing_mm[2] / cell_mm))
        keys[row] = _spread(i) | (_spread(j) << 1) | (_spread(k) << 2)
    return keys


@njit(cache=True, nogil=True)
def run_boxes(runs, spacing_mm):  # type: ignore[no-untyped-def]
    """The box (R, 6) in grid mm that each run's voxels fill."""
    boxes = np.empty((len(runs), 6))
    for row in range(len(runs)):
        boxes[row, 0] = (runs[row, 0] - 0.5) * spacing_mm[0]
        boxes[row, 1] = (runs[row, 2] - 0.5) * spacing_mm[1]
        boxes[row, 2] = (runs[row, 3] - 0.5) * spacing_mm[2]
        boxes[row, 3] = (runs[row, 1] + 0.5) * spacing_mm[0]
        boxes[row, 4] = (runs[row, 2] + 0.5) * spacing_mm[1]
        boxes[row, 5] = (runs[row, 3] + 0.5) * spacing_mm[2]
    return boxes


@njit(cache=True, nogil=True)
def enclose(boxes, out):  # type: ignore[no-untyped-def]
    """Write into ``out`` (ceil(M / FAN_OUT), 6) the box round each ``FAN_OUT`` successive ``boxes``."""
    for group in range(len(out)):
        begin = group * FAN_OUT
        end = min(begin + FAN_OUT, len(boxes))
        for axis in range(3):
            low = boxes[begin, axis]
            high = boxes[begin, 3 + axis]
            for row in range(begin + 1, end):
                low = min(low, boxes[row, axis])
                high = max(high, boxes[row, 3 + axis])
            out[group, axis] = low
            out[group, 3 + axis] = high


@njit(cache=True, nogil=True)
def _nearest(start, step, boxes, level_first, level_size, n_levels):  # type: ignore[no-untyped-def]
    """Squared distance from one segment to the nearest run of one structure, through its tree."""
    best = np.inf
    waiting = np.empty((n_levels * FAN_OUT, 2), np.int64)  # level and node
    bound = np.empty(n_levels * FAN_OUT)
    waiting[0, 0] = n_levels - 1
    waiting[0, 1] = 0
    bound[0] = 0.0
    depth = 1
    while depth > 0:
        depth -= 1
        if bound[depth] >= best:
            continue
        below = waiting[depth, 0] - 1
        begin = waiting[depth, 1] * FAN_OUT
        floor = depth
        for child in range(begin, min(begin + FAN_OUT, level_size[below])):
            squared = segment_box_squared(start, step, boxes, level_first[below] + child)
            if squared >= best:
                continue
            if below == 0:
                best = squared
                continue
            place = depth  # nearest child last, so that it is looked at next
            while place > floor and bound[place - 1] < squared:
                bound[place] = bound[place - 1]
                waiting[place, 0] = waiting[place - 1, 0]
                waiting[place, 1] = waiting[place - 1, 1]
                place -= 1
            bound[place] = squared
            waiting[place, 0] = below
            waiting[place, 1] = child
            depth += 1
        if best <= TOUCH_MM * TOUCH_MM:
            return 0.0
    return best


@njit(cache=True, nogil=True, parallel=True)
def segment_clearances(starts_mm, ends_mm, boxes, level_first, level_size, n_levels):  # type: ignore[no-untyped-def]
    """Distance (mm) from each segment to each structure: float64 (N, S), infinite where it has no runs.

    starts_mm, ends_mm: (N, 3) grid mm. boxes: (M, 6), the runs and tree nodes of every structure, level 0 the
    runs. level_first, level_size: int64 (S, L), where each level begins in ``boxes`` and how many boxes it
    has. n_levels: int64 (S,), 0 for a structure without runs, else at least 2 (the top one is a single box).
    """
    n, s = len(starts_mm), len(n_levels)
    distances = np.empty((n, s))
    for pair in prange(n * s):
        segment = pair // s
        structure = pair % s
        if n_levels[structure] == 0:
            distances[segment, structure] = np.inf
        else:
            start = starts_mm[segment]
            squared = _nearest(
                start,
                ends_mm[segment] - start,
                boxes,
                level_first[structure],
                level_size[structure],
                n_levels[structure],
            )
            distance = np.sqrt(squared)
            distances[segment, structure] = 0.0 if distance < TOUCH_MM else distance
    return distances
