"""A kidney from one click in it, with contrast or without.

Method, on cells of at most 2.2 mm within 95 mm of the click:

1. The median HU round the click says whether the kidney is enhanced (above 80 HU). If so, cortex and medulla may
   differ widely and the limits are wide: several lower ones, with and without an upper one that keeps bowel with
   oral contrast out. If not, limits on both sides of the median are tried, the lowest half way to fat.
2. For each pair of limits, what is within them is eroded by several depths, so that thin bridges to bowel, vessels,
   liver, spleen or psoas break; the part at the click is grown back. Parts longer or thicker than a kidney are
   leaks and dropped; of the others the largest that is most like an ellipsoid is the first guess.
3. The guess's border is found anew by diffusion (random walker): from its depth outwards and from fat, bone and
   distant tissue inwards, stopped by steps of intensity.
4. At full resolution fat is taken off, so that the sinus fat is not kidney.

It is refused, with what was found, when nothing between 30 and 500 ml and at least 70 mm long is left (a kidney cut
by the scan's edge may be smaller), or when more than 10 % of its surface borders on tissue of its own kind. Limits: a
click in another organ of the same size (spleen, psoas, full bladder) is not noticed; a click in a wide pelvis or in
the hilum is mostly refused, at times half of the kidney is found; cysts and tumours of another density may be lost,
urine in the pelvis may, without contrast, be kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cc3d
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from trocar.errors import InputRefused
from trocar.geometry.grid import Box
from trocar.imaging.distance import distance_mm
from trocar.imaging.kernels.diffusion import diffuse
from trocar.imaging.segmentation.coarse import box_of
from trocar.imaging.structures import Mask
from trocar.imaging.volume import Volume

REACH_MM = 95.0
CELL_MM = 2.2
SMOOTH_MM = 2.0
ENHANCED_HU = 80.0
FAT_HU = -100.0
BONE_HU = 400.0
CLICK_BALL_MM = 7.0
CLICK_MISS_MM = 10.0
"""A click this near to the found core still means it (calyces and vessels lie inside a kidney)."""

LARGEST_EXTENT_MM = (78.0, 95.0, 150.0)
"""Longest a kidney is along its own short, middle and long axis."""

SHORTEST_MM = 70.0
VOLUME_ML = (30.0, 500.0)
CUT_ML = 10.0
"""Least that may be left of a kidney that the scan's edge cuts."""

BONE_SHARE = 0.01
"""More than this above BONE_HU is a vertebra; a stone in a kidney is less."""

OPEN_SHARE = 0.1
"""Whole kidneys have at most 0.08 of their surface against tissue of their own kind; halves and leaks have more."""

LIKENESS = 0.45
"""Least overlap (Jaccard) with the ellipsoid of the same moments; a bean with an open sinus has 0.6."""

ENHANCED_LOWS_HU = (50.0, 70.0, 90.0, 110.0, 130.0)
ENHANCED_HIGHS_HU = (120.0, 80.0, 50.0)
"""How far above the median at the click, tried besides no upper limit: bowel with oral contrast is brighter."""

PLAIN_LIMITS_HU = tuple((low, high) for low in (60.0, 45.0, 30.0) for high in (30.0, 24.0, 18.0, 12.0))
"""How far below and above the median at the click."""

DEPTHS_MM = (2.0, 3.5, 5.0, 6.5, 8.0)
ROUNDS = 300


@dataclass(frozen=True, eq=False)
class _Cells:
    """The block round the click as cells: hu and smoothed hu ``[k, j, i]``, spacing along k, j, i in mm."""

    hu: NDArray[np.float32]
    smooth: NDArray[np.float32]
    spacing_mm: NDArray[np.float64]
    factor: tuple[int, int, int]
    from_click_mm: NDArray[np.float64]

    @property
    def ml(self) -> float:
        return float(np.prod(self.spacing_mm)) / 1000.0


_Guess = tuple[NDArray[np.bool_], float, float]


