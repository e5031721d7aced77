"""The patient's body: without table, blanket and tubes, with the gas inside it.

Method, on coarse cells of at most 3 mm in the plane of the slices (`coarse.py`), then at full resolution:

1. A cell is dense when its mean is above -500 HU, half way between air and skin.
2. Dense parts thinner than about 10 mm in the slice (covers of the table, blankets, tubes) are taken off by an
   opening. The largest part that is left is the body, with every other part of 60 ml or more that is mostly
   between fat and muscle: the second leg, an arm that lies apart.
3. Outside air is the gas that enters from the sides of the slices or from the edge of the scanned circle, looks
   like air (lung that a cropped scan cuts does not), and holds a corner of the picture or borders on padding for a
   good length (a cut bowel loop does neither). Gas at the first or last slice only is inside: lungs may leave the
   scan there.
4. What the outside does not reach is inside. It reaches gas in the plane of the slice, and in three dimensions
   where the way is wider than 10 mm (a closed ring of arm and trunk opens, a larynx does not); table and blankets
   do not stop it, and it does not slip through a hole in the body of less than 20 mm.
5. Voxels within a cell of the border decide by themselves at -500 HU, connected to the dense inside: the skin is
   right to a voxel, and the rim between skin and gas stays closed.

Limits: a pad thicker than 10 mm and as dense as tissue (gel, water) that touches the patient becomes body; folds
and clefts narrower than a cell and closed in the plane of the slice are filled.
"""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray

from trocar.imaging.kernels.cells import flood_slices, padding_voxels, restore_skin
from trocar.imaging.segmentation.coarse import CoarseScan, coarse_scan
from trocar.imaging.structures import Mask
from trocar.imaging.volume import Volume

SKIN_HU = -500
"""Half way between air (-1000) and skin: where a blurred edge stands."""

THIN_MM10 = 50
"""A cell belongs to the core when it is this far (tenths of mm) from the nearest cell that is not dense."""

GAP_MM10 = 100
"""The outside passes holes in the body only where this far (tenths of mm) from it on all sides."""

WIDE_MM10 = 50
"""The outside passes between slices only where this far (tenths of mm) from anything dense."""

PART_ML = 60.0
"""Smallest part beside the largest that counts as patient."""

AIR_HU = -920
"""Air outside is below this on average; lung is above it."""

SIDE_MM = 60.0
"""Outside air borders on a corner or on padding for at least this length, or for half the scan if that is less."""


def body_mask(volume: Volume) -> Mask:
    """The patient's body, bool ``[k, j, i]``: gas inside filled, table, blanket and tubes left out.

    Padding outside the scanned circle is not body. A scan that is all air
    gives an empty mask; one that holds no outside air is body all over, padding left out.
    """
    scan = coarse_scan(volume)
    cells = body_cells(scan)
    fine = restore_skin(scan.hu, cells, *scan.factor_ji, *scan.offset_ji, SKIN_HU)
    if scan.padded.any():
        fine &= ~_padding(scan)
    return scan.to_volume(fine)


def unscanned_mask(volume: Volume) -> Mask:
    """Voxels ``[k, j, i]`` that the scanner did not measure, which makes the body's edge beside them no skin.

    These are values of -1024 HU or less that come in from the sides of the slices in one piece (`coarse.py`).
    """
    scan = coarse_scan(volume)
    return scan.to_volume(_padding(scan))


def _padding(scan: CoarseScan) -> NDArray[np.bool_]:
    """Padding voxels, laid out as ``scan.hu``: in padded cells, beside them and at the slices' sides."""
    near = flood_slices(scan.padded, np.ones_like(scan.padded), 1)
    near[:, [0, -1], :] = True
    near[:, :, [0, -1]] = True
    return np.asarray(padding_voxels(scan.hu, near, *scan.factor_ji, *scan.offset_ji, scan.padding_below))


def body_cells(scan: CoarseScan) -> NDArray[np.bool_]:
    """The body as cells ``[s, J, I]`` of ``scan`` (steps 1 to 4 of the module's method)."""
    dense = (scan.means > SKIN_HU) & ~scan.padded
    solid = _without_thin_parts(scan, dense)
    if not solid.any():
        return solid
    air = _outside_air(scan, dense)
    seeds = scan.padded | air
    if not seeds.any():
        return np.ones_like(solid)
    # Through gas: in the plane everywhere, between slices where it is wide.
    gas = ~dense
    wide = gas & (scan.distances_mm10(dense) > WIDE_MM10)
    by_gas = flood_slices(_joined(wide, seeds) | seeds, gas, gas[0].size)
    # Through all that is not the body, where no hole of the body is narrower than 2 * GAP_MM10.
    free = ~solid
    open_ = free & (scan.distances_mm10(solid) > GAP_MM10)
    steps = 1 + GAP_MM10 // min(scan.steps[:2])
    round_table = flood_slices(_joined(open_, seeds) | (seeds & free), free, steps)
    return np.asarray(~(by_gas | round_table))


def _without_thin_parts(scan: CoarseScan, dense: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Opening in the plane, then the patient's parts of it."""
    core = scan.distances_mm10(~dense) > THIN_MM10
    parts, count = cc3d.connected_components(core, connectivity=6, return_N=True)
    if count == 0:
        return core
    number = parts[core]
    sizes = np.bincount(number, minlength=count + 1)
    fleshy = np.bincount(number[np.abs(scan.means[core]) < 150], minlength=count + 1)
    keep = (sizes * scan.cell_ml >= PART_ML) & (2 * fleshy > sizes)
    keep[int(np.argmax(sizes))] = True
    keep[0] = False
    # The core's cells start this deep, so growing by it (and one cell for corners) gives the part its rim back.
    depth = max(scan.steps[:2]) * (THIN_MM10 // max(scan.steps[:2]) + 1)
    return np.asarray(dense & (scan.distances_mm10(keep[parts]) <= depth))


def _outside_air(scan: CoarseScan, dense: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells at the sides of the slices, or beside padding, where outside air enters."""
    gas = ~dense & ~scan.padded
    side = np.zeros_like(gas)
    side[:, [0, -1], :] = True
    side[:, :, [0, -1]] = True
    beside_padding = np.zeros_like(gas)
    if scan.padded.any():
        beside_padding = flood_slices(scan.padded, gas, 1) & gas
    pockets, count = cc3d.connected_components(gas, connectivity=6, return_N=True)
    entering = gas & (side | beside_padding)
    total = np.bincount(pockets[entering], minlength=count + 1)
    airy = np.bincount(pockets[entering & (scan.means < AIR_HU)], minlength=count + 1)
    corner = beside_padding
    for j in (0, -1):
        for i in (0, -1):
            corner[:, j, i] |= gas[:, j, i]
    slices = np.zeros(count + 1, np.int64)
    for k in range(len(gas)):
        slices[np.unique(pockets[k][corner[k]])] += 1
    needed = min(SIDE_MM / scan.cell_mm[0], 0.5 * len(gas))
    outside = (2 * airy > total) & (slices >= needed)
    outside[0] = False
    return np.asarray(entering & outside[pockets])


def _joined(region: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of ``region`` (6 neighbours, three dimensions) that hold a seed."""
    parts, count = cc3d.connected_components(region, connectivity=6, return_N=True)
    held = np.zeros(count + 1, np.bool_)
    held[parts[seeds]] = True
    held[0] = False
    return np.asarray(held[parts])
