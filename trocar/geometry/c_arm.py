"""Angles of a C-arm for a beam along or across the needle.

Angles are those of DICOM's XA positioner, (0018,1510) primary and (0018,1511) secondary, which say where the
*detector* stands *about the patient* (PS3.3 C.8.7.5.1.2): primary 0, secondary 0 is in front of the chest;
primary is a longitude in the transaxial plane, +90 at the patient's left hand (LAO) and -90 at the right
(RAO), ±180 behind the back; secondary is a latitude, +90 towards the head (CRA) and -90 towards the feet
(CAU). They hold for the patient, however lying on the table. What a gantry shows is the same only where it
has been told how the patient lies; ``gantry_angles`` gives what one shows that takes every patient for
supine, head first.

The beam runs from the tube to the detector. Directions are unit vectors in patient LPS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
TablePosition = Literal["prone", "supine", "left_lateral", "right_lateral"]
"""How the patient lies; ``left_lateral``: on the left side, right side up."""

UP_LPS: dict[TablePosition, tuple[float, float, float]] = {
    "supine": (0.0, -1.0, 0.0),
    "prone": (0.0, 1.0, 0.0),
    "left_lateral": (-1.0, 0.0, 0.0),
    "right_lateral": (1.0, 0.0, 0.0),
}
"""Which way of the patient points to the ceiling."""

SECONDARY_REACH_DEG = 40.0
"""How far towards head or feet a side view is sought. Unverified (U): the C-arm's own limit replaces it."""
POLE = 1e-9
"""Below this the transaxial part of a beam has no direction, and the primary angle is given as 0."""
LEVEL = 1e-6
"""A beam that rises or falls by less counts as level: the detector is then put on the side that is stated."""


@dataclass(frozen=True)
class CArmAngles:
    """Where the detector stands about the patient, in degrees.

    primary_deg: -180 (not included) to 180, positive is LAO. secondary_deg: -90 to 90, positive is CRA.
    """

    primary_deg: float
    secondary_deg: float

    def __post_init__(self) -> None:
        if not (-180.0 < self.primary_deg <= 180.0 and -90.0 <= self.secondary_deg <= 90.0):
            raise ValueError("a primary angle lies within ±180 degrees, a secondary angle within ±90")

    @property
    def text(self) -> str:
        """As it is said in the room, to whole degrees: ``LAO 32°, CRA 5°``; 0 has no side."""
        primary, secondary = _whole(self.primary_deg), _whole(self.secondary_deg)
        first = "LAO/RAO 0°" if primary == 0 else f"{'LAO' if primary > 0 else 'RAO'} {abs(primary)}°"
        if abs(primary) == 180:
            first = "LAO/RAO 180°"
        second = "CRA/CAU 0°" if secondary == 0 else f"{'CRA' if secondary > 0 else 'CAU'} {abs(secondary)}°"
        return f"{first}, {second}"


@dataclass(frozen=True)
class NeedleViews:
    """Views for putting a needle in under X-ray; the beam of each runs from the tube to the detector.

    down_the_needle: beam along the needle, which shows as a point; the detector is on the upper side of the
    table. side: beam across the needle, as near to the patient's AP or lateral view as the needle allows.
    other_side: across the needle too, turned about it from ``side`` by ``between_deg``: 90 where the C-arm
        gets there within its reach towards head and feet, as far as it gets otherwise (at right angles to a
        needle in the axial plane lies the patient's own axis, where no C-arm can shoot along).
    """

    down_the_needle: CArmAngles
    side: CArmAngles
    other_side: CArmAngles
    between_deg: float


def c_arm_angles(direction_lps: ArrayLike) -> CArmAngles:
    """Angles of the C-arm whose beam, tube to detector, runs along ``direction_lps`` (3,), of any length.

    (0, -1, 0), from back to front, is the detector in front of the chest: 0 and 0. Along the patient's own
    axis the primary angle is given as 0. Raises ValueError for a direction without length.
    """
    x, y, z = _unit(direction_lps)
    primary = math.degrees(math.atan2(x, -y)) if math.hypot(x, y) > POLE else 0.0
    return CArmAngles(
        180.0 if primary <= -180.0 else primary, math.degrees(math.asin(max(-1.0, min(1.0, z))))
    )


def beam_direction(angles: CArmAngles) -> Float:
    """Unit vector (3,) in LPS from tube to detector; the inverse of ``c_arm_angles``."""
    primary, secondary = math.radians(angles.primary_deg), math.radians(angles.secondary_deg)
    across = math.cos(secondary)
    return np.array([math.sin(primary) * across, -math.cos(primary) * across, math.sin(secondary)])


