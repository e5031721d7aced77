"""Reads contours of a DICOM RT Structure Set onto the grid of a CT, by their positions alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import RTStructureSetStorage

from trocar.dicom.quiet import quiet_pydicom
from trocar.dicom.structure_layers import StructureLayers, read_object, refuse_other_frame, understood
from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid
from trocar.imaging.structures import StructureSet

Float = NDArray[np.float64]

FLAT_MM = 0.5
"""A contour may leave its slice by this much (rounded points) and still lie in it."""
SAME_PLANE_MM = 0.1
CONTOUR_DATA = Tag("ContourData")
FILLED_TYPES = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(frozen=True)
class Roi:
    """A region of interest: its number, its name (made unique), and the data set of its contours if it has any."""

    number: int
    name: str
    frame_of_reference_uid: str
    contours: tuple[Dataset, ...]


def read_rtstruct(
    path: Path, grid: Grid, roi: str | None = None, frame_of_reference_uid: str | None = None
) -> StructureSet:
    """Read the regions of an RT Structure Set onto ``grid``; ``roi`` takes one of them, by name or number.

    A voxel belongs to a region where its centre lies inside the contours of its slice, inside an odd number of
    them: so an inner contour is a hole, and a keyhole contour works as drawn. Contours are placed by their
    points; the images they refer to play no part. A contour between two slices counts for the nearer one;
    where contours lie wider apart than the slices, each counts for all slices nearest to it.

    Raises InputRefused where the file is no RTSTRUCT, is damaged, has no region ``roi``, lies in another frame
    of reference than ``frame_of_reference_uid``, has contours askew to the slices, or marks nothing in the grid.
    """
    with quiet_pydicom():
        dataset = read_object(path, (RTStructureSetStorage,), "an RT Structure Set")
        rois = understood(path, lambda: _rois(dataset))
        chosen = _chosen(rois, roi, path)
        for one in chosen:
            refuse_other_frame(path, one.frame_of_reference_uid, frame_of_reference_uid)
        return understood(path, lambda: _structures(chosen, grid, path))


def roi_names(path: Path) -> tuple[str, ...]:
    """The names of all regions in an RT Structure Set, in its order. Raises InputRefused as read_rtstruct."""
    with quiet_pydicom():
        dataset = read_object(path, (RTStructureSetStorage,), "an RT Structure Set")
        return tuple(one.name for one in understood(path, lambda: _rois(dataset)))


def _rois(dataset: Dataset) -> list[Roi]:
    contours = {
        int(item.ReferencedROINumber): tuple(item.get("ContourSequence") or ())
        for item in dataset.get("ROIContourSequence") or ()
    }
    rois: list[Roi] = []
    for item in dataset.StructureSetROISequence:
        number = int(item.ROINumber)
        name = str(item.get("ROIName") or "").strip() or f"ROI {number}"
        if any(other.name == name for other in rois):
            name = f"{name} ({number})"
        frame = str(item.get("ReferencedFrameOfReferenceUID") or "")
        rois.append(Roi(number, name, frame, contours.get(number, ())))
    return rois


def _chosen(rois: list[Roi], wanted: str | None, path: Path) -> list[Roi]:
    if not rois:
        raise InputRefused(f"{path.name} holds no region of interest.")
    if wanted is None:
        return rois
    text = wanted.strip()
    matches = [one for one in rois if one.name == text]
    matches = matches or [one for one in rois if one.name.casefold() == text.casefold()]
    matches = matches or [one for one in rois if str(one.number) == text]
    if len(matches) != 1:
        there = ", ".join(f"'{one.name}' ({one.number})" for one in rois)
        problem = "has no region" if not matches else "has several regions"
        raise InputRefused(f"{path.name} {problem} '{wanted}'; there is: {there}.")
    return matches


def _structures(rois: list[Roi], grid: Grid, path: Path) -> StructureSet:
    layers = StructureLayers(grid)
    notices: list[str] = []
    for roi in rois:
        block, box = _fill(roi, grid, notices)
        if block is not None:
            layers.add(roi.name, block, box)
    result = layers.finish(tuple(notices))
    if not result.names:
        raise InputRefused(
            f"{path.name} marks nothing inside this CT: {' '.join(notices) or 'it has no contours.'}"
        )
    return result


def _fill(roi: Roi, grid: Grid, notices: list[str]) -> tuple[NDArray[np.bool_] | None, Box]:
    """The voxels of a region as a block and its box; None, after adding a notice, where there are none."""
    nothing = None, Box((0, 0, 0), (0, 0, 0))
    contours = _contours(roi, grid, notices)
    if not contours:
        notices.append(f"Region '{roi.name}' is empty.")
        return nothing
    planes = _planes(contours, grid)
    slices = _slices_for(planes, grid, roi, notices)
    spans = np.array([[c[:, :2].min(axis=0), c[:, :2].max(axis=0)] for c in contours])
    low = np.clip(np.floor(spans[:, 0].min(axis=0)).astype(int), 0, grid.size_ijk[:2])
    high = np.clip(np.ceil(spans[:, 1].max(axis=0)).astype(int) + 1, low, grid.size_ijk[:2])
    if (spans[:, 0] < -0.5).any() or (spans[:, 1] > np.array(grid.size_ijk[:2]) - 0.5).any():
        notices.append(f"Region '{roi.name}' reaches beyond the CT at its sides; it was cut there.")
    if not slices or (high <= low).any():
        notices.append(f"Region '{roi.name}' lies outside the CT.")
        return nothing
    k0, k1 = min(slices), max(slices) + 1
    box = Box((int(low[0]), int(low[1]), k0), (int(high[0]), int(high[1]), k1))
    block = np.zeros((k1 - k0, high[1] - low[1], high[0] - low[0]), np.bool_)
    drawn: dict[int, NDArray[np.bool_]] = {}
    for k, plane in slices.items():
        if plane not in drawn:
            drawn[plane] = fill_contours([c[:, :2] - low for c in planes[plane][1]], block.shape[1:])
        block[k - k0] = drawn[plane]
    if not block.any():
        notices.append(f"Region '{roi.name}' is so small that no voxel centre lies in it.")
        return nothing
    return block, box


def _contours(roi: Roi, grid: Grid, notices: list[str]) -> list[Float]:
    """Closed contours as points (P, 3) in voxel indices (i, j, k)."""
    found: list[Float] = []
    ignored = 0
    for item in roi.contours:
        kind = str(item.get("ContourGeometricType") or "").upper()
        values = _point_values(item)
        if len(values) % 3 or not np.isfinite(values).all():
            raise InputRefused(f"Region '{roi.name}' is damaged: a contour's points are not all there.")
        if kind not in FILLED_TYPES or len(values) < 9:
            ignored += 1
            continue
        points = grid.to_voxel(values.reshape(-1, 3))
        if np.ptp(points[:, 2]) * grid.spacing_mm[2] > FLAT_MM:
            raise InputRefused(f"The contours of region '{roi.name}' do not lie in the slices of this CT.")
        found.append(points)
    if ignored:
        notices.append(
            f"Region '{roi.name}': {ignored} points or open lines enclose nothing and were left out."
        )
    return found


def _point_values(contour: Dataset) -> Float:
    """The numbers of Contour Data; taken from the undecoded text, as decoding each is a hundred times slower."""
    element = contour.get_item(CONTOUR_DATA) if CONTOUR_DATA in contour else None
    if isinstance(element, RawDataElement) and element.value:
        return np.array(element.value.rstrip(b" \0").split(b"\\"), dtype="S").astype(np.float64)
    return np.array([float(v) for v in contour.get("ContourData") or ()])


def _planes(contours: list[Float], grid: Grid) -> list[tuple[float, list[Float]]]:
    """Contours grouped by plane: (mean k of the plane, its contours), ascending."""
    tolerance = min(SAME_PLANE_MM / float(grid.spacing_mm[2]), 0.1)
    planes: list[tuple[float, list[Float]]] = []
    for points in sorted(contours, key=lambda c: float(c[:, 2].mean())):
        k = float(points[:, 2].mean())
        if planes and k - planes[-1][0] <= tolerance:
            planes[-1][1].append(points)
        else:
            planes.append((k, [points]))
    return planes


def _slices_for(
    planes: list[tuple[float, list[Float]]], grid: Grid, roi: Roi, notices: list[str]
) -> dict[int, int]:
    """Slice k -> index of the plane whose contours it takes."""
    at = np.array([k for k, _ in planes])
    usual = float(np.median(np.diff(at))) if len(at) > 1 else 1.0
    reach = max(0.5, usual / 2) + 1e-3
    slices: dict[int, int] = {}
    for k in range(
        max(0, int(np.ceil(at[0] - reach))), min(grid.size_ijk[2], int(np.floor(at[-1] + reach)) + 1)
    ):
        nearest = int(np.argmin(np.abs(at - k)))
        if abs(at[nearest] - k) <= reach:
            slices[k] = nearest
    if at[0] < -0.5 or at[-1] > grid.size_ijk[2] - 0.5:
        notices.append(f"Region '{roi.name}' reaches beyond the CT's first or last slice; it was cut there.")
    if np.abs(at - np.rint(at)).max() * grid.spacing_mm[2] > FLAT_MM:
        notices.append(f"Region '{roi.name}': contours between slices were moved to the nearest slice.")
    if usual > 1.5:
        notices.append(
            f"Region '{roi.name}': contours lie {usual * grid.spacing_mm[2]:.1f} mm apart; slices between them took "
            "the nearest one."
        )
    if slices and (gaps := max(slices) - min(slices) + 1 - len(slices)):
        notices.append(f"Region '{roi.name}': {gaps} slices between its contours have none.")
    return slices


def fill_contours(contours: list[Float], shape_ji: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels ``[j, i]`` whose centre lies inside an odd number of closed contours (P, 2) of points (i, j).

    Even-odd rule on scan lines through the pixel centres: each edge flips all pixels to the right of where it
    crosses a row. An edge counts for the rows from its upper end up to, not including, its lower end, so that a
    row through a corner is flipped once, and equal edges (keyhole) cancel.
    """
    rows, columns = shape_ji
    flips = np.zeros((rows, columns + 1), np.int32)
    for points in contours:
        ends = np.roll(points, -1, axis=0)
        upward = points[:, 1] > ends[:, 1]
        # Every edge is computed from its upper to its lower end, so that both ways give the same bits.
        top, bottom = np.where(upward[:, None], ends, points), np.where(upward[:, None], points, ends)
        first = np.clip(np.ceil(top[:, 1]), 0, rows).astype(np.int64)
        last = np.clip(np.ceil(bottom[:, 1]), 0, rows).astype(np.int64)
        counts = last - first
        edge = np.repeat(np.arange(len(points)), counts)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
        t = (row - top[edge, 1]) / (bottom[edge, 1] - top[edge, 1])
        crossing = top[edge, 0] + t * (bottom[edge, 0] - top[edge, 0])
        column = np.clip(np.ceil(crossing), 0, columns).astype(np.int64)
        np.add.at(flips, (row, column), 1)
    return np.asarray(np.cumsum(flips[:, :columns], axis=1) % 2 == 1)
