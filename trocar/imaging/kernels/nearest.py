"""Which structure a needle comes too near to: the voxel boxes themselves, where distance fields are not enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from trocar.imaging.kernels.segment_distance import segment_box_squared


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


@njit(cache=True, nogil=True, parallel=True)
def broken_margins(
    classes: Any, structure_of: Any, margins_mm: Any, spacing_mm: Any, starts_mm: Any, ends_mm: Any
) -> Any:
    """The structure whose margin each segment breaks most, exactly: int32 (N,), the lowest of equals, -1 for none.

    structure_of: int32 (n_lanes, n_class), 0 = the class is not of that lane, 1 + s = structure s; margins_mm:
    (n_lanes,), below 0 for none; starts_mm, ends_mm: (N, 3) grid mm. Every voxel within the largest margin of a
    segment's bounding box is looked at: meant for a few segments.
    """
    widest = max(margins_mm.max(), 0.0)
    limited = np.zeros(structure_of.shape[1], dtype=np.bool_)
    for lane in range(structure_of.shape[0]):
        for c in range(structure_of.shape[1]):
            if margins_mm[lane] >= 0.0 and structure_of[lane, c] > 0:
                limited[c] = True
    out = np.full(starts_mm.shape[0], -1, dtype=np.int32)
    for p in prange(starts_mm.shape[0]):
        low = np.empty(3, dtype=np.int64)
        high = np.empty(3, dtype=np.int64)
        for axis in range(3):
            least = min(starts_mm[p, axis], ends_mm[p, axis]) - widest
            most = max(starts_mm[p, axis], ends_mm[p, axis]) + widest
            low[axis] = max(int(np.floor(least / spacing_mm[axis] + 0.5)), 0)
            high[axis] = min(int(np.ceil(most / spacing_mm[axis] + 0.5)), classes.shape[2 - axis])
        box = np.empty((1, 6))
        step = ends_mm[p] - starts_mm[p]
        largest = 0.0
        for k in range(low[2], high[2]):
            for j in range(low[1], high[1]):
                for i in range(low[0], high[0]):
                    c = classes[k, j, i]
                    if not limited[c]:
                        continue
                    for axis, at in ((0, i), (1, j), (2, k)):
                        box[0, axis] = (at - 0.5) * spacing_mm[axis]
                        box[0, 3 + axis] = (at + 0.5) * spacing_mm[axis]
                    mm = np.sqrt(segment_box_squared(starts_mm[p], step, box, 0))
                    for lane in range(structure_of.shape[0]):
                        s = structure_of[lane, c]
                        breach = margins_mm[lane] - mm
                        if s > 0 and (breach > largest or (breach == largest > 0.0 and s - 1 < out[p])):
                            largest = breach
                            out[p] = s - 1
    return out
