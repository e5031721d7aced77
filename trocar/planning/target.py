"""What is to be sampled, as voxels and as a fixed set of spread points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid, in_patient_order
from trocar.imaging.structures import StructureSet
from trocar.planning.plan import TargetKind
from trocar.planning.zones import organ_sinus

Mask = NDArray[np.bool_]
Float = NDArray[np.float64]

CANDIDATES = 20_000
"""At most so many voxels are considered when points are spread; more would only move points by less than a voxel."""


@dataclass(frozen=True, eq=False)
class TargetRegion:
    """A target on the CT's grid.

    mask: boolean ``[k, j, i]`` in ``box``; grid: the grid of the box.
    hosts: structures that hold the target, which the needle may go through (the kidney, the vertebra).
    zones: further masks in ``box`` that came up on the way, such as the organ's sinus.
    long_axis_lps: unit vector of the organ's own long axis, towards the head, where there is one.
    """

    name: str
    kind: TargetKind
    mask: Mask
    box: Box
    grid: Grid
    hosts: tuple[str, ...]
    zones: Mapping[str, Mask] = field(default_factory=dict)
    long_axis_lps: Float | None = None

    def __post_init__(self) -> None:
        if not self.mask.any():
            raise InputRefused(f"The target {self.name} is empty: there is no voxel of it on the scan.")

    @property
    def centre_lps_mm(self) -> Float:
        """Centre of mass (3,)."""
        return self.grid.to_patient(np.argwhere(self.mask).mean(axis=0)[::-1])

    @property
    def volume_ml(self) -> float:
        """Volume of the voxels."""
        return float(self.mask.sum() * np.prod(self.grid.spacing_mm) / 1000)

    @property
    def sample_mask(self) -> Mask:
        """What counts as a good sample: the target, or any cortex of the organ whose pole is aimed at."""
        return next((m for n, m in self.zones.items() if n.endswith("_cortex")), self.mask)

    def least_sample_mm(self, wanted_mm: float) -> float:
        """Length of target in the notch that is enough: ``wanted_mm``, but of a point no more than its ball can give.

        Of a point's ball the radius is asked for (from its volume, since a coarse grid makes it of few voxels).
        """
        if self.kind != "point":
            return wanted_mm
        return min(wanted_mm, round(float(np.cbrt(750 * self.volume_ml / np.pi)), 1))

    def holds(self, points_lps_mm: Float) -> NDArray[np.bool_]:
        """Whether points (N, 3) lie in a voxel of the target."""
        index = np.rint(self.grid.to_voxel(points_lps_mm)).astype(int)
        within = ((index >= 0) & (index < np.array(self.grid.size_ijk))).all(axis=-1)
        result = np.zeros(index.shape[:-1], bool)
        i, j, k = index[within].T
        result[within] = self.mask[k, j, i]
        return result

    def samples_lps_mm(self, count: int, seed: int) -> Float:
        """At most ``count`` points (N, 3) spread over the target, the same for the same voxels and seed."""
        return spread_points(self.mask, self.grid, count, seed)


def spread_points(mask: Mask, grid: Grid, count: int, seed: int) -> Float:
    """Voxel centres chosen farthest from those chosen before (Gonzalez 1985), in LPS mm (N, 3).

    The first is the voxel nearest to the centre of mass. Masks of more than CANDIDATES voxels are thinned by ``seed``.
    """
    points = grid.to_patient(np.argwhere(mask)[:, ::-1])
    points = points[in_patient_order(points)]
    if len(points) > CANDIDATES:
        chosen = np.random.default_rng(seed).choice(len(points), CANDIDATES, replace=False)
        points = points[np.sort(chosen)]

    def squared_mm(point: Float) -> Float:
        # rounded, so that equal distances are equal however the image is stored
        return np.asarray(((points - point) ** 2).sum(axis=1).round(5))

    first = int(np.argmin(squared_mm(points.mean(axis=0))))
    picked = [first]
    nearest = squared_mm(points[first])
    while len(picked) < min(count, len(points)):
        following = int(np.argmax(nearest))
        picked.append(following)
        nearest = np.minimum(nearest, squared_mm(points[following]))
    return points[picked]


def point_region(point_lps_mm: Float, grid: Grid, radius_mm: float, hosts: tuple[str, ...]) -> TargetRegion:
    """A point, standing for the ball of ``radius_mm`` round it. Raises InputRefused where it is off the scan."""
    point = np.asarray(point_lps_mm, dtype=np.float64)
    if not bool(grid.contains(point)):
        where = ", ".join(f"{c:g}" for c in point)
        raise InputRefused(
            f"The target point {where} lies outside the scan; give it in patient LPS millimetres."
        )
    box = Box.around(grid, point, radius_mm + float(grid.spacing_mm.max()))
    part = grid.crop(box.low_ijk, box.high_ijk)
    distance = np.linalg.norm(part.to_patient(_indices(part)) - point, axis=-1)
    # the voxel that holds the point belongs to it, however coarse the grid
    return TargetRegion("point", "point", distance <= max(radius_mm, distance.min()), box, part, hosts)


def mask_region(
    name: str,
    mask: Mask,
    grid: Grid,
    hosts: tuple[str, ...],
    kind: Literal["mask", "bone"] = "mask",
    inside: Box | None = None,
) -> TargetRegion:
    """A lesion or bone given as a mask on the CT's grid, or in the box ``inside`` of it."""
    own = _box_of(mask, name)
    offset = (0, 0, 0) if inside is None else inside.low_ijk
    low = tuple(a + b for a, b in zip(own.low_ijk, offset, strict=True))
    high = tuple(a + b for a, b in zip(own.high_ijk, offset, strict=True))
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    return TargetRegion(name, kind, mask[own.slices_kji], box, grid.crop(box.low_ijk, box.high_ijk), hosts)


