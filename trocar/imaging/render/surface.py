"""A picture in three dimensions: shaded surfaces of bone, target and structures under a glassy skin, with the needle.

Drawn by our own ray caster on the processor, because the machines that run Trocar may have no graphics at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from trocar.geometry.grid import Box, Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.kernels import raycasting
from trocar.imaging.render.palette import Colour
from trocar.imaging.render.plane import PicturePlane
from trocar.imaging.render.reslicing import layer_table, plane_in_voxels
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume

Float32 = NDArray[np.float32]

BLOCK_MM = 2.0
"""Surfaces are drawn from blocks of at least this size; the picture shows where things are and measures nothing."""
SKIN_HU = -300.0
"""Half way between air and fat: where the skin is drawn."""
BONE_HU = 220.0
"""Without bone labels, what is drawn as bone; contrast medium may be drawn with it."""
BONE_COLOUR: Colour = (232, 221, 196)
SKIN_COLOUR: Colour = (214, 168, 148)
HALF = 110
"""Level of a surface in fields of 0 to 255; a little under one half, so that smoothing does not eat thin parts."""


@dataclass(frozen=True)
class Shape:
    """Structures drawn as one surface. ``shows_through``: seen faintly where something else lies in front."""

    names: tuple[str, ...]
    colour: Colour
    shows_through: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """Fields ready to be looked at from any side: ``fields`` uint8 (shapes, K, J, I) and ``skin`` (K, J, I)."""

    grid: Grid
    shapes: tuple[Shape, ...]
    fields: NDArray[np.uint8]
    skin: NDArray[np.uint8]


def scene(volume: Volume, structures: StructureSet | None, shapes: Sequence[Shape], box: Box) -> Scene:
    """Build the surfaces' fields for the part of ``volume`` in ``box``.

    Shapes without any voxel stay empty. Structures on another grid than the volume's are taken where they are. A shape
    without names is bone by intensity.
    """
    factor = np.maximum(np.floor(BLOCK_MM / volume.grid.spacing_mm + 0.01), 1).astype(int)
    part = volume.crop(box)
    grid = _blocks(part.grid, factor)
    fk, fj, fi = int(factor[2]), int(factor[1]), int(factor[0])
    mean_hu = np.asarray(raycasting.block_means(part.hu, fk, fj, fi))
    body = _largest(mean_hu > SKIN_HU)
    # a steep ramp over the skin's two voxels, so that the surface is where the intensity crosses
    ramp = np.clip((mean_hu - SKIN_HU) / 600.0 * 255.0 + HALF, 0, 255)
    skin = _smooth(np.where(ndimage.binary_dilation(body, iterations=1), ramp, 0).astype(np.uint8), 0.8)
    fields = np.zeros((max(len(shapes), 1), *grid.shape_kji), dtype=np.uint8)
    if structures is not None:
        _fill_from_labels(
            fields, structures, shapes, box if structures.grid.same_as(volume.grid) else None, grid, factor
        )
    for number, shape in enumerate(shapes):
        if not shape.names:
            bone = np.clip((mean_hu - BONE_HU) / 300.0 * 255.0 + HALF, 0, 255)
            fields[number] = np.where(body, bone, 0).astype(np.uint8)
        if fields[number].any():
            fields[number] = _smooth(fields[number], 0.8)
    return Scene(grid, tuple(shapes), fields, skin)


def render(
    scene: Scene, view: PicturePlane, depth_mm: float, path: NeedlePath, needle: Needle
) -> Image.Image:
    """The scene as seen on ``view``, from the plane to ``depth_mm`` behind it: RGB on white.

    Parallel projection, so a length at right angles to the view is to scale everywhere. The needle is drawn thicker
    than it is (3 mm), the part outside the skin too, the notch in its own colour; where it runs behind a surface it
    shows through.
    """
    size = view.height_px, view.width_px
    origin, column, row = plane_in_voxels(scene.grid, view)
    into = np.ascontiguousarray(scene.grid.patient_to_voxel[:3, :3] @ view.into_lps)
    geometry = (
        scene.grid.spacing_mm,
        origin,
        column,
        row,
        into,
        float(depth_mm),
        0.6 * float(scene.grid.spacing_mm.min()),
    )

    def cast(field: NDArray[np.uint8]) -> tuple[Float32, Float32]:
        depth, normal = raycasting.first_surface(field, _leap(field), *geometry, float(HALF), *size)
        return np.asarray(depth), normal @ scene.grid.directions.T.astype(np.float32)

    picture = np.ones((*size, 3), dtype=np.float32)
    picture *= np.linspace(1.0, 0.93, size[0], dtype=np.float32)[:, None, None]
    colours = np.array([s.colour for s in scene.shapes] or [BONE_COLOUR], dtype=np.float32) / np.float32(255)
    depth, normal = cast(scene.fields.max(axis=0))
    layer = np.asarray(raycasting.strongest_layer(scene.fields, depth, origin, column, row, into))
    hit = layer >= 0
    shade = (_haze(depth) * _edges(depth))[hit]
    picture[hit] = _lit(colours[layer[hit]], normal[hit], view) * shade[:, None]
    for number, shape in enumerate(scene.shapes):
        if shape.shows_through and scene.fields[number].any():
            own, own_normal = cast(scene.fields[number])
            behind = ~np.isnan(own) & (own > np.nan_to_num(depth, nan=np.inf) + 2.0)
            glow = _lit(colours[number], own_normal[behind], view)
            picture[behind] = 0.6 * picture[behind] + 0.4 * glow
    _draw_needle(picture, depth, view, path, needle)
    skin_depth, skin_normal = cast(scene.skin)
    front = ~np.isnan(skin_depth) & ~(depth < skin_depth)
    facing = np.clip(np.abs(skin_normal[front] @ view.into_lps.astype(np.float32)), 0, 1)
    glass = (0.08 + 0.42 * (1 - facing) ** 2 * np.sqrt(1 - facing))[:, None]
    glow = _lit(np.array(SKIN_COLOUR, dtype=np.float32) / np.float32(255), skin_normal[front], view)
    picture[front] = (1 - glass) * picture[front] + glass * glow
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def view_of(
    path: NeedlePath, centre_lps_mm: NDArray[np.float64], size_px: int, width_mm: float
) -> PicturePlane:
    """A view from the needle's side of the body, head up, turned so that the needle is seen from its flank.

    The plane lies ``width_mm`` in front of ``centre_lps_mm``, so that everything of that size is behind it.
    """
    head = np.array([0.0, 0.0, 1.0])
    flat = path.direction_lps - path.direction_lps[2] * head
    if np.linalg.norm(flat) < 0.2:
        flat = np.array([0.0, -1.0, 0.0])
    flat = flat / np.linalg.norm(flat)
    side = np.cross(head, flat)
    # towards the middle of the body, so that the needle's own flank is in front
    if side @ (centre_lps_mm - path.entry_lps_mm) < 0:
        side = -side
    into = 0.72 * flat + 0.64 * side - 0.27 * head
    into = into / np.linalg.norm(into)
    down = -head + (head @ into) * into
    down = down / np.linalg.norm(down)
    right = np.cross(down, into)
    return PicturePlane(centre_lps_mm - into * width_mm, right, down, size_px, size_px, width_mm / size_px)


def _fill_from_labels(
    fields: NDArray[np.uint8],
    structures: StructureSet,
    shapes: Sequence[Shape],
    box: Box | None,
    grid: Grid,
    factor: NDArray[np.int_],
) -> None:
    """Write the share of each block that belongs to each shape."""
    layer_of = {name: number for number, shape in enumerate(shapes) for name in shape.names}
    fk, fj, fi = int(factor[2]), int(factor[1]), int(factor[0])
    sources: list[tuple[NDArray[np.unsignedinteger], NDArray[np.int16]]] = []
    if structures.labels is not None:
        sources.append((structures.labels, layer_table(structures, layer_of)))
    sources.extend(
        (mask.view(np.uint8), np.array([-1, layer_of[name]], dtype=np.int16))
        for name, mask in structures.masks.items()
        if name in layer_of
    )
    for voxels, table in sources:
        if box is not None:
            shares = raycasting.block_shares(voxels[box.slices_kji], table, len(shapes), fk, fj, fi)
        else:
            near = _nearest_voxels(voxels, structures.grid, grid)
            shares = raycasting.block_shares(near, table, len(shapes), 1, 1, 1)
        np.maximum(fields[: len(shapes)], shares, out=fields[: len(shapes)])


def _nearest_voxels(
    voxels: NDArray[np.unsignedinteger], source: Grid, target: Grid
) -> NDArray[np.unsignedinteger]:
    """``voxels`` of one grid on another, nearest; 0 outside."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in target.shape_kji), indexing="ij")
    ijk = np.floor(source.to_voxel(target.to_patient(np.stack([i, j, k], axis=-1))) + 0.5).astype(np.int64)
    inside = ((ijk >= 0) & (ijk < np.array(source.size_ijk))).all(axis=-1)
    held = np.clip(ijk, 0, np.array(source.size_ijk) - 1)
    return np.asarray(
        np.where(inside, voxels[held[..., 2], held[..., 1], held[..., 0]], 0).astype(voxels.dtype)
    )


