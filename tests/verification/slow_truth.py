"""What is true of a needle path, found slowly: every voxel near it is looked at as the box that it is.

Plain NumPy and SciPy (trees of points), written from the definitions in the published schema of plan.json and in
docs/planning.md. It reads the files by itself and shares no code with the planner: no distance field, no walk through
voxels, no index of runs. All points are patient LPS millimetres, arrays are ``[k, j, i]``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOUCH_MM = 1e-6
SKIN_HU = -500
"""Half way between air and tissue: where a blurred skin stands."""

UP = {"supine": (0, -1, 0), "prone": (0, 1, 0), "left_lateral": (-1, 0, 0), "right_lateral": (1, 0, 0)}
"""Where the ceiling is, in LPS."""


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """A CT and its labels as they stand in their files."""

    hu: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: Mapping[int, str]
    voxel_to_patient: Float
    _trees: dict[str, Surface] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def read(ct: Path, labels: Path) -> LabelledScan:
        """From two NIfTI files on one grid; names from a .csv beside the labels or from inside them."""
        image, marks = nibabel.load(ct), nibabel.load(labels)
        assert np.allclose(image.affine, marks.affine, atol=1e-3)
        matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
        table = labels.with_name(labels.name.replace(".nii.gz", ".csv"))
        if table.exists():
            with table.open(encoding="utf-8") as file:
                names = {int(row["id"]): row["structure"] for row in csv.DictReader(file)}
        else:
            text = marks.header.extensions[0].get_content().decode()
            names = {int(n): s for n, s in re.findall(r'Key="(\d+)".*?CDATA\[(.*?)\]', text, re.DOTALL)}
        values = np.asarray(marks.dataobj).astype(np.int64).transpose(2, 1, 0)
        present = set(np.unique(values).tolist())
        return LabelledScan(
            np.ascontiguousarray(image.get_fdata(dtype=np.float32).transpose(2, 1, 0)),
            np.ascontiguousarray(values),
            {n: s for n, s in names.items() if n in present},
            matrix,
        )

    @cached_property
    def spacing_mm(self) -> Float:
        """(3,) along i, j, k."""
        return np.linalg.norm(self.voxel_to_patient[:3, :3], axis=0)

    @property
    def size_ijk(self) -> NDArray[np.int64]:
        """Voxels along i, j, k."""
        return np.array(self.hu.shape[::-1])

    def to_voxel(self, points: Float) -> Float:
        """LPS mm to (i, j, k)."""
        shifted = np.asarray(points, float) - self.voxel_to_patient[:3, 3]
        return np.linalg.solve(self.voxel_to_patient[:3, :3], shifted.reshape(-1, 3).T).T.reshape(
            shifted.shape
        )

    def to_patient(self, ijk: Float) -> Float:
        """(i, j, k) to LPS mm."""
        return np.asarray(ijk, float) @ self.voxel_to_patient[:3, :3].T + self.voxel_to_patient[:3, 3]

    def mask(self, name: str) -> Mask:
        """Of one structure."""
        return self.labels == next(n for n, s in self.names.items() if s == name)

    def surface(self, name: str) -> Surface:
        """The structure's outermost voxels, ready to be searched."""
        if name not in self._trees:
            self._trees[name] = Surface.of(self.mask(name), self)
        return self._trees[name]

    def to_edge_mm(self, point: Float) -> float:
        """From a point in the scan to the nearest outer face of its voxels; negative outside."""
        ijk = self.to_voxel(point)
        return float((np.minimum(ijk + 0.5, self.size_ijk - 0.5 - ijk) * self.spacing_mm).min())

    def near(self, start: Float, end: Float) -> NDArray[np.int64]:
        """Indices (N, 3) i, j, k of every voxel whose box the segment could touch."""
        ends = self.to_voxel(np.stack([start, end]))
        low = np.clip(np.floor(ends.min(axis=0)) - 1, 0, self.size_ijk - 1).astype(int)
        high = np.clip(np.ceil(ends.max(axis=0)) + 1, 0, self.size_ijk - 1).astype(int)
        grid = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij")
        ijk = np.stack(grid, axis=-1).reshape(-1, 3)
        far = centre_distances(ijk * self.spacing_mm, ends[0] * self.spacing_mm, ends[1] * self.spacing_mm)
        return ijk[far <= np.linalg.norm(self.spacing_mm) / 2 + 1e-3]

    def touched(self, start: Float, end: Float) -> NDArray[np.int64]:
        """Indices of every voxel whose closed box the segment meets."""
        ijk = self.near(start, end)
        a, b = self.to_voxel(start) * self.spacing_mm, self.to_voxel(end) * self.spacing_mm
        distance = box_distances(ijk * self.spacing_mm, self.spacing_mm / 2, a, b)
        return ijk[distance <= TOUCH_MM]

    def crossed(self, start: Float, end: Float) -> set[str]:
        """Names of the structures that the segment meets."""
        ijk = self.touched(start, end)
        found = np.unique(self.labels[ijk[:, 2], ijk[:, 1], ijk[:, 0]])
        return {self.names[int(n)] for n in found if int(n) in self.names}

    def length_in(self, mask: Mask, start: Float, end: Float) -> float:
        """Millimetres of a segment in the voxels of a mask: each box cuts out its piece."""
        ijk = self.near(start, end)
        ijk = ijk[mask[ijk[:, 2], ijk[:, 1], ijk[:, 0]]]
        a, d = self.to_voxel(start), self.to_voxel(end) - self.to_voxel(start)
        low, high = np.zeros(len(ijk)), np.ones(len(ijk))
        for axis in range(3):
            if abs(d[axis]) < 1e-12:
                outside = np.abs(a[axis] - ijk[:, axis]) > 0.5
                high[outside] = -1.0
                continue
            first = (ijk[:, axis] - 0.5 - a[axis]) / d[axis]
            second = (ijk[:, axis] + 0.5 - a[axis]) / d[axis]
            low = np.maximum(low, np.minimum(first, second))
            high = np.minimum(high, np.maximum(first, second))
        return float(np.maximum(high - low, 0).sum() * np.linalg.norm(end - start))


