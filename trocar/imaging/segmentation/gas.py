"""Gas inside the body: the lungs with their airways, and gas in stomach and bowel.

Connected gas is told apart by its density and its place: lung is mostly denser than -920 HU (air in bowel is not)
and reaches the head end of the scan or a side that cuts it, or holds half a litre or more.

Limits: an emphysematous lung that is mostly as thin as air, and gas in the pleura, count as bowel gas; the gullet's
gas is bowel gas, the windpipe belongs to the lungs.
"""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray

from trocar.imaging.kernels.cells import flood_slices, slice_distances
from trocar.imaging.segmentation.coarse import CoarseScan, box_of, coarse_scan, through_axis
from trocar.imaging.structures import Mask
from trocar.imaging.volume import Volume

GAS_HU = -500
"""Half way between lung or air and soft tissue."""

THIN_AIR_HU = -920
LUNG_THIN_SHARE = 0.5
LUNG_ML = 5.0
WHOLE_LUNG_ML = 500.0

VESSEL_MM10 = 60
"""Vessels and bronchi in the lung are closed up to twice this width (tenths of a millimetre)."""

POCKET_ML = 0.1
SKIN_MM10 = 60
"""Gas mostly within this of the outside (tenths of a millimetre, in the slice) lies on the skin, not in bowel."""

WALL_MM = 3.0
"""Thickness of bowel wall that a pocket of gas is given."""


def lung_mask(volume: Volume, body: Mask) -> Mask:
    """Lungs and airways with their vessels, bool ``[k, j, i]``, inside ``body`` (`body_mask(volume)`)."""
    lung = np.zeros_like(body)
    box = box_of(body)
    if box is None:
        return lung
    part = volume.crop(box)
    scan = coarse_scan(part)
    within = body[box.slices_kji]
    cells = _lung_cells(scan, scan.cells_of(within), _head_end(part))
    if not cells.any():
        return lung
    grown = scan.distances_mm10(cells) <= VESSEL_MM10
    closed = cells | (scan.distances_mm10(~grown) > VESSEL_MM10)
    sides = np.zeros_like(closed)
    sides[:, [0, -1], :] = True
    sides[:, :, [0, -1]] = True
    outside = flood_slices(sides & ~closed, ~closed, closed[0].size)
    # A hole in the closed lung is a vessel; heart and spine are never enclosed in a slice by one lung's cells alone.
    holes, count = cc3d.connected_components(~closed & ~outside, connectivity=6, return_N=True)
    small = np.bincount(holes.ravel(), minlength=count + 1) * scan.cell_ml < 20.0
    small[0] = False
    lung[box.slices_kji] = scan.to_voxels(closed | small[holes], scan.hu < GAS_HU) & within
    return lung


def bowel_gas_mask(volume: Volume, body: Mask, lung: Mask, wall_mm: float = WALL_MM) -> Mask:
    """Gas in stomach and bowel with a wall of ``wall_mm`` round it, bool ``[k, j, i]``, inside ``body``.

    lung: `lung_mask(volume, body)`; gas that touches it is not bowel.
    """
    gas_wall = np.zeros_like(body)
    gas = (volume.hu < GAS_HU) & body & ~lung
    margin_mm = max(wall_mm, 0.1 * SKIN_MM10 + 1.0)
    box = box_of(gas, margin=1 + int(np.ceil(margin_mm / volume.grid.spacing_mm.min())))
    if box is None:
        return gas_wall
    here = gas[box.slices_kji]
    spacing = volume.grid.spacing_mm[::-1]
    pockets, count = cc3d.connected_components(here, connectivity=6, return_N=True)
    keep = np.bincount(pockets.ravel(), minlength=count + 1) * float(np.prod(spacing)) / 1000.0 >= POCKET_ML
    keep[0] = False
    # Air in a fold of the skin, or under a cover that lies on it, is no bowel.
    within = np.pad(body[box.slices_kji], 1, mode="edge")
    steps = [round(10 * float(s)) for s in (spacing[2], spacing[1], float(np.hypot(spacing[1], spacing[2])))]
    shallow = slice_distances(~within, *steps)[1:-1, 1:-1, 1:-1] <= SKIN_MM10
    sizes = np.bincount(pockets.ravel(), minlength=count + 1)
    keep &= np.bincount(pockets[shallow], minlength=count + 1) < 0.5 * sizes
    beside = grown_mm(lung[box.slices_kji], spacing, 0.5 * float(spacing.max()) + 0.5)
    keep[np.unique(pockets[beside])] = False
    gas_wall[box.slices_kji] = grown_mm(keep[pockets], spacing, wall_mm)
    return gas_wall & body & ~lung


def grown_mm(mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64], reach_mm: float) -> NDArray[np.bool_]:
    """All voxels whose centre lies within ``reach_mm`` of the centre of one in ``mask``; spacing along k, j, i."""
    grown = mask.copy()
    steps = [int(reach_mm / spacing) for spacing in spacing_mm]
    offsets = np.indices([2 * n + 1 for n in steps]).reshape(3, -1).T - np.array(steps)
    near = offsets[np.linalg.norm(offsets * spacing_mm, axis=1) <= reach_mm + 1e-9]
    for offset in near:
        to = tuple(slice(max(0, d), min(0, d) or None) for d in offset)
        of = tuple(slice(max(0, -d), min(0, -d) or None) for d in offset)
        grown[to] |= mask[of]
    return grown


def _head_end(volume: Volume) -> int:
    """Index (0 or -1) of the slice nearest to the patient's head, along `through_axis`."""
    return -1 if volume.grid.directions[2, 2 - through_axis(volume)] > 0 else 0


def _lung_cells(scan: CoarseScan, inside: NDArray[np.bool_], head_end: int) -> NDArray[np.bool_]:
    """The cells of connected gas that is lung."""
    gas = inside & (scan.means < GAS_HU)
    pockets, count = cc3d.connected_components(gas, connectivity=6, return_N=True)
    ml = np.bincount(pockets[gas], minlength=count + 1) * scan.cell_ml
    thin = np.bincount(pockets[gas & (scan.means < THIN_AIR_HU)], minlength=count + 1) * scan.cell_ml
    cut = np.zeros(count + 1, np.bool_)
    for plane in (pockets[head_end], pockets[:, 0], pockets[:, -1], pockets[:, :, 0], pockets[:, :, -1]):
        cut[np.unique(plane)] = True
    lung = (thin < LUNG_THIN_SHARE * ml) & ((cut & (ml >= LUNG_ML)) | (ml >= WHOLE_LUNG_ML))
    lung[0] = False
    return np.asarray(lung[pockets])