def kidney_from_click(volume: Volume, point_lps_mm: ArrayLike) -> Mask:
    """The kidney that holds the point (3,) in LPS mm, bool ``[k, j, i]`` on the volume's grid.

    Raises InputRefused where the point is not in the scan, not in soft tissue, or what grows from it is no kidney.
    """
    point = np.asarray(point_lps_mm, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all() or not bool(volume.grid.contains(point)):
        raise InputRefused(
            f"The kidney point {_words(point)} lies outside the scan; give x, y, z in LPS millimetres."
        )
    box = Box.around(volume.grid, point[None], REACH_MM)
    part = volume.crop(box)
    cells = _cells(part, point)
    median = _median_at_click(cells, point)
    tried: set[tuple[float, bytes]] = set()
    guess, low, score = _first_guess(cells, median, point, tried)
    # The click may lie at the rim or on a vessel: look once more from the middle of what was found.
    again = float(np.median(cells.hu[guess]))
    if abs(again - median) > (15.0 if median > ENHANCED_HU else 4.0):
        middle = np.unravel_index(int(np.argmax(distance_mm(~guess, cells.spacing_mm[::-1]))), guess.shape)
        cells = replace(cells, from_click_mm=_away_mm(guess.shape, middle, cells.spacing_mm))
        guess, low, score = _first_guess(cells, again, point, tried, (guess, low, score))
    inside = _walk(cells, guess, low)
    mask = _full_size(part, cells, inside, low)
    _check(mask, volume, box, point)
    whole = np.zeros(volume.hu.shape, bool)
    whole[box.slices_kji] = mask
    return whole


def _words(point: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{x:.1f}" for x in np.atleast_1d(point)) + ")"


def _cells(part: Volume, point: NDArray[np.float64]) -> _Cells:
    """Block means; a last incomplete cell along an axis repeats its edge."""
    spacing = part.grid.spacing_mm[::-1]
    factor = tuple(max(1, int(CELL_MM / s + 1e-6)) for s in spacing)
    pad = [(0, -n % f) for n, f in zip(part.hu.shape, factor, strict=True)]
    hu = np.pad(np.clip(part.hu, -300, 1000), pad, mode="edge").astype(np.float32)
    (k, j, i), (fk, fj, fi) = hu.shape, factor
    means = hu.reshape(k // fk, fk, j // fj, fj, i // fi, fi).mean(axis=(1, 3, 5), dtype=np.float64)
    cell = spacing * factor
    smooth = ndimage.gaussian_filter(means, SMOOTH_MM / cell)
    click = (part.grid.to_voxel(point)[::-1] + 0.5) / factor - 0.5
    away = _away_mm(means.shape, click, cell)
    return _Cells(means.astype(np.float32), smooth.astype(np.float32), cell, (fk, fj, fi), away)


def _away_mm(shape: tuple[int, ...], at: ArrayLike, spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of every cell from a place in cells (k, j, i)."""
    place = np.asarray(at, dtype=np.float64)
    k, j, i = ((np.arange(n) - c) * s for n, c, s in zip(shape, place, spacing_mm, strict=True))
    return np.asarray(np.sqrt(k[:, None, None] ** 2 + j[None, :, None] ** 2 + i[None, None, :] ** 2))


def _median_at_click(cells: _Cells, point: NDArray[np.float64]) -> float:
    ball = cells.hu[cells.from_click_mm <= CLICK_BALL_MM]
    flesh = ball[(ball > -30) & (ball < BONE_HU)]
    if flesh.size < 0.3 * ball.size:
        raise InputRefused(
            f"The kidney point {_words(point)} lies in fat, gas or bone; click into the tissue of the kidney."
        )
    return float(np.median(flesh))


def _first_guess(
    cells: _Cells,
    median: float,
    point: NDArray[np.float64],
    tried: set[tuple[float, bytes]],
    best: _Guess | None = None,
) -> _Guess:
    """The best part over all limits and depths, the lower limit it was found with, and its score.

    Volume times the fourth power of the likeness to an ellipsoid decides: large, but not by growing into a neighbour.
    tried: cores that were looked at (each is looked at once); best: what has to be bettered.
    """
    leaks = 0
    limits = (
        [
            (low, high)
            for low in ENHANCED_LOWS_HU
            for high in (BONE_HU, *(median + above for above in ENHANCED_HIGHS_HU))
        ]
        if median > ENHANCED_HU
        else [(max(median - low, (median + FAT_HU) / 2), median + high) for low, high in PLAIN_LIMITS_HU]
    )
    for low, high in limits:
        within = (cells.smooth > low) & (cells.smooth < high) & (cells.hu > FAT_HU / 2)
        # The edge of the block is no border of the organ: only cells that are seen to be outside count.
        depth = distance_mm(~within, cells.spacing_mm[::-1])
        for erosion in DEPTHS_MM:
            core = _core_at_click(cells, within, depth, erosion)
            if core is None:
                continue
            if np.count_nonzero(core) * cells.ml > VOLUME_ML[1]:
                leaks += 1
                continue
            seen = (erosion, np.packbits(core).tobytes())
            if seen in tried:
                continue
            tried.add(seen)
            found = _grown_back(cells, core, within, erosion)
            ml = float(np.count_nonzero(found)) * cells.ml
            if ml < 5.0:
                continue
            extent, likeness = _shape(found, cells.spacing_mm)
            if ml > VOLUME_ML[1] or (extent > LARGEST_EXTENT_MM).any() or likeness < LIKENESS:
                leaks += 1
                continue
            score = ml * likeness**4
            if best is None or score > best[2]:
                best = (found, low, score)
    if best is None:
        why = "it runs into its surroundings" if leaks else "nothing connected is found there"
        raise InputRefused(
            f"No kidney could be told apart at the point {_words(point)}: {why}; click elsewhere in the kidney "
            "or give its mask with --structures."
        )
    return best


def _core_at_click(
    cells: _Cells, within: NDArray[np.bool_], depth: NDArray[np.float32], erosion_mm: float
) -> NDArray[np.bool_] | None:
    """The connected part at the click of what lies deeper than ``erosion_mm``; None where the click misses it."""
    core = within & (depth > erosion_mm)
    near = np.where(core, cells.from_click_mm, np.inf)
    at = np.unravel_index(int(np.argmin(near)), near.shape)
    if near[at] > CLICK_MISS_MM:
        return None
    parts = cc3d.connected_components(core, connectivity=6)
    return np.asarray(parts == parts[at])


def _grown_back(
    cells: _Cells, core: NDArray[np.bool_], within: NDArray[np.bool_], erosion_mm: float
) -> NDArray[np.bool_]:
    """An eroded core with its rim, and a little more for its corners."""
    reach = erosion_mm + 1.5 * float(cells.spacing_mm.min())
    box = box_of(core, margin=1 + int(reach / cells.spacing_mm.min()))
    assert box is not None
    grown = np.zeros_like(core)
    at = box.slices_kji
    back = ndimage.distance_transform_edt(~core[at], sampling=cells.spacing_mm)
    grown[at] = within[at] & (back <= reach)
    return grown


def _shape(mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Extent (3,) in mm along the mask's own axes, short to long, and its overlap with the ellipsoid of its moments.

    A solid ellipsoid with semi-axis a has variance a^2 / 5 along it.
    """
    points = np.argwhere(mask) * spacing_mm
    centre = points.mean(axis=0)
    variance, axes = np.linalg.eigh(np.cov((points - centre).T) + np.diag(spacing_mm**2 / 12))
    along = (points - centre) @ axes
    extent = np.asarray(along.max(axis=0) - along.min(axis=0))
    semi = np.sqrt(5 * variance)
    held = float(np.count_nonzero((along**2 / semi**2).sum(axis=1) <= 1)) * float(np.prod(spacing_mm))
    ellipsoid = 4 / 3 * np.pi * float(np.prod(semi))
    volume = len(points) * float(np.prod(spacing_mm))
    return extent, held / (ellipsoid + volume - held)


def _walk(cells: _Cells, guess: NDArray[np.bool_], low: float) -> NDArray[np.float64]:
    """Probability of kidney in each cell, from the guess's inside and from what is surely not kidney."""
    inward = distance_mm(~guess, cells.spacing_mm[::-1])
    outward = distance_mm(guess, cells.spacing_mm[::-1])
    kidney = guess & (inward > min(5.0, 0.6 * float(inward[guess].max())))
    enhanced = float(np.median(cells.smooth[kidney])) > ENHANCED_HU
    other = (outward > 7.0) | (cells.hu < (0.0 if enhanced else FAT_HU / 2)) | (cells.smooth > BONE_HU)
    other &= ~kidney
    # A step of this many HU halves what passes; noise in the smoothed cells is well below it.
    scale = 30.0 if enhanced else 10.0
    weights = []
    for axis in range(3):
        step = np.diff(cells.smooth.astype(np.float64), axis=axis, append=0.0)
        weights.append(np.exp2(-((step / scale) ** 2)) / cells.spacing_mm[axis] ** 2 + 1e-6)
    start = np.where(kidney, 1.0, np.where(guess, 0.5, 0.0))
    start[other] = 0.0
    return np.asarray(diffuse(start, ~(kidney | other), *weights, ROUNDS))


def _full_size(part: Volume, cells: _Cells, inside: NDArray[np.float64], low: float) -> NDArray[np.bool_]:
    """Voxels of the block: probability above one half (between cells linearly), fat taken off, the largest part."""
    place = [
        np.clip((np.arange(n) + 0.5) / f - 0.5, 0, m - 1)
        for n, f, m in zip(part.hu.shape, cells.factor, inside.shape, strict=True)
    ]
    value = inside
    for axis, at in enumerate(place):
        below = np.minimum(at.astype(int), max(0, value.shape[axis] - 2))
        above = np.minimum(below + 1, value.shape[axis] - 1)
        share = (at - below).reshape([-1 if a == axis else 1 for a in range(3)])
        value = np.take(value, below, axis) * (1 - share) + np.take(value, above, axis) * share
    spacing = part.grid.spacing_mm[::-1]
    sigma = np.where(spacing < 1.2, 0.8 / spacing, 0.0)
    hu = ndimage.gaussian_filter(np.clip(part.hu, -300, 1000).astype(np.float32), sigma)
    mask = (value > 0.5) & (hu > min(low, 30.0) - 15.0)
    parts, count = cc3d.connected_components(mask, connectivity=6, return_N=True)
    if count == 0:
        return np.zeros_like(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == int(np.argmax(sizes)))


def _check(mask: NDArray[np.bool_], volume: Volume, box: Box, point: NDArray[np.float64]) -> None:
    """Refuse bone, what leaves the block round the click, and what has not the size of a kidney."""
    hu = volume.hu[box.slices_kji]
    if np.count_nonzero(hu[mask] > BONE_HU) > BONE_SHARE * np.count_nonzero(mask):
        raise InputRefused(
            f"The kidney point {_words(point)} lies in bone; click into the tissue of the kidney."
        )
    spacing = volume.grid.spacing_mm[::-1]
    ml = float(np.count_nonzero(mask)) * float(np.prod(spacing)) / 1000.0
    cut, leaves = False, False
    for axis, (at, size) in enumerate(zip(box.slices_kji, volume.hu.shape, strict=True)):
        for end, edge in ((0, at.start == 0), (-1, at.stop == size)):
            touched = bool(mask.take(end, axis).any())
            cut |= touched and edge
            leaves |= touched and not edge
    length = float(_shape(mask, spacing)[0].max()) if ml > 0 else 0.0
    small = ml < (CUT_ML if cut else VOLUME_ML[0]) or (length < SHORTEST_MM and not cut)
    if small or leaves or ml > VOLUME_ML[1]:
        raise InputRefused(
            f"What grows from the point {_words(point)} has {ml:.0f} ml and is {length:.0f} mm long, which is no whole "
            "kidney; click elsewhere in the kidney or give its mask with --structures."
        )
    open_share = _open_share(volume.crop(box), mask)
    if open_share > OPEN_SHARE:
        raise InputRefused(
            f"What grows from the point {_words(point)} has no border of its own on {100 * open_share:.0f} % of its "
            "surface; click into the cortex of the kidney or give its mask with --structures."
        )


def _open_share(part: Volume, mask: NDArray[np.bool_]) -> float:
    """Share of the shell 1.5 to 4.5 mm outside of ``mask`` that looks like its inside (10th to 90th percentile)."""
    box = box_of(mask, margin=1 + int(np.ceil(4.5 / part.grid.spacing_mm.min())))
    assert box is not None
    spacing = part.grid.spacing_mm
    hu = ndimage.gaussian_filter(part.hu[box.slices_kji].astype(np.float32), SMOOTH_MM / spacing[::-1])
    outward, inward = distance_mm(mask[box.slices_kji], spacing), distance_mm(~mask[box.slices_kji], spacing)
    shell = (outward > 1.5) & (outward <= 4.5)
    inner = hu[mask[box.slices_kji] & (inward > min(3.0, 0.5 * float(inward[np.isfinite(inward)].max())))]
    if not shell.any() or inner.size == 0:
        return 0.0
    low, high = np.percentile(inner, [10, 90])
    return float(np.mean((hu[shell] > low) & (hu[shell] < high)))
