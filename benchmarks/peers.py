"""What a user would do today with well-kept libraries, on the whole scan, as their manuals show it."""

from __future__ import annotations

from collections.abc import Mapping

import edt
import numpy as np
import SimpleITK as sitk  # noqa: N813 - everyone's name for it
import vtk
from numpy.typing import NDArray
from scipy import ndimage
from vtk.util.numpy_support import numpy_to_vtk

from trocar.geometry.grid import Grid

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
STEP_MM = 1.0
CHUNK = 2000


def edt_map(mask: Mask, grid: Grid) -> NDArray[np.float32]:
    """Distance in mm to the mask, by edt on all cores."""
    return edt.edt(~mask, anisotropy=tuple(grid.spacing_mm[::-1]), order="C", parallel=0)


def simpleitk_map(mask: Mask, grid: Grid) -> NDArray[np.float32]:
    """The same by SimpleITK's SignedMaurerDistanceMap on all cores."""
    image = sitk.GetImageFromArray(mask.view(np.uint8))
    image.SetSpacing([float(s) for s in grid.spacing_mm])
    found = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    return np.maximum(sitk.GetArrayViewFromImage(found), 0)


def scipy_map(mask: Mask, grid: Grid) -> NDArray[np.float64]:
    """The same by scipy.ndimage, which uses one core."""
    return ndimage.distance_transform_edt(~mask, sampling=grid.spacing_mm[::-1])


def _points(starts: Float, ends: Float, grid: Grid) -> Float:
    """Points (N, M, 3) in voxels along each segment, both ends included, no farther apart than STEP_MM."""
    count = int(np.ceil(np.linalg.norm(ends - starts, axis=1).max() / STEP_MM)) + 1
    first, last = grid.to_voxel(starts), grid.to_voxel(ends)
    return np.asarray(first[:, None] + np.linspace(0, 1, count)[:, None] * (last - first)[:, None])


def numpy_gather(
    maps: list[NDArray[np.float32]], grid: Grid, starts: Float, ends: Float
) -> NDArray[np.float32]:
    """Least distance (N, maps) along each segment: the nearest voxel of each map every millimetre."""
    out = np.empty((len(starts), len(maps)), dtype=np.float32)
    for at in range(0, len(starts), CHUNK):
        nearest = np.rint(_points(starts[at : at + CHUNK], ends[at : at + CHUNK], grid)).astype(np.intp)
        i, j, k = np.moveaxis(np.clip(nearest, 0, np.array(grid.size_ijk) - 1), -1, 0)
        for column, distance in enumerate(maps):
            out[at : at + CHUNK, column] = distance[k, j, i].min(axis=1)
    return out


def numpy_flat(
    maps: list[NDArray[np.float32]], grid: Grid, starts: Float, ends: Float
) -> NDArray[np.float32]:
    """The same with care: indices flattened once for all maps, and no step beyond a segment's own length."""
    out = np.empty((len(starts), len(maps)), dtype=np.float32)
    for at in range(0, len(starts), CHUNK):
        some = slice(at, at + CHUNK)
        count = np.ceil(np.linalg.norm(ends[some] - starts[some], axis=1) / STEP_MM).astype(np.intp) + 1
        begin = np.concatenate([[0], np.cumsum(count)[:-1]])
        share = (np.arange(count.sum()) - np.repeat(begin, count)) / np.repeat(count - 1, count)
        first, last = grid.to_voxel(starts[some]), grid.to_voxel(ends[some])
        points = np.repeat(first, count, axis=0) + share[:, None] * np.repeat(last - first, count, axis=0)
        i, j, k = np.clip(np.rint(points).astype(np.intp), 0, np.array(grid.size_ijk) - 1).T
        flat = (k * grid.size_ijk[1] + j) * grid.size_ijk[0] + i
        for column, distance in enumerate(maps):
            out[some, column] = np.minimum.reduceat(distance.reshape(-1)[flat], begin)
    return out


def scipy_linear(
    maps: list[NDArray[np.float32]], grid: Grid, starts: Float, ends: Float
) -> NDArray[np.float32]:
    """Least distance (N, maps) along each segment: map_coordinates of order 1 every millimetre."""
    out = np.empty((len(starts), len(maps)), dtype=np.float32)
    for at in range(0, len(starts), CHUNK):
        points = _points(starts[at : at + CHUNK], ends[at : at + CHUNK], grid)
        across = np.moveaxis(points, -1, 0)[::-1]
        for column, distance in enumerate(maps):
            values = ndimage.map_coordinates(distance, across, order=1, mode="nearest")
            out[at : at + CHUNK, column] = values.min(axis=1)
    return out


class ObbTrees:
    """VTK surfaces with OBB trees, as 3D Slicer's path planning extensions test lines against models."""

    def __init__(self, masks: Mapping[str, Mask], grid: Grid) -> None:
        self._grid = grid
        self._trees = []
        for mask in masks.values():
            image = vtk.vtkImageData()
            image.SetDimensions(*grid.size_ijk)
            image.SetSpacing(*(float(s) for s in grid.spacing_mm))
            image.GetPointData().SetScalars(numpy_to_vtk(mask.view(np.uint8).reshape(-1), deep=True))
            surface = vtk.vtkDiscreteFlyingEdges3D()
            surface.SetInputData(image)
            surface.GenerateValues(1, 1, 1)
            surface.Update()
            tree = vtk.vtkOBBTree()
            tree.SetDataSet(surface.GetOutput())
            tree.BuildLocator()
            self._trees.append((surface, tree))

    def crossed(self, starts: Float, ends: Float) -> Mask:
        """bool (N, structures): which surfaces each segment meets."""
        spacing = self._grid.spacing_mm
        first, last = self._grid.to_voxel(starts) * spacing, self._grid.to_voxel(ends) * spacing
        out = np.zeros((len(starts), len(self._trees)), dtype=bool)
        points = vtk.vtkPoints()
        for n in range(len(starts)):
            for column, (_, tree) in enumerate(self._trees):
                out[n, column] = tree.IntersectWithLine(first[n], last[n], points, None) != 0
        return out
