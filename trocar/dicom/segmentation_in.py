"""Reads DICOM segmentations (SEG) onto the grid of a CT, placing every frame by its own geometry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID, SegmentationStorage

from trocar.dicom.decoding import decode_frame
from trocar.dicom.frames import Groups, frame_groups, number, plane_of
from trocar.dicom.quiet import quiet_pydicom
from trocar.dicom.structure_layers import StructureLayers, read_object, refuse_other_frame, understood
from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid
from trocar.imaging.structures import StructureSet

LABEL_MAP_SEGMENTATION = UID("1.2.840.10008.5.1.4.1.1.66.7")
ON_VOXELS = 0.1
"""Frames whose pixels all lie this close (in voxels) to voxel centres are placed; others are resampled."""

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plane:
    """Where a frame lies: LPS mm of its first pixel's centre (3,), and the steps (3,) from pixel to pixel along a
    row (``step_i``) and down a column (``step_j``)."""

    origin: Float
    step_i: Float
    step_j: Float

    @property
    def normal(self) -> Float:
        """Unit vector across the frame."""
        across = np.cross(self.step_i, self.step_j)
        return np.asarray(across / np.linalg.norm(across))


@dataclass(frozen=True, eq=False)
class Segments:
    """Decoded frames: ``frame(n)[j, i]`` holds 0 or segment numbers; ``members``: segment number -> its frames."""

    names: dict[int, str]
    members: dict[int, list[int]]
    planes: list[Plane]
    frame: Callable[[int], NDArray[Any]]
    spacing_mm: float
    is_label_map: bool
    notices: tuple[str, ...]


def read_seg(path: Path, grid: Grid, frame_of_reference_uid: str | None = None) -> StructureSet:
    """Read every segment of a SEG (binary, fractional or label map) onto ``grid``.

    Frames may come in any order, miss slices, cover a part of the grid only, and lie along any of its planes,
    mirrored or not. Frames that do not fall on the grid's voxels are resampled (nearest), with a notice. A
    fractional segment is taken where it is at least half of its maximum. Names are the segment labels.

    Raises InputRefused where the file is no SEG, is damaged, lies in another frame of reference than
    ``frame_of_reference_uid``, or marks nothing inside the grid.
    """
    with quiet_pydicom():
        dataset = read_object(path, (SegmentationStorage, LABEL_MAP_SEGMENTATION), "a DICOM segmentation")
        refuse_other_frame(path, str(dataset.get("FrameOfReferenceUID") or ""), frame_of_reference_uid)
        return understood(path, lambda: _structures(_segments(dataset, path, grid), grid, path))


def _structures(segments: Segments, grid: Grid, path: Path) -> StructureSet:
    aligned = [_on_voxels(plane, grid, segments.frame(0).shape) for plane in segments.planes]
    exact = all(place is not None for place in aligned)
    notices = list(segments.notices)
    if not exact:
        notices.append(
            f"{path.name} does not lie on the CT's voxels; its segments were resampled (nearest voxel)."
        )
    layers = StructureLayers(grid)
    for segment, name in segments.names.items():
        members = segments.members.get(segment, [])
        pictures = {n: _of_segment(segments, n, segment) for n in members}
        pictures = {n: picture for n, picture in pictures.items() if picture.any()}
        if not pictures:
            notices.append(f"Segment '{name}' is empty.")
            continue
        if exact:
            block, box, lost = _placed(pictures, aligned, grid)
        else:
            block, box, lost = _resampled(pictures, segments, grid)
        if not block.any():
            notices.append(f"Segment '{name}' lies outside the CT.")
            continue
        if lost:
            notices.append(f"Segment '{name}' reaches beyond the CT; it was cut there.")
        layers.add(layers.unique(name), block, box)
    result = layers.finish(tuple(notices))
    if not result.names:
        raise InputRefused(
            f"{path.name} marks nothing inside this CT; use the segmentation that belongs to it."
        )
    return result


def _of_segment(segments: Segments, n: int, segment: int) -> NDArray[np.bool_]:
    picture = segments.frame(n)
    return picture == segment if segments.is_label_map else picture.astype(np.bool_)


# Reading


def _segments(dataset: Dataset, path: Path, grid: Grid) -> Segments:
    kind = str(dataset.get("SegmentationType") or "").upper()
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise InputRefused(f"{path.name} is a segmentation of an unknown type ({kind or 'none given'}).")
    names = {
        int(item.SegmentNumber): str(item.get("SegmentLabel") or "").strip()
        or f"segment {item.SegmentNumber}"
        for item in dataset.SegmentSequence
        if int(item.SegmentNumber) > 0
    }
    groups = frame_groups(dataset)
    planes = [_plane(group, path) for group in groups]
    members: dict[int, list[int]] = {}
    for n, group in enumerate(groups):
        segment = group.get("SegmentIdentificationSequence", "ReferencedSegmentNumber")
        for value in names if kind == "LABELMAP" else [int(segment)]:
            members.setdefault(value, []).append(n)
    if unknown := set(members) - set(names):
        raise InputRefused(
            f"{path.name} is damaged: a frame belongs to segment {min(unknown)}, which it does not list."
        )
    notices: tuple[str, ...] = ()
    if kind == "FRACTIONAL":
        notices = (f"{path.name} holds fractions; voxels of at least half the maximum were taken.",)
    return Segments(
        names,
        members,
        planes,
        _frames(dataset, path, kind),
        _slice_spacing(groups, planes, grid),
        kind == "LABELMAP",
        notices,
    )


def _plane(group: Groups, path: Path) -> Plane:
    found = plane_of(group)
    if found is None:
        raise InputRefused(f"{path.name} does not say where its frames lie in the patient.")
    position, row, column, (between_rows, between_columns) = found
    return Plane(position, row * between_columns, column * between_rows)


def _slice_spacing(groups: Sequence[Groups], planes: Sequence[Plane], grid: Grid) -> float:
    """How far apart the frames' slices are; frames without anything in them may have been left out."""
    stated = number(groups[0].get("PixelMeasuresSequence", "SpacingBetweenSlices"))
    if stated is not None and abs(stated) > 1e-3:
        return abs(stated)
    depth = np.unique(np.round([plane.origin @ planes[0].normal for plane in planes], 3))
    if len(depth) > 1:
        return float(np.diff(depth).min())
    stated = number(groups[0].get("PixelMeasuresSequence", "SliceThickness"))
    return stated if stated else float(grid.spacing_mm[2])