@dataclass(frozen=True, eq=False)
class Surface:
    """Voxels of a mask that have a neighbour outside it (a needle from outside meets no other first)."""

    centres_mm: Float
    """(N, 3) along the grid's axes."""
    half_mm: Float
    tree: cKDTree
    inside: Mask
    scan: LabelledScan

    @staticmethod
    def of(mask: Mask, scan: LabelledScan) -> Surface:
        """Of a mask on the scan's grid."""
        padded = np.pad(mask, 1)
        inner = ndimage.binary_erosion(padded, ndimage.generate_binary_structure(3, 1))[1:-1, 1:-1, 1:-1]
        centres = np.argwhere(mask & ~inner)[:, ::-1] * scan.spacing_mm
        return Surface(centres, scan.spacing_mm / 2, cKDTree(centres), mask, scan)

    def clearance(self, start: Float, end: Float) -> float:
        """Exact mm from the segment to the nearest box; 0 where one is touched or the segment lies inside."""
        index = np.rint(self.scan.to_voxel(start)).astype(int)
        if ((index >= 0) & (index < self.scan.size_ijk)).all() and self.inside[tuple(index[::-1])]:
            return 0.0
        a = self.scan.to_voxel(start) * self.scan.spacing_mm
        b = self.scan.to_voxel(end) * self.scan.spacing_mm
        steps = np.linspace(a, b, max(2, int(np.ceil(np.linalg.norm(b - a)))))
        step = float(np.linalg.norm(b - a)) / (len(steps) - 1)
        nearest, _ = self.tree.query(steps)
        # the box that is nearest has its centre no farther than this from one of the steps
        reach = nearest.min() + step / 2 + np.linalg.norm(self.half_mm) + 1e-6
        hits = self.tree.query_ball_point(steps[nearest <= reach], reach)
        chosen = np.unique(np.concatenate([np.array(h, dtype=np.int64) for h in hits]))
        return float(box_distances(self.centres_mm[chosen], self.half_mm, a, b).min())


def centre_distances(centres: Float, a: Float, b: Float) -> Float:
    """Distances (N,) of points from a segment."""
    along = b - a
    t = np.clip((centres - a) @ along / max(float(along @ along), 1e-30), 0, 1)
    return np.linalg.norm(centres - a - t[:, None] * along, axis=1)


