"""Flat pictures out of a volume or its structures, on any plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.geometry.grid import Grid
from trocar.imaging.kernels import contouring, slicing
from trocar.imaging.render.plane import PicturePlane
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

Picture2D = NDArray[np.float32]
Line = NDArray[np.float64]

FAITHFUL_SHARE = 0.6
"""A smoothed outline must keep this share of the voxels it stands for; else their own edges are drawn.

Half-voxel corners are all that smoothing may take; a vessel of one voxel would vanish between two slices.
"""


def reslice(volume: Volume, plane: PicturePlane) -> Picture2D:
    """Hounsfield units (height, width) on ``plane``, trilinear; not-a-number outside the scan."""
    origin, column, row = plane_in_voxels(volume.grid, plane)
    return np.asarray(slicing.cut(volume.hu, origin, column, row, plane.height_px, plane.width_px))


def projection(volume: Volume, plane: PicturePlane, depth_mm: float, step_mm: float = 2.0) -> Picture2D:
    """Mean Hounsfield units (height, width) from the plane to ``depth_mm`` behind it, like an X-ray of a slab.

    Samples every ``step_mm`` and about as far apart across, in between linear; not-a-number where nothing of the scan
    lies behind a pixel.
    """
    factor = max(int(step_mm / 1.5 / plane.mm_per_pixel), 1)
    coarse = plane.coarser(factor)
    origin, column, row = plane_in_voxels(volume.grid, coarse)
    steps = max(round(depth_mm / step_mm), 1)
    step = volume.grid.patient_to_voxel[:3, :3] @ plane.into_lps * step_mm
    picture = slicing.mean_through(
        volume.hu, origin, column, row, step, steps, coarse.height_px, coarse.width_px
    )
    if factor == 1:
        return np.asarray(picture)
    columns = (np.arange(plane.width_px) + 0.5) / factor - 0.5
    rows = (np.arange(plane.height_px) + 0.5) / factor - 0.5
    at = np.meshgrid(rows, columns, indexing="ij")
    return np.asarray(ndimage.map_coordinates(picture, at, order=1, mode="nearest"), dtype=np.float32)


def outlines(
    structures: StructureSet, plane: PicturePlane, names: Sequence[str]
) -> dict[str, tuple[Line, ...]]:
    """Outlines on ``plane`` of those of ``names`` that it cuts: name -> lines (N, 2) as (column, row) in pixels.

    A closed line repeats its first point; lines end at the picture's edge. Names that are not in the set, and those
    that the plane does not meet, are left out.
    """
    found: dict[str, tuple[Line, ...]] = {}
    origin, column, row = plane_in_voxels(structures.grid, plane)
    size = plane.height_px, plane.width_px
    wanted = [n for n in names if n in structures.names]
    by_name = {name: value for value, name in structures.label_names.items()}
    label_picture = None
    if structures.labels is not None and any(n not in structures.masks for n in wanted):
        label_picture = np.asarray(slicing.nearest(structures.labels, origin, column, row, *size))
    for name in wanted:
        if name in structures.masks:
            voxels: NDArray[Any] = structures.masks[name].view(np.uint8)
            value = 1
            inside = np.asarray(slicing.nearest(voxels, origin, column, row, *size)) == 1
        else:
            assert structures.labels is not None
            assert label_picture is not None
            voxels, value = structures.labels, by_name[name]
            inside = label_picture == value
        if not inside.any():
            continue
        rows, columns = _block(inside, margin=3)
        start = origin + columns.start * column + rows.start * row
        share = np.asarray(
            slicing.share_of_label(
                voxels, value, start, column, row, rows.stop - rows.start, columns.stop - columns.start
            )
        )
        nearest = inside[rows, columns]
        if np.count_nonzero(share >= 0.5) < FAITHFUL_SHARE * np.count_nonzero(nearest):
            share = nearest.astype(np.float32)
        found[name] = contour_lines(share, (columns.start, rows.start))
    return found


def shadow_outlines(
    structures: StructureSet, plane: PicturePlane, depth_mm: float, names: Sequence[str], step_mm: float = 1.0
) -> dict[str, tuple[Line, ...]]:
    """Outlines of all that each structure covers from ``plane`` to ``depth_mm`` behind it, along the plane's normal.

    Lines as in ``outlines``; samples every ``step_mm``, and at most a third of that apart across. A needle that enters
    at the plane and goes straight into the picture meets a structure where its pixel lies within that outline.
    """
    factor = max(int(step_mm / 3 / plane.mm_per_pixel), 1)
    coarse = plane.coarser(factor)
    origin, column, row = plane_in_voxels(structures.grid, coarse)
    step = structures.grid.patient_to_voxel[:3, :3] @ plane.into_lps * step_mm
    steps = int(np.floor(depth_mm / step_mm)) + 1
    size = coarse.height_px, coarse.width_px
    wanted = [n for n in names if n in structures.names]
    layers: dict[str, NDArray[np.uint8]] = {}
    if structures.labels is not None:
        values = {
            n: v for v, n in structures.label_names.items() if n in wanted and n not in structures.masks
        }
        labelled = [n for n in wanted if n in values]
        if labelled:
            table = layer_table(structures, {n: number for number, n in enumerate(labelled)})
            cast = slicing.shadows(
                structures.labels, table, len(labelled), origin, column, row, step, steps, *size
            )
            layers |= {name: np.asarray(cast[number]) for number, name in enumerate(labelled)}
    only = np.array([-1, 0], dtype=np.int16)
    for name in (n for n in wanted if n in structures.masks):
        mask = structures.masks[name].view(np.uint8)
        layers[name] = np.asarray(slicing.shadows(mask, only, 1, origin, column, row, step, steps, *size)[0])
    found = {n: contour_lines(layers[n].astype(np.float32), (0, 0)) for n in wanted if layers[n].any()}
    return {name: tuple((line + 0.5) * factor - 0.5 for line in lines) for name, lines in found.items()}


def layer_table(structures: StructureSet, layer_of_name: dict[str, int]) -> NDArray[np.int16]:
    """Label value -> layer, -1 for labels of no layer; as long as the greatest value that the labels can hold."""
    assert structures.labels is not None
    greatest = max(int(structures.labels.max(initial=0)), max(structures.label_names, default=0))
    table = np.full(greatest + 1, -1, dtype=np.int16)
    for value, name in structures.label_names.items():
        if name in layer_of_name and name not in structures.masks:
            table[value] = layer_of_name[name]
    return table


def contour_lines(field: NDArray[np.float32], corner: tuple[int, int]) -> tuple[Line, ...]:
    """Lines where ``field`` crosses one half, moved by ``corner`` (column, row)."""
    points, starts = contouring.contours(np.ascontiguousarray(field), 0.5)
    points = points + np.array(corner, dtype=np.float64)
    return tuple(points[starts[n] : starts[n + 1]] for n in range(len(starts) - 1))


def plane_in_voxels(
    grid: Grid, plane: PicturePlane
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The plane as voxel indices (i, j, k): of its first pixel, and the steps of one column and one row."""
    turn = grid.patient_to_voxel[:3, :3]
    return (
        grid.to_voxel(plane.origin_lps_mm),
        np.ascontiguousarray(turn @ plane.right_lps * plane.mm_per_pixel),
        np.ascontiguousarray(turn @ plane.down_lps * plane.mm_per_pixel),
    )


def _block(inside: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns that hold every true pixel, with a margin, cut at the picture's edge."""
    spans = []
    for axis, size in ((1, inside.shape[0]), (0, inside.shape[1])):
        at = np.flatnonzero(inside.any(axis=axis))
        spans.append(slice(max(int(at[0]) - margin, 0), min(int(at[-1]) + 1 + margin, size)))
    return spans[0], spans[1]
