"""The planes that pictures are cut on: where each pixel lies in the patient.

A picture's pixel (column, row) counts from the *centre* of its top left pixel, columns to the picture's right, rows
down. Directions are unit vectors in patient LPS (+x left, +y posterior, +z head).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.geometry.needle_path import NeedlePath

Float = NDArray[np.float64]
Lying = Literal["prone", "supine", "left_lateral", "right_lateral"]

DOWN_WHEN_LYING: Mapping[str, tuple[float, float, float]] = {
    "supine": (0.0, 1.0, 0.0),
    "prone": (0.0, -1.0, 0.0),
    "left_lateral": (1.0, 0.0, 0.0),
    "right_lateral": (-1.0, 0.0, 0.0),
}
"""The direction of gravity in LPS; ``left_lateral``: the patient lies on the left side."""

AXIAL_TILT_TOLERANCE_DEG = 0.5
"""Below this a needle plane is called axial; half a degree moves a 150 mm needle's end by 1.3 mm."""


@dataclass(frozen=True, eq=False)
class PicturePlane:
    """A flat picture in the patient.

    centre_lps_mm: the middle of the picture. right_lps, down_lps: where the picture's right edge and lower edge
    point; at right angles to each other. mm_per_pixel: the same across and down.
    """

    centre_lps_mm: Float
    right_lps: Float
    down_lps: Float
    width_px: int
    height_px: int
    mm_per_pixel: float

    def __post_init__(self) -> None:
        for name in ("centre_lps_mm", "right_lps", "down_lps"):
            vector = np.array(getattr(self, name), dtype=np.float64)
            if vector.shape != (3,) or not np.isfinite(vector).all():
                raise ValueError(f"{name} must be three finite numbers")
            vector.setflags(write=False)
            object.__setattr__(self, name, vector)
        lengths = np.linalg.norm(self.right_lps), np.linalg.norm(self.down_lps)
        if not np.allclose(lengths, 1, atol=1e-9) or abs(float(self.right_lps @ self.down_lps)) > 1e-9:
            raise ValueError("right and down must be unit vectors at right angles")
        if self.width_px < 1 or self.height_px < 1 or not self.mm_per_pixel > 0:
            raise ValueError("a picture needs pixels of a positive size")

    @cached_property
    def into_lps(self) -> Float:
        """Unit vector away from the viewer, into the picture."""
        return np.asarray(np.cross(self.right_lps, self.down_lps))

    @cached_property
    def origin_lps_mm(self) -> Float:
        """Centre of the top left pixel."""
        across = (self.width_px - 1) / 2 * self.mm_per_pixel
        down = (self.height_px - 1) / 2 * self.mm_per_pixel
        return np.asarray(self.centre_lps_mm - across * self.right_lps - down * self.down_lps)

    def to_pixel(self, lps_mm: ArrayLike) -> Float:
        """Points (..., 3) in LPS mm to (column, row) (..., 2), seen along the plane's normal; not rounded."""
        offset = np.asarray(lps_mm, dtype=np.float64) - self.origin_lps_mm
        return np.stack([offset @ self.right_lps, offset @ self.down_lps], axis=-1) / self.mm_per_pixel

    def to_patient(self, pixel: ArrayLike) -> Float:
        """Pixels (..., 2) as (column, row) to LPS mm (..., 3)."""
        at = np.asarray(pixel, dtype=np.float64) * self.mm_per_pixel
        return np.asarray(self.origin_lps_mm + at[..., :1] * self.right_lps + at[..., 1:] * self.down_lps)

    def depth_mm(self, lps_mm: ArrayLike) -> Float:
        """How far points (..., 3) lie behind the plane (negative: towards the viewer)."""
        return np.asarray((np.asarray(lps_mm, dtype=np.float64) - self.centre_lps_mm) @ self.into_lps)

    def coarser(self, factor: int) -> PicturePlane:
        """The same picture with pixels ``factor`` times as large; a last part of a pixel is rounded up."""
        width, height = -(-self.width_px // factor), -(-self.height_px // factor)
        size = self.mm_per_pixel * factor
        corner = self.origin_lps_mm - (self.right_lps + self.down_lps) * self.mm_per_pixel / 2
        centre = corner + self.right_lps * width * size / 2 + self.down_lps * height * size / 2
        return PicturePlane(centre, self.right_lps, self.down_lps, width, height, size)

    @property
    def tilt_deg(self) -> float:
        """Angle between this plane and the patient's axial plane, 0 to 90."""
        return float(np.degrees(np.arccos(np.clip(abs(self.into_lps[2]), 0.0, 1.0))))


def standard(
    kind: Literal["axial", "coronal", "sagittal"],
    centre_lps_mm: ArrayLike,
    size_px: tuple[int, int],
    mm_per_pixel: float,
    lying: Lying | None = None,
) -> PicturePlane:
    """A plane along the patient's axes, ``size_px`` as (width, height).

    Axial: seen from the feet, anterior up, the patient's right on the left. With ``lying`` it is turned, never
    mirrored, so that gravity points down the picture, as the patient lies on the table seen from the feet.
    Coronal: seen from the front, head up. Sagittal: seen from the patient's left, head up, anterior on the left.
    """
    right, down = {
        "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
        "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    }[kind]
    if kind == "axial" and lying is not None:
        turned = _turned(DOWN_WHEN_LYING[lying], (0.0, 0.0, 1.0))
        return _plane(centre_lps_mm, turned, DOWN_WHEN_LYING[lying], size_px, mm_per_pixel)
    return _plane(centre_lps_mm, right, down, size_px, mm_per_pixel)


def along_needle(
    path: NeedlePath,
    centre_lps_mm: ArrayLike,
    size_px: tuple[int, int],
    mm_per_pixel: float,
    lying: Lying | None = None,
) -> PicturePlane:
    """The plane nearest to axial that holds the whole needle, shown like an axial picture.

    Of all planes through the needle it has the smallest angle to the axial plane: its normal is the head direction
    less its part along the needle. ``centre_lps_mm`` is moved into the plane. A needle that runs straight to head
    or feet lies in no plane near axial; then the coronal plane through it is given.
    """
    needle = path.direction_lps
    normal = np.array([0.0, 0.0, 1.0]) - needle[2] * needle
    length = np.linalg.norm(normal)
    normal = normal / length if length > 1e-3 else _square_to(np.array([0.0, -1.0, 0.0]), needle)
    upright = np.array(DOWN_WHEN_LYING[lying] if lying else (0.0, 1.0, 0.0))
    if np.linalg.norm(upright - (upright @ normal) * normal) < 1e-3:
        upright = np.array([0.0, 0.0, -1.0])
    down = _square_to(upright, normal)
    centre = np.asarray(centre_lps_mm, dtype=np.float64)
    centre = centre + ((path.entry_lps_mm - centre) @ normal) * normal
    return _plane(centre, _turned(down, normal), down, size_px, mm_per_pixel)


def across_needle(
    path: NeedlePath,
    centre_lps_mm: ArrayLike,
    size_px: tuple[int, int],
    mm_per_pixel: float,
    lying: Lying | None = None,
) -> PicturePlane:
    """The other plane through the needle: at right angles to ``along_needle``, with the head to the right.

    The picture's vertical is the needle's direction in the near-axial plane's sense: down is where gravity (or the
    patient's back, without ``lying``) points most.
    """
    first = along_needle(path, centre_lps_mm, size_px, mm_per_pixel, lying)
    normal = np.cross(first.into_lps, path.direction_lps)
    head = np.array([0.0, 0.0, 1.0]) - normal[2] * normal
    if np.linalg.norm(head) < 1e-3:
        head = np.array([0.0, -1.0, 0.0])
    right = _square_to(head, normal)
    down = np.cross(normal, right)
    upright = np.array(DOWN_WHEN_LYING[lying] if lying else (0.0, 1.0, 0.0))
    if down @ upright < 0:
        down, normal = -down, -normal
    centre = np.asarray(centre_lps_mm, dtype=np.float64)
    centre = centre + ((path.entry_lps_mm - centre) @ normal) * normal
    return _plane(centre, right, down, size_px, mm_per_pixel)


def down_needle(
    path: NeedlePath, centre_lps_mm: ArrayLike, size_px: tuple[int, int], mm_per_pixel: float
) -> PicturePlane:
    """The plane at right angles to the needle, seen from its hub, with the patient's head up.

    A needle that runs to head or feet is shown with the patient's front up.
    """
    into = path.direction_lps
    down = np.array([0.0, 0.0, -1.0])
    if np.linalg.norm(down - (down @ into) * into) < 0.2:
        down = np.array([0.0, 1.0, 0.0])
    down = _square_to(down, into)
    return _plane(centre_lps_mm, np.cross(down, into), down, size_px, mm_per_pixel)


def direction_letters(direction_lps: ArrayLike, least: float = 0.38) -> str:
    """Where a direction points in the patient: L, R, A, P, H (head), F (feet), strongest first.

    Two or three letters name an oblique direction; a part below ``least`` (22 degrees) is left out.
    """
    d = np.asarray(direction_lps, dtype=np.float64)
    d = d / np.linalg.norm(d)
    order = sorted(range(3), key=lambda n: (-abs(round(float(d[n]), 6)), n))
    letters = (("L", "R"), ("P", "A"), ("H", "F"))
    return "".join(letters[n][0 if d[n] > 0 else 1] for n in order if abs(d[n]) >= least)


def _turned(down: ArrayLike, normal: ArrayLike) -> Float:
    """The picture's right for a viewer who looks from the feet: ``down`` turned a quarter about the head axis."""
    return np.asarray(np.cross(np.asarray(down, dtype=np.float64), np.asarray(normal, dtype=np.float64)))


def _square_to(vector: Float, axis: Float) -> Float:
    """Unit vector of the part of ``vector`` at right angles to the unit vector ``axis``."""
    rest = vector - (vector @ axis) * axis
    return np.asarray(rest / np.linalg.norm(rest))


def _plane(
    centre: ArrayLike, right: ArrayLike, down: ArrayLike, size_px: tuple[int, int], mm_per_pixel: float
) -> PicturePlane:
    vectors = [np.asarray(v, dtype=np.float64) for v in (centre, right, down)]
    return PicturePlane(vectors[0], vectors[1], vectors[2], size_px[0], size_px[1], mm_per_pixel)