def organ_pole_region(
    structures: StructureSet,
    organ: str,
    *,
    fraction: float,
    shell_mm: float,
    closing_mm: float,
    deeper_than_mm: float,
    sinus_clearance_mm: float,
) -> TargetRegion:
    """The cortex of an organ's lower pole.

    The pole is the lower ``fraction`` along the organ's own long axis (first principal axis of its voxels); the cortex
    is what lies within ``shell_mm`` of the capsule, the capsule being the surface of the organ with its sinus closed
    (ball of ``closing_mm``); nothing nearer than ``sinus_clearance_mm`` to the sinus, to which all counts that lies
    deeper than ``deeper_than_mm``. Cortex cannot be told from medulla by its density on a scan without contrast,
    hence the shell.

    Raises InputRefused where the organ is missing, or the scan's edge cuts its lower pole.
    """
    if organ not in structures.names:
        raise InputRefused(
            f"The structures hold no {organ}; give a label file that does, or a point in the kidney."
        )
    grid = structures.grid
    mask, box = organ_in_its_box(structures, organ, closing_mm)
    part = grid.crop(box.low_ijk, box.high_ijk)
    low, size = np.array(box.low_ijk), np.array(grid.size_ijk)

    voxels = np.argwhere(mask)[:, ::-1]
    points = part.to_patient(voxels)
    axis = _long_axis(points)
    along = points @ axis
    limit = along.min() + fraction * (along.max() - along.min())
    pole = voxels[along <= limit] + low
    if ((pole == 0) | (pole == size - 1)).any():
        raise InputRefused(
            f"The {organ} is cut by the edge of the scan, so its lower pole is not on it; use a scan that covers it."
        )
    sinus, depth = organ_sinus(mask, part, closing_mm, deeper_than_mm)
    spacing = part.spacing_mm[::-1]
    cortex = mask & (depth <= shell_mm)
    if sinus.any():
        cortex &= (
            ndimage.distance_transform_edt(~sinus, sampling=spacing) - spacing.min() / 2 >= sinus_clearance_mm
        )
    target = np.zeros_like(mask)
    lower = voxels[along <= limit]
    target[lower[:, 2], lower[:, 1], lower[:, 0]] = True
    target &= cortex
    if not target.any():
        raise InputRefused(f"No cortex of the lower pole of the {organ} is far enough from its sinus.")
    zones = {f"{organ}_cortex": cortex, f"{organ}_sinus": sinus}
    return TargetRegion(
        f"lower pole cortex of {organ}", "organ_pole", target, box, part, (organ,), zones, axis
    )


def organ_in_its_box(structures: StructureSet, organ: str, margin_mm: float) -> tuple[Mask, Box]:
    """An organ's mask in the box round it, widened by ``margin_mm`` and a little within the scan."""
    whole = structures.mask(organ)
    tight = _box_of(whole, organ)
    grid = structures.grid
    pad = np.ceil((margin_mm + 2) / grid.spacing_mm).astype(int)
    low = np.maximum(np.array(tight.low_ijk) - pad, 0)
    high = np.minimum(np.array(tight.high_ijk) + pad, grid.size_ijk)
    box = Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))
    return whole[box.slices_kji], box


def vertebral_body(vertebra: Mask, canal: Mask, grid: Grid) -> Mask:
    """The part of a vertebra in front of its canal: its body, without pedicles and arch.

    vertebra, canal: masks on ``grid``. Where no canal lies at the vertebra's level the whole vertebra is returned.
    """
    points = grid.to_patient(np.argwhere(vertebra)[:, ::-1])
    tube = np.argwhere(canal)[:, ::-1]
    if len(tube) == 0:
        return vertebra
    level = grid.to_patient(tube)
    level = level[(level[:, 2] >= points[:, 2].min()) & (level[:, 2] <= points[:, 2].max())]
    if len(level) == 0:
        return vertebra
    front = np.quantile(level[:, 1], 0.05)  # LPS: smaller y is anterior
    found = np.argwhere(vertebra)
    body = np.zeros_like(vertebra)
    kept = found[points[:, 1] < front]
    body[kept[:, 0], kept[:, 1], kept[:, 2]] = True
    return body if body.any() else vertebra


def _long_axis(points: Float) -> Float:
    """First principal axis of points (N, 3), turned towards the head."""
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axis = vectors[:, -1]
    return np.asarray(axis if axis[2] >= 0 else -axis)


def _box_of(mask: Mask, name: str) -> Box:
    box = Box.of_mask(mask)
    if box is None:
        raise InputRefused(f"The target {name} is empty: there is no voxel of it on the scan.")
    return box


def _indices(grid: Grid) -> Float:
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    return np.stack([i, j, k], axis=-1).astype(np.float64)
