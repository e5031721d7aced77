"""Exact clearances: mm from needle axes to the voxel boxes of structures, on their own whole grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.geometry.grid import Box, Grid
from trocar.imaging.kernels import segment_distance as kernel
from trocar.imaging.structures import StructureSet

Float = NDArray[np.float64]

MORTON_CELLS = 1024
"""Cells along the grid's longest side when runs are put in order of neighbourhood (the kernel's ten bits)."""


@dataclass(frozen=True, eq=False)
class ClearanceIndex:
    """Voxel boxes of named structures, ready to be asked for distances. Made by ``build`` or ``of_masks``.

    names: the structures, in the order of the answer's columns. boxes, level_first, level_size, n_levels: one
    tree of boxes per structure as ``kernels.segment_distance`` wants it.
    """

    grid: Grid
    names: tuple[str, ...]
    boxes: Float
    level_first: NDArray[np.int64]
    level_size: NDArray[np.int64]
    n_levels: NDArray[np.int64]

    @staticmethod
    def build(structures: StructureSet, names: Sequence[str], box: Box | None = None) -> ClearanceIndex:
        """Index the named structures of a set: one pass over its labels, one over each mask.

        box: only the voxels in it are seen, and what lies outside is as if it were not there; by default the
        whole grid. Raises KeyError for a name that the set does not have.
        """
        unknown = [name for name in names if name not in structures.names]
        if unknown:
            raise KeyError(unknown[0])
        box = box or Box((0, 0, 0), structures.grid.size_ijk)
        parts: dict[str, NDArray[np.int32]] = {}
        values = {name: value for value, name in structures.label_names.items()}
        labelled = [name for name in dict.fromkeys(names) if name not in structures.masks]
        if labelled and structures.labels is not None:
            structure_of = np.full(max(values[name] for name in labelled) + 1, -1, np.int64)
            structure_of[[values[name] for name in labelled]] = np.arange(len(labelled))
            runs = _runs(np.ascontiguousarray(structures.labels), structure_of, len(labelled), box)
            parts.update(zip(labelled, runs, strict=True))
        for name in dict.fromkeys(names):
            if name in structures.masks:
                mask = np.ascontiguousarray(structures.masks[name]).view(np.uint8)
                parts[name] = _runs(mask, np.array([-1, 0]), 1, box)[0]
        return _planted(structures.grid, tuple(names), [parts[name] for name in names])

    @staticmethod
    def of_masks(
        grid: Grid, masks: Mapping[str, NDArray[np.bool_]], box: Box | None = None
    ) -> ClearanceIndex:
        """Index plain masks ``[k, j, i]`` on ``grid``, in the mapping's order."""
        return ClearanceIndex.build(StructureSet(grid, None, {}, masks), tuple(masks), box)

    def clearances(self, starts_lps_mm: ArrayLike, ends_lps_mm: ArrayLike) -> Float:
        """Distance in mm (N, len(names)) from each segment to each structure; starts and ends are (N, 3).

        0 where the segment touches a voxel box of the structure or lies in it; infinite for a structure
        without voxels. There is no limit of distance. Exact to rounding (1e-9 mm) on a grid with right
        angles.
        """
        starts_mm, ends_mm = (
            np.ascontiguousarray(self.grid.to_voxel(points).reshape(-1, 3) * self.grid.spacing_mm)
            for points in (starts_lps_mm, ends_lps_mm)
        )
        if len(starts_mm) != len(ends_mm):
            raise ValueError("as many starts as ends are needed")
        distances: Float = kernel.segment_clearances(
            starts_mm, ends_mm, self.boxes, self.level_first, self.level_size, self.n_levels
        )
        return distances


def clearances(
    structures: StructureSet, names: Sequence[str], starts_lps_mm: ArrayLike, ends_lps_mm: ArrayLike
) -> Float:
    """``ClearanceIndex.build(...).clearances(...)`` for callers that ask only once."""
    return ClearanceIndex.build(structures, names).clearances(starts_lps_mm, ends_lps_mm)


def _runs(
    labels: NDArray[np.unsignedinteger], structure_of: NDArray[np.int64], n_structures: int, box: Box
) -> list[NDArray[np.int32]]:
    """The runs (R, 4) of first i, last i, j, k of each structure, in the order of the grid."""
    low_kji = np.array(box.low_ijk[::-1], np.int64)
    high_kji = np.array(box.high_ijk[::-1], np.int64)
    if (high_kji <= low_kji).any():
        return [np.empty((0, 4), np.int32)] * n_structures
    counts = kernel.count_runs(labels, low_kji, high_kji, structure_of, n_structures)
    # One structure after the other, and within it slice after slice, so that slices can be read in parallel.
    ends = np.cumsum(counts.T.ravel()).reshape(counts.T.shape)
    first = np.ascontiguousarray((ends - counts.T).T)
    runs = kernel.find_runs(labels, low_kji, high_kji, structure_of, first, int(counts.sum()))
    return np.split(runs, ends[:-1, -1])


def _planted(grid: Grid, names: tuple[str, ...], runs: list[NDArray[np.int32]]) -> ClearanceIndex:
    """One tree per structure: its runs in Morton order, then level on level of boxes round eight each."""
    cell_mm = float((np.array(grid.size_ijk) * grid.spacing_mm).max()) / MORTON_CELLS
    sizes: list[list[int]] = []
    for part in runs:
        levels = [len(part)] if len(part) else []
        while levels and (len(levels) < 2 or levels[-1] > 1):
            levels.append(-(-levels[-1] // kernel.FAN_OUT))
        sizes.append(levels)
    depth = max((len(levels) for levels in sizes), default=0)
    level_size = np.zeros((len(runs), depth), np.int64)
    level_first = np.zeros((len(runs), depth), np.int64)
    boxes = np.empty((sum(map(sum, sizes)), 6))
    begin = 0
    for structure, (part, levels) in enumerate(zip(runs, sizes, strict=True)):
        for level, size in enumerate(levels):
            level_first[structure, level], level_size[structure, level] = begin, size
            if level == 0:
                order = np.argsort(kernel.run_keys(part, grid.spacing_mm, cell_mm), kind="stable")
                boxes[begin : begin + size] = kernel.run_boxes(part[order], grid.spacing_mm)
            else:
                kernel.enclose(boxes[begin - levels[level - 1] : begin], boxes[begin : begin + size])
            begin += size
    n_levels = np.array([len(levels) for levels in sizes], np.int64)
    return ClearanceIndex(grid, names, boxes, level_first, level_size, n_levels)
