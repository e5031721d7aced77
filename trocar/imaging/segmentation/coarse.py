"""A scan as coarse cells: small enough to look at whole, laid out so that mirrored scans have mirrored cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.geometry.grid import Box
from trocar.imaging.kernels.cells import cell_means, flood_slices, slice_distances
from trocar.imaging.volume import Volume

CELL_MM = 3.0
"""Cells are as large as fits in this; table covers and blankets are thinner than two, the trunk's wall is not."""

AIR_FLOOR_HU = -1024
"""Measured air does not go below this for long; scanners write it, or less, outside the circle they reconstruct."""


@dataclass(frozen=True, eq=False)
class CoarseScan:
    """Cells of a scan whose slices (first axis) are those most nearly across the patient's long axis.

    hu: the scan's voxels, its axes moved so that the first is the one nearest to the patient's z.
    through: the axis of the volume's array that became the first.
    means: mean HU int16 ``[s, J, I]`` of each cell; padded: cells outside what was scanned.
    padding_below: voxels below this HU are padding.
    factor_ji, offset_ji: voxels per cell, and where the first starts: voxel n lies in ``(n + offset) // factor``.
    cell_mm: size of a cell (s, J, I).
    """

    hu: NDArray[np.int16]
    through: int
    means: NDArray[np.int16]
    padded: NDArray[np.bool_]
    padding_below: int
    factor_ji: tuple[int, int]
    offset_ji: tuple[int, int]
    cell_mm: tuple[float, float, float]

    @property
    def steps(self) -> tuple[int, int, int]:
        """Lengths of a step along I, J and both, in tenths of a millimetre."""
        _, dj, di = self.cell_mm
        return round(10 * di), round(10 * dj), round(10 * float(np.hypot(di, dj)))

    @property
    def cell_ml(self) -> float:
        """Volume of a cell in millilitres."""
        return float(np.prod(self.cell_mm)) / 1000.0

    def distances_mm10(self, source: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Distance in the slice from the nearest source cell, in tenths of a millimetre (chamfer, within 8 %)."""
        return np.asarray(slice_distances(source, *self.steps))

    def cells_of(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether the middle of each cell is in ``mask`` (laid out as the volume's own array).

        The middle of an even number of voxels are the two beside it, so that a mirrored mask gives mirrored cells.
        """
        inside = np.moveaxis(mask, self.through, 0)
        for axis in (1, 2):
            factor, offset = self.factor_ji[axis - 1], self.offset_ji[axis - 1]
            start = np.arange(self.means.shape[axis]) * factor - offset
            both = np.maximum(start, 0) + np.minimum(start + factor, inside.shape[axis]) - 1
            inside = np.take(inside, both // 2, axis) & np.take(inside, -(-both // 2), axis)
        return np.asarray(inside)

    def to_voxels(self, cells: NDArray[np.bool_], choose: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Cells back to the volume's voxels: inner cells whole, at their border the voxels that ``choose`` has.

        choose: bool, laid out as ``hu``. A border cell touches a cell of the other kind within its slice.
        """
        neighbours = np.ones((1, 3, 3), bool)
        inner = ndimage.binary_erosion(cells, neighbours, border_value=1)
        outer = ndimage.binary_dilation(cells, neighbours)
        (fj, fi), (oj, oi) = self.factor_ji, self.offset_ji
        rows = (np.arange(self.hu.shape[1]) + oj) // fj
        columns = (np.arange(self.hu.shape[2]) + oi) // fi
        voxels = np.empty(self.hu.shape, np.bool_)
        for k in range(len(cells)):
            voxels[k] = (choose[k] & outer[k][rows][:, columns]) | inner[k][rows][:, columns]
        return self.to_volume(voxels)

    def to_volume(self, array: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """An array laid out as ``hu`` back to the volume's own axis order."""
        return np.ascontiguousarray(np.moveaxis(array, 0, self.through))


def box_of(mask: NDArray[np.bool_], margin: int = 1) -> Box | None:
    """The smallest block that holds ``mask`` ``[k, j, i]`` and a margin of voxels; None where it is empty."""
    low, high = [], []
    for axis in (2, 1, 0):
        held = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if held.size == 0:
            return None
        low.append(max(0, int(held[0]) - margin))
        high.append(min(mask.shape[axis], int(held[-1]) + 1 + margin))
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def through_axis(volume: Volume) -> int:
    """The axis of ``volume.hu`` (0, 1, 2 for k, j, i) that lies nearest to the patient's long axis."""
    along_z = np.abs(volume.grid.directions[2, ::-1])
    return int(np.argmax(np.round(along_z, 6)))


def coarse_scan(
    volume: Volume, cell_mm: float = CELL_MM, low_hu: int = -1000, high_hu: int = 300
) -> CoarseScan:
    """Cells of at most ``cell_mm`` in the plane of the slices; HU are cut to low..high before they are averaged.

    Cutting keeps a wire or a metal rod from making its whole cell dense.
    """
    through = through_axis(volume)
    order = [through, *(axis for axis in range(3) if axis != through)]
    hu = np.ascontiguousarray(np.moveaxis(volume.hu, through, 0))
    spacing = volume.grid.spacing_mm[::-1][order]
    factors, offsets = [], []
    for axis in (1, 2):
        factor = max(1, int(cell_mm / spacing[axis] + 1e-6))
        # An axis that runs against the patient's is counted from its other end.
        direction = volume.grid.directions[:, 2 - order[axis]]
        against = direction[np.argmax(np.abs(np.round(direction, 6)))] < 0
        factors.append(factor)
        offsets.append((-hu.shape[axis]) % factor if against else 0)
    below = padding_below_hu(hu)
    means, padded = cell_means(hu, *factors, *offsets, low_hu, high_hu, below)
    if padded.any():
        # Padding comes in from the sides; single low values inside are noise and streaks.
        side = padded.copy()
        side[:, 1:-1, 1:-1] = False
        padded = flood_slices(side, padded, padded[0].size)
    cell = (float(spacing[0]), float(spacing[1]) * factors[0], float(spacing[2]) * factors[1])
    return CoarseScan(
        hu, through, means, padded, below, (factors[0], factors[1]), (offsets[0], offsets[1]), cell
    )


def padding_below_hu(hu: NDArray[np.int16]) -> int:
    """HU below which voxels of ``[s, j, i]`` were not measured; the least int16 where nothing is padding.

    Padding is one value that fills part of the slices' sides and lies below -1024 HU. The value -1024 itself is
    also what measured air may be cut to, so there the shape has to tell: everything outside the circle that fits
    into the slice has it, and the air just inside does not.
    """
    nothing = int(np.iinfo(np.int16).min)
    sides = np.concatenate([hu[:, [0, -1], :].ravel(), hu[:, :, [0, -1]].ravel()])
    lowest = int(sides.min())
    if lowest > AIR_FLOOR_HU or np.count_nonzero(sides == lowest) < 0.005 * sides.size:
        return nothing
    if lowest < AIR_FLOOR_HU:
        return lowest + (AIR_FLOOR_HU - lowest) // 2 + 1
    nj, ni = hu.shape[1:]
    y, x = np.ogrid[:nj, :ni]
    radius = np.hypot((y - (nj - 1) / 2) / (nj / 2), (x - (ni - 1) / 2) / (ni / 2))
    some = hu[:: max(1, len(hu) // 8)]
    rim = some[:, (radius > 0.9) & (radius < 0.97)]
    beyond = some[:, radius > 1.02]
    if beyond.size == 0 or (beyond != AIR_FLOOR_HU).mean() > 0.005 or (rim == AIR_FLOOR_HU).mean() > 0.5:
        return nothing
    return AIR_FLOOR_HU + 1