def box_distances(centres: Float, half: Float, a: Float, b: Float) -> Float:
    """Distances (N,) of boxes (centres (N, 3), half edges (3,)) from the segment ``a`` to ``b``, in closed form.

    The squared distance of a(t) = a + t (b - a) from a box is convex in t and a parabola between the (at most six)
    places where a coordinate of a(t) enters or leaves the box's range: so the minimum lies at one of them, at an end,
    or at the vertex of the parabola between two of them.
    """
    d = b - a
    with np.errstate(divide="ignore", invalid="ignore"):
        cuts = np.concatenate([(centres - half - a) / d, (centres + half - a) / d], axis=1)
    cuts = np.clip(np.nan_to_num(cuts, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    ends = np.broadcast_to([0.0, 1.0], (len(centres), 2))
    t = np.sort(np.concatenate([cuts, ends], axis=1), axis=1)

    def gap(at: Float) -> Float:
        """Signed distance (N, M, 3) by which each coordinate lies beyond the box."""
        offset = a + at[..., None] * d - centres[:, None, :]
        return np.sign(offset) * np.maximum(np.abs(offset) - half, 0.0)

    middle = (t[:, 1:] + t[:, :-1]) / 2
    outside = gap(middle) != 0
    slope = (outside * d**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = middle - (gap(middle) * d).sum(axis=-1) / slope
    vertex = np.where(np.isfinite(vertex), np.clip(vertex, t[:, :-1], t[:, 1:]), middle)
    everywhere = np.concatenate([t, vertex], axis=1)
    return np.sqrt((gap(everywhere) ** 2).sum(axis=-1).min(axis=1))


# --- skin ---------------------------------------------------------------------------------------------------------


def skin_gap_mm(scan: LabelledScan, entry: Float, tissue: Mask) -> float:
    """How far an entry lies from the nearest face between a voxel of tissue and one of air.

    Infinite where there is none in the two voxels about it, or where it would lie on the scan's own edge.
    """
    ijk = scan.to_voxel(entry)
    best = np.inf
    for axis in range(3):
        face = np.rint(ijk[axis] + 0.5)
        if not 1 <= face <= scan.size_ijk[axis] - 1:
            continue
        low, high = np.rint(ijk).astype(int), np.rint(ijk).astype(int)
        low[axis], high[axis] = int(face) - 1, int(face)
        # a point on an edge belongs to the faces on both of its sides
        for shift in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            move = np.insert(np.array(shift), axis, 0)
            one, two = low + move, high + move
            if (np.minimum(one, two) < 0).any() or (np.maximum(one, two) >= scan.size_ijk).any():
                continue
            if np.abs(np.delete(ijk - one, axis)).max() > 0.5 + 1e-3:
                continue
            if tissue[tuple(one[::-1])] != tissue[tuple(two[::-1])]:
                best = min(best, abs(float(ijk[axis] + 0.5 - face)) * float(scan.spacing_mm[axis]))
    return best


def inward_normal(point_ijk: Float, spacing_mm: Float, tissue: Mask, radius_mm: float = 8.0) -> Float:
    """Into the tissue: from a point to the middle of the tissue's voxels in a ball round it, along i, j, k.

    Beyond the array, the part of the scan in the needle's reach, its edge goes on.
    """
    low = np.floor(point_ijk - radius_mm / spacing_mm).astype(int)
    high = np.ceil(point_ijk + radius_mm / spacing_mm).astype(int) + 1
    axes = (np.arange(x, y) for x, y in zip(low, high, strict=True))
    ijk = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    offset = (ijk - point_ijk) * spacing_mm
    i, j, k = np.clip(ijk, 0, np.array(tissue.shape[::-1]) - 1).T
    chosen = tissue[k, j, i] & (np.linalg.norm(offset, axis=1) <= radius_mm)
    normal = offset[chosen].sum(axis=0)
    return normal / np.linalg.norm(normal)


def tissue_ahead(scan: LabelledScan, entry: Float, direction: Float, mm: float = 15.0) -> float:
    """Share of tissue on the first ``mm`` of a path."""
    points = entry + np.arange(1.0, mm + 0.1, 0.5)[:, None] * direction
    index = np.clip(np.rint(scan.to_voxel(points)).astype(int), 0, scan.size_ijk - 1)
    return float((scan.hu[index[:, 2], index[:, 1], index[:, 0]] > SKIN_HU).mean())


# --- angles -------------------------------------------------------------------------------------------------------


def between_deg(first: Float, second: Float) -> float:
    """Angle between two vectors."""
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def tilt_deg(direction: Float) -> float:
    """Out of the axial plane, positive to the head."""
    return 90.0 - between_deg(direction, np.array([0.0, 0.0, 1.0]))


def in_axial_deg(direction: Float) -> float:
    """The projection on the axial plane: 0 from behind forwards, positive to the patient's left."""
    ahead = complex(-direction[1], direction[0])
    return float(np.degrees(np.angle(ahead)))


# --- targets ------------------------------------------------------------------------------------------------------


def ball(scan: LabelledScan, centre: Float, radius_mm: float) -> Mask:
    """Voxels whose centre lies within ``radius_mm`` of a point."""
    kji = np.indices(scan.hu.shape, sparse=True)
    ijk = scan.to_voxel(centre)
    squared = sum(((kji[2 - a] - ijk[a]) * scan.spacing_mm[a]) ** 2 for a in range(3))
    return np.asarray(squared <= radius_mm**2)


def within(scan: LabelledScan, mask: Mask, radius_mm: float, of: Mask) -> Mask:
    """Voxels of ``of`` whose centre lies within ``radius_mm`` of the centre of a voxel of ``mask``."""
    result = np.zeros_like(mask)
    at = np.argwhere(of)
    if mask.any() and len(at):
        tree = cKDTree(np.argwhere(mask) * scan.spacing_mm[::-1])
        far, _ = tree.query(at * scan.spacing_mm[::-1], distance_upper_bound=radius_mm + 1e-6)
        result[tuple(at[far <= radius_mm + 1e-6].T)] = True
    return result
