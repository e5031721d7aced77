"""Distances to structures: fields that the planner looks up along needles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trocar.imaging.kernels import euclidean
from trocar.imaging.kernels.distance_map import CAP, LANES, between_planes, in_planes, lanes_in_rows
from trocar.imaging.tissue import TissueMap

Float = NDArray[np.float64]

CORNER_ERROR_MM = 0.25
"""Largest error of interpolation beside the corner of a voxel that a lattice may have."""

UNDIVIDED_MM = 0.71
"""Voxel edges up to here are not divided: in a gap one voxel wide the middle is off by half of it, 0.35 mm."""

STRIP_BYTES = 1 << 28
"""Working memory of one strip while fields are built."""


def distance_mm(mask: NDArray[np.bool_], spacing_mm: Float) -> NDArray[np.float32]:
    """Exact distance from every voxel centre to the nearest voxel centre of ``mask``, float32 ``[k, j, i]`` in mm.

    mask: boolean ``[k, j, i]``; spacing_mm: (3,) along i, j, k. 0 in the mask, infinite everywhere if it is empty.
    """
    voxels = np.ascontiguousarray(mask, dtype=np.bool_).view(np.uint8)
    spacing = np.array(spacing_mm, dtype=np.float64)
    out = np.empty(voxels.shape, dtype=np.float32)
    rows = euclidean.rows_with_voxels(voxels)
    slices = np.flatnonzero(rows.any(axis=1))
    if slices.size == 0:
        out.fill(np.inf)
        return out
    euclidean.within_slices(voxels, rows, slices, spacing, out)
    euclidean.between_slices(slices, float(spacing[2]), out)
    return out


def lattice_refinement(spacing_mm: Float, directions: Float | None = None) -> tuple[int, int, int]:
    """Into how many steps each voxel edge is divided (i, j, k), so that trilinear lookups stay within 0.35 mm.

    Beside a flat face a trilinear lookup is exact. Beside the corner of a box it is too large, most in the middle of
    a cell; the axis with the longest step is divided further until that stays below CORNER_ERROR_MM. Numbers above 1
    are even, so that the middle of a gap one voxel wide is a lattice point. directions: 3x3, the axes' unit vectors in
    LPS as columns: of equal steps that nearest to x goes first, that nearest to z last, so that the order in which a
    file stores its axes changes nothing.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    along = np.eye(3) if directions is None else np.abs(directions)
    place = np.argsort(np.argmax(along, axis=0) if len(set(np.argmax(along, axis=0))) == 3 else np.arange(3))
    parts = [1 if s <= UNDIVIDED_MM else 2 for s in spacing]
    corners = np.array([(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    while True:
        step = spacing / np.array(parts)
        error = np.linalg.norm(corners * step, axis=1).mean() - np.linalg.norm(step) / 2
        if error <= CORNER_ERROR_MM:
            return parts[0], parts[1], parts[2]
        longest = next(int(axis) for axis in place if step[axis] > step.max() - 1e-4)
        parts[longest] += 1 if parts[longest] == 1 else 2


class ClearanceFields:
    """Distances to the voxel boxes of structures on a lattice, built where they are asked for and kept.

    tissue: the classes. members: name of a field -> the structures whose union it measures; the order is kept.
    cap_mm: largest distance that has to be told apart. Stored in uint8 quanta of ``quantum_mm`` (0.1 mm for a cap up
    to 20 mm), interleaved, so that one cache line answers for LANES fields. ``data`` is (groups, K, J, I, LANES); its
    first point lies at lattice point ``low`` (i, j, k); lattice point 0 is the outer corner of voxel (0, 0, 0).
    """

    def __init__(self, tissue: TissueMap, members: Mapping[str, Sequence[str]], cap_mm: float) -> None:
        unknown = [n for names in members.values() for n in names if n not in tissue.names]
        if unknown:
            raise ValueError(f"structures that the tissue does not hold: {unknown}")
        self.tissue = tissue
        self.names = tuple(members)
        self.quantum_mm = max(0.1, cap_mm * 1.25 / 255)
        self.reach_mm = self.quantum_mm * 255
        self.refine = np.array(lattice_refinement(tissue.spacing_mm, tissue.grid.directions), dtype=np.int64)
        self.step_mm: Float = tissue.spacing_mm / self.refine
        self.groups = max(1, -(-len(members) // LANES))
        self.low = np.zeros(3, dtype=np.int64)
        self.high = np.zeros(3, dtype=np.int64)
        self.data: NDArray[np.uint8] = np.empty((self.groups, 0, 0, 0, LANES), dtype=np.uint8)
        bits = np.zeros((self.groups, tissue.members.shape[0]), dtype=np.uint16)
        for at, names in enumerate(members.values()):
            for name in names:
                column = tissue.members[:, tissue.names.index(name)].astype(np.uint16)
                bits[at // LANES] |= column << np.uint16(at % LANES)
        self._lanes_of_class = bits
        self._squares = [_squares(step, self.reach_mm) for step in self.step_mm]

    @property
    def low_mm(self) -> Float:
        """Grid mm (3,) of the first lattice point in ``data``."""
        return np.asarray(self.low * self.step_mm - self.tissue.spacing_mm / 2)

    def cover(self, low_mm: Float, high_mm: Float, slack_mm: float = 0.0) -> bool:
        """Build what is missing of the box from ``low_mm`` to ``high_mm`` (grid mm, (3,)); False where nothing was.

        slack_mm: how much further to build, should anything be missing, so that a target moved a little finds all.
        """
        last = np.array(self.tissue.grid.size_ijk) * self.refine + 1
        first_mm = -self.tissue.spacing_mm / 2

        def box(by_mm: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            low = np.floor((low_mm - by_mm - first_mm) / self.step_mm + 1e-6).astype(np.int64)
            high = np.ceil((high_mm + by_mm - first_mm) / self.step_mm - 1e-6).astype(np.int64) + 1
            low = np.clip(low, 0, last - 2)
            return low, np.clip(high, low + 2, last)

        low, high = box(0.0)
        if self.data.size and (low >= self.low).all() and (high <= self.high).all():
            return False
        low, high = box(slack_mm)
        if self.data.size:
            low, high = np.minimum(low, self.low), np.maximum(high, self.high)
        size = high - low
        data = np.empty((self.groups, size[2], size[1], size[0], LANES), dtype=np.uint8)
        old_low, old_high = (self.low, self.high) if self.data.size else (low, low)
        a, b = old_low - low, old_high - low
        data[:, a[2] : b[2], a[1] : b[1], a[0] : b[0]] = self.data
        for piece_low, piece_high in _without(low, high, old_low, old_high):
            self._build(data, low, piece_low, piece_high)
        self.data, self.low, self.high = data, low, high
        return True

    def _build(
        self,
        data: NDArray[np.uint8],
        origin: NDArray[np.int64],
        low: NDArray[np.int64],
        high: NDArray[np.int64],
    ) -> None:
        """Fill the lattice box ``low`` to ``high`` of ``data``, whose first point is ``origin``."""
        around = np.array([s.size for s in self._squares])
        size = np.array(self.tissue.grid.size_ijk)
        source = np.stack(
            [
                np.clip((low - around) // self.refine, 0, size),
                np.clip((high + around) // self.refine + 1, 0, size),
            ]
        )
        scale = (self.reach_mm / self.quantum_mm) ** 2 / CAP
        a, b = low - origin, high - origin
        for group in range(self.groups):
            of_class = self._lanes_of_class[group]
            target = data[group, a[2] : b[2], a[1] : b[1], a[0] : b[0]]
            rows = lanes_in_rows(self.tissue.classes, of_class, source)
            present = int(np.bitwise_or.reduce(rows, axis=None)) if rows.size else 0
            lanes = np.array([lane for lane in range(LANES) if present >> lane & 1], dtype=np.int64)
            if lanes.size == 0:
                target[...] = 255
                continue
            per_row = lanes.size * rows.shape[0] * int(high[0] - low[0]) * 2
            strip = max(8, STRIP_BYTES // per_row)
            for j in range(0, int(high[1] - low[1]), strip):
                part = low + np.array([0, j, 0])
                end = min(j + strip, int(high[1] - low[1]))
                shape = np.array([high[2] - low[2], end - j, high[0] - low[0]])
                near = source.copy()
                near[0, 1] = np.clip((part[1] - around[1]) // self.refine[1], 0, size[1])
                near[1, 1] = np.clip((low[1] + end + around[1]) // self.refine[1] + 1, 0, size[1])
                near_rows = rows[:, near[0, 1] - source[0, 1] : near[1, 1] - source[0, 1]].copy()
                planes, least = in_planes(
                    self.tissue.classes, of_class, near_rows, lanes, near, part, shape, self.refine,
                    self._squares[0], self._squares[1],
                )  # fmt: skip
                between_planes(
                    planes, least, lanes, near, part, self.refine, self._squares[2], scale, target[:, j:end]
                )


def _squares(step_mm: float, reach_mm: float) -> NDArray[np.uint16]:
    """Squares of 0, 1, 2, ... steps below the reach, in units of reach^2 / CAP."""
    steps = np.arange(int(reach_mm / step_mm) + 2)
    squares = np.rint((steps * step_mm / reach_mm) ** 2 * CAP)
    return np.asarray(squares[squares < CAP].astype(np.uint16))


def _without(
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    inner_low: NDArray[np.int64],
    inner_high: NDArray[np.int64],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Boxes that together are ``low`` to ``high`` without the part ``inner_low`` to ``inner_high`` (may be empty)."""
    if (inner_low >= inner_high).any():
        yield low, high
        return
    low, high = low.copy(), high.copy()
    for axis in (2, 1, 0):
        if low[axis] < inner_low[axis]:
            end = high.copy()
            end[axis] = inner_low[axis]
            yield low.copy(), end
            low[axis] = inner_low[axis]
        if high[axis] > inner_high[axis]:
            begin = low.copy()
            begin[axis] = inner_high[axis]
            yield begin, high.copy()
            high[axis] = inner_high[axis]