def _frames(dataset: Dataset, path: Path, kind: str) -> Callable[[int], NDArray[Any]]:
    """Gives frame n as ``[j, i]``: bool, or segment numbers of a label map."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    count = int(dataset.get("NumberOfFrames") or 1)
    bits = int(dataset.BitsAllocated)
    size = rows * columns
    threshold = (int(dataset.get("MaximumFractionalValue") or 255) + 1) // 2 if kind == "FRACTIONAL" else 1
    raw = dataset.PixelData
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        pictures = (decode_frame(dataset, one) for one in generate_frames(raw, number_of_frames=count))
        if kind == "LABELMAP":
            whole = list(pictures)
            return lambda n: whole[n]
        packed = [np.packbits(picture.reshape(-1) >= threshold) for picture in pictures]
        return lambda n: np.unpackbits(packed[n], count=size).reshape(rows, columns).astype(np.bool_)
    if bits not in (1, 8, 16) or len(raw) * 8 < size * count * bits:
        raise InputRefused(f"{path.name} is cut short: its pixels are not all there.")
    if bits == 1:
        # Frames follow one another bit by bit, the lowest bit first, without filling up to a byte.
        stream = np.frombuffer(raw, np.uint8)

        def unpack(n: int) -> NDArray[np.bool_]:
            first, offset = divmod(n * size, 8)
            part = stream[first : first + (offset + size + 7) // 8]
            return (
                np.unpackbits(part, bitorder="little")[offset : offset + size]
                .reshape(rows, columns)
                .astype(np.bool_)
            )

        return unpack
    values = np.frombuffer(raw, f"<u{bits // 8}", size * count).reshape(count, rows, columns)
    if kind == "LABELMAP":
        return lambda n: values[n]
    return lambda n: values[n] >= threshold


# Placing


@dataclass(frozen=True)
class Placement:
    """A frame on the grid: voxel (i, j, k) of its first pixel, and for its rows (``i``) and columns (``j``)
    the grid axis 0, 1, 2 and the sign of the way they run."""

    first_ijk: tuple[int, int, int]
    axis_i: int
    sign_i: int
    axis_j: int
    sign_j: int


def _on_voxels(plane: Plane, grid: Grid, shape: tuple[int, int]) -> Placement | None:
    """Where the frame lies voxel on voxel; None where it does not."""
    linear = grid.patient_to_voxel[:3, :3]
    first = grid.to_voxel(plane.origin)
    steps = [linear @ plane.step_i, linear @ plane.step_j]
    rounded = [np.rint(step) for step in steps]
    if any(np.abs(step).sum() != 1 for step in rounded) or np.abs(rounded[0] @ rounded[1]) != 0:
        return None
    drift = np.abs(steps[0] - rounded[0]) * shape[1] + np.abs(steps[1] - rounded[1]) * shape[0]
    if (np.abs(first - np.rint(first)) + drift).max() > ON_VOXELS:
        return None
    axes = [int(np.argmax(np.abs(step))) for step in rounded]
    signs = [int(step[axis]) for step, axis in zip(rounded, axes, strict=True)]
    i, j, k = (int(n) for n in np.rint(first))
    return Placement((i, j, k), axes[0], signs[0], axes[1], signs[1])


def _placed(
    pictures: dict[int, NDArray[np.bool_]], places: Sequence[Placement | None], grid: Grid
) -> tuple[NDArray[np.bool_], Box, bool]:
    """A segment's voxels: a block, the box it fills, and whether some lay outside the grid."""
    spans = [_span(picture, place) for n, picture in pictures.items() if (place := places[n]) is not None]
    low = np.clip(np.min([span[0] for span in spans], axis=0), 0, grid.size_ijk)
    high = np.clip(np.max([span[1] for span in spans], axis=0), low, grid.size_ijk)
    box = Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))
    block = np.zeros(tuple((high - low)[::-1]), np.bool_)
    lost = False
    for n, picture in pictures.items():
        place = places[n]
        assert place is not None
        lost |= _draw(block, box, picture, place)
    return block, box, lost