def _blocks(grid: Grid, factor: NDArray[np.int_]) -> Grid:
    """The grid of whole blocks of ``factor`` (i, j, k) voxels."""
    matrix = grid.voxel_to_patient.copy()
    matrix[:3, :3] *= factor
    matrix[:3, 3] = grid.to_patient((factor - 1) / 2)
    i, j, k = (int(n) for n in np.array(grid.size_ijk) // factor)
    return Grid((k, j, i), matrix)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part; without it the table would be drawn as skin."""
    return np.asarray(cc3d.largest_k(mask.astype(np.uint8), k=1, connectivity=6) > 0)


def _smooth(field: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    return np.asarray(ndimage.gaussian_filter(field, sigma, truncate=2.5))


def _leap(field: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """For each voxel how many voxels it is, at most 255, from one that reaches the surface's level."""
    if not (field >= HALF).any():
        return np.full(field.shape, 255, dtype=np.uint8)
    distance = ndimage.distance_transform_cdt(field < HALF, metric="chessboard")
    return np.asarray(np.minimum(distance, 255).astype(np.uint8))


def _lit(colour: Float32, normal: Float32, view: PicturePlane) -> Float32:
    """Colours (N, 3) of surface points with unit normals (N, 3).

    Light from over the viewer's left shoulder, soft in the shade, with a small highlight.
    """
    key = -view.into_lps - 0.55 * view.right_lps - 0.65 * view.down_lps
    key = (key / np.linalg.norm(key)).astype(np.float32)
    front = np.clip(-(normal @ view.into_lps.astype(np.float32)), 0, 1)
    towards = normal @ key
    half = 0.5 + 0.5 * towards
    shine = np.clip(towards, 0, 1) ** 2
    for _ in range(3):
        shine *= shine
    strength = 0.26 + 0.55 * half * np.sqrt(half) + 0.25 * front
    return np.asarray(np.clip(colour * strength[:, None] + 0.18 * shine[:, None], 0, 1), dtype=np.float32)


def _haze(depth: Float32) -> Float32:
    """Farther surfaces a little darker, nearest 1 and farthest 0.72."""
    if np.isnan(depth).all():
        return np.ones_like(depth)
    near, far = float(np.nanmin(depth)), float(np.nanmax(depth))
    return np.asarray(1 - 0.28 * np.nan_to_num((depth - near) / max(far - near, 1.0)), dtype=np.float32)


def _edges(depth: Float32) -> Float32:
    """Dark lines where the depth jumps, so that shapes stand apart without colour."""
    filled = np.nan_to_num(depth, nan=float(np.nanmax(depth)) + 60.0 if not np.isnan(depth).all() else 0.0)
    jump = ndimage.maximum_filter(filled, 3) - ndimage.minimum_filter(filled, 3)
    return np.asarray(1 - 0.55 * np.clip((jump - 4.0) / 12.0, 0, 1), dtype=np.float32)


def _draw_needle(
    picture: Float32, depth: Float32, view: PicturePlane, path: NeedlePath, needle: Needle
) -> None:
    """Draw the needle as cylinders into ``picture``, and where it is in front into ``depth``."""
    notch = path.length_mm + needle.notch_start_mm
    fired = path.length_mm + path.throw_mm
    outside = min(max(needle.length_mm - path.length_mm, 0.0), 60.0)
    parts = (
        (-outside, 0.0, (60, 70, 84), 1.9),
        (0.0, path.length_mm, (250, 200, 30), 1.5),
        (path.length_mm, fired, (255, 236, 130), 1.2),
        (notch, notch + needle.notch_length_mm, (214, 40, 160), 1.9),
    )
    for low, high, colour, radius_mm in parts:
        if high <= low:
            continue
        ends_lps = path.at([low, high])
        a, b = view.to_pixel(ends_lps).astype(np.float32)
        near, far = (float(d) for d in view.depth_mm(ends_lps))
        reach = radius_mm / view.mm_per_pixel + 2
        start = np.maximum(np.floor(np.minimum(a, b) - reach), 0).astype(int)
        stop = np.minimum(np.ceil(np.maximum(a, b) + reach) + 1, (view.width_px, view.height_px)).astype(int)
        if (stop <= start).any():
            continue
        part = slice(start[1], stop[1]), slice(start[0], stop[0])
        rows, columns = np.mgrid[part].astype(np.float32)
        along = b - a
        square = max(float(along @ along), 1e-6)
        t = np.clip(((columns - a[0]) * along[0] + (rows - a[1]) * along[1]) / square, 0, 1)
        off = np.hypot(columns - a[0] - t * along[0], rows - a[1] - t * along[1]) * np.float32(
            view.mm_per_pixel
        )
        bulge = np.sqrt(np.clip(1 - (off / radius_mm) ** 2, 0, 1))
        own = near + t * (far - near) - radius_mm * bulge
        rim = np.clip((radius_mm - off) / view.mm_per_pixel, 0, 1)
        hidden = own > np.nan_to_num(depth[part], nan=np.inf)
        shade = np.array(colour, np.float32) / 255 * (0.35 + 0.65 * bulge)[:, :, None]
        cover = (np.where(hidden, 0.55, 1.0) * rim).astype(np.float32)[:, :, None]
        picture[part] = (1 - cover) * picture[part] + cover * np.clip(shade, 0, 1)
        shown = (off <= radius_mm) & ~hidden
        depth[part] = np.where(shown, own, depth[part])