def gantry_angles(angles: CArmAngles, position: TablePosition, head_first: bool) -> CArmAngles:
    """What a gantry shows that takes every patient for supine and head first, when they lie otherwise.

    angles: about the patient, as ``c_arm_angles`` gives them. head_first: False where the patient's feet are
    where the gantry expects the head. For a supine patient, head first, both are the same.
    """
    down = -np.array(UP_LPS[position])
    head = np.array([0.0, 0.0, 1.0 if head_first else -1.0])
    # Rows: what the gantry takes for the patient's left, back and head.
    return c_arm_angles(np.stack([np.cross(down, head), down, head]) @ beam_direction(angles))


def needle_views(
    direction_lps: ArrayLike, position: TablePosition, secondary_reach_deg: float = SECONDARY_REACH_DEG
) -> NeedleViews:
    """The view down the needle and two from its sides.

    direction_lps: from entry to tip (3,), of any length. position: how the patient lies at the time.

    The detector is put above the table and the tube below it, which sends the scatter of the entrance side to
    the floor: for a needle that goes down, down-the-needle is seen from its hub. Where a beam is level, the
    detector is on the patient's left for a beam across the patient, in front for one from front to back, and
    otherwise on the side of the head. Raises ValueError for a direction without length or a reach outside 25
    to 90 degrees.
    """
    if not 25.0 <= secondary_reach_deg <= 90.0:
        # The nearest side view needs up to 24.5 degrees, so that with 25 there is always one.
        raise ValueError("the reach towards head and feet must lie within 25 to 90 degrees")
    needle = _unit(direction_lps)
    up = np.array(UP_LPS[position])
    nearest = np.eye(3)[0 if abs(needle[0]) <= abs(needle[1]) else 1]
    first = _unit(nearest - (nearest @ needle) * needle)
    crossed = np.cross(needle, first)
    between_deg = _widest_turn_deg(float(first[2]), float(crossed[2]), secondary_reach_deg)
    turn = math.radians(between_deg)
    second = math.cos(turn) * first + math.sin(turn) * crossed
    return NeedleViews(
        down_the_needle=c_arm_angles(_detector_up(needle, up)),
        side=c_arm_angles(_detector_up(first, up)),
        other_side=c_arm_angles(_detector_up(second, up)),
        between_deg=abs(between_deg),
    )


def _widest_turn_deg(first_z: float, crossed_z: float, reach_deg: float) -> float:
    """How far to turn about the needle: up to ±90 degrees, the beam's rise staying within the reach.

    The beam's z is ``first_z * cos(turn) + crossed_z * sin(turn)``: a cosine of amplitude R round its own
    phase.
    """
    if abs(crossed_z) <= math.sin(math.radians(reach_deg)) + 1e-12:
        return 90.0
    phase = math.degrees(math.atan2(crossed_z, first_z))
    limit = math.degrees(
        math.acos(min(1.0, math.sin(math.radians(reach_deg)) / math.hypot(first_z, crossed_z)))
    )
    # Where |z| meets the reach; of these the way that turns furthest before it does so.
    edges = [
        (phase + side * limit + 180.0 * half + 180.0) % 360.0 - 180.0 for side in (-1, 1) for half in (0, 1)
    ]
    forward = min(edge for edge in edges if edge > 0)
    backward = max(edge for edge in edges if edge <= 0)
    return forward if forward >= -backward else backward


def _detector_up(beam: Float, up: Float) -> Float:
    """The beam or its reverse, whichever has the detector on the upper side of the table."""
    rise = float(beam @ up)
    if abs(rise) > LEVEL:
        return beam if rise > 0 else -beam
    preferred = (beam[0], -beam[1], beam[2])
    leading = next(part for part in preferred if abs(part) > LEVEL)
    return beam if leading > 0 else -beam


def _unit(direction: ArrayLike) -> Float:
    vector = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(vector)) if vector.shape == (3,) else 0.0
    if not (math.isfinite(length) and length > 0):
        raise ValueError("a direction needs three finite numbers that are not all zero")
    return np.asarray(vector / length)


def _whole(angle_deg: float) -> int:
    """Rounded, halves away from zero, so that mirrored sides read alike."""
    return int(math.copysign(math.floor(abs(angle_deg) + 0.5), angle_deg))