def _span(picture: NDArray[np.bool_], place: Placement) -> tuple[Float, Float]:
    """The first voxel (i, j, k), and one behind the last, that a frame can reach."""
    low = np.array(place.first_ijk)
    high = low + 1
    for axis, sign, length in (
        (place.axis_i, place.sign_i, picture.shape[1]),
        (place.axis_j, place.sign_j, picture.shape[0]),
    ):
        if sign > 0:
            high[axis] += length - 1
        else:
            low[axis] -= length - 1
    return low, high


def _draw(block: NDArray[np.bool_], box: Box, picture: NDArray[np.bool_], place: Placement) -> bool:
    """Set the voxels of one frame in ``block``; True where some lay outside of it."""
    low, _ = _span(picture, place)
    low = low - box.low_ijk
    turned = picture[:: place.sign_j, :: place.sign_i]
    across = 3 - place.axis_i - place.axis_j
    # The block seen as [down the frame, along the frame, across it]; array axis n holds grid axis 2 - n.
    view = block.transpose(2 - place.axis_j, 2 - place.axis_i, 2 - across)
    if not 0 <= low[across] < view.shape[2]:
        return True
    j0, i0 = int(low[place.axis_j]), int(low[place.axis_i])
    cut_j, cut_i = max(0, -j0), max(0, -i0)
    inside = turned[cut_j : view.shape[0] - j0, cut_i : view.shape[1] - i0]
    view[
        j0 + cut_j : j0 + cut_j + inside.shape[0], i0 + cut_i : i0 + cut_i + inside.shape[1], low[across]
    ] |= inside
    return np.count_nonzero(inside) < np.count_nonzero(turned)


# Resampling


def _resampled(
    pictures: dict[int, NDArray[np.bool_]], segments: Segments, grid: Grid
) -> tuple[NDArray[np.bool_], Box, bool]:
    """A segment's voxels by looking up, for each voxel centre, the nearest frame and its nearest pixel.

    Frames are parallel, but may be shifted against one another (a tilted gantry) and miss slices.
    """
    normal = segments.planes[next(iter(pictures))].normal
    order = sorted(pictures, key=lambda n: float(segments.planes[n].origin @ normal))
    planes = [segments.planes[n] for n in order]
    if any(np.abs(plane.normal - normal).max() > 1e-3 for plane in planes):
        raise InputRefused("The frames of a segment are not parallel, and do not lie on the CT's voxels.")
    half = segments.spacing_mm / 2
    corners = np.concatenate([_corners(pictures[n], segments.planes[n], half) for n in order])
    box = Box.around(grid, corners, 0.0)
    part = grid.crop(box.low_ijk, box.high_ijk) if min(np.subtract(box.high_ijk, box.low_ijk)) > 0 else None
    lost = not grid.contains(corners).all()
    if part is None:
        return np.zeros((0, 0, 0), np.bool_), box, True
    stack = np.stack([pictures[n] for n in order])
    depth = np.array([plane.origin @ normal for plane in planes])
    origins = np.array([plane.origin for plane in planes])
    to_pixel = [step / (step @ step) for step in (planes[0].step_i, planes[0].step_j)]
    block = np.zeros(part.shape_kji, np.bool_)
    j, i = np.meshgrid(np.arange(part.shape_kji[1]), np.arange(part.shape_kji[2]), indexing="ij")
    for k in range(part.shape_kji[0]):
        centres = part.to_patient(np.stack([i, j, np.full_like(i, k)], axis=-1))
        at = centres @ normal
        nearest = np.searchsorted((depth[1:] + depth[:-1]) / 2, at)
        offset = centres - origins[nearest]
        column = np.rint(offset @ to_pixel[0]).astype(np.int64)
        row = np.rint(offset @ to_pixel[1]).astype(np.int64)
        inside = np.abs(at - depth[nearest]) <= half + 1e-6
        inside &= (column >= 0) & (column < stack.shape[2]) & (row >= 0) & (row < stack.shape[1])
        block[k][inside] = stack[nearest[inside], row[inside], column[inside]]
    return block, box, lost


def _corners(picture: NDArray[np.bool_], plane: Plane, half_mm: float) -> Float:
    """Outer corners (8, 3) in LPS mm of the box round what a frame marks, half a slice thick to both sides."""
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    return np.array(
        [
            plane.origin + i * plane.step_i + j * plane.step_j + side * half_mm * plane.normal
            for i in (columns[0] - 0.5, columns[-1] + 0.5)
            for j in (rows[0] - 0.5, rows[-1] + 0.5)
            for side in (-1, 1)
        ]
    )
