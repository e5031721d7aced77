"""Bone with its marrow, from intensities and shape.

Method, on cells of at most 1.6 mm in the plane of the slices, then at full resolution:

1. Cells above 140 HU are dense.
2. Pools of contrast (large vessels, heart, kidneys, spleen, bowel after oral contrast) are dense too. A pool is
   thick, even inside, and fades at its rim; bone has a cortex: its rim is brighter than its inside. Thick even parts
   are found, the dense cells round each are given to it, and where fewer than 6 % of those at the rim are 60 HU
   brighter than its inside, it is a pool and taken away.
3. A connected dense part is bone when 3 % of it is surely bone: above 300 HU, and 60 HU above the brightest pool.
   That drops smaller vessels and stones in bowel.
4. Cells above 90 HU that see bone in at least 7 of 8 directions within 30 mm are marrow. Gaps up to about 8 mm in
   the cortex are closed in the plane, and holes filled there when they hold marrow: above 70 HU, or closed above and
   below too. The spinal canal is a ring of bone in one slice and open in the next, so it stays open.
5. Voxels at the border of the cells are bone above 130 HU.

Limits: undiluted contrast in veins, metal and its streaks, calcified plaque and calcified cartilage are bone to this
method; foramina narrower than 8 mm are closed; lytic lesions wider than the closing are not bone; thin cortex in thick
slices is lost in part.
"""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.imaging.kernels.cells import flood_slices, spread_labels, walls_around
from trocar.imaging.segmentation.coarse import CoarseScan, box_of, coarse_scan
from trocar.imaging.structures import Mask
from trocar.imaging.volume import Volume

DENSE_HU = 140
VOXEL_HU = 130
SURE_HU = 300
MARROW_HU = 70
"""Red marrow is above; cord and fluid in the spinal canal are below."""

POOL_DEPTH_MM10 = 40
POOL_ML = 2.0
POOL_ROUGHNESS_HU = 60.0
POOL_BRIGHT_RIM = 0.06
RIM_BRIGHTER_HU = 60
CLOSING_MM10 = 40
ACROSS_MM10 = 300
ENCLOSED = 7
ENCLOSED_HU = 90
SURE_SHARE = 0.03
PART_ML = 0.15


def bone_mask(volume: Volume, body: Mask) -> Mask:
    """Bone and its marrow, bool ``[k, j, i]``, inside ``body`` (`body_mask(volume)`)."""
    bone = np.zeros_like(body)
    box = box_of(body)
    if box is None:
        return bone
    scan = coarse_scan(volume.crop(box), cell_mm=1.6, high_hu=2000)
    within = body[box.slices_kji]
    dense = (scan.means > DENSE_HU) & scan.cells_of(within)
    pool, pool_hu = contrast_pools(scan, dense)
    cells = with_marrow(scan, _sure_parts(scan, dense & ~pool, max(SURE_HU, pool_hu + RIM_BRIGHTER_HU)))
    bone[box.slices_kji] = scan.to_voxels(cells, scan.hu > VOXEL_HU) & within
    return bone


def contrast_pools(scan: CoarseScan, dense: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], float]:
    """Cells of contrast-filled organs and vessels, and how bright they are (95th percentile of their inside)."""
    step = max(scan.steps[:2])
    depth = scan.distances_mm10(~dense)
    hu32 = scan.means.astype(np.float32)
    mean = ndimage.uniform_filter(hu32, (1, 5, 5))
    even = ndimage.uniform_filter(hu32 * hu32, (1, 5, 5)) - mean * mean < POOL_ROUGHNESS_HU**2
    core = (depth >= max(POOL_DEPTH_MM10, 2 * step)) & even & dense
    parts, count = cc3d.connected_components(core, connectivity=6, return_N=True)
    sizes = np.bincount(parts[core], minlength=count + 1)
    large = sizes * scan.cell_ml >= POOL_ML
    large[0] = False
    if not large.any():
        return np.zeros_like(dense), 0.0
    cores = np.where(large[parts], parts, 0).astype(np.int32)
    inner = np.bincount(parts[core], scan.means[core], minlength=count + 1) / np.maximum(sizes, 1)
    around = spread_labels(cores, dense, -(-80 // step))
    rim = (around > 0) & (depth <= 2 * step)
    number, hu = around[rim], scan.means[rim]
    rim_size = np.bincount(number, minlength=count + 1)
    bright = np.bincount(number[hu > inner[number] + RIM_BRIGHTER_HU], minlength=count + 1)
    pools = large & (bright < POOL_BRIGHT_RIM * np.maximum(rim_size, 1))
    if not pools.any():
        return np.zeros_like(dense), 0.0
    brightest = float(np.percentile(scan.means[pools[cores]], 95))
    # The rim lies within the depth of the core; what is far brighter there is bone beside the pool.
    near = spread_labels(cores, dense, -(-3 * POOL_DEPTH_MM10 // (2 * step)) + 1)
    return np.asarray(pools[near] & (scan.means < (inner + 250).astype(np.int16)[near])), brightest


def _sure_parts(scan: CoarseScan, dense: NDArray[np.bool_], sure_hu: float) -> NDArray[np.bool_]:
    """Connected parts with enough cells above ``sure_hu``."""
    parts, count = cc3d.connected_components(dense, connectivity=6, return_N=True)
    sizes = np.bincount(parts[dense], minlength=count + 1)
    sure = np.bincount(parts[dense & (scan.means > sure_hu)], minlength=count + 1)
    keep = (sizes * scan.cell_ml >= PART_ML) & (sure >= np.maximum(SURE_SHARE * sizes, 2))
    keep[0] = False
    return np.asarray(keep[parts])


def with_marrow(scan: CoarseScan, bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bone with gaps of its cortex closed and its marrow filled, the spinal canal left open (step 4)."""
    # Cut at the level of dense cells, so that a bright rim does not lift the canal beside it.
    softer = ndimage.uniform_filter(np.minimum(scan.means, DENSE_HU), (1, 3, 3)) > ENCLOSED_HU
    softer &= ~bone & (scan.means > MARROW_HU)
    bone = bone | (walls_around(bone, softer, ACROSS_MM10, *scan.steps) >= ENCLOSED)
    reach = max(CLOSING_MM10, 2 * max(scan.steps[:2]))
    grown = scan.distances_mm10(bone) <= reach
    closed = bone | (scan.distances_mm10(~grown) > reach)
    sides = np.zeros_like(closed)
    sides[:, [0, -1], :] = True
    sides[:, :, [0, -1]] = True
    outside = flood_slices(sides & ~closed, ~closed, closed[0].size)
    holes = ~closed & ~outside
    solid = closed | (holes & (scan.means > MARROW_HU))
    holes &= ~solid
    parts, count = cc3d.connected_components(holes, connectivity=6, return_N=True)
    areas = np.stack([np.bincount(plane.ravel(), minlength=count + 1) for plane in parts])
    leaks = np.zeros(count + 1, np.int64)
    for step in (1, -1):
        here, beyond = (slice(None, -1), slice(1, None))[::step]
        open_ = holes[here] & ~(holes | solid)[beyond]
        leaks += np.bincount(parts[here][open_], minlength=count + 1)
    usual = np.array([np.median(column[column > 0]) if column.any() else 0.0 for column in areas.T])
    filled = leaks < 0.4 * usual
    filled[0] = False
    gas = scan.means < -150
    return np.asarray((solid | filled[parts]) & (bone | ~gas))
